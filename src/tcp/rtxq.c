/* SPDX-License-Identifier: MIT */
/*
 * Records of what was sent and is not yet acknowledged, in a ring in sequence order. One record is one segment as it
 * first left; it is never split, so that a peer cannot make the queue longer (CVE-2019-11477). A SACK block that
 * covers a record in part does not count for it.
 *
 * Each record also stands in a list by the time of its last transmission (`sent`), so that RACK looks only at what it marks
 * [RFC8985 6.2, step 5], or in the list of those marked lost and not yet resent, or in none (SACKed). In the list of the lost, what was
 * lost again stands first: it went first, being the earliest, and holds up all that is behind it.
 */
#include "tcp/queues.h"

enum { LIST_NONE = 0, LIST_SENT = 1, LIST_LOST = 2 };

/* Numbers stay below RTXQ_NONE. */
static const uint32_t number_mask = 0x7fffffff;

static uint32_t number_of(const struct rtxq *q, uint32_t i)
{
    return (q->first + i) & number_mask;
}

static struct rtxq_list *list_of(struct rtxq *q, const struct tcp_record *r)
{
    return r->list == LIST_SENT ? &q->sent : &q->lost;
}

static void list_append(struct rtxq *q, uint32_t number, uint8_t list)
{
    struct tcp_record *r = rtxq_at(q, number);
    struct rtxq_list *l;

    r->list = list;
    l = list_of(q, r);
    r->prev = l->last;
    r->next = RTXQ_NONE;
    if (l->last == RTXQ_NONE)
        l->first = number;
    else
        rtxq_at(q, l->last)->next = number;
    l->last = number;
}

/* Into `lost` behind `before`, or as the first. */
static void lost_insert(struct rtxq *q, uint32_t number, uint32_t before)
{
    struct tcp_record *r = rtxq_at(q, number);

    r->list = LIST_LOST;
    r->prev = before;
    r->next = before == RTXQ_NONE ? q->lost.first : rtxq_at(q, before)->next;
    if (before == RTXQ_NONE)
        q->lost.first = number;
    else
        rtxq_at(q, before)->next = number;
    if (r->next == RTXQ_NONE)
        q->lost.last = number;
    else
        rtxq_at(q, r->next)->prev = number;
}

static void list_remove(struct rtxq *q, struct tcp_record *r)
{
    struct rtxq_list *l = list_of(q, r);

    if (r->list == LIST_NONE)
        return;
    if (q->relost_last != RTXQ_NONE && rtxq_at(q, q->relost_last) == r)
        q->relost_last = r->prev;
    if (r->prev == RTXQ_NONE)
        l->first = r->next;
    else
        rtxq_at(q, r->prev)->next = r->next;
    if (r->next == RTXQ_NONE)
        l->last = r->prev;
    else
        rtxq_at(q, r->next)->prev = r->prev;
    if (r->list == LIST_LOST)
        q->lost_bytes -= r->len;
    r->list = LIST_NONE;
}

void rtxq_init(struct rtxq *q)
{
    memset(q, 0, offsetof(struct rtxq, few));
    q->ring = q->few;
    q->capacity = RTXQ_RING_MIN;
    q->sent = q->lost = (struct rtxq_list){.first = RTXQ_NONE, .last = RTXQ_NONE};
    q->relost_last = RTXQ_NONE;
}

static void ring_free(struct rtxq *q, struct mem *mem)
{
    if (q->ring != q->few)
        mem_free(mem, q->ring, q->capacity * sizeof(*q->ring));
}

void rtxq_finish(struct rtxq *q, struct mem *mem)
{
    ring_free(q, mem);
    rtxq_init(q);
}

uint32_t rtxq_after(const struct rtxq *q, uint32_t number)
{
    uint32_t i = ((number - q->first) & number_mask) + 1;

    return i < q->count ? number_of(q, i) : RTXQ_NONE;
}

uint32_t rtxq_last(const struct rtxq *q)
{
    return number_of(q, q->count - 1);
}

bool rtxq_reserve(struct rtxq *q, struct mem *mem)
{
    uint32_t capacity;
    struct tcp_record *ring;

    if (LIKELY(q->count < q->capacity))
        return true;
    capacity = 2 * q->capacity;
    ring = mem_alloc(mem, capacity * sizeof(*ring));
    if (!ring)
        return false;
    for (uint32_t i = 0; i < q->count; i++)
        ring[number_of(q, i) & (capacity - 1)] = *rtxq_at(q, number_of(q, i));
    ring_free(q, mem);
    q->ring = ring;
    q->capacity = capacity;
    return true;
}

struct tcp_record *rtxq_push(struct rtxq *q, tcp_seq seq, uint32_t len, uint8_t flags,
                             gander_time now)
{
    uint32_t number = number_of(q, q->count++);
    struct tcp_record *r = rtxq_at(q, number);

    *r = (struct tcp_record){.seq = seq,
                             .len = len,
                             .sent_ns = now,
                             .first_sent_ns = now,
                             .flags = flags,
                             .transmissions = 1};
    list_append(q, number, LIST_SENT);
    q->sent_total += len;
    return r;
}

void rtxq_pop(struct rtxq *q)
{
    struct tcp_record *r = rtxq_at(q, q->first);

    list_remove(q, r);
    if (r->flags & RECORD_SACKED) {
        q->sacked_bytes -= r->len;
        q->sacked_count--;
    }
    q->first = number_of(q, 1);
    q->count--;
}

void rtxq_trim_first(struct rtxq *q, tcp_seq seq)
{
    struct tcp_record *r = rtxq_at(q, q->first);
    uint32_t gone = seq - r->seq;

    if (r->list == LIST_LOST)
        q->lost_bytes -= gone;
    if (r->flags & RECORD_SACKED)
        q->sacked_bytes -= gone;
    r->flags &= (uint8_t)~RECORD_SYN; /* the SYN is the first number of its record */
    r->seq = seq;
    r->len -= gone;
}

uint32_t rtxq_find(const struct rtxq *q, tcp_seq seq)
{
    uint32_t low = 0, high = q->count;

    while (low < high) { /* the first record that ends behind seq */
        uint32_t middle = (low + high) / 2;
        const struct tcp_record *r = rtxq_at(q, number_of(q, middle));

        if (seq_gt(r->seq + r->len, seq))
            high = middle;
        else
            low = middle + 1;
    }
    return low < q->count ? number_of(q, low) : RTXQ_NONE;
}

void rtxq_mark_sacked(struct rtxq *q, uint32_t number)
{
    struct tcp_record *r = rtxq_at(q, number);

    list_remove(q, r);
    r->flags |= RECORD_SACKED;
    q->sacked_bytes += r->len;
    q->sacked_count++;
}

void rtxq_mark_lost(struct rtxq *q, uint32_t number, uint8_t rule)
{
    struct tcp_record *r = rtxq_at(q, number);

    bool again = r->list == LIST_SENT && (r->flags & RECORD_RETRANSMITTED);

    list_remove(q, r);
    r->flags |= RECORD_LOST;
    r->rule = rule;
    if (again) {
        lost_insert(q, number, q->relost_last);
        q->relost_last = number;
        q->relost_total++;
    } else {
        list_append(q, number, LIST_LOST);
    }
    q->lost_bytes += r->len;
    q->lost_total++;
}

void rtxq_mark_resent(struct rtxq *q, uint32_t number, gander_time now)
{
    struct tcp_record *r = rtxq_at(q, number);

    list_remove(q, r);
    r->flags |= RECORD_RETRANSMITTED;
    r->sent_ns = now;
    if (r->transmissions < UINT8_MAX)
        r->transmissions++;
    list_append(q, number, LIST_SENT);
    q->sent_total += r->len;
    q->resent_total += r->len;
}

void rtxq_mark_timeout(struct rtxq *q, gander_time overdue_ns, bool forget, uint8_t rule)
{
    /* anew, so that it is in sequence order: the earliest goes first [RFC6298 5.4] */
    q->lost = (struct rtxq_list){.first = RTXQ_NONE, .last = RTXQ_NONE};
    q->relost_last = RTXQ_NONE;
    q->lost_bytes = 0;
    for (uint32_t i = 0; i < q->count; i++) {
        uint32_t number = number_of(q, i);
        struct tcp_record *r = rtxq_at(q, number);

        if ((r->flags & RECORD_SACKED) && !forget)
            continue;
        if (r->flags & RECORD_SACKED) {
            q->sacked_bytes -= r->len;
            q->sacked_count--;
            r->flags &= (uint8_t)~RECORD_SACKED;
        } else if (r->list == LIST_LOST) {
            r->list = LIST_NONE;
        } else if (i > 0 && r->sent_ns > overdue_ns) {
            continue;
        } else {
            q->relost_total += r->flags & RECORD_RETRANSMITTED ? 1 : 0;
            list_remove(q, r);
        }
        rtxq_mark_lost(q, number, rule);
    }
}

void rtxq_unmark_lost(struct rtxq *q)
{
    uint32_t last = q->lost.last;

    if (last == RTXQ_NONE)
        return;
    for (uint32_t number = q->lost.first; number != RTXQ_NONE; number = rtxq_at(q, number)->next) {
        struct tcp_record *r = rtxq_at(q, number);

        r->list = LIST_SENT;
        r->flags &= (uint8_t)~RECORD_LOST;
    }
    rtxq_at(q, last)->next = q->sent.first;
    if (q->sent.first == RTXQ_NONE)
        q->sent.last = last;
    else
        rtxq_at(q, q->sent.first)->prev = last;
    q->sent.first = q->lost.first;
    q->relost_last = RTXQ_NONE;
    q->lost = (struct rtxq_list){.first = RTXQ_NONE, .last = RTXQ_NONE};
    q->lost_bytes = 0;
}

/* SPDX-License-Identifier: MIT */
/* The queue of sent records against a naive model: an array of records, and two arrays for the lists by time. */
#include "host.h"
#include "tcp/queues.h"

enum { RECORDS_MAX = 256, STEPS_MAX = 500 };

struct entry {
    struct tcp_record r;
    uint32_t id;
};

struct list {
    uint32_t ids[RECORDS_MAX];
    unsigned count;
    unsigned again; /* of `lost`: so many at its start were lost again */
};

struct model {
    struct host host;
    struct rtxq q;
    struct entry entries[RECORDS_MAX];
    unsigned count;
    struct list sent, lost;
    uint32_t next_id;
    tcp_seq end;
    gander_time now;
};

static void list_drop(struct list *l, uint32_t id)
{
    for (unsigned i = 0; i < l->count; i++) {
        if (l->ids[i] != id)
            continue;
        l->count--;
        l->again -= i < l->again;
        memmove(&l->ids[i], &l->ids[i + 1], (l->count - i) * sizeof(l->ids[0]));
        return;
    }
}

static void list_add(struct list *l, uint32_t id)
{
    CHECK(l->count < RECORDS_MAX);
    l->ids[l->count++] = id;
}

/* Behind those that were lost again. */
static void list_add_again(struct list *l, uint32_t id)
{
    CHECK(l->count < RECORDS_MAX);
    memmove(&l->ids[l->again + 1], &l->ids[l->again], (l->count - l->again) * sizeof(l->ids[0]));
    l->ids[l->again++] = id;
    l->count++;
}

static void forget(struct model *m, uint32_t id)
{
    list_drop(&m->sent, id);
    list_drop(&m->lost, id);
}

/* The number of the i-th record. */
static uint32_t number_at(const struct model *m, unsigned i)
{
    uint32_t number = m->q.first;

    while (i-- > 0)
        number = rtxq_after(&m->q, number);
    return number;
}

static void check_list(const struct model *m, const struct rtxq_list *l, const struct list *want)
{
    uint32_t number = l->first, before = RTXQ_NONE;

    for (unsigned i = 0; i < want->count; i++) {
        const struct tcp_record *r;
        unsigned k = 0;

        CHECK(number != RTXQ_NONE);
        r = rtxq_at(&m->q, number);
        while (m->entries[k].id != want->ids[i])
            CHECK(++k < m->count);
        CHECK(r->seq == m->entries[k].r.seq && r->prev == before);
        before = number;
        number = r->next;
    }
    CHECK(number == RTXQ_NONE && l->last == before);
}

static void check(const struct model *m)
{
    uint32_t sacked = 0, sacked_bytes = 0, lost_bytes = 0, number = m->q.first;

    CHECK(m->q.count == m->count);
    for (unsigned i = 0; i < m->count; i++) {
        const struct tcp_record *want = &m->entries[i].r, *r = rtxq_at(&m->q, number);

        CHECK(r->seq == want->seq && r->len == want->len && r->sent_ns == want->sent_ns &&
              r->first_sent_ns == want->first_sent_ns && r->flags == want->flags &&
              r->transmissions == want->transmissions && r->rule == want->rule);
        if (r->flags & RECORD_SACKED) {
            sacked++;
            sacked_bytes += r->len;
        }
        for (unsigned k = 0; k < m->lost.count; k++)
            lost_bytes += m->lost.ids[k] == m->entries[i].id ? r->len : 0;
        if (i + 1 == m->count)
            CHECK(rtxq_last(&m->q) == number);
        number = rtxq_after(&m->q, number);
    }
    CHECK(m->count == 0 || number == RTXQ_NONE);
    CHECK(m->q.sacked_count == sacked && m->q.sacked_bytes == sacked_bytes);
    CHECK(m->q.lost_bytes == lost_bytes);
    check_list(m, &m->q.sent, &m->sent);
    check_list(m, &m->q.lost, &m->lost);
}

static void push(struct model *m, struct input *in)
{
    uint32_t len = 1 + take8(in) * 8U;
    struct entry *e = &m->entries[m->count];

    if (m->count == RECORDS_MAX || !rtxq_reserve(&m->q, m->host.stack->mem))
        return;
    *e = (struct entry){.id = m->next_id++,
                        .r = {.seq = m->end,
                              .len = len,
                              .sent_ns = m->now,
                              .first_sent_ns = m->now,
                              .transmissions = 1}};
    rtxq_push(&m->q, m->end, len, 0, m->now);
    list_add(&m->sent, e->id);
    m->count++;
    m->end += len;
}

static void pop(struct model *m)
{
    if (m->count == 0)
        return;
    forget(m, m->entries[0].id);
    rtxq_pop(&m->q);
    m->count--;
    memmove(&m->entries[0], &m->entries[1], m->count * sizeof(m->entries[0]));
}

static void trim(struct model *m, struct input *in)
{
    struct tcp_record *r = &m->entries[0].r;
    uint32_t n = take8(in);

    if (m->count == 0 || n >= r->len)
        return;
    rtxq_trim_first(&m->q, r->seq + n);
    r->seq += n;
    r->len -= n;
}

static void find(const struct model *m, struct input *in)
{
    tcp_seq seq = m->end - take16(in) + 100;
    uint32_t want = RTXQ_NONE;

    for (unsigned i = 0; i < m->count && want == RTXQ_NONE; i++)
        if (seq_gt(m->entries[i].r.seq + m->entries[i].r.len, seq))
            want = number_at(m, i);
    CHECK(rtxq_find(&m->q, seq) == want);
}

static void mark(struct model *m, struct input *in, unsigned how)
{
    unsigned i = take8(in);
    struct entry *e;
    bool sent = false;

    if (m->count == 0)
        return;
    i %= m->count;
    e = &m->entries[i];
    for (unsigned k = 0; k < m->sent.count; k++)
        sent = sent || m->sent.ids[k] == e->id;
    if (e->r.flags &
        RECORD_SACKED) /* nothing else happens to it before it is popped, or the next time-out */
        return;
    forget(m, e->id);
    if (how == 0) {
        rtxq_mark_sacked(&m->q, number_at(m, i));
        e->r.flags |= RECORD_SACKED;
    } else if (how == 1) {
        rtxq_mark_lost(&m->q, number_at(m, i), GANDER_WHY_retransmit_rack);
        e->r.flags |= RECORD_LOST;
        e->r.rule = GANDER_WHY_retransmit_rack;
        if (sent && (e->r.flags & RECORD_RETRANSMITTED))
            list_add_again(&m->lost, e->id);
        else
            list_add(&m->lost, e->id);
    } else {
        rtxq_mark_resent(&m->q, number_at(m, i), m->now);
        e->r.flags |= RECORD_RETRANSMITTED;
        e->r.sent_ns = m->now;
        if (e->r.transmissions < UINT8_MAX)
            e->r.transmissions++;
        list_add(&m->sent, e->id);
    }
}

/* After a time-out: in sequence order, the first one and all that left by `overdue`, and those that were lost before. */
static void mark_timeout(struct model *m, struct input *in)
{
    bool forget = take8(in) & 1;
    gander_time overdue = m->now - (take8(in) & 15);
    struct list lost_before = m->lost;

    rtxq_mark_timeout(&m->q, overdue, forget, GANDER_WHY_retransmit_timeout);
    m->lost.count = m->lost.again = 0;
    for (unsigned i = 0; i < m->count; i++) {
        struct tcp_record *r = &m->entries[i].r;
        bool sacked = r->flags & RECORD_SACKED, lost = i == 0 || r->sent_ns <= overdue || sacked;

        for (unsigned k = 0; k < lost_before.count; k++)
            lost = lost || lost_before.ids[k] == m->entries[i].id;
        if (!lost || (sacked && !forget))
            continue;
        r->flags = (uint8_t)((r->flags & ~RECORD_SACKED) | RECORD_LOST);
        r->rule = GANDER_WHY_retransmit_timeout;
        list_drop(&m->sent, m->entries[i].id);
        list_add(&m->lost, m->entries[i].id);
    }
}

static void unmark_lost(struct model *m)
{
    struct list sent = m->sent;

    rtxq_unmark_lost(&m->q);
    for (unsigned i = 0; i < m->count; i++)
        for (unsigned k = 0; k < m->lost.count; k++)
            if (m->lost.ids[k] == m->entries[i].id)
                m->entries[i].r.flags &= (uint8_t)~RECORD_LOST;
    m->sent = m->lost;
    m->sent.again = 0;
    m->lost.count = m->lost.again = 0;
    for (unsigned k = 0; k < sent.count; k++)
        list_add(&m->sent, sent.ids[k]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const tcp_seq bases[] = {0, 0xffffff00, 0x7fffff00, 12345};
    static struct model model;
    struct model *m = &model;
    struct input in = {data, size};
    uint8_t how = take8(&in);

    memset(m, 0, sizeof(*m));
    host_init(&m->host);
    host_start(&m->host);
    rtxq_init(&m->q);
    m->end = bases[how & 3];
    m->q.first = how & 4 ? 0x7ffffff0 : 0; /* record numbers wrap too */
    for (unsigned i = 0; in.left > 0 && i < STEPS_MAX; i++) {
        uint8_t what = take8(&in);

        m->now += what >> 4;
        switch (what & 15) {
        default:
            push(m, &in);
            break;
        case 6:
        case 7:
            pop(m);
            break;
        case 8:
            trim(m, &in);
            break;
        case 9:
            find(m, &in);
            break;
        case 10:
        case 11:
        case 12:
            mark(m, &in, (what & 15) - 10);
            break;
        case 13:
            mark_timeout(m, &in);
            break;
        case 14:
            m->host.refusals = what >> 6;
            break;
        case 15:
            unmark_lost(m);
            break;
        }
        check(m);
    }
    rtxq_finish(&m->q, m->host.stack->mem);
    host_finish(&m->host);
    return 0;
}

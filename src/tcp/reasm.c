/* SPDX-License-Identifier: MIT */
/*
 * Reassembly: packets that arrived ahead of a gap, as a sorted array of runs without gaps [RFC9293 3.10.7.4, SHLD-31]. Looking up is
 * O(log n); a new run shifts at most REASM_RUNS_MAX small entries, whatever the peer sends (CVE-2018-5390).
 * Where data overlap, what arrived first stays [docs/security.md E5]; memory is charged at true buffer size.
 */
#include "tcp/queues.h"

enum { REASM_RUNS_MIN = 4 };

void reasm_init(struct reasm *r)
{
    memset(r, 0, sizeof(*r));
}

void reasm_finish(struct reasm *r, struct mem *mem)
{
    for (uint32_t i = 0; i < r->count; i++) {
        struct gander_packet *packet = r->runs[i].first;

        while (packet) {
            struct gander_packet *next = packet->next;

            gander_packet_free(packet);
            packet = next;
        }
    }
    if (r->runs)
        mem_free(mem, r->runs, r->capacity * sizeof(*r->runs));
    reasm_init(r);
}

/* The first run that ends at or behind `seq`. */
static uint32_t run_find(const struct reasm *r, tcp_seq seq)
{
    uint32_t low = 0, high = r->count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (seq_geq(r->runs[middle].right, seq))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static bool runs_reserve(struct reasm *r, struct mem *mem)
{
    uint32_t capacity = r->capacity ? 2 * r->capacity : REASM_RUNS_MIN;
    struct reasm_run *runs;

    if (r->count < r->capacity)
        return true;
    runs = r->count < REASM_RUNS_MAX ? mem_alloc(mem, capacity * sizeof(*runs)) : NULL;
    if (!runs)
        return false;
    if (r->runs) {
        memcpy(runs, r->runs, r->count * sizeof(*runs));
        mem_free(mem, r->runs, r->capacity * sizeof(*runs));
    }
    r->runs = runs;
    r->capacity = capacity;
    return true;
}

static void run_remove(struct reasm *r, uint32_t i)
{
    r->count--;
    memmove(&r->runs[i], &r->runs[i + 1], (r->count - i) * sizeof(r->runs[0]));
}

static void recent_note(struct reasm *r, tcp_seq seq)
{
    uint8_t n = r->recent_count < REASM_RECENT ? r->recent_count++ : REASM_RECENT - 1;

    memmove(&r->recent[1], &r->recent[0], n * sizeof(r->recent[0]));
    r->recent[0] = seq;
}

/* Run i may now touch the next. */
static void run_join(struct reasm *r, uint32_t i)
{
    struct reasm_run *run = &r->runs[i];

    if (i + 1 == r->count || r->runs[i + 1].left != run->right)
        return;
    run->last->next = r->runs[i + 1].first;
    run->last = r->runs[i + 1].last;
    run->right = r->runs[i + 1].right;
    run->held_bytes += r->runs[i + 1].held_bytes;
    run_remove(r, i + 1);
}

/* The packet goes behind run i, which ends where it begins. Small text in a large buffer is copied to what is there, so that also
 * with small segments a whole window can wait. Returns what it costs. */
static uint32_t run_extend(struct reasm *r, struct mem *mem, uint32_t i,
                           struct gander_packet *packet, uint32_t charge)
{
    struct reasm_run *run = &r->runs[i];
    uint32_t len = packet->len;

    if (charge > 2 * len && recvq_absorb(mem, run->last, packet)) {
        charge = 0;
    } else {
        run->last->next = packet;
        run->last = packet;
    }
    run->right += len;
    run->held_bytes += charge;
    run_join(r, i);
    return charge;
}

/* The packet stands before run i, which may begin where it ends. */
static bool run_insert(struct reasm *r, struct mem *mem, uint32_t i, struct gander_packet *packet,
                       tcp_seq seq, uint32_t charge)
{
    tcp_seq right = seq + packet->len;

    if (i < r->count && r->runs[i].left == right) {
        packet->next = r->runs[i].first;
        r->runs[i].first = packet;
        r->runs[i].left = seq;
        r->runs[i].held_bytes += charge;
        return true;
    }
    if (!runs_reserve(r, mem))
        return false;
    memmove(&r->runs[i + 1], &r->runs[i], (r->count - i) * sizeof(r->runs[0]));
    r->runs[i] = (struct reasm_run){
        .left = seq, .right = right, .first = packet, .last = packet, .held_bytes = charge};
    r->count++;
    return true;
}

enum gander_drop reasm_insert(struct reasm *r, struct mem *mem, struct gander_packet *packet,
                              tcp_seq seq, uint32_t limit)
{
    tcp_seq right = seq + packet->len;
    uint32_t i = run_find(r, seq);
    uint32_t charge, len;

    if (i < r->count && seq_geq(seq, r->runs[i].left)) { /* begins in or at the end of run i */
        if (seq_leq(right, r->runs[i].right))
            return GANDER_DROP_tcp_duplicate;
        packet_pull(packet, r->runs[i].right - seq);
        seq = r->runs[i].right;
        i++;
    }
    if (i < r->count &&
        seq_gt(right, r->runs[i].left)) /* runs into the next: keep the piece before it */
        gander_packet_trim(packet, r->runs[i].left - seq);
    if (packet->len == 0)
        return GANDER_DROP_tcp_duplicate;
    charge = recvq_charge(mem, packet);
    if (r->held_bytes + charge > limit)
        return GANDER_DROP_tcp_reorder_full;
    packet->next = NULL;
    len = packet->len;
    if (i > 0 && r->runs[i - 1].right == seq)
        charge = run_extend(r, mem, i - 1, packet, charge);
    else if (!run_insert(r, mem, i, packet, seq, charge))
        return GANDER_DROP_tcp_reorder_full;
    r->held_bytes += charge;
    r->text_bytes += len;
    recent_note(r, seq);
    return GANDER_DROP_none;
}

bool reasm_holds(const struct reasm *r, tcp_seq seq)
{
    uint32_t i = run_find(r, seq + 1);

    return i < r->count && seq_leq(r->runs[i].left, seq);
}

bool reasm_overlap(const struct reasm *r, tcp_seq left, tcp_seq right, struct tcp_sack_block *part,
                   struct tcp_sack_block *run)
{
    uint32_t i = run_find(r, left + 1);

    if (i >= r->count || seq_geq(r->runs[i].left, right))
        return false;
    *run = (struct tcp_sack_block){r->runs[i].left, r->runs[i].right};
    *part = (struct tcp_sack_block){seq_max(left, run->left), seq_min(right, run->right)};
    return true;
}

bool reasm_splits(const struct reasm *r, tcp_seq left, tcp_seq right)
{
    uint32_t i = run_find(r, left + 1);

    if (i < r->count && seq_lt(r->runs[i].left, left)) /* begins before: only its end is inside */
        i++;
    return i < r->count && seq_lt(r->runs[i].right, right);
}

static void run_copy_out(struct reasm *r, uint32_t i, uint8_t *to)
{
    struct gander_packet *packet = r->runs[i].first;

    r->text_bytes -= r->runs[i].right - r->runs[i].left;
    r->held_bytes -= r->runs[i].held_bytes;
    while (packet) {
        struct gander_packet *next = packet->next;

        to += packet_read(packet, 0, to, packet->len);
        gander_packet_free(packet);
        packet = next;
    }
}

void reasm_overlay(struct reasm *r, struct mem *mem, uint8_t *text, tcp_seq left, tcp_seq right)
{
    uint32_t i = run_find(r, left + 1), end;

    if (i < r->count && seq_lt(r->runs[i].left, left))
        i++;
    for (end = i; end < r->count && seq_leq(r->runs[end].right, right); end++)
        run_copy_out(r, end, text + (r->runs[end].left - left));
    memmove(&r->runs[i], &r->runs[end], (r->count - end) * sizeof(r->runs[0]));
    r->count -= end - i;
    if (r->count == 0)
        reasm_finish(r, mem);
}

bool reasm_take(struct reasm *r, struct mem *mem, tcp_seq seq, struct recvq *q, tcp_seq *right)
{
    struct reasm_run run;

    if (r->count == 0 || r->runs[0].left != seq)
        return false;
    run = r->runs[0];
    recvq_append_chain(q, run.first, run.last, run.right - run.left, run.held_bytes);
    r->held_bytes -= run.held_bytes;
    r->text_bytes -= run.right - run.left;
    run_remove(r, 0);
    *right = run.right;
    if (r->count == 0)
        reasm_finish(r, mem);
    return true;
}

uint8_t reasm_sacks(const struct reasm *r, struct tcp_sack_block *blocks, uint8_t max)
{
    uint8_t n = 0;

    for (uint8_t k = 0; k < r->recent_count && n < max; k++) {
        uint32_t i = run_find(r, r->recent[k] + 1);
        bool seen = i >= r->count || seq_lt(r->recent[k], r->runs[i].left);

        for (uint8_t b = 0; b < n && !seen; b++)
            seen = blocks[b].left == r->runs[i].left;
        if (!seen)
            blocks[n++] = (struct tcp_sack_block){r->runs[i].left, r->runs[i].right};
    }
    for (uint32_t i = 0; i < r->count && n < max; i++) { /* room left: the lowest ones */
        bool seen = false;

        for (uint8_t b = 0; b < n && !seen; b++)
            seen = blocks[b].left == r->runs[i].left;
        if (!seen)
            blocks[n++] = (struct tcp_sack_block){r->runs[i].left, r->runs[i].right};
    }
    return n;
}

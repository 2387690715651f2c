/* SPDX-License-Identifier: MIT */
/*
 * What selective acknowledgements say [RFC2018 5], and RACK's reading of them [RFC8985 6.2]. Each ACK repeats blocks that
 * earlier ones reported; only what a block adds is walked, so that the work per ACK is the number of newly
 * SACKed segments.
 *
 * Left out: D-SACK [RFC2883] is recognised and ignored.
 */
#include "tcp/tcp.h"

/* Blocks that cannot be true are not looked at: below SND.UNA (D-SACK), beyond SND.NXT, backwards. */
static bool block_is_sane(const struct tcp_conn *c, const struct tcp_sack_block *b)
{
    return seq_lt(b->left, b->right) && seq_gt(b->left, c->snd.una) &&
           seq_leq(b->right, c->snd.nxt) && seq_lt(b->left, c->snd.nxt);
}

/* Steps 1 to 3 of RFC 8985 6.2 for a segment that was just delivered. */
void tcp_rack_sample(struct gander_stack *stack, struct tcp_conn *c, const struct tcp_record *r)
{
    struct tcp_busy *b = c->busy;
    gander_time rtt = stack->now - r->sent_ns;
    tcp_seq end = r->seq + r->len;

    if ((r->flags & RECORD_RETRANSMITTED) && b->min_rtt_ns && rtt < b->min_rtt_ns)
        return; /* the ACK is for an earlier transmission */
    if (!(r->flags & RECORD_RETRANSMITTED) && (b->min_rtt_ns == 0 || rtt < b->min_rtt_ns))
        b->min_rtt_ns = max_i64(rtt, 1);
    if (r->sent_ns > b->rack_sent_ns ||
        (r->sent_ns == b->rack_sent_ns && seq_gt(end, b->rack_end))) {
        b->rack_sent_ns = r->sent_ns;
        b->rack_end = end;
        b->rack_rtt_ns = rtt;
    }
    if (seq_lt(end, b->fack) && !(r->flags & RECORD_RETRANSMITTED))
        b->reorder_seen = true;
    b->fack = seq_max(b->fack, end);
}

static void block_walk(struct gander_stack *stack, struct tcp_conn *c, tcp_seq from,
                       const struct tcp_sack_block *block, struct tcp_ack_facts *facts)
{
    struct rtxq *q = &c->busy->rtxq;
    uint32_t number = rtxq_find(q, from);

    while (number != RTXQ_NONE) {
        struct tcp_record *r = rtxq_at(q, number);

        if (seq_gt(r->seq + r->len, block->right))
            break;
        if (!(r->flags & RECORD_SACKED) && seq_geq(r->seq, block->left)) {
            tcp_rack_sample(stack, c, r);
            tcp_rate_on_delivered(stack, c, r, facts);
            rtxq_mark_sacked(q, number);
            facts->delivered_bytes += r->len;
        }
        number = rtxq_after(q, number);
    }
}

/* What of this block no block of the last ACK covered: at most one part on each side of it. */
static void block_arrives(struct gander_stack *stack, struct tcp_conn *c,
                          const struct tcp_sack_block *block, struct tcp_ack_facts *facts)
{
    const struct tcp_busy *b = c->busy;

    for (uint8_t i = 0; i < b->sack_count; i++) {
        const struct tcp_sack_block *old = &b->sacks[i];

        if (seq_lt(old->left, block->left) || seq_gt(old->right, block->right))
            continue;
        if (seq_lt(block->left, old->left))
            block_walk(stack, c, block->left, &(struct tcp_sack_block){block->left, old->left},
                       facts);
        if (seq_lt(old->right, block->right)) /* a segment across the old edge counts now */
            block_walk(stack, c, old->right - 1, block, facts);
        return;
    }
    block_walk(stack, c, block->left, block, facts);
}

void tcp_sack_arrives(struct gander_stack *stack, struct tcp_conn *c, const struct tcp_segment *seg,
                      struct tcp_ack_facts *facts)
{
    struct tcp_busy *b = c->busy;
    struct tcp_sack_block sane[TCP_SACK_BLOCKS_MAX];
    uint8_t n = 0;

    for (uint8_t i = 0; i < seg->sack_blocks; i++) {
        if (!block_is_sane(c, &seg->sack[i]))
            continue;
        block_arrives(stack, c, &seg->sack[i], facts);
        sane[n++] = seg->sack[i];
    }
    memcpy(b->sacks, sane, n * sizeof(sane[0]));
    b->sack_count = n;
}

/* RFC 8985 6.2, step 4: how long a segment may be late before it counts as lost. */
static gander_time reorder_window(const struct tcp_conn *c)
{
    const struct tcp_busy *b = c->busy;

    if (!b->reorder_seen && (b->recovery != TCP_OPEN || b->rtxq.sacked_count >= 3))
        return 0;
    return min_i64(b->min_rtt_ns / 4, c->srtt_ns);
}

/*
 * Step 5: segments sent before the latest delivered one, by more than the reordering window, are lost. The list is in
 * order of transmission: each look ends at the first that is not.
 */
void tcp_rack_detect(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;
    gander_time window = reorder_window(c);
    uint32_t number;

    while ((number = b->rtxq.sent.first) != RTXQ_NONE) {
        const struct tcp_record *r = rtxq_at(&b->rtxq, number);
        gander_time due = r->sent_ns + b->rack_rtt_ns + window;

        if (r->sent_ns > b->rack_sent_ns ||
            (r->sent_ns == b->rack_sent_ns && seq_geq(r->seq + r->len, b->rack_end)))
            break;
        if (due > stack->now) {
            tcp_timers_on_reorder(stack, c, due);
            return;
        }
        tcp_mark_lost(stack, c, number, GANDER_WHY_retransmit_rack);
    }
    tcp_timers_on_reorder(stack, c, GANDER_NEVER);
}

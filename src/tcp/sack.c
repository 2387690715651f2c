/* SPDX-License-Identifier: MIT */
/*
 * What selective acknowledgements say [RFC2018 5]: the scoreboard, Update() of RFC 6675 4. Each ACK repeats blocks that earlier
 * ones reported; only what a block adds is walked, so that the work per ACK is the number of newly SACKed
 * segments. rack.c draws the conclusions; dsack.c reads a first block that tells of a duplicate.
 */
#include "tcp/tcp.h"

/* Blocks that cannot be true are not looked at: below SND.UNA (D-SACK), beyond SND.NXT, backwards. */
static bool block_is_sane(const struct tcp_conn *c, const struct tcp_sack_block *b)
{
    return seq_lt(b->left, b->right) && seq_gt(b->left, c->snd.una) &&
           seq_leq(b->right, c->snd.nxt) && seq_lt(b->left, c->snd.nxt);
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
            tcp_rack_sample(stack, c, r, facts);
            tcp_rate_on_delivered(stack, c, r, facts);
            rtxq_mark_sacked(q, number);
            if (seq_geq(r->seq, c->busy->loss_edge))
                c->busy->sacked_above++;
            tcp_delivered(facts, r);
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

    tcp_dsack_arrives(stack, c, seg, facts);
    for (uint8_t i = 0; i < seg->sack_blocks; i++) {
        if (!block_is_sane(c, &seg->sack[i]))
            continue;
        facts->highest = seq_max(facts->highest, seg->sack[i].right);
        block_arrives(stack, c, &seg->sack[i], facts);
        sane[n++] = seg->sack[i];
    }
    memcpy(b->sacks, sane, n * sizeof(sane[0]));
    b->sack_count = n;
}

/*
 * IsLost() of RFC 6675 4, for those who switch RACK off: DupThresh SACKed segments above say that one is lost. The edge up to which that
 * is so only moves on, with the number of SACKed ones above it: no segment is looked at twice. What went again is not
 * looked at: its loss is the retransmission timer's.
 */
void tcp_sack_count(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;
    struct rtxq *q = &b->rtxq;
    uint32_t number;

    if (seq_lt(b->loss_edge, c->snd.una)) {
        b->loss_edge = c->snd.una;
        b->sacked_above = q->sacked_count;
    }
    for (number = rtxq_find(q, b->loss_edge); number != RTXQ_NONE; number = rtxq_after(q, number)) {
        const struct tcp_record *r = rtxq_at(q, number);
        uint32_t counted = r->flags & RECORD_SACKED ? 1 : 0;

        if (b->sacked_above < stack->config.tcp_reordering + counted)
            break;
        b->sacked_above -= counted;
        b->loss_edge = r->seq + r->len;
        if (!(r->flags & (RECORD_SACKED | RECORD_LOST | RECORD_RETRANSMITTED)))
            tcp_mark_lost(stack, c, number, GANDER_WHY_retransmit_sack);
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * D-SACK [RFC2883]: the first block of a SACK option tells of a duplicate. As a receiver we report each duplicate once, its first part if it
 * is one in pieces (4.2), with the block it belongs to behind it (rule 4). As a sender we believe what can be (5).
 *
 * A report is believed if it is about bytes that have left, within a window of now, and no more often than segments went again: what else
 * arrives twice, the network has copied, or the receiver invented [docs/security.md C4].
 */
#include "tcp/tcp.h"

/* --- the receiver's side ------------------------------------------------------------------------ */

static bool is_pending(const struct tcp_busy *b)
{
    return b->dsack.left != b->dsack.right;
}

/* Each report has an ACK of its own: one that waits leaves before the next. */
static void report_now(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_send ack = {
        .seq = c->snd.nxt, .flags = GANDER_FLAG_ACK, .why = GANDER_WHY_ack_duplicate};
    struct gander_packet *packet = tcp_segment_build(stack, c, &ack);

    if (packet)
        link_enqueue(stack, c->entity.link, packet);
}

/* An idle connection takes memory for this only where it will be given back. */
static bool has_room(struct gander_stack *stack, struct tcp_conn *c)
{
    if (c->busy)
        return true;
    return (c->entity.state == GANDER_TCP_ESTABLISHED ||
            c->entity.state == GANDER_TCP_CLOSE_WAIT) &&
           tcp_busy_need(stack, c);
}

void tcp_dsack_note(struct gander_stack *stack, struct tcp_conn *c, tcp_seq left, tcp_seq right)
{
    if (!(c->flags & TCP_SACK) || !stack->config.tcp_dsack || !seq_lt(left, right))
        return;
    if (!has_room(stack, c))
        return;
    if (is_pending(c->busy))
        report_now(stack, c);
    c->busy->dsack = (struct tcp_sack_block){left, right};
    tcp_ack_now(stack, c, GANDER_WHY_ack_duplicate);
}

bool tcp_sack_waits(const struct tcp_conn *c)
{
    return c->busy && (c->flags & TCP_SACK) && (is_pending(c->busy) || c->busy->reasm.count > 0);
}

uint8_t tcp_sacks_to_tell(struct gander_stack *stack, struct tcp_conn *c,
                          struct tcp_sack_block *blocks, uint8_t max)
{
    struct tcp_busy *b = c->busy;
    struct tcp_sack_block sacks[TCP_SACK_BLOCKS_MAX], part, run = {0, 0};
    uint8_t held, n = 0;

    if (is_pending(b)) {
        blocks[n++] = b->dsack;
        if (reasm_overlap(&b->reasm, b->dsack.left, b->dsack.right, &part, &run))
            blocks[n++] = run;
        b->dsack.left = b->dsack.right;
        stack->stats.tcp_dsacks_out++;
    }
    held = reasm_sacks(&b->reasm, sacks, max);
    for (uint8_t i = 0; i < held && n < max; i++)
        if (run.left == run.right || sacks[i].left != run.left)
            blocks[n++] = sacks[i];
    return n;
}

/* --- the sender's side ---------------------------------------------------------------------------- */

/* 5: compared with the acknowledgement of the same segment, and with the second block. */
static bool tells_of_a_duplicate(const struct tcp_segment *seg)
{
    const struct tcp_sack_block *first = &seg->sack[0], *second = &seg->sack[1];

    if (seg->sack_blocks == 0 || !seq_lt(first->left, first->right))
        return false;
    if (seq_leq(first->right, seg->ack))
        return true;
    return seg->sack_blocks > 1 && seq_gt(first->left, seg->ack) &&
           seq_geq(first->left, second->left) && seq_leq(first->right, second->right);
}

static bool is_credible(const struct tcp_conn *c, const struct tcp_sack_block *block)
{
    const struct tcp_busy *b = c->busy;
    uint32_t number;

    if (seq_gt(block->right, c->snd.nxt) || seq_lt(block->left, c->snd.una - c->snd.max_wnd) ||
        seq_leq(block->left, c->snd.iss))
        return false;
    if (b->spurious_segs >= b->retransmitted)
        return false;
    if (seq_lt(block->left, c->snd.una))
        return true;
    number = rtxq_find(&b->rtxq, block->left);
    return number != RTXQ_NONE && (rtxq_at(&b->rtxq, number)->flags & RECORD_RETRANSMITTED);
}

void tcp_dsack_arrives(struct gander_stack *stack, struct tcp_conn *c,
                       const struct tcp_segment *seg, struct tcp_ack_facts *facts)
{
    struct tcp_busy *b = c->busy;
    const struct tcp_sack_block *block = &seg->sack[0];
    struct tcp_undo *u = &b->undo;

    if (!stack->config.tcp_dsack || !tells_of_a_duplicate(seg))
        return;
    stack->stats.tcp_dsacks_in++;
    if (!is_credible(c, block))
        return;
    b->spurious_segs++;
    stack->stats.tcp_spurious_retransmissions++;
    facts->dsack = true;
    facts->dsack_block = *block;
    b->dsack_heard = true;
    if (!u->open || seq_lt(block->left, u->una) || seq_gt(block->right, u->end))
        return;
    u->duplicates += block->right - block->left;
    if (!u->by_timeout) /* it was late, not lost: reordering, which step 3 of RFC 8985 6.2 cannot see */
        b->reorder_seen = true;
}

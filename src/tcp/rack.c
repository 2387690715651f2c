/* SPDX-License-Identifier: MIT */
/*
 * RACK [RFC8985 6]: a segment is lost when one that was sent later has arrived, and the reordering window has passed. In the
 * order of the RFC's steps. TLP, its other half, is in tlp.c; SACK blocks are read in sack.c.
 *
 * Work per ACK: step 2 and 3 are done once for each record delivered, step 5 looks at what it marks and at one more,
 * because rtxq keeps a list by time of transmission: never at all that is in flight.
 */
#include "tcp/tcp.h"

enum {
    REO_WND_PERSIST = 16,  /* recoveries */
    REO_WND_EXTRA_MAX = 64 /* SRTT bounds the window long before */
};

/* Step 1 leaves the window of the minimum open: a path may become longer, but not often. */
static const gander_time min_rtt_half_window_ns = 150 * GANDER_S;

static void min_rtt_update(const struct gander_stack *stack, struct tcp_busy *b, gander_time rtt)
{
    rtt = max_i64(rtt, 1);
    if (stack->now >=
        b->min_rtt_until_ns) { /* what was measured half a window ago and more is forgotten */
        b->min_rtt_ns = b->min_rtt_next_ns ? b->min_rtt_next_ns : rtt;
        b->min_rtt_next_ns = rtt;
        b->min_rtt_until_ns = stack->now + min_rtt_half_window_ns;
    }
    b->min_rtt_ns = min_i64(b->min_rtt_ns, rtt);
    b->min_rtt_next_ns = min_i64(b->min_rtt_next_ns, rtt);
}

/* RACK_sent_after() */
static bool sent_after(gander_time t1, tcp_seq seq1, gander_time t2, tcp_seq seq2)
{
    return t1 > t2 || (t1 == t2 && seq_gt(seq1, seq2));
}

/*
 * Step 2: is the ACK for an earlier transmission than the last? The echo tells so only of what it acknowledges in order: a SACKed
 * segment's timestamp is not echoed [RFC7323 4.3], so that without that restriction no SACKed retransmission would ever count.
 */
static bool is_ambiguous(const struct tcp_conn *c, const struct tcp_record *r, gander_time rtt,
                         const struct tcp_ack_facts *facts)
{
    uint32_t sent_ts = (uint32_t)((uint64_t)r->sent_ns / (uint64_t)GANDER_MS) + c->ts_offset;

    if (!(r->flags & RECORD_RETRANSMITTED))
        return false;
    if (facts->has_tsecr && seq_leq(r->seq + r->len, c->snd.una) && seq_lt(facts->tsecr, sent_ts))
        return true;
    return rtt < c->busy->min_rtt_ns;
}

/*
 * Step 3. What was sent again, and acknowledged before that could be, was late and not lost: that is reordering too, and for segments
 * that are always late by more than the window the only sign of it.
 */
static void detect_reordering(struct tcp_busy *b, const struct tcp_record *r, tcp_seq end,
                              bool ambiguous, const struct tcp_ack_facts *facts)
{
    if (seq_lt(end, facts->fack_before) && (!(r->flags & RECORD_RETRANSMITTED) || ambiguous))
        b->reorder_seen = true;
    b->fack = seq_max(b->fack, end);
}

void tcp_rack_sample(struct gander_stack *stack, struct tcp_conn *c, const struct tcp_record *r,
                     struct tcp_ack_facts *facts)
{
    struct tcp_busy *b = c->busy;
    gander_time rtt = stack->now - r->sent_ns;
    tcp_seq end = r->seq + r->len;
    bool ambiguous = is_ambiguous(c, r, rtt, facts);

    if (!(r->flags & RECORD_RETRANSMITTED))
        min_rtt_update(stack, b, rtt);
    detect_reordering(b, r, end, ambiguous, facts);
    if (ambiguous)
        return;
    if (r->sent_ns >= facts->newest_ns) { /* "in ascending order of Segment.xmit_ts" */
        facts->newest_ns = r->sent_ns;
        b->rack_rtt_ns = rtt;
    }
    if (sent_after(r->sent_ns, end, b->rack_sent_ns, b->rack_end)) {
        b->rack_sent_ns = r->sent_ns;
        b->rack_end = end;
    }
}

/* Step 4, RACK_update_reo_wnd(), first half: adaptation. */
void tcp_rack_adapt(struct tcp_conn *c, const struct tcp_ack_facts *facts, bool recovered)
{
    struct tcp_busy *b = c->busy;

    if (b->dsack_round_set && seq_geq(c->snd.una, b->dsack_round))
        b->dsack_round_set = false;
    if (!b->dsack_round_set && facts->dsack) {
        b->dsack_round_set = true;
        b->dsack_round = c->snd.nxt;
        if (b->reo_wnd_extra < REO_WND_EXTRA_MAX)
            b->reo_wnd_extra++;
        b->reo_wnd_persist = REO_WND_PERSIST;
    } else if (recovered) {
        if (b->reo_wnd_persist > 0)
            b->reo_wnd_persist--;
        if (b->reo_wnd_persist == 0)
            b->reo_wnd_extra = 0;
    }
}

/* Second half: RACK.reo_wnd. */
gander_time tcp_rack_window(const struct gander_stack *stack, const struct tcp_conn *c)
{
    const struct tcp_busy *b = c->busy;

    if (!b->reorder_seen &&
        (b->recovery != TCP_OPEN || b->rtxq.sacked_count >= stack->config.tcp_reordering))
        return 0;
    return min_i64((b->reo_wnd_extra + 1) * b->min_rtt_ns / 4, c->srtt_ns);
}

/*
 * Step 5, RACK_detect_loss_and_arm_timer(). The list is in order of transmission: each look ends at the first that is not lost. The
 * timer runs to when that one will be; the RFC waits for the last of all, which needs a walk to find, and marks later. Returns whether
 * a retransmission was lost that left after the last reduction of the window.
 */
bool tcp_rack_detect(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;
    gander_time window = tcp_rack_window(stack, c), due = GANDER_NEVER;
    uint32_t number;
    bool relost = false;

    while ((number = b->rtxq.sent.first) != RTXQ_NONE) {
        const struct tcp_record *r = rtxq_at(&b->rtxq, number);
        bool again = r->flags & RECORD_RETRANSMITTED;

        if (!sent_after(b->rack_sent_ns, b->rack_end, r->sent_ns, r->seq + r->len))
            break;
        if (r->sent_ns + b->rack_rtt_ns + window > stack->now) {
            due = r->sent_ns + b->rack_rtt_ns + window;
            break;
        }
        relost = relost || (again && r->sent_ns >= b->cut_ns);
        tcp_mark_lost(stack, c, number,
                      again ? GANDER_WHY_retransmit_again : GANDER_WHY_retransmit_rack);
    }
    tcp_timers_on_reorder(stack, c, due);
    return relost;
}

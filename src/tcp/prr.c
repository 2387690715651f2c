/* SPDX-License-Identifier: MIT */
/*
 * Proportional Rate Reduction [RFC9937]: during fast recovery what leaves is a share of what arrives, so that the flight comes
 * down to ssthresh within a round trip, without a burst and without half a window of silence; when losses brought it below, it comes
 * up again, a segment for each that arrived (CRB), or one more while repair goes well (SSRB).
 *
 * cwnd is set to what is in flight and may leave now: the output path needs to know of nothing else. prr_out is counted by the
 * queue of records, which sees all that leaves.
 */
#include "tcp/tcp.h"

static uint32_t prr_out(const struct tcp_busy *b)
{
    return b->rtxq.sent_total - b->prr.sent_before;
}

/*
 * What was SACKed before is not delivered again in recovery; what this ACK delivers is, so it counts as in flight.
 */
void tcp_prr_begin(struct tcp_conn *c, const struct tcp_ack_facts *facts)
{
    struct tcp_busy *b = c->busy;
    uint32_t flight = c->snd.nxt - c->snd.una - b->rtxq.sacked_bytes - b->dup_bytes;

    b->prr.delivered = 0;
    b->prr.sent_before = b->rtxq.sent_total;
    b->prr.recover_fs = max_u32(flight + (tcp_left(c) - facts->left_before), 1);
    if (!tcp_cc_controls_recovery(c))
        c->cwnd =
            tcp_pipe(c) + c->mss; /* the timer began it: nothing was delivered, and one may leave */
}

void tcp_prr_on_ack(struct gander_stack *stack, struct tcp_conn *c,
                    const struct tcp_ack_facts *facts)
{
    struct tcp_busy *b = c->busy;
    uint32_t delivered = tcp_left(c) - facts->left_before, inflight = tcp_pipe(c), out = prr_out(b);
    bool safe = facts->acked_bytes > 0 && b->rtxq.lost_total == facts->lost_before;
    uint32_t count = 0;

    if (tcp_cc_controls_recovery(c) || delivered == 0 || delivered > UINT32_MAX / 2)
        return;
    b->prr.delivered += delivered;
    if (inflight > c->ssthresh) {
        uint64_t share =
            ((uint64_t)b->prr.delivered * c->ssthresh + b->prr.recover_fs - 1) / b->prr.recover_fs;

        count = share > out ? (uint32_t)min_i64((int64_t)(share - out), INT32_MAX) : 0;
    } else {
        count = max_u32(b->prr.delivered > out ? b->prr.delivered - out : 0, delivered);
        if (safe)
            count += c->mss;
        count = min_u32(count, c->ssthresh - inflight);
    }
    if (out == 0 && count == 0)
        count = c->mss; /* the fast retransmission leaves at once */
    if (c->cwnd == inflight + count)
        return;
    c->cwnd = inflight + count;
    tcp_cwnd_changed(stack, c, GANDER_WHY_cwnd_prr);
}

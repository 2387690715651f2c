/* SPDX-License-Identifier: MIT */
/*
 * Tail Loss Probe [RFC8985 7]: when no ACK has come for two round trips, one segment asks for one, whatever cwnd says; what its ACK
 * tells of others is for RACK, what it tells of itself (7.4) is here. timers.c schedules it (7.2), output.c sends it.
 *
 * DEVIATION: 7.2 SHOULD leaves probes out in recovery, because RACK's timer and F-RTO stand in for them there. They do not when all that is
 * left are retransmissions, and these are lost too: nothing sent later can arrive and tell, and a path of a millisecond waits for
 * the minimum of the RTO. So there a probe resends what is missing first, at most one until a new round-trip sample, which
 * both MUSTs of 7.3 bind as well: from a time-out on, none before the path has answered.
 */
#include "tcp/tcp.h"

/* 7.2: are ACKs awaited that a probe could call for? */
bool tcp_tlp_may_wait(const struct gander_stack *stack, const struct tcp_conn *c)
{
    const struct tcp_busy *b = c->busy;

    if (!stack->config.tcp_tlp || !stack->config.tcp_rack || !(c->flags & TCP_SACK))
        return false;
    if (c->entity.state < GANDER_TCP_ESTABLISHED || b->probe_sent || b->rtxq.count == 0)
        return false;
    return b->recovery == TCP_OPEN ? b->rtxq.sacked_count == 0 : tcp_tlp_may_send(c);
}

/* 7.3: both conditions; and a time-out that nobody has answered is for the retransmission timer alone. */
bool tcp_tlp_may_send(const struct tcp_conn *c)
{
    const struct tcp_busy *b = c->busy;

    return !b->probe_sent && !b->probe_used && b->rtxq.count > 0 && b->backoff == 0;
}

void tcp_tlp_sent(struct gander_stack *stack, struct tcp_conn *c, tcp_seq end, bool again)
{
    struct tcp_busy *b = c->busy;

    b->probe_sent = true;
    b->probe_used = true;
    b->probe_again = again;
    b->probe_rescue = b->recovery != TCP_OPEN;
    b->probe_end = end;
    stack->stats.tcp_loss_probes++;
}

/* The probe repaired a loss that nothing else tells of: as after a fast recovery [RFC5681 3.2]. */
static void repaired(struct gander_stack *stack, struct tcp_conn *c)
{
    if (c->busy->recovery != TCP_OPEN)
        return;
    tcp_cc_on_loss(stack, c);
    if (!tcp_cc_controls_recovery(c))
        c->cwnd = min_u32(c->cwnd, c->ssthresh);
    c->busy->cut_ns = stack->now;
    stack->stats.tcp_loss_probe_recoveries++;
    tcp_cwnd_changed(stack, c, GANDER_WHY_cwnd_probe_repaired);
}

/* 7.4.2: TLP_process_ack() */
void tcp_tlp_on_ack(struct gander_stack *stack, struct tcp_conn *c,
                    const struct tcp_ack_facts *facts)
{
    struct tcp_busy *b = c->busy;

    if (!b->probe_sent)
        return;
    if (b->probe_rescue) { /* recovery has reacted; only whether it arrived matters */
        if (seq_geq(b->probe_again ? c->snd.una : b->fack, b->probe_end))
            b->probe_sent = false;
        return;
    }
    if (seq_lt(c->snd.una, b->probe_end))
        return;
    if (!b->probe_again) { /* new data, delivered */
        b->probe_sent = false;
    } else if (facts->dsack && facts->dsack_block.right == b->probe_end) { /* case 1 */
        b->probe_sent = false;
    } else if (seq_gt(c->snd.una, b->probe_end)) {
        b->probe_sent = false;
        repaired(stack, c);
    } else if (facts->duplicate && !facts->has_sack) { /* case 2 */
        b->probe_sent = false;
    }
}

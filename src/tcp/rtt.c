/* SPDX-License-Identifier: MIT */
/*
 * Round-trip time and retransmission time-out [RFC6298]. Karn's rule is kept where samples are taken: ack.c offers
 * only what was sent once.
 */
#include "tcp/tcp.h"

void tcp_rtt_sample(struct gander_stack *stack, struct tcp_conn *c, gander_time rtt_ns)
{
    struct tcp_busy *b = c->busy;

    /* Twice as long as any time-out is no round trip but a clock that jumped: it must not slow down what is paced by it. */
    rtt_ns = min_i64(max_i64(rtt_ns, 1), 2 * tcp_knobs_of(stack, c)->rto_max_ns);
    b->backoff = 0;
    b->probe_used = false;
    if (c->srtt_ns == 0) { /* (2.2) */
        c->srtt_ns = rtt_ns;
        c->rttvar_ns = rtt_ns / 2;
    } else { /* (2.3): beta 1/4, alpha 1/8 */
        gander_time off = c->srtt_ns > rtt_ns ? c->srtt_ns - rtt_ns : rtt_ns - c->srtt_ns;

        c->rttvar_ns += (off - c->rttvar_ns) / 4;
        c->srtt_ns = max_i64(c->srtt_ns + (rtt_ns - c->srtt_ns) / 8, 1);
    }
    if (UNLIKELY(b->undo.rto_waits) && seq_gt(c->snd.una, b->undo.end)) {
        /* RFC 4015 3.1 (11): the first one of what was new when the time-out proved spurious */
        b->undo.rto_waits = false;
        c->srtt_ns = max_i64(b->undo.srtt_prev_ns, rtt_ns);
        c->rttvar_ns = max_i64(b->undo.rttvar_prev_ns, rtt_ns / 2);
    }
    if (trace_on(stack))
        tcp_trace_rtt(stack, c, rtt_ns);
}

/*
 * G of RFC 6298 (2.3) is tcp_rto_variance_min_ns. Our clock is exact, but the peer's ACK is not: it may wait for its delayed-ACK timer, 40 ms
 * with us and others. On a long path whose round trips never vary, RTTVAR goes to 0, and a smaller G would let each delayed
 * ACK come too late. Without a sample rttvar_ns, if set, is the time-out itself, once data flow: (5.7).
 */
gander_time tcp_rto(const struct gander_stack *stack, const struct tcp_conn *c)
{
    const struct tcp_knobs *knobs = tcp_knobs_of(stack, c);
    gander_time rto = c->srtt_ns + max_i64(stack->config.tcp_rto_variance_min_ns, 4 * c->rttvar_ns);

    if (c->srtt_ns == 0 && c->rttvar_ns && c->entity.state >= GANDER_TCP_ESTABLISHED)
        rto = c->rttvar_ns;
    else if (c->srtt_ns == 0)
        rto = knobs->rto_initial_ns;
    rto = max_i64(rto, knobs->rto_min_ns); /* (2.4) */
    for (unsigned i = 0; c->busy && i < c->busy->backoff && rto < knobs->rto_max_ns; i++)
        rto *= 2;                           /* (5.5) */
    return min_i64(rto, knobs->rto_max_ns); /* (2.5) */
}

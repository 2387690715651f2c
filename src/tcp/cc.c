/* SPDX-License-Identifier: MIT */
/* The table of congestion controls, and the parts of RFC 5681 that are common to all: initial and restart window. */
#include "tcp/tcp.h"

static const struct tcp_cc_ops *const algorithms[] = {&tcp_cc_newreno, &tcp_cc_cubic};

/* The largest window that a 30-bit window field can ask for. */
static const uint32_t cwnd_max = 1U << 30;

const char *gander_congestion_control_name(unsigned i)
{
    return i < ARRAY_LEN(algorithms) ? algorithms[i]->name : NULL;
}

static bool same_text(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

int tcp_cc_by_name(const char *name)
{
    for (unsigned i = 0; i < ARRAY_LEN(algorithms); i++)
        if (same_text(name, algorithms[i]->name))
            return (int)i;
    return -1;
}

/* RFC 6928 2: min(10*MSS, max(2*MSS, 14600)), with the configured number for 10. */
uint32_t tcp_cc_initial_window(const struct gander_stack *stack, const struct tcp_conn *c)
{
    uint32_t segs = stack->config.tcp_initial_window_segs;

    return min_u32(segs * c->mss, max_u32(2 * (uint32_t)c->mss, segs * 1460));
}

void tcp_cc_init(struct gander_stack *stack, struct tcp_conn *c)
{
    c->cwnd = tcp_cc_initial_window(stack, c);
    c->ssthresh = UINT32_MAX; /* RFC 5681 3.1: arbitrarily high */
}

static struct tcp_cc view_of(const struct gander_stack *stack, struct tcp_conn *c)
{
    return (struct tcp_cc){.cwnd = c->cwnd,
                           .ssthresh = c->ssthresh,
                           .mss = c->mss,
                           .flight = c->snd.nxt - c->snd.una,
                           .snd_una = c->snd.una,
                           .snd_nxt = c->snd.nxt,
                           .now = stack->now,
                           .rtt_ns = -1,
                           .srtt_ns = c->srtt_ns,
                           .state = c->busy->cc_state};
}

void tcp_cc_on_ack(struct gander_stack *stack, struct tcp_conn *c,
                   const struct tcp_ack_facts *facts, bool limited)
{
    struct tcp_cc view = view_of(stack, c);

    view.rtt_ns = facts->rtt_ns;
    view.limited = limited;
    algorithms[c->cc]->on_ack(&view, facts->acked_bytes);
    c->cwnd = min_u32(view.cwnd, cwnd_max);
    c->ssthresh = view.ssthresh;
}

void tcp_cc_on_loss(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_cc view = view_of(stack, c);

    /* what limited transmit sent beyond cwnd does not count [RFC5681 3.2, step 2] */
    if (c->busy->recovery == TCP_OPEN)
        view.flight = min_u32(view.flight, c->cwnd);
    algorithms[c->cc]->on_loss(&view);
    c->ssthresh = view.ssthresh;
}

/* RFC 5681 4.1: nothing was sent for longer than a retransmission time-out. */
void tcp_cc_on_idle(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_cc view = view_of(stack, c);

    if (algorithms[c->cc]->on_idle)
        algorithms[c->cc]->on_idle(&view);
    c->cwnd = min_u32(c->cwnd, tcp_cc_initial_window(stack, c)); /* RW = min(IW, cwnd) */
}

/* SPDX-License-Identifier: MIT */
/*
 * The table of congestion controls, what stands between it and a connection (see cc.h), and the parts of RFC 5681 and RFC 4015 that
 * are common to all: initial window, window after a time-out, restart, undo.
 */
#include "tcp/tcp.h"

static const struct tcp_cc_ops *const algorithms[] = {&tcp_cc_newreno, &tcp_cc_cubic, &tcp_cc_bbr};

/* What an algorithm has that needs more than tcp_busy offers; and what goes with it while the connection is idle. */
struct tcp_cc_memory {
    uint64_t delivered, lost;
    uint64_t state[];
};

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
    uint32_t segs = tcp_knobs_of(stack, c)->initial_window_segs;

    return min_u32(segs * c->mss, max_u32(2 * (uint32_t)c->mss, segs * 1460));
}

bool tcp_cc_controls_recovery(const struct tcp_conn *c)
{
    return algorithms[c->cc]->flags & TCP_CC_CONTROLS_RECOVERY;
}

/* --- the view ------------------------------------------------------------------------------------ */

static struct tcp_cc view_of(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;

    return (struct tcp_cc){.cwnd = c->cwnd,
                           .ssthresh = c->ssthresh,
                           .mss = c->mss,
                           .flight = c->snd.nxt - c->snd.una,
                           .inflight = tcp_pipe(c),
                           .initial_window = tcp_cc_initial_window(stack, c),
                           .snd_una = c->snd.una,
                           .snd_nxt = c->snd.nxt,
                           .now = stack->now,
                           .rtt_ns = -1,
                           .srtt_ns = c->srtt_ns,
                           .cwnd_limited = b->cwnd_limited && seq_leq(c->snd.una, b->limited_end),
                           .recovering = b->recovery != TCP_OPEN,
                           .paced = b->pace.rate != 0,
                           .sack = c->flags & TCP_SACK,
                           .app_limited = b->rate.app_limited != 0,
                           .why = GANDER_WHY_none,
                           .pacing_rate = b->pace.asked,
                           .send_quantum = b->pace.asked_quantum,
                           .delivered = b->rate.delivered,
                           .lost = b->rate.lost,
                           .random = &stack->random,
                           .state =
                               b->cc_memory ? (void *)b->cc_memory->state : (void *)b->cc_state};
}

/* What the algorithm decided takes effect, and is told. */
static void view_take(struct gander_stack *stack, struct tcp_conn *c, const struct tcp_cc *view)
{
    uint32_t cwnd = min_u32(view->cwnd, cwnd_max);
    bool moved = cwnd != c->cwnd || view->ssthresh != c->ssthresh || view->why != GANDER_WHY_none;

    c->cwnd = cwnd;
    c->ssthresh = view->ssthresh;
    c->busy->pace.asked = view->pacing_rate;
    c->busy->pace.asked_quantum = view->send_quantum;
    tcp_pace_update(stack, c);
    if (view->mark_app_limited)
        tcp_rate_mark_app_limited(c);
    if (moved)
        tcp_cwnd_changed(stack, c, view->why);
}

/* The algorithm's state is there, and begun. */
static const struct tcp_cc_ops *ops_of(struct gander_stack *stack, struct tcp_conn *c)
{
    const struct tcp_cc_ops *ops = algorithms[c->cc];

    if (UNLIKELY(!c->busy->cc_begun))
        tcp_cc_begin(stack, c);
    return ops;
}

void tcp_cc_begin(struct gander_stack *stack, struct tcp_conn *c)
{
    const struct tcp_cc_ops *ops = algorithms[c->cc];
    struct tcp_busy *b = c->busy;
    struct tcp_cc view;

    if (b->cc_begun)
        return;
    b->cc_begun = true;
    memset(b->cc_state, 0, sizeof(b->cc_state));
    if (b->cc_memory)
        memset(b->cc_memory->state, 0, ops->state_bytes);
    view = view_of(stack, c);
    view.pacing_rate = 0;
    view.send_quantum = 0;
    if (ops->init)
        ops->init(&view);
    view_take(stack, c, &view);
}

void tcp_cc_init(struct gander_stack *stack, struct tcp_conn *c)
{
    c->cwnd = tcp_cc_initial_window(stack, c);
    c->ssthresh = UINT32_MAX; /* RFC 5681 3.1: arbitrarily high */
    if (c->busy)
        c->busy->cc_begun = false;
}

/* --- memory of large algorithms ------------------------------------------------------------------- */

uint32_t tcp_cc_memory_bytes(void)
{
    uint32_t most = 0;

    for (unsigned i = 0; i < ARRAY_LEN(algorithms); i++)
        most = max_u32(most, algorithms[i]->state_bytes);
    return (uint32_t)offsetof(struct tcp_cc_memory, state) + most;
}

/* What was kept over an idle time goes on: the counters that the state refers to as well, and nothing was sent meanwhile. */
bool tcp_cc_memory_need(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;

    if (algorithms[c->cc]->state_bytes == 0)
        return true;
    if (c->knobs && c->knobs->cc_kept) {
        b->cc_memory = c->knobs->cc_kept;
        c->knobs->cc_kept = NULL;
        b->rate.delivered = b->cc_memory->delivered;
        b->rate.lost = b->rate.lost_before = b->cc_memory->lost;
        b->rate.app_limited = b->rate.delivered + 1;
        b->cc_begun = true;
        return true;
    }
    b->cc_memory = pool_get(&stack->tcp.cc_memory);
    return b->cc_memory != NULL;
}

void tcp_cc_memory_release(struct tcp_conn *c)
{
    if (c->busy->cc_memory)
        pool_put(c->busy->cc_memory);
    c->busy->cc_memory = NULL;
}

/* Knobs are where it stays: connections without it pay nothing. Without memory for them it is lost, and begins anew. */
void tcp_cc_memory_keep(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;

    if (!b->cc_memory || !b->cc_begun || !tcp_knobs_need(stack, &c->sock))
        return;
    b->cc_memory->delivered = b->rate.delivered;
    b->cc_memory->lost = b->rate.lost;
    c->knobs->cc_kept = b->cc_memory;
    b->cc_memory = NULL;
}

bool tcp_cc_choose(struct gander_stack *stack, struct tcp_conn *c, uint8_t cc)
{
    uint8_t before = c->cc;

    if (cc == before)
        return true;
    if (c->knobs && c->knobs->cc_kept) {
        pool_put(c->knobs->cc_kept);
        c->knobs->cc_kept = NULL;
    }
    c->cc = cc;
    if (!c->busy)
        return true;
    if (algorithms[cc]->state_bytes == 0) {
        tcp_cc_memory_release(c);
    } else if (!c->busy->cc_memory && !tcp_cc_memory_need(stack, c)) {
        c->cc = before;
        return false;
    }
    c->busy->cc_begun = false;
    return true;
}

/* --- what happened --------------------------------------------------------------------------------- */

/* Only a window that was used up grows [RFC7661 in short]. */
static bool cwnd_was_limit(const struct tcp_conn *c, const struct tcp_ack_facts *facts)
{
    if (c->cwnd < c->ssthresh)
        return facts->flight_before * 2 >= c->cwnd;
    return facts->flight_before + c->mss >= c->cwnd;
}

void tcp_cc_on_ack(struct gander_stack *stack, struct tcp_conn *c, struct tcp_ack_facts *facts,
                   bool recovering)
{
    const struct tcp_cc_ops *ops = ops_of(stack, c);
    struct tcp_cc view;

    tcp_rate_generate(c, facts);
    if (!(ops->flags & TCP_CC_CONTROLS_RECOVERY) && (facts->acked_bytes == 0 || recovering))
        return;
    view = view_of(stack, c);
    view.rtt_ns = facts->rtt_ns;
    view.limited = cwnd_was_limit(c, facts);
    view.rs = &facts->rs;
    if (ops->flags & TCP_CC_PACES)
        facts->rs.delivery_rate = tcp_rate_of(facts->rs.delivered, facts->rs.interval_ns);
    ops->on_ack(&view, facts->acked_bytes);
    view_take(stack, c, &view);
}

void tcp_cc_on_lost(struct gander_stack *stack, struct tcp_conn *c,
                    const struct tcp_rate_sample *rs, const struct tcp_record *r)
{
    const struct tcp_cc_ops *ops = ops_of(stack, c);
    struct tcp_cc view;

    if (!ops->on_lost)
        return;
    view = view_of(stack, c);
    view.rs = rs;
    ops->on_lost(&view, r->seq, r->len);
    view_take(stack, c, &view);
}

/* Undo goes back to before the first of several in a row [RFC4015 3.1, pipe_prev]. */
static void undo_save(struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;

    if (b->recovery != TCP_OPEN)
        return;
    b->prior_cwnd = c->cwnd;
    b->prior_ssthresh = c->ssthresh;
}

static struct tcp_cc loss_view(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_cc view = view_of(stack, c);

    /* what limited transmit sent beyond cwnd does not count [RFC5681 3.2, step 2] */
    if (c->busy->recovery == TCP_OPEN)
        view.flight = min_u32(view.flight, c->cwnd);
    return view;
}

void tcp_cc_on_loss(struct gander_stack *stack, struct tcp_conn *c)
{
    const struct tcp_cc_ops *ops = ops_of(stack, c);
    struct tcp_cc view = loss_view(stack, c);

    undo_save(c);
    ops->on_loss(&view);
    view_take(stack, c, &view);
    tcp_ecn_on_reduced(c);
}

void tcp_cc_on_recovery_end(struct gander_stack *stack, struct tcp_conn *c)
{
    const struct tcp_cc_ops *ops = ops_of(stack, c);
    struct tcp_cc view = view_of(stack, c);

    if (ops->on_recovery_end)
        ops->on_recovery_end(&view);
    else if (c->busy->recovery == TCP_RECOVERY)
        view.cwnd = view.ssthresh; /* RFC 6582 3.2, step 3, full acknowledgement; RFC 9937 */
    if (c->busy->recovery == TCP_RECOVERY)
        view.why = GANDER_WHY_cwnd_recovered;
    view_take(stack, c, &view);
}

/* RFC 5681 3.1: not again for the same flight; the window is one segment in any case. */
void tcp_cc_on_timeout(struct gander_stack *stack, struct tcp_conn *c)
{
    const struct tcp_cc_ops *ops = ops_of(stack, c);
    struct tcp_cc view = loss_view(stack, c);

    undo_save(c);
    if (c->busy->recovery != TCP_LOSS) {
        if (ops->on_timeout)
            ops->on_timeout(&view);
        else
            ops->on_loss(&view);
    }
    view.cwnd = view.mss; /* the loss window [RFC5681 3.1]; PRR may have left less */
    view_take(stack, c, &view);
    tcp_ecn_on_reduced(c);
}

/*
 * RFC 4015 3.4: it was for nothing. The window may be used again as far as it is used anyway, and for what this ACK acknowledged, up to
 * an initial window; up to what it was, slow start goes.
 */
void tcp_cc_on_undo(struct gander_stack *stack, struct tcp_conn *c, uint32_t acked_bytes,
                    enum gander_why why)
{
    const struct tcp_cc_ops *ops = ops_of(stack, c);
    struct tcp_busy *b = c->busy;
    struct tcp_cc view = view_of(stack, c);

    if (b->prior_cwnd == 0)
        return;
    acked_bytes = min_u32(acked_bytes, view.initial_window);
    view.cwnd = max_u32(view.cwnd, min_u32(b->prior_cwnd, view.inflight + acked_bytes));
    /* the least that RFC 5681 3.1 knows: bytes in flight may be few */
    view.cwnd = max_u32(view.cwnd, view.mss);
    view.ssthresh = max_u32(b->prior_ssthresh, b->prior_cwnd);
    view.why = (uint8_t)why;
    b->prior_cwnd = 0;
    if (ops->on_undo)
        ops->on_undo(&view);
    view_take(stack, c, &view);
}

void tcp_cc_on_ecn(struct gander_stack *stack, struct tcp_conn *c)
{
    const struct tcp_cc_ops *ops = ops_of(stack, c);
    struct tcp_cc view = loss_view(stack, c);

    view.why = GANDER_WHY_cwnd_ecn;
    if (ops->on_ecn)
        ops->on_ecn(&view);
    else
        ops->on_loss(&view);
    if (!(ops->flags & TCP_CC_CONTROLS_RECOVERY))
        view.cwnd = min_u32(view.cwnd, view.ssthresh);
    view_take(stack, c, &view);
}

void tcp_cc_on_restart(struct gander_stack *stack, struct tcp_conn *c)
{
    const struct tcp_cc_ops *ops = ops_of(stack, c);
    struct tcp_cc view;

    if (!ops->on_restart)
        return;
    view = view_of(stack, c);
    ops->on_restart(&view);
    view_take(stack, c, &view);
}

/* RFC 5681 4.1: nothing was sent for longer than a retransmission time-out. RW = min(IW, cwnd). */
void tcp_cc_on_idle(struct gander_stack *stack, struct tcp_conn *c)
{
    const struct tcp_cc_ops *ops = ops_of(stack, c);
    struct tcp_cc view = view_of(stack, c);

    if (ops->on_idle)
        ops->on_idle(&view);
    if (!(ops->flags & TCP_CC_KEEPS_IDLE) && view.cwnd > view.initial_window) {
        view.cwnd = view.initial_window;
        view.why = GANDER_WHY_cwnd_idle;
    }
    view_take(stack, c, &view);
}

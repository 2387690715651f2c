/* SPDX-License-Identifier: MIT */
/*
 * The timers of a connection. The rest of src/tcp reports what happened (tcp_timers_on_…); this file alone decides what runs.
 *
 *   retransmit    RTO after the oldest byte in flight was sent or the last new ACK came: everything in flight counts as lost
 *                 [RFC6298 5]. Doubles each time, up to R2 [RFC9293 3.8.3].
 *   persist       the send window is closed, or too small to be worth it, and nothing is in flight: probe it, or send what fits
 *                 [RFC9293 3.8.6.1, 3.8.6.2.1]. Never together with retransmit.
 *   loss_probe    two round trips without an ACK: send one segment, so that the tail's loss shows early [RFC8985 7].
 *   reorder       what RACK does not call lost yet, it will if nothing comes by then [RFC8985 6.2, step 5].
 *   delayed_ack   an ACK waits for a second segment or for data to go with, this long at most [RFC9293 3.8.6.3].
 *   keepalive     silence for so long that the peer is asked [RFC9293 3.8.4]. Off by default.
 *   user_timeout  bytes unacknowledged for so long that the application wants to give up [RFC9293 3.9.1.3, RFC5482].
 *   fin_wait_2    nobody owns the connection, and the peer does not close: do not wait for ever.
 *   time_wait     2MSL; in time_wait.c, one for the whole stack.
 *   idle          one RTO without anything under way: working memory is given back, cwnd restarts [RFC5681 4.1].
 *   cork          a partial segment held back by the application waits no longer.
 *   pacing        the next quantum of a paced connection may leave: pace.c.
 *
 * One struct timer in the wheel stands for all of a connection's timers, at the earliest of them or before. A timer that moves
 * to later touches only its own field: when the wheel fires early, the true time is looked up.
 */
#include "tcp/tcp.h"

enum {
    R1_RETRIES = 3 /* RFC 9293 3.8.3, SHLD-10: tell the application that delivery is in trouble */
};

static const gander_time cork_ns = 200 * GANDER_MS;
/* RFC 8985 7.2 leaves the minimum to the implementation */
static const gander_time probe_min_ns = 2 * GANDER_MS;
static const gander_time ack_margin_ns = 5 * GANDER_MS;
static const gander_time probe_initial_ns = GANDER_S; /* before the first round-trip sample */

static void wheel_at_latest(struct gander_stack *stack, struct tcp_conn *c, gander_time at)
{
    if (at != GANDER_NEVER && (!timer_is_armed(&c->timer) || at < c->timer.expires))
        wheel_arm(&stack->wheel, &c->timer, at);
}

static void timer_set(struct gander_stack *stack, struct tcp_conn *c, enum gander_timer timer,
                      gander_time at)
{
    c->busy->at[timer] = at;
    if (trace_on(stack))
        tcp_trace_timer_armed(stack, c, timer, at);
    wheel_at_latest(stack, c, at);
}

static void timer_stop(struct tcp_conn *c, enum gander_timer timer)
{
    c->busy->at[timer] = GANDER_NEVER;
}

static bool timer_runs(const struct tcp_conn *c, enum gander_timer timer)
{
    return c->busy->at[timer] != GANDER_NEVER;
}

/* --- what happened ------------------------------------------------------------------------------ */

/*
 * RFC 8985 7.2: PTO. A lone segment's ACK may be delayed; TLP.max_ack_delay counts from when it left, so that where two round trips
 * are longer anyway nothing is added to them.
 */
static gander_time probe_at(const struct gander_stack *stack, const struct tcp_conn *c)
{
    const struct rtxq *q = &c->busy->rtxq;
    gander_time delay = stack->config.tcp_peer_delayed_ack_ns + ack_margin_ns, at;

    if (c->srtt_ns == 0)
        return stack->now + probe_initial_ns;
    at = stack->now + max_i64(2 * c->srtt_ns, probe_min_ns);
    if (q->count == 1)
        at = max_i64(at, rtxq_at(q, q->first)->sent_ns + c->srtt_ns + delay);
    return at;
}

static void loss_probe_schedule(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;
    gander_time at;

    if (!tcp_tlp_may_wait(stack, c))
        return;
    /* 7.2: not later than the retransmission timer, in whose place it then is */
    at = min_i64(probe_at(stack, c), b->at[GANDER_TIMER_retransmit]);
    timer_set(stack, c, GANDER_TIMER_loss_probe, at);
}

static void retransmit_restart(struct gander_stack *stack, struct tcp_conn *c)
{
    timer_stop(c, GANDER_TIMER_persist);
    timer_set(stack, c, GANDER_TIMER_retransmit, stack->now + tcp_rto(stack, c));
}

static void user_timeout_start(struct gander_stack *stack, struct tcp_conn *c)
{
    gander_time timeout = tcp_knobs_of(stack, c)->user_timeout_ns;

    if (timeout > 0 && !timer_runs(c, GANDER_TIMER_user_timeout))
        timer_set(stack, c, GANDER_TIMER_user_timeout, stack->now + timeout);
}

void tcp_timers_on_sent(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;

    b->last_sent_ns = stack->now;
    timer_stop(c, GANDER_TIMER_idle);
    timer_stop(c, GANDER_TIMER_cork);
    user_timeout_start(stack, c);
    if (!timer_runs(c, GANDER_TIMER_retransmit)) /* RFC 6298 (5.1) */
        retransmit_restart(stack, c);
    loss_probe_schedule(stack, c);
}

/* RFC 6298 5: never again less than one RTO after it; RFC 6675 6. */
void tcp_timers_on_resent(struct gander_stack *stack, struct tcp_conn *c)
{
    retransmit_restart(stack, c);
}

void tcp_timers_on_ack(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;

    b->retries = 0;
    tcp_meter_progress(stack, c);
    timer_stop(c, GANDER_TIMER_loss_probe);
    timer_stop(c, GANDER_TIMER_user_timeout);
    if (c->snd.una == c->snd.nxt) { /* RFC 6298 (5.2) */
        timer_stop(c, GANDER_TIMER_retransmit);
        timer_stop(c, GANDER_TIMER_reorder);
        if (!tcp_waits(c)) { /* a window may stay closed that nothing waits for */
            timer_stop(c, GANDER_TIMER_persist);
            b->probes = 0;
        }
        return;
    }
    user_timeout_start(stack, c);
    if (c->snd.wnd == 0 && timer_runs(c, GANDER_TIMER_persist))
        return;
    retransmit_restart(stack, c); /* (5.3) */
    loss_probe_schedule(stack, c);
}

void tcp_timers_on_repair(struct gander_stack *stack, struct tcp_conn *c)
{
    if (!timer_runs(c, GANDER_TIMER_persist) && !timer_runs(c, GANDER_TIMER_reorder))
        loss_probe_schedule(stack, c);
}

void tcp_timers_on_probe(struct gander_stack *stack, struct tcp_conn *c)
{
    const struct tcp_knobs *knobs = tcp_knobs_of(stack, c);
    struct tcp_busy *b = c->busy;
    gander_time wait =
        c->srtt_ns ? c->srtt_ns + max_i64(4 * c->rttvar_ns, GANDER_MS) : knobs->rto_initial_ns;

    wait = max_i64(wait, knobs->rto_min_ns);
    for (unsigned i = 0; i < b->probes && wait < knobs->rto_max_ns; i++)
        wait *= 2; /* SHLD-30 */
    timer_stop(c, GANDER_TIMER_retransmit);
    timer_stop(c, GANDER_TIMER_loss_probe);
    timer_stop(c, GANDER_TIMER_idle);
    timer_set(stack, c, GANDER_TIMER_persist, stack->now + min_i64(wait, knobs->rto_max_ns));
}

void tcp_timers_on_window(struct gander_stack *stack, struct tcp_conn *c)
{
    if (timer_runs(c, GANDER_TIMER_retransmit) || timer_runs(c, GANDER_TIMER_persist))
        return;
    if (c->snd.wnd > 0 && (c->flags & (TCP_CORK | TCP_MORE))) {
        if (!timer_runs(c, GANDER_TIMER_cork))
            timer_set(stack, c, GANDER_TIMER_cork, stack->now + cork_ns);
        return;
    }
    user_timeout_start(stack, c);
    tcp_timers_on_probe(stack, c);
}

static gander_time keepalive_at(const struct gander_stack *stack, const struct tcp_conn *c)
{
    const struct tcp_knobs *knobs = tcp_knobs_of(stack, c);

    if (!(c->flags & TCP_KEEPALIVE) || c->entity.state < GANDER_TCP_ESTABLISHED)
        return GANDER_NEVER;
    return c->heard_ns + knobs->keepalive_idle_ns +
           c->keepalive_sent * knobs->keepalive_interval_ns;
}

void tcp_timers_on_heard(struct gander_stack *stack, struct tcp_conn *c)
{
    c->heard_ns = stack->now;
    c->keepalive_sent = 0;
}

void tcp_timers_on_text(struct gander_stack *stack, struct tcp_conn *c)
{
    if (!timer_runs(c, GANDER_TIMER_delayed_ack))
        timer_set(stack, c, GANDER_TIMER_delayed_ack,
                  stack->now + tcp_knobs_of(stack, c)->delayed_ack_ns);
}

void tcp_timers_on_ack_sent(struct tcp_conn *c)
{
    if (c->busy)
        timer_stop(c, GANDER_TIMER_delayed_ack);
}

void tcp_timers_on_paced(struct gander_stack *stack, struct tcp_conn *c, gander_time at)
{
    if (c->busy->at[GANDER_TIMER_pacing] != at)
        timer_set(stack, c, GANDER_TIMER_pacing, at);
}

void tcp_timers_on_reorder(struct gander_stack *stack, struct tcp_conn *c, gander_time at)
{
    if (at == GANDER_NEVER) {
        timer_stop(c, GANDER_TIMER_reorder);
        return;
    }
    timer_stop(c, GANDER_TIMER_loss_probe); /* they exclude each other [RFC8985 8] */
    timer_set(stack, c, GANDER_TIMER_reorder, at);
}

void tcp_timers_on_option(struct gander_stack *stack, struct tcp_conn *c)
{
    if (c->entity.state == GANDER_TCP_CLOSED)
        return;
    wheel_at_latest(stack, c, max_i64(keepalive_at(stack, c), stack->now));
    if (!c->busy)
        return;
    timer_stop(c, GANDER_TIMER_user_timeout);
    if (c->snd.una != c->snd.nxt)
        user_timeout_start(stack, c);
}

void tcp_timers_on_state(struct gander_stack *stack, struct tcp_conn *c)
{
    if (c->entity.state == GANDER_TCP_ESTABLISHED)
        wheel_at_latest(stack, c, keepalive_at(stack, c));
    if (c->entity.state == GANDER_TCP_FIN_WAIT_2 && !c->sock.handle && c->busy)
        timer_set(stack, c, GANDER_TIMER_fin_wait_2,
                  stack->now + max_i64(tcp_knobs_of(stack, c)->fin_wait2_ns, 0));
}

bool tcp_is_quiet(const struct tcp_conn *c)
{
    const struct tcp_busy *b = c->busy;

    return c->snd.una == c->snd.nxt && sendq_bytes(&b->sendq) == 0 && !b->recvq.first &&
           b->reasm.count == 0 && b->at[GANDER_TIMER_delayed_ack] == GANDER_NEVER &&
           !(c->flags & (TCP_FIN_AHEAD | TCP_URGENT_IN | TCP_ACK_NOW)) &&
           (c->entity.state == GANDER_TCP_ESTABLISHED || c->entity.state == GANDER_TCP_CLOSE_WAIT);
}

void tcp_timers_on_quiet(struct gander_stack *stack, struct tcp_conn *c)
{
    timer_set(stack, c, GANDER_TIMER_idle, stack->now + tcp_rto(stack, c));
}

/* --- what runs out: each returns false when the connection is gone ------------------------------- */

static uint32_t retries_max(const struct gander_stack *stack, const struct tcp_conn *c)
{
    const struct tcp_knobs *knobs = tcp_knobs_of(stack, c);

    if (c->entity.state == GANDER_TCP_SYN_SENT)
        return knobs->syn_retries;
    if (c->entity.state == GANDER_TCP_SYN_RECEIVED)
        return knobs->synack_retries;
    return c->sock.handle ? knobs->retries_r2
                          : min_u32(knobs->retries_r2, stack->config.tcp_orphan_retries);
}

static bool give_up(struct gander_stack *stack, struct tcp_conn *c)
{
    int error = c->soft_error ? -(int)c->soft_error : GANDER_ETIMEDOUT;

    tcp_conn_end(stack, c, GANDER_CAUSE_timeout, error);
    return false;
}

/* Another time-out in a row. False: R2 is reached and the connection is gone [RFC9293 3.8.3, MUST-20]. */
static bool count_retry(struct gander_stack *stack, struct tcp_conn *c)
{
    if (c->busy->retries >= retries_max(stack, c) && tcp_knobs_of(stack, c)->user_timeout_ns == 0)
        return give_up(stack, c);
    if (c->busy->retries < UINT8_MAX)
        c->busy->retries++;
    if (c->busy->retries == R1_RETRIES)
        sock_event(stack, &c->sock, GANDER_EVENT_ERROR, GANDER_ETIMEDOUT);
    return true;
}

static bool retransmit_fired(struct gander_stack *stack, struct tcp_conn *c)
{
    if (c->busy->at[GANDER_TIMER_loss_probe] <= stack->now)
        return true; /* the probe goes first, and starts this timer again [RFC8985 7.2] */
    if (!count_retry(stack, c))
        return false;
    tcp_meter_timeout(stack, c);
    c->busy->backoff = (uint8_t)min_u32(c->busy->backoff + 1U, UINT8_MAX);
    timer_stop(c, GANDER_TIMER_loss_probe);
    timer_stop(c, GANDER_TIMER_reorder);
    tcp_pmtu_on_timeout(stack, c);
    tcp_ecn_on_timeout(c);
    tcp_fastopen_on_timeout(stack, c);
    tcp_loss_on_timeout(stack, c);
    timer_set(stack, c, GANDER_TIMER_retransmit, stack->now + tcp_rto(stack, c)); /* (5.6) */
    tcp_output_wanted(stack, c);
    return true;
}

static bool persist_fired(struct gander_stack *stack, struct tcp_conn *c)
{
    if (c->snd.wnd > 0 && c->snd.una == c->snd.nxt) {
        c->flags |= TCP_OVERRIDE; /* RFC 9293 3.8.6.2.1: the override time-out */
    } else {
        if (!count_retry(stack, c))
            return false;
        c->busy->probes = (uint8_t)min_u32(c->busy->probes + 1U, UINT8_MAX);
        c->flags |= TCP_WINDOW_PROBE_DUE;
        tcp_timers_on_probe(stack, c);
    }
    tcp_output_wanted(stack, c);
    return true;
}

static bool keepalive_fired(struct gander_stack *stack, struct tcp_conn *c)
{
    const struct tcp_knobs *knobs = tcp_knobs_of(stack, c);

    if (c->snd.una != c->snd.nxt) { /* retransmission tells as much */
        c->heard_ns = stack->now;
        return true;
    }
    if (c->keepalive_sent >= knobs->keepalive_probes)
        return give_up(stack, c);
    c->keepalive_sent++; /* the next one in an interval from now, also when the clock has leapt or the option is new */
    c->heard_ns = stack->now - knobs->keepalive_idle_ns -
                  (c->keepalive_sent - 1) * knobs->keepalive_interval_ns;
    c->flags |= TCP_KEEPALIVE_DUE;
    tcp_output_wanted(stack, c);
    return true;
}

static bool idle_fired(struct gander_stack *stack, struct tcp_conn *c)
{
    if (tcp_is_quiet(c)) {
        if (tcp_knobs_of(stack, c)->slow_start_after_idle)
            tcp_cc_on_idle(stack, c);
        if (tcp_meter_keep(stack, c)) {
            tcp_cc_memory_keep(stack, c);
            tcp_busy_release(stack, c);
        }
    }
    return true;
}

static bool timer_fired(struct gander_stack *stack, struct tcp_conn *c, enum gander_timer timer)
{
    switch (timer) {
    case GANDER_TIMER_retransmit:
        return retransmit_fired(stack, c);
    case GANDER_TIMER_persist:
        return persist_fired(stack, c);
    case GANDER_TIMER_loss_probe:
        if (tcp_tlp_may_send(c))
            c->flags |= TCP_LOSS_PROBE_DUE;
        timer_set(stack, c, GANDER_TIMER_retransmit, stack->now + tcp_rto(stack, c));
        tcp_output_wanted(stack, c);
        return true;
    case GANDER_TIMER_reorder:
        tcp_loss_on_reorder_timer(stack, c);
        return true;
    case GANDER_TIMER_delayed_ack:
        tcp_ack_now(stack, c, GANDER_WHY_ack_delayed);
        return true;
    case GANDER_TIMER_cork:
        c->flags |= TCP_OVERRIDE;
        tcp_output_wanted(stack, c);
        return true;
    case GANDER_TIMER_pacing:
        tcp_output_wanted(stack, c);
        return true;
    case GANDER_TIMER_user_timeout:
        return give_up(stack, c);
    case GANDER_TIMER_fin_wait_2:
        tcp_conn_end(stack, c, GANDER_CAUSE_timeout, 0);
        return false;
    case GANDER_TIMER_idle:
        return idle_fired(stack, c);
    case GANDER_TIMER_keepalive:
    case GANDER_TIMER_time_wait:
    case GANDER_TIMER_COUNT:
        break;
    }
    return true;
}

static void conn_fired(struct gander_stack *stack, struct tcp_conn *c)
{
    gander_time next;

    for (unsigned t = 0; c->busy && t < GANDER_TIMER_COUNT; t++) {
        if (c->busy->at[t] > stack->now)
            continue;
        c->busy->at[t] = GANDER_NEVER;
        if (trace_on(stack))
            tcp_trace_timer_fired(stack, c, t);
        if (!timer_fired(stack, c, t))
            return;
    }
    if (keepalive_at(stack, c) <= stack->now && !keepalive_fired(stack, c))
        return;
    next = keepalive_at(stack, c);
    for (unsigned t = 0; c->busy && t < GANDER_TIMER_COUNT; t++)
        next = min_i64(next, c->busy->at[t]);
    wheel_at_latest(stack, c, next);
}

void tcp_timers_fired(struct gander_stack *stack, struct timer *timer)
{
    struct tcp_entity *entity;

    if (timer == &stack->tcp.wait_timer) {
        tcp_time_wait_timer(stack);
        return;
    }
    entity = (void *)CONTAINER_OF(timer, struct tcp_conn, timer);
    if (entity->kind == TCP_CONNECTION)
        conn_fired(stack, (void *)entity);
    else
        tcp_syn_received_timer(stack, (void *)entity);
}

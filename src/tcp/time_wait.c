/* SPDX-License-Identifier: MIT */
/*
 * TIME-WAIT [RFC9293 3.3.2, 3.6.1]: 2MSL during which a lost last ACK can be sent again and old segments die. A compact record in
 * the table of flows; all last equally long, so the records form a queue by age under one timer.
 *
 * DEVIATION: RFC 9293 3.10.7.4 ends TIME-WAIT when a RST arrives; RFC 1337 3 (F1) shows why not, and is followed.
 * DEVIATION: the receive window counts as closed. The peer has sent its FIN, so nothing behind it is acceptable, and gets an ACK.
 */
#include "tcp/tcp.h"

enum { EXPIRE_MAX = 256 }; /* records ended by one timer: bounded work, the rest at once after */

static void queue_append(struct gander_stack *stack, struct tcp_time_wait *w)
{
    w->expires = stack->now + 2 * stack->config.tcp_msl_ns;
    w->newer = NULL;
    w->older = stack->tcp.wait_newest;
    if (w->older)
        w->older->newer = w;
    else
        stack->tcp.wait_oldest = w;
    stack->tcp.wait_newest = w;
    if (!timer_is_armed(&stack->tcp.wait_timer))
        wheel_arm(&stack->wheel, &stack->tcp.wait_timer, stack->tcp.wait_oldest->expires);
}

static void queue_remove(struct gander_stack *stack, struct tcp_time_wait *w)
{
    if (w->older)
        w->older->newer = w->newer;
    else
        stack->tcp.wait_oldest = w->newer;
    if (w->newer)
        w->newer->older = w->older;
    else
        stack->tcp.wait_newest = w->older;
}

void tcp_time_wait_free(struct gander_stack *stack, struct tcp_time_wait *w,
                        enum gander_cause cause)
{
    tcp_state_trace(stack, &w->entity, tcp_full_id(stack, w->id), GANDER_TCP_TIME_WAIT,
                    GANDER_TCP_CLOSED, cause);
    if (trace_on(stack))
        tcp_trace_end(stack, &w->entity, tcp_full_id(stack, w->id), 0);
    if (cause == GANDER_CAUSE_memory)
        stack->stats.tcp_time_wait_early++;
    queue_remove(stack, w);
    tcp_flow_remove(stack, &w->entity);
    stack->tcp.time_wait--;
    pool_put(w);
    /* Ends come by age, and the old are in nobody's cache: fetch what the next end needs. */
    w = stack->tcp.wait_oldest;
    if (w) {
        __builtin_prefetch(w->newer, 1);
        table_prefetch(&stack->tcp.flows, w->entity.hash);
    }
}

void tcp_time_wait_timer(struct gander_stack *stack)
{
    struct tcp_time_wait *w;

    for (unsigned i = 0; i < EXPIRE_MAX; i++) {
        w = stack->tcp.wait_oldest;
        if (!w || w->expires > stack->now)
            break;
        tcp_time_wait_free(stack, w, GANDER_CAUSE_time_wait_over);
    }
    if (stack->tcp.wait_oldest)
        wheel_arm(&stack->wheel, &stack->tcp.wait_timer, stack->tcp.wait_oldest->expires);
}

static struct tcp_time_wait *record_new(struct gander_stack *stack, unsigned family)
{
    struct tcp_time_wait *w;

    if (stack->tcp.time_wait >= stack->config.tcp_time_wait_max && stack->tcp.wait_oldest)
        tcp_time_wait_free(stack, stack->tcp.wait_oldest, GANDER_CAUSE_memory);
    if (stack->config.tcp_time_wait_max == 0)
        return NULL;
    w = pool_get(family == GANDER_IPV4 ? &stack->tcp.wait4 : &stack->tcp.wait6);
    if (w)
        stack->tcp.time_wait++;
    return w;
}

static void record_fill(struct gander_stack *stack, struct tcp_time_wait *w, struct tcp_conn *c)
{
    bool v4 = c->entity.family == GANDER_IPV4;

    w->entity = c->entity;
    w->entity.kind = TCP_TIME_WAIT_RECORD;
    w->snd_nxt = c->snd.nxt;
    w->rcv_nxt = c->rcv.nxt;
    w->ts_recent = c->ts_recent;
    w->id = (uint32_t)c->id;
    w->wnd = (uint16_t)min_u32((c->rcv.edge - c->rcv.nxt) >> c->rcv_scale, UINT16_MAX);
    w->timestamps = c->flags & TCP_TIMESTAMPS;
    w->challenged = (uint8_t)((stack->tcp.clock_ms >> 8) - 1);
    memcpy(&w->flow, &c->flow, offsetof(struct tcp_flow, ip) + (v4 ? 8 : 32));
}

static void ack_send(struct gander_stack *stack, struct tcp_time_wait *w, enum gander_why why)
{
    uint32_t offset = tcp_timestamp_offset(stack, w->entity.family, &w->flow);

    tcp_reply(stack, &w->entity, tcp_full_id(stack, w->id),
              &(struct tcp_reply){.seq = w->snd_nxt,
                                  .ack = w->rcv_nxt,
                                  .wnd = w->wnd,
                                  .flags = GANDER_FLAG_ACK,
                                  .why = (uint8_t)why,
                                  .timestamps = w->timestamps,
                                  .tsval = tcp_timestamp(stack, offset),
                                  .tsecr = w->ts_recent});
}

/* The connection has no more part in it: what its owner still has to read stays with its socket. */
static void conn_leave(struct gander_stack *stack, struct tcp_conn *c)
{
    wheel_cancel(&stack->wheel, &c->timer);
    tcp_output_unlist(stack, c);
    c->flags &= ~(uint32_t)TCP_IN_TABLE;
    if (!c->sock.handle && !c->listener) {
        tcp_conn_free(stack, c);
        return;
    }
    if (c->flags & TCP_BOUND)
        tcp_port_leave(stack, &c->sock, c->flow.local_port);
    c->flags &= ~(uint32_t)TCP_BOUND;
    if (c->busy && !c->busy->recvq.first)
        tcp_busy_release(stack, c);
    sock_event(stack, &c->sock, GANDER_EVENT_CLOSED, 0);
    c->flags |= TCP_END_REPORTED;
}

void tcp_time_wait_enter(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_time_wait *w = record_new(stack, c->entity.family);
    bool ack_due = c->flags & TCP_ACK_NOW;

    if (!w) { /* no room to wait in: the ACK leaves, the rest is luck */
        if (ack_due)
            tcp_reply(stack, &c->entity, c->id,
                      &(struct tcp_reply){.seq = c->snd.nxt,
                                          .ack = c->rcv.nxt,
                                          .flags = GANDER_FLAG_ACK,
                                          .why = c->why_ack,
                                          .timestamps = c->flags & TCP_TIMESTAMPS,
                                          .tsval = tcp_timestamp(stack, c->ts_offset),
                                          .tsecr = c->ts_recent});
        stack->stats.tcp_time_wait_early++;
        tcp_conn_end(stack, c, GANDER_CAUSE_memory, 0);
        return;
    }
    tcp_state_set(stack, c, GANDER_TCP_TIME_WAIT, GANDER_CAUSE_segment);
    record_fill(stack, w, c);
    tcp_flow_replace(stack, &c->entity, &w->entity);
    queue_append(stack, w);
    if (ack_due)
        ack_send(stack, w, c->why_ack);
    conn_leave(stack, c);
}

void tcp_time_wait_abort(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_entity *entity = tcp_flow_find(stack, c->entity.family, c->entity.hash, &c->flow);
    struct tcp_time_wait *w = (void *)entity;

    if (c->entity.state != GANDER_TCP_TIME_WAIT || !entity || entity->kind != TCP_TIME_WAIT_RECORD)
        return;
    if (w->id == (uint32_t)c->id) /* and not of a later incarnation */
        tcp_time_wait_free(stack, w, GANDER_CAUSE_abort);
}

/* RFC 6191 2, RFC 9293 3.6.1 (MAY-2): may this SYN begin a new incarnation? */
static bool syn_is_newer(const struct gander_stack *stack, const struct tcp_time_wait *w,
                         const struct tcp_segment *seg)
{
    if (w->timestamps && seg->has_timestamp && seg->tsval != w->ts_recent)
        return seq_gt(seg->tsval, w->ts_recent);
    if (!w->timestamps && seg->has_timestamp && stack->config.tcp_timestamps)
        return true;
    return seq_geq(seg->seq, w->rcv_nxt); /* beyond the FIN's */
}

/* Else the SYN opens nothing, and must not end TIME-WAIT either. */
static bool somebody_listens(const struct gander_stack *stack, const struct tcp_arrival *a)
{
    return tcp_listener_find(stack, a->ip->ip.family, a->ip->ip.destination,
                             a->seg.destination_port) != NULL;
}

/* One answer in a quarter second to what does not belong here: two ends in TIME-WAIT must not storm. */
static void challenge(struct gander_stack *stack, struct tcp_time_wait *w)
{
    uint8_t quarter = (uint8_t)(stack->tcp.clock_ms >> 8);

    if (w->challenged == quarter) {
        tcp_drop_nothing(stack, &w->entity, tcp_full_id(stack, w->id),
                         GANDER_DROP_tcp_challenge_rate);
        return;
    }
    w->challenged = quarter;
    ack_send(stack, w, GANDER_WHY_ack_challenge);
}

bool tcp_time_wait_arrives(struct gander_stack *stack, struct tcp_time_wait *w,
                           struct tcp_arrival *a, tcp_seq *floor)
{
    const struct tcp_segment *seg = &a->seg;
    bool old = w->timestamps && seg->has_timestamp && seq_lt(seg->tsval, w->ts_recent);
    bool missing = w->timestamps && !seg->has_timestamp && !(seg->flags & GANDER_FLAG_SYN);

    if ((seg->flags & GANDER_FLAG_RST) || missing) { /* RFC 1337; RFC 7323 3.2 */
        tcp_drop(stack, NULL, a,
                 missing ? GANDER_DROP_tcp_no_timestamp : GANDER_DROP_tcp_time_wait);
        return false;
    }
    if ((seg->flags & (GANDER_FLAG_SYN | GANDER_FLAG_ACK)) == GANDER_FLAG_SYN &&
        syn_is_newer(stack, w, seg) && somebody_listens(stack, a)) {
        *floor = w->snd_nxt;
        tcp_time_wait_free(stack, w, GANDER_CAUSE_segment);
        return true;
    }
    if ((seg->flags & GANDER_FLAG_FIN) && !old && seg->seq + seg->len == w->rcv_nxt) {
        queue_remove(stack, w); /* our ACK was lost: once more, and 2MSL begins anew */
        queue_append(stack, w);
        ack_send(stack, w, GANDER_WHY_ack_time_wait);
    } else if (seg->len > 0 || seg->seq != w->rcv_nxt || old) {
        challenge(stack, w);
    }
    tcp_drop(stack, NULL, a, GANDER_DROP_tcp_time_wait);
    return false;
}

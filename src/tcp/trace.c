/* SPDX-License-Identifier: MIT */
/*
 * TCP's trace events. Callers ask trace_on() first, so that a trace that is off costs them one branch: the event is
 * larger than most of what they do (building it first cost 110 of 3,900 instructions per segment).
 */
#include "tcp/tcp.h"

static void emit(struct gander_stack *stack, struct tcp_entity *entity, uint64_t id,
                 struct gander_trace_event *event)
{
    struct trace_flow flow;

    tcp_trace_flow(entity, id, &flow);
    trace_emit(stack, event, &flow);
}

void tcp_trace_state(struct gander_stack *stack, struct tcp_entity *entity, uint64_t id,
                     const struct gander_trace_state *state)
{
    struct gander_trace_event event = {.type = GANDER_TRACE_state, .u.state = *state};

    emit(stack, entity, id, &event);
}

void tcp_trace_end(struct gander_stack *stack, struct tcp_entity *entity, uint64_t id, int error)
{
    struct gander_trace_event event = {.type = GANDER_TRACE_end, .u.end = {error}};

    emit(stack, entity, id, &event);
}

void tcp_trace_timer_armed(struct gander_stack *stack, struct tcp_conn *c, enum gander_timer timer,
                           gander_time at)
{
    struct gander_trace_event event = {.type = GANDER_TRACE_timer_armed,
                                       .u.timer_armed = {(uint8_t)timer, at}};

    emit(stack, &c->entity, c->id, &event);
}

void tcp_trace_timer_fired(struct gander_stack *stack, struct tcp_conn *c, enum gander_timer timer)
{
    struct gander_trace_event event = {
        .type = GANDER_TRACE_timer_fired,
        .u.timer_fired = {(uint8_t)timer, c->busy ? c->busy->retries : 0}};

    emit(stack, &c->entity, c->id, &event);
}

void tcp_trace_rtt(struct gander_stack *stack, struct tcp_conn *c, gander_time sample)
{
    struct gander_trace_event event = {
        .type = GANDER_TRACE_rtt, .u.rtt = {sample, c->srtt_ns, c->rttvar_ns, tcp_rto(stack, c)}};

    emit(stack, &c->entity, c->id, &event);
}

void tcp_trace_window(struct gander_stack *stack, struct tcp_conn *c, enum gander_why why)
{
    struct gander_trace_event event = {
        .type = GANDER_TRACE_window, .u.window = {c->snd.wnd, c->cwnd, c->ssthresh, (uint8_t)why}};

    emit(stack, &c->entity, c->id, &event);
}

void tcp_trace_lost(struct gander_stack *stack, struct tcp_conn *c, const struct tcp_record *r)
{
    struct gander_trace_event event = {.type = GANDER_TRACE_lost,
                                       .u.lost = {r->seq, r->len, r->rule}};

    emit(stack, &c->entity, c->id, &event);
}

void tcp_trace_options(struct gander_stack *stack, const struct tcp_segment *seg,
                       const struct trace_flow *flow)
{
    struct gander_trace_event event = {.type = GANDER_TRACE_offer};

    if (seg->flags & GANDER_FLAG_SYN) {
        event.u.offer =
            (struct gander_trace_offer){.mss = seg->mss,
                                        .window_scale = seg->has_wscale ? seg->wscale : 255,
                                        .sack_permitted = seg->sack_permitted,
                                        .timestamps = seg->has_timestamp};
        trace_emit(stack, &event, flow);
    }
    for (unsigned i = 0; i < seg->sack_blocks; i++) {
        event.type = GANDER_TRACE_sack;
        event.u.sack = (struct gander_trace_sack){seg->sack[i].left, seg->sack[i].right};
        trace_emit(stack, &event, flow);
    }
}

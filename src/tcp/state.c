/* SPDX-License-Identifier: MIT */
/*
 * The state of a connection [RFC9293 3.3.2, figure 5]. The only place that writes it: it knows the legal transitions,
 * and traces each with its cause.
 */
#include "tcp/tcp.h"

#define TO(state) (1U << GANDER_TCP_##state)

/* From each state to which. CLOSED is reachable from all: abort, reset, time-out. */
static const uint16_t legal[GANDER_TCP_STATES] = {
    [GANDER_TCP_CLOSED] = TO(SYN_SENT) | TO(SYN_RECEIVED) | TO(ESTABLISHED) | TO(LISTEN),
    [GANDER_TCP_LISTEN] = TO(SYN_RECEIVED) | TO(SYN_SENT) | TO(CLOSED),
    [GANDER_TCP_SYN_SENT] = TO(SYN_RECEIVED) | TO(ESTABLISHED) | TO(CLOSED),
    [GANDER_TCP_SYN_RECEIVED] = TO(ESTABLISHED) | TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED),
    [GANDER_TCP_ESTABLISHED] = TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED),
    [GANDER_TCP_FIN_WAIT_1] = TO(FIN_WAIT_2) | TO(CLOSING) | TO(TIME_WAIT) | TO(CLOSED),
    [GANDER_TCP_FIN_WAIT_2] = TO(TIME_WAIT) | TO(CLOSED),
    [GANDER_TCP_CLOSE_WAIT] = TO(LAST_ACK) | TO(CLOSED),
    [GANDER_TCP_CLOSING] = TO(TIME_WAIT) | TO(CLOSED),
    [GANDER_TCP_LAST_ACK] = TO(CLOSED),
    [GANDER_TCP_TIME_WAIT] = TO(CLOSED),
};

void tcp_state_trace(struct gander_stack *stack, struct tcp_entity *entity, uint64_t id,
                     enum gander_tcp_state from, enum gander_tcp_state to, enum gander_cause cause)
{
    if (trace_on(stack))
        tcp_trace_state(stack, entity, id,
                        &(struct gander_trace_state){(uint8_t)from, (uint8_t)to, (uint8_t)cause});
}

/* SYN-SENT to LAST-ACK: what gander_stats() calls a connection. */
static bool is_counted(enum gander_tcp_state state)
{
    return state >= GANDER_TCP_SYN_SENT && state <= GANDER_TCP_LAST_ACK;
}

void tcp_state_count(struct gander_stack *stack, enum gander_tcp_state from,
                     enum gander_tcp_state to)
{
    stack->tcp.connections += is_counted(to);
    stack->tcp.connections -= is_counted(from);
}

void tcp_state_set(struct gander_stack *stack, struct tcp_conn *c, enum gander_tcp_state to,
                   enum gander_cause cause)
{
    enum gander_tcp_state from = c->entity.state;

    if (from == to)
        return;
    ASSERT(legal[from] & (1U << to));
    c->entity.state = (uint8_t)to;
    tcp_state_count(stack, from, to);
    if (from != GANDER_TCP_TIME_WAIT) /* that ends with its record, which traces it */
        tcp_state_trace(stack, &c->entity, c->id, from, to, cause);
    if (to != GANDER_TCP_CLOSED)
        tcp_timers_on_state(stack, c);
}

/* SPDX-License-Identifier: MIT */
/* Life and death of a connection's memory: TCB creation and deletion [RFC9293 3.3.1]. */
#include "tcp/tcp.h"

enum {
    MSS_FLOOR = 64,       /* a peer that asks for less does not get it: CVE-2019-11479 */
    TIMESTAMP_BYTES = 12, /* the option, padded: on every segment once agreed */
    MSS_DEFAULT_IPV4 = 536,
    MSS_DEFAULT_IPV6 = 1220 /* RFC 9293 3.7.1, MUST-15 */
};

static struct pool *conn_pool(struct gander_stack *stack, unsigned family)
{
    return family == GANDER_IPV4 ? &stack->tcp.conn4 : &stack->tcp.conn6;
}

struct tcp_conn *tcp_conn_new(struct gander_stack *stack, unsigned family)
{
    struct tcp_conn *c = pool_get(conn_pool(stack, family));

    if (!c)
        return NULL;
    memset(c, 0, offsetof(struct tcp_conn, flow.ip) + (family == GANDER_IPV4 ? 8 : 32));
    c->entity.kind = TCP_CONNECTION;
    c->entity.family = (uint8_t)family;
    timer_init(&c->timer);
    c->sock.kind = SOCK_TCP_CONN;
    c->send_limit_bytes = stack->config.tcp_send_buffer_bytes;
    c->receive_limit_bytes = stack->config.tcp_receive_buffer_bytes;
    c->cc = (uint8_t)stack->tcp.cc_default;
    c->heard_ns = stack->now;
    c->challenged_ns = -GANDER_S;
    c->challenges_paid_ms = stack->tcp.clock_ms;
    c->id = stack->next_id++;
    return c;
}

bool tcp_conn_enter(struct gander_stack *stack, struct tcp_conn *c)
{
    c->entity.hash = tcp_flow_hash(stack, c->entity.family, &c->flow);
    if (!tcp_flow_insert(stack, &c->entity))
        return false;
    c->flags |= TCP_IN_TABLE;
    return true;
}

bool tcp_busy_need(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;
    bool before_syn = c->entity.state == GANDER_TCP_CLOSED;

    if (LIKELY(b != NULL))
        return true;
    b = pool_get(&stack->tcp.busy);
    if (!b)
        return false;
    memset(b, 0, sizeof(*b));
    sendq_init(&b->sendq, c->snd.nxt + (before_syn ? 1 : 0));
    rtxq_init(&b->rtxq);
    recvq_init(&b->recvq);
    reasm_init(&b->reasm);
    for (unsigned i = 0; i < GANDER_TIMER_COUNT; i++)
        b->at[i] = GANDER_NEVER;
    b->recover = b->ecn_until = c->snd.una - 1;
    b->fack = b->rack_end = b->loss_edge = b->nagle_end = c->snd.una;
    b->last_sent_ns = stack->now;
    b->progress_ns = stack->now;
    b->conn = c;
    c->busy = b;
    if (!tcp_cc_memory_need(stack, c)) {
        pool_put(b);
        c->busy = NULL;
        return false;
    }
    tcp_meter_restore(c);
    return true;
}

void tcp_busy_release(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;

    if (!b)
        return;
    tcp_cc_memory_release(c);
    c->busy = NULL;
    tcp_holder_remove(stack, b);
    sendq_finish(&b->sendq, stack->mem);
    rtxq_finish(&b->rtxq, stack->mem);
    recvq_finish(&b->recvq);
    reasm_finish(&b->reasm, stack->mem);
    pool_put(b);
}

const struct tcp_knobs *tcp_knobs_of(const struct gander_stack *stack, const struct tcp_conn *c)
{
    return c->knobs ? c->knobs : &stack->tcp.knobs_default;
}

const struct tcp_knobs *tcp_listener_knobs(const struct gander_stack *stack,
                                           const struct tcp_listener *l)
{
    return l->knobs ? l->knobs : &stack->tcp.knobs_default;
}

void tcp_conn_set_mss(struct tcp_conn *c, uint32_t peer_mss)
{
    uint32_t headers = wire_ip_header_bytes(c->entity.family) + TCP_HEADER_BYTES;
    uint32_t mss = peer_mss;

    if (mss == 0)
        mss = c->entity.family == GANDER_IPV4 ? MSS_DEFAULT_IPV4 : MSS_DEFAULT_IPV6;
    mss = min_u32(max_u32(mss, MSS_FLOOR), c->mtu - headers);
    if (c->knobs && c->knobs->max_segment)
        mss = min_u32(mss, c->knobs->max_segment);
    if (c->flags & TCP_TIMESTAMPS)
        mss -= TIMESTAMP_BYTES; /* RFC 6691: options come out of the segment */
    c->mss = (uint16_t)mss;
}

/* Off every list, so that nothing finds it any more but its owner. */
static void conn_detach(struct gander_stack *stack, struct tcp_conn *c)
{
    wheel_cancel(&stack->wheel, &c->timer);
    tcp_output_unlist(stack, c);
    if (c->flags & TCP_IN_TABLE)
        tcp_flow_remove(stack, &c->entity);
    if (c->flags & TCP_BOUND)
        tcp_port_leave(stack, &c->sock, c->flow.local_port);
    c->flags &= ~(uint32_t)(TCP_IN_TABLE | TCP_BOUND);
}

void tcp_conn_end(struct gander_stack *stack, struct tcp_conn *c, enum gander_cause cause,
                  int error)
{
    tcp_fastopen_done(stack, c, cause == GANDER_CAUSE_reset);
    tcp_state_set(stack, c, GANDER_TCP_CLOSED, cause);
    if (trace_on(stack) && (c->flags & TCP_IN_TABLE))
        tcp_trace_end(stack, &c->entity, c->id, error);
    conn_detach(stack, c);
    if (!c->sock.handle && !c->listener) {
        tcp_conn_free(stack, c);
        return;
    }
    if (c->busy) { /* what was received stays for its reader */
        sendq_finish(&c->busy->sendq, stack->mem);
        rtxq_finish(&c->busy->rtxq, stack->mem);
        reasm_finish(&c->busy->reasm, stack->mem);
        tcp_holder_remove(stack, c->busy);
        if (!c->busy->recvq.first)
            tcp_busy_release(stack, c);
    }
    c->sock.error = (int8_t)error;
    if (!(c->flags & TCP_END_REPORTED))
        sock_event(stack, &c->sock, GANDER_EVENT_CLOSED | (error ? GANDER_EVENT_READABLE : 0),
                   error);
    c->flags |= TCP_END_REPORTED;
}

void tcp_conn_free(struct gander_stack *stack, struct tcp_conn *c)
{
    conn_detach(stack, c);
    tcp_busy_release(stack, c);
    if (c->flags & TCP_ORPHAN)
        stack->tcp.orphans--;
    if (c->knobs && c->knobs->cc_kept)
        pool_put(c->knobs->cc_kept);
    if (c->knobs)
        pool_put(c->knobs);
    if (c->sock.handle)
        sock_unregister(stack, &c->sock);
    tcp_state_count(stack, c->entity.state, GANDER_TCP_CLOSED);
    pool_put(c);
}

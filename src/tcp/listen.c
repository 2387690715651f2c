/* SPDX-License-Identifier: MIT */
/*
 * LISTEN [RFC9293 3.10.7.2], and the listener's user calls. Each SYN gets a record in SYN-RECEIVED (syn_received.c) while the
 * backlog has room, and a cookie when it has not (syn_cookies.c).
 */
#include "tcp/tcp.h"

void tcp_accept_queue_append(struct gander_stack *stack, struct tcp_listener *l, struct tcp_conn *c)
{
    c->listener = l;
    *l->accept_last = c;
    l->accept_last = &c->accept_next;
    l->waiting++;
    stack->stats.tcp_passive_opens++;
    sock_event(stack, &l->sock, GANDER_EVENT_ACCEPT, 0);
}

/* A connection at once; the packet is gone then. False: no memory for it. */
static bool fast_open(struct gander_stack *stack, struct tcp_syn_received *r, struct tcp_arrival *a,
                      const tcp_seq *iss_floor, enum fastopen_verdict verdict)
{
    r->id = (uint32_t)stack->next_id++;
    r->iss = tcp_isn(stack, r->entity.family, &r->flow);
    if (iss_floor && seq_leq(r->iss, *iss_floor))
        r->iss = *iss_floor + 1;
    r->from_cookie = 1; /* no round trip has been seen */
    if (!tcp_fastopen_begin(stack, r, a, verdict == FASTOPEN_TAKE_NEW_COOKIE)) {
        r->from_cookie = 0;
        return false;
    }
    gander_packet_free(a->packet); /* unless it was kept */
    return true;
}

/* Third: a SYN [RFC9293 3.10.7.2]. */
static void syn_arrives(struct gander_stack *stack, struct tcp_listener *l, struct tcp_arrival *a,
                        const struct tcp_flow *flow, const tcp_seq *iss_floor)
{
    bool full = l->pending + l->waiting >= l->backlog;
    enum fastopen_verdict fastopen;
    struct tcp_syn_received r;
    struct ip_route route;

    if (l->waiting >= l->backlog || (full && !stack->config.tcp_syn_cookies)) {
        tcp_drop(stack, NULL, a, GANDER_DROP_tcp_backlog);
        return;
    }
    if (!ip_route_find(stack, a->ip->ip.family, a->ip->ip.source, &route)) {
        tcp_drop(stack, NULL, a, GANDER_DROP_out_no_route);
        return;
    }
    tcp_syn_received_fill(stack, &r, l, a, flow);
    r.entity.link = route.link;
    fastopen = tcp_fastopen_syn(stack, l, a, flow);
    if (fastopen >= FASTOPEN_TAKE && fast_open(stack, &r, a, iss_floor, fastopen))
        return;
    r.fastopen = fastopen != FASTOPEN_NO;
    if (full) {
        tcp_syn_cookie_send(stack, l, &r);
    } else if (!tcp_syn_received_begin(stack, &r, iss_floor)) {
        tcp_drop(stack, NULL, a, GANDER_DROP_tcp_memory);
        return;
    }
    gander_packet_free(a->packet);
}

/* Second: an ACK. Good for nothing here, unless it brings back a cookie. */
static void ack_arrives(struct gander_stack *stack, struct tcp_listener *l, struct tcp_arrival *a,
                        const struct tcp_flow *flow)
{
    struct tcp_syn_received r;
    struct ip_route route;

    tcp_syn_received_fill(stack, &r, l, a, flow);
    r.flags = 0;
    if (l->waiting < l->backlog && tcp_syn_cookie_accept(stack, l, &a->seg, &r) &&
        ip_route_find(stack, a->ip->ip.family, a->ip->ip.source, &route)) {
        r.entity.link = route.link;
        tcp_syn_cookie_established(stack, &r, a);
        return;
    }
    tcp_reply_reset(stack, a, GANDER_WHY_rst_bad_ack);
    tcp_drop(stack, NULL, a, GANDER_DROP_tcp_no_connection);
}

void tcp_listen_arrives(struct gander_stack *stack, struct tcp_listener *l, struct tcp_arrival *a,
                        const struct tcp_flow *flow, const tcp_seq *iss_floor)
{
    uint8_t flags = a->seg.flags;

    if (flags & GANDER_FLAG_RST) /* first */
        tcp_drop(stack, NULL, a, GANDER_DROP_tcp_listen_rst);
    else if (flags & GANDER_FLAG_ACK)
        ack_arrives(stack, l, a, flow);
    else if (flags & GANDER_FLAG_SYN)
        syn_arrives(stack, l, a, flow, iss_floor);
    else /* fourth */
        tcp_drop(stack, NULL, a, GANDER_DROP_tcp_no_ack);
}

/* --- the listener ------------------------------------------------------------------------------------------- */

int tcp_user_listen(struct gander_stack *stack, struct tcp_conn *c, int backlog)
{
    struct tcp_listener *l;

    if (c->entity.state != GANDER_TCP_CLOSED || (c->flags & TCP_END_REPORTED))
        return GANDER_EISCONN;
    if (!(c->flags & TCP_BOUND) || backlog < 1)
        return GANDER_EINVAL;
    l = pool_get(&stack->tcp.listeners);
    if (!l)
        return GANDER_ENOMEM;
    memset(l, 0, sizeof(*l));
    l->sock.kind = SOCK_TCP_LISTENER;
    l->id = c->id;
    tcp_local_address(c, &l->local);
    l->backlog = (uint32_t)backlog;
    l->accept_last = &l->accept_first;
    l->flags = c->flags & (TCP_NODELAY | TCP_KEEPALIVE | TCP_QUICKACK | TCP_CORK | TCP_V6_ONLY |
                           TCP_SEND_FIXED | TCP_RECEIVE_FIXED);
    l->send_limit_bytes = c->send_limit_bytes;
    l->receive_limit_bytes = c->receive_limit_bytes;
    l->cc = c->cc;
    l->knobs = c->knobs;
    c->knobs = NULL;
    tcp_port_replace(stack, &c->sock, &l->sock, l->local.port);
    c->flags &= ~(uint32_t)TCP_BOUND;
    sock_rebind(stack, &c->sock, &l->sock);
    tcp_conn_free(stack, c);
    return GANDER_OK;
}

int tcp_user_accept(struct gander_stack *stack, struct tcp_listener *l, gander_socket *out,
                    struct gander_address *peer)
{
    for (;;) {
        struct tcp_conn *c = l->accept_first;

        if (!c)
            return GANDER_EAGAIN;
        if (c->entity.state != GANDER_TCP_CLOSED && !sock_register(stack, &c->sock))
            return GANDER_ENOMEM;
        l->accept_first = c->accept_next;
        if (!l->accept_first)
            l->accept_last = &l->accept_first;
        l->waiting--;
        c->listener = NULL;
        c->accept_next = NULL;
        if (c->entity.state == GANDER_TCP_CLOSED) { /* over before anybody took it */
            tcp_conn_free(stack, c);
            continue;
        }
        *out = c->sock.handle;
        if (peer)
            tcp_peer_address(c, peer);
        if (c->busy && c->busy->recvq.bytes > 0)
            sock_event(stack, &c->sock, GANDER_EVENT_READABLE, 0);
        if (c->flags & TCP_URGENT_IN)
            sock_event(stack, &c->sock, GANDER_EVENT_URGENT, 0);
        if (c->flags & TCP_FIN_RECEIVED)
            sock_event(stack, &c->sock, GANDER_EVENT_PEER_CLOSED | GANDER_EVENT_READABLE, 0);
        return GANDER_OK;
    }
}

void tcp_listener_close(struct gander_stack *stack, struct tcp_listener *l)
{
    while (l->records) /* silent: their SYN-ACKs' answers get resets */
        tcp_syn_received_end(stack, l->records, GANDER_CAUSE_close);
    while (l->accept_first) {
        struct tcp_conn *c = l->accept_first;

        l->accept_first = c->accept_next;
        c->listener = NULL;
        tcp_user_abort(stack, c);
    }
    tcp_port_leave(stack, &l->sock, l->local.port);
    if (l->knobs)
        pool_put(l->knobs);
    sock_unregister(stack, &l->sock);
    pool_put(l);
}

/* SPDX-License-Identifier: MIT */
/* User calls that open and close [RFC9293 3.10.1, 3.10.4, 3.10.5]: OPEN, CLOSE, ABORT, and half close [RFC9293 3.6]. */
#include "tcp/tcp.h"

enum { PORT_FIRST = 32768, PORT_COUNT = 28232, PORT_TRIES = 4096 };

int tcp_user_open(struct gander_stack *stack, struct sock **sock)
{
    struct tcp_conn *c = tcp_conn_new(stack, 0);

    if (!c)
        return GANDER_ENOMEM;
    if (!sock_register(stack, &c->sock)) {
        tcp_conn_free(stack, c);
        return GANDER_ENOMEM;
    }
    *sock = &c->sock;
    return GANDER_OK;
}

/* --- bind ------------------------------------------------------------------------------------------ */

static bool port_pick(struct gander_stack *stack, struct gander_address *local, bool v6_only)
{
    for (unsigned i = 0; i < PORT_TRIES; i++) {
        local->port = (uint16_t)(PORT_FIRST + random_below(&stack->random, PORT_COUNT));
        if (!tcp_port_taken(stack, local, v6_only))
            return true;
    }
    return false;
}

int tcp_user_bind(struct gander_stack *stack, struct tcp_conn *c,
                  const struct gander_address *local)
{
    struct gander_address want = *local;
    bool v6_only = c->flags & TCP_V6_ONLY, any = ip_is_unspecified(GANDER_IPV6, want.ip);

    if ((c->flags & TCP_BOUND) || c->entity.state != GANDER_TCP_CLOSED || c->entity.family)
        return GANDER_EINVAL;
    if (want.family != 0 && want.family != GANDER_IPV4 && want.family != GANDER_IPV6)
        return GANDER_EINVAL;
    if (!any && (want.family == 0 || !ip_is_ours(stack, want.family, want.ip)))
        return GANDER_EADDRNOTAVAIL;
    if (want.port == 0 && !port_pick(stack, &want, v6_only))
        return GANDER_EADDRINUSE;
    if (tcp_port_taken(stack, &want, v6_only))
        return GANDER_EADDRINUSE;
    if (!tcp_port_enter(stack, &c->sock, want.port))
        return GANDER_ENOMEM;
    c->entity.family = want.family;
    c->flow.local_port = want.port;
    memset(c->flow.ip, 0, sizeof(c->flow.ip));
    memcpy(c->flow.ip, want.ip, sizeof(want.ip));
    c->flags |= TCP_BOUND;
    return GANDER_OK;
}

/* --- active open ------------------------------------------------------------------------------------- */

static int peer_check(const struct tcp_conn *c, const struct gander_address *peer)
{
    if (c->entity.state == GANDER_TCP_SYN_SENT || c->entity.state == GANDER_TCP_SYN_RECEIVED)
        return GANDER_EALREADY;
    if (c->entity.state != GANDER_TCP_CLOSED || (c->flags & TCP_END_REPORTED))
        return GANDER_EISCONN;
    if (peer->family != GANDER_IPV4 && peer->family != GANDER_IPV6)
        return GANDER_EINVAL;
    if (peer->port == 0 || (c->entity.family && c->entity.family != peer->family))
        return GANDER_EINVAL;
    if (!ip_is_valid_source(peer->family, peer->ip)) /* MUST-46: no broadcast, no multicast */
        return GANDER_EINVAL;
    return GANDER_OK;
}

static int flow_choose(struct gander_stack *stack, const struct tcp_conn *c,
                       const struct gander_address *peer, struct tcp_flow *flow)
{
    unsigned family = peer->family;
    uint32_t n = wire_ip_address_bytes(family);
    const uint8_t *source = c->flow.ip;

    memset(flow, 0, sizeof(*flow));
    if (!(c->flags & TCP_BOUND) || ip_is_unspecified(family, source))
        source = ip_source_for(stack, family, peer->ip);
    if (!source)
        return GANDER_EADDRNOTAVAIL;
    memcpy(flow->ip, source, n);
    memcpy(flow->ip + n, peer->ip, n);
    flow->remote_port = peer->port;
    flow->local_port = c->flow.local_port;
    if (!(c->flags & TCP_BOUND))
        return tcp_port_choose(stack, family, flow) ? GANDER_OK : GANDER_EADDRNOTAVAIL;
    if (tcp_flow_find(stack, family, tcp_flow_hash(stack, family, flow), flow))
        return GANDER_EADDRINUSE;
    return GANDER_OK;
}

/* The send and receive variables before the SYN [RFC9293 3.3.1]. */
static void sequence_start(struct gander_stack *stack, struct tcp_conn *c)
{
    const struct tcp_knobs *knobs = tcp_knobs_of(stack, c);
    unsigned family = c->entity.family;

    c->snd.iss = tcp_isn(stack, family, &c->flow);
    c->snd.una = c->snd.nxt = c->snd.iss;
    c->ts_offset = tcp_timestamp_offset(stack, family, &c->flow);
    if (knobs->timestamps)
        c->flags |= TCP_TIMESTAMPS; /* offered; the answer decides */
    if (knobs->window_scaling)
        c->rcv_scale =
            tcp_scale_for(tcp_receive_limit_most(stack, c->flags, c->receive_limit_bytes)) & 15U;
    tcp_conn_set_mss(c, 0);
    c->mss_receive = c->mss;
    c->cwnd = c->mss + 1U; /* not one segment, which would mean that a SYN was lost */
    c->ssthresh = UINT32_MAX;
}

int tcp_user_connect(struct gander_stack *stack, struct tcp_conn *c,
                     const struct gander_address *peer, bool fastopen)
{
    struct tcp_flow flow, before;
    uint8_t family = c->entity.family;
    struct ip_route route;
    int error = peer_check(c, peer);

    if (error)
        return error;
    before = c->flow; /* one that the application opened has room for both families */
    if (!ip_route_find(stack, peer->family, peer->ip, &route))
        return GANDER_ENETUNREACH;
    error = flow_choose(stack, c, peer, &flow);
    if (error)
        return error;
    c->entity.family = peer->family;
    c->entity.link = route.link;
    c->flow = flow;
    c->mtu = (uint16_t)min_u32(route.mtu_bytes, UINT16_MAX);
    sequence_start(stack, c);
    if ((tcp_knobs_of(stack, c)->uto_enabled && !tcp_knobs_need(stack, &c->sock)) ||
        !tcp_ecn_open(stack, c) || !tcp_busy_need(stack, c) || !tcp_conn_enter(stack, c)) {
        tcp_busy_release(stack, c);
        c->entity.family = family;
        c->flow = before;
        return GANDER_ENOMEM;
    }
    stack->stats.tcp_active_opens++;
    tcp_state_set(stack, c, GANDER_TCP_SYN_SENT, GANDER_CAUSE_open_active);
    if ((fastopen || tcp_knobs_of(stack, c)->fastopen_connect) &&
        (stack->config.tcp_fastopen & GANDER_FASTOPEN_CLIENT))
        c->busy->fastopen = TCP_FASTOPEN_ACTIVE;
    if (tcp_fastopen_waits(stack, c))
        sock_event(stack, &c->sock, GANDER_EVENT_WRITABLE, 0);
    else
        tcp_fastopen_go(stack, c);
    return GANDER_OK;
}

/* --- CLOSE --------------------------------------------------------------------------------------------- */

/* Our direction ends behind what is queued: FIN. False: no memory to send it. */
static bool send_close(struct gander_stack *stack, struct tcp_conn *c)
{
    if (c->flags & TCP_FIN_QUEUED)
        return true;
    if (!tcp_busy_need(stack, c))
        return false;
    c->flags |= TCP_FIN_QUEUED;
    c->flags &= ~(uint32_t)(TCP_CORK | TCP_MORE);
    if (c->entity.state == GANDER_TCP_ESTABLISHED)
        tcp_state_set(stack, c, GANDER_TCP_FIN_WAIT_1, GANDER_CAUSE_close);
    else if (c->entity.state == GANDER_TCP_CLOSE_WAIT)
        tcp_state_set(stack, c, GANDER_TCP_LAST_ACK, GANDER_CAUSE_close);
    /* before that, the handshake comes first */
    if (c->entity.state >= GANDER_TCP_ESTABLISHED || c->busy->fastopen & TCP_FASTOPEN_PASSIVE)
        tcp_output_wanted(stack, c);
    else
        tcp_fastopen_go(stack, c);
    return true;
}

int tcp_user_shutdown(struct gander_stack *stack, struct tcp_conn *c, unsigned directions)
{
    if (directions == 0 || directions > (GANDER_SHUTDOWN_SEND | GANDER_SHUTDOWN_RECEIVE))
        return GANDER_EINVAL;
    if (c->entity.state == GANDER_TCP_CLOSED)
        return GANDER_ENOTCONN;
    if ((directions & GANDER_SHUTDOWN_SEND) && (c->flags & TCP_IN_TABLE) && !send_close(stack, c))
        return GANDER_ENOMEM;
    if (directions & GANDER_SHUTDOWN_RECEIVE) {
        c->flags |= TCP_RECEIVE_SHUT;
        if (c->busy) {
            recvq_finish(&c->busy->recvq);
            reasm_finish(&c->busy->reasm, stack->mem);
        }
    }
    return GANDER_OK;
}

/* Does closing throw away what the peer believes delivered? [RFC2525 2.17] */
static bool has_unread(const struct tcp_conn *c)
{
    return c->busy && (c->busy->recvq.bytes > 0 || c->busy->reasm.count > 0);
}

static void reset_and_end(struct gander_stack *stack, struct tcp_conn *c, enum gander_why why)
{
    switch (c->entity.state) { /* RFC 9293 3.10.5 */
    case GANDER_TCP_SYN_RECEIVED:
    case GANDER_TCP_ESTABLISHED:
    case GANDER_TCP_FIN_WAIT_1:
    case GANDER_TCP_FIN_WAIT_2:
    case GANDER_TCP_CLOSE_WAIT:
        tcp_send_reset(stack, c, why);
        break;
    default:
        break;
    }
    tcp_conn_end(stack, c, GANDER_CAUSE_abort, GANDER_ECONNABORTED);
}

/* Connections that nobody owns are bounded: the one too many is reset, as if with linger 0. */
static bool orphan_allowed(struct gander_stack *stack)
{
    if (stack->tcp.orphans < stack->config.tcp_orphans_max)
        return true;
    stack->stats.tcp_orphans_reset++;
    return false;
}

void tcp_user_close(struct gander_stack *stack, struct tcp_conn *c)
{
    bool linger_zero = tcp_knobs_of(stack, c)->linger_ns == 0;

    if (!(c->flags & TCP_IN_TABLE)) { /* never opened, over, or a TIME-WAIT record took its place */
        tcp_conn_free(stack, c);
        return;
    }
    sock_unregister(stack, &c->sock);
    if (c->entity.state == GANDER_TCP_SYN_SENT) {
        tcp_conn_end(stack, c, GANDER_CAUSE_close, 0);
    } else if (has_unread(c)) {
        reset_and_end(stack, c, GANDER_WHY_rst_unread);
    } else if (linger_zero || !orphan_allowed(stack) || !send_close(stack, c)) {
        reset_and_end(stack, c, GANDER_WHY_rst_abort);
    } else {
        c->flags |= TCP_ORPHAN;
        stack->tcp.orphans++;
        tcp_timers_on_state(stack, c); /* FIN-WAIT-2 does not wait for ever without an owner */
    }
}

void tcp_user_abort(struct gander_stack *stack, struct tcp_conn *c)
{
    if (!(c->flags & TCP_IN_TABLE)) {
        tcp_time_wait_abort(stack, c);
        tcp_conn_free(stack, c);
        return;
    }
    if (c->sock.handle)
        sock_unregister(stack, &c->sock);
    reset_and_end(stack, c, GANDER_WHY_rst_abort);
}

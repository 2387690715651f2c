/* SPDX-License-Identifier: MIT */
/*
 * Local ports that are spoken for: listeners, and sockets that were bound. Connections of a listener do not stand here: the
 * table of flows keeps them apart.
 */
#include "tcp/tcp.h"

struct port_view {
    struct gander_address local;
    bool v6_only, listens, connected;
};

static struct port_view view_of(const struct sock *sock)
{
    struct port_view v = {.listens = sock->kind == SOCK_TCP_LISTENER};
    struct sock *s = (struct sock *)(uintptr_t)sock;

    if (v.listens) {
        v.local = tcp_listener_of(s)->local;
        v.v6_only = tcp_listener_of(s)->flags & TCP_V6_ONLY;
    } else {
        struct tcp_conn *c = tcp_conn_of(s);

        tcp_local_address(c, &v.local);
        v.v6_only = c->flags & TCP_V6_ONLY;
        v.connected = c->entity.state != GANDER_TCP_CLOSED;
    }
    return v;
}

static uint32_t port_hash(const struct gander_stack *stack, uint16_t port)
{
    return (uint32_t)siphash13(&stack->table_key, &port, sizeof(port));
}

static bool covers_family(const struct port_view *v, unsigned family)
{
    return v->local.family == 0 || v->local.family == family ||
           (family == GANDER_IPV4 && v->local.family == GANDER_IPV6 && !v->v6_only &&
            ip_is_unspecified(GANDER_IPV6, v->local.ip));
}

struct listen_key {
    unsigned family;
    uint16_t port;
    const uint8_t *ip; /* NULL: only listeners on any address */
};

static bool listener_match(const void *object, const void *key)
{
    const struct listen_key *k = key;
    struct port_view v = view_of(object);

    if (!v.listens || v.local.port != k->port || !covers_family(&v, k->family))
        return false;
    if (!k->ip)
        return ip_is_unspecified(GANDER_IPV6, v.local.ip);
    return v.local.family == k->family &&
           memcmp(v.local.ip, k->ip, wire_ip_address_bytes(k->family)) == 0;
}

struct tcp_listener *tcp_listener_find(const struct gander_stack *stack, unsigned family,
                                       const uint8_t *ip, uint16_t port)
{
    struct listen_key key = {family, port, ip};
    uint32_t hash = port_hash(stack, port);
    struct sock *sock = table_find(&stack->tcp.ports, hash, listener_match, &key);

    if (!sock) {
        key.ip = NULL;
        sock = table_find(&stack->tcp.ports, hash, listener_match, &key);
    }
    return sock ? tcp_listener_of(sock) : NULL;
}

static bool taken_match(const void *object, const void *key)
{
    const struct port_view *want = key;
    struct port_view v = view_of(object);

    if (v.local.port != want->local.port || v.connected)
        return false; /* one that has a peer is told apart by that [RFC9293 MUST-42] */
    if (!covers_family(&v, want->local.family) && !covers_family(want, v.local.family))
        return false;
    return ip_is_unspecified(GANDER_IPV6, v.local.ip) ||
           ip_is_unspecified(GANDER_IPV6, want->local.ip) ||
           memcmp(v.local.ip, want->local.ip, sizeof(v.local.ip)) == 0;
}

bool tcp_port_taken(const struct gander_stack *stack, const struct gander_address *local,
                    bool v6_only)
{
    struct port_view want = {.local = *local, .v6_only = v6_only};

    return stack->tcp.ports.count > 0 &&
           table_find(&stack->tcp.ports, port_hash(stack, local->port), taken_match, &want);
}

bool tcp_port_enter(struct gander_stack *stack, struct sock *sock, uint16_t port)
{
    return table_insert(&stack->tcp.ports, port_hash(stack, port), sock);
}

void tcp_port_leave(struct gander_stack *stack, struct sock *sock, uint16_t port)
{
    table_remove(&stack->tcp.ports, port_hash(stack, port), sock);
}

void tcp_port_replace(struct gander_stack *stack, struct sock *from, struct sock *to, uint16_t port)
{
    table_replace(&stack->tcp.ports, port_hash(stack, port), from, to);
}

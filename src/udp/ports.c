/* SPDX-License-Identifier: MIT */
/*
 * Which socket has which port, and so which datagram goes to whom.
 *
 * All sockets of one port stand in the table under one hash. A port of an address belongs to one socket alone: a socket on any
 * address excludes others on that port, and the other way round, as far as they share a family. (Echo sockets have
 * identifiers of their own.) So at most one socket wants a datagram, and the order "connected, bound, any address"
 * needs no second search.
 *
 * Ports are chosen at random from PORTS_FIRST on, and the next free one is taken: RFC 6056, algorithm 1.
 */
#include "udp/udp.h"

enum { PORTS_FIRST = 32768, PORTS_COUNT = 32768 }; /* the count is a power of two */

struct claim {
    enum sock_kind kind;
    const struct gander_address *local;
    bool v6_only;
};

static uint32_t port_hash(const struct gander_stack *stack, enum sock_kind kind, uint16_t port)
{
    uint32_t key = (uint32_t)kind << 16 | port;

    return (uint32_t)siphash13(&stack->table_key, &key, sizeof(key));
}

static bool is_any(const struct gander_address *address)
{
    return address->family == 0 || ip_is_unspecified(address->family, address->ip);
}

/* Does a socket with this local address take part in a family's traffic? [::] includes IPv4 unless v6_only. */
bool udp_covers_family(const struct gander_address *local, bool v6_only, unsigned family)
{
    if (local->family == 0)
        return !v6_only || family == GANDER_IPV6;
    if (local->family == family)
        return true;
    return family == GANDER_IPV4 && !v6_only && is_any(local);
}

static bool claims_collide(const void *object, const void *key)
{
    const struct udp_socket *socket = object;
    const struct claim *want = key;
    bool both_four, both_six;

    if (socket->sock.kind != want->kind || socket->bound.port != want->local->port)
        return false;
    if (!is_any(&socket->bound) && !is_any(want->local))
        return gander_address_equal(&socket->bound, want->local);
    both_four = udp_covers_family(&socket->bound, socket->v6_only, GANDER_IPV4) &&
                udp_covers_family(want->local, want->v6_only, GANDER_IPV4);
    both_six = udp_covers_family(&socket->bound, socket->v6_only, GANDER_IPV6) &&
               udp_covers_family(want->local, want->v6_only, GANDER_IPV6);
    return both_four || both_six;
}

bool udp_port_taken(const struct gander_stack *stack, enum sock_kind kind,
                    const struct gander_address *local, bool v6_only)
{
    const struct claim want = {kind, local, v6_only};

    return table_find(&stack->udp.ports, port_hash(stack, kind, local->port), claims_collide,
                      &want) != NULL;
}

bool udp_port_choose(struct gander_stack *stack, enum sock_kind kind, struct gander_address *local,
                     bool v6_only)
{
    uint32_t start = random_below(&stack->random, PORTS_COUNT);

    for (uint32_t i = 0; i < PORTS_COUNT; i++) { /* bounded: each port once */
        local->port = (uint16_t)(PORTS_FIRST + ((start + i) & (PORTS_COUNT - 1)));
        if (!udp_port_taken(stack, kind, local, v6_only))
            return true;
    }
    return false;
}

bool udp_port_enter(struct gander_stack *stack, struct udp_socket *socket)
{
    socket->hash = port_hash(stack, (enum sock_kind)socket->sock.kind, socket->bound.port);
    socket->in_table = table_insert(&stack->udp.ports, socket->hash, socket);
    return socket->in_table;
}

void udp_port_leave(struct gander_stack *stack, struct udp_socket *socket)
{
    if (socket->in_table)
        table_remove(&stack->udp.ports, socket->hash, socket);
    socket->in_table = false;
}

static bool flow_matches(const void *object, const void *key)
{
    const struct udp_socket *socket = object;
    const struct udp_flow *flow = key;
    uint32_t bytes = wire_ip_address_bytes(flow->family);

    if (socket->sock.kind != flow->kind || socket->local.port != flow->local_port ||
        !udp_covers_family(&socket->local, socket->v6_only, flow->family))
        return false;
    if (!is_any(&socket->local) && memcmp(socket->local.ip, flow->local_ip, bytes) != 0)
        return false;
    if (socket->peer.family == 0)
        return true;
    return socket->peer.family == flow->family && socket->peer.port == flow->remote_port &&
           memcmp(socket->peer.ip, flow->remote_ip, bytes) == 0;
}

struct udp_socket *udp_find(const struct gander_stack *stack, const struct udp_flow *flow)
{
    return table_find(&stack->udp.ports, port_hash(stack, flow->kind, flow->local_port),
                      flow_matches, flow);
}

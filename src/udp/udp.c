/* SPDX-License-Identifier: MIT */
/*
 * UDP and echo sockets: opening, binding, connecting, options. Sending is in output.c, arrival and receiving in input.c, what is
 * special about echo in ping.c, ports in ports.c.
 *
 * Left out: multicast groups, sharing a port between sockets, fragmentation of what is too long (RFC 8085 3.2
 * asks applications to stay below the MTU).
 */
#include "udp/udp.h"

enum { UDP_DEFAULT_TTL = 64 }; /* [RFC1122 3.2.1.7] */

void udp_stack_init(struct gander_stack *stack)
{
    pool_init(&stack->udp.sockets, stack->mem, sizeof(struct udp_socket));
    table_init(&stack->udp.ports, stack->mem);
    stack->udp.all = NULL;
    stack->udp.blocked = NULL;
}

static void forget_datagrams(struct udp_socket *socket)
{
    while (socket->first) {
        struct gander_packet *packet = socket->first;

        socket->first = packet->next;
        gander_packet_free(packet);
    }
    socket->last = &socket->first;
    socket->receive_held_bytes = 0;
}

void udp_stack_finish(struct gander_stack *stack)
{
    while (stack->udp.all) {
        struct udp_socket *socket = stack->udp.all;

        stack->udp.all = socket->next;
        forget_datagrams(socket);
        pool_put(socket);
    }
    stack->udp.blocked = NULL;
    table_finish(&stack->udp.ports);
    pool_finish(&stack->udp.sockets);
}

struct udp_socket *udp_open(struct gander_stack *stack, enum sock_kind kind)
{
    struct udp_socket *socket = pool_get(&stack->udp.sockets);

    if (!socket)
        return NULL;
    memset(socket, 0, sizeof(*socket));
    socket->sock.kind = (uint8_t)kind;
    socket->ttl = UDP_DEFAULT_TTL;
    socket->receive_limit_bytes = stack->config.udp_receive_buffer_bytes;
    socket->last = &socket->first;
    if (!sock_register(stack, &socket->sock)) {
        pool_put(socket);
        return NULL;
    }
    socket->id = stack->next_id++;
    socket->next = stack->udp.all;
    if (socket->next)
        socket->next->prev = socket;
    stack->udp.all = socket;
    return socket;
}

static void unblock(struct gander_stack *stack, struct udp_socket *socket)
{
    struct udp_socket **at = &stack->udp.blocked;

    if (!socket->blocked)
        return;
    while (*at != socket)
        at = &(*at)->blocked_next;
    *at = socket->blocked_next;
    socket->blocked = false;
}

void udp_close(struct gander_stack *stack, struct udp_socket *socket)
{
    forget_datagrams(socket);
    unblock(stack, socket);
    udp_port_leave(stack, socket);
    sock_unregister(stack, &socket->sock);
    if (socket->next)
        socket->next->prev = socket->prev;
    if (socket->prev)
        socket->prev->next = socket->next;
    else
        stack->udp.all = socket->next;
    pool_put(socket);
}

/* The address without what its family does not use, so that addresses can be compared as bytes. False: no such family. */
static bool clean_address(const struct gander_address *from, struct gander_address *to)
{
    memset(to, 0, sizeof(*to));
    to->family = from->family;
    to->port = from->port;
    if (from->family == 0)
        return true;
    if (from->family != GANDER_IPV4 && from->family != GANDER_IPV6)
        return false;
    memcpy(to->ip, from->ip, wire_ip_address_bytes(from->family));
    return true;
}

int udp_bind(struct gander_stack *stack, struct udp_socket *socket,
             const struct gander_address *local)
{
    enum sock_kind kind = (enum sock_kind)socket->sock.kind;
    struct gander_address want;

    if (socket->in_table || !clean_address(local, &want))
        return GANDER_EINVAL;
    if (want.family && !ip_is_unspecified(want.family, want.ip) &&
        !ip_is_ours(stack, want.family, want.ip))
        return GANDER_EADDRNOTAVAIL;
    if (want.port == 0) {
        if (!udp_port_choose(stack, kind, &want, socket->v6_only))
            return GANDER_EADDRNOTAVAIL;
    } else if (udp_port_taken(stack, kind, &want, socket->v6_only)) {
        return GANDER_EADDRINUSE;
    }
    socket->bound = want;
    if (!udp_port_enter(stack, socket)) {
        memset(&socket->bound, 0, sizeof(socket->bound));
        return GANDER_ENOMEM;
    }
    socket->local = want;
    return GANDER_OK;
}

int udp_autobind(struct gander_stack *stack, struct udp_socket *socket)
{
    const struct gander_address any = {.family = socket->v6_only ? GANDER_IPV6 : 0};

    return socket->in_table ? GANDER_OK : udp_bind(stack, socket, &any);
}

int udp_connect(struct gander_stack *stack, struct udp_socket *socket,
                const struct gander_address *peer)
{
    struct gander_address to;
    const uint8_t *source;
    int error;

    if (!clean_address(peer, &to))
        return GANDER_EINVAL;
    if (to.family == 0) {
        memset(&socket->peer, 0, sizeof(socket->peer));
        socket->local = socket->bound;
        return GANDER_OK;
    }
    if (socket->sock.kind == SOCK_PING)
        to.port = 0; /* echo has none */
    else if (to.port == 0)
        return GANDER_EINVAL;
    if (ip_is_unspecified(to.family, to.ip) ||
        !udp_covers_family(&socket->bound, socket->v6_only, to.family))
        return GANDER_EINVAL;
    source = ip_source_for(stack, to.family, to.ip);
    if (!source)
        return GANDER_ENETUNREACH;
    error = udp_autobind(stack, socket);
    if (error)
        return error;
    socket->local = socket->bound;
    if (socket->bound.family == 0 || ip_is_unspecified(socket->bound.family, socket->bound.ip)) {
        socket->local.family = to.family;
        memcpy(socket->local.ip, source, wire_ip_address_bytes(to.family));
    }
    socket->peer = to;
    return GANDER_OK;
}

int udp_take_error(struct udp_socket *socket)
{
    int error = (int)socket->sock.error;

    socket->sock.error = 0;
    return error;
}

void udp_writable(struct gander_stack *stack)
{
    struct udp_socket *socket = stack->udp.blocked;

    stack->udp.blocked = NULL;
    for (; socket; socket = socket->blocked_next) {
        socket->blocked = false;
        sock_event(stack, &socket->sock, GANDER_EVENT_WRITABLE, 0);
    }
}

/* --- options --------------------------------------------------------------------------------- */

static bool is_ours(const struct udp_socket *socket, enum gander_option option)
{
    switch (option) {
    case GANDER_OPTION_RECEIVE_BUFFER:
    case GANDER_OPTION_TTL:
    case GANDER_OPTION_TRAFFIC_CLASS:
        return true;
    case GANDER_OPTION_V6_ONLY:
        return socket->sock.kind == SOCK_UDP;
    default:
        return false;
    }
}

static bool is_in_range(enum gander_option option, int64_t value)
{
    switch (option) {
    case GANDER_OPTION_RECEIVE_BUFFER:
        return value > 0 && value <= INT32_MAX;
    case GANDER_OPTION_TTL:
        return value >= 1 && value <= 255;
    case GANDER_OPTION_TRAFFIC_CLASS:
        return value >= 0 && value <= 255;
    default:
        return value == 0 || value == 1;
    }
}

int udp_set_option(struct gander_stack *stack, struct udp_socket *socket, enum gander_option option,
                   int64_t value)
{
    (void)stack;
    if ((unsigned)option >= GANDER_OPTION_COUNT)
        return GANDER_EINVAL;
    if (!is_ours(socket, option))
        return GANDER_EOPNOTSUPP;
    if (!is_in_range(option, value))
        return GANDER_EINVAL;
    switch (option) {
    case GANDER_OPTION_RECEIVE_BUFFER:
        socket->receive_limit_bytes = (uint32_t)value;
        break;
    case GANDER_OPTION_TTL:
        socket->ttl = (uint8_t)value;
        break;
    case GANDER_OPTION_TRAFFIC_CLASS:
        socket->traffic_class = (uint8_t)value;
        break;
    default:
        if (socket->in_table)
            return GANDER_EISCONN;
        socket->v6_only = value != 0;
        break;
    }
    return GANDER_OK;
}

int udp_get_option(const struct udp_socket *socket, enum gander_option option, int64_t *value)
{
    if ((unsigned)option >= GANDER_OPTION_COUNT)
        return GANDER_EINVAL;
    if (!is_ours(socket, option))
        return GANDER_EOPNOTSUPP;
    switch (option) {
    case GANDER_OPTION_RECEIVE_BUFFER:
        *value = socket->receive_limit_bytes;
        break;
    case GANDER_OPTION_TTL:
        *value = socket->ttl;
        break;
    case GANDER_OPTION_TRAFFIC_CLASS:
        *value = socket->traffic_class;
        break;
    default:
        *value = socket->v6_only;
        break;
    }
    return GANDER_OK;
}

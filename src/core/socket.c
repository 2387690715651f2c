/* SPDX-License-Identifier: MIT */
/* The socket calls of include/gander/socket.h: they find the socket and hand over to its kind. */
#include "core/stack.h"

#include "tcp/tcp.h"
#include "udp/udp.h"

static bool is_tcp(const struct sock *sock)
{
    return sock->kind == SOCK_TCP_CONN || sock->kind == SOCK_TCP_LISTENER;
}

static struct udp_socket *udp_of(struct sock *sock)
{
    return CONTAINER_OF(sock, struct udp_socket, sock);
}

int gander_open(struct gander_stack *stack, enum gander_type type, gander_socket *socket)
{
    struct sock *sock = NULL;
    struct udp_socket *udp;
    int error;

    switch (type) {
    case GANDER_TCP:
        error = tcp_user_open(stack, &sock);
        if (error)
            return error;
        break;
    case GANDER_UDP:
    case GANDER_PING:
        udp = udp_open(stack, type == GANDER_UDP ? SOCK_UDP : SOCK_PING);
        if (!udp)
            return GANDER_ENOMEM;
        sock = &udp->sock;
        break;
    default:
        return GANDER_EINVAL;
    }
    *socket = sock->handle;
    return GANDER_OK;
}

int gander_bind(struct gander_stack *stack, gander_socket socket,
                const struct gander_address *local)
{
    struct sock *sock = sock_find(stack, socket);

    if (!sock)
        return GANDER_EBADF;
    if (sock->kind == SOCK_TCP_LISTENER)
        return GANDER_EINVAL;
    if (sock->kind == SOCK_TCP_CONN)
        return tcp_user_bind(stack, tcp_conn_of(sock), local);
    return udp_bind(stack, udp_of(sock), local);
}

int gander_listen(struct gander_stack *stack, gander_socket socket, int backlog)
{
    struct sock *sock = sock_find(stack, socket);

    if (!sock)
        return GANDER_EBADF;
    if (sock->kind == SOCK_TCP_LISTENER) { /* again: a new backlog */
        if (backlog < 1)
            return GANDER_EINVAL;
        tcp_listener_of(sock)->backlog = (uint32_t)backlog;
        return GANDER_OK;
    }
    if (sock->kind != SOCK_TCP_CONN)
        return GANDER_EOPNOTSUPP;
    return tcp_user_listen(stack, tcp_conn_of(sock), backlog);
}

int gander_accept(struct gander_stack *stack, gander_socket listener, gander_socket *connection,
                  struct gander_address *peer)
{
    struct sock *sock = sock_find(stack, listener);

    if (!sock)
        return GANDER_EBADF;
    if (!is_tcp(sock))
        return GANDER_EOPNOTSUPP;
    if (sock->kind != SOCK_TCP_LISTENER)
        return GANDER_EINVAL;
    return tcp_user_accept(stack, tcp_listener_of(sock), connection, peer);
}

int gander_connect(struct gander_stack *stack, gander_socket socket,
                   const struct gander_address *peer)
{
    struct sock *sock = sock_find(stack, socket);

    if (!sock)
        return GANDER_EBADF;
    if (sock->kind == SOCK_TCP_LISTENER)
        return GANDER_EISCONN;
    if (sock->kind == SOCK_TCP_CONN)
        return tcp_user_connect(stack, tcp_conn_of(sock), peer, false);
    return udp_connect(stack, udp_of(sock), peer);
}

int64_t gander_send(struct gander_stack *stack, gander_socket socket, const void *data, size_t len,
                    unsigned flags)
{
    struct sock *sock = sock_find(stack, socket);
    int64_t n;

    if (!sock)
        return GANDER_EBADF;
    if (sock->kind == SOCK_TCP_LISTENER)
        return GANDER_ENOTCONN;
    if (sock->kind != SOCK_TCP_CONN)
        return udp_send(stack, udp_of(sock), data, len, NULL);
    n = tcp_user_send(stack, tcp_conn_of(sock), data, len, flags);
    debug_check(stack);
    return n;
}

int64_t gander_receive(struct gander_stack *stack, gander_socket socket, void *buffer, size_t len,
                       unsigned flags)
{
    struct sock *sock = sock_find(stack, socket);
    int64_t n;

    if (!sock)
        return GANDER_EBADF;
    if (sock->kind == SOCK_TCP_LISTENER)
        return GANDER_ENOTCONN;
    if (sock->kind != SOCK_TCP_CONN)
        return udp_receive(stack, udp_of(sock), buffer, len, flags, NULL);
    n = tcp_user_receive(stack, tcp_conn_of(sock), buffer, len, flags);
    debug_check(stack);
    return n;
}

int64_t gander_send_to(struct gander_stack *stack, gander_socket socket, const void *data,
                       size_t len, const struct gander_datagram *datagram)
{
    struct sock *sock = sock_find(stack, socket);

    if (!sock)
        return GANDER_EBADF;
    if (sock->kind == SOCK_TCP_CONN && datagram) {
        int64_t n = tcp_user_connect(stack, tcp_conn_of(sock), &datagram->peer, true);

        return n ? n : gander_send(stack, socket, data, len, 0);
    }
    return is_tcp(sock) ? GANDER_EOPNOTSUPP : udp_send(stack, udp_of(sock), data, len, datagram);
}

int64_t gander_receive_from(struct gander_stack *stack, gander_socket socket, void *buffer,
                            size_t len, unsigned flags, struct gander_datagram *datagram)
{
    struct sock *sock = sock_find(stack, socket);

    if (!sock)
        return GANDER_EBADF;
    return is_tcp(sock) ? GANDER_EOPNOTSUPP
                        : udp_receive(stack, udp_of(sock), buffer, len, flags, datagram);
}

int gander_shutdown(struct gander_stack *stack, gander_socket socket, unsigned directions)
{
    struct sock *sock = sock_find(stack, socket);

    if (!sock)
        return GANDER_EBADF;
    if (sock->kind == SOCK_TCP_LISTENER)
        return GANDER_ENOTCONN;
    if (sock->kind != SOCK_TCP_CONN)
        return GANDER_EOPNOTSUPP;
    return tcp_user_shutdown(stack, tcp_conn_of(sock), directions);
}

static int end_socket(struct gander_stack *stack, gander_socket socket, bool abort)
{
    struct sock *sock = sock_find(stack, socket);

    if (!sock)
        return GANDER_EBADF;
    if (sock->kind == SOCK_TCP_LISTENER)
        tcp_listener_close(stack, tcp_listener_of(sock));
    else if (sock->kind != SOCK_TCP_CONN)
        udp_close(stack, udp_of(sock));
    else if (abort)
        tcp_user_abort(stack, tcp_conn_of(sock));
    else
        tcp_user_close(stack, tcp_conn_of(sock));
    debug_check(stack);
    return GANDER_OK;
}

int gander_close(struct gander_stack *stack, gander_socket socket)
{
    return end_socket(stack, socket, false);
}

int gander_abort(struct gander_stack *stack, gander_socket socket)
{
    return end_socket(stack, socket, true);
}

/* --- options ----------------------------------------------------------------------------------- */

int gander_set_option(struct gander_stack *stack, gander_socket socket, enum gander_option option,
                      int64_t value)
{
    struct sock *sock = sock_find(stack, socket);

    if (!sock)
        return GANDER_EBADF;
    if ((unsigned)option >= GANDER_OPTION_COUNT)
        return GANDER_EINVAL;
    return is_tcp(sock) ? tcp_set_option(stack, sock, option, value)
                        : udp_set_option(stack, udp_of(sock), option, value);
}

int gander_get_option(struct gander_stack *stack, gander_socket socket, enum gander_option option,
                      int64_t *value)
{
    struct sock *sock = sock_find(stack, socket);

    if (!sock)
        return GANDER_EBADF;
    if ((unsigned)option >= GANDER_OPTION_COUNT)
        return GANDER_EINVAL;
    return is_tcp(sock) ? tcp_get_option(stack, sock, option, value)
                        : udp_get_option(udp_of(sock), option, value);
}

int gander_set_congestion_control(struct gander_stack *stack, gander_socket socket,
                                  const char *name)
{
    struct sock *sock = sock_find(stack, socket);

    if (!sock)
        return GANDER_EBADF;
    return is_tcp(sock) ? tcp_set_cc(stack, sock, name) : GANDER_EOPNOTSUPP;
}

int gander_set_context(struct gander_stack *stack, gander_socket socket, void *context)
{
    struct sock *sock = sock_find(stack, socket);

    if (!sock)
        return GANDER_EBADF;
    sock->context = context;
    return GANDER_OK;
}

/* --- addresses, information -------------------------------------------------------------------------- */

int gander_local_address(struct gander_stack *stack, gander_socket socket,
                         struct gander_address *local)
{
    struct sock *sock = sock_find(stack, socket);

    if (!sock)
        return GANDER_EBADF;
    if (sock->kind == SOCK_TCP_LISTENER)
        *local = tcp_listener_of(sock)->local;
    else if (sock->kind == SOCK_TCP_CONN)
        tcp_local_address(tcp_conn_of(sock), local);
    else
        *local = udp_of(sock)->local;
    return local->port ? GANDER_OK : GANDER_EINVAL;
}

int gander_peer_address(struct gander_stack *stack, gander_socket socket,
                        struct gander_address *peer)
{
    struct sock *sock = sock_find(stack, socket);

    if (!sock)
        return GANDER_EBADF;
    if (sock->kind == SOCK_TCP_LISTENER)
        return GANDER_ENOTCONN;
    if (sock->kind == SOCK_TCP_CONN) {
        if (tcp_conn_of(sock)->flow.remote_port == 0)
            return GANDER_ENOTCONN;
        tcp_peer_address(tcp_conn_of(sock), peer);
        return GANDER_OK;
    }
    if (udp_of(sock)->peer.family == 0)
        return GANDER_ENOTCONN;
    *peer = udp_of(sock)->peer;
    return GANDER_OK;
}

static void listener_info(const struct tcp_listener *l, struct gander_tcp_info *info)
{
    *info = (struct gander_tcp_info){.id = l->id,
                                     .state = GANDER_TCP_LISTEN,
                                     .local = l->local,
                                     .receive_queue_bytes = l->waiting,
                                     .congestion_control = gander_congestion_control_name(l->cc)};
}

int gander_tcp_info(const struct gander_stack *stack, gander_socket socket,
                    struct gander_tcp_info *info)
{
    struct sock *sock = sock_find(stack, socket);

    if (!sock)
        return GANDER_EBADF;
    if (!is_tcp(sock))
        return GANDER_EOPNOTSUPP;
    if (sock->kind == SOCK_TCP_LISTENER)
        listener_info(tcp_listener_of(sock), info);
    else
        tcp_info(stack, tcp_conn_of(sock), info);
    return GANDER_OK;
}

void gander_stats(const struct gander_stack *stack, struct gander_stats *stats)
{
    *stats = stack->stats;
    stats->allocation_failures = stack->mem->failures;
    stats->memory_bytes = stack->mem->held_bytes;
    stats->memory_peak_bytes = stack->mem->peak_bytes;
    stats->sockets = stack->sockets.open;
    stats->tcp_connections = stack->tcp.connections;
    stats->tcp_syn_received = stack->tcp.syn_received;
    stats->tcp_time_wait = stack->tcp.time_wait;
}

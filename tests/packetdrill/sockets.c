/* SPDX-License-Identifier: MIT */
/*
 * Sockets with the states and errors of Linux: what gander reports in events becomes a phase and a pending error (sk_err) here, told once by the
 * next call or by SO_ERROR.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "object.h"

bool pd_is_tcp(const struct pd_socket *s)
{
    return s->type == SOCK_STREAM;
}

int pd_error_take(struct pd_socket *s)
{
    int error = s->error;

    s->error = 0;
    return error;
}

/* --- events --------------------------------------------------------------------------------------- */

/* A reset after the peer's FIN is a broken pipe to who writes: nothing to read was lost. */
static int end_error(const struct pd_socket *s, int gander_error)
{
    if (gander_error == 0)
        return 0;
    if (gander_error == GANDER_ECONNRESET && s->peer_closed)
        return EPIPE;
    return pd_errno(gander_error);
}

static void take_event(struct pd_socket *s, const struct gander_event *event)
{
    s->file.edges++;
    if (event->bits & GANDER_EVENT_PEER_CLOSED)
        s->peer_closed = true;
    if ((event->bits & GANDER_EVENT_CONNECTED) && s->phase == PD_CONNECTING)
        s->phase = PD_OPENED;
    if (event->bits & GANDER_EVENT_CLOSED) {
        s->error = end_error(s, event->error);
        s->reset = event->error == GANDER_ECONNRESET;
        if (s->phase != PD_CONNECTING) /* connect() has yet to tell */
            s->phase = PD_ENDED;
        else
            s->phase = PD_REFUSED;
    }
    if ((event->bits & GANDER_EVENT_ERROR) &&
        !pd_is_tcp(s)) /* TCP's soft errors wait for a time-out */
        s->error = pd_errno(event->error);
}

void pd_events(struct pd_object *o)
{
    struct gander_event events[32];
    size_t n;

    while ((n = gander_events(o->stack, events, 32)) > 0)
        for (size_t i = 0; i < n; i++)
            if (events[i].context)
                take_event(events[i].context, &events[i]);
}

/* --- made, bound --------------------------------------------------------------------------------------- */

static struct pd_socket *socket_new(struct pd_object *o, int domain, int type, gander_socket handle)
{
    struct pd_socket *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    *s = (struct pd_socket){.file.kind = PD_SOCKET,
                            .domain = domain,
                            .type = type,
                            .handle = handle,
                            .receive_timeout_us = PD_NEVER,
                            .send_timeout_us = PD_NEVER,
                            .linger_s = -1,
                            .receive_low_bytes = 1};
    gander_set_context(o->stack, handle, s);
    return s;
}

/* Gives it a descriptor, or ends it. */
static int socket_finish(struct pd_object *o, struct pd_socket *s, int type)
{
    int fd = pd_file_open(o, &s->file);

    s->file.nonblocking = type & SOCK_NONBLOCK;
    if (fd < 0) {
        gander_close(o->stack, s->handle);
        free(s);
    }
    return fd;
}

static int protocol_check(int domain, int type, int protocol)
{
    int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (domain != AF_INET && domain != AF_INET6)
        return EAFNOSUPPORT;
    if (kind != SOCK_STREAM && kind != SOCK_DGRAM)
        return ESOCKTNOSUPPORT;
    if (protocol != 0 && protocol != (kind == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP))
        return EPROTONOSUPPORT;
    return 0;
}

int pd_socket(void *ud, int domain, int type, int protocol)
{
    int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    int error = protocol_check(domain, type, protocol), fd = -1;
    struct pd_object *o = ud;
    struct pd_socket *s;
    gander_socket handle;

    if (error)
        return pd_fail(error);
    pd_enter(o);
    error = gander_open(o->stack, kind == SOCK_STREAM ? GANDER_TCP : GANDER_UDP, &handle);
    s = error ? NULL : socket_new(o, domain, kind, handle);
    if (s)
        fd = socket_finish(o, s, type);
    else
        errno = error ? pd_errno(error) : ENOMEM;
    pd_leave(o);
    return fd;
}

static int bind_locked(struct pd_object *o, struct pd_socket *s, struct gander_address *local)
{
    static const uint8_t zero[16];
    int error;

    if (memcmp(local->ip, zero, sizeof(zero)) != 0)
        pd_address_need(o, local);
    else if (s->domain == AF_INET6 && local->family == GANDER_IPV6)
        local->family = pd_is_v6_only(o, s) ? GANDER_IPV6 : 0;
    error = gander_bind(o->stack, s->handle, local);
    if (error)
        return pd_fail(pd_errno(error));
    s->local = *local;
    s->bound = true;
    return 0;
}

bool pd_is_v6_only(const struct pd_object *o, const struct pd_socket *s)
{
    int64_t value = 0;

    return gander_get_option(o->stack, s->handle, GANDER_OPTION_V6_ONLY, &value) == 0 && value;
}

int pd_bind(void *ud, int fd, const struct sockaddr *address, socklen_t len)
{
    struct pd_object *o = ud;
    struct gander_address local;
    struct pd_socket *s;
    int result = -1;

    pd_enter(o);
    s = pd_socket_of(o, fd);
    if (s && pd_address_in(s, address, len, &local))
        result = bind_locked(o, s, &local);
    pd_leave(o);
    return result;
}

/* --- passive open ----------------------------------------------------------------------------------------- */

static int listen_locked(struct pd_object *o, struct pd_socket *s, int backlog)
{
    struct gander_address any = {.family = s->domain == AF_INET ? GANDER_IPV4 : 0};
    int error;

    if (!pd_is_tcp(s))
        return pd_fail(EOPNOTSUPP);
    if (s->phase != PD_IDLE && s->phase != PD_LISTENING)
        return pd_fail(EINVAL);
    if (!s->bound && bind_locked(o, s, &any) != 0)
        return -1;
    /* Linux lets one more wait than asked for, and takes 0 or nonsense for what it allows */
    backlog = backlog >= 0 && backlog < 4096 ? backlog + 1 : 4096;
    error = gander_listen(o->stack, s->handle, backlog);
    if (error)
        return pd_fail(pd_errno(error));
    s->phase = PD_LISTENING;
    return 0;
}

int pd_listen(void *ud, int fd, int backlog)
{
    struct pd_object *o = ud;
    struct pd_socket *s;
    int result = -1;

    pd_enter(o);
    s = pd_socket_of(o, fd);
    if (s)
        result = listen_locked(o, s, backlog);
    pd_leave(o);
    return result;
}

static int accepted(struct pd_object *o, const struct pd_socket *l, gander_socket handle)
{
    struct pd_socket *s = socket_new(o, l->domain, SOCK_STREAM, handle);

    if (!s) {
        gander_abort(o->stack, handle);
        return pd_fail(ENOMEM);
    }
    s->phase = PD_CONNECTED;
    s->send_buffer = l->send_buffer;
    s->receive_buffer = l->receive_buffer;
    s->receive_timeout_us = l->receive_timeout_us;
    s->send_timeout_us = l->send_timeout_us;
    s->linger_s = l->linger_s;
    s->receive_low_bytes = l->receive_low_bytes;
    s->inq = l->inq;
    memcpy(s->plain, l->plain, sizeof(s->plain));
    s->plain_count = l->plain_count;
    return socket_finish(o, s, 0);
}

static int accept_locked(struct pd_object *o, int fd, struct sockaddr *address, socklen_t *len)
{
    struct pd_socket *s = pd_socket_of(o, fd);
    int64_t deadline = s ? pd_deadline_after(o, s->receive_timeout_us) : 0;
    struct gander_address peer;
    gander_socket handle;
    int error;

    for (;;) {
        if (!s)
            return -1;
        if (!pd_is_tcp(s))
            return pd_fail(EOPNOTSUPP);
        if (s->phase != PD_LISTENING)
            return pd_fail(EINVAL);
        error = gander_accept(o->stack, s->handle, &handle, &peer);
        if (error == 0)
            break;
        if (error != GANDER_EAGAIN)
            return pd_fail(pd_errno(error));
        if (s->file.nonblocking || !pd_sleep(o, deadline))
            return pd_fail(EAGAIN);
        s = pd_socket_of(o, fd); /* it may have been closed meanwhile */
    }
    fd = accepted(o, s, handle);
    if (fd >= 0)
        pd_address_out(s, &peer, address, len);
    return fd;
}

int pd_accept(void *ud, int fd, struct sockaddr *address, socklen_t *len)
{
    struct pd_object *o = ud;

    pd_enter(o);
    fd = accept_locked(o, fd, address, len);
    pd_leave(o);
    return fd;
}

/* --- active open --------------------------------------------------------------------------------------------- */

/* After a failed one the same socket may try again: with another connection inside. */
static int handle_renew(struct pd_object *o, struct pd_socket *s)
{
    gander_socket handle;
    int error = gander_open(o->stack, GANDER_TCP, &handle);

    if (error)
        return pd_errno(error);
    pd_options_copy(o, s, handle);
    gander_abort(o->stack, s->handle);
    s->handle = handle;
    gander_set_context(o->stack, handle, s);
    s->phase = PD_IDLE;
    s->error = 0;
    s->peer_closed = s->reset = s->shut_read = s->shut_write = false;
    if (s->bound && gander_bind(o->stack, handle, &s->local) != 0)
        s->bound = false;
    return 0;
}

static int disconnect(struct pd_object *o, struct pd_socket *s)
{
    const struct gander_address none = {0};
    int error;

    if (pd_is_tcp(s))
        error = handle_renew(o, s);
    else
        error = gander_connect(o->stack, s->handle, &none) ? EINVAL : 0;
    return error ? pd_fail(error) : 0;
}

int pd_connect_start(struct pd_object *o, struct pd_socket *s, const struct gander_address *peer)
{
    struct gander_address to = *peer;
    static const uint8_t zero[16];
    int error;

    if (s->domain == AF_INET6 && to.family == GANDER_IPV4 && pd_is_v6_only(o, s))
        return ENETUNREACH;
    pd_address_any(o, to.family);
    if (memcmp(to.ip, zero, sizeof(zero)) == 0)
        return ECONNREFUSED;
    if (pd_is_tcp(s) && (s->phase == PD_ENDED || s->phase == PD_REFUSED)) {
        error = handle_renew(o, s);
        if (error)
            return error;
    }
    error = gander_connect(o->stack, s->handle, &to);
    if (error == GANDER_EINVAL && to.port == 0)
        return ECONNREFUSED;
    if (error)
        return pd_errno(error);
    s->phase = pd_is_tcp(s) ? PD_CONNECTING : PD_CONNECTED;
    return 0;
}

bool pd_is_deferred(const struct pd_object *o, const struct pd_socket *s)
{
    struct gander_tcp_info info;

    return s->phase == PD_CONNECTING && gander_tcp_info(o->stack, s->handle, &info) == 0 &&
           info.state == GANDER_TCP_SYN_SENT && info.snd_nxt == info.iss;
}

void pd_fastopen_keys_set(struct pd_object *o)
{
    const struct pd_settings *settings = &o->settings;

    if (settings->fastopen_key_bytes)
        gander_fastopen_keys(o->stack, settings->fastopen_keys,
                             settings->fastopen_key_bytes > 16 ? settings->fastopen_keys + 16
                                                               : NULL);
}

static int connect_wait(struct pd_object *o, int fd, struct pd_socket *s, bool began)
{
    int64_t deadline = pd_deadline_after(o, s->send_timeout_us);
    int error;

    while (s->phase == PD_CONNECTING) {
        if (s->file.nonblocking)
            return pd_fail(began ? EINPROGRESS : EALREADY);
        if (!pd_sleep(o, deadline))
            return pd_fail(EINPROGRESS);
        s = pd_socket_of(o, fd);
        if (!s)
            return -1;
    }
    if (s->phase == PD_REFUSED) {
        s->phase = PD_ENDED;
        error = pd_error_take(s);
        return pd_fail(error ? error : ECONNABORTED);
    }
    s->phase = PD_CONNECTED;
    return 0;
}

static int connect_locked(struct pd_object *o, int fd, const struct sockaddr *address,
                          socklen_t len)
{
    struct pd_socket *s = pd_socket_of(o, fd);
    struct gander_address peer;
    int error;

    if (!s)
        return -1;
    if (address && len >= sizeof(address->sa_family) && address->sa_family == AF_UNSPEC)
        return disconnect(o, s);
    if (pd_is_tcp(s)) {
        if (s->phase == PD_CONNECTED || s->phase == PD_LISTENING)
            return pd_fail(EISCONN);
        if (s->phase == PD_CONNECTING || s->phase == PD_OPENED || s->phase == PD_REFUSED)
            return connect_wait(o, fd, s, false);
    }
    if (!pd_address_in(s, address, len, &peer))
        return -1;
    error = pd_connect_start(o, s, &peer);
    if (error)
        return pd_fail(error);
    if (!pd_is_tcp(s))
        return 0;
    pd_run(o);
    if (pd_is_deferred(o, s))
        return 0; /* what is written next goes with the SYN */
    return connect_wait(o, fd, s, true);
}

int pd_connect(void *ud, int fd, const struct sockaddr *address, socklen_t len)
{
    struct pd_object *o = ud;
    int result;

    pd_enter(o);
    result = connect_locked(o, fd, address, len);
    pd_leave(o);
    return result;
}

/* --- the end ----------------------------------------------------------------------------------------------------- */

static int shutdown_locked(struct pd_object *o, struct pd_socket *s, int how)
{
    int error = 0;

    if (how < SHUT_RD || how > SHUT_RDWR)
        return pd_fail(EINVAL);
    if (s->phase == PD_IDLE || s->phase == PD_ENDED || s->phase == PD_REFUSED)
        return pd_fail(ENOTCONN);
    if (!pd_is_tcp(s)) {
        s->shut_read = s->shut_read || how != SHUT_WR;
        s->shut_write = s->shut_write || how != SHUT_RD;
        return 0;
    }
    if (s->phase == PD_LISTENING || s->phase == PD_CONNECTING) /* back to where it was before */
        return s->phase == PD_CONNECTING || how != SHUT_WR ? disconnect(o, s) : 0;
    if (how != SHUT_WR)
        s->shut_read = true; /* what still arrives is kept and can be read, as Linux has it */
    if (how != SHUT_RD) {
        s->shut_write = true;
        error = gander_shutdown(o->stack, s->handle, GANDER_SHUTDOWN_SEND);
    }
    s->file.edges++;
    return error ? pd_fail(pd_errno(error)) : 0;
}

int pd_shutdown(void *ud, int fd, int how)
{
    struct pd_object *o = ud;
    struct pd_socket *s;
    int result = -1;

    pd_enter(o);
    s = pd_socket_of(o, fd);
    if (s)
        result = shutdown_locked(o, s, how);
    pd_leave(o);
    return result;
}

/* Are bytes, or the FIN, still unacknowledged? */
static bool is_sending(const struct pd_object *o, const struct pd_socket *s)
{
    struct gander_tcp_info info;

    if (gander_tcp_info(o->stack, s->handle, &info) != 0)
        return false;
    return info.state == GANDER_TCP_FIN_WAIT_1 || info.state == GANDER_TCP_CLOSING ||
           info.state == GANDER_TCP_LAST_ACK;
}

void pd_socket_close(struct pd_object *o, struct pd_socket *s)
{
    int64_t deadline = pd_deadline_after(o, (int64_t)s->linger_s * 1000000);
    bool unread = s->phase != PD_LISTENING && pd_readable_bytes(o, s) > 0;

    if (pd_is_tcp(s) && s->linger_s > 0 && s->phase == PD_CONNECTED && !unread) {
        gander_shutdown(o->stack, s->handle, GANDER_SHUTDOWN_SEND);
        while (is_sending(o, s) && pd_sleep(o, deadline)) {
        }
    }
    gander_set_context(o->stack, s->handle, NULL);
    gander_close(o->stack, s->handle);
    free(s);
}

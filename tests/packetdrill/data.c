/* SPDX-License-Identifier: MIT */
/* Bytes and datagrams between a program and its sockets: what read, write and their kin have in common. messages.c has the calls. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object.h"

enum { BOUNCE_BYTES = 65536 };

static size_t total_of(const struct pd_transfer *t)
{
    size_t total = 0;

    for (size_t i = 0; i < t->count; i++)
        total += t->iov[i].iov_len;
    return total;
}

/* Between one buffer and the pieces from `offset` on. */
static void scatter(const struct pd_transfer *t, size_t offset, const uint8_t *from, size_t n)
{
    for (size_t i = 0; i < t->count && n > 0; i++) {
        size_t room = t->iov[i].iov_len, here;

        if (offset >= room) {
            offset -= room;
            continue;
        }
        here = n < room - offset ? n : room - offset;
        memcpy((uint8_t *)t->iov[i].iov_base + offset, from, here);
        from += here;
        n -= here;
        offset = 0;
    }
}

static void gather(const struct pd_transfer *t, size_t offset, uint8_t *to, size_t n)
{
    for (size_t i = 0; i < t->count && n > 0; i++) {
        size_t room = t->iov[i].iov_len, here;

        if (offset >= room) {
            offset -= room;
            continue;
        }
        here = n < room - offset ? n : room - offset;
        memcpy(to, (const uint8_t *)t->iov[i].iov_base + offset, here);
        to += here;
        n -= here;
        offset = 0;
    }
}

/* --- TCP in ----------------------------------------------------------------------------------------- */

/* What is there, up to `len`; 0: nothing. */
static size_t take_bytes(struct pd_object *o, struct pd_socket *s, const struct pd_transfer *t,
                         size_t done, size_t len)
{
    unsigned flags = t->flags & MSG_PEEK ? GANDER_RECEIVE_PEEK : 0;
    size_t room = t->flags & MSG_PEEK || len < BOUNCE_BYTES ? len : BOUNCE_BYTES;
    uint8_t *bounce = malloc(room);
    int64_t n = 0;

    if (bounce && s->phase != PD_LISTENING)
        n = gander_receive(o->stack, s->handle, bounce, room, flags);
    if (n > 0 && !(t->flags & MSG_TRUNC)) /* with it, TCP's bytes are only dropped */
        scatter(t, done, bounce, (size_t)n);
    free(bounce);
    return n > 0 ? (size_t)n : 0;
}

/* With nothing to read: 1: wait for it; 0: the end; else −errno. */
static int nothing_to_read(struct pd_socket *s)
{
    int error;

    if (s->peer_closed)
        return 0;
    error = pd_error_take(s);
    if (error)
        return -error;
    if (s->shut_read || s->phase == PD_ENDED)
        return 0;
    return s->phase == PD_IDLE || s->phase == PD_LISTENING ? -ENOTCONN : 1;
}

static size_t target_of(const struct pd_socket *s, const struct pd_transfer *t, size_t len)
{
    size_t low = (size_t)s->receive_low_bytes;

    return t->flags & MSG_WAITALL || low > len ? len : low;
}

static ssize_t receive_stream(struct pd_object *o, struct pd_socket *s, struct pd_transfer *t)
{
    size_t len = total_of(t), target = target_of(s, t, len), done = 0;
    bool nonblocking = s->file.nonblocking || (t->flags & MSG_DONTWAIT);
    int64_t deadline = pd_deadline_after(o, s->receive_timeout_us);
    int state;

    if (t->flags & MSG_OOB)
        return pd_fail(EINVAL); /* urgent data stay in the stream [RFC6093 4] */
    for (;;) {
        size_t n = done < len ? take_bytes(o, s, t, done, len - done) : 0;

        if (t->flags & MSG_PEEK) {
            if (n >= target || n > done)
                return (ssize_t)n;
        } else if (n > 0) {
            done += n;
            pd_run(o); /* the window may have opened */
            continue;
        }
        if (done > 0 && done >= target)
            return (ssize_t)done;
        if (len == 0)
            return 0;
        if (done > 0 && (s->peer_closed || s->error || s->shut_read || s->phase == PD_ENDED))
            return (ssize_t)done;
        state = nothing_to_read(s);
        if (state <= 0)
            return state == 0 ? (ssize_t)done : pd_fail(-state);
        if (nonblocking || !pd_sleep(o, deadline))
            return done > 0 ? (ssize_t)done : pd_fail(EAGAIN);
    }
}

/* --- TCP out ------------------------------------------------------------------------------------------- */

/* May bytes be handed over? 0; EAGAIN: not yet. */
static int may_send(struct pd_socket *s)
{
    int error = s->error;

    if (error && s->phase != PD_REFUSED)
        return pd_error_take(s);
    if (s->shut_write)
        return EPIPE;
    switch (s->phase) {
    case PD_CONNECTING:
        return EAGAIN;
    case PD_OPENED:
    case PD_CONNECTED:
        return 0;
    case PD_REFUSED:
        s->phase = PD_ENDED;
        error = pd_error_take(s);
        return error ? error : EPIPE;
    default:
        return EPIPE;
    }
}

static size_t give_bytes(struct pd_object *o, const struct pd_socket *s,
                         const struct pd_transfer *t, size_t done, size_t len)
{
    size_t part = len < BOUNCE_BYTES ? len : BOUNCE_BYTES;
    bool last = part == len;
    uint8_t *bounce = malloc(part);
    unsigned flags = 0;
    int64_t n = 0;

    if (!last || (t->flags & MSG_MORE))
        flags |= GANDER_SEND_MORE;
    if (last && (t->flags & MSG_OOB))
        flags |= GANDER_SEND_URGENT;
    if (bounce) {
        gather(t, done, bounce, part);
        n = gander_send(o->stack, s->handle, bounce, part, flags);
    }
    free(bounce);
    return n > 0 ? (size_t)n : 0;
}

static ssize_t send_stream(struct pd_object *o, struct pd_socket *s, struct pd_transfer *t)
{
    bool nonblocking = s->file.nonblocking || (t->flags & MSG_DONTWAIT);
    int64_t deadline = pd_deadline_after(o, s->send_timeout_us);
    size_t len = total_of(t), done = 0;

    for (;;) {
        int error = pd_is_deferred(o, s) ? 0 : may_send(s);

        if (error && error != EAGAIN)
            return done > 0 ? (ssize_t)done : pd_fail(error);
        if (!error && len == 0)
            return 0;
        if (!error) {
            size_t n = give_bytes(o, s, t, done, len - done);

            done += n;
            if (done == len) {
                pd_run(o);
                return (ssize_t)done;
            }
            if (n > 0)
                continue;
        }
        pd_run(o);
        if (nonblocking || !pd_sleep(o, deadline))
            return done > 0 ? (ssize_t)done : pd_fail(EAGAIN);
    }
}

/* Data with the SYN where the stack can, else behind the handshake [RFC7413]. */
static ssize_t send_fast_open(struct pd_object *o, struct pd_socket *s, struct pd_transfer *t)
{
    int error;

    if (s->phase == PD_CONNECTING)
        return pd_fail(EALREADY);
    if (s->phase != PD_IDLE && s->phase != PD_ENDED)
        return send_stream(o, s, t);
    if (t->address.family == 0)
        return pd_fail(EINVAL);
    pd_knob_set(o, s, GANDER_OPTION_FASTOPEN_CONNECT, 1);
    error = pd_connect_start(o, s, &t->address);
    if (error)
        return pd_fail(error);
    pd_run(o);
    if (pd_is_deferred(o, s)) /* there is a cookie */
        return send_stream(o, s, t);
    if (s->file.nonblocking || (t->flags & MSG_DONTWAIT))
        return pd_fail(EINPROGRESS);
    while (s->phase == PD_CONNECTING)
        if (!pd_sleep(o, pd_deadline_after(o, s->send_timeout_us)))
            return pd_fail(EINPROGRESS);
    if (s->phase == PD_OPENED)
        s->phase = PD_CONNECTED;
    return send_stream(o, s, t);
}

/* --- datagrams ------------------------------------------------------------------------------------------- */

static ssize_t receive_datagram(struct pd_object *o, struct pd_socket *s, struct pd_transfer *t)
{
    int64_t deadline = pd_deadline_after(o, s->receive_timeout_us);
    unsigned flags = t->flags & MSG_PEEK ? GANDER_RECEIVE_PEEK : 0;
    size_t len = total_of(t);
    struct gander_datagram d;
    uint8_t *bounce = malloc(len + 1);
    int64_t n;

    if (!bounce)
        return pd_fail(ENOMEM);
    while ((n = gander_receive_from(o->stack, s->handle, bounce, len, flags, &d)) < 0) {
        int error = pd_error_take(s);

        if (n != GANDER_EAGAIN || error || s->file.nonblocking || (t->flags & MSG_DONTWAIT) ||
            !pd_sleep(o, deadline)) {
            free(bounce);
            return pd_fail(error ? error : pd_errno((int)n));
        }
    }
    scatter(t, 0, bounce, (size_t)n);
    free(bounce);
    t->address = d.peer;
    t->truncated = d.truncated;
    return t->flags & MSG_TRUNC ? (ssize_t)d.len : (ssize_t)n;
}

static ssize_t send_datagram(struct pd_object *o, struct pd_socket *s, struct pd_transfer *t)
{
    struct gander_datagram d = {.peer = t->address};
    size_t len = total_of(t);
    uint8_t *bounce = malloc(len + 1);
    int64_t n;

    if (!bounce)
        return pd_fail(ENOMEM);
    gather(t, 0, bounce, len);
    if (t->address.family)
        pd_address_any(o, t->address.family);
    n = gander_send_to(o->stack, s->handle, bounce, len, t->address.family ? &d : NULL);
    free(bounce);
    if (n < 0)
        return pd_fail(n == GANDER_ENOTCONN ? EDESTADDRREQ : pd_errno((int)n));
    pd_run(o);
    return (ssize_t)n;
}

/* ---------------------------------------------------------------------------------------------------------- */

ssize_t pd_receive_locked(struct pd_object *o, struct pd_socket *s, struct pd_transfer *t)
{
    ssize_t n;

    if (t->flags & MSG_ERRQUEUE)
        return pd_fail(EAGAIN); /* nothing is ever queued there */
    s->file.users++;
    n = pd_is_tcp(s) ? receive_stream(o, s, t) : receive_datagram(o, s, t);
    pd_file_done(o, &s->file);
    return n;
}

ssize_t pd_send_locked(struct pd_object *o, struct pd_socket *s, struct pd_transfer *t)
{
    ssize_t n;

    s->file.users++;
    if (!pd_is_tcp(s))
        n = send_datagram(o, s, t);
    else if (t->flags & MSG_FASTOPEN)
        n = send_fast_open(o, s, t);
    else
        n = send_stream(o, s, t);
    pd_file_done(o, &s->file);
    return n;
}

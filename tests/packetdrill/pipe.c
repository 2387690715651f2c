/* SPDX-License-Identifier: MIT */
/* Pipes within the object, and splice() between pipes and sockets. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "object.h"

int pd_pipe(void *ud, int fds[2])
{
    struct pd_object *o = ud;
    struct pd_pipe *p = calloc(1, sizeof(*p));
    int result = -1;

    if (!p)
        return pd_fail(ENOMEM);
    pd_enter(o);
    p->file.kind = p->write_end.kind = PD_PIPE;
    p->file.pipe = p->write_end.pipe = p;
    p->ends = 2;
    fds[0] = pd_file_open(o, &p->file);
    fds[1] = fds[0] < 0 ? -1 : pd_file_open(o, &p->write_end);
    if (fds[1] >= 0) {
        result = 0;
    } else {
        if (fds[0] >= 0) {
            close(fds[0]);
            o->files[fds[0]] = NULL;
        }
        free(p);
    }
    pd_leave(o);
    return result;
}

void pd_pipe_close(struct pd_file *end)
{
    struct pd_pipe *p = end->pipe;

    if (end == &p->write_end)
        p->writer_gone = true;
    else
        p->reader_gone = true;
    if (--p->ends == 0)
        free(p);
}

ssize_t pd_pipe_read(const struct pd_pipe *p, void *buffer, size_t len)
{
    uint8_t *to = buffer;
    size_t n = len < p->held ? len : p->held;

    if (p->held == 0)
        return p->writer_gone ? 0 : -EAGAIN;
    for (size_t i = 0; i < n; i++)
        to[i] = p->bytes[(p->first + i) % PD_PIPE_BYTES];
    return (ssize_t)n;
}

void pd_pipe_drop(struct pd_pipe *p, size_t len)
{
    p->first = (p->first + len) % PD_PIPE_BYTES;
    p->held -= len;
}

ssize_t pd_pipe_write(struct pd_pipe *p, const void *buffer, size_t len)
{
    const uint8_t *from = buffer;
    size_t n = 0;

    if (p->reader_gone)
        return -EPIPE;
    for (; n < len && p->held < PD_PIPE_BYTES; n++)
        p->bytes[(p->first + p->held++) % PD_PIPE_BYTES] = from[n];
    return n > 0 || len == 0 ? (ssize_t)n : -EAGAIN;
}

/* --- splice ------------------------------------------------------------------------------------------ */

static ssize_t pipe_to_socket(struct pd_object *o, struct pd_pipe *p, struct pd_socket *s,
                              size_t len, unsigned flags)
{
    uint8_t bytes[PD_PIPE_BYTES];
    size_t room = len < sizeof(bytes) ? len : sizeof(bytes);
    struct iovec iov = {.iov_base = bytes};
    struct pd_transfer t = {.iov = &iov,
                            .count = 1,
                            .flags = (flags & SPLICE_F_NONBLOCK ? MSG_DONTWAIT : 0) |
                                     (flags & SPLICE_F_MORE ? MSG_MORE : 0)};
    ssize_t n = pd_pipe_read(p, bytes, room);

    if (n <= 0)
        return n == 0 ? 0 : pd_fail((int)-n);
    iov.iov_len = (size_t)n;
    n = pd_send_locked(o, s, &t);
    if (n > 0)
        pd_pipe_drop(p, (size_t)n);
    return n;
}

static ssize_t socket_to_pipe(struct pd_object *o, struct pd_socket *s, struct pd_pipe *p,
                              size_t len, unsigned flags)
{
    uint8_t bytes[PD_PIPE_BYTES];
    size_t room = PD_PIPE_BYTES - p->held;
    struct iovec iov = {.iov_base = bytes, .iov_len = len < room ? len : room};
    struct pd_transfer t = {
        .iov = &iov, .count = 1, .flags = flags & SPLICE_F_NONBLOCK ? MSG_DONTWAIT : 0};
    ssize_t n;

    if (p->reader_gone)
        return pd_fail(EPIPE);
    if (room == 0)
        return pd_fail(EAGAIN);
    n = pd_receive_locked(o, s, &t);
    if (n > 0)
        pd_pipe_write(p, bytes, (size_t)n);
    return n;
}

static ssize_t pipe_to_pipe(struct pd_pipe *from, struct pd_pipe *to, size_t len)
{
    size_t room = PD_PIPE_BYTES - to->held;
    uint8_t bytes[PD_PIPE_BYTES];
    ssize_t n = pd_pipe_read(from, bytes, len < room ? len : room);

    if (n > 0) {
        pd_pipe_write(to, bytes, (size_t)n);
        pd_pipe_drop(from, (size_t)n);
    }
    return n < 0 ? pd_fail((int)-n) : n;
}

int pd_splice(void *ud, int from, loff_t *from_offset, int to, loff_t *to_offset, size_t len,
              unsigned flags)
{
    struct pd_object *o = ud;
    struct pd_file *a, *b;
    ssize_t n = -1;

    pd_enter(o);
    a = pd_file_of(o, from);
    b = pd_file_of(o, to);
    if (!a || !b) {
        errno = EBADF;
    } else if (from_offset || to_offset) {
        errno = ESPIPE;
    } else if (a->kind == PD_PIPE && b->kind == PD_SOCKET) {
        n = pipe_to_socket(o, a->pipe, (struct pd_socket *)b, len, flags);
    } else if (a->kind == PD_SOCKET && b->kind == PD_PIPE) {
        n = socket_to_pipe(o, (struct pd_socket *)a, b->pipe, len, flags);
    } else if (a->kind == PD_PIPE && b->kind == PD_PIPE) {
        n = pipe_to_pipe(a->pipe, b->pipe, len);
    } else {
        errno = EINVAL;
    }
    pd_leave(o);
    return (int)n;
}

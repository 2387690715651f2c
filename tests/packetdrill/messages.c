/* SPDX-License-Identifier: MIT */
/* read, write, recv, send and their kin: each is one transfer of data.c. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "object.h"

#ifndef TCP_CM_INQ
#define TCP_CM_INQ 36
#endif

enum { IOV_COUNT_MAX = 1024 };

/* A pipe blocks like a socket. */
static ssize_t pipe_transfer(struct pd_object *o, struct pd_file *file, bool out,
                             const struct iovec *iov, int count)
{
    struct pd_pipe *p = file->pipe;
    ssize_t total = 0, n = 0;

    if (out != (file == &p->write_end))
        return pd_fail(EBADF);
    for (int i = 0; i < count; i++) {
        do {
            n = out ? pd_pipe_write(p, iov[i].iov_base, iov[i].iov_len)
                    : pd_pipe_read(p, iov[i].iov_base, iov[i].iov_len);
        } while (n == -EAGAIN && total == 0 && !file->nonblocking && pd_sleep(o, PD_NEVER));
        if (n <= 0)
            break;
        if (!out)
            pd_pipe_drop(p, (size_t)n);
        total += n;
    }
    return total > 0 || n >= 0 ? total : pd_fail((int)-n);
}

static ssize_t transfer(void *ud, int fd, bool out, struct pd_transfer *t)
{
    struct pd_object *o = ud;
    struct pd_file *file = pd_file_of(o, fd);

    if (!file)
        return -1;
    if (t->count > IOV_COUNT_MAX)
        return pd_fail(EINVAL);
    if (file->kind == PD_PIPE)
        return pipe_transfer(o, file, out, t->iov, (int)t->count);
    if (file->kind != PD_SOCKET)
        return pd_fail(EINVAL);
    return out ? pd_send_locked(o, (struct pd_socket *)file, t)
               : pd_receive_locked(o, (struct pd_socket *)file, t);
}

static ssize_t simple(void *ud, int fd, bool out, const struct iovec *iov, int count, int flags)
{
    struct pd_transfer t = {.iov = iov, .count = (size_t)count, .flags = flags};
    ssize_t n;

    pd_enter(ud);
    n = count < 0 ? pd_fail(EINVAL) : transfer(ud, fd, out, &t);
    pd_leave(ud);
    return n;
}

ssize_t pd_read(void *ud, int fd, void *buffer, size_t len)
{
    return simple(ud, fd, false, &(struct iovec){buffer, len}, 1, 0);
}

ssize_t pd_readv(void *ud, int fd, const struct iovec *iov, int count)
{
    return simple(ud, fd, false, iov, count, 0);
}

ssize_t pd_recv(void *ud, int fd, void *buffer, size_t len, int flags)
{
    return simple(ud, fd, false, &(struct iovec){buffer, len}, 1, flags);
}

ssize_t pd_write(void *ud, int fd, const void *buffer, size_t len)
{
    return simple(ud, fd, true, &(struct iovec){(void *)(uintptr_t)buffer, len}, 1, 0);
}

ssize_t pd_writev(void *ud, int fd, const struct iovec *iov, int count)
{
    return simple(ud, fd, true, iov, count, 0);
}

ssize_t pd_send(void *ud, int fd, const void *buffer, size_t len, int flags)
{
    return simple(ud, fd, true, &(struct iovec){(void *)(uintptr_t)buffer, len}, 1, flags);
}

ssize_t pd_recvfrom(void *ud, int fd, void *buffer, size_t len, int flags, struct sockaddr *address,
                    socklen_t *address_len)
{
    struct iovec iov = {buffer, len};
    struct pd_transfer t = {.iov = &iov, .count = 1, .flags = flags};
    struct pd_object *o = ud;
    struct pd_socket *s;
    ssize_t n;

    pd_enter(o);
    n = transfer(ud, fd, false, &t);
    s = n >= 0 && address ? pd_socket_of(o, fd) : NULL;
    if (s && t.address.family)
        pd_address_out(s, &t.address, address, address_len);
    else if (s && address_len)
        *address_len = 0; /* a stream tells no address */
    pd_leave(o);
    return n;
}

ssize_t pd_sendto(void *ud, int fd, const void *buffer, size_t len, int flags,
                  const struct sockaddr *address, socklen_t address_len)
{
    struct iovec iov = {(void *)(uintptr_t)buffer, len};
    struct msghdr message = {.msg_name = (void *)(uintptr_t)address,
                             .msg_namelen = address_len,
                             .msg_iov = &iov,
                             .msg_iovlen = 1};

    return pd_sendmsg(ud, fd, &message, flags);
}

ssize_t pd_sendmsg(void *ud, int fd, const struct msghdr *message, int flags)
{
    struct pd_transfer t = {.iov = message->msg_iov, .count = message->msg_iovlen, .flags = flags};
    struct pd_object *o = ud;
    struct pd_socket *s;
    ssize_t n = -1;

    pd_enter(o);
    s = pd_socket_of(o, fd);
    if (s && (!message->msg_name || message->msg_namelen == 0 ||
              pd_address_in(s, message->msg_name, message->msg_namelen, &t.address)))
        n = transfer(ud, fd, true, &t);
    pd_leave(o);
    return n;
}

/* How much is left to read, if the program asked to be told with TCP_INQ. */
static void control_fill(const struct pd_object *o, const struct pd_socket *s,
                         struct msghdr *message)
{
    struct cmsghdr *c = message->msg_controllen >= CMSG_SPACE(sizeof(int)) && s->inq
                            ? CMSG_FIRSTHDR(message)
                            : NULL;
    int left = (int)pd_readable_bytes(o, s);

    if (!c) {
        message->msg_controllen = 0;
        return;
    }
    memset(c, 0, CMSG_SPACE(sizeof(int)));
    c->cmsg_level = IPPROTO_TCP;
    c->cmsg_type = TCP_CM_INQ;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &left, sizeof(left));
    message->msg_controllen = CMSG_SPACE(sizeof(int));
}

ssize_t pd_recvmsg(void *ud, int fd, struct msghdr *message, int flags)
{
    struct pd_transfer t = {.iov = message->msg_iov, .count = message->msg_iovlen, .flags = flags};
    struct pd_object *o = ud;
    struct pd_socket *s;
    ssize_t n;

    pd_enter(o);
    n = transfer(ud, fd, false, &t);
    s = n >= 0 ? pd_socket_of(o, fd) : NULL;
    if (s) {
        message->msg_flags = t.truncated ? MSG_TRUNC : 0;
        if (message->msg_name && t.address.family)
            pd_address_out(s, &t.address, message->msg_name, &message->msg_namelen);
        else
            message->msg_namelen = 0;
        control_fill(o, s, message);
    }
    pd_leave(o);
    return n;
}

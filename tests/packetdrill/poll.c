/* SPDX-License-Identifier: MIT */
/* What a descriptor is ready for, in the bits of Linux, and poll(). */
#include <errno.h>

#include "object.h"

uint32_t pd_unsent_bytes(const struct gander_tcp_info *info)
{
    uint32_t sent = info->snd_nxt - info->snd_una;

    return info->send_queue_bytes > sent ? info->send_queue_bytes - sent : 0;
}

uint32_t pd_readable_bytes(const struct pd_object *o, const struct pd_socket *s)
{
    uint8_t bytes[1];
    struct gander_datagram d;
    struct gander_tcp_info info;

    if (!pd_is_tcp(s))
        return gander_receive_from(o->stack, s->handle, bytes, sizeof(bytes), GANDER_RECEIVE_PEEK,
                                   &d) >= 0
                   ? d.len
                   : 0;
    return gander_tcp_info(o->stack, s->handle, &info) == 0 ? info.receive_queue_bytes : 0;
}

/* Room for a third of what is queued, and less unsent than TCP_NOTSENT_LOWAT. */
static bool is_writable(const struct pd_object *o, const struct pd_socket *s)
{
    struct gander_tcp_info info;
    int64_t limit, low = 0;

    if (gander_tcp_info(o->stack, s->handle, &info) != 0 ||
        gander_get_option(o->stack, s->handle, GANDER_OPTION_SEND_BUFFER, &limit) != 0)
        return true;
    if (gander_get_option(o->stack, s->handle, GANDER_OPTION_NOTSENT_LOWAT, &low) == 0 && low > 0 &&
        pd_unsent_bytes(&info) >= low)
        return false;
    return limit - info.send_queue_bytes >= info.send_queue_bytes / 2 &&
           limit > info.send_queue_bytes;
}

static uint32_t stream_ready(const struct pd_object *o, const struct pd_socket *s)
{
    bool over = s->phase == PD_ENDED || s->phase == PD_REFUSED || s->phase == PD_IDLE;
    struct gander_tcp_info info;
    uint32_t ready = 0;

    if (s->phase == PD_LISTENING)
        return pd_readable_bytes(o, s) > 0 ? EPOLLIN | EPOLLRDNORM : 0;
    if (s->error)
        ready |= EPOLLERR;
    if (over || (s->peer_closed && s->shut_write) || (s->shut_read && s->shut_write))
        ready |= EPOLLHUP;
    if (s->peer_closed || s->shut_read || (over && s->phase != PD_IDLE))
        ready |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
    if (s->phase == PD_CONNECTING)
        return ready;
    if (s->phase != PD_IDLE && pd_readable_bytes(o, s) >= (uint32_t)s->receive_low_bytes)
        ready |= EPOLLIN | EPOLLRDNORM;
    if (over || s->shut_write || is_writable(o, s))
        ready |= EPOLLOUT | EPOLLWRNORM;
    if (gander_tcp_info(o->stack, s->handle, &info) == 0 && info.urgent)
        ready |= EPOLLPRI;
    return ready;
}

static uint32_t datagram_ready(const struct pd_object *o, const struct pd_socket *s)
{
    uint8_t byte;
    uint32_t ready = EPOLLOUT | EPOLLWRNORM;

    if (s->error)
        ready |= EPOLLERR;
    if (gander_receive_from(o->stack, s->handle, &byte, 1, GANDER_RECEIVE_PEEK, NULL) >= 0)
        ready |= EPOLLIN | EPOLLRDNORM;
    if (s->shut_read)
        ready |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
    return s->shut_read && s->shut_write ? ready | EPOLLHUP : ready;
}

static uint32_t pipe_ready(const struct pd_file *end)
{
    const struct pd_pipe *p = end->pipe;

    if (end == &p->write_end)
        return (p->held < PD_PIPE_BYTES ? EPOLLOUT | EPOLLWRNORM : 0U) |
               (p->reader_gone ? EPOLLERR : 0U);
    return (p->held > 0 ? EPOLLIN | EPOLLRDNORM : 0U) | (p->writer_gone ? EPOLLHUP : 0U);
}

uint32_t pd_ready(const struct pd_object *o, const struct pd_file *file)
{
    const struct pd_socket *s = (const struct pd_socket *)file;

    if (file->kind == PD_PIPE)
        return pipe_ready(file);
    if (file->kind == PD_EPOLL)
        return 0;
    return pd_is_tcp(s) ? stream_ready(o, s) : datagram_ready(o, s);
}

static int poll_once(struct pd_object *o, struct pollfd *fds, nfds_t count)
{
    int ready = 0;

    for (nfds_t i = 0; i < count; i++) {
        struct pd_file *file = fds[i].fd < 0 ? NULL : pd_file_of(o, fds[i].fd);
        uint32_t asked = (uint32_t)(uint16_t)fds[i].events | POLLERR | POLLHUP;

        fds[i].revents = 0;
        if (fds[i].fd < 0)
            continue;
        fds[i].revents = (short)(file ? pd_ready(o, file) & asked : POLLNVAL);
        if (fds[i].revents)
            ready++;
    }
    return ready;
}

int pd_poll(void *ud, struct pollfd *fds, nfds_t count, int timeout_ms)
{
    struct pd_object *o = ud;
    int64_t deadline;
    int ready;

    pd_enter(o);
    deadline = timeout_ms < 0 ? PD_NEVER : pd_deadline_after(o, (int64_t)timeout_ms * 1000);
    pd_run(o);
    while ((ready = poll_once(o, fds, count)) == 0 && pd_sleep(o, deadline)) {
    }
    pd_leave(o);
    return ready;
}

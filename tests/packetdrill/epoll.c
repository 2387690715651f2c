/* SPDX-License-Identifier: MIT */
/* epoll on the object's descriptors: level- and edge-triggered, one shot. */
#include <errno.h>
#include <stdlib.h>

#include "object.h"

int pd_epoll_create(void *ud, int size)
{
    struct pd_object *o = ud;
    struct pd_epoll *e;
    int fd = -1;

    if (size <= 0)
        return pd_fail(EINVAL);
    e = calloc(1, sizeof(*e));
    if (!e)
        return pd_fail(ENOMEM);
    e->file.kind = PD_EPOLL;
    pd_enter(o);
    fd = pd_file_open(o, &e->file);
    if (fd < 0)
        free(e);
    pd_leave(o);
    return fd;
}

static struct pd_epoll *epoll_of(struct pd_object *o, int fd)
{
    struct pd_file *file = pd_file_of(o, fd);

    if (!file)
        return NULL;
    if (file->kind == PD_EPOLL)
        return (struct pd_epoll *)file;
    errno = EINVAL;
    return NULL;
}

static int control(struct pd_epoll *e, struct pd_file *file, int op, int fd,
                   const struct epoll_event *event)
{
    unsigned i = 0;

    while (i < e->count && e->watches[i].fd != fd)
        i++;
    if (op == EPOLL_CTL_ADD) {
        if (i < e->count)
            return pd_fail(EEXIST);
        if (e->count == PD_WATCHES_MAX)
            return pd_fail(ENOSPC);
        e->count++;
    } else if (i == e->count) {
        return pd_fail(ENOENT);
    }
    if (op == EPOLL_CTL_DEL)
        e->watches[i] = e->watches[--e->count];
    else /* what is ready now is news to a changed watch */
        e->watches[i] =
            (struct pd_watch){.fd = fd, .file = file, .event = *event, .edges = file->edges - 1};
    return 0;
}

int pd_epoll_ctl(void *ud, int epfd, int op, int fd, struct epoll_event *event)
{
    struct pd_object *o = ud;
    struct pd_epoll *e;
    struct pd_file *file;
    int result = -1;

    pd_enter(o);
    e = epoll_of(o, epfd);
    file = e ? pd_file_of(o, fd) : NULL;
    if (file) {
        if (file == &e->file || op < EPOLL_CTL_ADD || op > EPOLL_CTL_MOD)
            errno = EINVAL;
        else if (!event && op != EPOLL_CTL_DEL)
            errno = EFAULT;
        else
            result = control(e, file, op, fd, event);
    }
    pd_leave(o);
    return result;
}

void pd_epoll_forget(struct pd_object *o, const struct pd_file *file)
{
    for (int fd = 0; fd < PD_FILES_MAX; fd++) {
        struct pd_epoll *e = (struct pd_epoll *)o->files[fd];

        if (!e || e->file.kind != PD_EPOLL)
            continue;
        for (unsigned i = 0; i < e->count;)
            if (e->watches[i].file == file)
                e->watches[i] = e->watches[--e->count];
            else
                i++;
    }
}

static uint32_t watch_ready(const struct pd_object *o, const struct pd_watch *w)
{
    uint32_t asked = w->event.events | EPOLLERR | EPOLLHUP;

    if (w->off || ((w->event.events & EPOLLET) && w->edges == w->file->edges))
        return 0;
    return pd_ready(o, w->file) & asked;
}

static int wait_once(const struct pd_object *o, struct pd_epoll *e, struct epoll_event *events,
                     int max)
{
    int n = 0;

    for (unsigned i = 0; i < e->count && n < max; i++) {
        struct pd_watch *w = &e->watches[i];
        uint32_t ready = watch_ready(o, w);

        if (!ready)
            continue;
        events[n++] = (struct epoll_event){.events = ready, .data = w->event.data};
        w->edges = w->file->edges;
        w->off = w->event.events & EPOLLONESHOT;
    }
    return n;
}

int pd_epoll_wait(void *ud, int epfd, struct epoll_event *events, int max, int timeout_ms)
{
    struct pd_object *o = ud;
    struct pd_epoll *e;
    int64_t deadline;
    int n = -1;

    pd_enter(o);
    deadline = timeout_ms < 0 ? PD_NEVER : pd_deadline_after(o, (int64_t)timeout_ms * 1000);
    pd_run(o);
    if (max <= 0) {
        errno = EINVAL;
    } else {
        while ((e = epoll_of(o, epfd)) && (n = wait_once(o, e, events, max)) == 0 &&
               pd_sleep(o, deadline)) {
        }
    }
    pd_leave(o);
    return n;
}

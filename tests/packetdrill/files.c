/* SPDX-License-Identifier: MIT */
/*
 * Descriptors. Each is an eventfd, a number that the kernel knows and does nothing with, so that harnesses may call the real close(2) on
 * it: pd_files_check() finds out. Several may stand for one socket (F_DUPFD).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "object.h"

int pd_file_open(struct pd_object *o, struct pd_file *file)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (fd >= PD_FILES_MAX) {
        close(fd);
        return pd_fail(EMFILE);
    }
    if (fd < 0)
        return fd;
    file->descriptors++;
    o->files[fd] = file;
    return fd;
}

struct pd_file *pd_file_of(struct pd_object *o, int fd)
{
    struct pd_file *file = fd >= 0 && fd < PD_FILES_MAX ? o->files[fd] : NULL;

    if (!file)
        errno = EBADF;
    return file;
}

struct pd_socket *pd_socket_of(struct pd_object *o, int fd)
{
    struct pd_file *file = pd_file_of(o, fd);

    if (!file)
        return NULL;
    if (file->kind != PD_SOCKET) {
        errno = ENOTSOCK;
        return NULL;
    }
    return (struct pd_socket *)file;
}

static void file_end(struct pd_object *o, struct pd_file *file)
{
    pd_epoll_forget(o, file);
    if (file->kind == PD_SOCKET)
        pd_socket_close(o, (struct pd_socket *)file);
    else if (file->kind == PD_EPOLL)
        free(file);
    else
        pd_pipe_close(file);
}

static void drop(struct pd_object *o, int fd)
{
    struct pd_file *file = o->files[fd];

    o->files[fd] = NULL;
    if (--file->descriptors == 0 && file->users == 0)
        file_end(o, file);
}

void pd_file_done(struct pd_object *o, struct pd_file *file)
{
    int error = errno;

    if (--file->users == 0 && file->descriptors == 0)
        file_end(o, file);
    errno = error;
}

void pd_files_check(struct pd_object *o)
{
    int error = errno;

    for (int fd = 0; fd < PD_FILES_MAX; fd++)
        if (o->files[fd] && fcntl(fd, F_GETFD) < 0)
            drop(o, fd);
    errno = error;
}

void pd_files_finish(struct pd_object *o)
{
    for (int fd = 0; fd < PD_FILES_MAX; fd++) {
        struct pd_file *file = o->files[fd];

        if (!file)
            continue;
        if (file->kind == PD_SOCKET)
            ((struct pd_socket *)file)->linger_s = -1; /* nobody waits any more */
        close(fd);
        drop(o, fd);
    }
}

int pd_close(void *ud, int fd)
{
    struct pd_object *o = ud;
    int result = -1;

    pd_enter(o);
    if (pd_file_of(o, fd)) {
        close(fd);
        drop(o, fd);
        result = 0;
    }
    pd_leave(o);
    return result;
}

/* --- fcntl ------------------------------------------------------------------------------------------- */

static int duplicate(struct pd_object *o, struct pd_file *file, int lowest)
{
    int fd = pd_file_open(o, file), moved;

    if (fd < 0 || fd >= lowest)
        return fd;
    moved = fcntl(fd, F_DUPFD_CLOEXEC, lowest);
    if (moved >= PD_FILES_MAX) {
        close(moved);
        moved = pd_fail(EMFILE);
    }
    o->files[fd] = NULL;
    close(fd);
    if (moved < 0)
        file->descriptors--;
    else
        o->files[moved] = file;
    return moved;
}

static int file_control(struct pd_object *o, struct pd_file *file, int fd, int command, long value)
{
    switch (command) {
    case F_GETFL:
        return O_RDWR | (file->nonblocking ? O_NONBLOCK : 0);
    case F_SETFL:
        file->nonblocking = value & O_NONBLOCK;
        return 0;
    case F_GETFD:
    case F_SETFD:
        return fcntl(fd, command, value);
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return duplicate(o, file, (int)value);
    case F_GETOWN:
    case F_SETOWN:
        return 0;
    default:
        return pd_fail(EINVAL);
    }
}

int pd_fcntl(void *ud, int fd, int command, ...)
{
    struct pd_object *o = ud;
    struct pd_file *file;
    int result = -1;
    va_list more;
    long value;

    va_start(more, command);
    value = va_arg(more, long);
    va_end(more);
    pd_enter(o);
    file = pd_file_of(o, fd);
    if (file)
        result = file_control(o, file, fd, command, (int)value);
    pd_leave(o);
    return result;
}

/* --- ioctl --------------------------------------------------------------------------------------------- */

static int socket_ioctl(struct pd_object *o, struct pd_socket *s, unsigned long request, int *value)
{
    struct gander_tcp_info info;

    if (request == FIONREAD) {
        if (s->phase == PD_LISTENING)
            return pd_fail(EINVAL);
        *value = (int)pd_readable_bytes(o, s);
        return 0;
    }
    if (request != SIOCOUTQ && request != SIOCOUTQNSD && request != SIOCATMARK)
        return pd_fail(ENOTTY);
    if (!pd_is_tcp(s))
        return *value = 0;
    if (s->phase == PD_LISTENING)
        return pd_fail(EINVAL);
    *value = 0;
    if (gander_tcp_info(o->stack, s->handle, &info) != 0)
        return 0;
    if (request == SIOCATMARK)
        *value = info.urgent && info.urgent_offset == 1;
    else if (request == SIOCOUTQ)
        *value = (int)info.send_queue_bytes;
    else
        *value = (int)pd_unsent_bytes(&info);
    return 0;
}

int pd_ioctl(void *ud, int fd, unsigned long request, ...)
{
    struct pd_object *o = ud;
    struct pd_file *file;
    int result = -1, *value;
    va_list more;

    va_start(more, request);
    value = va_arg(more, int *);
    va_end(more);
    pd_enter(o);
    file = pd_file_of(o, fd);
    if (!file)
        goto out;
    if (request == FIONBIO) {
        file->nonblocking = *value;
        result = 0;
    } else if (file->kind == PD_SOCKET) {
        result = socket_ioctl(o, (struct pd_socket *)file, request, value);
    } else if (file->kind == PD_PIPE && request == FIONREAD) {
        *value = (int)file->pipe->held;
        result = 0;
    } else {
        result = pd_fail(ENOTTY);
    }
out:
    pd_leave(o);
    return result;
}

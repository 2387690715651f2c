/* SPDX-License-Identifier: MIT */
/* Ways to a connection, and calls that block on a second thread: driver.h. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "driver.h"

/* --- addresses, sockets --------------------------------------------------------------------------------- */

static socklen_t address_of(const struct driver *d, union any_address *a, const uint8_t *ip,
                            uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    memset(a, 0, sizeof(*a));
    if (d->kind == DRIVER_IPV4) {
        memcpy(&in.sin_addr, ip, 4);
        memcpy(a, &in, sizeof(in));
        return sizeof(in);
    }
    if (d->kind == DRIVER_MAPPED) {
        memset(in6.sin6_addr.s6_addr + 10, 0xff, 2);
        memcpy(in6.sin6_addr.s6_addr + 12, ip, 4);
    } else {
        memcpy(&in6.sin6_addr, ip, 16);
    }
    memcpy(a, &in6, sizeof(in6));
    return sizeof(in6);
}

socklen_t local_address(const struct driver *d, union any_address *a, uint16_t port)
{
    return address_of(d, a, d->inbound.destination, port);
}

socklen_t peer_address(const struct driver *d, union any_address *a, uint16_t port)
{
    return address_of(d, a, d->inbound.source, port);
}

int stream(const struct driver *d)
{
    int fd = CALL(d, socket, d->kind == DRIVER_IPV4 ? AF_INET : AF_INET6, SOCK_STREAM, IPPROTO_TCP);

    assert_true(fd >= 0);
    return fd;
}

int listening(struct driver *d)
{
    union any_address a;
    socklen_t len = local_address(d, &a, DRIVER_PORT);
    int fd = stream(d);

    set_int(d, fd, SOL_SOCKET, SO_REUSEADDR, 1);
    assert_int_equal(CALL(d, bind, fd, &a.any, len), 0);
    assert_int_equal(CALL(d, listen, fd, 1), 0);
    return fd;
}

int established(struct driver *d)
{
    int l = listening(d), s;

    in(d, "S mss=1000 sackok ws=7");
    out(d, 0, "SA seq=0 ack=1");
    in_at(d, 100, "A ack=1 wnd=1000");
    s = CALL(d, accept, l, NULL, NULL);
    assert_true(s >= 0);
    assert_int_equal(CALL(d, close, l), 0);
    return s;
}

void set_int(struct driver *d, int fd, int level, int name, int value)
{
    assert_int_equal(CALL(d, setsockopt, fd, level, name, &value, sizeof(value)), 0);
}

int get_int(struct driver *d, int fd, int level, int name)
{
    socklen_t len = sizeof(int);
    int value = -77;

    assert_int_equal(CALL(d, getsockopt, fd, level, name, &value, &len), 0);
    return value;
}

void nonblocking(struct driver *d, int fd)
{
    int flags = CALL(d, fcntl, fd, F_GETFL, 0);

    assert_int_equal(CALL(d, fcntl, fd, F_SETFL, (long)(flags | O_NONBLOCK)), 0);
}

/* --- the second thread -------------------------------------------------------------------------------------- */

struct inner {
    struct driver *d;
    struct blocking *b;
    pthread_t thread;
    _Atomic pid_t tid;
    _Atomic bool ended;
};

static void *thread_main(void *argument)
{
    struct inner *inner = argument;
    struct blocking *b = inner->b;

    inner->tid = (pid_t)syscall(SYS_gettid);
    errno = 0;
    b->result = b->run(inner->d, b);
    b->error = errno;
    b->end_ms = now_ms(inner->d); /* at once, as packetdrill does */
    inner->ended = true;
    return NULL;
}

static char thread_state(pid_t tid)
{
    char path[64], line[256], *after;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
    f = fopen(path, "r");
    if (!f)
        return 'X';
    after = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
    fclose(f);
    return after ? after[2] : '?';
}

void begin(struct driver *d, struct blocking *b)
{
    struct inner *inner = calloc(1, sizeof(*inner));

    *inner = (struct inner){.d = d, .b = b};
    b->inner = inner;
    assert_int_equal(pthread_create(&inner->thread, NULL, thread_main, inner), 0);
    for (unsigned i = 0; i < 10000; i++) { /* 10 s at most */
        if (inner->tid && thread_state(inner->tid) == 'S' && !inner->ended) {
            usleep(2000); /* for good, not for a lock */
            if (thread_state(inner->tid) == 'S')
                return;
        }
        usleep(1000);
    }
    fail_msg("the call does not block");
}

void done(struct driver *d, struct blocking *b, double ms, ssize_t result, int error)
{
    struct inner *inner = b->inner;

    if (ms > 0)
        at(d, ms);
    for (unsigned i = 0; i < 5000 && !inner->ended; i++)
        usleep(1000);
    if (!inner->ended)
        fail_msg("the call goes on after %.3f ms", now_ms(d));
    pthread_join(inner->thread, NULL);
    free(inner);
    if (b->result != result || (result < 0 && b->error != error))
        fail_msg("the call gave %zd, errno %d; not %zd, %d", b->result, b->error, result, error);
    if (ms > 0 && (b->end_ms < ms - 0.05 || b->end_ms > ms + 0.05))
        fail_msg("the call ended at %.3f ms, not %.3f", b->end_ms, ms);
}

ssize_t run_accept(struct driver *d, struct blocking *b)
{
    b->fd = CALL(d, accept, b->fd, NULL, NULL);
    return b->fd >= 0 ? 0 : -1;
}

ssize_t run_connect(struct driver *d, struct blocking *b)
{
    union any_address a;
    socklen_t len = peer_address(d, &a, DRIVER_PEER_PORT);

    return CALL(d, connect, b->fd, &a.any, len);
}

ssize_t run_read(struct driver *d, struct blocking *b)
{
    uint8_t bytes[4096];

    return CALL(d, read, b->fd, bytes, b->len);
}

ssize_t run_write(struct driver *d, struct blocking *b)
{
    uint8_t *bytes = calloc(1, b->len);
    ssize_t n = CALL(d, write, b->fd, bytes, b->len);

    free(bytes);
    return n;
}

ssize_t run_poll(struct driver *d, struct blocking *b)
{
    struct pollfd p = {.fd = b->fd, .events = POLLIN};

    return CALL(d, poll, &p, 1, b->timeout_ms);
}

ssize_t run_close(struct driver *d, struct blocking *b)
{
    return CALL(d, close, b->fd);
}

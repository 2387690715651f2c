/* SPDX-License-Identifier: MIT */
/*
 * The bench's work on kernel sockets: bulk, short connections, ping-pong. All sockets are non-blocking and driven
 * by one thread that knows whose turn it is, so no readiness call is needed. The loopback device delivers within
 * the sending call, in the sender's thread.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "kernel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How often a call that should have had its answer is tried again. Loopback delivers in the same call, but
 * under load the kernel may hand the delivery to a thread of its own. */
enum { TRIES_MAX = 200000 };

static void set_int(int fd, int level, int option, int value)
{
    setsockopt(fd, level, option, &value, sizeof(value));
}

/*
 * The window is what counts: the kernel charges buffers at their true size, so a receive buffer of W offers less than W. Give it
 * room enough and clamp the window itself. SO_SNDBUF is doubled by the kernel for the same reason.
 */
static void set_window(int fd, uint32_t window_bytes)
{
    int w = (int)window_bytes;

    if (!w)
        return;
    set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, w);
    set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, 2 * w);
    set_int(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, w);
}

static bool listeners_open(struct kernel *kernel)
{
    for (int i = 0; i < BENCH_PORTS; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        struct sockaddr_in any = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)(BENCH_FIRST_PORT + i))};

        kernel->listeners[i] = fd;
        if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) || listen(fd, 1024)) {
            snprintf(kernel->note, sizeof(kernel->note), "cannot listen: %s", strerror(errno));
            return false;
        }
    }
    return true;
}

void kernel_open(struct kernel *kernel)
{
    *kernel = (struct kernel){.idle_bytes_per_end = NAN};
    for (int i = 0; i < BENCH_PORTS; i++)
        kernel->listeners[i] = -1;
    kernel->ready = kernel_net_open(kernel->note, sizeof(kernel->note)) && listeners_open(kernel);
}

void kernel_close(struct kernel *kernel)
{
    kernel_idle_end(kernel);
    for (int i = 0; kernel->ready && i < BENCH_PORTS; i++) {
        if (kernel->listeners[i] >= 0)
            close(kernel->listeners[i]);
    }
    kernel->ready = false;
}

static int accept_one(int listener)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0 || errno != EAGAIN)
            return fd;
    }
    return -1;
}

static bool start_connect(int fd, const struct sockaddr_in *to)
{
    return connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0 || errno == EINPROGRESS;
}

bool kernel_connect(struct kernel *kernel, uint32_t window_bytes, const uint8_t net_host[2],
                    int count, int *clients, int *servers, struct bench_figure *figure)
{
    uint32_t turn = kernel->turn++ % BENCH_PORTS;
    int listener = kernel->listeners[turn];
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)(BENCH_FIRST_PORT + turn))};
    int opened = 0, accepted = 0;

    to.sin_addr.s_addr = htonl(0x7f000000u | (uint32_t)net_host[0] << 8 | net_host[1]);
    set_window(listener, window_bytes);
    for (; opened < count; opened++) {
        clients[opened] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (clients[opened] < 0)
            break;
        set_window(clients[opened], window_bytes);
        if (!start_connect(clients[opened], &to)) {
            close(clients[opened]);
            break;
        }
    }
    for (; opened == count && accepted < count; accepted++) {
        servers[accepted] = accept_one(listener);
        if (servers[accepted] < 0)
            break;
    }
    if (accepted == count)
        return true;
    figure_fail(figure, "kernel: %s: %s", opened < count ? "connect" : "accept", strerror(errno));
    while (opened > 0)
        close(clients[--opened]);
    while (accepted > 0)
        close(servers[--accepted]);
    return false;
}

static const uint8_t local_host[2] = {0, 1};

/* What a bulk run uses. */
struct bulk {
    int from, to;
    bool
        fill; /* send until the kernel takes no more, so that the window is full; otherwise chunk by chunk */
    uint64_t received;
};

static bool bulk_turn(struct bulk *b)
{
    static uint8_t out[BENCH_CHUNK_BYTES], in[BENCH_CHUNK_BYTES];
    ssize_t n;

    do {
        n = send(b->from, out, BENCH_CHUNK_BYTES, MSG_NOSIGNAL);
    } while (b->fill && n > 0);
    if (n < 0 && errno != EAGAIN)
        return false;
    n = recv(b->to, in, BENCH_CHUNK_BYTES, 0);
    if (n > 0)
        b->received += (uint64_t)n;
    return n > 0 || (n < 0 && errno == EAGAIN);
}

static void bulk_way(struct kernel *kernel, const struct bench_case *c, bool fill, double seconds,
                     struct bench_figure *figure)
{
    struct bulk b = {.fill = fill};
    struct stopwatch watch;
    bool ok = true;

    if (!kernel_connect(kernel, c->window_bytes, local_host, 1, &b.from, &b.to, figure))
        return;
    stopwatch_start(&watch, seconds);
    while (ok && stopwatch_on(&watch, bench_now_ns(), b.received))
        ok = bulk_turn(&b);
    if (ok)
        stopwatch_figure(&watch, 8e-9, figure);
    else
        figure_fail(figure, "kernel: bulk: %s", strerror(errno));
    close(b.from);
    close(b.to);
}

/* The kernel may choose: a full window, as gander gets it, or a short queue that stays in the cache. The faster
 * of the two counts. */
static void bulk(struct kernel *kernel, const struct bench_case *c, double seconds,
                 struct bench_figure *figure)
{
    struct bench_figure other = {.value = NAN};
    struct kernel_net_counters before = {0}, after = {0};

    kernel_net_counters(&before);
    bulk_way(kernel, c, true, seconds / 2, figure);
    bulk_way(kernel, c, false, seconds / 2, &other);
    if (other.value > figure->value)
        *figure = other;
    if (kernel_net_counters(&after) && after.packets > before.packets)
        kernel->packet_bytes =
            (double)(after.bytes - before.bytes) / (double)(after.packets - before.packets);
}

/* One byte from one end to the other. */
static bool pass_byte(int from, int to)
{
    char byte = 'x';

    if (send(from, &byte, 1, MSG_NOSIGNAL) != 1)
        return false;
    for (int i = 0; i < TRIES_MAX; i++) {
        ssize_t n = recv(to, &byte, 1, 0);

        if (n == 1)
            return true;
        if (n == 0 || errno != EAGAIN)
            return false;
    }
    return false;
}

static void pingpong(struct kernel *kernel, double seconds, struct bench_figure *figure)
{
    struct stopwatch watch;
    uint64_t trips = 0;
    int client, server;
    bool ok = true;

    if (!kernel_connect(kernel, 0, local_host, 1, &client, &server, figure))
        return;
    set_int(client, IPPROTO_TCP, TCP_NODELAY, 1);
    set_int(server, IPPROTO_TCP, TCP_NODELAY, 1);
    stopwatch_start(&watch, seconds);
    while (ok && stopwatch_on(&watch, bench_now_ns(), trips)) {
        for (int i = 0; ok && i < 16; i++, trips++)
            ok = pass_byte(client, server) && pass_byte(server, client);
    }
    if (ok)
        stopwatch_figure(&watch, 1, figure);
    else
        figure_fail(figure, "kernel: ping-pong: %s", strerror(errno));
    close(client);
    close(server);
}

/* Waits for the peer's FIN. */
static bool ended(int fd)
{
    char byte;

    for (int i = 0; i < TRIES_MAX; i++) {
        ssize_t n = recv(fd, &byte, 1, 0);

        if (n >= 0 || errno != EAGAIN)
            return n == 0;
    }
    return false;
}

/* A server's descriptor and a client's come from accept() in the order of the connects, so pairs belong together. */
static bool connections_turn(struct kernel *kernel, struct bench_figure *figure)
{
    int clients[BENCH_CONCURRENT], servers[BENCH_CONCURRENT];
    bool ok = true;

    if (!kernel_connect(kernel, 0, local_host, BENCH_CONCURRENT, clients, servers, figure))
        return false;
    for (int i = 0; i < BENCH_CONCURRENT && ok; i++)
        ok = pass_byte(clients[i], servers[i]);
    for (int i = 0; i < BENCH_CONCURRENT && ok; i++)
        ok = pass_byte(servers[i], clients[i]);
    for (int i = 0; i < BENCH_CONCURRENT; i++)
        close(clients[i]);
    for (int i = 0; i < BENCH_CONCURRENT && ok; i++)
        ok = ended(servers[i]);
    for (int i = 0; i < BENCH_CONCURRENT; i++)
        close(servers[i]);
    if (!ok)
        figure_fail(figure, "kernel: connections: %s", strerror(errno));
    return ok;
}

static void connections(struct kernel *kernel, double seconds, struct bench_figure *figure)
{
    struct stopwatch watch;
    uint64_t done = 0;
    bool ok = true;

    stopwatch_start(&watch, seconds);
    while (ok && stopwatch_on(&watch, bench_now_ns(), done)) {
        ok = connections_turn(kernel, figure);
        done += BENCH_CONCURRENT;
    }
    if (ok)
        stopwatch_figure(&watch, 1, figure);
}

void kernel_run(struct kernel *kernel, const struct bench_case *c, double seconds,
                struct bench_figure *figure)
{
    *figure = (struct bench_figure){.value = NAN, .cpu_share = NAN};
    if (!kernel->ready) {
        figure_fail(figure, "%s", kernel->note);
        return;
    }
    if (c->idle && !kernel->idle) {
        figure_fail(figure, "%s", kernel->idle_note);
        return;
    }
    switch (c->kind) {
    case BENCH_BULK:
        bulk(kernel, c, seconds, figure);
        break;
    case BENCH_CONNECTIONS:
        connections(kernel, seconds, figure);
        break;
    case BENCH_PINGPONG:
        pingpong(kernel, seconds, figure);
        break;
    case BENCH_MEMORY:
        figure->value = kernel->idle_bytes_per_end;
        if (isnan(figure->value))
            figure_fail(figure, "kernel: too few idle connections to measure");
        break;
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * Idle kernel connections beside the work. A process can't hold the descriptors of a million pairs, so every so many
 * a child process is forked that inherits them and sleeps, and this process closes its own.
 *
 * Memory is the growth of the kernel's slab caches, system-wide (/proc/meminfo): exact enough when connections are
 * many and little else happens; a few thousand drown in the noise and give no figure.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "kernel.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PAIRS_PER_HOLDER = 100000,
    SPARE_DESCRIPTORS = 1024,
    PAIR_BYTES = 12288,     /* a pair's memory in the kernel, generously, to see what fits */
    SPARE_MEBIBYTES = 3072, /* left for everybody else */
    MEASURE_PAIRS_MIN = 50000
};

/* One line of /proc/meminfo, in bytes; 0 if it isn't there. */
static uint64_t meminfo_bytes(const char *key)
{
    FILE *file = fopen("/proc/meminfo", "re");
    char line[256];
    unsigned long long kib = 0;
    size_t len = strlen(key);

    if (!file)
        return 0;
    while (fgets(line, sizeof(line), file)) {
        if (!strncmp(line, key, len) && line[len] == ':') {
            sscanf(line + len + 1, "%llu", &kib);
            break;
        }
    }
    fclose(file);
    return (uint64_t)kib * 1024;
}

/* Raises the limit as far as allowed; returns how many pairs one process can have. */
static uint32_t pairs_per_process(void)
{
    struct rlimit limit = {0};
    rlim_t want = 2 * PAIRS_PER_HOLDER + SPARE_DESCRIPTORS;

    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < want) {
        struct rlimit raised = {.rlim_cur = want,
                                .rlim_max = limit.rlim_max < want ? want : limit.rlim_max};

        if (setrlimit(RLIMIT_NOFILE, &raised)) { /* not root: only up to the hard limit */
            raised.rlim_cur = raised.rlim_max = limit.rlim_max;
            setrlimit(RLIMIT_NOFILE, &raised);
        }
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= want)
        return PAIRS_PER_HOLDER;
    return limit.rlim_cur > SPARE_DESCRIPTORS + 2 * BENCH_CONCURRENT
               ? (uint32_t)(limit.rlim_cur - SPARE_DESCRIPTORS) / 2
               : 0;
}

/* Hands this process's idle descriptors to a child that does nothing but have them. */
static bool hold(struct kernel *kernel, const int *fds, uint32_t count)
{
    pid_t parent = getpid(), child;

    if (kernel->holder_count == KERNEL_HOLDERS_MAX)
        return false;
    child = fork();
    if (child < 0)
        return false;
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (getppid() == parent)
            pause();
        _exit(0);
    }
    kernel->holders[kernel->holder_count++] = child;
    for (uint32_t i = 0; i < count; i++)
        close(fds[i]);
    return true;
}

/* Up to `want` more pairs in one holder; returns how many there are. */
static uint32_t add_holder(struct kernel *kernel, uint32_t want, struct bench_figure *figure)
{
    static const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    int *fds = want > 0 ? malloc((size_t)want * 2 * sizeof(*fds)) : NULL;
    uint32_t pairs = 0;

    while (fds && pairs < want) {
        int clients[BENCH_CONCURRENT], servers[BENCH_CONCURRENT];
        int n = want - pairs < BENCH_CONCURRENT ? (int)(want - pairs) : BENCH_CONCURRENT;
        uint8_t to[2] = {2, (uint8_t)(1 + kernel->turn / BENCH_PORTS % 16)};

        if (!kernel_connect(kernel, 0, to, n, clients, servers, figure))
            break;
        for (int i = 0; i < n; i++, pairs++) {
            /* So that the end is quick: a reset instead of an exchange of FINs. */
            setsockopt(clients[i], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
            fds[2 * pairs] = servers[i];
            fds[2 * pairs + 1] = clients[i];
        }
    }
    if (pairs && !hold(kernel, fds, 2 * pairs)) {
        figure_fail(figure, "cannot hold the descriptors: %s", strerror(errno));
        for (uint32_t i = 0; i < 2 * pairs; i++)
            close(fds[i]);
        pairs = 0;
    }
    free(fds);
    return pairs;
}

/* Pairs up to `idle`, unless time or a limit ends it. */
static void add_pairs(struct kernel *kernel, uint32_t idle, uint32_t each,
                      void (*progress)(uint32_t done))
{
    int64_t end_ns = bench_now_ns() + (int64_t)KERNEL_IDLE_SECONDS * 1000000000;
    struct bench_figure figure = {0};

    while (kernel->idle < idle) {
        uint32_t want = idle - kernel->idle < each ? idle - kernel->idle : each;
        uint32_t got = add_holder(kernel, want, &figure);

        kernel->idle += got;
        progress(kernel->idle);
        if (got == want && bench_now_ns() < end_ns)
            continue;
        if (kernel->idle < idle)
            snprintf(kernel->idle_note, sizeof(kernel->idle_note),
                     "kernel: %u idle connections, then %.200s", kernel->idle,
                     got < want ? figure.note : "the time was up");
        return;
    }
}

void kernel_idle_raise(struct kernel *kernel, uint32_t idle, void (*progress)(uint32_t done))
{
    uint64_t available = meminfo_bytes("MemAvailable"), spare = (uint64_t)SPARE_MEBIBYTES << 20;
    uint64_t fit = available > spare ? (available - spare) / PAIR_BYTES : 0;
    uint64_t slab_before = meminfo_bytes("Slab"), slab;
    uint32_t before = kernel->idle, each = pairs_per_process();

    if (!kernel->ready || idle <= kernel->idle_wanted)
        return; /* also when the last try fell short: not at every case again */
    kernel->idle_wanted = idle;
    kernel->idle_note[0] = 0;
    if (idle - before > fit) {
        idle = before + (uint32_t)fit;
        snprintf(kernel->idle_note, sizeof(kernel->idle_note),
                 "kernel: memory allows %u idle connections", idle);
    }
    if (each)
        add_pairs(kernel, idle, each, progress);
    else
        snprintf(kernel->idle_note, sizeof(kernel->idle_note),
                 "kernel: the limit of open files allows no idle connections");
    slab = meminfo_bytes("Slab");
    if (kernel->idle - before >= MEASURE_PAIRS_MIN && slab > slab_before)
        kernel->idle_bytes_per_end =
            (double)(slab - slab_before) / (2.0 * (double)(kernel->idle - before));
}

void kernel_idle_end(struct kernel *kernel)
{
    for (int i = 0; i < kernel->holder_count; i++)
        kill(kernel->holders[i], SIGKILL);
    for (int i = 0; i < kernel->holder_count; i++)
        waitpid(kernel->holders[i], NULL, 0);
    kernel->holder_count = 0;
    kernel->idle = 0;
}

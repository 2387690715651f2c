/* SPDX-License-Identifier: MIT */
/* The Linux kernel's TCP as the other side of the bench. */
#ifndef BENCH_KERNEL_H
#define BENCH_KERNEL_H

#include <netinet/in.h>

#include "bench.h"

enum { KERNEL_HOLDERS_MAX = 256, KERNEL_IDLE_SECONDS = 45 };

struct kernel {
    bool ready;
    char note[BENCH_NOTE_BYTES];      /* why it isn't ready */
    int listeners[BENCH_PORTS];       /* on BENCH_FIRST_PORT and up, any address */
    uint32_t turn;                    /* which listener is next */
    uint32_t idle, idle_wanted;       /* established pairs held, and tried for */
    char idle_note[BENCH_NOTE_BYTES]; /* why they are not as many as wanted */
    double idle_bytes_per_end;        /* NaN: not measured */
    int holders[KERNEL_HOLDERS_MAX];  /* processes that hold the idle pairs' descriptors */
    int holder_count;
    double packet_bytes; /* of the last bulk run */
};

/*
 * Moves the process into a network namespace of its own and makes that ready. Never fails: where the system
 * forbids it, `ready` is false and `note` says what is missing.
 */
void kernel_open(struct kernel *kernel);
void kernel_close(struct kernel *kernel);

/* Runs one case; fills `figure`, with a note where that was not possible. */
void kernel_run(struct kernel *kernel, const struct bench_case *c, double seconds,
                struct bench_figure *figure);

/* --- kernel_net.c --------------------------------------------------------------------------- */

/* Namespace, loopback device, settings. False: `note` says why not. */
bool kernel_net_open(char *note, size_t size);

struct kernel_net_counters {
    uint64_t packets, bytes;
};

/* What the loopback device has carried. */
bool kernel_net_counters(struct kernel_net_counters *counters);

/* --- kernel_work.c -------------------------------------------------------------------------- */

/* `count` ≤ BENCH_CONCURRENT established connections to the next port of 127.0.`net`.`host`; buffers of `window_bytes` (0: the
 * kernel's default). False: `figure` says why. */
bool kernel_connect(struct kernel *kernel, uint32_t window_bytes, const uint8_t net_host[2],
                    int count, int *clients, int *servers, struct bench_figure *figure);

/* --- kernel_idle.c -------------------------------------------------------------------------- */

/* Raises the number of idle pairs to `idle`, or as far as the machine's limits and KERNEL_IDLE_SECONDS go: kernel->idle
 * tells, and kernel->idle_note why. */
void kernel_idle_raise(struct kernel *kernel, uint32_t idle, void (*progress)(uint32_t done));
void kernel_idle_end(struct kernel *kernel);

#endif

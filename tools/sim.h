/* SPDX-License-Identifier: MIT */
/* What the files of `gander sim` share. */
#ifndef TOOLS_SIM_H
#define TOOLS_SIM_H

#include <stdatomic.h>

#include "sim/shrink.h"

enum { SIM_JOBS_MAX = 64 };

/* What to run. */
struct sim_task {
    uint64_t first, last; /* seeds */
    uint64_t segments;    /* enough are so many; 0: all seeds */
    unsigned jobs;
    bool progress; /* a line on a terminal's stderr */
    struct sim_run_options options;
};

/* What the processes that run seeds share. */
struct sim_sum {
    _Atomic uint64_t next, runs, segments, connections, datagrams, bytes, completed, excused;
    _Atomic uint64_t retransmissions, timeouts, evictions, digest;
    _Atomic uint64_t virtual_s;
    _Atomic uint32_t transitions[GANDER_TCP_STATES];
    _Atomic uint64_t current[SIM_JOBS_MAX]; /* the seed that a process is at */
    _Atomic bool stop, failed;
    uint64_t failed_seed;
    struct sim_facts failure;
};

/* Runs seeds in processes of their own; sums up. NULL: no memory or process; errno. sim_sum_free() it. */
struct sim_sum *sim_seeds_run(const struct sim_task *task);
void sim_sum_free(struct sim_sum *sum);

/* One line for each thing that happens, for -v. */
void sim_trace_line(void *context, const struct sim_host *host,
                    const struct gander_trace_event *event);

#endif

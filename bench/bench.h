/* SPDX-License-Identifier: MIT */
/*
 * The bench: what gander and the Linux kernel each do with the same work, measured in one run.
 *
 * Both sides have one thread, pinned to one processor, that plays both ends of every connection:
 *
 *   gander   two stacks; what gander_output() of one gives goes straight to gander_input() of the other,
 *            checksums made and checked (stack_world.c, stack_work.c)
 *   linux    both ends in a network namespace of their own, over its loopback device at MTU 1500 with
 *            segmentation offload off (kernel_net.c, kernel_work.c, kernel_idle.c)
 *
 * Runs of the two alternate, so that a disturbance of the machine meets both. docs/performance.md tells how to
 * read the figures.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BENCH_MTU_BYTES = 1500,
    BENCH_CHUNK_BYTES = 65536, /* what the application hands over and asks for at a time */
    BENCH_CONCURRENT = 32,     /* connections under way at a time in BENCH_CONNECTIONS */
    BENCH_PORTS = 64,          /* ports that the server listens on, in turn */
    BENCH_FIRST_PORT = 700,    /* below the range of ports chosen for clients */
    BENCH_REPEATS_MAX = 16,
    BENCH_NOTE_BYTES = 320
};

enum bench_kind { BENCH_BULK, BENCH_CONNECTIONS, BENCH_PINGPONG, BENCH_MEMORY };

struct bench_case {
    const char *name;
    enum bench_kind kind;
    uint32_t window_bytes; /* send and receive buffer of both ends */
    uint32_t idle;         /* established connections beside */
};

/* What one run of a case on one side gave. NaN: nothing; `note` says why. */
struct bench_figure {
    double value;
    double
        cpu_share; /* the thread's processor time by wall time: well below 1 means a disturbed run */
    char note[BENCH_NOTE_BYTES];
};

/* --- time: util.c --------------------------------------------------------------------------- */

int64_t bench_now_ns(void);

/*
 * Counts work over time, the warm-up left out.
 *   1. stopwatch_start
 *   2. while (stopwatch_on(&watch, now, count)) { work; count … }
 *   3. stopwatch_figure
 */
struct stopwatch {
    int64_t warm_ns, end_ns; /* when counting begins and ends */
    int64_t counted_from_ns, last_ns, cpu_from_ns;
    uint64_t count_from, count_last;
    bool warm;
};

void stopwatch_start(struct stopwatch *watch, double seconds);

/* Ends every later run after so much work (bytes, connections, round trips) instead of by time: for tools that count
 * instructions. 0: by time. */
void stopwatch_limit(uint64_t count);

bool stopwatch_on(struct stopwatch *watch, int64_t now_ns, uint64_t count);

/* `scale`: what to multiply counts a second with. */
void stopwatch_figure(const struct stopwatch *watch, double scale, struct bench_figure *figure);

/* Writes a note once, printf-like, and makes the figure NaN. */
void figure_fail(struct bench_figure *figure, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Ties the process to the highest processor it may use; returns its number, −1 if that is forbidden. */
int bench_pin(void);

/* --- figures: report.c ---------------------------------------------------------------------- */

/* All runs of one case. */
struct bench_result {
    const struct bench_case *c;
    int runs;
    struct bench_figure stack[BENCH_REPEATS_MAX], kernel[BENCH_REPEATS_MAX];
    struct bench_figure
        alone[BENCH_REPEATS_MAX]; /* gander once more, without the idle connections */
    uint32_t kernel_idle;         /* what the limits of the machine allowed */
    double
        kernel_packet_bytes; /* bulk: mean size of packets on the loopback device, 0 if not known */
};

/* What holds for all results. */
struct bench_context {
    double seconds; /* per run */
    int processor;  /* that all ran on */
    const char *kernel_path;
};

void report_table(const struct bench_result *results, size_t n,
                  const struct bench_context *context);

/* False: the file could not be written; errno says why. */
bool report_json(const char *path, const struct bench_result *results, size_t n,
                 const struct bench_context *context);

/* Median of the values that are numbers; NaN if none is. */
double report_median(const double *values, int n);

#endif

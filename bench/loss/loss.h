/* SPDX-License-Identifier: MIT */
/*
 * The bench of loss recovery and congestion control: goodput over a path with a rate, a delay, a queue and losses.
 *
 *   virtual.c  gander on the simulator: virtual time, any number of seeds
 *   relay.c    the same model of the path between TUN devices and stacks, in real time
 *   kernel.c   the Linux kernel, in two network namespaces, through that relay; gander beside it where asked
 *
 * path.c is the path for both: what is lost when, what that costs. flow.c is the application on gander: a sender that never
 * stops, a receiver that counts.
 */
#ifndef BENCH_LOSS_LOSS_H
#define BENCH_LOSS_LOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gander/gander.h>
#include <gander/impair.h>

enum {
    LOSS_MTU_BYTES = 1500,
    LOSS_FLOWS_MAX = 2,
    LOSS_SEEDS_MAX = 64,
    LOSS_NOTE_BYTES = 160,
    LOSS_PENDING = 256,
    LOSS_BURST_PACKETS = 4 /* mean length of a burst of losses */
};

enum loss_pattern {
    LOSS_PATTERN_NONE,   /* losses one by one, order kept */
    LOSS_PATTERN_JITTER, /* each packet takes up to 5 ms longer and may be overtaken */
    LOSS_PATTERN_BURSTS  /* losses in bursts, as many in all */
};

/* One path, and who sends over it. */
struct loss_cell {
    const char *cc;       /* of the first flow */
    const char *other_cc; /* of a second flow beside it; NULL: none */
    bool other_is_kernel; /* the second flow is the kernel's: real time only */
    uint32_t rate_mbit;   /* 0: no limit */
    uint32_t rtt_ms;
    uint32_t loss_ppm;
    enum loss_pattern pattern;
    double queue_bdp;
};

/* What one run gave. Negative: no figure. */
struct loss_run {
    double goodput_mbit[LOSS_FLOWS_MAX];
    double retransmitted; /* share of the data segments */
    double queue_ms[2];   /* waiting at the bottleneck: median and 99th percentile over time */
    double repair_ms[2]; /* from a random loss to the ACK that covers it: median, 99th percentile */
    char note[LOSS_NOTE_BYTES]; /* why there is no figure */
};

const char *loss_pattern_name(enum loss_pattern pattern);

/* Every figure negative. */
void loss_run_clear(struct loss_run *run);

/* --- path.c ---------------------------------------------------------------------------------- */

/* Values of which percentiles are wanted: all up to a limit, then every second one, and so on. */
struct loss_samples {
    float *values;
    size_t count, room, every, skipped;
};

void samples_add(struct loss_samples *samples, double value);
/* Sorts them; share 0.5: the median. Negative if there are none. */
double samples_percentile(struct loss_samples *samples, double share);
void samples_free(struct loss_samples *samples);

/* A data packet that the path has dropped and that is not made good yet. */
struct loss_pending {
    uint16_t port; /* the sender's */
    uint32_t end;  /* sequence number behind it */
    gander_time at;
};

struct loss_path {
    struct gander_impairment data, acks; /* for the two directions */
    gander_time (*clock)(void *context);
    void *clock_context;

    uint64_t draws;
    uint32_t loss_ppm;
    bool bursts, in_burst;
    uint64_t data_segments;
    struct loss_pending pending[LOSS_PENDING];
    size_t pending_count;
    struct loss_samples repairs, queue;
};

/* The path must stay where it is while the impairments made from it are in use. */
void loss_path_init(struct loss_path *path, const struct loss_cell *cell, uint64_t seed,
                    gander_time (*clock)(void *context), void *clock_context);
/* To be called every millisecond or so with the counters of the data's direction. */
void loss_path_sample_queue(struct loss_path *path, gander_time now,
                            const struct gander_impair_counters *counters);
void loss_path_report(struct loss_path *path, struct loss_run *run);
void loss_path_finish(struct loss_path *path);

/* --- flow.c ---------------------------------------------------------------------------------- */

struct loss_flow {
    struct gander_stack *sender, *receiver;
    gander_socket out, listener, in;
    uint64_t received_bytes;
    int error; /* GANDER_E…: the flow has ended */
};

/* What the bench changes of the defaults: memory and the most that buffers may grow to. */
void loss_flow_config(struct gander_config *config);
/* Listens on `peer` and connects. 0, or GANDER_E…. */
int loss_flow_start(struct loss_flow *flow, struct gander_stack *sender,
                    struct gander_stack *receiver, const struct gander_address *peer,
                    const char *cc);
/* Events of either stack, for any number of flows. */
void loss_flow_events(struct loss_flow *flows, size_t n, struct gander_stack *stack,
                      const struct gander_event *events, size_t count);
uint64_t loss_flow_retransmitted(const struct loss_flow *flow);

/* --- virtual.c, relay.c, kernel.c ------------------------------------------------------------ */

/* gander in virtual time. */
void loss_run_virtual(const struct loss_cell *cell, uint64_t seed, double seconds,
                      struct loss_run *run);

enum loss_side { LOSS_GANDER, LOSS_LINUX };

/* The first flow is of `side`; in real time, in a process of its own. */
void loss_run_real(const struct loss_cell *cell, enum loss_side side, uint64_t seed, double seconds,
                   struct loss_run *run);

struct loss_relay;

/* Two TUN drivers, which the relay owns from now on, and a path between them. NULL: no memory. */
struct loss_relay *loss_relay_create(const struct loss_cell *cell, uint64_t seed,
                                     struct gander_driver *left, struct gander_driver *right);
/* A flow of gander's, from a stack at the left to one at the right. 0, or GANDER_E…. */
int loss_relay_add_flow(struct loss_relay *relay, const char *cc);
/* Moves packets until `until` (gander_host_now()), or until `stop` is readable. */
void loss_relay_run(struct loss_relay *relay, gander_time until, int stop);
const struct loss_flow *loss_relay_flow(const struct loss_relay *relay);
struct loss_path *loss_relay_path(struct loss_relay *relay);
void loss_relay_destroy(struct loss_relay *relay);

/* --- cells.c: which paths are measured; report.c ---------------------------------------------- */

enum loss_clock { LOSS_VIRTUAL, LOSS_REAL };

struct loss_case {
    struct loss_cell cell;
    enum loss_side side;
    enum loss_clock clock;
    unsigned seeds;
    double seconds;
    bool alone; /* takes all of a processor: nothing runs beside it */
    struct loss_run runs[LOSS_SEEDS_MAX];
};

struct loss_options {
    bool full, kernel;
    unsigned seeds, jobs;
    double seconds, real_seconds;
    const char *json, *plots;
};

/* The caller frees it; NULL: no memory. */
struct loss_case *loss_cases(const struct loss_options *options, size_t *n);

/* Mean over the runs that gave one; negative if none did. */
double loss_mean(const struct loss_case *c, size_t offset);
#define LOSS_MEAN(c, field) loss_mean(c, offsetof(struct loss_run, field))

void loss_report_table(const struct loss_case *cases, size_t n);
/* False: errno says why. */
bool loss_report_json(const char *path, const struct loss_case *cases, size_t n);
/* One SVG a figure, by gnuplot; false: a note is printed. */
bool loss_report_plots(const char *folder, const struct loss_case *cases, size_t n);

#endif

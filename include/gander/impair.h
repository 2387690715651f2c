/* SPDX-License-Identifier: MIT */
/*
 * A bad network around any driver: loss, duplication, reordering, corruption, delay, jitter, a rate
 * with a queue. Integers only and an own generator: the same seed, packets and times give the same
 * faults. Each kind of fault draws from a sequence of its own, so that switching one on does not
 * move the others.
 *
 * Order of things for a packet: lost? corrupted? duplicated? Then the queue of the rate (full:
 * dropped), then the time on the wire at that rate, then delay and jitter. Packets keep their
 * order, jitter included; only one that is chosen for reordering falls behind those that follow,
 * and all of them if `jitter_reorders` is set.
 */
#ifndef GANDER_IMPAIR_H
#define GANDER_IMPAIR_H

#include <gander/error.h>
#include <gander/link.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    GANDER_PPM = 1000000, /* parts per million: certain */
    GANDER_IMPAIR_LIST = 8,
    GANDER_IMPAIR_HELD_PACKETS = 65536, /* under way in one direction; beyond: overflowed */
    GANDER_IMPAIR_QUEUE_BYTES = 262144  /* queue before the rate, if none is given */
};

/* Bits. */
enum gander_impair_action {
    GANDER_IMPAIR_DROP = 1,
    GANDER_IMPAIR_DUPLICATE = 2,
    GANDER_IMPAIR_REORDER = 4,
    GANDER_IMPAIR_CORRUPT = 8
};

/* What happens in one direction. All zero: nothing. */
struct gander_impairment {
    uint64_t seed;
    uint32_t loss_ppm, duplicate_ppm, reorder_ppm, corrupt_ppm; /* per packet, up to GANDER_PPM */
    gander_time delay_ns;
    gander_time jitter_ns;         /* added to the delay: 0 … this, uniform */
    gander_time reorder_ns;        /* how far a reordered packet falls behind; 0: 1 ms */
    uint64_t rate_bits_per_second; /* 0: no limit. IP packets' bytes count */
    uint32_t queue_bytes; /* waiting for the rate; up to 1 GiB; 0: GANDER_IMPAIR_QUEUE_BYTES */

    /* Packets to drop by number; the first one is 1. 0: unused. */
    uint64_t drop_numbers[GANDER_IMPAIR_LIST];
    /* Called for each packet with its number, before chance: bits of gander_impair_action to force,
     * 0: none. May be NULL. */
    unsigned (*choose)(void *context, uint64_t number, const struct gander_packet *packet);
    void *choose_context;
    bool jitter_reorders; /* each packet takes its own time: whose jitter is less overtakes */
};

/* Since the driver was made, one direction. packets + duplicated = delivered + lost + overflowed +
 * held. */
struct gander_impair_counters {
    uint64_t packets, bytes; /* came in */
    uint64_t delivered, delivered_bytes;
    uint64_t lost, duplicated, reordered, corrupted;
    uint64_t overflowed;    /* the queue was full */
    uint64_t copy_failures; /* no memory for a copy: not duplicated; or lost instead of corrupted */
    uint64_t held;          /* now under way in here */
    gander_time
        busy_until; /* when what waits for the rate will have been sent; in the past: nothing waits */
};

enum gander_impair_direction { GANDER_IMPAIR_TRANSMIT, GANDER_IMPAIR_RECEIVE };

/*
 * Wraps `inner`, which from now on belongs to the new driver. `transmit`, `receive`: NULL: that
 * direction is perfect; both are copied. `stack`: whose memory holds the copies of packets that are
 * sent changed or twice (what is sent shares memory with the sender's own queue, so changes are
 * made on copies); it must outlive the driver; may be NULL if nothing is duplicated or corrupted in
 * transmit. Packets under way move on in gander_driver_receive() and gander_driver_transmit(), at
 * the driver's deadline; so call receive when the deadline comes. GANDER_EINVAL: a value out of
 * range, corruption on a GANDER_LINK_TRUSTED link (nobody would notice), no stack. GANDER_ENOMEM.
 * On error `inner` is untouched and still the caller's.
 */
int gander_impair_create(struct gander_driver *inner, struct gander_stack *stack,
                         const struct gander_impairment *transmit,
                         const struct gander_impairment *receive, struct gander_driver **driver);

/* What happens in one direction from now on. Packets under way keep their time; the sequences of chance go on, the new seed
 * counts for nothing. GANDER_EINVAL: as gander_impair_create(), or not a driver made by it. */
int gander_impair_change(struct gander_driver *driver, enum gander_impair_direction direction,
                         const struct gander_impairment *config);

/* GANDER_EINVAL: not a driver made by gander_impair_create(), or no such direction. */
int gander_impair_counters(const struct gander_driver *driver,
                           enum gander_impair_direction direction,
                           struct gander_impair_counters *counters);

#ifdef __cplusplus
}
#endif
#endif

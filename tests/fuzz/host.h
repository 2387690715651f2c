/* SPDX-License-Identifier: MIT */
/* One stack with one link for fuzz targets: its memory is counted, may run short, and must all be back at the end. */
#ifndef TESTS_FUZZ_HOST_H
#define TESTS_FUZZ_HOST_H

#include "frame.h"
#include "fuzz.h"

enum { HOST_MTU_BYTES = 1500, HOST_HELD_PACKETS = 8 };

struct host {
    struct gander_stack *stack;
    struct gander_config config; /* for host_start() */
    unsigned link;
    struct gander_address ip4, ip6;     /* its own: 192.0.2.1/24, 2001:db8::1/64 */
    struct gander_address peer4, peer6; /* the peer: ….2 */
    size_t allocated_bytes;
    uint32_t refusals;                             /* allocations to refuse from now on */
    struct gander_packet *held[HOST_HELD_PACKETS]; /* for the next burst */
    unsigned held_count;
};

/* Fills in the defaults. */
void host_init(struct host *host);
void host_start(struct host *host);
/* Ends the stack; its memory must be back. */
void host_finish(struct host *host);

/* A packet arrives: with the next host_flush(), or when the burst is full. */
void host_hold(struct host *host, const struct frame *frame);
void host_flush(struct host *host);
void host_arrive(struct host *host, const struct frame *frame);
/* The next packet out, as bytes, checked; false: none. */
bool host_leaves(struct host *host, struct frame *frame);
/* Advances the clock. */
void host_sleep(struct host *host, gander_time ns);
/* To the next deadline; false: there is none. */
bool host_next_deadline(struct host *host);
/* With a peer that is silent for good and no owner left, everything must end by itself: no connection is left. */
void host_run_out(struct host *host);

/* Lets a stack to be tell what it does, if the environment asks for it: watch.c. */
void host_watch(struct gander_config *config);
/* Lets it tell, and only looks whether that makes sense. */
void host_listen_in(struct gander_config *config);

/* Byte number `offset` of every stream in these targets. */
static inline uint8_t pattern(uint32_t offset)
{
    return (uint8_t)((offset * 2654435761U) >> 24);
}

static inline void pattern_fill(uint8_t *to, uint32_t offset, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        to[i] = pattern(offset + i);
}

static inline bool pattern_holds(const uint8_t *bytes, uint32_t offset, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        if (bytes[i] != pattern(offset + i))
            return false;
    return true;
}

#endif

/* SPDX-License-Identifier: MIT */
/* Two gander stacks, joined directly, as one side of the bench. */
#ifndef BENCH_STACK_WORLD_H
#define BENCH_STACK_WORLD_H

#include <gander/gander.h>

#include "bench.h"

enum {
    BURST_PACKETS = 64,
    SERVER_ADDRESSES =
        8, /* 10.0.1.1 and up: enough ports for a million connections from one address */
    WORLD_WINDOW_BYTES = 1 << 20 /* for cases that don't name one */
};

/* --- stack_memory.c: the allocator hook, which counts ----------------------------------------- */

/*
 * Small and aligned pieces (the stacks' slabs) come from large mappings for which huge pages are asked; what
 * comes back is kept for the next one. Everything else is malloc's.
 */
struct bench_memory {
    uint64_t held_bytes; /* what the stack has from us now */
    void *free_slabs;
    struct mapping *mappings;
};

struct gander_memory bench_memory_hooks(struct bench_memory *memory);
void bench_memory_end(struct bench_memory *memory);

/* --- stack_world.c ---------------------------------------------------------------------------- */

struct world {
    struct gander_stack *client, *server; /* NULL: no world */
    struct bench_memory client_memory, server_memory;
    gander_socket listeners[BENCH_PORTS];
    uint32_t window_bytes;
    uint32_t turn;             /* which listener, then which address, is next */
    int64_t origin_ns;         /* the world's time is the real one since here, */
    int64_t skipped_ns;        /* and what was skipped */
    uint32_t idle;             /* established pairs beside the work */
    double idle_bytes_per_end; /* NaN: not measured */
    char note[BENCH_NOTE_BYTES];
};

/* False: `note` says why. */
bool world_open(struct world *world, uint32_t window_bytes);
void world_close(struct world *world);

/* Tells both stacks the time; once a turn. */
void world_clock(struct world *world);

/* One burst from one stack to the other; returns how many packets. */
static inline size_t world_burst(struct gander_stack *from, struct gander_stack *to)
{
    struct gander_packet *packets[BURST_PACKETS];
    size_t n = gander_output(from, 0, packets, BURST_PACKETS);

    if (n)
        gander_input(to, 0, packets, n);
    return n;
}

/* Everything that is to be sent. */
static inline void world_carry(struct gander_stack *from, struct gander_stack *to)
{
    while (world_burst(from, to) == BURST_PACKETS)
        ;
}

/* Starts `count` connections to the next port; SYN and SYN-ACK have passed on return. False: see `figure`. */
bool world_start(struct world *world, bool spread, int count, gander_socket *clients,
                 struct bench_figure *figure);

/* Takes `count` connections from the listener that world_start() used, carrying packets as needed. */
bool world_accept(struct world *world, int count, gander_socket *servers,
                  struct bench_figure *figure);

/* Both at once, without anything sent. */
bool world_connect(struct world *world, bool spread, int count, gander_socket *clients,
                   gander_socket *servers, struct bench_figure *figure);

/* Adds idle pairs, each of which has carried a byte each way, lets a minute pass, and measures memory. False: `note`. */
bool world_idle_add(struct world *world, uint32_t idle, void (*progress)(uint32_t done));

/* --- stack_work.c ------------------------------------------------------------------------------ */

void world_run(struct world *world, const struct bench_case *c, double seconds,
               struct bench_figure *figure);

#endif

/* SPDX-License-Identifier: MIT */
/* What the two files of schedules.h share: a run, its two sides, and the wire between them. */
#ifndef TESTS_SIM_SCHEDULES_RUN_H
#define TESTS_SIM_SCHEDULES_RUN_H

#include "sim/schedules.h"

enum { SIDES = 2, WIRE_MAX = 256, IDS_MAX = 16, PACKETS_MAX = 1000, PORT = 80, CLIENT_PORT = 4000 };

struct run;

struct side {
    struct run *run;
    unsigned index;
    const struct part *part;
    struct gander_stack *stack;
    unsigned link;
    struct gander_address address;
    gander_socket listener, socket;
    bool opened, connected, shut, peer_closed, over, aborted;
    int error;
    uint32_t sent, received, iss;
    struct {
        uint64_t id;
        uint8_t state;
    } ids[IDS_MAX];
};

struct flying {
    gander_time due;
    unsigned order, to;
    struct gander_packet *packet;
};

struct run {
    const struct scenario *scenario;
    const struct schedule *schedule;
    struct transitions *transitions;
    char *text;
    gander_time now, over_at; /* both sides know that it is over */
    size_t live_bytes;
    struct side sides[SIDES];
    struct flying wire[WIRE_MAX];
    unsigned flying, order, packets, round;
    struct gander_packet *held[SIDES]; /* to be swapped with the next */
    gander_time held_until[SIDES];
};

/* The first thing that goes wrong is told. */
void run_wrong(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* For what cannot be, whatever the stack does. */
void run_require(bool ok);

/* Each connection's transitions must be legal, and join. `context`: the side. */
void run_on_trace(void *context, const struct gander_trace_event *event);

/* A packet leaves a side, and meets its fault. */
void wire_send(struct run *run, unsigned from, struct gander_packet *packet);
/* What is due arrives, one packet at a time. False: nothing is. */
bool wire_arrive(struct run *run);
/* What waited long enough for a packet to be swapped with goes alone. */
void wire_release(struct run *run, unsigned to);

#endif

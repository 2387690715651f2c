/* SPDX-License-Identifier: MIT */
/*
 * One stack against a crowd: any number of peers that the test plays with single segments, hostile or honest. Where
 * rfc/dialogue.h is strict about each packet of a few connections, this is about many: what they cost, and who gets through.
 *
 *     struct crowd *c = *state;
 *     c->config.memory_max_bytes = …;
 *     crowd_start(c);
 *     crowd_listen(c, 128);
 *     crowd_syn(c, number);                        peer `number` has an address of its own
 *     while (crowd_take(c, &number, &segment)) …   what leaves, checked by rfc/segment.h
 *
 * CROWD_TEST runs a test four times: IPv4 and IPv6, without and with timestamps. Peers' initial sequence numbers lie at
 * 2^32 − 2, 2^31 − 2 and elsewhere in turn. At the end the stack is destroyed and all memory must be back.
 *
 * Counts are small enough for every day; with GANDER_SOAK=1 in the environment they are those of docs/security.md.
 */
#ifndef TESTS_THREATS_CROWD_H
#define TESTS_THREATS_CROWD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gander/gander.h>

#include "rfc/segment.h"

enum { CROWD_PORT = 80, CROWD_PEER_PORT = 40000, CROWD_MSS = 1000, CROWD_BURST = 64 };

struct crowd {
    unsigned family;
    bool ts;
    struct gander_config config; /* for changes before crowd_start() */
    struct gander_stack *stack;
    unsigned link;
    gander_socket listener;
    gander_time now;
    uint64_t allocated_bytes, allocated_peak_bytes;
    int64_t refuse_after; /* allocations until one is refused; −1: never */
    bool refuse_for_good;
    uint64_t refused;
    uint32_t random;
    struct gander_packet *out[CROWD_BURST];
    size_t out_count, out_next;
};

/* One peer with a connection. */
struct crowd_peer {
    uint32_t number;
    uint32_t seq, ack; /* its next sequence number, and the next it wants */
    uint32_t tsval;    /* the stack's last */
    uint32_t wnd;      /* what it offers, unscaled */
    gander_socket socket;
};

int crowd_setup_ip4(void **state);
int crowd_setup_ip6(void **state);
int crowd_setup_ip4_ts(void **state);
int crowd_setup_ip6_ts(void **state);
int crowd_teardown(void **state);

#define CROWD_TEST(test)                                                                           \
    {#test ", IPv4", test, crowd_setup_ip4, crowd_teardown, NULL},                                 \
        {#test ", IPv6", test, crowd_setup_ip6, crowd_teardown, NULL},                             \
        {#test ", IPv4, timestamps", test, crowd_setup_ip4_ts, crowd_teardown, NULL},              \
    {                                                                                              \
#test ", IPv6, timestamps", test, crowd_setup_ip6_ts, crowd_teardown, NULL                 \
    }

/* `full` with GANDER_SOAK=1, else `quick`. */
uint32_t crowd_count(uint32_t quick, uint32_t full);
/* Processor time of this thread. */
int64_t crowd_cpu_ns(void);
uint32_t crowd_random(struct crowd *c);

void crowd_start(struct crowd *c);
void crowd_listen(struct crowd *c, int backlog);
struct gander_stats crowd_stats(const struct crowd *c);
/* The clock goes on; everything that falls due runs. What leaves waits for crowd_take(). */
void crowd_advance(struct crowd *c, gander_time by);
/* The same, throwing away what leaves. */
void crowd_pass(struct crowd *c, gander_time by);

/* --- single segments --------------------------------------------------------------------------------- */

uint32_t crowd_isn(uint32_t number);
struct segment_path crowd_path(const struct crowd *c,
                               uint32_t number); /* from the peer to the stack */
/* Ports 0 are CROWD_PEER_PORT and CROWD_PORT; with timestamps one is added, unless FIELD_NOTS or FIELD_OPT. */
void crowd_send(struct crowd *c, uint32_t number, const struct segment *segment);
void crowd_syn(struct crowd *c, uint32_t number);
/* A whole IP packet. */
void crowd_send_bytes(struct crowd *c, const uint8_t *bytes, size_t len);
/* The next TCP segment that leaves, without its text; false: there is none. */
bool crowd_take(struct crowd *c, uint32_t *number, struct segment *segment);
/* Throws away what wants to leave; returns how many. */
uint64_t crowd_drain(struct crowd *c);

/* --- peers with connections ------------------------------------------------------------------------------ */

/* Opens and has it accepted; what leaves for others is thrown away. `options`: further fields of the SYN. False: refused. */
bool crowd_open(struct crowd *c, struct crowd_peer *p, uint32_t number,
                const struct segment *options);
/* Sends a segment with the peer's numbers; `len` bytes of text (≤ 1,500) and the flags count. */
void crowd_say(struct crowd *c, struct crowd_peer *p, uint8_t flags, uint32_t len);
/* Takes what leaves for the peer, and follows it in order; returns how many segments. Others' are thrown away. */
unsigned crowd_hear(struct crowd *c, struct crowd_peer *p);

#endif

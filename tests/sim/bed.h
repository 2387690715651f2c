/* SPDX-License-Identifier: MIT */
/*
 * A connection of the stack, brought into each state by handmade segments (peer.h), with what its peer knows of it: the
 * variables that the oracle asks for, taken from what was sent, not from the stack's insides.
 */
#ifndef TESTS_SIM_BED_H
#define TESTS_SIM_BED_H

#include "sim/oracle.h"
#include "sim/peer.h"

enum {
    BED_BUFFER_BYTES = 4096, /* the largest window that the stack offers */
    BED_OURS_BYTES = 500,    /* our own text, in flight where a state allows it */
    BED_PEER_WINDOW = 30000,
    BED_TIMESTAMP = 70000 /* the peer's, on all segments so far */
};

enum setup {
    CLOSED,
    LISTEN,
    SYN_SENT,
    SYN_RECEIVED_PASSIVE,
    SYN_RECEIVED_ACTIVE,
    ESTABLISHED,
    ESTABLISHED_WINDOW_CLOSED,
    ESTABLISHED_LATER_ACK, /* that came first: WL1 is ahead */
    FIN_WAIT_1,
    FIN_WAIT_1_NO_OWNER,
    FIN_WAIT_2,
    FIN_WAIT_2_NO_OWNER,
    CLOSE_WAIT,
    CLOSING,
    LAST_ACK,
    TIME_WAIT,
    TIME_WAIT_LISTENER,
    SETUPS
};

extern const char *const bed_setup_names[SETUPS];

struct bed {
    struct peer peer;
    gander_socket listener, socket;
    bool timestamps;
    struct oracle_tcb tcb; /* as the peer knows it from what was sent */
};

void bed_create(struct bed *bed, bool ipv6);
/* A new connection; `irs`: the peer's initial number. */
void bed_prepare(struct bed *bed, enum setup setup, bool with_timestamps, uint32_t irs);
/* Ends it. Nothing may be left of it. */
void bed_clear(struct bed *bed);

#endif

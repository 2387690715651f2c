/* SPDX-License-Identifier: MIT */
/*
 * One stack whose peer is the test: handmade TCP segments in, what leaves read back, and the connection's last state from the
 * trace. Public calls only. A trusted link, so that no time goes into checksums.
 */
#ifndef TESTS_SIM_PEER_H
#define TESTS_SIM_PEER_H

#include <gander/gander.h>

enum {
    PEER_PORT = 5000,  /* the test's */
    PEER_US_PORT = 80, /* the stack's */
    PEER_SENT_MAX = 8
};

/* A TCP segment, either way. The text is a function of its sequence numbers: peer_text(). */
struct peer_segment {
    uint8_t flags; /* enum gander_tcp_flags */
    bool has_timestamp;
    uint16_t wnd, up;
    uint32_t seq, ack, len, tsval, tsecr;
};

struct peer {
    struct gander_stack *stack;
    unsigned link;
    bool ipv6;
    gander_time now;
    struct gander_address us, them;
    int last_state;       /* of the last trace event `state`; −1: none since it was reset */
    unsigned transitions; /* how many */
    unsigned sent_count;  /* what left since peer_collect() began to collect */
    struct peer_segment sent[PEER_SENT_MAX];
};

/* `config`'s memory, trace and secret are filled in. */
void peer_create(struct peer *peer, struct gander_config *config, bool ipv6);
void peer_destroy(struct peer *peer);

void peer_advance(struct peer *peer, gander_time ns);

/* A segment arrives; what leaves at once is in peer->sent. */
void peer_sends(struct peer *peer, const struct peer_segment *segment);

/* What leaves now is added to peer->sent, and forgotten first if `anew`. */
void peer_collect(struct peer *peer, bool anew);

uint8_t peer_text(uint32_t seq);

#endif

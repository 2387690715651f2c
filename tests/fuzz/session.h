/* SPDX-License-Identifier: MIT */
/* A session of target_session.c: its state, and the half of it that is the application, in session_app.c. */
#ifndef TESTS_FUZZ_SESSION_H
#define TESTS_FUZZ_SESSION_H

#include "host.h"
#include "segment.h"

enum {
    PORT = 80,
    OWN_PORT = 1000,
    PEER_PORT = 4000,
    USERS = 4,
    CHUNK_BYTES = 8192,
    SYNS = 4,
    STREAM_MAX_BYTES = 1 << 24,
    STEPS_MAX = 300
};

struct user { /* an open connection of the application's */
    gander_socket socket;
    uint32_t written, read;
    uint32_t irs;
    bool irs_known;
};

struct session {
    struct input in;
    struct host host;
    struct gander_address us, peer;
    bool active;
    gander_socket listener;
    struct user users[USERS];
    struct user *u; /* the one that calls are about */
    /* the peer */
    uint32_t isn, next;     /* next: what the stack expects, by its last ACK */
    uint32_t iss, end, una; /* the stack's; end: behind the last number sent */
    uint32_t syns[SYNS];    /* numbers of the last SYNs that it sent */
    unsigned syn_count;
    bool open;    /* the stack's SYN has been seen; iss is known */
    bool garbled; /* a segment was broken on its way: what the application reads may be anything */
    bool ack_known; /* since then it has acknowledged: `next` */
    uint32_t tsval, peer_ts;
    uint8_t wnd_last;
    uint16_t port;     /* the stack's */
    struct frame last; /* that left, for ICMP to quote */
};

/* A call of the application's, as the bytes say. */
void session_call(struct session *s);
/* Opens the listener, or closes it. */
void session_listen(struct session *s);
void session_connect(struct session *s, uint16_t port);
/* Lets go of the socket that calls are about. */
void session_close(struct session *s, bool abort_it);
/* Looks up at which number each connection's stream begins, once it is known. */
void session_note_irs(struct session *s);

/* A length out of one byte. */
static inline uint32_t session_text_bytes(uint8_t code)
{
    return code < 128 ? code : (code - 127U) * 11;
}

#endif

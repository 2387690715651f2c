/* SPDX-License-Identifier: MIT */
/*
 * The same script played to two TCPs: the kernel's, behind a TUN device in a namespace of the test's own, and this stack. A
 * script is a list of steps, each a line of text:
 *
 *     listen 5                     calls: socket and bind come first by themselves
 *     < S                          a segment arrives, in the words of tests/rfc/segment.h
 *     < A
 *     accept
 *     < PA len=100 seq=R+100
 *     recv
 *     wait 300                     milliseconds
 *     state                        what both say in which state the connection is
 *
 * Numbers of segments are relative to the initial ones, which are learned in the run. Besides numbers there are names: for
 * `seq`: R, the next that was acknowledged to us (RCV.NXT), and W, the right edge of the window as last offered; for `ack`: U,
 * what we have acknowledged (SND.UNA), and N, all that has been sent to us (SND.NXT); each with +n or -n. Left out: `seq` is the
 * next in order, `ack` is N, `wnd` is 65535, a SYN has mss=1000. A SYN with the word `ts` offers timestamps, and if both ends
 * have them each later segment has one, unless it says nots, or tsold for one of the past.
 *
 * Calls: listen N, connect, accept, send N [more|urgent], recv [N|peek], shutdown send|receive|both, close, abort, error, option NAME VALUE, udp.
 * Others: wait MS, state, icmp KIND [seq=…] [mtu=…], peer K (segments come from another port of the peer).
 *
 * Many conversations are played at once, each on a port of its own, so that their waits are the same waits.
 */
#ifndef TESTS_DIFFERENTIAL_PLAY_H
#define TESTS_DIFFERENTIAL_PLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gander/gander.h>

enum {
    SCRIPT_STEPS = 64,
    SCRIPT_NAME_BYTES = 96,
    ENTRY_TEXT_BYTES = 96,
    FLOWS = 4, /* of one conversation: ports of the peer */
    PORT_FIRST = 2000,
    SETTLE_MS = 2 /* between two steps */
};

struct script {
    char name[SCRIPT_NAME_BYTES];
    unsigned family;
    unsigned count;
    unsigned watched; /* the first step whose outcome is compared */
    const char *steps[SCRIPT_STEPS];
};

enum entry_kind { ENTRY_PACKET, ENTRY_CALL, ENTRY_STATE };

/* One thing that was seen. A packet's text has what both must agree on; what they choose is apart. */
struct entry {
    uint16_t step;
    uint8_t kind; /* enum entry_kind */
    bool push;
    int64_t ms; /* since the step began */
    char text[ENTRY_TEXT_BYTES];
    char options[ENTRY_TEXT_BYTES];
    char window[8]; /* "", "0", "left" (the right edge moved left) */
};

/* A connection as its peer knows it; numbers relative but iss. */
struct flow {
    uint32_t iss;
    bool iss_known;
    uint32_t next, ours, una, rcv_nxt, edge;
    bool ts_offered, ts_on, ws_offered, ws_on;
    uint8_t scale;
    uint32_t tsval;      /* the last one that came */
    unsigned last_state; /* of this stack: by the trace */
};

struct conversation {
    const struct script *script;
    unsigned step; /* the next one */
    uint16_t at;   /* the last one that was not a wait */
    int64_t step_ns, wake_ns;
    uint16_t port, peer_port;
    uint32_t peer_number;
    unsigned peer; /* index of the current flow */
    struct flow flows[FLOWS];
    uint32_t written, read;   /* stream bytes */
    int64_t listener, socket; /* the side's; −1: none */
    int error;                /* of this stack: from events */
    struct entry *entries;
    size_t count, room;
};

enum verb {
    CALL_LISTEN,
    CALL_CONNECT,
    CALL_ACCEPT,
    CALL_SEND,
    CALL_RECV,
    CALL_SHUTDOWN,
    CALL_CLOSE,
    CALL_ABORT,
    CALL_ERROR,
    CALL_OPTION,
    CALL_UDP,
    VERBS
};

struct call {
    enum verb verb;
    int64_t value;
    const char *word; /* what follows the verb; "" if nothing does */
};

struct player;

/* One of the two. Results of calls are written as "0", a number, or the name of an error. */
struct side {
    const char *name;
    int64_t (*now)(struct side *side); /* ns */
    /* Time passes until `until`; what leaves goes to play_packet(). */
    void (*pass)(struct side *side, int64_t until);
    void (*inject)(struct side *side, const uint8_t *packet, size_t len);
    /* recv: bytes into `data`, their number into *len */
    void (*call)(struct side *side, struct conversation *c, const struct call *call, uint8_t *data,
                 size_t *len, char *result);
    void (*state)(struct side *side, struct conversation *c, char *result);
    void (*begin)(struct side *side);
    /* Everything that conversations left is taken away. */
    void (*finish)(struct side *side, struct conversation *c, size_t n);
    void (*end)(struct side *side); /* frees it */
    struct player *player;
    uint32_t peers; /* conversations so far */
};

struct player {
    struct side *side;
    struct conversation *conversations;
    size_t count;
    unsigned batch, round;
};

enum { CALL_DATA_BYTES = 65536, RESULT_BYTES = 64 };

/* Plays n scripts at once; `conversations` are filled in, to be ended with play_forget(). */
void play(struct side *side, const struct script *const *scripts,
          struct conversation *conversations, size_t n);
void play_forget(struct conversation *conversations, size_t n);
void play_packet(struct player *player, const uint8_t *packet, size_t len);
struct conversation *play_find(struct player *player, unsigned port);

/* The addresses: `peer` NULL: of the TCP that is looked at; else of this conversation's peer, which is the test. */
struct gander_address play_address(unsigned family, const struct conversation *peer);

/* segments.c: what arrives, and what is made of what leaves. */
size_t segments_make(struct conversation *c, unsigned family, const char *words, uint8_t *packet);
size_t segments_make_icmp(struct conversation *c, unsigned family, const char *words,
                          uint8_t *packet);
/* False: nothing of interest. The ports tell whose it is. */
bool segments_ports(const uint8_t *packet, size_t len, uint16_t *local, uint16_t *peer);
void segments_read(struct conversation *c, unsigned flow, const uint8_t *packet, size_t len,
                   struct entry *entry);
uint8_t segments_pattern(uint32_t position);

/* NULL and a line on stderr: not allowed here. */
struct side *side_kernel(char *why_not, size_t bytes);
/* Options of the kernel that all its new sockets follow. */
void side_kernel_rto_min(struct side *side, unsigned ms);
struct side *side_gander(void);
void side_gander_rto_min(struct side *side, unsigned ms);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Two hosts on one wire, for tests of what happens when something is refused: memory to one of them, or packets to the wire.
 * Time is virtual. A scenario is a story told with the calls below; each of them tries again for a while when there is no
 * memory, as a patient application would, and goes on when the events say that it can: a lost event shows as a story that
 * stands still.
 *
 *     struct end c, s;
 *     if (connect_pair(b, &c, &s) && exchange(b, &c, &s, 3000, 3000))
 *         close_ends(b, &c, &s);
 *
 * What they return is false once an application was told of an end that the scenario did not want (bed.reported), or gave
 * up (bed.gave_up): the story stops there. bed_finish() then gives memory again, closes everything, lets all timers run out, and
 * fails unless nothing is left.
 */
#ifndef TESTS_FAULTS_BED_H
#define TESTS_FAULTS_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gander/gander.h>

enum { BED_SOCKETS_MAX = 700, BED_IN_FLIGHT_MAX = 256, BED_PORT = 80 };
enum side { CLIENT, SERVER };

/* What is refused, and when. */
struct refusal {
    enum side side;
    bool in_slabs; /* requests to the stack's own pools; else those of the stack to the allocator */
    uint64_t at;   /* counted from 1; 0: nothing is */
    bool forever;
};

struct hook {
    uint64_t bytes, calls;
    uint64_t refuse_at;
    bool forever;
};

struct bed;

enum wire { WIRE_LOSS = 1, WIRE_REORDER = 2, WIRE_DUPLICATE = 4, WIRE_HOLE = 8, WIRE_COPY = 16 };
enum without { WITHOUT_SACK = 1, WITHOUT_TIMESTAMPS = 2, WITHOUT_SCALING = 4 };
enum closing {
    CLOSE_CLIENT_FIRST,
    CLOSE_SERVER_FIRST,
    CLOSE_BOTH,
    CLOSE_NOW,
    CLOSE_ABORT,
    CLOSE_HALF
};

struct scenario {
    const char *name;
    void (*story)(struct bed *b);
    unsigned wire;     /* enum wire: what it does */
    unsigned without;  /* enum without */
    uint32_t up, down; /* bytes each way */
    enum closing closing;
    uint32_t buffer_bytes; /* of both ends; 0: default */
    uint32_t memory_bytes; /* budget of the server; 0: default */
    unsigned count;        /* of whatever the story has many of */
    const char *congestion;
    unsigned
        stride; /* 0, 1: each request is refused; else each of the first hundred, then each `stride`-th */
};

struct bed {
    const struct scenario *scenario;
    uint8_t family;
    struct refusal refusal;
    struct gander_stack *stack[2];
    unsigned link[2];
    struct hook hook[2];
    gander_time now;
    struct gander_packet *flying[2][BED_IN_FLIGHT_MAX]; /* by receiver */
    unsigned flying_count[2];
    uint64_t sent; /* packets, for the wire's faults */
    bool cut;      /* the wire carries nothing any more */
    gander_socket sockets[2][BED_SOCKETS_MAX];
    unsigned socket_count[2];
    unsigned turns, idle_turns;
    bool over;    /* the story has ended: its ends are no more */
    bool refused; /* a call said GANDER_ENOMEM */
    bool
        reported; /* an end that was not wanted, or an error: what the application was told is in `error` */
    bool gave_up;   /* waited long for what did not come */
    bool completed; /* the story came to its end */
    int error;
};

/* One application's side of a connection. */
struct end {
    enum side side;
    gander_socket socket;
    uint32_t sent, received, to_send, to_receive;
    uint32_t bits; /* all events so far */
    bool readable, writable, eof, closed;
    int error;
};

/* Makes both hosts. False: no memory for that. */
bool bed_begin(struct bed *b, const struct scenario *scenario, uint8_t family,
               const struct refusal *refusal);
void bed_finish(struct bed *b);
/* Ends in the middle of everything: both hosts are taken away. */
void bed_end(struct bed *b);
/* How many requests of the refused kind there have been. */
uint64_t bed_requests(const struct bed *b);
_Noreturn void bed_fail(const struct bed *b, const char *what);

/* Moves packets; with none to move, lets time pass to the next thing to do. False: waiting is in vain. */
bool bed_turn(struct bed *b);
/* Lets this much time pass. */
void bed_wait(struct bed *b, gander_time ns);
/* Hands a packet that the story made to a host. */
void bed_inject(struct bed *b, enum side side, const uint8_t *bytes, size_t len);
/* Takes all packets that wait on the wire for a host out of it; returns the first `max` bytes of the first one. */
size_t bed_intercept(struct bed *b, enum side side, uint8_t *bytes, size_t max);

struct gander_address bed_address(const struct bed *b, enum side side, uint16_t port);

/* Did a call go well? Notes what went wrong; true for GANDER_EAGAIN too. */
bool bed_ok(struct bed *b, int64_t result);
/* `call` again while there is no memory; its last result. */
#define AGAIN(b, call)                                                                             \
    ({                                                                                             \
        int64_t again_result;                                                                      \
        do                                                                                         \
            again_result = (call);                                                                 \
        while (bed_again(b, again_result));                                                        \
        again_result;                                                                              \
    })
bool bed_again(struct bed *b, int64_t result);

/* --- ends.c ---------------------------------------------------------------------------------- */

bool open_end(struct bed *b, enum side side, enum gander_type type, struct end *end);
bool listen_on(struct bed *b, enum side side, uint16_t port, int backlog, struct end *listener);
bool begin_connect(struct bed *b, struct end *end, uint16_t port);
bool wait_connected(struct bed *b, struct end *end);
bool accept_one(struct bed *b, struct end *listener, struct end *end);
bool connect_pair(struct bed *b, struct end *client, struct end *server);
/* Bytes both ways, checked. */
bool exchange(struct bed *b, struct end *client, struct end *server, uint32_t up, uint32_t down);
bool wait_eof(struct bed *b, struct end *end);
bool wait_closed(struct bed *b, struct end *end);
/* As the scenario's `closing` says. */
void close_ends(struct bed *b, struct end *client, struct end *server);
/* Lets go of an end's socket; it always can. */
void drop_end(struct bed *b, struct end *end);

/* The scenarios: stories_*.c. */
extern const struct scenario tcp_scenarios[], other_scenarios[];
extern const size_t tcp_scenario_count, other_scenario_count;

#endif

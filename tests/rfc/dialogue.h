/* SPDX-License-Identifier: MIT */
/*
 * Packet dialogues: a stack under test, a peer that is the test itself, and a clock that only the test moves.
 *
 *     DIALOGUE(opens_passively)   // [RFC9293 3.10.7.2]
 *     {
 *         app_listen(d, 1);
 *         arrive(d, "S seq=0 wnd=1000 mss=1000");
 *         expect(d, "SA seq=0 ack=1");
 *         expect_at(d, sec(1), "SA seq=0 ack=1");      // exactly then, and nothing before
 *         arrive(d, "A seq=1 ack=1");
 *         expect_state(d, GANDER_TCP_ESTABLISHED);
 *     }
 *
 * Sequence numbers are relative: `seq` of an arriving segment and `ack` of a leaving one to the peer's initial sequence
 * number, the other two to the stack's, learned from its SYN. How a segment is written stands in segment.h.
 *
 * What is strict: every segment that leaves must be expected, in order, at its time; its lengths, checksums, options
 * and its text (of a known pattern) are verified whether mentioned or not; with timestamps agreed on, each segment but
 * a reset must have one, else none may. At the end the stack is destroyed and all memory must be back.
 *
 * What an arriving segment has if it does not say: seq: the next in order; ack (with the A flag): all that the stack
 * has sent; wnd: d->f->wnd (65,535); on a SYN mss=1000 (nomss: none); timestamps when the variant has them.
 *
 * Every dialogue runs 12 times: IPv4 and IPv6, without and with timestamps, with the peer's initial sequence number at 2^32 − 2
 * (0 − 2), 2^31 − 2 and another; see dialogue_main().
 */
#ifndef TESTS_RFC_DIALOGUE_H
#define TESTS_RFC_DIALOGUE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gander/gander.h>

#include "segment.h"

enum { DIALOGUE_FLOWS = 16, DIALOGUE_PORT = 80, DIALOGUE_PEER_PORT = 40000, DIALOGUE_MSS = 1000 };

/* One connection as its peer sees it. */
struct flow {
    uint16_t port, peer_port; /* the stack's, the peer's */
    uint32_t isn, iss;        /* initial sequence numbers: the peer's, the stack's */
    bool iss_known;
    uint32_t next;                    /* relative: the peer's next sequence number in order */
    uint32_t ours;                    /* relative: behind the last that the stack has sent */
    uint32_t wnd;                     /* what arriving segments offer when they do not say */
    bool ts_offered, ts_asked, ts_on; /* by the peer's SYN, by the stack's, both */
    uint32_t ws_ours, ws_peer;        /* window scales in the last SYN of either */
    bool ws_ours_on, ws_peer_on, ws_unknown;
    uint32_t tsval; /* the stack's last one */
    int state;      /* by the trace: the last state reached; −1: none yet */
    int cause;
    uint64_t id;
};

/* One that left and is not expected yet. */
struct dialogue_packet {
    struct dialogue_packet *next;
    gander_time time;
    struct segment segment;
};

struct dialogue {
    /* the variant */
    unsigned family;
    bool ts;
    uint32_t isn;

    struct gander_stack *stack;
    struct gander_config config;
    unsigned link;
    gander_socket listener, s; /* s: the connection that the app_… calls use */
    struct flow flows[DIALOGUE_FLOWS];
    struct flow *f; /* the one that arrive() and expect() mean */
    unsigned flow_count;
    gander_time now; /* since the start of the dialogue */
    uint32_t smss; /* text bytes of a full segment of the stack's: DIALOGUE_MSS less the options */
    uint32_t written, read; /* stream bytes that app_send() and app_receive() have passed */
    uint32_t events;        /* bits gathered for s, or for the listener before there is an s */
    int error;              /* the last error that came with an event of s */
    struct segment seg;     /* the last one that expect() took; its text is gone */

    uint64_t drops[GANDER_DROP_COUNT]; /* as they stood before the last arrive() */
    struct dialogue_packet *first, **last;
    struct gander_trace_event
        traced[64]; /* segments that left by the trace, and not yet on the wire */
    unsigned traced_count;
    struct segment arriving[64]; /* on the wire, and not yet by the trace */
    unsigned arriving_count;
    uint64_t left_segments, left_resets;
    bool
        passed_by; /* the test itself hands packets to the stack: trace and counters know more than the dialogue */
    struct gander_packet *held[64]; /* arrive_together() */
    size_t held_count;
    size_t allocated_bytes;
    char transcript[64][SEGMENT_TEXT_BYTES + 32];
    unsigned lines;
    const char *file; /* of the step that runs */
    int line;
};

/* --- time ------------------------------------------------------------------------------------ */

static inline gander_time ms(int64_t n)
{
    return n * GANDER_MS;
}

static inline gander_time sec(int64_t n)
{
    return n * GANDER_S;
}

/* Lets time pass until `t` after the start, or for `t`. What leaves before that moment is a failure; what leaves then waits to be expected. */
#define at(d, t) dialogue_at(AT_HERE(d), t)
#define after(d, t) dialogue_at(AT_HERE(d), (d)->now + (t))
/* Lets time pass until the next segment leaves; returns when that is. Fails beyond `limit` after the start. */
#define wait_for_segment(d, limit) dialogue_wait(AT_HERE(d), limit)

/* --- packets --------------------------------------------------------------------------------- */

#define arrive(d, ...) dialogue_arrive(AT_HERE(d), __VA_ARGS__)
/* Holds the segment back: the next arrive() hands all of them over in one burst. */
#define arrive_together(d, ...) dialogue_arrive_together(AT_HERE(d), __VA_ARGS__)
#define expect(d, ...) dialogue_expect(AT_HERE(d), __VA_ARGS__)
/* As expect(), but where the RFC leaves it open whether the segment is sent: true if it was. */
#define allow(d, ...) dialogue_allow(AT_HERE(d), __VA_ARGS__)
#define expect_at(d, t, ...) (at(d, t), expect(d, __VA_ARGS__))
#define expect_after(d, t, ...) (after(d, t), expect(d, __VA_ARGS__))
#define expect_nothing(d) dialogue_expect_nothing(AT_HERE(d))
/* Nothing leaves until `t` after the start. */
#define expect_silence_until(d, t) (at(d, t), expect_nothing(d))

enum dialogue_icmp {
    ICMP_DIALOGUE_NETWORK,
    ICMP_DIALOGUE_HOST,
    ICMP_DIALOGUE_PROTOCOL,
    ICMP_DIALOGUE_PORT,
    ICMP_DIALOGUE_PROHIBITED,
    ICMP_DIALOGUE_TOO_BIG,
    ICMP_DIALOGUE_TIME_EXCEEDED,
    ICMP_DIALOGUE_PARAMETER,
    ICMP_DIALOGUE_SOURCE_QUENCH /* IPv4 only */
};
/* An ICMP error that quotes a segment of the stack's with sequence number `seq`; `mtu` for TOO_BIG. */
#define arrive_icmp(d, kind, seq, mtu) dialogue_arrive_icmp(AT_HERE(d), kind, seq, mtu)

/* --- states, events, counters ------------------------------------------------------------------ */

/* CLOSED: nothing of the connection is left. */
#define expect_state(d, state) dialogue_expect_state(AT_HERE(d), state)
/* These events have come since they were last asked for. */
#define expect_event(d, bits) dialogue_expect_event(AT_HERE(d), bits)
#define expect_no_event(d, bits) dialogue_expect_no_event(AT_HERE(d), bits)
#define forget_events(d) dialogue_forget_events(AT_HERE(d))
/* The connection is over, for this reason. */
#define expect_closed(d, error) dialogue_expect_closed(AT_HERE(d), error)
/* Since before the last arrive(), exactly one packet was dropped for this reason. */
#define expect_drop(d, reason) dialogue_expect_drop(AT_HERE(d), reason)
#define expect_true(d, condition) dialogue_expect_true(AT_HERE(d), condition, #condition)
#define expect_equal(d, value, wanted)                                                             \
    dialogue_expect_equal(AT_HERE(d), (int64_t)(value), (int64_t)(wanted), #value)

/* Within `tolerance` of the wanted value: for times that are measured in coarser units than ns. */
#define expect_near(d, value, wanted, tolerance)                                                   \
    dialogue_expect_near(AT_HERE(d), (int64_t)(value), (int64_t)(wanted), (int64_t)(tolerance),    \
                         #value)
/* Takes all full segments of new or old data that have left, from `seq` on without a gap; returns how many. */
#define take_full(d, seq) dialogue_take_full(AT_HERE(d), seq)

struct gander_stats dialogue_stats(struct dialogue *d);
struct gander_tcp_info dialogue_info(struct dialogue *d);

/* --- the application --------------------------------------------------------------------------- */

#define app_listen(d, backlog) dialogue_listen(AT_HERE(d), backlog)
#define app_connect(d) dialogue_connect(AT_HERE(d))
#define app_accept(d) dialogue_accept(AT_HERE(d))
#define app_send(d, n) dialogue_send(AT_HERE(d), n, 0)
#define app_send_flags(d, n, flags) dialogue_send(AT_HERE(d), n, flags)
/* Reads n bytes, checks them, and that they were there. */
#define app_receive(d, n) dialogue_receive(AT_HERE(d), n)
/* Nothing to read: the result of gander_receive() is `result`. */
#define app_receive_gives(d, result) dialogue_receive_gives(AT_HERE(d), result)
#define app_shutdown(d, directions)                                                                \
    expect_equal(d, gander_shutdown((d)->stack, (d)->s, directions), 0)
#define app_close(d) expect_equal(d, gander_close((d)->stack, (d)->s), 0)
#define app_abort(d) expect_equal(d, gander_abort((d)->stack, (d)->s), 0)
#define app_option(d, option, value)                                                               \
    expect_equal(d, gander_set_option((d)->stack, (d)->s, GANDER_OPTION_##option, value), 0)

/* --- ways to a state ----------------------------------------------------------------------------- */

/* ESTABLISHED by a passive or an active open; d->s is the connection; the handshake's events are fetched. */
#define open_passive(d) dialogue_open_passive(AT_HERE(d))
#define open_active(d) dialogue_open_active(AT_HERE(d))
/* Any of the eleven states, by passive open where there is a choice. The application still holds its socket.
 * In FIN-WAIT-1, CLOSING, LAST-ACK the FIN is not acknowledged. */
#define reach(d, state) dialogue_reach(AT_HERE(d), state)
/* Another peer port: what arrive() and expect() mean from now on. A new one begins with nothing known. */
void dialogue_flow(struct dialogue *d, unsigned number);

/* --- running ------------------------------------------------------------------------------------- */

struct dialogue_test {
    const char *name;
    void (*body)(struct dialogue *d);
    void (*configure)(struct gander_config *config); /* NULL: defaults */
};

#define DIALOGUE(name) static void name(struct dialogue *d)
#define RUN(name)                                                                                  \
    {                                                                                              \
#name, name, NULL                                                                          \
    }
#define RUN_WITH(name, configure)                                                                  \
    {                                                                                              \
#name, name, configure                                                                     \
    }

/* Runs the tests in all variants; argv[1] is a pattern of names. For main() to return. */
int dialogue_main(const char *group, const struct dialogue_test *tests, size_t n, int argc,
                  char **argv);

#define DIALOGUE_MAIN(tests)                                                                       \
    dialogue_main(__FILE__, tests, sizeof(tests) / sizeof((tests)[0]), argc, argv)

/* --- behind the macros ------------------------------------------------------------------------------ */

static inline struct dialogue *dialogue_here(struct dialogue *d, const char *file, int line)
{
    d->file = file;
    d->line = line;
    return d;
}

#define AT_HERE(d) dialogue_here(d, __FILE__, __LINE__)
#define DIALOGUE_FORMAT __attribute__((format(printf, 2, 3)))

DIALOGUE_FORMAT _Noreturn void dialogue_fail(struct dialogue *d, const char *format, ...);
void dialogue_at(struct dialogue *d, gander_time t);
gander_time dialogue_wait(struct dialogue *d, gander_time limit);
DIALOGUE_FORMAT void dialogue_arrive(struct dialogue *d, const char *format, ...);
DIALOGUE_FORMAT void dialogue_arrive_together(struct dialogue *d, const char *format, ...);
DIALOGUE_FORMAT void dialogue_expect(struct dialogue *d, const char *format, ...);
DIALOGUE_FORMAT bool dialogue_allow(struct dialogue *d, const char *format, ...);
void dialogue_expect_nothing(struct dialogue *d);
void dialogue_arrive_icmp(struct dialogue *d, enum dialogue_icmp kind, int64_t seq, uint32_t mtu);
void dialogue_expect_state(struct dialogue *d, enum gander_tcp_state state);
void dialogue_expect_event(struct dialogue *d, uint32_t bits);
void dialogue_forget_events(struct dialogue *d);
void dialogue_expect_no_event(struct dialogue *d, uint32_t bits);
void dialogue_expect_closed(struct dialogue *d, int error);
void dialogue_expect_drop(struct dialogue *d, enum gander_drop reason);
void dialogue_expect_true(struct dialogue *d, bool condition, const char *text);
void dialogue_expect_equal(struct dialogue *d, int64_t value, int64_t wanted, const char *text);
void dialogue_expect_near(struct dialogue *d, int64_t value, int64_t wanted, int64_t tolerance,
                          const char *text);
unsigned dialogue_take_full(struct dialogue *d, uint32_t seq);
void dialogue_listen(struct dialogue *d, int backlog);
void dialogue_connect(struct dialogue *d);
void dialogue_accept(struct dialogue *d);
void dialogue_send(struct dialogue *d, uint32_t n, unsigned flags);
void dialogue_receive(struct dialogue *d, uint32_t n);
void dialogue_receive_gives(struct dialogue *d, int64_t result);
void dialogue_open_passive(struct dialogue *d);
void dialogue_open_active(struct dialogue *d);
void dialogue_reach(struct dialogue *d, enum gander_tcp_state state);

/* Between dialogue.c, dialogue_expect.c, dialogue_trace.c and dialogue_app.c. */
void dialogue_learn_scale(struct flow *f, const struct segment *syn, bool ours);
void dialogue_traced_out(struct dialogue *d, const struct gander_trace_event *event);
void dialogue_traced_in(struct dialogue *d, const struct flow *f,
                        const struct gander_trace_event *event);
void dialogue_left(struct dialogue *d, const struct flow *f, const struct segment *s);
void dialogue_arrives(struct dialogue *d, const struct segment *s);
void dialogue_check_counters(struct dialogue *d);
DIALOGUE_FORMAT void dialogue_note(struct dialogue *d, const char *format, ...);
const char *dialogue_describe(struct dialogue *d, const struct segment *segment);
struct segment dialogue_parse(struct dialogue *d, const char *words);
void dialogue_collect(struct dialogue *d);
struct gander_address dialogue_address(const struct dialogue *d, bool peer);
uint8_t dialogue_pattern(uint32_t position, bool peer);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The trace: what the stack did and why, as events. gander_config.trace gets each one; off, it costs one
 * predicted branch. The lists are in trace_events.def, why.def and drop_reasons.def.
 */
#ifndef GANDER_TRACE_H
#define GANDER_TRACE_H

#include <gander/stack.h>

#ifdef __cplusplus
extern "C" {
#endif

/* RFC 9293 3.3.2 */
enum gander_tcp_state {
    GANDER_TCP_CLOSED,
    GANDER_TCP_LISTEN,
    GANDER_TCP_SYN_SENT,
    GANDER_TCP_SYN_RECEIVED,
    GANDER_TCP_ESTABLISHED,
    GANDER_TCP_FIN_WAIT_1,
    GANDER_TCP_FIN_WAIT_2,
    GANDER_TCP_CLOSE_WAIT,
    GANDER_TCP_CLOSING,
    GANDER_TCP_LAST_ACK,
    GANDER_TCP_TIME_WAIT,
    GANDER_TCP_STATES
};

/* RFC 9293 3.1, as on the wire */
enum gander_tcp_flags {
    GANDER_FLAG_FIN = 0x01,
    GANDER_FLAG_SYN = 0x02,
    GANDER_FLAG_RST = 0x04,
    GANDER_FLAG_PSH = 0x08,
    GANDER_FLAG_ACK = 0x10,
    GANDER_FLAG_URG = 0x20,
    GANDER_FLAG_ECE = 0x40,
    GANDER_FLAG_CWR = 0x80
};

/* X(name, text): what moved a connection to another state. */
#define GANDER_CAUSES(X)                                                                           \
    X(open_passive, "passive open")                                                                \
    X(open_active, "active open")                                                                  \
    X(segment, "segment arrived")                                                                  \
    X(close, "the application closed")                                                             \
    X(abort, "the application aborted")                                                            \
    X(reset, "reset by the peer")                                                                  \
    X(timeout, "no answer for too long")                                                           \
    X(time_wait_over, "2MSL passed")                                                               \
    X(icmp, "ICMP error")                                                                          \
    X(memory, "memory ran out")

enum gander_cause {
#define GANDER_CAUSE_ENUM(name, text) GANDER_CAUSE_##name,
    GANDER_CAUSES(GANDER_CAUSE_ENUM)
#undef GANDER_CAUSE_ENUM
        GANDER_CAUSE_COUNT
};

/* X(name, text): the timers of a connection; src/tcp/timers.c tells what each does. */
#define GANDER_TIMERS(X)                                                                           \
    X(retransmit, "retransmission")                                                                \
    X(persist, "persist: window probe")                                                            \
    X(loss_probe, "tail loss probe")                                                               \
    X(reorder, "reordering settled")                                                               \
    X(delayed_ack, "delayed ACK")                                                                  \
    X(keepalive, "keepalive")                                                                      \
    X(user_timeout, "user timeout")                                                                \
    X(fin_wait_2, "FIN-WAIT-2 without owner")                                                      \
    X(time_wait, "2MSL")                                                                           \
    X(idle, "idle: working memory is given back")                                                  \
    X(cork, "corked data wait no longer")                                                          \
    X(pacing, "the next quantum may leave")

enum gander_timer {
#define GANDER_TIMER_ENUM(name, text) GANDER_TIMER_##name,
    GANDER_TIMERS(GANDER_TIMER_ENUM)
#undef GANDER_TIMER_ENUM
        GANDER_TIMER_COUNT
};

enum gander_why {
#define WHY(name, text) GANDER_WHY_##name,
#include <gander/why.def>
#undef WHY
    GANDER_WHY_COUNT
};

enum gander_drop {
    GANDER_DROP_none,
#define DROP(name, text) GANDER_DROP_##name,
#include <gander/drop_reasons.def>
#undef DROP
    GANDER_DROP_COUNT
};

enum gander_trace_type {
#define EVENT(name, fields) GANDER_TRACE_##name,
#include <gander/trace_events.def>
#undef EVENT
    GANDER_TRACE_COUNT
};

#define EVENT(name, fields)                                                                        \
    struct gander_trace_##name {                                                                   \
        fields                                                                                     \
    };
#define FIELD(type, name) type name;
#include <gander/trace_events.def>
#undef FIELD
#undef EVENT

struct gander_trace_event {
    gander_time time;
    uint64_t id; /* of the connection or socket, unique in its stack, never used again; 0: none */
    enum gander_trace_type type;
    struct gander_address local; /* family 0: not known */
    struct gander_address remote;
    union {
#define EVENT(name, fields) struct gander_trace_##name name;
#include <gander/trace_events.def>
#undef EVENT
    } u;
};

/* Texts; static, never NULL. The state names are the RFC's: "SYN-SENT". */
const char *gander_tcp_state_name(unsigned state);
const char *gander_why_text(unsigned why);
const char *gander_drop_name(unsigned reason);
const char *gander_drop_text(unsigned reason);
const char *gander_cause_text(unsigned cause);
const char *gander_timer_text(unsigned timer);

#ifdef __cplusplus
}
#endif
#endif

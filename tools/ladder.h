/* SPDX-License-Identifier: MIT */
/*
 * The ladder: two hosts' trace events as a picture. Three steps, each on its own and tested on its own:
 *
 *   1. record  ladder_record_event() keeps what happened; ladder_record_finish() finds out which segment arrived
 *   2. rows    ladder_rows_make() puts departures, arrivals, states and timers in an order that both hosts agree with
 *   3. draw    ladder_draw() turns rows into lines of a terminal of any width
 *
 * Host 0 stands on the left, host 1 on the right.
 */
#ifndef TOOLS_LADDER_H
#define TOOLS_LADDER_H

#include <stdio.h>

#include <gander/gander.h>

enum { LADDER_HOSTS = 2, LADDER_LANES = 3 };
#define LADDER_NONE SIZE_MAX

/* --- 1. record ----------------------------------------------------------------------------- */

struct ladder_event {
    struct gander_trace_event trace;
    uint8_t host;
    size_t twin; /* sent: where it arrived, or LADDER_NONE: lost; arrived: where it was sent */
    gander_time waited; /* timer_fired: since it was armed; 0: not known */
    gander_time
        wait_next; /* timer_fired, segment_out: what the same timer waits from now on; 0: it was not armed */
};

struct ladder_record {
    gander_time start; /* of the run: times are shown relative to it */
    gander_time delay; /* one way; equal for all packets, but for … */
    gander_time late;  /* … those that take this much more; 0: none */
    struct ladder_event *events;
    size_t count, room;
    bool no_memory; /* some events are missing */
    bool isn_known[LADDER_HOSTS];
    uint32_t isn[LADDER_HOSTS];
    struct gander_address
        address[LADDER_HOSTS]; /* family 0: no segment or datagram was sent or received */
    uint8_t first_state[LADDER_HOSTS];
};

void ladder_record_init(struct ladder_record *record, gander_time start, gander_time delay);
void ladder_record_free(struct ladder_record *record);

/* One event of a host, in the order in which they happened. Those that the ladder does not show are left out. */
void ladder_record_event(struct ladder_record *record, unsigned host,
                         const struct gander_trace_event *event);

/* Everything has happened: finds each packet's arrival, each timer's waiting time. */
void ladder_record_finish(struct ladder_record *record);

/* Relative to the sender's first sequence number, where that is known. */
uint32_t ladder_seq(const struct ladder_record *record, const struct ladder_event *event);
uint32_t ladder_ack(const struct ladder_record *record, const struct ladder_event *event);

static inline bool ladder_is_out(const struct ladder_event *event)
{
    return event->trace.type == GANDER_TRACE_segment_out ||
           event->trace.type == GANDER_TRACE_datagram_out;
}

static inline bool ladder_is_in(const struct ladder_event *event)
{
    return event->trace.type == GANDER_TRACE_segment_in ||
           event->trace.type == GANDER_TRACE_datagram_in;
}

static inline bool ladder_is_segment(const struct ladder_event *event)
{
    return event->trace.type == GANDER_TRACE_segment_out ||
           event->trace.type == GANDER_TRACE_segment_in;
}

static inline bool ladder_is_time_wait_over(const struct ladder_event *event)
{
    return event->trace.type == GANDER_TRACE_state &&
           event->trace.u.state.cause == GANDER_CAUSE_time_wait_over;
}

/* A segment's flags, in or out; 0 for others. */
uint8_t ladder_flags(const struct ladder_event *event);

/* Bytes of payload, in or out. */
uint32_t ladder_len(const struct ladder_event *event);

/* Has this segment been sent before? */
bool ladder_is_resent(const struct ladder_event *event);

/* --- 2. rows ------------------------------------------------------------------------------- */

enum ladder_row_kind {
    ROW_HEADING, /* a new part of the conversation begins: `phase` */
    ROW_ACROSS,  /* sent and arrived; nothing that crosses it lies between */
    ROW_DEPART,  /* sent; its arrival is another row */
    ROW_ARRIVE,
    ROW_LOST,  /* sent, never arrived */
    ROW_LOCAL, /* at one host: a state, a timer, a drop */
    ROW_QUIET  /* nothing happened for `quiet_ns` */
};

enum ladder_phase {
    PHASE_NONE,
    PHASE_OPEN,
    PHASE_OPEN_BOTH,
    PHASE_DATA,
    PHASE_CLOSE,
    PHASE_CLOSE_BOTH,
    PHASE_WAIT,
    PHASE_DATAGRAMS,
    PHASE_PHASES
};

struct ladder_row {
    enum ladder_row_kind kind;
    enum ladder_phase phase;
    uint8_t host;                       /* the sender; of ROW_LOCAL, whose it is */
    int lane;                           /* of ROW_DEPART and ROW_ARRIVE; −1: all were taken */
    uint8_t lanes_before[LADDER_HOSTS]; /* bits: lanes towards host i in use above this row … */
    uint8_t lanes_after[LADDER_HOSTS];  /* … and below it */
    const struct ladder_event *packet;  /* as it was sent */
    const struct ladder_event *timer;   /* that ran out */
    const struct ladder_event *drop[LADDER_HOSTS];
    const struct ladder_event *state[LADDER_HOSTS];
    gander_time time[LADDER_HOSTS]; /* by host; −1: not in this row */
    gander_time quiet_ns;
};

struct ladder_rows {
    struct ladder_row *rows;
    size_t count, room;
    bool no_memory;
};

/* Rows point into the record, which must outlive them. False: no memory; free them nevertheless. */
bool ladder_rows_make(struct ladder_rows *rows, const struct ladder_record *record);
void ladder_rows_free(struct ladder_rows *rows);

/* --- 3. draw ------------------------------------------------------------------------------- */

enum { LADDER_COLUMNS_MIN = 48, LADDER_COLUMNS_MAX = 200 };

struct ladder_words;

struct ladder_look {
    FILE *file;
    int columns; /* LADDER_COLUMNS_MIN … LADDER_COLUMNS_MAX */
    bool colour;
    bool ascii;
    bool absolute; /* sequence numbers as on the wire */
    bool why;      /* the reason of every segment, not only of those sent again */
    const char *names[LADDER_HOSTS];
    const struct ladder_words *words;
};

void ladder_draw(const struct ladder_look *look, const struct ladder_record *record,
                 const struct ladder_rows *rows);

/* "0.020": seconds with three decimals, or more where needed. */
enum { LADDER_TIME_BYTES = 32 };
char *ladder_time_text(gander_time time, char text[LADDER_TIME_BYTES]);

/* "SYN,ACK" in the order of RFC 9293. */
enum { LADDER_FLAGS_BYTES = 40 };
char *ladder_flags_text(uint8_t flags, char text[LADDER_FLAGS_BYTES]);

#endif

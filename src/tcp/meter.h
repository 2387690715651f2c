/* SPDX-License-Identifier: MIT */
/*
 * What is counted of a connection for gander_tcp_info() alone: nothing here decides anything. A working connection has it in
 * tcp_busy; one that falls idle after it has moved data keeps it in its knobs.
 */
#ifndef TCP_METER_H
#define TCP_METER_H

#include <stdbool.h>

#include <gander/stack.h>

enum tcp_limit { TCP_LIMIT_NONE, TCP_LIMIT_BUSY, TCP_LIMIT_WINDOW, TCP_LIMIT_BUFFER };
enum { TCP_LIMITS = 4 };

struct tcp_meter {
    uint64_t bytes_acked, bytes_received, bytes_sent, bytes_resent;
    gander_time limited_ns[TCP_LIMITS]; /* time spent in each */
    gander_time limit_since_ns, rto_since_ns, rto_total_ns;
    gander_time min_rtt_ns, sent_ns, text_ns; /* when data last left, and came */
    uint32_t segs_out, segs_in, data_segs_out, data_segs_in, resent_segs;
    uint32_t delivered_segs, ahead_segs;
    uint32_t timeouts, timeout_runs;
    uint8_t limit; /* enum tcp_limit: now */
    bool kept;     /* this one holds what was counted before */
};

struct gander_stack;
struct tcp_conn;
struct tcp_segment;
struct gander_tcp_info;

/* Are segments counted? From the first text on. */
bool tcp_meter_runs(const struct tcp_conn *c);
/* A segment of the connection arrived; one leaves. */
void tcp_meter_in(struct tcp_conn *c, const struct tcp_segment *seg);
void tcp_meter_out(const struct gander_stack *stack, struct tcp_conn *c, uint32_t text_len,
                   unsigned transmissions);
/* What holds the sender back may be another thing now. */
void tcp_meter_limit(const struct gander_stack *stack, struct tcp_conn *c);
/* The retransmission timer ran out; new data were acknowledged. */
void tcp_meter_timeout(const struct gander_stack *stack, struct tcp_conn *c);
void tcp_meter_progress(const struct gander_stack *stack, struct tcp_conn *c);
/* Around the time in which a connection has no working memory. False: no memory to keep it in. */
bool tcp_meter_keep(struct gander_stack *stack, struct tcp_conn *c);
void tcp_meter_restore(struct tcp_conn *c);
void tcp_meter_info(const struct gander_stack *stack, const struct tcp_conn *c,
                    struct gander_tcp_info *info);

#endif

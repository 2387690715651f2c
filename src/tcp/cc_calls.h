/* SPDX-License-Identifier: MIT */
/* The part of tcp.h that says when what is sent may go: congestion control, delivery rate, pacing. Included by tcp.h alone. */
#ifndef TCP_CC_CALLS_H
#define TCP_CC_CALLS_H

#include "tcp/tcp.h"

/* --- cc.c: congestion control behind a table ---------------------------------------------------------------- */

void tcp_cc_init(struct gander_stack *stack, struct tcp_conn *c); /* initial window [RFC6928] */
/* Before the first byte leaves, and after a change of algorithm: its state is set up. */
void tcp_cc_begin(struct gander_stack *stack, struct tcp_conn *c);
/* Another algorithm from here on. False: no memory, and nothing has changed. */
bool tcp_cc_choose(struct gander_stack *stack, struct tcp_conn *c, uint8_t cc);
/* With working memory: takes the algorithm's memory, gives it back, or keeps it while the connection is idle. */
bool tcp_cc_memory_need(struct gander_stack *stack, struct tcp_conn *c);
void tcp_cc_memory_release(struct tcp_conn *c);
void tcp_cc_memory_keep(struct gander_stack *stack, struct tcp_conn *c);
uint32_t tcp_cc_memory_bytes(void);
/* Each ACK, when all else is done with it; `recovering`: fast recovery before it, or now. */
void tcp_cc_on_ack(struct gander_stack *stack, struct tcp_conn *c, struct tcp_ack_facts *facts,
                   bool recovering);
void tcp_cc_on_lost(struct gander_stack *stack, struct tcp_conn *c,
                    const struct tcp_rate_sample *rs, const struct tcp_record *r);
/* Before busy->recovery changes, each of these three. */
void tcp_cc_on_loss(struct gander_stack *stack, struct tcp_conn *c); /* sets ssthresh */
void tcp_cc_on_recovery_end(struct gander_stack *stack, struct tcp_conn *c);
void tcp_cc_on_timeout(struct gander_stack *stack, struct tcp_conn *c);
/* RFC 4015; acked_bytes: by the ACK that told */
void tcp_cc_on_undo(struct gander_stack *stack, struct tcp_conn *c, uint32_t acked_bytes,
                    enum gander_why why);
void tcp_cc_on_ecn(struct gander_stack *stack, struct tcp_conn *c);  /* once per window of data */
void tcp_cc_on_idle(struct gander_stack *stack, struct tcp_conn *c); /* RFC 5681 4.1 */
void tcp_cc_on_restart(struct gander_stack *stack, struct tcp_conn *c);
bool tcp_cc_controls_recovery(const struct tcp_conn *c); /* it sets cwnd, not PRR */
uint32_t tcp_cc_initial_window(const struct gander_stack *stack, const struct tcp_conn *c);
int tcp_cc_by_name(const char *name); /* index, or −1 */

/* --- rate.c: how fast the path delivers ---------------------------------------------------------------------- */

void tcp_rate_on_sent(struct gander_stack *stack, struct tcp_conn *c, struct tcp_record *r);
void tcp_rate_on_delivered(struct gander_stack *stack, struct tcp_conn *c,
                           const struct tcp_record *r, struct tcp_ack_facts *facts);
void tcp_rate_on_lost(struct gander_stack *stack, struct tcp_conn *c, const struct tcp_record *r);
void tcp_rate_generate(struct tcp_conn *c, struct tcp_ack_facts *facts);
void tcp_rate_mark_app_limited(struct tcp_conn *c);
void tcp_rate_check_app_limited(struct tcp_conn *c);
uint64_t tcp_rate_of(uint32_t delivered,
                     gander_time interval_ns); /* bytes per second; 0: unknown */

/* --- pace.c: when it may leave ----------------------------------------------------------------------------------- */

/* Window, round trip, the algorithm's own rate or an option has changed. */
void tcp_pace_update(const struct gander_stack *stack, struct tcp_conn *c);
bool tcp_pace_holds(struct gander_stack *stack, struct tcp_conn *c);
void tcp_pace_on_sent(struct gander_stack *stack, struct tcp_conn *c, uint32_t bytes);

#endif

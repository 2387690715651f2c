/* SPDX-License-Identifier: MIT */
/* What both ends agree on or tell each other in options and flags; the last part of tcp/tcp.h. */
#ifndef TCP_NEGOTIATED_H
#define TCP_NEGOTIATED_H

#include "tcp/tcp.h"

/* --- ecn.c, accecn.c: explicit congestion notification ------------------------------------------------------- */

/* What an arrived segment says of it; of the connection as it was before its ACK was taken. */
struct tcp_ecn_arrival {
    const struct tcp_segment *seg;
    uint32_t text_len; /* before it was cut */
    unsigned codepoint;
    tcp_seq una_before;
    uint32_t ts_before;
    bool was_syn;
};

void tcp_ace_write(struct tcp_segment *seg, unsigned ace); /* AE, CWR, ECE */
/* Before the SYN; false: no memory. */
bool tcp_ecn_open(struct gander_stack *stack, struct tcp_conn *c);
/* Which of TCP_ECN_MODES a SYN gets. */
uint8_t tcp_ecn_asked(const struct tcp_knobs *knobs, const struct tcp_segment *syn);
/* AE, CWR, ECE of a SYN-ACK to a SYN with this codepoint that left `before` times already. */
unsigned tcp_ecn_answer(uint8_t ecn, unsigned codepoint, unsigned before);
/* A SYN-ACK arrived in SYN-SENT; or a SYN. */
void tcp_ecn_agree(struct tcp_conn *c, const struct tcp_segment *seg, unsigned codepoint);
void tcp_ecn_answers(struct gander_stack *stack, struct tcp_conn *c, const struct tcp_segment *syn,
                     unsigned codepoint);
/* Writes the flags of a segment that leaves; returns the codepoint for its IP header. */
unsigned tcp_ecn_out(struct tcp_conn *c, const struct tcp_send *send, struct tcp_segment *seg);
/* An acceptable segment, after its ACK was taken. */
void tcp_ecn_arrives(struct gander_stack *stack, struct tcp_conn *c,
                     const struct tcp_ecn_arrival *e);
void tcp_ecn_congestion(struct gander_stack *stack, struct tcp_conn *c);
void tcp_ecn_on_reduced(struct tcp_conn *c);
void tcp_ecn_on_timeout(struct tcp_conn *c);
void accecn_begin(struct tcp_accecn *a, unsigned codepoint, bool passive);
void accecn_option_fill(const struct tcp_accecn *a, struct tcp_segment *seg);
void accecn_option_out(struct tcp_conn *c, struct tcp_segment *seg);
void accecn_option_in(struct tcp_conn *c, const struct tcp_segment *seg);
void accecn_out(struct tcp_conn *c, const struct tcp_send *send, struct tcp_segment *seg);
void accecn_arrives(struct gander_stack *stack, struct tcp_conn *c, const struct tcp_ecn_arrival *e,
                    unsigned ace);

#endif

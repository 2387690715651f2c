/* SPDX-License-Identifier: MIT */
/* Opening passively, and what both ends agree on or tell each other in options and flags; the last part of tcp/tcp.h. */
#ifndef TCP_NEGOTIATED_H
#define TCP_NEGOTIATED_H

#include "tcp/tcp.h"

/* --- listen.c, syn_received.c, syn_cookies.c: the passive open ------------------------------------------------ */

/* `iss_floor`: our ISS must lie beyond; NULL: none. */
void tcp_listen_arrives(struct gander_stack *stack, struct tcp_listener *l, struct tcp_arrival *a,
                        const struct tcp_flow *flow, const tcp_seq *iss_floor);
void tcp_accept_queue_append(struct gander_stack *stack, struct tcp_listener *l,
                             struct tcp_conn *c);
/* What a SYN says, as a record that is nowhere yet. */
void tcp_syn_received_fill(struct gander_stack *stack, struct tcp_syn_received *r,
                           struct tcp_listener *l, const struct tcp_arrival *a,
                           const struct tcp_flow *flow);
/* A copy of it goes into the table of flows and answers; false: no memory. */
bool tcp_syn_received_begin(struct gander_stack *stack, const struct tcp_syn_received *filled,
                            const tcp_seq *iss_floor);
void tcp_syn_received_end(struct gander_stack *stack, struct tcp_syn_received *r,
                          enum gander_cause cause);
void tcp_syn_ack_send(struct gander_stack *stack, struct tcp_syn_received *r, uint32_t tsval,
                      bool again);
void tcp_syn_cookie_send(struct gander_stack *stack, struct tcp_listener *l,
                         struct tcp_syn_received *r);
bool tcp_syn_cookie_accept(struct gander_stack *stack, const struct tcp_listener *l,
                           const struct tcp_segment *seg, struct tcp_syn_received *r);
void tcp_syn_cookie_established(struct gander_stack *stack, struct tcp_syn_received *r,
                                struct tcp_arrival *a);
void tcp_syn_received_arrives(struct gander_stack *stack, struct tcp_syn_received *r,
                              struct tcp_arrival *a);
void tcp_syn_received_timer(struct gander_stack *stack, struct tcp_syn_received *r);
void tcp_syn_received_free(struct gander_stack *stack, struct tcp_syn_received *r);

/* The connection that a record becomes; state SYN-RECEIVED, not in the table. NULL: no memory. */
struct tcp_conn *tcp_syn_received_promote(struct gander_stack *stack,
                                          const struct tcp_syn_received *r);

/* --- pmtu.c, uto.c -------------------------------------------------------------------------------------------------- */

void tcp_pmtu_too_big(struct gander_stack *stack, struct tcp_conn *c,
                      const struct icmp_header *error, const struct icmp_quote *quote);
void tcp_pmtu_on_ack(struct gander_stack *stack, struct tcp_conn *c, tcp_seq una_before);
void tcp_pmtu_on_timeout(struct gander_stack *stack, struct tcp_conn *c);
void tcp_pmtu_begin(struct gander_stack *stack, struct tcp_conn *c); /* the handshake is over */
uint32_t tcp_pmtu_probe_bytes(struct gander_stack *stack, struct tcp_conn *c); /* 0: none now */
void tcp_pmtu_on_probe(struct tcp_conn *c, uint32_t bytes);
bool tcp_pmtu_probe_lost(struct tcp_conn *c);
uint16_t tcp_uto_value(const struct tcp_knobs *k);
void tcp_uto_out(struct tcp_conn *c, const struct tcp_send *send, struct tcp_segment *seg);
void tcp_uto_arrives(struct gander_stack *stack, struct tcp_conn *c, const struct tcp_segment *seg);

/* --- fastopen.c ------------------------------------------------------------------------------------------------- */

enum tcp_fastopen_flags {
    TCP_FASTOPEN_ACTIVE = 1,  /* the SYN has the option, and text if there is a cookie */
    TCP_FASTOPEN_PASSIVE = 2, /* its SYN's text was taken */
    TCP_FASTOPEN_COOKIE = 4,  /* our SYN-ACK brings a new cookie */
    TCP_FASTOPEN_CARRIED = 8  /* the text of our SYN was acknowledged with it */
};

enum fastopen_verdict { FASTOPEN_NO, FASTOPEN_COOKIE, FASTOPEN_TAKE, FASTOPEN_TAKE_NEW_COOKIE };

/* What a SYN to a listener gets: nothing, a cookie, or a connection at once. */
enum fastopen_verdict tcp_fastopen_syn(const struct gander_stack *stack, struct tcp_listener *l,
                                       const struct tcp_arrival *a, const struct tcp_flow *flow);
/* That connection, with the SYN's text; false: no memory, and nothing has happened. */
bool tcp_fastopen_begin(struct gander_stack *stack, const struct tcp_syn_received *r,
                        struct tcp_arrival *a, bool new_cookie);
void tcp_fastopen_cookie(const struct gander_stack *stack, unsigned family,
                         const struct tcp_flow *flow, struct tcp_segment *seg);
void tcp_fastopen_done(struct gander_stack *stack, struct tcp_conn *c, bool reset);
/* Does the SYN wait for text to go with it? */
bool tcp_fastopen_waits(const struct gander_stack *stack, const struct tcp_conn *c);
void tcp_fastopen_go(struct gander_stack *stack, struct tcp_conn *c);
/* A SYN or SYN-ACK leaves: its option, and how much text. */
void tcp_fastopen_out(struct gander_stack *stack, struct tcp_conn *c, const struct tcp_send *send,
                      struct tcp_segment *seg);
uint32_t tcp_fastopen_syn_text(struct gander_stack *stack, struct tcp_conn *c);
void tcp_fastopen_on_timeout(struct gander_stack *stack, struct tcp_conn *c);
/* The SYN-ACK came. */
void tcp_fastopen_agree(struct gander_stack *stack, struct tcp_conn *c,
                        const struct tcp_segment *seg);
void tcp_fastopen_finish(struct gander_stack *stack);

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

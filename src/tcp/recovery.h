/* SPDX-License-Identifier: MIT */
/*
 * Loss recovery: what an ACK says, and the files that draw conclusions from it. tcp_ack_arrives() gathers the facts: SND.UNA moves and
 * records are delivered (ack.c), SACK blocks are read (sack.c, dsack.c), rack.c takes a sample of each record; then tlp.c, and loss.c asks
 * the others in order: undo.c, rack.c, prr.c, frto.c.
 */
#ifndef TCP_RECOVERY_H
#define TCP_RECOVERY_H

#include "base/seq.h"
#include "core/stack.h"
#include "tcp/cc.h"
#include "tcp/queues.h"
#include "wire/wire.h"

struct tcp_conn;

enum tcp_recovery { TCP_OPEN, TCP_RECOVERY, TCP_LOSS }; /* RFC 5681 3.2, 3.1 */

enum tcp_frto {
    FRTO_OFF,
    FRTO_RESENT,
    FRTO_NEW_DATA
}; /* which step's ACK is awaited [RFC5682 3.1] */

/* What is known of the last reduction of the window, in case that it proves unnecessary [RFC3522 3.2, RFC4015 3.1]; the window itself:
 * prior_cwnd, prior_ssthresh. */
struct tcp_undo {
    uint32_t resent_before; /* rtxq.resent_total when it began */
    uint32_t duplicates;    /* bytes resent since then that D-SACKs say arrived twice */
    tcp_seq una;            /* SND.UNA when it began … */
    tcp_seq end;            /* … and SND.NXT */
    uint32_t original_ts;   /* what the first segment to go again carried when it first left */
    bool open;              /* there is one */
    bool by_timeout;
    bool eifel;          /* the next acceptable ACK decides [RFC3522 3.2] */
    uint8_t spent, kept; /* undone on the word of the receiver, and not undone: undo.c */
    bool rto_waits;      /* for step (11) */
    gander_time srtt_prev_ns, rttvar_prev_ns;
};

/* Proportional rate reduction [RFC9937]. */
struct tcp_prr {
    uint32_t delivered, recover_fs;
    uint32_t sent_before; /* rtxq.sent_total when it began: prr_out is what came since */
};

struct tcp_ack_facts {
    uint32_t acked_bytes;     /* SND.UNA moved by */
    uint32_t delivered_bytes; /* that, and newly SACKed ones, less what was SACKed before */
    uint32_t original_bytes;  /* those of them that were sent once */
    uint32_t left_before;     /* tcp_left() before this ACK */
    uint32_t lost_before;     /* rtxq.lost_total before this ACK */
    tcp_seq fack_before;      /* RACK.fack before this ACK */
    tcp_seq highest;          /* right edge of the highest SACK block, or SEG.ACK */
    gander_time newest_ns;    /* latest transmission that it acknowledges; −1: none */
    uint32_t tsecr;           /* with has_tsecr: the echo, when timestamps are agreed on */
    bool has_tsecr, has_sack, ece;
    bool dsack; /* it tells of a duplicate that we can have caused */
    struct tcp_sack_block dsack_block;
    bool duplicate;            /* [RFC5681 2] */
    gander_time rtt_ns;        /* a sample, or −1 */
    gander_time first_sent_ns; /* when the last one acknowledged left for the first time */
    uint32_t flight_before;    /* bytes in the network before this ACK */
    struct tcp_rate_sample rs;
    tcp_seq rs_end; /* of the newest record delivered */
};
/* A record was acknowledged, for the first time, in order or by SACK. */
static inline void tcp_delivered(struct tcp_ack_facts *facts, const struct tcp_record *r)
{
    facts->delivered_bytes += r->len;
    if (r->transmissions == 1)
        facts->original_bytes += r->len;
}

uint32_t tcp_pipe(const struct tcp_conn *c); /* bytes in the network [RFC6675 4] */
/* What has left the network for good, modulo 2^32: its growth is DeliveredData [RFC9937]. */
uint32_t tcp_left(const struct tcp_conn *c);
/* rack.c: a record was delivered; the ACK brought D-SACK news or ended a recovery; what is lost? */
void tcp_rack_sample(struct gander_stack *stack, struct tcp_conn *c, const struct tcp_record *r,
                     struct tcp_ack_facts *facts);
void tcp_rack_adapt(struct tcp_conn *c, const struct tcp_ack_facts *facts, bool recovered);
bool tcp_rack_detect(struct gander_stack *stack, struct tcp_conn *c);
gander_time tcp_rack_window(const struct gander_stack *stack, const struct tcp_conn *c);
/* tlp.c */
bool tcp_tlp_may_wait(const struct gander_stack *stack, const struct tcp_conn *c);
bool tcp_tlp_may_send(const struct tcp_conn *c);
void tcp_tlp_sent(struct gander_stack *stack, struct tcp_conn *c, tcp_seq end, bool again);
void tcp_tlp_on_ack(struct gander_stack *stack, struct tcp_conn *c,
                    const struct tcp_ack_facts *facts);
/* prr.c */
void tcp_prr_begin(struct tcp_conn *c, const struct tcp_ack_facts *facts);
void tcp_prr_on_ack(struct gander_stack *stack, struct tcp_conn *c,
                    const struct tcp_ack_facts *facts);
/* frto.c: returns true when the time-out was spurious */
void tcp_frto_begin(struct gander_stack *stack, struct tcp_conn *c);
bool tcp_frto_on_ack(struct tcp_conn *c, const struct tcp_ack_facts *facts);
/* undo.c */
void tcp_undo_begin(struct gander_stack *stack, struct tcp_conn *c, bool by_timeout);
/* True: the reduction was undone, and cwnd is not to change for this ACK. */
bool tcp_undo_on_ack(struct gander_stack *stack, struct tcp_conn *c,
                     const struct tcp_ack_facts *facts);
void tcp_undo(struct gander_stack *stack, struct tcp_conn *c, const struct tcp_ack_facts *facts,
              enum gander_why why);
/* dsack.c: [left, right) had arrived before; is there anything to report; what an ACK reports; what an ACK told */
void tcp_dsack_note(struct gander_stack *stack, struct tcp_conn *c, tcp_seq left, tcp_seq right);
bool tcp_sack_waits(const struct tcp_conn *c);
uint8_t tcp_sacks_to_tell(struct gander_stack *stack, struct tcp_conn *c,
                          struct tcp_sack_block *blocks, uint8_t max);
void tcp_dsack_arrives(struct gander_stack *stack, struct tcp_conn *c,
                       const struct tcp_segment *seg, struct tcp_ack_facts *facts);
void tcp_sack_arrives(struct gander_stack *stack, struct tcp_conn *c, const struct tcp_segment *seg,
                      struct tcp_ack_facts *facts);
void tcp_sack_count(struct gander_stack *stack,
                    struct tcp_conn *c); /* what is lost, without RACK */
void tcp_loss_on_ack(struct gander_stack *stack, struct tcp_conn *c, struct tcp_ack_facts *facts);
void tcp_loss_on_timeout(struct gander_stack *stack, struct tcp_conn *c);
void tcp_loss_on_reorder_timer(struct gander_stack *stack, struct tcp_conn *c);
void tcp_mark_lost(struct gander_stack *stack, struct tcp_conn *c, uint32_t number,
                   enum gander_why rule);
void tcp_cwnd_changed(struct gander_stack *stack, struct tcp_conn *c, enum gander_why why);

#endif

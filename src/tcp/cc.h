/* SPDX-License-Identifier: MIT */
/*
 * Congestion control: a table of functions over integers. It knows bytes, times and its own state; not segments,
 * not how loss is found.
 */
#ifndef TCP_CC_H
#define TCP_CC_H

#include <gander/stack.h>

#include "base/seq.h"

enum { TCP_CC_STATE_WORDS = 16 };

/* What an algorithm sees and may change. */
struct tcp_cc {
    uint32_t cwnd, ssthresh; /* bytes */
    uint32_t mss, flight;
    tcp_seq snd_una, snd_nxt;
    gander_time now, srtt_ns;
    gander_time rtt_ns; /* this ACK's sample; −1: none */
    bool limited;       /* cwnd was what held the sender back: only then may it grow */
    uint64_t *state;    /* TCP_CC_STATE_WORDS words, zero at first */
};

struct tcp_cc_ops {
    const char *name;
    void (*on_ack)(struct tcp_cc *cc, uint32_t acked_bytes); /* new data were acknowledged */
    void (*on_loss)(struct tcp_cc *cc); /* once per round of loss: sets ssthresh */
    void (*on_idle)(struct tcp_cc *cc); /* nothing was sent for an RTO; may be NULL */
};

extern const struct tcp_cc_ops tcp_cc_newreno, tcp_cc_cubic;

#endif

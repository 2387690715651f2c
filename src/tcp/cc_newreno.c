/* SPDX-License-Identifier: MIT */
/* NewReno's window [RFC5681 3.1]: slow start, congestion avoidance, halving. Counts bytes [RFC3465, L = 1]. */
#include <gander/trace.h>

#include "tcp/cc.h"

static uint32_t at_most(uint32_t value, uint32_t limit)
{
    return value < limit ? value : limit;
}

static void newreno_on_ack(struct tcp_cc *cc, uint32_t acked_bytes)
{
    uint32_t *counted = cc->state;

    if (!cc->limited)
        return;
    if (cc->cwnd < cc->ssthresh) { /* (2): cwnd += min(N, SMSS) */
        cc->cwnd += at_most(acked_bytes, cc->mss);
        return;
    }
    *counted += acked_bytes; /* (3): one SMSS per window of acknowledged bytes */
    if (*counted >= cc->cwnd) {
        *counted -= cc->cwnd;
        cc->cwnd += cc->mss;
    }
}

static void newreno_on_loss(struct tcp_cc *cc)
{
    uint32_t half = cc->flight / 2; /* (4): max(FlightSize / 2, 2*SMSS) */

    cc->ssthresh = half > 2 * cc->mss ? half : 2 * cc->mss;
    *(uint32_t *)cc->state = 0;
    cc->why = GANDER_WHY_cwnd_newreno;
}

const struct tcp_cc_ops tcp_cc_newreno = {
    .name = "newreno",
    .on_ack = newreno_on_ack,
    .on_loss = newreno_on_loss,
};

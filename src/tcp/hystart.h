/* SPDX-License-Identifier: MIT */
/*
 * HyStart++ [RFC9406]: leaves slow start when the round-trip time begins to rise, before the queue overflows. Only in the first slow
 * start; rounds are counted by sequence numbers.
 */
#ifndef TCP_HYSTART_H
#define TCP_HYSTART_H

#include <stdbool.h>

#include "base/seq.h"
#include "tcp/cc.h"

struct hystart {
    gander_time last_min_ns, current_min_ns, baseline_ns; /* 0: none yet */
    tcp_seq window_end; /* the round ends when this is acknowledged */
    uint8_t samples;    /* in this round, up to N_RTT_SAMPLE */
    uint8_t css_rounds; /* rounds left in conservative slow start */
    bool started, in_css, done;
};

/* An ACK in slow start. Returns by how many bytes cwnd grows; *leave: slow start is over, ssthresh = cwnd. */
uint32_t hystart_on_ack(struct hystart *h, const struct tcp_cc *cc, uint32_t acked_bytes,
                        bool *leave);

/* Loss or ECN mark: never again on this connection. */
static inline void hystart_end(struct hystart *h)
{
    h->done = true;
}

#endif

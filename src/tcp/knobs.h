/* SPDX-License-Identifier: MIT */
/* What few sockets have: options, of which without them the stack's configuration counts, and counters of accurate ECN. */
#ifndef TCP_KNOBS_H
#define TCP_KNOBS_H

#include <stdbool.h>

#include <gander/stack.h>

#include "tcp/ecn.h"
#include "tcp/meter.h"

struct tcp_cc_memory;

struct tcp_knobs {
    gander_time keepalive_idle_ns, keepalive_interval_ns;
    gander_time user_timeout_ns; /* 0: the number of retransmissions decides */
    gander_time linger_ns;       /* 0: close resets; −1: close goes on in the background */
    gander_time rto_initial_ns, rto_min_ns, rto_max_ns;
    gander_time delayed_ack_ns;
    gander_time fin_wait2_ns;    /* −1: ends at once */
    gander_time defer_accept_ns; /* a listener's: so long the handshake's ACK alone opens nothing */
    uint32_t notsent_lowat_bytes; /* 0: none */
    uint32_t window_clamp_bytes;  /* 0: none */
    struct tcp_cc_memory
        *cc_kept;             /* what the congestion control knows, while the connection is idle */
    uint64_t max_pacing_rate; /* bytes per second; 0: none */
    uint32_t keepalive_probes;
    uint16_t max_segment; /* 0: what the path allows */
    uint16_t initial_window_segs;
    uint8_t ttl, traffic_class;
    uint8_t syn_retries, synack_retries, retries_r2;
    uint8_t quickack_segs;
    uint8_t timestamps, window_scaling, sack; /* offered, and agreed to */
    uint8_t slow_start_after_idle;
    uint8_t nagle_relaxed;
    uint8_t pacing; /* for algorithms that leave the choice */
    uint8_t ecn;    /* enum gander_ecn */
    uint8_t fastopen_connect;
    uint8_t uto_enabled; /* RFC 5482: ENABLED; … */
    uint8_t uto_fixed;   /* … not CHANGEABLE */
    uint8_t uto_due;     /* goes with the next segment that has room */
    uint16_t mss_most,
        mss_high;             /* before the MTU shrank (0: it did not); upper end of the search */
    gander_time mtu_raise_ns; /* not before then */
    gander_time uto_advertised_ns, uto_remote_ns; /* ADV_UTO, 0: the default; REMOTE_UTO */
    uint32_t fastopen_max;                        /* listener: at once in SYN-RECEIVED; 0: off */
    /* no options, but as rare: */
    struct tcp_meter meter; /* of a connection that is idle */
    struct tcp_accecn accecn;
};

#endif

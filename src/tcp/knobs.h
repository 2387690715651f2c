/* SPDX-License-Identifier: MIT */
/* Options that few sockets set; without them the stack's configuration counts. */
#ifndef TCP_KNOBS_H
#define TCP_KNOBS_H

#include <gander/stack.h>

struct tcp_knobs {
    gander_time keepalive_idle_ns, keepalive_interval_ns;
    gander_time user_timeout_ns; /* 0: the number of retransmissions decides */
    gander_time linger_ns;       /* 0: close resets; −1: close goes on in the background */
    uint32_t keepalive_probes;
    uint16_t max_segment; /* 0: what the path allows */
    uint8_t ttl, traffic_class;
};

#endif

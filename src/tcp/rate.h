/* SPDX-License-Identifier: MIT */
/* What rate.c keeps of a connection with data under way. */
#ifndef TCP_RATE_H
#define TCP_RATE_H

#include <stdbool.h>

#include <gander/stack.h>

/* C.delivered, C.lost, … of draft-ietf-ccwg-bbr; bytes. */
struct tcp_rate {
    uint64_t delivered, lost;
    uint64_t
        app_limited; /* 0, or what `delivered` is when an application's pause has passed the path */
    uint64_t lost_before; /* `lost` at the last ACK */
    gander_time delivered_time_ns, first_send_time_ns;
    gander_time last_interval_ns; /* the last good sample */
    uint32_t last_delivered;
    bool last_app_limited;
};

#endif

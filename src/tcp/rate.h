/* SPDX-License-Identifier: MIT */
/* What rate.c and pace.c keep of a connection with data under way. */
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

struct tcp_pace {
    uint64_t asked;         /* by the algorithm; 0: it leaves that to us */
    uint32_t asked_quantum; /* with it */
    uint64_t rate;          /* bytes per second; 0: not paced */
    uint64_t cost;          /* of a byte, in ns: fixed point */
    gander_time begun_ns;   /* when the quantum began to leave */
    gander_time next_ns;    /* C.next_send_time */
    uint32_t quantum;       /* C.send_quantum: bytes that may leave together */
    int32_t left;           /* of the quantum that is leaving */
};

#endif

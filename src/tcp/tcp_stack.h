/* SPDX-License-Identifier: MIT */
/* What a stack keeps for TCP; see tcp/tcp.h. */
#ifndef TCP_TCP_STACK_H
#define TCP_TCP_STACK_H

#include "base/mem.h"
#include "base/table.h"
#include "base/wheel.h"
#include "tcp/fastopen.h"
#include "tcp/knobs.h"

struct tcp_busy;
struct tcp_conn;
struct tcp_entity;
struct tcp_time_wait;

enum { TCP_PORT_COUNTERS = 256, TCP_HOLDER_CLASSES = 20 };

/* Working memories that hold about equally much, in order of their last progress. */
struct tcp_holders {
    struct tcp_busy *stuck_longest, *latest;
};

/* Connections with something to send on one link, served in turn. */
struct tcp_output_list {
    struct tcp_conn *first, *last;
};

/* A flow's hash, computed ahead of its segment. It depends on nothing else, so it is never out of date. */
struct tcp_hash_ahead {
    uint32_t hash;
    uint8_t family;   /* 0: empty */
    uint8_t flow[36]; /* as in struct tcp_flow */
};

enum { TCP_HASHES_AHEAD = 8 };

struct tcp_stack {
    struct pool conn6, conn4,
        busy;                 /* with room for IPv6 addresses, for IPv4 only; working memory */
    struct pool syn4, syn6;   /* SYN-RECEIVED */
    struct pool wait4, wait6; /* TIME-WAIT */
    struct pool listeners, knobs, cc_memory;
    struct tcp_knobs knobs_default; /* for sockets that set none */
    struct table flows;             /* tcp_entity by addresses and ports */
    struct tcp_entity *flow_last;   /* found last: flow.c */
    struct tcp_hash_ahead ahead[TCP_HASHES_AHEAD];
    struct table ports; /* listeners and bound sockets by local port */
    struct tcp_output_list output[GANDER_LINKS_MAX];
    struct tcp_time_wait *wait_oldest, *wait_newest;
    struct timer wait_timer;                        /* for the oldest */
    struct tcp_holders holders[TCP_HOLDER_CLASSES]; /* [0] is not used: pressure.c */
    uint32_t orphans;
    uint64_t connections, syn_received, time_wait;
    int cc_default;
    struct tcp_fastopen fastopen;
    uint32_t clock_ms; /* timestamp clock [RFC7323 5.4]: 1 ms, moved by gander_advance() */
    uint32_t port_counters[TCP_PORT_COUNTERS]; /* [RFC6056 3.3.4] */
};

#endif

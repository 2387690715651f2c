/* SPDX-License-Identifier: MIT */
/* What a stack keeps for TCP; see tcp/tcp.h. */
#ifndef TCP_TCP_STACK_H
#define TCP_TCP_STACK_H

#include "base/mem.h"
#include "base/table.h"

struct tcp_conn;
struct tcp_time_wait;

/* Connections with something to send on one link, served in turn. */
struct tcp_output_list {
    struct tcp_conn *first, *last;
};

struct tcp_stack {
    struct pool conn, conn4, busy;           /* with room for IPv6 addresses, for IPv4 only; working memory */
    struct pool syn4, syn6;                  /* SYN-RECEIVED */
    struct pool wait4, wait6;                /* TIME-WAIT */
    struct pool listeners;
    struct table flows;                      /* tcp_entity by addresses and ports */
    struct table ports;                      /* listeners and bound sockets by local port */
    struct tcp_output_list output[GANDER_LINKS_MAX];
    struct tcp_time_wait *wait_oldest, *wait_newest;
    uint64_t connections, syn_received, time_wait;
};

#endif

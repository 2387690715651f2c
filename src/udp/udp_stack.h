/* SPDX-License-Identifier: MIT */
/* What a stack keeps for UDP and echo sockets; see udp/udp.h. */
#ifndef UDP_UDP_STACK_H
#define UDP_UDP_STACK_H

#include "base/mem.h"
#include "base/table.h"

struct udp_socket;

struct udp_stack {
    struct pool sockets;
    struct table ports;         /* udp_socket by kind and local port */
    struct udp_socket *all;     /* every open one */
    struct udp_socket *blocked; /* those that found a link's queue full */
};

#endif

/* SPDX-License-Identifier: MIT */
/* What a stack keeps for UDP and echo sockets; see udp/udp.h. */
#ifndef UDP_UDP_STACK_H
#define UDP_UDP_STACK_H

#include "base/mem.h"
#include "base/table.h"

struct udp_stack {
    struct pool sockets;
    struct table ports;   /* udp_socket by what it is bound to */
    uint32_t connected;   /* sockets with a peer: 0 saves a lookup */
};

#endif

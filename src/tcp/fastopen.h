/* SPDX-License-Identifier: MIT */
/* Fast open [RFC7413]: what a stack remembers of servers, and its keys; fastopen.c. */
#ifndef TCP_FASTOPEN_H
#define TCP_FASTOPEN_H

#include <gander/stack.h>

#include "base/siphash.h"

enum { FASTOPEN_COOKIE_BYTES = 8, FASTOPEN_SERVERS_MAX = 64, FASTOPEN_COOKIE_MAX_BYTES = 16 };

/* A server as a client remembers it [RFC7413 4.1.3]. */
struct fastopen_server {
    uint8_t family;       /* 0: empty */
    uint8_t cookie_bytes; /* 0: none */
    uint16_t mss;         /* 0: not told */
    uint8_t ip[16];
    uint8_t cookie[FASTOPEN_COOKIE_MAX_BYTES];
    gander_time used_ns;
    gander_time blocked_until_ns; /* SYNs with text got no answer: none of these until then */
};

struct tcp_fastopen {
    struct siphash_key
        keys[2]; /* cookies are made with the first; those of the second are taken, too */
    bool second_key;
    struct fastopen_server *servers; /* FASTOPEN_SERVERS_MAX; NULL: none yet */
};

#endif

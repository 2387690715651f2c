/* SPDX-License-Identifier: MIT */
/*
 * Sequence numbers: arithmetic modulo 2^32 [RFC9293 3.4]. The only place that compares them.
 * a < b means that b is ahead of a by less than 2^31.
 */
#ifndef BASE_SEQ_H
#define BASE_SEQ_H

#include <stdbool.h>
#include <stdint.h>

typedef uint32_t tcp_seq;

static inline bool seq_lt(tcp_seq a, tcp_seq b)
{
    return (int32_t)(a - b) < 0;
}

static inline bool seq_leq(tcp_seq a, tcp_seq b)
{
    return (int32_t)(a - b) <= 0;
}

static inline bool seq_gt(tcp_seq a, tcp_seq b)
{
    return seq_lt(b, a);
}

static inline bool seq_geq(tcp_seq a, tcp_seq b)
{
    return seq_leq(b, a);
}

/* low ≤ x < high, going upwards from low */
static inline bool seq_between(tcp_seq low, tcp_seq x, tcp_seq high)
{
    return x - low < high - low;
}

static inline tcp_seq seq_max(tcp_seq a, tcp_seq b)
{
    return seq_lt(a, b) ? b : a;
}

static inline tcp_seq seq_min(tcp_seq a, tcp_seq b)
{
    return seq_lt(a, b) ? a : b;
}

#endif

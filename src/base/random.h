/* SPDX-License-Identifier: MIT */
/* Unpredictable numbers from a secret: SipHash-2-4 over a counter. Deterministic for a given key. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include "base/siphash.h"

struct random {
    struct siphash_key key;
    uint64_t counter;
};

static inline uint64_t random_u64(struct random *r)
{
    uint64_t n = r->counter++;

    return siphash24(&r->key, &n, sizeof(n));
}

/* 0 … below−1 without division; below > 0 */
static inline uint32_t random_below(struct random *r, uint32_t below)
{
    return (uint32_t)(((random_u64(r) >> 32) * below) >> 32);
}

#endif

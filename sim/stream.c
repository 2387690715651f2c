/* SPDX-License-Identifier: MIT */
/* What a stream carries: each byte is a function of the stream's key and its place, so that nothing can be mixed up unseen. */
#include "sim/swarm_internal.h"

static uint8_t byte_at(uint64_t word, uint64_t at)
{
    return (uint8_t)(word >> (at % 8 * 8));
}

void swarm_stream_fill(uint64_t key, uint64_t at, uint8_t *bytes, size_t n)
{
    uint64_t word = sim_mix(key + at / 8);

    for (size_t i = 0; i < n; i++, at++) {
        if (at % 8 == 0)
            word = sim_mix(key + at / 8);
        bytes[i] = byte_at(word, at);
    }
}

size_t swarm_stream_check(uint64_t key, uint64_t at, const uint8_t *bytes, size_t n)
{
    uint64_t word = sim_mix(key + at / 8);

    for (size_t i = 0; i < n; i++, at++) {
        if (at % 8 == 0)
            word = sim_mix(key + at / 8);
        if (bytes[i] != byte_at(word, at))
            return i;
    }
    return n;
}

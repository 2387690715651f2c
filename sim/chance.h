/* SPDX-License-Identifier: MIT */
/* Chance for the swarm: SplitMix64 (Steele, Lea, Flood 2014), integers only. */
#ifndef SIM_CHANCE_H
#define SIM_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

struct sim_chance {
    uint64_t state;
};

static inline uint64_t sim_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline uint64_t sim_chance_next(struct sim_chance *chance)
{
    return sim_mix(chance->state += 0x9e3779b97f4a7c15u);
}

/* 0 … below − 1 */
static inline uint64_t sim_chance_below(struct sim_chance *chance, uint64_t below)
{
    return below ? sim_chance_next(chance) % below : 0;
}

static inline bool sim_chance_percent(struct sim_chance *chance, unsigned percent)
{
    return sim_chance_below(chance, 100) < percent;
}

/* low … high, each magnitude as often as the next. */
static inline int64_t sim_chance_between(struct sim_chance *chance, int64_t low, int64_t high)
{
    uint64_t range = (uint64_t)(high - low), shift;

    if (range == 0)
        return low;
    /* not the very smallest: they would all look alike */
    shift = sim_chance_below(chance, (uint64_t)(64 - __builtin_clzll(range)) * 3 / 4 + 1);
    return low + (int64_t)sim_chance_below(chance, (range >> shift) + 1);
}

#endif

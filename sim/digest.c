/* SPDX-License-Identifier: MIT */
/*
 * One number for a whole run: every field of every trace event, every byte of every packet. Fields
 * one by one, from the list of events, because structs have gaps.
 */
#include <string.h>

#include "sim/internal.h"

/* A multiply-and-fold step (wyhash's idea): fast, and any changed bit changes the rest. No defence
 * against attackers. */
static uint64_t mix(uint64_t digest, uint64_t value)
{
    uint64_t x = (digest ^ value) * 0x9e3779b97f4a7c15u;

    return x ^ (x >> 29);
}

static uint64_t mix_address(uint64_t digest, const struct gander_address *address)
{
    uint64_t high, low;

    memcpy(&high, address->ip, sizeof(high));
    memcpy(&low, address->ip + sizeof(high), sizeof(low));
    digest = mix(digest, ((uint64_t)address->family << 16) | address->port);
    return mix(mix(digest, high), low);
}

static uint64_t mix_fields(uint64_t digest, const struct gander_trace_event *event)
{
    switch (event->type) {
#define FIELD(type, name) digest = mix(digest, (uint64_t)fields->name);
#define EVENT(event_name, event_fields)                                                            \
    case GANDER_TRACE_##event_name: {                                                              \
        const struct gander_trace_##event_name *fields = &event->u.event_name;                     \
        event_fields break;                                                                        \
    }
#include <gander/trace_events.def>
#undef EVENT
#undef FIELD
    case GANDER_TRACE_COUNT:
        break;
    }
    return digest;
}

void sim_digest_event(struct sim_world *world, const struct world_host *host,
                      const struct gander_trace_event *event)
{
    uint64_t digest = mix(world->digest, ((uint64_t)host->public.index << 32) | event->type);

    digest = mix(digest, (uint64_t)event->time);
    digest = mix(digest, event->id);
    if (event->local.family)
        digest = mix_address(digest, &event->local);
    if (event->remote.family)
        digest = mix_address(digest, &event->remote);
    world->digest = mix_fields(digest, event);
}

static uint64_t mix_bytes(uint64_t digest, const uint8_t *bytes, size_t n)
{
    uint64_t word;

    for (; n >= sizeof(word); n -= sizeof(word), bytes += sizeof(word)) {
        memcpy(&word, bytes, sizeof(word));
        digest = mix(digest, word);
    }
    word = 0;
    memcpy(&word, bytes, n);
    return mix(digest, word);
}

void sim_digest_packet(struct sim_world *world, const struct world_host *host,
                       const struct gander_packet *packet)
{
    uint64_t digest = mix(world->digest, ((uint64_t)host->public.index << 32) | packet->len);

    digest = mix(digest, (uint64_t)world->now);
    for (unsigned i = 0; i < packet->frags; i++)
        digest = mix_bytes(digest, packet->frag[i].data, packet->frag[i].len);
    world->digest = digest;
}

uint64_t sim_digest(const struct sim_world *world)
{
    return world->digest;
}

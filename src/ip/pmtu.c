/* SPDX-License-Identifier: MIT */
/*
 * What is known of paths that carry less than their first link [RFC1191 6.2, RFC8201 5.2]: a short table by destination. An entry is
 * forgotten after ten minutes [RFC1191 6.3], so that a larger MTU is found again; the one that ends first gives way to a new one.
 *
 * Who writes has checked that the router speaks of a packet of ours (tcp/pmtu.c).
 */
#include "ip/ip.h"

static const gander_time age_ns = 600 * GANDER_S;

static const struct path_mtu *find(const struct gander_stack *stack, unsigned family,
                                   const uint8_t *ip)
{
    for (unsigned i = 0; i < PATHS_MAX; i++) {
        const struct path_mtu *p = &stack->paths[i];

        if (p->family == family && memcmp(p->ip, ip, wire_ip_address_bytes(family)) == 0)
            return p;
    }
    return NULL;
}

void ip_path_learn(struct gander_stack *stack, unsigned family, const uint8_t *ip, uint32_t mtu)
{
    const struct path_mtu *known = find(stack, family, ip);
    struct path_mtu *p = known ? &stack->paths[known - stack->paths] : stack->paths;

    if (!known) {
        for (unsigned i = 1; i < PATHS_MAX; i++)
            if (stack->paths[i].expires < p->expires)
                p = &stack->paths[i];
    }
    memset(p, 0, sizeof(*p));
    p->family = (uint8_t)family;
    p->mtu_bytes = (uint16_t)mtu;
    p->expires = stack->now + age_ns;
    memcpy(p->ip, ip, wire_ip_address_bytes(family));
    stack->paths_known = true;
}

uint32_t ip_path_mtu(const struct gander_stack *stack, unsigned family, const uint8_t *ip,
                     uint32_t mtu)
{
    const struct path_mtu *p;

    if (LIKELY(!stack->paths_known))
        return mtu;
    p = find(stack, family, ip);
    return p && stack->now < p->expires ? min_u32(mtu, p->mtu_bytes) : mtu;
}

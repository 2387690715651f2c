/* SPDX-License-Identifier: MIT */
/*
 * Which addresses are ours, which link leads where, and which of our addresses speaks to whom.
 *
 * Both tables are short by design (GANDER_ADDRESSES_MAX, GANDER_ROUTES_MAX) and searched from end to end; connections
 * remember what they found and look at stack->route_generation. A route to a prefix that already has one takes its place.
 *
 * RFC 6724: of the rules of section 5, number 2 (scope: link-local or not), 5 (the outgoing link) and 8 (longest
 * matching prefix). Left out: labels and policy table, deprecated and temporary addresses, next hops (a link is a pipe
 * to one peer or to one that knows), removal.
 */
#include "ip/ip.h"

/* --- prefixes -------------------------------------------------------------------------------- */

static bool prefix_matches(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned bytes = bits / 8, rest = bits % 8;

    if (memcmp(a, b, bytes) != 0)
        return false;
    return rest == 0 || ((a[bytes] ^ b[bytes]) >> (8 - rest)) == 0;
}

static unsigned common_bits(const uint8_t *a, const uint8_t *b, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        if (a[i] != b[i])
            return i * 8 + (unsigned)__builtin_clz((unsigned)(a[i] ^ b[i])) - 24;
    }
    return bytes * 8;
}

static bool is_family(unsigned family)
{
    return family == GANDER_IPV4 || family == GANDER_IPV6;
}

/* Two addresses as machine words: this is asked for every packet. */
static bool same_ip(unsigned family, const uint8_t *a, const uint8_t *b)
{
    return family == GANDER_IPV4 ? memcmp(a, b, 4) == 0 : memcmp(a, b, 16) == 0;
}

/* Is it the last address of this IPv4 network? Prefixes of 31 and 32 bits have no broadcast [RFC3021 2.1]. */
static bool is_directed_broadcast(const struct host_address *network, uint32_t ip)
{
    uint32_t host = network->prefix_bits >= 31 ? 0 : 0xffffffffU >> network->prefix_bits;

    return host != 0 && (ip & host) == host && ((get_be32(network->ip) ^ ip) & ~host) == 0;
}

/* --- what kind of address -------------------------------------------------------------------- */

bool ip_is_unspecified(unsigned family, const uint8_t *ip)
{
    static const uint8_t zero[16];

    return same_ip(family, ip, zero);
}

bool ip_is_multicast(unsigned family, const uint8_t *ip)
{
    return family == GANDER_IPV4 ? ip[0] >> 4 == 14 : ip[0] == 0xff;
}

static bool is_limited_broadcast(unsigned family, const uint8_t *ip)
{
    return family == GANDER_IPV4 && get_be32(ip) == 0xffffffffU;
}

static bool is_loopback(unsigned family, const uint8_t *ip)
{
    static const uint8_t six[16] = {[15] = 1};

    return family == GANDER_IPV4 ? ip[0] == 127 : memcmp(ip, six, 16) == 0;
}

bool ip_is_valid_source(unsigned family, const uint8_t *ip)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

    if (ip_is_multicast(family, ip) || is_limited_broadcast(family, ip) || is_loopback(family, ip))
        return false;
    if (family == GANDER_IPV4)
        return ip[0] != 0; /* network 0: "this host" [RFC1122 3.2.1.3 (a), (b)] */
    return !ip_is_unspecified(family, ip) && memcmp(ip, mapped, sizeof(mapped)) != 0;
}

bool ip_is_ours(const struct gander_stack *stack, unsigned family, const uint8_t *ip)
{
    for (unsigned i = 0; i < stack->address_count; i++) {
        const struct host_address *a = &stack->addresses[i];

        if (a->family == family && same_ip(family, a->ip, ip))
            return true;
    }
    return false;
}

bool ip_is_broadcast(const struct gander_stack *stack, unsigned family, const uint8_t *ip)
{
    if (family != GANDER_IPV4)
        return false;
    if (is_limited_broadcast(family, ip))
        return true;
    for (unsigned i = 0; i < stack->address_count; i++) {
        const struct host_address *a = &stack->addresses[i];

        if (a->family == GANDER_IPV4 && is_directed_broadcast(a, get_be32(ip)))
            return true;
    }
    return false;
}

bool ip_is_our_group(unsigned family, const uint8_t *ip)
{
    static const uint8_t four[4] = {224, 0, 0, 1};
    static const uint8_t six[16] = {0xff, 2, [15] = 1};

    return same_ip(family, ip, family == GANDER_IPV4 ? four : six);
}

/* --- choosing -------------------------------------------------------------------------------- */

bool ip_route_find(const struct gander_stack *stack, unsigned family, const uint8_t *destination,
                   struct ip_route *route)
{
    const struct route *best = NULL;

    for (unsigned i = 0; i < stack->route_count; i++) {
        const struct route *r = &stack->routes[i];

        if (r->family == family && (!best || r->prefix_bits > best->prefix_bits) &&
            prefix_matches(r->prefix, destination, r->prefix_bits))
            best = r;
    }
    if (!best)
        return false;
    route->link = best->link;
    route->mtu_bytes = ip_path_mtu(stack, family, destination, stack->links[best->link].mtu_bytes);
    return true;
}

static bool is_link_local(unsigned family, const uint8_t *ip)
{
    if (family == GANDER_IPV4)
        return ip[0] == 169 && ip[1] == 254;
    if (ip[0] == 0xff)
        return (ip[1] & 0xf) == 2;
    return ip[0] == 0xfe && ip[1] >> 6 == 2;
}

const uint8_t *ip_source_for(const struct gander_stack *stack, unsigned family,
                             const uint8_t *destination)
{
    const uint8_t *best = NULL;
    unsigned best_rank = 0;
    struct ip_route route;

    if (!ip_route_find(stack, family, destination, &route))
        return NULL;
    for (unsigned i = 0; i < stack->address_count; i++) {
        const struct host_address *a = &stack->addresses[i];
        unsigned rank;

        if (a->family != family)
            continue;
        rank = 1 + common_bits(a->ip, destination, wire_ip_address_bytes(family));
        if (a->link == route.link)
            rank += 256;
        if (is_link_local(family, a->ip) == is_link_local(family, destination))
            rank += 512;
        if (rank > best_rank) {
            best_rank = rank;
            best = a->ip;
        }
    }
    return best;
}

/* --- configuration --------------------------------------------------------------------------- */

int gander_link_add(struct gander_stack *stack, const struct gander_link_config *config,
                    unsigned *link)
{
    struct link *l = &stack->links[stack->link_count];

    if (config->mtu_bytes < 576 || config->mtu_bytes > 65535)
        return GANDER_EINVAL;
    if (stack->link_count == GANDER_LINKS_MAX)
        return GANDER_ENOMEM;
    l->mtu_bytes = config->mtu_bytes;
    l->flags = config->flags;
    l->first = NULL;
    l->last = &l->first;
    l->queued = 0;
    *link = stack->link_count++;
    return GANDER_OK;
}

static bool prefix_is_sane(const struct gander_stack *stack, unsigned link,
                           const struct gander_address *address, unsigned prefix_bits)
{
    return link < stack->link_count && is_family(address->family) &&
           prefix_bits <= wire_ip_address_bytes(address->family) * 8;
}

/* Where a route to this prefix stands, or is to be written; GANDER_ROUTES_MAX: there is no room. */
static unsigned route_slot(const struct gander_stack *stack, const struct gander_address *prefix,
                           unsigned prefix_bits)
{
    for (unsigned i = 0; i < stack->route_count; i++) {
        const struct route *r = &stack->routes[i];

        if (r->family == prefix->family && r->prefix_bits == prefix_bits &&
            prefix_matches(r->prefix, prefix->ip, prefix_bits))
            return i;
    }
    return stack->route_count;
}

static void route_write(struct gander_stack *stack, unsigned slot, unsigned link,
                        const struct gander_address *prefix, unsigned prefix_bits)
{
    struct route *r = &stack->routes[slot];

    memset(r, 0, sizeof(*r));
    r->family = prefix->family;
    r->prefix_bits = (uint8_t)prefix_bits;
    r->link = (uint8_t)link;
    memcpy(r->prefix, prefix->ip,
           wire_ip_address_bytes(prefix->family)); /* host bits are never compared */
    if (slot == stack->route_count)
        stack->route_count++;
    stack->route_generation++;
}

int gander_route_add(struct gander_stack *stack, unsigned link, const struct gander_address *prefix,
                     unsigned prefix_bits)
{
    unsigned slot;

    if (!prefix_is_sane(stack, link, prefix, prefix_bits))
        return GANDER_EINVAL;
    slot = route_slot(stack, prefix, prefix_bits);
    if (slot == GANDER_ROUTES_MAX)
        return GANDER_ENOMEM;
    route_write(stack, slot, link, prefix, prefix_bits);
    return GANDER_OK;
}

int gander_address_add(struct gander_stack *stack, unsigned link,
                       const struct gander_address *address, unsigned prefix_bits)
{
    struct host_address *a = &stack->addresses[stack->address_count];
    unsigned slot;

    if (!prefix_is_sane(stack, link, address, prefix_bits) ||
        ip_is_unspecified(address->family, address->ip) ||
        ip_is_multicast(address->family, address->ip) ||
        is_limited_broadcast(address->family, address->ip))
        return GANDER_EINVAL;
    if (ip_is_ours(stack, address->family, address->ip))
        return GANDER_EADDRINUSE;
    slot = route_slot(stack, address, prefix_bits);
    if (stack->address_count == GANDER_ADDRESSES_MAX || slot == GANDER_ROUTES_MAX)
        return GANDER_ENOMEM;
    memset(a, 0, sizeof(*a));
    a->family = address->family;
    a->prefix_bits = (uint8_t)prefix_bits;
    a->link = (uint8_t)link;
    memcpy(a->ip, address->ip, wire_ip_address_bytes(address->family));
    stack->address_count++;
    if (slot == stack->route_count)
        route_write(stack, slot, link, address, prefix_bits);
    stack->route_generation++;
    return GANDER_OK;
}

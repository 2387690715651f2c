/* SPDX-License-Identifier: MIT */
/*
 * Packets in: the checks of RFC 1122 3.2.1 and RFC 8200 before a transport sees anything. Whatever is refused is counted by
 * its reason; only unknown protocols and extension headers are answered.
 *
 * Sources that nobody may use are refused (RFC 1122 3.2.1.3); whether a source of our own is an attack depends on its port
 * and is for the transports to say. Broadcasts and the all-nodes groups are accepted, no other groups.
 *
 * Left out: reassembly (a fragment is dropped), forwarding, group membership.
 */
#include "ip/ip.h"

/*
 * Do IP header and transport header lie in frag[0]? Answered from bytes not checked yet, so it may say no for nonsense, but yes
 * only when the parsers, given the packet's whole length, stay in frag[0]. ICMP is read in full.
 */
static bool headers_are_contiguous(const struct gander_packet *packet)
{
    const struct gander_frag *f = &packet->frag[0];
    uint32_t at;
    uint8_t protocol;

    if (LIKELY(packet->frags == 1))
        return true;
    if (f->len < IP4_HEADER_BYTES)
        return false;
    if (f->data[0] >> 4 == 4) {
        at = (f->data[0] & 0xfU) * 4;
        protocol = f->data[9];
    } else {
        at = IP6_HEADER_BYTES;
        protocol = f->data[6];
    }
    if (protocol == IP_PROTOCOL_UDP)
        return f->len >= at + UDP_HEADER_BYTES;
    return protocol == IP_PROTOCOL_TCP && f->len >= at + TCP_HEADER_BYTES &&
           f->len >= at + (f->data[at + 12] >> 4) * 4U;
}

static enum gander_drop parse(const struct gander_packet *packet, struct ip_header *ip)
{
    const uint8_t *bytes = packet->frag[0].data;

    if (packet->len == 0)
        return GANDER_DROP_ip_too_short;
    return bytes[0] >> 4 == 4 ? wire_ip4_parse(bytes, packet->len, ip)
                              : wire_ip6_parse(bytes, packet->len, ip);
}

/* The addresses: may this source send, and to us? */
static enum gander_drop judge_addresses(const struct gander_stack *stack,
                                        struct ip_arrival *arrival)
{
    const struct ip_header *ip = &arrival->ip;

    arrival->broadcast = false;
    if (UNLIKELY(!ip_is_valid_source(ip->family, ip->source)))
        return GANDER_DROP_ip_source;
    if (ip_is_ours(stack, ip->family, ip->destination))
        return ip_is_broadcast(stack, ip->family, ip->source) ? GANDER_DROP_ip_source
                                                              : GANDER_DROP_none;
    if (!ip_is_our_group(ip->family, ip->destination) &&
        !ip_is_broadcast(stack, ip->family, ip->destination))
        return GANDER_DROP_ip_not_for_us;
    arrival->broadcast = true;
    return ip_is_broadcast(stack, ip->family, ip->source) ? GANDER_DROP_ip_source
                                                          : GANDER_DROP_none;
}

/* The same, with a look at who was let in last (110 of 3,900 instructions). Both headers have the destination behind the source. */
static enum gander_drop check_addresses(struct gander_stack *stack, struct ip_arrival *arrival)
{
    const struct ip_header *ip = &arrival->ip;
    struct admitted *last = &stack->admitted;
    size_t bytes = 2 * wire_ip_address_bytes(ip->family);
    enum gander_drop drop;

    if (LIKELY(last->family == ip->family && last->generation == stack->route_generation &&
               memcmp(last->ip, ip->source, bytes) == 0)) {
        arrival->broadcast = false;
        return GANDER_DROP_none;
    }
    drop = judge_addresses(stack, arrival);
    if (drop != GANDER_DROP_none || arrival->broadcast)
        return drop;
    last->family = ip->family;
    last->generation = stack->route_generation;
    memcpy(last->ip, ip->source, bytes);
    return GANDER_DROP_none;
}

/* Drops a packet, and tells its addresses if they were read. */
static void refuse(struct gander_stack *stack, const struct ip_arrival *arrival,
                   enum gander_drop drop)
{
    const struct trace_flow flow = {.family = arrival->ip.family,
                                    .local_ip = arrival->ip.destination,
                                    .remote_ip = arrival->ip.source};

    drop_packet(stack, arrival->packet, drop, flow.family ? &flow : NULL);
}

static void refuse_extension(struct gander_stack *stack, struct ip_arrival *arrival)
{
    struct icmp_header error = {.kind = ICMP_PARAMETER_PROBLEM};

    if (arrival->ip.problem && check_addresses(stack, arrival) == GANDER_DROP_none) {
        error.code = (uint8_t)(arrival->ip.problem - 1);
        error.pointer = arrival->ip.problem_at;
        icmp_send_error(stack, arrival, &error);
    }
    refuse(stack, arrival, GANDER_DROP_ip_extension);
}

static void refuse_protocol(struct gander_stack *stack, struct ip_arrival *arrival)
{
    const struct icmp_header error = {.kind = ICMP_UNREACHABLE_PROTOCOL,
                                      .pointer = arrival->ip.protocol_at};

    if (arrival->ip.family == GANDER_IPV4 || arrival->ip.protocol != IP_PROTOCOL_NONE)
        icmp_send_error(stack, arrival, &error);
    refuse(stack, arrival, GANDER_DROP_ip_protocol);
}

static void dispatch(struct gander_stack *stack, struct ip_arrival *arrival)
{
    switch (arrival->ip.protocol) {
    case IP_PROTOCOL_TCP:
        tcp_input(stack, arrival);
        return;
    case IP_PROTOCOL_UDP:
        udp_input(stack, arrival);
        return;
    case IP_PROTOCOL_ICMP:
    case IP_PROTOCOL_ICMPV6:
        if (arrival->ip.protocol == icmp_protocol(arrival->ip.family)) {
            icmp_input(stack, arrival);
            return;
        }
        break;
    default:
        break;
    }
    refuse_protocol(stack, arrival);
}

void ip_input(struct gander_stack *stack, unsigned link, struct gander_packet *packet)
{
    struct ip_arrival arrival;
    enum gander_drop drop;

    stack->stats.packets_in++;
    stack->stats.bytes_in += packet->len;
    if (UNLIKELY(!headers_are_contiguous(packet))) {
        struct gander_packet *whole = gander_packet_copy(stack, packet);

        if (!whole) { /* counted as an allocation failure too */
            drop_packet(stack, packet, GANDER_DROP_ip_too_short, NULL);
            return;
        }
        gander_packet_free(packet);
        packet = whole;
    }
    arrival.packet = packet;
    arrival.link = link;
    arrival.ip.family = 0;
    drop = parse(packet, &arrival.ip);
    if (UNLIKELY(drop == GANDER_DROP_ip_extension)) {
        refuse_extension(stack, &arrival);
        return;
    }
    if (LIKELY(drop == GANDER_DROP_none))
        drop = check_addresses(stack, &arrival);
    if (LIKELY(drop == GANDER_DROP_none) && arrival.ip.fragment)
        drop = GANDER_DROP_ip_fragment;
    if (UNLIKELY(drop != GANDER_DROP_none)) {
        refuse(stack, &arrival, drop);
        return;
    }
    /* padding of the link behind the packet [RFC894] */
    if (packet->len > arrival.ip.header_bytes + arrival.ip.payload_bytes)
        gander_packet_trim(packet, arrival.ip.header_bytes + arrival.ip.payload_bytes);
    if (stack->links[link].flags & GANDER_LINK_TRUSTED)
        packet->flags |= GANDER_PACKET_CHECKSUM_OK;
    dispatch(stack, &arrival);
}

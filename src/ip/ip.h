/* SPDX-License-Identifier: MIT */
/* IPv4, IPv6 and ICMP: between links and transports. */
#ifndef IP_IP_H
#define IP_IP_H

#include "core/stack.h"
#include "wire/wire.h"

/* A transport's view of an arrived packet. The addresses point into the packet. */
struct ip_arrival {
    struct gander_packet *packet; /* whole, IP header in front */
    struct ip_header ip;
    unsigned link;
    bool broadcast; /* destination is multicast or broadcast */
};

/* ip/input.c: takes the packet. Calls tcp_input(), udp_input(), icmp_input() with checked headers. */
void ip_input(struct gander_stack *stack, unsigned link, struct gander_packet *packet);

/* ip/route.c */
struct ip_route {
    uint8_t link;
    uint32_t mtu_bytes;
};
bool ip_route_find(const struct gander_stack *stack, unsigned family, const uint8_t *destination,
                   struct ip_route *route);
/* Our address to use towards a destination [RFC6724 in short: same link and longest matching prefix]. NULL: none. */
const uint8_t *ip_source_for(const struct gander_stack *stack, unsigned family,
                             const uint8_t *destination);
bool ip_is_ours(const struct gander_stack *stack, unsigned family, const uint8_t *ip);
bool ip_is_unspecified(unsigned family, const uint8_t *ip);
bool ip_is_multicast(unsigned family, const uint8_t *ip);
/* The limited broadcast, or that of one of our networks. Always false for IPv6. */
bool ip_is_broadcast(const struct gander_stack *stack, unsigned family, const uint8_t *ip);
/* The group of all nodes: 224.0.0.1, ff02::1. */
bool ip_is_our_group(unsigned family, const uint8_t *ip);
/* May this be a source? Not multicast, broadcast, unspecified, loopback [RFC1122 3.2.1.3]. */
bool ip_is_valid_source(unsigned family, const uint8_t *ip);

/* ip/pmtu.c: what a path to a destination carries, at most `mtu`. */
void ip_path_learn(struct gander_stack *stack, unsigned family, const uint8_t *ip, uint32_t mtu);
uint32_t ip_path_mtu(const struct gander_stack *stack, unsigned family, const uint8_t *ip,
                     uint32_t mtu);

/* ip/output.c: puts the IP header in front of a packet that begins with its transport header. */
struct ip_send {
    uint8_t family, protocol, ttl, traffic_class;
    const uint8_t *source, *destination;
};
void ip_push_header(struct gander_packet *packet, const struct ip_send *send);
/* ip_push_header, route, queue: takes the packet. 0, GANDER_ENETUNREACH, GANDER_EAGAIN (queue full), GANDER_EMSGSIZE. */
int ip_send(struct gander_stack *stack, struct gander_packet *packet, const struct ip_send *send);

/* ip/icmp.c */
static inline uint8_t icmp_protocol(unsigned family)
{
    return family == GANDER_IPV4 ? IP_PROTOCOL_ICMP : IP_PROTOCOL_ICMPV6;
}
void icmp_input(struct gander_stack *stack,
                const struct ip_arrival *arrival); /* takes the packet */
/* Puts ICMP header and checksum in front of a packet that is its body, and sends it; fills in send->protocol. Takes the
 * packet; returns what ip_send() does. */
int icmp_send(struct gander_stack *stack, struct gander_packet *packet,
              const struct icmp_header *header, struct ip_send *send);
/* Answers an arrived packet with an error, if one may be sent (RFC 1122 3.2.2, RFC 4443 2.4 (e)) and the rate
 * limit allows. Does not take the packet. */
void icmp_send_error(struct gander_stack *stack, const struct ip_arrival *arrival,
                     const struct icmp_header *error);
/* May another error or reset go to this destination now? (keyed buckets) Counts icmp_rate if not. */
bool icmp_rate_allows(struct gander_stack *stack, unsigned family, const uint8_t *destination);

/* --- what the transports give to ip: tcp/input.c, udp/input.c, udp/ping.c ----------------------- */

void tcp_input(struct gander_stack *stack, struct ip_arrival *arrival); /* takes the packet */
void udp_input(struct gander_stack *stack, struct ip_arrival *arrival); /* takes the packet */
/* An ICMP error about a packet that claims to be of ours; nothing in it is trusted. Counts icmp_no_socket itself. */
void tcp_icmp_error(struct gander_stack *stack, const struct icmp_header *error,
                    const struct icmp_quote *quote);
void udp_icmp_error(struct gander_stack *stack, const struct icmp_header *error,
                    const struct icmp_quote *quote); /* of UDP, and of echo requests */
void ping_input(struct gander_stack *stack, const struct ip_arrival *arrival,
                const struct icmp_header *echo_reply); /* takes the packet */

#endif

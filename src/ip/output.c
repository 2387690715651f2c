/* SPDX-License-Identifier: MIT */
/*
 * Packets out: the IP header, the route, the link's queue. Every packet leaves whole, with DF set; one that is too large for
 * its link is refused, and the transports ask ip_route_find() for the MTU first.
 *
 * Left out: fragmentation, options, forwarding.
 */
#include "ip/ip.h"

void ip_push_header(struct gander_packet *packet, const struct ip_send *send)
{
    struct ip_header header = {
        .family = send->family,
        .protocol = send->protocol,
        .ttl = send->ttl,
        .traffic_class = send->traffic_class,
        .payload_bytes = packet->len,
        .source = send->source,
        .destination = send->destination,
    };

    wire_ip_emit(packet_push(packet, wire_ip_header_bytes(send->family)), &header);
}

int ip_send(struct gander_stack *stack, struct gander_packet *packet, const struct ip_send *send)
{
    struct ip_route route;

    if (!ip_route_find(stack, send->family, send->destination, &route)) {
        drop_packet(stack, packet, GANDER_DROP_out_no_route, NULL);
        return GANDER_ENETUNREACH;
    }
    if (packet->len + wire_ip_header_bytes(send->family) > route.mtu_bytes) {
        gander_packet_free(packet);
        return GANDER_EMSGSIZE;
    }
    ip_push_header(packet, send);
    return link_enqueue(stack, route.link, packet) ? GANDER_OK : GANDER_EAGAIN;
}

/* SPDX-License-Identifier: MIT */
/*
 * Echo sockets: ICMP echo requests out, replies in [RFC792, RFC4443 4]. They are UDP sockets in all but the header: the
 * identifier is the local port, and a datagram is the sequence number (2 bytes, big endian) and the data behind it.
 */
#include "udp/udp.h"

int ping_send(struct gander_stack *stack, const struct udp_socket *socket,
              struct gander_packet *packet, uint16_t sequence, struct ip_send *send)
{
    const struct icmp_header request = {
        .kind = ICMP_ECHO_REQUEST, .identifier = socket->bound.port, .sequence = sequence};

    packet->why = GANDER_WHY_echo_request;
    return icmp_send(stack, packet, &request, send);
}

void ping_input(struct gander_stack *stack, const struct ip_arrival *arrival,
                const struct icmp_header *echo_reply)
{
    const struct ip_header *ip = &arrival->ip;
    const struct udp_flow flow = {.kind = SOCK_PING,
                                  .family = ip->family,
                                  .local_ip = ip->destination,
                                  .remote_ip = ip->source,
                                  .local_port = echo_reply->identifier};
    const struct trace_flow seen = {
        .family = ip->family, .local_ip = ip->destination, .remote_ip = ip->source};
    struct udp_socket *socket = udp_find(stack, &flow);

    if (!socket)
        drop_packet(stack, arrival->packet, GANDER_DROP_icmp_no_socket, &seen);
    else /* the sequence number is the last 2 bytes of the header */
        udp_enqueue(stack, socket, arrival->packet, ip->header_bytes + ICMP_HEADER_BYTES - 2,
                    &seen);
}

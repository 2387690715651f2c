/* SPDX-License-Identifier: MIT */
/*
 * Datagrams in [RFC768, RFC1122 4.1, RFC8200 8.1]: checks, delivery to the one socket that wants it, the receive queue; and ICMP
 * errors about datagrams.
 *
 * The queue keeps the packets that arrived, charged at what they hold of memory. One that holds far more than it carries is
 * copied into a smaller one first, so that a byte cannot pin a page. What does not fit is dropped and counted.
 *
 * A source port of 0 means that no answer is wanted [RFC768] and is delivered; a destination port of 0 is nobody's, and a
 * datagram that claims to come from the very port that it goes to would have a socket talk to itself: both
 * are dropped without an answer.
 */
#include "udp/udp.h"

#include "base/checksum.h"

/* --- the receive queue ----------------------------------------------------------------------- */

/* The same packet in less memory, if that is worth a copy; NULL: it is not, or there is no memory for it. */
static struct gander_packet *smaller(struct gander_stack *stack, const struct gander_packet *packet)
{
    uint32_t holds = packet_true_bytes(packet) - (uint32_t)sizeof(*packet);

    return holds > 4 * packet->len + 256 ? gander_packet_copy(stack, packet) : NULL;
}

bool udp_enqueue(struct gander_stack *stack, struct udp_socket *socket,
                 struct gander_packet *packet, uint32_t offset, const struct trace_flow *flow)
{
    uint32_t left = socket->receive_limit_bytes -
                    min_u32(socket->receive_held_bytes, socket->receive_limit_bytes);
    struct gander_packet *small = NULL, *kept;
    uint32_t holds;

    /* not copied in vain when the queue is full: it takes this much at least */
    if (packet->len + sizeof(*packet) <= left)
        small = smaller(stack, packet);
    kept = small ? small : packet;
    holds = packet_true_bytes(kept);
    if (holds > left) {
        gander_packet_free(small);
        drop_packet(stack, packet, GANDER_DROP_udp_full, flow);
        return false;
    }
    if (small)
        gander_packet_free(packet);
    kept->offset = (uint16_t)offset; /* below 2^16: headers lie within the packet */
    kept->next = NULL;
    *socket->last = kept;
    socket->last = &kept->next;
    socket->receive_held_bytes += holds;
    sock_event(stack, &socket->sock, GANDER_EVENT_READABLE, 0);
    return true;
}

static void dequeue(struct udp_socket *socket)
{
    struct gander_packet *packet = socket->first;

    socket->first = packet->next;
    if (!socket->first)
        socket->last = &socket->first;
    socket->receive_held_bytes -= packet_true_bytes(packet);
    gander_packet_free(packet);
}

static void describe(const struct udp_socket *socket, const struct gander_packet *packet,
                     struct gander_datagram *datagram)
{
    const uint8_t *bytes = packet->frag[0].data;
    struct ip_header ip;
    size_t address_bytes;

    /* It has parsed before, and is ours alone. Padding behind the datagram is gone since then, but the header still counts it:
     * the packet's own length would make the parser refuse it, and leave `ip` unset. */
    if (bytes[0] >> 4 == 4)
        wire_ip4_parse(bytes, IP6_HEADER_BYTES + UINT16_MAX, &ip);
    else
        wire_ip6_parse(bytes, IP6_HEADER_BYTES + UINT16_MAX, &ip);
    address_bytes = wire_ip_address_bytes(ip.family);
    memset(datagram, 0, sizeof(*datagram));
    datagram->peer.family = datagram->local.family = ip.family;
    memcpy(datagram->peer.ip, ip.source, address_bytes);
    memcpy(datagram->local.ip, ip.destination, address_bytes);
    datagram->local.port = socket->bound.port;
    datagram->ttl = ip.ttl;
    datagram->traffic_class = ip.traffic_class;
    datagram->len = packet->len - packet->offset;
    if (socket->sock.kind == SOCK_UDP) {
        struct udp_header udp;

        wire_udp_parse(bytes + ip.header_bytes, ip.payload_bytes, &udp);
        datagram->peer.port = udp.source_port;
    }
}

int64_t udp_receive(struct gander_stack *stack, struct udp_socket *socket, void *buffer, size_t len,
                    unsigned flags, struct gander_datagram *datagram)
{
    const struct gander_packet *packet = socket->first;
    int error = udp_take_error(socket);
    size_t n;

    (void)stack;
    if (error)
        return error;
    if (!packet)
        return GANDER_EAGAIN;
    n = packet_read(packet, packet->offset, buffer, len);
    if (datagram) {
        describe(socket, packet, datagram);
        datagram->truncated = n < datagram->len;
    }
    if (!(flags & GANDER_RECEIVE_PEEK))
        dequeue(socket);
    return (int64_t)n;
}

/* --- arrival --------------------------------------------------------------------------------- */

static bool checksum_is_right(const struct gander_stack *stack, const struct ip_arrival *arrival,
                              const struct udp_header *udp)
{
    const struct ip_header *ip = &arrival->ip;
    uint64_t sum;

    if (arrival->packet->flags & GANDER_PACKET_CHECKSUM_OK)
        return true;
    if (!udp->has_checksum)
        return ip->family == GANDER_IPV4; /* "none" is not allowed over IPv6 [RFC8200 8.1] */
    sum = packet_checksum(stack, arrival->packet, ip->header_bytes);
    sum += checksum_pseudo(ip->family, ip->source, ip->destination, ip->protocol, udp->length);
    return checksum_finish(sum) == 0;
}

static bool is_self_talk(const struct udp_flow *flow)
{
    return flow->local_port == flow->remote_port &&
           memcmp(flow->local_ip, flow->remote_ip, wire_ip_address_bytes(flow->family)) == 0;
}

static void trace_datagram_in(struct gander_stack *stack, const struct udp_header *udp,
                              const struct trace_flow *flow)
{
    struct gander_trace_event event = {0};

    event.type = GANDER_TRACE_datagram_in;
    event.u.datagram_in =
        (struct gander_trace_datagram_in){(uint32_t)udp->length - UDP_HEADER_BYTES};
    trace_emit(stack, &event, flow);
}

/* To the socket that wants it. Takes the packet. */
static void deliver(struct gander_stack *stack, struct ip_arrival *arrival,
                    const struct udp_header *udp, struct trace_flow *seen)
{
    static const struct icmp_header port_unreachable = {.kind = ICMP_UNREACHABLE_PORT};
    const struct udp_flow flow = {.kind = SOCK_UDP,
                                  .family = arrival->ip.family,
                                  .local_ip = arrival->ip.destination,
                                  .remote_ip = arrival->ip.source,
                                  .local_port = udp->destination_port,
                                  .remote_port = udp->source_port};
    bool answerable = flow.local_port != 0 && !is_self_talk(&flow);
    struct udp_socket *socket = answerable ? udp_find(stack, &flow) : NULL;

    if (!socket) {
        if (answerable)
            icmp_send_error(stack, arrival, &port_unreachable); /* [RFC1122 4.1.3.1] */
        drop_packet(stack, arrival->packet, GANDER_DROP_udp_no_socket, seen);
        return;
    }
    seen->id = socket->id;
    if (trace_on(stack))
        trace_datagram_in(stack, udp, seen);
    if (udp_enqueue(stack, socket, arrival->packet, arrival->ip.header_bytes + UDP_HEADER_BYTES,
                    seen))
        stack->stats.udp_datagrams_in++;
}

void udp_input(struct gander_stack *stack, struct ip_arrival *arrival)
{
    const struct ip_header *ip = &arrival->ip;
    struct udp_header udp;
    enum gander_drop drop =
        wire_udp_parse(arrival->packet->frag[0].data + ip->header_bytes, ip->payload_bytes, &udp);
    struct trace_flow seen = {
        .family = ip->family, .local_ip = ip->destination, .remote_ip = ip->source};

    if (drop == GANDER_DROP_none) {
        /* what IP carries behind the datagram is padding */
        gander_packet_trim(arrival->packet, ip->header_bytes + udp.length);
        seen.local_port = udp.destination_port;
        seen.remote_port = udp.source_port;
        if (!checksum_is_right(stack, arrival, &udp))
            drop = GANDER_DROP_udp_checksum;
    }
    if (drop != GANDER_DROP_none) {
        drop_packet(stack, arrival->packet, drop, &seen);
        return;
    }
    deliver(stack, arrival, &udp, &seen);
}

/* --- ICMP errors ----------------------------------------------------------------------------- */

static int error_of(enum icmp_kind kind)
{
    switch (kind) {
    case ICMP_UNREACHABLE_PORT:
        return GANDER_ECONNREFUSED;
    case ICMP_UNREACHABLE_NETWORK:
        return GANDER_ENETUNREACH;
    case ICMP_UNREACHABLE_PROTOCOL:
    case ICMP_PARAMETER_PROBLEM:
        return GANDER_ENOPROTOOPT;
    case ICMP_PACKET_TOO_BIG:
        return GANDER_EMSGSIZE;
    default:
        return GANDER_EHOSTUNREACH;
    }
}

/*
 * To the socket whose addresses and ports are quoted; a guess must hit all four numbers of a connected socket [RFC5927 4].
 * It also fails that socket's next call. An unconnected one only hears of it [RFC1122 4.1.3.3]: one destination's trouble
 * must not stop the others' datagrams.
 */
void udp_icmp_error(struct gander_stack *stack, const struct icmp_header *error,
                    const struct icmp_quote *quote)
{
    const struct udp_flow flow = {.kind = quote->protocol == IP_PROTOCOL_UDP ? SOCK_UDP : SOCK_PING,
                                  .family = quote->family,
                                  .local_ip = quote->source,
                                  .remote_ip = quote->destination,
                                  .local_port = quote->source_port,
                                  .remote_port = quote->destination_port};
    struct udp_socket *socket = udp_find(stack, &flow);
    int code = error_of(error->kind);

    if (!socket) {
        drop_packet(stack, NULL, GANDER_DROP_icmp_no_socket, NULL);
        return;
    }
    if (socket->peer.family)
        socket->sock.error = (int8_t)code;
    sock_event(stack, &socket->sock, GANDER_EVENT_ERROR, code);
}

/* SPDX-License-Identifier: MIT */
/*
 * Datagrams out [RFC768, RFC1122 4.1.3]. Everything that can refuse a datagram is asked before anything changes: destination,
 * source, route, size, the link's queue, memory. The checksum is always sent [RFC1122 4.1.3.4].
 */
#include "udp/udp.h"

#include "base/checksum.h"

/* Where a datagram goes, from where, over which link. */
struct udp_path {
    struct gander_address to;
    const uint8_t *source;
    struct ip_route route;
};

static bool is_any(const struct gander_address *address)
{
    return address->family == 0 || ip_is_unspecified(address->family, address->ip);
}

static int choose_destination(const struct udp_socket *socket,
                              const struct gander_datagram *datagram, struct gander_address *to)
{
    *to = datagram && datagram->peer.family ? datagram->peer : socket->peer;
    if (to->family == 0)
        return GANDER_ENOTCONN;
    if (to->family != GANDER_IPV4 && to->family != GANDER_IPV6)
        return GANDER_EINVAL;
    if (is_any(to) || (to->port == 0 && socket->sock.kind == SOCK_UDP))
        return GANDER_EINVAL;
    if (!udp_covers_family(&socket->bound, socket->v6_only, to->family))
        return GANDER_EINVAL;
    return GANDER_OK;
}

/* The source: the application's choice, which a bound address limits; else the socket's; else the best one. */
static int choose_source(const struct gander_stack *stack, const struct udp_socket *socket,
                         const struct gander_datagram *datagram, struct udp_path *path)
{
    unsigned family = path->to.family;

    if (datagram && !is_any(&datagram->local)) {
        const struct gander_address *from = &datagram->local;

        if (from->family != family || !ip_is_ours(stack, family, from->ip))
            return GANDER_EINVAL;
        if (!is_any(&socket->bound) &&
            memcmp(socket->bound.ip, from->ip, wire_ip_address_bytes(family)) != 0)
            return GANDER_EINVAL;
        path->source = from->ip;
    } else if (!is_any(&socket->local) && socket->local.family == family) {
        path->source = socket->local.ip;
    } else {
        path->source = ip_source_for(stack, family, path->to.ip);
    }
    return path->source ? GANDER_OK : GANDER_ENETUNREACH;
}

static int choose_path(const struct gander_stack *stack, const struct udp_socket *socket,
                       size_t len, const struct gander_datagram *datagram, struct udp_path *path)
{
    int error = choose_destination(socket, datagram, &path->to);

    if (!error && !ip_route_find(stack, path->to.family, path->to.ip, &path->route))
        error = GANDER_ENETUNREACH;
    if (!error)
        error = choose_source(stack, socket, datagram, path);
    /* UDP's header and ICMP's are 8 bytes both */
    if (!error &&
        len > path->route.mtu_bytes - wire_ip_header_bytes(path->to.family) - UDP_HEADER_BYTES)
        error = GANDER_EMSGSIZE;
    return error;
}

static void wait_for_room(struct gander_stack *stack, struct udp_socket *socket)
{
    if (socket->blocked)
        return;
    socket->blocked = true;
    socket->blocked_next = stack->udp.blocked;
    stack->udp.blocked = socket;
}

static struct gander_packet *packet_with(struct gander_stack *stack,
                                         const struct udp_socket *socket, const uint8_t *data,
                                         size_t len)
{
    struct gander_packet *packet = packet_new(stack);

    if (!packet)
        return NULL;
    if (len > 0 && !packet_append_copy(stack, packet, data, len)) {
        gander_packet_free(packet);
        return NULL;
    }
    packet->id = socket->id;
    return packet;
}

static int emit_datagram(struct gander_stack *stack, const struct udp_socket *socket,
                         struct gander_packet *packet, const struct udp_path *path,
                         const struct ip_send *send)
{
    const struct udp_header header = {.source_port = socket->bound.port,
                                      .destination_port = path->to.port,
                                      .length = (uint16_t)(UDP_HEADER_BYTES + packet->len)};
    uint64_t sum = packet_checksum(stack, packet, 0);
    uint32_t len = packet->len;

    sum += checksum_pseudo(send->family, send->source, send->destination, send->protocol,
                           header.length);
    wire_udp_emit(packet_push(packet, UDP_HEADER_BYTES), &header, sum);
    packet->why = GANDER_WHY_datagram;
    stack->stats.udp_datagrams_out++;
    if (trace_on(stack)) {
        const struct trace_flow flow = {.id = socket->id,
                                        .family = send->family,
                                        .local_ip = send->source,
                                        .remote_ip = send->destination,
                                        .local_port = header.source_port,
                                        .remote_port = header.destination_port};
        struct gander_trace_event event = {.type = GANDER_TRACE_datagram_out};

        event.u.datagram_out = (struct gander_trace_datagram_out){len, GANDER_WHY_datagram};
        trace_emit(stack, &event, &flow);
    }
    return ip_send(stack, packet, send);
}

int64_t udp_send(struct gander_stack *stack, struct udp_socket *socket, const void *data,
                 size_t len, const struct gander_datagram *datagram)
{
    bool ping = socket->sock.kind == SOCK_PING;
    const uint8_t *body = data;
    size_t body_len = len;
    struct gander_packet *packet;
    struct udp_path path;
    struct ip_send send;
    int error = udp_take_error(socket);

    if (error)
        return error;
    if (ping) { /* the datagram begins with the echo's sequence number */
        if (len < 2)
            return GANDER_EINVAL;
        body += 2;
        body_len -= 2;
    }
    error = choose_path(stack, socket, body_len, datagram, &path);
    if (error)
        return error;
    if (stack->links[path.route.link].queued >= LINK_QUEUE_MAX_PACKETS) {
        wait_for_room(stack, socket);
        return GANDER_EAGAIN;
    }
    packet = packet_with(stack, socket, body, body_len);
    if (!packet)
        return GANDER_ENOMEM;
    error = udp_autobind(stack, socket);
    if (error) {
        gander_packet_free(packet);
        return error;
    }
    send = (struct ip_send){.family = path.to.family,
                            .protocol = IP_PROTOCOL_UDP,
                            .ttl = socket->ttl,
                            .traffic_class = socket->traffic_class,
                            .source = path.source,
                            .destination = path.to.ip};
    error = ping ? ping_send(stack, socket, packet, get_be16(data), &send)
                 : emit_datagram(stack, socket, packet, &path, &send);
    return error ? error : (int64_t)len;
}

/* SPDX-License-Identifier: MIT */
/*
 * ICMP of both families [RFC792, RFC1122 3.2.2, RFC4443]: answers echo requests, hands replies to echo sockets and errors to
 * the transport that sent what they quote, and makes errors.
 *
 * An error is made only about what RFC 1122 3.2.2 and RFC 4443 2.4 (e) allow: never about an error, a broadcast, a
 * fragment, or to a source that can't be one; and all that is made, echo replies too, passes a token bucket that belongs
 * to the destination. The buckets are keyed, so nobody can count what others receive (CVE-2020-25705).
 *
 * Left out: redirects and source quench (ignored [RFC6633]), timestamps, neighbour discovery.
 */
#include "ip/ip.h"

#include "base/checksum.h"

enum {
    ICMP_TTL = 64,
    ICMP4_ERROR_MAX_BYTES = 576,  /* [RFC1812 4.3.2.3] */
    ICMP6_ERROR_MAX_BYTES = 1280, /* the least MTU of IPv6 [RFC4443 2.4 (c)] */
    ICMP_QUOTE_MAX_BYTES = ICMP6_ERROR_MAX_BYTES - IP6_HEADER_BYTES - ICMP_HEADER_BYTES
};

/* --- rate limit ------------------------------------------------------------------------------ */

static struct rate_bucket *bucket_for(struct gander_stack *stack, unsigned family,
                                      const uint8_t *destination)
{
    /* one who owns an IPv6 network owns all of its 2^64 addresses: they share a bucket */
    size_t len = family == GANDER_IPV4 ? 4 : 8;
    uint64_t hash = siphash24(&stack->bucket_key, destination, len);

    return &stack->buckets[hash % ICMP_BUCKETS];
}

/* What has trickled in since the last time; `refilled` 0 means never used. */
static void bucket_refill(struct rate_bucket *bucket, gander_time now, uint32_t rate)
{
    uint32_t burst = max_u32(rate >> 3, 1);
    gander_time elapsed = now - bucket->refilled;
    uint64_t granted;

    if (bucket->refilled == 0 || elapsed >= GANDER_S) {
        bucket->tokens = burst;
        bucket->refilled = max_i64(now, 1);
        return;
    }
    if (elapsed < 0)
        return;
    granted = (uint64_t)elapsed * rate / (uint64_t)GANDER_S;
    if (granted == 0)
        return;
    bucket->tokens =
        (uint32_t)(bucket->tokens + granted > burst ? burst : bucket->tokens + granted);
    bucket->refilled += (gander_time)(granted * (uint64_t)GANDER_S / rate);
}

bool icmp_rate_allows(struct gander_stack *stack, unsigned family, const uint8_t *destination)
{
    struct rate_bucket *bucket = bucket_for(stack, family, destination);

    if (stack->config.icmp_errors_per_second != 0) {
        bucket_refill(bucket, stack->now, stack->config.icmp_errors_per_second);
        if (bucket->tokens > 0) {
            bucket->tokens--;
            return true;
        }
    }
    drop_packet(stack, NULL, GANDER_DROP_icmp_rate, NULL);
    return false;
}

/* --- out ------------------------------------------------------------------------------------- */

static void trace_icmp(struct gander_stack *stack, enum gander_trace_type direction,
                       const uint8_t *message, uint32_t len, const struct trace_flow *flow)
{
    struct gander_trace_event event = {0};

    event.type = direction;
    if (direction == GANDER_TRACE_icmp_out) {
        event.u.icmp_out = (struct gander_trace_icmp_out){message[0], message[1], len};
    } else {
        event.u.icmp_in = (struct gander_trace_icmp_in){message[0], message[1], len};
    }
    trace_emit(stack, &event, flow);
}

int icmp_send(struct gander_stack *stack, struct gander_packet *packet,
              const struct icmp_header *header, struct ip_send *send)
{
    uint64_t sum = packet_checksum(stack, packet, 0);
    uint8_t *message = packet_push(packet, ICMP_HEADER_BYTES);

    wire_icmp_emit(send->family, message, header);
    send->protocol = icmp_protocol(send->family);
    if (send->family == GANDER_IPV6)
        sum += checksum_pseudo(send->family, send->source, send->destination, send->protocol,
                               packet->len);
    wire_icmp_checksum(message, sum);
    stack->stats.icmp_out++;
    if (trace_on(stack)) {
        const struct trace_flow flow = {.id = packet->id,
                                        .family = send->family,
                                        .local_ip = send->source,
                                        .remote_ip = send->destination};

        trace_icmp(stack, GANDER_TRACE_icmp_out, message, packet->len, &flow);
    }
    return ip_send(stack, packet, send);
}

/* A packet with this body, ready for icmp_send(); NULL: no memory (counted). */
static struct gander_packet *packet_with_body(struct gander_stack *stack, const uint8_t *body,
                                              size_t len, enum gander_why why)
{
    struct gander_packet *packet = packet_new(stack);

    if (packet && len > 0 && !packet_append_copy(stack, packet, body, len)) {
        gander_packet_free(packet);
        packet = NULL;
    }
    if (!packet) {
        drop_packet(stack, NULL, GANDER_DROP_out_memory, NULL);
        return NULL;
    }
    packet->why = (uint8_t)why;
    return packet;
}

/* The address of ours that answers: the one that was spoken to, unless that was a group. */
static const uint8_t *answer_from(struct gander_stack *stack, const struct ip_arrival *arrival)
{
    const uint8_t *source = arrival->ip.destination;

    if (arrival->broadcast) {
        source = ip_source_for(stack, arrival->ip.family, arrival->ip.source);
        if (!source)
            drop_packet(stack, NULL, GANDER_DROP_out_no_source, NULL);
    }
    return source;
}

static bool error_is_allowed(const struct ip_arrival *arrival, const struct icmp_header *error)
{
    const struct ip_header *ip = &arrival->ip;
    const uint8_t *message = arrival->packet->frag[0].data + ip->header_bytes;

    if (ip->fragment || !ip_is_valid_source(ip->family, ip->source))
        return false;
    /* the one error that may be about a group that we make: an unknown option [RFC4443 2.4 (e.3)] */
    if (arrival->broadcast &&
        !(ip->family == GANDER_IPV6 && error->kind == ICMP_PARAMETER_PROBLEM && error->code == 2))
        return false;
    if (ip->protocol == icmp_protocol(ip->family)) {
        struct icmp_header about;

        return wire_icmp_parse(ip->family, message, ip->payload_bytes, &about) ==
                   GANDER_DROP_none &&
               (about.kind == ICMP_ECHO_REQUEST || about.kind == ICMP_ECHO_REPLY);
    }
    return true;
}

void icmp_send_error(struct gander_stack *stack, const struct ip_arrival *arrival,
                     const struct icmp_header *error)
{
    unsigned family = arrival->ip.family;
    size_t most = (size_t)(family == GANDER_IPV4 ? ICMP4_ERROR_MAX_BYTES : ICMP6_ERROR_MAX_BYTES) -
                  wire_ip_header_bytes(family) - ICMP_HEADER_BYTES;
    uint8_t quote[ICMP_QUOTE_MAX_BYTES];
    struct gander_packet *packet;
    struct ip_send send = {
        .family = (uint8_t)family, .ttl = ICMP_TTL, .destination = arrival->ip.source};

    if (!error_is_allowed(arrival, error) || !icmp_rate_allows(stack, family, arrival->ip.source))
        return;
    send.source = answer_from(stack, arrival);
    if (!send.source)
        return;
    packet = packet_with_body(stack, quote, packet_read(arrival->packet, 0, quote, most),
                              error->kind == ICMP_UNREACHABLE_PORT ? GANDER_WHY_icmp_unreachable
                                                                   : GANDER_WHY_icmp_error);
    if (packet)
        icmp_send(stack, packet, error, &send);
}

/* --- in -------------------------------------------------------------------------------------- */

/* Takes the packet. */
static void answer_echo(struct gander_stack *stack, const struct ip_arrival *arrival,
                        const struct icmp_header *request, const struct trace_flow *flow)
{
    struct icmp_header reply = *request;
    struct gander_packet *packet;
    struct ip_send send = {.family = arrival->ip.family,
                           .ttl = ICMP_TTL,
                           .traffic_class = arrival->ip.traffic_class & 0xfc, /* not its ECN bits */
                           .destination = arrival->ip.source};

    /* Who answers a broadcast is a tool of others' attacks [RFC1122 3.2.2.6: MAY be discarded]. */
    if (!stack->config.icmp_echo || (arrival->broadcast && arrival->ip.family == GANDER_IPV4)) {
        drop_packet(stack, arrival->packet, GANDER_DROP_icmp_type, flow);
        return;
    }
    if (icmp_rate_allows(stack, arrival->ip.family, arrival->ip.source)) {
        send.source = answer_from(stack, arrival);
        packet = send.source ? packet_with_body(stack, request->body, request->body_bytes,
                                                GANDER_WHY_echo_reply)
                             : NULL;
        reply.kind = ICMP_ECHO_REPLY;
        if (packet)
            icmp_send(stack, packet, &reply, &send);
    }
    gander_packet_free(arrival->packet);
}

/* An error that came in: what it quotes must be a packet of ours. Does not take the packet. */
static enum gander_drop deliver_error(struct gander_stack *stack, const struct ip_arrival *arrival,
                                      const struct icmp_header *error)
{
    struct icmp_quote quote;
    enum gander_drop drop;

    if (arrival->broadcast)
        return GANDER_DROP_icmp_type;
    drop = wire_icmp_quote(arrival->ip.family, error->body, error->body_bytes, &quote);
    if (drop != GANDER_DROP_none)
        return drop;
    if (!ip_is_ours(stack, quote.family, quote.source))
        return GANDER_DROP_icmp_no_socket;
    if (quote.protocol == IP_PROTOCOL_TCP)
        tcp_icmp_error(stack, error, &quote);
    else
        udp_icmp_error(stack, error, &quote);
    return GANDER_DROP_none;
}

static bool checksum_is_right(const struct ip_arrival *arrival, const uint8_t *message)
{
    const struct ip_header *ip = &arrival->ip;
    uint64_t sum = checksum_add(0, message, ip->payload_bytes);

    if (ip->family == GANDER_IPV6)
        sum += checksum_pseudo(ip->family, ip->source, ip->destination, ip->protocol,
                               ip->payload_bytes);
    return checksum_finish(sum) == 0;
}

void icmp_input(struct gander_stack *stack, const struct ip_arrival *arrival)
{
    const struct ip_header *ip = &arrival->ip;
    const uint8_t *message = arrival->packet->frag[0].data + ip->header_bytes;
    const struct trace_flow flow = {
        .family = ip->family, .local_ip = ip->destination, .remote_ip = ip->source};
    struct icmp_header header;
    enum gander_drop drop = wire_icmp_parse(ip->family, message, ip->payload_bytes, &header);

    if (drop == GANDER_DROP_none && !checksum_is_right(arrival, message))
        drop = GANDER_DROP_icmp_checksum;
    if (drop != GANDER_DROP_none) {
        drop_packet(stack, arrival->packet, drop, &flow);
        return;
    }
    stack->stats.icmp_in++;
    if (trace_on(stack))
        trace_icmp(stack, GANDER_TRACE_icmp_in, message, ip->payload_bytes, &flow);
    switch (header.kind) {
    case ICMP_ECHO_REQUEST:
        answer_echo(stack, arrival, &header, &flow);
        return;
    case ICMP_ECHO_REPLY:
        ping_input(stack, arrival, &header);
        return;
    case ICMP_OTHER:
        drop = GANDER_DROP_icmp_type;
        break;
    default:
        drop = deliver_error(stack, arrival, &header);
        break;
    }
    if (drop == GANDER_DROP_none)
        gander_packet_free(arrival->packet);
    else
        drop_packet(stack, arrival->packet, drop, &flow);
}

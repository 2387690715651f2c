/* SPDX-License-Identifier: MIT */
/*
 * Segments that no connection sends: resets for segments that belong nowhere [RFC9293 3.5.2], and the answers of compact
 * records. They go through the link's queue.
 */
#include "base/checksum.h"
#include "tcp/tcp.h"

struct bare {
    uint8_t family, why;
    unsigned link;
    const uint8_t *source, *destination;
    const struct tcp_knobs *knobs; /* NULL: the stack's */
    uint64_t id;
};

static void trace_bare(struct gander_stack *stack, const struct bare *b,
                       const struct tcp_segment *seg, uint8_t state)
{
    struct gander_trace_event event = {.type = GANDER_TRACE_segment_out};
    struct trace_flow flow = {.id = b->id,
                              .family = b->family,
                              .local_ip = b->source,
                              .remote_ip = b->destination,
                              .local_port = seg->source_port,
                              .remote_port = seg->destination_port};

    event.u.segment_out = (struct gander_trace_segment_out){.seq = seg->seq,
                                                            .ack = seg->ack,
                                                            .window = seg->wnd,
                                                            .flags = seg->flags,
                                                            .state = state,
                                                            .why = b->why,
                                                            .tsval = seg->tsval,
                                                            .tsecr = seg->tsecr};
    trace_emit(stack, &event, &flow);
    tcp_trace_options(stack, seg, &flow);
}

static void bare_send(struct gander_stack *stack, const struct bare *b,
                      const struct tcp_segment *seg, uint8_t state)
{
    const struct tcp_knobs *knobs = b->knobs ? b->knobs : &stack->tcp.knobs_default;
    struct gander_packet *packet = packet_new(stack);
    struct ip_send ip = {.family = b->family,
                         .protocol = IP_PROTOCOL_TCP,
                         .ttl = knobs->ttl,
                         .traffic_class = knobs->traffic_class,
                         .source = b->source,
                         .destination = b->destination};
    uint32_t bytes = (uint32_t)wire_tcp_header_bytes(seg);
    uint8_t *header;

    if (!packet) {
        drop_packet(stack, NULL, GANDER_DROP_out_memory, NULL);
        return;
    }
    header = packet_push(packet, bytes);
    wire_tcp_emit(header, seg);
    wire_tcp_checksum(
        header, bytes,
        checksum_pseudo(b->family, b->source, b->destination, IP_PROTOCOL_TCP, bytes));
    packet->why = b->why;
    packet->id = b->id;
    stack->stats.tcp_segments_out++;
    if (trace_on(stack))
        trace_bare(stack, b, seg, state);
    ip_push_header(packet, &ip);
    link_enqueue(stack, b->link, packet);
}

/* RFC 9293 3.5.2: never a reset for a reset; sequence numbers such that the sender believes it. */
void tcp_reply_reset(struct gander_stack *stack, const struct tcp_arrival *a, enum gander_why why)
{
    const struct tcp_segment *seg = &a->seg;
    const struct ip_header *ip = &a->ip->ip;
    struct ip_route route;
    struct bare b = {.family = ip->family,
                     .why = (uint8_t)why,
                     .source = ip->destination,
                     .destination = ip->source};
    struct tcp_segment rst = {.flags = GANDER_FLAG_RST,
                              .source_port = seg->destination_port,
                              .destination_port = seg->source_port};

    if ((seg->flags & GANDER_FLAG_RST) || !ip_route_find(stack, ip->family, ip->source, &route) ||
        !icmp_rate_allows(stack, ip->family, ip->source))
        return;
    if (seg->flags & GANDER_FLAG_ACK) {
        rst.seq = seg->ack;
    } else {
        rst.flags |= GANDER_FLAG_ACK;
        rst.ack = seg->seq + seg->len;
    }
    b.link = route.link;
    stack->stats.tcp_resets_out++;
    bare_send(stack, &b, &rst, GANDER_TCP_CLOSED);
}

void tcp_reply(struct gander_stack *stack, struct tcp_entity *entity, uint64_t id,
               const struct tcp_reply *reply)
{
    struct tcp_flow *flow = tcp_entity_flow(entity);
    struct bare b = {.family = entity->family,
                     .why = reply->why,
                     .link = entity->link,
                     .source = flow_local(flow),
                     .destination = flow_remote(flow, entity->family),
                     .knobs = reply->knobs,
                     .id = id};
    struct tcp_segment seg = {.seq = reply->seq,
                              .ack = reply->ack,
                              .wnd = reply->wnd,
                              .flags = reply->flags,
                              .source_port = flow->local_port,
                              .destination_port = flow->remote_port,
                              .mss = reply->mss,
                              .has_wscale = reply->scaling,
                              .wscale = reply->wscale,
                              .sack_permitted = reply->sack_permitted,
                              .has_timestamp = reply->timestamps,
                              .tsval = reply->tsval,
                              .tsecr = reply->tsecr};

    tcp_ace_write(&seg, reply->ace);
    if (reply->accecn) {
        struct tcp_accecn a;

        accecn_begin(&a, ECN_NOT_ECT, true);
        accecn_option_fill(&a, &seg);
    }
    if (reply->uto) {
        seg.rare |= TCP_RARE_USER_TIMEOUT;
        seg.user_timeout = reply->uto;
    }
    if (reply->fastopen)
        tcp_fastopen_cookie(stack, entity->family, flow, &seg);
    bare_send(stack, &b, &seg, entity->state);
}

/* SPDX-License-Identifier: MIT */
/*
 * A segment arrives: checksum, header, then to whom it belongs [RFC9293 3.10.7]: a connection, a compact record, a
 * listener, or nobody.
 */
#include "base/checksum.h"
#include "tcp/tcp.h"

_Static_assert(offsetof(struct tcp_conn, timer) == offsetof(struct tcp_syn_received, timer),
               "timers.c finds the entity from its timer");

static void trace_arrival(struct gander_stack *stack, const struct tcp_arrival *a,
                          const struct tcp_flow *flow, struct tcp_entity *entity)
{
    const struct tcp_segment *seg = &a->seg;
    struct gander_trace_event event = {.type = GANDER_TRACE_segment_in};
    unsigned family = a->ip->ip.family, scale = 0;
    struct tcp_conn *c = NULL;
    struct trace_flow f = {.family = (uint8_t)family,
                           .local_ip = flow->ip,
                           .remote_ip = flow->ip + wire_ip_address_bytes(family),
                           .local_port = flow->local_port,
                           .remote_port = flow->remote_port};

    if (entity && entity->kind == TCP_CONNECTION) {
        c = (void *)entity;
        f.id = c->id;
        scale = c->snd_scale;
    } else if (entity && entity->kind == TCP_SYN_RECEIVED_RECORD) {
        f.id = tcp_full_id(stack, ((struct tcp_syn_received *)(void *)entity)->id);
        scale = ((struct tcp_syn_received *)(void *)entity)->snd_scale;
    } else if (entity) {
        f.id = tcp_full_id(stack, ((struct tcp_time_wait *)(void *)entity)->id);
    }
    event.u.segment_in = (struct gander_trace_segment_in){
        .seq = seg->seq,
        .ack = seg->ack,
        .len = seg->text_len,
        .window = seg->wnd << (seg->flags & GANDER_FLAG_SYN ? 0 : scale),
        .flags = seg->flags,
        .state = entity ? entity->state : GANDER_TCP_CLOSED,
        .tsval = seg->tsval,
        .tsecr = seg->tsecr};
    trace_emit(stack, &event, &f);
    tcp_trace_options(stack, seg, &f);
}

static bool checksum_ok(const struct gander_stack *stack, const struct ip_arrival *ip)
{
    checksum_sum sum;

    if ((ip->packet->flags & GANDER_PACKET_CHECKSUM_OK) ||
        (stack->links[ip->link].flags & GANDER_LINK_TRUSTED))
        return true;
    sum = checksum_pseudo(ip->ip.family, ip->ip.source, ip->ip.destination, IP_PROTOCOL_TCP,
                          ip->ip.payload_bytes);
    return checksum_finish(sum + packet_checksum(stack, ip->packet, ip->ip.header_bytes)) == 0;
}

/*
 * What no state accepts: docs/security.md B15, D4. DEVIATION: RFC 9293 resets segments without flags to closed ports, and takes SYN with
 * FIN; nobody sends them but scanners, which get no answer.
 */
static enum gander_drop sanity(const struct ip_arrival *ip, const struct tcp_segment *seg)
{
    const uint8_t ecn = GANDER_FLAG_ECE | GANDER_FLAG_CWR; /* say nothing by themselves */
    bool syn = seg->flags & GANDER_FLAG_SYN;

    if (ip->broadcast || seg->source_port == 0 || seg->destination_port == 0)
        return GANDER_DROP_tcp_bogus;
    if (seg->source_port == seg->destination_port &&
        memcmp(ip->ip.source, ip->ip.destination, wire_ip_address_bytes(ip->ip.family)) == 0)
        return GANDER_DROP_tcp_bogus; /* LAND */
    if ((seg->flags & ~ecn) == 0 || (syn && (seg->flags & (GANDER_FLAG_FIN | GANDER_FLAG_RST))))
        return GANDER_DROP_tcp_flags;
    return GANDER_DROP_none;
}

static enum gander_drop parse(struct gander_stack *stack, struct tcp_arrival *a)
{
    const struct ip_arrival *ip = a->ip;
    const struct gander_frag *head = &ip->packet->frag[0];
    uint32_t here = min_u32(head->len - ip->ip.header_bytes, ip->ip.payload_bytes);
    enum gander_drop reason;

    if (!checksum_ok(stack, ip))
        return GANDER_DROP_tcp_checksum;
    reason = wire_tcp_parse(head->data + ip->ip.header_bytes, here, &a->seg);
    if (reason != GANDER_DROP_none)
        return reason;
    a->seg.text_len = ip->ip.payload_bytes - a->seg.header_bytes;
    a->seg.len =
        a->seg.text_len + !!(a->seg.flags & GANDER_FLAG_SYN) + !!(a->seg.flags & GANDER_FLAG_FIN);
    return sanity(ip, &a->seg);
}

/* CLOSED, or LISTEN [RFC9293 3.10.7.1, 3.10.7.2]. */
static void no_connection(struct gander_stack *stack, struct tcp_arrival *a,
                          const struct tcp_flow *flow, const tcp_seq *iss_floor)
{
    struct tcp_listener *l =
        tcp_listener_find(stack, a->ip->ip.family, a->ip->ip.destination, a->seg.destination_port);

    if (l) {
        tcp_listen_arrives(stack, l, a, flow, iss_floor);
        return;
    }
    tcp_reply_reset(stack, a, GANDER_WHY_rst_no_connection);
    tcp_drop(stack, NULL, a, GANDER_DROP_tcp_no_connection);
}

static void dispatch(struct gander_stack *stack, struct tcp_arrival *a)
{
    unsigned family = a->ip->ip.family;
    struct tcp_entity *entity;
    struct tcp_flow flow;
    tcp_seq floor = 0;

    tcp_flow_of(&flow, a->ip, &a->seg);
    entity = tcp_flow_arrived(stack, family, &flow);
    if (trace_on(stack))
        trace_arrival(stack, a, &flow, entity);
    if (!entity) {
        no_connection(stack, a, &flow, NULL);
    } else if (LIKELY(entity->kind == TCP_CONNECTION)) {
        tcp_arrives(stack, (void *)entity, a);
    } else if (entity->kind == TCP_SYN_RECEIVED_RECORD) {
        tcp_syn_received_arrives(stack, (void *)entity, a);
    } else if (tcp_time_wait_arrives(stack, (void *)entity, a, &floor)) {
        no_connection(stack, a, &flow, &floor);
    }
}

void tcp_input(struct gander_stack *stack, struct ip_arrival *arrival)
{
    struct tcp_arrival a = {.packet = arrival->packet, .ip = arrival};
    enum gander_drop reason;

    stack->stats.tcp_segments_in++;
    reason = parse(stack, &a);
    if (UNLIKELY(reason != GANDER_DROP_none)) {
        tcp_drop(stack, NULL, &a, reason);
        return;
    }
    if (UNLIKELY(a.seg.flags & GANDER_FLAG_RST))
        stack->stats.tcp_resets_in++;
    dispatch(stack, &a);
}

void tcp_drop_nothing(struct gander_stack *stack, struct tcp_entity *entity, uint64_t id,
                      enum gander_drop reason)
{
    struct trace_flow flow;

    if (trace_on(stack))
        tcp_trace_flow(entity, id, &flow);
    drop_packet(stack, NULL, reason, trace_on(stack) ? &flow : NULL);
}

void tcp_drop(struct gander_stack *stack, struct tcp_conn *c, struct tcp_arrival *a,
              enum gander_drop reason)
{
    struct trace_flow flow;

    if (c && trace_on(stack))
        tcp_trace_flow(&c->entity, c->id, &flow);
    drop_packet(stack, a->packet, reason, c && trace_on(stack) ? &flow : NULL);
    a->packet = NULL;
}

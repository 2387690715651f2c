/* SPDX-License-Identifier: MIT */
/*
 * Builds one segment of a connection: header, options, references to its text, checksum, IP header. Every segment of a
 * connection leaves through here, and is counted and traced here.
 */
#include "base/checksum.h"
#include "tcp/tcp.h"

uint32_t tcp_timestamp(const struct gander_stack *stack, uint32_t offset)
{
    return stack->tcp.clock_ms + offset;
}

/* What SYN and SYN-ACK offer, or agree to [RFC9293 3.7.1, RFC7323 2.2, RFC2018 2]. */
static void syn_options(const struct gander_stack *stack, const struct tcp_conn *c,
                        struct tcp_segment *seg)
{
    const struct tcp_knobs *knobs = tcp_knobs_of(stack, c);
    bool answer = seg->flags & GANDER_FLAG_ACK;
    uint32_t mss = stack->links[c->entity.link].mtu_bytes - wire_ip_header_bytes(c->entity.family) -
                   TCP_HEADER_BYTES;
    uint16_t limit = knobs->max_segment;

    seg->mss = (uint16_t)(limit ? min_u32(mss, limit) : mss);
    seg->has_wscale = answer ? c->flags & TCP_SCALING : knobs->window_scaling;
    seg->wscale = c->rcv_scale;
    seg->sack_permitted = answer ? c->flags & TCP_SACK : knobs->sack;
    seg->has_timestamp = answer ? c->flags & TCP_TIMESTAMPS : knobs->timestamps;
}

/* SACK blocks go where they do not make the text shorter. */
static void ack_options(struct gander_stack *stack, struct tcp_conn *c, const struct tcp_send *send,
                        struct tcp_segment *seg)
{
    uint8_t fit = seg->has_timestamp ? 3 : 4;

    if (!tcp_sack_waits(c) || (send->flags & GANDER_FLAG_RST))
        return;
    if (send->text_len + 4 + fit * 8U > c->mss)
        return;
    seg->sack_blocks = tcp_sacks_to_tell(stack, c, seg->sack, fit);
}

static void trace_segment(struct gander_stack *stack, struct tcp_conn *c,
                          const struct tcp_segment *seg, const struct tcp_send *send)
{
    struct gander_trace_event event = {.type = GANDER_TRACE_segment_out};
    bool syn = seg->flags & GANDER_FLAG_SYN;
    struct trace_flow flow;

    event.u.segment_out = (struct gander_trace_segment_out){
        .seq = seg->seq,
        .ack = seg->ack,
        .len = send->text_len,
        .window = seg->wnd << (syn || !(c->flags & TCP_SCALING) ? 0 : c->rcv_scale),
        .flags = seg->flags,
        .state = c->entity.state,
        .why = send->why,
        .transmissions = send->transmissions,
        .cwnd = c->cwnd,
        .flight = c->snd.nxt - c->snd.una,
        .tsval = seg->tsval,
        .tsecr = seg->tsecr};
    tcp_trace_flow(&c->entity, c->id, &flow);
    trace_emit(stack, &event, &flow);
    tcp_trace_options(stack, seg, &flow);
}

static void acked_with(struct tcp_conn *c, const struct tcp_segment *seg)
{
    c->flags &= ~(uint32_t)TCP_ACK_NOW;
    c->last_ack_sent = seg->ack;
    if (!c->busy)
        return;
    c->busy->unacked_segs = 0;
    tcp_timers_on_ack_sent(c);
}

/* Returns the ECN codepoint of the IP header. */
static unsigned header_fill(struct gander_stack *stack, struct tcp_conn *c,
                            const struct tcp_send *send, struct tcp_segment *seg)
{
    bool syn = send->flags & GANDER_FLAG_SYN;

    *seg = (struct tcp_segment){.seq = send->seq,
                                .flags = send->flags,
                                .source_port = c->flow.local_port,
                                .destination_port = c->flow.remote_port,
                                .has_timestamp = c->flags & TCP_TIMESTAMPS};
    if (send->flags & GANDER_FLAG_ACK)
        seg->ack = c->rcv.nxt;
    if (!(send->flags & GANDER_FLAG_RST))
        seg->wnd = tcp_window_offer(c, !syn);
    if ((c->flags & TCP_URGENT_OUT) && seq_lt(send->seq, c->busy->snd_up)) {
        seg->flags |= GANDER_FLAG_URG; /* RFC 6093: points behind the last urgent byte */
        seg->up = (uint16_t)min_u32(c->busy->snd_up - send->seq, UINT16_MAX);
    }
    if (syn)
        syn_options(stack, c, seg);
    if (syn && c->busy->fastopen)
        tcp_fastopen_out(stack, c, send, seg);
    else
        ack_options(stack, c, send, seg);
    if (seg->has_timestamp) {
        seg->tsval = tcp_timestamp(stack, c->ts_offset);
        seg->tsecr = send->flags & GANDER_FLAG_ACK ? c->ts_recent : 0;
    }
    if (c->knobs)
        tcp_uto_out(c, send, seg);
    return UNLIKELY(c->ecn) ? tcp_ecn_out(c, send, seg) : ECN_NOT_ECT;
}

static void headers_push(struct gander_stack *stack, struct tcp_conn *c,
                         struct gander_packet *packet, const struct tcp_segment *seg,
                         uint32_t text_len, unsigned codepoint)
{
    const struct tcp_knobs *knobs = tcp_knobs_of(stack, c);
    unsigned family = c->entity.family;
    uint32_t bytes = (uint32_t)wire_tcp_header_bytes(seg);
    uint8_t *header = packet_push(packet, bytes);
    const struct ip_send ip = {.family = (uint8_t)family,
                               .protocol = IP_PROTOCOL_TCP,
                               .ttl = knobs->ttl,
                               .traffic_class = (uint8_t)(knobs->traffic_class | codepoint),
                               .source = flow_local(&c->flow),
                               .destination = flow_remote(&c->flow, family)};

    wire_tcp_emit(header, seg);
    if (!(stack->links[c->entity.link].flags & GANDER_LINK_TRUSTED)) {
        checksum_sum sum =
            checksum_pseudo(family, ip.source, ip.destination, IP_PROTOCOL_TCP, bytes + text_len);

        wire_tcp_checksum(header, bytes,
                          text_len ? sum + packet_checksum(stack, packet, bytes) : sum);
    } else {
        packet->flags |= GANDER_PACKET_CHECKSUM_OK;
    }
    ip_push_header(packet, &ip);
}

struct gander_packet *tcp_segment_build(struct gander_stack *stack, struct tcp_conn *c,
                                        const struct tcp_send *send)
{
    struct gander_packet *packet = packet_new(stack);
    struct tcp_send sent = *send;
    struct tcp_segment seg;
    unsigned codepoint;

    if (!packet) {
        tcp_drop_nothing(stack, &c->entity, c->id, GANDER_DROP_out_memory);
        return NULL;
    }
    if (send->text_len > 0)
        sent.text_len = sendq_refer(&c->busy->sendq, send->seq + !!(send->flags & GANDER_FLAG_SYN),
                                    send->text_len, packet);
    if (sent.text_len < send->text_len) /* in too many pieces: what follows goes in the next */
        sent.flags &= (uint8_t) ~(GANDER_FLAG_FIN | GANDER_FLAG_PSH);
    codepoint = header_fill(stack, c, &sent, &seg);
    headers_push(stack, c, packet, &seg, sent.text_len, codepoint);
    packet->why = sent.why;
    packet->id = c->id;
    if (seg.flags & GANDER_FLAG_ACK)
        acked_with(c, &seg);
    tcp_meter_out(stack, c, sent.text_len, sent.transmissions);
    stack->stats.tcp_segments_out++;
    if (sent.transmissions > 1)
        stack->stats.tcp_retransmitted_segments++;
    if (trace_on(stack))
        trace_segment(stack, c, &seg, &sent);
    packet->seq = sent.text_len; /* for the caller: how much went in */
    return packet;
}

void tcp_send_reset(struct gander_stack *stack, struct tcp_conn *c, enum gander_why why)
{
    struct tcp_send send = {
        .seq = c->snd.nxt, .flags = GANDER_FLAG_RST | GANDER_FLAG_ACK, .why = (uint8_t)why};
    struct gander_packet *packet = tcp_segment_build(stack, c, &send);

    if (!packet)
        return;
    stack->stats.tcp_resets_out++;
    link_enqueue(stack, c->entity.link, packet);
}

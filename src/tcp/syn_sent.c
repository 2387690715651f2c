/* SPDX-License-Identifier: MIT */
/* SEGMENT ARRIVES in SYN-SENT [RFC9293 3.10.7.3]: first ACK, second RST, fourth SYN, fifth neither. */
#include "tcp/tcp.h"

/* First. RFC 9293: SND.UNA < SEG.ACK =< SND.NXT; TSecr must be ours as well [RFC7323 5.4 in short]. */
static bool ack_is_acceptable(const struct tcp_conn *c, const struct tcp_segment *seg)
{
    return seq_gt(seg->ack, c->snd.iss) && seq_leq(seg->ack, c->snd.nxt);
}

/* What both ends can do from now on. */
static void options_agree(struct gander_stack *stack, struct tcp_conn *c,
                          const struct tcp_segment *seg)
{
    const struct tcp_knobs *knobs = tcp_knobs_of(stack, c);

    if (seg->has_timestamp && knobs->timestamps) {
        c->flags |= TCP_TIMESTAMPS;
        c->ts_recent = seg->tsval;
        c->ts_recent_s = (uint32_t)((uint64_t)stack->now / (uint64_t)GANDER_S);
    } else {
        c->flags &= ~(uint32_t)TCP_TIMESTAMPS;
    }
    if (seg->has_wscale && knobs->window_scaling) {
        c->flags |= TCP_SCALING;
        c->snd_scale = seg->wscale & 15U;
    } else {
        c->rcv_scale = 0;
    }
    if (seg->sack_permitted && knobs->sack)
        c->flags |= TCP_SACK;
    tcp_conn_set_mss(c, seg->mss);
    c->mss_receive = c->mss;
}

static void irs_take(struct tcp_conn *c, const struct tcp_segment *seg)
{
    uint32_t offered = c->rcv.edge - c->rcv.nxt; /* by our SYN, relative to 0 */

    c->rcv.irs = seg->seq;
    c->rcv.nxt = seg->seq + 1;
    c->rcv.edge = c->rcv.nxt + offered;
    c->last_ack_sent = c->rcv.nxt;
}

/* The answer to a SYN-ACK goes in a segment without text [RFC9768 3.2.2.1]. */
static void ack_alone(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_send ack = {
        .seq = c->snd.nxt, .flags = GANDER_FLAG_ACK, .why = GANDER_WHY_ack_handshake};
    struct gander_packet *packet = tcp_segment_build(stack, c, &ack);

    if (packet)
        link_enqueue(stack, c->entity.link, packet);
}

/* Our SYN is acknowledged: ESTABLISHED. */
static void established(struct gander_stack *stack, struct tcp_conn *c,
                        const struct tcp_segment *seg)
{
    struct rtxq *q = &c->busy->rtxq;
    const struct tcp_record *syn = rtxq_at(q, q->first);

    if (syn->transmissions == 1)
        tcp_rtt_sample(stack, c, stack->now - syn->sent_ns);
    tcp_cc_init(stack, c);
    if (syn->transmissions > 1)
        c->cwnd = c->mss; /* RFC 5681 3.1: a lost SYN makes the initial window one segment */
    c->busy->backoff = 0; /* RFC 6298 (5.7): begin with 3 s, not with the SYN's time-out */
    rtxq_pop(q);
    c->busy->meter.delivered_segs++;
    c->snd.una = seg->ack;
    c->snd.wnd = c->snd.max_wnd = seg->wnd; /* in a SYN never scaled [RFC7323 2.2] */
    c->snd.wl1 = seg->seq;
    c->snd.wl2 = seg->ack;
    c->busy->fack = c->busy->rack_end = seg->ack;
    tcp_fastopen_agree(stack, c, seg);
    tcp_pmtu_begin(stack, c);
    tcp_uto_arrives(stack, c, seg);
    tcp_timers_on_heard(stack, c);
    tcp_timers_on_ack(stack, c);
    tcp_state_set(stack, c, GANDER_TCP_ESTABLISHED, GANDER_CAUSE_segment);
    if (c->flags & TCP_FIN_QUEUED)
        tcp_state_set(stack, c, GANDER_TCP_FIN_WAIT_1, GANDER_CAUSE_close);
    tcp_ack_now(stack, c, GANDER_WHY_ack_handshake);
    if ((c->ecn & TCP_ECN_REFLECT) && (sendq_bytes(&c->busy->sendq) || c->flags & TCP_FIN_QUEUED))
        ack_alone(stack, c);
    sock_event(stack, &c->sock, GANDER_EVENT_CONNECTED | GANDER_EVENT_WRITABLE, 0);
    tcp_timers_on_quiet(stack, c);
}

/* Both opened at once [RFC9293 3.5, figure 7]: our SYN goes again, with an ACK. */
static void simultaneous(struct gander_stack *stack, struct tcp_conn *c,
                         const struct tcp_segment *seg)
{
    c->snd.wnd = c->snd.max_wnd = seg->wnd;
    c->snd.wl1 = seg->seq;
    c->snd.wl2 = c->snd.iss;
    tcp_cc_init(stack, c);
    tcp_state_set(stack, c, GANDER_TCP_SYN_RECEIVED, GANDER_CAUSE_segment);
    c->flags |= TCP_SYN_QUEUED;
    tcp_output_wanted(stack, c);
}

/* What else came with the SYN-ACK is processed as in ESTABLISHED. */
static void rest_of_segment(struct gander_stack *stack, struct tcp_conn *c, struct tcp_arrival *a)
{
    struct tcp_segment *seg = &a->seg;

    packet_pull(a->packet, a->ip->ip.header_bytes + seg->header_bytes);
    seg->flags &= (uint8_t)~GANDER_FLAG_SYN;
    seg->seq++;
    seg->len--;
    tcp_rest_arrives(stack, c, a);
}

enum tcp_verdict tcp_syn_sent_arrives(struct gander_stack *stack, struct tcp_conn *c,
                                      struct tcp_arrival *a)
{
    const struct tcp_segment *seg = &a->seg;
    bool ack = seg->flags & GANDER_FLAG_ACK;
    unsigned codepoint = a->ip->ip.traffic_class & ECN_MASK;

    if (ack && !ack_is_acceptable(c, seg)) { /* first */
        tcp_reply_reset(stack, a, GANDER_WHY_rst_bad_ack);
        tcp_drop(stack, c, a, GANDER_DROP_tcp_bad_ack);
        return TCP_DONE;
    }
    if (seg->flags & GANDER_FLAG_RST) { /* second */
        if (!ack) {
            tcp_drop(stack, c, a, GANDER_DROP_tcp_no_ack);
            return TCP_DONE;
        }
        tcp_conn_end(stack, c, GANDER_CAUSE_reset, GANDER_ECONNREFUSED);
        return TCP_DONE;
    }
    if (!(seg->flags & GANDER_FLAG_SYN)) { /* fifth */
        tcp_drop(stack, c, a, ack ? GANDER_DROP_tcp_bad_ack : GANDER_DROP_tcp_no_ack);
        return TCP_DONE;
    }
    irs_take(c, seg); /* fourth */
    options_agree(stack, c, seg);
    if (ack) {
        tcp_ecn_agree(c, seg, codepoint);
        established(stack, c, seg);
        rest_of_segment(stack, c, a);
    } else {
        tcp_ecn_answers(stack, c, seg, codepoint);
        simultaneous(stack, c, seg);
    }
    return TCP_DONE;
}

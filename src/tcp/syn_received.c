/* SPDX-License-Identifier: MIT */
/*
 * The SYN-RECEIVED of a passive open [RFC9293 3.10.7.4]: a compact record of its listener, which the ACK of our SYN turns into a
 * connection. The steps are those of arrives.c, on what a record knows.
 *
 * Text that comes with a SYN is not kept: it is not acknowledged, and comes again [RFC9293 3.10.7.2 allows to queue it].
 *
 * DEVIATION: the SYN once more gets the SYN-ACK once more, not only the ACK in it; and another SYN in the window gets a challenge
 * ACK as in the states behind [RFC5961 4.2], where RFC 9293 3.10.7.4 goes back to LISTEN: nobody shall end it blindly.
 */
#include "tcp/tcp.h"

static uint32_t now_us(const struct gander_stack *stack)
{
    return (uint32_t)((uint64_t)stack->now / 1000);
}

/* --- the record ------------------------------------------------------------------------------------ */

static void listener_link(struct tcp_syn_received *r)
{
    struct tcp_listener *l = r->listener;

    r->next = l->records;
    r->at = &l->records;
    if (r->next)
        r->next->at = &r->next;
    l->records = r;
    l->pending++;
}

static void listener_unlink(struct tcp_syn_received *r)
{
    *r->at = r->next;
    if (r->next)
        r->next->at = r->at;
    r->listener->pending--;
}

void tcp_syn_received_free(struct gander_stack *stack, struct tcp_syn_received *r)
{
    wheel_cancel(&stack->wheel, &r->timer);
    listener_unlink(r);
    stack->tcp.syn_received--;
    tcp_flow_remove(stack, &r->entity);
    pool_put(r);
}

void tcp_syn_received_end(struct gander_stack *stack, struct tcp_syn_received *r,
                          enum gander_cause cause)
{
    tcp_state_trace(stack, &r->entity, tcp_full_id(stack, r->id), GANDER_TCP_SYN_RECEIVED,
                    GANDER_TCP_CLOSED, cause);
    tcp_syn_received_free(stack, r);
}

/* `again`: in answer to the SYN once more [RFC9768 3.2.3.2.2: without the option] */
void tcp_syn_ack_send(struct gander_stack *stack, struct tcp_syn_received *r, uint32_t tsval,
                      bool again)
{
    struct tcp_listener *l = r->listener;
    uint32_t mss = stack->links[r->entity.link].mtu_bytes - wire_ip_header_bytes(r->entity.family) -
                   (uint32_t)TCP_HEADER_BYTES;

    if (l->knobs && l->knobs->max_segment)
        mss = min_u32(mss, l->knobs->max_segment);
    tcp_reply(stack, &r->entity, tcp_full_id(stack, r->id),
              &(struct tcp_reply){
                  .seq = r->iss,
                  .ack = r->irs + 1,
                  .wnd = tcp_listener_window(l),
                  .flags = GANDER_FLAG_SYN | GANDER_FLAG_ACK,
                  .why = r->retries ? GANDER_WHY_syn_ack_retransmit : GANDER_WHY_syn_ack,
                  .timestamps = r->flags & TCP_TIMESTAMPS,
                  .sack_permitted = r->flags & TCP_SACK,
                  .scaling = r->flags & TCP_SCALING,
                  .wscale = r->rcv_scale,
                  .knobs = l->knobs,
                  .mss = (uint16_t)min_u32(mss, UINT16_MAX),
                  .tsval = tsval,
                  .tsecr = r->ts_recent,
                  .ace = (uint8_t)tcp_ecn_answer(r->ecn, r->ecn >> TCP_ECN_SYN_SHIFT, r->retries),
                  .fastopen = r->fastopen,
                  .uto = tcp_listener_knobs(stack, l)->uto_enabled
                             ? tcp_uto_value(tcp_listener_knobs(stack, l))
                             : 0,
                  .accecn = (r->ecn & TCP_ECN_ACCURATE) && !r->retries && !again});
}

static void syn_ack_send(struct gander_stack *stack, struct tcp_syn_received *r, bool again)
{
    uint32_t offset = tcp_timestamp_offset(stack, r->entity.family, &r->flow);

    tcp_syn_ack_send(stack, r, tcp_timestamp(stack, offset), again);
}

static void retry_arm(struct gander_stack *stack, struct tcp_syn_received *r)
{
    const struct tcp_knobs *knobs = tcp_listener_knobs(stack, r->listener);
    gander_time rto = knobs->rto_initial_ns << r->retries;

    wheel_arm(&stack->wheel, &r->timer, stack->now + min_i64(rto, knobs->rto_max_ns));
}

/* The peer has the SYN-ACK; only text, or the listener's patience at an end, opens the connection. */
static bool is_deferred(const struct gander_stack *stack, const struct tcp_syn_received *r)
{
    gander_time wait = tcp_listener_knobs(stack, r->listener)->defer_accept_ns;

    return r->acked && (gander_time)(now_us(stack) - r->sent_us) * 1000 < wait;
}

void tcp_syn_received_timer(struct gander_stack *stack, struct tcp_syn_received *r)
{
    if (r->retries >= tcp_listener_knobs(stack, r->listener)->synack_retries) {
        tcp_syn_received_end(stack, r, GANDER_CAUSE_timeout);
        return;
    }
    r->retries = (r->retries + 1U) & 31U;
    if (!is_deferred(stack, r)) {
        stack->stats.tcp_retransmitted_segments++;
        syn_ack_send(stack, r, false);
    }
    retry_arm(stack, r);
}

/* --- a SYN for a listener ------------------------------------------------------------------------------ */

void tcp_syn_received_fill(struct gander_stack *stack, struct tcp_syn_received *r,
                           struct tcp_listener *l, const struct tcp_arrival *a,
                           const struct tcp_flow *flow)
{
    const struct tcp_knobs *knobs = tcp_listener_knobs(stack, l);
    const struct tcp_segment *seg = &a->seg;
    unsigned family = a->ip->ip.family;

    memset(r, 0, offsetof(struct tcp_syn_received, flow));
    memcpy(&r->flow, flow, offsetof(struct tcp_flow, ip) + 2 * wire_ip_address_bytes(family));
    r->entity = (struct tcp_entity){.kind = TCP_SYN_RECEIVED_RECORD,
                                    .family = (uint8_t)family,
                                    .state = GANDER_TCP_SYN_RECEIVED,
                                    .hash = tcp_flow_hash(stack, family, flow)};
    timer_init(&r->timer);
    r->listener = l;
    r->irs = seg->seq;
    r->mss = seg->mss;
    r->wnd = (uint16_t)seg->wnd;
    r->sent_us = now_us(stack);
    if (seg->has_timestamp && knobs->timestamps) {
        r->flags |= TCP_TIMESTAMPS;
        r->ts_recent = seg->tsval;
    }
    if (seg->has_wscale && knobs->window_scaling) {
        r->flags |= TCP_SCALING;
        r->snd_scale = seg->wscale & 15U;
        r->rcv_scale = tcp_listener_scale(stack, l) & 15U;
    }
    if (seg->sack_permitted && knobs->sack)
        r->flags |= TCP_SACK;
    r->ecn = tcp_ecn_asked(knobs, seg);
    if (r->ecn)
        r->ecn |= (uint8_t)((a->ip->ip.traffic_class & ECN_MASK) << TCP_ECN_SYN_SHIFT);
}

bool tcp_syn_received_begin(struct gander_stack *stack, const struct tcp_syn_received *filled,
                            const tcp_seq *iss_floor)
{
    bool v4 = filled->entity.family == GANDER_IPV4;
    struct tcp_syn_received *r = pool_get(v4 ? &stack->tcp.syn4 : &stack->tcp.syn6);

    if (!r)
        return false;
    memcpy(r, filled, offsetof(struct tcp_syn_received, flow.ip) + (v4 ? 8 : 32));
    if (!tcp_flow_insert(stack, &r->entity)) {
        pool_put(r);
        return false;
    }
    listener_link(r);
    stack->tcp.syn_received++;
    r->id = (uint32_t)stack->next_id++;
    r->iss = tcp_isn(stack, r->entity.family, &r->flow);
    if (iss_floor && seq_leq(r->iss, *iss_floor)) /* beyond what TIME-WAIT remembers [RFC6191 2] */
        r->iss = *iss_floor + 1;
    tcp_state_trace(stack, &r->entity, tcp_full_id(stack, r->id), GANDER_TCP_LISTEN,
                    GANDER_TCP_SYN_RECEIVED, GANDER_CAUSE_segment);
    syn_ack_send(stack, r, false);
    retry_arm(stack, r);
    return true;
}

/* --- the ACK of our SYN ------------------------------------------------------------------------------ */

static void promote_fields(struct gander_stack *stack, struct tcp_conn *c,
                           const struct tcp_syn_received *r)
{
    const struct tcp_listener *l = r->listener;

    c->entity.link = r->entity.link;
    c->entity.hash = r->entity.hash;
    c->entity.state = GANDER_TCP_SYN_RECEIVED; /* the record's; traced when it was made */
    tcp_state_count(stack, GANDER_TCP_CLOSED, GANDER_TCP_SYN_RECEIVED);
    c->id = tcp_full_id(stack, r->id);
    c->flags = (l->flags & ~(uint32_t)TCP_V6_ONLY) | r->flags;
    c->mtu = (uint16_t)ip_path_mtu(stack, r->entity.family,
                                   r->flow.ip + wire_ip_address_bytes(r->entity.family),
                                   stack->links[r->entity.link].mtu_bytes);
    c->cc = l->cc;
    c->send_limit_bytes = l->send_limit_bytes;
    c->receive_limit_bytes = l->receive_limit_bytes;
    c->sock.context = l->sock.context;
    c->snd.iss = r->iss;
    c->snd.una = c->snd.nxt = r->iss + 1;
    c->snd_scale = r->snd_scale;
    c->rcv.irs = r->irs;
    c->rcv.nxt = r->irs + 1;
    c->rcv.edge = c->rcv.nxt + tcp_listener_window(l);
    c->rcv_scale = r->rcv_scale;
    c->snd.wnd = c->snd.max_wnd = r->wnd;
    c->snd.wl1 = r->irs;
    c->snd.wl2 = c->snd.una;
    c->ts_recent = r->ts_recent;
    c->ts_recent_s = (uint32_t)((uint64_t)stack->now / (uint64_t)GANDER_S);
    c->ts_offset = tcp_timestamp_offset(stack, r->entity.family, &r->flow);
    c->last_ack_sent = c->rcv.nxt;
}

static void ecn_begin(struct tcp_conn *c, const struct tcp_syn_received *r)
{
    c->ecn = r->ecn & (TCP_ECN_MODES | TCP_ECN_NO_ECT);
    if (c->ecn & TCP_ECN_MODES)
        c->ecn |= TCP_ECN_UNHEARD;
    if (c->ecn & TCP_ECN_ACCURATE)
        accecn_begin(&c->knobs->accecn, r->ecn >> TCP_ECN_SYN_SHIFT, true);
}

struct tcp_conn *tcp_syn_received_promote(struct gander_stack *stack,
                                          const struct tcp_syn_received *r)
{
    struct tcp_listener *l = r->listener;
    struct tcp_conn *c = tcp_conn_new(stack, r->entity.family);
    bool v4 = r->entity.family == GANDER_IPV4;

    if (!c)
        return NULL;
    if (l->knobs || (r->ecn & TCP_ECN_ACCURATE) || stack->tcp.knobs_default.uto_enabled) {
        c->knobs = pool_get(&stack->tcp.knobs);
        if (!c->knobs) {
            tcp_conn_free(stack, c);
            return NULL;
        }
        *c->knobs = *tcp_listener_knobs(stack, l);
    }
    ecn_begin(c, r);
    stack->next_id--; /* it keeps the record's */
    memcpy(&c->flow, &r->flow, offsetof(struct tcp_flow, ip) + (v4 ? 8 : 32));
    promote_fields(stack, c, r);
    tcp_conn_set_mss(c, r->mss);
    tcp_pmtu_begin(stack, c);
    c->mss_receive = c->mss;
    tcp_cc_init(stack, c);
    if (r->from_cookie) { /* it remembers no time: the first data give the first sample */
    } else if (r->retries) {
        c->rttvar_ns = 3 * GANDER_S; /* RFC 6298 (5.7) */
        c->cwnd = c->mss;
    } else { /* what rtt.c does with a first sample */
        c->srtt_ns = max_i64((gander_time)(now_us(stack) - r->sent_us) * 1000, 1);
        c->rttvar_ns = c->srtt_ns / 2;
    }
    return c;
}

static void established(struct gander_stack *stack, struct tcp_conn *c, struct tcp_listener *l,
                        struct tcp_arrival *a)
{
    tcp_accept_queue_append(stack, l, c);
    tcp_state_set(stack, c, GANDER_TCP_ESTABLISHED, GANDER_CAUSE_segment);
    tcp_arrives(stack, c, a);
}

/* The ACK of our SYN: the connection takes the record's place, and the segment is its first. */
static void record_established(struct gander_stack *stack, struct tcp_syn_received *r,
                               struct tcp_arrival *a)
{
    struct tcp_listener *l = r->listener;
    struct tcp_conn *c = tcp_syn_received_promote(stack, r);

    if (!c) {
        tcp_drop(stack, NULL, a, GANDER_DROP_tcp_memory);
        return;
    }
    tcp_flow_replace(stack, &r->entity, &c->entity);
    c->flags |= TCP_IN_TABLE;
    wheel_cancel(&stack->wheel, &r->timer);
    listener_unlink(r);
    stack->tcp.syn_received--;
    pool_put(r);
    established(stack, c, l, a);
}

/* The same from a cookie: there was no record, and the table has to take the connection. */
void tcp_syn_cookie_established(struct gander_stack *stack, struct tcp_syn_received *r,
                                struct tcp_arrival *a)
{
    struct tcp_conn *c;

    c = tcp_syn_received_promote(stack, r);
    if (c && tcp_flow_insert(stack, &c->entity)) {
        c->flags |= TCP_IN_TABLE;
        established(stack, c, r->listener, a);
        return;
    }
    if (c)
        tcp_conn_free(stack, c);
    tcp_drop(stack, NULL, a, GANDER_DROP_tcp_memory);
}

static bool begins_in_window(const struct tcp_syn_received *r, const struct tcp_segment *seg)
{
    uint32_t window = tcp_listener_window(r->listener);

    return seq_between(r->irs + 1, seg->seq, r->irs + 1 + window);
}

/* Is any of it in the window? As is_acceptable() of arrives.c. */
static bool in_window(const struct tcp_syn_received *r, const struct tcp_segment *seg)
{
    return begins_in_window(r, seg) ||
           (seq_leq(seg->seq, r->irs) && seg->len > r->irs + 1 - seg->seq);
}

static void record_ack(struct gander_stack *stack, struct tcp_syn_received *r, enum gander_why why)
{
    uint32_t offset = tcp_timestamp_offset(stack, r->entity.family, &r->flow);

    tcp_reply(stack, &r->entity, tcp_full_id(stack, r->id),
              &(struct tcp_reply){.seq = r->iss + 1,
                                  .ack = r->irs + 1,
                                  .wnd = (uint16_t)min_u32(
                                      r->listener->receive_limit_bytes >> r->rcv_scale, UINT16_MAX),
                                  .knobs = r->listener->knobs,
                                  .flags = GANDER_FLAG_ACK,
                                  .why = (uint8_t)why,
                                  .timestamps = r->flags & TCP_TIMESTAMPS,
                                  .tsval = tcp_timestamp(stack, offset),
                                  .tsecr = r->ts_recent});
}

/* RFC 7323 5.3 R1, 3.2, as check_timestamp() of arrives.c. */
static enum tcp_verdict record_timestamp(struct gander_stack *stack, struct tcp_syn_received *r,
                                         struct tcp_arrival *a)
{
    const struct tcp_segment *seg = &a->seg;

    if (!(r->flags & TCP_TIMESTAMPS) || (seg->flags & GANDER_FLAG_RST))
        return TCP_CONTINUE;
    if (!seg->has_timestamp && !(seg->flags & GANDER_FLAG_SYN)) {
        tcp_drop(stack, NULL, a, GANDER_DROP_tcp_no_timestamp);
        return TCP_DONE;
    }
    if (!seg->has_timestamp || !seq_lt(seg->tsval, r->ts_recent))
        return TCP_CONTINUE;
    record_ack(stack, r, GANDER_WHY_ack_duplicate);
    tcp_drop(stack, NULL, a, GANDER_DROP_tcp_paws);
    return TCP_DONE;
}

/* Back to LISTEN, nobody is told; RFC 5961 3.2. */
static void record_reset(struct gander_stack *stack, struct tcp_syn_received *r,
                         struct tcp_arrival *a)
{
    if (a->seg.seq == r->irs + 1) {
        tcp_syn_received_end(stack, r, GANDER_CAUSE_reset);
        gander_packet_free(a->packet);
        return;
    }
    if (begins_in_window(r, &a->seg))
        record_ack(stack, r, GANDER_WHY_ack_challenge);
    tcp_drop(stack, NULL, a, GANDER_DROP_tcp_rst_not_exact);
}

/*
 * The SYN again: so is the answer. It may not ask for what it asked for before: whoever sent it without takes no ECT
 * [RFC3168 6.1.1, RFC9768 3.1.5]; but from one kind to the other nobody may change.
 */
static void syn_again(struct gander_stack *stack, struct tcp_syn_received *r, struct tcp_arrival *a)
{
    uint8_t mode = tcp_ecn_asked(tcp_listener_knobs(stack, r->listener), &a->seg);

    if ((r->ecn & TCP_ECN_ACCURATE) && mode == TCP_ECN_CLASSIC) {
        tcp_reply_reset(stack, a, GANDER_WHY_rst_bad_ack);
        tcp_drop(stack, NULL, a, GANDER_DROP_tcp_duplicate);
        tcp_syn_received_end(stack, r, GANDER_CAUSE_reset);
        return;
    }
    if (mode == 0)
        r->ecn = r->ecn & TCP_ECN_ACCURATE ? r->ecn | TCP_ECN_NO_ECT : 0;
    syn_ack_send(stack, r, true);
    tcp_drop(stack, NULL, a, GANDER_DROP_tcp_duplicate);
}

void tcp_syn_received_arrives(struct gander_stack *stack, struct tcp_syn_received *r,
                              struct tcp_arrival *a)
{
    const struct tcp_segment *seg = &a->seg;
    bool rst = seg->flags & GANDER_FLAG_RST, ack = seg->flags & GANDER_FLAG_ACK;

    if ((seg->flags & GANDER_FLAG_SYN) && seg->seq == r->irs && !ack) {
        syn_again(stack, r, a);
        return;
    }
    if (record_timestamp(stack, r, a) == TCP_DONE)
        return;
    if (!in_window(r, seg)) { /* first */
        if (!rst)
            record_ack(stack, r, GANDER_WHY_ack_duplicate);
        tcp_drop(stack, NULL, a, GANDER_DROP_tcp_out_of_window);
        return;
    }
    if (rst) { /* second */
        record_reset(stack, r, a);
        return;
    }
    if (seg->flags & GANDER_FLAG_SYN) { /* fourth */
        record_ack(stack, r, GANDER_WHY_ack_challenge);
        tcp_drop(stack, NULL, a, GANDER_DROP_tcp_syn_in_window);
        return;
    }
    if (!ack) { /* fifth */
        tcp_drop(stack, NULL, a, GANDER_DROP_tcp_no_ack);
        return;
    }
    if (seg->ack != r->iss + 1) {
        tcp_reply_reset(stack, a, GANDER_WHY_rst_bad_ack);
        tcp_drop(stack, NULL, a, GANDER_DROP_tcp_bad_ack);
        return;
    }
    r->acked = seg->text_len == 0 && !(seg->flags & GANDER_FLAG_FIN);
    if (is_deferred(stack, r)) {
        tcp_drop(stack, NULL, a, GANDER_DROP_tcp_deferred);
        return;
    }
    record_established(stack, r, a);
}

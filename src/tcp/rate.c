/* SPDX-License-Identifier: MIT */
/*
 * Delivery-rate sampling [draft-ietf-ccwg-bbr, "Delivery Rate Samples"]: every record remembers how much had been delivered when
 * it left; its ACK tells how much the network delivered since, and how long that took. Samples that an idle application
 * held down are marked. Names are the draft's.
 *
 * DEVIATION: records hold the two times as distances in units of 16 ns up to 68 s, so that a record takes 56 bytes, not 72.
 */
#include "tcp/tcp.h"

enum { DISTANCE_SHIFT = 4 };

static uint32_t distance_pack(gander_time ns)
{
    return ns > 0 ? (uint32_t)min_i64(ns >> DISTANCE_SHIFT, UINT32_MAX) : 0;
}

static gander_time distance_of(uint32_t packed)
{
    return (gander_time)packed << DISTANCE_SHIFT;
}

/* OnPacketSent(). The record stands in the queue already. */
void tcp_rate_on_sent(struct gander_stack *stack, struct tcp_conn *c, struct tcp_record *r)
{
    struct tcp_rate *rate = &c->busy->rate;
    uint32_t inflight = tcp_pipe(c);

    if (inflight <= r->len) {
        rate->first_send_time_ns = rate->delivered_time_ns = stack->now;
        if (rate->app_limited)
            tcp_cc_on_restart(stack, c);
    }
    r->first_sent_before = distance_pack(r->sent_ns - rate->first_send_time_ns);
    r->delivered_before = distance_pack(r->sent_ns - rate->delivered_time_ns);
    r->delivered = (uint32_t)rate->delivered;
    r->lost = (uint32_t)rate->lost;
    r->tx_in_flight = inflight;
    r->flags &= (uint8_t)~RECORD_APP_LIMITED;
    if (rate->app_limited)
        r->flags |= RECORD_APP_LIMITED;
}

/* UpdateRateSample(): a record was acknowledged or SACKed, for the first time. */
void tcp_rate_on_delivered(struct gander_stack *stack, struct tcp_conn *c,
                           const struct tcp_record *r, struct tcp_ack_facts *facts)
{
    struct tcp_rate *rate = &c->busy->rate;
    struct tcp_rate_sample *rs = &facts->rs;
    tcp_seq end = r->seq + r->len;

    rate->delivered += r->len;
    c->busy->meter.delivered_segs++;
    if (rs->has_data && (r->sent_ns < rate->first_send_time_ns ||
                         (r->sent_ns == rate->first_send_time_ns && seq_leq(end, facts->rs_end))))
        goto out;
    rs->has_data = true;
    rs->prior_delivered = rate->delivered - r->len;
    rs->prior_delivered -= (uint32_t)rs->prior_delivered - r->delivered;
    rs->is_app_limited = r->flags & RECORD_APP_LIMITED;
    rs->interval_ns = max_i64(distance_of(r->first_sent_before), /* send_elapsed, ack_elapsed */
                              stack->now - r->sent_ns + distance_of(r->delivered_before));
    rs->rtt_ns = r->transmissions == 1 ? stack->now - r->sent_ns : -1;
    rs->tx_in_flight = r->tx_in_flight;
    rs->lost = r->lost;
    facts->rs_end = end;
    rate->first_send_time_ns = r->sent_ns;
out:
    rate->delivered_time_ns = stack->now;
}

/* GenerateRateSample(), but for the division: who needs the rate asks for it. */
void tcp_rate_generate(struct tcp_conn *c, struct tcp_ack_facts *facts)
{
    struct tcp_rate *rate = &c->busy->rate;
    struct tcp_rate_sample *rs = &facts->rs;

    rs->newly_acked = facts->delivered_bytes;
    rs->newly_lost = (uint32_t)(rate->lost - rate->lost_before);
    rate->lost_before = rate->lost;
    if (rate->app_limited && rate->delivered > rate->app_limited)
        rate->app_limited = 0;
    if (!rs->has_data)
        return;
    rs->delivered = (uint32_t)(rate->delivered - rs->prior_delivered);
    rs->lost = (uint32_t)rate->lost - rs->lost; /* what this ACK showed included */
    if (rs->interval_ns < c->busy->min_rtt_ns)
        rs->interval_ns = 0;
    if (rs->interval_ns > 0) {
        rate->last_delivered = rs->delivered;
        rate->last_interval_ns = rs->interval_ns;
        rate->last_app_limited = rs->is_app_limited;
    }
}

uint64_t tcp_rate_of(uint32_t delivered, gander_time interval_ns)
{
    return interval_ns > 0 ? (uint64_t)delivered * (uint64_t)GANDER_S / (uint64_t)interval_ns : 0;
}

/* MarkConnectionAppLimited() */
void tcp_rate_mark_app_limited(struct tcp_conn *c)
{
    struct tcp_rate *rate = &c->busy->rate;
    uint64_t until = rate->delivered + tcp_pipe(c);

    rate->app_limited = until > 0 ? until : 1;
}

/* CheckIfApplicationLimited(): before an ACK is processed, a timer runs, or the application adds what it has. */
void tcp_rate_check_app_limited(struct tcp_conn *c)
{
    const struct tcp_busy *b = c->busy;

    if (c->snd.nxt == b->sendq.end && b->rtxq.lost_bytes == 0 && tcp_pipe(c) < c->cwnd)
        tcp_rate_mark_app_limited(c);
}

void tcp_rate_on_lost(struct gander_stack *stack, struct tcp_conn *c, const struct tcp_record *r)
{
    struct tcp_rate *rate = &c->busy->rate;
    struct tcp_rate_sample rs = {.has_data = true,
                                 .rtt_ns = -1,
                                 .tx_in_flight = r->tx_in_flight,
                                 .is_app_limited = r->flags & RECORD_APP_LIMITED};

    rate->lost += r->len;
    rs.lost = (uint32_t)rate->lost - r->lost;
    tcp_cc_on_lost(stack, c, &rs, r);
}

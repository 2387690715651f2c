/* SPDX-License-Identifier: MIT */
/*
 * Counters and times of a connection, for gander_tcp_info(): segments and bytes both ways, how long there was something to send and
 * what held it back, time-outs. Names and meanings follow RFC 4898 where it has them.
 *
 * Left out: segments of a connection that has never moved data and has no working memory are not counted one by one; the handshake's are known.
 */
#include "tcp/tcp.h"

enum { HANDSHAKE_IN = 2, HANDSHAKE_OUT = 1 }; /* of a passive open */

static struct tcp_meter *meter_of(const struct tcp_conn *c)
{
    if (c->busy)
        return &c->busy->meter;
    return c->knobs && c->knobs->meter.kept ? &c->knobs->meter : NULL;
}

bool tcp_meter_runs(const struct tcp_conn *c)
{
    return meter_of(c) != NULL;
}

void tcp_meter_in(struct tcp_conn *c, const struct tcp_segment *seg)
{
    struct tcp_meter *m = meter_of(c);

    if (!m)
        return;
    m->segs_in++;
    if (seg->text_len > 0)
        m->data_segs_in++;
}

void tcp_meter_out(const struct gander_stack *stack, struct tcp_conn *c, uint32_t text_len,
                   unsigned transmissions)
{
    struct tcp_meter *m = meter_of(c);

    if (!m)
        return;
    m->segs_out++;
    if (transmissions > 1)
        m->resent_segs++;
    if (text_len == 0)
        return;
    m->data_segs_out++;
    m->bytes_sent += text_len;
    m->sent_ns = stack->now;
    if (transmissions > 1)
        m->bytes_resent += text_len;
}

/* As Linux tells them apart: the peer's window, our buffer, or all else while anything is unacknowledged. */
static enum tcp_limit limit_now(const struct tcp_conn *c)
{
    const struct tcp_busy *b = c->busy;
    uint32_t unsent = b->sendq.end - c->snd.nxt, flight = c->snd.nxt - c->snd.una;

    if (sendq_bytes(&b->sendq) == 0)
        return TCP_LIMIT_NONE;
    if (unsent > 0 && !(c->flags & TCP_FIN_SENT) && c->snd.wnd - flight < c->mss &&
        c->snd.wnd < c->cwnd)
        return TCP_LIMIT_WINDOW;
    return unsent == 0 && (c->flags & TCP_WANTS_WRITABLE) ? TCP_LIMIT_BUFFER : TCP_LIMIT_BUSY;
}

static void limit_set(const struct gander_stack *stack, struct tcp_meter *m, enum tcp_limit limit)
{
    if (m->limit == limit)
        return;
    m->limited_ns[m->limit] += stack->now - m->limit_since_ns;
    m->limit_since_ns = stack->now;
    m->limit = (uint8_t)limit;
}

void tcp_meter_limit(const struct gander_stack *stack, struct tcp_conn *c)
{
    if (c->busy && c->entity.state >= GANDER_TCP_ESTABLISHED)
        limit_set(stack, &c->busy->meter, limit_now(c));
}

void tcp_meter_timeout(const struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_meter *m = &c->busy->meter;

    m->timeouts++;
    if (m->rto_since_ns == 0) {
        m->timeout_runs++;
        m->rto_since_ns = max_i64(stack->now, 1);
    }
}

void tcp_meter_progress(const struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_meter *m = &c->busy->meter;

    if (m->rto_since_ns > 0)
        m->rto_total_ns += stack->now - m->rto_since_ns;
    m->rto_since_ns = 0;
}

static void gather(const struct tcp_busy *b, struct tcp_meter *m)
{
    *m = b->meter;
    m->bytes_acked = b->bytes_acked;
    m->bytes_received = b->bytes_received;
    m->min_rtt_ns = b->min_rtt_ns;
    m->text_ns = b->text_ns;
}

bool tcp_meter_keep(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;

    if (b->bytes_acked + b->bytes_received == 0) /* of the handshake alone, all is known */
        return true;
    if (!tcp_knobs_need(stack, &c->sock))
        return false;
    limit_set(stack, &b->meter, TCP_LIMIT_NONE);
    gather(b, &c->knobs->meter);
    c->knobs->meter.kept = true;
    return true;
}

void tcp_meter_restore(struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;

    if (c->knobs && c->knobs->meter.kept) {
        b->meter = c->knobs->meter;
        b->bytes_acked = b->meter.bytes_acked;
        b->bytes_received = b->meter.bytes_received;
        b->min_rtt_ns = b->meter.min_rtt_ns;
    } else if (c->entity.state >= GANDER_TCP_ESTABLISHED) {
        b->meter.segs_in = HANDSHAKE_IN;
        b->meter.segs_out = HANDSHAKE_OUT;
    }
}

/* --- for the application ------------------------------------------------------------------------------ */

static void records_info(const struct tcp_conn *c, struct gander_tcp_info *info)
{
    const struct rtxq *q = &c->busy->rtxq;

    for (uint32_t n = q->count ? q->first : RTXQ_NONE; n != RTXQ_NONE; n = rtxq_after(q, n)) {
        const struct tcp_record *r = rtxq_at(q, n);
        uint32_t segs = c->mss && r->len > c->mss ? (r->len + c->mss - 1) / c->mss : 1;

        info->unacked_segs += segs;
        if (r->flags & RECORD_SACKED)
            info->sacked_segs += segs;
        else if (r->flags & RECORD_LOST)
            info->lost_segs += segs;
        if (!(r->flags & RECORD_SACKED) && (r->flags & RECORD_RETRANSMITTED))
            info->retransmitted_now_segs += segs;
    }
}

static void busy_info(const struct gander_stack *stack, const struct tcp_conn *c,
                      struct gander_tcp_info *info)
{
    const struct tcp_busy *b = c->busy;

    records_info(c, info);
    info->backoff = b->backoff;
    info->probes = b->probes;
    info->recovering = b->recovery == TCP_RECOVERY;
    info->lossy = b->recovery == TCP_LOSS;
    info->ato_ns = b->text_ns > 0 ? tcp_knobs_of(stack, c)->delayed_ack_ns : 0;
    info->receive_rtt_ns = b->tune.rtt_ns;
    info->delivery_rate_bytes = tcp_rate_of(b->rate.last_delivered, b->rate.last_interval_ns);
    info->pacing_rate_bytes = b->pace.rate;
    info->delivery_rate_app_limited = b->rate.last_app_limited;
}

static void counters_info(const struct gander_stack *stack, const struct tcp_meter *m,
                          struct gander_tcp_info *info)
{
    gander_time since[TCP_LIMITS] = {0};

    since[m->limit] = stack->now - m->limit_since_ns;
    info->window_limited_ns = m->limited_ns[TCP_LIMIT_WINDOW] + since[TCP_LIMIT_WINDOW];
    info->buffer_limited_ns = m->limited_ns[TCP_LIMIT_BUFFER] + since[TCP_LIMIT_BUFFER];
    info->busy_ns = m->limited_ns[TCP_LIMIT_BUSY] + since[TCP_LIMIT_BUSY] +
                    info->window_limited_ns + info->buffer_limited_ns;
    info->min_rtt_ns = m->min_rtt_ns;
    info->bytes_acked = m->bytes_acked;
    info->bytes_received = m->bytes_received;
    info->bytes_sent = m->bytes_sent;
    info->bytes_retransmitted = m->bytes_resent;
    info->segs_out = m->segs_out;
    info->segs_in = m->segs_in;
    info->data_segs_out = m->data_segs_out;
    info->data_segs_in = m->data_segs_in;
    info->retransmitted_segments = m->resent_segs;
    info->delivered_segs = m->delivered_segs;
    info->out_of_order_segs = m->ahead_segs;
    info->timeouts = m->timeouts;
    info->timeout_runs = m->timeout_runs;
    info->timeout_ns = m->rto_total_ns + (m->rto_since_ns ? stack->now - m->rto_since_ns : 0);
    info->last_data_sent_ns = m->sent_ns;
    info->last_data_received_ns = m->text_ns;
}

void tcp_meter_info(const struct gander_stack *stack, const struct tcp_conn *c,
                    struct gander_tcp_info *info)
{
    struct tcp_meter m = {.segs_in = HANDSHAKE_IN, .segs_out = HANDSHAKE_OUT};

    if (c->busy)
        gather(c->busy, &m);
    else if (c->knobs && c->knobs->meter.kept)
        m = c->knobs->meter;
    else if (c->entity.state < GANDER_TCP_ESTABLISHED)
        m = (struct tcp_meter){0};
    counters_info(stack, &m, info);
    info->mtu_bytes = c->mtu;
    info->mss_offered_bytes =
        c->mtu ? c->mtu - wire_ip_header_bytes(c->entity.family) - TCP_HEADER_BYTES : 0;
    info->last_heard_ns = c->heard_ns;
    info->keepalive_probes = c->keepalive_sent;
    info->reordering_segs = stack->config.tcp_reordering; /* DupThresh; RACK needs no more */
    if (c->busy)
        busy_info(stack, c, info);
}

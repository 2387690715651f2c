/* SPDX-License-Identifier: MIT */
/*
 * BBR: the model of the path [draft-ietf-ccwg-bbr, "Updating Network Path Model Parameters"]: round trips counted in packets, the
 * largest bandwidth of two cycles, the smallest round trip, how much ACKs bunch, and what loss says.
 */
#include "tcp/cc_bbr.h"

enum {
    EXTRA_ACKED_FILTER_ROUNDS = 10,
    FULL_BW_ROUNDS = 3,
    RECENT_ROUNDS = 8,
    OWN_QUEUE_ROUNDS = 4, /* since the last probe went down: what it queued is gone then */
    QUEUE_SHARE = 8       /* of the shortest round trip: more delay than that is a queue */
};

static const gander_time min_rtt_filter_ns = 10 * GANDER_S;
static const gander_time probe_rtt_interval_ns = 5 * GANDER_S;

/* --- rounds, bandwidth ------------------------------------------------------------------------------ */

/* StartRound() */
void bbr_round_begin(struct bbr *b, const struct tcp_cc *cc)
{
    b->next_round_delivered = cc->delivered;
}

static void round_update(struct bbr *b, const struct tcp_cc *cc)
{
    b->round_start = cc->rs->prior_delivered >= b->next_round_delivered;
    if (!b->round_start)
        return;
    bbr_round_begin(b, cc);
    b->round_count++;
    b->rounds_since_probe_up++;
}

static void max_bw_update(struct bbr *b, const struct tcp_cc *cc)
{
    uint64_t rate = cc->rs->delivery_rate;

    round_update(b, cc);
    if (rate == 0 || (rate < b->max_bw && cc->rs->is_app_limited))
        return;
    if (rate > b->max_bw_filter[1])
        b->max_bw_filter[1] = rate;
    b->max_bw = b->max_bw_filter[b->max_bw_filter[1] >= b->max_bw_filter[0]];
}

/* AdvanceMaxBwFilter(): the previous cycle is forgotten, if this one has seen anything. */
void bbr_max_bw_advance(struct bbr *b)
{
    if (b->max_bw_filter[1] == 0)
        return;
    b->max_bw_filter[0] = b->max_bw_filter[1];
    b->max_bw_filter[1] = 0;
    b->max_bw = b->max_bw_filter[0];
}

void bbr_full_bw_reset(struct bbr *b)
{
    b->full_bw = 0;
    b->full_bw_count = 0;
    b->full_bw_now = false;
}

/* CheckFullBWReached(): three rounds in which the rate grew by less than a quarter. */
void bbr_full_bw_check(struct bbr *b, const struct tcp_cc *cc)
{
    const struct tcp_rate_sample *rs = cc->rs;

    if (b->full_bw_now || !b->round_start || rs->is_app_limited || rs->delivery_rate == 0)
        return;
    if (rs->delivery_rate >= b->full_bw + b->full_bw / 4) {
        bbr_full_bw_reset(b);
        b->full_bw = rs->delivery_rate;
        return;
    }
    b->full_bw_count++;
    b->full_bw_now = b->full_bw_count >= FULL_BW_ROUNDS;
    if (b->full_bw_now)
        b->full_bw_reached = true;
}

void bbr_bw_bound(struct bbr *b)
{
    b->bw = b->max_bw < b->bw_shortterm ? b->max_bw : b->bw_shortterm;
}

/* --- the smallest round trip -------------------------------------------------------------------------- */

/*
 * DEVIATION: a round trip equal to the smallest restarts the interval too, where the draft asks for a smaller one: on a path that
 * was just seen empty there is nothing that ProbeRTT could find out.
 */
void bbr_min_rtt_update(struct bbr *b, const struct tcp_cc *cc)
{
    gander_time rtt = cc->rs->rtt_ns;

    b->probe_rtt_expired = cc->now > b->probe_rtt_min_stamp + probe_rtt_interval_ns;
    if (rtt >= 0 && (rtt <= b->probe_rtt_min_delay_ns || b->probe_rtt_expired)) {
        b->probe_rtt_min_delay_ns = max_i64(rtt, 1);
        b->probe_rtt_min_stamp = cc->now;
    }
    if (b->probe_rtt_min_delay_ns < b->min_rtt_ns ||
        cc->now > b->min_rtt_stamp + min_rtt_filter_ns) {
        b->min_rtt_ns = b->probe_rtt_min_delay_ns;
        b->min_rtt_stamp = b->probe_rtt_min_stamp;
    }
}

/* --- aggregation -------------------------------------------------------------------------------------- */

static uint32_t filter_restart(struct bbr_max_filter *f, uint32_t value, uint32_t time)
{
    for (unsigned i = 0; i < 3; i++) {
        f->value[i] = value;
        f->time[i] = time;
    }
    return value;
}

/* The largest value of the last `window` rounds. The second and third best are newer: they step in when the first is too old. */
static uint32_t filter_update(struct bbr_max_filter *f, uint32_t value, uint32_t time,
                              uint32_t window)
{
    if (value >= f->value[0] || time - f->time[2] > window)
        return filter_restart(f, value, time);
    if (value >= f->value[1]) {
        f->value[2] = f->value[1] = value;
        f->time[2] = f->time[1] = time;
    } else if (value >= f->value[2]) {
        f->value[2] = value;
        f->time[2] = time;
    }
    while (time - f->time[0] > window) {
        f->value[0] = f->value[1];
        f->time[0] = f->time[1];
        f->value[1] = f->value[2];
        f->time[1] = f->time[2];
        f->value[2] = value;
        f->time[2] = time;
    }
    if (f->time[1] == f->time[0] && time - f->time[0] > window / 4) {
        f->value[2] = f->value[1] = value; /* a quarter of the window without a second best */
        f->time[2] = f->time[1] = time;
    } else if (f->time[2] == f->time[1] && time - f->time[1] > window / 2) {
        f->value[2] = value;
        f->time[2] = time;
    }
    return f->value[0];
}

/* UpdateACKAggregation(): how much more was acknowledged than the rate explains. */
void bbr_ack_aggregation_update(struct bbr *b, const struct tcp_cc *cc)
{
    uint64_t expected = bbr_volume(b->bw, cc->now - b->extra_acked_interval_start), extra;

    if (b->extra_acked_delivered <= expected) {
        b->extra_acked_delivered = 0;
        b->extra_acked_interval_start = cc->now;
        expected = 0;
    }
    b->extra_acked_delivered += cc->rs->newly_acked;
    extra = b->extra_acked_delivered - expected;
    b->extra_acked =
        filter_update(&b->extra_acked_filter, extra < cc->cwnd ? (uint32_t)extra : cc->cwnd,
                      b->round_count, b->full_bw_reached ? EXTRA_ACKED_FILTER_ROUNDS : 1);
}

/* --- what the last round delivered, and whether it lost ----------------------------------------------- */

/* Near the start of an ACK's processing. */
void bbr_latest_signals_update(struct bbr *b, const struct tcp_cc *cc)
{
    const struct tcp_rate_sample *rs = cc->rs;

    b->loss_round_start = rs->prior_delivered >= b->loss_round_delivered;
    if (rs->delivery_rate > b->bw_latest)
        b->bw_latest = rs->delivery_rate;
    b->inflight_latest = max_u32(b->inflight_latest, rs->delivered);
    if (b->loss_round_start)
        b->loss_round_delivered = cc->delivered;
}

/* Near its end. */
void bbr_latest_signals_advance(struct bbr *b, const struct tcp_cc *cc)
{
    if (!b->loss_round_start)
        return;
    b->bw_latest = cc->rs->delivery_rate;
    b->inflight_latest = cc->rs->delivered;
    b->lost_ranges = 0;
}

void bbr_congestion_signals_reset(struct bbr *b)
{
    b->is_loss_in_round = false;
    b->bw_latest = 0;
    b->inflight_latest = 0;
}

void bbr_short_term_reset(struct bbr *b)
{
    b->bw_shortterm = BBR_BW_INFINITY;
    b->inflight_shortterm = BBR_INFINITY;
}

static bool sees_queue(const struct bbr *b, const struct tcp_cc *cc)
{
    /* without a sample the minimum is as large as can be: its sum would overflow, the difference does not */
    return cc->srtt_ns - b->min_rtt_ns > b->min_rtt_ns / QUEUE_SHARE;
}

static void recent_loss_update(struct bbr *b, const struct tcp_cc *cc)
{
    b->recent_lost += cc->lost - b->round_lost - b->recent_lost / RECENT_ROUNDS;
    b->recent_delivered += cc->delivered - b->round_delivered - b->recent_delivered / RECENT_ROUNDS;
    b->round_lost = cc->lost;
    b->round_delivered = cc->delivered;
}

/*
 * DEVIATION: loss that no queue made, and that is within what the path may lose while it is probed, does not lower the short-term
 * bounds. By the draft each round with a loss lowers them a little until the next probe, and 1 % of random loss
 * costs a sixth of a path of 100 Mbit/s and 20 ms: tests/sim/test_congestion.c.
 */
static bool loss_is_borne(const struct bbr *b)
{
    return !b->is_queue_in_round &&
           b->recent_lost * 100 <= b->recent_delivered * BBR_LOSS_THRESH_PERCENT;
}

/* AdaptLowerBoundsFromCongestion(): InitLowerBounds(), LossLowerBounds(). */
static void lower_bounds_adapt(struct bbr *b, struct tcp_cc *cc)
{
    uint64_t bw;

    if (!b->is_loss_in_round || loss_is_borne(b) || b->state == BBR_STARTUP ||
        b->state == BBR_PROBE_BW_REFILL || b->state == BBR_PROBE_BW_UP)
        return;
    if (b->bw_shortterm == BBR_BW_INFINITY)
        b->bw_shortterm = b->max_bw;
    if (b->inflight_shortterm == BBR_INFINITY)
        b->inflight_shortterm = cc->cwnd;
    bw = b->bw_shortterm / 100 * BBR_BETA_PERCENT;
    b->bw_shortterm = b->bw_latest > bw ? b->bw_latest : bw;
    b->inflight_shortterm =
        max_u32(b->inflight_latest, bbr_percent(b->inflight_shortterm, BBR_BETA_PERCENT));
    if (!sees_queue(b, cc))
        b->recent_lost = b->recent_delivered * BBR_LOSS_THRESH_PERCENT / 200; /* answered */
    cc->why = GANDER_WHY_bbr_loss;
}

void bbr_congestion_signals_update(struct bbr *b, struct tcp_cc *cc)
{
    max_bw_update(b, cc);
    if (!b->loss_round_start)
        return;
    recent_loss_update(b, cc);
    lower_bounds_adapt(b, cc);
    b->is_loss_in_round = false;
    b->is_queue_in_round = false;
}

/* --- loss --------------------------------------------------------------------------------------------- */

/* SaveStateUponLoss() */
void bbr_state_save(struct bbr *b, const struct tcp_cc *cc)
{
    bbr_cwnd_save(b, cc);
    b->undo_state = BBR_NONE;
    b->undo_bw_shortterm = b->bw_shortterm;
    b->undo_inflight_shortterm = b->inflight_shortterm;
    b->undo_inflight_longterm = b->inflight_longterm;
}

void bbr_loss_note(struct bbr *b, const struct tcp_cc *cc)
{
    if (!b->is_loss_in_round) {
        b->loss_round_delivered = cc->delivered;
        bbr_state_save(b, cc);
    }
    b->is_loss_in_round = true;
    if (b->rounds_since_probe_up > OWN_QUEUE_ROUNDS && sees_queue(b, cc))
        b->is_queue_in_round = true;
}

bool bbr_inflight_is_too_high(const struct tcp_cc *cc)
{
    const struct tcp_rate_sample *rs = cc->rs;

    return rs->lost > bbr_percent(rs->tx_in_flight, BBR_LOSS_THRESH_PERCENT) ||
           (rs->lost > 0 && !cc->sack);
}

/* HandleInflightTooHigh() */
void bbr_inflight_too_high(struct bbr *b, struct tcp_cc *cc, uint32_t tx_in_flight,
                           bool is_app_limited)
{
    b->prev_probe_too_high = true;
    b->is_bw_probe_sample = false; /* only once a probe */
    if (!is_app_limited)
        b->inflight_longterm =
            max_u32(tx_in_flight, bbr_percent(bbr_target_inflight(b, cc), BBR_BETA_PERCENT));
    if (b->state == BBR_PROBE_BW_UP) {
        b->undo_state = BBR_PROBE_BW_UP;
        bbr_probe_down_start(b, cc);
    }
}

/* InflightAtLoss(): how much was in flight when losses crossed the threshold, within this packet. */
static uint32_t inflight_at_loss(const struct tcp_rate_sample *rs, uint32_t size)
{
    int64_t inflight_prev = (int64_t)rs->tx_in_flight - size, lost_prev = (int64_t)rs->lost - size;
    int64_t lost_prefix = (BBR_LOSS_THRESH_PERCENT * inflight_prev - 100 * lost_prev) /
                          (100 - BBR_LOSS_THRESH_PERCENT);
    int64_t inflight = inflight_prev + (lost_prefix > 0 ? lost_prefix : 0);

    return inflight > 0 ? (uint32_t)inflight : 0;
}

/* HandleLostPacket() */
void bbr_lost_packet(struct bbr *b, struct tcp_cc *cc, tcp_seq seq, uint32_t bytes)
{
    bbr_loss_note(b, cc);
    if (b->lost_ranges < UINT8_MAX && (b->lost_ranges == 0 || seq != b->lost_end))
        b->lost_ranges++;
    b->lost_end = seq + bytes;
    if (b->is_bw_probe_sample && bbr_inflight_is_too_high(cc))
        bbr_inflight_too_high(b, cc, inflight_at_loss(cc->rs, bytes), cc->rs->is_app_limited);
}

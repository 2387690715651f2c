/* SPDX-License-Identifier: MIT */
/*
 * BBR version 3 [draft-ietf-ccwg-bbr]: a model of the path, its bandwidth and its round trip, decides how fast and how much to
 * send. This file has the events and the state machine ("State Machine Operation"); see cc_bbr.h for the others. Where the draft has
 * real numbers, here are percentages; 62 to 63 round trips are T_reno's bound.
 *
 * The draft leaves ECN open but for "congestion": a mark counts as a loss in its round, and as too much in flight while probing.
 */
#include "tcp/cc_bbr.h"

enum { DRAIN_ROUNDS_MAX = 3, RENO_ROUNDS_MAX = 63, UP_ROUNDS_MAX = 30 };

static const gander_time probe_rtt_duration_ns = 200 * GANDER_MS;

static void state_enter(struct bbr *b, struct tcp_cc *cc, enum bbr_state state, enum gander_why why)
{
    b->state = (uint8_t)state;
    cc->why = (uint8_t)why;
}

/* --- Startup, Drain --------------------------------------------------------------------------------- */

static void startup_enter(struct bbr *b, struct tcp_cc *cc)
{
    cc->ssthresh = UINT32_MAX;
    state_enter(b, cc, BBR_STARTUP, GANDER_WHY_bbr_startup);
}

static void drain_enter(struct bbr *b, struct tcp_cc *cc)
{
    b->drain_start_round = b->round_count;
    cc->ssthresh = cc->cwnd; /* for who may take over from BBR */
    state_enter(b, cc, BBR_DRAIN, GANDER_WHY_bbr_drain);
}

/* CheckStartupHighLoss(): a round of recovery with more than 2 % lost, in six places or more. */
static bool startup_loses_much(const struct bbr *b, const struct tcp_cc *cc)
{
    if (!b->loss_round_start || !cc->recovering)
        return false;
    if (!cc->sack)
        return b->is_loss_in_round;
    return b->round_count > b->recovery_start_round &&
           b->lost_ranges >= BBR_STARTUP_FULL_LOSS_COUNT && bbr_inflight_is_too_high(cc);
}

static void startup_leave_on_loss(struct bbr *b, struct tcp_cc *cc)
{
    b->undo_state = BBR_STARTUP;
    b->full_bw_reached = true;
    b->inflight_longterm = max_u32(bbr_bdp_of(b, cc, b->max_bw), b->inflight_latest);
}

static void startup_check(struct bbr *b, struct tcp_cc *cc, bool loses_much)
{
    if (b->state != BBR_STARTUP)
        return;
    if (loses_much && !b->full_bw_reached)
        startup_leave_on_loss(b, cc);
    if (b->full_bw_reached)
        drain_enter(b, cc);
}

static void drain_check(struct bbr *b, struct tcp_cc *cc)
{
    if (b->state == BBR_DRAIN && (cc->inflight <= bbr_inflight(b, cc, b->bw) ||
                                  b->round_count > b->drain_start_round + DRAIN_ROUNDS_MAX))
        bbr_probe_down_start(b, cc);
}

/* --- ProbeBW ------------------------------------------------------------------------------------------ */

static void probe_wait_pick(struct bbr *b, struct tcp_cc *cc)
{
    b->rounds_since_probe_up = random_below(cc->random, 2);
    b->bw_probe_wait_ns = 2 * GANDER_S + (gander_time)random_below(cc->random, (uint32_t)GANDER_S);
}

void bbr_probe_down_start(struct bbr *b, struct tcp_cc *cc)
{
    bbr_congestion_signals_reset(b);
    b->probe_up_acked_per_inc = BBR_INFINITY; /* not growing inflight_longterm */
    probe_wait_pick(b, cc);
    b->cycle_stamp = cc->now;
    b->ack_phase = BBR_ACKS_PROBE_STOPPING;
    bbr_round_begin(b, cc);
    state_enter(b, cc, BBR_PROBE_BW_DOWN, GANDER_WHY_bbr_probe_down);
}

static void cruise_start(struct bbr *b, struct tcp_cc *cc)
{
    state_enter(b, cc, BBR_PROBE_BW_CRUISE, GANDER_WHY_bbr_cruise);
}

static void refill_start(struct bbr *b, struct tcp_cc *cc)
{
    bbr_short_term_reset(b);
    b->bw_probe_up_rounds = 0;
    b->bw_probe_up_acked = 0;
    b->prev_probe_precautionary = false;
    b->ack_phase = BBR_ACKS_REFILLING;
    bbr_round_begin(b, cc);
    state_enter(b, cc, BBR_PROBE_BW_REFILL, GANDER_WHY_bbr_refill);
}

/* RaiseInflightLongtermSlope() */
static void slope_raise(struct bbr *b, const struct tcp_cc *cc)
{
    uint32_t growth = 1U << b->bw_probe_up_rounds;

    b->bw_probe_up_rounds = min_u32(b->bw_probe_up_rounds + 1, UP_ROUNDS_MAX);
    b->probe_up_acked_per_inc = max_u32(cc->cwnd / growth, cc->mss);
}

static void up_start(struct bbr *b, struct tcp_cc *cc)
{
    b->ack_phase = BBR_ACKS_PROBE_STARTING;
    bbr_round_begin(b, cc);
    bbr_full_bw_reset(b);
    b->full_bw = cc->rs->delivery_rate;
    slope_raise(b, cc);
    state_enter(b, cc, BBR_PROBE_BW_UP, GANDER_WHY_bbr_probe_up);
}

/* IsTimeToProbeBW(), with IsRenoCoexistenceProbeTime(). */
static bool is_time_to_probe(const struct bbr *b, const struct tcp_cc *cc)
{
    uint32_t rounds = min_u32(bbr_target_inflight(b, cc) / cc->mss, RENO_ROUNDS_MAX);

    return cc->now > b->cycle_stamp + b->bw_probe_wait_ns || b->rounds_since_probe_up >= rounds;
}

static bool is_time_to_cruise(const struct bbr *b, const struct tcp_cc *cc)
{
    return cc->inflight <= bbr_inflight_with_headroom(b, cc) &&
           cc->inflight <= bbr_inflight(b, cc, b->max_bw);
}

static bool is_time_to_go_down(struct bbr *b, const struct tcp_cc *cc)
{
    if (b->prev_probe_too_high && cc->inflight >= b->inflight_longterm) {
        b->prev_probe_precautionary = true;
        return true;
    }
    if (cc->cwnd_limited && cc->cwnd >= b->inflight_longterm) {
        bbr_full_bw_reset(b); /* inflight_longterm limits, not the path */
        b->full_bw = cc->rs->delivery_rate;
        return false;
    }
    return b->full_bw_now;
}

/* ProbeInflightLongtermUpward() */
static void longterm_upward(struct bbr *b, const struct tcp_cc *cc)
{
    uint32_t delta;

    if (!cc->cwnd_limited || cc->cwnd < b->inflight_longterm)
        return;
    b->bw_probe_up_acked += cc->rs->newly_acked;
    if (b->bw_probe_up_acked >= b->probe_up_acked_per_inc) {
        delta = b->bw_probe_up_acked / b->probe_up_acked_per_inc;
        b->bw_probe_up_acked -= delta * b->probe_up_acked_per_inc;
        b->inflight_longterm += delta * cc->mss;
    }
    if (b->round_start)
        slope_raise(b, cc);
}

/* AdaptLongTermModel(). True: it decided on a transition. */
static bool long_term_adapt(struct bbr *b, struct tcp_cc *cc)
{
    if (b->ack_phase == BBR_ACKS_PROBE_STARTING && b->round_start)
        b->ack_phase = BBR_ACKS_PROBE_FEEDBACK;
    if (b->ack_phase == BBR_ACKS_PROBE_STOPPING && b->round_start) {
        b->is_bw_probe_sample = false;
        b->ack_phase = BBR_ACKS_INIT;
        if (bbr_is_in_probe_bw(b) && !cc->rs->is_app_limited)
            bbr_max_bw_advance(b);
        if (bbr_is_in_probe_bw(b) && b->prev_probe_precautionary && !b->prev_probe_too_high) {
            refill_start(b, cc);
            return true;
        }
    }
    if (bbr_inflight_is_too_high(cc) || b->inflight_longterm == BBR_INFINITY)
        return false;
    b->inflight_longterm = max_u32(b->inflight_longterm, cc->rs->tx_in_flight);
    if (b->state == BBR_PROBE_BW_UP)
        longterm_upward(b, cc);
    return false;
}

/* UpdateProbeBWCyclePhase() */
static void cycle_update(struct bbr *b, struct tcp_cc *cc)
{
    if (!b->full_bw_reached || long_term_adapt(b, cc))
        return;
    switch (b->state) {
    case BBR_PROBE_BW_DOWN:
    case BBR_PROBE_BW_CRUISE:
        if (is_time_to_probe(b, cc))
            refill_start(b, cc);
        else if (b->state == BBR_PROBE_BW_DOWN && is_time_to_cruise(b, cc))
            cruise_start(b, cc);
        break;
    case BBR_PROBE_BW_REFILL:
        if (b->round_start) {
            b->is_bw_probe_sample = true;
            up_start(b, cc);
        }
        break;
    case BBR_PROBE_BW_UP:
        if (is_time_to_go_down(b, cc)) {
            b->prev_probe_too_high = false; /* no high loss (yet) */
            bbr_probe_down_start(b, cc);
        }
        break;
    default:
        break;
    }
}

/* --- ProbeRTT ----------------------------------------------------------------------------------------- */

static void probe_rtt_exit(struct bbr *b, struct tcp_cc *cc)
{
    bbr_short_term_reset(b);
    if (b->full_bw_reached) {
        bbr_probe_down_start(b, cc);
        cruise_start(b, cc);
    } else {
        startup_enter(b, cc);
    }
}

/* CheckProbeRTTDone() */
static void probe_rtt_done_check(struct bbr *b, struct tcp_cc *cc)
{
    if (b->probe_rtt_done_stamp == 0 || cc->now <= b->probe_rtt_done_stamp)
        return;
    b->probe_rtt_min_stamp = cc->now; /* schedule the next ProbeRTT */
    bbr_cwnd_restore(b, cc);
    probe_rtt_exit(b, cc);
}

/* HandleProbeRTT() */
static void probe_rtt_handle(struct bbr *b, struct tcp_cc *cc)
{
    cc->mark_app_limited = true; /* low rates of now say nothing */
    if (b->probe_rtt_done_stamp == 0) {
        if (cc->inflight > bbr_probe_rtt_cwnd(b, cc))
            return;
        b->probe_rtt_done_stamp = cc->now + probe_rtt_duration_ns;
        b->probe_rtt_round_done = false;
        bbr_round_begin(b, cc);
        return;
    }
    b->probe_rtt_round_done = b->probe_rtt_round_done || b->round_start;
    if (b->probe_rtt_round_done)
        probe_rtt_done_check(b, cc);
}

/* CheckProbeRTT(). The window is saved before the state changes: in ProbeRTT the draft's SaveCwnd() keeps an older one. */
static void probe_rtt_check(struct bbr *b, struct tcp_cc *cc)
{
    if (b->state != BBR_PROBE_RTT && b->probe_rtt_expired && !b->idle_restart) {
        bbr_cwnd_save(b, cc);
        state_enter(b, cc, BBR_PROBE_RTT, GANDER_WHY_bbr_probe_rtt);
        b->probe_rtt_done_stamp = 0;
        b->ack_phase = BBR_ACKS_PROBE_STOPPING;
        bbr_round_begin(b, cc);
    }
    if (b->state == BBR_PROBE_RTT)
        probe_rtt_handle(b, cc);
    if (cc->rs->delivered > 0)
        b->idle_restart = false;
}

/* --- events ------------------------------------------------------------------------------------------- */

/* OnInit(). The memory is zero. */
static void bbr_init(struct tcp_cc *cc)
{
    struct bbr *b = cc->state;

    b->min_rtt_ns = cc->srtt_ns ? cc->srtt_ns : GANDER_NEVER;
    b->probe_rtt_min_delay_ns = b->min_rtt_ns;
    b->min_rtt_stamp = b->probe_rtt_min_stamp = b->extra_acked_interval_start = cc->now;
    b->undo_state = BBR_NONE;
    b->inflight_longterm = BBR_INFINITY;
    b->probe_up_acked_per_inc = BBR_INFINITY;
    b->send_quantum = 2 * cc->mss;
    bbr_short_term_reset(b);
    b->next_round_delivered = b->loss_round_delivered = b->round_delivered = cc->delivered;
    b->round_lost = cc->lost;
    bbr_pacing_init(b, cc);
    startup_enter(b, cc);
}

/* UpdateOnACK() */
static void bbr_on_ack(struct tcp_cc *cc, uint32_t acked_bytes)
{
    struct bbr *b = cc->state;
    bool loses_much;

    (void)acked_bytes; /* what was SACKed counts as well */
    if (!cc->rs->has_data)
        return;
    bbr_latest_signals_update(b, cc);
    loses_much = startup_loses_much(b, cc);
    bbr_congestion_signals_update(b, cc);
    bbr_ack_aggregation_update(b, cc);
    bbr_full_bw_check(b, cc);
    startup_check(b, cc, loses_much);
    drain_check(b, cc);
    cycle_update(b, cc);
    bbr_min_rtt_update(b, cc);
    probe_rtt_check(b, cc);
    bbr_latest_signals_advance(b, cc);
    bbr_bw_bound(b);
    bbr_control_update(b, cc);
}

/* OnEnterFastRecovery() */
static void bbr_on_loss(struct tcp_cc *cc)
{
    struct bbr *b = cc->state;

    b->recovery_start_round = b->round_count;
    bbr_state_save(b, cc);
}

static void bbr_on_lost(struct tcp_cc *cc, tcp_seq seq, uint32_t bytes)
{
    bbr_lost_packet(cc->state, cc, seq, bytes);
}

static void bbr_on_recovery_end(struct tcp_cc *cc)
{
    bbr_cwnd_restore(cc->state, cc);
}

/* OnEnterRTO(). All that is in flight counts as lost: HandleLostPacket() for the whole of it. */
static void bbr_on_timeout(struct tcp_cc *cc)
{
    struct bbr *b = cc->state;

    b->recovery_start_round = b->round_count;
    bbr_state_save(b, cc);
    bbr_loss_note(b, cc);
    if (b->is_bw_probe_sample)
        bbr_inflight_too_high(b, cc, 0, cc->app_limited);
    cc->cwnd = cc->mss;
}

/* HandleSpuriousLossDetection() */
static void bbr_on_undo(struct tcp_cc *cc)
{
    struct bbr *b = cc->state;

    bbr_cwnd_restore(b, cc);
    b->is_loss_in_round = false;
    bbr_full_bw_reset(b);
    if (b->undo_bw_shortterm > b->bw_shortterm)
        b->bw_shortterm = b->undo_bw_shortterm;
    b->inflight_shortterm = max_u32(b->inflight_shortterm, b->undo_inflight_shortterm);
    b->inflight_longterm = max_u32(b->inflight_longterm, b->undo_inflight_longterm);
    if (b->undo_state == BBR_STARTUP && b->state != BBR_STARTUP) {
        b->full_bw_reached = false;
        if (b->state != BBR_PROBE_RTT)
            startup_enter(b, cc);
    } else if (b->undo_state == BBR_PROBE_BW_UP && b->state != BBR_PROBE_BW_UP) {
        if (b->state != BBR_PROBE_RTT)
            refill_start(b, cc);
    }
    b->undo_state = BBR_NONE;
}

static void bbr_on_ecn(struct tcp_cc *cc)
{
    struct bbr *b = cc->state;

    bbr_loss_note(b, cc);
    if (b->state == BBR_STARTUP && !b->full_bw_reached) {
        startup_leave_on_loss(b, cc);
        drain_enter(b, cc);
    } else if (b->is_bw_probe_sample) {
        bbr_inflight_too_high(b, cc, cc->inflight, cc->app_limited);
    }
}

/* HandleRestartFromIdle() */
static void bbr_on_restart(struct tcp_cc *cc)
{
    struct bbr *b = cc->state;

    b->idle_restart = true;
    b->extra_acked_interval_start = cc->now;
    cc->pacing_rate = b->pacing_rate;
    cc->send_quantum = b->send_quantum;
    if (bbr_is_in_probe_bw(b))
        bbr_pacing_set_unity(b, cc);
    else if (b->state == BBR_PROBE_RTT)
        probe_rtt_done_check(b, cc);
}

const struct tcp_cc_ops tcp_cc_bbr = {
    .name = "bbr",
    .flags = TCP_CC_PACES | TCP_CC_CONTROLS_RECOVERY | TCP_CC_KEEPS_IDLE,
    .state_bytes = sizeof(struct bbr),
    .init = bbr_init,
    .on_ack = bbr_on_ack,
    .on_loss = bbr_on_loss,
    .on_lost = bbr_on_lost,
    .on_recovery_end = bbr_on_recovery_end,
    .on_timeout = bbr_on_timeout,
    .on_undo = bbr_on_undo,
    .on_ecn = bbr_on_ecn,
    .on_restart = bbr_on_restart,
};

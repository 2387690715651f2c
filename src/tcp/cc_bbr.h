/* SPDX-License-Identifier: MIT */
/*
 * BBR version 3 [draft-ietf-ccwg-bbr]: the state, with the draft's names, and what its three files give to each other:
 *
 *   cc_bbr.c           the events, and the state machine: Startup, Drain, ProbeBW, ProbeRTT
 *   cc_bbr_model.c     the model of the path: round trips, bandwidth, aggregation, what loss says
 *   cc_bbr_control.c   from the model to pacing rate, send quantum and cwnd
 */
#ifndef TCP_CC_BBR_H
#define TCP_CC_BBR_H

#include <gander/trace.h>

#include "base/bytes.h"
#include "base/random.h"
#include "tcp/cc.h"

#define BBR_INFINITY UINT32_MAX /* of volumes */
#define BBR_BW_INFINITY UINT64_MAX

enum {
    BBR_LOSS_THRESH_PERCENT = 2,
    BBR_BETA_PERCENT = 70,
    BBR_HEADROOM_PERCENT = 15,
    BBR_MIN_PIPE_SEGS = 4,
    BBR_STARTUP_FULL_LOSS_COUNT = 6
};

enum bbr_state {
    BBR_STARTUP,
    BBR_DRAIN,
    BBR_PROBE_BW_DOWN,
    BBR_PROBE_BW_CRUISE,
    BBR_PROBE_BW_REFILL,
    BBR_PROBE_BW_UP,
    BBR_PROBE_RTT,
    BBR_NONE /* of undo_state */
};

enum bbr_ack_phase {
    BBR_ACKS_INIT,
    BBR_ACKS_REFILLING,
    BBR_ACKS_PROBE_STARTING,
    BBR_ACKS_PROBE_FEEDBACK,
    BBR_ACKS_PROBE_STOPPING
};

/* The largest value of the last so many rounds, and its likely successors [Kathleen Nichols' algorithm]. */
struct bbr_max_filter {
    uint32_t value[3];
    uint32_t time[3];
};

/* Rates in bytes per second, volumes in bytes. */
struct bbr {
    uint64_t pacing_rate;
    uint64_t max_bw_filter[2]; /* previous and present ProbeBW cycle */
    uint64_t max_bw, bw, bw_shortterm, bw_latest, full_bw;
    uint64_t undo_bw_shortterm;
    uint64_t next_round_delivered, loss_round_delivered;
    uint64_t extra_acked_delivered;
    uint64_t round_lost, round_delivered;   /* C.lost, C.delivered when the last loss round ended */
    uint64_t recent_lost, recent_delivered; /* of the last rounds, older ones with less weight */
    gander_time min_rtt_ns, min_rtt_stamp;  /* min_rtt GANDER_NEVER: none yet */
    gander_time probe_rtt_min_delay_ns, probe_rtt_min_stamp, probe_rtt_done_stamp;
    gander_time cycle_stamp, bw_probe_wait_ns;
    gander_time extra_acked_interval_start;
    struct bbr_max_filter extra_acked_filter;
    uint32_t extra_acked, bdp, max_inflight;
    uint32_t inflight_latest, inflight_longterm, inflight_shortterm;
    uint32_t undo_inflight_shortterm, undo_inflight_longterm;
    uint32_t prior_cwnd, send_quantum;
    uint32_t round_count, drain_start_round, recovery_start_round;
    uint32_t rounds_since_probe_up, bw_probe_up_rounds;
    uint32_t bw_probe_up_acked, probe_up_acked_per_inc;
    tcp_seq lost_end; /* of the last range marked lost */
    uint8_t state;    /* enum bbr_state */
    uint8_t undo_state;
    uint8_t ack_phase; /* enum bbr_ack_phase */
    uint8_t full_bw_count;
    uint8_t lost_ranges; /* discontiguous ones, in this round */
    bool round_start, loss_round_start;
    bool full_bw_reached, full_bw_now;
    bool is_loss_in_round, is_queue_in_round, is_bw_probe_sample;
    bool prev_probe_too_high, prev_probe_precautionary;
    bool probe_rtt_round_done, probe_rtt_expired;
    bool idle_restart, has_seen_rtt;
};

static inline bool bbr_is_in_probe_bw(const struct bbr *b)
{
    return b->state >= BBR_PROBE_BW_DOWN && b->state <= BBR_PROBE_BW_UP;
}

static inline uint32_t bbr_percent(uint32_t value, uint32_t percent)
{
    return (uint32_t)((uint64_t)value * percent / 100);
}

static inline uint32_t bbr_min_pipe_cwnd(const struct tcp_cc *cc)
{
    return BBR_MIN_PIPE_SEGS * cc->mss;
}

/* --- cc_bbr.c ---------------------------------------------------------------------------------- */

void bbr_probe_down_start(struct bbr *b, struct tcp_cc *cc);

/* --- cc_bbr_model.c ---------------------------------------------------------------------------- */

void bbr_latest_signals_update(struct bbr *b, const struct tcp_cc *cc);
void bbr_latest_signals_advance(struct bbr *b, const struct tcp_cc *cc);
void bbr_congestion_signals_update(struct bbr *b, struct tcp_cc *cc);
void bbr_congestion_signals_reset(struct bbr *b);
void bbr_short_term_reset(struct bbr *b);
void bbr_ack_aggregation_update(struct bbr *b, const struct tcp_cc *cc);
void bbr_full_bw_reset(struct bbr *b);
void bbr_full_bw_check(struct bbr *b, const struct tcp_cc *cc);
void bbr_min_rtt_update(struct bbr *b, const struct tcp_cc *cc);
void bbr_max_bw_advance(struct bbr *b);
void bbr_bw_bound(struct bbr *b);
void bbr_round_begin(struct bbr *b, const struct tcp_cc *cc);
void bbr_loss_note(struct bbr *b, const struct tcp_cc *cc);
void bbr_state_save(struct bbr *b, const struct tcp_cc *cc);
bool bbr_inflight_is_too_high(const struct tcp_cc *cc);
void bbr_inflight_too_high(struct bbr *b, struct tcp_cc *cc, uint32_t tx_in_flight,
                           bool is_app_limited);
void bbr_lost_packet(struct bbr *b, struct tcp_cc *cc, tcp_seq seq, uint32_t bytes);

/* --- cc_bbr_control.c -------------------------------------------------------------------------- */

uint32_t bbr_bdp_of(const struct bbr *b, const struct tcp_cc *cc, uint64_t bw);
uint32_t bbr_inflight(const struct bbr *b, const struct tcp_cc *cc, uint64_t bw);
uint32_t bbr_inflight_with_headroom(const struct bbr *b, const struct tcp_cc *cc);
uint32_t bbr_target_inflight(const struct bbr *b, const struct tcp_cc *cc);
uint32_t bbr_probe_rtt_cwnd(const struct bbr *b, const struct tcp_cc *cc);
uint64_t bbr_volume(uint64_t bw, gander_time ns);
void bbr_cwnd_save(struct bbr *b, const struct tcp_cc *cc);
void bbr_cwnd_restore(const struct bbr *b, struct tcp_cc *cc);
void bbr_pacing_init(struct bbr *b, struct tcp_cc *cc);
void bbr_pacing_set_unity(struct bbr *b, struct tcp_cc *cc);
void bbr_control_update(struct bbr *b, struct tcp_cc *cc);

#endif

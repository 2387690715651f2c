/* SPDX-License-Identifier: MIT */
/*
 * BBR: from the model of the path to pacing rate, send quantum and cwnd [draft-ietf-ccwg-bbr, "Updating Control Parameters"].
 */
#include "tcp/cc_bbr.h"

enum { PACING_MARGIN_PERCENT = 1, PROBE_RTT_CWND_GAIN = 50, QUANTUM_MAX_BYTES = 65536 };

/* "Summary of Control Behavior in the State Machine", in per cent */
static const struct {
    uint16_t pacing_gain, cwnd_gain;
} gains[] = {
    [BBR_STARTUP] = {277, 200},
    [BBR_DRAIN] = {50, 200},
    [BBR_PROBE_BW_DOWN] = {90, 200},
    [BBR_PROBE_BW_CRUISE] = {100, 200},
    [BBR_PROBE_BW_REFILL] = {100, 200},
    [BBR_PROBE_BW_UP] = {125, 225},
    [BBR_PROBE_RTT] = {100, PROBE_RTT_CWND_GAIN},
};

/* What flows at a rate in a time. Bounded so that it fits: 275 Gbit/s, 17 s. */
uint64_t bbr_volume(uint64_t bw, gander_time ns)
{
    const uint64_t bw_most = UINT64_C(1) << 35;
    const gander_time ns_most = (gander_time)1 << 34;

    if (bw > bw_most)
        bw = bw_most;
    return bw * (uint64_t)(min_i64(ns, ns_most) >> 6) / (uint64_t)(GANDER_S >> 6);
}

/* BDPMultiple(), but for the gain. */
uint32_t bbr_bdp_of(const struct bbr *b, const struct tcp_cc *cc, uint64_t bw)
{
    uint64_t bdp;

    if (b->min_rtt_ns == GANDER_NEVER)
        return cc->initial_window; /* no valid RTT samples yet */
    bdp = bbr_volume(bw, b->min_rtt_ns);
    return bdp < 1U << 30 ? (uint32_t)bdp : 1U << 30;
}

static uint32_t quantization_budget(const struct bbr *b, const struct tcp_cc *cc, uint32_t cap)
{
    cap = max_u32(cap, 3 * b->send_quantum); /* BBR.offload_budget */
    cap = max_u32(cap, bbr_min_pipe_cwnd(cc));
    if (b->state == BBR_PROBE_BW_UP)
        cap += 2 * cc->mss;
    return cap;
}

/* Inflight(bw, 1.0) */
uint32_t bbr_inflight(const struct bbr *b, const struct tcp_cc *cc, uint64_t bw)
{
    return quantization_budget(b, cc, bbr_bdp_of(b, cc, bw));
}

uint32_t bbr_inflight_with_headroom(const struct bbr *b, const struct tcp_cc *cc)
{
    uint32_t headroom;

    if (b->inflight_longterm == BBR_INFINITY)
        return BBR_INFINITY;
    headroom = max_u32(cc->mss, bbr_percent(b->inflight_longterm, BBR_HEADROOM_PERCENT));
    if (b->inflight_longterm <= headroom)
        return bbr_min_pipe_cwnd(cc);
    return max_u32(b->inflight_longterm - headroom, bbr_min_pipe_cwnd(cc));
}

uint32_t bbr_target_inflight(const struct bbr *b, const struct tcp_cc *cc)
{
    return min_u32(b->bdp, cc->cwnd);
}

uint32_t bbr_probe_rtt_cwnd(const struct bbr *b, const struct tcp_cc *cc)
{
    return max_u32(bbr_percent(bbr_bdp_of(b, cc, b->bw), PROBE_RTT_CWND_GAIN),
                   bbr_min_pipe_cwnd(cc));
}

/* --- pacing rate and quantum ------------------------------------------------------------------------ */

void bbr_pacing_init(struct bbr *b, struct tcp_cc *cc)
{
    uint64_t rtt_us = (uint64_t)(cc->srtt_ns ? cc->srtt_ns : GANDER_MS) / (uint64_t)GANDER_US;
    uint64_t volume = max_u32(cc->initial_window, cc->cwnd); /* more, if chosen on the way */

    b->has_seen_rtt = cc->srtt_ns != 0;
    b->pacing_rate = volume * 10000 * gains[BBR_STARTUP].pacing_gain / (rtt_us ? rtt_us : 1);
    cc->pacing_rate = b->pacing_rate;
}

/* SetPacingRateWithGain() */
static void pacing_set(struct bbr *b, struct tcp_cc *cc, unsigned gain)
{
    uint64_t rate = b->bw * gain * (100 - PACING_MARGIN_PERCENT) / 10000;

    if (!b->has_seen_rtt && cc->srtt_ns)
        bbr_pacing_init(b, cc);
    if (rate > 0 && (b->full_bw_reached || rate > b->pacing_rate))
        b->pacing_rate = rate;
    cc->pacing_rate = b->pacing_rate;
}

void bbr_pacing_set_unity(struct bbr *b, struct tcp_cc *cc)
{
    pacing_set(b, cc, 100);
}

static void quantum_set(struct bbr *b, struct tcp_cc *cc)
{
    uint64_t bytes = b->pacing_rate / 1000; /* 1 ms */

    bytes = bytes < QUANTUM_MAX_BYTES ? bytes : QUANTUM_MAX_BYTES;
    b->send_quantum = max_u32((uint32_t)bytes, 2 * cc->mss);
    cc->send_quantum = b->send_quantum;
}

/* --- cwnd ------------------------------------------------------------------------------------------- */

void bbr_cwnd_save(struct bbr *b, const struct tcp_cc *cc)
{
    if (!cc->recovering && b->state != BBR_PROBE_RTT)
        b->prior_cwnd = cc->cwnd;
    else
        b->prior_cwnd = max_u32(b->prior_cwnd, cc->cwnd);
}

void bbr_cwnd_restore(const struct bbr *b, struct tcp_cc *cc)
{
    cc->cwnd = max_u32(cc->cwnd, b->prior_cwnd);
}

static void max_inflight_update(struct bbr *b, const struct tcp_cc *cc)
{
    uint32_t cap;

    b->bdp = bbr_bdp_of(b, cc, b->bw);
    cap = bbr_percent(b->bdp, gains[b->state].cwnd_gain);
    b->max_inflight = quantization_budget(b, cc, cap + b->extra_acked);
}

/* BoundCwndForModel() */
static void cwnd_bound(const struct bbr *b, struct tcp_cc *cc)
{
    uint32_t cap = BBR_INFINITY;

    if (bbr_is_in_probe_bw(b) && b->state != BBR_PROBE_BW_CRUISE)
        cap = b->inflight_longterm;
    else if (b->state == BBR_PROBE_RTT || b->state == BBR_PROBE_BW_CRUISE)
        cap = bbr_inflight_with_headroom(b, cc);
    cap = max_u32(min_u32(cap, b->inflight_shortterm), bbr_min_pipe_cwnd(cc));
    cc->cwnd = min_u32(cc->cwnd, cap);
}

static void cwnd_set(struct bbr *b, struct tcp_cc *cc)
{
    uint32_t newly_acked = cc->rs->newly_acked;

    max_inflight_update(b, cc);
    if (b->full_bw_reached)
        cc->cwnd = min_u32(cc->cwnd + newly_acked, b->max_inflight);
    else if (cc->cwnd < b->max_inflight || cc->delivered < cc->initial_window)
        cc->cwnd += newly_acked;
    cc->cwnd = max_u32(cc->cwnd, bbr_min_pipe_cwnd(cc));
    if (b->state == BBR_PROBE_RTT)
        cc->cwnd = min_u32(cc->cwnd, bbr_probe_rtt_cwnd(b, cc));
    cwnd_bound(b, cc);
}

/* UpdateControlParameters() */
void bbr_control_update(struct bbr *b, struct tcp_cc *cc)
{
    pacing_set(b, cc, gains[b->state].pacing_gain);
    quantum_set(b, cc);
    cwnd_set(b, cc);
}

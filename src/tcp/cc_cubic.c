/* SPDX-License-Identifier: MIT */
/*
 * CUBIC [RFC9438], in integers: bytes, and milliseconds since the epoch began. C = 0.4, beta = 0.7; alpha of the Reno-friendly
 * estimate 9/17 until it reaches the window before the reduction, then 1; fast convergence; slow start by HyStart++ [RFC9406].
 */
#include "tcp/cc.h"
#include "tcp/hystart.h"

struct cubic {
    struct hystart hystart;
    gander_time epoch_ns; /* when congestion avoidance began; 0: not yet */
    uint32_t w_max;       /* bytes */
    uint32_t w_est;       /* what Reno would have, bytes */
    uint32_t cwnd_prior;  /* before the last reduction */
    uint32_t k_ms;
    uint32_t est_counted; /* bytes acknowledged, not yet in w_est */
    uint64_t counted;     /* window growth owed, in bytes times cwnd */
    struct {
        gander_time epoch_ns;
        uint32_t w_max, w_est, cwnd_prior, k_ms;
    } before; /* the last reduction */
};

_Static_assert(sizeof(struct cubic) <= TCP_CC_STATE_WORDS * sizeof(uint64_t), "state fits");

/* keeps the cube within 64 bits; by then the window is at its limit */
static const uint32_t age_max_ms = 1u << 18;

/* The largest r with r^3 ≤ x, a bit at a time. */
static uint32_t cube_root(uint64_t x)
{
    uint64_t r = 0;

    for (int bit = 20; bit >= 0; bit--) {
        uint64_t t = r | (uint64_t)1 << bit;

        if (t * t * t <= x)
            r = t;
    }
    return (uint32_t)r;
}

/* Figure 2: K = cubic_root((W_max − cwnd_epoch) / C), with W in segments: 2.5 * 10^9 ms^3 for each. */
static uint32_t k_of(uint32_t w_max, uint32_t cwnd, uint32_t mss)
{
    return w_max > cwnd ? cube_root((uint64_t)(w_max - cwnd) * 2500000000U / mss) : 0;
}

/* Figure 1: W_cubic(t) = C * (t − K)^3 + W_max. */
static uint64_t w_cubic(const struct cubic *c, uint32_t mss, uint64_t t_ms)
{
    uint64_t d = t_ms > c->k_ms ? t_ms - c->k_ms : c->k_ms - t_ms;
    uint64_t delta;

    if (d > age_max_ms)
        d = age_max_ms;
    delta = d * d * d / 1000 * mss / 2500000; /* 0.4 segments per s^3 */
    if (t_ms > c->k_ms)
        return c->w_max + delta;
    return c->w_max > delta ? c->w_max - delta : 0;
}

static void epoch_begin(struct cubic *c, const struct tcp_cc *cc)
{
    c->epoch_ns = cc->now;
    c->w_est = cc->cwnd;
    c->est_counted = 0;
    c->counted = 0;
    if (c->w_max < cc->cwnd)
        c->w_max = cc->cwnd; /* 4.8: after a slow start without loss, K = 0 */
    c->k_ms = k_of(c->w_max, cc->cwnd, cc->mss);
}

/* 4.3, figure 4: W_est grows by alpha segments a window. */
static void estimate_grow(struct cubic *c, const struct tcp_cc *cc, uint32_t acked_bytes)
{
    bool caught_up = c->w_est >= c->cwnd_prior;
    uint64_t owed;

    c->est_counted += acked_bytes;
    owed = (uint64_t)c->est_counted * cc->mss / cc->cwnd;
    if (owed == 0)
        return;
    c->w_est += (uint32_t)(caught_up ? owed : owed * 9 / 17);
    c->est_counted = 0;
}

/* 4.4, 4.5: towards where the curve is one round trip from now, at most half a window faster. */
static void curve_follow(struct cubic *c, struct tcp_cc *cc, uint32_t acked_bytes)
{
    uint64_t age_ms = (uint64_t)(cc->now - c->epoch_ns) / (uint64_t)GANDER_MS;
    uint64_t target = w_cubic(c, cc->mss, age_ms + (uint64_t)cc->srtt_ns / (uint64_t)GANDER_MS);
    uint64_t top = (uint64_t)cc->cwnd + cc->cwnd / 2, grow;

    if (target > top)
        target = top;
    if (target <= cc->cwnd)
        return;
    c->counted += (target - cc->cwnd) * acked_bytes;
    grow = c->counted / cc->cwnd;
    c->counted -= grow * cc->cwnd;
    cc->cwnd += (uint32_t)grow;
}

static void avoidance(struct cubic *c, struct tcp_cc *cc, uint32_t acked_bytes)
{
    uint64_t age_ms;

    if (c->epoch_ns == 0)
        epoch_begin(c, cc);
    age_ms = (uint64_t)(cc->now - c->epoch_ns) / (uint64_t)GANDER_MS;
    estimate_grow(c, cc, acked_bytes);
    if (w_cubic(c, cc->mss, age_ms) < c->w_est) {
        if (c->w_est > cc->cwnd)
            cc->cwnd = c->w_est;
    } else {
        curve_follow(c, cc, acked_bytes);
    }
}

static void cubic_on_ack(struct tcp_cc *cc, uint32_t acked_bytes)
{
    struct cubic *c = cc->state;
    bool leave;

    if (cc->cwnd >= cc->ssthresh) {
        if (cc->limited)
            avoidance(c, cc, acked_bytes);
        return;
    }
    acked_bytes = hystart_on_ack(&c->hystart, cc, acked_bytes, &leave);
    if (cc->limited)
        cc->cwnd += acked_bytes;
    if (leave)
        cc->ssthresh = cc->cwnd;
}

/* 4.6 multiplicative decrease, 4.7 fast convergence. */
static void cubic_on_loss(struct tcp_cc *cc)
{
    struct cubic *c = cc->state;
    uint32_t base = cc->flight < cc->cwnd ? cc->flight : cc->cwnd;
    uint32_t reduced = (uint32_t)((uint64_t)base * 7 / 10);

    hystart_end(&c->hystart);
    c->before.epoch_ns = c->epoch_ns;
    c->before.w_max = c->w_max;
    c->before.w_est = c->w_est;
    c->before.cwnd_prior = c->cwnd_prior;
    c->before.k_ms = c->k_ms;
    c->cwnd_prior = cc->cwnd;
    c->w_max = cc->cwnd < c->w_max ? (uint32_t)((uint64_t)cc->cwnd * 17 / 20) : cc->cwnd;
    c->epoch_ns = 0;
    cc->ssthresh = reduced > 2 * cc->mss ? reduced : 2 * cc->mss;
}

/* 4.9: the curve goes on from where it was. */
static void cubic_on_undo(struct tcp_cc *cc)
{
    struct cubic *c = cc->state;

    c->epoch_ns = c->before.epoch_ns;
    c->w_max = c->before.w_max;
    c->w_est = c->before.w_est;
    c->cwnd_prior = c->before.cwnd_prior;
    c->k_ms = c->before.k_ms;
}

/* 5.8 in short: time without data does not count as time of growth. */
static void cubic_on_idle(struct tcp_cc *cc)
{
    struct cubic *c = cc->state;

    c->epoch_ns = 0;
}

const struct tcp_cc_ops tcp_cc_cubic = {
    .name = "cubic",
    .on_ack = cubic_on_ack,
    .on_loss = cubic_on_loss,
    .on_undo = cubic_on_undo,
    .on_idle = cubic_on_idle,
};

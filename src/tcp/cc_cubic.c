/* SPDX-License-Identifier: MIT */
/*
 * CUBIC [RFC9438], in integers: bytes, and milliseconds since the epoch began. C = 0.4, beta = 0.7; alpha of the Reno-friendly
 * estimate 9/17 until it reaches the window before the reduction, then 1; fast convergence; slow start by HyStart++ [RFC9406].
 */
#include <gander/trace.h>

#include "tcp/cc.h"
#include "tcp/hystart.h"

/* What a reduction replaces, and undo brings back [RFC9438 4.9.1]. */
struct cubic_epoch {
    gander_time epoch_ns; /* when congestion avoidance began; 0: not yet */
    uint32_t w_max;       /* bytes */
    uint32_t w_est;       /* what Reno would have, bytes */
    uint32_t cwnd_prior;  /* before the last reduction */
    uint32_t k_ms;
};

struct cubic {
    struct hystart hystart;
    struct cubic_epoch now;
    uint64_t est_counted;      /* growth owed to w_est, in bytes times 17 cwnd */
    uint64_t counted;          /* window growth owed, in bytes times cwnd */
    struct cubic_epoch before; /* the last reduction, for undo */
};

_Static_assert(sizeof(struct cubic) <= TCP_CC_STATE_WORDS * sizeof(uint64_t), "state fits");

/* 3 (1 − beta) / (1 + beta) */
enum { ALPHA_NUMERATOR = 9, ALPHA_DENOMINATOR = 17 };

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
    uint64_t d = t_ms > c->now.k_ms ? t_ms - c->now.k_ms : c->now.k_ms - t_ms;
    uint64_t delta;

    if (d > age_max_ms)
        d = age_max_ms;
    delta = d * d * d / 1000 * mss / 2500000; /* 0.4 segments per s^3 */
    if (t_ms > c->now.k_ms)
        return c->now.w_max + delta;
    return c->now.w_max > delta ? c->now.w_max - delta : 0;
}

static void epoch_begin(struct cubic *c, const struct tcp_cc *cc)
{
    c->now.epoch_ns = cc->now;
    c->now.w_est = cc->cwnd;
    c->est_counted = 0;
    c->counted = 0;
    if (c->now.w_max < cc->cwnd)
        c->now.w_max = cc->cwnd; /* 4.8: after a slow start without loss, K = 0 */
    c->now.k_ms = k_of(c->now.w_max, cc->cwnd, cc->mss);
}

/* 4.3, figure 4: W_est grows by alpha segments a window. */
static void estimate_grow(struct cubic *c, const struct tcp_cc *cc, uint32_t acked_bytes)
{
    bool caught_up = c->now.w_est >= c->now.cwnd_prior;
    uint64_t grow, window = ALPHA_DENOMINATOR * (uint64_t)cc->cwnd;

    c->est_counted +=
        (uint64_t)acked_bytes * cc->mss * (caught_up ? ALPHA_DENOMINATOR : ALPHA_NUMERATOR);
    grow = c->est_counted / window;
    c->est_counted -= grow * window;
    c->now.w_est += (uint32_t)grow;
}

/* 4.4, 4.5: towards where the curve is one round trip from now, at most half a window faster. */
static void curve_follow(struct cubic *c, struct tcp_cc *cc, uint32_t acked_bytes)
{
    uint64_t age_ms = (uint64_t)(cc->now - c->now.epoch_ns) / (uint64_t)GANDER_MS;
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

    if (c->now.epoch_ns == 0)
        epoch_begin(c, cc);
    age_ms = (uint64_t)(cc->now - c->now.epoch_ns) / (uint64_t)GANDER_MS;
    estimate_grow(c, cc, acked_bytes);
    if (w_cubic(c, cc->mss, age_ms) < c->now.w_est) {
        if (c->now.w_est > cc->cwnd)
            cc->cwnd = c->now.w_est;
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
    if (leave) {
        cc->ssthresh = cc->cwnd;
        cc->why = GANDER_WHY_cwnd_hystart;
    }
}

/* 4.6 multiplicative decrease, 4.7 fast convergence. */
static void cubic_on_loss(struct tcp_cc *cc)
{
    struct cubic *c = cc->state;
    uint32_t base = cc->flight < cc->cwnd ? cc->flight : cc->cwnd;
    uint32_t reduced = (uint32_t)((uint64_t)base * 7 / 10);

    hystart_end(&c->hystart);
    c->before = c->now;
    c->now.cwnd_prior = cc->cwnd;
    c->now.w_max = cc->cwnd < c->now.w_max ? (uint32_t)((uint64_t)cc->cwnd * 17 / 20) : cc->cwnd;
    c->now.epoch_ns = 0;
    cc->why = GANDER_WHY_cwnd_cubic;
    cc->ssthresh = reduced > 2 * cc->mss ? reduced : 2 * cc->mss;
}

/* 4.8: the curve begins anew where congestion avoidance will, with K = 0 */
static void cubic_on_timeout(struct tcp_cc *cc)
{
    struct cubic *c = cc->state;

    cubic_on_loss(cc);
    c->now.w_max = 0;
}

/* 4.9.1; the windows are restored for all algorithms alike. */
static void cubic_on_undo(struct tcp_cc *cc)
{
    struct cubic *c = cc->state;

    c->now = c->before;
}

/* 5.8 in short: time without data does not count as time of growth. */
static void cubic_on_idle(struct tcp_cc *cc)
{
    struct cubic *c = cc->state;

    c->now.epoch_ns = 0;
}

/* Chosen on the way: where another algorithm has left slow start, this one does not begin it again. */
static void cubic_init(struct tcp_cc *cc)
{
    struct cubic *c = cc->state;

    if (cc->ssthresh != UINT32_MAX)
        hystart_end(&c->hystart);
}

const struct tcp_cc_ops tcp_cc_cubic = {
    .name = "cubic",
    .init = cubic_init,
    .on_ack = cubic_on_ack,
    .on_loss = cubic_on_loss,
    .on_timeout = cubic_on_timeout,
    .on_undo = cubic_on_undo,
    .on_idle = cubic_on_idle,
};

/* SPDX-License-Identifier: MIT */
/* HyStart++ [RFC9406 4.2, 4.3]. */
#include "tcp/hystart.h"

enum {
    N_RTT_SAMPLE = 8,
    MIN_RTT_DIVISOR = 8,
    CSS_GROWTH_DIVISOR = 4,
    CSS_ROUNDS = 5,
    L = 8 /* segments an ACK may count for without pacing */
};

static const gander_time min_rtt_thresh_ns = 4 * GANDER_MS;
static const gander_time max_rtt_thresh_ns = 16 * GANDER_MS;

static void round_begin(struct hystart *h, const struct tcp_cc *cc)
{
    h->last_min_ns = h->current_min_ns;
    h->current_min_ns = 0;
    h->samples = 0;
    h->window_end = cc->snd_nxt;
    h->started = true;
}

static gander_time rtt_thresh(const struct hystart *h)
{
    gander_time thresh = h->last_min_ns / MIN_RTT_DIVISOR;

    if (thresh < min_rtt_thresh_ns)
        return min_rtt_thresh_ns;
    return thresh > max_rtt_thresh_ns ? max_rtt_thresh_ns : thresh;
}

static void sample_take(struct hystart *h, gander_time rtt_ns)
{
    if (rtt_ns < 0)
        return;
    if (h->current_min_ns == 0 || rtt_ns < h->current_min_ns)
        h->current_min_ns = rtt_ns;
    if (h->samples < N_RTT_SAMPLE)
        h->samples++;
}

/* 4.2: enough samples to say whether the round trip has become longer, or was so only by chance? */
static void phase_decide(struct hystart *h)
{
    if (h->samples < N_RTT_SAMPLE || h->last_min_ns == 0)
        return;
    if (!h->in_css && h->current_min_ns >= h->last_min_ns + rtt_thresh(h)) {
        h->baseline_ns = h->current_min_ns;
        h->in_css = true;
        h->css_rounds = CSS_ROUNDS;
    } else if (h->in_css && h->current_min_ns < h->baseline_ns) {
        h->baseline_ns = 0;
        h->in_css = false;
    }
}

uint32_t hystart_on_ack(struct hystart *h, const struct tcp_cc *cc, uint32_t acked_bytes,
                        bool *leave)
{
    uint32_t growth = acked_bytes < L * cc->mss || cc->paced ? acked_bytes : L * cc->mss;

    *leave = false;
    if (h->done)
        return growth;
    if (!h->started || seq_geq(cc->snd_una, h->window_end)) {
        if (h->started && h->in_css && --h->css_rounds == 0) {
            h->done = *leave = true;
            return growth / CSS_GROWTH_DIVISOR;
        }
        round_begin(h, cc);
    }
    sample_take(h, cc->rtt_ns);
    phase_decide(h);
    return h->in_css ? growth / CSS_GROWTH_DIVISOR : growth;
}

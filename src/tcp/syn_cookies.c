/* SPDX-License-Identifier: MIT */
/*
 * SYN cookies [RFC4987 3.6]: when a listener's backlog is full of SYN-RECEIVED records, further SYNs leave nothing behind. What
 * we must remember travels in the numbers that the peer sends back: the sequence number of our SYN-ACK is
 *
 *     bits 31-27   which period of 64 s, modulo 32
 *     bits 26-24   which of eight segment sizes
 *     bits 23-0    keyed hash of the flow, the peer's SEQ, period and size
 *
 * and where the peer has timestamps, the low six bits of ours hold its window scale (15: none) and whether it
 * has SACK and classic ECN. Without timestamps these three are not used; accurate ECN tells by the ACK's own flags [RFC9768 5.1].
 *
 * A cookie is believed for at most two periods, and only while the listener sends cookies or just has: a
 * blind ACK passes with 2/32 * 2^-24 = 2^-28.
 */
#include "tcp/tcp.h"

enum {
    PERIODS = 2, /* the current one and the last */
    SCALE_NONE = 15,
    OPTION_SACK = 16,
    OPTION_ECN = 32,
    OPTION_BITS = 0x3f
};

static const gander_time period_ns = 64 * GANDER_S;
static const uint16_t sizes[8] = {64, 256, 536, 1024, 1220, 1360, 1440, 1460};

static uint32_t period_now(const struct gander_stack *stack)
{
    return (uint32_t)((uint64_t)stack->now / (uint64_t)period_ns);
}

static uint32_t size_index(uint16_t mss)
{
    uint32_t i = 0;

    while (i + 1 < ARRAY_LEN(sizes) && sizes[i + 1] <= mss)
        i++;
    return i;
}

static tcp_seq cookie_make(const struct gander_stack *stack, unsigned family,
                           const struct tcp_flow *flow, tcp_seq irs, uint32_t period, uint32_t size)
{
    struct {
        struct tcp_flow flow;
        uint32_t irs, period, size;
    } text;
    uint32_t hash;

    memset(&text, 0, sizeof(text));
    memcpy(&text.flow, flow, offsetof(struct tcp_flow, ip) + 2 * wire_ip_address_bytes(family));
    text.irs = irs;
    text.period = period;
    text.size = size;
    hash = (uint32_t)siphash24(&stack->cookie_key, &text, sizeof(text));
    return (period & 31) << 27 | size << 24 | (hash & 0xffffff);
}

/* The latest timestamp, not after now, that says what is to be said. */
static uint32_t timestamp_make(const struct gander_stack *stack, const struct tcp_syn_received *r)
{
    uint32_t now = tcp_timestamp(stack, tcp_timestamp_offset(stack, r->entity.family, &r->flow));
    uint32_t options = r->flags & TCP_SCALING ? r->snd_scale : SCALE_NONE;
    uint32_t ts;

    if (r->flags & TCP_SACK)
        options |= OPTION_SACK;
    if (r->ecn & TCP_ECN_CLASSIC)
        options |= OPTION_ECN;
    ts = (now & ~(uint32_t)OPTION_BITS) | options;
    return seq_gt(ts, now) ? ts - OPTION_BITS - 1 : ts;
}

void tcp_syn_cookie_send(struct gander_stack *stack, struct tcp_listener *l,
                         struct tcp_syn_received *r)
{
    uint32_t size;

    if (!(r->flags & TCP_TIMESTAMPS))
        r->flags &= (uint8_t) ~(TCP_SCALING | TCP_SACK);
    if (!(r->flags & TCP_TIMESTAMPS) && (r->ecn & TCP_ECN_CLASSIC))
        r->ecn = 0;
    if (r->mss == 0)
        r->mss = r->entity.family == GANDER_IPV4 ? 536 : 1220;
    size = size_index(r->mss);
    r->iss = cookie_make(stack, r->entity.family, &r->flow, r->irs, period_now(stack), size);
    l->cookies_until_ns = stack->now + PERIODS * period_ns;
    stack->stats.tcp_syn_cookies_sent++;
    tcp_syn_ack_send(stack, r, timestamp_make(stack, r), false);
}

/* Accurate ECN's first ACK has one of six values that no other one has [RFC9768 5.1]. */
static uint8_t ecn_restore(const struct gander_stack *stack, const struct tcp_syn_received *r,
                           const struct tcp_segment *seg)
{
    const struct tcp_knobs *knobs = tcp_listener_knobs(stack, r->listener);

    if (knobs->ecn == GANDER_ECN_ACCURATE && (seg->ae || (seg->flags & GANDER_FLAG_CWR)))
        return TCP_ECN_ACCURATE;
    if (knobs->ecn != GANDER_ECN_OFF && seg->has_timestamp && knobs->timestamps &&
        (seg->tsecr & OPTION_ECN))
        return TCP_ECN_CLASSIC;
    return 0;
}

/* What a cookie's SYN had said, as far as it came back. */
static void record_restore(struct gander_stack *stack, struct tcp_syn_received *r,
                           const struct tcp_segment *seg)
{
    uint32_t options;

    r->mss = sizes[(r->iss >> 24) & 7];
    r->wnd = (uint16_t)seg->wnd;
    r->id = (uint32_t)stack->next_id++;
    r->from_cookie = true;
    r->ecn = ecn_restore(stack, r, seg);
    if (!seg->has_timestamp || !stack->config.tcp_timestamps)
        return;
    r->flags = TCP_TIMESTAMPS;
    r->ts_recent = seg->tsval;
    options = seg->tsecr & OPTION_BITS;
    if (options & OPTION_SACK && stack->config.tcp_sack)
        r->flags |= TCP_SACK;
    if ((options & 15) != SCALE_NONE && stack->config.tcp_window_scaling) {
        r->flags |= TCP_SCALING;
        r->snd_scale = options & 15;
        r->rcv_scale = tcp_listener_scale(stack, r->listener) & 15U;
    }
}

/* Is SEG.ACK one of our cookies? Fills what is known of the flow into *r. */
bool tcp_syn_cookie_accept(struct gander_stack *stack, const struct tcp_listener *l,
                           const struct tcp_segment *seg, struct tcp_syn_received *r)
{
    tcp_seq cookie = seg->ack - 1;
    uint32_t now = period_now(stack);

    if (stack->now >= l->cookies_until_ns || (seg->flags & (GANDER_FLAG_SYN | GANDER_FLAG_RST)))
        return false;
    for (uint32_t age = 0; age < PERIODS; age++) {
        if (cookie >> 27 != ((now - age) & 31))
            continue;
        if (cookie != cookie_make(stack, r->entity.family, &r->flow, seg->seq - 1, now - age,
                                  (cookie >> 24) & 7))
            continue;
        r->iss = cookie;
        r->irs = seg->seq - 1;
        record_restore(stack, r, seg);
        stack->stats.tcp_syn_cookies_accepted++;
        return true;
    }
    return false;
}

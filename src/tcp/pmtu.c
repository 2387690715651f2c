/* SPDX-License-Identifier: MIT */
/*
 * How large a segment may be. What routers say is believed within bounds [RFC1191, RFC8201], and at once only as long as no larger
 * packet has arrived: later it has to be confirmed by a time-out [RFC5927 7.2]. Where they say nothing, repeated time-outs of
 * large segments show a black hole [RFC4821 7.7], and segments of ordinary data, larger than the others, find out what passes
 * [RFC4821 7, RFC8899 5]; the loss of such a probe says nothing about congestion [RFC4821 7.6.2].
 *
 * Without probes a smaller MTU is given up after ten minutes [RFC1191 6.3]. A size once proved is kept while the connection lasts.
 */
#include "tcp/tcp.h"

enum {
    MTU_FLOOR_IPV4 = 552,
    MTU_FLOOR_IPV6 = 1280,
    MTU_GUESS = 576,        /* an old router tells no MTU */
    BLACK_HOLE_RETRIES = 3, /* R1: delivery is in trouble [RFC9293 3.8.3] */
    SEARCH_END_BYTES = 16   /* closer than that is close enough */
};

static const gander_time raise_ns =
    600 * GANDER_S; /* RFC 1191 6.3, RFC 8899 5.1.1: PMTU_RAISE_TIMER */

static uint32_t headers_of(const struct tcp_conn *c)
{
    return wire_ip_header_bytes(c->entity.family) + TCP_HEADER_BYTES +
           (c->flags & TCP_TIMESTAMPS ? 12U : 0U);
}

/* What is too long now counts as lost, without a penalty of its own. */
static void resend_shorter(struct gander_stack *stack, struct tcp_conn *c)
{
    struct rtxq *q = &c->busy->rtxq;

    for (uint32_t number = q->count ? q->first : RTXQ_NONE; number != RTXQ_NONE;
         number = rtxq_after(q, number)) {
        const struct tcp_record *r = rtxq_at(q, number);

        if (r->len > c->mss && r->list != 2 && !(r->flags & RECORD_SACKED))
            tcp_mark_lost(stack, c, number, GANDER_WHY_retransmit_mtu);
    }
    c->busy->force_one = true;
    tcp_output_wanted(stack, c);
}

/* Smaller segments from now on. Without memory to know better by, for ever. */
static void shrink(struct gander_stack *stack, struct tcp_conn *c, uint32_t mtu)
{
    bool remembers = tcp_knobs_need(stack, &c->sock);

    if (remembers && c->knobs->mss_most == 0)
        c->knobs->mss_most = c->mss;
    c->mtu = (uint16_t)mtu;
    c->mss = (uint16_t)min_u32(c->mss, mtu - headers_of(c)); /* the peer's own limit may be lower */
    if (remembers) {
        c->knobs->mss_high = c->knobs->mss_most;
        c->knobs->mtu_raise_ns = stack->now + raise_ns;
    }
    if (c->busy)
        c->busy->mtu_claimed = c->busy->mtu_probe = 0;
}

/* --- by ICMP ------------------------------------------------------------------------------------------- */

static void claim_believe(struct gander_stack *stack, struct tcp_conn *c, uint32_t mtu)
{
    shrink(stack, c, mtu);
    ip_path_learn(stack, c->entity.family, flow_remote(&c->flow, c->entity.family), mtu);
}

void tcp_pmtu_too_big(struct gander_stack *stack, struct tcp_conn *c,
                      const struct icmp_header *error, const struct icmp_quote *quote)
{
    uint32_t floor = c->entity.family == GANDER_IPV4 ? MTU_FLOOR_IPV4 : MTU_FLOOR_IPV6;
    uint32_t mtu = max_u32(error->mtu ? error->mtu : MTU_GUESS, floor);

    if (mtu >= c->mtu || quote->total_bytes <= mtu)
        return;
    if (mtu <
        c->busy
            ->mtu_arrived) { /* such packets have arrived: wait for a time-out to say otherwise */
        c->busy->mtu_claimed = (uint16_t)mtu;
        c->busy->mtu_claimed_seq = quote->seq;
        return;
    }
    claim_believe(stack, c, mtu);
    resend_shorter(stack, c);
}

/* --- what arrives, and what does not -------------------------------------------------------------------- */

void tcp_pmtu_on_ack(struct gander_stack *stack, struct tcp_conn *c, tcp_seq una_before)
{
    struct tcp_busy *b = c->busy;

    if (c->snd.una - una_before >= c->mss && b->recovery == TCP_OPEN)
        b->mtu_arrived = c->mtu;
    if (b->mtu_claimed && seq_gt(c->snd.una, b->mtu_claimed_seq))
        b->mtu_claimed = 0; /* RFC 5927 7.2: what was too big has been acknowledged */
    if (!b->mtu_probe || seq_lt(c->snd.una, b->mtu_probe_end))
        return;
    c->mss = b->mtu_probe; /* RFC 4821 7.6.1 */
    c->mtu = (uint16_t)(c->mss + headers_of(c));
    b->mtu_probe = 0;
    c->knobs->mtu_raise_ns = stack->now;
}

/* Before the time-out's own work. */
void tcp_pmtu_on_timeout(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;
    const struct tcp_record *r = b->rtxq.count ? rtxq_at(&b->rtxq, b->rtxq.first) : NULL;
    uint32_t base = stack->config.tcp_base_mss;

    if (c->entity.state < GANDER_TCP_ESTABLISHED || !r)
        return;
    if (c->entity.family == GANDER_IPV6)
        base = max_u32(base, MTU_FLOOR_IPV6 - headers_of(c));
    if (b->mtu_claimed && seq_leq(c->snd.una, b->mtu_claimed_seq)) {
        claim_believe(stack, c, b->mtu_claimed);
    } else if (stack->config.tcp_mtu_probing != GANDER_MTU_PROBING_OFF &&
               b->retries >= BLACK_HOLE_RETRIES && r->len > base && c->mss > base) {
        shrink(stack, c, base + headers_of(c));
        if (c->knobs) {
            c->knobs->mtu_raise_ns = stack->now;
            c->knobs->mss_high = (uint16_t)(r->len - 1);
        }
    }
    b->mtu_probe = 0;
}

/* --- probes --------------------------------------------------------------------------------------------- */

void tcp_pmtu_begin(struct gander_stack *stack, struct tcp_conn *c)
{
    uint32_t base = stack->config.tcp_base_mss;

    if (c->entity.family == GANDER_IPV6)
        base = max_u32(base, MTU_FLOOR_IPV6 - headers_of(c));
    if (stack->config.tcp_mtu_probing != GANDER_MTU_PROBING_ALWAYS || c->mss <= base)
        return;
    shrink(stack, c, base + headers_of(c));
    if (c->knobs)
        c->knobs->mtu_raise_ns = stack->now;
}

/* The search is over for now: again from the top in ten minutes. */
static void search_rest(struct gander_stack *stack, struct tcp_conn *c)
{
    c->knobs->mss_high = c->knobs->mss_most;
    c->knobs->mtu_raise_ns = stack->now + raise_ns;
}

/* Ten minutes without probes: the first link's MTU is tried again, by all that is sent [RFC1191 6.3]. */
static void raise(struct gander_stack *stack, struct tcp_conn *c)
{
    uint32_t mtu = stack->links[c->entity.link].mtu_bytes;

    mtu = ip_path_mtu(stack, c->entity.family, flow_remote(&c->flow, c->entity.family), mtu);
    c->mss = (uint16_t)min_u32(c->knobs->mss_most, mtu - headers_of(c));
    c->mtu = (uint16_t)(c->mss + headers_of(c));
    if (c->mss == c->knobs->mss_most)
        c->knobs->mss_most = 0;
    else
        c->knobs->mtu_raise_ns = stack->now + raise_ns;
}

uint32_t tcp_pmtu_probe_bytes(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;
    struct tcp_knobs *k = c->knobs;
    uint32_t in_flight = c->snd.nxt - c->snd.una, unsent = b->sendq.end - c->snd.nxt, size;

    if (LIKELY(!k || k->mss_most <= c->mss) || stack->now < k->mtu_raise_ns || b->mtu_probe)
        return 0;
    if (stack->config.tcp_mtu_probing == GANDER_MTU_PROBING_OFF) {
        raise(stack, c);
        return 0;
    }
    if (k->mss_high < c->mss + SEARCH_END_BYTES) {
        search_rest(stack, c);
        return 0;
    }
    size = k->mss_high == k->mss_most ? k->mss_high : (uint32_t)(c->mss + k->mss_high + 1) / 2;
    if (b->recovery != TCP_OPEN || b->rtxq.lost_bytes || (c->flags & TCP_FIN_SENT) ||
        unsent < size + c->mss || in_flight + size > c->snd.wnd || tcp_pipe(c) + size > c->cwnd)
        return 0;
    return size;
}

void tcp_pmtu_on_probe(struct tcp_conn *c, uint32_t bytes)
{
    c->busy->mtu_probe = (uint16_t)bytes;
    c->busy->mtu_probe_end = c->snd.nxt;
}

/* Is all that is lost a probe? Then it was too large, and nothing was congested. */
bool tcp_pmtu_probe_lost(struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;
    const struct tcp_record *r;

    if (!b->mtu_probe || b->rtxq.lost.first == RTXQ_NONE || b->rtxq.lost.first != b->rtxq.lost.last)
        return false;
    r = rtxq_at(&b->rtxq, b->rtxq.lost.first);
    if (r->seq + r->len != b->mtu_probe_end)
        return false;
    c->knobs->mss_high = (uint16_t)(b->mtu_probe - 1);
    b->mtu_probe = 0;
    b->force_one = true;
    return true;
}

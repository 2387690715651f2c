/* SPDX-License-Identifier: MIT */
/*
 * The user timeout option [RFC5482]: tells the peer for how long data may stay unacknowledged here, and adopts the larger of both,
 * within limits [3.1]. It goes with the SYN, with the first segment without, and when the value changes [3]; it is advice, and not
 * repeated [3.2].
 *
 * Left out: the peer's value in a SYN is not kept for a record in SYN-RECEIVED; that of the first segment behind it is [3].
 */
#include "tcp/tcp.h"

static const gander_time lower_limit_ns = 100 * GANDER_S;  /* L_LIMIT [3.1] */
static const gander_time upper_limit_ns = 3600 * GANDER_S; /* U_LIMIT */
static const gander_time default_ns = 300 * GANDER_S;      /* RFC 9293 3.9.1.1: five minutes */

/* ADV_UTO */
static gander_time advertised_ns(const struct tcp_knobs *k)
{
    if (k->uto_advertised_ns > 0)
        return k->uto_advertised_ns;
    return k->uto_fixed ? k->user_timeout_ns : default_ns;
}

/* Seconds while 15 bits suffice, else minutes [3.3]; never 0 [3.4]. */
uint16_t tcp_uto_value(const struct tcp_knobs *k)
{
    uint64_t s = ((uint64_t)advertised_ns(k) + (uint64_t)GANDER_S - 1) / (uint64_t)GANDER_S;

    return (uint16_t)(s <= 0x7fff ? max_i64((int64_t)s, 1)
                                  : 0x8000 | min_i64((int64_t)(s + 59) / 60, 0x7fff));
}

void tcp_uto_out(struct tcp_conn *c, const struct tcp_send *send, struct tcp_segment *seg)
{
    struct tcp_knobs *k = c->knobs;
    bool syn = send->flags & GANDER_FLAG_SYN;

    if (!k->uto_enabled || (send->flags & GANDER_FLAG_RST))
        return;
    if (syn ? seg->fastopen_bytes > 12 && (seg->rare & TCP_RARE_FASTOPEN)
            : !k->uto_due || send->text_len + 4 + 8U * seg->sack_blocks > c->mss)
        return;
    seg->rare |= TCP_RARE_USER_TIMEOUT;
    seg->user_timeout = tcp_uto_value(k);
    k->uto_due = syn; /* and once more behind the SYN */
}

void tcp_uto_arrives(struct gander_stack *stack, struct tcp_conn *c, const struct tcp_segment *seg)
{
    struct tcp_knobs *k = c->knobs;
    gander_time value = (gander_time)(seg->user_timeout & 0x7fff) * GANDER_S;

    if (!(seg->rare & TCP_RARE_USER_TIMEOUT) || !k || !k->uto_enabled || value == 0)
        return;
    if (seg->user_timeout & 0x8000)
        value *= 60;
    k->uto_remote_ns = value;
    if (k->uto_fixed) /* the application has chosen: MUST NOT [3.1] */
        return;
    value = max_i64(value, max_i64(advertised_ns(k), lower_limit_ns));
    k->user_timeout_ns = max_i64(min_i64(value, upper_limit_ns), tcp_rto(stack, c) + GANDER_S);
    tcp_timers_on_option(stack, c);
}

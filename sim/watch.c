/* SPDX-License-Identifier: MIT */
/*
 * What the trace must be like, whatever happens: the states move as in figure 5 of [RFC9293 3.3.2], written here a second time and from the
 * RFC alone; what a connection sends goes on where it ended, what it acknowledges never goes back, its window's right edge
 * never moves left [RFC9293 3.8.6], and nothing goes beyond what the peer offered but a probe of one byte. At the end, the
 * counters must have counted what the trace showed.
 */
#include "sim/swarm_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { NEAR_BYTES = 1 << 28 };

/* What was seen of one connection of one host. */
struct seen {
    bool known, ended, sent, acked, offered, heard;
    uint8_t state;
    uint32_t next;       /* behind the highest number sent */
    uint32_t ack;        /* the highest one sent */
    uint32_t edge;       /* of the window that it offered, */
    uint32_t edge_heard; /* and of the one that it was offered */
    /* SND.UNA, SND.WND, SND.WL1, SND.WL2 as RFC 9293 3.10.7.4 has them: a segment that is resent carries a new acknowledgement
     * behind an old number, and then the older, perhaps larger window counts from the new edge on */
    uint32_t una, wnd, wl1, wl2;
};

struct watched_host {
    struct seen *seen; /* by trace id */
    uint64_t room;
    uint64_t segments_in, segments_out, drops[GANDER_DROP_COUNT];
};

struct watch {
    struct swarm *swarm;
    struct watched_host hosts[SIM_HOSTS_MAX];
};

#define TO(state) (1U << GANDER_TCP_##state)

/* [RFC9293 3.3.2]; CLOSED comes from everywhere: reset, abort, time-out. What begins from a record of SYN-RECEIVED or a
 * cookie comes from CLOSED or LISTEN. */
static const unsigned legal[GANDER_TCP_STATES] = {
    [GANDER_TCP_CLOSED] = TO(SYN_SENT) | TO(LISTEN) | TO(SYN_RECEIVED) | TO(ESTABLISHED),
    [GANDER_TCP_LISTEN] = TO(SYN_RECEIVED) | TO(SYN_SENT) | TO(CLOSED),
    [GANDER_TCP_SYN_SENT] = TO(ESTABLISHED) | TO(SYN_RECEIVED) | TO(CLOSED),
    [GANDER_TCP_SYN_RECEIVED] =
        TO(ESTABLISHED) | TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(LISTEN) | TO(CLOSED),
    [GANDER_TCP_ESTABLISHED] = TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED),
    [GANDER_TCP_FIN_WAIT_1] = TO(FIN_WAIT_2) | TO(CLOSING) | TO(TIME_WAIT) | TO(CLOSED),
    [GANDER_TCP_FIN_WAIT_2] = TO(TIME_WAIT) | TO(CLOSED),
    [GANDER_TCP_CLOSE_WAIT] = TO(LAST_ACK) | TO(CLOSED),
    [GANDER_TCP_CLOSING] = TO(TIME_WAIT) | TO(CLOSED),
    [GANDER_TCP_LAST_ACK] = TO(TIME_WAIT) | TO(CLOSED),
    [GANDER_TCP_TIME_WAIT] = TO(CLOSED),
};

static bool after(uint32_t a, uint32_t b)
{
    return a != b && a - b < 0x80000000U;
}

static void wrong(struct watch *watch, const struct sim_host *host,
                  const struct gander_trace_event *event, const char *what, uint32_t a, uint32_t b)
{
    swarm_fail(watch->swarm, "trace", "%s: connection %" PRIu64 " at %.6f s: %s (%u, %u)",
               host->name, event->id, (double)sim_now(watch->swarm->world) / 1e9, what, a, b);
}

static struct seen *seen_of(struct watched_host *host, uint64_t id)
{
    uint64_t room = host->room ? host->room : 64;
    struct seen *seen;

    while (room <= id)
        room *= 2;
    if (room > host->room) {
        seen = realloc(host->seen, (size_t)room * sizeof(*seen));
        if (!seen)
            abort();
        memset(seen + host->room, 0, (size_t)(room - host->room) * sizeof(*seen));
        host->seen = seen;
        host->room = room;
    }
    return &host->seen[id];
}

/* --- events ---------------------------------------------------------------------------------------- */

static void state_moved(struct watch *watch, const struct sim_host *host, struct seen *seen,
                        const struct gander_trace_event *event)
{
    uint8_t from = event->u.state.from, to = event->u.state.to;

    if (from >= GANDER_TCP_STATES || to >= GANDER_TCP_STATES || !(legal[from] & 1U << to))
        wrong(watch, host, event, "no such transition", from, to);
    else if (seen->known && seen->state != from)
        wrong(watch, host, event, "leaves a state in which it is not", seen->state, from);
    else
        watch->swarm->facts->transitions[from] |= (uint16_t)(1U << to);
    seen->known = true;
    seen->state = to;
}

static void numbers_sent(struct watch *watch, const struct sim_host *host, struct seen *seen,
                         const struct gander_trace_event *event)
{
    const struct gander_trace_segment_out *s = &event->u.segment_out;
    bool syn = s->flags & GANDER_FLAG_SYN, fin = s->flags & GANDER_FLAG_FIN;
    uint32_t end = s->seq + s->len + syn + fin;

    if (!seen->sent || (syn && s->transmissions <= 1 && seen->state <= GANDER_TCP_SYN_RECEIVED)) {
        seen->next = end; /* a record of SYN-RECEIVED takes a new number after TIME-WAIT */
        seen->sent = true;
        return;
    }
    if (s->transmissions > 1 && after(end, seen->next))
        wrong(watch, host, event, "sends again what it never sent", end, seen->next);
    if (s->transmissions <= 1 && after(s->seq, seen->next))
        wrong(watch, host, event, "leaves numbers out", s->seq, seen->next);
    if (s->transmissions == 1 && !syn && s->len > 0 && s->seq != seen->next)
        wrong(watch, host, event, "new data not behind the old ones", s->seq, seen->next);
    if (after(end, seen->next))
        seen->next = end;
}

/* Nothing beyond the window that the peer offered, but a probe. A FIN is no text, and may stand behind it. */
static void window_kept(struct watch *watch, const struct sim_host *host, const struct seen *seen,
                        const struct gander_trace_event *event)
{
    const struct gander_trace_segment_out *s = &event->u.segment_out;
    uint32_t end = s->seq + s->len, allowed = seen->edge_heard;

    if (!seen->heard || s->len == 0 || s->state < GANDER_TCP_ESTABLISHED)
        return;
    if (s->why == GANDER_WHY_window_probe || s->transmissions > 1)
        allowed++; /* the probe's byte may be sent again */
    if (after(end, allowed))
        wrong(watch, host, event, "sends beyond the window that was offered", end, allowed);
}

static void ack_sent(struct watch *watch, const struct sim_host *host, struct seen *seen,
                     const struct gander_trace_event *event)
{
    const struct gander_trace_segment_out *s = &event->u.segment_out;
    uint32_t edge = s->ack + s->window;

    if (!(s->flags & GANDER_FLAG_ACK) || s->state < GANDER_TCP_ESTABLISHED)
        return;
    if (seen->acked && after(seen->ack, s->ack))
        wrong(watch, host, event, "an acknowledgement goes back", seen->ack, s->ack);
    seen->ack = s->ack;
    seen->acked = true;
    if (s->cwnd == 0 || (s->flags & GANDER_FLAG_SYN))
        return; /* for a record, on its way to TIME-WAIT or there: the peer sends no more */
    if (seen->offered && after(seen->edge, edge))
        wrong(watch, host, event, "the window's right edge moves left", seen->edge, edge);
    seen->edge = edge;
    seen->offered = true;
}

static void segment_sent(struct watch *watch, const struct sim_host *host, struct seen *seen,
                         const struct gander_trace_event *event)
{
    if (event->u.segment_out.flags & GANDER_FLAG_RST)
        return;
    numbers_sent(watch, host, seen, event);
    window_kept(watch, host, seen, event);
    ack_sent(watch, host, seen, event);
}

static void segment_came(struct seen *seen, const struct gander_trace_segment_in *s)
{
    uint32_t edge = s->ack + s->window;

    if (!(s->flags & GANDER_FLAG_ACK) || (s->flags & GANDER_FLAG_RST))
        return;
    /* Old ones and near misses count, too: an upper bound is what is wanted. Wild ones are for nobody. */
    if (seen->sent && seen->next - s->ack > NEAR_BYTES)
        return;
    if (!seen->heard || after(edge, seen->edge_heard))
        seen->edge_heard = edge;
    if (!seen->heard || after(s->ack, seen->una))
        seen->una = s->ack;
    if (!seen->heard || after(s->seq, seen->wl1) ||
        (s->seq == seen->wl1 && !after(seen->wl2, s->ack))) {
        seen->wnd = s->window;
        seen->wl1 = s->seq;
        seen->wl2 = s->ack;
    }
    if (after(seen->una + seen->wnd, seen->edge_heard))
        seen->edge_heard = seen->una + seen->wnd;
    seen->heard = true;
}

void watch_event(void *context, const struct sim_host *host, const struct gander_trace_event *event)
{
    struct watch *watch = context;
    struct watched_host *at = &watch->hosts[host->index];
    struct seen *seen;

    if (event->type == GANDER_TRACE_drop)
        at->drops[event->u.drop.reason]++;
    if (event->type == GANDER_TRACE_segment_in) {
        at->segments_in++;
        watch->swarm->facts->segments++;
    }
    if (event->type == GANDER_TRACE_segment_out)
        at->segments_out++;
    if (event->id == 0 || event->type == GANDER_TRACE_drop)
        return;
    seen = seen_of(at, event->id);
    if (seen->ended)
        wrong(watch, host, event, "something happens behind its end", event->type, 0);
    switch (event->type) {
    case GANDER_TRACE_state:
        state_moved(watch, host, seen, event);
        break;
    case GANDER_TRACE_segment_out:
        segment_sent(watch, host, seen, event);
        break;
    case GANDER_TRACE_segment_in:
        segment_came(seen, &event->u.segment_in);
        break;
    case GANDER_TRACE_end:
        seen->ended = true;
        break;
    default:
        break;
    }
}

/* --- the end --------------------------------------------------------------------------------------- */

static void counters_agree(struct swarm *swarm, const struct sim_host *host)
{
    const struct watched_host *at = &swarm->watch->hosts[host->index];
    struct gander_stats stats;

    gander_stats(host->stack, &stats);
    /* The trace shows segments that could be read. */
    for (unsigned i = GANDER_DROP_tcp_too_short; i <= GANDER_DROP_tcp_bogus; i++)
        stats.tcp_segments_in -= stats.drops[i];
    if (stats.tcp_segments_in != at->segments_in || stats.tcp_segments_out != at->segments_out)
        swarm_fail(swarm, "trace",
                   "%s: counted %" PRIu64 " segments in and %" PRIu64 " out, traced %" PRIu64
                   " and %" PRIu64,
                   host->name, stats.tcp_segments_in, stats.tcp_segments_out, at->segments_in,
                   at->segments_out);
    for (unsigned i = 0; i < GANDER_DROP_COUNT; i++)
        if (stats.drops[i] != at->drops[i])
            swarm_fail(swarm, "trace", "%s: drops %s: counted %" PRIu64 ", traced %" PRIu64,
                       host->name, gander_drop_name(i), stats.drops[i], at->drops[i]);
    swarm->facts->timeouts += stats.tcp_retransmit_timeouts;
    swarm->facts->retransmissions += stats.tcp_retransmitted_segments;
    swarm->facts->evictions += stats.tcp_evictions;
    swarm->facts->resets += stats.tcp_resets_out;
}

void watch_counters(struct swarm *swarm)
{
    for (unsigned i = 0; i < swarm->host_count; i++)
        counters_agree(swarm, swarm->hosts[i].host);
}

struct watch *watch_create(struct swarm *swarm)
{
    struct watch *watch = calloc(1, sizeof(*watch));

    if (watch)
        watch->swarm = swarm;
    return watch;
}

void watch_free(struct watch *watch)
{
    for (unsigned i = 0; watch && i < SIM_HOSTS_MAX; i++)
        free(watch->hosts[i].seen);
    free(watch);
}

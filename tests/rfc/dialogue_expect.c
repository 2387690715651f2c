/* SPDX-License-Identifier: MIT */
/* Packet dialogues: what is expected, of segments, states, events and counters. See dialogue.h. */
#include "dialogue.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- segments ------------------------------------------------------------------------------------ */

static bool flags_differ(const struct segment *want, const struct segment *got)
{
    unsigned mask = ~(unsigned)GANDER_FLAG_PSH;

    if ((want->flags & mask) != (got->flags & mask))
        return true;
    return (want->fields & FIELD_PSH_ON && !(got->flags & GANDER_FLAG_PSH)) ||
           (want->fields & FIELD_PSH_OFF && got->flags & GANDER_FLAG_PSH);
}

static const char *options_differ(const struct dialogue *d, const struct segment *want,
                                  const struct segment *got)
{
    uint32_t f = want->fields, g = got->fields;

    if ((f & FIELD_MSS && (!(g & FIELD_MSS) || want->mss != got->mss)) ||
        (f & FIELD_NOMSS && g & FIELD_MSS))
        return "mss";
    if ((f & FIELD_WS && (!(g & FIELD_WS) || want->ws != got->ws)) ||
        (f & FIELD_NOWS && g & FIELD_WS))
        return "ws";
    if ((f & FIELD_SACKOK && !(g & FIELD_SACKOK)) || (f & FIELD_NOSACKOK && g & FIELD_SACKOK))
        return "sackok";
    if (f & FIELD_TS && (!(g & FIELD_TS) || want->tsval != got->tsval || want->tsecr != got->tsecr))
        return "ts";
    if (f & FIELD_NOTS && g & FIELD_TS)
        return "nots";
    if (f & FIELD_NOSACK && g & FIELD_SACK)
        return "nosack";
    if ((f & FIELD_ACCECN && (!(g & FIELD_ACCECN) || want->accecn_order != got->accecn_order ||
                              want->accecn_fields != got->accecn_fields ||
                              memcmp(want->accecn, got->accecn, sizeof(got->accecn)) != 0)) ||
        (f & FIELD_NOACCECN && g & FIELD_ACCECN))
        return "accecn";
    if ((f & FIELD_FO && (!(g & FIELD_FO) || want->fo_bytes != got->fo_bytes ||
                          memcmp(want->fo, got->fo, sizeof(got->fo)) != 0)) ||
        (f & FIELD_NOFO && g & FIELD_FO))
        return "fo";
    if ((f & FIELD_UTO && (!(g & FIELD_UTO) || want->uto != got->uto)) ||
        (want->nouto && g & FIELD_UTO))
        return "uto";
    if (f & FIELD_SACK) {
        if (want->sacks != got->sacks)
            return "sack";
        for (unsigned i = 0; i < want->sacks * 2; i++) {
            if (d->f->isn + (uint32_t)want->sack[i / 2][i % 2] != (uint32_t)got->sack[i / 2][i % 2])
                return "sack";
        }
    }
    return NULL;
}

static const char *segments_differ(const struct dialogue *d, const struct segment *want,
                                   const struct segment *got)
{
    /* A reset that answers a segment without a connection of ours counts from zero [RFC9293 3.10.7.1]. */
    uint32_t base = d->f->iss;

    if (flags_differ(want, got))
        return "flags";
    if (want->fields & FIELD_SEQ && (uint32_t)want->seq + base != (uint32_t)got->seq)
        return "seq";
    if (want->fields & FIELD_ACK && (uint32_t)want->ack + d->f->isn != (uint32_t)got->ack)
        return "ack";
    if (want->fields & FIELD_LEN && want->len != got->len)
        return "len";
    if (want->fields & FIELD_WND && want->wnd != got->wnd)
        return "wnd";
    if (want->fields & FIELD_UP && want->up != got->up)
        return "up";
    if (want->fields & FIELD_WHY && want->why != got->why)
        return "why";
    if (want->fields & FIELD_TTL && want->ttl != got->ttl)
        return "ttl";
    if (want->fields & FIELD_TC && want->tc != got->tc)
        return "tc";
    return options_differ(d, want, got);
}

/* What must always hold: see the top of dialogue.h. */
static void check_always(struct dialogue *d, const struct segment *s)
{
    uint32_t first = (uint32_t)s->seq + (s->flags & GANDER_FLAG_SYN ? 1 : 0) - d->f->iss - 1;

    if (s->flags & GANDER_FLAG_SYN)
        return;
    if (s->fields & (FIELD_MSS | FIELD_WS | FIELD_SACKOK))
        dialogue_fail(d, "an option that belongs on a SYN: %s", dialogue_describe(d, s));
    if (!(s->flags & GANDER_FLAG_RST) && !!(s->fields & FIELD_TS) != d->f->ts_on)
        dialogue_fail(d, "timestamps are %s: %s", d->f->ts_on ? "on" : "off",
                      dialogue_describe(d, s));
    for (uint32_t i = 0; i < s->len; i++) {
        if (s->text[i] != dialogue_pattern(first + i, false))
            dialogue_fail(d, "wrong text at stream byte %" PRIu32 ": %s", first + i,
                          dialogue_describe(d, s));
    }
}

static void take_first(struct dialogue *d)
{
    struct dialogue_packet *p = d->first;

    check_always(d, &p->segment);
    d->first = p->next;
    if (!d->first)
        d->last = &d->first;
    d->seg = p->segment;
    d->seg.text = NULL;
    free(p->segment.text);
    free(p);
}

bool dialogue_allow(struct dialogue *d, const char *format, ...)
{
    char words[SEGMENT_TEXT_BYTES];
    struct segment want;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(words, sizeof(words), format, arguments);
    va_end(arguments);
    want = dialogue_parse(d, words);
    dialogue_collect(d);
    if (!d->first || d->first->segment.destination_port != d->f->peer_port ||
        segments_differ(d, &want, &d->first->segment))
        return false;
    take_first(d);
    return true;
}

void dialogue_expect(struct dialogue *d, const char *format, ...)
{
    char words[SEGMENT_TEXT_BYTES];
    struct segment want;
    struct dialogue_packet *p;
    const char *wrong;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(words, sizeof(words), format, arguments);
    va_end(arguments);
    want = dialogue_parse(d, words);
    dialogue_collect(d);
    p = d->first;
    if (!p)
        dialogue_fail(d, "nothing left; expected %s", words);
    if (p->segment.destination_port != d->f->peer_port || p->segment.source_port != d->f->port)
        dialogue_fail(d, "expected %s, but this left for another connection: %s", words,
                      dialogue_describe(d, &p->segment));
    wrong = segments_differ(d, &want, &p->segment);
    if (wrong)
        dialogue_fail(d, "expected %s, but what left differs in %s: %s", words, wrong,
                      dialogue_describe(d, &p->segment));
    take_first(d);
}

unsigned dialogue_take_full(struct dialogue *d, uint32_t seq)
{
    unsigned n = 0;

    while (dialogue_allow(d, "A seq=%" PRIu32 " len=%" PRIu32, seq, d->smss)) {
        seq += d->smss;
        n++;
    }
    return n;
}

/* --- states, events, counters ------------------------------------------------------------------------ */

struct gander_stats dialogue_stats(struct dialogue *d)
{
    struct gander_stats stats;

    gander_stats(d->stack, &stats);
    return stats;
}

struct gander_tcp_info dialogue_info(struct dialogue *d)
{
    struct gander_tcp_info info;

    if (gander_tcp_info(d->stack, d->s, &info) != 0)
        dialogue_fail(d, "gander_tcp_info() refuses");
    return info;
}

void dialogue_expect_state(struct dialogue *d, enum gander_tcp_state state)
{
    struct gander_stats stats = dialogue_stats(d);
    struct gander_tcp_info info;

    if (state == GANDER_TCP_CLOSED) {
        if (d->flow_count == 1 &&
            stats.tcp_connections + stats.tcp_syn_received + stats.tcp_time_wait)
            dialogue_fail(d, "something of the connection is left: state %s",
                          gander_tcp_state_name((unsigned)d->f->state));
        if (d->f->state > GANDER_TCP_LISTEN)
            dialogue_fail(d, "state is %s by the trace, not CLOSED",
                          gander_tcp_state_name((unsigned)d->f->state));
        return;
    }
    if (state == GANDER_TCP_LISTEN) {
        if (gander_tcp_info(d->stack, d->listener, &info) != 0 || info.state != state)
            dialogue_fail(d, "the listener is not in LISTEN");
        return;
    }
    if (d->f->state != (int)state)
        dialogue_fail(d, "state is %s by the trace, not %s",
                      d->f->state < 0 ? "none" : gander_tcp_state_name((unsigned)d->f->state),
                      gander_tcp_state_name(state));
    if (d->s && gander_tcp_info(d->stack, d->s, &info) == 0 && info.peer.port == d->f->peer_port &&
        info.state != state)
        dialogue_fail(d, "gander_tcp_info() says %s, not %s", gander_tcp_state_name(info.state),
                      gander_tcp_state_name(state));
    if ((state == GANDER_TCP_TIME_WAIT && d->flow_count == 1 && stats.tcp_time_wait != 1))
        dialogue_fail(d, "TIME-WAIT is not counted");
}

static void gather_events(struct dialogue *d)
{
    struct gander_event events[8];
    size_t n;

    while ((n = gander_events(d->stack, events, 8)) > 0) {
        for (size_t i = 0; i < n; i++) {
            dialogue_note(d, "  event %#" PRIx32 " error %d%s", events[i].bits, events[i].error,
                          events[i].socket == d->s ? "" : " (another socket)");
            if (events[i].socket != d->s && events[i].socket != d->listener)
                continue;
            d->events |= events[i].bits;
            if (events[i].socket == d->s && events[i].error)
                d->error = events[i].error;
        }
    }
}

void dialogue_forget_events(struct dialogue *d)
{
    gather_events(d);
    d->events = 0;
    d->error = 0;
}

void dialogue_expect_event(struct dialogue *d, uint32_t bits)
{
    gather_events(d);
    if ((d->events & bits) != bits)
        dialogue_fail(d, "events are %#" PRIx32 ", without %#" PRIx32, d->events,
                      bits & ~d->events);
    d->events &= ~bits;
}

void dialogue_expect_no_event(struct dialogue *d, uint32_t bits)
{
    gather_events(d);
    if (d->events & bits)
        dialogue_fail(d, "events are %#" PRIx32 ", with %#" PRIx32, d->events, bits & d->events);
}

void dialogue_expect_closed(struct dialogue *d, int error)
{
    dialogue_expect_event(d, GANDER_EVENT_CLOSED);
    if (d->error != error)
        dialogue_fail(d, "closed with %s, not %s", gander_strerror(d->error),
                      gander_strerror(error));
}

void dialogue_expect_drop(struct dialogue *d, enum gander_drop reason)
{
    struct gander_stats stats = dialogue_stats(d);

    if (stats.drops[reason] == d->drops[reason] + 1)
        return;
    for (unsigned i = 0; i < GANDER_DROP_COUNT; i++) {
        if (stats.drops[i] != d->drops[i])
            dialogue_note(d, "  dropped %" PRIu64 " as %s", stats.drops[i] - d->drops[i],
                          gander_drop_name(i));
    }
    dialogue_fail(d, "dropped %" PRIu64 " as %s, not 1", stats.drops[reason] - d->drops[reason],
                  gander_drop_name(reason));
}

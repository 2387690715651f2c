/* SPDX-License-Identifier: MIT */
/*
 * Packet dialogues: in each of them the trace is held against the wire. What the stack says that it sent has left, and the other way
 * round; what it says that it received had arrived; and so it counts. See dialogue.h.
 */
#include "dialogue.h"

#include <inttypes.h>
#include <string.h>

static unsigned scale_agreed(const struct flow *f, uint32_t ws)
{
    if (!f->ws_ours_on || !f->ws_peer_on)
        return 0;
    return ws < 14 ? ws : 14; /* [RFC7323 2.3] */
}

void dialogue_learn_scale(struct flow *f, const struct segment *syn, bool ours)
{
    bool on = syn->fields & FIELD_WS;

    if (syn->fields & FIELD_OPT) /* bare bytes, not read here */
        f->ws_unknown = true;
    *(ours ? &f->ws_ours : &f->ws_peer) = syn->ws;
    *(ours ? &f->ws_ours_on : &f->ws_peer_on) = on;
}

/* --- out ------------------------------------------------------------------------------------------------ */

void dialogue_traced_out(struct dialogue *d, const struct gander_trace_event *event)
{
    if (d->passed_by)
        return;
    if (d->traced_count == sizeof(d->traced) / sizeof(d->traced[0])) {
        d->traced_count--;
        memmove(&d->traced[0], &d->traced[1], d->traced_count * sizeof(d->traced[0]));
    }
    d->traced[d->traced_count++] = *event;
}

/* A compact record says in the trace what it says on the wire; a connection, what it means. */
static bool window_matches(const struct flow *f, const struct segment *s,
                           const struct gander_trace_segment_out *out)
{
    bool record = out->state == GANDER_TCP_TIME_WAIT || out->state == GANDER_TCP_SYN_RECEIVED;
    unsigned scale = s->flags & GANDER_FLAG_SYN ? 0 : scale_agreed(f, f->ws_ours);

    return f->ws_unknown || out->window == s->wnd << scale || (record && out->window == s->wnd);
}

static const char *out_differs(const struct flow *f, const struct segment *s,
                               const struct gander_trace_segment_out *out)
{
    if (out->seq != (uint32_t)s->seq || out->ack != (s->flags & GANDER_FLAG_ACK ? s->ack : 0))
        return "seq or ack";
    if (out->len != s->len || out->flags != (uint8_t)s->flags) /* AE is a ninth bit */
        return "len or flags";
    if (!window_matches(f, s, out))
        return "window";
    if (out->why != s->why)
        return "why";
    if ((s->fields & FIELD_TS) && (out->tsval != s->tsval || out->tsecr != s->tsecr))
        return "tsval or tsecr";
    return NULL;
}

/* Packets may wait in the link's queue while others overtake them, so not only the first is looked at. */
void dialogue_left(struct dialogue *d, const struct flow *f, const struct segment *s)
{
    const char *wrong = "nothing";

    if (d->passed_by)
        return;
    for (unsigned i = 0; i < d->traced_count; i++) {
        const struct gander_trace_event *event = &d->traced[i];
        const char *differs = out_differs(f, s, &event->u.segment_out);

        if (event->remote.port != s->destination_port)
            continue;
        if (!differs) {
            d->traced_count--;
            memmove(&d->traced[i], &d->traced[i + 1], (d->traced_count - i) * sizeof(d->traced[0]));
            d->left_segments++;
            d->left_resets += !!(s->flags & GANDER_FLAG_RST);
            return;
        }
        wrong = differs;
    }
    dialogue_fail(d, "what left is not what the trace says; differs in %s: %s", wrong,
                  dialogue_describe(d, s));
}

/* --- in ------------------------------------------------------------------------------------------------- */

void dialogue_arrives(struct dialogue *d, const struct segment *s)
{
    if (d->arriving_count == sizeof(d->arriving) / sizeof(d->arriving[0])) {
        d->arriving_count--;
        memmove(&d->arriving[0], &d->arriving[1], d->arriving_count * sizeof(d->arriving[0]));
    }
    d->arriving[d->arriving_count] = *s;
    d->arriving[d->arriving_count++].text = NULL;
}

static bool in_matches(const struct dialogue *d, const struct segment *s,
                       const struct gander_trace_event *event, const struct flow *f)
{
    const struct gander_trace_segment_in *in = &event->u.segment_in;
    bool unscaled = (s->flags & GANDER_FLAG_SYN) || in->state < GANDER_TCP_SYN_RECEIVED ||
                    in->state == GANDER_TCP_TIME_WAIT;
    uint32_t wnd = s->wnd << (unscaled ? 0 : scale_agreed(f, f->ws_peer));

    (void)d;
    if (in->seq != (uint32_t)s->seq || in->len != s->len || in->flags != (uint8_t)s->flags)
        return false;
    if ((s->flags & GANDER_FLAG_ACK) && in->ack != (uint32_t)s->ack)
        return false;
    if (!(s->fields & FIELD_OPT) && (s->fields & FIELD_TS) &&
        (in->tsval != s->tsval || in->tsecr != s->tsecr))
        return false;
    return f->ws_unknown || in->window == wnd;
}

void dialogue_traced_in(struct dialogue *d, const struct flow *f,
                        const struct gander_trace_event *event)
{
    const struct gander_trace_segment_in *in = &event->u.segment_in;

    if (d->passed_by)
        return;
    for (unsigned i = 0; i < d->arriving_count; i++) {
        if (d->arriving[i].source_port != event->remote.port ||
            !in_matches(d, &d->arriving[i], event, f))
            continue;
        d->arriving_count -= i + 1;
        memmove(&d->arriving[0], &d->arriving[i + 1], d->arriving_count * sizeof(d->arriving[0]));
        return;
    }
    dialogue_fail(d,
                  "the trace tells of a segment that did not arrive: seq %" PRIu32 " ack %" PRIu32
                  " len %" PRIu32 " window %" PRIu32 " flags %#x state %s",
                  in->seq, in->ack, in->len, in->window, in->flags,
                  gander_tcp_state_name(in->state));
}

/* --- counters ------------------------------------------------------------------------------------------- */

void dialogue_check_counters(struct dialogue *d)
{
    struct gander_stats stats = dialogue_stats(d);

    if (d->passed_by)
        return;
    dialogue_expect_equal(d, (int64_t)stats.tcp_segments_out,
                          (int64_t)(d->left_segments + stats.drops[GANDER_DROP_out_queue_full]),
                          "tcp_segments_out");
    if (!stats.drops[GANDER_DROP_out_queue_full])
        dialogue_expect_equal(d, (int64_t)stats.tcp_resets_out, (int64_t)d->left_resets,
                              "tcp_resets_out");
}

/* SPDX-License-Identifier: MIT */
/* With FUZZ_TRACE set in the environment, every stack of a fuzz target tells what it does, on standard error: for findings. */
#include "host.h"

static void segment(const struct gander_trace_event *e, bool out)
{
    const struct gander_trace_segment_out *o = &e->u.segment_out;
    const struct gander_trace_segment_in *i = &e->u.segment_in;
    uint8_t flags = out ? o->flags : i->flags;
    char letters[9];
    unsigned n = 0;

    for (unsigned bit = 0; bit < 8; bit++)
        if (flags & 1U << bit)
            letters[n++] = "FSRPAUEC"[bit];
    letters[n] = 0;
    fprintf(stderr, "%s %s seq=%u ack=%u len=%u wnd=%u in %s%s%s\n", out ? "->" : "  <-", letters,
            out ? o->seq : i->seq, out ? o->ack : i->ack, out ? o->len : i->len,
            out ? o->window : i->window, gander_tcp_state_name(out ? o->state : i->state),
            out ? ": " : "", out ? gander_why_text(o->why) : "");
}

static void event(void *context, const struct gander_trace_event *e)
{
    (void)context;
    fprintf(stderr, "%15.9f %u: ", (double)e->time / 1e9, (unsigned)e->id);
    switch (e->type) {
    case GANDER_TRACE_segment_out:
    case GANDER_TRACE_segment_in:
        segment(e, e->type == GANDER_TRACE_segment_out);
        break;
    case GANDER_TRACE_state:
        fprintf(stderr, "%s to %s: %s\n", gander_tcp_state_name(e->u.state.from),
                gander_tcp_state_name(e->u.state.to), gander_cause_text(e->u.state.cause));
        break;
    case GANDER_TRACE_timer_armed:
        fprintf(stderr, "timer %s at %.9f\n", gander_timer_text(e->u.timer_armed.timer),
                (double)e->u.timer_armed.at / 1e9);
        break;
    case GANDER_TRACE_timer_fired:
        fprintf(stderr, "timer %s fired\n", gander_timer_text(e->u.timer_fired.timer));
        break;
    case GANDER_TRACE_drop:
        fprintf(stderr, "dropped: %s\n", gander_drop_text(e->u.drop.reason));
        break;
    case GANDER_TRACE_end:
        fprintf(stderr, "gone: %s\n", gander_strerror(e->u.end.error));
        break;
    default:
        fprintf(stderr, "event %u\n", (unsigned)e->type);
        break;
    }
}

static void check_event(void *context, const struct gander_trace_event *e)
{
    CHECK(context == NULL && e->time >= 0 && e->type < GANDER_TRACE_COUNT);
    switch (e->type) {
    case GANDER_TRACE_segment_out:
        CHECK(e->u.segment_out.state < GANDER_TCP_STATES &&
              e->u.segment_out.why < GANDER_WHY_COUNT);
        CHECK(e->u.segment_out.why != GANDER_WHY_none); /* every segment has its reason */
        break;
    case GANDER_TRACE_state:
        CHECK(e->u.state.from != e->u.state.to && e->u.state.to < GANDER_TCP_STATES);
        break;
    case GANDER_TRACE_timer_armed:
        CHECK(e->u.timer_armed.timer < GANDER_TIMER_COUNT && e->u.timer_armed.at >= e->time);
        break;
    case GANDER_TRACE_drop:
        CHECK(e->u.drop.reason > GANDER_DROP_none && e->u.drop.reason < GANDER_DROP_COUNT);
        break;
    case GANDER_TRACE_rtt:
        CHECK(e->u.rtt.sample >= 0 && e->u.rtt.rto > 0);
        break;
    case GANDER_TRACE_window:
        CHECK(e->u.window.cwnd > 0);
        break;
    default:
        break;
    }
}

void host_listen_in(struct gander_config *config)
{
    if (!config->trace)
        config->trace = check_event;
}

void host_watch(struct gander_config *config)
{
    if (getenv("FUZZ_TRACE"))
        config->trace = event;
}

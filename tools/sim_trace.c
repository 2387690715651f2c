/* SPDX-License-Identifier: MIT */
/* A run as lines: the time of the world's clock is the host's own, since clocks may jump. */
#include "sim.h"

#include <inttypes.h>

#include "ladder.h"

static void segment_line(const struct gander_trace_event *event)
{
    const struct gander_trace_segment_out *out = &event->u.segment_out;
    const struct gander_trace_segment_in *in = &event->u.segment_in;
    char flags[LADDER_FLAGS_BYTES];

    if (event->type == GANDER_TRACE_segment_out)
        printf("sends   %s seq %u len %u ack %u window %u, %s: %s\n",
               ladder_flags_text(out->flags, flags), out->seq, out->len, out->ack, out->window,
               gander_tcp_state_name(out->state), gander_why_text(out->why));
    else
        printf("gets    %s seq %u len %u ack %u window %u, %s\n",
               ladder_flags_text(in->flags, flags), in->seq, in->len, in->ack, in->window,
               gander_tcp_state_name(in->state));
}

void sim_trace_line(void *context, const struct sim_host *host,
                    const struct gander_trace_event *event)
{
    (void)context;
    if (event->type != GANDER_TRACE_segment_out && event->type != GANDER_TRACE_segment_in &&
        event->type != GANDER_TRACE_state && event->type != GANDER_TRACE_drop &&
        event->type != GANDER_TRACE_timer_fired)
        return;
    printf("%12.6f %s %" PRIu64 " ", (double)event->time / 1e9, host->name, event->id);
    switch (event->type) {
    case GANDER_TRACE_state:
        printf("state   %s to %s: %s\n", gander_tcp_state_name(event->u.state.from),
               gander_tcp_state_name(event->u.state.to), gander_cause_text(event->u.state.cause));
        break;
    case GANDER_TRACE_drop:
        printf("drops   %s\n", gander_drop_text(event->u.drop.reason));
        break;
    case GANDER_TRACE_timer_fired:
        printf("timer   %s\n", gander_timer_text(event->u.timer_fired.timer));
        break;
    default:
        segment_line(event);
        break;
    }
}

/* SPDX-License-Identifier: MIT */
/* The wire of schedules.h, with faults by order, and the judge of states. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/schedules_run.h"

static const gander_time latency_ns = 10 * GANDER_MS;
static const gander_time swap_wait_ns = 300 * GANDER_MS; /* nothing follows: it goes alone */
static const gander_time delay_ns = 3500 * GANDER_MS;    /* beyond the RTO, and the one behind it */

void run_wrong(struct run *run, const char *format, ...)
{
    va_list list;

    if (run->text[0])
        return;
    va_start(list, format);
    vsnprintf(run->text, RUN_TEXT_BYTES, format, list);
    va_end(list);
}

void run_require(bool ok)
{
    if (!ok)
        abort();
}

/* --- states -------------------------------------------------------------------------------------- */

#define TO(state) (1U << GANDER_TCP_##state)

bool transition_is_legal(unsigned from, unsigned to)
{
    static const unsigned legal[GANDER_TCP_STATES] = {
        [GANDER_TCP_CLOSED] = TO(SYN_SENT),
        [GANDER_TCP_LISTEN] = TO(SYN_RECEIVED),
        [GANDER_TCP_SYN_SENT] = TO(SYN_RECEIVED) | TO(ESTABLISHED) | TO(CLOSED),
        [GANDER_TCP_SYN_RECEIVED] = TO(ESTABLISHED) | TO(FIN_WAIT_1) | TO(CLOSED),
        [GANDER_TCP_ESTABLISHED] = TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED),
        [GANDER_TCP_FIN_WAIT_1] = TO(FIN_WAIT_2) | TO(CLOSING) | TO(CLOSED),
        [GANDER_TCP_FIN_WAIT_2] = TO(TIME_WAIT) | TO(CLOSED),
        [GANDER_TCP_CLOSE_WAIT] = TO(LAST_ACK) | TO(CLOSED),
        [GANDER_TCP_CLOSING] = TO(TIME_WAIT) | TO(CLOSED),
        [GANDER_TCP_LAST_ACK] = TO(CLOSED),
        [GANDER_TCP_TIME_WAIT] = TO(CLOSED),
    };

    return from < GANDER_TCP_STATES && to < GANDER_TCP_STATES && (legal[from] >> to & 1);
}

static void tell(const struct side *side, const struct gander_trace_event *event)
{
    const struct gander_trace_segment_out *s = &event->u.segment_out;

    if (event->type == GANDER_TRACE_segment_out)
        fprintf(stderr, "%8lld ms  %u sends flags %02x seq %u ack %u, %u bytes, window %u: %s\n",
                (long long)(side->run->now / GANDER_MS), side->index, s->flags, s->seq, s->ack,
                s->len, s->window, gander_why_text(s->why));
    else if (event->type == GANDER_TRACE_state)
        fprintf(stderr, "%8lld ms  %u is in %s\n", (long long)(side->run->now / GANDER_MS),
                side->index, gander_tcp_state_name(event->u.state.to));
    else if (event->type == GANDER_TRACE_drop)
        fprintf(stderr, "%8lld ms  %u drops: %s\n", (long long)(side->run->now / GANDER_MS),
                side->index, gander_drop_text(event->u.drop.reason));
}

void run_on_trace(void *context, const struct gander_trace_event *event)
{
    struct side *side = context;
    unsigned from = event->u.state.from, to = event->u.state.to, i = 0;

    if (event->type == GANDER_TRACE_segment_out && (event->u.segment_out.flags & GANDER_FLAG_SYN))
        side->iss = event->u.segment_out.seq;
    if (side->run->schedule->told)
        tell(side, event);
    if (event->type != GANDER_TRACE_state)
        return;
    if (!transition_is_legal(from, to)) {
        side->run->transitions->illegal++;
        run_wrong(side->run, "illegal: %s to %s", gander_tcp_state_name(from),
                  gander_tcp_state_name(to));
        return;
    }
    side->run->transitions->taken[from][to]++;
    while (i < IDS_MAX && side->ids[i].id != event->id && side->ids[i].id != 0)
        i++;
    if (i == IDS_MAX)
        return;
    if (side->ids[i].id == event->id && side->ids[i].state != from)
        run_wrong(side->run, "from %s, but it was in %s", gander_tcp_state_name(from),
                  gander_tcp_state_name(side->ids[i].state));
    side->ids[i].id = event->id;
    side->ids[i].state = (uint8_t)to;
}

/* --- the wire -------------------------------------------------------------------------------------- */

static void fly(struct run *run, unsigned to, struct gander_packet *packet, gander_time due)
{
    run_require(run->flying < WIRE_MAX);
    run->wire[run->flying++] =
        (struct flying){.due = due, .order = run->order++, .to = to, .packet = packet};
}

void wire_release(struct run *run, unsigned to)
{
    struct gander_packet *packet = run->held[to];

    run->held[to] = NULL;
    if (packet)
        fly(run, to, packet, run->now + latency_ns);
}

/* One bit, anywhere. */
static struct gander_packet *corrupted(struct run *run, unsigned from, struct gander_packet *packet)
{
    struct gander_packet *copy = gander_packet_copy(run->sides[from].stack, packet);
    unsigned number = run->packets;

    run_require(copy != NULL);
    copy->frag[0].data[(number * 13 + 5) % copy->len] ^= (uint8_t)(1U << number % 8);
    gander_packet_free(packet);
    return copy;
}

static void send_with_fault(struct run *run, unsigned from, struct gander_packet *packet,
                            enum fault_kind kind)
{
    unsigned to = !from;
    gander_time due = run->now + latency_ns;

    switch (kind) {
    case FAULT_DROP:
        gander_packet_free(packet);
        break;
    case FAULT_DUPLICATE:
        fly(run, to, gander_packet_copy(run->sides[from].stack, packet), due);
        fly(run, to, packet, due);
        break;
    case FAULT_SWAP:
        run->held[to] = packet;
        run->held_until[to] = run->now + swap_wait_ns;
        break;
    case FAULT_DELAY:
        fly(run, to, packet, due + delay_ns);
        break;
    default:
        fly(run, to, corrupted(run, from, packet), due);
        break;
    }
}

void wire_send(struct run *run, unsigned from, struct gander_packet *packet)
{
    const struct schedule *s = run->schedule;
    struct gander_packet *swapped = run->held[!from];
    unsigned i = 0;

    run->held[!from] = NULL;
    while (i < s->count && s->faults[i].packet != run->packets)
        i++;
    if (i < s->count)
        send_with_fault(run, from, packet, s->faults[i].kind);
    else
        fly(run, !from, packet, run->now + latency_ns);
    if (swapped)
        fly(run, !from, swapped, run->now + latency_ns);
    if (++run->packets > PACKETS_MAX)
        run_wrong(run, "more than %d packets", PACKETS_MAX);
}

bool wire_arrive(struct run *run)
{
    unsigned best = WIRE_MAX;
    struct flying f;

    for (unsigned i = 0; i < run->flying; i++)
        if (run->wire[i].due <= run->now &&
            (best == WIRE_MAX || run->wire[i].due < run->wire[best].due ||
             (run->wire[i].due == run->wire[best].due &&
              run->wire[i].order < run->wire[best].order)))
            best = i;
    if (best == WIRE_MAX)
        return false;
    f = run->wire[best];
    run->wire[best] = run->wire[--run->flying];
    gander_input(run->sides[f.to].stack, run->sides[f.to].link, &f.packet, 1);
    return true;
}

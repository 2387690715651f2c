/* SPDX-License-Identifier: MIT */
/*
 * Keeps the trace events of two hosts and pairs each packet that was sent with its arrival. The wire is known: every
 * packet takes the same time, so a packet arrived if the other host's trace has the same one exactly that much later;
 * otherwise it was lost. Nothing is asked of the network, whose losses are as hidden from the picture as from the hosts.
 */
#include "ladder.h"

#include <stdlib.h>
#include <string.h>

void ladder_record_init(struct ladder_record *record, gander_time start, gander_time delay)
{
    memset(record, 0, sizeof(*record));
    record->start = start;
    record->delay = delay;
}

void ladder_record_free(struct ladder_record *record)
{
    free(record->events);
    record->events = NULL;
    record->count = record->room = 0;
}

static bool is_kept(const struct gander_trace_event *event)
{
    switch (event->type) {
    case GANDER_TRACE_segment_out:
    case GANDER_TRACE_segment_in:
    case GANDER_TRACE_datagram_out:
    case GANDER_TRACE_datagram_in:
    case GANDER_TRACE_state:
    case GANDER_TRACE_drop:
    case GANDER_TRACE_timer_armed:
    case GANDER_TRACE_timer_fired:
        return true;
    default:
        return false;
    }
}

void ladder_record_event(struct ladder_record *record, unsigned host,
                         const struct gander_trace_event *event)
{
    if (!is_kept(event))
        return;
    if (record->count == record->room) {
        size_t room = record->room ? record->room * 2 : 256;
        struct ladder_event *events = realloc(record->events, room * sizeof(*events));

        if (!events) {
            record->no_memory = true;
            return;
        }
        record->events = events;
        record->room = room;
    }
    record->events[record->count++] =
        (struct ladder_event){.trace = *event, .host = (uint8_t)host, .twin = LADDER_NONE};
}

static bool same_packet(const struct ladder_event *out, const struct ladder_event *in)
{
    const struct gander_trace_segment_out *o = &out->trace.u.segment_out;
    const struct gander_trace_segment_in *i = &in->trace.u.segment_in;

    if (ladder_is_segment(out))
        return in->trace.type == GANDER_TRACE_segment_in && o->seq == i->seq && o->ack == i->ack &&
               o->len == i->len && o->flags == i->flags && o->tsval == i->tsval;
    return in->trace.type == GANDER_TRACE_datagram_in &&
           out->trace.u.datagram_out.len == in->trace.u.datagram_in.len;
}

static bool is_on_time(const struct ladder_record *record, gander_time took)
{
    return took == record->delay || took == record->delay + record->late;
}

static void find_arrival(struct ladder_record *record, size_t sent)
{
    struct ladder_event *out = &record->events[sent];

    for (size_t i = sent + 1; i < record->count; i++) {
        struct ladder_event *in = &record->events[i];

        if (in->trace.time > out->trace.time + record->delay + record->late)
            return;
        if (in->host == out->host || in->twin != LADDER_NONE || !ladder_is_in(in) ||
            !is_on_time(record, in->trace.time - out->trace.time) || !same_packet(out, in))
            continue;
        out->twin = i;
        in->twin = sent;
        return;
    }
}

static void learn_address(struct gander_address *known, const struct gander_address *address)
{
    if (!known->family)
        *known = *address;
}

/* Notes each host's first sequence number and address, which stand above the picture. */
static void learn_hosts(struct ladder_record *record)
{
    bool state_known[LADDER_HOSTS] = {false, false};

    for (size_t i = 0; i < record->count; i++) {
        const struct ladder_event *event = &record->events[i];
        unsigned host = event->host;

        if (event->trace.type == GANDER_TRACE_segment_out && !record->isn_known[host] &&
            (ladder_flags(event) & GANDER_FLAG_SYN)) {
            record->isn_known[host] = true;
            record->isn[host] = event->trace.u.segment_out.seq;
        }
        if (ladder_is_out(event) || ladder_is_in(event)) {
            learn_address(&record->address[host], &event->trace.local);
            learn_address(&record->address[!host], &event->trace.remote);
        }
        if (event->trace.type == GANDER_TRACE_state && !state_known[host]) {
            const struct gander_trace_state *state = &event->trace.u.state;

            state_known[host] = true;
            record->first_state[host] =
                state->to == GANDER_TCP_LISTEN ? (uint8_t)GANDER_TCP_LISTEN : state->from;
        }
    }
}

/* Since when this timer ran: since it was armed; 2MSL, since TIME-WAIT began or a FIN came again [RFC9293 3.10.7.4]. */
static bool began(const struct ladder_event *event, unsigned timer)
{
    if (event->trace.type == GANDER_TRACE_timer_armed)
        return event->trace.u.timer_armed.timer == timer;
    if (timer != GANDER_TIMER_time_wait)
        return false;
    if (event->trace.type == GANDER_TRACE_state)
        return event->trace.u.state.to == GANDER_TCP_TIME_WAIT;
    return event->trace.type == GANDER_TRACE_segment_in &&
           event->trace.u.segment_in.state == GANDER_TCP_TIME_WAIT &&
           (ladder_flags(event) & GANDER_FLAG_FIN);
}

static void learn_wait(struct ladder_record *record, size_t over, unsigned timer)
{
    struct ladder_event *event = &record->events[over];

    for (size_t i = over; i-- > 0;) {
        if (record->events[i].host == event->host && began(&record->events[i], timer)) {
            event->waited = event->trace.time - record->events[i].trace.time;
            return;
        }
    }
}

/* What the retransmission timer (2MSL: that one) waits from this moment on. */
static void learn_next_wait(struct ladder_record *record, size_t at)
{
    struct ladder_event *event = &record->events[at];
    uint8_t timer = event->trace.type == GANDER_TRACE_timer_fired
                        ? event->trace.u.timer_fired.timer
                        : (uint8_t)GANDER_TIMER_retransmit;
    size_t first = at;

    while (first > 0 && record->events[first - 1].trace.time == event->trace.time)
        first--;
    for (size_t i = first; i < record->count; i++) {
        const struct ladder_event *armed = &record->events[i];

        if (armed->trace.time != event->trace.time)
            return;
        if (armed->host == event->host && armed->trace.type == GANDER_TRACE_timer_armed &&
            armed->trace.u.timer_armed.timer == timer)
            event->wait_next = armed->trace.u.timer_armed.at - armed->trace.time;
    }
}

void ladder_record_finish(struct ladder_record *record)
{
    learn_hosts(record);
    for (size_t i = 0; i < record->count; i++) {
        struct ladder_event *event = &record->events[i];

        if (ladder_is_out(event))
            find_arrival(record, i);
        if (event->trace.type == GANDER_TRACE_timer_fired)
            learn_wait(record, i, event->trace.u.timer_fired.timer);
        if (ladder_is_time_wait_over(event))
            learn_wait(record, i, GANDER_TIMER_time_wait);
        if (event->trace.type == GANDER_TRACE_timer_fired || ladder_is_out(event))
            learn_next_wait(record, i);
    }
}

uint8_t ladder_flags(const struct ladder_event *event)
{
    if (event->trace.type == GANDER_TRACE_segment_out)
        return event->trace.u.segment_out.flags;
    if (event->trace.type == GANDER_TRACE_segment_in)
        return event->trace.u.segment_in.flags;
    return 0;
}

uint32_t ladder_len(const struct ladder_event *event)
{
    switch (event->trace.type) {
    case GANDER_TRACE_segment_out:
        return event->trace.u.segment_out.len;
    case GANDER_TRACE_segment_in:
        return event->trace.u.segment_in.len;
    case GANDER_TRACE_datagram_out:
        return event->trace.u.datagram_out.len;
    case GANDER_TRACE_datagram_in:
        return event->trace.u.datagram_in.len;
    default:
        return 0;
    }
}

bool ladder_is_resent(const struct ladder_event *event)
{
    const struct gander_trace_segment_out *out = &event->trace.u.segment_out;

    if (event->trace.type != GANDER_TRACE_segment_out)
        return false;
    /* A SYN-ACK in a simultaneous open has a SYN that was sent before, but is the first of its kind. A listener's record
     * does not count, but knows why. */
    return out->why == GANDER_WHY_syn_ack_retransmit ||
           (out->transmissions > 1 && out->why != GANDER_WHY_syn_ack);
}

uint32_t ladder_seq(const struct ladder_record *record, const struct ladder_event *event)
{
    uint32_t seq = event->trace.type == GANDER_TRACE_segment_out ? event->trace.u.segment_out.seq
                                                                 : event->trace.u.segment_in.seq;
    unsigned sender = ladder_is_out(event) ? event->host : !event->host;

    return record->isn_known[sender] ? seq - record->isn[sender] : seq;
}

uint32_t ladder_ack(const struct ladder_record *record, const struct ladder_event *event)
{
    uint32_t ack = event->trace.type == GANDER_TRACE_segment_out ? event->trace.u.segment_out.ack
                                                                 : event->trace.u.segment_in.ack;
    unsigned receiver = ladder_is_out(event) ? !event->host : event->host;

    return record->isn_known[receiver] ? ack - record->isn[receiver] : ack;
}

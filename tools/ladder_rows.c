/* SPDX-License-Identifier: MIT */
/*
 * Puts what two hosts did into rows.
 *
 * Each host's own order is kept, and nothing arrives before it was sent; beyond that, two hosts far apart have no
 * common "now". So a packet can stand in one row, departure and arrival together, unless another one crosses it on
 * the way: sent by the other host before this arrived, and arriving after this was sent. Of two that cross, one is
 * drawn in two rows, with a lane that leads from its departure down to its arrival. Pure acknowledgements are chosen for
 * that first, so that letters stay in one piece.
 */
#include "ladder.h"

#include <stdlib.h>
#include <string.h>

/* What one host did or saw at one time, as one row shows it. */
struct moment {
    gander_time time;
    const struct ladder_event *main; /* packet or timer; NULL: only a state or drop */
    const struct ladder_event *state, *drop;
};

struct side {
    struct moment *moments;
    size_t count, next;
    const struct ladder_event *waiting_state; /* belongs to what is sent next */
};

struct maker {
    const struct ladder_record *record;
    struct ladder_rows *rows;
    struct side side[LADDER_HOSTS];
    int *lane; /* by event: of a packet under way: lane + 2; 1: under way without lane; 0: not */
    uint8_t lanes[LADDER_HOSTS]; /* bits in use, by receiver */
    gander_time last;            /* of the rows so far */
    enum ladder_phase phase;
    bool open_both, close_both;
};

/* --- moments ------------------------------------------------------------------------------- */

static struct moment *moment_last(struct side *side, gander_time time)
{
    struct moment *moment = side->count ? &side->moments[side->count - 1] : NULL;

    return moment && moment->time == time ? moment : NULL;
}

static struct moment *moment_add(struct side *side, gander_time time)
{
    struct moment *moment = &side->moments[side->count++];

    *moment = (struct moment){.time = time};
    return moment;
}

/* The state that waited for a segment to go with finds none: it joins one just sent, or stands alone. */
static void state_settle(struct side *side)
{
    const struct ladder_event *state = side->waiting_state;
    struct moment *last;

    if (!state)
        return;
    side->waiting_state = NULL;
    last = moment_last(side, state->trace.time);
    if (!last || last->state || !last->main || !ladder_is_out(last->main))
        last = moment_add(side, state->trace.time);
    last->state = state;
}

static void take_state(struct side *side, const struct ladder_event *event)
{
    struct moment *last;

    state_settle(side);
    if (event->trace.u.state.to == GANDER_TCP_LISTEN ||
        event->trace.u.state.from == event->trace.u.state.to ||
        (event->trace.u.state.from == GANDER_TCP_LISTEN &&
         event->trace.u.state.to == GANDER_TCP_CLOSED))
        return; /* a listener is not this conversation; the picture's head shows it */
    switch (event->trace.u.state.cause) {
    case GANDER_CAUSE_open_active:
    case GANDER_CAUSE_close:
    case GANDER_CAUSE_abort:
        side->waiting_state = event;
        return;
    default:
        break;
    }
    last = moment_last(side, event->trace.time);
    if (!last || last->state || !last->main || ladder_is_out(last->main))
        last = moment_add(side, event->trace.time);
    last->state = event;
}

static void take_drop(struct side *side, const struct ladder_event *event)
{
    struct moment *moment;
    size_t i = side->count;

    state_settle(side);
    /* It belongs to what arrived last at this time, even if an answer has left since. */
    for (; i > 0 && side->moments[i - 1].time == event->trace.time; i--) {
        moment = &side->moments[i - 1];
        if (!moment->drop && moment->main && ladder_is_in(moment->main)) {
            moment->drop = event;
            return;
        }
    }
    moment = moment_add(side, event->trace.time);
    moment->drop = event;
}

static bool is_shown_timer(const struct ladder_event *event)
{
    switch (event->trace.u.timer_fired.timer) {
    case GANDER_TIMER_retransmit:
    case GANDER_TIMER_persist:
    case GANDER_TIMER_loss_probe:
    case GANDER_TIMER_keepalive:
    case GANDER_TIMER_user_timeout:
    case GANDER_TIMER_fin_wait_2:
        return true;
    default:
        return false; /* they decide nothing that the arrows don't show */
    }
}

static void take_packet(struct side *side, const struct ladder_event *event)
{
    const struct ladder_event *state = side->waiting_state;
    struct moment *moment;

    if (state && (!ladder_is_out(event) || state->trace.time != event->trace.time)) {
        state_settle(side);
        state = NULL;
    }
    moment = moment_add(side, event->trace.time);
    moment->main = event;
    moment->state = state;
    side->waiting_state = NULL;
}

static void take_event(struct side *side, const struct ladder_event *event)
{
    if (ladder_is_out(event) || ladder_is_in(event)) {
        take_packet(side, event);
    } else if (event->trace.type == GANDER_TRACE_state) {
        take_state(side, event);
    } else if (event->trace.type == GANDER_TRACE_drop) {
        take_drop(side, event);
    } else if (event->trace.type == GANDER_TRACE_timer_fired && is_shown_timer(event)) {
        state_settle(side);
        moment_add(side, event->trace.time)->main = event;
    }
}

/* --- rows ---------------------------------------------------------------------------------- */

static struct ladder_row *row_add(struct maker *m, enum ladder_row_kind kind, unsigned host)
{
    struct ladder_rows *rows = m->rows;
    struct ladder_row *row;

    if (rows->count == rows->room) {
        size_t room = rows->room ? rows->room * 2 : 64;
        struct ladder_row *more = realloc(rows->rows, room * sizeof(*more));

        if (!more) {
            rows->no_memory = true;
            return NULL;
        }
        rows->rows = more;
        rows->room = room;
    }
    row = &rows->rows[rows->count++];
    *row = (struct ladder_row){.kind = kind, .host = (uint8_t)host, .lane = -1, .time = {-1, -1}};
    memcpy(row->lanes_before, m->lanes, sizeof(m->lanes));
    memcpy(row->lanes_after, m->lanes, sizeof(m->lanes));
    return row;
}

static enum ladder_phase phase_of(const struct maker *m, const struct moment *moment)
{
    const struct ladder_event *main = moment->main;

    if (moment->state && ladder_is_time_wait_over(moment->state))
        return PHASE_WAIT;
    if (!main || !ladder_is_out(main))
        return m->phase;
    if (main->trace.type == GANDER_TRACE_datagram_out)
        return PHASE_DATAGRAMS;
    if (ladder_flags(main) & GANDER_FLAG_FIN)
        return m->close_both ? PHASE_CLOSE_BOTH : PHASE_CLOSE;
    if (ladder_flags(main) & GANDER_FLAG_SYN)
        return m->open_both ? PHASE_OPEN_BOTH : PHASE_OPEN;
    return ladder_len(main) ? PHASE_DATA : m->phase;
}

/* A heading where a new part of the conversation begins (they never go back); a quiet row where long nothing happened. */
static void announce(struct maker *m, const struct moment *moment)
{
    enum ladder_phase phase = phase_of(m, moment);
    struct ladder_row *row;

    if (phase > m->phase) {
        row = row_add(m, ROW_HEADING, 0);
        if (row)
            row->phase = phase;
        m->phase = phase;
    }
    if (moment->time - m->last >= GANDER_S) {
        row = row_add(m, ROW_QUIET, 0);
        if (row)
            row->quiet_ns = moment->time - m->last;
    }
}

static void row_moment(struct maker *m, struct ladder_row *row, unsigned host,
                       const struct moment *moment)
{
    row->time[host] = moment->time;
    row->state[host] = moment->state;
    row->drop[host] = moment->drop;
    if (moment->time > m->last)
        m->last = moment->time;
    memcpy(row->lanes_after, m->lanes, sizeof(m->lanes));
}

static size_t index_of(const struct maker *m, const struct ladder_event *event)
{
    return (size_t)(event - m->record->events);
}

static struct moment *head(struct maker *m, unsigned host)
{
    struct side *side = &m->side[host];

    return side->next < side->count ? &side->moments[side->next] : NULL;
}

static const struct ladder_event *twin(const struct maker *m, const struct ladder_event *event)
{
    return event->twin == LADDER_NONE ? NULL : &m->record->events[event->twin];
}

/* What can be done with a host's next moment now. */
enum ready { READY, READY_SPLIT, BLOCKED };

static enum ready readiness(struct maker *m, unsigned host)
{
    const struct moment *mine = head(m, host), *other = head(m, !host);

    if (!mine)
        return BLOCKED;
    if (!mine->main || mine->main->twin == LADDER_NONE)
        return READY;
    if (ladder_is_in(mine->main))
        return m->lane[mine->main->twin] ? READY : BLOCKED;
    return other && other->main == twin(m, mine->main) ? READY : READY_SPLIT;
}

static bool is_pure_ack(const struct ladder_event *event)
{
    return ladder_is_segment(event) && ladder_len(event) == 0 &&
           !(ladder_flags(event) & (GANDER_FLAG_SYN | GANDER_FLAG_FIN | GANDER_FLAG_RST));
}

/* Which host's next moment comes next? */
static unsigned choose(struct maker *m)
{
    enum ready ready[LADDER_HOSTS] = {readiness(m, 0), readiness(m, 1)};
    const struct moment *a = head(m, 0), *b = head(m, 1);

    if (!a || !b)
        return !a;
    if (ready[0] != ready[1])
        return ready[1] < ready[0];
    if (ready[0] == READY_SPLIT && is_pure_ack(a->main) != is_pure_ack(b->main))
        return is_pure_ack(b->main);
    return b->time < a->time;
}

static int lane_take(struct maker *m, unsigned receiver)
{
    int lane = 0;

    /* Always outside those in use: so packets that keep their order don't cross. */
    while (m->lanes[receiver] >> lane)
        lane++;
    if (lane >= LADDER_LANES)
        return -1;
    m->lanes[receiver] = (uint8_t)(m->lanes[receiver] | 1U << lane);
    return lane;
}

static void step_sent(struct maker *m, unsigned host, const struct moment *moment, bool split)
{
    const struct ladder_event *packet = moment->main;
    struct moment *arrival = head(m, !host);
    bool lost = packet->twin == LADDER_NONE;
    struct ladder_row *row = row_add(m, lost ? ROW_LOST : split ? ROW_DEPART : ROW_ACROSS, host);

    if (!row)
        return;
    row->packet = packet;
    if (split) {
        row->lane = lane_take(m, !host);
        m->lane[index_of(m, packet)] = row->lane + 2;
    } else if (!lost) {
        row_moment(m, row, !host, arrival);
        m->side[!host].next++;
    }
    row_moment(m, row, host, moment);
}

static void step_arrived(struct maker *m, unsigned host, const struct moment *moment)
{
    struct ladder_row *row = row_add(m, ROW_ARRIVE, !host);

    if (!row)
        return;
    row->packet = twin(m, moment->main);
    row->lane = m->lane[moment->main->twin] - 2;
    if (row->lane >= 0)
        m->lanes[host] = (uint8_t)(m->lanes[host] & ~(1U << row->lane));
    row_moment(m, row, host, moment);
}

static void step(struct maker *m)
{
    unsigned host = choose(m);
    enum ready ready = readiness(m, host);
    const struct moment *moment = head(m, host);
    const struct ladder_event *main = moment->main;
    struct ladder_row *row;

    announce(m, moment);
    if (main && ladder_is_out(main)) {
        step_sent(m, host, moment, ready == READY_SPLIT);
    } else if (main && main->twin != LADDER_NONE) {
        step_arrived(m, host, moment);
    } else {
        row = row_add(m, ROW_LOCAL, host);
        if (row) {
            row->timer = main && main->trace.type == GANDER_TRACE_timer_fired ? main : NULL;
            row_moment(m, row, host, moment);
        }
    }
    m->side[host].next++;
}

static void look_ahead(struct maker *m)
{
    bool opened[LADDER_HOSTS] = {false, false};

    for (size_t i = 0; i < m->record->count; i++) {
        const struct ladder_event *event = &m->record->events[i];

        if (event->trace.type != GANDER_TRACE_state)
            continue;
        if (event->trace.u.state.to == GANDER_TCP_SYN_SENT)
            opened[event->host] = true;
        if (event->trace.u.state.to == GANDER_TCP_CLOSING)
            m->close_both = true;
    }
    m->open_both = opened[0] && opened[1];
}

static void make(struct maker *m)
{
    const struct ladder_record *record = m->record;

    look_ahead(m);
    for (size_t i = 0; i < record->count; i++)
        take_event(record->events[i].host ? &m->side[1] : &m->side[0], &record->events[i]);
    for (unsigned host = 0; host < LADDER_HOSTS; host++)
        state_settle(&m->side[host]);
    while (!m->rows->no_memory && (head(m, 0) || head(m, 1)))
        step(m);
}

bool ladder_rows_make(struct ladder_rows *rows, const struct ladder_record *record)
{
    struct maker m = {.record = record, .rows = rows, .last = record->start};
    size_t room = record->count + 1; /* no event makes more than one moment */
    struct moment *moments = calloc(LADDER_HOSTS * room, sizeof(*moments));

    memset(rows, 0, sizeof(*rows));
    m.lane = calloc(room, sizeof(*m.lane));
    if (moments && m.lane) {
        m.side[0].moments = moments;
        m.side[1].moments = moments + room;
        make(&m);
    } else {
        rows->no_memory = true;
    }
    free(m.lane);
    free(moments);
    return !rows->no_memory;
}

void ladder_rows_free(struct ladder_rows *rows)
{
    free(rows->rows);
    rows->rows = NULL;
    rows->count = rows->room = 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Finds the words for one scene: what a host writes, what becomes of it, what the other reads. Which sentence is told depends
 * on the event alone: flags, state, why, how often sent, whether it arrived. What a host cannot know is told by the
 * narrator, who sees both.
 */
#include "story_teller.h"

#include <string.h>

/* --- what is written ----------------------------------------------------------------------- */

static bool closes_both(const struct teller *t)
{
    for (size_t i = 0; i < t->story->rows->count; i++)
        if (t->story->rows->rows[i].phase == PHASE_CLOSE_BOTH)
            return true;
    return false;
}

static bool opens_both(const struct teller *t)
{
    return t->story->rows->count && t->story->rows->rows[0].phase == PHASE_OPEN_BOTH;
}

static const char *syn_sentence(const struct teller *t, const struct ladder_event *packet)
{
    const struct story_words *w = t->words;
    bool again = ladder_is_resent(packet);

    if (ladder_flags(packet) & GANDER_FLAG_ACK)
        return opens_both(t) && packet->trace.u.segment_out.why != GANDER_WHY_syn_ack_retransmit
                   ? w->syn_ack_both
               : again ? w->syn_ack_again
                       : w->syn_ack;
    return again ? w->syn_again : w->syn;
}

static const char *fin_sentence(const struct teller *t, const struct ladder_event *packet)
{
    const struct story_words *w = t->words;

    if (ladder_is_resent(packet))
        return w->fin_again;
    if (closes_both(t))
        return w->fin_both;
    return packet->trace.u.segment_out.state == GANDER_TCP_LAST_ACK ||
                   packet->trace.u.segment_out.state == GANDER_TCP_CLOSE_WAIT
               ? w->fin_second
               : w->fin;
}

static const char *ack_sentence(const struct teller *t, const struct ladder_event *packet)
{
    const struct story_words *w = t->words;

    switch (packet->trace.u.segment_out.why) {
    case GANDER_WHY_ack_handshake:
        return w->ack_handshake;
    case GANDER_WHY_ack_data:
        return w->ack_data;
    case GANDER_WHY_ack_delayed:
        return w->ack_delayed;
    case GANDER_WHY_ack_out_of_order:
    case GANDER_WHY_ack_duplicate:
        return w->ack_again;
    case GANDER_WHY_ack_time_wait:
        return w->ack_fin_again;
    case GANDER_WHY_ack_fin:
        break;
    default:
        return w->ack_other;
    }
    if (packet->trace.u.segment_out.state == GANDER_TCP_TIME_WAIT)
        return closes_both(t) ? w->ack_fin : w->ack_fin_last;
    return packet->trace.u.segment_out.state == GANDER_TCP_CLOSE_WAIT ? w->ack_fin_open
                                                                      : w->ack_fin;
}

/* Data that also acknowledge something new say so in the margin. */
static void add_margin(struct teller *t, const struct ladder_event *packet)
{
    uint32_t read = ladder_ack(t->story->record, packet);

    if (read > 1 && (int32_t)(read - t->read_told[packet->host]) > 0)
        teller_add(t, t->words->also_read);
}

static void add_written(struct teller *t, const struct ladder_event *packet)
{
    const struct story_words *w = t->words;
    uint8_t flags = ladder_flags(packet);
    bool again = ladder_is_resent(packet);

    if (flags & GANDER_FLAG_RST) {
        teller_add(t, packet->trace.u.segment_out.why == GANDER_WHY_rst_no_connection
                          ? w->reset_unknown
                          : w->reset);
    } else if (flags & GANDER_FLAG_SYN) {
        teller_add(t, syn_sentence(t, packet));
    } else if (packet->trace.u.segment_out.why == GANDER_WHY_keepalive ||
               packet->trace.u.segment_out.why == GANDER_WHY_window_probe) {
        teller_add(t, w->probe);
    } else if (ladder_len(packet)) {
        teller_add(t, again ? w->data_again : w->data);
        add_margin(t, packet);
        if (flags & GANDER_FLAG_FIN)
            teller_add(t, w->also_done);
    } else {
        teller_add(t, flags & GANDER_FLAG_FIN ? fin_sentence(t, packet) : ack_sentence(t, packet));
    }
    if (ladder_flags(packet) & GANDER_FLAG_ACK)
        t->read_told[packet->host] = ladder_ack(t->story->record, packet);
}

/* Takes sequence numbers, so a timer guards it. */
static bool is_guarded(const struct ladder_event *packet)
{
    return ladder_len(packet) > 0 || (ladder_flags(packet) & (GANDER_FLAG_SYN | GANDER_FLAG_FIN));
}

static void add_lost(struct teller *t, const struct ladder_event *packet)
{
    if (is_guarded(packet) && packet->wait_next)
        teller_add(t, t->words->lost_timed);
    else if (is_guarded(packet) || (ladder_flags(packet) & GANDER_FLAG_RST))
        teller_add(t, t->words->lost);
    else
        teller_add(t, t->words->lost_ack);
}

/* The retransmission timer, where it was armed now: explained once, told again when it was made longer. */
static void add_patience(struct teller *t, const struct ladder_event *packet)
{
    if (!packet->wait_next || !is_guarded(packet))
        return;
    if (ladder_is_resent(packet))
        teller_add(t, t->words->patience_again);
    else if (!t->patience_told)
        teller_add(t, t->words->patience);
    t->patience_told = true;
}

/* --- what is read -------------------------------------------------------------------------- */

/* The sentence for a new state; NULL: the state alone says it. */
static const char *state_sentence(const struct teller *t, const struct ladder_event *packet,
                                  const struct ladder_event *state)
{
    const struct story_words *w = t->words;

    switch (state->trace.u.state.to) {
    case GANDER_TCP_SYN_RECEIVED:
        return opens_both(t) ? w->read_syn_both : w->read_syn;
    case GANDER_TCP_ESTABLISHED:
        if (ladder_flags(packet) & GANDER_FLAG_SYN)
            return opens_both(t) ? w->read_established : w->read_syn_ack;
        return ladder_len(packet) || opens_both(t) ? w->read_established : w->read_handshake;
    case GANDER_TCP_CLOSE_WAIT:
        return w->read_fin;
    case GANDER_TCP_CLOSING:
        return w->read_fin_both;
    case GANDER_TCP_FIN_WAIT_2:
        return w->read_fin_ack;
    case GANDER_TCP_TIME_WAIT:
        return state->trace.u.state.from == GANDER_TCP_CLOSING ? w->read_closing_ack : w->read_last;
    case GANDER_TCP_CLOSED:
        return state->trace.u.state.cause == GANDER_CAUSE_reset ? w->read_reset : w->read_closed;
    default:
        return NULL;
    }
}

static void add_read(struct teller *t, const struct ladder_row *row)
{
    const struct ladder_event *packet = row->packet;
    unsigned reader = !packet->host;
    uint32_t ack = ladder_ack(t->story->record, packet);

    if (row->state[reader])
        teller_add(t, state_sentence(t, packet, row->state[reader]));
    if (ladder_len(packet))
        teller_add(t, row->drop[reader] ? t->words->read_twice : t->words->read_data);
    if (!(ladder_flags(packet) & GANDER_FLAG_ACK) || (int32_t)(ack - t->freed[reader]) <= 0)
        return;
    /* The SYN and the FIN have their own sentences. */
    if (ack > 1 && ack <= t->story->written_bytes[reader] + 1 && !row->state[reader])
        teller_add(t, t->words->read_ack);
    t->freed[reader] = ack;
}

/* --- rows ---------------------------------------------------------------------------------- */

static void tell_card(struct teller *t, const struct ladder_row *row)
{
    unsigned host = row->packet->host;
    const char *const *cards = t->story->cards[host];

    snprintf(t->text, sizeof(t->text), "%s",
             cards && cards[t->cards_told[host]] ? cards[t->cards_told[host]++] : "");
    teller_add(t, t->words->card);
    if (row->kind == ROW_LOST)
        teller_add(t, t->words->card_lost);
    teller_tell(t, row->time[host], host);
}

void teller_sent(struct teller *t, const struct ladder_row *row)
{
    const struct ladder_event *packet = row->packet;
    unsigned host = packet->host;

    teller_values(t, packet);
    t->flown++;
    t->lost += row->kind == ROW_LOST;
    if (packet->trace.type == GANDER_TRACE_datagram_out) {
        tell_card(t, row);
        return;
    }
    add_written(t, packet);
    if (row->kind == ROW_LOST)
        add_lost(t, packet);
    else
        add_patience(t, packet);
    teller_add_state(t, row->state[host]);
    teller_tell(t, row->time[host], host);
}

void teller_arrived(struct teller *t, const struct ladder_row *row)
{
    unsigned host = !row->packet->host;

    teller_values(t, row->packet);
    if (row->packet->trace.type == GANDER_TRACE_datagram_out)
        teller_add(t, t->words->card_read);
    else
        add_read(t, row);
    teller_add_state(t, row->state[host]);
    teller_tell(t, row->time[host], host);
}

/* Did a farewell come again while the host was in TIME-WAIT? */
static bool was_asked(const struct story *story, unsigned host)
{
    for (size_t i = 0; i < story->record->count; i++) {
        const struct ladder_event *event = &story->record->events[i];

        if (event->host == host && event->trace.type == GANDER_TRACE_segment_in &&
            event->trace.u.segment_in.state == GANDER_TCP_TIME_WAIT &&
            (ladder_flags(event) & GANDER_FLAG_FIN))
            return true;
    }
    return false;
}

void teller_local(struct teller *t, const struct ladder_row *row)
{
    const struct ladder_event *state = row->state[row->host];
    bool over = state && ladder_is_time_wait_over(state);

    teller_names(t, row->host, row->timer ? row->timer->waited : 0);
    teller_value(t, 3, "from", t->story->look->names[!row->host]);
    teller_value(t, 4, "to", t->story->look->names[row->host]);
    teller_value(t, 5, NULL, NULL);
    /* The second state that one segment led to: it also acknowledged. */
    if (state && state->trace.u.state.to == GANDER_TCP_TIME_WAIT)
        teller_add(t, t->words->read_last);
    if (over)
        teller_add(t, was_asked(t->story, row->host) ? t->words->over_asked : t->words->over);
    else if (row->timer && row->timer->waited)
        teller_add(t, t->words->timer);
    if (state && state->trace.u.state.cause == GANDER_CAUSE_timeout)
        teller_add(t, t->words->gave_up);
    teller_add_state(t, state);
    teller_tell(t, row->time[row->host], row->host);
}

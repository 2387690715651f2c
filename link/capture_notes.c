/* SPDX-License-Identifier: MIT */
/*
 * Joins trace events with the packets that they are about; see capture_notes.h. Segments are recognised by ports, sequence
 * number and flags. Left out: datagrams and ICMP, whose reason says it all.
 */
#include "link/capture_notes.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENT_NOTES = 128, PROTOCOL_TCP = 6, IPV6_HEADER_BYTES = 40 };

struct note {
    char text[CAPTURE_NOTE_BYTES];
    size_t used;
};

/* What tells one segment from another. */
struct segment_key {
    uint16_t source, destination;
    uint32_t seq;
    uint8_t flags;
};

struct kept {
    struct note note;
    struct segment_key key;
    bool is_segment, met; /* its event came */
    int64_t unix_ns;
    size_t len, room;
    uint8_t *bytes;
};

struct sent {
    struct note note;
    struct segment_key key;
};

struct capture_notes {
    struct kept kept[CAPTURE_KEPT_PACKETS];
    size_t kept_count;
    struct kept *current; /* what happens now is its doing; NULL: a timer's or the application's */
    struct note since;    /* what happened of itself since the last packet */
    struct sent sent[SENT_NOTES];
    size_t sent_first, sent_count;
};

/* --- text ------------------------------------------------------------------------------------- */

static void add(struct note *note, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line more. */
static void add(struct note *note, const char *format, ...)
{
    size_t room = sizeof(note->text) - note->used;
    va_list arguments;
    int n;

    if (note->used > 0 && room > 1) {
        note->text[note->used++] = '\n';
        room--;
    }
    va_start(arguments, format);
    n = vsnprintf(note->text + note->used, room, format, arguments);
    va_end(arguments);
    if (n > 0)
        note->used += (size_t)n < room ? (size_t)n : room - 1;
    note->text[note->used] = '\0';
}

static double ms(gander_time time)
{
    return (double)time / 1e6;
}

/* --- which packet ------------------------------------------------------------------------------- */

static bool key_read(const uint8_t *ip, size_t len, struct segment_key *key)
{
    bool v4 = len >= 20 && ip[0] >> 4 == 4, v6 = len >= IPV6_HEADER_BYTES && ip[0] >> 4 == 6;
    size_t header = v4 ? (ip[0] & 15U) * 4 : IPV6_HEADER_BYTES;
    const uint8_t *tcp = ip + header;

    if (!(v4 && ip[9] == PROTOCOL_TCP) && !(v6 && ip[6] == PROTOCOL_TCP))
        return false;
    if (len < header + 20)
        return false;
    key->source = (uint16_t)(tcp[0] << 8 | tcp[1]);
    key->destination = (uint16_t)(tcp[2] << 8 | tcp[3]);
    key->seq = (uint32_t)tcp[4] << 24 | (uint32_t)tcp[5] << 16 | (uint32_t)tcp[6] << 8 | tcp[7];
    key->flags = tcp[13];
    return true;
}

static bool key_equal(const struct segment_key *a, const struct segment_key *b)
{
    return a->source == b->source && a->destination == b->destination && a->seq == b->seq &&
           a->flags == b->flags;
}

/* --- events --------------------------------------------------------------------------------------- */

/* A segment that was received meets its connection: what follows is what it does. */
static void segment_in(struct capture_notes *notes, const struct gander_trace_event *event)
{
    const struct gander_trace_segment_in *in = &event->u.segment_in;
    const struct segment_key key = {event->remote.port, event->local.port, in->seq,
                                    (uint8_t)in->flags};

    notes->current = NULL;
    for (size_t i = 0; i < notes->kept_count; i++) {
        struct kept *kept = &notes->kept[i];

        if (!kept->is_segment || kept->met || !key_equal(&kept->key, &key))
            continue;
        kept->met = true;
        notes->current = kept;
        add(&kept->note, "in state %s", gander_tcp_state_name(in->state));
        return;
    }
}

static void segment_out(struct capture_notes *notes, const struct gander_trace_event *event)
{
    const struct gander_trace_segment_out *out = &event->u.segment_out;
    struct sent *sent;

    if (notes->sent_count == SENT_NOTES) { /* packets that never came here: another link's */
        notes->sent_first = (notes->sent_first + 1) % SENT_NOTES;
        notes->sent_count--;
    }
    sent = &notes->sent[(notes->sent_first + notes->sent_count++) % SENT_NOTES];
    sent->key =
        (struct segment_key){event->local.port, event->remote.port, out->seq, (uint8_t)out->flags};
    sent->note = notes->since;
    notes->since.used = 0;
    notes->since.text[0] = '\0';
    add(&sent->note, "in state %s", gander_tcp_state_name(out->state));
    if (out->transmissions > 1)
        add(&sent->note, "transmission %u", out->transmissions);
    if (out->cwnd)
        add(&sent->note, "cwnd %" PRIu32 ", in flight %" PRIu32, out->cwnd, out->flight);
}

/* Everything else belongs to the packet that is being processed, or else to the next one out. */
static void happened(struct note *note, const struct gander_trace_event *event)
{
    switch (event->type) {
    case GANDER_TRACE_state:
        add(note, "%s → %s: %s", gander_tcp_state_name(event->u.state.from),
            gander_tcp_state_name(event->u.state.to), gander_cause_text(event->u.state.cause));
        break;
    case GANDER_TRACE_timer_fired:
        add(note, "timer ran out: %s", gander_timer_text(event->u.timer_fired.timer));
        break;
    case GANDER_TRACE_rtt:
        add(note, "round trip %.3f ms, smoothed %.3f ms, RTO %.0f ms", ms(event->u.rtt.sample),
            ms(event->u.rtt.srtt), ms(event->u.rtt.rto));
        break;
    case GANDER_TRACE_window:
        if (event->u.window.why != GANDER_WHY_none)
            add(note, "cwnd %" PRIu32 ": %s", event->u.window.cwnd,
                gander_why_text(event->u.window.why));
        break;
    case GANDER_TRACE_lost:
        add(note, "marked lost: %" PRIu32 " bytes from %" PRIu32 ": %s", event->u.lost.len,
            event->u.lost.seq, gander_why_text(event->u.lost.rule));
        break;
    case GANDER_TRACE_drop:
        add(note, "dropped: %s", gander_drop_text(event->u.drop.reason));
        break;
    default:
        break;
    }
}

/* Of a timer or the application, not of the packet that came last. */
static bool is_own_doing(const struct gander_trace_event *event)
{
    if (event->type == GANDER_TRACE_state)
        return event->u.state.cause != GANDER_CAUSE_segment &&
               event->u.state.cause != GANDER_CAUSE_reset &&
               event->u.state.cause != GANDER_CAUSE_icmp;
    return event->type == GANDER_TRACE_timer_fired;
}

void capture_notes_event(struct capture_notes *notes, const struct gander_trace_event *event)
{
    if (event->type == GANDER_TRACE_segment_in)
        segment_in(notes, event);
    else if (event->type == GANDER_TRACE_segment_out)
        segment_out(notes, event);
    else
        happened(is_own_doing(event) || !notes->current ? &notes->since : &notes->current->note,
                 event);
}

/* --- packets ---------------------------------------------------------------------------------------- */

bool capture_notes_keep(struct capture_notes *notes, const struct gander_packet *packet,
                        int64_t unix_ns)
{
    struct kept *kept = &notes->kept[notes->kept_count];

    if (notes->kept_count == CAPTURE_KEPT_PACKETS)
        return false;
    if (kept->room < packet->len) {
        uint8_t *bytes = realloc(kept->bytes, packet->len);

        if (!bytes)
            return false;
        kept->bytes = bytes;
        kept->room = packet->len;
    }
    kept->len = gander_packet_bytes(packet, kept->bytes, packet->len);
    kept->is_segment = key_read(kept->bytes, kept->len, &kept->key);
    kept->met = false;
    kept->unix_ns = unix_ns;
    kept->note.used = 0;
    kept->note.text[0] = '\0';
    if (packet->why != GANDER_WHY_none)
        add(&kept->note, "%s", gander_why_text(packet->why));
    notes->kept_count++;
    return true;
}

void capture_notes_flush(struct capture_notes *notes, capture_notes_write *write, void *context)
{
    for (size_t i = 0; i < notes->kept_count; i++) {
        struct kept *kept = &notes->kept[i];
        struct gander_packet packet = {.len = (uint32_t)kept->len, .frags = 1};

        packet.frag[0].data = kept->bytes;
        packet.frag[0].len = packet.len;
        write(context, &packet, kept->unix_ns, kept->note.text);
    }
    notes->kept_count = 0;
    notes->current = NULL;
}

/* Segments leave in the order of their events, if they leave here at all. */
const char *capture_notes_sent(struct capture_notes *notes, const struct gander_packet *packet)
{
    static const char nothing[] = "";
    uint8_t head[IPV6_HEADER_BYTES + 20];
    struct segment_key key;
    size_t n = gander_packet_bytes(packet, head, sizeof(head));

    if (!key_read(head, n, &key))
        return nothing;
    for (size_t i = 0; i < notes->sent_count; i++) {
        struct sent *sent = &notes->sent[(notes->sent_first + i) % SENT_NOTES];

        if (!key_equal(&sent->key, &key))
            continue;
        notes->sent_first = (notes->sent_first + i + 1) % SENT_NOTES;
        notes->sent_count -= i + 1;
        return sent->note.text;
    }
    return nothing;
}

struct capture_notes *capture_notes_new(void)
{
    return calloc(1, sizeof(struct capture_notes));
}

void capture_notes_free(struct capture_notes *notes)
{
    if (!notes)
        return;
    for (size_t i = 0; i < CAPTURE_KEPT_PACKETS; i++)
        free(notes->kept[i].bytes);
    free(notes);
}

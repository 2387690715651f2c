/* SPDX-License-Identifier: MIT */
/*
 * Tells the rows as a story: a paragraph for what is written, one for what becomes of it. Which sentence is told depends
 * on the event alone: flags, state, why, how often sent, whether it arrived. What a host cannot know is told by the
 * narrator, who sees both.
 */
#include "story.h"
#include "ladder_canvas.h"
#include "ladder_text.h"
#include "ladder_words.h"

#include <stdlib.h>
#include <string.h>

enum { PARAGRAPH_BYTES = 4096, SENTENCE_BYTES = 2048, VALUES = 16 };

struct teller {
    const struct story *story;
    const struct story_words *words;
    struct canvas canvas;
    int time_columns;
    gander_time told;                 /* the time that stands at the last paragraph; −1: none */
    uint32_t read_told[LADDER_HOSTS]; /* how far host i has said that it read */
    uint32_t freed[LADDER_HOSTS];     /* how far host i knows that it was read */
    bool patience_told;
    unsigned flown, lost, cards_told[LADDER_HOSTS];
    char paragraph[PARAGRAPH_BYTES];
    /* values of templates */
    struct text_value values[VALUES];
    char seq[16], last[16], ack[16], known[16], isn[16], wait[LADDER_TIME_BYTES], text[1200];
};

/* --- paragraphs ---------------------------------------------------------------------------- */

static void add(struct teller *t, const char *pattern)
{
    char sentence[SENTENCE_BYTES];
    size_t used = strlen(t->paragraph);

    if (!pattern)
        return;
    text_fill(sentence, sizeof(sentence), pattern, t->values);
    snprintf(t->paragraph + used, sizeof(t->paragraph) - used, "%s%s", used ? t->words->join : "",
             sentence);
}

static void add_state(struct teller *t, const struct ladder_event *state)
{
    size_t used = strlen(t->paragraph);

    if (state)
        snprintf(t->paragraph + used, sizeof(t->paragraph) - used, "%s[%s]", used ? " " : "",
                 gander_tcp_state_name(state->trace.u.state.to));
}

static void print_lines(struct teller *t, int column, const char *text, enum canvas_style style)
{
    char line[1024];

    while (*text) {
        const char *next;
        size_t n = text_line(text, t->canvas.columns - column, &next);

        n = n < sizeof(line) ? n : sizeof(line) - 1;
        memcpy(line, text, n);
        line[n] = 0;
        canvas_text(&t->canvas, column, line, style);
        canvas_print(&t->canvas);
        text = next;
    }
}

/* Prints what was added, with the time beside it unless the last one has the same. */
static void tell(struct teller *t, gander_time time, unsigned host)
{
    char text[LADDER_TIME_BYTES];

    if (!*t->paragraph)
        return;
    if (time >= 0 && time != t->told) {
        ladder_time_text(time - t->story->record->start, text);
        canvas_text(&t->canvas, t->time_columns - (int)strlen(text), text,
                    host ? STYLE_RIGHT : STYLE_LEFT);
        t->told = time;
    }
    print_lines(t, t->time_columns + 2, t->paragraph, STYLE_PLAIN);
    t->paragraph[0] = 0;
}

/* --- values -------------------------------------------------------------------------------- */

static void value_set(struct teller *t, size_t i, const char *name, const char *value)
{
    t->values[i] = (struct text_value){name, value};
}

static void number_text(char *text, size_t size, uint32_t number)
{
    snprintf(text, size, "%u", number);
}

/* What the application wrote there; line by line becomes one line. */
static void quote(struct teller *t, const struct ladder_event *packet)
{
    unsigned host = packet->host;
    const struct story *story = t->story;
    size_t from = ladder_seq(story->record, packet) - 1, len = ladder_len(packet);

    t->text[0] = 0;
    if (!story->written[host] || from + len > story->written_bytes[host])
        return;
    snprintf(t->text, sizeof(t->text), "%.*s", (int)len, story->written[host] + from);
}

static void set_values(struct teller *t, const struct ladder_event *packet)
{
    const struct ladder_look *look = t->story->look;
    unsigned host = packet->host;
    bool segment = packet->trace.type == GANDER_TRACE_segment_out;

    value_set(t, 0, "from", look->names[host]);
    value_set(t, 1, "to", look->names[!host]);
    value_set(t, 2, "seq", t->seq);
    value_set(t, 3, "last", t->last);
    value_set(t, 4, "ack", t->ack);
    value_set(t, 5, "known", t->known);
    value_set(t, 6, "isn", t->isn);
    value_set(t, 7, "text", t->text);
    value_set(t, 8, "wait", t->wait);
    value_set(t, 9, "why", segment ? ladder_why(look->words, packet->trace.u.segment_out.why) : "");
    value_set(t, 10, NULL, NULL);
    ladder_time_text(packet->wait_next, t->wait);
    if (!segment)
        return;
    number_text(t->seq, sizeof(t->seq), ladder_seq(t->story->record, packet));
    number_text(t->last, sizeof(t->last),
                ladder_seq(t->story->record, packet) + ladder_len(packet) - 1);
    number_text(t->ack, sizeof(t->ack), packet->trace.u.segment_out.ack);
    number_text(t->known, sizeof(t->known), ladder_ack(t->story->record, packet) - 1);
    number_text(t->isn, sizeof(t->isn), t->story->record->isn[host]);
    quote(t, packet);
}

static void set_names(struct teller *t, unsigned host, gander_time wait)
{
    ladder_time_text(wait, t->wait);
    value_set(t, 0, "name", t->story->look->names[host]);
    value_set(t, 1, "other", t->story->look->names[!host]);
    value_set(t, 2, "wait", t->wait);
    value_set(t, 3, NULL, NULL);
}

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
        add(t, t->words->also_read);
}

static void add_written(struct teller *t, const struct ladder_event *packet)
{
    const struct story_words *w = t->words;
    uint8_t flags = ladder_flags(packet);
    bool again = ladder_is_resent(packet);

    if (flags & GANDER_FLAG_RST) {
        add(t, w->reset);
    } else if (flags & GANDER_FLAG_SYN) {
        add(t, syn_sentence(t, packet));
    } else if (packet->trace.u.segment_out.why == GANDER_WHY_keepalive ||
               packet->trace.u.segment_out.why == GANDER_WHY_window_probe) {
        add(t, w->probe);
    } else if (ladder_len(packet)) {
        add(t, again ? w->data_again : w->data);
        add_margin(t, packet);
        if (flags & GANDER_FLAG_FIN)
            add(t, w->also_done);
    } else {
        add(t, flags & GANDER_FLAG_FIN ? fin_sentence(t, packet) : ack_sentence(t, packet));
    }
    if (ladder_flags(packet) & GANDER_FLAG_ACK)
        t->read_told[packet->host] = ladder_ack(t->story->record, packet);
}

static void add_fate(struct teller *t, const struct ladder_event *packet, bool lost)
{
    bool bare =
        ladder_len(packet) == 0 && !(ladder_flags(packet) & (GANDER_FLAG_SYN | GANDER_FLAG_FIN));

    if (ladder_is_resent(packet) && packet->wait_next && !lost)
        add(t, t->words->patience_again);
    else if (packet->wait_next && !bare && !t->patience_told && !lost)
        add(t, t->words->patience);
    if (packet->wait_next && !bare && !lost)
        t->patience_told = true;
    if (lost)
        add(t, bare                ? t->words->lost_ack
               : packet->wait_next ? t->words->lost_timed
                                   : t->words->lost);
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
        add(t, state_sentence(t, packet, row->state[reader]));
    if (ladder_len(packet))
        add(t, row->drop[reader] ? t->words->read_twice : t->words->read_data);
    if (!(ladder_flags(packet) & GANDER_FLAG_ACK) || (int32_t)(ack - t->freed[reader]) <= 0)
        return;
    /* The SYN and the FIN have their own sentences. */
    if (ack > 1 && ack <= t->story->written_bytes[reader] + 1 && !row->state[reader])
        add(t, t->words->read_ack);
    t->freed[reader] = ack;
}

/* --- rows ---------------------------------------------------------------------------------- */

static void tell_card(struct teller *t, const struct ladder_row *row)
{
    unsigned host = row->packet->host;
    const char *const *cards = t->story->cards[host];

    snprintf(t->text, sizeof(t->text), "%s",
             cards && cards[t->cards_told[host]] ? cards[t->cards_told[host]++] : "");
    add(t, t->words->card);
    if (row->kind == ROW_LOST)
        add(t, t->words->card_lost);
    tell(t, row->time[host], host);
}

static void tell_sent(struct teller *t, const struct ladder_row *row)
{
    const struct ladder_event *packet = row->packet;
    unsigned host = packet->host;

    set_values(t, packet);
    t->flown++;
    t->lost += row->kind == ROW_LOST;
    if (packet->trace.type == GANDER_TRACE_datagram_out) {
        tell_card(t, row);
        return;
    }
    add_written(t, packet);
    add_fate(t, packet, row->kind == ROW_LOST);
    add_state(t, row->state[host]);
    tell(t, row->time[host], host);
}

static void tell_arrived(struct teller *t, const struct ladder_row *row)
{
    unsigned host = !row->packet->host;

    set_values(t, row->packet);
    if (row->packet->trace.type == GANDER_TRACE_datagram_out)
        add(t, t->words->card_read);
    else
        add_read(t, row);
    add_state(t, row->state[host]);
    tell(t, row->time[host], host);
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

static void tell_local(struct teller *t, const struct ladder_row *row)
{
    const struct ladder_event *state = row->state[row->host];
    bool over = state && ladder_is_time_wait_over(state);

    set_names(t, row->host, row->timer ? row->timer->waited : 0);
    value_set(t, 3, "from", t->story->look->names[!row->host]);
    value_set(t, 4, "to", t->story->look->names[row->host]);
    value_set(t, 5, NULL, NULL);
    /* The second state that one segment led to: it also acknowledged. */
    if (state && state->trace.u.state.to == GANDER_TCP_TIME_WAIT)
        add(t, t->words->read_last);
    if (over)
        add(t, was_asked(t->story, row->host) ? t->words->over_asked : t->words->over);
    else if (row->timer && row->timer->waited)
        add(t, t->words->timer);
    if (state && state->trace.u.state.cause == GANDER_CAUSE_timeout)
        add(t, t->words->gave_up);
    add_state(t, state);
    tell(t, row->time[row->host], row->host);
}

/* Who waits out 2MSL, and how long in the end. */
static void tell_stay(struct teller *t)
{
    const struct story *story = t->story;
    gander_time waited[LADDER_HOSTS] = {0, 0};

    for (size_t i = 0; i < story->record->count; i++) {
        const struct ladder_event *event = &story->record->events[i];

        if (ladder_is_time_wait_over(event))
            waited[event->host] = event->waited;
    }
    if (waited[0] && waited[0] == waited[1]) {
        set_names(t, 0, waited[0]);
        add(t, t->words->stay_both);
        tell(t, -1, 0);
        return;
    }
    for (unsigned host = 0; host < LADDER_HOSTS; host++) {
        if (!waited[host])
            continue;
        set_names(t, host, waited[host]);
        add(t, t->words->stay);
        tell(t, -1, host);
    }
}

static void tell_intro(struct teller *t, const char *pattern)
{
    const struct story *story = t->story;
    char address[LADDER_HOSTS][GANDER_ADDRESS_TEXT_BYTES];

    for (unsigned host = 0; host < LADDER_HOSTS; host++) {
        struct gander_address bare = story->record->address[host];

        bare.port = 0;
        gander_address_format(&bare, address[host], sizeof(address[host]));
    }
    ladder_time_text(story->record->delay, t->wait);
    value_set(t, 0, "left", story->look->names[0]);
    value_set(t, 1, "right", story->look->names[1]);
    value_set(t, 2, "left_address", address[0]);
    value_set(t, 3, "right_address", address[1]);
    value_set(t, 4, "delay", t->wait);
    value_set(t, 5, NULL, NULL);
    add(t, pattern);
    tell(t, -1, 0);
}

static void tell_chapter(struct teller *t, enum ladder_phase phase)
{
    canvas_print(&t->canvas);
    canvas_text(&t->canvas, t->time_columns + 2, t->words->chapter[phase], STYLE_STRONG);
    canvas_print(&t->canvas);
    canvas_print(&t->canvas);
    if (phase == PHASE_WAIT)
        tell_stay(t);
    if (phase == PHASE_DATAGRAMS)
        tell_intro(t, t->words->intro_cards);
}

/* --- order --------------------------------------------------------------------------------- */

/* What one host does or sees in a row. Rows keep each host's order; the story goes by the clock, chapter by chapter. */
struct scene {
    const struct ladder_row *row;
    size_t order;
    gander_time time;
    enum ladder_phase phase;
    bool arrival;
};

static int compare_scenes(const void *a, const void *b)
{
    const struct scene *x = a, *y = b;

    if (x->phase != y->phase)
        return x->phase < y->phase ? -1 : 1;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static size_t make_scenes(const struct ladder_rows *rows, struct scene *scenes)
{
    enum ladder_phase phase = PHASE_NONE;
    size_t n = 0;

    for (size_t i = 0; i < rows->count; i++) {
        const struct ladder_row *row = &rows->rows[i];

        if (row->kind == ROW_HEADING)
            phase = row->phase;
        if (row->kind == ROW_HEADING || row->kind == ROW_QUIET)
            continue;
        if (row->kind != ROW_ARRIVE) {
            scenes[n] = (struct scene){row, n, row->time[row->host], phase, false};
            n++;
        }
        if (row->packet && row->time[!row->host] >= 0) {
            scenes[n] = (struct scene){row, n, row->time[!row->host], phase, true};
            n++;
        }
    }
    qsort(scenes, n, sizeof(*scenes), compare_scenes);
    return n;
}

static bool tell_rows(struct teller *t, const struct ladder_rows *rows)
{
    struct scene *scenes = calloc(2 * rows->count + 1, sizeof(*scenes));
    enum ladder_phase phase = PHASE_NONE;
    size_t n;

    if (!scenes)
        return false;
    n = make_scenes(rows, scenes);
    for (size_t i = 0; i < n; i++) {
        if (scenes[i].phase != phase)
            tell_chapter(t, scenes[i].phase);
        phase = scenes[i].phase;
        if (scenes[i].arrival)
            tell_arrived(t, scenes[i].row);
        else if (scenes[i].row->packet)
            tell_sent(t, scenes[i].row);
        else
            tell_local(t, scenes[i].row);
    }
    free(scenes);
    return true;
}

/* --- beginning and end --------------------------------------------------------------------- */

static void tell_end(struct teller *t, bool cards)
{
    const struct story *story = t->story;
    char numbers[4][24];
    bool all = story->read_bytes[0] == story->written_bytes[1] &&
               story->read_bytes[1] == story->written_bytes[0];

    snprintf(numbers[0], sizeof(numbers[0]), "%u", t->flown);
    snprintf(numbers[1], sizeof(numbers[1]), "%u", cards ? story->cards_read : t->lost);
    snprintf(numbers[2], sizeof(numbers[2]), "%zu", story->written_bytes[0]);
    snprintf(numbers[3], sizeof(numbers[3]), "%zu", story->written_bytes[1]);
    value_set(t, 0, cards ? "sent" : "flown", numbers[0]);
    value_set(t, 1, cards ? "read" : "lost", numbers[1]);
    value_set(t, 2, "left", story->look->names[0]);
    value_set(t, 3, "right", story->look->names[1]);
    value_set(t, 4, "left_bytes", numbers[2]);
    value_set(t, 5, "right_bytes", numbers[3]);
    value_set(t, 6, NULL, NULL);
    if (cards)
        add(t, t->words->cards_end);
    else if (!story->written_bytes[0] && !story->written_bytes[1])
        add(t, t->words->nothing_written);
    else
        add(t, all ? t->words->all_read : t->words->not_all_read);
    canvas_print(&t->canvas);
    tell(t, -1, 0);
}

bool story_tell(const struct story *story)
{
    struct teller t = {.story = story, .words = story->words, .told = -1};
    const struct ladder_look *look = story->look;
    bool cards = story->rows->count && story->rows->rows[0].phase == PHASE_DATAGRAMS;
    char text[LADDER_TIME_BYTES];

    canvas_init(&t.canvas, look->file, look->columns < 100 ? look->columns : 100, look->colour,
                look->ascii);
    t.time_columns = 6;
    for (size_t i = 0; i < story->record->count; i++) {
        int n = (int)strlen(
            ladder_time_text(story->record->events[i].trace.time - story->record->start, text));

        t.time_columns = n > t.time_columns ? n : t.time_columns;
    }
    if (!cards) {
        canvas_text(&t.canvas, t.time_columns + 2, t.words->title, STYLE_STRONG);
        canvas_print(&t.canvas);
        canvas_print(&t.canvas);
        tell_intro(&t, t.words->intro);
    }
    if (!tell_rows(&t, story->rows))
        return false;
    tell_end(&t, cards);
    return true;
}

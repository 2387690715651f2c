/* SPDX-License-Identifier: MIT */
/*
 * Draws rows as lines: two lifelines, between them arrows, outside them each host's states and times. Where the
 * terminal is too narrow for states outside, they stand inside, on lines of their own; a label that does not fit
 * on its arrow stands above it. Everything is drawn on a canvas, later strokes over earlier ones.
 */
#include "ladder_canvas.h"
#include "ladder_label.h"
#include "ladder_text.h"

#include <stdlib.h>
#include <string.h>

enum {
    LINE = 0x2500,
    LIFE = 0x2502,
    QUIET = 0x250a,
    FROM_LEFT = 0x251c,
    FROM_RIGHT = 0x2524,
    CROSSING = 0x253c,
    DOWN_RIGHT = 0x256d, /* ╭ */
    DOWN_LEFT = 0x256e,  /* ╮ */
    UP_LEFT = 0x256f,    /* ╯ */
    UP_RIGHT = 0x2570,   /* ╰ */
    TO_RIGHT = 0x25ba,
    TO_LEFT = 0x25c4,
    CROSS = 0xd7
};

enum { STATE_COLUMNS = 12, WIDE_FROM = 76 }; /* "SYN-RECEIVED" is the longest */

struct drawing {
    const struct ladder_look *look;
    const struct ladder_record *record;
    struct canvas canvas;
    struct ladder_label label;
    int time_columns;
    int left, right;        /* the lifelines' columns */
    int zone[LADDER_HOSTS]; /* columns beside lifeline i that lanes need */
    bool narrow;            /* states stand inside */
};

/* --- geometry ------------------------------------------------------------------------------ */

static void measure(struct drawing *d, const struct ladder_rows *rows)
{
    char text[LADDER_TIME_BYTES];
    uint8_t lanes[LADDER_HOSTS] = {0, 0};

    d->time_columns = 5;
    for (size_t i = 0; i < rows->count; i++) {
        for (unsigned host = 0; host < LADDER_HOSTS; host++) {
            const struct ladder_row *row = &rows->rows[i];
            int wide =
                row->time[host] < 0
                    ? 0
                    : (int)strlen(ladder_time_text(row->time[host] - d->record->start, text));

            d->time_columns = wide > d->time_columns ? wide : d->time_columns;
            lanes[host] |= row->lanes_after[host];
        }
    }
    for (unsigned host = 0; host < LADDER_HOSTS; host++)
        for (int lane = 0; lane < LADDER_LANES; lane++)
            if (lanes[host] >> lane & 1)
                d->zone[host] = 2 * lane + 3;
    d->narrow = d->look->columns < WIDE_FROM;
    d->left = d->time_columns + 1 + (d->narrow ? 0 : STATE_COLUMNS + 1);
    d->right = d->look->columns - 1 - d->left;
}

static int lane_column(const struct drawing *d, unsigned receiver, int lane)
{
    return receiver ? d->right - 3 - 2 * lane : d->left + 3 + 2 * lane;
}

/* Where labels and notes begin, and the first column that they may not use. */
static int label_begin(const struct drawing *d)
{
    return d->left + 3 + d->zone[0];
}

static int label_end(const struct drawing *d)
{
    return d->right - 2 - d->zone[1];
}

static enum canvas_style style_of(unsigned host)
{
    return host ? STYLE_RIGHT : STYLE_LEFT;
}

/* --- strokes ------------------------------------------------------------------------------- */

static void draw_lives(struct drawing *d, const uint8_t lanes[LADDER_HOSTS])
{
    canvas_put(&d->canvas, d->left, LIFE, STYLE_LEFT);
    canvas_put(&d->canvas, d->right, LIFE, STYLE_RIGHT);
    for (unsigned host = 0; host < LADDER_HOSTS; host++)
        for (int lane = 0; lane < LADDER_LANES; lane++)
            if (lanes[host] >> lane & 1)
                canvas_put(&d->canvas, lane_column(d, host, lane), LIFE, style_of(!host));
}

/* A stroke from column `a` to column `b`, both included; lanes that it meets become crossings. */
static void draw_line(struct drawing *d, int a, int b, enum canvas_style style)
{
    for (int column = a; column <= b; column++)
        canvas_put(&d->canvas, column, canvas_at(&d->canvas, column) == LIFE ? CROSSING : LINE,
                   style);
}

static void draw_side(struct drawing *d, const struct ladder_row *row, unsigned host)
{
    const struct ladder_event *state = row->state[host];
    char text[LADDER_TIME_BYTES];
    const char *name = state ? gander_tcp_state_name(state->trace.u.state.to) : "";
    int column = host ? d->right + 2 : d->time_columns + 1;

    if (!d->narrow)
        canvas_text(&d->canvas, column, name, STYLE_STRONG);
    if (row->time[host] < 0)
        return;
    ladder_time_text(row->time[host] - d->record->start, text);
    column = host ? d->look->columns : d->time_columns;
    canvas_text(&d->canvas, column - (int)strlen(text), text, STYLE_DIM);
}

static int draw_label(struct drawing *d, int column)
{
    canvas_put(&d->canvas, column - 1, ' ', STYLE_PLAIN);
    column = canvas_text(&d->canvas, column, d->label.flags, STYLE_STRONG);
    column = canvas_text(&d->canvas, column, d->label.rest, STYLE_PLAIN);
    canvas_put(&d->canvas, column, ' ', STYLE_PLAIN);
    return column + 1;
}

/* --- lines --------------------------------------------------------------------------------- */

/* Text inside, as many lines as it needs. */
static void draw_note(struct drawing *d, const uint8_t lanes[LADDER_HOSTS], const char *text,
                      enum canvas_style style)
{
    char line[512];

    while (*text) {
        const char *next;
        size_t n = text_line(text, label_end(d) + 1 - label_begin(d), &next);

        n = n < sizeof(line) ? n : sizeof(line) - 1;
        memcpy(line, text, n);
        line[n] = 0;
        draw_lives(d, lanes);
        canvas_text(&d->canvas, label_begin(d), line, style);
        canvas_print(&d->canvas);
        text = next;
    }
}

/* In narrow pictures: states on a line of their own, each beside its host. */
static void draw_states_inside(struct drawing *d, const struct ladder_row *row)
{
    if (!d->narrow || (!row->state[0] && !row->state[1]))
        return;
    draw_lives(d, row->lanes_after);
    if (row->state[0])
        canvas_text(&d->canvas, d->left + 2, gander_tcp_state_name(row->state[0]->trace.u.state.to),
                    STYLE_STRONG);
    if (row->state[1]) {
        const char *name = gander_tcp_state_name(row->state[1]->trace.u.state.to);

        canvas_text(&d->canvas, d->right - 1 - (int)strlen(name), name, STYLE_STRONG);
    }
    canvas_print(&d->canvas);
}

/* Puts the label on the arrow between the columns, or says no. */
static bool choose_label(struct drawing *d, const struct ladder_row *row, int begin, int end)
{
    for (int tight = 0; tight <= 1; tight++) {
        ladder_label_make(&d->label, d->look, d->record, row->packet, tight);
        if (begin + d->label.columns + 1 <= end)
            return true;
    }
    return false;
}

/* The label above an arrow that is too short for it. */
static void draw_label_above(struct drawing *d, const struct ladder_row *row)
{
    draw_lives(d, row->lanes_before);
    draw_label(d, label_begin(d));
    canvas_print(&d->canvas);
}

/* Sent and arrived: all the way across, or to or from a lane. */
static void draw_packet(struct drawing *d, const struct ladder_row *row)
{
    unsigned to = !row->host;
    enum canvas_style style = style_of(row->host);
    bool departs = row->kind != ROW_ARRIVE, arrives = row->kind != ROW_DEPART;
    int turn = row->lane < 0 ? (d->left + d->right) / 2 : lane_column(d, to, row->lane);
    int begin = d->left + 1, end = d->right - 1;
    bool split = !departs || !arrives;
    bool fits = choose_label(d, row, label_begin(d), label_end(d)) && !(split && row->lane < 0);

    if (split) {
        bool left_part = departs == (row->host == 0);

        *(left_part ? &end : &begin) = turn;
    }
    if (departs && !fits)
        draw_label_above(d, row);
    draw_lives(d, departs ? row->lanes_before : row->lanes_after);
    draw_line(d, begin, end, style);
    if (departs)
        canvas_put(&d->canvas, to ? d->left : d->right, to ? FROM_LEFT : FROM_RIGHT, style);
    if (arrives)
        canvas_put(&d->canvas, to ? d->right - 1 : d->left + 1, to ? TO_RIGHT : TO_LEFT, style);
    if (split) {
        uint32_t corner = departs ? (to ? DOWN_LEFT : DOWN_RIGHT) : (to ? UP_RIGHT : UP_LEFT);

        canvas_put(&d->canvas, turn, row->lane < 0 ? '~' : corner, style);
    }
    if (departs && fits)
        draw_label(d, label_begin(d));
    draw_side(d, row, 0);
    draw_side(d, row, 1);
    canvas_print(&d->canvas);
}

/* An arrow that ends in a cross on its way. */
static void draw_lost(struct drawing *d, const struct ladder_row *row)
{
    unsigned to = !row->host;
    const char *lost = row->packet->trace.type == GANDER_TRACE_datagram_out
                           ? d->look->words->lost_datagram
                           : d->look->words->lost;
    int lost_columns = text_columns(lost) + 2, label = label_begin(d);
    int cross = to ? label_end(d) - lost_columns : label + lost_columns - 1;
    bool fits;

    if (!to)
        label = cross + 4;
    fits = choose_label(d, row, label, to ? cross - 1 : d->right - 2);
    if (!fits)
        draw_label_above(d, row);
    draw_lives(d, row->lanes_before);
    draw_line(d, to ? d->left + 1 : cross + 1, to ? cross - 1 : d->right - 1, style_of(row->host));
    canvas_put(&d->canvas, to ? d->left : d->right, to ? FROM_LEFT : FROM_RIGHT,
               style_of(row->host));
    canvas_put(&d->canvas, cross, CROSS, STYLE_LOST);
    canvas_text(&d->canvas, to ? cross + 2 : label_begin(d), lost, STYLE_LOST);
    if (fits)
        draw_label(d, label);
    draw_side(d, row, 0);
    draw_side(d, row, 1);
    canvas_print(&d->canvas);
}

static void draw_local(struct drawing *d, const struct ladder_row *row, const char *note)
{
    const uint8_t *lanes = row->lanes_after;
    const char *next = note;
    char line[512] = "";

    /* The note's first line stands beside the state. */
    if (*note) {
        size_t n = text_line(note, label_end(d) + 1 - label_begin(d), &next);

        n = n < sizeof(line) ? n : sizeof(line) - 1;
        memcpy(line, note, n);
        line[n] = 0;
    }
    draw_lives(d, lanes);
    canvas_text(&d->canvas, label_begin(d), line, STYLE_NOTE);
    draw_side(d, row, 0);
    draw_side(d, row, 1);
    canvas_print(&d->canvas);
    draw_note(d, lanes, next, STYLE_NOTE);
}

static void draw_heading(struct drawing *d, const struct ladder_row *row, const char *text)
{
    int columns = text_columns(text);
    int begin = (d->left + d->right + 1 - columns) / 2;

    draw_lives(d, row->lanes_after);
    canvas_print(&d->canvas);
    draw_lives(d, row->lanes_after);
    for (int i = 2; d->left + i < begin - 2; i += 2) {
        canvas_put(&d->canvas, begin - 1 - i, '.', STYLE_DIM);
        canvas_put(&d->canvas, begin + columns + i, '.', STYLE_DIM);
    }
    canvas_text(&d->canvas, begin, text, STYLE_STRONG);
    canvas_print(&d->canvas);
}

static void draw_quiet(struct drawing *d, const struct ladder_row *row)
{
    char wait[LADDER_TIME_BYTES], text[64];

    ladder_time_text(row->quiet_ns, wait);
    text_fill(text, sizeof(text), d->look->words->quiet,
              (const struct text_value[]){{"wait", wait}, {NULL, NULL}});
    canvas_put(&d->canvas, d->left, QUIET, STYLE_LEFT);
    canvas_put(&d->canvas, d->right, QUIET, STYLE_RIGHT);
    canvas_text(&d->canvas, (d->left + d->right + 1 - text_columns(text)) / 2, text, STYLE_DIM);
    canvas_print(&d->canvas);
}

/* --- rows ---------------------------------------------------------------------------------- */

/* Which timer ran out; empty: none. */
static void timer_note(const struct drawing *d, const struct ladder_row *row, char *note,
                       size_t size)
{
    const struct ladder_words *words = d->look->words;
    const struct ladder_event *timer = row->timer, *state = row->state[row->host];
    bool over = state && ladder_is_time_wait_over(state);
    char wait[LADDER_TIME_BYTES];
    struct text_value values[] = {
        {"name", d->look->names[row->host]}, {"wait", wait}, {"timer", ""}, {NULL, NULL}};

    note[0] = 0;
    if (!over && !timer)
        return;
    ladder_time_text(over ? state->waited : timer->waited, wait);
    if (!over)
        values[2].value = ladder_timer(words, timer->trace.u.timer_fired.timer);
    text_fill(note, size, over ? words->timer_over : words->timer_fired, values);
}

/* Why a connection ended that no segment ended; empty: something else happened. */
static void end_note(const struct drawing *d, const struct ladder_row *row, char *note, size_t size)
{
    const struct ladder_event *state = row->state[row->host];
    unsigned cause = state ? state->trace.u.state.cause : (unsigned)GANDER_CAUSE_COUNT;

    note[0] = 0;
    if (cause != GANDER_CAUSE_timeout && cause != GANDER_CAUSE_memory && cause != GANDER_CAUSE_icmp)
        return;
    text_fill(note, size, d->look->words->cause,
              (const struct text_value[]){{"name", d->look->names[row->host]},
                                          {"cause", ladder_cause(d->look->words, cause)},
                                          {NULL, NULL}});
}

static void draw_local_row(struct drawing *d, const struct ladder_row *row)
{
    char timer[256], end[256];

    timer_note(d, row, timer, sizeof(timer));
    end_note(d, row, end, sizeof(end));
    draw_local(d, row, *timer ? timer : end);
    if (*timer)
        draw_note(d, row->lanes_after, end, STYLE_NOTE);
}

static void draw_drops(struct drawing *d, const struct ladder_row *row)
{
    char note[256];

    for (unsigned host = 0; host < LADDER_HOSTS; host++) {
        if (!row->drop[host])
            continue;
        text_fill(note, sizeof(note), d->look->words->drop,
                  (const struct text_value[]){
                      {"name", d->look->names[host]},
                      {"reason", ladder_drop(d->look->words, row->drop[host]->trace.u.drop.reason)},
                      {NULL, NULL}});
        draw_note(d, row->lanes_after, note, STYLE_NOTE);
    }
}

static void draw_why(struct drawing *d, const struct ladder_row *row)
{
    const struct ladder_event *packet = row->packet;
    unsigned why = packet->trace.type == GANDER_TRACE_segment_out
                       ? packet->trace.u.segment_out.why
                       : packet->trace.u.datagram_out.why;

    if (row->kind == ROW_ARRIVE || (!d->look->why && !ladder_is_resent(packet)))
        return;
    draw_note(d, row->lanes_after, ladder_why(d->look->words, why), STYLE_NOTE);
}

static void draw_row(struct drawing *d, const struct ladder_row *row)
{
    switch (row->kind) {
    case ROW_HEADING:
        draw_heading(d, row, d->look->words->heading[row->phase]);
        return;
    case ROW_QUIET:
        draw_quiet(d, row);
        return;
    case ROW_LOCAL:
        draw_local_row(d, row);
        break;
    case ROW_LOST:
        draw_lost(d, row);
        draw_why(d, row);
        break;
    default:
        draw_packet(d, row);
        draw_why(d, row);
        break;
    }
    draw_drops(d, row);
    draw_states_inside(d, row);
}

/* Names and addresses above the lifelines, the unit of the times, the first states. */
static void draw_head(struct drawing *d, bool states)
{
    static const uint8_t none[LADDER_HOSTS] = {0, 0};
    const struct ladder_record *record = d->record;
    char text[LADDER_HOSTS][96], address[GANDER_ADDRESS_TEXT_BYTES];
    int margin = d->time_columns + 1;
    int end = d->look->columns - margin, begin;

    for (unsigned host = 0; host < LADDER_HOSTS; host++) {
        gander_address_format(&record->address[host], address, sizeof(address));
        if (!record->address[host].family)
            address[0] = 0;
        snprintf(text[host], sizeof(text[host]), "%s%s%s", host ? address : d->look->names[0],
                 *address ? "  " : "", host ? d->look->names[1] : address);
    }
    begin = canvas_text(&d->canvas, margin, text[0], STYLE_LEFT);
    if (begin + 2 > end - text_columns(text[1]))
        canvas_print(&d->canvas);
    canvas_text(&d->canvas, end - text_columns(text[1]), text[1], STYLE_RIGHT);
    canvas_print(&d->canvas);
    draw_lives(d, none);
    canvas_text(&d->canvas, d->time_columns - text_columns(d->look->words->seconds),
                d->look->words->seconds, STYLE_DIM);
    canvas_text(&d->canvas, d->look->columns - text_columns(d->look->words->seconds),
                d->look->words->seconds, STYLE_DIM);
    for (unsigned host = 0; states && host < LADDER_HOSTS; host++) {
        const char *name = gander_tcp_state_name(record->first_state[host]);
        int column = host ? d->right + 2 : d->time_columns + 1;

        if (d->narrow)
            column = host ? d->right - 1 - (int)strlen(name) : d->left + 2;
        canvas_text(&d->canvas, column, name, STYLE_STRONG);
    }
    canvas_print(&d->canvas);
}

/* Once above the picture: where the sequence numbers began. */
static void draw_isns(struct drawing *d)
{
    char isn[LADDER_HOSTS][16] = {"?", "?"}, note[512], line[512];
    const char *text = note, *next;

    if (!d->record->isn_known[0] && !d->record->isn_known[1])
        return;
    for (unsigned host = 0; host < LADDER_HOSTS; host++)
        if (d->record->isn_known[host])
            snprintf(isn[host], sizeof(isn[host]), "%u", d->record->isn[host]);
    text_fill(note, sizeof(note),
              d->look->absolute ? d->look->words->absolute : d->look->words->relative,
              (const struct text_value[]){{"left", d->look->names[0]},
                                          {"right", d->look->names[1]},
                                          {"left_isn", isn[0]},
                                          {"right_isn", isn[1]},
                                          {NULL, NULL}});
    for (; *text; text = next) {
        size_t n = text_line(text, d->look->columns, &next);

        memcpy(line, text, n);
        line[n] = 0;
        canvas_text(&d->canvas, 0, line, STYLE_DIM);
        canvas_print(&d->canvas);
    }
    canvas_print(&d->canvas);
}

void ladder_draw(const struct ladder_look *look, const struct ladder_record *record,
                 const struct ladder_rows *rows)
{
    struct drawing d = {.look = look, .record = record};
    bool tcp = record->isn_known[0] || record->isn_known[1];

    canvas_init(&d.canvas, look->file, look->columns, look->colour, look->ascii);
    measure(&d, rows);
    ladder_label_measure(&d.label, look, record);
    draw_isns(&d);
    draw_head(&d, tcp);
    for (size_t i = 0; i < rows->count; i++)
        draw_row(&d, &rows->rows[i]);
}

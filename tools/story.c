/* SPDX-License-Identifier: MIT */
/* Tells the rows as a story: chapters, and in each its scenes by the clock. */
#include "story_teller.h"

#include <stdlib.h>
#include <string.h>

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
        teller_names(t, 0, waited[0]);
        teller_add(t, t->words->stay_both);
        teller_tell(t, -1, 0);
        return;
    }
    for (unsigned host = 0; host < LADDER_HOSTS; host++) {
        if (!waited[host])
            continue;
        teller_names(t, host, waited[host]);
        teller_add(t, t->words->stay);
        teller_tell(t, -1, host);
    }
}

static void tell_intro(struct teller *t, const char *pattern)
{
    const struct story *story = t->story;

    for (unsigned host = 0; host < LADDER_HOSTS; host++) {
        struct gander_address bare = story->record->address[host];

        bare.port = 0;
        gander_address_format(&bare, t->address[host], sizeof(t->address[host]));
    }
    ladder_time_text(story->record->delay, t->wait);
    teller_value(t, 0, "left", story->look->names[0]);
    teller_value(t, 1, "right", story->look->names[1]);
    teller_value(t, 2, "left_address", t->address[0]);
    teller_value(t, 3, "right_address", t->address[1]);
    teller_value(t, 4, "delay", t->wait);
    teller_value(t, 5, NULL, NULL);
    teller_add(t, pattern);
    teller_tell(t, -1, 0);
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
            teller_arrived(t, scenes[i].row);
        else if (scenes[i].row->packet)
            teller_sent(t, scenes[i].row);
        else
            teller_local(t, scenes[i].row);
    }
    free(scenes);
    return true;
}

/* --- beginning and end --------------------------------------------------------------------- */

static void tell_end(struct teller *t, bool cards)
{
    const struct story *story = t->story;
    bool all = story->read_bytes[0] == story->written_bytes[1] &&
               story->read_bytes[1] == story->written_bytes[0];

    snprintf(t->numbers[0], sizeof(t->numbers[0]), "%u", t->flown);
    snprintf(t->numbers[1], sizeof(t->numbers[1]), "%u", cards ? story->cards_read : t->lost);
    snprintf(t->numbers[2], sizeof(t->numbers[2]), "%zu", story->written_bytes[0]);
    snprintf(t->numbers[3], sizeof(t->numbers[3]), "%zu", story->written_bytes[1]);
    teller_value(t, 0, cards ? "sent" : "flown", t->numbers[0]);
    teller_value(t, 1, cards ? "read" : "lost", t->numbers[1]);
    teller_value(t, 2, "left", story->look->names[0]);
    teller_value(t, 3, "right", story->look->names[1]);
    teller_value(t, 4, "left_bytes", t->numbers[2]);
    teller_value(t, 5, "right_bytes", t->numbers[3]);
    teller_value(t, 6, NULL, NULL);
    if (cards)
        teller_add(t, t->words->cards_end);
    else if (!story->written_bytes[0] && !story->written_bytes[1])
        teller_add(t, t->words->nothing_written);
    else
        teller_add(t, all ? t->words->all_read : t->words->not_all_read);
    canvas_print(&t->canvas);
    teller_tell(t, -1, 0);
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

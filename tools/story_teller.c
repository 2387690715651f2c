/* SPDX-License-Identifier: MIT */
/* Puts paragraphs on paper: templates filled with the values of an event, wrapped beside the time. */
#include "story_teller.h"
#include "ladder_words.h"

#include <string.h>

/* --- paragraphs ---------------------------------------------------------------------------- */

void teller_add(struct teller *t, const char *pattern)
{
    char sentence[SENTENCE_BYTES];
    size_t used = strlen(t->paragraph);

    if (!pattern)
        return;
    text_fill(sentence, sizeof(sentence), pattern, t->values);
    snprintf(t->paragraph + used, sizeof(t->paragraph) - used, "%s%s", used ? t->words->join : "",
             sentence);
}

void teller_add_state(struct teller *t, const struct ladder_event *state)
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
void teller_tell(struct teller *t, gander_time time, unsigned host)
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

void teller_value(struct teller *t, size_t i, const char *name, const char *value)
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

void teller_values(struct teller *t, const struct ladder_event *packet)
{
    const struct ladder_look *look = t->story->look;
    unsigned host = packet->host;
    bool segment = packet->trace.type == GANDER_TRACE_segment_out;

    teller_value(t, 0, "from", look->names[host]);
    teller_value(t, 1, "to", look->names[!host]);
    teller_value(t, 2, "seq", t->seq);
    teller_value(t, 3, "last", t->last);
    teller_value(t, 4, "ack", t->ack);
    teller_value(t, 5, "known", t->known);
    teller_value(t, 6, "isn", t->isn);
    teller_value(t, 7, "text", t->text);
    teller_value(t, 8, "wait", t->wait);
    teller_value(t, 9, "why",
                 segment ? ladder_why(look->words, packet->trace.u.segment_out.why) : "");
    teller_value(t, 10, NULL, NULL);
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

void teller_names(struct teller *t, unsigned host, gander_time wait)
{
    ladder_time_text(wait, t->wait);
    teller_value(t, 0, "name", t->story->look->names[host]);
    teller_value(t, 1, "other", t->story->look->names[!host]);
    teller_value(t, 2, "wait", t->wait);
    teller_value(t, 3, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* What stands on an arrow: flags, numbers, times as text. */
#include "ladder_label.h"
#include "ladder_text.h"

#include <string.h>

char *ladder_time_text(gander_time time, char text[LADDER_TIME_BYTES])
{
    long long us = (long long)(time / GANDER_US);
    int n = snprintf(text, LADDER_TIME_BYTES, "%lld.%06lld", us / 1000000, us % 1000000);

    for (int zeros = 0; zeros < 3 && text[n - 1] == '0'; zeros++)
        text[--n] = 0;
    return text;
}

char *ladder_flags_text(uint8_t flags, char text[LADDER_FLAGS_BYTES])
{
    static const struct {
        uint8_t flag;
        const char *name;
    } names[] = {
        {GANDER_FLAG_CWR, "CWR"}, {GANDER_FLAG_ECE, "ECE"}, {GANDER_FLAG_URG, "URG"},
        {GANDER_FLAG_SYN, "SYN"}, {GANDER_FLAG_FIN, "FIN"}, {GANDER_FLAG_RST, "RST"},
        {GANDER_FLAG_PSH, "PSH"}, {GANDER_FLAG_ACK, "ACK"},
    };

    text[0] = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (flags & names[i].flag) {
            strcat(text, *text ? "," : "");
            strcat(text, names[i].name);
        }
    }
    return text;
}

static int digits(uint32_t number)
{
    int n = 1;

    for (; number >= 10; number /= 10)
        n++;
    return n;
}

static uint32_t shown_seq(const struct ladder_look *look, const struct ladder_record *record,
                          const struct ladder_event *event)
{
    return look->absolute ? event->trace.u.segment_out.seq : ladder_seq(record, event);
}

static uint32_t shown_ack(const struct ladder_look *look, const struct ladder_record *record,
                          const struct ladder_event *event)
{
    return look->absolute ? event->trace.u.segment_out.ack : ladder_ack(record, event);
}

void ladder_label_measure(struct ladder_label *label, const struct ladder_look *look,
                          const struct ladder_record *record)
{
    char flags[LADDER_FLAGS_BYTES];

    label->flags_columns = label->digits = 1;
    for (size_t i = 0; i < record->count; i++) {
        const struct ladder_event *event = &record->events[i];
        int wide;

        if (event->trace.type != GANDER_TRACE_segment_out)
            continue;
        wide = (int)strlen(ladder_flags_text(ladder_flags(event), flags));
        label->flags_columns = wide > label->flags_columns ? wide : label->flags_columns;
        wide = digits(shown_seq(look, record, event));
        label->digits = wide > label->digits ? wide : label->digits;
        if (ladder_flags(event) & GANDER_FLAG_ACK)
            wide = digits(shown_ack(look, record, event));
        label->digits = wide > label->digits ? wide : label->digits;
    }
}

static void append(char *text, size_t size, const char *more)
{
    size_t used = strlen(text);

    snprintf(text + used, size - used, "%s", more);
}

static void append_number(char *text, size_t size, const char *word, uint32_t number, int columns)
{
    size_t used = strlen(text);

    snprintf(text + used, size - used, "%s%s %-*u", *text ? (columns ? "  " : " ") : "", word,
             columns, number);
}

void ladder_label_make(struct ladder_label *label, const struct ladder_look *look,
                       const struct ladder_record *record, const struct ladder_event *packet,
                       bool tight)
{
    char *flags = label->flags, *rest = label->rest;
    const size_t size = sizeof(label->rest);
    int columns = tight ? 0 : label->digits;

    rest[0] = 0;
    if (packet->trace.type == GANDER_TRACE_datagram_out) {
        strcpy(flags, "UDP");
        append_number(rest, size, look->words->len, ladder_len(packet), 0);
    } else {
        ladder_flags_text(ladder_flags(packet), flags);
        append_number(rest, size, look->words->seq, shown_seq(look, record, packet), columns);
        if (ladder_flags(packet) & GANDER_FLAG_ACK)
            append_number(rest, size, look->words->ack, shown_ack(look, record, packet), columns);
        if (ladder_len(packet))
            append_number(rest, size, look->words->len, ladder_len(packet), columns);
        while (*rest && rest[strlen(rest) - 1] == ' ')
            rest[strlen(rest) - 1] = 0;
        while (!tight && (int)strlen(flags) < label->flags_columns)
            append(flags, sizeof(label->flags), " ");
    }
    append(flags, sizeof(label->flags), tight ? " " : "  ");
    label->columns = text_columns(flags) + text_columns(rest);
}

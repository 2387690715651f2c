/* SPDX-License-Identifier: MIT */
/*
 * The trace as JSON lines: an object a line, described in docs/trace.md. The list of events makes the names of the
 * fields; numbers that stand for a name are written as that name.
 */
#include "trace_jsonl.h"
#include "trace_file.h"

#include <inttypes.h>
#include <string.h>

static const char *const event_names[] = {
#define EVENT(name, fields) #name,
#include <gander/trace_events.def>
#undef EVENT
};

static const char *const why_names[] = {
#define WHY(name, text) #name,
#include <gander/why.def>
#undef WHY
};

static const char *const cause_names[] = {
#define CAUSE(name, text) #name,
    GANDER_CAUSES(CAUSE)
#undef CAUSE
};

static const char *const timer_names[] = {
#define TIMER(name, text) #name,
    GANDER_TIMERS(TIMER)
#undef TIMER
};

void trace_jsonl_text(FILE *file, const char *text)
{
    fputc('"', file);
    for (; *text; text++) {
        if (*text == '<') { /* would begin an element where the lines stand in a page */
            fputs("\\u003c", file);
            continue;
        }
        if (*text == '"' || *text == '\\')
            fputc('\\', file);
        if ((unsigned char)*text >= ' ')
            fputc(*text, file);
    }
    fputc('"', file);
}

static void write_text(FILE *file, const char *key, const char *text)
{
    fprintf(file, ",\"%s\":", key);
    trace_jsonl_text(file, text);
}

/* "SYN,ACK" in the order of the header's bits [RFC9293 3.1]. */
static void write_flags(FILE *file, const char *key, uint64_t flags)
{
    static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK",
                                        "URG", "ECE", "CWR", "AE"};
    const char *comma = "";

    fprintf(file, ",\"%s\":\"", key);
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (flags >> i & 1) {
            fprintf(file, "%s%s", comma, names[i]);
            comma = ",";
        }
    }
    fputc('"', file);
}

/* The name of a field decides what it is: the compiler sees all of them, so none is compared at run time. */
static inline __attribute__((always_inline)) void write_field(FILE *file, const char *key,
                                                              int64_t value)
{
    size_t index = (size_t)value;

    if (!strcmp(key, "state") || !strcmp(key, "from") || !strcmp(key, "to"))
        write_text(file, key, gander_tcp_state_name((unsigned)value));
    else if (!strcmp(key, "flags"))
        write_flags(file, key, (uint64_t)value);
    else if (!strcmp(key, "why") || !strcmp(key, "rule"))
        write_text(file, key, why_names[index]);
    else if (!strcmp(key, "cause"))
        write_text(file, key, cause_names[index]);
    else if (!strcmp(key, "timer"))
        write_text(file, key, timer_names[index]);
    else if (!strcmp(key, "reason"))
        write_text(file, key, gander_drop_name((unsigned)value));
    else
        fprintf(file, ",\"%s\":%" PRId64, key, value);
}

static void write_address(FILE *file, const char *key, const struct gander_address *address)
{
    char text[GANDER_ADDRESS_TEXT_BYTES];

    if (address->family)
        write_text(file, key, gander_address_format(address, text, sizeof(text)));
}

static void write_fields(FILE *file, const struct gander_trace_event *event)
{
    switch (event->type) {
#define EVENT(name, fields)                                                                        \
    case GANDER_TRACE_##name: {                                                                    \
        const struct gander_trace_##name *e = &event->u.name;                                      \
        fields break;                                                                              \
    }
#define FIELD(type, name) write_field(file, #name, (int64_t)e->name);
#include <gander/trace_events.def>
#undef FIELD
#undef EVENT
    case GANDER_TRACE_COUNT:
        break;
    }
}

void trace_jsonl_event(FILE *file, unsigned host, const struct gander_trace_event *event)
{
    fprintf(file, "{\"time\":%" PRId64 ",\"host\":%u,\"id\":%" PRIu64 ",\"event\":\"%s\"",
            event->time, host, event->id, event_names[event->type]);
    write_address(file, "local", &event->local);
    write_address(file, "remote", &event->remote);
    write_fields(file, event);
    fputs("}\n", file);
}

void trace_jsonl_head(FILE *file, const struct trace_scene *scene)
{
    fprintf(file, "{\"format\":\"gander-trace\",\"format_version\":1");
    write_text(file, "gander", gander_version());
    write_text(file, "command", scene->command);
    fprintf(file, ",\"start\":%" PRId64 ",\"wall_offset_ns\":", scene->start);
    if (scene->wall_offset_ns)
        fprintf(file, "%" PRId64, scene->wall_offset_ns);
    else
        fputs("null", file);
    fputs(",\"hosts\":[", file);
    for (unsigned i = 0; i < scene->host_count; i++) {
        if (i > 0)
            fputc(',', file);
        trace_jsonl_text(file, scene->hosts[i]);
    }
    fputs("]}\n", file);
}

static void jsonl_event(struct trace_sink *sink, unsigned host,
                        const struct gander_trace_event *event)
{
    trace_jsonl_event(sink->file, host, event);
}

/* The first line says what the others are. */
static bool jsonl_open(struct trace_sink *sink)
{
    trace_jsonl_head(sink->file, sink->scene);
    return !ferror(sink->file);
}

const struct trace_form trace_jsonl = {
    .ending = "jsonl",
    .text = "JSON lines",
    .sink_bytes = sizeof(struct trace_sink),
    .open = jsonl_open,
    .event = jsonl_event,
};

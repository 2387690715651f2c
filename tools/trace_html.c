/* SPDX-License-Identifier: MIT */
/*
 * The trace as one HTML page that needs nothing else: the page of tools/html, the words for the names in the trace, and the trace as
 * JSON lines. The page's own code comes before the data, so that the file of a run that was killed still opens.
 */
#include "html/page.h"
#include "trace_file.h"
#include "trace_jsonl.h"

struct name {
    const char *name, *text;
};

static const struct name whys[] = {
#define WHY(name, text) {#name, text},
#include <gander/why.def>
#undef WHY
};

static const struct name drops[] = {
#define DROP(name, text) {#name, text},
#include <gander/drop_reasons.def>
#undef DROP
};

static const struct name causes[] = {
#define CAUSE(name, text) {#name, text},
    GANDER_CAUSES(CAUSE)
#undef CAUSE
};

static const struct name timers[] = {
#define TIMER(name, text) {#name, text},
    GANDER_TIMERS(TIMER)
#undef TIMER
};

static void write_names(FILE *file, const char *list, const struct name *names, size_t count)
{
    trace_jsonl_text(file, list);
    fputs(":{", file);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            fputc(',', file);
        trace_jsonl_text(file, names[i].name);
        fputc(':', file);
        trace_jsonl_text(file, names[i].text);
    }
    fputc('}', file);
}

static bool html_open(struct trace_sink *sink)
{
    FILE *file = sink->file;

    fwrite(page_before, 1, page_before_bytes, file);
    fputs("<script id=\"texts\" type=\"application/json\">{", file);
    write_names(file, "why", whys, sizeof(whys) / sizeof(whys[0]));
    fputc(',', file);
    write_names(file, "reason", drops, sizeof(drops) / sizeof(drops[0]));
    fputc(',', file);
    write_names(file, "cause", causes, sizeof(causes) / sizeof(causes[0]));
    fputc(',', file);
    write_names(file, "timer", timers, sizeof(timers) / sizeof(timers[0]));
    fputs("}</script>\n<script id=\"trace\" type=\"text/plain\">\n", file);
    trace_jsonl_head(file, sink->scene);
    return !ferror(file);
}

static void html_event(struct trace_sink *sink, unsigned host,
                       const struct gander_trace_event *event)
{
    trace_jsonl_event(sink->file, host, event);
}

static void html_close(struct trace_sink *sink)
{
    fputs("</script>\n", sink->file);
    fwrite(page_after, 1, page_after_bytes, sink->file);
}

const struct trace_form trace_html = {
    .ending = "html",
    .text = "a page for a browser",
    .sink_bytes = sizeof(struct trace_sink),
    .open = html_open,
    .event = html_event,
    .close = html_close,
};

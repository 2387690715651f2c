/* SPDX-License-Identifier: MIT */
/* The trace as JSON lines, for the forms that contain them. No line has a '<': they may stand in an HTML page. */
#ifndef TOOLS_TRACE_JSONL_H
#define TOOLS_TRACE_JSONL_H

#include "trace_file.h"

/* The first line, and one for each event. */
void trace_jsonl_head(FILE *file, const struct trace_scene *scene);
void trace_jsonl_event(FILE *file, unsigned host, const struct gander_trace_event *event);

/* "text", quoted and escaped */
void trace_jsonl_text(FILE *file, const char *text);

#endif

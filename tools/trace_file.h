/* SPDX-License-Identifier: MIT */
/*
 * --trace FILE: what the stacks of this process do and why, into files. The ending of the name says in which form: the table
 * in trace_file.c has them all. docs/trace.md describes them for readers.
 *
 *   1. trace_files_open()   before the stacks are made; on failure it has said why
 *   2. trace_files_event()  from their trace hooks, in the order in which things happen
 *   3. trace_files_close()  tells whether all was written
 *
 * A form is a struct trace_form; its state begins with struct trace_sink.
 */
#ifndef TOOLS_TRACE_FILE_H
#define TOOLS_TRACE_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include <gander/gander.h>

enum { TRACE_FILES_MAX = 8, TRACE_HOSTS_MAX = 8 };

/* Whose events come, and what their clocks mean. */
struct trace_scene {
    const char *hosts[TRACE_HOSTS_MAX]; /* names, by number */
    unsigned host_count;
    gander_time start;          /* of the run: forms for people show times from here on */
    gander_time wall_offset_ns; /* 1970's time less an event's; 0: the clock is virtual */
    const char *command;        /* "demo" */
};

struct trace_sink {
    const struct trace_form *form;
    const char *path;
    const struct trace_scene *scene;
    FILE *file;
};

struct trace_form {
    const char *ending; /* "jsonl" */
    const char *text;   /* for the help */
    size_t sink_bytes;  /* of the state, which is zeroed and gets its first member filled */
    bool (*open)(struct trace_sink *sink); /* false: errno */
    void (*event)(struct trace_sink *sink, unsigned host, const struct gander_trace_event *event);
    /* The last thing to be written; the file is closed behind it. NULL: nothing. */
    void (*close)(struct trace_sink *sink);
};

extern const struct trace_form trace_html, trace_jsonl;

/* The files as the command line names them, then what is open. Zeroed: none. */
struct trace_files {
    const char *paths[TRACE_FILES_MAX];
    unsigned count;
    const char
        *capture; /* FILE.pcapng: packets, so the drivers write it, with events for its comments */
    struct trace_scene scene;
    struct trace_sink *sinks[TRACE_FILES_MAX];
    unsigned open;
};

/* A setter for option tables; `value`: struct trace_files. */
const char *trace_files_set(void *value, const char *text);

/* Likewise, for --pcap: any name. */
const char *trace_capture_set(void *value, const char *text);

/* False after a message. */
bool trace_files_open(struct trace_files *files, const struct trace_scene *scene);
void trace_files_event(struct trace_files *files, unsigned host,
                       const struct gander_trace_event *event);
/* False after a message: not everything was written. */
bool trace_files_close(struct trace_files *files);

#endif

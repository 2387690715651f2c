/* SPDX-License-Identifier: MIT */
/* --trace: which forms there are, and events to all files that are open. */
#include "trace_file.h"
#include "message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_BYTES = 1 << 18 };

static const struct trace_form *const forms[] = {&trace_html, &trace_jsonl};

enum { FORMS = sizeof(forms) / sizeof(forms[0]) };

static const struct trace_form *form_of(const char *path)
{
    const char *dot = strrchr(path, '.');

    for (unsigned i = 0; dot && i < FORMS; i++) {
        if (strcmp(dot + 1, forms[i]->ending) == 0)
            return forms[i];
    }
    return NULL;
}

const char *trace_capture_set(void *value, const char *text)
{
    struct trace_files *files = value;

    files->capture = text;
    return NULL;
}

const char *trace_files_set(void *value, const char *text)
{
    struct trace_files *files = value;
    size_t len = strlen(text);

    if (len > 7 && strcmp(text + len - 7, ".pcapng") == 0)
        return trace_capture_set(value, text);
    if (!form_of(text))
        return "a file name that ends in .html, .jsonl or .pcapng";
    if (files->count == TRACE_FILES_MAX)
        return "at most 8 files";
    files->paths[files->count++] = text;
    return NULL;
}

static bool sink_open(struct trace_files *files, const char *path)
{
    const struct trace_form *form = form_of(path);
    struct trace_sink *sink = calloc(1, form->sink_bytes);

    if (!sink) {
        message_error("no memory for --trace %s", path);
        return false;
    }
    *sink = (struct trace_sink){form, path, &files->scene, fopen(path, "we")};
    if (sink->file && !setvbuf(sink->file, NULL, _IOFBF, BUFFER_BYTES) && form->open(sink)) {
        files->sinks[files->open++] = sink;
        return true;
    }
    message_error("cannot write --trace %s: %s", path, strerror(errno));
    if (sink->file)
        fclose(sink->file);
    free(sink);
    return false;
}

bool trace_files_open(struct trace_files *files, const struct trace_scene *scene)
{
    files->scene = *scene;
    for (unsigned i = 0; i < files->count; i++) {
        if (!sink_open(files, files->paths[i])) {
            trace_files_close(files);
            return false;
        }
    }
    return true;
}

void trace_files_event(struct trace_files *files, unsigned host,
                       const struct gander_trace_event *event)
{
    for (unsigned i = 0; i < files->open; i++)
        files->sinks[i]->form->event(files->sinks[i], host, event);
}

bool trace_files_close(struct trace_files *files)
{
    bool all = true;

    while (files->open > 0) {
        struct trace_sink *sink = files->sinks[--files->open];
        bool written;

        if (sink->form->close)
            sink->form->close(sink);
        written = !ferror(sink->file);
        written = fclose(sink->file) == 0 && written;
        if (!written)
            message_error("cannot write --trace %s: %s", sink->path, strerror(errno));
        all = all && written;
        free(sink);
    }
    return all;
}

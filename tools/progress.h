/* SPDX-License-Identifier: MIT */
/* A progress line on a terminal's stderr: bytes, share, rate, time left. In a pipe: nothing at all. */
#ifndef TOOLS_PROGRESS_H
#define TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include <gander/stack.h>

struct progress {
    bool on;
    int64_t total_bytes; /* -1: not known */
    int64_t done_bytes;
    gander_time started, drawn;
    gander_time mark_time[2]; /* for the rate of the last seconds */
    int64_t mark_bytes[2];
    unsigned width; /* what the last line covered */
};

/* At most one at a time. `wanted`: false keeps it off. */
void progress_start(struct progress *progress, bool wanted, gander_time now, int64_t total_bytes);

/* Draws if it is due. */
void progress_update(struct progress *progress, gander_time now, int64_t done_bytes);

/* When progress_update() is due although nothing happened; GANDER_NEVER when off. */
gander_time progress_deadline(const struct progress *progress);

/* Draws the last state and ends the line. */
void progress_end(struct progress *progress, gander_time now);

/* The line without its terminal, for progress_update() and its test: at most `width` characters and a 0. */
void progress_format(const struct progress *progress, gander_time now, char *line, unsigned width);

/* "1.5 MiB"; returns `text`. */
char *progress_bytes(int64_t bytes, char text[16]);

#endif

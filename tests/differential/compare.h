/* SPDX-License-Identifier: MIT */
/*
 * What two TCPs did differently in the same script, and the list of what is known and decided.
 *
 * A difference has an aspect: `packets` (which left, with which numbers), and if those agree `options`, `push`, `window` and `time`;
 * `call` (a result), `state`.
 */
#ifndef TESTS_DIFFERENTIAL_COMPARE_H
#define TESTS_DIFFERENTIAL_COMPARE_H

#include <stdio.h>

#include "differential/play.h"

enum { OUTCOME_BYTES = 400 };

struct difference {
    const struct script *script;
    unsigned step;
    const char *aspect;
    char kernel[OUTCOME_BYTES], gander[OUTCOME_BYTES];
};

struct differences {
    struct difference *list;
    size_t count, room;
};

void compare(struct differences *out, const struct conversation *kernel,
             const struct conversation *gander);
/* Both, side by side in time, for people. */
void compare_print(const struct conversation *kernel, const struct conversation *gander);

/* --- the list: rows.c ---------------------------------------------------------------------------- */

enum { ROWS_MAX = 200, ROW_TEXT_BYTES = 600 };

/* Patterns are those of fnmatch(3) with FNM_EXTMATCH. */
struct row {
    char id[64];
    char where[ROW_TEXT_BYTES]; /* name of the script */
    char step[ROW_TEXT_BYTES];
    char aspect[64];
    char kernel[ROW_TEXT_BYTES], gander[ROW_TEXT_BYTES];
    /* for people */
    char what[ROW_TEXT_BYTES], linux_does[ROW_TEXT_BYTES], gander_does[ROW_TEXT_BYTES];
    char clause[ROW_TEXT_BYTES], verdict[64];
    char consequences[8]; /* "yes": what differs later in the same script follows from this */
    bool has_consequences;
    unsigned long seen;
};

struct rows {
    struct row *list;
    size_t count;
    char kernel_release[32]; /* the series that the list was made with */
};

void rows_read(struct rows *rows, const char *path); /* exits with 2 if it is not well-formed */
/* The first row that fits; NULL: undecided. */
struct row *rows_find(const struct rows *rows, const struct difference *d);
/* The table of docs/differential.md. */
void rows_print_table(const struct rows *rows, FILE *out);

#endif

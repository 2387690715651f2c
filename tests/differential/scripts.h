/* SPDX-License-Identifier: MIT */
/*
 * What is played: the cells of the matrix state × segment (cells.c), and the stories (*.story), texts like
 *
 *     # comment
 *     story half close
 *     use established          the steps of another story that stands above
 *     shutdown send
 *     < A
 *
 * Each is played over IPv4 and IPv6.
 */
#ifndef TESTS_DIFFERENTIAL_SCRIPTS_H
#define TESTS_DIFFERENTIAL_SCRIPTS_H

#include "differential/play.h"

struct script_text {
    struct script_text *next;
    char text[];
};

struct scripts {
    struct script_text *texts; /* those of steps that are not literals */
    struct script *list;
    size_t count, room;
};

struct script *scripts_add(struct scripts *s, unsigned family);
void script_step(struct script *script, const char *step);    /* the text must stay */
const char *script_text(struct scripts *s, const char *text); /* a copy that stays */
void scripts_free(struct scripts *s);
void scripts_cells(struct scripts *s);
/* Exits with 2 and the place of the fault. Stories whose names begin with '(' are parts of others and not played. */
void scripts_stories(struct scripts *s, const char *path);

#endif

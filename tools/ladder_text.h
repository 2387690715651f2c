/* SPDX-License-Identifier: MIT */
/* UTF-8 text in a terminal: how wide it is, where a line may break, and templates with {names}. */
#ifndef TOOLS_LADDER_TEXT_H
#define TOOLS_LADDER_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Reads one character; returns how many bytes it has (≥ 1; 0 at the end). A wrong byte counts as U+FFFD. */
size_t text_char(const char *text, uint32_t *character);

/* Columns that a character takes: 0, 1, or 2 (Chinese, Japanese, Korean, full-width forms). */
int text_char_columns(uint32_t character);

int text_columns(const char *text);

/*
 * How many bytes of `text` go on a line of `columns`; `*next` is where the following line begins. Breaks at
 * blanks and beside wide characters, but never before closing or after opening punctuation; a word longer than the
 * line is cut. At least one character is taken unless the text is at its end.
 */
size_t text_line(const char *text, int columns, const char **next);

/* Values for a template: {name} becomes value. The list ends with a NULL name. */
struct text_value {
    const char *name;
    const char *value;
};

/* Fills a template; a name that is not in the list stays as it is. What does not fit is cut off. Returns `out`. */
char *text_fill(char *out, size_t size, const char *pattern, const struct text_value *values);

#endif

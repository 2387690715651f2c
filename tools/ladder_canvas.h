/* SPDX-License-Identifier: MIT */
/* One line of terminal output, made of cells that can be drawn over each other before it is printed. */
#ifndef TOOLS_LADDER_CANVAS_H
#define TOOLS_LADDER_CANVAS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { CANVAS_COLUMNS_MAX = 240 };

enum canvas_style {
    STYLE_PLAIN,
    STYLE_DIM,
    STYLE_STRONG,
    STYLE_LEFT,  /* of the host on the left */
    STYLE_RIGHT, /* of the host on the right */
    STYLE_LOST,
    STYLE_NOTE,
    STYLE_STYLES
};

struct canvas_cell {
    uint32_t character; /* 0: right half of the wide one before */
    uint8_t style;
};

struct canvas {
    FILE *file;
    int columns;
    bool colour;
    bool ascii; /* lines and arrows from ASCII; other text stays as it is */
    struct canvas_cell cells[CANVAS_COLUMNS_MAX];
};

/* `columns` beyond CANVAS_COLUMNS_MAX are cut. The line is empty. */
void canvas_init(struct canvas *canvas, FILE *file, int columns, bool colour, bool ascii);

/* Draws one character; nothing happens outside the line. */
void canvas_put(struct canvas *canvas, int column, uint32_t character, enum canvas_style style);

/* Draws text and returns the column behind it. */
int canvas_text(struct canvas *canvas, int column, const char *text, enum canvas_style style);

/* The character that stands there; ' ' outside. */
uint32_t canvas_at(const struct canvas *canvas, int column);

/* Prints the line without trailing blanks, and clears it. */
void canvas_print(struct canvas *canvas);

#endif

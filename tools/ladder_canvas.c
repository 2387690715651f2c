/* SPDX-License-Identifier: MIT */
/*
 * One line of terminal output: cells, then bytes. Colours are the eight of ECMA-48, which every terminal and every
 * theme knows; they are only ever switched on here.
 */
#include "ladder_canvas.h"
#include "ladder_text.h"

#include <string.h>

static void canvas_clear(struct canvas *canvas)
{
    for (int i = 0; i < CANVAS_COLUMNS_MAX; i++)
        canvas->cells[i] = (struct canvas_cell){' ', STYLE_PLAIN};
}

void canvas_init(struct canvas *canvas, FILE *file, int columns, bool colour, bool ascii)
{
    canvas->file = file;
    canvas->columns = columns < CANVAS_COLUMNS_MAX ? columns : CANVAS_COLUMNS_MAX;
    canvas->colour = colour;
    canvas->ascii = ascii;
    canvas_clear(canvas);
}

void canvas_put(struct canvas *canvas, int column, uint32_t character, enum canvas_style style)
{
    int wide = text_char_columns(character);

    if (wide == 0 || column < 0 || column + wide > canvas->columns)
        return;
    canvas->cells[column] = (struct canvas_cell){character, (uint8_t)style};
    if (wide == 2)
        canvas->cells[column + 1] = (struct canvas_cell){0, (uint8_t)style};
}

int canvas_text(struct canvas *canvas, int column, const char *text, enum canvas_style style)
{
    uint32_t character;

    for (size_t n; (n = text_char(text, &character)) != 0; text += n) {
        canvas_put(canvas, column, character, style);
        column += text_char_columns(character);
    }
    return column;
}

uint32_t canvas_at(const struct canvas *canvas, int column)
{
    return column >= 0 && column < canvas->columns ? canvas->cells[column].character : ' ';
}

static uint32_t ascii_of(uint32_t character)
{
    switch (character) {
    case 0x2500: /* ─ */
        return '-';
    case 0x2502: /* │ */
    case 0x251c: /* ├ */
    case 0x2524: /* ┤ */
        return '|';
    case 0x250a: /* ┊ */
        return ':';
    case 0x253c: /* ┼ */
    case 0x256d: /* ╭ */
    case 0x256e: /* ╮ */
    case 0x256f: /* ╯ */
    case 0x2570: /* ╰ */
        return '+';
    case 0x25ba: /* ► */
        return '>';
    case 0x25c4: /* ◄ */
        return '<';
    case 0xd7: /* × */
        return 'X';
    case 0x2018: /* ‘ */
    case 0x2019: /* ’ */
        return '\'';
    case 0x201c: /* “ */
    case 0x201d: /* ” */
        return '"';
    default:
        return character;
    }
}

static void print_character(FILE *file, uint32_t c)
{
    if (c < 0x80) {
        fputc((int)c, file);
    } else if (c < 0x800) {
        fprintf(file, "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        fprintf(file, "%c%c%c", (int)(0xe0 | c >> 12), (int)(0x80 | (c >> 6 & 0x3f)),
                (int)(0x80 | (c & 0x3f)));
    } else {
        fprintf(file, "%c%c%c%c", (int)(0xf0 | c >> 18), (int)(0x80 | (c >> 12 & 0x3f)),
                (int)(0x80 | (c >> 6 & 0x3f)), (int)(0x80 | (c & 0x3f)));
    }
}

void canvas_print(struct canvas *canvas)
{
    static const char *const codes[STYLE_STYLES] = {"0", "2", "1", "36", "33", "1;31", "35"};
    uint8_t style = STYLE_PLAIN;
    int end = canvas->columns;

    while (end > 0 && canvas->cells[end - 1].character == ' ')
        end--;
    for (int i = 0; i < end; i++) {
        const struct canvas_cell *cell = &canvas->cells[i];

        if (cell->character == 0)
            continue;
        if (canvas->colour && cell->style != style && cell->character != ' ') {
            fprintf(canvas->file, "\033[0;%sm", codes[cell->style]);
            style = cell->style;
        }
        print_character(canvas->file, canvas->ascii ? ascii_of(cell->character) : cell->character);
    }
    fprintf(canvas->file, "%s\n", style == STYLE_PLAIN ? "" : "\033[0m");
    canvas_clear(canvas);
}

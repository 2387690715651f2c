/* SPDX-License-Identifier: MIT */
/*
 * UTF-8 text in a terminal. Widths follow Unicode's East Asian Width (UAX #11): wide and full-width characters take
 * two columns; ambiguous ones (box drawing, arrows, quotation marks) one, as terminals do by default. An own
 * table, because wcwidth() depends on the locale, and a pipe may have another one. Line breaks are the small
 * part of UAX #14 that Chinese and English prose need. Left out: grapheme clusters, right-to-left text.
 */
#include "ladder_text.h"

#include <stdbool.h>
#include <string.h>

size_t text_char(const char *text, uint32_t *character)
{
    const unsigned char *s = (const unsigned char *)text;
    static const uint8_t lead[] = {0x80, 0xe0, 0xf0, 0xf8}, mark[] = {0x00, 0xc0, 0xe0, 0xf0};

    for (size_t n = 1; n <= 4; n++) {
        if ((s[0] & lead[n - 1]) != mark[n - 1])
            continue;
        *character = s[0] & (uint32_t)(uint8_t)~lead[n - 1];
        for (size_t i = 1; i < n; i++) {
            if ((s[i] & 0xc0) != 0x80)
                goto wrong;
            *character = *character << 6 | (s[i] & 0x3f);
        }
        return *s ? n : 0;
    }
wrong:
    *character = 0xfffd;
    return 1;
}

int text_char_columns(uint32_t character)
{
    static const struct {
        uint32_t first, last;
    } wide[] = {
        {0x1100, 0x115f}, {0x2e80, 0x303e}, {0x3041, 0x4dbf},   {0x4e00, 0xa4cf},
        {0xa960, 0xa97c}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
        {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1f64f}, {0x20000, 0x3fffd},
    };

    if (character >= 0x300 && character <= 0x36f)
        return 0;
    for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
        if (character >= wide[i].first && character <= wide[i].last)
            return 2;
    return 1;
}

int text_columns(const char *text)
{
    uint32_t character;
    int columns = 0;

    for (size_t n; (n = text_char(text, &character)) != 0; text += n)
        columns += text_char_columns(character);
    return columns;
}

static bool one_of(uint32_t character, const char *list)
{
    uint32_t other;

    for (size_t n; (n = text_char(list, &other)) != 0; list += n)
        if (other == character)
            return true;
    return false;
}

/* May a line end between these two? */
static bool may_break(uint32_t before, uint32_t after)
{
    if (before == ' ' || after == ' ')
        return after != ' ';
    if (one_of(after, "，。；：？！、”’）》」…—,.;:?!)") || one_of(before, "“‘（《「("))
        return false;
    return text_char_columns(before) == 2 || text_char_columns(after) == 2 ||
           one_of(before, "”’…—");
}

size_t text_line(const char *text, int columns, const char **next)
{
    size_t taken = 0, fits = 0, n;
    uint32_t before = 0, character;
    int used = 0;

    for (; (n = text_char(text + taken, &character)) != 0; taken += n) {
        if (taken && may_break(before, character))
            fits = taken;
        used += text_char_columns(character);
        if (used > columns && character != ' ' && taken)
            break;
        before = character;
    }
    if (n == 0)
        fits = taken;
    else if (fits == 0)
        fits = taken; /* one long word */
    *next = text + fits;
    while (fits > 0 && text[fits - 1] == ' ')
        fits--;
    return fits;
}

static const struct text_value *value_find(const struct text_value *values, const char *name,
                                           size_t len)
{
    for (; values->name; values++)
        if (strlen(values->name) == len && memcmp(values->name, name, len) == 0)
            return values;
    return NULL;
}

char *text_fill(char *out, size_t size, const char *pattern, const struct text_value *values)
{
    size_t used = 0;

    while (*pattern && used + 1 < size) {
        const char *end = *pattern == '{' ? strchr(pattern, '}') : NULL;
        const struct text_value *value =
            end ? value_find(values, pattern + 1, (size_t)(end - pattern) - 1) : NULL;

        if (value) {
            size_t len = strlen(value->value);

            if (len > size - 1 - used)
                len = size - 1 - used;
            memcpy(out + used, value->value, len);
            used += len;
            pattern = end + 1;
        } else {
            out[used++] = *pattern++;
        }
    }
    out[used] = 0;
    return out;
}

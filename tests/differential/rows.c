/* SPDX-License-Identifier: MIT */
/*
 * The list of differences (tests/differential/differences): blocks of `key: value` lines behind a `[name]`, a value going on
 * in lines that begin with a space. `#` begins a comment line.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "differential/compare.h"

static char *field(struct row *row, const char *key, size_t *bytes)
{
    const struct {
        const char *key;
        char *text;
        size_t bytes;
    } fields[] = {
        {"where", row->where, sizeof(row->where)},
        {"step", row->step, sizeof(row->step)},
        {"aspect", row->aspect, sizeof(row->aspect)},
        {"kernel", row->kernel, sizeof(row->kernel)},
        {"gander", row->gander, sizeof(row->gander)},
        {"what", row->what, sizeof(row->what)},
        {"linux does", row->linux_does, sizeof(row->linux_does)},
        {"gander does", row->gander_does, sizeof(row->gander_does)},
        {"clause", row->clause, sizeof(row->clause)},
        {"verdict", row->verdict, sizeof(row->verdict)},
        {"consequences", row->consequences, sizeof(row->consequences)},
    };

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (strcmp(fields[i].key, key) == 0) {
            *bytes = fields[i].bytes;
            return fields[i].text;
        }
    }
    return NULL;
}

static void fail(const char *path, unsigned line, const char *what)
{
    fprintf(stderr, "%s:%u: %s\n", path, line, what);
    exit(2);
}

static bool is_verdict(const char *text)
{
    return strcmp(text, "gander follows the RFC") == 0 || strcmp(text, "both allowed") == 0 ||
           strcmp(text, "deviation kept") == 0;
}

static void check(const char *path, unsigned line, struct row *row)
{
    row->has_consequences = strcmp(row->consequences, "yes") == 0;
    if (!row->what[0] || !row->linux_does[0] || !row->gander_does[0] || !row->clause[0])
        fail(path, line, "the block above lacks what, linux does, gander does or clause");
    if (!is_verdict(row->verdict))
        fail(path, line, "the verdict above is not one of those known");
}

struct reader {
    struct rows *rows;
    const char *path;
    unsigned line;
    char *text; /* the value that may go on */
    size_t bytes;
};

static void begin_row(struct reader *r, char *name)
{
    struct row *row;

    if (r->rows->count > 0)
        check(r->path, r->line, &r->rows->list[r->rows->count - 1]);
    if (r->rows->count == ROWS_MAX)
        fail(r->path, r->line, "too many rows");
    row = &r->rows->list[r->rows->count++];
    name[strcspn(name, "]")] = 0;
    snprintf(row->id, sizeof(row->id), "%s", name);
    snprintf(row->where, sizeof(row->where), "*");
    snprintf(row->step, sizeof(row->step), "*");
    snprintf(row->aspect, sizeof(row->aspect), "*");
    snprintf(row->kernel, sizeof(row->kernel), "*");
    snprintf(row->gander, sizeof(row->gander), "*");
}

static void read_line(struct reader *r, char *line)
{
    struct row *row = r->rows->count ? &r->rows->list[r->rows->count - 1] : NULL;
    char *colon = strstr(line, ": ");

    if (line[0] == '#' || !line[0])
        return;
    if (line[0] == ' ' && r->text) {
        size_t n = strlen(r->text);

        snprintf(r->text + n, r->bytes - n, " %s", line + strspn(line, " "));
        return;
    }
    if (line[0] == '[') {
        begin_row(r, line + 1);
        r->text = NULL;
        return;
    }
    if (!colon)
        fail(r->path, r->line, "neither [name] nor key: value");
    *colon = 0;
    if (!row && strcmp(line, "kernel") == 0) {
        snprintf(r->rows->kernel_release, sizeof(r->rows->kernel_release), "%s", colon + 2);
        return;
    }
    r->text = row ? field(row, line, &r->bytes) : NULL;
    if (!r->text)
        fail(r->path, r->line, "no such key");
    snprintf(r->text, r->bytes, "%s", colon + 2);
}

void rows_read(struct rows *rows, const char *path)
{
    struct reader r = {.rows = rows, .path = path};
    FILE *f = fopen(path, "r");
    char line[ROW_TEXT_BYTES];

    *rows = (struct rows){.list = calloc(ROWS_MAX, sizeof(struct row))};
    if (!f || !rows->list) {
        perror(path);
        exit(2);
    }
    while (fgets(line, sizeof(line), f)) {
        r.line++;
        line[strcspn(line, "\n")] = 0;
        read_line(&r, line);
    }
    if (rows->count > 0)
        check(path, r.line, &rows->list[rows->count - 1]);
    fclose(f);
}

static bool matches(const char *pattern, const char *text)
{
    return fnmatch(pattern, text, FNM_EXTMATCH) == 0;
}

struct row *rows_find(const struct rows *rows, const struct difference *d)
{
    for (size_t i = 0; i < rows->count; i++) {
        struct row *row = &rows->list[i];

        if (matches(row->aspect, d->aspect) && matches(row->where, d->script->name) &&
            matches(row->step, d->script->steps[d->step]) && matches(row->kernel, d->kernel) &&
            matches(row->gander, d->gander))
            return row;
    }
    return NULL;
}

void rows_print_table(const struct rows *rows, FILE *out)
{
    fprintf(out,
            "| difference | Linux %s | gander | decided by | verdict |\n|---|---|---|---|---|\n",
            rows->kernel_release);
    for (size_t i = 0; i < rows->count; i++) {
        const struct row *r = &rows->list[i];

        fprintf(out, "| `%s`: %s | %s | %s | %s | %s |\n", r->id, r->what, r->linux_does,
                r->gander_does, r->clause, r->verdict);
    }
}

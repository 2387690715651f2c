/* SPDX-License-Identifier: MIT */
/*
 * Differential test: the kernel's TCP and this stack play the same scripts, and every difference must be in the list
 * tests/differential/differences with the clause that decides it.
 *
 *     differential-kernel                 everything; exit status 0, 1, or 77 with the reason why it cannot run here
 *     differential-kernel PATTERN         only scripts whose name fits, told in full
 *     differential-kernel --table         the list as docs/differential.md has it
 *
 * It shows the first 60 differences that are not in the list, or as many as GANDER_DIFFERENTIAL_SHOWN says.
 *
 * A difference counts if it is there again when its script is played again: the kernel's clock is real, and a busy machine
 * may be late. With another series of kernels than the list's, what is new or gone is told, and the test is skipped.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "differential/compare.h"
#include "differential/scripts.h"

enum { BATCH = 400, TRIES = 3, SHOWN = 60 };

struct run {
    struct side *kernel, *gander;
    struct rows rows;
    bool tell;
    unsigned long shown;
    size_t played;
    unsigned long differences, undecided;
    const struct script **again; /* these have undecided differences */
    size_t again_count;
    bool last_try;
};

/* The row for each; behind one that has consequences, itself. */
static struct row *decide(const struct run *run, const struct difference *d,
                          const struct row *before)
{
    if (before && before->has_consequences)
        return (struct row *)(size_t)before;
    return rows_find(&run->rows, d);
}

static void judge(struct run *run, const struct differences *found, const struct script *script)
{
    bool undecided = false;
    struct row *row = NULL;

    for (size_t i = 0; i < found->count; i++) {
        row = decide(run, &found->list[i], row);
        undecided |= !row;
    }
    if (undecided && !run->last_try) {
        run->again[run->again_count++] = script;
        return;
    }
    row = NULL;
    for (size_t i = 0; i < found->count; i++) {
        const struct difference *d = &found->list[i];

        row = decide(run, d, row);
        run->differences++;
        if (row) {
            row->seen++;
        } else if (run->undecided++ < run->shown || run->tell) {
            printf("UNDECIDED %s | %s | %s | kernel: %s | gander: %s\n", script->name,
                   script->steps[d->step], d->aspect, d->kernel, d->gander);
        }
    }
}

static void play_batch(struct run *run, const struct script *const *scripts, size_t n)
{
    static struct conversation kernel[BATCH], gander[BATCH];

    play(run->kernel, scripts, kernel, n);
    play(run->gander, scripts, gander, n);
    for (size_t i = 0; i < n; i++) {
        struct differences found = {0};

        compare(&found, &kernel[i], &gander[i]);
        if (run->tell)
            compare_print(&kernel[i], &gander[i]);
        judge(run, &found, scripts[i]);
        free(found.list);
    }
    play_forget(kernel, n);
    play_forget(gander, n);
}

static void play_all(struct run *run, const struct scripts *scripts, const char *pattern)
{
    const struct script **list = calloc(scripts->count + 1, sizeof(*list));
    size_t n = 0;

    run->again = calloc(scripts->count + 1, sizeof(*run->again));
    if (!list || !run->again)
        abort();
    for (size_t i = 0; i < scripts->count; i++) {
        if (!pattern || fnmatch(pattern, scripts->list[i].name, FNM_EXTMATCH) == 0)
            list[n++] = &scripts->list[i];
    }
    run->played += n;
    for (unsigned t = 1; t <= TRIES && n > 0; t++) {
        run->last_try = t == TRIES || run->tell;
        run->again_count = 0;
        for (size_t i = 0; i < n; i += BATCH)
            play_batch(run, list + i, n - i < BATCH ? n - i : BATCH);
        n = run->again_count;
        memcpy(list, run->again, n * sizeof(*list));
    }
    free(list);
    free(run->again);
}

static void rto_min(struct run *run, unsigned ms)
{
    side_kernel_rto_min(run->kernel, ms);
    side_gander_rto_min(run->gander, ms);
}

static unsigned long report(const struct run *run, bool whole)
{
    unsigned long gone = 0;

    for (size_t i = 0; i < run->rows.count; i++) {
        const struct row *row = &run->rows.list[i];

        printf("%8lu  %-44s %s\n", row->seen, row->id, row->verdict);
        if (row->seen == 0)
            gone++;
    }
    printf("%zu scripts played, %lu differences of %zu classes, undecided %lu\n", run->played,
           run->differences, run->rows.count, run->undecided);
    if (whole && gone)
        printf("%lu classes that no longer occur: take them from the list\n", gone);
    return whole ? gone : 0;
}

static bool same_series(const char *series)
{
    struct utsname name;
    size_t n = strlen(series);

    uname(&name);
    if (strncmp(name.release, series, n) == 0 && (name.release[n] < '0' || name.release[n] > '9'))
        return true;
    printf("skipped: the list was made with Linux %s, this is %s\n", series, name.release);
    return false;
}

static void stories_of(struct scripts *s, const char *source)
{
    static const char *const files[] = {"opens", "closes", "data", "timers", "errors", "options"};
    char path[512];

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(path, sizeof(path), "%s/tests/differential/%s.story", source, files[i]);
        scripts_stories(s, path);
    }
}

/* The table for people is the list for the test. */
static bool docs_are_current(const struct rows *rows, const char *source)
{
    char path[512], *table = NULL, *docs = NULL;
    size_t table_bytes = 0, docs_bytes = 0;
    bool current = false;
    FILE *f, *out = open_memstream(&table, &table_bytes);

    snprintf(path, sizeof(path), "%s/docs/differential.md", source);
    f = fopen(path, "r");
    rows_print_table(rows, out);
    fclose(out);
    if (f && getdelim(&docs, &docs_bytes, 0, f) > 0)
        current = strstr(docs, table) != NULL;
    if (f)
        fclose(f);
    free(table);
    free(docs);
    if (!current)
        printf("%s has another table than --table gives\n", path);
    return current;
}

int main(int argc, char **argv)
{
    const char *source = getenv("GANDER_SOURCE"), *pattern = argc > 1 ? argv[1] : NULL;
    const char *shown = getenv("GANDER_DIFFERENTIAL_SHOWN");
    struct run run = {.tell = pattern != NULL, .shown = shown ? strtoul(shown, NULL, 10) : SHOWN};
    struct scripts cells = {0}, stories = {0};
    char text[512];
    unsigned long gone;
    bool current, same;

    source = source ? source : ".";
    snprintf(text, sizeof(text), "%s/tests/differential/differences", source);
    rows_read(&run.rows, text);
    if (pattern && strcmp(pattern, "--table") == 0) {
        rows_print_table(&run.rows, stdout);
        free(run.rows.list);
        return 0;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    run.kernel = side_kernel(text, sizeof(text));
    if (!run.kernel) {
        printf("skipped: %s\n", text);
        free(run.rows.list);
        return 77;
    }
    run.gander = side_gander();
    scripts_cells(&cells);
    stories_of(&stories, source);
    current = docs_are_current(&run.rows, source);
    rto_min(&run, 1000); /* so that no retransmission disturbs a cell */
    play_all(&run, &cells, pattern);
    printf("%zu cells\n", run.played);
    rto_min(&run, 200);
    play_all(&run, &stories, pattern);
    gone = report(&run, !pattern);
    same = same_series(run.rows.kernel_release);
    scripts_free(&cells);
    scripts_free(&stories);
    free(run.rows.list);
    run.kernel->end(run.kernel);
    run.gander->end(run.gander);
    if (!same && (run.undecided || gone))
        return 77;
    return run.undecided || gone || !current ? 1 : 0;
}

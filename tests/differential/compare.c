/* SPDX-License-Identifier: MIT */
/* See compare.h. */
#include "differential/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEP_PACKETS = 24, TIME_TOLERANCE_MS = 25, TIME_TOLERANCE_SHARE = 8 };

struct seen {
    const struct entry *packets[STEP_PACKETS];
    size_t count;
    const struct entry *call, *state;
};

static struct seen see(const struct conversation *c, unsigned step)
{
    struct seen s = {0};

    for (size_t i = 0; i < c->count; i++) {
        const struct entry *e = &c->entries[i];

        if (e->step != step)
            continue;
        if (e->kind == ENTRY_CALL)
            s.call = e;
        else if (e->kind == ENTRY_STATE)
            s.state = e;
        else if (s.count < STEP_PACKETS)
            s.packets[s.count++] = e;
    }
    return s;
}

static struct difference *add(struct differences *out, const struct conversation *c, unsigned step,
                              const char *aspect)
{
    struct difference *d;

    if (out->count == out->room) {
        out->room = out->room ? 2 * out->room : 64;
        out->list = realloc(out->list, out->room * sizeof(*out->list));
        if (!out->list)
            abort();
    }
    d = &out->list[out->count++];
    *d = (struct difference){.script = c->script, .step = step, .aspect = aspect};
    return d;
}

static const char *text_of(const struct entry *e, const char *aspect, char *scratch, size_t bytes)
{
    if (strcmp(aspect, "options") == 0)
        return e->options;
    if (strcmp(aspect, "push") == 0)
        return e->push ? "push" : "-";
    if (strcmp(aspect, "window") == 0)
        return e->window[0] ? e->window : "open";
    if (strcmp(aspect, "time") != 0)
        return e->text;
    if (e->ms <= TIME_TOLERANCE_MS)
        return "now";
    if (e->ms < 160)
        return "soon";
    snprintf(scratch, bytes, "%.1f s", (double)e->ms / 1000);
    return scratch;
}

static void join(const struct seen *s, const char *aspect, char *out)
{
    char scratch[32];
    size_t n = 0;

    snprintf(out, OUTCOME_BYTES, "nothing");
    for (size_t i = 0; i < s->count && n < OUTCOME_BYTES; i++)
        n += (size_t)snprintf(out + n, OUTCOME_BYTES - n, "%s%s", i ? " + " : "",
                              text_of(s->packets[i], aspect, scratch, sizeof(scratch)));
}

static bool same_time(int64_t a, int64_t b)
{
    int64_t more = a > b ? a : b, gap = a > b ? a - b : b - a;

    if (more < 100)
        return gap <= TIME_TOLERANCE_MS;
    return gap <= 2 * TIME_TOLERANCE_MS + more / TIME_TOLERANCE_SHARE;
}

static bool same(const struct seen *k, const struct seen *g, const char *aspect)
{
    if (k->count != g->count)
        return false;
    for (size_t i = 0; i < k->count; i++) {
        const struct entry *a = k->packets[i], *b = g->packets[i];
        bool equal = strcmp(aspect, "options") == 0  ? strcmp(a->options, b->options) == 0
                     : strcmp(aspect, "push") == 0   ? a->push == b->push
                     : strcmp(aspect, "window") == 0 ? strcmp(a->window, b->window) == 0
                     : strcmp(aspect, "time") == 0   ? same_time(a->ms, b->ms)
                                                     : strcmp(a->text, b->text) == 0;

        if (!equal)
            return false;
    }
    return true;
}

static void compare_packets(struct differences *out, const struct conversation *c, unsigned step,
                            const struct seen *k, const struct seen *g)
{
    static const char *const aspects[] = {"packets", "options", "push", "window", "time"};

    for (size_t i = 0; i < sizeof(aspects) / sizeof(aspects[0]); i++) {
        struct difference *d;

        if (same(k, g, aspects[i]))
            continue;
        d = add(out, c, step, aspects[i]);
        join(k, aspects[i], d->kernel);
        join(g, aspects[i], d->gander);
        if (i == 0)
            return;
    }
}

static void compare_entry(struct differences *out, const struct conversation *c, unsigned step,
                          const char *aspect, const struct entry *k, const struct entry *g)
{
    struct difference *d;

    if (!k || !g || strcmp(k->text, g->text) == 0)
        return;
    d = add(out, c, step, aspect);
    snprintf(d->kernel, OUTCOME_BYTES, "%s", k->text);
    snprintf(d->gander, OUTCOME_BYTES, "%s", g->text);
}

void compare(struct differences *out, const struct conversation *kernel,
             const struct conversation *gander)
{
    for (unsigned step = kernel->script->watched; step < kernel->script->count; step++) {
        struct seen k = see(kernel, step), g = see(gander, step);

        compare_packets(out, kernel, step, &k, &g);
        compare_entry(out, kernel, step, "call", k.call, g.call);
        compare_entry(out, kernel, step, "state", k.state, g.state);
    }
}

static void print_side(const struct conversation *c, const char *who, unsigned step)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct entry *e = &c->entries[i];

        if (e->step != step)
            continue;
        printf("      %s %6lld ms  %s%s%s%s%s%s\n", who, (long long)e->ms,
               e->kind == ENTRY_PACKET ? "> " : "= ", e->text, e->options[0] ? "  " : "",
               e->options, e->window[0] ? "  window " : "", e->window);
    }
}

void compare_print(const struct conversation *kernel, const struct conversation *gander)
{
    printf("%s\n", kernel->script->name);
    for (unsigned step = 0; step < kernel->script->count; step++) {
        printf("  %s\n", kernel->script->steps[step]);
        print_side(kernel, "kernel", step);
        print_side(gander, "gander", step);
    }
}

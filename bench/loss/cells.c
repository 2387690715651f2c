/* SPDX-License-Identifier: MIT */
/* Which paths are measured, with which algorithms, how often. */
#include "loss.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { CASES_FIRST_ROOM = 64 };

static const char *const algorithms[] = {"newreno", "cubic", "bbr"};
static const uint32_t losses_ppm[] = {0, 1000, 10000, 50000};

/* All shapes of a path apart from rate, delay and loss. */
static const struct shape {
    enum loss_pattern pattern;
    double queue_bdp;
} shapes[] = {{LOSS_PATTERN_NONE, 1},
              {LOSS_PATTERN_JITTER, 1},
              {LOSS_PATTERN_BURSTS, 1},
              {LOSS_PATTERN_NONE, 0.25},
              {LOSS_PATTERN_NONE, 4}};

struct list {
    struct loss_case *cases;
    size_t count, room;
    const struct loss_options *options;
    bool failed;
};

static bool has_algorithm(const char *name)
{
    const char *known;

    for (unsigned i = 0; (known = gander_congestion_control_name(i)) != NULL; i++) {
        if (!strcmp(known, name))
            return true;
    }
    return false;
}

static struct loss_case *list_add(struct list *list, const struct loss_cell *cell,
                                  enum loss_side side, enum loss_clock clock)
{
    static struct loss_case spare;
    struct loss_case *c;

    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : CASES_FIRST_ROOM;
        struct loss_case *cases = realloc(list->cases, room * sizeof(*cases));

        if (!cases) {
            list->failed = true;
            return &spare;
        }
        list->cases = cases;
        list->room = room;
    }
    c = &list->cases[list->count++];
    memset(c, 0, sizeof(*c));
    c->cell = *cell;
    c->side = side;
    c->clock = clock;
    c->seeds = clock == LOSS_VIRTUAL ? list->options->seeds : 1;
    c->seconds = clock == LOSS_VIRTUAL ? list->options->seconds : list->options->real_seconds;
    return c;
}

static void add_virtual(struct list *list, struct loss_cell cell)
{
    for (size_t i = 0; i < COUNT(algorithms); i++) {
        cell.cc = algorithms[i];
        if (has_algorithm(cell.cc))
            list_add(list, &cell, LOSS_GANDER, LOSS_VIRTUAL);
    }
}

/* The reference path, 100 Mbit/s and 20 ms: each loss, and each shape by itself. */
static void add_reference(struct list *list)
{
    struct loss_cell cell = {.rate_mbit = 100, .rtt_ms = 20, .queue_bdp = 1};

    for (size_t i = 0; i < COUNT(losses_ppm); i++) {
        cell.loss_ppm = losses_ppm[i];
        add_virtual(list, cell);
    }
    for (size_t i = 1; i < COUNT(shapes); i++) {
        cell.pattern = shapes[i].pattern;
        cell.queue_bdp = shapes[i].queue_bdp;
        cell.loss_ppm = cell.pattern == LOSS_PATTERN_BURSTS ? 10000 : 0;
        add_virtual(list, cell);
    }
}

static void add_grid(struct list *list)
{
    static const uint32_t rates[] = {10, 100, 1000}, rtts[] = {1, 20, 100, 300};

    for (size_t i = 0; i < COUNT(rates) * COUNT(rtts) * COUNT(losses_ppm) * COUNT(shapes); i++) {
        const struct shape *shape = &shapes[i % COUNT(shapes)];
        size_t rest = i / COUNT(shapes);
        struct loss_cell cell = {.loss_ppm = losses_ppm[rest % COUNT(losses_ppm)],
                                 .rtt_ms = rtts[rest / COUNT(losses_ppm) % COUNT(rtts)],
                                 .rate_mbit = rates[rest / COUNT(losses_ppm) / COUNT(rtts)],
                                 .pattern = shape->pattern,
                                 .queue_bdp = shape->queue_bdp};

        if (cell.pattern != LOSS_PATTERN_BURSTS || cell.loss_ppm)
            add_virtual(list, cell);
    }
}

/* Two flows on one bottleneck. */
static void add_pairs(struct list *list)
{
    struct loss_cell cell = {
        .rate_mbit = 100, .rtt_ms = 20, .queue_bdp = 1, .cc = "cubic", .other_cc = "cubic"};

    list_add(list, &cell, LOSS_GANDER, LOSS_VIRTUAL);
    cell.cc = "bbr";
    if (has_algorithm(cell.cc)) {
        list_add(list, &cell, LOSS_GANDER, LOSS_VIRTUAL);
        cell.other_cc = "bbr";
        list_add(list, &cell, LOSS_GANDER, LOSS_VIRTUAL);
    }
    if (!list->options->kernel)
        return;
    cell.cc = cell.other_cc = "cubic";
    cell.other_is_kernel = true;
    list_add(list, &cell, LOSS_GANDER, LOSS_REAL)->seconds *= 2;
}

/* The kernel, and gander in the same way: through the relay, in real time. */
static void add_real(struct list *list)
{
    struct loss_cell cell = {.rate_mbit = 100, .rtt_ms = 20, .queue_bdp = 1};

    for (size_t a = 1; a < COUNT(algorithms); a++) {
        cell.cc = algorithms[a];
        for (size_t i = 0; i < COUNT(losses_ppm); i++) {
            cell.loss_ppm = losses_ppm[i];
            list_add(list, &cell, LOSS_LINUX, LOSS_REAL);
            if (has_algorithm(cell.cc))
                list_add(list, &cell, LOSS_GANDER, LOSS_REAL);
        }
        cell.loss_ppm = 0;
        cell.pattern = LOSS_PATTERN_JITTER;
        list_add(list, &cell, LOSS_LINUX, LOSS_REAL);
        cell.pattern = LOSS_PATTERN_NONE;
    }
    cell = (struct loss_cell){.rtt_ms = 20, .queue_bdp = 1, .cc = "cubic"};
    list_add(list, &cell, LOSS_LINUX, LOSS_REAL)->alone = true;
    list_add(list, &cell, LOSS_GANDER, LOSS_REAL)->alone = true;
}

struct loss_case *loss_cases(const struct loss_options *options, size_t *n)
{
    struct list list = {.options = options};

    if (options->full)
        add_grid(&list);
    else
        add_reference(&list);
    if (options->kernel)
        add_real(&list);
    add_pairs(&list);
    *n = list.count;
    if (!list.failed)
        return list.cases;
    free(list.cases);
    return NULL;
}

double loss_mean(const struct loss_case *c, size_t offset)
{
    double sum = 0;
    unsigned n = 0;

    for (unsigned i = 0; i < c->seeds; i++) {
        double value;

        memcpy(&value, (const char *)&c->runs[i] + offset, sizeof(value));
        if (value < 0)
            continue;
        sum += value;
        n++;
    }
    return n ? sum / n : -1;
}

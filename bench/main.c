/* SPDX-License-Identifier: MIT */
/* gander-bench: which cases there are, in what order they run, and the command line. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel.h"
#include "stack_world.h"

enum { K64 = 65536, M1 = 1 << 20, M16 = 16 << 20 };

/* By number of idle connections, which only grows on the kernel's side. */
static const struct bench_case cases[] = {
    {"bulk_1500_64k", BENCH_BULK, K64, 0},
    {"bulk_1500_16m", BENCH_BULK, M16, 0},
    {"bulk_1500_1m", BENCH_BULK, M1, 0},
    {"connections", BENCH_CONNECTIONS, 0, 0},
    {"pingpong", BENCH_PINGPONG, 0, 0},
    {"bulk_1500_1m_10k_idle", BENCH_BULK, M1, 10000},
    {"connections_10k_idle", BENCH_CONNECTIONS, 0, 10000},
    {"pingpong_10k_idle", BENCH_PINGPONG, 0, 10000},
    {"bulk_1500_1m_1m_idle", BENCH_BULK, M1, 1000000},
    {"connections_1m_idle", BENCH_CONNECTIONS, 0, 1000000},
    {"pingpong_1m_idle", BENCH_PINGPONG, 0, 1000000},
    {"bytes_per_idle_connection", BENCH_MEMORY, 0, 1000000},
};

enum { CASES = sizeof(cases) / sizeof(cases[0]) };

struct options {
    double seconds;
    int repeats;
    uint32_t kernel_idle_max;
    bool stack, kernel;
    const char *only, *json;
};

static const char usage[] =
    "usage: gander-bench [--quick] [--only NAME] [--seconds S] [--repeats N] [--side "
    "gander|linux]\n"
    "                    [--linux-idle-max N] [--json FILE] [--list]\n"
    "\n"
    "Measures gander beside the Linux kernel's TCP, prints a table and writes JSON.\n"
    "\n"
    "  --quick             one run of 0.1 s each, and few idle kernel connections\n"
    "  --only NAME         only this case; see --list\n"
    "  --seconds S         length of a run [0.5]\n"
    "  --count N           runs end after N bytes, connections or round trips: to count "
    "instructions\n"
    "  --repeats N         runs of each case, 1 to 16 [3]\n"
    "  --side SIDE         only gander, or only linux [both]\n"
    "  --linux-idle-max N  at most so many idle kernel connections; each takes about 10 KB "
    "[1000000]\n"
    "  --json FILE         where the JSON goes [build/bench.json]\n"
    "  --list              the names of the cases\n";

static char progress_label[128];

/* A line on a terminal that the next one overwrites; NULL ends it. */
static void progress(const char *text)
{
    if (!isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "\r\033[K%s", text ? text : "");
    fflush(stderr);
}

static void progress_idle(uint32_t done)
{
    char line[192];

    snprintf(line, sizeof(line), "%s: %u idle connections made", progress_label, done);
    progress(line);
}

static void progress_case(size_t i, const char *side, int run, int runs)
{
    snprintf(progress_label, sizeof(progress_label), "[%zu/%d] %s: %s", i + 1, CASES, cases[i].name,
             side);
    if (run >= 0)
        snprintf(progress_label + strlen(progress_label),
                 sizeof(progress_label) - strlen(progress_label), ", run %d of %d", run + 1, runs);
    progress(progress_label);
}

/* What is measured: the stacks with idle connections beside, the same without, the kernel. */
struct sides {
    struct world world, alone;
    struct kernel kernel;
};

/* A world with the window and the idle connections that the case wants; the last one if it fits. */
static void world_prepare(struct world *world, const struct bench_case *c, uint32_t idle)
{
    uint32_t window = c->window_bytes ? c->window_bytes : WORLD_WINDOW_BYTES;

    if (world->client && world->window_bytes == window && world->idle == idle)
        return;
    world_close(world);
    if (world_open(world, window) && idle)
        world_idle_add(world, idle, progress_idle);
}

static void figure_absent(struct bench_figure *figure)
{
    *figure = (struct bench_figure){.value = NAN, .cpu_share = NAN};
}

/* One run of each side, one behind the other. */
static void run_once(size_t i, int run, const struct options *o, struct sides *sides,
                     struct bench_result *result)
{
    const struct bench_case *c = &cases[i];

    figure_absent(&result->stack[run]);
    figure_absent(&result->alone[run]);
    figure_absent(&result->kernel[run]);
    if (o->stack) {
        progress_case(i, "gander", run, result->runs);
        world_run(&sides->world, c, o->seconds, &result->stack[run]);
    }
    if (o->stack && c->idle && c->kind != BENCH_MEMORY) {
        progress_case(i, "gander without idle connections", run, result->runs);
        world_run(&sides->alone, c, o->seconds, &result->alone[run]);
    }
    if (o->kernel) {
        progress_case(i, "linux", run, result->runs);
        kernel_run(&sides->kernel, c, o->seconds, &result->kernel[run]);
    }
}

static void run_case(size_t i, const struct options *o, struct sides *sides,
                     struct bench_result *result)
{
    const struct bench_case *c = &cases[i];
    struct kernel *kernel = &sides->kernel;

    *result = (struct bench_result){.c = c, .runs = c->kind == BENCH_MEMORY ? 1 : o->repeats};
    if (o->kernel) {
        progress_case(i, "linux", -1, 0);
        kernel_idle_raise(kernel, c->idle < o->kernel_idle_max ? c->idle : o->kernel_idle_max,
                          progress_idle);
    }
    if (o->stack) {
        progress_case(i, "gander", -1, 0);
        world_prepare(&sides->world, c, c->idle);
        if (c->idle)
            world_prepare(&sides->alone, c, 0);
    }
    for (int run = 0; run < result->runs; run++)
        run_once(i, run, o, sides, result);
    result->kernel_idle = kernel->idle;
    result->kernel_packet_bytes = c->kind == BENCH_BULK ? kernel->packet_bytes : 0;
    if (o->kernel && kernel->idle < c->idle && !result->kernel[0].note[0])
        snprintf(result->kernel[0].note, BENCH_NOTE_BYTES, "%s",
                 kernel->idle_note[0] ? kernel->idle_note
                                      : "linux: fewer idle connections, as asked for");
}

static int usage_error(const char *what, const char *value)
{
    fprintf(stderr, "gander-bench: %s: %s; see --help\n", what, value);
    return 2;
}

static bool case_exists(const char *name)
{
    for (size_t i = 0; i < CASES; i++) {
        if (!strcmp(cases[i].name, name))
            return true;
    }
    return false;
}

static bool number(const char *text, double min, double max, double *value)
{
    char *end;

    *value = strtod(text, &end);
    return *text && !*end && *value >= min && *value <= max;
}

enum {
    OPTION_QUICK = 1,
    OPTION_ONLY,
    OPTION_SECONDS,
    OPTION_COUNT,
    OPTION_REPEATS,
    OPTION_SIDE,
    OPTION_IDLE,
    OPTION_JSON,
    OPTION_LIST,
    OPTION_HELP
};

static const struct option long_options[] = {
    {"quick", no_argument, NULL, OPTION_QUICK},
    {"only", required_argument, NULL, OPTION_ONLY},
    {"seconds", required_argument, NULL, OPTION_SECONDS},
    {"count", required_argument, NULL, OPTION_COUNT},
    {"repeats", required_argument, NULL, OPTION_REPEATS},
    {"side", required_argument, NULL, OPTION_SIDE},
    {"linux-idle-max", required_argument, NULL, OPTION_IDLE},
    {"json", required_argument, NULL, OPTION_JSON},
    {"list", no_argument, NULL, OPTION_LIST},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

/* One option; 0 to go on, otherwise the exit code + 1. */
static int option_take(int option, const char *value, struct options *o)
{
    double d;

    switch (option) {
    case OPTION_QUICK:
        o->seconds = 0.1;
        o->repeats = 1;
        o->kernel_idle_max = 20000;
        return 0;
    case OPTION_ONLY:
        o->only = value;
        return case_exists(value) ? 0 : 1 + usage_error("no such case", value);
    case OPTION_SECONDS:
        return number(value, 0.001, 60, &o->seconds)
                   ? 0
                   : 1 + usage_error("--seconds wants 0.001 to 60", value);
    case OPTION_COUNT:
        if (!number(value, 1, 1e15, &d))
            return 1 + usage_error("--count wants a number from 1", value);
        stopwatch_limit((uint64_t)d);
        return 0;
    case OPTION_REPEATS:
        if (!number(value, 1, BENCH_REPEATS_MAX, &d))
            return 1 + usage_error("--repeats wants 1 to 16", value);
        o->repeats = (int)d;
        return 0;
    case OPTION_SIDE:
        o->stack = strcmp(value, "linux") != 0;
        o->kernel = strcmp(value, "gander") != 0;
        return o->stack && o->kernel ? 1 + usage_error("--side wants gander or linux", value) : 0;
    case OPTION_IDLE:
        if (!number(value, 0, 1e6, &d))
            return 1 + usage_error("--linux-idle-max wants 0 to 1000000", value);
        o->kernel_idle_max = (uint32_t)d;
        return 0;
    case OPTION_JSON:
        o->json = value;
        return 0;
    case OPTION_LIST:
        for (size_t i = 0; i < CASES; i++)
            puts(cases[i].name);
        return 1;
    case OPTION_HELP:
        fputs(usage, stdout);
        return 1;
    default:
        return 1 + 2; /* getopt has said what is wrong */
    }
}

static bool gander_complete(const struct bench_result *results)
{
    for (size_t i = 0; i < CASES; i++) {
        for (int run = 0; run < results[i].runs; run++) {
            if (isnan(results[i].stack[run].value))
                return false;
        }
    }
    return true;
}

static int bench(const struct options *o)
{
    static struct bench_result results[CASES];
    static struct sides sides;
    struct bench_context context = {.seconds = o->seconds, .processor = bench_pin()};

    if (o->kernel)
        kernel_open(&sides.kernel);
    context.kernel_path =
        !o->kernel ? "not run"
        : !sides.kernel.ready
            ? sides.kernel.note
            : "loopback in a namespace of its own, GSO, TSO and GRO off; the device spares "
              "the kernel its checksums";
    for (size_t i = 0; i < CASES; i++) {
        if (!o->only || !strcmp(o->only, cases[i].name))
            run_case(i, o, &sides, &results[i]);
    }
    progress("cleaning up");
    world_close(&sides.world);
    world_close(&sides.alone);
    kernel_close(&sides.kernel);
    progress(NULL);
    report_table(results, CASES, &context);
    if (!report_json(o->json, results, CASES, &context)) {
        fprintf(stderr, "gander-bench: cannot write %s: %s\n", o->json, strerror(errno));
        return 1;
    }
    return o->stack && !gander_complete(results);
}

int main(int argc, char **argv)
{
    struct options o = {.seconds = 0.5,
                        .repeats = 3,
                        .kernel_idle_max = 1000000,
                        .stack = true,
                        .kernel = true,
                        .json = "build/bench.json"};
    int option, end;

    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        end = option_take(option, optarg, &o);
        if (end)
            return end - 1;
    }
    if (optind < argc)
        return usage_error("takes no arguments", argv[optind]);
    return bench(&o);
}

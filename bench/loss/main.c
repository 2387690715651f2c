/* SPDX-License-Identifier: MIT */
/* gander-bench-loss: the command line, and the runs side by side in processes of their own. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "loss.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REAL_JOBS = 4, JOBS_MAX = 256, OPTION_FIRST = 1000, POLL_US = 100000 };

static const char usage[] =
    "usage: gander-bench-loss [--full] [--seeds N] [--seconds S] [--real-seconds S] [--no-linux]\n"
    "                         [--jobs N] [--json FILE] [--plots DIR]\n"
    "\n"
    "Measures goodput, retransmissions, queueing and repair of gander over paths with loss, in "
    "virtual\n"
    "time, and of the Linux kernel over the same paths, in real time. Prints a table, writes "
    "JSON.\n"
    "\n"
    "  --quick           100 Mbit/s and 20 ms alone: under three minutes (the default)\n"
    "  --full            all rates, delays, losses and shapes: hours\n"
    "  --seeds N         runs of each path in virtual time, 1 to 64 [20]\n"
    "  --seconds S       length of a run in virtual time [30]\n"
    "  --real-seconds S  length of a run in real time [8, with --full 30]\n"
    "  --no-linux        nothing in real time\n"
    "  --jobs N          processes at a time for virtual time [processors]\n"
    "  --json FILE       where the JSON goes [build/bench-loss.json]\n"
    "  --plots DIR       SVG plots, by gnuplot\n";

/* What the processes share. */
struct shared {
    size_t next, done;
    struct loss_case cases[];
};

enum phase { PHASE_VIRTUAL, PHASE_REAL, PHASE_ALONE, PHASES };

static enum phase phase_of(const struct loss_case *c)
{
    return c->clock == LOSS_VIRTUAL ? PHASE_VIRTUAL : c->alone ? PHASE_ALONE : PHASE_REAL;
}

static void job_run(struct loss_case *c, unsigned seed)
{
    struct loss_run *run = &c->runs[seed];

    if (c->clock == LOSS_VIRTUAL)
        loss_run_virtual(&c->cell, seed + 1, c->seconds, run);
    else
        loss_run_real(&c->cell, c->side, seed + 1, c->seconds, run);
}

/* Takes jobs of a phase, (case, seed) in order, until none is left. */
static void worker(struct shared *shared, size_t n, enum phase phase)
{
    size_t job, at;

    while ((job = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED)) < SIZE_MAX) {
        at = 0;
        while (at < n &&
               (phase_of(&shared->cases[at]) != phase || job >= shared->cases[at].seeds)) {
            if (phase_of(&shared->cases[at]) == phase)
                job -= shared->cases[at].seeds;
            at++;
        }
        if (at == n)
            return;
        job_run(&shared->cases[at], (unsigned)job);
        __atomic_fetch_add(&shared->done, 1, __ATOMIC_RELAXED);
    }
}

static size_t jobs_of(const struct shared *shared, size_t n, enum phase phase)
{
    size_t jobs = 0;

    for (size_t i = 0; i < n; i++)
        jobs += phase_of(&shared->cases[i]) == phase ? shared->cases[i].seeds : 0;
    return jobs;
}

static void progress(const struct shared *shared, size_t jobs, enum phase phase)
{
    static const char *const names[PHASES] = {"virtual time", "real time", "real time, alone"};

    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%s: %zu of %zu runs", names[phase],
                __atomic_load_n(&shared->done, __ATOMIC_RELAXED), jobs);
}

static void phase_run(struct shared *shared, size_t n, enum phase phase, unsigned processes)
{
    size_t jobs = jobs_of(shared, n, phase);
    unsigned running = 0;

    shared->next = shared->done = 0;
    while (running < processes && running < jobs) {
        pid_t child = fork();

        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            worker(shared, n, phase);
            _exit(0);
        }
        if (child < 0)
            break;
        running++;
    }
    if (jobs > 0 && running == 0)
        worker(shared, n, phase); /* no process to be had: here, then */
    while (running > 0) {
        progress(shared, jobs, phase);
        if (waitpid(-1, NULL, WNOHANG) > 0)
            running--;
        else
            usleep(POLL_US);
    }
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

static int bench(const struct loss_options *options)
{
    size_t n;
    struct loss_case *cases = loss_cases(options, &n);
    struct shared *shared = MAP_FAILED;

    if (cases)
        shared = mmap(NULL, sizeof(*shared) + n * sizeof(*cases), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        fprintf(stderr, "gander-bench-loss: no memory\n");
        return 1;
    }
    memcpy(shared->cases, cases, n * sizeof(*cases));
    free(cases);
    phase_run(shared, n, PHASE_VIRTUAL, options->jobs);
    phase_run(shared, n, PHASE_REAL, REAL_JOBS);
    phase_run(shared, n, PHASE_ALONE, 1);
    loss_report_table(shared->cases, n);
    if (!loss_report_json(options->json, shared->cases, n)) {
        fprintf(stderr, "gander-bench-loss: cannot write %s: %s\n", options->json, strerror(errno));
        return 1;
    }
    return options->plots && !loss_report_plots(options->plots, shared->cases, n);
}

/* --- the command line -------------------------------------------------------------------------------- */

enum option_code {
    OPTION_QUICK = OPTION_FIRST,
    OPTION_FULL,
    OPTION_SEEDS,
    OPTION_SECONDS,
    OPTION_REAL_SECONDS,
    OPTION_NO_LINUX,
    OPTION_JOBS,
    OPTION_JSON,
    OPTION_PLOTS,
    OPTION_HELP
};

static const struct option long_options[] = {
    {"quick", no_argument, NULL, OPTION_QUICK},
    {"full", no_argument, NULL, OPTION_FULL},
    {"seeds", required_argument, NULL, OPTION_SEEDS},
    {"seconds", required_argument, NULL, OPTION_SECONDS},
    {"real-seconds", required_argument, NULL, OPTION_REAL_SECONDS},
    {"no-linux", no_argument, NULL, OPTION_NO_LINUX},
    {"jobs", required_argument, NULL, OPTION_JOBS},
    {"json", required_argument, NULL, OPTION_JSON},
    {"plots", required_argument, NULL, OPTION_PLOTS},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

static int usage_error(const char *what, const char *value)
{
    fprintf(stderr, "gander-bench-loss: %s: '%s'; see gander-bench-loss --help\n", what, value);
    return 2;
}

static bool number(const char *text, double least, double most, double *value)
{
    char *end;

    *value = strtod(text, &end);
    return end != text && *end == '\0' && *value >= least && *value <= most;
}

/* 0: go on; else the exit status plus 1. */
static int option_take(int option, const char *text, struct loss_options *o)
{
    double value = 0;

    switch (option) {
    case OPTION_QUICK:
        o->full = false;
        return 0;
    case OPTION_FULL:
        o->full = true;
        return 0;
    case OPTION_NO_LINUX:
        o->kernel = false;
        return 0;
    case OPTION_JSON:
        o->json = text;
        return 0;
    case OPTION_PLOTS:
        o->plots = text;
        return 0;
    case OPTION_SEEDS:
        o->seeds = number(text, 1, LOSS_SEEDS_MAX, &value) ? (unsigned)value : 0;
        return o->seeds ? 0 : usage_error("--seeds wants 1 to 64", text) + 1;
    case OPTION_JOBS:
        o->jobs = number(text, 1, JOBS_MAX, &value) ? (unsigned)value : 0;
        return o->jobs ? 0 : usage_error("--jobs wants 1 to 256", text) + 1;
    case OPTION_SECONDS:
        return number(text, 0.1, 3600, &o->seconds)
                   ? 0
                   : usage_error("--seconds wants 0.1 to 3600", text) + 1;
    case OPTION_REAL_SECONDS:
        return number(text, 0.1, 3600, &o->real_seconds)
                   ? 0
                   : usage_error("--real-seconds wants 0.1 to 3600", text) + 1;
    case OPTION_HELP:
        fputs(usage, stdout);
        return 1;
    default:
        return 3; /* getopt has said what is wrong */
    }
}

int main(int argc, char **argv)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct loss_options o = {.kernel = true,
                             .seeds = 20,
                             .jobs = processors > 0 ? (unsigned)processors : 1,
                             .seconds = 30,
                             .json = "build/bench-loss.json"};
    int option, end;

    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        end = option_take(option, optarg, &o);
        if (end)
            return end - 1;
    }
    if (optind < argc)
        return usage_error("takes no arguments", argv[optind]);
    if (o.real_seconds == 0)
        o.real_seconds = o.full ? 30 : 8;
    return bench(&o);
}

/* SPDX-License-Identifier: MIT */
/* Clock, stopwatch and the processor that the bench runs on. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench.h"

#include <math.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t bench_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

static uint64_t count_limit;

void stopwatch_limit(uint64_t count)
{
    count_limit = count;
}

void stopwatch_start(struct stopwatch *watch, double seconds)
{
    int64_t now_ns = bench_now_ns();
    int64_t run_ns = (int64_t)(seconds * 1e9);

    *watch = (struct stopwatch){.warm_ns = now_ns + run_ns / 5, .last_ns = now_ns};
    watch->end_ns = watch->warm_ns + run_ns;
    if (count_limit)
        watch->warm_ns = now_ns;
}

bool stopwatch_on(struct stopwatch *watch, int64_t now_ns, uint64_t count)
{
    if (!watch->warm && now_ns >= watch->warm_ns) {
        watch->warm = true;
        watch->counted_from_ns = now_ns;
        watch->count_from = count;
        watch->cpu_from_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
        watch->end_ns += now_ns - watch->warm_ns;
    }
    watch->last_ns = now_ns;
    watch->count_last = count;
    return count_limit ? count < count_limit : now_ns < watch->end_ns;
}

void stopwatch_figure(const struct stopwatch *watch, double scale, struct bench_figure *figure)
{
    double ns = (double)(watch->last_ns - watch->counted_from_ns);

    if (!watch->warm || ns <= 0) {
        figure_fail(figure, "the run ended before its warm-up");
        return;
    }
    figure->value = (double)(watch->count_last - watch->count_from) * scale * 1e9 / ns;
    figure->cpu_share = (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - watch->cpu_from_ns) / ns;
}

void figure_fail(struct bench_figure *figure, const char *format, ...)
{
    va_list arguments;

    figure->value = NAN;
    figure->cpu_share = NAN;
    if (figure->note[0])
        return; /* the first cause is the one that helps */
    va_start(arguments, format);
    vsnprintf(figure->note, sizeof(figure->note), format, arguments);
    va_end(arguments);
}

int bench_pin(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set))
        return -1;
    for (size_t i = CPU_SETSIZE; i-- > 0;) {
        if (!CPU_ISSET(i, &set))
            continue;
        CPU_ZERO(&set);
        CPU_SET(i, &set);
        return sched_setaffinity(0, sizeof(set), &set) ? -1 : (int)i;
    }
    return -1;
}

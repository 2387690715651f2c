/* SPDX-License-Identifier: MIT */
/* The table on standard output, and the same figures as JSON. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

static const char *const units[] = {"Gbit/s", "connections/s", "round trips/s", "bytes"};

static int compare(const void *a, const void *b)
{
    double x, y;

    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x > y) - (x < y);
}

double report_median(const double *values, int n)
{
    double sorted[BENCH_REPEATS_MAX];
    int good = 0;

    for (int i = 0; i < n; i++) {
        if (!isnan(values[i]))
            sorted[good++] = values[i];
    }
    if (!good)
        return NAN;
    qsort(sorted, (size_t)good, sizeof(sorted[0]), compare);
    return good % 2 ? sorted[good / 2] : (sorted[good / 2 - 1] + sorted[good / 2]) / 2;
}

/* The middle and the ends of one side's runs. */
struct summary {
    double median, min, max, cpu_share;
};

static struct summary summarise(const struct bench_figure *figures, int n)
{
    double values[BENCH_REPEATS_MAX], shares[BENCH_REPEATS_MAX];
    struct summary s = {.min = NAN, .max = NAN};

    for (int i = 0; i < n; i++) {
        values[i] = figures[i].value;
        shares[i] = figures[i].cpu_share;
        s.min = fmin(s.min, values[i]); /* fmin and fmax pass over NaN */
        s.max = fmax(s.max, values[i]);
    }
    s.median = report_median(values, n);
    s.cpu_share = report_median(shares, n);
    return s;
}

/* Median of the ratios of runs that followed each other. */
static double ratio_of(const struct bench_figure *a, const struct bench_figure *b, int n)
{
    double ratios[BENCH_REPEATS_MAX];

    for (int i = 0; i < n; i++)
        ratios[i] = a[i].value / b[i].value;
    return report_median(ratios, n);
}

/* The first note of either side; "" if there is none. */
static const char *note_of(const struct bench_result *r)
{
    for (int i = 0; i < r->runs; i++) {
        if (r->stack[i].note[0])
            return r->stack[i].note;
    }
    for (int i = 0; i < r->runs; i++) {
        if (r->kernel[i].note[0])
            return r->kernel[i].note;
    }
    return "";
}

static const char *cpu_name(void)
{
    static char name[128] = "unknown";
    FILE *file = fopen("/proc/cpuinfo", "re");
    char line[256];

    while (file && fgets(line, sizeof(line), file)) {
        if (!strncmp(line, "model name", 10) && strchr(line, ':')) {
            snprintf(name, sizeof(name), "%s", strchr(line, ':') + 2);
            name[strcspn(name, "\n")] = 0;
            break;
        }
    }
    if (file)
        fclose(file);
    return name;
}

static const char *kernel_name(void)
{
    static struct utsname name;

    return uname(&name) ? "unknown" : name.release;
}

static const char *compiler_name(void)
{
#ifdef __clang__
    return __VERSION__; /* begins with its name */
#else
    return "gcc " __VERSION__;
#endif
}

/* Three or four digits that tell something; "-" for NaN. */
static const char *figure_text(double value, char text[32])
{
    if (isnan(value))
        snprintf(text, 32, "-");
    else if (fabs(value) < 10)
        snprintf(text, 32, "%.2f", value);
    else if (fabs(value) < 1000)
        snprintf(text, 32, "%.1f", value);
    else
        snprintf(text, 32, "%.0f", value);
    return text;
}

void report_table(const struct bench_result *results, size_t n, const struct bench_context *context)
{
    printf("%s, Linux %s, %s\n", cpu_name(), kernel_name(), compiler_name());
    printf("one thread, both ends; MTU %d; medians of runs of %g s\n", BENCH_MTU_BYTES,
           context->seconds);
    printf("linux: %s\n\n", context->kernel_path);
    printf("%-26s %-14s %10s %10s %7s %9s\n", "name", "unit", "gander", "linux", "ratio",
           "to 0 idle");
    for (size_t i = 0; i < n; i++) {
        const struct bench_result *r = &results[i];
        char a[32], b[32], c[32], d[32];

        if (!r->runs)
            continue;
        printf("%-26s %-14s %10s %10s %7s %9s\n", r->c->name, units[r->c->kind],
               figure_text(summarise(r->stack, r->runs).median, a),
               figure_text(summarise(r->kernel, r->runs).median, b),
               figure_text(ratio_of(r->stack, r->kernel, r->runs), c),
               figure_text(ratio_of(r->stack, r->alone, r->runs), d));
    }
    for (size_t i = 0; i < n; i++) {
        if (results[i].runs && note_of(&results[i])[0])
            printf("  %s: %s\n", results[i].c->name, note_of(&results[i]));
    }
}

static void json_text(FILE *file, const char *key, const char *text)
{
    fprintf(file, ", \"%s\": \"", key);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', file);
        if ((unsigned char)*text >= 0x20)
            fputc(*text, file);
    }
    fputc('"', file);
}

static void json_number(FILE *file, const char *key, double value)
{
    if (isfinite(value))
        fprintf(file, ", \"%s\": %.10g", key, value);
    else
        fprintf(file, ", \"%s\": null", key);
}

static void json_side(FILE *file, const char *side, const struct summary *s)
{
    char key[32];

    snprintf(key, sizeof(key), "%s_min", side);
    json_number(file, key, s->min);
    snprintf(key, sizeof(key), "%s_max", side);
    json_number(file, key, s->max);
    snprintf(key, sizeof(key), "%s_cpu_share", side);
    json_number(file, key, s->cpu_share);
}

static void json_result(FILE *file, const struct bench_result *r,
                        const struct bench_context *context)
{
    struct summary stack = summarise(r->stack, r->runs);
    struct summary kernel = summarise(r->kernel, r->runs);

    fprintf(file, "{\"name\": \"%s\"", r->c->name);
    json_text(file, "unit", units[r->c->kind]);
    json_number(file, "gander", stack.median);
    json_number(file, "linux", kernel.median);
    json_number(file, "ratio", ratio_of(r->stack, r->kernel, r->runs));
    json_text(file, "better", r->c->kind == BENCH_MEMORY ? "lower" : "higher");
    json_number(file, "gander_to_no_idle", ratio_of(r->stack, r->alone, r->runs));
    json_side(file, "gander", &stack);
    json_side(file, "linux", &kernel);
    json_number(file, "runs", r->runs);
    json_number(file, "seconds", context->seconds);
    json_number(file, "mtu_bytes", BENCH_MTU_BYTES);
    json_number(file, "window_bytes", r->c->window_bytes ? (double)r->c->window_bytes : NAN);
    json_number(file, "gander_idle", r->c->idle);
    json_number(file, "linux_idle", r->kernel_idle);
    json_number(file, "linux_packet_bytes",
                r->kernel_packet_bytes > 0 ? r->kernel_packet_bytes : NAN);
    json_text(file, "linux_path", context->kernel_path);
    json_text(file, "cpu", cpu_name());
    json_number(file, "processor", context->processor);
    json_text(file, "kernel", kernel_name());
    json_text(file, "compiler", compiler_name());
    json_text(file, "note", note_of(r));
    fputc('}', file);
}

bool report_json(const char *path, const struct bench_result *results, size_t n,
                 const struct bench_context *context)
{
    FILE *file = fopen(path, "we");
    bool first = true, ok;

    if (!file)
        return false;
    fputc('[', file);
    for (size_t i = 0; i < n; i++) {
        if (!results[i].runs)
            continue;
        fputs(first ? "\n" : ",\n", file);
        json_result(file, &results[i], context);
        first = false;
    }
    fputs("\n]\n", file);
    ok = !ferror(file);
    return fclose(file) == 0 && ok;
}

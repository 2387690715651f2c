/* SPDX-License-Identifier: MIT */
/* The figures: a table, JSON, and plots by gnuplot. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "loss.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_BYTES = 96 };

static const char *stack_name(const struct loss_case *c)
{
    return c->side == LOSS_GANDER ? "gander" : "linux";
}

static const char *note_of(const struct loss_case *c)
{
    for (unsigned i = 0; i < c->seeds; i++) {
        if (c->runs[i].note[0])
            return c->runs[i].note;
    }
    return "";
}

static double goodput_extreme(const struct loss_case *c, bool highest)
{
    double found = -1;

    for (unsigned i = 0; i < c->seeds; i++) {
        double value = c->runs[i].goodput_mbit[0];

        if (value >= 0 && (found < 0 || (highest ? value > found : value < found)))
            found = value;
    }
    return found;
}

/* --- the table ------------------------------------------------------------------------------------ */

static void path_text(const struct loss_cell *cell, char *text)
{
    char rate[24] = "unlimited";

    if (cell->rate_mbit)
        snprintf(rate, sizeof(rate), "%u Mbit/s", cell->rate_mbit);
    snprintf(text, NAME_BYTES, "%s, %u ms, loss %g %%%s", rate, cell->rtt_ms, cell->loss_ppm / 1e4,
             cell->pattern == LOSS_PATTERN_JITTER   ? ", jitter"
             : cell->pattern == LOSS_PATTERN_BURSTS ? ", bursts"
                                                    : "");
    if (cell->queue_bdp != 1)
        snprintf(text + strlen(text), NAME_BYTES - strlen(text), ", queue %g BDP", cell->queue_bdp);
}

static void figure(double value, int width, int digits)
{
    if (value < 0)
        printf(" %*s", width, "–");
    else
        printf(" %*.*f", width, digits, value);
}

static void row(const struct loss_case *c)
{
    char who[NAME_BYTES];

    snprintf(who, sizeof(who), "  %s %s%s", stack_name(c), c->cell.cc,
             c->clock == LOSS_REAL && c->side == LOSS_GANDER ? " (real time)" : "");
    printf("%-32s", who);
    figure(LOSS_MEAN(c, goodput_mbit[0]), 8, 2);
    figure(goodput_extreme(c, false), 8, 2);
    figure(goodput_extreme(c, true), 8, 2);
    figure(100 * LOSS_MEAN(c, retransmitted), 8, 3);
    figure(LOSS_MEAN(c, queue_ms[0]), 7, 1);
    figure(LOSS_MEAN(c, queue_ms[1]), 7, 1);
    figure(LOSS_MEAN(c, repair_ms[0]), 8, 1);
    figure(LOSS_MEAN(c, repair_ms[1]), 8, 1);
    printf("%s%s\n", note_of(c)[0] ? "  " : "", note_of(c));
}

/* Jain's index of the two flows' means. */
static double fairness(const struct loss_case *c)
{
    double a = LOSS_MEAN(c, goodput_mbit[0]), b = LOSS_MEAN(c, goodput_mbit[1]);

    return a < 0 || b < 0 || a + b == 0 ? -1 : (a + b) * (a + b) / (2 * (a * a + b * b));
}

static void pair_row(const struct loss_case *c)
{
    double a = LOSS_MEAN(c, goodput_mbit[0]), b = LOSS_MEAN(c, goodput_mbit[1]);

    printf("  gander %s beside %s %s: ", c->cell.cc, c->cell.other_is_kernel ? "linux" : "gander",
           c->cell.other_cc);
    if (a < 0 || b < 0)
        printf("no figure %s\n", note_of(c));
    else
        printf("%.1f and %.1f Mbit/s, share %.0f %%, Jain's index %.3f\n", a, b, 100 * a / (a + b),
               fairness(c));
}

void loss_report_table(const struct loss_case *cases, size_t n)
{
    char path[NAME_BYTES], last[NAME_BYTES] = "";

    printf("%-32s %8s %8s %8s %8s %15s %17s\n", "", "Mbit/s", "least", "most", "resent", "queue ms",
           "repair ms");
    printf("%-32s %8s %8s %8s %8s %7s %7s %8s %8s\n", "", "mean", "", "", "%", "50 %", "99 %",
           "50 %", "99 %");
    for (size_t i = 0; i < n; i++) {
        if (cases[i].cell.other_cc)
            continue;
        path_text(&cases[i].cell, path);
        if (strcmp(path, last) != 0)
            printf("%s\n", path);
        strcpy(last, path);
        row(&cases[i]);
    }
    printf("Two flows, 100 Mbit/s, 20 ms\n");
    for (size_t i = 0; i < n; i++) {
        if (cases[i].cell.other_cc)
            pair_row(&cases[i]);
    }
}

/* --- JSON --------------------------------------------------------------------------------------------- */

static void json_number(FILE *file, const char *key, double value)
{
    if (value < 0)
        fprintf(file, ", \"%s\": null", key);
    else
        fprintf(file, ", \"%s\": %.8g", key, value);
}

static void json_note(FILE *file, const char *note)
{
    fputs(", \"note\": \"", file);
    for (; *note; note++) {
        if (*note == '"' || *note == '\\')
            fputc('\\', file);
        if ((unsigned char)*note >= ' ')
            fputc(*note, file);
    }
    fputc('"', file);
}

static void json_case(FILE *file, const struct loss_case *c)
{
    const struct loss_cell *cell = &c->cell;

    fprintf(file, "{\"stack\": \"%s\", \"cc\": \"%s\", \"clock\": \"%s\"", stack_name(c), cell->cc,
            c->clock == LOSS_VIRTUAL ? "virtual" : "real");
    json_number(file, "rate_mbit", cell->rate_mbit ? (double)cell->rate_mbit : -1);
    json_number(file, "rtt_ms", cell->rtt_ms);
    json_number(file, "loss", cell->loss_ppm / 1e6);
    json_number(file, "loss_percent", cell->loss_ppm / 1e4);
    fprintf(file, ", \"pattern\": \"%s\"", loss_pattern_name(cell->pattern));
    json_number(file, "queue_bdp", cell->rate_mbit ? cell->queue_bdp : -1);
    json_number(file, "goodput_mbit", LOSS_MEAN(c, goodput_mbit[0]));
    json_number(file, "goodput_min_mbit", goodput_extreme(c, false));
    json_number(file, "goodput_max_mbit", goodput_extreme(c, true));
    json_number(file, "retransmitted", LOSS_MEAN(c, retransmitted));
    json_number(file, "queue_ms_p50", LOSS_MEAN(c, queue_ms[0]));
    json_number(file, "queue_ms_p99", LOSS_MEAN(c, queue_ms[1]));
    json_number(file, "repair_ms_p50", LOSS_MEAN(c, repair_ms[0]));
    json_number(file, "repair_ms_p99", LOSS_MEAN(c, repair_ms[1]));
    json_number(file, "seeds", c->seeds);
    json_number(file, "seconds", c->seconds);
    if (cell->other_cc) {
        fprintf(file, ", \"beside\": \"%s %s\"", cell->other_is_kernel ? "linux" : "gander",
                cell->other_cc);
        json_number(file, "beside_mbit", LOSS_MEAN(c, goodput_mbit[1]));
        json_number(file, "jain", fairness(c));
    }
    json_note(file, note_of(c));
    fputc('}', file);
}

bool loss_report_json(const char *path, const struct loss_case *cases, size_t n)
{
    FILE *file = fopen(path, "we");
    bool ok;

    if (!file)
        return false;
    fputc('[', file);
    for (size_t i = 0; i < n; i++) {
        fputs(i ? ",\n" : "\n", file);
        json_case(file, &cases[i]);
    }
    fputs("\n]\n", file);
    ok = !ferror(file);
    return fclose(file) == 0 && ok;
}

/* --- plots ----------------------------------------------------------------------------------------------- */

/* One curve: a figure over the loss, on the reference path. */
static void curve(FILE *gnuplot, const struct loss_case *cases, size_t n,
                  const struct loss_case *of, size_t offset, double scale)
{
    for (size_t i = 0; i < n; i++) {
        const struct loss_cell *cell = &cases[i].cell;

        if (cell->rate_mbit == 100 && cell->rtt_ms == 20 && cell->pattern == LOSS_PATTERN_NONE &&
            cell->queue_bdp == 1 && !cell->other_cc && cases[i].side == of->side &&
            cases[i].clock == of->clock && !strcmp(cell->cc, of->cell.cc) &&
            loss_mean(&cases[i], offset) >= 0)
            fprintf(gnuplot, "%g %g\n", cell->loss_ppm / 1e4, scale * loss_mean(&cases[i], offset));
    }
    fputs("e\n", gnuplot);
}

/* The cases without loss stand for their curves: same stack, same algorithm. */
static bool leads_curve(const struct loss_case *c)
{
    const struct loss_cell *cell = &c->cell;

    return cell->rate_mbit == 100 && cell->rtt_ms == 20 && cell->loss_ppm == 0 &&
           cell->pattern == LOSS_PATTERN_NONE && cell->queue_bdp == 1 && !cell->other_cc &&
           !(c->side == LOSS_GANDER && c->clock == LOSS_REAL);
}

static bool plot(const char *folder, const char *name, const char *label,
                 const struct loss_case *cases, size_t n, size_t offset, double scale)
{
    FILE *gnuplot = popen("gnuplot 2>/dev/null", "we");
    bool first = true;

    if (!gnuplot)
        return false;
    fprintf(gnuplot,
            "set terminal svg size 760,420 background 'white'\nset output '%s/%s.svg'\n"
            "set title '%s at 100 Mbit/s, 20 ms'\nset xlabel 'loss, %%'\nset ylabel '%s'\n"
            "set yrange [0:*]\nset grid\nset key outside right\nset logscale x\n"
            "set xtics ('0.1' 0.1, '1' 1, '5' 5)\nplot ",
            folder, name, label, label);
    for (size_t i = 0; i < n; i++) {
        if (!leads_curve(&cases[i]))
            continue;
        fprintf(gnuplot, "%s'-' with linespoints lw 2%s title '%s %s'", first ? "" : ", ",
                cases[i].side == LOSS_LINUX ? " dt 2" : "", stack_name(&cases[i]),
                cases[i].cell.cc);
        first = false;
    }
    fputc('\n', gnuplot);
    for (size_t i = 0; i < n; i++) {
        if (leads_curve(&cases[i]))
            curve(gnuplot, cases, n, &cases[i], offset, scale);
    }
    return pclose(gnuplot) == 0;
}

bool loss_report_plots(const char *folder, const struct loss_case *cases, size_t n)
{
    bool ok = !mkdir(folder, 0777) || errno == EEXIST;

    ok = ok &&
         plot(folder, "goodput", "goodput, Mbit/s", cases, n,
              offsetof(struct loss_run, goodput_mbit[0]), 1) &&
         plot(folder, "queue", "median wait at the bottleneck, ms", cases, n,
              offsetof(struct loss_run, queue_ms[0]), 1) &&
         plot(folder, "resent", "segments sent again, %", cases, n,
              offsetof(struct loss_run, retransmitted), 100);
    if (!ok)
        fprintf(stderr,
                "gander-bench-loss: no plots in %s; they need gnuplot (package gnuplot-nox)\n",
                folder);
    return ok;
}

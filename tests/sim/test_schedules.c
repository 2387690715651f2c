/* SPDX-License-Identifier: MIT */
/*
 * Every schedule of a few faults, on the real code: each packet of a short conversation is delivered, dropped, duplicated,
 * swapped with the next, delayed past the retransmission timer, or corrupted. After each run both sides have ended as they must,
 * all bytes arrived, nothing is left; over all runs every legal transition between states was taken, and no other.
 *
 * GANDER_FAULTS=n in the environment sets how many faults a schedule has at most (up to 4), GANDER_SCENARIO=text takes only the
 * scenarios that have it in their name; GANDER_SCHEDULE="drop 1 swap 15", as a failure prints it, tries this one, and tells each segment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "sim/schedules.h"

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
    __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) ||                         \
    __has_feature(thread_sanitizer)
enum { FAULTS_USUAL = 2 }; /* seconds; three are for builds at full speed */
#else
enum { FAULTS_USUAL = 3 };
#endif

enum { SHOWN_MAX = 20 };

static const char *const fault_names[FAULTS] = {"drop", "duplicate", "swap", "delay", "corrupt"};

#define SOON (200 * GANDER_MS)

static const struct scenario scenarios[] = {
    {.name = "open, client closes first", .parts = {{.shut_from = 0}, {.shut_from = AT_END}}},
    {.name = "simultaneous open",
     .opening = OPEN_SIMULTANEOUS,
     .parts = {{.shut_from = SOON}, {.shut_from = AT_END}}},
    {.name = "simultaneous open, closed before it is complete",
     .opening = OPEN_SIMULTANEOUS,
     .parts = {{.shut_from = 0}, {.shut_from = 0}}},
    {.name = "refused", .opening = OPEN_REFUSED},
    {.name = "one segment each way, without options",
     .bare = true,
     .parts = {{.bytes = 100, .shut_from = SOON}, {.bytes = 200, .shut_from = AT_END}}},
    {.name = "one segment each way",
     .parts = {{.bytes = 100, .shut_from = SOON}, {.bytes = 200, .shut_from = AT_END}}},
    {.name = "one segment each way, over IPv6",
     .ipv6 = true,
     .as_before = true,
     .parts = {{.bytes = 100, .shut_from = SOON}, {.bytes = 200, .shut_from = AT_END}}},
    {.name = "one segment each way, across 2^32",
     .iss = 0xffffffd0U,
     .as_before = true,
     .parts = {{.bytes = 100, .shut_from = SOON}, {.bytes = 200, .shut_from = AT_END}}},
    {.name = "one segment each way, across 2^31",
     .iss = 0x7fffffd0U,
     .as_before = true,
     .parts = {{.bytes = 100, .shut_from = SOON}, {.bytes = 200, .shut_from = AT_END}}},
    {.name = "SYN is the last number",
     .iss = 0xffffffffU,
     .parts = {{.shut_from = SOON}, {.shut_from = SOON}}},
    {.name = "twice from the same port",
     .again = true,
     .parts = {{.bytes = 100, .shut_from = AT_END}, {.bytes = 200, .shut_from = SOON}}},
    {.name = "twice from the same port, without options",
     .again = true,
     .bare = true,
     .parts = {{.bytes = 100, .shut_from = AT_END}, {.bytes = 200, .shut_from = SOON}}},
    {.name = "server closes first", .parts = {{.shut_from = AT_END}, {.shut_from = SOON}}},
    {.name = "both close at once", .parts = {{.shut_from = SOON}, {.shut_from = SOON}}},
    {.name = "half close, then data",
     .parts = {{.bytes = 100, .shut_from = 0},
               {.bytes = 300, .shut_from = AT_END, .send_at_end = true}}},
    {.name = "client lets go of its socket",
     .parts = {{.bytes = 100, .shut_from = SOON, .close_at_once = true}, {.shut_from = AT_END}}},
    {.name = "abort",
     .parts = {{.bytes = 100, .shut_from = AT_END, .abort_at = SOON}, {.shut_from = AT_END}}},
    {.name = "abort before it is open",
     .parts = {{.shut_from = AT_END, .abort_at = 15 * GANDER_MS}, {.shut_from = AT_END}}},
    {.name = "abort after half close",
     .parts = {{.shut_from = 0, .abort_at = SOON},
               {.bytes = 100, .shut_from = 2 * SOON, .send_at_end = true}}},
    {.name = "abort while both close",
     .parts = {{.shut_from = SOON, .abort_at = SOON + 5 * GANDER_MS}, {.shut_from = SOON}}},
    {.name = "abort when both have closed",
     .parts = {{.shut_from = SOON, .abort_at = SOON + 15 * GANDER_MS}, {.shut_from = SOON}}},
    {.name = "zero window",
     .receive_buffer = 2048,
     .parts = {{.bytes = 3000, .shut_from = 0}, {.shut_from = AT_END, .read_from = 2 * GANDER_S}}},
};

struct sweep {
    const struct scenario *scenario;
    unsigned faults_max;
    unsigned long runs, wrong;
    struct transitions transitions;
};

static void show(const struct sweep *sweep, const struct schedule *schedule, const char *text)
{
    fprintf(stderr, "%s:", sweep->scenario->name);
    for (unsigned i = 0; i < schedule->count; i++)
        fprintf(stderr, " %s %u", fault_names[schedule->faults[i].kind],
                schedule->faults[i].packet);
    fprintf(stderr, ": %s\n", text);
}

/* This schedule, and all that have more faults behind its last. */
static void try_all(struct sweep *sweep, struct schedule *schedule)
{
    char text[RUN_TEXT_BYTES];
    unsigned first = schedule->count ? schedule->faults[schedule->count - 1].packet + 1 : 0;
    unsigned packets = schedule_run(sweep->scenario, schedule, &sweep->transitions, text);

    sweep->runs++;
    if (text[0] && sweep->wrong++ < SHOWN_MAX)
        show(sweep, schedule, text);
    if (schedule->count == sweep->faults_max)
        return;
    schedule->count++;
    for (unsigned packet = first; packet < packets; packet++)
        for (unsigned kind = 0; kind < FAULTS; kind++) {
            schedule->faults[schedule->count - 1] =
                (struct fault){.packet = packet, .kind = (enum fault_kind)kind};
            try_all(sweep, schedule);
        }
    schedule->count--;
}

/* "drop 1 swap 15" */
static void schedule_read(struct schedule *schedule, const char *words)
{
    unsigned packet, kind;
    char name[16];
    int n;

    while (schedule->count < SCHEDULE_FAULTS_MAX &&
           sscanf(words, "%15s %u%n", name, &packet, &n) == 2) {
        for (kind = 0; kind < FAULTS - 1 && strcmp(fault_names[kind], name) != 0;)
            kind++;
        schedule->faults[schedule->count++] =
            (struct fault){.packet = packet, .kind = (enum fault_kind)kind};
        words += n;
    }
}

static void try_one(struct sweep *sweep, struct schedule *schedule, const char *words)
{
    char text[RUN_TEXT_BYTES];

    schedule_read(schedule, words);
    schedule_run(sweep->scenario, schedule, &sweep->transitions, text);
    sweep->runs++;
    if (text[0] || schedule->told)
        show(sweep, schedule, text[0] ? text : "all well");
    sweep->wrong += text[0] != 0;
}

static unsigned faults_max(void)
{
    const char *text = getenv("GANDER_FAULTS");
    unsigned n = text ? (unsigned)strtoul(text, NULL, 10) : FAULTS_USUAL;

    return n > SCHEDULE_FAULTS_MAX ? SCHEDULE_FAULTS_MAX : n;
}

static unsigned count_transitions(const struct transitions *t, unsigned *legal)
{
    unsigned taken = 0;

    for (unsigned from = 0; from < GANDER_TCP_STATES; from++)
        for (unsigned to = 0; to < GANDER_TCP_STATES; to++) {
            if (!transition_is_legal(from, to))
                continue;
            ++*legal;
            if (t->taken[from][to])
                taken++;
            else
                fprintf(stderr, "never taken: %s to %s\n", gander_tcp_state_name(from),
                        gander_tcp_state_name(to));
        }
    return taken;
}

static void every_schedule_ends_well(void **state)
{
    static struct sweep sweep;
    unsigned long runs = 0;
    unsigned legal = 0, taken;

    (void)state;
    sweep.faults_max = faults_max();
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        const char *only = getenv("GANDER_SCENARIO"), *one = getenv("GANDER_SCHEDULE");
        struct schedule schedule;
        unsigned long before = sweep.runs;

        if (only && !strstr(scenarios[i].name, only))
            continue;
        sweep.scenario = &scenarios[i];
        schedule_aim(&scenarios[i], &schedule);
        schedule.told = one != NULL;
        if (one)
            try_one(&sweep, &schedule, one);
        else
            try_all(&sweep, &schedule);
        print_message("%8lu schedules: %s\n", sweep.runs - before, scenarios[i].name);
        if (scenarios[i].as_before && !only &&
            !one) /* other numbers must not lead to more packets */
            assert_in_range(sweep.runs - before, runs - runs / 32, runs + runs / 32);
        runs = sweep.runs - before;
    }
    taken = count_transitions(&sweep.transitions, &legal);
    print_message("%lu schedules of up to %u faults: %lu wrong; %u of %u legal transitions taken, "
                  "%lu illegal\n",
                  sweep.runs, sweep.faults_max, sweep.wrong, taken, legal,
                  sweep.transitions.illegal);
    assert_int_equal(sweep.wrong, 0);
    if (!getenv("GANDER_SCENARIO") && !getenv("GANDER_SCHEDULE"))
        assert_int_equal(taken, legal);
}

/* Found by four faults. */
static void schedules_that_once_went_wrong(void **state)
{
    static const struct {
        const char *scenario, *schedule;
    } once[] = {
        {"zero window", "drop 1 drop 10 drop 11 swap 15"}, /* a soft error hid how it ended */
        {"zero window", "drop 1 delay 10 drop 12 swap 16"},
    };
    static struct sweep sweep;

    (void)state;
    for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++)
        for (size_t k = 0; k < sizeof(scenarios) / sizeof(scenarios[0]); k++) {
            struct schedule schedule = {.count = 0};

            sweep.scenario = &scenarios[k];
            if (strcmp(scenarios[k].name, once[i].scenario) == 0)
                try_one(&sweep, &schedule, once[i].schedule);
        }
    assert_int_equal(sweep.runs, sizeof(once) / sizeof(once[0]));
    assert_int_equal(sweep.wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schedules_that_once_went_wrong),
        cmocka_unit_test(every_schedule_ends_well),
    };

#ifdef __GLIBC__ /* Each run makes and ends two stacks: keep their memory in the process. */
    mallopt(M_MMAP_THRESHOLD, 256 << 20);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
    return cmocka_run_group_tests_name("schedules", tests, NULL, NULL);
}

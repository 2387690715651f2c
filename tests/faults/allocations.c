/* SPDX-License-Identifier: MIT */
/*
 * Each request for memory fails: the first, the second, … once, or with all behind it, until a story comes to its end
 * without reaching the one that would have failed. Requests to the allocator, and in builds with GANDER_DEBUG requests to the
 * stack's own pools, from either host.
 *
 *     faults-allocations [NAME [4|6 client|server pools|allocator once|forever AT]]
 */
#include "bed.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/stack.h"

enum { DENSE = 100, SITES_MAX = 256 };

struct telling {
    const struct scenario *scenario;
    uint8_t family;
};

static uint64_t told, completed_count, reported_count;
static unsigned site_count;
static struct refusal now_refused;
static const struct telling *now_told;

/* What was refused when the stack ends the program. */
static void say_where(int signal_number)
{
    const struct refusal *r = &now_refused;

    fprintf(stderr, "signal %d: '%s' %u %s %s %s %llu\n", signal_number, now_told->scenario->name,
            now_told->family, r->side == CLIENT ? "client" : "server",
            r->in_slabs ? "pools" : "allocator", r->forever ? "forever" : "once",
            (unsigned long long)r->at);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

/* Which place in the code was refused last. */
static void note_site(const struct gander_stack *stack)
{
#ifdef GANDER_DEBUG
    static const void *sites[SITES_MAX];
    const void *site = stack ? stack->mem->refused_to : NULL;

    for (unsigned i = 0; i < site_count; i++)
        if (sites[i] == site)
            return;
    if (site && site_count < SITES_MAX)
        sites[site_count++] = site;
#else
    (void)stack;
#endif
}

/* Tells the story once. True: the request that was to be refused was reached. */
static bool tell(const struct telling *telling, const struct refusal *refusal)
{
    static struct bed b;
    bool reached;

    now_refused = *refusal;
    now_told = telling;
    if (bed_begin(&b, telling->scenario, telling->family, refusal))
        telling->scenario->story(&b);
    reached = bed_requests(&b) >= refusal->at;
    note_site(b.stack[refusal->side]);
    if (!refusal->forever && !b.completed && !b.reported)
        bed_fail(&b, b.gave_up ? "waited in vain" : "neither came to its end nor said why");
    if (refusal->at == 0 && !b.completed)
        bed_fail(&b, "does not even come to its end with memory");
    told++;
    completed_count += b.completed;
    reported_count += !b.completed && b.reported;
    if (refusal->forever && refusal->at % 2)
        bed_end(&b);
    else
        bed_finish(&b);
    return reached;
}

static void tell_all(void **state)
{
    const struct telling *telling = *state;
    unsigned stride = telling->scenario->stride ? telling->scenario->stride : 1;

    signal(SIGILL, say_where);
    signal(SIGTRAP, say_where);
    (void)tell(telling, &(struct refusal){.at = 0});
    for (unsigned kind = 0; kind < 8; kind++) {
        struct refusal refusal = {.side = kind & 1, .in_slabs = kind & 2, .forever = kind & 4};

#ifndef GANDER_DEBUG
        if (refusal.in_slabs)
            continue;
#endif
        do
            refusal.at += refusal.at < DENSE ? 1 : stride;
        while (tell(telling, &refusal));
    }
}

static int tell_one(const struct telling *telling, char **words)
{
    struct refusal refusal = {.side = strcmp(words[0], "server") == 0 ? SERVER : CLIENT,
                              .in_slabs = strcmp(words[1], "pools") == 0,
                              .forever = strcmp(words[2], "forever") == 0,
                              .at = strtoull(words[3], NULL, 10)};

    signal(SIGILL, say_where);
    printf("%s\n", tell(telling, &refusal) ? "reached" : "not reached");
    return 0;
}

int main(int argc, char **argv)
{
    static struct telling tellings[256];
    static struct CMUnitTest tests[256];
    static char names[256][96];
    size_t n = 0;
    int failed;

    for (size_t i = 0; i < tcp_scenario_count + other_scenario_count; i++) {
        const struct scenario *scenario =
            i < tcp_scenario_count ? &tcp_scenarios[i] : &other_scenarios[i - tcp_scenario_count];

        for (unsigned family = GANDER_IPV4; family <= GANDER_IPV6; family += 2) {
            if (argc > 1 && strcmp(argv[1], scenario->name) != 0)
                continue;
            tellings[n] = (struct telling){scenario, (uint8_t)family};
            if (argc == 7 && (unsigned)atoi(argv[2]) == family)
                return tell_one(&tellings[n], argv + 3);
            snprintf(names[n], sizeof(names[n]), "%s, IPv%u", scenario->name, family);
            tests[n] = (struct CMUnitTest){names[n], tell_all, NULL, NULL, &tellings[n]};
            n++;
        }
    }
    failed = _cmocka_run_group_tests("allocations", tests, n, NULL, NULL);
    printf("%zu scenarios, told %llu times: %llu came to their end, %llu said why not; "
           "%u places in the code were refused\n",
           n, (unsigned long long)told, (unsigned long long)completed_count,
           (unsigned long long)reported_count, site_count);
    return failed;
}

/* SPDX-License-Identifier: MIT */
/*
 * Worlds by chance: each seed draws hosts, links, settings, conversations and faults, and all oracles of sim/swarm.h must hold.
 * GANDER_SEEDS=FIRST-LAST in the environment runs others than the usual ones; `gander sim --seed N` shrinks one that fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/shrink.h"

static void all_oracles_hold_in_any_world(void **state)
{
    const char *seeds = getenv("GANDER_SEEDS");
    unsigned long long first = 1, last = 1000;
    uint64_t segments = 0, completed = 0, excused = 0;
    static struct sim_plan plan;

    (void)state;
    if (seeds && sscanf(seeds, "%llu-%llu", &first, &last) != 2)
        fail_msg("GANDER_SEEDS=%s: want FIRST-LAST", seeds);
    for (unsigned long long seed = first; seed <= last; seed++) {
        struct sim_facts facts;

        sim_plan_draw(&plan, seed);
        if (!sim_swarm_run(&plan, NULL, &facts))
            fail_msg("seed %llu: %s: %s", seed, facts.oracle, facts.sentence);
        segments += facts.segments;
        completed += facts.completed;
        excused += facts.excused;
    }
    printf("%llu segments; ends of connections: %llu completed, %llu excused\n",
           (unsigned long long)segments, (unsigned long long)completed,
           (unsigned long long)excused);
    /* Oracles that excuse most of what happens would hold always. */
    assert_true(excused <= completed / 5 + 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_oracles_hold_in_any_world),
    };

    return cmocka_run_group_tests_name("any_world", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Schedules that once failed, as the simulation shrank them: each must pass. The first line of each says what it showed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <glob.h>

#include "sim/shrink.h"

enum { PATH_BYTES = 1024 };

static void replay(const char *path)
{
    static struct sim_plan plan;
    FILE *file = fopen(path, "r");
    struct sim_facts facts;
    char wrong[PATH_BYTES];

    assert_non_null(file);
    if (!sim_plan_read(&plan, file, wrong, sizeof(wrong)))
        fail_msg("%s: %s", path, wrong);
    (void)fclose(file);
    if (!sim_swarm_run(&plan, NULL, &facts))
        fail_msg("%s: %s: %s", path, facts.oracle, facts.sentence);
}

static void what_once_failed_passes(void **state)
{
    const char *source = getenv("GANDER_SOURCE");
    char pattern[PATH_BYTES];
    glob_t files;

    (void)state;
    (void)snprintf(pattern, sizeof(pattern), "%s/tests/sim/regressions/*.sched",
                   source ? source : ".");
    assert_int_equal(glob(pattern, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++)
        replay(files.gl_pathv[i]);
    printf("%zu schedules\n", files.gl_pathc);
    globfree(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_once_failed_passes),
    };

    return cmocka_run_group_tests_name("regressions", tests, NULL, NULL);
}

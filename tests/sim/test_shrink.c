/* SPDX-License-Identifier: MIT */
/*
 * The swarm's own tests: a plan is drawn, written and read back the same; the same plan is the same run; what fails is found, and
 * shrinks to what it takes. The faults are planted in the oracle, since the stack has none to offer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/shrink.h"

static struct sim_plan plan, other;

static unsigned count_of(const struct sim_plan *p, enum sim_item_kind kind)
{
    unsigned n = 0;

    for (unsigned i = 0; i < p->count; i++)
        n += p->items[i].kind == kind;
    return n;
}

static bool has_knob(const struct sim_plan *p, int64_t value)
{
    for (unsigned i = 0; i < p->count; i++)
        if (p->items[i].kind == SIM_ITEM_knob && p->items[i].v[SIM_KNOB_VALUE] == value)
            return true;
    return false;
}

/* "Fails" when a time-out meets loss and duplication in a conversation with rounds. */
static const char *planted_combination(const struct sim_plan *p, const struct sim_facts *facts)
{
    if (facts->timeouts > 0 && count_of(p, SIM_ITEM_loss) > 0 &&
        count_of(p, SIM_ITEM_duplicate) > 0 && count_of(p, SIM_ITEM_ask) > 0)
        return "planted: a time-out, loss and duplication in one run";
    return NULL;
}

static const char *planted_retransmissions(const struct sim_plan *p, const struct sim_facts *facts)
{
    (void)p;
    return facts->retransmissions > 20 ? "planted: more than 20 retransmissions" : NULL;
}

/* A run that does not come back. */
static const char *planted_crash(const struct sim_plan *p, const struct sim_facts *facts)
{
    (void)facts;
    if (count_of(p, SIM_ITEM_brief) > 0 && has_knob(p, 0))
        _Exit(7);
    return NULL;
}

/* The first seed from `from` on that fails; its plan is drawn. */
static void find_failure(const struct sim_run_options *options, uint64_t from,
                         struct sim_facts *facts)
{
    for (uint64_t seed = from; seed < from + 3000; seed++) {
        sim_plan_draw(&plan, seed);
        if (!sim_run_apart(&plan, options, facts))
            return;
    }
    fail_msg("no seed finds the planted fault");
}

static void shrinks(const char *(*planted)(const struct sim_plan *, const struct sim_facts *),
                    unsigned items_max, const char *oracle)
{
    const struct sim_run_options options = {.planted = planted};
    struct sim_facts facts;
    struct sim_shrink_result result;
    unsigned before;

    find_failure(&options, 1, &facts);
    assert_string_equal(facts.oracle, oracle);
    before = plan.count;
    sim_shrink(&plan, &facts, &options, 120, NULL, NULL, &result);
    if (plan.count > items_max) {
        sim_plan_print(&plan, stderr);
        fail_msg("from %u items to %u in %u runs, not to %u", before, plan.count, result.runs,
                 items_max);
    }
    assert_string_equal(result.facts.oracle, oracle);
    assert_false(sim_run_apart(&plan, &options, &facts)); /* it still does */
    assert_string_equal(facts.oracle, oracle);
}

static void a_combination_shrinks_to_its_parts(void **state)
{
    (void)state;
    /* a link, a conversation, two faults, and what makes the time-out likely */
    shrinks(planted_combination, 6, "planted");
    assert_int_equal(count_of(&plan, SIM_ITEM_link), 1);
    assert_int_equal(count_of(&plan, SIM_ITEM_ask), 1);
}

static void an_effect_shrinks_to_its_cause(void **state)
{
    (void)state;
    shrinks(planted_retransmissions, 4, "planted");
}

static void a_crash_is_an_oracle(void **state)
{
    (void)state;
    shrinks(planted_crash, 3, "crash"); /* a link, a conversation, a setting */
}

static void a_plan_reads_back_the_same(void **state)
{
    char wrong[200];

    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        FILE *file = tmpfile();

        assert_non_null(file);
        sim_plan_draw(&plan, seed);
        sim_plan_print(&plan, file);
        rewind(file);
        memset(wrong, 0, sizeof(wrong));
        if (!sim_plan_read(&other, file, wrong, sizeof(wrong)))
            fail_msg("seed %llu: %s", (unsigned long long)seed, wrong);
        (void)fclose(file);
        assert_int_equal(plan.seed, other.seed);
        assert_int_equal(plan.count, other.count);
        for (unsigned i = 0; i < plan.count; i++)
            assert_memory_equal(plan.items[i].v, other.items[i].v, sizeof(plan.items[i].v));
    }
}

static void wrong_plans_are_refused(void **state)
{
    static const char *const texts[] = {"",
                                        "seed 1\n",
                                        "seed x\nlink a=0 b=1\n",
                                        "link a=0 b=9 mtu=1500\n",
                                        "link a=0 b=1 mtu=1500\nfrobnicate at_us=1\n",
                                        "link a=0 b=1 mtu=12monkeys\n",
                                        "link a=0 b=1 mtu=1500\nknob host=0 knob=none value=1\n"};
    char wrong[200];

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        FILE *file = tmpfile();

        assert_non_null(file);
        (void)fputs(texts[i], file);
        rewind(file);
        assert_false(sim_plan_read(&plan, file, wrong, sizeof(wrong)));
        assert_true(strlen(wrong) > 0);
        (void)fclose(file);
    }
}

static void a_seed_is_a_run(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct sim_facts first, second;

        sim_plan_draw(&plan, seed);
        (void)sim_swarm_run(&plan, NULL, &first);
        (void)sim_swarm_run(&plan, NULL, &second);
        assert_int_equal(first.digest, second.digest);
        assert_int_equal(first.segments, second.segments);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_reads_back_the_same),
        cmocka_unit_test(wrong_plans_are_refused),
        cmocka_unit_test(a_seed_is_a_run),
        cmocka_unit_test(a_combination_shrinks_to_its_parts),
        cmocka_unit_test(an_effect_shrinks_to_its_cause),
        cmocka_unit_test(a_crash_is_an_oracle),
    };

    return cmocka_run_group_tests_name("shrink", tests, NULL, NULL);
}

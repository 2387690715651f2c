/* SPDX-License-Identifier: MIT */
/*
 * The timer wheel against a list that is searched for its minimum, over a million seeded operations: each timer fires at its
 * exact time, in order of time, equals in the order in which they were armed. And bounds of work: a million equal
 * deadlines, clocks that jump, timers armed while others fire.
 */
#include "test_memory.h"

#include "base/bytes.h"
#include "base/wheel.h"

enum { TIMERS = 200, PLENTY = 1000000000 };

struct entry {
    struct timer timer;
    uint64_t order; /* of arming */
    bool armed;
};

struct world {
    struct wheel wheel;
    struct entry entries[TIMERS];
    gander_time now;
    uint64_t orders, fired;
    bool cancelled; /* since the wheel was empty */
};

static struct world world;

static void world_init(gander_time now)
{
    memset(&world, 0, sizeof(world));
    world.now = now;
    wheel_init(&world.wheel, now);
    for (unsigned i = 0; i < TIMERS; i++)
        timer_init(&world.entries[i].timer);
}

static struct entry *model_next(void)
{
    struct entry *best = NULL;

    for (struct entry *e = world.entries; e < world.entries + TIMERS; e++)
        if (e->armed && (!best || e->timer.expires < best->timer.expires ||
                         (e->timer.expires == best->timer.expires && e->order < best->order)))
            best = e;
    return best;
}

static void arm(struct entry *e, gander_time expires)
{
    wheel_arm(&world.wheel, &e->timer, expires);
    e->armed = expires != GANDER_NEVER;
    e->order = world.orders++;
    assert_int_equal(timer_is_armed(&e->timer), e->armed);
}

static void cancel(struct entry *e)
{
    wheel_cancel(&world.wheel, &e->timer);
    e->armed = false;
    world.cancelled = true;
    assert_false(timer_is_armed(&e->timer));
}

/* wheel_next() is never late, and exact if nothing was cancelled or moved. */
static void check_next(bool exact)
{
    const struct entry *next = model_next();
    gander_time at = wheel_next(&world.wheel);

    if (!next)
        assert_true(at == GANDER_NEVER);
    else if (exact)
        assert_true(at == next->timer.expires);
    else
        assert_true(at <= next->timer.expires);
}

/* Lets the clock go on and compares all that fires; steps are given in small change. */
static void advance(gander_time now, unsigned change)
{
    unsigned steps = change, calls = 0;

    world.now = now;
    for (;;) {
        struct timer *timer = wheel_expire(&world.wheel, now, &steps);

        if (timer) {
            struct entry *due = model_next();

            assert_non_null(due);
            assert_ptr_equal(timer, &due->timer);
            assert_true(timer->expires <= now);
            assert_false(timer_is_armed(timer));
            due->armed = false;
            world.fired++;
        } else if (wheel_next(&world.wheel) > now) {
            break;
        }
        if (steps == 0)
            steps = change;
        assert_true(++calls < 100000);
    }
    assert_true(!model_next() || model_next()->timer.expires > now);
}

/* Delays of all magnitudes, and many equal ones. */
static gander_time random_delay(uint64_t *seed)
{
    uint64_t r = test_random(seed);

    if ((r & 3) == 0)
        return (gander_time)(r >> 8 & 7) * 200 * GANDER_MS;
    return (gander_time)(test_random(seed) >> (20 + (r >> 8) % 44));
}

static void run_model(unsigned operations, uint64_t seed, bool cancels)
{
    world_init((gander_time)(test_random(&seed) >> 30));
    for (unsigned i = 0; i < operations; i++) {
        uint64_t r = test_random(&seed);
        struct entry *e = &world.entries[(r >> 16) % TIMERS];
        gander_time next;

        switch (r & 15) {
        case 0:
            if (cancels)
                cancel(e);
            break;
        case 1: /* somewhere, mostly short of the next timer */
            advance(world.now + (gander_time)(test_random(&seed) >> (30 + (r >> 8) % 34)),
                    1 + (unsigned)(r >> 32) % 50);
            break;
        case 2:
        case 3: /* to just before a timer and to it */
            next = wheel_next(&world.wheel);
            if (next == GANDER_NEVER || next <= world.now)
                break;
            advance(next - 1, PLENTY);
            check_next(!cancels);
            advance(next, PLENTY);
            break;
        default:
            if (cancels || !e->armed)
                arm(e, world.now + random_delay(&seed));
        }
        if (i % 8 == 0)
            check_next(!cancels);
    }
    advance(GANDER_NEVER - 1, PLENTY);
    check_next(true);
    assert_true(world.fired > operations / 50);
}

static void test_a_million_operations(void **state)
{
    (void)state;
    run_model(1000000, 1, true);
}

static void test_next_is_exact_without_cancellation(void **state)
{
    (void)state;
    run_model(300000, 2, false);
}

static void test_many_seeds(void **state)
{
    (void)state;
    for (uint64_t seed = 10; seed < 60; seed++)
        run_model(2000, seed, seed % 2);
}

static void test_the_past_is_due_at_once(void **state)
{
    unsigned steps = PLENTY;

    (void)state;
    world_init(1000);
    arm(&world.entries[0], 2000);
    assert_null(wheel_expire(&world.wheel, 1500, &steps));
    arm(&world.entries[1], 3);
    arm(&world.entries[2], -5);
    assert_true(wheel_next(&world.wheel) <= 1500);
    assert_ptr_equal(wheel_expire(&world.wheel, 1500, &steps), &world.entries[1].timer);
    assert_ptr_equal(wheel_expire(&world.wheel, 1500, &steps), &world.entries[2].timer);
    assert_null(wheel_expire(&world.wheel, 1500, &steps));
    assert_true(wheel_next(&world.wheel) == 2000);
    arm(&world.entries[1], 1500);
    arm(&world.entries[2], 1400);
    cancel(&world.entries[1]);
    cancel(&world.entries[2]);
    cancel(&world.entries[2]); /* once more does no harm */
    assert_true(wheel_next(&world.wheel) == 2000);
}

static void test_never_cancels(void **state)
{
    (void)state;
    world_init(0);
    arm(&world.entries[0], 10);
    arm(&world.entries[0], GANDER_NEVER);
    assert_true(wheel_next(&world.wheel) == GANDER_NEVER);
    arm(&world.entries[0], GANDER_NEVER - 1);
    assert_true(wheel_next(&world.wheel) == GANDER_NEVER - 1);
    advance(GANDER_NEVER - 1, PLENTY);
    assert_true(world.fired == 1);
}

/* A cancelled deadline may wake the caller once in vain; then the next time is exact. */
static void test_at_most_one_wakeup_in_vain(void **state)
{
    (void)state;
    world_init(0);
    arm(&world.entries[0], 5 * GANDER_S);
    arm(&world.entries[1], 5 * GANDER_S + 100 * GANDER_MS);
    cancel(&world.entries[0]);
    assert_true(wheel_next(&world.wheel) >= 4 * GANDER_S);
    advance(wheel_next(&world.wheel), PLENTY);
    check_next(true);
}

enum { MILLION = 1000000 };

static void test_a_million_equal_deadlines(void **state)
{
    struct timer *timers = malloc(MILLION * sizeof(*timers)), late;
    unsigned fired = 0, calls = 0;

    (void)state;
    world_init(0);
    timer_init(&late);
    for (unsigned i = 0; i < MILLION; i++) {
        timer_init(&timers[i]);
        wheel_arm(&world.wheel, &timers[i], 7 * GANDER_S);
    }
    while (wheel_next(&world.wheel) != GANDER_NEVER) {
        unsigned steps = 1000;
        struct timer *timer;

        assert_true(wheel_next(&world.wheel) <= 7 * GANDER_S);
        while ((timer = wheel_expire(&world.wheel, 7 * GANDER_S, &steps))) {
            assert_ptr_equal(timer, fired < MILLION ? &timers[fired] : &late);
            fired++;
        }
        if (calls++ == 3) /* half way down: the same instant, but behind all others */
            wheel_arm(&world.wheel, &late, 7 * GANDER_S);
    }
    assert_int_equal(fired, MILLION + 1);
    /* Each is moved once and handed out; no call does more than its steps. */
    assert_in_range(calls, 2 * MILLION / 1000, 2 * MILLION / 1000 + 10);
    free(timers);
}

/* Timers that are armed again for now while they fire use up the steps, not the time of the caller. */
static void test_arming_for_now_is_bounded(void **state)
{
    struct timer timer;
    unsigned steps = 1000, fired = 0;

    (void)state;
    world_init(0);
    timer_init(&timer);
    wheel_arm(&world.wheel, &timer, 5);
    while (wheel_expire(&world.wheel, 10, &steps)) {
        fired++;
        wheel_arm(&world.wheel, &timer, 10);
    }
    assert_int_equal(steps, 0);
    assert_in_range(fired, 100, 1000);
    assert_true(wheel_next(&world.wheel) <= 10);
}

/* Cancelled at random while they wait to be put further down. */
static void test_cancel_while_moving(void **state)
{
    uint64_t seed = 21;

    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        unsigned steps = (unsigned)(test_random(&seed) % TIMERS);

        world_init(0);
        for (unsigned i = 0; i < TIMERS; i++)
            arm(&world.entries[i], GANDER_S + (gander_time)(test_random(&seed) % 64 * 1000));
        while (wheel_next(&world.wheel) < GANDER_S)
            assert_null(wheel_expire(&world.wheel, wheel_next(&world.wheel), &steps));
        assert_null(wheel_expire(&world.wheel, GANDER_S - 1, &steps));
        steps = (unsigned)(test_random(&seed) % (TIMERS / 2));
        while (steps) {
            struct timer *timer = wheel_expire(&world.wheel, GANDER_S + 9000, &steps);

            if (!timer)
                break;
            assert_ptr_equal(timer, &model_next()->timer);
            model_next()->armed = false;
        }
        for (unsigned i = 0; i < TIMERS; i += 1 + (unsigned)test_random(&seed) % 4)
            cancel(&world.entries[i]);
        for (unsigned i = 1; i < TIMERS; i += 1 + (unsigned)test_random(&seed) % 9)
            arm(&world.entries[i], GANDER_S + 9000 + (gander_time)(test_random(&seed) % 64 * 1000));
        advance(GANDER_S + 20000, 3);
        for (unsigned i = 0; i < TIMERS; i++)
            cancel(&world.entries[i]);
        assert_true(wheel_next(&world.wheel) == GANDER_NEVER);
    }
}

static void test_jumps_of_50_days_cost_what_is_due(void **state)
{
    const gander_time day = 86400 * GANDER_S;
    unsigned steps = 4;

    (void)state;
    world_init(12345);
    arm(&world.entries[0], 49 * day);
    arm(&world.entries[1], 120 * day);
    assert_ptr_equal(wheel_expire(&world.wheel, 50 * day, &steps), &world.entries[0].timer);
    assert_null(wheel_expire(&world.wheel, 50 * day, &steps));
    assert_true(steps >= 2);
    assert_true(world.wheel.base == 50 * day); /* what is armed now lies fine */
    assert_true(wheel_next(&world.wheel) == 120 * day);
    /* Empty wheels follow the clock. */
    assert_ptr_equal(wheel_expire(&world.wheel, 150 * day, &steps), &world.entries[1].timer);
    assert_null(wheel_expire(&world.wheel, 100000 * day, &steps));
    assert_true(world.wheel.base == 100000 * day);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_million_operations),
        cmocka_unit_test(test_next_is_exact_without_cancellation),
        cmocka_unit_test(test_many_seeds),
        cmocka_unit_test(test_the_past_is_due_at_once),
        cmocka_unit_test(test_never_cancels),
        cmocka_unit_test(test_at_most_one_wakeup_in_vain),
        cmocka_unit_test(test_a_million_equal_deadlines),
        cmocka_unit_test(test_arming_for_now_is_bounded),
        cmocka_unit_test(test_cancel_while_moving),
        cmocka_unit_test(test_jumps_of_50_days_cost_what_is_due),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Worlds on several threads at once share nothing: the same seed gives the same run to the bit on each thread, whatever the
 * others do. Under the thread sanitizer (preset tsan) this shows that the core has no hidden state.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/bulk.h"

enum { THREADS = 4 };

#define SECOND INT64_C(1000000000)

/* cmocka's assertions are for one thread; these wait for the main one. */
struct outcome {
    pthread_t thread;
    uint64_t seed, digest, leaked_bytes;
    const char *error;
};

static const char *talk(struct sim_world *world, uint64_t seed)
{
    static const struct gander_impairment lossy = {
        .delay_ns = SECOND / 100, .loss_ppm = 20000, .reorder_ppm = 50000, .duplicate_ppm = 10000};
    const struct sim_cable cable = {.ab = &lossy, .ba = &lossy};
    struct sim_bulk_config config = {.server_address = "192.0.2.2:80",
                                     .connections = 8,
                                     .bytes_up = 100000,
                                     .bytes_down = 300000,
                                     .seed = seed};
    struct sim_host *a, *b;
    struct sim_link *link;
    struct sim_bulk *bulk;
    bool done;

    if (sim_host_add(world, "a", NULL, &a) != GANDER_OK ||
        sim_host_add(world, "b", NULL, &b) != GANDER_OK ||
        sim_link_add(world, a, "192.0.2.1/24", b, "192.0.2.2/24", &cable, &link) != GANDER_OK)
        return "no world";
    config.client = a;
    config.server = b;
    bulk = sim_bulk_start(world, &config);
    if (!bulk)
        return "no memory";
    done = sim_run_until_done(world, sim_bulk_done, bulk, 600 * SECOND) && !sim_bulk_error(bulk);
    sim_bulk_end(bulk);
    return done ? NULL : "not all bytes arrived";
}

static void *live(void *context)
{
    struct outcome *outcome = context;
    struct sim_world *world = sim_world_create(outcome->seed);

    if (!world) {
        outcome->error = "no memory";
        return NULL;
    }
    outcome->error = talk(world, outcome->seed);
    outcome->digest = sim_digest(world);
    outcome->leaked_bytes = sim_world_destroy(world);
    return NULL;
}

static void threads_share_nothing(void **state)
{
    struct outcome alone = {.seed = 1}, together[THREADS] = {{.seed = 0}};

    (void)state;
    live(&alone);
    assert_null(alone.error);
    for (unsigned i = 0; i < THREADS; i++) {
        together[i].seed = 1 + i / 2; /* two of each */
        assert_int_equal(pthread_create(&together[i].thread, NULL, live, &together[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(together[i].thread, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_null(together[i].error);
        assert_int_equal(together[i].leaked_bytes, 0);
        assert_int_equal(together[i].digest, together[i & ~1u].digest);
    }
    assert_int_equal(together[0].digest, alone.digest);
    assert_true(together[2].digest != alone.digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_nothing),
    };

    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}

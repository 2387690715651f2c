/* SPDX-License-Identifier: MIT */
/*
 * Worlds by chance: each seed draws the network, both hosts' settings and the workload, and then
 * all bytes must arrive, nothing may be left, and memory must be back. GANDER_SEEDS=FIRST-LAST in
 * the environment runs others than the usual ones; a failure prints its seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/bulk.h"
#include "sim/world.h"

#define LIMIT (24 * 3600 * GANDER_S)

static uint64_t state_of_draw;

static uint64_t draw(uint64_t below)
{
    uint64_t z = state_of_draw += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

static bool draw_bool(void)
{
    return draw(2) == 1;
}

/* Often 0, else up to `most`. */
static uint32_t draw_ppm(uint32_t most)
{
    return draw_bool() ? (uint32_t)draw(most + 1) : 0;
}

static struct gander_impairment draw_impairment(bool trusted)
{
    struct gander_impairment i = {.loss_ppm = draw_ppm(60000),
                                  .duplicate_ppm = draw_ppm(60000),
                                  .reorder_ppm = draw_ppm(200000),
                                  .corrupt_ppm = trusted ? 0 : draw_ppm(40000),
                                  .delay_ns = (gander_time)draw(100 * GANDER_MS),
                                  .jitter_ns = (gander_time)draw(20 * GANDER_MS),
                                  .reorder_ns = (gander_time)draw(30 * GANDER_MS)};

    if (draw(3) == 0) {
        i.rate_bits_per_second = 1000000 + draw(200000000);
        i.queue_bytes = 3000 + (uint32_t)draw(100000);
    }
    return i;
}

static struct gander_config draw_config(void)
{
    struct gander_config config;

    gander_config_init(&config);
    config.start = (gander_time)draw(20000 * (uint64_t)GANDER_S); /* any initial sequence number */
    config.tcp_timestamps = draw_bool();
    config.tcp_window_scaling = draw_bool();
    config.tcp_sack = draw_bool();
    if (draw_bool())
        config.tcp_receive_buffer_bytes = 2048 + (uint32_t)draw(500000);
    if (draw_bool())
        config.tcp_send_buffer_bytes = 2048 + (uint32_t)draw(500000);
    if (draw(4) == 0)
        config.tcp_delayed_ack_ns = (gander_time)draw(400 * GANDER_MS);
    if (draw(4) == 0)
        config.tcp_initial_window_segs = 1 + (uint32_t)draw(20);
    if (draw(4) == 0)
        config.memory_max_bytes = 700000 + draw(1000000);
    return config;
}

static struct sim_cable draw_cable(struct gander_impairment *ab, struct gander_impairment *ba)
{
    static const uint32_t usual[] = {1500, 1500, 1492, 1280, 9000, 65535};
    bool trusted = draw(8) == 0;

    *ab = draw_impairment(trusted);
    *ba = draw_impairment(trusted);
    return (struct sim_cable){
        .mtu_bytes = draw_bool() ? usual[draw(6)] : 1280 + (uint32_t)draw(2000),
        .flags = trusted ? GANDER_LINK_TRUSTED : 0,
        .queue_packets = draw(4) == 0 ? 1 + (uint32_t)draw(16) : 0,
        .ab = ab,
        .ba = ba,
    };
}

static struct sim_world *draw_world(uint64_t seed, struct sim_bulk_config *bulk)
{
    static const char *const servers[2] = {"192.0.2.2:80", "[2001:db8::2]:80"};
    struct gander_impairment ab, ba;
    struct gander_config client = draw_config(), server = draw_config();
    struct sim_cable cable = draw_cable(&ab, &ba);
    struct sim_world *world = sim_world_create(seed);
    struct sim_link *link;

    assert_non_null(world);
    assert_int_equal(sim_host_add(world, "client", &client, &bulk->client), GANDER_OK);
    assert_int_equal(sim_host_add(world, "server", &server, &bulk->server), GANDER_OK);
    assert_int_equal(sim_link_add(world, bulk->client, "192.0.2.1/24", bulk->server, "192.0.2.2/24",
                                  &cable, &link),
                     GANDER_OK);
    assert_int_equal(sim_link_address(link, "2001:db8::1/64", "2001:db8::2/64"), GANDER_OK);
    bulk->server_address = servers[draw(2)];
    bulk->connections = draw_bool() ? 1 : 1 + (unsigned)draw(8);
    bulk->bytes_up = draw(draw_bool() ? 100000 : 2000);
    bulk->bytes_down = draw(draw_bool() ? 100000 : 2000);
    bulk->read_pause_ns = draw(4) == 0 ? (gander_time)draw(2 * GANDER_S) : 0;
    bulk->seed = seed;
    return world;
}

/* Short of memory, a stack may end connections; it counts that. */
static bool was_short_of_memory(const struct sim_bulk_config *config)
{
    struct gander_stats client, server;

    gander_stats(config->client->stack, &client);
    gander_stats(config->server->stack, &server);
    return client.tcp_evictions + server.tcp_evictions > 0;
}

/* Whether all bytes arrived. */
static bool run(uint64_t seed)
{
    struct sim_bulk_config config = {0};
    struct sim_world *world;
    struct sim_bulk *bulk;
    char left[200];
    bool whole;

    state_of_draw = seed;
    world = draw_world(seed, &config);
    bulk = sim_bulk_start(world, &config);
    assert_non_null(bulk);
    if (!sim_run_until_done(world, sim_bulk_done, bulk, LIMIT))
        fail_msg("seed %llu: not done after a day", (unsigned long long)seed);
    whole = sim_bulk_error(bulk) == NULL;
    if (!whole && !was_short_of_memory(&config))
        fail_msg("seed %llu: %s", (unsigned long long)seed, sim_bulk_error(bulk));
    sim_bulk_end(bulk);
    sim_run_until(world, sim_now(world) + LIMIT);
    if (!sim_is_quiet(world, left, sizeof(left)))
        fail_msg("seed %llu: %s", (unsigned long long)seed, left);
    if (sim_world_destroy(world) != 0)
        fail_msg("seed %llu: memory was not given back", (unsigned long long)seed);
    return whole;
}

static void all_bytes_arrive_in_any_world(void **state)
{
    const char *seeds = getenv("GANDER_SEEDS");
    unsigned long long first = 1, last = 300, cut_short = 0;

    (void)state;
    if (seeds && sscanf(seeds, "%llu-%llu", &first, &last) != 2)
        fail_msg("GANDER_SEEDS=%s: want FIRST-LAST", seeds);
    for (unsigned long long seed = first; seed <= last; seed++)
        cut_short += !run(seed);
    assert_true(cut_short <= (last - first + 1) / 50 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_bytes_arrive_in_any_world),
    };

    return cmocka_run_group_tests_name("any_world", tests, NULL, NULL);
}

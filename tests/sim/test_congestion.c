/* SPDX-License-Identifier: MIT */
/*
 * What the congestion controls reach on a path of 100 Mbit/s and 20 ms, in virtual time: without loss, with random loss, beside
 * each other. Goodput is counted from the second second on, when the start is over.
 * 96.5 Mbit/s is what fits (1,448 of 1,500 bytes).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/world.h"

enum { FLOWS_MAX = 2, CHUNK_BYTES = 65536, BDP_BYTES = 250000, MOVES_MAX = 256 };

/* One run; zero where not needed. */
struct run {
    const char *cc[FLOWS_MAX]; /* of each flow */
    uint32_t loss_ppm;
    uint32_t queue_bytes;
    uint64_t rate; /* bits per second; 0: 100 Mbit/s */
    gander_time rtt;
    gander_time seconds; /* 0: 20 */
    uint64_t seed;
    bool pacing;
};

struct flow {
    gander_socket out, in;
    uint64_t received, counted_from;
};

struct lab {
    struct sim_world *world;
    struct sim_host *client, *server;
    struct sim_link *link;
    gander_socket listener;
    struct flow flows[FLOWS_MAX];
    unsigned accepted;
    double mbit[FLOWS_MAX];
    struct { /* of a BBR flow */
        gander_time at;
        uint8_t why;
    } moves[MOVES_MAX];
    unsigned move_count;
};

static uint8_t chunk[CHUNK_BYTES];

static void client_events(void *context, struct sim_host *host, const struct gander_event *events,
                          size_t n)
{
    (void)context;
    for (size_t i = 0; i < n; i++) {
        if (events[i].bits & GANDER_EVENT_WRITABLE) {
            while (gander_send(host->stack, events[i].socket, chunk, sizeof(chunk), 0) > 0)
                ;
        }
    }
}

static void read_all(struct sim_host *host, struct flow *flow)
{
    static uint8_t buffer[CHUNK_BYTES];
    int64_t got;

    while ((got = gander_receive(host->stack, flow->in, buffer, sizeof(buffer), 0)) > 0)
        flow->received += (uint64_t)got;
}

/* Which flow it is, its first bytes do not tell: its peer's port does. */
static void accept_one(struct lab *lab)
{
    struct gander_address peer, local;
    gander_socket socket;

    while (gander_accept(lab->server->stack, lab->listener, &socket, &peer) == 0) {
        for (unsigned i = 0; i < FLOWS_MAX; i++) {
            if (lab->flows[i].out == 0)
                continue;
            assert_int_equal(gander_local_address(lab->client->stack, lab->flows[i].out, &local),
                             0);
            if (local.port == peer.port)
                lab->flows[i].in = socket;
        }
    }
}

static void server_events(void *context, struct sim_host *host, const struct gander_event *events,
                          size_t n)
{
    struct lab *lab = context;

    for (size_t i = 0; i < n; i++) {
        if (events[i].socket == lab->listener)
            accept_one(lab);
        for (unsigned f = 0; f < FLOWS_MAX; f++) {
            if (lab->flows[f].in != 0)
                read_all(host, &lab->flows[f]);
        }
    }
}

/* The states of BBR as the trace tells them. */
static void watch(void *context, const struct sim_host *host,
                  const struct gander_trace_event *event)
{
    struct lab *lab = context;
    uint8_t why = event->u.window.why;

    if (host != lab->client || event->type != GANDER_TRACE_window)
        return;
    if (why < GANDER_WHY_bbr_startup || why > GANDER_WHY_bbr_probe_rtt ||
        lab->move_count == MOVES_MAX)
        return;
    lab->moves[lab->move_count].at = event->time;
    lab->moves[lab->move_count++].why = why;
}

static void lab_build(struct lab *lab, const struct run *run)
{
    const gander_time rtt = run->rtt ? run->rtt : 20 * GANDER_MS;
    const struct gander_impairment ab = {.rate_bits_per_second = run->rate ? run->rate : 100000000,
                                         .queue_bytes =
                                             run->queue_bytes ? run->queue_bytes : BDP_BYTES,
                                         .loss_ppm = run->loss_ppm,
                                         .delay_ns = rtt / 2};
    const struct gander_impairment ba = {.delay_ns = rtt / 2};
    const struct sim_cable cable = {.ab = &ab, .ba = &ba};
    struct gander_config config;

    gander_config_init(&config);
    config.tcp_pacing = run->pacing;
    lab->world = sim_world_create(run->seed ? run->seed : 1);
    assert_non_null(lab->world);
    assert_int_equal(sim_host_add(lab->world, "client", &config, &lab->client), 0);
    assert_int_equal(sim_host_add(lab->world, "server", NULL, &lab->server), 0);
    assert_int_equal(sim_link_add(lab->world, lab->client, "192.0.2.1/24", lab->server,
                                  "192.0.2.2/24", &cable, &lab->link),
                     0);
    assert_int_equal(sim_trace_add(lab->world, watch, lab), 0);
    sim_on_events(lab->client, client_events, lab);
    sim_on_events(lab->server, server_events, lab);
}

static void lab_open(struct lab *lab, const struct run *run)
{
    struct gander_stack *client = lab->client->stack, *server = lab->server->stack;
    struct gander_address at;

    assert_int_equal(gander_address_parse("192.0.2.2:80", &at), 0);
    assert_int_equal(gander_open(server, GANDER_TCP, &lab->listener), 0);
    assert_int_equal(gander_bind(server, lab->listener, &at), 0);
    assert_int_equal(gander_listen(server, lab->listener, FLOWS_MAX), 0);
    for (unsigned i = 0; i < FLOWS_MAX && run->cc[i]; i++) {
        gander_socket *s = &lab->flows[i].out;

        assert_int_equal(gander_open(client, GANDER_TCP, s), 0);
        assert_int_equal(gander_set_congestion_control(client, *s, run->cc[i]), 0);
        assert_int_equal(gander_connect(client, *s, &at), 0);
    }
}

/* Fills in the goodput of each flow. */
static void lab_run(struct lab *lab, const struct run *run)
{
    gander_time seconds = run->seconds ? run->seconds : 20;

    memset(lab, 0, sizeof(*lab));
    lab_build(lab, run);
    lab_open(lab, run);
    sim_run_until(lab->world, GANDER_S);
    for (unsigned i = 0; i < FLOWS_MAX; i++)
        lab->flows[i].counted_from = lab->flows[i].received;
    sim_run_until(lab->world, seconds * GANDER_S);
    for (unsigned i = 0; i < FLOWS_MAX; i++)
        lab->mbit[i] = (double)(lab->flows[i].received - lab->flows[i].counted_from) * 8 / 1e6 /
                       (double)(seconds - 1);
    for (unsigned i = 0; i < FLOWS_MAX; i++) {
        if (lab->flows[i].out != 0)
            gander_abort(lab->client->stack, lab->flows[i].out);
        if (lab->flows[i].in != 0)
            gander_abort(lab->server->stack, lab->flows[i].in);
    }
    gander_close(lab->server->stack, lab->listener);
    sim_settle(lab->world);
    assert_int_equal(sim_world_destroy(lab->world), 0);
}

static double goodput(const struct run *run)
{
    struct lab lab;

    lab_run(&lab, run);
    print_message("%-8s loss %5u ppm, queue %7u bytes%s: %5.1f Mbit/s\n", run->cc[0], run->loss_ppm,
                  run->queue_bytes ? run->queue_bytes : BDP_BYTES, run->pacing ? ", paced" : "",
                  lab.mbit[0]);
    return lab.mbit[0];
}

static void newreno_fills_a_clean_path(void **state)
{
    (void)state;
    assert_true(goodput(&(struct run){.cc = {"newreno"}}) >= 95);
}

static void cubic_fills_a_clean_path(void **state)
{
    (void)state;
    assert_true(goodput(&(struct run){.cc = {"cubic"}}) >= 95);
    assert_true(goodput(&(struct run){.cc = {"cubic"}, .pacing = true}) >= 95);
}

static void bbr_fills_a_clean_path(void **state)
{
    (void)state;
    assert_true(goodput(&(struct run){.cc = {"bbr"}}) >= 95);
    assert_true(goodput(&(struct run){.cc = {"bbr"}, .queue_bytes = BDP_BYTES / 4}) >= 93);
}

/*
 * At 1 %, 95.5 Mbit/s is what fits beside what is sent again; of that the draft's margin of pacing takes 1 %, ProbeRTT 0.4 %, and
 * rounds that by chance lose more than 2 % the rest.
 */
static void bbr_bears_random_loss(void **state)
{
    (void)state;
    assert_true(goodput(&(struct run){.cc = {"bbr"}, .loss_ppm = 1000}) >= 94);
    assert_true(goodput(&(struct run){.cc = {"bbr"}, .loss_ppm = 10000}) >= 91);
}

/* AIMD's law: 1.22 / sqrt (p) segments a round trip, 22.3 and 7.1 Mbit/s; CUBIC's alpha of 1 above the last window adds a little. */
static void cubic_as_expected_with_random_loss(void **state)
{
    (void)state;
    assert_true(goodput(&(struct run){.cc = {"cubic"}, .loss_ppm = 1000}) >= 23);
    assert_true(goodput(&(struct run){.cc = {"cubic"}, .loss_ppm = 10000}) >= 6.3);
}

static void two_cubic_flows_share(void **state)
{
    struct lab lab;
    double a, b, jain;

    (void)state;
    lab_run(&lab, &(struct run){.cc = {"cubic", "cubic"}, .seconds = 30});
    a = lab.mbit[0];
    b = lab.mbit[1];
    jain = (a + b) * (a + b) / (2 * (a * a + b * b));
    print_message("cubic %.1f, cubic %.1f Mbit/s: Jain %.3f\n", a, b, jain);
    assert_true(a + b >= 94);
    assert_true(jain >= 0.95);
}

/* The draft wants to leave CUBIC its share: with queues from a quarter to four BDP it gets 35 to 59 % (60 s). A fifth is the bar. */
static void bbr_leaves_room_for_cubic(void **state)
{
    struct lab lab;

    (void)state;
    lab_run(&lab, &(struct run){.cc = {"bbr", "cubic"}, .queue_bytes = BDP_BYTES});
    print_message("bbr %.1f, cubic %.1f Mbit/s\n", lab.mbit[0], lab.mbit[1]);
    assert_true(lab.mbit[0] + lab.mbit[1] >= 94);
    assert_true(lab.mbit[0] >= 20);
    assert_true(lab.mbit[1] >= 20);
}

static bool may_follow(uint8_t before, uint8_t after)
{
    switch (after) {
    case GANDER_WHY_bbr_drain:
        return before == GANDER_WHY_bbr_startup;
    case GANDER_WHY_bbr_probe_down:
        return before == GANDER_WHY_bbr_drain || before == GANDER_WHY_bbr_probe_up;
    case GANDER_WHY_bbr_cruise: /* DOWN may last no longer than an instant: the trace tells only where it ends */
        return before != GANDER_WHY_bbr_startup && before != GANDER_WHY_bbr_refill;
    case GANDER_WHY_bbr_refill:
        return before == GANDER_WHY_bbr_probe_down || before == GANDER_WHY_bbr_cruise;
    case GANDER_WHY_bbr_probe_up:
        return before == GANDER_WHY_bbr_refill;
    case GANDER_WHY_bbr_probe_rtt:
        return before != GANDER_WHY_bbr_probe_rtt;
    default:
        return false;
    }
}

/* The state transition diagram; ProbeBW cycles of 62 or 63 round trips at most; ProbeRTT of 200 ms and a round trip. */
static void bbr_walks_through_its_states(void **state)
{
    gander_time refilled = 0, probe_rtt = 0;
    struct lab lab;
    unsigned ups = 0;

    (void)state;
    lab_run(&lab, &(struct run){.cc = {"bbr"}, .seconds = 12});
    assert_true(lab.move_count > 10);
    assert_int_equal(lab.moves[0].why, GANDER_WHY_bbr_startup);
    for (unsigned i = 1; i < lab.move_count; i++) {
        gander_time at = lab.moves[i].at;

        assert_true(may_follow(lab.moves[i - 1].why, lab.moves[i].why));
        ups += lab.moves[i].why == GANDER_WHY_bbr_probe_up;
        if (lab.moves[i].why == GANDER_WHY_bbr_drain)
            assert_true(at < 400 * GANDER_MS);
        if (lab.moves[i].why == GANDER_WHY_bbr_refill) {
            assert_true(refilled == 0 || at - refilled > 900 * GANDER_MS);
            assert_true(refilled == 0 || at - refilled < 3500 * GANDER_MS);
            refilled = at;
        }
        if (lab.moves[i - 1].why == GANDER_WHY_bbr_probe_rtt) {
            probe_rtt = at - lab.moves[i - 1].at;
            assert_in_range(probe_rtt, 200 * GANDER_MS, 280 * GANDER_MS);
        }
    }
    assert_true(ups >= 4);
    assert_true(probe_rtt > 0); /* the handshake's round trip was shorter than any with data */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newreno_fills_a_clean_path),
        cmocka_unit_test(cubic_fills_a_clean_path),
        cmocka_unit_test(bbr_fills_a_clean_path),
        cmocka_unit_test(bbr_bears_random_loss),
        cmocka_unit_test(cubic_as_expected_with_random_loss),
        cmocka_unit_test(two_cubic_flows_share),
        cmocka_unit_test(bbr_leaves_room_for_cubic),
        cmocka_unit_test(bbr_walks_through_its_states),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

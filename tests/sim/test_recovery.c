/* SPDX-License-Identifier: MIT */
/*
 * Loss recovery measured in virtual time: what reordering, a lost tail and lost retransmissions cost. Bars are those of the project:
 * with 5 ms of reordering and no loss 95 % of the goodput in order and less than 0.1 % resent in vain [RFC8985 6.2, step 4]; the
 * last of ten segments resent within two round trips and 10 ms of the last ACK [RFC8985 7]; lost retransmissions do not
 * wait for the timer. GANDER_VERBOSE=1 prints figures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/bulk.h"
#include "sim/world.h"

enum { MIB = 1 << 20, RATE = 100000000, SEGMENTS = 10 };

struct path {
    struct gander_impairment up, down;
    uint64_t bytes, seed;
    const char *cc;
    uint32_t window_bytes;
    bool no_timestamps;
};

struct result {
    gander_time took;
    double mbit_s;
    struct gander_stats client, server;
};

/* What a trace tells of one sender. */
struct tail {
    gander_time last_ack, probe, lost_sent;
};

static void tell(const char *what, const struct path *p, const struct result *r)
{
    if (getenv("GANDER_VERBOSE"))
        printf(
            "%s %s: %.1f Mbit/s, %llu of %llu segments resent, %llu time-outs, %llu lost again, "
            "%llu probes, %llu undone\n",
            what, p->cc, r->mbit_s, (unsigned long long)r->client.tcp_retransmitted_segments,
            (unsigned long long)r->client.tcp_segments_out,
            (unsigned long long)r->client.tcp_retransmit_timeouts,
            (unsigned long long)r->client.tcp_lost_retransmissions,
            (unsigned long long)r->client.tcp_loss_probes,
            (unsigned long long)(r->client.tcp_undone_recoveries + r->client.tcp_undone_timeouts));
}

static void run(const struct path *p, sim_trace_fn *trace, void *context, struct result *r)
{
    struct gander_config config;
    struct sim_bulk_config work = {
        .server_address = "192.0.2.2:80", .bytes_up = p->bytes, .seed = p->seed};
    struct sim_cable cable = {.queue_packets = 4096, .ab = &p->up, .ba = &p->down};
    struct sim_world *world = sim_world_create(p->seed);
    struct sim_bulk *bulk;
    gander_time took;

    assert_non_null(world);
    gander_config_init(&config);
    config.tcp_congestion_control = p->cc;
    config.tcp_timestamps = !p->no_timestamps;
    config.tcp_send_buffer_bytes = config.tcp_receive_buffer_bytes = p->window_bytes;
    assert_int_equal(sim_host_add(world, "client", &config, &work.client), GANDER_OK);
    assert_int_equal(sim_host_add(world, "server", &config, &work.server), GANDER_OK);
    assert_int_equal(
        sim_link_add(world, work.client, "192.0.2.1/24", work.server, "192.0.2.2/24", &cable, NULL),
        GANDER_OK);
    if (trace)
        assert_int_equal(sim_trace_add(world, trace, context), GANDER_OK);
    bulk = sim_bulk_start(world, &work);
    assert_non_null(bulk);
    assert_true(sim_run_until_done(world, sim_bulk_done, bulk, 3600 * GANDER_S));
    took = sim_now(world);
    assert_null(sim_bulk_error(bulk));
    gander_stats(work.client->stack, &r->client);
    gander_stats(work.server->stack, &r->server);
    sim_bulk_end(bulk);
    sim_run_until(world, sim_now(world) + 600 * GANDER_S);
    assert_int_equal(sim_world_destroy(world), 0);
    r->took = took;
    r->mbit_s = (double)p->bytes * 8 * 1000 / (double)took;
}

/* 100 Mbit/s, 20 ms, and a window that its queue holds: nothing is lost. */
static struct path path_of(const char *cc, bool no_timestamps)
{
    return (struct path){
        .up = {.delay_ns = 10 * GANDER_MS, .rate_bits_per_second = RATE, .queue_bytes = 4 * MIB},
        .down = {.delay_ns = 10 * GANDER_MS},
        .bytes = 32 * MIB,
        .seed = 7,
        .cc = cc,
        .window_bytes = MIB / 2,
        .no_timestamps = no_timestamps};
}

static const char *const algorithms[] = {"newreno", "cubic"};

static void reordering_costs_next_to_nothing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        struct path p = path_of(algorithms[i / 2], i % 2);
        struct result in_order, reordered;

        run(&p, NULL, NULL, &in_order);
        p.up.reorder_ppm = 100000;
        p.up.reorder_ns = 5 * GANDER_MS;
        run(&p, NULL, NULL, &reordered);
        tell("in order", &p, &in_order);
        tell("5 ms reordering", &p, &reordered);
        assert_true(reordered.mbit_s >= 0.95 * in_order.mbit_s);
        assert_true(reordered.client.tcp_retransmitted_segments * 1000 <
                    reordered.client.tcp_segments_out);
        assert_int_equal(reordered.client.tcp_retransmit_timeouts, 0);
    }
}

static void note_tail(void *context, const struct sim_host *host,
                      const struct gander_trace_event *event)
{
    struct tail *t = context;

    if (host->index != 0)
        return;
    if (event->type == GANDER_TRACE_segment_out && event->u.segment_out.len > 0) {
        if (event->u.segment_out.why == GANDER_WHY_tail_loss_probe)
            t->probe = t->probe ? t->probe : event->time;
        else
            t->lost_sent = event->time;
    }
    if (event->type == GANDER_TRACE_segment_in && !t->probe && t->lost_sent)
        t->last_ack = event->time;
}

static void lost_tail_is_probed(void **state)
{
    static const unsigned rtts_ms[] = {20, 50, 100, 300};

    (void)state;
    for (unsigned i = 0; i < 2 * sizeof(rtts_ms) / sizeof(rtts_ms[0]); i++) {
        gander_time rtt = rtts_ms[i / 2] * GANDER_MS;
        struct path p = path_of("cubic", i % 2);
        struct tail t = {0};
        struct result r;

        p.up.delay_ns = p.down.delay_ns = rtt / 2;
        p.bytes = (uint64_t)SEGMENTS * (p.no_timestamps ? 1460 : 1448);
        p.up.drop_numbers[0] = 1 + SEGMENTS; /* behind the SYN; the first has the handshake's ACK */
        run(&p, note_tail, &t, &r);
        if (getenv("GANDER_VERBOSE"))
            printf("%u ms: probe %.1f ms after the last ACK, all done after %.1f ms\n",
                   rtts_ms[i / 2], (double)(t.probe - t.last_ack) / 1e6, (double)r.took / 1e6);
        assert_int_equal(r.client.tcp_retransmit_timeouts, 0);
        assert_int_equal(r.client.tcp_retransmitted_segments, 1);
        assert_true(t.probe > 0 && t.probe - t.last_ack <= 2 * rtt + 10 * GANDER_MS);
    }
}

/* 5 % lost both ways, with duplicates, reordering and damage, on a path of a millisecond: most of what is lost, RACK and probes find;
 * of the segments resent fewer than one in ten waits for the timer. */
static void lost_retransmissions_do_not_wait(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        struct path p = path_of(algorithms[i], false);
        struct result r;

        p.up = p.down = (struct gander_impairment){.loss_ppm = 50000,
                                                   .duplicate_ppm = 10000,
                                                   .reorder_ppm = 10000,
                                                   .corrupt_ppm = 10000,
                                                   .delay_ns = GANDER_MS / 2};
        p.bytes = 6 * MIB;
        run(&p, NULL, NULL, &r);
        tell("5 % loss, 1 ms", &p, &r);
        assert_true(r.client.tcp_retransmit_timeouts * 10 < r.client.tcp_retransmitted_segments);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reordering_costs_next_to_nothing),
        cmocka_unit_test(lost_tail_is_probed),
        cmocka_unit_test(lost_retransmissions_do_not_wait),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

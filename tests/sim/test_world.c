/* SPDX-License-Identifier: MIT */
/*
 * The simulated world, and TCP in it: many seeds of bulk transfer both ways over bad networks, byte
 * by byte, with nothing left afterwards; the same seed gives the same run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/bulk.h"
#include "sim/world.h"

#ifdef GANDER_HAVE_PCAP
#include <pcap/pcap.h>
#endif

#define HOUR (3600 * GANDER_S)

static const char *const server_address[2] = {"192.0.2.2:80", "[2001:db8::2]:80"};

/* What a run is made of; zero where not needed. */
struct scenario {
    uint64_t seed;
    bool ipv6;
    struct sim_cable cable;
    const struct gander_config *client, *server;
    unsigned connections;
    uint64_t bytes_up, bytes_down;
    gander_time read_pause_ns;
};

struct outcome {
    uint64_t digest;
    gander_time took;
    struct gander_stats client, server;
    struct gander_impair_counters up, down;
    uint32_t client_iss, server_iss;
};

static void note_iss(void *context, const struct sim_host *host,
                     const struct gander_trace_event *event)
{
    struct outcome *outcome = context;

    if (event->type == GANDER_TRACE_segment_out && (event->u.segment_out.flags & GANDER_FLAG_SYN))
        *(host->index == 0 ? &outcome->client_iss : &outcome->server_iss) =
            event->u.segment_out.seq;
}

static void open_world(const struct scenario *s, struct sim_world **world, struct sim_link **link)
{
    struct sim_host *client, *server;

    *world = sim_world_create(s->seed);
    assert_non_null(*world);
    assert_int_equal(sim_host_add(*world, "client", s->client, &client), GANDER_OK);
    assert_int_equal(sim_host_add(*world, "server", s->server, &server), GANDER_OK);
    assert_int_equal(
        sim_link_add(*world, client, "192.0.2.1/24", server, "192.0.2.2/24", &s->cable, link),
        GANDER_OK);
    if (s->cable.mtu_bytes == 0 || s->cable.mtu_bytes >= 1280)
        assert_int_equal(sim_link_address(*link, "2001:db8::1/64", "2001:db8::2/64"), GANDER_OK);
}

/* Runs a scenario to the very end: all bytes checked, TIME-WAIT over, all memory back. */
static void run(const struct scenario *s, struct outcome *outcome)
{
    struct sim_bulk_config config = {.server_address = server_address[s->ipv6],
                                     .connections = s->connections,
                                     .bytes_up = s->bytes_up,
                                     .bytes_down = s->bytes_down,
                                     .seed = s->seed,
                                     .read_pause_ns = s->read_pause_ns};
    struct sim_world *world;
    struct sim_link *link;
    struct sim_bulk *bulk;
    char left[200];

    memset(outcome, 0, sizeof(*outcome));
    open_world(s, &world, &link);
    assert_int_equal(sim_trace_add(world, note_iss, outcome), GANDER_OK);
    config.client = sim_host_at(world, 0);
    config.server = sim_host_at(world, 1);
    bulk = sim_bulk_start(world, &config);
    assert_non_null(bulk);
    if (!sim_run_until_done(world, sim_bulk_done, bulk, HOUR))
        fail_msg("seed %llu: not done after an hour", (unsigned long long)s->seed);
    if (sim_bulk_error(bulk))
        fail_msg("seed %llu: %s", (unsigned long long)s->seed, sim_bulk_error(bulk));
    assert_int_equal(sim_bulk_received(bulk),
                     (s->bytes_up + s->bytes_down) * (s->connections ? s->connections : 1));
    outcome->took = sim_now(world);
    sim_bulk_end(bulk);
    sim_run_until(world, sim_now(world) + HOUR);
    if (!sim_is_quiet(world, left, sizeof(left)))
        fail_msg("seed %llu: %s", (unsigned long long)s->seed, left);
    outcome->digest = sim_digest(world);
    gander_stats(config.client->stack, &outcome->client);
    gander_stats(config.server->stack, &outcome->server);
    sim_link_counters(link, 0, &outcome->up);
    sim_link_counters(link, 1, &outcome->down);
    assert_int_equal(sim_world_destroy(world), 0);
}

static void perfect_cable_needs_no_second_try(void **state)
{
    struct scenario s = {.seed = 1, .bytes_up = 500000, .bytes_down = 300000};
    struct outcome outcome;

    (void)state;
    for (unsigned ipv6 = 0; ipv6 < 2; ipv6++) {
        s.ipv6 = ipv6;
        run(&s, &outcome);
        assert_int_equal(outcome.client.tcp_retransmitted_segments, 0);
        assert_int_equal(outcome.server.tcp_retransmitted_segments, 0);
        assert_int_equal(outcome.client.tcp_resets_out + outcome.server.tcp_resets_out, 0);
        assert_true(outcome.up.delivered_bytes > 500000);
        assert_true(outcome.took < GANDER_S);
    }
}

static void trusted_cable_carries_no_checksums(void **state)
{
    const struct scenario s = {.seed = 2,
                               .cable = {.flags = GANDER_LINK_TRUSTED, .mtu_bytes = 9000},
                               .bytes_up = 300000,
                               .bytes_down = 300000};
    struct outcome outcome;

    (void)state;
    run(&s, &outcome);
    assert_int_equal(outcome.client.tcp_retransmitted_segments, 0);
}

static const struct gander_impairment storm = {.loss_ppm = 20000,
                                               .duplicate_ppm = 20000,
                                               .reorder_ppm = 50000,
                                               .corrupt_ppm = 20000,
                                               .delay_ns = 5 * GANDER_MS,
                                               .jitter_ns = 2 * GANDER_MS,
                                               .reorder_ns = 3 * GANDER_MS};

static void all_bytes_arrive_through_storms(void **state)
{
    struct scenario s = {
        .cable = {.ab = &storm, .ba = &storm}, .bytes_up = 150000, .bytes_down = 90000};
    struct outcome outcome;

    (void)state;
    for (s.seed = 1; s.seed <= 40; s.seed++) {
        s.ipv6 = s.seed % 2;
        run(&s, &outcome);
        assert_true(outcome.up.packets + outcome.down.packets > 200);
        assert_true(outcome.up.lost + outcome.up.corrupted > 0 || outcome.down.lost > 0);
    }
}

/* A cable that is slower than its senders: the queue overflows, and only that loses packets. */
static void narrow_cable_is_shared(void **state)
{
    const struct gander_impairment narrow = {
        .rate_bits_per_second = 10000000, .queue_bytes = 20000, .delay_ns = 10 * GANDER_MS};
    struct scenario s = {
        .seed = 5, .cable = {.ab = &narrow, .ba = &narrow}, .connections = 4, .bytes_up = 250000};
    struct outcome outcome;

    (void)state;
    run(&s, &outcome);
    assert_true(outcome.up.overflowed > 0);
    /* 1 MB at 10 Mbit/s: 0.8 s; with the handshake, recovery and small cwnds some more. */
    assert_in_range(outcome.took, 800 * GANDER_MS, 5 * GANDER_S);
}

static void every_mtu_works(void **state)
{
    static const uint32_t mtu_bytes[] = {576, 577, 1279, 1280, 1492, 9000, 65535};
    struct scenario s = {.seed = 6, .bytes_up = 200000, .bytes_down = 200000};
    struct outcome outcome;

    (void)state;
    for (unsigned i = 0; i < sizeof(mtu_bytes) / sizeof(mtu_bytes[0]); i++) {
        s.cable.mtu_bytes = mtu_bytes[i];
        for (unsigned ipv6 = 0; ipv6 <= (mtu_bytes[i] >= 1280); ipv6++) {
            s.ipv6 = ipv6;
            run(&s, &outcome);
            assert_int_equal(outcome.client.tcp_retransmitted_segments, 0);
        }
    }
}

/* Readers that rest: windows close, probes and window updates open them again. */
static void slow_readers_get_everything(void **state)
{
    struct gander_config config;
    struct scenario s = {.cable = {.ab = &storm, .ba = &storm},
                         .bytes_up = 60000,
                         .bytes_down = 60000,
                         .read_pause_ns = 700 * GANDER_MS};
    struct outcome outcome;

    (void)state;
    gander_config_init(&config);
    config.tcp_receive_buffer_bytes = 8192;
    config.tcp_send_buffer_bytes = 16384;
    s.client = s.server = &config;
    for (s.seed = 100; s.seed < 106; s.seed++)
        run(&s, &outcome);
}

static void older_peers_are_understood(void **state)
{
    struct gander_config plain;
    struct scenario s = {
        .cable = {.ab = &storm, .ba = &storm}, .bytes_up = 60000, .bytes_down = 60000};
    struct outcome outcome;

    (void)state;
    gander_config_init(&plain);
    plain.tcp_timestamps = false;
    plain.tcp_window_scaling = false;
    plain.tcp_sack = false;
    for (s.seed = 200; s.seed < 206; s.seed++) {
        s.client = s.seed % 3 != 0 ? &plain : NULL;
        s.server = s.seed % 3 != 1 ? &plain : NULL;
        run(&s, &outcome);
    }
}

static void many_connections_at_once(void **state)
{
    const struct scenario s = {.seed = 300,
                               .cable = {.ab = &storm, .ba = &storm},
                               .connections = 64,
                               .bytes_up = 5000,
                               .bytes_down = 3000};
    struct outcome outcome;

    (void)state;
    run(&s, &outcome);
    assert_int_equal(outcome.server.tcp_passive_opens, 64);
}

/* The send buffers alone could fill the budget many times over. Then writers wait, and packets
 * still move. */
static void short_memory_delays_but_does_not_stop(void **state)
{
    struct gander_config small;
    struct scenario s = {.cable = {.ab = &storm, .ba = &storm},
                         .connections = 8,
                         .bytes_up = 90000,
                         .bytes_down = 90000};
    struct outcome outcome;

    (void)state;
    gander_config_init(&small);
    small.memory_max_bytes = 600000;
    for (s.seed = 350; s.seed < 356; s.seed++) {
        s.client = s.seed % 3 != 0 ? &small : NULL;
        s.server = s.seed % 3 != 1 ? &small : NULL;
        run(&s, &outcome);
        assert_true(!s.client || outcome.client.memory_peak_bytes <= 600000);
        assert_true(!s.server || outcome.server.memory_peak_bytes <= 600000);
    }
}

/* Sets a host's clock so that its next initial sequence number lies shortly before 2^32: they grow
 * by one each 4 µs of its clock (RFC 6528 3). */
static void turn_clock(struct gander_config *config, uint32_t iss, uint32_t wanted)
{
    config->start += (gander_time)(uint32_t)(wanted - iss) * 4 * GANDER_US;
}

static void sequence_numbers_wrap(void **state)
{
    struct gander_config client, server;
    struct scenario s = {
        .cable = {.ab = &storm, .ba = &storm}, .bytes_up = 150000, .bytes_down = 90000};
    struct outcome outcome;

    (void)state;
    for (s.seed = 400; s.seed < 408; s.seed++) {
        gander_config_init(&client);
        gander_config_init(&server);
        s.client = &client;
        s.server = &server;
        for (unsigned i = 0; i < 3; i++) {
            run(&s, &outcome);
            if (i < 2) {
                turn_clock(&client, outcome.client_iss, UINT32_MAX - 75000);
                turn_clock(&server, outcome.server_iss, UINT32_MAX - 45000);
            }
        }
        /* Half of the stream lies behind the wrap. */
        assert_in_range(outcome.client_iss, UINT32_MAX - 140000, UINT32_MAX - 1);
        assert_in_range(outcome.server_iss, UINT32_MAX - 80000, UINT32_MAX - 1);
    }
}

static void same_seed_same_run(void **state)
{
    struct scenario s = {.seed = 500,
                         .cable = {.ab = &storm, .ba = &storm},
                         .connections = 3,
                         .bytes_up = 40000,
                         .bytes_down = 40000};
    struct outcome first, again, other;

    (void)state;
    run(&s, &first);
    run(&s, &again);
    assert_int_equal(again.digest, first.digest);
    assert_int_equal(again.took, first.took);
    assert_memory_equal(&again.client, &first.client, sizeof(first.client));
    s.seed = 501;
    run(&s, &other);
    assert_int_not_equal(other.digest, first.digest);
}

struct watch {
    unsigned events[2];
    gander_time last[2];
    unsigned own;
};

static void watch_trace(void *context, const struct sim_host *host,
                        const struct gander_trace_event *event)
{
    struct watch *watch = context;

    assert_in_range(host->index, 0, 1);
    assert_true(event->time >= watch->last[host->index]);
    watch->last[host->index] = event->time;
    watch->events[host->index]++;
}

static void watch_own(void *context, const struct gander_trace_event *event)
{
    struct watch *watch = context;

    (void)event;
    watch->own++;
}

static void traces_of_all_hosts_arrive(void **state)
{
    struct watch watch = {0};
    struct gander_config config;
    struct scenario s = {.seed = 7, .client = &config};
    struct sim_bulk_config bulk_config = {.server_address = server_address[0], .bytes_up = 1};
    struct sim_world *world;
    struct sim_link *link;
    struct sim_bulk *bulk;

    (void)state;
    gander_config_init(&config);
    config.trace = watch_own;
    config.trace_context = &watch;
    config.start = 5 * GANDER_S;
    open_world(&s, &world, &link);
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(sim_trace_add(world, watch_trace, &watch), GANDER_OK);
    assert_int_equal(sim_trace_add(world, watch_trace, &watch), GANDER_OK);
    assert_int_equal(sim_trace_add(world, watch_trace, &watch), GANDER_ENOMEM);
    bulk_config.client = sim_host_at(world, 0);
    bulk_config.server = sim_host_at(world, 1);
    bulk = sim_bulk_start(world, &bulk_config);
    assert_true(sim_run_until_done(world, sim_bulk_done, bulk, HOUR));
    assert_true(watch.own > 4);
    assert_int_equal(watch.events[0], 8 * watch.own);
    assert_true(watch.events[1] > 4);
    assert_true(watch.last[0] >= 5 * GANDER_S && watch.last[1] < 5 * GANDER_S);
    sim_bulk_end(bulk);
    assert_int_equal(sim_world_destroy(world), 0);
}

struct clock {
    gander_time rang[4];
    unsigned count;
    struct sim_alarm *next;
};

static void ring(void *context, struct sim_world *world)
{
    struct clock *clock = context;

    clock->rang[clock->count++] = sim_now(world);
    if (clock->next) {
        sim_alarm_set(world, clock->next, sim_now(world) + 7);
        clock->next = NULL;
    }
}

static void time_jumps_from_event_to_event(void **state)
{
    struct clock clock = {0};
    struct sim_alarm early = {.fn = ring, .context = &clock}, late = early, off = early;
    struct sim_world *world = sim_world_create(8);

    (void)state;
    clock.next = &early;
    sim_alarm_set(world, &late, 2 * HOUR);
    sim_alarm_set(world, &early, HOUR);
    sim_alarm_set(world, &off, 5);
    sim_alarm_cancel(world, &off);
    sim_alarm_cancel(world, &off);
    assert_true(sim_step(world, GANDER_NEVER));
    assert_int_equal(sim_now(world), HOUR);
    assert_false(sim_step(world, HOUR + 6));
    assert_int_equal(sim_now(world), HOUR);
    sim_run_until(world, 90 * HOUR);
    assert_int_equal(sim_now(world), 90 * HOUR);
    assert_int_equal(clock.count, 3);
    assert_int_equal(clock.rang[1], HOUR + 7);
    assert_int_equal(clock.rang[2], 2 * HOUR);
    assert_false(sim_step(world, GANDER_NEVER));
    assert_int_equal(sim_world_destroy(world), 0);
}

static void open_sockets_are_not_quiet(void **state)
{
    const struct scenario s = {.seed = 9};
    struct sim_world *world;
    struct sim_link *link;
    gander_socket socket;
    char text[200];

    (void)state;
    open_world(&s, &world, &link);
    assert_true(sim_is_quiet(world, NULL, 0));
    assert_int_equal(gander_open(sim_host_at(world, 1)->stack, GANDER_UDP, &socket), GANDER_OK);
    assert_false(sim_is_quiet(world, NULL, 0));
    assert_false(sim_is_quiet(world, text, sizeof(text)));
    assert_non_null(strstr(text, "server: 1 sockets"));
    assert_int_equal(gander_close(sim_host_at(world, 1)->stack, socket), GANDER_OK);
    assert_true(sim_is_quiet(world, NULL, 0));
    assert_null(sim_host_at(world, 2));
    assert_int_equal(sim_world_destroy(world), 0);
}

/* Three datagrams, the second one lost: nobody is told, nobody sends it again (RFC 768). */
static void lost_datagrams_stay_lost(void **state)
{
    const struct gander_impairment second = {.drop_numbers = {2}, .delay_ns = GANDER_MS};
    const struct scenario s = {.seed = 10, .cable = {.ab = &second}};
    struct gander_address address;
    struct gander_stack *client, *server;
    struct sim_world *world;
    struct sim_link *link;
    gander_socket from, to;
    char text[8];

    (void)state;
    open_world(&s, &world, &link);
    client = sim_host_at(world, 0)->stack;
    server = sim_host_at(world, 1)->stack;
    assert_int_equal(gander_address_parse("192.0.2.2:7", &address), GANDER_OK);
    assert_int_equal(gander_open(server, GANDER_UDP, &to), GANDER_OK);
    assert_int_equal(gander_bind(server, to, &address), GANDER_OK);
    assert_int_equal(gander_open(client, GANDER_UDP, &from), GANDER_OK);
    assert_int_equal(gander_connect(client, from, &address), GANDER_OK);
    assert_int_equal(gander_send(client, from, "one", 3, 0), 3);
    assert_int_equal(gander_send(client, from, "two", 3, 0), 3);
    assert_int_equal(gander_send(client, from, "three", 5, 0), 5);
    sim_settle(world);
    assert_false(sim_is_quiet(world, text, sizeof(text))); /* under way */
    assert_int_equal(gander_receive(server, to, text, sizeof(text), 0), GANDER_EAGAIN);
    sim_run_until(world, HOUR);
    assert_int_equal(gander_receive(server, to, text, sizeof(text), 0), 3);
    assert_memory_equal(text, "one", 3);
    assert_int_equal(gander_receive(server, to, text, sizeof(text), 0), 5);
    assert_memory_equal(text, "three", 5);
    assert_int_equal(gander_receive(server, to, text, sizeof(text), 0), GANDER_EAGAIN);
    assert_int_equal(sim_world_destroy(world), 0); /* sockets left open leak nothing either */
}

static void bad_cables_are_refused(void **state)
{
    const struct gander_impairment corrupt = {.corrupt_ppm = 1};
    const struct sim_cable tiny = {.mtu_bytes = 100};
    const struct sim_cable liar = {.flags = GANDER_LINK_TRUSTED, .ba = &corrupt};
    struct sim_world *world = sim_world_create(12);
    struct sim_host *a, *b;
    struct sim_link *link;

    (void)state;
    assert_int_equal(sim_host_add(world, "a", NULL, &a), GANDER_OK);
    assert_int_equal(sim_host_add(world, "b", NULL, &b), GANDER_OK);
    assert_int_equal(sim_link_add(world, a, "10.0.0.1/8", b, "10.0.0.2/8", &tiny, &link),
                     GANDER_EINVAL);
    assert_int_equal(sim_link_add(world, a, "10.0.0.1/8", b, "10.0.0.2/8", &liar, &link),
                     GANDER_EINVAL);
    assert_int_equal(sim_link_add(world, a, "10.0.0.1", b, "10.0.0.2/8", NULL, &link),
                     GANDER_EINVAL);
    assert_int_equal(sim_link_add(world, a, "10.0.0.1/x", b, "10.0.0.2/8", NULL, &link),
                     GANDER_EINVAL);
    sim_run_until(world, GANDER_S);
    assert_int_equal(sim_world_destroy(world), 0);
}

#ifdef GANDER_HAVE_PCAP
static unsigned count_packets(const char *path)
{
    char error[PCAP_ERRBUF_SIZE];
    pcap_t *pcap = pcap_open_offline(path, error);
    struct pcap_pkthdr *header;
    const uint8_t *bytes;
    unsigned n = 0;

    assert_non_null(pcap);
    while (pcap_next_ex(pcap, &header, &bytes) == 1)
        n++;
    pcap_close(pcap);
    return n;
}

static void captures_hold_what_passed(void **state)
{
    const struct scenario s = {.seed = 11, .cable = {.ab = &storm, .ba = &storm}};
    struct sim_bulk_config config = {
        .server_address = server_address[0], .bytes_up = 20000, .bytes_down = 20000};
    char paths[2][32] = {"/tmp/gander-sim-XXXXXX", "/tmp/gander-sim-XXXXXX"};
    struct gander_impair_counters up, down;
    struct sim_world *world;
    struct sim_link *link;
    struct sim_bulk *bulk;

    (void)state;
    open_world(&s, &world, &link);
    for (unsigned end = 0; end < 2; end++) {
        int fd = mkstemp(paths[end]);

        assert_true(fd >= 0);
        close(fd);
        assert_int_equal(sim_link_capture(link, end, paths[end]), GANDER_OK);
        assert_int_equal(sim_link_capture(link, end, paths[end]), GANDER_EINVAL);
    }
    config.client = sim_host_at(world, 0);
    config.server = sim_host_at(world, 1);
    bulk = sim_bulk_start(world, &config);
    assert_true(sim_run_until_done(world, sim_bulk_done, bulk, HOUR));
    assert_null(sim_bulk_error(bulk));
    sim_bulk_end(bulk);
    sim_run_until(world, 2 * HOUR);
    sim_link_counters(link, 0, &up);
    sim_link_counters(link, 1, &down);
    for (unsigned end = 0; end < 2; end++) {
        assert_int_equal(sim_link_capture_end(link, end), GANDER_OK);
        /* What an end sends is captured before the cable's faults, what it receives behind them. */
        assert_int_equal(count_packets(paths[end]),
                         end == 0 ? up.packets + down.delivered : down.packets + up.delivered);
        unlink(paths[end]);
    }
    assert_int_equal(sim_world_destroy(world), 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_jumps_from_event_to_event),
        cmocka_unit_test(bad_cables_are_refused),
        cmocka_unit_test(open_sockets_are_not_quiet),
        cmocka_unit_test(lost_datagrams_stay_lost),
        cmocka_unit_test(perfect_cable_needs_no_second_try),
        cmocka_unit_test(trusted_cable_carries_no_checksums),
        cmocka_unit_test(traces_of_all_hosts_arrive),
        cmocka_unit_test(same_seed_same_run),
        cmocka_unit_test(all_bytes_arrive_through_storms),
        cmocka_unit_test(narrow_cable_is_shared),
        cmocka_unit_test(every_mtu_works),
        cmocka_unit_test(slow_readers_get_everything),
        cmocka_unit_test(older_peers_are_understood),
        cmocka_unit_test(many_connections_at_once),
        cmocka_unit_test(short_memory_delays_but_does_not_stop),
        cmocka_unit_test(sequence_numbers_wrap),
#ifdef GANDER_HAVE_PCAP
        cmocka_unit_test(captures_hold_what_passed),
#endif
    };

    return cmocka_run_group_tests_name("world", tests, NULL, NULL);
}

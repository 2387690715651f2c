/* SPDX-License-Identifier: MIT */
/*
 * BBR's answers to events [draft-ietf-ccwg-bbr]: time-out, recovery's end, spurious loss, congestion marks, silence. Its way
 * through the states is in tests/sim/test_congestion.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tcp/cc_bbr.h"

enum { MSS = 1448, RATE = 12500000 };

struct lab {
    struct tcp_cc cc;
    struct tcp_rate_sample rs;
    struct random random;
    struct bbr bbr;
};

static void begin(struct lab *l)
{
    memset(l, 0, sizeof(*l));
    l->cc = (struct tcp_cc){.cwnd = 10 * MSS,
                            .ssthresh = UINT32_MAX,
                            .mss = MSS,
                            .initial_window = 10 * MSS,
                            .now = GANDER_S,
                            .srtt_ns = 20 * GANDER_MS,
                            .sack = true,
                            .random = &l->random,
                            .state = &l->bbr};
    tcp_cc_bbr.init(&l->cc);
}

/* A round trip in which the path delivers at this rate, one ACK for all of it. */
static void round_trip(struct lab *l, uint64_t rate)
{
    uint32_t volume = (uint32_t)bbr_volume(rate, 20 * GANDER_MS);

    l->cc.now += 20 * GANDER_MS;
    l->rs = (struct tcp_rate_sample){.prior_delivered = l->cc.delivered,
                                     .delivery_rate = rate,
                                     .interval_ns = 20 * GANDER_MS,
                                     .rtt_ns = 20 * GANDER_MS,
                                     .delivered = volume,
                                     .newly_acked = volume,
                                     .tx_in_flight = volume,
                                     .has_data = true};
    l->cc.delivered += volume;
    l->cc.inflight = l->cc.cwnd;
    l->cc.rs = &l->rs;
    tcp_cc_bbr.on_ack(&l->cc, volume);
    l->cc.rs = NULL;
}

static void to_probe_bw(struct lab *l)
{
    begin(l);
    for (uint64_t rate = RATE / 16; rate < RATE; rate *= 2)
        round_trip(l, rate);
    for (unsigned i = 0; l->bbr.state != BBR_PROBE_BW_CRUISE && i < 20; i++) {
        round_trip(l, RATE);
        if (l->bbr.state != BBR_STARTUP) { /* what it let go has arrived */
            l->cc.cwnd = bbr_bdp_of(&l->bbr, &l->cc, l->bbr.bw) - MSS;
        }
    }
    assert_int_equal(l->bbr.state, BBR_PROBE_BW_CRUISE);
}

static void startup_paces_at_2_77(void **state)
{
    struct lab l;

    (void)state;
    begin(&l);
    assert_int_equal(l.bbr.state, BBR_STARTUP);
    assert_in_range(l.cc.pacing_rate, 10 * MSS * 50 * 276ull / 100, 10 * MSS * 50 * 278ull / 100);
    round_trip(&l, RATE);
    assert_in_range(l.cc.pacing_rate, RATE * 274ull / 100, RATE * 275ull / 100); /* less 1 % */
}

static void three_flat_rounds_fill_the_pipe(void **state)
{
    struct lab l;

    (void)state;
    begin(&l);
    round_trip(&l, RATE / 2);
    round_trip(&l, RATE);
    round_trip(&l, RATE);
    round_trip(&l, RATE);
    assert_int_equal(l.bbr.state, BBR_STARTUP);
    round_trip(&l, RATE * 5 / 4 - 1000);
    assert_int_equal(l.bbr.state, BBR_DRAIN);
    assert_true(l.bbr.full_bw_reached);
}

static void idle_application_does_not_end_startup(void **state)
{
    struct lab l;

    (void)state;
    begin(&l);
    round_trip(&l, RATE);
    for (unsigned i = 0; i < 10; i++) {
        uint32_t volume = 10000;

        l.cc.now += 20 * GANDER_MS;
        l.rs.prior_delivered = l.cc.delivered;
        l.rs.delivery_rate = RATE / 100;
        l.rs.is_app_limited = true;
        l.cc.delivered += volume;
        l.cc.rs = &l.rs;
        tcp_cc_bbr.on_ack(&l.cc, volume);
    }
    assert_int_equal(l.bbr.state, BBR_STARTUP);
    assert_int_equal(l.bbr.max_bw, RATE);
}

/* "Modulating cwnd in Loss Recovery" */
static void timeout_and_back(void **state)
{
    struct lab l;
    uint32_t before;

    (void)state;
    to_probe_bw(&l);
    before = l.cc.cwnd;
    tcp_cc_bbr.on_timeout(&l.cc);
    assert_int_equal(l.cc.cwnd, MSS);
    l.cc.recovering = true;
    tcp_cc_bbr.on_recovery_end(&l.cc);
    assert_int_equal(l.cc.cwnd, before);
}

/* "Updating the Model Upon Detecting a Spurious Loss Recovery" */
static void spurious_loss_is_undone(void **state)
{
    struct lab l;
    uint32_t before;

    (void)state;
    to_probe_bw(&l);
    before = l.cc.cwnd;
    l.cc.srtt_ns = 40 * GANDER_MS; /* a queue */
    l.bbr.rounds_since_probe_up = 10;
    tcp_cc_bbr.on_loss(&l.cc);
    l.cc.rs = &l.rs;
    tcp_cc_bbr.on_lost(&l.cc, 1, MSS);
    l.rs.delivery_rate = RATE / 2;
    l.cc.recovering = true;
    round_trip(&l, RATE / 2);
    assert_true(l.bbr.bw_shortterm < BBR_BW_INFINITY);
    tcp_cc_bbr.on_undo(&l.cc);
    assert_true(l.bbr.bw_shortterm == BBR_BW_INFINITY);
    assert_true(l.bbr.inflight_shortterm == BBR_INFINITY);
    assert_true(l.cc.cwnd >= before);
}

/* "ECN": marks MUST count as congestion */
static void marks_end_startup(void **state)
{
    struct lab l;

    (void)state;
    begin(&l);
    round_trip(&l, RATE);
    tcp_cc_bbr.on_ecn(&l.cc);
    assert_int_equal(l.bbr.state, BBR_DRAIN);
    assert_true(l.bbr.inflight_longterm < BBR_INFINITY);
}

/* "Restarting From Idle": at exactly the path's rate, without ProbeRTT */
static void silence_is_no_reason_for_probe_rtt(void **state)
{
    struct lab l;

    (void)state;
    to_probe_bw(&l);
    l.cc.now += 20 * GANDER_S;
    l.cc.app_limited = true;
    l.cc.inflight = 0;
    tcp_cc_bbr.on_restart(&l.cc);
    assert_in_range(l.cc.pacing_rate, RATE * 98ull / 100, RATE);
    round_trip(&l, RATE);
    assert_int_not_equal(l.bbr.state, BBR_PROBE_RTT);
    assert_false(l.bbr.idle_restart);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(startup_paces_at_2_77),
        cmocka_unit_test(three_flat_rounds_fill_the_pipe),
        cmocka_unit_test(idle_application_does_not_end_startup),
        cmocka_unit_test(timeout_and_back),
        cmocka_unit_test(spurious_loss_is_undone),
        cmocka_unit_test(marks_end_startup),
        cmocka_unit_test(silence_is_no_reason_for_probe_rtt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

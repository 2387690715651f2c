/* SPDX-License-Identifier: MIT */
/* Options of TCP sockets as gander/socket.h promises them: values, errors, inheritance, and what they do to a running connection. */
#include "dialogue.h"

#include <string.h>

static gander_socket fresh(struct dialogue *d)
{
    gander_socket socket;

    expect_equal(d, gander_open(d->stack, GANDER_TCP, &socket), 0);
    return socket;
}

static int64_t get(struct dialogue *d, gander_socket s, enum gander_option option)
{
    int64_t value = -12345;

    expect_equal(d, gander_get_option(d->stack, s, option, &value), 0);
    return value;
}

/* A value that differs from the default, one too low, one too high. */
static const struct {
    enum gander_option option;
    int64_t value, low, high;
} options[] = {
    {GANDER_OPTION_NODELAY, 1, -1, 2},
    {GANDER_OPTION_CORK, 1, -1, 2},
    {GANDER_OPTION_QUICKACK, 1, -1, 2},
    {GANDER_OPTION_KEEPALIVE, 1, -1, 2},
    {GANDER_OPTION_KEEPALIVE_IDLE_NS, 10 * GANDER_S, 0, INT64_MAX},
    {GANDER_OPTION_KEEPALIVE_INTERVAL_NS, 5 * GANDER_S, 0, INT64_MAX},
    {GANDER_OPTION_KEEPALIVE_PROBES, 3, 0, 1000},
    {GANDER_OPTION_USER_TIMEOUT_NS, 7 * GANDER_S, -1, INT64_MAX},
    {GANDER_OPTION_LINGER_NS, 0, -2, 1},
    {GANDER_OPTION_MAX_SEGMENT, 500, 10, 70000},
    {GANDER_OPTION_URGENT_INLINE, 1, 0, 2},
    {GANDER_OPTION_SEND_BUFFER, 100000, 0, INT64_MAX},
    {GANDER_OPTION_RECEIVE_BUFFER, 100000, 0, INT64_MAX},
    {GANDER_OPTION_TTL, 77, 0, 256},
    {GANDER_OPTION_TRAFFIC_CLASS, 0xb8, -1, 256},
    {GANDER_OPTION_PACING, 1, -1, 2},
    {GANDER_OPTION_MAX_PACING_RATE, 1000000, -1, INT64_MAX},
    {GANDER_OPTION_V6_ONLY, 1, -1, 2},
    {GANDER_OPTION_RTO_INITIAL_NS, 2 * GANDER_S, 0, INT64_MAX},
    {GANDER_OPTION_RTO_MIN_NS, GANDER_S, 0, INT64_MAX},
    {GANDER_OPTION_RTO_MAX_NS, 10 * GANDER_S, 0, INT64_MAX},
    {GANDER_OPTION_DELAYED_ACK_NS, 100 * GANDER_MS, -1, 500 * GANDER_MS},
    {GANDER_OPTION_FIN_WAIT2_NS, -1, -2, INT64_MAX},
    {GANDER_OPTION_SYN_RETRIES, 2, -1, 256},
    {GANDER_OPTION_SYNACK_RETRIES, 2, -1, 256},
    {GANDER_OPTION_RETRIES_R2, 5, -1, 256},
    {GANDER_OPTION_INITIAL_WINDOW_SEGS, 4, 0, 65536},
    {GANDER_OPTION_QUICKACK_SEGS, 16, -1, 256},
    {GANDER_OPTION_NOTSENT_LOWAT, 5000, -1, INT64_MAX},
    {GANDER_OPTION_WINDOW_CLAMP, 200000, -1, INT64_MAX},
    {GANDER_OPTION_TIMESTAMPS, 0, -1, 2},
    {GANDER_OPTION_WINDOW_SCALING, 0, -1, 2},
    {GANDER_OPTION_SACK, 0, -1, 2},
    {GANDER_OPTION_SLOW_START_AFTER_IDLE, 0, -1, 2},
    {GANDER_OPTION_NAGLE_RELAXED, 1, -1, 2},
};
enum { OPTIONS = sizeof(options) / sizeof(options[0]) };

DIALOGUE(values_are_kept_and_ranges_checked)
{
    gander_socket s = fresh(d);
    int64_t value;

    for (unsigned i = 0; i < OPTIONS; i++) {
        int64_t before = get(d, s, options[i].option);

        expect_equal(d, gander_set_option(d->stack, s, options[i].option, options[i].low),
                     GANDER_EINVAL);
        expect_equal(d, gander_set_option(d->stack, s, options[i].option, options[i].high),
                     GANDER_EINVAL);
        expect_equal(d, get(d, s, options[i].option), before); /* nothing has changed */
        expect_equal(d, gander_set_option(d->stack, s, options[i].option, options[i].value), 0);
        expect_equal(d, get(d, s, options[i].option), options[i].value);
    }
    expect_equal(d, gander_set_option(d->stack, s, GANDER_OPTION_COUNT, 1), GANDER_EINVAL);
    expect_equal(d, gander_get_option(d->stack, s, GANDER_OPTION_COUNT, &value), GANDER_EINVAL);
    expect_equal(d, gander_set_option(d->stack, s + 99, GANDER_OPTION_TTL, 1), GANDER_EBADF);
}

DIALOGUE(connections_inherit_their_listeners)
{
    app_listen(d, 1);
    for (unsigned i = 0; i < OPTIONS; i++) {
        if (options[i].option != GANDER_OPTION_V6_ONLY && options[i].option != GANDER_OPTION_CORK)
            expect_equal(
                d, gander_set_option(d->stack, d->listener, options[i].option, options[i].value),
                0);
    }
    arrive(d, "S");
    expect(d, "SA seq=0 ack=1 mss=500 ttl=77 tc=184");
    arrive(d, "A ack=1");
    app_accept(d);
    for (unsigned i = 0; i < OPTIONS; i++) {
        if (options[i].option != GANDER_OPTION_V6_ONLY && options[i].option != GANDER_OPTION_CORK)
            expect_equal(d, get(d, d->s, options[i].option), options[i].value);
    }
}

DIALOGUE(some_are_too_late_once_open)
{
    open_passive(d);
    expect_equal(d, gander_set_option(d->stack, d->s, GANDER_OPTION_MAX_SEGMENT, 500),
                 GANDER_EISCONN);
    expect_equal(d, gander_set_option(d->stack, d->s, GANDER_OPTION_V6_ONLY, 1), GANDER_EISCONN);
}

DIALOGUE(linger_zero_resets) /* close is an abort then */
{
    open_passive(d);
    app_option(d, LINGER_NS, 0);
    app_send(d, 100);
    expect(d, "PA seq=1 len=100");
    app_close(d);
    if (!allow(d, "RA seq=101"))
        expect(d, "R seq=101");
    expect_state(d, GANDER_TCP_CLOSED);
    expect_equal(d, dialogue_stats(d).tcp_connections, 0);
}

DIALOGUE(smaller_receive_buffer_takes_nothing_back) /* [RFC9293 SHLD-14] */
{
    uint32_t edge;

    open_passive(d);
    arrive(d, "PA len=100");
    expect_after(d, ms(40), "A ack=101");
    edge = (uint32_t)d->seg.ack + d->seg.wnd;
    app_option(d, RECEIVE_BUFFER, 20000);
    for (int i = 0; i < 10; i++) {
        arrive(d, "PA len=1000");
        after(d, ms(40));
        while (allow(d, "A seq=1"))
            expect_true(d, (int32_t)((uint32_t)d->seg.ack + d->seg.wnd - edge) >= 0);
    }
    app_receive(d, 10100);
    while (allow(d, "A seq=1"))
        ;
}

/* The shift is a promise of the SYN-ACK [RFC7323 2.2]: what happens to the listener's buffer afterwards changes nothing. */
DIALOGUE(listener_buffer_changes_while_opening)
{
    unsigned shift;

    app_listen(d, 1);
    arrive(d, "S ws=2");
    expect(d, "SA seq=0 ack=1");
    shift = d->seg.ws;
    expect_equal(d, gander_set_option(d->stack, d->listener, GANDER_OPTION_RECEIVE_BUFFER, 8 << 20),
                 0);
    arrive(d, "A ack=1");
    app_accept(d);
    expect_equal(d, dialogue_info(d).rcv_wscale, shift);
}

DIALOGUE(receive_buffer_before_connect_sets_the_shift)
{
    d->s = fresh(d);
    app_option(d, RECEIVE_BUFFER, 8 << 20);
    app_connect(d);
    expect(d, "S seq=0");
    expect_true(d, ((uint64_t)65535 << d->seg.ws) >= 8 << 20);
    arrive(d, "SA seq=0 ack=1 ws=0");
    expect(d, "A seq=1 ack=1");
    arrive(d, "PA len=100");
    expect_after(d, ms(40), "A ack=101");
    expect_true(d, ((uint64_t)d->seg.wnd << dialogue_info(d).rcv_wscale) > 4 << 20);
}

DIALOGUE(send_buffer_bounds_what_is_taken)
{
    static uint8_t bytes[200000];
    int64_t taken;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = dialogue_pattern((uint32_t)i, false);
    open_passive(d);
    app_option(d, SEND_BUFFER, 50000);
    arrive(d, "A wnd=0");
    taken = gander_send(d->stack, d->s, bytes, sizeof(bytes), 0);
    expect_true(d, taken > 0 && taken <= 50000);
    expect_equal(d, gander_send(d->stack, d->s, bytes, 1, 0), GANDER_EAGAIN);
}

DIALOGUE(congestion_control_by_name)
{
    gander_socket s = fresh(d);

    for (unsigned i = 0; gander_congestion_control_name(i); i++)
        expect_equal(
            d, gander_set_congestion_control(d->stack, s, gander_congestion_control_name(i)), 0);
    expect_equal(d, gander_set_congestion_control(d->stack, s, "no such"), GANDER_EINVAL);
    expect_equal(d, gander_set_congestion_control(d->stack, s + 99, "newreno"), GANDER_EBADF);
    open_passive(d);
    expect_true(d,
                strcmp(dialogue_info(d).congestion_control, d->config.tcp_congestion_control) == 0);
    expect_equal(d, gander_set_congestion_control(d->stack, d->s, "newreno"), 0);
    expect_true(d, strcmp(dialogue_info(d).congestion_control, "newreno") == 0);
}

static const struct dialogue_test tests[] = {
    RUN(values_are_kept_and_ranges_checked),
    RUN(connections_inherit_their_listeners),
    RUN(some_are_too_late_once_open),
    RUN(linger_zero_resets),
    RUN(smaller_receive_buffer_takes_nothing_back),
    RUN(listener_buffer_changes_while_opening),
    RUN(receive_buffer_before_connect_sets_the_shift),
    RUN(send_buffer_bounds_what_is_taken),
    RUN(congestion_control_by_name),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}

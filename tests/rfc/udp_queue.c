/* SPDX-License-Identifier: MIT */
/* The receive queue of a UDP socket: bounded, at what it really holds, with exact counters; and the link's queue. */
#include "packets.h"

#include <stdlib.h>

/* A datagram in a buffer of `buffer_bytes`, as a driver would receive it. */
static void arrive_in_buffer(struct net *net, const struct raw *raw, size_t buffer_bytes)
{
    struct gander_packet *packet = gander_packet_alloc(net->stack, buffer_bytes);

    assert_non_null(packet);
    memcpy(packet->frag[0].data, raw->bytes, raw->len);
    gander_packet_trim(packet, raw->len);
    gander_input(net->stack, net->link, &packet, 1);
}

static unsigned drain(struct net *net, gander_socket s)
{
    static uint8_t buffer[70000];
    unsigned n = 0;

    while (gander_receive(net->stack, s, buffer, sizeof(buffer), 0) >= 0)
        n++;
    return n;
}

static void what_does_not_fit_is_dropped_and_counted_exactly(void **state)
{
    static const size_t lengths[] = {0, 1, 100, 1000, 1400};
    struct net *net = *state;
    uint8_t data[1400] = {0};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        gander_socket s = udp_on(net, 7), other = udp_on(net, 8);
        struct raw p = raw_udp(net, 5000, 7, data, lengths[i]), q = raw_udp(net, 5000, 8, "y", 1);
        struct gander_stats before, after;
        uint64_t dropped;

        gander_stats(net->stack, &before);
        for (unsigned n = 0; n < 2000; n++)
            arrive_in_buffer(net, &p, 2000);
        dropped = drops(net, GANDER_DROP_udp_full);
        assert_in_range(dropped, 1, 1999);
        gander_stats(net->stack, &after);
        assert_int_equal(after.udp_datagrams_in - before.udp_datagrams_in, 2000 - dropped);
        /* the bound is on memory, and the slabs around it waste little */
        assert_true(after.memory_bytes - before.memory_bytes <
                    net->config.udp_receive_buffer_bytes * 5ULL / 4 + 65536);
        /* others go on */
        arrive(net, &q);
        receives(net, other, "y", 1);
        /* what was counted in is there, and there is room again */
        assert_int_equal(drain(net, s), 2000 - dropped);
        arrive(net, &p);
        receives(net, s, data, lengths[i]);
        assert_int_equal(gander_close(net->stack, s), 0);
        assert_int_equal(gander_close(net->stack, other), 0);
    }
}

static void a_byte_does_not_pin_a_large_buffer(void **state)
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct raw p = raw_udp(net, 5000, 7, "x", 1);
    struct gander_stats before, after;

    gander_stats(net->stack, &before);
    for (unsigned n = 0; n < 200; n++)
        arrive_in_buffer(net, &p, 16000);
    assert_int_equal(drops(net, GANDER_DROP_none), 0);
    gander_stats(net->stack, &after);
    assert_true(after.memory_bytes - before.memory_bytes < 200 * 1024);
    assert_int_equal(drain(net, s), 200);
}

static void the_bound_can_be_set(void **state)
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct raw p = raw_udp(net, 5000, 7, "12345678", 8);
    uint64_t few, many;

    assert_int_equal(gander_set_option(net->stack, s, GANDER_OPTION_RECEIVE_BUFFER, 10000), 0);
    for (unsigned n = 0; n < 100; n++)
        arrive(net, &p);
    few = 100 - drops(net, GANDER_DROP_udp_full);
    assert_int_equal(drain(net, s), few);
    assert_int_equal(gander_set_option(net->stack, s, GANDER_OPTION_RECEIVE_BUFFER, 20000), 0);
    for (unsigned n = 0; n < 100; n++)
        arrive(net, &p);
    many = 100 - drops(net, GANDER_DROP_udp_full);
    assert_int_equal(drain(net, s), many);
    assert_in_range(many, 2 * few, 2 * few + 1);
    assert_true(few > 5);
    /* lowered below what is held: nothing is lost, nothing new fits */
    arrive(net, &p);
    assert_int_equal(gander_set_option(net->stack, s, GANDER_OPTION_RECEIVE_BUFFER, 1), 0);
    arrive(net, &p);
    assert_int_equal(drops(net, GANDER_DROP_udp_full), 1);
    assert_int_equal(drain(net, s), 1);
}

static void closing_gives_everything_back(void **state)
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct raw p = raw_udp(net, 5000, 7, "12345678", 8);
    struct gander_stats stats;

    for (unsigned n = 0; n < 100; n++)
        arrive(net, &p);
    assert_int_equal(gander_close(net->stack, s), 0);
    gander_stats(net->stack, &stats);
    assert_int_equal(stats.sockets, 0);
    udp_on(net, 7); /* and stays open with a datagram until the stack ends */
    arrive(net, &p);
}

static void a_full_link_says_so_and_when_there_is_room_again(void **state)
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct gander_datagram to = {.peer = with_port(net->peer, 5000)};
    unsigned sent = 0, left = 0;
    struct gander_packet *packet;

    while (gander_send_to(net->stack, s, "x", 1, &to) == 1)
        assert_true(++sent < 100000);
    assert_int_equal(gander_send_to(net->stack, s, "x", 1, &to), GANDER_EAGAIN);
    assert_int_equal(drops(net, GANDER_DROP_none), 0);
    assert_int_equal(events_of(net, s, NULL), 0);
    while (gander_output(net->stack, net->link, &packet, 1) == 1) {
        gander_packet_free(packet);
        left++;
    }
    assert_int_equal(left, sent);
    assert_int_equal(events_of(net, s, NULL), GANDER_EVENT_WRITABLE);
    assert_int_equal(gander_send_to(net->stack, s, "x", 1, &to), 1);
    leaves(net);
}

/* Every allocation in turn fails; what was not sent or received is told, and nothing is lost track of. */
struct failing {
    struct gander_memory inner;
    int64_t left;
};

static void *failing_alloc(void *context, size_t size, size_t align)
{
    struct failing *f = context;

    return f->left-- > 0 ? f->inner.alloc(f->inner.context, size, align) : NULL;
}

static void failing_free(void *context, void *memory, size_t size)
{
    struct failing *f = context;

    f->inner.free(f->inner.context, memory, size);
}

static void no_memory_is_told_and_harms_nothing(void **state)
{
    struct net *net = *state;
    struct failing failing = {.inner = net->config.memory, .left = INT64_MAX};
    struct gander_address peer = with_port(net->peer, 5000);
    bool whole = false;

    net->config.memory = (struct gander_memory){failing_alloc, failing_free, &failing};
    for (int64_t n = 0; n < 40 && !whole; n++) {
        gander_socket s;
        int64_t result;

        failing.left = INT64_MAX;
        net_restart(net);
        failing.left = n;
        result = gander_open(net->stack, GANDER_UDP, &s);
        if (result == 0)
            result = gander_connect(net->stack, s, &peer);
        if (result == 0)
            result = gander_send(net->stack, s, "x", 1, 0);
        if (result == 1) {
            leaves(net);
            whole = true;
        } else {
            assert_int_equal(result, GANDER_ENOMEM);
            nothing_leaves(net);
        }
    }
    assert_true(whole);
    failing.left = INT64_MAX;
    net->config.memory = failing.inner;
    net_restart(net); /* `failing` is gone after this */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PACKET_TEST(what_does_not_fit_is_dropped_and_counted_exactly),
        PACKET_TEST(a_byte_does_not_pin_a_large_buffer),
        PACKET_TEST(the_bound_can_be_set),
        PACKET_TEST(closing_gives_everything_back),
        PACKET_TEST(a_full_link_says_so_and_when_there_is_room_again),
        PACKET_TEST(no_memory_is_told_and_harms_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

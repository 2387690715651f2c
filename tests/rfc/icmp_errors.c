/* SPDX-License-Identifier: MIT */
/*
 * ICMP errors that the stack makes and that it gets: when none may be made [RFC1122 3.2.2, RFC4443 2.4 (e)], how many at most
 * [RFC4443 2.4 (f)], and what of those that arrive is believed.
 */
#include "packets.h"

static uint8_t protocol(const struct net *net)
{
    return is_ip4(net) ? 1 : 58;
}

static void an_unknown_protocol_is_answered(void **state) /* [RFC1122 3.2.2.1], [RFC8200 4] */
{
    struct net *net = *state;

    for (unsigned p = 0; p < 256; p++) {
        struct raw packet = raw_ip(net, (uint8_t)p, "unknown protocol", 16), error;
        bool known = p == 6 || p == 17 || p == protocol(net);
        bool extension = !is_ip4(net) && (p == 0 || p == 43 || p == 44 || p == 59 || p == 60);

        if (known || extension)
            continue;
        arrive(net, &packet);
        assert_int_equal(drops(net, GANDER_DROP_ip_protocol), 1);
        error = leaves(net);
        check_packet(&error, &net->us, &net->peer, protocol(net));
        check_icmp_error(&error, is_ip4(net) ? 3 : 4, is_ip4(net) ? 2 : 1, &packet);
        assert_int_equal(raw_get32(raw_payload(&error) + 4), is_ip4(net) ? 0 : 6);
        advance_to(net, (gander_time)(p + 1) * GANDER_S);
    }
}

static void padding_is_not_quoted(void **state)
{
    struct net *net = *state;
    struct raw packet = raw_ip(net, 200, "unknown protocol", 16), padded = packet, error;

    memset(padded.bytes + padded.len, 0xee, 20);
    padded.len += 20;
    arrive(net, &padded);
    error = leaves(net);
    check_icmp_error(&error, is_ip4(net) ? 3 : 4, is_ip4(net) ? 2 : 1, &packet);
    assert_int_equal(drops(net, GANDER_DROP_ip_protocol), 1);
}

static void nothing_follows_no_next_header(void **state) /* [RFC8200 4.7] */
{
    struct net *net = *state;
    struct raw packet = raw_ip(net, 59, "x", 1);

    arrive(net, &packet);
    assert_int_equal(drops(net, GANDER_DROP_ip_protocol), 1);
    nothing_leaves(net);
}

static void no_error_is_about_an_error(void **state)
{
    static const uint8_t types4[] = {3, 4, 5, 11, 12, 42}, types6[] = {1, 2, 3, 4, 100, 137};
    struct net *net = *state;
    struct raw about = raw_udp(net, 1, 2, "x", 1);

    raw_source(&about, &net->us);
    raw_destination(&about, &net->peer);
    for (unsigned i = 0; i < 6; i++) {
        struct raw p =
            raw_icmp_about(net, is_ip4(net) ? types4[i] : types6[i], 0, 0, &about, 65535);
        uint64_t dropped;

        arrive(net, &p);
        nothing_leaves(net);
        dropped = 0;
        for (unsigned reason = 1; reason < GANDER_DROP_COUNT; reason++) {
            struct gander_stats stats;

            gander_stats(net->stack, &stats);
            dropped += stats.drops[reason];
        }
        assert_int_equal(dropped, i + 1); /* each ended somewhere, by a name */
    }
}

static void short_messages_are_refused(void **state)
{
    struct net *net = *state;

    for (size_t len = 0; len < 8; len++) {
        struct raw p = raw_icmp(net, is_ip4(net) ? 8 : 128, 0, 0, NULL, 0);

        p.len = p.header_bytes + len;
        raw_put16(p.bytes + (is_ip4(net) ? 2 : 4), (uint32_t)(is_ip4(net) ? p.len : len));
        raw_fix_header(&p);
        arrive(net, &p);
        assert_int_equal(drops(net, GANDER_DROP_icmp_too_short), 1);
    }
    nothing_leaves(net);
}

static void redirects_quench_and_discovery_do_nothing(void **state)
{
    static const uint8_t types4[] = {4, 5, 9, 10, 13, 15, 17},
                         types6[] = {130, 133, 134, 135, 136, 137, 138};
    struct net *net = *state;
    struct gander_datagram to = {.peer = with_port(net->peer, 53)};
    gander_socket s = udp_on(net, 7);
    struct raw sent, p;

    assert_int_equal(gander_send_to(net->stack, s, "x", 1, &to), 1);
    sent = leaves(net);
    for (unsigned i = 0; i < 7; i++) {
        p = raw_icmp_about(net, is_ip4(net) ? types4[i] : types6[i], 0, 0xc0000203, &sent, 65535);
        arrive(net, &p);
        assert_int_equal(drops(net, GANDER_DROP_icmp_type), 1);
    }
    assert_int_equal(events_of(net, s, NULL), 0);
    assert_int_equal(gander_send_to(net->stack, s, "x", 1, &to), 1);
    leaves(net);
    nothing_leaves(net);
}

static void errors_about_foreign_packets_are_nobodys(void **state)
{
    struct net *net = *state;
    struct gander_address stranger = address(is_ip4(net) ? "192.0.2.3" : "2001:db8::3");
    struct raw about = raw_udp(net, 7, 53, "x", 1), p;

    raw_source(&about, &stranger);
    raw_destination(&about, &net->peer);
    udp_on(net, 7);
    p = raw_icmp_about(net, is_ip4(net) ? 3 : 1, 3, 0, &about, 65535);
    arrive(net, &p);
    assert_int_equal(drops(net, GANDER_DROP_icmp_no_socket), 1);
    /* of the other IP version */
    about.bytes[0] ^= 0x20;
    p = raw_icmp_about(net, is_ip4(net) ? 3 : 1, 3, 0, &about, 65535);
    arrive(net, &p);
    assert_int_equal(drops(net, GANDER_DROP_icmp_no_socket), 1);
}

static void errors_to_a_group_are_ignored(void **state)
{
    struct net *net = *state;
    struct gander_datagram to = {.peer = with_port(net->peer, 53)};
    struct gander_address all = address(is_ip4(net) ? "255.255.255.255" : "ff02::1");
    gander_socket s = udp_on(net, 7);
    struct raw sent, p;

    assert_int_equal(gander_send_to(net->stack, s, "x", 1, &to), 1);
    sent = leaves(net);
    p = raw_icmp_about(net, is_ip4(net) ? 3 : 1, 3, 0, &sent, 65535);
    raw_destination(&p, &all);
    arrive(net, &p);
    assert_int_equal(drops(net, GANDER_DROP_icmp_type), 1);
    assert_int_equal(events_of(net, s, NULL), 0);
}

/* --- rate limit -------------------------------------------------------------------------------- */

static unsigned answered(struct net *net, const struct gander_address *source, unsigned n)
{
    struct raw p = raw_udp(net, 5000, 7, "x", 1);
    struct gander_packet *packet;
    unsigned answers = 0;

    raw_source(&p, source);
    for (unsigned i = 0; i < n; i++) {
        arrive(net, &p);
        while (gander_output(net->stack, net->link, &packet, 1) == 1) {
            gander_packet_free(packet);
            answers++;
        }
    }
    gander_stats(net->stack, &net->before);
    return answers;
}

static void errors_are_limited_per_destination(void **state)
{
    struct net *net = *state;
    unsigned burst, others = 0;

    net->config.icmp_errors_per_second = 100;
    net_restart(net);
    burst = answered(net, &net->peer, 1000);
    assert_in_range(burst, 1, 100);
    assert_int_equal(answered(net, &net->peer, 1000), 0);
    /* other destinations have their own allowance, but for the few that share a bucket */
    for (uint8_t i = 10; i < 30; i++) {
        struct gander_address other = net->peer;

        other.ip[is_ip4(net) ? 3 : 7] = i;
        if (!is_ip4(net)) { /* another network; a route to it */
            assert_int_equal(gander_route_add(net->stack, net->link, &other, 64), 0);
        }
        others += answered(net, &other, 1) == 1;
    }
    assert_in_range(others, 17, 20);
    /* and it comes back with time, at the rate that was set */
    advance_to(net, GANDER_S / 10);
    assert_in_range(answered(net, &net->peer, 1000), 9, 11);
    advance_to(net, GANDER_S);
    assert_int_equal(answered(net, &net->peer, 1000), burst);
}

static void the_rate_is_kept_over_time(void **state)
{
    struct net *net = *state;
    unsigned total = 0;

    net->config.icmp_errors_per_second = 100;
    net_restart(net);
    for (gander_time t = 0; t < 10 * GANDER_S; t += 7770 * GANDER_US) {
        advance_to(net, t);
        total += answered(net, &net->peer, 1);
    }
    assert_in_range(total, 1000,
                    1013); /* and the burst that was saved up: an eighth of a second's */
}

static void no_rate_means_none(void **state)
{
    struct net *net = *state;
    struct raw echo = raw_icmp(net, is_ip4(net) ? 8 : 128, 0, 0, "x", 1);

    net->config.icmp_errors_per_second = 0;
    net_restart(net);
    assert_int_equal(answered(net, &net->peer, 10), 0);
    arrive(net, &echo); /* echo replies pass the same gate */
    assert_int_equal(drops(net, GANDER_DROP_icmp_rate), 1);
    nothing_leaves(net);
}

/* One that owns an IPv6 network owns all its addresses: changing them gains nothing. */
static void a_network_shares_one_allowance(void **state)
{
    struct net *net = *state;
    unsigned burst, total = 0;

    net->config.icmp_errors_per_second = 100;
    net_restart(net);
    burst = answered(net, &net->peer, 1000);
    for (unsigned i = 0; i < 200; i++) {
        struct gander_address other = net->peer;

        other.ip[14] = (uint8_t)i;
        other.ip[12] = 9;
        total += answered(net, &other, 1);
    }
    assert_int_equal(total, 0);
    assert_true(burst > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PACKET_TEST(an_unknown_protocol_is_answered),
        PACKET_TEST(padding_is_not_quoted),
        PACKET_TEST_IP6(nothing_follows_no_next_header),
        PACKET_TEST(no_error_is_about_an_error),
        PACKET_TEST(short_messages_are_refused),
        PACKET_TEST(redirects_quench_and_discovery_do_nothing),
        PACKET_TEST(errors_about_foreign_packets_are_nobodys),
        PACKET_TEST(errors_to_a_group_are_ignored),
        PACKET_TEST(errors_are_limited_per_destination),
        PACKET_TEST(the_rate_is_kept_over_time),
        PACKET_TEST(no_rate_means_none),
        PACKET_TEST_IP6(a_network_shares_one_allowance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

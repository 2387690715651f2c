/* SPDX-License-Identifier: MIT */
/*
 * UDP and ICMP errors: port unreachable is sent [RFC1122 4.1.3.1, RFC4443 3.1], and what comes in reaches the socket whose
 * datagram it quotes, and no other [RFC1122 4.1.3.3, RFC5927 4].
 */
#include "packets.h"

enum { EVERYTHING = 65535 };

static void a_closed_port_is_unreachable(void **state)
{
    static const size_t lengths[] = {0, 1, 500, 548, 549, 1232, 1400};
    struct net *net = *state;
    uint8_t data[1400] = {7};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct raw p = raw_udp(net, 5000, 7, data, lengths[i]), error;

        arrive(net, &p);
        assert_int_equal(drops(net, GANDER_DROP_udp_no_socket), 1);
        error = leaves(net);
        check_packet(&error, &net->us, &net->peer, is_ip4(net) ? 1 : 58);
        check_icmp_error(&error, is_ip4(net) ? 3 : 1, is_ip4(net) ? 3 : 4, &p);
        assert_int_equal(raw_get32(raw_payload(&error) + 4), 0);
        nothing_leaves(net);
    }
}

static void a_wrong_checksum_is_answered_with_silence(void **state)
{
    struct net *net = *state;
    struct raw p = raw_udp(net, 5000, 7, "x", 1);

    raw_payload(&p)[8] ^= 1;
    arrive(net, &p);
    assert_int_equal(drops(net, GANDER_DROP_udp_checksum), 1);
    nothing_leaves(net);
}

/* The datagram that a socket on port 7 last sent to the peer's port 5000. */
static struct raw sent_datagram(struct net *net, gander_socket s)
{
    struct gander_datagram to = {.peer = with_port(net->peer, 5000)};

    assert_int_equal(gander_send_to(net->stack, s, "12345678", 8, &to), 8);
    return leaves(net);
}

struct error_case {
    uint8_t type4, code4, type6, code6;
    int error;
};

static const struct error_case errors[] = {
    {3, 3, 1, 4, GANDER_ECONNREFUSED},  {3, 1, 1, 3, GANDER_EHOSTUNREACH},
    {3, 0, 1, 0, GANDER_ENETUNREACH},   {3, 2, 4, 1, GANDER_ENOPROTOOPT},
    {3, 13, 1, 1, GANDER_EHOSTUNREACH}, {3, 4, 2, 0, GANDER_EMSGSIZE},
    {11, 0, 3, 0, GANDER_EHOSTUNREACH}, {12, 0, 4, 0, GANDER_ENOPROTOOPT}};

static struct raw error_about(const struct net *net, const struct error_case *e,
                              const struct raw *about, size_t len)
{
    return raw_icmp_about(net, is_ip4(net) ? e->type4 : e->type6, is_ip4(net) ? e->code4 : e->code6,
                          0, about, len);
}

static void a_connected_socket_is_told_once(void **state)
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct gander_address peer = with_port(net->peer, 5000);
    struct raw sent, p;
    char byte;
    int error;

    assert_int_equal(gander_connect(net->stack, s, &peer), 0);
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        sent = sent_datagram(net, s);
        p = error_about(net, &errors[i], &sent, i % 2 ? EVERYTHING : sent.header_bytes + 8);
        arrive(net, &p);
        assert_int_equal(events_of(net, s, &error), GANDER_EVENT_ERROR);
        assert_int_equal(error, errors[i].error);
        if (i % 2) {
            assert_int_equal(gander_send(net->stack, s, "x", 1, 0), errors[i].error);
            nothing_leaves(net);
        } else {
            assert_int_equal(gander_receive(net->stack, s, &byte, 1, 0), errors[i].error);
        }
        receives_nothing(net, s); /* it was reported */
        assert_int_equal(drops(net, GANDER_DROP_none), 0);
    }
}

static void an_unconnected_socket_hears_of_it_and_goes_on(void **state)
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct raw sent = sent_datagram(net, s), p;
    int error;

    p = error_about(net, &errors[0], &sent, EVERYTHING);
    arrive(net, &p);
    assert_int_equal(events_of(net, s, &error), GANDER_EVENT_ERROR);
    assert_int_equal(error, GANDER_ECONNREFUSED);
    receives_nothing(net, s);
    sent_datagram(net, s);
}

static void errors_about_other_datagrams_are_ignored(void **state) /* [RFC5927 4] */
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct gander_address peer = with_port(net->peer, 5000);
    struct gander_address other = address(is_ip4(net) ? "192.0.2.3" : "2001:db8::3");
    struct raw sent, wrong, p;

    assert_int_equal(gander_connect(net->stack, s, &peer), 0);
    sent = sent_datagram(net, s);
    for (unsigned what = 0; what < 4; what++) {
        wrong = sent;
        if (what == 0)
            raw_put16(raw_payload(&wrong), 8); /* our port */
        else if (what == 1)
            raw_put16(raw_payload(&wrong) + 2, 5001); /* its port */
        else if (what == 2)
            raw_destination(&wrong, &other);
        else
            raw_source(&wrong, &other);
        p = error_about(net, &errors[0], &wrong, EVERYTHING);
        arrive(net, &p);
        assert_int_equal(drops(net, GANDER_DROP_icmp_no_socket), 1);
    }
    assert_int_equal(events_of(net, s, NULL), 0);
    receives_nothing(net, s);
}

static void short_quotes_are_refused(void **state)
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct raw sent = sent_datagram(net, s);

    for (size_t len = 0; len < sent.header_bytes + 8U; len++) {
        struct raw p = error_about(net, &errors[0], &sent, len);

        arrive(net, &p);
        assert_int_equal(drops(net, GANDER_DROP_icmp_too_short), 1);
    }
    assert_int_equal(events_of(net, s, NULL), 0);
}

static void an_error_for_a_closed_socket_is_nobodys(void **state)
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct gander_address peer = with_port(net->peer, 5000);
    struct raw sent, p;

    assert_int_equal(gander_connect(net->stack, s, &peer), 0);
    sent = sent_datagram(net, s);
    assert_int_equal(gander_close(net->stack, s), 0);
    p = error_about(net, &errors[0], &sent, EVERYTHING);
    arrive(net, &p);
    assert_int_equal(drops(net, GANDER_DROP_icmp_no_socket), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PACKET_TEST(a_closed_port_is_unreachable),
        PACKET_TEST(a_wrong_checksum_is_answered_with_silence),
        PACKET_TEST(a_connected_socket_is_told_once),
        PACKET_TEST(an_unconnected_socket_hears_of_it_and_goes_on),
        PACKET_TEST(errors_about_other_datagrams_are_ignored),
        PACKET_TEST(short_quotes_are_refused),
        PACKET_TEST(an_error_for_a_closed_socket_is_nobodys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

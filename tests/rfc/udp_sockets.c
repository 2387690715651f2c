/* SPDX-License-Identifier: MIT */
/* UDP sockets: who may have which address and port, and what connecting changes [RFC768, RFC1122 4.1, RFC6056]. */
#include "packets.h"

static struct gander_address any_ip(const struct net *net, uint16_t port)
{
    return (struct gander_address){.family = (uint8_t)net->family, .port = port};
}

/* Does a datagram to this address and port of ours find a socket? */
static bool is_taken_in(struct net *net, uint16_t port)
{
    struct raw p = raw_udp(net, 5000, port, "x", 1);
    struct gander_packet *packet;

    arrive(net, &p);
    while (gander_output(net->stack, net->link, &packet, 1) == 1)
        gander_packet_free(packet);
    return drops(net, GANDER_DROP_udp_no_socket) == 0;
}

static void a_port_is_chosen_at_random_from_the_dynamic_range(void **state) /* [RFC6056 3.3.1] */
{
    struct net *net = *state;
    unsigned in_order = 0;
    uint16_t last = 0;

    for (unsigned i = 0; i < 200; i++) {
        gander_socket s = open_socket(net, GANDER_UDP);
        struct gander_address local, any = any_ip(net, 0);

        assert_int_equal(gander_bind(net->stack, s, &any), 0);
        assert_int_equal(gander_local_address(net->stack, s, &local), 0);
        assert_in_range(local.port, 32768, 65535);
        in_order += local.port == last + 1;
        last = local.port;
        assert_int_equal(gander_close(net->stack, s), 0);
    }
    assert_true(in_order < 5);
}

static void the_secret_decides_the_ports(void **state) /* [RFC6056 3.3.3], and runs repeat */
{
    struct net *net = *state;
    struct gander_address local[3], any = any_ip(net, 0);

    for (unsigned run = 0; run < 3; run++) {
        gander_socket s;

        net->config.secret[5] = run == 2;
        net_restart(net);
        s = open_socket(net, GANDER_UDP);
        assert_int_equal(gander_bind(net->stack, s, &any), 0);
        assert_int_equal(gander_local_address(net->stack, s, &local[run]), 0);
    }
    assert_int_equal(local[0].port, local[1].port);
    assert_int_not_equal(local[0].port, local[2].port);
}

static void a_port_of_an_address_belongs_to_one_socket(void **state)
{
    struct net *net = *state;
    struct gander_address any = any_ip(net, 53), one = with_port(net->us, 53);
    gander_socket a = open_socket(net, GANDER_UDP), b = open_socket(net, GANDER_UDP);

    assert_int_equal(gander_bind(net->stack, a, &any), 0);
    assert_int_equal(gander_bind(net->stack, b, &any), GANDER_EADDRINUSE);
    assert_int_equal(gander_bind(net->stack, b, &one), GANDER_EADDRINUSE);
    assert_int_equal(gander_close(net->stack, a), 0);
    assert_int_equal(gander_bind(net->stack, b, &one), 0);
    a = open_socket(net, GANDER_UDP);
    assert_int_equal(gander_bind(net->stack, a, &any), GANDER_EADDRINUSE);
    assert_int_equal(gander_bind(net->stack, a, &one), GANDER_EADDRINUSE);
    any.port = 54;
    assert_int_equal(gander_bind(net->stack, a, &any), 0);
}

static void two_addresses_have_their_own_ports(void **state)
{
    struct net *net = *state;
    struct gander_address second = address(is_ip4(net) ? "192.0.2.9" : "2001:db8::9");
    gander_socket a = open_socket(net, GANDER_UDP), b = open_socket(net, GANDER_UDP);
    struct gander_address local = with_port(net->us, 53);
    struct raw p = raw_udp(net, 5000, 53, "to the first", 12);

    assert_int_equal(gander_address_add(net->stack, net->link, &second, is_ip4(net) ? 24 : 64), 0);
    assert_int_equal(gander_bind(net->stack, a, &local), 0);
    local = with_port(second, 53);
    assert_int_equal(gander_bind(net->stack, b, &local), 0);
    arrive(net, &p);
    receives(net, a, "to the first", 12);
    receives_nothing(net, b);
    raw_destination(&p, &second);
    arrive(net, &p);
    receives(net, b, "to the first", 12);
    receives_nothing(net, a);
}

static void families_share_a_port_only_where_both_take_part(void **state)
{
    static const struct {
        uint8_t first, second; /* family; 0: both */
        bool first_v6_only, second_v6_only, fits;
    } cases[] = {
        {4, 6, false, false, false}, {4, 6, false, true, true},   {6, 4, true, false, true},
        {6, 4, false, false, false}, {0, 4, false, false, false}, {0, 6, false, true, false},
        {4, 0, false, false, false}, {6, 0, true, false, false},  {4, 4, false, false, false}};
    struct net *net = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gander_address a = {.family = cases[i].first, .port = 99};
        struct gander_address b = {.family = cases[i].second, .port = 99};
        gander_socket first = open_socket(net, GANDER_UDP), second = open_socket(net, GANDER_UDP);

        assert_int_equal(
            gander_set_option(net->stack, first, GANDER_OPTION_V6_ONLY, cases[i].first_v6_only), 0);
        assert_int_equal(
            gander_set_option(net->stack, second, GANDER_OPTION_V6_ONLY, cases[i].second_v6_only),
            0);
        assert_int_equal(gander_bind(net->stack, first, &a), 0);
        assert_int_equal(gander_bind(net->stack, second, &b),
                         cases[i].fits ? 0 : GANDER_EADDRINUSE);
        assert_int_equal(gander_close(net->stack, first), 0);
        assert_int_equal(gander_close(net->stack, second), 0);
    }
}

static void any_ipv6_address_takes_ipv4_unless_v6_only(void **state)
{
    struct net *net = *state;

    for (unsigned v6_only = 0; v6_only < 2; v6_only++) {
        struct gander_address any = {.family = GANDER_IPV6, .port = 7};
        gander_socket s = open_socket(net, GANDER_UDP);

        assert_int_equal(gander_set_option(net->stack, s, GANDER_OPTION_V6_ONLY, v6_only), 0);
        assert_int_equal(gander_bind(net->stack, s, &any), 0);
        assert_int_equal(is_taken_in(net, 7), !is_ip4(net) || !v6_only);
        assert_int_equal(gander_set_option(net->stack, s, GANDER_OPTION_V6_ONLY, 1),
                         GANDER_EISCONN); /* too late */
        assert_int_equal(gander_close(net->stack, s), 0);
        assert_false(is_taken_in(net, 7));
    }
}

static void family_zero_takes_both(void **state)
{
    struct net *net = *state;
    struct gander_address any = {.port = 7};
    gander_socket s = open_socket(net, GANDER_UDP);

    assert_int_equal(gander_bind(net->stack, s, &any), 0);
    assert_true(is_taken_in(net, 7));
}

static void what_cannot_be_bound_is_refused(void **state)
{
    struct net *net = *state;
    gander_socket s = open_socket(net, GANDER_UDP);
    struct gander_address local = with_port(net->peer, 53);

    assert_int_equal(gander_bind(net->stack, s, &local), GANDER_EADDRNOTAVAIL);
    local.family = 5;
    assert_int_equal(gander_bind(net->stack, s, &local), GANDER_EINVAL);
    local = with_port(net->us, 53);
    assert_int_equal(gander_bind(net->stack, s, &local), 0);
    assert_int_equal(gander_bind(net->stack, s, &local), GANDER_EINVAL);
    assert_int_equal(gander_listen(net->stack, s, 1), GANDER_EOPNOTSUPP);
    assert_int_equal(gander_close(net->stack, s), 0);
    assert_int_equal(gander_bind(net->stack, s, &local), GANDER_EBADF);
}

static void a_connected_socket_hears_its_peer_alone(void **state)
{
    struct net *net = *state;
    struct gander_address peer = with_port(net->peer, 5000), local, none = {0};
    struct gander_address stranger = address(is_ip4(net) ? "192.0.2.77" : "2001:db8::77");
    gander_socket s = udp_on(net, 53);
    struct raw right = raw_udp(net, 5000, 53, "right", 5), wrong_port, wrong_ip;

    wrong_port = raw_udp(net, 5001, 53, "wrong", 5);
    wrong_ip = right;
    raw_source(&wrong_ip, &stranger);
    assert_int_equal(gander_peer_address(net->stack, s, &local), GANDER_ENOTCONN);
    assert_int_equal(gander_connect(net->stack, s, &peer), 0);
    assert_int_equal(gander_local_address(net->stack, s, &local), 0);
    assert_memory_equal(local.ip, net->us.ip, 16); /* chosen [RFC1122 4.1.3.5] */
    assert_int_equal(local.port, 53);
    assert_int_equal(gander_peer_address(net->stack, s, &local), 0);
    assert_true(gander_address_equal(&local, &peer));

    arrive(net, &right);
    receives(net, s, "right", 5);
    arrive(net, &wrong_port);
    arrive(net, &wrong_ip);
    receives_nothing(net, s);
    assert_int_equal(drops(net, GANDER_DROP_udp_no_socket), 2);
    leaves(net); /* port unreachable to both */
    leaves(net);

    assert_int_equal(gander_connect(net->stack, s, &none), 0); /* family 0 undoes it */
    arrive(net, &wrong_ip);
    receives(net, s, "right", 5);
}

static void connecting_asks_for_a_route_and_a_port(void **state)
{
    struct net *net = *state;
    gander_socket s = open_socket(net, GANDER_UDP);
    struct gander_address far = with_port(address(is_ip4(net) ? "8.8.8.8" : "2600::1"), 53);
    struct gander_address peer = with_port(net->peer, 0);
    struct gander_address other = with_port(address(is_ip4(net) ? "2001:db8::2" : "192.0.2.2"), 5);
    struct gander_address any = {.family = (uint8_t)net->family, .port = 53}, local;

    assert_int_equal(gander_connect(net->stack, s, &far), GANDER_ENETUNREACH);
    assert_int_equal(gander_connect(net->stack, s, &peer), GANDER_EINVAL);
    assert_int_equal(gander_connect(net->stack, s, &any), GANDER_EINVAL);
    assert_int_not_equal(gander_local_address(net->stack, s, &local), 0); /* nothing has changed */
    assert_int_equal(gander_route_add(net->stack, net->link,
                                      &(struct gander_address){.family = (uint8_t)net->family}, 0),
                     0);
    assert_int_equal(gander_connect(net->stack, s, &far), 0);
    assert_int_equal(gander_close(net->stack, s), 0);
    s = open_socket(net, GANDER_UDP);
    assert_int_equal(gander_bind(net->stack, s, &net->us), 0);
    assert_int_equal(gander_connect(net->stack, s, &other), GANDER_EINVAL); /* the other family */
}

static void options_are_kept_and_checked(void **state)
{
    static const struct {
        enum gander_option option;
        int64_t low, high;
    } cases[] = {{GANDER_OPTION_TTL, 1, 255},
                 {GANDER_OPTION_TRAFFIC_CLASS, 0, 255},
                 {GANDER_OPTION_RECEIVE_BUFFER, 1, INT32_MAX},
                 {GANDER_OPTION_V6_ONLY, 0, 1}};
    struct net *net = *state;
    gander_socket s = open_socket(net, GANDER_UDP);
    int64_t value;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum gander_option option = cases[i].option;

        assert_int_equal(gander_set_option(net->stack, s, option, cases[i].low - 1), GANDER_EINVAL);
        assert_int_equal(gander_set_option(net->stack, s, option, cases[i].high + 1),
                         GANDER_EINVAL);
        assert_int_equal(gander_set_option(net->stack, s, option, cases[i].high), 0);
        assert_int_equal(gander_get_option(net->stack, s, option, &value), 0);
        assert_int_equal(value, cases[i].high);
        assert_int_equal(gander_set_option(net->stack, s, option, cases[i].low), 0);
    }
    assert_int_equal(gander_set_option(net->stack, s, GANDER_OPTION_NODELAY, 1), GANDER_EOPNOTSUPP);
    assert_int_equal(gander_set_option(net->stack, s, GANDER_OPTION_COUNT, 1), GANDER_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PACKET_TEST(a_port_is_chosen_at_random_from_the_dynamic_range),
        PACKET_TEST(the_secret_decides_the_ports),
        PACKET_TEST(a_port_of_an_address_belongs_to_one_socket),
        PACKET_TEST(two_addresses_have_their_own_ports),
        PACKET_TEST(families_share_a_port_only_where_both_take_part),
        PACKET_TEST(any_ipv6_address_takes_ipv4_unless_v6_only),
        PACKET_TEST(family_zero_takes_both),
        PACKET_TEST(what_cannot_be_bound_is_refused),
        PACKET_TEST(a_connected_socket_hears_its_peer_alone),
        PACKET_TEST(connecting_asks_for_a_route_and_a_port),
        PACKET_TEST(options_are_kept_and_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

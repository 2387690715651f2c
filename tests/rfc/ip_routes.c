/* SPDX-License-Identifier: MIT */
/* Links, addresses, routes: which way a datagram leaves, and from which of our addresses [RFC1122 3.3.1, RFC6724 5]. */
#include "packets.h"

static void add_address(struct net *net, unsigned link, const char *text, unsigned prefix_bits)
{
    struct gander_address a = address(text);

    assert_int_equal(gander_address_add(net->stack, link, &a, prefix_bits), 0);
}

static void add_route(struct net *net, unsigned link, const char *text, unsigned prefix_bits)
{
    struct gander_address prefix = address(text);

    assert_int_equal(gander_route_add(net->stack, link, &prefix, prefix_bits), 0);
}

static unsigned add_link(struct net *net, uint32_t mtu_bytes)
{
    const struct gander_link_config config = {.mtu_bytes = mtu_bytes};
    unsigned link;

    assert_int_equal(gander_link_add(net->stack, &config, &link), 0);
    return link;
}

/* A datagram to `to` leaves on `link` from address `from`. */
static void goes(struct net *net, const char *to, unsigned link, const char *from)
{
    gander_socket s = open_socket(net, GANDER_UDP);
    struct gander_datagram d = {.peer = with_port(address(to), 9)};
    struct gander_address source = address(from);
    struct raw p;

    assert_int_equal(gander_send_to(net->stack, s, "x", 1, &d), 1);
    net->link = link;
    p = leaves(net);
    check_packet(&p, &source, &d.peer, 17);
    assert_int_equal(gander_close(net->stack, s), 0);
}

static void goes_nowhere(struct net *net, const char *to)
{
    gander_socket s = open_socket(net, GANDER_UDP);
    struct gander_datagram d = {.peer = with_port(address(to), 9)};

    assert_int_equal(gander_send_to(net->stack, s, "x", 1, &d), GANDER_ENETUNREACH);
    assert_int_equal(gander_close(net->stack, s), 0);
}

static void the_longest_prefix_wins(void **state)
{
    struct net *net = *state;
    unsigned other = add_link(net, 1500);

    if (is_ip4(net)) {
        add_route(net, other, "10.0.0.0", 8);
        add_route(net, 0, "10.1.0.0", 16);
        add_route(net, other, "10.1.2.0", 23);
        add_route(net, 0, "10.1.2.3", 32);
        add_address(net, other, "198.51.100.1", 24);
        goes(net, "10.1.2.3", 0, "192.0.2.1");
        goes(net, "10.1.2.4", other, "198.51.100.1");
        goes(net, "10.1.3.255", other, "198.51.100.1");
        goes(net, "10.1.4.0", 0, "192.0.2.1");
        goes(net, "10.2.0.1", other, "198.51.100.1");
        goes_nowhere(net, "11.0.0.1");
        add_route(net, 0, "0.0.0.0", 0);
        goes(net, "11.0.0.1", 0, "192.0.2.1");
        goes(net, "10.1.2.4", other, "198.51.100.1");
    } else {
        add_route(net, other, "2600::", 12);
        add_route(net, 0, "2600:1::", 32);
        add_route(net, other, "2600:1:2::", 47);
        add_route(net, 0, "2600:1:2::3", 128);
        add_address(net, other, "2001:db8:9::1", 64);
        goes(net, "2600:1:2::3", 0, "2001:db8::1");
        goes(net, "2600:1:3::3", other, "2001:db8:9::1");
        goes(net, "2600:1:4::3", 0, "2001:db8::1");
        goes(net, "260f::1", other, "2001:db8:9::1");
        goes_nowhere(net, "2610::1");
        add_route(net, 0, "::", 0);
        goes(net, "2610::1", 0, "2001:db8::1");
    }
}

static void host_bits_of_a_prefix_do_not_count(void **state)
{
    struct net *net = *state;

    add_route(net, 0, is_ip4(net) ? "10.255.255.255" : "2600:ffff::ffff", is_ip4(net) ? 9 : 20);
    goes(net, is_ip4(net) ? "10.128.0.1" : "2600:f000::1", 0,
         is_ip4(net) ? "192.0.2.1" : "2001:db8::1");
    goes_nowhere(net, is_ip4(net) ? "10.127.0.1" : "2600:e000::1");
}

static void a_second_route_to_a_prefix_takes_the_place_of_the_first(void **state)
{
    struct net *net = *state;
    unsigned other = add_link(net, 1500);
    const char *prefix = is_ip4(net) ? "10.0.0.0" : "2600::";
    const char *to = is_ip4(net) ? "10.9.9.9" : "2600::9";
    const char *from = is_ip4(net) ? "192.0.2.1" : "2001:db8::1";

    for (unsigned i = 0; i < 2 * GANDER_ROUTES_MAX; i++) {
        add_route(net, i % 2 ? other : 0, prefix, 8);
        goes(net, to, i % 2 ? other : 0, from);
    }
}

static void the_address_of_the_link_and_of_the_nearest_prefix_is_used(void **state)
{
    struct net *net = *state;
    unsigned other = add_link(net, 1500);

    if (is_ip4(net)) {
        add_address(net, 0, "203.0.113.1", 24);
        add_address(net, other, "203.0.113.129", 25);
        add_address(net, other, "169.254.0.7", 16);
        goes(net, "192.0.2.77", 0, "192.0.2.1");
        goes(net, "203.0.113.5", 0, "203.0.113.1");
        goes(net, "203.0.113.200", other, "203.0.113.129");
        goes(net, "169.254.3.3", other, "169.254.0.7");
        add_route(net, other, "169.128.0.0", 9); /* near to link-local, but not of it */
        goes(net, "169.253.3.3", other, "203.0.113.129");
    } else {
        add_address(net, 0, "2001:db8:0:1::1", 64);
        add_address(net, 0, "fe80::1", 64);
        goes(net, "2001:db8::77", 0, "2001:db8::1");
        goes(net, "2001:db8:0:1::77", 0, "2001:db8:0:1::1");
        goes(net, "fe80::77", 0, "fe80::1"); /* scope first [RFC6724 5, rule 2] */
        add_route(net, 0, "fc00::", 7);
        goes(net, "fd00::1", 0, "2001:db8::1"); /* although fe80:: has more bits in common */
        add_address(net, other, "2001:db8:0:1::2", 128);
        add_route(net, other, "2001:db8:0:1::99", 128);
        goes(net, "2001:db8:0:1::99", other, "2001:db8:0:1::2"); /* the outgoing link's [rule 5] */
    }
}

static void a_second_address_of_a_prefix_leaves_its_route_alone(void **state)
{
    struct net *net = *state;
    unsigned other = add_link(net, 1500);

    add_address(net, other, is_ip4(net) ? "192.0.2.99" : "2001:db8::99", is_ip4(net) ? 24 : 64);
    goes(net, is_ip4(net) ? "192.0.2.77" : "2001:db8::77", 0,
         is_ip4(net) ? "192.0.2.1" : "2001:db8::1");
}

static void point_to_point_prefixes_have_no_broadcast(void **state) /* [RFC3021 2.1] */
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct gander_address source = address("198.51.100.1");
    struct raw p = raw_udp(net, 5000, 7, "x", 1);

    add_address(net, 0, "198.51.100.0", 31);
    raw_source(&p, &source); /* all ones, and yet a host */
    arrive(net, &p);
    receives(net, s, "x", 1);
    add_address(net, 0, "203.0.113.1", 30);
    source = address("203.0.113.3");
    raw_source(&p, &source);
    arrive(net, &p);
    assert_int_equal(drops(net, GANDER_DROP_ip_source), 1);
}

static void the_links_mtu_bounds_what_leaves(void **state)
{
    struct net *net = *state;
    unsigned small = add_link(net, 1280);
    struct gander_datagram d = {.peer =
                                    with_port(address(is_ip4(net) ? "10.0.0.1" : "2600::1"), 9)};
    gander_socket s = open_socket(net, GANDER_UDP);
    size_t most = 1280U - (is_ip4(net) ? 28 : 48);
    static const uint8_t data[1500];

    add_route(net, small, is_ip4(net) ? "10.0.0.0" : "2600::", 8);
    assert_int_equal(gander_send_to(net->stack, s, data, most + 1, &d), GANDER_EMSGSIZE);
    assert_int_equal(gander_local_address(net->stack, s, &d.local), GANDER_EINVAL); /* unchanged */
    d.local.family = 0;
    assert_int_equal(gander_send_to(net->stack, s, data, most, &d), most);
    net->link = small;
    assert_int_equal(leaves(net).len, 1280);
}

static void wrong_links_addresses_and_routes_are_refused(void **state)
{
    static const uint32_t mtus[] = {0, 575, 65536};
    struct net *net = *state;
    const char *wrong[] = {is_ip4(net) ? "0.0.0.0" : "::", is_ip4(net) ? "224.0.0.5" : "ff02::5",
                           is_ip4(net) ? "255.255.255.255" : "ff0e::1", "*"};
    struct gander_address a = net->peer;
    unsigned bits = is_ip4(net) ? 32 : 128, link;

    for (size_t i = 0; i < 3; i++) {
        const struct gander_link_config config = {.mtu_bytes = mtus[i]};

        assert_int_equal(gander_link_add(net->stack, &config, &link), GANDER_EINVAL);
    }
    for (size_t i = 0; i < 4; i++) {
        a = address(wrong[i]);
        assert_int_equal(gander_address_add(net->stack, 0, &a, 24), GANDER_EINVAL);
    }
    assert_int_equal(gander_address_add(net->stack, 0, &net->us, 24), GANDER_EADDRINUSE);
    assert_int_equal(gander_address_add(net->stack, 1, &net->peer, 24), GANDER_EINVAL);
    assert_int_equal(gander_address_add(net->stack, 0, &net->peer, bits + 1), GANDER_EINVAL);
    assert_int_equal(gander_route_add(net->stack, 1, &net->peer, 8), GANDER_EINVAL);
    assert_int_equal(gander_route_add(net->stack, 0, &net->peer, bits + 1), GANDER_EINVAL);
}

static void full_tables_say_so_and_stay_as_they_are(void **state)
{
    struct net *net = *state;
    const struct gander_link_config config = {.mtu_bytes = 1500};
    struct gander_address a = address(is_ip4(net) ? "10.0.0.1" : "2600::1");
    unsigned last = is_ip4(net) ? 3 : 15, middle = is_ip4(net) ? 1 : 7, link;
    int error = 0, n;

    for (n = 1; (error = gander_link_add(net->stack, &config, &link)) == 0; n++)
        ;
    assert_int_equal(error, GANDER_ENOMEM);
    assert_int_equal(n, GANDER_LINKS_MAX);
    for (n = 1; (error = gander_address_add(net->stack, 0, &a, is_ip4(net) ? 24 : 64)) == 0; n++)
        a.ip[last]++;
    assert_int_equal(error, GANDER_ENOMEM);
    assert_int_equal(n, GANDER_ADDRESSES_MAX);
    for (n = 2; (error = gander_route_add(net->stack, 0, &a, is_ip4(net) ? 16 : 64)) == 0; n++)
        a.ip[middle]++;
    assert_int_equal(error, GANDER_ENOMEM);
    assert_int_equal(n, GANDER_ROUTES_MAX + (is_ip4(net) ? 0 : 1)); /* one of them was there */
    goes(net, is_ip4(net) ? "192.0.2.5" : "2001:db8::5", 0,
         is_ip4(net) ? "192.0.2.1" : "2001:db8::1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PACKET_TEST(the_longest_prefix_wins),
        PACKET_TEST(host_bits_of_a_prefix_do_not_count),
        PACKET_TEST(a_second_route_to_a_prefix_takes_the_place_of_the_first),
        PACKET_TEST(the_address_of_the_link_and_of_the_nearest_prefix_is_used),
        PACKET_TEST(a_second_address_of_a_prefix_leaves_its_route_alone),
        PACKET_TEST_IP4(point_to_point_prefixes_have_no_broadcast),
        PACKET_TEST(the_links_mtu_bounds_what_leaves),
        PACKET_TEST(wrong_links_addresses_and_routes_are_refused),
        PACKET_TEST(full_tables_say_so_and_stay_as_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

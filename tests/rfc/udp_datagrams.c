/* SPDX-License-Identifier: MIT */
/* Datagrams as they come and go: boundaries, lengths, checksums, addresses [RFC768, RFC1122 4.1, RFC8200 8.1]. */
#include "packets.h"

static void boundaries_and_order_are_kept(void **state)
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct raw p;

    for (size_t len = 0; len < 40; len++) {
        uint8_t data[40];

        memset(data, (int)len, sizeof(data));
        p = raw_udp(net, 5000, 7, data, len);
        arrive(net, &p);
    }
    assert_int_equal(events_of(net, s, NULL), GANDER_EVENT_READABLE);
    for (size_t len = 0; len < 40; len++) {
        uint8_t data[40];

        memset(data, (int)len, sizeof(data));
        receives(net, s, data, len); /* a datagram of length 0 is one too */
    }
    receives_nothing(net, s);
    nothing_leaves(net);
}

static void all_that_is_known_of_a_datagram_is_told(void **state)
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct raw p = raw_udp(net, 5000, 7, "0123456789", 10);
    struct gander_datagram datagram;
    struct gander_address from = with_port(net->peer, 5000), to = with_port(net->us, 7);
    char buffer[16];

    if (is_ip4(net))
        p.bytes[1] = 0xb9;
    else
        raw_put16(p.bytes, 0x6b90);
    raw_fix(&p);
    arrive(net, &p);
    /* a peek, a short buffer, and nothing lost by either */
    assert_int_equal(gander_receive_from(net->stack, s, buffer, 4, GANDER_RECEIVE_PEEK, &datagram),
                     4);
    assert_true(datagram.truncated);
    assert_int_equal(datagram.len, 10);
    assert_int_equal(gander_receive_from(net->stack, s, buffer, 16, 0, &datagram), 10);
    assert_false(datagram.truncated);
    assert_int_equal(datagram.len, 10);
    assert_memory_equal(buffer, "0123456789", 10);
    assert_true(gander_address_equal(&datagram.peer, &from));
    assert_true(gander_address_equal(&datagram.local, &to)); /* [RFC1122 4.1.3.5] */
    assert_int_equal(datagram.ttl, 61);                      /* [RFC1122 4.1.4] */
    assert_int_equal(datagram.traffic_class, 0xb9);
    /* cut off for good: the rest is gone, the next datagram whole */
    arrive(net, &p);
    arrive(net, &p);
    assert_int_equal(gander_receive(net->stack, s, buffer, 3, 0), 3);
    receives(net, s, "0123456789", 10);
    receives_nothing(net, s);
}

static void datagrams_leave_as_they_were_given(void **state)
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct gander_datagram to = {.peer = with_port(net->peer, 5000)};
    uint8_t data[1472];
    struct raw p;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 31);
    for (size_t len = 0; len <= 1472U - (is_ip4(net) ? 0 : 20); len += len < 64 ? 1 : 101) {
        assert_int_equal(gander_send_to(net->stack, s, data, len, &to), len);
        p = leaves(net);
        check_packet(&p, &net->us, &net->peer, 17);
        check_udp(&p, 7, 5000, data, len);
    }
    nothing_leaves(net);
}

static void ttl_and_traffic_class_are_sent(void **state)
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct gander_datagram to = {.peer = with_port(net->peer, 5000)};
    struct raw p;

    assert_int_equal(gander_set_option(net->stack, s, GANDER_OPTION_TTL, 3), 0);
    assert_int_equal(gander_set_option(net->stack, s, GANDER_OPTION_TRAFFIC_CLASS, 0x2e), 0);
    assert_int_equal(gander_send_to(net->stack, s, "x", 1, &to), 1);
    p = leaves(net);
    check_packet(&p, &net->us, &net->peer, 17);
    assert_int_equal(p.bytes[is_ip4(net) ? 8 : 7], 3);
    assert_int_equal(is_ip4(net) ? p.bytes[1] : (raw_get16(p.bytes) >> 4 & 0xff), 0x2e);
}

static void what_does_not_fit_the_link_is_refused(void **state)
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct gander_datagram to = {.peer = with_port(net->peer, 5000)};
    size_t most = NET_MTU_BYTES - (is_ip4(net) ? 28 : 48);
    static uint8_t data[70000];
    struct raw p;

    assert_int_equal(gander_send_to(net->stack, s, data, most + 1, &to), GANDER_EMSGSIZE);
    assert_int_equal(gander_send_to(net->stack, s, data, sizeof(data), &to), GANDER_EMSGSIZE);
    nothing_leaves(net);
    assert_int_equal(gander_send_to(net->stack, s, data, most, &to), most);
    p = leaves(net);
    assert_int_equal(p.len, NET_MTU_BYTES);
}

static void wrong_destinations_and_sources_are_refused(void **state)
{
    struct net *net = *state;
    gander_socket s = open_socket(net, GANDER_UDP);
    struct gander_address far = with_port(address(is_ip4(net) ? "8.8.8.8" : "2600::1"), 53), local;
    struct gander_datagram d = {.peer = with_port(net->peer, 0)};

    assert_int_equal(gander_send(net->stack, s, "x", 1, 0), GANDER_ENOTCONN);
    assert_int_equal(gander_send_to(net->stack, s, "x", 1, &d), GANDER_EINVAL);
    d.peer = with_port((struct gander_address){.family = (uint8_t)net->family}, 53);
    assert_int_equal(gander_send_to(net->stack, s, "x", 1, &d), GANDER_EINVAL);
    d.peer = far;
    assert_int_equal(gander_send_to(net->stack, s, "x", 1, &d), GANDER_ENETUNREACH);
    d.peer = with_port(net->peer, 53);
    d.local = net->peer; /* not ours */
    assert_int_equal(gander_send_to(net->stack, s, "x", 1, &d), GANDER_EINVAL);
    assert_int_equal(gander_local_address(net->stack, s, &local),
                     GANDER_EINVAL); /* still unbound */
    nothing_leaves(net);
}

static void an_unbound_socket_gets_a_port_and_answers_come_back(void **state)
{
    struct net *net = *state;
    gander_socket s = open_socket(net, GANDER_UDP);
    struct gander_address peer = with_port(net->peer, 53), local;
    struct raw p;

    assert_int_equal(gander_connect(net->stack, s, &peer), 0);
    assert_int_equal(gander_send(net->stack, s, "query", 5, 0), 5);
    assert_int_equal(gander_local_address(net->stack, s, &local), 0);
    p = leaves(net);
    check_packet(&p, &net->us, &net->peer, 17);
    check_udp(&p, local.port, 53, "query", 5);
    p = raw_udp(net, 53, local.port, "answer", 6);
    arrive(net, &p);
    receives(net, s, "answer", 6);
}

static void the_source_can_be_chosen(void **state) /* [RFC1122 4.1.3.5] */
{
    struct net *net = *state;
    struct gander_address second = address(is_ip4(net) ? "192.0.2.200" : "2001:db8::200");
    struct gander_datagram d = {.peer = with_port(net->peer, 53), .local = second};
    gander_socket s = udp_on(net, 7);
    struct raw p;

    assert_int_equal(gander_address_add(net->stack, net->link, &second, is_ip4(net) ? 24 : 64), 0);
    assert_int_equal(gander_send_to(net->stack, s, "x", 1, &d), 1);
    p = leaves(net);
    check_packet(&p, &second, &net->peer, 17);
}

/* --- checksums -------------------------------------------------------------------------------- */

static void every_flipped_bit_is_caught(void **state)
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct raw good = raw_udp(net, 5000, 7, "checksum", 8), bad;

    for (size_t bit = 0; bit < raw_payload_bytes(&good) * 8; bit++) {
        bad = good;
        raw_payload(&bad)[bit / 8] ^= (uint8_t)(1 << bit % 8);
        arrive(net, &bad);
    }
    /* of the pseudo header, the source address */
    for (size_t bit = 0; bit < 16; bit++) {
        bad = good;
        bad.bytes[(is_ip4(net) ? 14 : 22) + bit / 8] ^= (uint8_t)(1 << bit % 8);
        raw_fix_header(&bad);
        arrive(net, &bad);
    }
    receives_nothing(net, s);
    nothing_leaves(net);
    arrive(net, &good);
    receives(net, s, "checksum", 8);
}

static void no_checksum_is_right_over_ipv4_and_wrong_over_ipv6(void **state)
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct raw p = raw_udp(net, 5000, 7, "none", 4);

    raw_put16(raw_payload(&p) + 6, 0);
    arrive(net, &p);
    if (is_ip4(net)) { /* [RFC768, RFC1122 4.1.3.4] */
        receives(net, s, "none", 4);
        return;
    }
    receives_nothing(net, s); /* [RFC8200 8.1] */
    assert_int_equal(drops(net, GANDER_DROP_udp_checksum), 1);
    nothing_leaves(net);
}

/* Of 65,536 payload words one gives the sum 0; it leaves as 0xFFFF and arrives too [RFC768]. */
static void a_computed_zero_leaves_as_all_ones(void **state)
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct gander_datagram to = {.peer = with_port(net->peer, 5000)};
    uint8_t word[2] = {0, 0};
    struct raw p;

    assert_int_equal(gander_send_to(net->stack, s, word, 2, &to), 2);
    p = leaves(net);
    /* adding what is missing to the sum makes it all ones, its complement zero */
    memcpy(word, raw_payload(&p) + 6, 2);
    assert_int_equal(gander_send_to(net->stack, s, word, 2, &to), 2);
    p = leaves(net);
    assert_int_equal(raw_get16(raw_payload(&p) + 6), 0xffff);
    check_packet(&p, &net->us, &net->peer, 17);

    p = raw_udp(net, 5000, 7, "\0\0", 2);
    memcpy(word, raw_payload(&p) + 6, 2);
    p = raw_udp(net, 5000, 7, word, 2);
    assert_int_equal(raw_get16(raw_payload(&p) + 6), 0xffff);
    arrive(net, &p);
    receives(net, s, word, 2);
}

/* --- lengths ------------------------------------------------------------------------------------ */

static void lengths_that_disagree_are_refused(void **state)
{
    enum { REAL = 8 + 24 };
    static const uint32_t lengths[] = {0, 1, 7, 8, REAL - 1, REAL, REAL + 1, 65535};
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    uint8_t data[24] = "twenty-four bytes of it";

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct raw p = raw_udp(net, 5000, 7, data, sizeof(data));

        raw_put16(raw_payload(&p) + 4, lengths[i]);
        if (lengths[i] < 8 || lengths[i] > REAL) {
            arrive(net, &p);
            assert_int_equal(drops(net, GANDER_DROP_udp_length), 1);
            continue;
        }
        /* shorter than IP says: the rest is padding; a checksum over the true part */
        p.len = p.header_bytes + lengths[i];
        raw_fix(&p);
        p.len = p.header_bytes + REAL;
        arrive(net, &p);
        receives(net, s, data, lengths[i] - 8);
    }
    nothing_leaves(net);
}

static void every_truncation_is_refused(void **state)
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct raw p = raw_udp(net, 5000, 7, "some bytes", 10);

    for (size_t payload = 0; payload < 18; payload++) {
        struct raw cut = p;

        /* IP agrees with the frame, UDP does not */
        cut.len = cut.header_bytes + payload;
        raw_put16(cut.bytes + (is_ip4(net) ? 2 : 4), (uint32_t)(is_ip4(net) ? cut.len : payload));
        raw_fix_header(&cut);
        arrive(net, &cut);
        assert_int_equal(
            drops(net, payload < 8 ? GANDER_DROP_udp_too_short : GANDER_DROP_udp_length), 1);
    }
    receives_nothing(net, s);
}

/* --- odd addresses --------------------------------------------------------------------------------- */

static void port_zero_as_source_is_delivered_and_as_destination_is_nobodys(void **state)
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct raw p = raw_udp(net, 0, 7, "no answer, please", 17);

    arrive(net, &p); /* [RFC768]: "If not used, a value of zero is inserted." */
    receives(net, s, "no answer, please", 17);
    p = raw_udp(net, 5000, 0, "x", 1);
    arrive(net, &p);
    assert_int_equal(drops(net, GANDER_DROP_udp_no_socket), 1);
    nothing_leaves(net);
}

static void nobody_talks_to_himself(void **state) /* the LAND attack */
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct raw p = raw_udp(net, 7, 7, "x", 1);

    raw_source(&p, &net->us);
    arrive(net, &p);
    assert_int_equal(drops(net, GANDER_DROP_udp_no_socket), 1);
    receives_nothing(net, s);
    nothing_leaves(net);
}

static void broadcasts_arrive_at_any_address_only_and_get_no_error(void **state)
{
    struct net *net = *state;
    struct gander_address groups[2], one = with_port(net->us, 8);
    gander_socket s = udp_on(net, 7), bound = open_socket(net, GANDER_UDP);
    struct raw p = raw_udp(net, 5000, 7, "to all", 6);

    groups[0] = address(is_ip4(net) ? "255.255.255.255" : "ff02::1");
    groups[1] = address(is_ip4(net) ? "192.0.2.255" : "ff02::1");
    assert_int_equal(gander_bind(net->stack, bound, &one), 0);
    for (unsigned i = 0; i < 2; i++) {
        p = raw_udp(net, 5000, 7, "to all", 6);
        raw_destination(&p, &groups[i]);
        arrive(net, &p);
        receives(net, s, "to all", 6);
        p = raw_udp(net, 5000, 8, "to all", 6);
        raw_destination(&p, &groups[i]);
        arrive(net, &p);
        receives_nothing(net, bound);
        assert_int_equal(drops(net, GANDER_DROP_udp_no_socket), 1);
        nothing_leaves(net); /* [RFC1122 3.2.2], [RFC4443 2.4 (e.3)] */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PACKET_TEST(boundaries_and_order_are_kept),
        PACKET_TEST(all_that_is_known_of_a_datagram_is_told),
        PACKET_TEST(datagrams_leave_as_they_were_given),
        PACKET_TEST(ttl_and_traffic_class_are_sent),
        PACKET_TEST(what_does_not_fit_the_link_is_refused),
        PACKET_TEST(wrong_destinations_and_sources_are_refused),
        PACKET_TEST(an_unbound_socket_gets_a_port_and_answers_come_back),
        PACKET_TEST(the_source_can_be_chosen),
        PACKET_TEST(every_flipped_bit_is_caught),
        PACKET_TEST(no_checksum_is_right_over_ipv4_and_wrong_over_ipv6),
        PACKET_TEST(a_computed_zero_leaves_as_all_ones),
        PACKET_TEST(lengths_that_disagree_are_refused),
        PACKET_TEST(every_truncation_is_refused),
        PACKET_TEST(port_zero_as_source_is_delivered_and_as_destination_is_nobodys),
        PACKET_TEST(nobody_talks_to_himself),
        PACKET_TEST(broadcasts_arrive_at_any_address_only_and_get_no_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

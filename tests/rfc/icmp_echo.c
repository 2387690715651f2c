/* SPDX-License-Identifier: MIT */
/* Echo, both ways [RFC792, RFC1122 3.2.2.6, RFC4443 4]: requests are answered, and sockets ask. */
#include "packets.h"

static uint8_t request_type(const struct net *net)
{
    return is_ip4(net) ? 8 : 128;
}

static uint8_t reply_type(const struct net *net)
{
    return is_ip4(net) ? 0 : 129;
}

static uint8_t protocol(const struct net *net)
{
    return is_ip4(net) ? 1 : 58;
}

static void a_request_is_answered_with_its_own_data(void **state)
{
    static const size_t lengths[] = {0, 1, 2, 55, 56, 57, 1000, 1451, 1452};
    struct net *net = *state;
    uint8_t data[1452];

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + 1);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct raw p = raw_icmp(net, request_type(net), 0, 0xabcd1234, data, lengths[i]), reply;

        if (is_ip4(net))
            p.bytes[1] = 0xb9;
        else
            raw_put16(p.bytes, 0x6b90);
        raw_fix(&p);
        arrive(net, &p);
        reply = leaves(net);
        check_packet(&reply, &net->us, &net->peer, protocol(net));
        assert_int_equal(raw_payload(&reply)[0], reply_type(net));
        assert_int_equal(raw_payload(&reply)[1], 0);
        assert_int_equal(raw_get32(raw_payload(&reply) + 4), 0xabcd1234);
        assert_int_equal(reply.len, p.len);
        if (lengths[i])
            assert_memory_equal(raw_payload(&reply) + 8, data, lengths[i]);
        /* the class of service comes back, the congestion mark does not */
        assert_int_equal(is_ip4(net) ? reply.bytes[1] : (raw_get16(reply.bytes) >> 4 & 0xff), 0xb8);
        nothing_leaves(net);
    }
    assert_int_equal(drops(net, GANDER_DROP_none), 0);
}

static void every_flipped_bit_is_caught(void **state)
{
    struct net *net = *state;
    struct raw good = raw_icmp(net, request_type(net), 0, 1, "12345", 5), bad;
    size_t bits = raw_payload_bytes(&good) * 8;

    for (size_t bit = 0; bit < bits; bit++) {
        bad = good;
        raw_payload(&bad)[bit / 8] ^= (uint8_t)(1 << bit % 8);
        arrive(net, &bad);
    }
    nothing_leaves(net);
    assert_int_equal(drops(net, GANDER_DROP_icmp_checksum), bits);
}

static void broadcasts_make_no_flood(void **state) /* [RFC1122 3.2.2.6], [RFC4443 4.2] */
{
    struct net *net = *state;
    struct gander_address groups[3];
    struct raw p, reply;

    groups[0] = address(is_ip4(net) ? "255.255.255.255" : "ff02::1");
    groups[1] = address(is_ip4(net) ? "192.0.2.255" : "ff02::1");
    groups[2] = address(is_ip4(net) ? "224.0.0.1" : "ff02::1");
    for (unsigned i = 0; i < 3; i++) {
        p = raw_icmp(net, request_type(net), 0, 1, "x", 1);
        raw_destination(&p, &groups[i]);
        arrive(net, &p);
        if (is_ip4(net)) {
            assert_int_equal(drops(net, GANDER_DROP_icmp_type), 1);
        } else { /* answered, from an address that is not the group's */
            reply = leaves(net);
            check_packet(&reply, &net->us, &net->peer, 58);
        }
        nothing_leaves(net);
    }
}

static void echo_can_be_switched_off(void **state)
{
    struct net *net = *state;
    struct raw p = raw_icmp(net, request_type(net), 0, 1, "x", 1);

    net->config.icmp_echo = false;
    net_restart(net);
    arrive(net, &p);
    nothing_leaves(net);
    assert_int_equal(drops(net, GANDER_DROP_icmp_type), 1);
}

/* --- answers that cannot leave, and are counted --------------------------------------------------- */

static void a_far_host_without_route_gets_no_answer(void **state)
{
    struct net *net = *state;
    struct gander_address far = address(is_ip4(net) ? "8.8.8.8" : "2600::1");
    struct gander_address all = address("ff02::1");
    struct raw p = raw_icmp(net, request_type(net), 0, 1, "x", 1);

    raw_source(&p, &far);
    arrive(net, &p);
    assert_int_equal(drops(net, GANDER_DROP_out_no_route), 1);
    if (!is_ip4(net)) { /* nor is there an address to answer a group's request from */
        raw_destination(&p, &all);
        arrive(net, &p);
        assert_int_equal(drops(net, GANDER_DROP_out_no_source), 1);
    }
    nothing_leaves(net);
}

static void a_full_link_gets_no_answers(void **state)
{
    struct net *net = *state;
    struct raw p = raw_icmp(net, request_type(net), 0, 1, "x", 1);
    struct gander_datagram to = {.peer = with_port(net->peer, 5000)};
    gander_socket s = udp_on(net, 7);
    unsigned queued = 0;

    while (gander_send_to(net->stack, s, "x", 1, &to) == 1)
        queued++;
    arrive(net, &p);
    assert_int_equal(drops(net, GANDER_DROP_out_queue_full), 1);
    while (queued-- > 0) {
        struct raw left = leaves(net);

        assert_int_equal(raw_protocol(&left), 17);
    }
    nothing_leaves(net);
}

static void an_answer_too_long_for_the_link_does_not_leave(void **state)
{
    struct net *net = *state;
    uint8_t data[1600] = {0};
    struct raw p = raw_icmp(net, request_type(net), 0, 1, data, 1500U - (is_ip4(net) ? 28 : 48));

    arrive(net, &p);
    assert_int_equal(leaves(net).len, NET_MTU_BYTES);
    p = raw_icmp(net, request_type(net), 0, 1, data, 1501U - (is_ip4(net) ? 28 : 48));
    arrive(net, &p);
    nothing_leaves(net);
}

static void without_memory_there_is_no_answer(void **state)
{
    struct net *net = *state;
    uint8_t data[1400] = {0};
    struct raw p = raw_icmp(net, request_type(net), 0, 1, data, sizeof(data));
    struct gander_packet *request, *packet, *held = NULL;

    net->config.memory_max_bytes = 1 << 20;
    net_restart(net);
    request = gander_packet_alloc(net->stack, p.len);
    assert_non_null(request);
    memcpy(request->frag[0].data, p.bytes, p.len);
    while ((packet = gander_packet_alloc(net->stack, 1400)) != NULL) {
        packet->next = held;
        held = packet;
    }
    gander_input(net->stack, net->link, &request, 1);
    assert_int_equal(drops(net, GANDER_DROP_out_memory), 1);
    nothing_leaves(net);
    while (held) {
        packet = held;
        held = packet->next;
        gander_packet_free(packet);
    }
    arrive(net, &p);
    leaves(net);
}

/* --- sockets that ask ---------------------------------------------------------------------------- */

static void a_socket_asks_and_hears_the_answer(void **state)
{
    static const uint8_t datagram[6] = {0x12, 0x34, 'd', 'a', 't', 'a'};
    struct net *net = *state;
    gander_socket s = open_socket(net, GANDER_PING);
    struct gander_address local;
    struct gander_datagram told;
    struct raw request, reply;
    uint8_t buffer[16];

    assert_int_equal(gander_connect(net->stack, s, &net->peer), 0);
    assert_int_equal(gander_send(net->stack, s, datagram, sizeof(datagram), 0), sizeof(datagram));
    assert_int_equal(gander_local_address(net->stack, s, &local), 0);
    request = leaves(net);
    check_packet(&request, &net->us, &net->peer, protocol(net));
    assert_int_equal(raw_payload(&request)[0], request_type(net));
    assert_int_equal(raw_get16(raw_payload(&request) + 4), local.port);
    assert_int_equal(raw_get16(raw_payload(&request) + 6), 0x1234);
    assert_memory_equal(raw_payload(&request) + 8, "data", 4);

    reply = raw_icmp(net, reply_type(net), 0, raw_get32(raw_payload(&request) + 4), "data", 4);
    arrive(net, &reply);
    assert_int_equal(events_of(net, s, NULL), GANDER_EVENT_READABLE);
    assert_int_equal(gander_receive_from(net->stack, s, buffer, sizeof(buffer), 0, &told), 6);
    assert_memory_equal(buffer, datagram, 6);
    assert_true(gander_address_equal(&told.peer, &net->peer));
    assert_int_equal(told.ttl, 61);
    assert_int_equal(told.len, 6);
}

static void answers_to_others_are_not_ours(void **state)
{
    struct net *net = *state;
    gander_socket s = open_socket(net, GANDER_PING);
    struct gander_address local = {.family = (uint8_t)net->family, .port = 100};
    struct gander_address other = address(is_ip4(net) ? "192.0.2.3" : "2001:db8::3");
    struct raw reply = raw_icmp(net, reply_type(net), 0, 101 << 16, "x", 1);

    assert_int_equal(gander_bind(net->stack, s, &local), 0);
    arrive(net, &reply); /* another identifier */
    assert_int_equal(drops(net, GANDER_DROP_icmp_no_socket), 1);
    assert_int_equal(gander_connect(net->stack, s, &net->peer), 0);
    reply = raw_icmp(net, reply_type(net), 0, 100 << 16, "x", 1);
    raw_source(&reply, &other);
    arrive(net, &reply); /* another host */
    assert_int_equal(drops(net, GANDER_DROP_icmp_no_socket), 1);
    receives_nothing(net, s);
    nothing_leaves(net);
}

static void identifiers_and_ports_are_apart(void **state)
{
    struct net *net = *state;
    gander_socket udp = udp_on(net, 100), ping = open_socket(net, GANDER_PING);
    struct gander_address local = {.family = (uint8_t)net->family, .port = 100};
    struct raw reply = raw_icmp(net, reply_type(net), 0, 100 << 16, "x", 1);

    assert_int_equal(gander_bind(net->stack, ping, &local), 0);
    arrive(net, &reply);
    receives(net, ping, "\0\0x", 3);
    receives_nothing(net, udp);
}

static void an_error_about_a_request_reaches_the_socket(void **state)
{
    struct net *net = *state;
    gander_socket s = open_socket(net, GANDER_PING);
    struct raw request, error;
    int code;

    assert_int_equal(gander_connect(net->stack, s, &net->peer), 0);
    assert_int_equal(gander_send(net->stack, s, "\0\1data", 6, 0), 6);
    request = leaves(net);
    error = raw_icmp_about(net, is_ip4(net) ? 3 : 1, is_ip4(net) ? 1 : 3, 0, &request, 65535);
    arrive(net, &error);
    assert_int_equal(events_of(net, s, &code), GANDER_EVENT_ERROR);
    assert_int_equal(code, GANDER_EHOSTUNREACH);
}

static void a_datagram_without_sequence_number_is_refused(void **state)
{
    struct net *net = *state;
    gander_socket s = open_socket(net, GANDER_PING);
    struct raw p;

    assert_int_equal(gander_connect(net->stack, s, &net->peer), 0);
    assert_int_equal(gander_send(net->stack, s, "\0", 1, 0), GANDER_EINVAL);
    assert_int_equal(gander_send(net->stack, s, "\0\1", 2, 0), 2); /* no data: fine */
    p = leaves(net);
    assert_int_equal(raw_payload_bytes(&p), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PACKET_TEST(a_request_is_answered_with_its_own_data),
        PACKET_TEST(every_flipped_bit_is_caught),
        PACKET_TEST(broadcasts_make_no_flood),
        PACKET_TEST(echo_can_be_switched_off),
        PACKET_TEST(a_far_host_without_route_gets_no_answer),
        PACKET_TEST(a_full_link_gets_no_answers),
        PACKET_TEST(an_answer_too_long_for_the_link_does_not_leave),
        PACKET_TEST(without_memory_there_is_no_answer),
        PACKET_TEST(a_socket_asks_and_hears_the_answer),
        PACKET_TEST(answers_to_others_are_not_ours),
        PACKET_TEST(identifiers_and_ports_are_apart),
        PACKET_TEST(an_error_about_a_request_reaches_the_socket),
        PACKET_TEST(a_datagram_without_sequence_number_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

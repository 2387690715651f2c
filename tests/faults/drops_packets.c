/* SPDX-License-Identifier: MIT */
/* Packets that IP, ICMP and UDP drop, and answers that cannot go, 100,000 times each; see drops.h. */
#include "rfc/packets.h"
#include "rfc/segment.h"

#include "drops.h"

#include "core/stack.h"

enum { ICMP4 = 1, TCP = 6, UDP = 17, ICMP6 = 58 };

static void again_bytes(struct net *net, const uint8_t *bytes, size_t len, enum gander_drop reason,
                        enum gander_drop also)
{
    const char *wrong = drop_repeat(net->stack, bytes, len, drop_loops(), reason, also);

    if (wrong)
        fail_msg("%s: %s", gander_drop_text(reason), wrong);
}

static void again(struct net *net, const struct raw *raw, enum gander_drop reason)
{
    again_bytes(net, raw->bytes, raw->len, reason, reason);
}

static struct raw hello(const struct net *net)
{
    return raw_udp(net, 5000, 7, "hello", 5);
}

static uint8_t icmp(const struct net *net)
{
    return is_ip4(net) ? ICMP4 : ICMP6;
}

static uint8_t echo_request(const struct net *net)
{
    return is_ip4(net) ? 8 : 128;
}

/* Answers are not to be rationed here. */
static void answer_all(struct net *net)
{
    net->config.icmp_errors_per_second = 1U << 30;
    net_restart(net);
}

static void headers(void **state)
{
    struct net *net = *state;
    struct raw p = hello(net);
    uint8_t was = p.bytes[0];

    again_bytes(net, p.bytes, 10, GANDER_DROP_ip_too_short, GANDER_DROP_ip_too_short);
    again_bytes(net, p.bytes, p.len - 1, GANDER_DROP_ip_too_short, GANDER_DROP_ip_too_short);
    p.bytes[0] = 0x55;
    again(net, &p, GANDER_DROP_ip_version);
    p.bytes[0] = was;
    if (is_ip4(net)) {
        p.bytes[0] = 0x44;
        again(net, &p, GANDER_DROP_ip_header);
        p.bytes[0] = was;
        p.bytes[10] ^= 1;
        again(net, &p, GANDER_DROP_ip_checksum);
    }
}

static void addresses(void **state)
{
    struct net *net = *state;
    struct gander_address group = address(is_ip4(net) ? "224.0.0.1" : "ff02::1");
    struct gander_address other = address(is_ip4(net) ? "192.0.2.77" : "2001:db8::77");
    struct raw p = hello(net);

    raw_source(&p, &group);
    again(net, &p, GANDER_DROP_ip_source);
    p = hello(net);
    raw_destination(&p, &other);
    again(net, &p, GANDER_DROP_ip_not_for_us);
}

static void fragments_and_extensions(void **state)
{
    static const uint8_t fragment[] = {UDP, 0, 0, 1, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8};
    static const uint8_t beyond_the_packet[] = {UDP, 9, 1, 4, 0, 0, 0, 0};
    struct net *net = *state;
    struct raw p = is_ip4(net) ? hello(net) : raw_ip(net, 44, fragment, sizeof(fragment));

    if (is_ip4(net)) {
        p.bytes[6] |= 0x20; /* more fragments */
        raw_fix_header(&p);
    }
    again(net, &p, GANDER_DROP_ip_fragment);
    if (!is_ip4(net)) {
        p = raw_ip(net, 0, beyond_the_packet, sizeof(beyond_the_packet));
        again_bytes(net, p.bytes, p.len, GANDER_DROP_ip_extension, GANDER_DROP_icmp_rate);
    }
    p = raw_ip(net, 200, "whatever", 8);
    again_bytes(net, p.bytes, p.len, GANDER_DROP_ip_protocol, GANDER_DROP_icmp_rate);
}

static void icmp_messages(void **state)
{
    struct net *net = *state;
    struct raw p = raw_ip(net, icmp(net), "xyz", 3), quoted;

    again(net, &p, GANDER_DROP_icmp_too_short);
    p = raw_icmp(net, echo_request(net), 0, 1, "x", 1);
    raw_payload(&p)[8] ^= 1;
    again(net, &p, GANDER_DROP_icmp_checksum);
    p = raw_icmp(net, is_ip4(net) ? 13 : 200, 0, 1, "x", 1);
    again(net, &p, GANDER_DROP_icmp_type);
    quoted = raw_udp(net, 5000, 7, "hello", 5);
    raw_source(&quoted, &net->us);
    raw_destination(&quoted, &net->peer);
    p = raw_icmp_about(net, is_ip4(net) ? 3 : 1, is_ip4(net) ? 3 : 4, 0, &quoted, 65535);
    again(net, &p, GANDER_DROP_icmp_no_socket);
    p = raw_icmp(net, is_ip4(net) ? 0 : 129, 0, 77u << 16 | 1, "x", 1); /* a reply to nobody */
    again(net, &p, GANDER_DROP_icmp_no_socket);
}

static void datagrams(void **state)
{
    struct net *net = *state;
    struct raw p = raw_ip(net, UDP, "short", 5);

    udp_on(net, 7);
    again(net, &p, GANDER_DROP_udp_too_short);
    p = hello(net);
    raw_put16(raw_payload(&p) + 4, 2000);
    again(net, &p, GANDER_DROP_udp_length);
    p = hello(net);
    raw_payload(&p)[9] ^= 1;
    again(net, &p, GANDER_DROP_udp_checksum);
    p = raw_udp(net, 5000, 9, "hello", 5);
    again_bytes(net, p.bytes, p.len, GANDER_DROP_udp_no_socket, GANDER_DROP_icmp_rate);
}

/* Errors are rationed: as many are counted as withheld as are not sent. */
static void errors_beyond_the_ration(void **state)
{
    struct net *net = *state;
    struct raw p = raw_udp(net, 5000, 9, "hello", 5);
    struct gander_stats before, after;

    gander_stats(net->stack, &before);
    again_bytes(net, p.bytes, p.len, GANDER_DROP_udp_no_socket, GANDER_DROP_icmp_rate);
    gander_stats(net->stack, &after);
    assert_int_equal(after.drops[GANDER_DROP_icmp_rate] - before.drops[GANDER_DROP_icmp_rate] +
                         after.packets_out - before.packets_out,
                     drop_loops() + 1);
}

static void full_queue(void **state)
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct raw p = hello(net);

    assert_int_equal(gander_set_option(net->stack, s, GANDER_OPTION_RECEIVE_BUFFER, 4096), 0);
    for (unsigned i = 0; i < 100; i++)
        arrive(net, &p);
    again(net, &p, GANDER_DROP_udp_full);
}

static void broken_segments(void **state)
{
    struct net *net = *state;
    struct segment_path path = {.family = net->family};
    uint8_t bytes[64];
    size_t len;

    memcpy(path.source, net->peer.ip, 16);
    memcpy(path.destination, net->us.ip, 16);
    len = segment_wrap(&path, TCP, (const uint8_t *)"not twen\0\0", 10, 8,
                       bytes); /* its sum is right */
    again_bytes(net, bytes, len, GANDER_DROP_tcp_too_short, GANDER_DROP_tcp_too_short);
}

static void answers_that_cannot_go(void **state)
{
    struct net *net = *state;
    struct gander_address far = address(is_ip4(net) ? "198.51.100.9" : "2001:db8:1::9");
    struct gander_address group = address("ff02::1");
    struct raw p = raw_icmp(net, echo_request(net), 0, 1, "x", 1);

    answer_all(net);
    raw_source(&p, &far);
    again(net, &p, GANDER_DROP_out_no_route);
    if (!is_ip4(net)) {
        raw_destination(&p, &group);
        again(net, &p, GANDER_DROP_out_no_source);
    }
}

/* Nobody fetches what is to be sent. */
static void full_link(void **state)
{
    struct net *net = *state;
    struct raw p = raw_icmp(net, echo_request(net), 0, 1, "x", 1);
    struct gander_stats before, after;

    answer_all(net);
    for (unsigned i = 0; i < LINK_QUEUE_MAX_PACKETS; i++)
        arrive(net, &p);
    assert_int_equal(drops(net, GANDER_DROP_none), 0);
    gander_stats(net->stack, &before);
    for (uint64_t i = 0; i < drop_loops(); i++)
        arrive(net, &p);
    gander_stats(net->stack, &after);
    assert_int_equal(drops(net, GANDER_DROP_out_queue_full), drop_loops());
    assert_int_equal(after.memory_bytes, before.memory_bytes);
}

#ifdef GANDER_DEBUG
/* Packets come in memory of another stack; this one has none for its answers. */
static void no_memory_to_answer(void **state)
{
    struct net *net = *state;
    struct raw p = raw_icmp(net, echo_request(net), 0, 1, "x", 1);
    struct gander_stack *neighbour;
    uint64_t live;

    answer_all(net);
    live = net->stack->mem->live;
    assert_int_equal(gander_stack_create(&net->config, &neighbour), 0);
    mem_refuse(net->stack->mem, 1, true);
    for (uint64_t i = 0; i < drop_loops(); i++) {
        struct gander_packet *packet = gander_packet_alloc(neighbour, p.len);

        assert_non_null(packet);
        memcpy(packet->frag[0].data, p.bytes, p.len);
        gander_input(net->stack, net->link, &packet, 1);
    }
    mem_refuse(net->stack->mem, 0, false);
    nothing_leaves(net);
    assert_int_equal(drops(net, GANDER_DROP_out_memory), drop_loops());
    assert_int_equal(net->stack->mem->live, live);
    assert_int_equal(neighbour->mem->live, 0);
    gander_stack_destroy(neighbour);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        PACKET_TEST(headers),
        PACKET_TEST(addresses),
        PACKET_TEST(fragments_and_extensions),
        PACKET_TEST(icmp_messages),
        PACKET_TEST(datagrams),
        PACKET_TEST(errors_beyond_the_ration),
        PACKET_TEST(full_queue),
        PACKET_TEST(broken_segments),
        PACKET_TEST(answers_that_cannot_go),
        PACKET_TEST(full_link),
#ifdef GANDER_DEBUG
        PACKET_TEST(no_memory_to_answer),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

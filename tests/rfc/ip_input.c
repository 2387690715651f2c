/* SPDX-License-Identifier: MIT */
/* What IP lets in [RFC791, RFC1122 3.2.1, RFC8200]: addresses, lengths, checksums, options, extension headers, fragments. */
#include "packets.h"

/* A datagram to our port 7 with its IP header free to be spoilt. */
static struct raw hello(const struct net *net)
{
    return raw_udp(net, 5000, 7, "hello", 5);
}

static void sources_that_cannot_be_are_refused_in_silence(void **state) /* [RFC1122 3.2.1.3] */
{
    static const char *const sources4[] = {"0.0.0.0",    "0.1.2.3",         "127.0.0.1",
                                           "224.0.0.1",  "239.255.255.255", "255.255.255.255",
                                           "192.0.2.255"};
    static const char *const sources6[] = {"::", "::1", "ff02::1", "ff0e::5", "::ffff:192.0.2.2"};
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    size_t n = is_ip4(net) ? sizeof(sources4) / sizeof(sources4[0])
                           : sizeof(sources6) / sizeof(sources6[0]);

    for (size_t i = 0; i < n; i++) {
        struct gander_address source = address(is_ip4(net) ? sources4[i] : sources6[i]);
        struct raw p = hello(net), closed = raw_udp(net, 5000, 9, "x", 1);

        raw_source(&p, &source);
        arrive(net, &p);
        raw_source(&closed, &source);
        arrive(net, &closed);
        assert_int_equal(drops(net, GANDER_DROP_ip_source), 2);
    }
    receives_nothing(net, s);
    nothing_leaves(net);
}

static void other_hosts_packets_are_not_ours(void **state)
{
    static const char *const others4[] = {"192.0.2.3", "8.8.8.8", "224.0.0.2", "127.0.0.1",
                                          "192.0.3.255"};
    static const char *const others6[] = {"2001:db8::3", "2600::1", "ff02::2", "::1", "fe80::1"};
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);

    for (size_t i = 0; i < 5; i++) {
        struct gander_address other = address(is_ip4(net) ? others4[i] : others6[i]);
        struct raw p = hello(net);

        raw_destination(&p, &other);
        arrive(net, &p);
        assert_int_equal(drops(net, GANDER_DROP_ip_not_for_us), 1);
    }
    receives_nothing(net, s);
    nothing_leaves(net);
}

static void every_truncation_is_refused(void **state)
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct raw p = hello(net);

    for (size_t len = 1; len < p.len; len++) {
        arrive_cut(net, &p, len);
        assert_int_equal(drops(net, GANDER_DROP_ip_too_short), 1);
    }
    receives_nothing(net, s);
    nothing_leaves(net);
}

static void versions_of_neither_kind_are_refused(void **state)
{
    struct net *net = *state;

    for (unsigned version = 0; version < 16; version++) {
        struct raw p = hello(net);

        if (version == 4 || version == 6)
            continue;
        p.bytes[0] = (uint8_t)(version << 4 | 5);
        arrive(net, &p);
        assert_int_equal(drops(net, GANDER_DROP_ip_version), 1);
    }
}

static void padding_behind_the_packet_is_cut_off(void **state) /* [RFC894] */
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct raw p = hello(net);

    memset(p.bytes + p.len, 0xee, 30);
    p.len += 30;
    arrive(net, &p);
    receives(net, s, "hello", 5);
}

static void total_lengths_that_disagree_are_refused(void **state)
{
    struct net *net = *state;
    struct raw good = hello(net);
    uint32_t real = (uint32_t)(is_ip4(net) ? good.len : raw_payload_bytes(&good));
    const uint32_t lengths[] = {0, 1, is_ip4(net) ? 19 : 7, real - 1, real + 1, 65535};

    udp_on(net, 7);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct raw p = good;
        struct gander_stats stats;
        uint64_t dropped = 0;

        raw_put16(p.bytes + (is_ip4(net) ? 2 : 4), lengths[i]);
        raw_fix_header(&p);
        arrive(net, &p);
        gander_stats(net->stack, &stats);
        for (unsigned reason = 1; reason < GANDER_DROP_COUNT; reason++)
            dropped += stats.drops[reason];
        assert_int_equal(dropped, i + 1);
        if (lengths[i] > real)
            assert_true(stats.drops[GANDER_DROP_ip_too_short] > 0);
    }
    nothing_leaves(net);
}

/* --- IPv4 ------------------------------------------------------------------------------------------ */

static void every_flipped_bit_of_the_header_is_caught(void **state) /* [RFC1122 3.2.1.2] */
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct raw good = hello(net), bad;

    for (unsigned bit = 0; bit < 160; bit++) {
        bad = good;
        bad.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        arrive(net, &bad);
    }
    receives_nothing(net, s);
    nothing_leaves(net);
}

static void header_lengths_that_disagree_are_refused(void **state)
{
    struct net *net = *state;

    for (unsigned words = 0; words < 16; words++) {
        struct raw p = raw_ip(net, 200, "0123456789", 10);

        p.bytes[0] = (uint8_t)(0x40 | words);
        raw_put16(p.bytes + 10, 0);
        if (words == 5)
            continue;
        arrive(net, &p);
        if (words < 5 || words * 4 > p.len)
            assert_int_equal(drops(net, GANDER_DROP_ip_header), 1);
        else
            assert_int_equal(drops(net, GANDER_DROP_ip_checksum), 1);
    }
    nothing_leaves(net);
}

/* Options of 40 bytes, `option` first, the rest end-of-list. */
static struct raw with_options(const struct raw *plain, const uint8_t *option, size_t len)
{
    struct raw p = *plain;

    memmove(p.bytes + 60, p.bytes + 20, p.len - 20);
    memset(p.bytes + 20, 0, 40);
    memcpy(p.bytes + 20, option, len);
    p.bytes[0] = 0x4f;
    p.header_bytes = 60;
    p.len += 40;
    raw_put16(p.bytes + 2, (uint32_t)p.len);
    raw_fix(&p);
    return p;
}

static void
options_are_passed_over_and_never_come_back(void **state) /* [RFC1122 3.2.1.8, 4.1.3.2] */
{
    static const uint8_t options[][12] = {
        {1, 1, 1, 1},                                   /* no operation */
        {131, 11, 4, 192, 0, 2, 99, 192, 0, 2, 98, 0},  /* loose source route, not at its end */
        {137, 11, 12, 192, 0, 2, 99, 192, 0, 2, 98, 0}, /* strict source route, at its end */
        {7, 11, 4},                                     /* record route */
        {68, 12, 5, 1},                                 /* timestamp */
        {148, 4, 0, 0},                                 /* router alert */
        {131, 0},
        {131, 1},
        {131, 255},
        {200, 200}}; /* wrong and unknown */
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        struct raw plain = hello(net), echo = raw_icmp(net, 8, 0, 1, "data", 4), p, reply;

        p = with_options(&plain, options[i], sizeof(options[i]));
        arrive(net, &p);
        receives(net, s, "hello", 5);
        p = with_options(&echo, options[i], sizeof(options[i]));
        arrive(net, &p);
        reply = leaves(net);
        check_packet(&reply, &net->us, &net->peer, 1); /* a header of 20 bytes */
        assert_int_equal(raw_payload_bytes(&reply), 12);
        plain = raw_udp(net, 5000, 9, "closed", 6);
        p = with_options(&plain, options[i], sizeof(options[i]));
        arrive(net, &p);
        reply = leaves(net);
        check_packet(&reply, &net->us, &net->peer, 1);
        check_icmp_error(&reply, 3, 3, &p); /* quoted as they were */
    }
}

static void ip4_fragments_are_refused_in_silence(void **state)
{
    static const uint16_t fields[] = {0x2000, 0x0001, 0x2001, 0x1fff, 0x6000};
    struct net *net = *state;

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct raw p = hello(net);

        raw_put16(p.bytes + 6, fields[i]);
        raw_fix_header(&p);
        arrive(net, &p);
        assert_int_equal(drops(net, GANDER_DROP_ip_fragment), 1);
    }
    nothing_leaves(net);
}

static void a_ttl_of_one_or_none_has_arrived(void **state) /* [RFC1122 3.2.1.7] */
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);

    for (uint8_t ttl = 0; ttl < 2; ttl++) {
        struct raw p = hello(net);

        p.bytes[is_ip4(net) ? 8 : 7] = ttl;
        raw_fix_header(&p);
        arrive(net, &p);
        receives(net, s, "hello", 5);
    }
}

/* --- IPv6 ------------------------------------------------------------------------------------------ */

/* Puts an extension header of 8 bytes between IP header and payload, or in front of those that were put before. */
static void put_extension(struct raw *p, uint8_t type, const uint8_t six[6])
{
    memmove(p->bytes + 48, p->bytes + 40, p->len - 40);
    p->bytes[40] = p->bytes[6];
    p->bytes[41] = 0;
    memcpy(p->bytes + 42, six, 6);
    p->bytes[6] = type;
    p->len += 8;
    raw_put16(p->bytes + 4, (uint32_t)(p->len - 40));
}

static const uint8_t padding[6] = {1, 4, 0, 0, 0, 0}, nothing[6];

static void chains_are_passed_over(void **state)
{
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);

    for (unsigned n = 1; n <= 9; n++) {
        struct raw p = hello(net);

        for (unsigned i = 1; i < n; i++)
            put_extension(&p,
                          i % 3 == 0   ? 43
                          : i % 3 == 1 ? 60
                                       : 44,
                          i % 3 == 1 ? padding : nothing);
        put_extension(&p, 0, padding); /* hop by hop: first */
        arrive(net, &p);
        if (n <= 8) {
            receives(net, s, "hello", 5);
        } else {
            receives_nothing(net, s);
            assert_int_equal(drops(net, GANDER_DROP_ip_extension), 1);
        }
    }
    nothing_leaves(net);
}

/* The parameter problem that a refused extension header brings, at this offset. */
static void is_refused(struct net *net, const struct raw *p, uint8_t code, uint32_t pointer)
{
    struct raw error;

    arrive(net, p);
    assert_int_equal(drops(net, GANDER_DROP_ip_extension), 1);
    error = leaves(net);
    check_packet(&error, &net->us, &net->peer, 58);
    check_icmp_error(&error, 4, code, p);
    assert_int_equal(raw_get32(raw_payload(&error) + 4), pointer);
    nothing_leaves(net);
}

static void wrong_chains_bring_a_parameter_problem(void **state) /* [RFC8200 4, 4.2, 4.4] */
{
    static const uint8_t unknown_80[6] = {0x80, 0, 1, 2, 0, 0},
                         unknown_c0[6] = {1, 0, 0xc0, 2, 0, 0};
    static const uint8_t routing[6] = {0, 1, 0, 0, 0, 0};
    struct net *net = *state;
    struct raw p = hello(net);

    put_extension(&p, 60, unknown_80);
    is_refused(net, &p, 2, 42);
    p = hello(net);
    put_extension(&p, 0, unknown_c0);
    is_refused(net, &p, 2, 44);
    p = hello(net);
    put_extension(&p, 43, routing); /* type 0 [RFC5095] */
    is_refused(net, &p, 0, 42);
    p = hello(net);
    put_extension(&p, 0, padding);
    put_extension(&p, 60, padding);
    is_refused(net, &p, 1, 40); /* hop by hop not first */
    p = hello(net);
    put_extension(&p, 60, padding);
    p.bytes[40] = 200; /* an unknown next header */
    arrive(net, &p);
    assert_int_equal(drops(net, GANDER_DROP_ip_protocol), 1);
    p = leaves(net);
    assert_int_equal(raw_payload(&p)[0], 4);
    assert_int_equal(raw_payload(&p)[1], 1);
    assert_int_equal(raw_get32(raw_payload(&p) + 4), 40);
}

static void
a_problem_with_an_echo_is_told_but_not_with_an_error(void **state) /* [RFC4443 2.4 (e.1)] */
{
    static const uint8_t unknown_80[6] = {0x80, 0, 1, 2, 0, 0};
    struct net *net = *state;
    struct raw p = raw_icmp(net, 128, 0, 1, "data", 4), about = hello(net);

    put_extension(&p, 60, unknown_80);
    is_refused(net, &p, 2, 42);
    p = raw_icmp_about(net, 1, 4, 0, &about, 65535);
    put_extension(&p, 60, unknown_80);
    arrive(net, &p);
    assert_int_equal(drops(net, GANDER_DROP_ip_extension), 1);
    nothing_leaves(net);
}

static void a_problem_in_a_group_is_told_where_the_option_says_so(void **state) /* [RFC8200 4.2] */
{
    static const uint8_t unknown_80[6] = {0x80, 0, 1, 2, 0, 0},
                         unknown_c0[6] = {0xc0, 0, 1, 2, 0, 0};
    struct net *net = *state;
    struct gander_address all = address("ff02::1");
    struct raw p = hello(net);

    raw_destination(&p, &all);
    put_extension(&p, 60, unknown_80);
    is_refused(net, &p, 2, 42);
    p = hello(net);
    raw_destination(&p, &all);
    put_extension(&p, 60, unknown_c0);
    arrive(net, &p);
    assert_int_equal(drops(net, GANDER_DROP_ip_extension), 1);
    nothing_leaves(net);
}

static void only_atomic_fragments_pass(void **state) /* [RFC6946 4] */
{
    static const uint8_t first[6] = {0, 1, 0, 0, 0, 9}, later[6] = {0, 8, 0, 0, 0, 9};
    static const uint8_t atomic[6] = {0, 0, 0, 0, 0, 9};
    struct net *net = *state;
    gander_socket s = udp_on(net, 7);
    struct raw p = hello(net);

    put_extension(&p, 44, atomic);
    arrive(net, &p);
    receives(net, s, "hello", 5);
    p = hello(net);
    put_extension(&p, 44, first);
    arrive(net, &p);
    p = hello(net);
    put_extension(&p, 44, later);
    arrive(net, &p);
    assert_int_equal(drops(net, GANDER_DROP_ip_fragment), 2);
    receives_nothing(net, s);
    nothing_leaves(net);
}

/* --- both -------------------------------------------------------------------------------------------- */

/* Every byte of a packet set to every value, with and without right checksums: nothing may crash, and every packet ends. */
static void no_byte_does_harm(void **state)
{
    struct net *net = *state;
    struct raw seeds[3];
    uint64_t in = 0;

    udp_on(net, 7);
    seeds[0] = hello(net);
    seeds[1] = raw_icmp(net, is_ip4(net) ? 8 : 128, 0, 1, "data", 4);
    seeds[2] = raw_icmp_about(net, is_ip4(net) ? 3 : 1, 3, 0, &seeds[0], 65535);
    for (unsigned i = 0; i < 3; i++) {
        for (size_t at = 0; at < seeds[i].len; at++) {
            for (unsigned value = 0; value < 256; value += at < 8 ? 1 : 15) {
                struct raw p = seeds[i];
                struct gander_packet *packet;

                p.bytes[at] = (uint8_t)value;
                raw_fix_header(&p);
                arrive(net, &p);
                in++;
                while (gander_output(net->stack, net->link, &packet, 1) == 1)
                    gander_packet_free(packet);
            }
        }
    }
    gander_stats(net->stack, &net->before);
    assert_int_equal(net->before.packets_in, in);
}

static void packets_of_another_stack_arrive_in_pieces(void **state)
{
    struct net *net = *state, sender = *net;
    gander_socket from, to = udp_on(net, 7);
    struct gander_datagram d = {.peer = with_port(net->us, 7)};
    const struct gander_link_config link = {.mtu_bytes = NET_MTU_BYTES};
    struct gander_packet *packet;

    assert_int_equal(gander_stack_create(&sender.config, &sender.stack), 0);
    assert_int_equal(gander_link_add(sender.stack, &link, &sender.link), 0);
    assert_int_equal(
        gander_address_add(sender.stack, sender.link, &net->peer, is_ip4(net) ? 24 : 64), 0);
    assert_int_equal(gander_open(sender.stack, GANDER_UDP, &from), 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(gander_send_to(sender.stack, from, "in two pieces", 13, &d), 13);
        assert_int_equal(gander_output(sender.stack, sender.link, &packet, 1), 1);
        assert_int_equal(packet->frags, 2);
        gander_input(net->stack, net->link, &packet, 1);
        if (i == 0)
            receives(net, to, "in two pieces", 13);
    }
    gander_stack_destroy(sender.stack); /* what it sent stays readable */
    receives(net, to, "in two pieces", 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PACKET_TEST(sources_that_cannot_be_are_refused_in_silence),
        PACKET_TEST(other_hosts_packets_are_not_ours),
        PACKET_TEST(every_truncation_is_refused),
        PACKET_TEST(versions_of_neither_kind_are_refused),
        PACKET_TEST(padding_behind_the_packet_is_cut_off),
        PACKET_TEST(total_lengths_that_disagree_are_refused),
        PACKET_TEST_IP4(every_flipped_bit_of_the_header_is_caught),
        PACKET_TEST_IP4(header_lengths_that_disagree_are_refused),
        PACKET_TEST_IP4(options_are_passed_over_and_never_come_back),
        PACKET_TEST_IP4(ip4_fragments_are_refused_in_silence),
        PACKET_TEST(a_ttl_of_one_or_none_has_arrived),
        PACKET_TEST_IP6(chains_are_passed_over),
        PACKET_TEST_IP6(wrong_chains_bring_a_parameter_problem),
        PACKET_TEST_IP6(a_problem_with_an_echo_is_told_but_not_with_an_error),
        PACKET_TEST_IP6(a_problem_in_a_group_is_told_where_the_option_says_so),
        PACKET_TEST_IP6(only_atomic_fragments_pass),
        PACKET_TEST(no_byte_does_harm),
        PACKET_TEST(packets_of_another_stack_arrive_in_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

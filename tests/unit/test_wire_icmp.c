/* SPDX-License-Identifier: MIT */
/* ICMP messages [RFC792, RFC4443] and the packets that they quote: round trips, kinds, truncation at every byte. */
#include "wire_bytes.h"

static const unsigned families[] = {GANDER_IPV4, GANDER_IPV6};

static const uint8_t four_a[4] = {192, 0, 2, 1}, four_b[4] = {198, 51, 100, 7};
static const uint8_t six_a[16] = {0x20, 1, 0xd, 0xb8, [15] = 1},
                     six_b[16] = {0x20, 1, 0xd, 0xb8, [15] = 2};

static void every_kind_survives_a_round_trip(void **state)
{
    (void)state;
    for (size_t f = 0; f < 2; f++) {
        for (unsigned kind = 0; kind < ICMP_OTHER; kind++) {
            struct icmp_header out = {.kind = (enum icmp_kind)kind,
                                      .code = kind == ICMP_TIME_EXCEEDED ? 1 : 0,
                                      .identifier = 0xabcd,
                                      .sequence = 0xfff1,
                                      .mtu = 1400,
                                      .pointer = 42},
                               in;
            uint8_t bytes[12] = {0};

            assert_int_equal(wire_icmp_emit(families[f], bytes, &out), 8);
            wire_icmp_checksum(bytes, 0);
            assert_int_equal(slow_checksum(bytes, 8), 0);
            assert_int_equal(wire_icmp_parse(families[f], bytes, sizeof(bytes), &in),
                             GANDER_DROP_none);
            assert_int_equal(in.kind, kind);
            assert_int_equal(in.body_bytes, 4);
            assert_ptr_equal(in.body, bytes + 8);
            if (kind <= ICMP_ECHO_REPLY) {
                assert_int_equal(in.identifier, 0xabcd);
                assert_int_equal(in.sequence, 0xfff1);
            }
            assert_int_equal(in.mtu, kind == ICMP_PACKET_TOO_BIG ? 1400 : 0);
            if (kind == ICMP_PARAMETER_PROBLEM)
                assert_int_equal(in.pointer, 42);
            if (kind == ICMP_TIME_EXCEEDED)
                assert_int_equal(in.code, 1);
        }
    }
}

static void every_type_and_code_has_a_kind(void **state)
{
    static const struct {
        uint8_t family, type, code, kind;
    } known[] = {{4, 0, 0, ICMP_ECHO_REPLY},
                 {4, 8, 0, ICMP_ECHO_REQUEST},
                 {4, 8, 1, ICMP_OTHER},
                 {4, 3, 0, ICMP_UNREACHABLE_NETWORK},
                 {4, 3, 1, ICMP_UNREACHABLE_HOST},
                 {4, 3, 2, ICMP_UNREACHABLE_PROTOCOL},
                 {4, 3, 3, ICMP_UNREACHABLE_PORT},
                 {4, 3, 4, ICMP_PACKET_TOO_BIG},
                 {4, 3, 5, ICMP_UNREACHABLE_HOST},
                 {4, 3, 6, ICMP_UNREACHABLE_NETWORK},
                 {4, 3, 13, ICMP_PROHIBITED},
                 {4, 3, 15, ICMP_PROHIBITED},
                 {4, 3, 16, ICMP_OTHER},
                 {4, 4, 0, ICMP_OTHER},
                 {4, 5, 1, ICMP_OTHER},
                 {4, 11, 0, ICMP_TIME_EXCEEDED},
                 {4, 12, 0, ICMP_PARAMETER_PROBLEM},
                 {4, 13, 0, ICMP_OTHER},
                 {6, 1, 0, ICMP_UNREACHABLE_NETWORK},
                 {6, 1, 1, ICMP_PROHIBITED},
                 {6, 1, 3, ICMP_UNREACHABLE_HOST},
                 {6, 1, 4, ICMP_UNREACHABLE_PORT},
                 {6, 1, 7, ICMP_OTHER},
                 {6, 2, 9, ICMP_PACKET_TOO_BIG},
                 {6, 3, 1, ICMP_TIME_EXCEEDED},
                 {6, 4, 0, ICMP_PARAMETER_PROBLEM},
                 {6, 4, 1, ICMP_UNREACHABLE_PROTOCOL},
                 {6, 4, 2, ICMP_PARAMETER_PROBLEM},
                 {6, 128, 0, ICMP_ECHO_REQUEST},
                 {6, 129, 0, ICMP_ECHO_REPLY},
                 {6, 134, 0, ICMP_OTHER},
                 {6, 137, 0, ICMP_OTHER}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        uint8_t bytes[8] = {known[i].type, known[i].code};
        struct icmp_header in;

        assert_int_equal(wire_icmp_parse(known[i].family, bytes, 8, &in), GANDER_DROP_none);
        assert_int_equal(in.kind, known[i].kind);
    }
    for (unsigned type = 0; type < 256; type++) {
        for (unsigned code = 0; code < 256; code++) {
            uint8_t bytes[8] = {(uint8_t)type, (uint8_t)code};
            struct icmp_header in;

            for (size_t f = 0; f < 2; f++) {
                assert_int_equal(wire_icmp_parse(families[f], bytes, 8, &in), GANDER_DROP_none);
                assert_in_range(in.kind, 0, ICMP_OTHER);
            }
        }
    }
}

static void short_messages_are_refused_in_bounds(void **state)
{
    uint8_t bytes[8] = {3, 3};

    (void)state;
    for (size_t len = 0; len < sizeof(bytes); len++) {
        uint8_t *copy = exactly(bytes, len);
        struct icmp_header in;

        for (size_t f = 0; f < 2; f++)
            assert_int_equal(wire_icmp_parse(families[f], copy, len, &in),
                             GANDER_DROP_icmp_too_short);
        free(copy);
    }
}

/* The beginning of a packet as an error quotes it: IP header and 8 bytes. */
static size_t quoted(unsigned family, uint8_t protocol, uint8_t *bytes)
{
    struct ip_header ip = {.family = (uint8_t)family,
                           .protocol = protocol,
                           .ttl = 1,
                           .payload_bytes = 1000,
                           .source = family == GANDER_IPV4 ? four_a : six_a,
                           .destination = family == GANDER_IPV4 ? four_b : six_b};
    size_t n = wire_ip_emit(bytes, &ip);
    static const uint8_t ports_and_seq[8] = {0x12, 0x34, 0, 80, 0xff, 0xee, 0xdd, 0xcc};

    memcpy(bytes + n, ports_and_seq, 8);
    return n + 8;
}

static enum gander_drop quote_copy(unsigned family, const uint8_t *bytes, size_t len,
                                   struct icmp_quote *quote)
{
    uint8_t *copy = exactly(bytes, len);
    enum gander_drop drop = wire_icmp_quote(family, copy, len, quote);

    free(copy);
    return drop;
}

static void quotes_tell_who_sent_what(void **state)
{
    (void)state;
    for (size_t f = 0; f < 2; f++) {
        uint8_t bytes[64];
        struct icmp_quote quote;
        size_t n = quoted(families[f], IP_PROTOCOL_TCP, bytes);
        size_t address = wire_ip_address_bytes(families[f]);

        assert_int_equal(wire_icmp_quote(families[f], bytes, n, &quote), GANDER_DROP_none);
        assert_int_equal(quote.family, families[f]);
        assert_int_equal(quote.protocol, IP_PROTOCOL_TCP);
        assert_memory_equal(quote.source, f ? six_a : four_a, address);
        assert_memory_equal(quote.destination, f ? six_b : four_b, address);
        assert_int_equal(quote.source_port, 0x1234);
        assert_int_equal(quote.destination_port, 80);
        assert_int_equal(quote.seq, 0xffeeddcc);
        assert_int_equal(quote.total_bytes, wire_ip_header_bytes(families[f]) + 1000);

        n = quoted(families[f], f ? IP_PROTOCOL_ICMPV6 : IP_PROTOCOL_ICMP, bytes);
        bytes[n - 8] = f ? 128 : 8;
        bytes[n - 7] = 0;
        assert_int_equal(wire_icmp_quote(families[f], bytes, n, &quote), GANDER_DROP_none);
        assert_int_equal(quote.source_port, 0xffee);
        assert_int_equal(quote.destination_port, 0);
    }
}

static void truncated_quotes_are_refused_in_bounds(void **state)
{
    (void)state;
    for (size_t f = 0; f < 2; f++) {
        uint8_t bytes[64];
        struct icmp_quote quote;
        size_t n = quoted(families[f], IP_PROTOCOL_UDP, bytes);

        for (size_t len = 0; len < n; len++)
            assert_int_equal(quote_copy(families[f], bytes, len, &quote),
                             GANDER_DROP_icmp_too_short);
        assert_int_equal(quote_copy(families[f], bytes, n, &quote), GANDER_DROP_none);
    }
}

static void quotes_of_nothing_of_ours_are_refused(void **state)
{
    uint8_t bytes[128] = {0};
    struct icmp_quote quote;
    size_t n;

    (void)state;
    for (size_t f = 0; f < 2; f++) {
        for (unsigned protocol = 0; protocol < 256; protocol++) {
            bool known = protocol == IP_PROTOCOL_TCP || protocol == IP_PROTOCOL_UDP;

            n = quoted(families[f], (uint8_t)protocol, bytes);
            assert_int_equal(wire_icmp_quote(families[f], bytes, n, &quote),
                             known ? GANDER_DROP_none : GANDER_DROP_icmp_no_socket);
        }
        n = quoted(families[f], IP_PROTOCOL_UDP, bytes);
        bytes[0] ^= 0x20; /* the other version */
        assert_int_equal(wire_icmp_quote(families[f], bytes, n, &quote),
                         GANDER_DROP_icmp_no_socket);
    }
    n = quoted(GANDER_IPV4, IP_PROTOCOL_UDP, bytes);
    for (unsigned ihl = 0; ihl < 16; ihl++) {
        enum gander_drop expect = ihl < 5    ? GANDER_DROP_icmp_no_socket
                                  : ihl == 5 ? GANDER_DROP_none
                                             : GANDER_DROP_icmp_too_short;

        bytes[0] = (uint8_t)(0x40 | ihl);
        assert_int_equal(quote_copy(GANDER_IPV4, bytes, n, &quote), expect);
    }
    bytes[0] = 0x45;
    bytes[7] = 1; /* a later fragment */
    assert_int_equal(wire_icmp_quote(GANDER_IPV4, bytes, n, &quote), GANDER_DROP_icmp_no_socket);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_survives_a_round_trip),
        cmocka_unit_test(every_type_and_code_has_a_kind),
        cmocka_unit_test(short_messages_are_refused_in_bounds),
        cmocka_unit_test(quotes_tell_who_sent_what),
        cmocka_unit_test(truncated_quotes_are_refused_in_bounds),
        cmocka_unit_test(quotes_of_nothing_of_ours_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * IPv4 and IPv6 headers: round trips, every length field at its edges, extension chains, and every truncation, read from
 * buffers that end exactly where the packet does.
 */
#include "wire_bytes.h"

static const uint8_t four_a[4] = {192, 0, 2, 1}, four_b[4] = {198, 51, 100, 7};
static const uint8_t six_a[16] = {0x20, 1, 0xd, 0xb8, [15] = 1},
                     six_b[16] = {0x20, 1, 0xd, 0xb8, [14] = 0xff, [15] = 2};

static struct ip_header plain(unsigned family, uint32_t payload_bytes)
{
    return (struct ip_header){
        .family = (uint8_t)family,
        .protocol = IP_PROTOCOL_UDP,
        .ttl = 63,
        .traffic_class = 0xb9,
        .payload_bytes = payload_bytes,
        .source = family == GANDER_IPV4 ? four_a : six_a,
        .destination = family == GANDER_IPV4 ? four_b : six_b,
    };
}

static enum gander_drop parse(unsigned family, const uint8_t *bytes, size_t len,
                              struct ip_header *header)
{
    return family == GANDER_IPV4 ? wire_ip4_parse(bytes, len, header)
                                 : wire_ip6_parse(bytes, len, header);
}

/* Parses an exact copy and forgets the pointers into it. */
static enum gander_drop parse_copy(unsigned family, const uint8_t *bytes, size_t len,
                                   struct ip_header *header)
{
    uint8_t *copy = exactly(bytes, len);
    enum gander_drop drop = parse(family, copy, len, header);

    free(copy);
    return drop;
}

static void fix_ip4_checksum(uint8_t *bytes, size_t header_bytes)
{
    put_be16(bytes + 10, 0);
    put_be16(bytes + 10, slow_checksum(bytes, header_bytes));
}

static void what_is_emitted_parses_to_the_same(void **state)
{
    static const unsigned families[] = {GANDER_IPV4, GANDER_IPV6};

    (void)state;
    for (size_t f = 0; f < 2; f++) {
        for (uint32_t payload = 0; payload < 60; payload++) {
            uint8_t bytes[128] = {0};
            struct ip_header out = plain(families[f], payload), in;
            size_t n = wire_ip_emit(bytes, &out);

            assert_int_equal(n, wire_ip_header_bytes(families[f]));
            assert_int_equal(parse(families[f], bytes, n + payload, &in), GANDER_DROP_none);
            assert_int_equal(in.family, out.family);
            assert_int_equal(in.protocol, out.protocol);
            assert_int_equal(in.ttl, out.ttl);
            assert_int_equal(in.traffic_class, out.traffic_class);
            assert_int_equal(in.header_bytes, n);
            assert_int_equal(in.payload_bytes, payload);
            assert_false(in.fragment);
            assert_true(in.dont_fragment);
            assert_memory_equal(in.source, out.source, wire_ip_address_bytes(families[f]));
            assert_memory_equal(in.destination, out.destination,
                                wire_ip_address_bytes(families[f]));
        }
    }
}

static void ip4_checksum_is_the_rfc_sum_and_catches_every_flipped_bit(void **state)
{
    uint8_t bytes[28] = {0};
    struct ip_header out = plain(GANDER_IPV4, 8), in;

    (void)state;
    wire_ip_emit(bytes, &out);
    assert_int_equal(slow_checksum(bytes, 20), 0);
    for (unsigned bit = 0; bit < 160; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(wire_ip4_parse(bytes, sizeof(bytes), &in), GANDER_DROP_none);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void ip4_lengths_that_disagree_are_refused(void **state)
{
    enum { PAYLOAD = 24, REAL = 20 + PAYLOAD };
    struct lengths total = lengths_around(20, REAL, 65535);
    uint8_t bytes[REAL];
    struct ip_header out = plain(GANDER_IPV4, PAYLOAD), in;

    (void)state;
    memset(bytes, 0, sizeof(bytes));
    wire_ip_emit(bytes, &out);
    for (size_t i = 0; i < ARRAY_LEN(total.value); i++) {
        for (unsigned ihl = 0; ihl < 16; ihl++) {
            uint32_t claimed = total.value[i];
            enum gander_drop expect = ihl < 5 || ihl * 4 > REAL || ihl * 4 > claimed
                                          ? GANDER_DROP_ip_header
                                      : claimed > REAL ? GANDER_DROP_ip_too_short
                                                       : GANDER_DROP_none;

            bytes[0] = (uint8_t)(0x40 | ihl);
            put_be16(bytes + 2, (uint16_t)claimed);
            fix_ip4_checksum(bytes, ihl * 4 > REAL ? REAL : ihl * 4 < 12 ? 20 : ihl * 4);
            assert_int_equal(parse_copy(GANDER_IPV4, bytes, REAL, &in), expect);
            if (expect == GANDER_DROP_none) {
                assert_int_equal(in.header_bytes, ihl * 4);
                assert_int_equal(in.payload_bytes, claimed - ihl * 4);
            }
        }
    }
}

static void ip4_fragments_are_seen(void **state)
{
    static const struct {
        uint16_t field;
        bool fragment, dont_fragment;
    } cases[] = {{0, false, false},     {0x4000, false, true}, {0x2000, true, false},
                 {0x0001, true, false}, {0x1fff, true, false}, {0x8000, false, false}};
    uint8_t bytes[28] = {0};
    struct ip_header out = plain(GANDER_IPV4, 8), in;

    (void)state;
    wire_ip_emit(bytes, &out);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        put_be16(bytes + 6, cases[i].field);
        fix_ip4_checksum(bytes, 20);
        assert_int_equal(wire_ip4_parse(bytes, sizeof(bytes), &in), GANDER_DROP_none);
        assert_int_equal(in.fragment, cases[i].fragment);
        assert_int_equal(in.dont_fragment, cases[i].dont_fragment);
    }
}

static void wrong_versions_are_refused(void **state)
{
    uint8_t bytes[48] = {0};
    struct ip_header in;

    (void)state;
    for (unsigned version = 0; version < 16; version++) {
        bytes[0] = (uint8_t)(version << 4 | 5);
        if (version != 4)
            assert_int_equal(wire_ip4_parse(bytes, sizeof(bytes), &in), GANDER_DROP_ip_version);
        if (version != 6)
            assert_int_equal(wire_ip6_parse(bytes, sizeof(bytes), &in), GANDER_DROP_ip_version);
    }
}

static void every_truncation_is_refused_in_bounds(void **state)
{
    static const unsigned families[] = {GANDER_IPV4, GANDER_IPV6};

    (void)state;
    for (size_t f = 0; f < 2; f++) {
        uint8_t bytes[80] = {0};
        struct ip_header out = plain(families[f], 16), in;
        size_t real = wire_ip_emit(bytes, &out) + 16;

        for (size_t len = 1; len < real; len++)
            assert_int_not_equal(parse_copy(families[f], bytes, len, &in), GANDER_DROP_none);
        assert_int_equal(parse_copy(families[f], bytes, real, &in), GANDER_DROP_none);
    }
}

/* --- IPv6 extension headers -------------------------------------------------------------------- */

struct chain {
    uint8_t bytes[512];
    size_t len;
    size_t name_at; /* where the next header is named */
};

static void chain_begin(struct chain *chain)
{
    struct ip_header out = plain(GANDER_IPV6, 0);

    memset(chain, 0, sizeof(*chain));
    chain->len = wire_ip_emit(chain->bytes, &out);
    chain->name_at = 6;
}

/* Appends an extension header of 8 bytes: its type, and the six bytes behind next header and length. */
static uint8_t *chain_add(struct chain *chain, uint8_t type, const uint8_t six[6])
{
    uint8_t *at = chain->bytes + chain->len;

    chain->bytes[chain->name_at] = type;
    chain->name_at = chain->len;
    memcpy(at + 2, six, 6);
    chain->len += 8;
    return at;
}

static void chain_end(struct chain *chain, uint8_t protocol, uint32_t payload)
{
    chain->bytes[chain->name_at] = protocol;
    chain->len += payload;
    put_be16(chain->bytes + 4, (uint16_t)(chain->len - 40));
}

static const uint8_t padding[6] = {1, 4, 0, 0, 0, 0}, zeros[6];

static enum gander_drop chain_parse(const struct chain *chain, struct ip_header *header)
{
    return parse_copy(GANDER_IPV6, chain->bytes, chain->len, header);
}

static void ip6_lengths_that_disagree_are_refused(void **state)
{
    struct lengths payload = lengths_around(1, 24, 65535);
    uint8_t bytes[64];
    struct ip_header out = plain(GANDER_IPV6, 24), in;

    (void)state;
    memset(bytes, 0, sizeof(bytes));
    wire_ip_emit(bytes, &out);
    for (size_t i = 0; i < ARRAY_LEN(payload.value); i++) {
        put_be16(bytes + 4, (uint16_t)payload.value[i]);
        assert_int_equal(parse_copy(GANDER_IPV6, bytes, sizeof(bytes), &in),
                         payload.value[i] > 24 ? GANDER_DROP_ip_too_short : GANDER_DROP_none);
        if (payload.value[i] <= 24)
            assert_int_equal(in.payload_bytes, payload.value[i]);
    }
}

static void chains_of_up_to_eight_headers_are_walked(void **state)
{
    (void)state;
    for (unsigned n = 0; n <= 12; n++) {
        struct chain chain;
        struct ip_header in;

        chain_begin(&chain);
        for (unsigned i = 0; i < n; i++)
            chain_add(&chain, i == 0 ? 0 : i % 2 ? 60 : 43, i % 2 || i == 0 ? padding : zeros);
        chain_end(&chain, IP_PROTOCOL_UDP, 9);
        if (n > 8) {
            assert_int_equal(chain_parse(&chain, &in), GANDER_DROP_ip_extension);
            assert_int_equal(in.problem, 0);
            continue;
        }
        assert_int_equal(chain_parse(&chain, &in), GANDER_DROP_none);
        assert_int_equal(in.protocol, IP_PROTOCOL_UDP);
        assert_int_equal(in.header_bytes, 40 + 8 * n);
        assert_int_equal(in.payload_bytes, 9);
        assert_int_equal(in.protocol_at, n ? 40 + 8 * (n - 1) : 6);
    }
}

static void hop_by_hop_comes_first_or_not_at_all(void **state)
{
    struct chain chain;
    struct ip_header in;

    (void)state;
    chain_begin(&chain);
    chain_add(&chain, 60, padding);
    chain_add(&chain, 0, padding);
    chain_end(&chain, IP_PROTOCOL_UDP, 8);
    assert_int_equal(chain_parse(&chain, &in), GANDER_DROP_ip_extension);
    assert_int_equal(in.problem, 2); /* code 1: unrecognised next header [RFC8200 4] */
    assert_int_equal(in.problem_at, 40);
}

static void routing_headers_are_passed_only_when_spent(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        for (unsigned left = 0; left < 3; left++) {
            uint8_t six[6] = {(uint8_t)type, (uint8_t)left, 0, 0, 0, 0};
            struct chain chain;
            struct ip_header in;

            chain_begin(&chain);
            chain_add(&chain, 43, six);
            chain_end(&chain, IP_PROTOCOL_UDP, 8);
            assert_int_equal(chain_parse(&chain, &in),
                             left ? GANDER_DROP_ip_extension : GANDER_DROP_none);
            assert_int_equal(in.problem, left ? 1 : 0); /* code 0, at the type [RFC8200 4.4] */
            assert_int_equal(in.problem_at, left ? 42 : 0);
        }
    }
}

static void unknown_options_do_what_their_highest_bits_say(void **state)
{
    static const uint8_t types[] = {60, 0};

    (void)state;
    for (size_t t = 0; t < 2; t++) {
        for (unsigned option = 2; option < 256; option++) {
            uint8_t six[6] = {0, (uint8_t)option, 3, 9, 9, 9};
            struct chain chain;
            struct ip_header in;
            bool multicast = option & 1;

            chain_begin(&chain);
            chain.bytes[24] = multicast ? 0xff : 0x20;
            chain_add(&chain, types[t], six);
            chain_end(&chain, IP_PROTOCOL_UDP, 8);
            assert_int_equal(chain_parse(&chain, &in),
                             option < 0x40 ? GANDER_DROP_none : GANDER_DROP_ip_extension);
            if (option < 0x80 || (option >= 0xc0 && multicast)) {
                assert_int_equal(in.problem, 0);
            } else {
                assert_int_equal(in.problem, 3);
                assert_int_equal(in.problem_at, 43);
            }
        }
    }
}

static void option_and_header_lengths_stay_in_bounds(void **state)
{
    (void)state;
    for (unsigned length = 0; length < 256; length++) {
        uint8_t six[6] = {1, (uint8_t)length, 0, 0, 0, 0};
        struct chain chain;
        struct ip_header in;

        chain_begin(&chain);
        chain_add(&chain, 60, six);
        chain_end(&chain, IP_PROTOCOL_UDP, 8);
        /* bytes of value that lie in the header: 4; fewer leave Pad1s behind */
        assert_int_equal(chain_parse(&chain, &in),
                         length <= 4 ? GANDER_DROP_none : GANDER_DROP_ip_extension);

        chain_begin(&chain);
        chain_add(&chain, 60, padding)[1] = (uint8_t)length;
        chain_end(&chain, IP_PROTOCOL_UDP, 16);
        assert_int_equal(chain_parse(&chain, &in),
                         length <= 2 ? GANDER_DROP_none : GANDER_DROP_ip_extension);
        if (length <= 2)
            assert_int_equal(in.payload_bytes, 16 - 8 * length);
    }
}

static void only_real_fragments_are_fragments(void **state)
{
    static const struct {
        uint16_t offset_and_more;
        bool fragment;
    } cases[] = {{0, false},     {0x0006, false} /* reserved bits */,
                 {0x0001, true}, {0x0008, true},
                 {0xfff8, true}, {0xffff, true}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t six[6] = {0};
        struct chain chain;
        struct ip_header in;

        put_be16(six, cases[i].offset_and_more);
        chain_begin(&chain);
        chain_add(&chain, 44, six)[1] = 0xff; /* reserved, not a length */
        chain_add(&chain, 60, padding);
        chain_end(&chain, IP_PROTOCOL_UDP, 8);
        assert_int_equal(chain_parse(&chain, &in), GANDER_DROP_none);
        assert_int_equal(in.fragment, cases[i].fragment);
        if (!cases[i].fragment) /* an atomic fragment is a whole packet [RFC6946 4] */
            assert_int_equal(in.protocol, IP_PROTOCOL_UDP);
    }
}

static void truncated_chains_are_refused(void **state)
{
    struct chain chain;
    struct ip_header in;

    (void)state;
    for (size_t payload = 0; payload < 32; payload++) {
        chain_begin(&chain);
        chain_add(&chain, 0, padding);
        chain_add(&chain, 60, padding);
        chain_add(&chain, 43, zeros);
        chain_add(&chain, 44, zeros);
        chain_end(&chain, IP_PROTOCOL_UDP, 0);
        chain.len = 40 + payload;
        put_be16(chain.bytes + 4, (uint16_t)payload);
        assert_int_equal(chain_parse(&chain, &in), GANDER_DROP_ip_extension);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_emitted_parses_to_the_same),
        cmocka_unit_test(ip4_checksum_is_the_rfc_sum_and_catches_every_flipped_bit),
        cmocka_unit_test(ip4_lengths_that_disagree_are_refused),
        cmocka_unit_test(ip4_fragments_are_seen),
        cmocka_unit_test(wrong_versions_are_refused),
        cmocka_unit_test(every_truncation_is_refused_in_bounds),
        cmocka_unit_test(ip6_lengths_that_disagree_are_refused),
        cmocka_unit_test(chains_of_up_to_eight_headers_are_walked),
        cmocka_unit_test(hop_by_hop_comes_first_or_not_at_all),
        cmocka_unit_test(routing_headers_are_passed_only_when_spent),
        cmocka_unit_test(unknown_options_do_what_their_highest_bits_say),
        cmocka_unit_test(option_and_header_lengths_stay_in_bounds),
        cmocka_unit_test(only_real_fragments_are_fragments),
        cmocka_unit_test(truncated_chains_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

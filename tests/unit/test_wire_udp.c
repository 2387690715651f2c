/* SPDX-License-Identifier: MIT */
/* UDP headers [RFC768]: round trips, the length field at its edges, truncation, and the two zero checksums. */
#include "wire_bytes.h"

#include "base/checksum.h"

static void what_is_emitted_parses_to_the_same(void **state)
{
    uint8_t bytes[8];
    struct udp_header out = {.source_port = 0xfffe, .destination_port = 53, .length = 8}, in;

    (void)state;
    assert_int_equal(wire_udp_emit(bytes, &out, 0), UDP_HEADER_BYTES);
    assert_int_equal(wire_udp_parse(bytes, sizeof(bytes), &in), GANDER_DROP_none);
    assert_int_equal(in.source_port, out.source_port);
    assert_int_equal(in.destination_port, out.destination_port);
    assert_int_equal(in.length, 8);
    assert_true(in.has_checksum);
    assert_int_equal(slow_checksum(bytes, 8), 0);
}

static void lengths_that_disagree_are_refused(void **state)
{
    struct lengths lengths = lengths_around(8, 32, 65535);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lengths.value); i++) {
        uint32_t claimed = lengths.value[i];
        uint8_t bytes[32] = {0}, *copy;
        struct udp_header in;

        put_be16(bytes + 4, (uint16_t)claimed);
        copy = exactly(bytes, sizeof(bytes));
        assert_int_equal(wire_udp_parse(copy, sizeof(bytes), &in),
                         claimed < 8 || claimed > 32 ? GANDER_DROP_udp_length : GANDER_DROP_none);
        free(copy);
    }
}

static void every_truncation_is_refused_in_bounds(void **state)
{
    uint8_t bytes[20] = {0};

    (void)state;
    put_be16(bytes + 4, sizeof(bytes));
    for (size_t len = 0; len < sizeof(bytes); len++) {
        uint8_t *copy = exactly(bytes, len);
        struct udp_header in;

        assert_int_equal(wire_udp_parse(copy, len, &in),
                         len < 8 ? GANDER_DROP_udp_too_short : GANDER_DROP_udp_length);
        free(copy);
    }
}

/* Some payload word makes the sum come out as 0, which must leave as 0xFFFF [RFC768]. */
static void a_computed_zero_is_sent_as_all_ones(void **state)
{
    unsigned all_ones = 0;

    (void)state;
    for (uint32_t word = 0; word < 0x10000; word++) {
        uint8_t bytes[10];
        struct udp_header out = {.source_port = 1000, .destination_port = 53, .length = 10};

        put_be16(bytes + 8, (uint16_t)word);
        wire_udp_emit(bytes, &out, checksum_add(0, bytes + 8, 2));
        assert_int_not_equal(get_be16(bytes + 6), 0);
        assert_int_equal(slow_checksum(bytes, 10), 0);
        all_ones += get_be16(bytes + 6) == 0xffff;
    }
    assert_int_equal(all_ones, 1);
}

static void an_absent_checksum_is_told(void **state)
{
    uint8_t bytes[8] = {0, 1, 0, 2, 0, 8, 0, 0};
    struct udp_header in;

    (void)state;
    assert_int_equal(wire_udp_parse(bytes, sizeof(bytes), &in), GANDER_DROP_none);
    assert_false(in.has_checksum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_emitted_parses_to_the_same),
        cmocka_unit_test(lengths_that_disagree_are_refused),
        cmocka_unit_test(every_truncation_is_refused_in_bounds),
        cmocka_unit_test(a_computed_zero_is_sent_as_all_ones),
        cmocka_unit_test(an_absent_checksum_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

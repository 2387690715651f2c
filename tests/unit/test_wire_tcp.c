/* SPDX-License-Identifier: MIT */
/*
 * TCP headers and options [RFC9293 3.1, 3.2, RFC7323, RFC2018]: round trips of every combination, data offset and option
 * lengths at their edges, and truncation.
 */
#include "wire_bytes.h"

enum { SYN = GANDER_FLAG_SYN, ACK = GANDER_FLAG_ACK, FIN = GANDER_FLAG_FIN };

static struct tcp_segment base_segment(uint8_t flags)
{
    return (struct tcp_segment){.seq = 0xfffffff0U,
                                .ack = 0x80000001U,
                                .wnd = 0xfedc,
                                .up = 0x1234,
                                .source_port = 65535,
                                .destination_port = 80,
                                .flags = flags};
}

static void assert_same(const struct tcp_segment *in, const struct tcp_segment *out)
{
    bool syn = out->flags & SYN;

    assert_int_equal(in->seq, out->seq);
    assert_int_equal(in->ack, out->ack);
    assert_int_equal(in->wnd, out->wnd);
    assert_int_equal(in->up, out->up);
    assert_int_equal(in->source_port, out->source_port);
    assert_int_equal(in->destination_port, out->destination_port);
    assert_int_equal(in->flags, out->flags);
    assert_int_equal(in->has_timestamp, out->has_timestamp);
    assert_int_equal(in->tsval, out->has_timestamp ? out->tsval : 0);
    assert_int_equal(in->tsecr, out->has_timestamp ? out->tsecr : 0);
    assert_int_equal(in->mss, syn ? out->mss : 0);
    assert_int_equal(in->has_wscale, syn && out->has_wscale);
    assert_int_equal(in->wscale, syn && out->has_wscale ? out->wscale : 0);
    assert_int_equal(in->sack_permitted, syn && out->sack_permitted);
}

/* Every set of options, with and without SYN, for every number of SACK blocks. */
static void what_is_emitted_parses_to_the_same(void **state)
{
    (void)state;
    for (unsigned set = 0; set < 32; set++) {
        for (uint8_t blocks = 0; blocks <= 4; blocks++) {
            struct tcp_segment out = base_segment(set & 16 ? SYN : ACK | FIN), in;
            uint8_t bytes[TCP_HEADER_MAX_BYTES + 5] = {0}, expect;
            size_t n;

            out.has_timestamp = set & 1;
            out.tsval = 0xaabbccdd;
            out.tsecr = 0x01020304;
            out.mss = set & 2 ? 1460 : 0;
            out.has_wscale = set & 4;
            out.wscale = 7;
            out.sack_permitted = set & 8;
            out.sack_blocks = blocks;
            for (uint32_t i = 0; i < blocks; i++)
                out.sack[i] = (struct tcp_sack_block){1000 * i, 1000 * i + 500};
            n = wire_tcp_emit(bytes, &out);
            assert_true(n <= TCP_HEADER_MAX_BYTES);
            assert_int_equal(n, wire_tcp_header_bytes(&out));
            assert_int_equal(n % 4, 0);
            memset(&in, 0xee, sizeof(in));
            assert_int_equal(wire_tcp_parse(bytes, n + 5, &in), GANDER_DROP_none);
            assert_same(&in, &out);
            assert_int_equal(in.header_bytes, n);
            assert_int_equal(in.text_len, 5);
            assert_int_equal(in.len, 6); /* SYN or FIN counts */
            expect = (uint8_t)(out.flags & SYN ? 0 : out.has_timestamp && blocks > 3 ? 3 : blocks);
            assert_int_equal(in.sack_blocks, expect);
            assert_memory_equal(in.sack, out.sack, expect * sizeof(out.sack[0]));
        }
    }
}

static void segment_length_counts_syn_and_fin(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < 256; flags++) {
        struct tcp_segment out = base_segment((uint8_t)flags), in;
        uint8_t bytes[TCP_HEADER_MAX_BYTES + 100] = {0};
        size_t n = wire_tcp_emit(bytes, &out);

        assert_int_equal(wire_tcp_parse(bytes, n + 100, &in), GANDER_DROP_none);
        assert_int_equal(in.flags, flags);
        assert_int_equal(in.len, 100U + !!(flags & SYN) + !!(flags & FIN));
    }
}

static void data_offset_stays_in_bounds(void **state)
{
    (void)state;
    for (unsigned offset = 0; offset < 16; offset++) {
        for (size_t len = 0; len <= 64; len++) {
            uint8_t bytes[64] = {0}, *copy;
            struct tcp_segment in;
            enum gander_drop expect = len < 20                         ? GANDER_DROP_tcp_too_short
                                      : offset < 5 || offset * 4 > len ? GANDER_DROP_tcp_header
                                                                       : GANDER_DROP_none;

            bytes[12] = (uint8_t)(offset << 4 | 0xf); /* reserved bits are ignored */
            copy = exactly(bytes, len);
            assert_int_equal(wire_tcp_parse(copy, len, &in), expect);
            free(copy);
        }
    }
}

/* Parses a header with these option bytes (a multiple of 4), on a buffer that ends with them. */
static enum gander_drop parse_options(uint8_t flags, const uint8_t *options, size_t n,
                                      struct tcp_segment *segment)
{
    uint8_t bytes[TCP_HEADER_MAX_BYTES] = {0}, *copy;
    enum gander_drop drop;

    assert_true(n <= 40 && n % 4 == 0);
    bytes[12] = (uint8_t)((20 + n) << 2);
    bytes[13] = flags;
    memcpy(bytes + 20, options, n);
    copy = exactly(bytes, 20 + n);
    drop = wire_tcp_parse(copy, 20 + n, segment);
    free(copy);
    return drop;
}

/* Every kind with every length, at every place near the end of the header. */
static void every_option_length_is_checked(void **state)
{
    static const uint8_t right[9] = {[2] = 4, [3] = 3, [4] = 2, [8] = 10};

    (void)state;
    for (unsigned kind = 2; kind < 256; kind++) {
        for (unsigned length = 0; length < 256; length++) {
            for (size_t at = 0; at < 40; at++) {
                uint8_t options[40];
                struct tcp_segment in;
                bool wrong;

                memset(options, 1, sizeof(options));
                options[at] = (uint8_t)kind;
                if (at + 1 < 40)
                    options[at + 1] = (uint8_t)length;
                wrong = at + 1 == 40 || length < 2 || length > 40 - at;
                if (kind < ARRAY_LEN(right) && right[kind] && length != right[kind])
                    wrong = true;
                if (wrong != (parse_options(SYN, options, 40, &in) == GANDER_DROP_tcp_option))
                    fail_msg("kind %u length %u at %zu", kind, length, at);
                if (kind > 5 && kind != 8)
                    break; /* unknown kinds are alike: once at the front is enough */
            }
        }
    }
}

static void sack_lengths_are_two_and_eights(void **state)
{
    (void)state;
    for (unsigned length = 0; length < 256; length++) {
        uint8_t options[40] = {5, (uint8_t)length};
        struct tcp_segment in;
        bool right = length >= 10 && length <= 34 && (length - 2) % 8 == 0;

        assert_int_equal(parse_options(ACK, options, 40, &in),
                         right ? GANDER_DROP_none : GANDER_DROP_tcp_option);
        if (right)
            assert_int_equal(in.sack_blocks, (length - 2) / 8);
    }
}

static void the_first_of_repeated_options_counts(void **state)
{
    static const uint8_t options[40] = {2, 4,  1, 0, 2, 4, 9, 9, 3, 3, 5, 3,  3, 6,
                                        8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 8, 10, 7, 7,
                                        7, 7,  7, 7, 7, 7, 4, 2, 4, 2, 0, 0};
    static const uint8_t sacks[20] = {5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4};
    struct tcp_segment in;

    (void)state;
    assert_int_equal(parse_options(SYN, options, sizeof(options), &in), GANDER_DROP_none);
    assert_int_equal(in.mss, 256);
    assert_int_equal(in.wscale, 5);
    assert_int_equal(in.tsval, 1);
    assert_int_equal(in.tsecr, 2);
    assert_true(in.sack_permitted);
    assert_int_equal(parse_options(ACK, sacks, sizeof(sacks), &in), GANDER_DROP_none);
    assert_int_equal(in.sack_blocks, 1);
    assert_int_equal(in.sack[0].left, 1);
}

static void nothing_counts_behind_the_end_of_options(void **state)
{
    static const uint8_t options[8] = {0, 2, 4, 5, 180, 2, 0, 255};
    struct tcp_segment in;

    (void)state;
    assert_int_equal(parse_options(SYN, options, sizeof(options), &in), GANDER_DROP_none);
    assert_int_equal(in.mss, 0);
}

static void options_of_a_syn_are_ignored_elsewhere(void **state)
{
    static const uint8_t options[12] = {2, 4, 5, 180, 3, 3,
                                        7, 4, 2, 2,   3, 0}; /* the last: MSS of length 3 */
    static const uint8_t sack_on_syn[12] = {5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1};
    struct tcp_segment in;

    (void)state;
    assert_int_equal(parse_options(ACK, options, sizeof(options), &in), GANDER_DROP_none);
    assert_int_equal(in.mss, 0);
    assert_false(in.has_wscale);
    assert_false(in.sack_permitted);
    assert_int_equal(parse_options(SYN, sack_on_syn, sizeof(sack_on_syn), &in), GANDER_DROP_none);
    assert_int_equal(in.sack_blocks, 0);
}

static void a_window_scale_beyond_14_counts_as_14(void **state)
{
    (void)state;
    for (unsigned scale = 0; scale < 256; scale++) {
        uint8_t options[4] = {3, 3, (uint8_t)scale, 0};
        struct tcp_segment in;

        assert_int_equal(parse_options(SYN, options, sizeof(options), &in), GANDER_DROP_none);
        assert_int_equal(in.wscale, scale > 14 ? 14 : scale); /* [RFC7323 2.3] */
    }
}

static void the_fast_path_reads_what_the_slow_one_reads(void **state)
{
    static const uint8_t fast[12] = {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8};
    static const uint8_t slow[12] = {8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1};
    struct tcp_segment a, b;

    (void)state;
    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    assert_int_equal(parse_options(ACK, fast, sizeof(fast), &a), GANDER_DROP_none);
    assert_int_equal(parse_options(ACK, slow, sizeof(slow), &b), GANDER_DROP_none);
    assert_memory_equal(&a, &b, sizeof(a));
}

static void checksum_covers_header_and_payload(void **state)
{
    struct tcp_segment out = base_segment(ACK);
    uint8_t bytes[TCP_HEADER_MAX_BYTES];
    size_t n;

    (void)state;
    out.has_timestamp = true;
    n = wire_tcp_emit(bytes, &out);
    wire_tcp_checksum(bytes, n, 0);
    assert_int_equal(slow_checksum(bytes, n), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_emitted_parses_to_the_same),
        cmocka_unit_test(segment_length_counts_syn_and_fin),
        cmocka_unit_test(data_offset_stays_in_bounds),
        cmocka_unit_test(every_option_length_is_checked),
        cmocka_unit_test(sack_lengths_are_two_and_eights),
        cmocka_unit_test(the_first_of_repeated_options_counts),
        cmocka_unit_test(nothing_counts_behind_the_end_of_options),
        cmocka_unit_test(options_of_a_syn_are_ignored_elsewhere),
        cmocka_unit_test(a_window_scale_beyond_14_counts_as_14),
        cmocka_unit_test(the_fast_path_reads_what_the_slow_one_reads),
        cmocka_unit_test(checksum_covers_header_and_payload),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

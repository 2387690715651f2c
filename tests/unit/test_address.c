/* SPDX-License-Identifier: MIT */
/* Addresses as text [RFC5952, RFC4291 2.2]: what is written, what is read, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <gander/gander.h>

static struct gander_address parsed(const char *text)
{
    struct gander_address address;

    memset(&address, 0xee, sizeof(address));
    if (gander_address_parse(text, &address) != GANDER_OK)
        fail_msg("refused: %s", text);
    return address;
}

static void canonical_text_survives_a_round_trip(void **state)
{
    static const char *const texts[] = {"0.0.0.0",
                                        "192.0.2.1",
                                        "255.255.255.255:65535",
                                        "10.0.0.1:80",
                                        "::",
                                        "::1",
                                        "1::",
                                        "2001:db8::1",
                                        "2001:db8:0:1:1:1:1:1", /* [RFC5952 4.2.2] */
                                        "2001:0:0:1::1",     /* [RFC5952 4.2.3]: the longest run */
                                        "2001:db8::1:0:0:1", /* the first of two */
                                        "::ffff:192.0.2.33",
                                        "[::ffff:255.255.255.255]:65535",
                                        "[2001:db8::1]:80",
                                        "fe80::1:2:3:4",
                                        "1:2:3:4:5:6:7:8",
                                        "::2:3:4:5:6:7:8",
                                        "1:2:3:4:5:6::",
                                        "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
                                        "*",
                                        "*:80"};
    char text[GANDER_ADDRESS_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct gander_address address = parsed(texts[i]);

        if (strcmp(texts[i], "::2:3:4:5:6:7:8") == 0) /* one group is not shortened */
            assert_string_equal(gander_address_format(&address, text, sizeof(text)),
                                "0:2:3:4:5:6:7:8");
        else
            assert_string_equal(gander_address_format(&address, text, sizeof(text)), texts[i]);
    }
}

static void other_forms_are_read(void **state)
{
    static const char *const pairs[][2] = {
        {"2001:DB8::A", "2001:db8::a"},
        {"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
        {"::192.0.2.1", "::c000:201"},
        {"[::1]", "::1"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201"},
        {"0:0:0:0:0:ffff:1.2.3.4", "::ffff:1.2.3.4"},
        {"192.0.2.1:0", "192.0.2.1"}};
    char text[GANDER_ADDRESS_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct gander_address address = parsed(pairs[i][0]);

        assert_string_equal(gander_address_format(&address, text, sizeof(text)), pairs[i][1]);
    }
}

static void wrong_text_is_refused_and_changes_nothing(void **state)
{
    static const char *const texts[] = {"",
                                        " ",
                                        "1",
                                        "1.2.3",
                                        "1.2.3.4.5",
                                        "1.2.3.256",
                                        "1.2.3.04",
                                        "1.2.3.4:",
                                        "1.2.3.4:65536",
                                        "1.2.3.4:080",
                                        "1.2.3.4:1x",
                                        "1.2.3.4 ",
                                        "-1.2.3.4",
                                        "1..2.3",
                                        "1.2.3.",
                                        ":",
                                        ":::",
                                        ":1",
                                        "1:",
                                        "1:2:3:4:5:6:7",
                                        "1:2:3:4:5:6:7:8:9",
                                        "1:2:3:4:5:6:7:8::",
                                        "1::2::3",
                                        "12345::",
                                        "g::",
                                        "::1.2.3",
                                        "::1.2.3.4.5",
                                        "1:2:3:4:5:6:7:1.2.3.4",
                                        "[::1",
                                        "::1]",
                                        "[::1]80",
                                        "[::1]:",
                                        "[1.2.3.4]:80",
                                        "[]",
                                        "fe80::1%eth0",
                                        "*:",
                                        "**",
                                        "::ffff:1.2.3.4:80",
                                        "1:2:3:4:5:6:7:8:",
                                        "::1:"};
    struct gander_address before, address;

    (void)state;
    memset(&before, 0x5a, sizeof(before));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        address = before;
        if (gander_address_parse(texts[i], &address) != GANDER_EINVAL)
            fail_msg("taken: %s", texts[i]);
        assert_memory_equal(&address, &before, sizeof(address));
    }
    assert_int_equal(gander_address_parse(NULL, &address), GANDER_EINVAL);
}

static void short_buffers_are_never_overrun(void **state)
{
    struct gander_address address = parsed("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
    char whole[GANDER_ADDRESS_TEXT_BYTES];

    (void)state;
    gander_address_format(&address, whole, sizeof(whole));
    for (size_t size = 0; size <= sizeof(whole); size++) {
        char *text = malloc(size ? size : 1);
        size_t len = strlen(whole);

        assert_ptr_equal(gander_address_format(&address, text, size), text);
        if (size) {
            assert_int_equal(strlen(text), len < size ? len : size - 1);
            assert_memory_equal(text, whole, strlen(text));
        }
        free(text);
    }
}

static void random_addresses_survive_a_round_trip(void **state)
{
    unsigned random = 1;

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        struct gander_address address, again;
        char text[GANDER_ADDRESS_TEXT_BYTES];

        memset(&address, 0, sizeof(address));
        address.family = i % 4 ? GANDER_IPV6 : GANDER_IPV4;
        for (unsigned j = 0; j < (address.family == GANDER_IPV4 ? 4U : 16U); j++) {
            random = random * 1103515245 + 12345;
            address.ip[j] = (random >> 16) & 3 ? 0 : (uint8_t)(random >> 20); /* many zeros */
        }
        address.port = i % 3 ? (uint16_t)(random >> 8) : 0;
        again = parsed(gander_address_format(&address, text, sizeof(text)));
        assert_true(gander_address_equal(&address, &again));
        assert_memory_equal(&address, &again, sizeof(address));
    }
}

static void equal_compares_family_ip_and_port(void **state)
{
    struct gander_address a = parsed("192.0.2.1:80"), b = a;

    (void)state;
    b.ip[15] = 9; /* not part of an IPv4 address */
    assert_true(gander_address_equal(&a, &b));
    b.ip[3] = 2;
    assert_false(gander_address_equal(&a, &b));
    b = a;
    b.port = 81;
    assert_false(gander_address_equal(&a, &b));
    b = a;
    b.family = GANDER_IPV6;
    assert_false(gander_address_equal(&a, &b));
    a = b = parsed("2001:db8::1");
    b.ip[15] = 2;
    assert_false(gander_address_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_text_survives_a_round_trip),
        cmocka_unit_test(other_forms_are_read),
        cmocka_unit_test(wrong_text_is_refused_and_changes_nothing),
        cmocka_unit_test(short_buffers_are_never_overrun),
        cmocka_unit_test(random_addresses_survive_a_round_trip),
        cmocka_unit_test(equal_compares_family_ip_and_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The command's numbers with units, its prefixes, and its progress line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* These modules are part of a program, not of a library. */
#include "tools/message.c"
#include "tools/progress.c"
#include "tools/values.c"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static void percentages_are_exact(void **state)
{
    static const struct {
        const char *text;
        uint32_t ppm;
    } right[] = {{"0%", 0},      {"1%", 10000},        {"0.1%", 1000},  {"100%", 1000000},
                 {"0.0001%", 1}, {"33.3333%", 333333}, {"1.50%", 15000}};
    static const char *const wrong[] = {"",    "%",         "1",        "1 %",
                                        "-1%", "100.0001%", "0.00001%", "1.%",
                                        ".5%", "1e1%",      "1%%",      "99999999999999999999%"};
    uint32_t ppm;

    (void)state;
    for (size_t i = 0; i < COUNT(right); i++) {
        assert_null(option_set_ppm(&ppm, right[i].text));
        assert_int_equal(ppm, right[i].ppm);
    }
    for (size_t i = 0; i < COUNT(wrong); i++) {
        ppm = 7;
        if (!option_set_ppm(&ppm, wrong[i]) || ppm != 7)
            fail_msg("not refused: %s", wrong[i]);
    }
}

static void times_and_rates(void **state)
{
    static const char *const wrong_times[] = {
        "",      "1",     "1m",  "s",   "1.0000000001s",
        "0.5ns", "3601s", "-1s", "1 s", "18446744073709551616ns"};
    static const char *const wrong_rates[] = {"",      "0",      "1000",     "1mbit/s",
                                              "1Mbit", "999bit", "1001gbit", "0.0001kbit"};
    gander_time time;
    uint64_t rate;

    (void)state;
    assert_null(option_set_duration(&time, "1.5s"));
    assert_int_equal(time, 1500000000);
    assert_null(option_set_duration(&time, "0"));
    assert_int_equal(time, 0);
    assert_null(option_set_duration(&time, "0.001us"));
    assert_int_equal(time, 1);
    assert_null(option_set_duration(&time, "3600s"));
    assert_null(option_set_rate(&rate, "2.5gbit"));
    assert_int_equal(rate, 2500000000);
    for (size_t i = 0; i < COUNT(wrong_times); i++)
        if (!option_set_duration(&time, wrong_times[i]))
            fail_msg("not refused: %s", wrong_times[i]);
    for (size_t i = 0; i < COUNT(wrong_rates); i++)
        if (!option_set_rate(&rate, wrong_rates[i]))
            fail_msg("not refused: %s", wrong_rates[i]);
}

static void prefixes(void **state)
{
    static const char *const wrong[] = {"",
                                        "/",
                                        "10.0.0.1",
                                        "10.0.0.1/",
                                        "10.0.0.1/33",
                                        "fd00::/129",
                                        "10.0.0.1/8.0",
                                        "10.0.0.01/8",
                                        "x/8",
                                        "10.0.0.1:80/8",
                                        "1111:1111:1111:1111:1111:1111:111.111.111.1111/8"};
    struct option_prefix prefix, other;

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++)
        if (option_prefix_parse(wrong[i], &prefix))
            fail_msg("not refused: %s", wrong[i]);
    assert_true(option_prefix_parse("10.1.2.3/20", &prefix));
    assert_int_equal(prefix.bits, 20);
    assert_true(option_prefix_parse("10.1.15.255/32", &other));
    assert_true(option_prefix_holds(&prefix, &other.address));
    assert_true(option_prefix_parse("10.1.16.0/32", &other));
    assert_false(option_prefix_holds(&prefix, &other.address));
    assert_true(option_prefix_parse("::/0", &prefix));
    assert_false(option_prefix_holds(&prefix, &other.address));
    assert_true(option_prefix_parse("fd00::1/128", &other));
    assert_true(option_prefix_holds(&prefix, &other.address));
}

static void the_progress_line_keeps_to_its_width(void **state)
{
    struct progress p = {.total_bytes = 256 << 20, .done_bytes = 64 << 20};
    char line[121];

    (void)state;
    progress_format(&p, 4 * GANDER_S, line, 120);
    assert_string_equal(line, " 25%  64.0 MiB of 256 MiB  16.0 MiB/s  0:12 left  "
                              "[########......................]");
    for (unsigned width = 1; width <= 120; width++) {
        progress_format(&p, 4 * GANDER_S, line, width);
        assert_true(strlen(line) <= width);
    }
    p.total_bytes = -1;
    progress_format(&p, 4 * GANDER_S, line, 120);
    assert_string_equal(line, "64.0 MiB  16.0 MiB/s");
    p.total_bytes = p.done_bytes = 0;
    progress_format(&p, 0, line, 120); /* nothing divides by zero */
    p.total_bytes = INT64_MAX;
    p.done_bytes = INT64_MAX / 200;
    progress_format(&p, GANDER_S, line, 120);
    assert_non_null(strstr(line, "left"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentages_are_exact),
        cmocka_unit_test(times_and_rates),
        cmocka_unit_test(prefixes),
        cmocka_unit_test(the_progress_line_keeps_to_its_width),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

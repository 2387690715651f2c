/* SPDX-License-Identifier: MIT */
/*
 * The drivers' own memory, and the file that a capture goes to: each call of malloc, calloc, realloc and write in link/ fails
 * in turn. For that this program contains the drivers, with other names for these four.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit/link_fixture.h"

static struct {
    unsigned calls, at; /* the `at`-th call fails; 0: none */
    bool forever;
} memory;

static struct {
    unsigned calls, at;
    int error;   /* 0: the call is short instead */
    bool always; /* from there on */
} file;

static bool no_memory(void)
{
    memory.calls++;
    return memory.at && (memory.calls == memory.at || (memory.forever && memory.calls > memory.at));
}

static void *may_malloc(size_t bytes)
{
    return no_memory() ? NULL : malloc(bytes);
}

static void *may_calloc(size_t n, size_t bytes)
{
    return no_memory() ? NULL : calloc(n, bytes);
}

static void *may_realloc(void *old, size_t bytes)
{
    return no_memory() ? NULL : realloc(old, bytes);
}

static ssize_t may_write(int fd, const void *bytes, size_t len)
{
    unsigned n = ++file.calls;

    if (!file.at || n < file.at || (n > file.at && !file.always))
        return write(fd, bytes, len);
    if (file.error == 0)
        return write(fd, bytes, len > 7 ? 7 : len);
    errno = file.error;
    return -1;
}

#undef fail /* cmocka's; a driver has a function of that name */
#define malloc may_malloc
#define calloc may_calloc
#define realloc may_realloc
#define write may_write
/* NOLINTBEGIN(bugprone-suspicious-include): on purpose, see above */
#include "link/capture.c"
#include "link/host_loop.c"
#include "link/impair.c"
#include "link/pair.c"
#include "link/tun.c"
/* NOLINTEND(bugprone-suspicious-include) */
#undef malloc
#undef calloc
#undef realloc
#undef write

enum { PACKETS = 200 };

static void plan_memory(unsigned at, bool forever)
{
    memory.calls = 0;
    memory.at = at;
    memory.forever = forever;
}

/* Does it again with each call failing, once and for good; `make` says GANDER_ENOMEM and cleans up behind itself. */
static void each_allocation(struct fixture *f, int (*make)(struct fixture *f), unsigned at_least)
{
    for (int forever = 0; forever < 2; forever++) {
        unsigned at = 1;
        int result;

        for (;; at++) {
            plan_memory(at, forever);
            result = make(f);
            if (memory.calls < at)
                break;
            assert_int_equal(result, GANDER_ENOMEM);
        }
        assert_int_equal(result, GANDER_OK);
        assert_true(at > at_least);
    }
    plan_memory(0, false);
}

static int make_pair(struct fixture *f)
{
    struct gander_driver *a, *b;
    int result = gander_pair_create(1500, 0, 0, &a, &b);

    (void)f;
    if (result != GANDER_OK)
        return result;
    gander_driver_close(a);
    gander_driver_close(b);
    return GANDER_OK;
}

static int make_impair(struct fixture *f)
{
    struct gander_driver *a, *b, *impair;
    unsigned at = memory.at;
    int result;

    memory.at = 0;
    assert_int_equal(gander_pair_create(1500, 0, 0, &a, &b), GANDER_OK);
    plan_memory(at, memory.forever);
    result = gander_impair_create(a, f->stack, NULL, NULL, &impair);
    gander_driver_close(result == GANDER_OK ? impair : a);
    gander_driver_close(b);
    return result;
}

static int make_capture(struct fixture *f)
{
    const struct gander_capture_options options = {.path = "/dev/null"};
    struct gander_driver *a, *b, *capture;
    unsigned at = memory.at;
    int result;

    (void)f;
    memory.at = 0;
    assert_int_equal(gander_pair_create(1500, 0, 0, &a, &b), GANDER_OK);
    plan_memory(at, memory.forever);
    result = gander_capture_create(a, &options, &capture);
    gander_driver_close(result == GANDER_OK ? capture : a);
    gander_driver_close(b);
    return result;
}

static void nothing(void *context, int fd, uint32_t events)
{
    (void)context;
    (void)fd;
    (void)events;
}

static int make_host(struct fixture *f)
{
    struct gander_driver *a, *b;
    struct gander_host *host = NULL;
    unsigned at = memory.at;
    int result, fds[2];

    memory.at = 0;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(gander_pair_create(1500, 0, 0, &a, &b), GANDER_OK);
    plan_memory(at, memory.forever);
    result = gander_host_create(&host);
    if (result == GANDER_OK)
        result = gander_host_attach(host, f->stack, 0, a);
    if (result == GANDER_OK)
        result = gander_host_add_descriptor(host, fds[0], EPOLLIN, nothing, NULL);
    gander_host_destroy(host);
    gander_driver_close(a);
    gander_driver_close(b);
    close(fds[0]);
    close(fds[1]);
    return result;
}

static void drivers_are_made(void **state)
{
    each_allocation(*state, make_pair, 3);
    each_allocation(*state, make_impair, 1);
    each_allocation(*state, make_capture, 3);
    each_allocation(*state, make_host, 3);
}

static void a_tun_device_is_made(void **state)
{
    struct gander_driver *driver = NULL;
    char text[GANDER_TUN_ERROR_BYTES] = "";

    (void)state;
    plan_memory(1, false);
    assert_int_equal(gander_tun_open("", &driver, text, sizeof(text)), GANDER_ENOMEM);
    assert_true(text[0] != '\0');
    plan_memory(0, false);
}

/* A delay line that cannot grow loses packets, and counts them. */
static void delay_line_grows(void **state)
{
    struct fixture *f = *state;

    for (unsigned at = 1; at < 8; at++) {
        const struct gander_impairment slow = {.delay_ns = GANDER_S};
        struct gander_driver *a, *b, *impair;
        struct gander_packet *packet;
        unsigned arrived = 0;

        plan_memory(0, false);
        assert_int_equal(gander_pair_create(1500, 0, 0, &a, &b), GANDER_OK);
        assert_int_equal(gander_impair_create(a, f->stack, &slow, NULL, &impair), GANDER_OK);
        plan_memory(at, at % 2);
        for (unsigned i = 0; i < PACKETS; i++) {
            packet = numbered_packet(f->stack, i, 100);
            if (gander_driver_transmit(impair, 0, &packet, 1) != 1)
                gander_packet_free(packet);
        }
        while (gander_driver_receive(impair, f->stack, 2 * GANDER_S, &packet, 1) == 1)
            gander_packet_free(packet);
        while ((packet = receive_one(b, f->stack, 2 * GANDER_S)) != NULL) {
            arrived++;
            gander_packet_free(packet);
        }
        assert_true(arrived <= PACKETS);
        assert_true(memory.calls >= at || arrived == PACKETS);
        gander_driver_close(impair);
        gander_driver_close(b);
    }
    plan_memory(0, false);
}

/* Packets pass whatever becomes of the file; closing tells. */
static void a_capture_is_written(void **state)
{
    static const int errors[] = {0, EINTR, EIO, ENOSPC};
    struct fixture *f = *state;

    for (unsigned always = 0; always < 2; always++) {
        for (unsigned e = 0; e < 4; e++) {
            const struct gander_capture_options options = {.path = "/dev/null"};
            struct gander_driver *a, *b, *capture;
            struct gander_packet *packet;
            bool harmless = errors[e] == 0 || (errors[e] == EINTR && !always);

            if (always && errors[e] == EINTR)
                continue; /* nobody interrupts for ever */
            assert_int_equal(gander_pair_create(1500, 0, 0, &a, &b), GANDER_OK);
            file.calls = 0;
            file.at = 1;
            file.error = errors[e];
            file.always = always;
            assert_int_equal(gander_capture_create(a, &options, &capture), GANDER_OK);
            for (unsigned i = 0; i < PACKETS; i++) {
                packet = numbered_packet(f->stack, i, 1400);
                send_one(capture, 0, packet);
                packet = receive_one(b, f->stack, 0);
                assert_non_null(packet);
                assert_int_equal(packet_number(packet), i);
                gander_packet_free(packet);
            }
            assert_int_equal(gander_capture_finish(capture), harmless ? GANDER_OK : GANDER_EIO);
            gander_driver_close(capture);
            gander_driver_close(b);
            assert_true(file.calls > 0);
            file.at = 0;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(drivers_are_made),
        cmocka_unit_test(a_tun_device_is_made),
        fixture_test(delay_line_grows),
        fixture_test(a_capture_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

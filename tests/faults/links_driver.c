/* SPDX-License-Identifier: MIT */
/*
 * A driver whose calls fail, in the host's loop: it takes fewer packets than it is offered, none for a while, or says that the
 * device is gone and comes back. A TCP exchange over it must come to its end, byte for byte, and nothing may stay behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <gander/host.h>
#include <gander/pair.h>

enum { BYTES = 60000, CALLS_MAX = 400 };

enum fault { SHORT, NONE_AT_FIRST, TRANSMIT_GONE, RECEIVE_GONE };

/* Wraps another one. */
struct flaky {
    struct gander_driver driver;
    struct gander_driver *inner;
    enum fault fault;
    unsigned
        at; /* which call fails, from 1; for SHORT and NONE_AT_FIRST: every one that it divides */
    unsigned calls; /* of the kind that fails */
    unsigned failed;
};

static struct flaky *flaky_of(struct gander_driver *driver)
{
    return (struct flaky *)(void *)driver;
}

static int flaky_receive(struct gander_driver *driver, struct gander_stack *stack, gander_time now,
                         struct gander_packet **packets, int max)
{
    struct flaky *f = flaky_of(driver);

    if (f->fault == RECEIVE_GONE && ++f->calls == f->at) {
        f->failed++;
        return GANDER_EIO;
    }
    return gander_driver_receive(f->inner, stack, now, packets, max);
}

static int flaky_transmit(struct gander_driver *driver, gander_time now,
                          struct gander_packet *const *packets, int n)
{
    struct flaky *f = flaky_of(driver);

    if (f->fault == RECEIVE_GONE)
        return gander_driver_transmit(f->inner, now, packets, n);
    f->calls++;
    if (f->fault == TRANSMIT_GONE && f->calls == f->at) {
        f->failed++;
        return GANDER_EIO;
    }
    if (f->fault == SHORT && f->calls % f->at == 0 && n > 1) {
        f->failed++;
        return gander_driver_transmit(f->inner, now, packets, n / 2);
    }
    if (f->fault == NONE_AT_FIRST && f->calls % (f->at + 1) != 0) {
        f->failed++;
        return 0;
    }
    return gander_driver_transmit(f->inner, now, packets, n);
}

static gander_time flaky_deadline(const struct gander_driver *driver)
{
    return gander_driver_deadline(((const struct flaky *)(const void *)driver)->inner);
}

static int flaky_descriptor(const struct gander_driver *driver)
{
    (void)driver;
    return -1;
}

static void flaky_close(struct gander_driver *driver)
{
    gander_driver_close(flaky_of(driver)->inner);
}

static const struct gander_driver_ops flaky_ops = {
    .receive = flaky_receive,
    .transmit = flaky_transmit,
    .deadline = flaky_deadline,
    .descriptor = flaky_descriptor,
    .close = flaky_close,
};

struct world {
    struct gander_host *host;
    struct gander_stack *stack[2];
    struct flaky flaky;
    struct gander_driver *plain;
    gander_socket client, listener, server;
    uint32_t sent, received;
    bool over;
    size_t bytes; /* of memory that the stacks hold */
};

static void *count_alloc(void *context, size_t size, size_t align)
{
    struct world *w = context;
    void *memory = NULL;

    if (posix_memalign(&memory, align < sizeof(void *) ? sizeof(void *) : align, size) != 0)
        return NULL;
    w->bytes += size;
    return memory;
}

static void count_free(void *context, void *memory, size_t size)
{
    struct world *w = context;

    w->bytes -= size;
    free(memory);
}

static uint8_t pattern(uint32_t at)
{
    return (uint8_t)(at * 13 + (at >> 10));
}

static void send_more(struct world *w)
{
    while (w->sent < BYTES) {
        uint8_t piece[4000];
        int64_t n;

        for (uint32_t i = 0; i < sizeof(piece); i++)
            piece[i] = pattern(w->sent + i);
        n = gander_send(w->stack[0], w->client, piece, sizeof(piece), 0);
        if (n < 0) {
            assert_int_equal(n, GANDER_EAGAIN);
            return;
        }
        w->sent += (uint32_t)n;
    }
    (void)gander_shutdown(w->stack[0], w->client, GANDER_SHUTDOWN_SEND);
}

static void receive_more(struct world *w)
{
    uint8_t piece[4000];
    int64_t n;

    while ((n = gander_receive(w->stack[1], w->server, piece, sizeof(piece), 0)) > 0)
        for (int64_t i = 0; i < n; i++)
            assert_int_equal(piece[i], pattern(w->received++));
    if (n == 0)
        w->over = true;
    else
        assert_int_equal(n, GANDER_EAGAIN);
}

static void on_events(void *context, struct gander_stack *stack, const struct gander_event *events,
                      size_t n)
{
    struct world *w = context;

    for (size_t i = 0; i < n; i++) {
        assert_int_equal(events[i].error, 0);
        if (stack == w->stack[0] &&
            (events[i].bits & (GANDER_EVENT_CONNECTED | GANDER_EVENT_WRITABLE)))
            send_more(w);
        if (stack == w->stack[1] && (events[i].bits & GANDER_EVENT_ACCEPT))
            assert_int_equal(gander_accept(stack, w->listener, &w->server, NULL), GANDER_OK);
        if (stack == w->stack[1] && w->server)
            receive_more(w);
    }
}

static void make_stack(struct world *w, unsigned i, const struct gander_driver *driver)
{
    const struct gander_link_config link_config = {driver->mtu_bytes, driver->flags};
    struct gander_address address = {.family = GANDER_IPV6,
                                     .ip = {0x20, 1, 0xd, 0xb8, [15] = (uint8_t)(i + 1)}};
    struct gander_config config;
    unsigned link;

    assert_int_equal(gander_host_config(&config), GANDER_OK);
    config.memory = (struct gander_memory){count_alloc, count_free, w};
    config.tcp_rto_min_ns = 20 * GANDER_MS; /* the tests are in real time */
    config.tcp_delayed_ack_ns = 5 * GANDER_MS;
    config.tcp_congestion_control = "newreno"; /* more and smaller bursts: more calls to fail */
    assert_int_equal(gander_stack_create(&config, &w->stack[i]), GANDER_OK);
    assert_int_equal(gander_link_add(w->stack[i], &link_config, &link), GANDER_OK);
    assert_int_equal(gander_address_add(w->stack[i], link, &address, 64), GANDER_OK);
    address.port = 80;
    if (i == 0) {
        address.ip[15] = 2;
        assert_int_equal(gander_open(w->stack[0], GANDER_TCP, &w->client), GANDER_OK);
        assert_int_equal(gander_connect(w->stack[0], w->client, &address), GANDER_OK);
    } else {
        assert_int_equal(gander_open(w->stack[1], GANDER_TCP, &w->listener), GANDER_OK);
        assert_int_equal(gander_bind(w->stack[1], w->listener, &address), GANDER_OK);
        assert_int_equal(gander_listen(w->stack[1], w->listener, 4), GANDER_OK);
    }
}

/* True: the call that was to fail was reached. */
static bool exchange(enum fault fault, unsigned at, unsigned flaky_side)
{
    struct world *w = calloc(1, sizeof(*w));
    struct gander_driver *ends[2];
    unsigned errors = 0, turns = 0;
    bool reached;

    assert_non_null(w);
    assert_int_equal(gander_pair_create(1500, 0, 64, &ends[0], &ends[1]), GANDER_OK);
    w->flaky =
        (struct flaky){.driver = {.ops = &flaky_ops, .mtu_bytes = 1500}, .fault = fault, .at = at};
    w->flaky.inner = ends[flaky_side];
    ends[flaky_side] = &w->flaky.driver;
    assert_int_equal(gander_host_create(&w->host), GANDER_OK);
    gander_host_on_events(w->host, on_events, w);
    for (unsigned i = 0; i < 2; i++) {
        make_stack(w, i, ends[i]);
        assert_int_equal(gander_host_attach(w->host, w->stack[i], 0, ends[i]), GANDER_OK);
    }
    while (!w->over) {
        int result = gander_host_run_once(w->host, GANDER_S);

        errors += result == GANDER_EIO;
        assert_true(result == GANDER_OK || result == GANDER_EIO);
        assert_true(++turns < 100000);
    }
    assert_int_equal(w->received, w->sent);
    assert_true(w->received >= BYTES);
    reached = w->flaky.failed > 0;
    if (fault == TRANSMIT_GONE || fault == RECEIVE_GONE)
        assert_int_equal(errors, w->flaky.failed); /* each is reported, once */
    gander_host_destroy(w->host);
    gander_stack_destroy(w->stack[1]);
    gander_driver_close(ends[0]);
    gander_driver_close(ends[1]);
    gander_stack_destroy(w->stack[0]);
    assert_int_equal(w->bytes, 0);
    free(w);
    return reached;
}

static void takes_fewer_than_offered(void **state)
{
    (void)state;
    for (unsigned side = 0; side < 2; side++) {
        for (unsigned every = 1; every < 4; every++)
            (void)exchange(SHORT, every, side);
    }
    assert_true(exchange(SHORT, 1, 0));
}

static void takes_none_for_a_while(void **state)
{
    (void)state;
    for (unsigned side = 0; side < 2; side++) {
        for (unsigned refusals = 1; refusals < 6; refusals++)
            assert_true(exchange(NONE_AT_FIRST, refusals, side));
    }
}

static void gone_and_back(enum fault fault, unsigned side)
{
    unsigned at = 1;

    while (at < CALLS_MAX && exchange(fault, at, side))
        at++;
    assert_true(at > 5);
}

static void each_transmit_fails(void **state)
{
    (void)state;
    gone_and_back(TRANSMIT_GONE, 0);
    gone_and_back(TRANSMIT_GONE, 1);
}

static void each_receive_fails(void **state)
{
    (void)state;
    gone_and_back(RECEIVE_GONE, 0);
    gone_and_back(RECEIVE_GONE, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_fewer_than_offered),
        cmocka_unit_test(takes_none_for_a_while),
        cmocka_unit_test(each_transmit_fails),
        cmocka_unit_test(each_receive_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

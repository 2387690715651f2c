/* SPDX-License-Identifier: MIT */
/* The host loop: idle costs nothing, timers and descriptors come on time, packets move, stop works
 * from anywhere. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <unistd.h>

#include <gander/host.h>
#include <gander/impair.h>
#include <gander/pair.h>

#include "unit/link_fixture.h"

/* Two hosts with a cable between them, in one loop. */
struct net {
    struct gander_host *host;
    struct gander_stack *left, *right;
    struct gander_driver *a, *b;
};

static struct gander_stack *make_stack(struct gander_driver *driver, const char *ip)
{
    const struct gander_link_config link_config = {driver->mtu_bytes, driver->flags};
    struct gander_config config;
    struct gander_stack *stack;
    struct gander_address address;
    unsigned link;

    assert_int_equal(gander_host_config(&config), GANDER_OK);
    assert_int_equal(gander_stack_create(&config, &stack), GANDER_OK);
    assert_int_equal(gander_link_add(stack, &link_config, &link), GANDER_OK);
    assert_int_equal(gander_address_parse(ip, &address), GANDER_OK);
    assert_int_equal(gander_address_add(stack, link, &address, 24), GANDER_OK);
    return stack;
}

static void net_open(struct net *net, const struct gander_impairment *faults)
{
    struct gander_driver *bare;

    assert_int_equal(gander_pair_create(1500, 0, 0, &bare, &net->b), GANDER_OK);
    net->left = make_stack(bare, "192.0.2.1");
    net->right = make_stack(net->b, "192.0.2.2");
    assert_int_equal(gander_impair_create(bare, net->left, faults, faults, &net->a), GANDER_OK);
    assert_int_equal(gander_host_create(&net->host), GANDER_OK);
    assert_int_equal(gander_host_attach(net->host, net->left, 0, net->a), GANDER_OK);
    assert_int_equal(gander_host_attach(net->host, net->right, 0, net->b), GANDER_OK);
}

static void net_close(struct net *net)
{
    gander_host_destroy(net->host);
    gander_driver_close(net->a);
    gander_driver_close(net->b);
    gander_stack_destroy(net->left);
    gander_stack_destroy(net->right);
}

static void system_gives_clock_memory_and_secrets(void **state)
{
    struct gander_config one, two;
    gander_time before = gander_host_now();
    void *memory;

    (void)state;
    assert_int_equal(gander_host_config(&one), GANDER_OK);
    assert_int_equal(gander_host_config(&two), GANDER_OK);
    assert_memory_not_equal(one.secret, two.secret, sizeof(one.secret));
    assert_true(before > 0 && one.start >= before && two.start >= one.start);
    memory = one.memory.alloc(one.memory.context, 40000, 32768);
    assert_non_null(memory);
    assert_int_equal((uintptr_t)memory % 32768, 0);
    one.memory.free(one.memory.context, memory, 40000);
    /* After 2020 and before 2100. */
    assert_in_range((gander_host_wall_offset() + before) / GANDER_S, 1577836800, 4102444800);
}

static void idle_hosts_sleep(void **state)
{
    struct net net;
    gander_time before;

    (void)state;
    net_open(&net, NULL);
    before = gander_host_now();
    assert_int_equal(gander_host_run_once(net.host, 100 * GANDER_MS), GANDER_OK);
    assert_in_range(gander_host_now() - before, 100 * GANDER_MS, 5 * GANDER_S);
    assert_int_equal(gander_host_wakeups(net.host), 1);
    before = gander_host_now();
    assert_int_equal(gander_host_run_once(net.host, 0), GANDER_OK);
    assert_true(gander_host_now() - before < 5 * GANDER_S);
    net_close(&net);
}

struct calls {
    struct gander_host *host;
    struct gander_host_alarm *other;
    unsigned count;
    gander_time at;
    uint32_t events;
};

static void note_alarm(void *context, gander_time now)
{
    struct calls *calls = context;

    calls->count++;
    calls->at = now;
    if (calls->other)
        gander_host_set_alarm(calls->host, calls->other, GANDER_NEVER);
}

static void stop_alarm(void *context, gander_time now)
{
    (void)now;
    gander_host_stop(context);
}

static void alarms_ring_once_and_on_time(void **state)
{
    struct net net;
    struct calls calls = {0};
    struct gander_host_alarm alarm = {.fn = note_alarm, .context = &calls},
                             stop = {.fn = stop_alarm};
    gander_time begin;

    (void)state;
    net_open(&net, NULL);
    stop.context = net.host;
    begin = gander_host_now();
    gander_host_set_alarm(net.host, &alarm, begin + 500 * GANDER_MS);
    gander_host_set_alarm(net.host, &alarm, begin + 20 * GANDER_MS); /* instead */
    gander_host_set_alarm(net.host, &stop, begin + 60 * GANDER_MS);
    assert_int_equal(gander_host_run(net.host), GANDER_OK);
    assert_int_equal(calls.count, 1);
    assert_in_range(calls.at - begin, 20 * GANDER_MS, 499 * GANDER_MS);
    assert_in_range(gander_host_wakeups(net.host), 2, 4);
    net_close(&net);
}

/* Two are due at once; the first that is called takes the other back. */
static void alarms_may_cancel_each_other(void **state)
{
    struct net net;
    struct gander_host_alarm alarms[2];
    struct calls calls[2];

    (void)state;
    net_open(&net, NULL);
    for (unsigned i = 0; i < 2; i++) {
        calls[i] = (struct calls){.host = net.host, .other = &alarms[1 - i]};
        alarms[i] = (struct gander_host_alarm){.fn = note_alarm, .context = &calls[i]};
        gander_host_set_alarm(net.host, &alarms[i], 1);
    }
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(gander_host_run_once(net.host, 0), GANDER_OK);
    assert_int_equal(calls[0].count + calls[1].count, 1);
    net_close(&net);
}

static void again_alarm(void *context, gander_time now)
{
    struct calls *calls = context;

    calls->count++;
    gander_host_set_alarm(calls->host, calls->other, now);
}

static void alarm_set_again_waits_for_the_next_turn(void **state)
{
    struct net net;
    struct calls calls = {0};
    struct gander_host_alarm alarm = {.fn = again_alarm, .context = &calls};

    (void)state;
    net_open(&net, NULL);
    calls.host = net.host;
    calls.other = &alarm;
    gander_host_set_alarm(net.host, &alarm, 1);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(gander_host_run_once(net.host, GANDER_NEVER), GANDER_OK);
        assert_int_equal(calls.count, i);
    }
    net_close(&net);
}

static void note_descriptor(void *context, int fd, uint32_t events)
{
    struct calls *calls = context;
    char byte;

    calls->count++;
    calls->events = events;
    if (events & EPOLLIN)
        assert_true(read(fd, &byte, 1) >= 0);
    if (events & EPOLLHUP)
        assert_int_equal(gander_host_remove_descriptor(calls->host, fd), GANDER_OK);
}

static void descriptors_are_watched(void **state)
{
    struct net net;
    struct calls calls = {0};
    int ends[2];

    (void)state;
    net_open(&net, NULL);
    calls.host = net.host;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(
        gander_host_add_descriptor(net.host, ends[0], EPOLLIN, note_descriptor, &calls), GANDER_OK);
    assert_int_equal(
        gander_host_add_descriptor(net.host, ends[0], EPOLLIN, note_descriptor, &calls),
        GANDER_EINVAL);
    assert_int_equal(gander_host_add_descriptor(net.host, -1, EPOLLIN, note_descriptor, &calls),
                     GANDER_EINVAL);
    assert_int_equal(gander_host_modify_descriptor(net.host, ends[1], EPOLLIN), GANDER_EINVAL);
    assert_int_equal(write(ends[1], "xy", 2), 2);
    assert_int_equal(gander_host_run_once(net.host, GANDER_NEVER), GANDER_OK);
    assert_int_equal(calls.count, 1);
    assert_int_equal(gander_host_modify_descriptor(net.host, ends[0], 0), GANDER_OK);
    assert_int_equal(gander_host_run_once(net.host, GANDER_MS), GANDER_OK);
    assert_int_equal(calls.count, 1); /* not wanted now */
    assert_int_equal(gander_host_modify_descriptor(net.host, ends[0], EPOLLIN), GANDER_OK);
    assert_int_equal(gander_host_run_once(net.host, GANDER_NEVER), GANDER_OK);
    assert_int_equal(calls.count, 2);
    close(ends[1]);
    assert_int_equal(gander_host_run_once(net.host, GANDER_NEVER), GANDER_OK);
    assert_true(calls.events & EPOLLHUP);
    assert_int_equal(gander_host_run_once(net.host, GANDER_MS), GANDER_OK);
    assert_int_equal(calls.count, 3); /* it removed itself */
    assert_int_equal(gander_host_remove_descriptor(net.host, ends[0]), GANDER_EINVAL);
    close(ends[0]);
    net_close(&net);
}

/* epoll refuses plain files; programs still want to read their input from one. */
static void plain_files_are_always_ready(void **state)
{
    struct net net;
    struct calls calls = {0};
    char path[] = "/tmp/gander-host-XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    unlink(path);
    net_open(&net, NULL);
    assert_int_equal(gander_host_add_descriptor(net.host, fd, EPOLLIN, note_descriptor, &calls),
                     GANDER_OK);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(gander_host_run_once(net.host, GANDER_NEVER), GANDER_OK);
        assert_int_equal(calls.count, i);
    }
    assert_int_equal(calls.events, EPOLLIN);
    assert_int_equal(gander_host_remove_descriptor(net.host, fd), GANDER_OK);
    assert_int_equal(gander_host_run_once(net.host, 0), GANDER_OK);
    assert_int_equal(calls.count, 3);
    close(fd);
    net_close(&net);
}

static struct gander_host *signal_host;

static void on_signal(int number)
{
    (void)number;
    gander_host_stop(signal_host);
}

static void *stop_from_thread(void *host)
{
    usleep(20000);
    gander_host_stop(host);
    return NULL;
}

static void stop_ends_the_sleep(void **state)
{
    const struct itimerval soon = {.it_value = {.tv_usec = 20000}};
    struct sigaction old, action = {.sa_handler = on_signal};
    struct net net;
    pthread_t thread;

    (void)state;
    net_open(&net, NULL);
    gander_host_stop(net.host); /* before: not forgotten */
    assert_int_equal(gander_host_run(net.host), GANDER_OK);
    assert_int_equal(pthread_create(&thread, NULL, stop_from_thread, net.host), 0);
    assert_int_equal(gander_host_run(net.host), GANDER_OK);
    pthread_join(thread, NULL);
    signal_host = net.host;
    sigaction(SIGALRM, &action, &old);
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    assert_int_equal(gander_host_run(net.host), GANDER_OK);
    sigaction(SIGALRM, &old, NULL);
    net_close(&net);
}

/* A driver whose device is gone. */
static int gone_receive(struct gander_driver *driver, struct gander_stack *stack, gander_time now,
                        struct gander_packet **packets, int max)
{
    (void)driver;
    (void)stack;
    (void)now;
    (void)packets;
    (void)max;
    return GANDER_EIO;
}

static int gone_transmit(struct gander_driver *driver, gander_time now,
                         struct gander_packet *const *packets, int n)
{
    (void)driver;
    (void)now;
    (void)packets;
    (void)n;
    return GANDER_EIO;
}

static gander_time gone_deadline(const struct gander_driver *driver)
{
    (void)driver;
    return GANDER_NEVER;
}

static int gone_descriptor(const struct gander_driver *driver)
{
    (void)driver;
    return -1;
}

static void lost_devices_are_reported(void **state)
{
    const struct gander_driver_ops ops = {.receive = gone_receive,
                                          .transmit = gone_transmit,
                                          .deadline = gone_deadline,
                                          .descriptor = gone_descriptor};
    struct gander_driver gone = {.ops = &ops, .mtu_bytes = 1500};
    struct net net;

    (void)state;
    net_open(&net, NULL);
    assert_int_equal(gander_host_detach(net.host, net.b), GANDER_OK);
    assert_int_equal(gander_host_detach(net.host, net.b), GANDER_EINVAL);
    assert_int_equal(gander_host_attach(net.host, net.right, 0, NULL), GANDER_EINVAL);
    assert_int_equal(gander_host_attach(net.host, net.right, 0, &gone), GANDER_OK);
    assert_int_equal(gander_host_run_once(net.host, GANDER_NEVER), GANDER_EIO);
    assert_int_equal(gander_host_run(net.host), GANDER_EIO);
    assert_int_equal(gander_host_detach(net.host, &gone), GANDER_OK);
    assert_int_equal(gander_host_run_once(net.host, 0), GANDER_OK);
    net_close(&net);
}

/* --- an echo over TCP: the right host answers, the left one asks and checks ---------------------
 */

enum { ECHO_BYTES = 300000, ECHO_PORT = 7 };

struct echo {
    struct net net;
    gander_socket client;
    int64_t sent, received;
    uint8_t held[4096]; /* the server's: read, not yet sent back */
    size_t held_bytes;
    bool closed;
};

static uint8_t echo_byte(int64_t at)
{
    return (uint8_t)(at * 13 + (at >> 10));
}

static void client_turn(struct echo *echo)
{
    struct gander_stack *stack = echo->net.left;
    uint8_t bytes[4096];
    int64_t n;

    while (echo->sent < ECHO_BYTES) {
        size_t want = sizeof(bytes);

        if ((int64_t)want > ECHO_BYTES - echo->sent)
            want = (size_t)(ECHO_BYTES - echo->sent);
        for (size_t i = 0; i < want; i++)
            bytes[i] = echo_byte(echo->sent + (int64_t)i);
        n = gander_send(stack, echo->client, bytes, want, 0);
        if (n < 0)
            break;
        echo->sent += n;
        if (echo->sent == ECHO_BYTES)
            assert_int_equal(gander_shutdown(stack, echo->client, GANDER_SHUTDOWN_SEND), 0);
    }
    while ((n = gander_receive(stack, echo->client, bytes, sizeof(bytes), 0)) > 0) {
        for (int64_t i = 0; i < n; i++)
            assert_int_equal(bytes[i], echo_byte(echo->received + i));
        echo->received += n;
    }
    if (n == 0) {
        assert_int_equal(gander_close(stack, echo->client), GANDER_OK);
        echo->closed = true;
        gander_host_stop(echo->net.host);
    }
}

static void server_turn(struct echo *echo, gander_socket socket)
{
    struct gander_stack *stack = echo->net.right;
    int64_t n;

    for (;;) {
        while (echo->held_bytes > 0) {
            n = gander_send(stack, socket, echo->held, echo->held_bytes, 0);
            if (n < 0)
                return;
            echo->held_bytes -= (size_t)n;
            memmove(echo->held, echo->held + n, echo->held_bytes);
        }
        n = gander_receive(stack, socket, echo->held, sizeof(echo->held), 0);
        if (n == 0)
            assert_int_equal(gander_close(stack, socket), GANDER_OK);
        if (n <= 0)
            return;
        echo->held_bytes = (size_t)n;
    }
}

static void echo_events(void *context, struct gander_stack *stack,
                        const struct gander_event *events, size_t n)
{
    struct echo *echo = context;
    gander_socket connection;

    for (size_t i = 0; i < n; i++) {
        if (stack == echo->net.left) {
            if (!echo->closed)
                client_turn(echo);
        } else if (events[i].bits & GANDER_EVENT_ACCEPT) {
            while (gander_accept(stack, events[i].socket, &connection, NULL) == GANDER_OK)
                server_turn(echo, connection);
        } else {
            server_turn(echo, events[i].socket);
        }
    }
}

static void echo_once(const struct gander_impairment *faults)
{
    struct gander_address server = {.family = GANDER_IPV4, .port = ECHO_PORT};
    struct echo *echo = calloc(1, sizeof(*echo));
    gander_socket listener;

    assert_non_null(echo);
    net_open(&echo->net, faults);
    gander_host_on_events(echo->net.host, echo_events, echo);
    assert_int_equal(gander_open(echo->net.right, GANDER_TCP, &listener), GANDER_OK);
    assert_int_equal(gander_bind(echo->net.right, listener, &server), GANDER_OK);
    assert_int_equal(gander_listen(echo->net.right, listener, 8), GANDER_OK);
    assert_int_equal(gander_address_parse("192.0.2.2:7", &server), GANDER_OK);
    assert_int_equal(gander_open(echo->net.left, GANDER_TCP, &echo->client), GANDER_OK);
    assert_int_equal(gander_connect(echo->net.left, echo->client, &server), GANDER_OK);
    assert_int_equal(gander_host_run(echo->net.host), GANDER_OK);
    assert_int_equal(echo->received, ECHO_BYTES);
    assert_true(echo->closed);
    net_close(&echo->net);
    free(echo);
}

static void tcp_echo_over_a_pair(void **state)
{
    (void)state;
    echo_once(NULL);
}

/* Delayed packets wake the loop by the driver's deadline. */
static void tcp_echo_over_a_slow_lossy_pair(void **state)
{
    const struct gander_impairment faults = {
        .seed = 5, .loss_ppm = 5000, .delay_ns = GANDER_MS, .jitter_ns = 100 * GANDER_US};

    (void)state;
    echo_once(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(system_gives_clock_memory_and_secrets),
        cmocka_unit_test(idle_hosts_sleep),
        cmocka_unit_test(alarms_ring_once_and_on_time),
        cmocka_unit_test(alarms_may_cancel_each_other),
        cmocka_unit_test(alarm_set_again_waits_for_the_next_turn),
        cmocka_unit_test(descriptors_are_watched),
        cmocka_unit_test(plain_files_are_always_ready),
        cmocka_unit_test(stop_ends_the_sleep),
        cmocka_unit_test(lost_devices_are_reported),
        cmocka_unit_test(tcp_echo_over_a_pair),
        cmocka_unit_test(tcp_echo_over_a_slow_lossy_pair),
    };

    return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}

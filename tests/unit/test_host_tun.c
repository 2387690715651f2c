/* SPDX-License-Identifier: MIT */
/*
 * The stack and the kernel's TCP in one process, in a network namespace of its own: the kernel's
 * client sends a megabyte over TUN, the stack echoes it, both close. IPv4 and IPv6, also through a
 * bad network.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gander/host.h>
#include <gander/impair.h>
#include <gander/tun.h>

#include "unit/link_fixture.h"

enum { BYTES = 1 << 20, PORT = 7 };

static bool allowed;

struct echo {
    struct gander_host *host;
    struct gander_stack *stack;
    int fd; /* the kernel's client */
    size_t sent, received;
    uint8_t held[8192]; /* read by the stack's server, not yet sent back */
    size_t held_bytes;
    bool kernel_done, stack_done;
};

static uint8_t echo_byte(size_t at)
{
    return (uint8_t)(at * 11 + (at >> 9) + (at >> 17));
}

static void finish_if_done(struct echo *echo)
{
    if (echo->kernel_done && echo->stack_done)
        gander_host_stop(echo->host);
}

static void kernel_write(struct echo *echo)
{
    uint8_t bytes[5000];

    while (echo->sent < BYTES) {
        size_t want = BYTES - echo->sent < sizeof(bytes) ? BYTES - echo->sent : sizeof(bytes);
        ssize_t n;

        for (size_t i = 0; i < want; i++)
            bytes[i] = echo_byte(echo->sent + i);
        n = send(echo->fd, bytes, want, MSG_NOSIGNAL);
        if (n < 0) {
            assert_int_equal(errno, EAGAIN);
            return;
        }
        echo->sent += (size_t)n;
    }
    assert_int_equal(shutdown(echo->fd, SHUT_WR), 0);
    assert_int_equal(gander_host_modify_descriptor(echo->host, echo->fd, EPOLLIN), GANDER_OK);
}

static void kernel_read(struct echo *echo)
{
    uint8_t bytes[5000];
    ssize_t n;

    while ((n = recv(echo->fd, bytes, sizeof(bytes), 0)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            assert_int_equal(bytes[i], echo_byte(echo->received + (size_t)i));
        echo->received += (size_t)n;
    }
    if (n < 0) {
        assert_int_equal(errno, EAGAIN);
        return;
    }
    assert_int_equal(gander_host_remove_descriptor(echo->host, echo->fd), GANDER_OK);
    echo->kernel_done = true;
    finish_if_done(echo);
}

static void kernel_ready(void *context, int fd, uint32_t events)
{
    struct echo *echo = context;
    int error = 0;
    socklen_t bytes = sizeof(error);

    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes), 0);
    assert_int_equal(error, 0);
    if (events & EPOLLOUT)
        kernel_write(echo);
    if (events & EPOLLIN)
        kernel_read(echo);
}

static void server_turn(struct echo *echo, gander_socket socket)
{
    int64_t n = 1;

    while (n > 0) {
        while (echo->held_bytes > 0) {
            n = gander_send(echo->stack, socket, echo->held, echo->held_bytes, 0);
            if (n == GANDER_EAGAIN)
                return;
            assert_true(n > 0);
            echo->held_bytes -= (size_t)n;
            memmove(echo->held, echo->held + n, echo->held_bytes);
        }
        n = gander_receive(echo->stack, socket, echo->held, sizeof(echo->held), 0);
        if (n > 0)
            echo->held_bytes = (size_t)n;
    }
    if (n == 0) {
        assert_int_equal(gander_close(echo->stack, socket), GANDER_OK);
        echo->stack_done = true;
        finish_if_done(echo);
    } else {
        assert_int_equal(n, GANDER_EAGAIN);
    }
}

static void stack_events(void *context, struct gander_stack *stack,
                         const struct gander_event *events, size_t n)
{
    struct echo *echo = context;
    gander_socket connection;

    for (size_t i = 0; i < n && !echo->stack_done; i++) {
        if (!(events[i].bits & GANDER_EVENT_ACCEPT))
            server_turn(echo, events[i].socket);
        else if (gander_accept(stack, events[i].socket, &connection, NULL) == GANDER_OK)
            server_turn(echo, connection);
    }
}

static void give_addresses(struct gander_driver *tun, struct gander_stack *stack, unsigned link)
{
    static const char *const kernel[2] = {"192.0.2.1", "2001:db8::1"};
    static const char *const own[2] = {"192.0.2.2", "2001:db8::2"};
    static const unsigned prefix_bits[2] = {24, 64};
    char error[GANDER_TUN_ERROR_BYTES] = "";
    struct gander_address address;

    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(gander_address_parse(kernel[i], &address), GANDER_OK);
        if (gander_tun_configure(tun, &address, prefix_bits[i], error, sizeof(error)) < 0)
            fail_msg("%s", error);
        assert_int_equal(gander_address_parse(own[i], &address), GANDER_OK);
        assert_int_equal(gander_address_add(stack, link, &address, prefix_bits[i]), GANDER_OK);
    }
}

static void listen_on_stack(struct gander_stack *stack)
{
    struct gander_address any = {.port = PORT};
    gander_socket listener;

    assert_int_equal(gander_open(stack, GANDER_TCP, &listener), GANDER_OK);
    assert_int_equal(gander_bind(stack, listener, &any), GANDER_OK);
    assert_int_equal(gander_listen(stack, listener, 4), GANDER_OK);
}

static int connect_from_kernel(bool ipv6)
{
    struct sockaddr_in to4 = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
    int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    inet_pton(AF_INET, "192.0.2.2", &to4.sin_addr);
    inet_pton(AF_INET6, "2001:db8::2", &to6.sin6_addr);
    assert_int_equal(ipv6 ? connect(fd, (struct sockaddr *)&to6, sizeof(to6))
                          : connect(fd, (struct sockaddr *)&to4, sizeof(to4)),
                     -1);
    assert_int_equal(errno, EINPROGRESS);
    return fd;
}

static void give_up(void *context, gander_time now)
{
    (void)now;
    gander_host_stop(context);
}

static void echo_once(struct fixture *f, bool ipv6, const struct gander_impairment *faults)
{
    struct gander_host_alarm too_long = {.fn = give_up};
    struct gander_driver *tun, *driver;
    struct echo *echo = calloc(1, sizeof(*echo));
    struct gander_link_config link_config;
    char error[GANDER_TUN_ERROR_BYTES] = "";
    unsigned link;

    echo->stack = f->stack;
    if (gander_tun_open(NULL, &tun, error, sizeof(error)) < 0)
        fail_msg("%s", error);
    link_config = (struct gander_link_config){tun->mtu_bytes, tun->flags};
    assert_int_equal(gander_link_add(f->stack, &link_config, &link), GANDER_OK);
    give_addresses(tun, f->stack, link);
    assert_int_equal(gander_impair_create(tun, f->stack, faults, faults, &driver), GANDER_OK);
    assert_int_equal(gander_host_create(&echo->host), GANDER_OK);
    assert_int_equal(gander_host_attach(echo->host, f->stack, link, driver), GANDER_OK);
    gander_host_on_events(echo->host, stack_events, echo);
    listen_on_stack(f->stack);
    echo->fd = connect_from_kernel(ipv6);
    assert_int_equal(
        gander_host_add_descriptor(echo->host, echo->fd, EPOLLIN | EPOLLOUT, kernel_ready, echo),
        GANDER_OK);
    too_long.context = echo->host;
    gander_host_set_alarm(echo->host, &too_long, gander_host_now() + 60 * GANDER_S);
    assert_int_equal(gander_host_run(echo->host), GANDER_OK);
    assert_int_equal(echo->sent, BYTES);
    assert_int_equal(echo->received, BYTES);
    assert_true(echo->kernel_done && echo->stack_done);
    close(echo->fd);
    gander_host_destroy(echo->host);
    gander_driver_close(driver);
    free(echo);
}

static void kernel_and_stack_talk_tcp(void **state)
{
    if (!allowed)
        skip();
    echo_once(*state, false, NULL);
}

static void kernel_and_stack_talk_tcp_over_ipv6(void **state)
{
    if (!allowed || access("/proc/net/if_inet6", F_OK) != 0)
        skip();
    echo_once(*state, true, NULL);
}

static void kernel_and_stack_talk_tcp_through_a_storm(void **state)
{
    const struct gander_impairment storm = {.seed = 4,
                                            .loss_ppm = 10000,
                                            .duplicate_ppm = 10000,
                                            .reorder_ppm = 20000,
                                            .corrupt_ppm = 10000,
                                            .delay_ns = GANDER_MS,
                                            .jitter_ns = GANDER_MS};

    if (!allowed)
        skip();
    echo_once(*state, false, &storm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(kernel_and_stack_talk_tcp),
        fixture_test(kernel_and_stack_talk_tcp_over_ipv6),
        fixture_test(kernel_and_stack_talk_tcp_through_a_storm),
    };

    allowed = unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
    if (!allowed)
        print_message("skipped: the kernel forbids network namespaces (%s)\n", strerror(errno));
    else if (access("/dev/net/tun", F_OK) != 0)
        print_message("skipped: there is no /dev/net/tun\n");
    allowed = allowed && access("/dev/net/tun", F_OK) == 0;
    return cmocka_run_group_tests_name("host_tun", tests, NULL, NULL);
}

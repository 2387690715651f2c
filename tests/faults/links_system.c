/* SPDX-License-Identifier: MIT */
/*
 * Each call of the system that the TUN driver and the host's loop make fails, with each error: this program has its own open,
 * ioctl, read, writev, … in place of the C library's. They pass on what is not theirs, play a TUN device over a pair of
 * sockets, so that no privilege is needed, and fail when told to. Not here: malloc of the drivers themselves.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <gander/host.h>
#include <gander/tun.h>

#include "unit/link_fixture.h"

enum { MTU = 30000, /* so large that its memory comes straight from the allocator */ FDS_MAX = 64 };

static const int errors[] = {EINTR, EAGAIN, ENOBUFS, ENOMEM, EIO, EPERM, EBUSY, ENODEV, EINVAL};
#define ERRORS (sizeof(errors) / sizeof(errors[0]))

/* The plan: the `at`-th call from now on fails; 0: none. `times`: so many in a row. */
static struct {
    unsigned calls, at, times;
    int error;
} plan;

static int tun_peer = -1;  /* the other end of the device */
static uint16_t asked_for; /* of netlink */

static bool fails(void)
{
    plan.calls++;
    if (plan.at == 0 || plan.calls < plan.at || plan.calls >= plan.at + plan.times)
        return false;
    errno = plan.error;
    return true;
}

static void plan_failure(unsigned at, int error, unsigned times)
{
    plan.calls = 0;
    plan.at = at;
    plan.error = error;
    plan.times = times;
}

/* --- the system's calls --------------------------------------------------------------------------- */

int open(const char *path, int flags, ...)
{
    int fds[2];

    if (strcmp(path, "/dev/net/tun") != 0)
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
    if (fails())
        return -1;
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
        return -1;
    tun_peer = fds[1];
    return fds[0];
}

int ioctl(int fd, unsigned long request, ...)
{
    struct ifreq *interface;
    va_list arguments;

    (void)fd;
    va_start(arguments, request);
    interface = va_arg(arguments, struct ifreq *);
    va_end(arguments);
    if (fails())
        return -1;
    if (request == TUNSETIFF)
        snprintf(interface->ifr_name, sizeof(interface->ifr_name), "tun7");
    else if (request == SIOCGIFMTU)
        interface->ifr_mtu = MTU;
    else if (request == SIOCGIFFLAGS)
        interface->ifr_flags = 0;
    return 0;
}

int socket(int domain, int type, int protocol)
{
    return fails() ? -1 : (int)syscall(SYS_socket, domain, type, protocol);
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    struct nlmsghdr header;

    (void)fd;
    (void)flags;
    if (fails())
        return -1;
    memcpy(&header, bytes, sizeof(header));
    asked_for = header.nlmsg_type;
    return (ssize_t)len;
}

/* The kernel says yes. */
ssize_t recv(int fd, void *bytes, size_t len, int flags)
{
    struct {
        struct nlmsghdr header;
        union {
            struct nlmsgerr error;
            struct rtmsg route;
        } body;
    } answer = {.header = {.nlmsg_type = NLMSG_ERROR}};

    (void)fd;
    (void)flags;
    if (fails())
        return -1;
    if (asked_for == RTM_GETROUTE) {
        answer.header.nlmsg_type = RTM_NEWROUTE;
        answer.body.route.rtm_type = RTN_LOCAL;
    }
    assert_true(len >= sizeof(answer));
    memcpy(bytes, &answer, sizeof(answer));
    return sizeof(answer);
}

ssize_t read(int fd, void *bytes, size_t len)
{
    return fails() ? -1 : syscall(SYS_read, fd, bytes, len);
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
    return fails() ? -1 : syscall(SYS_writev, fd, iov, n);
}

int epoll_create1(int flags)
{
    return fails() ? -1 : (int)syscall(SYS_epoll_create1, flags);
}

int epoll_ctl(int fd, int operation, int other, struct epoll_event *event)
{
    return fails() ? -1 : (int)syscall(SYS_epoll_ctl, fd, operation, other, event);
}

int epoll_pwait2(int fd, struct epoll_event *events, int max, const struct timespec *timeout,
                 const sigset_t *signals)
{
    return fails() ? -1 : (int)syscall(SYS_epoll_pwait2, fd, events, max, timeout, signals, 8);
}

int eventfd(unsigned count, int flags)
{
    return fails() ? -1 : (int)syscall(SYS_eventfd2, count, flags);
}

ssize_t getrandom(void *bytes, size_t len, unsigned flags)
{
    return fails() ? -1 : syscall(SYS_getrandom, bytes, len, flags);
}

/* --- what is common -------------------------------------------------------------------------------- */

static unsigned open_descriptors(void)
{
    unsigned n = 0;

    for (int fd = 0; fd < FDS_MAX; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void close_tun(struct gander_driver *driver)
{
    gander_driver_close(driver);
    if (tun_peer >= 0)
        close(tun_peer);
    tun_peer = -1;
}

static struct gander_driver *open_tun(void)
{
    struct gander_driver *driver;

    plan_failure(0, 0, 0);
    assert_int_equal(gander_tun_open("", &driver, NULL, 0), GANDER_OK);
    return driver;
}

/* Each call fails in turn, until all went well; `make` returns a GANDER_E… and cleans up behind itself. */
static void each_call(int (*make)(char *text), unsigned calls_at_least)
{
    for (size_t e = 0; e < ERRORS; e++) {
        unsigned at = 1;

        for (;; at++) {
            unsigned before = open_descriptors();
            char text[GANDER_TUN_ERROR_BYTES] = "";
            int result;

            plan_failure(at, errors[e], 1);
            result = make(text);
            if (result != GANDER_OK) {
                assert_int_equal(result, GANDER_EIO);
                assert_true(text[0] != '\0'); /* one line for people */
                assert_null(strchr(text, '\n'));
            }
            assert_int_equal(open_descriptors(), before);
            if (plan.calls < at)
                break;
        }
        assert_true(at > calls_at_least);
        plan_failure(0, 0, 0);
    }
}

/* --- TUN ------------------------------------------------------------------------------------------ */

static int make_tun(char *text)
{
    struct gander_driver *driver = NULL;
    int result = gander_tun_open("tun7", &driver, text, GANDER_TUN_ERROR_BYTES);

    if (result == GANDER_OK)
        assert_string_equal(gander_tun_name(driver), "tun7");
    close_tun(result == GANDER_OK ? driver : NULL);
    return result;
}

static void opening_a_device(void **state)
{
    (void)state;
    each_call(make_tun, 4); /* open, TUNSETIFF, socket, SIOCGIFMTU */
}

static int configure_tun(const char *ip, char *text)
{
    unsigned at = plan.at;
    int error = plan.error, result;
    struct gander_driver *driver = open_tun();
    struct gander_address address;

    assert_int_equal(gander_address_parse(ip, &address), GANDER_OK);
    plan_failure(at, error, 1);
    result = gander_tun_up(driver, 1400, text, GANDER_TUN_ERROR_BYTES);
    if (result == GANDER_OK)
        result = gander_tun_configure(driver, &address, 24, text, GANDER_TUN_ERROR_BYTES);
    close_tun(driver);
    return result;
}

static int configure_ip4(char *text)
{
    return configure_tun("192.0.2.1", text);
}

static int configure_ip6(char *text)
{
    return configure_tun("2001:db8::1", text);
}

static void configuring_a_device(void **state)
{
    (void)state;
    each_call(configure_ip4, 8);
    each_call(configure_ip6, 8);
}

/* A packet for the driver to receive. */
static ssize_t arrives(const char *text)
{
    return write(tun_peer, text, strlen(text));
}

/* An allocator that has its own idea of errno. */
static void free_and_fail(void *context, void *memory, size_t size)
{
    struct fixture *f = context;

    f->live_bytes -= size;
    free(memory);
    errno = EDOM;
}

static void receiving(void **state)
{
    struct fixture *f = *state;
    struct gander_config config;

    gander_config_init(&config);
    config.memory = (struct gander_memory){fixture_alloc, free_and_fail, f};
    gander_stack_destroy(f->stack);
    assert_int_equal(gander_stack_create(&config, &f->stack), GANDER_OK);

    for (size_t e = 0; e < ERRORS; e++) {
        struct gander_driver *driver = open_tun();
        struct gander_packet *packets[4];
        int n;

        assert_int_equal(arrives("first"), 5);
        plan_failure(1, errors[e], 1);
        n = gander_driver_receive(driver, f->stack, 0, packets, 4);
        if (errors[e] == EINTR) { /* again, at once */
            assert_int_equal(n, 1);
        } else {
            assert_int_equal(n, errors[e] == EAGAIN ? 0 : GANDER_EIO);
            n = gander_driver_receive(driver, f->stack, 0, packets, 4); /* nothing was lost */
            assert_int_equal(n, 1);
        }
        assert_int_equal(packets[0]->len, 5);
        gander_packet_free(packets[0]);
        assert_int_equal(driver->received_packets, 1);
        /* behind the first one: what came before it is not lost with it */
        assert_int_equal(arrives("second"), 6);
        plan_failure(2, errors[e], 1);
        assert_int_equal(gander_driver_receive(driver, f->stack, 0, packets, 4), 1);
        gander_packet_free(packets[0]);
        close_tun(driver);
    }
}

static bool is_full(int error)
{
    return error == EAGAIN || error == ENOBUFS || error == ENOMEM;
}

static void transmitting(void **state)
{
    struct fixture *f = *state;

    for (size_t e = 0; e < ERRORS; e++) {
        struct gander_driver *driver = open_tun();
        struct gander_packet *packets[3];
        int sent;

        for (unsigned i = 0; i < 3; i++)
            packets[i] = numbered_packet(f->stack, i, 100 + i);
        plan_failure(2, errors[e], 1);
        sent = gander_driver_transmit(driver, 0, packets, 3);
        if (is_full(errors[e]) || errors[e] == ENODEV) { /* the second one stays with its owner */
            assert_int_equal(sent, 1);
            assert_int_equal(gander_driver_transmit(driver, 0, packets + 1, 2), 2);
            assert_int_equal(driver->refused_packets, 0);
        } else {
            assert_int_equal(sent, 3);
            assert_int_equal(driver->refused_packets, errors[e] == EINTR ? 0 : 1);
        }
        assert_int_equal(driver->transmitted_packets + driver->refused_packets, 3);
        packets[0] = numbered_packet(f->stack, 0, 100);
        plan_failure(1, ENODEV, 1); /* none were taken, so that the answer can be an error */
        assert_int_equal(gander_driver_transmit(driver, 0, packets, 1), GANDER_EIO);
        gander_packet_free(packets[0]);
        close_tun(driver);
    }
}

/* No memory for a packet that waits: it is lost and counted, and the device goes quiet. */
static void receiving_without_memory(void **state)
{
    struct fixture *f = *state;
    struct gander_driver *driver = open_tun();
    struct gander_packet *held = NULL, *packet;

    while ((packet = gander_packet_alloc(f->stack, 16000)) != NULL) {
        packet->next = held;
        held = packet;
    }
    while ((packet = gander_packet_alloc(f->stack, MTU)) != NULL) {
        packet->next = held;
        held = packet;
    }
    assert_int_equal(arrives("first"), 5);
    assert_null(receive_one(driver, f->stack, 0));
    assert_int_equal(driver->refused_packets, 1);
    assert_null(receive_one(driver, f->stack, 0));
    for (size_t e = 0; e < ERRORS; e++) { /* and reading it away fails too */
        plan_failure(1, errors[e], 1);
        assert_int_equal(gander_driver_receive(driver, f->stack, 0, &packet, 1),
                         errors[e] == EINTR || errors[e] == EAGAIN ? 0 : GANDER_EIO);
    }
    plan_failure(0, 0, 0);
    while ((packet = held) != NULL) {
        held = packet->next;
        gander_packet_free(packet);
    }
    assert_int_equal(arrives("later"), 5);
    packet = receive_one(driver, f->stack, 0);
    assert_non_null(packet);
    gander_packet_free(packet);
    close_tun(driver);
}

/* --- the host's loop ---------------------------------------------------------------------------------- */

static void nothing(void *context, int fd, uint32_t events)
{
    (void)context;
    (void)fd;
    (void)events;
}

static struct gander_stack *loop_stack;

static int make_host(char *text)
{
    unsigned at = plan.at;
    int error = plan.error, result;
    struct gander_driver *driver = open_tun();
    struct gander_host *host = NULL;

    plan_failure(at, error, 1);
    result = gander_host_create(&host);
    if (result == GANDER_OK)
        result = gander_host_attach(host, loop_stack, 0, driver);
    if (result == GANDER_OK)
        result = gander_host_add_descriptor(host, tun_peer, EPOLLIN, nothing, NULL);
    if (result == GANDER_OK)
        result = gander_host_modify_descriptor(host, tun_peer, EPOLLOUT);
    if (result == GANDER_OK)
        result = gander_host_run_once(host, 0);
    if (result != GANDER_OK)
        snprintf(text, GANDER_TUN_ERROR_BYTES, "as expected");
    plan.at = 0;
    gander_host_destroy(host);
    close_tun(driver);
    plan.at = at;
    return result;
}

static void the_loop(void **state)
{
    struct fixture *f = *state;

    loop_stack = f->stack;
    each_call(make_host, 7);
}

/* An old kernel: the other call does. */
static void sleeping_without_pwait2(void **state)
{
    struct gander_host *host;
    gander_time before;

    (void)state;
    plan_failure(0, 0, 0);
    assert_int_equal(gander_host_create(&host), GANDER_OK);
    plan_failure(1, ENOSYS, 1000);
    before = gander_host_now();
    assert_int_equal(gander_host_run_once(host, 20 * GANDER_MS), GANDER_OK);
    assert_in_range(gander_host_now() - before, 20 * GANDER_MS, 5 * GANDER_S);
    plan_failure(0, 0, 0);
    gander_host_destroy(host);
}

static void no_entropy(void **state)
{
    struct gander_config config;

    (void)state;
    plan_failure(1, EINTR, 3);
    assert_int_equal(gander_host_config(&config), GANDER_OK);
    plan_failure(1, EIO, 1);
    assert_int_equal(gander_host_config(&config), GANDER_EIO);
    plan_failure(0, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_a_device),
        cmocka_unit_test(configuring_a_device),
        fixture_test(receiving),
        fixture_test(transmitting),
        fixture_test(receiving_without_memory),
        fixture_test(the_loop),
        cmocka_unit_test(sleeping_without_pwait2),
        cmocka_unit_test(no_entropy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

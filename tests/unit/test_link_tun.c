/* SPDX-License-Identifier: MIT */
/*
 * The TUN driver against the kernel, in a network namespace of this process's own: datagrams both
 * ways over IPv4 and IPv6, and every error that a user can meet, with its text.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gander/tun.h>

#include "unit/link_fixture.h"

static bool allowed; /* to have a namespace and TUN devices in it */

#define SKIP_UNLESS_ALLOWED()                                                                      \
    do {                                                                                           \
        if (!allowed)                                                                              \
            skip();                                                                                \
    } while (0)

static struct gander_address address(const char *text)
{
    struct gander_address a;

    assert_int_equal(gander_address_parse(text, &a), GANDER_OK);
    return a;
}

static struct gander_driver *open_tun(const char *name)
{
    char error[GANDER_TUN_ERROR_BYTES] = "";
    struct gander_driver *driver = NULL;
    int result = gander_tun_open(name, &driver, error, sizeof(error));

    if (result < 0)
        fail_msg("%s", error);
    return driver;
}

static void configure(struct gander_driver *driver, const char *ip, unsigned prefix_bits)
{
    char error[GANDER_TUN_ERROR_BYTES] = "";
    struct gander_address a = address(ip);

    if (gander_tun_configure(driver, &a, prefix_bits, error, sizeof(error)) < 0)
        fail_msg("%s", error);
}

/* The next UDP packet of a family: the kernel also says other things on a new interface. */
static struct gander_packet *next_udp(struct gander_driver *driver, struct gander_stack *stack,
                                      unsigned version)
{
    struct pollfd ready = {.fd = gander_driver_descriptor(driver), .events = POLLIN};

    for (;;) {
        struct gander_packet *packet = receive_one(driver, stack, 0);
        uint8_t protocol;

        if (!packet) {
            assert_int_equal(poll(&ready, 1, 5000), 1);
            continue;
        }
        protocol = packet->frag[0].data[version == 4 ? 9 : 6];
        if (packet->frag[0].data[0] >> 4 == version && protocol == IPPROTO_UDP)
            return packet;
        gander_packet_free(packet);
    }
}

/* A socket of the kernel's on a port, connected to the stack's side. */
static int kernel_socket(int family, const char *local, const char *peer)
{
    struct sockaddr_storage from = {0}, to = {0};
    socklen_t bytes = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    int fd = socket(family, SOCK_DGRAM, 0);

    from.ss_family = to.ss_family = (sa_family_t)family;
    if (family == AF_INET) {
        inet_pton(family, local, &((struct sockaddr_in *)&from)->sin_addr);
        inet_pton(family, peer, &((struct sockaddr_in *)&to)->sin_addr);
    } else {
        inet_pton(family, local, &((struct sockaddr_in6 *)&from)->sin6_addr);
        inet_pton(family, peer, &((struct sockaddr_in6 *)&to)->sin6_addr);
    }
    /* The port is at the same place in both. */
    ((struct sockaddr_in *)&from)->sin_port = htons(7001);
    ((struct sockaddr_in *)&to)->sin_port = htons(7002);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, bytes), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, bytes), 0);
    return fd;
}

static void swap_bytes(uint8_t *a, uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t kept = a[i];

        a[i] = b[i];
        b[i] = kept;
    }
}

/* Sends it back: addresses and ports change sides, and no checksum changes with that. In two frags,
 * as stacks send. */
static void send_back(struct gander_driver *driver, struct gander_packet *packet, unsigned version)
{
    uint8_t *ip = packet->frag[0].data;
    uint8_t *udp = ip + (version == 4 ? 20 : 40);

    if (version == 4)
        swap_bytes(ip + 12, ip + 16, 4);
    else
        swap_bytes(ip + 8, ip + 24, 16);
    swap_bytes(udp, udp + 2, 2);
    send_one(driver, 0, packet);
}

static void echo_once(struct fixture *f, struct gander_driver *driver, int family,
                      const char *kernel_ip, const char *stack_ip)
{
    unsigned version = family == AF_INET ? 4 : 6;
    int fd = kernel_socket(family, kernel_ip, stack_ip);
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    struct gander_packet *packet;
    char text[16];

    assert_int_equal(send(fd, "wild goose", 10, 0), 10);
    packet = next_udp(driver, f->stack, version);
    assert_int_equal(packet->len, (version == 4 ? 20 : 40) + 8 + 10);
    assert_memory_equal(packet->frag[0].data + packet->len - 10, "wild goose", 10);
    send_back(driver, packet, version);
    assert_int_equal(poll(&ready, 1, 5000), 1);
    assert_int_equal(recv(fd, text, sizeof(text), 0), 10);
    assert_memory_equal(text, "wild goose", 10);
    close(fd);
}

static void kernel_and_driver_exchange_datagrams(void **state)
{
    struct fixture *f = *state;
    struct gander_driver *driver;

    SKIP_UNLESS_ALLOWED();
    driver = open_tun("gander-test");
    assert_string_equal(gander_tun_name(driver), "gander-test");
    assert_int_equal(driver->mtu_bytes, 1500);
    configure(driver, "192.0.2.1", 24);
    configure(driver, "192.0.2.1", 24); /* again: no error */
    echo_once(f, driver, AF_INET, "192.0.2.1", "192.0.2.2");
    if (access("/proc/net/if_inet6", F_OK) == 0) {
        configure(driver, "2001:db8::1", 64);
        echo_once(f, driver, AF_INET6, "2001:db8::1", "2001:db8::2");
    } else {
        print_message("skipped: this kernel has no IPv6\n");
    }
    assert_true(driver->received_packets >= 1 && driver->transmitted_packets >= 1);
    assert_null(receive_one(driver, f->stack, 0)); /* drained: not blocking */
    gander_driver_close(driver);
    assert_int_equal(if_nametoindex("gander-test"), 0); /* gone with its driver */
}

static void mtu_is_set_and_kept(void **state)
{
    struct gander_driver *driver;
    char error[GANDER_TUN_ERROR_BYTES] = "";

    (void)state;
    SKIP_UNLESS_ALLOWED();
    driver = open_tun(NULL);
    assert_true(strncmp(gander_tun_name(driver), "tun", 3) == 0);
    assert_int_equal(gander_tun_up(driver, 9000, error, sizeof(error)), GANDER_OK);
    assert_int_equal(driver->mtu_bytes, 9000);
    assert_int_equal(gander_tun_up(driver, 0, error, sizeof(error)), GANDER_OK);
    assert_int_equal(driver->mtu_bytes, 9000);
    assert_int_equal(gander_tun_up(driver, 575, error, sizeof(error)), GANDER_EINVAL);
    assert_string_equal(error, "MTU 575: choose 576 to 65535");
    gander_driver_close(driver);
}

static struct gander_packet *packet_of_version(struct gander_stack *stack, unsigned version)
{
    struct gander_packet *packet = numbered_packet(stack, 0, 40);

    packet->frag[0].data[0] = (uint8_t)(version << 4 | 5);
    return packet;
}

/* What the kernel refuses for good is counted and gone; the rest passes. */
static void refused_packets_do_not_stop_others(void **state)
{
    struct fixture *f = *state;
    struct gander_driver *driver;

    SKIP_UNLESS_ALLOWED();
    driver = open_tun(NULL);
    send_one(driver, 0, packet_of_version(f->stack, 4)); /* the interface is down */
    assert_int_equal(driver->refused_packets, 1);
    assert_int_equal(gander_tun_up(driver, 0, NULL, 0), GANDER_OK);
    send_one(driver, 0, packet_of_version(f->stack, 15));
    assert_int_equal(driver->refused_packets, 2);
    send_one(driver, 0, packet_of_version(f->stack, 4));
    assert_int_equal(driver->transmitted_packets, 1);
    gander_driver_close(driver);
}

static void names_are_checked(void **state)
{
    char error[GANDER_TUN_ERROR_BYTES];
    struct gander_driver *driver, *again;

    (void)state;
    assert_int_equal(gander_tun_open("sixteen-chars-xx", &driver, error, sizeof(error)),
                     GANDER_EINVAL);
    assert_non_null(strstr(error, "at most 15 characters"));
    assert_int_equal(gander_tun_open("a/b", &driver, NULL, 0), GANDER_EINVAL);
    assert_int_equal(gander_tun_open("a b", &driver, error, 8), GANDER_EINVAL);
    assert_int_equal(strlen(error), 7);
    assert_string_equal(gander_tun_name(NULL), "");
    SKIP_UNLESS_ALLOWED();
    assert_int_equal(gander_tun_open("lo", &driver, error, sizeof(error)), GANDER_EIO);
    assert_string_equal(error, "interface lo exists and is no TUN device: choose another name");
    driver = open_tun("twice");
    assert_int_equal(gander_tun_open("twice", &again, error, sizeof(error)), GANDER_EIO);
    assert_non_null(strstr(error, "in use by another program"));
    gander_driver_close(driver);
}

static void addresses_are_checked(void **state)
{
    char error[GANDER_TUN_ERROR_BYTES];
    struct gander_driver *driver;
    struct gander_address a;

    (void)state;
    SKIP_UNLESS_ALLOWED();
    driver = open_tun(NULL);
    a = address("192.0.2.1");
    assert_int_equal(gander_tun_configure(driver, &a, 33, error, sizeof(error)), GANDER_EINVAL);
    assert_string_equal(error, "prefix length 33: choose at most 32");
    a.family = 0;
    assert_int_equal(gander_tun_configure(driver, &a, 8, error, sizeof(error)), GANDER_EINVAL);
    gander_driver_close(driver);
}

/* In a child that has given up its privileges. The device itself may be openable all the same. */
static int without_privileges(struct gander_driver *driver)
{
    char error[GANDER_TUN_ERROR_BYTES] = "";
    struct gander_address a = {.family = GANDER_IPV4, .ip = {192, 0, 2, 1}};
    struct gander_driver *other;

    if (setresgid(1, 1, 1) != 0 || setresuid(1, 1, 1) != 0)
        return 77;
    if (gander_tun_open("forbidden", &other, error, sizeof(error)) != GANDER_EIO)
        return 1;
    if (!strstr(error, "no permission to") || !strstr(error, "root"))
        return 2;
    if (gander_tun_up(driver, 1400, error, sizeof(error)) != GANDER_EIO)
        return 3;
    if (!strstr(error, "no permission to set the MTU of "))
        return 4;
    if (gander_tun_configure(driver, &a, 24, error, sizeof(error)) != GANDER_EIO)
        return 5;
    return strstr(error, "CAP_NET_ADMIN") ? 0 : 6;
}

static void missing_permission_is_explained(void **state)
{
    struct gander_driver *driver;
    int status;
    pid_t child;

    (void)state;
    SKIP_UNLESS_ALLOWED();
    driver = open_tun(NULL);
    child = fork();
    if (child == 0)
        _exit(without_privileges(driver));
    assert_int_equal(waitpid(child, &status, 0), child);
    gander_driver_close(driver);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("skipped: no second user in this namespace\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static bool enter_namespace(void)
{
    struct gander_driver *driver;
    char error[GANDER_TUN_ERROR_BYTES] = "";

    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
        print_message("skipped: the kernel forbids network namespaces (%s)\n", strerror(errno));
        return false;
    }
    if (gander_tun_open(NULL, &driver, error, sizeof(error)) < 0) {
        print_message("skipped: %s\n", error);
        return false;
    }
    gander_driver_close(driver);
    return true;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(kernel_and_driver_exchange_datagrams),
        fixture_test(mtu_is_set_and_kept),
        fixture_test(refused_packets_do_not_stop_others),
        fixture_test(names_are_checked),
        fixture_test(addresses_are_checked),
        fixture_test(missing_permission_is_explained),
    };

    allowed = enter_namespace();
    return cmocka_run_group_tests_name("link_tun", tests, NULL, NULL);
}

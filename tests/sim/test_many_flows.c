/* SPDX-License-Identifier: MIT */
/*
 * More flows than the near caches hold: from FLOWS_MANY on (src/tcp/flow.c), the stack guesses a burst's flows ahead and hashes and
 * fetches for them. The guess must change nothing: each byte arrives on its own connection, over IPv4 and IPv6, and packets that
 * are no TCP pass in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <gander/gander.h>
#include <gander/host.h>

enum { FLOWS = 34000, PORTS = 2, BURST = 64, BATCH = 500 };

static struct gander_stack *host(const char *address, uint8_t secret)
{
    struct gander_stack *stack;
    struct gander_config config;
    struct gander_address ip;
    unsigned link;

    gander_config_init(&config);
    gander_host_memory(&config.memory);
    config.memory_max_bytes = 1U << 30;
    memset(config.secret, secret, sizeof(config.secret));
    assert_int_equal(gander_stack_create(&config, &stack), 0);
    assert_int_equal(gander_link_add(stack, &(struct gander_link_config){.mtu_bytes = 1500}, &link),
                     0);
    assert_int_equal(gander_address_parse(address, &ip), 0);
    assert_int_equal(gander_address_add(stack, link, &ip, ip.family == GANDER_IPV4 ? 24 : 64), 0);
    return stack;
}

static bool carry_once(struct gander_stack *from, struct gander_stack *to)
{
    struct gander_packet *packets[BURST];
    size_t n = gander_output(from, 0, packets, BURST);

    gander_input(to, 0, packets, n);
    return n > 0;
}

static void carry(struct gander_stack *a, struct gander_stack *b)
{
    bool moved = true;

    while (moved) {
        moved = carry_once(a, b);
        moved = carry_once(b, a) || moved;
    }
}

static gander_socket listen_at(struct gander_stack *stack, const struct gander_address *at)
{
    gander_socket socket;

    assert_int_equal(gander_open(stack, GANDER_TCP, &socket), 0);
    assert_int_equal(gander_bind(stack, socket, at), 0);
    assert_int_equal(gander_listen(stack, socket, BATCH), 0);
    return socket;
}

/* The accepted ends of a batch, which come in any order, each to its client: known by its port. */
static void accept_batch(struct gander_stack *client, struct gander_stack *server,
                         gander_socket listener, const gander_socket *clients,
                         gander_socket *servers)
{
    static uint16_t index_of[65536];
    struct gander_address address;
    gander_socket socket;

    for (uint16_t k = 0; k < BATCH; k++) {
        assert_int_equal(gander_local_address(client, clients[k], &address), 0);
        index_of[address.port] = k;
    }
    for (unsigned k = 0; k < BATCH; k++) {
        assert_int_equal(gander_accept(server, listener, &socket, &address), 0);
        servers[index_of[address.port]] = socket;
    }
}

/* Opens all connections, a batch at a time; clients[i] and servers[i] are the two ends of one. */
static void open_all(struct gander_stack *client, struct gander_stack *server,
                     struct gander_address at, gander_socket *clients, gander_socket *servers)
{
    for (unsigned p = 0; p < PORTS; p++, at.port++) {
        gander_socket listener = listen_at(server, &at);

        for (unsigned i = 0; i < FLOWS / PORTS; i++, clients++) {
            assert_int_equal(gander_open(client, GANDER_TCP, clients), 0);
            assert_int_equal(gander_connect(client, *clients, &at), 0);
            if (i % BATCH != BATCH - 1)
                continue;
            carry(client, server);
            accept_batch(client, server, listener, clients + 1 - BATCH, servers);
            servers += BATCH;
        }
    }
}

/* A number of its own on each connection, with a datagram to nobody in between. */
static void talk(struct gander_stack *client, struct gander_stack *server,
                 const struct gander_address *at, const gander_socket *clients,
                 const gander_socket *servers)
{
    struct gander_datagram datagram = {.peer = *at};
    gander_socket udp;
    uint32_t number;

    assert_int_equal(gander_open(client, GANDER_UDP, &udp), 0);
    for (uint32_t i = 0; i < FLOWS; i++) {
        assert_int_equal(gander_send(client, clients[i], &i, sizeof(i), 0), sizeof(i));
        if (i % 100 == 0)
            gander_send_to(client, udp, &i, sizeof(i), &datagram);
        if (i % BATCH == BATCH - 1)
            carry(client, server);
    }
    for (uint32_t i = 0; i < FLOWS; i++) {
        assert_int_equal(gander_receive(server, servers[i], &number, sizeof(number), 0),
                         sizeof(number));
        assert_int_equal(number, i);
    }
}

static void all_bytes_find_their_connection(const char *address_client, const char *address_server)
{
    struct gander_stack *client = host(address_client, 1), *server = host(address_server, 2);
    gander_socket *clients = calloc(FLOWS, sizeof(*clients));
    gander_socket *servers = calloc(FLOWS, sizeof(*servers));
    struct gander_address at;
    struct gander_stats stats;

    assert_true(clients && servers);
    assert_int_equal(gander_address_parse(address_server, &at), 0);
    at.port = 7000;
    open_all(client, server, at, clients, servers);
    gander_stats(server, &stats);
    assert_int_equal(stats.tcp_connections, FLOWS);
    talk(client, server, &at, clients, servers);
    gander_stats(server, &stats);
    assert_int_equal(stats.drops[GANDER_DROP_udp_no_socket], FLOWS / 100);
    assert_int_equal(stats.drops[GANDER_DROP_tcp_no_connection], 0);
    gander_stack_destroy(client);
    gander_stack_destroy(server);
    free(clients);
    free(servers);
}

static void test_ipv4(void **state)
{
    (void)state;
    all_bytes_find_their_connection("192.0.2.1", "192.0.2.2");
}

static void test_ipv6(void **state)
{
    (void)state;
    all_bytes_find_their_connection("2001:db8::1", "2001:db8::2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ipv4),
        cmocka_unit_test(test_ipv6),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

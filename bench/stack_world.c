/* SPDX-License-Identifier: MIT */
/* Two stacks in memory: making them, connecting through them, idle connections beside. */
#include "stack_world.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TURNS_MAX = 64, IDLE_BATCH = 512 };

static struct gander_address address(uint8_t net, uint8_t host, uint16_t port)
{
    return (struct gander_address){.family = GANDER_IPV4, .port = port, .ip = {10, 0, net, host}};
}

static int stack_open(struct world *world, struct bench_memory *memory, uint8_t net,
                      uint8_t addresses, struct gander_stack **stack)
{
    struct gander_link_config link = {.mtu_bytes = BENCH_MTU_BYTES, .flags = 0};
    struct gander_config config;
    unsigned number;
    int error;

    gander_config_init(&config);
    config.memory = bench_memory_hooks(memory);
    config.memory_max_bytes = (uint64_t)8 << 30;
    config.tcp_send_buffer_bytes = world->window_bytes;
    config.tcp_receive_buffer_bytes = world->window_bytes;
    memset(config.secret, 0x40 + net, sizeof(config.secret));
    error = gander_stack_create(&config, stack);
    if (!error)
        error = gander_link_add(*stack, &link, &number);
    for (uint8_t host = 1; !error && host <= addresses; host++) {
        struct gander_address own = address(net, host, 0);

        error = gander_address_add(*stack, number, &own, 8);
    }
    return error;
}

static int listeners_open(struct world *world)
{
    int error = 0;

    for (int i = 0; !error && i < BENCH_PORTS; i++) {
        struct gander_address any = {.family = GANDER_IPV4,
                                     .port = (uint16_t)(BENCH_FIRST_PORT + i)};
        gander_socket *listener = &world->listeners[i];

        error = gander_open(world->server, GANDER_TCP, listener);
        if (!error)
            error = gander_bind(world->server, *listener, &any);
        if (!error)
            error = gander_listen(world->server, *listener, 2 * IDLE_BATCH);
    }
    return error;
}

bool world_open(struct world *world, uint32_t window_bytes)
{
    int error;

    *world = (struct world){.window_bytes = window_bytes ? window_bytes : WORLD_WINDOW_BYTES,
                            .origin_ns = bench_now_ns(),
                            .idle_bytes_per_end = NAN};
    error = stack_open(world, &world->client_memory, 0, 1, &world->client);
    if (!error)
        error = stack_open(world, &world->server_memory, 1, SERVER_ADDRESSES, &world->server);
    if (!error)
        error = listeners_open(world);
    if (error)
        snprintf(world->note, sizeof(world->note), "gander: cannot set up: %s",
                 gander_strerror(error));
    return !error;
}

void world_close(struct world *world)
{
    gander_stack_destroy(world->client);
    gander_stack_destroy(world->server);
    world->client = world->server = NULL;
    bench_memory_end(&world->client_memory);
    bench_memory_end(&world->server_memory);
}

void world_clock(struct world *world)
{
    gander_time now = bench_now_ns() - world->origin_ns + world->skipped_ns;

    gander_advance(world->client, now);
    gander_advance(world->server, now);
}

/* Both directions until nothing moves; bounded, since a stack with a fault might never be quiet. */
static void settle(struct world *world)
{
    for (int i = 0; i < TURNS_MAX; i++) {
        size_t n;

        world_clock(world);
        n = world_burst(world->client, world->server);
        n += world_burst(world->server, world->client);
        if (!n)
            return;
    }
}

bool world_start(struct world *world, bool spread, int count, gander_socket *clients,
                 struct bench_figure *figure)
{
    uint32_t turn = ++world->turn;
    uint8_t host = spread ? (uint8_t)(1 + turn / BENCH_PORTS % SERVER_ADDRESSES) : 1;
    struct gander_address to = address(1, host, (uint16_t)(BENCH_FIRST_PORT + turn % BENCH_PORTS));

    for (int i = 0; i < count; i++) {
        int error = gander_open(world->client, GANDER_TCP, &clients[i]);

        if (!error)
            error = gander_connect(world->client, clients[i], &to);
        if (error) {
            figure_fail(figure, "gander: connect: %s", gander_strerror(error));
            return false;
        }
    }
    world_clock(world);
    world_carry(world->client, world->server);
    world_carry(world->server, world->client);
    return true;
}

bool world_accept(struct world *world, int count, gander_socket *servers,
                  struct bench_figure *figure)
{
    gander_socket listener = world->listeners[world->turn % BENCH_PORTS];
    int accepted = 0, error = GANDER_EAGAIN;

    world_carry(world->client, world->server);
    for (int i = 0; i < TURNS_MAX; i++) {
        while (accepted < count) {
            error = gander_accept(world->server, listener, &servers[accepted], NULL);
            if (error)
                break;
            accepted++;
        }
        if (accepted == count)
            return true;
        settle(world);
    }
    figure_fail(figure, "gander: accept: %s", gander_strerror(error));
    return false;
}

bool world_connect(struct world *world, bool spread, int count, gander_socket *clients,
                   gander_socket *servers, struct bench_figure *figure)
{
    return world_start(world, spread, count, clients, figure) &&
           world_accept(world, count, servers, figure);
}

/* One byte on each of a batch; returns how many arrived. */
static int pass_bytes(struct gander_stack *from, struct gander_stack *to,
                      const gander_socket *senders, const gander_socket *receivers, int count)
{
    int arrived = 0;
    char byte = 'i';

    for (int i = 0; i < count; i++)
        gander_send(from, senders[i], &byte, 1, 0);
    world_carry(from, to);
    for (int i = 0; i < count; i++)
        arrived += gander_receive(to, receivers[i], &byte, 1, 0) == 1;
    return arrived;
}

/* A minute without traffic: delayed ACKs go out, and working memory comes back. */
static void let_time_pass(struct world *world)
{
    for (int i = 0; i < 60; i++) {
        world->skipped_ns += GANDER_S;
        do {
            settle(world);
        } while (gander_deadline(world->client) <= gander_now(world->client) ||
                 gander_deadline(world->server) <= gander_now(world->server));
    }
}

bool world_idle_add(struct world *world, uint32_t idle, void (*progress)(uint32_t done))
{
    static gander_socket clients[IDLE_BATCH], servers[IDLE_BATCH];
    struct bench_figure figure = {0};
    uint64_t client_bytes, server_bytes;

    let_time_pass(world);
    client_bytes = world->client_memory.held_bytes;
    server_bytes = world->server_memory.held_bytes;
    while (world->idle < idle) {
        int n = idle - world->idle < IDLE_BATCH ? (int)(idle - world->idle) : IDLE_BATCH;

        if (!world_connect(world, true, n, clients, servers, &figure) ||
            pass_bytes(world->client, world->server, clients, servers, n) != n ||
            pass_bytes(world->server, world->client, servers, clients, n) != n) {
            snprintf(world->note, sizeof(world->note), "gander: %u idle connections, then %.200s",
                     world->idle, figure.note[0] ? figure.note : "a byte did not arrive");
            return false;
        }
        world->idle += (uint32_t)n;
        if (world->idle % (64 * IDLE_BATCH) == 0)
            progress(world->idle);
    }
    let_time_pass(world);
    client_bytes = world->client_memory.held_bytes - client_bytes;
    server_bytes = world->server_memory.held_bytes - server_bytes;
    world->idle_bytes_per_end =
        (double)(client_bytes > server_bytes ? client_bytes : server_bytes) / idle;
    return true;
}

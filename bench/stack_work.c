/* SPDX-License-Identifier: MIT */
/*
 * The bench's work on gander: bulk, short connections, ping-pong. As on the kernel's side one thread plays both applications
 * and knows whose turn it is, so events aren't asked for. A turn reads the clock once, tells both stacks, and
 * carries packets both ways.
 */
#include "stack_world.h"

#include <math.h>
#include <string.h>

/* Fills the send buffer, carries one burst, reads all that arrived, carries the ACKs back. */
static bool bulk_turn(struct world *world, gander_socket from, gander_socket to, uint64_t *received)
{
    static uint8_t out[BENCH_CHUNK_BYTES], in[BENCH_CHUNK_BYTES];
    int64_t n;

    do {
        n = gander_send(world->client, from, out, sizeof(out), 0);
    } while (n > 0);
    if (n != GANDER_EAGAIN)
        return false;
    world_clock(world);
    world_burst(world->client, world->server);
    while ((n = gander_receive(world->server, to, in, sizeof(in), 0)) > 0)
        *received += (uint64_t)n;
    world_carry(world->server, world->client);
    return n == GANDER_EAGAIN;
}

static void bulk(struct world *world, double seconds, struct bench_figure *figure)
{
    gander_socket client, server;
    struct stopwatch watch;
    uint64_t received = 0;
    bool ok = true;

    if (!world_connect(world, false, 1, &client, &server, figure))
        return;
    stopwatch_start(&watch, seconds);
    while (ok && stopwatch_on(&watch, bench_now_ns(), received))
        ok = bulk_turn(world, client, server, &received);
    if (ok && received)
        stopwatch_figure(&watch, 8e-9, figure);
    else
        figure_fail(figure, "gander: bulk: the connection broke after %llu bytes",
                    (unsigned long long)received);
    gander_abort(world->client, client);
    world_carry(world->client, world->server);
    gander_close(world->server, server);
}

static bool pass_byte(struct gander_stack *from, struct gander_stack *to, gander_socket sender,
                      gander_socket receiver)
{
    char byte = 'x';

    if (gander_send(from, sender, &byte, 1, 0) != 1)
        return false;
    world_carry(from, to);
    return gander_receive(to, receiver, &byte, 1, 0) == 1;
}

static void pingpong(struct world *world, double seconds, struct bench_figure *figure)
{
    gander_socket client, server;
    struct stopwatch watch;
    uint64_t trips = 0;
    bool ok = true;

    if (!world_connect(world, false, 1, &client, &server, figure))
        return;
    gander_set_option(world->client, client, GANDER_OPTION_NODELAY, 1);
    gander_set_option(world->server, server, GANDER_OPTION_NODELAY, 1);
    stopwatch_start(&watch, seconds);
    while (ok && stopwatch_on(&watch, bench_now_ns(), trips)) {
        for (int i = 0; ok && i < 16; i++, trips++) {
            world_clock(world);
            ok = pass_byte(world->client, world->server, client, server) &&
                 pass_byte(world->server, world->client, server, client);
        }
    }
    if (ok)
        stopwatch_figure(&watch, 1, figure);
    else
        figure_fail(figure, "gander: ping-pong: no byte came after %llu round trips",
                    (unsigned long long)trips);
    gander_abort(world->client, client);
    world_carry(world->client, world->server);
    gander_close(world->server, server);
}

/* Reads exactly `want` (0: the end of the stream), then sends a byte or closes. */
static bool answer(struct gander_stack *stack, gander_socket socket, int want, bool close)
{
    char byte;

    if (gander_receive(stack, socket, &byte, 1, 0) != want)
        return false;
    if (close)
        return gander_close(stack, socket) == 0;
    return gander_send(stack, socket, &byte, 1, 0) == 1;
}

/* Connections from SYN to TIME-WAIT. */
static bool connections_turn(struct world *world, struct bench_figure *figure)
{
    gander_socket clients[BENCH_CONCURRENT], servers[BENCH_CONCURRENT];
    int good = 0;

    if (!world_start(world, false, BENCH_CONCURRENT, clients, figure))
        return false;
    for (int i = 0; i < BENCH_CONCURRENT; i++)
        good += gander_send(world->client, clients[i], "x", 1, 0) == 1;
    if (!world_accept(world, BENCH_CONCURRENT, servers, figure))
        return false;
    for (int i = 0; i < BENCH_CONCURRENT; i++)
        good += answer(world->server, servers[i], 1, false);
    world_carry(world->server, world->client);
    for (int i = 0; i < BENCH_CONCURRENT; i++)
        good += answer(world->client, clients[i], 1, true);
    world_carry(world->client, world->server);
    for (int i = 0; i < BENCH_CONCURRENT; i++)
        good += answer(world->server, servers[i], 0, true);
    world_carry(world->server, world->client);
    world_carry(world->client, world->server);
    if (good != 4 * BENCH_CONCURRENT)
        figure_fail(figure, "gander: connections: %d of %d steps", good, 4 * BENCH_CONCURRENT);
    return good == 4 * BENCH_CONCURRENT;
}

static void connections(struct world *world, double seconds, struct bench_figure *figure)
{
    struct stopwatch watch;
    uint64_t done = 0;
    bool ok = true;

    stopwatch_start(&watch, seconds);
    while (ok && stopwatch_on(&watch, bench_now_ns(), done)) {
        ok = connections_turn(world, figure);
        done += BENCH_CONCURRENT;
    }
    if (ok)
        stopwatch_figure(&watch, 1, figure);
}

void world_run(struct world *world, const struct bench_case *c, double seconds,
               struct bench_figure *figure)
{
    *figure = (struct bench_figure){.value = NAN, .cpu_share = NAN};
    if (world->note[0]) {
        figure_fail(figure, "%s", world->note);
        return;
    }
    switch (c->kind) {
    case BENCH_BULK:
        bulk(world, seconds, figure);
        break;
    case BENCH_CONNECTIONS:
        connections(world, seconds, figure);
        break;
    case BENCH_PINGPONG:
        pingpong(world, seconds, figure);
        break;
    case BENCH_MEMORY:
        figure->value = world->idle_bytes_per_end;
        break;
    }
}

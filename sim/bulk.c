/* SPDX-License-Identifier: MIT */
/*
 * Bulk transfer both ways, byte-exact. Each end is a `struct side` that does what it can whenever
 * an event comes: write until the buffer is full, half-close behind the last byte, read until
 * nothing is there, close after the peer's end of stream. Lengths of reads and writes are drawn, so
 * that packet and buffer borders fall everywhere.
 */
#include "sim/bulk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_MAX_BYTES = 16384, CONNECTIONS_MAX = 1024 };

/* One end of one connection. */
struct side {
    struct sim_bulk *bulk;
    struct sim_host *host;
    gander_socket socket;     /* 0: not open (yet, any more) */
    uint64_t key_out, key_in; /* of the streams */
    uint64_t sent, to_send;
    uint64_t received, to_receive;
    uint64_t until_pause; /* bytes to read before the next rest */
    bool end_sent, end_seen, paused, done;
    bool retrying;
    struct sim_alarm rest_over, retry;
};

struct sim_bulk {
    struct sim_world *world;
    struct sim_bulk_config config;
    gander_socket listener;
    struct side *sides; /* connections × (client, server) */
    unsigned accepted, done;
    uint64_t received;
    uint64_t draws;
    bool ended;
    char error[160];
    uint8_t chunk[CHUNK_MAX_BYTES];
};

static uint64_t scramble(uint64_t x)
{
    x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 29)) * 0xbf58476d1ce4e5b9u;
    return x ^ (x >> 32);
}

static size_t draw_length(struct sim_bulk *bulk)
{
    uint64_t x = scramble(++bulk->draws ^ bulk->config.seed);

    /* Small ones as often as large ones. */
    return 1 + (size_t)((x >> 8) % (1u << (x % 15)));
}

static uint8_t stream_byte(uint64_t key, uint64_t at)
{
    return (uint8_t)(scramble(key + at / 8) >> (at % 8 * 8));
}

static void went_wrong(struct side *side, const char *what, int64_t detail)
{
    struct sim_bulk *bulk = side->bulk;

    if (bulk->error[0] == '\0')
        (void)snprintf(bulk->error, sizeof(bulk->error),
                       "%s: %s (%" PRId64 "), %" PRIu64 " of %" PRIu64 " bytes sent, %" PRIu64
                       " of %" PRIu64 " received",
                       side->host->name, what, detail, side->sent, side->to_send, side->received,
                       side->to_receive);
}

static void side_turn(struct side *side);

static void retry(void *context, struct sim_world *world)
{
    struct side *side = context;

    (void)world;
    side->retrying = false;
    side_turn(side);
}

/* No event tells when the stack's memory suffices again: others use it, too. */
static void try_again_soon(struct side *side)
{
    if (side->retrying)
        return;
    side->retrying = true;
    side->retry.fn = retry;
    side->retry.context = side;
    sim_alarm_set(side->bulk->world, &side->retry, sim_now(side->bulk->world) + 10 * GANDER_MS);
}

static void side_write(struct side *side)
{
    struct gander_stack *stack = side->host->stack;
    uint8_t *chunk = side->bulk->chunk;

    while (side->sent < side->to_send) {
        size_t len = draw_length(side->bulk);
        int64_t n;

        if (len > side->to_send - side->sent)
            len = (size_t)(side->to_send - side->sent);
        for (size_t i = 0; i < len; i++)
            chunk[i] = stream_byte(side->key_out, side->sent + i);
        n = gander_send(stack, side->socket, chunk, len, 0);
        if (n == GANDER_ENOMEM)
            try_again_soon(side);
        if (n == GANDER_EAGAIN || n == GANDER_ENOMEM)
            return;
        if (n <= 0) {
            went_wrong(side, "gander_send", n);
            return;
        }
        side->sent += (uint64_t)n;
    }
    if (!side->end_sent) {
        int result = gander_shutdown(stack, side->socket, GANDER_SHUTDOWN_SEND);

        if (result < 0)
            went_wrong(side, "gander_shutdown", result);
        side->end_sent = true;
    }
}

static void rest_over(void *context, struct sim_world *world)
{
    struct side *side = context;

    (void)world;
    side->paused = false;
    side_turn(side);
}

static void count_to_pause(struct side *side, uint64_t n)
{
    const struct sim_bulk_config *config = &side->bulk->config;

    if (config->read_pause_ns == 0)
        return;
    if (n < side->until_pause) {
        side->until_pause -= n;
        return;
    }
    side->until_pause = 1 + scramble(++side->bulk->draws ^ config->seed) % 65536;
    side->paused = true;
    side->rest_over.fn = rest_over;
    side->rest_over.context = side;
    sim_alarm_set(side->bulk->world, &side->rest_over,
                  sim_now(side->bulk->world) + config->read_pause_ns);
}

static void check(struct side *side, const uint8_t *bytes, uint64_t n)
{
    if (n > side->to_receive - side->received)
        went_wrong(side, "more bytes than were sent", (int64_t)n);
    for (uint64_t i = 0; i < n; i++) {
        if (bytes[i] != stream_byte(side->key_in, side->received + i)) {
            went_wrong(side, "wrong byte at", (int64_t)(side->received + i));
            return;
        }
    }
    side->received += n;
    side->bulk->received += n;
}

static void side_read(struct side *side)
{
    uint8_t *chunk = side->bulk->chunk;

    while (!side->paused && !side->end_seen && side->bulk->error[0] == '\0') {
        int64_t n =
            gander_receive(side->host->stack, side->socket, chunk, draw_length(side->bulk), 0);

        if (n == GANDER_EAGAIN || n == GANDER_ENOTCONN)
            return;
        if (n < 0) {
            went_wrong(side, "gander_receive", n);
        } else if (n > 0) {
            check(side, chunk, (uint64_t)n);
            count_to_pause(side, (uint64_t)n);
        } else {
            side->end_seen = true;
            if (side->received != side->to_receive)
                went_wrong(side, "the stream ended early", 0);
        }
    }
}

static void side_turn(struct side *side)
{
    if (side->done || side->socket == 0)
        return;
    side_write(side);
    side_read(side);
    if (side->end_sent && side->end_seen) {
        int result = gander_close(side->host->stack, side->socket);

        if (result < 0)
            went_wrong(side, "gander_close", result);
        side->socket = 0;
        side->done = true;
        side->bulk->done++;
    }
}

/* The stream of a connection is named by the client's port, which both ends know. */
static void side_open(struct side *side, struct sim_bulk *bulk, gander_socket socket,
                      uint16_t client_port, bool is_client)
{
    const struct sim_bulk_config *config = &bulk->config;
    uint64_t key = scramble(config->seed ^ client_port);

    side->bulk = bulk;
    side->host = is_client ? config->client : config->server;
    side->socket = socket;
    side->key_out = is_client ? key : ~key;
    side->key_in = ~side->key_out;
    side->to_send = is_client ? config->bytes_up : config->bytes_down;
    side->to_receive = is_client ? config->bytes_down : config->bytes_up;
    side->until_pause = 1;
    if (gander_set_context(side->host->stack, socket, side) < 0)
        went_wrong(side, "gander_set_context", 0);
}

static void accept_all(struct sim_bulk *bulk)
{
    gander_socket socket;
    struct gander_address peer;

    while (gander_accept(bulk->config.server->stack, bulk->listener, &socket, &peer) == GANDER_OK) {
        struct side *side;

        if (bulk->accepted == bulk->config.connections) {
            (void)snprintf(bulk->error, sizeof(bulk->error), "one connection too many");
            return;
        }
        side = &bulk->sides[2 * bulk->accepted++ + 1];
        side_open(side, bulk, socket, peer.port, false);
        side_turn(side);
    }
}

static void bulk_events(void *context, struct sim_host *host, const struct gander_event *events,
                        size_t n)
{
    struct sim_bulk *bulk = context;

    for (size_t i = 0; i < n && !bulk->ended; i++) {
        struct side *side = events[i].context;

        if (events[i].socket == bulk->listener && host == bulk->config.server)
            accept_all(bulk);
        else if (side && side->socket == events[i].socket)
            side_turn(side);
    }
}

static int start_listening(struct sim_bulk *bulk)
{
    struct gander_stack *stack = bulk->config.server->stack;
    struct gander_address address;
    int result = gander_address_parse(bulk->config.server_address, &address);

    if (result == GANDER_OK)
        result = gander_open(stack, GANDER_TCP, &bulk->listener);
    if (result == GANDER_OK)
        result = gander_bind(stack, bulk->listener, &address);
    if (result == GANDER_OK)
        result = gander_listen(stack, bulk->listener, CONNECTIONS_MAX);
    return result;
}

static int start_client(struct sim_bulk *bulk, unsigned i)
{
    struct gander_stack *stack = bulk->config.client->stack;
    struct side *side = &bulk->sides[2 * i];
    struct gander_address address, own = {0};
    gander_socket socket = 0;
    int result = gander_address_parse(bulk->config.server_address, &address);

    if (result == GANDER_OK)
        result = gander_open(stack, GANDER_TCP, &socket);
    if (result < 0)
        return result;
    side_open(side, bulk, socket, 0, true); /* so that it is closed in any case */
    result = gander_connect(stack, socket, &address);
    if (result == GANDER_OK)
        result = gander_local_address(stack, socket, &own);
    if (result < 0)
        return result;
    side_open(side, bulk, socket, own.port, true);
    side_turn(side);
    return GANDER_OK;
}

struct sim_bulk *sim_bulk_start(struct sim_world *world, const struct sim_bulk_config *config)
{
    struct sim_bulk *bulk = calloc(1, sizeof(*bulk));
    int result;

    if (!bulk)
        return NULL;
    bulk->world = world;
    bulk->config = *config;
    if (config->connections == 0)
        bulk->config.connections = 1;
    bulk->sides = calloc(2 * (size_t)bulk->config.connections, sizeof(*bulk->sides));
    if (!bulk->sides) {
        free(bulk);
        return NULL;
    }
    sim_on_events(config->client, bulk_events, bulk);
    sim_on_events(config->server, bulk_events, bulk);
    result = start_listening(bulk);
    for (unsigned i = 0; i < bulk->config.connections && result == GANDER_OK; i++)
        result = start_client(bulk, i);
    if (result < 0)
        (void)snprintf(bulk->error, sizeof(bulk->error), "cannot begin: %s",
                       gander_strerror(result));
    return bulk;
}

bool sim_bulk_done(void *bulk)
{
    const struct sim_bulk *b = bulk;

    return b->error[0] != '\0' || b->done == 2 * b->config.connections;
}

const char *sim_bulk_error(const struct sim_bulk *bulk)
{
    return bulk->error[0] != '\0' ? bulk->error : NULL;
}

uint64_t sim_bulk_received(const struct sim_bulk *bulk)
{
    return bulk->received;
}

void sim_bulk_end(struct sim_bulk *bulk)
{
    const struct sim_bulk_config *config = &bulk->config;

    bulk->ended = true;
    sim_on_events(config->client, NULL, NULL);
    sim_on_events(config->server, NULL, NULL);
    for (unsigned i = 0; i < 2 * config->connections; i++) {
        struct side *side = &bulk->sides[i];

        sim_alarm_cancel(bulk->world, &side->rest_over);
        sim_alarm_cancel(bulk->world, &side->retry);
        if (side->socket != 0)
            (void)gander_close(side->host->stack, side->socket);
    }
    if (bulk->listener != 0)
        (void)gander_close(config->server->stack, bulk->listener);
    free(bulk->sides);
    free(bulk);
}

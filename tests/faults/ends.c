/* SPDX-License-Identifier: MIT */
/* What applications do in the stories: connect, talk, close; patient without memory, led by events otherwise. */
#include "bed.h"

#include <string.h>

enum { PIECE_BYTES = 4096 };

static bool give_up(struct bed *b)
{
    b->gave_up = true;
    return false;
}

static bool remember(struct bed *b, struct end *end, enum side side)
{
    end->side = side;
    end->readable = end->writable = true;
    if (b->socket_count[side] == BED_SOCKETS_MAX)
        bed_fail(b, "this test is wrong: too many sockets");
    b->sockets[side][b->socket_count[side]++] = end->socket;
    return gander_set_context(b->stack[side], end->socket, end) == GANDER_OK;
}

bool open_end(struct bed *b, enum side side, enum gander_type type, struct end *end)
{
    memset(end, 0, sizeof(*end));
    return bed_ok(b, AGAIN(b, gander_open(b->stack[side], type, &end->socket))) &&
           remember(b, end, side);
}

bool listen_on(struct bed *b, enum side side, uint16_t port, int backlog, struct end *listener)
{
    struct gander_address local = bed_address(b, side, port);
    struct gander_stack *stack = b->stack[side];

    return open_end(b, side, GANDER_TCP, listener) &&
           bed_ok(b, AGAIN(b, gander_bind(stack, listener->socket, &local))) &&
           bed_ok(b, AGAIN(b, gander_listen(stack, listener->socket, backlog)));
}

bool begin_connect(struct bed *b, struct end *end, uint16_t port)
{
    struct gander_address to = bed_address(b, end->side == CLIENT ? SERVER : CLIENT, port);

    return bed_ok(b, AGAIN(b, gander_connect(b->stack[end->side], end->socket, &to)));
}

/* Turns until one of the bits has come. */
static bool wait_bits(struct bed *b, struct end *end, uint32_t bits)
{
    while (!(end->bits & bits))
        if (!bed_turn(b))
            return give_up(b);
    if (end->error)
        return bed_ok(b, end->error);
    return true;
}

bool wait_connected(struct bed *b, struct end *end)
{
    return wait_bits(b, end, GANDER_EVENT_CONNECTED | GANDER_EVENT_CLOSED);
}

bool wait_closed(struct bed *b, struct end *end)
{
    return wait_bits(b, end, GANDER_EVENT_CLOSED);
}

bool accept_one(struct bed *b, struct end *listener, struct end *end)
{
    memset(end, 0, sizeof(*end));
    for (;;) {
        int result = GANDER_EAGAIN;

        if (listener->bits & GANDER_EVENT_ACCEPT)
            result = gander_accept(b->stack[listener->side], listener->socket, &end->socket, NULL);
        if (result == GANDER_OK)
            return remember(b, end, listener->side);
        if (result == GANDER_EAGAIN)
            listener->bits &= ~(uint32_t)GANDER_EVENT_ACCEPT;
        else if (result == GANDER_ENOMEM)
            b->refused = true; /* it goes on waiting to be accepted */
        else
            bed_fail(b, "gander_accept() refuses");
        if (!bed_turn(b))
            return give_up(b);
    }
}

bool connect_pair(struct bed *b, struct end *client, struct end *server)
{
    struct end listener;
    bool accepted;

    if (!listen_on(b, SERVER, BED_PORT, 8, &listener) || !open_end(b, CLIENT, GANDER_TCP, client) ||
        !begin_connect(b, client, BED_PORT) || !wait_connected(b, client))
        return false;
    accepted = accept_one(b, &listener, server);
    drop_end(b, &listener); /* its memory is the caller's that returns */
    return accepted;
}

/* --- data ---------------------------------------------------------------------------------------- */

static uint8_t pattern(uint32_t position, enum side from)
{
    return (uint8_t)(position * 7 + (position >> 8) * 31 + (from == CLIENT ? 0 : 128));
}

static bool send_some(struct bed *b, struct end *end)
{
    while (end->writable && end->sent < end->to_send) {
        uint8_t piece[PIECE_BYTES];
        uint32_t n =
            end->to_send - end->sent < PIECE_BYTES ? end->to_send - end->sent : PIECE_BYTES;
        int64_t taken;

        for (uint32_t i = 0; i < n; i++)
            piece[i] = pattern(end->sent + i, end->side);
        taken = gander_send(b->stack[end->side], end->socket, piece, n, 0);
        if (taken == GANDER_ENOMEM) {
            b->refused = true;
            return true;
        }
        if (taken == GANDER_EAGAIN)
            end->writable = false;
        else if (taken < 0)
            return bed_ok(b, taken);
        else
            end->sent += (uint32_t)taken;
    }
    return true;
}

static bool receive_some(struct bed *b, struct end *end)
{
    while (end->readable && !end->eof) {
        uint8_t piece[PIECE_BYTES];
        int64_t got = gander_receive(b->stack[end->side], end->socket, piece, sizeof(piece), 0);

        if (got == GANDER_EAGAIN)
            end->readable = false;
        else if (got < 0)
            return bed_ok(b, got);
        else if (got == 0)
            end->eof = true;
        for (int64_t i = 0; i < got; i++)
            if (piece[i] != pattern(end->received++, end->side == CLIENT ? SERVER : CLIENT))
                bed_fail(b, "wrong bytes arrived");
    }
    return true;
}

static bool all_there(const struct end *end)
{
    return end->sent == end->to_send && end->received >= end->to_receive;
}

bool exchange(struct bed *b, struct end *client, struct end *server, uint32_t up, uint32_t down)
{
    client->to_send += up;
    server->to_receive += up;
    server->to_send += down;
    client->to_receive += down;
    for (;;) {
        if (!send_some(b, client) || !send_some(b, server) || !receive_some(b, client) ||
            !receive_some(b, server))
            return false;
        if (all_there(client) && all_there(server))
            return true;
        if (client->eof || server->eof)
            bed_fail(b, "the stream ended early without an error");
        if (!bed_turn(b))
            return give_up(b);
    }
}

bool wait_eof(struct bed *b, struct end *end)
{
    for (;;) {
        if (!receive_some(b, end))
            return false;
        if (end->eof)
            return true;
        if (!bed_turn(b))
            return give_up(b);
    }
}

/* --- ends ------------------------------------------------------------------------------------------ */

void drop_end(struct bed *b, struct end *end)
{
    int result = gander_close(b->stack[end->side], end->socket);

    if (result != GANDER_OK)
        bed_fail(b, "gander_close() refuses");
    end->socket = 0;
}

static bool shut(struct bed *b, struct end *end)
{
    return bed_ok(
        b, AGAIN(b, gander_shutdown(b->stack[end->side], end->socket, GANDER_SHUTDOWN_SEND)));
}

static void close_orderly(struct bed *b, struct end *first, struct end *second)
{
    if (shut(b, first) && wait_eof(b, second) && shut(b, second) && wait_eof(b, first) &&
        wait_closed(b, first) && wait_closed(b, second))
        b->completed = true;
}

/* The one that has shut its side still gets data. */
static void close_half(struct bed *b, struct end *client, struct end *server)
{
    if (!shut(b, client) || !wait_eof(b, server))
        return;
    client->to_receive += 5000;
    server->to_send += 5000;
    while (!all_there(server) || client->received < client->to_receive)
        if (!send_some(b, server) || !receive_some(b, client) || !bed_turn(b)) {
            (void)give_up(b);
            return;
        }
    if (shut(b, server) && wait_eof(b, client))
        b->completed = true;
}

void close_ends(struct bed *b, struct end *client, struct end *server)
{
    switch (b->scenario->closing) {
    case CLOSE_CLIENT_FIRST:
        close_orderly(b, client, server);
        return;
    case CLOSE_SERVER_FIRST:
        close_orderly(b, server, client);
        return;
    case CLOSE_HALF:
        close_half(b, client, server);
        return;
    case CLOSE_BOTH:
        if (shut(b, client) && shut(b, server) && wait_eof(b, client) && wait_eof(b, server) &&
            wait_closed(b, client) && wait_closed(b, server))
            b->completed = true;
        return;
    case CLOSE_NOW:
        drop_end(b, client);
        drop_end(b, server);
        break;
    case CLOSE_ABORT:
        if (gander_abort(b->stack[CLIENT], client->socket) != GANDER_OK)
            bed_fail(b, "gander_abort() refuses");
        (void)wait_bits(b, server, GANDER_EVENT_CLOSED);
        break;
    }
    b->completed = true;
}

/* SPDX-License-Identifier: MIT */
/* Stories of UDP, echo requests, sockets as such and packets as such; see bed.h. */
#include "bed.h"

#include <string.h>

enum { ECHO_TRIES = 30 };

static bool bound_udp(struct bed *b, enum side side, uint16_t port, struct end *end)
{
    struct gander_address local = bed_address(b, side, port);

    return open_end(b, side, GANDER_UDP, end) &&
           bed_ok(b, AGAIN(b, gander_bind(b->stack[side], end->socket, &local)));
}

static bool connect_udp(struct bed *b, struct end *end, uint16_t port)
{
    struct gander_address peer = bed_address(b, end->side == CLIENT ? SERVER : CLIENT, port);

    return bed_ok(b, AGAIN(b, gander_connect(b->stack[end->side], end->socket, &peer)));
}

/* Asks until there is an answer: datagrams may get lost. `server` NULL: the host itself answers. */
static bool ask(struct bed *b, struct end *client, struct end *server, size_t len)
{
    static uint8_t question[9000], answer[9000];

    for (unsigned tries = 0; tries < ECHO_TRIES; tries++) {
        struct gander_datagram from;
        int64_t n = gander_send_to(b->stack[CLIENT], client->socket, question, len, NULL);

        if (n != GANDER_ENOMEM && !bed_ok(b, n))
            return false;
        bed_wait(b, 100 * GANDER_MS);
        if (server) {
            n = gander_receive_from(b->stack[SERVER], server->socket, answer, sizeof(answer), 0,
                                    &from);
            if (n >= 0) {
                struct gander_datagram to = {.peer = from.peer};

                n = gander_send_to(b->stack[SERVER], server->socket, answer, (size_t)n, &to);
            }
            if (n != GANDER_ENOMEM && !bed_ok(b, n))
                return false;
            bed_wait(b, 100 * GANDER_MS);
        }
        n = gander_receive_from(b->stack[CLIENT], client->socket, answer, sizeof(answer), 0, NULL);
        if (n == (int64_t)len)
            return true;
        if (!bed_ok(b, n))
            return false;
    }
    b->gave_up = true;
    return false;
}

static void udp_echo(struct bed *b)
{
    struct end c, s;

    if (bound_udp(b, SERVER, 7, &s) && open_end(b, CLIENT, GANDER_UDP, &c) &&
        connect_udp(b, &c, 7) && ask(b, &c, &s, 5) && ask(b, &c, &s, 1200) && ask(b, &c, &s, 0))
        b->completed = true;
}

static void udp_to_nobody(struct bed *b)
{
    struct end c;

    if (open_end(b, CLIENT, GANDER_UDP, &c) && connect_udp(b, &c, 9) && !ask(b, &c, NULL, 5))
        b->completed = b->error == GANDER_ECONNREFUSED;
}

static void udp_queue_full(struct bed *b)
{
    struct end c, s;

    if (!bound_udp(b, SERVER, 7, &s) || !open_end(b, CLIENT, GANDER_UDP, &c) ||
        !bed_ok(
            b, gander_set_option(b->stack[SERVER], s.socket, GANDER_OPTION_RECEIVE_BUFFER, 8192)) ||
        !connect_udp(b, &c, 7))
        return;
    for (unsigned i = 0; i < 40; i++) {
        static const uint8_t zeros[700];
        int64_t n = gander_send(b->stack[CLIENT], c.socket, zeros, sizeof(zeros), 0);

        if (n != GANDER_ENOMEM && !bed_ok(b, n))
            return;
        bed_wait(b, GANDER_MS);
    }
    for (;;) {
        uint8_t bytes[10];
        int64_t n = gander_receive(b->stack[SERVER], s.socket, bytes, sizeof(bytes), 0);

        if (n == GANDER_EAGAIN)
            break;
        if (!bed_ok(b, n))
            return;
    }
    b->completed = true;
}

static void ping(struct bed *b)
{
    struct end c;
    struct gander_address peer = bed_address(b, SERVER, 0);

    peer.port = 0;
    if (!open_end(b, CLIENT, GANDER_PING, &c) ||
        !bed_ok(b, AGAIN(b, gander_connect(b->stack[CLIENT], c.socket, &peer))))
        return;
    if (ask(b, &c, NULL, 20) && ask(b, &c, NULL, 1400))
        b->completed = true;
}

/* An error that a router might send, built by hand around what the client sent. */
static void too_big_for_tcp(struct bed *b)
{
    static uint8_t zeros[4000];
    struct end c, s;
    uint8_t quoted[128];
    size_t len;

    if (!connect_pair(b, &c, &s) ||
        !bed_ok(b, AGAIN(b, gander_send(b->stack[CLIENT], c.socket, zeros, sizeof(zeros), 0))))
        return;
    len = bed_intercept(b, SERVER, quoted, sizeof(quoted)); /* lost; it is sent again */
    if (len == 0)
        b->reported = true;
    for (unsigned got = 0; got < sizeof(zeros);) {
        uint8_t bytes[4000];
        int64_t n = gander_receive(b->stack[SERVER], s.socket, bytes, sizeof(bytes), 0);

        got += n > 0 ? (unsigned)n : 0;
        if (!bed_ok(b, n) || (n < 0 && !bed_turn(b))) {
            b->gave_up = !b->reported;
            return;
        }
    }
    drop_end(b, &c);
    drop_end(b, &s);
    b->completed = true;
}

static void many_sockets(struct bed *b)
{
    struct end e;

    for (unsigned i = 0; i < b->scenario->count; i++)
        if (!open_end(b, CLIENT, i % 3 == 0 ? GANDER_UDP : GANDER_TCP, &e))
            return;
    b->completed = true;
}

static void many_ports(struct bed *b)
{
    struct end e;

    for (unsigned i = 0; i < b->scenario->count; i++)
        if (!bound_udp(b, CLIENT, (uint16_t)(1000 + i), &e))
            return;
    b->completed = true;
}

static void many_listeners(struct bed *b)
{
    struct end e;

    for (unsigned i = 0; i < b->scenario->count; i++)
        if (!listen_on(b, SERVER, (uint16_t)(1000 + i), 3, &e))
            return;
    b->completed = true;
}

/* Each size class, and what is larger than any; copies into the other host's memory. */
static void packets(struct bed *b)
{
    static const size_t sizes[] = {1, 100, 600, 1500, 2032, 8000, 9000, 16300, 30000, 65575};
    bool refused = false;

    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct gander_packet *packet = gander_packet_alloc(b->stack[CLIENT], sizes[i]), *copy;

        if (!packet) {
            refused = true;
            continue;
        }
        memset(packet->frag[0].data, (int)i, sizes[i]);
        copy = gander_packet_copy(b->stack[SERVER], packet);
        if (copy && (copy->len != sizes[i] || copy->frag[0].data[sizes[i] - 1] != i))
            bed_fail(b, "a copy differs");
        refused |= !copy;
        gander_packet_free(i % 2 ? packet : copy);
        gander_packet_free(i % 2 ? copy : packet);
    }
    b->reported = refused;
    b->completed = !refused;
}

/* Nothing but the hosts themselves. */
static void hosts(struct bed *b)
{
    b->completed = true;
}

static void bind_only(struct bed *b)
{
    struct end a, c;
    struct gander_address local = bed_address(b, CLIENT, 2000);

    if (open_end(b, CLIENT, GANDER_TCP, &a) && open_end(b, CLIENT, GANDER_TCP, &c) &&
        bed_ok(b, AGAIN(b, gander_bind(b->stack[CLIENT], a.socket, &local)))) {
        if (gander_bind(b->stack[CLIENT], c.socket, &local) != GANDER_EADDRINUSE &&
            !b->refusal.forever)
            bed_fail(b, "two sockets on one port");
        b->completed = true;
    }
}

const struct scenario other_scenarios[] = {
    {.name = "two hosts", .story = hosts},
    {.name = "bind", .story = bind_only},
    {.name = "UDP echo", .story = udp_echo},
    {.name = "UDP echo, loss", .story = udp_echo, .wire = WIRE_LOSS},
    {.name = "UDP echo, copied", .story = udp_echo, .wire = WIRE_COPY},
    {.name = "UDP to nobody", .story = udp_to_nobody},
    {.name = "UDP queue full", .story = udp_queue_full},
    {.name = "echo request", .story = ping},
    {.name = "a burst lost", .story = too_big_for_tcp},
    {.name = "600 sockets", .story = many_sockets, .count = 600, .stride = 41},
    {.name = "300 UDP ports", .story = many_ports, .count = 300},
    {.name = "100 listeners", .story = many_listeners, .count = 100},
    {.name = "packets", .story = packets},
};
const size_t other_scenario_count = sizeof(other_scenarios) / sizeof(other_scenarios[0]);

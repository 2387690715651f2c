/* SPDX-License-Identifier: MIT */
/* Stories of TCP connections, to be told again and again with another request for memory refused; see bed.h. */
#include "bed.h"

#include <string.h>

static void transfer(struct bed *b)
{
    struct end c, s;

    if (connect_pair(b, &c, &s) && exchange(b, &c, &s, b->scenario->up, b->scenario->down))
        close_ends(b, &c, &s);
}

/* The reader looks away until the window is shut, and for longer than a probe takes. */
static void zero_window(struct bed *b)
{
    struct end c, s;

    if (!connect_pair(b, &c, &s))
        return;
    c.to_send = 20000;
    while (c.writable && c.sent < c.to_send) {
        static const uint8_t zeros[2000];
        int64_t taken = gander_send(b->stack[CLIENT], c.socket, zeros, sizeof(zeros), 0);

        if (taken == GANDER_EAGAIN)
            break;
        if (taken > 0)
            c.sent += (uint32_t)taken;
        else if (!bed_again(b, taken)) {
            (void)bed_ok(b, taken);
            return;
        }
    }
    bed_wait(b, 3 * GANDER_S);
    for (uint32_t got = 0; got < c.sent;) {
        uint8_t piece[4096];
        int64_t n = gander_receive(b->stack[SERVER], s.socket, piece, sizeof(piece), 0);

        if (n > 0)
            got += (uint32_t)n;
        else if (!bed_ok(b, n) || !bed_turn(b)) {
            b->gave_up = !b->reported;
            return;
        }
    }
    c.to_send = c.sent;
    close_ends(b, &c, &s);
}

static void simultaneous_open(struct bed *b)
{
    struct end c, s;
    struct gander_address at[2] = {bed_address(b, CLIENT, 5000), bed_address(b, SERVER, 5000)};

    if (!open_end(b, CLIENT, GANDER_TCP, &c) || !open_end(b, SERVER, GANDER_TCP, &s) ||
        !bed_ok(b, AGAIN(b, gander_bind(b->stack[CLIENT], c.socket, &at[CLIENT]))) ||
        !bed_ok(b, AGAIN(b, gander_bind(b->stack[SERVER], s.socket, &at[SERVER]))) ||
        !begin_connect(b, &c, 5000) || !begin_connect(b, &s, 5000))
        return;
    if (wait_connected(b, &c) && wait_connected(b, &s) && exchange(b, &c, &s, 2000, 2000))
        close_ends(b, &c, &s);
}

static void nobody_listens(struct bed *b)
{
    struct end c;

    if (!open_end(b, CLIENT, GANDER_TCP, &c) || !begin_connect(b, &c, 81) || wait_connected(b, &c))
        return;
    if (b->error == GANDER_ECONNREFUSED || b->error == GANDER_ETIMEDOUT)
        b->completed = true;
}

static void nobody_answers(struct bed *b)
{
    struct end c;

    b->cut = true;
    if (open_end(b, CLIENT, GANDER_TCP, &c) && begin_connect(b, &c, 81) && !wait_connected(b, &c))
        b->completed = b->error == GANDER_ETIMEDOUT;
}

/* One child in SYN-RECEIVED, one waiting to be accepted. */
static void listener_closes_early(struct bed *b)
{
    struct end listener, first, second;

    if (!listen_on(b, SERVER, BED_PORT, 8, &listener) || !open_end(b, CLIENT, GANDER_TCP, &first) ||
        !open_end(b, CLIENT, GANDER_TCP, &second) || !begin_connect(b, &first, BED_PORT) ||
        !wait_connected(b, &first) || !begin_connect(b, &second, BED_PORT))
        return;
    {
        uint8_t packet[128];
        size_t len = bed_intercept(b, SERVER, packet, sizeof(packet));

        if (len > 0)
            bed_inject(b, SERVER, packet, len); /* the SYN arrives, the answer is still to come */
    }
    drop_end(b, &listener);
    (void)wait_closed(b, &first);
    (void)wait_closed(b, &second);
    b->completed = first.closed && second.closed;
}

/* Backlog of one, taken by one whose ACK never comes; the others get cookies. */
static void syn_cookies(struct bed *b)
{
    struct end listener, lost, c, s;
    uint8_t packet[128];

    if (!listen_on(b, SERVER, BED_PORT, 1, &listener) || !open_end(b, CLIENT, GANDER_TCP, &lost) ||
        !begin_connect(b, &lost, BED_PORT))
        return;
    bed_inject(b, SERVER, packet, bed_intercept(b, SERVER, packet, sizeof(packet)));
    (void)bed_intercept(b, CLIENT, packet, sizeof(packet));
    drop_end(b, &lost);
    if (!open_end(b, CLIENT, GANDER_TCP, &c) || !begin_connect(b, &c, BED_PORT) ||
        !wait_connected(b, &c))
        return;
    /* The ACK may be lost on the way to a connection: only data show the server that there is one. */
    c.to_send = 1000;
    if (gander_send(b->stack[CLIENT], c.socket, packet, 100, 0) != 100)
        b->reported = true;
    if (!accept_one(b, &listener, &s))
        return;
    drop_end(b, &listener);
    drop_end(b, &c);
    drop_end(b, &s);
    b->completed = true;
}

static bool option(struct bed *b, const struct end *end, enum gander_option name, int64_t value)
{
    return bed_ok(b, AGAIN(b, gander_set_option(b->stack[end->side], end->socket, name, value)));
}

/* Options of its own cost a socket memory: set before and after connecting, on a listener for its children. */
static void options(struct bed *b)
{
    struct end listener, c, s;

    if (!open_end(b, CLIENT, GANDER_TCP, &c) || !option(b, &c, GANDER_OPTION_TTL, 7) ||
        !option(b, &c, GANDER_OPTION_RECEIVE_BUFFER, 10000) ||
        !option(b, &c, GANDER_OPTION_MAX_SEGMENT, 600) ||
        !listen_on(b, SERVER, BED_PORT, 4, &listener) ||
        !option(b, &listener, GANDER_OPTION_TRAFFIC_CLASS, 8) ||
        !option(b, &listener, GANDER_OPTION_USER_TIMEOUT_NS, 9 * GANDER_S) ||
        !begin_connect(b, &c, BED_PORT) || !wait_connected(b, &c) || !accept_one(b, &listener, &s))
        return;
    drop_end(b, &listener);
    if (option(b, &s, GANDER_OPTION_NODELAY, 1) && option(b, &c, GANDER_OPTION_CORK, 1) &&
        option(b, &s, GANDER_OPTION_KEEPALIVE_IDLE_NS, GANDER_S) &&
        bed_ok(b, AGAIN(b, gander_set_congestion_control(b->stack[SERVER], s.socket, "cubic"))) &&
        exchange(b, &c, &s, 3000, 3000))
        close_ends(b, &c, &s);
}

/* The peer vanishes: probes find that out. */
static void keepalive(struct bed *b)
{
    struct end c, s;

    if (!connect_pair(b, &c, &s) || !option(b, &c, GANDER_OPTION_KEEPALIVE, 1) ||
        !exchange(b, &c, &s, 100, 100))
        return;
    bed_wait(b, 12 * GANDER_S); /* answered ones */
    b->cut = true;
    if (!wait_closed(b, &c))
        b->completed = c.error == GANDER_ETIMEDOUT;
}

static void user_timeout(struct bed *b)
{
    struct end c, s;

    if (!connect_pair(b, &c, &s) || !option(b, &c, GANDER_OPTION_USER_TIMEOUT_NS, 2 * GANDER_S) ||
        !exchange(b, &c, &s, 100, 100))
        return;
    b->cut = true;
    if (AGAIN(b, gander_send(b->stack[CLIENT], c.socket, "x", 1, 0)) == 1 && !wait_closed(b, &c))
        b->completed = c.error == GANDER_ETIMEDOUT;
}

/* Unread data: the close is a reset. */
static void close_unread(struct bed *b)
{
    struct end c, s;

    if (!connect_pair(b, &c, &s))
        return;
    for (int64_t sent = 0; sent <= 0;) {
        sent = gander_send(b->stack[CLIENT], c.socket, "hello", 5, 0);
        if (sent < 0 && !bed_again(b, sent)) {
            (void)bed_ok(b, sent);
            return;
        }
    }
    bed_wait(b, 2 * GANDER_S);
    drop_end(b, &s);
    bed_wait(b, GANDER_S);
    if (!c.closed) /* the reset got lost: who goes on talking gets another */
        (void)bed_ok(b, AGAIN(b, gander_send(b->stack[CLIENT], c.socket, "x", 1, 0)));
    (void)wait_closed(b, &c);
    b->completed = c.closed;
}

static void urgent_and_small(struct bed *b)
{
    struct end c, s;

    if (!connect_pair(b, &c, &s) || !option(b, &c, GANDER_OPTION_NODELAY, 1))
        return;
    for (unsigned i = 0; i < 30; i++) {
        unsigned flags = i == 7 ? GANDER_SEND_URGENT : i % 5 == 1 ? GANDER_SEND_MORE : 0;
        uint8_t piece = 0;

        if (!bed_ok(b, AGAIN(b, gander_send(b->stack[CLIENT], c.socket, &piece, 1, flags))))
            return;
    }
    for (unsigned got = 0; got < 30;) {
        uint8_t piece[64];
        int64_t n = gander_receive(b->stack[SERVER], s.socket, piece, sizeof(piece), 0);

        got += n > 0 ? (unsigned)n : 0;
        if (!bed_ok(b, n) || (n < 0 && !bed_turn(b))) {
            b->gave_up = !b->reported;
            return;
        }
    }
    close_ends(b, &c, &s);
}

/* Closed while data are still to go: they get there, or not, without anybody. */
static void orphan(struct bed *b)
{
    struct end c, s;

    if (!connect_pair(b, &c, &s))
        return;
    while (c.sent < 10000) {
        static const uint8_t zeros[1000];
        int64_t sent = AGAIN(b, gander_send(b->stack[CLIENT], c.socket, zeros, sizeof(zeros), 0));

        if (!bed_ok(b, sent))
            return;
        if (sent < 0 && !bed_turn(b)) {
            b->gave_up = true;
            return;
        }
        c.sent += sent > 0 ? (uint32_t)sent : 0;
    }
    drop_end(b, &c);
    for (uint32_t got = 0; got <= c.sent;) {
        uint8_t piece[3000];
        int64_t n = gander_receive(b->stack[SERVER], s.socket, piece, sizeof(piece), 0);

        if (n == 0 && got == c.sent)
            break;
        if (n == 0)
            bed_fail(b, "an orphan's stream ended early");
        got += n > 0 ? (uint32_t)n : 0;
        if (!bed_ok(b, n) || (n < 0 && !bed_turn(b))) {
            b->gave_up = !b->reported;
            return;
        }
    }
    drop_end(b, &s);
    b->completed = true;
}

/* The receiving direction shut: what comes is acknowledged and thrown away. */
static void shut_receive(struct bed *b)
{
    struct end c, s;

    if (!connect_pair(b, &c, &s) ||
        !bed_ok(b, gander_shutdown(b->stack[SERVER], s.socket, GANDER_SHUTDOWN_RECEIVE)) ||
        !bed_ok(b, AGAIN(b, gander_send(b->stack[CLIENT], c.socket, "thrown away", 11, 0))))
        return;
    bed_wait(b, 5 * GANDER_S);
    drop_end(b, &c);
    drop_end(b, &s);
    b->completed = true;
}

/* Many at once: pages of sockets, directories of tables, slabs of every kind. */
static void many_connections(struct bed *b)
{
    static struct end c[300], s[300];
    unsigned n = b->scenario->count;
    struct end listener;

    if (!listen_on(b, SERVER, BED_PORT, (int)n, &listener))
        return;
    for (unsigned i = 0; i < n; i++)
        if (!open_end(b, CLIENT, GANDER_TCP, &c[i]) || !begin_connect(b, &c[i], BED_PORT))
            return;
    for (unsigned i = 0; i < n; i++)
        if (!wait_connected(b, &c[i]) || !accept_one(b, &listener, &s[i]))
            return;
    for (unsigned i = 0; i < n; i += 16) {
        c[i].received = s[i].received = 0;
        (void)gander_shutdown(b->stack[CLIENT], c[i].socket, GANDER_SHUTDOWN_SEND);
    }
    drop_end(b, &listener);
    for (unsigned i = 0; i < n; i++)
        drop_end(b, i % 2 ? &c[i] : &s[i]);
    b->completed = true;
}

#define TRANSFER(text, bytes_up, bytes_down, ...)                                                  \
    {                                                                                              \
        .name = text, .story = transfer, .up = (bytes_up), .down = (bytes_down), __VA_ARGS__       \
    }

const struct scenario tcp_scenarios[] = {
    TRANSFER("data both ways, client closes first", 3000, 3000, .closing = CLOSE_CLIENT_FIRST),
    TRANSFER("data both ways, server closes first", 3000, 3000, .closing = CLOSE_SERVER_FIRST),
    TRANSFER("data both ways, both close at once", 3000, 3000, .closing = CLOSE_BOTH),
    TRANSFER("data both ways, sockets let go", 3000, 3000, .closing = CLOSE_NOW),
    TRANSFER("data both ways, abort", 3000, 3000, .closing = CLOSE_ABORT),
    TRANSFER("half close, then data", 3000, 3000, .closing = CLOSE_HALF),
    TRANSFER("no data, client closes first", 0, 0, .closing = CLOSE_CLIENT_FIRST),
    TRANSFER("no data, both close at once", 0, 0, .closing = CLOSE_BOTH),
    TRANSFER("without SACK", 3000, 3000, .without = WITHOUT_SACK),
    TRANSFER("without timestamps", 3000, 3000, .without = WITHOUT_TIMESTAMPS),
    TRANSFER("without scaling", 3000, 3000, .without = WITHOUT_SCALING),
    TRANSFER("without any option", 3000, 3000, .without = 7),
    TRANSFER("packets copied into the receiver's memory", 3000, 3000, .wire = WIRE_COPY),
    TRANSFER("loss", 20000, 3000, .wire = WIRE_LOSS),
    TRANSFER("loss without SACK", 20000, 3000, .wire = WIRE_LOSS, .without = WITHOUT_SACK),
    TRANSFER("loss without timestamps", 3000, 20000, .wire = WIRE_LOSS,
             .without = WITHOUT_TIMESTAMPS),
    TRANSFER("loss without any option", 3000, 20000, .wire = WIRE_LOSS, .without = 7),
    TRANSFER("loss with CUBIC", 20000, 3000, .wire = WIRE_LOSS, .congestion = "cubic"),
    TRANSFER("loss, both close at once", 3000, 3000, .wire = WIRE_LOSS, .closing = CLOSE_BOTH),
    TRANSFER("loss, half close", 3000, 3000, .wire = WIRE_LOSS, .closing = CLOSE_HALF),
    TRANSFER("reordering", 20000, 3000, .wire = WIRE_REORDER),
    TRANSFER("reordering without SACK", 20000, 3000, .wire = WIRE_REORDER, .without = WITHOUT_SACK),
    TRANSFER("reordering, copied", 20000, 3000, .wire = WIRE_REORDER | WIRE_COPY),
    TRANSFER("duplication", 10000, 3000, .wire = WIRE_DUPLICATE),
    TRANSFER("loss, reordering and duplication", 20000, 3000, .wire = 7),
    TRANSFER("loss, reordering and duplication, no option", 20000, 3000, .wire = 7, .without = 7),
    TRANSFER("a hole in each second place", 40000, 3000, .wire = WIRE_HOLE, .stride = 7),
    TRANSFER("a hole in each second place, copied", 40000, 3000, .wire = WIRE_HOLE | WIRE_COPY,
             .stride = 7),
    TRANSFER("a hole in each second place, without SACK", 40000, 3000, .wire = WIRE_HOLE,
             .without = WITHOUT_SACK, .stride = 7),
    TRANSFER("much data", 200000, 0, .stride = 29),
    TRANSFER("small buffers", 20000, 20000, .buffer_bytes = 4096, .stride = 5),
    TRANSFER("a server at its smallest budget", 200000, 3000, .memory_bytes = 512 << 10,
             .stride = 29),
    {.name = "zero window", .story = zero_window, .buffer_bytes = 8192},
    {.name = "zero window, loss", .story = zero_window, .buffer_bytes = 8192, .wire = WIRE_LOSS},
    {.name = "simultaneous open", .story = simultaneous_open},
    {.name = "simultaneous open, loss", .story = simultaneous_open, .wire = WIRE_LOSS},
    {.name = "simultaneous open, both close at once",
     .story = simultaneous_open,
     .closing = CLOSE_BOTH},
    {.name = "nobody listens", .story = nobody_listens},
    {.name = "nobody answers", .story = nobody_answers},
    {.name = "listener closes with children", .story = listener_closes_early},
    {.name = "SYN cookies", .story = syn_cookies},
    {.name = "SYN cookies without timestamps", .story = syn_cookies, .without = WITHOUT_TIMESTAMPS},
    {.name = "options of its own", .story = options},
    {.name = "options of its own, server closes first",
     .story = options,
     .closing = CLOSE_SERVER_FIRST},
    {.name = "keepalive", .story = keepalive},
    {.name = "user timeout", .story = user_timeout},
    {.name = "close with unread data", .story = close_unread},
    {.name = "urgent and small pieces", .story = urgent_and_small},
    {.name = "orphan", .story = orphan},
    {.name = "orphan, loss", .story = orphan, .wire = WIRE_LOSS},
    {.name = "receiving shut", .story = shut_receive},
    {.name = "20 connections", .story = many_connections, .count = 20, .stride = 11},
    {.name = "300 connections", .story = many_connections, .count = 300, .stride = 223},
};
const size_t tcp_scenario_count = sizeof(tcp_scenarios) / sizeof(tcp_scenarios[0]);

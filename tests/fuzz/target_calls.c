/* SPDX-License-Identifier: MIT */
/*
 * The application as the enemy: public calls in any order, with handles that are stale or never were, addresses, options, lengths
 * and flags of any value, and NULL where the contract allows it. Two hosts, so that calls meet sockets in every state.
 *
 * Each call may return only what its comment in gander/socket.h lists, GANDER_EBADF just for handles that are not open, and
 * nothing through its pointers if it fails.
 */
#include "host.h"

enum { SOCKETS = 10, STEPS_MAX = 250, BUFFER_BYTES = 70000 };

struct caller {
    struct host host;
    gander_socket sockets[SOCKETS];
    bool open[SOCKETS];
    uint8_t type[SOCKETS]; /* enum gander_type */
};

struct calls {
    struct input in;
    struct caller hosts[2];
    struct caller *h; /* whose calls these are */
    unsigned i;       /* which of its sockets */
    gander_socket s;
};

static uint8_t buffer[BUFFER_BYTES];

#define BIT(error) (1U << -(GANDER_##error))

enum {
    ENDED = BIT(ECONNREFUSED) | BIT(ECONNRESET) | BIT(ECONNABORTED) | BIT(ETIMEDOUT) |
            BIT(EHOSTUNREACH) | BIT(ENETUNREACH) |
            BIT(ENOPROTOOPT), /* why a connection ended, or ICMP said */
    SEND_TO = BIT(EMSGSIZE) | BIT(ENOTCONN) | BIT(EINVAL) | BIT(ENETUNREACH) | BIT(EAGAIN) |
              BIT(ENOMEM) | BIT(EADDRNOTAVAIL) | ENDED
};

static bool is_open(const struct caller *h, gander_socket socket)
{
    for (unsigned i = 0; i < SOCKETS; i++)
        if (h->open[i] && h->sockets[i] == socket)
            return true;
    return false;
}

/* `allowed`: besides EBADF, which stands for a socket that is not open. */
static void check_result(const struct calls *c, int64_t result, uint32_t allowed)
{
    CHECK((result == GANDER_EBADF) == !is_open(c->h, c->s));
    if (result >= 0 || result == GANDER_EBADF)
        return;
    if (result < -20 || !(allowed >> -result & 1))
        fprintf(stderr, "unlisted: %s\n", gander_strerror((int)result));
    CHECK(result >= -20 && (allowed >> -result & 1));
}

/* --- arguments ------------------------------------------------------------------------------------- */

static struct gander_address any_address(struct calls *c)
{
    uint8_t how = take8(&c->in);
    const struct host *other = &c->hosts[c->h == c->hosts].host;
    const struct gander_address known[] = {{0},
                                           {.family = GANDER_IPV4},
                                           {.family = GANDER_IPV6},
                                           c->h->host.ip4,
                                           c->h->host.ip6,
                                           other->ip4,
                                           other->ip6,
                                           c->h->host.peer4};
    struct gander_address a = known[how & 7];

    if (how & 8)
        a.ip[(how >> 4) & 15] = take8(&c->in);
    if (how & 128)
        a.family = take8(&c->in);
    a.port = how & 64 ? take16(&c->in) : 79 + (how >> 4 & 3);
    return a;
}

static void pick(struct calls *c)
{
    uint8_t how = take8(&c->in);

    c->h = &c->hosts[how & 1];
    c->i = (how >> 1) % SOCKETS;
    c->s = c->h->sockets[c->i];
}

/* A slot for a new socket: its number, once it is closed, stays to be misused. SOCKETS: none. */
static unsigned free_slot(const struct caller *h)
{
    unsigned i = 0;

    while (i < SOCKETS && h->open[i])
        i++;
    return i;
}

static void keep(struct caller *h, unsigned slot, gander_socket socket, unsigned type)
{
    for (unsigned i = 0; i < SOCKETS; i++)
        CHECK(!h->open[i] || h->sockets[i] != socket); /* never one that is in use */
    CHECK(socket != 0);
    h->sockets[slot] = socket;
    h->open[slot] = true;
    h->type[slot] = (uint8_t)type;
}

/* --- calls ------------------------------------------------------------------------------------------ */

static void call_open(struct calls *c)
{
    unsigned type = take8(&c->in) % 5, slot = free_slot(c->h);
    gander_socket socket = 77;
    int result;

    if (slot == SOCKETS)
        return;
    result = gander_open(c->h->host.stack, type, &socket);
    if (result == 0) {
        CHECK(type >= GANDER_TCP && type <= GANDER_PING);
        keep(c->h, slot, socket, type);
        return;
    }
    CHECK(socket == 77);
    CHECK(result == GANDER_EINVAL || (result == GANDER_ENOMEM && type != 0 && type != 4));
}

static void call_bind(struct calls *c)
{
    struct gander_address a = any_address(c);

    check_result(c, gander_bind(c->h->host.stack, c->s, &a),
                 BIT(EINVAL) | BIT(EADDRNOTAVAIL) | BIT(EADDRINUSE) | BIT(ENOMEM));
}

static void call_listen(struct calls *c)
{
    check_result(c, gander_listen(c->h->host.stack, c->s, (int8_t)take8(&c->in)),
                 BIT(EINVAL) | BIT(EISCONN) | BIT(EOPNOTSUPP) | BIT(EADDRINUSE) | BIT(ENOMEM));
}

static void call_accept(struct calls *c)
{
    unsigned slot = free_slot(c->h);
    struct gander_address peer;
    gander_socket socket = 77;
    int result;

    if (slot == SOCKETS)
        return;
    result = gander_accept(c->h->host.stack, c->s, &socket, take8(&c->in) & 1 ? &peer : NULL);
    check_result(c, result, BIT(EAGAIN) | BIT(EINVAL) | BIT(EOPNOTSUPP) | BIT(ENOMEM));
    if (result == 0)
        keep(c->h, slot, socket, GANDER_TCP);
    else
        CHECK(socket == 77);
}

static void call_connect(struct calls *c)
{
    struct gander_address a = any_address(c);

    check_result(c, gander_connect(c->h->host.stack, c->s, &a),
                 BIT(EINVAL) | BIT(EISCONN) | BIT(EALREADY) | BIT(ENETUNREACH) |
                     BIT(EADDRNOTAVAIL) | BIT(EADDRINUSE) | BIT(ENOMEM));
}

static size_t any_length(struct calls *c)
{
    uint8_t how = take8(&c->in);

    return how < 128 ? how : how < 250 ? (how - 127U) * 40 : (size_t)(65490 + take8(&c->in));
}

static void call_send(struct calls *c)
{
    size_t len = any_length(c);
    int64_t n = gander_send(c->h->host.stack, c->s, buffer, len, take8(&c->in));

    check_result(c, n, BIT(EPIPE) | SEND_TO);
    CHECK(n <= (int64_t)len);
}

static void call_receive(struct calls *c)
{
    size_t len = any_length(c);
    int64_t n = gander_receive(c->h->host.stack, c->s, buffer, len, take8(&c->in));

    check_result(c, n, BIT(EAGAIN) | BIT(ENOTCONN) | BIT(EINVAL) | ENDED);
    CHECK(n <= (int64_t)len);
}

static void call_send_to(struct calls *c)
{
    struct gander_datagram d = {.peer = any_address(c), .local = any_address(c)};
    size_t len = any_length(c);
    int64_t n = gander_send_to(c->h->host.stack, c->s, buffer, len, take8(&c->in) & 1 ? &d : NULL);

    /* on TCP it connects, too */
    check_result(c, n,
                 SEND_TO | BIT(EOPNOTSUPP) | BIT(EISCONN) | BIT(EALREADY) | BIT(EADDRINUSE) |
                     BIT(EPIPE));
    CHECK(n <= (int64_t)len);
}

static void call_receive_from(struct calls *c)
{
    struct gander_datagram d;
    size_t len = any_length(c);
    uint8_t how = take8(&c->in);
    int64_t n =
        gander_receive_from(c->h->host.stack, c->s, buffer, len, how >> 1, how & 1 ? &d : NULL);

    check_result(c, n, BIT(EAGAIN) | BIT(EOPNOTSUPP) | ENDED);
    CHECK(n <= (int64_t)len);
    if (n >= 0 && (how & 1))
        CHECK(d.len >= n && d.truncated == (d.len > n));
}

static void call_shutdown(struct calls *c)
{
    check_result(c, gander_shutdown(c->h->host.stack, c->s, take8(&c->in)),
                 BIT(ENOTCONN) | BIT(EINVAL) | BIT(EOPNOTSUPP) | BIT(ENOMEM));
}

static void call_close(struct calls *c, bool abort_it)
{
    int result = (abort_it ? gander_abort : gander_close)(c->h->host.stack, c->s);

    if (result == GANDER_EBADF)
        CHECK(!is_open(c->h, c->s));
    else
        CHECK(result == 0);
    for (unsigned i = 0; i < SOCKETS; i++)
        if (c->h->sockets[i] == c->s)
            c->h->open[i] = false;
}

static void call_options(struct calls *c)
{
    uint8_t option = take8(&c->in), how = take8(&c->in);
    int64_t value =
        how & 128 ? (int64_t)((uint64_t)take32(&c->in) << (how & 31)) : (int8_t)(how << 1);
    int64_t got = 77;
    int result;

    if (how & 64)
        value = -value;
    option = option % (GANDER_OPTION_COUNT + 2);
    if (option == GANDER_OPTION_USER_TIMEOUT_NS) /* else the end would be years away */
        value %= 3600 * GANDER_S;
    result = gander_set_option(c->h->host.stack, c->s, option, value);
    check_result(c, result, BIT(EINVAL) | BIT(EOPNOTSUPP) | BIT(EISCONN) | BIT(ENOMEM));
    result = gander_get_option(c->h->host.stack, c->s, option, &got);
    check_result(c, result, BIT(EINVAL) | BIT(EOPNOTSUPP));
    if (result == 0)
        return;
    CHECK(got == 77);
}

static void call_about(struct calls *c)
{
    static const char *const names[] = {"newreno", "cubic", "", "reno"};
    struct gander_address a;
    struct gander_tcp_info info;
    struct gander_stats stats;

    check_result(c, gander_local_address(c->h->host.stack, c->s, &a), BIT(ENOTCONN) | BIT(EINVAL));
    check_result(c, gander_peer_address(c->h->host.stack, c->s, &a), BIT(ENOTCONN) | BIT(EINVAL));
    check_result(c, gander_tcp_info(c->h->host.stack, c->s, &info), BIT(EOPNOTSUPP));
    check_result(c, gander_set_congestion_control(c->h->host.stack, c->s, names[take8(&c->in) & 3]),
                 BIT(EINVAL) | BIT(EOPNOTSUPP));
    check_result(c, gander_set_context(c->h->host.stack, c->s, c), 0);
    gander_stats(c->h->host.stack, &stats);
    CHECK(stats.memory_bytes == c->h->host.allocated_bytes);
    CHECK(stats.memory_bytes <= c->h->host.config.memory_max_bytes);
}

static void call_events(struct calls *c)
{
    struct gander_event events[3];
    size_t n = gander_events(c->h->host.stack, events, take8(&c->in) % 4);

    for (size_t i = 0; i < n; i++) {
        CHECK(is_open(c->h, events[i].socket));
        CHECK(events[i].error <= 0 && events[i].bits != 0);
        CHECK(events[i].context == NULL || events[i].context == c);
    }
}

/* Links, addresses, routes of any kind. */
static void call_net(struct calls *c)
{
    struct gander_stack *stack = c->h->host.stack;
    struct gander_address a = any_address(c);
    struct gander_link_config config = {.mtu_bytes = take16(&c->in)};
    uint8_t how = take8(&c->in);
    unsigned link = 77;
    int result;

    switch (how & 3) {
    case 0:
        result = gander_link_add(stack, &config, &link);
        CHECK(result == 0 || (link == 77 && (result == GANDER_EINVAL || result == GANDER_ENOMEM)));
        break;
    case 1:
        result = gander_address_add(stack, how >> 2 & 7, &a, (how >> 5) * 32U);
        CHECK(result <= 0);
        break;
    default:
        result = gander_route_add(stack, how >> 2 & 7, &a, (how >> 5) * 32U);
        CHECK(result == 0 || result == GANDER_EINVAL || result == GANDER_ENOMEM);
        break;
    }
}

/* --- the rest of the world ----------------------------------------------------------------------------- */

/* The packets themselves change hands, pieces of one stack's memory in the other's queues. */
static void hand_over(struct calls *c)
{
    for (unsigned i = 0; i < 2; i++) {
        struct host *from = &c->hosts[i].host, *to = &c->hosts[1 - i].host;
        struct gander_packet *packets[16];
        size_t n = gander_output(from->stack, from->link, packets, 16);

        gander_input(to->stack, to->link, packets, n);
    }
}

static void carry(struct calls *c, unsigned max)
{
    static struct frame frame;

    for (unsigned i = 0; i < 2; i++) {
        for (unsigned n = 0; n < max && host_leaves(&c->hosts[i].host, &frame); n++)
            host_hold(&c->hosts[1 - i].host, &frame);
        host_flush(&c->hosts[1 - i].host);
    }
}

static void time_passes(struct calls *c)
{
    uint8_t how = take8(&c->in);

    for (unsigned i = 0; i < 2; i++) {
        if (how & 128)
            host_sleep(&c->hosts[i].host, (gander_time)how * GANDER_S - 100 * GANDER_S);
        else
            host_next_deadline(&c->hosts[i].host);
    }
}

static void call(struct calls *c)
{
    static void (*const calls[])(struct calls *) = {
        call_open,    call_bind,    call_listen,  call_accept,       call_connect,
        call_send,    call_receive, call_send_to, call_receive_from, call_shutdown,
        call_options, call_about,   call_events,  call_net};
    uint8_t what = take8(&c->in) % 24;

    pick(c);
    if (what < sizeof(calls) / sizeof(calls[0]))
        calls[what](c);
    else if (what == 14)
        carry(c, 1000);
    else if (what < 17)
        hand_over(c);
    else if (what == 17)
        carry(c, take8(&c->in) % 4);
    else if (what == 18)
        time_passes(c);
    else if (what == 19)
        call_close(c, false);
    else if (what == 20)
        call_close(c, true);
    else if (what == 21)
        c->h->host.refusals = take8(&c->in) % 8;
    else if (what == 22 && !c->h->open[c->i])
        c->h->sockets[c->i] =
            (uint64_t)take32(&c->in) << 32 | take32(&c->in) % 8; /* never was one */
    else
        call_open(c);
}

/* Any configuration is either refused or works. */
static void configure(struct calls *c, struct host *host)
{
    uint8_t how = take8(&c->in);
    struct gander_config bad = host->config;
    struct gander_stack *stack = NULL;
    int result;

    if (how & 1)
        host->config.memory_max_bytes = 1 << 20;
    if (how & 2)
        host->config.udp_receive_buffer_bytes = 3000;
    if (!(how & 4))
        return;
    /* every field but pointers and size, byte by byte */
    for (unsigned i = 0; i < 4; i++) {
        size_t at = take16(&c->in) % sizeof(bad);

        if (at < offsetof(struct gander_config, secret) ||
            (at >= offsetof(struct gander_config, trace) &&
             at < offsetof(struct gander_config, start)) ||
            at >= offsetof(struct gander_config, udp_receive_buffer_bytes) ||
            (at >= offsetof(struct gander_config, tcp_timestamps) &&
             at < offsetof(struct gander_config, udp_receive_buffer_bytes)))
            continue;
        ((uint8_t *)&bad)[at] = take8(&c->in);
    }
    bad.memory_max_bytes = 1 << 20;
    result = gander_stack_create(&bad, &stack);
    CHECK(result == 0 || ((result == GANDER_EINVAL || result == GANDER_ENOMEM) && !stack));
    gander_stack_destroy(stack);
    CHECK(host->allocated_bytes == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct calls calls;
    struct calls *c = &calls;

    memset(c, 0, sizeof(*c));
    c->in = (struct input){data, size};
    for (unsigned i = 0; i < 2; i++) {
        struct host *host = &c->hosts[i].host;

        host_init(host);
        if (i == 1) {
            host->ip4 = host->peer4;
            host->ip6 = host->peer6;
        }
        configure(c, host);
        host_start(host);
    }
    for (unsigned i = 0; c->in.left > 0 && i < STEPS_MAX; i++)
        call(c);
    gander_packet_free(NULL);
    gander_stack_destroy(NULL);
    for (c->h = c->hosts; c->h < c->hosts + 2; c->h++) {
        for (c->i = 0; c->i < SOCKETS; c->i++) {
            c->s = c->h->sockets[c->i];
            call_close(c, c->i & 1);
        }
    }
    for (unsigned i = 0; i < 2; i++)
        host_run_out(&c->hosts[i].host);
    for (unsigned i = 0; i < 2; i++)
        host_finish(&c->hosts[i].host);
    return 0;
}

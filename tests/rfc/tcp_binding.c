/* SPDX-License-Identifier: MIT */
/*
 * Which addresses and ports a socket has [RFC9293 3.9.1.1, MUST-41 to MUST-45]: of one address, of a family, of both; who is in whose way; and
 * what a port is worth again when its socket is gone.
 */
#include "dialogue.h"

#include <string.h>

enum { ADDRESSES = 4 };

static struct gander_address address_at(unsigned i)
{
    static const uint8_t ips[ADDRESSES][16] = {{192, 0, 2, 1},
                                               {192, 0, 2, 3},
                                               {0x20, 1, 0xd, 0xb8, [15] = 1},
                                               {0x20, 1, 0xd, 0xb8, [15] = 3}};
    struct gander_address address = {.family = i < 2 ? GANDER_IPV4 : GANDER_IPV6, .port = 80};

    memcpy(address.ip, ips[i], 16);
    return address;
}

/* The stack has all four. */
static void add_addresses(struct dialogue *d)
{
    for (unsigned i = 0; i < ADDRESSES; i++) {
        struct gander_address address = address_at(i), own = dialogue_address(d, false);

        address.port = 0;
        if (!gander_address_equal(&address, &own))
            expect_equal(d, gander_address_add(d->stack, d->link, &address, i < 2 ? 24 : 64), 0);
    }
}

struct bound {
    unsigned family; /* 0: both */
    int at;          /* which address; −1: any */
    bool v6_only;
};

static const struct bound kinds[] = {
    {0, -1, false},          {GANDER_IPV4, -1, false}, {GANDER_IPV6, -1, false},
    {GANDER_IPV6, -1, true}, {GANDER_IPV4, 0, false},  {GANDER_IPV4, 1, false},
    {GANDER_IPV6, 2, false}, {GANDER_IPV6, 3, false},  {GANDER_IPV6, 2, true}};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static bool takes(const struct bound *b, unsigned i)
{
    bool v4 = i < 2;

    if (b->at >= 0)
        return b->at == (int)i;
    return b->family == 0 || b->family == (v4 ? GANDER_IPV4 : GANDER_IPV6) ||
           (v4 && b->family == GANDER_IPV6 && !b->v6_only);
}

static int bind_to(struct dialogue *d, const struct bound *b, uint16_t port, gander_socket *socket)
{
    struct gander_address local = {.family = (uint8_t)b->family};

    if (b->at >= 0)
        local = address_at((unsigned)b->at);
    local.port = port;
    expect_equal(d, gander_open(d->stack, GANDER_TCP, socket), 0);
    expect_equal(d, gander_set_option(d->stack, *socket, GANDER_OPTION_V6_ONLY, b->v6_only), 0);
    return gander_bind(d->stack, *socket, &local);
}

DIALOGUE(two_sockets_do_not_share_an_address)
{
    add_addresses(d);
    for (unsigned i = 0; i < KINDS; i++)
        for (unsigned k = 0; k < KINDS; k++) {
            gander_socket first, second;
            bool shared = false;

            for (unsigned a = 0; a < ADDRESSES; a++)
                shared |= takes(&kinds[i], a) && takes(&kinds[k], a);
            expect_equal(d, bind_to(d, &kinds[i], 80, &first), 0);
            if (i & 1) /* whether it listens already or not */
                expect_equal(d, gander_listen(d->stack, first, 1), 0);
            expect_equal(d, bind_to(d, &kinds[k], 80, &second), shared ? GANDER_EADDRINUSE : 0);
            expect_equal(d, gander_close(d->stack, second), 0);
            expect_equal(d, bind_to(d, &kinds[k], 81, &second), 0);
            expect_equal(d, gander_close(d->stack, second), 0);
            expect_equal(d, gander_close(d->stack, first), 0);
        }
}

/* [RFC9293 3.9.1.1]: the SYN of either family finds who listens for it, and nobody else */
DIALOGUE(listener_gets_what_it_listens_for)
{
    add_addresses(d);
    for (unsigned i = 0; i < KINDS; i++) {
        expect_equal(d, bind_to(d, &kinds[i], 80, &d->listener), 0);
        expect_equal(d, gander_listen(d->stack, d->listener, 2), 0);
        arrive(d, "S seq=0");
        if (takes(&kinds[i], d->family == GANDER_IPV4 ? 0 : 2)) {
            expect(d, "SA ack=1");
            arrive(d, "A seq=1");
            app_accept(d);
            app_abort(d);
            expect(d, "RA ack=1");
        } else {
            expect(d, "RA ack=1");
        }
        expect_equal(d, gander_close(d->stack, d->listener), 0);
        after(d, sec(1));
    }
}

DIALOGUE(
    any_free_port_is_picked) /* [RFC6056 3.2]: of the dynamic range, and not one that is taken */
{
    uint16_t ports[64];

    for (unsigned i = 0; i < 64; i++) {
        struct gander_address local;
        gander_socket socket;

        expect_equal(d, bind_to(d, &kinds[i % 3], 0, &socket), 0);
        expect_equal(d, gander_local_address(d->stack, socket, &local), 0);
        ports[i] = local.port;
        expect_true(d, local.port >= 32768 && local.port <= 60999);
        for (unsigned k = 0; k < i; k++)
            expect_true(d, ports[k] != ports[i]);
    }
}

/* [RFC9293 3.10.1]: what ends gives its port back: closed before it was opened, refused, reset, over */
DIALOGUE(port_is_free_again)
{
    struct gander_address local = dialogue_address(d, false);

    local.port = 1234;
    for (unsigned i = 0; i < 3; i++) {
        dialogue_flow(d, i);
        expect_equal(d, gander_open(d->stack, GANDER_TCP, &d->s), 0);
        expect_equal(d, gander_bind(d->stack, d->s, &local), 0);
        if (i > 0) {
            app_connect(d);
            expect(d, "S seq=0");
            if (i == 2) {
                arrive(d, "SA seq=0 ack=1");
                expect(d, "A seq=1 ack=1");
            }
            arrive(d, "RA seq=%u ack=1", i - 1);
            expect_event(d, GANDER_EVENT_CLOSED);
        } else {
            expect_equal(d, gander_close(d->stack, d->s), 0);
        }
    }
    expect_equal(d, gander_open(d->stack, GANDER_TCP, &d->listener), 0);
    expect_equal(d, gander_bind(d->stack, d->listener, &local), 0);
    expect_equal(d, gander_listen(d->stack, d->listener, 1), 0);
}

/* [RFC9293 3.6.1, 3.10.4]: neither does TIME-WAIT keep it from another peer, nor from a listener */
DIALOGUE(port_is_free_while_time_waits)
{
    struct gander_address local = dialogue_address(d, false);

    local.port = 1234;
    expect_equal(d, gander_open(d->stack, GANDER_TCP, &d->s), 0);
    expect_equal(d, gander_bind(d->stack, d->s, &local), 0);
    open_active(d);
    app_shutdown(d, GANDER_SHUTDOWN_SEND);
    expect(d, "FA seq=1 ack=1");
    arrive(d, "FA seq=1 ack=2");
    expect(d, "A seq=2 ack=2");
    expect_state(d, GANDER_TCP_TIME_WAIT);
    expect_equal(d, gander_open(d->stack, GANDER_TCP, &d->listener), 0);
    expect_equal(d, gander_bind(d->stack, d->listener, &local), 0);
}

/* What ended is no fresh socket: it neither opens again nor listens. */
DIALOGUE(ended_sockets_open_nothing)
{
    struct gander_address peer = dialogue_address(d, true);

    peer.port = 99;
    open_active(d);
    arrive(d, "RA seq=1 ack=1");
    expect_equal(d, gander_connect(d->stack, d->s, &peer), GANDER_EISCONN);
    expect_equal(d, gander_listen(d->stack, d->s, 1), GANDER_EISCONN);
    expect_equal(d, gander_shutdown(d->stack, d->s, GANDER_SHUTDOWN_SEND), GANDER_ENOTCONN);
}

int main(int argc, char **argv)
{
    static const struct dialogue_test tests[] = {
        RUN(two_sockets_do_not_share_an_address),
        RUN(listener_gets_what_it_listens_for),
        RUN(any_free_port_is_picked),
        RUN(port_is_free_again),
        RUN(port_is_free_while_time_waits),
        RUN(ended_sockets_open_nothing),
    };

    return DIALOGUE_MAIN(tests);
}

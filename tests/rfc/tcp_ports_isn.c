/* SPDX-License-Identifier: MIT */
/* Numbers that nobody outside can guess: initial sequence numbers (RFC 6528, RFC 9293 3.4.1), ports (RFC 6056). */
#include "dialogue.h"

#include <string.h>

/* Connects to a peer's port and abandons it; returns the ISN, and the local port through *port. */
static uint32_t probe(struct dialogue *d, unsigned flow, uint16_t *port)
{
    uint32_t iss;

    dialogue_flow(d, flow);
    d->s = 0;
    app_connect(d);
    expect(d, "S seq=0");
    iss = d->f->iss;
    *port = d->f->port;
    app_abort(d);
    expect_nothing(d);
    return iss;
}

/* The same four numbers again: the local port is given. */
static uint32_t probe_port(struct dialogue *d, uint16_t port)
{
    struct gander_address local = dialogue_address(d, false);
    uint32_t iss;

    local.port = port;
    expect_equal(d, gander_open(d->stack, GANDER_TCP, &d->s), 0);
    expect_equal(d, gander_bind(d->stack, d->s, &local), 0);
    app_connect(d);
    expect(d, "S seq=0");
    iss = d->f->iss;
    app_abort(d);
    expect_nothing(d);
    return iss;
}

DIALOGUE(isn_is_clock_driven) /* [RFC9293 MUST-8, RFC6528 3]: ISN = M + F(…), M counts 4 µs */
{
    uint32_t first = probe_port(d, 5000), second;

    after(d, sec(4));
    second = probe_port(d, 5000);
    expect_near(d, (int32_t)(second - first), 1000000, 1000);
    after(d, ms(1));
    expect_near(d, (int32_t)(probe_port(d, 5000) - second), 250, 5);
}

/* [RFC6528 3, SHLD-1]: F has the addresses and both ports in it */
DIALOGUE(isn_depends_on_all_four_numbers)
{
    uint32_t a = probe_port(d, 5000), b = probe_port(d, 5001), c, e;

    dialogue_flow(d, 1);
    c = probe_port(d, 5000);
    e = probe_port(d, 5001);
    expect_true(d, a != b && a != c && a != e && b != c && b != e && c != e);
    expect_true(d, b - a != e - c); /* and not as a sum of parts */
}

static void other_secret(struct gander_config *config)
{
    memset(config->secret, 99, sizeof(config->secret));
}

static uint32_t isn_with_known_secret[2][2];

DIALOGUE(isn_is_reproducible) /* the same secret and time: the same run, bit for bit */
{
    uint32_t iss = probe_port(d, 6000);
    uint32_t *known = &isn_with_known_secret[d->family == GANDER_IPV6][d->ts];

    expect_true(d, *known == 0 || *known == iss);
    *known = iss;
}

DIALOGUE(isn_depends_on_the_secret) /* [RFC9293 MUST-9]: not computable from outside */
{
    expect_true(d, probe_port(d, 6000) != isn_with_known_secret[d->family == GANDER_IPV6][d->ts]);
}

DIALOGUE(isn_of_passive_opens_too)
{
    uint32_t iss[2];

    app_listen(d, 4);
    for (unsigned i = 0; i < 2; i++) {
        dialogue_flow(d, i);
        arrive(d, "S");
        expect(d, "SA seq=0 ack=1");
        iss[i] = d->f->iss;
    }
    expect_true(d, iss[0] != iss[1]);
    arrive(d, "R seq=1");
    dialogue_flow(d, 0);
    arrive(d, "R seq=1");
    after(d, sec(4));
    d->f->next = 0;
    arrive(d, "S");
    expect(d, "SA seq=0 ack=1");
    expect_near(d, (int32_t)(d->f->iss - iss[0]), 1000000, 1000);
}

DIALOGUE(ports_are_in_the_dynamic_range) /* [RFC6056 3.2]: 1024 … 65535, not a well-known one */
{
    uint16_t port;

    for (unsigned i = 0; i < 14; i++) {
        probe(d, i, &port);
        expect_true(d, port >= 1024);
    }
}

DIALOGUE(ports_do_not_count_up) /* [RFC6056 3.3]: not the same step to each destination */
{
    uint16_t ports[8];
    unsigned regular = 0;

    for (unsigned i = 0; i < 8; i++)
        probe(d, i, &ports[i]);
    for (unsigned i = 2; i < 8; i++)
        regular += (uint16_t)(ports[i] - ports[i - 1]) == (uint16_t)(ports[i - 1] - ports[i - 2]);
    expect_true(d, regular <= 1);
}

DIALOGUE(a_port_in_use_is_not_chosen_again) /* [RFC6056 3.1]: the four numbers must be unique */
{
    uint16_t ports[64];

    for (unsigned i = 0; i < 64; i++) {
        struct gander_address peer = dialogue_address(d, true), local;
        gander_socket s;

        peer.port = d->f->peer_port;
        expect_equal(d, gander_open(d->stack, GANDER_TCP, &s), 0);
        expect_equal(d, gander_connect(d->stack, s, &peer), 0);
        expect_equal(d, gander_local_address(d->stack, s, &local), 0);
        dialogue_collect(d);
        d->f->port = local.port;
        expect(d, "S");
        ports[i] = local.port;
        for (unsigned k = 0; k < i; k++)
            expect_true(d, ports[k] != ports[i]);
    }
}

DIALOGUE(the_same_connection_twice) /* a bound port to the same peer: GANDER_EADDRINUSE */
{
    struct gander_address local = dialogue_address(d, false), peer = dialogue_address(d, true);
    gander_socket s;
    int result;

    local.port = 7000;
    peer.port = d->f->peer_port;
    expect_equal(d, gander_open(d->stack, GANDER_TCP, &d->s), 0);
    expect_equal(d, gander_bind(d->stack, d->s, &local), 0);
    app_connect(d);
    expect(d, "S seq=0");
    expect_equal(d, gander_open(d->stack, GANDER_TCP, &s), 0);
    result = gander_bind(d->stack, s, &local);
    if (result == 0)
        result = gander_connect(d->stack, s, &peer);
    expect_equal(d, result, GANDER_EADDRINUSE);
    expect_nothing(d);
}

static const struct dialogue_test tests[] = {
    RUN(isn_is_clock_driven),       RUN(isn_depends_on_all_four_numbers),
    RUN(isn_is_reproducible),       RUN_WITH(isn_depends_on_the_secret, other_secret),
    RUN(isn_of_passive_opens_too),  RUN(ports_are_in_the_dynamic_range),
    RUN(ports_do_not_count_up),     RUN(a_port_in_use_is_not_chosen_again),
    RUN(the_same_connection_twice),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}

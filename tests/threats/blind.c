/* SPDX-License-Identifier: MIT */
/*
 * How many tries a blind forger needs, and what packets tell him beforehand (docs/security.md B): segments at random against a living
 * connection, sequence numbers, ports, timestamps and IP identifiers that say nothing, bogus sources, a host that talks to itself.
 */
#include "threats/crowd.h"

#include <stdlib.h>
#include <string.h>

#include "tcp/tcp.h"

static struct tcp_conn *living(struct crowd *c, struct crowd_peer *p)
{
    crowd_start(c);
    crowd_listen(c, 4);
    assert_true(
        crowd_open(c, p, 1U + (c->family == GANDER_IPV6 ? 1U : 0U) + (c->ts ? 1U : 0U), NULL));
    crowd_advance(c, GANDER_S);
    return tcp_conn_of(sock_find(c->stack, p->socket));
}

/* --- B1 to B3: random segments --------------------------------------------------------------------------------- */

static void random_segments_do_no_harm(void **state)
{
    static const uint8_t kinds[] = {GANDER_FLAG_RST, GANDER_FLAG_RST | GANDER_FLAG_ACK,
                                    GANDER_FLAG_SYN, GANDER_FLAG_SYN | GANDER_FLAG_ACK,
                                    GANDER_FLAG_ACK, GANDER_FLAG_FIN | GANDER_FLAG_ACK};
    static uint8_t text[4] = "evil";
    struct crowd *c = *state;
    uint32_t tries = crowd_count(1 << 17, 1u << 24), rcv_nxt, challenges = 0;
    struct crowd_peer p;
    struct tcp_conn *conn = living(c, &p);
    uint64_t memory = 0;

    rcv_nxt = conn->rcv.nxt;
    for (uint32_t i = 0; i < tries; i++) {
        struct segment s = {.flags = kinds[i % 6],
                            .seq = crowd_random(c),
                            .wnd = 4096,
                            .len = i % 6 >= 4 ? sizeof(text) : 0,
                            .text = text};

        if (s.flags & GANDER_FLAG_ACK)
            s.ack = crowd_random(c);
        if ((uint32_t)s.seq - rcv_nxt <= 1u << 16 || rcv_nxt - (uint32_t)s.seq <= 8)
            s.seq +=
                1 << 20; /* the window itself is for injection.c: here nothing may come through */
        crowd_send(c, p.number, &s);
        challenges += (uint32_t)crowd_drain(c);
        if (i % 1024 == 0)
            crowd_advance(c, GANDER_MS);
        if (i == tries / 2)
            memory = crowd_stats(c).memory_bytes;
    }
    print_message("%u random segments in %lld ms: %u answers\n", tries,
                  (long long)(c->now / GANDER_MS), challenges);
    assert_int_equal(conn->entity.state, GANDER_TCP_ESTABLISHED);
    assert_int_equal(conn->rcv.nxt, rcv_nxt);
    assert_true(crowd_stats(c).memory_bytes <= memory + 65536);
    assert_int_equal(crowd_stats(c).tcp_resets_out, 0);
    assert_true(challenges <= 10 + 2 * (c->now / GANDER_S) +
                                  tries / 2000); /* few: who floods gets nothing back */
}

/* Only 1 in 2^32 RSTs resets: a whole window of guesses, of which one is right. */
static void a_window_of_resets_hits_once(void **state)
{
    struct crowd *c = *state;
    struct crowd_peer p;
    struct tcp_conn *conn = living(c, &p);
    uint32_t nxt = conn->rcv.nxt, before = crowd_count(2000, 65535);

    for (uint32_t i = before; i > 0; i--) { /* from above, down to the exact one */
        assert_int_equal(conn->entity.state, GANDER_TCP_ESTABLISHED);
        crowd_send(c, p.number, &(struct segment){.flags = GANDER_FLAG_RST, .seq = nxt + i});
    }
    assert_true(crowd_drain(c) <= 1); /* all at one instant: one challenge */
    crowd_send(c, p.number, &(struct segment){.flags = GANDER_FLAG_RST, .seq = nxt});
    assert_int_equal(crowd_stats(c).tcp_connections, 0);
}

/* --- B8 to B10: what numbers tell -------------------------------------------------------------------------------- */

static gander_socket dial(struct crowd *c, uint32_t number, struct segment *syn)
{
    struct segment_path path = crowd_path(c, number);
    struct gander_address to = {.family = (uint8_t)c->family, .port = 443};
    gander_socket s;
    uint32_t who;

    memcpy(to.ip, path.source, 16);
    assert_int_equal(gander_open(c->stack, GANDER_TCP, &s), 0);
    assert_int_equal(gander_connect(c->stack, s, &to), 0);
    assert_true(crowd_take(c, &who, syn) && who == number);
    return s;
}

/* Each bit is 1 half of the time, and one number says nothing of the next. */
static void numbers_of_connections_look_random(void **state)
{
    enum { CALLS = 2000 };
    struct crowd *c = *state;
    unsigned isn_bits[32] = {0}, ts_bits[32] = {0}, steps = 0, same_step = 0;
    struct segment s, last = {0};
    int port_step = 0;

    crowd_start(c);
    for (uint32_t i = 0; i < CALLS; i++) { /* all at one instant: clocks add nothing */
        gander_socket socket = dial(c, 1000 + i, &s);

        for (unsigned b = 0; b < 32; b++) {
            isn_bits[b] += ((uint32_t)s.seq ^ (uint32_t)last.seq) >> b & 1;
            ts_bits[b] += (s.tsval ^ last.tsval) >> b & 1;
        }
        steps++;
        same_step += s.source_port - last.source_port == port_step;
        port_step = s.source_port - last.source_port;
        assert_true(s.source_port >= 1024);
        last = s;
        assert_int_equal(gander_abort(c->stack, socket), 0);
        crowd_drain(c);
    }
    for (unsigned b = 0; b < 32; b++) { /* six standard deviations */
        assert_in_range(isn_bits[b], CALLS / 2 - 135, CALLS / 2 + 135);
        if (c->ts)
            assert_in_range(ts_bits[b], CALLS / 2 - 135, CALLS / 2 + 135);
    }
    assert_true(same_step <= steps / 100);
}

/* --- B6: IP identifiers ---------------------------------------------------------------------------------------------- */

static void ip_identifiers_say_nothing(void **state)
{
    struct crowd *c = *state;
    struct gander_packet *packet;
    unsigned packets = 0, counting = 0;
    int last = -1;

    crowd_start(c);
    crowd_listen(c, 1000);
    for (uint32_t i = 0; i < 500; i++) {
        crowd_syn(c, 1000 + i);
        while (gander_output(c->stack, c->link, &packet, 1) == 1) {
            const uint8_t *b = packet->frag[0].data;

            if (c->family == GANDER_IPV4) {
                int id = b[4] << 8 | b[5];

                assert_int_equal(b[6] & 0x40, 0x40); /* DF: never reassembled [RFC6864 4.1] */
                counting += last >= 0 && id != 0 && ((id - last) & 0xffff) < 16;
                last = id;
            } else {
                assert_int_not_equal(b[6], 44); /* no fragment header, which has the identifier */
            }
            packets++;
            gander_packet_free(packet);
        }
    }
    assert_int_equal(packets, 500);
    assert_true(counting <= 2);
}

/* --- B15, B16: bogus ends ---------------------------------------------------------------------------------------------- */

static uint64_t dropped(const struct crowd *c)
{
    struct gander_stats stats = crowd_stats(c);
    uint64_t n = 0;

    for (unsigned i = 0; i < GANDER_DROP_COUNT; i++)
        n += stats.drops[i];
    return n;
}

static void bogus_ends_are_dropped_in_silence(void **state)
{
    struct crowd *c = *state;
    static uint8_t bytes[200];
    struct segment s = {
        .flags = GANDER_FLAG_SYN, .source_port = CROWD_PORT, .destination_port = CROWD_PORT};
    struct segment_path path;
    uint64_t before;

    crowd_start(c);
    crowd_listen(c, 10);
    for (unsigned kind = 0; kind < 6; kind++) {
        path = crowd_path(c, 1);
        s.source_port = s.destination_port = CROWD_PORT;
        switch (kind) {
        case 0: /* LAND: from ourselves */
            memcpy(path.source, path.destination, 16);
            break;
        case 1:
            s.source_port = 0;
            break;
        case 2:
            s.destination_port = 0;
            break;
        case 3: /* from everybody */
            memset(path.source, 0xff, 16);
            break;
        case 4: /* from nobody */
            memset(path.source, 0, 16);
            break;
        default: /* from inside the machine */
            memset(path.source, 0, 16);
            path.source[0] = c->family == GANDER_IPV4 ? 127 : 0;
            path.source[c->family == GANDER_IPV4 ? 3 : 15] = 1;
            break;
        }
        before = dropped(c);
        crowd_send_bytes(c, bytes, segment_build(&s, &path, bytes));
        assert_int_equal(crowd_drain(c), 0);
        assert_int_equal(dropped(c) - before, 1);
        assert_int_equal(crowd_stats(c).tcp_syn_received, 0);
    }
}

/* A host that dials its own address over a link that brings everything back: no storm, and an end. */
static void a_call_to_oneself_is_no_storm(void **state)
{
    struct crowd *c = *state;
    struct segment_path path = crowd_path(c, 1);
    struct gander_address us = {.family = (uint8_t)c->family, .port = CROWD_PORT};
    struct gander_packet *packet;
    gander_socket s;
    unsigned packets = 0;

    c->config.tcp_syn_retries = 3;
    crowd_start(c);
    crowd_listen(c, 4);
    memcpy(us.ip, path.destination, 16);
    assert_int_equal(gander_open(c->stack, GANDER_TCP, &s), 0);
    if (gander_connect(c->stack, s, &us) != 0)
        return; /* refused at once */
    for (unsigned i = 0; i < 3000; i++) {
        while (gander_output(c->stack, c->link, &packet, 1) == 1) {
            gander_input(c->stack, c->link, &packet, 1);
            packets++;
        }
        crowd_advance(c, 10 * GANDER_MS);
    }
    assert_true(packets <= 20);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        CROWD_TEST(random_segments_do_no_harm),         CROWD_TEST(a_window_of_resets_hits_once),
        CROWD_TEST(numbers_of_connections_look_random), CROWD_TEST(ip_identifiers_say_nothing),
        CROWD_TEST(bogus_ends_are_dropped_in_silence),  CROWD_TEST(a_call_to_oneself_is_no_storm),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

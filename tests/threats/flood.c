/* SPDX-License-Identifier: MIT */
/*
 * Floods that cost the sender one packet each (docs/security.md A1 to A4, A13, A14): SYNs, forged cookies, segments to closed ports, many equal
 * deadlines. RFC 4987, RFC 9293 3.5.2. What honest clients see meanwhile is what counts, and what each packet leaves behind.
 */
#include "threats/crowd.h"

#include <stdio.h>
#include <string.h>

#include "tcp/tcp.h"

enum { HONEST = 1000, FIRST_ATTACKER = 1 << 16, BACKLOG = 256 };

/* --- A1: the SYN flood ------------------------------------------------------------------------------------ */

struct honest {
    uint32_t iss[HONEST];
    bool answered[HONEST], established[HONEST];
};

/* Honest clients answer the SYN-ACKs that are theirs; attackers never see theirs. */
static void clients_hear(struct crowd *c, struct honest *h)
{
    struct segment s;
    uint32_t who;

    while (crowd_take(c, &who, &s)) {
        if (who < 1 || who > HONEST || h->answered[who - 1])
            continue;
        assert_int_equal(s.flags, GANDER_FLAG_SYN | GANDER_FLAG_ACK);
        assert_int_equal(s.ack, crowd_isn(who) + 1);
        h->answered[who - 1] = true;
        h->iss[who - 1] = (uint32_t)s.seq;
        crowd_send(c, who,
                   &(struct segment){.flags = GANDER_FLAG_ACK,
                                     .seq = crowd_isn(who) + 1,
                                     .ack = (uint32_t)s.seq + 1,
                                     .wnd = 65535,
                                     .tsecr = s.tsval,
                                     .fields = c->ts ? FIELD_TS : 0,
                                     .tsval = 1000 + (uint32_t)(c->now / GANDER_MS)});
    }
}

static unsigned accept_all(struct crowd *c, gander_socket *sockets)
{
    gander_socket s;
    unsigned n = 0;

    while (gander_accept(c->stack, c->listener, &s, NULL) == 0)
        sockets[n++] = s;
    return n;
}

static void honest_clients_connect_through_a_syn_flood(void **state)
{
    struct crowd *c = *state;
    uint32_t flood = crowd_count(100000, 1000000), every = flood / HONEST, most_records = 0;
    static struct honest h;
    static gander_socket sockets[HONEST];
    struct gander_stats stats;
    uint64_t before, grown;
    unsigned accepted = 0;

    memset(&h, 0, sizeof(h));
    crowd_start(c);
    crowd_listen(c, BACKLOG);
    for (uint32_t i = 0; i < BACKLOG;
         i++) /* as many as the backlog holds, then the books are opened */
        crowd_syn(c, FIRST_ATTACKER + i);
    crowd_drain(c);
    before = c->allocated_bytes;
    for (uint32_t i = 0; i < flood; i++) {
        crowd_syn(c, FIRST_ATTACKER + BACKLOG + i);
        if (i % every == 0 && i / every < HONEST)
            crowd_syn(c, 1 + i / every);
        if (i % 16 == 0) {
            clients_hear(c, &h);
            accepted += accept_all(c, sockets + accepted);
        }
        if (i % 1000 == 0) {
            stats = crowd_stats(c);
            most_records = stats.tcp_syn_received > most_records ? (uint32_t)stats.tcp_syn_received
                                                                 : most_records;
            crowd_advance(c, GANDER_MS);
        }
    }
    clients_hear(c, &h);
    accepted += accept_all(c, sockets + accepted);
    stats = crowd_stats(c);
    assert_int_equal(accepted, HONEST);
    assert_true(most_records <= BACKLOG);
    assert_true(stats.tcp_syn_cookies_sent >= flood);           /* it was entered … */
    assert_true(stats.tcp_syn_cookies_accepted >= HONEST - 10); /* (a few may find a free record) */
    grown = c->allocated_bytes - before;
    print_message("%u SYNs: heap grew by %llu bytes, %llu per honest connection, 0 per cookie\n",
                  flood, (unsigned long long)grown, (unsigned long long)grown / HONEST);
    assert_true(grown <= 1024 * HONEST); /* the connections that were opened, and nothing else */
    crowd_pass(c, 200 * GANDER_S);       /* … and left: all records are gone */
    stats = crowd_stats(c);
    assert_int_equal(stats.tcp_syn_received, 0);
    crowd_syn(c, 2 * FIRST_ATTACKER);
    crowd_drain(c);
    assert_int_equal(crowd_stats(c).tcp_syn_cookies_sent, stats.tcp_syn_cookies_sent);
    assert_int_equal(crowd_stats(c).tcp_syn_received, 1);
}

/* --- A2, A13: pending connections, and a table that an attacker fills ------------------------------------ */

struct probes {
    const struct table *table;
    uint64_t sum, most, n;
};

static void probe(void *object, void *context)
{
    struct probes *p = context;
    uint32_t steps = table_probes(p->table, ((struct tcp_entity *)object)->hash, object);

    p->sum += steps;
    p->n++;
    p->most = steps > p->most ? steps : p->most;
}

/* Slots that lookups inspect, with peers whose addresses and ports differ in the least bits only. */
static struct probes probes_of(const struct crowd *c)
{
    struct probes p = {.table = &c->stack->tcp.flows};

    table_each(p.table, probe, &p);
    return p;
}

/* The cheapest of several batches of SYNs: others share the processor. */
static int64_t batch_cost_ns(struct crowd *c, uint32_t *next)
{
    int64_t best = INT64_MAX;

    for (unsigned batch = 0; batch < 5; batch++) {
        int64_t start = crowd_cpu_ns(), cost;

        for (unsigned i = 0; i < 200; i++) {
            crowd_syn(c, (*next)++);
            if (i % 16 == 0)
                crowd_drain(c);
        }
        crowd_drain(c);
        cost = (crowd_cpu_ns() - start) / 200;
        best = cost < best ? cost : best;
    }
    return best;
}

static void a_syn_costs_the_same_however_many_are_pending(void **state)
{
    struct crowd *c = *state;
    uint32_t all = crowd_count(50000, 1000000), next = FIRST_ATTACKER;
    struct probes early, late;
    int64_t first, last;
    uint64_t before;

    c->config.memory_max_bytes = 1024 << 20;
    crowd_start(c);
    crowd_listen(c, 1 << 30);
    before = crowd_stats(c).memory_bytes;
    first = batch_cost_ns(c, &next);
    early = probes_of(c);
    while (next < FIRST_ATTACKER + all) {
        crowd_syn(c, next++);
        crowd_drain(c);
    }
    last = batch_cost_ns(c, &next);
    late = probes_of(c);
    assert_int_equal(late.n, next - FIRST_ATTACKER);
    print_message(
        "%llu pending: %.2f slots a lookup (at most %llu; %.2f with %llu), %lld ns a SYN (%lld), "
        "%llu bytes each\n",
        (unsigned long long)late.n, (double)late.sum / (double)late.n,
        (unsigned long long)late.most, (double)early.sum / (double)early.n,
        (unsigned long long)early.n, (long long)last, (long long)first,
        (unsigned long long)(crowd_stats(c).memory_bytes - before) / late.n);
    assert_true(late.sum <
                late.n * 6); /* A13: as random hashes; test_table.c knows the same bound */
    assert_true(late.most < 200);
    assert_true(last < 5 * first + 2000); /* A2: not 100 times; caches are what differs */
    assert_true((crowd_stats(c).memory_bytes - before) / late.n <=
                160); /* entry in the table included */
}

/* Two stacks with other secrets put the same flows elsewhere: what fills a page here does not there. */
static void the_table_depends_on_the_secret(void **state)
{
    struct crowd *c = *state;
    struct tcp_flow flow = {.local_port = CROWD_PORT, .remote_port = CROWD_PEER_PORT};
    struct siphash_key other = {1, 2};
    unsigned same = 0, together = 0;

    crowd_start(c);
    for (uint32_t i = 0; i < 10000; i++) {
        struct siphash_key mine = c->stack->table_key;
        uint32_t here, there;

        memcpy(flow.ip + 4, &i, sizeof(i));
        here = tcp_flow_hash(c->stack, c->family, &flow);
        c->stack->table_key = other;
        there = tcp_flow_hash(c->stack, c->family, &flow);
        c->stack->table_key = mine;
        same += here == there;
        together += (here & 0xff) == 7 && (there & 0xff) == 7;
    }
    assert_true(same <= 1);
    assert_true(together <=
                3); /* 39 fall into one of 256 pages; by chance 0.15 into the same one again */
}

/* --- A14: equal deadlines ---------------------------------------------------------------------------------- */

static void equal_deadlines_are_served_in_bounded_steps(void **state)
{
    struct crowd *c = *state;
    uint32_t all = crowd_count(20000, 1000000), calls = 0;
    uint64_t sent, most = 0;

    c->config.memory_max_bytes = 1024 << 20;
    crowd_start(c);
    crowd_listen(c, 1 << 30);
    for (uint32_t i = 0; i < all; i++) {
        crowd_syn(c, FIRST_ATTACKER + i);
        crowd_drain(c);
    }
    sent = crowd_stats(c).tcp_retransmitted_segments;
    while (crowd_stats(c).tcp_retransmitted_segments <
           all) { /* each SYN-ACK is due at the same instant */
        uint64_t now;

        gander_advance(c->stack, c->config.start + GANDER_S);
        crowd_drain(c);
        now = crowd_stats(c).tcp_retransmitted_segments;
        most = now - sent > most ? now - sent : most;
        sent = now;
        calls++;
        assert_true(calls < all);
        assert_true(gander_deadline(c->stack) <= c->config.start + GANDER_S || sent == all);
    }
    print_message("%u deadlines at once: at most %llu of them a call\n", all,
                  (unsigned long long)most);
    assert_true(most <= 1024); /* less than 1 ms even at 900 ns each */
    c->now = GANDER_S;
}

/* --- A3: forged cookies -------------------------------------------------------------------------------------- */

/* All that the stack knows of an ACK is in its numbers: try many at random, straight at the check. */
static void random_acks_are_no_cookies(void **state)
{
    struct crowd *c = *state;
    uint32_t tries = crowd_count(1u << 24, 1u << 28), accepted = 0;
    struct tcp_syn_received r;
    struct tcp_listener *l;

    crowd_start(c);
    crowd_listen(c, 1);
    l = tcp_listener_of(sock_find(c->stack, c->listener));
    l->cookies_until_ns = c->stack->now + 128 * GANDER_S;
    memset(&r, 0, sizeof(r));
    r.entity.family = (uint8_t)c->family;
    r.flow = (struct tcp_flow){.local_port = CROWD_PORT, .remote_port = CROWD_PEER_PORT};
    r.listener = l;
    for (uint32_t i = 0; i < tries; i++) {
        struct tcp_segment seg = {.flags = GANDER_FLAG_ACK, .seq = 1, .ack = crowd_random(c)};

        r.flow.ip[4] = (uint8_t)i;
        accepted += tcp_syn_cookie_accept(c->stack, l, &seg, &r);
    }
    print_message("%u random ACKs: %u taken for cookies\n", tries, accepted);
    assert_true(accepted <= tries >> 23);
    assert_int_equal(crowd_stats(c).tcp_syn_cookies_accepted, accepted);
}

/* The same through the whole stack: no connection, and what is told back has a rate. */
static void forged_acks_open_nothing(void **state)
{
    struct crowd *c = *state;
    uint32_t tries = crowd_count(20000, 1 << 22);
    gander_socket socket;
    uint64_t before;

    crowd_start(c);
    crowd_listen(c, 1);
    crowd_syn(c, 1);
    crowd_syn(c, 2); /* cookies are being sent */
    crowd_drain(c);
    before = c->allocated_bytes;
    for (uint32_t i = 0; i < tries; i++) {
        crowd_send(c, 3,
                   &(struct segment){
                       .flags = GANDER_FLAG_ACK, .seq = crowd_random(c), .ack = crowd_random(c)});
        crowd_drain(c);
    }
    assert_int_equal(crowd_stats(c).tcp_syn_cookies_accepted, 0);
    assert_int_equal(gander_accept(c->stack, c->listener, &socket, NULL), GANDER_EAGAIN);
    assert_true(crowd_stats(c).tcp_resets_out <= 125);
    assert_true(c->allocated_bytes <= before + 65536);
}

/* A cookie that somebody has overheard opens no more than what its owner could open, and not for ever. */
static void a_replayed_cookie_dies_with_its_time(void **state)
{
    struct crowd *c = *state;
    struct tcp_listener *l;
    struct segment s, ack;
    gander_socket socket;
    gander_time until;
    uint32_t who;

    crowd_start(c);
    crowd_listen(c, 1);
    crowd_syn(c, 1);
    crowd_drain(c);
    crowd_syn(c, 2);
    assert_true(crowd_take(c, &who, &s) && who == 2);
    ack = (struct segment){.flags = GANDER_FLAG_ACK,
                           .seq = crowd_isn(2) + 1,
                           .ack = (uint32_t)s.seq + 1,
                           .wnd = 1000,
                           .tsecr = s.tsval};
    l = tcp_listener_of(sock_find(c->stack, c->listener));
    until = l->cookies_until_ns;
    l->cookies_until_ns =
        c->stack->now; /* none was sent lately: not even a right one is believed */
    crowd_send(c, 2, &ack);
    assert_int_equal(crowd_stats(c).tcp_syn_cookies_accepted, 0);
    l->cookies_until_ns = until;
    crowd_send(c, 2, &ack);
    assert_int_equal(crowd_stats(c).tcp_syn_cookies_accepted, 1);
    for (unsigned i = 0; i < 100; i++) /* while the connection is there, they are its ACKs */
        crowd_send(c, 2, &ack);
    assert_int_equal(crowd_stats(c).tcp_syn_cookies_accepted, 1);
    assert_int_equal(gander_accept(c->stack, c->listener, &socket, NULL), 0);
    assert_int_equal(gander_accept(c->stack, c->listener, &socket, NULL), GANDER_EAGAIN);
    assert_int_equal(gander_abort(c->stack, socket), 0);
    crowd_pass(c, 129 * GANDER_S);
    crowd_send(c, 2, &ack);
    assert_int_equal(crowd_stats(c).tcp_syn_cookies_accepted, 1);
    assert_int_equal(gander_accept(c->stack, c->listener, &socket, NULL), GANDER_EAGAIN);
}

/* --- A4: segments to closed ports ----------------------------------------------------------------------------- */

static void flood_closed_port(struct crowd *c, uint8_t flags, uint32_t n, bool many_sources)
{
    for (uint32_t i = 0; i < n; i++) {
        crowd_send(c, many_sources ? FIRST_ATTACKER + i : 1,
                   &(struct segment){.flags = flags,
                                     .destination_port = 81,
                                     .seq = crowd_random(c),
                                     .ack = flags & GANDER_FLAG_ACK ? crowd_random(c) : 0,
                                     .fields = FIELD_NOTS});
        if (i % 16 == 0)
            crowd_drain(c);
    }
    crowd_drain(c);
}

static void closed_ports_keep_no_state_and_hold_their_tongue(void **state)
{
    static const uint8_t kinds[] = {GANDER_FLAG_ACK, GANDER_FLAG_SYN | GANDER_FLAG_ACK,
                                    GANDER_FLAG_SYN, GANDER_FLAG_FIN};
    struct crowd *c = *state;
    uint32_t n = crowd_count(5000, 250000);
    uint64_t before;

    crowd_start(c);
    flood_closed_port(c, GANDER_FLAG_ACK, 10, false);
    before = c->allocated_bytes;
    for (unsigned k = 0; k < 4; k++) {
        uint64_t resets = crowd_stats(c).tcp_resets_out;

        crowd_pass(c, 2 * GANDER_S);
        flood_closed_port(c, kinds[k], n, false); /* at one instant: what the bucket holds */
        assert_in_range(crowd_stats(c).tcp_resets_out - resets, 1, 125);
        crowd_pass(c, GANDER_S / 10);
        resets = crowd_stats(c).tcp_resets_out;
        flood_closed_port(c, kinds[k], n, false); /* 1/10 s later: what has trickled in */
        assert_in_range(crowd_stats(c).tcp_resets_out - resets, 1, 125);
    }
    crowd_pass(c, 2 * GANDER_S);
    before = before > c->allocated_bytes ? before : c->allocated_bytes;
    {
        uint64_t resets = crowd_stats(c).tcp_resets_out;

        flood_closed_port(c, GANDER_FLAG_ACK, n, true);
        assert_true(crowd_stats(c).tcp_resets_out - resets <= 64 * 125);
        resets = crowd_stats(c).tcp_resets_out;
        crowd_pass(c, 2 * GANDER_S);
        flood_closed_port(c, GANDER_FLAG_RST, n, false);
        flood_closed_port(c, GANDER_FLAG_RST | GANDER_FLAG_ACK, n, true);
        assert_int_equal(crowd_stats(c).tcp_resets_out, resets); /* never a reset for a reset */
    }
    assert_true(c->allocated_bytes <= before + 65536);
    assert_int_equal(crowd_stats(c).tcp_connections, 0);
    assert_int_equal(gander_deadline(c->stack), GANDER_NEVER);
}

/* One victim's name in a million sources does not silence the answers to others (buckets by keyed hash). */
static void another_client_still_gets_its_reset(void **state)
{
    struct crowd *c = *state;
    unsigned answered = 0;

    crowd_start(c);
    flood_closed_port(c, GANDER_FLAG_ACK, 5000, false);
    for (uint32_t i = 0; i < 200; i++) {
        uint64_t resets = crowd_stats(c).tcp_resets_out;

        crowd_send(c, 100 + i, &(struct segment){.flags = GANDER_FLAG_SYN, .destination_port = 81});
        answered += crowd_stats(c).tcp_resets_out > resets;
        crowd_drain(c);
    }
    assert_true(answered >= 180); /* but those whose bucket the attacker shares: 1 in 64 */
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        CROWD_TEST(honest_clients_connect_through_a_syn_flood),
        CROWD_TEST(a_syn_costs_the_same_however_many_are_pending),
        CROWD_TEST(the_table_depends_on_the_secret),
        CROWD_TEST(equal_deadlines_are_served_in_bounded_steps),
        CROWD_TEST(random_acks_are_no_cookies),
        CROWD_TEST(forged_acks_open_nothing),
        CROWD_TEST(a_replayed_cookie_dies_with_its_time),
        CROWD_TEST(closed_ports_keep_no_state_and_hold_their_tongue),
        CROWD_TEST(another_client_still_gets_its_reset),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

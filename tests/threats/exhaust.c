/* SPDX-License-Identifier: MIT */
/*
 * Peers that hold what they get (docs/security.md A5 to A11): closed and tiny windows, silence while closing, floods of TIME-WAIT, crumbs ahead of
 * a gap, SACKs that cut the send queue to pieces. RFC 6429, RFC 9293 3.8.6, CVE-2018-5390, CVE-2019-11477 to 11479.
 */
#include "threats/crowd.h"

#include <stdlib.h>
#include <string.h>

#include "tcp/tcp.h"

enum { HONEST = 1, FIRST_ATTACKER = 100, KIB = 1024 };

static struct tcp_conn *conn_of(struct crowd *c, gander_socket socket)
{
    return tcp_conn_of(sock_find(c->stack, socket));
}

/* The application offers `len` bytes to a peer that acknowledges all that it gets; returns how many arrived. */
static uint32_t serve_honestly(struct crowd *c, struct crowd_peer *p, uint32_t len)
{
    static uint8_t text[64 * KIB];
    uint32_t start = p->ack, offered = 0;

    for (unsigned turn = 0; turn < 400 && p->ack - start < len; turn++) {
        int64_t taken =
            offered < len ? gander_send(c->stack, p->socket, text, len - offered, 0) : 0;

        offered += taken > 0 ? (uint32_t)taken : 0;
        if (crowd_hear(c, p) > 0)
            crowd_say(c, p, GANDER_FLAG_ACK, 0);
        else
            crowd_advance(c, 10 * GANDER_MS);
    }
    return p->ack - start;
}

/* --- A5: windows that never open ---------------------------------------------------------------------------- */

static void closed_windows_cost_their_owners_alone(void **state)
{
    struct crowd *c = *state;
    uint32_t peers = crowd_count(3000, 10000), refused = 0;
    static uint8_t text[32 * KIB];
    struct crowd_peer honest, attacker;
    struct gander_stats stats;
    uint64_t most = 0;

    c->config.memory_max_bytes = peers * 4 * KIB; /* an eighth of what they ask for */
    crowd_start(c);
    crowd_listen(c, 64);
    assert_true(crowd_open(c, &honest, HONEST, NULL));
    for (uint32_t i = 0; i < peers; i++) {
        if (crowd_open(c, &attacker, FIRST_ATTACKER + i, NULL)) {
            attacker.wnd = 0;
            crowd_say(c, &attacker, GANDER_FLAG_ACK, 0);
            gander_send(c->stack, attacker.socket, text, sizeof(text), 0);
        } else {
            refused++;
        }
        if (i % 30 == 0) {
            crowd_pass(c, GANDER_S);
            assert_int_equal(serve_honestly(c, &honest, 8 * KIB), 8 * KIB);
        }
        stats = crowd_stats(c);
        most = stats.memory_bytes > most ? stats.memory_bytes : most;
    }
    print_message("%u closed windows: %llu of %llu bytes held at most, %llu evicted, %u refused\n",
                  peers, (unsigned long long)most, (unsigned long long)c->config.memory_max_bytes,
                  (unsigned long long)stats.tcp_evictions, refused);
    assert_true(most <= c->config.memory_max_bytes);
    assert_true(c->allocated_peak_bytes <= c->config.memory_max_bytes + 64 * KIB);
    assert_true(stats.tcp_evictions > 0); /* somebody had to go … */
    assert_int_equal(serve_honestly(c, &honest, 64 * KIB),
                     64 * KIB); /* … but not who makes progress */
    assert_int_equal(conn_of(c, honest.socket)->entity.state, GANDER_TCP_ESTABLISHED);
    assert_true(refused < peers / 10);
}

/* Few that hold much for long go before many that hold little. */
static void the_worst_holder_goes_first(void **state)
{
    enum { BIG = 12, SMALL = 600 };
    struct crowd *c = *state;
    static uint8_t text[192 * KIB];
    struct crowd_peer big[BIG], small;
    unsigned alive = 0;

    c->config.memory_max_bytes = 6ull << 20;
    crowd_start(c);
    crowd_listen(c, 4);
    for (unsigned i = 0; i < BIG; i++) {
        assert_true(crowd_open(c, &big[i], FIRST_ATTACKER + i, NULL));
        big[i].wnd = 0;
        crowd_say(c, &big[i], GANDER_FLAG_ACK, 0);
        gander_send(c->stack, big[i].socket, text, sizeof(text), 0);
    }
    crowd_pass(c, 20 * GANDER_S);
    for (unsigned i = 0; i < SMALL && crowd_stats(c).tcp_evictions < BIG / 2; i++) {
        assert_true(crowd_open(c, &small, 1000 + i, NULL));
        small.wnd = 0;
        crowd_say(c, &small, GANDER_FLAG_ACK, 0);
        gander_send(c->stack, small.socket, text, 12 * KIB, 0);
        crowd_pass(c, 10 * GANDER_MS);
    }
    for (unsigned i = 0; i < BIG; i++)
        alive += conn_of(c, big[i].socket)->entity.state == GANDER_TCP_ESTABLISHED;
    assert_true(crowd_stats(c).tcp_evictions >= BIG / 2);
    assert_int_equal(alive, BIG - crowd_stats(c).tcp_evictions); /* it was always one of them */
}

/* Probes of a window that stays closed: further and further apart, up to a minute [RFC9293 3.8.6.1]. */
static void probes_back_off_to_a_minute(void **state)
{
    struct crowd *c = *state;
    static uint8_t text[KIB];
    struct crowd_peer p;
    gander_time last, gap = 0;
    unsigned probes = 0;

    crowd_start(c);
    crowd_listen(c, 4);
    assert_true(crowd_open(c, &p, FIRST_ATTACKER, NULL));
    p.wnd = 0;
    crowd_say(c, &p, GANDER_FLAG_ACK, 0);
    assert_int_equal(gander_send(c->stack, p.socket, text, sizeof(text), 0), sizeof(text));
    last = c->now;
    for (unsigned i = 0; i < 3600 * 10; i++) {
        uint32_t ack = p.ack;

        crowd_advance(c, GANDER_S / 10);
        if (crowd_hear(c, &p) == 0)
            continue;
        probes++;
        p.ack = ack; /* the byte does not fit, says the peer, as always */
        crowd_say(c, &p, GANDER_FLAG_ACK, 0);
        assert_true(c->now - last >= gap - GANDER_S / 5);
        gap = c->now - last;
        last = c->now;
    }
    assert_in_range(gap, 59 * GANDER_S, 61 * GANDER_S);
    assert_in_range(probes, 50, 80); /* in an hour, and for as long as it likes (MUST-36) */
    assert_int_equal(conn_of(c, p.socket)->entity.state, GANDER_TCP_ESTABLISHED);
}

/* The application may set a limit of its own [RFC6429 4, RFC5482]. */
static void a_user_timeout_ends_a_closed_window(void **state)
{
    struct crowd *c = *state;
    static uint8_t text[KIB];
    struct crowd_peer p;
    unsigned seconds = 0;

    crowd_start(c);
    crowd_listen(c, 4);
    assert_true(crowd_open(c, &p, FIRST_ATTACKER, NULL));
    assert_int_equal(
        gander_set_option(c->stack, p.socket, GANDER_OPTION_USER_TIMEOUT_NS, 30 * GANDER_S), 0);
    p.wnd = 0;
    crowd_say(c, &p, GANDER_FLAG_ACK, 0);
    assert_int_equal(gander_send(c->stack, p.socket, text, sizeof(text), 0), sizeof(text));
    for (; seconds < 120 && conn_of(c, p.socket)->entity.state != GANDER_TCP_CLOSED; seconds++) {
        uint32_t ack = p.ack;

        crowd_advance(c, GANDER_S);
        if (crowd_hear(c, &p) > 0 && conn_of(c, p.socket)->entity.state != GANDER_TCP_CLOSED) {
            p.ack = ack;
            crowd_say(c, &p, GANDER_FLAG_ACK, 0);
        }
    }
    assert_in_range(seconds, 29, 95); /* measured from the first byte sent, noticed with a probe */
}

/* --- A6: windows of one byte ------------------------------------------------------------------------------------ */

static void tiny_windows_do_not_make_tiny_segments(void **state)
{
    struct crowd *c = *state;
    static uint8_t text[16 * KIB];
    uint32_t peers = crowd_count(500, 10000);
    struct crowd_peer *p = calloc(peers, sizeof(*p));
    uint64_t out;

    c->config.memory_max_bytes = 1ull << 30;
    crowd_start(c);
    crowd_listen(c, 4);
    for (uint32_t i = 0; i < peers; i++) {
        assert_true(crowd_open(c, &p[i], FIRST_ATTACKER + i, NULL));
        p[i].wnd = 1;
        crowd_say(c, &p[i], GANDER_FLAG_ACK, 0);
        assert_int_equal(gander_send(c->stack, p[i].socket, text, sizeof(text), 0), sizeof(text));
    }
    out = crowd_stats(c).tcp_segments_out;
    for (unsigned second = 0; second < 60; second++) {
        struct segment s;
        uint32_t who;

        crowd_advance(c, GANDER_S);
        while (crowd_take(c, &who, &s)) {
            struct crowd_peer *to = &p[who - FIRST_ATTACKER];

            assert_true(s.len <= 1);
            to->tsval = s.tsval;
            if ((uint32_t)s.seq == to->ack)
                to->ack += s.len;
            crowd_say(c, to, GANDER_FLAG_ACK, 0); /* takes it, and offers one more */
        }
    }
    out = crowd_stats(c).tcp_segments_out - out;
    print_message("windows of one byte: %.1f segments a minute and peer\n",
                  (double)out / (double)peers);
    assert_true(out <= 310ull * peers); /* one per override time-out (200 ms), not one per ACK */
    assert_true(crowd_stats(c).memory_bytes <= peers * 40ull * KIB + 2048 * KIB);
    free(p);
}

/* --- A7: silence while closing ------------------------------------------------------------------------------------ */

static void orphans_are_bounded_and_end(void **state)
{
    enum { LIMIT = 400, PEERS = 500 };
    struct crowd *c = *state;
    struct crowd_peer p;
    uint64_t before;

    c->config.tcp_orphans_max = LIMIT;
    crowd_start(c);
    crowd_listen(c, 4);
    before = crowd_stats(c).memory_bytes;
    for (uint32_t i = 0; i < PEERS; i++) {
        assert_true(crowd_open(c, &p, FIRST_ATTACKER + i, NULL));
        if (i % 4 == 3)
            crowd_say(c, &p, GANDER_FLAG_FIN | GANDER_FLAG_ACK, 0); /* LAST-ACK */
        crowd_drain(c);
        assert_int_equal(gander_close(c->stack, p.socket), 0);
        crowd_drain(c);
        if (i % 4 == 1) { /* FIN-WAIT-2 */
            p.ack++;
            crowd_say(c, &p, GANDER_FLAG_ACK, 0);
        }
        crowd_drain(c);
        if (i % 4 == 2) /* CLOSING */
            crowd_say(c, &p, GANDER_FLAG_FIN | GANDER_FLAG_ACK, 0);
        crowd_drain(c);
        assert_true(crowd_stats(c).tcp_connections <= LIMIT);
    }
    assert_int_equal(crowd_stats(c).tcp_orphans_reset, PEERS - LIMIT);
    assert_int_equal(crowd_stats(c).tcp_connections, LIMIT);
    crowd_pass(c, 61 * GANDER_S); /* FIN-WAIT-2 has its own limit */
    assert_int_equal(crowd_stats(c).tcp_connections, LIMIT * 3 / 4);
    crowd_pass(c, 3600 * GANDER_S); /* the others that of retransmission, R2 */
    assert_int_equal(crowd_stats(c).tcp_connections, 0);
    print_message("%d orphans later: %llu bytes more than before the first connection\n", PEERS,
                  (unsigned long long)(crowd_stats(c).memory_bytes - before));
    assert_true(crowd_stats(c).memory_bytes <=
                before + 192 * KIB); /* a slab or two of each pool is kept */
    assert_int_equal(gander_deadline(c->stack), GANDER_NEVER);
}

/* --- A8: TIME-WAIT ---------------------------------------------------------------------------------------------------- */

static void open_and_close(struct crowd *c, uint32_t number)
{
    struct crowd_peer p;

    assert_true(crowd_open(c, &p, number, NULL));
    assert_int_equal(gander_close(c->stack, p.socket), 0);
    crowd_hear(c, &p);
    crowd_say(c, &p, GANDER_FLAG_FIN | GANDER_FLAG_ACK, 0);
    crowd_drain(c);
}

static void time_wait_is_cheap_and_capped(void **state)
{
    struct crowd *c = *state;
    uint32_t closes = crowd_count(20000, 1000000);
    uint64_t before, each;
    int64_t first = 0, last = 0, start;

    c->config.memory_max_bytes = 1024ull << 20;
    c->config.tcp_time_wait_max = closes;
    crowd_start(c);
    crowd_listen(c, 4);
    open_and_close(c, 1);
    before = crowd_stats(c).memory_bytes;
    for (uint32_t i = 0; i < closes; i++) {
        start = crowd_cpu_ns();
        open_and_close(c, FIRST_ATTACKER + i);
        *(i < closes / 10 ? &first : &last) += crowd_cpu_ns() - start;
    }
    assert_int_equal(crowd_stats(c).tcp_time_wait, closes); /* one went early: one too many */
    assert_int_equal(crowd_stats(c).tcp_time_wait_early, 1);
    assert_int_equal(crowd_stats(c).tcp_connections, 0);
    each = (crowd_stats(c).memory_bytes - before) / closes;
    print_message(
        "%u in TIME-WAIT: %llu bytes each with their place in the table (record: %zu); %lld ns a "
        "connection, %lld at first\n",
        closes, (unsigned long long)each,
        c->family == GANDER_IPV4 ? sizeof(struct tcp_time_wait) - 24 : sizeof(struct tcp_time_wait),
        (long long)(last / (closes - closes / 10)), (long long)(first / (closes / 10)));
    assert_true(each <= (c->family == GANDER_IPV4 ? 96 : 128));
    assert_true(last / 9 < 4 * first + 1000);
    open_and_close(c, 2); /* the cap holds, the oldest goes */
    assert_int_equal(crowd_stats(c).tcp_time_wait, closes);
    crowd_pass(c, 60 * GANDER_S);
    assert_int_equal(crowd_stats(c).tcp_time_wait, 0);
}

/* --- A9, A10: crumbs ahead of a gap ---------------------------------------------------------------------------------- */

static void crumbs_cost_a_bounded_amount_each(void **state)
{
    enum { BUFFER = 64 * KIB };
    struct crowd *c = *state;
    struct crowd_peer p;
    struct tcp_conn *conn;
    uint32_t most_runs = 0, held = 0;
    int64_t early = 0, late = 0;

    c->config.tcp_receive_buffer_bytes = BUFFER;
    crowd_start(c);
    crowd_listen(c, 4);
    assert_true(crowd_open(c, &p, FIRST_ATTACKER, NULL));
    conn = conn_of(c, p.socket);
    p.seq++; /* one byte is missing for ever */
    for (uint32_t offset = 1; offset < BUFFER - 1; offset += 2) {
        int64_t start = crowd_cpu_ns();
        uint32_t before = p.seq;

        crowd_say(c, &p, GANDER_FLAG_ACK, 1);
        crowd_drain(c);
        p.seq = before + 2;
        *(offset < BUFFER / 8 ? &early : &late) += crowd_cpu_ns() - start;
        most_runs = conn->busy->reasm.count > most_runs ? conn->busy->reasm.count : most_runs;
        held = conn->busy->reasm.held_bytes > held ? conn->busy->reasm.held_bytes : held;
    }
    print_message("crumbs: %u runs and %u bytes held at most (window %u)\n", most_runs, held,
                  BUFFER);
    assert_true(most_runs <= REASM_RUNS_MAX);
    assert_true(held <= 2 * BUFFER);
    assert_true(late / 7 <
                6 * early); /* the queue is long by then; a walk of it would be 100 times */
    p.seq = crowd_isn(p.number) + 1;
    crowd_say(c, &p, GANDER_FLAG_ACK, 1000); /* and it still makes progress */
    crowd_drain(c);
    assert_true(conn->rcv.nxt - crowd_isn(p.number) - 1 >= 1000);
}

/* --- A11: small segments and SACKs that cut ----------------------------------------------------------------------------- */

static void sacks_do_not_cut_the_queue_to_dust(void **state)
{
    struct crowd *c = *state;
    static uint8_t text[192 * KIB];
    const struct segment options = {.fields = FIELD_MSS | FIELD_SACKOK, .mss = 8};
    struct crowd_peer p;
    struct tcp_conn *conn;
    uint32_t una, most = 0;
    uint64_t before;

    crowd_start(c);
    crowd_listen(c, 4);
    assert_true(crowd_open(c, &p, FIRST_ATTACKER, &options));
    conn = conn_of(c, p.socket);
    before = crowd_stats(c).memory_bytes;
    assert_int_equal(gander_send(c->stack, p.socket, text, sizeof(text), 0), sizeof(text));
    for (unsigned round = 0; round < 6;
         round++) { /* honest until hundreds of segments are in flight */
        crowd_advance(c, GANDER_MS);
        crowd_hear(c, &p);
        for (uint32_t end = p.ack, unsaid = 20; unsaid-- > 0;) {
            p.ack = end - unsaid * (end - conn->snd.una) / 20;
            crowd_say(c, &p, GANDER_FLAG_ACK, 0);
        }
    }
    crowd_drain(c);
    una = p.ack;
    for (unsigned i = 0; i < 20000; i++) {
        uint32_t flight = conn->snd.nxt - una, at = flight ? crowd_random(c) % flight : 0;
        struct segment s = {.flags = GANDER_FLAG_ACK,
                            .seq = p.seq,
                            .ack = una,
                            .wnd = 65535,
                            .sacks = 3,
                            .fields = FIELD_SACK | (c->ts ? FIELD_TS : 0u)};

        s.tsval = 1000 + (uint32_t)(c->now / GANDER_MS);
        for (unsigned b = 0; b < 3; b++, at += 2) {
            s.sack[b][0] = una + at;
            s.sack[b][1] = una + at + 1 + crowd_random(c) % 3;
        }
        crowd_send(c, p.number, &s);
        crowd_advance(c, GANDER_MS);
        crowd_drain(c);
        if (!conn->busy)
            break;
        most = conn->busy->rtxq.count > most ? conn->busy->rtxq.count : most;
        assert_true(tcp_pipe(conn) <=
                    conn->snd.nxt - conn->snd.una); /* no counter runs below zero */
    }
    print_message("SACKs of single bytes: %u records at most for %u bytes in segments of %u\n",
                  most, conn->snd.nxt - una, conn->mss);
    assert_true(conn->mss >= 48);
    assert_true(most >= 30 && most <= 2 * (conn->snd.nxt - una) / conn->mss +
                                          2); /* blocks inside a segment split nothing */
    assert_true(crowd_stats(c).memory_bytes - before <= 3 * sizeof(text) + 256 * KIB);
    assert_int_equal(conn->entity.state, GANDER_TCP_ESTABLISHED);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        CROWD_TEST(closed_windows_cost_their_owners_alone),
        CROWD_TEST(the_worst_holder_goes_first),
        CROWD_TEST(probes_back_off_to_a_minute),
        CROWD_TEST(a_user_timeout_ends_a_closed_window),
        CROWD_TEST(tiny_windows_do_not_make_tiny_segments),
        CROWD_TEST(orphans_are_bounded_and_end),
        CROWD_TEST(time_wait_is_cheap_and_capped),
        CROWD_TEST(crumbs_cost_a_bounded_amount_each),
        CROWD_TEST(sacks_do_not_cut_the_queue_to_dust),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

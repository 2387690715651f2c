/* SPDX-License-Identifier: MIT */
/* Segments that TCP drops, each in a state that does so, 100,000 times; see drops.h. Over IPv4 and IPv6, with and without timestamps. */
#include "rfc/dialogue.h"

#include "drops.h"

#include <stdlib.h>

#include "core/stack.h"

/* One initial sequence number is enough here: the others are elsewhere. */
#define ONCE(d)                                                                                    \
    do {                                                                                           \
        if ((d)->isn != 1000000)                                                                   \
            return;                                                                                \
    } while (0)

static void again_with(struct dialogue *d, enum gander_drop reason, enum gander_drop also,
                       const char *words)
{
    static uint8_t bytes[SEGMENT_PACKET_MAX];
    const char *wrong;
    size_t len;

    d->passed_by = true;
    arrive_together(d, "%s", words);
    len = gander_packet_bytes(d->held[0], bytes, sizeof(bytes));
    gander_packet_free(d->held[0]);
    d->held_count = 0;
    wrong = drop_repeat(d->stack, bytes, len, drop_loops(), reason, also);
    if (wrong)
        dialogue_fail(d, "%s, again and again: %s", words, wrong);
}

static void again(struct dialogue *d, enum gander_drop reason, const char *words)
{
    again_with(d, reason, GANDER_DROP_tcp_challenge_rate, words);
}

DIALOGUE(broken_ones)
{
    ONCE(d);
    app_listen(d, 4);
    again(d, GANDER_DROP_tcp_header, "S seq=0 offset=4");
    again(d, GANDER_DROP_tcp_checksum, "S seq=0 badsum");
    again(d, GANDER_DROP_tcp_option, "S seq=0 opt=0200");
    again(d, GANDER_DROP_tcp_flags, "- seq=0");
    again(d, GANDER_DROP_tcp_bogus, "S seq=0 multicast");
}

DIALOGUE(to_nobody)
{
    ONCE(d);
    again_with(d, GANDER_DROP_tcp_no_connection, GANDER_DROP_icmp_rate, "S seq=0");
    again_with(d, GANDER_DROP_tcp_no_connection, GANDER_DROP_icmp_rate, "A seq=1 ack=1");
    again_with(d, GANDER_DROP_tcp_no_connection, GANDER_DROP_icmp_rate, "R seq=1");
}

static void without_cookies(struct gander_config *config)
{
    config->tcp_syn_cookies = false;
}

DIALOGUE(to_a_listener)
{
    ONCE(d);
    app_listen(d, 1);
    again(d, GANDER_DROP_tcp_listen_rst, "R seq=0");
    again(d, GANDER_DROP_tcp_no_ack, "P seq=0");
    again_with(d, GANDER_DROP_tcp_no_connection, GANDER_DROP_icmp_rate, "A seq=1 ack=1");
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    dialogue_flow(d, 1);
    again(d, GANDER_DROP_tcp_backlog, "S seq=0");
    dialogue_flow(d, 0);
    again(d, GANDER_DROP_tcp_rst_not_exact, "R seq=9");
    again(d, GANDER_DROP_tcp_out_of_window, "A seq=900000 ack=1");
    again(d, GANDER_DROP_tcp_syn_in_window, "S seq=10");
    again(d, GANDER_DROP_tcp_no_ack, "P seq=1 len=4");
    again_with(d, GANDER_DROP_tcp_bad_ack, GANDER_DROP_icmp_rate, "A seq=1 ack=9");
}

DIALOGUE(to_an_active_opener)
{
    ONCE(d);
    app_connect(d);
    expect(d, "S seq=0");
    again_with(d, GANDER_DROP_tcp_bad_ack, GANDER_DROP_icmp_rate, "SA seq=0 ack=9");
    again(d, GANDER_DROP_tcp_bad_ack, "RA seq=0 ack=9");
    again(d, GANDER_DROP_tcp_no_ack, "R seq=0");
    again(d, GANDER_DROP_tcp_no_ack, "P seq=0 len=4");
}

DIALOGUE(to_a_connection)
{
    ONCE(d);
    open_passive(d);
    arrive(d, "A seq=1 len=10");
    app_receive(d, 10);
    expect_after(d, ms(40), "A ack=11");
    again(d, GANDER_DROP_tcp_out_of_window, "A seq=900000 len=10");
    again(d, GANDER_DROP_tcp_rst_not_exact, "R seq=50");
    again(d, GANDER_DROP_tcp_syn_in_window, "S seq=50");
    again(d, GANDER_DROP_tcp_no_ack, "P seq=11 len=4");
    again(d, GANDER_DROP_tcp_ack_too_old, "A seq=11 ack=-70000");
    again(d, GANDER_DROP_tcp_ack_unsent, "A seq=11 ack=5000");
    again(d, GANDER_DROP_tcp_duplicate, "A seq=1 len=10");
    if (d->ts) {
        again(d, GANDER_DROP_tcp_paws, "A seq=11 len=4 ts=5,5");
        again(d, GANDER_DROP_tcp_no_timestamp, "A seq=11 len=4 nots");
    }
    expect_state(d, GANDER_TCP_ESTABLISHED);
}

/* A window's worth in pieces of one byte, each alone: far more memory than the window is worth. */
DIALOGUE(ahead_of_a_gap)
{
    ONCE(d);
    open_passive(d);
    app_option(d, RECEIVE_BUFFER, 4096);
    for (unsigned i = 0; i < 200; i++) {
        arrive(d, "A seq=%u len=1", 101 + 2 * i);
        expect(d, "A ack=1");
    }
    again(d, GANDER_DROP_tcp_duplicate, "A seq=101 len=1");
    again(d, GANDER_DROP_tcp_reorder_full, "A seq=701 len=1");
}

DIALOGUE(behind_a_fin)
{
    ONCE(d);
    reach(d, GANDER_TCP_CLOSE_WAIT);
    again(d, GANDER_DROP_tcp_after_fin, "A seq=2 len=4");
}

DIALOGUE(in_time_wait)
{
    ONCE(d);
    reach(d, GANDER_TCP_TIME_WAIT);
    again(d, GANDER_DROP_tcp_time_wait, "A seq=2");
    again(d, GANDER_DROP_tcp_time_wait, "R seq=2");
    again(d, GANDER_DROP_tcp_time_wait, "A seq=900 len=4");
    if (d->ts)
        again(d, GANDER_DROP_tcp_no_timestamp, "A seq=2 nots");
}

/* Each ends its connection, so a new one each time, and fewer of them. */
DIALOGUE(after_close)
{
    uint64_t n = drop_loops() / 100, live = 0;
    struct gander_stats before, after;

    ONCE(d);
    app_listen(d, 1);
    before = dialogue_stats(d);
    for (uint64_t i = 0; i <= n; i++) {
        if (i == 1) {
            before = dialogue_stats(d);
            live = d->stack->mem->live;
        }
        *d->f = (struct flow){.port = DIALOGUE_PORT,
                              .peer_port = d->f->peer_port,
                              .isn = d->isn,
                              .wnd = 65535,
                              .state = -1};
        arrive(d, "S seq=0");
        expect(d, "SA seq=0 ack=1");
        arrive(d, "A seq=1 ack=1");
        app_accept(d);
        app_close(d);
        expect(d, "FA seq=1 ack=1");
        arrive(d, "A seq=1 ack=1 len=4");
        expect(d, "RA seq=2");
        expect_drop(d, GANDER_DROP_tcp_after_close);
    }
    after = dialogue_stats(d);
    expect_equal(
        d, after.drops[GANDER_DROP_tcp_after_close] - before.drops[GANDER_DROP_tcp_after_close], n);
    expect_equal(d, after.memory_bytes, before.memory_bytes);
    expect_equal(d, after.tcp_connections, 0);
    expect_equal(d, d->stack->mem->live, live);
}

DIALOGUE(icmp_about_what_is_not_in_flight)
{
    struct gander_stats before;
    uint64_t live;

    ONCE(d);
    open_passive(d);
    app_send(d, 100);
    expect(d, "PA seq=1 len=100");
    before = dialogue_stats(d);
    live = d->stack->mem->live;
    for (uint64_t i = 0; i < drop_loops(); i++)
        arrive_icmp(d, ICMP_DIALOGUE_HOST, 5000, 0);
    expect_equal(d, dialogue_stats(d).drops[GANDER_DROP_icmp_sequence], drop_loops());
    expect_equal(d, dialogue_stats(d).memory_bytes, before.memory_bytes);
    expect_equal(d, d->stack->mem->live, live);
    arrive(d, "A ack=101");
}

#ifdef GANDER_DEBUG
/* Its SYN comes in memory of another stack; this one has none for a connection. */
DIALOGUE(no_memory_for_a_connection)
{
    static uint8_t bytes[SEGMENT_PACKET_MAX];
    struct gander_stack *neighbour;
    size_t len;

    ONCE(d);
    d->passed_by = true;
    app_listen(d, 4);
    arrive_together(d, "S seq=0");
    len = gander_packet_bytes(d->held[0], bytes, sizeof(bytes));
    gander_packet_free(d->held[0]);
    d->held_count = 0;
    expect_equal(d, gander_stack_create(&d->config, &neighbour), 0);
    mem_refuse(d->stack->mem, 1, true);
    for (uint64_t i = 0; i < drop_loops(); i++) {
        struct gander_packet *packet = gander_packet_alloc(neighbour, len);

        memcpy(packet->frag[0].data, bytes, len);
        gander_input(d->stack, d->link, &packet, 1);
    }
    mem_refuse(d->stack->mem, 0, false);
    expect_nothing(d);
    expect_equal(d, dialogue_stats(d).drops[GANDER_DROP_tcp_memory], drop_loops());
    expect_equal(d, neighbour->mem->live, 0);
    expect_equal(d, d->stack->mem->live, 0);
    gander_stack_destroy(neighbour);
}
#endif

static const struct dialogue_test tests[] = {
    RUN(broken_ones),
    RUN(to_nobody),
    RUN_WITH(to_a_listener, without_cookies),
    RUN(to_an_active_opener),
    RUN(to_a_connection),
    RUN(ahead_of_a_gap),
    RUN(behind_a_fin),
    RUN(in_time_wait),
    RUN(after_close),
    RUN(icmp_about_what_is_not_in_flight),
#ifdef GANDER_DEBUG
    RUN(no_memory_for_a_connection),
#endif
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}

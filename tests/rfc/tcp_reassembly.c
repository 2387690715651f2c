/* SPDX-License-Identifier: MIT */
/*
 * Reassembly: RFC 9293 3.10.7.4 (segments ahead of RCV.NXT are held, SHLD-31; overlaps keep what came first), memory
 * bounds against peers that send crumbs.
 */
#include "dialogue.h"

static void settle(struct dialogue *d)
{
    while (allow(d, "A seq=1 len=0"))
        ;
    after(d, ms(40));
    while (allow(d, "A seq=1 len=0"))
        ;
}

DIALOGUE(out_of_order_is_held) /* SHLD-31, MAY-13, [RFC5681 3.2]: a duplicate ACK at once */
{
    open_passive(d);
    arrive(d, "A seq=101 len=100");
    expect(d, "A seq=1 ack=1 len=0");
    expect_equal(d, dialogue_info(d).reorder_queue_bytes, 100);
    expect_no_event(d, GANDER_EVENT_READABLE);
    app_receive_gives(d, GANDER_EAGAIN);
    arrive(d, "A seq=1 len=100");
    expect(d, "A seq=1 ack=201 len=0");
    expect_equal(d, dialogue_info(d).reorder_queue_bytes, 0);
    expect_event(d, GANDER_EVENT_READABLE);
    app_receive(d, 200);
}

DIALOGUE(every_order_of_four) /* all 24 permutations arrive as one stream */
{
    unsigned base = 1;

    open_passive(d);
    for (unsigned code = 0; code < 256; code++) {
        unsigned order[4], seen = 0;

        for (unsigned i = 0; i < 4; i++) {
            order[i] = (code >> (2 * i)) & 3;
            seen |= 1u << order[i];
        }
        if (seen != 15)
            continue;
        for (unsigned i = 0; i < 4; i++) {
            arrive(d, "A seq=%u len=50", base + 50 * order[i]);
            while (allow(d, "A seq=1 len=0"))
                ;
        }
        app_receive(d, 200);
        settle(d);
        base += 200;
        expect_equal(d, dialogue_info(d).rcv_nxt - d->f->isn, base);
    }
}

DIALOGUE(first_received_wins) /* overlaps with other bytes never replace what is there */
{
    open_passive(d);
    arrive(d, "A seq=101 len=100");
    expect(d, "A ack=1");
    arrive(d, "A seq=51 len=200 fill=0"); /* the same bytes around it */
    expect(d, "A ack=1");
    arrive(d, "A seq=81 len=140 fill=85"); /* other bytes */
    settle(d);
    arrive(d, "A seq=101 len=100 fill=85");
    settle(d);
    arrive(d, "A seq=1 len=60");
    settle(d);
    app_receive(d, 250); /* verifies each byte against the first version */
}

DIALOGUE(first_received_wins_inside) /* also where a later segment has it in its midst */
{
    uint8_t bytes[250];
    bool right = true;

    open_passive(d);
    arrive(d, "A seq=101 len=100");
    expect(d, "A ack=1");
    arrive(d, "A seq=51 len=200 fill=85"); /* new on both sides, old and different between */
    settle(d);
    arrive(d, "A seq=1 len=50");
    settle(d);
    expect_equal(d, gander_receive(d->stack, d->s, bytes, sizeof(bytes), 0), sizeof(bytes));
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bool later = i >= 50 && (i < 100 || i >= 200);

        right &= bytes[i] == (dialogue_pattern(i, true) ^ (later ? 85 : 0));
    }
    expect_true(d, right);
}

DIALOGUE(runs_into_what_waits) /* cut where that begins, and all of it is delivered once */
{
    open_passive(d);
    arrive(d, "A seq=101 len=100");
    expect(d, "A ack=1");
    arrive(d, "A seq=51 len=100");
    expect(d, "A ack=1");
    expect_equal(d, dialogue_info(d).reorder_queue_bytes, 150);
    arrive(d, "A seq=1 len=50");
    expect(d, "A ack=201");
    app_receive(d, 200);
}

DIALOGUE(gaps_have_a_bound) /* CVE-2018-5390: also where memory would hold more */
{
    open_passive(d);
    app_option(d, RECEIVE_BUFFER, 16 << 20);
    for (unsigned i = 0; i < 600; i++) {
        arrive(d, "A seq=%u len=1", 3 + 2 * i);
        while (allow(d, "A seq=1 len=0"))
            ;
    }
    expect_equal(d, dialogue_info(d).reorder_queue_bytes, 512);
    settle(d);
}

DIALOGUE(overlaps_of_every_kind)
{
    unsigned base = 1;

    open_passive(d);
    for (unsigned start = 0; start <= 60; start += 5) {
        for (unsigned end = start + 5; end <= 60; end += 5) {
            arrive(d, "A seq=%u len=20", base + 20); /* 20 … 39 */
            settle(d);
            arrive(d, "A seq=%u len=%u", base + start, end - start);
            settle(d);
            arrive(d, "A seq=%u len=60", base);
            settle(d);
            app_receive(d, 60);
            base += 60;
            expect_equal(d, dialogue_info(d).rcv_nxt - d->f->isn, base);
            expect_equal(d, dialogue_info(d).reorder_queue_bytes, 0);
        }
    }
}

DIALOGUE(duplicates_are_dropped_and_acknowledged) /* [RFC9293 3.10.7.4 first] */
{
    open_passive(d);
    arrive(d, "A seq=1 len=100");
    settle(d);
    arrive(d, "A seq=1 len=100 fill=85");
    expect(d, "A ack=101");
    expect_drop(d, GANDER_DROP_tcp_duplicate);
    arrive(d, "A seq=201 len=100");
    expect(d, "A ack=101");
    arrive(d, "A seq=201 len=100 fill=85");
    expect(d, "A ack=101");
    expect_equal(d, dialogue_info(d).reorder_queue_bytes, 100);
    arrive(d, "A seq=101 len=100");
    expect(d, "A ack=301");
    app_receive(d, 300);
}

/* [RFC9293 3.10.7.4 first]: "only the new parts are processed" */
DIALOGUE(old_and_new_in_one_segment)
{
    open_passive(d);
    arrive(d, "A seq=1 len=100");
    settle(d);
    arrive(d, "A seq=51 len=100");
    settle(d);
    expect_equal(d, dialogue_info(d).rcv_nxt - d->f->isn, 151);
    app_receive(d, 150);
}

/* the last byte of the window may come first; beyond it nothing is taken */
DIALOGUE(whole_window_ahead)
{
    unsigned wnd;

    open_passive(d);
    wnd = dialogue_info(d).rcv_wnd;
    arrive(d, "A seq=%u len=1", wnd);
    expect(d, "A ack=1");
    expect_equal(d, dialogue_info(d).reorder_queue_bytes, 1);
    arrive(d, "A seq=%u len=1", wnd + 1);
    expect(d, "A ack=1");
    expect_drop(d, GANDER_DROP_tcp_out_of_window);
    for (unsigned at_seq = 1; at_seq < wnd; at_seq += 1000) {
        unsigned len = wnd - at_seq < 1000 ? wnd - at_seq : 1000;

        arrive(d, "A seq=%u len=%u", at_seq, len);
        while (allow(d, "A seq=1 len=0"))
            ;
    }
    settle(d);
    app_receive(d, wnd);
    while (allow(d, "A seq=1 len=0"))
        ;
}

/* one byte at every second offset: memory stays within twice the window */
DIALOGUE(crumbs_have_a_bound)
{
    uint64_t before;
    unsigned wnd;

    open_passive(d);
    before = dialogue_stats(d).memory_bytes;
    wnd = dialogue_info(d).rcv_wnd;
    for (unsigned seq = 3; seq < wnd; seq += 2) {
        arrive(d, "A seq=%u len=1", seq);
        while (allow(d, "A seq=1 len=0"))
            ;
    }
    expect_true(d, dialogue_stats(d).memory_bytes - before <=
                       2ull * d->config.tcp_receive_buffer_bytes + 131072);
    /* and it still makes progress */
    arrive(d, "A seq=1 len=1000");
    while (allow(d, "A seq=1 len=0"))
        ;
    expect_true(d, dialogue_info(d).rcv_nxt - d->f->isn >= 1001);
    settle(d);
}

/* sequence numbers 2^32 − k first and 0 later, with a large hole */
DIALOGUE(reordered_across_the_wrap)
{
    open_passive(d);
    for (int i = 9; i >= 0; i--) {
        arrive(d, "A seq=%d len=1000", 1 + 1000 * i);
        while (allow(d, "A seq=1 len=0"))
            ;
    }
    settle(d);
    app_receive(d, 10000);
    while (allow(d, "A seq=1 len=0"))
        ;
}

DIALOGUE(reset_frees_what_is_held)
{
    open_passive(d);
    for (unsigned i = 1; i < 20; i++) {
        arrive(d, "A seq=%u len=100", 200 * i);
        expect(d, "A ack=1");
    }
    arrive(d, "R seq=1");
    expect_state(d, GANDER_TCP_CLOSED); /* the allocator counts at the end */
}

static void small_buffer(struct gander_config *config)
{
    config->tcp_receive_buffer_bytes = 16384;
}

static const struct dialogue_test tests[] = {
    RUN(out_of_order_is_held),
    RUN(every_order_of_four),
    RUN(first_received_wins),
    RUN(first_received_wins_inside),
    RUN(runs_into_what_waits),
    RUN(gaps_have_a_bound),
    RUN(overlaps_of_every_kind),
    RUN(duplicates_are_dropped_and_acknowledged),
    RUN(old_and_new_in_one_segment),
    RUN(whole_window_ahead),
    RUN_WITH(crumbs_have_a_bound, small_buffer),
    RUN(reordered_across_the_wrap),
    RUN(reset_frees_what_is_held),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}

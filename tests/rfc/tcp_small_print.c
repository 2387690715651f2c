/* SPDX-License-Identifier: MIT */
/*
 * At the edges of clauses: the last byte beside which SACK blocks fit [RFC2018 3, RFC6691 2], window updates of small buffers [RFC9293
 * 3.8.6.2.2], the urgent mark before a FIN [RFC6093], what a shut direction lets go.
 */
#include "dialogue.h"

static void with_a_gap(struct dialogue *d)
{
    app_listen(d, 1);
    arrive(d, "S seq=0 sackok");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "A seq=1 ack=1");
    app_accept(d);
    app_option(d, NODELAY, 1);
    after(d, ms(10));
    arrive(d, "A seq=11 len=1");
    expect(d, "A ack=1 sack=11-12");
}

/* Blocks ride on data only where these are not cut for them. Room is kept for three beside timestamps, else for four. */
DIALOGUE(blocks_beside_data)
{
    uint32_t room = d->smss - 4 - 8 * (d->ts ? 3U : 4U);

    with_a_gap(d);
    app_send(d, room);
    expect(d, "PA seq=1 len=%u sack=11-12", (unsigned)room);
    app_send(d, room + 1);
    expect(d, "PA seq=%u len=%u nosack", (unsigned)room + 1, (unsigned)room + 1);
    arrive(d, "A seq=1");
    app_send(d, 1);
    expect(d, "PA len=1 sack=11-12");
}

/* A reader that takes half of a small buffer makes as much room as is worth telling. */
DIALOGUE(update_for_half_a_small_buffer)
{
    app_listen(d, 1);
    expect_equal(d, gander_set_option(d->stack, d->listener, GANDER_OPTION_RECEIVE_BUFFER, 3000),
                 0);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1 wnd=3000");
    arrive(d, "A seq=1 ack=1");
    app_accept(d);
    for (uint32_t i = 0; i < 2; i++)
        arrive_together(d, "A seq=%u len=980", (unsigned)(1 + 980 * i));
    arrive(d, "PA seq=1961 len=980");
    expect(d, "A ack=2941 wnd=60");
    app_receive(d, d->smss - 1);
    expect_nothing(d);
    app_receive(d, 1); /* room for one more segment: an ACK that told less would tell nothing */
    expect(d, "A ack=2941 wnd=%u", (unsigned)d->smss + 60);
    app_receive(d, 1499);
    expect_nothing(d);
    app_receive(d, 1); /* half the buffer */
    expect(d, "A ack=2941 wnd=%u", (unsigned)d->smss + 1560);
}

DIALOGUE(urgent_mark_before_a_fin) /* passed when the byte before it was read, and not by the FIN */
{
    open_passive(d);
    arrive(d, "PFAU len=10 up=10");
    expect(d, "A ack=12");
    expect_true(d, dialogue_info(d).urgent);
    app_receive(d, 9);
    expect_true(d, dialogue_info(d).urgent);
    expect_equal(d, dialogue_info(d).urgent_offset, 1);
    app_receive(d, 1);
    expect_true(d, !dialogue_info(d).urgent);
}

DIALOGUE(shut_direction_lets_go) /* what was received and not read goes with it */
{
    open_passive(d);
    arrive(d, "PA len=100");
    arrive(d, "A seq=201 len=100");
    while (allow(d, "A ack=101"))
        ;
    expect_equal(d, dialogue_info(d).receive_queue_bytes, 100);
    expect_equal(d, dialogue_info(d).reorder_queue_bytes, 100);
    app_shutdown(d, GANDER_SHUTDOWN_RECEIVE);
    expect_equal(d, dialogue_info(d).receive_queue_bytes, 0);
    expect_equal(d, dialogue_info(d).reorder_queue_bytes, 0);
    app_receive_gives(d, 0);
    arrive(d, "PA seq=101 len=100");
    expect(d, "A ack=201");
    expect_equal(d, dialogue_info(d).receive_queue_bytes, 0);
}

DIALOGUE(
    urgent_pointer_means_nothing_without_its_flag) /* [RFC9293 3.1]: "only be interpreted in segments with URG set" */
{
    open_passive(d);
    arrive(d, "PA len=5 up=3");
    expect_no_event(d, GANDER_EVENT_URGENT);
    expect_true(d, !dialogue_info(d).urgent);
    arrive(d, "PAU len=5 up=0"); /* and 0 points at nothing [RFC6093 5] */
    expect_no_event(d, GANDER_EVENT_URGENT);
    expect(d, "A ack=11");
    app_receive(d, 10);
}

/* [RFC9293 3.8.6.1 SHLD-29]: "when a zero window has existed for the retransmission timeout period" */
DIALOGUE(first_probe_on_a_slow_path)
{
    app_listen(d, 1);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    after(d, ms(900));
    arrive(d, "A seq=1 ack=1 wnd=0");
    app_accept(d);
    expect_equal(d, dialogue_info(d).rto_ns, ms(900 + 4 * 450)); /* [RFC6298 2.2] */
    app_send(d, 10);
    expect_at(d, ms(900 + 2700), "A seq=1 len=1");
}

/* [RFC8201 4, RFC8200 5]: nobody makes an IPv6 path smaller than 1,280; an IPv4 one not smaller than 552 here */
DIALOGUE(path_mtu_has_a_floor)
{
    uint32_t options = d->ts ? 12 : 0;

    app_listen(d, 1);
    arrive(d, "S seq=0 mss=1460");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "A seq=1 ack=1");
    app_accept(d);
    app_send(d, 1400);
    expect(d, "A seq=1");
    while (allow(d, "A"))
        ;
    arrive_icmp(d, ICMP_DIALOGUE_TOO_BIG, 1, 68);
    expect_equal(d, dialogue_info(d).mss_send_bytes,
                 (d->family == GANDER_IPV4 ? 552 - 40 : 1280 - 60) - options);
    while (allow(d, "A"))
        ;
}

int main(int argc, char **argv)
{
    static const struct dialogue_test tests[] = {
        RUN(blocks_beside_data),
        RUN(update_for_half_a_small_buffer),
        RUN(urgent_mark_before_a_fin),
        RUN(shut_direction_lets_go),
        RUN(urgent_pointer_means_nothing_without_its_flag),
        RUN(first_probe_on_a_slow_path),
        RUN(path_mtu_has_a_floor),
    };

    return DIALOGUE_MAIN(tests);
}

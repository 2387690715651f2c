/* SPDX-License-Identifier: MIT */
/* SYN cookies: RFC 4987 3.6. A backlog full of half-open connections neither grows nor shuts out who is honest. */
#include "dialogue.h"

/* A listener whose backlog of one is taken by a SYN that nobody follows up; the next flow is the current one. */
static void flood(struct dialogue *d)
{
    app_listen(d, 1);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    dialogue_flow(d, 1);
}

DIALOGUE(syn_beyond_the_backlog_leaves_nothing)
{
    uint64_t memory;

    flood(d);
    memory = dialogue_stats(d).memory_bytes;
    for (unsigned i = 1; i < 10; i++) {
        dialogue_flow(d, i);
        arrive(d, "S seq=0");
        expect(d, "SA seq=0 ack=1");
    }
    expect_equal(d, dialogue_stats(d).tcp_syn_received, 1);
    expect_equal(d, dialogue_stats(d).tcp_syn_cookies_sent, 9);
    expect_equal(d, dialogue_stats(d).memory_bytes, memory);
    dialogue_flow(d, 0);
    expect_at(d, sec(1), "SA seq=0 ack=1"); /* only the one with a record is resent */
    arrive(d, "R seq=1");
    expect_silence_until(d, sec(100));
}

DIALOGUE(honest_client_gets_in)
{
    flood(d);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    after(d, ms(100));
    arrive(d, "A seq=1 ack=1");
    expect_nothing(d);
    expect_state(d, GANDER_TCP_ESTABLISHED);
    app_accept(d);
    arrive(d, "PA len=100");
    app_receive(d, 100);
    expect_after(d, ms(40), "A seq=1 ack=101");
    app_send(d, 3 * d->smss);
    expect(d, "A seq=1");
    expect_true(d, d->seg.len <=
                       d->smss); /* the size that the peer named, or the next smaller one known */
    expect_true(d, d->seg.len >= 500);
    while (allow(d, "A ack=101"))
        ;
    expect_equal(d, dialogue_stats(d).tcp_syn_cookies_accepted, 1);
    dialogue_flow(d, 0);
    arrive(d, "R seq=1");
}

/* RFC 7323, RFC 2018: as agreed, or switched off when there is no room */
DIALOGUE(options_come_back_in_timestamps)
{
    flood(d);
    arrive(d, "S seq=0 ws=5 sackok");
    expect(d, "SA seq=0 ack=1");
    if (d->ts)
        expect_true(d, (d->seg.fields & FIELD_WS) && (d->seg.fields & FIELD_SACKOK));
    else
        expect_true(d, !(d->seg.fields & (FIELD_WS | FIELD_SACKOK)));
    arrive(d, "A seq=1 ack=1");
    app_accept(d);
    expect_equal(d, dialogue_info(d).window_scaling, d->ts);
    expect_equal(d, dialogue_info(d).sack, d->ts);
    expect_equal(d, dialogue_info(d).timestamps, d->ts);
    if (d->ts)
        expect_equal(d, dialogue_info(d).snd_wscale, 5);
    arrive(d, "A seq=101 len=100");
    if (d->ts)
        expect(d, "A ack=1 sack=101-201");
    else
        expect(d, "A ack=1 nosack");
}

DIALOGUE(wrong_answers_are_reset)
{
    uint32_t random = 1;

    flood(d);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "A seq=1 ack=2"); /* one off */
    expect(d, "R seq=2");
    arrive(d, "A seq=2 ack=1"); /* another SEQ than the SYN's + 1 */
    expect(d, "R seq=1");
    for (int i = 0; i < 200; i++) {
        random = random * 1103515245 + 12345;
        arrive(d, "A seq=1 ack=%u", (unsigned)random);
        allow(d, "R seq=%u", (unsigned)random); /* resets have a rate */
    }
    dialogue_flow(d, 0);
    arrive(d, "R seq=1");
    after(d, sec(1));
    dialogue_flow(d, 2); /* a cookie of another flow */
    arrive(d, "A seq=1 ack=%u", (unsigned)(d->flows[1].iss + 1));
    expect(d, "R");
    expect_equal(d, dialogue_stats(d).tcp_syn_cookies_accepted, 0);
    expect_no_event(d, GANDER_EVENT_ACCEPT);
}

/* an ACK out of nowhere is no cookie unless some were sent just now */
DIALOGUE(not_without_a_flood)
{
    app_listen(d, 1);
    for (unsigned i = 0; i < 50; i++) {
        arrive(d, "A seq=1 ack=%u", i * 85899345u);
        expect(d, "R seq=%u", i * 85899345u);
    }
    expect_equal(d, dialogue_stats(d).tcp_syn_cookies_accepted, 0);
}

DIALOGUE(cookies_grow_old)
{
    flood(d);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    dialogue_flow(d, 0);
    arrive(d, "R seq=1");
    dialogue_flow(d, 1);
    after(d, sec(200));
    arrive(d, "A seq=1 ack=1");
    expect(d, "R seq=1");
    expect_equal(d, dialogue_stats(d).tcp_syn_cookies_accepted, 0);
}

DIALOGUE(first_segment_may_carry_text) /* the ACK was lost: the first that comes back has data */
{
    flood(d);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "PA seq=1 ack=1 len=50");
    app_accept(d);
    app_receive(d, 50);
    if (!allow(d, "A seq=1 ack=51"))
        expect_after(d, ms(40), "A seq=1 ack=51");
}

/* cookies are for half-open ones: what nobody accepts is still refused */
DIALOGUE(full_accept_queue_drops)
{
    flood(d);
    dialogue_flow(d, 0);
    arrive(d, "A seq=1 ack=1");
    dialogue_flow(d, 1);
    arrive(d, "S seq=0");
    expect_nothing(d);
    expect_drop(d, GANDER_DROP_tcp_backlog);
}

/* A listener that never sent one believes none, not even a good one. */
DIALOGUE(not_by_another_listener)
{
    flood(d);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    expect_equal(d, gander_close(d->stack, d->listener), 0);
    while (allow(d, "R"))
        ;
    app_listen(d, 1);
    arrive(d, "A seq=1 ack=1");
    expect(d, "R seq=1");
    expect_equal(d, dialogue_stats(d).tcp_syn_cookies_accepted, 0);
}

static const struct dialogue_test tests[] = {
    RUN(syn_beyond_the_backlog_leaves_nothing),
    RUN(honest_client_gets_in),
    RUN(options_come_back_in_timestamps),
    RUN(wrong_answers_are_reset),
    RUN(not_without_a_flood),
    RUN(not_by_another_listener),
    RUN(cookies_grow_old),
    RUN(first_segment_may_carry_text),
    RUN(full_accept_queue_drops),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}

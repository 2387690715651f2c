/* SPDX-License-Identifier: MIT */
/*
 * Options: RFC 9293 3.1, 3.2 (any segment, unknown ones, wrong lengths), 3.7.1 (MSS), RFC 7323 (window scale, timestamps,
 * RTTM, PAWS), RFC 2018 2 (SACK-permitted). SACK itself is in tcp_sack.c.
 */
#include "dialogue.h"

static unsigned link_mss(const struct dialogue *d)
{
    return d->family == GANDER_IPV4 ? 1460 : 1440;
}

/* --- the options that we send ------------------------------------------------------------------------ */

DIALOGUE(syn_offers_all) /* [RFC9293 MUST-14, SHLD-5, MUST-67; RFC7323 2.2, 3.2; RFC2018 2] */
{
    app_connect(d);
    expect(d, "S seq=0 mss=%u sackok", link_mss(d));
    expect_true(d, (d->seg.fields & FIELD_WS) && (d->seg.fields & FIELD_TS));
    expect_true(d, d->seg.ws <= 14);
    expect_equal(d, d->seg.tsecr, 0);
}

static void no_options(struct gander_config *config)
{
    config->tcp_timestamps = false;
    config->tcp_window_scaling = false;
    config->tcp_sack = false;
}

DIALOGUE(options_can_be_switched_off)
{
    app_connect(d);
    expect(d, "S seq=0 mss=%u nows nosackok nots", link_mss(d));
    arrive(d, "SA seq=0 ack=1 ws=3 sackok ts=1,0");
    d->f->ts_on = false;
    expect(d, "A seq=1 ack=1 nots");
    expect_equal(d, dialogue_info(d).timestamps, false);
    expect_equal(d, dialogue_info(d).window_scaling, false);
    expect_equal(d, dialogue_info(d).sack, false);
}

DIALOGUE(syn_ack_answers_only_what_was_offered) /* [RFC7323 2.2, 3.2; RFC2018 2] */
{
    app_listen(d, 8);
    arrive(d, "S nots");
    expect(d, "SA seq=0 ack=1 mss=%u nows nosackok nots", link_mss(d));
    dialogue_flow(d, 1);
    arrive(d, "S ws=0 nots");
    expect(d, "SA seq=0 ack=1 nosackok nots");
    expect_true(d, d->seg.fields & FIELD_WS);
    dialogue_flow(d, 2);
    arrive(d, "S sackok nots");
    expect(d, "SA seq=0 ack=1 nows sackok nots");
    dialogue_flow(d, 3);
    arrive(d, "S ts=77,0");
    expect(d, "SA seq=0 ack=1 nows nosackok");
    expect_true(d, d->seg.fields & FIELD_TS);
    expect_equal(d, d->seg.tsecr, 77);
}

/* --- MSS [RFC9293 3.7.1] --------------------------------------------------------------------------------- */

/* What a full segment holds after a SYN with these words. */
static unsigned full_segment(struct dialogue *d, const char *syn)
{
    app_listen(d, 1);
    arrive(d, "%s", syn);
    expect(d, "SA seq=0 ack=1");
    arrive(d, "A ack=1");
    app_accept(d);
    app_send(d, 3000);
    expect(d, "A seq=1");
    while (allow(d, "A ack=1"))
        ;
    return d->f->ours > 1 ? dialogue_info(d).mss_send_bytes : 0;
}

DIALOGUE(mss_absent) /* MUST-15 */
{
    unsigned options = d->ts ? 12 : 0;

    app_listen(d, 1);
    arrive(d, "S nomss");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "A ack=1");
    app_accept(d);
    app_send(d, 3000);
    expect(d, "A seq=1 len=%u", (d->family == GANDER_IPV4 ? 536 : 1220) - options);
    while (allow(d, "A ack=1"))
        ;
}

DIALOGUE(mss_less_the_options) /* MUST-16: Eff.snd.MSS; [RFC6691] */
{
    app_listen(d, 1);
    arrive(d, "S mss=700");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "A ack=1");
    app_accept(d);
    app_send(d, 3000);
    expect(d, "A seq=1 len=%u", d->ts ? 688 : 700);
    while (allow(d, "A ack=1"))
        ;
}

DIALOGUE(mss_beyond_our_link) /* MUST-16: the smaller of both */
{
    app_listen(d, 1);
    arrive(d, "S mss=65535");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "A ack=1");
    app_accept(d);
    app_send(d, 3000);
    expect(d, "A seq=1 len=%u", link_mss(d) - (d->ts ? 12 : 0));
    while (allow(d, "A ack=1"))
        ;
}

DIALOGUE(mss_tiny) /* never zero, never negative, whatever the peer says */
{
    static const unsigned values[] = {0, 1, 8, 12, 13, 48};

    app_listen(d, 8);
    for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        dialogue_flow(d, i);
        arrive(d, "S mss=%u", values[i]);
        expect(d, "SA seq=0 ack=1");
        arrive(d, "A ack=1");
        app_accept(d);
        d->written = 0;
        app_send(d, 2000);
        expect(d, "A seq=1");
        /* 0 may be taken for none at all: the default of MUST-15 */
        expect_true(d, d->seg.len >= 1 && d->seg.len <= (values[i] ? 536 : 1220));
        while (allow(d, "A ack=1"))
            ;
        app_abort(d);
        if (!allow(d, "RA ack=1"))
            expect(d, "R");
        forget_events(d);
    }
}

/* MUST-65: it is sent on SYNs only; from others nothing is taken */
DIALOGUE(mss_on_other_segments_is_ignored)
{
    if (d->ts)
        return;
    open_passive(d);
    arrive(d, "A opt=02040064");
    expect_nothing(d);
    app_send(d, d->smss);
    expect(d, "A seq=1 len=%u", (unsigned)d->smss);
}

DIALOGUE(max_segment_option) /* GANDER_OPTION_MAX_SEGMENT: what we offer and use */
{
    gander_socket s;

    expect_equal(d, gander_open(d->stack, GANDER_TCP, &s), 0);
    d->s = s;
    app_option(d, MAX_SEGMENT, 600);
    app_connect(d);
    expect(d, "S seq=0 mss=600");
    arrive(d, "SA seq=0 ack=1");
    expect(d, "A seq=1 ack=1");
    app_send(d, 1000);
    expect(d, "A seq=1 len=%u", d->ts ? 588 : 600);
    while (allow(d, "A ack=1"))
        ;
}

/* --- parsing [RFC9293 3.1, 3.2] ---------------------------------------------------------------------------- */

/* MUST-6, MUST-68; also between others, at any alignment: MUST-64 */
DIALOGUE(unknown_options_are_skipped)
{
    expect_true(d, full_segment(d, "S opt=fd0512345601fe0201020402bc0000") > 0);
    expect_equal(d, dialogue_info(d).mss_send_bytes, 700);
}

DIALOGUE(options_need_no_alignment) /* MUST-64 */
{
    app_listen(d, 1);
    arrive(d, "S opt=01010104020204026c030305");
    expect(d, "SA seq=0 ack=1 sackok nots");
    expect_true(d, d->seg.fields & FIELD_WS);
    arrive(d, "A ack=1");
    app_accept(d);
    expect_equal(d, dialogue_info(d).mss_send_bytes, 620);
    expect_equal(d, dialogue_info(d).snd_wscale, 5);
}

DIALOGUE(nothing_after_the_end_option) /* kind 0 ends the list */
{
    app_listen(d, 1);
    arrive(d, "S opt=0204026c0004020303050000");
    expect(d, "SA seq=0 ack=1 nosackok nots");
}

DIALOGUE(options_in_any_segment) /* MUST-5 */
{
    if (d->ts)
        return;
    open_passive(d);
    arrive(d, "PA len=10 opt=fd06010203040101");
    app_receive(d, 10);
    expect_after(d, ms(40), "A ack=11");
    arrive(d, "PA len=10 opt=0101010101010100");
    app_receive(d, 10);
    expect_after(d, ms(40), "A ack=21");
}

DIALOGUE(illegal_option_lengths) /* MUST-7: no crash, no connection from it */
{
    static const char *const options[] = {
        "02000000",
        "02010000",
        "fd000000",
        "fd010000",
        "0205057801010101",
        "02030578",
        "030205",
        "03040501",
        "0804",
        "080a00000001",
        "05030000",
        "fdff",
        "0204",
        "02",
        "04030000",
        "080b0000000100000000000101",
    };

    app_listen(d, 8);
    for (unsigned i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        arrive(d, "S opt=%s", options[i]);
        /* dropped and counted, or the option ignored; never what it says */
        if (allow(d, "SA seq=0 ack=1 nots")) {
            arrive(d, "R seq=1");
            expect_nothing(d);
        } else {
            expect_drop(d, GANDER_DROP_tcp_option);
        }
        d->f->next = 0;
    }
    expect_equal(d, dialogue_stats(d).tcp_syn_received, 0);
    arrive(d, "S");
    expect(d, "SA seq=0 ack=1");
}

/* --- window scale [RFC7323 2] --------------------------------------------------------------------------------- */

static void open_scaled(struct dialogue *d, unsigned shift)
{
    app_listen(d, 1);
    arrive(d, "S ws=%u wnd=1000", shift);
    expect(d, "SA seq=0 ack=1");
    expect_true(d, d->seg.fields & FIELD_WS);
    d->f->wnd = 100;
    arrive(d, "A ack=1");
    app_accept(d);
}

DIALOGUE(windows_are_scaled_both_ways)
{
    open_scaled(d, 7);
    expect_equal(d, dialogue_info(d).snd_wnd, 100 << 7);
    expect_equal(d, dialogue_info(d).snd_wscale, 7);
    expect_true(d, dialogue_info(d).window_scaling);
    arrive(d, "PA len=100");
    expect_after(d, ms(40), "A ack=101");
    /* what we offer grows beyond 65,535 through our shift */
    expect_true(d, ((uint64_t)d->seg.wnd << dialogue_info(d).rcv_wscale) > 100000);
}

DIALOGUE(window_on_a_syn_is_not_scaled) /* [RFC7323 2.2] */
{
    app_connect(d);
    expect(d, "S seq=0");
    expect_true(d, d->seg.wnd > 10000);
    arrive(d, "SA seq=0 ack=1 ws=10 wnd=500");
    expect(d, "A seq=1 ack=1");
    expect_equal(d, dialogue_info(d).snd_wnd, 500);
}

DIALOGUE(no_scaling_without_both) /* [RFC7323 2.2] */
{
    app_connect(d);
    expect(d, "S seq=0");
    arrive(d, "SA seq=0 ack=1 nows");
    expect(d, "A seq=1 ack=1");
    expect_equal(d, dialogue_info(d).snd_wnd, 65535);
    expect_true(d, dialogue_info(d).rcv_wnd <= 65535);
    expect_equal(d, dialogue_info(d).window_scaling, false);
}

DIALOGUE(scale_beyond_14_counts_as_14) /* [RFC7323 2.3] */
{
    open_scaled(d, 15);
    expect_equal(d, dialogue_info(d).snd_wnd, 100 << 14);
    expect_equal(d, dialogue_info(d).snd_wscale, 14);
}

/* --- timestamps [RFC7323 3] ------------------------------------------------------------------------------------ */

/* [RFC7323 3.2]: only if both SYNs had them; then on all segments but RST */
DIALOGUE(timestamps_active_open)
{
    app_connect(d);
    expect(d, "S seq=0");
    expect_true(d, d->seg.fields & FIELD_TS);
    arrive(d, "SA seq=0 ack=1");
    expect(d, "A seq=1 ack=1");
    expect_equal(d, dialogue_info(d).timestamps, d->ts);
    app_send(d, 10);
    expect(d, "PA seq=1 len=10"); /* dialogue.c checks that each has them, or none */
    app_shutdown(d, GANDER_SHUTDOWN_SEND);
    expect(d, "FA");
}

DIALOGUE(timestamp_missing) /* [RFC7323 3.2]: SHOULD silently drop; a reset is exempt */
{
    open_passive(d);
    if (!d->ts)
        return;
    arrive(d, "PA len=10 nots");
    expect_nothing(d);
    expect_drop(d, GANDER_DROP_tcp_no_timestamp);
    app_receive_gives(d, GANDER_EAGAIN);
    arrive(d, "R seq=1 nots");
    expect_state(d, GANDER_TCP_CLOSED);
}

DIALOGUE(timestamp_unexpected) /* not agreed on: ignored */
{
    if (d->ts)
        return;
    open_passive(d);
    arrive(d, "PA len=10 ts=1,2");
    app_receive(d, 10);
    expect_after(d, ms(40), "A ack=11 nots");
}

DIALOGUE(timestamps_run) /* [RFC7323 5.4]: a clock of 1 ms to 1 s a tick */
{
    uint32_t first;

    open_passive(d);
    if (!d->ts)
        return;
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    first = d->seg.tsval;
    arrive(d, "A");
    after(d, sec(10));
    app_send(d, 10);
    expect(d, "PA seq=11 len=10");
    expect_near(d, (int32_t)(d->seg.tsval - first), 10000, 1);
}

/* [RFC7323 7.1]: the clock is not the machine's uptime */
DIALOGUE(timestamp_offset_differs_by_connection)
{
    uint32_t first;

    if (!d->ts)
        return;
    app_listen(d, 4);
    arrive(d, "S");
    expect(d, "SA seq=0");
    first = d->seg.tsval;
    dialogue_flow(d, 1);
    arrive(d, "S");
    expect(d, "SA seq=0");
    expect_true(d, first - d->seg.tsval > 100000 && d->seg.tsval - first > 100000);
}

/* [RFC7323 4.3 (A)]: delayed ACKs echo the earliest segment */
DIALOGUE(echo_is_of_the_first_unacknowledged)
{
    open_passive(d);
    if (!d->ts)
        return;
    arrive(d, "PA len=100 ts=10000,0");
    after(d, ms(10));
    arrive(d, "PA len=100 ts=10010,0");
    if (!allow(d, "A ack=201"))
        expect_after(d, ms(30), "A ack=201");
    expect_equal(d, d->seg.tsecr, 10000);
}

DIALOGUE(echo_ignores_what_is_ahead_of_a_gap) /* [RFC7323 4.3 (B)] */
{
    open_passive(d);
    if (!d->ts)
        return;
    arrive(d, "PA seq=1 len=100 ts=10000,0");
    expect_after(d, ms(40), "A ack=101");
    arrive(d, "PA seq=201 len=100 ts=10060,0");
    expect(d, "A ack=101");
    expect_equal(d, d->seg.tsecr, 10000);
    arrive(d, "PA seq=101 len=100 ts=10050,0"); /* (C): the segment that fills the gap is echoed */
    expect(d, "A ack=301");
    expect_equal(d, d->seg.tsecr, 10050);
}

/* [RFC7323 4.3 (2)]: SEG.SEQ <= Last.ACK.sent, also an older one */
DIALOGUE(echo_takes_a_retransmitted_segment)
{
    open_passive(d);
    if (!d->ts)
        return;
    arrive(d, "PA seq=1 len=100 ts=10000,0");
    expect_after(d, ms(40), "A ack=101");
    arrive(d, "PA seq=1 len=100 ts=10300,0"); /* our ACK was lost */
    expect(d, "A ack=101");
    arrive(d, "PA seq=101 len=100 ts=10400,0");
    expect_after(d, ms(40), "A ack=201");
    expect_equal(d, d->seg.tsecr, 10400);
}

DIALOGUE(echo_that_is_nonsense) /* TSecr of the future or of long ago does no harm to the RTO */
{
    open_passive(d);
    if (!d->ts)
        return;
    for (unsigned i = 0; i < 4; i++) {
        static const uint32_t off[] = {0, 1u << 31, 0xffffff00u, 100000};

        app_send(d, 10);
        expect(d, "PA len=10");
        after(d, ms(20));
        arrive(d, "A ts=%u,%u", (unsigned)(20000 + i), (unsigned)(d->f->tsval + off[i]));
        expect_true(d, dialogue_info(d).rto_ns >= ms(200) && dialogue_info(d).rto_ns <= sec(60));
    }
}

/* --- PAWS [RFC7323 5] ------------------------------------------------------------------------------------------- */

DIALOGUE(paws_drops_the_old) /* [RFC7323 5.3 R1]: ACK, and drop */
{
    open_passive(d);
    if (!d->ts)
        return;
    arrive(d, "PA seq=1 len=100 ts=10000,0");
    expect_after(d, ms(40), "A ack=101");
    arrive(d, "PA seq=101 len=100 ts=9999,0");
    expect(d, "A seq=1 ack=101 len=0");
    expect_drop(d, GANDER_DROP_tcp_paws);
    after(d, ms(10));
    arrive(d, "PA seq=101 len=100 ts=%u,0", 10000u - (1u << 31) + 1);
    expect(d, "A seq=1 ack=101 len=0");
    expect_drop(d, GANDER_DROP_tcp_paws);
    expect_true(d, dialogue_info(d).receive_queue_bytes == 100);
    arrive(d, "PA seq=101 len=100 ts=10000,0"); /* equal is fine */
    if (!allow(d, "A ack=201"))
        expect_after(d, ms(40), "A ack=201");
    app_receive(d, 200);
}

DIALOGUE(paws_across_the_wrap) /* [RFC7323 5.2]: s < t if 0 < t - s < 2^31 */
{
    if (!d->ts)
        return;
    app_listen(d, 1);
    arrive(d, "S ts=%u,0", 0xfffffff0u);
    expect(d, "SA seq=0 ack=1");
    arrive(d, "A ack=1 ts=%u,0", 0xfffffff8u);
    app_accept(d);
    arrive(d, "PA seq=1 len=100 ts=5,0");
    app_receive(d, 100);
    expect_after(d, ms(40), "A ack=101");
    arrive(d, "PA seq=101 len=100 ts=%u,0", 0xfffffff8u);
    expect(d, "A ack=101");
    expect_drop(d, GANDER_DROP_tcp_paws);
}

DIALOGUE(
    paws_while_opening) /* [RFC7323 5.3]: an ACK from an earlier connection does not complete the handshake */
{
    if (!d->ts)
        return;
    app_listen(d, 1);
    arrive(d, "S ts=10000,0");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "A seq=1 ack=1 ts=9000,0");
    expect(d, "A seq=1 ack=1 len=0");
    expect_drop(d, GANDER_DROP_tcp_paws);
    expect_state(d, GANDER_TCP_SYN_RECEIVED);
    arrive(d, "A seq=1 ack=1 nots"); /* [RFC7323 3.2] */
    expect_nothing(d);
    expect_drop(d, GANDER_DROP_tcp_no_timestamp);
    arrive(d, "A seq=1 ack=1 ts=10001,0");
    app_accept(d);
}

DIALOGUE(paws_exempts_resets) /* [RFC7323 5.2]: RST segments are not subject to PAWS */
{
    open_passive(d);
    if (!d->ts)
        return;
    arrive(d, "PA seq=1 len=100 ts=10000,0");
    expect_after(d, ms(40), "A ack=101");
    arrive(d, "R seq=101 ts=1,0");
    expect_nothing(d);
    expect_state(d, GANDER_TCP_CLOSED);
}

DIALOGUE(paws_forgets_after_24_days) /* [RFC7323 5.5] */
{
    open_passive(d);
    if (!d->ts)
        return;
    arrive(d, "PA seq=1 len=100 ts=10000,0");
    expect_after(d, ms(40), "A ack=101");
    after(d, sec(25ll * 24 * 3600));
    arrive(d, "PA seq=101 len=100 ts=500,0");
    if (!allow(d, "A ack=201"))
        expect_after(d, ms(40), "A ack=201");
    expect_equal(d, d->seg.tsecr, 500); /* and begins anew with this one */
    app_receive(d, 200);
}

DIALOGUE(paws_is_not_poisoned) /* [RFC7323 4.3, 5.3 R3]: TS.Recent only from acceptable segments */
{
    open_passive(d);
    if (!d->ts)
        return;
    arrive(d, "PA seq=1 len=100 ts=10000,0");
    expect_after(d, ms(40), "A ack=101");
    arrive(d, "PA seq=5000000 len=100 ts=2000000000,0"); /* outside the window */
    expect(d, "A ack=101");
    after(d, ms(10));
    arrive(d, "PA seq=101 len=100 ts=10100,0");
    app_receive(d, 200);
    after(d, ms(40));
    expect(d, "A ack=201");
    arrive(d, "PA seq=5201 len=100 ts=2000000000,0"); /* ahead of a gap: SEG.SEQ > Last.ACK.sent */
    expect(d, "A ack=201");
    arrive(d, "PA seq=201 len=100 ts=10200,0");
    expect(d, "A ack=301");
    app_receive(d, 100);
}

static const struct dialogue_test tests[] = {
    RUN(syn_offers_all),
    RUN_WITH(options_can_be_switched_off, no_options),
    RUN(syn_ack_answers_only_what_was_offered),
    RUN(mss_absent),
    RUN(mss_less_the_options),
    RUN(mss_beyond_our_link),
    RUN(mss_tiny),
    RUN(mss_on_other_segments_is_ignored),
    RUN(max_segment_option),
    RUN(unknown_options_are_skipped),
    RUN(options_need_no_alignment),
    RUN(nothing_after_the_end_option),
    RUN(options_in_any_segment),
    RUN(illegal_option_lengths),
    RUN(windows_are_scaled_both_ways),
    RUN(window_on_a_syn_is_not_scaled),
    RUN(no_scaling_without_both),
    RUN(scale_beyond_14_counts_as_14),
    RUN(timestamps_active_open),
    RUN(timestamp_missing),
    RUN(timestamp_unexpected),
    RUN(timestamps_run),
    RUN(timestamp_offset_differs_by_connection),
    RUN(echo_is_of_the_first_unacknowledged),
    RUN(echo_ignores_what_is_ahead_of_a_gap),
    RUN(echo_takes_a_retransmitted_segment),
    RUN(echo_that_is_nonsense),
    RUN(paws_drops_the_old),
    RUN(paws_across_the_wrap),
    RUN(paws_while_opening),
    RUN(paws_exempts_resets),
    RUN(paws_forgets_after_24_days),
    RUN(paws_is_not_poisoned),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}

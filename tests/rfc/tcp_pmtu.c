/* SPDX-License-Identifier: MIT */
/* Path MTU discovery: what routers say and when it is believed, what is found without them [RFC1191, RFC8201, RFC5927, RFC4821, RFC8899]. */
#include "dialogue.h"

#include <string.h>

static void always(struct gander_config *config)
{
    config->tcp_mtu_probing = GANDER_MTU_PROBING_ALWAYS;
}

static void off(struct gander_config *config)
{
    config->tcp_mtu_probing = GANDER_MTU_PROBING_OFF;
}

static unsigned mss_of(struct dialogue *d)
{
    struct gander_tcp_info info;

    expect_equal(d, gander_tcp_info(d->stack, d->s, &info), 0);
    return info.mss_send_bytes;
}

/* Text of a full segment at this MTU. */
static unsigned text_at(const struct dialogue *d, unsigned mtu)
{
    return mtu - (d->family == GANDER_IPV4 ? 40 : 60) - (d->ts ? 12 : 0);
}

enum { STREAM_MAX = 400000 };

static bool has[STREAM_MAX]; /* which numbers the peer has */
static uint32_t carried;     /* up to here it has it all */

static void open_wide(struct dialogue *d)
{
    carried = 1;
    memset(has, 0, sizeof(has));
    app_connect(d);
    expect(d, "S seq=0");
    arrive(d, "SA seq=0 ack=1 mss=1460 wnd=60000 sackok");
    expect(d, "A seq=1 ack=1");
}

/*
 * A path that carries segments of at most `fits` text bytes: the peer acknowledges each flight with one ACK, and one SACK block for what came
 * last if that is ahead of a gap, until it has all that was written. Returns the largest segment that passed.
 */
static unsigned carry(struct dialogue *d, unsigned fits, gander_time limit)
{
    unsigned largest = 0;

    while (carried < d->written + 1) {
        uint32_t left = 0, right = 0;

        wait_for_segment(d, limit);
        while (allow(d, "A")) {
            uint32_t at = (uint32_t)d->seg.seq - d->f->iss;

            if (d->seg.len > fits)
                continue;
            largest = d->seg.len > largest ? d->seg.len : largest;
            memset(has + at, 1, d->seg.len);
            left = at;
            right = at + d->seg.len;
        }
        while (has[carried])
            carried++;
        while (left > carried && has[left - 1])
            left--;
        while (has[right])
            right++;
        after(d, ms(1) / 4);
        if (left > carried)
            arrive(d, "A ack=%u sack=%u-%u", carried, left, right);
        else
            arrive(d, "A ack=%u", carried);
    }
    return largest;
}

/* [RFC1191 6.2] a connection to the same destination begins with what the path carries; [6.3] for ten minutes. The MSS option does not change. */
DIALOGUE(paths_are_remembered)
{
    open_wide(d);
    app_send(d, 1000 + text_at(d, 1500));
    expect(d, "A seq=1 len=%u", text_at(d, 1500));
    dialogue_collect(d);
    while (allow(d, "PA"))
        ;
    arrive_icmp(d, ICMP_DIALOGUE_TOO_BIG, 1, 1300);
    while (allow(d, "A seq=1 len=%u", text_at(d, 1300)) || allow(d, "A") || allow(d, "PA"))
        ;
    app_abort(d);
    expect(d, "RA");
    for (unsigned i = 0; i < 2; i++) {
        struct gander_address peer = dialogue_address(d, true);

        dialogue_flow(d, 1 + i);
        d->written = 0;
        peer.port = d->f->peer_port;
        expect_equal(d, gander_open(d->stack, GANDER_TCP, &d->s), 0);
        expect_equal(d, gander_connect(d->stack, d->s, &peer), 0);
        dialogue_collect(d);
        d->f->port = d->first->segment.source_port;
        expect(d, "S seq=0 mss=%u", d->family == GANDER_IPV4 ? 1460 : 1440);
        arrive(d, "SA seq=0 ack=1 mss=1460");
        expect(d, "A seq=1");
        expect_equal(d, mss_of(d), text_at(d, i == 0 ? 1300 : 1500));
        app_abort(d);
        expect(d, "RA");
        after(d, sec(601));
    }
}

/* [RFC5927 7.2]: a packet as long has arrived: only a time-out makes the router's word count. */
DIALOGUE(words_against_deeds)
{
    open_wide(d);
    app_send(d, text_at(d, 1500));
    expect(d, "PA seq=1 len=%u", text_at(d, 1500));
    arrive(d, "A ack=%u", 1 + text_at(d, 1500));
    app_send(d, text_at(d, 1500));
    expect(d, "PA seq=%u", 1 + text_at(d, 1500));
    arrive_icmp(d, ICMP_DIALOGUE_TOO_BIG, 1 + text_at(d, 1500), 1300);
    expect_nothing(d);
    expect_equal(d, mss_of(d), text_at(d, 1500));
    arrive(d, "A ack=%u", 1 + 2 * text_at(d, 1500)); /* it had arrived: forgotten */
    app_send(d, text_at(d, 1500));
    expect(d, "PA seq=%u", 1 + 2 * text_at(d, 1500));
    arrive_icmp(d, ICMP_DIALOGUE_TOO_BIG, 1 + 2 * text_at(d, 1500), 1300);
    wait_for_segment(d, sec(3));
    while (allow(d, "PA len=%u", text_at(d, 1500))) /* a tail loss probe is no time-out */
        wait_for_segment(d, sec(3));
    expect(d, "A seq=%u len=%u", 1 + 2 * text_at(d, 1500), text_at(d, 1300));
    expect(d, "PA");
}

/* [RFC4821 7.7]: large segments vanish: the base size passes, and the search finds the largest that does [RFC8899 5.3]. */
DIALOGUE(black_hole)
{
    unsigned fits = text_at(d, 1400);

    open_wide(d);
    app_send(d, 60000);
    carry(d, fits, sec(60));
    app_send(d, 60000);
    carry(d, fits, sec(120));
    app_send(d, 60000);
    expect_true(d, carry(d, fits, sec(180)) + 20 > fits);
    expect_true(d, mss_of(d) <= fits && mss_of(d) + 20 > fits);
}

/* [RFC8899 5.1.1]: ten minutes later it is tried again, and found. */
DIALOGUE(the_path_grows_again)
{
    unsigned fits = text_at(d, 1400);

    open_wide(d);
    for (unsigned i = 0; i < 3; i++) {
        app_send(d, 60000);
        carry(d, fits, sec(60 * (i + 1)));
    }
    expect_true(d, mss_of(d) <= fits);
    after(d, sec(700));
    for (unsigned i = 0; i < 2; i++) {
        app_send(d, 60000);
        carry(d, 1500, d->now + sec(60));
    }
    expect_equal(d, mss_of(d), text_at(d, 1500));
}

/* [RFC4821 7.6.2]: the loss of a probe alone costs no window. */
DIALOGUE(lost_probes_are_no_congestion)
{
    struct gander_stats before, now;
    unsigned fits = text_at(d, 1400);

    open_wide(d);
    app_send(d, 60000);
    carry(d, fits, sec(60));
    gander_stats(d->stack, &before);
    app_send(d, 60000);
    carry(d, fits, sec(120));
    gander_stats(d->stack, &now);
    expect_equal(d, now.tcp_fast_recoveries, before.tcp_fast_recoveries);
}

/* [RFC4821 7.2]: small at first, and as large as the path within a few round trips. */
DIALOGUE(always_from_below)
{
    open_wide(d);
    expect_true(d, mss_of(d) < text_at(d, 1500));
    app_send(d, 60000);
    carry(d, 1500, sec(60));
    expect_equal(d, mss_of(d), text_at(d, 1500));
}

/* Off: nothing is guessed; [RFC1191 6.3] after ten minutes what a router said is tried again. */
DIALOGUE(without_probes)
{
    open_wide(d);
    app_send(d, text_at(d, 1500));
    expect(d, "PA seq=1 len=%u", text_at(d, 1500));
    arrive_icmp(d, ICMP_DIALOGUE_TOO_BIG, 1, 1300);
    expect(d, "A seq=1 len=%u", text_at(d, 1300));
    expect(d, "PA");
    arrive(d, "A ack=%u", 1 + text_at(d, 1500));
    after(d, sec(601));
    app_send(d, text_at(d, 1500));
    expect(d, "PA len=%u", text_at(d, 1500));
}

int main(int argc, char **argv)
{
    static const struct dialogue_test tests[] = {
        RUN_WITH(paths_are_remembered, off),
        RUN_WITH(words_against_deeds, off),
        RUN(black_hole),
        RUN(the_path_grows_again),
        RUN(lost_probes_are_no_congestion),
        RUN_WITH(always_from_below, always),
        RUN_WITH(without_probes, off),
    };

    return DIALOGUE_MAIN(tests);
}

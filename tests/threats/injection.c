/* SPDX-License-Identifier: MIT */
/*
 * Segments from somebody who is not on the path (docs/security.md B): what a forger learns and moves without the exact numbers. RFC 5961,
 * RFC 1337, RFC 7323 5, RFC 5927. The counts of blind tries are in blind.c.
 */
#include "rfc/dialogue.h"

/* Where a SEG.SEQ may lie, relative to RCV.NXT: RFC 5961 3.2 knows three answers. */
struct sequence_class {
    const char *what;
    int64_t offset;
    bool from_edge, in_window;
};

static const struct sequence_class classes[] = {
    {"half the space away", 1ll << 31, false, false},
    {"just beyond half the space", (1ll << 31) + 1, false, false},
    {"a window before", -65535, false, false},
    {"one before", -1, false, false},
    {"one behind", 1, false, true},
    {"in the middle", 30000, false, true},
    {"the last of the window", -1, true, true},
    {"the edge", 0, true, false},
    {"behind the edge", 1, true, false},
};
enum { CLASSES = sizeof(classes) / sizeof(classes[0]) };

static long long sequence_of(struct dialogue *d, const struct sequence_class *class_)
{
    struct gander_tcp_info info = dialogue_info(d);
    uint32_t nxt = info.rcv_nxt - d->f->isn;

    return (long long)nxt + class_->offset + (class_->from_edge ? (long long)info.rcv_wnd : 0);
}

static void expect_challenge_or_silence(struct dialogue *d, bool challenge)
{
    if (challenge)
        expect(d, "A seq=%u ack=%u len=0", d->f->ours,
               (unsigned)(dialogue_info(d).rcv_nxt - d->f->isn));
    expect_nothing(d);
    expect_state(d, GANDER_TCP_ESTABLISHED);
}

/* B1 [RFC5961 3.2]: only RCV.NXT itself resets; with text too, which a RST may carry */
DIALOGUE(resets_of_nine_sequence_classes)
{
    open_passive(d);
    for (unsigned i = 0; i < CLASSES; i++) {
        after(d, ms(20));
        arrive(d, "R seq=%lld", sequence_of(d, &classes[i]));
        expect_challenge_or_silence(d, classes[i].in_window);
        after(d, ms(20));
        arrive(d, "RA seq=%lld ack=1 len=4", sequence_of(d, &classes[i]));
        expect_challenge_or_silence(d, classes[i].in_window);
    }
    arrive(d, "R seq=%u", d->f->next);
    expect_closed(d, GANDER_ECONNRESET);
}

/* B1: the window that was closed has one exact number all the same */
DIALOGUE(resets_after_data_moved_the_window)
{
    open_passive(d);
    arrive(d, "PA len=1000");
    app_receive(d, 1000);
    expect_after(d, ms(40), "A ack=1001");
    after(d, ms(20));
    arrive(d, "R seq=1"); /* exact a moment ago */
    expect_nothing(d);
    expect_state(d, GANDER_TCP_ESTABLISHED);
    arrive(d, "R seq=1001");
    expect_closed(d, GANDER_ECONNRESET);
}

/* B2 [RFC5961 4.2]: a challenge wherever it points, and the peer that did begin anew can reset then */
DIALOGUE(syns_of_nine_sequence_classes)
{
    open_passive(d);
    for (unsigned i = 0; i < CLASSES; i++) {
        after(d, ms(20));
        arrive(d, "S seq=%lld", sequence_of(d, &classes[i]));
        expect_challenge_or_silence(d, true);
    }
    after(d, ms(20));
    arrive(d, "S seq=%u", d->f->next);
    expect_challenge_or_silence(d, true);
    d->f->next = 1;
    arrive(d, "R seq=1");
    expect_closed(d, GANDER_ECONNRESET);
}

/* B3 [RFC5961 5.2]: text with an ACK out of [SND.UNA − MAX.SND.WND, SND.NXT] is not taken, whatever its SEQ */
DIALOGUE(data_with_a_ghost_ack_is_dropped)
{
    static const long long ghosts[] = {102, 1000000, 1ll << 30, (1ll << 31) + 1, -65536, -1000000};

    open_passive(d);
    app_send(d, 100);
    expect(d, "PA seq=1 len=100");
    for (unsigned i = 0; i < sizeof(ghosts) / sizeof(ghosts[0]); i++) {
        after(d, ms(20));
        d->f->next = 1;
        arrive(d, "PA seq=1 ack=%lld len=50 fill=1", ghosts[i]);
        expect(d, "A seq=101 ack=1 len=0");
        app_receive_gives(d, GANDER_EAGAIN);
        expect_equal(d, dialogue_info(d).snd_una - d->f->iss, 1);
        expect_equal(d, dialogue_info(d).rcv_nxt - d->f->isn, 1);
    }
    d->f->next = 1;
    arrive(d, "PA seq=1 ack=101 len=50");
    app_receive(d, 50);
    expect_after(d, ms(40), "A ack=51");
}

/* B4 (CVE-2016-5696): what one connection used up says nothing about another */
DIALOGUE(challenges_of_connections_are_apart)
{
    uint64_t limited;

    open_passive(d);
    dialogue_flow(d, 1);
    open_passive(d);
    for (unsigned round = 0; round < 5; round++) {
        after(d, ms(1000));
        dialogue_flow(d, 0);
        for (unsigned i = 0; i < 200; i++) {
            arrive(d, "R seq=%u", 100 + i);
            allow(d, "A seq=1 ack=1");
        }
        limited = dialogue_stats(d).drops[GANDER_DROP_tcp_challenge_rate];
        expect_true(d, limited >= 190 * (round + 1));
        dialogue_flow(d, 1);
        arrive(d, "R seq=100");
        expect(d, "A seq=1 ack=1 len=0"); /* at once, and always one */
        expect_equal(d, dialogue_stats(d).drops[GANDER_DROP_tcp_challenge_rate], limited);
    }
}

/* B17: a peer that answers each of our ACKs with a wrong one, over a path of one millisecond */
DIALOGUE(desynchronised_peers_do_not_storm)
{
    static const char *const wrong[] = {"A seq=-1000000 ack=1", "A seq=1 ack=500000",
                                        "A seq=100000000 ack=1", "A seq=-5 ack=-5"};

    open_passive(d);
    for (unsigned kind = 0; kind < 4; kind++) {
        unsigned answers = 0;

        after(d, sec(20));
        for (unsigned i = 0; i < 10000; i++) { /* ten seconds, whether we answered or not */
            after(d, ms(1));
            arrive(d, "%s", wrong[kind]);
            if (allow(d, "A seq=1 ack=1 len=0"))
                answers++;
        }
        expect_true(d, answers <= 50); /* a few a second */
        expect_true(d, answers >= 1);
        expect_state(d, GANDER_TCP_ESTABLISHED);
    }
}

/* B17: the same with the answers of TIME-WAIT */
DIALOGUE(time_wait_does_not_storm)
{
    unsigned answers = 0;

    reach(d, GANDER_TCP_TIME_WAIT);
    for (unsigned i = 0; i < 10000; i++) {
        after(d, ms(1));
        arrive(d, "A seq=5000 ack=2");
        if (allow(d, "A seq=2 ack=2 len=0"))
            answers++;
    }
    expect_true(d, answers <= 50);
}

/* B11 [RFC7323 5.3]: a forged timestamp counts only at the exact place */
DIALOGUE(forged_timestamps_do_not_stop_the_peer)
{
    static const unsigned at[] = {2, 100, 30000, 65535};

    open_passive(d);
    if (!d->ts)
        return;
    for (unsigned i = 0; i < 4; i++) {
        after(d, ms(20));
        arrive(d, "PA seq=%u len=1 ts=2000000000,0", at[i]);
        while (allow(d, "A seq=1 ack=1"))
            ;
        after(d, ms(20));
        arrive(d, "A seq=%lld ts=2000000000,0", -5000ll - at[i]);
        while (allow(d, "A seq=1 ack=1"))
            ;
    }
    d->f->next = 1;
    arrive(d, "PA seq=1 len=1"); /* the peer itself, with its own clock */
    app_receive(d, 1);
    while (allow(d, "A seq=1"))
        ;
}

/* B12 [RFC5927 4]: a forger without the sequence number moves nothing, with any kind and any MTU */
DIALOGUE(blind_icmp_moves_nothing)
{
    uint32_t mss, cwnd;

    open_passive(d);
    app_send(d, 3 * d->smss);
    expect_equal(d, take_full(d, 1), 3);
    mss = dialogue_info(d).mss_send_bytes;
    cwnd = dialogue_info(d).cwnd_bytes;
    for (unsigned kind = ICMP_DIALOGUE_NETWORK; kind <= ICMP_DIALOGUE_PARAMETER; kind++) {
        for (unsigned i = 0; i < 64; i++) {
            int64_t seq = i < 32 ? (INT64_C(1) << i) + 3 * d->smss : -(INT64_C(1) << (i - 32));

            arrive_icmp(d, kind, (uint32_t)seq, 576 + i);
        }
    }
    expect_nothing(d);
    expect_state(d, GANDER_TCP_ESTABLISHED);
    expect_no_event(d, GANDER_EVENT_ERROR | GANDER_EVENT_CLOSED);
    expect_equal(d, dialogue_info(d).mss_send_bytes, mss);
    expect_equal(d, dialogue_info(d).cwnd_bytes, cwnd);
    arrive(d, "A ack=%u", 3 * d->smss + 1);
}

/* B12 [RFC5927 7]: even with the right number, nobody shrinks segments to nothing */
DIALOGUE(packet_too_big_has_a_floor)
{
    static const uint32_t mtus[] = {1279, 1000, 576, 575, 68, 67, 40, 1, 0};

    open_passive(d);
    app_send(d, 3 * d->smss);
    expect_equal(d, take_full(d, 1), 3);
    for (unsigned i = 0; i < sizeof(mtus) / sizeof(mtus[0]); i++) {
        arrive_icmp(d, ICMP_DIALOGUE_TOO_BIG, 1, mtus[i]);
        while (allow(d, "A ack=1"))
            ;
        expect_true(d,
                    dialogue_info(d).mss_send_bytes >= (d->family == GANDER_IPV4 ? 500u : d->smss));
    }
    arrive(d, "A ack=%u", 3 * d->smss + 1);
    while (allow(d, "A ack=1"))
        ;
}

/* B14 [RFC1337 3]: neither old resets, data nor ACKs end TIME-WAIT */
DIALOGUE(time_wait_is_not_assassinated)
{
    reach(d, GANDER_TCP_TIME_WAIT);
    for (int seq = -10; seq < 12; seq++) {
        after(d, ms(300));
        arrive(d, "R seq=%d", seq);
        arrive(d, "RA seq=%d ack=2", seq);
        expect_nothing(d);
        arrive(d, "PA seq=%d ack=2 len=4", seq);
        while (allow(d, "A seq=2 ack=2"))
            ;
        arrive(d, "A seq=%d ack=%d", seq, seq);
        while (allow(d, "A seq=2 ack=2"))
            ;
        expect_state(d, GANDER_TCP_TIME_WAIT);
        d->f->next = 2;
    }
}

/* E5: whoever comes second cannot change what came first, at any overlap */
DIALOGUE(overlaps_never_change_what_arrived)
{
    open_passive(d);
    for (unsigned round = 0; round < 40; round++) {
        unsigned base = d->f->next, from = 100 + round * 7 % 50, len = 1 + round * 13 % 70;

        if (len > 150 - from) /* what lies behind would be new: nothing can tell whose it is */
            len = 150 - from;
        arrive(d, "A seq=%u len=50", base + 100); /* ahead of a gap */
        expect(d, "A ack=%u", base);
        arrive(d, "A seq=%u len=%u fill=85", base + from, len);
        while (allow(d, "A ack=%u", base))
            ;
        arrive(d, "A seq=%u len=100", base); /* closes it */
        while (allow(d, "A seq=1"))
            ;
        app_receive(d, 150); /* compared with the pattern of the first */
        expect_equal(d, dialogue_info(d).rcv_nxt - d->f->isn, base + 150);
        d->f->next = base + 150;
        while (allow(d, "A seq=1"))
            ;
    }
}

static const struct dialogue_test tests[] = {
    RUN(resets_of_nine_sequence_classes),
    RUN(resets_after_data_moved_the_window),
    RUN(syns_of_nine_sequence_classes),
    RUN(data_with_a_ghost_ack_is_dropped),
    RUN(challenges_of_connections_are_apart),
    RUN(desynchronised_peers_do_not_storm),
    RUN(time_wait_does_not_storm),
    RUN(forged_timestamps_do_not_stop_the_peer),
    RUN(blind_icmp_moves_nothing),
    RUN(packet_too_big_has_a_floor),
    RUN(time_wait_is_not_assassinated),
    RUN(overlaps_never_change_what_arrived),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}

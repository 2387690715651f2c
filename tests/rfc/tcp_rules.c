/* SPDX-License-Identifier: MIT */
/*
 * Rules at their edges: ICMP errors that quote the first number not in flight [RFC5927 4.1], resets and SYNs in TIME-WAIT wherever they
 * point [RFC1337 3], a SYN-ACK to a listener [RFC9293 3.5.2], text on the SYNs of a simultaneous open [RFC9293 3.10.7.3], the schedule of
 * SYNs as kernels have it [RFC6298 2, 5], SYN-RECEIVED by place in the window [RFC9293 3.10.7.4, RFC5961 3.2].
 */
#include "dialogue.h"

DIALOGUE(icmp_at_snd_una_counts) /* [RFC5927 4.1]: SND.UNA =< SEG.SEQ < SND.NXT */
{
    open_passive(d);
    app_send(d, 100);
    expect(d, "A seq=1 len=100");
    forget_events(d);
    arrive_icmp(d, ICMP_DIALOGUE_HOST, 1, 0);
    expect_event(d, GANDER_EVENT_ERROR);
    forget_events(d);
    arrive_icmp(d, ICMP_DIALOGUE_HOST, 100, 0);
    expect_event(d, GANDER_EVENT_ERROR);
}

DIALOGUE(icmp_at_snd_nxt_is_discarded)
{
    open_passive(d);
    app_send(d, 100);
    expect(d, "A seq=1 len=100");
    forget_events(d);
    arrive_icmp(d, ICMP_DIALOGUE_HOST, 101, 0);
    expect_drop(d, GANDER_DROP_icmp_sequence);
    arrive_icmp(d, ICMP_DIALOGUE_HOST, 0, 0); /* before SND.UNA */
    expect_drop(d, GANDER_DROP_icmp_sequence);
    expect_no_event(d, GANDER_EVENT_ERROR);
}

DIALOGUE(icmp_at_snd_nxt_opens_nothing) /* also while the SYN is all that is in flight */
{
    app_connect(d);
    expect(d, "S seq=0");
    arrive_icmp(d, ICMP_DIALOGUE_PORT, 1, 0);
    expect_drop(d, GANDER_DROP_icmp_sequence);
    expect_state(d, GANDER_TCP_SYN_SENT);
    arrive_icmp(d, ICMP_DIALOGUE_PORT, 0, 0);
    expect_closed(d, GANDER_ECONNREFUSED);
}

DIALOGUE(icmp_with_nothing_in_flight_is_discarded)
{
    open_passive(d);
    arrive_icmp(d, ICMP_DIALOGUE_HOST, 1, 0); /* SND.UNA is SND.NXT */
    expect_drop(d, GANDER_DROP_icmp_sequence);
}

DIALOGUE(time_wait_ignores_resets_everywhere) /* [RFC1337 3 (F1)] */
{
    static const int64_t places[] = {-1000, 1, 2, 1002, 65536, 65537, 100000};

    reach(d, GANDER_TCP_TIME_WAIT);
    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        arrive(d, "R seq=%lld", (long long)places[i]);
        expect_drop(d, GANDER_DROP_tcp_time_wait);
        arrive(d, "RA seq=%lld ack=2", (long long)places[i]);
        expect_nothing(d);
        expect_state(d, GANDER_TCP_TIME_WAIT);
    }
}

DIALOGUE(listen_resets_a_syn_ack) /* [RFC9293 3.10.7.2 second]: <SEQ=SEG.ACK><CTL=RST> */
{
    app_listen(d, 1);
    arrive(d, "SA seq=0 ack=777");
    expect(d, "R seq=777");
    expect_state(d, GANDER_TCP_CLOSED);
    arrive(d, "SA seq=0 ack=778 len=10");
    expect(d, "R seq=778");
    arrive(d, "SRA seq=0 ack=779"); /* never in answer to a reset */
    expect_nothing(d);
}

DIALOGUE(simultaneous_open_with_text_on_the_syn) /* [RFC9293 3.10.7.3 fourth]: it may come again */
{
    app_connect(d);
    expect(d, "S seq=0");
    arrive(d, "S seq=0 len=20");
    expect(d, "SA seq=0 ack=1");
    expect_state(d, GANDER_TCP_SYN_RECEIVED);
    arrive(d, "A seq=1 ack=1 len=20");
    expect_state(d, GANDER_TCP_ESTABLISHED);
    expect_after(d, ms(40), "A ack=21");
    app_receive(d, 20);
}

DIALOGUE(simultaneous_open_with_text_on_the_syn_ack) /* [RFC9293 3.5 Figure 7] */
{
    app_connect(d);
    expect(d, "S seq=0");
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "SA seq=0 ack=1 len=30");
    expect_state(d, GANDER_TCP_ESTABLISHED);
    if (!allow(d, "A ack=31"))
        expect_after(d, ms(40), "A ack=31");
    app_receive(d, 30);
}

static void as_linux(struct gander_config *config)
{
    config->tcp_syn_retries = 6;
    config->tcp_rto_max_ns = sec(120);
}

DIALOGUE(syn_schedule) /* [RFC6298 2, 5]: 1 s, and twice as long each time */
{
    app_connect(d);
    expect(d, "S seq=0");
    for (unsigned i = 1; i <= 6; i++)
        expect_at(d, sec((1 << i) - 1), "S seq=0 len=0");
    at(d, sec(127) - 1);
    expect_state(d, GANDER_TCP_SYN_SENT);
    at(d, sec(127));
    expect_closed(d, GANDER_ETIMEDOUT);
}

static void syn_received(struct dialogue *d)
{
    app_listen(d, 1);
    arrive(d, "S");
    expect(d, "SA seq=0 ack=1");
}

DIALOGUE(syn_received_by_place) /* [RFC9293 3.10.7.4 first]: acknowledged, and no more */
{
    static const int64_t outside[] = {-9, 65536};

    syn_received(d);
    for (unsigned i = 0; i < 2; i++) {
        after(d, ms(10));
        arrive(d, "A seq=%lld ack=1 len=10", (long long)outside[i]);
        expect(d, "A seq=1 ack=1 len=0");
        expect_state(d, GANDER_TCP_SYN_RECEIVED);
    }
    arrive(d, "A seq=65535 ack=1"); /* the right edge is in it */
    expect_state(d, GANDER_TCP_ESTABLISHED);
}

DIALOGUE(syn_received_resets_by_place) /* [RFC5961 3.2] */
{
    syn_received(d);
    arrive(d, "R seq=0");
    expect_nothing(d);
    arrive(d, "R seq=65536");
    expect_nothing(d);
    arrive(d, "R seq=65535");
    expect(d, "A seq=1 ack=1");
    expect_state(d, GANDER_TCP_SYN_RECEIVED);
    arrive(d, "R seq=1");
    expect_nothing(d);
    expect_state(d, GANDER_TCP_CLOSED);
}

static const struct dialogue_test tests[] = {
    RUN(icmp_at_snd_una_counts),
    RUN(icmp_at_snd_nxt_is_discarded),
    RUN(icmp_at_snd_nxt_opens_nothing),
    RUN(icmp_with_nothing_in_flight_is_discarded),
    RUN(time_wait_ignores_resets_everywhere),
    RUN(listen_resets_a_syn_ack),
    RUN(simultaneous_open_with_text_on_the_syn),
    RUN(simultaneous_open_with_text_on_the_syn_ack),
    RUN_WITH(syn_schedule, as_linux),
    RUN(syn_received_by_place),
    RUN(syn_received_resets_by_place),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}

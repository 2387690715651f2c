/* SPDX-License-Identifier: MIT */
/*
 * ICMP errors about TCP segments: RFC 9293 3.9.2.2 (soft and hard errors, source quench), RFC 5927 (the quoted sequence
 * number must be in flight; hard errors are soft once synchronised), RFC 1191 and RFC 8201 (packet too big).
 */
#include "dialogue.h"

static const enum dialogue_icmp soft[] = {ICMP_DIALOGUE_NETWORK, ICMP_DIALOGUE_HOST,
                                          ICMP_DIALOGUE_TIME_EXCEEDED, ICMP_DIALOGUE_PARAMETER};
enum { SOFT = sizeof(soft) / sizeof(soft[0]) };

DIALOGUE(soft_errors_do_not_abort_an_open) /* [RFC9293 MUST-54, MUST-56] */
{
    reach(d, GANDER_TCP_SYN_SENT);
    for (unsigned i = 0; i < SOFT; i++) {
        arrive_icmp(d, soft[i], 0, 0);
        expect_nothing(d);
        expect_state(d, GANDER_TCP_SYN_SENT);
    }
    expect_no_event(d, GANDER_EVENT_CLOSED);
    arrive(d, "SA seq=0 ack=1");
    expect(d, "A seq=1 ack=1");
    expect_event(d, GANDER_EVENT_CONNECTED);
}

DIALOGUE(soft_errors_are_told) /* [RFC9293 SHLD-25] */
{
    reach(d, GANDER_TCP_SYN_SENT);
    arrive_icmp(d, ICMP_DIALOGUE_HOST, 0, 0);
    expect_event(d, GANDER_EVENT_ERROR);
    expect_equal(d, d->error, GANDER_EHOSTUNREACH);
}

DIALOGUE(hard_errors_abort_an_open) /* [RFC9293 SHLD-26] */
{
    reach(d, GANDER_TCP_SYN_SENT);
    arrive_icmp(d, ICMP_DIALOGUE_PORT, 0, 0);
    expect_nothing(d);
    expect_state(d, GANDER_TCP_CLOSED);
    expect_closed(d, GANDER_ECONNREFUSED);
}

/* [RFC9293 3.9.2.2]: ICMPv6 has it as a parameter problem, which is a soft error whatever its code [MUST-56]. */
DIALOGUE(protocol_unreachable_aborts_an_open)
{
    reach(d, GANDER_TCP_SYN_SENT);
    arrive_icmp(d, ICMP_DIALOGUE_PROTOCOL, 0, 0);
    if (d->family == GANDER_IPV6) {
        expect_event(d, GANDER_EVENT_ERROR);
        expect_equal(d, d->error, GANDER_ENOPROTOOPT);
        expect_state(d, GANDER_TCP_SYN_SENT);
        return;
    }
    expect_state(d, GANDER_TCP_CLOSED);
    expect_event(d, GANDER_EVENT_CLOSED);
    expect_true(d, d->error < 0);
}

DIALOGUE(sequence_number_must_be_in_flight) /* [RFC5927 4.1] */
{
    static const int wrong[] = {-1, 1, 1000000, -1000000};

    reach(d, GANDER_TCP_SYN_SENT);
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        arrive_icmp(d, ICMP_DIALOGUE_PORT, wrong[i], 0);
        expect_drop(d, GANDER_DROP_icmp_sequence);
        expect_state(d, GANDER_TCP_SYN_SENT);
    }
    arrive(d, "SA seq=0 ack=1");
    expect(d, "A seq=1 ack=1");
    app_send(d, 100);
    expect(d, "PA seq=1 len=100");
    arrive_icmp(d, ICMP_DIALOGUE_TOO_BIG, 101, 1280);
    expect_drop(d, GANDER_DROP_icmp_sequence);
    arrive_icmp(d, ICMP_DIALOGUE_TOO_BIG, 0, 1280);
    expect_drop(d, GANDER_DROP_icmp_sequence);
    expect_nothing(d);
}

DIALOGUE(nothing_of_ours) /* an error about a connection that does not exist */
{
    app_listen(d, 1);
    arrive_icmp(d, ICMP_DIALOGUE_PORT, 0, 0);
    expect_nothing(d);
    expect_drop(d, GANDER_DROP_icmp_no_socket);
}

DIALOGUE(hard_errors_are_soft_once_synchronised) /* [RFC5927 5.2] */
{
    static const enum dialogue_icmp hard[] = {ICMP_DIALOGUE_PORT, ICMP_DIALOGUE_PROTOCOL,
                                              ICMP_DIALOGUE_PROHIBITED};

    open_passive(d);
    app_send(d, 100);
    expect(d, "PA seq=1 len=100");
    for (unsigned i = 0; i < sizeof(hard) / sizeof(hard[0]); i++)
        arrive_icmp(d, hard[i], 1, 0);
    for (unsigned i = 0; i < SOFT; i++)
        arrive_icmp(d, soft[i], 1, 0);
    expect_nothing(d);
    expect_state(d, GANDER_TCP_ESTABLISHED);
    expect_no_event(d, GANDER_EVENT_CLOSED);
    arrive(d, "A ack=101");
    app_send(d, 100);
    expect(d, "PA seq=101 len=100");
}

DIALOGUE(source_quench_is_discarded) /* [RFC9293 MUST-55, RFC6633] */
{
    uint32_t cwnd;

    if (d->family == GANDER_IPV6)
        return;
    open_passive(d);
    app_send(d, 100);
    expect(d, "PA seq=1 len=100");
    cwnd = dialogue_info(d).cwnd_bytes;
    arrive_icmp(d, ICMP_DIALOGUE_SOURCE_QUENCH, 1, 0);
    expect_nothing(d);
    expect_equal(d, dialogue_info(d).cwnd_bytes, cwnd);
    expect_no_event(d, GANDER_EVENT_ERROR);
}

DIALOGUE(soft_error_explains_the_timeout) /* [RFC9293 SHLD-25]: why it timed out */
{
    app_connect(d);
    expect(d, "S seq=0");
    arrive_icmp(d, ICMP_DIALOGUE_HOST, 0, 0);
    for (int i = 0; i < 20 && d->f->state == GANDER_TCP_SYN_SENT; i++) {
        at(d, gander_deadline(d->stack) - d->config.start);
        allow(d, "S seq=0");
    }
    expect_state(d, GANDER_TCP_CLOSED);
    expect_closed(d, GANDER_EHOSTUNREACH);
}

/* --- packet too big [RFC1191 3, RFC8201 4] ------------------------------------------------------------------- */

static unsigned headers(const struct dialogue *d)
{
    return (d->family == GANDER_IPV4 ? 20u : 40u) + 20u + (d->ts ? 12u : 0u);
}

static void open_big(struct dialogue *d)
{
    app_listen(d, 1);
    arrive(d, "S mss=1460");
    expect(d, "SA seq=0");
    arrive(d, "A ack=1");
    app_accept(d);
    d->smss = 1500 - headers(d);
    expect_equal(d, dialogue_info(d).mss_send_bytes, d->smss);
}

DIALOGUE(packet_too_big_shrinks_segments)
{
    unsigned smaller;

    open_big(d);
    app_send(d, 4 * d->smss);
    expect_equal(d, take_full(d, 1), 4);
    arrive_icmp(d, ICMP_DIALOGUE_TOO_BIG, 1, 1300);
    smaller = 1300 - headers(d);
    expect(d, "A seq=1 len=%u", smaller); /* what was too long goes again at once */
    while (allow(d, "A seq=1 len=%u", smaller) || allow(d, "A ack=1"))
        expect_true(d, d->seg.len <= smaller);
    expect_true(d, dialogue_info(d).mss_send_bytes <= smaller);
    if (d->now == 0)
        wait_for_segment(d, sec(5)); /* resent at once, or by the timer: all in smaller segments */
    while (allow(d, "A ack=1"))
        expect_true(d, d->seg.len <= smaller);
    arrive(d, "A ack=%u", (unsigned)(4 * d->smss + 1));
    app_send(d, 3000);
    expect(d, "A len=%u", smaller);
    while (allow(d, "A ack=1"))
        expect_true(d, d->seg.len <= smaller);
}

DIALOGUE(packet_too_big_never_enlarges) /* [RFC8201 4, RFC5927 7] */
{
    uint32_t mss;

    open_passive(d);
    mss = dialogue_info(d).mss_send_bytes;
    app_send(d, 100);
    expect(d, "PA seq=1 len=100");
    arrive_icmp(d, ICMP_DIALOGUE_TOO_BIG, 1, 9000);
    expect_nothing(d);
    expect_equal(d, dialogue_info(d).mss_send_bytes, mss);
}

DIALOGUE(packet_too_small_to_be_true) /* [RFC8201 4: below 1280; RFC5927 7]: clamped or ignored */
{
    static const unsigned mtus[] = {0, 1, 68, 100, 500};

    open_big(d);
    app_send(d, d->smss);
    expect_equal(d, take_full(d, 1), 1);
    for (unsigned i = 0; i < sizeof(mtus) / sizeof(mtus[0]); i++) {
        arrive_icmp(d, ICMP_DIALOGUE_TOO_BIG, 1, mtus[i]);
        while (allow(d, "A ack=1"))
            ;
        expect_true(d, dialogue_info(d).mss_send_bytes >=
                           (d->family == GANDER_IPV4 ? 552 : 1280) - headers(d));
    }
}

static const struct dialogue_test tests[] = {
    RUN(soft_errors_do_not_abort_an_open),
    RUN(soft_errors_are_told),
    RUN(hard_errors_abort_an_open),
    RUN(protocol_unreachable_aborts_an_open),
    RUN(sequence_number_must_be_in_flight),
    RUN(nothing_of_ours),
    RUN(hard_errors_are_soft_once_synchronised),
    RUN(source_quench_is_discarded),
    RUN(soft_error_explains_the_timeout),
    RUN(packet_too_big_shrinks_segments),
    RUN(packet_too_big_never_enlarges),
    RUN(packet_too_small_to_be_true),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}

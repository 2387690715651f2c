/* SPDX-License-Identifier: MIT */
/*
 * D-SACK [RFC2883]: the examples of section 4 as a receiver, numbered as there (with 1 for the first byte), and what a sender believes.
 */
#include "dialogue.h"

enum { RTT_MS = 20 };

static void open_sack(struct dialogue *d)
{
    app_listen(d, 1);
    arrive(d, "S sackok");
    expect(d, "SA seq=0 ack=1 sackok");
    after(d, ms(RTT_MS));
    arrive(d, "A ack=1");
    app_accept(d);
}

static unsigned nth(const struct dialogue *d, uint32_t n)
{
    return n * d->smss + 1;
}

/* Two segments of 500 bytes in order, acknowledged. */
static void two_in_order(struct dialogue *d)
{
    open_sack(d);
    arrive(d, "A seq=1 len=500");
    arrive(d, "A seq=501 len=500");
    expect(d, "A ack=1001 nosack");
}

/* --- the receiver ------------------------------------------------------------------------------ */

DIALOGUE(example_1_duplicate_segment) /* [RFC2883 4.1.1] */
{
    two_in_order(d);
    arrive(d, "A seq=1 len=500");
    expect(d, "A ack=1001 sack=1-501");
    arrive(d, "A seq=1001 len=500"); /* (2): in one ACK only */
    arrive(d, "A seq=1501 len=500");
    expect(d, "A ack=2001 nosack");
}

DIALOGUE(example_2_and_what_is_held) /* [RFC2883 4.1.2] */
{
    two_in_order(d);
    arrive(d, "A seq=1501 len=500");
    expect(d, "A ack=1001 sack=1501-2001");
    arrive(d, "A seq=1 len=500");
    expect(d, "A ack=1001 sack=1-501,1501-2001");
}

DIALOGUE(example_3_duplicate_of_what_is_held) /* [RFC2883 4.1.3, 4 (4)] */
{
    two_in_order(d);
    arrive(d, "A seq=1501 len=500");
    expect(d, "A ack=1001 sack=1501-2001");
    arrive(d, "A seq=2001 len=500");
    expect(d, "A ack=1001 sack=1501-2501");
    arrive(d, "A seq=2001 len=500");
    expect(d, "A ack=1001 sack=2001-2501,1501-2501");
    expect_drop(d, GANDER_DROP_tcp_duplicate);
}

DIALOGUE(example_4_part_of_a_segment) /* [RFC2883 4.2.1] */
{
    two_in_order(d);
    arrive(d, "A seq=2001 len=500");
    expect(d, "A ack=1001 sack=2001-2501");
    arrive(d, "A seq=1001 len=500");
    expect(d, "A ack=1501 sack=2001-2501");
    arrive(d, "A seq=1001 len=1000");
    expect(d, "A ack=2501 sack=1001-1501");
    app_receive(d, 2500);
}

DIALOGUE(example_5_two_parts_below) /* [RFC2883 4.2.2]: only the first is told */
{
    two_in_order(d);
    arrive(d, "A seq=3001 len=500");
    expect(d, "A ack=1001 sack=3001-3501");
    arrive(d, "A seq=1001 len=500");
    expect(d, "A ack=1501 sack=3001-3501");
    arrive(d, "A seq=2001 len=500");
    expect(d, "A ack=1501 sack=2001-2501,3001-3501");
    arrive(d, "A seq=1001 len=1500");
    expect(d, "A ack=2501 sack=1001-1501,3001-3501");
    app_receive(d, 2500);
}

DIALOGUE(example_6_two_parts_above) /* [RFC2883 4.2.3] */
{
    two_in_order(d);
    arrive(d, "A seq=3501 len=500");
    expect(d, "A ack=1001 sack=3501-4001");
    arrive(d, "A seq=1501 len=500");
    expect(d, "A ack=1001 sack=1501-2001,3501-4001");
    arrive(d, "A seq=2501 len=500");
    expect(d, "A ack=1001 sack=2501-3001,1501-2001,3501-4001");
    arrive(d, "A seq=1501 len=1500");
    expect(d, "A ack=1001 sack=1501-2001,1501-3001,3501-4001");
}

DIALOGUE(each_duplicate_is_told) /* [RFC2883 4 (2)]: also of those that come in one burst */
{
    two_in_order(d);
    arrive_together(d, "A seq=1 len=500");
    arrive(d, "A seq=501 len=500");
    expect(d, "A ack=1001 sack=1-501");
    expect(d, "A ack=1001 sack=501-1001");
    expect_equal(d, dialogue_stats(d).tcp_dsacks_out, 2);
}

DIALOGUE(not_beside_data_that_fill_a_segment) /* an ACK of its own goes first */
{
    two_in_order(d);
    arrive_together(d, "A seq=1 len=500");
    arrive(d, "A seq=1501 len=500");
    app_send(d, 3 * d->smss);
    expect(d, "A ack=1001 len=0 sack=1-501,1501-2001");
    expect_equal(d, take_full(d, 1), 3);
}

DIALOGUE(not_without_sack) /* [RFC2018 2] */
{
    open_passive(d);
    arrive(d, "A seq=1 len=500");
    arrive(d, "A seq=501 len=500");
    expect(d, "A ack=1001 nosack");
    arrive(d, "A seq=1 len=500");
    expect(d, "A ack=1001 nosack");
}

static void off(struct gander_config *config)
{
    config->tcp_dsack = false;
}

DIALOGUE(can_be_switched_off)
{
    two_in_order(d);
    arrive(d, "A seq=1 len=500");
    expect(d, "A ack=1001 nosack");
    expect_equal(d, dialogue_stats(d).tcp_dsacks_out, 0);
}

DIALOGUE(told_by_an_idle_connection) /* whose working memory has been given back */
{
    two_in_order(d);
    app_receive(d, 1000);
    expect_silence_until(d, d->now + sec(10));
    arrive(d, "A seq=501 len=500");
    expect(d, "A ack=1001 sack=501-1001");
    expect_silence_until(d, d->now + sec(10));
}

/* --- the sender ----------------------------------------------------------------------------------- */

/* Of ten segments the first was resent because three others came before it; all are acknowledged now. */
static void resent_for_nothing(struct dialogue *d)
{
    open_sack(d);
    app_send(d, 10 * d->smss);
    expect_equal(d, take_full(d, 1), 10);
    after(d, ms(RTT_MS));
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 4));
    expect(d, "A seq=1 len=%u", (unsigned)d->smss);
    arrive(d, "A ack=%u", nth(d, 10));
}

DIALOGUE(report_below_the_acknowledgement) /* [RFC2883 5] */
{
    resent_for_nothing(d);
    arrive(d, "A ack=%u sack=1-%u", nth(d, 10), nth(d, 1));
    expect_equal(d, dialogue_stats(d).tcp_dsacks_in, 1);
    expect_equal(d, dialogue_stats(d).tcp_spurious_retransmissions, 1);
    expect_equal(d, dialogue_info(d).spurious_retransmissions, 1);
}

DIALOGUE(report_above_the_acknowledgement) /* [RFC2883 5]: inside the second block */
{
    open_sack(d);
    app_send(d, 10 * d->smss);
    expect_equal(d, take_full(d, 1), 10);
    after(d, ms(RTT_MS));
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 2), nth(d, 5));
    expect(d, "A seq=1 len=%u", (unsigned)d->smss);
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 2), nth(d, 7));
    expect(d, "A seq=%u len=%u", nth(d, 1), (unsigned)d->smss);
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 7)); /* it was late */
    after(d, ms(RTT_MS));
    arrive(d, "A ack=1 sack=%u-%u,%u-%u", nth(d, 1), nth(d, 2), nth(d, 1), nth(d, 7));
    expect_equal(d, dialogue_stats(d).tcp_spurious_retransmissions, 1);
    while (allow(d, "A"))
        ;
}

/* the network copies too: no reason to believe that we did it */
DIALOGUE(reports_of_what_never_went_twice)
{
    open_sack(d);
    app_send(d, 10 * d->smss);
    expect_equal(d, take_full(d, 1), 10);
    after(d, ms(RTT_MS));
    arrive(d, "A ack=%u sack=1-%u", nth(d, 2), nth(d, 1));
    expect_equal(d, dialogue_stats(d).tcp_dsacks_in, 1);
    expect_equal(d, dialogue_stats(d).tcp_spurious_retransmissions, 0);
    arrive(d, "A ack=%u", nth(d, 10));
    expect_nothing(d);
}

DIALOGUE(no_more_reports_than_retransmissions) /* docs/security.md C4: floods of them */
{
    resent_for_nothing(d);
    for (int i = 0; i < 20; i++)
        arrive(d, "A ack=%u sack=1-%u", nth(d, 10), nth(d, 1));
    expect_equal(d, dialogue_stats(d).tcp_dsacks_in, 20);
    expect_equal(d, dialogue_stats(d).tcp_spurious_retransmissions, 1);
    expect_nothing(d);
}

/* of what never left, of long ago, backwards, before the first byte */
DIALOGUE(reports_that_cannot_be)
{
    static const char *const lies[] = {"sack=-100-1", "sack=0-1", "sack=-70000--69000",
                                       "sack=5-5",    "sack=9-5", "sack=-2147483647-1"};

    resent_for_nothing(d);
    for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
        arrive(d, "A ack=%u %s", nth(d, 10), lies[i]);
    expect_equal(d, dialogue_stats(d).tcp_spurious_retransmissions, 0);
    expect_nothing(d);
}

/* whose arithmetic is tested */
static void newreno(struct gander_config *config)
{
    config->tcp_congestion_control = "newreno";
}

static const struct dialogue_test tests[] = {
    RUN(example_1_duplicate_segment),
    RUN(example_2_and_what_is_held),
    RUN(example_3_duplicate_of_what_is_held),
    RUN(example_4_part_of_a_segment),
    RUN(example_5_two_parts_below),
    RUN(example_6_two_parts_above),
    RUN(each_duplicate_is_told),
    RUN(not_beside_data_that_fill_a_segment),
    RUN(not_without_sack),
    RUN_WITH(can_be_switched_off, off),
    RUN(told_by_an_idle_connection),
    RUN(report_below_the_acknowledgement),
    RUN_WITH(report_above_the_acknowledgement, newreno),
    RUN(reports_of_what_never_went_twice),
    RUN(no_more_reports_than_retransmissions),
    RUN(reports_that_cannot_be),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}

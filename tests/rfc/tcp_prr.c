/* SPDX-License-Identifier: MIT */
/*
 * Proportional Rate Reduction [RFC9937]: its bounds for each ACK, and the two examples of RFC 6937 3.1: 20 segments in flight, ssthresh 10. The
 * peer offers SACK; without it: tcp_congestion.c.
 */
#include "dialogue.h"

enum { RTT_MS = 20, FLIGHT = 20 };

static unsigned nth(const struct dialogue *d, uint32_t n)
{
    return n * d->smss + 1;
}

static void twenty(struct gander_config *config)
{
    config->tcp_initial_window_segs = FLIGHT;
    config->tcp_congestion_control = "newreno";
}

static void begin(struct dialogue *d)
{
    app_listen(d, 1);
    arrive(d, "S sackok");
    expect(d, "SA seq=0 ack=1 sackok");
    after(d, ms(RTT_MS));
    arrive(d, "A ack=1");
    app_accept(d);
    app_send(d, 100 * d->smss);
    expect_equal(d, take_full(d, 1), FLIGHT);
    after(d, ms(RTT_MS));
}

/* Takes all that leaves now; of it, `resent` began below segment `n`. */
static unsigned leaves(struct dialogue *d, unsigned n, unsigned *resent)
{
    unsigned count = 0;

    while (allow(d, "A len=%u", (unsigned)d->smss)) {
        count++;
        if ((uint32_t)d->seg.seq - d->f->iss < nth(d, n))
            (*resent)++;
    }
    return count;
}

/* first example: half of what arrives may leave, and no half window of silence */
DIALOGUE(one_loss_is_a_slope)
{
    unsigned out = 0, resent = 0, silent = 0;

    begin(d);
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 2));
    expect_equal(d, leaves(d, 1, &resent), 1); /* limited transmit [RFC3042] */
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 3));
    expect_equal(d, leaves(d, 1, &resent), 1);
    expect_equal(d, resent, 0);
    for (unsigned i = 3; i < FLIGHT; i++) {
        unsigned delivered = i - 2, n;

        arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, i + 1));
        n = leaves(d, 1, &resent);
        out += n;
        silent = n ? 0 : silent + 1;
        expect_true(d, silent <= 2);
        expect_true(d, out <= (delivered * 10 + FLIGHT - 1) / FLIGHT); /* CEIL */
    }
    expect_equal(d, resent, 1);
    expect_true(d, out >= 8);
    expect_equal(d, dialogue_info(d).ssthresh_bytes, 10 * d->smss);
    arrive(d, "A ack=%u", nth(d, 22));
    expect_equal(d, dialogue_info(d).cwnd_bytes, 10 * d->smss); /* "cwnd = ssthresh" */
    expect_equal(d, dialogue_info(d).recovery, 0);
    leaves(d, 1, &resent);
    expect_equal(d, resent, 1);
}

/* Second example, fifteen in a row: a segment for each that arrived (CRB), as long as SND.UNA stands. */
DIALOGUE(many_losses_conserve_packets)
{
    unsigned resent = 0;

    begin(d);
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 15), nth(d, 16));
    expect_equal(d, leaves(d, 15, &resent), 1);
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 15), nth(d, 17));
    expect_equal(d, leaves(d, 15, &resent), 1);
    expect_equal(d, resent, 0);
    for (unsigned i = 17; i < FLIGHT; i++) {
        arrive(d, "A ack=1 sack=%u-%u", nth(d, 15), nth(d, i + 1));
        expect_equal(d, leaves(d, 15, &resent), 1);
    }
    expect_equal(d, resent, 3);
}

/* safeACK: SND.UNA moves and nothing else is found lost (SSRB) */
DIALOGUE(good_progress_adds_a_segment)
{
    unsigned resent = 0, out;

    begin(d);
    for (unsigned i = 15; i < FLIGHT; i++) {
        arrive(d, "A ack=1 sack=%u-%u", nth(d, 15), nth(d, i + 1));
        leaves(d, 15, &resent);
    }
    expect_equal(d, resent, 3);
    after(d, ms(RTT_MS));
    for (unsigned i = 1; i <= 3; i++) {
        arrive(d, "A ack=%u sack=%u-%u", nth(d, i), nth(d, 15), nth(d, 20));
        out = leaves(d, 15, &resent);
        expect_equal(d, out, 2);
    }
    expect_equal(d, resent, 9);
    expect_true(d, dialogue_info(d).cwnd_bytes <= dialogue_info(d).ssthresh_bytes);
}

DIALOGUE(acks_without_news_send_nothing) /* DeliveredData is 0 */
{
    unsigned resent = 0;

    begin(d);
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 10));
    leaves(d, 1, &resent);
    for (unsigned i = 0; i < 30; i++) {
        arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 10));
        expect_nothing(d);
    }
}

DIALOGUE(first_retransmission_leaves_at_once) /* whatever the share says */
{
    unsigned resent = 0;

    begin(d);
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 2));
    leaves(d, 1, &resent);
    expect_equal(d, resent, 0);
    after(d, ms(RTT_MS / 4)); /* by RACK's timer, with no ACK to count */
    expect_equal(d, leaves(d, 1, &resent), 1);
    expect_equal(d, resent, 1);
    expect_equal(d, dialogue_info(d).recovery, 1);
}

static const struct dialogue_test tests[] = {
    RUN_WITH(one_loss_is_a_slope, twenty),
    RUN_WITH(many_losses_conserve_packets, twenty),
    RUN_WITH(good_progress_adds_a_segment, twenty),
    RUN_WITH(acks_without_news_send_nothing, twenty),
    RUN_WITH(first_retransmission_leaves_at_once, twenty),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}

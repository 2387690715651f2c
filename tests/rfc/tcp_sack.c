/* SPDX-License-Identifier: MIT */
/*
 * Selective acknowledgements: RFC 2018 (what we report, what we do with reports), RFC 6675 and RFC 8985 as far as they
 * bind: what was reported is not resent, recovery begins on good evidence, and lies do no harm.
 */
#include "dialogue.h"

static void open_sack(struct dialogue *d)
{
    app_listen(d, 1);
    arrive(d, "S sackok");
    expect(d, "SA seq=0 ack=1 sackok");
    after(d, ms(20));
    arrive(d, "A ack=1");
    app_accept(d);
    expect_true(d, dialogue_info(d).sack);
}

static unsigned nth(const struct dialogue *d, uint32_t n)
{
    return n * d->smss + 1;
}

/* --- receiving data [RFC2018 4] ---------------------------------------------------------------------------- */

DIALOGUE(never_without_permission) /* "it MUST NOT send SACK options on that connection" */
{
    open_passive(d);
    arrive(d, "A seq=101 len=100");
    expect(d, "A ack=1 nosack");
}

DIALOGUE(first_block_is_the_latest)
{
    open_sack(d);
    arrive(d, "A seq=101 len=100");
    expect(d, "A ack=1 sack=101-201");
    arrive(d, "A seq=301 len=100");
    expect(d, "A ack=1 sack=301-401,101-201");
    arrive(d, "A seq=501 len=100");
    expect(d, "A ack=1 sack=501-601,301-401,101-201");
    arrive(d, "A seq=201 len=100"); /* joins two */
    expect(d, "A ack=1 sack=101-401,501-601");
    arrive(d, "A seq=1 len=100"); /* fills the first gap: the rest is still reported */
    expect(d, "A ack=401 sack=501-601");
    arrive(d, "A seq=401 len=100");
    expect(d, "A ack=601 nosack");
    app_receive(d, 600);
}

DIALOGUE(as_many_blocks_as_fit) /* four, or three beside timestamps */
{
    open_sack(d);
    for (unsigned i = 1; i <= 6; i++) {
        arrive(d, "A seq=%u len=100", 200 * i + 1);
        expect(d, "A ack=1");
    }
    expect_equal(d, d->seg.sacks, d->ts ? 3 : 4);
    expect_equal(d, (uint32_t)d->seg.sack[0][0] - d->f->isn, 1201);
    expect_equal(d, (uint32_t)d->seg.sack[1][0] - d->f->isn, 1001);
    expect_equal(d, (uint32_t)d->seg.sack[2][0] - d->f->isn, 801);
}

/* [RFC9293 3.7.1, RFC6691]: a data segment with SACK blocks still fits the MTU */
DIALOGUE(options_reduce_the_text)
{
    app_listen(d, 1);
    arrive(d, "S sackok mss=1460");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "A ack=1");
    app_accept(d);
    arrive(d, "A seq=101 len=100");
    expect(d, "A ack=1 sack=101-201");
    app_send(d, 5000);
    while (allow(d, "A ack=1")) {
        unsigned header = (d->family == GANDER_IPV4 ? 40u : 60u) + (d->ts ? 12u : 0u) +
                          (d->seg.sacks ? 4u + 8u * d->seg.sacks : 0u);

        expect_true(d, d->seg.len + header <= 1500);
    }
}

/* --- sending data [RFC2018 5, RFC6675] ------------------------------------------------------------------------ */

/* Ten segments out; the peer has all but those of the mask. Returns what was resent, as a mask. */
static unsigned resent(struct dialogue *d)
{
    unsigned mask = 0;

    while (allow(d, "A ack=1")) {
        uint32_t n = ((uint32_t)d->seg.seq - d->f->iss - 1) / d->smss;

        if (n < 10)
            mask |= 1u << n;
    }
    return mask;
}

DIALOGUE(only_what_is_missing_is_resent)
{
    unsigned mask;

    open_sack(d);
    app_send(d, 10 * d->smss);
    expect_equal(d, take_full(d, 1), 10);
    after(d, ms(20));
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 2));
    mask = resent(d);
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 3));
    mask |= resent(d);
    expect_equal(d, mask, 0); /* two are no evidence yet */
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 4));
    mask |= resent(d);
    expect_equal(d, mask, 1);
    arrive(d, "A ack=1 sack=%u-%u,%u-%u", nth(d, 5), nth(d, 10), nth(d, 1),
           nth(d, 4)); /* 0 and 4 are missing */
    mask |= resent(d);
    after(d, ms(6));
    mask |= resent(d);
    expect_equal(d, mask, 1 | 1 << 4);
    arrive(d, "A ack=%u", nth(d, 10));
    expect_nothing(d);
    expect_equal(d, dialogue_stats(d).tcp_retransmit_timeouts, 0);
    expect_equal(d, dialogue_stats(d).tcp_retransmitted_segments, 2);
    expect_silence_until(d, d->now + sec(100));
}

/* [RFC2018 5]: MUST, whether or not it was reported */
DIALOGUE(after_a_timeout_the_left_edge_is_resent)
{
    open_sack(d);
    app_send(d, 2 * d->smss);
    expect_equal(d, take_full(d, 1), 2);
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 2));
    for (int i = 0; i < 10 && dialogue_stats(d).tcp_retransmit_timeouts == 0; i++) {
        wait_for_segment(d, d->now + sec(3));
        expect(d, "A ack=1");
        if (dialogue_stats(d).tcp_retransmit_timeouts)
            expect_equal(d, (uint32_t)d->seg.seq - d->f->iss, 1);
    }
    expect_equal(d, dialogue_stats(d).tcp_retransmit_timeouts, 1);
}

/* [RFC2018 8]: what was reported may be taken back; it is kept until acknowledged */
DIALOGUE(reneging_is_survived)
{
    open_sack(d);
    app_send(d, 5 * d->smss);
    expect_equal(d, take_full(d, 1), 5);
    after(d, ms(20));
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 5));
    while (allow(d, "A ack=1"))
        ;
    arrive(d, "A ack=%u", nth(d, 1)); /* the peer has thrown away the rest */
    for (unsigned k = 1; k < 5;) {
        if (!d->first)
            wait_for_segment(d, d->now + sec(20));
        while (allow(d, "A ack=1")) {
            if ((uint32_t)d->seg.seq - d->f->iss == nth(d, k) && d->seg.len)
                k++;
        }
        arrive(d, "A ack=%u", nth(d, k));
    }
    expect_nothing(d);
    expect_silence_until(d, d->now + sec(100));
}

DIALOGUE(lies_do_no_harm) /* below UNA, above NXT, backwards, empty, half the space away, many */
{
    static const char *const lies[] = {"sack=-5000--4000",  "sack=1-1",
                                       "sack=2000-1000",    "sack=100000-200000",
                                       "sack=1-2147483649", "sack=2147483649-2147483650",
                                       "sack=-1-100000",    "sack=5-6,5-6,5-6"};

    open_sack(d);
    app_send(d, 10 * d->smss);
    expect_equal(d, take_full(d, 1), 10);
    after(d, ms(20));
    for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        arrive(d, "A ack=1 %s", lies[i]);
        while (allow(d, "A ack=1"))
            expect_true(d, d->f->ours <= nth(d, 12));
        expect_equal(d, dialogue_info(d).snd_una - d->f->iss, 1);
    }
    arrive(d, "A ack=%u", nth(d, 10));
    expect_state(d, GANDER_TCP_ESTABLISHED);
    app_send(d, 10);
    expect(d, "PA len=10");
}

DIALOGUE(blocks_inside_segments) /* [RFC2018 5]: only segments wholly contained count */
{
    open_sack(d);
    app_send(d, 3 * d->smss);
    expect_equal(d, take_full(d, 1), 3);
    after(d, ms(20));
    for (unsigned i = 1; i < 30; i++) {
        arrive(d, "A ack=1 sack=%u-%u", nth(d, 1) + i, nth(d, 1) + i + 1);
        while (allow(d, "A ack=1"))
            ;
    }
    arrive(d, "A ack=%u", nth(d, 3));
    expect_nothing(d);
    expect_silence_until(d, d->now + sec(100));
}

/* Three segments beyond the first would start a recovery at once; these blocks must not count as three. */
DIALOGUE(blocks_beyond_what_counts) /* [RFC2018 5]: of the unsent; of a segment in part */
{
    open_sack(d);
    app_send(d, 4 * d->smss);
    expect_equal(d, take_full(d, 1), 4);
    after(d, ms(20));
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 4) + 1);
    expect_nothing(d);
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 4) - 1);
    expect_nothing(d);
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 4));
    expect(d, "A seq=1 len=%u", d->smss);
    arrive(d, "A ack=%u", nth(d, 4));
    expect_nothing(d);
}

static const struct dialogue_test tests[] = {
    RUN(never_without_permission),       RUN(first_block_is_the_latest),
    RUN(as_many_blocks_as_fit),          RUN(options_reduce_the_text),
    RUN(only_what_is_missing_is_resent), RUN(after_a_timeout_the_left_edge_is_resent),
    RUN(reneging_is_survived),           RUN(lies_do_no_harm),
    RUN(blocks_inside_segments),         RUN(blocks_beyond_what_counts),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}

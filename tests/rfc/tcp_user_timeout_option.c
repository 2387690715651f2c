/* SPDX-License-Identifier: MIT */
/* The user timeout option [RFC5482]: when it is sent, what is adopted, and within which limits. */
#include "dialogue.h"

static void enabled(struct gander_config *config)
{
    config->tcp_user_timeout_option = true;
}

static struct gander_tcp_info info_of(struct dialogue *d)
{
    struct gander_tcp_info info;

    expect_equal(d, gander_tcp_info(d->stack, d->s, &info), 0);
    return info;
}

/* [3]: in the SYN, and in the first packet without SYN, with the default of five minutes; not again. */
DIALOGUE(told_by_active_open)
{
    app_connect(d);
    expect(d, "S seq=0 uto=300");
    arrive(d, "SA seq=0 ack=1");
    expect(d, "A seq=1 ack=1 uto=300");
    app_send(d, 10);
    expect(d, "PA seq=1 nouto");
}

DIALOGUE(told_by_passive_open)
{
    app_listen(d, 1);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1 uto=300");
    arrive(d, "A seq=1 ack=1");
    app_accept(d);
    app_send(d, 10);
    expect(d, "PA seq=1 uto=300");
    app_send(d, 10);
    arrive(d, "A ack=11");
    expect(d, "PA seq=11 nouto");
}

/* [3] ENABLED is false by default. */
DIALOGUE(off_by_default)
{
    app_connect(d);
    expect(d, "S seq=0 nouto");
    arrive(d, "SA seq=0 ack=1 uto=1000");
    expect(d, "A seq=1 nouto");
    expect_equal(d, info_of(d).user_timeout_ns, 0);
    expect_equal(d, info_of(d).user_timeout_peer_ns, 0);
}

/* [3.1]: min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT)); [3.3] seconds and minutes; [3.4] zero is ignored. */
DIALOGUE(adopts_the_larger_within_limits)
{
    static const struct {
        unsigned uto;
        int64_t adopted_s;
    } rows[] = {{1000, 1000},  {1, 300},           {400, 400},          {0, 400},
                {0x8000, 400}, {0x8000 | 10, 600}, {0x8000 | 61, 3600}, {0x7fff, 3600}};

    app_connect(d);
    expect(d, "S seq=0 uto=300");
    arrive(d, "SA seq=0 ack=1");
    expect(d, "A seq=1 ack=1 uto=300");
    for (unsigned i = 0; i < 8; i++) {
        arrive(d, "A seq=1 ack=1 uto=%u", rows[i].uto);
        expect_equal(d, info_of(d).user_timeout_ns, sec(rows[i].adopted_s));
    }
}

/* [3.1] L_LIMIT: never below 100 seconds by the peer's word. */
DIALOGUE(lower_limit)
{
    expect_equal(d, gander_open(d->stack, GANDER_TCP, &d->s), 0);
    app_option(d, USER_TIMEOUT_OPTION, 1);
    app_option(d, USER_TIMEOUT_ADVERTISED_NS, sec(5));
    {
        struct gander_address peer = dialogue_address(d, true);

        peer.port = d->f->peer_port;
        expect_equal(d, gander_connect(d->stack, d->s, &peer), 0);
    }
    dialogue_collect(d);
    d->f->port = d->first->segment.source_port;
    expect(d, "S seq=0 uto=5");
    arrive(d, "SA seq=0 ack=1 uto=7");
    expect(d, "A seq=1 uto=5");
    expect_equal(d, info_of(d).user_timeout_ns, sec(100));
}

/* [3.1]: who has chosen keeps his choice (MUST NOT), and hears the peer's. A new value is told with the next segment [3]. */
DIALOGUE(the_application_decides)
{
    app_connect(d);
    expect(d, "S seq=0 uto=300");
    arrive(d, "SA seq=0 ack=1");
    expect(d, "A seq=1 uto=300");
    app_option(d, USER_TIMEOUT_NS, sec(30));
    app_send(d, 10);
    expect(d, "PA seq=1 uto=30");
    arrive(d, "A ack=11 uto=0x8010");
    expect_equal(d, info_of(d).user_timeout_ns, sec(30));
    expect_equal(d, info_of(d).user_timeout_peer_ns, sec(960));
    app_option(d, USER_TIMEOUT_NS, sec(40000));
    app_send(d, 10);
    expect(d, "PA seq=11 uto=%u", 0x8000 | 667); /* minutes, rounded up */
}

/* What was adopted ends the connection, not the number of retransmissions. */
DIALOGUE(adopted_is_what_counts)
{
    app_connect(d);
    expect(d, "S seq=0");
    arrive(d, "SA seq=0 ack=1");
    expect(d, "A seq=1");
    arrive(d, "A seq=1 ack=1 uto=400");
    app_send(d, 10);
    expect(d, "PA seq=1");
    while (d->now < sec(399)) {
        wait_for_segment(d, sec(1000));
        if (d->now > sec(400))
            break;
        expect(d, "PA seq=1 len=10");
        if (d->now > sec(340))
            break;
    }
    at(d, sec(400));
    dialogue_collect(d);
    expect_closed(d, GANDER_ETIMEDOUT);
}

int main(int argc, char **argv)
{
    static const struct dialogue_test tests[] = {
        RUN_WITH(told_by_active_open, enabled),
        RUN_WITH(told_by_passive_open, enabled),
        RUN(off_by_default),
        RUN_WITH(adopts_the_larger_within_limits, enabled),
        RUN(lower_limit),
        RUN_WITH(the_application_decides, enabled),
        RUN_WITH(adopted_is_what_counts, enabled),
    };

    return DIALOGUE_MAIN(tests);
}

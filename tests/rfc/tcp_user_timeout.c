/* SPDX-License-Identifier: MIT */
/* User timeout: RFC 9293 3.10.8, 3.8.3 (R2 per connection, MUST-21), RFC 5482 3.3 for its local use. */
#include "dialogue.h"

static void open_with(struct dialogue *d, gander_time timeout)
{
    open_passive(d);
    after(d, ms(20));
    app_option(d, USER_TIMEOUT_NS, timeout);
}

/* Runs until the connection is gone; returns when that was. */
static gander_time end(struct dialogue *d, const char *resent, gander_time limit)
{
    while (dialogue_stats(d).tcp_connections && d->now < limit) {
        gander_time next = gander_deadline(d->stack) - d->config.start;

        at(d, next < limit ? next : limit);
        while (allow(d, "%s", resent))
            ;
        if (!dialogue_stats(d).tcp_connections && !allow(d, "RA"))
            allow(d, "R");
    }
    return d->now;
}

DIALOGUE(data_unacknowledged_for_too_long) /* [RFC9293 3.10.8] */
{
    gander_time begin;

    open_with(d, sec(5));
    begin = d->now;
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    expect_near(d, end(d, "PA seq=1 len=10", sec(100)), begin + sec(5), ms(1));
    expect_state(d, GANDER_TCP_CLOSED);
    expect_closed(d, GANDER_ETIMEDOUT);
}

DIALOGUE(progress_restarts_it) /* it is about data that wait, not about the connection's age */
{
    open_with(d, sec(5));
    app_option(d, NODELAY, 1);
    for (unsigned i = 0; i < 20; i++) {
        gander_time until = d->now + sec(3);

        app_send(d, 10);
        expect(d, "PA seq=%u len=10", 10 * i + 1);
        while (d->now < until) {
            gander_time next = gander_deadline(d->stack) - d->config.start;

            at(d, next < until ? next : until);
            allow(d, "PA seq=%u len=10", 10 * i + 1);
        }
        arrive(d, "A");
    }
    expect_state(d, GANDER_TCP_ESTABLISHED);
}

DIALOGUE(idle_connections_are_not_concerned)
{
    open_with(d, sec(5));
    expect_silence_until(d, sec(1000));
    expect_state(d, GANDER_TCP_ESTABLISHED);
}

DIALOGUE(longer_than_r2) /* [RFC9293 MUST-21 (d)]: R2 may be set high, "infinity" */
{
    gander_time begin;

    open_with(d, sec(3 * 3600));
    begin = d->now;
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    expect_near(d, end(d, "PA seq=1 len=10", sec(5 * 3600)), begin + sec(3 * 3600), sec(61));
    expect_closed(d, GANDER_ETIMEDOUT);
}

DIALOGUE(set_while_data_wait) /* counts from then at the latest */
{
    gander_time begin;

    open_passive(d);
    begin = d->now + ms(100);
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    wait_for_segment(d, sec(1));
    expect(d, "PA seq=1 len=10");
    app_option(d, USER_TIMEOUT_NS, sec(2));
    expect_near(d, end(d, "PA seq=1 len=10", sec(100)), begin + sec(2), ms(101));
    expect_closed(d, GANDER_ETIMEDOUT);
}

DIALOGUE(opening) /* [RFC9293 3.10.8]: "for any state" */
{
    gander_socket s;

    expect_equal(d, gander_open(d->stack, GANDER_TCP, &s), 0);
    d->s = s;
    app_option(d, USER_TIMEOUT_NS, sec(5));
    app_connect(d);
    expect(d, "S seq=0");
    expect_near(d, end(d, "S seq=0", sec(300)), sec(5), ms(1));
    expect_closed(d, GANDER_ETIMEDOUT);
}

DIALOGUE(closing) /* a FIN that nobody acknowledges */
{
    gander_time begin;

    open_with(d, sec(5));
    app_shutdown(d, GANDER_SHUTDOWN_SEND);
    begin = d->now;
    expect(d, "FA seq=1");
    expect_near(d, end(d, "FA seq=1", sec(300)), begin + sec(5), ms(1));
    expect_closed(d, GANDER_ETIMEDOUT);
}

static void everywhere(struct gander_config *config)
{
    config->tcp_user_timeout_ns = sec(4);
}

DIALOGUE(configured_for_the_stack)
{
    gander_time begin;

    open_passive(d);
    begin = d->now;
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    expect_near(d, end(d, "PA seq=1 len=10", sec(100)), begin + sec(4), ms(1));
    expect_closed(d, GANDER_ETIMEDOUT);
}

static const struct dialogue_test tests[] = {
    RUN(data_unacknowledged_for_too_long),
    RUN(progress_restarts_it),
    RUN(idle_connections_are_not_concerned),
    RUN(longer_than_r2),
    RUN(set_while_data_wait),
    RUN(opening),
    RUN(closing),
    RUN_WITH(configured_for_the_stack, everywhere),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}

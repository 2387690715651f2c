/* SPDX-License-Identifier: MIT */
/* ABORT in every state: RFC 9293 3.10.5. */
#include "dialogue.h"

static void aborted(struct dialogue *d)
{
    expect_nothing(d);
    expect_state(d, GANDER_TCP_CLOSED);
    expect_equal(d, gander_abort(d->stack, d->s), GANDER_EBADF);
    expect_no_event(d, ~0u);
    expect_silence_until(d, d->now + sec(300));
    expect_equal(d, dialogue_stats(d).tcp_connections, 0);
    expect_equal(d, dialogue_stats(d).tcp_time_wait, 0);
}

/* <SEQ=SND.NXT><CTL=RST> */
static void abort_resets(struct dialogue *d, unsigned snd_nxt)
{
    app_abort(d);
    if (!allow(d, "RA seq=%u len=0", snd_nxt)) /* with an ACK it is as good */
        expect(d, "R seq=%u len=0", snd_nxt);
    aborted(d);
}

DIALOGUE(abort_without_a_connection)
{
    expect_equal(d, gander_open(d->stack, GANDER_TCP, &d->s), 0);
    app_abort(d);
    aborted(d);
    app_listen(d, 1);
    expect_equal(d, gander_abort(d->stack, d->listener), 0);
    expect_nothing(d);
}

DIALOGUE(abort_in_syn_sent)
{
    reach(d, GANDER_TCP_SYN_SENT);
    app_abort(d);
    aborted(d);
}

DIALOGUE(abort_in_syn_received)
{
    reach(d, GANDER_TCP_SYN_SENT);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    abort_resets(d, 1);
}

DIALOGUE(abort_in_established)
{
    reach(d, GANDER_TCP_ESTABLISHED);
    app_send(d, 100);
    expect(d, "PA seq=1 len=100");
    abort_resets(d, 101);
}

DIALOGUE(abort_flushes_what_is_queued)
{
    reach(d, GANDER_TCP_ESTABLISHED);
    d->f->wnd = 0;
    arrive(d, "A");
    app_send(d, 3000);
    expect_nothing(d);
    abort_resets(d, 1);
}

DIALOGUE(abort_in_fin_wait_1)
{
    reach(d, GANDER_TCP_FIN_WAIT_1);
    abort_resets(d, 2);
}

DIALOGUE(abort_in_fin_wait_2)
{
    reach(d, GANDER_TCP_FIN_WAIT_2);
    abort_resets(d, 2);
}

DIALOGUE(abort_in_close_wait)
{
    reach(d, GANDER_TCP_CLOSE_WAIT);
    abort_resets(d, 1);
}

/* CLOSING, LAST-ACK, TIME-WAIT: "Respond with ok and delete the TCB". */
DIALOGUE(abort_in_closing)
{
    reach(d, GANDER_TCP_CLOSING);
    app_abort(d);
    aborted(d);
}

DIALOGUE(abort_in_last_ack)
{
    reach(d, GANDER_TCP_LAST_ACK);
    app_abort(d);
    aborted(d);
}

DIALOGUE(abort_in_time_wait)
{
    reach(d, GANDER_TCP_TIME_WAIT);
    app_abort(d);
    aborted(d);
}

static const struct dialogue_test tests[] = {
    RUN(abort_without_a_connection),
    RUN(abort_in_syn_sent),
    RUN(abort_in_syn_received),
    RUN(abort_in_established),
    RUN(abort_flushes_what_is_queued),
    RUN(abort_in_fin_wait_1),
    RUN(abort_in_fin_wait_2),
    RUN(abort_in_close_wait),
    RUN(abort_in_closing),
    RUN(abort_in_last_ack),
    RUN(abort_in_time_wait),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}

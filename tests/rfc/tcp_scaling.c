/* SPDX-License-Identifier: MIT */
/*
 * Windows that cannot be said exactly, because they are scaled: RFC 7323 2.4. How scaling is agreed on is in tcp_options.c.
 */
#include "dialogue.h"

/* [RFC7323 2.4, RFC9293 SHLD-14]: also where the window is no multiple of the scale */
DIALOGUE(right_edge_stays_with_scaling)
{
    unsigned next = 1, edge = 1 + 65535;

    app_listen(d, 1);
    expect_equal(d, gander_set_option(d->stack, d->listener, GANDER_OPTION_RECEIVE_BUFFER, 4 << 20),
                 0);
    arrive(d, "S seq=0 ws=3");
    expect(d, "SA seq=0 ack=1 ws=7");
    arrive(d, "A seq=1 ack=1");
    app_accept(d);
    for (unsigned i = 0; i < 100; i++) {
        arrive(d, "A seq=%u len=3", next);
        arrive(d, "A seq=%u len=6", next + 3);
        next += 9;
        expect(d, "A seq=1 ack=%u", next);
        expect_true(d, next + (d->seg.wnd << 7) >= edge);
        edge = next + (d->seg.wnd << 7);
    }
}

static const struct dialogue_test tests[] = {
    RUN(right_edge_stays_with_scaling),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}

/* SPDX-License-Identifier: MIT */
/*
 * Buffers that grow with bandwidth × delay [RFC7323 1.1]: the window offered follows what the application takes in a round
 * trip, the send buffer follows the congestion window; and what keeps them as they are.
 */
#include "dialogue.h"

enum { SMALL = 16384, ROUND_SEGS = 12 };

static void small_buffers(struct gander_config *config)
{
    config->tcp_receive_buffer_bytes = SMALL;
    config->tcp_send_buffer_bytes = SMALL;
}

static void fixed_buffers(struct gander_config *config)
{
    small_buffers(config);
    config->tcp_receive_buffer_max_bytes = 0;
    config->tcp_send_buffer_max_bytes = 0;
}

static void little_more(struct gander_config *config)
{
    small_buffers(config);
    config->tcp_receive_buffer_max_bytes = 40000;
    config->tcp_send_buffer_max_bytes = 40000;
}

static void little_memory(struct gander_config *config)
{
    small_buffers(config);
    config->memory_max_bytes = 640 << 10;
}

static int64_t buffer(struct dialogue *d, enum gander_option option)
{
    int64_t bytes = -1;

    expect_equal(d, gander_get_option(d->stack, d->s, option, &bytes), 0);
    return bytes;
}

/* A passive open with a round trip of 20 ms, and scaled windows. */
static void open_scaled(struct dialogue *d)
{
    app_listen(d, 1);
    arrive(d, "S ws=7");
    expect(d, "SA ack=1");
    after(d, ms(20));
    arrive(d, "A");
    app_accept(d);
}

/* Data for a round trip arrive, in bursts that are acknowledged one by one; `read`: the application takes them. */
static void receive_rounds(struct dialogue *d, unsigned rounds, bool read)
{
    while (rounds-- > 0) {
        after(d, ms(20));
        for (unsigned i = 1; i < ROUND_SEGS; i++)
            arrive_together(d, "A len=%u", (unsigned)d->smss);
        arrive(d, "A len=%u", (unsigned)d->smss);
        if (read)
            app_receive(d, ROUND_SEGS * d->smss);
        while (allow(d, "A"))
            ;
    }
}

DIALOGUE(window_follows_what_is_taken)
{
    uint32_t before;

    open_scaled(d);
    before = dialogue_info(d).rcv_wnd;
    receive_rounds(d, 4, true);
    /* twice what came in a round trip, at least */
    expect_true(d, buffer(d, GANDER_OPTION_RECEIVE_BUFFER) >= 2 * ROUND_SEGS * (int64_t)d->smss);
    expect_true(d, dialogue_info(d).rcv_wnd > before);
}

DIALOGUE(window_stays_when_the_rate_stays) /* no growth without end */
{
    int64_t settled;

    open_scaled(d);
    receive_rounds(d, 6, true);
    settled = buffer(d, GANDER_OPTION_RECEIVE_BUFFER);
    receive_rounds(d, 30, true);
    expect_equal(d, buffer(d, GANDER_OPTION_RECEIVE_BUFFER), settled);
    expect_true(d, settled <= 8 * ROUND_SEGS * (int64_t)d->smss);
}

DIALOGUE(who_does_not_read_gets_no_more)
{
    open_scaled(d);
    receive_rounds(d, 1, false);
    after(d, sec(1));
    expect_equal(d, buffer(d, GANDER_OPTION_RECEIVE_BUFFER), SMALL);
}

DIALOGUE(scale_has_room_for_growth) /* [RFC7323 2.2]: it is said once, in the SYN */
{
    app_connect(d);
    expect(d, "S seq=0");
    expect_true(d, 65535U << d->seg.ws >= 6u << 20);
}

DIALOGUE(a_size_that_was_chosen_stays)
{
    open_scaled(d);
    app_option(d, RECEIVE_BUFFER, 20000);
    receive_rounds(d, 6, true);
    expect_equal(d, buffer(d, GANDER_OPTION_RECEIVE_BUFFER), 20000);
}

DIALOGUE(fixed_by_configuration)
{
    open_scaled(d);
    receive_rounds(d, 6, true);
    expect_equal(d, buffer(d, GANDER_OPTION_RECEIVE_BUFFER), SMALL);
}

DIALOGUE(grows_to_its_limit)
{
    open_scaled(d);
    receive_rounds(d, 8, true);
    expect_equal(d, buffer(d, GANDER_OPTION_RECEIVE_BUFFER), 40000);
}

DIALOGUE(never_more_than_a_share_of_the_memory) /* an eighth */
{
    open_scaled(d);
    receive_rounds(d, 8, true);
    expect_true(d, buffer(d, GANDER_OPTION_RECEIVE_BUFFER) <= (640 << 10) / 8);
}

/* The application always has more to send; after each round trip all is acknowledged. */
static void send_rounds(struct dialogue *d, unsigned rounds)
{
    while (rounds-- > 0) {
        app_send(d, (uint32_t)buffer(d, GANDER_OPTION_SEND_BUFFER) -
                        dialogue_info(d).send_queue_bytes);
        expect_equal(d, gander_send(d->stack, d->s, "", 1, 0), GANDER_EAGAIN);
        while (allow(d, "A"))
            ;
        after(d, ms(20));
        arrive(d, "A");
        while (allow(d, "A"))
            ;
    }
}

DIALOGUE(send_buffer_follows_the_congestion_window)
{
    open_scaled(d);
    send_rounds(d, 5);
    expect_true(d, buffer(d, GANDER_OPTION_SEND_BUFFER) > SMALL);
    expect_true(d, buffer(d, GANDER_OPTION_SEND_BUFFER) <= 2 * dialogue_info(d).cwnd_bytes);
}

int main(int argc, char **argv)
{
    static const struct dialogue_test tests[] = {
        RUN_WITH(window_follows_what_is_taken, small_buffers),
        RUN_WITH(window_stays_when_the_rate_stays, small_buffers),
        RUN_WITH(who_does_not_read_gets_no_more, small_buffers),
        RUN(scale_has_room_for_growth),
        RUN_WITH(a_size_that_was_chosen_stays, small_buffers),
        RUN_WITH(fixed_by_configuration, fixed_buffers),
        RUN_WITH(grows_to_its_limit, little_more),
        RUN_WITH(never_more_than_a_share_of_the_memory, little_memory),
        RUN_WITH(send_buffer_follows_the_congestion_window, small_buffers),
    };

    return DIALOGUE_MAIN(tests);
}

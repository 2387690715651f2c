/* SPDX-License-Identifier: MIT */
/*
 * Drops that no other dialogue shows to be possible: segments that nobody may send, challenges that came too fast
 * [RFC5961 7], and connections that the memory budget refuses. The rest of the named drops stand where their rule is tested.
 */
#include "dialogue.h"

DIALOGUE(
    segments_that_nobody_sends) /* [RFC9293 3.9.2.3], MUST-57: never to or from a multicast address */
{
    app_listen(d, 1);
    arrive(d, "S seq=0 multicast");
    expect_drop(d, GANDER_DROP_tcp_bogus);
    expect_nothing(d);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "A seq=1 ack=1");
    expect_state(d, GANDER_TCP_ESTABLISHED);
}

DIALOGUE(challenges_are_rationed) /* [RFC5961 3.2, RFC5961 7] */
{
    open_passive(d);
    arrive(d, "R seq=11");
    expect_drop(d, GANDER_DROP_tcp_rst_not_exact);
    expect(d, "A seq=1 ack=1");

    /* At once again: no second one. */
    arrive(d, "R seq=12");
    expect_drop(d, GANDER_DROP_tcp_rst_not_exact);
    expect_drop(d, GANDER_DROP_tcp_challenge_rate);
    expect_nothing(d);

    /* One nanosecond before the time is up; then after it. */
    after(d, d->config.tcp_challenge_ns - 1);
    arrive(d, "R seq=13");
    expect_drop(d, GANDER_DROP_tcp_challenge_rate);
    expect_nothing(d);
    after(d, 1);
    arrive(d, "R seq=14");
    expect(d, "A seq=1 ack=1");
    expect_state(d, GANDER_TCP_ESTABLISHED);
}

static void little_memory(struct gander_config *config)
{
    config->memory_max_bytes = 1U << 20;
}

DIALOGUE(connections_beyond_the_budget)
{
    struct gander_packet *held = NULL, *packet;

    app_listen(d, 1);
    /* The application sits on all memory but what the SYN itself needs. */
    while ((packet = gander_packet_alloc(d->stack, 1500)) != NULL) {
        packet->next = held;
        held = packet;
    }
    packet = held;
    held = packet->next;
    gander_packet_free(packet);

    arrive(d, "S seq=0");
    expect_drop(d, GANDER_DROP_tcp_memory);
    expect_nothing(d);

    while ((packet = held) != NULL) {
        held = packet->next;
        gander_packet_free(packet);
    }
    /* The peer's next try finds room. */
    after(d, sec(1));
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "A seq=1 ack=1");
    expect_state(d, GANDER_TCP_ESTABLISHED);
}

static const struct dialogue_test tests[] = {
    RUN(segments_that_nobody_sends),
    RUN(challenges_are_rationed),
    RUN_WITH(connections_beyond_the_budget, little_memory),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}

/* SPDX-License-Identifier: MIT */
/* Packet dialogues: the application's calls, and ways to reach each state of RFC 9293 3.3.2. See dialogue.h. */
#include "dialogue.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void dialogue_listen(struct dialogue *d, int backlog)
{
    struct gander_address local = {.family = (uint8_t)d->family, .port = DIALOGUE_PORT};

    dialogue_expect_equal(d, gander_open(d->stack, GANDER_TCP, &d->listener), 0, "gander_open()");
    dialogue_expect_equal(d, gander_bind(d->stack, d->listener, &local), 0, "gander_bind()");
    dialogue_expect_equal(d, gander_listen(d->stack, d->listener, backlog), 0, "gander_listen()");
}

void dialogue_connect(struct dialogue *d)
{
    struct gander_address peer = dialogue_address(d, true);

    peer.port = d->f->peer_port;
    if (!d->s)
        dialogue_expect_equal(d, gander_open(d->stack, GANDER_TCP, &d->s), 0, "gander_open()");
    dialogue_expect_equal(d, gander_connect(d->stack, d->s, &peer), 0, "gander_connect()");
    dialogue_collect(d);
}

void dialogue_accept(struct dialogue *d)
{
    struct gander_address peer;

    dialogue_expect_event(d, GANDER_EVENT_ACCEPT);
    dialogue_expect_equal(d, gander_accept(d->stack, d->listener, &d->s, &peer), 0,
                          "gander_accept()");
    dialogue_expect_equal(d, peer.port, d->f->peer_port, "the peer's port");
}

void dialogue_send(struct dialogue *d, uint32_t n, unsigned flags)
{
    uint8_t *bytes = malloc(n);
    int64_t taken;

    for (uint32_t i = 0; i < n; i++)
        bytes[i] = dialogue_pattern(d->written + i, false);
    taken = gander_send(d->stack, d->s, bytes, n, flags);
    free(bytes);
    if (taken != n)
        dialogue_fail(d, "gander_send() took %" PRId64 " bytes of %" PRIu32, taken, n);
    d->written += n;
    dialogue_collect(d);
}

void dialogue_receive(struct dialogue *d, uint32_t n)
{
    uint8_t *bytes = malloc(n);
    uint32_t got = 0;
    bool right = true;

    while (got < n) {
        int64_t some = gander_receive(d->stack, d->s, bytes + got, n - got, 0);

        if (some <= 0) {
            free(bytes);
            dialogue_fail(d,
                          "gander_receive() gave %" PRId64 " after %" PRIu32 " bytes of %" PRIu32,
                          some, got, n);
        }
        got += (uint32_t)some;
    }
    for (uint32_t i = 0; i < n; i++)
        right &= bytes[i] == dialogue_pattern(d->read + i, true);
    free(bytes);
    if (!right)
        dialogue_fail(d, "wrong bytes were received from stream byte %" PRIu32 " on", d->read);
    d->read += n;
    dialogue_collect(d);
}

void dialogue_receive_gives(struct dialogue *d, int64_t result)
{
    uint8_t byte;

    dialogue_expect_equal(d, gander_receive(d->stack, d->s, &byte, 1, 0), result,
                          "gander_receive()");
}

void dialogue_open_passive(struct dialogue *d)
{
    if (!d->listener)
        dialogue_listen(d, 8);
    dialogue_arrive(d, "S");
    dialogue_expect(d, "SA seq=0 ack=1");
    dialogue_arrive(d, "A ack=1");
    dialogue_expect_nothing(d);
    dialogue_accept(d);
    dialogue_expect_state(d, GANDER_TCP_ESTABLISHED);
    dialogue_forget_events(d);
}

void dialogue_open_active(struct dialogue *d)
{
    dialogue_connect(d);
    dialogue_expect(d, "S seq=0");
    dialogue_arrive(d, "SA seq=0 ack=1");
    dialogue_expect(d, "A seq=1 ack=1");
    dialogue_expect_state(d, GANDER_TCP_ESTABLISHED);
    dialogue_expect_event(d, GANDER_EVENT_CONNECTED);
    dialogue_forget_events(d);
}

static void reach_fin_wait_1(struct dialogue *d)
{
    dialogue_open_passive(d);
    app_shutdown(d, GANDER_SHUTDOWN_SEND);
    dialogue_expect(d, "FA seq=1 ack=1 len=0");
}

static void reach_fin_wait_2(struct dialogue *d)
{
    reach_fin_wait_1(d);
    dialogue_arrive(d, "A seq=1 ack=2");
    dialogue_expect_nothing(d);
}

static void reach_close_wait(struct dialogue *d)
{
    dialogue_open_passive(d);
    dialogue_arrive(d, "FA seq=1 ack=1");
    dialogue_expect(d, "A seq=1 ack=2");
}

static void reach_late(struct dialogue *d, enum gander_tcp_state state)
{
    switch (state) {
    case GANDER_TCP_FIN_WAIT_1:
        reach_fin_wait_1(d);
        break;
    case GANDER_TCP_FIN_WAIT_2:
        reach_fin_wait_2(d);
        break;
    case GANDER_TCP_CLOSE_WAIT:
        reach_close_wait(d);
        break;
    case GANDER_TCP_CLOSING:
        reach_fin_wait_1(d);
        dialogue_arrive(d, "FA seq=1 ack=1");
        dialogue_expect(d, "A seq=2 ack=2");
        break;
    case GANDER_TCP_LAST_ACK:
        reach_close_wait(d);
        app_shutdown(d, GANDER_SHUTDOWN_SEND);
        dialogue_expect(d, "FA seq=1 ack=2");
        break;
    case GANDER_TCP_TIME_WAIT:
        reach_fin_wait_2(d);
        dialogue_arrive(d, "FA seq=1 ack=2");
        dialogue_expect(d, "A seq=2 ack=2");
        break;
    default:
        dialogue_fail(d, "no such state");
    }
}

void dialogue_reach(struct dialogue *d, enum gander_tcp_state state)
{
    switch (state) {
    case GANDER_TCP_CLOSED:
        break;
    case GANDER_TCP_LISTEN:
        dialogue_listen(d, 8);
        break;
    case GANDER_TCP_SYN_SENT:
        dialogue_connect(d);
        dialogue_expect(d, "S seq=0");
        break;
    case GANDER_TCP_SYN_RECEIVED:
        dialogue_listen(d, 8);
        dialogue_arrive(d, "S");
        dialogue_expect(d, "SA seq=0 ack=1");
        break;
    case GANDER_TCP_ESTABLISHED:
        dialogue_open_passive(d);
        break;
    default:
        reach_late(d, state);
    }
    if (state != GANDER_TCP_CLOSED)
        dialogue_expect_state(d, state);
    /* Challenge ACKs have a rate [RFC5961 7], and timestamps a clock: what follows is a while later. */
    dialogue_at(d, d->now + ms(20));
    dialogue_forget_events(d);
}

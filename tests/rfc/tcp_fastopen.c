/* SPDX-License-Identifier: MIT */
/* TCP Fast Open [RFC7413], both ends: cookies, text in the SYN, what the SYN-ACK acknowledges, limits and fall-back. */
#include "dialogue.h"

#include <stdio.h>
#include <string.h>

static void no_cookies(struct gander_config *config)
{
    config->tcp_fastopen = GANDER_FASTOPEN_CLIENT | GANDER_FASTOPEN_SERVER |
                           GANDER_FASTOPEN_CLIENT_NO_COOKIE | GANDER_FASTOPEN_SERVER_NO_COOKIE;
}

static void off(struct gander_config *config)
{
    config->tcp_fastopen = 0;
}

static struct gander_tcp_info info_of(struct dialogue *d)
{
    struct gander_tcp_info info;

    expect_equal(d, gander_tcp_info(d->stack, d->s, &info), 0);
    return info;
}

/* --- the server ------------------------------------------------------------------------------------ */

static void listen_fast(struct dialogue *d, int backlog, int64_t queue)
{
    app_listen(d, backlog);
    expect_equal(d, gander_set_option(d->stack, d->listener, GANDER_OPTION_FASTOPEN, queue), 0);
}

/* Asks for a cookie with flow 0 [RFC7413 figure 1, first half]; written in hexadecimal. */
static void cookie_get(struct dialogue *d, char text[40])
{
    dialogue_flow(d, 0);
    arrive(d, "S seq=0 fo");
    expect(d, "SA seq=0 ack=1");
    expect_equal(d, d->seg.fields & FIELD_FO, FIELD_FO);
    expect_equal(d, d->seg.fo_bytes, 8);
    for (unsigned i = 0; i < 8; i++)
        snprintf(text + 2 * i, 3, "%02x", d->seg.fo[i]);
    arrive(d, "RA seq=1");
}

/* [RFC7413 4.2.2]: a valid cookie: text is the application's at once, the answer does not wait for the handshake. */
DIALOGUE(server_takes_text)
{
    char cookie[40];

    listen_fast(d, 4, 4);
    cookie_get(d, cookie);
    dialogue_flow(d, 1);
    arrive(d, "S seq=0 len=100 fo=%s", cookie);
    expect(d, "SA seq=0 ack=101 len=0 nofo");
    app_accept(d);
    expect_state(d, GANDER_TCP_SYN_RECEIVED);
    app_receive(d, 100);
    app_send(d, 200);
    expect(d, "PA seq=1 ack=101 len=200");
    arrive(d, "A ack=201");
    expect_state(d, GANDER_TCP_ESTABLISHED);
    expect_no_event(d, GANDER_EVENT_CONNECTED);
    arrive(d, "PA len=50");
    expect_after(d, ms(40), "A ack=151");
    app_receive(d, 50);
    expect_equal(d, dialogue_stats(d).tcp_fastopen_passive, 1);
}

/* [RFC7413 4.2.2]: a cookie without text opens as well. */
DIALOGUE(server_takes_no_text)
{
    char cookie[40];

    listen_fast(d, 4, 4);
    cookie_get(d, cookie);
    dialogue_flow(d, 1);
    arrive(d, "S seq=0 fo=%s", cookie);
    expect(d, "SA seq=0 ack=1 nofo");
    arrive(d, "A seq=1 ack=1");
    app_accept(d);
    expect_state(d, GANDER_TCP_ESTABLISHED);
}

/* [RFC7413 4.2.2]: a wrong cookie: only the SYN is acknowledged, nothing kept, and the right cookie comes along. */
DIALOGUE(server_rejects_wrong_cookies)
{
    static const char *const wrong[] = {"0102030405060708", "01020304",
                                        "00000000000000000000000000000000"};
    char cookie[40], flipped[40];

    listen_fast(d, 8, 8);
    cookie_get(d, cookie);
    strcpy(flipped, cookie);
    flipped[15] = flipped[15] == '0' ? '1' : '0';
    for (unsigned i = 0; i < 4; i++) {
        dialogue_flow(d, 1 + i);
        arrive(d, "S seq=0 len=100 fo=%s", i < 3 ? wrong[i] : flipped);
        expect(d, "SA seq=0 ack=1 fo=%s", cookie);
        expect_equal(d, dialogue_stats(d).tcp_fastopen_passive, 0);
        d->f->next = 1;
        arrive(d, "A seq=1 ack=1");
        app_accept(d);
        app_receive_gives(d, GANDER_EAGAIN);
        d->s = 0;
    }
}

/* Options whose length no cookie has are as none [RFC7413 4.1.1]. */
DIALOGUE(server_ignores_bad_lengths)
{
    static const char *const bad[] = {"22030100", "22040101", "220901020304050607",
                                      "2214010203040506070809101112131415161718"};

    listen_fast(d, 8, 8);
    for (unsigned i = 0; i < 4; i++) {
        dialogue_flow(d, i);
        arrive(d, "S seq=0 opt=%s", bad[i]);
        expect(d, "SA seq=0 ack=1 nofo");
    }
}

DIALOGUE(server_is_asked_and_does_not)
{
    app_listen(d, 1); /* the socket did not ask for it */
    arrive(d, "S seq=0 len=10 fo=0102030405060708");
    expect(d, "SA seq=0 ack=1 nofo");
}

DIALOGUE(server_is_off)
{
    listen_fast(d, 1, 1);
    arrive(d, "S seq=0 fo");
    expect(d, "SA seq=0 ack=1 nofo");
}

/* [RFC7413 5.1]: no more than the listener's limit at once; beyond it, the ordinary handshake. Those accepted count until their ACK. */
DIALOGUE(server_has_a_limit)
{
    char cookie[40];

    listen_fast(d, 16, 2);
    cookie_get(d, cookie);
    for (unsigned i = 1; i <= 3; i++) {
        dialogue_flow(d, i);
        arrive(d, "S seq=0 len=10 fo=%s", cookie);
        expect(d, "SA seq=0 ack=%u nofo", i < 3 ? 11 : 1);
    }
    dialogue_flow(d, 1);
    arrive(d, "A ack=1");
    dialogue_flow(d, 4); /* there is room again */
    arrive(d, "S seq=0 len=10 fo=%s", cookie);
    expect(d, "SA seq=0 ack=11");
}

/* [RFC7413 5.1]: one that is reset goes on counting, or a forger could have its victims' resets make room. */
DIALOGUE(resets_make_no_room)
{
    char cookie[40];

    listen_fast(d, 16, 1);
    cookie_get(d, cookie);
    dialogue_flow(d, 1);
    arrive(d, "S seq=0 len=10 fo=%s", cookie);
    expect(d, "SA seq=0 ack=11");
    arrive(d, "R seq=11");
    dialogue_flow(d, 2);
    arrive(d, "S seq=0 len=10 fo=%s", cookie);
    expect(d, "SA seq=0 ack=1");
    arrive(d, "R seq=1");
    after(d, sec(61));
    dialogue_flow(d, 3);
    arrive(d, "S seq=0 len=10 fo=%s", cookie);
    expect(d, "SA seq=0 ack=11");
}

/* The SYN again, and the SYN-ACK's own time-outs: the same acknowledgement, and nothing twice. */
DIALOGUE(server_repeats_the_syn_ack)
{
    char cookie[40];

    listen_fast(d, 4, 4);
    cookie_get(d, cookie);
    dialogue_flow(d, 1);
    arrive(d, "S seq=0 len=100 fo=%s", cookie);
    expect(d, "SA seq=0 ack=101");
    arrive(d, "S seq=0 len=100 fo=%s", cookie);
    expect(d, "SA seq=0 ack=101");
    app_accept(d);
    expect_after(d, sec(1), "SA seq=0 ack=101");
    app_receive(d, 100);
    app_receive_gives(d, GANDER_EAGAIN);
    arrive(d, "A seq=101 ack=1");
    expect_state(d, GANDER_TCP_ESTABLISHED);
}

/* Closed by the application before the handshake is over: answer and FIN, then all of RFC 9293. */
DIALOGUE(server_answers_and_closes_at_once)
{
    char cookie[40];

    listen_fast(d, 4, 4);
    cookie_get(d, cookie);
    dialogue_flow(d, 1);
    arrive(d, "S seq=0 len=100 fo=%s", cookie);
    expect(d, "SA seq=0 ack=101");
    app_accept(d);
    app_receive(d, 100);
    app_send(d, 200);
    app_shutdown(d, GANDER_SHUTDOWN_SEND);
    expect(d, "PA seq=1 ack=101 len=200");
    expect(d, "FA seq=201 ack=101");
    arrive(d, "A ack=202");
    expect_state(d, GANDER_TCP_FIN_WAIT_2);
    arrive(d, "FA");
    expect(d, "A ack=102");
}

/* Rotation: cookies of the key before are taken, and a new one comes with the SYN-ACK; those of the one before that are not. */
DIALOGUE(keys_rotate)
{
    static const uint8_t one[16] = {1}, two[16] = {2}, three[16] = {3};
    char cookie[40];

    listen_fast(d, 8, 8);
    expect_equal(d, gander_fastopen_keys(d->stack, one, NULL), 0);
    cookie_get(d, cookie);
    expect_equal(d, gander_fastopen_keys(d->stack, two, one), 0);
    dialogue_flow(d, 1);
    arrive(d, "S seq=0 len=10 fo=%s", cookie);
    expect(d, "SA seq=0 ack=11");
    expect_equal(d, d->seg.fo_bytes, 8);
    expect_equal(d, gander_fastopen_keys(d->stack, three, two), 0);
    dialogue_flow(d, 2);
    arrive(d, "S seq=0 len=10 fo=%s", cookie);
    expect(d, "SA seq=0 ack=1");
    expect_equal(d, gander_fastopen_keys(d->stack, NULL, two), GANDER_EINVAL);
}

DIALOGUE(no_cookie_wanted)
{
    listen_fast(d, 4, 4);
    arrive(d, "S seq=0 len=100");
    expect(d, "SA seq=0 ack=101 nofo");
    app_accept(d);
    app_receive(d, 100);
}

/* --- the client ------------------------------------------------------------------------------------- */

static void connect_fast(struct dialogue *d, unsigned number, uint32_t text)
{
    struct gander_address peer = dialogue_address(d, true);

    dialogue_flow(d, number);
    peer.port = d->f->peer_port;
    d->written = d->read = 0;
    expect_equal(d, gander_open(d->stack, GANDER_TCP, &d->s), 0);
    app_option(d, FASTOPEN_CONNECT, 1);
    expect_equal(d, gander_connect(d->stack, d->s, &peer), 0);
    if (text)
        app_send(d, text);
    dialogue_collect(d);
    if (d->first)
        d->f->port = d->first->segment.source_port;
}

/* [RFC7413 figure 1]: asks, and remembers what it gets. */
static void cookie_learn(struct dialogue *d)
{
    connect_fast(d, 0, 100);
    expect(d, "S seq=0 len=0 fo");
    arrive(d, "SA seq=0 ack=1 mss=1000 fo=0102030405060708");
    expect(d, "PA seq=1 ack=1 len=100");
    arrive(d, "A ack=101");
    app_abort(d);
    expect(d, "RA");
}

/* [RFC7413 4.2.1]: with a cookie the text goes along, and all of it is acknowledged. */
DIALOGUE(client_sends_text)
{
    cookie_learn(d);
    connect_fast(d, 1, 100);
    expect(d, "S seq=0 len=100 fo=0102030405060708");
    arrive(d, "SA seq=0 ack=101 len=0");
    expect(d, "A seq=101 ack=1");
    expect_equal(d, info_of(d).fastopen, true);
    expect_equal(d, dialogue_stats(d).tcp_fastopen_active, 1);
    app_send(d, 10);
    expect(d, "PA seq=101 len=10");
}

/* The SYN-ACK may carry the answer [RFC7413 4.2.2 allows it]. */
DIALOGUE(client_takes_text_of_the_syn_ack)
{
    cookie_learn(d);
    connect_fast(d, 1, 100);
    expect(d, "S seq=0 len=100");
    arrive(d, "SA seq=0 ack=101 len=50");
    expect(d, "A seq=101 ack=51");
    app_receive(d, 50);
}

/* [RFC7413 4.2.1]: none of it, or a part: the rest goes again with the ACK. */
DIALOGUE(client_sends_the_rest_again)
{
    cookie_learn(d);
    connect_fast(d, 1, 100);
    expect(d, "S seq=0 len=100");
    arrive(d, "SA seq=0 ack=1 fo=1112131415161718"); /* it likes another cookie better */
    expect(d, "PA seq=1 ack=1 len=100");
    expect_equal(d, info_of(d).fastopen, false);
    arrive(d, "A ack=101");
    app_abort(d);
    expect(d, "RA");
    connect_fast(d, 2, 100);
    expect(d, "S seq=0 len=100 fo=1112131415161718");
    arrive(d, "SA seq=0 ack=41");
    expect(d, "PA seq=41 ack=1 len=60");
    expect_equal(d, info_of(d).cwnd_bytes >= 2 * d->smss, true); /* no loss was punished */
}

/* No more than a segment of the server's, as it said last time [RFC7413 4.2.1]; the rest follows the handshake. */
DIALOGUE(client_knows_the_segment_size)
{
    uint32_t most;

    cookie_learn(d);
    connect_fast(d, 1, 5000);
    expect(d, "S seq=0 fo=0102030405060708");
    most = d->seg.len;
    expect_true(d, most > 900 && most <= 1000);
    arrive(d, "SA seq=0 ack=%u", 1 + most);
    dialogue_collect(d);
    while (allow(d, "A ack=1")) {
    }
    expect_nothing(d);
}

/* [RFC7413 4.1.3.1]: no answer: again without option and text, and that server is left alone for a while. */
DIALOGUE(client_falls_back)
{
    cookie_learn(d);
    connect_fast(d, 1, 100);
    expect(d, "S seq=0 len=100 fo=0102030405060708");
    expect_after(d, sec(1), "S seq=0 len=0 nofo");
    arrive(d, "SA seq=0 ack=1");
    expect(d, "PA seq=1 ack=1 len=100");
    arrive(d, "A ack=101");
    app_abort(d);
    expect(d, "RA");
    connect_fast(d, 2, 100);
    expect(d, "S seq=0 len=0 nofo");
    app_abort(d);
    after(d, sec(601));
    connect_fast(d, 3, 100);
    expect(d, "S seq=0 len=100 fo=0102030405060708");
}

/* With a cookie the SYN waits for text; closing, or the end of our direction, does not wait for it. */
DIALOGUE(client_waits_for_text)
{
    cookie_learn(d);
    connect_fast(d, 1, 0);
    expect_nothing(d);
    expect_event(d, GANDER_EVENT_WRITABLE);
    after(d, sec(5));
    expect_nothing(d);
    app_send(d, 10);
    dialogue_collect(d);
    d->f->port = d->first->segment.source_port;
    expect(d, "S seq=0 len=10 fo=0102030405060708");
    app_abort(d);
    connect_fast(d, 2, 0);
    app_shutdown(d, GANDER_SHUTDOWN_SEND);
    dialogue_collect(d);
    d->f->port = d->first->segment.source_port;
    expect(d, "S seq=0 len=0");
    app_abort(d);
    connect_fast(d, 3, 0);
    app_close(d);
    d->s = 0;
}

/* One call connects and sends. */
DIALOGUE(client_connects_by_sending)
{
    static const uint8_t zero[20];
    struct gander_datagram to = {.peer = dialogue_address(d, true)};

    cookie_learn(d);
    dialogue_flow(d, 1);
    to.peer.port = d->f->peer_port;
    expect_equal(d, gander_open(d->stack, GANDER_TCP, &d->s), 0);
    expect_equal(d, gander_send_to(d->stack, d->s, zero, 20, &to), 20);
    dialogue_collect(d);
    d->f->port = d->first->segment.source_port;
    expect_equal(d, d->first->segment.len, 20);
    for (uint32_t i = 0; i < 20; i++)
        d->first->segment.text[i] = dialogue_pattern(i, false);
    expect(d, "S seq=0 len=20 fo=0102030405060708");
    expect_equal(d, gander_send_to(d->stack, d->s, zero, 20, &to), GANDER_EALREADY);
}

DIALOGUE(client_is_off)
{
    connect_fast(d, 0, 100);
    expect(d, "S seq=0 len=0 nofo");
}

DIALOGUE(client_needs_no_cookie)
{
    connect_fast(d, 0, 100);
    expect(d, "S seq=0 len=100 nofo");
}

/* Text in a SYN that meets a SYN: it is acknowledged or goes again, and arrives once [RFC9293 figure 7]. */
DIALOGUE(client_meets_a_client)
{
    cookie_learn(d);
    connect_fast(d, 1, 100);
    expect(d, "S seq=0 len=100");
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1 len=0");
    arrive(d, "SA seq=0 ack=1");
    expect_state(d, GANDER_TCP_ESTABLISHED);
    allow(d, "A seq=101 ack=1");
    wait_for_segment(d, sec(20));
    expect(d, "PA seq=1 len=100");
    arrive(d, "A seq=1 ack=101");
}

int main(int argc, char **argv)
{
    static const struct dialogue_test tests[] = {
        RUN(server_takes_text),
        RUN(server_takes_no_text),
        RUN(server_rejects_wrong_cookies),
        RUN(server_ignores_bad_lengths),
        RUN(server_is_asked_and_does_not),
        RUN_WITH(server_is_off, off),
        RUN(server_has_a_limit),
        RUN(resets_make_no_room),
        RUN(server_repeats_the_syn_ack),
        RUN(server_answers_and_closes_at_once),
        RUN(keys_rotate),
        RUN_WITH(no_cookie_wanted, no_cookies),
        RUN(client_sends_text),
        RUN(client_takes_text_of_the_syn_ack),
        RUN(client_sends_the_rest_again),
        RUN(client_knows_the_segment_size),
        RUN(client_falls_back),
        RUN(client_waits_for_text),
        RUN(client_connects_by_sending),
        RUN_WITH(client_is_off, off),
        RUN_WITH(client_needs_no_cookie, no_cookies),
        RUN(client_meets_a_client),
    };

    return DIALOGUE_MAIN(tests);
}

/* SPDX-License-Identifier: MIT */
/*
 * The user's calls in every state: OPEN, SEND, RECEIVE, CLOSE, STATUS [RFC9293 3.10.1 … 3.10.6, 3.9.1], and the
 * errors that gander/socket.h gives them. ABORT is in tcp_abort.c.
 */
#include "dialogue.h"

static int64_t send_one(struct dialogue *d)
{
    uint8_t byte = dialogue_pattern(d->written, false);
    int64_t result = gander_send(d->stack, d->s, &byte, 1, 0);

    if (result == 1)
        d->written++;
    dialogue_collect(d);
    return result;
}

static int connect_again(struct dialogue *d, gander_socket socket)
{
    struct gander_address peer = dialogue_address(d, true);

    peer.port = 9999;
    return gander_connect(d->stack, socket, &peer);
}

static gander_socket fresh(struct dialogue *d)
{
    gander_socket socket;

    expect_equal(d, gander_open(d->stack, GANDER_TCP, &socket), 0);
    return socket;
}

/* --- OPEN [RFC9293 3.10.1] -------------------------------------------------------------------------- */

DIALOGUE(open_active_needs_a_remote_socket) /* "error: remote socket unspecified" */
{
    struct gander_address peer = dialogue_address(d, true);
    struct gander_address nobody = {.family = (uint8_t)d->family, .port = 80};
    gander_socket s = fresh(d);

    expect_equal(d, gander_connect(d->stack, s, &peer), GANDER_EINVAL); /* port 0 */
    expect_true(d, gander_connect(d->stack, s, &nobody) < 0);
    expect_nothing(d);
    expect_equal(d, dialogue_stats(d).tcp_connections, 0);
}

DIALOGUE(open_to_multicast_or_broadcast) /* [RFC9293 MUST-46] */
{
    struct gander_address peer = {.family = (uint8_t)d->family, .port = 80};
    gander_socket s = fresh(d);

    peer.ip[0] = d->family == GANDER_IPV4 ? 224 : 0xff;
    peer.ip[1] = d->family == GANDER_IPV4 ? 0 : 0x02;
    peer.ip[d->family == GANDER_IPV4 ? 3 : 15] = 1;
    expect_equal(d, gander_connect(d->stack, s, &peer), GANDER_EINVAL);
    if (d->family == GANDER_IPV4) {
        for (int i = 0; i < 4; i++)
            peer.ip[i] = 255;
        expect_equal(d, gander_connect(d->stack, s, &peer), GANDER_EINVAL);
    }
    expect_nothing(d);
}

DIALOGUE(open_without_a_route)
{
    struct gander_address peer = dialogue_address(d, true);

    peer.ip[0] = d->family == GANDER_IPV4 ? 10 : 0x26;
    peer.port = 80;
    expect_equal(d, gander_connect(d->stack, fresh(d), &peer), GANDER_ENETUNREACH);
    expect_nothing(d);
}

DIALOGUE(open_passive_needs_a_port)
{
    gander_socket s = fresh(d);
    struct gander_address local = {.family = (uint8_t)d->family, .port = 80};

    expect_equal(d, gander_listen(d->stack, s, 1), GANDER_EINVAL);
    expect_equal(d, gander_bind(d->stack, s, &local), 0);
    expect_equal(d, gander_bind(d->stack, s, &local), GANDER_EINVAL);
    expect_equal(d, gander_listen(d->stack, s, 0), GANDER_EINVAL);
    expect_equal(d, gander_listen(d->stack, s, 1), 0);
}

DIALOGUE(open_passive_twice_on_a_port) /* the same LISTEN cannot be two sockets' */
{
    struct gander_address local = {.family = (uint8_t)d->family, .port = DIALOGUE_PORT};
    gander_socket s = fresh(d);
    int bound;

    app_listen(d, 1);
    bound = gander_bind(d->stack, s, &local);
    expect_true(d,
                bound == GANDER_EADDRINUSE || gander_listen(d->stack, s, 1) == GANDER_EADDRINUSE);
}

DIALOGUE(open_with_a_strange_address)
{
    struct gander_address local = dialogue_address(d, true);

    local.port = 80;
    expect_equal(d, gander_bind(d->stack, fresh(d), &local), GANDER_EADDRNOTAVAIL);
}

/* [RFC9293 MUST-41, MUST-42]: LISTEN beside connections of the same port */
DIALOGUE(open_does_not_disturb_others)
{
    struct gander_address local = {.family = (uint8_t)d->family, .port = 81};
    gander_socket other = fresh(d);

    open_passive(d);
    expect_equal(d, gander_bind(d->stack, other, &local), 0);
    expect_equal(d, gander_listen(d->stack, other, 1), 0);
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    arrive(d, "A ack=11");
    expect_equal(d, gander_close(d->stack, d->listener), 0);
    d->listener = 0;
    app_listen(d, 1); /* while a connection of the port is there */
    dialogue_flow(d, 1);
    arrive(d, "S");
    expect(d, "SA seq=0 ack=1");
    dialogue_flow(d, 0);
    app_send(d, 10);
    expect(d, "PA seq=11 len=10");
}

DIALOGUE(open_uses_the_bound_address) /* [RFC9293 MUST-43, MUST-45] */
{
    struct gander_address local = dialogue_address(d, false), got;

    local.port = 1234;
    d->s = fresh(d);
    expect_equal(d, gander_bind(d->stack, d->s, &local), 0);
    app_connect(d);
    expect_equal(d, d->f->port, 1234);
    expect(d, "S seq=0");
    expect_equal(d, gander_local_address(d->stack, d->s, &got), 0);
    expect_true(d, gander_address_equal(&got, &local));
}

DIALOGUE(open_asks_ip_for_an_address) /* [RFC9293 MUST-44] */
{
    struct gander_address want = dialogue_address(d, false), got;

    app_connect(d);
    expect(d, "S seq=0"); /* the source address of all that leaves is checked */
    expect_equal(d, gander_local_address(d->stack, d->s, &got), 0);
    want.port = d->f->port;
    expect_true(d, gander_address_equal(&got, &want));
    expect_true(d, got.port != 0);
}

DIALOGUE(open_in_other_states) /* "error: connection already exists" */
{
    app_listen(d, 1);
    expect_true(d, connect_again(d, d->listener) < 0);
    expect_nothing(d);
    expect_state(d, GANDER_TCP_LISTEN);
    app_connect(d);
    expect(d, "S seq=0");
    expect_equal(d, connect_again(d, d->s), GANDER_EALREADY);
    expect_true(d, gander_listen(d->stack, d->s, 1) < 0);
    expect_nothing(d);
    expect_state(d, GANDER_TCP_SYN_SENT);
}

DIALOGUE(open_passive_beside_an_active_one) /* [RFC9293 MUST-42]: the same port is in SYN-SENT */
{
    struct gander_address local = dialogue_address(d, false);

    local.port = DIALOGUE_PORT;
    d->s = fresh(d);
    expect_equal(d, gander_bind(d->stack, d->s, &local), 0);
    app_connect(d);
    expect(d, "S seq=0");
    expect_state(d, GANDER_TCP_SYN_SENT);
    app_listen(d, 1);
    dialogue_flow(d, 1);
    arrive(d, "S");
    expect(d, "SA seq=0 ack=1");
    dialogue_flow(d, 0);
    arrive(d, "SA seq=0 ack=1");
    expect(d, "A seq=1 ack=1");
    expect_event(d, GANDER_EVENT_CONNECTED);
}

/* --- SEND [RFC9293 3.10.2] --------------------------------------------------------------------------- */

DIALOGUE(send_without_a_connection) /* CLOSED and LISTEN */
{
    d->s = fresh(d);
    expect_equal(d, send_one(d), GANDER_ENOTCONN);
    app_listen(d, 1);
    expect_equal(d, gander_send(d->stack, d->listener, "x", 1, 0), GANDER_ENOTCONN);
    expect_equal(d, gander_send(d->stack, d->listener + 12345, "x", 1, 0), GANDER_EBADF);
    expect_equal(d, gander_send(d->stack, 0, "x", 1, 0), GANDER_EBADF);
    expect_nothing(d);
}

DIALOGUE(send_before_established_is_queued) /* SYN-SENT, SYN-RECEIVED */
{
    reach(d, GANDER_TCP_SYN_SENT);
    app_send(d, 10);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1 len=0");
    app_send(d, 10);
    expect_nothing(d);
    arrive(d, "A seq=1 ack=1");
    expect(d, "PA seq=1 ack=1 len=20");
}

DIALOGUE(send_beyond_the_buffer) /* "error: insufficient resources", then an event */
{
    static uint8_t bytes[1 << 20];
    int64_t taken;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = dialogue_pattern((uint32_t)i, false);
    reach(d, GANDER_TCP_SYN_SENT);
    taken = gander_send(d->stack, d->s, bytes, sizeof(bytes), 0);
    expect_true(d, taken > 0 && taken < (int64_t)sizeof(bytes));
    expect_equal(d, gander_send(d->stack, d->s, bytes, 1, 0), GANDER_EAGAIN);
    expect_no_event(d, GANDER_EVENT_WRITABLE);
    expect_equal(d, gander_send(d->stack, d->s, bytes, 0, 0), GANDER_EINVAL);
    d->f->wnd = 1000;
    arrive(d, "SA seq=0 ack=1");
    allow(d, "A seq=1 len=0");
    d->f->wnd = 65535;
    while (d->f->ours < (uint32_t)taken) {
        while (allow(d, "A ack=1"))
            ;
        arrive(d, "A seq=1");
    }
    while (allow(d, "A ack=1"))
        ;
    expect_event(d, GANDER_EVENT_WRITABLE);
}

DIALOGUE(send_in_established_and_close_wait)
{
    reach(d, GANDER_TCP_CLOSE_WAIT);
    expect_equal(d, send_one(d), 1);
    expect(d, "PA seq=1 ack=2 len=1");
}

static void send_is_closed(struct dialogue *d)
{
    expect_equal(d, send_one(d), GANDER_EPIPE); /* "error: connection closing" */
    expect_nothing(d);
}

/* --- RECEIVE [RFC9293 3.10.3] -------------------------------------------------------------------------- */

DIALOGUE(receive_without_a_connection)
{
    d->s = fresh(d);
    app_receive_gives(d, GANDER_ENOTCONN);
    app_listen(d, 1);
    d->s = d->listener;
    app_receive_gives(d, GANDER_ENOTCONN);
    d->s = 0;
    app_receive_gives(d, GANDER_EBADF);
}

DIALOGUE(receive_before_established)
{
    reach(d, GANDER_TCP_SYN_SENT);
    app_receive_gives(d, GANDER_EAGAIN);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    app_receive_gives(d, GANDER_EAGAIN);
}

DIALOGUE(receive_in_established)
{
    uint8_t byte;

    reach(d, GANDER_TCP_ESTABLISHED);
    app_receive_gives(d, GANDER_EAGAIN);
    arrive(d, "PA len=5");
    expect_equal(d, gander_receive(d->stack, d->s, &byte, 0, 0), GANDER_EINVAL);
    expect_equal(d, gander_receive(d->stack, d->s, &byte, 1, GANDER_RECEIVE_PEEK), 1);
    expect_equal(d, byte, dialogue_pattern(0, true));
    app_receive(d, 5);
    app_receive_gives(d, GANDER_EAGAIN);
    expect_after(d, ms(40), "A ack=6");
}

DIALOGUE(receive_after_the_peers_fin) /* CLOSE-WAIT: what is there, then the end */
{
    reach(d, GANDER_TCP_ESTABLISHED);
    arrive(d, "FA len=7");
    expect(d, "A ack=9");
    app_receive(d, 7);
    app_receive_gives(d, 0);
    app_receive_gives(d, 0);
}

static void receive_ended(struct dialogue *d)
{
    app_receive_gives(d, 0); /* "error: connection closing" */
}

/* --- CLOSE [RFC9293 3.10.4] ------------------------------------------------------------------------------ */

static void close_is_the_end_of_the_handle(struct dialogue *d)
{
    app_close(d);
    expect_equal(d, gander_close(d->stack, d->s), GANDER_EBADF);
    expect_equal(d, send_one(d), GANDER_EBADF);
    app_receive_gives(d, GANDER_EBADF);
    expect_no_event(d, ~0u);
}

DIALOGUE(close_in_closed)
{
    d->s = fresh(d);
    expect_equal(d, gander_shutdown(d->stack, d->s, GANDER_SHUTDOWN_SEND), GANDER_ENOTCONN);
    close_is_the_end_of_the_handle(d);
}

DIALOGUE(close_in_listen)
{
    app_listen(d, 1);
    expect_equal(d, gander_close(d->stack, d->listener), 0);
    expect_equal(d, gander_close(d->stack, d->listener), GANDER_EBADF);
    arrive(d, "S seq=0");
    expect(d, "RA seq=0 ack=1");
}

DIALOGUE(close_in_syn_sent) /* "Delete the TCB" */
{
    reach(d, GANDER_TCP_SYN_SENT);
    close_is_the_end_of_the_handle(d);
    expect_state(d, GANDER_TCP_CLOSED);
    expect_silence_until(d, sec(100));
    expect_equal(d, dialogue_stats(d).tcp_connections, 0);
    arrive(d, "SA seq=0 ack=1");
    expect(d, "R seq=1");
}

DIALOGUE(close_in_syn_received) /* "form a FIN segment and send it, and enter FIN-WAIT-1" */
{
    reach(d, GANDER_TCP_SYN_SENT);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    app_close(d);
    if (!allow(d, "FA seq=1 ack=1 len=0")) { /* or queued until ESTABLISHED, as with pending data */
        arrive(d, "A seq=1 ack=1");
        expect(d, "FA seq=1 ack=1 len=0");
    }
    expect_state(d, GANDER_TCP_FIN_WAIT_1);
    arrive(d, "A seq=1 ack=2");
    expect_state(d, GANDER_TCP_FIN_WAIT_2);
}

DIALOGUE(close_in_established)
{
    reach(d, GANDER_TCP_ESTABLISHED);
    close_is_the_end_of_the_handle(d);
    expect(d, "FA seq=1 ack=1 len=0");
    expect_state(d, GANDER_TCP_FIN_WAIT_1);
}

/* "Queue this until all preceding SENDs have been segmentized" */
DIALOGUE(close_waits_for_queued_data)
{
    reach(d, GANDER_TCP_ESTABLISHED);
    d->f->wnd = 1000;
    arrive(d, "A");
    app_send(d, 1500);
    app_close(d);
    expect(d, "A seq=1 ack=1 len=%u", (unsigned)d->smss);
    allow(d, "A seq=%u", (unsigned)d->smss + 1);
    expect_state(d, GANDER_TCP_FIN_WAIT_1); /* "In any case" */
    d->f->wnd = 65535;
    arrive(d, "A");
    while (allow(d, "A ack=1"))
        ;
    expect(d, "PFA ack=1");
    expect_equal(d, d->f->ours, 1502);
}

DIALOGUE(close_in_close_wait)
{
    reach(d, GANDER_TCP_CLOSE_WAIT);
    app_close(d);
    expect(d, "FA seq=1 ack=2 len=0");
    expect_state(d, GANDER_TCP_LAST_ACK);
}

/* FIN-WAIT-1, FIN-WAIT-2, CLOSING, LAST-ACK, TIME-WAIT: no second FIN. */
static void close_when_closing(struct dialogue *d)
{
    int again = gander_shutdown(d->stack, d->s, GANDER_SHUTDOWN_SEND);

    expect_true(d, again == 0 || again == GANDER_EPIPE || again == GANDER_ENOTCONN);
    expect_nothing(d);
    close_is_the_end_of_the_handle(d);
    expect_nothing(d);
}

/* --- STATUS [RFC9293 3.10.6] ---------------------------------------------------------------------------------- */

static void status_tells(struct dialogue *d, enum gander_tcp_state state)
{
    struct gander_tcp_info info;

    expect_equal(d, gander_tcp_info(d->stack, d->s, &info), 0);
    expect_equal(d, info.state, state);
    expect_equal(d, info.peer.port, d->f->peer_port);
    expect_equal(d, info.local.port, d->f->port);
    expect_equal(d, gander_tcp_info(d->stack, d->s + (1ull << 40), &info), GANDER_EBADF);
}

DIALOGUE(status_of_a_listener)
{
    app_listen(d, 1);
    expect_state(d, GANDER_TCP_LISTEN);
}

DIALOGUE(status_of_a_fresh_socket)
{
    struct gander_tcp_info info;

    expect_equal(d, gander_tcp_info(d->stack, fresh(d), &info), 0);
    expect_equal(d, info.state, GANDER_TCP_CLOSED);
}

/* --- IP parameters [RFC9293 3.9.1.9, 3.9.2] --------------------------------------------------------------------- */

DIALOGUE(traffic_class_and_ttl) /* MUST-48, MUST-49; SHLD-21: also during the connection's life */
{
    open_passive(d);
    app_option(d, TRAFFIC_CLASS, 0xb8);
    app_option(d, TTL, 33);
    app_send(d, 10);
    expect(d, "PA len=10 ttl=33 tc=184");
    arrive(d, "A");
    app_option(d, TRAFFIC_CLASS, 0);
    app_option(d, TTL, 255);
    app_send(d, 10);
    expect(d, "PA len=10 ttl=255 tc=0");
    expect_true(d, gander_set_option(d->stack, d->s, GANDER_OPTION_TTL, 0) == GANDER_EINVAL);
    expect_true(d, gander_set_option(d->stack, d->s, GANDER_OPTION_TTL, 256) == GANDER_EINVAL);
}

DIALOGUE(default_ttl) /* [RFC1122 3.2.1.7]: 64 */
{
    app_connect(d);
    expect(d, "S seq=0 ttl=64 tc=0");
}

/* clang-format off */
#define SENDING_CLOSED(X)                                                                          \
    X(send_is_closed, FIN_WAIT_1) X(send_is_closed, FIN_WAIT_2) X(send_is_closed, CLOSING)         \
    X(send_is_closed, LAST_ACK) X(send_is_closed, TIME_WAIT)                                       \
    X(close_when_closing, FIN_WAIT_1) X(close_when_closing, FIN_WAIT_2)                            \
    X(close_when_closing, CLOSING) X(close_when_closing, LAST_ACK)                                 \
    X(close_when_closing, TIME_WAIT)                                                               \
    X(receive_ended, CLOSE_WAIT) X(receive_ended, CLOSING) X(receive_ended, LAST_ACK)              \
    X(receive_ended, TIME_WAIT)

#define STATUS(X)                                                                                  \
    X(status_tells, SYN_SENT) X(status_tells, ESTABLISHED) X(status_tells, FIN_WAIT_1)             \
    X(status_tells, FIN_WAIT_2) X(status_tells, CLOSE_WAIT) X(status_tells, CLOSING)               \
    X(status_tells, LAST_ACK) X(status_tells, TIME_WAIT)
/* clang-format on */

#define DEFINE_PLAIN(name, state)                                                                  \
    DIALOGUE(name##_in_##state)                                                                    \
    {                                                                                              \
        reach(d, GANDER_TCP_##state);                                                              \
        name(d);                                                                                   \
    }
#define DEFINE_STATUS(name, state)                                                                 \
    DIALOGUE(name##_in_##state)                                                                    \
    {                                                                                              \
        reach(d, GANDER_TCP_##state);                                                              \
        name(d, GANDER_TCP_##state);                                                               \
    }
SENDING_CLOSED(DEFINE_PLAIN)
STATUS(DEFINE_STATUS)

#define ENTRY(name, state) RUN(name##_in_##state),

static const struct dialogue_test tests[] = {RUN(open_active_needs_a_remote_socket),
                                             RUN(open_to_multicast_or_broadcast),
                                             RUN(open_without_a_route),
                                             RUN(open_passive_needs_a_port),
                                             RUN(open_passive_twice_on_a_port),
                                             RUN(open_with_a_strange_address),
                                             RUN(open_does_not_disturb_others),
                                             RUN(open_uses_the_bound_address),
                                             RUN(open_asks_ip_for_an_address),
                                             RUN(open_in_other_states),
                                             RUN(open_passive_beside_an_active_one),
                                             RUN(send_without_a_connection),
                                             RUN(send_before_established_is_queued),
                                             RUN(send_beyond_the_buffer),
                                             RUN(send_in_established_and_close_wait),
                                             RUN(receive_without_a_connection),
                                             RUN(receive_before_established),
                                             RUN(receive_in_established),
                                             RUN(receive_after_the_peers_fin),
                                             RUN(close_in_closed),
                                             RUN(close_in_listen),
                                             RUN(close_in_syn_sent),
                                             RUN(close_in_syn_received),
                                             RUN(close_in_established),
                                             RUN(close_waits_for_queued_data),
                                             RUN(close_in_close_wait),
                                             RUN(status_of_a_listener),
                                             RUN(status_of_a_fresh_socket),
                                             RUN(traffic_class_and_ttl),
                                             RUN(default_ttl),
                                             SENDING_CLOSED(ENTRY) STATUS(ENTRY)};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}

/* SPDX-License-Identifier: MIT */
/* `gander connect HOST PORT`: standard input and output joined to a TCP or UDP peer. See relay.h. */
#include "commands.h"
#include "dial.h"
#include "message.h"
#include "relay.h"

struct connect {
    struct session session;
    struct dial dial;
    struct relay relay;
    bool udp, connected;
};

static void connect_ended(struct relay *relay, int error)
{
    if (error)
        message_error("connection ended: %s", gander_strerror(error));
    session_end(relay->session, error ? CODE_PEER : CODE_OK);
}

static void connect_ready(struct connect *connect)
{
    connect->connected = true;
    if (!connect->udp)
        message_note("connected to %s", connect->dial.text);
    relay_start(&connect->relay, connect->dial.socket);
}

static void connect_events(void *context, struct gander_stack *stack,
                           const struct gander_event *events, size_t n)
{
    struct connect *connect = context;

    (void)stack;
    for (size_t i = 0; i < n && !connect->session.ended; i++) {
        if (events[i].socket != connect->dial.socket)
            continue;
        if (!connect->connected &&
            (events[i].bits & (GANDER_EVENT_CONNECTED | GANDER_EVENT_WRITABLE)))
            connect_ready(connect);
        else if (!connect->connected && (events[i].bits & GANDER_EVENT_CLOSED)) {
            if (!dial_next(&connect->dial, events[i].error))
                session_end(&connect->session, CODE_PEER);
            continue;
        }
        if (connect->connected && !connect->session.ended)
            relay_event(&connect->relay, &events[i]);
    }
}

static int connect_run(struct connect *connect, const char *host, uint16_t port)
{
    struct session *session = &connect->session;
    int code;

    connect->relay.datagrams = connect->udp;
    relay_init(&connect->relay, session, connect_ended);
    code = dial_open(&connect->dial, session, connect->udp ? GANDER_UDP : GANDER_TCP, host, port);
    if (code) {
        session_end(session, code);
        return session_close(session);
    }
    if (connect->udp)
        connect_ready(connect);
    session_run(session, connect_events, connect);
    relay_stop(&connect->relay);
    if (connect->dial.socket)
        (void)gander_close(session->stack, connect->dial.socket);
    return session_close(session);
}

int connect_main(int argc, char **argv)
{
    static struct connect connect;
    struct options options;
    const struct option_spec specs[] = {
        {"udp", 'u', NULL, "UDP: each piece of input is a datagram", option_set_switch,
         &connect.udp},
        {"wait", 'w', "TIME", "end after so much silence", option_set_duration,
         &connect.relay.silence_ns},
        {NULL, 0, NULL, NULL, NULL, NULL},
    };
    const struct option_usage usage = {
        "connect",
        "HOST PORT",
        "Joins standard input and output to a TCP connection, or to a UDP peer.",
        specs,
        2,
        2};
    const char *expected;
    uint16_t port;
    int first, code;

    options_init(&options);
    first = options_read(&usage, &options, argc, argv);
    if (first < 0)
        return first == OPTIONS_DONE ? CODE_OK : CODE_USAGE;
    expected = option_set_port(&port, argv[first + 1]);
    if (expected) {
        message_error("port %s: expected %s", argv[first + 1], expected);
        return CODE_USAGE;
    }
    code = session_open(&connect.session, &options);
    return code ? code : connect_run(&connect, argv[first], port);
}

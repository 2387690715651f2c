/* SPDX-License-Identifier: MIT */
/*
 * `gander listen PORT`: waits for a TCP connection or a first UDP datagram, then joins standard input and output to
 * that peer. With --keep-open one after the other; those who come meanwhile wait. See relay.h.
 */
#include "commands.h"
#include "message.h"
#include "relay.h"

#include <string.h>

enum { BACKLOG = 16 };

struct listen {
    struct session session;
    struct relay relay;
    gander_socket listener;   /* UDP: the socket of both */
    gander_socket connection; /* 0: none now */
    bool udp, keep_open;
};

static void listen_next(struct listen *listen);

static void listen_ended(struct relay *relay, int error)
{
    struct listen *listen = (void *)relay->context;
    struct gander_stack *stack = listen->session.stack;
    const struct gander_address nobody = {0};

    if (error)
        message_error("connection ended: %s", gander_strerror(error));
    if (listen->udp)
        (void)gander_connect(stack, listen->listener, &nobody);
    else
        (void)gander_close(stack, listen->connection);
    listen->connection = 0;
    if (listen->keep_open)
        listen_next(listen);
    else
        session_end(&listen->session, error ? CODE_PEER : CODE_OK);
}

/* The next peer, if one is there already. */
static void listen_next(struct listen *listen)
{
    struct gander_stack *stack = listen->session.stack;
    struct gander_datagram datagram;
    struct gander_address peer;
    char text[GANDER_ADDRESS_TEXT_BYTES];
    char byte;

    if (listen->udp) {
        if (gander_receive_from(stack, listen->listener, &byte, 1, GANDER_RECEIVE_PEEK, &datagram) <
            0)
            return;
        peer = datagram.peer;
        if (gander_connect(stack, listen->listener, &peer))
            return;
        listen->connection = listen->listener;
    } else {
        if (gander_accept(stack, listen->listener, &listen->connection, &peer))
            return;
        if (!listen->keep_open) {
            (void)gander_close(stack, listen->listener);
            listen->listener = 0;
        }
    }
    message_note("%s from %s", listen->udp ? "datagrams" : "connection",
                 gander_address_format(&peer, text, sizeof(text)));
    relay_start(&listen->relay, listen->connection);
}

static void listen_events(void *context, struct gander_stack *stack,
                          const struct gander_event *events, size_t n)
{
    struct listen *listen = context;

    (void)stack;
    for (size_t i = 0; i < n && !listen->session.ended; i++) {
        if (listen->connection && events[i].socket == listen->connection)
            relay_event(&listen->relay, &events[i]);
        else if (!listen->connection && events[i].socket == listen->listener)
            listen_next(listen);
    }
}

static int listen_open(struct listen *listen, uint16_t port)
{
    struct gander_stack *stack = listen->session.stack;
    struct gander_address local = {.port = port};
    char text[GANDER_ADDRESS_TEXT_BYTES];
    int error = gander_open(stack, listen->udp ? GANDER_UDP : GANDER_TCP, &listen->listener);

    if (!error)
        error = gander_bind(stack, listen->listener, &local);
    if (!error && !listen->udp)
        error = gander_listen(stack, listen->listener, BACKLOG);
    if (error) {
        message_error("cannot listen on port %u: %s", port, gander_strerror(error));
        return CODE_LOCAL;
    }
    for (unsigned i = 0; i < listen->session.addresses.count; i++) {
        local = listen->session.addresses.list[i].address;
        local.port = port;
        message_note("ready: %s", gander_address_format(&local, text, sizeof(text)));
    }
    return CODE_OK;
}

static int listen_run(struct listen *listen, uint16_t port)
{
    struct session *session = &listen->session;
    int code = listen_open(listen, port);

    listen->relay.datagrams = listen->udp;
    listen->relay.context = listen;
    relay_init(&listen->relay, session, listen_ended);
    if (code)
        session_end(session, code);
    else
        session_run(session, listen_events, listen);
    relay_stop(&listen->relay);
    if (listen->connection && !listen->udp)
        (void)gander_close(session->stack, listen->connection);
    if (listen->listener)
        (void)gander_close(session->stack, listen->listener);
    if (listen->keep_open && session_signal())
        session_end(session, CODE_OK); /* the usual way to end it */
    return session_close(session);
}

int listen_main(int argc, char **argv)
{
    static struct listen listen;
    struct options options;
    const struct option_spec specs[] = {
        {"udp", 'u', NULL, "UDP: the first datagram's sender is the peer", option_set_switch,
         &listen.udp},
        {"keep-open", 'K', NULL, "wait for the next peer when one has ended", option_set_switch,
         &listen.keep_open},
        {"wait", 'w', "TIME", "let a peer go after so much silence", option_set_duration,
         &listen.relay.silence_ns},
        {NULL, 0, NULL, NULL, NULL, NULL},
    };
    const struct option_usage usage = {
        "listen", "PORT", "Waits for a TCP or UDP peer and joins standard input and output to it.",
        specs,    1,      1};
    const char *expected;
    uint16_t port;
    int first, code;

    options_init(&options);
    first = options_read(&usage, &options, argc, argv);
    if (first < 0)
        return first == OPTIONS_DONE ? CODE_OK : CODE_USAGE;
    expected = option_set_port(&port, argv[first]);
    if (expected) {
        message_error("port %s: expected %s", argv[first], expected);
        return CODE_USAGE;
    }
    code = session_open(&listen.session, &options);
    return code ? code : listen_run(&listen, port);
}

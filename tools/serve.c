/* SPDX-License-Identifier: MIT */
/*
 * `gander serve DIR`: a file server, HTTP/1.1 over gander's TCP. One thread; each client is a small state machine
 * driven by socket events:
 *
 *   WAITING    for a request. The head stays in the stack's receive queue (peeked) until it is whole.
 *   ANSWERING  head, then page or file, as fast as the send buffer takes them. No request is read meanwhile.
 *   DRAINING   our direction is closed; what still comes is read and thrown away, so that the answer is not
 *              overtaken by a reset (RFC 9112 9.6).
 *
 * Time: a client that makes no progress for --timeout is answered 408 or dropped. All have the same limit, so a
 * list in order of the last progress is all that the clock needs.
 */
#include "serve.h"
#include "commands.h"
#include "message.h"
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { CLIENTS_MAX = 8192, BACKLOG = 512, CHUNK_BYTES = 65536 };

struct client {
    gander_socket socket;
    struct client *before, *after; /* in order of the last progress */
    gander_time progress_at;
    enum { CLIENT_WAITING, CLIENT_ANSWERING, CLIENT_DRAINING } state;
    struct answer *answer; /* while ANSWERING */
    size_t head_sent, text_sent;
    bool partial; /* a piece of a request is there */
    char peer[GANDER_ADDRESS_TEXT_BYTES];
};

struct serve {
    struct session session;
    int root;
    uint16_t port;
    gander_time timeout_ns;
    gander_socket listener;
    struct client *oldest, *newest;
    unsigned clients;
    struct gander_host_alarm alarm;
    char chunk[CHUNK_BYTES];
};

/* --- the list of clients ------------------------------------------------------------------- */

static void list_remove(struct serve *serve, struct client *client)
{
    *(client == serve->oldest ? &serve->oldest : &client->before->after) = client->after;
    *(client->after ? &client->after->before : &serve->newest) = client->before;
}

static void list_append(struct serve *serve, struct client *client)
{
    client->before = serve->newest;
    client->after = NULL;
    *(serve->newest ? &serve->newest->after : &serve->oldest) = client;
    serve->newest = client;
    client->progress_at = gander_host_now();
}

static void client_progressed(struct serve *serve, struct client *client)
{
    list_remove(serve, client);
    list_append(serve, client);
}

static void client_end_answer(struct client *client)
{
    if (client->answer)
        answer_free(client->answer);
    free(client->answer);
    client->answer = NULL;
}

static void serve_accept(struct serve *serve);

static void client_free(struct serve *serve, struct client *client, bool abort)
{
    (void)(abort ? gander_abort(serve->session.stack, client->socket)
                 : gander_close(serve->session.stack, client->socket));
    client_end_answer(client);
    list_remove(serve, client);
    free(client);
    if (serve->clients-- == CLIENTS_MAX) /* the next one may come in */
        serve_accept(serve);
}

/* --- sending ------------------------------------------------------------------------------- */

/* Sends from memory; true when all is queued. `error` keeps anything but a full buffer. */
static bool client_send_bytes(struct serve *serve, struct client *client, const char *data,
                              size_t len, size_t *sent, bool more, int64_t *error)
{
    while (*sent < len) {
        int64_t n = gander_send(serve->session.stack, client->socket, data + *sent, len - *sent,
                                more ? GANDER_SEND_MORE : 0);

        if (n < 0) {
            *error = n == GANDER_EAGAIN ? 0 : n;
            return false;
        }
        *sent += (size_t)n;
        client_progressed(serve, client);
    }
    return true;
}

static bool client_send_file(struct serve *serve, struct client *client, int64_t *error)
{
    struct answer *a = client->answer;

    while (a->at < a->end) {
        int64_t left = a->end - a->at;
        size_t sent = 0, want = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
        ssize_t n = pread(a->file, serve->chunk, want, a->at);
        bool all;

        if (n <=
            0) { /* the file got shorter, or cannot be read: the length that was told is wrong now */
            message_error("%s: a file changed while it was sent", client->peer);
            *error = GANDER_EIO;
            return false;
        }
        all = client_send_bytes(serve, client, serve->chunk, (size_t)n, &sent, n < left, error);
        a->at += (int64_t)sent;
        if (!all)
            return false;
    }
    return true;
}

/* Goes on with the answer. true when all of it is queued; `error`: the connection is of no use any more. */
static bool client_send(struct serve *serve, struct client *client, int64_t *error)
{
    struct answer *a = client->answer;
    bool body = a->text_len || a->at < a->end;

    return client_send_bytes(serve, client, a->head, a->head_len, &client->head_sent, body,
                             error) &&
           client_send_bytes(serve, client, a->text, a->text_len, &client->text_sent, false,
                             error) &&
           client_send_file(serve, client, error);
}

/* --- reading ------------------------------------------------------------------------------- */

static void client_log(const struct client *client, const struct http_request *request)
{
    static const char *const methods[] = {"GET", "HEAD", "?"};
    char path[1024] = "";

    if (request)
        http_encode_path(request->path, path, sizeof(path));
    message_note("%s %s %s %d %lld", client->peer, request ? methods[request->method] : "-",
                 *path ? path : "-", client->answer->status, (long long)client->answer->body_bytes);
}

/* Begins to answer. `request` NULL: `status` says what is wrong. false: no memory. */
static bool client_answer(struct serve *serve, struct client *client, int status,
                          const struct http_request *request)
{
    client->answer = malloc(sizeof(*client->answer));
    if (!client->answer)
        return false;
    if (request)
        answer_make(client->answer, serve->root, request);
    else
        answer_error(client->answer, status, false, false);
    client->head_sent = client->text_sent = 0;
    client->state = CLIENT_ANSWERING;
    client->partial = false;
    client_progressed(serve, client);
    client_log(client, request);
    return true;
}

/*
 * Looks for a whole request at the head of the receive queue. true: it is answered now. `error`: the
 * connection is over (GANDER_OK included: *over).
 */
static bool client_read(struct serve *serve, struct client *client, bool *over)
{
    struct gander_stack *stack = serve->session.stack;
    static struct http_request request;
    int64_t n, head;
    size_t skip = 0;
    int status;

    n = gander_receive(stack, client->socket, serve->chunk, HTTP_HEAD_MAX + 4, GANDER_RECEIVE_PEEK);
    if (n <= 0) {
        *over = n != GANDER_EAGAIN;
        return false;
    }
    while (skip < (size_t)n && (serve->chunk[skip] == '\r' || serve->chunk[skip] == '\n'))
        skip++;
    if (skip) {
        (void)gander_receive(stack, client->socket, serve->chunk, skip, 0);
        return client_read(serve, client, over); /* ends: the queue is shorter each time */
    }
    head = http_head_length(serve->chunk, (size_t)n);
    if (head == 0) {
        client->partial = true;
        return false;
    }
    if (head < 0) {
        *over = !client_answer(serve, client, n > HTTP_HEAD_MAX ? 431 : 400, NULL);
        return !*over;
    }
    (void)gander_receive(stack, client->socket, serve->chunk, (size_t)head, 0);
    status = http_request_parse(serve->chunk, (size_t)head, &request);
    *over = !client_answer(serve, client, status, status ? NULL : &request);
    return !*over;
}

/* true: over. */
static bool client_drain(struct serve *serve, struct client *client)
{
    int64_t n;

    do
        n = gander_receive(serve->session.stack, client->socket, serve->chunk, CHUNK_BYTES, 0);
    while (n > 0);
    return n != GANDER_EAGAIN;
}

/* Goes on with a client as far as possible now. It may be gone afterwards. */
static void client_go(struct serve *serve, struct client *client)
{
    bool over = false;
    int64_t error = 0;

    while (!over) {
        if (client->state == CLIENT_WAITING && !client_read(serve, client, &over))
            break;
        if (client->state == CLIENT_ANSWERING) {
            if (!client_send(serve, client, &error))
                break;
            client->state = client->answer->keep_alive ? CLIENT_WAITING : CLIENT_DRAINING;
            client_end_answer(client);
            if (client->state == CLIENT_DRAINING)
                (void)gander_shutdown(serve->session.stack, client->socket, GANDER_SHUTDOWN_SEND);
        }
        if (client->state == CLIENT_DRAINING) {
            over = client_drain(serve, client);
            break;
        }
    }
    if (over || error)
        client_free(serve, client, error != 0);
}

/* --- the server ---------------------------------------------------------------------------- */

static void serve_accept(struct serve *serve)
{
    struct gander_stack *stack = serve->session.stack;
    struct gander_address peer;
    gander_socket socket;

    while (serve->clients < CLIENTS_MAX &&
           gander_accept(stack, serve->listener, &socket, &peer) == GANDER_OK) {
        struct client *client = calloc(1, sizeof(*client));

        if (!client) {
            (void)gander_abort(stack, socket);
            continue;
        }
        client->socket = socket;
        gander_address_format(&peer, client->peer, sizeof(client->peer));
        (void)gander_set_context(stack, socket, client);
        list_append(serve, client);
        serve->clients++;
        if (serve->clients == 1 && serve->timeout_ns)
            gander_host_set_alarm(serve->session.host, &serve->alarm,
                                  client->progress_at + serve->timeout_ns);
        client_go(serve, client);
    }
}

static void serve_events(void *context, struct gander_stack *stack,
                         const struct gander_event *events, size_t n)
{
    struct serve *serve = context;

    (void)stack;
    for (size_t i = 0; i < n; i++) {
        if (events[i].socket == serve->listener)
            serve_accept(serve);
        else if (!events[i].context)
            continue;
        else if (events[i].bits & GANDER_EVENT_CLOSED)
            client_free(serve, events[i].context, false);
        else
            client_go(serve, events[i].context);
    }
}

/* Some client has made no progress for too long. */
static void serve_expire(void *context, gander_time now)
{
    struct serve *serve = context;

    while (serve->oldest && serve->oldest->progress_at + serve->timeout_ns <= now) {
        struct client *client = serve->oldest;

        if (client->state != CLIENT_WAITING)
            client_free(serve, client, true);
        else if (client->partial && client_answer(serve, client, 408, NULL))
            client_go(serve, client);
        else
            client_free(serve, client, false);
    }
    gander_host_set_alarm(serve->session.host, &serve->alarm,
                          serve->oldest ? serve->oldest->progress_at + serve->timeout_ns
                                        : GANDER_NEVER);
}

static int serve_listen(struct serve *serve)
{
    struct gander_stack *stack = serve->session.stack;
    struct gander_address local = {.port = serve->port};
    int error = gander_open(stack, GANDER_TCP, &serve->listener);

    if (!error)
        error = gander_bind(stack, serve->listener, &local);
    if (!error)
        error = gander_listen(stack, serve->listener, BACKLOG);
    if (!error && serve->session.options->fastopen)
        error = gander_set_option(stack, serve->listener, GANDER_OPTION_FASTOPEN, BACKLOG);
    if (error) {
        message_error("cannot listen on port %u: %s", serve->port, gander_strerror(error));
        return CODE_LOCAL;
    }
    for (unsigned i = 0; i < serve->session.addresses.count; i++) {
        struct gander_address address = serve->session.addresses.list[i].address;
        char text[GANDER_ADDRESS_TEXT_BYTES];

        address.port = serve->port;
        message_note("ready: http://%s/", gander_address_format(&address, text, sizeof(text)));
    }
    return CODE_OK;
}

static int serve_run(struct serve *serve)
{
    int code = serve_listen(serve);

    serve->alarm = (struct gander_host_alarm){.fn = serve_expire, .context = serve};
    if (code)
        session_end(&serve->session, code);
    else
        session_run(&serve->session, serve_events, serve);
    while (serve->oldest)
        client_free(serve, serve->oldest, true);
    (void)close(serve->root);
    if (session_signal())
        session_end(&serve->session, CODE_OK); /* the usual way to end a server */
    return session_close(&serve->session);
}

/* A file for each client that is being answered: more than the usual 1024 descriptors. */
static void serve_raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int serve_main(int argc, char **argv)
{
    static struct serve serve;
    struct options options;
    const struct option_spec specs[] = {
        {"port", 'p', "PORT", "listen on this port [80]", option_set_port, &serve.port},
        {"timeout", 't', "TIME", "drop clients without progress for so long; 0: never [30s]",
         option_set_duration, &serve.timeout_ns},
        {NULL, 0, NULL, NULL, NULL, NULL},
    };
    const struct option_usage usage = {
        "serve", "DIR", "Serves the files below DIR over HTTP/1.1 until interrupted.", specs, 1, 1};
    int first, code;

    options_init(&options);
    serve.port = 80;
    serve.timeout_ns = 30 * GANDER_S;
    first = options_read(&usage, &options, argc, argv);
    if (first < 0)
        return first == OPTIONS_DONE ? CODE_OK : CODE_USAGE;
    serve.root = open(argv[first], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (serve.root < 0) {
        message_error("cannot serve %s: %s", argv[first], strerror(errno));
        return CODE_LOCAL;
    }
    serve_raise_limit();
    code = session_open(&serve.session, &options);
    return code ? code : serve_run(&serve);
}

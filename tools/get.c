/* SPDX-License-Identifier: MIT */
/*
 * `gander get URL`: fetches a file over HTTP/1.1, to standard output or a file. Exit codes: see commands.h.
 *
 * Left out: following redirects (the new place is named), TLS, content codings, resuming.
 */
#include "commands.h"
#include "dial.h"
#include "http.h"
#include "message.h"
#include "output.h"
#include "progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

struct get {
    struct session session;
    struct dial dial;
    struct http_url url;
    const char *path; /* -o; NULL: standard output */
    gander_time timeout_ns;
    int fd;
    bool connected, headed, blocked;
    struct http_response response;
    struct http_body body;
    int64_t received_bytes; /* of the body */
    struct progress progress;
    struct gander_host_alarm draw, silence;
    char buffer[65536];
    size_t at, len; /* what is not used yet */
};

static void get_silence(void *context, gander_time now)
{
    struct get *get = context;

    (void)now;
    message_error("%s: no answer for %.3g s; --timeout changes that", get->dial.text,
                  (double)get->timeout_ns / 1e9);
    session_end(&get->session, CODE_PEER);
}

static void get_alive(struct get *get)
{
    gander_host_set_alarm(get->session.host, &get->silence,
                          get->timeout_ns ? gander_host_now() + get->timeout_ns : GANDER_NEVER);
}

static void get_draw(void *context, gander_time now)
{
    struct get *get = context;

    progress_update(&get->progress, now, get->received_bytes);
    gander_host_set_alarm(get->session.host, &get->draw, progress_deadline(&get->progress));
}

static void get_request(struct get *get)
{
    char request[sizeof(get->url.path) + sizeof(get->url.host) + 200];
    char port[8] = "";
    int n;

    if (get->url.port != 80)
        (void)snprintf(port, sizeof(port), ":%u", get->url.port);
    n = snprintf(request, sizeof(request),
                 "GET %s HTTP/1.1\r\nHost: %s%s%s%s\r\nUser-Agent: gander/%s\r\nAccept: */*\r\n"
                 "Connection: close\r\n\r\n",
                 get->url.path, get->url.brackets ? "[" : "", get->url.host,
                 get->url.brackets ? "]" : "", port, gander_version());
    /* Fits the empty send buffer; an error comes as an event too. */
    (void)gander_send(get->session.stack, get->dial.socket, request, (size_t)n, 0);
    get->connected = true;
}

/* The head is there: is it what was asked for, and where do the bytes go? 0, or an enum code after a message. */
static int get_headed(struct get *get)
{
    const struct http_response *r = &get->response;

    if (r->status / 100 == 3 && r->location[0]) {
        message_error("the server says %d %s: it is at %s", r->status, r->reason, r->location);
        return CODE_PEER;
    }
    if (r->status / 100 != 2) {
        message_error("the server says %d %s", r->status, r->reason);
        return CODE_PEER;
    }
    if (r->other_encoding) {
        message_error("the server answers in a transfer coding that gander does not know");
        return CODE_PEER;
    }
    if (get->path)
        get->fd = open(get->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (get->fd < 0) {
        message_error("cannot write %s: %s", get->path, strerror(errno));
        return CODE_LOCAL;
    }
    http_body_init(&get->body, r);
    get->headed = true;
    progress_start(&get->progress,
                   !get->session.options->quiet && (get->path || !isatty(STDOUT_FILENO)),
                   gander_host_now(), r->length);
    get_draw(get, gander_host_now());
    return 0;
}

/* Looks for the head at the start of the buffer. false: not complete yet, or ended. */
static bool get_head(struct get *get)
{
    int64_t n = http_head_length(get->buffer + get->at, get->len - get->at);
    int code = CODE_PEER;

    if (n == 0 && get->at) {
        memmove(get->buffer, get->buffer + get->at, get->len - get->at);
        get->len -= get->at;
        get->at = 0;
    }
    if (n == 0)
        return false;
    if (n < 0 || !http_response_parse(get->buffer + get->at, (size_t)n, &get->response)) {
        message_error("%s: the answer is not HTTP", get->dial.text);
        session_end(&get->session, CODE_PEER);
        return false;
    }
    get->at += (size_t)n;
    if (get->response.status / 100 == 1) /* interim [RFC9110 15.2] */
        return true;
    code = get_headed(get);
    if (code)
        session_end(&get->session, code);
    return !code;
}

static void get_unblock(void *context, int fd, uint32_t events);

/* Writes what the buffer holds of the body. false: the reader of our output must catch up first, or ended. */
static bool get_body(struct get *get)
{
    const char *piece;
    size_t n;
    int64_t written;

    get->at += http_body_next(&get->body, get->buffer + get->at, get->len - get->at, &piece, &n);
    if (get->body.state == HTTP_BODY_BROKEN) {
        message_error("%s: broken chunked encoding after %lld bytes", get->dial.text,
                      (long long)get->received_bytes);
        session_end(&get->session, CODE_PEER);
    }
    if (get->body.state == HTTP_BODY_DONE)
        session_end(&get->session, CODE_OK);
    if (n == 0)
        return !get->session.ended;
    written = output_write(get->fd, piece, n);
    if (written < 0) {
        message_error("cannot write %s: %s", get->path ? get->path : "to standard output",
                      strerror(errno));
        session_end(&get->session, CODE_LOCAL);
        return false;
    }
    http_body_take(&get->body, (size_t)written);
    get->at += (size_t)written;
    get->received_bytes += written;
    if (get->body.state == HTTP_BODY_DONE)
        session_end(&get->session, CODE_OK);
    if ((size_t)written < n) {
        get->blocked = true;
        gander_host_set_alarm(get->session.host, &get->silence, GANDER_NEVER);
        (void)gander_host_add_descriptor(get->session.host, get->fd, EPOLLOUT, get_unblock, get);
    }
    return !get->blocked && !get->session.ended;
}

/* The connection has ended. */
static void get_ended(struct get *get, int64_t error)
{
    char whole[32] = "";

    if (!error && get->headed && get->body.state == HTTP_BODY_CLOSE) {
        session_end(&get->session, CODE_OK);
        return;
    }
    if (get->response.length > 0)
        (void)snprintf(whole, sizeof(whole), " of %lld", (long long)get->response.length);
    if (!get->headed)
        message_error("%s: %s before an answer", get->dial.text,
                      error ? gander_strerror((int)error) : "connection closed");
    else
        message_error("%s: %s after %lld%s bytes", get->dial.text,
                      error ? gander_strerror((int)error) : "connection closed",
                      (long long)get->received_bytes, whole);
    session_end(&get->session, CODE_PEER);
}

static void get_pump(struct get *get)
{
    while (!get->blocked && !get->session.ended) {
        int64_t n;

        if (get->at < get->len && (get->headed ? get_body(get) : get_head(get)))
            continue;
        if (get->blocked || get->session.ended)
            break;
        if (get->at == get->len)
            get->at = get->len = 0;
        n = gander_receive(get->session.stack, get->dial.socket, get->buffer + get->len,
                           sizeof(get->buffer) - get->len, 0);
        if (n == GANDER_EAGAIN)
            break;
        if (n <= 0) {
            get_ended(get, n);
            break;
        }
        get->len += (size_t)n;
        get_alive(get);
    }
    progress_update(&get->progress, gander_host_now(), get->received_bytes);
}

static void get_unblock(void *context, int fd, uint32_t events)
{
    struct get *get = context;

    (void)events;
    (void)gander_host_remove_descriptor(get->session.host, fd);
    get->blocked = false;
    get_alive(get);
    get_pump(get);
}

static void get_events(void *context, struct gander_stack *stack, const struct gander_event *events,
                       size_t n)
{
    struct get *get = context;

    (void)stack;
    for (size_t i = 0; i < n && !get->session.ended; i++) {
        if (events[i].socket != get->dial.socket)
            continue;
        if (!get->connected && (events[i].bits & GANDER_EVENT_CLOSED)) {
            if (!dial_next(&get->dial, events[i].error))
                session_end(&get->session, CODE_PEER);
            continue;
        }
        /* writable before it is connected: the request goes with the SYN */
        if (!get->connected && (events[i].bits & (GANDER_EVENT_CONNECTED | GANDER_EVENT_WRITABLE)))
            get_request(get);
        if (get->connected)
            get_pump(get);
    }
}

static int get_run(struct get *get)
{
    int code;

    get->fd = STDOUT_FILENO;
    get->draw = (struct gander_host_alarm){.fn = get_draw, .context = get};
    get->silence = (struct gander_host_alarm){.fn = get_silence, .context = get};
    code = dial_open(&get->dial, &get->session, GANDER_TCP, get->url.host, get->url.port);
    if (code) {
        session_end(&get->session, code);
        return session_close(&get->session);
    }
    get_alive(get);
    session_run(&get->session, get_events, get);
    gander_host_set_alarm(get->session.host, &get->silence, GANDER_NEVER);
    gander_host_set_alarm(get->session.host, &get->draw, GANDER_NEVER);
    progress_end(&get->progress, gander_host_now());
    if (get->path && get->headed && close(get->fd)) {
        message_error("cannot write %s: %s", get->path, strerror(errno));
        session_end(&get->session, CODE_LOCAL);
    }
    if (get->dial.socket)
        (void)gander_close(get->session.stack, get->dial.socket);
    get->session.farewell_ns = GANDER_S; /* nothing is left to deliver but FIN */
    return session_close(&get->session);
}

int get_main(int argc, char **argv)
{
    static struct get get;
    struct options options;
    const struct option_spec specs[] = {
        {"output", 'o', "FILE", "write to FILE, not to standard output", option_set_text,
         &get.path},
        {"timeout", 't', "TIME", "give up after so much silence; 0: never [30s]",
         option_set_duration, &get.timeout_ns},
        {NULL, 0, NULL, NULL, NULL, NULL},
    };
    const struct option_usage usage = {
        "get", "URL", "Fetches http://HOST[:PORT]/PATH over gander's own TCP.", specs, 1, 1};
    const char *expected;
    int first, code;

    options_init(&options);
    get.timeout_ns = 30 * GANDER_S;
    first = options_read(&usage, &options, argc, argv);
    if (first < 0)
        return first == OPTIONS_DONE ? CODE_OK : CODE_USAGE;
    expected = http_url_parse(argv[first], &get.url);
    if (expected) {
        message_error("%s: expected %s", argv[first], expected);
        return CODE_USAGE;
    }
    code = session_open(&get.session, &options);
    return code ? code : get_run(&get);
}

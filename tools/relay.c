/* SPDX-License-Identifier: MIT */
/*
 * The relay. Back-pressure both ways: standard input is watched only while its last piece has gone to the socket,
 * the socket is read only while the last piece has gone to standard output.
 *
 * End: our direction is closed at the end of standard input; the relay ends when both directions are closed and
 * the peer has acknowledged it. On a terminal nobody would know that ^D is awaited: there the peer's end is the end.
 */
#include "relay.h"
#include "commands.h"
#include "message.h"
#include "output.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static void relay_input_ready(void *context, int fd, uint32_t events);
static void relay_output_ready(void *context, int fd, uint32_t events);
static bool relay_pull(struct relay *relay);
static void relay_check_end(struct relay *relay);

/* A watched descriptor that has hung up is reported without end, so it is watched only while wanted. */
static void watch(struct relay *r, int fd, bool wanted, bool *watched)
{
    if (wanted == *watched)
        return;
    *watched = wanted;
    if (!wanted)
        (void)gander_host_remove_descriptor(r->session->host, fd);
    else if (gander_host_add_descriptor(r->session->host, fd, fd ? EPOLLOUT : EPOLLIN,
                                        fd ? relay_output_ready : relay_input_ready, r)) {
        message_error("cannot watch standard %s: %s", fd ? "output" : "input", strerror(errno));
        session_end(r->session, CODE_LOCAL);
    }
}

static void relay_alive(struct relay *r)
{
    if (r->silence_ns)
        gander_host_set_alarm(r->session->host, &r->silence, gander_host_now() + r->silence_ns);
    progress_update(&r->progress, gander_host_now(), r->sent_bytes + r->received_bytes);
}

static void relay_draw(void *context, gander_time now)
{
    struct relay *r = context;

    progress_update(&r->progress, now, r->sent_bytes + r->received_bytes);
    gander_host_set_alarm(r->session->host, &r->draw, progress_deadline(&r->progress));
}

static void relay_silence(void *context, gander_time now)
{
    struct relay *r = context;

    (void)now;
    relay_stop(r);
    r->ended(r, 0);
}

void relay_init(struct relay *r, struct session *session, void (*ended)(struct relay *, int))
{
    r->session = session;
    r->ended = ended;
    r->silence = (struct gander_host_alarm){.fn = relay_silence, .context = r};
    r->draw = (struct gander_host_alarm){.fn = relay_draw, .context = r};
    /* Not where the data themselves stand on the terminal. */
    r->progress_wanted =
        !session->options->quiet && !isatty(STDIN_FILENO) && !isatty(STDOUT_FILENO);
}

void relay_stop(struct relay *r)
{
    watch(r, STDIN_FILENO, false, &r->input_watched);
    watch(r, STDOUT_FILENO, false, &r->output_watched);
    gander_host_set_alarm(r->session->host, &r->silence, GANDER_NEVER);
    gander_host_set_alarm(r->session->host, &r->draw, GANDER_NEVER);
    progress_end(&r->progress, gander_host_now());
}

static void relay_end(struct relay *r, int error)
{
    relay_stop(r);
    r->ended(r, error);
}

static void relay_local_trouble(struct relay *r, const char *what)
{
    message_error("cannot %s: %s", what, strerror(errno));
    relay_stop(r);
    session_end(r->session, CODE_LOCAL);
}

/* Sends what was read. Returns 0 when all is gone, GANDER_EAGAIN, or why the connection ended. */
static int relay_send(struct relay *r)
{
    while (r->input_at < r->input_len) {
        size_t left = r->input_len - r->input_at;
        size_t len = r->datagrams && left > r->datagram_bytes ? r->datagram_bytes : left;
        int64_t n = gander_send(r->session->stack, r->socket, r->input + r->input_at, len, 0);

        if (n < 0 && r->datagrams && n != GANDER_EAGAIN) {
            /* Best effort: a datagram that nobody took is gone, the next one may arrive. */
            message_note("a datagram was not delivered: %s", gander_strerror((int)n));
            n = n == GANDER_ECONNREFUSED ? 0 : (int64_t)len; /* the report is of an earlier one */
        }
        if (n < 0)
            return (int)n;
        r->input_at += (size_t)n;
        r->sent_bytes += n;
        relay_alive(r);
    }
    return 0;
}

/* Sends and decides what is wanted of standard input. false: the relay has ended. */
static bool relay_push(struct relay *r)
{
    int error = relay_send(r);

    if (error && error != GANDER_EAGAIN) { /* what had arrived before is still to be read */
        r->send_error = error;
        r->sending_ended = r->all_sent = true;
        r->input_at = r->input_len;
        watch(r, STDIN_FILENO, false, &r->input_watched);
        return true;
    }
    if (!error && r->input_ended && !r->sending_ended) {
        r->sending_ended = true;
        if (!r->datagrams)
            (void)gander_shutdown(r->session->stack, r->socket, GANDER_SHUTDOWN_SEND);
    }
    watch(r, STDIN_FILENO, !error && !r->input_ended && !r->sending_ended, &r->input_watched);
    return !r->session->ended;
}

static void relay_input_ready(void *context, int fd, uint32_t events)
{
    struct relay *r = context;
    ssize_t n = read(fd, r->input, sizeof(r->input));

    (void)events;
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n < 0) {
        relay_local_trouble(r, "read standard input");
        return;
    }
    r->input_at = 0;
    r->input_len = (size_t)n;
    r->input_ended = n == 0;
    if (relay_push(r) && r->all_sent && relay_pull(r))
        relay_check_end(r);
}

/* Reads the socket and writes, as long as both go. false: the relay has ended. */
static bool relay_pull(struct relay *r)
{
    while (!r->output_watched) {
        int64_t n =
            output_write(STDOUT_FILENO, r->output + r->output_at, r->output_len - r->output_at);

        if (n < 0) {
            relay_local_trouble(r, "write standard output");
            return false;
        }
        r->output_at += (size_t)n;
        if (r->output_at < r->output_len) {
            watch(r, STDOUT_FILENO, true, &r->output_watched);
            break;
        }
        r->output_at = r->output_len = 0;
        if (r->receiving_ended)
            break;
        n = gander_receive(r->session->stack, r->socket, r->output, sizeof(r->output), 0);
        if (n == GANDER_EAGAIN)
            break;
        if (n < 0 && r->datagrams) {
            message_note("a datagram was not delivered: %s", gander_strerror((int)n));
            continue;
        }
        if (n < 0) {
            relay_end(r, (int)n);
            return false;
        }
        r->receiving_ended = n == 0 && !r->datagrams;
        r->output_len = (size_t)n;
        r->received_bytes += n;
        relay_alive(r);
    }
    return true;
}

/* Are both directions over? */
static void relay_check_end(struct relay *r)
{
    if (r->datagrams || !r->receiving_ended || r->output_len)
        return;
    if (r->all_sent || isatty(STDIN_FILENO))
        relay_end(r, r->send_error);
}

static void relay_output_ready(void *context, int fd, uint32_t events)
{
    struct relay *r = context;

    (void)fd;
    (void)events;
    watch(r, STDOUT_FILENO, false, &r->output_watched);
    if (relay_pull(r))
        relay_check_end(r);
}

void relay_start(struct relay *r, gander_socket socket)
{
    uint32_t mtu = r->session->driver->mtu_bytes;
    struct gander_address local;

    r->socket = socket;
    r->sending_ended = r->receiving_ended = r->all_sent = false;
    r->output_at = r->output_len = 0;
    r->send_error = 0;
    r->sent_bytes = r->received_bytes = 0;
    r->datagram_bytes = mtu - 8 - 20;
    if (gander_local_address(r->session->stack, socket, &local) == 0 && local.family == GANDER_IPV6)
        r->datagram_bytes = mtu - 8 - 40;
    progress_start(&r->progress, r->progress_wanted, gander_host_now(), -1);
    relay_draw(r, gander_host_now());
    relay_alive(r);
    if (relay_push(r) && relay_pull(r))
        relay_check_end(r);
}

void relay_event(struct relay *r, const struct gander_event *event)
{
    if (event->bits & (GANDER_EVENT_ALL_SENT | GANDER_EVENT_CLOSED))
        r->all_sent = r->sending_ended;
    if (event->bits & GANDER_EVENT_WRITABLE && !relay_push(r))
        return;
    if (!relay_pull(r))
        return;
    if (event->bits & GANDER_EVENT_CLOSED && event->error && r->receiving_ended) {
        relay_end(r, event->error);
        return;
    }
    relay_check_end(r);
}

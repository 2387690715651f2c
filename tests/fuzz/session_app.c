/* SPDX-License-Identifier: MIT */
/* The application of a fuzz session: it writes a known pattern, and knows what it must read. */
#include "session.h"

void session_note_irs(struct session *s)
{
    struct gander_tcp_info info;

    for (struct user *u = s->users; u < s->users + USERS; u++) {
        if (u->irs_known || !u->socket || gander_tcp_info(s->host.stack, u->socket, &info) != 0 ||
            info.state < GANDER_TCP_SYN_RECEIVED || info.state == GANDER_TCP_TIME_WAIT)
            continue;
        u->irs = info.irs;
        u->irs_known = true;
    }
}

static void use(struct session *s, gander_socket socket)
{
    for (struct user *u = s->users; u < s->users + USERS; u++) {
        if (u->socket)
            continue;
        memset(u, 0, sizeof(*u));
        u->socket = socket;
        s->u = u;
        return;
    }
    gander_abort(s->host.stack, socket);
}

static void user_accept(struct session *s)
{
    gander_socket socket;

    if (gander_accept(s->host.stack, s->listener, &socket, NULL) == 0)
        use(s, socket);
}

void session_connect(struct session *s, uint16_t port)
{
    struct gander_address local = s->us, peer = s->peer;
    gander_socket socket;

    local.port = port;
    peer.port = PEER_PORT;
    if (gander_open(s->host.stack, GANDER_TCP, &socket) != 0)
        return;
    gander_bind(s->host.stack, socket, &local);
    if (gander_connect(s->host.stack, socket, &peer) != 0) {
        CHECK(gander_close(s->host.stack, socket) == 0);
        return;
    }
    use(s, socket);
}

static void user_send(struct session *s)
{
    static uint8_t bytes[CHUNK_BYTES];
    uint32_t len = session_text_bytes(take8(&s->in)) * 5;
    uint8_t flags = take8(&s->in) & 3;
    int64_t n;

    pattern_fill(bytes, s->u->written, len);
    n = gander_send(s->host.stack, s->u->socket, bytes, len, flags);
    CHECK(n <= (int64_t)len);
    if (n > 0)
        s->u->written += (uint32_t)n;
}

static void user_receive(struct session *s, unsigned flags)
{
    static uint8_t bytes[CHUNK_BYTES];
    struct user *u = s->u;
    int64_t n = gander_receive(s->host.stack, u->socket, bytes,
                               session_text_bytes(take8(&s->in)) * 5, flags);

    if (n <= 0)
        return;
    if (u->irs_known && !s->garbled)
        CHECK(pattern_holds(bytes, u->irs + 1 + u->read, (uint32_t)n));
    if (!flags)
        u->read += (uint32_t)n;
}

static void user_option(struct session *s)
{
    uint8_t option = take8(&s->in) % GANDER_OPTION_COUNT, how = take8(&s->in);
    int64_t value = how & 128 ? (int64_t)take32(&s->in) << (how & 31) : (int8_t)(how << 1);

    if (option == GANDER_OPTION_USER_TIMEOUT_NS) /* else the end would be years away */
        value %= 3600 * GANDER_S;
    gander_set_option(s->host.stack, take8(&s->in) & 1 ? s->listener : s->u->socket, option, value);
    if (gander_get_option(s->host.stack, s->u->socket, option, &value) == 0)
        gander_set_option(s->host.stack, s->u->socket, option, value);
}

static void user_events(struct session *s)
{
    struct gander_event events[4];
    size_t n = gander_events(s->host.stack, events, 4);

    for (size_t i = 0; i < n; i++)
        CHECK(events[i].socket != 0 && events[i].error <= 0);
}

void session_close(struct session *s, bool abort_it)
{
    struct user *u = s->u;

    if (u->socket)
        CHECK((abort_it ? gander_abort : gander_close)(s->host.stack, u->socket) == 0);
    u->socket = 0;
}

void session_listen(struct session *s)
{
    struct gander_address any = {.port = PORT};

    if (s->listener) {
        CHECK(gander_close(s->host.stack, s->listener) == 0);
        s->listener = 0;
        return;
    }
    if (gander_open(s->host.stack, GANDER_TCP, &s->listener) != 0) {
        s->listener = 0;
        return;
    }
    if (gander_bind(s->host.stack, s->listener, &any) != 0 ||
        gander_listen(s->host.stack, s->listener, 2) != 0) {
        CHECK(gander_close(s->host.stack, s->listener) == 0);
        s->listener = 0;
    }
}

void session_call(struct session *s)
{
    uint8_t what = take8(&s->in);
    struct gander_tcp_info info;

    s->u = &s->users[what >> 6];
    switch (what & 15) {
    case 0:
    case 1:
        user_send(s);
        break;
    case 2:
    case 3:
        user_receive(s, 0);
        break;
    case 4:
        user_receive(s, GANDER_RECEIVE_PEEK);
        break;
    case 5:
        gander_shutdown(s->host.stack, s->u->socket, take8(&s->in) % 5);
        break;
    case 6:
        session_close(s, false);
        break;
    case 7:
        session_close(s, true);
        break;
    case 8:
        user_accept(s);
        break;
    case 9:
        session_connect(s, (uint16_t)(OWN_PORT + take8(&s->in) % 4));
        break;
    case 10:
        user_option(s);
        break;
    case 11:
        user_events(s);
        break;
    case 12:
        gander_tcp_info(s->host.stack, s->u->socket, &info);
        break;
    case 13:
        session_listen(s);
        break;
    case 14:
        s->host.refusals = take8(&s->in) % 16;
        break;
    default:
        break;
    }
}

/* SPDX-License-Identifier: MIT */
/* This stack in process, under virtual time: public calls only, states from the trace. A new stack for each batch. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "differential/play.h"

enum { MTU = 1500, OUTPUT_MAX = 64, WINDOW_BYTES = 64240 };

struct own {
    struct side side;
    struct gander_stack *stack;
    unsigned link;
    int64_t now;
    unsigned rto_min_ms;
};

static struct own *own_of(struct side *side)
{
    return (struct own *)(void *)side;
}

static void *alloc(void *context, size_t size, size_t align)
{
    void *memory = NULL;

    (void)context;
    return posix_memalign(&memory, align < sizeof(void *) ? sizeof(void *) : align, size) ? NULL
                                                                                          : memory;
}

static void release(void *context, void *memory, size_t size)
{
    (void)context;
    (void)size;
    free(memory);
}

static void on_trace(void *context, const struct gander_trace_event *event)
{
    struct own *own = context;
    struct conversation *c;

    if (event->type != GANDER_TRACE_state || !own->side.player)
        return;
    c = play_find(own->side.player, event->local.port);
    if (c && (uint16_t)(event->remote.port - c->peer_port) < FLOWS)
        c->flows[event->remote.port - c->peer_port].last_state = event->u.state.to;
}

/* --- time and packets ------------------------------------------------------------------------------- */

static int64_t now(struct side *side)
{
    return own_of(side)->now;
}

static void collect(struct own *own)
{
    static uint8_t bytes[65536];
    struct gander_packet *packets[OUTPUT_MAX];
    size_t n;

    while ((n = gander_output(own->stack, own->link, packets, OUTPUT_MAX)) > 0) {
        for (size_t i = 0; i < n; i++) {
            size_t len = gander_packet_bytes(packets[i], bytes, sizeof(bytes));

            gander_packet_free(packets[i]);
            play_packet(own->side.player, bytes, len);
        }
    }
}

static void take_events(struct own *own)
{
    struct gander_event events[32];
    size_t n;

    while ((n = gander_events(own->stack, events, 32)) > 0) {
        for (size_t i = 0; i < n; i++) {
            struct conversation *c = events[i].context;

            if (c && events[i].error)
                c->error = events[i].error;
        }
    }
}

static void pass(struct side *side, int64_t until)
{
    struct own *own = own_of(side);

    collect(own);
    while (own->now < until) {
        int64_t next = gander_deadline(own->stack);

        own->now = next < until ? (next > own->now ? next : own->now) : until;
        gander_advance(own->stack, own->now);
        collect(own);
    }
}

static void inject(struct side *side, const uint8_t *packet, size_t len)
{
    struct own *own = own_of(side);
    struct gander_packet *p = gander_packet_alloc(own->stack, len);

    if (!p)
        abort();
    memcpy(p->frag[0].data, packet, len);
    gander_input(own->stack, own->link, &p, 1);
}

/* --- calls ------------------------------------------------------------------------------------------ */

static const char *error_name(int error)
{
    switch (error) {
#define NAME(name, value, text)                                                                    \
    case GANDER_##name:                                                                            \
        return #name;
        GANDER_ERRORS(NAME)
#undef NAME
    default:
        return "?";
    }
}

static void write_result(char *result, int64_t value)
{
    if (value >= 0)
        snprintf(result, RESULT_BYTES, "%lld", (long long)value);
    else
        snprintf(result, RESULT_BYTES, "%s", error_name((int)value));
}

static gander_socket need_socket(struct own *own, struct conversation *c, enum gander_type type)
{
    struct gander_address local = play_address(c->script->family, NULL);
    gander_socket socket;

    if (c->socket >= 0)
        return (gander_socket)c->socket;
    local.port = c->port;
    if (gander_open(own->stack, type, &socket) < 0 || gander_bind(own->stack, socket, &local) < 0)
        abort();
    gander_set_context(own->stack, socket, c);
    c->socket = (int64_t)socket;
    return socket;
}

static int set_option(struct own *own, gander_socket socket, const char *word, int64_t value)
{
    static const struct {
        const char *name;
        enum gander_option option;
        int64_t unit;
    } options[] = {
        {"nodelay", GANDER_OPTION_NODELAY, 1},
        {"cork", GANDER_OPTION_CORK, 1},
        {"quickack", GANDER_OPTION_QUICKACK, 1},
        {"keepalive", GANDER_OPTION_KEEPALIVE, 1},
        {"keepidle", GANDER_OPTION_KEEPALIVE_IDLE_NS, GANDER_S},
        {"keepintvl", GANDER_OPTION_KEEPALIVE_INTERVAL_NS, GANDER_S},
        {"keepcnt", GANDER_OPTION_KEEPALIVE_PROBES, 1},
        {"usertimeout", GANDER_OPTION_USER_TIMEOUT_NS, GANDER_MS},
        {"rcvbuf", GANDER_OPTION_RECEIVE_BUFFER, 1},
        {"sndbuf", GANDER_OPTION_SEND_BUFFER, 1},
        {"maxseg", GANDER_OPTION_MAX_SEGMENT, 1},
        {"oobinline", GANDER_OPTION_URGENT_INLINE, 1},
        {"linger", GANDER_OPTION_LINGER_NS, GANDER_S},
    };

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        size_t len = strlen(options[i].name);

        if (strncmp(word, options[i].name, len) == 0 && word[len] == ' ')
            return gander_set_option(own->stack, socket, options[i].option,
                                     value * options[i].unit);
    }
    return GANDER_EINVAL;
}

static int64_t call_opens(struct own *own, struct conversation *c, const struct call *call)
{
    struct gander_address peer = play_address(c->script->family, c);
    gander_socket socket;
    int64_t n;

    switch (call->verb) {
    case CALL_LISTEN:
        n = gander_listen(own->stack, need_socket(own, c, GANDER_TCP),
                          call->value < 0 ? 16 : (int)call->value);
        c->listener = c->socket;
        c->socket = -1;
        return n;
    case CALL_ACCEPT:
        n = gander_accept(own->stack, (gander_socket)c->listener, &socket, NULL);
        if (n >= 0)
            c->socket = (int64_t)socket;
        return n;
    default:
        peer.port = (uint16_t)(c->peer_port + c->peer);
        socket = need_socket(own, c, call->verb == CALL_UDP ? GANDER_UDP : GANDER_TCP);
        return gander_connect(own->stack, socket, &peer);
    }
}

static int64_t call_close(struct own *own, struct conversation *c, bool abort)
{
    int64_t *socket = c->socket >= 0 ? &c->socket : &c->listener;
    int64_t n = abort ? gander_abort(own->stack, (gander_socket)*socket)
                      : gander_close(own->stack, (gander_socket)*socket);

    *socket = -1;
    return n;
}

static int64_t call_data(struct own *own, struct conversation *c, const struct call *call,
                         uint8_t *data, size_t *len)
{
    gander_socket socket = (gander_socket)c->socket;
    unsigned flags = 0;
    int64_t n;

    if (call->verb == CALL_SEND) {
        flags |= strstr(call->word, "more") ? GANDER_SEND_MORE : 0;
        flags |= strstr(call->word, "urgent") ? GANDER_SEND_URGENT : 0;
        return gander_send(own->stack, socket, data, *len, flags);
    }
    n = gander_receive(own->stack, socket, data, *len,
                       strcmp(call->word, "peek") == 0 ? GANDER_RECEIVE_PEEK : 0);
    if (n > 0)
        *len = (size_t)n;
    return n;
}

static unsigned shut_how(const char *word)
{
    return strcmp(word, "send") == 0      ? GANDER_SHUTDOWN_SEND
           : strcmp(word, "receive") == 0 ? GANDER_SHUTDOWN_RECEIVE
                                          : GANDER_SHUTDOWN_SEND | GANDER_SHUTDOWN_RECEIVE;
}

static void call(struct side *side, struct conversation *c, const struct call *call, uint8_t *data,
                 size_t *len, char *result)
{
    struct own *own = own_of(side);
    int64_t n;

    switch (call->verb) {
    case CALL_SEND:
    case CALL_RECV:
        n = call_data(own, c, call, data, len);
        break;
    case CALL_SHUTDOWN:
        n = gander_shutdown(own->stack, (gander_socket)c->socket, shut_how(call->word));
        break;
    case CALL_CLOSE:
    case CALL_ABORT:
        n = call_close(own, c, call->verb == CALL_ABORT);
        break;
    case CALL_ERROR:
        take_events(own);
        n = c->error;
        c->error = 0;
        break;
    case CALL_OPTION:
        n = set_option(own, need_socket(own, c, GANDER_TCP), call->word, call->value);
        break;
    default:
        n = call_opens(own, c, call);
        break;
    }
    write_result(result, n);
}

static void state(struct side *side, struct conversation *c, char *result)
{
    (void)side;
    snprintf(result, RESULT_BYTES, "%s", gander_tcp_state_name(c->flows[c->peer].last_state));
}

/* --- life --------------------------------------------------------------------------------------------- */

static void begin(struct side *side)
{
    struct own *own = own_of(side);
    struct gander_link_config link = {.mtu_bytes = MTU};
    struct gander_config config;

    gander_config_init(&config);
    config.memory = (struct gander_memory){.alloc = alloc, .free = release};
    config.memory_max_bytes = (uint64_t)1 << 30;
    config.start = own->now;
    config.trace = on_trace;
    config.trace_context = own;
    config.tcp_rto_min_ns = own->rto_min_ms * GANDER_MS;
    config.tcp_syn_retries = 6; /* as the kernel's, and the window */
    config.tcp_receive_buffer_bytes = WINDOW_BYTES;
    config.tcp_syn_cookies = false;
    config.icmp_errors_per_second = 1000000;
    memset(config.secret, 7, sizeof(config.secret));
    if (gander_stack_create(&config, &own->stack) < 0 ||
        gander_link_add(own->stack, &link, &own->link) < 0)
        abort();
    for (unsigned family = GANDER_IPV4; family <= GANDER_IPV6; family += 2) {
        struct gander_address a = play_address(family, NULL);

        if (gander_address_add(own->stack, own->link, &a, family == GANDER_IPV4 ? 8 : 64) < 0)
            abort();
    }
}

static void finish(struct side *side, struct conversation *c, size_t n)
{
    struct own *own = own_of(side);

    (void)c;
    (void)n;
    gander_stack_destroy(own->stack);
    own->stack = NULL;
}

static void end(struct side *side)
{
    free(own_of(side));
}

void side_gander_rto_min(struct side *side, unsigned ms)
{
    own_of(side)->rto_min_ms = ms;
}

struct side *side_gander(void)
{
    struct own *own = calloc(1, sizeof(*own));

    if (!own)
        abort();
    own->side =
        (struct side){"gander", now, pass, inject, call, state, begin, finish, end, NULL, 0};
    own->now = 1000 * GANDER_S;
    own->rto_min_ms = 200;
    return &own->side;
}

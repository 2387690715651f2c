/* SPDX-License-Identifier: MIT */
/* Options of TCP sockets, before and after they become listeners. Accepted connections inherit their listener's. */
#include "tcp/tcp.h"

enum {
    BUFFER_MIN_BYTES = 2048,
    BUFFER_MAX_BYTES = 1 << 30 /* the largest window that RFC 7323 allows */
};

/* The fields that connections and listeners share, wherever they are. */
struct option_view {
    uint32_t *flags, *send_limit_bytes, *receive_limit_bytes;
    struct tcp_knobs **knobs;
    uint8_t *cc;
    struct tcp_conn *conn; /* NULL: a listener */
};

static struct option_view view_of(struct sock *sock)
{
    if (sock->kind == SOCK_TCP_LISTENER) {
        struct tcp_listener *l = tcp_listener_of(sock);

        return (struct option_view){
            &l->flags, &l->send_limit_bytes, &l->receive_limit_bytes, &l->knobs, &l->cc, NULL};
    }
    struct tcp_conn *c = tcp_conn_of(sock);

    return (struct option_view){
        &c->flags, &c->send_limit_bytes, &c->receive_limit_bytes, &c->knobs, &c->cc, c};
}

static uint32_t flag_of(enum gander_option option)
{
    switch (option) {
    case GANDER_OPTION_NODELAY:
        return TCP_NODELAY;
    case GANDER_OPTION_CORK:
        return TCP_CORK;
    case GANDER_OPTION_QUICKACK:
        return TCP_QUICKACK;
    case GANDER_OPTION_KEEPALIVE:
        return TCP_KEEPALIVE;
    case GANDER_OPTION_V6_ONLY:
        return TCP_V6_ONLY;
    default:
        return 0;
    }
}

/* Where an option's value lies in struct tcp_knobs, and what it may be. */
struct knob {
    int64_t low, high;
    uint16_t option; /* enum gander_option */
    uint8_t offset, bytes;
    bool before_open; /* too late once the handshake has begun */
};

#define KNOB(name, field, low, high, before_open)                                                  \
    {                                                                                              \
        low, high, GANDER_OPTION_##name, offsetof(struct tcp_knobs, field),                        \
            sizeof(((struct tcp_knobs *)0)->field), before_open                                    \
    }

static const struct knob knob_table[] = {
    KNOB(KEEPALIVE_IDLE_NS, keepalive_idle_ns, GANDER_MS, 32767 * GANDER_S, false),
    KNOB(KEEPALIVE_INTERVAL_NS, keepalive_interval_ns, GANDER_MS, 32767 * GANDER_S, false),
    KNOB(KEEPALIVE_PROBES, keepalive_probes, 1, 127, false),
    /* RFC 5482 3: 15 bits of minutes */
    KNOB(USER_TIMEOUT_NS, user_timeout_ns, 0, 32767 * 60 * GANDER_S, false),
    KNOB(LINGER_NS, linger_ns, -1, 0, false),
    KNOB(MAX_SEGMENT, max_segment, 64, 65495, true),
    KNOB(TTL, ttl, 1, 255, false),
    KNOB(TRAFFIC_CLASS, traffic_class, 0, 255, false),
    KNOB(PACING, pacing, 0, 1, false),
    KNOB(MAX_PACING_RATE, max_pacing_rate, 0, INT64_C(1) << 40, false),
    KNOB(RTO_INITIAL_NS, rto_initial_ns, GANDER_MS, 3600 * GANDER_S, false),
    KNOB(RTO_MIN_NS, rto_min_ns, 1, 3600 * GANDER_S, false),
    KNOB(RTO_MAX_NS, rto_max_ns, GANDER_MS, 3600 * GANDER_S, false),
    KNOB(DELAYED_ACK_NS, delayed_ack_ns, 0, 500 * GANDER_MS - 1, false),
    KNOB(FIN_WAIT2_NS, fin_wait2_ns, -1, 3600 * GANDER_S, false),
    KNOB(DEFER_ACCEPT_NS, defer_accept_ns, 0, 3600 * GANDER_S, false),
    KNOB(SYN_RETRIES, syn_retries, 0, 30, false),
    KNOB(SYNACK_RETRIES, synack_retries, 0, 30, false),
    KNOB(RETRIES_R2, retries_r2, 0, 200, false),
    KNOB(INITIAL_WINDOW_SEGS, initial_window_segs, 1, 1000, true),
    KNOB(QUICKACK_SEGS, quickack_segs, 0, UINT8_MAX, false),
    KNOB(NOTSENT_LOWAT, notsent_lowat_bytes, 0, BUFFER_MAX_BYTES, false),
    KNOB(WINDOW_CLAMP, window_clamp_bytes, 0, BUFFER_MAX_BYTES, false),
    KNOB(TIMESTAMPS, timestamps, 0, 1, true),
    KNOB(WINDOW_SCALING, window_scaling, 0, 1, true),
    KNOB(SACK, sack, 0, 1, true),
    KNOB(SLOW_START_AFTER_IDLE, slow_start_after_idle, 0, 1, false),
    KNOB(NAGLE_RELAXED, nagle_relaxed, 0, 1, false),
    KNOB(FASTOPEN, fastopen_max, 0, 1 << 20, false),
    KNOB(FASTOPEN_CONNECT, fastopen_connect, 0, 1, true),
    KNOB(USER_TIMEOUT_OPTION, uto_enabled, 0, 1, true),
    KNOB(USER_TIMEOUT_ADVERTISED_NS, uto_advertised_ns, 0, 32767 * 60 * GANDER_S, false),
    KNOB(ECN, ecn, GANDER_ECN_OFF, GANDER_ECN_ACCURATE, true),
};

static const struct knob *knob_of(enum gander_option option)
{
    for (unsigned i = 0; i < ARRAY_LEN(knob_table); i++)
        if (knob_table[i].option == option)
            return &knob_table[i];
    return NULL;
}

static bool in_range(enum gander_option option, int64_t value)
{
    const struct knob *knob = knob_of(option);

    if (knob)
        return value >= knob->low && value <= knob->high;
    if (option == GANDER_OPTION_SEND_BUFFER || option == GANDER_OPTION_RECEIVE_BUFFER)
        return value >= BUFFER_MIN_BYTES && value <= BUFFER_MAX_BYTES;
    return value == 1 || (value == 0 && option != GANDER_OPTION_URGENT_INLINE);
}

static void knob_write(struct tcp_knobs *to, const struct knob *knob, int64_t value)
{
    uint8_t *at = (uint8_t *)to + knob->offset;
    uint16_t v16 = (uint16_t)value;
    uint32_t v32 = (uint32_t)value;

    switch (knob->bytes) {
    case 1: /* of the traffic class the two ECN bits are TCP's own [RFC3168 6.1] */
        *at = (uint8_t)(knob->option == GANDER_OPTION_TRAFFIC_CLASS ? value & 0xfc : value);
        break;
    case 2:
        memcpy(at, &v16, sizeof(v16));
        break;
    case 4:
        memcpy(at, &v32, sizeof(v32));
        break;
    default:
        memcpy(at, &value, sizeof(value));
        break;
    }
}

static int64_t knob_read(const struct tcp_knobs *from, const struct knob *knob)
{
    const uint8_t *at = (const uint8_t *)from + knob->offset;
    uint16_t v16;
    uint32_t v32;
    int64_t v64;

    switch (knob->bytes) {
    case 1:
        return *at;
    case 2:
        memcpy(&v16, at, sizeof(v16));
        return v16;
    case 4:
        memcpy(&v32, at, sizeof(v32));
        return v32;
    default:
        memcpy(&v64, at, sizeof(v64));
        return v64;
    }
}

bool tcp_knobs_need(struct gander_stack *stack, struct sock *sock)
{
    struct tcp_knobs **knobs = view_of(sock).knobs;

    if (*knobs)
        return true;
    *knobs = pool_get(&stack->tcp.knobs);
    if (!*knobs)
        return false;
    **knobs = stack->tcp.knobs_default;
    return true;
}

/* What a running connection does differently from now on. */
static void take_effect(struct gander_stack *stack, struct tcp_conn *c, enum gander_option option)
{
    if (!c || c->entity.state < GANDER_TCP_ESTABLISHED || !(c->flags & TCP_IN_TABLE))
        return;
    if (option == GANDER_OPTION_NODELAY || option == GANDER_OPTION_CORK)
        tcp_output_wanted(stack, c);
    if (option == GANDER_OPTION_QUICKACK && (c->flags & TCP_QUICKACK) && c->busy &&
        c->busy->unacked_segs > 0)
        tcp_ack_now(stack, c, GANDER_WHY_ack_data);
    if (c->busy && (option == GANDER_OPTION_PACING || option == GANDER_OPTION_MAX_PACING_RATE))
        tcp_pace_update(stack, c);
    tcp_timers_on_option(stack, c);
}

static bool only_before_open(enum gander_option option)
{
    const struct knob *knob = knob_of(option);

    return option == GANDER_OPTION_V6_ONLY || (knob && knob->before_open);
}

int tcp_set_option(struct gander_stack *stack, struct sock *sock, enum gander_option option,
                   int64_t value)
{
    struct option_view v = view_of(sock);
    uint32_t flag = flag_of(option);

    if (!in_range(option, value))
        return GANDER_EINVAL;
    if (only_before_open(option) && v.conn &&
        (v.conn->entity.state != GANDER_TCP_CLOSED || (v.conn->flags & TCP_END_REPORTED)))
        return GANDER_EISCONN;
    if (option == GANDER_OPTION_URGENT_INLINE)
        return GANDER_OK;
    if (flag) {
        *v.flags = value ? *v.flags | flag : *v.flags & ~flag;
    } else if (option == GANDER_OPTION_SEND_BUFFER) {
        *v.send_limit_bytes = (uint32_t)value;
        *v.flags |= TCP_SEND_FIXED;
    } else if (option == GANDER_OPTION_RECEIVE_BUFFER) {
        *v.receive_limit_bytes = (uint32_t)value;
        *v.flags |= TCP_RECEIVE_FIXED;
    } else {
        if (!tcp_knobs_need(stack, sock))
            return GANDER_ENOMEM;
        knob_write(*v.knobs, knob_of(option), value);
        if (option == GANDER_OPTION_USER_TIMEOUT_NS)
            (*v.knobs)->uto_fixed = value > 0; /* MUST [RFC5482 3] */
        if (option == GANDER_OPTION_USER_TIMEOUT_NS ||
            option == GANDER_OPTION_USER_TIMEOUT_ADVERTISED_NS)
            (*v.knobs)->uto_due = 1;
    }
    take_effect(stack, v.conn, option);
    return GANDER_OK;
}

int tcp_get_option(const struct gander_stack *stack, const struct sock *sock,
                   enum gander_option option, int64_t *value)
{
    struct option_view v = view_of((struct sock *)(uintptr_t)sock);
    uint32_t flag = flag_of(option);

    if (flag)
        *value = (*v.flags & flag) != 0;
    else if (option == GANDER_OPTION_URGENT_INLINE)
        *value = 1;
    else if (option == GANDER_OPTION_SEND_BUFFER)
        *value = *v.send_limit_bytes;
    else if (option == GANDER_OPTION_RECEIVE_BUFFER)
        *value = *v.receive_limit_bytes;
    else
        *value = knob_read(*v.knobs ? *v.knobs : &stack->tcp.knobs_default, knob_of(option));
    return GANDER_OK;
}

int tcp_set_cc(struct gander_stack *stack, struct sock *sock, const char *name)
{
    struct option_view v = view_of(sock);
    int i = tcp_cc_by_name(name);

    if (i < 0)
        return GANDER_EINVAL;
    if (v.conn)
        return tcp_cc_choose(stack, v.conn, (uint8_t)i) ? GANDER_OK : GANDER_ENOMEM;
    *v.cc = (uint8_t)i;
    return GANDER_OK;
}

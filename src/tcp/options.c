/* SPDX-License-Identifier: MIT */
/* Options of TCP sockets, before and after they become listeners. Accepted connections inherit their listener's. */
#include "tcp/tcp.h"

enum { BUFFER_MIN_BYTES = 2048 };

static const int64_t buffer_max_bytes = 1 << 30; /* the largest window that RFC 7323 allows */

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

struct range {
    int64_t low, high;
};

static struct range range_of(enum gander_option option)
{
    switch (option) {
    case GANDER_OPTION_KEEPALIVE_IDLE_NS:
    case GANDER_OPTION_KEEPALIVE_INTERVAL_NS:
        return (struct range){GANDER_MS, 32767 * GANDER_S};
    case GANDER_OPTION_KEEPALIVE_PROBES:
        return (struct range){1, 127};
    case GANDER_OPTION_USER_TIMEOUT_NS:
        return (struct range){0, 32767 * 60 * GANDER_S}; /* RFC 5482 3: 15 bits of minutes */
    case GANDER_OPTION_LINGER_NS:
        return (struct range){-1, 0};
    case GANDER_OPTION_MAX_SEGMENT:
        return (struct range){64, 65495};
    case GANDER_OPTION_SEND_BUFFER:
    case GANDER_OPTION_RECEIVE_BUFFER:
        return (struct range){BUFFER_MIN_BYTES, buffer_max_bytes};
    case GANDER_OPTION_TTL:
        return (struct range){1, 255};
    case GANDER_OPTION_TRAFFIC_CLASS:
        return (struct range){0, 255};
    case GANDER_OPTION_URGENT_INLINE:
        return (struct range){1, 1};
    default:
        return (struct range){0, 1};
    }
}

static void knob_write(struct tcp_knobs *knobs, enum gander_option option, int64_t value)
{
    switch (option) {
    case GANDER_OPTION_KEEPALIVE_IDLE_NS:
        knobs->keepalive_idle_ns = value;
        break;
    case GANDER_OPTION_KEEPALIVE_INTERVAL_NS:
        knobs->keepalive_interval_ns = value;
        break;
    case GANDER_OPTION_KEEPALIVE_PROBES:
        knobs->keepalive_probes = (uint32_t)value;
        break;
    case GANDER_OPTION_USER_TIMEOUT_NS:
        knobs->user_timeout_ns = value;
        break;
    case GANDER_OPTION_LINGER_NS:
        knobs->linger_ns = value;
        break;
    case GANDER_OPTION_MAX_SEGMENT:
        knobs->max_segment = (uint16_t)value;
        break;
    case GANDER_OPTION_TTL:
        knobs->ttl = (uint8_t)value;
        break;
    default: /* the two ECN bits are TCP's own [RFC3168 6.1] */
        knobs->traffic_class = (uint8_t)(value & 0xfc);
        break;
    }
}

static int64_t knob_read(const struct tcp_knobs *knobs, enum gander_option option)
{
    switch (option) {
    case GANDER_OPTION_KEEPALIVE_IDLE_NS:
        return knobs->keepalive_idle_ns;
    case GANDER_OPTION_KEEPALIVE_INTERVAL_NS:
        return knobs->keepalive_interval_ns;
    case GANDER_OPTION_KEEPALIVE_PROBES:
        return knobs->keepalive_probes;
    case GANDER_OPTION_USER_TIMEOUT_NS:
        return knobs->user_timeout_ns;
    case GANDER_OPTION_LINGER_NS:
        return knobs->linger_ns;
    case GANDER_OPTION_MAX_SEGMENT:
        return knobs->max_segment;
    case GANDER_OPTION_TTL:
        return knobs->ttl;
    default:
        return knobs->traffic_class;
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
    tcp_timers_on_option(stack, c);
}

static bool only_before_open(enum gander_option option)
{
    return option == GANDER_OPTION_MAX_SEGMENT || option == GANDER_OPTION_V6_ONLY;
}

int tcp_set_option(struct gander_stack *stack, struct sock *sock, enum gander_option option,
                   int64_t value)
{
    struct option_view v = view_of(sock);
    struct range range = range_of(option);
    uint32_t flag = flag_of(option);

    if (value < range.low || value > range.high)
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
        knob_write(*v.knobs, option, value);
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
        *value = knob_read(*v.knobs ? *v.knobs : &stack->tcp.knobs_default, option);
    return GANDER_OK;
}

int tcp_set_cc(struct sock *sock, const char *name)
{
    struct option_view v = view_of(sock);
    int i = tcp_cc_by_name(name);

    if (i < 0)
        return GANDER_EINVAL;
    *v.cc = (uint8_t)i;
    if (v.conn && v.conn->busy)
        v.conn->busy->cc_begun = false;
    return GANDER_OK;
}

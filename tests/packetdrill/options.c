/* SPDX-License-Identifier: MIT */
/*
 * setsockopt and getsockopt with the numbers, structures and answers of Linux: sockets, IPv4, IPv6. What gander has an option for sets it; what
 * changes nothing here is kept and answered; what does not exist is ENOPROTOOPT.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "object.h"

enum {
    SO_RCVTIMEO_64 = 66,
    SO_SNDTIMEO_64 = 67,
    MEMINFO_VARS = 9,
    RMEM_MAX = 212992, /* net.core.rmem_max, wmem_max */
    RCVBUF_MIN = 2304,
    SNDBUF_MIN = 4608
};

/* --- helpers --------------------------------------------------------------------------------------- */

int pd_option_out(void *value, socklen_t *len, const void *from, size_t bytes)
{
    if ((int)*len < 0)
        return pd_fail(EINVAL);
    if (*len > bytes)
        *len = (socklen_t)bytes;
    memcpy(value, from, *len);
    return 0;
}

int pd_option_int(void *value, socklen_t *len, int n)
{
    return pd_option_out(value, len, &n, sizeof(n));
}

int pd_knob_set(struct pd_object *o, struct pd_socket *s, enum gander_option option, int64_t value)
{
    int error = gander_set_option(o->stack, s->handle, option, value);

    return error == 0 ? 0 : pd_errno(error);
}

int64_t pd_knob_get(const struct pd_object *o, const struct pd_socket *s, enum gander_option option)
{
    int64_t value = -1;

    return gander_get_option(o->stack, s->handle, option, &value) == 0 ? value : -1;
}

void pd_options_copy(struct pd_object *o, const struct pd_socket *s, gander_socket to)
{
    for (unsigned i = 0; i < GANDER_OPTION_COUNT; i++) {
        int64_t value, own;

        if (gander_get_option(o->stack, s->handle, i, &value) == 0 &&
            gander_get_option(o->stack, to, i, &own) == 0 && value != own)
            gander_set_option(o->stack, to, i, value);
    }
}

/* --- options that change nothing -------------------------------------------------------------------------- */

/* level, name, the value at first */
static const struct pd_plain_option known[] = {
    {SOL_SOCKET, SO_REUSEADDR, 0},
    {SOL_SOCKET, SO_REUSEPORT, 0},
    {SOL_SOCKET, SO_BROADCAST, 0},
    {SOL_SOCKET, SO_DONTROUTE, 0},
    {SOL_SOCKET, SO_OOBINLINE, 0},
    {SOL_SOCKET, SO_PRIORITY, 0},
    {SOL_SOCKET, SO_MARK, 0},
    {SOL_SOCKET, SO_NO_CHECK, 0},
    {SOL_SOCKET, SO_ZEROCOPY, 0},
    {SOL_SOCKET, SO_TIMESTAMP, 0},
    {SOL_SOCKET, SO_TIMESTAMPNS, 0},
    {SOL_SOCKET, SO_TIMESTAMPING, 0},
    {SOL_SOCKET, SO_BUSY_POLL, 0},
    {SOL_SOCKET, SO_INCOMING_CPU, -1},
    {SOL_SOCKET, SO_LOCK_FILTER, 0},
    {SOL_SOCKET, SO_SELECT_ERR_QUEUE, 0},
    {IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT},
    {IPPROTO_IP, IP_RECVERR, 0},
    {IPPROTO_IP, IP_RECVTOS, 0},
    {IPPROTO_IP, IP_RECVTTL, 0},
    {IPPROTO_IP, IP_PKTINFO, 0},
    {IPPROTO_IP, IP_FREEBIND, 0},
    {IPPROTO_IP, IP_TRANSPARENT, 0},
    {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 0},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_WANT},
    {IPPROTO_IPV6, IPV6_RECVERR, 0},
    {IPPROTO_IPV6, IPV6_RECVTCLASS, 0},
    {IPPROTO_IPV6, IPV6_RECVPKTINFO, 0},
    {IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 0},
    {IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, 0},
    {IPPROTO_TCP, TCP_THIN_DUPACK, 0},
    {IPPROTO_TCP, TCP_TIMESTAMP, 0},
    {IPPROTO_TCP, TCP_SAVE_SYN, 0},
};

static const struct pd_plain_option *plain_known(int level, int name)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].level == level && known[i].name == name)
            return &known[i];
    return NULL;
}

static struct pd_plain_option *plain_find(struct pd_socket *s, int level, int name)
{
    for (unsigned i = 0; i < s->plain_count; i++)
        if (s->plain[i].level == level && s->plain[i].name == name)
            return &s->plain[i];
    return NULL;
}

static int plain_set(struct pd_socket *s, int level, int name, int value)
{
    struct pd_plain_option *p = plain_find(s, level, name);

    if (!plain_known(level, name))
        return pd_fail(ENOPROTOOPT);
    if (!p && s->plain_count < PD_PLAIN_OPTIONS)
        p = &s->plain[s->plain_count++];
    if (p)
        *p = (struct pd_plain_option){level, name, value};
    return 0;
}

static int plain_get(struct pd_socket *s, int level, int name, void *value, socklen_t *len)
{
    const struct pd_plain_option *p = plain_find(s, level, name);

    if (!p)
        p = plain_known(level, name);
    return p ? pd_option_int(value, len, p->value) : pd_fail(ENOPROTOOPT);
}

/* --- SOL_SOCKET ------------------------------------------------------------------------------------------------- */

static int64_t timeout_of(const void *value, socklen_t len)
{
    struct timeval tv;
    int64_t us;

    if (len < sizeof(tv))
        return -EINVAL;
    memcpy(&tv, value, sizeof(tv));
    if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
        return -EDOM;
    us = (int64_t)tv.tv_sec * 1000000 + tv.tv_usec;
    if (tv.tv_sec < 0)
        return 1; /* over at once */
    return us == 0 || tv.tv_sec > INT32_MAX ? PD_NEVER : us;
}

static int timeout_set(int64_t *to, const void *value, socklen_t len)
{
    int64_t us = timeout_of(value, len);

    if (us < 0)
        return pd_fail((int)-us);
    *to = us;
    return 0;
}

static int timeout_get(int64_t us, void *value, socklen_t *len)
{
    struct timeval tv = {0};

    if (us != PD_NEVER) {
        tv.tv_sec = us / 1000000;
        tv.tv_usec = us % 1000000;
    }
    return pd_option_out(value, len, &tv, sizeof(tv));
}

/* The value counts twice, for what the kernel needs beside the bytes; half of it is what gander may hold. */
static int buffer_set(struct pd_object *o, struct pd_socket *s, bool receive, int value, bool force)
{
    int *said = receive ? &s->receive_buffer : &s->send_buffer;
    int lowest = receive ? RCVBUF_MIN : SNDBUF_MIN;
    int64_t bytes = value;

    if (!force && (bytes > RMEM_MAX || bytes < 0))
        bytes = RMEM_MAX;
    bytes = bytes < 0 ? 0 : 2 * bytes;
    *said = (int)(bytes > INT32_MAX ? INT32_MAX : bytes < lowest ? lowest : bytes);
    bytes = *said / 2 < 2048 ? 2048 : *said / 2;
    if (pd_is_tcp(s) || receive)
        pd_knob_set(o, s, receive ? GANDER_OPTION_RECEIVE_BUFFER : GANDER_OPTION_SEND_BUFFER,
                    bytes);
    return 0;
}

static int buffer_get(const struct pd_object *o, const struct pd_socket *s, bool receive)
{
    int said = receive ? s->receive_buffer : s->send_buffer;
    int64_t now;

    if (said)
        return said;
    now = pd_knob_get(o, s, receive ? GANDER_OPTION_RECEIVE_BUFFER : GANDER_OPTION_SEND_BUFFER);
    if (now < 0)
        return RMEM_MAX;
    return (int)(receive ? 2 * now : now);
}

static int linger_set(struct pd_object *o, struct pd_socket *s, const void *value, socklen_t len)
{
    struct linger linger;

    if (len < sizeof(linger))
        return pd_fail(EINVAL);
    memcpy(&linger, value, sizeof(linger));
    s->linger_s = linger.l_onoff ? linger.l_linger : -1;
    if (pd_is_tcp(s))
        pd_knob_set(o, s, GANDER_OPTION_LINGER_NS, s->linger_s == 0 ? 0 : -1);
    return 0;
}

static int socket_set(struct pd_object *o, struct pd_socket *s, int name, const void *value,
                      socklen_t len)
{
    int n = 0, error = 0;

    switch (name) { /* structures first */
    case SO_LINGER:
        return linger_set(o, s, value, len);
    case SO_RCVTIMEO:
    case SO_RCVTIMEO_64:
        return timeout_set(&s->receive_timeout_us, value, len);
    case SO_SNDTIMEO:
    case SO_SNDTIMEO_64:
        return timeout_set(&s->send_timeout_us, value, len);
    case SO_BINDTODEVICE:
        return 0;
    default:
        break;
    }
    if (len < sizeof(n))
        return pd_fail(EINVAL);
    memcpy(&n, value, sizeof(n));
    switch (name) {
    case SO_KEEPALIVE:
        error = pd_is_tcp(s) ? pd_knob_set(o, s, GANDER_OPTION_KEEPALIVE, n != 0) : 0;
        break;
    case SO_SNDBUF:
    case SO_SNDBUFFORCE:
        return buffer_set(o, s, false, n, name == SO_SNDBUFFORCE);
    case SO_RCVBUF:
    case SO_RCVBUFFORCE:
        return buffer_set(o, s, true, n, name == SO_RCVBUFFORCE);
    case SO_RCVLOWAT:
        s->receive_low_bytes = n < 0 ? INT32_MAX : n == 0 ? 1 : n;
        break;
    case SO_MAX_PACING_RATE:
        return pd_tcp_option_set(o, s, PD_MAX_PACING_RATE, value, len);
    case SO_TYPE:
    case SO_PROTOCOL:
    case SO_DOMAIN:
    case SO_ERROR:
    case SO_ACCEPTCONN:
    case SO_SNDLOWAT:
        error = ENOPROTOOPT;
        break;
    default:
        return plain_set(s, SOL_SOCKET, name, n);
    }
    return error ? pd_fail(error) : 0;
}

/* SK_MEMINFO_…: memory in use, limits. */
static int meminfo_get(const struct pd_object *o, const struct pd_socket *s, void *value,
                       socklen_t *len)
{
    uint32_t vars[MEMINFO_VARS] = {0};
    struct gander_tcp_info info = {0};

    if (pd_is_tcp(s))
        gander_tcp_info(o->stack, s->handle, &info);
    vars[0] = info.receive_queue_bytes + info.reorder_queue_bytes;
    vars[1] = (uint32_t)buffer_get(o, s, true);
    vars[2] = info.flight_bytes;
    vars[3] = (uint32_t)buffer_get(o, s, false);
    vars[5] = info.send_queue_bytes;
    return pd_option_out(value, len, vars, sizeof(vars));
}

static int socket_get(struct pd_object *o, struct pd_socket *s, int name, void *value,
                      socklen_t *len)
{
    struct linger linger = {.l_onoff = s->linger_s >= 0,
                            .l_linger = s->linger_s >= 0 ? s->linger_s : 0};

    switch (name) {
    case SO_LINGER:
        return pd_option_out(value, len, &linger, sizeof(linger));
    case SO_RCVTIMEO:
    case SO_RCVTIMEO_64:
        return timeout_get(s->receive_timeout_us, value, len);
    case SO_SNDTIMEO:
    case SO_SNDTIMEO_64:
        return timeout_get(s->send_timeout_us, value, len);
    case SO_ERROR:
        return pd_option_int(value, len, pd_error_take(s));
    case SO_TYPE:
        return pd_option_int(value, len, s->type);
    case SO_PROTOCOL:
        return pd_option_int(value, len, pd_is_tcp(s) ? IPPROTO_TCP : IPPROTO_UDP);
    case SO_DOMAIN:
        return pd_option_int(value, len, s->domain);
    case SO_ACCEPTCONN:
        return pd_option_int(value, len, s->phase == PD_LISTENING);
    case SO_KEEPALIVE:
        return pd_option_int(value, len, pd_knob_get(o, s, GANDER_OPTION_KEEPALIVE) > 0);
    case SO_SNDBUF:
        return pd_option_int(value, len, buffer_get(o, s, false));
    case SO_RCVBUF:
        return pd_option_int(value, len, buffer_get(o, s, true));
    case SO_RCVLOWAT:
        return pd_option_int(value, len, s->receive_low_bytes);
    case SO_SNDLOWAT:
        return pd_option_int(value, len, 1);
    case SO_MEMINFO:
        return meminfo_get(o, s, value, len);
    case SO_MAX_PACING_RATE:
        return pd_tcp_option_get(o, s, PD_MAX_PACING_RATE, value, len);
    case SO_COOKIE:
        return pd_option_out(value, len, &s->handle, sizeof(s->handle));
    default:
        return plain_get(s, SOL_SOCKET, name, value, len);
    }
}

/* --- IPPROTO_IP, IPPROTO_IPV6 -------------------------------------------------------------------------------------- */

static int ip_set(struct pd_object *o, struct pd_socket *s, int level, int name, const void *value,
                  socklen_t len)
{
    bool v4 = level == IPPROTO_IP;
    int n = 0, error;

    if (len == 1 && v4) /* IPv4's options take a byte too */
        n = *(const uint8_t *)value;
    else if (len >= sizeof(n))
        memcpy(&n, value, sizeof(n));
    else
        return pd_fail(EINVAL);
    if (name == (v4 ? IP_TOS : IPV6_TCLASS)) {
        if (n < -1 || (n > 255 && !v4))
            return pd_fail(EINVAL);
        error = pd_knob_set(o, s, GANDER_OPTION_TRAFFIC_CLASS, n < 0 ? 0 : n & 255);
    } else if (name == (v4 ? IP_TTL : IPV6_UNICAST_HOPS)) {
        if (n == 0 && !v4)
            return pd_fail(EINVAL);
        error = pd_knob_set(o, s, GANDER_OPTION_TTL, n == -1 ? 64 : n);
    } else if (!v4 && name == IPV6_V6ONLY) {
        if (s->bound)
            return pd_fail(EINVAL);
        error = pd_knob_set(o, s, GANDER_OPTION_V6_ONLY, n != 0);
    } else {
        return plain_set(s, level, name, n);
    }
    return error ? pd_fail(error) : 0;
}

static int mtu_get(const struct pd_object *o, const struct pd_socket *s, void *value,
                   socklen_t *len)
{
    struct gander_tcp_info info;

    if (s->phase != PD_CONNECTED && s->phase != PD_OPENED)
        return pd_fail(ENOTCONN);
    if (!pd_is_tcp(s) || gander_tcp_info(o->stack, s->handle, &info) != 0)
        return pd_option_int(value, len, (int)o->settings.mtu_bytes);
    return pd_option_int(value, len, (int)info.mtu_bytes);
}

static int ip_get(struct pd_object *o, struct pd_socket *s, int level, int name, void *value,
                  socklen_t *len)
{
    bool v4 = level == IPPROTO_IP;

    if (name == (v4 ? IP_TOS : IPV6_TCLASS))
        return pd_option_int(value, len, (int)pd_knob_get(o, s, GANDER_OPTION_TRAFFIC_CLASS));
    if (name == (v4 ? IP_TTL : IPV6_UNICAST_HOPS))
        return pd_option_int(value, len, (int)pd_knob_get(o, s, GANDER_OPTION_TTL));
    if (!v4 && name == IPV6_V6ONLY)
        return pd_option_int(value, len, pd_is_v6_only(o, s));
    if (name == (v4 ? IP_MTU : IPV6_MTU))
        return mtu_get(o, s, value, len);
    return plain_get(s, level, name, value, len);
}

/* --- the calls ---------------------------------------------------------------------------------------------------------- */

int pd_setsockopt(void *ud, int fd, int level, int name, const void *value, socklen_t len)
{
    struct pd_object *o = ud;
    struct pd_socket *s;
    int result = -1;

    pd_enter(o);
    s = pd_socket_of(o, fd);
    if (!s)
        goto out;
    if (level == SOL_SOCKET)
        result = socket_set(o, s, name, value, len);
    else if (level == IPPROTO_IP || (level == IPPROTO_IPV6 && s->domain == AF_INET6))
        result = ip_set(o, s, level, name, value, len);
    else if (level == IPPROTO_TCP && pd_is_tcp(s) && plain_known(level, name))
        result =
            len >= sizeof(int) ? plain_set(s, level, name, *(const int *)value) : pd_fail(EINVAL);
    else if (level == IPPROTO_TCP && pd_is_tcp(s))
        result = pd_tcp_option_set(o, s, name, value, len);
    else
        errno = ENOPROTOOPT;
out:
    pd_leave(o);
    return result;
}

int pd_getsockopt(void *ud, int fd, int level, int name, void *value, socklen_t *len)
{
    struct pd_object *o = ud;
    struct pd_socket *s;
    int result = -1;

    pd_enter(o);
    pd_run(o);
    s = pd_socket_of(o, fd);
    if (!s)
        goto out;
    if (level == SOL_SOCKET)
        result = socket_get(o, s, name, value, len);
    else if (level == IPPROTO_IP || (level == IPPROTO_IPV6 && s->domain == AF_INET6))
        result = ip_get(o, s, level, name, value, len);
    else if (level == IPPROTO_TCP && pd_is_tcp(s) && plain_known(level, name))
        result = plain_get(s, level, name, value, len);
    else if (level == IPPROTO_TCP && pd_is_tcp(s))
        result = pd_tcp_option_get(o, s, name, value, len);
    else
        errno = level == IPPROTO_IPV6 || level == IPPROTO_TCP ? ENOPROTOOPT : EOPNOTSUPP;
out:
    pd_leave(o);
    return result;
}

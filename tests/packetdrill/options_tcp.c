/* SPDX-License-Identifier: MIT */
/* setsockopt and getsockopt of level IPPROTO_TCP, with the numbers, units and answers of Linux. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "object.h"

/* Numbers that older headers lack. */
enum {
    OPTION_FASTOPEN_CONNECT = 30,
    OPTION_FASTOPEN_KEY = 33,
    OPTION_FASTOPEN_NO_COOKIE = 34,
    OPTION_INQ = 36,
    OPTION_RTO_MAX_MS = 44,
    OPTION_RTO_MIN_US = 45,
    OPTION_DELACK_MAX_US = 46
};

enum { CC_NAME_BYTES = 16, USER_TIMEOUT_MAX_MS = INT32_MAX };

/* An option that is one of gander's, in other units. */
struct same {
    int name;
    int low, high; /* what Linux takes */
    enum gander_option option;
    int64_t unit; /* of gander's in one of Linux's */
};

static const struct same same[] = {
    {TCP_NODELAY, INT32_MIN, INT32_MAX, GANDER_OPTION_NODELAY, 0}, /* 0: true or false */
    {TCP_CORK, INT32_MIN, INT32_MAX, GANDER_OPTION_CORK, 0},
    {TCP_MAXSEG, 88, 32767, GANDER_OPTION_MAX_SEGMENT, 1},
    {TCP_KEEPIDLE, 1, 32767, GANDER_OPTION_KEEPALIVE_IDLE_NS, GANDER_S},
    {TCP_KEEPINTVL, 1, 32767, GANDER_OPTION_KEEPALIVE_INTERVAL_NS, GANDER_S},
    {TCP_KEEPCNT, 1, 127, GANDER_OPTION_KEEPALIVE_PROBES, 1},
    {TCP_SYNCNT, 1, 127, GANDER_OPTION_SYN_RETRIES, 1},
    {TCP_USER_TIMEOUT, 0, USER_TIMEOUT_MAX_MS, GANDER_OPTION_USER_TIMEOUT_NS, GANDER_MS},
    {TCP_NOTSENT_LOWAT, INT32_MIN, INT32_MAX, GANDER_OPTION_NOTSENT_LOWAT, 1},
    {TCP_FASTOPEN, 0, 1 << 20, GANDER_OPTION_FASTOPEN, 1},
    {OPTION_FASTOPEN_CONNECT, 0, 1, GANDER_OPTION_FASTOPEN_CONNECT, 1},
    {OPTION_RTO_MAX_MS, 1000, 120000, GANDER_OPTION_RTO_MAX_NS, GANDER_MS},
    {OPTION_RTO_MIN_US, 1, INT32_MAX, GANDER_OPTION_RTO_MIN_NS, GANDER_US},
    {OPTION_DELACK_MAX_US, 1, 499999, GANDER_OPTION_DELAYED_ACK_NS, GANDER_US},
};

static const struct same *same_of(int name)
{
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        if (same[i].name == name)
            return &same[i];
    return NULL;
}

static int same_set(struct pd_object *o, struct pd_socket *s, const struct same *e, int n)
{
    int64_t value = e->unit ? (int64_t)n * e->unit : n != 0;

    if (n < e->low || n > e->high)
        return EINVAL;
    if (e->name == TCP_NOTSENT_LOWAT && (n < 0 || n > 1 << 30))
        value = 0; /* unlimited */
    if (e->name == TCP_MAXSEG && s->phase != PD_IDLE && s->phase != PD_LISTENING)
        return EINVAL;
    if (e->name == TCP_SYNCNT && n > 30)
        value = 30;
    return pd_knob_set(o, s, e->option, value);
}

static int same_get(const struct pd_object *o, const struct pd_socket *s, const struct same *e)
{
    int64_t value = pd_knob_get(o, s, e->option);
    struct gander_tcp_info info;

    if (e->name == TCP_NOTSENT_LOWAT && value == 0)
        return -1;
    if (e->name == TCP_MAXSEG) { /* what is used, or the default */
        if (gander_tcp_info(o->stack, s->handle, &info) == 0 && info.mss_send_bytes > 0 &&
            s->phase != PD_IDLE && s->phase != PD_LISTENING)
            return (int)info.mss_send_bytes;
        return value ? (int)value : 536;
    }
    return (int)(e->unit ? value / e->unit : value);
}

/* Seconds, kept as the number of SYN-ACK time-outs that they last: asked for 2, Linux says 3. */
static int defer_rounded(int seconds)
{
    int reached = 0, timeout = 1;

    while (reached < seconds && timeout <= 120) {
        reached += timeout;
        timeout *= 2;
    }
    return reached;
}

static int window_clamp_set(struct pd_object *o, struct pd_socket *s, int n)
{
    if (n == 0)
        return s->phase == PD_IDLE || s->phase == PD_ENDED
                   ? pd_knob_set(o, s, GANDER_OPTION_WINDOW_CLAMP, 0)
                   : EINVAL;
    return pd_knob_set(o, s, GANDER_OPTION_WINDOW_CLAMP, n < 1152 ? 1152 : n);
}

static int linger2_set(struct pd_object *o, struct pd_socket *s, int n)
{
    int64_t most = o->config.tcp_fin_wait2_ns;
    int64_t ns = n < 0 ? -1 : n == 0 || n > 120 ? most : n * GANDER_S;

    return pd_knob_set(o, s, GANDER_OPTION_FIN_WAIT2_NS, ns);
}

static int congestion_set(struct pd_object *o, struct pd_socket *s, const void *value,
                          socklen_t len)
{
    char name[CC_NAME_BYTES] = "";

    if (len < 1)
        return pd_fail(EINVAL);
    memcpy(name, value, len < sizeof(name) - 1 ? len : sizeof(name) - 1);
    if (strcmp(name, "reno") == 0)
        snprintf(name, sizeof(name), "newreno");
    if (gander_set_congestion_control(o->stack, s->handle, name) != 0)
        return pd_fail(ENOENT);
    return 0;
}

/* Of the whole stack, which is one socket's as far as a script can see. */
static int keys_set(struct pd_object *o, const void *value, socklen_t len)
{
    if (len != 16 && len != 32)
        return pd_fail(EINVAL);
    memcpy(o->settings.fastopen_keys, value, len);
    o->settings.fastopen_key_bytes = len;
    pd_fastopen_keys_set(o);
    return 0;
}

/* 32 or 64 bits; all of them set: no limit. */
static int pacing_set(struct pd_object *o, struct pd_socket *s, const void *value, socklen_t len)
{
    uint32_t narrow;
    uint64_t rate;
    int error;

    if (len >= sizeof(rate)) {
        memcpy(&rate, value, sizeof(rate));
    } else {
        memcpy(&narrow, value, sizeof(narrow));
        rate = narrow == UINT32_MAX ? UINT64_MAX : narrow;
    }
    if (rate > INT64_MAX)
        rate = 0;
    error = pd_knob_set(o, s, GANDER_OPTION_MAX_PACING_RATE, (int64_t)rate);
    if (error == 0)
        error = pd_knob_set(o, s, GANDER_OPTION_PACING, rate != 0);
    return error ? pd_fail(error) : 0;
}

static int pacing_get(const struct pd_object *o, const struct pd_socket *s, void *value,
                      socklen_t *len)
{
    int64_t rate = pd_knob_get(o, s, GANDER_OPTION_MAX_PACING_RATE);
    uint64_t wide = rate > 0 ? (uint64_t)rate : UINT64_MAX;
    uint32_t narrow = wide < UINT32_MAX ? (uint32_t)wide : UINT32_MAX;

    if (*len >= sizeof(wide))
        return pd_option_out(value, len, &wide, sizeof(wide));
    return pd_option_out(value, len, &narrow, sizeof(narrow));
}

int pd_tcp_option_set(struct pd_object *o, struct pd_socket *s, int name, const void *value,
                      socklen_t len)
{
    const struct same *e = same_of(name);
    int n = 0, error = 0;

    if (name == TCP_CONGESTION)
        return congestion_set(o, s, value, len);
    if (name == OPTION_FASTOPEN_KEY)
        return keys_set(o, value, len);
    if (name == PD_MAX_PACING_RATE)
        return pacing_set(o, s, value, len);
    if (len < sizeof(n))
        return pd_fail(EINVAL);
    memcpy(&n, value, sizeof(n));
    if (e) {
        error = same_set(o, s, e, n);
        return error ? pd_fail(error) : 0;
    }
    switch (name) {
    case TCP_QUICKACK:
        error = pd_knob_set(o, s, GANDER_OPTION_QUICKACK, n != 0);
        break;
    case TCP_LINGER2:
        error = linger2_set(o, s, n);
        break;
    case TCP_DEFER_ACCEPT:
        error = pd_knob_set(o, s, GANDER_OPTION_DEFER_ACCEPT_NS, defer_rounded(n) * GANDER_S);
        break;
    case TCP_WINDOW_CLAMP:
        error = window_clamp_set(o, s, n);
        break;
    case OPTION_INQ:
        s->inq = n != 0;
        break;
    case OPTION_FASTOPEN_NO_COOKIE: /* a stack's matter: fastopen=5 */
        break;
    default:
        error = ENOPROTOOPT;
        break;
    }
    return error ? pd_fail(error) : 0;
}

static int congestion_get(const struct pd_object *o, const struct pd_socket *s, void *value,
                          socklen_t *len)
{
    char name[CC_NAME_BYTES] = "";
    struct gander_tcp_info info;

    if (gander_tcp_info(o->stack, s->handle, &info) == 0)
        snprintf(name, sizeof(name), "%s", info.congestion_control);
    if (strcmp(name, "newreno") == 0)
        snprintf(name, sizeof(name), "reno");
    return pd_option_out(value, len, name, sizeof(name));
}

int pd_tcp_option_get(struct pd_object *o, struct pd_socket *s, int name, void *value,
                      socklen_t *len)
{
    const struct same *e = same_of(name);
    uint8_t info[PD_TCP_INFO_BYTES];
    int64_t n;

    if (e)
        return pd_option_int(value, len, same_get(o, s, e));
    switch (name) {
    case PD_MAX_PACING_RATE:
        return pacing_get(o, s, value, len);
    case TCP_INFO:
        return pd_option_out(value, len, info, pd_tcp_info(o, s, info, sizeof(info)));
    case OPTION_FASTOPEN_KEY:
        return pd_option_out(value, len, o->settings.fastopen_keys, o->settings.fastopen_key_bytes);
    case TCP_CC_INFO:
        *len = 0;
        return 0;
    case TCP_CONGESTION:
        return congestion_get(o, s, value, len);
    case TCP_QUICKACK:
        return pd_option_int(value, len, pd_knob_get(o, s, GANDER_OPTION_QUICKACK) != 0);
    case TCP_LINGER2:
        n = pd_knob_get(o, s, GANDER_OPTION_FIN_WAIT2_NS);
        return pd_option_int(value, len, (int)(n < 0 ? -1 : n / GANDER_S));
    case TCP_DEFER_ACCEPT:
        return pd_option_int(value, len,
                             (int)(pd_knob_get(o, s, GANDER_OPTION_DEFER_ACCEPT_NS) / GANDER_S));
    case TCP_WINDOW_CLAMP:
        return pd_option_int(value, len, (int)pd_knob_get(o, s, GANDER_OPTION_WINDOW_CLAMP));
    case OPTION_INQ:
        return pd_option_int(value, len, s->inq);
    case TCP_SAVED_SYN:
        *len = 0;
        return 0;
    default:
        return pd_fail(ENOPROTOOPT);
    }
}

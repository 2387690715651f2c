/* SPDX-License-Identifier: MIT */
/* Between gander's addresses and errors and those of Linux. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "object.h"

static const int errnos[][2] = {
    {GANDER_EBADF, EBADF},
    {GANDER_EINVAL, EINVAL},
    {GANDER_ENOMEM, ENOMEM},
    {GANDER_EAGAIN, EAGAIN},
    {GANDER_EADDRINUSE, EADDRINUSE},
    {GANDER_EADDRNOTAVAIL, EADDRNOTAVAIL},
    {GANDER_ECONNREFUSED, ECONNREFUSED},
    {GANDER_ECONNRESET, ECONNRESET},
    {GANDER_ECONNABORTED, ECONNABORTED},
    {GANDER_ETIMEDOUT, ETIMEDOUT},
    {GANDER_ENOTCONN, ENOTCONN},
    {GANDER_EISCONN, EISCONN},
    {GANDER_EALREADY, EALREADY},
    {GANDER_EPIPE, EPIPE},
    {GANDER_EHOSTUNREACH, EHOSTUNREACH},
    {GANDER_ENETUNREACH, ENETUNREACH},
    {GANDER_EMSGSIZE, EMSGSIZE},
    {GANDER_EOPNOTSUPP, EOPNOTSUPP},
    {GANDER_ENOPROTOOPT, ENOPROTOOPT},
    {GANDER_EIO, EIO},
};

int pd_errno(int gander_error)
{
    for (size_t i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
        if (errnos[i][0] == gander_error)
            return errnos[i][1];
    return EIO;
}

int pd_fail(int error)
{
    errno = error;
    return -1;
}

static void in4(struct gander_address *out, const void *ip, uint16_t port)
{
    *out = (struct gander_address){.family = GANDER_IPV4, .port = ntohs(port)};
    memcpy(out->ip, ip, 4);
}

static bool in6(const struct pd_socket *s, const struct sockaddr_in6 *sin6,
                struct gander_address *out)
{
    if (s->domain != AF_INET6) {
        errno = EAFNOSUPPORT;
        return false;
    }
    if (IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr)) {
        in4(out, sin6->sin6_addr.s6_addr + 12, sin6->sin6_port);
        return true;
    }
    *out = (struct gander_address){.family = GANDER_IPV6, .port = ntohs(sin6->sin6_port)};
    memcpy(out->ip, &sin6->sin6_addr, 16);
    return true;
}

bool pd_address_in(const struct pd_socket *s, const struct sockaddr *address, socklen_t len,
                   struct gander_address *out)
{
    union {
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr any;
    } a;

    errno = EINVAL;
    if (!address || len < sizeof(a.any.sa_family))
        return false;
    memset(&a, 0, sizeof(a));
    memcpy(&a, address, len < sizeof(a) ? len : sizeof(a));
    if (a.any.sa_family == AF_INET && len >= sizeof(a.in)) {
        errno = EAFNOSUPPORT;
        if (s->domain != AF_INET)
            return false;
        in4(out, &a.in.sin_addr, a.in.sin_port);
        return true;
    }
    /* before the scope was added, 24 bytes were an address too */
    if (a.any.sa_family == AF_INET6 && len >= 24)
        return in6(s, &a.in6, out);
    if (a.any.sa_family != AF_INET && a.any.sa_family != AF_INET6)
        errno = EAFNOSUPPORT;
    return false;
}

void pd_address_out(const struct pd_socket *s, const struct gander_address *in,
                    struct sockaddr *address, socklen_t *len)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(in->port)};
    struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(in->port)};
    bool v4 = s->domain == AF_INET;
    const void *from = v4 ? (const void *)&sin : &sin6;
    socklen_t bytes = v4 ? sizeof(sin) : sizeof(sin6);

    if (!address || !len)
        return;
    if (v4) {
        memcpy(&sin.sin_addr, in->ip, 4);
    } else if (in->family == GANDER_IPV4) {
        memset(sin6.sin6_addr.s6_addr + 10, 0xff, 2);
        memcpy(sin6.sin6_addr.s6_addr + 12, in->ip, 4);
    } else {
        memcpy(&sin6.sin6_addr, in->ip, 16);
    }
    memcpy(address, from, *len < bytes ? *len : bytes);
    *len = bytes;
}

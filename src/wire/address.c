/* SPDX-License-Identifier: MIT */
/*
 * Addresses as text. Writes the one canonical form of RFC 5952: lower case, no leading zeros, the longest run of two or
 * more zero groups (the first of equals) as "::", IPv4-mapped addresses with dots [RFC5952 5], and brackets
 * around an address with a port [RFC5952 6]. Reads every form of RFC 4291 2.2. Numbers with leading zeros are refused in
 * IPv4: some read them as octal.
 *
 * Left out: zones ("%eth0"), names, IPv4 with fewer than four numbers.
 */
#include <gander/error.h>
#include <gander/stack.h>

#include "base/bytes.h"

enum { IP6_GROUPS = 8 };

/* --- writing --------------------------------------------------------------------------------- */

struct text_out {
    char *text;
    size_t size, used;
};

static void put_char(struct text_out *out, char c)
{
    if (out->used + 1 < out->size)
        out->text[out->used++] = c;
}

static void put_number(struct text_out *out, unsigned value, unsigned base)
{
    char digits[5]; /* 65535 */
    unsigned n = 0;

    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    while (n)
        put_char(out, digits[--n]);
}

static void put_ip4(struct text_out *out, const uint8_t *ip)
{
    for (unsigned i = 0; i < 4; i++) {
        if (i)
            put_char(out, '.');
        put_number(out, ip[i], 10);
    }
}

/* The longest run of at least two zero groups; *length 0 if there is none. */
static unsigned longest_zero_run(const uint8_t *ip, unsigned *length)
{
    unsigned best = 0, run = 0;

    *length = 1; /* a single zero group is not shortened [RFC5952 4.2.2] */
    for (unsigned i = 0; i < IP6_GROUPS; i++) {
        run = get_be16(ip + 2 * i) == 0 ? run + 1 : 0;
        if (run > *length) {
            *length = run;
            best = i + 1 - run;
        }
    }
    if (*length == 1)
        *length = 0;
    return best;
}

static void put_ip6(struct text_out *out, const uint8_t *ip)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    unsigned length;
    unsigned run = longest_zero_run(ip, &length);
    bool dots = memcmp(ip, mapped, sizeof(mapped)) == 0;
    unsigned groups = dots ? 6 : IP6_GROUPS;

    for (unsigned i = 0; i < groups;) {
        if (length && i == run) {
            put_char(out, ':');
            put_char(out, ':');
            i += length;
            continue;
        }
        if (i && !(length && i == run + length))
            put_char(out, ':');
        put_number(out, get_be16(ip + 2 * i), 16);
        i++;
    }
    if (dots) {
        put_char(out, ':');
        put_ip4(out, ip + 12);
    }
}

char *gander_address_format(const struct gander_address *address, char *text, size_t size)
{
    struct text_out out = {text, size, 0};
    bool brackets = address->family == GANDER_IPV6 && address->port != 0;

    if (size == 0)
        return text;
    if (brackets)
        put_char(&out, '[');
    if (address->family == GANDER_IPV4)
        put_ip4(&out, address->ip);
    else if (address->family == GANDER_IPV6)
        put_ip6(&out, address->ip);
    else
        put_char(&out, '*');
    if (brackets)
        put_char(&out, ']');
    if (address->port != 0) {
        put_char(&out, ':');
        put_number(&out, address->port, 10);
    }
    text[out.used] = 0;
    return text;
}

/* --- reading --------------------------------------------------------------------------------- */

/* Each reader moves *text behind what it read; false leaves it anywhere. */

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 16;
}

static bool read_number(const char **text, unsigned base, unsigned digits_max, unsigned max,
                        unsigned *value)
{
    const char *p = *text;
    unsigned digits = 0;

    *value = 0;
    for (; digit_value(*p) < (int)base; p++) {
        if (++digits > digits_max)
            return false;
        *value = *value * base + (unsigned)digit_value(*p);
    }
    if (digits == 0 || *value > max || (base == 10 && digits > 1 && **text == '0'))
        return false;
    *text = p;
    return true;
}

static bool read_ip4(const char **text, uint8_t *ip)
{
    for (unsigned i = 0; i < 4; i++) {
        unsigned value;

        if (i && *(*text)++ != '.')
            return false;
        if (!read_number(text, 10, 3, 255, &value))
            return false;
        ip[i] = (uint8_t)value;
    }
    return true;
}

/* Do digits and then a dot come next, as in the tail of ::ffff:192.0.2.1? */
static bool dotted_follows(const char *p)
{
    while (*p >= '0' && *p <= '9')
        p++;
    return *p == '.';
}

static bool read_ip6(const char **text, uint8_t ip[16])
{
    const char *p = *text;
    unsigned at = 0, gap = 16; /* bytes filled; where "::" stands, 16: nowhere */

    memset(ip, 0, 16);
    if (p[0] == ':' && p[1] != ':')
        return false;
    while (at < 16) {
        unsigned group;

        if (p[0] == ':' && p[1] == ':') {
            if (gap != 16)
                return false;
            gap = at;
            p += 2;
            if (digit_value(*p) == 16)
                break;
        } else if (at) {
            if (*p != ':')
                break;
            p++;
        }
        if (at <= 12 && dotted_follows(p)) {
            if (!read_ip4(&p, ip + at))
                return false;
            at += 4;
            break;
        }
        if (!read_number(&p, 16, 4, 0xffff, &group))
            return false;
        put_be16(ip + at, (uint16_t)group);
        at += 2;
    }
    *text = p;
    if (gap == 16)
        return at == 16 && !(p[0] == ':' && p[1] == ':');
    if (at == 16) /* "::" must stand for something */
        return false;
    memmove(ip + 16 - (at - gap), ip + gap, at - gap);
    memset(ip + gap, 0, 16 - at);
    return true;
}

static bool read_address(const char *p, struct gander_address *address)
{
    bool port_may_follow = true;
    unsigned port;

    if (*p == '*') {
        p++;
    } else if (*p == '[') {
        p++;
        address->family = GANDER_IPV6;
        if (!read_ip6(&p, address->ip) || *p++ != ']')
            return false;
    } else if (dotted_follows(p)) {
        address->family = GANDER_IPV4;
        if (!read_ip4(&p, address->ip))
            return false;
    } else {
        address->family = GANDER_IPV6;
        port_may_follow = false;
        if (!read_ip6(&p, address->ip))
            return false;
    }
    if (*p == ':' && port_may_follow) {
        p++;
        if (!read_number(&p, 10, 5, 65535, &port))
            return false;
        address->port = (uint16_t)port;
    }
    return *p == 0;
}

int gander_address_parse(const char *text, struct gander_address *address)
{
    struct gander_address result;

    memset(&result, 0, sizeof(result));
    if (!text || !address || !read_address(text, &result))
        return GANDER_EINVAL;
    *address = result;
    return GANDER_OK;
}

bool gander_address_equal(const struct gander_address *a, const struct gander_address *b)
{
    if (a->family != b->family || a->port != b->port)
        return false;
    if (a->family == GANDER_IPV4)
        return memcmp(a->ip, b->ip, 4) == 0;
    return a->family != GANDER_IPV6 || memcmp(a->ip, b->ip, 16) == 0;
}

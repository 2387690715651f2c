/* SPDX-License-Identifier: MIT */
/*
 * The values of options: numbers with units, read exactly. No floating point: "0.1%" is 1,000 parts per
 * million, not nearly so. Anything left over behind a value makes it wrong.
 */
#include "options.h"

#include <arpa/inet.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t factor;
};

/* Nine digits behind the point are kept; more are an error, not rounded. */
enum { FRACTION_DIGITS = 9 };
#define FRACTION_ONE UINT64_C(1000000000)

struct decimal {
    uint64_t whole;
    uint64_t fraction; /* in 1 / FRACTION_ONE */
};

/* Reads digits[.digits]; returns what follows, NULL if there is no such number. */
static const char *decimal_read(const char *text, struct decimal *decimal)
{
    uint64_t place = FRACTION_ONE;

    memset(decimal, 0, sizeof(*decimal));
    if (*text < '0' || *text > '9')
        return NULL;
    for (; *text >= '0' && *text <= '9'; text++) {
        uint64_t digit = (uint64_t)(*text - '0');

        if (decimal->whole > (UINT64_MAX - digit) / 10)
            return NULL;
        decimal->whole = decimal->whole * 10 + digit;
    }
    if (*text != '.')
        return text;
    text++;
    if (*text < '0' || *text > '9')
        return NULL;
    for (; *text >= '0' && *text <= '9'; text++) {
        place /= 10;
        if (place == 0)
            return NULL;
        decimal->fraction += place * (uint64_t)(*text - '0');
    }
    return text;
}

/* value = decimal × factor, if that is a whole number ≤ max. factor ≤ FRACTION_ONE, so the product fits. */
static bool decimal_scale(const struct decimal *decimal, uint64_t factor, uint64_t max,
                          uint64_t *value)
{
    uint64_t part = decimal->fraction * factor;

    if (part % FRACTION_ONE != 0 || decimal->whole > max / factor)
        return false;
    *value = decimal->whole * factor + part / FRACTION_ONE;
    return *value <= max;
}

static bool value_with_unit(const char *text, const struct unit *units, size_t n, uint64_t max,
                            uint64_t *value)
{
    struct decimal decimal;
    const char *rest = decimal_read(text, &decimal);

    if (!rest)
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(rest, units[i].name) == 0 && (*rest || !strchr(text, '.')))
            return decimal_scale(&decimal, units[i].factor, max, value);
    return false;
}

const char *option_set_switch(void *value, const char *text)
{
    (void)text;
    *(bool *)value = true;
    return NULL;
}

const char *option_set_text(void *value, const char *text)
{
    if (!*text)
        return "a name";
    *(const char **)value = text;
    return NULL;
}

const char *option_set_number(void *value, const char *text)
{
    static const struct unit units[] = {{"", 1}};

    return value_with_unit(text, units, 1, UINT64_MAX, value) ? NULL : "a whole number";
}

const char *option_set_count(void *value, const char *text)
{
    static const struct unit units[] = {{"", 1}};
    uint64_t count;

    if (!value_with_unit(text, units, 1, UINT64_MAX, &count) || count == 0)
        return "a whole number from 1";
    *(uint64_t *)value = count;
    return NULL;
}

const char *option_set_port(void *value, const char *text)
{
    static const struct unit units[] = {{"", 1}};
    uint64_t port;

    if (!value_with_unit(text, units, 1, 65535, &port) || port == 0)
        return "a port from 1 to 65535";
    *(uint16_t *)value = (uint16_t)port;
    return NULL;
}

const char *option_set_ppm(void *value, const char *text)
{
    static const struct unit units[] = {{"%", 10000}};
    uint64_t ppm;

    if (!value_with_unit(text, units, 1, 1000000, &ppm))
        return "a percentage from 0% to 100%, such as 1% or 0.5%";
    *(uint32_t *)value = (uint32_t)ppm;
    return NULL;
}

const char *option_set_duration(void *value, const char *text)
{
    static const struct unit units[] = {
        {"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};
    const uint64_t max = UINT64_C(3600) * 1000000000; /* an hour: longer is a slip of the unit */
    uint64_t ns = 0;

    if (strcmp(text, "0") != 0 && !value_with_unit(text, units, 4, max, &ns))
        return "a time of at most an hour with its unit (ns, us, ms, s), such as 20ms or 1.5s";
    *(gander_time *)value = (gander_time)ns;
    return NULL;
}

const char *option_set_rate(void *value, const char *text)
{
    static const struct unit units[] = {
        {"bit", 1}, {"kbit", 1000}, {"mbit", 1000000}, {"gbit", 1000000000}};
    uint64_t bits;

    if (!value_with_unit(text, units, 4, UINT64_C(1000000000000), &bits) || bits < 1000)
        return "bits a second from 1kbit to 1000gbit, such as 100mbit or 1.5gbit";
    *(uint64_t *)value = bits;
    return NULL;
}

bool option_prefix_parse(const char *text, struct option_prefix *prefix)
{
    static const struct unit units[] = {{"", 1}};
    const char *slash = strchr(text, '/');
    char address[INET6_ADDRSTRLEN];
    uint64_t bits;

    if (!slash || (size_t)(slash - text) >= sizeof(address))
        return false;
    memcpy(address, text, (size_t)(slash - text));
    address[slash - text] = 0;
    memset(prefix, 0, sizeof(*prefix));
    if (inet_pton(AF_INET, address, prefix->address.ip) == 1)
        prefix->address.family = GANDER_IPV4;
    else if (inet_pton(AF_INET6, address, prefix->address.ip) == 1)
        prefix->address.family = GANDER_IPV6;
    else
        return false;
    if (!value_with_unit(slash + 1, units, 1, prefix->address.family == GANDER_IPV4 ? 32 : 128,
                         &bits))
        return false;
    prefix->bits = (unsigned)bits;
    return true;
}

bool option_prefix_holds(const struct option_prefix *prefix, const struct gander_address *address)
{
    if (prefix->address.family != address->family)
        return false;
    for (unsigned bit = 0; bit < prefix->bits; bit++) {
        unsigned mask = 0x80U >> (bit % 8);

        if (((unsigned)prefix->address.ip[bit / 8] ^ address->ip[bit / 8]) & mask)
            return false;
    }
    return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * Addresses of the stack and of the kernel's side of the device, and names to addresses. The kernel's side
 * gets the next address in each prefix of ours (the one before, if there is no next), unless told otherwise.
 */
#include "network.h"
#include "message.h"
#include "session.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

static const char *const defaults[] = {"10.64.0.1/24", "fd67:616e:6465::1/64"};

static const char *prefix_text(const struct option_prefix *prefix, char text[64])
{
    char address[INET6_ADDRSTRLEN] = "";

    inet_ntop(prefix->address.family == GANDER_IPV4 ? AF_INET : AF_INET6, prefix->address.ip,
              address, sizeof(address));
    (void)snprintf(text, 64, "%s/%u", address, prefix->bits);
    return text;
}

static unsigned family_bits(unsigned family)
{
    return family == GANDER_IPV4 ? 32 : 128;
}

/* All bits behind the prefix: 0, 1, or −1 for mixed. */
static int host_bits(const struct option_prefix *prefix)
{
    unsigned ones = 0, all = family_bits(prefix->address.family) - prefix->bits;

    for (unsigned bit = prefix->bits; bit < family_bits(prefix->address.family); bit++)
        ones += ((unsigned)prefix->address.ip[bit / 8] >> (7 - bit % 8)) & 1U;
    return ones == 0 ? 0 : ones == all ? 1 : -1;
}

static void address_step(struct gander_address *address, bool up)
{
    for (unsigned i = family_bits(address->family) / 8; i-- > 0;) {
        address->ip[i] = (uint8_t)(up ? address->ip[i] + 1 : address->ip[i] - 1);
        if (address->ip[i] != (up ? 0x00 : 0xff))
            break;
    }
}

/* May a host have it? The network's and the broadcast address of IPv4 are nobody's [RFC1122 3.2.1.3],
 * but a prefix of 31 bits has neither [RFC3021]. */
static bool prefix_usable(const struct option_prefix *prefix)
{
    static const uint8_t none[16];
    const uint8_t *ip = prefix->address.ip;

    if (memcmp(ip, none, sizeof(none)) == 0)
        return false;
    if (prefix->address.family == GANDER_IPV6)
        return ip[0] != 0xff;
    return ip[0] != 0 && ip[0] != 127 && ip[0] < 224 &&
           (prefix->bits >= 31 || host_bits(prefix) < 0);
}

static bool kernel_default(const struct option_prefix *own, struct option_prefix *kernel)
{
    *kernel = *own;
    address_step(&kernel->address, true);
    if (option_prefix_holds(own, &kernel->address) && prefix_usable(kernel))
        return true;
    *kernel = *own;
    address_step(&kernel->address, false);
    return option_prefix_holds(own, &kernel->address) && prefix_usable(kernel);
}

/* Does one of `list` stand for the network of `prefix`? */
static bool prefixes_cover(const struct option_prefixes *list, const struct option_prefix *prefix)
{
    for (unsigned i = 0; i < list->count; i++)
        if (option_prefix_holds(&list->list[i], &prefix->address))
            return true;
    return false;
}

static bool plan_own(const struct options *o, struct option_prefixes *own)
{
    char text[64];

    *own = o->addresses;
    for (unsigned i = 0; own->count == 0 && i < 2; i++)
        if (i == 0 ? !o->ipv6_only : !o->ipv4_only)
            (void)option_prefix_parse(defaults[i], &own->list[i]);
    if (own->count == 0) {
        if (o->ipv6_only)
            own->list[0] = own->list[1];
        own->count = o->ipv4_only || o->ipv6_only ? 1 : 2;
    }
    for (unsigned i = 0; i < own->count; i++) {
        if (prefix_usable(&own->list[i]))
            continue;
        message_error("--address %s: no host can have this address; the first of a network is "
                      "usually .1",
                      prefix_text(&own->list[i], text));
        return false;
    }
    return true;
}

bool network_plan(const struct options *o, struct option_prefixes *own,
                  struct option_prefixes *kernel)
{
    char text[64];

    if (!plan_own(o, own))
        return false;
    *kernel = o->kernel_addresses;
    for (unsigned i = 0; i < kernel->count; i++) {
        if (prefix_usable(&kernel->list[i]) && prefixes_cover(own, &kernel->list[i]))
            continue;
        message_error("--kernel-address %s: expected an address in the network of an --address",
                      prefix_text(&kernel->list[i], text));
        return false;
    }
    for (unsigned i = 0; i < own->count && !kernel->none; i++) {
        if (prefixes_cover(kernel, &own->list[i]))
            continue;
        if (kernel->count == OPTIONS_PREFIXES_MAX ||
            !kernel_default(&own->list[i], &kernel->list[kernel->count])) {
            message_error("--address %s: leaves the kernel no address beside it; give a shorter "
                          "prefix, or --kernel-address none",
                          prefix_text(&own->list[i], text));
            return false;
        }
        kernel->count++;
    }
    for (unsigned i = 0; i < own->count; i++) {
        for (unsigned j = 0; j < kernel->count; j++) {
            if (memcmp(own->list[i].address.ip, kernel->list[j].address.ip, 16) == 0) {
                message_error("--kernel-address %s is gander's own --address; give another one",
                              prefix_text(&kernel->list[j], text));
                return false;
            }
        }
    }
    return true;
}

static bool address_from_sockaddr(const struct sockaddr *from, struct gander_address *to)
{
    memset(to, 0, sizeof(*to));
    if (!from)
        return false;
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)from;

        to->family = GANDER_IPV4;
        to->port = ntohs(in->sin_port);
        memcpy(to->ip, &in->sin_addr, 4);
        return true;
    }
    if (from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)from;

        to->family = GANDER_IPV6;
        to->port = ntohs(in6->sin6_port);
        memcpy(to->ip, &in6->sin6_addr, 16);
        return true;
    }
    return false;
}

bool network_check_free(const struct option_prefixes *kernel, const char *tun)
{
    struct ifaddrs *all;
    bool free = true;

    if (getifaddrs(&all))
        return true; /* cannot look; the device itself will tell */
    for (const struct ifaddrs *i = all; free && i; i = i->ifa_next) {
        struct gander_address address;
        char text[64];

        if (strcmp(i->ifa_name, tun) == 0 || !address_from_sockaddr(i->ifa_addr, &address))
            continue;
        for (unsigned k = 0; free && k < kernel->count; k++) {
            if (!option_prefix_holds(&kernel->list[k], &address))
                continue;
            message_error("network %s is in use: the kernel has it on interface %s; give another "
                          "--address",
                          prefix_text(&kernel->list[k], text), i->ifa_name);
            free = false;
        }
    }
    freeifaddrs(all);
    return free;
}

/* The loopback of this machine is the kernel's: no packet gets there through a device. */
static bool is_loopback(const struct gander_address *address)
{
    static const uint8_t one[16] = {[15] = 1};

    return address->family == GANDER_IPV4 ? address->ip[0] == 127
                                          : memcmp(address->ip, one, sizeof(one)) == 0;
}

unsigned session_resolve(const struct session *s, const char *host, uint16_t port,
                         struct gander_address list[SESSION_RESOLVE_MAX])
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    char text[GANDER_ADDRESS_TEXT_BYTES];
    bool loopback = false;
    unsigned n = 0;
    int error;

    if (!session_has_family(s, GANDER_IPV6))
        hints.ai_family = AF_INET;
    else if (!session_has_family(s, GANDER_IPV4))
        hints.ai_family = AF_INET6;
    error = getaddrinfo(host, NULL, &hints, &found);
    if (error) {
        message_error("cannot find %s: %s%s", host, gai_strerror(error),
                      hints.ai_family == AF_INET    ? " (looked for IPv4 only)"
                      : hints.ai_family == AF_INET6 ? " (looked for IPv6 only)"
                                                    : "");
        return 0;
    }
    for (const struct addrinfo *i = found; i && n < SESSION_RESOLVE_MAX; i = i->ai_next) {
        if (!address_from_sockaddr(i->ai_addr, &list[n]))
            continue;
        loopback |= is_loopback(&list[n]);
        list[n].port = port;
        n += !is_loopback(&list[n]);
    }
    freeaddrinfo(found);
    if (n > 0)
        return n;
    if (loopback && s->kernel.count)
        message_error("%s is the kernel's loopback, which no packet from outside reaches; this "
                      "machine is %s for gander",
                      host, gander_address_format(&s->kernel.list[0].address, text, sizeof(text)));
    else
        message_error("cannot find %s: it has no address that can be reached", host);
    return n;
}

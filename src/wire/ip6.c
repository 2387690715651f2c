/* SPDX-License-Identifier: MIT */
/*
 * IPv6 headers and their chain of extension headers [RFC8200 3, 4]. The walk is a loop over at most IP6_EXTENSIONS_MAX
 * headers, each bounded by the packet.
 *
 * Left out: the effect of any option (jumbograms too), routing headers with segments left [RFC5095 for type 0; the
 * others make no sense at a host], AH and ESP: all of them are refused as RFC 8200 says.
 */
#include "wire/wire.h"

#include "base/bytes.h"

enum { IP6_EXTENSIONS_MAX = 8 };

enum ip6_next_header {
    IP6_HOP_BY_HOP = 0,
    IP6_ROUTING = 43,
    IP6_FRAGMENT = 44,
    IP6_DESTINATION_OPTIONS = 60
};

enum ip6_option { IP6_PAD1 = 0, IP6_PADN = 1 };

/* RFC 4443 3.4, as it stands in ip_header.problem: the code plus one */
enum ip6_problem { PROBLEM_FIELD = 1, PROBLEM_NEXT_HEADER = 2, PROBLEM_OPTION = 3 };

static enum gander_drop refuse(struct ip_header *header, enum ip6_problem problem, size_t at)
{
    header->problem = (uint8_t)problem;
    header->problem_at = (uint32_t)at;
    return GANDER_DROP_ip_extension;
}

/* The options of a hop-by-hop or destination options header, which fills at … end. The two highest bits of an unknown one
 * say what to do [RFC8200 4.2]. */
static enum gander_drop check_options(const uint8_t *bytes, size_t at, size_t end,
                                      struct ip_header *header)
{
    at += 2;
    while (at < end) {
        uint8_t type = bytes[at];

        if (type == IP6_PAD1) {
            at++;
            continue;
        }
        if (end - at < 2 || bytes[at + 1] > end - at - 2)
            return GANDER_DROP_ip_extension;
        switch (type >> 6) {
        case 0:
            break; /* skip */
        case 1:
            return GANDER_DROP_ip_extension;
        case 2:
            return refuse(header, PROBLEM_OPTION, at);
        default: /* tell the sender unless it was multicast */
            if (header->destination[0] == 0xff)
                return GANDER_DROP_ip_extension;
            return refuse(header, PROBLEM_OPTION, at);
        }
        at += 2 + (size_t)bytes[at + 1];
    }
    return GANDER_DROP_none;
}

/* One extension header of type header->protocol at *at. Moves *at behind it and header->protocol to the next, also when it is
 * refused: an error must not be sent about an error, so the ICMP code has to see what comes next. */
static enum gander_drop step(const uint8_t *bytes, size_t *at, size_t end, struct ip_header *header)
{
    enum gander_drop drop = GANDER_DROP_none;
    size_t start = *at, extension_bytes;

    if (end - start < 8)
        return GANDER_DROP_ip_extension;
    extension_bytes = header->protocol == IP6_FRAGMENT ? 8 : 8 + (size_t)bytes[start + 1] * 8;
    if (extension_bytes > end - start)
        return GANDER_DROP_ip_extension;
    switch (header->protocol) {
    case IP6_HOP_BY_HOP:
        if (start != IP6_HEADER_BYTES) /* only directly behind the IPv6 header [RFC8200 4.1] */
            drop = refuse(header, PROBLEM_NEXT_HEADER, header->protocol_at);
        else
            drop = check_options(bytes, start, start + extension_bytes, header);
        break;
    case IP6_DESTINATION_OPTIONS:
        drop = check_options(bytes, start, start + extension_bytes, header);
        break;
    case IP6_ROUTING:
        if (bytes[start + 3] != 0) /* segments left, of a type not known here [RFC8200 4.4] */
            drop = refuse(header, PROBLEM_FIELD, start + 2);
        break;
    default:
        /* the reserved bits do not count; offset 0 and no more: atomic, a whole packet [RFC6946 4] */
        header->fragment = (get_be16(bytes + start + 2) & 0xfff9) != 0;
        break;
    }
    header->protocol = bytes[start];
    header->protocol_at = (uint32_t)start;
    *at = start + extension_bytes;
    return drop;
}

static bool is_extension(uint8_t next_header)
{
    return next_header == IP6_HOP_BY_HOP || next_header == IP6_ROUTING ||
           next_header == IP6_FRAGMENT || next_header == IP6_DESTINATION_OPTIONS;
}

enum gander_drop wire_ip6_parse(const uint8_t *bytes, size_t len, struct ip_header *header)
{
    size_t at = IP6_HEADER_BYTES, end;

    if (bytes[0] >> 4 != 6)
        return GANDER_DROP_ip_version;
    if (len < IP6_HEADER_BYTES)
        return GANDER_DROP_ip_too_short;
    end = IP6_HEADER_BYTES + (size_t)get_be16(bytes + 4);
    if (end > len)
        return GANDER_DROP_ip_too_short;

    header->family = GANDER_IPV6;
    header->protocol = bytes[6];
    header->ttl = bytes[7];
    header->traffic_class = (uint8_t)(get_be16(bytes) >> 4);
    header->header_bytes = IP6_HEADER_BYTES;
    header->payload_bytes = (uint32_t)(end - IP6_HEADER_BYTES);
    header->fragment = false;
    header->dont_fragment = true;
    header->source = bytes + 8;
    header->destination = bytes + 24;
    header->protocol_at = 6;
    header->problem = 0;
    header->problem_at = 0;

    for (unsigned n = 0; is_extension(header->protocol) && !header->fragment; n++) {
        enum gander_drop drop;

        if (n == IP6_EXTENSIONS_MAX)
            return GANDER_DROP_ip_extension;
        drop = step(bytes, &at, end, header);
        header->header_bytes = (uint32_t)at;
        header->payload_bytes = (uint32_t)(end - at);
        if (drop != GANDER_DROP_none)
            return drop;
    }
    return GANDER_DROP_none;
}

/* SPDX-License-Identifier: MIT */
/*
 * ICMP messages [RFC792, RFC1191 4, RFC4443] and the packets that their errors quote [RFC5927 2].
 *
 * Left out: source quench [RFC6633 1: ignored], redirects, router and neighbour discovery, multicast listeners, timestamps:
 * all ICMP_OTHER. RFC 4884's extensions lie behind what a quote's own header says and are not read.
 */
#include "wire/wire.h"

#include "base/bytes.h"
#include "base/checksum.h"

enum icmp4_type {
    ICMP4_ECHO_REPLY = 0,
    ICMP4_UNREACHABLE = 3,
    ICMP4_ECHO_REQUEST = 8,
    ICMP4_TIME_EXCEEDED = 11,
    ICMP4_PARAMETER_PROBLEM = 12
};

enum icmp6_type {
    ICMP6_UNREACHABLE = 1,
    ICMP6_PACKET_TOO_BIG = 2,
    ICMP6_TIME_EXCEEDED = 3,
    ICMP6_PARAMETER_PROBLEM = 4,
    ICMP6_ECHO_REQUEST = 128,
    ICMP6_ECHO_REPLY = 129
};

static enum icmp_kind icmp4_kind(uint8_t type, uint8_t code)
{
    static const uint8_t unreachable[] = {
        /* by code, RFC 792 and RFC 1812 5.2.7.1 */
        ICMP_UNREACHABLE_NETWORK, ICMP_UNREACHABLE_HOST, ICMP_UNREACHABLE_PROTOCOL,
        ICMP_UNREACHABLE_PORT,    ICMP_PACKET_TOO_BIG,   ICMP_UNREACHABLE_HOST,
        ICMP_UNREACHABLE_NETWORK, ICMP_UNREACHABLE_HOST, ICMP_UNREACHABLE_HOST,
        ICMP_PROHIBITED,          ICMP_PROHIBITED,       ICMP_UNREACHABLE_NETWORK,
        ICMP_UNREACHABLE_HOST,    ICMP_PROHIBITED,       ICMP_PROHIBITED,
        ICMP_PROHIBITED};

    switch (type) {
    case ICMP4_ECHO_REPLY:
        return code == 0 ? ICMP_ECHO_REPLY : ICMP_OTHER;
    case ICMP4_ECHO_REQUEST:
        return code == 0 ? ICMP_ECHO_REQUEST : ICMP_OTHER;
    case ICMP4_UNREACHABLE:
        return code < ARRAY_LEN(unreachable) ? (enum icmp_kind)unreachable[code] : ICMP_OTHER;
    case ICMP4_TIME_EXCEEDED:
        return ICMP_TIME_EXCEEDED;
    case ICMP4_PARAMETER_PROBLEM:
        return ICMP_PARAMETER_PROBLEM;
    default:
        return ICMP_OTHER;
    }
}

static enum icmp_kind icmp6_kind(uint8_t type, uint8_t code)
{
    static const uint8_t unreachable[] = {
        /* by code, RFC 4443 3.1 */
        ICMP_UNREACHABLE_NETWORK, ICMP_PROHIBITED, ICMP_UNREACHABLE_HOST, ICMP_UNREACHABLE_HOST,
        ICMP_UNREACHABLE_PORT,    ICMP_PROHIBITED, ICMP_PROHIBITED};

    switch (type) {
    case ICMP6_UNREACHABLE:
        return code < ARRAY_LEN(unreachable) ? (enum icmp_kind)unreachable[code] : ICMP_OTHER;
    case ICMP6_PACKET_TOO_BIG: /* whatever its code [RFC4443 3.2] */
        return ICMP_PACKET_TOO_BIG;
    case ICMP6_TIME_EXCEEDED:
        return ICMP_TIME_EXCEEDED;
    case ICMP6_PARAMETER_PROBLEM:
        return code == 1 ? ICMP_UNREACHABLE_PROTOCOL : ICMP_PARAMETER_PROBLEM;
    case ICMP6_ECHO_REQUEST:
        return code == 0 ? ICMP_ECHO_REQUEST : ICMP_OTHER;
    case ICMP6_ECHO_REPLY:
        return code == 0 ? ICMP_ECHO_REPLY : ICMP_OTHER;
    default:
        return ICMP_OTHER;
    }
}

enum gander_drop wire_icmp_parse(unsigned family, const uint8_t *bytes, size_t len,
                                 struct icmp_header *header)
{
    bool v4 = family == GANDER_IPV4;

    if (len < ICMP_HEADER_BYTES)
        return GANDER_DROP_icmp_too_short;
    memset(header, 0, sizeof(*header));
    header->type = bytes[0];
    header->code = bytes[1];
    header->kind = v4 ? icmp4_kind(bytes[0], bytes[1]) : icmp6_kind(bytes[0], bytes[1]);
    header->body = bytes + ICMP_HEADER_BYTES;
    header->body_bytes = (uint32_t)(len - ICMP_HEADER_BYTES);
    switch (header->kind) {
    case ICMP_ECHO_REQUEST:
    case ICMP_ECHO_REPLY:
        header->identifier = get_be16(bytes + 4);
        header->sequence = get_be16(bytes + 6);
        break;
    case ICMP_PACKET_TOO_BIG:
        header->mtu = v4 ? get_be16(bytes + 6) : get_be32(bytes + 4);
        break;
    case ICMP_PARAMETER_PROBLEM:
        header->pointer = v4 ? bytes[4] : get_be32(bytes + 4);
        break;
    case ICMP_UNREACHABLE_PROTOCOL:
        header->pointer = v4 ? 0 : get_be32(bytes + 4);
        break;
    default:
        break;
    }
    return GANDER_DROP_none;
}

/* What a kind looks like on the wire; codes of 255 come from the message. */
struct icmp_form {
    uint8_t type4, code4, type6, code6;
};

static struct icmp_form form_of(const struct icmp_header *header)
{
    static const struct icmp_form forms[] = {
        [ICMP_ECHO_REQUEST] = {ICMP4_ECHO_REQUEST, 0, ICMP6_ECHO_REQUEST, 0},
        [ICMP_ECHO_REPLY] = {ICMP4_ECHO_REPLY, 0, ICMP6_ECHO_REPLY, 0},
        [ICMP_UNREACHABLE_NETWORK] = {ICMP4_UNREACHABLE, 0, ICMP6_UNREACHABLE, 0},
        [ICMP_UNREACHABLE_HOST] = {ICMP4_UNREACHABLE, 1, ICMP6_UNREACHABLE, 3},
        [ICMP_UNREACHABLE_PROTOCOL] = {ICMP4_UNREACHABLE, 2, ICMP6_PARAMETER_PROBLEM, 1},
        [ICMP_UNREACHABLE_PORT] = {ICMP4_UNREACHABLE, 3, ICMP6_UNREACHABLE, 4},
        [ICMP_PROHIBITED] = {ICMP4_UNREACHABLE, 13, ICMP6_UNREACHABLE, 1},
        [ICMP_PACKET_TOO_BIG] = {ICMP4_UNREACHABLE, 4, ICMP6_PACKET_TOO_BIG, 0},
        [ICMP_TIME_EXCEEDED] = {ICMP4_TIME_EXCEEDED, 255, ICMP6_TIME_EXCEEDED, 255},
        [ICMP_PARAMETER_PROBLEM] = {ICMP4_PARAMETER_PROBLEM, 255, ICMP6_PARAMETER_PROBLEM, 255},
    };

    if (header->kind < ICMP_OTHER)
        return forms[header->kind];
    return (struct icmp_form){header->type, 255, header->type, 255};
}

size_t wire_icmp_emit(unsigned family, uint8_t *bytes, const struct icmp_header *header)
{
    bool v4 = family == GANDER_IPV4;
    struct icmp_form form = form_of(header);
    uint8_t code = v4 ? form.code4 : form.code6;

    bytes[0] = v4 ? form.type4 : form.type6;
    bytes[1] = code == 255 ? header->code : code;
    put_be16(bytes + 2, 0);
    put_be32(bytes + 4, 0);
    switch (header->kind) {
    case ICMP_ECHO_REQUEST:
    case ICMP_ECHO_REPLY:
        put_be16(bytes + 4, header->identifier);
        put_be16(bytes + 6, header->sequence);
        break;
    case ICMP_PACKET_TOO_BIG:
        if (v4)
            put_be16(bytes + 6, (uint16_t)header->mtu);
        else
            put_be32(bytes + 4, header->mtu);
        break;
    case ICMP_PARAMETER_PROBLEM:
        if (v4)
            bytes[4] = (uint8_t)header->pointer;
        else
            put_be32(bytes + 4, header->pointer);
        break;
    case ICMP_UNREACHABLE_PROTOCOL:
        if (!v4)
            put_be32(bytes + 4, header->pointer);
        break;
    default:
        break;
    }
    return ICMP_HEADER_BYTES;
}

void wire_icmp_checksum(uint8_t *header, uint64_t sum)
{
    checksum_store(header + 2, checksum_finish(checksum_add(sum, header, ICMP_HEADER_BYTES)));
}

/* --- quotes ---------------------------------------------------------------------------------- */

static enum gander_drop quote_ip4(const uint8_t *bytes, size_t len, struct icmp_quote *quote,
                                  size_t *transport)
{
    if (len < IP4_HEADER_BYTES)
        return GANDER_DROP_icmp_too_short;
    *transport = (bytes[0] & 0xfU) * 4;
    if (bytes[0] >> 4 != 4 || *transport < IP4_HEADER_BYTES)
        return GANDER_DROP_icmp_no_socket;
    if (get_be16(bytes + 6) & 0x1fff) /* a later fragment has no ports, and we send none */
        return GANDER_DROP_icmp_no_socket;
    quote->protocol = bytes[9];
    quote->source = bytes + 12;
    quote->destination = bytes + 16;
    quote->total_bytes = get_be16(bytes + 2);
    return GANDER_DROP_none;
}

/* We send no extension headers, so a quote with one is not of ours. */
static enum gander_drop quote_ip6(const uint8_t *bytes, size_t len, struct icmp_quote *quote,
                                  size_t *transport)
{
    if (len < IP6_HEADER_BYTES)
        return GANDER_DROP_icmp_too_short;
    if (bytes[0] >> 4 != 6)
        return GANDER_DROP_icmp_no_socket;
    *transport = IP6_HEADER_BYTES;
    quote->protocol = bytes[6];
    quote->source = bytes + 8;
    quote->destination = bytes + 24;
    quote->total_bytes = IP6_HEADER_BYTES + (uint32_t)get_be16(bytes + 4);
    return GANDER_DROP_none;
}

enum gander_drop wire_icmp_quote(unsigned family, const uint8_t *bytes, size_t len,
                                 struct icmp_quote *quote)
{
    bool v4 = family == GANDER_IPV4;
    size_t at = 0;
    enum gander_drop drop;

    memset(quote, 0, sizeof(*quote));
    drop = v4 ? quote_ip4(bytes, len, quote, &at) : quote_ip6(bytes, len, quote, &at);
    if (drop != GANDER_DROP_none)
        return drop;
    if (len < at + 8)
        return GANDER_DROP_icmp_too_short;
    quote->family = (uint8_t)family;
    bytes += at;
    switch (quote->protocol) {
    case IP_PROTOCOL_TCP:
        quote->seq = get_be32(bytes + 4);
        /* fall through */
    case IP_PROTOCOL_UDP:
        quote->source_port = get_be16(bytes);
        quote->destination_port = get_be16(bytes + 2);
        return GANDER_DROP_none;
    case IP_PROTOCOL_ICMP:
    case IP_PROTOCOL_ICMPV6:
        if (quote->protocol != (v4 ? IP_PROTOCOL_ICMP : IP_PROTOCOL_ICMPV6) ||
            bytes[0] != (v4 ? ICMP4_ECHO_REQUEST : ICMP6_ECHO_REQUEST) || bytes[1] != 0)
            return GANDER_DROP_icmp_no_socket;
        quote->source_port = get_be16(bytes + 4);
        return GANDER_DROP_none;
    default:
        return GANDER_DROP_icmp_no_socket;
    }
}

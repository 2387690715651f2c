/* SPDX-License-Identifier: MIT */
/*
 * IPv4 headers [RFC791, RFC1122 3.2.1], and the emitter for both families.
 *
 * Left out: options. They are counted into the header's length and never looked at, so neither source routes nor anything
 * else in them is obeyed or reflected.
 */
#include "wire/wire.h"

#include "base/bytes.h"
#include "base/checksum.h"

enum { IP4_MORE_FRAGMENTS = 0x2000, IP4_DONT_FRAGMENT = 0x4000, IP4_OFFSET_MASK = 0x1fff };

enum gander_drop wire_ip4_parse(const uint8_t *bytes, size_t len, struct ip_header *header)
{
    uint32_t header_bytes, total_bytes;
    uint16_t fragment;

    if (bytes[0] >> 4 != 4)
        return GANDER_DROP_ip_version;
    if (len < IP4_HEADER_BYTES)
        return GANDER_DROP_ip_too_short;
    header_bytes = (bytes[0] & 0xfU) * 4;
    total_bytes = get_be16(bytes + 2);
    if (header_bytes < IP4_HEADER_BYTES || header_bytes > len || header_bytes > total_bytes)
        return GANDER_DROP_ip_header;
    if (total_bytes > len)
        return GANDER_DROP_ip_too_short;
    if (checksum_finish(checksum_header(0, bytes, header_bytes)) != 0)
        return GANDER_DROP_ip_checksum;

    fragment = get_be16(bytes + 6);
    header->family = GANDER_IPV4;
    header->protocol = bytes[9];
    header->ttl = bytes[8];
    header->traffic_class = bytes[1];
    header->header_bytes = header_bytes;
    header->payload_bytes = total_bytes - header_bytes;
    header->fragment = (fragment & (IP4_MORE_FRAGMENTS | IP4_OFFSET_MASK)) != 0;
    header->dont_fragment = (fragment & IP4_DONT_FRAGMENT) != 0;
    header->source = bytes + 12;
    header->destination = bytes + 16;
    header->protocol_at = 9;
    header->problem = 0;
    header->problem_at = 0;
    return GANDER_DROP_none;
}

static size_t ip4_emit(uint8_t *bytes, const struct ip_header *header)
{
    bytes[0] = 4 << 4 | IP4_HEADER_BYTES / 4;
    bytes[1] = header->traffic_class;
    put_be16(bytes + 2, (uint16_t)(IP4_HEADER_BYTES + header->payload_bytes));
    /* never fragmented, so the ID says nothing and gives nothing away [RFC6864 4.1] */
    put_be32(bytes + 4, IP4_DONT_FRAGMENT);
    bytes[8] = header->ttl;
    bytes[9] = header->protocol;
    put_be16(bytes + 10, 0);
    memcpy(bytes + 12, header->source, 4);
    memcpy(bytes + 16, header->destination, 4);
    checksum_store(bytes + 10, checksum_finish(checksum_header(0, bytes, IP4_HEADER_BYTES)));
    return IP4_HEADER_BYTES;
}

static size_t ip6_emit(uint8_t *bytes, const struct ip_header *header)
{
    put_be32(bytes,
             6U << 28 | (uint32_t)header->traffic_class << 20); /* flow label 0 [RFC8200 6] */
    put_be16(bytes + 4, (uint16_t)header->payload_bytes);
    bytes[6] = header->protocol;
    bytes[7] = header->ttl;
    memcpy(bytes + 8, header->source, 16);
    memcpy(bytes + 24, header->destination, 16);
    return IP6_HEADER_BYTES;
}

size_t wire_ip_emit(uint8_t *bytes, const struct ip_header *header)
{
    return header->family == GANDER_IPV4 ? ip4_emit(bytes, header) : ip6_emit(bytes, header);
}

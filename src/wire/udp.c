/* SPDX-License-Identifier: MIT */
/* UDP headers [RFC768, RFC1122 4.1, RFC8200 8.1]. */
#include "wire/wire.h"

#include "base/bytes.h"
#include "base/checksum.h"

enum gander_drop wire_udp_parse(const uint8_t *bytes, size_t len, struct udp_header *header)
{
    if (len < UDP_HEADER_BYTES)
        return GANDER_DROP_udp_too_short;
    header->source_port = get_be16(bytes);
    header->destination_port = get_be16(bytes + 2);
    header->length = get_be16(bytes + 4);
    header->has_checksum = get_be16(bytes + 6) != 0;
    if (header->length < UDP_HEADER_BYTES || header->length > len)
        return GANDER_DROP_udp_length;
    return GANDER_DROP_none;
}

size_t wire_udp_emit(uint8_t *bytes, const struct udp_header *header, uint64_t sum)
{
    uint16_t checksum;

    put_be16(bytes, header->source_port);
    put_be16(bytes + 2, header->destination_port);
    put_be16(bytes + 4, header->length);
    put_be16(bytes + 6, 0);
    checksum = checksum_finish(checksum_add(sum, bytes, UDP_HEADER_BYTES));
    checksum_store(bytes + 6, checksum ? checksum : 0xffff); /* 0 would mean "none" [RFC768] */
    return UDP_HEADER_BYTES;
}

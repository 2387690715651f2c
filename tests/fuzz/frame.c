/* SPDX-License-Identifier: MIT */
/* Packets as bytes; see frame.h. Checksums are added up the slow and plain way [RFC1071 1]. */
#include "frame.h"

enum { IP4_BYTES = 20, IP6_BYTES = 40 };

static uint32_t add_up(uint32_t sum, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

uint8_t *frame_begin(struct frame *frame, const struct gander_address *from,
                     const struct gander_address *to, uint8_t protocol, uint32_t payload_bytes)
{
    uint32_t header = to->family == GANDER_IPV4 ? IP4_BYTES : IP6_BYTES;
    uint8_t *b = frame->bytes;

    CHECK(header + payload_bytes <= FRAME_MAX_BYTES);
    frame->len = header + payload_bytes;
    memset(b, 0, frame->len);
    if (to->family == GANDER_IPV4) {
        b[0] = 0x45;
        frame_put16(b + 2, frame->len);
        b[8] = 64;
        b[9] = protocol;
        memcpy(b + 12, from->ip, 4);
        memcpy(b + 16, to->ip, 4);
    } else {
        b[0] = 0x60;
        frame_put16(b + 4, payload_bytes);
        b[6] = protocol;
        b[7] = 64;
        memcpy(b + 8, from->ip, 16);
        memcpy(b + 24, to->ip, 16);
    }
    return b + header;
}

static uint32_t transport_ip6(const struct frame *frame, uint8_t *protocol)
{
    const uint8_t *b = frame->bytes;
    uint32_t at = IP6_BYTES;

    *protocol = b[6];
    while (*protocol == 0 || *protocol == 43 || *protocol == 44 || *protocol == 60) {
        uint32_t bytes;

        if (at + 8 > frame->len)
            return 0;
        bytes = *protocol == 44 ? 8 : ((uint32_t)b[at + 1] + 1) * 8;
        *protocol = b[at];
        at += bytes;
    }
    return at <= frame->len ? at : 0;
}

uint32_t frame_transport(const struct frame *frame, uint8_t *protocol)
{
    const uint8_t *b = frame->bytes;
    uint32_t at;

    if (frame->len >= IP6_BYTES && b[0] >> 4 == 6)
        return transport_ip6(frame, protocol);
    if (frame->len < IP4_BYTES || b[0] >> 4 != 4)
        return 0;
    at = (b[0] & 0xfU) * 4;
    *protocol = b[9];
    return at >= IP4_BYTES && at <= frame->len ? at : 0;
}

/* What the IP header says is there, but no more than there is. */
static uint32_t end_of(const struct frame *frame)
{
    const uint8_t *b = frame->bytes;
    uint32_t end = b[0] >> 4 == 4 ? frame_get16(b + 2) : IP6_BYTES + (uint32_t)frame_get16(b + 4);

    return end < frame->len ? end : frame->len;
}

/* Over pseudo header and payload; 0xffff if the checksum in there is right. */
static uint32_t transport_sum(const struct frame *frame, uint32_t at, uint32_t end,
                              uint8_t protocol)
{
    const uint8_t *b = frame->bytes;
    uint32_t sum = 0;

    if (protocol != FRAME_ICMP4) {
        sum = b[0] >> 4 == 4 ? add_up(0, b + 12, 8) : add_up(0, b + 8, 32);
        sum += protocol + (end - at);
    }
    return add_up(sum, b + at, end - at);
}

void frame_fix(struct frame *frame)
{
    static const uint8_t fields[256] = {
        [FRAME_TCP] = 16, [FRAME_UDP] = 6, [FRAME_ICMP4] = 2, [FRAME_ICMP6] = 2};
    uint8_t *b = frame->bytes, protocol = 0;
    uint32_t at = frame_transport(frame, &protocol), end, field, sum;

    if (at == 0)
        return;
    if (b[0] >> 4 == 4) {
        frame_put16(b + 10, 0);
        frame_put16(b + 10, 0xffff - add_up(0, b, (b[0] & 0xfU) * 4));
    }
    end = end_of(frame);
    field = at + fields[protocol];
    if (fields[protocol] == 0 || field + 2 > end)
        return;
    frame_put16(b + field, 0);
    if (protocol == FRAME_UDP && at + frame_get16(b + at + 4) < end) /* the rest is padding */
        end = at + frame_get16(b + at + 4);
    if (end <= at)
        return;
    sum = 0xffff - transport_sum(frame, at, end, protocol);
    frame_put16(b + field, sum == 0 && protocol == FRAME_UDP ? 0xffff : sum);
}

void frame_fix_length(struct frame *frame)
{
    uint8_t *b = frame->bytes;

    if (frame->len >= IP6_BYTES && b[0] >> 4 == 6)
        frame_put16(b + 4, frame->len - IP6_BYTES);
    else if (frame->len >= IP4_BYTES)
        frame_put16(b + 2, frame->len);
}

uint32_t frame_check(const struct frame *frame, uint32_t mtu_bytes, uint8_t *protocol)
{
    const uint8_t *b = frame->bytes;
    uint32_t at = frame_transport(frame, protocol);

    CHECK(at > 0 && frame->len <= mtu_bytes);
    if (b[0] >> 4 == 4) {
        CHECK(frame_get16(b + 2) == frame->len);
        CHECK(add_up(0, b, at) == 0xffff);
        CHECK(b[8] > 0);
    } else {
        CHECK(frame_get16(b + 4) == frame->len - IP6_BYTES);
        CHECK(b[7] > 0);
    }
    CHECK(transport_sum(frame, at, frame->len, *protocol) == 0xffff);
    if (*protocol == FRAME_TCP) {
        CHECK(frame->len - at >= 20 && (b[at + 12] >> 4) >= 5);
        CHECK((b[at + 12] >> 4) * 4U <= frame->len - at);
        CHECK((b[at + 13] & 0x06) != 0x06); /* never SYN and RST */
    }
    return at;
}

/* SPDX-License-Identifier: MIT */
/*
 * TCP headers and options: RFC 9293 3.1 and 3.2, window scale and timestamps [RFC7323 2.2, 3.2], SACK [RFC2018 2, 3], accurate ECN
 * [RFC9768 3.2.3], fast open [RFC7413 4.1.1], user timeout [RFC5482 3.3].
 *
 * Left out: every other option; they are skipped by their length [RFC9293 MUST-6]. What flags make sense together and what
 * the numbers mean is for the state machine to say.
 */
#include "wire/wire.h"

#include "base/bytes.h"
#include "base/checksum.h"

enum tcp_option_kind {
    OPTION_END = 0,
    OPTION_NOP = 1,
    OPTION_MSS = 2,
    OPTION_WSCALE = 3,
    OPTION_SACK_PERMITTED = 4,
    OPTION_SACK = 5,
    OPTION_TIMESTAMP = 8,
    OPTION_USER_TIMEOUT = 28,
    OPTION_FASTOPEN = 34,
    OPTION_ACCECN0 = 172,
    OPTION_ACCECN1 = 174
};

enum {
    MSS_BYTES = 4,
    WSCALE_BYTES = 3,
    SACK_PERMITTED_BYTES = 2,
    TIMESTAMP_BYTES = 10,
    USER_TIMEOUT_BYTES = 4,
    WSCALE_MAX = 14,
    OPTIONS_MAX_BYTES = 40,
    /* NOP NOP before a 10-byte timestamp: how almost every segment of a connection begins its options [RFC7323 A] */
    TIMESTAMP_PADDED_BYTES = 12
};

#define TIMESTAMP_PADDED 0x0101080aU

/* --- parse ----------------------------------------------------------------------------------- */

static void take_timestamp(const uint8_t *option, struct tcp_segment *segment)
{
    if (segment->has_timestamp)
        return;
    segment->has_timestamp = true;
    segment->tsval = get_be32(option + 2);
    segment->tsecr = get_be32(option + 6);
}

static void take_sack(const uint8_t *option, uint32_t length, struct tcp_segment *segment)
{
    if (segment->sack_blocks)
        return;
    for (uint32_t at = 2; at < length; at += 8) {
        segment->sack[segment->sack_blocks].left = get_be32(option + at);
        segment->sack[segment->sack_blocks].right = get_be32(option + at + 4);
        segment->sack_blocks++; /* bounded: 40 bytes of options hold at most 4 */
    }
}

/* An option that has a meaning on a SYN alone. */
static bool take_syn_option(const uint8_t *option, uint32_t length, struct tcp_segment *segment)
{
    switch (option[0]) {
    case OPTION_MSS:
        if (length != MSS_BYTES)
            return false;
        if (!segment->mss)
            segment->mss = get_be16(option + 2);
        return true;
    case OPTION_WSCALE:
        if (length != WSCALE_BYTES)
            return false;
        if (!segment->has_wscale) {
            segment->has_wscale = true;
            segment->wscale = option[2] > WSCALE_MAX ? WSCALE_MAX : option[2]; /* [RFC7323 2.3] */
        }
        return true;
    default:
        if (length != SACK_PERMITTED_BYTES)
            return false;
        segment->sack_permitted = true;
        return true;
    }
}

/* Of any length: the whole fields that are there count [RFC9768 3.2.3]. */
static void take_accecn(const uint8_t *option, uint32_t length, struct tcp_segment *segment)
{
    struct tcp_accecn_option *a = &segment->accecn;
    uint32_t field[3] = {0, 0, 0};

    if ((segment->rare & TCP_RARE_ACCECN) || length < 5)
        return;
    segment->rare |= TCP_RARE_ACCECN;
    a->order = option[0] == OPTION_ACCECN1;
    a->fields = (uint8_t)min_u32((length - 2) / 3, 3);
    for (uint32_t i = 0; i < a->fields; i++)
        field[i] = (uint32_t)option[2 + 3 * i] << 16 | get_be16(option + 3 + 3 * i);
    a->e0b = field[a->order ? 2 : 0];
    a->ceb = field[1];
    a->e1b = field[a->order ? 0 : 2];
}

/* A cookie of another length than 4 … 16 bytes, or an odd one, is ignored [RFC7413 4.1.1]. */
static void take_fastopen(const uint8_t *option, uint32_t length, struct tcp_segment *segment)
{
    uint32_t n = length - 2;

    if ((segment->rare & TCP_RARE_FASTOPEN) || n > TCP_FASTOPEN_MAX_BYTES || (n & 1) ||
        (n > 0 && n < 4))
        return;
    segment->rare |= TCP_RARE_FASTOPEN;
    segment->fastopen_bytes = (uint8_t)n;
    memcpy(segment->fastopen, option + 2, n);
}

/* They are advice, or look after themselves: what has a wrong length is passed over. */
static void take_rare_option(const uint8_t *option, uint32_t length, struct tcp_segment *segment)
{
    if (option[0] == OPTION_FASTOPEN) {
        if (segment->flags & GANDER_FLAG_SYN)
            take_fastopen(option, length, segment);
    } else if (option[0] != OPTION_USER_TIMEOUT) {
        take_accecn(option, length, segment);
    } else if (length == USER_TIMEOUT_BYTES) {
        segment->rare |= TCP_RARE_USER_TIMEOUT;
        segment->user_timeout = get_be16(option + 2);
    }
}

/* One option of `length` bytes, all there. False: no such option has this length. */
static bool take_option(const uint8_t *option, uint32_t length, struct tcp_segment *segment)
{
    bool syn = segment->flags & GANDER_FLAG_SYN;

    switch (option[0]) {
    case OPTION_MSS:
    case OPTION_WSCALE:
    case OPTION_SACK_PERMITTED:
        return !syn || take_syn_option(option, length, segment);
    case OPTION_TIMESTAMP:
        if (length != TIMESTAMP_BYTES)
            return false;
        take_timestamp(option, segment);
        return true;
    case OPTION_SACK:
        if (syn)
            return true;
        if (length < 10 || (length - 2) % 8 != 0)
            return false;
        take_sack(option, length, segment);
        return true;
    case OPTION_ACCECN0:
    case OPTION_ACCECN1:
    case OPTION_FASTOPEN:
    case OPTION_USER_TIMEOUT:
        take_rare_option(option, length, segment);
        return true;
    default:
        return true;
    }
}

static enum gander_drop parse_options(const uint8_t *option, uint32_t left,
                                      struct tcp_segment *segment)
{
    while (left > 0 && option[0] != OPTION_END) {
        uint32_t length = 1;

        if (option[0] != OPTION_NOP) {
            if (left < 2 || option[1] < 2 || option[1] > left)
                return GANDER_DROP_tcp_option; /* also length 0, which would never end [RFC9293 MUST-7] */
            length = option[1];
            if (!take_option(option, length, segment))
                return GANDER_DROP_tcp_option;
        }
        option += length;
        left -= length;
    }
    return GANDER_DROP_none;
}

enum gander_drop wire_tcp_parse(const uint8_t *bytes, size_t len, struct tcp_segment *segment)
{
    uint32_t header_bytes;
    const uint8_t *options = bytes + TCP_HEADER_BYTES;

    if (len < TCP_HEADER_BYTES)
        return GANDER_DROP_tcp_too_short;
    header_bytes = (uint32_t)(bytes[12] >> 4) * 4;
    if (header_bytes < TCP_HEADER_BYTES || header_bytes > len)
        return GANDER_DROP_tcp_header;

    segment->source_port = get_be16(bytes);
    segment->destination_port = get_be16(bytes + 2);
    segment->seq = get_be32(bytes + 4);
    segment->ack = get_be32(bytes + 8);
    segment->flags = bytes[13];
    segment->ae = bytes[12] & 1;
    segment->wnd = get_be16(bytes + 14);
    segment->up = get_be16(bytes + 18);
    segment->header_bytes = (uint8_t)header_bytes;
    segment->text_len = (uint32_t)len - header_bytes;
    segment->len = segment->text_len + ((segment->flags & GANDER_FLAG_SYN) ? 1 : 0) +
                   ((segment->flags & GANDER_FLAG_FIN) ? 1 : 0);
    segment->has_timestamp = segment->has_wscale = segment->sack_permitted = false;
    segment->wscale = segment->sack_blocks = segment->rare = 0;
    segment->mss = 0;
    segment->tsval = segment->tsecr = 0;

    if (header_bytes == TCP_HEADER_BYTES)
        return GANDER_DROP_none;
    if (LIKELY(header_bytes == TCP_HEADER_BYTES + TIMESTAMP_PADDED_BYTES &&
               get_be32(options) == TIMESTAMP_PADDED)) {
        take_timestamp(options + 2, segment);
        return GANDER_DROP_none;
    }
    return parse_options(options, header_bytes - TCP_HEADER_BYTES, segment);
}

/* --- emit ------------------------------------------------------------------------------------ */

/* What the options take, and how much of those that can be shorter fits. */
struct layout {
    uint32_t bytes, sack_blocks, accecn_fields;
};

static uint32_t padded(uint32_t bytes)
{
    return (bytes + 3) & ~3U;
}

static void layout_syn(const struct tcp_segment *segment, struct layout *l)
{
    if (segment->mss)
        l->bytes += MSS_BYTES;
    if (segment->has_wscale)
        l->bytes += 4;
    if (segment->sack_permitted && !segment->has_timestamp)
        l->bytes += 4; /* otherwise it takes the place of the timestamp's padding */
    if (segment->rare & TCP_RARE_FASTOPEN)
        l->bytes += padded(2U + segment->fastopen_bytes);
}

/* Blocks and AccECN fields share what is left: two blocks, the fields, more blocks [RFC9768 3.2.3.3]. */
static void layout_rest(const struct tcp_segment *segment, uint32_t blocks, struct layout *l)
{
    uint32_t room = OPTIONS_MAX_BYTES - l->bytes, fields = 0;

    if (blocks)
        blocks = min_u32(blocks, room >= 12 ? (room - 4) / 8 : 0);
    if (segment->rare & TCP_RARE_ACCECN) {
        uint32_t first = min_u32(blocks, 2), left = room - (first ? 4 + 8 * first : 0);

        for (fields = segment->accecn.fields; fields && padded(2 + 3 * fields) > left; fields--) {
        }
        if (fields && blocks > first) {
            left -= padded(2 + 3 * fields);
            blocks = first + min_u32(blocks - first, left / 8);
        }
    }
    l->sack_blocks = blocks;
    l->accecn_fields = fields;
    l->bytes += (blocks ? 4 + 8 * blocks : 0) + (fields ? padded(2 + 3 * fields) : 0);
}

static struct layout layout_of(const struct tcp_segment *segment)
{
    struct layout l = {0, 0, 0};
    bool syn = segment->flags & GANDER_FLAG_SYN;
    uint32_t blocks = syn ? 0 : segment->sack_blocks;

    if (syn)
        layout_syn(segment, &l);
    if (segment->has_timestamp)
        l.bytes += TIMESTAMP_PADDED_BYTES;
    if (segment->rare & TCP_RARE_USER_TIMEOUT)
        l.bytes += USER_TIMEOUT_BYTES;
    if (blocks || (segment->rare & TCP_RARE_ACCECN))
        layout_rest(segment, blocks, &l);
    return l;
}

size_t wire_tcp_header_bytes(const struct tcp_segment *segment)
{
    return TCP_HEADER_BYTES + layout_of(segment).bytes;
}

static uint8_t *emit_syn_options(uint8_t *p, const struct tcp_segment *segment)
{
    if (segment->mss) {
        p[0] = OPTION_MSS;
        p[1] = MSS_BYTES;
        put_be16(p + 2, segment->mss);
        p += MSS_BYTES;
    }
    if (segment->sack_permitted && !segment->has_timestamp) {
        put_be32(p, 0x01010402);
        p += 4;
    }
    return p;
}

/* Behind the timestamp, where kernels have it: what looks at SYNs knows that order best. */
static uint8_t *emit_wscale(uint8_t *p, uint8_t wscale)
{
    p[0] = OPTION_NOP;
    p[1] = OPTION_WSCALE;
    p[2] = WSCALE_BYTES;
    p[3] = wscale;
    return p + 4;
}

/* Kind and length of an option, with no-operations before it up to a multiple of 4; returns where the rest goes. */
static uint8_t *emit_option(uint8_t *p, uint8_t kind, uint32_t bytes)
{
    for (uint32_t n = bytes; n < padded(bytes); n++)
        *p++ = OPTION_NOP;
    p[0] = kind;
    p[1] = (uint8_t)bytes;
    return p + 2;
}

static uint8_t *emit_accecn(uint8_t *p, const struct tcp_accecn_option *a, uint32_t fields)
{
    const uint32_t field[3] = {a->order ? a->e1b : a->e0b, a->ceb, a->order ? a->e0b : a->e1b};

    fields = fields < 3 ? fields : 3;
    p = emit_option(p, a->order ? OPTION_ACCECN1 : OPTION_ACCECN0, 2 + 3 * fields);
    for (uint32_t i = 0; i < fields; i++, p += 3) {
        p[0] = (uint8_t)(field[i] >> 16);
        put_be16(p + 1, (uint16_t)field[i]);
    }
    return p;
}

static uint8_t *emit_rare(uint8_t *p, const struct tcp_segment *segment, uint32_t accecn_fields)
{
    if (accecn_fields)
        p = emit_accecn(p, &segment->accecn, accecn_fields);
    if ((segment->rare & TCP_RARE_FASTOPEN) && (segment->flags & GANDER_FLAG_SYN)) {
        p = emit_option(p, OPTION_FASTOPEN, 2U + segment->fastopen_bytes);
        memcpy(p, segment->fastopen, segment->fastopen_bytes);
        p += segment->fastopen_bytes;
    }
    if (segment->rare & TCP_RARE_USER_TIMEOUT) {
        p = emit_option(p, OPTION_USER_TIMEOUT, USER_TIMEOUT_BYTES);
        put_be16(p, segment->user_timeout);
        p += 2;
    }
    return p;
}

static uint8_t *emit_sack(uint8_t *p, const struct tcp_segment *segment, uint32_t blocks)
{
    put_be32(p, 0x01010500U | (2 + blocks * 8));
    p += 4;
    for (uint32_t i = 0; i < blocks; i++, p += 8) {
        put_be32(p, segment->sack[i].left);
        put_be32(p + 4, segment->sack[i].right);
    }
    return p;
}

size_t wire_tcp_emit(uint8_t *bytes, const struct tcp_segment *segment)
{
    uint8_t *p = bytes + TCP_HEADER_BYTES;
    bool syn = segment->flags & GANDER_FLAG_SYN;
    const struct layout l = layout_of(segment);

    if (syn)
        p = emit_syn_options(p, segment);
    if (segment->has_timestamp) {
        put_be32(p, syn && segment->sack_permitted ? 0x0402080aU : TIMESTAMP_PADDED);
        put_be32(p + 4, segment->tsval);
        put_be32(p + 8, segment->tsecr);
        p += TIMESTAMP_PADDED_BYTES;
    }
    if (syn && segment->has_wscale)
        p = emit_wscale(p, segment->wscale);
    if (l.sack_blocks)
        p = emit_sack(p, segment, l.sack_blocks);
    if (UNLIKELY(segment->rare))
        p = emit_rare(p, segment, l.accecn_fields);
    put_be16(bytes, segment->source_port);
    put_be16(bytes + 2, segment->destination_port);
    put_be32(bytes + 4, segment->seq);
    put_be32(bytes + 8, segment->ack);
    /* bytes / 4 in the upper half; reserved bits 0 */
    bytes[12] = (uint8_t)((size_t)(p - bytes) << 2 | segment->ae);
    bytes[13] = segment->flags;
    put_be16(bytes + 14, (uint16_t)segment->wnd);
    put_be16(bytes + 16, 0);
    put_be16(bytes + 18, segment->up);
    return (size_t)(p - bytes);
}

void wire_tcp_checksum(uint8_t *header, size_t header_bytes, uint64_t pseudo_and_payload)
{
    checksum_store(header + 16,
                   checksum_finish(checksum_header(pseudo_and_payload, header, header_bytes)));
}

/* SPDX-License-Identifier: MIT */
/* TCP segments for tests, see segment.h. RFC 9293 3.1, RFC 791, RFC 8200, RFC 7323, RFC 2018. */
#include "segment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gander/gander.h>

enum {
    PROTOCOL_TCP = 6,
    OPTION_END = 0,
    OPTION_NOP,
    OPTION_MSS,
    OPTION_WS,
    OPTION_SACKOK,
    OPTION_SACK,
    OPTION_TS = 8,
    OPTION_UTO = 28,
    OPTION_FO = 34,
    OPTION_ACCECN0 = 172,
    OPTION_ACCECN1 = 174
};

static const char flag_letters[] = "FSRPAUEWN"; /* in the order of their bits on the wire */

/* --- text ------------------------------------------------------------------------------------ */

static bool parse_flags(const char *word, size_t len, struct segment *segment)
{
    if (len == 1 && *word == '-')
        return true;
    for (size_t i = 0; i < len; i++) {
        const char *letter = strchr(flag_letters, word[i]);

        if (word[i] == 'p') {
            segment->fields |= FIELD_PSH_OFF;
        } else if (letter) {
            segment->flags |= (uint16_t)(1u << (letter - flag_letters));
            if (word[i] == 'P')
                segment->fields |= FIELD_PSH_ON;
        } else {
            return false;
        }
    }
    return len > 0;
}

static bool parse_sack(char *value, struct segment *segment)
{
    char *end = value;

    do {
        if (segment->sacks == SEGMENT_SACK_MAX)
            return false;
        segment->sack[segment->sacks][0] = strtoll(end, &end, 0);
        if (*end++ != '-')
            return false;
        segment->sack[segment->sacks++][1] = strtoll(end, &end, 0);
    } while (*end++ == ',');
    return end[-1] == 0;
}

static bool parse_bytes(const char *value, uint8_t *bytes, unsigned max, unsigned *n)
{
    unsigned byte;

    for (; *value; value += 2) {
        if (*n == max || sscanf(value, "%2x", &byte) != 1 || !value[1])
            return false;
        bytes[(*n)++] = (uint8_t)byte;
    }
    return true;
}

static bool parse_accecn(char *value, unsigned order, struct segment *segment)
{
    char *end = value;

    segment->fields |= FIELD_ACCECN;
    segment->accecn_order = order;
    do {
        if (segment->accecn_fields == 3)
            return false;
        segment->accecn[segment->accecn_fields++] = (uint32_t)strtoul(end, &end, 0);
    } while (*end++ == ',');
    return end[-1] == 0;
}

static bool parse_flag_word(const char *word, struct segment *segment)
{
    static const struct {
        const char *name;
        uint32_t field;
    } words[] = {{"sackok", FIELD_SACKOK},
                 {"nomss", FIELD_NOMSS},
                 {"nows", FIELD_NOWS},
                 {"nosackok", FIELD_NOSACKOK},
                 {"nots", FIELD_NOTS},
                 {"nosack", FIELD_NOSACK},
                 {"badsum", FIELD_BADSUM},
                 {"multicast", FIELD_MULTICAST},
                 {"badsource", FIELD_BADSOURCE},
                 {"noaccecn", FIELD_NOACCECN},
                 {"fo", FIELD_FO},
                 {"nofo", FIELD_NOFO}};

    if (strcmp(word, "nouto") == 0)
        return segment->nouto = true;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(word, words[i].name) == 0) {
            segment->fields |= words[i].field;
            return true;
        }
    }
    return false;
}

static bool parse_number(const char *key, long long value, struct segment *segment)
{
    struct segment *s = segment;
    const struct {
        const char *name;
        uint32_t field;
        int64_t *wide;
        uint32_t *number;
        uint8_t *byte;
    } keys[] = {
        {"seq", FIELD_SEQ, &s->seq, NULL, NULL},
        {"ack", FIELD_ACK, &s->ack, NULL, NULL},
        {"len", FIELD_LEN, NULL, &s->len, NULL},
        {"wnd", FIELD_WND, NULL, &s->wnd, NULL},
        {"up", FIELD_UP, NULL, &s->up, NULL},
        {"mss", FIELD_MSS, NULL, &s->mss, NULL},
        {"ws", FIELD_WS, NULL, &s->ws, NULL},
        {"fill", FIELD_FILL, NULL, NULL, &s->fill},
        {"offset", FIELD_OFFSET, NULL, NULL, &s->offset},
        {"why", FIELD_WHY, NULL, NULL, &s->why},
        {"ttl", FIELD_TTL, NULL, NULL, &s->ttl},
        {"tc", FIELD_TC, NULL, NULL, &s->tc},
        {"uto", FIELD_UTO, NULL, &s->uto, NULL},
    };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(key, keys[i].name) != 0)
            continue;
        segment->fields |= keys[i].field;
        if (keys[i].wide)
            *keys[i].wide = value;
        else if (keys[i].number)
            *keys[i].number = (uint32_t)value;
        else
            *keys[i].byte = (uint8_t)value;
        return true;
    }
    return false;
}

static bool parse_pair(char *key, char *value, struct segment *segment)
{
    char *end;
    long long number;

    if (strcmp(key, "sack") == 0) {
        segment->fields |= FIELD_SACK;
        return parse_sack(value, segment);
    }
    if (strcmp(key, "opt") == 0) {
        segment->fields |= FIELD_OPT;
        return parse_bytes(value, segment->opt, sizeof(segment->opt), &segment->opt_bytes);
    }
    if (strcmp(key, "fo") == 0) {
        segment->fields |= FIELD_FO;
        return parse_bytes(value, segment->fo, sizeof(segment->fo), &segment->fo_bytes);
    }
    if (strcmp(key, "accecn") == 0 || strcmp(key, "accecn1") == 0)
        return parse_accecn(value, key[6] == '1', segment);
    number = strtoll(value, &end, 0);
    if (strcmp(key, "ts") == 0 && *end == ',') {
        segment->fields |= FIELD_TS;
        segment->tsval = (uint32_t)number;
        segment->tsecr = (uint32_t)strtoll(end + 1, &end, 0);
        return *end == 0;
    }
    return end != value && *end == 0 && parse_number(key, number, segment);
}

const char *segment_parse(const char *words, struct segment *segment)
{
    static char word[128];

    memset(segment, 0, sizeof(*segment));
    for (bool first = true; *words; first = false) {
        size_t len = strcspn(words, " ");
        char *equals;

        if (len >= sizeof(word))
            return words;
        memcpy(word, words, len);
        word[len] = 0;
        equals = strchr(word, '=');
        if (first) {
            if (!parse_flags(word, len, segment))
                return words;
        } else if (equals) {
            *equals = 0;
            if (!parse_pair(word, equals + 1, segment))
                return words;
        } else if (!parse_flag_word(word, segment)) {
            return words;
        }
        words += len;
        words += strspn(words, " ");
    }
    return NULL;
}

void segment_format(const struct segment *segment, uint32_t seq_base, uint32_t ack_base,
                    char text[SEGMENT_TEXT_BYTES])
{
    size_t n = 0;
    const struct segment *s = segment;
    char flags[10] = "-";

    for (unsigned i = 0, k = 0; i < 9; i++) {
        if (s->flags & (1u << i)) {
            flags[k++] = flag_letters[i];
            flags[k] = 0;
        }
    }
#define ADD(...)                                                                                   \
    n += (size_t)snprintf(text + n, n < SEGMENT_TEXT_BYTES ? SEGMENT_TEXT_BYTES - n : 0,           \
                          __VA_ARGS__)
    ADD("%s seq=%" PRId32, flags, (int32_t)((uint32_t)s->seq - seq_base));
    if (s->flags & GANDER_FLAG_ACK)
        ADD(" ack=%" PRId32, (int32_t)((uint32_t)s->ack - ack_base));
    ADD(" len=%" PRIu32 " wnd=%" PRIu32, s->len, s->wnd);
    if (s->flags & GANDER_FLAG_URG)
        ADD(" up=%" PRIu32, s->up);
    if (s->fields & FIELD_MSS)
        ADD(" mss=%" PRIu32, s->mss);
    if (s->fields & FIELD_WS)
        ADD(" ws=%" PRIu32, s->ws);
    if (s->fields & FIELD_SACKOK)
        ADD(" sackok");
    if (s->fields & FIELD_TS)
        ADD(" ts=%" PRIu32 ",%" PRIu32, s->tsval, s->tsecr);
    for (unsigned i = 0; i < s->sacks; i++)
        ADD("%s%" PRId32 "-%" PRId32,
            i ? "," : " sack=", (int32_t)((uint32_t)s->sack[i][0] - ack_base),
            (int32_t)((uint32_t)s->sack[i][1] - ack_base));
    if (s->tc)
        ADD(" tc=%u", s->tc);
    for (unsigned i = 0; i < s->accecn_fields; i++)
        ADD("%s%" PRIu32, i ? "," : s->accecn_order ? " accecn1=" : " accecn=", s->accecn[i]);
    if (s->fields & FIELD_FO)
        ADD(s->fo_bytes ? " fo=" : " fo");
    for (unsigned i = 0; i < s->fo_bytes; i++)
        ADD("%02x", s->fo[i]);
    if (s->fields & FIELD_UTO)
        ADD(" uto=%#x", s->uto);
    ADD(" port=%u>%u", s->source_port, s->destination_port);
#undef ADD
}

/* --- packets --------------------------------------------------------------------------------- */

static void put16(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

static void put32(uint8_t *bytes, uint32_t value)
{
    put16(bytes, value >> 16);
    put16(bytes + 2, value & 0xffff);
}

static uint32_t get16(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 8 | bytes[1];
}

static uint32_t get32(const uint8_t *bytes)
{
    return get16(bytes) << 16 | get16(bytes + 2);
}

/* RFC 1071, the plain way. */
static uint32_t sum(uint32_t total, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        total += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
        total = (total & 0xffff) + (total >> 16);
    }
    return total;
}

/* The checksum of a transport's bytes with its pseudo header: 0 when a correct checksum is in place. */
static uint32_t transport_sum(const struct segment_path *path, uint8_t protocol,
                              const uint8_t *bytes, size_t len)
{
    size_t address_bytes = path->family == GANDER_IPV4 ? 4 : 16;
    uint8_t tail[8] = {0};
    uint32_t total = 0;

    if (!(path->family == GANDER_IPV4 && protocol == 1)) {
        total = sum(total, path->source, address_bytes);
        total = sum(total, path->destination, address_bytes);
        put32(tail, (uint32_t)len);
        tail[7] = protocol;
        total = sum(total, tail, sizeof(tail));
    }
    return ~sum(total, bytes, len) & 0xffff;
}

size_t segment_wrap(const struct segment_path *path, uint8_t protocol, const uint8_t *bytes,
                    size_t len, size_t checksum_at, uint8_t *packet)
{
    size_t header = path->family == GANDER_IPV4 ? 20 : 40;

    memset(packet, 0, header);
    memcpy(packet + header, bytes, len);
    put16(packet + header + checksum_at, transport_sum(path, protocol, bytes, len));
    if (path->family == GANDER_IPV4) {
        packet[0] = 0x45;
        put16(packet + 2, (uint32_t)(header + len));
        packet[6] = 0x40;
        packet[8] = 64;
        packet[9] = protocol;
        memcpy(packet + 12, path->source, 4);
        memcpy(packet + 16, path->destination, 4);
        put16(packet + 10, ~sum(0, packet, 20) & 0xffff);
    } else {
        packet[0] = 0x60;
        put16(packet + 4, (uint32_t)len);
        packet[6] = protocol;
        packet[7] = 64;
        memcpy(packet + 8, path->source, 16);
        memcpy(packet + 24, path->destination, 16);
    }
    return header + len;
}

static uint8_t *build_rare(const struct segment *s, uint8_t *p)
{
    if (s->fields & FIELD_ACCECN) {
        *p++ = s->accecn_order ? OPTION_ACCECN1 : OPTION_ACCECN0;
        *p++ = (uint8_t)(2 + 3 * s->accecn_fields);
        for (unsigned i = 0; i < s->accecn_fields; i++, p += 3) {
            p[0] = (uint8_t)(s->accecn[i] >> 16);
            put16(p + 1, s->accecn[i] & 0xffff);
        }
    }
    if (s->fields & FIELD_FO) {
        *p++ = OPTION_FO;
        *p++ = (uint8_t)(2 + s->fo_bytes);
        memcpy(p, s->fo, s->fo_bytes);
        p += s->fo_bytes;
    }
    if (s->fields & FIELD_UTO) {
        put16(p, OPTION_UTO << 8 | 4);
        put16(p + 2, s->uto);
        p += 4;
    }
    return p;
}

static size_t build_options(const struct segment *s, uint8_t *bytes)
{
    uint8_t *p = bytes;

    if (s->fields & FIELD_OPT) {
        memcpy(p, s->opt, s->opt_bytes);
        p += s->opt_bytes;
    } else {
        if (s->fields & FIELD_MSS) {
            put32(p, 0x02040000u | (s->mss & 0xffff));
            p += 4;
        }
        if (s->fields & FIELD_WS) {
            put32(p, 0x01030300u | (s->ws & 0xff));
            p += 4;
        }
        if (s->fields & FIELD_SACKOK) {
            put32(p, 0x01010402u);
            p += 4;
        }
        if (s->fields & FIELD_TS) {
            put32(p, 0x0101080au);
            put32(p + 4, s->tsval);
            put32(p + 8, s->tsecr);
            p += 12;
        }
        if (s->fields & FIELD_SACK) {
            put32(p, 0x01010500u | (2 + 8 * s->sacks));
            p += 4;
            for (unsigned i = 0; i < s->sacks; i++, p += 8) {
                put32(p, (uint32_t)s->sack[i][0]);
                put32(p + 4, (uint32_t)s->sack[i][1]);
            }
        }
        p = build_rare(s, p);
    }
    while ((p - bytes) % 4)
        *p++ = OPTION_END;
    return (size_t)(p - bytes);
}

size_t segment_build(const struct segment *segment, const struct segment_path *path,
                     uint8_t *packet)
{
    static uint8_t bytes[SEGMENT_PACKET_MAX];
    size_t header = 20;
    size_t len;

    memset(bytes, 0, header);
    put16(bytes, segment->source_port);
    put16(bytes + 2, segment->destination_port);
    put32(bytes + 4, (uint32_t)segment->seq);
    put32(bytes + 8, (uint32_t)segment->ack);
    header += build_options(segment, bytes + header);
    bytes[12] = (uint8_t)((segment->fields & FIELD_OFFSET ? segment->offset : header / 4) << 4);
    bytes[12] |= segment->flags & SEGMENT_FLAG_AE ? 1 : 0;
    bytes[13] = (uint8_t)segment->flags;
    put16(bytes + 14, segment->wnd);
    put16(bytes + 18, segment->up);
    if (segment->len)
        memcpy(bytes + header, segment->text, segment->len);
    len = segment_wrap(path, PROTOCOL_TCP, bytes, header + segment->len, 16, packet);
    if (segment->fields & FIELD_TC) {
        if (path->family == GANDER_IPV4) {
            packet[1] = segment->tc;
            put16(packet + 10, 0);
            put16(packet + 10, ~sum(0, packet, 20) & 0xffff);
        } else {
            put16(packet, 0x6000u | (uint32_t)segment->tc << 4);
        }
    }
    if (segment->fields & FIELD_BADSUM)
        packet[len - header - segment->len + 16] ^= 0x55;
    return len;
}

static const char *read_option(const uint8_t *p, unsigned kind, unsigned len, struct segment *s)
{
    switch (kind) {
    case OPTION_MSS:
        s->fields |= FIELD_MSS;
        s->mss = get16(p + 2);
        return len == 4 ? NULL : "MSS option of a wrong length";
    case OPTION_WS:
        s->fields |= FIELD_WS;
        s->ws = p[2];
        return len == 3 ? NULL : "window scale option of a wrong length";
    case OPTION_SACKOK:
        s->fields |= FIELD_SACKOK;
        return len == 2 ? NULL : "SACK-permitted option of a wrong length";
    case OPTION_TS:
        s->fields |= FIELD_TS;
        s->tsval = get32(p + 2);
        s->tsecr = get32(p + 6);
        return len == 10 ? NULL : "timestamp option of a wrong length";
    case OPTION_SACK:
        if ((len - 2) % 8 || len < 10 || len > 34)
            return "SACK option of a wrong length";
        s->fields |= FIELD_SACK;
        s->sacks = (len - 2) / 8;
        for (unsigned i = 0; i < s->sacks; i++) {
            s->sack[i][0] = get32(p + 2 + 8 * i);
            s->sack[i][1] = get32(p + 6 + 8 * i);
        }
        return NULL;
    case OPTION_ACCECN0:
    case OPTION_ACCECN1:
        s->fields |= FIELD_ACCECN;
        s->accecn_order = kind == OPTION_ACCECN1;
        s->accecn_fields = (len - 2) / 3;
        for (unsigned i = 0; i < s->accecn_fields && i < 3; i++)
            s->accecn[i] = (uint32_t)p[2 + 3 * i] << 16 | get16(p + 3 + 3 * i);
        return (len - 2) % 3 == 0 && len <= 11 ? NULL : "AccECN option of a wrong length";
    case OPTION_FO:
        s->fields |= FIELD_FO;
        s->fo_bytes = len - 2;
        memcpy(s->fo, p + 2, len - 2 > 16 ? 16 : len - 2);
        return len == 2 || (len >= 6 && len <= 18 && len % 2 == 0) ? NULL : "wrong cookie length";
    case OPTION_UTO:
        s->fields |= FIELD_UTO;
        s->uto = get16(p + 2);
        return len == 4 && (s->uto & 0x7fff) ? NULL : "user timeout option that is wrong";
    default:
        return "unknown option";
    }
}

/* Every option but end and no-operation has a length [RFC9293 MUST-68]; padding is zero [MUST-69]. */
static const char *read_options(const uint8_t *p, const uint8_t *end, struct segment *segment)
{
    while (p < end) {
        const char *wrong;

        if (*p == OPTION_NOP) {
            p++;
            continue;
        }
        if (*p == OPTION_END) {
            for (; p < end; p++) {
                if (*p)
                    return "option padding that is not zero";
            }
            break;
        }
        if (end - p < 2 || p[1] < 2 || p[1] > end - p)
            return "option length beyond the header";
        wrong = read_option(p, p[0], p[1], segment);
        if (wrong)
            return wrong;
        p += p[1];
    }
    return NULL;
}

static const char *read_tcp(const uint8_t *bytes, size_t len, const struct segment_path *path,
                            struct segment *s)
{
    size_t header = (size_t)(bytes[12] >> 4) * 4;

    if (len < 20 || header < 20 || header > len)
        return "data offset beyond the segment";
    if (transport_sum(path, PROTOCOL_TCP, bytes, len) != 0)
        return "wrong TCP checksum";
    if (bytes[12] & 0x0e)
        return "reserved bits are not zero";
    s->source_port = (uint16_t)get16(bytes);
    s->destination_port = (uint16_t)get16(bytes + 2);
    s->seq = get32(bytes + 4);
    s->ack = get32(bytes + 8);
    s->flags = bytes[13] | (bytes[12] & 1 ? SEGMENT_FLAG_AE : 0);
    s->wnd = get16(bytes + 14);
    s->up = get16(bytes + 18);
    s->len = (uint32_t)(len - header);
    if (!(s->flags & GANDER_FLAG_URG) && s->up)
        return "urgent pointer without URG";
    if (!(s->flags & GANDER_FLAG_ACK) && s->ack)
        return "acknowledgement number without ACK";
    if (s->len) {
        s->text = malloc(s->len);
        memcpy(s->text, bytes + header, s->len);
    }
    return read_options(bytes + 20, bytes + header, s);
}

const char *segment_read(const uint8_t *packet, size_t len, struct segment_path *path,
                         struct segment *segment)
{
    memset(segment, 0, sizeof(*segment));
    memset(path, 0, sizeof(*path));
    path->family = packet[0] >> 4;
    if (path->family == GANDER_IPV4) {
        if (len < 20 || packet[0] != 0x45 || get16(packet + 2) != len)
            return "wrong length in the IPv4 header";
        if ((~sum(0, packet, 20) & 0xffff) != 0)
            return "wrong IPv4 header checksum";
        if ((packet[6] & 0x3f) || packet[7])
            return "fragment";
        memcpy(path->source, packet + 12, 4);
        memcpy(path->destination, packet + 16, 4);
        segment->ttl = packet[8];
        segment->tc = packet[1];
        return packet[9] == PROTOCOL_TCP ? read_tcp(packet + 20, len - 20, path, segment)
                                         : "not TCP";
    }
    if (path->family != GANDER_IPV6 || len < 40 || get16(packet + 4) != len - 40)
        return "wrong length in the IPv6 header";
    memcpy(path->source, packet + 8, 16);
    memcpy(path->destination, packet + 24, 16);
    segment->ttl = packet[7];
    segment->tc = (uint8_t)(get16(packet) >> 4);
    return packet[6] == PROTOCOL_TCP ? read_tcp(packet + 40, len - 40, path, segment) : "not TCP";
}

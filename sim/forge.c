/* SPDX-License-Identifier: MIT */
/* Packets by hand: IPv4, IPv6, TCP and ICMP headers [RFC791 3.1, RFC8200 3, RFC9293 3.1, RFC792, RFC4443 3]. */
#include "sim/forge.h"

#include <string.h>

enum { IP4_BYTES = 20, IP6_BYTES = 40, TCP_BYTES = 20, ICMP_BYTES = 8 };
enum { PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_ICMP6 = 58 };

static void put16(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

static void put32(uint8_t *at, uint32_t v)
{
    put16(at, v >> 16);
    put16(at + 2, v);
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t sum(const uint8_t *bytes, size_t n, uint32_t begin)
{
    for (size_t i = 0; i + 1 < n; i += 2)
        begin += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    return n % 2 ? begin + ((uint32_t)bytes[n - 1] << 8) : begin;
}

static uint16_t folded(uint32_t s)
{
    s = (s >> 16) + (s & 0xffff);
    s += s >> 16;
    return (uint16_t)~s;
}

static unsigned header_bytes(const uint8_t *packet)
{
    return packet[0] >> 4 == 4 ? (packet[0] & 15U) * 4 : IP6_BYTES;
}

/* Lengths and checksums of a packet whose transport header follows the IP header. `at`: the checksum's place there. */
static void finish(uint8_t *packet, size_t n, uint8_t protocol, unsigned at)
{
    unsigned header = header_bytes(packet);
    size_t payload = n - header;
    bool v4 = packet[0] >> 4 == 4, pseudo = protocol != PROTOCOL_ICMP;
    uint32_t s = 0;

    if (v4) {
        put16(packet + 2, (uint32_t)n);
        put16(packet + 10, 0);
        put16(packet + 10, folded(sum(packet, header, 0)));
        s = pseudo ? sum(packet + 12, 8, 0) : 0;
    } else {
        put16(packet + 4, (uint32_t)payload);
        s = sum(packet + 8, 32, 0);
    }
    if (pseudo)
        s += protocol + (uint32_t)payload;
    put16(packet + header + at, 0);
    put16(packet + header + at, folded(sum(packet + header, payload, s)));
}

static unsigned ip_write(uint8_t *bytes, const struct gander_address *from,
                         const struct gander_address *to, uint8_t protocol)
{
    bool v4 = from->family == GANDER_IPV4;

    memset(bytes, 0, IP6_BYTES);
    bytes[0] = v4 ? 0x45 : 0x60;
    bytes[v4 ? 8 : 7] = 64;
    bytes[v4 ? 9 : 6] = protocol;
    if (v4)
        bytes[6] = 0x40;
    memcpy(bytes + (v4 ? 12 : 8), from->ip, v4 ? 4 : 16);
    memcpy(bytes + (v4 ? 16 : 24), to->ip, v4 ? 4 : 16);
    return v4 ? IP4_BYTES : IP6_BYTES;
}

size_t forge_segment_write(uint8_t *bytes, const struct forge_segment *segment)
{
    unsigned header = ip_write(bytes, &segment->source, &segment->destination, PROTOCOL_TCP);
    uint8_t *tcp = bytes + header;
    size_t n = header + TCP_BYTES + segment->text_bytes;

    memset(tcp, 0, TCP_BYTES);
    put16(tcp, segment->source.port);
    put16(tcp + 2, segment->destination.port);
    put32(tcp + 4, segment->seq);
    put32(tcp + 8, segment->ack);
    tcp[12] = TCP_BYTES / 4 << 4;
    tcp[13] = segment->flags;
    put16(tcp + 14, segment->window);
    memset(tcp + TCP_BYTES, 'X', segment->text_bytes);
    finish(bytes, n, PROTOCOL_TCP, 16);
    return n;
}

static size_t icmp_write(uint8_t *bytes, const struct gander_address *from,
                         const struct gander_address *to, unsigned type, unsigned code,
                         uint32_t word, const uint8_t *quote, size_t quote_bytes)
{
    bool v4 = from->family == GANDER_IPV4;
    unsigned header = ip_write(bytes, from, to, v4 ? PROTOCOL_ICMP : PROTOCOL_ICMP6);
    size_t n = header + ICMP_BYTES + quote_bytes;

    bytes[header] = (uint8_t)type;
    bytes[header + 1] = (uint8_t)code;
    put32(bytes + header + 4, word);
    memcpy(bytes + header + ICMP_BYTES, quote, quote_bytes);
    finish(bytes, n, v4 ? PROTOCOL_ICMP : PROTOCOL_ICMP6, 2);
    return n;
}

size_t forge_icmp_error(uint8_t *bytes, const struct forge_segment *segment, uint64_t chance)
{
    bool v4 = segment->source.family == GANDER_IPV4;
    struct forge_segment quoted = {.source = segment->destination,
                                   .destination = segment->source,
                                   .seq = segment->seq,
                                   .ack = segment->ack,
                                   .flags = 0x10};
    uint8_t quote[FORGE_QUOTE_BYTES];
    size_t n = forge_segment_write(quote, &quoted);
    unsigned codes = v4 ? 5 : 7, code = (unsigned)(chance % codes);
    bool too_big = (chance >> 8) % 3 == 0;

    if (too_big)
        return icmp_write(bytes, &segment->source, &segment->destination, v4 ? 3 : 2, v4 ? 4 : 0,
                          (uint32_t)(chance >> 16) % 1500, quote, n);
    return icmp_write(bytes, &segment->source, &segment->destination, v4 ? 3 : 1, code, 0, quote,
                      n);
}

size_t forge_too_big(uint8_t *bytes, const uint8_t *start, size_t n, uint32_t mtu)
{
    struct gander_address sender = {0}, router = {0};
    bool v4 = start[0] >> 4 == 4;

    sender.family = router.family = v4 ? GANDER_IPV4 : GANDER_IPV6;
    memcpy(sender.ip, start + (v4 ? 12 : 8), v4 ? 4 : 16);
    memcpy(router.ip, start + (v4 ? 16 : 24), v4 ? 4 : 16);
    return icmp_write(bytes, &router, &sender, v4 ? 3 : 2, v4 ? 4 : 0, mtu, start,
                      n < FORGE_QUOTE_BYTES ? n : FORGE_QUOTE_BYTES);
}

/* --- changing what is there ------------------------------------------------------------------------ */

/* A number near another one: the same magnitude of distance as often as the next. */
static uint32_t near(struct sim_chance *chance, uint32_t value)
{
    int64_t by = sim_chance_between(chance, 0, sim_chance_percent(chance, 10) ? INT32_MAX : 100000);

    return value + (uint32_t)(sim_chance_percent(chance, 50) ? by : -by);
}

static void change_options(uint8_t *tcp, size_t options, struct sim_chance *chance)
{
    uint64_t at = sim_chance_below(chance, options);

    if (options == 0)
        return;
    if (at + 4 <= options && sim_chance_percent(chance, 70))
        put32(tcp + TCP_BYTES + at, near(chance, get32(tcp + TCP_BYTES + at)));
    else
        tcp[TCP_BYTES + at] = (uint8_t)sim_chance_next(chance);
}

static void change_header(uint8_t *tcp, size_t n, struct sim_chance *chance)
{
    size_t offset = (tcp[12] >> 4) * 4U;
    size_t options = offset > TCP_BYTES && offset <= n ? offset - TCP_BYTES : 0;

    switch (sim_chance_below(chance, 8)) {
    case 0:
        put32(tcp + 4, near(chance, get32(tcp + 4)));
        break;
    case 1: /* optimistic, divided, old */
        put32(tcp + 8, near(chance, get32(tcp + 8)));
        break;
    case 2:
        tcp[13] ^= (uint8_t)(1U << sim_chance_below(chance, 8));
        break;
    case 3:
        tcp[13] = (uint8_t)sim_chance_next(chance);
        break;
    case 4: /* windows shrink, close, open */
        put16(tcp + 14, sim_chance_percent(chance, 40) ? 0 : (uint32_t)sim_chance_next(chance));
        break;
    case 5:
        put16(tcp + 18, (uint32_t)sim_chance_next(chance));
        break;
    case 6:
        tcp[12] = (uint8_t)sim_chance_next(chance);
        break;
    default:
        change_options(tcp, options, chance);
        break;
    }
}

bool forge_change(uint8_t *bytes, size_t *n, struct sim_chance *chance)
{
    bool v4 = bytes[0] >> 4 == 4;
    unsigned header = header_bytes(bytes);

    if (bytes[v4 ? 9 : 6] != PROTOCOL_TCP || *n < header + TCP_BYTES)
        return false;
    change_header(bytes + header, *n - header, chance);
    if (sim_chance_percent(chance, 10))
        *n -= (size_t)sim_chance_below(chance, *n - header - TCP_BYTES + 1);
    finish(bytes, *n, PROTOCOL_TCP, 16);
    return true;
}

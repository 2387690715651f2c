/* SPDX-License-Identifier: MIT */
/*
 * Every parser, at every length: the bytes are copied to memory of just that size, so that a read beyond it shows. What was
 * accepted must stay within the bytes, and come back the same when it is written and read again.
 */
#include "fuzz.h"
#include "wire/wire.h"

enum { BYTES_MAX = 320 };

static void check_drop(enum gander_drop drop)
{
    CHECK(drop < GANDER_DROP_COUNT);
}

/* --- TCP ---------------------------------------------------------------------------------------- */

static bool same_options(const struct tcp_segment *a, const struct tcp_segment *b)
{
    if (a->has_timestamp != b->has_timestamp || a->tsval != b->tsval || a->tsecr != b->tsecr)
        return false;
    if (a->mss != b->mss || a->has_wscale != b->has_wscale || a->wscale != b->wscale)
        return false;
    if (a->sack_permitted != b->sack_permitted)
        return false;
    if (a->has_timestamp &&
        a->sack_blocks == 4) /* read from options without padding: only three fit */
        return b->sack_blocks == 3;
    return a->sack_blocks == b->sack_blocks &&
           memcmp(a->sack, b->sack, a->sack_blocks * sizeof(a->sack[0])) == 0;
}

static void tcp(const uint8_t *bytes, size_t len)
{
    struct tcp_segment seg, again;
    uint8_t header[TCP_HEADER_MAX_BYTES];
    enum gander_drop drop = wire_tcp_parse(bytes, len, &seg);
    size_t n;

    check_drop(drop);
    if (drop != GANDER_DROP_none)
        return;
    CHECK(seg.header_bytes >= TCP_HEADER_BYTES && seg.header_bytes + seg.text_len == len);
    CHECK(seg.len - seg.text_len <= 2);
    CHECK(seg.wscale <= 14 && seg.sack_blocks <= TCP_SACK_BLOCKS_MAX);
    n = wire_tcp_emit(header, &seg);
    CHECK(n == wire_tcp_header_bytes(&seg) && n % 4 == 0 && n <= sizeof(header));
    CHECK(wire_tcp_parse(header, n, &again) == GANDER_DROP_none);
    CHECK(again.header_bytes == n && again.text_len == 0);
    CHECK(again.seq == seg.seq && again.ack == seg.ack && again.wnd == seg.wnd &&
          again.up == seg.up && again.flags == seg.flags);
    CHECK(again.source_port == seg.source_port && again.destination_port == seg.destination_port);
    CHECK(same_options(&seg, &again));
}

/* --- IP and ICMP -------------------------------------------------------------------------------- */

static void ip(const uint8_t *bytes, size_t len)
{
    bool v4 = bytes[0] >> 4 == 4;
    struct ip_header header, again;
    uint8_t out[IP6_HEADER_BYTES];
    enum gander_drop drop =
        v4 ? wire_ip4_parse(bytes, len, &header) : wire_ip6_parse(bytes, len, &header);
    size_t n;

    check_drop(drop);
    if (drop == GANDER_DROP_ip_extension && header.problem)
        CHECK(header.problem_at < len && header.problem <= 3);
    if (drop != GANDER_DROP_none)
        return;
    CHECK(header.family == (v4 ? GANDER_IPV4 : GANDER_IPV6));
    CHECK(header.header_bytes >= wire_ip_header_bytes(header.family));
    CHECK((size_t)header.header_bytes + header.payload_bytes <= len);
    CHECK(header.source >= bytes && header.destination < bytes + len);
    CHECK(header.protocol_at < header.header_bytes && bytes[header.protocol_at] == header.protocol);
    if (header.header_bytes != wire_ip_header_bytes(header.family) || header.payload_bytes > 65000)
        return;
    n = wire_ip_emit(out, &header);
    CHECK(n == wire_ip_header_bytes(header.family));
    again = header;
    again.payload_bytes = header.payload_bytes = 0;
    wire_ip_emit(out, &header); /* without payload: all of it is there to be read */
    CHECK((v4 ? wire_ip4_parse : wire_ip6_parse)(out, n, &again) == GANDER_DROP_none);
    CHECK(again.protocol == header.protocol && again.ttl == header.ttl &&
          again.traffic_class == header.traffic_class && again.payload_bytes == 0);
    CHECK(memcmp(again.source, header.source, wire_ip_address_bytes(header.family)) == 0);
    CHECK(memcmp(again.destination, header.destination, wire_ip_address_bytes(header.family)) == 0);
}

static void icmp(unsigned family, const uint8_t *bytes, size_t len)
{
    struct icmp_header header, again;
    uint8_t out[ICMP_HEADER_BYTES];
    enum gander_drop drop = wire_icmp_parse(family, bytes, len, &header);

    check_drop(drop);
    if (drop != GANDER_DROP_none)
        return;
    CHECK(header.body >= bytes && header.body + header.body_bytes == bytes + len);
    if (header.kind == ICMP_OTHER)
        return;
    CHECK(wire_icmp_emit(family, out, &header) == sizeof(out));
    CHECK(wire_icmp_parse(family, out, sizeof(out), &again) == GANDER_DROP_none);
    CHECK(again.kind == header.kind && again.body_bytes == 0);
    CHECK(again.identifier == header.identifier && again.sequence == header.sequence);
    CHECK(header.kind != ICMP_PACKET_TOO_BIG || again.mtu == header.mtu);
}

static void quote(unsigned family, const uint8_t *bytes, size_t len)
{
    struct icmp_quote q;
    enum gander_drop drop = wire_icmp_quote(family, bytes, len, &q);

    check_drop(drop);
    if (drop != GANDER_DROP_none)
        return;
    CHECK(q.family == family && q.source >= bytes);
    CHECK(q.destination + wire_ip_address_bytes(family) <= bytes + len);
}

static void udp(const uint8_t *bytes, size_t len)
{
    struct udp_header header;
    enum gander_drop drop = wire_udp_parse(bytes, len, &header);

    check_drop(drop);
    if (drop == GANDER_DROP_none)
        CHECK(header.length >= UDP_HEADER_BYTES && header.length <= len);
}

/* --- addresses as text -------------------------------------------------------------------------- */

static void text(const uint8_t *bytes, size_t len)
{
    struct gander_address address, again;
    char out[GANDER_ADDRESS_TEXT_BYTES], cut[GANDER_ADDRESS_TEXT_BYTES];
    char *in = malloc(len + 1);

    CHECK(in);
    memcpy(in, bytes, len);
    in[len] = 0;
    if (gander_address_parse(in, &address) == 0) {
        CHECK(gander_address_format(&address, out, sizeof(out)) == out);
        CHECK(strlen(out) < sizeof(out));
        CHECK(gander_address_parse(out, &again) == 0 && gander_address_equal(&address, &again));
        for (size_t size = 1; size < sizeof(cut); size++) { /* room for a part */
            memset(cut, '#', sizeof(cut));
            gander_address_format(&address, cut, size);
            CHECK(cut[size] == '#' && strlen(cut) < size);
            CHECK(strncmp(cut, out, strlen(cut)) == 0);
        }
    }
    free(in);
}

/* Any address can be written, and read back the same. */
static void address(struct input in)
{
    struct gander_address a = {.family = take8(&in) % 8, .port = take16(&in)}, again;
    char out[GANDER_ADDRESS_TEXT_BYTES];
    size_t n;
    const uint8_t *ip_bytes = take_bytes(&in, sizeof(a.ip), &n);

    memcpy(a.ip, ip_bytes, n);
    gander_address_format(&a, out, sizeof(out));
    if (a.family != 0 && a.family != GANDER_IPV4 && a.family != GANDER_IPV6)
        return;
    CHECK(gander_address_parse(out, &again) == 0 && gander_address_equal(&a, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t which = size ? data[0] : 0;

    if (size > BYTES_MAX || size < 2)
        return 0;
    data++;
    size--;
    for (size_t len = 0; len <= size; len++) {
        uint8_t *bytes = malloc(len ? len : 1);

        CHECK(bytes);
        memcpy(bytes, data, len);
        switch (which % 8) {
        case 0:
            tcp(bytes, len);
            break;
        case 1:
            if (len > 0)
                ip(bytes, len);
            break;
        case 2:
            icmp(GANDER_IPV4, bytes, len);
            break;
        case 3:
            icmp(GANDER_IPV6, bytes, len);
            break;
        case 4:
            quote(which & 8 ? GANDER_IPV4 : GANDER_IPV6, bytes, len);
            break;
        case 5:
            udp(bytes, len);
            break;
        case 6:
            text(bytes, len);
            break;
        default:
            address((struct input){bytes, len});
            break;
        }
        free(bytes);
    }
    return 0;
}

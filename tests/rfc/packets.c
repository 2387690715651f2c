/* SPDX-License-Identifier: MIT */
/* Single packets, made and read by hand; see packets.h. */
#include "packets.h"

#include <stdlib.h>

enum { ICMP4 = 1, UDP = 17, ICMP6 = 58 };

/* --- memory and setup ---------------------------------------------------------------------------- */

static void *count_alloc(void *context, size_t size, size_t align)
{
    struct net *net = context;
    void *memory = aligned_alloc(align, (size + align - 1) & ~(align - 1));

    if (!memory)
        return NULL;
    net->allocated_bytes += size;
    return memory;
}

static void count_free(void *context, void *memory, size_t size)
{
    struct net *net = context;

    net->allocated_bytes -= size;
    free(memory);
}

static void net_start(struct net *net)
{
    const struct gander_link_config link = {.mtu_bytes = NET_MTU_BYTES};

    assert_int_equal(gander_stack_create(&net->config, &net->stack), 0);
    assert_int_equal(gander_link_add(net->stack, &link, &net->link), 0);
    assert_int_equal(gander_address_add(net->stack, net->link, &net->us, is_ip4(net) ? 24 : 64), 0);
    gander_stats(net->stack, &net->before);
}

void net_restart(struct net *net)
{
    gander_stack_destroy(net->stack);
    assert_int_equal(net->allocated_bytes, 0);
    net_start(net);
}

static int net_setup(void **state, unsigned family)
{
    struct net *net = calloc(1, sizeof(*net));

    assert_non_null(net);
    net->family = family;
    net->us = address(family == GANDER_IPV4 ? "192.0.2.1" : "2001:db8::1");
    net->peer = address(family == GANDER_IPV4 ? "192.0.2.2" : "2001:db8::2");
    gander_config_init(&net->config);
    net->config.memory = (struct gander_memory){count_alloc, count_free, net};
    memset(net->config.secret, 0x5c, sizeof(net->config.secret));
    net_start(net);
    *state = net;
    return 0;
}

int net_setup_ip4(void **state)
{
    return net_setup(state, GANDER_IPV4);
}

int net_setup_ip6(void **state)
{
    return net_setup(state, GANDER_IPV6);
}

int net_teardown(void **state)
{
    struct net *net = *state;

    gander_stack_destroy(net->stack);
    assert_int_equal(net->allocated_bytes, 0);
    free(net);
    return 0;
}

/* --- small things ---------------------------------------------------------------------------------- */

struct gander_address address(const char *text)
{
    struct gander_address result;

    if (gander_address_parse(text, &result) != 0)
        fail_msg("not an address: %s", text);
    return result;
}

struct gander_address with_port(struct gander_address a, uint16_t port)
{
    a.port = port;
    return a;
}

bool is_ip4(const struct net *net)
{
    return net->family == GANDER_IPV4;
}

uint16_t raw_get16(const uint8_t *at)
{
    return (uint16_t)(at[0] * 256 + at[1]);
}

void raw_put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

uint32_t raw_get32(const uint8_t *at)
{
    return (uint32_t)raw_get16(at) << 16 | raw_get16(at + 2);
}

static void put32(uint8_t *at, uint32_t value)
{
    raw_put16(at, value >> 16);
    raw_put16(at + 2, value & 0xffff);
}

/* [RFC1071 1]: one's complement sum of 16-bit words */
static uint32_t add_up(uint32_t sum, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum += i % 2 ? bytes[i] : bytes[i] * 256U;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

uint8_t *raw_payload(struct raw *raw)
{
    return raw->bytes + raw->header_bytes;
}

size_t raw_payload_bytes(const struct raw *raw)
{
    return raw->len - raw->header_bytes;
}

uint8_t raw_protocol(const struct raw *raw)
{
    return raw->bytes[raw->family == GANDER_IPV4 ? 9 : 6];
}

/* The sum over pseudo header and payload; 0xffff if the checksum in there is right. */
static uint32_t transport_sum(const struct raw *raw)
{
    size_t len = raw_payload_bytes(raw);
    uint8_t protocol = raw_protocol(raw);
    uint32_t sum = 0;

    if (protocol != ICMP4) { /* ICMPv4 has no pseudo header */
        sum = raw->family == GANDER_IPV4 ? add_up(0, raw->bytes + 12, 8)
                                         : add_up(0, raw->bytes + 8, 32);
        sum = add_up(sum, (const uint8_t[]){0, protocol}, 2);
        sum += (uint32_t)len;
    }
    return add_up(sum, raw->bytes + raw->header_bytes, len);
}

/* --- making ------------------------------------------------------------------------------------------- */

void raw_fix_header(struct raw *raw)
{
    if (raw->family != GANDER_IPV4)
        return;
    raw_put16(raw->bytes + 10, 0);
    raw_put16(raw->bytes + 10, 0xffff - add_up(0, raw->bytes, raw->header_bytes));
}

void raw_fix(struct raw *raw)
{
    uint8_t protocol = raw_protocol(raw);
    uint8_t *field = raw_payload(raw) + (protocol == UDP ? 6 : 2);
    uint32_t sum;

    raw_fix_header(raw);
    if (protocol != UDP && protocol != ICMP4 && protocol != ICMP6)
        return;
    raw_put16(field, 0);
    sum = 0xffff - transport_sum(raw);
    raw_put16(field, sum == 0 && protocol == UDP ? 0xffff : sum);
}

static struct raw begin_ip(const struct net *net, uint8_t protocol, size_t len)
{
    struct raw raw;
    uint8_t *b = raw.bytes;

    raw.family = net->family;
    if (is_ip4(net)) {
        raw.header_bytes = 20;
        memset(b, 0, 20);
        b[0] = 0x45;
        raw_put16(b + 2, (uint32_t)(20 + len));
        raw_put16(b + 4, 0x1234);
        b[8] = 61;
        b[9] = protocol;
        memcpy(b + 12, net->peer.ip, 4);
        memcpy(b + 16, net->us.ip, 4);
    } else {
        raw.header_bytes = 40;
        memset(b, 0, 40);
        b[0] = 0x60;
        raw_put16(b + 4, (uint32_t)len);
        b[6] = protocol;
        b[7] = 61;
        memcpy(b + 8, net->peer.ip, 16);
        memcpy(b + 24, net->us.ip, 16);
    }
    raw.len = raw.header_bytes + len;
    raw_fix_header(&raw);
    return raw;
}

struct raw raw_ip(const struct net *net, uint8_t protocol, const void *payload, size_t len)
{
    struct raw raw = begin_ip(net, protocol, len);

    if (len)
        memcpy(raw_payload(&raw), payload, len);
    return raw;
}

struct raw raw_udp(const struct net *net, uint16_t source_port, uint16_t destination_port,
                   const void *data, size_t len)
{
    struct raw raw = begin_ip(net, UDP, 8 + len);
    uint8_t *b = raw_payload(&raw);

    raw_put16(b, source_port);
    raw_put16(b + 2, destination_port);
    raw_put16(b + 4, (uint32_t)(8 + len));
    if (len)
        memcpy(b + 8, data, len);
    raw_fix(&raw);
    return raw;
}

struct raw raw_icmp(const struct net *net, uint8_t type, uint8_t code, uint32_t rest,
                    const void *body, size_t len)
{
    struct raw raw = begin_ip(net, is_ip4(net) ? ICMP4 : ICMP6, 8 + len);
    uint8_t *b = raw_payload(&raw);

    b[0] = type;
    b[1] = code;
    put32(b + 4, rest);
    if (len)
        memcpy(b + 8, body, len);
    raw_fix(&raw);
    return raw;
}

struct raw raw_icmp_about(const struct net *net, uint8_t type, uint8_t code, uint32_t rest,
                          const struct raw *quoted, size_t len)
{
    return raw_icmp(net, type, code, rest, quoted->bytes, len < quoted->len ? len : quoted->len);
}

void raw_source(struct raw *raw, const struct gander_address *source)
{
    if (raw->family == GANDER_IPV4)
        memcpy(raw->bytes + 12, source->ip, 4);
    else
        memcpy(raw->bytes + 8, source->ip, 16);
    raw_fix(raw);
}

void raw_destination(struct raw *raw, const struct gander_address *destination)
{
    if (raw->family == GANDER_IPV4)
        memcpy(raw->bytes + 16, destination->ip, 4);
    else
        memcpy(raw->bytes + 24, destination->ip, 16);
    raw_fix(raw);
}

void arrive_cut(struct net *net, const struct raw *raw, size_t len)
{
    struct gander_packet *packet = gander_packet_alloc(net->stack, len);

    assert_non_null(packet);
    memcpy(packet->frag[0].data, raw->bytes, len);
    gander_input(net->stack, net->link, &packet, 1);
}

void arrive(struct net *net, const struct raw *raw)
{
    arrive_cut(net, raw, raw->len);
}

/* --- reading --------------------------------------------------------------------------------------------- */

struct raw leaves(struct net *net)
{
    struct gander_packet *packet;
    struct raw raw;

    if (gander_output(net->stack, net->link, &packet, 1) != 1)
        fail_msg("a packet was expected to leave");
    raw.len = gander_packet_bytes(packet, raw.bytes, sizeof(raw.bytes));
    assert_int_equal(raw.len, packet->len);
    gander_packet_free(packet);
    raw.family = raw.bytes[0] >> 4;
    raw.header_bytes = raw.family == GANDER_IPV4 ? 20 : 40;
    assert_true(raw.len >= raw.header_bytes);
    return raw;
}

void nothing_leaves(struct net *net)
{
    struct gander_packet *packet;

    assert_false(gander_output_pending(net->stack, net->link));
    assert_int_equal(gander_output(net->stack, net->link, &packet, 1), 0);
}

void check_packet(const struct raw *raw, const struct gander_address *from,
                  const struct gander_address *to, uint8_t protocol)
{
    const uint8_t *b = raw->bytes;

    assert_int_equal(raw->family, to->family);
    assert_int_equal(raw_protocol(raw), protocol);
    if (raw->family == GANDER_IPV4) {
        assert_int_equal(b[0], 0x45);
        assert_int_equal(raw_get16(b + 2), raw->len);
        assert_int_equal(raw_get16(b + 6), 0x4000); /* whole, and DF */
        assert_int_not_equal(b[8], 0);
        assert_int_equal(add_up(0, b, 20), 0xffff);
        assert_memory_equal(b + 12, from->ip, 4);
        assert_memory_equal(b + 16, to->ip, 4);
    } else {
        assert_int_equal(b[0] >> 4, 6);
        assert_int_equal(raw_get16(b + 4), raw->len - 40);
        assert_int_not_equal(b[7], 0);
        assert_memory_equal(b + 8, from->ip, 16);
        assert_memory_equal(b + 24, to->ip, 16);
    }
    assert_int_equal(transport_sum(raw), 0xffff);
}

void check_udp(struct raw *raw, uint16_t source_port, uint16_t destination_port, const void *data,
               size_t len)
{
    uint8_t *b = raw_payload(raw);

    assert_int_equal(raw_payload_bytes(raw), 8 + len);
    if (source_port)
        assert_int_equal(raw_get16(b), source_port);
    if (destination_port)
        assert_int_equal(raw_get16(b + 2), destination_port);
    assert_int_equal(raw_get16(b + 4), 8 + len);
    assert_int_not_equal(raw_get16(b + 6), 0);
    if (len)
        assert_memory_equal(b + 8, data, len);
}

void check_icmp_error(struct raw *raw, uint8_t type, uint8_t code, const struct raw *about)
{
    uint8_t *b = raw_payload(raw);
    size_t most = raw->family == GANDER_IPV4 ? 576 : 1280; /* [RFC1812 4.3.2.3, RFC4443 2.4 (c)] */
    size_t whole = raw->header_bytes + 8 + about->len;

    assert_int_equal(b[0], type);
    assert_int_equal(b[1], code);
    assert_int_equal(raw->len, whole < most ? whole : most);
    assert_memory_equal(b + 8, about->bytes, raw_payload_bytes(raw) - 8);
}

/* --- the stack ---------------------------------------------------------------------------------------------- */

gander_socket open_socket(struct net *net, enum gander_type type)
{
    gander_socket s = 0;

    assert_int_equal(gander_open(net->stack, type, &s), 0);
    return s;
}

gander_socket udp_on(struct net *net, uint16_t port)
{
    const struct gander_address any = {.family = (uint8_t)net->family, .port = port};
    gander_socket s = open_socket(net, GANDER_UDP);

    assert_int_equal(gander_bind(net->stack, s, &any), 0);
    return s;
}

uint64_t drops(struct net *net, enum gander_drop reason)
{
    struct gander_stats now;
    uint64_t count;

    gander_stats(net->stack, &now);
    for (unsigned i = 0; i < GANDER_DROP_COUNT; i++) {
        if (i != (unsigned)reason && now.drops[i] != net->before.drops[i])
            fail_msg("dropped for %s, not %s", gander_drop_name(i), gander_drop_name(reason));
    }
    count = now.drops[reason] - net->before.drops[reason];
    net->before = now;
    return count;
}

uint32_t events_of(struct net *net, gander_socket socket, int *error)
{
    struct gander_event event;
    uint32_t bits = 0;

    if (error)
        *error = 0;
    while (gander_events(net->stack, &event, 1) == 1) {
        if (event.socket != socket)
            continue;
        bits |= event.bits;
        if (error && event.error)
            *error = event.error;
    }
    return bits;
}

void advance_to(struct net *net, gander_time now)
{
    gander_advance(net->stack, now);
}

void receives(struct net *net, gander_socket socket, const void *data, size_t len)
{
    static uint8_t buffer[RAW_MAX_BYTES];

    assert_int_equal(gander_receive(net->stack, socket, buffer, sizeof(buffer), 0), len);
    if (len)
        assert_memory_equal(buffer, data, len);
}

void receives_nothing(struct net *net, gander_socket socket)
{
    uint8_t byte;

    assert_int_equal(gander_receive(net->stack, socket, &byte, 1, 0), GANDER_EAGAIN);
}

/* SPDX-License-Identifier: MIT */
/* Handmade segments, and those that leave: see peer.h. */
#include <stdlib.h>
#include <string.h>

#include "sim/peer.h"

enum { IP4_BYTES = 20, IP6_BYTES = 40, TCP_BYTES = 20, TIMESTAMP_BYTES = 12, PACKET_MAX = 16384 };

static void *alloc(void *context, size_t size, size_t align)
{
    void *memory = NULL;

    (void)context;
    return posix_memalign(&memory, align < sizeof(void *) ? sizeof(void *) : align, size) ? NULL
                                                                                          : memory;
}

static void release(void *context, void *memory, size_t size)
{
    (void)context;
    (void)size;
    free(memory);
}

static void on_trace(void *context, const struct gander_trace_event *event)
{
    struct peer *peer = context;

    if (event->type == GANDER_TRACE_state) {
        peer->last_state = event->u.state.to;
        peer->transitions++;
    }
}

static void require(bool ok)
{
    if (!ok)
        abort();
}

void peer_create(struct peer *peer, struct gander_config *config, bool ipv6)
{
    struct gander_link_config link = {.mtu_bytes = PACKET_MAX, .flags = GANDER_LINK_TRUSTED};

    *peer = (struct peer){.now = config->start, .ipv6 = ipv6, .last_state = -1};
    config->memory = (struct gander_memory){.alloc = alloc, .free = release};
    config->trace = on_trace;
    config->trace_context = peer;
    memset(config->secret, 7, sizeof(config->secret));
    require(gander_stack_create(config, &peer->stack) == GANDER_OK);
    require(gander_link_add(peer->stack, &link, &peer->link) == GANDER_OK);
    require(gander_address_parse(ipv6 ? "2001:db8::1" : "192.0.2.1", &peer->us) == GANDER_OK);
    require(gander_address_parse(ipv6 ? "2001:db8::2" : "192.0.2.2", &peer->them) == GANDER_OK);
    require(gander_address_add(peer->stack, peer->link, &peer->us, ipv6 ? 64 : 24) == GANDER_OK);
    peer->us.port = PEER_US_PORT;
    peer->them.port = PEER_PORT;
}

void peer_destroy(struct peer *peer)
{
    gander_stack_destroy(peer->stack);
}

uint8_t peer_text(uint32_t seq)
{
    return (uint8_t)(seq * 7 + (seq >> 8));
}

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static uint32_t get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
    return get16(at) << 16 | get16(at + 2);
}

static uint32_t ip_bytes(const struct peer *peer)
{
    return peer->ipv6 ? IP6_BYTES : IP4_BYTES;
}

static void ip_header(const struct peer *peer, uint8_t *ip, uint32_t len)
{
    uint32_t sum = 0;

    memset(ip, 0, ip_bytes(peer));
    if (peer->ipv6) {
        ip[0] = 0x60;
        put16(ip + 4, len - IP6_BYTES);
        ip[6] = 6;
        ip[7] = 64;
        memcpy(ip + 8, peer->them.ip, 16);
        memcpy(ip + 24, peer->us.ip, 16);
        return;
    }
    ip[0] = 0x45;
    put16(ip + 2, len);
    ip[8] = 64;
    ip[9] = 6;
    memcpy(ip + 12, peer->them.ip, 4);
    memcpy(ip + 16, peer->us.ip, 4);
    for (unsigned i = 0; i < IP4_BYTES; i += 2)
        sum += get16(ip + i);
    sum = (sum & 0xffff) + (sum >> 16);
    put16(ip + 10, ~(sum + (sum >> 16)) & 0xffff);
}

void peer_advance(struct peer *peer, gander_time ns)
{
    peer->now += ns;
    do {
        gander_advance(peer->stack, peer->now);
    } while (gander_deadline(peer->stack) <= peer->now);
}

void peer_sends(struct peer *peer, const struct peer_segment *s)
{
    uint32_t header = TCP_BYTES + (s->has_timestamp ? TIMESTAMP_BYTES : 0);
    uint32_t len = ip_bytes(peer) + header + s->len;
    struct gander_packet *packet = gander_packet_alloc(peer->stack, len);
    uint8_t *tcp;

    require(packet != NULL);
    tcp = packet->frag[0].data + ip_bytes(peer);
    ip_header(peer, packet->frag[0].data, len);
    memset(tcp, 0, header);
    put16(tcp, PEER_PORT);
    put16(tcp + 2, PEER_US_PORT);
    put32(tcp + 4, s->seq);
    put32(tcp + 8, s->ack);
    tcp[12] = (uint8_t)(header / 4 << 4);
    tcp[13] = s->flags;
    put16(tcp + 14, s->wnd);
    put16(tcp + 18, s->up);
    if (s->has_timestamp) {
        put32(tcp + 20, 0x0101080a); /* NOP NOP, kind 8, length 10 */
        put32(tcp + 24, s->tsval);
        put32(tcp + 28, s->tsecr);
    }
    for (uint32_t i = 0; i < s->len; i++)
        tcp[header + i] = peer_text(s->seq + (s->flags & GANDER_FLAG_SYN ? 1 : 0) + i);
    gander_input(peer->stack, peer->link, &packet, 1);
    peer_collect(peer, true);
}

static void read_segment(const uint8_t *tcp, uint32_t len, struct peer_segment *s)
{
    uint32_t header = (uint32_t)(tcp[12] >> 4) * 4;

    *s = (struct peer_segment){.flags = tcp[13],
                               .wnd = (uint16_t)get16(tcp + 14),
                               .up = (uint16_t)get16(tcp + 18),
                               .seq = get32(tcp + 4),
                               .ack = get32(tcp + 8),
                               .len = len - header};
    for (uint32_t i = TCP_BYTES; i + 10 <= header && tcp[i] != 0;) {
        if (tcp[i] == 8) {
            s->has_timestamp = true;
            s->tsval = get32(tcp + i + 2);
            s->tsecr = get32(tcp + i + 6);
        }
        i += tcp[i] == 1 ? 1 : tcp[i + 1];
    }
}

void peer_collect(struct peer *peer, bool anew)
{
    struct gander_packet *packet;

    if (anew)
        peer->sent_count = 0;
    while (gander_output(peer->stack, peer->link, &packet, 1) == 1) {
        uint8_t bytes[IP6_BYTES + 60];
        struct peer_segment *s = &peer->sent[peer->sent_count];

        require(gander_packet_bytes(packet, bytes, sizeof(bytes)) >= ip_bytes(peer) + TCP_BYTES);
        require(peer->sent_count < PEER_SENT_MAX && bytes[peer->ipv6 ? 6 : 9] == 6);
        read_segment(bytes + ip_bytes(peer), packet->len - ip_bytes(peer), s);
        peer->sent_count++;
        gander_packet_free(packet);
    }
}

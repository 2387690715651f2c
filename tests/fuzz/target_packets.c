/* SPDX-License-Identifier: MIT */
/*
 * Packets of any bytes, checksums put right, into a host that has one of everything: a listener, a connection, a UDP and a PING
 * socket, over IPv4 and IPv6. The bytes are a list of packets; a packet is either raw from its first byte on, or what follows
 * a good IP header, or what follows good ports and numbers too, so that all depths are reached.
 */
#include "host.h"
#include "segment.h"

enum { PORT = 80, PEER_PORT = 4000, UDP_PORT = 53, PACKETS_MAX = 100, ISN = 1000 };

struct family {
    struct gander_address us, peer;
    uint32_t next, end; /* what the stack expects; behind what it sent */
    struct frame last;  /* that left */
};

struct lab {
    struct input in;
    struct host host;
    struct family families[2];
    gander_socket listener, connections[2], udp, ping;
};

/* --- the host --------------------------------------------------------------------------------------- */

static void drain(struct lab *l)
{
    struct frame frame;
    struct segment seg;

    while (host_leaves(&l->host, &frame)) {
        struct family *f = &l->families[frame.bytes[0] >> 4 == 6];

        f->last = frame;
        if (!segment_read(&frame, &seg) || seg.destination_port != PEER_PORT ||
            (seg.flags & GANDER_FLAG_RST))
            continue;
        f->next = seg.ack;
        f->end =
            seg.seq + seg.text_len + ((seg.flags & (GANDER_FLAG_SYN | GANDER_FLAG_FIN)) ? 1 : 0);
    }
}

static void connect_peer(struct lab *l, unsigned i)
{
    static const uint8_t options[] = {2, 4, 5, 180, 4, 2, 3, 3, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0};
    struct family *f = &l->families[i];
    struct segment seg = {.source_port = PEER_PORT,
                          .destination_port = PORT,
                          .seq = ISN,
                          .wnd = 60000,
                          .flags = GANDER_FLAG_SYN};
    struct frame frame;

    if (i == 0) /* that over IPv6 has no options */
        segment_option(&seg, options, sizeof(options));
    segment_write(&frame, &f->peer, &f->us, &seg);
    host_arrive(&l->host, &frame);
    drain(l);
    seg.flags = GANDER_FLAG_ACK;
    seg.seq = f->next;
    seg.ack = f->end;
    seg.option_bytes = 0;
    if (i == 0)
        segment_option32(&seg, 8, 2, (const uint32_t[]){10, 0});
    segment_write(&frame, &f->peer, &f->us, &seg);
    host_arrive(&l->host, &frame);
    drain(l);
    CHECK(gander_accept(l->host.stack, l->listener, &l->connections[i], NULL) == 0);
    CHECK(gander_send(l->host.stack, l->connections[i], "0123456789", 10, 0) == 10);
    drain(l);
}

static void start(struct lab *l)
{
    struct gander_address any = {.port = PORT}, to;

    memset(l->families, 0, sizeof(l->families));
    host_init(&l->host);
    host_listen_in(&l->host.config);
    l->families[0].us = l->host.ip4;
    l->families[0].peer = l->host.peer4;
    l->families[1].us = l->host.ip6;
    l->families[1].peer = l->host.peer6;
    host_start(&l->host);
    CHECK(gander_open(l->host.stack, GANDER_TCP, &l->listener) == 0);
    CHECK(gander_bind(l->host.stack, l->listener, &any) == 0);
    CHECK(gander_listen(l->host.stack, l->listener, 4) == 0);
    connect_peer(l, 0);
    connect_peer(l, 1);
    any.port = UDP_PORT;
    CHECK(gander_open(l->host.stack, GANDER_UDP, &l->udp) == 0);
    CHECK(gander_bind(l->host.stack, l->udp, &any) == 0);
    CHECK(gander_open(l->host.stack, GANDER_PING, &l->ping) == 0);
    to = l->host.peer4;
    to.port = 7;
    CHECK(gander_connect(l->host.stack, l->ping, &to) == 0);
    CHECK(gander_send(l->host.stack, l->ping, "\0\1ping", 6, 0) == 6);
    drain(l);
}

/* --- packets ----------------------------------------------------------------------------------------- */

/* Ports and numbers are good but for what the bytes add to them. */
static void aim_tcp(struct lab *l, const struct family *f, uint8_t *tcp)
{
    frame_put16(tcp, PEER_PORT);
    frame_put16(tcp + 2, PORT);
    frame_put32(tcp + 4, f->next + take_near8(&l->in));
    frame_put32(tcp + 8, f->end + take_near8(&l->in));
}

static void aim_udp(uint8_t *udp, uint32_t bytes)
{
    frame_put16(udp + 2, UDP_PORT);
    frame_put16(udp + 4, bytes);
}

/* An ICMP error quotes what left last. */
static uint32_t aim_icmp(struct family *f, struct frame *frame, uint8_t *icmp)
{
    uint32_t room = FRAME_MAX_BYTES - frame->len, n = f->last.len < room ? f->last.len : room;

    n = n < 120 ? n : 120;
    memcpy(icmp + 8, f->last.bytes, n);
    return 8 + n;
}

static void aimed(struct lab *l, struct frame *frame, uint8_t how, const uint8_t *bytes, size_t n)
{
    static const uint8_t protocols[2][4] = {{FRAME_TCP, FRAME_UDP, FRAME_ICMP4, 132},
                                            {FRAME_TCP, FRAME_UDP, FRAME_ICMP6, 0}};
    struct family *f = &l->families[how >> 2 & 1];
    uint8_t protocol = protocols[how >> 2 & 1][how & 3];
    uint8_t *b = frame_begin(frame, &f->peer, &f->us, protocol, (uint32_t)n);

    memcpy(b, bytes, n);
    if (!(how & 8))
        return;
    if (protocol == FRAME_TCP && n >= 20)
        aim_tcp(l, f, b);
    else if (protocol == FRAME_UDP && n >= 8)
        aim_udp(b, (uint32_t)n);
    else if ((how & 3) == 2 && n >= 8) {
        frame->len = (uint32_t)(b - frame->bytes);
        frame->len += aim_icmp(f, frame, b);
        frame_fix_length(frame);
    }
}

static void packet(struct lab *l)
{
    uint8_t how = take8(&l->in), len = take8(&l->in);
    struct frame frame = {0};
    size_t n;
    const uint8_t *bytes = take_bytes(&l->in, len, &n);

    if (how & 16) {
        frame.len = (uint32_t)n;
        memcpy(frame.bytes, bytes, n);
        if (how & 1)
            frame_fix_length(&frame);
    } else {
        aimed(l, &frame, how, bytes, n);
    }
    if (!(how & 32))
        frame_fix(&frame);
    host_hold(&l->host, &frame);
    if (!(how & 64))
        host_flush(&l->host);
    if (!(how & 128))
        drain(l);
}

/* What came by UDP goes back. */
static void echo(struct lab *l, size_t room)
{
    static uint8_t buffer[2000];
    struct gander_datagram datagram;
    int64_t n = gander_receive_from(l->host.stack, l->udp, buffer, room, 0, &datagram);

    if (n >= 0)
        gander_send_to(l->host.stack, l->udp, buffer, (size_t)n, &datagram);
}

/* The application and the clock move on. */
static void live(struct lab *l)
{
    static uint8_t buffer[70000];
    uint8_t how = take8(&l->in);
    struct gander_event events[4];
    struct gander_datagram datagram;

    if (how & 1)
        gander_receive(l->host.stack, l->connections[how >> 7], buffer, sizeof(buffer), 0);
    if (how & 2)
        echo(l, how & 64 ? sizeof(datagram) : 2000);
    if (how & 4)
        gander_receive_from(l->host.stack, l->ping, buffer, sizeof(buffer), 0, &datagram);
    if (how & 8)
        gander_send(l->host.stack, l->connections[how >> 7], buffer, 1U + how * 10U, 0);
    if (how & 16)
        host_next_deadline(&l->host);
    if (how & 32)
        gander_events(l->host.stack, events, 4);
    if ((how & 64) && l->connections[how >> 7]) {
        gander_close(l->host.stack, l->connections[how >> 7]);
        l->connections[how >> 7] = 0;
    }
    drain(l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lab lab;
    struct lab *l = &lab;

    l->in = (struct input){data, size};
    start(l);
    for (unsigned i = 0; l->in.left > 0 && i < PACKETS_MAX; i++) {
        if (take8(&l->in) % 4 == 3)
            live(l);
        else
            packet(l);
    }
    host_flush(&l->host);
    for (unsigned i = 0; i < 2; i++)
        gander_close(l->host.stack, l->connections[i]);
    gander_close(l->host.stack, l->listener);
    gander_close(l->host.stack, l->udp);
    gander_close(l->host.stack, l->ping);
    host_run_out(&l->host);
    host_finish(&l->host);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Lengths and flags that disagree with what is there (docs/security.md D; Ripple20, INFRA:HALT, NUCLEUS:13, AMNESIA:33): one generator puts
 * {0, 1, least − 1, least, real − 1, real, real + 1, most} into every length field of every kind of packet, and cuts the frame
 * at the same places. Each packet is dropped for one counted reason or used, and nothing is kept.
 */
#include "rfc/packets.h"
#include "rfc/segment.h"

enum { PORT = 7, PEER_PORT = 5000, TCP = 6, UDP = 17, OPTIONS_HEADER = 60 };

enum kind { A_DATAGRAM, A_SYN, AN_ECHO, AN_ERROR, A_CHAIN, KINDS };

struct field {
    const char *what;
    unsigned family;   /* 0: both */
    enum kind kind;    /* KINDS: all */
    bool transport;    /* `at` counts from behind the IP header */
    uint32_t at, bits; /* 4: the upper half of a byte; LOWER_HALF: the other */
    uint32_t least;
};

enum { LOWER_HALF = 40 };

static const struct field fields[] = {
    {"IPv4 header length", GANDER_IPV4, KINDS, false, 0, LOWER_HALF, 5},
    {"IPv4 total length", GANDER_IPV4, KINDS, false, 2, 16, 20},
    {"IPv6 payload length", GANDER_IPV6, KINDS, false, 4, 16, 8},
    {"UDP length", 0, A_DATAGRAM, true, 4, 16, 8},
    {"TCP data offset", 0, A_SYN, true, 12, 4, 5},
    {"MSS option", 0, A_SYN, true, 21, 8, 4},
    {"window scale option", 0, A_SYN, true, 26, 8, 3},
    {"SACK permitted option", 0, A_SYN, true, 31, 8, 2},
    {"timestamps option", 0, A_SYN, true, 35, 8, 10},
    {"quoted header length", GANDER_IPV4, AN_ERROR, true, 8, LOWER_HALF, 5},
    {"quoted total length", GANDER_IPV4, AN_ERROR, true, 10, 16, 20},
    {"quoted payload length", GANDER_IPV6, AN_ERROR, true, 12, 16, 8},
    {"extension header length", GANDER_IPV6, A_CHAIN, true, 1, 8, 0},
    {"extension option length", GANDER_IPV6, A_CHAIN, true, 3, 8, 0},
};

static uint32_t field_get(const struct field *f, const uint8_t *at)
{
    return f->bits == 16 ? raw_get16(at) : f->bits == 8 ? *at : f->bits == 4 ? *at >> 4 : *at & 15;
}

static void field_put(const struct field *f, uint8_t *at, uint32_t value)
{
    if (f->bits == 16)
        raw_put16(at, value);
    else if (f->bits == 8)
        *at = (uint8_t)value;
    else if (f->bits == 4)
        *at = (uint8_t)((value & 15) << 4 | (*at & 15));
    else
        *at = (uint8_t)((*at & 0xf0) | (value & 15));
}

static uint32_t field_most(const struct field *f)
{
    return f->bits == 16 ? 0xffff : f->bits == 8 ? 0xff : 15;
}

/* --- packets ---------------------------------------------------------------------------------------------- */

static struct raw make_syn(const struct net *net, uint32_t seq, uint8_t flags)
{
    const struct segment syn = {.fields = FIELD_MSS | FIELD_WS | FIELD_SACKOK | FIELD_TS,
                                .flags = flags,
                                .seq = seq,
                                .mss = 1000,
                                .ws = 3,
                                .tsval = 77,
                                .wnd = 1000,
                                .source_port = PEER_PORT,
                                .destination_port = PORT};
    struct segment_path path = {.family = net->family};
    struct raw raw = raw_ip(net, TCP, NULL, 0);

    memcpy(path.source, net->peer.ip, 16);
    memcpy(path.destination, net->us.ip, 16);
    raw.len = segment_build(&syn, &path, raw.bytes);
    return raw;
}

static struct raw make(struct net *net, enum kind kind)
{
    static const uint8_t options[] = {UDP, 0, 1, 4, 0, 0, 0, 0}; /* PadN of 4 */
    struct raw datagram = raw_udp(net, PEER_PORT, PORT, "how long?", 9), ours, raw;
    struct gander_address to = with_port(net->peer, PEER_PORT);

    switch (kind) {
    case A_SYN:
        return make_syn(net, 1000, GANDER_FLAG_SYN);
    case AN_ECHO:
        return raw_icmp(net, is_ip4(net) ? 8 : 128, 0, 0x10001, "echo", 4);
    case AN_ERROR:
        ours = raw_udp(net, PORT, PEER_PORT, "ours", 4);
        to.port = PEER_PORT;
        raw_source(&ours, &net->us);
        raw_destination(&ours, &to);
        return raw_icmp_about(net, is_ip4(net) ? 3 : 1, is_ip4(net) ? 3 : 4, 0, &ours, ours.len);
    case A_CHAIN:
        raw = raw_ip(net, OPTIONS_HEADER, NULL, 0);
        memcpy(raw.bytes + 40, options, sizeof(options));
        memcpy(raw.bytes + 48, datagram.bytes + 40, datagram.len - 40);
        raw.len = datagram.len + 8;
        raw_put16(raw.bytes + 4, (uint32_t)raw.len - 40);
        return raw;
    default:
        return datagram;
    }
}

/* With right checksums, so that lengths alone decide. */
static void seal(struct raw *raw)
{
    uint32_t claimed = (raw->bytes[0] & 15) * 4u;

    if (raw_protocol(raw) != OPTIONS_HEADER)
        raw_fix(raw);
    if (raw->family == GANDER_IPV4 && claimed >= 20 && claimed <= raw->len) {
        raw->header_bytes = claimed;
        raw_fix_header(raw);
        raw->header_bytes = 20;
    }
}

static uint64_t used(const struct gander_stats *s)
{
    return s->udp_datagrams_in + s->icmp_in + s->tcp_segments_in;
}

/* Exactly one of: a drop with a reason, or used. Returns whether it was dropped. */
static bool meets(struct net *net, const struct raw *raw, size_t len)
{
    struct gander_packet *packet = gander_packet_alloc(net->stack, len), *out;
    struct gander_stats before, after;
    uint64_t dropped = 0;

    assert_non_null(packet);
    memcpy(packet->frag[0].data, raw->bytes, len);
    packet->flags = GANDER_PACKET_CHECKSUM_OK;
    gander_stats(net->stack, &before);
    gander_input(net->stack, net->link, &packet, 1);
    gander_stats(net->stack, &after);
    for (unsigned i = 0; i < GANDER_DROP_COUNT; i++)
        dropped += after.drops[i] - before.drops[i];
    if (after.drops[GANDER_DROP_icmp_rate] != before.drops[GANDER_DROP_icmp_rate])
        dropped--; /* the answer's */
    assert_true(dropped <= 1);
    assert_true(dropped == 1 || used(&after) > used(&before));
    while (gander_output(net->stack, net->link, &out, 1) == 1)
        gander_packet_free(out);
    return dropped == 1;
}

/* The next connection attempt finds nothing of the last one. */
static void forget(struct net *net, gander_socket udp)
{
    uint8_t bytes[64];
    struct raw rst = make_syn(net, 1001, GANDER_FLAG_RST);
    struct gander_packet *out;

    arrive(net, &rst);
    while (gander_output(net->stack, net->link, &out, 1) == 1)
        gander_packet_free(out);
    while (gander_receive(net->stack, udp, bytes, sizeof(bytes), 0) >= 0)
        ;
    gander_receive(net->stack, udp, bytes, sizeof(bytes), 0); /* an error that was reported */
}

static gander_socket listen_on_both(struct net *net)
{
    const struct gander_address any = {.family = (uint8_t)net->family, .port = PORT};
    gander_socket listener = open_socket(net, GANDER_TCP);

    assert_int_equal(gander_bind(net->stack, listener, &any), 0);
    assert_int_equal(gander_listen(net->stack, listener, 8), 0);
    return udp_on(net, PORT);
}

static void every_length_field_with_every_length(void **state)
{
    struct net *net = *state;
    gander_socket udp = listen_on_both(net);
    unsigned packets = 0, dropped = 0;

    for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        const struct field *f = &fields[i];

        if (f->family && f->family != net->family)
            continue;
        for (enum kind kind = 0; kind < KINDS; kind++) {
            struct raw whole;
            uint32_t real, values[8];
            uint8_t *at;

            if ((f->kind != KINDS && f->kind != kind) || (kind == A_CHAIN && is_ip4(net)))
                continue;
            whole = make(net, kind);
            at = whole.bytes + (f->transport ? whole.header_bytes : 0) + f->at;
            real = field_get(f, at);
            memcpy(
                values,
                (uint32_t[]){0, 1, f->least - 1, f->least, real - 1, real, real + 1, field_most(f)},
                sizeof(values));
            for (unsigned v = 0; v < 8; v++) {
                struct raw p = whole;

                field_put(f, p.bytes + (at - whole.bytes), values[v] & field_most(f));
                seal(&p);
                if (values[v] == real && meets(net, &p, p.len))
                    fail_msg("%s: the real length was refused", f->what);
                dropped += meets(net, &p, p.len);
                packets++;
                forget(net, udp);
            }
        }
    }
    print_message("%u packets with strange lengths, %u of them dropped\n", packets, dropped);
    assert_true(dropped > packets / 4);
}

static void every_frame_length(void **state)
{
    struct net *net = *state;
    gander_socket udp = listen_on_both(net);

    for (enum kind kind = 0; kind < KINDS; kind++) {
        struct raw whole;

        if (kind == A_CHAIN && is_ip4(net))
            continue;
        whole = make(net, kind);
        seal(&whole);
        for (size_t len = 1; len < whole.len; len++) /* the headers say more than there is */
            assert_true(meets(net, &whole, len));
        for (size_t more = 0; more < 64; more++) { /* padding of the link */
            memset(whole.bytes + whole.len, 0xaa, more);
            assert_false(meets(net, &whole, whole.len + more));
            forget(net, udp);
        }
    }
}

/* --- D4: flags ---------------------------------------------------------------------------------------------------- */

static void every_flag_byte_at_a_listener_and_a_closed_port(void **state)
{
    struct net *net = *state;
    gander_socket udp = listen_on_both(net);

    for (unsigned flags = 0; flags < 256; flags++) {
        const unsigned deciding =
            GANDER_FLAG_SYN | GANDER_FLAG_ACK | GANDER_FLAG_RST | GANDER_FLAG_FIN;
        struct gander_stats stats;

        for (unsigned reserved = 0; reserved < 16; reserved += 5) {
            struct raw p = make_syn(net, 1000, (uint8_t)flags);
            uint8_t *tcp = p.bytes + p.header_bytes;

            tcp[12] = (uint8_t)(tcp[12] | reserved); /* to be ignored [RFC9293 3.1] */
            meets(net, &p, p.len);
            gander_stats(net->stack, &stats);
            assert_int_equal(stats.tcp_syn_received, (flags & deciding) == GANDER_FLAG_SYN);
            raw_put16(tcp + 2, PORT + 1);
            meets(net, &p, p.len);
            forget(net, udp);
            gander_stats(net->stack, &stats);
            assert_int_equal(stats.tcp_syn_received + stats.tcp_connections, 0);
        }
    }
}

/* --- A16: a flood for one socket ------------------------------------------------------------------------------------- */

static void a_full_socket_does_not_silence_others(void **state)
{
    struct net *net = *state;
    gander_socket full = udp_on(net, PORT), other = udp_on(net, PORT + 1);
    struct raw flood = raw_udp(net, PEER_PORT, PORT, "again and again and again", 25);
    struct raw word = raw_udp(net, PEER_PORT, PORT + 1, "a word", 6);
    struct gander_stats stats;
    uint8_t bytes[64];
    uint64_t memory = 0, received = 0;

    for (unsigned i = 1; i <= 20000; i++) {
        arrive(net, &flood);
        if (i % 100)
            continue;
        arrive(net, &word);
        receives(net, other, "a word", 6);
        gander_stats(net->stack, &stats);
        if (i == 10000)
            memory = stats.memory_bytes;
    }
    assert_true(memory > 0 && stats.memory_bytes <= memory + 65536);
    while (gander_receive(net->stack, full, bytes, sizeof(bytes), 0) == 25)
        received++;
    assert_int_equal(received + stats.drops[GANDER_DROP_udp_full], 20000); /* exact */
    assert_true(received > 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        PACKET_TEST(every_length_field_with_every_length),
        PACKET_TEST(every_frame_length),
        PACKET_TEST(every_flag_byte_at_a_listener_and_a_closed_port),
        PACKET_TEST(a_full_socket_does_not_silence_others),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

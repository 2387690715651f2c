/* SPDX-License-Identifier: MIT */
/* One stack against many peers. See crowd.h. */
#include "threats/crowd.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- running ------------------------------------------------------------------------------------- */

static void *counting_alloc(void *context, size_t size, size_t align)
{
    struct crowd *c = context;
    void *memory = NULL;

    if (c->refuse_after == 0) {
        c->refused++;
        if (!c->refuse_for_good)
            c->refuse_after = -1;
        return NULL;
    }
    if (c->refuse_after > 0)
        c->refuse_after--;
    if (posix_memalign(&memory, align < sizeof(void *) ? sizeof(void *) : align, size) != 0)
        return NULL;
    c->allocated_bytes += size;
    if (c->allocated_bytes > c->allocated_peak_bytes)
        c->allocated_peak_bytes = c->allocated_bytes;
    return memory;
}

static void counting_free(void *context, void *memory, size_t size)
{
    struct crowd *c = context;

    c->allocated_bytes -= size;
    free(memory);
}

static int setup(void **state, unsigned family, bool ts)
{
    struct crowd *c = calloc(1, sizeof(*c));

    if (!c)
        return -1;
    c->family = family;
    c->ts = ts;
    c->random = 12345;
    c->refuse_after = -1;
    gander_config_init(&c->config);
    c->config.memory = (struct gander_memory){counting_alloc, counting_free, c};
    c->config.start = 10 * GANDER_S;
    c->config.tcp_timestamps = ts;
    for (unsigned i = 0; i < sizeof(c->config.secret); i++)
        c->config.secret[i] = (uint8_t)(i * 53 + 29);
    *state = c;
    return 0;
}

int crowd_setup_ip4(void **state)
{
    return setup(state, GANDER_IPV4, false);
}

int crowd_setup_ip6(void **state)
{
    return setup(state, GANDER_IPV6, false);
}

int crowd_setup_ip4_ts(void **state)
{
    return setup(state, GANDER_IPV4, true);
}

int crowd_setup_ip6_ts(void **state)
{
    return setup(state, GANDER_IPV6, true);
}

int crowd_teardown(void **state)
{
    struct crowd *c = *state;
    uint64_t left;

    while (c->out_next < c->out_count)
        gander_packet_free(c->out[c->out_next++]);
    gander_stack_destroy(c->stack);
    left = c->allocated_bytes;
    free(c);
    return left ? -1 : 0;
}

uint32_t crowd_count(uint32_t quick, uint32_t full)
{
    const char *soak = getenv("GANDER_SOAK");

    return soak && *soak && *soak != '0' ? full : quick;
}

int64_t crowd_cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * GANDER_S + t.tv_nsec;
}

uint32_t crowd_random(struct crowd *c)
{
    c->random ^= c->random << 13;
    c->random ^= c->random >> 17;
    c->random ^= c->random << 5;
    return c->random;
}

/* --- the stack --------------------------------------------------------------------------------------- */

static struct gander_address our_address(const struct crowd *c)
{
    struct gander_address address = {.family = (uint8_t)c->family};

    assert_int_equal(
        gander_address_parse(c->family == GANDER_IPV4 ? "192.0.2.1" : "2001:db8::1", &address), 0);
    return address;
}

void crowd_start(struct crowd *c)
{
    struct gander_link_config link = {.mtu_bytes = 1500};
    struct gander_address address = our_address(c), all = {.family = (uint8_t)c->family};

    assert_int_equal(gander_stack_create(&c->config, &c->stack), 0);
    assert_int_equal(gander_link_add(c->stack, &link, &c->link), 0);
    assert_int_equal(
        gander_address_add(c->stack, c->link, &address, c->family == GANDER_IPV4 ? 24 : 64), 0);
    assert_int_equal(gander_route_add(c->stack, c->link, &all, 0), 0);
}

void crowd_listen(struct crowd *c, int backlog)
{
    struct gander_address local = {.family = (uint8_t)c->family, .port = CROWD_PORT};

    assert_int_equal(gander_open(c->stack, GANDER_TCP, &c->listener), 0);
    assert_int_equal(gander_bind(c->stack, c->listener, &local), 0);
    assert_int_equal(gander_listen(c->stack, c->listener, backlog), 0);
}

struct gander_stats crowd_stats(const struct crowd *c)
{
    struct gander_stats stats;

    gander_stats(c->stack, &stats);
    return stats;
}

static void advance(struct crowd *c, gander_time by, bool drain)
{
    gander_time end = c->now + by;

    for (;;) {
        gander_time next = gander_deadline(c->stack);

        next = next == GANDER_NEVER ? end : next - c->config.start;
        if (next > end)
            next = end;
        if (next > c->now)
            c->now = next;
        gander_advance(c->stack, c->config.start + c->now);
        if (drain)
            crowd_drain(c);
        next = gander_deadline(c->stack);
        if (c->now == end && (next == GANDER_NEVER || next - c->config.start > end))
            return;
    }
}

void crowd_advance(struct crowd *c, gander_time by)
{
    advance(c, by, false);
}

void crowd_pass(struct crowd *c, gander_time by)
{
    crowd_drain(c);
    advance(c, by, true);
}

/* --- single segments --------------------------------------------------------------------------------- */

uint32_t crowd_isn(uint32_t number)
{
    static const uint32_t isns[] = {0u - 2, (1u << 31) - 2, 123456789};

    return isns[number % 3];
}

/* IPv4: 10/8; IPv6: each in a /64 of its own. */
static void peer_address(const struct crowd *c, uint32_t number, uint8_t ip[16])
{
    memset(ip, 0, 16);
    if (c->family == GANDER_IPV4) {
        ip[0] = 10;
        ip[1] = (uint8_t)(number >> 16);
        ip[2] = (uint8_t)(number >> 8);
        ip[3] = (uint8_t)number;
    } else {
        ip[0] = 0x20;
        ip[1] = 0x01;
        ip[2] = 0x0d;
        ip[3] = 0xb8;
        ip[4] = (uint8_t)(number >> 24);
        ip[5] = (uint8_t)(number >> 16);
        ip[6] = (uint8_t)(number >> 8);
        ip[7] = (uint8_t)number;
        ip[15] = 2;
    }
}

static uint32_t peer_number(const struct crowd *c, const uint8_t ip[16])
{
    if (c->family == GANDER_IPV4)
        return (uint32_t)ip[1] << 16 | (uint32_t)ip[2] << 8 | ip[3];
    return (uint32_t)ip[4] << 24 | (uint32_t)ip[5] << 16 | (uint32_t)ip[6] << 8 | ip[7];
}

struct segment_path crowd_path(const struct crowd *c, uint32_t number)
{
    struct gander_address us = our_address(c);
    struct segment_path path = {.family = c->family};

    peer_address(c, number, path.source);
    memcpy(path.destination, us.ip, sizeof(us.ip));
    return path;
}

void crowd_send_bytes(struct crowd *c, const uint8_t *bytes, size_t len)
{
    struct gander_packet *packet = gander_packet_alloc(c->stack, len);

    if (!packet)
        return; /* as a driver without memory: lost */
    memcpy(packet->frag[0].data, bytes, len);
    gander_input(c->stack, c->link, &packet, 1);
}

void crowd_send(struct crowd *c, uint32_t number, const struct segment *segment)
{
    static uint8_t bytes[SEGMENT_PACKET_MAX];
    struct segment_path path = crowd_path(c, number);
    struct segment s = *segment;

    if (!s.source_port)
        s.source_port = CROWD_PEER_PORT;
    if (!s.destination_port)
        s.destination_port = CROWD_PORT;
    if (c->ts && !(s.fields & (FIELD_NOTS | FIELD_OPT | FIELD_TS))) {
        s.fields |= FIELD_TS;
        s.tsval = 1000 + (uint32_t)(c->now / GANDER_MS);
    }
    crowd_send_bytes(c, bytes, segment_build(&s, &path, bytes));
}

void crowd_syn(struct crowd *c, uint32_t number)
{
    crowd_send(c, number,
               &(struct segment){.flags = GANDER_FLAG_SYN,
                                 .fields = FIELD_MSS | FIELD_WS | FIELD_SACKOK,
                                 .seq = crowd_isn(number),
                                 .mss = CROWD_MSS,
                                 .ws = 7,
                                 .wnd = 65535});
}

bool crowd_take(struct crowd *c, uint32_t *number, struct segment *segment)
{
    static uint8_t bytes[SEGMENT_PACKET_MAX];
    struct gander_packet *packet;
    struct segment_path path;
    const char *wrong;
    size_t len;

    if (c->out_next == c->out_count) {
        c->out_next = 0;
        c->out_count = gander_output(c->stack, c->link, c->out, CROWD_BURST);
        if (c->out_count == 0)
            return false;
    }
    packet = c->out[c->out_next++];
    len = gander_packet_bytes(packet, bytes, sizeof(bytes));
    segment->why = 0;
    wrong = segment_read(bytes, len, &path, segment);
    segment->why = packet->why;
    gander_packet_free(packet);
    free(segment->text);
    segment->text = NULL;
    if (wrong)
        fail_msg("a packet left with: %s", wrong);
    *number = peer_number(c, path.destination);
    return true;
}

uint64_t crowd_drain(struct crowd *c)
{
    uint64_t n = 0;

    do {
        for (; c->out_next < c->out_count; n++)
            gander_packet_free(c->out[c->out_next++]);
        c->out_next = 0;
        c->out_count = gander_output(c->stack, c->link, c->out, CROWD_BURST);
    } while (c->out_count > 0);
    return n;
}

/* --- peers with connections ------------------------------------------------------------------------------ */

bool crowd_open(struct crowd *c, struct crowd_peer *p, uint32_t number,
                const struct segment *options)
{
    struct segment syn =
        options ? *options : (struct segment){.fields = FIELD_MSS, .mss = CROWD_MSS};
    struct segment s;
    uint32_t who;

    *p = (struct crowd_peer){.number = number, .seq = crowd_isn(number), .wnd = 65535};
    syn.flags = GANDER_FLAG_SYN;
    syn.seq = p->seq++;
    syn.wnd = p->wnd;
    crowd_send(c, number, &syn);
    do {
        if (!crowd_take(c, &who, &s))
            return false;
    } while (who != number);
    assert_int_equal(s.flags, GANDER_FLAG_SYN | GANDER_FLAG_ACK);
    p->ack = (uint32_t)s.seq + 1;
    p->tsval = s.tsval;
    crowd_say(c, p, GANDER_FLAG_ACK, 0);
    return gander_accept(c->stack, c->listener, &p->socket, NULL) == 0;
}

void crowd_say(struct crowd *c, struct crowd_peer *p, uint8_t flags, uint32_t len)
{
    static uint8_t text[1500];
    struct segment s = {.flags = flags, .seq = p->seq, .ack = p->ack, .wnd = p->wnd, .len = len};

    assert_true(len <= sizeof(text));
    s.text = text;
    s.tsecr = p->tsval;
    if (c->ts) {
        s.fields = FIELD_TS;
        s.tsval = 1000 + (uint32_t)(c->now / GANDER_MS);
    }
    p->seq += len + !!(flags & GANDER_FLAG_SYN) + !!(flags & GANDER_FLAG_FIN);
    crowd_send(c, p->number, &s);
}

unsigned crowd_hear(struct crowd *c, struct crowd_peer *p)
{
    struct segment s;
    unsigned heard = 0;
    uint32_t who;

    while (crowd_take(c, &who, &s)) {
        if (who != p->number)
            continue;
        heard++;
        if (s.fields & FIELD_TS)
            p->tsval = s.tsval;
        if ((uint32_t)s.seq == p->ack)
            p->ack += s.len + !!(s.flags & GANDER_FLAG_FIN);
    }
    return heard;
}

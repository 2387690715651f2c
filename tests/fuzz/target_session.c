/* SPDX-License-Identifier: MIT */
/*
 * One stack, and a peer that sends any sequence of segments, mixed with user calls and time. The bytes first choose the
 * kind of session (family, who opens, numbers near the wrap, buffers, memory), then each next one a step.
 *
 * Judged besides the stack's own invariants: what leaves is well formed; its text is what the application wrote at that
 * number and its acknowledgements never go back; what the application reads is what the peer sent at that number; when all is
 * closed and the peer silent, everything ends and its memory is back.
 */
#include "base/seq.h"
#include "session.h"

/* --- what leaves ---------------------------------------------------------------------------------- */

static void begin_at(struct session *s, uint32_t iss)
{
    s->iss = iss;
    s->una = iss;
    s->end = iss + 1;
    s->ack_known = false;
}

static void saw_syn(struct session *s, const struct segment *seg)
{
    s->open = true;
    begin_at(s, seg->seq);
    s->syns[s->syn_count++ % SYNS] = seg->seq;
    if (seg->flags & GANDER_FLAG_ACK)
        s->next = seg->ack;
    s->port = seg->source_port;
}

/* A stack that answers SYNs with cookies remembers none [RFC4987 3.6]: the peer may take up any of its answers. */
static void which_syn(struct session *s, uint32_t seq)
{
    if (seq - s->iss <= STREAM_MAX_BYTES)
        return;
    for (unsigned i = 0; i < SYNS; i++)
        if (seq - s->syns[i] <= STREAM_MAX_BYTES)
            begin_at(s, s->syns[i]);
}

static void judge(struct session *s, const struct segment *seg)
{
    if (seg->has_timestamp)
        s->tsval = seg->tsval;
    if (seg->flags & GANDER_FLAG_RST)
        return;
    if (seg->flags & GANDER_FLAG_SYN) {
        saw_syn(s, seg);
        return;
    }
    if (!s->open || seg->source_port != s->port)
        return;                          /* of a connection that was there before */
    CHECK(seg->flags & GANDER_FLAG_ACK); /* [RFC9293 3.10.7.4]: all but a SYN and a reset */
    which_syn(s, seg->seq);
    if (s->ack_known)
        CHECK(seq_geq(seg->ack, s->next));
    s->ack_known = true;
    s->next = seg->ack;
    if (seg->text_len) {
        CHECK(pattern_holds(seg->text, seg->seq - s->iss - 1, seg->text_len));
        s->end =
            seq_max(s->end, seg->seq + seg->text_len + ((seg->flags & GANDER_FLAG_FIN) ? 1 : 0));
    } else if (seg->flags & GANDER_FLAG_FIN) {
        s->end = seq_max(s->end, seg->seq + 1);
    }
}

/* A header that was broken on the way may have made a connection with another host. */
static bool is_to_peer(const struct session *s, const struct frame *frame)
{
    return s->peer.family == GANDER_IPV4
               ? frame->bytes[0] >> 4 == 4 && memcmp(frame->bytes + 16, s->peer.ip, 4) == 0
               : frame->bytes[0] >> 4 == 6 && memcmp(frame->bytes + 24, s->peer.ip, 16) == 0;
}

static void drain(struct session *s, unsigned max)
{
    struct frame frame;
    struct segment seg;

    while (max-- > 0 && host_leaves(&s->host, &frame)) {
        s->last = frame;
        if (is_to_peer(s, &frame) && segment_read(&frame, &seg) &&
            seg.destination_port == PEER_PORT)
            judge(s, &seg);
    }
}

/* --- what arrives --------------------------------------------------------------------------------- */

/* A number: near a place that matters, or far. */
static uint32_t number(struct session *s, unsigned mode, uint32_t here, uint32_t initial)
{
    switch (mode & 15) {
    default:
        return here;
    case 6:
        return here - 1;
    case 7:
        return here + 1;
    case 8:
        return here + take16(&s->in);
    case 9:
        return here - take16(&s->in);
    case 10:
        return here + take8(&s->in);
    case 11:
        return here - take8(&s->in);
    case 12:
        return initial;
    case 13:
        return initial + 1;
    case 14:
        return here + 0x7fffffff + take8(&s->in) % 3;
    case 15:
        return take32(&s->in);
    }
}

static void put_sacks(struct session *s, struct segment *seg)
{
    uint8_t how = take8(&s->in);
    uint32_t edges[8], base = s->una;
    unsigned blocks = 1 + (how & 3);

    for (unsigned i = 0; i < 2 * blocks; i++) {
        base = how & 4 ? number(s, take8(&s->in), base, s->iss)
                       : base + (uint32_t)take8(&s->in) * (how & 8 ? 1 : 64);
        edges[i] = base;
    }
    segment_option32(seg, 5, 2 * blocks, edges);
}

static void put_options(struct session *s, struct segment *seg, uint8_t which)
{
    static const uint8_t sack_permitted[] = {4, 2};
    const uint8_t *bytes;
    size_t n;

    if (which & 1) {
        uint16_t mss = take16(&s->in);

        segment_option(seg, (const uint8_t[]){2, 4, (uint8_t)(mss >> 8), (uint8_t)mss}, 4);
    }
    if (which & 2)
        segment_option(seg, (const uint8_t[]){3, 3, take8(&s->in)}, 3);
    if (which & 4)
        segment_option(seg, sack_permitted, sizeof(sack_permitted));
    if (which & 8) {
        uint8_t how = take8(&s->in);
        uint32_t stamps[2];

        s->peer_ts += how & 15;
        stamps[0] = number(s, how & 16 ? take8(&s->in) : 0, s->peer_ts, 0);
        stamps[1] = number(s, how & 32 ? take8(&s->in) : 0, s->tsval, 0);
        segment_option32(seg, 8, 2, stamps);
    }
    if (which & 16)
        put_sacks(s, seg);
    if (which & 32) {
        bytes = take_bytes(&s->in, take8(&s->in) % SEGMENT_OPTIONS_MAX, &n);
        segment_option(seg, bytes, (uint32_t)n);
    }
}

static uint16_t window(struct session *s, uint8_t how)
{
    static const uint16_t windows[] = {65535, 0, 1, 256, 1000, 1460, 8192, 32768};

    return how & 8 ? take16(&s->in) : windows[how & 7];
}

static void arrive(struct session *s, bool hold)
{
    uint8_t text[SEGMENT_TEXT_MAX];
    uint8_t flags = take8(&s->in), where = take8(&s->in), extra = take8(&s->in);
    struct segment seg = {.source_port = PEER_PORT, .destination_port = s->port, .flags = flags};
    struct frame frame;

    seg.seq = number(s, where, s->next, s->isn);
    seg.ack = number(s, where >> 4, s->end, s->iss);
    seg.wnd = window(s, extra);
    if (extra & 16)
        put_options(s, &seg, take8(&s->in));
    if (extra & 32)
        seg.text_len = session_text_bytes(take8(&s->in));
    if (extra & 64)
        seg.up = take16(&s->in);
    pattern_fill(text, seg.seq + ((flags & GANDER_FLAG_SYN) ? 1 : 0), seg.text_len);
    seg.text = text;
    if ((flags & GANDER_FLAG_ACK) && seq_between(s->una, seg.ack, s->end + 1))
        s->una = seg.ack;
    segment_write(&frame, &s->peer, &s->us, &seg);
    if (extra & 128) { /* something is wrong with the header */
        uint8_t at = take8(&s->in);

        frame.bytes[at % frame.len] ^= take8(&s->in);
        frame_fix(&frame);
        s->garbled = true;
    }
    host_hold(&s->host, &frame);
    if (!hold)
        host_flush(&s->host);
}

/* The start of what is in flight did not come; one block of what did, by whole or broken segments. */
static void miss_some(struct session *s, struct segment *seg)
{
    uint32_t edges[2];

    edges[0] = s->una + take8(&s->in) * 16U;
    edges[1] = s->end - take8(&s->in) * 16U;
    seg->ack = s->una;
    segment_option32(seg, 5, 2, edges);
}

/* The ordinary next segment, so that sessions get somewhere: text in order, all acknowledged. */
static void arrive_in_order(struct session *s)
{
    uint8_t text[SEGMENT_TEXT_MAX], how = take8(&s->in);
    struct segment seg = {.source_port = PEER_PORT,
                          .destination_port = s->port,
                          .seq = s->next,
                          .ack = s->end,
                          .wnd = window(s, how & 7),
                          .flags = GANDER_FLAG_ACK | (how & 8 ? GANDER_FLAG_FIN : 0)};
    struct frame frame;

    if (how & 16)
        seg.text_len = session_text_bytes(take8(&s->in));
    if (how & 128)
        miss_some(s, &seg);
    if (how & 32)
        put_options(s, &seg, 8);
    pattern_fill(text, seg.seq, seg.text_len);
    seg.text = text;
    s->una = seg.ack;
    segment_write(&frame, &s->peer, &s->us, &seg);
    host_hold(&s->host, &frame);
    if (!(how & 64))
        host_flush(&s->host);
}

/* An ICMP error that quotes what left last. */
static void arrive_icmp(struct session *s)
{
    bool v4 = s->us.family == GANDER_IPV4;
    uint8_t type = take8(&s->in), code = take8(&s->in);
    uint16_t mtu = take16(&s->in);
    uint32_t quoted = s->last.len < 96 ? s->last.len : 96;
    struct frame frame;
    uint8_t *b;

    if (quoted == 0)
        return;
    b = frame_begin(&frame, &s->peer, &s->us, v4 ? FRAME_ICMP4 : FRAME_ICMP6, 8 + quoted);
    b[0] = type & 1 ? type : v4 ? 3 : 2 - (type >> 1) % 2;
    b[1] = type & 1 ? code : v4 ? code % 16 : 0;
    if (v4)
        frame_put16(b + 6, mtu);
    else
        frame_put32(b + 4, mtu);
    memcpy(b + 8, s->last.bytes, quoted);
    frame_fix(&frame);
    host_arrive(&s->host, &frame);
}

/* --- the session ---------------------------------------------------------------------------------- */

static void pass_time(struct session *s)
{
    static const gander_time spans[] = {0,
                                        1,
                                        GANDER_MS,
                                        50 * GANDER_MS,
                                        GANDER_S,
                                        60 * GANDER_S,
                                        3600 * GANDER_S,
                                        25 * 86400 * GANDER_S};
    uint8_t how = take8(&s->in);

    if (how & 128)
        host_sleep(&s->host, spans[how & 7] + (how & 120) * GANDER_MS);
    else
        for (unsigned i = 0; i <= how % 8U; i++)
            host_next_deadline(&s->host);
}

/* Others open connections too, more than the backlog holds. */
static void flood(struct session *s)
{
    unsigned n = take8(&s->in) % 32;

    for (unsigned i = 0; i < n; i++) {
        struct segment seg = {.source_port = (uint16_t)(PEER_PORT + 1 + i),
                              .destination_port = PORT,
                              .seq = i,
                              .wnd = 1000,
                              .flags = GANDER_FLAG_SYN};
        struct frame frame;

        segment_write(&frame, &s->peer, &s->us, &seg);
        host_hold(&s->host, &frame);
    }
    host_flush(&s->host);
}

/* The peer leaves a gap in its numbers. */
static void skip(struct session *s, uint32_t bytes)
{
    s->next += bytes;
    s->ack_known = false;
}

static void step(struct session *s)
{
    uint8_t what = take8(&s->in);

    switch (what & 7) {
    case 0:
    case 1:
        arrive(s, what & 8);
        break;
    case 2:
    case 3:
        arrive_in_order(s);
        break;
    case 4:
    case 5:
        session_call(s);
        break;
    case 6:
        pass_time(s);
        break;
    default:
        if (what & 8)
            arrive_icmp(s);
        else if (what & 16)
            flood(s);
        else
            skip(s, (what >> 5) * 100U);
        break;
    }
    session_note_irs(s);
    if (!(what & 128)) /* else the link is busy for a while */
        drain(s, what & 64 ? 1 : 1000);
}

static void begin(struct session *s);

/* Which initial sequence number the stack chooses when its clock begins at 0. */
static uint32_t iss_at_zero(bool v6, bool active)
{
    static struct session probe;
    static uint32_t iss[4];
    static bool known[4];
    unsigned kind = (v6 ? 2U : 0U) + (active ? 1U : 0U);

    if (known[kind])
        return iss[kind];
    memset(&probe, 0, sizeof(probe));
    host_init(&probe.host);
    probe.us = v6 ? probe.host.ip6 : probe.host.ip4;
    probe.peer = v6 ? probe.host.peer6 : probe.host.peer4;
    probe.active = active;
    probe.port = active ? OWN_PORT : PORT;
    host_start(&probe.host);
    begin(&probe);
    CHECK(probe.open);
    iss[kind] = probe.iss;
    known[kind] = true;
    host_finish(&probe.host);
    return iss[kind];
}

static void configure(struct session *s)
{
    static const uint32_t numbers[] = {0xfffffffe, 0x7ffffffe, 0, 0x12345678};
    struct gander_config *config = &s->host.config;
    uint8_t how = take8(&s->in), more = take8(&s->in);
    bool v6 = how & 1;

    s->us = v6 ? s->host.ip6 : s->host.ip4;
    s->peer = v6 ? s->host.peer6 : s->host.peer4;
    s->active = how & 2;
    s->isn = s->next = numbers[how >> 2 & 3];
    config->tcp_timestamps = !(how & 16);
    config->tcp_sack = !(how & 32);
    config->tcp_window_scaling = !(how & 64);
    if (how & 128)
        config->tcp_send_buffer_bytes = config->tcp_receive_buffer_bytes = 4096;
    if (more & 1)
        config->memory_max_bytes = 1 << 20;
    if (more & 2)
        config->tcp_time_wait_max = 1;
    if (more & 4)
        config->tcp_user_timeout_ns = 10 * GANDER_S;
    if (more & 64)
        config->tcp_congestion_control = gander_congestion_control_name(1);
    if (more & 128)
        host_listen_in(config);
    s->port = s->active ? OWN_PORT : PORT;
    /* The stack's initial sequence number moves with the clock, one each 4 µs. */
    if (more & 8)
        config->start = (gander_time)(numbers[more >> 4 & 3] - iss_at_zero(v6, s->active)) * 4000;
}

static void begin(struct session *s)
{
    struct segment seg = {.source_port = PEER_PORT,
                          .destination_port = PORT,
                          .seq = s->isn,
                          .wnd = 65535,
                          .flags = GANDER_FLAG_SYN};
    struct frame frame;

    s->u = &s->users[0];
    session_listen(s);
    if (s->active)
        session_connect(s, OWN_PORT);
    drain(s, 1000);
    if (s->active)
        seg.flags |= GANDER_FLAG_ACK;
    seg.destination_port = s->port;
    seg.ack = s->end;
    put_options(s, &seg, take8(&s->in) & 15);
    if (s->active || !(take8(&s->in) & 1)) {
        segment_write(&frame, &s->peer, &s->us, &seg);
        host_arrive(&s->host, &frame);
        drain(s, 1000);
    }
}

static void end(struct session *s)
{
    for (s->u = s->users; s->u < s->users + USERS; s->u++)
        session_close(s, false);
    if (s->listener)
        gander_close(s->host.stack, s->listener);
    drain(s, 1000);
    host_run_out(&s->host);
    host_finish(&s->host);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct session session;
    struct session *s = &session;

    memset(s, 0, sizeof(*s));
    s->in = (struct input){data, size};
    host_init(&s->host);
    configure(s);
    host_start(&s->host);
    begin(s);
    for (unsigned i = 0; s->in.left > 0 && i < STEPS_MAX; i++)
        step(s);
    end(s);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Two stacks that talk, and a link between them that does with each packet what the bytes say: deliver, drop, duplicate, swap, and
 * in hostile runs change any field of it, checksums put right. Both applications write a stream and read the other's.
 *
 * Honest runs must complete, byte for byte, whatever was dropped. Hostile ones must end, and give all memory back.
 */
#include "host.h"
#include "segment.h"

enum {
    PORT = 80,
    QUEUE_MAX = 64,
    TURNS_MAX = 4000,
    CHUNK_BYTES = 3000,
    /* no connection must give up: losses until something is read, and in all */
    DROPS_OPENING_MAX = 4,
    DROPS_MAX = 12
};

struct end {
    struct host host;
    gander_socket socket;
    uint32_t total, written, read;
    bool shut, finished; /* own FIN queued; the peer's stream read to its end */
    /* what is on its way from here */
    struct frame queue[QUEUE_MAX];
    unsigned queued;
};

struct world {
    struct input in;
    struct end ends[2]; /* server, client */
    gander_socket listener;
    unsigned family;
    bool hostile;
    unsigned drops;
};

/* --- the link ------------------------------------------------------------------------------------- */

static void mutate_options(struct input *in, uint8_t *tcp, uint32_t header)
{
    uint32_t at = 20 + take8(in) % 40U;

    if (at < header)
        tcp[at] = take8(in);
    if (at + 4 < header)
        frame_put32(tcp + at + 1, frame_get32(tcp + at + 1) + take_near8(in));
}

static void mutate(struct input *in, struct frame *f)
{
    uint8_t protocol = 0, how = take8(in);
    uint32_t at = frame_transport(f, &protocol), header;
    uint8_t *tcp = f->bytes + at;

    if (protocol != FRAME_TCP || at + 20 > f->len)
        return;
    header = (tcp[12] >> 4) * 4U;
    switch (how & 15) {
    case 0:
    case 1:
        frame_put32(tcp + 4, frame_get32(tcp + 4) + take_near16(in));
        break;
    case 2:
    case 3:
        frame_put32(tcp + 8, frame_get32(tcp + 8) + take_near16(in));
        break;
    case 4:
        frame_put32(tcp + (how & 16 ? 4 : 8), take32(in));
        break;
    case 5:
    case 6:
        tcp[13] ^= take8(in);
        break;
    case 7:
    case 8:
        frame_put16(tcp + 14, take16(in));
        break;
    case 9:
        frame_put16(tcp + 18, take16(in));
        break;
    case 10:
        tcp[12] = take8(in);
        break;
    case 11:
        f->len -= take16(in) % (f->len - at - 19);
        frame_fix_length(f);
        break;
    case 12:
        f->bytes[take16(in) % f->len] = take8(in);
        break;
    default:
        mutate_options(in, tcp, header < f->len - at ? header : f->len - at);
        break;
    }
    frame_fix(f);
}

/* One packet on its way. False: the queue is full, as if it were dropped. */
static void put(struct end *from, const struct frame *f)
{
    if (from->queued < QUEUE_MAX)
        from->queue[from->queued++] = *f;
}

static void pass(struct world *w, struct end *from, struct frame *f)
{
    uint8_t what = take8(&w->in) & 15;
    bool opened = w->ends[0].read > 0 || w->ends[1].read > 0;

    if (what == 8 && w->drops < (opened ? DROPS_MAX : DROPS_OPENING_MAX)) {
        w->drops++;
        return;
    }
    if (what >= 11 && w->hostile)
        mutate(&w->in, f);
    put(from, f);
    if (what == 9)
        put(from, f);
    if (what == 10 && from->queued >= 2) {
        *f = from->queue[from->queued - 2];
        from->queue[from->queued - 2] = from->queue[from->queued - 1];
        from->queue[from->queued - 1] = *f;
    }
}

static bool carry(struct world *w, struct end *from, struct end *to)
{
    static struct frame frame;
    bool moved = false;

    for (unsigned i = 0; i < QUEUE_MAX / 2 && host_leaves(&from->host, &frame); i++) {
        pass(w, from, &frame);
        moved = true;
    }
    for (unsigned i = 0; i < from->queued; i++)
        host_hold(&to->host, &from->queue[i]);
    from->queued = 0;
    host_flush(&to->host);
    return moved;
}

/* --- the applications ------------------------------------------------------------------------------ */

static bool write_some(struct end *e)
{
    uint8_t bytes[CHUNK_BYTES];
    uint32_t left = e->total - e->written, n = left < CHUNK_BYTES ? left : CHUNK_BYTES;
    int64_t sent;

    if (n == 0) {
        if (e->shut || gander_shutdown(e->host.stack, e->socket, GANDER_SHUTDOWN_SEND) != 0)
            return false;
        e->shut = true;
        return true;
    }
    pattern_fill(bytes, e->written, n);
    sent = gander_send(e->host.stack, e->socket, bytes, n, 0);
    if (sent <= 0)
        return false;
    e->written += (uint32_t)sent;
    return true;
}

static bool read_some(struct world *w, struct end *e)
{
    uint8_t bytes[CHUNK_BYTES];
    int64_t n = gander_receive(e->host.stack, e->socket, bytes, sizeof(bytes), 0);

    if (n == 0 && !e->finished) {
        e->finished = true;
        return true;
    }
    if (n <= 0)
        return false;
    if (!w->hostile)
        CHECK(pattern_holds(bytes, e->read, (uint32_t)n));
    e->read += (uint32_t)n;
    return true;
}

static bool act(struct world *w, struct end *e)
{
    bool moved = false;

    if (e == &w->ends[0] && !e->socket &&
        gander_accept(e->host.stack, w->listener, &e->socket, NULL) != 0)
        return false;
    while (!e->shut && write_some(e))
        moved = true;
    while (read_some(w, e))
        moved = true;
    return moved;
}

/* --- the world ------------------------------------------------------------------------------------- */

static void configure(struct world *w)
{
    uint8_t how = take8(&w->in), more = take8(&w->in);

    w->family = how & 1 ? GANDER_IPV6 : GANDER_IPV4;
    w->hostile = how & 2;
    for (struct end *e = w->ends; e < w->ends + 2; e++) {
        struct gander_config *config = &e->host.config;

        host_init(&e->host);
        config->tcp_sack = !(how & 4);
        config->tcp_timestamps = !(how & 8);
        config->tcp_window_scaling = !(how & 16);
        if (how & 32)
            config->tcp_receive_buffer_bytes = 3000;
        if (how & 64)
            config->tcp_send_buffer_bytes = 5000;
        if (how & 128)
            config->start = (gander_time)(0xffffffffU - more) * 4000;
        e->total = take8(&w->in) * 200U;
    }
    w->ends[1].host.config.secret[0] = more;
    if (gander_congestion_control_name(more >> 6))
        w->ends[1].host.config.tcp_congestion_control = gander_congestion_control_name(more >> 6);
}

static void begin(struct world *w)
{
    struct end *server = &w->ends[0], *client = &w->ends[1];
    struct gander_address to = w->family == GANDER_IPV6 ? server->host.ip6 : server->host.ip4;
    struct gander_address any = {.port = PORT};

    client->host.ip4 = server->host.peer4;
    client->host.ip6 = server->host.peer6;
    host_start(&server->host);
    host_start(&client->host);
    CHECK(gander_open(server->host.stack, GANDER_TCP, &w->listener) == 0);
    CHECK(gander_bind(server->host.stack, w->listener, &any) == 0);
    CHECK(gander_listen(server->host.stack, w->listener, 4) == 0);
    to.port = PORT;
    CHECK(gander_open(client->host.stack, GANDER_TCP, &client->socket) == 0);
    CHECK(gander_connect(client->host.stack, client->socket, &to) == 0);
}

static bool done(const struct world *w)
{
    return w->ends[0].finished && w->ends[1].finished && w->ends[0].shut && w->ends[1].shut;
}

/* Nothing is on its way: on to whatever comes first. False: nothing will come. */
static bool wait(struct world *w)
{
    gander_time a = gander_deadline(w->ends[0].host.stack);
    gander_time b = gander_deadline(w->ends[1].host.stack);
    gander_time next = a < b ? a : b;

    if (next == GANDER_NEVER)
        return false;
    gander_advance(w->ends[0].host.stack, next);
    gander_advance(w->ends[1].host.stack, next);
    return true;
}

static void run(struct world *w)
{
    for (unsigned turn = 0; turn < TURNS_MAX && !done(w); turn++) {
        bool moved = false;

        for (unsigned i = 0; i < 2; i++) {
            moved |= act(w, &w->ends[i]);
            moved |= carry(w, &w->ends[i], &w->ends[1 - i]);
        }
        if (!moved && !wait(w))
            break;
        if (w->hostile && w->in.left == 0 && turn > 300)
            break; /* out of step for good, perhaps */
    }
    if (w->hostile)
        return;
    CHECK(done(w));
    CHECK(w->ends[0].read == w->ends[1].total && w->ends[1].read == w->ends[0].total);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world;
    struct world *w = &world;

    w->in = (struct input){data, size};
    for (struct end *e = w->ends; e < w->ends + 2; e++) {
        e->socket = 0;
        e->written = e->read = 0;
        e->shut = e->finished = false;
        e->queued = 0;
    }
    w->drops = 0;
    configure(w);
    begin(w);
    run(w);
    gander_close(w->ends[0].host.stack, w->listener);
    for (struct end *e = w->ends; e < w->ends + 2; e++) {
        if (e->socket)
            CHECK(gander_close(e->host.stack, e->socket) == 0);
        host_run_out(&e->host);
        host_finish(&e->host);
    }
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The send queue against a naive model: all bytes ever written in one array. Packets that refer to bytes stay for a while, as in a
 * link's queue: what they say must not change, whatever happens to the queue.
 */
#include "host.h"
#include "tcp/queues.h"

enum { BYTES_MAX = 1 << 18, PACKETS = 8, STEPS_MAX = 300 };

struct model {
    struct host host;
    struct sendq q;
    tcp_seq base;
    uint32_t head, end; /* offsets in the stream */
    struct gander_packet *packets[PACKETS];
    uint32_t offsets[PACKETS]; /* where each packet's bytes begin */
};

static uint8_t buffer[BYTES_MAX];

static void check_packet(const struct model *m, unsigned i)
{
    const struct gander_packet *p = m->packets[i];
    uint32_t len = (uint32_t)packet_read(p, 0, buffer, sizeof(buffer));

    CHECK(len == p->len && pattern_holds(buffer, m->offsets[i], len));
}

static void append(struct model *m, struct input *in, bool large)
{
    uint32_t want = large ? take16(in) : take8(in);
    uint32_t n;

    if (want > BYTES_MAX - m->end)
        want = BYTES_MAX - m->end;
    pattern_fill(buffer, m->end, want);
    n = (uint32_t)sendq_append(&m->q, m->host.stack->mem, buffer, want);
    CHECK(n <= want);
    m->end += n;
}

static void acknowledge(struct model *m, struct input *in)
{
    uint32_t n = take16(in);

    if (n > m->end - m->head)
        n = m->end - m->head;
    m->head += n;
    sendq_release(&m->q, m->base + m->head);
}

static void refer(struct model *m, struct input *in, unsigned slot)
{
    uint32_t held = m->end - m->head, from, len, n;
    struct gander_packet *p;

    if (m->packets[slot]) {
        check_packet(m, slot);
        gander_packet_free(m->packets[slot]);
        m->packets[slot] = NULL;
    }
    if (held == 0)
        return;
    from = m->head + take16(in) % held;
    len = 1 + take16(in) % (m->end - from);
    p = packet_new(m->host.stack);
    if (!p)
        return;
    n = sendq_refer(&m->q, m->base + from, len, p);
    CHECK(n > 0 && n <= len && p->len == n);
    CHECK(n == len || p->frags == GANDER_PACKET_FRAGS);
    m->packets[slot] = p;
    m->offsets[slot] = from;
    check_packet(m, slot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const tcp_seq bases[] = {0, 0xfffffff0, 0x7ffffff0, 12345};
    struct model model, *m = &model;
    struct input in = {data, size};

    memset(m, 0, sizeof(*m));
    host_init(&m->host);
    host_start(&m->host);
    m->base = bases[take8(&in) & 3];
    sendq_init(&m->q, m->base);
    for (unsigned i = 0; in.left > 0 && i < STEPS_MAX; i++) {
        uint8_t what = take8(&in);

        switch (what & 7) {
        case 0:
        case 1:
        case 2:
            append(m, &in, what & 8);
            break;
        case 3:
        case 4:
            acknowledge(m, &in);
            break;
        case 5:
        case 6:
            refer(m, &in, what >> 3 & 7);
            break;
        default:
            m->host.refusals = what >> 6;
            break;
        }
        CHECK(m->q.head == m->base + m->head && m->q.end == m->base + m->end);
        CHECK(sendq_bytes(&m->q) == m->end - m->head);
        CHECK(!sendq_broken(&m->q));
    }
    for (unsigned i = 0; i < PACKETS; i++)
        if (m->packets[i])
            check_packet(m, i);
    sendq_finish(&m->q, m->host.stack->mem);
    for (unsigned i = 0; i < PACKETS; i++)
        gander_packet_free(m->packets[i]);
    host_finish(&m->host);
    return 0;
}

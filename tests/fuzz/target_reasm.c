/* SPDX-License-Identifier: MIT */
/*
 * Reassembly and the receive queue against a naive model: an array with one entry for each sequence number, that keeps what came
 * first. Segments overlap in any way and carry different bytes.
 */
#include "host.h"
#include "tcp/queues.h"

enum { SPAN = 4096, NONE = -1, STEPS_MAX = 200, LIMIT_BYTES = 60000 };

struct model {
    struct gander_block *shared; /* somebody else refers to the queue's last block */
    struct host host, lender;    /* packets of the lender's memory come over an in-memory link */
    struct reasm r;
    struct recvq q;
    tcp_seq base;        /* number of byte[0] */
    int16_t byte[SPAN];  /* held ahead of the gap, or NONE */
    uint8_t queue[SPAN]; /* taken and not yet read */
    uint32_t queued;
    uint32_t recent; /* a number in the run that grew last */
    uint8_t salt;
};

static void check_run(const struct model *m, const struct reasm_run *run)
{
    uint32_t at = run->left - m->base, held = 0;
    const struct gander_packet *last = NULL;

    for (const struct gander_packet *p = run->first; p; p = p->next) {
        uint8_t bytes[SPAN];

        CHECK(p->len > 0 && packet_read(p, 0, bytes, sizeof(bytes)) == p->len);
        for (uint32_t i = 0; i < p->len; i++)
            CHECK(m->byte[at + i] == bytes[i]);
        at += p->len;
        held += recvq_charge(m->host.stack->mem, p);
        last = p;
        if (p == run->last)
            break;
    }
    CHECK(last == run->last);
    CHECK(at == run->right - m->base);
    CHECK(held == run->held_bytes);
}

/* The runs are just the stretches of the array that are filled. */
static void check_runs(const struct model *m)
{
    uint32_t at = 0, text = 0, held = 0;

    for (uint32_t i = 0; i < m->r.count; i++) {
        const struct reasm_run *run = &m->r.runs[i];
        uint32_t left = run->left - m->base, right = run->right - m->base;

        CHECK(left < right && right <= SPAN);
        for (; at < left; at++)
            CHECK(m->byte[at] == NONE);
        for (; at < right; at++)
            CHECK(m->byte[at] != NONE);
        CHECK(at == SPAN || m->byte[at] == NONE); /* no two touch */
        check_run(m, run);
        text += right - left;
        held += run->held_bytes;
    }
    for (; at < SPAN; at++)
        CHECK(m->byte[at] == NONE);
    CHECK(text == m->r.text_bytes && held == m->r.held_bytes);
    for (uint32_t i = 0; i < m->r.count; i++) {
        const struct reasm_run *run = &m->r.runs[i];

        CHECK(reasm_holds(&m->r, run->left) && reasm_holds(&m->r, run->right - 1));
        CHECK(!reasm_holds(&m->r, run->left - 1) && !reasm_holds(&m->r, run->right));
    }
}

static void check_sacks(const struct model *m)
{
    struct tcp_sack_block blocks[TCP_SACK_BLOCKS_MAX];
    uint8_t n = reasm_sacks(&m->r, blocks, TCP_SACK_BLOCKS_MAX);

    CHECK(n == (m->r.count < TCP_SACK_BLOCKS_MAX ? m->r.count : TCP_SACK_BLOCKS_MAX));
    for (uint8_t i = 0; i < n; i++) {
        bool found = false;

        for (uint32_t k = 0; k < m->r.count && !found; k++)
            found = m->r.runs[k].left == blocks[i].left && m->r.runs[k].right == blocks[i].right;
        CHECK(found);
        for (uint8_t k = 0; k < i; k++)
            CHECK(blocks[k].left != blocks[i].left);
    }
    if (n > 0 && m->byte[m->recent] != NONE) /* [RFC2018 4]: what arrived last comes first */
        CHECK(seq_between(blocks[0].left, m->base + m->recent, blocks[0].right));
}

static void fill(struct model *m, uint32_t from, uint32_t to, const uint8_t *bytes, uint32_t origin)
{
    for (uint32_t i = from; i < to; i++)
        m->byte[i] = bytes[i - origin];
}

/* What reasm_insert() should keep of [from, to): the first stretch that is not there yet. */
static void first_piece(const struct model *m, uint32_t *from, uint32_t *to)
{
    uint32_t end;

    while (*from < *to && m->byte[*from] != NONE)
        (*from)++;
    for (end = *from; end < *to && m->byte[end] == NONE;)
        end++;
    *to = end;
}

static bool is_held(const struct model *m, uint32_t at)
{
    for (uint32_t i = 0; i < m->r.count; i++)
        if (seq_between(m->r.runs[i].left, m->base + at, m->r.runs[i].right))
            return true;
    return false;
}

/* Runs that lie within [from, to) go, and leave their bytes in the text: what came first stays. */
static void overlay(struct model *m, uint8_t *text, uint8_t *bytes, uint32_t from, uint32_t to)
{
    reasm_overlay(&m->r, m->host.stack->mem, text, m->base + from, m->base + to);
    for (uint32_t i = from; i < to; i++) {
        if (m->byte[i] == NONE || is_held(m, i))
            continue;
        bytes[i - from] = (uint8_t)m->byte[i];
        m->byte[i] = NONE;
    }
    CHECK(!reasm_splits(&m->r, m->base + from, m->base + to));
    CHECK(memcmp(text, bytes, to - from) == 0);
}

/* Behind the text of a buffer of our own that nobody else refers to. */
static bool has_room(const struct model *m, const struct gander_packet *packet, uint32_t len)
{
    const struct gander_frag *f = &packet->frag[packet->frags - 1];
    const struct gander_block *block = f->block;

    return block && block->mem == m->host.stack->mem && block->refs == 1 &&
           (size_t)(block->data + block->capacity - f->data) >= f->len + len;
}

static void share(struct model *m, struct gander_block *block)
{
    if (m->shared)
        block_drop(m->shared);
    m->shared = block ? block_hold(block) : NULL;
}

/* In order, as it comes from the network: a full buffer or a nearly empty one, ours or lent. */
static void append(struct model *m, struct input *in, uint8_t what)
{
    struct gander_stack *from = what & 8 ? m->lender.stack : m->host.stack;
    uint32_t len = 1 + take8(in), held = m->q.held_bytes, bytes = m->q.bytes, charge;
    uint32_t limit = what & 16 ? take16(in) : UINT32_MAX;
    struct gander_packet *packet, *last = m->q.last;
    bool absorbs;

    if (len > SPAN - m->queued)
        return;
    packet = gander_packet_alloc(from, what & 32 ? 1400 : len);
    if (!packet)
        return;
    if (what & 64) /* in two pieces: another's text before its own */
        packet_pull(packet, packet->len - len);
    gander_packet_trim(packet, len);
    m->salt++;
    for (uint32_t i = 0; i < len; i++)
        m->queue[m->queued++] = packet->frag[0].data[i] = (uint8_t)(m->salt * 37 + i);
    charge = recvq_charge(m->host.stack->mem, packet);
    CHECK(charge >= sizeof(*packet) + (packet->frag[0].block ? len : 0));
    absorbs = held + charge > limit && last && has_room(m, last, len);
    recvq_append(&m->q, m->host.stack, packet, limit);
    CHECK(m->q.bytes == bytes + len && (m->q.last == last) == absorbs);
    if (what & 128)
        share(m, m->q.last->frag[m->q.last->frags - 1].block);
    CHECK(m->q.held_bytes == held + (absorbs ? 0 : charge)); /* what is copied costs nothing more */
}

static void insert(struct model *m, struct input *in, uint8_t what)
{
    uint32_t from = 1 + take16(in) % (SPAN - 1), len = 1 + take8(in) * (what & 16 ? 8U : 1U);
    struct mem *mem = m->host.stack->mem;
    uint32_t limit = what & 32 ? 3000U + take8(in) * 16U : LIMIT_BYTES;
    struct gander_packet *packet;
    uint8_t bytes[SPAN];
    uint32_t origin = from, to;
    enum gander_drop drop;

    len = len < SPAN - from ? len : SPAN - from;
    packet = len ? gander_packet_alloc(m->host.stack, len) : NULL;
    if (!packet)
        return;
    m->salt++;
    for (uint32_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(m->salt * 31 + i);
    memcpy(packet->frag[0].data, bytes, len);
    to = from + len;
    if ((what & 64) && reasm_splits(&m->r, m->base + from, m->base + to))
        overlay(m, packet->frag[0].data, bytes, from, to);
    first_piece(m, &from, &to);
    drop = reasm_insert(&m->r, mem, packet, m->base + origin, limit);
    if (drop == GANDER_DROP_none) {
        CHECK(from < to);
        fill(m, from, to, bytes, origin);
        m->recent = from;
        return;
    }
    CHECK(drop == (from == to ? GANDER_DROP_tcp_duplicate : GANDER_DROP_tcp_reorder_full));
    gander_packet_free(packet);
}

/* The gap before the first run closes, or one is asked for that is not there. */
static void take(struct model *m, struct input *in)
{
    tcp_seq seq = m->r.count ? m->r.runs[0].left : m->base, right = 0;
    uint32_t room = SPAN - m->queued;

    if (take8(in) % 8 == 0) {
        CHECK(!reasm_take(&m->r, m->host.stack->mem, seq - 1, &m->q, &right));
        return;
    }
    if (m->r.count == 0 || m->r.runs[0].right - seq > room)
        return;
    CHECK(reasm_take(&m->r, m->host.stack->mem, seq, &m->q, &right));
    for (uint32_t i = seq - m->base; i < right - m->base; i++) {
        m->queue[m->queued++] = (uint8_t)m->byte[i];
        m->byte[i] = NONE;
    }
}

static void receive(struct model *m, struct input *in, bool peek)
{
    uint8_t bytes[SPAN];
    uint32_t want = take16(in) % SPAN, n = want < m->queued ? want : m->queued;

    CHECK(recvq_read(&m->q, m->host.stack->mem, bytes, want, peek) == n);
    CHECK(memcmp(bytes, m->queue, n) == 0);
    if (!peek) {
        m->queued -= n;
        memmove(m->queue, m->queue + n, m->queued);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const tcp_seq bases[] = {0, 0xffffff00, 0x7fffff00, 12345};
    static struct model model;
    struct model *m = &model;
    struct input in = {data, size};

    memset(m, 0, sizeof(*m));
    host_init(&m->host);
    host_start(&m->host);
    host_init(&m->lender);
    host_start(&m->lender);
    reasm_init(&m->r);
    recvq_init(&m->q);
    m->base = bases[take8(&in) & 3];
    for (uint32_t i = 0; i < SPAN; i++)
        m->byte[i] = NONE;
    for (unsigned i = 0; in.left > 0 && i < STEPS_MAX; i++) {
        uint8_t what = take8(&in);

        switch (what & 7) {
        default:
            insert(m, &in, what);
            break;
        case 4:
            append(m, &in, what);
            break;
        case 5:
            take(m, &in);
            break;
        case 6:
            receive(m, &in, what & 8);
            break;
        case 7:
            m->host.refusals = what & 8;
            break;
        }
        check_runs(m);
        check_sacks(m);
        CHECK(m->q.bytes == m->queued);
        CHECK(!recvq_broken(&m->q, m->host.stack->mem));
        CHECK(!reasm_broken(&m->r, m->host.stack->mem));
    }
    reasm_finish(&m->r, m->host.stack->mem);
    recvq_finish(&m->q);
    share(m, NULL);
    host_finish(&m->host);
    host_finish(&m->lender);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Packets: descriptors from one pool, their bytes in the descriptor's headroom or in counted blocks; see
 * gander/packet.h and core/stack.h.
 *
 * A descriptor finds the memory that it came from by its address, so that it can be freed after its stack is gone
 * (mem_returned() then frees the memory with its last packet). Neither headroom nor data are ever cleared.
 */
#include "base/checksum.h"
#include "core/stack.h"

enum {
    PACKET_MAX_BYTES = 65575, /* an IPv6 header and 2^16−1 bytes behind it */
    WIDE_BYTES = 128          /* from here on wide vectors pay for their call */
};

static struct gander_packet *packet_get(struct mem *mem)
{
    struct gander_packet *packet = pool_get(&mem->packets);

    if (UNLIKELY(!packet))
        return NULL;
    mem->live++;
    memset(packet, 0, offsetof(struct gander_packet, frag));
    packet->frags = 1;
    return packet;
}

static void packet_put(struct gander_packet *packet)
{
    struct mem *mem = pool_slab_of(packet)->pool->mem;

    pool_put(packet);
    mem_returned(mem);
}

/* frag[0] is `len` bytes at the end of the headroom. */
static void packet_use_headroom(struct gander_packet *packet, uint32_t len)
{
    struct gander_frag *f = &packet->frag[0];

    f->data = packet->headroom + GANDER_PACKET_HEADROOM_BYTES - len;
    f->len = len;
    f->block = NULL;
    packet->len = len;
}

struct gander_packet *packet_new(struct gander_stack *stack)
{
    struct gander_packet *packet = packet_get(stack->mem);

    if (LIKELY(packet))
        packet_use_headroom(packet, 0);
    return packet;
}

/* What fits into the headroom, as a bare acknowledgement does, needs no block. */
struct gander_packet *gander_packet_alloc(struct gander_stack *stack, size_t len)
{
    struct gander_packet *packet;
    struct gander_block *block;

    if (len == 0 || len > PACKET_MAX_BYTES)
        return NULL;
    packet = packet_get(stack->mem);
    if (UNLIKELY(!packet))
        return NULL;
    if (len <= GANDER_PACKET_HEADROOM_BYTES) {
        packet_use_headroom(packet, (uint32_t)len);
        return packet;
    }
    block = block_alloc(stack->mem, len);
    if (UNLIKELY(!block)) {
        packet_put(packet);
        return NULL;
    }
    block->used = (uint32_t)len;
    packet->frag[0] = (struct gander_frag){block->data, (uint32_t)len, block};
    packet->len = (uint32_t)len;
    return packet;
}

void gander_packet_trim(struct gander_packet *packet, size_t len)
{
    size_t before = 0;
    unsigned i;

    if (len >= packet->len)
        return;
    for (i = 0; before + packet->frag[i].len < len; i++)
        before += packet->frag[i].len;
    packet->frag[i].len = (uint32_t)(len - before);
    for (unsigned gone = i + 1; gone < packet->frags; gone++)
        if (packet->frag[gone].block)
            block_drop(packet->frag[gone].block);
    packet->frags = (uint8_t)(i + 1);
    packet->len = (uint32_t)len;
}

void gander_packet_free(struct gander_packet *packet)
{
    if (!packet)
        return;
    for (unsigned i = 0; i < packet->frags; i++)
        if (packet->frag[i].block)
            block_drop(packet->frag[i].block);
    packet_put(packet);
}

size_t packet_read(const struct gander_packet *packet, size_t offset, void *buffer, size_t max)
{
    uint8_t *to = buffer;
    size_t done = 0;

    for (unsigned i = 0; i < packet->frags && done < max; i++) {
        const struct gander_frag *f = &packet->frag[i];
        size_t n;

        if (offset >= f->len) {
            offset -= f->len;
            continue;
        }
        n = f->len - offset < max - done ? f->len - offset : max - done;
        memcpy(to + done, f->data + offset, n);
        done += n;
        offset = 0;
    }
    return done;
}

size_t gander_packet_bytes(const struct gander_packet *packet, void *buffer, size_t max)
{
    return packet_read(packet, 0, buffer, max);
}

struct gander_packet *gander_packet_copy(struct gander_stack *stack,
                                         const struct gander_packet *packet)
{
    size_t len = packet->len;
    struct gander_packet *copy = len ? gander_packet_alloc(stack, len) : packet_new(stack);

    if (UNLIKELY(!copy))
        return NULL;
    packet_read(packet, 0, copy->frag[0].data, len);
    copy->flags = packet->flags;
    copy->why = packet->why;
    copy->gso_bytes = packet->gso_bytes;
    copy->link_time_ns = packet->link_time_ns;
    copy->id = packet->id;
    return copy;
}

/* Frags that have become empty stay, and so does what packet_true_bytes() counts for their blocks. */
void packet_pull(struct gander_packet *packet, uint32_t bytes)
{
    DEBUG_ASSERT(bytes <= packet->len);
    packet->len -= bytes;
    for (struct gander_frag *f = packet->frag; bytes > 0; f++) {
        uint32_t n = min_u32(bytes, f->len);

        DEBUG_ASSERT(f < packet->frag + packet->frags);
        f->data += n;
        f->len -= n;
        bytes -= n;
    }
}

bool packet_append_copy(struct gander_stack *stack, struct gander_packet *packet, const void *data,
                        size_t len)
{
    struct gander_block *block;

    if (len == 0)
        return true;
    ASSERT(packet->frags < GANDER_PACKET_FRAGS && len <= PACKET_MAX_BYTES);
    block = block_alloc(stack->mem, len);
    if (UNLIKELY(!block))
        return false;
    memcpy(block->data, data, len);
    block->used = (uint32_t)len;
    packet_append(packet, block, block->data, (uint32_t)len);
    block_drop(block); /* the packet has its own reference */
    return true;
}

uint64_t packet_checksum(const struct gander_stack *stack, const struct gander_packet *packet,
                         size_t offset)
{
    checksum_sum sum = 0;
    size_t at = 0; /* where in the sum's bytes we are */

    for (unsigned i = 0; i < packet->frags; i++) {
        const struct gander_frag *f = &packet->frag[i];
        checksum_sum part;
        size_t len;

        if (offset >= f->len) {
            offset -= f->len;
            continue;
        }
        len = f->len - offset;
        part = stack->wide_checksums && len >= WIDE_BYTES
                   ? checksum_add_wide(0, f->data + offset, len)
                   : checksum_add(0, f->data + offset, len);
        sum = checksum_append(sum, part, at);
        at += len;
        offset = 0;
    }
    return sum;
}

/*
 * frag[0] is the packet's alone, and counts as its whole block. The others may be slices of one large block that many
 * packets share (a send queue, in this process), so each counts as its bytes, in steps of the smallest block.
 */
uint32_t packet_true_bytes(const struct gander_packet *packet)
{
    uint32_t total = (uint32_t)sizeof(*packet);

    if (packet->frag[0].block)
        total += block_true_bytes(packet->frag[0].block);
    for (unsigned i = 1; i < packet->frags; i++)
        total += (packet->frag[i].len + 255) & ~(uint32_t)255;
    return total;
}

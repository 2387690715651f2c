/* SPDX-License-Identifier: MIT */
/*
 * Packets: what goes into a stack and what comes out of it.
 *
 * A packet is a descriptor with room for headers, and references to up to GANDER_PACKET_FRAGS pieces of
 * memory. Its bytes are frag[0], frag[1], … in that order; on the way in, all headers lie in frag[0].
 * A packet belongs to whoever holds it: gander_input() takes it, gander_output() gives it,
 * gander_packet_free() ends it. The memory goes back to the stack that it came from, which may be
 * another one than the holder, and which may already have been destroyed. Packets and stacks that
 * exchange them stay in one thread.
 */
#ifndef GANDER_PACKET_H
#define GANDER_PACKET_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gander_stack;
struct gander_block; /* reference-counted memory; opaque */

enum {
    GANDER_PACKET_FRAGS = 4,           /* header + up to three pieces of payload */
    GANDER_PACKET_HEADROOM_BYTES = 128 /* link + IPv6 + TCP headers with all options fit */
};

enum gander_packet_flags {
    GANDER_PACKET_CHECKSUM_OK = 1, /* in: the link vouches for the TCP/UDP checksum */
    GANDER_PACKET_IMPAIRED = 2     /* an impairment changed or copied this packet */
};

struct gander_frag {
    uint8_t *data;
    uint32_t len;               /* bytes */
    struct gander_block *block; /* one reference is held; NULL: the packet's own headroom */
};

struct gander_packet {
    struct gander_packet *next; /* for the holder's own lists */
    uint32_t len;               /* bytes in all frags together */
    uint8_t frags;              /* how many of frag[] are used, ≥ 1 */
    uint8_t flags;              /* enum gander_packet_flags */
    uint8_t why;                /* out: enum gander_why, see trace.h */
    uint8_t reserved;
    uint16_t gso_bytes;   /* payload bytes of one segment; 0: not a super-segment */
    uint16_t offset;      /* the stack's own */
    uint32_t seq;         /* the stack's own */
    int64_t link_time_ns; /* for link drivers: when it may leave, was seen, … */
    uint64_t id;          /* out: trace id of its connection, 0 if none */
    struct gander_frag frag[GANDER_PACKET_FRAGS];
    uint8_t headroom[GANDER_PACKET_HEADROOM_BYTES];
};

/*
 * A new packet with `len` (1 … 65,575) contiguous writable bytes in frag[0], contents undefined. For link
 * drivers, to receive into; shorten it with gander_packet_trim(). NULL when the stack's memory budget
 * is used up (counted; drop the packet then, or leave it in the device).
 */
struct gander_packet *gander_packet_alloc(struct gander_stack *stack, size_t len);

/* Shortens a packet to its first `len` bytes; `len` ≤ packet->len. */
void gander_packet_trim(struct gander_packet *packet, size_t len);

/* Returns a packet's memory to its stack. NULL is allowed. */
void gander_packet_free(struct gander_packet *packet);

/* Copies up to `max` of the packet's bytes into one buffer; returns how many. */
size_t gander_packet_bytes(const struct gander_packet *packet, void *buffer, size_t max);

/*
 * A contiguous copy of a packet, in memory of `stack` (which need not be where the packet came
 * from), flags, why and id included. NULL when that stack's budget is used up.
 */
struct gander_packet *gander_packet_copy(struct gander_stack *stack,
                                         const struct gander_packet *packet);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
/*
 * Packets as bytes, for fuzz targets: made by hand, checksums put right after the fuzzer had its way with them, and what a stack
 * sent read back. Uses nothing of the code under test.
 */
#ifndef TESTS_FUZZ_FRAME_H
#define TESTS_FUZZ_FRAME_H

#include <gander/gander.h>

#include "fuzz.h"

enum { FRAME_MAX_BYTES = 2048, FRAME_TCP = 6, FRAME_UDP = 17, FRAME_ICMP4 = 1, FRAME_ICMP6 = 58 };

struct frame {
    uint32_t len;
    uint8_t bytes[FRAME_MAX_BYTES];
};

static inline uint16_t frame_get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline void frame_put16(uint8_t *at, uint32_t value)
{
    const uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};

    memcpy(at, bytes, sizeof(bytes));
}

static inline uint32_t frame_get32(const uint8_t *at)
{
    return (uint32_t)frame_get16(at) << 16 | frame_get16(at + 2);
}

static inline void frame_put32(uint8_t *at, uint32_t value)
{
    const uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                              (uint8_t)value};

    memcpy(at, bytes, sizeof(bytes));
}

/* The header of a packet from one address to another; the payload, zeroed, behind it. Returns where. */
uint8_t *frame_begin(struct frame *frame, const struct gander_address *from,
                     const struct gander_address *to, uint8_t protocol, uint32_t payload_bytes);

/* Where the transport header begins, behind IPv4 options and IPv6 extension headers; 0: nowhere. */
uint32_t frame_transport(const struct frame *frame, uint8_t *protocol);

/* Puts the checksums right, as far as there are any: IPv4 header, TCP, UDP, ICMP. */
void frame_fix(struct frame *frame);

/* Puts the length in the IP header right too. */
void frame_fix_length(struct frame *frame);

/* Looks at a packet that a stack sent: header, lengths and checksums must be right. Returns where its transport
 * header begins. */
uint32_t frame_check(const struct frame *frame, uint32_t mtu_bytes, uint8_t *protocol);

#endif

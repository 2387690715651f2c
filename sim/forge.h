/* SPDX-License-Identifier: MIT */
/* Packets by hand, with right checksums, for who forges them. */
#ifndef SIM_FORGE_H
#define SIM_FORGE_H

#include <gander/gander.h>

#include "sim/chance.h"

enum { FORGE_HEADERS_MAX = 40 + 8 + 40 + 20, FORGE_QUOTE_BYTES = 120 };

struct forge_segment {
    struct gander_address source, destination;
    uint32_t seq, ack;
    uint16_t window;
    uint8_t flags;
    size_t text_bytes; /* of the letter X */
};

/* Each writes a whole packet and returns its length. */
size_t forge_segment_write(uint8_t *bytes, const struct forge_segment *segment);
/* An error about that segment, as if its destination had sent it: to its receiver comes what quotes one of its own. `chance` chooses
 * which error. */
size_t forge_icmp_error(uint8_t *bytes, const struct forge_segment *segment, uint64_t chance);
/* "Packet too big" about a packet that begins so. */
size_t forge_too_big(uint8_t *bytes, const uint8_t *start, size_t n, uint32_t mtu);

/* Changes something of a TCP segment: numbers, flags, window, options, length. False: it is none. */
bool forge_change(uint8_t *bytes, size_t *n, struct sim_chance *chance);

#endif

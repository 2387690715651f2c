/* SPDX-License-Identifier: MIT */
/*
 * Two ends of a cable in memory. Packets change owner, no byte is copied. Both ends, and the stacks
 * behind them, stay in one thread.
 */
#ifndef GANDER_PAIR_H
#define GANDER_PAIR_H

#include <gander/error.h>
#include <gander/link.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { GANDER_PAIR_QUEUE_PACKETS = 1024, GANDER_PAIR_QUEUE_PACKETS_MAX = 1 << 20 };

/*
 * Makes both ends. `flags`: enum gander_link_flags; with GANDER_LINK_TRUSTED neither side makes or
 * checks checksums. Each direction holds up to `queue_packets` (0: GANDER_PAIR_QUEUE_PACKETS;
 * rounded up to a power of two); beyond, transmit says "full". Each end is closed on its own; what
 * is sent to a closed end is freed and counted in refused_packets, as with a cable that hangs
 * loose. GANDER_EINVAL: MTU below 576 or above 65,535, queue above GANDER_PAIR_QUEUE_PACKETS_MAX.
 * GANDER_ENOMEM.
 */
int gander_pair_create(uint32_t mtu_bytes, uint32_t flags, uint32_t queue_packets,
                       struct gander_driver **a, struct gander_driver **b);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
/*
 * Drivers: what moves packets between a stack's link and the world. Drivers live outside the core and use
 * only public headers; the ones that come with gander are in the headers named below. Write your own by
 * filling a struct gander_driver_ops.
 *
 *   gander/pair.h     two ends of a cable in memory
 *   gander/tun.h      a TUN device of the kernel
 *   gander/impair.h   wraps a driver: loss, duplication, reordering, delay, jitter, rate, corruption, from a seed
 *   gander/capture.h  wraps a driver: writes what passes to a pcapng file
 *   gander/host.h     a loop (epoll, one timer) that drives a stack and its drivers
 */
#ifndef GANDER_LINK_H
#define GANDER_LINK_H

#include <gander/stack.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gander_driver;

struct gander_driver_ops {
    /*
     * Up to `max` packets that have arrived by `now`, owned by the caller, in memory of `stack` where the driver
     * must allocate. Returns how many, or a GANDER_E… (GANDER_EIO: the device is gone). 0: none now.
     */
    int (*receive)(struct gander_driver *driver, struct gander_stack *stack, gander_time now,
                   struct gander_packet **packets, int max);
    /*
     * Sends packets; takes the first k and owns them, returns k; k < n: full, try again later. A packet that the
     * device refuses for good is taken, freed and counted. GANDER_EIO: the device is gone; none were taken.
     */
    int (*transmit)(struct gander_driver *driver, gander_time now,
                    struct gander_packet *const *packets, int n);
    /* When the driver wants to be called although nothing arrived (delayed packets); GANDER_NEVER. */
    gander_time (*deadline)(const struct gander_driver *driver);
    /* A descriptor that becomes readable when packets arrive; −1: none, ask `receive` at each turn. */
    int (*descriptor)(const struct gander_driver *driver);
    void (*close)(struct gander_driver *driver);
};

/* The first member of each driver's own struct. */
struct gander_driver {
    const struct gander_driver_ops *ops;
    uint32_t mtu_bytes;
    uint32_t flags; /* enum gander_link_flags, for gander_link_add() */
    uint64_t received_packets;
    uint64_t transmitted_packets;
    uint64_t refused_packets; /* dropped: the device refused them */
};

static inline int gander_driver_receive(struct gander_driver *driver, struct gander_stack *stack,
                                        gander_time now, struct gander_packet **packets, int max)
{
    return driver->ops->receive(driver, stack, now, packets, max);
}

static inline int gander_driver_transmit(struct gander_driver *driver, gander_time now,
                                         struct gander_packet *const *packets, int n)
{
    return driver->ops->transmit(driver, now, packets, n);
}

static inline gander_time gander_driver_deadline(const struct gander_driver *driver)
{
    return driver->ops->deadline(driver);
}

static inline int gander_driver_descriptor(const struct gander_driver *driver)
{
    return driver->ops->descriptor(driver);
}

/* Closes a driver, and the one that it wraps. NULL is allowed. */
static inline void gander_driver_close(struct gander_driver *driver)
{
    if (driver)
        driver->ops->close(driver);
}

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
/*
 * What an operating system (Linux) gives a stack: memory, a clock, entropy; and a loop on epoll
 * that drives stacks and drivers. For programs that have no loop of their own; others copy the few
 * lines from link/host_loop.c.
 *
 * A host is one thread's. It owns nothing that is attached: stacks, drivers and descriptors stay
 * the caller's. With nothing to do it sleeps without waking up.
 */
#ifndef GANDER_HOST_H
#define GANDER_HOST_H

#include <gander/error.h>
#include <gander/link.h>
#include <gander/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Memory from malloc, aligned as asked. */
void gander_host_memory(struct gander_memory *memory);

/* CLOCK_MONOTONIC in nanoseconds. */
gander_time gander_host_now(void);

/* Nanoseconds since 1970 minus gander_host_now(). */
gander_time gander_host_wall_offset(void);

/* Defaults, host memory, a fresh secret, and the clock's present value. GANDER_EIO: the system
 * gives no entropy. */
int gander_host_config(struct gander_config *config);

struct gander_host;

/* GANDER_ENOMEM. GANDER_EIO: the system refuses descriptors; errno. */
int gander_host_create(struct gander_host **host);

/* Also forgets what is attached. NULL is allowed. */
void gander_host_destroy(struct gander_host *host);

/* From now on the host moves packets between this link and this driver, and drives the stack's
 * clock. GANDER_EINVAL: no driver. GANDER_ENOMEM. GANDER_EIO: the driver's descriptor cannot be
 * watched; errno. */
int gander_host_attach(struct gander_host *host, struct gander_stack *stack, unsigned link,
                       struct gander_driver *driver);

/* Forgets a driver, and packets waiting for it. GANDER_EINVAL: not attached. Not from within a
 * callback of the host. */
int gander_host_detach(struct gander_host *host, struct gander_driver *driver);

/* Called with each batch of gander_events(), stack by stack. It may use sockets, and every call
 * below but run and destroy. */
typedef void gander_host_events_fn(void *context, struct gander_stack *stack,
                                   const struct gander_event *events, size_t n);
void gander_host_on_events(struct gander_host *host, gander_host_events_fn *fn, void *context);

/*
 * Watches a descriptor of the application (terminal, pipe, socket of the kernel). `events`:
 * EPOLLIN, EPOLLOUT, …, level-triggered; 0: only errors. A descriptor that epoll cannot watch (a
 * plain file) counts as always ready. GANDER_EINVAL: already added; for modify and remove: not
 * added. GANDER_ENOMEM. GANDER_EIO: errno.
 */
typedef void gander_host_descriptor_fn(void *context, int fd, uint32_t events);
int gander_host_add_descriptor(struct gander_host *host, int fd, uint32_t events,
                               gander_host_descriptor_fn *fn, void *context);
int gander_host_modify_descriptor(struct gander_host *host, int fd, uint32_t events);
int gander_host_remove_descriptor(struct gander_host *host, int fd);

/* An alarm of the application: memory is the caller's, zeroed at first. Once per setting; `fn` may
 * set it again. */
struct gander_host_alarm {
    void (*fn)(void *context, gander_time now);
    void *context;
    gander_time at_ns; /* the host's from here on */
    struct gander_host_alarm *next;
    int set;
};

/* `at`: in gander_host_now()'s time; GANDER_NEVER: off. */
void gander_host_set_alarm(struct gander_host *host, struct gander_host_alarm *alarm,
                           gander_time at_ns);

/*
 * One turn: moves what can be moved, then waits for packets, descriptors, timers, at most
 * `max_wait_ns` (0: not at all; GANDER_NEVER: as long as it takes), and handles those. Returns 0,
 * or GANDER_EIO: a device is gone; errno where known.
 */
int gander_host_run_once(struct gander_host *host, gander_time max_wait_ns);

/* Turns until gander_host_stop(). Returns 0 or GANDER_EIO as above. */
int gander_host_run(struct gander_host *host);

/* Ends gander_host_run() after the current turn. May be called from signal handlers and other
 * threads. */
void gander_host_stop(struct gander_host *host);

/* How often the host has waited and come back; for those who watch their power. */
uint64_t gander_host_wakeups(const struct gander_host *host);

#ifdef __cplusplus
}
#endif
#endif

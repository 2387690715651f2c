/* SPDX-License-Identifier: MIT */
/*
 * A small world under virtual time: hosts (stacks), cables with faults between them, and nothing
 * else. No clock is read and nothing sleeps: time jumps to whatever comes next. One seed is one
 * run, to the last bit: secrets and faults are derived from it, hosts and links are served in the
 * order in which they were made.
 *
 * Uses gander's public headers only. Failures of set-up calls are GANDER_E….
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <gander/gander.h>
#include <gander/impair.h>

struct sim_world;
struct sim_link;

struct sim_host {
    struct gander_stack *stack;
    const char *name;
    unsigned index; /* in order of sim_host_add() */
    void *context;  /* the test's own */
};

/* NULL: no memory. Time begins at 0. */
struct sim_world *sim_world_create(uint64_t seed);

/* Ends everything. Returns how many bytes the stacks have not given back: not 0 is a leak. */
uint64_t sim_world_destroy(struct sim_world *world);

/*
 * A host. `config` NULL: defaults. The memory hooks are the world's; an all-zero secret is derived
 * from the seed; a trace hook in `config` is called too. The host's clock is config->start +
 * sim_now(). The result of gander_stack_create().
 */
int sim_host_add(struct sim_world *world, const char *name, const struct gander_config *config,
                 struct sim_host **host);

struct sim_host *sim_host_at(struct sim_world *world, unsigned index); /* NULL beyond the last */

/* A cable between two hosts. Zeroed: MTU 1500, no faults. A seed of 0 in `ab` or `ba` is derived
 * from the world's. */
struct sim_cable {
    uint32_t mtu_bytes;
    uint32_t flags;         /* enum gander_link_flags */
    uint32_t queue_packets; /* 0: as gander_pair_create() */
    bool
        copies; /* packets arrive in the receiver's memory, as from a device; else in the sender's */
    const struct gander_impairment *ab, *ba; /* NULL: perfect */
};

/* Lays a cable and gives both ends an address, "192.0.2.1/24" or "2001:db8::1/64". `cable` NULL:
 * zeroed. */
int sim_link_add(struct sim_world *world, struct sim_host *a, const char *address_a,
                 struct sim_host *b, const char *address_b, const struct sim_cable *cable,
                 struct sim_link **link);

/* More addresses on the same cable (both families, say). */
int sim_link_address(struct sim_link *link, const char *address_a, const char *address_b);

/* Default routes of both ends' hosts through this cable, for both families. */
int sim_link_default_route(struct sim_link *link);

/* The number of the link in host a's stack (end 0) or host b's (end 1). */
unsigned sim_link_number(const struct sim_link *link, unsigned end);

/* What the cable did to packets that end 0 (1) sent. */
void sim_link_counters(const struct sim_link *link, unsigned end,
                       struct gander_impair_counters *counters);

/* Writes what passes end 0 (1) to a pcapng file from now on. GANDER_EIO with errno.
 * sim_link_capture_end() tells whether all was written. */
int sim_link_capture(struct sim_link *link, unsigned end, const char *path);
int sim_link_capture_end(struct sim_link *link, unsigned end);

/* --- time ---------------------------------------------------------------------------------- */

gander_time sim_now(const struct sim_world *world);

/* Moves packets and events at the present time until nothing moves. Call it after using sockets;
 * the calls below begin with it. */
void sim_settle(struct sim_world *world);

/* Goes to the next thing that happens, at most up to `limit`, and settles. False: nothing is left
 * to happen by then (and the time is as it was). */
bool sim_step(struct sim_world *world, gander_time limit);

/* Everything up to and including `time`; then it is `time`. */
void sim_run_until(struct sim_world *world, gander_time time);

/* Steps until done() says true (asked after each step); false: `limit` came first, or nothing is
 * left to happen. */
bool sim_run_until_done(struct sim_world *world, bool (*done)(void *context), void *context,
                        gander_time limit);

/* Calls fn at a time of the world. Memory is the caller's, and stays there until then. */
struct sim_alarm {
    void (*fn)(void *context, struct sim_world *world);
    void *context;
    gander_time at;
    struct sim_alarm *next;
};

void sim_alarm_set(struct sim_world *world, struct sim_alarm *alarm, gander_time at);

/* Takes an alarm back; nothing happens if it is not set. */
void sim_alarm_cancel(struct sim_world *world, struct sim_alarm *alarm);

/* --- what else can go wrong ------------------------------------------------------------------ */

/* From now on that happens to packets that end 0 (1) sends. GANDER_EINVAL as gander_impair_change(). */
int sim_link_change(struct sim_link *link, unsigned end, const struct gander_impairment *faults);

/* The link takes no packets from this end until then. */
void sim_link_refuse(struct sim_link *link, unsigned end, gander_time until);

/* Sees each packet that this end sends, before the cable does. False: the packet goes no further (the world frees it). */
typedef bool sim_tap_fn(void *context, struct sim_link *link, unsigned end,
                        const struct gander_packet *packet);
void sim_link_tap(struct sim_link *link, unsigned end, sim_tap_fn *tap, void *context);

/* A packet that nobody sent arrives at this end now. GANDER_ENOMEM. */
int sim_link_slip_in(struct sim_link *link, unsigned end, const void *bytes, size_t len);

/* The host's clock goes forward at once. */
void sim_host_jump(struct sim_host *host, gander_time by);

/* The host does nothing until then: no timers, no packets, no events. */
void sim_host_stall(struct sim_host *host, gander_time until);
gander_time sim_host_stalled_until(const struct sim_host *host);

/* So many of the host's requests to its allocator fail from now on, by chance. */
void sim_host_refuse_memory(struct sim_host *host, uint32_t ppm);

/* --- watching -------------------------------------------------------------------------------- */

/* Gets each batch of a host's gander_events() while the world settles. Without one, fetch them
 * yourself. */
typedef void sim_events_fn(void *context, struct sim_host *host, const struct gander_event *events,
                           size_t n);
void sim_on_events(struct sim_host *host, sim_events_fn *fn, void *context);

/* Each trace event of each host; several may listen, in the order of adding. Must not use the
 * stacks. GANDER_ENOMEM: 8 listen. */
typedef void sim_trace_fn(void *context, const struct sim_host *host,
                          const struct gander_trace_event *event);
int sim_trace_add(struct sim_world *world, sim_trace_fn *fn, void *context);

/* From now on gander_check() follows each turn of a host; sim_broken() tells what it found first, or NULL, or that time stands
 * still while hosts are never done. The world steps no further after that. */
void sim_check(struct sim_world *world);
const char *sim_broken(const struct sim_world *world, char *text, size_t text_bytes);

/* A number that stands for all trace events and all packets so far: equal for equal runs. */
uint64_t sim_digest(const struct sim_world *world);

/*
 * Is anything left of past conversations: sockets, connections, records, packets on the way? Writes
 * what, one line, into `text` (may be NULL). TIME-WAIT counts: run the world until it is over
 * first. True: nothing.
 */
bool sim_is_quiet(const struct sim_world *world, char *text, size_t text_bytes);

#endif

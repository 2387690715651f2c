/* SPDX-License-Identifier: MIT */
/* What the files of the simulated world share. */
#ifndef SIM_INTERNAL_H
#define SIM_INTERNAL_H

#include "sim/world.h"

enum {
    SIM_LINKS_OF_HOST = GANDER_LINKS_MAX,
    SIM_TRACES_MAX = 8,
    SIM_BURST = 64,
    SIM_TURNS_MAX = 1000000
};

struct world_host;

/* One end of a cable, at one host. */
struct end {
    struct world_host *host;
    struct sim_link *cable;
    struct gander_driver *driver;  /* outermost */
    struct gander_driver *impair;  /* for its counters */
    struct gander_driver *capture; /* NULL: none */
    unsigned link;                 /* number in the host's stack */
    int waiting;                   /* packets that the driver did not take yet */
    struct gander_packet *packets[SIM_BURST];
    gander_time refuses_until; /* the driver takes nothing before */
    sim_tap_fn *tap;
    void *tap_context;
    struct gander_packet *slipped_in, **slipped_in_last; /* arrive with the next turn */
};

struct sim_link {
    struct sim_world *world;
    struct end ends[2];
    bool copies;
    struct sim_link *next;
};

struct world_host {
    struct sim_host public; /* first */
    struct sim_world *world;
    char *name;
    gander_time clock_offset;
    struct end *ends[SIM_LINKS_OF_HOST]; /* by link number */
    unsigned end_count;
    gander_time stalled_until; /* nothing happens here before */
    uint32_t memory_ppm;       /* of the requests for memory that get none */
    uint64_t memory_draws;
    sim_events_fn *on_events;
    void *events_context;
    void (*config_trace)(void *context, const struct gander_trace_event *event);
    void *config_trace_context;
    struct world_host *next;
};

struct sim_world {
    gander_time now;
    uint64_t seed;
    uint64_t secrets; /* state of the generator of hosts' secrets and links' seeds */
    uint64_t digest;
    uint64_t live_bytes; /* held by all stacks */
    struct world_host *hosts, **last_host;
    struct sim_link *links, **last_link;
    unsigned host_count;
    struct sim_alarm *alarms; /* by time, then by order of setting */
    struct {
        sim_trace_fn *fn;
        void *context;
    } traces[SIM_TRACES_MAX];
    unsigned trace_count;
    bool checks;        /* gander_check() after each turn */
    const char *broken; /* what it said first, … */
    const struct world_host *broken_host;
    uint64_t turns; /* since time last moved */
    bool stuck;     /* time does not move any more */
};

/* The next number of the world's own sequence. */
uint64_t sim_draw(struct sim_world *world);

/* Adds to the digest: digest.c. */
void sim_digest_event(struct sim_world *world, const struct world_host *host,
                      const struct gander_trace_event *event);
void sim_digest_packet(struct sim_world *world, const struct world_host *host,
                       const struct gander_packet *packet);

void sim_links_close(struct sim_world *world);

#endif

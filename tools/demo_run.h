/* SPDX-License-Identifier: MIT */
/* The demo's run: two hosts in a simulated world, what they say to each other, and the record of it. */
#ifndef TOOLS_DEMO_RUN_H
#define TOOLS_DEMO_RUN_H

#include "ladder.h"
#include "trace_file.h"

#include "sim/world.h"

#define DEMO_DELAY_NS (20 * GANDER_MS) /* one way */

enum { DEMO_TEXT_BYTES = 1024, DEMO_CARDS = 8 };

/* One letter or postcard: who writes it, what it says. They are sent in this order, each after the one before was read. */
struct demo_letter {
    uint8_t host;
    const char *text;
};

struct demo_script {
    const char *names[LADDER_HOSTS];
    const struct demo_letter *letters; /* ends with text NULL */
    const struct demo_letter
        *letters_both; /* of a simultaneous open: neither waits for the other */
    const struct demo_letter
        *cards; /* UDP: those of host 0 in turn; host 1 answers the first that arrives */
};

extern const struct demo_script demo_script_en, demo_script_zh;

struct demo_options {
    const struct demo_script *script;
    const struct demo_scene *scene; /* NULL: the whole conversation */
    bool ipv6, simultaneous;
    bool loss_given; /* then chance decides; else one letter and one postcard are lost */
    uint32_t loss_ppm;
    uint64_t seed;
    struct trace_files *trace;
};

/* What came of it, as the two applications saw it. */
struct demo_result {
    char read[LADDER_HOSTS][DEMO_TEXT_BYTES]; /* what each one read of the other's stream */
    size_t read_bytes[LADDER_HOSTS];
    char written[LADDER_HOSTS][DEMO_TEXT_BYTES]; /* what each one gave to its stack to send */
    size_t written_bytes[LADDER_HOSTS];
    int error[LADDER_HOSTS]; /* GANDER_E…: how the connection ended; 0: in order, or never began */
    bool connected[LADDER_HOSTS];
    bool ended[LADDER_HOSTS]; /* read the other's end of stream */
    unsigned cards_sent[LADDER_HOSTS], cards_read[LADDER_HOSTS];
    struct gander_stats stats[LADDER_HOSTS];
};

struct demo_world {
    const struct demo_options *options;
    struct sim_world *sim;
    struct sim_host *host[LADDER_HOSTS];
    struct sim_link *link;
    struct ladder_record *record;    /* of the talk that is going on; NULL: none */
    unsigned letters_out, cards_out; /* of host 0, so far: the second of each is lost */
    unsigned packets_out[LADDER_HOSTS];
};

/* Makes the world. GANDER_E… and nothing is left; GANDER_EIO: errno, the capture file cannot be made. */
int demo_world_make(struct demo_world *world, const struct demo_options *options);

/* Ends it. GANDER_EIO: errno, not all of the capture was written. Every byte of memory must have come back: else GANDER_ENOMEM. */
int demo_world_end(struct demo_world *world);

/* Each runs one conversation until nothing is left to happen; `record` gets what the stacks did. GANDER_E…. */
int demo_talk_tcp(struct demo_world *world, struct ladder_record *record,
                  struct demo_result *result);
int demo_talk_udp(struct demo_world *world, struct ladder_record *record,
                  struct demo_result *result);

#endif

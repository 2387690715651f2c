/* SPDX-License-Identifier: MIT */
/*
 * Command-line options: a table for each subcommand, beside the common ones of all that use a TUN device.
 * The tables make the help too. Wrong input gets one line that says what is wrong and what would be right.
 */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gander/gander.h>

#include "trace_file.h"

enum { OPTIONS_PREFIXES_MAX = 8 };

/* An address of a host and the length of its network's prefix. */
struct option_prefix {
    struct gander_address address;
    unsigned bits;
};

struct option_prefixes {
    struct option_prefix list[OPTIONS_PREFIXES_MAX];
    unsigned count;
    bool none; /* the word "none" was given */
};

/* The common options; options_init() gives the defaults. */
struct options {
    const char *tun; /* NULL: the kernel chooses the name */
    struct option_prefixes addresses;
    struct option_prefixes kernel_addresses; /* none: leave the device as it is */
    uint64_t mtu_bytes;
    uint32_t loss_ppm, duplicate_ppm, reorder_ppm, corrupt_ppm; /* parts per million */
    gander_time delay_ns, jitter_ns;
    uint64_t rate_bits; /* a second; 0: no limit */
    uint64_t seed;
    struct trace_files trace;
    const char *congestion_control; /* NULL: the stack's default */
    int ecn;                        /* enum gander_ecn; −1: the stack's default */
    uint32_t fastopen;              /* enum gander_fastopen; 0: not asked for */
    bool ipv4_only, ipv6_only, stats, quiet, pacing;
};

/*
 * One option. `set` reads `text` (NULL for a switch) into `value`; it returns NULL, or what would have been right,
 * as in "a percentage such as 1% or 0.5%".
 */
struct option_spec {
    const char *name;     /* without the dashes; NULL ends a table */
    char letter;          /* 0: none */
    const char *argument; /* in the help; NULL: a switch */
    const char *help;
    const char *(*set)(void *value, const char *text);
    void *value;
};

struct option_usage {
    const char *command;             /* "get" */
    const char *arguments;           /* "URL" */
    const char *summary;             /* one sentence */
    const struct option_spec *specs; /* the subcommand's own */
    int arguments_min, arguments_max;
};

/* Values for options_read() beside an index. */
enum { OPTIONS_DONE = -1, OPTIONS_WRONG = -2 };

/*
 * Reads a command line. `options` NULL: the subcommand has no common options. Returns the index in argv of the first
 * argument that is no option (options may stand anywhere: argv is put in order, options first), OPTIONS_DONE
 * (help was asked for and printed), or OPTIONS_WRONG (the message is printed).
 */
int options_read(const struct option_usage *usage, struct options *options, int argc, char **argv);

void options_init(struct options *options);

/* Setters for tables; the type behind `value` stands on the right. */
const char *option_set_switch(void *value, const char *text);   /* bool */
const char *option_set_text(void *value, const char *text);     /* const char * */
const char *option_set_count(void *value, const char *text);    /* uint64_t, ≥ 1 */
const char *option_set_number(void *value, const char *text);   /* uint64_t */
const char *option_set_port(void *value, const char *text);     /* uint16_t, 1 … 65,535 */
const char *option_set_ppm(void *value, const char *text);      /* uint32_t */
const char *option_set_duration(void *value, const char *text); /* gander_time */
const char *option_set_rate(void *value, const char *text);     /* uint64_t, bits a second */

/* One address with its prefix: "10.0.0.1/24". false: wrong. */
bool option_prefix_parse(const char *text, struct option_prefix *prefix);

/* Does the prefix hold the address? */
bool option_prefix_holds(const struct option_prefix *prefix, const struct gander_address *address);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A workload: connections between two hosts of a world that carry bytes both ways at once and
 * close. Every byte is checked on arrival; each connection and direction has a stream of its own,
 * so that nothing can be mixed up.
 */
#ifndef SIM_BULK_H
#define SIM_BULK_H

#include "sim/world.h"

struct sim_bulk;

/* Zero where not needed. */
struct sim_bulk_config {
    struct sim_host *client, *server;
    const char *server_address; /* with port: "192.0.2.2:80", "[2001:db8::2]:80" */
    unsigned connections;       /* 0: one */
    uint64_t bytes_up, bytes_down;
    uint64_t seed;             /* of the streams, and of the lengths of reads and writes */
    gander_time read_pause_ns; /* readers rest this long after each 64 KiB or less: windows close */
};

/* Listens, connects, and takes both hosts' events from here on. Whatever fails is told by
 * sim_bulk_error(). NULL: no memory. */
struct sim_bulk *sim_bulk_start(struct sim_world *world, const struct sim_bulk_config *config);

/* All is transferred, or something failed. For sim_run_until_done(). */
bool sim_bulk_done(void *bulk);

/* NULL: all well so far. Else one line: what went wrong first. */
const char *sim_bulk_error(const struct sim_bulk *bulk);

/* Bytes that arrived, both ways together. */
uint64_t sim_bulk_received(const struct sim_bulk *bulk);

/* Closes the listener and what is still open. Before sim_world_destroy(). */
void sim_bulk_end(struct sim_bulk *bulk);

#endif

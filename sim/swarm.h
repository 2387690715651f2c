/* SPDX-License-Identifier: MIT */
/*
 * The swarm: runs a plan in a simulated world and judges it. What must hold:
 *
 *   invariant   gander_check() after each turn of each host
 *   bytes       what is read is a prefix of what was sent; each datagram as it was sent
 *   progress    once faults have stopped, each conversation completes within SIM_PATIENCE or ends with an error that something in
 *               the plan excuses (swarm_judge.c lists which); nothing that could be read waits without an event
 *   handles     no event names a socket that was closed
 *   trace       transitions of states are those of RFC 9293; numbers never go back, the offered window's right edge never moves
 *               left, nothing goes beyond the window that the peer offered; the counters agree with the trace
 *   end         when all is closed, no socket, connection, record, timer or byte is left
 *   crash       the process lives and time goes on (told by who started it: see shrink.h)
 */
#ifndef SIM_SWARM_H
#define SIM_SWARM_H

#include "sim/plan.h"
#include "sim/world.h"

#define SIM_PATIENCE (2 * 3600 * GANDER_S)

enum { SIM_ORACLE_BYTES = 16, SIM_SENTENCE_BYTES = 240 };

/* What happened in a run. */
struct sim_facts {
    uint64_t digest;
    uint64_t segments;    /* that arrived at a host */
    uint64_t connections; /* begun by gander_connect() */
    uint64_t datagrams, bytes;
    uint64_t completed, excused; /* ends of connections */
    uint64_t timeouts, retransmissions, evictions, resets;
    gander_time duration;
    uint16_t transitions[GANDER_TCP_STATES]; /* bits: from the state with this number to those */
    char oracle[SIM_ORACLE_BYTES];           /* "": all well; "plan": the plan makes no sense */
    char sentence[SIM_SENTENCE_BYTES];
};

struct sim_run_options {
    const char
        *capture; /* pcapng of each link: NAME, or NAME-1.pcapng … for the others; NULL: none */
    sim_trace_fn *trace; /* also gets each event; NULL */
    void *trace_context;
    gander_time patience; /* instead of SIM_PATIENCE; 0: that */
    /* Tests plant a fault with it: asked at the end of a run that went well; the sentence, or NULL. */
    const char *(*planted)(const struct sim_plan *plan, const struct sim_facts *facts);
};

/* Runs a plan. True: all oracles held. */
bool sim_swarm_run(const struct sim_plan *plan, const struct sim_run_options *options,
                   struct sim_facts *facts);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Smaller plans that fail in the same way. Each attempt runs in a process of its own, so that what traps, hangs or
 * crashes is an oracle like the others, by the name "crash".
 */
#ifndef SIM_SHRINK_H
#define SIM_SHRINK_H

#include "sim/swarm.h"

enum { SIM_RUN_SECONDS_MAX = 120 };

/* As sim_swarm_run(), in a child process. */
bool sim_run_apart(const struct sim_plan *plan, const struct sim_run_options *options,
                   struct sim_facts *facts);

struct sim_shrink_result {
    unsigned runs;
    struct sim_facts facts; /* of the smallest plan */
};

/*
 * `plan` fails with the oracle of `facts`; makes it the smallest found that fails with the same, within about `seconds`. First halves of
 * the items are left out, then quarters, … single ones (Zeller's ddmin), then numbers are made simpler. `told` (may be NULL) hears
 * of each step.
 */
void sim_shrink(struct sim_plan *plan, const struct sim_facts *facts,
                const struct sim_run_options *options, unsigned seconds,
                void (*told)(void *context, const struct sim_plan *plan, unsigned runs),
                void *context, struct sim_shrink_result *result);

#endif

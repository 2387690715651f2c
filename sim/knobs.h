/* SPDX-License-Identifier: MIT */
/* What the swarm may set: the fields of struct gander_config in knobs.def, congestion control, the socket options in options.def. */
#ifndef SIM_KNOBS_H
#define SIM_KNOBS_H

#include <gander/gander.h>

enum sim_excuse { SIM_EXCUSE_NOTHING, SIM_EXCUSE_TIME, SIM_EXCUSE_MEMORY, SIM_EXCUSE_STRANGERS };

struct sim_knob {
    const char *name;
    int64_t low, high;
    enum sim_excuse excuse;
    size_t offset, bytes; /* in struct gander_config; bytes 0: congestion control by number */
    enum gander_option option;
};

/* NULL beyond the last. */
const struct sim_knob *sim_knob_at(int64_t i);
const struct sim_knob *sim_option_at(int64_t i);

void sim_knob_apply(struct gander_config *config, const struct sim_knob *knob, int64_t value);

#endif

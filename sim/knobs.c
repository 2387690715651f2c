/* SPDX-License-Identifier: MIT */
/* The tables behind knobs.h. */
#include "sim/knobs.h"

#include <stddef.h>
#include <string.h>

#define KNOB(field, low, high, excuse)                                                             \
    {#field,                                                                                       \
     low,                                                                                          \
     high,                                                                                         \
     SIM_EXCUSE_##excuse,                                                                          \
     offsetof(struct gander_config, field),                                                        \
     sizeof(((struct gander_config *)NULL)->field),                                                \
     GANDER_OPTION_COUNT},
static const struct sim_knob knobs[] = {
#include "sim/knobs.def"
    {"tcp_congestion_control", 0, 0, SIM_EXCUSE_NOTHING, 0, 0, GANDER_OPTION_COUNT},
};
#undef KNOB

#define OPTION(name, low, high, excuse)                                                            \
    {#name, low, high, SIM_EXCUSE_##excuse, 0, 0, GANDER_OPTION_##name},
static const struct sim_knob options[] = {
#include "sim/options.def"
};
#undef OPTION

const struct sim_knob *sim_knob_at(int64_t i)
{
    return i >= 0 && i < (int64_t)(sizeof(knobs) / sizeof(knobs[0])) ? &knobs[i] : NULL;
}

const struct sim_knob *sim_option_at(int64_t i)
{
    return i >= 0 && i < (int64_t)(sizeof(options) / sizeof(options[0])) ? &options[i] : NULL;
}

void sim_knob_apply(struct gander_config *config, const struct sim_knob *knob, int64_t value)
{
    uint8_t *at = (uint8_t *)config + knob->offset;
    uint32_t value32 = (uint32_t)value;
    uint16_t value16 = (uint16_t)value;
    uint8_t value8 = (uint8_t)value;

    if (knob->bytes == 0) {
        if (value >= 0 && gander_congestion_control_name((unsigned)value))
            config->tcp_congestion_control = gander_congestion_control_name((unsigned)value);
    } else if (knob->bytes == sizeof(value)) {
        memcpy(at, &value, sizeof(value));
    } else if (knob->bytes == sizeof(value32)) {
        memcpy(at, &value32, sizeof(value32));
    } else if (knob->bytes == sizeof(value16)) {
        memcpy(at, &value16, sizeof(value16));
    } else {
        memcpy(at, &value8, sizeof(value8));
    }
}

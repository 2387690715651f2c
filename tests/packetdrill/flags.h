/* SPDX-License-Identifier: MIT */
/* The list of flags, which docs/packetdrill.md explains: flags_keys.c. */
#ifndef PACKETDRILL_FLAGS_H
#define PACKETDRILL_FLAGS_H

#include "object.h"

enum pd_flag_type { PD_FLAG_U32, PD_FLAG_U64, PD_FLAG_TIME, PD_FLAG_BOOL, PD_FLAG_IGNORED };

struct pd_flag {
    const char *name, *sysctl; /* sysctl: without net.ipv4.; NULL: none */
    enum pd_flag_type type;
    bool of_settings; /* in struct pd_settings, not gander_config */
    size_t offset;
    double unit, low, high; /* what one means; what it may be, in that unit */
};

const struct pd_flag *pd_flag_find(const char *key);
/* Those with values of their own; true: it was one. */
bool pd_flag_special(const char *key, char *value, struct gander_config *config);

#endif

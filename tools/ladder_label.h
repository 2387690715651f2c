/* SPDX-License-Identifier: MIT */
/* What stands on an arrow. */
#ifndef TOOLS_LADDER_LABEL_H
#define TOOLS_LADDER_LABEL_H

#include "ladder.h"
#include "ladder_words.h"

struct ladder_label {
    int flags_columns, digits; /* of the widest in the picture: labels stand below each other */
    char flags[LADDER_FLAGS_BYTES + 8];
    char rest[120];
    int columns; /* of both together */
};

/* Finds the widest flags and numbers. */
void ladder_label_measure(struct ladder_label *label, const struct ladder_look *look,
                          const struct ladder_record *record);

/* Writes a packet's label; `tight`: without the blanks that align it with the others. */
void ladder_label_make(struct ladder_label *label, const struct ladder_look *look,
                       const struct ladder_record *record, const struct ladder_event *packet,
                       bool tight);

#endif

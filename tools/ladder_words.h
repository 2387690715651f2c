/* SPDX-License-Identifier: MIT */
/* The ladder's words, a table for each language. {name}, {wait}, … are filled in. NULL in a list: the library's text. */
#ifndef TOOLS_LADDER_WORDS_H
#define TOOLS_LADDER_WORDS_H

#include "ladder.h"

struct ladder_words {
    const char *seconds; /* short, above the times */
    const char *seq, *ack, *len;
    const char *lost; /* beside the cross */
    const char *lost_datagram;
    const char *heading[PHASE_PHASES];
    const char *relative, *absolute; /* {left} {left_isn} {right} {right_isn} */
    const char *timer_fired;         /* {name} {timer} {wait} */
    const char *timer_over;          /* of 2MSL */
    const char *quiet;               /* {wait} */
    const char *drop;                /* {name} {reason} */
    const char *cause;               /* {name} {cause}: why a connection ended */
    const char *why[GANDER_WHY_COUNT];
    const char *timer[GANDER_TIMER_COUNT];
    const char *causes[GANDER_CAUSE_COUNT];
    const char *drops[GANDER_DROP_COUNT];
};

extern const struct ladder_words ladder_words_en, ladder_words_zh;

const char *ladder_why(const struct ladder_words *words, unsigned why);
const char *ladder_timer(const struct ladder_words *words, unsigned timer);
const char *ladder_cause(const struct ladder_words *words, unsigned cause);
const char *ladder_drop(const struct ladder_words *words, unsigned reason);

#endif

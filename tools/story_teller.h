/* SPDX-License-Identifier: MIT */
/*
 * The one who tells the story: what was told so far, the paragraph that is being made, and the values of its templates.
 * story.c goes through the scenes, story_scenes.c finds the words for one, story_teller.c puts them on paper.
 */
#ifndef TOOLS_STORY_TELLER_H
#define TOOLS_STORY_TELLER_H

#include "ladder_canvas.h"
#include "ladder_text.h"
#include "story.h"

enum { PARAGRAPH_BYTES = 4096, SENTENCE_BYTES = 2048, VALUES = 16 };

struct teller {
    const struct story *story;
    const struct story_words *words;
    struct canvas canvas;
    int time_columns;
    gander_time told;                 /* the time that stands at the last paragraph; −1: none */
    uint32_t read_told[LADDER_HOSTS]; /* how far host i has said that it read */
    uint32_t freed[LADDER_HOSTS];     /* how far host i knows that it was read */
    bool patience_told;
    unsigned flown, lost, cards_told[LADDER_HOSTS];
    char paragraph[PARAGRAPH_BYTES];
    /* values of templates */
    struct text_value values[VALUES];
    char seq[16], last[16], ack[16], known[16], isn[16], wait[LADDER_TIME_BYTES], text[1200];
    char address[LADDER_HOSTS][GANDER_ADDRESS_TEXT_BYTES], numbers[4][24];
};

/* --- story_teller.c ------------------------------------------------------------------------ */

/* Adds a sentence to the paragraph; NULL: nothing. */
void teller_add(struct teller *t, const char *pattern);
void teller_add_state(struct teller *t, const struct ladder_event *state);

/* Prints the paragraph, with the time beside it unless the last one has the same; time −1: none. */
void teller_tell(struct teller *t, gander_time time, unsigned host);

/* Values of templates: one; those of a packet; names and a waiting time. */
void teller_value(struct teller *t, size_t i, const char *name, const char *value);
void teller_values(struct teller *t, const struct ladder_event *packet);
void teller_names(struct teller *t, unsigned host, gander_time wait);

/* --- story_scenes.c ------------------------------------------------------------------------ */

/* A packet of this row is sent, arrives; or something happens at one host alone. */
void teller_sent(struct teller *t, const struct ladder_row *row);
void teller_arrived(struct teller *t, const struct ladder_row *row);
void teller_local(struct teller *t, const struct ladder_row *row);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The story: the same rows as the ladder's, told as an exchange of letters. Every sentence is made from an event of the
 * run, its numbers and times are the run's own.
 */
#ifndef TOOLS_STORY_H
#define TOOLS_STORY_H

#include "ladder.h"

/*
 * Templates; {from} {to} {seq} {last} {known} {isn} {ack} {text} {wait} {why} are filled in where they make sense. {isn} and {ack}
 * are numbers on the wire, as hosts tell them to each other when they meet; the others count bytes from 1.
 */
struct story_words {
    const char *title;
    const char *intro; /* {left} {left_address} {right} {right_address} {delay} */
    const char *intro_cards;
    const char *chapter[PHASE_PHASES];
    const char *join; /* between two sentences */
    /* what is written */
    const char *syn, *syn_again, *syn_ack, *syn_ack_again, *syn_ack_both;
    const char *ack_handshake, *ack_data, *ack_delayed, *ack_again, *ack_other;
    const char *ack_fin, *ack_fin_open, *ack_fin_last, *ack_fin_again;
    const char *data, *data_again, *also_read, *also_done;
    const char *fin, *fin_second, *fin_both, *fin_again, *reset, *reset_unknown, *probe;
    const char *patience;       /* what the timer waits for the first time … */
    const char *patience_again; /* … and after a retransmission */
    /* what becomes of it */
    const char *lost, *lost_timed, *lost_ack;
    const char *read_syn, *read_syn_both, *read_syn_ack, *read_handshake, *read_established;
    const char *read_data, *read_twice, *read_ack, *read_fin, *read_fin_both;
    const char *read_fin_ack, *read_last, *read_closing_ack, *read_closed, *read_reset;
    /* timers; {name} {other} {wait} */
    const char *timer, *stay, *stay_both, *over, *over_asked, *gave_up;
    /* the end; {flown} {lost} {left} {right} {left_bytes} {right_bytes} */
    const char *all_read, *not_all_read, *nothing_written;
    const char *card, *card_read, *card_lost, *cards_end; /* {sent} {read} */
};

extern const struct story_words story_words_en, story_words_zh;

struct story {
    const struct ladder_look *look;
    const struct ladder_record *record;
    const struct ladder_rows *rows;
    const struct story_words *words;
    const char
        *written[LADDER_HOSTS]; /* what each host's application wrote: TCP's stream, or NULL */
    size_t written_bytes[LADDER_HOSTS];
    size_t read_bytes[LADDER_HOSTS];        /* what each one read of the other's */
    const char *const *cards[LADDER_HOSTS]; /* UDP: the texts that each host sends, in order */
    unsigned cards_read;
};

/* False: no memory. */
bool story_tell(const struct story *story);

#endif

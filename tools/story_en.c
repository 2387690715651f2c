/* SPDX-License-Identifier: MIT */
/* The story's sentences in English. */
#include "story.h"

const struct story_words story_words_en = {
    .title = "Letters by wild goose",
    .intro = "{left} lives at {left_address}, {right} at {right_address}. Wild geese carry their "
             "letters, {delay} s each way. A goose may fall on the way, and nobody brings word of "
             "it. So the two number every byte they write, and keep a copy of each letter until "
             "the other's answer shows that it was read.",
    .intro_cards = "Postcards are another matter: no greeting and no farewell, no copy, no timer, "
                   "and no answer unless somebody feels like writing one. {left} lives at "
                   "{left_address}, {right} at {right_address}, and a goose needs {delay} s.",
    .chapter =
        {
            [PHASE_OPEN] = "Three letters to come together",
            [PHASE_OPEN_BOTH] = "Two who write at the same moment",
            [PHASE_DATA] = "What they have to say",
            [PHASE_CLOSE] = "Four letters to part",
            [PHASE_CLOSE_BOTH] = "Both take their leave at once",
            [PHASE_WAIT] = "Someone stays at home",
            [PHASE_DATAGRAMS] = "Postcards",
        },
    .join = " ",
    .syn = "{from} writes: “SYN. Shall we write to each other? My numbers begin at {isn}.”",
    .syn_again = "{from} sends the same first letter again.",
    .syn_ack = "{from} answers two things in one letter: “SYN, ACK. Yes, gladly. I have your "
               "number and look forward to your {ack}; my own begin at {isn}.”",
    .syn_ack_again = "{from} sends that answer again: “SYN, ACK.”",
    .syn_ack_both = "{from} answers: “SYN, ACK. I was just asking you the same! I have your number "
                    "and look forward to your {ack}; mine began at {isn}, as I wrote.”",
    .ack_handshake =
        "{from} writes: “ACK. I have your number too, and look forward to your {ack}.”",
    .ack_data = "{from} answers: “ACK. I have read you up to {known}.”",
    .ack_delayed = "{from} has nothing to write just now, waits a little in case that changes, and "
                   "then says only: “ACK. I have read you up to {known}.”",
    .ack_again = "{from} says it once more: “ACK. I have read you up to {known}.”",
    .ack_other = "{from} writes: “ACK. I have read you up to {known}.” The reason: {why}.",
    .ack_fin = "{from} answers: “ACK. I know.”",
    .ack_fin_open = "{from} answers: “ACK. I know.” That takes no farewell of {from}'s own: {from} "
                    "may go on writing.",
    .ack_fin_last = "{from} writes the last letter: “ACK. I know.” But nobody answers a last "
                    "letter, so how can {from} tell that it arrives?",
    .ack_fin_again = "{from} answers the farewell once more: “ACK. I know.”",
    .data = "{from} writes bytes {seq} to {last}: “{text}”",
    .data_again = "{from} takes out the copy and sends the same bytes again, {seq} to {last}.",
    .also_read = "In the margin: “ACK. I have read you up to {known}.”",
    .also_done = "And: “FIN. That is all from me.”",
    .fin = "{from} has said everything: “FIN. I shall write no more; but I go on reading.”",
    .fin_second = "{from} is done as well: “FIN. Nothing more from me either.”",
    .fin_both = "{from} has said everything: “FIN. I shall write no more.”",
    .fin_again = "{from} sends the farewell again: “FIN.”",
    .reset = "{from} breaks off: “RST.” The reason: {why}.",
    .reset_unknown = "Where {from} lives, nobody knows of this exchange any more: “RST. There is "
                     "no such connection.”",
    .probe = "{from} asks: “Are you there?” The reason: {why}.",
    .patience = "A copy stays here, and a timer starts: {wait} s without an answer, and the same "
                "letter goes out again.",
    .patience_again = "This time {from} will wait {wait} s.",
    .lost = "The goose falls on the way. Neither of the two knows.",
    .lost_timed = "The goose falls on the way. Neither of the two knows; {from} has only the "
                  "timer: {wait} s.",
    .lost_ack = "The goose falls on the way. No timer guards a bare ACK.",
    .read_syn = "{to} reads it, and likes the idea.",
    .read_syn_both =
        "{to} reads it, and is surprised: {to} has asked the same, and this is not the "
        "answer yet.",
    .read_syn_ack = "{to} reads it. There and back, the way is open: now {to} knows.",
    .read_handshake =
        "{to} reads it. Without this third letter {to} could not know that the second "
        "one arrived. Now both know.",
    .read_established = "From this {to} learns that {to}'s own letter arrived.",
    .read_data = "{to} reads bytes {seq} to {last}.",
    .read_twice = "{to} has had these bytes before: away with them.",
    .read_ack = "{to} now knows that everything up to {known} was read, and throws those copies "
                "away.",
    .read_fin = "{to} reads that {from} will write no more.",
    .read_fin_both = "{to} reads it, and is surprised: {to}'s own farewell has no answer yet.",
    .read_fin_ack = "{to} knows that the farewell was read, and from now on only reads.",
    .read_last = "{to} reads that {from} is done as well.",
    .read_closing_ack = "{to} knows that the farewell was read.",
    .read_closed = "{to} reads it: all is said, all is read. The door closes.",
    .read_reset = "{to} reads it, and there is nothing left to say.",
    .timer = "{wait} s have passed without an answer. {name} does not ask whose fault it is.",
    .stay =
        "{name} stays at home for {wait} s: 2MSL, the time a letter may live on its way, twice. "
        "If the last letter falls, {other} will send the farewell again, and somebody must be "
        "there to answer; and no straggler of this exchange can be taken for part of the next.",
    .stay_both =
        "Each of them wrote a last ACK that nobody answers. So both stay at home for {wait} s: "
        "2MSL, the time a letter may live on its way, twice. If one falls, the other's farewell "
        "will come again, and somebody must be there to answer.",
    .over = "Nobody knocked. {name} closes the door.",
    .over_asked =
        "{other}'s farewell had come again, and {name} was there to answer. Since then it "
        "is quiet. {name} closes the door.",
    .gave_up = "{name} has waited long enough, and gives up.",
    .all_read = "{flown} geese flew, {lost} fell. {left} wrote {left_bytes} bytes and {right} "
                "{right_bytes}; every one of them was read, once and in order.",
    .not_all_read = "{flown} geese flew, {lost} fell. {left} wrote {left_bytes} bytes and {right} "
                    "{right_bytes}; not all of them were read.",
    .nothing_written = "{flown} geese flew, {lost} fell, and nothing could be said.",
    .card = "{from} sends a card: “{text}”",
    .card_read = "{to} reads it.",
    .card_lost =
        "The goose falls on the way. Nobody will ever know: {from} keeps no copy, and {to} "
        "expects nothing.",
    .cards_end =
        "{sent} cards were sent, {read} were read. Only those who watch from outside, as we "
        "do, know both numbers.",
};

/* SPDX-License-Identifier: MIT */
/*
 * A hierarchical timer wheel [Varghese and Lauck 1987]: arm, cancel and expire in O(1), whatever the number of
 * timers. Time is a number with 11 digits of 6 bits; each digit is a level with 64 slots, so a slot of the lowest
 * level is one nanosecond. A timer lies at the level of the highest digit in which its time differs from the
 * wheel's, in the slot that this digit names. Hence
 *
 *  - all timers of a level are earlier than all timers of a higher one: the lowest slot of the lowest level is next;
 *  - timers fire at their exact time, in order of time, and for one instant in the order in which they were armed;
 *  - a clock that jumps over years costs nothing but the timers that are due.
 *
 * When a slot above the lowest level falls due, its timers move down, directly to where they belong then: at most
 * one move a level, and mostly one in all.
 *
 * Timers are members of what they wake; they are not allocated.
 */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include <stdbool.h>

#include <gander/stack.h>

struct timer {
    struct timer *next;
    struct timer **at; /* what points at us; NULL: not armed */
    gander_time expires;
};

enum { WHEEL_LEVELS = 11, WHEEL_LEVEL_BITS = 6, WHEEL_SLOTS = 1 << WHEEL_LEVEL_BITS };

/* Undefined, but for its bit in `occupied`, while empty. */
struct wheel_slot {
    struct timer *first;
    struct timer *
        *last; /* append here: timers of one instant fire in the order in which they were armed */
    gander_time
        earliest; /* exact, or earlier after that timer was cancelled; never before the slot's start */
};

struct wheel {
    gander_time base;                /* not after any timer, and at most the last time told */
    uint32_t levels;                 /* a bit for each level with timers */
    uint64_t occupied[WHEEL_LEVELS]; /* a bit for each slot with timers */
    struct wheel_slot slots[WHEEL_LEVELS][WHEEL_SLOTS];
    struct wheel_slot
        moving; /* taken out of a slot that is due, not yet put further down; may be empty */
};

void wheel_init(struct wheel *wheel, gander_time now);

static inline void timer_init(struct timer *timer)
{
    timer->next = 0;
    timer->at = 0;
    timer->expires = GANDER_NEVER;
}

static inline bool timer_is_armed(const struct timer *timer)
{
    return timer->at != 0;
}

/* Arms a timer, or moves it. A time in the past is due at once; GANDER_NEVER cancels. */
void wheel_arm(struct wheel *wheel, struct timer *timer, gander_time expires);

/* Disarms a timer; one that is not armed may be cancelled, too. */
void wheel_cancel(struct wheel *wheel, struct timer *timer);

/*
 * When wheel_expire() may have something: exact, or earlier after a cancellation, or in the past when steps ran out;
 * GANDER_NEVER: no timers. O(1).
 */
gander_time wheel_next(const struct wheel *wheel);

/*
 * The next timer whose time is at or before `now`, no longer armed; NULL: none is due. Decrements *steps for each timer
 * that it moves down a level or returns; at 0 it returns NULL although more may be due, and wheel_next() says
 * so. Thus a loop over this call is bounded, also when timers are armed again for the past. Never call it with an
 * earlier `now` than before.
 */
struct timer *wheel_expire(struct wheel *wheel, gander_time now, unsigned *steps);

#endif

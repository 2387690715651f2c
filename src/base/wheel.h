/* SPDX-License-Identifier: MIT */
/*
 * A hierarchical timer wheel [Varghese and Lauck 1987]: arm, cancel and expire in O(1), whatever the number of
 * timers. 8 levels of 64 slots; the lowest slot is 2^16 ns (66 µs) wide, the highest level covers
 * 2^64 ns. A timer fires at its exact time, not at its slot's: each slot knows its earliest deadline.
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

enum { WHEEL_LEVELS = 8, WHEEL_SLOTS = 64, WHEEL_TICK_BITS = 16, WHEEL_LEVEL_BITS = 6 };

struct wheel_slot {
    struct timer *first;
    struct timer **last; /* append here: timers of one instant fire in the order in which they were armed */
    gander_time earliest; /* lower bound of all in here */
};

struct wheel {
    gander_time now;                 /* everything before has been expired or is in `due` */
    uint64_t occupied[WHEEL_LEVELS]; /* a bit for each slot with timers */
    struct wheel_slot slots[WHEEL_LEVELS][WHEEL_SLOTS];
    struct wheel_slot due;           /* taken out of their slots, not yet handed out or put further down */
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

/* Arms a timer, or moves it. A time in the past is due at once. */
void wheel_arm(struct wheel *wheel, struct timer *timer, gander_time expires);
void wheel_cancel(struct wheel *wheel, struct timer *timer);

/* When wheel_expire() may have something: exact, or earlier after a cancellation; GANDER_NEVER: no timers. O(levels). */
gander_time wheel_next(const struct wheel *wheel);

/*
 * One timer whose time is at or before `now`, no longer armed; NULL: none is due. Each call does a bounded amount of
 * work (*steps counts timers moved between levels and is decremented; at 0 the call returns NULL early and wheel_next() says "now").
 */
struct timer *wheel_expire(struct wheel *wheel, gander_time now, unsigned *steps);

#endif

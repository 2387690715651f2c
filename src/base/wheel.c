/* SPDX-License-Identifier: MIT */
/*
 * The timer wheel; wheel.h explains it.
 *
 * `base` decides where a timer lies, so it may only move where no armed timer would lie elsewhere: up to just
 * before the start of the next occupied slot, or into that slot while this is taken apart. It lags behind the clock
 * inside a coarse slot whose first timer is not due yet; that costs nothing.
 *
 * Taking a slot apart may need more steps than the caller grants. Timers armed meanwhile queue up behind the rest
 * (`moving`), or they could overtake one of the same instant.
 */
#include "base/wheel.h"

#include "base/bytes.h"
#include "base/panic.h"

_Static_assert(WHEEL_LEVELS *WHEEL_LEVEL_BITS >= 63, "every gander_time has its slot");

static void slot_clear(struct wheel_slot *slot)
{
    slot->first = NULL;
    slot->last = &slot->first;
    slot->earliest = GANDER_NEVER;
}

static void slot_append(struct wheel_slot *slot, struct timer *timer, gander_time at)
{
    timer->next = NULL;
    timer->at = slot->last;
    *slot->last = timer;
    slot->last = &timer->next;
    slot->earliest = min_i64(slot->earliest, at);
}

void wheel_init(struct wheel *wheel, gander_time now)
{
    memset(wheel, 0, sizeof(*wheel));
    wheel->base = now;
    slot_clear(&wheel->moving);
}

/* The level and slot for a time at or after `base`. */
static inline unsigned level_of(const struct wheel *wheel, gander_time at)
{
    uint64_t differ = ((uint64_t)at ^ (uint64_t)wheel->base) | 1;

    return (63 - (unsigned)__builtin_clzll(differ)) / WHEEL_LEVEL_BITS;
}

static inline unsigned index_of(gander_time at, unsigned level)
{
    return (unsigned)((uint64_t)at >> (level * WHEEL_LEVEL_BITS)) & (WHEEL_SLOTS - 1);
}

static void wheel_place(struct wheel *wheel, struct timer *timer)
{
    gander_time at = max_i64(timer->expires, wheel->base);
    unsigned level = level_of(wheel, at);
    unsigned index = index_of(at, level);
    struct wheel_slot *slot = &wheel->slots[level][index];
    uint64_t bit = (uint64_t)1 << index;

    if (!(wheel->occupied[level] & bit)) {
        slot_clear(slot);
        wheel->occupied[level] |= bit;
        wheel->levels |= 1U << level;
    }
    slot_append(slot, timer, at);
}

static void wheel_mark_empty(struct wheel *wheel, unsigned level, unsigned index)
{
    wheel->occupied[level] &= ~((uint64_t)1 << index);
    if (!wheel->occupied[level])
        wheel->levels &= ~(1U << level);
}

void wheel_arm(struct wheel *wheel, struct timer *timer, gander_time expires)
{
    wheel_cancel(wheel, timer);
    timer->expires = expires;
    if (expires == GANDER_NEVER)
        return;
    if (UNLIKELY(wheel->moving.first))
        slot_append(&wheel->moving, timer, expires);
    else
        wheel_place(wheel, timer);
}

/* The last timer of a list goes: its slot must know. */
static void wheel_cancel_last(struct wheel *wheel, struct timer *timer)
{
    gander_time at = max_i64(timer->expires, wheel->base);
    unsigned level, index;
    struct wheel_slot *slot;

    if (wheel->moving.last == &timer->next) {
        wheel->moving.last = timer->at;
        return;
    }
    level = level_of(wheel, at);
    index = index_of(at, level);
    slot = &wheel->slots[level][index];
    DEBUG_ASSERT(slot->last == &timer->next);
    slot->last = timer->at;
    if (timer->at == &slot->first)
        wheel_mark_empty(wheel, level, index);
}

void wheel_cancel(struct wheel *wheel, struct timer *timer)
{
    if (!timer->at)
        return;
    *timer->at = timer->next;
    if (timer->next)
        timer->next->at = timer->at;
    else
        wheel_cancel_last(wheel, timer);
    timer->at = NULL;
}

gander_time wheel_next(const struct wheel *wheel)
{
    unsigned level;

    if (wheel->moving.first)
        return wheel->base;
    if (!wheel->levels)
        return GANDER_NEVER;
    level = (unsigned)__builtin_ctz(wheel->levels);
    return wheel->slots[level][__builtin_ctzll(wheel->occupied[level])].earliest;
}

/* Puts what is in `moving` into its slots. False: the steps did not suffice. */
static bool wheel_settle(struct wheel *wheel, unsigned *steps)
{
    struct wheel_slot *moving = &wheel->moving;

    while (moving->first) {
        struct timer *timer = moving->first;

        if (*steps == 0)
            return false;
        --*steps;
        moving->first = timer->next;
        if (timer->next)
            timer->next->at = &moving->first;
        else
            moving->last = &moving->first;
        wheel_place(wheel, timer);
    }
    return true;
}

/* Takes a slot apart whose earliest time has come. */
static void wheel_open(struct wheel *wheel, unsigned level, unsigned index)
{
    struct wheel_slot *slot = &wheel->slots[level][index];
    struct wheel_slot *moving = &wheel->moving;

    wheel->base = slot->earliest;
    moving->first = slot->first;
    moving->first->at = &moving->first;
    moving->last = slot->last;
    moving->earliest = slot->earliest;
    wheel_mark_empty(wheel, level, index);
}

/* Nothing is due: follow the clock as far as all timers stay where they are. */
static void wheel_follow(struct wheel *wheel, gander_time now, unsigned level, unsigned index)
{
    unsigned shift = level * WHEEL_LEVEL_BITS;
    uint64_t above = shift + WHEEL_LEVEL_BITS < 64
                         ? (uint64_t)wheel->base >> (shift + WHEEL_LEVEL_BITS) << WHEEL_LEVEL_BITS
                         : 0;
    gander_time start = (gander_time)((above | index) << shift);

    wheel->base = max_i64(wheel->base, min_i64(now, start - 1));
}

struct timer *wheel_expire(struct wheel *wheel, gander_time now, unsigned *steps)
{
    while (wheel_settle(wheel, steps) && wheel->levels) {
        unsigned level = (unsigned)__builtin_ctz(wheel->levels);
        unsigned index = (unsigned)__builtin_ctzll(wheel->occupied[level]);
        struct wheel_slot *slot = &wheel->slots[level][index];

        if (slot->earliest > now) {
            wheel_follow(wheel, now, level, index);
            return NULL;
        }
        if (*steps == 0)
            return NULL;
        if (level == 0) { /* one instant */
            struct timer *timer = slot->first;

            --*steps;
            wheel->base = slot->earliest;
            wheel_cancel(wheel, timer);
            return timer;
        }
        wheel_open(wheel, level, index);
    }
    if (!wheel->levels && !wheel->moving.first)
        wheel->base = max_i64(wheel->base, now);
    return NULL;
}

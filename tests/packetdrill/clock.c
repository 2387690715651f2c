/* SPDX-License-Identifier: MIT */
/*
 * Virtual time, and who sleeps in it. The clock moves when the driving thread sleeps, waits for a packet, or reads it twice in a row (the plain
 * harness spins on the clock to meet an event to the microsecond). Everything that falls due on the way happens at its own moment.
 */
#include <errno.h>
#include <time.h>

#include "object.h"

enum { SPIN_STEP_US = 1, PATIENCE_S = 2 };

static bool is_driver(const struct pd_object *o)
{
    return pthread_equal(pthread_self(), o->driver);
}

static gander_time stack_time(const struct pd_object *o)
{
    return o->now_us * GANDER_US;
}

/* This thread's call is done and seen: the clock may move again. */
static void checked_in(struct pd_object *o)
{
    for (unsigned i = 0; i < o->woken_count; i++) {
        if (!pthread_equal(o->woken[i], pthread_self()))
            continue;
        o->woken[i] = o->woken[--o->woken_count];
        pthread_cond_broadcast(&o->settled);
        return;
    }
}

/* Waits for threads whose call is done until they have read the clock. A harness that never does costs PATIENCE_S once. */
static void wait_for_woken(struct pd_object *o)
{
    struct timespec until;

    if (o->woken_count == 0)
        return;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    while (o->woken_count > 0)
        if (pthread_cond_timedwait(&o->settled, &o->lock, &until) == ETIMEDOUT)
            o->woken_count = 0;
}

/*
 * Each sleeper looks whether it can go on, one after the other, while nothing else happens: it has the lock from its wake-up until it
 * sleeps again or its call is done. What one of them did may let another go on.
 */
static void kick_all(struct pd_object *o)
{
    struct pd_sleeper *s;
    bool went_on;

    do {
        uint64_t calls = o->calls_done;

        for (s = o->sleepers; s; s = s->next)
            s->looked = false;
        for (;;) {
            for (s = o->sleepers; s && s->looked; s = s->next) {
            }
            if (!s)
                break;
            s->looked = true;
            o->looking = s->kicked = true;
            pthread_cond_signal(&s->wake);
            while (o->looking)
                pthread_cond_wait(&o->settled, &o->lock);
        }
        went_on = o->calls_done != calls;
    } while (went_on);
}

static bool is_looking(const struct pd_object *o)
{
    return o->looking && pthread_equal(o->looker, pthread_self());
}

static void looked(struct pd_object *o)
{
    o->looking = false;
    pthread_cond_broadcast(&o->settled);
}

void pd_run(struct pd_object *o)
{
    gander_advance(o->stack, stack_time(o));
    do {
        pd_events(o);
    } while (pd_collect(o));
    while (gander_deadline(o->stack) <= stack_time(o)) { /* more were due than one call runs */
        gander_advance(o->stack, stack_time(o));
        pd_collect(o);
        pd_events(o);
    }
}

void pd_enter(struct pd_object *o)
{
    pthread_mutex_lock(&o->lock);
    checked_in(o);
    if (is_driver(o))
        o->just_read = false;
    pd_files_check(o);
}

void pd_leave(struct pd_object *o)
{
    int error = errno;

    pd_run(o);
    if (is_looking(o)) { /* this call slept: the clock stands until the thread has read it */
        o->calls_done++;
        if (o->woken_count < sizeof(o->woken) / sizeof(o->woken[0]))
            o->woken[o->woken_count++] = pthread_self();
        looked(o);
    } else if (is_driver(o)) {
        kick_all(o);
    }
    pthread_mutex_unlock(&o->lock);
    errno = error;
}

int64_t pd_next_us(const struct pd_object *o)
{
    gander_time deadline = gander_deadline(o->stack);
    int64_t next = deadline == GANDER_NEVER ? PD_NEVER : (deadline + GANDER_US - 1) / GANDER_US;

    for (const struct pd_sleeper *s = o->sleepers; s; s = s->next)
        if (s->deadline_us < next)
            next = s->deadline_us;
    return next;
}

void pd_advance(struct pd_object *o, int64_t to_us)
{
    for (;;) {
        int64_t next = pd_next_us(o);
        bool last = next > to_us;

        wait_for_woken(o);
        next = last ? to_us : next;
        if (next > o->now_us)
            o->now_us = next;
        pd_run(o);
        kick_all(o);
        wait_for_woken(o);
        if (last)
            return;
    }
}

int64_t pd_deadline_after(const struct pd_object *o, int64_t wait_us)
{
    return wait_us >= PD_NEVER - o->now_us ? PD_NEVER : o->now_us + wait_us;
}

/* The driving thread itself has to wait: nobody else will move the clock. */
static bool sleep_driving(struct pd_object *o, int64_t deadline_us)
{
    int64_t next = pd_next_us(o);

    pd_run(o);
    if (o->now_us >= deadline_us)
        return false;
    next = next < deadline_us ? next : deadline_us;
    if (next == PD_NEVER)
        return false;
    pd_advance(o, next);
    return true;
}

static void sleeper_remove(struct pd_object *o, const struct pd_sleeper *sleeper)
{
    struct pd_sleeper **at = &o->sleepers;

    while (*at != sleeper)
        at = &(*at)->next;
    *at = sleeper->next;
}

bool pd_sleep(struct pd_object *o, int64_t deadline_us)
{
    struct pd_sleeper sleeper = {.deadline_us = deadline_us};

    if (is_driver(o))
        return sleep_driving(o, deadline_us);
    pd_run(o);
    if (o->now_us >= deadline_us)
        return false;
    pthread_cond_init(&sleeper.wake, NULL);
    sleeper.looked = true;
    sleeper.next = o->sleepers;
    o->sleepers = &sleeper;
    if (is_looking(o))
        looked(o);
    while (!sleeper.kicked)
        pthread_cond_wait(&sleeper.wake, &o->lock);
    o->looker = pthread_self();
    sleeper_remove(o, &sleeper);
    pthread_cond_destroy(&sleeper.wake);
    return true;
}

int pd_usleep(void *ud, useconds_t us)
{
    struct pd_object *o = ud;
    int64_t until;

    pd_enter(o);
    until = pd_deadline_after(o, us);
    if (is_driver(o))
        pd_advance(o, until);
    while (pd_sleep(o, until)) {
    }
    pd_leave(o);
    return 0;
}

int pd_gettimeofday(void *ud, struct timeval *tv, struct timezone *tz)
{
    struct pd_object *o = ud;
    bool spins;
    int64_t us;

    (void)tz;
    pthread_mutex_lock(&o->lock);
    spins = is_driver(o) && o->just_read;
    checked_in(o);
    if (spins) /* what was closed for real is closed before the clock moves on */
        pd_files_check(o);
    if (is_driver(o))
        o->just_read = true;
    if (spins && o->woken_count == 0)
        pd_advance(o, o->now_us + SPIN_STEP_US);
    us = PD_EPOCH_US + o->now_us;
    tv->tv_sec = us / 1000000;
    tv->tv_usec = us % 1000000;
    pthread_mutex_unlock(&o->lock);
    return 0;
}

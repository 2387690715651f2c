/* SPDX-License-Identifier: MIT */
/*
 * A loop that drives stacks and drivers with epoll. One turn is
 *
 *     pass:   each stack's clock is set; each driver is asked for packets, which go to its stack;
 *             the application gets its events; what the stacks want to send goes to the drivers.
 *             Again until nothing moves.
 *     sleep:  until a descriptor is ready, or the earliest deadline of stacks, drivers and alarms.
 *     wake:   alarms and the application's descriptors are called.
 *
 * No timer descriptor and no fixed tick: with nothing to do, the sleep has no end. What a driver
 * does not take stays here and is tried again when its descriptor can be written, or soon.
 */
#include <gander/host.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    BURST = 64,
    PASSES_MAX = 64, /* before descriptors get their turn although packets still move */
    READY_MAX = 64
};

enum { ALARM_OFF, ALARM_SET, ALARM_FRESH }; /* struct gander_host_alarm.set */

#define RETRY_NS GANDER_MS /* a full driver that cannot tell when it is writable */

struct attachment {
    struct gander_stack *stack;
    struct gander_driver *driver;
    unsigned link;
    int fd;       /* −1: none */
    bool blocked; /* epoll watches for writability */
    int waiting;  /* packets that the driver did not take yet */
    struct gander_packet *packets[BURST];
    struct attachment *next;
};

struct watch {
    int fd;
    bool always_ready; /* epoll cannot watch it: a plain file */
    uint32_t events;
    gander_host_descriptor_fn *fn; /* NULL: removed, the memory goes at the end of the turn */
    void *context;
    struct watch *next;
};

struct gander_host {
    int epoll_fd, stop_fd;
    bool stopped;
    int error; /* GANDER_EIO of a driver that is gone */
    struct attachment *attachments;
    struct watch *watches;
    struct gander_host_alarm *alarms;
    bool in_alarms;
    gander_host_events_fn *on_events;
    void *events_context;
    uint64_t wakeups;
};

/* --- packets -------------------------------------------------------------------------------------
 */

static int watch_descriptor(const struct gander_host *host, int operation, int fd, uint32_t events,
                            void *tag)
{
    struct epoll_event event = {.events = events, .data.ptr = tag};

    return epoll_ctl(host->epoll_fd, operation, fd, &event);
}

/* Gives waiting packets to the driver. Returns whether any moved. */
static bool flush_waiting(struct gander_host *host, struct attachment *a, gander_time now)
{
    bool blocked;
    int sent;

    if (a->waiting == 0)
        return false;
    sent = gander_driver_transmit(a->driver, now, a->packets, a->waiting);
    if (sent < 0) {
        host->error = sent;
        return false;
    }
    a->waiting -= sent;
    memmove(a->packets, a->packets + sent, (size_t)a->waiting * sizeof(a->packets[0]));
    blocked = a->waiting > 0;
    if (blocked != a->blocked && a->fd >= 0)
        (void)watch_descriptor(host, EPOLL_CTL_MOD, a->fd, blocked ? EPOLLIN | EPOLLOUT : EPOLLIN,
                               a);
    a->blocked = blocked;
    return sent > 0;
}

static bool send_all(struct gander_host *host, struct attachment *a, gander_time now)
{
    bool moved = flush_waiting(host, a, now);

    while (a->waiting == 0 && host->error == 0) {
        a->waiting = (int)gander_output(a->stack, a->link, a->packets, BURST);
        if (a->waiting == 0)
            break;
        moved = true;
        (void)flush_waiting(host, a, now);
    }
    return moved;
}

/* One burst, so that acknowledgements and the application's turn are not late. */
static bool receive_burst(struct gander_host *host, struct attachment *a, gander_time now)
{
    struct gander_packet *packets[BURST];
    int n = gander_driver_receive(a->driver, a->stack, now, packets, BURST);

    if (n < 0)
        host->error = n;
    if (n <= 0)
        return false;
    gander_input(a->stack, a->link, packets, (size_t)n);
    return true;
}

static bool hand_out_events(const struct gander_host *host, struct gander_stack *stack)
{
    struct gander_event events[BURST];
    size_t n;

    if (!host->on_events)
        return false;
    n = gander_events(stack, events, BURST);
    if (n > 0)
        host->on_events(host->events_context, stack, events, n);
    return n > 0;
}

/* Everything that can be done now, once. Returns whether anything moved. */
static bool pass(struct gander_host *host)
{
    gander_time now = gander_host_now();
    bool moved = false;

    for (struct attachment *a = host->attachments; a && host->error == 0; a = a->next) {
        gander_advance(a->stack, now);
        moved |= receive_burst(host, a, now);
    }
    for (struct attachment *a = host->attachments; a; a = a->next)
        moved |= hand_out_events(host, a->stack);
    for (struct attachment *a = host->attachments; a && host->error == 0; a = a->next)
        moved |= send_all(host, a, now);
    return moved;
}

/* --- time
 * -------------------------------------------------------------------------------------------- */

static gander_time earliest_deadline(const struct gander_host *host, gander_time now)
{
    gander_time earliest = GANDER_NEVER;

    for (const struct attachment *a = host->attachments; a; a = a->next) {
        gander_time stack_at = gander_deadline(a->stack);
        gander_time driver_at = gander_driver_deadline(a->driver);

        if (stack_at < earliest)
            earliest = stack_at;
        if (driver_at < earliest)
            earliest = driver_at;
        if (a->waiting > 0 && a->fd < 0 && now + RETRY_NS < earliest)
            earliest = now + RETRY_NS;
    }
    for (const struct gander_host_alarm *alarm = host->alarms; alarm; alarm = alarm->next) {
        if (alarm->at_ns < earliest)
            earliest = alarm->at_ns;
    }
    for (const struct watch *w = host->watches; w; w = w->next) {
        if (w->fn && w->always_ready && w->events != 0)
            return now;
    }
    return earliest;
}

static void alarm_unlink(struct gander_host *host, struct gander_host_alarm *alarm)
{
    struct gander_host_alarm **at = &host->alarms;

    while (*at && *at != alarm)
        at = &(*at)->next;
    if (*at)
        *at = alarm->next;
    alarm->set = ALARM_OFF;
}

void gander_host_set_alarm(struct gander_host *host, struct gander_host_alarm *alarm,
                           gander_time at_ns)
{
    if (alarm->set)
        alarm_unlink(host, alarm);
    if (at_ns == GANDER_NEVER)
        return;
    alarm->at_ns = at_ns;
    alarm->set = host->in_alarms ? ALARM_FRESH : ALARM_SET;
    alarm->next = host->alarms;
    host->alarms = alarm;
}

static struct gander_host_alarm *alarm_due(const struct gander_host *host, gander_time now)
{
    struct gander_host_alarm *alarm = host->alarms;

    while (alarm && (alarm->at_ns > now || alarm->set == ALARM_FRESH))
        alarm = alarm->next;
    return alarm;
}

/* Alarms may set and cancel any alarm. One that is set meanwhile waits for the next turn, even if
 * it is due. */
static void run_alarms(struct gander_host *host)
{
    gander_time now = gander_host_now();
    struct gander_host_alarm *alarm;

    host->in_alarms = true;
    while ((alarm = alarm_due(host, now)) != NULL) {
        alarm_unlink(host, alarm);
        alarm->fn(alarm->context, now);
    }
    host->in_alarms = false;
    for (alarm = host->alarms; alarm; alarm = alarm->next)
        alarm->set = ALARM_SET;
}

/* --- sleeping and waking
 * ------------------------------------------------------------------------------- */

/* Rounded up, at most a quarter of an hour: the loop sleeps on then. */
static int in_ms(gander_time ns)
{
    if (ns <= 0)
        return 0;
    return ns > 900 * GANDER_S ? 900000 : (int)((ns + GANDER_MS - 1) / GANDER_MS);
}

static int sleep_until(struct gander_host *host, gander_time until, struct epoll_event *ready)
{
    gander_time left = until == GANDER_NEVER ? 0 : until - gander_host_now();
    struct timespec timeout = {0, 0};
    int n;

    if (left > 0) {
        timeout.tv_sec = (time_t)(left / GANDER_S);
        timeout.tv_nsec = (long)(left % GANDER_S);
    }
    n = epoll_pwait2(host->epoll_fd, ready, READY_MAX, until == GANDER_NEVER ? NULL : &timeout,
                     NULL);
    if (n < 0 && errno == ENOSYS) /* before Linux 5.11: whole milliseconds, rounded up */
        n = epoll_wait(host->epoll_fd, ready, READY_MAX, until == GANDER_NEVER ? -1 : in_ms(left));
    host->wakeups++;
    return n < 0 ? 0 : n; /* EINTR: the turn ends */
}

static bool is_watch(const struct gander_host *host, const void *tag)
{
    const struct watch *w = host->watches;

    while (w && w != tag)
        w = w->next;
    return w != NULL;
}

static void call_watches(struct gander_host *host, const struct epoll_event *ready, int n)
{
    uint64_t count;

    for (int i = 0; i < n; i++) {
        struct watch *w = ready[i].data.ptr;

        if (ready[i].data.ptr == host) {
            if (read(host->stop_fd, &count, sizeof(count)) > 0)
                host->stopped = true;
        } else if (is_watch(host, w) && w->fn) {
            w->fn(w->context, w->fd, ready[i].events);
        }
    }
    for (struct watch *w = host->watches; w; w = w->next) {
        if (w->fn && w->always_ready && w->events != 0)
            w->fn(w->context, w->fd, w->events);
    }
}

static void sweep_watches(struct gander_host *host)
{
    struct watch **at = &host->watches;

    while (*at) {
        struct watch *w = *at;

        if (w->fn) {
            at = &w->next;
        } else {
            *at = w->next;
            free(w);
        }
    }
}

static int take_error(struct gander_host *host)
{
    int error = host->error;

    host->error = GANDER_OK;
    return error;
}

int gander_host_run_once(struct gander_host *host, gander_time max_wait_ns)
{
    struct epoll_event ready[READY_MAX];
    gander_time now, until;
    int passes = 0;
    int n;

    while (pass(host) && host->error == 0 && ++passes < PASSES_MAX)
        continue;
    if (host->error != 0)
        return take_error(host);
    now = gander_host_now();
    until = passes == PASSES_MAX ? now : earliest_deadline(host, now);
    if (max_wait_ns != GANDER_NEVER && now + max_wait_ns < until)
        until = now + max_wait_ns;
    n = sleep_until(host, until, ready);
    run_alarms(host);
    call_watches(host, ready, n);
    sweep_watches(host);
    while (pass(host) && host->error == 0 && ++passes < PASSES_MAX)
        continue;
    return take_error(host);
}

int gander_host_run(struct gander_host *host)
{
    int result = GANDER_OK;

    while (!host->stopped && result == GANDER_OK)
        result = gander_host_run_once(host, GANDER_NEVER);
    host->stopped = false;
    return result;
}

/* A descriptor rather than a flag: the sleep ends at once, whenever the signal comes. */
void gander_host_stop(struct gander_host *host)
{
    const uint64_t one = 1;
    int saved = errno;

    /* Full: it was stopped often enough. */
    if (write(host->stop_fd, &one, sizeof(one)) < 0)
        errno = saved;
}

uint64_t gander_host_wakeups(const struct gander_host *host)
{
    return host->wakeups;
}

/* --- making, attaching
 * -------------------------------------------------------------------------------------- */

int gander_host_create(struct gander_host **host)
{
    struct gander_host *h = calloc(1, sizeof(*h));
    int error;

    if (!h)
        return GANDER_ENOMEM;
    h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    h->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (h->epoll_fd >= 0 && h->stop_fd >= 0 &&
        watch_descriptor(h, EPOLL_CTL_ADD, h->stop_fd, EPOLLIN, h) == 0) {
        *host = h;
        return GANDER_OK;
    }
    error = errno;
    if (h->epoll_fd >= 0)
        close(h->epoll_fd);
    if (h->stop_fd >= 0)
        close(h->stop_fd);
    free(h);
    errno = error;
    return GANDER_EIO;
}

static void attachment_end(struct gander_host *host, struct attachment *a)
{
    if (a->fd >= 0)
        (void)watch_descriptor(host, EPOLL_CTL_DEL, a->fd, 0, NULL);
    for (int i = 0; i < a->waiting; i++)
        gander_packet_free(a->packets[i]);
    free(a);
}

void gander_host_destroy(struct gander_host *host)
{
    if (!host)
        return;
    while (host->attachments) {
        struct attachment *a = host->attachments;

        host->attachments = a->next;
        attachment_end(host, a);
    }
    for (struct watch *w = host->watches; w; w = w->next)
        w->fn = NULL;
    sweep_watches(host);
    close(host->epoll_fd);
    close(host->stop_fd);
    free(host);
}

int gander_host_attach(struct gander_host *host, struct gander_stack *stack, unsigned link,
                       struct gander_driver *driver)
{
    struct attachment **last = &host->attachments;
    struct attachment *a;

    if (!stack || !driver)
        return GANDER_EINVAL;
    a = calloc(1, sizeof(*a));
    if (!a)
        return GANDER_ENOMEM;
    a->stack = stack;
    a->driver = driver;
    a->link = link;
    a->fd = gander_driver_descriptor(driver);
    if (a->fd >= 0 && watch_descriptor(host, EPOLL_CTL_ADD, a->fd, EPOLLIN, a) < 0) {
        free(a);
        return GANDER_EIO;
    }
    while (*last)
        last = &(*last)->next;
    *last = a;
    return GANDER_OK;
}

int gander_host_detach(struct gander_host *host, struct gander_driver *driver)
{
    for (struct attachment **at = &host->attachments; *at; at = &(*at)->next) {
        struct attachment *a = *at;

        if (a->driver == driver) {
            *at = a->next;
            attachment_end(host, a);
            return GANDER_OK;
        }
    }
    return GANDER_EINVAL;
}

void gander_host_on_events(struct gander_host *host, gander_host_events_fn *fn, void *context)
{
    host->on_events = fn;
    host->events_context = context;
}

/* --- the application's descriptors
 * ---------------------------------------------------------------------------- */

static struct watch *watch_find(const struct gander_host *host, int fd)
{
    struct watch *w = host->watches;

    while (w && (w->fd != fd || !w->fn))
        w = w->next;
    return w;
}

int gander_host_add_descriptor(struct gander_host *host, int fd, uint32_t events,
                               gander_host_descriptor_fn *fn, void *context)
{
    struct watch *w;

    if (fd < 0 || !fn || watch_find(host, fd))
        return GANDER_EINVAL;
    w = malloc(sizeof(*w));
    if (!w)
        return GANDER_ENOMEM;
    *w = (struct watch){.fd = fd, .events = events, .fn = fn, .context = context};
    if (watch_descriptor(host, EPOLL_CTL_ADD, fd, events, w) < 0) {
        if (errno != EPERM) {
            free(w);
            return GANDER_EIO;
        }
        w->always_ready = true;
    }
    w->next = host->watches;
    host->watches = w;
    return GANDER_OK;
}

int gander_host_modify_descriptor(struct gander_host *host, int fd, uint32_t events)
{
    struct watch *w = watch_find(host, fd);

    if (!w)
        return GANDER_EINVAL;
    if (!w->always_ready && w->events != events &&
        watch_descriptor(host, EPOLL_CTL_MOD, fd, events, w) < 0)
        return GANDER_EIO;
    w->events = events;
    return GANDER_OK;
}

/* The memory stays until the end of the turn: this turn's list of ready descriptors may still name
 * it. */
int gander_host_remove_descriptor(struct gander_host *host, int fd)
{
    struct watch *w = watch_find(host, fd);

    if (!w)
        return GANDER_EINVAL;
    if (!w->always_ready)
        (void)watch_descriptor(host, EPOLL_CTL_DEL, fd, 0, NULL);
    w->fn = NULL;
    return GANDER_OK;
}

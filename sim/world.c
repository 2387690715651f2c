/* SPDX-License-Identifier: MIT */
/*
 * The simulated world: hosts, virtual time, and what moves packets between them. Nothing here is
 * random or depends on an address in memory: hosts are served in the order in which they were made,
 * and their links in the order of number.
 */
#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gander/capture.h>

#include "sim/internal.h"

/* SplitMix64 (Steele, Lea, Flood 2014) */
uint64_t sim_draw(struct sim_world *world)
{
    uint64_t z = world->secrets += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

struct sim_world *sim_world_create(uint64_t seed)
{
    struct sim_world *world = calloc(1, sizeof(*world));

    if (!world)
        return NULL;
    world->seed = seed;
    world->secrets = seed;
    world->last_host = &world->hosts;
    world->last_link = &world->links;
    return world;
}

uint64_t sim_world_destroy(struct sim_world *world)
{
    uint64_t left;

    if (!world)
        return 0;
    /* Links first: packets in them may be in the memory of any stack, impairments copy into it. */
    sim_links_close(world);
    /* Packets of one host's memory wait in another's queues: its hooks stay until all have let go. */
    for (struct world_host *host = world->hosts; host; host = host->next)
        gander_stack_destroy(host->public.stack);
    while (world->hosts) {
        struct world_host *host = world->hosts;

        world->hosts = host->next;
        free(host->name);
        free(host);
    }
    left = world->live_bytes;
    free(world);
    return left;
}

/* --- hosts -------------------------------------------------------------------------------------
 */

static void *world_alloc(void *context, size_t size, size_t align)
{
    struct world_host *host = context;
    void *memory = NULL;

    if (host->memory_ppm > 0) {
        host->memory_draws = host->memory_draws * 6364136223846793005u + 1442695040888963407u;
        if ((host->memory_draws >> 33) % GANDER_PPM < host->memory_ppm)
            return NULL;
    }
    if (align < sizeof(void *))
        align = sizeof(void *);
    if (posix_memalign(&memory, align, size) != 0)
        return NULL;
    host->world->live_bytes += size;
    return memory;
}

static void world_free(void *context, void *memory, size_t size)
{
    struct world_host *host = context;

    host->world->live_bytes -= size;
    free(memory);
}

static void host_trace(void *context, const struct gander_trace_event *event)
{
    struct world_host *host = context;
    struct sim_world *world = host->world;

    sim_digest_event(world, host, event);
    if (host->config_trace)
        host->config_trace(host->config_trace_context, event);
    for (unsigned i = 0; i < host->end_count; i++)
        gander_capture_event(host->ends[i]->capture, event);
    for (unsigned i = 0; i < world->trace_count; i++)
        world->traces[i].fn(world->traces[i].context, &host->public, event);
}

static void fill_secret(struct sim_world *world, struct gander_config *config)
{
    static const uint8_t zero[sizeof(config->secret)];

    if (memcmp(config->secret, zero, sizeof(zero)) != 0)
        return;
    for (size_t i = 0; i < sizeof(config->secret); i += sizeof(uint64_t)) {
        uint64_t word = sim_draw(world);

        memcpy(config->secret + i, &word, sizeof(word));
    }
}

static struct world_host *host_create(struct sim_world *world, const char *name,
                                      struct gander_config *config)
{
    struct world_host *host = calloc(1, sizeof(*host));

    if (!host)
        return NULL;
    host->world = world;
    host->name = strdup(name);
    if (!host->name) {
        free(host);
        return NULL;
    }
    host->public.name = host->name;
    host->public.index = world->host_count;
    host->clock_offset = config->start;
    host->memory_draws = world->seed + world->host_count;
    host->config_trace = config->trace;
    host->config_trace_context = config->trace_context;
    config->trace = host_trace;
    config->trace_context = host;
    config->memory =
        (struct gander_memory){.alloc = world_alloc, .free = world_free, .context = host};
    config->start += world->now;
    fill_secret(world, config);
    return host;
}

int sim_host_add(struct sim_world *world, const char *name, const struct gander_config *config,
                 struct sim_host **host)
{
    struct gander_config own;
    struct world_host *new;
    int result;

    gander_config_init(&own);
    if (config)
        own = *config;
    new = host_create(world, name, &own);
    if (!new)
        return GANDER_ENOMEM;
    result = gander_stack_create(&own, &new->public.stack);
    if (result < 0) {
        free(new->name);
        free(new);
        return result;
    }
    *world->last_host = new;
    world->last_host = &new->next;
    world->host_count++;
    *host = &new->public;
    return GANDER_OK;
}

struct sim_host *sim_host_at(struct sim_world *world, unsigned index)
{
    struct world_host *host = world->hosts;

    while (host && host->public.index != index)
        host = host->next;
    return host ? &host->public : NULL;
}

void sim_on_events(struct sim_host *host, sim_events_fn *fn, void *context)
{
    struct world_host *h = (struct world_host *)(void *)host;

    h->on_events = fn;
    h->events_context = context;
}

int sim_trace_add(struct sim_world *world, sim_trace_fn *fn, void *context)
{
    if (world->trace_count == SIM_TRACES_MAX)
        return GANDER_ENOMEM;
    world->traces[world->trace_count].fn = fn;
    world->traces[world->trace_count].context = context;
    world->trace_count++;
    return GANDER_OK;
}

/* --- moving packets
 * --------------------------------------------------------------------------------- */

/* As a device would have it: what finds no memory is dropped. Returns how many are left. */
static int end_copy(const struct end *end, struct gander_packet **packets, int n)
{
    int left = 0;

    for (int i = 0; i < n; i++) {
        struct gander_packet *copy = gander_packet_copy(end->host->public.stack, packets[i]);

        gander_packet_free(packets[i]);
        if (copy)
            packets[left++] = copy;
    }
    return left;
}

static bool end_receive(struct end *end)
{
    struct sim_world *world = end->host->world;
    struct gander_stack *stack = end->host->public.stack;
    struct gander_packet *packets[SIM_BURST];
    bool slipped = end->slipped_in != NULL;
    int n;

    while (end->slipped_in) {
        packets[0] = end->slipped_in;
        end->slipped_in = packets[0]->next;
        gander_input(stack, end->link, packets, 1);
    }
    end->slipped_in_last = &end->slipped_in;
    n = gander_driver_receive(end->driver, stack, world->now, packets, SIM_BURST);
    if (n > 0)
        gander_input(stack, end->link, packets,
                     (size_t)(end->cable->copies ? end_copy(end, packets, n) : n));
    return n > 0 || slipped;
}

/* What the tap wants stays; the order, too. */
static void end_tap(struct end *end)
{
    unsigned number = end == &end->cable->ends[1];
    int left = 0;

    for (int i = 0; i < end->waiting; i++) {
        if (end->tap(end->tap_context, end->cable, number, end->packets[i]))
            end->packets[left++] = end->packets[i];
        else
            gander_packet_free(end->packets[i]);
    }
    end->waiting = left;
}

static bool end_fetch(struct end *end)
{
    struct world_host *host = end->host;

    end->waiting = (int)gander_output(host->public.stack, end->link, end->packets, SIM_BURST);
    if (end->waiting == 0)
        return false;
    for (int i = 0; i < end->waiting; i++)
        sim_digest_packet(host->world, host, end->packets[i]);
    if (end->tap)
        end_tap(end);
    return true;
}

static bool end_transmit(struct end *end)
{
    struct world_host *host = end->host;
    bool fetched = false;
    int sent;

    if (end->refuses_until > host->world->now)
        return false;
    if (end->waiting == 0)
        fetched = end_fetch(end);
    if (end->waiting == 0)
        return fetched;
    sent = gander_driver_transmit(end->driver, host->world->now, end->packets, end->waiting);
    if (sent <= 0)
        return false;
    end->waiting -= sent;
    memmove(end->packets, end->packets + sent, (size_t)end->waiting * sizeof(end->packets[0]));
    return true;
}

static bool host_events(struct world_host *host)
{
    struct gander_event events[SIM_BURST];
    size_t n;

    if (!host->on_events)
        return false;
    n = gander_events(host->public.stack, events, SIM_BURST);
    if (n > 0)
        host->on_events(host->events_context, &host->public, events, n);
    return n > 0;
}

/* Everything that this host can do now, once. */
static bool host_turn(struct world_host *host)
{
    bool moved = false;

    if (host->stalled_until > host->world->now)
        return false;
    gander_advance(host->public.stack, host->clock_offset + host->world->now);
    for (unsigned i = 0; i < host->end_count; i++)
        moved |= end_receive(host->ends[i]);
    moved |= host_events(host);
    for (unsigned i = 0; i < host->end_count; i++)
        moved |= end_transmit(host->ends[i]);
    if (host->world->checks && !host->world->broken) {
        host->world->broken = gander_check(host->public.stack);
        host->world->broken_host = host;
    }
    return moved;
}

/* Packets can move inside drivers, too: from an impairment into the far end of its cable. */
static bool driver_is_due(const struct sim_world *world)
{
    for (const struct sim_link *link = world->links; link; link = link->next) {
        for (unsigned i = 0; i < 2; i++) {
            if (link->ends[i].host->stalled_until <= world->now &&
                gander_driver_deadline(link->ends[i].driver) <= world->now)
                return true;
        }
    }
    return false;
}

void sim_settle(struct sim_world *world)
{
    bool moved = true;

    while ((moved || driver_is_due(world)) && !world->broken && !world->stuck) {
        world->stuck = ++world->turns > SIM_TURNS_MAX;
        moved = false;
        for (struct world_host *host = world->hosts; host; host = host->next)
            moved |= host_turn(host);
    }
}

/* --- time
 * ------------------------------------------------------------------------------------------------
 */

gander_time sim_now(const struct sim_world *world)
{
    return world->now;
}

void sim_alarm_set(struct sim_world *world, struct sim_alarm *alarm, gander_time at)
{
    struct sim_alarm **before = &world->alarms;

    while (*before && (*before)->at <= at)
        before = &(*before)->next;
    alarm->at = at;
    alarm->next = *before;
    *before = alarm;
}

void sim_alarm_cancel(struct sim_world *world, struct sim_alarm *alarm)
{
    struct sim_alarm **at = &world->alarms;

    while (*at && *at != alarm)
        at = &(*at)->next;
    if (*at)
        *at = alarm->next;
}

static gander_time earlier(gander_time a, gander_time b)
{
    return a < b ? a : b;
}

/* What could not be sent, for want of memory or because the link refused, is tried again a little later: nothing else would. */
static gander_time end_next_time(const struct end *end)
{
    const struct sim_world *world = end->host->world;
    gander_time next = gander_driver_deadline(end->driver);

    if (end->waiting == 0 && !gander_output_pending(end->host->public.stack, end->link))
        return next;
    if (end->refuses_until > world->now)
        return earlier(next, end->refuses_until);
    return earlier(next, world->now + GANDER_MS);
}

static gander_time host_next_time(const struct world_host *host)
{
    gander_time at = gander_deadline(host->public.stack);
    gander_time next = at == GANDER_NEVER ? GANDER_NEVER : at - host->clock_offset;

    for (unsigned i = 0; i < host->end_count; i++)
        next = earlier(next, end_next_time(host->ends[i]));
    return next;
}

/* When something happens next. Never before now. */
static gander_time next_time(const struct sim_world *world)
{
    gander_time next = world->alarms ? world->alarms->at : GANDER_NEVER;

    for (const struct world_host *host = world->hosts; host; host = host->next) {
        if (host->stalled_until > world->now)
            next = earlier(next, host->stalled_until);
        else
            next = earlier(next, host_next_time(host));
    }
    return next < world->now ? world->now : next;
}

/* What an alarm does with a host's sockets happens at this time, not when the host last ran. */
static void run_alarms(struct sim_world *world)
{
    if (!world->alarms || world->alarms->at > world->now)
        return;
    for (struct world_host *host = world->hosts; host; host = host->next)
        if (host->stalled_until <= world->now)
            gander_advance(host->public.stack, host->clock_offset + world->now);
    while (world->alarms && world->alarms->at <= world->now) {
        struct sim_alarm *alarm = world->alarms;

        world->alarms = alarm->next;
        alarm->fn(alarm->context, world);
    }
}

bool sim_step(struct sim_world *world, gander_time limit)
{
    gander_time next;

    sim_settle(world);
    next = next_time(world);
    if (next == GANDER_NEVER || next > limit || world->broken || world->stuck)
        return false;
    if (next > world->now)
        world->turns = 0;
    world->now = next;
    run_alarms(world);
    sim_settle(world);
    return true;
}

void sim_run_until(struct sim_world *world, gander_time time)
{
    while (sim_step(world, time))
        continue;
    if (time > world->now)
        world->now = time;
    sim_settle(world);
}

bool sim_run_until_done(struct sim_world *world, bool (*done)(void *context), void *context,
                        gander_time limit)
{
    sim_settle(world);
    while (!done(context)) {
        if (!sim_step(world, limit))
            return done(context);
    }
    return true;
}

/* --- clocks and memory of a host ---------------------------------------------------------------- */

void sim_host_jump(struct sim_host *host, gander_time by)
{
    ((struct world_host *)(void *)host)->clock_offset += by;
}

void sim_host_stall(struct sim_host *host, gander_time until)
{
    ((struct world_host *)(void *)host)->stalled_until = until;
}

gander_time sim_host_stalled_until(const struct sim_host *host)
{
    return ((const struct world_host *)(const void *)host)->stalled_until;
}

void sim_host_refuse_memory(struct sim_host *host, uint32_t ppm)
{
    ((struct world_host *)(void *)host)->memory_ppm = ppm;
}

/* --- what is left
 * ---------------------------------------------------------------------------------------- */

void sim_check(struct sim_world *world)
{
    world->checks = true;
}

const char *sim_broken(const struct sim_world *world, char *text, size_t text_bytes)
{
    if (world->broken)
        (void)snprintf(text, text_bytes, "%s: does not hold: %s", world->broken_host->name,
                       world->broken);
    else if (world->stuck)
        (void)snprintf(text, text_bytes, "time stands still: hosts are never done");
    return world->broken || world->stuck ? text : NULL;
}

static bool host_is_quiet(const struct world_host *host, char *text, size_t text_bytes)
{
    struct gander_stats s;

    gander_stats(host->public.stack, &s);
    if (s.sockets + s.tcp_connections + s.tcp_syn_received + s.tcp_time_wait == 0)
        return true;
    (void)snprintf(text, text_bytes,
                   "%s: %llu sockets, %llu connections, %llu in SYN-RECEIVED, %llu in TIME-WAIT",
                   host->name, (unsigned long long)s.sockets, (unsigned long long)s.tcp_connections,
                   (unsigned long long)s.tcp_syn_received, (unsigned long long)s.tcp_time_wait);
    return false;
}

static bool end_is_quiet(const struct end *end, char *text, size_t text_bytes)
{
    struct gander_impair_counters counters;

    if (gander_impair_counters(end->impair, GANDER_IMPAIR_TRANSMIT, &counters) < 0)
        counters.held = 0;
    if (end->waiting == 0 && counters.held == 0 &&
        !gander_output_pending(end->host->public.stack, end->link))
        return true;
    (void)snprintf(text, text_bytes, "%s: packets still on the way", end->host->name);
    return false;
}

bool sim_is_quiet(const struct sim_world *world, char *text, size_t text_bytes)
{
    char unused[1];

    if (!text) {
        text = unused;
        text_bytes = sizeof(unused);
    }
    for (const struct world_host *host = world->hosts; host; host = host->next) {
        if (!host_is_quiet(host, text, text_bytes))
            return false;
        for (unsigned i = 0; i < host->end_count; i++) {
            if (!end_is_quiet(host->ends[i], text, text_bytes))
                return false;
        }
    }
    return true;
}

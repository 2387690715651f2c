/* SPDX-License-Identifier: MIT */
/* A run: makes the world of a plan, lets it go on until all is over, closes everything, and looks at what is left. */
#include "sim/swarm_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_A_LOOK = 64, NAME_BYTES = 512 };

/* Whatever a stack keeps of past conversations is gone by then: 2MSL, R2, an orphan's last retries. */
#define AFTERWARDS (48 * 3600 * GANDER_S)

void swarm_fail(struct swarm *swarm, const char *oracle, const char *format, ...)
{
    struct sim_facts *facts = swarm->facts;
    va_list arguments;

    if (swarm_failed(swarm))
        return;
    (void)snprintf(facts->oracle, sizeof(facts->oracle), "%s", oracle);
    va_start(arguments, format);
    (void)vsnprintf(facts->sentence, sizeof(facts->sentence), format, arguments);
    va_end(arguments);
}

gander_time swarm_now(const struct swarm *swarm)
{
    return sim_now(swarm->world);
}

void swarm_alarm(struct swarm *swarm, struct sim_alarm *alarm,
                 void (*fn)(void *context, struct sim_world *world), void *context, gander_time at)
{
    sim_alarm_cancel(swarm->world, alarm);
    alarm->fn = fn;
    alarm->context = context;
    sim_alarm_set(swarm->world, alarm, at);
}

bool swarm_awake(struct swarm_host *host, struct sim_alarm *alarm)
{
    gander_time until = sim_host_stalled_until(host->host);

    if (until <= swarm_now(host->swarm))
        return true;
    swarm_alarm(host->swarm, alarm, alarm->fn, alarm->context, until);
    return false;
}

/* --- the world of a plan --------------------------------------------------------------------------- */

static bool add_host(struct swarm *swarm, unsigned number)
{
    static const char *const names[SIM_HOSTS_MAX] = {"ann", "bob", "cat", "dan", "eve", "fay"};
    struct swarm_host *host = &swarm->hosts[number];
    struct gander_config config;

    gander_config_init(&config);
    for (unsigned i = 0; i < swarm->plan->count; i++) {
        const struct sim_item *item = &swarm->plan->items[i];
        const struct sim_knob *knob;

        if (item->kind != SIM_ITEM_knob || item->v[SIM_KNOB_HOST] != number)
            continue;
        knob = sim_knob_at(item->v[SIM_KNOB_KNOB]);
        if (knob)
            sim_knob_apply(&config, knob, item->v[SIM_KNOB_VALUE]);
    }
    if (config.tcp_rto_max_ns < config.tcp_rto_min_ns)
        config.tcp_rto_max_ns = config.tcp_rto_min_ns;
    host->swarm = swarm;
    return sim_host_add(swarm->world, names[number], &config, &host->host) == GANDER_OK;
}

/* "10.0.LINK.END/24" and "fd00:LINK::END/64" */
static void addresses(struct swarm_link *link, unsigned number, char text[2][2][48])
{
    for (unsigned end = 0; end < 2; end++) {
        (void)snprintf(text[end][0], 48, "10.0.%u.%u", number, end + 1);
        (void)snprintf(text[end][1], 48, "fd00:%x::%x", number, end + 1);
        (void)gander_address_parse(text[end][0], &link->address[end][0]);
        (void)gander_address_parse(text[end][1], &link->address[end][1]);
        (void)strncat(text[end][0], "/24", 4);
        (void)strncat(text[end][1], "/64", 4);
    }
}

static bool add_link(struct swarm *swarm, const struct sim_item *item)
{
    unsigned number = swarm->link_count;
    struct swarm_link *link = &swarm->links[number];
    struct sim_cable cable = {.mtu_bytes = (uint32_t)item->v[SIM_LINK_MTU],
                              .flags = item->v[SIM_LINK_TRUSTED] ? GANDER_LINK_TRUSTED : 0,
                              .queue_packets = (uint32_t)item->v[SIM_LINK_PACKETS],
                              .copies = item->v[SIM_LINK_COPIES] != 0};
    char text[2][2][48];

    if (number == SWARM_LINKS_MAX || item->v[SIM_LINK_A] == item->v[SIM_LINK_B] ||
        item->v[SIM_LINK_MTU] < 576 || item->v[SIM_LINK_MTU] > 65535)
        return false;
    swarm->link_count++;
    link->swarm = swarm;
    link->item = item;
    link->host[0] = &swarm->hosts[item->v[SIM_LINK_A]];
    link->host[1] = &swarm->hosts[item->v[SIM_LINK_B]];
    link->ipv6 = cable.mtu_bytes >= 1280;
    addresses(link, number, text);
    if (sim_link_add(swarm->world, link->host[0]->host, text[0][0], link->host[1]->host, text[1][0],
                     &cable, &link->link) < 0)
        return false;
    return !link->ipv6 || sim_link_address(link->link, text[0][1], text[1][1]) == GANDER_OK;
}

/* NAME.pcapng is the first link's; the others get a number. */
static bool add_captures(struct swarm *swarm)
{
    const char *name = swarm->options->capture;
    char path[NAME_BYTES];

    for (unsigned i = 0; name && i < swarm->link_count; i++) {
        if (i == 0)
            (void)snprintf(path, sizeof(path), "%s.pcapng", name);
        else
            (void)snprintf(path, sizeof(path), "%s-%u.pcapng", name, i);
        if (sim_link_capture(swarm->links[i].link, 0, path) < 0)
            return false;
    }
    return true;
}

static bool build(struct swarm *swarm)
{
    const struct sim_plan *plan = swarm->plan;

    swarm->host_count = sim_plan_hosts(plan);
    if (swarm->host_count == 0)
        return false;
    for (unsigned i = 0; i < swarm->host_count; i++)
        if (!add_host(swarm, i))
            return false;
    for (unsigned i = 0; i < plan->count; i++)
        if (plan->items[i].kind == SIM_ITEM_link && !add_link(swarm, &plan->items[i]))
            return false;
    if (!add_captures(swarm) || !incidents_init(swarm) || !flows_init(swarm))
        return false;
    for (unsigned i = 0; i < swarm->host_count; i++)
        sim_on_events(swarm->hosts[i].host, flows_events, swarm);
    sim_check(swarm->world);
    return sim_trace_add(swarm->world, watch_event, swarm->watch) == GANDER_OK &&
           (!swarm->options->trace || sim_trace_add(swarm->world, swarm->options->trace,
                                                    swarm->options->trace_context) == GANDER_OK);
}

/* --- running --------------------------------------------------------------------------------------- */

static bool is_broken(struct swarm *swarm)
{
    char text[SIM_SENTENCE_BYTES];

    if (sim_broken(swarm->world, text, sizeof(text)))
        swarm_fail(swarm, "invariant", "%s", text);
    return swarm_failed(swarm);
}

/* Steps until all conversations are over or `limit` comes. */
static void run_until(struct swarm *swarm, gander_time limit)
{
    unsigned steps = 0;

    while (swarm->flows_finished < swarm->flow_count && sim_step(swarm->world, limit)) {
        if (++steps % STEPS_A_LOOK == 0)
            flows_look(swarm);
        if (is_broken(swarm))
            return;
    }
    (void)is_broken(swarm);
}

static void run_out(struct swarm *swarm)
{
    gander_time limit = swarm_now(swarm) + AFTERWARDS;

    while (!swarm_failed(swarm) && sim_step(swarm->world, limit))
        if (is_broken(swarm))
            return;
    (void)is_broken(swarm);
}

static void look_at_the_end(struct swarm *swarm)
{
    char text[SIM_SENTENCE_BYTES];

    if (!sim_is_quiet(swarm->world, text, sizeof(text)))
        swarm_fail(swarm, "end", "%s", text);
    watch_counters(swarm);
    for (unsigned i = 0; i < swarm->host_count; i++)
        if (gander_deadline(swarm->hosts[i].host->stack) != GANDER_NEVER)
            swarm_fail(swarm, "end", "%s: a timer is left", swarm->hosts[i].host->name);
}

static void run(struct swarm *swarm)
{
    gander_time patience = swarm->options->patience;

    judge_blame(swarm);
    run_until(swarm, swarm->faults_over);
    run_until(swarm, swarm->faults_over + (patience ? patience : SIM_PATIENCE));
    if (swarm_failed(swarm))
        return;
    flows_look(swarm);
    judge_flows(swarm);
    flows_end(swarm);
    run_out(swarm);
    if (!swarm_failed(swarm))
        look_at_the_end(swarm);
    swarm->facts->digest = sim_digest(swarm->world);
    swarm->facts->duration = swarm_now(swarm);
}

static void finish(struct swarm *swarm)
{
    const char *planted;
    uint64_t left;

    left = sim_world_destroy(swarm->world);
    if (left != 0 && !swarm_failed(swarm))
        swarm_fail(swarm, "end", "%" PRIu64 " bytes were not given back", left);
    planted = swarm->options->planted && !swarm_failed(swarm)
                  ? swarm->options->planted(swarm->plan, swarm->facts)
                  : NULL;
    if (planted)
        swarm_fail(swarm, "planted", "%s", planted);
    flows_free(swarm);
    incidents_free(swarm);
    forger_free(swarm);
    watch_free(swarm->watch);
}

bool sim_swarm_run(const struct sim_plan *plan, const struct sim_run_options *options,
                   struct sim_facts *facts)
{
    static const struct sim_run_options none;
    struct swarm *swarm = calloc(1, sizeof(*swarm));

    memset(facts, 0, sizeof(*facts));
    if (!swarm)
        abort();
    swarm->plan = plan;
    swarm->options = options ? options : &none;
    swarm->facts = facts;
    swarm->chance.state = plan->seed ^ 0x5eed;
    swarm->world = sim_world_create(plan->seed);
    swarm->watch = watch_create(swarm);
    if (!swarm->world || !swarm->watch)
        abort();
    if (build(swarm))
        run(swarm);
    else
        swarm_fail(swarm, "plan", "a world like this cannot be made");
    finish(swarm);
    free(swarm);
    return facts->oracle[0] == '\0';
}

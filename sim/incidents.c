/* SPDX-License-Identifier: MIT */
/*
 * The faults of a plan: each begins and ends at its time. What befalls one direction of a link is the sum of all that is active
 * there, so that faults may overlap, and any of them be left out.
 */
#include "sim/swarm_internal.h"

#include <stdlib.h>

enum { PPM = GANDER_PPM };

static bool hits(const struct incident *incident, unsigned link, unsigned end)
{
    const int64_t *v = incident->item->v;

    return incident->active && sim_item_group(incident->item) == SIM_FAULT &&
           v[SIM_FAULT_LINK] == link && (v[SIM_FAULT_END] == 2 || v[SIM_FAULT_END] == end);
}

static uint32_t ppm_sum(uint32_t a, int64_t b)
{
    int64_t sum = (int64_t)a + b;

    return (uint32_t)(sum > PPM ? PPM : sum);
}

/* Adds one fault to what happens in a direction. */
static void add(struct gander_impairment *to, struct swarm_link *link, unsigned end,
                const struct incident *incident)
{
    int64_t amount = incident->item->v[SIM_FAULT_AMOUNT];
    uint64_t rate = (uint64_t)amount * 1000;

    switch (incident->item->kind) {
    case SIM_ITEM_loss:
        to->loss_ppm = ppm_sum(to->loss_ppm, amount);
        break;
    case SIM_ITEM_duplicate:
        to->duplicate_ppm = ppm_sum(to->duplicate_ppm, amount);
        break;
    case SIM_ITEM_reorder:
        to->reorder_ppm = ppm_sum(to->reorder_ppm, amount);
        break;
    case SIM_ITEM_corrupt:
        to->corrupt_ppm = link->item->v[SIM_LINK_TRUSTED] ? 0 : ppm_sum(to->corrupt_ppm, amount);
        break;
    case SIM_ITEM_delay:
        to->delay_ns += amount * GANDER_US;
        break;
    case SIM_ITEM_rate:
        if (rate > 0 && (to->rate_bits_per_second == 0 || rate < to->rate_bits_per_second))
            to->rate_bits_per_second = rate;
        break;
    case SIM_ITEM_cut:
        to->loss_ppm = PPM;
        break;
    case SIM_ITEM_flap:
        to->loss_ppm = incident->phase ? PPM : to->loss_ppm;
        break;
    case SIM_ITEM_mtu:
        if (amount > 0 && (link->mtu[end] == 0 || amount < link->mtu[end]))
            link->mtu[end] = (uint32_t)amount;
        break;
    case SIM_ITEM_replay:
        link->replay_ppm[end] = ppm_sum(link->replay_ppm[end], amount);
        break;
    case SIM_ITEM_mangle:
        link->mangle_ppm[end] = ppm_sum(link->mangle_ppm[end], amount);
        break;
    default:
        break;
    }
}

static void apply(struct swarm *swarm, unsigned number)
{
    struct swarm_link *link = &swarm->links[number];
    const int64_t *v = link->item->v;

    for (unsigned end = 0; end < 2; end++) {
        struct gander_impairment sum = {.delay_ns = v[SIM_LINK_DELAY] * GANDER_US,
                                        .jitter_ns = v[SIM_LINK_JITTER] * GANDER_US,
                                        .rate_bits_per_second = (uint64_t)v[SIM_LINK_RATE] * 1000,
                                        .queue_bytes = (uint32_t)v[SIM_LINK_QUEUE],
                                        .reorder_ns = (v[SIM_LINK_DELAY] / 2 + 1000) * GANDER_US};

        link->mtu[end] = link->replay_ppm[end] = link->mangle_ppm[end] = 0;
        for (unsigned i = 0; i < swarm->incident_count; i++)
            if (hits(&swarm->incidents[i], number, end))
                add(&sum, link, end, &swarm->incidents[i]);
        if (sim_link_change(link->link, end, &sum) < 0)
            swarm_fail(swarm, "plan", "a fault that no link can have");
    }
}

/* --- time ------------------------------------------------------------------------------------------ */

static void incident_alarm(void *context, struct sim_world *world);

static void wake_at(struct incident *incident, gander_time at)
{
    swarm_alarm(incident->swarm, &incident->alarm, incident_alarm, incident, at);
}

static gander_time over_at(const struct incident *incident)
{
    const int64_t *v = incident->item->v;

    return (v[SIM_FAULT_AT] + v[SIM_FAULT_FOR]) * GANDER_US;
}

static void fault_goes_on(struct incident *incident)
{
    struct swarm *swarm = incident->swarm;
    const int64_t *v = incident->item->v;
    gander_time over = over_at(incident), next = swarm_now(swarm) + v[SIM_FAULT_AMOUNT] * GANDER_US;
    struct swarm_link *link = &swarm->links[v[SIM_FAULT_LINK]];
    bool repeats = incident->item->kind == SIM_ITEM_flap || incident->item->kind == SIM_ITEM_blind;

    incident->phase = !incident->phase;
    for (unsigned end = 0; end < 2; end++) {
        if (!hits(incident, (unsigned)v[SIM_FAULT_LINK], end))
            continue;
        if (incident->item->kind == SIM_ITEM_blind)
            forger_blind(link, end);
        if (incident->item->kind == SIM_ITEM_refuse)
            sim_link_refuse(link->link, end, over);
    }
    wake_at(incident, repeats && next < over && v[SIM_FAULT_AMOUNT] > 0 ? next : over);
}

static void fault_alarm(struct incident *incident)
{
    incident->active = over_at(incident) > swarm_now(incident->swarm);
    if (incident->active)
        fault_goes_on(incident);
    apply(incident->swarm, (unsigned)incident->item->v[SIM_FAULT_LINK]);
}

static void trouble_alarm(struct incident *incident)
{
    struct swarm *swarm = incident->swarm;
    const int64_t *v = incident->item->v;
    gander_time over = over_at(incident);

    incident->active = over > swarm_now(swarm);
    for (unsigned i = 0; i < swarm->host_count; i++) {
        struct sim_host *host = swarm->hosts[i].host;

        if (v[SIM_TROUBLE_HOST] >= 0 && v[SIM_TROUBLE_HOST] != i)
            continue;
        if (incident->item->kind == SIM_ITEM_jump)
            sim_host_jump(host, v[SIM_TROUBLE_AMOUNT] * GANDER_US);
        else if (incident->item->kind == SIM_ITEM_stall && incident->active)
            sim_host_stall(host, over);
        else if (incident->item->kind == SIM_ITEM_memory)
            sim_host_refuse_memory(host, incident->active ? (uint32_t)v[SIM_TROUBLE_AMOUNT] : 0);
    }
    if (incident->active && incident->item->kind != SIM_ITEM_jump)
        wake_at(incident, over);
}

static void incident_alarm(void *context, struct sim_world *world)
{
    struct incident *incident = context;

    (void)world;
    if (sim_item_group(incident->item) == SIM_FAULT)
        fault_alarm(incident);
    else
        trouble_alarm(incident);
}

/* --- beginning ------------------------------------------------------------------------------------- */

static bool is_sane(const struct swarm *swarm, const struct sim_item *item)
{
    const int64_t *v = item->v, longest = 400 * (int64_t)86400 * 1000000;

    if (v[SIM_FAULT_AT] < 0 || v[SIM_FAULT_FOR] < 0 || v[SIM_FAULT_AT] > longest ||
        v[SIM_FAULT_FOR] > longest)
        return false;
    if (sim_item_group(item) == SIM_TROUBLE)
        return v[SIM_TROUBLE_AMOUNT] >= 0 && v[SIM_TROUBLE_AMOUNT] <= longest;
    return v[SIM_FAULT_LINK] >= 0 && v[SIM_FAULT_LINK] < swarm->link_count &&
           v[SIM_FAULT_AMOUNT] >= 0 && v[SIM_FAULT_AMOUNT] <= longest;
}

bool incidents_init(struct swarm *swarm)
{
    swarm->incidents = calloc(swarm->plan->count + 1, sizeof(*swarm->incidents));
    if (!swarm->incidents)
        return false;
    for (unsigned i = 0; i < swarm->plan->count; i++) {
        const struct sim_item *item = &swarm->plan->items[i];
        struct incident *incident = &swarm->incidents[swarm->incident_count];

        if (sim_item_group(item) != SIM_FAULT && sim_item_group(item) != SIM_TROUBLE)
            continue;
        if (!is_sane(swarm, item))
            return false;
        incident->swarm = swarm;
        incident->item = item;
        swarm->incident_count++;
        if (over_at(incident) > swarm->faults_over)
            swarm->faults_over = over_at(incident);
        wake_at(incident, item->v[SIM_FAULT_AT] * GANDER_US);
    }
    for (unsigned i = 0; i < swarm->link_count; i++) {
        apply(swarm, i);
        for (unsigned end = 0; end < 2; end++)
            sim_link_tap(swarm->links[i].link, end, forger_tap, &swarm->links[i]);
    }
    return true;
}

void incidents_free(struct swarm *swarm)
{
    free(swarm->incidents);
}

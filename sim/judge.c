/* SPDX-License-Identifier: MIT */
/*
 * Whether each conversation ended as it may. Errors need an excuse:
 *
 *   timed out    the link could lose packets for long (loss and corruption above 5 % together, a cut, a flap, a device that refuses,
 *                too small an MTU), a host stood still or its clock jumped alone, memory was refused, or a setting asks for it
 *   reset        the other end closed early, failed, or never came to be for one of these reasons
 *   aborted      the stack says that it ended connections for want of memory
 *   refused      the listener was away
 *
 * and without one everything must complete. A side whose peer is gone may wait for ever; nobody tells it [RFC9293 3.5.1]. Where
 * somebody on the path forges, every error is excused, and a standstill too.
 */
#include "sim/swarm_internal.h"

#include <inttypes.h>

enum { LOSS_HARMLESS_PPM = 50000 };

/* Packets on the way when all clocks jump so far are older than any network keeps them: PAWS may be wrong about all that follow
 * [RFC7323 5.5]. */
static const int64_t TIMESTAMPS_WRAP_US = 24 * (int64_t)86400 * 1000000;

/* --- blame ----------------------------------------------------------------------------------------- */

static void blame_link(struct swarm *swarm, const struct sim_item *item)
{
    struct swarm_link *link = &swarm->links[item->v[SIM_FAULT_LINK]];

    switch (item->kind) {
    case SIM_ITEM_cut:
    case SIM_ITEM_flap:
    case SIM_ITEM_refuse:
    case SIM_ITEM_rate:
    case SIM_ITEM_mtu:
        link->blamed_time = true;
        break;
    case SIM_ITEM_replay:
        link->strangers = true;
        break;
    case SIM_ITEM_mangle:
        link->tainted = link->strangers = link->blamed_time = true;
        break;
    case SIM_ITEM_blind:
        link->strangers = true; /* guesses a cookie, in one of 2^24 tries */
        break;
    default:
        break;
    }
}

static void blame_host(struct swarm *swarm, const struct sim_item *item)
{
    for (unsigned i = 0; i < swarm->host_count; i++) {
        struct swarm_host *host = &swarm->hosts[i];
        int64_t whose = item->v[SIM_TROUBLE_HOST];
        bool alone = whose >= 0;

        if (alone && whose != i)
            continue;
        if (item->kind == SIM_ITEM_memory)
            host->blamed_memory = host->blamed_time = true;
        else if (item->kind == SIM_ITEM_stall || alone ||
                 item->v[SIM_TROUBLE_AMOUNT] > TIMESTAMPS_WRAP_US)
            host->blamed_time = true;
    }
}

static void strangers_may_come(struct swarm *swarm)
{
    for (unsigned i = 0; i < swarm->link_count; i++)
        swarm->links[i].strangers = true;
}

static void blame_knob(struct swarm *swarm, const struct sim_item *item)
{
    const struct sim_knob *knob = sim_knob_at(item->v[SIM_KNOB_KNOB]);
    int64_t host = item->v[SIM_KNOB_HOST];

    if (!knob || host < 0 || host >= swarm->host_count)
        return;
    if (knob->excuse == SIM_EXCUSE_STRANGERS)
        strangers_may_come(swarm);
    if (knob->excuse == SIM_EXCUSE_TIME)
        swarm->hosts[host].blamed_time = true;
    if (knob->excuse == SIM_EXCUSE_MEMORY)
        swarm->hosts[host].blamed_memory = swarm->hosts[host].blamed_time = true;
}

static void blame_losses(struct swarm *swarm)
{
    int64_t loss[SWARM_LINKS_MAX] = {0};

    for (unsigned i = 0; i < swarm->plan->count; i++) {
        const struct sim_item *item = &swarm->plan->items[i];

        if (item->kind == SIM_ITEM_loss || item->kind == SIM_ITEM_corrupt)
            loss[item->v[SIM_FAULT_LINK]] += item->v[SIM_FAULT_AMOUNT];
    }
    for (unsigned i = 0; i < swarm->link_count; i++)
        swarm->links[i].blamed_time |= loss[i] > LOSS_HARMLESS_PPM;
}

/* A link that is slow for what is asked of it drops so much that a connection may give up. */
static void blame_rates(struct swarm *swarm)
{
    for (unsigned i = 0; i < swarm->link_count; i++)
        if (swarm->links[i].item->v[SIM_LINK_RATE] > 0)
            swarm->links[i].blamed_time = true;
}

void judge_blame(struct swarm *swarm)
{
    for (unsigned i = 0; i < swarm->plan->count; i++) {
        const struct sim_item *item = &swarm->plan->items[i];

        if (sim_item_group(item) == SIM_FAULT)
            blame_link(swarm, item);
        else if (sim_item_group(item) == SIM_TROUBLE)
            blame_host(swarm, item);
        else if (item->kind == SIM_ITEM_knob)
            blame_knob(swarm, item);
    }
    blame_losses(swarm);
    blame_rates(swarm);
}

/* --- excuses --------------------------------------------------------------------------------------- */

static bool option_excuses(const struct flow *flow)
{
    for (unsigned i = 0; i < flow->option_count; i++) {
        const struct sim_knob *option = sim_option_at(flow->options[i]->v[SIM_OPTION_OPTION]);

        if (option && option->excuse == SIM_EXCUSE_TIME)
            return true;
    }
    return false;
}

static bool time_excuses(const struct flow *flow)
{
    return flow->swarm->links[flow->link].blamed_time || flow->host[0]->blamed_time ||
           flow->host[1]->blamed_time || option_excuses(flow);
}

static bool memory_excuses(const struct flow *flow)
{
    return flow->host[0]->blamed_memory || flow->host[1]->blamed_memory;
}

static bool ended_badly(const struct side *side)
{
    return side->error != 0 || side->rude;
}

static bool error_is_excused(const struct flow *flow, const struct side *side,
                             const struct side *peer)
{
    if (flow->rude || flow->swarm->links[flow->link].tainted)
        return true;
    switch (side->error) {
    case GANDER_ETIMEDOUT:
    case GANDER_EHOSTUNREACH:
    case GANDER_ENETUNREACH:
        return time_excuses(flow) || ended_badly(peer);
    case GANDER_ECONNRESET:
        return time_excuses(flow) || ended_badly(peer);
    case GANDER_ECONNREFUSED:
        return flow->item->kind == SIM_ITEM_refused || time_excuses(flow);
    case GANDER_ECONNABORTED:
    case GANDER_ENOMEM:
        return memory_excuses(flow);
    default:
        return false;
    }
}

static bool standstill_is_excused(const struct flow *flow, const struct side *side,
                                  const struct side *peer)
{
    if (flow->rude || flow->swarm->links[flow->link].tainted || ended_badly(peer))
        return true;
    /* The peer's connection gave up when its owner was gone, or before it had one; nobody told us of it. */
    return time_excuses(flow) && (peer->done || (!peer->attached && side->sent == 0));
}

static void judge_side(struct flow *flow, const struct conn *conn, unsigned end)
{
    const struct side *side = &conn->side[end], *peer = &conn->side[1 - end];
    struct swarm *swarm = flow->swarm;
    const char *name = flow->host[end]->host->name;

    if (side->error != 0) {
        swarm->facts->excused++;
        if (!error_is_excused(flow, side, peer))
            swarm_fail(swarm, "progress", "%s: flow %" PRId64 ": %s, and nothing excuses it", name,
                       flow->item->v[SIM_FLOW_ID], gander_strerror(side->error));
    } else if (!side->done) {
        swarm->facts->excused++;
        if (side->attached && !standstill_is_excused(flow, side, peer))
            swarm_fail(swarm, "progress",
                       "%s: flow %" PRId64 " stands still: sent %" PRIu64 " of %" PRIu64
                       ", received %" PRIu64 " of %" PRIu64,
                       name, flow->item->v[SIM_FLOW_ID], side->sent, side->to_send, side->received,
                       side->to_receive);
    } else if (!side->rude && !ended_badly(peer) && !flow->rude &&
               !swarm->links[flow->link].tainted && side->received != side->to_receive) {
        swarm_fail(swarm, "bytes",
                   "%s: flow %" PRId64 ": the stream ended after %" PRIu64 " of %" PRIu64 " bytes",
                   name, flow->item->v[SIM_FLOW_ID], side->received, side->to_receive);
    } else {
        swarm->facts->completed++;
    }
}

void judge_flows(struct swarm *swarm)
{
    for (unsigned f = 0; f < swarm->flow_count; f++) {
        struct flow *flow = &swarm->flows[f];

        for (unsigned i = 0; i < flow->begun; i++)
            for (unsigned end = 0; end < 2; end++)
                judge_side(flow, &flow->conns[i], end);
        if (flow->item->kind == SIM_ITEM_refused && flow->begun > 0 &&
            flow->conns[0].side[0].error == 0 && !time_excuses(flow) &&
            !swarm->links[flow->link].tainted)
            swarm_fail(swarm, "progress", "%s: nobody listens, but it was not refused",
                       flow->host[0]->host->name);
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * Plans by chance. "Swarm": each run first draws which kinds of settings, conversations and faults take part at all, so that runs
 * differ more from one another than if everything could happen in each of them.
 */
#include "sim/chance.h"
#include "sim/knobs.h"
#include "sim/plan.h"

#include <string.h>

enum { LINKS_MAX = 7, FLOWS_MAX = 14, FAULTS_MAX = 8 };

struct draw {
    struct sim_plan *plan;
    struct sim_chance chance;
    uint64_t kinds; /* bits of enum sim_item_kind that take part */
    unsigned hosts, links, flows;
    int64_t mtu[LINKS_MAX], trusted[LINKS_MAX];
    int64_t ends[LINKS_MAX][2];
};

static struct sim_item *add(struct draw *d, enum sim_item_kind kind)
{
    struct sim_item *item = &d->plan->items[d->plan->count];

    if (d->plan->count < SIM_ITEMS_MAX - 1)
        d->plan->count++;
    memset(item, 0, sizeof(*item));
    item->kind = (uint8_t)kind;
    return item;
}

static int64_t between(struct draw *d, int64_t low, int64_t high)
{
    return sim_chance_between(&d->chance, low, high);
}

static int64_t below(struct draw *d, uint64_t n)
{
    return (int64_t)sim_chance_below(&d->chance, n);
}

static bool percent(struct draw *d, unsigned n)
{
    return sim_chance_percent(&d->chance, n);
}

/* One of the kinds of a group that take part; SIM_ITEM_KIND_COUNT: none does. */
static enum sim_item_kind pick(struct draw *d, unsigned first, unsigned last)
{
    for (unsigned tries = 0; tries < 64; tries++) {
        unsigned kind = first + (unsigned)below(d, last - first + 1);

        if (d->kinds & (uint64_t)1 << kind)
            return (enum sim_item_kind)kind;
    }
    return SIM_ITEM_KIND_COUNT;
}

/* --- links ----------------------------------------------------------------------------------------- */

static void draw_link(struct draw *d, int64_t a, int64_t b)
{
    static const int64_t usual[] = {1500, 1500, 1492, 1280, 9000, 65535, 576};
    struct sim_item *item = add(d, SIM_ITEM_link);

    item->v[SIM_LINK_A] = a;
    item->v[SIM_LINK_B] = b;
    item->v[SIM_LINK_MTU] = percent(d, 60) ? usual[below(d, 7)] : between(d, 576, 65535);
    item->v[SIM_LINK_DELAY] = percent(d, 80) ? between(d, 0, 200000) : 0;
    item->v[SIM_LINK_JITTER] = percent(d, 25) ? between(d, 0, 30000) : 0;
    if (percent(d, 30)) {
        item->v[SIM_LINK_RATE] = between(d, 500, 1000000);
        item->v[SIM_LINK_QUEUE] = between(d, 3000, 1000000);
    }
    item->v[SIM_LINK_PACKETS] = percent(d, 15) ? between(d, 1, 32) : 0;
    item->v[SIM_LINK_TRUSTED] = percent(d, 10);
    item->v[SIM_LINK_COPIES] = percent(d, 60);
    d->mtu[d->links] = item->v[SIM_LINK_MTU];
    d->trusted[d->links] = item->v[SIM_LINK_TRUSTED];
    d->ends[d->links][0] = a;
    d->ends[d->links][1] = b;
    d->links++;
}

static void draw_links(struct draw *d)
{
    unsigned more;

    d->hosts = percent(d, 50) ? 2 : 2 + (unsigned)below(d, SIM_HOSTS_MAX - 1);
    for (unsigned host = 1; host < d->hosts; host++)
        draw_link(d, below(d, host), host);
    for (more = percent(d, 30) ? 1 + (unsigned)below(d, 2) : 0; more > 0 && d->links < LINKS_MAX;
         more--) {
        int64_t a = below(d, d->hosts), b = below(d, d->hosts);

        if (a != b)
            draw_link(d, a, b);
    }
}

/* --- settings -------------------------------------------------------------------------------------- */

static void draw_knobs(struct draw *d)
{
    const struct sim_knob *knob;

    for (int64_t k = 0; (knob = sim_knob_at(k)) != NULL; k++) {
        bool is_switch = knob->low == 0 && knob->high == 1, is_cc = knob->bytes == 0;
        int64_t high = knob->high;

        if (!percent(d,
                     knob->excuse == SIM_EXCUSE_TIME || knob->excuse == SIM_EXCUSE_MEMORY ? 8 : 40))
            continue;
        while (is_cc && gander_congestion_control_name((unsigned)high + 1))
            high++;
        for (unsigned host = 0; host < d->hosts; host++) {
            struct sim_item *item;

            if (!percent(d, 50))
                continue;
            item = add(d, SIM_ITEM_knob);
            item->v[SIM_KNOB_HOST] = host;
            item->v[SIM_KNOB_KNOB] = k;
            item->v[SIM_KNOB_VALUE] = is_switch || is_cc ? below(d, (uint64_t)high + 1)
                                                         : between(d, knob->low, knob->high);
        }
    }
}

static void draw_options(struct draw *d, int64_t flow)
{
    const struct sim_knob *option;

    if (!(d->kinds & (uint64_t)1 << SIM_ITEM_option))
        return;
    for (int64_t k = 0; (option = sim_option_at(k)) != NULL; k++) {
        struct sim_item *item;

        if (!percent(d, option->excuse == SIM_EXCUSE_TIME ? 3 : 10))
            continue;
        item = add(d, SIM_ITEM_option);
        item->v[SIM_OPTION_FLOW] = flow;
        item->v[SIM_OPTION_END] = below(d, 2);
        item->v[SIM_OPTION_OPTION] = k;
        item->v[SIM_OPTION_VALUE] = option->high == 1 ? 1 : between(d, option->low, option->high);
    }
}

/* --- conversations --------------------------------------------------------------------------------- */

static void draw_flow_values(struct draw *d, struct sim_item *item)
{
    int64_t *v = item->v;

    v[SIM_FLOW_UP] = between(d, 0, percent(d, 20) ? 3000000 : 200000);
    v[SIM_FLOW_DOWN] = between(d, 0, percent(d, 20) ? 3000000 : 200000);
    switch (item->kind) {
    case SIM_ITEM_bulk:
        v[SIM_FLOW_X] = percent(d, 20) ? between(d, 0, 1000000) : 0;
        v[SIM_FLOW_Y] = percent(d, 10) ? between(d, 0, 200000000) : 0;
        break;
    case SIM_ITEM_ask:
        v[SIM_FLOW_X] = between(d, 1, 100);
        v[SIM_FLOW_UP] = between(d, 1, 4000);
        v[SIM_FLOW_DOWN] = between(d, 1, 8000);
        break;
    case SIM_ITEM_brief:
        v[SIM_FLOW_X] = between(d, 1, 100);
        v[SIM_FLOW_Y] = percent(d, 50) ? between(d, 0, 1000000) : 0;
        v[SIM_FLOW_UP] = between(d, 0, 5000);
        v[SIM_FLOW_DOWN] = between(d, 0, 5000);
        break;
    case SIM_ITEM_abort:
        v[SIM_FLOW_X] = between(d, 0, 200000);
        v[SIM_FLOW_Y] = below(d, 2);
        break;
    case SIM_ITEM_slam:
        v[SIM_FLOW_X] = between(d, 0, 10000000);
        v[SIM_FLOW_Y] = below(d, 3);
        break;
    case SIM_ITEM_relisten:
        v[SIM_FLOW_X] = between(d, 0, 5000000);
        v[SIM_FLOW_Y] = between(d, 0, 5000000);
        break;
    case SIM_ITEM_datagrams:
        v[SIM_FLOW_UP] = between(d, 0, 10000);
        v[SIM_FLOW_X] = between(d, 1, 500);
        v[SIM_FLOW_Y] = between(d, 0, 100000);
        break;
    default:
        break;
    }
}

static void draw_flows(struct draw *d)
{
    unsigned n = 1 + (unsigned)between(d, 0, FLOWS_MAX - 1);

    for (unsigned i = 0; i < n; i++) {
        enum sim_item_kind kind = pick(d, SIM_ITEM_bulk, SIM_ITEM_datagrams);
        struct sim_item *item = add(d, kind == SIM_ITEM_KIND_COUNT ? SIM_ITEM_bulk : kind);

        item->v[SIM_FLOW_ID] = i;
        item->v[SIM_FLOW_AT] = percent(d, 50) ? between(d, 0, 20000000) : 0;
        item->v[SIM_FLOW_LINK] = below(d, d->links);
        item->v[SIM_FLOW_FROM] = below(d, 2);
        item->v[SIM_FLOW_FAMILY] = percent(d, 50) ? GANDER_IPV6 : GANDER_IPV4;
        draw_flow_values(d, item);
        draw_options(d, i);
    }
    d->flows = n;
}

/* --- faults ---------------------------------------------------------------------------------------- */

static int64_t draw_amount(struct draw *d, enum sim_item_kind kind, int64_t mtu)
{
    switch (kind) {
    case SIM_ITEM_loss: /* a little often, a lot sometimes */
        return percent(d, 70) ? between(d, 1000, 40000) : between(d, 40000, 400000);
    case SIM_ITEM_corrupt:
        return percent(d, 70) ? between(d, 100, 10000) : between(d, 10000, 300000);
    case SIM_ITEM_duplicate:
    case SIM_ITEM_reorder:
        return between(d, 1000, 300000);
    case SIM_ITEM_delay:
        return between(d, 100, 500000);
    case SIM_ITEM_rate:
        return between(d, 64, 100000);
    case SIM_ITEM_mtu:
        return mtu > 1280 ? between(d, 1280, mtu) : between(d, 576, mtu);
    case SIM_ITEM_flap:
        return between(d, 1000, 2000000);
    case SIM_ITEM_blind:
        return between(d, 1000, 1000000);
    case SIM_ITEM_replay:
        return between(d, 1000, 100000);
    case SIM_ITEM_mangle:
        return between(d, 1000, 300000);
    case SIM_ITEM_memory:
        return between(d, 1000, 1000000);
    default:
        return 0;
    }
}

static void draw_fault(struct draw *d)
{
    enum sim_item_kind kind = pick(d, SIM_ITEM_loss, SIM_ITEM_mangle);
    struct sim_item *item;
    int64_t link = below(d, d->links);

    if (kind == SIM_ITEM_KIND_COUNT || (kind == SIM_ITEM_corrupt && d->trusted[link]))
        return;
    item = add(d, kind);
    item->v[SIM_FAULT_AT] = between(d, 0, 20000000);
    item->v[SIM_FAULT_FOR] = between(d, 1000, percent(d, 10) ? 300000000 : 20000000);
    item->v[SIM_FAULT_LINK] = link;
    item->v[SIM_FAULT_END] = below(d, 3);
    item->v[SIM_FAULT_AMOUNT] = draw_amount(d, kind, d->mtu[link]);
}

static void draw_trouble(struct draw *d)
{
    static const int64_t jumps_us[] = {1000000, 3600000000, 25 * 86400000000, 50 * 86400000000};
    enum sim_item_kind kind = pick(d, SIM_ITEM_jump, SIM_ITEM_memory);
    struct sim_item *item;

    if (kind == SIM_ITEM_KIND_COUNT)
        return;
    item = add(d, kind);
    item->v[SIM_TROUBLE_AT] = between(d, 0, 20000000);
    item->v[SIM_TROUBLE_HOST] = below(d, d->hosts);
    if (kind == SIM_ITEM_jump) {
        item->v[SIM_TROUBLE_HOST] = percent(d, 50) ? -1 : item->v[SIM_TROUBLE_HOST];
        item->v[SIM_TROUBLE_AMOUNT] = jumps_us[below(d, 4)];
        return;
    }
    item->v[SIM_TROUBLE_FOR] = between(d, 1000, 10000000);
    item->v[SIM_TROUBLE_AMOUNT] = draw_amount(d, kind, 0);
}

void sim_plan_draw(struct sim_plan *plan, uint64_t seed)
{
    struct draw d = {.plan = plan, .chance = {seed}};
    unsigned n;

    memset(plan, 0, sizeof(*plan));
    plan->seed = seed;
    for (unsigned kind = 0; kind < SIM_ITEM_KIND_COUNT; kind++)
        if (percent(&d, 45))
            d.kinds |= (uint64_t)1 << kind;
    /* What excuses much is rarer: else little could be asked of most runs. */
    if (percent(&d, 60))
        d.kinds &= ~((uint64_t)1 << SIM_ITEM_mangle | (uint64_t)1 << SIM_ITEM_memory |
                     (uint64_t)1 << SIM_ITEM_cut | (uint64_t)1 << SIM_ITEM_stall);
    draw_links(&d);
    draw_knobs(&d);
    draw_flows(&d);
    n = percent(&d, 15) ? 0 : 1 + (unsigned)between(&d, 0, FAULTS_MAX);
    for (unsigned i = 0; i < n; i++) {
        if (percent(&d, 80))
            draw_fault(&d);
        else
            draw_trouble(&d);
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * Conversations: each has a listener and one or more connections to it, opened and accepted here, talked by side.c. Which
 * connection an accepted socket belongs to is known by the client's port and initial sequence number.
 */
#include "sim/swarm_internal.h"

#include <stddef.h>
#include <stdlib.h>

enum { BACKLOG = 64, PORT_FIRST = 1000, STRANGERS_A_TURN = 64 };

static struct gander_stack *stack_of(const struct flow *flow, unsigned end)
{
    return flow->host[end]->host->stack;
}

void flow_finish(struct flow *flow)
{
    if (flow->finished)
        return;
    flow->finished = true;
    flow->swarm->flows_finished++;
}

void flow_options_apply(struct flow *flow, struct swarm_host *host, gander_socket socket,
                        unsigned end)
{
    for (unsigned i = 0; i < flow->option_count; i++) {
        const struct sim_item *item = flow->options[i];
        const struct sim_knob *option = sim_option_at(item->v[SIM_OPTION_OPTION]);

        if (option && item->v[SIM_OPTION_END] == (int64_t)end)
            (void)gander_set_option(host->host->stack, socket, option->option,
                                    item->v[SIM_OPTION_VALUE]);
    }
}

/* --- opening --------------------------------------------------------------------------------------- */

static void flow_alarm(void *context, struct sim_world *world);
static void accept_all(struct flow *flow);

static void again_in(struct flow *flow, gander_time ns)
{
    swarm_alarm(flow->swarm, &flow->alarm, flow_alarm, flow, swarm_now(flow->swarm) + ns);
}

static bool only_for_now(int error)
{
    return error == GANDER_ENOMEM;
}

/* False: no memory now. */
static bool flow_listen(struct flow *flow)
{
    struct gander_stack *stack = stack_of(flow, 1);
    gander_socket socket;
    int result = gander_open(stack, GANDER_TCP, &socket);

    if (result < 0)
        return false;
    (void)gander_set_context(stack, socket, flow);
    flow_options_apply(flow, flow->host[1], socket, 1);
    result = gander_bind(stack, socket, &flow->address[1]);
    if (result == GANDER_OK)
        result = gander_listen(stack, socket, BACKLOG);
    if (result == GANDER_OK) {
        flow->owner.socket = socket;
        return true;
    }
    (void)gander_close(stack, socket);
    if (!only_for_now(result))
        swarm_fail(flow->swarm, "progress", "%s: cannot listen: %s", flow->host[1]->host->name,
                   gander_strerror(result));
    return false;
}

/* Opens one end's socket. NULL socket: no memory now. */
static int side_connect(struct flow *flow, struct conn *conn, unsigned end, bool bound)
{
    struct gander_stack *stack = stack_of(flow, end);
    struct gander_address own;
    struct gander_tcp_info info;
    gander_socket socket;
    int result = gander_open(stack, GANDER_TCP, &socket);

    if (result < 0)
        return result;
    side_open(&conn->side[end], conn, end, socket);
    flow_options_apply(flow, flow->host[end], socket, end);
    if (bound)
        result = gander_bind(stack, socket, &flow->address[end]);
    if (result == GANDER_OK)
        result = gander_connect(stack, socket, &flow->address[1 - end]);
    if (result < 0) {
        side_close(&conn->side[end], false);
        conn->side[end].attached = false;
        return result;
    }
    flow->swarm->facts->connections++;
    if (end == 0 && gander_local_address(stack, socket, &own) == GANDER_OK)
        conn->client_port = own.port;
    if (end == 0 && gander_tcp_info(stack, socket, &info) == GANDER_OK)
        conn->iss = info.iss;
    side_turn(&conn->side[end]);
    return GANDER_OK;
}

static void meet_opens(struct flow *flow)
{
    struct conn *conn = &flow->conns[flow->begun++];

    for (unsigned end = 0; end < 2; end++) {
        int result = side_connect(flow, conn, end, true);

        conn->flow = flow;
        if (result < 0) { /* the other will be refused */
            conn->side[end].host = flow->host[end];
            conn->side[end].error = result;
            conn->side[end].done = true;
            flow->rude = true;
        }
    }
    flow_conn_over(flow);
}

static void next_opens(struct flow *flow)
{
    struct conn *conn = &flow->conns[flow->begun];
    int result;

    conn->flow = flow;
    if (flow->item->kind == SIM_ITEM_meet) {
        meet_opens(flow);
        return;
    }
    flow->begun++;
    result = side_connect(flow, conn, 0, false);
    if (only_for_now(result)) {
        flow->begun--;
        again_in(flow, 20 * GANDER_MS);
    } else if (result < 0) {
        swarm_fail(flow->swarm, "progress", "%s: cannot connect: %s", flow->host[0]->host->name,
                   gander_strerror(result));
    }
}

static bool needs_listener(const struct flow *flow)
{
    return flow->item->kind != SIM_ITEM_meet && flow->item->kind != SIM_ITEM_refused;
}

static void relisten_due(void *context, struct sim_world *world)
{
    struct flow *flow = context;

    (void)world;
    if (!swarm_awake(flow->host[1], &flow->relisten) || flow->swarm->ending)
        return;
    if (flow->owner.socket != 0) {
        gander_socket socket = flow->owner.socket;

        flow->owner.socket = 0;
        flow->owner.batch = flow->swarm->batches;
        (void)gander_close(stack_of(flow, 1), socket);
        swarm_alarm(flow->swarm, &flow->relisten, relisten_due, flow,
                    swarm_now(flow->swarm) + flow->item->v[SIM_FLOW_Y] * GANDER_US);
    } else if (!flow_listen(flow)) {
        swarm_alarm(flow->swarm, &flow->relisten, relisten_due, flow,
                    swarm_now(flow->swarm) + 20 * GANDER_MS);
    }
}

static void flow_start(struct flow *flow)
{
    if (needs_listener(flow) && flow->owner.socket == 0 && !flow_listen(flow)) {
        again_in(flow, 20 * GANDER_MS);
        return;
    }
    flow->started = true;
    if (flow->item->kind == SIM_ITEM_relisten)
        swarm_alarm(flow->swarm, &flow->relisten, relisten_due, flow,
                    swarm_now(flow->swarm) + flow->item->v[SIM_FLOW_X] * GANDER_US);
    next_opens(flow);
}

/* Memory may have come back, or the last connection is over. */
static void flow_goes_on(struct flow *flow)
{
    accept_all(flow);
    if (flow->begun < flow->count &&
        (flow->begun == 0 || flow->conns[flow->begun - 1].side[0].done))
        next_opens(flow);
}

static void flow_alarm(void *context, struct sim_world *world)
{
    struct flow *flow = context;

    (void)world;
    if (!swarm_awake(flow->host[0], &flow->alarm) || !swarm_awake(flow->host[1], &flow->alarm))
        return;
    if (flow->swarm->ending || swarm_failed(flow->swarm))
        return;
    if (flow->item->kind == SIM_ITEM_datagrams)
        datagrams_start(flow);
    else if (!flow->started)
        flow_start(flow);
    else
        flow_goes_on(flow);
}

/* One side of a connection is over. Has the last one begun, and is it? */
void flow_conn_over(struct flow *flow)
{
    bool client_over = flow->begun > 0 && flow->conns[flow->begun - 1].side[0].done;

    if (flow->begun == flow->count) {
        for (unsigned i = 0; i < flow->count; i++)
            for (unsigned end = 0; end < 2; end++)
                if (!flow->conns[i].side[end].done &&
                    (end == 0 || flow->conns[i].side[end].attached ||
                     !flow->conns[i].side[0].error))
                    return;
        flow_finish(flow);
    } else if (client_over && !flow->swarm->ending && flow->alarm.at <= swarm_now(flow->swarm)) {
        again_in(flow,
                 flow->item->kind == SIM_ITEM_brief ? flow->item->v[SIM_FLOW_Y] * GANDER_US : 0);
    }
}

/* --- accepting ------------------------------------------------------------------------------------- */

static struct conn *conn_of(struct flow *flow, gander_socket socket)
{
    struct gander_tcp_info info;

    if (gander_tcp_info(stack_of(flow, 1), socket, &info) < 0)
        return NULL;
    for (unsigned i = flow->begun; i-- > 0;) {
        struct conn *conn = &flow->conns[i];

        if (!conn->side[1].attached && conn->client_port == info.peer.port && conn->iss == info.irs)
            return conn;
    }
    return NULL;
}

static void stranger_came(struct flow *flow, gander_socket socket)
{
    const struct swarm_link *link = &flow->swarm->links[flow->link];
    struct gander_stack *stack = stack_of(flow, 1);
    struct gander_stats stats;

    gander_stats(stack, &stats);
    if (!link->strangers && stats.tcp_syn_cookies_accepted == 0)
        swarm_fail(flow->swarm, "progress", "%s: accepted a connection that nobody opened",
                   flow->host[1]->host->name);
    (void)gander_abort(stack, socket);
}

static void accept_all(struct flow *flow)
{
    gander_socket socket;

    while (flow->owner.socket != 0) {
        int result = gander_accept(stack_of(flow, 1), flow->owner.socket, &socket, NULL);
        struct conn *conn;

        if (result == GANDER_ENOMEM && !flow->swarm->ending)
            again_in(flow, 20 * GANDER_MS);
        if (result < 0)
            return;
        conn = conn_of(flow, socket);
        if (!conn) {
            stranger_came(flow, socket);
            continue;
        }
        side_open(&conn->side[1], conn, 1, socket);
        side_turn(&conn->side[1]);
    }
}

/* --- events ---------------------------------------------------------------------------------------- */

static void event_came(struct swarm *swarm, const struct sim_host *host,
                       const struct gander_event *event)
{
    struct owner *owner = event->context;

    if (!owner || (owner->socket != event->socket && owner->batch != swarm->batches)) {
        swarm_fail(swarm, "handles", "%s: an event (bits 0x%x) for a socket that was closed",
                   host->name, event->bits);
        return;
    }
    if (owner->socket != event->socket)
        return; /* closed by what an earlier event of this batch led to */
    if (owner->kind == OWNER_SIDE)
        side_event((struct side *)(void *)owner, event);
    else if (owner->kind == OWNER_DATAGRAMS)
        datagrams_turn((struct flow *)(void *)((char *)owner - offsetof(struct flow, client)),
                       owner);
    else if (((struct flow *)(void *)owner)->item->kind == SIM_ITEM_datagrams)
        datagrams_turn((struct flow *)(void *)owner, owner);
    else
        accept_all((struct flow *)(void *)owner);
}

void flows_events(void *context, struct sim_host *host, const struct gander_event *events, size_t n)
{
    struct swarm *swarm = context;

    swarm->batches++;
    for (size_t i = 0; i < n && !swarm_failed(swarm); i++)
        event_came(swarm, host, &events[i]);
}

void flows_look(struct swarm *swarm)
{
    for (unsigned f = 0; f < swarm->flow_count; f++) {
        struct flow *flow = &swarm->flows[f];

        for (unsigned i = 0; i < 2 * flow->begun; i++) {
            struct side *side = &flow->conns[i / 2].side[i % 2];
            uint8_t byte;

            if (side->owner.socket == 0 || side->resting || side->end_seen || side->done ||
                sim_host_stalled_until(side->host->host) > swarm_now(swarm))
                continue;
            if (gander_receive(side->host->host->stack, side->owner.socket, &byte, 1,
                               GANDER_RECEIVE_PEEK) >= 0)
                swarm_fail(swarm, "progress", "%s: something to read, but no event said so",
                           side->host->host->name);
        }
    }
}

/* --- beginning and end ----------------------------------------------------------------------------- */

static void flow_init(struct swarm *swarm, struct flow *flow, const struct sim_item *item)
{
    unsigned number = (unsigned)(flow - swarm->flows), from = item->v[SIM_FLOW_FROM] != 0;
    const struct swarm_link *link;

    flow->owner.kind = OWNER_FLOW;
    flow->client.kind = OWNER_DATAGRAMS;
    flow->swarm = swarm;
    flow->item = item;
    flow->link = (unsigned)item->v[SIM_FLOW_LINK];
    link = &swarm->links[flow->link];
    for (unsigned end = 0; end < 2; end++) {
        unsigned at = end ? 1 - from : from;

        flow->host[end] = link->host[at];
        flow->address[end] = link->address[at][link->ipv6 && item->v[SIM_FLOW_FAMILY] == 6];
        flow->address[end].port = (uint16_t)(PORT_FIRST + 2 * number + end);
    }
    flow->count =
        item->kind == SIM_ITEM_brief && item->v[SIM_FLOW_X] > 0 ? (unsigned)item->v[SIM_FLOW_X] : 1;
    flow->rude = item->kind == SIM_ITEM_abort || item->kind == SIM_ITEM_slam ||
                 item->kind == SIM_ITEM_relisten;
    for (unsigned i = 0; i < swarm->plan->count && flow->option_count < SWARM_OPTIONS_MAX; i++) {
        const struct sim_item *option = &swarm->plan->items[i];

        if (option->kind == SIM_ITEM_option && option->v[SIM_OPTION_FLOW] == item->v[SIM_FLOW_ID])
            flow->options[flow->option_count++] = option;
    }
    swarm_alarm(swarm, &flow->alarm, flow_alarm, flow, item->v[SIM_FLOW_AT] * GANDER_US);
}

bool flows_init(struct swarm *swarm)
{
    swarm->flows = calloc(SWARM_FLOWS_MAX, sizeof(*swarm->flows));
    if (!swarm->flows)
        return false;
    for (unsigned i = 0; i < swarm->plan->count; i++) {
        const struct sim_item *item = &swarm->plan->items[i];
        struct flow *flow = &swarm->flows[swarm->flow_count];

        if (sim_item_group(item) != SIM_FLOW)
            continue;
        if (item->v[SIM_FLOW_LINK] < 0 || item->v[SIM_FLOW_LINK] >= swarm->link_count ||
            item->v[SIM_FLOW_X] < 0 || item->v[SIM_FLOW_UP] < 0 || item->v[SIM_FLOW_DOWN] < 0 ||
            item->v[SIM_FLOW_AT] < 0 || swarm->flow_count == SWARM_FLOWS_MAX)
            return false;
        swarm->flow_count++;
        flow_init(swarm, flow, item);
        flow->conns = calloc(flow->count, sizeof(*flow->conns));
        if (!flow->conns)
            return false;
    }
    return true;
}

static void socket_end(struct flow *flow, struct owner *owner, unsigned end)
{
    if (owner->socket == 0)
        return;
    (void)gander_close(stack_of(flow, end), owner->socket);
    owner->socket = 0;
    owner->batch = flow->swarm->batches;
}

void flows_end(struct swarm *swarm)
{
    swarm->ending = true;
    for (unsigned f = 0; f < swarm->flow_count; f++) {
        struct flow *flow = &swarm->flows[f];

        sim_alarm_cancel(swarm->world, &flow->alarm);
        sim_alarm_cancel(swarm->world, &flow->relisten);
        socket_end(flow, &flow->owner, 1);
        socket_end(flow, &flow->client, 0);
        for (unsigned i = 0; i < 2 * flow->begun; i++) {
            struct side *side = &flow->conns[i / 2].side[i % 2];

            sim_alarm_cancel(swarm->world, &side->rest);
            sim_alarm_cancel(swarm->world, &side->retry);
            sim_alarm_cancel(swarm->world, &side->slam);
            if (side->owner.socket)
                side_close(side, false);
        }
    }
}

void flows_free(struct swarm *swarm)
{
    for (unsigned f = 0; swarm->flows && f < swarm->flow_count; f++)
        free(swarm->flows[f].conns);
    free(swarm->flows);
}

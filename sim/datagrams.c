/* SPDX-License-Identifier: MIT */
/* A conversation of datagrams: the client sends numbered ones, the server sends each back; what arrives must be what was sent. */
#include "sim/swarm_internal.h"

#include <inttypes.h>
#include <string.h>

enum { NUMBER_BYTES = 8, DATAGRAM_MAX = 60000 };

static struct gander_stack *stack_of(const struct flow *flow, const struct owner *owner)
{
    return flow->host[owner == &flow->owner]->host->stack;
}

static uint64_t key_of(const struct flow *flow, uint64_t number)
{
    return sim_mix(flow->swarm->plan->seed ^ sim_mix((uint64_t)flow->item->v[SIM_FLOW_ID])) +
           number;
}

static size_t length_of(const struct flow *flow)
{
    int64_t up = flow->item->v[SIM_FLOW_UP];

    return NUMBER_BYTES + (size_t)(up > DATAGRAM_MAX ? DATAGRAM_MAX : up);
}

static bool datagrams_open(struct flow *flow, struct owner *owner, unsigned end)
{
    struct gander_stack *stack = stack_of(flow, owner);
    gander_socket socket;
    int result = gander_open(stack, GANDER_UDP, &socket);

    if (result < 0)
        return false;
    (void)gander_set_context(stack, socket, owner);
    result = end ? gander_bind(stack, socket, &flow->address[1])
                 : gander_connect(stack, socket, &flow->address[1]);
    if (result < 0) {
        (void)gander_close(stack, socket);
        if (result != GANDER_ENOMEM)
            swarm_fail(flow->swarm, "progress", "%s: a socket for datagrams: %s",
                       flow->host[end]->host->name, gander_strerror(result));
        return false;
    }
    owner->socket = socket;
    return true;
}

static void again_in(struct flow *flow, gander_time ns)
{
    swarm_alarm(flow->swarm, &flow->alarm, flow->alarm.fn, flow, swarm_now(flow->swarm) + ns);
}

static void check(struct flow *flow, const struct owner *owner, uint64_t n, bool truncated)
{
    struct swarm *swarm = flow->swarm;
    uint64_t number = 0;
    bool good = !truncated && n == length_of(flow);

    swarm->facts->datagrams++;
    if (swarm->links[flow->link].tainted)
        return;
    memcpy(&number, swarm->chunk, NUMBER_BYTES);
    good = good && number < (uint64_t)flow->item->v[SIM_FLOW_X];
    if (!good || swarm_stream_check(key_of(flow, number), 0, swarm->chunk + NUMBER_BYTES,
                                    (size_t)n - NUMBER_BYTES) != n - NUMBER_BYTES)
        swarm_fail(swarm, "bytes", "%s: a datagram that nobody sent, of %" PRIu64 " bytes",
                   flow->host[owner == &flow->owner]->host->name, n);
}

/* The client reads what came back, the server sends it back. */
void datagrams_turn(struct flow *flow, struct owner *owner)
{
    struct gander_stack *stack = stack_of(flow, owner);
    struct gander_datagram from;

    while (owner->socket != 0 && !swarm_failed(flow->swarm)) {
        int64_t n = gander_receive_from(stack, owner->socket, flow->swarm->chunk,
                                        sizeof(flow->swarm->chunk), 0, &from);

        if (n == GANDER_EAGAIN)
            return;
        if (n < 0)
            continue; /* an ICMP error, reported once */
        check(flow, owner, (uint64_t)n, from.truncated);
        if (owner == &flow->client) {
            flow->datagrams_back++;
        } else {
            struct gander_datagram back = {.peer = from.peer, .local = from.local};

            (void)gander_send_to(stack, owner->socket, flow->swarm->chunk, (size_t)n, &back);
        }
    }
}

static void datagram_send(struct flow *flow)
{
    uint8_t *bytes = flow->swarm->chunk;
    uint64_t number = flow->datagrams_sent;
    size_t len = length_of(flow);

    memcpy(bytes, &number, NUMBER_BYTES);
    swarm_stream_fill(key_of(flow, number), 0, bytes + NUMBER_BYTES, len - NUMBER_BYTES);
    (void)gander_send(stack_of(flow, &flow->client), flow->client.socket, bytes, len, 0);
    flow->datagrams_sent++;
}

void datagrams_start(struct flow *flow)
{
    if ((flow->owner.socket == 0 && !datagrams_open(flow, &flow->owner, 1)) ||
        (flow->client.socket == 0 && !datagrams_open(flow, &flow->client, 0))) {
        again_in(flow, 20 * GANDER_MS);
        return;
    }
    if (flow->datagrams_sent < (uint64_t)flow->item->v[SIM_FLOW_X]) {
        datagram_send(flow);
        again_in(flow, (flow->item->v[SIM_FLOW_Y] + 1) * GANDER_US);
    } else {
        flow_finish(flow);
    }
}

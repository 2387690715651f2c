/* SPDX-License-Identifier: MIT */
/*
 * One end of a conversation: does what it can whenever an event comes. Writes until the buffer is full, as far as its
 * kind of conversation lets it, half-closes behind the last byte, reads until nothing is there, closes after the peer's end of stream.
 * Lengths of reads and writes are drawn, so that packet and buffer borders fall everywhere.
 */
#include "sim/swarm_internal.h"

#include <inttypes.h>

enum { REST_AFTER_BYTES = 65536 };

static struct swarm *swarm_of(const struct side *side)
{
    return side->host->swarm;
}

static unsigned end_of(const struct side *side)
{
    return side->conn && side == &side->conn->side[1];
}

static size_t draw_length(struct side *side)
{
    uint64_t x = sim_mix(++side->draws ^ side->key_out);

    return 1 + (size_t)((x >> 8) % (1U << (x % 16))); /* small ones as often as large ones */
}

void side_close(struct side *side, bool abort)
{
    struct gander_stack *stack = side->host->host->stack;
    gander_socket socket = side->owner.socket;
    int result;

    if (socket == 0)
        return;
    side->owner.socket = 0;
    side->owner.batch = swarm_of(side)->batches;
    result = abort ? gander_abort(stack, socket) : gander_close(stack, socket);
    if (result < 0)
        swarm_fail(swarm_of(side), "handles", "%s: closing a socket: %s", side->host->host->name,
                   gander_strerror(result));
}

static void side_done(struct side *side, bool abort)
{
    if (side->done)
        return;
    side_close(side, abort);
    side->done = true;
    if (side->conn)
        flow_conn_over(side->conn->flow);
}

static void side_failed(struct side *side, int error)
{
    side->error = error;
    side_done(side, false);
}

static void retry_due(void *context, struct sim_world *world)
{
    struct side *side = context;

    (void)world;
    if (!swarm_awake(side->host, &side->retry))
        return;
    side->retrying = false;
    side_turn(side);
}

/* No event tells when the stack's memory suffices again: others use it, too. */
static void try_again_soon(struct side *side)
{
    if (side->retrying)
        return;
    side->retrying = true;
    swarm_alarm(swarm_of(side), &side->retry, retry_due, side,
                swarm_now(swarm_of(side)) + 10 * GANDER_MS);
}

/* How much may have been sent by now, after what was read. */
static uint64_t allowed(const struct side *side)
{
    const struct sim_item *item = side->conn ? side->conn->flow->item : NULL;
    uint64_t up, down, rounds;

    if (!item)
        return 0;
    if (item->kind == SIM_ITEM_half && end_of(side) == 1)
        return side->end_seen ? side->to_send : 0;
    if (item->kind != SIM_ITEM_ask)
        return side->to_send;
    up = (uint64_t)item->v[SIM_FLOW_UP];
    down = (uint64_t)item->v[SIM_FLOW_DOWN];
    if (end_of(side) == 1)
        return up ? side->received / up * down : side->to_send;
    rounds = down ? side->received / down + 1 : UINT32_MAX;
    return rounds * up < side->to_send ? rounds * up : side->to_send;
}

static void side_shutdown(struct side *side)
{
    int result = gander_shutdown(side->host->host->stack, side->owner.socket, GANDER_SHUTDOWN_SEND);

    if (result == GANDER_ENOMEM) {
        try_again_soon(side);
        return;
    }
    if (result < 0 && result != GANDER_ENOTCONN)
        swarm_fail(swarm_of(side), "progress", "%s: gander_shutdown: %s", side->host->host->name,
                   gander_strerror(result));
    side->end_sent = true;
}

static unsigned send_flags(struct side *side)
{
    uint64_t x = sim_mix(side->draws ^ 5);

    if (side->conn && side->conn->flow->item->kind == SIM_ITEM_urgent && x % 8 == 0)
        return GANDER_SEND_URGENT;
    return 0;
}

static void side_write(struct side *side)
{
    struct gander_stack *stack = side->host->host->stack;
    uint8_t *chunk = swarm_of(side)->chunk;

    while (!side->done && side->sent < allowed(side)) {
        uint64_t left = allowed(side) - side->sent;
        size_t len = draw_length(side);
        int64_t n;

        len = len > left ? (size_t)left : len;
        swarm_stream_fill(side->key_out, side->sent, chunk, len);
        n = gander_send(stack, side->owner.socket, chunk, len, send_flags(side));
        if (n == GANDER_ENOMEM)
            try_again_soon(side);
        if (n == GANDER_EAGAIN || n == GANDER_ENOMEM)
            return;
        if (n <= 0) {
            side_failed(side, (int)n);
            return;
        }
        side->sent += (uint64_t)n;
    }
    if (!side->done && !side->end_sent && side->sent == side->to_send)
        side_shutdown(side);
}

static void rest_over(void *context, struct sim_world *world)
{
    struct side *side = context;

    (void)world;
    if (!swarm_awake(side->host, &side->rest))
        return;
    side->resting = false;
    side_turn(side);
}

static void rest(struct side *side, int64_t us)
{
    side->until_rest = 1 + sim_mix(++side->draws ^ side->key_in) % REST_AFTER_BYTES;
    if (us <= 0)
        return;
    side->resting = true;
    swarm_alarm(swarm_of(side), &side->rest, rest_over, side,
                swarm_now(swarm_of(side)) + us * GANDER_US);
}

static void count_to_rest(struct side *side, uint64_t n)
{
    if (!side->conn || side->conn->flow->item->kind != SIM_ITEM_bulk)
        return;
    if (n < side->until_rest)
        side->until_rest -= n;
    else
        rest(side, side->conn->flow->item->v[SIM_FLOW_X]);
}

static void took(struct side *side, const uint8_t *bytes, uint64_t n)
{
    struct swarm *swarm = swarm_of(side);
    bool honest = side->conn && !swarm->links[side->conn->flow->link].tainted;
    size_t good;

    swarm->facts->bytes += n;
    if (honest) {
        good = swarm_stream_check(side->key_in, side->received, bytes, (size_t)n);
        if (good < n || n > side->to_receive - side->received)
            swarm_fail(swarm, "bytes",
                       "%s: flow %" PRId64 ": byte %" PRIu64 " of %" PRIu64 " is not what was sent",
                       side->host->host->name, side->conn->flow->item->v[SIM_FLOW_ID],
                       side->received + good, side->to_receive);
    }
    side->received += n;
    count_to_rest(side, n);
}

static bool aborts_now(const struct side *side)
{
    const struct sim_item *item = side->conn ? side->conn->flow->item : NULL;

    return item && item->kind == SIM_ITEM_abort && end_of(side) == (unsigned)item->v[SIM_FLOW_Y] &&
           side->received >= (uint64_t)item->v[SIM_FLOW_X];
}

static void side_read(struct side *side)
{
    struct swarm *swarm = swarm_of(side);

    while (!side->resting && !side->end_seen && !side->done && !swarm_failed(swarm)) {
        int64_t n = gander_receive(side->host->host->stack, side->owner.socket, swarm->chunk,
                                   draw_length(side), 0);

        if (n == GANDER_EAGAIN || n == GANDER_ENOTCONN)
            return;
        if (n < 0) {
            side_failed(side, (int)n);
        } else if (n > 0) {
            took(side, swarm->chunk, (uint64_t)n);
            if (aborts_now(side)) {
                side->rude = true;
                side_done(side, true);
            }
        } else {
            side->end_seen = true;
        }
    }
}

void side_turn(struct side *side)
{
    if (side->done || side->owner.socket == 0)
        return;
    side_write(side);
    side_read(side);
    if (!side->done) /* what was read may let more be said */
        side_write(side);
    if (!side->done && side->end_sent && side->end_seen)
        side_done(side, false);
}

void side_event(struct side *side, const struct gander_event *event)
{
    side_turn(side);
    /* Whoever waits to write, and reads no more, is told by the event alone. */
    if (!side->done && (event->bits & GANDER_EVENT_CLOSED) && event->error != 0 && !side->resting)
        side_failed(side, event->error);
}

static void slam_due(void *context, struct sim_world *world)
{
    struct side *side = context;

    (void)world;
    if (!swarm_awake(side->host, &side->slam))
        return;
    side->rude = true;
    side_done(side, false);
}

void side_open(struct side *side, struct conn *conn, unsigned end, gander_socket socket)
{
    const struct flow *flow = conn->flow;
    const struct sim_item *item = flow->item;
    uint64_t rounds = item->kind == SIM_ITEM_ask ? (uint64_t)item->v[SIM_FLOW_X] : 1;
    uint64_t up = (uint64_t)item->v[SIM_FLOW_UP] * rounds;
    uint64_t down = (uint64_t)item->v[SIM_FLOW_DOWN] * rounds;
    uint64_t key = sim_mix(flow->swarm->plan->seed +
                           0x9e3779b97f4a7c15u * (uint64_t)(1 + conn - flow->conns)) ^
                   sim_mix((uint64_t)item->v[SIM_FLOW_ID]);

    side->owner.kind = OWNER_SIDE;
    side->owner.socket = socket;
    side->conn = conn;
    side->host = flow->host[end];
    side->key_out = end ? key : ~key;
    side->key_in = ~side->key_out;
    side->to_send = end ? down : up;
    side->to_receive = end ? up : down;
    side->until_rest = REST_AFTER_BYTES;
    side->attached = true;
    (void)gander_set_context(side->host->host->stack, socket, side);
    if (item->kind == SIM_ITEM_bulk && item->v[SIM_FLOW_Y] > 0)
        rest(side, item->v[SIM_FLOW_Y]);
    if (item->kind == SIM_ITEM_slam &&
        (item->v[SIM_FLOW_Y] == 2 || item->v[SIM_FLOW_Y] == (int64_t)end))
        swarm_alarm(flow->swarm, &side->slam, slam_due, side,
                    swarm_now(flow->swarm) + item->v[SIM_FLOW_X] * GANDER_US);
}

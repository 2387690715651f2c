/* SPDX-License-Identifier: MIT */
/*
 * The path in real time. At each side stand a TUN device, behind which is a kernel, and a stack of gander's; what any of
 * them sends goes through the one path of its direction and comes out at the side opposite, where the destination
 * address says for whom it is.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "loss.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gander/host.h>

enum { BURST = 64, PORT = 5001, IPV4_DESTINATION = 16, TURNS_A_WAKE = 8 };

static const char *const stack_address[2] = {"10.0.0.2", "10.0.1.2"};

struct side {
    struct gander_driver *tun;
    struct gander_stack *stack;
    struct gander_address address; /* of the stack */
};

/* Where a direction of the path comes out. */
struct exit {
    struct gander_driver driver; /* the innermost one, behind the impairment */
    struct side *side;
    struct gander_packet *batch[BURST];
    size_t batched;
};

struct loss_relay {
    struct side sides[2];
    struct exit exits[2];
    struct gander_driver *lanes[2]; /* 0: left to right, the data */
    struct loss_path path;
    struct loss_flow flow;
    bool has_flow;
    gander_time now, sampled_ns;
};

/* --- the exits ------------------------------------------------------------------------------------ */

/* True: there was something, to which the stack may have an answer. */
static bool exit_flush(struct exit *exit)
{
    bool any = exit->batched > 0;

    gander_input(exit->side->stack, 0, exit->batch, exit->batched);
    exit->batched = 0;
    return any;
}

static bool is_for_stack(const struct side *side, const struct gander_packet *packet)
{
    const uint8_t *ip = packet->frag[0].data;

    return packet->frag[0].len >= 20 && !memcmp(ip + IPV4_DESTINATION, side->address.ip, 4);
}

static int exit_transmit(struct gander_driver *driver, gander_time now,
                         struct gander_packet *const *packets, int n)
{
    struct exit *exit = (struct exit *)(void *)driver;
    int taken = 0;

    for (; taken < n; taken++) {
        struct gander_packet *packet = packets[taken];

        if (is_for_stack(exit->side, packet)) {
            exit->batch[exit->batched++] = packet;
            if (exit->batched == BURST)
                exit_flush(exit);
        } else if (gander_driver_transmit(exit->side->tun, now, &packet, 1) != 1) {
            break;
        }
    }
    return taken;
}

static int exit_receive(struct gander_driver *driver, struct gander_stack *stack, gander_time now,
                        struct gander_packet **packets, int max)
{
    (void)driver, (void)stack, (void)now, (void)packets, (void)max;
    return 0;
}

static gander_time exit_deadline(const struct gander_driver *driver)
{
    (void)driver;
    return GANDER_NEVER;
}

static int exit_descriptor(const struct gander_driver *driver)
{
    (void)driver;
    return -1;
}

/* Part of the relay, which outlives it. */
static void exit_close(struct gander_driver *driver)
{
    (void)driver;
}

static const struct gander_driver_ops exit_ops = {.receive = exit_receive,
                                                  .transmit = exit_transmit,
                                                  .deadline = exit_deadline,
                                                  .descriptor = exit_descriptor,
                                                  .close = exit_close};

/* --- making one ------------------------------------------------------------------------------------ */

static gander_time relay_clock(void *context)
{
    return ((struct loss_relay *)context)->now;
}

/* The stack also lends its memory to packets that are read from the TUN device. */
static int side_open(struct side *side, unsigned number, struct gander_driver *tun)
{
    const struct gander_link_config link = {.mtu_bytes = LOSS_MTU_BYTES};
    struct gander_config config;
    unsigned index;
    int error = gander_host_config(&config);

    side->tun = tun;
    loss_flow_config(&config);
    gander_address_parse(stack_address[number], &side->address);
    if (!error)
        error = gander_stack_create(&config, &side->stack);
    if (!error)
        error = gander_link_add(side->stack, &link, &index);
    if (!error)
        error = gander_address_add(side->stack, index, &side->address, 8);
    return error;
}

static int lane_open(struct loss_relay *relay, unsigned number)
{
    struct exit *exit = &relay->exits[number];

    exit->side = &relay->sides[!number];
    exit->driver = (struct gander_driver){.ops = &exit_ops, .mtu_bytes = LOSS_MTU_BYTES};
    return gander_impair_create(&exit->driver, exit->side->stack,
                                number == 0 ? &relay->path.data : &relay->path.acks, NULL,
                                &relay->lanes[number]);
}

struct loss_relay *loss_relay_create(const struct loss_cell *cell, uint64_t seed,
                                     struct gander_driver *left, struct gander_driver *right)
{
    struct loss_relay *relay = calloc(1, sizeof(*relay));
    int error;

    if (!relay)
        return NULL;
    relay->now = gander_host_now();
    loss_path_init(&relay->path, cell, seed, relay_clock, relay);
    error = side_open(&relay->sides[0], 0, left);
    if (!error)
        error = side_open(&relay->sides[1], 1, right);
    for (unsigned i = 0; !error && i < 2; i++)
        error = lane_open(relay, i);
    if (!error)
        return relay;
    loss_relay_destroy(relay);
    return NULL;
}

int loss_relay_add_flow(struct loss_relay *relay, const char *cc)
{
    struct gander_address peer = relay->sides[1].address;

    peer.port = PORT;
    relay->has_flow = true;
    return loss_flow_start(&relay->flow, relay->sides[0].stack, relay->sides[1].stack, &peer, cc);
}

/* --- moving packets ---------------------------------------------------------------------------------- */

/* Everything that a side has to send; true: something moved. */
static bool side_turn(struct loss_relay *relay, unsigned number)
{
    struct side *side = &relay->sides[number];
    struct gander_packet *packets[BURST];
    int n = gander_driver_receive(side->tun, side->stack, relay->now, packets, BURST);
    size_t more;

    if (n > 0)
        gander_driver_transmit(relay->lanes[number], relay->now, packets, n);
    more = gander_output(side->stack, 0, packets, BURST);
    if (more > 0)
        gander_driver_transmit(relay->lanes[number], relay->now, packets, (int)more);
    return n > 0 || more > 0;
}

static void side_events(struct loss_relay *relay, unsigned number)
{
    struct side *side = &relay->sides[number];
    struct gander_event events[BURST];
    size_t n;

    gander_advance(side->stack, relay->now);
    while ((n = gander_events(side->stack, events, BURST)) > 0)
        loss_flow_events(&relay->flow, relay->has_flow, side->stack, events, n);
}

static bool relay_turn(struct loss_relay *relay)
{
    bool moved = false;

    relay->now = gander_host_now();
    for (unsigned i = 0; i < 2; i++)
        side_events(relay, i);
    for (unsigned i = 0; i < 2; i++)
        moved |= side_turn(relay, i);
    for (unsigned i = 0; i < 2; i++) {
        struct gander_packet *none[1];

        gander_driver_receive(relay->lanes[i], relay->sides[i].stack, relay->now, none, 1);
        moved |= exit_flush(&relay->exits[i]);
    }
    if (relay->now >= relay->sampled_ns + GANDER_MS) {
        struct gander_impair_counters counters;

        relay->sampled_ns = relay->now;
        gander_impair_counters(relay->lanes[0], GANDER_IMPAIR_TRANSMIT, &counters);
        loss_path_sample_queue(&relay->path, relay->now, &counters);
    }
    return moved;
}

static gander_time earlier(gander_time a, gander_time b)
{
    return a < b ? a : b;
}

static gander_time relay_deadline(const struct loss_relay *relay)
{
    gander_time at = GANDER_NEVER;

    for (unsigned i = 0; i < 2; i++) {
        at = earlier(at, gander_driver_deadline(relay->lanes[i]));
        at = earlier(at, gander_deadline(relay->sides[i].stack));
    }
    return at;
}

void loss_relay_run(struct loss_relay *relay, gander_time until, int stop)
{
    struct pollfd fds[3] = {{gander_driver_descriptor(relay->sides[0].tun), POLLIN, 0},
                            {gander_driver_descriptor(relay->sides[1].tun), POLLIN, 0},
                            {stop, POLLIN, 0}};

    while (relay->now < until && !(fds[2].revents & (POLLIN | POLLHUP))) {
        gander_time wait;
        struct timespec sleep;

        bool more = true;

        for (int turn = 0; turn < TURNS_A_WAKE && more; turn++)
            more = relay_turn(relay);
        wait = earlier(relay_deadline(relay), until) - gander_host_now();
        wait = more || wait < 0 ? 0 : wait;
        sleep = (struct timespec){.tv_sec = (time_t)(wait / GANDER_S),
                                  .tv_nsec = (long)(wait % GANDER_S)};
        ppoll(fds, 3, &sleep, NULL);
    }
}

const struct loss_flow *loss_relay_flow(const struct loss_relay *relay)
{
    return &relay->flow;
}

struct loss_path *loss_relay_path(struct loss_relay *relay)
{
    return &relay->path;
}

void loss_relay_destroy(struct loss_relay *relay)
{
    for (unsigned i = 0; i < 2; i++)
        gander_driver_close(relay->lanes[i]);
    for (unsigned i = 0; i < 2; i++) {
        gander_driver_close(relay->sides[i].tun);
        gander_stack_destroy(relay->sides[i].stack);
    }
    loss_path_finish(&relay->path);
    free(relay);
}

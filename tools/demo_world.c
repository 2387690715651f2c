/* SPDX-License-Identifier: MIT */
/*
 * The demo's world: two hosts, a cable of 20 ms each way, and what it loses. Unless chance is asked for, that is
 * the second letter and the second postcard of the host on the left, the first time that they are sent.
 */
#include "demo_run.h"
#include "demo_scene.h"

#include <errno.h>
#include <string.h>

static void keep(void *context, const struct sim_host *host, const struct gander_trace_event *event)
{
    struct demo_world *world = context;

    trace_files_event(world->options->trace, host->index, event);
    if (world->record)
        ladder_record_event(world->record, host->index, event);
}

static unsigned lose_second(void *context, uint64_t number, const struct gander_packet *packet)
{
    struct demo_world *world = context;

    (void)number;
    if (packet->why == GANDER_WHY_data && ++world->letters_out == 2)
        return GANDER_IMPAIR_DROP;
    if (packet->why == GANDER_WHY_datagram && ++world->cards_out == 2)
        return GANDER_IMPAIR_DROP;
    return 0;
}

static unsigned befalls(struct demo_world *world, unsigned host)
{
    const struct scene_fault *faults = world->options->scene->faults;
    unsigned number = ++world->packets_out[host], actions = 0;

    for (unsigned i = 0; i < SCENE_FAULTS; i++) {
        if (faults[i].number == number && faults[i].host == host)
            actions |= faults[i].action;
    }
    return actions;
}

static unsigned befalls_left(void *context, uint64_t number, const struct gander_packet *packet)
{
    (void)number, (void)packet;
    return befalls(context, 0);
}

static unsigned befalls_right(void *context, uint64_t number, const struct gander_packet *packet)
{
    (void)number, (void)packet;
    return befalls(context, 1);
}

static void scene_faults(struct demo_world *world, struct gander_impairment *ab,
                         struct gander_impairment *ba)
{
    ab->choose = befalls_left;
    ba->choose = befalls_right;
    ab->choose_context = ba->choose_context = world;
    ab->reorder_ns = ba->reorder_ns = world->options->scene->faults[0].late_ns;
}

static int add_cable(struct demo_world *world)
{
    const struct demo_options *options = world->options;
    struct gander_impairment ab = {.delay_ns = DEMO_DELAY_NS, .loss_ppm = options->loss_ppm};
    struct gander_impairment ba = ab;
    const struct sim_cable cable = {.ab = &ab, .ba = &ba};

    if (options->scene && !options->scene->udp)
        scene_faults(world, &ab, &ba);
    else if (!options->loss_given && !options->simultaneous) {
        ab.choose = lose_second;
        ab.choose_context = world;
    }
    return sim_link_add(world->sim, world->host[0],
                        options->ipv6 ? "2001:db8::1/64" : "192.0.2.1/24", world->host[1],
                        options->ipv6 ? "2001:db8::2/64" : "192.0.2.2/24", &cable, &world->link);
}

int demo_world_make(struct demo_world *world, const struct demo_options *options)
{
    int result = GANDER_OK, saved;
    struct gander_config config;

    gander_config_init(&config);
    /* Plain RFC 9293 and 6298: a loss at the end is for the retransmission timer, not for RFC 8985's probe. */
    config.tcp_sack = false;
    /* No window to open after the handshake, and no ACK that says only that. */
    config.tcp_receive_buffer_bytes = 65535;
    if (options->scene)
        config.tcp_sack = options->scene->sack;
    memset(world, 0, sizeof(*world));
    world->options = options;
    world->sim = sim_world_create(options->seed);
    if (!world->sim)
        return GANDER_ENOMEM;
    for (unsigned i = 0; i < LADDER_HOSTS && result == GANDER_OK; i++) {
        if (i == 1 && options->scene && options->scene->receive_bytes)
            config.tcp_receive_buffer_bytes = options->scene->receive_bytes;
        result = sim_host_add(world->sim, options->script->names[i], &config, &world->host[i]);
    }
    if (result == GANDER_OK)
        result = add_cable(world);
    if (result == GANDER_OK)
        result = sim_trace_add(world->sim, keep, world);
    if (result == GANDER_OK && options->trace->capture)
        result = sim_link_capture(world->link, 0, options->trace->capture);
    if (result != GANDER_OK) {
        saved = errno;
        sim_world_destroy(world->sim);
        errno = saved;
    }
    return result;
}

int demo_world_end(struct demo_world *world)
{
    int result = world->options->trace->capture ? sim_link_capture_end(world->link, 0) : GANDER_OK;
    int saved = errno;

    if (sim_world_destroy(world->sim) != 0 && result == GANDER_OK)
        result = GANDER_ENOMEM;
    errno = saved;
    return result;
}

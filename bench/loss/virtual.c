/* SPDX-License-Identifier: MIT */
/* gander over the path in virtual time: the simulated world with one cable. */
#include "loss.h"

#include <stdio.h>

#include "sim/world.h"

enum { CABLE_PACKETS = 65536, PORT = 5001 };

struct scene {
    struct sim_world *world;
    struct sim_link *link;
    struct sim_host *sender, *receiver;
    struct loss_path path;
    struct loss_flow flows[LOSS_FLOWS_MAX];
    size_t flow_count;
    struct sim_alarm sampling;
};

static gander_time scene_clock(void *context)
{
    return sim_now(((struct scene *)context)->world);
}

static void sample(void *context, struct sim_world *world)
{
    struct scene *scene = context;
    struct gander_impair_counters counters;

    sim_link_counters(scene->link, 0, &counters);
    loss_path_sample_queue(&scene->path, sim_now(world), &counters);
    sim_alarm_set(world, &scene->sampling, sim_now(world) + GANDER_MS);
}

static void on_events(void *context, struct sim_host *host, const struct gander_event *events,
                      size_t n)
{
    struct scene *scene = context;

    loss_flow_events(scene->flows, scene->flow_count, host->stack, events, n);
}

static int scene_open(struct scene *scene, const struct loss_cell *cell, uint64_t seed)
{
    struct gander_config config;
    struct sim_cable cable = {.mtu_bytes = LOSS_MTU_BYTES,
                              .queue_packets = CABLE_PACKETS,
                              .ab = &scene->path.data,
                              .ba = &scene->path.acks};
    int error;

    gander_config_init(&config);
    loss_flow_config(&config);
    scene->world = sim_world_create(seed);
    if (!scene->world)
        return GANDER_ENOMEM;
    loss_path_init(&scene->path, cell, seed, scene_clock, scene);
    error = sim_host_add(scene->world, "sender", &config, &scene->sender);
    if (!error)
        error = sim_host_add(scene->world, "receiver", &config, &scene->receiver);
    if (!error)
        error = sim_link_add(scene->world, scene->sender, "192.0.2.1/24", scene->receiver,
                             "192.0.2.2/24", &cable, &scene->link);
    if (error)
        return error;
    sim_on_events(scene->sender, on_events, scene);
    sim_on_events(scene->receiver, on_events, scene);
    scene->sampling.fn = sample;
    scene->sampling.context = scene;
    sim_alarm_set(scene->world, &scene->sampling, GANDER_MS);
    return GANDER_OK;
}

static int scene_flow(struct scene *scene, const char *cc)
{
    struct gander_address peer;

    gander_address_parse("192.0.2.2", &peer);
    peer.port = (uint16_t)(PORT + scene->flow_count);
    return loss_flow_start(&scene->flows[scene->flow_count++], scene->sender->stack,
                           scene->receiver->stack, &peer, cc);
}

static void scene_report(struct scene *scene, double seconds, struct loss_run *run)
{
    uint64_t resent = 0;

    for (size_t i = 0; i < scene->flow_count; i++) {
        run->goodput_mbit[i] = (double)scene->flows[i].received_bytes * 8 / seconds / 1e6;
        resent += loss_flow_retransmitted(&scene->flows[i]);
        if (scene->flows[i].error)
            snprintf(run->note, sizeof(run->note), "the connection ended: %s",
                     gander_strerror(scene->flows[i].error));
    }
    if (scene->path.data_segments)
        run->retransmitted = (double)resent / (double)scene->path.data_segments;
    loss_path_report(&scene->path, run);
}

void loss_run_virtual(const struct loss_cell *cell, uint64_t seed, double seconds,
                      struct loss_run *run)
{
    struct scene scene = {0};
    int error;

    loss_run_clear(run);
    error = scene_open(&scene, cell, seed);
    if (!error)
        error = scene_flow(&scene, cell->cc);
    if (!error && cell->other_cc)
        error = scene_flow(&scene, cell->other_cc);
    if (error) {
        snprintf(run->note, sizeof(run->note), "cannot begin: %s", gander_strerror(error));
    } else {
        sim_run_until(scene.world, (gander_time)(seconds * 1e9));
        scene_report(&scene, seconds, run);
    }
    loss_path_finish(&scene.path);
    if (scene.world)
        sim_world_destroy(scene.world);
}

/* SPDX-License-Identifier: MIT */
/* Plays a scene: each act at its time, through the socket calls; host 1 answers calls unless nobody is to. */
#include "demo_scene.h"

#include <string.h>

#define LIMIT_NS (7200 * GANDER_S) /* longer than any timer keeps a connection alive */

enum { PORT = 7000, READ_BYTES = 16384 };

struct play;

struct player {
    struct play *play;
    struct gander_stack *stack;
    gander_socket listener, socket; /* 0: none */
    bool reads;
};

struct play {
    struct demo_world *world;
    const struct demo_scene *scene;
    struct demo_result *result;
    struct player player[LADDER_HOSTS];
    struct sim_alarm alarms[SCENE_ACTS];
    unsigned due; /* acts that are still to come */
    int error;
};

static void player_read(struct player *player, unsigned host)
{
    struct demo_result *result = player->play->result;
    char text[READ_BYTES];
    int64_t n = 0;

    while (player->reads && player->socket &&
           (n = gander_receive(player->stack, player->socket, text, sizeof(text), 0)) > 0)
        result->read_bytes[host] += (size_t)n;
    if (player->reads && n == 0)
        result->ended[host] = true;
}

static void on_events(void *context, struct sim_host *host, const struct gander_event *events,
                      size_t n)
{
    struct player *player = context;

    for (size_t i = 0; i < n; i++) {
        if (events[i].bits & GANDER_EVENT_ACCEPT)
            gander_accept(host->stack, player->listener, &player->socket, NULL);
        player_read(player, host->index);
        if ((events[i].bits & GANDER_EVENT_CLOSED) && events[i].socket == player->socket) {
            player->play->result->error[host->index] = events[i].error;
            gander_close(host->stack, player->socket);
            player->socket = 0;
        }
    }
}

static struct gander_address called_address(const struct play *play)
{
    struct gander_address address;

    gander_address_parse(play->world->options->ipv6 ? "2001:db8::2" : "192.0.2.2", &address);
    address.port = PORT;
    return address;
}

static int player_listen(struct player *player)
{
    const struct gander_address address = called_address(player->play);
    int error = gander_open(player->stack, GANDER_TCP, &player->listener);

    if (!error)
        error = gander_bind(player->stack, player->listener, &address);
    return error ? error : gander_listen(player->stack, player->listener, 1);
}

static int player_connect(struct player *player)
{
    const struct gander_address address = called_address(player->play);
    int error = gander_open(player->stack, GANDER_TCP, &player->socket);

    return error ? error : gander_connect(player->stack, player->socket, &address);
}

static int player_send(struct player *player, size_t bytes)
{
    static const char line[] = "The geese carry letters south. ";
    char text[UINT16_MAX];
    int64_t n;

    for (size_t i = 0; i < bytes; i++)
        text[i] = line[i % (sizeof(line) - 1)];
    n = gander_send(player->stack, player->socket, text, bytes, 0);
    return n < 0 ? (int)n : GANDER_OK;
}

static int act_do(struct play *play, const struct scene_act *act)
{
    struct player *player = &play->player[act->host];

    switch ((enum scene_deed)act->deed) {
    case DEED_CONNECT:
        return player_connect(player);
    case DEED_SEND:
        return player_send(player, act->bytes);
    case DEED_FINISH:
        return gander_shutdown(player->stack, player->socket, GANDER_SHUTDOWN_SEND);
    case DEED_ABORT:
        gander_abort(player->stack, player->socket);
        player->socket = 0;
        return GANDER_OK;
    case DEED_READ:
        player->reads = true;
        player_read(player, act->host);
        return GANDER_OK;
    case DEED_NONE:
        break;
    }
    return GANDER_OK;
}

static void act(void *context, struct sim_world *sim)
{
    struct play *play = context;
    const struct scene_act *acts = play->scene->acts;
    unsigned i = 0;

    (void)sim;
    while (play->alarms[i].fn == NULL)
        i++; /* those done before; acts stand in the order of their times */
    play->alarms[i].fn = NULL;
    play->due--;
    if (play->error == GANDER_OK)
        play->error = act_do(play, &acts[i]);
}

static void play_begin(struct play *play)
{
    const struct demo_scene *scene = play->scene;
    struct sim_world *sim = play->world->sim;

    if (!scene->no_listener)
        play->error = player_listen(&play->player[1]);
    for (unsigned i = 0; i < SCENE_ACTS && scene->acts[i].deed != DEED_NONE; i++) {
        play->alarms[i] = (struct sim_alarm){.fn = act, .context = play};
        play->due++;
        sim_alarm_set(sim, &play->alarms[i], scene->acts[i].at);
    }
}

static void play_end(struct play *play)
{
    for (unsigned i = 0; i < LADDER_HOSTS; i++) {
        struct player *player = &play->player[i];

        gander_stats(player->stack, &play->result->stats[i]);
        sim_on_events(play->world->host[i], NULL, NULL);
        if (player->socket)
            gander_abort(player->stack, player->socket);
        if (player->listener)
            gander_close(player->stack, player->listener);
    }
    for (unsigned i = 0; i < SCENE_ACTS; i++) {
        if (play->alarms[i].fn)
            sim_alarm_cancel(play->world->sim, &play->alarms[i]);
    }
}

int demo_talk_scene(struct demo_world *world, struct ladder_record *record,
                    struct demo_result *result)
{
    const struct demo_scene *scene = world->options->scene;
    struct play play = {.world = world, .scene = scene, .result = result};
    gander_time limit = scene->until ? scene->until : LIMIT_NS;

    world->record = record;
    for (unsigned i = 0; i < LADDER_HOSTS; i++) {
        play.player[i] = (struct player){
            .play = &play, .stack = world->host[i]->stack, .reads = i == 0 || !scene->no_reader};
        sim_on_events(world->host[i], on_events, &play.player[i]);
    }
    play_begin(&play);
    sim_settle(world->sim);
    while (play.error == GANDER_OK && sim_step(world->sim, limit))
        ;
    world->record = NULL;
    play_end(&play);
    sim_settle(world->sim);
    ladder_record_finish(record);
    return play.error != GANDER_OK ? play.error : record->no_memory ? GANDER_ENOMEM : GANDER_OK;
}

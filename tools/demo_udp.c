/* SPDX-License-Identifier: MIT */
/* The UDP conversation: postcards, one at a time and whether or not the last one arrived; nobody would say so. */
#include "demo_run.h"

#include <string.h>

#define BETWEEN_NS (100 * GANDER_MS)
#define THINK_NS (30 * GANDER_MS)
#define LIMIT_NS (60 * GANDER_S)

enum { PORT = 7000 };

struct cards;

struct cards_side {
    struct cards *cards;
    unsigned host;
    gander_socket socket;
    struct gander_address peer; /* family 0: not known yet */
    size_t next;
    struct sim_alarm alarm;
    bool alarm_set;
};

struct cards {
    struct demo_world *world;
    struct demo_result *result;
    struct cards_side side[LADDER_HOSTS];
};

static void send_card(void *context, struct sim_world *sim);

static void plan(struct cards_side *side, gander_time wait)
{
    const struct demo_letter *cards = side->cards->world->options->script->cards;
    struct sim_world *sim = side->cards->world->sim;

    while (cards[side->next].text && cards[side->next].host != side->host)
        side->next++;
    if (!cards[side->next].text || !side->peer.family || side->alarm_set)
        return;
    side->alarm = (struct sim_alarm){.fn = send_card, .context = side};
    side->alarm_set = true;
    sim_alarm_set(sim, &side->alarm, sim_now(sim) + wait);
}

static void send_card(void *context, struct sim_world *sim)
{
    struct cards_side *side = context;
    const struct demo_letter *card = &side->cards->world->options->script->cards[side->next++];
    const struct gander_datagram to = {.peer = side->peer};

    (void)sim;
    side->alarm_set = false;
    if (gander_send_to(side->cards->world->host[side->host]->stack, side->socket, card->text,
                       strlen(card->text), &to) >= 0)
        side->cards->result->cards_sent[side->host]++;
    if (side->host == 0)
        plan(side, BETWEEN_NS);
}

static void on_events(void *context, struct sim_host *host, const struct gander_event *events,
                      size_t n)
{
    struct cards_side *side = context;
    struct gander_datagram from;
    char text[DEMO_TEXT_BYTES];

    (void)events;
    (void)n;
    while (gander_receive_from(host->stack, side->socket, text, sizeof(text), 0, &from) >= 0) {
        side->cards->result->cards_read[side->host]++;
        if (side->host == 1) {
            side->peer = from.peer;
            plan(side, THINK_NS);
        }
    }
}

static int begin(struct cards *cards)
{
    const struct demo_world *world = cards->world;
    struct gander_address address;
    int result = gander_address_parse(world->options->ipv6 ? "2001:db8::2" : "192.0.2.2", &address);

    address.port = PORT;
    for (unsigned i = 0; i < LADDER_HOSTS && result == GANDER_OK; i++)
        result = gander_open(world->host[i]->stack, GANDER_UDP, &cards->side[i].socket);
    if (result == GANDER_OK)
        result = gander_bind(world->host[1]->stack, cards->side[1].socket, &address);
    cards->side[0].peer = address;
    if (result == GANDER_OK)
        plan(&cards->side[0], 0);
    return result;
}

int demo_talk_udp(struct demo_world *world, struct ladder_record *record,
                  struct demo_result *result)
{
    struct cards cards = {.world = world, .result = result};
    gander_time limit = sim_now(world->sim) + LIMIT_NS;
    int error;

    world->record = record;
    for (unsigned i = 0; i < LADDER_HOSTS; i++) {
        cards.side[i].cards = &cards;
        cards.side[i].host = i;
        sim_on_events(world->host[i], on_events, &cards.side[i]);
    }
    error = begin(&cards);
    sim_settle(world->sim);
    while (error == GANDER_OK && sim_step(world->sim, limit))
        ;
    world->record = NULL;
    for (unsigned i = 0; i < LADDER_HOSTS; i++) {
        gander_stats(world->host[i]->stack, &result->stats[i]);
        if (cards.side[i].socket)
            gander_close(world->host[i]->stack, cards.side[i].socket);
        sim_on_events(world->host[i], NULL, NULL);
    }
    sim_settle(world->sim);
    ladder_record_finish(record);
    return error != GANDER_OK ? error : record->no_memory ? GANDER_ENOMEM : GANDER_OK;
}

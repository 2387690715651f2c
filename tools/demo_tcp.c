/* SPDX-License-Identifier: MIT */
/*
 * The TCP conversation: each side is a small application that reads and writes letters through the socket calls, like
 * any program would.
 */
#include "demo_run.h"

#include <string.h>

#define FAREWELL_NS                                                                                \
    (100 * GANDER_MS) /* before closing: long enough for a delayed acknowledgement to go alone */
#define PACK_NS (30 * GANDER_MS)   /* before closing after the other did */
#define LIMIT_NS (7200 * GANDER_S) /* longer than any timer keeps a connection alive */

/* Before a letter: one host thinks longer than an acknowledgement may be delayed, the other less. */
static const gander_time think_ns[LADDER_HOSTS] = {60 * GANDER_MS, 10 * GANDER_MS};

enum { PORT = 7000 };

struct talk;

struct talk_side {
    struct talk *talk;
    unsigned host;
    gander_socket listener, socket; /* 0: none */
    size_t next;                    /* letter that may be ours */
    bool closing;                   /* our FIN is on its way or out */
    bool alarm_set;
    struct sim_alarm alarm;
};

struct talk {
    struct demo_world *world;
    struct demo_result *result;
    const struct demo_letter *letters;
    bool both; /* nobody waits for the other's letters */
    struct talk_side side[LADDER_HOSTS];
};

static struct gander_stack *stack_of(const struct talk_side *side)
{
    return side->talk->world->host[side->host]->stack;
}

/* How many bytes of the other's letters come before letter `index`? */
static size_t bytes_before(const struct talk_side *side, size_t index)
{
    size_t bytes = 0;

    for (size_t i = 0; i < index; i++)
        if (side->talk->letters[i].host != side->host)
            bytes += strlen(side->talk->letters[i].text);
    return bytes;
}

/* Our next letter; one with text NULL if there is none. */
static const struct demo_letter *next_letter(struct talk_side *side)
{
    const struct demo_letter *letters = side->talk->letters;

    while (letters[side->next].text && letters[side->next].host != side->host)
        side->next++;
    return &letters[side->next];
}

static void say(struct talk_side *side)
{
    struct demo_result *result = side->talk->result;
    const struct demo_letter *letter = next_letter(side);
    size_t len = strlen(letter->text), *written = &result->written_bytes[side->host];

    /* The send buffer is larger than all letters together, so nothing is left over. */
    if (gander_send(stack_of(side), side->socket, letter->text, len, 0) != (int64_t)len)
        return;
    memcpy(result->written[side->host] + *written, letter->text, len);
    *written += len;
    side->next++;
}

static void plan(struct talk_side *side);

static void act(void *context, struct sim_world *sim)
{
    struct talk_side *side = context;

    (void)sim;
    side->alarm_set = false;
    if (!side->socket || side->closing)
        return;
    if (next_letter(side)->text) {
        say(side);
    } else {
        side->closing = true;
        gander_shutdown(stack_of(side), side->socket, GANDER_SHUTDOWN_SEND);
    }
    plan(side);
}

static void plan_in(struct talk_side *side, gander_time wait)
{
    struct sim_world *sim = side->talk->world->sim;

    side->alarm.fn = act;
    side->alarm.context = side;
    side->alarm_set = true;
    sim_alarm_set(sim, &side->alarm, sim_now(sim) + wait);
}

/* Decides what this side does next, once it has read what it waits for. */
static void plan(struct talk_side *side)
{
    const struct demo_result *result = side->talk->result;
    size_t read = result->read_bytes[side->host];

    if (!side->socket || side->alarm_set || side->closing || !result->connected[side->host])
        return;
    if (next_letter(side)->text) {
        if (result->ended[side->host] || side->talk->both || read >= bytes_before(side, side->next))
            plan_in(side, side->talk->both ? think_ns[1] : think_ns[side->host]);
    } else if (result->ended[side->host]) {
        plan_in(side, PACK_NS);
    } else if ((side->host == 0 || side->talk->both) && read >= bytes_before(side, side->next)) {
        plan_in(side, FAREWELL_NS);
    }
}

static void read_all(struct talk_side *side)
{
    struct demo_result *result = side->talk->result;
    size_t *bytes = &result->read_bytes[side->host];
    int64_t n;

    do {
        n = gander_receive(stack_of(side), side->socket, result->read[side->host] + *bytes,
                           DEMO_TEXT_BYTES - *bytes, 0);
        if (n > 0)
            *bytes += (size_t)n;
    } while (n > 0);
    if (n == 0)
        result->ended[side->host] = true;
}

static void on_events(void *context, struct sim_host *host, const struct gander_event *events,
                      size_t n)
{
    struct talk_side *side = context;
    struct demo_result *result = side->talk->result;

    for (size_t i = 0; i < n; i++) {
        const struct gander_event *event = &events[i];

        if ((event->bits & GANDER_EVENT_ACCEPT) && !side->socket &&
            gander_accept(host->stack, side->listener, &side->socket, NULL) == GANDER_OK)
            result->connected[side->host] = true;
        if (event->bits & GANDER_EVENT_CONNECTED)
            result->connected[side->host] = true;
        if (side->socket && result->connected[side->host] && !result->ended[side->host])
            read_all(side);
        if ((event->bits & GANDER_EVENT_CLOSED) && event->socket == side->socket) {
            result->error[side->host] = event->error;
            gander_close(host->stack, side->socket);
            side->socket = 0;
        }
    }
    plan(side);
}

static struct gander_address address_of(const struct talk *talk, unsigned host)
{
    struct gander_address address;

    gander_address_parse(talk->world->options->ipv6 ? (host ? "2001:db8::2" : "2001:db8::1")
                                                    : (host ? "192.0.2.2" : "192.0.2.1"),
                         &address);
    address.port = PORT;
    return address;
}

/* Both ends call each other, from the port that the other one calls. */
static int begin_both(struct talk *talk)
{
    int result = GANDER_OK;

    for (unsigned i = 0; i < LADDER_HOSTS && result == GANDER_OK; i++) {
        struct talk_side *side = &talk->side[i];
        const struct gander_address own = address_of(talk, i), peer = address_of(talk, !i);

        result = gander_open(stack_of(side), GANDER_TCP, &side->socket);
        if (result == GANDER_OK)
            result = gander_bind(stack_of(side), side->socket, &own);
        if (result == GANDER_OK)
            result = gander_connect(stack_of(side), side->socket, &peer);
    }
    return result;
}

static int begin(struct talk *talk)
{
    struct talk_side *caller = &talk->side[0], *called = &talk->side[1];
    const struct gander_address address = address_of(talk, 1);
    int result = gander_open(stack_of(called), GANDER_TCP, &called->listener);

    if (result == GANDER_OK)
        result = gander_bind(stack_of(called), called->listener, &address);
    if (result == GANDER_OK)
        result = gander_listen(stack_of(called), called->listener, 1);
    if (result == GANDER_OK)
        result = gander_open(stack_of(caller), GANDER_TCP, &caller->socket);
    if (result == GANDER_OK)
        result = gander_connect(stack_of(caller), caller->socket, &address);
    return result;
}

/* Cleans up, also after a run that came to its time limit: no alarm may outlive its side. */
static void end_side(struct talk_side *side)
{
    struct demo_world *world = side->talk->world;

    gander_stats(world->host[side->host]->stack, &side->talk->result->stats[side->host]);
    if (side->socket)
        gander_abort(stack_of(side), side->socket);
    if (side->listener)
        gander_close(stack_of(side), side->listener);
    side->socket = side->listener = 0;
    sim_on_events(world->host[side->host], NULL, NULL);
    while (side->alarm_set && sim_step(world->sim, GANDER_NEVER))
        ;
}

int demo_talk_tcp(struct demo_world *world, struct ladder_record *record,
                  struct demo_result *result)
{
    const struct demo_script *script = world->options->script;
    bool both = world->options->simultaneous;
    struct talk talk = {.world = world,
                        .result = result,
                        .letters = both ? script->letters_both : script->letters,
                        .both = both};
    int error;

    world->record = record;
    for (unsigned i = 0; i < LADDER_HOSTS; i++) {
        talk.side[i].talk = &talk;
        talk.side[i].host = i;
        sim_on_events(world->host[i], on_events, &talk.side[i]);
    }
    error = both ? begin_both(&talk) : begin(&talk);
    sim_settle(world->sim);
    while (error == GANDER_OK && sim_step(world->sim, LIMIT_NS))
        ;
    world->record = NULL;
    for (unsigned i = 0; i < LADDER_HOSTS; i++)
        end_side(&talk.side[i]);
    sim_settle(world->sim);
    ladder_record_finish(record);
    return error != GANDER_OK ? error : record->no_memory ? GANDER_ENOMEM : GANDER_OK;
}

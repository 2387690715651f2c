/* SPDX-License-Identifier: MIT */
/* Conversations, a step at a time, all at once: see play.h. */
#include "differential/play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rfc/segment.h"

static const int64_t settle_ns = SETTLE_MS * GANDER_MS;

/* Each conversation has a peer of its own, so that what the kernel learns of a path stays there. */
struct gander_address play_address(unsigned family, const struct conversation *peer)
{
    struct gander_address a = {.family = (uint8_t)family};
    unsigned number = peer ? peer->peer_number : 0;

    gander_address_parse(family == GANDER_IPV4 ? "10.0.0.1" : "fd77::1", &a);
    a.ip[family == GANDER_IPV4 ? 1 : 12] |= (uint8_t)(number >> 16);
    a.ip[family == GANDER_IPV4 ? 2 : 13] |= (uint8_t)(number >> 8);
    a.ip[family == GANDER_IPV4 ? 3 : 15] |= (uint8_t)number;
    return a;
}

static struct entry *entry_add(struct conversation *c, enum entry_kind kind, int64_t now)
{
    struct entry *e;

    if (c->count == c->room) {
        c->room = c->room ? 2 * c->room : 8;
        c->entries = realloc(c->entries, c->room * sizeof(*c->entries));
        if (!c->entries)
            abort();
    }
    e = &c->entries[c->count++];
    memset(e, 0, sizeof(*e));
    e->kind = (uint8_t)kind;
    e->step = c->at;
    e->ms = (now - c->step_ns) / GANDER_MS;
    return e;
}

struct conversation *play_find(struct player *player, unsigned port)
{
    if (port < PORT_FIRST || port - PORT_FIRST >= player->count)
        return NULL;
    return &player->conversations[port - PORT_FIRST];
}

void play_packet(struct player *player, const uint8_t *packet, size_t len)
{
    uint16_t local, peer;
    struct conversation *c;

    if (!segments_ports(packet, len, &local, &peer))
        return;
    c = play_find(player, local);
    if (!c || c->script->family != (packet[0] >> 4) || (uint16_t)(peer - c->peer_port) >= FLOWS)
        return; /* of a conversation before */
    if (c->step == c->script->count && player->side->now(player->side) >= c->wake_ns)
        return; /* it is over */
    segments_read(c, (unsigned)(peer - c->peer_port), packet, len,
                  entry_add(c, ENTRY_PACKET, player->side->now(player->side)));
}

/* --- calls ------------------------------------------------------------------------------------------ */

static const char *const verbs[VERBS] = {
    [CALL_LISTEN] = "listen", [CALL_CONNECT] = "connect", [CALL_ACCEPT] = "accept",
    [CALL_SEND] = "send",     [CALL_RECV] = "recv",       [CALL_SHUTDOWN] = "shutdown",
    [CALL_CLOSE] = "close",   [CALL_ABORT] = "abort",     [CALL_ERROR] = "error",
    [CALL_OPTION] = "option", [CALL_UDP] = "udp",
};

static bool call_parse(const char *step, struct call *call)
{
    size_t verb = strcspn(step, " ");
    const char *digits;

    for (unsigned i = 0; i < VERBS; i++) {
        if (strlen(verbs[i]) != verb || strncmp(step, verbs[i], verb) != 0)
            continue;
        call->verb = (enum verb)i;
        call->word = step[verb] ? step + verb + 1 : "";
        digits = strpbrk(call->word, "0123456789");
        call->value = digits ? strtoll(digits, NULL, 10) : -1;
        return true;
    }
    return false;
}

/* How much was read, and how much of it is not what was first sent in its place. */
static void describe_data(struct conversation *c, const uint8_t *data, size_t len, bool peek,
                          char text[ENTRY_TEXT_BYTES])
{
    size_t other = 0;

    for (size_t i = 0; i < len; i++)
        other += data[i] != segments_pattern(c->read + (uint32_t)i);
    if (other)
        snprintf(text, ENTRY_TEXT_BYTES, "%zu, %zu of them of another copy", len, other);
    else
        snprintf(text, ENTRY_TEXT_BYTES, "%zu", len);
    if (!peek)
        c->read += (uint32_t)len;
}

static void step_call(struct player *player, struct conversation *c, const struct call *call)
{
    static uint8_t data[CALL_DATA_BYTES];
    char result[RESULT_BYTES] = "0";
    size_t len = sizeof(data);
    struct entry *e;

    if (call->verb == CALL_SEND) {
        len = (size_t)call->value;
        for (size_t i = 0; i < len && i < sizeof(data); i++)
            data[i] = segments_pattern(c->written + (uint32_t)i);
    } else if (call->verb == CALL_RECV && call->value > 0) {
        len = (size_t)call->value;
    }
    player->side->call(player->side, c, call, data, &len, result);
    if (call->verb == CALL_SEND && result[0] >= '1' && result[0] <= '9')
        c->written += (uint32_t)strtoul(result, NULL, 10);
    e = entry_add(c, ENTRY_CALL, c->step_ns);
    if (call->verb == CALL_RECV && result[0] >= '1' && result[0] <= '9')
        describe_data(c, data, len, strcmp(call->word, "peek") == 0, e->text);
    else
        snprintf(e->text, sizeof(e->text), "%s", result);
}

/* --- steps ------------------------------------------------------------------------------------------ */

static void step_arrives(struct player *player, struct conversation *c, const char *step)
{
    static uint8_t packet[SEGMENT_PACKET_MAX];
    unsigned family = c->script->family;
    size_t len;

    if (strncmp(step, "icmp ", 5) == 0)
        len = segments_make_icmp(c, family, step + 5, packet);
    else
        len = segments_make(c, family, step + 2, packet);
    player->side->inject(player->side, packet, len);
}

static void run_step(struct player *player, struct conversation *c, int64_t now)
{
    const char *step = c->script->steps[c->step++];
    struct side *side = player->side;
    struct call call;

    c->wake_ns = now + settle_ns;
    if (strncmp(step, "wait ", 5) == 0) { /* belongs to the step before */
        c->wake_ns = now + strtoll(step + 5, NULL, 10) * GANDER_MS;
        return;
    }
    c->at = (uint16_t)(c->step - 1);
    c->step_ns = now;
    if (strncmp(step, "< ", 2) == 0 || strncmp(step, "icmp ", 5) == 0) {
        step_arrives(player, c, step);
    } else if (strcmp(step, "state") == 0) {
        side->state(side, c, entry_add(c, ENTRY_STATE, now)->text);
    } else if (strncmp(step, "peer ", 5) == 0) {
        c->peer = (unsigned)strtoul(step + 5, NULL, 10) % FLOWS;
    } else if (call_parse(step, &call)) {
        step_call(player, c, &call);
    } else {
        fprintf(stderr, "%s: no such step: %s\n", c->script->name, step);
        exit(2);
    }
    side->pass(side, now); /* what left at once */
}

static void prepare(struct player *player, const struct script *const *scripts)
{
    for (size_t i = 0; i < player->count; i++) {
        struct conversation *c = &player->conversations[i];

        *c = (struct conversation){.script = scripts[i],
                                   .port = (uint16_t)(PORT_FIRST + i),
                                   .peer_port = (uint16_t)(10000 + FLOWS * player->batch),
                                   .listener = -1,
                                   .socket = -1};
        c->peer_number = 256 * (1 + player->side->peers++ % 65535); /* the last byte stays 1 */
        for (unsigned k = 0; k < FLOWS; k++)
            c->flows[k].last_state = GANDER_TCP_CLOSED;
    }
}

void play(struct side *side, const struct script *const *scripts,
          struct conversation *conversations, size_t n)
{
    static unsigned batch;
    struct player player = {
        .side = side, .conversations = conversations, .count = n, .batch = ++batch % 8192};
    size_t unfinished = n;

    side->player = &player;
    prepare(&player, scripts);
    side->begin(side);
    while (unfinished > 0) {
        int64_t wake = INT64_MAX;

        unfinished = 0;
        player.round++;
        for (size_t i = 0; i < n; i++) {
            struct conversation *c = &conversations[i];
            int64_t now = side->now(side);

            if (c->wake_ns <= now && c->step < c->script->count)
                run_step(&player, c, now);
            if (c->step < c->script->count || c->wake_ns > now) {
                unfinished++;
                wake = c->wake_ns < wake ? c->wake_ns : wake;
            }
        }
        if (unfinished > 0)
            side->pass(side, wake);
    }
    player.count = 0; /* what leaves from here on is nobody's */
    side->finish(side, conversations, n);
    side->player = NULL;
}

void play_forget(struct conversation *conversations, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(conversations[i].entries);
}

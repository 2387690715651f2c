/* SPDX-License-Identifier: MIT */
/*
 * Who sends what no honest host would. Blind: segments and ICMP errors with guessed numbers, by somebody who knows addresses and ports
 * [RFC5961 1, RFC5927 4]; a connection must not suffer from them. On the path: headers changed, segments slipped in near the window,
 * receivers that lie; there the stack must only keep its own house in order. Honest as well: old packets that come again,
 * and routers that say "too big" [RFC1191 4, RFC8201 4].
 */
#include "sim/swarm_internal.h"

#include <stdlib.h>
#include <string.h>

#include "sim/forge.h"

enum {
    FORGED_MAX = FORGE_HEADERS_MAX + 64,
    FORGED_TEXT = 40,
    REPLAY_FIRST_US = 1000,
    REPLAY_LAST_US = 20000000
};

/* --- blind ----------------------------------------------------------------------------------------- */

/* What the victim would believe must not be hit by luck: no oracle could tell it from the peer's. */
static uint32_t guessed_ack(struct swarm *swarm, const struct side *victim)
{
    uint32_t ack = (uint32_t)sim_chance_next(&swarm->chance);
    struct gander_tcp_info info;

    if (victim->owner.socket != 0 &&
        gander_tcp_info(victim->host->host->stack, victim->owner.socket, &info) == GANDER_OK &&
        ack - info.snd_una + 0x20000000U < 0x40000000U)
        ack += 0x60000000U;
    return ack;
}

static bool is_established(const struct side *side)
{
    struct gander_tcp_info info;

    return side->owner.socket != 0 &&
           gander_tcp_info(side->host->host->stack, side->owner.socket, &info) == GANDER_OK &&
           info.state >= GANDER_TCP_ESTABLISHED;
}

static void blind_segment(struct swarm_link *link, unsigned end, struct flow *flow,
                          const struct conn *conn, unsigned victim)
{
    static const uint8_t flags[] = {0x04, 0x14, 0x02, 0x12, 0x10, 0x18, 0x11, 0x10};
    struct swarm *swarm = link->swarm;
    struct forge_segment segment = {.source = flow->address[1 - victim],
                                    .destination = flow->address[victim],
                                    .seq = (uint32_t)sim_chance_next(&swarm->chance),
                                    .ack = guessed_ack(swarm, &conn->side[victim]),
                                    .window = (uint16_t)sim_chance_next(&swarm->chance),
                                    .flags = flags[sim_chance_below(&swarm->chance, 8)]};
    uint8_t bytes[FORGED_MAX];

    if (flow->item->kind != SIM_ITEM_meet)
        (victim ? &segment.source : &segment.destination)->port = conn->client_port;
    /* A SYN that meets SYN-SENT is believed: nothing tells it from a peer that opens at the same time [RFC9293 3.5]. */
    if (segment.flags == GANDER_FLAG_SYN && !is_established(&conn->side[victim]))
        segment.flags |= GANDER_FLAG_ACK;
    if (segment.flags & GANDER_FLAG_PSH)
        segment.text_bytes = FORGED_TEXT;
    if (sim_chance_percent(&swarm->chance, 20))
        (void)sim_link_slip_in(link->link, end, bytes,
                               forge_icmp_error(bytes, &segment, sim_chance_next(&swarm->chance)));
    else
        (void)sim_link_slip_in(link->link, end, bytes, forge_segment_write(bytes, &segment));
}

void forger_blind(struct swarm_link *link, unsigned end)
{
    struct swarm *swarm = link->swarm;
    struct flow *flow;

    if (swarm->flow_count == 0)
        return;
    flow = &swarm->flows[sim_chance_below(&swarm->chance, swarm->flow_count)];
    if (&swarm->links[flow->link] != link || flow->item->kind == SIM_ITEM_datagrams ||
        flow->begun == 0)
        return;
    blind_segment(link, end, flow, &flow->conns[flow->begun - 1], flow->host[1] == link->host[end]);
}

/* --- on the path ----------------------------------------------------------------------------------- */

static bool too_big(struct swarm_link *link, unsigned end, const struct gander_packet *packet)
{
    uint8_t start[FORGE_QUOTE_BYTES], bytes[FORGED_MAX + FORGE_QUOTE_BYTES];
    size_t n;

    if (link->mtu[end] == 0 || packet->len <= link->mtu[end])
        return false;
    n = gander_packet_bytes(packet, start, sizeof(start));
    (void)sim_link_slip_in(link->link, end, bytes, forge_too_big(bytes, start, n, link->mtu[end]));
    return true;
}

struct replay {
    struct sim_alarm alarm;
    struct replay *next; /* of swarm->replays */
    struct swarm_link *link;
    unsigned end; /* where it arrives */
    size_t len;
    uint8_t bytes[];
};

static void replay_due(void *context, struct sim_world *world)
{
    struct replay *replay = context;
    struct replay **at = &replay->link->swarm->replays;

    (void)world;
    if (!replay->link->swarm->ending)
        (void)sim_link_slip_in(replay->link->link, replay->end, replay->bytes, replay->len);
    while (*at != replay)
        at = &(*at)->next;
    *at = replay->next;
    free(replay);
}

void forger_free(struct swarm *swarm)
{
    while (swarm->replays) {
        struct replay *replay = swarm->replays;

        swarm->replays = replay->next;
        free(replay);
    }
}

static void replay_later(struct swarm_link *link, unsigned end, const struct gander_packet *packet)
{
    struct swarm *swarm = link->swarm;
    struct replay *replay = malloc(sizeof(*replay) + packet->len);
    int64_t us = sim_chance_between(&swarm->chance, REPLAY_FIRST_US, REPLAY_LAST_US);

    if (!replay)
        return;
    memset(replay, 0, sizeof(*replay));
    replay->link = link;
    replay->end = 1 - end;
    replay->len = gander_packet_bytes(packet, replay->bytes, packet->len);
    replay->next = swarm->replays;
    swarm->replays = replay;
    swarm_alarm(swarm, &replay->alarm, replay_due, replay, swarm_now(swarm) + us * GANDER_US);
}

/* True: the forged one takes the place of the real one. */
static bool mangle(struct swarm_link *link, unsigned end, const struct gander_packet *packet)
{
    struct swarm *swarm = link->swarm;
    uint8_t *bytes = swarm->chunk;
    size_t n = gander_packet_bytes(packet, bytes, sizeof(swarm->chunk));

    if (!forge_change(bytes, &n, &swarm->chance))
        return false;
    (void)sim_link_slip_in(link->link, 1 - end, bytes, n);
    return sim_chance_percent(&swarm->chance, 50);
}

bool forger_tap(void *context, struct sim_link *sim_link, unsigned end,
                const struct gander_packet *packet)
{
    struct swarm_link *link = context;
    struct sim_chance *chance = &link->swarm->chance;

    (void)sim_link;
    if (too_big(link, end, packet))
        return false;
    if (link->replay_ppm[end] && sim_chance_below(chance, GANDER_PPM) < link->replay_ppm[end])
        replay_later(link, end, packet);
    if (link->mangle_ppm[end] && sim_chance_below(chance, GANDER_PPM) < link->mangle_ppm[end])
        return !mangle(link, end, packet);
    return true;
}

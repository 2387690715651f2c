/* SPDX-License-Identifier: MIT */
/*
 * Packets in and out, and the stack's addresses. What leaves waits with the time at which it left, since the harness asks for a packet only
 * when its script expects one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object.h"

enum { BURST = 64, PREFIX_IPV4 = 24, PREFIX_IPV6 = 64 };

/* --- addresses ------------------------------------------------------------------------------------ */

bool pd_link_make(struct pd_object *o)
{
    const struct gander_link_config config = {.mtu_bytes = o->settings.mtu_bytes};
    const struct gander_address any4 = {.family = GANDER_IPV4}, any6 = {.family = GANDER_IPV6};

    return gander_link_add(o->stack, &config, &o->link) == 0 &&
           gander_route_add(o->stack, o->link, &any4, 0) == 0 &&
           gander_route_add(o->stack, o->link, &any6, 0) == 0;
}

static bool is_any(const struct gander_address *address)
{
    static const uint8_t zero[16];

    return memcmp(address->ip, zero, sizeof(zero)) == 0;
}

void pd_address_need(struct pd_object *o, const struct gander_address *address)
{
    bool *have = address->family == GANDER_IPV4 ? &o->have4 : &o->have6;
    unsigned prefix = address->family == GANDER_IPV4 ? PREFIX_IPV4 : PREFIX_IPV6;

    if (*have || address->family == 0 || is_any(address))
        return;
    *have = gander_address_add(o->stack, o->link, address, prefix) == 0;
}

/* Asked for by a flag or the harness; else what packetdrill calls its own if nobody says otherwise. */
void pd_address_any(struct pd_object *o, unsigned family)
{
    const struct gander_address *known =
        family == GANDER_IPV4 ? &o->settings.local4 : &o->settings.local6;
    struct gander_address usual;

    if (known->family) {
        pd_address_need(o, known);
        return;
    }
    if (gander_address_parse(family == GANDER_IPV4 ? "192.168.0.1" : "fd3d:fa7b:d17d::1", &usual) ==
        0)
        pd_address_need(o, &usual);
}

static void address_from_packet(struct pd_object *o, const uint8_t *packet, size_t bytes)
{
    struct gander_address to = {0};

    if (bytes >= 20 && packet[0] >> 4 == 4) {
        to.family = GANDER_IPV4;
        memcpy(to.ip, packet + 16, 4);
    } else if (bytes >= 40 && packet[0] >> 4 == 6) {
        to.family = GANDER_IPV6;
        memcpy(to.ip, packet + 24, 16);
    }
    pd_address_need(o, &to);
}

/* --- in and out -------------------------------------------------------------------------------------- */

int pd_netdev_send(void *ud, const void *packet, size_t bytes)
{
    struct pd_object *o = ud;
    struct gander_packet *p;

    pd_enter(o);
    o->driver = pthread_self();
    address_from_packet(o, packet, bytes);
    pd_run(o);
    p = bytes > 0 ? gander_packet_alloc(o->stack, bytes) : NULL;
    if (p) {
        memcpy(p->frag[0].data, packet, bytes);
        gander_input(o->stack, o->link, &p, 1);
    }
    pd_leave(o);
    return p ? 0 : pd_fail(bytes > 0 ? ENOBUFS : EINVAL);
}

static void append(struct pd_object *o, const struct gander_packet *packet)
{
    struct pd_packet *p = malloc(sizeof(*p) + packet->len);

    if (!p)
        return;
    p->next = NULL;
    p->time_us = o->now_us;
    p->bytes = gander_packet_bytes(packet, p->data, packet->len);
    *o->last = p;
    o->last = &p->next;
}

bool pd_collect(struct pd_object *o)
{
    struct gander_packet *packets[BURST];
    bool any = false;
    size_t n;

    while ((n = gander_output(o->stack, o->link, packets, BURST)) > 0) {
        for (size_t i = 0; i < n; i++) {
            append(o, packets[i]);
            gander_packet_free(packets[i]);
        }
        any = true;
    }
    return any;
}

static struct pd_packet *take_first(struct pd_object *o)
{
    struct pd_packet *p = o->first;

    o->first = p->next;
    if (!o->first)
        o->last = &o->first;
    return p;
}

void pd_netdev_finish(struct pd_object *o)
{
    while (o->first)
        free(take_first(o));
}

/* The plain harness leaves the time undefined or 0; a deadline is one that a script could mean. */
static int64_t deadline_of(const struct pd_object *o, long long time_us)
{
    const int64_t hour_us = (int64_t)3600 * 1000000;
    int64_t at = time_us - PD_EPOCH_US;

    if (time_us <= 0)
        return PD_NEVER;
    if (!o->settings.fitted && (at < o->now_us - hour_us || at > o->now_us + 24 * hour_us))
        return PD_NEVER;
    return at > o->now_us ? at : o->now_us;
}

/* Lets time pass until something leaves; false: `deadline_us` is here, or nothing ever will. */
static bool wait_for_packet(struct pd_object *o, int64_t deadline_us)
{
    while (!o->first) {
        int64_t next = pd_next_us(o);

        if (next > deadline_us)
            next = deadline_us;
        if (next == PD_NEVER)
            return false;
        pd_advance(o, next);
        if (!o->first && o->now_us >= deadline_us)
            return false;
    }
    return true;
}

int pd_netdev_receive(void *ud, void *packet, size_t *bytes, long long *time_us)
{
    struct pd_object *o = ud;
    int64_t deadline_us;
    struct pd_packet *p;
    int result = 0;

    pd_enter(o);
    o->driver = pthread_self();
    deadline_us = deadline_of(o, *time_us);
    pd_run(o);
    if (wait_for_packet(o, deadline_us)) {
        p = take_first(o);
        *bytes = p->bytes < *bytes ? p->bytes : *bytes;
        memcpy(packet, p->data, *bytes);
        *time_us = PD_EPOCH_US + p->time_us;
        free(p);
    } else {
        *bytes = 0;
        *time_us = PD_EPOCH_US + o->now_us;
        if (deadline_us == PD_NEVER)
            result = pd_fail(ETIMEDOUT); /* nothing will ever leave */
    }
    pd_leave(o);
    return result;
}

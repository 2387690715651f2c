/* SPDX-License-Identifier: MIT */
/* Cables of the simulated world: a memory pair with impairments at both ends, and captures where
 * asked. */
#include <stdlib.h>
#include <string.h>

#include <gander/capture.h>
#include <gander/pair.h>

#include "sim/internal.h"

/* Closing twice would be a leak's opposite: an end owns its outermost driver and packets that wait
 * for it. */
static void end_close(struct end *end)
{
    for (int i = 0; i < end->waiting; i++)
        gander_packet_free(end->packets[i]);
    while (end->slipped_in) {
        struct gander_packet *packet = end->slipped_in;

        end->slipped_in = packet->next;
        gander_packet_free(packet);
    }
    gander_driver_close(end->driver);
}

void sim_links_close(struct sim_world *world)
{
    while (world->links) {
        struct sim_link *link = world->links;

        world->links = link->next;
        end_close(&link->ends[0]);
        end_close(&link->ends[1]);
        free(link);
    }
}

/* "192.0.2.1/24" */
static int parse_prefixed(const char *text, struct gander_address *address, unsigned *prefix_bits)
{
    char ip[GANDER_ADDRESS_TEXT_BYTES];
    const char *slash = strchr(text, '/');
    char *rest;
    unsigned long bits;

    if (!slash || (size_t)(slash - text) >= sizeof(ip))
        return GANDER_EINVAL;
    memcpy(ip, text, (size_t)(slash - text));
    ip[slash - text] = '\0';
    bits = strtoul(slash + 1, &rest, 10);
    if (rest == slash + 1 || *rest != '\0' || bits > 128)
        return GANDER_EINVAL;
    *prefix_bits = (unsigned)bits;
    return gander_address_parse(ip, address);
}

static int add_address(struct end *end, const char *text)
{
    struct gander_address address;
    unsigned prefix_bits;
    int result = parse_prefixed(text, &address, &prefix_bits);

    if (result < 0)
        return result;
    return gander_address_add(end->host->public.stack, end->link, &address, prefix_bits);
}

int sim_link_address(struct sim_link *link, const char *address_a, const char *address_b)
{
    int result = add_address(&link->ends[0], address_a);

    return result < 0 ? result : add_address(&link->ends[1], address_b);
}

int sim_link_default_route(struct sim_link *link)
{
    const struct gander_address any4 = {.family = GANDER_IPV4};
    const struct gander_address any6 = {.family = GANDER_IPV6};
    int result = GANDER_OK;

    for (unsigned i = 0; i < 2 && result == GANDER_OK; i++) {
        const struct end *end = &link->ends[i];

        result = gander_route_add(end->host->public.stack, end->link, &any4, 0);
        if (result == GANDER_OK)
            result = gander_route_add(end->host->public.stack, end->link, &any6, 0);
    }
    return result;
}

/* Wraps a bare end with its faults, and gives the host a link for it. Owns the driver from the
 * start. */
static int end_init(struct sim_link *cable, struct end *end, struct sim_host *host,
                    struct gander_driver *bare, const struct gander_impairment *faults)
{
    const struct gander_link_config config = {bare->mtu_bytes, bare->flags};
    struct gander_impairment seeded = {0};
    int result;

    end->host = (struct world_host *)(void *)host;
    end->driver = bare;
    end->slipped_in_last = &end->slipped_in;
    end->cable = cable;
    if (faults)
        seeded = *faults;
    if (seeded.seed == 0)
        seeded.seed = sim_draw(end->host->world);
    result = gander_impair_create(bare, host->stack, &seeded, NULL, &end->impair);
    if (result < 0)
        return result;
    end->driver = end->impair;
    result = gander_link_add(host->stack, &config, &end->link);
    if (result < 0)
        return result;
    end->host->ends[end->link] = end;
    end->host->end_count = end->link + 1;
    return GANDER_OK;
}

int sim_link_add(struct sim_world *world, struct sim_host *a, const char *address_a,
                 struct sim_host *b, const char *address_b, const struct sim_cable *cable,
                 struct sim_link **link)
{
    const struct sim_cable perfect = {0};
    struct gander_driver *bare[2];
    struct sim_link *new = calloc(1, sizeof(*new));
    int result;

    if (!new)
        return GANDER_ENOMEM;
    if (!cable)
        cable = &perfect;
    result = gander_pair_create(cable->mtu_bytes ? cable->mtu_bytes : 1500, cable->flags,
                                cable->queue_packets, &bare[0], &bare[1]);
    if (result < 0) {
        free(new);
        return result;
    }
    new->world = world;
    new->copies = cable->copies;
    /* In the list even if it fails halfway: what the stack has been told of it cannot be taken
     * back. */
    *world->last_link = new;
    world->last_link = &new->next;
    new->ends[1].driver = bare[1];
    result = end_init(new, &new->ends[0], a, bare[0], cable->ab);
    if (result == GANDER_OK)
        result = end_init(new, &new->ends[1], b, bare[1], cable->ba);
    if (result == GANDER_OK)
        result = sim_link_address(new, address_a, address_b);
    if (link)
        *link = new;
    return result;
}

int sim_link_change(struct sim_link *link, unsigned end, const struct gander_impairment *faults)
{
    return gander_impair_change(link->ends[end].impair, GANDER_IMPAIR_TRANSMIT, faults);
}

void sim_link_refuse(struct sim_link *link, unsigned end, gander_time until)
{
    link->ends[end].refuses_until = until;
}

void sim_link_tap(struct sim_link *link, unsigned end, sim_tap_fn *tap, void *context)
{
    link->ends[end].tap = tap;
    link->ends[end].tap_context = context;
}

int sim_link_slip_in(struct sim_link *link, unsigned end, const void *bytes, size_t len)
{
    struct end *at = &link->ends[end];
    struct gander_packet *packet = gander_packet_alloc(at->host->public.stack, len);

    if (!packet)
        return GANDER_ENOMEM;
    memcpy(packet->frag[0].data, bytes, len);
    packet->next = NULL;
    *at->slipped_in_last = packet;
    at->slipped_in_last = &packet->next;
    return GANDER_OK;
}

unsigned sim_link_number(const struct sim_link *link, unsigned end)
{
    return link->ends[end].link;
}

void sim_link_counters(const struct sim_link *link, unsigned end,
                       struct gander_impair_counters *counters)
{
    if (gander_impair_counters(link->ends[end].impair, GANDER_IMPAIR_TRANSMIT, counters) < 0)
        memset(counters, 0, sizeof(*counters));
}

int sim_link_capture(struct sim_link *link, unsigned end, const char *path)
{
    struct end *at = &link->ends[end];
    const struct gander_capture_options options = {
        .path = path, .name = at->host->public.name, .explain = true};
    int result;

    if (at->capture)
        return GANDER_EINVAL;
    result = gander_capture_create(at->driver, &options, &at->capture);
    if (result == GANDER_OK)
        at->driver = at->capture;
    return result;
}

int sim_link_capture_end(struct sim_link *link, unsigned end)
{
    return gander_capture_finish(link->ends[end].capture);
}

/* SPDX-License-Identifier: MIT */
/*
 * Two ends of a cable in memory: a ring of packet pointers for each direction. What one end
 * transmits, the other one receives, the same packet; only what belonged to the sender's link is
 * cleared. Takes no time: for delay and faults wrap an end with gander/impair.h.
 */
#include <gander/pair.h>

#include <stdlib.h>

/* Packets under way to one end. Positions only grow; the size is a power of two. */
struct ring {
    struct gander_packet **packets;
    uint32_t mask;
    uint32_t head, tail; /* next to take, next to put */
};

struct end {
    struct gander_driver driver;
    struct cable *cable;
    struct ring arriving;
    bool open;
};

struct cable {
    struct end ends[2];
};

static inline struct end *end_of(struct gander_driver *driver)
{
    return (struct end *)(void *)driver;
}

static inline struct end *other_end(struct end *end)
{
    return end == &end->cable->ends[0] ? &end->cable->ends[1] : &end->cable->ends[0];
}

static int pair_receive(struct gander_driver *driver, struct gander_stack *stack, gander_time now,
                        struct gander_packet **packets, int max)
{
    struct ring *ring = &end_of(driver)->arriving;
    int n = 0;

    (void)stack;
    (void)now;
    while (n < max && ring->head != ring->tail)
        packets[n++] = ring->packets[ring->head++ & ring->mask];
    driver->received_packets += (uint64_t)n;
    return n;
}

static int refuse_all(struct gander_driver *driver, struct gander_packet *const *packets, int n)
{
    for (int i = 0; i < n; i++)
        gander_packet_free(packets[i]);
    driver->refused_packets += (uint64_t)n;
    return n;
}

static int pair_transmit(struct gander_driver *driver, gander_time now,
                         struct gander_packet *const *packets, int n)
{
    struct end *peer = other_end(end_of(driver));
    struct ring *ring = &peer->arriving;
    uint8_t vouched = (driver->flags & GANDER_LINK_TRUSTED) ? GANDER_PACKET_CHECKSUM_OK : 0;
    int sent = 0;

    (void)now;
    if (!peer->open)
        return refuse_all(driver, packets, n);
    while (sent < n && ring->tail - ring->head <= ring->mask) {
        struct gander_packet *packet = packets[sent++];

        packet->flags = (uint8_t)((packet->flags & ~GANDER_PACKET_CHECKSUM_OK) | vouched);
        packet->next = NULL;
        ring->packets[ring->tail++ & ring->mask] = packet;
    }
    driver->transmitted_packets += (uint64_t)sent;
    return sent;
}

/* Now, if anything lies here: an impairment may have sent it on while the owner of this end was not
 * looking. */
static gander_time pair_deadline(const struct gander_driver *driver)
{
    const struct ring *ring = &((const struct end *)(const void *)driver)->arriving;

    return ring->head != ring->tail ? 0 : GANDER_NEVER;
}

static int pair_descriptor(const struct gander_driver *driver)
{
    (void)driver;
    return -1;
}

static void ring_finish(struct ring *ring)
{
    while (ring->head != ring->tail)
        gander_packet_free(ring->packets[ring->head++ & ring->mask]);
    free(ring->packets);
    ring->packets = NULL;
}

static void pair_close(struct gander_driver *driver)
{
    struct end *end = end_of(driver);

    end->open = false;
    ring_finish(&end->arriving);
    if (!other_end(end)->open)
        free(end->cable);
}

static const struct gander_driver_ops pair_ops = {
    .receive = pair_receive,
    .transmit = pair_transmit,
    .deadline = pair_deadline,
    .descriptor = pair_descriptor,
    .close = pair_close,
};

static bool end_init(struct end *end, struct cable *cable, uint32_t mtu_bytes, uint32_t flags,
                     uint32_t room)
{
    *end = (struct end){
        .driver = {.ops = &pair_ops, .mtu_bytes = mtu_bytes, .flags = flags},
        .cable = cable,
        .arriving = {.packets = malloc(room * sizeof(struct gander_packet *)), .mask = room - 1},
        .open = true,
    };
    return end->arriving.packets != NULL;
}

int gander_pair_create(uint32_t mtu_bytes, uint32_t flags, uint32_t queue_packets,
                       struct gander_driver **a, struct gander_driver **b)
{
    struct cable *cable;
    uint32_t room = 1;
    bool made;

    if (mtu_bytes < 576 || mtu_bytes > 65535 || queue_packets > GANDER_PAIR_QUEUE_PACKETS_MAX)
        return GANDER_EINVAL;
    if (queue_packets == 0)
        queue_packets = GANDER_PAIR_QUEUE_PACKETS;
    while (room < queue_packets)
        room *= 2;
    cable = malloc(sizeof(*cable));
    if (!cable)
        return GANDER_ENOMEM;
    made = end_init(&cable->ends[0], cable, mtu_bytes, flags, room);
    made = end_init(&cable->ends[1], cable, mtu_bytes, flags, room) && made;
    if (!made) {
        free(cable->ends[0].arriving.packets);
        free(cable->ends[1].arriving.packets);
        free(cable);
        return GANDER_ENOMEM;
    }
    *a = &cable->ends[0].driver;
    *b = &cable->ends[1].driver;
    return GANDER_OK;
}

/* SPDX-License-Identifier: MIT */
/*
 * A bad network around any driver; include/gander/impair.h has the model. Each direction is a
 * `struct lane`: faults by chance or by order, then a serializing clock for the rate, then a heap
 * of packets by the time at which they are due.
 *
 * Changes are made on copies only: a packet's payload may be the sender's retransmission queue
 * itself.
 */
#include <gander/impair.h>

#include <stdlib.h>
#include <string.h>

enum { LANES = 2, HEAP_FIRST_ROOM = 64, BITS_IN_BYTE = 8, RECEIVE_BURSTS = 16 };

/* Whatever draws numbers has a sequence of its own. */
enum draw { DRAW_LOSS, DRAW_DUPLICATE, DRAW_REORDER, DRAW_CORRUPT, DRAW_BIT, DRAW_JITTER, DRAWS };

struct held {
    gander_time due;
    uint64_t order; /* ties leave as they came */
    struct gander_packet *packet;
};

struct lane {
    struct gander_impairment config;
    struct gander_impair_counters counters;
    uint64_t draws[DRAWS]; /* generator states */
    gander_time queue_ns;  /* how long the whole queue takes at the rate */
    gander_time free_at;   /* when the last byte of what is queued has been sent */
    uint64_t free_at_rest; /* parts of a nanosecond beyond it, in 1/rate */
    gander_time last_due;  /* of those that keep their order */
    gander_time again_at;  /* the driver inside was full, or has more; GANDER_NEVER: neither */
    bool trusted;          /* nobody checks checksums: no corruption */
    uint64_t next_order;
    struct held *heap; /* smallest (due, order) first */
    size_t count, room;
};

struct impair {
    struct gander_driver driver;
    struct gander_driver *inner;
    struct gander_stack *stack; /* for copies of what is sent */
    struct lane lanes[LANES];   /* by enum gander_impair_direction */
};

static inline struct impair *impair_of(struct gander_driver *driver)
{
    return (struct impair *)(void *)driver;
}

/* --- chance: SplitMix64 (Steele, Lea, Flood 2014) ------------------------------------------- */

static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* 0 … below − 1 */
static uint64_t draw_below(uint64_t *state, uint64_t below)
{
    return below > UINT32_MAX ? draw(state) % below : ((draw(state) >> 32) * below) >> 32;
}

static bool chance(struct lane *lane, enum draw kind, uint32_t ppm)
{
    return ppm != 0 && draw_below(&lane->draws[kind], GANDER_PPM) < ppm;
}

static void draws_seed(struct lane *lane, uint64_t seed, unsigned direction)
{
    uint64_t state = seed ^ ((uint64_t)direction << 63);

    for (unsigned i = 0; i < DRAWS; i++)
        lane->draws[i] = draw(&state);
}

/* --- the heap ----------------------------------------------------------------------------------
 */

static inline bool due_before(const struct held *a, const struct held *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static bool heap_reserve(struct lane *lane)
{
    size_t room = lane->room ? lane->room * 2 : HEAP_FIRST_ROOM;
    struct held *heap;

    if (lane->count < lane->room)
        return true;
    if (lane->count >= GANDER_IMPAIR_HELD_PACKETS)
        return false;
    heap = realloc(lane->heap, room * sizeof(*heap));
    if (!heap)
        return false;
    lane->heap = heap;
    lane->room = room;
    return true;
}

static void heap_push(struct lane *lane, struct held new)
{
    size_t i = lane->count++;

    while (i > 0 && due_before(&new, &lane->heap[(i - 1) / 2])) {
        lane->heap[i] = lane->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    lane->heap[i] = new;
}

static struct gander_packet *heap_pop(struct lane *lane)
{
    struct gander_packet *packet = lane->heap[0].packet;
    struct held last = lane->heap[--lane->count];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= lane->count)
            break;
        if (child + 1 < lane->count && due_before(&lane->heap[child + 1], &lane->heap[child]))
            child++;
        if (!due_before(&lane->heap[child], &last))
            break;
        lane->heap[i] = lane->heap[child];
        i = child;
    }
    lane->heap[i] = last;
    return packet;
}

/* --- the way of a packet through a lane
 * ----------------------------------------------------------- */

/* When a packet's last bit leaves at the lane's rate, exact in the long run; false: the queue is
 * full. */
static bool serialize(struct lane *lane, gander_time now, uint32_t bytes, gander_time *leaves)
{
    uint64_t rate = lane->config.rate_bits_per_second;
    uint64_t work;

    *leaves = now;
    if (rate == 0)
        return true;
    if (lane->free_at <= now) { /* idle: begins now */
        lane->free_at = now;
        lane->free_at_rest = 0;
    }
    if (lane->free_at - now > lane->queue_ns)
        return false;
    work = (uint64_t)bytes * BITS_IN_BYTE * (uint64_t)GANDER_S + lane->free_at_rest;
    lane->free_at += (gander_time)(work / rate);
    lane->free_at_rest = work % rate;
    *leaves = lane->free_at;
    return true;
}

static void discard(struct gander_packet *packet, uint64_t *counter)
{
    gander_packet_free(packet);
    ++*counter;
}

/* Queue, rate, delay, jitter, order. */
static void lane_hold(struct lane *lane, gander_time now, struct gander_packet *packet,
                      bool reorder)
{
    const struct gander_impairment *config = &lane->config;
    gander_time due;

    if (!heap_reserve(lane) || !serialize(lane, now, packet->len, &due)) {
        discard(packet, &lane->counters.overflowed);
        return;
    }
    due += config->delay_ns;
    if (config->jitter_ns > 0)
        due += (gander_time)draw_below(&lane->draws[DRAW_JITTER], (uint64_t)config->jitter_ns + 1);
    if (due < lane->last_due && !config->jitter_reorders)
        due = lane->last_due;
    if (reorder) {
        lane->counters.reordered++;
        due += config->reorder_ns;
    } else {
        lane->last_due = due;
    }
    packet->link_time_ns = due;
    heap_push(lane, (struct held){.due = due, .order = lane->next_order++, .packet = packet});
}

static bool listed(const struct gander_impairment *config, uint64_t number)
{
    for (unsigned i = 0; i < GANDER_IMPAIR_LIST; i++) {
        if (config->drop_numbers[i] == number)
            return true;
    }
    return false;
}

/* Which faults befall the lane's latest packet. All are drawn for each, so that one does not shift
 * the others. */
static unsigned decide(struct lane *lane, const struct gander_packet *packet)
{
    const struct gander_impairment *config = &lane->config;
    uint64_t number = lane->counters.packets;
    unsigned actions = 0;

    if (config->choose)
        actions = config->choose(config->choose_context, number, packet);
    if (chance(lane, DRAW_LOSS, config->loss_ppm) || listed(config, number))
        actions |= GANDER_IMPAIR_DROP;
    if (chance(lane, DRAW_DUPLICATE, config->duplicate_ppm))
        actions |= GANDER_IMPAIR_DUPLICATE;
    if (chance(lane, DRAW_REORDER, config->reorder_ppm))
        actions |= GANDER_IMPAIR_REORDER;
    if (chance(lane, DRAW_CORRUPT, config->corrupt_ppm))
        actions |= GANDER_IMPAIR_CORRUPT;
    if (lane->trusted)
        actions &= ~(unsigned)GANDER_IMPAIR_CORRUPT;
    return actions;
}

static struct gander_packet *copy_of(struct lane *lane, struct gander_stack *stack,
                                     const struct gander_packet *packet)
{
    struct gander_packet *copy = stack ? gander_packet_copy(stack, packet) : NULL;

    if (!copy) {
        lane->counters.copy_failures++;
        return NULL;
    }
    copy->flags |= GANDER_PACKET_IMPAIRED;
    return copy;
}

/* The packet with one bit flipped, or NULL: lost, for want of memory for the copy. */
static struct gander_packet *corrupted(struct lane *lane, struct gander_stack *stack,
                                       struct gander_packet *packet)
{
    struct gander_packet *copy = copy_of(lane, stack, packet);
    uint64_t bit;

    gander_packet_free(packet);
    if (!copy) {
        lane->counters.lost++;
        return NULL;
    }
    bit = draw_below(&lane->draws[DRAW_BIT], (uint64_t)copy->len * BITS_IN_BYTE);
    copy->frag[0].data[bit / BITS_IN_BYTE] ^= (uint8_t)(1u << (bit % BITS_IN_BYTE));
    copy->flags &= (uint8_t)~GANDER_PACKET_CHECKSUM_OK;
    lane->counters.corrupted++;
    return copy;
}

static void lane_put(struct lane *lane, struct gander_stack *stack, gander_time now,
                     struct gander_packet *packet)
{
    struct gander_packet *twin = NULL;
    unsigned actions;

    lane->counters.packets++;
    lane->counters.bytes += packet->len;
    actions = decide(lane, packet);
    if (actions & GANDER_IMPAIR_DROP) {
        discard(packet, &lane->counters.lost);
        return;
    }
    if (actions & GANDER_IMPAIR_CORRUPT) {
        packet = corrupted(lane, stack, packet);
        if (!packet)
            return;
    }
    if (actions & GANDER_IMPAIR_DUPLICATE)
        twin = copy_of(lane, stack, packet);
    lane_hold(lane, now, packet, (actions & GANDER_IMPAIR_REORDER) != 0);
    if (twin) {
        lane->counters.duplicated++;
        lane_hold(lane, now, twin, false);
    }
}

/* The next packet that is due, or NULL. */
static struct gander_packet *lane_take(struct lane *lane, gander_time now)
{
    struct gander_packet *packet;

    if (lane->count == 0 || lane->heap[0].due > now)
        return NULL;
    packet = heap_pop(lane);
    lane->counters.delivered++;
    lane->counters.delivered_bytes += packet->len;
    return packet;
}

/* --- the driver
 * -------------------------------------------------------------------------------------- */

/* Hands what is due to the driver inside. One at a time, so that what it does not take stays in its
 * place. */
static int forward_due(struct impair *impair, gander_time now)
{
    struct lane *lane = &impair->lanes[GANDER_IMPAIR_TRANSMIT];

    lane->again_at = GANDER_NEVER;
    while (lane->count > 0 && lane->heap[0].due <= now) {
        struct gander_packet *packet = lane->heap[0].packet;
        uint32_t len = packet->len;
        int sent = gander_driver_transmit(impair->inner, now, &packet, 1);

        if (sent < 0)
            return sent;
        if (sent == 0) {
            lane->again_at = now + GANDER_MS;
            return GANDER_OK;
        }
        (void)heap_pop(lane);
        lane->counters.delivered++;
        lane->counters.delivered_bytes += len;
        impair->driver.transmitted_packets++;
    }
    return GANDER_OK;
}

static int impair_transmit(struct gander_driver *driver, gander_time now,
                           struct gander_packet *const *packets, int n)
{
    struct impair *impair = impair_of(driver);
    struct lane *lane = &impair->lanes[GANDER_IMPAIR_TRANSMIT];
    int result = forward_due(impair, now);

    if (result < 0)
        return result;
    for (int i = 0; i < n; i++)
        lane_put(lane, impair->stack, now, packets[i]);
    /* The packets are taken by now; if the device is gone, the next call says so. */
    (void)forward_due(impair, now);
    return n;
}

/* Takes in what has arrived. More than one burst: most of it may be lost or delayed, and the caller
 * takes "none" for "nothing there". Bounded, for a device that never runs dry. */
static int take_in(struct impair *impair, struct gander_stack *stack, gander_time now,
                   struct gander_packet **packets, int max)
{
    struct lane *lane = &impair->lanes[GANDER_IMPAIR_RECEIVE];
    int n = max;

    for (int burst = 0; burst < RECEIVE_BURSTS && n == max; burst++) {
        n = gander_driver_receive(impair->inner, stack, now, packets, max);
        for (int i = 0; i < n; i++)
            lane_put(lane, stack, now, packets[i]);
    }
    lane->again_at = n == max ? now : GANDER_NEVER;
    return n < 0 ? n : GANDER_OK;
}

static int impair_receive(struct gander_driver *driver, struct gander_stack *stack, gander_time now,
                          struct gander_packet **packets, int max)
{
    struct impair *impair = impair_of(driver);
    struct gander_packet *packet;
    int result = forward_due(impair, now);
    int n = 0;

    if (result < 0 || max <= 0)
        return result;
    result = take_in(impair, stack, now, packets, max);
    while (n < max && (packet = lane_take(&impair->lanes[GANDER_IMPAIR_RECEIVE], now)) != NULL)
        packets[n++] = packet;
    driver->received_packets += (uint64_t)n;
    return n == 0 ? result : n;
}

static gander_time impair_deadline(const struct gander_driver *driver)
{
    const struct impair *impair = (const struct impair *)(const void *)driver;
    const struct lane *out = &impair->lanes[GANDER_IMPAIR_TRANSMIT];
    const struct lane *in = &impair->lanes[GANDER_IMPAIR_RECEIVE];
    gander_time earliest = gander_driver_deadline(impair->inner);
    gander_time out_at = out->again_at;

    if (out_at == GANDER_NEVER && out->count > 0)
        out_at = out->heap[0].due;
    if (out_at < earliest)
        earliest = out_at;
    if (in->count > 0 && in->heap[0].due < earliest)
        earliest = in->heap[0].due;
    return in->again_at < earliest ? in->again_at : earliest;
}

static int impair_descriptor(const struct gander_driver *driver)
{
    return gander_driver_descriptor(((const struct impair *)(const void *)driver)->inner);
}

static void impair_close(struct gander_driver *driver)
{
    struct impair *impair = impair_of(driver);

    for (unsigned i = 0; i < LANES; i++) {
        struct lane *lane = &impair->lanes[i];

        while (lane->count > 0)
            gander_packet_free(heap_pop(lane));
        free(lane->heap);
    }
    gander_driver_close(impair->inner);
    free(impair);
}

static const struct gander_driver_ops impair_ops = {
    .receive = impair_receive,
    .transmit = impair_transmit,
    .deadline = impair_deadline,
    .descriptor = impair_descriptor,
    .close = impair_close,
};

/* --- making one
 * ------------------------------------------------------------------------------------------ */

static bool times_valid(const struct gander_impairment *config)
{
    const gander_time longest = 1000000 * GANDER_S; /* sums of these stay far from GANDER_NEVER */

    return config->delay_ns >= 0 && config->delay_ns <= longest && config->jitter_ns >= 0 &&
           config->jitter_ns <= longest && config->reorder_ns >= 0 && config->reorder_ns <= longest;
}

static bool config_valid(const struct gander_impairment *config, const struct gander_driver *inner)
{
    if (config->loss_ppm > GANDER_PPM || config->duplicate_ppm > GANDER_PPM ||
        config->reorder_ppm > GANDER_PPM || config->corrupt_ppm > GANDER_PPM)
        return false;
    if (config->corrupt_ppm > 0 && (inner->flags & GANDER_LINK_TRUSTED))
        return false;
    return times_valid(config) && config->queue_bytes <= 1u << 30;
}

static void lane_configure(struct lane *lane, const struct gander_impairment *config)
{
    lane->config = *config;
    if (lane->config.reorder_ns == 0)
        lane->config.reorder_ns = GANDER_MS;
    if (lane->config.queue_bytes == 0)
        lane->config.queue_bytes = GANDER_IMPAIR_QUEUE_BYTES;
    if (lane->config.rate_bits_per_second > 0)
        lane->queue_ns = (gander_time)((uint64_t)lane->config.queue_bytes * BITS_IN_BYTE *
                                       (uint64_t)GANDER_S / lane->config.rate_bits_per_second);
}

static void lane_init(struct lane *lane, const struct gander_impairment *config, unsigned direction,
                      uint32_t link_flags)
{
    const struct gander_impairment perfect = {0};

    lane_configure(lane, config ? config : &perfect);
    lane->again_at = GANDER_NEVER;
    lane->trusted = (link_flags & GANDER_LINK_TRUSTED) != 0;
    draws_seed(lane, lane->config.seed, direction);
}

int gander_impair_create(struct gander_driver *inner, struct gander_stack *stack,
                         const struct gander_impairment *transmit,
                         const struct gander_impairment *receive, struct gander_driver **driver)
{
    struct impair *impair;

    if (!inner || (transmit && !config_valid(transmit, inner)) ||
        (receive && !config_valid(receive, inner)))
        return GANDER_EINVAL;
    if (!stack && transmit && (transmit->duplicate_ppm > 0 || transmit->corrupt_ppm > 0))
        return GANDER_EINVAL;
    impair = calloc(1, sizeof(*impair));
    if (!impair)
        return GANDER_ENOMEM;
    impair->driver.ops = &impair_ops;
    impair->driver.mtu_bytes = inner->mtu_bytes;
    impair->driver.flags = inner->flags;
    impair->inner = inner;
    impair->stack = stack;
    lane_init(&impair->lanes[GANDER_IMPAIR_TRANSMIT], transmit, GANDER_IMPAIR_TRANSMIT,
              inner->flags);
    lane_init(&impair->lanes[GANDER_IMPAIR_RECEIVE], receive, GANDER_IMPAIR_RECEIVE, inner->flags);
    *driver = &impair->driver;
    return GANDER_OK;
}

int gander_impair_change(struct gander_driver *driver, enum gander_impair_direction direction,
                         const struct gander_impairment *config)
{
    struct impair *impair = driver && driver->ops == &impair_ops ? impair_of(driver) : NULL;

    if (!impair || (unsigned)direction >= LANES || !config_valid(config, impair->inner))
        return GANDER_EINVAL;
    if (!impair->stack && direction == GANDER_IMPAIR_TRANSMIT &&
        (config->duplicate_ppm > 0 || config->corrupt_ppm > 0))
        return GANDER_EINVAL;
    lane_configure(&impair->lanes[direction], config);
    return GANDER_OK;
}

int gander_impair_counters(const struct gander_driver *driver,
                           enum gander_impair_direction direction,
                           struct gander_impair_counters *counters)
{
    const struct impair *impair = (const struct impair *)(const void *)driver;

    if (!driver || driver->ops != &impair_ops || (unsigned)direction >= LANES)
        return GANDER_EINVAL;
    *counters = impair->lanes[direction].counters;
    counters->held = impair->lanes[direction].count;
    counters->busy_until = impair->lanes[direction].free_at;
    return GANDER_OK;
}

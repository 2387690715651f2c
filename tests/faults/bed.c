/* SPDX-License-Identifier: MIT */
/* Two hosts, one wire, virtual time, and memory that can be refused; see bed.h. */
#include "bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/stack.h"

enum { IDLE_TURNS_MAX = 40, TURNS_MAX = 20000, RETRY_MS = 10, LOST_OF = 5, BURST = 16 };

_Noreturn void bed_fail(const struct bed *b, const char *what)
{
    const struct refusal *r = &b->refusal;

    fail_msg(
        "%s (IPv%u): %s\n    with request %llu of the %s to %s refused %s; at %.3f s; told: %s%s",
        b->scenario->name, b->family, what, (unsigned long long)r->at,
        r->side == CLIENT ? "client" : "server", r->in_slabs ? "its pools" : "the allocator",
        r->forever ? "and all behind it" : "once", (double)b->now / 1e9,
        b->reported ? gander_strerror(b->error) : "nothing", b->gave_up ? "; waited in vain" : "");
    abort();
}

/* --- memory ----------------------------------------------------------------------------------- */

static void *hook_alloc(void *context, size_t size, size_t align)
{
    struct hook *hook = context;
    uint64_t n = ++hook->calls;
    void *memory;

    if (hook->refuse_at && (n == hook->refuse_at || (n > hook->refuse_at && hook->forever)))
        return NULL;
    if (posix_memalign(&memory, align < sizeof(void *) ? sizeof(void *) : align, size) != 0)
        return NULL;
    hook->bytes += size;
    return memory;
}

static void hook_free(void *context, void *memory, size_t size)
{
    struct hook *hook = context;

    hook->bytes -= size;
    free(memory);
}

/* Slabs count and refuse requests only in builds with GANDER_DEBUG; elsewhere nobody asks for it. */
static uint64_t slab_requests(const struct gander_stack *stack)
{
#ifdef GANDER_DEBUG
    return stack ? stack->mem->requests : 0;
#else
    (void)stack;
    return 0;
#endif
}

static void slab_refuse(struct gander_stack *stack, uint64_t at, bool forever)
{
#ifdef GANDER_DEBUG
    if (stack)
        mem_refuse(stack->mem, at, forever);
#else
    (void)stack, (void)at, (void)forever;
#endif
}

uint64_t bed_requests(const struct bed *b)
{
    if (!b->refusal.in_slabs)
        return b->hook[b->refusal.side].calls;
    return slab_requests(b->stack[b->refusal.side]);
}

static void refuse(struct bed *b, uint64_t at, bool forever)
{
    enum side side = b->refusal.side;

    if (!b->refusal.in_slabs) {
        b->hook[side].refuse_at = at;
        b->hook[side].forever = forever;
    } else {
        slab_refuse(b->stack[side], at, forever);
    }
}

/* --- begin and end ------------------------------------------------------------------------------ */

struct gander_address bed_address(const struct bed *b, enum side side, uint16_t port)
{
    const char *const texts[2][2] = {{"192.0.2.1", "192.0.2.2"}, {"2001:db8::1", "2001:db8::2"}};
    struct gander_address address;

    assert_int_equal(gander_address_parse(texts[b->family == GANDER_IPV6][side], &address), 0);
    address.port = port;
    return address;
}

static void configure(struct bed *b, enum side side, struct gander_config *config)
{
    const struct scenario *s = b->scenario;

    gander_config_init(config);
    config->memory = (struct gander_memory){hook_alloc, hook_free, &b->hook[side]};
    if (side == SERVER && s->memory_bytes)
        config->memory_max_bytes = s->memory_bytes;
    config->secret[0] = (uint8_t)side;
    config->tcp_msl_ns = GANDER_S;
    config->tcp_fin_wait2_ns = 5 * GANDER_S;
    config->tcp_retries_r2 = 6;
    config->tcp_syn_retries = 3;
    config->tcp_synack_retries = 3;
    config->tcp_keepalive_idle_ns = 5 * GANDER_S;
    config->tcp_keepalive_interval_ns = GANDER_S;
    config->tcp_keepalive_probes = 3;
    config->tcp_sack = !(s->without & WITHOUT_SACK);
    config->tcp_timestamps = !(s->without & WITHOUT_TIMESTAMPS);
    config->tcp_window_scaling = !(s->without & WITHOUT_SCALING);
    if (s->congestion)
        config->tcp_congestion_control = s->congestion;
    if (s->buffer_bytes)
        config->tcp_send_buffer_bytes = config->tcp_receive_buffer_bytes = s->buffer_bytes;
}

bool bed_begin(struct bed *b, const struct scenario *scenario, uint8_t family,
               const struct refusal *refusal)
{
    const struct gander_link_config wire = {.mtu_bytes = 1500};

    memset(b, 0, sizeof(*b));
    b->scenario = scenario;
    b->family = family;
    b->refusal = *refusal;
    if (!refusal->in_slabs)
        refuse(b, refusal->at, refusal->forever);
    for (unsigned side = CLIENT; side <= SERVER; side++) {
        struct gander_address address = bed_address(b, side, 0);
        struct gander_config config;
        int result;

        configure(b, side, &config);
        result = gander_stack_create(&config, &b->stack[side]);
        if (result == GANDER_ENOMEM && refusal->side == side && !refusal->in_slabs) {
            b->refused = b->reported = true;
            return false;
        }
        if (result != GANDER_OK ||
            gander_link_add(b->stack[side], &wire, &b->link[side]) != GANDER_OK ||
            gander_address_add(b->stack[side], 0, &address, family == GANDER_IPV4 ? 24 : 64) != 0)
            bed_fail(b, "no host");
    }
    if (refusal->in_slabs)
        refuse(b, refusal->at, refusal->forever);
    return true;
}

void bed_end(struct bed *b)
{
    for (unsigned side = CLIENT; side <= SERVER; side++) {
        for (unsigned i = 0; i < b->flying_count[side]; i += 2) /* some go first, some last */
            gander_packet_free(b->flying[side][i]);
        gander_stack_destroy(b->stack[side]);
    }
    for (unsigned side = CLIENT; side <= SERVER; side++)
        for (unsigned i = 1; i < b->flying_count[side]; i += 2)
            gander_packet_free(b->flying[side][i]);
    if (b->hook[CLIENT].bytes != 0 || b->hook[SERVER].bytes != 0)
        bed_fail(b, "memory is missing after the end");
}

static void check_empty(const struct bed *b, enum side side)
{
    struct gander_stats stats;

    gander_stats(b->stack[side], &stats);
    if (stats.sockets != 0)
        bed_fail(b, "a socket is left");
    if (stats.tcp_connections != 0 || stats.tcp_syn_received != 0 || stats.tcp_time_wait != 0)
        bed_fail(b, "a connection is left");
    if (b->stack[side]->mem->live != 0)
        bed_fail(b, "a packet or block is left");
    if (gander_deadline(b->stack[side]) != GANDER_NEVER)
        bed_fail(b, "a timer is left");
}

void bed_finish(struct bed *b)
{
    b->over = true;
    if (b->stack[CLIENT] && b->stack[SERVER]) {
        refuse(b, 0, false);
        b->idle_turns = b->turns = 0;
        for (unsigned side = CLIENT; side <= SERVER; side++)
            for (unsigned i = 0; i < b->socket_count[side]; i++)
                (void)gander_close(b->stack[side], b->sockets[side][i]);
        for (unsigned turns = 0; b->idle_turns == 0 && turns < 100000; turns++)
            (void)bed_turn(b);
        check_empty(b, CLIENT);
        check_empty(b, SERVER);
    }
    bed_end(b);
}

/* --- the wire ------------------------------------------------------------------------------------- */

static void fly(struct bed *b, enum side to, struct gander_packet *packet)
{
    if (b->flying_count[to] == BED_IN_FLIGHT_MAX)
        gander_packet_free(packet); /* full: lost */
    else
        b->flying[to][b->flying_count[to]++] = packet;
}

/* Into memory of who receives, as a driver of a device would. */
static struct gander_packet *copied(struct bed *b, enum side to, struct gander_packet *packet)
{
    struct gander_packet *copy = gander_packet_copy(b->stack[to], packet);

    gander_packet_free(packet);
    return copy;
}

/* One in five, the same ones each time. */
static bool is_lost(uint64_t n)
{
    return (uint32_t)(n * 2654435761U) >> 16 < 65536 / LOST_OF;
}

static void put_on_wire(struct bed *b, enum side to, struct gander_packet *packet)
{
    unsigned wire = b->scenario->wire;
    uint64_t n = b->sent++;
    struct gander_packet *again = NULL;

    if (b->cut || ((wire & WIRE_LOSS) && is_lost(n)) ||
        ((wire & WIRE_HOLE) && packet->len > 1000 && n % 2 == 0 && n < 40)) {
        gander_packet_free(packet);
        return;
    }
    if ((wire & WIRE_DUPLICATE) && n % 3 == 0)
        again = gander_packet_copy(b->stack[to], packet);
    if (wire & WIRE_COPY)
        packet = copied(b, to, packet);
    if (packet)
        fly(b, to, packet);
    if (again)
        fly(b, to, again);
}

static bool send_all(struct bed *b, enum side from)
{
    struct gander_packet *packets[BURST];
    bool any = false;
    size_t n;

    while ((n = gander_output(b->stack[from], b->link[from], packets, BURST)) > 0) {
        any = true;
        for (size_t i = 0; i < n; i++)
            put_on_wire(b, from == CLIENT ? SERVER : CLIENT, packets[i]);
    }
    return any;
}

static bool deliver_all(struct bed *b, enum side to)
{
    struct gander_packet **flying = b->flying[to];
    unsigned n = b->flying_count[to];

    b->flying_count[to] = 0;
    if (n == 0)
        return false;
    if (b->scenario->wire & WIRE_REORDER)
        for (unsigned i = 0; i < n / 2; i++) {
            struct gander_packet *packet = flying[i];

            flying[i] = flying[n - 1 - i];
            flying[n - 1 - i] = packet;
        }
    gander_input(b->stack[to], b->link[to], flying, n);
    return true;
}

void bed_inject(struct bed *b, enum side side, const uint8_t *bytes, size_t len)
{
    struct gander_packet *packet = gander_packet_alloc(b->stack[side], len);

    if (!packet)
        return;
    memcpy(packet->frag[0].data, bytes, len);
    gander_input(b->stack[side], b->link[side], &packet, 1);
}

size_t bed_intercept(struct bed *b, enum side side, uint8_t *bytes, size_t max)
{
    size_t len = 0;

    (void)send_all(b, side == CLIENT ? SERVER : CLIENT);
    for (unsigned i = 0; i < b->flying_count[side]; i++) {
        if (i == 0)
            len = gander_packet_bytes(b->flying[side][i], bytes, max);
        gander_packet_free(b->flying[side][i]);
    }
    b->flying_count[side] = 0;
    return len;
}

/* --- time ------------------------------------------------------------------------------------------ */

/* Which end an event belongs to is its context; without one it is nobody's. */
static bool take_events(struct bed *b)
{
    struct gander_event events[BURST];
    bool any = false;
    size_t n;

    for (unsigned side = CLIENT; side <= SERVER; side++)
        while ((n = gander_events(b->stack[side], events, BURST)) > 0)
            for (size_t i = 0; i < n; i++) {
                struct end *end = events[i].context;

                any = true;
                if (b->over || !end || end->socket != events[i].socket)
                    continue;
                end->bits |= events[i].bits;
                end->readable |= (events[i].bits & GANDER_EVENT_READABLE) != 0;
                end->readable |= (events[i].bits & GANDER_EVENT_PEER_CLOSED) != 0;
                end->writable |= (events[i].bits & GANDER_EVENT_WRITABLE) != 0;
                end->closed |= (events[i].bits & GANDER_EVENT_CLOSED) != 0;
                if (events[i].error)
                    end->error = events[i].error;
            }
    return any;
}

static void advance(struct bed *b, gander_time to)
{
    b->now = to > b->now ? to : b->now;
    gander_advance(b->stack[CLIENT], b->now);
    gander_advance(b->stack[SERVER], b->now);
    (void)take_events(b);
}

bool bed_turn(struct bed *b)
{
    gander_time a = gander_deadline(b->stack[CLIENT]), z = gander_deadline(b->stack[SERVER]);
    gander_time next = a < z ? a : z;
    bool any = send_all(b, CLIENT);

    any |= send_all(b, SERVER);
    any |= deliver_all(b, CLIENT);
    any |= deliver_all(b, SERVER);
    any |= take_events(b);
    if (any) {
        b->idle_turns = 0;
        return ++b->turns < TURNS_MAX;
    }
    if (next == GANDER_NEVER) {
        b->idle_turns++;
        advance(b, b->now + RETRY_MS * GANDER_MS);
    } else if (b->refused && next > b->now + RETRY_MS * GANDER_MS) {
        b->refused = false; /* who was refused tries again */
        advance(b, b->now + RETRY_MS * GANDER_MS);
    } else {
        b->idle_turns = 0;
        advance(b, next);
    }
    return b->idle_turns < IDLE_TURNS_MAX && ++b->turns < TURNS_MAX;
}

void bed_wait(struct bed *b, gander_time ns)
{
    gander_time until = b->now + ns;

    while (b->now < until) {
        gander_time a = gander_deadline(b->stack[CLIENT]), z = gander_deadline(b->stack[SERVER]);
        gander_time next = a < z ? a : z;
        bool any = send_all(b, CLIENT);

        any |= send_all(b, SERVER);
        any |= deliver_all(b, CLIENT);
        any |= deliver_all(b, SERVER);
        any |= take_events(b);
        if (!any)
            advance(b, next < until ? next : until);
    }
}

bool bed_ok(struct bed *b, int64_t result)
{
    if (result >= 0 || result == GANDER_EAGAIN)
        return true;
    if (result == GANDER_ENOMEM)
        b->refused = true;
    else
        b->error = (int)result;
    b->reported = true;
    return false;
}

bool bed_again(struct bed *b, int64_t result)
{
    static const unsigned tries = 20;

    if (result != GANDER_ENOMEM) {
        b->idle_turns = result == GANDER_EAGAIN ? b->idle_turns : 0;
        return false;
    }
    b->refused = true;
    bed_wait(b, RETRY_MS * GANDER_MS);
    return ++b->idle_turns < tries;
}

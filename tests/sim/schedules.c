/* SPDX-License-Identifier: MIT */
/* Two stacks, a wire with faults by order, two applications: see schedules.h. */
#include "sim/schedules.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDES = 2, WIRE_MAX = 256, IDS_MAX = 16, PACKETS_MAX = 1000, PORT = 80, CLIENT_PORT = 4000 };

static const gander_time latency_ns = 10 * GANDER_MS;
static const gander_time swap_wait_ns = 300 * GANDER_MS; /* nothing follows: it goes alone */
static const gander_time delay_ns = 3500 * GANDER_MS;    /* beyond the RTO, and the one behind it */
static const gander_time limit_ns = 4 * 3600 * GANDER_S;

struct run;

struct side {
    struct run *run;
    unsigned index;
    const struct part *part;
    struct gander_stack *stack;
    unsigned link;
    struct gander_address address;
    gander_socket listener, socket;
    bool opened, connected, shut, peer_closed, over, aborted;
    int error;
    uint32_t sent, received;
    struct {
        uint64_t id;
        uint8_t state;
    } ids[IDS_MAX];
};

struct flying {
    gander_time due;
    unsigned order, to;
    struct gander_packet *packet;
};

struct run {
    const struct scenario *scenario;
    const struct schedule *schedule;
    struct transitions *transitions;
    char *text;
    gander_time now;
    size_t live_bytes;
    struct side sides[SIDES];
    struct flying wire[WIRE_MAX];
    unsigned flying, order, packets;
    struct gander_packet *held[SIDES]; /* to be swapped with the next */
    gander_time held_until[SIDES];
};

static void wrong(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The first thing that goes wrong is told. */
static void wrong(struct run *run, const char *format, ...)
{
    va_list list;

    if (run->text[0])
        return;
    va_start(list, format);
    vsnprintf(run->text, RUN_TEXT_BYTES, format, list);
    va_end(list);
}

static void require(bool ok)
{
    if (!ok)
        abort();
}

/* --- states -------------------------------------------------------------------------------------- */

#define TO(state) (1U << GANDER_TCP_##state)

bool transition_is_legal(unsigned from, unsigned to)
{
    static const unsigned legal[GANDER_TCP_STATES] = {
        [GANDER_TCP_CLOSED] = TO(SYN_SENT),
        [GANDER_TCP_LISTEN] = TO(SYN_RECEIVED),
        [GANDER_TCP_SYN_SENT] = TO(SYN_RECEIVED) | TO(ESTABLISHED) | TO(CLOSED),
        [GANDER_TCP_SYN_RECEIVED] = TO(ESTABLISHED) | TO(FIN_WAIT_1) | TO(CLOSED),
        [GANDER_TCP_ESTABLISHED] = TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED),
        [GANDER_TCP_FIN_WAIT_1] = TO(FIN_WAIT_2) | TO(CLOSING) | TO(CLOSED),
        [GANDER_TCP_FIN_WAIT_2] = TO(TIME_WAIT) | TO(CLOSED),
        [GANDER_TCP_CLOSE_WAIT] = TO(LAST_ACK) | TO(CLOSED),
        [GANDER_TCP_CLOSING] = TO(TIME_WAIT) | TO(CLOSED),
        [GANDER_TCP_LAST_ACK] = TO(CLOSED),
        [GANDER_TCP_TIME_WAIT] = TO(CLOSED),
    };

    return from < GANDER_TCP_STATES && to < GANDER_TCP_STATES && (legal[from] >> to & 1);
}

/* Each connection's transitions must be legal, and join. */
static void on_trace(void *context, const struct gander_trace_event *event)
{
    struct side *side = context;
    unsigned from = event->u.state.from, to = event->u.state.to, i = 0;

    if (event->type != GANDER_TRACE_state)
        return;
    if (!transition_is_legal(from, to)) {
        side->run->transitions->illegal++;
        wrong(side->run, "illegal: %s to %s", gander_tcp_state_name(from),
              gander_tcp_state_name(to));
        return;
    }
    side->run->transitions->taken[from][to]++;
    while (i < IDS_MAX && side->ids[i].id != event->id && side->ids[i].id != 0)
        i++;
    if (i == IDS_MAX)
        return;
    if (side->ids[i].id == event->id && side->ids[i].state != from)
        wrong(side->run, "from %s, but it was in %s", gander_tcp_state_name(from),
              gander_tcp_state_name(side->ids[i].state));
    side->ids[i].id = event->id;
    side->ids[i].state = (uint8_t)to;
}

/* --- the wire -------------------------------------------------------------------------------------- */

static void fly(struct run *run, unsigned to, struct gander_packet *packet, gander_time due)
{
    require(run->flying < WIRE_MAX);
    run->wire[run->flying++] =
        (struct flying){.due = due, .order = run->order++, .to = to, .packet = packet};
}

static void release_held(struct run *run, unsigned to)
{
    struct gander_packet *packet = run->held[to];

    run->held[to] = NULL;
    if (packet)
        fly(run, to, packet, run->now + latency_ns);
}

/* One bit, anywhere. */
static struct gander_packet *corrupted(struct run *run, unsigned from, struct gander_packet *packet)
{
    struct gander_packet *copy = gander_packet_copy(run->sides[from].stack, packet);
    unsigned number = run->packets;

    require(copy != NULL);
    copy->frag[0].data[(number * 13 + 5) % copy->len] ^= (uint8_t)(1U << number % 8);
    gander_packet_free(packet);
    return copy;
}

static void send_with_fault(struct run *run, unsigned from, struct gander_packet *packet,
                            enum fault_kind kind)
{
    unsigned to = !from;
    gander_time due = run->now + latency_ns;

    switch (kind) {
    case FAULT_DROP:
        gander_packet_free(packet);
        break;
    case FAULT_DUPLICATE:
        fly(run, to, gander_packet_copy(run->sides[from].stack, packet), due);
        fly(run, to, packet, due);
        break;
    case FAULT_SWAP:
        run->held[to] = packet;
        run->held_until[to] = run->now + swap_wait_ns;
        break;
    case FAULT_DELAY:
        fly(run, to, packet, due + delay_ns);
        break;
    default:
        fly(run, to, corrupted(run, from, packet), due);
        break;
    }
}

static void wire_send(struct run *run, unsigned from, struct gander_packet *packet)
{
    const struct schedule *s = run->schedule;
    struct gander_packet *swapped = run->held[!from];
    unsigned i = 0;

    run->held[!from] = NULL;
    while (i < s->count && s->faults[i].packet != run->packets)
        i++;
    if (i < s->count)
        send_with_fault(run, from, packet, s->faults[i].kind);
    else
        fly(run, !from, packet, run->now + latency_ns);
    if (swapped)
        fly(run, !from, swapped, run->now + latency_ns);
    if (++run->packets > PACKETS_MAX)
        wrong(run, "more than %d packets", PACKETS_MAX);
}

/* What is due arrives, one packet at a time. */
static bool wire_arrive(struct run *run)
{
    unsigned best = WIRE_MAX;
    struct flying f;

    for (unsigned i = 0; i < run->flying; i++)
        if (run->wire[i].due <= run->now &&
            (best == WIRE_MAX || run->wire[i].due < run->wire[best].due ||
             (run->wire[i].due == run->wire[best].due &&
              run->wire[i].order < run->wire[best].order)))
            best = i;
    if (best == WIRE_MAX)
        return false;
    f = run->wire[best];
    run->wire[best] = run->wire[--run->flying];
    gander_input(run->sides[f.to].stack, run->sides[f.to].link, &f.packet, 1);
    return true;
}

/* --- the applications -------------------------------------------------------------------------------- */

static uint8_t text_byte(unsigned from, uint32_t i)
{
    return (uint8_t)(i * 31 + (i >> 8) + from * 101);
}

static void app_send(struct side *side)
{
    uint8_t text[4096];
    uint32_t n = 0;
    int64_t taken;

    if (side->shut || (side->part->send_at_end && !side->peer_closed))
        return;
    while (n < sizeof(text) && side->sent + n < side->part->bytes) {
        text[n] = text_byte(side->index, side->sent + n);
        n++;
    }
    if (n == 0)
        return;
    taken = gander_send(side->stack, side->socket, text, n, 0);
    if (taken > 0)
        side->sent += (uint32_t)taken;
}

static void app_receive(struct side *side)
{
    uint8_t text[4096];
    int64_t n;

    if (side->run->now < side->part->read_from)
        return;
    while ((n = gander_receive(side->stack, side->socket, text, sizeof(text), 0)) > 0) {
        for (int64_t i = 0; i < n; i++)
            if (text[i] != text_byte(!side->index, side->received + (uint32_t)i))
                wrong(side->run, "%u received a wrong byte at %u", side->index,
                      side->received + (uint32_t)i);
        side->received += (uint32_t)n;
    }
    if (n == 0 && side->error == GANDER_OK)
        side->peer_closed = true;
}

static void app_shut(struct side *side)
{
    const struct part *part = side->part;
    bool all_sent = side->sent == part->bytes;
    bool now = part->shut_from == AT_END ? side->peer_closed : side->run->now >= part->shut_from;

    if (side->shut || !all_sent || !now)
        return;
    if (part->close_at_once && !side->connected) /* CLOSE in SYN-SENT gives up [RFC9293 3.10.4] */
        return;
    if (part->close_at_once) {
        gander_close(side->stack, side->socket);
        side->socket = 0;
        side->over = true;
    } else if (gander_shutdown(side->stack, side->socket, GANDER_SHUTDOWN_SEND) != GANDER_OK) {
        return;
    }
    side->shut = true;
}

static void app_abort(struct side *side)
{
    if (side->part->abort_at == 0 || side->run->now < side->part->abort_at)
        return;
    gander_abort(side->stack, side->socket);
    side->socket = 0;
    side->over = side->aborted = true;
}

static void app_events(struct side *side)
{
    struct gander_event events[8];
    size_t n = gander_events(side->stack, events, 8);

    for (size_t i = 0; i < n; i++) {
        if (events[i].socket != side->socket || side->socket == 0)
            continue;
        if (events[i].bits & GANDER_EVENT_CONNECTED)
            side->connected = true;
        if (events[i].bits & GANDER_EVENT_CLOSED) {
            side->error = events[i].error;
            side->over = true;
        }
    }
}

/* A listener may get an old SYN once more, but must not tell of a connection that nobody opened. */
static void app_accept(struct side *side)
{
    gander_socket socket;

    if (!side->listener || gander_accept(side->stack, side->listener, &socket, NULL) != GANDER_OK)
        return;
    if (side->opened) {
        wrong(side->run, "a second connection was accepted");
        gander_abort(side->stack, socket);
        return;
    }
    side->socket = socket;
    side->opened = side->connected = true;
    gander_set_option(side->stack, socket, GANDER_OPTION_KEEPALIVE, 1);
    gander_set_option(side->stack, socket, GANDER_OPTION_KEEPALIVE_IDLE_NS, 60 * GANDER_S);
}

static void app_turn(struct side *side)
{
    bool over = side->over;

    app_accept(side);
    app_events(side);
    if (!side->socket)
        return;
    app_abort(side);
    if (side->socket && side->connected)
        app_receive(side);
    if (!over && side->over && !side->aborted) { /* reads what is left */
        gander_close(side->stack, side->socket);
        side->socket = 0;
    }
    if (side->socket)
        app_send(side);
    if (side->socket)
        app_shut(side);
}

/* --- time ---------------------------------------------------------------------------------------------- */

static void settle(struct run *run)
{
    struct gander_packet *packet;
    bool moved;

    do {
        moved = wire_arrive(run);
        for (unsigned i = 0; i < SIDES; i++) {
            struct side *side = &run->sides[i];

            app_turn(side);
            while (gander_output(side->stack, side->link, &packet, 1) == 1) {
                wire_send(run, i, packet);
                moved = true;
            }
        }
    } while (moved && !run->text[0]);
}

static void earlier(gander_time *next, gander_time at, gander_time now)
{
    if (at > now && at < *next)
        *next = at;
}

static gander_time next_time(const struct run *run)
{
    gander_time next = GANDER_NEVER;

    for (unsigned i = 0; i < run->flying; i++)
        if (run->wire[i].due < next)
            next = run->wire[i].due;
    for (unsigned i = 0; i < SIDES; i++) {
        const struct side *side = &run->sides[i];
        gander_time deadline = gander_deadline(side->stack);

        if (deadline < next)
            next = deadline > run->now ? deadline : run->now;
        if (run->held[i] && run->held_until[i] < next)
            next = run->held_until[i];
        if (side->over)
            continue;
        earlier(&next, side->part->shut_from, run->now);
        earlier(&next, side->part->read_from, run->now);
        earlier(&next, side->part->abort_at, run->now);
    }
    return next;
}

static bool is_over(const struct run *run)
{
    struct gander_stats stats;

    if (run->flying > 0 || run->held[0] || run->held[1])
        return false;
    for (unsigned i = 0; i < SIDES; i++) {
        const struct side *side = &run->sides[i];

        gander_stats(side->stack, &stats);
        if (side->socket || stats.tcp_connections || stats.tcp_syn_received || stats.tcp_time_wait)
            return false;
    }
    return true;
}

static void run_to_end(struct run *run)
{
    settle(run);
    while (!run->text[0] && !is_over(run)) {
        gander_time next = next_time(run);

        if (next > limit_ns) {
            wrong(run, "no end after %lld h", (long long)(limit_ns / (3600 * GANDER_S)));
            return;
        }
        run->now = next;
        for (unsigned i = 0; i < SIDES; i++) {
            gander_advance(run->sides[i].stack, run->now);
            if (run->held[i] && run->held_until[i] <= run->now)
                release_held(run, i);
        }
        settle(run);
    }
}

/* --- beginning and end ----------------------------------------------------------------------------------- */

static void *take(void *context, size_t size, size_t align)
{
    struct run *run = context;
    void *memory = NULL;

    if (posix_memalign(&memory, align < sizeof(void *) ? sizeof(void *) : align, size) != 0)
        return NULL;
    run->live_bytes += size;
    return memory;
}

static void give_back(void *context, void *memory, size_t size)
{
    struct run *run = context;

    run->live_bytes -= size;
    free(memory);
}

static void side_create(struct run *run, unsigned i)
{
    static const char *const addresses[SIDES] = {"192.0.2.1", "192.0.2.2"};
    const struct scenario *scenario = run->scenario;
    const struct gander_link_config link = {.mtu_bytes = 1500};
    struct side *side = &run->sides[i];
    struct gander_config config;

    *side = (struct side){.run = run, .index = i, .part = &scenario->parts[i]};
    gander_config_init(&config);
    config.memory = (struct gander_memory){.alloc = take, .free = give_back, .context = run};
    memset(config.secret, (int)i + 1, sizeof(config.secret));
    config.trace = on_trace;
    config.trace_context = side;
    if (scenario->receive_buffer)
        config.tcp_receive_buffer_bytes = scenario->receive_buffer;
    config.tcp_timestamps = config.tcp_sack = config.tcp_window_scaling = !scenario->bare;
    require(gander_stack_create(&config, &side->stack) == GANDER_OK);
    require(gander_link_add(side->stack, &link, &side->link) == GANDER_OK);
    require(gander_address_parse(addresses[i], &side->address) == GANDER_OK);
    require(gander_address_add(side->stack, side->link, &side->address, 24) == GANDER_OK);
    side->address.port = (uint16_t)(i == 0 ? CLIENT_PORT : PORT);
}

static void side_opens(struct side *side, const struct gander_address *peer, bool listens)
{
    gander_socket socket;

    require(gander_open(side->stack, GANDER_TCP, &socket) == GANDER_OK);
    require(gander_bind(side->stack, socket, &side->address) == GANDER_OK);
    if (listens) {
        require(gander_listen(side->stack, socket, 4) == GANDER_OK);
        side->listener = socket;
        return;
    }
    require(gander_connect(side->stack, socket, peer) == GANDER_OK);
    side->socket = socket;
    side->opened = true;
}

static void begin(struct run *run)
{
    enum opening opening = run->scenario->opening;
    struct side *client = &run->sides[0], *server = &run->sides[1];

    for (unsigned i = 0; i < SIDES; i++)
        side_create(run, i);
    if (opening != OPEN_REFUSED)
        side_opens(server, &client->address, opening == OPEN_PASSIVE);
    side_opens(client, &server->address, false);
}

static void judge_side(struct run *run, const struct side *side)
{
    const struct scenario *scenario = run->scenario;
    const struct side *peer = &run->sides[!side->index];
    bool abrupt = scenario->parts[0].abort_at || scenario->parts[1].abort_at;

    if (scenario->opening == OPEN_REFUSED) {
        if (side->index == 0 && (!side->over || side->error != GANDER_ECONNREFUSED))
            wrong(run, "not refused: %s", gander_strerror(side->error));
        return;
    }
    if (abrupt) { /* a prefix arrived, and everybody knows that it is over */
        if (side->received > peer->sent || (side->opened && !side->over))
            wrong(run, "%u: not told", side->index);
        return;
    }
    if (!side->over || side->error != GANDER_OK)
        wrong(run, "%u ended with: %s", side->index, gander_strerror(side->error));
    else if (!side->part->close_at_once &&
             (side->received != peer->part->bytes || !side->peer_closed))
        wrong(run, "%u received %u of %u bytes", side->index, side->received, peer->part->bytes);
}

static void end(struct run *run)
{
    struct gander_stats stats;

    for (unsigned i = 0; i < SIDES && !run->text[0]; i++)
        judge_side(run, &run->sides[i]);
    for (unsigned i = 0; i < run->flying; i++)
        gander_packet_free(run->wire[i].packet);
    for (unsigned i = 0; i < SIDES; i++) {
        struct side *side = &run->sides[i];

        if (run->held[i])
            gander_packet_free(run->held[i]);
        if (side->listener)
            gander_close(side->stack, side->listener);
        gander_stats(side->stack, &stats);
        if (stats.sockets != 0)
            wrong(run, "%u: %u sockets are left", i, (unsigned)stats.sockets);
        gander_stack_destroy(side->stack);
    }
    if (run->live_bytes != 0)
        wrong(run, "%zu bytes are left", run->live_bytes);
}

unsigned schedule_run(const struct scenario *scenario, const struct schedule *schedule,
                      struct transitions *transitions, char text[RUN_TEXT_BYTES])
{
    struct run run;

    memset(&run, 0, sizeof(run));
    run.scenario = scenario;
    run.schedule = schedule;
    run.transitions = transitions;
    run.text = text;
    text[0] = 0;
    begin(&run);
    run_to_end(&run);
    end(&run);
    return run.packets;
}

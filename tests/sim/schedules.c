/* SPDX-License-Identifier: MIT */
/* Two stacks, two applications, from beginning to end: see schedules.h. The wire is in schedules_wire.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/schedules_run.h"

static const gander_time limit_ns = 4 * 3600 * GANDER_S;

/* --- the applications -------------------------------------------------------------------------------- */

/* Another text from each side, and in each round. */
static uint8_t text_byte(const struct run *run, unsigned from, uint32_t i)
{
    return (uint8_t)(i * 31 + (i >> 8) + from * 101 + run->round * 57);
}

static void app_send(struct side *side)
{
    uint8_t text[4096];
    uint32_t n = 0;
    int64_t taken;

    if (side->shut || (side->part->send_at_end && !side->peer_closed))
        return;
    while (n < sizeof(text) && side->sent + n < side->part->bytes) {
        text[n] = text_byte(side->run, side->index, side->sent + n);
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
            if (text[i] != text_byte(side->run, !side->index, side->received + (uint32_t)i))
                run_wrong(side->run, "%u received a wrong byte at %u", side->index,
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
        run_wrong(side->run, "a second connection was accepted");
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

        if (deadline != GANDER_NEVER)
            deadline -= run->schedule->starts[i];

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

/* --- from beginning to end ----------------------------------------------------------------------------------- */

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
    static const char *const addresses[2][SIDES] = {{"192.0.2.1", "192.0.2.2"},
                                                    {"2001:db8::1", "2001:db8::2"}};
    const struct scenario *scenario = run->scenario;
    const struct gander_link_config link = {.mtu_bytes = 1500};
    struct side *side = &run->sides[i];
    struct gander_config config;

    *side = (struct side){.run = run, .index = i, .part = &scenario->parts[i]};
    gander_config_init(&config);
    config.memory = (struct gander_memory){.alloc = take, .free = give_back, .context = run};
    memset(config.secret, (int)i + 1, sizeof(config.secret));
    config.start = run->schedule->starts[i];
    config.trace = run_on_trace;
    config.trace_context = side;
    if (scenario->receive_buffer)
        config.tcp_receive_buffer_bytes = scenario->receive_buffer;
    config.tcp_timestamps = config.tcp_sack = config.tcp_window_scaling = !scenario->bare;
    run_require(gander_stack_create(&config, &side->stack) == GANDER_OK);
    run_require(gander_link_add(side->stack, &link, &side->link) == GANDER_OK);
    run_require(gander_address_parse(addresses[scenario->ipv6][i], &side->address) == GANDER_OK);
    run_require(gander_address_add(side->stack, side->link, &side->address,
                                   scenario->ipv6 ? 64 : 24) == GANDER_OK);
    side->address.port = (uint16_t)(i == 0 ? CLIENT_PORT : PORT);
}

static void side_opens(struct side *side, const struct gander_address *peer, bool listens)
{
    gander_socket socket;

    run_require(gander_open(side->stack, GANDER_TCP, &socket) == GANDER_OK);
    run_require(gander_bind(side->stack, socket, &side->address) == GANDER_OK);
    if (listens) {
        run_require(gander_listen(side->stack, socket, 4) == GANDER_OK);
        side->listener = socket;
        return;
    }
    run_require(gander_connect(side->stack, socket, peer) == GANDER_OK);
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

/* Faults cost time, but not any: each may cost a time-out, and doubles those that follow. */
static void judge_time(struct run *run)
{
    unsigned faults = run->schedule->count;
    gander_time most = ((4500 * GANDER_MS) << faults) - 1500 * GANDER_MS;

    if (run->over_at > most)
        run_wrong(run, "over only after %lld ms", (long long)(run->over_at / GANDER_MS));
}

static void judge_side(struct run *run, const struct side *side)
{
    const struct scenario *scenario = run->scenario;
    const struct side *peer = &run->sides[!side->index];
    bool abrupt = scenario->parts[0].abort_at || scenario->parts[1].abort_at;

    if (scenario->opening == OPEN_REFUSED) {
        if (side->index == 0 && (!side->over || side->error != GANDER_ECONNREFUSED))
            run_wrong(run, "not refused: %s", gander_strerror(side->error));
        return;
    }
    if (abrupt) { /* a prefix arrived, and everybody knows that it is over */
        if (side->received > peer->sent || (side->opened && !side->over))
            run_wrong(run, "%u: not told", side->index);
        return;
    }
    if (!side->over || side->error != GANDER_OK)
        run_wrong(run, "%u ended with: %s", side->index, gander_strerror(side->error));
    else if (!side->part->close_at_once &&
             (side->received != peer->part->bytes || !side->peer_closed))
        run_wrong(run, "%u received %u of %u bytes", side->index, side->received,
                  peer->part->bytes);
}

/* The same once more: old packets must not reach the new connection. */
static bool begin_again(struct run *run)
{
    struct side *client = &run->sides[0], *server = &run->sides[1];

    if (!run->scenario->again || run->round > 0 || !client->over || !server->over)
        return false;
    for (unsigned i = 0; i < SIDES && !run->text[0]; i++) {
        struct side *side = &run->sides[i];

        judge_side(run, side);
        side->opened = side->connected = side->shut = side->peer_closed = side->over = false;
        side->sent = side->received = 0;
    }
    run->round++;
    side_opens(client, &server->address, false);
    return true;
}

static void run_to_end(struct run *run)
{
    settle(run);
    while (!run->text[0] && !is_over(run)) {
        gander_time next = next_time(run);

        if (next > limit_ns) {
            run_wrong(run, "no end after %lld h", (long long)(limit_ns / (3600 * GANDER_S)));
            return;
        }
        run->now = next;
        for (unsigned i = 0; i < SIDES; i++) {
            gander_advance(run->sides[i].stack, run->schedule->starts[i] + run->now);
            if (run->held[i] && run->held_until[i] <= run->now)
                wire_release(run, i);
        }
        settle(run);
        if (begin_again(run))
            settle(run);
        if (run->over_at == 0 && run->sides[0].over && run->sides[1].over)
            run->over_at = run->now;
    }
}

static void end(struct run *run)
{
    struct gander_stats stats;

    for (unsigned i = 0; i < SIDES && !run->text[0]; i++)
        judge_side(run, &run->sides[i]);
    if (!run->scenario->parts[0].abort_at)
        judge_time(run);
    if (run->scenario->again && run->round == 0)
        run_wrong(run, "not done again");
    if (run->scenario->iss && run->schedule->starts[0] && run->sides[0].iss != run->scenario->iss)
        run_wrong(run, "began with %u", run->sides[0].iss);
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
            run_wrong(run, "%u: %u sockets are left", i, (unsigned)stats.sockets);
        gander_stack_destroy(side->stack);
    }
    if (run->live_bytes != 0)
        run_wrong(run, "%zu bytes are left", run->live_bytes);
}

static void run_whole(struct run *run, const struct scenario *scenario,
                      const struct schedule *schedule, struct transitions *transitions, char *text)
{
    memset(run, 0, sizeof(*run));
    run->scenario = scenario;
    run->schedule = schedule;
    run->transitions = transitions;
    run->text = text;
    text[0] = 0;
    begin(run);
    run_to_end(run);
    end(run);
}

/* The number of a connection grows by one in 4 us [RFC9293 3.4.1]. */
void schedule_aim(const struct scenario *scenario, struct schedule *schedule)
{
    const gander_time tick_ns = 4 * GANDER_US;
    struct transitions transitions = {.illegal = 0};
    char text[RUN_TEXT_BYTES];
    struct run run;

    *schedule = (struct schedule){.count = 0};
    if (scenario->iss == 0)
        return;
    run_whole(&run, scenario, schedule, &transitions, text);
    for (unsigned i = 0; i < SIDES; i++)
        schedule->starts[i] = (uint32_t)(scenario->iss - run.sides[i].iss) * tick_ns;
}

unsigned schedule_run(const struct scenario *scenario, const struct schedule *schedule,
                      struct transitions *transitions, char text[RUN_TEXT_BYTES])
{
    struct run run;

    run_whole(&run, scenario, schedule, transitions, text);
    return run.packets;
}

/* SPDX-License-Identifier: MIT */
/*
 * A session: stack + TUN + impairments + capture + loop, made from the options. The kernel's side of the device
 * gets its address here too, so that nobody needs `ip`.
 *
 * Left out: more than one link; other drivers than TUN.
 */
#include "session.h"
#include "commands.h"
#include "message.h"
#include "network.h"

#include <gander/capture.h>
#include <gander/impair.h>
#include <gander/tun.h>

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FAREWELL_NS (10 * GANDER_S)
#define FAREWELL_SIGNAL_NS (200 * GANDER_MS)
#define FAREWELL_TURN_NS (10 * GANDER_MS)

static struct gander_host *volatile signal_host;
static volatile sig_atomic_t signal_number;

static void signal_arrived(int number)
{
    signal_number = number;
    if (signal_host)
        gander_host_stop(signal_host);
}

/* The first signal asks politely; the same one again ends the process as if nobody handled it. */
static void signals_catch(struct gander_host *host)
{
    struct sigaction action = {.sa_handler = signal_arrived, .sa_flags = (int)SA_RESETHAND};

    signal_host = host;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of write(), told in words */
}

int session_signal(void)
{
    return signal_number;
}

static bool driver_open(struct session *s)
{
    char error[GANDER_TUN_ERROR_BYTES] = "";

    if (!network_plan(s->options, &s->addresses, &s->kernel))
        return false;
    if (gander_tun_open(s->options->tun, &s->driver, error, sizeof(error))) {
        s->driver = NULL;
        s->code = CODE_LOCAL;
        message_error("%s", error);
        return false;
    }
    s->code = CODE_LOCAL;
    if (s->options->kernel_addresses.none)
        return true;
    if (!network_check_free(&s->kernel, gander_tun_name(s->driver)))
        return false;
    if (gander_tun_up(s->driver, (uint32_t)s->options->mtu_bytes, error, sizeof(error))) {
        message_error("%s", error);
        return false;
    }
    for (unsigned i = 0; i < s->kernel.count; i++) {
        if (gander_tun_configure(s->driver, &s->kernel.list[i].address, s->kernel.list[i].bits,
                                 error, sizeof(error))) {
            message_error("%s", error);
            return false;
        }
    }
    return true;
}

static void trace_event(void *context, const struct gander_trace_event *event)
{
    struct session *s = context;

    trace_files_event(&s->trace, 0, event);
    if (s->captures)
        gander_capture_event(s->driver, event);
}

static bool trace_open(struct session *s)
{
    const struct trace_scene scene = {.hosts = {"gander"},
                                      .host_count = 1,
                                      .start = gander_host_now(),
                                      .wall_offset_ns = gander_host_wall_offset(),
                                      .command = message_command()};

    s->trace = s->options->trace;
    return trace_files_open(&s->trace, &scene);
}

static int stack_open(struct session *s)
{
    struct gander_config config;
    struct gander_link_config link = {.mtu_bytes = s->driver->mtu_bytes, .flags = s->driver->flags};
    int error = gander_host_config(&config);

    if (error)
        return error;
    config.tcp_pacing = s->options->pacing;
    if (s->options->congestion_control)
        config.tcp_congestion_control = s->options->congestion_control;
    if (s->options->ecn >= 0)
        config.tcp_ecn = (enum gander_ecn)s->options->ecn;
    if (s->options->fastopen)
        config.tcp_fastopen = s->options->fastopen;
    config.tcp_send_buffer_bytes = config.tcp_receive_buffer_bytes = SESSION_BUFFER_BYTES;
    config.memory_max_bytes = SESSION_MEMORY_BYTES;
    if (s->trace.open || s->trace.capture) {
        config.trace = trace_event;
        config.trace_context = s;
    }
    error = gander_stack_create(&config, &s->stack);
    if (!error)
        error = gander_link_add(s->stack, &link, &s->link);
    for (unsigned i = 0; !error && i < s->addresses.count; i++) {
        struct gander_address any = {.family = s->addresses.list[i].address.family};

        error = gander_address_add(s->stack, s->link, &s->addresses.list[i].address,
                                   s->addresses.list[i].bits);
        /* Everything else lies behind the kernel, which may forward it. Twice is no harm. */
        if (!error)
            error = gander_route_add(s->stack, s->link, &any, 0);
    }
    return error;
}

static int impair_open(struct session *s)
{
    const struct options *o = s->options;
    struct gander_impairment out = {
        .seed = o->seed,
        .loss_ppm = o->loss_ppm,
        .duplicate_ppm = o->duplicate_ppm,
        .reorder_ppm = o->reorder_ppm,
        .corrupt_ppm = o->corrupt_ppm,
        .delay_ns = o->delay_ns,
        .jitter_ns = o->jitter_ns,
        .rate_bits_per_second = o->rate_bits,
    };
    struct gander_impairment in = out;
    int error;

    in.seed = ~o->seed;
    if (!(o->loss_ppm || o->duplicate_ppm || o->reorder_ppm || o->corrupt_ppm || o->delay_ns ||
          o->jitter_ns || o->rate_bits))
        return 0;
    error = gander_impair_create(s->driver, s->stack, &out, &in, &s->driver);
    s->impairs = error ? NULL : s->driver;
    return error;
}

static int capture_open(struct session *s)
{
    struct gander_capture_options options = {
        .path = s->options->trace.capture,
        .wall_offset_ns = gander_host_wall_offset(),
        .explain = true,
    };
    int error;

    if (!s->options->trace.capture)
        return 0;
    error = gander_capture_create(s->driver, &options, &s->driver);
    if (error)
        message_error("cannot write %s: %s", s->options->trace.capture,
                      error == GANDER_EIO ? strerror(errno) : gander_strerror(error));
    s->captures = !error;
    return error;
}

int session_open(struct session *s, const struct options *options)
{
    int error;

    memset(s, 0, sizeof(*s));
    s->options = options;
    s->farewell_ns = FAREWELL_NS;
    s->code = CODE_USAGE; /* until the command line is understood */
    if (!driver_open(s)) {
        gander_driver_close(s->driver);
        return s->code;
    }
    if (!trace_open(s)) {
        gander_driver_close(s->driver);
        return CODE_LOCAL;
    }
    error = stack_open(s);
    if (!error)
        error = impair_open(s);
    if (!error && capture_open(s))
        goto failed;
    if (!error)
        error = gander_host_create(&s->host);
    if (!error)
        error = gander_host_attach(s->host, s->stack, s->link, s->driver);
    if (!error) {
        signals_catch(s->host);
        s->code = CODE_OK;
        return 0;
    }
    message_error("cannot start: %s", gander_strerror(error));
failed:
    gander_host_destroy(s->host);
    gander_driver_close(s->driver);
    gander_stack_destroy(s->stack);
    trace_files_close(&s->trace);
    return CODE_LOCAL;
}

void session_run(struct session *s, gander_host_events_fn *events, void *context)
{
    gander_host_on_events(s->host, events, context);
    while (!s->ended && !signal_number) {
        if (gander_host_run(s->host)) {
            message_error("the TUN device is gone");
            session_end(s, CODE_LOCAL);
        }
    }
}

void session_end(struct session *s, int code)
{
    if (s->code == CODE_OK)
        s->code = code;
    s->ended = true;
    gander_host_stop(s->host);
}

static void farewell_events(void *context, struct gander_stack *stack,
                            const struct gander_event *events, size_t n)
{
    (void)context;
    (void)events;
    (void)n;
    (void)stack;
}

/* Queued data, FINs and their acknowledgements, which may be lost and come again. */
static void session_farewell(struct session *s)
{
    gander_time end = gander_host_now() + (signal_number ? FAREWELL_SIGNAL_NS : s->farewell_ns);
    int signal_before = signal_number;
    struct gander_stats stats;

    gander_host_on_events(s->host, farewell_events, NULL);
    do {
        if (gander_host_run_once(s->host, FAREWELL_TURN_NS))
            return;
        gander_stats(s->stack, &stats);
    } while (stats.tcp_connections > 0 && gander_host_now() < end &&
             signal_number == signal_before);
    /* What the last turn queued, such as the acknowledgement of a FIN. */
    (void)gander_host_run_once(s->host, 0);
}

static void stats_impairment(const struct session *s, enum gander_impair_direction direction,
                             const char *name)
{
    struct gander_impair_counters c;

    if (!s->impairs || gander_impair_counters(s->impairs, direction, &c))
        return;
    message_error("impairment, %s: %" PRIu64 " packets, %" PRIu64 " lost, %" PRIu64
                  " duplicated, %" PRIu64 " reordered, %" PRIu64 " corrupted, %" PRIu64
                  " too many for the queue",
                  name, c.packets, c.lost, c.duplicated, c.reordered, c.corrupted, c.overflowed);
}

static void session_stats(const struct session *s)
{
    struct gander_stats stats;

    gander_stats(s->stack, &stats);
    message_error(
        "packets: %" PRIu64 " in, %" PRIu64 " out; TCP segments: %" PRIu64 " in, %" PRIu64 " out",
        stats.packets_in, stats.packets_out, stats.tcp_segments_in, stats.tcp_segments_out);
    message_error("retransmitted: %" PRIu64 " segments, %" PRIu64 " time-outs, %" PRIu64
                  " fast recoveries; resets: %" PRIu64 " in, %" PRIu64 " out",
                  stats.tcp_retransmitted_segments, stats.tcp_retransmit_timeouts,
                  stats.tcp_fast_recoveries, stats.tcp_resets_in, stats.tcp_resets_out);
    message_error("memory: %" PRIu64 " bytes at most; %" PRIu64 " times there was none",
                  stats.memory_peak_bytes, stats.allocation_failures);
    for (unsigned i = 1; i < GANDER_DROP_COUNT; i++)
        if (stats.drops[i])
            message_error("dropped: %" PRIu64 " %s (%s)", stats.drops[i], gander_drop_text(i),
                          gander_drop_name(i));
    stats_impairment(s, GANDER_IMPAIR_TRANSMIT, "out");
    stats_impairment(s, GANDER_IMPAIR_RECEIVE, "in");
}

int session_close(struct session *s)
{
    if (!s->ended && signal_number && s->code == CODE_OK)
        s->code = 128 + signal_number;
    session_farewell(s);
    if (s->options->stats)
        session_stats(s);
    signal_host = NULL;
    gander_host_destroy(s->host);
    if (s->captures && gander_capture_finish(s->driver)) {
        message_error("cannot write %s: %s", s->options->trace.capture, strerror(errno));
        if (s->code == CODE_OK)
            s->code = CODE_LOCAL;
    }
    gander_driver_close(s->driver);
    gander_stack_destroy(s->stack);
    if (!trace_files_close(&s->trace) && s->code == CODE_OK)
        s->code = CODE_LOCAL;
    return s->code;
}

bool session_has_family(const struct session *s, unsigned family)
{
    for (unsigned i = 0; i < s->addresses.count; i++)
        if (s->addresses.list[i].address.family == family)
            return true;
    return false;
}

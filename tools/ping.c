/* SPDX-License-Identifier: MIT */
/*
 * `gander ping HOST`: ICMP echo (RFC 792, RFC 4443 4) through the stack's PING socket. Each reply is matched to its
 * request by the sequence number; the time is measured here, not carried in the packet.
 *
 * Left out on purpose: flooding; intervals below 10 ms.
 */
#include "commands.h"
#include "dial.h"
#include "message.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WINDOW = 1024 }; /* requests whose replies are waited for */

struct ping {
    struct session session;
    struct dial dial;
    uint64_t count, size_bytes;
    gander_time interval_ns, wait_ns;
    struct gander_host_alarm alarm;
    uint64_t sent, received, duplicates;
    gander_time sent_at[WINDOW];
    bool answered[WINDOW];
    gander_time min_ns, max_ns;
    double sum_ns, squares_ns;
};

static void ping_send(struct ping *ping)
{
    static uint8_t echo[65536];
    uint64_t number = ping->sent + 1;
    size_t len = 2 + (size_t)ping->size_bytes;
    int64_t n;

    echo[0] = (uint8_t)(number >> 8);
    echo[1] = (uint8_t)number;
    for (size_t i = 2; i < len; i++)
        echo[i] = (uint8_t)i;
    ping->sent = number;
    ping->sent_at[number % WINDOW] = gander_host_now();
    ping->answered[number % WINDOW] = false;
    n = gander_send(ping->session.stack, ping->dial.socket, echo, len, 0);
    if (n < 0)
        message_error("request %" PRIu64 ": %s", number, gander_strerror((int)n));
    if (n == GANDER_EMSGSIZE)
        session_end(&ping->session, CODE_PEER);
}

static void ping_alarm(void *context, gander_time now)
{
    struct ping *ping = context;
    bool more = !ping->count || ping->sent < ping->count;

    if (!more) { /* the last replies had their time */
        session_end(&ping->session, CODE_OK);
        return;
    }
    ping_send(ping);
    more = !ping->count || ping->sent < ping->count;
    gander_host_set_alarm(ping->session.host, &ping->alarm,
                          now + (more ? ping->interval_ns : ping->wait_ns));
}

static void ping_reply(struct ping *ping, const uint8_t *echo, size_t len,
                       const struct gander_datagram *datagram, gander_time now)
{
    unsigned low = len < 2 ? 0 : (unsigned)(echo[0] << 8 | echo[1]);
    uint64_t number = (ping->sent & ~UINT64_C(0xffff)) | low;
    gander_time rtt;

    if (number > ping->sent) /* of the round of 16 bits before */
        number -= 0x10000;
    if (len < 2 || number == 0 || number > ping->sent || ping->sent - number >= WINDOW)
        return;
    rtt = now - ping->sent_at[number % WINDOW];
    if (!ping->session.options->quiet) {
        char text[GANDER_ADDRESS_TEXT_BYTES];
        struct gander_address from = datagram->peer;

        from.port = 0;
        printf("%u bytes from %s: seq=%" PRIu64 " ttl=%u time=%.3f ms%s\n", datagram->len + 6,
               gander_address_format(&from, text, sizeof(text)), number, datagram->ttl,
               (double)rtt / 1e6, ping->answered[number % WINDOW] ? " (again)" : "");
        (void)fflush(stdout);
    }
    if (ping->answered[number % WINDOW]) {
        ping->duplicates++;
        return;
    }
    ping->answered[number % WINDOW] = true;
    ping->received++;
    ping->min_ns = ping->received == 1 || rtt < ping->min_ns ? rtt : ping->min_ns;
    ping->max_ns = rtt > ping->max_ns ? rtt : ping->max_ns;
    ping->sum_ns += (double)rtt;
    ping->squares_ns += (double)rtt * (double)rtt;
    if (ping->count && ping->received == ping->count)
        session_end(&ping->session, CODE_OK);
}

static void ping_events(void *context, struct gander_stack *stack,
                        const struct gander_event *events, size_t n)
{
    static uint8_t echo[65536];
    struct ping *ping = context;
    gander_time now = gander_host_now();

    (void)events;
    (void)n;
    while (!ping->session.ended) {
        struct gander_datagram datagram;
        int64_t len =
            gander_receive_from(stack, ping->dial.socket, echo, sizeof(echo), 0, &datagram);

        if (len == GANDER_EAGAIN || len == GANDER_EBADF)
            break;
        if (len < 0)
            message_note("from the way: %s", gander_strerror((int)len));
        else
            ping_reply(ping, echo, (size_t)len, &datagram, now);
    }
}

static void ping_statistics(const struct ping *ping)
{
    uint64_t lost = ping->sent - ping->received;

    printf("--- %s: %" PRIu64 " sent, %" PRIu64 " received", ping->dial.text, ping->sent,
           ping->received);
    if (ping->duplicates)
        printf(", %" PRIu64 " again", ping->duplicates);
    printf(", %.4g%% lost\n", ping->sent ? 100.0 * (double)lost / (double)ping->sent : 0);
    if (ping->received) {
        double mean = ping->sum_ns / (double)ping->received;
        double variance = ping->squares_ns / (double)ping->received - mean * mean;

        printf("--- round trip min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms\n",
               (double)ping->min_ns / 1e6, mean / 1e6, (double)ping->max_ns / 1e6,
               sqrt(variance > 0 ? variance : 0) / 1e6);
    }
}

static int ping_run(struct ping *ping, const char *host)
{
    struct session *session = &ping->session;
    int code = dial_open(&ping->dial, session, GANDER_PING, host, 0);

    ping->alarm = (struct gander_host_alarm){.fn = ping_alarm, .context = ping};
    if (code) {
        session_end(session, code);
        return session_close(session);
    }
    printf("ping %s: %" PRIu64 " bytes of data\n", ping->dial.text, ping->size_bytes);
    (void)fflush(stdout);
    ping_alarm(ping, gander_host_now());
    session_run(session, ping_events, ping);
    gander_host_set_alarm(session->host, &ping->alarm, GANDER_NEVER);
    ping_statistics(ping);
    session_end(session, ping->received ? CODE_OK : CODE_PEER);
    return session_close(session);
}

int ping_main(int argc, char **argv)
{
    static struct ping ping;
    struct options options;
    const struct option_spec specs[] = {
        {"count", 'c', "N", "send N requests [until interrupted]", option_set_count, &ping.count},
        {"interval", 'i', "TIME", "between requests, 10ms at least [1s]", option_set_duration,
         &ping.interval_ns},
        {"size", 's', "BYTES", "of data in each [56]", option_set_number, &ping.size_bytes},
        {"wait", 'w', "TIME", "for the last reply [1s]", option_set_duration, &ping.wait_ns},
        {NULL, 0, NULL, NULL, NULL, NULL},
    };
    const struct option_usage usage = {
        "ping", "HOST", "Sends ICMP echo requests and tells about the replies.", specs, 1, 1};
    int first, code;

    options_init(&options);
    ping.interval_ns = ping.wait_ns = GANDER_S;
    ping.size_bytes = 56;
    first = options_read(&usage, &options, argc, argv);
    if (first < 0)
        return first == OPTIONS_DONE ? CODE_OK : CODE_USAGE;
    if (ping.interval_ns < 10 * GANDER_MS) {
        message_error("--interval: expected at least 10ms; nobody likes to be flooded");
        return CODE_USAGE;
    }
    if (ping.size_bytes > options.mtu_bytes - 28) {
        message_error("--size %" PRIu64 ": expected at most %" PRIu64
                      ", which fits a packet of the "
                      "MTU",
                      ping.size_bytes, options.mtu_bytes - 28);
        return CODE_USAGE;
    }
    code = session_open(&ping.session, &options);
    return code ? code : ping_run(&ping, argv[first]);
}

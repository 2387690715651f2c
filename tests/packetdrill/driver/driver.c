/* SPDX-License-Identifier: MIT */
/* The clock, packets, and running of scripts: driver.h. */
#include "driver.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *object; /* from dlopen() */
static const char *pattern;

/* --- time ----------------------------------------------------------------------------------------- */

static long long clock_us(struct driver *d)
{
    struct timeval tv;

    CALL(d, gettimeofday, &tv, NULL);
    return tv.tv_sec * 1000000LL + tv.tv_usec;
}

double now_ms(struct driver *d)
{
    return (double)(clock_us(d) - d->start_us) / 1000;
}

/* A packet that comes before `until_us`, if there is none yet; a deadline of 0: none. */
static void receive(struct driver *d, long long deadline_us)
{
    size_t bytes = sizeof(d->held);
    long long time_us = deadline_us;
    int result;

    if (d->held_bytes > 0)
        return;
    result = CALL(d, netdev_receive, d->held, &bytes, &time_us);
    d->held_bytes = result == 0 ? bytes : 0;
    d->held_us = time_us;
}

void at(struct driver *d, double ms)
{
    long long until = d->start_us + (long long)(ms * 1000), left;

    if (d->fitted) {
        receive(d, until);
        if (clock_us(d) >= until)
            return;
    }
    left = until - clock_us(d) - 20;
    if (left > 0)
        CALL(d, usleep, (useconds_t)left);
    while (clock_us(d) < until) {
    }
}

/* --- packets ------------------------------------------------------------------------------------------- */

static struct segment parse(const char *format, va_list args)
{
    char words[SEGMENT_TEXT_BYTES];
    struct segment segment;
    const char *wrong;

    vsnprintf(words, sizeof(words), format, args);
    wrong = segment_parse(words, &segment);
    if (wrong)
        fail_msg("'%s' is wrong at '%s'", words, wrong);
    return segment;
}

static void send_packet(struct driver *d, const uint8_t *packet, size_t bytes)
{
    assert_int_equal(CALL(d, netdev_send, packet, bytes), 0);
}

void in(struct driver *d, const char *format, ...)
{
    static uint8_t packet[SEGMENT_PACKET_MAX], text[SEGMENT_PACKET_MAX];
    struct segment s;
    va_list args;

    va_start(args, format);
    s = parse(format, args);
    va_end(args);
    if (!(s.fields & FIELD_SEQ))
        s.seq = d->next;
    if (!(s.fields & FIELD_ACK))
        s.ack = d->ours;
    if (!(s.fields & FIELD_WND))
        s.wnd = 65535;
    if (d->ts_on && !(s.fields & FIELD_TS)) {
        s.fields |= FIELD_TS;
        s.tsval = (uint32_t)now_ms(d) + 500;
        s.tsecr = d->tsval;
    }
    d->next = (uint32_t)s.seq + s.len + !!(s.flags & 2) + !!(s.flags & 1);
    s.seq += DRIVER_ISN;
    s.ack += s.flags & 16 ? d->iss : 0;
    for (unsigned i = 0; i < s.sacks; i++) {
        s.sack[i][0] += d->iss;
        s.sack[i][1] += d->iss;
    }
    s.source_port = d->peer_port;
    s.destination_port = d->port;
    for (uint32_t i = 0; i < s.len; i++)
        text[i] = (uint8_t)(s.seq + i);
    s.text = text;
    send_packet(d, packet, segment_build(&s, &d->inbound, packet));
}

static void learn(struct driver *d, const struct segment_path *path, const struct segment *got)
{
    size_t n = d->inbound.family == 4 ? 4 : 16;

    assert_int_equal(path->family, d->inbound.family);
    if (got->flags & 2) {
        d->iss = (uint32_t)got->seq;
        d->iss_known = true;
        d->port = got->source_port;
        d->ts_on = got->fields & FIELD_TS;
        memcpy(d->inbound.destination, path->source, n);
    }
    assert_memory_equal(path->source, d->inbound.destination, n);
    assert_memory_equal(path->destination, d->inbound.source, n);
    if (got->fields & FIELD_TS)
        d->tsval = got->tsval;
}

static void compare(struct driver *d, const struct segment *got, const struct segment *want)
{
    const uint32_t isn = DRIVER_ISN;
    char text[SEGMENT_TEXT_BYTES];
    bool same = (got->flags & ~8) == (want->flags & ~8);

    segment_format(got, d->iss, isn, text);
    same = same && (!(want->fields & FIELD_PSH_ON) || (got->flags & 8));
    same = same && (!(want->fields & FIELD_PSH_OFF) || !(got->flags & 8));
    if (want->fields & FIELD_SEQ)
        same = same && (uint32_t)got->seq == d->iss + (uint32_t)want->seq;
    if (want->fields & FIELD_ACK)
        same = same && (uint32_t)got->ack == isn + (uint32_t)want->ack;
    if (want->fields & FIELD_WND)
        same = same && got->wnd == want->wnd;
    if (want->fields & FIELD_MSS)
        same = same && got->mss == want->mss;
    if (want->fields & FIELD_WS)
        same = same && (got->fields & FIELD_WS) && got->ws == want->ws;
    if (want->fields & FIELD_TTL)
        same = same && got->ttl == want->ttl;
    if (want->fields & FIELD_TC)
        same = same && got->tc == want->tc;
    if (want->fields & (FIELD_NOSACKOK | FIELD_NOTS | FIELD_NOWS))
        same = same && !(got->fields & (want->fields >> 5 & (FIELD_WS | FIELD_SACKOK | FIELD_TS)));
    if (!same || got->len != want->len)
        fail_msg("%s left at %.3f ms", text, (double)(d->held_us - d->start_us) / 1000);
}

void out(struct driver *d, double ms, const char *format, ...)
{
    long long when = d->start_us + (long long)(ms * 1000);
    struct segment_path path;
    struct segment want;
    const char *wrong;
    va_list args;

    va_start(args, format);
    want = parse(format, args);
    va_end(args);
    if (ms == 0)
        when = clock_us(d);
    receive(d, d->fitted ? when + DRIVER_SLACK_US : 0);
    if (d->held_bytes == 0)
        fail_msg("nothing left by %.3f ms; expected %s", now_ms(d), format);
    wrong = segment_read(d->held, d->held_bytes, &path, &d->seg);
    if (wrong)
        fail_msg("a packet left that is wrong: %s", wrong);
    learn(d, &path, &d->seg);
    free(d->seg.text);
    compare(d, &d->seg, &want);
    if (d->held_us < when - DRIVER_SLACK_US || d->held_us > when + DRIVER_SLACK_US)
        fail_msg("%s left at %.3f ms, not %.3f", format, (double)(d->held_us - d->start_us) / 1000,
                 (double)(when - d->start_us) / 1000);
    d->ours =
        (uint32_t)d->seg.seq - d->iss + d->seg.len + !!(d->seg.flags & 2) + !!(d->seg.flags & 1);
    d->held_bytes = 0;
}

void silence(struct driver *d, double ms)
{
    receive(d, d->start_us + (long long)(ms * 1000));
    if (d->held_bytes > 0)
        fail_msg("a packet left at %.3f ms", (double)(d->held_us - d->start_us) / 1000);
}

void in_icmp_too_big(struct driver *d, uint32_t seq, uint32_t mtu)
{
    struct segment_path back = d->inbound;
    uint8_t quoted[2048], message[128] = {0}, packet[2048];
    bool v6 = d->inbound.family == 6;
    struct segment s = {.flags = 16,
                        .seq = d->iss + seq,
                        .ack = DRIVER_ISN + 1,
                        .len = 1000,
                        .source_port = d->port,
                        .destination_port = d->peer_port};
    static uint8_t text[1000];

    s.text = text;
    memcpy(back.source, d->inbound.destination, 16);
    memcpy(back.destination, d->inbound.source, 16);
    segment_build(&s, &back, quoted);
    message[0] = v6 ? 2 : 3;
    message[1] = v6 ? 0 : 4;
    message[6] = (uint8_t)(mtu >> 8);
    message[7] = (uint8_t)mtu;
    memcpy(message + 8, quoted, v6 ? 48 : 28);
    send_packet(d, packet,
                segment_wrap(&d->inbound, v6 ? 58 : 1, message, v6 ? 56 : 36, 2, packet));
}

/* --- running ---------------------------------------------------------------------------------------------- */

static void environment(const struct driver *d)
{
    static const char *const names[] = {"PD_LOCAL_IP",      "PD_GATEWAY_IP", "PD_REMOTE_IP",
                                        "PD_REMOTE_PREFIX", "PD_PREFIX_LEN", "PD_MTU",
                                        "PD_IP_VERSION"};
    static const char *const v4[] = {"192.0.2.1", "192.0.2.2", "198.51.100.1", "198.51.100.0/24",
                                     "24",        "1500",      "ipv4"};
    static const char *const v6[] = {
        "2001:db8::1", "2001:db8::2", "2001:db8:1::1", "2001:db8:1::/64", "64", "1500", "ipv6"};

    for (size_t i = 0; i < 7; i++) {
        if (!d->fitted)
            unsetenv(names[i]);
        else
            setenv(names[i], (d->kind == DRIVER_IPV6 ? v6 : v4)[i], 1);
    }
    if (d->fitted && d->kind == DRIVER_MAPPED)
        setenv("PD_IP_VERSION", "ipv4-mapped-ipv6", 1);
}

static const uint8_t local4[4] = {192, 0, 2, 1}, peer4[4] = {198, 51, 100, 1},
                     local6[16] = {0x20, 1, 0x0d, 0xb8, [15] = 1},
                     peer6[16] = {0x20, 1, 0x0d, 0xb8, 0, 1, [15] = 1};

static void run_one(const struct script *script, enum driver_kind kind, bool fitted)
{
    struct driver *d = calloc(1, sizeof(*d));
    void (*init)(const char *, struct packetdrill_interface *);

    printf("  %s, %s\n",
           kind == DRIVER_IPV4   ? "IPv4"
           : kind == DRIVER_IPV6 ? "IPv6"
                                 : "IPv4 on IPv6 sockets",
           fitted ? "fitted" : "plain");
    d->kind = kind;
    d->fitted = fitted;
    d->port = DRIVER_PORT;
    d->peer_port = DRIVER_PEER_PORT;
    d->inbound.family = kind == DRIVER_IPV6 ? 6 : 4;
    memcpy(d->inbound.source, kind == DRIVER_IPV6 ? peer6 : peer4, kind == DRIVER_IPV6 ? 16 : 4);
    memcpy(d->inbound.destination, kind == DRIVER_IPV6 ? local6 : local4,
           kind == DRIVER_IPV6 ? 16 : 4);
    environment(d);
    *(void **)&init = dlsym(object, "packetdrill_interface_init");
    assert_non_null(*(void **)&init);
    init(script->flags, &d->so);
    d->start_us = clock_us(d);
    script->body(d);
    d->so.free(d->so.userdata);
    free(d);
}

static void run_script(void **state)
{
    const struct script *script = *state;

    for (unsigned kind = 0; kind < DRIVER_KINDS; kind++)
        for (int fitted = 0; fitted < 2; fitted++)
            run_one(script, kind, fitted);
}

int driver_main(const struct script *scripts, size_t count, int argc, char **argv)
{
    struct CMUnitTest *tests = calloc(count, sizeof(*tests));
    int failed;

    object = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!object) {
        fprintf(stderr, "usage: %s OBJECT.so [PATTERN]: %s\n", argv[0], argc > 1 ? dlerror() : "");
        return 2;
    }
    pattern = argc > 2 ? argv[2] : "*";
    cmocka_set_test_filter(pattern);
    for (size_t i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){.name = scripts[i].name,
                                       .test_func = run_script,
                                       .initial_state = (void *)(uintptr_t)&scripts[i]};
    failed = _cmocka_run_group_tests("packetdrill", tests, count, NULL, NULL);
    free(tests);
    dlclose(object);
    return failed ? 1 : 0;
}

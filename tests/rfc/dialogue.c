/* SPDX-License-Identifier: MIT */
/*
 * Packet dialogues: packets, time, and the running of tests. See dialogue.h; what is expected is in dialogue_expect.c, the
 * application's side in dialogue_app.c.
 */
#include "dialogue.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { START_S = 10, PEER_CLOCK_START = 5000 };

/* --- failing ------------------------------------------------------------------------------------ */

DIALOGUE_FORMAT void dialogue_note(struct dialogue *d, const char *format, ...)
{
    char *line = d->transcript[d->lines++ % 64];
    int n = snprintf(line, sizeof(d->transcript[0]), "%12.6f ", (double)d->now / 1e9);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line + n, sizeof(d->transcript[0]) - (size_t)n, format, arguments);
    va_end(arguments);
}

_Noreturn void dialogue_fail(struct dialogue *d, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "\n--- IPv%u, timestamps %s, peer's ISN %" PRIu32 "\n", d->family,
            d->ts ? "on" : "off", d->isn);
    for (unsigned i = d->lines > 64 ? d->lines - 64 : 0; i < d->lines; i++)
        fprintf(stderr, "%s\n", d->transcript[i % 64]);
    fprintf(stderr, "--- %s:%d: ", d->file, d->line);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    _fail(d->file, d->line);
    abort();
}

void dialogue_expect_true(struct dialogue *d, bool condition, const char *text)
{
    if (!condition)
        dialogue_fail(d, "not true: %s", text);
}

void dialogue_expect_equal(struct dialogue *d, int64_t value, int64_t wanted, const char *text)
{
    if (value != wanted)
        dialogue_fail(d, "%s is %" PRId64 ", not %" PRId64, text, value, wanted);
}

void dialogue_expect_near(struct dialogue *d, int64_t value, int64_t wanted, int64_t tolerance,
                          const char *text)
{
    if (value < wanted - tolerance || value > wanted + tolerance)
        dialogue_fail(d, "%s is %" PRId64 ", not about %" PRId64, text, value, wanted);
}

/* --- addresses, text ------------------------------------------------------------------------------ */

struct gander_address dialogue_address(const struct dialogue *d, bool peer)
{
    static const uint8_t ip4[] = {192, 0, 2};
    static const uint8_t ip6[] = {0x20, 0x01, 0x0d, 0xb8};
    struct gander_address address = {.family = (uint8_t)d->family};

    if (d->family == GANDER_IPV4)
        memcpy(address.ip, ip4, sizeof(ip4));
    else
        memcpy(address.ip, ip6, sizeof(ip6));
    address.ip[d->family == GANDER_IPV4 ? 3 : 15] = peer ? 2 : 1;
    return address;
}

/* Byte `position` of a stream: tells positions up to 64 KiB apart, and the two directions. */
uint8_t dialogue_pattern(uint32_t position, bool peer)
{
    return (uint8_t)(position * 7 + (position >> 8) * 31 + (peer ? 128 : 0));
}

/* --- what leaves ---------------------------------------------------------------------------------- */

static struct flow *flow_of(struct dialogue *d, uint16_t peer_port)
{
    for (unsigned i = 0; i < d->flow_count; i++) {
        if (d->flows[i].peer_port == peer_port)
            return &d->flows[i];
    }
    return NULL;
}

static void learn(struct dialogue *d, const struct segment *segment)
{
    struct flow *f = flow_of(d, segment->destination_port);
    bool syn = segment->flags & GANDER_FLAG_SYN;
    uint32_t end;

    if (!f)
        dialogue_fail(d, "a segment for port %u", segment->destination_port);
    if (syn) {
        dialogue_learn_scale(f, segment, true);
        f->iss = (uint32_t)segment->seq;
        f->iss_known = true;
        f->port = segment->source_port;
        f->ours = 1;
        f->ts_asked = segment->fields & FIELD_TS;
        f->ts_on = f->ts_asked && f->ts_offered;
    }
    if (segment->fields & FIELD_TS)
        f->tsval = segment->tsval;
    end = (uint32_t)segment->seq + segment->len + syn + (segment->flags & GANDER_FLAG_FIN ? 1 : 0) -
          f->iss;
    if (!(segment->flags & GANDER_FLAG_RST) && (int32_t)(end - f->ours) > 0)
        f->ours = end;
}

static void collect_one(struct dialogue *d, struct gander_packet *packet)
{
    static uint8_t bytes[SEGMENT_PACKET_MAX];
    struct dialogue_packet *p = calloc(1, sizeof(*p));
    size_t len = gander_packet_bytes(packet, bytes, sizeof(bytes));
    struct gander_address from = dialogue_address(d, false), to = dialogue_address(d, true);
    struct segment_path path;
    const char *wrong;
    char text[SEGMENT_TEXT_BYTES];
    struct flow *f;

    if (packet->gso_bytes || packet->len != len)
        wrong = "super-segment for a link that takes none, or wrong packet length";
    else
        wrong = segment_read(bytes, len, &path, &p->segment);
    p->segment.why = packet->why;
    p->time = d->now;
    gander_packet_free(packet);
    *d->last = p;
    d->last = &p->next;
    if (wrong)
        dialogue_fail(d, "a packet left with: %s", wrong);
    if (path.family != d->family || memcmp(path.source, from.ip, 16) != 0 ||
        memcmp(path.destination, to.ip, 16) != 0)
        dialogue_fail(d, "a packet left with other addresses than its connection");
    learn(d, &p->segment);
    f = flow_of(d, p->segment.destination_port);
    segment_format(&p->segment, f->iss, f->isn, text);
    dialogue_note(d, "> %s (%s)", text, gander_why_text(p->segment.why));
    dialogue_left(d, f, &p->segment);
}

void dialogue_collect(struct dialogue *d)
{
    struct gander_packet *packets[8];
    size_t n;

    while ((n = gander_output(d->stack, d->link, packets, 8)) > 0) {
        for (size_t i = 0; i < n; i++)
            collect_one(d, packets[i]);
    }
    if (gander_output_pending(d->stack, d->link))
        dialogue_fail(d, "gander_output() gave nothing although gander_output_pending()");
}

const char *dialogue_describe(struct dialogue *d, const struct segment *segment)
{
    static char text[SEGMENT_TEXT_BYTES];

    segment_format(segment, d->f->iss, d->f->isn, text);
    return text;
}

void dialogue_expect_nothing(struct dialogue *d)
{
    dialogue_collect(d);
    if (d->first)
        dialogue_fail(d, "nothing was expected, but this left at %.6f s: %s",
                      (double)d->first->time / 1e9, dialogue_describe(d, &d->first->segment));
}

/* --- time ----------------------------------------------------------------------------------------- */

/* The next moment at which the stack wants to be called, at most `limit`. */
static void step(struct dialogue *d, gander_time limit)
{
    gander_time next = gander_deadline(d->stack);

    if (next != GANDER_NEVER)
        next -= d->config.start;
    d->now = next < d->now ? d->now : next < limit ? next : limit;
    gander_advance(d->stack, d->config.start + d->now);
    dialogue_collect(d);
}

void dialogue_at(struct dialogue *d, gander_time t)
{
    const char *file = d->file;
    int line = d->line;

    dialogue_expect_nothing(d);
    if (t < d->now)
        dialogue_fail(dialogue_here(d, file, line), "that time has passed");
    for (unsigned turns = 0; d->now < t || turns == 0; turns++) {
        step(d, t);
        if (d->first && d->now < t)
            dialogue_expect_nothing(d);
        if (turns > 100000)
            dialogue_fail(d, "gander_deadline() stands still");
    }
    while (!d->first && gander_deadline(d->stack) <= d->config.start + t)
        step(d, t);
}

gander_time dialogue_wait(struct dialogue *d, gander_time limit)
{
    dialogue_collect(d);
    while (!d->first && d->now < limit)
        step(d, limit);
    if (!d->first)
        dialogue_fail(d, "nothing left until %.6f s", (double)limit / 1e9);
    return d->now;
}

/* --- what arrives --------------------------------------------------------------------------------- */

struct segment dialogue_parse(struct dialogue *d, const char *words)
{
    struct segment want;
    const char *wrong = segment_parse(words, &want);

    if (wrong)
        dialogue_fail(d, "this test is wrong at: %s", wrong);
    return want;
}

static void fill_in(struct dialogue *d, struct segment *s)
{
    struct flow *f = d->f;
    bool syn = s->flags & GANDER_FLAG_SYN;
    int64_t relative = s->fields & FIELD_SEQ ? s->seq : (int64_t)f->next;
    uint32_t len = s->len + syn + (s->flags & GANDER_FLAG_FIN ? 1 : 0);

    if (!(s->fields & FIELD_WND))
        s->wnd = f->wnd;
    if (!(s->fields & FIELD_OPT)) {
        if (syn && !(s->fields & (FIELD_MSS | FIELD_NOMSS))) {
            s->fields |= FIELD_MSS;
            s->mss = DIALOGUE_MSS;
        }
        if (!(s->fields & (FIELD_TS | FIELD_NOTS)) && (syn ? d->ts : f->ts_on)) {
            s->fields |= FIELD_TS;
            s->tsval = (uint32_t)(PEER_CLOCK_START + d->now / GANDER_MS);
            s->tsecr = s->flags & GANDER_FLAG_ACK ? f->tsval : 0;
        }
    }
    if (s->len) {
        s->text = malloc(s->len);
        for (uint32_t i = 0; i < s->len; i++)
            s->text[i] = dialogue_pattern((uint32_t)relative + syn - 1 + i, true) ^ s->fill;
    }
    if (syn) {
        if (f->ours <= 1)
            dialogue_learn_scale(f, s, false);
        f->ts_offered = s->fields & FIELD_TS;
        if (f->ours <= 1 ||
            f->state ==
                GANDER_TCP_SYN_SENT) /* or else it is a stray one, and counts when it is answered with a SYN */
            f->ts_on = f->ts_asked && f->ts_offered;
    }
    if (relative == (int64_t)f->next && !(s->flags & GANDER_FLAG_RST))
        f->next += len;
    s->seq = f->isn + (uint32_t)relative;
    for (unsigned i = 0; i < 2 * s->sacks; i++)
        s->sack[i / 2][i % 2] = f->iss + (uint32_t)s->sack[i / 2][i % 2];
    if (s->fields & FIELD_ACK)
        s->ack = f->iss + (uint32_t)s->ack;
    else if (s->flags & GANDER_FLAG_ACK)
        s->ack = f->iss + f->ours;
}

static void hold(struct dialogue *d, const uint8_t *bytes, size_t len)
{
    struct gander_packet *packet = gander_packet_alloc(d->stack, len);

    if (!packet || d->held_count == sizeof(d->held) / sizeof(d->held[0]))
        dialogue_fail(d, "no memory for an arriving packet");
    memcpy(packet->frag[0].data, bytes, len);
    d->held[d->held_count++] = packet;
}

static void make_multicast(uint8_t *ip, unsigned family)
{
    memset(ip, 0, 16);
    ip[0] = family == GANDER_IPV4 ? 224 : 0xff;
    ip[1] = family == GANDER_IPV4 ? 0 : 2;
    ip[family == GANDER_IPV4 ? 3 : 15] = 1;
}

static struct segment_path inbound(const struct dialogue *d, uint32_t fields)
{
    struct gander_address from = dialogue_address(d, true), to = dialogue_address(d, false);
    struct segment_path path = {.family = d->family};

    memcpy(path.source, from.ip, 16);
    memcpy(path.destination, to.ip, 16);
    if (fields & FIELD_MULTICAST)
        make_multicast(path.destination, d->family);
    if (fields & FIELD_BADSOURCE)
        make_multicast(path.source, d->family);
    return path;
}

static void hold_segment(struct dialogue *d, const char *format, va_list arguments)
{
    static uint8_t bytes[SEGMENT_PACKET_MAX];
    char words[SEGMENT_TEXT_BYTES];
    struct segment segment;
    struct segment_path path;

    dialogue_expect_nothing(d);
    vsnprintf(words, sizeof(words), format, arguments);
    segment = dialogue_parse(d, words);
    fill_in(d, &segment);
    segment.source_port = d->f->peer_port;
    segment.destination_port = d->f->port;
    dialogue_note(d, "< %s", words);
    dialogue_arrives(d, &segment);
    path = inbound(d, segment.fields);
    hold(d, bytes, segment_build(&segment, &path, bytes));
    free(segment.text);
}

static void deliver(struct dialogue *d)
{
    struct gander_stats stats = dialogue_stats(d);
    size_t n = d->held_count;

    memcpy(d->drops, stats.drops, sizeof(d->drops));
    d->held_count = 0;
    gander_input(d->stack, d->link, d->held, n);
    dialogue_collect(d);
}

void dialogue_arrive_together(struct dialogue *d, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    hold_segment(d, format, arguments);
    va_end(arguments);
}

void dialogue_arrive(struct dialogue *d, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    hold_segment(d, format, arguments);
    va_end(arguments);
    deliver(d);
}

void dialogue_arrive_icmp(struct dialogue *d, enum dialogue_icmp kind, int64_t seq, uint32_t mtu)
{
    static const uint8_t numbers[][4] = {
        /* IPv4 type, code, IPv6 type, code */
        [ICMP_DIALOGUE_NETWORK] = {3, 0, 1, 0},        [ICMP_DIALOGUE_HOST] = {3, 1, 1, 3},
        [ICMP_DIALOGUE_PROTOCOL] = {3, 2, 4, 1},       [ICMP_DIALOGUE_PORT] = {3, 3, 1, 4},
        [ICMP_DIALOGUE_PROHIBITED] = {3, 13, 1, 1},    [ICMP_DIALOGUE_TOO_BIG] = {3, 4, 2, 0},
        [ICMP_DIALOGUE_TIME_EXCEEDED] = {11, 0, 3, 0}, [ICMP_DIALOGUE_PARAMETER] = {12, 0, 4, 0},
        [ICMP_DIALOGUE_SOURCE_QUENCH] = {4, 0, 4, 0}};
    bool v6 = d->family == GANDER_IPV6;
    struct segment_path in = inbound(d, 0), out = in;
    struct segment quoted = {.flags = GANDER_FLAG_ACK, .seq = d->f->iss + (uint32_t)seq};
    uint8_t message[8 + SEGMENT_TEXT_BYTES] = {numbers[kind][v6 ? 2 : 0],
                                               numbers[kind][v6 ? 3 : 1]};
    uint8_t packet[SEGMENT_TEXT_BYTES + 48];

    dialogue_expect_nothing(d);
    memcpy(out.source, in.destination, 16);
    memcpy(out.destination, in.source, 16);
    quoted.source_port = d->f->port;
    quoted.destination_port = d->f->peer_port;
    message[6] = (uint8_t)(mtu >> 8);
    message[7] = (uint8_t)mtu;
    segment_build(&quoted, &out, message + 8);
    /* The quoted packet was a full one: an error about a packet that is too big quotes its real length. */
    message[8 + (v6 ? 4 : 2)] = 0x05;
    dialogue_note(d, "< ICMP type %u code %u about seq=%" PRId64 " mtu=%" PRIu32, message[0],
                  message[1], seq, mtu);
    hold(d, packet, segment_wrap(&in, v6 ? 58 : 1, message, 8u + (v6 ? 40 : 20) + 8, 2, packet));
    deliver(d);
}

static void on_trace(void *context, const struct gander_trace_event *event)
{
    struct dialogue *d = context;
    struct flow *f = flow_of(d, event->remote.port);

    if (event->type == GANDER_TRACE_segment_out)
        dialogue_traced_out(d, event);
    if (event->type == GANDER_TRACE_segment_in && f)
        dialogue_traced_in(d, f, event);
    if (event->type == GANDER_TRACE_state) {
        dialogue_note(d, "  %s -> %s (%s)", gander_tcp_state_name(event->u.state.from),
                      gander_tcp_state_name(event->u.state.to),
                      gander_cause_text(event->u.state.cause));
        if (f) {
            f->state = event->u.state.to;
            f->cause = event->u.state.cause;
            f->id = event->id;
        }
    } else if (event->type == GANDER_TRACE_drop) {
        dialogue_note(d, "  dropped: %s", gander_drop_text(event->u.drop.reason));
    } else if (event->type == GANDER_TRACE_timer_fired) {
        dialogue_note(d, "  timer: %s, %" PRIu32, gander_timer_text(event->u.timer_fired.timer),
                      event->u.timer_fired.count);
    }
}

/* --- running -------------------------------------------------------------------------------------------- */

static void *count_alloc(void *context, size_t size, size_t align)
{
    struct dialogue *d = context;
    void *memory = NULL;

    if (align < sizeof(void *))
        align = sizeof(void *);
    if (posix_memalign(&memory, align, size) != 0)
        return NULL;
    d->allocated_bytes += size;
    return memory;
}

static void count_free(void *context, void *memory, size_t size)
{
    struct dialogue *d = context;

    d->allocated_bytes -= size;
    free(memory);
}

void dialogue_flow(struct dialogue *d, unsigned number)
{
    uint16_t port = (uint16_t)(DIALOGUE_PEER_PORT + number);

    d->f = flow_of(d, port);
    if (d->f)
        return;
    if (d->flow_count == DIALOGUE_FLOWS)
        dialogue_fail(d, "more than %d flows", DIALOGUE_FLOWS);
    d->f = &d->flows[d->flow_count++];
    *d->f = (struct flow){
        .port = DIALOGUE_PORT, .peer_port = port, .isn = d->isn, .wnd = 65535, .state = -1};
}

static void dialogue_start(struct dialogue *d, void (*configure)(struct gander_config *config))
{
    struct gander_link_config link = {.mtu_bytes = 1500};
    struct gander_address address = dialogue_address(d, false);

    d->last = &d->first;
    d->smss = DIALOGUE_MSS - (d->ts ? 12 : 0);
    gander_config_init(&d->config);
    d->config.memory = (struct gander_memory){count_alloc, count_free, d};
    d->config.start = sec(START_S);
    d->config.trace = on_trace;
    d->config.trace_context = d;
    for (unsigned i = 0; i < sizeof(d->config.secret); i++)
        d->config.secret[i] = (uint8_t)(i * 37 + 11);
    if (configure)
        configure(&d->config);
    dialogue_flow(d, 0);
    expect_equal(d, gander_stack_create(&d->config, &d->stack), 0);
    expect_equal(d, gander_link_add(d->stack, &link, &d->link), 0);
    expect_equal(
        d, gander_address_add(d->stack, d->link, &address, d->family == GANDER_IPV4 ? 24 : 64), 0);
}

/* Also after a failure, when less is checked. */
static void dialogue_finish(struct dialogue *d)
{
    for (size_t i = 0; i < d->held_count; i++)
        gander_packet_free(d->held[i]);
    while (d->first) {
        struct dialogue_packet *p = d->first;

        d->first = p->next;
        free(p->segment.text);
        free(p);
    }
    d->last = &d->first;
    gander_stack_destroy(d->stack);
    d->stack = NULL;
}

static void run_variant(const struct dialogue_test *test, struct dialogue *d)
{
    dialogue_start(d, test->configure);
    test->body(d);
    dialogue_expect_nothing(d);
    dialogue_check_counters(d);
    dialogue_finish(d);
    if (d->allocated_bytes)
        dialogue_fail(d, "%zu bytes were not given back", d->allocated_bytes);
}

static struct dialogue *current; /* for the teardown after a failure */

static int teardown(void **state)
{
    (void)state;
    if (current && current->stack)
        dialogue_finish(current);
    free(current);
    current = NULL;
    return 0;
}

static void run_all_variants(void **state)
{
    static const uint32_t isns[] = {0u - 2, (1u << 31) - 2, 1000000};
    const struct dialogue_test *test = *state;

    for (unsigned i = 0; i < 12; i++) {
        current = calloc(1, sizeof(*current));
        assert_non_null(current);
        current->family = i & 1 ? GANDER_IPV6 : GANDER_IPV4;
        current->ts = i & 2;
        current->isn = isns[i >> 2];
        run_variant(test, AT_HERE(current));
        teardown(NULL);
    }
}

int dialogue_main(const char *group, const struct dialogue_test *tests, size_t n, int argc,
                  char **argv)
{
    struct CMUnitTest *units = calloc(n, sizeof(*units));
    int failed;

    for (size_t i = 0; i < n; i++) {
        units[i].name = tests[i].name;
        units[i].test_func = run_all_variants;
        units[i].teardown_func = teardown;
        units[i].initial_state = (void *)(uintptr_t)&tests[i];
    }
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    failed = _cmocka_run_group_tests(group, units, n, NULL, NULL);
    free(units);
    return failed;
}

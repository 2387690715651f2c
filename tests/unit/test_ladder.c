/* SPDX-License-Identifier: MIT */
/*
 * The ladder from events written by hand: arrivals found, rows in an order that both hosts agree with, lines of exact
 * columns at every width, in both languages and in ASCII.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/ladder.h"
#include "tools/ladder_text.h"
#include "tools/ladder_words.h"

#define DELAY (20 * GANDER_MS)

enum {
    ISN_LEFT = 1000,
    ISN_RIGHT = 9000,
    SYN = GANDER_FLAG_SYN,
    ACK = GANDER_FLAG_ACK,
    PSH = GANDER_FLAG_PSH,
    FIN = GANDER_FLAG_FIN
};

/* --- events -------------------------------------------------------------------------------- */

static struct ladder_record record;

static struct gander_trace_event event_at(gander_time ms, enum gander_trace_type type)
{
    struct gander_trace_event event;

    memset(&event, 0, sizeof(event));
    event.time = ms * GANDER_MS;
    event.type = type;
    event.local.family = event.remote.family = GANDER_IPV4;
    return event;
}

static void state(unsigned host, gander_time ms, unsigned from, unsigned to, unsigned cause)
{
    struct gander_trace_event event = event_at(ms, GANDER_TRACE_state);

    event.u.state.from = (uint8_t)from;
    event.u.state.to = (uint8_t)to;
    event.u.state.cause = (uint8_t)cause;
    ladder_record_event(&record, host, &event);
}

static void timer(unsigned host, gander_time ms, unsigned kind, gander_time armed_for_ms)
{
    struct gander_trace_event event =
        event_at(ms, armed_for_ms ? GANDER_TRACE_timer_armed : GANDER_TRACE_timer_fired);

    if (armed_for_ms) {
        event.u.timer_armed.timer = (uint8_t)kind;
        event.u.timer_armed.at = (ms + armed_for_ms) * GANDER_MS;
    } else {
        event.u.timer_fired.timer = (uint8_t)kind;
    }
    ladder_record_event(&record, host, &event);
}

struct segment {
    unsigned flags;
    uint32_t seq, ack, len; /* relative; the test's hosts have fixed first numbers */
    unsigned why, transmissions;
};

static struct gander_trace_event segment_event(unsigned sender, gander_time ms, bool out,
                                               const struct segment *s)
{
    struct gander_trace_event event =
        event_at(ms, out ? GANDER_TRACE_segment_out : GANDER_TRACE_segment_in);
    uint32_t seq = s->seq + (sender ? ISN_RIGHT : ISN_LEFT);
    uint32_t ack = s->flags & ACK ? s->ack + (sender ? ISN_LEFT : ISN_RIGHT) : 0;

    if (out) {
        event.u.segment_out.seq = seq;
        event.u.segment_out.ack = ack;
        event.u.segment_out.len = s->len;
        event.u.segment_out.flags = (uint8_t)s->flags;
        event.u.segment_out.why = (uint8_t)s->why;
        event.u.segment_out.transmissions = (uint8_t)(s->transmissions ? s->transmissions : 1);
    } else {
        event.u.segment_in.seq = seq;
        event.u.segment_in.ack = ack;
        event.u.segment_in.len = s->len;
        event.u.segment_in.flags = (uint8_t)s->flags;
    }
    return event;
}

static void sent(unsigned host, gander_time ms, struct segment s)
{
    const struct gander_trace_event event = segment_event(host, ms, true, &s);

    ladder_record_event(&record, host, &event);
}

/* Arrives at `host`, having been sent by the other one. */
static void arrived(unsigned host, gander_time ms, struct segment s)
{
    const struct gander_trace_event event = segment_event(!host, ms, false, &s);

    ladder_record_event(&record, host, &event);
}

static const struct segment syn = {.flags = SYN, .why = GANDER_WHY_syn};
static const struct segment syn_ack = {.flags = SYN | ACK, .ack = 1, .why = GANDER_WHY_syn_ack};
static const struct segment ack = {
    .flags = ACK, .seq = 1, .ack = 1, .why = GANDER_WHY_ack_handshake};

static void handshake(void)
{
    state(1, 0, GANDER_TCP_CLOSED, GANDER_TCP_LISTEN, GANDER_CAUSE_open_passive);
    state(0, 0, GANDER_TCP_CLOSED, GANDER_TCP_SYN_SENT, GANDER_CAUSE_open_active);
    sent(0, 0, syn);
    arrived(1, 20, syn);
    state(1, 20, GANDER_TCP_LISTEN, GANDER_TCP_SYN_RECEIVED, GANDER_CAUSE_segment);
    sent(1, 20, syn_ack);
    arrived(0, 40, syn_ack);
    state(0, 40, GANDER_TCP_SYN_SENT, GANDER_TCP_ESTABLISHED, GANDER_CAUSE_segment);
    sent(0, 40, ack);
    arrived(1, 60, ack);
    state(1, 60, GANDER_TCP_SYN_RECEIVED, GANDER_TCP_ESTABLISHED, GANDER_CAUSE_segment);
}

/* A segment that is lost, and sent again when the timer has run out. */
static void lost_and_resent(void)
{
    struct segment data = {
        .flags = PSH | ACK, .seq = 1, .ack = 1, .len = 57, .why = GANDER_WHY_data};

    sent(0, 100, data);
    timer(0, 100, GANDER_TIMER_retransmit, 200);
    timer(0, 300, GANDER_TIMER_retransmit, 0);
    timer(0, 300, GANDER_TIMER_retransmit, 400);
    data.why = GANDER_WHY_retransmit_timeout;
    data.transmissions = 2;
    sent(0, 300, data);
    arrived(1, 320, data);
}

/* --- drawing ------------------------------------------------------------------------------- */

static char *drawn;
static size_t drawn_bytes;
static struct ladder_rows rows;

static struct ladder_look look_of(int columns)
{
    return (struct ladder_look){
        .columns = columns, .names = {"Mei", "Lin"}, .words = &ladder_words_en};
}

static const char *draw(struct ladder_look look)
{
    ladder_record_finish(&record);
    assert_true(ladder_rows_make(&rows, &record));
    look.file = open_memstream(&drawn, &drawn_bytes);
    assert_non_null(look.file);
    ladder_draw(&look, &record, &rows);
    fclose(look.file);
    return drawn;
}

static int set_up(void **test)
{
    (void)test;
    ladder_record_init(&record, 0, DELAY);
    return 0;
}

static int tear_down(void **test)
{
    (void)test;
    ladder_rows_free(&rows);
    ladder_record_free(&record);
    free(drawn);
    drawn = NULL;
    return 0;
}

/* The line that holds `part`, without its line end; fails if there is none. */
static const char *line_with(const char *text, const char *part)
{
    static char line[1024];
    const char *found = strstr(text, part), *begin = found, *end;

    if (!found)
        fail_msg("\"%s\" is not in:\n%s", part, text);
    while (begin > text && begin[-1] != '\n')
        begin--;
    end = strchr(found, '\n');
    assert_true((size_t)(end - begin) < sizeof(line));
    memcpy(line, begin, (size_t)(end - begin));
    line[end - begin] = 0;
    return line;
}

static void assert_columns(const char *text, int columns)
{
    while (*text) {
        const char *end = strchr(text, '\n');
        char line[1024];

        assert_non_null(end);
        assert_true((size_t)(end - text) < sizeof(line));
        memcpy(line, text, (size_t)(end - text));
        line[end - text] = 0;
        if (text_columns(line) > columns)
            fail_msg("%d columns, more than %d: %s", text_columns(line), columns, line);
        text = end + 1;
    }
}

/* --- tests --------------------------------------------------------------------------------- */

static void pairs_each_packet_with_its_arrival(void **test)
{
    (void)test;
    handshake();
    lost_and_resent();
    ladder_record_finish(&record);
    assert_int_equal(record.events[2].twin, 3);
    assert_int_equal(record.events[3].twin, 2);
    assert_true(record.isn_known[0] && record.isn_known[1]);
    assert_int_equal(record.isn[0], ISN_LEFT);
    assert_int_equal(record.isn[1], ISN_RIGHT);
    assert_int_equal(record.first_state[0], GANDER_TCP_CLOSED);
    assert_int_equal(record.first_state[1], GANDER_TCP_LISTEN);
    for (size_t i = 0; i < record.count; i++) {
        const struct ladder_event *event = &record.events[i];

        if (event->trace.type == GANDER_TRACE_segment_out && event->trace.time == 100 * GANDER_MS)
            assert_int_equal(event->twin, LADDER_NONE);
        if (event->trace.type == GANDER_TRACE_segment_out && event->trace.time == 300 * GANDER_MS) {
            assert_int_not_equal(event->twin, LADDER_NONE);
            assert_int_equal(event->wait_next, 400 * GANDER_MS);
        }
        if (event->trace.type == GANDER_TRACE_timer_fired)
            assert_int_equal(event->waited, 200 * GANDER_MS);
    }
}

static void draws_the_handshake_at_80_columns(void **test)
{
    const char *text;

    (void)test;
    handshake();
    text = draw(look_of(80));
    assert_columns(text, 80);
    assert_string_equal(
        line_with(text, "SYN-SENT"),
        "0.000 SYN-SENT     ├─ SYN      seq 0 ──────────────────────►│ SYN-RECEIVED 0.020");
    assert_string_equal(
        line_with(text, "SYN,ACK"),
        "0.040 ESTABLISHED  │◄ SYN,ACK  seq 0  ack 1 ────────────────┤              0.020");
    assert_string_equal(
        line_with(text, " ACK "),
        "0.040              ├─ ACK      seq 1  ack 1 ───────────────►│ ESTABLISHED  0.060");
    assert_non_null(strstr(text, "Mei began at 1000, Lin at 9000"));
    assert_non_null(line_with(text, "three-way handshake"));
}

static void draws_lines_of_ascii(void **test)
{
    struct ladder_look look = look_of(80);
    const char *text;

    (void)test;
    handshake();
    lost_and_resent();
    look.ascii = true;
    text = draw(look);
    for (const char *c = text; *c; c++)
        assert_true((unsigned char)*c < 0x80);
    assert_string_equal(
        line_with(text, "SYN-SENT"),
        "0.000 SYN-SENT     |- SYN      seq 0 ---------------------->| SYN-RECEIVED 0.020");
    assert_non_null(strstr(text, "X lost"));
}

static void says_why_a_segment_was_sent_again(void **test)
{
    const char *text, *lost, *fired, *again, *why;

    (void)test;
    handshake();
    lost_and_resent();
    text = draw(look_of(100));
    lost = strstr(text, "× lost");
    fired = strstr(text, "Mei: retransmission timer ran out after 0.200 s");
    assert_non_null(lost);
    assert_non_null(fired);
    again = strstr(fired, "PSH,ACK  seq 1  ack 1  len 57");
    assert_non_null(again);
    why = strstr(again, "resent: the retransmission timer ran out");
    assert_non_null(why);
    assert_true(lost < fired);
}

static void shows_numbers_as_on_the_wire(void **test)
{
    struct ladder_look look = look_of(100);
    const char *text;

    (void)test;
    handshake();
    look.absolute = true;
    text = draw(look);
    assert_non_null(strstr(text, "SYN,ACK  seq 9000  ack 1001"));
    assert_columns(text, 100);
}

/* Two SYNs that cross: neither was sent after the other arrived, so one of them needs two rows. */
static void draws_a_crossing(void **test)
{
    const char *text, *first, *second, *third;

    (void)test;
    for (unsigned host = 0; host < LADDER_HOSTS; host++) {
        state(host, 0, GANDER_TCP_CLOSED, GANDER_TCP_SYN_SENT, GANDER_CAUSE_open_active);
        sent(host, 0, syn);
    }
    for (unsigned host = 0; host < LADDER_HOSTS; host++) {
        arrived(host, 20, syn);
        state(host, 20, GANDER_TCP_SYN_SENT, GANDER_TCP_SYN_RECEIVED, GANDER_CAUSE_segment);
    }
    text = draw(look_of(80));
    assert_columns(text, 80);
    assert_non_null(strstr(text, "simultaneous open"));
    first = strstr(text, "SYN-SENT     ├─ SYN ");
    assert_non_null(first);
    second = strstr(text, "┼");
    assert_non_null(second);
    third = strstr(text, "╯");
    if (!third)
        third = strstr(text, "╰");
    assert_non_null(third);
    assert_true(first < third && second < third);
    for (size_t i = 0; i < rows.count; i++) {
        if (rows.rows[i].kind == ROW_DEPART)
            assert_int_equal(rows.rows[i].lane, 0);
        assert_int_not_equal(rows.rows[i].kind, ROW_LOST);
    }
}

/* Each host's own times never go back from row to row, whatever crosses; and nothing arrives before it is sent. */
static void keeps_each_hosts_order(void **test)
{
    gander_time last[LADDER_HOSTS] = {-1, -1};
    unsigned departed = 0, landed = 0;

    (void)test;
    for (unsigned i = 0; i < 40; i++) {
        unsigned host = i % 3 == 0;
        struct segment data = {.flags = ACK, .seq = i, .ack = 1, .len = i % 2 * 10};

        sent(host, 5 * (gander_time)i, data);
        if (i >= 4) {
            unsigned old = i - 4, from = old % 3 == 0;
            struct segment then = {.flags = ACK, .seq = old, .ack = 1, .len = old % 2 * 10};

            arrived(!from, 5 * (gander_time)i, then);
        }
    }
    draw(look_of(100));
    assert_columns(drawn, 100);
    for (size_t i = 0; i < rows.count; i++) {
        const struct ladder_row *row = &rows.rows[i];

        for (unsigned host = 0; host < LADDER_HOSTS; host++) {
            if (row->time[host] < 0)
                continue;
            assert_true(row->time[host] >= last[host]);
            last[host] = row->time[host];
        }
        departed += row->kind == ROW_DEPART;
        landed += row->kind == ROW_ARRIVE;
        assert_true(landed <= departed);
    }
    assert_int_equal(departed, landed);
    assert_true(departed > 0);
}

static void fits_every_width(void **test)
{
    (void)test;
    handshake();
    lost_and_resent();
    for (int columns = LADDER_COLUMNS_MIN; columns <= LADDER_COLUMNS_MAX; columns++) {
        struct ladder_look look = look_of(columns);
        const char *text;

        for (int chinese = 0; chinese < 2; chinese++) {
            look.words = chinese ? &ladder_words_zh : &ladder_words_en;
            look.absolute = columns % 2;
            text = draw(look);
            assert_columns(text, columns);
            assert_non_null(strstr(text, "SYN-RECEIVED"));
            assert_non_null(strstr(text, "ESTABLISHED"));
            assert_non_null(strstr(text, chinese ? "三次握手" : "three-way handshake"));
            ladder_rows_free(&rows);
            free(drawn);
            drawn = NULL;
        }
    }
}

/* Lifelines stand in the same column in every line, also beside Chinese text. */
static void keeps_lifelines_straight(void **test)
{
    struct ladder_look look = look_of(90);
    const char *text, *line;
    int column = -1;

    (void)test;
    handshake();
    lost_and_resent();
    look.words = &ladder_words_zh;
    text = strstr(draw(look), "CLOSED");
    assert_non_null(text);
    for (line = strchr(text, '\n') + 1; *line; line = strchr(line, '\n') + 1) {
        char copy[1024];
        size_t len = (size_t)(strchr(line, '\n') - line), cut = 0;

        memcpy(copy, line, len);
        copy[len] = 0;
        for (const char *life = copy; *life; life++) /* the last stroke of a lifeline */
            if (strncmp(life, "│", 3) == 0 || strncmp(life, "┤", 3) == 0)
                cut = (size_t)(life - copy);
        if (cut == 0)
            continue;
        copy[cut] = 0;
        if (text_columns(copy) < 45)
            continue; /* a line whose right lifeline is an arrow's start */
        if (column < 0)
            column = text_columns(copy);
        assert_int_equal(text_columns(copy), column);
    }
    assert_true(column > 0);
}

static void tells_of_datagrams_lost(void **test)
{
    struct gander_trace_event out = event_at(0, GANDER_TRACE_datagram_out);
    struct gander_trace_event in = event_at(20, GANDER_TRACE_datagram_in);
    const char *text;

    (void)test;
    out.u.datagram_out.len = in.u.datagram_in.len = 26;
    ladder_record_event(&record, 0, &out);
    ladder_record_event(&record, 1, &in);
    out.time = 100 * GANDER_MS;
    ladder_record_event(&record, 0, &out);
    text = draw(look_of(80));
    assert_string_equal(
        line_with(text, "0.020"),
        "0.000              ├─ UDP  len 26 ─────────────────────────►│              0.020");
    assert_non_null(strstr(text, "× lost, nobody told"));
    assert_null(strstr(text, "seq"));
}

static void counts_columns_and_breaks_lines(void **test)
{
    const char *next;

    (void)test;
    assert_int_equal(text_columns("SYN-SENT"), 8);
    assert_int_equal(text_columns("三次握手"), 8);
    assert_int_equal(text_columns("├─►"), 3);
    assert_int_equal(text_columns("\xff"), 1);
    assert_int_equal(text_line("one two three", 8, &next), 7);
    assert_string_equal(next, "three");
    assert_int_equal(text_line("unbreakable", 4, &next), 4);
    /* Two characters fit, but no line may begin with a comma. */
    assert_int_equal(text_line("雁来，春", 5, &next), 3);
    assert_string_equal(next, "来，春");
    assert_int_equal(text_line("雁来，春", 6, &next), 9);
    assert_string_equal(next, "春");
    assert_int_equal(text_line("", 6, &next), 0);
}

static void fills_templates(void **test)
{
    const struct text_value values[] = {{"name", "Mei"}, {NULL, NULL}};
    char text[16];

    (void)test;
    assert_string_equal(text_fill(text, sizeof(text), "{name}: {other} {", values),
                        "Mei: {other} {");
    assert_string_equal(text_fill(text, 5, "{name}{name}", values), "MeiM");
}

static void writes_times_and_flags(void **test)
{
    char time[LADDER_TIME_BYTES], flags[LADDER_FLAGS_BYTES];

    (void)test;
    assert_string_equal(ladder_time_text(20 * GANDER_MS, time), "0.020");
    assert_string_equal(ladder_time_text(60 * GANDER_S, time), "60.000");
    assert_string_equal(ladder_time_text(1234 * GANDER_US, time), "0.001234");
    assert_string_equal(ladder_flags_text(SYN | ACK, flags), "SYN,ACK");
    assert_string_equal(ladder_flags_text(0xff, flags), "CWR,ECE,URG,SYN,FIN,RST,PSH,ACK");
    assert_string_equal(ladder_flags_text(FIN, flags), "FIN");
}

#define LADDER_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LADDER_TEST(pairs_each_packet_with_its_arrival),
        LADDER_TEST(draws_the_handshake_at_80_columns),
        LADDER_TEST(draws_lines_of_ascii),
        LADDER_TEST(says_why_a_segment_was_sent_again),
        LADDER_TEST(shows_numbers_as_on_the_wire),
        LADDER_TEST(draws_a_crossing),
        LADDER_TEST(keeps_each_hosts_order),
        LADDER_TEST(fits_every_width),
        LADDER_TEST(keeps_lifelines_straight),
        LADDER_TEST(tells_of_datagrams_lost),
        LADDER_TEST(counts_columns_and_breaks_lines),
        LADDER_TEST(fills_templates),
        LADDER_TEST(writes_times_and_flags),
    };

    return cmocka_run_group_tests_name("ladder", tests, NULL, NULL);
}

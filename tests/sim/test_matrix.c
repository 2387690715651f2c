/* SPDX-License-Identifier: MIT */
/*
 * State by segment: each state of a connection meets each kind of segment, and an oracle written from RFC 9293 alone (oracle.c)
 * says what must come of it: the next state, what is sent, SND.UNA and RCV.NXT, which text is taken. The stack is asked through
 * its public calls, with handmade segments. GANDER_MATRIX_STEP=n in the environment tries each n-th cell only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/bed.h"

_Static_assert((int)ORACLE_TIME_WAIT == (int)GANDER_TCP_TIME_WAIT &&
                   (int)ORACLE_SYN_RECEIVED == (int)GANDER_TCP_SYN_RECEIVED,
               "both list the states in the RFC's order");

enum {
    LONG_BYTES = 4200 /* longer than the window */,
    WINDOW_NOW = 20000 /* of the segment: another one than before */,
    KINDS_MAX = 64
};

/* --- the axes ------------------------------------------------------------------------------------- */

enum { FLAGS = 64, SEQS = 9, ACKS = 7, LENGTHS = 3, TIMES = 5 };

static const char *const seq_names[SEQS] = {"far left", "left by 1", "left edge",
                                            "inside",   "last",      "right edge",
                                            "beyond",   "2^31 away", "wrapped"};
static const char *const ack_names[ACKS] = {"too old", "just old", "=UNA", "between",
                                            "=NXT",    "NXT+1",    "far"};
static const char *const time_names[TIMES] = {"not agreed", "fresh", "equal", "old", "missing"};
static const uint32_t lengths[LENGTHS] = {0, 1, LONG_BYTES};

struct cell {
    enum setup setup;
    unsigned flags, seq, ack, length, time;
    unsigned more_flags; /* ECE, CWR: make no difference */
};

static uint32_t seq_of(const struct cell *cell, const struct oracle_tcb *t)
{
    const uint32_t nxt = t->rcv_nxt, wnd = t->rcv_wnd;
    const uint32_t at[SEQS] = {nxt - 100000,     nxt - 1,           nxt,
                               nxt + wnd / 2,    nxt + wnd - 1,     nxt + wnd,
                               nxt + wnd + 1000, nxt + 0x80000000U, 0};

    return at[cell->seq];
}

static uint32_t ack_of(const struct cell *cell, const struct oracle_tcb *t)
{
    const uint32_t at[ACKS] = {t->una - t->max_wnd - 1,
                               t->una - 1,
                               t->una,
                               t->una + (t->nxt - t->una) / 2,
                               t->nxt,
                               t->nxt + 1,
                               t->nxt + 0x40000000U};

    return at[cell->ack];
}

static void prepare(struct bed *bed, const struct cell *cell)
{
    /* Also the initial number is such that the window, or its end, lies where the numbers wrap. */
    uint32_t irs = cell->seq == 8 ? 0xffffffffU - BED_BUFFER_BYTES / 2 : 1000000 + cell->flags;

    bed_prepare(bed, cell->setup, cell->time != 0, irs);
}

/* --- the examination -------------------------------------------------------------------------------- */

/* What the stack did. */
struct deed {
    int state;
    unsigned sent_at_once, sent;
    struct peer_segment reply;
    bool has_info, urgent, text_right;
    uint32_t una, snd_wnd, rcv_nxt, delivered, held;
};

static void look_at_events(struct bed *bed, struct deed *deed)
{
    struct gander_event events[4];
    size_t n = gander_events(bed->peer.stack, events, 4);

    for (size_t i = 0; i < n; i++)
        deed->urgent = deed->urgent || (events[i].bits & GANDER_EVENT_URGENT);
}

/* Reads the text that the cell's segment brought. */
static void look_at_text(struct bed *bed, struct deed *deed, uint32_t first)
{
    uint8_t text[BED_BUFFER_BYTES];
    int64_t n = gander_receive(bed->peer.stack, bed->socket, text, sizeof(text), 0);

    deed->text_right = true;
    deed->delivered = n > 0 ? (uint32_t)n : 0;
    for (uint32_t i = 0; i < deed->delivered; i++)
        if (text[i] != peer_text(first + i))
            deed->text_right = false;
}

static struct deed observe(struct bed *bed, const struct peer_segment *s)
{
    struct deed deed = {.state = (int)bed->tcb.state, .text_right = true};
    struct gander_tcp_info info;

    look_at_events(bed, &deed); /* those of the preparation */
    deed.urgent = false;
    bed->peer.last_state = -1;
    peer_sends(&bed->peer, s);
    deed.sent_at_once = bed->peer.sent_count;
    peer_advance(&bed->peer, 41 * GANDER_MS); /* the longest that an ACK waits */
    peer_collect(&bed->peer, false);
    deed.sent = bed->peer.sent_count;
    deed.reply = bed->peer.sent[0];
    if (bed->peer.last_state >= 0)
        deed.state = bed->peer.last_state;
    if (deed.state == GANDER_TCP_CLOSED && bed->tcb.passive)
        deed.state = GANDER_TCP_LISTEN; /* the record is gone, the listener stays */
    if (!bed->socket && bed->listener)
        gander_accept(bed->peer.stack, bed->listener, &bed->socket, NULL);
    look_at_events(bed, &deed);
    if (bed->socket && gander_tcp_info(bed->peer.stack, bed->socket, &info) == GANDER_OK) {
        deed.has_info = deed.state != GANDER_TCP_CLOSED && deed.state != GANDER_TCP_SYN_SENT;
        deed.una = info.snd_una;
        deed.snd_wnd = info.snd_wnd;
        deed.rcv_nxt = info.rcv_nxt;
        deed.held = info.reorder_queue_bytes;
        deed.urgent = deed.urgent || info.urgent;
        look_at_text(bed, &deed, bed->tcb.state == ORACLE_SYN_SENT ? s->seq + 1 : bed->tcb.rcv_nxt);
    }
    return deed;
}

/* NULL: as the oracle says; else what is wrong. */
static const char *reply_differs(const struct oracle_verdict *v, const struct deed *d,
                                 const struct peer_segment *arrived, bool asks)
{
    const struct peer_segment *r = &d->reply;
    const unsigned setup =
        GANDER_FLAG_ECE | GANDER_FLAG_CWR; /* agreed to by default [RFC3168 6.1.1] */
    unsigned ece = asks && (arrived->flags & setup) == setup ? GANDER_FLAG_ECE : 0U;

    if (v->reply == ORACLE_SILENT)
        return d->sent > 0 ? "an answer" : NULL;
    if (d->sent != 1)
        return d->sent ? "too many answers" : "no answer";
    if (!v->may_wait && d->sent_at_once != 1)
        return "a late answer";
    if (r->len != 0 || r->seq != v->reply_seq)
        return "the answer's SEQ or text";
    if (v->reply != ORACLE_RESETS &&
        (r->has_timestamp != v->timestamps || (v->timestamps && r->tsecr != v->ts_recent)))
        return "the answer's timestamp";
    switch (v->reply) {
    case ORACLE_RESETS:
        if (r->flags != (GANDER_FLAG_RST | (v->reset_acks ? GANDER_FLAG_ACK : 0)))
            return "no reset, or its flags";
        return v->reset_acks && r->ack != v->reply_ack ? "the reset's ACK" : NULL;
    case ORACLE_SYN_ACKS:
        if (r->flags != (GANDER_FLAG_SYN | GANDER_FLAG_ACK | ece))
            return "no SYN-ACK";
        return r->ack != v->reply_ack ? "the SYN-ACK's ACK" : NULL;
    default:
        if (r->flags != GANDER_FLAG_ACK)
            return "no plain ACK";
        return r->ack != v->reply_ack ? "the ACK" : NULL;
    }
}

static const char *differs(const struct bed *bed, const struct oracle_verdict *v,
                           const struct deed *d, const struct peer_segment *arrived)
{
    const char *reply = reply_differs(v, d, arrived, bed->tcb.state != ORACLE_SYN_RECEIVED);

    if ((int)v->state != d->state)
        return "next state";
    if (reply)
        return reply;
    if (!d->text_right)
        return "the text's bytes";
    if (bed->socket && d->urgent != v->urgent)
        return "urgent";
    if (!d->has_info)
        return NULL;
    if (d->una != v->una)
        return "SND.UNA";
    if (d->snd_wnd != v->snd_wnd && v->state < ORACLE_TIME_WAIT)
        return "SND.WND";
    if (d->rcv_nxt != v->rcv_nxt)
        return "RCV.NXT";
    if (d->delivered != v->delivered)
        return "text delivered";
    if (v->state < ORACLE_TIME_WAIT && d->held != v->held && !(v->may_forget && d->held == 0))
        return "text ahead of a gap";
    return NULL;
}

static struct oracle_segment as_oracle(const struct peer_segment *s)
{
    return (struct oracle_segment){.flags = s->flags & 63,
                                   .has_timestamp = s->has_timestamp,
                                   .up = s->up,
                                   .seq = s->seq,
                                   .ack = s->ack,
                                   .text_len = s->len,
                                   .wnd = s->wnd,
                                   .tsval = s->tsval};
}

static struct peer_segment segment_of(const struct bed *bed, const struct cell *cell)
{
    static const uint32_t tsval[TIMES] = {0, BED_TIMESTAMP + 10, BED_TIMESTAMP, BED_TIMESTAMP - 10,
                                          0};
    struct peer_segment s = {.flags = (uint8_t)(cell->flags | cell->more_flags),
                             .wnd = WINDOW_NOW,
                             .seq = seq_of(cell, &bed->tcb),
                             .ack = cell->flags & GANDER_FLAG_ACK ? ack_of(cell, &bed->tcb) : 0,
                             .len = lengths[cell->length],
                             .has_timestamp = cell->time >= 1 && cell->time <= 3,
                             .tsval = tsval[cell->time]};

    if (cell->flags & GANDER_FLAG_URG)
        s.up = (uint16_t)(s.len ? s.len : 1);
    return s;
}

static void show(const struct cell *c, const char *what, const struct oracle_verdict *v,
                 const struct deed *d)
{
    static const char letters[] = "FSRPAUEW";
    char flags[9] = "";
    unsigned n = 0;

    for (unsigned i = 0; i < 8; i++)
        if ((c->flags | c->more_flags) >> i & 1)
            flags[n++] = letters[i];
    flags[n] = 0;
    fprintf(stderr,
            "%s: %s, seq %s, ack %s, %u bytes, timestamp %s: %s; %s -> %s by %s; stack: %s, "
            "%u sent (%u at once, flags %02x seq %u ack %u; wanted %d seq %u ack %u), delivered %u "
            "(%u), held %u (%u)\n",
            bed_setup_names[c->setup], flags[0] ? flags : "-", seq_names[c->seq], ack_names[c->ack],
            lengths[c->length], time_names[c->time], what, "oracle",
            gander_tcp_state_name(v->state), v->clause, gander_tcp_state_name((unsigned)d->state),
            d->sent, d->sent_at_once, d->reply.flags, d->reply.seq, d->reply.ack, v->reply,
            v->reply_seq, v->reply_ack, d->delivered, v->delivered, d->held, v->held);
}

/* A kind of mismatch: shown once, then counted. */
struct tally {
    unsigned long cells, repeated, wrong;
    unsigned kinds;
    struct {
        const char *what, *clause;
        unsigned long count;
    } kind[KINDS_MAX];
};

static bool is_new(struct tally *tally, const char *what, const char *clause)
{
    unsigned i = 0;

    while (i < tally->kinds && (tally->kind[i].what != what || tally->kind[i].clause != clause))
        i++;
    if (i < tally->kinds) {
        tally->kind[i].count++;
        return false;
    }
    if (i == KINDS_MAX)
        return false;
    tally->kind[i].what = what;
    tally->kind[i].clause = clause;
    tally->kind[i].count = 1;
    tally->kinds++;
    return true;
}

/* Does another cell hold the same segment? Where nothing is in flight, classes coincide. */
static bool is_repeated(const struct cell *cell, const struct oracle_tcb *t)
{
    struct cell other = *cell;

    for (other.ack = 0; other.ack < cell->ack; other.ack++)
        if (ack_of(&other, t) == ack_of(cell, t))
            return true;
    return false;
}

static void examine(struct bed *bed, const struct cell *cell, struct tally *tally)
{
    struct oracle_verdict v;
    struct oracle_segment s;
    struct peer_segment p;
    struct deed deed;
    const char *what;

    tally->cells++;
    if (!(cell->flags & GANDER_FLAG_ACK) && cell->ack > 0) { /* a number that says nothing */
        tally->repeated++;
        return;
    }
    prepare(bed, cell);
    tally->repeated += is_repeated(cell, &bed->tcb);
    p = segment_of(bed, cell);
    s = as_oracle(&p);
    v = oracle_segment_arrives(&bed->tcb, &s);
    deed = observe(bed, &p);
    if (v.reply == ORACLE_SYN_ACKS && bed->tcb.state != ORACLE_SYN_SENT &&
        bed->tcb.state != ORACLE_SYN_RECEIVED)
        v.reply_seq = deed.reply.seq; /* a new ISS: any */
    if (bed->tcb.state == ORACLE_LISTEN || v.state == ORACLE_SYN_RECEIVED)
        deed.has_info = false; /* a record as yet */
    if (cell->setup == ESTABLISHED_WINDOW_CLOSED && deed.delivered == BED_BUFFER_BYTES) {
        deed.delivered = 0; /* what closed the window */
        deed.text_right = true;
    }
    what = differs(bed, &v, &deed, &p);
    tally->wrong += what != NULL;
    if (what && is_new(tally, what, v.clause))
        show(cell, what, &v, &deed);
    bed_clear(bed);
}

/* --- all cells ----------------------------------------------------------------------------------------- */

static unsigned step(void)
{
    const char *text = getenv("GANDER_MATRIX_STEP");
    unsigned n = text ? (unsigned)strtoul(text, NULL, 10) : 1;

    return n ? n : 1;
}

static void sweep(enum setup setup, bool ipv6, unsigned more_flags, unsigned stride,
                  struct tally *tally)
{
    const unsigned all = FLAGS * SEQS * ACKS * LENGTHS * TIMES;
    struct bed bed = {0};

    bed_create(&bed, ipv6);
    for (unsigned i = 0; i < all; i += stride) {
        struct cell cell = {.setup = setup,
                            .more_flags = more_flags,
                            .flags = i % FLAGS,
                            .seq = i / FLAGS % SEQS,
                            .ack = i / (FLAGS * SEQS) % ACKS,
                            .length = i / (FLAGS * SEQS * ACKS) % LENGTHS,
                            .time = i / (FLAGS * SEQS * ACKS * LENGTHS)};

        examine(&bed, &cell, tally);
    }
    peer_destroy(&bed.peer);
}

static void report(const struct tally *tally)
{
    print_message("%lu cells, %lu of them different segments: %lu mismatches\n", tally->cells,
                  tally->cells - tally->repeated, tally->wrong);
}

static void all_cells(bool ipv6)
{
    struct tally tally = {0};

    for (unsigned setup = 0; setup < SETUPS; setup++) {
        struct tally one = {0};

        sweep((enum setup)setup, ipv6, 0, step(), &one);
        for (unsigned i = 0; i < one.kinds; i++)
            fprintf(stderr, "%s: %lu times %s by %s\n", bed_setup_names[setup], one.kind[i].count,
                    one.kind[i].what, one.kind[i].clause);
        tally.cells += one.cells;
        tally.repeated += one.repeated;
        tally.wrong += one.wrong;
    }
    report(&tally);
    assert_int_equal(tally.wrong, 0);
}

static void each_state_meets_each_segment_over_ip4(void **state)
{
    (void)state;
    all_cells(false);
}

static void each_state_meets_each_segment_over_ip6(void **state)
{
    (void)state;
    all_cells(true);
}

/* RFC 3168's two flags make no difference where ECN was not agreed: on a sample. */
static void ecn_flags_make_no_difference(void **state)
{
    static const unsigned more[3] = {GANDER_FLAG_ECE, GANDER_FLAG_CWR,
                                     GANDER_FLAG_ECE | GANDER_FLAG_CWR};
    struct tally tally = {0};

    (void)state;
    for (unsigned setup = 0; setup < SETUPS; setup++)
        for (unsigned i = 0; i < 3; i++)
            sweep((enum setup)setup, i == 0, more[i], 61 * step(), &tally);
    report(&tally);
    assert_int_equal(tally.wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_state_meets_each_segment_over_ip4),
        cmocka_unit_test(each_state_meets_each_segment_over_ip6),
        cmocka_unit_test(ecn_flags_make_no_difference),
    };

    return cmocka_run_group_tests_name("matrix", tests, NULL, NULL);
}

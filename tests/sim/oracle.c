/* SPDX-License-Identifier: MIT */
/*
 * SEGMENT ARRIVES as the RFC tells it [RFC9293 3.10.7], step by step and by clause. Where gander goes another way on purpose,
 * the reason stands here with the word "deviation", and in src/ beside the code.
 */
#include "sim/oracle.h"

/* One segment under examination. */
struct exam {
    const struct oracle_tcb *tcb;
    struct oracle_segment seg;
    uint32_t len; /* SEG.LEN: text, SYN and FIN */
    struct oracle_verdict v;
};

static bool has(const struct exam *e, unsigned flags)
{
    return (e->seg.flags & flags) != 0;
}

/* a is before b on the circle [RFC9293 3.4]. */
static bool before(uint32_t a, uint32_t b)
{
    return a != b && b - a < 0x80000000U;
}

static bool in_window(const struct exam *e, uint32_t number)
{
    return number - e->tcb->rcv_nxt < e->tcb->rcv_wnd;
}

/* Each of these ends the examination: it returns true. */

static bool silent(struct exam *e, const char *clause)
{
    e->v.clause = clause;
    return true;
}

/* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> */
static bool acks(struct exam *e, const char *clause)
{
    e->v.reply = ORACLE_ACKS;
    e->v.reply_seq = e->tcb->nxt;
    e->v.reply_ack = e->v.rcv_nxt;
    e->v.clause = clause;
    return true;
}

/* 3.10.7.1, 3.5.2: with sequence numbers that the sender believes; never for a reset. */
static bool resets(struct exam *e, const char *clause)
{
    e->v.clause = clause;
    if (has(e, ORACLE_RST))
        return true;
    e->v.reply = ORACLE_RESETS;
    e->v.reset_acks = !has(e, ORACLE_ACK);
    e->v.reply_seq = e->v.reset_acks ? 0 : e->seg.ack;
    e->v.reply_ack = e->v.reset_acks ? e->seg.seq + e->len : 0;
    return true;
}

static bool becomes(struct exam *e, enum oracle_state state, const char *clause)
{
    e->v.state = state;
    e->v.clause = clause;
    return true;
}

/* --- CLOSED and LISTEN -------------------------------------------------------------------------- */

static bool listening(struct exam *e)
{
    if (has(e, ORACLE_RST))
        return silent(e, "3.10.7.2 first");
    if (has(e, ORACLE_ACK))
        return resets(e, "3.10.7.2 second");
    if (!has(e, ORACLE_SYN))
        return silent(e, "3.10.7.2 fourth");
    e->v.reply = ORACLE_SYN_ACKS; /* text may be queued, and is not: it comes again */
    e->v.rcv_nxt = e->v.reply_ack = e->seg.seq + 1;
    e->v.timestamps = e->seg.has_timestamp;
    e->v.ts_recent = e->seg.tsval;
    return becomes(e, ORACLE_SYN_RECEIVED, "3.10.7.2 third");
}

/* --- sixth, seventh, eighth ----------------------------------------------------------------------- */

static bool is_receiving(const struct exam *e)
{
    return e->v.state == ORACLE_ESTABLISHED || e->v.state == ORACLE_FIN_WAIT_1 ||
           e->v.state == ORACLE_FIN_WAIT_2;
}

/* "Trimming off any portions that lie outside the window (including SYN and FIN)" [3.10.7.4 first]. */
static void trim(struct exam *e)
{
    uint32_t nxt = e->v.rcv_nxt, room;

    if (before(e->seg.seq, nxt)) {
        uint32_t cut = nxt - e->seg.seq;

        if (has(e, ORACLE_SYN)) {
            e->seg.flags &= (uint8_t)~ORACLE_SYN;
            e->seg.seq++;
            cut--;
        }
        e->seg.text_len -= cut;
        e->seg.up = (uint16_t)(e->seg.up > cut ? e->seg.up - cut : 0);
        e->seg.seq = nxt;
    }
    room = nxt + e->tcb->rcv_wnd - e->seg.seq;
    if (e->tcb->rcv_wnd == 0 && (e->seg.text_len > 0 || has(e, ORACLE_FIN)))
        acks(e, "3.10.7.4 first: not acceptable in a closed window");
    if (e->seg.text_len + (has(e, ORACLE_FIN) ? 1 : 0) > room) {
        e->seg.flags &= (uint8_t)~ORACLE_FIN;
        if (e->seg.text_len > room)
            e->seg.text_len = room;
    }
}

static void urgent(struct exam *e)
{
    uint32_t up = e->seg.seq + e->seg.up;

    if (has(e, ORACLE_URG) && is_receiving(e) && before(e->v.rcv_nxt, up))
        e->v.urgent = true;
}

/* True: the connection ended. */
static bool text(struct exam *e)
{
    bool whole = e->seg.seq == e->v.rcv_nxt;

    if (e->seg.text_len == 0)
        return false;
    if (!is_receiving(e))
        return false; /* "This should not occur": ignored */
    if (e->tcb
            ->receiver_gone) { /* 3.6.1, SHLD-3: closed, and data come in: a reset tells that they are lost */
        e->v.reply = ORACLE_RESETS;
        e->v.reset_acks = true;
        e->v.reply_seq = e->tcb->nxt;
        e->v.reply_ack = e->v.rcv_nxt;
        return becomes(e, ORACLE_CLOSED, "3.6.1 SHLD-3");
    }
    if (!whole) {
        e->v.held = e->seg.text_len; /* SHLD-31 */
        e->v.may_forget = e->len > e->tcb->rcv_wnd;
        acks(e, "RFC 5681 4.2: out of order, acknowledged at once");
        return false;
    }
    e->v.delivered = e->seg.text_len;
    e->v.rcv_nxt += e->seg.text_len;
    e->v.may_wait = true;
    acks(e, "3.10.7.4 seventh");
    return false;
}

static bool fin(struct exam *e)
{
    bool receiving = is_receiving(e);

    if (!has(e, ORACLE_FIN))
        return true;
    if (e->seg.seq + e->seg.text_len != e->v.rcv_nxt || !receiving)
        return acks(e, "3.10.7.4 eighth: acknowledged, not reached or not the first");
    e->v.rcv_nxt++;
    e->v.may_wait = false;
    acks(e, "3.10.7.4 eighth");
    switch (e->v.state) {
    case ORACLE_ESTABLISHED:
        return becomes(e, ORACLE_CLOSE_WAIT, "3.10.7.4 eighth, ESTABLISHED");
    case ORACLE_FIN_WAIT_1:
        return becomes(e, ORACLE_CLOSING, "3.10.7.4 eighth, FIN-WAIT-1");
    default:
        return becomes(e, ORACLE_TIME_WAIT, "3.10.7.4 eighth, FIN-WAIT-2");
    }
}

static bool urgent_text_fin(struct exam *e)
{
    trim(e);
    urgent(e);
    return text(e) || fin(e);
}

/* --- SYN-SENT -------------------------------------------------------------------------------------- */

static bool syn_sent(struct exam *e)
{
    const struct oracle_tcb *t = e->tcb;

    if (has(e, ORACLE_ACK) && (!before(t->iss, e->seg.ack) || before(t->nxt, e->seg.ack)))
        return resets(e, "3.10.7.3 first");
    if (has(e, ORACLE_RST)) {
        if (!has(e, ORACLE_ACK))
            return silent(e, "3.10.7.3 second, no ACK");
        return becomes(e, ORACLE_CLOSED, "3.10.7.3 second");
    }
    if (!has(e, ORACLE_SYN))
        return silent(e, "3.10.7.3 fifth");
    e->v.rcv_nxt = e->seg.seq + 1;
    e->v.timestamps = e->seg.has_timestamp;
    e->v.ts_recent = e->seg.tsval;
    if (!has(e, ORACLE_ACK)) { /* other controls and text: queued or not; they come again */
        e->v.reply = ORACLE_SYN_ACKS;
        e->v.reply_seq = t->iss;
        e->v.reply_ack = e->v.rcv_nxt;
        return becomes(e, ORACLE_SYN_RECEIVED, "3.10.7.3 fourth, simultaneous");
    }
    e->v.una = e->seg.ack;
    e->v.snd_wnd = e->seg.wnd;
    acks(e, "3.10.7.3 fourth");
    becomes(e, ORACLE_ESTABLISHED, "3.10.7.3 fourth");
    e->seg.flags &= (uint8_t)~ORACLE_SYN;
    e->seg.seq++;
    e->len--;
    urgent_text_fin(e);
    e->v.may_wait = false;
    return true;
}

/* --- before the sequence number --------------------------------------------------------------------- */

/* RFC 6191 2: may this SYN take the place of a connection in TIME-WAIT? RFC 9293 has a challenge for those that may not. */
static bool reopens(const struct exam *e)
{
    const struct oracle_tcb *t = e->tcb;
    bool later = !before(e->seg.seq, t->rcv_nxt);

    if (t->state != ORACLE_TIME_WAIT || !t->listener || !has(e, ORACLE_SYN) || has(e, ORACLE_ACK))
        return false;
    if (t->timestamps && e->seg.has_timestamp)
        return before(t->ts_recent, e->seg.tsval) || (t->ts_recent == e->seg.tsval && later);
    return (!t->timestamps && e->seg.has_timestamp) || later;
}

/* True: ended. RFC 7323 3.2 and 5.3 R1; a SYN without timestamp is one of a new beginning, which RFC 5961 4.2 answers whatever
 * it carries. */
static bool timestamps(struct exam *e)
{
    if (!e->tcb->timestamps || has(e, ORACLE_RST))
        return false;
    if (!e->seg.has_timestamp)
        return has(e, ORACLE_SYN) ? false : silent(e, "RFC 7323 3.2: no timestamp");
    if (before(e->seg.tsval, e->tcb->ts_recent))
        return acks(e, "RFC 7323 5.3 R1");
    return false;
}

/* --- first: the sequence number --------------------------------------------------------------------- */

static bool acceptable(const struct exam *e)
{
    const struct oracle_tcb *t = e->tcb;

    if (t->state ==
        ORACLE_TIME_WAIT) /* deviation: nothing can come behind the FIN, the window counts as closed */
        return e->len == 0 && e->seg.seq == t->rcv_nxt;
    if (e->seg.seq == t->rcv_nxt) /* a closed window too: its ACK, URG and RST count (MUST-66) */
        return true;
    if (t->rcv_wnd == 0)
        return false;
    if (e->len == 0)
        return in_window(e, e->seg.seq);
    /* Deviation: the table takes no segment that begins before the window and ends behind it; the text does ("it contains
     * data in the window"). */
    return in_window(e, e->seg.seq) || in_window(e, e->seg.seq + e->len - 1) ||
           (before(e->seg.seq, t->rcv_nxt) && before(t->rcv_nxt, e->seg.seq + e->len));
}

/* --- fifth: the ACK ------------------------------------------------------------------------------------ */

/* What the acknowledgement of our FIN brings about. True: ended. */
static bool fin_acked(struct exam *e)
{
    switch (e->v.state) {
    case ORACLE_FIN_WAIT_1:
        becomes(e, ORACLE_FIN_WAIT_2, "3.10.7.4 fifth, FIN-WAIT-1");
        return false;
    case ORACLE_CLOSING:
        /* Deviation: not looked at further; behind the peer's FIN nothing can come. */
        return becomes(e, ORACLE_TIME_WAIT, "3.10.7.4 fifth, CLOSING");
    case ORACLE_LAST_ACK:
        return becomes(e, ORACLE_CLOSED, "3.10.7.4 fifth, LAST-ACK");
    default:
        return false;
    }
}

/* WL1 and WL2 keep old segments from using the window; the segment begins at RCV.NXT, when what is old is cut off. */
static void window(struct exam *e)
{
    const struct oracle_tcb *t = e->tcb;
    uint32_t seq = before(e->seg.seq, t->rcv_nxt) ? t->rcv_nxt : e->seg.seq;

    if (before(e->seg.ack, t->una))
        return;
    if (t->state == ORACLE_SYN_RECEIVED || before(t->wl1, seq) ||
        (t->wl1 == seq && !before(e->seg.ack, t->wl2)))
        e->v.snd_wnd = e->seg.wnd;
}

static bool ack(struct exam *e)
{
    const struct oracle_tcb *t = e->tcb;

    if (!has(e, ORACLE_ACK))
        return silent(e, "3.10.7.4 fifth, no ACK");
    if (t->state == ORACLE_SYN_RECEIVED) {
        if (!before(t->una, e->seg.ack) || before(t->nxt, e->seg.ack))
            return resets(e, "3.10.7.4 fifth, SYN-RECEIVED");
        becomes(e, t->fin_sent ? ORACLE_FIN_WAIT_1 : ORACLE_ESTABLISHED,
                "3.10.7.4 fifth, SYN-RECEIVED");
    }
    if (t->state == ORACLE_TIME_WAIT)
        return silent(e, "3.10.7.4 fifth, TIME-WAIT");
    if (before(t->nxt, e->seg.ack) || before(e->seg.ack, t->una - t->max_wnd))
        return acks(e, "3.10.7.4 fifth, RFC 5961 5.2");
    if (before(t->una, e->seg.ack))
        e->v.una = e->seg.ack;
    window(e);
    /* RFC 7323 4.3 (2). Deviation: only now, not before the ACK was found good. */
    if (e->seg.has_timestamp && !before(e->seg.tsval, t->ts_recent) &&
        !before(t->rcv_nxt, e->seg.seq))
        e->v.ts_recent = e->seg.tsval;
    return t->fin_sent && e->v.una == t->nxt && fin_acked(e);
}

/* --- the order ----------------------------------------------------------------------------------------- */

static bool reset(struct exam *e)
{
    enum oracle_state state = e->tcb->state;

    if (!has(e, ORACLE_RST))
        return false;
    if (state == ORACLE_TIME_WAIT) /* deviation: RFC 1337 3 (F1) */
        return silent(e, "RFC 1337 3 (F1)");
    if (e->seg.seq == e->tcb->rcv_nxt)
        return becomes(
            e, state == ORACLE_SYN_RECEIVED && e->tcb->passive ? ORACLE_LISTEN : ORACLE_CLOSED,
            "3.10.7.4 second, 2)");
    if (!in_window(e, e->seg.seq))
        return silent(e, "3.10.7.4 second, 1)");
    return acks(e, "3.10.7.4 second, 3)");
}

static bool others(struct exam *e)
{
    const struct oracle_tcb *t = e->tcb;

    bool again = t->state == ORACLE_SYN_RECEIVED && has(e, ORACLE_SYN) && e->seg.seq == t->irs;

    /* Deviation: the SYN-ACK once more, which holds the ACK that the letter wants. */
    if (again && t->passive && !has(e, ORACLE_ACK)) {
        e->v.reply = ORACLE_SYN_ACKS;
        e->v.reply_seq = t->iss;
        e->v.reply_ack = t->rcv_nxt;
        return silent(e, "the SYN again");
    }
    if (timestamps(e))
        return true;
    /* Figure 7: the peer's SYN again, with the ACK of ours, completes the simultaneous opening. */
    if (again && !t->passive && has(e, ORACLE_ACK)) {
        e->seg.flags &= (uint8_t)~ORACLE_SYN;
        e->seg.seq++;
        e->len--;
    }
    if (!acceptable(e)) {
        if (has(e, ORACLE_RST))
            return silent(e, "3.10.7.4 first, RST");
        return acks(e, "3.10.7.4 first");
    }
    if (reset(e))
        return true;
    if (has(e,
            ORACLE_SYN)) /* deviation in SYN-RECEIVED from LISTEN: RFC 5961 4 there too, nobody ends it blindly */
        return acks(e, "3.10.7.4 fourth, RFC 5961 4.2");
    return ack(e) || urgent_text_fin(e);
}

struct oracle_verdict oracle_segment_arrives(const struct oracle_tcb *tcb,
                                             const struct oracle_segment *segment)
{
    struct exam e = {.tcb = tcb, .seg = *segment};

    e.len = segment->text_len + has(&e, ORACLE_SYN) + has(&e, ORACLE_FIN);
    e.v = (struct oracle_verdict){.state = tcb->state,
                                  .una = tcb->una,
                                  .snd_wnd = tcb->snd_wnd,
                                  .rcv_nxt = tcb->rcv_nxt,
                                  .timestamps = tcb->timestamps,
                                  .ts_recent = tcb->ts_recent};
    /* Deviation: nobody sends these; scanners do, and get no answer. */
    if ((segment->flags & 63) == 0 || (has(&e, ORACLE_SYN) && has(&e, ORACLE_FIN | ORACLE_RST)))
        silent(&e, "no such combination of flags");
    else if (tcb->state == ORACLE_CLOSED)
        resets(&e, "3.10.7.1");
    else if (tcb->state == ORACLE_LISTEN || reopens(&e))
        listening(&e);
    else if (tcb->state == ORACLE_SYN_SENT)
        syn_sent(&e);
    else
        others(&e);
    return e.v;
}

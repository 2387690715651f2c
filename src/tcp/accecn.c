/* SPDX-License-Identifier: MIT */
/*
 * Accurate ECN feedback [RFC9768 3.2]: the ACE field counts marked packets in three bits of every segment, the option counts
 * bytes by codepoint. Here are the counters of both directions, when an ACK is due for their sake, and what is believed.
 *
 * The option goes on each pure ACK, with all three fields if they fit, on the first SYN-ACK, and on new data that leave room. That
 * of a full-sized segment would shorten its text: DEVIATION from the SHOULD of 3.2.3.2.1 for the first data segment.
 */
#include "tcp/tcp.h"

enum {
    OPTION_PADDED_BYTES = 12,
    MARKS_PER_ACK = 2,      /* of text: n of 3.2.2.5.1 */
    MARKS_PER_ACK_BARE = 3, /* of pure ACKs */
    ACE_MAX = 7,
    COUNTER_MASK = 0xffffff
};

void accecn_begin(struct tcp_accecn *a, unsigned codepoint, bool passive)
{
    *a = (struct tcp_accecn){.r_e0b =
                                 1, /* 3.2.1: never zero, as what is zeroed on the way would be */
                             .r_e1b = 1,
                             .s_e0b = 1,
                             .s_e1b = 1,
                             .r_cep = 5,
                             .s_cep = 5,
                             .flags = passive ? ACCECN_PASSIVE : 0,
                             .handshake = (uint8_t)codepoint};
    if (!passive && codepoint == ECN_CE) /* on a SYN-ACK it counts, on a SYN it does not: 3.2.2.2 */
        a->r_cep++;
}

/* --- what leaves --------------------------------------------------------------------------------------- */

void accecn_option_fill(const struct tcp_accecn *a, struct tcp_segment *seg)
{
    seg->rare |= TCP_RARE_ACCECN;
    seg->accecn = (struct tcp_accecn_option){.order = a->last == ECN_ECT1,
                                             .fields = 3,
                                             .e0b = a->r_e0b,
                                             .ceb = a->r_ceb,
                                             .e1b = a->r_e1b};
}

void accecn_option_out(struct tcp_conn *c, struct tcp_segment *seg)
{
    accecn_option_fill(&c->knobs->accecn, seg);
}

void accecn_out(struct tcp_conn *c, const struct tcp_send *send, struct tcp_segment *seg)
{
    struct tcp_accecn *a = &c->knobs->accecn;
    uint32_t more = OPTION_PADDED_BYTES + (seg->sack_blocks ? 4 + 8U * seg->sack_blocks : 0);
    bool reflects = (c->ecn & TCP_ECN_REFLECT) && send->text_len == 0 && seg->sack_blocks == 0;

    c->ecn &= (uint8_t)~TCP_ECN_REFLECT; /* later it would be taken for the counter */
    tcp_ace_write(seg,
                  reflects ? tcp_ecn_answer(TCP_ECN_ACCURATE, a->handshake, 0) : a->r_cep & 7U);
    a->unacked_marks = 0;
    if (send->text_len == 0 || (send->transmissions == 1 && send->text_len + more <= c->mss))
        accecn_option_fill(a, seg);
}

/* --- what arrives: as receiver --------------------------------------------------------------------------- */

static uint32_t *counter_of(struct tcp_accecn *a, unsigned codepoint)
{
    return codepoint == ECN_CE ? &a->r_ceb : codepoint == ECN_ECT0 ? &a->r_e0b : &a->r_e1b;
}

/* In a burst of marked segments no ACK may stand for more than n of them: the one that is due leaves now. */
static void ack_flush(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_send ack = {.seq = c->snd.nxt, .flags = GANDER_FLAG_ACK, .why = GANDER_WHY_ack_ecn};
    struct gander_packet *packet;

    if (!(c->flags & TCP_ACK_NOW) || !c->busy)
        return;
    packet = tcp_segment_build(stack, c, &ack);
    if (packet)
        link_enqueue(stack, c->entity.link, packet);
}

static void count(struct gander_stack *stack, struct tcp_conn *c, const struct tcp_ecn_arrival *e)
{
    struct tcp_accecn *a = &c->knobs->accecn;
    uint32_t text = e->text_len;
    bool changed = text > 0 && e->codepoint != ECN_NOT_ECT && e->codepoint != a->last;

    if (e->codepoint == ECN_NOT_ECT)
        return;
    if (e->codepoint == ECN_CE) {
        if (a->unacked_marks >= MARKS_PER_ACK)
            ack_flush(stack, c);
        a->r_cep++;
        a->unacked_marks = (uint8_t)min_u32(a->unacked_marks + 1U, UINT8_MAX);
    }
    if (text > 0) {
        *counter_of(a, e->codepoint) = (*counter_of(a, e->codepoint) + text) & COUNTER_MASK;
        a->last = (uint8_t)e->codepoint;
    }
    if (changed || a->unacked_marks >= (text > 0 ? MARKS_PER_ACK : MARKS_PER_ACK_BARE))
        tcp_ack_now(stack, c, GANDER_WHY_ack_ecn); /* 3.2.2.5.1, 3.2.3.3 */
}

/* --- what arrives: as sender ----------------------------------------------------------------------------- */

static uint32_t advance(uint32_t *counter, uint32_t field)
{
    uint32_t by = (field - *counter) & COUNTER_MASK;

    *counter = field;
    return by;
}

/* Takes the fields that are there; returns by how many bytes CE has grown, −1: not told. */
static int64_t option_take(struct tcp_accecn *a, const struct tcp_accecn_option *o)
{
    bool first = !(a->flags & ACCECN_OPTION_SEEN);
    int64_t ceb = -1;

    a->flags |= ACCECN_OPTION_SEEN;
    if (first && (o->order ? o->e1b : o->e0b) == 0)
        a->flags |= ACCECN_OPTION_BAD;
    if (a->flags & ACCECN_OPTION_BAD)
        return -1;
    if (o->order == 0 || o->fields == 3)
        advance(&a->s_e0b, o->e0b);
    if (o->order == 1 || o->fields == 3)
        advance(&a->s_e1b, o->e1b);
    if (o->fields >= 2)
        ceb = advance(&a->s_ceb, o->ceb);
    return first || ceb >= 0 ? max_i64(ceb, 0) : -1;
}

void accecn_option_in(struct tcp_conn *c, const struct tcp_segment *seg)
{
    if (seg->rare & TCP_RARE_ACCECN)
        option_take(&c->knobs->accecn, &seg->accecn);
}

/*
 * How many of ours were marked: the three bits may have gone round when many are acknowledged at once. Without the option's
 * bytes to tell, the most that is likely, once there have been marks [RFC9768 3.2.2.5.2, A.2].
 */
static uint32_t marked_packets(const struct tcp_conn *c, unsigned ace, uint32_t acked_bytes,
                               int64_t ceb)
{
    const struct tcp_accecn *a = &c->knobs->accecn;
    uint32_t least = (ace - a->s_cep) & ACE_MAX, packets;

    if (acked_bytes <= ACE_MAX * (uint32_t)c->mss)
        return least;
    if (ceb >= 0 ? ceb <= (int64_t)least * c->mss : a->marked_packets + least == 0)
        return least;
    packets = acked_bytes / c->mss;
    return packets <= least ? least : packets - ((packets - least) & ACE_MAX);
}

/* The first segment without SYN: is the field zeroed on the way, was our SYN-ACK changed? [RFC9768 3.2.2.1, 3.2.2.3, 3.2.2.4] */
static bool first_arrives(struct gander_stack *stack, struct tcp_conn *c,
                          const struct tcp_ecn_arrival *e, unsigned ace)
{
    struct tcp_accecn *a = &c->knobs->accecn;

    c->ecn &= (uint8_t)~TCP_ECN_UNHEARD;
    if (ace == 0) {
        c->ecn |= TCP_ECN_NO_ECT | TCP_ECN_DEAF;
        return true;
    }
    if (!(a->flags & ACCECN_PASSIVE) || e->text_len > 0 || e->seg->sack_blocks > 0)
        return false;
    if (ace == 3 || ace == 4 || ace == 6) /* it left without ECT */
        c->ecn |= TCP_ECN_NO_ECT;
    if (ace == 6) {
        a->s_cep = 6;
        tcp_ecn_congestion(stack, c);
    }
    return true;
}

/*
 * Is it not older than what was read last? An ACK that moves nothing may have been overtaken; its news come with the next
 * one [RFC9768 3.2.2.2].
 */
static bool is_fresh(const struct tcp_conn *c, const struct tcp_ecn_arrival *e)
{
    const struct tcp_segment *seg = e->seg;

    if (seq_lt(seg->ack, e->una_before))
        return false;
    return seg->ack != e->una_before || (e->text_len > 0 && seg->seq == c->rcv.nxt) ||
           (seg->has_timestamp && seq_gt(seg->tsval, e->ts_before));
}

void accecn_arrives(struct gander_stack *stack, struct tcp_conn *c, const struct tcp_ecn_arrival *e,
                    unsigned ace)
{
    struct tcp_accecn *a = &c->knobs->accecn;
    uint32_t acked_bytes = c->snd.una - e->una_before, marked;
    bool first = c->ecn & TCP_ECN_UNHEARD;
    int64_t ceb = -1;

    if (!e->was_syn)
        count(stack, c, e);
    if ((c->ecn & TCP_ECN_DEAF) || e->was_syn || (!first && !is_fresh(c, e)))
        return;
    if ((e->seg->rare & TCP_RARE_ACCECN) && !(a->flags & ACCECN_OPTION_BAD))
        ceb = option_take(a, &e->seg->accecn);
    if (first && first_arrives(stack, c, e, ace))
        return;
    marked = marked_packets(c, ace, acked_bytes, ceb);
    a->s_cep = (uint8_t)(a->s_cep + marked);
    a->marked_packets += marked;
    if (marked > 0)
        tcp_ecn_congestion(stack, c);
    else if (ceb > 0 && acked_bytes <= ACE_MAX * (uint32_t)c->mss)
        c->ecn |= TCP_ECN_NO_ECT; /* bytes without packets: mangled [RFC9768 3.2.3.2.5] */
}

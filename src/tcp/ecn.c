/* SPDX-License-Identifier: MIT */
/*
 * Explicit congestion notification [RFC3168]: who may mark, what is echoed, and how it is agreed on at either end, with its
 * accurate successor [RFC9768 3.1], whose feedback is in accecn.c.
 *
 * Only new data are sent with ECT: no SYN, no pure ACK, no probe of a closed window, nothing for the second time
 * [RFC3168 6.1.1, 6.1.4 to 6.1.6]. A SYN that asks and gets no answer goes again without asking [RFC3168 6.1.1.1, RFC9768 3.1.4].
 *
 * Left out: ECT on control packets, ECT(1), memory of destinations that drop what asks.
 */
#include "tcp/tcp.h"

static unsigned ace_of(const struct tcp_segment *seg)
{
    return (seg->ae ? 4U : 0U) | (seg->flags & GANDER_FLAG_CWR ? 2U : 0U) |
           (seg->flags & GANDER_FLAG_ECE ? 1U : 0U);
}

void tcp_ace_write(struct tcp_segment *seg, unsigned ace)
{
    seg->ae = ace & 4;
    if (ace & 2)
        seg->flags |= GANDER_FLAG_CWR;
    if (ace & 1)
        seg->flags |= GANDER_FLAG_ECE;
}

/* --- the handshake ------------------------------------------------------------------------------------ */

bool tcp_ecn_open(struct gander_stack *stack, struct tcp_conn *c)
{
    switch (tcp_knobs_of(stack, c)->ecn) {
    case GANDER_ECN_ON:
        c->ecn = TCP_ECN_CLASSIC;
        return true;
    case GANDER_ECN_ACCURATE:
        c->ecn = TCP_ECN_ACCURATE;
        return tcp_knobs_need(stack, &c->sock); /* its counters are there */
    default:
        c->ecn = 0;
        return true;
    }
}

/* What a SYN asks for and we agree to [RFC3168 6.1.1; RFC9768 3.1.2, table 2, and 3.1.3]. */
uint8_t tcp_ecn_asked(const struct tcp_knobs *knobs, const struct tcp_segment *syn)
{
    unsigned ace = ace_of(syn);

    if (knobs->ecn == GANDER_ECN_OFF || ace == 0)
        return 0;
    if (knobs->ecn == GANDER_ECN_ACCURATE && ace != 3)
        return TCP_ECN_ACCURATE;
    return (ace & 3) == 3 ? TCP_ECN_CLASSIC : 0;
}

/* AE, CWR and ECE of a SYN-ACK that left `before` times already [RFC9768 3.1.1, 3.2.3.2.2]. */
unsigned tcp_ecn_answer(uint8_t ecn, unsigned codepoint, unsigned before)
{
    static const uint8_t reflected[] = {
        [ECN_NOT_ECT] = 2, [ECN_ECT1] = 3, [ECN_ECT0] = 4, [ECN_CE] = 6};

    if (ecn & TCP_ECN_ACCURATE)
        return before < 2 ? reflected[codepoint] : 0;
    return ecn & TCP_ECN_CLASSIC ? 1 : 0;
}

/* The SYN of another time, or a SYN-ACK from a connection: simultaneous or fast open. */
static void syn_out(struct tcp_conn *c, const struct tcp_send *send, struct tcp_segment *seg)
{
    unsigned asks = c->ecn & TCP_ECN_ACCURATE ? 2 : 1;

    if (send->flags & GANDER_FLAG_ACK) {
        unsigned codepoint = c->ecn & TCP_ECN_ACCURATE ? c->knobs->accecn.handshake : 0U;

        tcp_ace_write(seg, tcp_ecn_answer(c->ecn, codepoint, send->transmissions - 1U));
        if ((c->ecn & TCP_ECN_ACCURATE) && send->transmissions == 1)
            accecn_option_out(c, seg);
    } else if ((c->ecn & TCP_ECN_MODES) && send->transmissions <= asks) {
        tcp_ace_write(seg, c->ecn & TCP_ECN_ACCURATE ? 7 : 3);
    } else { /* who has sent a SYN without asking never sends ECT [RFC3168 6.1.1] */
        c->ecn |= TCP_ECN_NO_ECT;
    }
}

/* The SYN-ACK [RFC3168 6.1.1; RFC9768 3.1.2, table 2]. */
void tcp_ecn_agree(struct tcp_conn *c, const struct tcp_segment *seg, unsigned codepoint)
{
    uint8_t asked = c->ecn & TCP_ECN_MODES, given_up = c->ecn & TCP_ECN_NO_ECT;
    unsigned ace = ace_of(seg);

    c->ecn = 0;
    if (asked == TCP_ECN_ACCURATE && ace != 0 && ace != 1 && ace != 7) {
        c->ecn = TCP_ECN_ACCURATE | TCP_ECN_UNHEARD | TCP_ECN_REFLECT | given_up;
        accecn_begin(&c->knobs->accecn, codepoint, false);
        if (ace != 2 && ace != 5) /* our SYN had no ECT: somebody changed it [RFC9768 3.2.2.3] */
            c->ecn |= TCP_ECN_NO_ECT;
        accecn_option_in(c, seg);
    } else if (!given_up && (asked == TCP_ECN_ACCURATE ? ace == 1 : asked && (ace & 3) == 1)) {
        c->ecn = TCP_ECN_CLASSIC;
    }
}

/* Simultaneous open: as if we had been listening [RFC9768 3.1.2]. */
void tcp_ecn_answers(struct gander_stack *stack, struct tcp_conn *c, const struct tcp_segment *syn,
                     unsigned codepoint)
{
    uint8_t given_up = c->ecn & TCP_ECN_NO_ECT;

    c->ecn = tcp_ecn_asked(tcp_knobs_of(stack, c), syn);
    if ((c->ecn & TCP_ECN_ACCURATE) && !tcp_knobs_need(stack, &c->sock))
        c->ecn = 0;
    if (c->ecn)
        c->ecn |= TCP_ECN_UNHEARD | given_up;
    if (c->ecn & TCP_ECN_ACCURATE)
        accecn_begin(&c->knobs->accecn, codepoint, true);
}

/* --- what leaves --------------------------------------------------------------------------------------- */

unsigned tcp_ecn_out(struct tcp_conn *c, const struct tcp_send *send, struct tcp_segment *seg)
{
    bool fresh = send->text_len > 0 && send->transmissions == 1;

    if (send->flags & GANDER_FLAG_SYN) {
        syn_out(c, send, seg);
        return ECN_NOT_ECT;
    }
    if (send->flags & GANDER_FLAG_RST)
        return ECN_NOT_ECT;
    if (c->ecn & TCP_ECN_ACCURATE) {
        accecn_out(c, send, seg);
    } else {
        if (c->ecn & TCP_ECN_ECHO)
            seg->flags |= GANDER_FLAG_ECE;
        if (fresh && (c->ecn & TCP_ECN_REDUCED)) {
            seg->flags |= GANDER_FLAG_CWR;
            c->ecn &= (uint8_t)~TCP_ECN_REDUCED;
        }
    }
    return fresh && !(c->ecn & TCP_ECN_NO_ECT) && send->why != GANDER_WHY_window_probe
               ? ECN_ECT0
               : ECN_NOT_ECT;
}

/* --- what arrives -------------------------------------------------------------------------------------- */

/* A mark of the window that is in flight: as one loss, and once for all of it [RFC3168 6.1.2]. */
void tcp_ecn_congestion(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;

    if (!b || b->recovery != TCP_OPEN || seq_leq(c->snd.una, b->ecn_until))
        return;
    b->ecn_until = c->snd.nxt;
    tcp_cc_on_ecn(stack, c);
    tcp_ecn_on_reduced(c);
}

/* The window was reduced, for whatever reason [RFC3168 6.1.2]. */
void tcp_ecn_on_reduced(struct tcp_conn *c)
{
    if ((c->ecn & TCP_ECN_CLASSIC) && c->entity.state >= GANDER_TCP_ESTABLISHED)
        c->ecn |= TCP_ECN_REDUCED;
}

/* Not one segment with ECT has arrived, and the timer runs out: perhaps they are dropped for it. */
void tcp_ecn_on_timeout(struct tcp_conn *c)
{
    if ((c->ecn & TCP_ECN_MODES) && !(c->ecn & TCP_ECN_PROVEN) &&
        c->entity.state >= GANDER_TCP_ESTABLISHED)
        c->ecn |= TCP_ECN_NO_ECT;
}

static void classic_arrives(struct gander_stack *stack, struct tcp_conn *c,
                            const struct tcp_ecn_arrival *e)
{
    const struct tcp_segment *seg = e->seg;

    if (seg->flags & GANDER_FLAG_CWR)
        c->ecn &= (uint8_t)~TCP_ECN_ECHO;
    if (e->codepoint == ECN_CE && seg->text_len > 0)
        c->ecn |= TCP_ECN_ECHO;
    if ((seg->flags & GANDER_FLAG_ECE) && seq_geq(seg->ack, e->una_before))
        tcp_ecn_congestion(stack, c);
}

void tcp_ecn_arrives(struct gander_stack *stack, struct tcp_conn *c,
                     const struct tcp_ecn_arrival *e)
{
    if (c->snd.una - e->una_before > 1 && c->busy && c->busy->recovery == TCP_OPEN)
        c->ecn |= TCP_ECN_PROVEN;
    if (c->ecn & TCP_ECN_ACCURATE)
        accecn_arrives(stack, c, e, ace_of(e->seg));
    else if ((c->ecn & TCP_ECN_CLASSIC) && !e->was_syn)
        classic_arrives(stack, c, e);
}

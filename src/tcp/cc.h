/* SPDX-License-Identifier: MIT */
/*
 * Congestion control: a table of functions over integers. It knows bytes, times, rates and its own state; not segments, not how
 * loss is found. cc.c stands between it and the connection:
 *
 *   tcp_cc_on_ack            every ACK, when loss detection has done its part: the window, and the pacing rate
 *   tcp_cc_on_loss           recovery begins, once per round of loss: ssthresh. Who recovers (PRR) sets cwnd from there on,
 *                            unless tcp_cc_controls_recovery(): then the algorithm does, and on_ack also runs in recovery
 *   tcp_cc_on_recovery_end   recovery is over: cwnd
 *   tcp_cc_on_timeout        the retransmission timer ran out: ssthresh, cwnd of one segment
 *   tcp_cc_on_undo           the last of these was for nothing: window and state as before [RFC4015]
 *   tcp_cc_on_ecn            the peer echoes congestion, once per window of data: as one loss, without anything to resend
 *   tcp_cc_on_idle           nothing was sent for a retransmission time-out
 *   tcp_rate_on_…            rate.c: each record that leaves, arrives or is marked lost
 */
#ifndef TCP_CC_H
#define TCP_CC_H

#include <gander/stack.h>

#include "base/random.h"
#include "base/seq.h"

enum { TCP_CC_STATE_WORDS = 14 };

/* What an ACK says about the path: the draft's RS. Bytes; rates in bytes per second. */
struct tcp_rate_sample {
    uint64_t prior_delivered; /* C.delivered when the newest packet acknowledged left */
    uint64_t delivery_rate;   /* 0: no reliable sample */
    gander_time interval_ns;
    gander_time rtt_ns;    /* of the newest packet, if it left once; −1: none */
    uint32_t delivered;    /* in the interval */
    uint32_t newly_acked;  /* by this ACK, cumulatively or selectively */
    uint32_t newly_lost;   /* since the last ACK */
    uint32_t lost;         /* since the newest packet left */
    uint32_t tx_in_flight; /* when it had left, itself included */
    bool has_data;         /* something was delivered */
    bool is_app_limited;
};

/* What an algorithm sees and may change. */
struct tcp_cc {
    uint32_t cwnd, ssthresh; /* bytes */
    uint32_t mss;
    uint32_t flight;   /* SND.NXT − SND.UNA: FlightSize [RFC5681 2] */
    uint32_t inflight; /* in the network [RFC6675 4], the draft's C.inflight */
    uint32_t initial_window;
    tcp_seq snd_una, snd_nxt;
    gander_time now, srtt_ns;
    gander_time rtt_ns;    /* this ACK's sample; −1: none */
    bool limited;          /* cwnd was what held the sender back: only then may it grow */
    bool cwnd_limited;     /* C.is_cwnd_limited: in the last round trip cwnd held something back */
    bool recovering;       /* in fast recovery or after a time-out */
    bool paced;            /* what is sent leaves spread over the round trip */
    bool sack;             /* more than one loss a round trip can be seen */
    bool app_limited;      /* C.app_limited is set */
    bool mark_app_limited; /* out: MarkConnectionAppLimited() */
    uint8_t why;           /* out: enum gander_why of what moved the window */
    uint32_t send_quantum; /* out, if it paces */
    uint64_t pacing_rate;  /* in, out, if it paces: bytes per second */
    uint64_t delivered, lost; /* ever */
    struct random *random;
    const struct tcp_rate_sample *rs; /* in on_ack, on_lost: of the packet lost; else NULL */
    void *state; /* TCP_CC_STATE_WORDS 64-bit words, or state_bytes; zero at first */
};

enum tcp_cc_flags {
    TCP_CC_PACES = 1,             /* always, and sets the rate */
    TCP_CC_CONTROLS_RECOVERY = 2, /* sets cwnd in recovery, too */
    TCP_CC_KEEPS_IDLE = 4         /* knows how to begin again after silence: no restart window */
};

struct tcp_cc_ops {
    const char *name;
    uint16_t flags;
    uint16_t state_bytes; /* 0: fits in TCP_CC_STATE_WORDS words */
    /* Each may be NULL but on_ack and on_loss. */
    void (*init)(struct tcp_cc *cc); /* chosen; also in the middle of a connection: from cwnd on */
    /* new data were acknowledged; acked_bytes 0: only SACKed, for those that control recovery */
    void (*on_ack)(struct tcp_cc *cc, uint32_t acked_bytes);
    void (*on_loss)(struct tcp_cc *cc); /* once per round of loss: sets ssthresh */
    /* each segment is marked lost; rs tells how it left */
    void (*on_lost)(struct tcp_cc *cc, tcp_seq seq, uint32_t bytes);
    void (*on_recovery_end)(struct tcp_cc *cc); /* NULL: cwnd = ssthresh */
    void (*on_timeout)(struct tcp_cc *cc);      /* NULL: as on_loss */
    void (*on_undo)(struct tcp_cc *cc);
    void (*on_ecn)(struct tcp_cc *cc);     /* NULL: as on_loss */
    void (*on_idle)(struct tcp_cc *cc);    /* nothing was sent for an RTO */
    void (*on_restart)(struct tcp_cc *cc); /* nothing is in flight, and something is about to be */
};

extern const struct tcp_cc_ops tcp_cc_newreno, tcp_cc_cubic, tcp_cc_bbr;

#endif

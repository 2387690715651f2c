/* SPDX-License-Identifier: MIT */
/*
 * What RFC 9293 3.10.7 says about one arriving segment, in one function without memory: from the variables of a connection and
 * the segment to the next state, the answer, and what becomes of the text. With RFC 5961 (challenge ACKs), RFC 7323 5 (PAWS),
 * RFC 1337 (no RST ends TIME-WAIT) and RFC 6191 (a SYN may). For the matrix test; shares no code with the stack.
 */
#ifndef TESTS_SIM_ORACLE_H
#define TESTS_SIM_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

/* in the order of RFC 9293 3.3.2 */
enum oracle_state {
    ORACLE_CLOSED,
    ORACLE_LISTEN,
    ORACLE_SYN_SENT,
    ORACLE_SYN_RECEIVED,
    ORACLE_ESTABLISHED,
    ORACLE_FIN_WAIT_1,
    ORACLE_FIN_WAIT_2,
    ORACLE_CLOSE_WAIT,
    ORACLE_CLOSING,
    ORACLE_LAST_ACK,
    ORACLE_TIME_WAIT,
    ORACLE_STATES
};

/* RFC 9293 3.1 */
enum oracle_flags {
    ORACLE_FIN = 1,
    ORACLE_SYN = 2,
    ORACLE_RST = 4,
    ORACLE_PSH = 8,
    ORACLE_ACK = 16,
    ORACLE_URG = 32
};

struct oracle_tcb {
    enum oracle_state state;
    bool passive;       /* SYN-RECEIVED: came from LISTEN */
    bool listener;      /* TIME-WAIT: somebody listens on the port */
    bool fin_sent;      /* by us; its number is nxt − 1 */
    bool timestamps;    /* both ends agreed on them */
    bool receiver_gone; /* the user has closed, and can read no more */
    uint32_t iss, una, nxt, snd_wnd, wl1, wl2, max_wnd;
    uint32_t irs, rcv_nxt, rcv_wnd, ts_recent;
};

struct oracle_segment {
    uint8_t flags; /* enum oracle_flags */
    bool has_timestamp;
    uint16_t up;
    uint32_t seq, ack, text_len, wnd, tsval;
};

enum oracle_reply { ORACLE_SILENT, ORACLE_ACKS, ORACLE_RESETS, ORACLE_SYN_ACKS };

struct oracle_verdict {
    enum oracle_state state;
    enum oracle_reply reply;
    bool may_wait; /* the ACK may come later, as delayed ACKs do */
    bool
        may_forget; /* what is held ahead of a gap may also be dropped: its packet is larger than the whole window */
    bool reset_acks; /* <CTL=RST,ACK> */
    uint32_t reply_seq, reply_ack;
    uint32_t una, snd_wnd, rcv_nxt;
    uint32_t delivered; /* bytes of text for the user */
    uint32_t held;      /* bytes of text ahead of a gap */
    bool urgent;        /* the user is told */
    bool timestamps;    /* the answer carries one, unless it is a reset … */
    uint32_t ts_recent; /* … and echoes this */
    const char *clause; /* that decided */
};

struct oracle_verdict oracle_segment_arrives(const struct oracle_tcb *tcb,
                                             const struct oracle_segment *segment);

#endif

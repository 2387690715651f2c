/* SPDX-License-Identifier: MIT */
/* Explicit congestion notification: what a connection remembers of it; ecn.c, accecn.c. */
#ifndef TCP_ECN_H
#define TCP_ECN_H

#include <gander/stack.h>

/* The two bits in the IP header [RFC3168 5]. */
enum ecn_codepoint { ECN_NOT_ECT = 0, ECN_ECT1 = 1, ECN_ECT0 = 2, ECN_CE = 3, ECN_MASK = 3 };

/* tcp_conn.ecn, and the lower three bits of tcp_syn_received.ecn. */
enum tcp_ecn_flags {
    TCP_ECN_CLASSIC = 1,  /* agreed [RFC3168 6.1.1]; in SYN-SENT: asked for */
    TCP_ECN_ACCURATE = 2, /* agreed [RFC9768 3.1]; in SYN-SENT: asked for */
    TCP_ECN_MODES = TCP_ECN_CLASSIC | TCP_ECN_ACCURATE,
    TCP_ECN_NO_ECT = 4, /* our segments don't say that they may be marked */
    TCP_ECN_ECHO = 8,   /* classic: a mark came; ECE on each ACK until CWR comes [RFC3168 6.1.3] */
    TCP_ECN_DEAF = 8,   /* accurate: what the peer feeds back is mangled */
    TCP_ECN_REDUCED = 16, /* classic: CWR goes with the next new data [RFC3168 6.1.2] */
    TCP_ECN_UNHEARD = 32, /* accurate: no segment without SYN has come yet */
    TCP_ECN_PROVEN = 64,  /* what may be marked arrives */
    TCP_ECN_REFLECT = 128 /* accurate: the next pure ACK answers the SYN-ACK [RFC9768 3.2.2.1] */
};

enum { TCP_ECN_SYN_SHIFT = 3 }; /* in tcp_syn_received.ecn: the codepoint that the SYN had */

enum tcp_accecn_flags {
    ACCECN_PASSIVE = 1,     /* we answered the SYN: the first ACK reflects our SYN-ACK */
    ACCECN_OPTION_SEEN = 2, /* from the peer */
    ACCECN_OPTION_BAD = 4   /* zeroed on the way: not read [RFC9768 3.2.3.2.4] */
};

/* The counters of an accurate connection [RFC9768 3.2.1]: r of what came, s as the peer tells of ours. Bytes modulo 2^24. */
struct tcp_accecn {
    uint32_t r_e0b, r_ceb, r_e1b;
    uint32_t s_e0b, s_ceb, s_e1b;
    uint32_t marked_packets; /* ever, of ours */
    uint8_t r_cep, s_cep;    /* modulo 256; 3 bits go on the wire */
    uint8_t flags;           /* enum tcp_accecn_flags */
    uint8_t handshake;       /* the codepoint of the peer's SYN or SYN-ACK */
    uint8_t last;            /* of the last text that came; ECN_NOT_ECT: none yet */
    uint8_t unacked_marks;   /* since our last ACK */
};

#endif

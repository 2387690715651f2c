/* SPDX-License-Identifier: MIT */
/* What a stack and its connections can tell about themselves. */
#ifndef GANDER_INFO_H
#define GANDER_INFO_H

#include <gander/socket.h>
#include <gander/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Counters since the stack was made, and current sizes. */
struct gander_stats {
    uint64_t packets_in, packets_out;
    uint64_t bytes_in, bytes_out; /* IP headers included */
    uint64_t tcp_segments_in, tcp_segments_out;
    uint64_t tcp_retransmitted_segments;
    uint64_t tcp_retransmit_timeouts;
    uint64_t tcp_fast_recoveries;
    uint64_t tcp_active_opens, tcp_passive_opens;
    uint64_t tcp_resets_in, tcp_resets_out;
    uint64_t tcp_challenge_acks;
    uint64_t tcp_evictions;     /* connections ended because they held memory that was short */
    uint64_t tcp_orphans_reset; /* closed when tcp_orphans_max were there */
    uint64_t tcp_syn_cookies_sent, tcp_syn_cookies_accepted;
    /* TIME-WAIT records that ended before 2MSL: table full or no memory */
    uint64_t tcp_time_wait_early;
    /* connections whose SYN took data along, as client and as server (RFC 7413) */
    uint64_t tcp_fastopen_active, tcp_fastopen_passive;
    uint64_t udp_datagrams_in, udp_datagrams_out;
    uint64_t icmp_in, icmp_out;
    uint64_t allocation_failures;
    uint64_t drops[GANDER_DROP_COUNT];

    uint64_t memory_bytes; /* held from the allocator now */
    uint64_t memory_peak_bytes;
    uint64_t sockets;          /* open now */
    uint64_t tcp_connections;  /* SYN-SENT to LAST-ACK, with and without owner */
    uint64_t tcp_syn_received; /* compact records */
    uint64_t tcp_time_wait;    /* compact records */

    /* loss recovery */
    uint64_t tcp_spurious_retransmissions; /* of ours, as D-SACKs that we believe say */
    uint64_t tcp_lost_retransmissions;     /* what was sent again was lost again (RFC 8985) */
    uint64_t tcp_dsacks_in, tcp_dsacks_out;
    uint64_t tcp_undone_recoveries, tcp_undone_timeouts; /* the window was restored (RFC 4015) */
    uint64_t tcp_spurious_timeouts;                      /* found by F-RTO (RFC 5682) */
    uint64_t tcp_loss_probes;
    uint64_t tcp_loss_probe_recoveries; /* a probe repaired the loss itself (RFC 8985 7.4.2) */
};

void gander_stats(const struct gander_stack *stack, struct gander_stats *stats);

/* One connection, in RFC 9293's and RFC 5681's words. Sequence numbers are absolute; times in ns. */
struct gander_tcp_info {
    uint64_t id;
    enum gander_tcp_state state;
    struct gander_address local, peer;
    uint32_t snd_una, snd_nxt, snd_wnd, iss;
    uint32_t rcv_nxt, rcv_wnd, irs;
    uint32_t cwnd_bytes, ssthresh_bytes, flight_bytes;
    uint32_t mss_send_bytes, mss_receive_bytes;
    uint32_t send_queue_bytes;    /* not yet acknowledged, sent or not */
    uint32_t receive_queue_bytes; /* in order, not yet read */
    uint32_t reorder_queue_bytes; /* arrived ahead of a gap */
    gander_time srtt_ns, rttvar_ns, rto_ns, min_rtt_ns;
    uint32_t retransmits; /* timer expirations in a row */
    uint64_t retransmitted_segments;
    uint64_t bytes_acked, bytes_received;
    bool timestamps, sack, window_scaling;
    uint8_t snd_wscale, rcv_wscale;
    bool urgent;            /* urgent data lie ahead in the receive queue */
    uint32_t urgent_offset; /* how many bytes from the next one read to the last urgent one */
    const char *congestion_control;

    /* Segments in flight: all; SACKed; marked lost; resent and not SACKed */
    uint32_t unacked_segs, sacked_segs, lost_segs, retransmitted_now_segs;
    uint32_t reordering_segs; /* how far segments are known to overtake each other */
    uint32_t mtu_bytes;       /* of the path */
    uint32_t mss_offered_bytes;
    uint8_t backoff;                  /* doublings of the time-out */
    uint8_t probes, keepalive_probes; /* without an answer */
    bool recovering, lossy;           /* after duplicates or SACK; after a time-out (RFC 5681) */
    bool delivery_rate_app_limited;
    gander_time ato_ns;         /* how long an ACK may wait; 0 before there is text */
    gander_time receive_rtt_ns; /* as the receiver sees it; 0: unknown */
    /* How long there was something to send; of that, held back by the peer's window, by a full buffer */
    gander_time busy_ns, window_limited_ns, buffer_limited_ns;
    gander_time timeout_ns; /* from time-outs to the next progress, together */
    /* On the stack's clock; 0: never */
    gander_time last_data_sent_ns, last_data_received_ns, last_heard_ns;
    uint64_t bytes_sent, bytes_retransmitted; /* text; bytes_sent counts both */
    uint64_t delivery_rate_bytes;             /* bytes per second, last sample; 0: unknown */
    uint64_t pacing_rate_bytes;               /* bytes per second; 0: not paced */
    uint32_t segs_out, segs_in, data_segs_out, data_segs_in; /* RFC 4898; data: with text */
    uint32_t delivered_segs;    /* acknowledged or SACKed, SYN and FIN included */
    uint32_t out_of_order_segs; /* arrived ahead of a gap */
    uint32_t timeouts, timeout_runs;

    /* loss recovery */
    uint8_t recovery;                  /* 0: none, 1: fast recovery, 2: after a time-out */
    bool reordering_seen;              /* RFC 8985 RACK.reordering_seen */
    gander_time reordering_window_ns;  /* RACK.reo_wnd now */
    uint32_t sacked_bytes, lost_bytes; /* of what is in flight */
    uint64_t spurious_retransmissions; /* as in struct gander_stats */

    enum gander_ecn ecn;                               /* agreed on: _OFF, _ON or _ACCURATE */
    gander_time user_timeout_ns, user_timeout_peer_ns; /* RFC 5482; 0: none, not told */
    bool fastopen;       /* data went with the SYN; known until the first silence */
    bool ecn_sending;    /* our data say that they may be marked */
    uint32_t ecn_marked; /* accurate: how many of our segments were, as the peer tells */
};

/* GANDER_EBADF. GANDER_EOPNOTSUPP: not TCP. */
int gander_tcp_info(const struct gander_stack *stack, gander_socket socket,
                    struct gander_tcp_info *info);

/*
 * Looks whether the stack's own invariants hold, those of every connection and of what is counted of them: for simulators,
 * fuzzers and tests of embedders. NULL: they hold; else the one that does not, a static text, and the stack must not be used
 * any more. Takes time in proportion to the sockets and connections; changes nothing that a run depends on.
 */
const char *gander_check(struct gander_stack *stack);

/* "0.1.0" */
const char *gander_version(void);

#ifdef __cplusplus
}
#endif
#endif

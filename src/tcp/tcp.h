/* SPDX-License-Identifier: MIT */
/*
 * TCP [RFC9293]: the objects, and what each file of src/tcp gives to the others.
 *
 * Three kinds of entity stand in the table of flows, found by addresses and ports: the connection, and two compact
 * records for the states in which most connections of a busy server are: SYN-RECEIVED and TIME-WAIT. What only a
 * connection with data under way needs is apart, in tcp_busy: allocated on first need, given back when idle.
 *
 * Goals: RFC 9293 read with a finger on each clause; no work that grows with the number of connections, segments in
 * flight or holes. Limits: windows up to 1 GiB; one urgent mark at a time.
 */
#ifndef TCP_TCP_H
#define TCP_TCP_H

#include "base/seq.h"
#include "core/stack.h"
#include "ip/ip.h"
#include "tcp/cc.h"
#include "tcp/queues.h"
#include "tcp/rate.h"
#include "tcp/recovery.h"

enum tcp_kind { TCP_CONNECTION = 1, TCP_SYN_RECEIVED_RECORD, TCP_TIME_WAIT_RECORD };

/* The first member of everything in the table of flows. */
struct tcp_entity {
    uint8_t kind; /* enum tcp_kind */
    uint8_t family;
    uint8_t link;  /* where its packets leave */
    uint8_t state; /* enum gander_tcp_state; written by state.c alone */
    uint32_t hash; /* of its flow, keyed */
};

/* Ports in host order; addresses in network order, local then remote, 4 or 16 bytes each. Objects for
 * IPv4 end after 8 bytes of ip[]. */
struct tcp_flow {
    uint16_t local_port, remote_port;
    uint8_t ip[32];
};

enum tcp_conn_flags {
    TCP_OUTPUT_LISTED = 1 << 0, /* stands in an output list */
    TCP_ACK_NOW = 1 << 1,       /* wish: an ACK with the next output */
    TCP_TIMESTAMPS = 1 << 2,    /* both ends agreed [RFC7323 3.2] */
    TCP_SACK = 1 << 3,          /* [RFC2018 2] */
    TCP_SCALING = 1 << 4,       /* [RFC7323 2.2] */
    TCP_NODELAY = 1 << 5,
    TCP_CORK = 1 << 6,
    TCP_MORE = 1 << 7, /* the last send said that more follows */
    TCP_KEEPALIVE = 1 << 8,
    TCP_QUICKACK = 1 << 9,
    TCP_FIN_QUEUED = 1 << 10,   /* the application closed its direction */
    TCP_RECEIVE_SHUT = 1 << 11, /* nobody will read any more */
    TCP_IN_TABLE = 1 << 12,
    TCP_V6_ONLY = 1 << 13,
    TCP_SYN_QUEUED = 1 << 14,     /* our SYN is to be sent */
    TCP_WANTS_WRITABLE = 1 << 15, /* a send got GANDER_EAGAIN */
    TCP_URGENT_IN = 1 << 16,      /* rcv.up lies ahead */
    TCP_URGENT_OUT = 1 << 17,     /* snd_up lies ahead */
    TCP_FIN_RECEIVED = 1 << 18,
    TCP_KEEPALIVE_DUE = 1 << 19,    /* wish: a keepalive probe */
    TCP_WINDOW_PROBE_DUE = 1 << 20, /* wish: a window probe */
    TCP_LOSS_PROBE_DUE = 1 << 21,   /* wish: a tail loss probe */
    /* wish: send a partial segment although Nagle, SWS or cork would wait */
    TCP_OVERRIDE = 1 << 22,
    TCP_END_REPORTED = 1 << 23, /* GANDER_EVENT_CLOSED was queued */
    TCP_BOUND = 1 << 24,        /* stands in the table of ports */
    TCP_FIN_SENT = 1 << 25,
    TCP_ORPHAN = 1 << 27,     /* closed by its owner, not over yet */
    TCP_FIN_AHEAD = 1 << 26,  /* the peer's FIN arrived ahead of a gap: busy->fin_seq */
    TCP_SEND_FIXED = 1 << 28, /* the application chose the size of the buffer: autotune.c */
    TCP_RECEIVE_FIXED = 1 << 29,
    TCP_INTERACTIVE = 1 << 30 /* the application answers what it reads: ACKs wait for that */
};

struct tcp_conn {
    struct tcp_entity entity;
    struct timer timer; /* one in the wheel for all of this connection's timers: timers.c */

    /* RFC 9293 3.3.1. snd.nxt never moves back: what was sent once is resent from records. */
    struct {
        tcp_seq una, nxt, wl1, wl2, iss;
        uint32_t wnd;     /* scaled, in bytes */
        uint32_t max_wnd; /* largest ever: RFC 9293 3.8.6.2.1, RFC 5961 5 */
    } snd;
    struct {
        tcp_seq nxt, irs, up;
        tcp_seq edge; /* right edge of the window as last offered; never moves left */
    } rcv;

    uint32_t flags;          /* enum tcp_conn_flags */
    uint32_t cwnd, ssthresh; /* bytes */
    uint32_t send_limit_bytes, receive_limit_bytes;
    uint32_t ts_recent, ts_offset; /* TS.Recent, and what our clock is shifted by */
    uint32_t ts_recent_s;          /* when TS.Recent was taken, in seconds */
    tcp_seq last_ack_sent;         /* Last.ACK.sent */
    uint16_t mss;         /* Eff.snd.MSS [RFC9293 3.7.1]: payload bytes of a full segment */
    uint16_t mss_receive; /* the largest segment seen, for the delayed ACK */
    uint16_t mtu;
    uint8_t snd_scale : 4, rcv_scale : 4;
    uint8_t ecn;            /* enum tcp_ecn_flags */
    uint8_t keepalive_sent; /* probes without an answer */
    uint8_t cc;             /* index of the congestion control */
    uint8_t soft_error; /* −(enum gander_error) of the last ICMP error, reported with a time-out */
    uint8_t why_ack;    /* enum gander_why of the ACK that is due */
    uint32_t challenges_paid_ms; /* when the challenge ACKs sent so far are paid for: arrives.c */
    gander_time srtt_ns, rttvar_ns; /* srtt 0: no sample yet */
    gander_time challenged_ns;      /* last challenge ACK [RFC5961 7] */
    gander_time heard_ns;           /* when the peer was last heard */

    struct tcp_busy *busy;
    struct tcp_knobs *knobs;
    struct tcp_conn *output_next, *output_prev;
    struct tcp_listener *listener; /* until accepted */
    struct tcp_conn *accept_next;
    uint64_t id;
    struct sock sock;
    struct tcp_flow flow; /* last: shorter for IPv4 */
};

/* What a connection needs while data, SYN or FIN are under way, or received data wait. */
struct tcp_busy {
    struct sendq sendq;
    struct rtxq rtxq;
    struct recvq recvq;
    struct reasm reasm;
    gander_time at[GANDER_TIMER_COUNT]; /* when each timer runs out; GANDER_NEVER: off */

    /* loss.c */
    uint8_t recovery;  /* enum tcp_recovery */
    uint8_t retries;   /* time-outs in a row without an answer: R1, R2 */
    uint8_t backoff;   /* doublings of the RTO until the next round-trip sample [RFC6298 5] */
    uint8_t probes;    /* window probes in a row */
    uint8_t frto;      /* enum tcp_frto */
    bool probe_sent;   /* a tail loss probe is out: TLP.end_seq is set */
    bool probe_again;  /* TLP.is_retrans */
    bool probe_used;   /* no round-trip sample since the last probe [RFC8985 7.3] */
    bool probe_rescue; /* it went out during recovery: tlp.c */
    bool force_one; /* the fast retransmission leaves whatever the window says [RFC6675 5 (4.3)] */
    bool reorder_seen; /* RACK.reordering_seen */
    bool dsack_round_set;
    uint8_t reo_wnd_extra;   /* RACK.reo_wnd_mult less 1 */
    uint8_t reo_wnd_persist; /* RACK.reo_wnd_persist */
    tcp_seq dsack_round;     /* RACK.dsack_round */
    uint32_t dupacks;
    uint32_t dup_bytes;  /* without SACK: what duplicate ACKs say has left the network */
    tcp_seq recover;     /* [RFC6582 3.2] */
    bool resend_partial; /* a record is being resent in pieces … */
    tcp_seq resend_from; /* … where the next one begins */
    tcp_seq probe_end;   /* TLP.end_seq [RFC8985 7] */
    /* of the last ACK: only what is new is walked */
    struct tcp_sack_block sacks[TCP_SACK_BLOCKS_MAX];
    uint8_t sack_count;
    gander_time rack_rtt_ns, rack_sent_ns, min_rtt_ns; /* [RFC8985 6.2] */
    gander_time min_rtt_next_ns, min_rtt_until_ns;     /* the minimum since half a window ago */
    struct tcp_undo undo;
    struct tcp_prr prr;
    gander_time cut_ns;     /* when the window was last reduced */
    uint64_t spurious_segs; /* D-SACKs believed */
    bool dsack_heard;       /* any of them */
    tcp_seq frto_end;       /* of what the time-out sent again */
    tcp_seq rack_end, fack;
    tcp_seq loss_edge;     /* without RACK: up to here IsLost() is known … */
    uint32_t sacked_above; /* … and so many are SACKed behind it */
    tcp_seq fin_seq;
    tcp_seq mtu_claimed_seq, mtu_probe_end; /* pmtu.c */
    uint16_t mtu_arrived;                   /* as long a packet was acknowledged */
    uint16_t mtu_claimed;     /* by a router, to be confirmed by a time-out; 0: none */
    uint16_t mtu_probe;       /* text bytes of the probe that is out; 0: none */
    uint8_t fastopen;         /* enum tcp_fastopen_flags */
    tcp_seq ecn_until;        /* marks of what was sent before are answered */
    gander_time last_sent_ns; /* RFC 5681 4.1 */
    tcp_seq snd_up;           /* one past the last urgent byte */

    /* delayed ACK */
    uint32_t unacked_segs;       /* segments received since the last ACK */
    uint32_t quick_acked;        /* segments acknowledged at once: tcp_quickack_segs */
    gander_time text_ns;         /* when text arrived last */
    tcp_seq nagle_end;           /* Nagle waits until so far all is acknowledged: decide.c */
    struct tcp_sack_block dsack; /* to be told, if left != right */

    uint64_t bytes_acked, bytes_received, retransmitted;
    /* cc.c */
    uint64_t cc_state[TCP_CC_STATE_WORDS];
    uint32_t prior_cwnd,
        prior_ssthresh;              /* before the last loss, for undo; cwnd 0: nothing to undo */
    struct tcp_cc_memory *cc_memory; /* of an algorithm that needs more than that */
    bool cc_begun;                   /* the algorithm's init() has run */
    struct tcp_rate rate;
    struct tcp_pace pace;
    tcp_seq limited_end; /* cwnd held back what would have followed this */
    bool cwnd_limited;   /* … and that is not acknowledged yet: C.is_cwnd_limited */
    struct tcp_meter meter;

    /* autotune.c: the round trip in which is counted what the application takes */
    struct {
        gander_time rtt_ns, begun_ns;
        uint32_t taken_bytes, most_bytes; /* in this round; in the best one so far */
    } tune;

    /* pressure.c */
    struct tcp_conn *conn;
    struct tcp_busy *holder_older, *holder_newer;
    gander_time progress_ns; /* when bytes were last acknowledged or read */
    uint8_t holder_class;    /* 0: holds little, in no list */
};

struct tcp_listener {
    struct sock sock;
    uint64_t id;
    struct gander_address local; /* family 0: both */
    uint32_t backlog;
    uint32_t pending; /* SYN-RECEIVED records */
    uint32_t waiting; /* established, not accepted */
    struct tcp_syn_received *records;
    struct tcp_conn *accept_first, **accept_last;
    uint32_t flags; /* inherited: TCP_NODELAY, TCP_KEEPALIVE, … */
    uint32_t send_limit_bytes, receive_limit_bytes;
    uint8_t cc;
    struct tcp_knobs *knobs;
    gander_time cookies_until_ns; /* cookies are believed until then */
    /* fastopen.c: in SYN-RECEIVED; of these reset, and until when they count */
    uint32_t fastopen_pending, fastopen_reset;
    gander_time fastopen_reset_until_ns;
};

/* SYN-RECEIVED after a passive open. */
struct tcp_syn_received {
    struct tcp_entity entity;
    struct timer timer; /* at the same place as in tcp_conn */
    struct tcp_listener *listener;
    struct tcp_syn_received *next, **at; /* the listener's records */
    tcp_seq iss, irs;
    uint32_t ts_recent;
    uint32_t id; /* low half of the trace id */
    uint16_t mss, wnd;
    uint8_t snd_scale : 4, rcv_scale : 4; /* the peer's, and ours as the SYN-ACK says it */
    uint8_t retries : 5;
    uint8_t from_cookie : 1; /* there was no record */
    uint8_t fastopen : 1;    /* a cookie was asked for */
    uint8_t acked : 1;       /* and waits for text: GANDER_OPTION_DEFER_ACCEPT_NS */
    uint8_t flags;           /* TCP_TIMESTAMPS, TCP_SACK, TCP_SCALING */
    uint8_t ecn;             /* enum tcp_ecn_flags, modes and NO_ECT; the codepoint of the SYN */
    uint32_t sent_us;        /* when the SYN-ACK left, for the first round-trip sample */
    struct tcp_flow flow;
};

struct tcp_time_wait {
    struct tcp_entity entity;
    struct tcp_time_wait *older, *newer;
    gander_time expires;
    tcp_seq snd_nxt, rcv_nxt;
    uint32_t ts_recent;
    uint32_t id;
    uint16_t wnd;
    bool timestamps;
    uint8_t challenged; /* the quarter second of the last challenge, modulo 256 */
    struct tcp_flow flow;
};

/* An arrived segment, with what the steps of arrives.c need. */
struct tcp_arrival {
    struct gander_packet *packet; /* a step that keeps it sets NULL */
    struct ip_arrival *ip;
    struct tcp_segment seg;
    bool trimmed; /* the text was cut to the window */
    bool repeats; /* its first duplicate part is noted [RFC2883 4.2] */
    bool was_syn; /* its SYN was one more of the handshake, and is taken off */
};

/* What a step of segment processing decides. */
enum tcp_verdict { TCP_CONTINUE, TCP_DONE };

/* --- flow.c ---------------------------------------------------------------------------------- */

static inline uint8_t *flow_local(struct tcp_flow *flow)
{
    return flow->ip;
}

static inline uint8_t *flow_remote(struct tcp_flow *flow, unsigned family)
{
    return flow->ip + wire_ip_address_bytes(family);
}

struct tcp_flow *tcp_entity_flow(struct tcp_entity *entity);
/* The flow that an arrived segment belongs to, seen from our side. */
void tcp_flow_of(struct tcp_flow *flow, const struct ip_arrival *ip, const struct tcp_segment *seg);
uint32_t tcp_flow_hash(const struct gander_stack *stack, unsigned family,
                       const struct tcp_flow *flow);
struct tcp_entity *tcp_flow_find(const struct gander_stack *stack, unsigned family, uint32_t hash,
                                 const struct tcp_flow *flow);
/* The entity that an arrived segment is for; NULL: none. */
/* A packet that is about to arrive, not yet checked in any way: fetches its flow's place if flows are many. */
void tcp_flow_prefetch(struct gander_stack *stack, const struct gander_packet *packet);
struct tcp_entity *tcp_flow_arrived(struct gander_stack *stack, unsigned family,
                                    const struct tcp_flow *flow);
/* Into the table under entity->hash; false: no memory. Out of it. Another in its place. */
bool tcp_flow_insert(struct gander_stack *stack, struct tcp_entity *entity);
void tcp_flow_remove(struct gander_stack *stack, struct tcp_entity *entity);
void tcp_flow_replace(struct gander_stack *stack, struct tcp_entity *entity,
                      struct tcp_entity *with);
void tcp_trace_flow(struct tcp_entity *entity, uint64_t id, struct trace_flow *out);
uint64_t tcp_full_id(const struct gander_stack *stack, uint32_t low);

/* --- conn.c: life and death of connections ------------------------------------------------------ */

/* family 0: room for both; state CLOSED */
struct tcp_conn *tcp_conn_new(struct gander_stack *stack, unsigned family);
bool tcp_conn_enter(struct gander_stack *stack, struct tcp_conn *c); /* into the table of flows */
/* Memory for work under way; false: none to be had. */
bool tcp_busy_need(struct gander_stack *stack, struct tcp_conn *c);
/* Gives it back. */
void tcp_busy_release(struct gander_stack *stack, struct tcp_conn *c);
/* The connection ends: state CLOSED, off all lists, `error` reported to its owner; freed if it has none. */
void tcp_conn_end(struct gander_stack *stack, struct tcp_conn *c, enum gander_cause cause,
                  int error);
void tcp_conn_free(struct gander_stack *stack, struct tcp_conn *c);
const struct tcp_knobs *tcp_knobs_of(const struct gander_stack *stack, const struct tcp_conn *c);
const struct tcp_knobs *tcp_listener_knobs(const struct gander_stack *stack,
                                           const struct tcp_listener *l);
/* The path decides the segment size [RFC9293 3.7.1]. */
void tcp_conn_set_mss(struct tcp_conn *c, uint32_t peer_mss);

/* --- trace.c: call only when trace_on() ---------------------------------------------------------- */

void tcp_trace_state(struct gander_stack *stack, struct tcp_entity *entity, uint64_t id,
                     const struct gander_trace_state *state);
void tcp_trace_end(struct gander_stack *stack, struct tcp_entity *entity, uint64_t id, int error);
void tcp_trace_timer_armed(struct gander_stack *stack, struct tcp_conn *c, enum gander_timer timer,
                           gander_time at);
void tcp_trace_timer_fired(struct gander_stack *stack, struct tcp_conn *c, enum gander_timer timer);
void tcp_trace_rtt(struct gander_stack *stack, struct tcp_conn *c, gander_time sample);
void tcp_trace_window(struct gander_stack *stack, struct tcp_conn *c, enum gander_why why);
/* Of the segment whose event was the last: what its SYN offers, what it says to have. */
void tcp_trace_options(struct gander_stack *stack, const struct tcp_segment *seg,
                       const struct trace_flow *flow);
void tcp_trace_lost(struct gander_stack *stack, struct tcp_conn *c, const struct tcp_record *r);

/* --- state.c: the only writer of a state ---------------------------------------------------------- */

void tcp_state_set(struct gander_stack *stack, struct tcp_conn *c, enum gander_tcp_state to,
                   enum gander_cause cause);
/* Keeps the number of connections: also for one that begins in SYN-RECEIVED, or is freed in any state. */
void tcp_state_count(struct gander_stack *stack, enum gander_tcp_state from,
                     enum gander_tcp_state to);
void tcp_state_trace(struct gander_stack *stack, struct tcp_entity *entity, uint64_t id,
                     enum gander_tcp_state from, enum gander_tcp_state to, enum gander_cause cause);

/* --- input: input.c, arrives.c, syn_sent.c, listen.c, ack.c, text.c ---------------------------------- */

void tcp_arrives(struct gander_stack *stack, struct tcp_conn *c, struct tcp_arrival *a);
enum tcp_verdict tcp_syn_sent_arrives(struct gander_stack *stack, struct tcp_conn *c,
                                      struct tcp_arrival *a);
enum tcp_verdict tcp_ack_arrives(struct gander_stack *stack, struct tcp_conn *c,
                                 struct tcp_arrival *a);
/* The ACK is acceptable: its timestamp counts [RFC7323 4.3]. */
void tcp_timestamp_take(const struct gander_stack *stack, struct tcp_conn *c,
                        const struct tcp_segment *seg);
/* Sixth to eighth: urgent pointer, text and FIN, cut to the window. The packet is the text alone. */
void tcp_rest_arrives(struct gander_stack *stack, struct tcp_conn *c, struct tcp_arrival *a);
void tcp_text_arrives(struct gander_stack *stack, struct tcp_conn *c, struct tcp_arrival *a);
/* Counts and traces a drop of this arrival's packet and frees it. */
void tcp_drop(struct gander_stack *stack, struct tcp_conn *c, struct tcp_arrival *a,
              enum gander_drop reason);
/* The same for what was never built: an answer that is rationed, a packet without memory. */
void tcp_drop_nothing(struct gander_stack *stack, struct tcp_entity *entity, uint64_t id,
                      enum gander_drop reason);
/* Wishes an ACK with the next output; `why` tells the trace. */
void tcp_ack_now(struct gander_stack *stack, struct tcp_conn *c, enum gander_why why);
/* As tcp_ack_now(), within the limit of RFC 5961 7. */
void tcp_challenge(struct gander_stack *stack, struct tcp_conn *c);
/* The peer's FIN was reached in order [RFC9293 3.10.7.4, eighth]. */
void tcp_fin_arrives(struct gander_stack *stack, struct tcp_conn *c);

/* --- time_wait.c -------------------------------------------------------------------------------- */

/* From FIN-WAIT-2 or CLOSING: a compact record takes the connection's place in the table of flows. */
void tcp_time_wait_enter(struct gander_stack *stack, struct tcp_conn *c);
/* True: a new SYN may take the place [RFC6191]; the record is gone and *floor bounds our next ISS. */
bool tcp_time_wait_arrives(struct gander_stack *stack, struct tcp_time_wait *w,
                           struct tcp_arrival *a, tcp_seq *floor);
void tcp_time_wait_timer(struct gander_stack *stack);
void tcp_time_wait_free(struct gander_stack *stack, struct tcp_time_wait *w,
                        enum gander_cause cause);
/* The owner of a connection in TIME-WAIT aborts: the record goes too [RFC9293 3.10.5]. */
void tcp_time_wait_abort(struct gander_stack *stack, struct tcp_conn *c);

/* --- control.c: segments without a connection ------------------------------------------------------ */

/* <SEQ=…><CTL=RST> as RFC 9293 3.10.7.1 says, in answer to a segment. */
void tcp_reply_reset(struct gander_stack *stack, const struct tcp_arrival *a, enum gander_why why);
struct tcp_reply {
    tcp_seq seq, ack;
    uint16_t wnd;
    uint8_t flags, why;
    bool timestamps, sack_permitted, scaling;
    uint8_t wscale;
    uint16_t mss;
    uint32_t tsval, tsecr;
    uint8_t ace;                   /* AE, CWR, ECE */
    bool accecn;                   /* the option, as it begins */
    bool fastopen;                 /* a cookie */
    uint16_t uto;                  /* user timeout; 0: no option */
    const struct tcp_knobs *knobs; /* TTL and traffic class; NULL: the stack's */
};
void tcp_reply(struct gander_stack *stack, struct tcp_entity *entity, uint64_t id,
               const struct tcp_reply *reply);

/* --- output.c, segment.c, decide.c -------------------------------------------------------------------- */

/* There may be something to send. */
void tcp_output_wanted(struct gander_stack *stack, struct tcp_conn *c);
void tcp_output_unlist(struct gander_stack *stack, struct tcp_conn *c);
/* Up to `max` segments of the connections on a link. */
size_t tcp_output(struct gander_stack *stack, unsigned link, struct gander_packet **packets,
                  size_t max);
/* What goes into one segment of a connection. */
struct tcp_send {
    tcp_seq seq;
    uint32_t text_len;
    uint8_t flags;
    uint8_t why;
    uint8_t transmissions; /* this one included; 0 for what is not kept for retransmission */
};
/* Builds a segment, complete with IP header. NULL: no memory (counted). */
struct gander_packet *tcp_segment_build(struct gander_stack *stack, struct tcp_conn *c,
                                        const struct tcp_send *send);
/* The window to offer, as on the wire, and rcv.edge with it [RFC9293 3.8.6.2.2]. */
uint16_t tcp_window_offer(struct tcp_conn *c, bool scaled);
/* the largest window that may be offered */
uint32_t tcp_window_limit(const struct tcp_conn *c);
uint32_t tcp_window_free(const struct tcp_conn *c);
uint8_t tcp_scale_for(uint32_t window_bytes);
/* What a SYN-ACK offers. */
uint16_t tcp_listener_window(const struct tcp_listener *l);
uint8_t tcp_listener_scale(const struct gander_stack *stack, const struct tcp_listener *l);
/* Text or a FIN that has not left yet. */
static inline bool tcp_waits(const struct tcp_conn *c)
{
    return !(c->flags & TCP_FIN_SENT) &&
           (c->busy->sendq.end != c->snd.nxt || (c->flags & TCP_FIN_QUEUED));
}
/* How many new bytes may go in the next segment; 0: wait. Sets *fin if the FIN goes with it [RFC9293 3.8.6.2.1, 3.7.4]. */
uint32_t tcp_decide(const struct tcp_conn *c, bool *fin);
/* RST with the next packet out, outside any order: abort. */
void tcp_send_reset(struct gander_stack *stack, struct tcp_conn *c, enum gander_why why);
uint32_t tcp_timestamp(const struct gander_stack *stack, uint32_t offset);

/* --- rtt.c, timers.c; loss.c and what it consists of: recovery.h --------------------------------------------- */

void tcp_rtt_sample(struct gander_stack *stack, struct tcp_conn *c, gander_time rtt_ns);
/* backoff included */
gander_time tcp_rto(const struct gander_stack *stack, const struct tcp_conn *c);

/* bytes, SYN or FIN left */
void tcp_timers_on_sent(struct gander_stack *stack, struct tcp_conn *c);
/* the oldest byte left again */
void tcp_timers_on_resent(struct gander_stack *stack, struct tcp_conn *c);
void tcp_timers_on_ack(struct gander_stack *stack, struct tcp_conn *c);   /* SND.UNA moved */
void tcp_timers_on_heard(struct gander_stack *stack, struct tcp_conn *c); /* a good segment came */
/* something waits that may not be sent */
void tcp_timers_on_window(struct gander_stack *stack, struct tcp_conn *c);
/* an ACK can wait a little */
void tcp_timers_on_text(struct gander_stack *stack, struct tcp_conn *c);
void tcp_timers_on_ack_sent(struct tcp_conn *c);
void tcp_timers_on_probe(struct gander_stack *stack, struct tcp_conn *c); /* a window probe left */
/* the next quantum may leave then */
void tcp_timers_on_paced(struct gander_stack *stack, struct tcp_conn *c, gander_time at);
void tcp_timers_on_reorder(struct gander_stack *stack, struct tcp_conn *c, gander_time at);
/* recovery goes on: something was delivered, or went again */
void tcp_timers_on_repair(struct gander_stack *stack, struct tcp_conn *c);
/* keepalive, user timeout changed */
void tcp_timers_on_option(struct gander_stack *stack, struct tcp_conn *c);
void tcp_timers_on_state(struct gander_stack *stack, struct tcp_conn *c);
/* nothing is under way any more */
void tcp_timers_on_quiet(struct gander_stack *stack, struct tcp_conn *c);
void tcp_timers_fired(struct gander_stack *stack, struct timer *timer);
bool tcp_is_quiet(const struct tcp_conn *c); /* busy memory holds nothing */

/* --- autotune.c: buffers that grow ---------------------------------------------------------------------------- */

/* How far a receive buffer may grow: decides the window scale, which is said once. */
uint32_t tcp_receive_limit_most(const struct gander_stack *stack, uint32_t flags, uint32_t limit);
/* Text in order arrived: its timestamp tells the round trip. */
void tcp_autotune_sample(const struct gander_stack *stack, struct tcp_conn *c,
                         const struct tcp_segment *seg);
/* The application took bytes. */
void tcp_autotune_taken(const struct gander_stack *stack, struct tcp_conn *c, uint32_t bytes);
/* The application would send more than the buffer holds, and some of it was acknowledged. */
void tcp_autotune_send(const struct gander_stack *stack, struct tcp_conn *c);

/* --- isn.c: numbers that nobody outside can guess ----------------------------------------------------------- */

tcp_seq tcp_isn(const struct gander_stack *stack, unsigned family, const struct tcp_flow *flow);
uint32_t tcp_timestamp_offset(const struct gander_stack *stack, unsigned family,
                              const struct tcp_flow *flow);
/* Chooses flow->local_port; false: none is free [RFC6056 3.3.4]. */
bool tcp_port_choose(struct gander_stack *stack, unsigned family, struct tcp_flow *flow);

/* --- ports.c ------------------------------------------------------------------------------------------------- */

struct tcp_listener *tcp_listener_find(const struct gander_stack *stack, unsigned family,
                                       const uint8_t *ip, uint16_t port);
bool tcp_port_taken(const struct gander_stack *stack, const struct gander_address *local,
                    bool v6_only);
bool tcp_port_enter(struct gander_stack *stack, struct sock *sock, uint16_t port);
void tcp_port_leave(struct gander_stack *stack, struct sock *sock, uint16_t port);
void tcp_port_replace(struct gander_stack *stack, struct sock *from, struct sock *to,
                      uint16_t port);

/* --- the socket calls: user.c, user_data.c, listen.c, options.c, info.c, for core/socket.c ---------------------- */

void tcp_stack_init(struct gander_stack *stack);
void tcp_stack_finish(struct gander_stack *stack);
int tcp_user_open(struct gander_stack *stack, struct sock **sock);
int tcp_user_bind(struct gander_stack *stack, struct tcp_conn *c,
                  const struct gander_address *local);
int tcp_user_listen(struct gander_stack *stack, struct tcp_conn *c, int backlog);
int tcp_user_accept(struct gander_stack *stack, struct tcp_listener *l, gander_socket *out,
                    struct gander_address *peer);
int tcp_user_connect(struct gander_stack *stack, struct tcp_conn *c,
                     const struct gander_address *peer, bool fastopen);
int64_t tcp_user_send(struct gander_stack *stack, struct tcp_conn *c, const void *data, size_t len,
                      unsigned flags);
int64_t tcp_user_receive(struct gander_stack *stack, struct tcp_conn *c, void *buffer, size_t len,
                         unsigned flags);
/* There may be room again for an application that got GANDER_EAGAIN. */
void tcp_writable_check(struct gander_stack *stack, struct tcp_conn *c);
int tcp_user_shutdown(struct gander_stack *stack, struct tcp_conn *c, unsigned directions);
void tcp_user_close(struct gander_stack *stack, struct tcp_conn *c);
void tcp_user_abort(struct gander_stack *stack, struct tcp_conn *c);
void tcp_listener_close(struct gander_stack *stack, struct tcp_listener *l);
bool tcp_knobs_need(struct gander_stack *stack, struct sock *sock); /* false: no memory */
int tcp_set_option(struct gander_stack *stack, struct sock *sock, enum gander_option option,
                   int64_t value);
int tcp_get_option(const struct gander_stack *stack, const struct sock *sock,
                   enum gander_option option, int64_t *value);
int tcp_set_cc(struct gander_stack *stack, struct sock *sock, const char *name);
void tcp_local_address(const struct tcp_conn *c, struct gander_address *out);
void tcp_peer_address(const struct tcp_conn *c, struct gander_address *out);
void tcp_info(const struct gander_stack *stack, const struct tcp_conn *c,
              struct gander_tcp_info *info);

static inline struct tcp_conn *tcp_conn_of(struct sock *sock)
{
    return CONTAINER_OF(sock, struct tcp_conn, sock);
}

static inline struct tcp_listener *tcp_listener_of(struct sock *sock)
{
    return CONTAINER_OF(sock, struct tcp_listener, sock);
}

/* --- pressure.c ------------------------------------------------------------------------------------------------------ */

/* What the connection holds has changed; `progress`: bytes were acknowledged, or read. */
void tcp_holder_update(struct gander_stack *stack, struct tcp_conn *c, bool progress);
void tcp_holder_remove(struct gander_stack *stack, struct tcp_busy *b);
/* Memory is short: ends the worst holder. Any connection may be gone after it. */
void tcp_pressure_relieve(struct gander_stack *stack);

#include "tcp/cc_calls.h"

#include "tcp/negotiated.h"

#endif

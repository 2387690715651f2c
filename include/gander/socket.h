/* SPDX-License-Identifier: MIT */
/*
 * Sockets. A socket is a number with a generation: a stale one gets GANDER_EBADF, never another
 * socket. No call blocks; what cannot be done now is GANDER_EAGAIN, and gander_events() tells when it can.
 * Every call can return GANDER_EBADF; the other codes stand at each call.
 */
#ifndef GANDER_SOCKET_H
#define GANDER_SOCKET_H

#include <gander/stack.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint64_t gander_socket; /* 0 is never a socket */

enum gander_type {
    GANDER_TCP = 1, /* connection-oriented byte stream, RFC 9293 */
    GANDER_UDP = 2, /* connectionless datagrams, RFC 768 */
    /* ICMP echo requests out, replies in; RFC 792, RFC 4443. The local port is the identifier; a
     * datagram is the echo's data behind its 2-byte sequence number */
    GANDER_PING = 3
};

/* A new socket. GANDER_EINVAL: no such type. GANDER_ENOMEM. */
int gander_open(struct gander_stack *stack, enum gander_type type, gander_socket *socket);

/*
 * Gives a socket its local address. Port 0: one is chosen at once. Address
 * all zero: any of this host's; family 0: both families (TCP listeners and UDP).
 * GANDER_EINVAL: already bound or connected. GANDER_EADDRNOTAVAIL: not this host's. GANDER_EADDRINUSE. GANDER_ENOMEM.
 */
int gander_bind(struct gander_stack *stack, gander_socket socket,
                const struct gander_address *local);

/*
 * Passive open (RFC 9293 3.10.1). `backlog`: connections at once that wait in SYN-RECEIVED or for gander_accept();
 * SYNs beyond it are answered with cookies (gander_config.tcp_syn_cookies) while less than that many wait for gander_accept();
 * else they are dropped and counted.
 * On a listener: a new backlog; those who wait stay, be they more.
 * GANDER_EINVAL: not bound, or backlog < 1. GANDER_EISCONN. GANDER_EOPNOTSUPP: not TCP. GANDER_EADDRINUSE. GANDER_ENOMEM.
 */
int gander_listen(struct gander_stack *stack, gander_socket socket, int backlog);

/* The next established connection of a listener. `peer` may be NULL. GANDER_EAGAIN. GANDER_EINVAL: not listening. GANDER_EOPNOTSUPP.
 * GANDER_ENOMEM: the connection goes on waiting. */
int gander_accept(struct gander_stack *stack, gander_socket listener, gander_socket *connection,
                  struct gander_address *peer);

/*
 * TCP: active open; 0 means that the SYN is on its way, GANDER_EVENT_CONNECTED or _CLOSED follows.
 * UDP, PING: sets the peer; only its datagrams arrive from now on. family 0 undoes that.
 * GANDER_EINVAL: port 0, or family differs. GANDER_EISCONN. GANDER_EALREADY. GANDER_ENETUNREACH.
 * GANDER_EADDRNOTAVAIL: no port is free. GANDER_EADDRINUSE: this very connection exists. GANDER_ENOMEM.
 */
int gander_connect(struct gander_stack *stack, gander_socket socket,
                   const struct gander_address *peer);

enum gander_send_flags {
    GANDER_SEND_MORE = 1,  /* TCP: more follows at once; a partial segment may wait for it */
    GANDER_SEND_URGENT = 2 /* TCP: the last byte is urgent (RFC 6093) */
};

/*
 * Queues bytes of a TCP connection; returns how many were taken (≥ 1; they are copied). UDP: one datagram to
 * the connected peer. Allowed from SYN-SENT on; such data leave with or after the handshake.
 * GANDER_EAGAIN: the send buffer is full; _WRITABLE tells. GANDER_ENOTCONN. GANDER_EPIPE: after gander_shutdown().
 * GANDER_ECONNRESET, GANDER_ETIMEDOUT, …: why the connection ended. GANDER_EINVAL: length 0 on TCP. GANDER_ENOMEM.
 * UDP: those of gander_send_to().
 */
int64_t gander_send(struct gander_stack *stack, gander_socket socket, const void *data, size_t len,
                    unsigned flags);

enum gander_receive_flags {
    GANDER_RECEIVE_PEEK = 1 /* leave it in the queue */
};

/*
 * TCP: copies out up to `len` bytes of the stream; 0 means that the peer has closed its direction and all was read.
 * UDP: the next datagram; what does not fit is cut off (gander_receive_from() tells).
 * GANDER_EAGAIN: nothing there yet. GANDER_ENOTCONN. GANDER_EINVAL: length 0 on TCP. GANDER_ECONNRESET, GANDER_ETIMEDOUT, …: why the connection
 * ended (after what had arrived was read; reported once, then 0).
 */
int64_t gander_receive(struct gander_stack *stack, gander_socket socket, void *buffer, size_t len,
                       unsigned flags);

/* What is known of one datagram. */
struct gander_datagram {
    struct gander_address peer;  /* to send: destination; received: source */
    struct gander_address local; /* to send: source (family 0: chosen); received: destination */
    uint32_t len;                /* received: its whole length, also if it was cut off */
    uint8_t ttl;                 /* received: TTL or hop limit */
    uint8_t traffic_class;       /* received: DSCP and ECN bits */
    bool truncated;              /* received: the buffer was too short */
};

/*
 * Sends one UDP or PING datagram; `datagram` NULL: to the connected peer. Best effort: success means it was
 * queued for the link. An unbound socket gets a port.
 * GANDER_EMSGSIZE: longer than the path's MTU or 65,507 bytes allow. GANDER_ENOTCONN: no destination. GANDER_EINVAL: port 0. GANDER_ENETUNREACH.
 * GANDER_ECONNREFUSED, GANDER_EHOSTUNREACH, …: an ICMP error that came in for an earlier datagram, reported once (connected sockets).
 * GANDER_EAGAIN: the link's queue is full. GANDER_ENOMEM. GANDER_EOPNOTSUPP: TCP without `datagram`.
 * TCP: connects to datagram->peer, and queues the bytes as gander_send() does. They go with the SYN if the stack has the server's
 * cookie (fast open, RFC 7413), else the SYN asks for one. What the peer's application sees it may see twice, if the SYN was
 * repeated by the network. The errors are those of the two calls; after one of gander_send() the SYN may wait for the next.
 */
int64_t gander_send_to(struct gander_stack *stack, gander_socket socket, const void *data,
                       size_t len, const struct gander_datagram *datagram);

/* Receives one datagram; returns how many bytes were copied (0 is a datagram too). `datagram` may be NULL.
 * GANDER_EAGAIN. GANDER_EOPNOTSUPP: TCP. ICMP errors as at gander_send_to(). */
int64_t gander_receive_from(struct gander_stack *stack, gander_socket socket, void *buffer,
                            size_t len, unsigned flags, struct gander_datagram *datagram);

enum gander_shutdown {
    GANDER_SHUTDOWN_SEND = 1, /* half close: FIN after all queued data (RFC 9293 3.6) */
    /* nothing more will be read: what arrives is acknowledged and discarded */
    GANDER_SHUTDOWN_RECEIVE = 2
};

/* GANDER_ENOTCONN. GANDER_EINVAL: no such direction. GANDER_EOPNOTSUPP: not TCP. GANDER_ENOMEM: not shut, try again. */
int gander_shutdown(struct gander_stack *stack, gander_socket socket, unsigned directions);

/*
 * Lets go of a socket; its number is invalid at once. A TCP connection goes on without owner: queued data and
 * FIN are delivered as far as possible, TIME-WAIT is kept; with unread data it is reset (RFC 2525 2.17).
 */
int gander_close(struct gander_stack *stack, gander_socket socket);

/* Ends a TCP connection at once with a reset (RFC 9293 3.10.5 ABORT); for other sockets as gander_close(). */
int gander_abort(struct gander_stack *stack, gander_socket socket);

/* --- options ------------------------------------------------------------------------------ */

/* X(NAME, kinds of socket, unit and meaning) */
#define GANDER_OPTIONS(X)                                                                          \
    X(NODELAY, "tcp", "bool: Nagle's algorithm off (RFC 9293 MUST-17)")                            \
    X(CORK, "tcp", "bool: send full segments only; at most 200 ms")                                \
    X(QUICKACK, "tcp", "bool: acknowledge every segment at once")                                  \
    X(KEEPALIVE, "tcp", "bool: keepalive probes (RFC 9293 MUST-25: off by default)")               \
    X(KEEPALIVE_IDLE_NS, "tcp", "ns: silence before the first probe")                              \
    X(KEEPALIVE_INTERVAL_NS, "tcp", "ns: between probes")                                          \
    X(KEEPALIVE_PROBES, "tcp", "count: unanswered ones before the connection ends")                \
    X(USER_TIMEOUT_NS, "tcp", "ns: unacknowledged data end the connection; 0: by retries")         \
    X(LINGER_NS, "tcp", "ns: 0: close resets; -1 (default): close goes on in the background")      \
    X(MAX_SEGMENT, "tcp", "bytes: upper bound of the MSS offered and used; before the handshake")  \
    X(URGENT_INLINE, "tcp", "bool, always 1: urgent data stay in the stream (RFC 6093)")           \
    X(SEND_BUFFER, "tcp", "bytes")                                                                 \
    X(RECEIVE_BUFFER, "tcp udp ping", "bytes: TCP: largest window; UDP: queue at true size")       \
    X(TTL, "tcp udp ping", "1 … 255: IPv4 TTL and IPv6 hop limit")                                 \
    X(TRAFFIC_CLASS, "tcp udp ping", "0 … 255: DSCP; TCP keeps the two ECN bits")                  \
    X(PACING, "tcp", "bool: spread segments over the round trip; BBR always does")                 \
    X(MAX_PACING_RATE, "tcp", "bytes per second at most, paced; 0: no limit")                      \
    X(V6_ONLY, "tcp udp", "bool: before bind: a socket bound to :: takes no IPv4")                 \
    X(RTO_INITIAL_NS, "tcp", "ns: before the first round-trip sample (RFC 6298 2.1)")              \
    X(RTO_MIN_NS, "tcp", "ns (RFC 6298 2.4)")                                                      \
    X(RTO_MAX_NS, "tcp", "ns (RFC 6298 2.5)")                                                      \
    X(DELAYED_ACK_NS, "tcp", "ns, below 500 ms: how long an ACK waits (RFC 9293 MUST-40)")         \
    X(FIN_WAIT2_NS, "tcp", "ns: FIN-WAIT-2 without an owner; -1: none, the end at once")           \
    X(DEFER_ACCEPT_NS, "tcp", "ns: listener: so long a connection waits for its first data")       \
    X(SYN_RETRIES, "tcp", "count: before connecting fails (RFC 9293 MUST-23)")                     \
    X(SYNACK_RETRIES, "tcp", "count")                                                              \
    X(RETRIES_R2, "tcp", "count: R2 (RFC 9293 3.8.3)")                                             \
    X(INITIAL_WINDOW_SEGS, "tcp", "segments (RFC 6928); before the handshake")                     \
    X(QUICKACK_SEGS, "tcp", "segments acknowledged at once at first")                              \
    X(NOTSENT_LOWAT, "tcp", "bytes: no more unsent ones are taken; 0: no limit")                   \
    X(WINDOW_CLAMP, "tcp", "bytes: the largest window offered; 0: no limit")                       \
    X(TIMESTAMPS, "tcp", "bool: RFC 7323; before the handshake")                                   \
    X(WINDOW_SCALING, "tcp", "bool: RFC 7323; before the handshake")                               \
    X(SACK, "tcp", "bool: RFC 2018; before the handshake")                                         \
    X(SLOW_START_AFTER_IDLE, "tcp", "bool: RFC 5681 4.1")                                          \
    X(NAGLE_RELAXED, "tcp", "bool: Nagle's algorithm waits for partial segments only")             \
    X(ECN, "tcp", "enum gander_ecn: explicit congestion notification; before the handshake")       \
    X(FASTOPEN, "tcp", "listener: so many at once whose SYN's data are taken (RFC 7413); 0: off")  \
    X(FASTOPEN_CONNECT, "tcp", "bool: the SYN waits for data to take with it if a cookie allows")  \
    X(USER_TIMEOUT_OPTION, "tcp", "bool: tell the peer of the user timeout, hear his (RFC 5482)")  \
    X(USER_TIMEOUT_ADVERTISED_NS, "tcp", "ns: what is told; 0: USER_TIMEOUT_NS, or 5 minutes")

enum gander_option {
#define GANDER_OPTION_ENUM(name, kinds, text) GANDER_OPTION_##name,
    GANDER_OPTIONS(GANDER_OPTION_ENUM)
#undef GANDER_OPTION_ENUM
        GANDER_OPTION_COUNT
};

/* GANDER_EINVAL: no such option or value. GANDER_EOPNOTSUPP: not for this kind of socket. GANDER_EISCONN: too late. GANDER_ENOMEM. */
int gander_set_option(struct gander_stack *stack, gander_socket socket, enum gander_option option,
                      int64_t value);
int gander_get_option(struct gander_stack *stack, gander_socket socket, enum gander_option option,
                      int64_t *value);

/* Congestion control by name; a connection under way goes on from its present window. GANDER_EINVAL: no such name.
 * GANDER_EOPNOTSUPP: not TCP. GANDER_ENOMEM: nothing has changed. */
int gander_set_congestion_control(struct gander_stack *stack, gander_socket socket,
                                  const char *name);

/* The name of the i-th congestion control built in, NULL beyond the last. */
const char *gander_congestion_control_name(unsigned i);

/* Own and peer's address. GANDER_ENOTCONN: has none. GANDER_EINVAL: not bound. */
int gander_local_address(struct gander_stack *stack, gander_socket socket,
                         struct gander_address *local);
int gander_peer_address(struct gander_stack *stack, gander_socket socket,
                        struct gander_address *peer);

/* --- events ------------------------------------------------------------------------------- */

enum gander_event_bits {
    GANDER_EVENT_READABLE = 1,     /* bytes, a datagram, or the peer's end of stream arrived */
    GANDER_EVENT_WRITABLE = 2,     /* after GANDER_EAGAIN: there is room again */
    GANDER_EVENT_ACCEPT = 4,       /* a listener has a new connection */
    GANDER_EVENT_CONNECTED = 8,    /* gander_connect() succeeded */
    GANDER_EVENT_PEER_CLOSED = 16, /* the peer's FIN arrived: it sends no more */
    GANDER_EVENT_ALL_SENT = 32,    /* the peer has acknowledged our FIN */
    GANDER_EVENT_CLOSED = 64, /* the connection is over; `error` says why, 0: both sides closed */
    /* UDP: an ICMP error; TCP: a soft error such as unreachable; `error` */
    GANDER_EVENT_ERROR = 128,
    GANDER_EVENT_URGENT = 256 /* the peer pointed at urgent data */
};

struct gander_event {
    gander_socket socket;
    uint32_t bits;
    int error;     /* GANDER_E…, 0 if none */
    void *context; /* gander_set_context() */
};

/* Takes up to `max` events: at most one entry a socket, its bits gathered since the last call. Edges: each tells what is new. */
size_t gander_events(struct gander_stack *stack, struct gander_event *events, size_t max);

/* A value of the application's, returned with each event; accepted connections begin with their listener's. */
int gander_set_context(struct gander_stack *stack, gander_socket socket, void *context);

#ifdef __cplusplus
}
#endif
#endif

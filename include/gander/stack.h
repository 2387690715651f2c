/* SPDX-License-Identifier: MIT */
/*
 * A stack: one host's TCP, UDP, IP and ICMP. A value: any number of them in a process, no globals, no locks,
 * no threads, no clock. Four calls drive it:
 *
 *     gander_advance(stack, now);                    the clock is now …; due timers run
 *     gander_input(stack, link, packets, n);         these packets arrived
 *     n = gander_output(stack, link, packets, max);  what is to be sent
 *     at = gander_deadline(stack);                   call gander_advance again at this time at the latest
 *
 * A stack and its sockets are used by one thread at a time. With the same configuration (secret
 * included), calls and times, a run is the same bit for bit.
 */
#ifndef GANDER_STACK_H
#define GANDER_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gander/packet.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gander_stack;
struct gander_trace_event;

/* Monotonic nanoseconds from any origin ≥ 0. */
typedef int64_t gander_time;

#define GANDER_NEVER INT64_MAX
#define GANDER_US ((gander_time)1000)
#define GANDER_MS ((gander_time)1000000)
#define GANDER_S ((gander_time)1000000000)

enum gander_family { GANDER_IPV4 = 4, GANDER_IPV6 = 6 };

/* An IP address and, where one is meant, a port. Zeroed means "any address, any port" once the family is set. */
struct gander_address {
    uint8_t family; /* enum gander_family; 0: unspecified, either family */
    uint8_t reserved;
    uint16_t port;  /* host byte order */
    uint8_t ip[16]; /* network byte order; IPv4 uses the first four */
};

/*
 * Where a stack's memory comes from. `alloc` returns memory aligned to `align` (a power of two up to
 * 32 KiB) or NULL; `free` gets the same size back. Neither may call into the stack. The hooks must
 * stay valid until the stack is destroyed and every packet of it is freed.
 */
struct gander_memory {
    void *(*alloc)(void *context, size_t size, size_t align);
    void (*free)(void *context, void *memory, size_t size);
    void *context;
};

/* Explicit congestion notification: routers mark packets instead of dropping them. */
enum gander_ecn {
    GANDER_ECN_OFF,
    GANDER_ECN_ACCEPT,  /* with who asks (RFC 3168) */
    GANDER_ECN_ON,      /* asks, too */
    GANDER_ECN_ACCURATE /* asks for accurate feedback (RFC 9768), takes either */
};

/* Path MTU discovery without the help of routers. */
enum gander_mtu_probing {
    GANDER_MTU_PROBING_OFF,
    GANDER_MTU_PROBING_BLACK_HOLE, /* when large segments vanish */
    GANDER_MTU_PROBING_ALWAYS      /* each connection begins small */
};

/* TCP Fast Open (RFC 7413), in the numbers of Linux' tcp_fastopen. */
enum gander_fastopen {
    GANDER_FASTOPEN_CLIENT = 1,
    GANDER_FASTOPEN_SERVER = 2,
    GANDER_FASTOPEN_CLIENT_NO_COOKIE = 4,    /* data go with any SYN; among trusted hosts alone */
    GANDER_FASTOPEN_SERVER_NO_COOKIE = 0x200 /* data of any SYN are taken: the same */
};

/*
 * How a stack is made. Begin with gander_config_init(); every field then has its default.
 * Times in nanoseconds.
 */
struct gander_config {
    size_t size; /* sizeof(struct gander_config), set by gander_config_init */

    struct gander_memory memory; /* required */
    /* hard limit of all memory together; default 64 MiB, at least 512 KiB */
    uint64_t memory_max_bytes;

    /* 32 secret bytes from the system's entropy. Shards of one host share them. All keys are derived from
     * them: connection table, initial sequence numbers (RFC 6528), ports (RFC 6056), timestamps. */
    uint8_t secret[32];

    /* Called for every event of trace.h; NULL: off. Must not call into the stack. */
    void (*trace)(void *context, const struct gander_trace_event *event);
    void *trace_context;

    gander_time start; /* the clock's first value; default 0 */

    /* TCP. Defaults in brackets. Socket options override some of them per socket. */
    gander_time tcp_rto_initial_ns; /* [1 s]     RFC 6298 (2.1) */
    gander_time tcp_rto_min_ns; /* [200 ms]  RFC 6298 (2.4) recommends 1 s; kernels use 200 ms */
    gander_time tcp_rto_max_ns; /* [60 s]    RFC 6298 (2.5) */
    gander_time tcp_delayed_ack_ns;        /* [40 ms]   RFC 9293 MUST-40: below 500 ms */
    gander_time tcp_msl_ns;                /* [30 s]    TIME-WAIT lasts twice this */
    gander_time tcp_fin_wait2_ns;          /* [60 s]    FIN-WAIT-2 without an owner */
    gander_time tcp_keepalive_idle_ns;     /* [7200 s]  RFC 9293 MUST-28 */
    gander_time tcp_keepalive_interval_ns; /* [75 s] */
    gander_time tcp_user_timeout_ns;       /* [0: tcp_retries_r2 decides] RFC 5482, locally */
    /* [5 ms] at most one challenge ACK a connection in this time, and ten in 5 s; RFC 5961 7 */
    gander_time tcp_challenge_ns;
    uint32_t tcp_keepalive_probes; /* [9] */
    uint32_t tcp_syn_retries; /* [7] 183 s; RFC 9293 MUST-23: R2 for a SYN is at least 3 minutes */
    uint32_t tcp_synack_retries;       /* [5] */
    uint32_t tcp_retries_r2;           /* [15] about 15 minutes; RFC 9293 SHLD-11 */
    uint32_t tcp_send_buffer_bytes;    /* [256 KiB] at first */
    uint32_t tcp_receive_buffer_bytes; /* [256 KiB] at first: the window offered */
    /* How far they grow by themselves, as path and application need it, and never beyond an eighth of memory_max_bytes;
     * a socket whose size was set by an option keeps it. 0: not at all. */
    uint32_t tcp_send_buffer_max_bytes;    /* [4 MiB] */
    uint32_t tcp_receive_buffer_max_bytes; /* [6 MiB] */
    uint32_t tcp_initial_window_segs;      /* [10] RFC 6928 */
    uint32_t tcp_time_wait_max;            /* [65,536] records; beyond, the oldest goes early */
    uint32_t tcp_orphans_max; /* [16,384] closed by their owner and not over; beyond: reset */
    bool tcp_timestamps;      /* [true] RFC 7323 */
    bool tcp_window_scaling;  /* [true] RFC 7323 */
    bool tcp_sack;            /* [true] RFC 2018 */
    bool tcp_syn_cookies; /* [true] once a backlog is full of half-open connections; RFC 4987 3.6 */
    /* [0] so many of a connection's first segments with text are acknowledged at once, while the peer's window is small; RFC 5681 4.2 allows it.
     * Over when the application answers. Kernels use 16 */
    uint32_t tcp_quickack_segs;
    /* [50 ms] the least that 4*RTTVAR adds to SRTT: G of RFC 6298 (2.3). Linux: as tcp_rto_min_ns */
    gander_time tcp_rto_variance_min_ns;
    /* [40 ms] how long the peer's ACK of a single segment may wait: TLP.max_ack_delay of RFC 8985. Linux: 200 ms */
    gander_time tcp_peer_delayed_ack_ns;
    uint32_t tcp_orphan_retries;      /* [8] instead of tcp_retries_r2 once the owner has closed */
    uint32_t tcp_notsent_lowat_bytes; /* [0: none] no more than so many unsent bytes are taken */
    bool tcp_slow_start_after_idle;   /* [true] RFC 5681 4.1 */
    /* [false] Nagle's algorithm waits only for partial segments in flight, not for full ones; RFC 9293 3.7.4 mentions it */
    bool tcp_nagle_relaxed;
    /* [false] when the application makes room, the peer is told only if that at least doubles what it may send; RFC 9293 3.8.6.2.2 */
    bool tcp_window_updates_rare;
    /* [false] spread what the window lets go over the round trip; some algorithms always do */
    bool tcp_pacing;
    const char *tcp_congestion_control; /* ["cubic"]; names: gander_congestion_control_name() */

    /* UDP and ICMP */
    uint32_t udp_receive_buffer_bytes; /* [208 KiB], at true buffer size */
    /* [1000] generated errors and resets to closed ports, per destination bucket */
    uint32_t icmp_errors_per_second;
    bool icmp_echo; /* [true] answer echo requests */

    /* Loss recovery. Without tcp_sack none of the first three matters. */
    bool tcp_dsack; /* [true] tell of duplicates, and believe who tells of ours; RFC 2883 */
    bool tcp_rack;  /* [true] find losses by time, RFC 8985; false: by counting, RFC 6675 */
    bool tcp_tlp;   /* [true] tail loss probes; RFC 8985 7. Need tcp_rack */
    bool tcp_frto;  /* [true] notice spurious time-outs; RFC 5682 */
    bool tcp_early_retransmit; /* [false] fewer duplicate ACKs of few segments, no SACK; RFC 5827 */
    /* [3] DupThresh: so many segments ahead of a gap say that it is a loss; 1 … 300 */
    uint32_t tcp_reordering;

    enum gander_ecn tcp_ecn; /* [GANDER_ECN_ACCEPT] */
    /* [GANDER_MTU_PROBING_BLACK_HOLE] RFC 4821, RFC 8899 */
    enum gander_mtu_probing tcp_mtu_probing;
    uint32_t tcp_base_mss; /* [1024] what every path carries; over IPv6 at least what 1,280 leave */
    bool tcp_user_timeout_option; /* [false] RFC 5482; per socket, too */
    uint32_t
        tcp_fastopen; /* [client, server] enum gander_fastopen; sockets have to ask for it, too */
};

void gander_config_init(struct gander_config *config);

/*
 * Makes a stack; the configuration is copied.
 * GANDER_EINVAL: a field is out of range. GANDER_ENOMEM.
 */
int gander_stack_create(const struct gander_config *config, struct gander_stack **stack);

/* Ends a stack and everything in it, silently: nothing is sent. Packets it gave out stay valid. NULL is allowed. */
void gander_stack_destroy(struct gander_stack *stack);

/* The clock is now `now`. A value before the last one counts as the last one. Runs due timers, a
 * bounded number of them at a time: if more are due, gander_deadline() says "now". */
void gander_advance(struct gander_stack *stack, gander_time now);

/* The last time that the stack was told. */
gander_time gander_now(const struct gander_stack *stack);

/* When gander_advance() must be called at the latest; GANDER_NEVER if no timer runs. O(1). */
gander_time gander_deadline(const struct gander_stack *stack);

/* n packets arrived on a link (on one that does not exist they are freed). Takes all of them. Acknowledgements fall due once for the burst. */
void gander_input(struct gander_stack *stack, unsigned link, struct gander_packet *const *packets,
                  size_t n);

/* Up to `max` packets to send on a link now; the caller owns them. Less than `max`: there are no
 * more for now. */
size_t gander_output(struct gander_stack *stack, unsigned link, struct gander_packet **packets,
                     size_t max);

/* Is there something to fetch with gander_output()? */
bool gander_output_pending(const struct gander_stack *stack, unsigned link);

/*
 * The key of fast open's cookies, shared by servers behind one address; else it comes from the secret. `last`, which may be NULL, is the one
 * before: its cookies are still taken, and replaced. GANDER_EINVAL: no key.
 */
int gander_fastopen_keys(struct gander_stack *stack, const uint8_t key[16], const uint8_t last[16]);

/* --- links, addresses, routes ------------------------------------------------------------- */

enum { GANDER_LINKS_MAX = 8, GANDER_ADDRESSES_MAX = 16, GANDER_ROUTES_MAX = 32 };

enum gander_link_flags {
    /* checksums neither made nor checked: memory that cannot lie, like virtio */
    GANDER_LINK_TRUSTED = 1
};

struct gander_link_config {
    uint32_t mtu_bytes; /* 1280 … 65,535 for IPv6, 576 … for IPv4 alone */
    uint32_t flags;     /* enum gander_link_flags */
};

/*
 * Adds a link, numbered from 0. Packets on it are whole IPv4 or IPv6 packets without link header.
 * GANDER_EINVAL: MTU below 576 or above 65,535. GANDER_ENOMEM: GANDER_LINKS_MAX exist.
 */
int gander_link_add(struct gander_stack *stack, const struct gander_link_config *config,
                    unsigned *link);

/*
 * Gives the host an address, and a route to the prefix around it. address->port is not used.
 * GANDER_EINVAL: no such link, prefix too long, multicast or unspecified address. GANDER_EADDRINUSE. GANDER_ENOMEM.
 */
int gander_address_add(struct gander_stack *stack, unsigned link,
                       const struct gander_address *address, unsigned prefix_bits);

/* A route; prefix_bits 0 is the default route. The longest prefix wins. GANDER_EINVAL, GANDER_ENOMEM. */
int gander_route_add(struct gander_stack *stack, unsigned link, const struct gander_address *prefix,
                     unsigned prefix_bits);

/* --- addresses as text (RFC 5952) ---------------------------------------------------------- */

enum { GANDER_ADDRESS_TEXT_BYTES = 54 };

/* "192.0.2.1", "2001:db8::1"; with a port that is not 0 "192.0.2.1:80", "[2001:db8::1]:80".
 * Writes at most `size` bytes including the final 0; returns `text`. */
char *gander_address_format(const struct gander_address *address, char *text, size_t size);

/* Reads what gander_address_format writes, port optional. GANDER_EINVAL. */
int gander_address_parse(const char *text, struct gander_address *address);

/* Same family, IP and port. */
bool gander_address_equal(const struct gander_address *a, const struct gander_address *b);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
/*
 * What a stack consists of, and the services that ip, tcp and udp take from the core: packets, link queues,
 * sockets and their events, trace, counters, randomness.
 *
 * Layers below the core see this header only for the struct and these services.
 */
#ifndef CORE_STACK_H
#define CORE_STACK_H

#include <gander/gander.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/panic.h"
#include "base/random.h"
#include "base/siphash.h"
#include "base/table.h"
#include "base/wheel.h"
#include "tcp/tcp_stack.h"
#include "udp/udp_stack.h"

enum { LINK_QUEUE_MAX_PACKETS = 1024 };

/* A link and its queue of packets that are ready to go: datagrams, ICMP, resets, TIME-WAIT's ACKs. Segments of
 * connections do not queue: gander_output() asks the connections for them. */
struct link {
    uint32_t mtu_bytes;
    uint32_t flags;
    struct gander_packet *first, **last;
    uint32_t queued;
};

struct host_address {
    uint8_t family, prefix_bits, link;
    uint8_t ip[16];
};

struct route {
    uint8_t family, prefix_bits, link;
    uint8_t prefix[16];
};

/* The last pair of addresses that ip/input.c let in: packets come in trains. */
struct admitted {
    uint32_t generation; /* of stack->route_generation; addresses may have changed since */
    uint8_t family;      /* 0: none */
    uint8_t ip[32];      /* source, destination */
};

/* A destination whose path carries less than its link: ip/pmtu.c. */
struct path_mtu {
    uint8_t family; /* 0: empty */
    uint16_t mtu_bytes;
    uint8_t ip[16];
    gander_time expires;
};

enum { PATHS_MAX = 64 };

enum { ICMP_BUCKETS = 64 };

/* A token bucket for generated errors and resets, one of ICMP_BUCKETS by keyed hash of the destination:
 * no global limit that a third party could probe (CVE-2020-25705). */
struct rate_bucket {
    gander_time refilled;
    uint32_t tokens;
};

/* --- sockets ------------------------------------------------------------------------------ */

enum sock_kind { SOCK_TCP_CONN = 1, SOCK_TCP_LISTENER, SOCK_UDP, SOCK_PING };

/* The part of each socket that the core knows. A member of tcp_conn, tcp_listener, udp_socket. */
struct sock {
    gander_socket handle; /* 0: no owner (any more) */
    void *context;
    uint32_t event_next, event_prev; /* slots; UINT32_MAX: none */
    uint16_t event_bits;             /* not fetched yet */
    bool event_queued;
    uint8_t kind;       /* enum sock_kind */
    int8_t event_error; /* goes with event_bits */
    int8_t error;       /* pending error, reported once by the next call */
};

struct sock_slot {
    struct sock *sock; /* NULL: free */
    uint32_t generation;
    uint32_t next_free;
};

enum { SOCK_PAGE_SLOTS = 256 };

struct sock_table {
    struct sock_slot **pages;
    uint32_t pages_used, pages_room;
    uint32_t first_free; /* UINT32_MAX: none */
    uint64_t open;
};

struct gander_stack {
    gander_time now;
    struct mem *mem;
    struct gander_config config;
    struct wheel wheel;
    struct random random;
    struct siphash_key table_key, isn_key, port_key, timestamp_key, bucket_key, cookie_key;
    struct link links[GANDER_LINKS_MAX];
    struct host_address addresses[GANDER_ADDRESSES_MAX];
    struct route routes[GANDER_ROUTES_MAX];
    unsigned link_count, address_count, route_count;
    uint32_t route_generation; /* moves with every change of addresses or routes */
    struct admitted admitted;
    struct path_mtu paths[PATHS_MAX];
    bool paths_known;    /* there ever was one */
    bool wide_checksums; /* the processor has AVX2 */
    struct rate_bucket buckets[ICMP_BUCKETS];
    struct sock_table sockets;
    uint32_t event_first, event_last; /* slots of sockets with events; UINT32_MAX: none */
    uint64_t next_id;                 /* trace ids */
    struct tcp_stack tcp;
    struct udp_stack udp;
    uint32_t checked;          /* looks at the invariants so far: whose turn it is */
    struct gander_stats stats; /* counters only; sizes are filled in by gander_stats() */
};

/* --- packets: core/packet.c ---------------------------------------------------------------- */

/* An empty packet to send: frag[0] is the headroom, empty, at its end. NULL: no memory (counted). */
struct gander_packet *packet_new(struct gander_stack *stack);

/* `bytes` more in front of frag[0]; returns where. There must be room. */
static inline uint8_t *packet_push(struct gander_packet *packet, uint32_t bytes)
{
    struct gander_frag *f = &packet->frag[0];

    DEBUG_ASSERT((size_t)(f->data - packet->headroom) >= bytes);
    f->data -= bytes;
    f->len += bytes;
    packet->len += bytes;
    return f->data;
}

/* Drops `bytes` from the front, which may span frags. */
void packet_pull(struct gander_packet *packet, uint32_t bytes);

/* Appends a reference to `len` bytes at `data` of a block: takes one reference of its own. */
static inline void packet_append(struct gander_packet *packet, struct gander_block *block,
                                 uint8_t *data, uint32_t len)
{
    struct gander_frag *f = &packet->frag[packet->frags++];

    DEBUG_ASSERT(packet->frags <= GANDER_PACKET_FRAGS);
    f->data = data;
    f->len = len;
    f->block = block_hold(block);
    packet->len += len;
}

/* Appends a copy of application bytes in blocks of this stack. False: no memory; the packet is as before. */
bool packet_append_copy(struct gander_stack *stack, struct gander_packet *packet, const void *data,
                        size_t len);

/* Copies out from `offset` of the packet on; returns how many bytes. */
size_t packet_read(const struct gander_packet *packet, size_t offset, void *buffer, size_t max);

/* The partial checksum of the packet's bytes from `offset` on. */
uint64_t packet_checksum(const struct gander_stack *stack, const struct gander_packet *packet,
                         size_t offset);

/* What the packet really holds of memory. */
uint32_t packet_true_bytes(const struct gander_packet *packet);

/* --- link queues ---------------------------------------------------------------------------- */

/* Queues a complete IP packet; false: the queue is full (counted, the packet is freed). */
bool link_enqueue(struct gander_stack *stack, unsigned link, struct gander_packet *packet);

/* --- sockets and events: core/socket_table.c, core/events.c ----------------------------------- */

/* Gives a sock its handle. False: no memory. */
bool sock_register(struct gander_stack *stack, struct sock *sock);
/* also out of the event queue */
void sock_unregister(struct gander_stack *stack, struct sock *sock);
struct sock *sock_find(const struct gander_stack *stack, gander_socket handle); /* NULL: stale */
/* `to` takes from's handle, events, context */
void sock_rebind(struct gander_stack *stack, struct sock *from, struct sock *to);

void sock_table_finish(struct gander_stack *stack);

/* Drops what is queued for a socket. */
void sock_event_forget(struct gander_stack *stack, struct sock *sock);

/* Reports an event (bits of gander_event_bits; error 0 or GANDER_E…). Nothing for a sock without handle. */
void sock_event(struct gander_stack *stack, struct sock *sock, unsigned bits, int error);

/* --- counters, trace: core/trace.c ------------------------------------------------------------ */

/* The flow that an event belongs to; NULL members where unknown. */
struct trace_flow {
    uint64_t id;
    uint8_t family;
    const uint8_t *local_ip, *remote_ip;
    uint16_t local_port, remote_port;
};

static inline bool trace_on(const struct gander_stack *stack)
{
    return UNLIKELY(stack->config.trace != NULL);
}

/* Fills time, id, addresses and hands it out. Call only when trace_on(). `flow` may be NULL. */
void trace_emit(struct gander_stack *stack, struct gander_trace_event *event,
                const struct trace_flow *flow);

/* Counts a drop, traces it, and frees the packet (which may be NULL). */
void drop_packet(struct gander_stack *stack, struct gander_packet *packet, enum gander_drop reason,
                 const struct trace_flow *flow);

/* --- check.c --------------------------------------------------------------------------------- */

#ifdef GANDER_DEBUG
void debug_check(struct gander_stack *stack);
#else
static inline void debug_check(struct gander_stack *stack)
{
    (void)stack;
}
#endif

#endif

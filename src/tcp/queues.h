/* SPDX-License-Identifier: MIT */
/*
 * The four queues of a connection. Each is a leaf: it knows sequence numbers and memory, but no connection.
 *
 *   sendq   bytes from the application until they are acknowledged; segments refer to them
 *   rtxq    records of what was sent: for retransmission, round trips, SACK and loss detection
 *   recvq   packets with bytes in order, until the application reads them
 *   reasm   packets that arrived ahead of a gap
 */
#ifndef TCP_QUEUES_H
#define TCP_QUEUES_H

#include "base/mem.h"
#include "base/seq.h"
#include "core/stack.h"
#include "wire/wire.h"

/* --- sendq.c: a ring of blocks, each with the sequence number of its first byte ------------------ */

struct sendq_entry {
    struct gander_block *block;
    tcp_seq seq; /* of data[0] */
};

enum { SENDQ_RING_MIN = 2, RTXQ_RING_MIN = 4 }; /* powers of two */

struct sendq {
    /* capacity entries, a power of two; `few`, until they do not suffice */
    struct sendq_entry *ring;
    uint32_t capacity, first, count;
    uint32_t cursor;   /* ordinal of the entry that sendq_refer() used last */
    tcp_seq head, end; /* bytes held: head … end−1 */
    /* a short exchange needs no ring of its own; so this never moves */
    struct sendq_entry few[SENDQ_RING_MIN];
};

void sendq_init(struct sendq *q, tcp_seq seq);
void sendq_finish(struct sendq *q, struct mem *mem);

static inline uint32_t sendq_bytes(const struct sendq *q)
{
    return q->end - q->head;
}

/* Copies bytes in; returns how many found memory. */
size_t sendq_append(struct sendq *q, struct mem *mem, const void *data, size_t len);
/* Bytes before `seq` were acknowledged. */
void sendq_release(struct sendq *q, tcp_seq seq);
/* Appends references to [seq, seq + len) to a packet; the range is in the queue and, with at most
 * GANDER_PACKET_FRAGS − 1 pieces, fits. Returns how many bytes it took: fewer when pieces run out. */
uint32_t sendq_refer(struct sendq *q, tcp_seq seq, uint32_t len, struct gander_packet *packet);

/* --- rtxq.c: a ring of records in sequence order, each also in at most one of two lists by time ------ */

enum tcp_record_flags {
    RECORD_SACKED = 1,
    RECORD_LOST = 2,          /* in the list `lost` unless already resent */
    RECORD_RETRANSMITTED = 4, /* the last transmission was not the first */
    RECORD_SYN = 8,
    RECORD_FIN = 16,
    RECORD_APP_LIMITED = 32 /* left while the application had too little to send */
};

struct tcp_record {
    tcp_seq seq;
    uint32_t len;        /* in sequence space: SYN and FIN count */
    gander_time sent_ns; /* last transmission */
    gander_time first_sent_ns;
    uint32_t prev, next; /* of its list: record numbers */
    uint8_t flags;       /* enum tcp_record_flags */
    uint8_t transmissions;
    uint8_t rule; /* why it was marked lost: enum gander_why */
    uint8_t list; /* 0: none; 1: sent; 2: lost */
    /* rate.c, of the last transmission. Counters wrap; times before sent_ns, in units of 16 ns, up to 68 s. */
    uint32_t delivered, lost, tx_in_flight;
    uint32_t first_sent_before, delivered_before;
};

struct rtxq_list {
    uint32_t first, last; /* record numbers; RTXQ_NONE */
};

#define RTXQ_NONE UINT32_MAX

struct rtxq {
    /* by record number & (capacity − 1); `few`, until they do not suffice */
    struct tcp_record *ring;
    uint32_t capacity;
    /* numbers first … first + count − 1 exist; numbers wrap below RTXQ_NONE */
    uint32_t first, count;
    struct rtxq_list sent; /* in the network as far as we know, by time of the last transmission */
    struct rtxq_list lost; /* marked lost, not yet resent: first what was resent and lost again */
    uint32_t relost_last;  /* the last of these; RTXQ_NONE */
    uint32_t sacked_bytes, sacked_count;
    uint32_t lost_bytes; /* of the records in `lost` */
    /* ever sent, resent, marked lost, found to be lost retransmissions: modulo 2^32, for differences */
    uint32_t sent_total, resent_total, lost_total, relost_total;
    struct tcp_record few[RTXQ_RING_MIN];
};

void rtxq_init(struct rtxq *q);
void rtxq_finish(struct rtxq *q, struct mem *mem);

static inline struct tcp_record *rtxq_at(const struct rtxq *q, uint32_t number)
{
    return &q->ring[number & (q->capacity - 1)];
}

/* The record behind a record; RTXQ_NONE after the last. */
uint32_t rtxq_after(const struct rtxq *q, uint32_t number);
/* The last record; there is one. */
uint32_t rtxq_last(const struct rtxq *q);
/* Room for one more; false: no memory. */
bool rtxq_reserve(struct rtxq *q, struct mem *mem);
/* A new record at the end, in the list `sent`. rtxq_reserve() has succeeded. */
struct tcp_record *rtxq_push(struct rtxq *q, tcp_seq seq, uint32_t len, uint8_t flags,
                             gander_time now);
/* The first record is wholly acknowledged. */
void rtxq_pop(struct rtxq *q);
/* The record that holds `seq`, or the first behind it; RTXQ_NONE: none. O(log n). */
uint32_t rtxq_find(const struct rtxq *q, tcp_seq seq);
void rtxq_mark_sacked(struct rtxq *q, uint32_t number);
void rtxq_mark_lost(struct rtxq *q, uint32_t number, uint8_t rule);
void rtxq_mark_resent(struct rtxq *q, uint32_t number, gander_time now);
/* After a time-out: the first record, and each that last left at `overdue_ns` or before, is lost, in sequence order
 * [RFC8985 6.3]. `forget`: SACK marks are taken back [RFC2018 8]. Walks all. */
void rtxq_mark_timeout(struct rtxq *q, gander_time overdue_ns, bool forget, uint8_t rule);
/* Nothing was lost: what is in `lost` is in the network after all, sent before all else that is. Walks `lost`. */
void rtxq_unmark_lost(struct rtxq *q);
/* The head of the first record up to `seq` was acknowledged. */
void rtxq_trim_first(struct rtxq *q, tcp_seq seq);

/* --- recvq.c ------------------------------------------------------------------------------------------ */

struct recvq {
    struct gander_packet *first, *last;
    uint32_t bytes;      /* to read */
    uint32_t held_bytes; /* of memory, at true size */
};

void recvq_init(struct recvq *q);
void recvq_finish(struct recvq *q);
/* What a packet costs here. Memory that another stack lends counts by what we use of it. */
uint32_t recvq_charge(const struct mem *mem, const struct gander_packet *packet);
/* Copies a packet's text behind that of `last`, if the block there has room, and frees it; false: it has not. */
bool recvq_absorb(const struct mem *mem, struct gander_packet *last, struct gander_packet *packet);
/* Takes a packet of text only, in order. Beyond `limit` of memory it copies, so as to keep no slack. */
void recvq_append(struct recvq *q, struct gander_stack *stack, struct gander_packet *packet,
                  uint32_t limit);
void recvq_append_chain(struct recvq *q, struct gander_packet *first, struct gander_packet *last,
                        uint32_t bytes, uint32_t held);
size_t recvq_read(struct recvq *q, struct mem *mem, void *buffer, size_t len, bool peek);

/* --- reasm.c: sorted runs of packets ---------------------------------------------------------------------- */

enum { REASM_RUNS_MAX = 512, REASM_RECENT = TCP_SACK_BLOCKS_MAX };

struct reasm_run {
    tcp_seq left, right;
    struct gander_packet *first, *last;
    uint32_t held_bytes;
};

struct reasm {
    struct reasm_run *runs; /* in sequence order, no two touch; NULL while empty */
    uint32_t count, capacity;
    uint32_t held_bytes; /* true size of all */
    uint32_t text_bytes;
    tcp_seq recent[REASM_RECENT]; /* one number in each of the last runs that grew [RFC2018 4] */
    uint8_t recent_count;
};

void reasm_init(struct reasm *r);
void reasm_finish(struct reasm *r, struct mem *mem);
/*
 * Takes a packet of text [seq, seq + len) that lies ahead of a gap. What had arrived before wins; of what is
 * new the first piece is kept. Returns GANDER_DROP_none if it took it, else why not: the caller keeps it.
 */
enum gander_drop reasm_insert(struct reasm *r, struct mem *mem, struct gander_packet *packet,
                              tcp_seq seq, uint32_t limit);
/* Is there a run within [left, right) that ends before right: would something new behind it be lost? */
bool reasm_splits(const struct reasm *r, tcp_seq left, tcp_seq right);
/* Writes what the runs within [left, right) hold over `text`, which are the bytes of that range, and lets the runs go. */
void reasm_overlay(struct reasm *r, struct mem *mem, uint8_t *text, tcp_seq left, tcp_seq right);
/* Has the byte with this number arrived? */
bool reasm_holds(const struct reasm *r, tcp_seq seq);
/* The first part of [left, right) that has arrived, and the run it belongs to; false: none has. */
bool reasm_overlap(const struct reasm *r, tcp_seq left, tcp_seq right, struct tcp_sack_block *part,
                   struct tcp_sack_block *run);
/* The first run, if it begins at `seq`, goes to the end of `q`; *right is where it ends. */
bool reasm_take(struct reasm *r, struct mem *mem, tcp_seq seq, struct recvq *q, tcp_seq *right);
/* SACK blocks, the run that grew last first [RFC2018 4]. */
uint8_t reasm_sacks(const struct reasm *r, struct tcp_sack_block *blocks, uint8_t max);

/* --- check.c: the invariants; NULL, or the condition that does not hold ---------------------------------------- */

const char *sendq_broken(const struct sendq *q);
const char *recvq_broken(const struct recvq *q, const struct mem *mem);
const char *reasm_broken(const struct reasm *r, const struct mem *mem);

#endif

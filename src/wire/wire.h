/* SPDX-License-Identifier: MIT */
/*
 * Every header that gander reads or writes: a view of bytes in, a checked representation out, and back. Nothing outside
 * wire/ knows an offset. Parsers return GANDER_DROP_none or the reason why the bytes are refused; they read no byte
 * beyond `len`. Emitters write into room that the caller has, and return how many bytes they wrote.
 */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gander/trace.h>

#include "base/seq.h"

enum ip_protocol {
    IP_PROTOCOL_ICMP = 1,
    IP_PROTOCOL_TCP = 6,
    IP_PROTOCOL_UDP = 17,
    IP_PROTOCOL_ICMPV6 = 58,
    IP_PROTOCOL_NONE = 59 /* IPv6: nothing follows [RFC8200 4.7] */
};

/* --- ip4.c, ip6.c: one representation for both ---------------------------------------------- */

struct ip_header {
    uint8_t family; /* 4, 6 */
    uint8_t protocol;
    uint8_t ttl;
    uint8_t traffic_class;
    uint32_t header_bytes;  /* IPv4 options and IPv6 extension headers included */
    uint32_t payload_bytes; /* by the header's own length, which lies within the packet */
    bool fragment;          /* more fragments, or an offset other than 0 */
    bool dont_fragment;
    const uint8_t *source; /* point into the packet: 4 or 16 bytes */
    const uint8_t *destination;
    uint32_t protocol_at; /* offset of the byte that names `protocol`, for ICMPv6 */
    uint8_t
        problem; /* IPv6, with ip_extension: code + 1 of the parameter problem to send; 0: none */
    uint32_t problem_at; /* its pointer */
};

/* RFC 791, RFC 1122 3.2.1; verifies the header checksum. `len` ≥ 1. */
enum gander_drop wire_ip4_parse(const uint8_t *bytes, size_t len, struct ip_header *header);

/* RFC 8200 4: walks at most 8 extension headers (hop-by-hop only first, destination options, routing with
 * segments left 0; a fragment header makes it a fragment, an atomic one [RFC6946] does not). `len` ≥ 1. With
 * ip_extension, the representation tells what was read up to and with the header that is refused. */
enum gander_drop wire_ip6_parse(const uint8_t *bytes, size_t len, struct ip_header *header);

/* Writes the 20 or 40 bytes of a header without options; checksum included; DF set, ID 0 [RFC6864 4.1].
 * Uses family, protocol, ttl, traffic_class, payload_bytes, source, destination. */
size_t wire_ip_emit(uint8_t *bytes, const struct ip_header *header);

enum { IP4_HEADER_BYTES = 20, IP6_HEADER_BYTES = 40 };

static inline uint32_t wire_ip_header_bytes(unsigned family)
{
    return family == GANDER_IPV4 ? IP4_HEADER_BYTES : IP6_HEADER_BYTES;
}

static inline uint32_t wire_ip_address_bytes(unsigned family)
{
    return family == GANDER_IPV4 ? 4 : 16;
}

/* --- tcp.c ----------------------------------------------------------------------------------- */

enum {
    TCP_HEADER_BYTES = 20,
    TCP_HEADER_MAX_BYTES = 60,
    TCP_SACK_BLOCKS_MAX = 4,
    TCP_FASTOPEN_MAX_BYTES = 16
};

struct tcp_sack_block {
    tcp_seq left, right; /* left ≤ x < right [RFC2018 3] */
};

/* The AccECN option: byte counters modulo 2^24 [RFC9768 3.2.3]. */
struct tcp_accecn_option {
    uint8_t order;  /* 0: E0B, CE, E1B; 1: E1B, CE, E0B */
    uint8_t fields; /* 1 … 3 of them, in that order, are there */
    uint32_t e0b, ceb, e1b;
};

/* Options that few segments have. */
enum tcp_rare_options { TCP_RARE_ACCECN = 1, TCP_RARE_FASTOPEN = 2, TCP_RARE_USER_TIMEOUT = 4 };

/* A segment, in RFC 9293's words. Options that were absent are 0 or false. */
struct tcp_segment {
    tcp_seq seq;       /* SEG.SEQ */
    tcp_seq ack;       /* SEG.ACK; meaningful with the ACK flag */
    uint32_t len;      /* SEG.LEN: text_len, and 1 each for SYN and FIN */
    uint32_t wnd;      /* SEG.WND as on the wire, not scaled */
    uint32_t text_len; /* payload bytes */
    uint16_t up;       /* SEG.UP, with the URG flag */
    uint16_t source_port, destination_port;
    uint8_t flags; /* enum gander_tcp_flags */
    bool ae;       /* the flag before them [RFC9768 3.1.1] */
    uint8_t header_bytes;
    bool has_timestamp, has_wscale, sack_permitted;
    uint8_t rare;   /* enum tcp_rare_options: which of the last members are there */
    uint8_t wscale; /* at most 14 [RFC7323 2.3] */
    uint8_t sack_blocks;
    uint16_t mss; /* 0: absent */
    uint32_t tsval, tsecr;
    struct tcp_sack_block sack[TCP_SACK_BLOCKS_MAX];
    struct tcp_accecn_option accecn;
    uint16_t user_timeout;  /* as on the wire: the upper bit says minutes [RFC5482 3.3] */
    uint8_t fastopen_bytes; /* of the cookie; 0: one is asked for [RFC7413 4.1.1] */
    uint8_t fastopen[TCP_FASTOPEN_MAX_BYTES];
};

/*
 * Parses header and options; does not look at the checksum. Unknown options are skipped by their length
 * [RFC9293 MUST-6]; the first of a repeated option counts; options that belong on a SYN are ignored elsewhere; a wrong length ends
 * the segment (tcp_option).
 */
enum gander_drop wire_tcp_parse(const uint8_t *bytes, size_t len, struct tcp_segment *segment);

/* Bytes of header that wire_tcp_emit() will write: a multiple of 4. */
size_t wire_tcp_header_bytes(const struct tcp_segment *segment);

/*
 * Writes header and options (mss, wscale, sack_permitted, fast open where set and SYN; timestamp; user timeout; SACK blocks and AccECN fields
 * as far as 40 bytes of options allow: two blocks go before the fields, these before more blocks [RFC9768 3.2.3.3]), with
 * checksum field 0. Uses every field but len, text_len, header_bytes.
 */
size_t wire_tcp_emit(uint8_t *bytes, const struct tcp_segment *segment);

/* Stores the checksum over pseudo header, header and a payload's partial sum. */
void wire_tcp_checksum(uint8_t *header, size_t header_bytes, uint64_t pseudo_and_payload);

/* --- udp.c ----------------------------------------------------------------------------------- */

enum { UDP_HEADER_BYTES = 8 };

struct udp_header {
    uint16_t source_port, destination_port;
    uint16_t length;   /* of header and payload */
    bool has_checksum; /* 0 on the wire means none */
};

/* RFC 768. `len` is IP's payload; a UDP length shorter than that is fine, the rest is padding. */
enum gander_drop wire_udp_parse(const uint8_t *bytes, size_t len, struct udp_header *header);

/* Writes the 8 bytes with the checksum over `sum` (pseudo header and payload), 0 sent as 0xFFFF. */
size_t wire_udp_emit(uint8_t *bytes, const struct udp_header *header, uint64_t sum);

/* --- icmp.c ---------------------------------------------------------------------------------- */

enum { ICMP_HEADER_BYTES = 8 };

/* ICMPv4 and ICMPv6 messages mean the same things under other numbers. */
enum icmp_kind {
    ICMP_ECHO_REQUEST,
    ICMP_ECHO_REPLY,
    ICMP_UNREACHABLE_NETWORK,  /* v4 codes 0, 6, 11; v6 0 */
    ICMP_UNREACHABLE_HOST,     /* v4 1, 7, 12 …; v6 3 and 2 */
    ICMP_UNREACHABLE_PROTOCOL, /* v4 2; v6 parameter problem code 1 */
    ICMP_UNREACHABLE_PORT,     /* v4 3; v6 4 */
    ICMP_PROHIBITED,           /* v4 9, 10, 13; v6 1, 5, 6 */
    ICMP_PACKET_TOO_BIG,       /* v4 code 4; v6 type 2; `mtu` */
    ICMP_TIME_EXCEEDED,        /* in transit or in reassembly: `code` */
    ICMP_PARAMETER_PROBLEM,
    ICMP_OTHER
};

struct icmp_header {
    enum icmp_kind kind;
    uint8_t type, code;            /* on the wire */
    uint16_t identifier, sequence; /* echo */
    uint32_t mtu;                  /* packet too big; 0: the router does not say */
    uint32_t pointer;              /* parameter problem */
    const uint8_t *body;           /* echo data, or the quoted packet */
    uint32_t body_bytes;
};

/* RFC 792, RFC 4443. `family` tells which. Does not look at the checksum. */
enum gander_drop wire_icmp_parse(unsigned family, const uint8_t *bytes, size_t len,
                                 struct icmp_header *header);

/* Writes the 8 bytes for `kind`, checksum field 0; the caller appends the body and calls wire_icmp_checksum(). */
size_t wire_icmp_emit(unsigned family, uint8_t *bytes, const struct icmp_header *header);

/* `sum`: the pseudo header for ICMPv6 and the body's partial sum. */
void wire_icmp_checksum(uint8_t *header, uint64_t sum);

/*
 * The packet quoted in an ICMP error: as much as is there. Ports need 8 bytes behind the IP header [RFC5927 2].
 */
struct icmp_quote {
    uint8_t family, protocol;
    const uint8_t *source, *destination;    /* of the packet that we once sent */
    uint16_t source_port, destination_port; /* echo: identifier, 0 */
    tcp_seq seq;                            /* TCP */
    uint32_t total_bytes;                   /* the packet's length by its header */
};

enum gander_drop wire_icmp_quote(unsigned family, const uint8_t *bytes, size_t len,
                                 struct icmp_quote *quote);

#endif

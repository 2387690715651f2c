/* SPDX-License-Identifier: MIT */
/*
 * TCP segments for tests: written as text, built into packets, and read back from packets. Independent of the
 * code under test on purpose: its own parser, its own checksum.
 *
 * A segment as text is its flags, then fields, in any order:
 *
 *     "SA seq=0 ack=1 wnd=65535 mss=1460 ws=7 sackok ts=100,0"
 *
 * Flags: S A F R P U E W, N for AE (once NS); "-" is none. p (only when expecting): PSH must be off; without P or p it is not compared.
 *
 *     seq= ack=      relative to the initial sequence number of who numbers them; may be negative
 *     len=           bytes of text      fill=  changes the text (to tell two versions of the same bytes apart)
 *     wnd=           as on the wire     up=    urgent pointer as on the wire
 *     mss= ws= sackok ts=value,echo sack=left-right,left-right
 *     nomss nows nosackok nots nosack          absent
 *     opt=0103…      (arriving) these option bytes, in hexadecimal, instead of any others
 *     badsum         (arriving) with a wrong checksum
 *     offset=        (arriving) this value in the data offset field
 *     multicast      (arriving) to a multicast address     badsource  (arriving) from one
 *     ttl=           (expecting) TTL or hop limit
 *     tc=            traffic class, with the two ECN bits
 *     accecn=e0b,ce,e1b   accecn1=e1b,ce,e0b   the option with one to three fields; noaccecn: absent
 *     fo=0102…       fast open cookie in hexadecimal; "fo" alone asks for one; nofo: absent
 *     uto=           user timeout option as on the wire; nouto: absent
 *     why=           (expecting) enum gander_why
 */
#ifndef TESTS_RFC_SEGMENT_H
#define TESTS_RFC_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEGMENT_FLAG_AE = 1 << 8 }; /* beside enum gander_tcp_flags */

enum segment_field {
    FIELD_SEQ = 1 << 0,
    FIELD_ACK = 1 << 1,
    FIELD_LEN = 1 << 2,
    FIELD_WND = 1 << 3,
    FIELD_UP = 1 << 4,
    FIELD_MSS = 1 << 5,
    FIELD_WS = 1 << 6,
    FIELD_SACKOK = 1 << 7,
    FIELD_TS = 1 << 8,
    FIELD_SACK = 1 << 9,
    FIELD_NOMSS = 1 << 10,
    FIELD_NOWS = 1 << 11,
    FIELD_NOSACKOK = 1 << 12,
    FIELD_NOTS = 1 << 13,
    FIELD_NOSACK = 1 << 14,
    FIELD_OPT = 1 << 15,
    FIELD_BADSUM = 1 << 16,
    FIELD_OFFSET = 1 << 17,
    FIELD_MULTICAST = 1 << 18,
    FIELD_FILL = 1 << 19,
    FIELD_WHY = 1 << 20,
    FIELD_PSH_ON = 1 << 21,
    FIELD_PSH_OFF = 1 << 22,
    FIELD_BADSOURCE = 1 << 23,
    FIELD_TTL = 1 << 24,
    FIELD_TC = 1 << 25,
    FIELD_ACCECN = 1 << 26,
    FIELD_NOACCECN = 1 << 27,
    FIELD_FO = 1 << 28,
    FIELD_NOFO = 1 << 29,
    FIELD_UTO = 1 << 30
};

enum { SEGMENT_SACK_MAX = 4, SEGMENT_PACKET_MAX = 65535 + 40, SEGMENT_TEXT_BYTES = 240 };

struct segment {
    uint32_t fields; /* enum segment_field: which are given, or were there */
    uint16_t flags;  /* enum gander_tcp_flags, SEGMENT_FLAG_AE */
    uint8_t why;
    uint8_t fill, offset, ttl, tc;
    uint16_t source_port, destination_port;
    int64_t seq, ack; /* relative in text, absolute in packets */
    uint32_t len, wnd, up, mss, ws, tsval, tsecr;
    unsigned sacks;
    int64_t sack[SEGMENT_SACK_MAX][2];
    unsigned accecn_order, accecn_fields;
    uint32_t accecn[3]; /* in the order on the wire */
    uint32_t uto;
    uint8_t fo[16];
    unsigned fo_bytes;
    bool nouto;
    uint8_t opt[40];
    unsigned opt_bytes;
    uint8_t *text; /* len bytes; owned by whoever holds the segment; NULL if len is 0 */
};

/* Where a packet comes from and goes to. */
struct segment_path {
    unsigned family;
    uint8_t source[16], destination[16];
};

/* Reads text; NULL if it is well-formed, or else the word that is not. */
const char *segment_parse(const char *words, struct segment *segment);

/* Builds an IP packet from a segment with absolute numbers; returns its length. */
size_t segment_build(const struct segment *segment, const struct segment_path *path,
                     uint8_t *packet);

/* Builds an IP packet around another protocol's bytes, whose checksum field (zero, at `checksum_at`) it fills in. */
size_t segment_wrap(const struct segment_path *path, uint8_t protocol, const uint8_t *bytes,
                    size_t len, size_t checksum_at, uint8_t *packet);

/* Reads an IP packet strictly: every length, checksum and padding. NULL, or what is wrong with it. */
const char *segment_read(const uint8_t *packet, size_t len, struct segment_path *path,
                         struct segment *segment);

/* Writes a segment as text, with numbers relative to the two initial sequence numbers. */
void segment_format(const struct segment *segment, uint32_t seq_base, uint32_t ack_base,
                    char text[SEGMENT_TEXT_BYTES]);

#endif

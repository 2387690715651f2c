/* SPDX-License-Identifier: MIT */
/*
 * The Internet checksum [RFC1071, RFC1624], as a running one's complement sum over bytes taken in native
 * 16-bit words: byte order does not matter until the end (RFC 1071 2 (B)).
 *
 *     sum = checksum_add(0, header, n);  sum = checksum_add(sum, payload, m);   n even
 *     put: checksum_store(p, checksum_finish(sum));   verify: checksum_finish(sum over all) == 0
 */
#ifndef BASE_CHECKSUM_H
#define BASE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

/* A partial sum; 0 to begin with. Values are congruent modulo 2^16−1, not unique. */
typedef uint64_t checksum_sum;

/* Adds bytes that begin at an even offset of the whole. */
checksum_sum checksum_add(checksum_sum sum, const void *data, size_t len);

/* Adds a partial sum of bytes that begin at `offset` of the whole: an odd one swaps the halves. */
checksum_sum checksum_append(checksum_sum sum, checksum_sum part, size_t offset);

/* Copies and adds in one pass. */
checksum_sum checksum_copy(checksum_sum sum, void *to, const void *from, size_t len);

/* The same with wider vectors, only where checksum_wide_possible(): checksum_wide.c. Worth it from some 128 bytes on. */
checksum_sum checksum_add_wide(checksum_sum sum, const void *data, size_t len);
bool checksum_wide_possible(void);

static inline checksum_sum checksum_plus(checksum_sum a, checksum_sum b)
{
    a += b;
    return a + (a < b); /* 2^64 is 1 modulo 2^16−1, too */
}

/* Adds a header, a multiple of 4 bytes; in line, since for so few bytes a call would cost more than the sum. */
static inline checksum_sum checksum_header(checksum_sum sum, const uint8_t *header, size_t len)
{
    checksum_sum own = 0;

    for (; len >= 4; len -= 4, header += 4) {
        uint32_t word;

        memcpy(&word, header, sizeof(word));
        own += word;
    }
    return checksum_plus(sum, own);
}

/* The pseudo header of TCP, UDP [RFC9293 3.1, RFC768] and ICMPv6 [RFC8200 8.1]; family 4 or 6;
 * addresses in network order; len: upper-layer bytes. */
static inline checksum_sum checksum_pseudo(unsigned family, const uint8_t *source,
                                           const uint8_t *destination, uint8_t protocol,
                                           uint32_t len)
{
    size_t address_bytes = family == 4 ? 4 : 16;
    uint8_t rest[8];

    /* IPv4's has 16 bits of length and zero and protocol in one word: the same sum. */
    put_be32(rest, len);
    put_be32(rest + 4, protocol);
    return checksum_header(
        checksum_header(checksum_header(0, rest, sizeof(rest)), source, address_bytes), destination,
        address_bytes);
}

/* The complement, folded to 16 bits, to be stored as it is (native order). */
static inline uint16_t checksum_finish(checksum_sum sum)
{
    uint32_t half;

    sum += sum << 32 | sum >> 32; /* the upper half is now low + high, its carry come around */
    half = (uint32_t)(sum >> 32);
    half += half << 16 | half >> 16;
    return (uint16_t) ~(half >> 16);
}

static inline void checksum_store(uint8_t *p, uint16_t finished)
{
    memcpy(p, &finished, sizeof(finished));
}

/* The stored checksum after a 16-bit field changed from `from` to `to` (all as stored) [RFC1624 3, eqn. 3]. */
uint16_t checksum_update(uint16_t stored, uint16_t from, uint16_t to);

#endif

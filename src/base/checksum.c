/* SPDX-License-Identifier: MIT */
/*
 * The Internet checksum; see checksum.h.
 *
 * The bytes are taken as 64-bit words whose 32-bit halves are added to 64-bit counters, eight words at a time, with
 * the compiler's vector types: SSE2, NEON or plain registers, whatever the target has. checksum_wide.c does the same with
 * AVX2. 2^16 is 1 modulo 2^16−1, so wider words give the same sum [RFC1071 2 (C)].
 *
 * Sums never come back to 0 once a byte was not 0: all carries go around [RFC1071 2 (A)].
 */
#include "base/checksum.h"

#include "base/bytes.h"

enum { VECTOR_BYTES = 16 };
#define VECTOR_TARGET
#include "base/checksum_vectors.h"

checksum_sum checksum_add(checksum_sum sum, const void *data, size_t len)
{
    if (len < STRIDE_BYTES)
        return checksum_plus(sum, sum_words(NULL, data, len));
    return checksum_plus(sum, sum_vectors(NULL, data, len));
}

checksum_sum checksum_copy(checksum_sum sum, void *to, const void *from, size_t len)
{
    if (len == 0)
        return sum; /* then `to` may be NULL */
    return checksum_plus(sum, sum_vectors(to, from, len));
}

checksum_sum checksum_append(checksum_sum sum, checksum_sum part, size_t offset)
{
    if (offset & 1) {
        uint16_t folded = (uint16_t)~checksum_finish(part);

        part = (uint16_t)(folded << 8 | folded >> 8); /* [RFC1071 2 (B)] */
    }
    return checksum_plus(sum, part);
}

uint16_t checksum_update(uint16_t stored, uint16_t from, uint16_t to)
{
    /* ~(~HC + ~m + m'); the older form of RFC 1141 turns 0xffff into 0 and the other way round. */
    return checksum_finish((checksum_sum)(uint16_t)~stored + (uint16_t)~from + to);
}

/* SPDX-License-Identifier: MIT */
/*
 * The Internet checksum; see checksum.h.
 *
 * The bytes are taken as 64-bit words whose 32-bit halves are added to 64-bit counters, four words at a time, with the
 * compiler's vector types: SSE2, NEON or plain registers, whatever the target has. 2^16 is 1 modulo 2^16−1, so wider
 * words give the same sum [RFC1071 2 (C)]. On x86-64 the same loop is also compiled for AVX2, and used where the
 * processor has it. Define GANDER_NO_CPU_DISPATCH where the compiler's run-time library for that question is missing.
 *
 * Sums never come back to 0 once a byte was not 0: all carries go around [RFC1071 2 (A)].
 */
#include "base/checksum.h"

#include "base/bytes.h"

#if defined(__x86_64__) && !defined(__AVX2__) && !defined(GANDER_NO_CPU_DISPATCH)
#define CHECKSUM_DISPATCH 1
#endif

enum { VECTOR_BYTES = 32, SMALL_BYTES = 64 };

typedef uint64_t vector __attribute__((vector_size(VECTOR_BYTES)));

static inline checksum_sum sum_plus(checksum_sum a, checksum_sum b)
{
    a += b;
    return a + (a < b); /* 2^64 is 1, too */
}

/* What is left behind the vectors, and headers. `to` is NULL or takes a copy; a constant after inlining. */
static inline __attribute__((always_inline)) checksum_sum sum_words(uint8_t *to, const uint8_t *p,
                                                                    size_t len)
{
    checksum_sum sum = 0;
    uint64_t words;

    for (; len >= 8; len -= 8, p += 8) {
        memcpy(&words, p, 8);
        if (to)
            memcpy(to, &words, 8), to += 8;
        sum += (words & 0xffffffffU) + (words >> 32);
    }
    for (; len >= 2; len -= 2, p += 2) {
        uint16_t half;

        memcpy(&half, p, 2);
        if (to)
            memcpy(to, &half, 2), to += 2;
        sum += half;
    }
    if (len > 0) {
        uint8_t padded[2] = {*p, 0}; /* an odd last byte is followed by a zero byte [RFC1071 1] */
        uint16_t half;

        memcpy(&half, padded, 2);
        if (to)
            *to = *p;
        sum += half;
    }
    return sum;
}

/* No overflow below 2^35 bytes. */
static inline __attribute__((always_inline)) checksum_sum sum_vectors(uint8_t *to, const uint8_t *p,
                                                                      size_t len)
{
    vector low = {0}, high = {0}, a, b;
    const vector mask = {0xffffffffU, 0xffffffffU, 0xffffffffU, 0xffffffffU};

    for (; len >= 2 * sizeof(a); len -= 2 * sizeof(a), p += 2 * sizeof(a)) {
        memcpy(&a, p, sizeof(a));
        memcpy(&b, p + sizeof(a), sizeof(b));
        if (to) {
            memcpy(to, &a, sizeof(a));
            memcpy(to + sizeof(a), &b, sizeof(b));
            to += 2 * sizeof(a);
        }
        low += (a & mask) + (b & mask);
        high += (a >> 32) + (b >> 32);
    }
    low += high;
    return low[0] + low[1] + low[2] + low[3] + sum_words(to, p, len);
}

#ifdef CHECKSUM_DISPATCH
static __attribute__((target("avx2"), noinline)) checksum_sum sum_avx2(const uint8_t *p, size_t len)
{
    return sum_vectors(NULL, p, len);
}

static __attribute__((target("avx2"), noinline)) checksum_sum
sum_copy_avx2(uint8_t *to, const uint8_t *p, size_t len)
{
    return sum_vectors(to, p, len);
}
#endif

checksum_sum checksum_add(checksum_sum sum, const void *data, size_t len)
{
    if (len < SMALL_BYTES)
        return sum_plus(sum, sum_words(NULL, data, len));
#ifdef CHECKSUM_DISPATCH
    if (__builtin_cpu_supports("avx2"))
        return sum_plus(sum, sum_avx2(data, len));
#endif
    return sum_plus(sum, sum_vectors(NULL, data, len));
}

checksum_sum checksum_copy(checksum_sum sum, void *to, const void *from, size_t len)
{
    if (len == 0)
        return sum; /* then `to` may be NULL */
#ifdef CHECKSUM_DISPATCH
    if (len >= SMALL_BYTES && __builtin_cpu_supports("avx2"))
        return sum_plus(sum, sum_copy_avx2(to, from, len));
#endif
    return sum_plus(sum, sum_vectors(to, from, len));
}

checksum_sum checksum_append(checksum_sum sum, checksum_sum part, size_t offset)
{
    if (offset & 1) {
        uint16_t folded = (uint16_t)~checksum_finish(part);

        part = (uint16_t)(folded << 8 | folded >> 8); /* [RFC1071 2 (B)] */
    }
    return sum_plus(sum, part);
}

checksum_sum checksum_pseudo(unsigned family, const uint8_t *source, const uint8_t *destination,
                             uint8_t protocol, uint32_t len)
{
    /* IPv4's has 16 bits of length and zero and protocol in one word: the same sum. */
    uint8_t rest[8] = {0, 0, 0, 0, 0, 0, 0, protocol};
    size_t address_bytes = family == 4 ? 4 : 16;
    checksum_sum sum;

    put_be32(rest, len);
    sum = sum_words(NULL, rest, sizeof(rest));
    sum += sum_words(NULL, source, address_bytes);
    return sum + sum_words(NULL, destination, address_bytes);
}

uint16_t checksum_update(uint16_t stored, uint16_t from, uint16_t to)
{
    /* ~(~HC + ~m + m'); the older form of RFC 1141 turns 0xffff into 0 and the other way round. */
    return checksum_finish((checksum_sum)(uint16_t)~stored + (uint16_t)~from + to);
}

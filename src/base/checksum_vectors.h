/* SPDX-License-Identifier: MIT */
/*
 * The loops of the checksum, for vectors of VECTOR_BYTES; VECTOR_TARGET lets the compiler use the instructions for them.
 * checksum.c and checksum_wide.c each include it once, and say what it is about.
 */
#ifndef BASE_CHECKSUM_VECTORS_H
#define BASE_CHECKSUM_VECTORS_H

typedef uint64_t vector __attribute__((vector_size(VECTOR_BYTES)));
typedef vector vector_bytes __attribute__((aligned(1), may_alias)); /* any bytes as a vector */

enum { STRIDE_BYTES = 4 * VECTOR_BYTES };

/* What is left behind the vectors, and headers. `to` is NULL or takes a copy; a constant after inlining. */
static inline __attribute__((always_inline)) VECTOR_TARGET checksum_sum sum_words(uint8_t *to,
                                                                                  const uint8_t *p,
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

/*
 * The sum of the high halves cannot overflow below 2^35 bytes, nor can that of the low halves, which is what is left of
 * the sum of all words modulo 2^64 without the high halves: so the loop need not separate it.
 */
static inline __attribute__((always_inline)) VECTOR_TARGET checksum_sum
sum_vectors(uint8_t *to, const uint8_t *p, size_t len)
{
    vector all = {0}, high = {0};

    for (; len >= STRIDE_BYTES; len -= STRIDE_BYTES, p += STRIDE_BYTES) {
        const vector_bytes *from = (const void *)p;
        vector a = from[0], b = from[1], c = from[2], d = from[3];

        if (to) {
            vector_bytes *copy = (void *)to;

            copy[0] = a;
            copy[1] = b;
            copy[2] = c;
            copy[3] = d;
            to += STRIDE_BYTES;
        }
        all += (a + b) + (c + d);
        high += ((a >> 32) + (b >> 32)) + ((c >> 32) + (d >> 32));
    }
    all += high - (high << 32);
    for (unsigned i = 1; i < VECTOR_BYTES / sizeof(uint64_t); i++)
        all[0] += all[i];
    return all[0] + sum_words(to, p, len);
}

#endif

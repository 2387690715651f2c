/* SPDX-License-Identifier: MIT */
/*
 * Help for the tests of wire/: exact copies of packets on the heap, so that the address sanitizer sees a read of one byte too
 * many; and a checksum written the slow and obvious way, to check the fast one.
 */
#ifndef WIRE_BYTES_H
#define WIRE_BYTES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "wire/wire.h"

/* A copy of exactly `len` bytes; free() it. */
static inline uint8_t *exactly(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);

    assert_non_null(copy);
    memcpy(copy, bytes, len);
    return copy;
}

/* RFC 1071 as one would do it by hand, over big-endian words; `sum` carries on from another piece of even length. */
static inline uint32_t slow_sum(uint32_t sum, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

static inline uint16_t slow_checksum(const uint8_t *bytes, size_t len)
{
    return (uint16_t)~slow_sum(0, bytes, len);
}

/* The values that a length field is tried with: 0, 1, around the least, around the true one, the most. */
struct lengths {
    uint32_t value[8];
};

static inline struct lengths lengths_around(uint32_t min, uint32_t real, uint32_t max)
{
    return (struct lengths){{0, 1, min - 1, min, real - 1, real, real + 1, max}};
}

#endif

/* SPDX-License-Identifier: MIT */
/* SipHash, the keyed hash of Aumasson and Bernstein: 1-3 for tables, 2-4 where an attacker sees the result. */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t k0, k1;
};

uint64_t siphash13(const struct siphash_key *key, const void *data, size_t len);
uint64_t siphash24(const struct siphash_key *key, const void *data, size_t len);

/* Reads 16 bytes, little endian on every machine. */
struct siphash_key siphash_key_from(const uint8_t bytes[16]);

#endif

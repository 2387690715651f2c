/* SPDX-License-Identifier: MIT */
/*
 * SipHash-c-d as its authors define it [Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012, section 2]:
 * c rounds for each 64-bit little-endian word, the last one filled up with the length's low byte; d rounds to end.
 */
#include "base/siphash.h"

#include "base/bytes.h"

struct siphash_state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate_left(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline uint64_t get_le64(const uint8_t *p)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return v;
#else
    uint64_t v = 0;

    for (unsigned i = 8; i-- > 0;)
        v = v << 8 | p[i];
    return v;
#endif
}

static inline __attribute__((always_inline)) void sip_rounds(struct siphash_state *s,
                                                             unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate_left(s->v1, 13) ^ s->v0;
        s->v3 = rotate_left(s->v3, 16) ^ s->v2;
        s->v0 = rotate_left(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rotate_left(s->v1, 17) ^ s->v2;
        s->v3 = rotate_left(s->v3, 21) ^ s->v0;
        s->v2 = rotate_left(s->v2, 32);
    }
}

static inline __attribute__((always_inline)) void sip_word(struct siphash_state *s, uint64_t word,
                                                           unsigned rounds)
{
    s->v3 ^= word;
    sip_rounds(s, rounds);
    s->v0 ^= word;
}

/* Inlined into its two users, so that the numbers of rounds are constants there. */
static inline __attribute__((always_inline)) uint64_t
siphash(const struct siphash_key *key, const void *data, size_t len, unsigned c, unsigned d)
{
    struct siphash_state s = {
        key->k0 ^ 0x736f6d6570736575, /* "somepseu" */
        key->k1 ^ 0x646f72616e646f6d, /* "dorandom" */
        key->k0 ^ 0x6c7967656e657261, /* "lygenera" */
        key->k1 ^ 0x7465646279746573, /* "tedbytes" */
    };
    const uint8_t *p = data;
    const uint8_t *end = p + (len & ~(size_t)7);
    uint64_t last = (uint64_t)len << 56;

    for (; p != end; p += 8)
        sip_word(&s, get_le64(p), c);
    for (unsigned i = 0; i < (len & 7); i++)
        last |= (uint64_t)p[i] << (8 * i);
    sip_word(&s, last, c);
    s.v2 ^= 0xff;
    sip_rounds(&s, d);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t siphash13(const struct siphash_key *key, const void *data, size_t len)
{
    return siphash(key, data, len, 1, 3);
}

uint64_t siphash24(const struct siphash_key *key, const void *data, size_t len)
{
    return siphash(key, data, len, 2, 4);
}

struct siphash_key siphash_key_from(const uint8_t bytes[16])
{
    struct siphash_key key = {get_le64(bytes), get_le64(bytes + 8)};

    return key;
}

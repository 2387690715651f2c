/* SPDX-License-Identifier: MIT */
/*
 * An allocator for tests that counts what is out, checks what comes back, and can refuse: the n-th call, or every call. And a
 * small random number generator with a seed.
 */
#ifndef TEST_MEMORY_H
#define TEST_MEMORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <gander/stack.h>

struct test_memory {
    uint64_t bytes, calls; /* out now; calls of alloc so far */
    uint64_t refuse_at;    /* this call is refused, counted from 1; 0: none */
    bool refuse_all;
    size_t skew; /* returns memory that is misaligned by this much */
};

static inline void *test_memory_alloc(void *context, size_t size, size_t align)
{
    struct test_memory *memory = context;
    void *p;

    if (++memory->calls == memory->refuse_at || memory->refuse_all)
        return NULL;
    if (posix_memalign(&p, align, size + align) != 0)
        return NULL;
    memset(p, 0xa5, size + memory->skew); /* nobody may count on zeros */
    memory->bytes += size;
    return (char *)p + memory->skew;
}

static inline void test_memory_free(void *context, void *p, size_t size)
{
    struct test_memory *memory = context;

    assert_true(size <= memory->bytes);
    memory->bytes -= size;
    free((char *)p - memory->skew);
}

static inline struct gander_memory test_memory_hooks(struct test_memory *memory)
{
    return (struct gander_memory){test_memory_alloc, test_memory_free, memory};
}

/* SplitMix64. */
static inline uint64_t test_random(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

#endif

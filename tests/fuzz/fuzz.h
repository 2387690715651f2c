/* SPDX-License-Identifier: MIT */
/*
 * What every fuzz target has in common. A target is a function from bytes to a run of the code; libFuzzer looks for bytes
 * that break it, and replay.c reads kept bytes from files, so that what was found once is tried in every test run.
 *
 * The bytes are a program: each target reads from them what to do next, and ends when they do. All bytes mean
 * something, and any prefix is a valid run too, so that findings shrink well.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold, in every build. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);          \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

struct input {
    const uint8_t *at;
    size_t left;
};

/* The next number; 0 once the bytes are used up. */
static inline uint8_t take8(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

static inline uint16_t take16(struct input *in)
{
    uint16_t high = (uint16_t)(take8(in) << 8);

    return (uint16_t)(high | take8(in));
}

/* A small step up or down, modulo 2^32. */
static inline uint32_t take_near8(struct input *in)
{
    int32_t step = (int8_t)take8(in);

    return (uint32_t)step;
}

static inline uint32_t take_near16(struct input *in)
{
    int32_t step = (int16_t)take16(in);

    return (uint32_t)step;
}

static inline uint32_t take32(struct input *in)
{
    uint32_t high = (uint32_t)take16(in) << 16;

    return high | take16(in);
}

/* The next bytes, up to `want`; *got tells how many there were. */
static inline const uint8_t *take_bytes(struct input *in, size_t want, size_t *got)
{
    const uint8_t *bytes = in->at;

    *got = want < in->left ? want : in->left;
    in->at += *got;
    in->left -= *got;
    return bytes;
}

#endif

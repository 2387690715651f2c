/* SPDX-License-Identifier: MIT */
/* One packet, again and again: each is dropped for one reason, and nothing of it stays. */
#ifndef TESTS_FAULTS_DROPS_H
#define TESTS_FAULTS_DROPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gander/gander.h>

/* How often: 100,000 times; under a sanitizer that makes all slow, 10,000. GANDER_DROP_LOOPS=n in the environment: n times. */
uint64_t drop_loops(void);

/*
 * Hands `len` bytes to the stack `n` times. `reason` must then have been counted exactly n times, `also` any
 * number of times, and no other. Answers are thrown away. Memory, sockets and connections are as before.
 * NULL, or what is wrong.
 */
const char *drop_repeat(struct gander_stack *stack, const uint8_t *bytes, size_t len, uint64_t n,
                        enum gander_drop reason, enum gander_drop also);

#endif

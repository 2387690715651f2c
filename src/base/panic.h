/* SPDX-License-Identifier: MIT */
/*
 * Assertions. ASSERT stays on in release builds: a broken invariant must not go on. Never for what comes from the
 * wire or the application, and never with side effects.
 */
#ifndef BASE_PANIC_H
#define BASE_PANIC_H

#define ASSERT(condition)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            __builtin_trap();                                                                      \
    } while (0)

#ifdef GANDER_DEBUG
#define DEBUG_ASSERT(condition) ASSERT(condition)
#else
#define DEBUG_ASSERT(condition) ((void)0)
#endif

#endif

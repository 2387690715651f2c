/* SPDX-License-Identifier: MIT */
/* See drops.h. */
#include "drops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/stack.h"

uint64_t drop_loops(void)
{
    const char *given = getenv("GANDER_DROP_LOOPS");

    if (given)
        return strtoull(given, NULL, 10);
#ifdef POOL_POISONS
    return 10000;
#else
    return 100000;
#endif
}

static void throw_away(struct gander_stack *stack)
{
    struct gander_packet *packet;

    while (gander_output(stack, 0, &packet, 1) == 1)
        gander_packet_free(packet);
}

static bool arrives(struct gander_stack *stack, const uint8_t *bytes, size_t len)
{
    struct gander_packet *packet = gander_packet_alloc(stack, len);

    if (!packet)
        return false;
    memcpy(packet->frag[0].data, bytes, len);
    gander_input(stack, 0, &packet, 1);
    throw_away(stack);
    return true;
}

static const char *wrong(const char *format, const char *name, uint64_t n)
{
    static char text[160];

    snprintf(text, sizeof(text), format, name, (unsigned long long)n);
    return text;
}

static const char *compare(const struct gander_stats *before, const struct gander_stats *after,
                           uint64_t n, enum gander_drop reason, enum gander_drop also)
{
    for (unsigned i = 0; i < GANDER_DROP_COUNT; i++) {
        uint64_t times = after->drops[i] - before->drops[i];

        if (i != also && times != (i == reason ? n : 0))
            return wrong("\"%s\" was counted %llu times", gander_drop_text(i), times);
    }
    if (after->memory_bytes != before->memory_bytes)
        return wrong("memory has changed%s; now %llu bytes", "", after->memory_bytes);
    if (after->sockets != before->sockets || after->tcp_connections != before->tcp_connections ||
        after->tcp_syn_received != before->tcp_syn_received ||
        after->tcp_time_wait != before->tcp_time_wait)
        return "sockets or connections have changed";
    return NULL;
}

const char *drop_repeat(struct gander_stack *stack, const uint8_t *bytes, size_t len, uint64_t n,
                        enum gander_drop reason, enum gander_drop also)
{
    struct gander_stats before, after;
    uint64_t live;

    if (!arrives(stack, bytes, len)) /* what the first one of its kind costs is not lost */
        return "no memory";
    gander_stats(stack, &before);
    live = stack->mem->live;
    for (uint64_t i = 0; i < n; i++)
        if (!arrives(stack, bytes, len))
            return "no memory";
    gander_stats(stack, &after);
    if (stack->mem->live != live)
        return "packets or blocks have changed";
    return compare(&before, &after, n, reason, also);
}

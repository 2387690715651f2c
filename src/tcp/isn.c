/* SPDX-License-Identifier: MIT */
/*
 * Numbers that nobody outside can guess: initial sequence numbers [RFC6528 3], timestamp offsets
 * [RFC7323 5.4], ephemeral ports [RFC6056 3.3.4, double hash].
 */
#include "tcp/tcp.h"

enum { PORT_FIRST = 32768, PORT_COUNT = 28232 /* to 60,999 */ };

static size_t flow_bytes(unsigned family)
{
    return offsetof(struct tcp_flow, ip) + 2 * wire_ip_address_bytes(family);
}

/* ISN = M + F(flow, secret); M ticks every 4 µs [RFC9293 3.4.1, MUST-8]. */
tcp_seq tcp_isn(const struct gander_stack *stack, unsigned family, const struct tcp_flow *flow)
{
    uint32_t m = (uint32_t)((uint64_t)stack->now / 4000);

    return m + (uint32_t)siphash24(&stack->isn_key, flow, flow_bytes(family));
}

uint32_t tcp_timestamp_offset(const struct gander_stack *stack, unsigned family,
                              const struct tcp_flow *flow)
{
    return (uint32_t)siphash24(&stack->timestamp_key, flow, flow_bytes(family));
}

/* The next connection to this peer takes the next port: among a million flows, fetch its place in the table now. */
static void next_prefetch(const struct gander_stack *stack, unsigned family,
                          const struct tcp_flow *flow, uint32_t next)
{
    struct tcp_flow ahead;

    memcpy(&ahead, flow, flow_bytes(family)); /* IPv4's ends early */
    ahead.local_port = (uint16_t)(PORT_FIRST + next % PORT_COUNT);
    if (stack->tcp.flows.directory)
        table_prefetch(&stack->tcp.flows, tcp_flow_hash(stack, family, &ahead));
}

bool tcp_port_choose(struct gander_stack *stack, unsigned family, struct tcp_flow *flow)
{
    uint64_t h;
    uint32_t start, *counter;

    flow->local_port = 0;
    h = siphash24(&stack->port_key, flow, flow_bytes(family));
    start = (uint32_t)(h >> 32);
    counter = &stack->tcp.port_counters[h % TCP_PORT_COUNTERS];
    for (uint32_t i = 0; i < PORT_COUNT; i++) {
        struct gander_address local = {.family = (uint8_t)family};

        flow->local_port = (uint16_t)(PORT_FIRST + (start + (*counter)++) % PORT_COUNT);
        if (tcp_flow_find(stack, family, tcp_flow_hash(stack, family, flow), flow))
            continue;
        local.port = flow->local_port;
        memcpy(local.ip, flow_local(flow), wire_ip_address_bytes(family));
        if (!tcp_port_taken(stack, &local, false)) {
            next_prefetch(stack, family, flow, start + *counter);
            return true;
        }
    }
    return false;
}

/* SPDX-License-Identifier: MIT */
/*
 * Flows: a connection is known by its pair of sockets [RFC9293 3.3.1]. One keyed table finds connections,
 * SYN-RECEIVED and TIME-WAIT records alike.
 */
#include "tcp/tcp.h"

enum { FLOWS_MANY = 32768 }; /* from here on the table is larger than a near cache */

_Static_assert(sizeof(struct tcp_flow) == sizeof(((struct tcp_hash_ahead *)0)->flow),
               "tcp_stack.h");

struct flow_key {
    unsigned family;
    const struct tcp_flow *flow;
};

static size_t flow_bytes(unsigned family)
{
    return offsetof(struct tcp_flow, ip) + 2 * wire_ip_address_bytes(family);
}

struct tcp_flow *tcp_entity_flow(struct tcp_entity *entity)
{
    switch ((enum tcp_kind)entity->kind) {
    case TCP_CONNECTION:
        return &((struct tcp_conn *)(void *)entity)->flow;
    case TCP_SYN_RECEIVED_RECORD:
        return &((struct tcp_syn_received *)(void *)entity)->flow;
    case TCP_TIME_WAIT_RECORD:
        break;
    }
    return &((struct tcp_time_wait *)(void *)entity)->flow;
}

void tcp_flow_of(struct tcp_flow *flow, const struct ip_arrival *ip, const struct tcp_segment *seg)
{
    size_t n = wire_ip_address_bytes(ip->ip.family);

    flow->local_port = seg->destination_port;
    flow->remote_port = seg->source_port;
    memcpy(flow->ip, ip->ip.destination, n);
    memcpy(flow->ip + n, ip->ip.source, n);
}

uint32_t tcp_flow_hash(const struct gander_stack *stack, unsigned family,
                       const struct tcp_flow *flow)
{
    return (uint32_t)siphash13(&stack->table_key, flow, flow_bytes(family));
}

static bool flow_match(const void *object, const void *key)
{
    struct tcp_entity *entity = (struct tcp_entity *)(uintptr_t)object;
    const struct flow_key *k = key;

    return entity->family == k->family &&
           memcmp(tcp_entity_flow(entity), k->flow, flow_bytes(k->family)) == 0;
}

/* --- the table, and the entity that served last ---------------------------------------------- */

bool tcp_flow_insert(struct gander_stack *stack, struct tcp_entity *entity)
{
    return table_insert(&stack->tcp.flows, entity->hash, entity);
}

void tcp_flow_remove(struct gander_stack *stack, struct tcp_entity *entity)
{
    if (stack->tcp.flow_last == entity)
        stack->tcp.flow_last = NULL;
    table_remove(&stack->tcp.flows, entity->hash, entity);
}

void tcp_flow_replace(struct gander_stack *stack, struct tcp_entity *entity,
                      struct tcp_entity *with)
{
    if (stack->tcp.flow_last == entity)
        stack->tcp.flow_last = NULL;
    table_replace(&stack->tcp.flows, entity->hash, entity, with);
}

static struct tcp_hash_ahead *ahead_at(struct gander_stack *stack, const struct tcp_flow *flow)
{
    return &stack->tcp.ahead[(flow->local_port ^ flow->remote_port) % TCP_HASHES_AHEAD];
}

static uint32_t hash_of_arrived(struct gander_stack *stack, unsigned family,
                                const struct tcp_flow *flow)
{
    const struct tcp_hash_ahead *ahead = ahead_at(stack, flow);

    if (ahead->family == family && memcmp(ahead->flow, flow, flow_bytes(family)) == 0)
        return ahead->hash;
    return tcp_flow_hash(stack, family, flow);
}

/* Segments come in trains: the last one's flow is tried first, without a hash (220 of 3,900 instructions). */
struct tcp_entity *tcp_flow_arrived(struct gander_stack *stack, unsigned family,
                                    const struct tcp_flow *flow)
{
    struct flow_key key = {family, flow};
    struct tcp_entity *last = stack->tcp.flow_last;

    if (!last || !flow_match(last, &key)) {
        last = tcp_flow_find(stack, family, hash_of_arrived(stack, family, flow), flow);
        stack->tcp.flow_last = last;
    }
    return last;
}

/* The flow of a TCP packet without options in front of TCP; false: something else. Only a guess, nothing is checked. */
static bool flow_guess(const struct gander_packet *packet, struct flow_key *key,
                       struct tcp_flow *flow)
{
    const uint8_t *p = packet->frag[0].data;
    bool v4 = packet->frag[0].len >= 24 && p[0] == 0x45 && p[9] == IP_PROTOCOL_TCP;
    bool v6 = packet->frag[0].len >= 44 && p[0] >> 4 == 6 && p[6] == IP_PROTOCOL_TCP;
    size_t n = v4 ? 4 : 16;
    const uint8_t *source = p + (v4 ? 12 : 8), *ports = source + 2 * n;

    if (!v4 && !v6)
        return false;
    key->family = v4 ? GANDER_IPV4 : GANDER_IPV6;
    key->flow = flow;
    flow->remote_port = get_be16(ports);
    flow->local_port = get_be16(ports + 2);
    memcpy(flow->ip, source + n, n);
    memcpy(flow->ip + n, source, n);
    return true;
}

void tcp_flow_prefetch(struct gander_stack *stack, const struct gander_packet *packet)
{
    struct tcp_hash_ahead *ahead;
    struct flow_key key;
    struct tcp_flow flow;

    if (stack->tcp.flows.count < FLOWS_MANY || !flow_guess(packet, &key, &flow))
        return;
    if (stack->tcp.flow_last && flow_match(stack->tcp.flow_last, &key))
        return;
    ahead = ahead_at(stack, &flow);
    ahead->family = (uint8_t)key.family;
    memcpy(ahead->flow, &flow, flow_bytes(key.family));
    ahead->hash = tcp_flow_hash(stack, key.family, &flow);
    table_prefetch(&stack->tcp.flows, ahead->hash);
}

struct tcp_entity *tcp_flow_find(const struct gander_stack *stack, unsigned family, uint32_t hash,
                                 const struct tcp_flow *flow)
{
    struct flow_key key = {family, flow};

    return table_find(&stack->tcp.flows, hash, flow_match, &key);
}

void tcp_trace_flow(struct tcp_entity *entity, uint64_t id, struct trace_flow *out)
{
    struct tcp_flow *flow = tcp_entity_flow(entity);

    *out = (struct trace_flow){.id = id,
                               .family = entity->family,
                               .local_ip = flow_local(flow),
                               .remote_ip = flow_remote(flow, entity->family),
                               .local_port = flow->local_port,
                               .remote_port = flow->remote_port};
}

/* Compact records keep the low half of their id: the latest id with that half is theirs. */
uint64_t tcp_full_id(const struct gander_stack *stack, uint32_t low)
{
    uint64_t id = (stack->next_id & ~(uint64_t)UINT32_MAX) | low;

    return id < stack->next_id ? id : id - ((uint64_t)1 << 32);
}

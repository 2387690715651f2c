/* SPDX-License-Identifier: MIT */
/*
 * ICMP errors about segments of ours [RFC9293 3.9.2.2, RFC5927]: believed only when they quote a number that is in flight;
 * hard errors count as soft once the connection is synchronised; a smaller path MTU is taken within bounds [RFC1191, RFC8201].
 */
#include "tcp/tcp.h"

enum {
    MTU_FLOOR_IPV4 = 552,
    MTU_FLOOR_IPV6 = 1280,
    MTU_GUESS = 576 /* an old router tells no MTU */
};

static struct tcp_conn *conn_quoted(const struct gander_stack *stack,
                                    const struct icmp_quote *quote)
{
    uint32_t n = wire_ip_address_bytes(quote->family);
    struct tcp_flow flow = {.local_port = quote->source_port,
                            .remote_port = quote->destination_port};
    struct tcp_entity *entity;

    memcpy(flow.ip, quote->source, n);
    memcpy(flow.ip + n, quote->destination, n);
    entity = tcp_flow_find(stack, quote->family, tcp_flow_hash(stack, quote->family, &flow), &flow);
    return entity && entity->kind == TCP_CONNECTION ? (void *)entity : NULL;
}

static int error_of(enum icmp_kind kind)
{
    switch (kind) {
    case ICMP_UNREACHABLE_PORT:
        return GANDER_ECONNREFUSED;
    case ICMP_UNREACHABLE_PROTOCOL:
        return GANDER_ENOPROTOOPT;
    case ICMP_UNREACHABLE_NETWORK:
        return GANDER_ENETUNREACH;
    default:
        return GANDER_EHOSTUNREACH;
    }
}

/* The path carries less than we thought: what is too long counts as lost, without a penalty of its own. */
static void path_mtu(struct gander_stack *stack, struct tcp_conn *c,
                     const struct icmp_header *error, const struct icmp_quote *quote)
{
    uint32_t floor = c->entity.family == GANDER_IPV4 ? MTU_FLOOR_IPV4 : MTU_FLOOR_IPV6;
    uint32_t mtu = max_u32(error->mtu ? error->mtu : MTU_GUESS, floor);
    struct rtxq *q = &c->busy->rtxq;

    if (mtu >= c->mtu || quote->total_bytes <= mtu)
        return;
    tcp_conn_shrink_mtu(c, (uint16_t)mtu);
    for (uint32_t number = q->count ? q->first : RTXQ_NONE; number != RTXQ_NONE;
         number = rtxq_after(q, number)) {
        const struct tcp_record *r = rtxq_at(q, number);

        if (r->len > c->mss && !(r->flags & RECORD_SACKED))
            tcp_mark_lost(stack, c, number, GANDER_WHY_retransmit_fast);
    }
    c->busy->force_one = true;
    tcp_output_wanted(stack, c);
}

static void unreachable(struct gander_stack *stack, struct tcp_conn *c, enum icmp_kind kind)
{
    /* a parameter problem of ICMPv6 is soft, also where ICMP says protocol unreachable */
    bool hard = kind == ICMP_UNREACHABLE_PORT ||
                (kind == ICMP_UNREACHABLE_PROTOCOL && c->entity.family == GANDER_IPV4);
    int error = error_of(kind);

    if (hard && c->entity.state == GANDER_TCP_SYN_SENT) { /* SHLD-26; RFC 5927 5.2 for the others */
        tcp_conn_end(stack, c, GANDER_CAUSE_icmp, error);
        return;
    }
    c->soft_error = (uint8_t)-error; /* MUST-56: no abort; told, and again if it times out */
    sock_event(stack, &c->sock, GANDER_EVENT_ERROR, error);
}

void tcp_icmp_error(struct gander_stack *stack, const struct icmp_header *error,
                    const struct icmp_quote *quote)
{
    struct tcp_conn *c = conn_quoted(stack, quote);
    struct trace_flow flow;

    if (!c) {
        drop_packet(stack, NULL, GANDER_DROP_icmp_no_socket, NULL);
        return;
    }
    tcp_trace_flow(&c->entity, c->id, &flow);
    if (!c->busy || !seq_between(c->snd.una, quote->seq, c->snd.nxt)) { /* RFC 5927 4.1 */
        drop_packet(stack, NULL, GANDER_DROP_icmp_sequence, &flow);
        return;
    }
    if (error->kind == ICMP_PACKET_TOO_BIG)
        path_mtu(stack, c, error, quote);
    else
        unreachable(stack, c, error->kind);
}

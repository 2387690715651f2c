/* SPDX-License-Identifier: MIT */
/*
 * ICMP errors about segments of ours [RFC9293 3.9.2.2, RFC5927]: believed only when they quote a number that is in flight;
 * hard errors count as soft once the connection is synchronised; a smaller path MTU is for pmtu.c.
 */
#include "tcp/tcp.h"

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
        tcp_pmtu_too_big(stack, c, error, quote);
    else
        unreachable(stack, c, error->kind);
}

/* SPDX-License-Identifier: MIT */
/* TCP's part of a stack: made, and ended with everything in it. */
#include "tcp/tcp.h"

#define FLOW_SIZED(type, bytes) (offsetof(type, flow) + offsetof(struct tcp_flow, ip) + (bytes))

void tcp_stack_init(struct gander_stack *stack)
{
    struct tcp_stack *tcp = &stack->tcp;
    const struct gander_config *config = &stack->config;
    struct mem *mem = stack->mem;

    pool_init(&tcp->conn4, mem, FLOW_SIZED(struct tcp_conn, 8));
    pool_init(&tcp->conn6, mem, FLOW_SIZED(struct tcp_conn, 32));
    pool_init(&tcp->busy, mem, sizeof(struct tcp_busy));
    pool_init(&tcp->syn4, mem, FLOW_SIZED(struct tcp_syn_received, 8));
    pool_init(&tcp->syn6, mem, FLOW_SIZED(struct tcp_syn_received, 32));
    pool_init(&tcp->wait4, mem, FLOW_SIZED(struct tcp_time_wait, 8));
    pool_init(&tcp->wait6, mem, FLOW_SIZED(struct tcp_time_wait, 32));
    pool_init(&tcp->listeners, mem, sizeof(struct tcp_listener));
    pool_init(&tcp->knobs, mem, sizeof(struct tcp_knobs));
    pool_init(&tcp->cc_memory, mem, tcp_cc_memory_bytes());
    table_init(&tcp->flows, mem);
    table_init(&tcp->ports, mem);
    timer_init(&tcp->wait_timer);
    tcp->cc_default = tcp_cc_by_name(config->tcp_congestion_control);
    tcp->knobs_default = (struct tcp_knobs){
        .keepalive_idle_ns = config->tcp_keepalive_idle_ns,
        .keepalive_interval_ns = config->tcp_keepalive_interval_ns,
        .keepalive_probes = config->tcp_keepalive_probes,
        .user_timeout_ns = config->tcp_user_timeout_ns,
        .linger_ns = -1,
        .rto_initial_ns = config->tcp_rto_initial_ns,
        .rto_min_ns = config->tcp_rto_min_ns,
        .rto_max_ns = config->tcp_rto_max_ns,
        .delayed_ack_ns = config->tcp_delayed_ack_ns,
        .fin_wait2_ns = config->tcp_fin_wait2_ns,
        .notsent_lowat_bytes = config->tcp_notsent_lowat_bytes,
        .initial_window_segs = (uint16_t)config->tcp_initial_window_segs,
        .syn_retries = (uint8_t)config->tcp_syn_retries,
        .synack_retries = (uint8_t)config->tcp_synack_retries,
        .retries_r2 = (uint8_t)config->tcp_retries_r2,
        .quickack_segs = (uint8_t)config->tcp_quickack_segs,
        .timestamps = config->tcp_timestamps,
        .window_scaling = config->tcp_window_scaling,
        .sack = config->tcp_sack,
        .slow_start_after_idle = config->tcp_slow_start_after_idle,
        .nagle_relaxed = config->tcp_nagle_relaxed,
        .pacing = config->tcp_pacing,
        .ttl = 64,
        .ecn = (uint8_t)config->tcp_ecn,
        .uto_enabled = config->tcp_user_timeout_option,
        .uto_fixed = config->tcp_user_timeout_ns > 0,
        .uto_due = 1,
    };
}

/* Frees what stands in the table of flows, which goes as a whole after that. */
static void flow_end(void *object, void *context)
{
    struct gander_stack *stack = context;
    struct tcp_entity *entity = object;

    if (entity->kind == TCP_CONNECTION) {
        struct tcp_conn *c = object;

        c->flags &= ~(uint32_t)TCP_IN_TABLE;
        tcp_conn_free(stack, c);
    } else {
        if (entity->kind == TCP_SYN_RECEIVED_RECORD)
            wheel_cancel(&stack->wheel, &((struct tcp_syn_received *)object)->timer);
        pool_put(object);
    }
}

/* Sockets that are not in the table: listeners, and connections before and after their life. */
static void sockets_end(struct gander_stack *stack)
{
    for (uint32_t i = 0; i < stack->sockets.pages_used * SOCK_PAGE_SLOTS; i++) {
        struct sock *sock = stack->sockets.pages[i / SOCK_PAGE_SLOTS][i % SOCK_PAGE_SLOTS].sock;

        if (sock && sock->kind == SOCK_TCP_LISTENER) {
            struct tcp_listener *l = tcp_listener_of(sock);

            l->records = NULL; /* freed with the flows */
            while (l->accept_first) {
                struct tcp_conn *c = l->accept_first;

                l->accept_first = c->accept_next;
                tcp_conn_free(stack, c);
            }
            tcp_listener_close(stack, l);
        } else if (sock && sock->kind == SOCK_TCP_CONN) {
            tcp_conn_free(stack, tcp_conn_of(sock));
        }
    }
}

void tcp_stack_finish(struct gander_stack *stack)
{
    struct tcp_stack *tcp = &stack->tcp;
    struct pool *pools[] = {&tcp->conn4, &tcp->conn6,    &tcp->busy,  &tcp->syn4,
                            &tcp->syn6,  &tcp->wait4,    &tcp->wait6, &tcp->listeners,
                            &tcp->knobs, &tcp->cc_memory};

    sockets_end(stack);
    tcp_fastopen_finish(stack);
    table_each(&tcp->flows, flow_end, stack);
    table_finish(&tcp->flows);
    table_finish(&tcp->ports);
    for (unsigned i = 0; i < ARRAY_LEN(pools); i++)
        pool_finish(pools[i]);
}

/* SPDX-License-Identifier: MIT */
/*
 * Numbers: the retransmission time-out against RFC 6298 2, step by step; the last free ephemeral port of 28,232 [RFC6056 3.3.4],
 * and none.
 */
#include "test_memory.h"

#include "tcp/tcp.h"

static struct test_memory memory;
static struct gander_stack *stack;

static void begin(void)
{
    struct gander_config config;

    memset(&memory, 0, sizeof(memory));
    gander_config_init(&config);
    config.memory = test_memory_hooks(&memory);
    assert_int_equal(gander_stack_create(&config, &stack), 0);
}

static void end(void)
{
    gander_stack_destroy(stack);
    assert_int_equal(memory.bytes, 0);
}

/* --- RFC 6298 ---------------------------------------------------------------------------------------- */

static gander_time bounded(gander_time rto)
{
    const struct gander_config *config = &stack->config;

    rto = rto < config->tcp_rto_min_ns ? config->tcp_rto_min_ns : rto;
    return rto > config->tcp_rto_max_ns ? config->tcp_rto_max_ns : rto;
}

static void time_out_follows_the_samples(void **state)
{
    static const gander_time samples[] = {0,
                                          1,
                                          2,
                                          5 * GANDER_MS,
                                          5 * GANDER_MS,
                                          7 * GANDER_MS,
                                          1000,
                                          0,
                                          0,
                                          0,
                                          80 * GANDER_MS,
                                          80 * GANDER_MS,
                                          81 * GANDER_MS,
                                          3 * GANDER_S,
                                          20 * GANDER_S,
                                          90 * GANDER_S,
                                          1,
                                          1,
                                          2 * GANDER_S};
    struct tcp_conn *c;
    struct sock *sock;

    (void)state;
    for (unsigned first = 0; first < ARRAY_LEN(samples); first++) {
        gander_time srtt = 0, rttvar = 0;

        begin();
        assert_int_equal(tcp_user_open(stack, &sock), 0);
        c = tcp_conn_of(sock);
        assert_true(tcp_busy_need(stack, c));
        assert_int_equal(tcp_rto(stack, c), stack->config.tcp_rto_initial_ns); /* (2.1) */
        for (unsigned i = first; i < ARRAY_LEN(samples); i++) {
            gander_time r = samples[i] ? samples[i] : 1, rto;

            c->busy->backoff = 3;
            tcp_rtt_sample(stack, c, samples[i]);
            if (i == first) { /* (2.2) */
                srtt = r;
                rttvar = r / 2;
            } else { /* (2.3): RTTVAR first, with the old SRTT */
                gander_time off = srtt > r ? srtt - r : r - srtt;

                rttvar += (off - rttvar) / 4;
                srtt += (r - srtt) / 8;
                srtt = srtt < 1 ? 1 : srtt; /* 0 means that there is none */
            }
            assert_int_equal(c->srtt_ns, srtt);
            assert_int_equal(c->rttvar_ns, rttvar);
            rto = srtt + (4 * rttvar > 50 * GANDER_MS ? 4 * rttvar : 50 * GANDER_MS);
            assert_int_equal(c->busy->backoff, 0); /* a sample ends the doubling [5] */
            for (unsigned doublings = 0; doublings < 8; doublings++) {
                c->busy->backoff = (uint8_t)doublings;
                assert_int_equal(tcp_rto(stack, c), bounded(bounded(rto) << doublings)); /* (5.5) */
            }
        }
        end();
    }
}

/* --- RFC 6056 ---------------------------------------------------------------------------------------- */

enum { PORT_FIRST = 32768, PORT_LAST = 60999 };

static void flow_to(struct tcp_flow *flow, uint16_t local_port)
{
    memset(flow, 0, sizeof(*flow));
    memcpy(flow->ip, (const uint8_t[]){192, 0, 2, 1, 192, 0, 2, 2}, 8);
    flow->remote_port = 80;
    flow->local_port = local_port;
}

static void the_last_free_port_is_found(void **state)
{
    static const uint16_t left[] = {PORT_FIRST, PORT_FIRST + 1, 47000, PORT_LAST};
    struct tcp_time_wait *records = calloc(PORT_LAST - PORT_FIRST + 1, sizeof(*records));
    struct tcp_flow flow;

    (void)state;
    begin();
    for (unsigned port = PORT_FIRST; port <= PORT_LAST; port++) {
        struct tcp_time_wait *w = &records[port - PORT_FIRST];

        flow_to(&w->flow, (uint16_t)port);
        w->entity = (struct tcp_entity){.kind = TCP_TIME_WAIT_RECORD, .family = GANDER_IPV4};
        w->entity.hash = tcp_flow_hash(stack, GANDER_IPV4, &w->flow);
        assert_true(tcp_flow_insert(stack, &w->entity));
    }
    flow_to(&flow, 0);
    assert_false(tcp_port_choose(stack, GANDER_IPV4, &flow));
    for (unsigned i = 0; i < ARRAY_LEN(left); i++)
        for (unsigned again = 0; again < 3; again++) {
            struct tcp_time_wait *w = &records[left[i] - PORT_FIRST];

            tcp_flow_remove(stack, &w->entity);
            flow_to(&flow, 0);
            assert_true(tcp_port_choose(stack, GANDER_IPV4, &flow));
            assert_int_equal(flow.local_port, left[i]);
            assert_true(tcp_flow_insert(stack, &w->entity));
        }
    for (unsigned port = PORT_FIRST; port <= PORT_LAST; port++)
        tcp_flow_remove(stack, &records[port - PORT_FIRST].entity);
    free(records);
    end();
}

/* A port that a socket is bound to is not chosen; on another address it may be. */
static void bound_ports_are_left_alone(void **state)
{
    struct gander_address own = {.family = GANDER_IPV4, .ip = {192, 0, 2, 1}};
    struct gander_address other = {.family = GANDER_IPV4, .ip = {192, 0, 2, 3}};
    bool seen[2] = {false, false};
    unsigned link;

    (void)state;
    begin();
    assert_int_equal(gander_link_add(stack, &(struct gander_link_config){.mtu_bytes = 1500}, &link),
                     0);
    assert_int_equal(gander_address_add(stack, 0, &own, 24), 0);
    assert_int_equal(gander_address_add(stack, 0, &other, 24), 0);
    for (unsigned i = 0; i < 2; i++) {
        gander_socket socket;

        own.port = other.port = (uint16_t)(40000 + i);
        assert_int_equal(gander_open(stack, GANDER_TCP, &socket), 0);
        assert_int_equal(gander_bind(stack, socket, i ? &other : &own), 0);
    }
    for (unsigned i = 0; i <= PORT_LAST - PORT_FIRST; i++) { /* once round all of them */
        struct tcp_flow flow;

        flow_to(&flow, 0);
        assert_true(tcp_port_choose(stack, GANDER_IPV4, &flow));
        assert_in_range(flow.local_port, PORT_FIRST, PORT_LAST);
        if (flow.local_port == 40000 || flow.local_port == 40001)
            seen[flow.local_port - 40000] = true;
    }
    assert_true(!seen[0] && seen[1]);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_out_follows_the_samples),
        cmocka_unit_test(the_last_free_port_is_found),
        cmocka_unit_test(bound_ports_are_left_alone),
    };

    return cmocka_run_group_tests_name("tcp/numbers", tests, NULL, NULL);
}

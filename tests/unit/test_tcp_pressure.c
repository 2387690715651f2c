/* SPDX-License-Identifier: MIT */
/*
 * Who goes when memory is short, against a naive model: of all that hold 8 KiB or more, in each class of equal powers of two the one without progress
 * for longest; of these the largest product of bytes and time. And when: stuck for 10 s, or memory critical.
 */
#include "test_memory.h"

#include "tcp/tcp.h"

enum { CONNS = 24, BUDGET = 8 << 20 };

static struct test_memory memory;
static struct gander_stack *stack;
static struct tcp_conn *conns[CONNS];

static void begin(void)
{
    struct gander_config config;
    unsigned link;

    memset(&memory, 0, sizeof(memory));
    gander_config_init(&config);
    config.memory = test_memory_hooks(&memory);
    config.memory_max_bytes = BUDGET;
    config.start = 1000 * GANDER_S;
    assert_int_equal(gander_stack_create(&config, &stack), 0);
    assert_int_equal(gander_link_add(stack, &(struct gander_link_config){.mtu_bytes = 1500}, &link),
                     0);
    for (unsigned i = 0; i < CONNS; i++) {
        struct sock *sock;

        assert_int_equal(tcp_user_open(stack, &sock), 0);
        conns[i] = tcp_conn_of(sock);
        assert_true(tcp_busy_need(stack, conns[i]));
    }
}

static void end(void)
{
    gander_stack_destroy(stack);
    assert_int_equal(memory.bytes, 0);
}

static void hold(unsigned i, uint32_t bytes, bool progress)
{
    conns[i]->busy->reasm.held_bytes = bytes; /* nobody looks at more than the number */
    tcp_holder_update(stack, conns[i], progress);
}

static unsigned class_of(uint32_t bytes)
{
    unsigned class_ = 0;

    while (bytes >= 8192u << class_)
        class_++;
    return class_;
}

/* By the words at the top of pressure.c; CONNS: nobody. */
static unsigned worst(const uint32_t *bytes, const gander_time *progress)
{
    unsigned worst_of_all = CONNS;
    uint64_t most = 0;

    for (unsigned i = 0; i < CONNS; i++) {
        bool longest = class_of(bytes[i]) > 0;
        uint64_t score;

        for (unsigned k = 0; k < CONNS; k++)
            if (class_of(bytes[k]) == class_of(bytes[i]) && progress[k] < progress[i])
                longest = false;
        score = (uint64_t)bytes[i] * (uint64_t)((stack->now - progress[i]) / GANDER_MS + 1);
        if (longest && score > most) {
            most = score;
            worst_of_all = i;
        }
    }
    return worst_of_all;
}

static void forget_numbers(void)
{
    for (unsigned i = 0; i < CONNS; i++)
        if (conns[i]->busy)
            conns[i]->busy->reasm.held_bytes = 0;
}

/* All progress at different times; nobody has an owner in doubt. */
static void the_worst_of_many(void **state)
{
    uint64_t seed = 7;

    (void)state;
    for (unsigned round = 0; round < 40; round++) {
        uint32_t bytes[CONNS];
        gander_time progress[CONNS];
        unsigned want;
        uint64_t held;

        begin();
        for (unsigned i = 0; i < CONNS; i++) {
            stack->now += (gander_time)(1 + test_random(&seed) % 3000) * GANDER_MS;
            bytes[i] = (uint32_t)(test_random(&seed) % (16u << (test_random(&seed) % 16)));
            progress[i] = stack->now;
            hold(i, bytes[i] / 2, false);
            hold(i, bytes[i], true);
            if (i > 3 &&
                i % 3 == 0) { /* somebody moves on: to another class, or to the end of the same */
                bytes[i - 3] = bytes[i - 3] * (1 + i % 2);
                progress[i - 3] = stack->now + 1;
                stack->now++;
                hold(i - 3, bytes[i - 3], true);
            }
        }
        stack->now += 11 * GANDER_S;
        want = worst(bytes, progress);
        held = stack->stats.tcp_evictions;
        for (unsigned i = 0; i < CONNS; i++)
            conns[i]->entity.state = GANDER_TCP_ESTABLISHED;
        stack->tcp.connections = CONNS;
        tcp_pressure_relieve(stack);
        assert_int_equal(stack->stats.tcp_evictions, held + (want < CONNS));
        for (unsigned i = 0; i < CONNS; i++)
            assert_int_equal(conns[i]->entity.state,
                             i == want ? GANDER_TCP_CLOSED : GANDER_TCP_ESTABLISHED);
        if (want < CONNS)
            assert_int_equal(conns[want]->sock.error, GANDER_ECONNABORTED);
        forget_numbers();
        for (unsigned i = 0; i < CONNS; i++)
            conns[i]->entity.state = GANDER_TCP_CLOSED;
        end();
    }
}

/* Below seven eighths of the budget only who is stuck for 10 s; above, anybody. */
static void who_moves_is_spared(void **state)
{
    uint64_t more;

    (void)state;
    begin();
    conns[0]->entity.state = GANDER_TCP_ESTABLISHED;
    hold(0, 8191, true); /* too little to be in a list at all */
    assert_int_equal(conns[0]->busy->holder_class, 0);
    hold(0, 8192, true);
    assert_int_equal(conns[0]->busy->holder_class, 1);
    hold(0, 16383, false);
    assert_int_equal(conns[0]->busy->holder_class, 1);
    hold(0, 1u << 30, false);
    assert_int_equal(conns[0]->busy->holder_class, 18);
    stack->now += 10 * GANDER_S - 1;
    tcp_pressure_relieve(stack);
    assert_int_equal(stack->stats.tcp_evictions, 0);
    more = BUDGET - BUDGET / 8 - stack->mem->held_bytes; /* held elsewhere */
    stack->mem->held_bytes += more;
    tcp_pressure_relieve(stack);
    assert_int_equal(stack->stats.tcp_evictions, 0);
    stack->mem->held_bytes++;
    tcp_pressure_relieve(stack);
    stack->mem->held_bytes -= more + 1;
    assert_int_equal(stack->stats.tcp_evictions, 1);
    assert_int_equal(conns[0]->entity.state, GANDER_TCP_CLOSED);
    tcp_pressure_relieve(stack); /* nobody is left */
    assert_int_equal(stack->stats.tcp_evictions, 1);
    end();
}

static void stuck_for_long_goes_early(void **state)
{
    (void)state;
    begin();
    conns[0]->entity.state = GANDER_TCP_ESTABLISHED;
    hold(0, 8192, true);
    stack->now += 10 * GANDER_S;
    hold(0, 9000, false); /* more bytes are no progress */
    tcp_pressure_relieve(stack);
    assert_int_equal(stack->stats.tcp_evictions, 1);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worst_of_many),
        cmocka_unit_test(who_moves_is_spared),
        cmocka_unit_test(stuck_for_long_goes_early),
    };

    return cmocka_run_group_tests_name("tcp/pressure", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * What the calls of a stack refuse: every field of a configuration out of its range, links and packets that cannot be; every error
 * has words. And the table of who may bind what beside whom: any address, one family, one address (RFC 9293 MUST-42),
 * with and without V6_ONLY.
 */
#include "rfc/packets.h"

static struct net *net_of(void **state)
{
    return *state;
}

/* What gander_stack_create() says to a configuration with one field changed. */
static int created(struct gander_config *config)
{
    struct gander_stack *stack = NULL;
    int error = gander_stack_create(config, &stack);

    if (error == GANDER_OK)
        gander_stack_destroy(stack);
    return error;
}

#define REFUSED(field, wrong)                                                                      \
    do {                                                                                           \
        struct gander_config changed = net->config;                                                \
        changed.field = wrong;                                                                     \
        assert_int_equal(created(&changed), GANDER_EINVAL);                                        \
    } while (0)

static void times_out_of_range_are_refused(void **state)
{
    const struct net *net = net_of(state);

    REFUSED(start, -1);
    REFUSED(tcp_rto_initial_ns, 0);
    REFUSED(tcp_rto_min_ns, 0);
    REFUSED(tcp_rto_max_ns, net->config.tcp_rto_min_ns - 1);
    REFUSED(tcp_rto_max_ns, 3601 * GANDER_S);
    REFUSED(tcp_delayed_ack_ns, -1);
    REFUSED(tcp_delayed_ack_ns, 500 * GANDER_MS);
    REFUSED(tcp_msl_ns, -1);
    REFUSED(tcp_msl_ns, 3601 * GANDER_S);
    REFUSED(tcp_fin_wait2_ns, 0);
    REFUSED(tcp_keepalive_idle_ns, 0);
    REFUSED(tcp_keepalive_interval_ns, 0);
    REFUSED(tcp_user_timeout_ns, -1);
    REFUSED(tcp_rto_variance_min_ns, -1);
    REFUSED(tcp_rto_variance_min_ns, 3601 * GANDER_S);
    REFUSED(tcp_challenge_ns, -1);
}

static void sizes_out_of_range_are_refused(void **state)
{
    const struct net *net = net_of(state);

    REFUSED(size, sizeof(struct gander_config) - 1);
    REFUSED(memory.alloc, NULL);
    REFUSED(memory.free, NULL);
    REFUSED(memory_max_bytes, 1000);
    REFUSED(tcp_send_buffer_bytes, 2047);
    REFUSED(tcp_send_buffer_bytes, (1u << 30) + 1);
    REFUSED(tcp_receive_buffer_bytes, 2047);
    REFUSED(tcp_receive_buffer_bytes, (1u << 30) + 1);
    REFUSED(tcp_send_buffer_max_bytes, (1u << 30) + 1);
    REFUSED(tcp_receive_buffer_max_bytes, (1u << 30) + 1);
    REFUSED(tcp_initial_window_segs, 0);
    REFUSED(tcp_initial_window_segs, 1001);
    REFUSED(tcp_keepalive_probes, 0);
    REFUSED(tcp_keepalive_probes, 128);
    REFUSED(tcp_syn_retries, 31);
    REFUSED(tcp_synack_retries, 31);
    REFUSED(tcp_retries_r2, 201);
    REFUSED(tcp_quickack_segs, 256);
    REFUSED(tcp_notsent_lowat_bytes, (1u << 30) + 1);
    REFUSED(tcp_reordering, 0);
    REFUSED(tcp_reordering, 301);
    REFUSED(tcp_ecn, (enum gander_ecn)100);
    REFUSED(tcp_congestion_control, NULL);
    REFUSED(tcp_congestion_control, "no-such-thing");
    assert_int_equal(gander_stack_create(NULL, &(struct gander_stack *){NULL}), GANDER_EINVAL);
}

static void *no_memory(void *context, size_t bytes, size_t alignment)
{
    (void)context;
    (void)alignment;
    (void)bytes;
    return NULL;
}

static void no_memory_is_said(void **state)
{
    const struct net *net = net_of(state);
    struct gander_config config = net->config;

    config.memory.alloc = no_memory;
    assert_int_equal(created(&config), GANDER_ENOMEM);
}

static void links_and_packets_that_cannot_be(void **state)
{
    const struct net *net = net_of(state);
    struct gander_packet *packets[2], *out;

    assert_null(gander_packet_alloc(net->stack, 0));
    assert_null(gander_packet_alloc(net->stack, 70000));
    for (unsigned i = 0; i < 2; i++) {
        packets[i] = gander_packet_alloc(net->stack, 40);
        assert_non_null(packets[i]);
    }
    gander_input(net->stack, net->link + 1, packets, 2); /* taken, and gone */
    assert_int_equal(gander_output(net->stack, net->link + 1, &out, 1), 0);
    assert_false(gander_output_pending(net->stack, net->link + 1));
    assert_false(gander_output_pending(net->stack, net->link));
}

static void every_error_has_words(void **state)
{
    const int errors[] = {
#define NUMBER(name, value, text) value,
        GANDER_ERRORS(NUMBER)
#undef NUMBER
    };
    const size_t n = sizeof(errors) / sizeof(errors[0]);

    (void)state;
    assert_string_equal(gander_strerror(GANDER_OK), "success");
    assert_string_equal(gander_strerror(1), "unknown error");
    for (size_t i = 0; i < n; i++) {
        assert_string_not_equal(gander_strerror(errors[i]), "unknown error");
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(gander_strerror(errors[i]), gander_strerror(errors[j]));
    }
}

/* Two sockets of a kind that want the same port. */
static const struct {
    const char *first, *second;
    bool first_v6_only, second_v6_only, collide;
} pairs[] = {
    {"[::]:700", "[::]:700", false, false, true},
    {"[::]:700", "[::]:700", true, true, true},
    {"[::]:700", "0.0.0.0:700", false, false, true},
    {"[::]:700", "0.0.0.0:700", true, false, false},
    {"0.0.0.0:700", "[::]:700", false, false, true},
    {"0.0.0.0:700", "[::]:700", false, true, false},
    {"0.0.0.0:700", "0.0.0.0:700", false, false, true},
    {"[::]:700", "192.0.2.1:700", false, false, true},
    {"[::]:700", "192.0.2.1:700", true, false, false},
    {"192.0.2.1:700", "[::]:700", false, false, true},
    {"192.0.2.1:700", "[::]:700", false, true, false},
    {"192.0.2.1:700", "192.0.2.1:700", false, false, true},
    {"192.0.2.1:700", "0.0.0.0:700", false, false, true},
    {"192.0.2.1:700", "198.51.100.1:700", false, false, false},
    {"192.0.2.1:700", "[2001:db8::1]:700", false, false, false},
    {"[2001:db8::1]:700", "192.0.2.1:700", false, false, false},
    {"[2001:db8::1]:700", "[2001:db8::1]:700", false, false, true},
    {"[2001:db8::1]:700", "[::]:700", false, false, true},
    {"[2001:db8::1]:700", "0.0.0.0:700", false, false, false},
    {"[2001:db8::1]:700", "[2001:db8::9]:700", false, false, false},
    {"[::]:700", "[::]:701", false, false, false},
};

static gander_socket opened(struct net *net, enum gander_type type, bool v6_only)
{
    gander_socket socket;

    assert_int_equal(gander_open(net->stack, type, &socket), GANDER_OK);
    assert_int_equal(gander_set_option(net->stack, socket, GANDER_OPTION_V6_ONLY, v6_only),
                     GANDER_OK);
    return socket;
}

static void own(struct net *net, const char *text, unsigned bits)
{
    const struct gander_address more = address(text);

    assert_int_equal(gander_address_add(net->stack, net->link, &more, bits), GANDER_OK);
}

static void two_may_not_have_one_port(void **state)
{
    struct net *net = net_of(state);
    const enum gander_type types[] = {GANDER_TCP, GANDER_UDP};

    own(net, "198.51.100.1", 24);
    own(net, "2001:db8::1", 64);
    own(net, "2001:db8::9", 64);
    for (size_t t = 0; t < 2; t++) {
        for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
            struct gander_address first = address(pairs[i].first),
                                  second = address(pairs[i].second);
            gander_socket a = opened(net, types[t], pairs[i].first_v6_only);
            gander_socket b = opened(net, types[t], pairs[i].second_v6_only);

            assert_int_equal(gander_bind(net->stack, a, &first), GANDER_OK);
            assert_int_equal(gander_bind(net->stack, b, &second),
                             pairs[i].collide ? GANDER_EADDRINUSE : GANDER_OK);
            assert_int_equal(gander_close(net->stack, a), GANDER_OK);
            assert_int_equal(gander_close(net->stack, b), GANDER_OK);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PACKET_TEST_IP4(times_out_of_range_are_refused),
        PACKET_TEST_IP4(sizes_out_of_range_are_refused),
        PACKET_TEST_IP4(no_memory_is_said),
        PACKET_TEST_IP4(links_and_packets_that_cannot_be),
        PACKET_TEST_IP4(every_error_has_words),
        PACKET_TEST_IP4(two_may_not_have_one_port),
    };

    return cmocka_run_group_tests_name("arguments", tests, NULL, NULL);
}

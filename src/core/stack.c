/* SPDX-License-Identifier: MIT */
/* A stack's life, its clock, and the two ways of packets: the four calls that drive everything. */
#include "core/stack.h"

#include "base/checksum.h"
#include "ip/ip.h"
#include "tcp/tcp.h"
#include "udp/udp.h"

enum {
    TIMERS_A_CALL = 1024, /* gander_advance() returns after so many; the deadline says "now" then */
    PREFETCH_AHEAD = 8,   /* packets of a burst: their headers, */
    PREFETCH_FLOW = 4,    /* and their flows' places in the table */
    MEMORY_MIN_BYTES = 512 << 10
};

void gander_config_init(struct gander_config *config)
{
    *config = (struct gander_config){
        .size = sizeof(*config),
        .memory_max_bytes = 64 << 20,
        .tcp_rto_initial_ns = GANDER_S,
        .tcp_rto_min_ns = 200 * GANDER_MS,
        .tcp_rto_max_ns = 60 * GANDER_S,
        .tcp_delayed_ack_ns = 40 * GANDER_MS,
        .tcp_msl_ns = 30 * GANDER_S,
        .tcp_fin_wait2_ns = 60 * GANDER_S,
        .tcp_keepalive_idle_ns = 7200 * GANDER_S,
        .tcp_keepalive_interval_ns = 75 * GANDER_S,
        .tcp_challenge_ns = 5 * GANDER_MS,
        .tcp_keepalive_probes = 9,
        .tcp_syn_retries = 7,
        .tcp_synack_retries = 5,
        .tcp_retries_r2 = 15,
        .tcp_rto_variance_min_ns = 50 * GANDER_MS,
        .tcp_peer_delayed_ack_ns = 40 * GANDER_MS,
        .tcp_orphan_retries = 8,
        .tcp_slow_start_after_idle = true,
        .tcp_send_buffer_bytes = 256 << 10,
        .tcp_receive_buffer_bytes = 256 << 10,
        .tcp_send_buffer_max_bytes = 4 << 20,
        .tcp_receive_buffer_max_bytes = 6 << 20,
        .tcp_initial_window_segs = 10,
        .tcp_time_wait_max = 65536,
        .tcp_orphans_max = 16384,
        .tcp_timestamps = true,
        .tcp_window_scaling = true,
        .tcp_sack = true,
        .tcp_syn_cookies = true,
        .tcp_congestion_control = "cubic",
        .udp_receive_buffer_bytes = 208 << 10,
        .icmp_errors_per_second = 1000,
        .icmp_echo = true,
        .tcp_dsack = true,
        .tcp_rack = true,
        .tcp_tlp = true,
        .tcp_frto = true,
        .tcp_reordering = 3,
        .tcp_ecn = GANDER_ECN_ACCEPT,
        .tcp_mtu_probing = GANDER_MTU_PROBING_BLACK_HOLE,
        .tcp_base_mss = 1024,
        .tcp_fastopen = GANDER_FASTOPEN_CLIENT | GANDER_FASTOPEN_SERVER,
    };
}

static bool times_are_sane(const struct gander_config *c)
{
    return c->start >= 0 && c->tcp_rto_initial_ns > 0 && c->tcp_rto_min_ns > 0 &&
           c->tcp_rto_max_ns >= c->tcp_rto_min_ns && c->tcp_rto_max_ns <= 3600 * GANDER_S &&
           c->tcp_delayed_ack_ns >= 0 && c->tcp_delayed_ack_ns < 500 * GANDER_MS && /* MUST-40 */
           c->tcp_msl_ns >= 0 && c->tcp_msl_ns <= 3600 * GANDER_S && c->tcp_fin_wait2_ns > 0 &&
           c->tcp_keepalive_idle_ns > 0 && c->tcp_keepalive_interval_ns > 0 &&
           c->tcp_user_timeout_ns >= 0 && c->tcp_rto_variance_min_ns >= 0 &&
           c->tcp_peer_delayed_ack_ns >= 0 && c->tcp_peer_delayed_ack_ns <= 3600 * GANDER_S &&
           c->tcp_rto_variance_min_ns <= 3600 * GANDER_S && c->tcp_challenge_ns >= 0;
}

static bool sizes_are_sane(const struct gander_config *c)
{
    const uint32_t window_max = 1 << 30;

    return c->tcp_send_buffer_bytes >= 2048 && c->tcp_send_buffer_bytes <= window_max &&
           c->tcp_receive_buffer_bytes >= 2048 && c->tcp_receive_buffer_bytes <= window_max &&
           c->tcp_send_buffer_max_bytes <= window_max &&
           c->tcp_receive_buffer_max_bytes <= window_max && c->tcp_initial_window_segs >= 1 &&
           c->tcp_initial_window_segs <= 1000 && c->tcp_keepalive_probes >= 1 &&
           c->tcp_keepalive_probes <= 127 && c->tcp_syn_retries <= 30 &&
           c->tcp_synack_retries <= 30 && c->tcp_retries_r2 <= 200 &&
           c->tcp_quickack_segs <= UINT8_MAX && c->tcp_notsent_lowat_bytes <= window_max &&
           c->tcp_reordering >= 1 && c->tcp_reordering <= 300 &&
           (unsigned)c->tcp_ecn <= GANDER_ECN_ACCURATE &&
           (unsigned)c->tcp_mtu_probing <= GANDER_MTU_PROBING_ALWAYS && c->tcp_base_mss >= 64 &&
           c->tcp_base_mss <= 65000;
}

static int config_check(const struct gander_config *c)
{
    if (!c || c->size != sizeof(*c) || !c->memory.alloc || !c->memory.free)
        return GANDER_EINVAL;
    if (c->memory_max_bytes < MEMORY_MIN_BYTES) /* each pool takes a slab of 32 KiB */
        return GANDER_EINVAL;
    if (!times_are_sane(c) || !sizes_are_sane(c))
        return GANDER_EINVAL;
    if (!c->tcp_congestion_control || tcp_cc_by_name(c->tcp_congestion_control) < 0)
        return GANDER_EINVAL;
    return GANDER_OK;
}

/* Each use of the secret gets a key of its own: what one reveals says nothing of the others. */
static struct siphash_key key_derive(const uint8_t secret[32], uint8_t purpose)
{
    struct siphash_key low = siphash_key_from(secret), high = siphash_key_from(secret + 16);
    uint8_t text[2] = {purpose, 0};
    struct siphash_key key;

    key.k0 = siphash24(&low, text, sizeof(text)) ^ siphash24(&high, text, sizeof(text));
    text[1] = 1;
    key.k1 = siphash24(&low, text, sizeof(text)) ^ siphash24(&high, text, sizeof(text));
    return key;
}

static void keys_derive(struct gander_stack *stack)
{
    const uint8_t *secret = stack->config.secret;

    stack->table_key = key_derive(secret, 1);
    stack->isn_key = key_derive(secret, 2);
    stack->port_key = key_derive(secret, 3);
    stack->timestamp_key = key_derive(secret, 4);
    stack->bucket_key = key_derive(secret, 5);
    stack->random.key = key_derive(secret, 6);
    stack->cookie_key = key_derive(secret, 7);
    stack->tcp.fastopen.keys[0] = key_derive(secret, 8);
}

static void clock_set(struct gander_stack *stack, gander_time now)
{
    stack->now = now;
    stack->tcp.clock_ms = (uint32_t)((uint64_t)now / (uint64_t)GANDER_MS);
}

int gander_stack_create(const struct gander_config *config, struct gander_stack **stack)
{
    int error = config_check(config);
    struct gander_stack *made;
    struct mem *mem;

    if (error)
        return error;
    mem = mem_create(&config->memory, config->memory_max_bytes);
    if (!mem)
        return GANDER_ENOMEM;
    made = mem_alloc(mem, sizeof(*made));
    if (!made) {
        mem_release(mem);
        return GANDER_ENOMEM;
    }
    memset(made, 0, sizeof(*made));
    made->mem = mem;
    made->config = *config;
    made->next_id = 1;
    made->sockets.first_free = UINT32_MAX;
    made->event_first = made->event_last = UINT32_MAX;
    keys_derive(made);
    made->wide_checksums = checksum_wide_possible();
    wheel_init(&made->wheel, config->start);
    clock_set(made, config->start);
    tcp_stack_init(made);
    udp_stack_init(made);
    *stack = made;
    return GANDER_OK;
}

void gander_stack_destroy(struct gander_stack *stack)
{
    struct mem *mem;

    if (!stack)
        return;
    mem = stack->mem;
    tcp_stack_finish(stack);
    udp_stack_finish(stack);
    for (unsigned i = 0; i < stack->link_count; i++) {
        while (stack->links[i].first) {
            struct gander_packet *packet = stack->links[i].first;

            stack->links[i].first = packet->next;
            gander_packet_free(packet);
        }
    }
    sock_table_finish(stack);
    mem_free(mem, stack, sizeof(*stack));
    mem_release(mem);
}

/* --- time -------------------------------------------------------------------------------------- */

void gander_advance(struct gander_stack *stack, gander_time now)
{
    unsigned steps = TIMERS_A_CALL;
    struct timer *timer;

    if (now > stack->now)
        clock_set(stack, now);
    while ((timer = wheel_expire(&stack->wheel, stack->now, &steps)) != NULL)
        tcp_timers_fired(stack, timer);
    if (mem_is_short(stack->mem))
        tcp_pressure_relieve(stack);
    debug_check(stack);
}

gander_time gander_now(const struct gander_stack *stack)
{
    return stack->now;
}

gander_time gander_deadline(const struct gander_stack *stack)
{
    return wheel_next(&stack->wheel);
}

/* --- packets -------------------------------------------------------------------------------------- */

void gander_input(struct gander_stack *stack, unsigned link, struct gander_packet *const *packets,
                  size_t n)
{
    for (size_t i = 0; link >= stack->link_count && i < n; i++)
        gander_packet_free(packets[i]);
    if (link >= stack->link_count)
        return;
    for (size_t i = 0; i < n; i++) {
        if (i + PREFETCH_AHEAD < n)
            __builtin_prefetch(packets[i + PREFETCH_AHEAD]->frag[0].data);
        if (i + PREFETCH_FLOW < n)
            tcp_flow_prefetch(stack, packets[i + PREFETCH_FLOW]);
        ip_input(stack, link, packets[i]);
    }
    if (mem_is_short(stack->mem))
        tcp_pressure_relieve(stack);
    debug_check(stack);
}

bool link_enqueue(struct gander_stack *stack, unsigned link, struct gander_packet *packet)
{
    struct link *l = &stack->links[link];

    if (l->queued >= LINK_QUEUE_MAX_PACKETS) {
        drop_packet(stack, packet, GANDER_DROP_out_queue_full, NULL);
        return false;
    }
    packet->next = NULL;
    if (l->queued++ == 0)
        l->last = &l->first;
    *l->last = packet;
    l->last = &packet->next;
    return true;
}

static size_t queue_take(struct gander_stack *stack, struct link *l, struct gander_packet **packets,
                         size_t max)
{
    size_t n = 0;
    bool was_full = l->queued >= LINK_QUEUE_MAX_PACKETS;

    while (n < max && l->queued > 0) {
        packets[n++] = l->first;
        l->first = l->first->next;
        l->queued--;
    }
    if (was_full && n > 0)
        udp_writable(stack);
    return n;
}

size_t gander_output(struct gander_stack *stack, unsigned link, struct gander_packet **packets,
                     size_t max)
{
    size_t n;

    if (link >= stack->link_count)
        return 0;
    n = queue_take(stack, &stack->links[link], packets, max);
    n += tcp_output(stack, link, packets + n, max - n);
    for (size_t i = 0; i < n; i++)
        stack->stats.bytes_out += packets[i]->len;
    stack->stats.packets_out += n;
    debug_check(stack);
    return n;
}

bool gander_output_pending(const struct gander_stack *stack, unsigned link)
{
    return link < stack->link_count &&
           (stack->links[link].queued > 0 || stack->tcp.output[link].first != NULL);
}

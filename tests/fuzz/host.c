/* SPDX-License-Identifier: MIT */
/* One stack with one link; see host.h. */
#include "host.h"

enum { QUIET_STEPS_MAX = 20000 };

static void *count_alloc(void *context, size_t size, size_t align)
{
    struct host *host = context;
    void *memory;

    if (host->refusals > 0) {
        host->refusals--;
        return NULL;
    }
    memory = aligned_alloc(align, (size + align - 1) & ~(align - 1));
    if (memory)
        host->allocated_bytes += size;
    return memory;
}

static void count_free(void *context, void *memory, size_t size)
{
    struct host *host = context;

    CHECK(host->allocated_bytes >= size);
    host->allocated_bytes -= size;
    free(memory);
}

void host_init(struct host *host)
{
    memset(host, 0, sizeof(*host));
    CHECK(gander_address_parse("192.0.2.1", &host->ip4) == 0);
    CHECK(gander_address_parse("2001:db8::1", &host->ip6) == 0);
    CHECK(gander_address_parse("192.0.2.2", &host->peer4) == 0);
    CHECK(gander_address_parse("2001:db8::2", &host->peer6) == 0);
    gander_config_init(&host->config);
    host->config.memory = (struct gander_memory){count_alloc, count_free, host};
    memset(host->config.secret, 0x5c, sizeof(host->config.secret));
    host_watch(&host->config);
}

void host_start(struct host *host)
{
    const struct gander_link_config link = {.mtu_bytes = HOST_MTU_BYTES};

    CHECK(gander_stack_create(&host->config, &host->stack) == 0);
    CHECK(gander_link_add(host->stack, &link, &host->link) == 0);
    CHECK(gander_address_add(host->stack, host->link, &host->ip4, 24) == 0);
    CHECK(gander_address_add(host->stack, host->link, &host->ip6, 64) == 0);
}

void host_finish(struct host *host)
{
    host_flush(host);
    gander_stack_destroy(host->stack);
    CHECK(host->allocated_bytes == 0);
}

void host_hold(struct host *host, const struct frame *frame)
{
    struct gander_packet *packet;

    if (frame->len == 0)
        return;
    packet = gander_packet_alloc(host->stack, frame->len);
    if (!packet)
        return; /* as a driver does when memory is short */
    memcpy(packet->frag[0].data, frame->bytes, frame->len);
    host->held[host->held_count++] = packet;
    if (host->held_count == HOST_HELD_PACKETS)
        host_flush(host);
}

void host_flush(struct host *host)
{
    gander_input(host->stack, host->link, host->held, host->held_count);
    host->held_count = 0;
}

void host_arrive(struct host *host, const struct frame *frame)
{
    host_hold(host, frame);
    host_flush(host);
}

bool host_leaves(struct host *host, struct frame *frame)
{
    struct gander_packet *packet;
    uint8_t protocol;

    if (gander_output(host->stack, host->link, &packet, 1) != 1)
        return false;
    CHECK(packet->len <= FRAME_MAX_BYTES);
    frame->len = (uint32_t)gander_packet_bytes(packet, frame->bytes, sizeof(frame->bytes));
    CHECK(frame->len == packet->len);
    gander_packet_free(packet);
    frame_check(frame, HOST_MTU_BYTES, &protocol);
    return true;
}

void host_sleep(struct host *host, gander_time ns)
{
    gander_advance(host->stack, gander_now(host->stack) + ns);
}

bool host_next_deadline(struct host *host)
{
    gander_time at = gander_deadline(host->stack);

    if (at == GANDER_NEVER)
        return false;
    gander_advance(host->stack, at);
    return true;
}

void host_run_out(struct host *host)
{
    struct gander_stats stats;
    struct frame frame;
    unsigned steps = 0;

    host->refusals = 0;
    host_flush(host);
    do {
        while (host_leaves(host, &frame))
            CHECK(++steps < QUIET_STEPS_MAX);
        CHECK(++steps < QUIET_STEPS_MAX);
    } while (host_next_deadline(host));
    gander_stats(host->stack, &stats);
    CHECK(stats.sockets == 0);
    CHECK(stats.tcp_connections == 0);
    CHECK(stats.tcp_syn_received == 0);
    CHECK(stats.tcp_time_wait == 0);
}

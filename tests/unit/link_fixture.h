/* SPDX-License-Identifier: MIT */
/* For the tests of link drivers: a stack to take packets from, with its memory counted, and
 * numbered packets. */
#ifndef TESTS_UNIT_LINK_FIXTURE_H
#define TESTS_UNIT_LINK_FIXTURE_H

/* cmocka.h wants these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <gander/gander.h>

struct fixture {
    struct gander_stack *stack;
    size_t live_bytes; /* held by the stack, and by packets that outlive it */
};

static void *fixture_alloc(void *context, size_t size, size_t align)
{
    struct fixture *f = context;
    void *memory = NULL;

    if (posix_memalign(&memory, align < sizeof(void *) ? sizeof(void *) : align, size) != 0)
        return NULL;
    f->live_bytes += size;
    return memory;
}

static void fixture_free(void *context, void *memory, size_t size)
{
    struct fixture *f = context;

    f->live_bytes -= size;
    free(memory);
}

static inline int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct gander_config config;

    assert_non_null(f);
    gander_config_init(&config);
    config.memory = (struct gander_memory){fixture_alloc, fixture_free, f};
    config.memory_max_bytes = 256u << 20;
    assert_int_equal(gander_stack_create(&config, &f->stack), GANDER_OK);
    *state = f;
    return 0;
}

/* Each test ends with its drivers closed: then nothing may be left. */
static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    gander_stack_destroy(f->stack);
    assert_int_equal(f->live_bytes, 0);
    free(f);
    return 0;
}

static inline uint8_t fixture_byte(uint64_t number, size_t offset)
{
    return (uint8_t)(number * 31 + offset * 7 + (offset >> 8));
}

/* A packet that begins with its number and goes on with a pattern. */
static inline struct gander_packet *numbered_packet(struct gander_stack *stack, uint64_t number,
                                                    uint32_t len)
{
    struct gander_packet *packet = gander_packet_alloc(stack, len);

    assert_non_null(packet);
    for (uint32_t i = 0; i < len; i++)
        packet->frag[0].data[i] = fixture_byte(number, i);
    memcpy(packet->frag[0].data, &number, sizeof(number));
    return packet;
}

static inline uint64_t packet_number(const struct gander_packet *packet)
{
    uint64_t number = 0;

    assert_int_equal(gander_packet_bytes(packet, &number, sizeof(number)), sizeof(number));
    return number;
}

/* How many bits differ from the packet that numbered_packet() made. */
static inline unsigned flipped_bits(const struct gander_packet *packet, uint64_t number)
{
    unsigned bits = 0;
    uint8_t *bytes = malloc(packet->len);

    assert_non_null(bytes);
    assert_int_equal(gander_packet_bytes(packet, bytes, packet->len), packet->len);
    for (uint32_t i = 0; i < packet->len; i++) {
        uint8_t expected = fixture_byte(number, i);

        if (i < sizeof(number))
            memcpy(&expected, (const uint8_t *)&number + i, 1);
        bits += (unsigned)__builtin_popcount((unsigned)(bytes[i] ^ expected));
    }
    free(bytes);
    return bits;
}

static inline void send_one(struct gander_driver *driver, gander_time now,
                            struct gander_packet *packet)
{
    assert_int_equal(gander_driver_transmit(driver, now, &packet, 1), 1);
}

/* Receives one packet or NULL; never an error. */
static inline struct gander_packet *receive_one(struct gander_driver *driver,
                                                struct gander_stack *stack, gander_time now)
{
    struct gander_packet *packet = NULL;
    int n = gander_driver_receive(driver, stack, now, &packet, 1);

    assert_in_range(n, 0, 1);
    return n == 1 ? packet : NULL;
}

#define fixture_test(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

#endif

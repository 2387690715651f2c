/* SPDX-License-Identifier: MIT */
/* The impairment wrapper: rates of faults, order, exact times, determinism. */
#include <gander/impair.h>
#include <gander/pair.h>

#include "unit/link_fixture.h"

enum { MANY = 100000 };

/* a: impaired end; b: the far end. */
struct bench {
    struct gander_driver *a, *b;
    struct gander_stack *stack;
};

static void bench_open(struct bench *bench, struct fixture *f,
                       const struct gander_impairment *transmit,
                       const struct gander_impairment *receive)
{
    struct gander_driver *bare;

    assert_int_equal(gander_pair_create(1500, 0, 0, &bare, &bench->b), GANDER_OK);
    assert_int_equal(gander_impair_create(bare, f->stack, transmit, receive, &bench->a), GANDER_OK);
    bench->stack = f->stack;
}

static void bench_close(struct bench *bench)
{
    gander_driver_close(bench->a);
    gander_driver_close(bench->b);
}

static struct gander_impair_counters counters(const struct bench *bench,
                                              enum gander_impair_direction direction)
{
    struct gander_impair_counters c;

    assert_int_equal(gander_impair_counters(bench->a, direction, &c), GANDER_OK);
    assert_int_equal(c.packets + c.duplicated, c.delivered + c.lost + c.overflowed + c.held);
    return c;
}

/* p·n within five standard deviations: wrong once in two million seeds, and the seed is fixed. */
static void assert_about(uint64_t count, uint64_t n, uint64_t ppm)
{
    int64_t expected = (int64_t)(n * ppm / GANDER_PPM);
    int64_t difference = (int64_t)count - expected;

    assert_true(difference * difference <= 25 * (expected + 1));
    assert_true(count > 0);
}

static void no_faults_change_nothing(void **state)
{
    struct bench bench;

    bench_open(&bench, *state, NULL, NULL);
    for (uint64_t i = 0; i < 100; i++) {
        struct gander_packet *out = numbered_packet(bench.stack, i, 900);
        struct gander_packet *in;

        send_one(bench.a, 5, out);
        in = receive_one(bench.b, bench.stack, 5);
        assert_ptr_equal(in, out);
        send_one(bench.b, 5, in);
        assert_ptr_equal(receive_one(bench.a, bench.stack, 5), out);
        assert_int_equal(gander_driver_deadline(bench.a), GANDER_NEVER);
        assert_int_equal(flipped_bits(out, i), 0);
        gander_packet_free(out);
    }
    assert_int_equal(counters(&bench, GANDER_IMPAIR_TRANSMIT).delivered_bytes, 90000);
    assert_int_equal(counters(&bench, GANDER_IMPAIR_RECEIVE).bytes, 90000);
    bench_close(&bench);
}

/* Sends MANY packets from one end, fetches all at the other; returns how many arrived. */
static uint64_t send_many(struct bench *bench, struct gander_driver *from, struct gander_driver *to)
{
    uint64_t arrived = 0;

    for (uint64_t i = 0; i < MANY; i++) {
        struct gander_packet *packet;

        send_one(from, (gander_time)i, numbered_packet(bench->stack, i, 64));
        while ((packet = receive_one(to, bench->stack, (gander_time)i)) != NULL) {
            gander_packet_free(packet);
            arrived++;
        }
    }
    return arrived;
}

static void faults_come_at_the_given_rates(void **state)
{
    const struct gander_impairment faults = {.seed = 11,
                                             .loss_ppm = 10000,
                                             .duplicate_ppm = 20000,
                                             .reorder_ppm = 50000,
                                             .corrupt_ppm = 30000,
                                             .reorder_ns = 3};
    struct gander_impair_counters c;
    struct bench bench;

    for (unsigned receive = 0; receive < 2; receive++) {
        uint64_t arrived;

        bench_open(&bench, *state, receive ? NULL : &faults, receive ? &faults : NULL);
        arrived =
            receive ? send_many(&bench, bench.b, bench.a) : send_many(&bench, bench.a, bench.b);
        c = counters(&bench, receive ? GANDER_IMPAIR_RECEIVE : GANDER_IMPAIR_TRANSMIT);
        assert_int_equal(c.packets, MANY);
        assert_int_equal(arrived, c.delivered);
        assert_about(c.lost, MANY, 10000);
        assert_about(c.duplicated, MANY - c.lost, 20000);
        assert_about(c.reordered, MANY - c.lost, 50000);
        assert_about(c.corrupted, MANY - c.lost, 30000);
        c = counters(&bench, receive ? GANDER_IMPAIR_TRANSMIT : GANDER_IMPAIR_RECEIVE);
        assert_int_equal(c.lost + c.duplicated + c.reordered + c.corrupted, 0);
        bench_close(&bench);
    }
}

/* One bit of a copy; what the sender holds stays whole. */
static void corruption_flips_one_bit_of_a_copy(void **state)
{
    const struct gander_impairment all = {.seed = 3, .corrupt_ppm = GANDER_PPM};
    struct bench bench;
    bool other_bytes[1000] = {false};
    unsigned places = 0;

    bench_open(&bench, *state, &all, NULL);
    for (uint64_t i = 0; i < 500; i++) {
        struct gander_packet *out = numbered_packet(bench.stack, i, 1000);
        struct gander_packet *in;

        out->why = 5;
        send_one(bench.a, 0, out);
        in = receive_one(bench.b, bench.stack, 0);
        assert_ptr_not_equal(in, out);
        assert_int_equal(flipped_bits(in, i), 1);
        assert_int_equal(in->why, 5);
        assert_true(in->flags & GANDER_PACKET_IMPAIRED);
        assert_false(in->flags & GANDER_PACKET_CHECKSUM_OK);
        for (unsigned at = 8; at < 1000; at++) {
            if (in->frag[0].data[at] != fixture_byte(i, at) && !other_bytes[at]) {
                other_bytes[at] = true;
                places++;
            }
        }
        gander_packet_free(in);
    }
    assert_true(places > 300); /* all over the packet */
    bench_close(&bench);
}

static void duplicates_are_copies(void **state)
{
    const struct gander_impairment all = {.seed = 3, .duplicate_ppm = GANDER_PPM};
    struct bench bench;
    struct gander_packet *out, *first, *second;

    bench_open(&bench, *state, NULL, &all);
    out = numbered_packet(bench.stack, 42, 700);
    send_one(bench.b, 0, out);
    first = receive_one(bench.a, bench.stack, 0);
    second = receive_one(bench.a, bench.stack, 0);
    assert_ptr_equal(first, out);
    assert_non_null(second);
    assert_null(receive_one(bench.a, bench.stack, 0));
    first->frag[0].data[100] ^= 1;
    assert_int_equal(flipped_bits(second, 42), 0);
    assert_true(second->flags & GANDER_PACKET_IMPAIRED);
    gander_packet_free(first);
    gander_packet_free(second);
    bench_close(&bench);
}

static void delay_is_exact_and_deadline_tells(void **state)
{
    const struct gander_impairment late = {.delay_ns = 5 * GANDER_MS};
    struct bench bench;
    struct gander_packet *packet;

    bench_open(&bench, *state, &late, &late);
    send_one(bench.a, 1000, numbered_packet(bench.stack, 1, 64));
    send_one(bench.a, 2000, numbered_packet(bench.stack, 2, 64));
    assert_int_equal(gander_driver_deadline(bench.a), 1000 + 5 * GANDER_MS);
    assert_null(receive_one(bench.a, bench.stack, 999 + 5 * GANDER_MS));
    assert_null(receive_one(bench.b, bench.stack, 999 + 5 * GANDER_MS));
    assert_null(receive_one(bench.a, bench.stack, 1000 + 5 * GANDER_MS));
    packet = receive_one(bench.b, bench.stack, 1000 + 5 * GANDER_MS);
    assert_int_equal(packet_number(packet), 1);
    assert_int_equal(gander_driver_deadline(bench.a), 2000 + 5 * GANDER_MS);
    assert_null(receive_one(bench.b, bench.stack, 1000 + 5 * GANDER_MS));
    send_one(bench.b, 9 * GANDER_MS, packet);
    assert_null(receive_one(bench.a, bench.stack, 9 * GANDER_MS)); /* and moves number 2 on */
    assert_int_equal(gander_driver_deadline(bench.a), 14 * GANDER_MS);
    assert_ptr_equal(receive_one(bench.a, bench.stack, 14 * GANDER_MS), packet);
    gander_packet_free(packet);
    gander_packet_free(receive_one(bench.b, bench.stack, 14 * GANDER_MS));
    bench_close(&bench);
}

/* Lets time run from deadline to deadline; the numbers of what arrives at b, in order. */
static unsigned drain(struct bench *bench, gander_time *now, uint64_t *numbers, gander_time *times)
{
    unsigned n = 0;

    for (;;) {
        struct gander_packet *packet;
        gander_time at;

        assert_null(receive_one(bench->a, bench->stack, *now));
        while ((packet = receive_one(bench->b, bench->stack, *now)) != NULL) {
            numbers[n] = packet_number(packet);
            times[n++] = *now;
            gander_packet_free(packet);
        }
        at = gander_driver_deadline(bench->a);
        if (at == GANDER_NEVER)
            return n;
        assert_true(at > *now);
        *now = at;
    }
}

enum { SOME = 1000 };

static unsigned run_some(struct fixture *f, const struct gander_impairment *faults,
                         gander_time spacing_ns, uint64_t *numbers, gander_time *times)
{
    struct bench bench;
    gander_time now = 0;
    unsigned n;

    bench_open(&bench, f, faults, NULL);
    for (uint64_t i = 0; i < SOME; i++) {
        send_one(bench.a, now, numbered_packet(f->stack, i, 1250));
        now += spacing_ns;
    }
    n = drain(&bench, &now, numbers, times);
    bench_close(&bench);
    return n;
}

static void jitter_keeps_order(void **state)
{
    const struct gander_impairment jittery = {
        .seed = 9, .delay_ns = GANDER_MS, .jitter_ns = 10 * GANDER_MS};
    uint64_t numbers[SOME];
    gander_time times[SOME];

    assert_int_equal(run_some(*state, &jittery, 0, numbers, times), SOME);
    for (unsigned i = 0; i < SOME; i++) {
        assert_int_equal(numbers[i], i);
        assert_in_range(times[i], GANDER_MS, 11 * GANDER_MS);
        assert_true(i == 0 || times[i] >= times[i - 1]);
    }
    assert_true(times[0] < 10 * GANDER_MS && times[SOME - 1] > 10 * GANDER_MS);
}

static void jitter_reorders_if_asked(void **state)
{
    const struct gander_impairment jittery = {
        .seed = 9, .delay_ns = GANDER_MS, .jitter_ns = 10 * GANDER_MS, .jitter_reorders = true};
    uint64_t numbers[SOME];
    gander_time times[SOME];
    unsigned overtaken = 0;

    assert_int_equal(run_some(*state, &jittery, 0, numbers, times), SOME);
    for (unsigned i = 0; i < SOME; i++) {
        assert_in_range(times[i], GANDER_MS, 11 * GANDER_MS);
        assert_true(i == 0 || times[i] >= times[i - 1]);
        overtaken += i > 0 && numbers[i] < numbers[i - 1];
    }
    assert_in_range(overtaken, SOME / 3, 2 * SOME / 3); /* as good as shuffled */
}

static void reordered_packets_fall_behind_and_others_keep_order(void **state)
{
    const struct gander_impairment shuffled = {
        .seed = 21, .reorder_ppm = 100000, .reorder_ns = 10 * GANDER_US, .delay_ns = GANDER_MS};
    uint64_t numbers[SOME], highest = 0;
    gander_time times[SOME];
    unsigned behind = 0;
    bool seen[SOME] = {false};

    assert_int_equal(run_some(*state, &shuffled, GANDER_US, numbers, times), SOME);
    for (unsigned i = 0; i < SOME; i++) {
        assert_false(seen[numbers[i]]);
        seen[numbers[i]] = true;
        if (numbers[i] < highest) {
            behind++;
            assert_true(highest - numbers[i] <= 10);
        } else {
            highest = numbers[i];
        }
    }
    assert_in_range(behind, 50, 150);
}

/* 1,250 bytes at 10 Mbit/s: 1 ms each, to the nanosecond. */
static void rate_is_exact(void **state)
{
    const struct gander_impairment slow = {.rate_bits_per_second = 10000000,
                                           .queue_bytes = 2 << 20};
    const struct gander_impairment odd = {.rate_bits_per_second = 33333333, .queue_bytes = 2 << 20};
    uint64_t numbers[SOME];
    gander_time times[SOME];

    assert_int_equal(run_some(*state, &slow, 0, numbers, times), SOME);
    for (unsigned i = 0; i < SOME; i++) {
        assert_int_equal(numbers[i], i);
        assert_int_equal(times[i], (gander_time)(i + 1) * GANDER_MS);
    }
    /* Parts of a nanosecond add up: no drift. */
    assert_int_equal(run_some(*state, &odd, 0, numbers, times), SOME);
    for (unsigned i = 0; i < SOME; i++)
        assert_int_equal(times[i], (uint64_t)(i + 1) * 10000u * 1000000000u / 33333333u);
    /* A sender slower than the rate does not save up for a burst. */
    assert_int_equal(run_some(*state, &slow, 2 * GANDER_MS, numbers, times), SOME);
    assert_int_equal(times[SOME - 1], SOME * 2 * GANDER_MS);
}

static void full_queue_drops_the_last(void **state)
{
    const struct gander_impairment narrow = {.rate_bits_per_second = 10000000,
                                             .queue_bytes = 12500};
    uint64_t numbers[SOME];
    gander_time times[SOME];
    struct fixture *f = *state;
    struct bench bench;
    gander_time now = 0;

    bench_open(&bench, f, &narrow, NULL);
    for (uint64_t i = 0; i < 100; i++)
        send_one(bench.a, now, numbered_packet(f->stack, i, 1250));
    /* Ten wait and one is on the wire. */
    assert_int_equal(counters(&bench, GANDER_IMPAIR_TRANSMIT).held, 11);
    assert_int_equal(counters(&bench, GANDER_IMPAIR_TRANSMIT).overflowed, 89);
    assert_int_equal(drain(&bench, &now, numbers, times), 11);
    assert_int_equal(numbers[10], 10);
    assert_int_equal(now, 11 * GANDER_MS);
    send_one(bench.a, now, numbered_packet(f->stack, 100, 1250));
    assert_int_equal(drain(&bench, &now, numbers, times), 1);
    bench_close(&bench);
}

static unsigned choose_every_third(void *context, uint64_t number,
                                   const struct gander_packet *packet)
{
    unsigned action = *(const unsigned *)context;

    assert_int_equal(packet_number(packet) + 1, number);
    return number % 3 == 0 ? action : 0;
}

static void chosen_packets_get_what_is_chosen(void **state)
{
    unsigned action = GANDER_IMPAIR_DROP;
    struct gander_impairment chosen = {.choose = choose_every_third, .choose_context = &action};
    const struct gander_impairment listed = {.drop_numbers = {1, 3, 1000}};
    uint64_t numbers[2 * SOME];
    gander_time times[2 * SOME];

    assert_int_equal(run_some(*state, &listed, 1, numbers, times), SOME - 3);
    assert_int_equal(numbers[0], 1);
    assert_int_equal(numbers[1], 3);
    assert_int_equal(numbers[SOME - 4], 998);
    assert_int_equal(run_some(*state, &chosen, 1, numbers, times), SOME - SOME / 3);
    assert_int_equal(numbers[2], 3);
    action = GANDER_IMPAIR_DUPLICATE;
    assert_int_equal(run_some(*state, &chosen, 1, numbers, times), SOME + SOME / 3);
    assert_int_equal(numbers[3], 2);
    action = GANDER_IMPAIR_REORDER;
    chosen.reorder_ns = 1;
    chosen.delay_ns = SOME;
    assert_int_equal(run_some(*state, &chosen, 1, numbers, times), SOME);
    assert_int_equal(numbers[2], 2); /* due together with 3, and was there first */
    chosen.reorder_ns = 2;
    assert_int_equal(run_some(*state, &chosen, 1, numbers, times), SOME);
    assert_int_equal(numbers[2], 3);
    assert_int_equal(numbers[3], 2);
}

static uint64_t digest_run(struct fixture *f, const struct gander_impairment *faults,
                           uint64_t *lost)
{
    uint64_t numbers[2 * SOME], digest = 0;
    gander_time times[2 * SOME];
    unsigned n = run_some(f, faults, 700, numbers, times);
    bool seen[SOME] = {false};

    *lost = 0;
    for (unsigned i = 0; i < n; i++) {
        digest = (digest ^ numbers[i] ^ ((uint64_t)times[i] << 20)) * 0x100000001b3u;
        if (numbers[i] < SOME)
            seen[numbers[i]] = true;
    }
    for (unsigned i = 0; i < SOME; i++)
        *lost = *lost * 31 + (seen[i] ? 1 : 2);
    return digest;
}

static void same_seed_same_run(void **state)
{
    struct gander_impairment faults = {.seed = 77,
                                       .loss_ppm = 50000,
                                       .duplicate_ppm = 50000,
                                       .reorder_ppm = 50000,
                                       .delay_ns = GANDER_MS,
                                       .jitter_ns = GANDER_MS};
    uint64_t lost, lost_again, digest = digest_run(*state, &faults, &lost);

    assert_int_equal(digest_run(*state, &faults, &lost_again), digest);
    assert_int_equal(lost_again, lost);
    /* Other faults do not change which packets are lost. */
    faults.jitter_ns = 0;
    faults.duplicate_ppm = 0;
    faults.reorder_ppm = 500000;
    assert_int_not_equal(digest_run(*state, &faults, &lost_again), digest);
    assert_int_equal(lost_again, lost);
    faults.seed = 78;
    assert_int_not_equal(digest_run(*state, &faults, &lost_again), digest);
    assert_int_not_equal(lost_again, lost);
}

static void full_driver_inside_is_tried_again(void **state)
{
    struct fixture *f = *state;
    struct gander_driver *bare, *a, *b;
    struct gander_packet *got[8];

    assert_int_equal(gander_pair_create(1500, 0, 4, &bare, &b), GANDER_OK);
    assert_int_equal(gander_impair_create(bare, f->stack, NULL, NULL, &a), GANDER_OK);
    for (uint64_t i = 0; i < 6; i++)
        send_one(a, 0, numbered_packet(f->stack, i, 64));
    assert_int_equal(gander_driver_deadline(a), GANDER_MS); /* not now: that would spin */
    assert_int_equal(gander_driver_receive(b, f->stack, 0, got, 8), 4);
    assert_null(receive_one(a, f->stack, GANDER_MS));
    assert_int_equal(gander_driver_receive(b, f->stack, GANDER_MS, got + 4, 4), 2);
    for (uint64_t i = 0; i < 6; i++) {
        assert_int_equal(packet_number(got[i]), i);
        gander_packet_free(got[i]);
    }
    assert_int_equal(gander_driver_deadline(a), GANDER_NEVER);
    gander_driver_close(a);
    gander_driver_close(b);
}

/* Bursts that are all lost do not look like "nothing there". */
static void receive_goes_on_behind_lost_bursts(void **state)
{
    const struct gander_impairment faults = {.drop_numbers = {1, 2, 3, 4}};
    struct bench bench;
    struct gander_packet *got[2] = {NULL, NULL};

    bench_open(&bench, *state, NULL, &faults);
    for (uint64_t i = 0; i < 5; i++)
        send_one(bench.b, 0, numbered_packet(bench.stack, i, 64));
    assert_int_equal(gander_driver_receive(bench.a, bench.stack, 0, got, 2), 1);
    assert_int_equal(packet_number(got[0]), 4);
    gander_packet_free(got[0]);
    bench_close(&bench);
}

static void no_memory_for_copies_is_counted(void **state)
{
    const struct gander_impairment both = {.duplicate_ppm = GANDER_PPM};
    const struct gander_impairment corrupt = {.corrupt_ppm = GANDER_PPM};
    struct gander_packet *hoard = NULL, *packet, *got;
    struct fixture small = {0};
    struct gander_config config;
    struct bench bench;

    gander_config_init(&config);
    config.memory = (struct gander_memory){fixture_alloc, fixture_free, &small};
    config.memory_max_bytes = 1u << 20;
    assert_int_equal(gander_stack_create(&config, &small.stack), GANDER_OK);
    while ((packet = gander_packet_alloc(small.stack, 1000)) != NULL) {
        packet->next = hoard;
        hoard = packet;
    }
    for (unsigned i = 0; i < 2; i++) {
        bench_open(&bench, &small, i == 0 ? &both : &corrupt, NULL);
        send_one(bench.a, 0, numbered_packet(((struct fixture *)*state)->stack, 1, 1000));
        got = receive_one(bench.b, bench.stack, 0);
        assert_true((got != NULL) == (i == 0)); /* rather lost than delivered whole */
        gander_packet_free(got);
        assert_null(receive_one(bench.b, bench.stack, 0));
        assert_int_equal(counters(&bench, GANDER_IMPAIR_TRANSMIT).copy_failures, 1);
        bench_close(&bench);
    }
    while (hoard) {
        packet = hoard;
        hoard = packet->next;
        gander_packet_free(packet);
    }
    gander_stack_destroy(small.stack);
    assert_int_equal(small.live_bytes, 0);
}

static void bad_settings_are_refused(void **state)
{
    struct fixture *f = *state;
    const struct gander_impairment wrong[] = {
        {.loss_ppm = GANDER_PPM + 1},
        {.duplicate_ppm = GANDER_PPM + 1},
        {.reorder_ppm = UINT32_MAX},
        {.corrupt_ppm = GANDER_PPM + 1},
        {.delay_ns = -1},
        {.jitter_ns = GANDER_NEVER},
        {.reorder_ns = -5},
        {.queue_bytes = UINT32_MAX},
    };
    const struct gander_impairment corrupt = {.corrupt_ppm = 1}, lossy = {.loss_ppm = 1};
    struct gander_driver *bare, *b, *driver = NULL;
    struct gander_impair_counters c;

    assert_int_equal(gander_pair_create(1500, GANDER_LINK_TRUSTED, 0, &bare, &b), GANDER_OK);
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(gander_impair_create(bare, f->stack, &wrong[i], NULL, &driver),
                         GANDER_EINVAL);
        assert_int_equal(gander_impair_create(bare, f->stack, NULL, &wrong[i], &driver),
                         GANDER_EINVAL);
    }
    /* Where nobody checks, a flipped bit would reach the application. */
    assert_int_equal(gander_impair_create(bare, f->stack, &corrupt, NULL, &driver), GANDER_EINVAL);
    bare->flags = 0;
    assert_int_equal(gander_impair_create(bare, NULL, &corrupt, NULL, &driver), GANDER_EINVAL);
    assert_int_equal(gander_impair_create(bare, NULL, &lossy, &corrupt, &driver), GANDER_OK);
    assert_int_equal(gander_impair_counters(bare, GANDER_IMPAIR_TRANSMIT, &c), GANDER_EINVAL);
    gander_driver_close(driver);
    gander_driver_close(b);
}

/* From a clean link to a lossy one and back, while a packet is under way. */
static void faults_change_under_way(void **state)
{
    const struct gander_impairment slow = {.seed = 1, .delay_ns = 100};
    const struct gander_impairment lossy = {.loss_ppm = GANDER_PPM};
    const struct gander_impairment clean = {0}, wrong = {.loss_ppm = GANDER_PPM + 1};
    const enum gander_impair_direction out = GANDER_IMPAIR_TRANSMIT;
    struct bench bench;
    struct gander_packet *packet;

    bench_open(&bench, *state, &slow, NULL);
    send_one(bench.a, 0, numbered_packet(bench.stack, 1, 900));
    assert_int_equal(gander_impair_change(bench.a, out, &lossy), GANDER_OK);
    send_one(bench.a, 1, numbered_packet(bench.stack, 2, 900));
    assert_int_equal(gander_driver_deadline(bench.a), 100); /* the first keeps its time */
    assert_int_equal(gander_impair_change(bench.a, out, &clean), GANDER_OK);
    send_one(bench.a, 2, numbered_packet(bench.stack, 3, 900));
    assert_int_equal(counters(&bench, out).lost, 1);
    assert_int_equal(counters(&bench, out).held, 2); /* and the third its place behind it */
    (void)gander_driver_receive(bench.a, bench.stack, 100, &packet, 1);
    assert_int_equal(counters(&bench, out).delivered, 2);
    gander_packet_free(receive_one(bench.b, bench.stack, 100));
    gander_packet_free(receive_one(bench.b, bench.stack, 100));
    assert_int_equal(gander_impair_change(bench.a, out, &wrong), GANDER_EINVAL);
    assert_int_equal(gander_impair_change(bench.b, out, &clean), GANDER_EINVAL);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(no_faults_change_nothing),
        fixture_test(faults_come_at_the_given_rates),
        fixture_test(corruption_flips_one_bit_of_a_copy),
        fixture_test(duplicates_are_copies),
        fixture_test(delay_is_exact_and_deadline_tells),
        fixture_test(jitter_keeps_order),
        fixture_test(jitter_reorders_if_asked),
        fixture_test(reordered_packets_fall_behind_and_others_keep_order),
        fixture_test(rate_is_exact),
        fixture_test(full_queue_drops_the_last),
        fixture_test(chosen_packets_get_what_is_chosen),
        fixture_test(same_seed_same_run),
        fixture_test(full_driver_inside_is_tried_again),
        fixture_test(receive_goes_on_behind_lost_bursts),
        fixture_test(no_memory_for_copies_is_counted),
        fixture_test(bad_settings_are_refused),
        fixture_test(faults_change_under_way),
    };

    return cmocka_run_group_tests_name("link_impair", tests, NULL, NULL);
}

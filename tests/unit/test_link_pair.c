/* SPDX-License-Identifier: MIT */
/* The memory pair: same packets, same order, full queues, loose ends. */
#include <gander/pair.h>

#include "unit/link_fixture.h"

static void packets_change_owner_without_copy(void **state)
{
    struct fixture *f = *state;
    struct gander_driver *a, *b;
    struct gander_packet *sent[3], *got[8];

    assert_int_equal(gander_pair_create(1500, 0, 0, &a, &b), GANDER_OK);
    for (unsigned i = 0; i < 3; i++)
        sent[i] = numbered_packet(f->stack, i, 100);
    sent[1]->flags = GANDER_PACKET_CHECKSUM_OK;
    sent[2]->next = sent[0];
    assert_int_equal(gander_driver_transmit(a, 7, sent, 3), 3);
    assert_int_equal(gander_driver_receive(a, f->stack, 7, got, 8), 0);
    assert_int_equal(gander_driver_deadline(a), GANDER_NEVER);
    assert_int_equal(gander_driver_deadline(b), 0);
    assert_int_equal(gander_driver_receive(b, f->stack, 7, got, 2), 2);
    assert_int_equal(gander_driver_receive(b, f->stack, 7, got + 2, 6), 1);
    assert_int_equal(gander_driver_deadline(b), GANDER_NEVER);
    for (unsigned i = 0; i < 3; i++) {
        assert_ptr_equal(got[i], sent[i]);
        assert_int_equal(got[i]->flags, 0); /* nobody vouches for a sum across an untrusted cable */
        assert_null(got[i]->next);
        gander_packet_free(got[i]);
    }
    assert_int_equal(a->transmitted_packets, 3);
    assert_int_equal(b->received_packets, 3);
    assert_int_equal(gander_driver_descriptor(a), -1);
    gander_driver_close(a);
    gander_driver_close(b);
}

static void trusted_pair_vouches_for_checksums(void **state)
{
    struct fixture *f = *state;
    struct gander_driver *a, *b;
    struct gander_packet *packet;

    assert_int_equal(gander_pair_create(9000, GANDER_LINK_TRUSTED, 0, &a, &b), GANDER_OK);
    assert_int_equal(b->flags, GANDER_LINK_TRUSTED);
    assert_int_equal(b->mtu_bytes, 9000);
    send_one(b, 0, numbered_packet(f->stack, 1, 60));
    packet = receive_one(a, f->stack, 0);
    assert_int_equal(packet->flags, GANDER_PACKET_CHECKSUM_OK);
    gander_packet_free(packet);
    gander_driver_close(b);
    gander_driver_close(a);
}

/* Many rounds, so that the ring's positions go round. */
static void full_queue_takes_the_first_and_goes_on_later(void **state)
{
    struct fixture *f = *state;
    struct gander_driver *a, *b;
    struct gander_packet *burst[12];
    uint64_t sent = 0, received = 0;

    assert_int_equal(gander_pair_create(1500, 0, 5, &a, &b), GANDER_OK); /* made 8 */
    for (unsigned round = 0; round < 100; round++) {
        for (unsigned i = 0; i < 12; i++)
            burst[i] = numbered_packet(f->stack, sent + i, 64);
        assert_int_equal(gander_driver_transmit(a, 0, burst, 12), 8);
        assert_int_equal(gander_driver_transmit(a, 0, burst + 8, 4), 0);
        sent += 8;
        for (unsigned i = 8; i < 12; i++)
            gander_packet_free(burst[i]);
        assert_int_equal(gander_driver_receive(b, f->stack, 0, burst, 12), 8);
        for (unsigned i = 0; i < 8; i++) {
            assert_int_equal(packet_number(burst[i]), received++);
            gander_packet_free(burst[i]);
        }
    }
    gander_driver_close(a);
    gander_driver_close(b);
}

static void loose_end_swallows_packets(void **state)
{
    struct fixture *f = *state;
    struct gander_driver *a, *b;

    assert_int_equal(gander_pair_create(1500, 0, 0, &a, &b), GANDER_OK);
    send_one(a, 0, numbered_packet(f->stack, 1, 64)); /* never fetched: freed with its end */
    send_one(b, 0, numbered_packet(f->stack, 2, 64));
    gander_driver_close(b);
    send_one(a, 0, numbered_packet(f->stack, 3, 64));
    assert_int_equal(a->refused_packets, 1);
    gander_packet_free(receive_one(a, f->stack, 0)); /* what had arrived stays */
    assert_null(receive_one(a, f->stack, 0));
    gander_driver_close(a);
}

static void bad_arguments_are_refused(void **state)
{
    struct gander_driver *a, *b;

    (void)state;
    assert_int_equal(gander_pair_create(575, 0, 0, &a, &b), GANDER_EINVAL);
    assert_int_equal(gander_pair_create(65536, 0, 0, &a, &b), GANDER_EINVAL);
    assert_int_equal(gander_pair_create(1500, 0, GANDER_PAIR_QUEUE_PACKETS_MAX + 1, &a, &b),
                     GANDER_EINVAL);
    gander_driver_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(packets_change_owner_without_copy),
        fixture_test(trusted_pair_vouches_for_checksums),
        fixture_test(full_queue_takes_the_first_and_goes_on_later),
        fixture_test(loose_end_swallows_packets),
        fixture_test(bad_arguments_are_refused),
    };

    return cmocka_run_group_tests_name("link_pair", tests, NULL, NULL);
}

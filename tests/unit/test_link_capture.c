/* SPDX-License-Identifier: MIT */
/* Captures: libpcap reads back what was written; comments and directions are found block by block.
 */
#include <errno.h>
#include <unistd.h>

#include <gander/capture.h>
#include <gander/pair.h>

#include "unit/link_fixture.h"

#ifdef GANDER_HAVE_PCAP
#include <pcap/pcap.h>
#endif

struct memory {
    uint8_t bytes[1 << 20];
    size_t used;
    int error; /* what the next write answers */
};

static int write_memory(void *context, const void *data, size_t bytes)
{
    struct memory *memory = context;

    if (memory->error)
        return memory->error;
    assert_true(memory->used + bytes <= sizeof(memory->bytes));
    memcpy(memory->bytes + memory->used, data, bytes);
    memory->used += bytes;
    return 0;
}

static uint32_t u32_at(const struct memory *memory, size_t at)
{
    uint32_t value;

    assert_true(at + sizeof(value) <= memory->used);
    memcpy(&value, memory->bytes + at, sizeof(value));
    return value;
}

static uint16_t u16_at(const struct memory *memory, size_t at)
{
    uint16_t value;

    assert_true(at + sizeof(value) <= memory->used);
    memcpy(&value, memory->bytes + at, sizeof(value));
    return value;
}

/* The start of the n-th block of a type; checks the framing of all on the way. */
static size_t find_block(const struct memory *memory, uint32_t type, unsigned n)
{
    size_t at = 0;

    while (at < memory->used) {
        uint32_t bytes = u32_at(memory, at + 4);

        assert_true(bytes >= 12 && bytes % 4 == 0);
        assert_int_equal(u32_at(memory, at + bytes - 4), bytes);
        if (u32_at(memory, at) == type && n-- == 0)
            return at;
        at += bytes;
    }
    assert_int_equal(at, memory->used);
    return SIZE_MAX;
}

/* An option's value within the options that begin at `at`; NULL: not there. */
static const uint8_t *find_option(const struct memory *memory, size_t at, uint16_t code,
                                  uint16_t *bytes)
{
    while (u16_at(memory, at) != 0) {
        *bytes = u16_at(memory, at + 2);
        if (u16_at(memory, at) == code)
            return memory->bytes + at + 4;
        at += 4u + ((*bytes + 3u) & ~3u);
    }
    return NULL;
}

static void assert_packet(const struct memory *memory, unsigned n, uint32_t direction,
                          const char *comment)
{
    size_t at = find_block(memory, 6, n);
    uint16_t bytes;
    size_t options;
    const uint8_t *value;
    uint32_t flags;

    assert_int_not_equal(at, SIZE_MAX);
    options = at + 28 + ((u32_at(memory, at + 20) + 3) & ~3u);
    value = find_option(memory, options, 2, &bytes);
    assert_non_null(value);
    assert_int_equal(bytes, 4);
    memcpy(&flags, value, sizeof(flags));
    assert_int_equal(flags, direction);
    value = find_option(memory, options, 1, &bytes);
    if (comment) {
        assert_non_null(value);
        assert_int_equal(bytes, strlen(comment));
        assert_memory_equal(value, comment, bytes);
    } else {
        assert_null(value);
    }
}

static struct gander_packet *packet_with_why(struct fixture *f, uint64_t number, uint32_t len,
                                             uint8_t why)
{
    struct gander_packet *packet = numbered_packet(f->stack, number, len);

    packet->why = why;
    return packet;
}

/* Both directions through one capture; every length modulo four. */
static void record_some(struct fixture *f, struct gander_driver *capture, struct gander_driver *far)
{
    for (uint64_t i = 0; i < 8; i++) {
        struct gander_packet *packet =
            packet_with_why(f, i, 60 + (uint32_t)i, i % 4 == 3 ? 0 : GANDER_WHY_data);
        gander_time now = (gander_time)i * GANDER_S + 123456789;

        send_one(i % 2 ? far : capture, now, packet);
        gander_packet_free(receive_one(i % 2 ? capture : far, f->stack, now));
    }
}

static void blocks_carry_reasons_and_directions(void **state)
{
    struct fixture *f = *state;
    struct memory *memory = calloc(1, sizeof(*memory));
    struct gander_capture_options options = {.name = "left"};
    struct gander_driver *bare, *capture, *far;
    uint16_t bytes;

    assert_int_equal(gander_pcapng_create(write_memory, memory, &options.pcapng), GANDER_OK);
    assert_int_equal(gander_pair_create(1500, 0, 0, &bare, &far), GANDER_OK);
    assert_int_equal(gander_capture_create(bare, &options, &capture), GANDER_OK);
    assert_int_equal(capture->mtu_bytes, 1500);
    record_some(f, capture, far);
    assert_int_equal(memory->used, 0); /* buffered */
    assert_int_equal(gander_pcapng_flush(options.pcapng), GANDER_OK);
    assert_int_equal(u32_at(memory, 0), 0x0a0d0d0a);
    assert_int_equal(u32_at(memory, 8), 0x1a2b3c4d);
    assert_int_equal(find_block(memory, 1, 1), SIZE_MAX); /* one interface */
    assert_memory_equal(find_option(memory, find_block(memory, 1, 0) + 16, 2, &bytes), "left", 4);
    assert_int_equal(*find_option(memory, find_block(memory, 1, 0) + 16, 9, &bytes), 9);
    for (unsigned i = 0; i < 8; i++)
        assert_packet(memory, i, i % 2 ? GANDER_PCAPNG_IN : GANDER_PCAPNG_OUT,
                      i % 4 == 3 ? NULL : gander_why_text(GANDER_WHY_data));
    assert_int_equal(find_block(memory, 6, 8), SIZE_MAX);
    assert_int_equal(capture->transmitted_packets, 4);
    assert_int_equal(capture->received_packets, 4);
    gander_driver_close(capture);
    gander_driver_close(far);
    assert_int_equal(gander_pcapng_close(options.pcapng), GANDER_OK);
    free(memory);
}

static void only_what_the_driver_takes_is_recorded(void **state)
{
    struct fixture *f = *state;
    struct memory *memory = calloc(1, sizeof(*memory));
    struct gander_capture_options options = {0};
    struct gander_driver *bare, *capture, *far;
    struct gander_packet *packets[6];

    assert_int_equal(gander_pcapng_create(write_memory, memory, &options.pcapng), GANDER_OK);
    assert_int_equal(gander_pair_create(1500, 0, 4, &bare, &far), GANDER_OK);
    assert_int_equal(gander_capture_create(bare, &options, &capture), GANDER_OK);
    for (uint64_t i = 0; i < 6; i++)
        packets[i] = numbered_packet(f->stack, i, 100);
    assert_int_equal(gander_driver_transmit(capture, 0, packets, 6), 4);
    assert_int_equal(gander_driver_transmit(capture, 0, packets + 4, 2), 0);
    assert_int_equal(gander_capture_finish(capture), GANDER_OK);
    assert_int_not_equal(find_block(memory, 6, 3), SIZE_MAX);
    assert_int_equal(find_block(memory, 6, 4), SIZE_MAX);
    /* Finished: packets pass, the file stays as it is. */
    for (unsigned i = 0; i < 4; i++)
        gander_packet_free(receive_one(far, f->stack, 0));
    assert_int_equal(gander_driver_transmit(capture, 0, packets + 4, 2), 2);
    assert_int_equal(gander_capture_finish(capture), GANDER_OK);
    assert_int_equal(find_block(memory, 6, 4), SIZE_MAX);
    assert_int_equal(gander_capture_finish(far), GANDER_EINVAL);
    gander_driver_close(capture);
    gander_driver_close(far);
    assert_int_equal(gander_pcapng_close(options.pcapng), GANDER_OK);
    free(memory);
}

static void errors_are_kept_until_the_end(void **state)
{
    struct fixture *f = *state;
    struct memory *memory = calloc(1, sizeof(*memory));
    struct gander_capture_options options = {.path = "/dev/full"};
    struct gander_driver *bare, *capture, *far;
    struct gander_pcapng *pcapng;

    assert_int_equal(gander_pair_create(1500, 0, 0, &bare, &far), GANDER_OK);
    assert_int_equal(gander_capture_create(bare, &options, &capture), GANDER_OK);
    record_some(f, capture, far);
    errno = 0;
    assert_int_equal(gander_capture_finish(capture), GANDER_EIO);
    assert_int_equal(errno, ENOSPC);
    gander_driver_close(capture);
    gander_driver_close(far);

    memory->error = EPIPE;
    assert_int_equal(gander_pcapng_create(write_memory, memory, &pcapng), GANDER_OK);
    assert_int_equal(gander_pcapng_flush(pcapng), GANDER_EIO);
    memory->error = 0;
    assert_int_equal(gander_pcapng_flush(pcapng), GANDER_EIO); /* a file with a hole is no file */
    assert_int_equal(memory->used, 0);
    errno = 0;
    assert_int_equal(gander_pcapng_close(pcapng), GANDER_EIO);
    assert_int_equal(errno, EPIPE);
    free(memory);
}

static void bad_arguments_are_refused(void **state)
{
    struct gander_capture_options options = {0};
    struct gander_driver *bare, *capture, *far;

    (void)state;
    assert_int_equal(gander_pair_create(1500, 0, 0, &bare, &far), GANDER_OK);
    assert_int_equal(gander_capture_create(bare, &options, &capture), GANDER_EINVAL);
    options.path = "/nonexistent/file.pcapng";
    errno = 0;
    assert_int_equal(gander_capture_create(bare, &options, &capture), GANDER_EIO);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(gander_pcapng_close(NULL), GANDER_OK);
    gander_driver_close(bare);
    gander_driver_close(far);
}

#ifdef GANDER_HAVE_PCAP
enum { SNAPLEN = 64, PACKETS = 2000, WALL_SECONDS = 1700000000 };

static void write_file(struct fixture *f, const char *path)
{
    struct gander_capture_options options = {
        .path = path, .snaplen = SNAPLEN, .wall_offset_ns = WALL_SECONDS * GANDER_S};
    struct gander_driver *bare, *capture, *far;

    assert_int_equal(gander_pair_create(1500, 0, 0, &bare, &far), GANDER_OK);
    assert_int_equal(gander_capture_create(bare, &options, &capture), GANDER_OK);
    for (uint64_t i = 0; i < PACKETS; i++) {
        send_one(capture, (gander_time)i * 1000000007,
                 packet_with_why(f, i, 40 + (uint32_t)i % 1400, GANDER_WHY_data));
        gander_packet_free(receive_one(far, f->stack, 0));
    }
    assert_int_equal(gander_capture_finish(capture), GANDER_OK);
    gander_driver_close(capture);
    gander_driver_close(far);
}

static void libpcap_reads_it(void **state)
{
    char path[] = "/tmp/gander-capture-XXXXXX", error[PCAP_ERRBUF_SIZE];
    int fd = mkstemp(path);
    struct pcap_pkthdr *header;
    const uint8_t *bytes;
    pcap_t *pcap;

    assert_true(fd >= 0);
    close(fd);
    write_file(*state, path);
    pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, error);
    assert_non_null(pcap);
    assert_int_equal(pcap_datalink(pcap), DLT_RAW);
    for (uint64_t i = 0; i < PACKETS; i++) {
        uint64_t ns = i * 1000000007;

        assert_int_equal(pcap_next_ex(pcap, &header, &bytes), 1);
        assert_int_equal(header->len, 40 + i % 1400);
        assert_int_equal(header->caplen, header->len < SNAPLEN ? header->len : SNAPLEN);
        assert_int_equal(header->ts.tv_sec, WALL_SECONDS + ns / 1000000000);
        assert_int_equal(header->ts.tv_usec, ns % 1000000000);
        assert_memory_equal(bytes, &i, sizeof(i));
        for (uint32_t at = sizeof(i); at < header->caplen; at++)
            assert_int_equal(bytes[at], fixture_byte(i, at));
    }
    assert_int_equal(pcap_next_ex(pcap, &header, &bytes), PCAP_ERROR_BREAK);
    pcap_close(pcap);
    unlink(path);
}
#endif

/* A shared writer tells its links apart; a comment longer than an option can hold is cut between
 * characters. */
static void interfaces_and_long_comments(void **state)
{
    struct fixture *f = *state;
    struct memory *memory = calloc(1, sizeof(*memory));
    struct gander_packet *packet = numbered_packet(f->stack, 1, 64);
    char *comment = malloc(70002);
    struct gander_pcapng *pcapng;
    unsigned first, second;
    uint16_t bytes;
    size_t at;

    assert_int_equal(gander_pcapng_create(write_memory, memory, &pcapng), GANDER_OK);
    assert_int_equal(gander_pcapng_interface(pcapng, "one", 0, &first), GANDER_OK);
    assert_int_equal(gander_pcapng_interface(pcapng, "two", 0, &second), GANDER_OK);
    assert_int_not_equal(first, second);
    comment[0] = 'x';
    for (size_t i = 1; i < 70001; i += 2)
        memcpy(comment + i, "\xc3\xa4", 2);
    comment[70001] = '\0';
    gander_pcapng_packet(pcapng, second, 5, packet, GANDER_PCAPNG_UNKNOWN, comment);
    gander_pcapng_packet(pcapng, 7, 5, packet, GANDER_PCAPNG_UNKNOWN, "no such interface");
    assert_int_equal(gander_pcapng_close(pcapng), GANDER_OK);
    at = find_block(memory, 6, 0);
    assert_int_equal(u32_at(memory, at + 8), second);
    assert_memory_equal(find_option(memory, at + 28 + 64, 1, &bytes), comment, 59999);
    assert_int_equal(bytes, 59999);
    assert_int_equal(find_block(memory, 6, 1), SIZE_MAX);
    gander_packet_free(packet);
    free(comment);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(blocks_carry_reasons_and_directions),
        fixture_test(only_what_the_driver_takes_is_recorded),
        fixture_test(errors_are_kept_until_the_end),
        fixture_test(bad_arguments_are_refused),
#ifdef GANDER_HAVE_PCAP
        fixture_test(libpcap_reads_it),
#endif
        fixture_test(interfaces_and_long_comments),
    };

    return cmocka_run_group_tests_name("link_capture", tests, NULL, NULL);
}

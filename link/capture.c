/* SPDX-License-Identifier: MIT */
/*
 * Captures in the pcapng format (draft-ietf-opsawg-pcapng, "PCAP Next Generation Capture File
 * Format"): one section header, an interface description for each interface, an enhanced packet
 * block for each packet, with the options epb_flags (direction) and opt_comment. Native byte order,
 * as the format wants it. Left out: name resolution, interface statistics, decryption secrets,
 * reading.
 *
 * A block is built in memory and only then committed, because a packet must be recorded while it is
 * still ours, but counts only if the driver inside takes it.
 */
#include "link/capture_notes.h"

#include <gander/capture.h>
#include <gander/gander.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BUFFER_BYTES = 512 * 1024, /* more than twice the largest block */
    COMMENT_MAX_BYTES = 60000,
    SENT_COMMENT_BYTES = CAPTURE_NOTE_BYTES + 256, /* with the reason */
    INTERFACES_MAX = 65535,
    /* block types */
    BLOCK_SECTION = 0x0a0d0d0a,
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET = 6,
    /* options, each of its block type */
    OPTION_END = 0,
    OPTION_COMMENT = 1,
    OPTION_IF_NAME = 2,
    OPTION_PACKET_FLAGS = 2,
    OPTION_SECTION_APPLICATION = 4,
    OPTION_IF_TIME_RESOLUTION = 9,
    BYTE_ORDER_MAGIC = 0x1a2b3c4d,
    LINKTYPE_RAW = 101,
    NANOSECONDS = 9 /* resolution: 10 to the minus ninth */
};

struct gander_pcapng {
    gander_pcapng_write *write;
    void *context;
    int fd;    /* −1: none of our own */
    bool live; /* someone reads along: no waiting in the buffer beyond a burst */
    int error; /* the first errno */
    unsigned interfaces;
    uint32_t *snaplens;
    size_t committed; /* bytes of whole blocks in the buffer */
    size_t used;      /* with the block that is being built */
    uint8_t buffer[BUFFER_BYTES];
};

/* --- building blocks ----------------------------------------------------------------------- */

static void put(struct gander_pcapng *p, const void *data, size_t bytes)
{
    memcpy(p->buffer + p->used, data, bytes);
    p->used += bytes;
}

static void put_u16(struct gander_pcapng *p, unsigned value)
{
    uint16_t v = (uint16_t)value;

    put(p, &v, sizeof(v));
}

static void put_u32(struct gander_pcapng *p, uint32_t value)
{
    put(p, &value, sizeof(value));
}

static void pad(struct gander_pcapng *p)
{
    while (p->used % 4 != 0)
        p->buffer[p->used++] = 0;
}

static void put_option(struct gander_pcapng *p, unsigned code, const void *data, size_t bytes)
{
    put_u16(p, code);
    put_u16(p, (unsigned)bytes);
    put(p, data, bytes);
    pad(p);
}

static void put_option_text(struct gander_pcapng *p, unsigned code, const char *text)
{
    size_t bytes = text ? strlen(text) : 0;

    if (bytes > COMMENT_MAX_BYTES) {
        bytes = COMMENT_MAX_BYTES;
        while (((unsigned char)text[bytes] & 0xc0) == 0x80) /* no half UTF-8 characters */
            bytes--;
    }
    if (bytes > 0)
        put_option(p, code, text, bytes);
}

/* Hands whole blocks on; keeps one that is being built. */
static void drain(struct gander_pcapng *p)
{
    if (p->committed > 0 && p->error == 0)
        p->error = p->write(p->context, p->buffer, p->committed);
    memmove(p->buffer, p->buffer + p->committed, p->used - p->committed);
    p->used -= p->committed;
    p->committed = 0;
}

static void block_begin(struct gander_pcapng *p, uint32_t type)
{
    if (p->committed > BUFFER_BYTES / 2)
        drain(p);
    p->used = p->committed;
    put_u32(p, type);
    put_u32(p, 0); /* the length, which block_end() knows */
}

static void block_end(struct gander_pcapng *p)
{
    uint32_t bytes;

    put_u32(p, OPTION_END);
    bytes = (uint32_t)(p->used - p->committed) + 4;
    memcpy(p->buffer + p->committed + 4, &bytes, sizeof(bytes));
    put_u32(p, bytes);
}

static void block_commit(struct gander_pcapng *p)
{
    p->committed = p->used;
}

static void section_header(struct gander_pcapng *p)
{
    block_begin(p, BLOCK_SECTION);
    put_u32(p, BYTE_ORDER_MAGIC);
    put_u16(p, 1); /* version 1.0 */
    put_u16(p, 0);
    put_u32(p, UINT32_MAX); /* section length: not known, 64 bits of ones */
    put_u32(p, UINT32_MAX);
    put_option_text(p, OPTION_SECTION_APPLICATION, "gander " GANDER_VERSION);
    block_end(p);
    block_commit(p);
}

static void packet_build(struct gander_pcapng *p, unsigned interface, int64_t unix_ns,
                         const struct gander_packet *packet, enum gander_pcapng_direction direction,
                         const char *comment)
{
    uint32_t kept = packet->len;
    uint32_t flags = (uint32_t)direction;

    if (kept > p->snaplens[interface])
        kept = p->snaplens[interface];
    block_begin(p, BLOCK_PACKET);
    put_u32(p, interface);
    put_u32(p, (uint32_t)((uint64_t)unix_ns >> 32));
    put_u32(p, (uint32_t)unix_ns);
    put_u32(p, kept);
    put_u32(p, packet->len);
    p->used += gander_packet_bytes(packet, p->buffer + p->used, kept);
    pad(p);
    put_option(p, OPTION_PACKET_FLAGS, &flags, sizeof(flags));
    put_option_text(p, OPTION_COMMENT, comment);
    block_end(p);
}

/* --- the writer ----------------------------------------------------------------------------- */

static int write_descriptor(void *context, const void *data, size_t bytes)
{
    const struct gander_pcapng *p = context;
    const uint8_t *from = data;

    while (bytes > 0) {
        ssize_t n = write(p->fd, from, bytes);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        from += n;
        bytes -= (size_t)n;
    }
    return 0;
}

int gander_pcapng_create(gander_pcapng_write *write_fn, void *context,
                         struct gander_pcapng **pcapng)
{
    struct gander_pcapng *p = malloc(sizeof(*p));

    if (!p)
        return GANDER_ENOMEM;
    p->write = write_fn;
    p->context = context;
    p->fd = -1;
    p->live = false;
    p->error = 0;
    p->interfaces = 0;
    p->snaplens = NULL;
    p->committed = 0;
    p->used = 0;
    section_header(p);
    *pcapng = p;
    return GANDER_OK;
}

int gander_pcapng_open(const char *path, struct gander_pcapng **pcapng)
{
    bool standard = strcmp(path, "-") == 0;
    int fd =
        standard ? dup(STDOUT_FILENO) : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int result;

    if (fd < 0)
        return GANDER_EIO;
    result = gander_pcapng_create(write_descriptor, NULL, pcapng);
    if (result < 0) {
        close(fd);
        return result;
    }
    (*pcapng)->context = *pcapng;
    (*pcapng)->fd = fd;
    (*pcapng)->live = standard;
    return GANDER_OK;
}

int gander_pcapng_interface(struct gander_pcapng *p, const char *name, uint32_t snaplen,
                            unsigned *interface)
{
    const uint8_t resolution = NANOSECONDS;
    uint32_t *snaplens;

    if (snaplen == 0)
        snaplen = GANDER_PCAPNG_SNAPLEN;
    if (p->interfaces >= INTERFACES_MAX)
        return GANDER_EINVAL;
    snaplens = realloc(p->snaplens, (p->interfaces + 1) * sizeof(*snaplens));
    if (!snaplens)
        return GANDER_ENOMEM;
    p->snaplens = snaplens;
    p->snaplens[p->interfaces] = snaplen;
    *interface = p->interfaces++;
    block_begin(p, BLOCK_INTERFACE);
    put_u16(p, LINKTYPE_RAW);
    put_u16(p, 0);
    put_u32(p, snaplen);
    put_option_text(p, OPTION_IF_NAME, name);
    put_option(p, OPTION_IF_TIME_RESOLUTION, &resolution, sizeof(resolution));
    block_end(p);
    block_commit(p);
    return GANDER_OK;
}

void gander_pcapng_packet(struct gander_pcapng *p, unsigned interface, int64_t unix_ns,
                          const struct gander_packet *packet,
                          enum gander_pcapng_direction direction, const char *comment)
{
    if (p->error != 0 || interface >= p->interfaces)
        return;
    packet_build(p, interface, unix_ns, packet, direction, comment);
    block_commit(p);
}

int gander_pcapng_flush(struct gander_pcapng *p)
{
    p->used = p->committed;
    drain(p);
    if (p->error == 0)
        return GANDER_OK;
    errno = p->error;
    return GANDER_EIO;
}

int gander_pcapng_close(struct gander_pcapng *p)
{
    int error;

    if (!p)
        return GANDER_OK;
    (void)gander_pcapng_flush(p);
    error = p->error;
    if (p->fd >= 0 && close(p->fd) < 0 && error == 0 && errno != EINTR)
        error = errno;
    free(p->snaplens);
    free(p);
    if (error == 0)
        return GANDER_OK;
    errno = error;
    return GANDER_EIO;
}

/* --- the driver ------------------------------------------------------------------------------- */

struct capture {
    struct gander_driver driver;
    struct gander_driver *inner;
    struct gander_pcapng *pcapng; /* NULL: finished */
    bool own;                     /* the writer ends with the driver */
    unsigned interface;
    gander_time wall_offset_ns;
    struct capture_notes *notes; /* NULL: the reason of each packet is all that comments say */
};

static inline struct capture *capture_of(struct gander_driver *driver)
{
    return (struct capture *)(void *)driver;
}

static bool recording(const struct capture *capture)
{
    return capture->pcapng && capture->pcapng->error == 0;
}

static void kept_write(void *context, const struct gander_packet *packet, int64_t unix_ns,
                       const char *comment)
{
    struct capture *capture = context;

    gander_pcapng_packet(capture->pcapng, capture->interface, unix_ns, packet, GANDER_PCAPNG_IN,
                         comment);
}

/* What was received before: by now all has happened that it could do. */
static void write_kept(struct capture *capture)
{
    if (capture->notes && recording(capture))
        capture_notes_flush(capture->notes, kept_write, capture);
}

static void record_received(struct capture *capture, gander_time now,
                            const struct gander_packet *packet)
{
    int64_t unix_ns = now + capture->wall_offset_ns;

    if (capture->notes && capture_notes_keep(capture->notes, packet, unix_ns))
        return;
    write_kept(capture); /* no room: as it is, and in order */
    gander_pcapng_packet(capture->pcapng, capture->interface, unix_ns, packet, GANDER_PCAPNG_IN,
                         gander_why_text(packet->why));
}

/* The reason, and what goes with it. */
static const char *sent_comment(struct capture *capture, const struct gander_packet *packet,
                                char text[SENT_COMMENT_BYTES])
{
    const char *why = gander_why_text(packet->why), *note;

    if (!capture->notes)
        return why;
    note = capture_notes_sent(capture->notes, packet);
    snprintf(text, SENT_COMMENT_BYTES, "%s%s%s", why, *note ? "\n" : "", note);
    return text;
}

static void burst_end(struct capture *capture)
{
    if (recording(capture) && capture->pcapng->live)
        (void)gander_pcapng_flush(capture->pcapng);
}

static int capture_receive(struct gander_driver *driver, struct gander_stack *stack,
                           gander_time now, struct gander_packet **packets, int max)
{
    struct capture *capture = capture_of(driver);
    int n;

    write_kept(capture);
    n = gander_driver_receive(capture->inner, stack, now, packets, max);
    if (n <= 0)
        return n;
    driver->received_packets += (uint64_t)n;
    if (!recording(capture))
        return n;
    for (int i = 0; i < n; i++)
        record_received(capture, now, packets[i]);
    burst_end(capture);
    return n;
}

/* One at a time: see the top of the file. */
static int transmit_recorded(struct capture *capture, gander_time now,
                             struct gander_packet *const *packets, int n)
{
    char text[SENT_COMMENT_BYTES];
    int sent = 0;

    write_kept(capture);
    while (sent < n) {
        int result;

        packet_build(capture->pcapng, capture->interface, now + capture->wall_offset_ns,
                     packets[sent], GANDER_PCAPNG_OUT, sent_comment(capture, packets[sent], text));
        result = gander_driver_transmit(capture->inner, now, &packets[sent], 1);
        if (result < 0 && sent == 0)
            return result;
        if (result <= 0)
            break;
        block_commit(capture->pcapng);
        sent++;
    }
    burst_end(capture);
    return sent;
}

static int capture_transmit(struct gander_driver *driver, gander_time now,
                            struct gander_packet *const *packets, int n)
{
    struct capture *capture = capture_of(driver);
    int sent = recording(capture) ? transmit_recorded(capture, now, packets, n)
                                  : gander_driver_transmit(capture->inner, now, packets, n);

    if (sent > 0)
        driver->transmitted_packets += (uint64_t)sent;
    return sent;
}

static gander_time capture_deadline(const struct gander_driver *driver)
{
    return gander_driver_deadline(((const struct capture *)(const void *)driver)->inner);
}

static int capture_descriptor(const struct gander_driver *driver)
{
    return gander_driver_descriptor(((const struct capture *)(const void *)driver)->inner);
}

static int finish(struct capture *capture)
{
    struct gander_pcapng *pcapng = capture->pcapng;

    write_kept(capture);
    capture->pcapng = NULL;
    if (!pcapng)
        return GANDER_OK;
    return capture->own ? gander_pcapng_close(pcapng) : gander_pcapng_flush(pcapng);
}

static void capture_close(struct gander_driver *driver)
{
    struct capture *capture = capture_of(driver);

    (void)finish(capture);
    gander_driver_close(capture->inner);
    capture_notes_free(capture->notes);
    free(capture);
}

static const struct gander_driver_ops capture_ops = {
    .receive = capture_receive,
    .transmit = capture_transmit,
    .deadline = capture_deadline,
    .descriptor = capture_descriptor,
    .close = capture_close,
};

int gander_capture_create(struct gander_driver *inner, const struct gander_capture_options *options,
                          struct gander_driver **driver)
{
    struct capture *capture;
    int result = GANDER_OK;

    if (!inner || (options->path == NULL) == (options->pcapng == NULL))
        return GANDER_EINVAL;
    capture = calloc(1, sizeof(*capture));
    if (!capture)
        return GANDER_ENOMEM;
    capture->driver.ops = &capture_ops;
    capture->driver.mtu_bytes = inner->mtu_bytes;
    capture->driver.flags = inner->flags;
    capture->inner = inner;
    capture->own = options->path != NULL;
    capture->wall_offset_ns = options->wall_offset_ns;
    capture->pcapng = options->pcapng;
    if (options->explain) {
        capture->notes = capture_notes_new();
        result = capture->notes ? GANDER_OK : GANDER_ENOMEM;
    }
    if (capture->own && result == GANDER_OK)
        result = gander_pcapng_open(options->path, &capture->pcapng);
    if (result == GANDER_OK) {
        result = gander_pcapng_interface(capture->pcapng, options->name ? options->name : "gander",
                                         options->snaplen, &capture->interface);
        if (result == GANDER_OK) {
            *driver = &capture->driver;
            return GANDER_OK;
        }
        if (capture->own)
            (void)gander_pcapng_close(capture->pcapng);
    }
    capture_notes_free(capture->notes);
    free(capture);
    return result;
}

void gander_capture_event(struct gander_driver *driver, const struct gander_trace_event *event)
{
    if (driver && driver->ops == &capture_ops && capture_of(driver)->notes)
        capture_notes_event(capture_of(driver)->notes, event);
}

int gander_capture_finish(struct gander_driver *driver)
{
    if (!driver || driver->ops != &capture_ops)
        return GANDER_EINVAL;
    return finish(capture_of(driver));
}

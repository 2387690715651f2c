/* SPDX-License-Identifier: MIT */
/*
 * Captures: what passes a link, as a pcapng file for Wireshark and tcpdump, with gander's reason
 * for each packet as the packet's comment. A writer (struct gander_pcapng) and a wrapper for
 * drivers that uses one.
 *
 * Format: draft-ietf-opsawg-pcapng. Link type RAW (101): IP packets without link header.
 * Nanoseconds.
 */
#ifndef GANDER_CAPTURE_H
#define GANDER_CAPTURE_H

#include <gander/error.h>
#include <gander/link.h>
#include <gander/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gander_pcapng;

/* As in epb_flags. */
enum gander_pcapng_direction {
    GANDER_PCAPNG_UNKNOWN = 0,
    GANDER_PCAPNG_IN = 1,
    GANDER_PCAPNG_OUT = 2
};

enum { GANDER_PCAPNG_SNAPLEN = 262144 };

/* Where bytes go. Returns 0, or an errno value; after the first error nothing more is written. */
typedef int gander_pcapng_write(void *context, const void *data, size_t bytes);

/* Writes to a file, which is made or emptied; "-" is standard output. GANDER_EIO: errno says why.
 * GANDER_ENOMEM. */
int gander_pcapng_open(const char *path, struct gander_pcapng **pcapng);

/* Writes to a function. GANDER_ENOMEM. */
int gander_pcapng_create(gander_pcapng_write *write, void *context, struct gander_pcapng **pcapng);

/* Announces an interface; its number goes with each packet. `snaplen` 0: GANDER_PCAPNG_SNAPLEN.
 * GANDER_EINVAL: 65,535 exist. */
int gander_pcapng_interface(struct gander_pcapng *pcapng, const char *name, uint32_t snaplen,
                            unsigned *interface);

/* One packet. `unix_ns`: nanoseconds since 1970. `comment` NULL or "": none; cut off at 60,000
 * bytes. */
void gander_pcapng_packet(struct gander_pcapng *pcapng, unsigned interface, int64_t unix_ns,
                          const struct gander_packet *packet,
                          enum gander_pcapng_direction direction, const char *comment);

/* Hands what is buffered to the file. GANDER_EIO: this or an earlier write failed; errno is that of
 * the first failure. */
int gander_pcapng_flush(struct gander_pcapng *pcapng);

/* Flushes and ends. GANDER_EIO as above. NULL is allowed. */
int gander_pcapng_close(struct gander_pcapng *pcapng);

struct gander_capture_options {
    const char *path;             /* a file of its own; or NULL, and … */
    struct gander_pcapng *pcapng; /* … a writer for several captures; it outlives the driver */
    const char *name;             /* of the interface; NULL: "gander" */
    uint32_t snaplen;             /* bytes kept of each packet; 0: all */
    gander_time wall_offset_ns;   /* driver's time to 1970's: gander_host_wall_offset() */
    /* Comments tell more: the state that a segment met and what it did there; states, timers, windows and losses.
     * gander_capture_event() must then get the stack's trace events. */
    bool explain;
};

/*
 * Wraps `inner`, which from now on belongs to the new driver. Received packets too get a comment
 * where they say why they were sent (memory pairs pass it on). GANDER_EINVAL: neither or both of
 * path and pcapng. GANDER_EIO: the file cannot be made; errno. GANDER_ENOMEM. On error `inner` is
 * still the caller's.
 */
int gander_capture_create(struct gander_driver *inner, const struct gander_capture_options *options,
                          struct gander_driver **driver);

/* An event of the stack behind the driver, for a capture with `explain`; else nothing happens. For trace hooks: does not use
 * the stack. */
void gander_capture_event(struct gander_driver *driver, const struct gander_trace_event *event);

/*
 * Ends the file, before gander_driver_close(), to learn whether all was written; packets still pass
 * afterwards, unrecorded. GANDER_EIO: errno. GANDER_EINVAL: not a capture.
 */
int gander_capture_finish(struct gander_driver *driver);

#ifdef __cplusplus
}
#endif
#endif

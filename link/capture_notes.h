/* SPDX-License-Identifier: MIT */
/*
 * What a capture's comments say beside the reason: which state a segment met and what it did there, what a segment was sent
 * with. Trace events tell; they come behind a received packet and before a sent one. So received packets are kept until
 * the driver is called again, when everything that they did has happened.
 */
#ifndef LINK_CAPTURE_NOTES_H
#define LINK_CAPTURE_NOTES_H

#include <gander/capture.h>
#include <gander/trace.h>

enum { CAPTURE_NOTE_BYTES = 512, CAPTURE_KEPT_PACKETS = 128 };

struct capture_notes;

/* NULL: no memory. */
struct capture_notes *capture_notes_new(void);
void capture_notes_free(struct capture_notes *notes);

void capture_notes_event(struct capture_notes *notes, const struct gander_trace_event *event);

/* A packet came in: a copy is kept. False: there is no room for it, or no memory. */
bool capture_notes_keep(struct capture_notes *notes, const struct gander_packet *packet,
                        int64_t unix_ns);

typedef void capture_notes_write(void *context, const struct gander_packet *packet, int64_t unix_ns,
                                 const char *comment);
/* Hands out what is kept, in order. */
void capture_notes_flush(struct capture_notes *notes, capture_notes_write *write, void *context);

/* The comment of a packet that goes out; valid until the next call. */
const char *capture_notes_sent(struct capture_notes *notes, const struct gander_packet *packet);

#endif

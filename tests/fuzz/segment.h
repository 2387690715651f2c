/* SPDX-License-Identifier: MIT */
/* TCP segments for fuzz targets: written from a description, and read back from what a stack sent. */
#ifndef TESTS_FUZZ_SEGMENT_H
#define TESTS_FUZZ_SEGMENT_H

#include "frame.h"

enum { SEGMENT_OPTIONS_MAX = 40, SEGMENT_TEXT_MAX = 1440 };

struct segment {
    uint16_t source_port, destination_port;
    uint32_t seq, ack;
    uint16_t wnd, up;
    uint8_t flags; /* enum gander_tcp_flags */
    uint8_t options[SEGMENT_OPTIONS_MAX];
    uint32_t option_bytes; /* padded with end-of-list when written */
    const uint8_t *text;
    uint32_t text_len;
    /* read: the timestamp option */
    bool has_timestamp;
    uint32_t tsval, tsecr;
};

/* Appends an option of `bytes` bytes, if there is room. */
void segment_option(struct segment *segment, const uint8_t *option, uint32_t bytes);
void segment_option32(struct segment *segment, uint8_t kind, unsigned numbers,
                      const uint32_t *number);

void segment_write(struct frame *frame, const struct gander_address *from,
                   const struct gander_address *to, const struct segment *segment);

/* False: not TCP. `frame` has passed frame_check(). `text` points into it. */
bool segment_read(const struct frame *frame, struct segment *segment);

#endif

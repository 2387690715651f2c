/* SPDX-License-Identifier: MIT */
/* TCP segments; see segment.h. */
#include "segment.h"

enum { HEADER_BYTES = 20 };

void segment_option(struct segment *segment, const uint8_t *option, uint32_t bytes)
{
    if (segment->option_bytes + bytes > SEGMENT_OPTIONS_MAX)
        return;
    memcpy(segment->options + segment->option_bytes, option, bytes);
    segment->option_bytes += bytes;
}

void segment_option32(struct segment *segment, uint8_t kind, unsigned numbers,
                      const uint32_t *number)
{
    uint8_t option[SEGMENT_OPTIONS_MAX] = {kind, (uint8_t)(2 + 4 * numbers)};

    CHECK(2 + 4 * numbers <= sizeof(option));
    for (unsigned i = 0; i < numbers; i++)
        frame_put32(option + 2 + (size_t)4 * i, number[i]);
    segment_option(segment, option, 2 + 4 * numbers);
}

void segment_write(struct frame *frame, const struct gander_address *from,
                   const struct gander_address *to, const struct segment *segment)
{
    uint32_t header = HEADER_BYTES + (segment->option_bytes + 3) / 4 * 4;
    uint8_t *b = frame_begin(frame, from, to, FRAME_TCP, header + segment->text_len);

    frame_put16(b, segment->source_port);
    frame_put16(b + 2, segment->destination_port);
    frame_put32(b + 4, segment->seq);
    frame_put32(b + 8, segment->ack);
    b[12] = (uint8_t)(header / 4 << 4);
    b[13] = segment->flags;
    frame_put16(b + 14, segment->wnd);
    frame_put16(b + 18, segment->up);
    memcpy(b + HEADER_BYTES, segment->options, segment->option_bytes);
    if (segment->text_len)
        memcpy(b + header, segment->text, segment->text_len);
    frame_fix(frame);
}

static void read_options(const uint8_t *option, uint32_t left, struct segment *segment)
{
    segment->option_bytes = left;
    memcpy(segment->options, option, left);
    while (left > 0 && option[0] != 0) {
        uint32_t bytes = 1;

        if (option[0] != 1) {
            CHECK(left >= 2 && option[1] >= 2 && option[1] <= left);
            bytes = option[1];
        }
        if (option[0] == 8) {
            CHECK(bytes == 10 && !segment->has_timestamp);
            segment->has_timestamp = true;
            segment->tsval = frame_get32(option + 2);
            segment->tsecr = frame_get32(option + 6);
        }
        option += bytes;
        left -= bytes;
    }
}

bool segment_read(const struct frame *frame, struct segment *segment)
{
    uint8_t protocol = 0;
    uint32_t at = frame_transport(frame, &protocol), header;
    const uint8_t *b = frame->bytes + at;

    if (protocol != FRAME_TCP)
        return false;
    memset(segment, 0, sizeof(*segment));
    header = (b[12] >> 4) * 4U;
    segment->source_port = frame_get16(b);
    segment->destination_port = frame_get16(b + 2);
    segment->seq = frame_get32(b + 4);
    segment->ack = frame_get32(b + 8);
    segment->flags = b[13];
    segment->wnd = frame_get16(b + 14);
    segment->up = frame_get16(b + 18);
    read_options(b + HEADER_BYTES, header - HEADER_BYTES, segment);
    segment->text = b + header;
    segment->text_len = frame->len - at - header;
    return true;
}

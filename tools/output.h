/* SPDX-License-Identifier: MIT */
/*
 * Writing to a descriptor of this machine without ever being held up by it: while a pipe's reader sleeps, the
 * stack must go on acknowledging. The descriptor's flags are not touched, because others may share it.
 */
#ifndef TOOLS_OUTPUT_H
#define TOOLS_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Writes what can be written at once. Returns how many bytes (less than `len`: wait for EPOLLOUT), or −1 with errno.
 */
int64_t output_write(int fd, const void *data, size_t len);

#endif

/* SPDX-License-Identifier: MIT */
/* The HTML page around a trace, as cmake/Embed.cmake makes it of the files of this folder. */
#ifndef TOOLS_HTML_PAGE_H
#define TOOLS_HTML_PAGE_H

#include <stddef.h>

extern const unsigned char page_before[], page_after[];
extern const size_t page_before_bytes, page_after_bytes;

#endif

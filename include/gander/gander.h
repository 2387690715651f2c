/* SPDX-License-Identifier: MIT */
/* All of gander's core: a TCP and UDP stack as a library. See docs/ARCHITECTURE.md. */
#ifndef GANDER_GANDER_H
#define GANDER_GANDER_H

#include <gander/error.h>
#include <gander/info.h>
#include <gander/link.h>
#include <gander/packet.h>
#include <gander/socket.h>
#include <gander/stack.h>
#include <gander/trace.h>

#define GANDER_VERSION "0.1.0"

#endif

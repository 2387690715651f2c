/* SPDX-License-Identifier: MIT */
/* Which addresses the stack and the kernel have on the TUN device. */
#ifndef TOOLS_NETWORK_H
#define TOOLS_NETWORK_H

#include "options.h"

/* Fills in the defaults: own addresses, and for each prefix the kernel's. false after a message. */
bool network_plan(const struct options *options, struct option_prefixes *own,
                  struct option_prefixes *kernel);

/*
 * false after a message: another interface of this machine has one of these networks already; what the
 * kernel sends there would not come here. `tun`: the interface that does not count.
 */
bool network_check_free(const struct option_prefixes *kernel, const char *tun);

#endif

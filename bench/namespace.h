/* SPDX-License-Identifier: MIT */
/* Network namespaces for benches: made here, gone with the process. */
#ifndef BENCH_NAMESPACE_H
#define BENCH_NAMESPACE_H

#include <stdbool.h>
#include <stddef.h>

/* A new network namespace; without privilege inside a new user namespace in which we are root. False: `note` says why not. */
bool namespace_enter(char *note, size_t size);

/* A setting of the namespace, "net/ipv4/tcp_tw_reuse": best effort. */
bool namespace_sysctl(const char *name, const char *value);

#endif

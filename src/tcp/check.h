/* SPDX-License-Identifier: MIT */
/* The invariants of TCP: check.c. Each function returns NULL, or the condition that does not hold. */
#ifndef TCP_CHECK_H
#define TCP_CHECK_H

#include "tcp/tcp.h"

const char *tcp_broken(const struct gander_stack *stack, const struct tcp_conn *c);
const char *tcp_broken_deep(const struct gander_stack *stack, const struct tcp_conn *c);
const char *tcp_listener_broken(const struct tcp_listener *l);
/* All flows and the numbers kept of them; deeply one connection, another one each turn. */
const char *tcp_broken_anywhere(const struct gander_stack *stack, uint64_t turn);
/* check_lists.c: of the lists of connections that want to send, and of those that hold memory */
const char *tcp_lists_broken(const struct gander_stack *stack);

#endif

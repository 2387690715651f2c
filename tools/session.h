/* SPDX-License-Identifier: MIT */
/*
 * What every subcommand with a link needs: a stack, its TUN device with impairments and capture around it, and
 * the loop that drives them. One session a process, because signals end it.
 *
 *   session_open()    reads nothing but the options; on failure it has said why
 *   session_run()     calls `events` until session_end() or a signal
 *   session_close()   lets connections finish, takes everything down; returns the command's exit code
 */
#ifndef TOOLS_SESSION_H
#define TOOLS_SESSION_H

#include <stdbool.h>

#include <gander/gander.h>
#include <gander/host.h>

#include "options.h"

enum {
    SESSION_RESOLVE_MAX = 8,
    SESSION_BUFFER_BYTES = 1 << 20, /* of a connection, each way: the window offered */
    SESSION_MEMORY_BYTES = 256 << 20
};

struct session {
    const struct options *options;
    struct trace_files trace; /* opened from the options */
    struct gander_stack *stack;
    struct gander_host *host;
    struct gander_driver *driver;  /* the outermost: capture, impairment, TUN */
    struct gander_driver *impairs; /* NULL: none */
    bool captures;
    unsigned link;
    struct option_prefixes addresses; /* of the stack, defaults filled in */
    struct option_prefixes kernel;    /* of the kernel's side */
    int code;                         /* enum code: what the command will return */
    bool ended;
    gander_time farewell_ns; /* how long connections without owner may take to end */
};

/* 0, or an enum code after a message. */
int session_open(struct session *session, const struct options *options);

/* Returns when session_end() was called, a signal came, or the device is gone. */
void session_run(struct session *session, gander_host_events_fn *events, void *context);

/* Ends session_run() after this turn; the first code other than CODE_OK stays. */
void session_end(struct session *session, int code);

/* SIGINT or SIGTERM: its number; 0: none came. */
int session_signal(void);

/*
 * Closes what is open: connections without owner get a few seconds to deliver what they hold and to say goodbye,
 * less after a signal. Returns the exit code: that of session_end(), 128 + signal if a signal ended the run
 * before that.
 */
int session_close(struct session *session);

/*
 * Numeric addresses or names (/etc/hosts, DNS of this machine) to addresses that the stack has a family for.
 * Returns how many, 0 after a message.
 */
unsigned session_resolve(const struct session *session, const char *host, uint16_t port,
                         struct gander_address list[SESSION_RESOLVE_MAX]);

/* Has the stack an address of this family? */
bool session_has_family(const struct session *session, unsigned family);

#endif

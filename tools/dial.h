/* SPDX-License-Identifier: MIT */
/* Connecting to a name that may have several addresses: one after the other until one answers. */
#ifndef TOOLS_DIAL_H
#define TOOLS_DIAL_H

#include "session.h"

struct dial {
    struct session *session;
    enum gander_type type;
    struct gander_address list[SESSION_RESOLVE_MAX];
    unsigned count, at;
    gander_socket socket;                 /* the attempt under way; 0: none */
    char text[GANDER_ADDRESS_TEXT_BYTES]; /* its peer */
};

/* Resolves and begins. 0, or an enum code after a message. */
int dial_open(struct dial *dial, struct session *session, enum gander_type type, const char *host,
              uint16_t port);

/* The attempt ended with `error`: begins the next one; false after a message: that was the last. */
bool dial_next(struct dial *dial, int error);

#endif

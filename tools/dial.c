/* SPDX-License-Identifier: MIT */
/* Connecting, address by address. Left out: racing them (RFC 8305). */
#include "dial.h"
#include "commands.h"
#include "message.h"

#include <string.h>

static int dial_try(struct dial *dial)
{
    struct gander_stack *stack = dial->session->stack;
    int error = gander_open(stack, dial->type, &dial->socket);

    gander_address_format(&dial->list[dial->at], dial->text, sizeof(dial->text));
    if (error)
        return error;
    if (dial->session->options->fastopen && dial->type == GANDER_TCP)
        (void)gander_set_option(stack, dial->socket, GANDER_OPTION_FASTOPEN_CONNECT, 1);
    error = gander_connect(stack, dial->socket, &dial->list[dial->at]);
    if (!error)
        return 0;
    (void)gander_close(stack, dial->socket);
    dial->socket = 0;
    return error;
}

bool dial_next(struct dial *dial, int error)
{
    for (;;) {
        if (dial->socket)
            (void)gander_close(dial->session->stack, dial->socket);
        dial->socket = 0;
        message_error("cannot connect to %s: %s", dial->text, gander_strerror(error));
        if (++dial->at >= dial->count)
            return false;
        error = dial_try(dial);
        if (!error)
            return true;
    }
}

int dial_open(struct dial *dial, struct session *session, enum gander_type type, const char *host,
              uint16_t port)
{
    int error;

    memset(dial, 0, sizeof(*dial));
    dial->session = session;
    dial->type = type;
    dial->count = session_resolve(session, host, port, dial->list);
    if (dial->count == 0)
        return CODE_PEER;
    error = dial_try(dial);
    return !error || dial_next(dial, error) ? 0 : CODE_PEER;
}

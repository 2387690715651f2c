/* SPDX-License-Identifier: MIT */
/*
 * Joins standard input and output to one socket, as `gander connect` and `gander listen` do. Both directions run
 * and end on their own; neither holds up the other or the stack.
 */
#ifndef TOOLS_RELAY_H
#define TOOLS_RELAY_H

#include "progress.h"
#include "session.h"

enum { RELAY_BUFFER_BYTES = 65536 };

struct relay {
    struct session *session;
    void *context; /* the caller's */
    void (*ended)(struct relay *relay,
                  int error); /* the connection is over; error: GANDER_E… or 0 */
    gander_socket socket;
    bool datagrams;
    uint32_t datagram_bytes; /* the most that one takes without fragments */
    gander_time silence_ns;  /* --wait: end after so much silence; 0: never */
    struct gander_host_alarm silence, draw;

    bool input_ended; /* end of standard input; it stays so from one connection to the next */
    bool input_watched, sending_ended, all_sent;
    char input[RELAY_BUFFER_BYTES];
    size_t input_at, input_len;

    bool output_watched, receiving_ended;
    char output[RELAY_BUFFER_BYTES];
    size_t output_at, output_len;

    int send_error; /* why sending ended early; told when all that arrived is read */
    int64_t sent_bytes, received_bytes;
    bool progress_wanted;
    struct progress progress;
};

/* Once. */
void relay_init(struct relay *relay, struct session *session,
                void (*ended)(struct relay *relay, int error));

/* Begins with a connected socket, or with a UDP socket that has its peer. */
void relay_start(struct relay *relay, gander_socket socket);

/* An event of that socket. */
void relay_event(struct relay *relay, const struct gander_event *event);

/* Stops watching; the socket is the caller's again. relay->ended() is called after this. */
void relay_stop(struct relay *relay);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Two stacks and a wire on which chosen packets meet chosen faults; applications that open, talk and close as a scenario says;
 * and what must be true at the end. One call is one run, from new stacks to nothing left. Packets are numbered from 0 in the
 * order in which they are sent, both directions together.
 */
#ifndef TESTS_SIM_SCHEDULES_H
#define TESTS_SIM_SCHEDULES_H

#include <gander/gander.h>

enum fault_kind { FAULT_DROP, FAULT_DUPLICATE, FAULT_SWAP, FAULT_DELAY, FAULT_CORRUPT, FAULTS };

enum { SCHEDULE_FAULTS_MAX = 4, RUN_TEXT_BYTES = 200 };

struct fault {
    unsigned packet;
    enum fault_kind kind;
};

struct schedule {
    struct fault faults[SCHEDULE_FAULTS_MAX]; /* by packet, rising */
    unsigned count;
    gander_time starts[2]; /* of the two clocks */
    bool told;             /* each segment, on stderr */
};

enum opening { OPEN_PASSIVE, OPEN_SIMULTANEOUS, OPEN_REFUSED };

#define AT_END GANDER_NEVER

/* What one side does. Times since the beginning. */
struct part {
    uint32_t bytes; /* it sends */
    gander_time
        shut_from; /* sends FIN from then on, once all is sent; AT_END: when the peer has closed */
    gander_time read_from; /* reads nothing before */
    gander_time abort_at;  /* 0: never */
    bool send_at_end;      /* sends only when the peer has closed: half close */
    bool
        close_at_once; /* lets go of its socket instead of shutting one direction; then it reads nothing */
};

struct scenario {
    const char *name;
    enum opening opening;
    struct part parts[2];    /* client, server */
    uint32_t receive_buffer; /* 0: as usual */
    bool bare;               /* no timestamps, SACK, scaling */
    bool as_before;          /* as the scenario before, with other numbers */
    bool ipv6;
    uint32_t iss; /* both sides begin with this number; 0: any */
    bool again;   /* once it is over, the same once more, from the same port */
};

/* transitions[from][to]: how often, over all runs. */
struct transitions {
    unsigned long taken[GANDER_TCP_STATES][GANDER_TCP_STATES];
    unsigned long illegal;
};

/* True for what RFC 9293 figure 5 allows, and for CLOSED from any state (reset, abort, time-out). */
bool transition_is_legal(unsigned from, unsigned to);

/* Sets the clocks such that the scenario's initial numbers come out. */
void schedule_aim(const struct scenario *scenario, struct schedule *schedule);

/*
 * Runs. Returns how many packets were sent. `text`: empty if all is as it must be, or what is not: bytes, ends, transitions,
 * remains, memory.
 */
unsigned schedule_run(const struct scenario *scenario, const struct schedule *schedule,
                      struct transitions *transitions, char text[RUN_TEXT_BYTES]);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A plan: everything that makes a run of the swarm, as a list of items that stand alone: settings, links, conversations and
 * faults with their time. A seed draws one; as text it is a file, one item a line, "loss at_us=200 for_us=50 link=0 end=2
 * amount=300000". Any subset of a plan is a plan, which is what makes shrinking simple: items are left out and numbers made
 * smaller for as long as the run still fails.
 */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { SIM_HOSTS_MAX = 6, SIM_ITEM_VALUES = 10, SIM_ITEMS_MAX = 1024 };

/*
 * X(name, group, values…). Groups: KNOB (a setting of a host or a socket), LINK, FLOW (a conversation), FAULT (of a link),
 * TROUBLE (of a host). The meaning of a flow's `x` and `y` stands with each.
 */
#define SIM_FLOW_VALUES "id", "at_us", "link", "from", "family", "up", "down", "x", "y"
#define SIM_FAULT_VALUES "at_us", "for_us", "link", "end", "amount"
#define SIM_TROUBLE_VALUES "at_us", "for_us", "host", "amount"
#define SIM_ITEM_KINDS(X)                                                                                        \
    X(knob, KNOB, "host", "knob", "value")                                                                       \
    X(option, KNOB, "flow", "end", "option", "value")                                                            \
    X(link, LINK, "a", "b", "mtu", "delay_us", "jitter_us", "rate_kbit", "queue_bytes",                          \
      "queue_packets", "trusted", "copies")                                                                      \
    /* x: rests of the readers, us; y: the first rest, us */                                                     \
    X(bulk, FLOW, SIM_FLOW_VALUES)                                                                               \
    /* x: rounds of up bytes there and down bytes back */                                                        \
    X(ask, FLOW, SIM_FLOW_VALUES)                                                                                \
    /* the answer begins when the question has ended */                                                          \
    X(half, FLOW, SIM_FLOW_VALUES)                                                                               \
    /* x: connections one after the other; y: us between */                                                      \
    X(brief, FLOW, SIM_FLOW_VALUES)                                                                              \
    /* both open at once */                                                                                      \
    X(meet, FLOW, SIM_FLOW_VALUES)                                                                               \
    /* some bytes are urgent */                                                                                  \
    X(urgent, FLOW, SIM_FLOW_VALUES)                                                                             \
    /* end y aborts after x bytes came */                                                                        \
    X(abort, FLOW, SIM_FLOW_VALUES)                                                                              \
    /* end y (2: both) closes x us after the beginning */                                                        \
    X(slam, FLOW, SIM_FLOW_VALUES)                                                                               \
    /* the listener goes x us after the beginning and is back y us later */                                      \
    X(relisten, FLOW, SIM_FLOW_VALUES)                                                                           \
    /* nobody listens */                                                                                         \
    X(refused, FLOW, SIM_FLOW_VALUES)                                                                            \
    /* x datagrams of `up` bytes, one each y us, are sent back */                                                \
    X(datagrams, FLOW, SIM_FLOW_VALUES)                                                                          \
    /* amount: parts per million; end 2: both directions */                                                      \
    X(loss, FAULT, SIM_FAULT_VALUES)                                                                             \
    X(duplicate, FAULT, SIM_FAULT_VALUES)                                                                        \
    X(reorder, FAULT, SIM_FAULT_VALUES)                                                                          \
    X(corrupt, FAULT, SIM_FAULT_VALUES)                                                                          \
    /* amount: more delay, us */                                                                                 \
    X(delay, FAULT, SIM_FAULT_VALUES)                                                                            \
    /* amount: kbit/s */                                                                                         \
    X(rate, FAULT, SIM_FAULT_VALUES)                                                                             \
    /* amount: bytes; longer packets are dropped, and an ICMP error says so */                                   \
    X(mtu, FAULT, SIM_FAULT_VALUES)                                                                              \
    /* nothing passes */                                                                                         \
    X(cut, FAULT, SIM_FAULT_VALUES)                                                                              \
    /* now cut, now whole; amount: us of each */                                                                 \
    X(flap, FAULT, SIM_FAULT_VALUES)                                                                             \
    /* the device takes no packets */                                                                            \
    X(refuse, FAULT, SIM_FAULT_VALUES)                                                                           \
    /* segments and ICMP errors by somebody who sees nothing and knows the ports; amount: one each so many us */ \
    X(blind, FAULT, SIM_FAULT_VALUES)                                                                            \
    /* amount: ppm of the packets come once more, seconds later */                                               \
    X(replay, FAULT, SIM_FAULT_VALUES)                                                                           \
    /* somebody on the path changes headers and slips in segments, checksums put right; amount: ppm */           \
    X(mangle, FAULT, SIM_FAULT_VALUES)                                                                           \
    /* amount: us forward at once; host -1: all of them */                                                       \
    X(jump, TROUBLE, SIM_TROUBLE_VALUES)                                                                         \
    X(stall, TROUBLE, SIM_TROUBLE_VALUES)                                                                        \
    /* amount: ppm of the requests to the allocator fail */                                                      \
    X(memory, TROUBLE, SIM_TROUBLE_VALUES)

enum sim_item_kind {
#define SIM_ITEM_ENUM(name, group, ...) SIM_ITEM_##name,
    SIM_ITEM_KINDS(SIM_ITEM_ENUM)
#undef SIM_ITEM_ENUM
        SIM_ITEM_KIND_COUNT
};

enum sim_item_group { SIM_KNOB, SIM_LINK, SIM_FLOW, SIM_FAULT, SIM_TROUBLE };

/* Places in v[]. */
enum { SIM_KNOB_HOST, SIM_KNOB_KNOB, SIM_KNOB_VALUE };
enum { SIM_OPTION_FLOW, SIM_OPTION_END, SIM_OPTION_OPTION, SIM_OPTION_VALUE };
enum {
    SIM_LINK_A,
    SIM_LINK_B,
    SIM_LINK_MTU,
    SIM_LINK_DELAY,
    SIM_LINK_JITTER,
    SIM_LINK_RATE,
    SIM_LINK_QUEUE,
    SIM_LINK_PACKETS,
    SIM_LINK_TRUSTED,
    SIM_LINK_COPIES /* packets arrive in memory of the receiver, as from a device */
};
enum {
    SIM_FLOW_ID,
    SIM_FLOW_AT,
    SIM_FLOW_LINK,
    SIM_FLOW_FROM,
    SIM_FLOW_FAMILY,
    SIM_FLOW_UP,
    SIM_FLOW_DOWN,
    SIM_FLOW_X,
    SIM_FLOW_Y
};
enum { SIM_FAULT_AT, SIM_FAULT_FOR, SIM_FAULT_LINK, SIM_FAULT_END, SIM_FAULT_AMOUNT };
enum { SIM_TROUBLE_AT, SIM_TROUBLE_FOR, SIM_TROUBLE_HOST, SIM_TROUBLE_AMOUNT };

struct sim_item {
    uint8_t kind; /* enum sim_item_kind */
    int64_t v[SIM_ITEM_VALUES];
};

struct sim_plan {
    uint64_t seed; /* secrets, contents and chance */
    unsigned count;
    struct sim_item items[SIM_ITEMS_MAX];
};

/* A plan by chance. */
void sim_plan_draw(struct sim_plan *plan, uint64_t seed);

enum sim_item_group sim_item_group(const struct sim_item *item);
const char *sim_item_name(const struct sim_item *item);
/* Name of the i-th value, NULL beyond the last. */
const char *sim_item_value_name(const struct sim_item *item, unsigned i);
/* The value to which shrinking tries to bring it. */
int64_t sim_item_simplest(const struct sim_item *item, unsigned i);

void sim_item_print(const struct sim_item *item, FILE *file);
void sim_plan_print(const struct sim_plan *plan, FILE *file);

/* False: `wrong` says in one line what is wrong and where. */
bool sim_plan_read(struct sim_plan *plan, FILE *file, char *wrong, size_t wrong_bytes);

/* How many hosts the links of a plan need. */
unsigned sim_plan_hosts(const struct sim_plan *plan);

#endif

/* SPDX-License-Identifier: MIT */
/* What the files of the swarm share. */
#ifndef SIM_SWARM_INTERNAL_H
#define SIM_SWARM_INTERNAL_H

#include "sim/chance.h"
#include "sim/knobs.h"
#include "sim/swarm.h"

enum { SWARM_LINKS_MAX = 16, SWARM_FLOWS_MAX = 64, SWARM_OPTIONS_MAX = 16 };

struct swarm;
struct flow;
struct conn;
struct watch;
struct replay;

/* What a socket's context points at. */
enum owner_kind { OWNER_FLOW = 1, OWNER_SIDE, OWNER_DATAGRAMS /* flow.client */ };
struct owner {
    enum owner_kind kind;
    gander_socket socket; /* 0: closed */
    uint64_t batch;       /* of events during which it was closed */
};

/* One end of one connection. */
struct side {
    struct owner owner; /* first */
    struct conn *conn;  /* NULL: of a connection that nobody opened */
    struct swarm_host *host;
    uint64_t key_out, key_in; /* of the streams */
    uint64_t sent, to_send, received, to_receive, until_rest, draws;
    bool attached; /* there is, or was, a socket */
    bool end_sent, end_seen;
    bool resting, retrying, rude; /* rude: ended otherwise than by reading and writing all */
    bool done;
    int error;
    struct sim_alarm rest, retry, slam;
};

struct conn {
    struct flow *flow;
    uint32_t iss;
    uint16_t client_port;
    struct side side[2]; /* client, server */
};

struct flow {
    struct owner owner; /* first: of the listener, or the datagram socket of the server */
    struct swarm *swarm;
    const struct sim_item *item;
    unsigned link;
    struct swarm_host *host[2]; /* client, server */
    struct gander_address address[2];
    struct conn *conns;
    unsigned count, begun, over; /* connections: in all, opened, at their end on both sides */
    const struct sim_item *options[SWARM_OPTIONS_MAX];
    unsigned option_count;
    bool started, rude, finished;
    struct sim_alarm alarm, relisten;
    /* datagrams */
    struct owner client; /* the client's socket */
    uint64_t datagrams_sent, datagrams_back;
};

struct swarm_host {
    struct sim_host *host;
    struct swarm *swarm;
    bool blamed_time, blamed_memory; /* settings or troubles that excuse */
};

/* A link, what befalls it now, and what may be blamed on it. */
struct swarm_link {
    struct swarm *swarm;
    struct sim_link *link;
    const struct sim_item *item;
    struct swarm_host *host[2];
    struct gander_address address[2][2]; /* by end; IPv4, IPv6 */
    bool ipv6;
    bool blamed_time;                              /* packets may be lost for long */
    bool tainted;                                  /* somebody on the path forges */
    bool strangers;                                /* old packets may come again */
    uint32_t mtu[2], replay_ppm[2], mangle_ppm[2]; /* by sending end; mtu 0: none */
};

/* A fault or a trouble of the plan. */
struct incident {
    struct swarm *swarm;
    const struct sim_item *item;
    bool active, phase;
    struct sim_alarm alarm;
};

struct swarm {
    const struct sim_plan *plan;
    const struct sim_run_options *options;
    struct sim_facts *facts;
    struct sim_world *world;
    struct watch *watch;
    struct sim_chance chance; /* of what happens while it runs */
    struct swarm_host hosts[SIM_HOSTS_MAX];
    struct swarm_link links[SWARM_LINKS_MAX];
    struct flow *flows;
    struct incident *incidents;
    unsigned host_count, link_count, flow_count, incident_count;
    unsigned flows_finished;
    gander_time faults_over;
    uint64_t batches;       /* of events so far */
    struct replay *replays; /* packets that will come again */
    bool ending;            /* sockets are being closed: nothing is begun any more */
    uint8_t chunk[65536];
};

/* The first failure counts. */
void swarm_fail(struct swarm *swarm, const char *oracle, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline bool swarm_failed(const struct swarm *swarm)
{
    return swarm->facts->oracle[0] != '\0';
}
gander_time swarm_now(const struct swarm *swarm);
/* Is the host at work? If not, the alarm is set for when it is. */
bool swarm_awake(struct swarm_host *host, struct sim_alarm *alarm);
void swarm_alarm(struct swarm *swarm, struct sim_alarm *alarm,
                 void (*fn)(void *context, struct sim_world *world), void *context, gander_time at);

/* --- the byte at a place of a stream: stream.c --- */
void swarm_stream_fill(uint64_t key, uint64_t at, uint8_t *bytes, size_t n);
/* Where the first wrong byte is; n: all are right. */
size_t swarm_stream_check(uint64_t key, uint64_t at, const uint8_t *bytes, size_t n);

/* --- conversations: flows.c, side.c, datagrams.c --- */
bool flows_init(struct swarm *swarm);
void flows_events(void *context, struct sim_host *host, const struct gander_event *events,
                  size_t n);
void flows_look(struct swarm *swarm); /* is there something to read that no event told of? */
void flows_end(struct swarm *swarm);
void flows_free(struct swarm *swarm);
void flow_conn_over(struct flow *flow);
void flow_finish(struct flow *flow);
void flow_options_apply(struct flow *flow, struct swarm_host *host, gander_socket socket,
                        unsigned end);
void side_open(struct side *side, struct conn *conn, unsigned end, gander_socket socket);
void side_turn(struct side *side);
void side_event(struct side *side, const struct gander_event *event);
void side_close(struct side *side, bool abort);
void datagrams_start(struct flow *flow);
void datagrams_turn(struct flow *flow, struct owner *owner);

/* --- faults: incidents.c, forger.c --- */
bool incidents_init(struct swarm *swarm);
void incidents_free(struct swarm *swarm);
/* Somebody who sees nothing sends something to a flow of the link's. */
void forger_blind(struct swarm_link *link, unsigned end);
void forger_free(struct swarm *swarm);
bool forger_tap(void *context, struct sim_link *link, unsigned end,
                const struct gander_packet *packet);

/* --- watch.c: what the trace must be --- */
struct watch *watch_create(struct swarm *swarm);
void watch_free(struct watch *watch);
void watch_event(void *context, const struct sim_host *host,
                 const struct gander_trace_event *event);
void watch_counters(struct swarm *swarm); /* do they agree with the trace? */

/* --- judge.c --- */
void judge_blame(struct swarm *swarm); /* before the run: who may be blamed for what */
void judge_flows(struct swarm *swarm); /* after it */

#endif

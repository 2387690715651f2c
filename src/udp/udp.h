/* SPDX-License-Identifier: MIT */
/* UDP [RFC768, RFC1122 4.1, RFC8085] and echo sockets: what the socket calls of the core use. */
#ifndef UDP_UDP_H
#define UDP_UDP_H

#include "core/stack.h"
#include "ip/ip.h"

struct udp_socket {
    struct sock sock; /* kind SOCK_UDP or SOCK_PING */
    uint64_t id;
    struct udp_socket *next, *prev;  /* udp_stack.all */
    struct udp_socket *blocked_next; /* udp_stack.blocked */
    struct gander_address bound; /* as bound; family 0: both; ip all zero: any; port 0: not bound */
    struct gander_address local; /* the same; while connected, with the address that was chosen */
    struct gander_address peer;  /* family 0: not connected */
    uint32_t hash;               /* under which it stands in udp_stack.ports */
    bool in_table, v6_only, blocked;
    uint8_t ttl, traffic_class;
    uint32_t receive_limit_bytes, receive_held_bytes; /* at true buffer size */
    struct gander_packet *first, **last; /* as they arrived; packet->offset: where the data begin */
};

void udp_stack_init(struct gander_stack *stack);
void udp_stack_finish(struct gander_stack *stack); /* frees what is still open, silently */

struct udp_socket *udp_open(struct gander_stack *stack,
                            enum sock_kind kind); /* registered; NULL: no memory */
void udp_close(struct gander_stack *stack, struct udp_socket *socket);
int udp_bind(struct gander_stack *stack, struct udp_socket *socket,
             const struct gander_address *local);
int udp_connect(struct gander_stack *stack, struct udp_socket *socket,
                const struct gander_address *peer);
int64_t udp_send(struct gander_stack *stack, struct udp_socket *socket, const void *data,
                 size_t len, const struct gander_datagram *datagram);
int64_t udp_receive(struct gander_stack *stack, struct udp_socket *socket, void *buffer, size_t len,
                    unsigned flags, struct gander_datagram *datagram);
int udp_set_option(struct gander_stack *stack, struct udp_socket *socket, enum gander_option option,
                   int64_t value);
int udp_get_option(const struct udp_socket *socket, enum gander_option option, int64_t *value);

/* A link's queue has room again: tells the sockets that wait for it. For gander_output(). */
void udp_writable(struct gander_stack *stack);

/* --- inside udp/ ------------------------------------------------------------------------------ */

/* ports.c: who has which port */
bool udp_port_taken(const struct gander_stack *stack, enum sock_kind kind,
                    const struct gander_address *local, bool v6_only);
bool udp_port_choose(struct gander_stack *stack, enum sock_kind kind, struct gander_address *local,
                     bool v6_only); /* fills in local->port; false: none is free */
bool udp_port_enter(struct gander_stack *stack,
                    struct udp_socket *socket); /* under `bound`; false: no memory */
void udp_port_leave(struct gander_stack *stack, struct udp_socket *socket);
bool udp_covers_family(const struct gander_address *local, bool v6_only, unsigned family);

/* The four numbers that a datagram is delivered by, seen from here. */
struct udp_flow {
    enum sock_kind kind;
    unsigned family;
    const uint8_t *local_ip, *remote_ip;
    uint16_t local_port, remote_port;
};

struct udp_socket *udp_find(const struct gander_stack *stack, const struct udp_flow *flow);

/* udp.c: binds to a port of the stack's choice if need be. 0, GANDER_EADDRNOTAVAIL, GANDER_ENOMEM */
int udp_autobind(struct gander_stack *stack, struct udp_socket *socket);
int udp_take_error(struct udp_socket *socket); /* the pending error, cleared */

/* input.c: a datagram for this socket, the user's bytes at `offset`. Takes the packet; false: dropped. */
bool udp_enqueue(struct gander_stack *stack, struct udp_socket *socket,
                 struct gander_packet *packet, uint32_t offset, const struct trace_flow *flow);

/* ping.c: sends packet, which holds an echo's data, under this sequence number. As ip_send(). */
int ping_send(struct gander_stack *stack, const struct udp_socket *socket,
              struct gander_packet *packet, uint16_t sequence, struct ip_send *send);

#endif

/* SPDX-License-Identifier: MIT */
/* UDP [RFC768, RFC1122 4.1, RFC8085] and echo sockets: what the socket calls of the core use. */
#ifndef UDP_UDP_H
#define UDP_UDP_H

#include "core/stack.h"

struct udp_socket {
    struct sock sock; /* kind SOCK_UDP or SOCK_PING */
    uint64_t id;
    struct gander_address local;  /* family 0: both; ip all zero: any; port 0: not bound */
    struct gander_address peer;   /* family 0: not connected */
    uint32_t hash;                /* under which it stands in udp_stack.ports */
    bool in_table, v6_only;
    uint8_t ttl, traffic_class;
    uint32_t receive_limit_bytes, receive_held_bytes; /* at true buffer size */
    struct gander_packet *first, **last; /* datagrams with their IP headers, in order of arrival */
    uint16_t ping_sequence;
};

void udp_stack_init(struct gander_stack *stack);
void udp_stack_finish(struct gander_stack *stack);

struct udp_socket *udp_open(struct gander_stack *stack, enum sock_kind kind); /* registered; NULL: no memory */
void udp_close(struct gander_stack *stack, struct udp_socket *socket);
int udp_bind(struct gander_stack *stack, struct udp_socket *socket, const struct gander_address *local);
int udp_connect(struct gander_stack *stack, struct udp_socket *socket, const struct gander_address *peer);
int64_t udp_send(struct gander_stack *stack, struct udp_socket *socket, const void *data, size_t len,
                 const struct gander_datagram *datagram);
int64_t udp_receive(struct gander_stack *stack, struct udp_socket *socket, void *buffer, size_t len,
                    unsigned flags, struct gander_datagram *datagram);
int udp_set_option(struct gander_stack *stack, struct udp_socket *socket, enum gander_option option,
                   int64_t value);
int udp_get_option(const struct udp_socket *socket, enum gander_option option, int64_t *value);

#endif

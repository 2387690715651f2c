/* SPDX-License-Identifier: MIT */
/*
 * Single packets, made and read by hand, for the tests of IP, ICMP and UDP: one stack, one link, and a peer that is the test.
 * Nothing here uses the code under test: headers are written byte by byte and checksums added up the slow way.
 *
 *     struct raw p = raw_udp(net, 5000, 7, "hi", 2);
 *     arrive(net, &p);
 *     assert_int_equal(drops(net, GANDER_DROP_udp_no_socket), 1);
 *     p = leaves(net);               // exactly one more; headers, lengths and checksums are checked
 *
 * Each test runs over IPv4 and over IPv6 (PACKET_TEST), and all memory must be back at its end.
 */
#ifndef TESTS_RFC_PACKETS_H
#define TESTS_RFC_PACKETS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <gander/gander.h>

enum { NET_MTU_BYTES = 1500, RAW_MAX_BYTES = 65600 };

struct net {
    unsigned family;
    struct gander_config config;
    struct gander_stack *stack;
    unsigned link;
    size_t allocated_bytes;
    struct gander_address us, peer; /* 192.0.2.1/24 and .2; 2001:db8::1/64 and ::2 */
    struct gander_stats before;     /* counters when drops() was last asked */
};

/* An IP packet. */
struct raw {
    unsigned family;
    uint32_t header_bytes; /* IP */
    size_t len;
    uint8_t bytes[RAW_MAX_BYTES];
};

/* --- running ------------------------------------------------------------------------------------- */

int net_setup_ip4(void **state);
int net_setup_ip6(void **state);
int net_teardown(void **state);

#define PACKET_TEST(test)                                                                          \
    {#test " over IPv4", test, net_setup_ip4, net_teardown, NULL},                                 \
    {                                                                                              \
#test " over IPv6", test, net_setup_ip6, net_teardown, NULL                                \
    }
#define PACKET_TEST_IP4(test)                                                                      \
    {                                                                                              \
#test, test, net_setup_ip4, net_teardown, NULL                                             \
    }
#define PACKET_TEST_IP6(test)                                                                      \
    {                                                                                              \
#test, test, net_setup_ip6, net_teardown, NULL                                             \
    }

/* Begins anew with net->config as it is now. */
void net_restart(struct net *net);

/* --- addresses ------------------------------------------------------------------------------------- */

struct gander_address address(const char *text);
struct gander_address with_port(struct gander_address address, uint16_t port);
bool is_ip4(const struct net *net);

/* --- packets that arrive ----------------------------------------------------------------------------- */

/* From net->peer to net->us; everything is right, checksums included. */
struct raw raw_ip(const struct net *net, uint8_t protocol, const void *payload, size_t len);
struct raw raw_udp(const struct net *net, uint16_t source_port, uint16_t destination_port,
                   const void *data, size_t len);
/* `rest`: bytes 4 … 7 of the header. */
struct raw raw_icmp(const struct net *net, uint8_t type, uint8_t code, uint32_t rest,
                    const void *body, size_t len);
/* An error that the peer sends about `quoted`, of which it returns the first `len` bytes. */
struct raw raw_icmp_about(const struct net *net, uint8_t type, uint8_t code, uint32_t rest,
                          const struct raw *quoted, size_t len);
void raw_source(struct raw *raw, const struct gander_address *source);
void raw_destination(struct raw *raw, const struct gander_address *destination);
/* Computes the IPv4 header's checksum, and UDP's or ICMP's, after changes. */
void raw_fix(struct raw *raw);
void raw_fix_header(struct raw *raw);

uint8_t *raw_payload(struct raw *raw);
size_t raw_payload_bytes(const struct raw *raw);
uint8_t raw_protocol(const struct raw *raw);
uint16_t raw_get16(const uint8_t *at);
void raw_put16(uint8_t *at, uint32_t value);
uint32_t raw_get32(const uint8_t *at);

/* One packet, handed to the stack by itself. */
void arrive(struct net *net, const struct raw *raw);
/* Its first `len` bytes. */
void arrive_cut(struct net *net, const struct raw *raw, size_t len);

/* --- packets that leave -------------------------------------------------------------------------------- */

/* The next packet that leaves; there must be one. */
struct raw leaves(struct net *net);
void nothing_leaves(struct net *net);

/* A packet that left goes from `from` to `to`, and its lengths and checksums are right. */
void check_packet(const struct raw *raw, const struct gander_address *from,
                  const struct gander_address *to, uint8_t protocol);
/* It is a UDP datagram with these ports and data; a port of 0: any. */
void check_udp(struct raw *raw, uint16_t source_port, uint16_t destination_port, const void *data,
               size_t len);
/* It is an ICMP error that quotes `about`, as much of it as is allowed. */
void check_icmp_error(struct raw *raw, uint8_t type, uint8_t code, const struct raw *about);

/* --- the stack ------------------------------------------------------------------------------------------ */

gander_socket open_socket(struct net *net, enum gander_type type);
/* A UDP socket on any address and this port. */
gander_socket udp_on(struct net *net, uint16_t port);
/* How many packets were dropped for this reason since it was last asked, and that none was for another one. */
uint64_t drops(struct net *net, enum gander_drop reason);
/* The bits of events for this socket that have come. */
uint32_t events_of(struct net *net, gander_socket socket, int *error);
void advance_to(struct net *net, gander_time now);
/* What is there to read: its length, or the error. The bytes must be `data`. */
void receives(struct net *net, gander_socket socket, const void *data, size_t len);
void receives_nothing(struct net *net, gander_socket socket);

#endif

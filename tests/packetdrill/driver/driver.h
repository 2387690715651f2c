/* SPDX-License-Identifier: MIT */
/*
 * Loads libgander-packetdrill.so as packetdrill does and plays dialogues through it: segments in and out by netdev_send() and
 * netdev_receive(), calls through the table of functions, blocking ones on a second thread, all in the object's virtual time.
 *
 *     SCRIPT(accepts)
 *     {
 *         int l = listening(d), s;
 *
 *         in(d, "S wnd=1000 mss=1000");
 *         out(d, 0, "SA ack=1");                    // now
 *         in_at(d, 100, "A ack=1");                 // 100 ms after the start
 *         s = CALL(d, accept, l, NULL, NULL);
 *     }
 *
 * Each runs six times: IPv4, IPv6, and IPv4 on an IPv6 socket; under a plain harness, which sleeps to 20 µs before an event and then spins
 * on the clock, and under a fitted one, which gives netdev_receive() a deadline and sets PD_… in the environment.
 */
#ifndef PACKETDRILL_DRIVER_H
#define PACKETDRILL_DRIVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "interface.h"
#include "rfc/segment.h"

enum driver_kind { DRIVER_IPV4, DRIVER_IPV6, DRIVER_MAPPED, DRIVER_KINDS };
enum { DRIVER_PORT = 8080, DRIVER_PEER_PORT = 40000, DRIVER_ISN = 1000000, DRIVER_SLACK_US = 1000 };

struct driver {
    struct packetdrill_interface so;
    enum driver_kind kind;
    bool fitted;
    long long start_us;
    struct segment_path inbound;
    uint16_t port, peer_port;
    uint32_t iss;
    bool iss_known, ts_on;
    uint32_t next, ours, tsval; /* as dialogue.h has them */
    struct segment seg;         /* the last that out() took, its text gone */
    uint8_t held[SEGMENT_PACKET_MAX];
    size_t held_bytes; /* a packet that a fitted harness met while it waited */
    long long held_us;
};

struct script {
    const char *name, *flags;
    void (*body)(struct driver *d);
};

#define SCRIPT(name) static void name(struct driver *d)
#define PLAY(name)                                                                                 \
    {                                                                                              \
#name, "", name                                                                            \
    }
#define PLAY_WITH(name, flags)                                                                     \
    {                                                                                              \
#name, flags, name                                                                         \
    }
#define CALL(d, call, ...) (d)->so.call((d)->so.userdata, __VA_ARGS__)
/* −1 with this errno. */
#define FAILS(expression, error)                                                                   \
    do {                                                                                           \
        errno = 0;                                                                                 \
        assert_int_equal(expression, -1);                                                          \
        assert_int_equal(errno, error);                                                            \
    } while (0)

int driver_main(const struct script *scripts, size_t count, int argc, char **argv);
#define DRIVER_MAIN(scripts)                                                                       \
    driver_main(scripts, sizeof(scripts) / sizeof((scripts)[0]), argc, argv)

/* Milliseconds since the start. */
double now_ms(struct driver *d);
void at(struct driver *d, double ms);
__attribute__((format(printf, 2, 3))) void in(struct driver *d, const char *format, ...);
#define in_at(d, ms, ...) (at(d, ms), in(d, __VA_ARGS__))
/* The next packet leaves then, and is this. */
__attribute__((format(printf, 3, 4))) void out(struct driver *d, double ms, const char *format,
                                               ...);
/* Nothing leaves until then. */
void silence(struct driver *d, double ms);
/* An ICMP error about the segment with this number. */
void in_icmp_too_big(struct driver *d, uint32_t seq, uint32_t mtu);

/* --- ways to a connection ----------------------------------------------------------------------------------- */

union any_address {
    struct sockaddr any;
    uint8_t bytes[28];
};
socklen_t local_address(const struct driver *d, union any_address *a, uint16_t port);
socklen_t peer_address(const struct driver *d, union any_address *a, uint16_t port);
int stream(const struct driver *d);
int listening(struct driver *d); /* bound to the local address, port 8080 */
/* Established: passive, 100 ms round trip, MSS 1000, no options but MSS, SACK and a window scale of 7. */
int established(struct driver *d);
void set_int(struct driver *d, int fd, int level, int name, int value);
int get_int(struct driver *d, int fd, int level, int name);
void nonblocking(struct driver *d, int fd);

/* --- calls that block ------------------------------------------------------------------------------------------- */

struct blocking {
    ssize_t (*run)(struct driver *d, struct blocking *b);
    int fd, timeout_ms;
    size_t len;
    ssize_t result;
    int error;
    double end_ms;
    void *inner;
};
/* Begins it on the second thread and returns when that thread sleeps. */
void begin(struct driver *d, struct blocking *b);
/* It is done, with this result, at this time. */
void done(struct driver *d, struct blocking *b, double ms, ssize_t result, int error);
ssize_t run_accept(struct driver *d, struct blocking *b);
ssize_t run_connect(struct driver *d, struct blocking *b);
ssize_t run_read(struct driver *d, struct blocking *b);
ssize_t run_write(struct driver *d, struct blocking *b);
ssize_t run_poll(struct driver *d, struct blocking *b);
ssize_t run_close(struct driver *d, struct blocking *b);

#endif

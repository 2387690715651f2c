/* SPDX-License-Identifier: MIT */
/*
 * The shared object: a stack, a clock that only moves when somebody waits or reads it, and descriptors that stand for its sockets.
 *
 * Who may move the clock: one thread drives, the one that made the object or that last handed over packets or slept. A call of
 * another thread that cannot be done sleeps for real until the stack has what it waits for. When it has, the
 * clock stands still until that thread has read it, so that it sees the very moment at which its call was done.
 */
#ifndef PACKETDRILL_OBJECT_H
#define PACKETDRILL_OBJECT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <gander/gander.h>

#include "interface.h"

enum { PD_FILES_MAX = 1024, PD_NEVER_MS = -1 };

#define PD_NEVER INT64_MAX
/* gettimeofday() begins here, in microseconds: a date that is easy to tell from a real one */
#define PD_EPOCH_US ((int64_t)1000000000 * 1000000)
/* The stack has been up for a while: timestamps and times are not 0 */
#define PD_START_US ((int64_t)1000 * 1000000)

enum pd_kind { PD_SOCKET = 1, PD_EPOLL, PD_PIPE };

/* What descriptors stand for; several may stand for one. */
struct pd_file {
    enum pd_kind kind;
    unsigned descriptors, users; /* it lives while there are any; users: calls that sleep */
    bool nonblocking;
    uint32_t edges;       /* moves with everything new: edge-triggered epoll */
    struct pd_pipe *pipe; /* that it is an end of */
};

enum pd_phase {
    PD_IDLE,
    PD_CONNECTING,
    PD_OPENED, /* connected, and connect() has not said so */
    PD_CONNECTED,
    PD_LISTENING,
    PD_REFUSED, /* failed to, and connect() has not said so */
    PD_ENDED
};

/* Options that a program may set and read, and that change nothing here. */
enum { PD_PLAIN_OPTIONS = 24 };

struct pd_plain_option {
    int level, name, value;
};

struct pd_socket {
    struct pd_file file;
    int domain, type; /* AF_INET or AF_INET6; SOCK_STREAM or SOCK_DGRAM */
    gander_socket handle;
    enum pd_phase phase;
    int error; /* sk_err: an errno, told once */
    bool peer_closed, shut_read, shut_write, reset;
    bool inq;                    /* TCP_INQ */
    struct gander_address local; /* as bound; family 0: not bound */
    bool bound;
    int64_t receive_timeout_us, send_timeout_us; /* PD_NEVER: none */
    int linger_s;                                /* −1: off */
    int receive_low_bytes;
    int send_buffer, receive_buffer; /* as SO_SNDBUF, SO_RCVBUF say; 0: not set */
    struct pd_plain_option plain[PD_PLAIN_OPTIONS];
    unsigned plain_count;
};

struct pd_watch {
    int fd;
    struct pd_file *file;
    struct epoll_event event;
    uint32_t edges; /* what was told last */
    bool off;       /* EPOLLONESHOT has shot */
};

enum { PD_WATCHES_MAX = 64, PD_PIPE_BYTES = 65536 };

struct pd_epoll {
    struct pd_file file;
    struct pd_watch watches[PD_WATCHES_MAX];
    unsigned count;
};

struct pd_pipe {
    struct pd_file file;      /* the end that reads; write_end below */
    struct pd_file write_end; /* kind PD_PIPE too */
    uint8_t bytes[PD_PIPE_BYTES];
    size_t first, held;
    unsigned ends; /* still open */
    bool writer_gone, reader_gone;
};

struct pd_packet {
    struct pd_packet *next;
    int64_t time_us;
    size_t bytes;
    uint8_t data[];
};

/* A call that sleeps. */
struct pd_sleeper {
    struct pd_sleeper *next;
    pthread_cond_t wake;
    int64_t deadline_us;
    bool kicked; /* shall look again */
    bool looked; /* in this round */
};

/* What the flags say about the object itself. */
struct pd_settings {
    uint32_t mtu_bytes;
    struct gander_address local4, local6; /* family 0: not known yet */
    bool fitted;                          /* the harness says more than the plain one */
    uint8_t fastopen_keys[32];            /* the present one, the one before */
    unsigned fastopen_key_bytes;          /* 0: the stack's own; 16; 32 */
};

struct pd_object {
    pthread_mutex_t lock;
    pthread_cond_t settled; /* a sleeper has looked, or a woken thread has read the clock */
    struct gander_stack *stack;
    unsigned link;
    struct gander_config config;
    struct pd_settings settings;
    int64_t now_us;   /* since PD_EPOCH_US */
    pthread_t driver; /* the thread that moves the clock */
    bool just_read;   /* the driver's last call was gettimeofday(): it spins */
    pthread_t woken[8];
    unsigned woken_count; /* threads whose call is done and that have not read the clock */
    struct pd_sleeper *sleepers;
    pthread_t looker; /* the sleeper that looks now, if `looking` */
    bool looking;
    uint64_t calls_done; /* of those that slept */
    struct pd_packet *first, **last;
    struct pd_file *files[PD_FILES_MAX];
    bool have4, have6; /* an address of that family was given to the stack */
};

/* --- clock.c ------------------------------------------------------------------------------------------ */

/* Every call begins and ends with these. pd_leave() lets what has changed reach who waits for it; returns `result`. */
void pd_enter(struct pd_object *o);
void pd_leave(struct pd_object *o);
/* Due timers, events, packets out, at the present moment. */
void pd_run(struct pd_object *o);
/* The clock moves to `to_us`, stopping wherever something falls due. */
void pd_advance(struct pd_object *o, int64_t to_us);
/* The next moment at which anything falls due; PD_NEVER. */
int64_t pd_next_us(const struct pd_object *o);
/* Waits until something has changed. False: `deadline_us` is here, or nothing can ever change. */
bool pd_sleep(struct pd_object *o, int64_t deadline_us);
int64_t pd_deadline_after(const struct pd_object *o, int64_t wait_us);
int pd_usleep(void *ud, useconds_t us);
int pd_gettimeofday(void *ud, struct timeval *tv, struct timezone *tz);

/* --- netdev.c ------------------------------------------------------------------------------------------- */

int pd_netdev_send(void *ud, const void *packet, size_t bytes);
int pd_netdev_receive(void *ud, void *packet, size_t *bytes, long long *time_us);
/* Takes what the stack sends into the queue. */
bool pd_collect(struct pd_object *o);
void pd_netdev_finish(struct pd_object *o);
/* The stack's own address, if it has none of this family: as asked for, or a usual one. */
void pd_address_need(struct pd_object *o, const struct gander_address *address);
void pd_address_any(struct pd_object *o, unsigned family);
bool pd_link_make(struct pd_object *o);

/* --- flags.c, flags_keys.c -------------------------------------------------------------------------------------------- */

void pd_config_linux(struct gander_config *config, struct pd_settings *settings);
void pd_flags_parse(const char *flags, struct gander_config *config, struct pd_settings *settings);
bool pd_environment(struct pd_settings *settings);

/* --- address.c ---------------------------------------------------------------------------------------------- */

int pd_errno(int gander_error); /* positive */
/* −1 with errno. */
int pd_fail(int error);
/* False: too short or an unknown family (errno). */
bool pd_address_in(const struct pd_socket *s, const struct sockaddr *address, socklen_t len,
                   struct gander_address *out);
void pd_address_out(const struct pd_socket *s, const struct gander_address *in,
                    struct sockaddr *address, socklen_t *len);

/* --- files.c -------------------------------------------------------------------------------------------------- */

/* A descriptor for it; −1 with errno. */
int pd_file_open(struct pd_object *o, struct pd_file *file);
struct pd_file *pd_file_of(struct pd_object *o, int fd); /* NULL, errno EBADF */
struct pd_socket *pd_socket_of(struct pd_object *o, int fd);
/* A call that counted itself in file->users has ended. */
void pd_file_done(struct pd_object *o, struct pd_file *file);
/* What was closed behind our back is closed here too. */
void pd_files_check(struct pd_object *o);
void pd_files_finish(struct pd_object *o);
int pd_close(void *ud, int fd);
int pd_fcntl(void *ud, int fd, int command, ...);
int pd_ioctl(void *ud, int fd, unsigned long request, ...);

/* --- sockets.c ------------------------------------------------------------------------------------------------- */

int pd_socket(void *ud, int domain, int type, int protocol);
int pd_bind(void *ud, int fd, const struct sockaddr *address, socklen_t len);
int pd_listen(void *ud, int fd, int backlog);
int pd_accept(void *ud, int fd, struct sockaddr *address, socklen_t *len);
int pd_connect(void *ud, int fd, const struct sockaddr *address, socklen_t len);
int pd_shutdown(void *ud, int fd, int how);
/* The last descriptor is closed. Blocks for SO_LINGER. */
void pd_socket_close(struct pd_object *o, struct pd_socket *s);
/* Takes the stack's events into the sockets. */
void pd_events(struct pd_object *o);
int pd_error_take(struct pd_socket *s);
bool pd_is_tcp(const struct pd_socket *s);
/* Bytes that wait to be read; a listener's connections. */
uint32_t pd_readable_bytes(const struct pd_object *o, const struct pd_socket *s);
/* The SYN waits for data to take along: TCP_FASTOPEN_CONNECT with a cookie. */
bool pd_is_deferred(const struct pd_object *o, const struct pd_socket *s);
void pd_fastopen_keys_set(struct pd_object *o);
bool pd_is_v6_only(const struct pd_object *o, const struct pd_socket *s);
uint32_t pd_unsent_bytes(const struct gander_tcp_info *info);
/* connect() without its wait: 0 or an errno. */
int pd_connect_start(struct pd_object *o, struct pd_socket *s, const struct gander_address *peer);

/* --- data.c, messages.c -------------------------------------------------------------------------------------------------- */

ssize_t pd_read(void *ud, int fd, void *buffer, size_t len);
ssize_t pd_readv(void *ud, int fd, const struct iovec *iov, int count);
ssize_t pd_recv(void *ud, int fd, void *buffer, size_t len, int flags);
ssize_t pd_recvfrom(void *ud, int fd, void *buffer, size_t len, int flags, struct sockaddr *address,
                    socklen_t *address_len);
ssize_t pd_recvmsg(void *ud, int fd, struct msghdr *message, int flags);
ssize_t pd_write(void *ud, int fd, const void *buffer, size_t len);
ssize_t pd_writev(void *ud, int fd, const struct iovec *iov, int count);
ssize_t pd_send(void *ud, int fd, const void *buffer, size_t len, int flags);
ssize_t pd_sendto(void *ud, int fd, const void *buffer, size_t len, int flags,
                  const struct sockaddr *address, socklen_t address_len);
ssize_t pd_sendmsg(void *ud, int fd, const struct msghdr *message, int flags);

/* Within a call: one transfer. Bytes, or −1 with errno. */
struct pd_transfer {
    const struct iovec *iov;
    size_t count;
    int flags;
    struct gander_address address; /* to: family 0: the connected peer; from */
    bool truncated;
};
ssize_t pd_receive_locked(struct pd_object *o, struct pd_socket *s, struct pd_transfer *t);
ssize_t pd_send_locked(struct pd_object *o, struct pd_socket *s, struct pd_transfer *t);

/* --- poll.c, epoll.c ------------------------------------------------------------------------------------------------------- */

/* POLLIN, POLLOUT, … that hold now. */
uint32_t pd_ready(const struct pd_object *o, const struct pd_file *file);
int pd_poll(void *ud, struct pollfd *fds, nfds_t count, int timeout_ms);
int pd_epoll_create(void *ud, int size);
int pd_epoll_ctl(void *ud, int epfd, int op, int fd, struct epoll_event *event);
int pd_epoll_wait(void *ud, int epfd, struct epoll_event *events, int max, int timeout_ms);
void pd_epoll_forget(struct pd_object *o, const struct pd_file *file);

/* --- pipe.c ------------------------------------------------------------------------------------------------------------------ */

int pd_pipe(void *ud, int fds[2]);
int pd_splice(void *ud, int from, loff_t *from_offset, int to, loff_t *to_offset, size_t len,
              unsigned flags);
void pd_pipe_close(struct pd_file *end);
/* Bytes, 0 at the end, or −EAGAIN, −EPIPE. What is read stays until it is dropped. */
void pd_pipe_drop(struct pd_pipe *p, size_t len);
ssize_t pd_pipe_read(const struct pd_pipe *p, void *buffer, size_t len);
ssize_t pd_pipe_write(struct pd_pipe *p, const void *buffer, size_t len);

/* --- options.c, options_tcp.c, tcp_info.c ---------------------------------------------------------------------------------------- */

int pd_getsockopt(void *ud, int fd, int level, int name, void *value, socklen_t *len);
int pd_setsockopt(void *ud, int fd, int level, int name, const void *value, socklen_t len);
/* Answers with as much of `bytes` as fits. */
int pd_option_out(void *value, socklen_t *len, const void *from, size_t bytes);
int pd_option_int(void *value, socklen_t *len, int n);
/* gander's options; set: 0 or an errno, get: −1 if there is no such. */
int pd_knob_set(struct pd_object *o, struct pd_socket *s, enum gander_option option, int64_t value);
int64_t pd_knob_get(const struct pd_object *o, const struct pd_socket *s,
                    enum gander_option option);
/* Level IPPROTO_TCP. */
int pd_tcp_option_set(struct pd_object *o, struct pd_socket *s, int name, const void *value,
                      socklen_t len);
int pd_tcp_option_get(struct pd_object *o, struct pd_socket *s, int name, void *value,
                      socklen_t *len);
/* What was set on a socket holds for the connection that follows too. */
void pd_options_copy(struct pd_object *o, const struct pd_socket *s, gander_socket to);
enum {
    PD_TCP_INFO_BYTES = 280,
    PD_MAX_PACING_RATE = 4096 /* SO_MAX_PACING_RATE, in a range of its own */
};
size_t pd_tcp_info(const struct pd_object *o, const struct pd_socket *s, void *out, size_t room);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The interface that packetdrill offers to a stack in a shared object: it loads the object, calls packetdrill_interface_init() with the
 * text of --so_flags, and finds a function for each system call here. Order and types are those of the interface, on Linux.
 * All return −1 with errno on errors, as the system calls of the same names do.
 */
#ifndef PACKETDRILL_INTERFACE_H
#define PACKETDRILL_INTERFACE_H

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

struct packetdrill_interface {
    void *userdata; /* first argument of every call */
    void (*free)(void *ud);
    int (*socket)(void *ud, int domain, int type, int protocol);
    int (*bind)(void *ud, int fd, const struct sockaddr *address, socklen_t len);
    int (*listen)(void *ud, int fd, int backlog);
    int (*accept)(void *ud, int fd, struct sockaddr *address, socklen_t *len);
    int (*connect)(void *ud, int fd, const struct sockaddr *address, socklen_t len);
    ssize_t (*read)(void *ud, int fd, void *buffer, size_t len);
    ssize_t (*readv)(void *ud, int fd, const struct iovec *iov, int count);
    ssize_t (*recv)(void *ud, int fd, void *buffer, size_t len, int flags);
    ssize_t (*recvfrom)(void *ud, int fd, void *buffer, size_t len, int flags,
                        struct sockaddr *address, socklen_t *address_len);
    ssize_t (*recvmsg)(void *ud, int fd, struct msghdr *message, int flags);
    ssize_t (*write)(void *ud, int fd, const void *buffer, size_t len);
    ssize_t (*writev)(void *ud, int fd, const struct iovec *iov, int count);
    ssize_t (*send)(void *ud, int fd, const void *buffer, size_t len, int flags);
    ssize_t (*sendto)(void *ud, int fd, const void *buffer, size_t len, int flags,
                      const struct sockaddr *address, socklen_t address_len);
    ssize_t (*sendmsg)(void *ud, int fd, const struct msghdr *message, int flags);
    int (*fcntl)(void *ud, int fd, int command, ...);
    int (*ioctl)(void *ud, int fd, unsigned long request, ...);
    int (*close)(void *ud, int fd);
    int (*shutdown)(void *ud, int fd, int how);
    int (*getsockopt)(void *ud, int fd, int level, int name, void *value, socklen_t *len);
    int (*setsockopt)(void *ud, int fd, int level, int name, const void *value, socklen_t len);
    int (*poll)(void *ud, struct pollfd *fds, nfds_t count, int timeout_ms);
    /* a packet, from its IP header on, arrives at the stack */
    int (*netdev_send)(void *ud, const void *packet, size_t bytes);
    /* the next packet that leaves it; in: room, and a deadline or 0; out: length, and when it left */
    int (*netdev_receive)(void *ud, void *packet, size_t *bytes, long long *time_us);
    int (*usleep)(void *ud, useconds_t us);
    int (*gettimeofday)(void *ud, struct timeval *tv, struct timezone *tz);
    int (*epoll_create)(void *ud, int size);
    int (*epoll_ctl)(void *ud, int epfd, int op, int fd, struct epoll_event *event);
    int (*epoll_wait)(void *ud, int epfd, struct epoll_event *events, int max, int timeout_ms);
    int (*pipe)(void *ud, int fds[2]);
    int (*splice)(void *ud, int from, loff_t *from_offset, int to, loff_t *to_offset, size_t len,
                  unsigned flags);
};

void packetdrill_interface_init(const char *flags, struct packetdrill_interface *interface);

#endif

/* SPDX-License-Identifier: MIT */
/* Scripts: what calls answer, in which state, with which errno; calls that block. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>

#include "driver.h"

static char bytes[100000];

SCRIPT(accepts_and_reads)
{
    int l = listening(d), s;
    union any_address peer, want;
    socklen_t len = sizeof(peer), want_len = peer_address(d, &want, DRIVER_PEER_PORT);

    in(d, "S mss=1000 wnd=32792");
    out(d, 0, "SA seq=0 ack=1 mss=%u nots nosackok nows", d->kind == DRIVER_IPV6 ? 1440 : 1460);
    in_at(d, 100, "A ack=1");
    s = CALL(d, accept, l, &peer.any, &len);
    assert_true(s >= 0);
    assert_int_equal(len, want_len);
    assert_memory_equal(&peer, &want, want_len);
    in_at(d, 200, "PA seq=1 len=1000");
    out(d, 200, "A ack=1001"); /* quick at first */
    assert_int_equal(CALL(d, read, s, bytes, 2000), 1000);
    assert_int_equal((uint8_t)bytes[999], (uint8_t)(DRIVER_ISN + 1 + 999));
    FAILS(CALL(d, recv, s, bytes, 1, MSG_DONTWAIT), EAGAIN);
    assert_int_equal(CALL(d, write, s, bytes, 500), 500);
    out(d, 200, "PA seq=1 ack=1001 len=500");
    in_at(d, 300, "A ack=501");
    assert_int_equal(CALL(d, close, s), 0);
    out(d, 300, "FA seq=501 ack=1001");
    in_at(d, 400, "FA ack=502");
    out(d, 400, "A seq=502 ack=1002");
}

SCRIPT(connects_nonblocking)
{
    int s = stream(d);
    union any_address a;
    socklen_t len = peer_address(d, &a, DRIVER_PEER_PORT);
    struct pollfd p = {.fd = s, .events = POLLIN | POLLOUT};

    nonblocking(d, s);
    FAILS(CALL(d, connect, s, &a.any, len), EINPROGRESS);
    out(d, 0, "S seq=0");
    assert_int_equal(CALL(d, poll, &p, 1, 0), 0);
    FAILS(CALL(d, connect, s, &a.any, len), EALREADY);
    FAILS(CALL(d, write, s, bytes, 10), EAGAIN);
    in_at(d, 50, "SA seq=0 ack=1 mss=1460");
    out(d, 50, "A seq=1 ack=1");
    assert_int_equal(get_int(d, s, SOL_SOCKET, SO_ERROR), 0);
    assert_int_equal(CALL(d, poll, &p, 1, 0), 1);
    assert_int_equal(p.revents, POLLOUT);
    assert_int_equal(CALL(d, connect, s, &a.any, len), 0);
    FAILS(CALL(d, connect, s, &a.any, len), EISCONN);
    assert_int_equal(get_int(d, s, SOL_SOCKET, SO_ACCEPTCONN), 0);
}

SCRIPT(connect_refused)
{
    int s = stream(d);
    union any_address a;
    socklen_t len = peer_address(d, &a, DRIVER_PEER_PORT);
    struct pollfd p = {.fd = s, .events = POLLIN | POLLOUT};

    nonblocking(d, s);
    FAILS(CALL(d, connect, s, &a.any, len), EINPROGRESS);
    out(d, 0, "S seq=0");
    in_at(d, 50, "RA seq=0 ack=1");
    assert_int_equal(CALL(d, poll, &p, 1, 0), 1);
    assert_int_equal(p.revents, POLLIN | POLLOUT | POLLERR | POLLHUP);
    assert_int_equal(get_int(d, s, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
    assert_int_equal(get_int(d, s, SOL_SOCKET, SO_ERROR), 0);
    FAILS(CALL(d, connect, s, &a.any, len), ECONNABORTED);
    FAILS(CALL(d, connect, s, &a.any, len), EINPROGRESS); /* it may try again */
    out(d, 50, "S seq=0");
}

SCRIPT(errors_of_states)
{
    int s = stream(d), l;
    union any_address a;
    socklen_t len = local_address(d, &a, DRIVER_PORT);

    FAILS(CALL(d, read, s, bytes, 1), ENOTCONN);
    FAILS(CALL(d, write, s, bytes, 1), EPIPE);
    FAILS(CALL(d, shutdown, s, SHUT_WR), ENOTCONN);
    FAILS(CALL(d, accept, s, NULL, NULL), EINVAL);
    FAILS(CALL(d, read, 999, bytes, 1), EBADF);
    FAILS(CALL(d, socket, AF_UNIX, SOCK_STREAM, 0), EAFNOSUPPORT);
    FAILS(CALL(d, socket, AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
    FAILS(CALL(d, bind, s, &a.any, 3), EINVAL);
    l = listening(d);
    FAILS(CALL(d, bind, s, &a.any, len), EADDRINUSE);
    FAILS(CALL(d, read, l, bytes, 1), ENOTCONN);
    FAILS(CALL(d, connect, l, &a.any, len), EISCONN);
    assert_int_equal(get_int(d, l, SOL_SOCKET, SO_ACCEPTCONN), 1);
    nonblocking(d, l);
    FAILS(CALL(d, accept, l, NULL, NULL), EAGAIN);
    assert_int_equal(CALL(d, close, l), 0);
    FAILS(CALL(d, close, l), EBADF);
}

SCRIPT(blocking_accept)
{
    struct blocking b = {.run = run_accept, .fd = listening(d)};

    begin(d, &b);
    in_at(d, 10, "S mss=1000");
    out(d, 10, "SA ack=1");
    in_at(d, 110, "A ack=1");
    done(d, &b, 110, 0, 0);
    assert_int_equal(CALL(d, write, b.fd, bytes, 10), 10);
    out(d, 110, "PA seq=1 len=10");
}

SCRIPT(blocking_connect)
{
    struct blocking b = {.run = run_connect, .fd = stream(d)};

    begin(d, &b);
    out(d, 0, "S seq=0");
    in_at(d, 70, "SA seq=0 ack=1 mss=1000");
    out(d, 70, "A ack=1");
    done(d, &b, 70, 0, 0);
}

SCRIPT(blocking_connect_times_out)
{
    struct blocking b = {.run = run_connect, .fd = stream(d)};

    begin(d, &b);
    out(d, 0, "S seq=0");
    out(d, 1000, "S seq=0");
    out(d, 3000, "S seq=0");
    done(d, &b, 7000, -1, ETIMEDOUT);
}

SCRIPT(blocking_read)
{
    struct blocking b = {.run = run_read, .fd = established(d), .len = 4096};

    begin(d, &b);
    in_at(d, 333, "PA seq=1 len=700");
    done(d, &b, 333, 700, 0);
    out(d, 333, "A ack=701");
    begin(d, &b);
    in_at(d, 400, "FA seq=701");
    done(d, &b, 400, 0, 0);
    out(d, 400, "A ack=702");
}

SCRIPT(read_times_out)
{
    struct timeval tv = {.tv_usec = 250000};
    struct blocking b = {.run = run_read, .fd = established(d), .len = 100};

    assert_int_equal(CALL(d, setsockopt, b.fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
    begin(d, &b);
    done(d, &b, 350, -1, EAGAIN);
    b.run = run_poll;
    b.timeout_ms = 100;
    begin(d, &b);
    done(d, &b, 450, 0, 0);
}

SCRIPT(read_ends_with_a_reset)
{
    struct blocking b = {.run = run_read, .fd = established(d), .len = 100};

    begin(d, &b);
    in_at(d, 200, "RA seq=1 ack=1");
    done(d, &b, 200, -1, ECONNRESET);
    assert_int_equal(CALL(d, read, b.fd, bytes, 10), 0);
    FAILS(CALL(d, write, b.fd, bytes, 10), EPIPE);
}

SCRIPT(blocking_write)
{
    struct blocking b = {.run = run_write, .fd = established(d), .len = 30000};
    double ms = 200;

    set_int(d, b.fd, SOL_SOCKET, SO_SNDBUF, 8000);
    begin(d, &b);
    for (unsigned n = 1; n <= 8; n++)
        out(d, 100, "A seq=%u len=1000", 1 + (n - 1) * 1000);
    for (unsigned n = 1; n <= 22; n++, ms += 10) {
        in_at(d, ms, "A seq=1 ack=%u wnd=1000", 1 + n * 1000);
        out(d, ms, "A seq=%u len=1000", 1 + (n + 7) * 1000);
    }
    done(d, &b, ms - 10, 30000, 0);
}

SCRIPT(lingering_close)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 5};
    struct blocking b = {.run = run_close, .fd = established(d)};

    assert_int_equal(CALL(d, setsockopt, b.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    assert_int_equal(CALL(d, write, b.fd, bytes, 10), 10);
    out(d, 100, "PA seq=1 len=10");
    begin(d, &b);
    out(d, 100, "FA seq=11");
    in_at(d, 190, "A ack=12");
    done(d, &b, 190, 0, 0);
}

SCRIPT(lingering_zero_resets)
{
    struct linger linger = {.l_onoff = 1};
    int s = established(d);

    assert_int_equal(CALL(d, setsockopt, s, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    assert_int_equal(CALL(d, close, s), 0);
    out(d, 0, "RA seq=1 ack=1");
}

SCRIPT(unread_data_reset)
{
    int s = established(d);

    in(d, "PA seq=1 len=10");
    out(d, 0, "A ack=11");
    assert_int_equal(CALL(d, close, s), 0);
    out(d, 0, "RA seq=1 ack=11");
}

/* Plain packetdrill closes with the real close(2). */
SCRIPT(closed_behind_its_back)
{
    int s = established(d);

    assert_int_equal(close(s), 0);
    out(d, 0, "FA seq=1 ack=1");
    assert_true(stream(d) >= 0);
}

SCRIPT(polls)
{
    int s = established(d);
    struct pollfd p = {.fd = s, .events = POLLIN | POLLOUT | POLLRDHUP};

    assert_int_equal(CALL(d, poll, &p, 1, 0), 1);
    assert_int_equal(p.revents, POLLOUT);
    in(d, "PA seq=1 len=10");
    CALL(d, poll, &p, 1, 0);
    assert_int_equal(p.revents, POLLOUT | POLLIN);
    in(d, "FA seq=11");
    CALL(d, poll, &p, 1, 0);
    assert_int_equal(p.revents, POLLOUT | POLLIN | POLLRDHUP);
    assert_int_equal(CALL(d, shutdown, s, SHUT_WR), 0);
    CALL(d, poll, &p, 1, 0);
    assert_int_equal(p.revents, POLLOUT | POLLIN | POLLRDHUP | POLLHUP);
}

SCRIPT(epolls)
{
    int s = established(d), e = CALL(d, epoll_create, 1);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = 77}, got[4];

    assert_int_equal(CALL(d, epoll_ctl, e, EPOLL_CTL_ADD, s, &event), 0);
    FAILS(CALL(d, epoll_ctl, e, EPOLL_CTL_ADD, s, &event), EEXIST);
    assert_int_equal(CALL(d, epoll_wait, e, got, 4, 0), 0);
    in(d, "PA seq=1 len=10");
    assert_int_equal(CALL(d, epoll_wait, e, got, 4, 0), 1);
    assert_int_equal(got[0].data.u64, 77);
    assert_int_equal(got[0].events, EPOLLIN);
    assert_int_equal(CALL(d, epoll_wait, e, got, 4, 0), 0); /* an edge is told once */
    in(d, "PA seq=11 len=10");
    assert_int_equal(CALL(d, epoll_wait, e, got, 4, 0), 1);
    event.events = EPOLLIN;
    assert_int_equal(CALL(d, epoll_ctl, e, EPOLL_CTL_MOD, s, &event), 0);
    assert_int_equal(CALL(d, epoll_wait, e, got, 4, 0), 1);
    assert_int_equal(CALL(d, epoll_wait, e, got, 4, 0), 1); /* a level as often as asked */
    assert_int_equal(CALL(d, epoll_ctl, e, EPOLL_CTL_DEL, s, NULL), 0);
    FAILS(CALL(d, epoll_ctl, e, EPOLL_CTL_DEL, s, NULL), ENOENT);
}

SCRIPT(messages)
{
    int s = established(d);
    struct iovec iov[2] = {{bytes, 3}, {bytes + 10, 4}};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
    union {
        struct cmsghdr header;
        char room[64];
    } control;
    int left;

    set_int(d, s, IPPROTO_TCP, TCP_INQ, 1);
    in(d, "PA seq=1 len=20");
    out(d, 0, "A ack=21");
    m.msg_control = &control;
    m.msg_controllen = sizeof(control);
    assert_int_equal(CALL(d, recv, s, bytes, 5, MSG_PEEK), 5);
    assert_int_equal(CALL(d, recvmsg, s, &m, 0), 7);
    assert_int_equal((uint8_t)bytes[10], (uint8_t)(DRIVER_ISN + 1 + 3));
    assert_int_equal(control.header.cmsg_type, TCP_CM_INQ);
    memcpy(&left, CMSG_DATA(&control.header), sizeof(left));
    assert_int_equal(left, 13);
    assert_int_equal(CALL(d, ioctl, s, FIONREAD, &left), 0);
    assert_int_equal(left, 13);
    assert_int_equal(CALL(d, recv, s, bytes, 4, MSG_TRUNC), 4);
    assert_int_equal(CALL(d, readv, s, iov, 2), 7);
    FAILS(CALL(d, recv, s, bytes, 1, MSG_ERRQUEUE), EAGAIN);
    FAILS(CALL(d, recv, s, bytes, 1, MSG_OOB), EINVAL);
    m.msg_control = NULL;
    m.msg_controllen = 0;
    assert_int_equal(CALL(d, sendmsg, s, &m, MSG_MORE), 7);
    assert_int_equal(CALL(d, ioctl, s, SIOCOUTQNSD, &left), 0);
    assert_int_equal(left, 7);
    assert_int_equal(CALL(d, writev, s, iov, 2), 7);
    out(d, 0, "PA seq=1 len=14");
    assert_int_equal(CALL(d, ioctl, s, SIOCOUTQ, &left), 0);
    assert_int_equal(left, 14);
}

SCRIPT(pipes_and_splices)
{
    int s = established(d), p[2], copy;

    assert_int_equal(CALL(d, pipe, p), 0);
    assert_int_equal(CALL(d, write, p[1], "abcdef", 6), 6);
    assert_int_equal(CALL(d, splice, p[0], NULL, s, NULL, 4, 0), 4);
    out(d, 0, "PA seq=1 len=4");
    in(d, "PA seq=1 len=8 ack=5");
    out(d, 0, "A ack=9");
    assert_int_equal(CALL(d, splice, s, NULL, p[1], NULL, 100, 0), 8);
    assert_int_equal(CALL(d, read, p[0], bytes, 100), 10);
    assert_memory_equal(bytes, "ef", 2);
    copy = CALL(d, fcntl, s, F_DUPFD, 100L);
    assert_true(copy >= 100);
    assert_int_equal(CALL(d, close, s), 0);
    assert_int_equal(CALL(d, write, copy, "x", 1), 1);
    out(d, 0, "PA seq=5 len=1");
    assert_int_equal(CALL(d, close, copy), 0);
    out(d, 0, "FA seq=6");
}

static const struct script scripts[] = {
    PLAY(accepts_and_reads),
    PLAY(connects_nonblocking),
    PLAY(connect_refused),
    PLAY(errors_of_states),
    PLAY(blocking_accept),
    PLAY(blocking_connect),
    PLAY_WITH(blocking_connect_times_out, "syn_retries=2"),
    PLAY(blocking_read),
    PLAY(read_times_out),
    PLAY(read_ends_with_a_reset),
    PLAY(blocking_write),
    PLAY(lingering_close),
    PLAY(lingering_zero_resets),
    PLAY(unread_data_reset),
    PLAY(closed_behind_its_back),
    PLAY(polls),
    PLAY(epolls),
    PLAY(messages),
    PLAY(pipes_and_splices),
};

int main(int argc, char **argv)
{
    return DRIVER_MAIN(scripts);
}

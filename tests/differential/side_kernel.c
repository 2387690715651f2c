/* SPDX-License-Identifier: MIT */
/*
 * The kernel's TCP, in a network namespace of this process's own: packets through a TUN device whose other end is the test,
 * calls on its sockets, states from /proc/net/tcp, time from the clock. Its options are set here, so that what it does is defined,
 * and nothing that counts over connections (limits of challenge ACKs and of ICMP) lets one conversation disturb another.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <gander/tun.h>

#include "differential/play.h"

enum { QUEUE_PACKETS = 20000 };

struct kernel {
    struct side side;
    struct gander_driver *tun;
    int fd;
    unsigned state_round[2], state_batch[2]; /* /proc was read in this round */
    /* by port and flow: the kernel's number of the state, 0: no socket */
    uint8_t states[2][65536][FLOWS];
};

static struct kernel *kernel_of(struct side *side)
{
    return (struct kernel *)(void *)side;
}

/* --- time and packets ------------------------------------------------------------------------------- */

static int64_t now(struct side *side)
{
    struct timespec t;

    (void)side;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * GANDER_S + t.tv_nsec;
}

static void collect(struct kernel *k)
{
    static uint8_t packet[65536];
    ssize_t n;

    while ((n = read(k->fd, packet, sizeof(packet))) > 0)
        play_packet(k->side.player, packet, (size_t)n);
}

static void pass(struct side *side, int64_t until)
{
    struct kernel *k = kernel_of(side);
    int64_t left;

    collect(k);
    while ((left = until - now(side)) > 0) {
        struct pollfd ready = {.fd = k->fd, .events = POLLIN};
        struct timespec timeout = {.tv_sec = (time_t)(left / GANDER_S),
                                   .tv_nsec = (long)(left % GANDER_S)};

        if (ppoll(&ready, 1, &timeout, NULL) > 0)
            collect(k);
    }
}

static void inject(struct side *side, const uint8_t *packet, size_t len)
{
    if (write(kernel_of(side)->fd, packet, len) != (ssize_t)len)
        fprintf(stderr, "a packet of %zu bytes was not taken: %s\n", len, strerror(errno));
}

/* --- calls ------------------------------------------------------------------------------------------ */

static socklen_t address_of(const struct conversation *c, bool peer, struct sockaddr_storage *out)
{
    struct gander_address a = play_address(c->script->family, peer ? c : NULL);
    uint16_t port = peer ? (uint16_t)(c->peer_port + c->peer) : c->port;

    memset(out, 0, sizeof(*out));
    if (a.family == GANDER_IPV4) {
        struct sockaddr_in *in = (struct sockaddr_in *)out;

        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        memcpy(&in->sin_addr, a.ip, 4);
        return sizeof(*in);
    }
    ((struct sockaddr_in6 *)out)->sin6_family = AF_INET6;
    ((struct sockaddr_in6 *)out)->sin6_port = htons(port);
    memcpy(&((struct sockaddr_in6 *)out)->sin6_addr, a.ip, 16);
    return sizeof(struct sockaddr_in6);
}

static void write_result(char *result, int64_t value)
{
    if (value >= 0)
        snprintf(result, RESULT_BYTES, "%lld", (long long)value);
    else if (errno == EINPROGRESS)
        snprintf(result, RESULT_BYTES, "0");
    else
        snprintf(result, RESULT_BYTES, "%s", strerrorname_np(errno));
}

static int need_socket(struct conversation *c, int type)
{
    struct sockaddr_storage local;
    socklen_t len = address_of(c, false, &local);
    int fd, one = 1;

    if (c->socket >= 0)
        return (int)c->socket;
    fd = socket(local.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        perror("socket");
        exit(2);
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (local.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&local, len) < 0) {
        perror("bind");
        exit(2);
    }
    c->socket = fd;
    return fd;
}

static int set_linger(int fd, int seconds)
{
    struct linger linger = {.l_onoff = seconds >= 0, .l_linger = seconds};

    return setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static int set_option(int fd, const char *word, int value)
{
    static const struct {
        const char *name;
        int level, option;
    } options[] = {
        {"nodelay", IPPROTO_TCP, TCP_NODELAY},   {"cork", IPPROTO_TCP, TCP_CORK},
        {"quickack", IPPROTO_TCP, TCP_QUICKACK}, {"keepalive", SOL_SOCKET, SO_KEEPALIVE},
        {"keepidle", IPPROTO_TCP, TCP_KEEPIDLE}, {"keepintvl", IPPROTO_TCP, TCP_KEEPINTVL},
        {"keepcnt", IPPROTO_TCP, TCP_KEEPCNT},   {"usertimeout", IPPROTO_TCP, TCP_USER_TIMEOUT},
        {"rcvbuf", SOL_SOCKET, SO_RCVBUF},       {"sndbuf", SOL_SOCKET, SO_SNDBUF},
        {"maxseg", IPPROTO_TCP, TCP_MAXSEG},     {"oobinline", SOL_SOCKET, SO_OOBINLINE},
    };

    if (strncmp(word, "linger ", 7) == 0)
        return set_linger(fd, value);
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        size_t len = strlen(options[i].name);

        if (strncmp(word, options[i].name, len) == 0 && word[len] == ' ')
            return setsockopt(fd, options[i].level, options[i].option, &value, sizeof(value));
    }
    fprintf(stderr, "no such option: %s\n", word);
    exit(2);
}

static int shut_how(const char *word)
{
    return strcmp(word, "send") == 0 ? SHUT_WR : strcmp(word, "receive") == 0 ? SHUT_RD : SHUT_RDWR;
}

static int64_t call_opens(struct conversation *c, const struct call *call)
{
    struct sockaddr_storage peer;
    socklen_t len = address_of(c, true, &peer);
    int64_t n;

    switch (call->verb) {
    case CALL_LISTEN:
        n = listen(need_socket(c, SOCK_STREAM), call->value < 0 ? 16 : (int)call->value);
        c->listener = c->socket;
        c->socket = -1;
        return n;
    case CALL_ACCEPT:
        n = accept4((int)c->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (n >= 0)
            c->socket = n;
        return n >= 0 ? 0 : n;
    default:
        return connect(need_socket(c, call->verb == CALL_UDP ? SOCK_DGRAM : SOCK_STREAM),
                       (struct sockaddr *)&peer, len);
    }
}

static int64_t call_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        return -1;
    errno = error;
    return error ? -1 : 0;
}

static int64_t call_close(struct conversation *c, bool abort)
{
    int64_t *fd = c->socket >= 0 ? &c->socket : &c->listener;
    int64_t n;

    if (abort)
        set_linger((int)*fd, 0);
    n = close((int)*fd);
    *fd = -1;
    return n;
}

static void call(struct side *side, struct conversation *c, const struct call *call, uint8_t *data,
                 size_t *len, char *result)
{
    int fd = (int)c->socket, flags = MSG_NOSIGNAL;
    int64_t n;

    (void)side;
    switch (call->verb) {
    case CALL_SEND:
        flags |= strstr(call->word, "more") ? MSG_MORE : 0;
        flags |= strstr(call->word, "urgent") ? MSG_OOB : 0;
        n = send(fd, data, *len, flags);
        break;
    case CALL_RECV:
        n = recv(fd, data, *len, strcmp(call->word, "peek") == 0 ? MSG_PEEK : 0);
        if (n > 0)
            *len = (size_t)n;
        break;
    case CALL_SHUTDOWN:
        n = shutdown(fd, shut_how(call->word));
        break;
    case CALL_CLOSE:
    case CALL_ABORT:
        n = call_close(c, call->verb == CALL_ABORT);
        break;
    case CALL_ERROR:
        n = call_error(fd);
        break;
    case CALL_OPTION:
        n = set_option(need_socket(c, SOCK_STREAM), call->word, (int)call->value);
        break;
    default:
        n = call_opens(c, call);
        break;
    }
    write_result(result, n);
}

/* --- states ------------------------------------------------------------------------------------------- */

static void read_states(struct kernel *k, unsigned family)
{
    unsigned v6 = family == GANDER_IPV6;
    FILE *f = fopen(v6 ? "/proc/thread-self/net/tcp6" : "/proc/thread-self/net/tcp", "r");
    char line[512];

    memset(k->states[v6], 0, sizeof(k->states[v6]));
    while (f && fgets(line, sizeof(line), f)) {
        unsigned local, peer, state;
        struct conversation *c;

        if (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%x %x", &local, &peer, &state) != 3)
            continue;
        c = play_find(k->side.player, local);
        if (c && (uint16_t)(peer - c->peer_port) < FLOWS)
            k->states[v6][local & 0xffff][(uint16_t)(peer - c->peer_port)] = (uint8_t)state;
    }
    if (f)
        fclose(f);
}

static void state(struct side *side, struct conversation *c, char *result)
{
    static const unsigned by_number[] = {
        [0] = GANDER_TCP_CLOSED,       [1] = GANDER_TCP_ESTABLISHED, [2] = GANDER_TCP_SYN_SENT,
        [3] = GANDER_TCP_SYN_RECEIVED, [4] = GANDER_TCP_FIN_WAIT_1,  [5] = GANDER_TCP_FIN_WAIT_2,
        [6] = GANDER_TCP_TIME_WAIT,    [7] = GANDER_TCP_CLOSED,      [8] = GANDER_TCP_CLOSE_WAIT,
        [9] = GANDER_TCP_LAST_ACK,     [10] = GANDER_TCP_LISTEN,     [11] = GANDER_TCP_CLOSING,
        [12] = GANDER_TCP_SYN_RECEIVED};
    struct kernel *k = kernel_of(side);
    unsigned v6 = c->script->family == GANDER_IPV6;
    unsigned number;

    if (k->state_round[v6] != side->player->round || k->state_batch[v6] != side->player->batch)
        read_states(k, c->script->family);
    k->state_round[v6] = side->player->round;
    k->state_batch[v6] = side->player->batch;
    number = k->states[v6][c->port][c->peer];
    snprintf(result, RESULT_BYTES, "%s", gander_tcp_state_name(by_number[number % 13]));
}

/* --- life --------------------------------------------------------------------------------------------- */

static void begin(struct side *side)
{
    (void)side;
}

static void finish(struct side *side, struct conversation *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        while (c[i].socket >= 0 || c[i].listener >= 0)
            call_close(&c[i], true);
    }
    collect(kernel_of(side));
}

static void end(struct side *side)
{
    gander_driver_close(kernel_of(side)->tun);
    free(kernel_of(side));
}

static bool sysctl_set(const char *name, const char *value)
{
    char path[128];
    int fd, n;

    snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    n = (int)write(fd, value, strlen(value));
    close(fd);
    return n > 0;
}

static void set_sysctls(void)
{
    static const char *const settings[][2] = {
        {"ipv4/tcp_timestamps", "1"},
        {"ipv4/tcp_sack", "1"},
        {"ipv4/tcp_dsack", "1"},
        {"ipv4/tcp_window_scaling", "1"},
        {"ipv4/tcp_ecn", "2"}, /* the default: answers, does not ask */
        {"ipv4/tcp_fastopen", "0"},
        {"ipv4/tcp_syncookies", "0"},
        {"ipv4/tcp_congestion_control", "reno"},
        {"ipv4/tcp_challenge_ack_limit", "2147483647"},
        {"ipv4/tcp_invalid_ratelimit", "0"},
        {"ipv4/icmp_ratelimit", "0"},
        {"ipv6/icmp/ratelimit", "0"},
        {"ipv4/icmp_msgs_per_sec", "1000000"},
        {"ipv4/icmp_msgs_burst", "1000000"},
        {"ipv4/tcp_no_metrics_save", "1"},
        {"ipv4/tcp_autocorking", "0"},
        {"ipv4/tcp_comp_sack_nr", "0"},
        {"ipv4/tcp_moderate_rcvbuf", "0"},
        {"ipv4/tcp_mtu_probing", "0"},
        {"ipv4/tcp_rfc1337", "0"},
        {"ipv4/tcp_max_tw_buckets", "262144"},
        {"ipv4/tcp_fin_timeout", "60"},
        {"ipv4/tcp_syn_retries", "6"},
        {"ipv4/tcp_synack_retries", "5"},
        {"ipv4/tcp_syn_linear_timeouts", "0"},
        {"ipv4/tcp_max_syn_backlog", "4096"},
        {"ipv4/tcp_rmem", "4096 131072 6291456"},
        {"ipv6/conf/all/accept_ra", "0"},
    };

    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        sysctl_set(settings[i][0], settings[i][1]);
}

void side_kernel_rto_min(struct side *side, unsigned ms)
{
    char text[32];

    (void)side;
    snprintf(text, sizeof(text), "%u", ms * 1000);
    sysctl_set("ipv4/tcp_rto_min_us", text);
}

static void set_queue(const char *name)
{
    struct ifreq request = {.ifr_qlen = QUEUE_PACKETS};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    ioctl(fd, SIOCSIFTXQLEN, &request);
    close(fd);
}

/* Twice: the second has a small table of connections of its own, so that /proc/net/tcp is read quickly. */
static bool enter_namespace(void)
{
    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return false;
    return !sysctl_set("ipv4/tcp_child_ehash_entries", "4096") || unshare(CLONE_NEWNET) == 0;
}

struct side *side_kernel(char *why_not, size_t bytes)
{
    struct rlimit files;
    struct kernel *k;

    if (!enter_namespace()) {
        snprintf(why_not, bytes, "no network namespace of its own: %s", strerror(errno));
        return NULL;
    }
    k = calloc(1, sizeof(*k));
    if (!k)
        abort();
    k->side = (struct side){"kernel", now, pass, inject, call, state, begin, finish, end, NULL, 0};
    set_sysctls();
    if (gander_tun_open(NULL, &k->tun, why_not, bytes) < 0) {
        free(k);
        return NULL;
    }
    for (unsigned family = GANDER_IPV4; family <= GANDER_IPV6; family += 2) {
        struct gander_address a = play_address(family, NULL);

        if (gander_tun_configure(k->tun, &a, family == GANDER_IPV4 ? 8 : 64, why_not, bytes) < 0) {
            gander_driver_close(k->tun);
            free(k);
            return NULL;
        }
    }
    k->fd = gander_driver_descriptor(k->tun);
    set_queue(gander_tun_name(k->tun));
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    return &k->side;
}

/* SPDX-License-Identifier: MIT */
/*
 * Flows in real time: the kernel's from one network namespace to another, through TUN devices and the relay between them;
 * gander's likewise, from stacks that stand beside the devices. Each run is a process of its own, whose namespaces and
 * devices go with it; within it, another plays the application on the kernel's sockets.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "loss.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gander/host.h>
#include <gander/tun.h>

#include "../namespace.h"

enum { KERNEL_PORT = 5002, PREFIX_BITS = 8, CHUNK_BYTES = 65536 };

static const char *const kernel_address[2] = {"10.0.0.1", "10.0.1.1"};

/* What the kernel's flow gave. */
struct kernel_flow {
    uint64_t received_bytes;
    double retransmitted;
    char note[LOSS_NOTE_BYTES];
};

struct kernel_ends {
    struct gander_driver *tun[2];
    int listener, sender;
};

/* --- namespaces ------------------------------------------------------------------------------------- */

/* In a namespace of its own: a TUN device with an address, and buffers that may grow. */
static bool end_open(unsigned number, struct gander_driver **tun, char *note)
{
    struct gander_address address;

    if (!namespace_enter(note, LOSS_NOTE_BYTES))
        return false;
    namespace_sysctl("net/ipv4/tcp_rmem", "4096 131072 67108864");
    namespace_sysctl("net/ipv4/tcp_wmem", "4096 131072 67108864");
    namespace_sysctl("net/ipv4/tcp_no_metrics_save", "1");
    gander_address_parse(kernel_address[number], &address);
    return gander_tun_open("path", tun, note, LOSS_NOTE_BYTES) == GANDER_OK &&
           gander_tun_up(*tun, LOSS_MTU_BYTES, note, LOSS_NOTE_BYTES) == GANDER_OK &&
           gander_tun_configure(*tun, &address, PREFIX_BITS, note, LOSS_NOTE_BYTES) == GANDER_OK;
}

static struct sockaddr_in kernel_peer(void)
{
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(KERNEL_PORT)};

    inet_pton(AF_INET, kernel_address[1], &peer.sin_addr);
    return peer;
}

/* A socket belongs to the namespace in which it is made. */
static bool ends_open(struct kernel_ends *ends, const char *cc, char *note)
{
    struct sockaddr_in peer = kernel_peer();
    bool ok;

    if (!end_open(0, &ends->tun[0], note))
        return false;
    ends->sender = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!end_open(1, &ends->tun[1], note))
        return false;
    ends->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ok = !bind(ends->listener, (struct sockaddr *)&peer, sizeof(peer)) &&
         !listen(ends->listener, 1) &&
         !setsockopt(ends->sender, IPPROTO_TCP, TCP_CONGESTION, cc, (socklen_t)strlen(cc));
    if (!ok)
        snprintf(note, LOSS_NOTE_BYTES, "the kernel has no %s: %s", cc, strerror(errno));
    return ok;
}

/* --- the application on the kernel -------------------------------------------------------------------- */

static void transfer(int sender, int receiver, gander_time until, struct kernel_flow *flow)
{
    static char chunk[CHUNK_BYTES];
    struct pollfd fds[2] = {{sender, POLLOUT, 0}, {receiver, POLLIN, 0}};
    gander_time now;

    while ((now = gander_host_now()) < until) {
        if (poll(fds, 2, (int)((until - now) / GANDER_MS) + 1) < 0)
            return;
        if (fds[0].revents && write(sender, chunk, sizeof(chunk)) < 0 && errno != EAGAIN)
            return;
        if (fds[1].revents) {
            ssize_t n = read(receiver, chunk, sizeof(chunk));

            if (n > 0)
                flow->received_bytes += (uint64_t)n;
            else if (n == 0 || errno != EAGAIN)
                return;
        }
    }
}

static void flow_info(int sender, struct kernel_flow *flow)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);

    flow->retransmitted = -1;
    if (!getsockopt(sender, IPPROTO_TCP, TCP_INFO, &info, &size) && info.tcpi_data_segs_out)
        flow->retransmitted = (double)info.tcpi_total_retrans / (double)info.tcpi_data_segs_out;
}

static void play(const struct kernel_ends *ends, double seconds, struct kernel_flow *flow)
{
    struct sockaddr_in peer = kernel_peer();
    gander_time until = gander_host_now() + (gander_time)(seconds * 1e9);
    int receiver;

    if (connect(ends->sender, (struct sockaddr *)&peer, sizeof(peer))) {
        snprintf(flow->note, sizeof(flow->note), "cannot connect: %s", strerror(errno));
        return;
    }
    receiver = accept(ends->listener, NULL, NULL);
    fcntl(ends->sender, F_SETFL, O_NONBLOCK);
    fcntl(receiver, F_SETFL, O_NONBLOCK);
    transfer(ends->sender, receiver, until, flow);
    flow_info(ends->sender, flow);
}

/* --- one run -------------------------------------------------------------------------------------------- */

/* Starts the application in a process of its own; *result gets its struct kernel_flow. */
static pid_t play_start(const struct kernel_ends *ends, double seconds, int *result)
{
    int ends_of_pipe[2];
    pid_t child;

    if (pipe2(ends_of_pipe, O_CLOEXEC))
        return -1;
    child = fork();
    if (child == 0) {
        struct kernel_flow flow = {0};

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        play(ends, seconds, &flow);
        _exit(write(ends_of_pipe[1], &flow, sizeof(flow)) != sizeof(flow));
    }
    close(ends_of_pipe[1]);
    *result = ends_of_pipe[0];
    return child;
}

static void kernel_result(int result, double seconds, unsigned number, struct loss_run *run)
{
    struct kernel_flow flow;

    if (read(result, &flow, sizeof(flow)) != sizeof(flow)) {
        snprintf(run->note, sizeof(run->note), "the kernel's flow gave no result");
        return;
    }
    run->goodput_mbit[number] = (double)flow.received_bytes * 8 / seconds / 1e6;
    if (number == 0)
        run->retransmitted = flow.retransmitted;
    if (flow.note[0])
        snprintf(run->note, sizeof(run->note), "%s", flow.note);
}

static void gander_result(struct loss_relay *relay, double seconds, struct loss_run *run)
{
    const struct loss_flow *flow = loss_relay_flow(relay);
    const struct loss_path *path = loss_relay_path(relay);

    run->goodput_mbit[0] = (double)flow->received_bytes * 8 / seconds / 1e6;
    if (path->data_segments)
        run->retransmitted = (double)loss_flow_retransmitted(flow) / (double)path->data_segments;
    if (flow->error)
        snprintf(run->note, sizeof(run->note), "the connection ended: %s",
                 gander_strerror(flow->error));
}

/* Within the run's own process. */
static void run_here(const struct loss_cell *cell, enum loss_side side, uint64_t seed,
                     double seconds, struct loss_run *run)
{
    bool gander = side == LOSS_GANDER, kernel = !gander || cell->other_is_kernel;
    struct kernel_ends ends = {0};
    struct loss_relay *relay;
    int result = -1;

    if (!ends_open(&ends,
                   gander && kernel ? cell->other_cc
                   : gander         ? "cubic"
                                    : cell->cc,
                   run->note))
        return;
    relay = loss_relay_create(cell, seed, ends.tun[0], ends.tun[1]);
    if (!relay || (gander && loss_relay_add_flow(relay, cell->cc))) {
        snprintf(run->note, sizeof(run->note), "no memory for the relay");
        return;
    }
    if (kernel && play_start(&ends, seconds, &result) < 0) {
        snprintf(run->note, sizeof(run->note), "cannot fork: %s", strerror(errno));
        return;
    }
    loss_relay_run(relay, gander_host_now() + (gander_time)((seconds + (kernel ? 5 : 0)) * 1e9),
                   result);
    if (gander)
        gander_result(relay, seconds, run);
    if (kernel)
        kernel_result(result, seconds, gander ? 1 : 0, run);
    loss_path_report(loss_relay_path(relay), run);
    loss_relay_destroy(relay);
}

void loss_run_real(const struct loss_cell *cell, enum loss_side side, uint64_t seed, double seconds,
                   struct loss_run *run)
{
    int ends[2];
    pid_t child;

    loss_run_clear(run);
    if (pipe2(ends, O_CLOEXEC)) {
        snprintf(run->note, sizeof(run->note), "no pipe: %s", strerror(errno));
        return;
    }
    child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        run_here(cell, side, seed, seconds, run);
        _exit(write(ends[1], run, sizeof(*run)) != sizeof(*run));
    }
    close(ends[1]);
    if (read(ends[0], run, sizeof(*run)) != sizeof(*run) && !run->note[0])
        snprintf(run->note, sizeof(run->note), "the run ended early");
    close(ends[0]);
    if (child > 0)
        waitpid(child, NULL, 0);
}

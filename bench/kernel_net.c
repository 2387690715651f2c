/* SPDX-License-Identifier: MIT */
/*
 * The kernel's network for the bench: a namespace that only this process sees, and that goes with it. Its loopback device
 * gets an MTU of 1500 and loses segmentation and receive offload, so that the kernel sends and receives
 * segments one by one as gander does.
 *
 * What can't be had: the loopback device marks its packets as checksummed without doing it, and that can't be switched off.
 * The kernel is spared both checksum passes over the data that gander makes.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "kernel.h"
#include "namespace.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static bool offload_off(int fd, struct ifreq *request, uint32_t command)
{
    struct ethtool_value value = {.cmd = command, .data = 0};

    request->ifr_data = (void *)&value;
    return ioctl(fd, SIOCETHTOOL, request) == 0;
}

static bool loopback_up(char *note, size_t size)
{
    static const uint32_t offloads[] = {ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO};
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0;

    for (size_t i = 0; ok && i < sizeof(offloads) / sizeof(offloads[0]); i++)
        ok = offload_off(fd, &request, offloads[i]);
    if (ok) {
        request.ifr_mtu = BENCH_MTU_BYTES;
        ok = ioctl(fd, SIOCSIFMTU, &request) == 0;
    }
    if (ok && ioctl(fd, SIOCGIFFLAGS, &request) == 0) {
        request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
        ok = ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    }
    if (!ok)
        snprintf(note, size, "cannot set up the loopback device: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

bool kernel_net_open(char *note, size_t size)
{
    if (!namespace_enter(note, size) || !loopback_up(note, size))
        return false;
    /* Many short connections: all ports, and TIME-WAIT no obstacle. Best effort; the run tells if it matters. */
    namespace_sysctl("net/ipv4/ip_local_port_range", "1024 65535");
    namespace_sysctl("net/ipv4/tcp_tw_reuse", "1");
    namespace_sysctl("net/ipv4/tcp_max_tw_buckets", "2000000");
    namespace_sysctl("net/core/somaxconn", "4096");
    return true;
}

bool kernel_net_counters(struct kernel_net_counters *counters)
{
    FILE *file = fopen("/proc/self/net/dev", "re");
    char line[512];
    bool found = false;

    if (!file)
        return false;
    while (!found && fgets(line, sizeof(line), file)) {
        unsigned long long bytes, packets;

        found = sscanf(line, " lo: %llu %llu", &bytes, &packets) == 2;
        if (found)
            *counters = (struct kernel_net_counters){.packets = packets, .bytes = bytes};
    }
    fclose(file);
    return found;
}

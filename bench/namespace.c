/* SPDX-License-Identifier: MIT */
/* Network namespaces for benches: made here, gone with the process. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool file_write(const char *path, const char *text)
{
    size_t len = strlen(text);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok;

    if (fd < 0)
        return false;
    ok = write(fd, text, len) == (ssize_t)len;
    close(fd);
    return ok;
}

bool namespace_enter(char *note, size_t size)
{
    unsigned uid = getuid(), gid = getgid();
    char map[64];

    if (unshare(CLONE_NEWNET) == 0)
        return true;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
        snprintf(note, size, "no network namespace of its own: %s", strerror(errno));
        return false;
    }
    snprintf(map, sizeof(map), "0 %u 1\n", uid);
    file_write("/proc/self/uid_map", map);
    file_write("/proc/self/setgroups", "deny");
    snprintf(map, sizeof(map), "0 %u 1\n", gid);
    file_write("/proc/self/gid_map", map);
    return true;
}

bool namespace_sysctl(const char *name, const char *value)
{
    char path[128];

    snprintf(path, sizeof(path), "/proc/sys/%s", name);
    return file_write(path, value);
}

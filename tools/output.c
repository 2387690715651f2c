/* SPDX-License-Identifier: MIT */
/*
 * A blocking descriptor, written as if it were not: a pipe that poll() calls writable takes PIPE_BUF bytes without
 * blocking, a plain file takes everything.
 */
#include "output.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

int64_t output_write(int fd, const void *data, size_t len)
{
    const char *bytes = data;
    struct stat status;
    size_t done = 0;
    int plain = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);

    while (done < len) {
        struct pollfd ready = {.fd = fd, .events = POLLOUT};
        size_t part = len - done;
        ssize_t n;

        if (!plain) {
            if (poll(&ready, 1, 0) == 0)
                break;
            part = part < PIPE_BUF ? part : PIPE_BUF;
        }
        n = write(fd, bytes + done, part);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            if (errno == EAGAIN)
                break;
            return -1;
        }
        done += (size_t)n;
    }
    return (int64_t)done;
}

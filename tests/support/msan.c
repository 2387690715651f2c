/* SPDX-License-Identifier: MIT */
/*
 * For the memory sanitizer, which does not know that this call of the C library writes: what it wrote counts as written. Other
 * builds get nothing from this file.
 */
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

int epoll_pwait2(int fd, struct epoll_event *events, int max, const struct timespec *timeout,
                 const sigset_t *signals)
{
    int n = (int)syscall(SYS_epoll_pwait2, fd, events, max, timeout, signals, 8);

    if (n > 0)
        __msan_unpoison(events, (size_t)n * sizeof(*events));
    return n;
}
#endif
#endif
typedef int tests_support_msan_is_not_empty; /* C wants a declaration in each file */

/* SPDX-License-Identifier: MIT */
/* What Linux gives a stack: memory, a clock, entropy. The loop is in host_loop.c. */
#include <gander/host.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static void *host_alloc(void *context, size_t size, size_t align)
{
    void *memory = NULL;

    (void)context;
    if (align < sizeof(void *))
        align = sizeof(void *);
    return posix_memalign(&memory, align, size) == 0 ? memory : NULL;
}

static void host_free(void *context, void *memory, size_t size)
{
    (void)context;
    (void)size;
    free(memory);
}

void gander_host_memory(struct gander_memory *memory)
{
    *memory = (struct gander_memory){.alloc = host_alloc, .free = host_free};
}

static gander_time read_clock(clockid_t clock)
{
    struct timespec now;

    if (clock_gettime(clock, &now) != 0)
        return 0;
    return (gander_time)now.tv_sec * GANDER_S + (gander_time)now.tv_nsec;
}

gander_time gander_host_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

gander_time gander_host_wall_offset(void)
{
    return read_clock(CLOCK_REALTIME) - gander_host_now();
}

int gander_host_config(struct gander_config *config)
{
    ssize_t n;

    gander_config_init(config);
    gander_host_memory(&config->memory);
    config->start = gander_host_now();
    do
        n = getrandom(config->secret, sizeof(config->secret), 0);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof(config->secret) ? GANDER_OK : GANDER_EIO;
}

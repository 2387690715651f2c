/* SPDX-License-Identifier: MIT */
/*
 * Many seeds in several processes: each takes the next number from memory that all share, runs it and adds up. A process that
 * dies has found something, too: the parent knows which seed it was at.
 */
#include "sim.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PROGRESS_MS = 200, LINE_BYTES = 160 };

static void sum_add(struct sim_sum *sum, uint64_t seed, const struct sim_facts *facts)
{
    sum->runs++;
    sum->segments += facts->segments;
    sum->connections += facts->connections;
    sum->datagrams += facts->datagrams;
    sum->bytes += facts->bytes;
    sum->completed += facts->completed;
    sum->excused += facts->excused;
    sum->retransmissions += facts->retransmissions;
    sum->timeouts += facts->timeouts;
    sum->evictions += facts->evictions;
    sum->virtual_s += (uint64_t)(facts->duration / GANDER_S);
    sum->digest += facts->digest * (2 * seed + 1); /* whichever order they come in */
    for (unsigned i = 0; i < GANDER_TCP_STATES; i++)
        sum->transitions[i] |= facts->transitions[i];
}

static void failed(struct sim_sum *sum, uint64_t seed, const struct sim_facts *facts)
{
    bool none = false;

    if (atomic_compare_exchange_strong(&sum->failed, &none, true)) {
        sum->failed_seed = seed;
        sum->failure = *facts;
    }
    sum->stop = true;
}

static void worker(const struct sim_task *task, struct sim_sum *sum, unsigned number)
{
    static struct sim_plan plan;
    struct sim_facts facts;

    while (!sum->stop && (task->segments == 0 || sum->segments < task->segments)) {
        uint64_t seed = sum->next++;

        if (seed > task->last)
            return;
        sum->current[number] = seed;
        alarm(SIM_RUN_SECONDS_MAX);
        sim_plan_draw(&plan, seed);
        if (!sim_swarm_run(&plan, &task->options, &facts))
            failed(sum, seed, &facts);
        sum_add(sum, seed, &facts);
    }
}

/* --- the line of progress ---------------------------------------------------------------------------- */

static double seconds_since(const struct timespec *start)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static void progress_draw(const struct sim_sum *sum, const struct timespec *start)
{
    char line[LINE_BYTES];
    double seconds = seconds_since(start);
    int n =
        snprintf(line, sizeof(line),
                 "\r%" PRIu64 " runs, %.2f M segments, %" PRIu64 " connections, %.0f segments/s  ",
                 sum->runs, (double)sum->segments / 1e6, sum->connections,
                 seconds > 0 ? (double)sum->segments / seconds : 0);
    ssize_t written = write(STDERR_FILENO, line, (size_t)n);

    (void)written;
}

static void progress_clear(void)
{
    ssize_t written = write(STDERR_FILENO, "\r\033[K", 4);

    (void)written;
}

/* --- the processes ----------------------------------------------------------------------------------- */

/* A process ended: well, or by what its seed did to it. */
static void reap(struct sim_sum *sum, unsigned number, int status)
{
    struct sim_facts facts = {0};

    if (status == 0)
        return;
    (void)snprintf(facts.oracle, sizeof(facts.oracle), "crash");
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        (void)snprintf(facts.sentence, sizeof(facts.sentence), "not over after %d s",
                       SIM_RUN_SECONDS_MAX);
    else if (WIFSIGNALED(status))
        (void)snprintf(facts.sentence, sizeof(facts.sentence), "ended by signal %d (%s)",
                       WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        (void)snprintf(facts.sentence, sizeof(facts.sentence),
                       "the process ended itself with status %d", WEXITSTATUS(status));
    failed(sum, sum->current[number], &facts);
}

static unsigned start(const struct sim_task *task, struct sim_sum *sum, pid_t *children)
{
    unsigned n = 0;

    (void)fflush(NULL);
    while (n < task->jobs) {
        children[n] = fork();
        if (children[n] < 0)
            break;
        if (children[n] == 0) {
            worker(task, sum, n);
            (void)fflush(NULL);
            _exit(0);
        }
        n++;
    }
    return n;
}

static void wait_for(const struct sim_task *task, struct sim_sum *sum, const pid_t *children,
                     unsigned n)
{
    const struct timespec tick = {0, PROGRESS_MS * 1000000L};
    bool draws = task->progress && isatty(STDERR_FILENO);
    struct timespec begin;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (unsigned left = n; left > 0;) {
        int status = 0;
        pid_t child = waitpid(-1, &status, draws ? WNOHANG : 0);

        for (unsigned i = 0; child > 0 && i < n; i++) {
            if (children[i] != child)
                continue;
            reap(sum, i, status);
            left--;
        }
        if (child < 0 && errno != EINTR)
            break;
        if (child == 0) {
            progress_draw(sum, &begin);
            (void)nanosleep(&tick, NULL);
        }
    }
    if (draws)
        progress_clear();
}

struct sim_sum *sim_seeds_run(const struct sim_task *task)
{
    struct sim_sum *sum =
        mmap(NULL, sizeof(*sum), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t children[SIM_JOBS_MAX];
    unsigned n;

    if (sum == MAP_FAILED)
        return NULL;
    sum->next = task->first;
    n = start(task, sum, children);
    if (n == 0) {
        sim_sum_free(sum);
        return NULL;
    }
    wait_for(task, sum, children, n);
    return sum;
}

void sim_sum_free(struct sim_sum *sum)
{
    (void)munmap(sum, sizeof(*sum));
}

/* SPDX-License-Identifier: MIT */
/* Delta debugging of plans: see shrink.h. */
#include "sim/shrink.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* --- one run, apart -------------------------------------------------------------------------------- */

/* What a child that says nothing died of. */
static void crashed(struct sim_facts *facts, int status)
{
    memset(facts, 0, sizeof(*facts));
    (void)snprintf(facts->oracle, sizeof(facts->oracle), "crash");
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        (void)snprintf(facts->sentence, sizeof(facts->sentence), "not over after %d s",
                       SIM_RUN_SECONDS_MAX);
    else if (WIFSIGNALED(status))
        (void)snprintf(facts->sentence, sizeof(facts->sentence), "ended by signal %d (%s)",
                       WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        (void)snprintf(facts->sentence, sizeof(facts->sentence),
                       "the process ended itself with status %d", WEXITSTATUS(status));
}

static bool read_all(int from, void *to, size_t bytes)
{
    size_t done = 0;

    while (done < bytes) {
        ssize_t n = read(from, (char *)to + done, bytes - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static _Noreturn void child_run(const struct sim_plan *plan, const struct sim_run_options *options,
                                int to)
{
    struct sim_facts facts;
    ssize_t n;

    alarm(SIM_RUN_SECONDS_MAX);
    (void)sim_swarm_run(plan, options, &facts);
    (void)fflush(NULL); /* what a trace printed */
    n = write(to, &facts, sizeof(facts));
    _exit(n == (ssize_t)sizeof(facts) ? 0 : 1);
}

bool sim_run_apart(const struct sim_plan *plan, const struct sim_run_options *options,
                   struct sim_facts *facts)
{
    int ends[2], status = 0;
    bool told;
    pid_t child;

    if (pipe(ends) != 0)
        abort();
    (void)fflush(NULL);
    child = fork();
    if (child < 0)
        abort();
    if (child == 0) {
        close(ends[0]);
        child_run(plan, options, ends[1]);
    }
    close(ends[1]);
    told = read_all(ends[0], facts, sizeof(*facts));
    close(ends[0]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!told || status != 0)
        crashed(facts, status);
    return facts->oracle[0] == '\0';
}

/* --- shrinking ------------------------------------------------------------------------------------- */

struct shrink {
    struct sim_plan *best;
    struct sim_plan attempt;
    const struct sim_run_options *options;
    char oracle[SIM_ORACLE_BYTES];
    struct sim_shrink_result *result;
    time_t until;
    void (*told)(void *context, const struct sim_plan *plan, unsigned runs);
    void *context;
};

static bool in_time(const struct shrink *s)
{
    return time(NULL) < s->until;
}

/* Does the attempt fail in the same way? Then it is the best. */
static bool attempt_fails(struct shrink *s)
{
    struct sim_facts facts;

    s->result->runs++;
    if (sim_run_apart(&s->attempt, s->options, &facts) || strcmp(facts.oracle, s->oracle) != 0)
        return false;
    *s->best = s->attempt;
    s->result->facts = facts;
    if (s->told)
        s->told(s->context, s->best, s->result->runs);
    return true;
}

/* The best without `n` items from `first` on. A link's number is its place among the links, so those of the others move. */
static void leave_out(struct shrink *s, unsigned first, unsigned n)
{
    s->attempt.seed = s->best->seed;
    s->attempt.count = 0;
    for (unsigned i = 0; i < s->best->count; i++)
        if (i < first || i >= first + n)
            s->attempt.items[s->attempt.count++] = s->best->items[i];
}

/* Items that mean a link by its number. */
static int64_t *link_of(struct sim_item *item)
{
    if (sim_item_group(item) == SIM_FLOW)
        return &item->v[SIM_FLOW_LINK];
    return sim_item_group(item) == SIM_FAULT ? &item->v[SIM_FAULT_LINK] : NULL;
}

/* A link goes with all that happens on it. */
static bool leave_link_out(struct shrink *s, unsigned at)
{
    int64_t number = 0;

    for (unsigned i = 0; i < at; i++)
        number += s->best->items[i].kind == SIM_ITEM_link;
    leave_out(s, at, 1);
    for (unsigned i = s->attempt.count; i-- > 0;) {
        int64_t *link = link_of(&s->attempt.items[i]);

        if (link && *link == number)
            memmove(&s->attempt.items[i], &s->attempt.items[i + 1],
                    (--s->attempt.count - i) * sizeof(s->attempt.items[0]));
        else if (link && *link > number)
            --*link;
    }
    return attempt_fails(s);
}

static void shrink_links(struct shrink *s)
{
    for (unsigned i = s->best->count; i-- > 0 && in_time(s);)
        if (i < s->best->count && s->best->items[i].kind == SIM_ITEM_link)
            (void)leave_link_out(s, i);
}

static bool holds_link(const struct sim_plan *plan, unsigned first, unsigned n)
{
    for (unsigned i = first; i < first + n && i < plan->count; i++)
        if (plan->items[i].kind == SIM_ITEM_link)
            return true;
    return false;
}

static bool shrink_items(struct shrink *s)
{
    bool any = false;

    for (unsigned n = s->best->count / 2 + 1; n > 0; n = n == 1 ? 0 : (n + 1) / 2) {
        for (unsigned first = 0; first < s->best->count && in_time(s);) {
            leave_out(s, first, n);
            if (!holds_link(s->best, first, n) && s->attempt.count < s->best->count &&
                attempt_fails(s))
                any = true;
            else
                first += n;
        }
    }
    return any;
}

/* One number: as simple as can be, else half of the way, as long as it fails. */
static bool shrink_value(struct shrink *s, unsigned item, unsigned i)
{
    int64_t simplest = sim_item_simplest(&s->best->items[item], i);
    bool any = false;

    for (unsigned tries = 0; tries < 64 && in_time(s); tries++) {
        int64_t now = s->best->items[item].v[i],
                next = tries == 0 ? simplest : (now + simplest) / 2;

        if (now == next)
            break;
        s->attempt = *s->best;
        s->attempt.items[item].v[i] = next;
        if (attempt_fails(s))
            any = true;
        else if (tries > 0)
            break;
    }
    return any;
}

static bool shrink_values(struct shrink *s)
{
    bool any = false;

    for (unsigned item = 0; item < s->best->count; item++)
        for (unsigned i = 0; sim_item_value_name(&s->best->items[item], i) && in_time(s); i++)
            any |= shrink_value(s, item, i);
    return any;
}

void sim_shrink(struct sim_plan *plan, const struct sim_facts *facts,
                const struct sim_run_options *options, unsigned seconds,
                void (*told)(void *context, const struct sim_plan *plan, unsigned runs),
                void *context, struct sim_shrink_result *result)
{
    struct shrink *s = calloc(1, sizeof(*s));
    bool better = true;

    memset(result, 0, sizeof(*result));
    result->facts = *facts;
    if (!s)
        return;
    s->best = plan;
    s->options = options;
    s->result = result;
    s->told = told;
    s->context = context;
    s->until = time(NULL) + (time_t)seconds;
    memcpy(s->oracle, facts->oracle, sizeof(s->oracle));
    while (better && in_time(s)) {
        better = shrink_items(s);
        shrink_links(s);
        better |= shrink_values(s);
    }
    free(s);
}

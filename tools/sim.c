/* SPDX-License-Identifier: MIT */
/*
 * `gander sim`: worlds by chance, or one from a file; what fails is shrunk to a minimal schedule, written down with a capture, and
 * ready to be kept as a regression test.
 */
#include "sim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "message.h"
#include "options.h"

enum { SHRINK_SECONDS = 300, PATH_BYTES = 1024, SEEDS_DEFAULT = 1000 };

struct sim_command {
    uint64_t seed, segments, jobs;
    bool seed_given, quiet, verbose;
    uint64_t first, last; /* of --seeds; last 0: not given */
    const char *schedule, *out;
    gander_time patience;
};

/* --- options ----------------------------------------------------------------------------------------- */

static const char *set_seed(void *value, const char *text)
{
    struct sim_command *command = value;

    command->seed_given = true;
    return option_set_number(&command->seed, text);
}

static const char *set_seeds(void *value, const char *text)
{
    struct sim_command *command = value;
    char *rest;

    errno = 0;
    command->first = strtoull(text, &rest, 10);
    if (rest == text || *rest != '-' || rest[1] < '0' || rest[1] > '9')
        return "FIRST-LAST, such as 1-1000";
    text = rest + 1;
    command->last = strtoull(text, &rest, 10);
    return errno == 0 && *rest == '\0' && command->last >= command->first
               ? NULL
               : "FIRST-LAST, such as 1-1000";
}

static const char *set_jobs(void *value, const char *text)
{
    uint64_t *jobs = value;

    return option_set_count(jobs, text) || *jobs > SIM_JOBS_MAX ? "1 to 64 processes" : NULL;
}

static int read_options(struct sim_command *command, int argc, char **argv)
{
    const struct option_spec specs[] = {
        {"seed", 0, "N", "one run", set_seed, command},
        {"seeds", 0, "A-B", "all runs from seed A to seed B [1-1000]", set_seeds, command},
        {"segments", 0, "N", "runs, from seed 1 or A on, until so many segments arrived",
         option_set_count, &command->segments},
        {"schedule", 0, "FILE", "one run, as the file says", option_set_text, &command->schedule},
        {"out", 0, "DIR", "write what failed there [.]", option_set_text, &command->out},
        {"jobs", 'j', "N", "so many processes [one a processor]", set_jobs, &command->jobs},
        {"patience", 0, "TIME", "all must be over so long after the last fault [2h]",
         option_set_duration, &command->patience},
        {"verbose", 'v', NULL, "with one run: each segment, state and drop", option_set_switch,
         &command->verbose},
        {"quiet", 'q', NULL, "only what fails", option_set_switch, &command->quiet},
        {NULL, 0, NULL, NULL, NULL, NULL},
    };
    const struct option_usage usage = {
        .command = "sim",
        .arguments = "",
        .summary = "Run worlds by chance under virtual time, and look for what must never happen.",
        .specs = specs,
    };
    int first;

    command->out = ".";
    first = options_read(&usage, NULL, argc, argv);
    if (first < 0)
        return first;
    if (command->seed_given + (command->last > 0) + (command->schedule != NULL) > 1) {
        message_error("--seed, --seeds and --schedule exclude each other: give one of them");
        return OPTIONS_WRONG;
    }
    return first;
}

/* --- a failure --------------------------------------------------------------------------------------- */

static bool write_schedule(const char *path, const struct sim_plan *plan,
                           const struct sim_facts *facts)
{
    FILE *file = fopen(path, "w");
    bool good;

    if (!file)
        return false;
    fprintf(file, "# %s: %s\n", facts->oracle, facts->sentence);
    sim_plan_print(plan, file);
    good = !ferror(file);
    return fclose(file) == 0 && good;
}

static void shrink_told(void *context, const struct sim_plan *plan, unsigned runs)
{
    const struct sim_command *command = context;

    if (!command->quiet && isatty(STDERR_FILENO))
        fprintf(stderr, "\rshrinking: %u items after %u runs  ", plan->count, runs);
}

static int report(const struct sim_command *command, struct sim_plan *plan,
                  const struct sim_facts *facts, const struct sim_run_options *options)
{
    struct sim_run_options capture = *options;
    struct sim_shrink_result result;
    char path[PATH_BYTES], name[PATH_BYTES];
    unsigned before = plan->count;

    printf("seed %" PRIu64 " fails: %s: %s\n", plan->seed, facts->oracle, facts->sentence);
    (void)fflush(stdout);
    sim_shrink(plan, facts, options, SHRINK_SECONDS, shrink_told, (void *)(uintptr_t)command,
               &result);
    if (!command->quiet && isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K");
    printf("shrunk from %u items to %u in %u runs: %s: %s\n\n", before, plan->count, result.runs,
           result.facts.oracle, result.facts.sentence);
    sim_plan_print(plan, stdout);
    (void)snprintf(name, sizeof(name), "%s/seed-%" PRIu64, command->out, plan->seed);
    (void)snprintf(path, sizeof(path), "%s.sched", name);
    if ((mkdir(command->out, 0777) != 0 && errno != EEXIST) ||
        !write_schedule(path, plan, &result.facts)) {
        message_error("%s: %s", path, strerror(errno));
        return CODE_LOCAL;
    }
    capture.capture = name;
    (void)sim_run_apart(plan, &capture, &result.facts);
    printf("\nwritten: %s and %s.pcapng; it is a regression test in tests/sim/regressions\n"
           "again:   gander sim --schedule %s -v\n",
           path, name, path);
    return CODE_PEER;
}

/* --- runs -------------------------------------------------------------------------------------------- */

static int run_plan(const struct sim_command *command, struct sim_plan *plan)
{
    struct sim_run_options options = {.patience = command->patience};
    struct sim_facts facts;

    if (command->verbose)
        options.trace = sim_trace_line;
    if (!sim_run_apart(plan, &options, &facts)) {
        if (strcmp(facts.oracle, "plan") == 0) {
            message_error("%s", facts.sentence);
            return CODE_USAGE;
        }
        options.trace = NULL;
        return report(command, plan, &facts, &options);
    }
    if (!command->quiet)
        printf("seed %" PRIu64 ": %u items, %" PRIu64 " segments, %" PRIu64
               " connections, %.3f s, all oracles hold\n",
               plan->seed, plan->count, facts.segments, facts.connections,
               (double)facts.duration / 1e9);
    printf("digest %016" PRIx64 "\n", facts.digest);
    return CODE_OK;
}

static int run_schedule(const struct sim_command *command, struct sim_plan *plan)
{
    FILE *file = fopen(command->schedule, "r");
    char wrong[PATH_BYTES];
    bool good;

    if (!file) {
        message_error("%s: %s", command->schedule, strerror(errno));
        return CODE_LOCAL;
    }
    good = sim_plan_read(plan, file, wrong, sizeof(wrong));
    (void)fclose(file);
    if (!good) {
        message_error("%s: %s", command->schedule, wrong);
        return CODE_USAGE;
    }
    return run_plan(command, plan);
}

static unsigned transitions_count(const struct sim_sum *sum)
{
    unsigned n = 0;

    for (unsigned i = 0; i < GANDER_TCP_STATES; i++)
        n += (unsigned)__builtin_popcount(sum->transitions[i]);
    return n;
}

static void summary(const struct sim_sum *sum)
{
    printf("%" PRIu64 " runs, %" PRIu64 " segments, %" PRIu64 " connections, %" PRIu64
           " datagrams, %" PRIu64 " bytes, %" PRIu64 " s of virtual time\n",
           sum->runs, sum->segments, sum->connections, sum->datagrams, sum->bytes, sum->virtual_s);
    printf("ends of connections: %" PRIu64 " completed, %" PRIu64
           " excused by their faults; %" PRIu64 " segments sent again, %" PRIu64
           " time-outs, %" PRIu64 " evictions; %u transitions\n",
           sum->completed, sum->excused, sum->retransmissions, sum->timeouts, sum->evictions,
           transitions_count(sum));
}

static int run_seeds(const struct sim_command *command, struct sim_plan *plan)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct sim_task task = {.first = command->last ? command->first : 1,
                            .last = command->last ? command->last : SEEDS_DEFAULT,
                            .segments = command->segments,
                            .jobs = (unsigned)command->jobs,
                            .progress = !command->quiet,
                            .options.patience = command->patience};
    struct sim_sum *sum;
    int code = CODE_OK;

    if (command->segments > 0 && command->last == 0)
        task.last = UINT64_MAX - SIM_JOBS_MAX;
    if (task.jobs == 0)
        task.jobs = processors < 1              ? 1
                    : processors > SIM_JOBS_MAX ? SIM_JOBS_MAX
                                                : (unsigned)processors;
    sum = sim_seeds_run(&task);
    if (!sum) {
        message_error("cannot start: %s", strerror(errno));
        return CODE_LOCAL;
    }
    if (!command->quiet)
        summary(sum);
    if (sum->failed) {
        sim_plan_draw(plan, sum->failed_seed);
        code = report(command, plan, &sum->failure, &task.options);
    } else {
        printf("digest %016" PRIx64 "\n", sum->digest);
    }
    sim_sum_free(sum);
    return code;
}

int sim_main(int argc, char **argv)
{
    static struct sim_plan plan;
    struct sim_command command = {0};
    int first = read_options(&command, argc, argv);

    if (first < 0)
        return first == OPTIONS_DONE ? CODE_OK : CODE_USAGE;
    if (command.schedule)
        return run_schedule(&command, &plan);
    if (!command.seed_given)
        return run_seeds(&command, &plan);
    sim_plan_draw(&plan, command.seed);
    return run_plan(&command, &plan);
}

/* SPDX-License-Identifier: MIT */
/*
 * `gander demo`: two hosts meet in this process, over a simulated cable and under virtual time, and talk TCP, then UDP.
 * What their stacks traced is drawn as a ladder, or told as a story.
 */
#include "commands.h"
#include "demo_run.h"
#include "demo_scene.h"
#include "ladder_words.h"
#include "message.h"
#include "options.h"
#include "story.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_PIPE = 100 };

struct demo {
    bool story, simultaneous, ipv6, udp_only, tcp_only, absolute, why, ascii, no_colour;
    bool chinese, loss_given, list_scenes;
    const struct demo_scene *scene;
    uint32_t loss_ppm;
    uint64_t seed;
    int columns; /* 0: find out */
    struct trace_files trace;
};

/* --- options ------------------------------------------------------------------------------- */

static const char *set_language(void *value, const char *text)
{
    *(bool *)value = strcmp(text, "zh") == 0;
    return strcmp(text, "zh") == 0 || strcmp(text, "en") == 0 ? NULL : "zh or en";
}

static const char *set_loss(void *value, const char *text)
{
    struct demo *demo = value;

    demo->loss_given = true;
    return option_set_ppm(&demo->loss_ppm, text);
}

static const char *set_columns(void *value, const char *text)
{
    uint64_t columns;

    if (option_set_number(&columns, text) || columns < LADDER_COLUMNS_MIN ||
        columns > LADDER_COLUMNS_MAX)
        return "48 to 200 columns";
    *(int *)value = (int)columns;
    return NULL;
}

static const char *set_scene(void *value, const char *text)
{
    struct demo *demo = value;

    demo->scene = demo_scene_find(text);
    demo->list_scenes = strcmp(text, "list") == 0;
    return demo->scene || demo->list_scenes ? NULL : "one that --scenario list tells";
}

static const char *locale_of(const char *category)
{
    const char *names[] = {"LC_ALL", category, "LANG"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);

        if (value && *value)
            return value;
    }
    return "C";
}

static bool locale_is_utf8(void)
{
    const char *locale = locale_of("LC_CTYPE");

    return strcasestr(locale, "UTF-8") || strcasestr(locale, "UTF8");
}

static int terminal_columns(void)
{
    const char *text = getenv("COLUMNS");
    struct winsize size;
    long columns = text ? strtol(text, NULL, 10) : 0;

    if (columns <= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        columns = size.ws_col;
    if (columns <= 0)
        columns = COLUMNS_PIPE;
    if (columns < LADDER_COLUMNS_MIN)
        return LADDER_COLUMNS_MIN;
    /* Beyond this the arrows only get longer. */
    return columns > 120 ? 120 : (int)columns;
}

static int read_options(struct demo *demo, int argc, char **argv)
{
    const struct option_spec specs[] = {
        {"story", 0, NULL, "tell the run as an exchange of letters", option_set_switch,
         &demo->story},
        {"lang", 0, "zh|en", "language of words and letters [of the locale]", set_language,
         &demo->chinese},
        {"scenario", 0, "NAME",
         "one thing that TCP does, by itself; \"list\" tells which there are", set_scene, demo},
        {"simultaneous", 0, NULL, "both call each other at once, and both close at once (TCP)",
         option_set_switch, &demo->simultaneous},
        {"loss", 0, "P%", "lose this share of the packets [one letter and one postcard]", set_loss,
         demo},
        {"seed", 0, "N", "another run: other sequence numbers, other losses [1]", option_set_number,
         &demo->seed},
        {"ipv6", '6', NULL, "IPv6 instead of IPv4", option_set_switch, &demo->ipv6},
        {"tcp", 0, NULL, "TCP only", option_set_switch, &demo->tcp_only},
        {"udp", 0, NULL, "UDP only", option_set_switch, &demo->udp_only},
        {"why", 0, NULL, "say of every packet why it was sent", option_set_switch, &demo->why},
        {"absolute", 0, NULL, "sequence numbers as they are on the wire", option_set_switch,
         &demo->absolute},
        {"pcap", 0, "FILE", "write what passes the host on the left to a pcapng file",
         trace_capture_set, &demo->trace},
        {"trace", 0, "FILE", "write what both stacks do and why: FILE.html, .jsonl, .pcapng",
         trace_files_set, &demo->trace},
        {"width", 0, "N", "columns [those of the terminal, or 100]", set_columns, &demo->columns},
        {"ascii", 0, NULL, "draw with ASCII [if the locale is not UTF-8]", option_set_switch,
         &demo->ascii},
        {"no-color", 0, NULL, "no colours, on a terminal too", option_set_switch, &demo->no_colour},
        {NULL, 0, NULL, NULL, NULL, NULL},
    };
    const struct option_usage usage = {
        .command = "demo",
        .arguments = "",
        .summary = "Watch two hosts meet: open, talk, lose a letter, part. No network is needed.",
        .specs = specs,
    };
    const char *wrong = NULL;
    int first;

    demo->seed = 1;
    demo->chinese = strncmp(locale_of("LC_MESSAGES"), "zh", 2) == 0;
    demo->ascii = !locale_is_utf8();
    first = options_read(&usage, NULL, argc, argv);
    if (first < 0)
        return first;
    if (demo->tcp_only && demo->udp_only)
        wrong = "--tcp and --udp exclude each other: give one of them, or none for both";
    else if (demo->simultaneous && demo->udp_only)
        wrong = "--simultaneous and --udp exclude each other: UDP opens and closes nothing";
    else if (demo->scene && (demo->tcp_only || demo->udp_only || demo->simultaneous || demo->story))
        wrong = "--scenario says what happens: without --tcp, --udp, --simultaneous and --story";
    if (demo->scene) {
        demo->simultaneous = demo->scene->simultaneous;
        demo->udp_only = demo->scene->udp;
        demo->tcp_only = !demo->udp_only;
    }
    if (wrong) {
        message_error("%s", wrong);
        return OPTIONS_WRONG;
    }
    return first;
}

/* --- running ------------------------------------------------------------------------------- */

static bool tell(const struct ladder_look *look, const struct ladder_record *record,
                 const struct ladder_rows *rows, const struct demo_options *options,
                 const struct demo_result *result, bool chinese)
{
    const char *cards[LADDER_HOSTS][DEMO_CARDS + 1] = {{NULL}};
    size_t count[LADDER_HOSTS] = {0, 0};
    struct story story = {.look = look,
                          .record = record,
                          .rows = rows,
                          .words = chinese ? &story_words_zh : &story_words_en,
                          .cards_read = result->cards_read[0] + result->cards_read[1]};

    for (const struct demo_letter *card = options->script->cards; card->text; card++)
        if (count[card->host] < DEMO_CARDS)
            cards[card->host][count[card->host]++] = card->text;
    for (unsigned host = 0; host < LADDER_HOSTS; host++) {
        story.cards[host] = cards[host];
        story.written[host] = result->written[host];
        story.written_bytes[host] = result->written_bytes[host];
        story.read_bytes[host] = result->read_bytes[host];
    }
    return story_tell(&story);
}

static int talk(const struct demo *demo, struct demo_world *world, struct ladder_record *record,
                struct demo_result *result, bool udp)
{
    if (udp)
        return demo_talk_udp(world, record, result);
    if (demo->scene && !demo->scene->simultaneous)
        return demo_talk_scene(world, record, result);
    return demo_talk_tcp(world, record, result);
}

/* One conversation: run it, then show it. */
static int show(const struct demo *demo, struct demo_world *world, const struct ladder_look *look,
                bool udp)
{
    struct demo_result result = {0};
    struct ladder_record record;
    struct ladder_rows rows = {0};
    int error;

    ladder_record_init(&record, sim_now(world->sim), DEMO_DELAY_NS);
    record.late = demo->scene ? demo->scene->faults[0].late_ns : 0;
    error = talk(demo, world, &record, &result, udp);
    if (error == GANDER_OK && !ladder_rows_make(&rows, &record))
        error = GANDER_ENOMEM;
    if (error == GANDER_OK) {
        if (!demo->story)
            ladder_draw(look, &record, &rows);
        else if (!tell(look, &record, &rows, world->options, &result, demo->chinese))
            error = GANDER_ENOMEM;
    }
    ladder_rows_free(&rows);
    ladder_record_free(&record);
    return error;
}

static int show_all(const struct demo *demo, struct demo_world *world,
                    const struct ladder_look *look)
{
    int error = GANDER_OK;
    bool tcp = !demo->udp_only, udp = !demo->tcp_only && !demo->simultaneous;

    if (demo->scene)
        fprintf(look->file, "%s: %s\n\n", demo->scene->name,
                demo->chinese ? demo->scene->text_zh : demo->scene->text);
    if (tcp)
        error = show(demo, world, look, false);
    if (tcp && udp && !demo->story && error == GANDER_OK)
        fprintf(look->file, "\n");
    if (udp && error == GANDER_OK)
        error = show(demo, world, look, true);
    return error;
}

static void list_scenes(const struct demo *demo)
{
    const struct demo_scene *scene;

    for (unsigned i = 0; (scene = demo_scene_at(i)) != NULL; i++)
        printf("%-18s %s\n", scene->name, demo->chinese ? scene->text_zh : scene->text);
}

static void complain(const struct demo *demo, int error)
{
    int saved = errno;

    if (error == GANDER_EIO && demo->trace.capture)
        message_error("%s: %s", demo->trace.capture, strerror(saved));
    else
        message_error("%s", gander_strerror(error));
}

/* no-color.org: any value but an empty one says no. */
static bool wants_colour(const struct demo *demo)
{
    const char *no_color = getenv("NO_COLOR");

    return !demo->no_colour && !(no_color && *no_color) && isatty(STDOUT_FILENO);
}

static bool trace_open(struct demo *demo)
{
    const struct demo_script *script = demo->chinese ? &demo_script_zh : &demo_script_en;
    const struct trace_scene scene = {.hosts = {script->names[0], script->names[1]},
                                      .host_count = LADDER_HOSTS,
                                      .command = "demo"};

    return trace_files_open(&demo->trace, &scene);
}

/* How the ladder looks on this terminal. */
static struct ladder_look look_of(const struct demo *demo)
{
    const struct demo_script *script = demo->chinese ? &demo_script_zh : &demo_script_en;
    struct ladder_look look = {.file = stdout,
                               .columns = demo->columns ? demo->columns : terminal_columns(),
                               .colour = wants_colour(demo),
                               .ascii = demo->ascii,
                               .absolute = demo->absolute,
                               .why = demo->why,
                               .words = demo->chinese ? &ladder_words_zh : &ladder_words_en};

    memcpy(look.names, script->names, sizeof(look.names));
    return look;
}

static int run(struct demo *demo)
{
    const struct ladder_look look = look_of(demo);
    const struct demo_options options = {.script =
                                             demo->chinese ? &demo_script_zh : &demo_script_en,
                                         .scene = demo->scene,
                                         .ipv6 = demo->ipv6,
                                         .simultaneous = demo->simultaneous,
                                         .loss_given = demo->loss_given,
                                         .loss_ppm = demo->loss_ppm,
                                         .seed = demo->seed,
                                         .trace = &demo->trace};
    struct demo_world world;
    int error = demo_world_make(&world, &options), end;

    if (error != GANDER_OK)
        return error;
    error = show_all(demo, &world, &look);
    end = demo_world_end(&world);
    return error == GANDER_OK ? end : error;
}

int demo_main(int argc, char **argv)
{
    struct demo demo = {0};
    int first = read_options(&demo, argc, argv), error;

    if (first < 0)
        return first == OPTIONS_DONE ? CODE_OK : CODE_USAGE;
    if (demo.list_scenes) {
        list_scenes(&demo);
        return CODE_OK;
    }
    if (!trace_open(&demo))
        return CODE_LOCAL;
    error = run(&demo);
    if (error != GANDER_OK)
        complain(&demo, error);
    if (!trace_files_close(&demo.trace) || error != GANDER_OK)
        return CODE_LOCAL;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        message_error("standard output: %s", strerror(errno));
        return CODE_LOCAL;
    }
    return CODE_OK;
}

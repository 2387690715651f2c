/* SPDX-License-Identifier: MIT */
/*
 * Reads a command line by tables: "--name value", "--name=value", "-n value", "-nvalue", "--" ends the options.
 * Names are never abbreviated, so that a script keeps its meaning when options are added. Switches are not
 * bundled ("-qv").
 */
#include "options.h"
#include "message.h"

#include <stdio.h>
#include <string.h>

enum { COMMON_MAX = 24, HELP_COLUMN = 29 };

static const char *set_prefix(void *value, const char *text)
{
    struct option_prefixes *prefixes = value;

    if (prefixes->count == OPTIONS_PREFIXES_MAX)
        return "at most 8 addresses";
    if (!option_prefix_parse(text, &prefixes->list[prefixes->count]))
        return "an address with its prefix length, such as 10.64.0.1/24 or fd00::1/64";
    prefixes->count++;
    return NULL;
}

static const char *set_kernel_prefix(void *value, const char *text)
{
    struct option_prefixes *prefixes = value;

    if (strcmp(text, "none") == 0) {
        prefixes->none = true;
        return NULL;
    }
    return set_prefix(value, text) ? "\"none\", or an address with its prefix length, such as "
                                     "10.64.0.2/24 or fd00::2/64 (at most 8)"
                                   : NULL;
}

static const char *set_tun(void *value, const char *text)
{
    size_t len = strlen(text);

    /* The kernel's own rule for names of devices; '%' would number them. */
    if (len < 1 || len > 15 || strpbrk(text, "/% \t\n:") || strcmp(text, ".") == 0 ||
        strcmp(text, "..") == 0)
        return "a device name of 1 to 15 characters without '/', '%', ':' and blanks, such as "
               "gander0";
    *(const char **)value = text;
    return NULL;
}

static const char *set_mtu(void *value, const char *text)
{
    uint64_t mtu;

    if (option_set_number(&mtu, text) || mtu < 576 || mtu > 65535)
        return "576 to 65535 bytes";
    *(uint64_t *)value = mtu;
    return NULL;
}

static const char *set_congestion_control(void *value, const char *text)
{
    const char *name;

    for (unsigned i = 0; (name = gander_congestion_control_name(i)) != NULL; i++) {
        if (strcmp(name, text) == 0) {
            *(const char **)value = name;
            return NULL;
        }
    }
    return "one that `gander --version` lists";
}

static const char *set_ecn(void *value, const char *text)
{
    static const char *const modes[] = {"off", "accept", "on", "accurate"};

    for (int i = 0; i < 4; i++) {
        if (strcmp(modes[i], text) == 0) {
            *(int *)value = i;
            return NULL;
        }
    }
    return "off, accept, on or accurate";
}

static const char *set_fastopen(void *value, const char *text)
{
    uint32_t both = GANDER_FASTOPEN_CLIENT | GANDER_FASTOPEN_SERVER;

    if (strcmp(text, "on") == 0)
        *(uint32_t *)value = both;
    else if (strcmp(text, "no-cookie") == 0)
        *(uint32_t *)value =
            both | GANDER_FASTOPEN_CLIENT_NO_COOKIE | GANDER_FASTOPEN_SERVER_NO_COOKIE;
    else
        return "on or no-cookie";
    return NULL;
}

void options_init(struct options *options)
{
    memset(options, 0, sizeof(*options));
    options->mtu_bytes = 1500;
    options->seed = 1;
    options->ecn = -1;
}

static void common_specs(struct options *o, struct option_spec specs[COMMON_MAX])
{
    const struct option_spec list[] = {
        {"tun", 0, "NAME", "name of the TUN device [the next free of tun0, tun1, …]", set_tun,
         &o->tun},
        {"address", 'a', "A/LEN",
         "own address; repeat for more [10.64.0.1/24, fd67:616e:6465::1/64]", set_prefix,
         &o->addresses},
        {"kernel-address", 'k', "A/LEN",
         "the kernel's, or none: configure nothing [next to --address]", set_kernel_prefix,
         &o->kernel_addresses},
        {"mtu", 0, "BYTES", "largest IP packet [1500]", set_mtu, &o->mtu_bytes},
        {"ipv4", '4', NULL, "IPv4 only", option_set_switch, &o->ipv4_only},
        {"ipv6", '6', NULL, "IPv6 only", option_set_switch, &o->ipv6_only},
        {"loss", 0, "P%", "drop this share of the packets, in both directions", option_set_ppm,
         &o->loss_ppm},
        {"duplicate", 0, "P%", "deliver this share twice", option_set_ppm, &o->duplicate_ppm},
        {"reorder", 0, "P%", "deliver this share late", option_set_ppm, &o->reorder_ppm},
        {"corrupt", 0, "P%", "flip a bit in this share", option_set_ppm, &o->corrupt_ppm},
        {"delay", 0, "TIME", "delay every packet, each way, such as 20ms", option_set_duration,
         &o->delay_ns},
        {"jitter", 0, "TIME", "and by up to this much more", option_set_duration, &o->jitter_ns},
        {"rate", 0, "RATE", "at most this fast, each way, such as 100mbit", option_set_rate,
         &o->rate_bits},
        {"seed", 0, "N", "decides which packets are hit: the same N, the same ones [1]",
         option_set_number, &o->seed},
        {"cc", 0, "NAME", "congestion control: newreno, cubic, bbr [cubic]", set_congestion_control,
         &o->congestion_control},
        {"pacing", 0, NULL, "spread segments over the round trip; bbr always does",
         option_set_switch, &o->pacing},
        {"ecn", 0, "MODE", "off, accept, on, accurate: congestion marks [accept]", set_ecn,
         &o->ecn},
        {"fastopen", 0, "MODE", "on, no-cookie: data with the SYN (RFC 7413)", set_fastopen,
         &o->fastopen},
        {"pcap", 0, "FILE", "write what passes to a pcapng file; comments say why",
         trace_capture_set, &o->trace},
        {"trace", 0, "FILE", "write what the stack does and why: FILE.html, .jsonl, .pcapng",
         trace_files_set, &o->trace},
        {"stats", 0, NULL, "tell at the end what was counted, dropped packets by reason",
         option_set_switch, &o->stats},
        {"quiet", 'q', NULL, "say nothing but errors", option_set_switch, &o->quiet},
        {NULL, 0, NULL, NULL, NULL, NULL},
    };
    _Static_assert(sizeof(list) / sizeof(list[0]) <= COMMON_MAX, "the table fits");

    memcpy(specs, list, sizeof(list));
}

static void help_specs(const struct option_spec *specs)
{
    for (; specs->name; specs++) {
        char left[64];
        int n = specs->letter ? snprintf(left, sizeof(left), "  -%c, ", specs->letter)
                              : snprintf(left, sizeof(left), "      ");

        snprintf(left + n, sizeof(left) - (size_t)n, "--%s%s%s", specs->name,
                 specs->argument ? " " : "", specs->argument ? specs->argument : "");
        printf("%-*s %s\n", HELP_COLUMN, left, specs->help);
    }
}

static void help_print(const struct option_usage *usage, const struct option_spec *common)
{
    printf("usage: gander %s [options]%s%s\n%s\n\n", usage->command, *usage->arguments ? " " : "",
           usage->arguments, usage->summary);
    help_specs(usage->specs);
    if (common) {
        printf("\nOptions of every command that has a link:\n");
        help_specs(common);
    }
    printf("  -h, --help                  print this\n\nSee also: man gander-%s\n", usage->command);
}

/* Finds the option that `arg` names. `*inline_value`: what stands in the same word, or NULL. */
static const struct option_spec *spec_find(const struct option_spec *specs, const char *arg,
                                           const char **inline_value)
{
    *inline_value = NULL;
    for (; specs && specs->name; specs++) {
        size_t len = strlen(specs->name);

        if (arg[1] == '-') {
            if (strncmp(arg + 2, specs->name, len) != 0 || (arg[2 + len] && arg[2 + len] != '='))
                continue;
            *inline_value = arg[2 + len] ? arg + 2 + len + 1 : NULL;
            return specs;
        }
        if (specs->letter && arg[1] == specs->letter) {
            *inline_value = arg[2] ? arg + 2 : NULL;
            return specs;
        }
    }
    return NULL;
}

/* Reads the option at argv[i]; returns how many words it took, 0 after a message. */
static int option_read(const struct option_usage *usage, const struct option_spec *common, int argc,
                       char **argv, int i)
{
    const char *value;
    const struct option_spec *spec = spec_find(usage->specs, argv[i], &value);
    const char *expected;
    int words = 1;

    if (!spec)
        spec = spec_find(common, argv[i], &value);
    if (!spec) {
        message_error("unknown option %s; see gander %s --help", argv[i], usage->command);
        return 0;
    }
    if (!spec->argument && value) {
        message_error("--%s takes no value, but \"%s\" was given", spec->name, value);
        return 0;
    }
    if (spec->argument && !value) {
        if (i + 1 >= argc) {
            message_error("--%s needs a value: --%s %s", spec->name, spec->name, spec->argument);
            return 0;
        }
        value = argv[i + 1];
        words = 2;
    }
    expected = spec->set(spec->value, value);
    if (expected) {
        message_error("--%s %s: expected %s", spec->name, value, expected);
        return 0;
    }
    return words;
}

/* Moves `words` words at `from` before those at `to` ≤ from. */
static void words_move(char **argv, int to, int from, int words)
{
    for (; words > 0; words--, to++, from++) {
        char *word = argv[from];

        memmove(&argv[to + 1], &argv[to], (size_t)(from - to) * sizeof(*argv));
        argv[to] = word;
    }
}

static bool common_check(const struct options *o)
{
    const char *wrong = NULL;

    if (o->ipv4_only && o->ipv6_only)
        wrong = "-4 and -6 exclude each other: give one of them, or none for both";
    for (unsigned i = 0; i < o->addresses.count; i++) {
        bool v6 = o->addresses.list[i].address.family == GANDER_IPV6;

        if (v6 ? o->ipv4_only : o->ipv6_only)
            wrong = v6 ? "an IPv6 --address and -4 exclude each other"
                       : "an IPv4 --address and -6 exclude each other";
        if (v6 && o->mtu_bytes < 1280)
            wrong = "IPv6 needs an MTU of at least 1280 bytes: --mtu 1280, or -4";
    }
    if (!o->addresses.count && !o->ipv4_only && o->mtu_bytes < 1280)
        wrong = "IPv6 needs an MTU of at least 1280 bytes: --mtu 1280, or -4";
    if (wrong)
        message_error("%s", wrong);
    return !wrong;
}

int options_read(const struct option_usage *usage, struct options *options, int argc, char **argv)
{
    struct option_spec common[COMMON_MAX];
    int first = 1; /* argv[1 … first) are options and their values */

    if (options)
        common_specs(options, common);
    for (int i = 1; i < argc;) {
        int words = 1;

        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            help_print(usage, options ? common : NULL);
            return OPTIONS_DONE;
        }
        if (strcmp(argv[i], "--") == 0) {
            words_move(argv, first++, i, 1);
            break;
        }
        if (argv[i][0] == '-' && argv[i][1]) {
            words = option_read(usage, options ? common : NULL, argc, argv, i);
            if (words == 0)
                return OPTIONS_WRONG;
            words_move(argv, first, i, words);
            first += words;
        }
        i += words;
    }
    if (options && !common_check(options))
        return OPTIONS_WRONG;
    if (argc - first < usage->arguments_min || argc - first > usage->arguments_max) {
        message_error("too %s arguments: gander %s [options] %s",
                      argc - first < usage->arguments_min ? "few" : "many", usage->command,
                      usage->arguments);
        return OPTIONS_WRONG;
    }
    if (options)
        message_set_quiet(options->quiet);
    return first;
}

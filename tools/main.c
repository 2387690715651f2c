/* SPDX-License-Identifier: MIT */
/* The `gander` command: finds the subcommand and hands over. Each subcommand has a file of its own. */
#include "commands.h"
#include "message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <gander/gander.h>

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *arguments;
    const char *summary;
} commands[] = {
    {"demo", demo_main, "", "two hosts meet in one process: TCP and UDP as a ladder or a story"},
    {"serve", serve_main, "DIR", "serve the files of a directory over HTTP"},
    {"get", get_main, "URL", "fetch a file over HTTP"},
    {"connect", connect_main, "HOST PORT", "join standard input and output to a TCP or UDP peer"},
    {"listen", listen_main, "PORT", "the same, but wait for the peer"},
    {"ping", ping_main, "HOST", "send ICMP echo requests"},
    {"sim", sim_main, "", "run worlds by chance, look for what must never happen"},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void help_print(void)
{
    printf("usage: gander COMMAND [options] [arguments]\n"
           "A TCP and UDP stack in user space: embed it, watch it, trust it.\n\n");
    for (unsigned i = 0; i < COMMANDS; i++)
        printf("  %-8s %-10s %s\n", commands[i].name, commands[i].arguments, commands[i].summary);
    printf("\n  gander COMMAND --help  all options of a command\n"
           "  gander --version       version and what is built in\n\n"
           "Exit status: 0 success, 1 the network or the peer failed, 2 wrong usage,\n"
           "3 trouble on this machine.  See also: man gander\n");
}

static void version_print(void)
{
    const char *name;

    printf("gander %s\n", gander_version());
    printf("protocols: TCP, UDP, ICMP echo; IPv4, IPv6\n");
    printf("congestion control:");
    for (unsigned i = 0; (name = gander_congestion_control_name(i)) != NULL; i++)
        printf(" %s", name);
    printf("\nlinks: memory pair, TUN, impairment, pcapng capture\n");
#if defined(__clang__)
    printf("built with: clang %s", __clang_version__);
#elif defined(__GNUC__)
    printf("built with: gcc %s", __VERSION__);
#endif
#if defined(__SANITIZE_ADDRESS__)
    printf(", address sanitizer");
#endif
    printf("\n");
}

/* What was printed must have arrived: a full disk is no success. */
static int output_finish(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    message_error("cannot write to standard output: %s", strerror(errno));
    return code == CODE_OK ? CODE_LOCAL : code;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        message_error("which command? One of demo, serve, get, connect, listen, ping, sim; see "
                      "gander --help");
        return CODE_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        help_print();
        return output_finish(CODE_OK);
    }
    if (strcmp(argv[1], "--version") == 0) {
        version_print();
        return output_finish(CODE_OK);
    }
    for (unsigned i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        message_set_command(commands[i].name);
        return output_finish(commands[i].run(argc - 1, argv + 1));
    }
    message_error("unknown command %s; see gander --help", argv[1]);
    return CODE_USAGE;
}

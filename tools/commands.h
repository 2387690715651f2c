/* SPDX-License-Identifier: MIT */
/* The subcommands of `gander`, and the exit codes that they share. main.c holds the table. */
#ifndef TOOLS_COMMANDS_H
#define TOOLS_COMMANDS_H

/* What a script can rely on; docs/man/gander.1 says the same. */
enum code {
    CODE_OK = 0,
    CODE_PEER = 1,  /* the network or the peer failed: refused, reset, timed out, status not 2xx */
    CODE_USAGE = 2, /* wrong command, option or argument; nothing was done */
    CODE_LOCAL = 3  /* trouble on this machine: no /dev/net/tun, no such file, disk full */
};

/* Each gets its own name as argv[0] and returns an enum code. */
int connect_main(int argc, char **argv);
int demo_main(int argc, char **argv);
int get_main(int argc, char **argv);
int listen_main(int argc, char **argv);
int ping_main(int argc, char **argv);
int serve_main(int argc, char **argv);
int sim_main(int argc, char **argv);

#endif

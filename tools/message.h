/* SPDX-License-Identifier: MIT */
/* One-line messages on stderr, each begun with "gander COMMAND: ". */
#ifndef TOOLS_MESSAGE_H
#define TOOLS_MESSAGE_H

/* The subcommand that speaks from now on; NULL: gander itself. */
void message_set_command(const char *command);

const char *message_command(void);

/* Something went wrong. Always printed. */
void message_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* For people who watch; nothing after message_set_quiet(). */
void message_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void message_set_quiet(int quiet);

/* Called before each line is printed, so that a progress line can make room; NULL: none. */
void message_set_before(void (*before)(void));

#endif

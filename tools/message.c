/* SPDX-License-Identifier: MIT */
/*
 * One-line messages on stderr. A line is written with one call, so that lines of processes that share a
 * terminal or a log do not mix.
 */
#include "message.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *speaker;
static int message_quiet;
static void (*message_before)(void);

void message_set_command(const char *command)
{
    speaker = command;
}

const char *message_command(void)
{
    return speaker;
}

void message_set_quiet(int quiet)
{
    message_quiet = quiet;
}

void message_set_before(void (*before)(void))
{
    message_before = before;
}

__attribute__((format(printf, 1, 0))) static void message_print(const char *format, va_list args)
{
    char line[2048];
    int head = speaker ? snprintf(line, sizeof(line), "gander %s: ", speaker)
                       : snprintf(line, sizeof(line), "gander: ");

    (void)vsnprintf(line + head, sizeof(line) - (size_t)head - 1, format, args);
    strcat(line, "\n");
    if (message_before)
        message_before();
    /* Nobody is left to tell when stderr itself fails. */
    ssize_t written = write(STDERR_FILENO, line, strlen(line));
    (void)written;
}

void message_error(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    message_print(format, args);
    va_end(args);
}

void message_note(const char *format, ...)
{
    va_list args;

    if (message_quiet)
        return;
    va_start(args, format);
    message_print(format, args);
    va_end(args);
}

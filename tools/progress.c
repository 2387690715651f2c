/* SPDX-License-Identifier: MIT */
/*
 * The progress line. Drawn five times a second at most, in place (carriage return, then blanks over what was
 * longer), never wider than the terminal. The rate is that of the last two to four seconds, so that it
 * follows a stall; the time left comes from it.
 */
#include "progress.h"
#include "message.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_MAX = 120, WIDTH_DEFAULT = 80, BAR_MAX = 30 };

#define DRAW_NS (200 * GANDER_MS)
#define MARK_NS (2 * GANDER_S)

static struct progress *progress_shown;

static unsigned terminal_width(void)
{
    struct winsize size;
    unsigned width = WIDTH_DEFAULT;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        width = size.ws_col;
    /* The last column stays free: some terminals wrap when it is written. */
    return width > WIDTH_MAX ? WIDTH_MAX : width - 1;
}

char *progress_bytes(int64_t bytes, char text[16])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    unsigned unit = 0;

    for (; value >= 1000 && unit < 4; unit++)
        value /= 1024;
    if (unit == 0)
        (void)snprintf(text, 16, "%d B", (int)bytes);
    else
        (void)snprintf(text, 16, value < 99.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return text;
}

static double progress_rate(const struct progress *p, gander_time now)
{
    gander_time ns = now - p->mark_time[0];

    return ns <= 0 ? 0 : (double)(p->done_bytes - p->mark_bytes[0]) * 1e9 / (double)ns;
}

static void format_left(const struct progress *p, double rate, char text[32])
{
    double seconds = rate > 0 ? (double)(p->total_bytes - p->done_bytes) / rate : 1e9;

    if (seconds >= 360000)
        (void)snprintf(text, 32, "--:-- left");
    else if (seconds >= 3600)
        (void)snprintf(text, 32, "%d:%02d h left", (int)seconds / 3600, (int)seconds / 60 % 60);
    else
        (void)snprintf(text, 32, "%d:%02d left", (int)seconds / 60, (int)seconds % 60);
}

void progress_format(const struct progress *p, gander_time now, char *line, unsigned width)
{
    char done[16], rate[16], total[16], left[32] = "", text[160];
    double per_second = progress_rate(p, now);
    int64_t percent = p->total_bytes > 0 ? p->done_bytes * 100 / p->total_bytes : 100;
    int n;

    progress_bytes(p->done_bytes, done);
    progress_bytes((int64_t)per_second, rate);
    if (p->total_bytes < 0) {
        n = snprintf(text, sizeof(text), "%s  %s/s", done, rate);
    } else {
        if (p->done_bytes < p->total_bytes)
            format_left(p, per_second, left);
        n = snprintf(text, sizeof(text), "%3d%%  %s of %s  %s/s  %s", (int)percent, done,
                     progress_bytes(p->total_bytes, total), rate, left);
    }
    if (p->total_bytes >= 0 && (unsigned)n + 14 <= width) { /* a bar of ten is worth its room */
        unsigned bar = width - (unsigned)n - 4;

        bar = bar > BAR_MAX ? BAR_MAX : bar;
        n += snprintf(text + n, sizeof(text) - (size_t)n, "  [");
        for (unsigned i = 0; i < bar; i++)
            text[n++] = (int64_t)i * 100 < percent * (int64_t)bar ? '#' : '.';
        text[n++] = ']';
    }
    n = (unsigned)n > width ? (int)width : n;
    memcpy(line, text, (size_t)n);
    line[n] = 0;
}

static void progress_write(struct progress *p, const char *line)
{
    char out[2 * WIDTH_MAX + 8];
    int n = snprintf(out, sizeof(out), "\r%-*s", (int)p->width, line);
    ssize_t written = write(STDERR_FILENO, out, (size_t)n);

    (void)written;
    p->width = (unsigned)strlen(line);
}

/* A message comes: wipe the line, which the next update draws anew below. */
static void progress_make_room(void)
{
    if (!progress_shown || progress_shown->width == 0)
        return;
    progress_write(progress_shown, "");
    if (write(STDERR_FILENO, "\r", 1) == 1)
        progress_shown->drawn = 0;
}

static void progress_draw(struct progress *p, gander_time now)
{
    char line[WIDTH_MAX + 1];

    progress_format(p, now, line, terminal_width());
    progress_write(p, line);
    p->drawn = now;
}

void progress_start(struct progress *p, bool wanted, gander_time now, int64_t total_bytes)
{
    memset(p, 0, sizeof(*p));
    p->on = wanted && isatty(STDERR_FILENO);
    p->total_bytes = total_bytes;
    p->started = p->mark_time[0] = p->mark_time[1] = now;
    if (!p->on)
        return;
    progress_shown = p;
    message_set_before(progress_make_room);
    progress_draw(p, now);
}

void progress_update(struct progress *p, gander_time now, int64_t done_bytes)
{
    p->done_bytes = done_bytes;
    if (!p->on || now - p->drawn < DRAW_NS)
        return;
    if (now - p->mark_time[1] >= MARK_NS) {
        p->mark_time[0] = p->mark_time[1];
        p->mark_bytes[0] = p->mark_bytes[1];
        p->mark_time[1] = now;
        p->mark_bytes[1] = done_bytes;
    }
    progress_draw(p, now);
}

gander_time progress_deadline(const struct progress *p)
{
    return p->on ? p->drawn + DRAW_NS : GANDER_NEVER;
}

void progress_end(struct progress *p, gander_time now)
{
    if (!p->on)
        return;
    p->mark_time[0] = p->started; /* at the end, the rate of the whole */
    p->mark_bytes[0] = 0;
    progress_draw(p, now);
    ssize_t written = write(STDERR_FILENO, "\n", 1);
    (void)written;
    message_set_before(NULL);
    progress_shown = NULL;
    p->on = false;
}

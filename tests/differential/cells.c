/* SPDX-License-Identifier: MIT */
/*
 * The matrix: in each state, segments of all kinds, left of the window, at its edges, in it and right of it, with acknowledgements
 * old, new and of what was never sent, without timestamps, with good, old and missing ones. RFC 9293 3.10.7 is the list.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "differential/scripts.h"

enum setup_flags {
    IN_WINDOW = 1, /* there is a window to be in */
    CAN_SEND = 2,
    HAS_SOCKET = 4
};

struct setup {
    const char *name;
    unsigned flags;
    const char *steps[9];
};

#define OPENED "listen", "< S", "< A", "accept"

static const struct setup setups[] = {
    {"closed", 0, {NULL}},
    {"listen", 0, {"listen"}},
    {"syn-sent", HAS_SOCKET, {"connect"}},
    {"syn-received", IN_WINDOW, {"listen", "< S"}},
    {"syn-received-active", IN_WINDOW | HAS_SOCKET, {"connect", "< S"}},
    {"established", IN_WINDOW | CAN_SEND | HAS_SOCKET, {OPENED}},
    {"established-sent", IN_WINDOW | CAN_SEND | HAS_SOCKET, {OPENED, "send 200"}},
    {"fin-wait-1", IN_WINDOW | HAS_SOCKET, {OPENED, "send 200", "shutdown send"}},
    {"fin-wait-1-closed", IN_WINDOW, {OPENED, "close"}},
    {"fin-wait-2", IN_WINDOW | HAS_SOCKET, {OPENED, "shutdown send", "< A"}},
    {"fin-wait-2-closed", IN_WINDOW, {OPENED, "close", "< A"}},
    {"close-wait", IN_WINDOW | CAN_SEND | HAS_SOCKET, {OPENED, "< FA", "wait 60"}},
    {"closing", IN_WINDOW | HAS_SOCKET, {OPENED, "shutdown send", "< FA ack=N-1", "wait 60"}},
    {"last-ack", IN_WINDOW | HAS_SOCKET, {OPENED, "< FA", "wait 60", "shutdown send"}},
    {"time-wait", IN_WINDOW, {"connect", "< SA", "close", "< A", "< FA", "wait 60"}},
    {"time-wait-listener", IN_WINDOW, {OPENED, "close", "< A", "< FA", "wait 60"}},
};

static const char *const kinds[] = {
    "-",  "S",  "SA", "A",        "PA len=50", "FA",  "FA len=50",       "R",
    "RA", "SF", "F",  "P len=50", "SRA",       "FAU", "UA len=50 up=20",
};

static const char *const places[] = {
    "R-1000", "R-20", "R-1", "R", "R+100", "W-1", "W", "W+1000",
};
static const char *const places_anywhere[] = {"0", "100"};

static const char *const acks[] = {"N-90000", "U-1", "U", "N", "N+1", "N+100000"};
static const char *const acks_few[] = {"U", "N"};

static const char *const stamps[] = {"", " tsold", " nots"}; /* when timestamps are in use */

struct script *scripts_add(struct scripts *s, unsigned family)
{
    struct script *script;

    if (s->count == s->room) {
        s->room = s->room ? 2 * s->room : 1024;
        s->list = realloc(s->list, s->room * sizeof(*s->list));
        if (!s->list)
            abort();
    }
    script = &s->list[s->count++];
    *script = (struct script){.family = family};
    return script;
}

const char *script_text(struct scripts *s, const char *text)
{
    struct script_text *t = malloc(sizeof(*t) + strlen(text) + 1);

    if (!t)
        abort();
    strcpy(t->text, text);
    t->next = s->texts;
    s->texts = t;
    return t->text;
}

void scripts_free(struct scripts *s)
{
    while (s->texts) {
        struct script_text *t = s->texts;

        s->texts = t->next;
        free(t);
    }
    free(s->list);
}

void script_step(struct script *script, const char *step)
{
    if (script->count == SCRIPT_STEPS) {
        fprintf(stderr, "%s: more than %d steps\n", script->name, SCRIPT_STEPS);
        exit(2);
    }
    script->steps[script->count++] = step;
}

static void add_prelude(struct script *script, const struct setup *setup, bool ts)
{
    for (unsigned i = 0; i < sizeof(setup->steps) / sizeof(setup->steps[0]); i++) {
        const char *step = setup->steps[i];

        if (!step)
            break;
        if (ts && strcmp(step, "< S") == 0)
            step = "< S ts";
        if (ts && strcmp(step, "< SA") == 0)
            step = "< SA ts";
        script_step(script, step);
    }
}

static void add_cell(struct scripts *s, unsigned family, const struct setup *setup, bool ts,
                     const char *segment)
{
    struct script *script = scripts_add(s, family);

    snprintf(script->name, sizeof(script->name), "%u %s%s: %s", family, setup->name,
             ts ? " ts" : "", segment + 2);
    add_prelude(script, setup, ts);
    script->watched = script->count;
    script_step(script, segment);
    script_step(script, "wait 70");
    script_step(script, "state");
    if (setup->flags & CAN_SEND)
        script_step(script, "send 10");
    if (setup->flags & HAS_SOCKET)
        script_step(script, "recv");
}

static bool has_ack(const char *kind)
{
    return memchr(kind, 'A', strcspn(kind, " ")) != NULL;
}

/* One state, one kind of segment: everywhere, with every acknowledgement. */
static void add_kind(struct scripts *s, unsigned family, const struct setup *setup, bool ts,
                     const char *kind)
{
    bool window = setup->flags & IN_WINDOW;
    const char *const *where = window ? places : places_anywhere;
    size_t wheres = window ? sizeof(places) / sizeof(places[0]) : 2;
    const char *const *what = ts ? acks_few : acks;
    size_t whats = !has_ack(kind) ? 1 : ts ? 2 : sizeof(acks) / sizeof(acks[0]);
    size_t when = ts && window ? sizeof(stamps) / sizeof(stamps[0]) : 1;

    for (size_t i = 0; i < wheres; i++)
        for (size_t k = 0; k < whats; k++)
            for (size_t t = 0; t < when; t++) {
                char segment[SCRIPT_NAME_BYTES];

                snprintf(segment, sizeof(segment), "< %s seq=%s%s%s%s", kind, where[i],
                         has_ack(kind) ? " ack=" : "", has_ack(kind) ? what[k] : "", stamps[t]);
                add_cell(s, family, setup, ts, script_text(s, segment));
            }
}

void scripts_cells(struct scripts *s)
{
    for (unsigned family = GANDER_IPV4; family <= GANDER_IPV6; family += 2)
        for (unsigned ts = 0; ts < 2; ts++)
            for (size_t i = 0; i < sizeof(setups) / sizeof(setups[0]); i++)
                for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
                    if (!ts || (setups[i].flags & IN_WINDOW))
                        add_kind(s, family, &setups[i], ts != 0, kinds[k]);
}

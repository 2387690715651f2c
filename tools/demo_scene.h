/* SPDX-License-Identifier: MIT */
/*
 * Scenes of the demo: each shows one thing that TCP does. A scene is a table: what the applications do and when, and
 * what befalls which packet. The lessons in docs/learn are drawn from them.
 */
#ifndef TOOLS_DEMO_SCENE_H
#define TOOLS_DEMO_SCENE_H

#include "demo_run.h"

enum { SCENE_ACTS = 12, SCENE_FAULTS = 4 };

enum scene_deed {
    DEED_NONE, /* ends the table */
    DEED_CONNECT,
    DEED_SEND,   /* `bytes` */
    DEED_FINISH, /* half close: no more to send */
    DEED_ABORT,
    DEED_READ /* all that is there, and from now on all that comes */
};

struct scene_act {
    gander_time at;
    uint8_t host;
    uint8_t deed; /* enum scene_deed */
    uint16_t bytes;
};

/* What befalls the `number`-th packet (the first is 1) that a host sends. */
struct scene_fault {
    uint8_t host, number;
    uint8_t action;      /* enum gander_impair_action */
    gander_time late_ns; /* GANDER_IMPAIR_REORDER; all of a scene are alike */
};

struct demo_scene {
    const char *name;
    const char *text, *text_zh;
    bool simultaneous, udp; /* the conversation of --simultaneous, --udp instead of `acts` */
    bool no_listener;       /* nobody waits for the call */
    bool no_reader;         /* host 1 reads only once DEED_READ says so */
    bool sack;
    uint32_t receive_bytes; /* host 1's buffer; 0: 65,535 */
    gander_time until;      /* 0: until nothing is left to happen */
    struct scene_act acts[SCENE_ACTS];
    struct scene_fault faults[SCENE_FAULTS];
};

/* NULL: no such scene. */
const struct demo_scene *demo_scene_find(const char *name);
/* By number; NULL beyond the last. */
const struct demo_scene *demo_scene_at(unsigned number);

/* As demo_talk_tcp(), by the table. */
int demo_talk_scene(struct demo_world *world, struct ladder_record *record,
                    struct demo_result *result);

#endif

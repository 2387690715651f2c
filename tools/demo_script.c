/* SPDX-License-Identifier: MIT */
/* What the two say to each other. Each letter is one segment's text, each postcard one datagram. */
#include "demo_run.h"

const struct demo_script demo_script_en = {
    .names = {"Mei", "Lin"},
    .letters =
        (const struct demo_letter[]){
            {0, "Dear Lin, the geese have flown south. Is it cold where you are?"},
            {1, "Dear Mei, the first snow fell today. The plum tree is in bud."},
            {0, "Then I shall be home before it flowers."},
            {1, "I will keep the lamp lit."},
            {0, NULL},
        },
    .letters_both =
        (const struct demo_letter[]){
            {0, "Dear Lin, I was just thinking of you."},
            {1, "Dear Mei, I was just thinking of you too."},
            {0, NULL},
        },
    .cards =
        (const struct demo_letter[]){
            {0, "The river has frozen over."},
            {0, "The children skate to school."},
            {0, "A heron stands on one leg."},
            {1, "Thank you for the card!"},
            {0, NULL},
        },
};

const struct demo_script demo_script_zh = {
    .names = {"梅", "林"},
    .letters =
        (const struct demo_letter[]){
            {0, "林：雁已南飞，你那里冷吗？"},
            {1, "梅：今日初雪，院里的梅树含苞了。"},
            {0, "那我赶在花开之前回来。"},
            {1, "我为你留着灯。"},
            {0, NULL},
        },
    .letters_both =
        (const struct demo_letter[]){
            {0, "林：我正想起你。"},
            {1, "梅：巧了，我也正想起你。"},
            {0, NULL},
        },
    .cards =
        (const struct demo_letter[]){
            {0, "河面结冰了。"},
            {0, "孩子们滑着冰去上学。"},
            {0, "有只鹭单脚站着。"},
            {1, "明信片收到了，真好！"},
            {0, NULL},
        },
};

/* SPDX-License-Identifier: MIT */
/* The scenes: what `gander demo --scenario` can show. A round trip takes 40 ms. */
#include "demo_scene.h"

#include <string.h>

#define MS(n) ((n)*GANDER_MS)

static const struct demo_scene scenes[] = {
    {.name = "handshake",
     .text = "three letters open a connection (RFC 9293 3.5)",
     .text_zh = "三次握手建立连接（RFC 9293 3.5）",
     .until = MS(100),
     .acts = {{0, 0, DEED_CONNECT, 0}}},
    {.name = "syn-loss",
     .text =
         "the first SYN is lost: the retransmission timer sends another after a second (RFC 6298)",
     .text_zh = "第一个 SYN 丢失：一秒后重传定时器再发一次（RFC 6298）",
     .until = MS(1200),
     .acts = {{0, 0, DEED_CONNECT, 0}},
     .faults = {{0, 1, GANDER_IMPAIR_DROP, 0}}},
    {.name = "simultaneous-open",
     .text = "both call each other at once: one connection comes of it (RFC 9293 3.5, figure 7)",
     .text_zh = "双方同时呼叫对方：只建立一个连接（RFC 9293 3.5，图 7）",
     .simultaneous = true},
    {.name = "refused",
     .text = "nobody listens: the answer to the SYN is a reset (RFC 9293 3.10.7.1)",
     .text_zh = "无人监听：对 SYN 的回答是复位（RFC 9293 3.10.7.1）",
     .no_listener = true,
     .acts = {{0, 0, DEED_CONNECT, 0}}},
    {.name = "close",
     .text = "four letters part: each direction ends by itself; the first to close waits 2MSL",
     .text_zh = "四次挥手：两个方向各自结束；先关闭者等待 2MSL",
     .acts = {{0, 0, DEED_CONNECT, 0}, {MS(100), 0, DEED_FINISH, 0}, {MS(160), 1, DEED_FINISH, 0}}},
    {.name = "half-close",
     .text = "one side has no more to say, the other still talks (RFC 9293 3.6)",
     .text_zh = "一方已说完，另一方仍可继续（RFC 9293 3.6）",
     .acts = {{0, 0, DEED_CONNECT, 0},
              {MS(60), 0, DEED_SEND, 40},
              {MS(60), 0, DEED_FINISH, 0},
              {MS(200), 1, DEED_SEND, 500},
              {MS(300), 1, DEED_SEND, 300},
              {MS(400), 1, DEED_FINISH, 0}}},
    {.name = "lost-last-ack",
     .text = "the last ACK is lost: TIME-WAIT is still there to say it again (RFC 9293 3.6)",
     .text_zh = "最后一个 ACK 丢失：TIME-WAIT 还在，可以再说一遍（RFC 9293 3.6）",
     .acts = {{0, 0, DEED_CONNECT, 0}, {MS(100), 0, DEED_FINISH, 0}, {MS(200), 1, DEED_FINISH, 0}},
     .faults = {{0, 4, GANDER_IMPAIR_DROP, 0}}},
    {.name = "zero-window",
     .text = "the reader rests: the window closes, probes ask until it opens (RFC 9293 3.8.6.1)",
     .text_zh = "读者停下：窗口关闭，探测不断询问直到窗口打开（RFC 9293 3.8.6.1）",
     .no_reader = true,
     .receive_bytes = 2896,
     .until = MS(2600),
     .acts = {{0, 0, DEED_CONNECT, 0}, {MS(60), 0, DEED_SEND, 4344}, {MS(2000), 1, DEED_READ, 0}}},
    {.name = "delayed-ack",
     .text = "an ACK waits a little for company, a second segment fetches it at once (RFC 9293 "
             "3.8.6.3)",
     .text_zh = "ACK 稍等同行者；第二个报文段到来则立即发出（RFC 9293 3.8.6.3）",
     .until = MS(400),
     .acts = {{0, 0, DEED_CONNECT, 0}, {MS(60), 0, DEED_SEND, 100}, {MS(200), 0, DEED_SEND, 2896}}},
    {.name = "fast-retransmit",
     .text =
         "one of several is lost: the ACKs of the others tell, no timer runs out (RFC 5681 3.2)",
     .text_zh = "几个报文段中丢了一个：其余的 ACK 即可说明，无需等定时器（RFC 5681 3.2）",
     .until = MS(400),
     .acts = {{0, 0, DEED_CONNECT, 0}, {MS(60), 0, DEED_SEND, 8688}},
     .faults = {{0, 4, GANDER_IMPAIR_DROP, 0}}},
    {.name = "sack",
     .text =
         "two are lost: SACK says exactly which (RFC 2018), both are repaired in one round trip",
     .text_zh = "丢了两个：SACK 准确指出是哪两个（RFC 2018），一个往返即修复",
     .sack = true,
     .until = MS(400),
     .acts = {{0, 0, DEED_CONNECT, 0}, {MS(60), 0, DEED_SEND, 11584}},
     .faults = {{0, 4, GANDER_IMPAIR_DROP, 0}, {0, 6, GANDER_IMPAIR_DROP, 0}}},
    {.name = "tlp",
     .text = "the last one is lost: no ACK can tell, a tail loss probe asks before the time-out "
             "(RFC 8985 7)",
     .text_zh = "最后一个丢失：没有 ACK 能说明，尾部丢失探测在超时前询问（RFC 8985 7）",
     .sack = true,
     .until = MS(600),
     .acts = {{0, 0, DEED_CONNECT, 0}, {MS(60), 0, DEED_SEND, 4344}},
     .faults = {{0, 5, GANDER_IMPAIR_DROP, 0}}},
    {.name = "time-out",
     .text = "a whole flight is lost: the retransmission timer starts over, one segment first (RFC "
             "6298, 5681)",
     .text_zh = "整批丢失：重传定时器重新开始，先发一个报文段（RFC 6298、5681）",
     .until = MS(1000),
     .acts = {{0, 0, DEED_CONNECT, 0}, {MS(60), 0, DEED_SEND, 2896}},
     .faults = {{0, 3, GANDER_IMPAIR_DROP, 0}, {0, 4, GANDER_IMPAIR_DROP, 0}}},
    {.name = "reordering",
     .text = "one is overtaken: it was late, not lost, and nothing is sent again (RFC 8985 6)",
     .text_zh = "一个被超过：只是迟到并未丢失，什么也不必重发（RFC 8985 6）",
     .sack = true,
     .until = MS(400),
     .acts = {{0, 0, DEED_CONNECT, 0}, {MS(60), 0, DEED_SEND, 4344}},
     .faults = {{0, 4, GANDER_IMPAIR_REORDER, MS(5)}}},
    {.name = "rst",
     .text = "one side hangs up in the middle: a reset, and the other learns it at once (RFC 9293 "
             "3.10.5)",
     .text_zh = "一方中途挂断：发出复位，另一方立刻得知（RFC 9293 3.10.5）",
     .acts = {{0, 0, DEED_CONNECT, 0}, {MS(60), 0, DEED_SEND, 1000}, {MS(150), 0, DEED_ABORT, 0}}},
    {.name = "udp-loss",
     .text = "datagrams: one is lost, and nobody is told (RFC 768)",
     .text_zh = "数据报：丢了一个，没有人被告知（RFC 768）",
     .udp = true},
};

enum { SCENES = sizeof(scenes) / sizeof(scenes[0]) };

const struct demo_scene *demo_scene_at(unsigned number)
{
    return number < SCENES ? &scenes[number] : NULL;
}

const struct demo_scene *demo_scene_find(const char *name)
{
    for (unsigned i = 0; i < SCENES; i++) {
        if (strcmp(scenes[i].name, name) == 0)
            return &scenes[i];
    }
    return NULL;
}

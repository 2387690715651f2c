/* SPDX-License-Identifier: MIT */
/* The story's sentences in Chinese. */
#include "story.h"

const struct story_words story_words_zh = {
    .title = "鸿雁传书",
    .intro =
        "{left}住在 {left_address}，{right}住在 {right_address}，书信全靠鸿雁捎带，单程 {delay} "
        "秒。雁会在半路走失，却没有谁来报信。于是两人立下规矩：写下的每个字节都编上号；"
        "寄出的信都留底稿，等对方回音说读到了，才销去。",
    .intro_cards = "明信片是另一回事：不寒暄，不道别，不留底稿，不设定时器；有没有回音，全看对方"
                   "的兴致。{left}住在 {left_address}，{right}住在 {right_address}，雁飞单程 "
                   "{delay} 秒。",
    .chapter =
        {
            [PHASE_OPEN] = "相识：三封信",
            [PHASE_OPEN_BOTH] = "不约而同：两封信同时上路",
            [PHASE_DATA] = "往来",
            [PHASE_CLOSE] = "作别：四封信",
            [PHASE_CLOSE_BOTH] = "同时作别",
            [PHASE_WAIT] = "守候",
            [PHASE_DATAGRAMS] = "明信片",
        },
    .join = "",
    .syn = "{from}寄出第一封信：“SYN。愿与你通信，可好？我的编号从 {isn} 起。”",
    .syn_again = "{from}把第一封信照样再寄一遍。",
    .syn_ack = "{from}一封信答了两件事：“SYN，ACK。正合我意。你的编号我记下了，接下来等你的 {ack} "
               "号；我的编号从 {isn} 起。”",
    .syn_ack_again = "{from}把回信再寄一遍：“SYN，ACK。”",
    .syn_ack_both =
        "{from}回信：“SYN，ACK。真巧，我也正要问你！你的编号我记下了，接下来等你的 {ack} "
        "号；我的编号如前所说，从 {isn} 起。”",
    .ack_handshake = "{from}寄出第三封：“ACK。你的编号我也记下了，接下来等你的 {ack} 号。”",
    .ack_data = "{from}回一句：“ACK。已读到 {known} 号。”",
    .ack_delayed =
        "{from}一时无话，等了片刻，还是没有要写的，便只回一句：“ACK。已读到 {known} 号。”",
    .ack_again = "{from}又说一遍：“ACK。已读到 {known} 号。”",
    .ack_other = "{from}回一句：“ACK。已读到 {known} 号。”缘由：{why}。",
    .ack_fin = "{from}回信：“ACK。知道了。”",
    .ack_fin_open =
        "{from}先回一句：“ACK。知道了。”这还不是{from}自己的道别，{from}若有话，尽可再写。",
    .ack_fin_last =
        "{from}寄出最后一封：“ACK。知道了。”可是最后一封信不会再有回音，怎么知道它到了没有？",
    .ack_fin_again = "{from}再应一声：“ACK。知道了。”",
    .data = "{from}写下第 {seq} 到 {last} 号字节：“{text}”",
    .data_again = "{from}取出底稿，把第 {seq} 到 {last} 号字节原样再寄一遍。",
    .also_read = "信边附一句：“ACK。已读到你的 {known} 号。”",
    .also_done = "末了一句：“FIN。我的话说完了。”",
    .fin = "{from}的话说完了：“FIN。我不再写了，不过你写来的，我还会读。”",
    .fin_second = "{from}也说完了：“FIN。我这边也没有话了。”",
    .fin_both = "{from}的话说完了：“FIN。我不再写了。”",
    .fin_again = "{from}把道别再寄一遍：“FIN。”",
    .reset = "{from}就此断绝往来：“RST。”缘由：{why}。",
    .reset_unknown = "{from}这边早已不记得这段往来：“RST。没有这个连接。”",
    .probe = "{from}探问一声：“还在吗？”缘由：{why}。",
    .patience = "底稿留在手边，定时器拨到 {wait} 秒：到时没有回音，就把同一封信再寄一遍。",
    .patience_again = "这一回，{from}愿等 {wait} 秒。",
    .lost = "雁在半路走失了，两人都不知道。",
    .lost_timed = "雁在半路走失了，两人都不知道；{from}手边只有定时器：{wait} 秒。",
    .lost_ack = "雁在半路走失了。只有一句 ACK 的信，没有定时器看着。",
    .read_syn = "{to}读了信，欣然应允。",
    .read_syn_both = "{to}读了信，吃了一惊：自己问的也是这件事，可来的并不是回信。",
    .read_syn_ack = "{to}读到回信，一去一回，两条路都通：{to}心里有数了。",
    .read_handshake =
        "{to}读到了。没有这第三封，{to}就无从知道第二封是否送到；如今双方心里都有数了。",
    .read_established = "{to}由此得知，自己的信已经送到。",
    .read_data = "{to}读到第 {seq} 到 {last} 号字节。",
    .read_twice = "这些字节{to}早已读过，丢开。",
    .read_ack = "{to}得知 {known} 号以前都已读到，便销去底稿。",
    .read_fin = "{to}读到：{from}不再写信来了。",
    .read_fin_both = "{to}读了信，吃了一惊：自己的道别还没有回音，对方的道别倒先来了。",
    .read_fin_ack = "{to}得知自己的道别已经送到，从此只读不写。",
    .read_last = "{to}读到：{from}也没有话了。",
    .read_closing_ack = "{to}得知自己的道别已经送到。",
    .read_closed = "{to}读到了：话都说完，信都读过。关门。",
    .read_reset = "{to}读到了，再也无话可说。",
    .timer = "等了 {wait} 秒，没有回音。{name}不问是谁的过错。",
    .stay = "{name}留在家里守候 {wait} 秒，这就是 2MSL：一封信在路上至多活一个 MSL，等满两个。倘若"
            "最后那封走失，{other}会再来道别，总要有人应声；这次往来中迟到的旧信，也不致混进下一次"
            "往来。",
    .stay_both =
        "两人各写了一封不会有回音的 ACK，于是都留在家里守候 {wait} 秒，这就是 2MSL：一封信在"
        "路上至多活一个 MSL，等满两个。倘若有一封走失，对方会再来道别，总要有人应声。",
    .over = "再没有人来叩门。{name}关上了门。",
    .over_asked = "{other}曾再来道别，好在{name}还在家，应了声。此后一片安静。{name}关上了门。",
    .gave_up = "{name}等得够久了，不再等。",
    .all_read =
        "先后飞出 {flown} 只雁，走失 {lost} 只。{left}写了 {left_bytes} 个字节，{right}写了 "
        "{right_bytes} 个，个个读到，不重不漏，次序不乱。",
    .not_all_read =
        "先后飞出 {flown} 只雁，走失 {lost} 只。{left}写了 {left_bytes} 个字节，{right}写了 "
        "{right_bytes} 个，没有全部读到。",
    .nothing_written = "先后飞出 {flown} 只雁，走失 {lost} 只。想说的话，一句也没说成。",
    .card = "{from}寄出一张明信片：“{text}”",
    .card_read = "{to}读到了。",
    .card_lost = "雁在半路走失了。谁也不会知道：{from}没留底稿，{to}也没在等。",
    .cards_end = "寄出 {sent} 张，读到 {read} 张。这两个数，只有像我们这样在一旁观看的人才都知道。",
};

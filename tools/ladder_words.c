/* SPDX-License-Identifier: MIT */
/* The ladder's words in English and Chinese. Names of states and flags are the RFC's in both. */
#include "ladder_words.h"

const struct ladder_words ladder_words_en = {
    .seconds = "s",
    .seq = "seq",
    .ack = "ack",
    .len = "len",
    .lost = "lost",
    .lost_datagram = "lost, nobody told",
    .heading =
        {
            [PHASE_OPEN] = "three-way handshake",
            [PHASE_OPEN_BOTH] = "simultaneous open",
            [PHASE_DATA] = "data both ways",
            [PHASE_CLOSE] = "four-way close",
            [PHASE_CLOSE_BOTH] = "simultaneous close",
            [PHASE_WAIT] = "2MSL: who closed first waits",
            [PHASE_DATAGRAMS] = "datagrams",
        },
    .relative =
        "seq and ack are relative; on the wire {left} began at {left_isn}, {right} at {right_isn}.",
    .absolute = "seq and ack as on the wire; {left} began at {left_isn}, {right} at {right_isn}.",
    .timer_fired = "{name}: {timer} timer ran out after {wait} s",
    .timer_over = "{name}: 2MSL is over, {wait} s",
    .quiet = "{wait} s",
    .drop = "{name} drops it: {reason}",
    .cause = "{name}: {cause}",
};

const struct ladder_words ladder_words_zh = {
    .seconds = "秒",
    .seq = "序号",
    .ack = "确认",
    .len = "长度",
    .lost = "丢失",
    .lost_datagram = "丢失，无人知晓",
    .heading =
        {
            [PHASE_OPEN] = "三次握手",
            [PHASE_OPEN_BOTH] = "同时打开",
            [PHASE_DATA] = "双向收发数据",
            [PHASE_CLOSE] = "四次挥手",
            [PHASE_CLOSE_BOTH] = "同时关闭",
            [PHASE_WAIT] = "2MSL：主动关闭的一方等待",
            [PHASE_DATAGRAMS] = "数据报",
        },
    .relative = "序号与确认号均为相对值；线路上{left}从 {left_isn} 起，{right}从 {right_isn} 起。",
    .absolute = "序号与确认号均为线路上的原值；{left}从 {left_isn} 起，{right}从 {right_isn} 起。",
    .timer_fired = "{name}：{timer}定时器到时（{wait} 秒）",
    .timer_over = "{name}：2MSL 已满，共 {wait} 秒",
    .quiet = "{wait} 秒",
    .drop = "{name}丢弃：{reason}",
    .cause = "{name}：{cause}",
    .why =
        {
            [GANDER_WHY_syn] = "发起连接",
            [GANDER_WHY_syn_ack] = "接受连接，同时打开另一个方向",
            [GANDER_WHY_syn_retransmit] = "重发 SYN：没有等到回音",
            [GANDER_WHY_syn_ack_retransmit] = "重发 SYN,ACK：没有等到回音",
            [GANDER_WHY_data] = "新数据，发送窗口与拥塞窗口都允许",
            [GANDER_WHY_data_fin] = "最后一段数据，连同 FIN：此后不再发送",
            [GANDER_WHY_fin] = "FIN：此后不再发送",
            [GANDER_WHY_retransmit_timeout] = "重发：重传定时器到时（RFC 6298 5.4）",
            [GANDER_WHY_retransmit_fast] = "重发：重复的 ACK 说明它丢了（RFC 5681 3.2）",
            [GANDER_WHY_retransmit_partial] = "重发：部分确认说明它也丢了（RFC 6582）",
            [GANDER_WHY_retransmit_rack] = "重发：比它晚发的早已到达（RFC 8985）",
            [GANDER_WHY_tail_loss_probe] = "尾部丢包探测：两个往返没有 ACK（RFC 8985 7）",
            [GANDER_WHY_window_probe] = "探测已关闭的窗口（RFC 9293 3.8.6.1）",
            [GANDER_WHY_keepalive] = "问沉默的对方是否还在（RFC 9293 3.8.4）",
            [GANDER_WHY_ack_data] = "确认两个或更多报文段（RFC 9293 3.8.6.3）",
            [GANDER_WHY_ack_delayed] = "延迟确认（RFC 9293 3.8.6.3）",
            [GANDER_WHY_ack_out_of_order] = "告知缺了哪一段（RFC 5681 4.2）",
            [GANDER_WHY_ack_duplicate] = "再次确认早已收到的内容（RFC 9293 3.10.7.4）",
            [GANDER_WHY_ack_fin] = "确认对方的 FIN",
            [GANDER_WHY_ack_handshake] = "完成握手",
            [GANDER_WHY_ack_window] = "窗口重新打开（RFC 9293 3.8.6.2.2）",
            [GANDER_WHY_ack_challenge] = "质询可疑的报文段（RFC 5961）",
            [GANDER_WHY_ack_probe] = "回应保活或窗口探测",
            [GANDER_WHY_ack_time_wait] = "在 TIME-WAIT 中再次确认 FIN",
            [GANDER_WHY_rst_no_connection] = "复位：没有这个连接（RFC 9293 3.10.7.1）",
            [GANDER_WHY_rst_bad_ack] = "复位：对方确认了从未发送的内容",
            [GANDER_WHY_rst_abort] = "复位：应用程序中止了连接",
            [GANDER_WHY_rst_unread] = "复位：关闭时还有未读的数据（RFC 2525 2.17）",
            [GANDER_WHY_rst_after_close] = "复位：数据的接收者已离开（RFC 2525 2.17）",
            [GANDER_WHY_datagram] = "数据报：只发一次，尽力而为",
        },
    .timer =
        {
            [GANDER_TIMER_retransmit] = "重传",
            [GANDER_TIMER_persist] = "坚持（窗口探测）",
            [GANDER_TIMER_loss_probe] = "尾部丢包探测",
            [GANDER_TIMER_keepalive] = "保活",
            [GANDER_TIMER_user_timeout] = "用户超时",
            [GANDER_TIMER_fin_wait_2] = "FIN-WAIT-2 ",
            [GANDER_TIMER_time_wait] = "2MSL ",
        },
    .causes =
        {
            [GANDER_CAUSE_reset] = "被对方复位",
            [GANDER_CAUSE_timeout] = "太久没有回音",
            [GANDER_CAUSE_abort] = "应用程序中止了连接",
            [GANDER_CAUSE_icmp] = "收到 ICMP 差错",
            [GANDER_CAUSE_memory] = "内存用尽",
        },
    .drops =
        {
            [GANDER_DROP_tcp_duplicate] = "数据早已收到",
            [GANDER_DROP_tcp_no_connection] = "没有这个连接",
            [GANDER_DROP_tcp_out_of_window] = "序号在接收窗口之外",
            [GANDER_DROP_tcp_time_wait] = "已在 TIME-WAIT 中",
            [GANDER_DROP_tcp_syn_in_window] = "连接已建立，又来 SYN：质询（RFC 5961 4.2）",
            [GANDER_DROP_tcp_ack_too_old] = "确认的是早已确认过的内容（RFC 5961 5.2）",
            [GANDER_DROP_tcp_bad_ack] = "确认号不对",
        },
};

static const char *pick(const char *const *list, unsigned i, unsigned count, const char *otherwise)
{
    return i < count && list[i] ? list[i] : otherwise;
}

const char *ladder_why(const struct ladder_words *words, unsigned why)
{
    return pick(words->why, why, GANDER_WHY_COUNT, gander_why_text(why));
}

const char *ladder_timer(const struct ladder_words *words, unsigned timer)
{
    return pick(words->timer, timer, GANDER_TIMER_COUNT, gander_timer_text(timer));
}

const char *ladder_cause(const struct ladder_words *words, unsigned cause)
{
    return pick(words->causes, cause, GANDER_CAUSE_COUNT, gander_cause_text(cause));
}

const char *ladder_drop(const struct ladder_words *words, unsigned reason)
{
    return pick(words->drops, reason, GANDER_DROP_COUNT, gander_drop_text(reason));
}

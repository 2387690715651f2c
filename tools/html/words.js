// SPDX-License-Identifier: MIT
// The page's words in English and Chinese, and the RFC clause behind a reason where its text names none.
'use strict';

const words = (() => {
  const en = {
    title: 'Take a gander', connection: 'Connection', search: 'SYN, lost, resent, 1449 …', play: 'Play', pause: 'Pause',
    previous: 'Previous segment', next: 'Next segment', speed: 'Speed', even: 'Even rows', scale: 'Time scale', zoomIn: 'Zoom in',
    zoomOut: 'Zoom out', theme: 'Dark or light', help: 'Keys', language: '中文', close: 'Close',
    data: 'data', ack: 'ACK', control: 'SYN, FIN', again: 'sent again', lost: 'lost', reset: 'reset', datagram: 'datagram',
    stateChange: 'state change', timerMark: 'timer', notSeen: 'not seen from here', none: 'This trace has no segments.',
    segment: 'Segment', of: 'of', sent: 'sent', arrived: 'arrived', neverArrived: 'never arrived', onItsWay: 'on the way', unknown: 'unknown', why: 'Why',
    clause: 'Clause', header: 'Header', flags: 'Flags', seq: 'Sequence number', ackNumber: 'Acknowledgment', length: 'Text length',
    window: 'Window', timestamps: 'Timestamps', sack: 'SACK', options: 'Options', transmission: 'Transmission', absolute: 'on the wire',
    ends: 'Both ends', atSending: 'as it leaves', afterArrival: 'after it arrived', state: 'State', cwnd: 'cwnd', ssthresh: 'ssthresh', flight: 'In flight',
    snd_wnd: 'Send window', rcv_wnd: 'Receive window', srtt: 'Smoothed RTT', rttvar: 'RTT variation', rto: 'RTO', timers: 'Timers',
    happened: 'What followed', bytes: 'bytes', peerOnly: 'Arrived here. Why it was sent, only the other end knows: this trace is of one end.',
    matches: '{0} of {1}', noMatch: 'none', sequence: 'Time–sequence', windows: 'Congestion window and flight', rtt: 'Round-trip time',
    direction: 'Other direction', time: 'time', acked: 'acknowledged', window_edge: 'window', sample: 'sample', seconds: 's',
    keys: [['→ j', 'next segment'], ['← k', 'previous segment'], ['Space', 'play or pause'], ['Home End', 'first or last'],
      ['/', 'search; Enter and Shift+Enter go on'], ['+ −', 'zoom'], ['t', 'even rows or time scale'], ['c', 'next connection'],
      ['s', 'plots of the other direction'], ['d', 'dark or light'], ['l', 'English or 中文'], ['?', 'these keys']],
    plotHint: 'Drag to zoom, double-click for all, click to select.',
    timer_fired: 'timer ran out: {0}', timer_armed: 'timer set: {0}, in {1}', lostMark: 'taken for lost: {0}, {1} bytes', drop: 'dropped: {0}',
    rttEvent: 'RTT sample {0}; smoothed {1}', windowEvent: 'cwnd {0}, send window {1}', end: 'connection is gone', offer: '',
    sentOne: 'sends {0}', chosen: 'chosen', segments: 'segments', retransmissions: 'sent again', losses: 'lost',
  };
  const zh = {
    title: '鸿雁传书', connection: '连接', search: 'SYN、丢失、重发、1449 …', play: '播放', pause: '暂停',
    previous: '上一个报文段', next: '下一个报文段', speed: '速度', even: '等距行', scale: '时间比例', zoomIn: '放大',
    zoomOut: '缩小', theme: '深色或浅色', help: '按键', language: 'English', close: '关闭',
    data: '数据', ack: '确认', control: 'SYN、FIN', again: '重发', lost: '丢失', reset: '复位', datagram: '数据报',
    stateChange: '状态变化', timerMark: '定时器', notSeen: '此处看不到', none: '这份记录里没有报文段。',
    segment: '报文段', of: '/', sent: '发出', arrived: '到达', neverArrived: '没有到达', onItsWay: '在途', unknown: '未知', why: '原因',
    clause: '条款', header: '首部', flags: '标志', seq: '序号', ackNumber: '确认号', length: '数据长度',
    window: '窗口', timestamps: '时间戳', sack: 'SACK', options: '选项', transmission: '第几次发送', absolute: '线上的值',
    ends: '两端', atSending: '发出时', afterArrival: '到达后', state: '状态', cwnd: '拥塞窗口 cwnd', ssthresh: '慢启动门限', flight: '在途字节',
    snd_wnd: '发送窗口', rcv_wnd: '接收窗口', srtt: '平滑 RTT', rttvar: 'RTT 偏差', rto: 'RTO', timers: '定时器',
    happened: '随后发生', bytes: '字节', peerOnly: '到达这里。为什么发出，只有另一端知道：这份记录来自一端。',
    matches: '{0} / {1}', noMatch: '没有', sequence: '时间–序号', windows: '拥塞窗口与在途字节', rtt: '往返时间',
    direction: '另一个方向', time: '时间', acked: '已确认', window_edge: '窗口', sample: '样本', seconds: '秒',
    keys: [['→ j', '下一个报文段'], ['← k', '上一个报文段'], ['空格', '播放或暂停'], ['Home End', '第一个或最后一个'],
      ['/', '搜索；Enter 与 Shift+Enter 前后跳转'], ['+ −', '缩放'], ['t', '等距行或时间比例'], ['c', '下一个连接'],
      ['s', '另一个方向的图'], ['d', '深色或浅色'], ['l', 'English 或中文'], ['?', '这些按键']],
    plotHint: '拖动放大，双击看全部，单击选中。',
    timer_fired: '定时器到时：{0}', timer_armed: '设定时器：{0}，{1} 后', lostMark: '判为丢失：{0}，{1} 字节', drop: '丢弃：{0}',
    rttEvent: 'RTT 样本 {0}；平滑 {1}', windowEvent: 'cwnd {0}，发送窗口 {1}', end: '连接结束', offer: '',
    sentOne: '发出 {0}', chosen: '选中', segments: '个报文段', retransmissions: '重发', losses: '丢失',
  };

  const zhWhy = {
    syn: '打开连接', syn_ack: '接受连接，并打开另一个方向', syn_retransmit: '再发 SYN：没有及时得到回答',
    syn_ack_retransmit: '再发 SYN-ACK：没有及时得到回答', data: '新数据；窗口和拥塞窗口都允许', data_fin: '最后的数据和 FIN：此后不再发送',
    fin: 'FIN：此后不再发送', retransmit_timeout: '重发：重传定时器到时', retransmit_fast: '重发：重复确认表明它丢了',
    retransmit_partial: '重发：部分确认表明它也丢了', retransmit_rack: '重发：更晚发出的早已到达', tail_loss_probe: '尾部丢失探测：两个往返没有确认',
    window_probe: '探测关闭的窗口', keepalive: '询问沉默的对方是否还在', cwnd_ecn: '窗口变小：路径标记了拥塞', cwnd_idle: '窗口变小：很久没有发送',
    ack_data: '确认两个或更多报文段', ack_delayed: '延迟确认', ack_out_of_order: '告诉对方缺什么', ack_duplicate: '再次确认早已到达的数据',
    ack_fin: '确认对方的 FIN', ack_handshake: '完成握手', ack_window: '窗口打开了', ack_challenge: '质疑可疑的报文段', ack_probe: '回答保活或窗口探测',
    ack_time_wait: '在 TIME-WAIT 中再次确认 FIN', rst_no_connection: '复位：没有这个连接', rst_bad_ack: '复位：确认了从未发送的数据',
    rst_abort: '复位：应用中止', rst_unread: '复位：关闭时还有未读数据', rst_after_close: '复位：接收方已经离开', rst_memory: '复位：内存不足',
    datagram: '数据报：只发一次，尽力而为', echo_request: '回显请求', echo_reply: '回显应答', icmp_unreachable: '那里没有人监听', icmp_error: 'ICMP 差错',
    retransmit_again: '重发：它的重传也丢了', retransmit_sack: '重发：它之后已有足够多到达', cwnd_recovered: '恢复结束：cwnd 等于 ssthresh',
    cwnd_prr: '按到达的份额发送', cwnd_probe_repaired: '探测修复了丢失：如同快速恢复之后', cwnd_undo_echo: '撤销：时间戳回显表明第一次发送已到达',
    retransmit_syn_text: '重发：SYN 带的数据没有被接受', ack_ecn: '回报路径标记的拥塞', cwnd_newreno: 'NewReno 改变了窗口', cwnd_cubic: 'CUBIC 改变了窗口',
    cwnd_hystart: '慢启动看到延迟上升，放慢增长', bbr_startup: 'BBR Startup：每个往返速率加倍', bbr_drain: 'BBR Drain：排空 Startup 造成的队列',
    bbr_probe_down: 'BBR ProbeBW_DOWN：比路径慢，留出余地', bbr_cruise: 'BBR ProbeBW_CRUISE：与路径一样快', bbr_refill: 'BBR ProbeBW_REFILL：填满路径，准备探测',
    bbr_probe_up: 'BBR ProbeBW_UP：比路径快，看能否承载更多', bbr_probe_rtt: 'BBR ProbeRTT：减少在途，看最短往返', bbr_loss: 'BBR：上个往返有丢失；降到已到达的量',
    cwnd_undo_dsack: '撤销：重发的都早已到达', cwnd_undo_frto: '撤销：超时是虚假的',
  };
  const zhCause = {
    open_passive: '被动打开', open_active: '主动打开', segment: '报文段到达', close: '应用关闭', abort: '应用中止', reset: '被对方复位',
    timeout: '太久没有回答', time_wait_over: '2MSL 已过', icmp: 'ICMP 差错', memory: '内存用尽',
  };
  const zhTimer = {
    retransmit: '重传', persist: '坚持：窗口探测', loss_probe: '尾部丢失探测', reorder: '乱序等待', delayed_ack: '延迟确认', keepalive: '保活',
    user_timeout: '用户超时', fin_wait_2: '无主的 FIN-WAIT-2', time_wait: '2MSL', idle: '空闲：归还工作内存', cork: '攒够再发', pacing: '下一批可以发出',
  };
  const clauses = {
    syn: 'RFC 9293 3.5', syn_ack: 'RFC 9293 3.5', syn_retransmit: 'RFC 6298 5.7', syn_ack_retransmit: 'RFC 6298 5.7', data: 'RFC 9293 3.8.6',
    data_fin: 'RFC 9293 3.6', fin: 'RFC 9293 3.6', ack_fin: 'RFC 9293 3.6', ack_handshake: 'RFC 9293 3.5', ack_probe: 'RFC 9293 3.8.4',
    ack_time_wait: 'RFC 9293 3.10.7.4', rst_bad_ack: 'RFC 9293 3.10.7.2', rst_abort: 'RFC 9293 3.10.5', datagram: 'RFC 768',
    echo_request: 'RFC 792', echo_reply: 'RFC 792', icmp_unreachable: 'RFC 1122 4.1.3.1', icmp_error: 'RFC 1122 3.2.2',
  };

  let language = 'en';
  let texts = { why: {}, reason: {}, cause: {}, timer: {} };
  const table = () => (language === 'zh' ? zh : en);
  const fill = (text, values) => text.replace(/\{(\d)\}/g, (_, i) => values[i]);

  return {
    setTexts(found) { texts = found; },
    setLanguage(code) { language = code; },
    language: () => language,
    get(key, ...values) {
      const found = table()[key];
      return typeof found === 'string' ? fill(found, values) : found;
    },
    why: (name) => (language === 'zh' && zhWhy[name]) || (texts.why[name] || name || '').replace(/ \(RFC [^)]*\)/, ''),
    clause(name) {
      const found = /\((RFC [^)]*)\)/.exec(texts.why[name] || '');
      return found ? found[1] : clauses[name] || '';
    },
    // Keys that one language has and the other lacks, for the tests.
    missing: () => Object.keys(en).concat(Object.keys(zh)).filter((key) => !(key in en) || !(key in zh))
      .concat(Object.keys(texts.cause).filter((key) => !zhCause[key]), Object.keys(texts.timer).filter((key) => !zhTimer[key])),
    cause: (name) => (language === 'zh' && zhCause[name]) || texts.cause[name] || name,
    timer: (name) => (language === 'zh' && zhTimer[name]) || texts.timer[name] || name,
    reason: (name) => texts.reason[name] || name,
  };
})();

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""many.py PAGE SEGMENTS: the page of a short trace, with the trace of a long transfer (made up: one way, each 400th lost) in its place."""
import json
import sys

NS = 1_000_000
MSS = 1448


def events(wanted):
    ends = ["192.0.2.1:40000", "192.0.2.2:80"]
    pending = []  # (time, number, event): number keeps the order of equal times
    made = 0

    def add(time, host, event, **fields):
        nonlocal made
        made += 1
        pending.append((time, made, {"time": time, "host": host, "id": 1, "event": event, "local": ends[host],
                                     "remote": ends[1 - host], **fields}))

    def letter(time, host, seq, ack, length, flags="ACK", why="data", again=1, lost=False):
        common = {"seq": seq % 2**32, "ack": ack, "len": length, "window": 1 << 20, "flags": flags, "state": "ESTABLISHED",
                  "tsval": time // NS, "tsecr": 1}
        add(time, host, "segment_out", **common, why=why, transmissions=again, cwnd=100 * MSS, flight=50 * MSS)
        if not lost:
            add(time + 20 * NS, 1 - host, "segment_in", **common)

    add(0, 0, "state", **{"from": "SYN-SENT", "to": "ESTABLISHED", "cause": "segment"})
    add(0, 1, "state", **{"from": "SYN-RECEIVED", "to": "ESTABLISHED", "cause": "segment"})
    seq, time, count = 2**32 - 10_000_000, NS, 0
    while count < wanted:
        for again in (1, 2) if count % 400 == 399 else (1,):
            letter(time + (again - 1) * 60 * NS, 0, seq, 5, MSS, again=again, lost=again == 1 and count % 400 == 399,
                   why="data" if again == 1 else "retransmit_rack")
            count += 1
        seq += MSS
        if count % 2 == 0:
            letter(time + 20 * NS, 1, 5, seq % 2**32, 0, why="ack_data", again=0)
            add(time + 40 * NS, 0, "rtt", sample=40 * NS, srtt=40 * NS, rttvar=NS, rto=200 * NS)
            add(time + 40 * NS, 0, "window", snd_wnd=1 << 20, cwnd=100 * MSS + count, ssthresh=2**32 - 1, why="none")
            add(time + 40 * NS, 0, "timer_armed", timer="retransmit", at=time + 240 * NS)
            count += 1
        time += NS // 2
    pending.sort(key=lambda entry: entry[:2])
    return [entry[2] for entry in pending]


page = open(sys.argv[1], encoding="utf-8").read()
begin = page.index('{"format":"gander-trace"')
head = page[begin:page.index("\n", begin) + 1]
behind = page[page.index("</script>", begin):]
sys.stdout.write(page[:begin] + head + "".join(json.dumps(e) + "\n" for e in events(int(sys.argv[2]))) + behind)

/* SPDX-License-Identifier: MIT */
/*
 * Pacing [draft-ietf-ccwg-bbr, "Pacing Rate", "Send Quantum"; RFC 9406 5]: what may go by the windows leaves in quanta, each when its
 * time has come, not all at once. The pacing timer of the connection wakes output.c then. BBR sets the rate; for other algorithms,
 * if asked for, it is twice cwnd a round trip in slow start and 1.2 times in congestion avoidance, so that pacing never is
 * what holds the window down. Whoever is not paced pays one comparison for each segment.
 *
 * DEVIATION: a quantum that leaves late, since the caller came late, may make up for half its own time: the draft's
 * max(Now(), C.next_send_time) loses that for good.
 */
#include "tcp/tcp.h"

enum {
    COST_SHIFT = 20, /* of pace.cost: nanoseconds a byte in fixed point */
    QUANTUM_MAX_BYTES = 65536,
    QUANTUM_MIN_SEGS = 2,
    QUANTA_PER_S = 1000
};

/* above it a byte costs too little to be counted; below it a segment's time would not fit */
static const uint64_t rate_max = UINT64_C(1) << 40, rate_min = 64;

static void rate_set(struct tcp_conn *c, uint64_t rate, uint32_t quantum)
{
    struct tcp_pace *pace = &c->busy->pace;
    uint64_t floor = QUANTUM_MIN_SEGS * (uint64_t)c->mss;

    if (rate != 0 && rate < rate_min)
        rate = rate_min;
    if (rate > rate_max)
        rate = rate_max;
    if (quantum == 0) { /* a millisecond's worth */
        uint64_t bytes = rate / QUANTA_PER_S;

        bytes = bytes < QUANTUM_MAX_BYTES ? bytes : QUANTUM_MAX_BYTES;
        quantum = (uint32_t)(bytes > floor ? bytes : floor);
    }
    pace->quantum = quantum;
    if (rate == pace->rate)
        return;
    pace->rate = rate;
    pace->cost = rate ? ((uint64_t)GANDER_S << COST_SHIFT) / rate : 0;
}

/* What the window asks for: `percent` of cwnd a round trip. */
static uint64_t rate_of_window(const struct tcp_conn *c)
{
    uint64_t percent = c->cwnd < c->ssthresh / 2 ? 200 : 120;
    uint64_t us = (uint64_t)c->srtt_ns / (uint64_t)GANDER_US;

    return us ? c->cwnd * percent * 10000 / us : 0;
}

void tcp_pace_update(const struct gander_stack *stack, struct tcp_conn *c)
{
    const struct tcp_knobs *knobs = tcp_knobs_of(stack, c);
    uint64_t most = knobs->max_pacing_rate, rate = c->busy->pace.asked;
    uint32_t quantum = c->busy->pace.asked_quantum;

    if (rate == 0 && knobs->pacing)
        rate = rate_of_window(c);
    if (most && (rate == 0 || rate > most)) {
        rate = most;
        quantum = 0;
    }
    if (rate != 0 || c->busy->pace.rate != 0)
        rate_set(c, rate, quantum);
}

static gander_time cost_of(const struct tcp_pace *pace, uint32_t bytes)
{
    return (gander_time)((bytes * pace->cost) >> COST_SHIFT);
}

/* Must what is about to leave wait? Then the timer runs. */
bool tcp_pace_holds(struct gander_stack *stack, struct tcp_conn *c)
{
    const struct tcp_pace *pace = &c->busy->pace;

    if (pace->rate == 0 || pace->left > 0 || stack->now >= pace->next_ns)
        return false;
    tcp_timers_on_paced(stack, c, pace->next_ns);
    return true;
}

/* So many bytes of text left, paced or not. */
void tcp_pace_on_sent(struct gander_stack *stack, struct tcp_conn *c, uint32_t bytes)
{
    struct tcp_pace *pace = &c->busy->pace;

    if (pace->rate == 0)
        return;
    if (stack->now >= pace->next_ns && (pace->left <= 0 || stack->now != pace->begun_ns)) {
        gander_time credit = cost_of(pace, pace->quantum) / 2;

        pace->left = (int32_t)pace->quantum;
        pace->begun_ns = stack->now;
        pace->next_ns = max_i64(pace->next_ns, stack->now - credit);
    }
    pace->left -= (int32_t)bytes;
    pace->next_ns += cost_of(pace, bytes);
}

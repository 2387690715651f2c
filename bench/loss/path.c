/* SPDX-License-Identifier: MIT */
/*
 * The path: rate, delay and queue are gander's impairment driver; losses are decided here, so that it is known what was
 * lost, and when an ACK said that it is made good. Losses befall data only: ACKs take the same delay, without a rate.
 */
#include "loss.h"

#include <stdlib.h>
#include <string.h>

enum {
    SAMPLES_MAX = 65536,
    JITTER_MS = 5,
    QUEUE_PACKETS_MIN = 10,
    IPV4_PROTOCOL = 9,
    TCP_ACK = 16
};

const char *loss_pattern_name(enum loss_pattern pattern)
{
    static const char *const names[] = {"none", "jitter", "bursts"};

    return names[pattern];
}

void loss_run_clear(struct loss_run *run)
{
    *run = (struct loss_run){
        .goodput_mbit = {-1, -1}, .retransmitted = -1, .queue_ms = {-1, -1}, .repair_ms = {-1, -1}};
}

/* --- samples ----------------------------------------------------------------------------------- */

/* So many that the array is full: every second one stays. */
static void samples_thin(struct loss_samples *samples)
{
    for (size_t i = 0; 2 * i < samples->count; i++)
        samples->values[i] = samples->values[2 * i];
    samples->count /= 2;
    samples->every *= 2;
}

void samples_add(struct loss_samples *samples, double value)
{
    if (!samples->values) {
        samples->values = calloc(SAMPLES_MAX, sizeof(*samples->values));
        samples->every = 1;
        if (!samples->values)
            return;
    }
    if (++samples->skipped < samples->every)
        return;
    samples->skipped = 0;
    if (samples->count == SAMPLES_MAX)
        samples_thin(samples);
    samples->values[samples->count++] = (float)value;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

double samples_percentile(struct loss_samples *samples, double share)
{
    if (samples->count == 0)
        return -1;
    qsort(samples->values, samples->count, sizeof(*samples->values), by_value);
    return (double)samples->values[(size_t)(share * (double)(samples->count - 1) + 0.5)];
}

void samples_free(struct loss_samples *samples)
{
    free(samples->values);
    *samples = (struct loss_samples){0};
}

/* --- what a packet says ------------------------------------------------------------------------- */

static uint32_t read_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

struct segment_facts {
    uint16_t source, destination;
    uint32_t seq, ack, text_len;
    bool has_ack;
};

/* TCP over IPv4, headers in one piece: the bench makes no others. */
static bool segment_read(const struct gander_packet *packet, struct segment_facts *facts)
{
    const uint8_t *ip = packet->frag[0].data, *tcp;
    uint32_t ip_header = (ip[0] & 15U) * 4, tcp_header;

    if (ip[0] >> 4 != 4 || ip[IPV4_PROTOCOL] != 6 || packet->frag[0].len < ip_header + 20)
        return false;
    tcp = ip + ip_header;
    tcp_header = (tcp[12] >> 4) * 4U;
    facts->source = (uint16_t)(tcp[0] << 8 | tcp[1]);
    facts->destination = (uint16_t)(tcp[2] << 8 | tcp[3]);
    facts->seq = read_u32(tcp + 4);
    facts->ack = read_u32(tcp + 8);
    facts->has_ack = tcp[13] & TCP_ACK;
    facts->text_len = packet->len - ip_header - tcp_header;
    return true;
}

/* --- losses and their repair -------------------------------------------------------------------- */

static bool chance(struct loss_path *path, double share)
{
    uint64_t z = path->draws += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) < share * 9007199254740992.0;
}

/* Bursts [Gilbert 1960]: in one, all is lost; their share of the packets is the rate of loss. */
static bool is_lost(struct loss_path *path)
{
    double loss = path->loss_ppm / 1e6;

    if (!path->bursts)
        return chance(path, loss);
    path->in_burst = path->in_burst ? !chance(path, 1.0 / LOSS_BURST_PACKETS)
                                    : chance(path, loss / (1 - loss) / LOSS_BURST_PACKETS);
    return path->in_burst;
}

static void pending_add(struct loss_path *path, const struct segment_facts *facts)
{
    uint32_t end = facts->seq + facts->text_len;

    for (size_t i = 0; i < path->pending_count; i++) {
        if (path->pending[i].end == end && path->pending[i].port == facts->source)
            return; /* its retransmission was lost, too */
    }
    if (path->pending_count < LOSS_PENDING)
        path->pending[path->pending_count++] =
            (struct loss_pending){facts->source, end, path->clock(path->clock_context)};
}

static unsigned choose_data(void *context, uint64_t number, const struct gander_packet *packet)
{
    struct loss_path *path = context;
    struct segment_facts facts;

    (void)number;
    if (!segment_read(packet, &facts) || facts.text_len == 0)
        return 0;
    path->data_segments++;
    if (path->loss_ppm == 0 || !is_lost(path))
        return 0;
    pending_add(path, &facts);
    return GANDER_IMPAIR_DROP;
}

static unsigned choose_ack(void *context, uint64_t number, const struct gander_packet *packet)
{
    struct loss_path *path = context;
    struct segment_facts facts;
    size_t kept = 0;

    (void)number;
    if (path->pending_count == 0 || !segment_read(packet, &facts) || !facts.has_ack)
        return 0;
    for (size_t i = 0; i < path->pending_count; i++) {
        const struct loss_pending *pending = &path->pending[i];

        if (pending->port == facts.destination && (int32_t)(facts.ack - pending->end) >= 0)
            samples_add(&path->repairs,
                        (double)(path->clock(path->clock_context) - pending->at) / 1e6);
        else
            path->pending[kept++] = *pending;
    }
    path->pending_count = kept;
    return 0;
}

/* --- the path ------------------------------------------------------------------------------------ */

static uint32_t queue_bytes(const struct loss_cell *cell)
{
    double bdp = (double)cell->rate_mbit * 1e6 / 8 * cell->rtt_ms / 1e3;
    double bytes = bdp * cell->queue_bdp, least = QUEUE_PACKETS_MIN * LOSS_MTU_BYTES;

    return (uint32_t)(bytes > least ? bytes : least);
}

void loss_path_init(struct loss_path *path, const struct loss_cell *cell, uint64_t seed,
                    gander_time (*clock)(void *context), void *clock_context)
{
    gander_time one_way = (gander_time)cell->rtt_ms * GANDER_MS / 2;

    *path = (struct loss_path){.clock = clock,
                               .clock_context = clock_context,
                               .draws = seed * 0x2545f4914f6cdd1du,
                               .loss_ppm = cell->loss_ppm,
                               .bursts = cell->pattern == LOSS_PATTERN_BURSTS};
    path->data =
        (struct gander_impairment){.seed = seed,
                                   .delay_ns = one_way,
                                   .rate_bits_per_second = (uint64_t)cell->rate_mbit * 1000000,
                                   .choose = choose_data,
                                   .choose_context = path};
    if (cell->rate_mbit)
        path->data.queue_bytes = queue_bytes(cell);
    if (cell->pattern == LOSS_PATTERN_JITTER) {
        path->data.jitter_ns = JITTER_MS * GANDER_MS;
        path->data.jitter_reorders = true;
    }
    path->acks = (struct gander_impairment){
        .seed = seed + 1, .delay_ns = one_way, .choose = choose_ack, .choose_context = path};
}

void loss_path_sample_queue(struct loss_path *path, gander_time now,
                            const struct gander_impair_counters *counters)
{
    gander_time wait = counters->busy_until > now ? counters->busy_until - now : 0;

    if (path->data.rate_bits_per_second)
        samples_add(&path->queue, (double)wait / 1e6);
}

void loss_path_report(struct loss_path *path, struct loss_run *run)
{
    static const double shares[2] = {0.5, 0.99};

    for (int i = 0; i < 2; i++) {
        run->queue_ms[i] = samples_percentile(&path->queue, shares[i]);
        run->repair_ms[i] = samples_percentile(&path->repairs, shares[i]);
    }
}

void loss_path_finish(struct loss_path *path)
{
    samples_free(&path->queue);
    samples_free(&path->repairs);
}

/* SPDX-License-Identifier: MIT */
/* struct tcp_info in the layout of Linux up to the fields of accurate ECN (280 bytes), filled from gander_tcp_info(). */
#include <netinet/tcp.h>
#include <string.h>

#include "object.h"

/* As <linux/tcp.h>, with the fields that older headers lack. Units: µs, ms (last_…), bytes, segments. */
struct linux_tcp_info {
    uint8_t state, ca_state, retransmits, probes, backoff, options;
    uint8_t wscales;     /* snd in the low half, rcv in the high */
    uint8_t app_limited; /* bit 0; bits 1, 2: why fast open failed */
    uint32_t rto, ato, snd_mss, rcv_mss;
    uint32_t unacked, sacked, lost, retrans, fackets;
    uint32_t last_data_sent, last_ack_sent, last_data_recv, last_ack_recv;
    uint32_t pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering;
    uint32_t rcv_rtt, rcv_space;
    uint32_t total_retrans;
    uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
    uint32_t segs_out, segs_in;
    uint32_t notsent_bytes, min_rtt, data_segs_in, data_segs_out;
    uint64_t delivery_rate;
    uint64_t busy_time, rwnd_limited, sndbuf_limited;
    uint32_t delivered, delivered_ce;
    uint64_t bytes_sent, bytes_retrans;
    uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd, rehash;
    uint16_t total_rto, total_rto_recoveries;
    uint32_t total_rto_time;
    uint32_t received_ce;
    uint32_t delivered_e1_bytes, delivered_e0_bytes, delivered_ce_bytes;
    uint32_t received_e1_bytes, received_e0_bytes, received_ce_bytes;
    uint16_t accecn_fail_mode, accecn_opt_seen;
};

_Static_assert(sizeof(struct linux_tcp_info) == PD_TCP_INFO_BYTES, "layout of Linux");
enum { CA_OPEN, CA_DISORDER, CA_CWR, CA_RECOVERY, CA_LOSS };

static uint8_t state_of(enum gander_tcp_state state)
{
    switch (state) {
    case GANDER_TCP_SYN_SENT:
        return TCP_SYN_SENT;
    case GANDER_TCP_SYN_RECEIVED:
        return TCP_SYN_RECV;
    case GANDER_TCP_ESTABLISHED:
        return TCP_ESTABLISHED;
    case GANDER_TCP_FIN_WAIT_1:
        return TCP_FIN_WAIT1;
    case GANDER_TCP_FIN_WAIT_2:
        return TCP_FIN_WAIT2;
    case GANDER_TCP_CLOSE_WAIT:
        return TCP_CLOSE_WAIT;
    case GANDER_TCP_CLOSING:
        return TCP_CLOSING;
    case GANDER_TCP_LAST_ACK:
        return TCP_LAST_ACK;
    case GANDER_TCP_TIME_WAIT:
        return TCP_TIME_WAIT;
    case GANDER_TCP_LISTEN:
        return TCP_LISTEN;
    default:
        return TCP_CLOSE;
    }
}

static uint8_t ca_state_of(const struct gander_tcp_info *in)
{
    if (in->lossy)
        return CA_LOSS;
    if (in->recovering)
        return CA_RECOVERY;
    return in->sacked_segs > 0 ? CA_DISORDER : CA_OPEN;
}

static uint32_t us(gander_time ns)
{
    return (uint32_t)(ns / GANDER_US);
}

static uint32_t ms_since(const struct pd_object *o, gander_time then)
{
    return then > 0 ? (uint32_t)((gander_now(o->stack) - then) / GANDER_MS) : 0;
}

static uint32_t segs(uint32_t bytes, uint32_t mss)
{
    return mss ? bytes / mss : 0;
}

static void fill_state(struct linux_tcp_info *out, const struct gander_tcp_info *in)
{
    out->state = state_of(in->state);
    out->ca_state = ca_state_of(in);
    out->retransmits = (uint8_t)in->retransmits;
    out->probes = (uint8_t)(in->probes + in->keepalive_probes);
    out->backoff = in->backoff;
    out->options =
        (uint8_t)((in->timestamps ? TCPI_OPT_TIMESTAMPS : 0) | (in->sack ? TCPI_OPT_SACK : 0) |
                  (in->window_scaling ? TCPI_OPT_WSCALE : 0) |
                  (in->ecn != GANDER_ECN_OFF ? TCPI_OPT_ECN : 0) |
                  (in->fastopen ? TCPI_OPT_SYN_DATA : 0));
    out->wscales = (uint8_t)((in->window_scaling ? in->snd_wscale : 0) |
                             (in->window_scaling ? in->rcv_wscale : 0) << 4);
    out->app_limited = in->delivery_rate_app_limited;
    out->unacked = in->unacked_segs;
    out->sacked = in->sacked_segs;
    out->lost = in->lost_segs;
    out->retrans = in->retransmitted_now_segs;
    if (in->state == GANDER_TCP_LISTEN) { /* Linux tells the queue here */
        out->unacked = in->receive_queue_bytes;
    }
}

static void fill_times(const struct pd_object *o, struct linux_tcp_info *out,
                       const struct gander_tcp_info *in)
{
    out->rto = us(in->rto_ns);
    out->ato = us(in->ato_ns);
    out->rtt = us(in->srtt_ns);
    out->rttvar = us(in->rttvar_ns);
    out->rcv_rtt = us(in->receive_rtt_ns);
    out->min_rtt = in->min_rtt_ns ? us(in->min_rtt_ns) : UINT32_MAX;
    out->last_data_sent = ms_since(o, in->last_data_sent_ns);
    out->last_data_recv = ms_since(o, in->last_data_received_ns);
    out->last_ack_recv = ms_since(o, in->last_heard_ns);
    out->busy_time = (uint64_t)in->busy_ns / 1000;
    out->rwnd_limited = (uint64_t)in->window_limited_ns / 1000;
    out->sndbuf_limited = (uint64_t)in->buffer_limited_ns / 1000;
    out->total_rto = (uint16_t)in->timeouts;
    out->total_rto_recoveries = (uint16_t)in->timeout_runs;
    out->total_rto_time = (uint32_t)(in->timeout_ns / GANDER_MS);
}

static void fill_windows(struct linux_tcp_info *out, const struct gander_tcp_info *in)
{
    uint32_t mss = in->mss_send_bytes;

    out->snd_mss = mss;
    out->rcv_mss = in->mss_receive_bytes;
    out->pmtu = in->mtu_bytes;
    out->advmss = in->mss_offered_bytes - (in->timestamps ? 12 : 0);
    out->snd_cwnd = segs(in->cwnd_bytes, mss);
    out->snd_ssthresh =
        in->ssthresh_bytes == UINT32_MAX ? INT32_MAX : segs(in->ssthresh_bytes, mss);
    out->reordering = in->reordering_segs;
    out->rcv_ssthresh = out->rcv_wnd = in->rcv_wnd;
    out->rcv_space = in->rcv_wnd;
    out->snd_wnd = in->snd_wnd;
    out->notsent_bytes = pd_unsent_bytes(in);
    out->pacing_rate = in->pacing_rate_bytes ? in->pacing_rate_bytes : UINT64_MAX;
    out->max_pacing_rate = UINT64_MAX;
    out->delivery_rate = in->delivery_rate_bytes;
}

static void fill_counters(struct linux_tcp_info *out, const struct gander_tcp_info *in)
{
    out->total_retrans = (uint32_t)in->retransmitted_segments;
    out->bytes_acked = in->bytes_acked;
    out->bytes_received = in->bytes_received;
    out->bytes_sent = in->bytes_sent;
    out->bytes_retrans = in->bytes_retransmitted;
    out->segs_out = in->segs_out;
    out->segs_in = in->segs_in;
    out->data_segs_in = in->data_segs_in;
    out->data_segs_out = in->data_segs_out;
    out->delivered = in->delivered_segs;
    out->rcv_ooopack = in->out_of_order_segs;
    out->delivered_ce = in->ecn_marked;
    out->dsack_dups = (uint32_t)in->spurious_retransmissions;
    out->reord_seen = in->reordering_seen;
}

size_t pd_tcp_info(const struct pd_object *o, const struct pd_socket *s, void *out, size_t room)
{
    struct linux_tcp_info info = {.state = TCP_CLOSE};
    struct gander_tcp_info in = {0};

    if (gander_tcp_info(o->stack, s->handle, &in) == 0) {
        fill_state(&info, &in);
        fill_times(o, &info, &in);
        fill_windows(&info, &in);
        fill_counters(&info, &in);
    }
    if (room > sizeof(info))
        room = sizeof(info);
    memcpy(out, &info, room);
    return room;
}

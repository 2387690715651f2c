/* SPDX-License-Identifier: MIT */
/* What a connection tells about itself, and its addresses. */
#include "tcp/tcp.h"

void tcp_local_address(const struct tcp_conn *c, struct gander_address *out)
{
    unsigned n = c->entity.family ? wire_ip_address_bytes(c->entity.family) : 16;

    memset(out, 0, sizeof(*out));
    out->family = c->entity.family;
    out->port = c->flow.local_port;
    memcpy(out->ip, c->flow.ip, n);
}

void tcp_peer_address(const struct tcp_conn *c, struct gander_address *out)
{
    unsigned n = wire_ip_address_bytes(c->entity.family);

    memset(out, 0, sizeof(*out));
    out->family = c->entity.family;
    out->port = c->flow.remote_port;
    memcpy(out->ip, c->flow.ip + n, n);
}

/* TIME-WAIT goes on in a record of its own: is it still there? */
static enum gander_tcp_state state_of(const struct gander_stack *stack, const struct tcp_conn *c)
{
    struct tcp_entity *entity;

    if (c->entity.state != GANDER_TCP_TIME_WAIT)
        return c->entity.state;
    entity = tcp_flow_find(stack, c->entity.family, c->entity.hash, &c->flow);
    return entity && entity->kind == TCP_TIME_WAIT_RECORD ? GANDER_TCP_TIME_WAIT
                                                          : GANDER_TCP_CLOSED;
}

static void busy_info(const struct gander_stack *stack, const struct tcp_conn *c,
                      struct gander_tcp_info *info)
{
    const struct tcp_busy *b = c->busy;

    info->send_queue_bytes = sendq_bytes(&b->sendq);
    info->receive_queue_bytes = b->recvq.bytes;
    info->reorder_queue_bytes = b->reasm.text_bytes;
    info->retransmits = b->retries;
    info->recovery = b->recovery;
    info->reordering_seen = b->reorder_seen;
    info->reordering_window_ns = tcp_rack_window(stack, c);
    info->sacked_bytes = b->rtxq.sacked_bytes;
    info->lost_bytes = b->rtxq.lost_bytes;
    info->spurious_retransmissions = b->spurious_segs;
    info->fastopen = b->fastopen & (TCP_FASTOPEN_CARRIED | TCP_FASTOPEN_PASSIVE);
}

static void ecn_info(const struct tcp_conn *c, struct gander_tcp_info *info)
{
    if (c->ecn & TCP_ECN_ACCURATE) {
        info->ecn = GANDER_ECN_ACCURATE;
        info->ecn_marked = c->knobs->accecn.marked_packets;
    } else if (c->ecn & TCP_ECN_CLASSIC) {
        info->ecn = GANDER_ECN_ON;
    }
    info->ecn_sending = info->ecn && !(c->ecn & TCP_ECN_NO_ECT);
}

void tcp_info(const struct gander_stack *stack, const struct tcp_conn *c,
              struct gander_tcp_info *info)
{
    *info = (struct gander_tcp_info){.id = c->id,
                                     .state = state_of(stack, c),
                                     .snd_una = c->snd.una,
                                     .snd_nxt = c->snd.nxt,
                                     .snd_wnd = c->snd.wnd,
                                     .iss = c->snd.iss,
                                     .rcv_nxt = c->rcv.nxt,
                                     .rcv_wnd = c->rcv.edge - c->rcv.nxt,
                                     .irs = c->rcv.irs,
                                     .cwnd_bytes = c->cwnd,
                                     .ssthresh_bytes = c->ssthresh,
                                     .flight_bytes = c->snd.nxt - c->snd.una,
                                     .mss_send_bytes = c->mss,
                                     .mss_receive_bytes = c->mss_receive,
                                     .srtt_ns = c->srtt_ns,
                                     .rttvar_ns = c->rttvar_ns,
                                     .rto_ns = tcp_rto(stack, c),
                                     .timestamps = c->flags & TCP_TIMESTAMPS,
                                     .sack = c->flags & TCP_SACK,
                                     .window_scaling = c->flags & TCP_SCALING,
                                     .snd_wscale = c->snd_scale,
                                     .rcv_wscale = c->rcv_scale,
                                     .congestion_control = gander_congestion_control_name(c->cc)};
    tcp_local_address(c, &info->local);
    info->user_timeout_ns = tcp_knobs_of(stack, c)->user_timeout_ns;
    info->user_timeout_peer_ns = tcp_knobs_of(stack, c)->uto_remote_ns;
    if (c->entity.state != GANDER_TCP_SYN_SENT)
        ecn_info(c, info);
    info->urgent = c->flags & TCP_URGENT_IN;
    if (info->urgent)
        info->urgent_offset = c->rcv.up - (c->rcv.nxt - (c->busy ? c->busy->recvq.bytes : 0) -
                                           !!(c->flags & TCP_FIN_RECEIVED));
    if (c->flow.remote_port)
        tcp_peer_address(c, &info->peer);
    if (c->busy)
        busy_info(stack, c, info);
    tcp_meter_info(stack, c, info);
}

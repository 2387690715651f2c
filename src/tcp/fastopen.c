/* SPDX-License-Identifier: MIT */
/*
 * TCP Fast Open [RFC7413]. The server's side: cookies that show that a client can receive at its address, and connections in
 * SYN-RECEIVED whose text the application may read before the handshake is over. The client's side: a bounded memory of
 * cookies, text in the SYN, and what to do with text that the SYN-ACK does not acknowledge.
 *
 * A cookie is a keyed hash of both addresses: nothing is kept for it, and nobody but the stack can make one [4.1.2]. Keys may be
 * rotated: cookies of the key before are taken, and answered with a new one.
 *
 * Left out: the experimental option (kind 254), and cookies of other lengths than 8 bytes as a server.
 */
#include "tcp/tcp.h"

static const gander_time blocked_ns = 600 * GANDER_S; /* 4.1.3.1: negative answers are remembered */
static const gander_time reset_ns = 60 * GANDER_S;    /* 5.1: resets count so long */

/* --- cookies ------------------------------------------------------------------------------------------- */

static void cookie_make(const struct siphash_key *key, unsigned family, const struct tcp_flow *flow,
                        uint8_t cookie[FASTOPEN_COOKIE_BYTES])
{
    uint64_t hash = siphash24(key, flow->ip, 2 * wire_ip_address_bytes(family));

    put_be32(cookie, (uint32_t)(hash >> 32));
    put_be32(cookie + 4, (uint32_t)hash);
}

void tcp_fastopen_cookie(const struct gander_stack *stack, unsigned family,
                         const struct tcp_flow *flow, struct tcp_segment *seg)
{
    cookie_make(&stack->tcp.fastopen.keys[0], family, flow, seg->fastopen);
    seg->fastopen_bytes = FASTOPEN_COOKIE_BYTES;
    seg->rare |= TCP_RARE_FASTOPEN;
}

/* In constant time: how far a guess was right does not show. Returns 1 + the key's number; 0: wrong. */
static unsigned cookie_check(const struct gander_stack *stack, unsigned family,
                             const struct tcp_flow *flow, const struct tcp_segment *seg)
{
    unsigned right = 0;

    if (!(seg->rare & TCP_RARE_FASTOPEN) || seg->fastopen_bytes != FASTOPEN_COOKIE_BYTES)
        return 0;
    for (unsigned k = 0; k < (stack->tcp.fastopen.second_key ? 2U : 1U); k++) {
        uint8_t cookie[FASTOPEN_COOKIE_BYTES];
        unsigned differs = 0;

        cookie_make(&stack->tcp.fastopen.keys[k], family, flow, cookie);
        for (unsigned i = 0; i < FASTOPEN_COOKIE_BYTES; i++)
            differs |= (unsigned)(cookie[i] ^ seg->fastopen[i]);
        if (differs == 0 && right == 0)
            right = k + 1;
    }
    return right;
}

int gander_fastopen_keys(struct gander_stack *stack, const uint8_t key[16], const uint8_t last[16])
{
    struct tcp_fastopen *f = &stack->tcp.fastopen;

    if (!key)
        return GANDER_EINVAL;
    f->keys[0] = siphash_key_from(key);
    f->second_key = last != NULL;
    if (last)
        f->keys[1] = siphash_key_from(last);
    return GANDER_OK;
}

/* --- the server ------------------------------------------------------------------------------------------ */

static bool serves(const struct gander_stack *stack, const struct tcp_listener *l)
{
    return (stack->config.tcp_fastopen & GANDER_FASTOPEN_SERVER) &&
           tcp_listener_knobs(stack, l)->fastopen_max > 0;
}

/* Resets of those that never proved their address go on counting for a while [RFC7413 5.1]. */
static bool has_room(const struct gander_stack *stack, struct tcp_listener *l)
{
    if (l->fastopen_reset > 0 && stack->now >= l->fastopen_reset_until_ns) {
        l->fastopen_pending -= min_u32(l->fastopen_reset, l->fastopen_pending);
        l->fastopen_reset = 0;
    }
    return l->fastopen_pending < tcp_listener_knobs(stack, l)->fastopen_max &&
           l->pending + l->waiting < l->backlog && !mem_is_short(stack->mem);
}

enum fastopen_verdict tcp_fastopen_syn(const struct gander_stack *stack, struct tcp_listener *l,
                                       const struct tcp_arrival *a, const struct tcp_flow *flow)
{
    const struct tcp_segment *seg = &a->seg;
    unsigned family = a->ip->ip.family, key;

    if (!serves(stack, l))
        return FASTOPEN_NO;
    if ((stack->config.tcp_fastopen & GANDER_FASTOPEN_SERVER_NO_COOKIE) && seg->text_len > 0 &&
        has_room(stack, l))
        return FASTOPEN_TAKE;
    if (!(seg->rare & TCP_RARE_FASTOPEN))
        return FASTOPEN_NO;
    key = cookie_check(stack, family, flow, seg);
    if (key == 0)
        return FASTOPEN_COOKIE; /* asked for, or wrong: 4.2.2 */
    if (!has_room(stack, l))
        return FASTOPEN_NO; /* 5.1: as if it had not been there */
    return key == 1 ? FASTOPEN_TAKE : FASTOPEN_TAKE_NEW_COOKIE;
}

/* The text of the SYN is the application's at once, and the SYN-ACK acknowledges it [RFC7413 4.2.2]. */
bool tcp_fastopen_begin(struct gander_stack *stack, const struct tcp_syn_received *r,
                        struct tcp_arrival *a, bool new_cookie)
{
    struct tcp_listener *l = r->listener;
    struct tcp_conn *c = tcp_syn_received_promote(stack, r);

    if (!c)
        return false;
    c->snd.una = c->snd.nxt = c->snd.wl2 = c->snd.iss;
    if (!tcp_busy_need(stack, c) || !tcp_flow_insert(stack, &c->entity)) {
        tcp_conn_free(stack, c);
        return false;
    }
    c->flags |= TCP_IN_TABLE;
    c->busy->fastopen = (uint8_t)(TCP_FASTOPEN_PASSIVE | (new_cookie ? TCP_FASTOPEN_COOKIE : 0));
    c->busy->sendq.head = c->busy->sendq.end = c->snd.iss + 1;
    l->fastopen_pending++;
    tcp_state_trace(stack, &c->entity, c->id, GANDER_TCP_LISTEN, GANDER_TCP_SYN_RECEIVED,
                    GANDER_CAUSE_segment);
    stack->stats.tcp_fastopen_passive++;
    tcp_accept_queue_append(stack, l, c);
    c->flags |= TCP_SYN_QUEUED;
    tcp_output_wanted(stack, c);
    packet_pull(a->packet, a->ip->ip.header_bytes + a->seg.header_bytes);
    a->seg.flags &= (uint8_t)~GANDER_FLAG_SYN;
    a->seg.seq++;
    a->seg.len--;
    tcp_rest_arrives(stack, c, a);
    c->flags &= ~(uint32_t)TCP_ACK_NOW; /* the SYN-ACK is one */
    return true;
}

/* It leaves SYN-RECEIVED, by whatever way. */
void tcp_fastopen_done(struct gander_stack *stack, struct tcp_conn *c, bool reset)
{
    struct tcp_listener *l;

    if (c->entity.state != GANDER_TCP_SYN_RECEIVED || !c->busy ||
        !(c->busy->fastopen & TCP_FASTOPEN_PASSIVE))
        return;
    l = tcp_listener_find(stack, c->entity.family, c->flow.ip, c->flow.local_port);
    if (!l)
        return;
    if (!reset) {
        l->fastopen_pending -= min_u32(l->fastopen_pending, 1);
    } else {
        l->fastopen_reset++;
        l->fastopen_reset_until_ns = stack->now + reset_ns;
    }
}

/* --- the client: what it remembers --------------------------------------------------------------------------- */

static struct fastopen_server *server_find(const struct gander_stack *stack, unsigned family,
                                           const uint8_t *ip)
{
    struct fastopen_server *s = stack->tcp.fastopen.servers;

    for (unsigned i = 0; s && i < FASTOPEN_SERVERS_MAX; i++)
        if (s[i].family == family && memcmp(s[i].ip, ip, wire_ip_address_bytes(family)) == 0)
            return &s[i];
    return NULL;
}

/* A new one takes the place of who was used longest ago. NULL: no memory. */
static struct fastopen_server *server_need(struct gander_stack *stack, unsigned family,
                                           const uint8_t *ip)
{
    struct tcp_fastopen *f = &stack->tcp.fastopen;
    struct fastopen_server *s = server_find(stack, family, ip), *oldest;

    if (s)
        return s;
    if (!f->servers) {
        f->servers = mem_alloc(stack->mem, FASTOPEN_SERVERS_MAX * sizeof(*f->servers));
        if (!f->servers)
            return NULL;
        memset(f->servers, 0, FASTOPEN_SERVERS_MAX * sizeof(*f->servers));
    }
    oldest = f->servers;
    for (s = f->servers; s < f->servers + FASTOPEN_SERVERS_MAX; s++)
        if (s->family == 0 || (oldest->family && s->used_ns < oldest->used_ns))
            oldest = s;
    memset(oldest, 0, sizeof(*oldest));
    oldest->family = (uint8_t)family;
    memcpy(oldest->ip, ip, wire_ip_address_bytes(family));
    return oldest;
}

void tcp_fastopen_finish(struct gander_stack *stack)
{
    struct tcp_fastopen *f = &stack->tcp.fastopen;

    if (f->servers)
        mem_free(stack->mem, f->servers, FASTOPEN_SERVERS_MAX * sizeof(*f->servers));
    f->servers = NULL;
}

/* --- the client: the SYN ------------------------------------------------------------------------------------ */

static struct fastopen_server *server_of(const struct gander_stack *stack, const struct tcp_conn *c)
{
    unsigned family = c->entity.family;

    return server_find(stack, family, c->flow.ip + wire_ip_address_bytes(family));
}

/* May text go with the SYN to this server? */
static bool may_carry(const struct gander_stack *stack, const struct tcp_conn *c)
{
    const struct fastopen_server *s = server_of(stack, c);

    if (s && stack->now < s->blocked_until_ns)
        return false;
    return (s && s->cookie_bytes > 0) ||
           (stack->config.tcp_fastopen & GANDER_FASTOPEN_CLIENT_NO_COOKIE);
}

bool tcp_fastopen_waits(const struct gander_stack *stack, const struct tcp_conn *c)
{
    return (c->busy->fastopen & TCP_FASTOPEN_ACTIVE) && may_carry(stack, c);
}

/* Text is queued, or none will be: the SYN waits no longer. */
void tcp_fastopen_go(struct gander_stack *stack, struct tcp_conn *c)
{
    if (c->entity.state != GANDER_TCP_SYN_SENT || c->snd.nxt != c->snd.iss)
        return;
    c->flags |= TCP_SYN_QUEUED;
    tcp_output_wanted(stack, c);
}

/* Asks, or shows what it got; not the second time, when the first one got lost perhaps because of it [RFC7413 4.1.3.1]. */
void tcp_fastopen_out(struct gander_stack *stack, struct tcp_conn *c, const struct tcp_send *send,
                      struct tcp_segment *seg)
{
    struct fastopen_server *s;

    if (send->flags & GANDER_FLAG_ACK) {
        if (c->busy->fastopen & TCP_FASTOPEN_COOKIE)
            tcp_fastopen_cookie(stack, c->entity.family, &c->flow, seg);
        return;
    }
    s = server_of(stack, c);
    if (!(c->busy->fastopen & TCP_FASTOPEN_ACTIVE))
        return;
    if (send->transmissions > 1 || (s && stack->now < s->blocked_until_ns))
        return;
    if (stack->config.tcp_fastopen & GANDER_FASTOPEN_CLIENT_NO_COOKIE)
        return;
    seg->rare |= TCP_RARE_FASTOPEN;
    seg->fastopen_bytes = s ? s->cookie_bytes : 0;
    if (s)
        memcpy(seg->fastopen, s->cookie, s->cookie_bytes);
}

/* How much text goes with the first SYN: no more than the server's segment size, which was remembered [RFC7413 4.2.1]. */
uint32_t tcp_fastopen_syn_text(struct gander_stack *stack, struct tcp_conn *c)
{
    const struct fastopen_server *s = server_of(stack, c);
    uint32_t headers = wire_ip_header_bytes(c->entity.family) + TCP_HEADER_MAX_BYTES;
    uint32_t most = c->entity.family == GANDER_IPV4 ? 536 : 1220;

    if (!tcp_fastopen_waits(stack, c))
        return 0;
    if (s && s->mss)
        most = s->mss;
    most -= min_u32(most / 2, TCP_HEADER_MAX_BYTES - TCP_HEADER_BYTES);
    return min_u32(min_u32(most, c->mtu - headers), sendq_bytes(&c->busy->sendq));
}

/* The time-out of a SYN that had the option, with text or without. */
void tcp_fastopen_on_timeout(struct gander_stack *stack, struct tcp_conn *c)
{
    struct fastopen_server *s;

    if (!(c->busy->fastopen & TCP_FASTOPEN_ACTIVE) || c->entity.state != GANDER_TCP_SYN_SENT ||
        c->busy->retries > 1)
        return;
    s = server_need(stack, c->entity.family, c->flow.ip + wire_ip_address_bytes(c->entity.family));
    if (s)
        s->blocked_until_ns = stack->now + blocked_ns;
}

/* --- the client: the SYN-ACK ----------------------------------------------------------------------------------- */

static void cookie_take(struct gander_stack *stack, struct tcp_conn *c,
                        const struct tcp_segment *seg)
{
    unsigned family = c->entity.family;
    struct fastopen_server *s;

    if (!(seg->rare & TCP_RARE_FASTOPEN) || seg->fastopen_bytes == 0)
        return;
    s = server_need(stack, family, c->flow.ip + wire_ip_address_bytes(family));
    if (!s)
        return;
    s->cookie_bytes = seg->fastopen_bytes;
    memcpy(s->cookie, seg->fastopen, seg->fastopen_bytes);
    s->mss = seg->mss;
    s->used_ns = stack->now;
}

/*
 * The SYN's record is gone. What else the SYN-ACK acknowledges is delivered; the rest goes again at once, without a
 * penalty: the server did not want it [RFC7413 4.2.1].
 */
void tcp_fastopen_agree(struct gander_stack *stack, struct tcp_conn *c,
                        const struct tcp_segment *seg)
{
    struct tcp_busy *b = c->busy;
    struct rtxq *q = &b->rtxq;

    if (!(b->fastopen & TCP_FASTOPEN_ACTIVE))
        return;
    cookie_take(stack, c, seg);
    if (q->count == 0)
        return;
    if (seq_gt(seg->ack, c->snd.iss + 1)) {
        b->fastopen |= TCP_FASTOPEN_CARRIED;
        stack->stats.tcp_fastopen_active++;
        b->bytes_acked += seg->ack - c->snd.iss - 1;
        sendq_release(&b->sendq, seg->ack);
        if (seg->ack == c->snd.nxt)
            rtxq_pop(q);
        else
            rtxq_trim_first(q, seg->ack);
    }
    if (q->count > 0 && q->lost.first != q->first)
        rtxq_mark_lost(q, q->first, GANDER_WHY_retransmit_syn_text);
}

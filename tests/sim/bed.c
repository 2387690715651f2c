/* SPDX-License-Identifier: MIT */
/* Connections in each state: see bed.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sim/bed.h"

const char *const bed_setup_names[SETUPS] = {"CLOSED",
                                             "LISTEN",
                                             "SYN-SENT",
                                             "SYN-RECEIVED (passive)",
                                             "SYN-RECEIVED (active)",
                                             "ESTABLISHED",
                                             "ESTABLISHED (window closed)",
                                             "ESTABLISHED (a later ACK came first)",
                                             "FIN-WAIT-1",
                                             "FIN-WAIT-1 (no owner)",
                                             "FIN-WAIT-2",
                                             "FIN-WAIT-2 (no owner)",
                                             "CLOSE-WAIT",
                                             "CLOSING",
                                             "LAST-ACK",
                                             "TIME-WAIT",
                                             "TIME-WAIT (listener)"};

void bed_create(struct bed *bed, bool ipv6)
{
    struct gander_config config;

    gander_config_init(&config);
    config.start = 1000 * GANDER_S;
    config.tcp_receive_buffer_bytes = BED_BUFFER_BYTES;
    config.tcp_window_scaling = false;
    peer_create(&bed->peer, &config, ipv6);
}

static struct peer_segment segment(const struct bed *bed, uint8_t flags, uint32_t seq, uint32_t ack)
{
    return (struct peer_segment){.flags = flags,
                                 .wnd = BED_PEER_WINDOW,
                                 .seq = seq,
                                 .ack = ack,
                                 .has_timestamp = bed->timestamps,
                                 .tsval = BED_TIMESTAMP};
}

static void arrives(struct bed *bed, uint8_t flags, uint32_t len)
{
    struct peer_segment s = segment(bed, flags, bed->tcb.rcv_nxt, bed->tcb.una);

    s.len = len;
    peer_sends(&bed->peer, &s);
    bed->tcb.wl1 = s.seq;
    bed->tcb.wl2 = s.ack;
    bed->tcb.rcv_nxt += len + !!(flags & GANDER_FLAG_FIN);
}

/* What left last tells the window. */
static void learn(struct bed *bed)
{
    const struct peer_segment *last;

    assert_true(bed->peer.sent_count > 0);
    last = &bed->peer.sent[bed->peer.sent_count - 1];
    bed->tcb.rcv_wnd = last->wnd - (bed->tcb.rcv_nxt - last->ack);
}

static void opened_socket(struct bed *bed, gander_socket *socket)
{
    assert_int_equal(gander_open(bed->peer.stack, GANDER_TCP, socket), GANDER_OK);
    assert_int_equal(gander_bind(bed->peer.stack, *socket, &bed->peer.us), GANDER_OK);
}

static void listens(struct bed *bed)
{
    opened_socket(bed, &bed->listener);
    assert_int_equal(gander_listen(bed->peer.stack, bed->listener, 1), GANDER_OK);
    bed->tcb.state = ORACLE_LISTEN;
}

/* A SYN comes to the listener, and is answered. */
static void syn_received(struct bed *bed)
{
    struct peer_segment syn = segment(bed, GANDER_FLAG_SYN, bed->tcb.irs, 0);

    listens(bed);
    peer_sends(&bed->peer, &syn);
    assert_int_equal(bed->peer.sent_count, 1);
    bed->tcb.state = ORACLE_SYN_RECEIVED;
    bed->tcb.passive = true;
    bed->tcb.rcv_nxt = bed->tcb.irs + 1;
    bed->tcb.iss = bed->tcb.una = bed->peer.sent[0].seq;
    bed->tcb.nxt = bed->tcb.iss + 1;
    learn(bed);
}

static void connects(struct bed *bed)
{
    opened_socket(bed, &bed->socket);
    assert_int_equal(gander_connect(bed->peer.stack, bed->socket, &bed->peer.them), GANDER_OK);
    peer_collect(&bed->peer, true);
    assert_int_equal(bed->peer.sent_count, 1);
    bed->tcb.state = ORACLE_SYN_SENT;
    bed->tcb.iss = bed->tcb.una = bed->peer.sent[0].seq;
    bed->tcb.nxt = bed->tcb.iss + 1;
    bed->tcb.rcv_nxt = bed->tcb.irs + 1; /* where the peer will begin */
    bed->tcb.rcv_wnd = bed->peer.sent[0].wnd;
}

static void established(struct bed *bed)
{
    syn_received(bed);
    peer_advance(&bed->peer, 100 * GANDER_MS); /* the round trip */
    bed->tcb.una = bed->tcb.nxt;
    bed->tcb.passive = false;
    arrives(bed, GANDER_FLAG_ACK, 0);
    assert_int_equal(gander_accept(bed->peer.stack, bed->listener, &bed->socket, NULL), GANDER_OK);
    gander_close(bed->peer.stack, bed->listener);
    bed->listener = 0;
    bed->tcb.state = ORACLE_ESTABLISHED;
}

/* Text of ours leaves and stays in flight. */
static void ours_in_flight(struct bed *bed)
{
    uint8_t text[BED_OURS_BYTES] = {0};

    assert_int_equal(gander_send(bed->peer.stack, bed->socket, text, sizeof(text), 0),
                     sizeof(text));
    peer_collect(&bed->peer, true);
    bed->tcb.nxt += BED_OURS_BYTES;
    learn(bed);
}

static void ours_acked(struct bed *bed)
{
    bed->tcb.una = bed->tcb.nxt;
    arrives(bed, GANDER_FLAG_ACK, 0);
}

static void we_close(struct bed *bed, enum oracle_state state)
{
    assert_int_equal(gander_shutdown(bed->peer.stack, bed->socket, GANDER_SHUTDOWN_SEND),
                     GANDER_OK);
    peer_collect(&bed->peer, true);
    bed->tcb.nxt++;
    bed->tcb.fin_sent = true;
    bed->tcb.state = state;
    learn(bed);
}

static void peer_closes(struct bed *bed, enum oracle_state state)
{
    arrives(bed, GANDER_FLAG_ACK | GANDER_FLAG_FIN, 0);
    bed->tcb.state = state;
    learn(bed);
}

static void owner_leaves(struct bed *bed)
{
    gander_close(bed->peer.stack, bed->socket);
    bed->socket = 0;
    bed->tcb.receiver_gone = true;
}

static void prepare_synchronised(struct bed *bed, enum setup setup)
{
    established(bed);
    ours_in_flight(bed);
    if (setup == ESTABLISHED)
        return;
    if (setup == ESTABLISHED_LATER_ACK) {
        struct peer_segment later =
            segment(bed, GANDER_FLAG_ACK, bed->tcb.rcv_nxt + bed->tcb.rcv_wnd / 2, bed->tcb.una);

        peer_sends(&bed->peer, &later);
        bed->tcb.wl1 = later.seq;
        return;
    }
    if (setup == ESTABLISHED_WINDOW_CLOSED) {
        arrives(bed, GANDER_FLAG_ACK, bed->tcb.rcv_wnd);
        peer_advance(&bed->peer, 50 * GANDER_MS);
        peer_collect(&bed->peer, false);
        learn(bed);
        assert_int_equal(bed->tcb.rcv_wnd, 0);
        return;
    }
    if (setup == CLOSE_WAIT || setup == LAST_ACK)
        peer_closes(bed, ORACLE_CLOSE_WAIT);
    if (setup != CLOSE_WAIT)
        we_close(bed, setup == LAST_ACK ? ORACLE_LAST_ACK : ORACLE_FIN_WAIT_1);
    if (setup == CLOSING)
        peer_closes(bed, ORACLE_CLOSING);
    if (setup == FIN_WAIT_2 || setup == FIN_WAIT_2_NO_OWNER || setup >= TIME_WAIT) {
        ours_acked(bed);
        bed->tcb.state = ORACLE_FIN_WAIT_2;
    }
    if (setup == FIN_WAIT_1_NO_OWNER || setup == FIN_WAIT_2_NO_OWNER)
        owner_leaves(bed);
    if (setup >= TIME_WAIT)
        peer_closes(bed, ORACLE_TIME_WAIT);
}

void bed_prepare(struct bed *bed, enum setup setup, bool with_timestamps, uint32_t irs)
{
    bed->timestamps = with_timestamps;
    bed->socket = bed->listener = 0;
    bed->tcb = (struct oracle_tcb){.irs = irs,
                                   .snd_wnd = BED_PEER_WINDOW,
                                   .max_wnd = BED_PEER_WINDOW,
                                   .timestamps = bed->timestamps,
                                   .ts_recent = BED_TIMESTAMP,
                                   .state = ORACLE_CLOSED,
                                   .rcv_nxt = irs + 1,
                                   .rcv_wnd = BED_BUFFER_BYTES};
    switch (setup) {
    case CLOSED:
        break;
    case LISTEN:
        listens(bed);
        break;
    case SYN_SENT:
        connects(bed);
        bed->tcb.timestamps = false; /* not agreed yet */
        break;
    case SYN_RECEIVED_PASSIVE:
        syn_received(bed);
        break;
    case SYN_RECEIVED_ACTIVE: {
        struct peer_segment syn = segment(bed, GANDER_FLAG_SYN, irs, 0);

        connects(bed);
        peer_sends(&bed->peer, &syn);
        bed->tcb.state = ORACLE_SYN_RECEIVED;
        learn(bed);
        break;
    }
    default:
        prepare_synchronised(bed, setup);
        break;
    }
    if (setup == TIME_WAIT_LISTENER) {
        listens(bed);
        bed->tcb.listener = true;
        bed->tcb.state = ORACLE_TIME_WAIT;
    }
}

static bool is_clear(const struct bed *bed)
{
    struct gander_stats stats;

    gander_stats(bed->peer.stack, &stats);
    return stats.sockets + stats.tcp_connections + stats.tcp_syn_received + stats.tcp_time_wait ==
           0;
}

/* Nothing may be left; what has no owner gets time to give up. */
void bed_clear(struct bed *bed)
{
    struct gander_event event;

    if (bed->socket)
        gander_abort(bed->peer.stack, bed->socket);
    if (bed->listener)
        gander_close(bed->peer.stack, bed->listener);
    peer_collect(&bed->peer, true);
    peer_advance(&bed->peer, 2 * GANDER_S);
    for (int i = 0; i < 60 && !is_clear(bed); i++) {
        peer_advance(&bed->peer, 60 * GANDER_S);
        peer_collect(&bed->peer, true);
    }
    assert_true(is_clear(bed));
    while (gander_events(bed->peer.stack, &event, 1) > 0)
        continue;
}

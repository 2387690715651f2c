/* SPDX-License-Identifier: MIT */
/* Accurate ECN [RFC9768]: the handshake table row by row, the counters, the option, and what mangling is believed. */
#include "dialogue.h"

static void accurate(struct gander_config *config)
{
    config->tcp_ecn = GANDER_ECN_ACCURATE;
    config->tcp_sack = false; /* one option fewer to look at */
}

static void accurate_sack(struct gander_config *config)
{
    config->tcp_ecn = GANDER_ECN_ACCURATE;
}

static void classic(struct gander_config *config)
{
    config->tcp_ecn = GANDER_ECN_ON;
}

static struct gander_tcp_info info_of(struct dialogue *d)
{
    struct gander_tcp_info info;

    expect_equal(d, gander_tcp_info(d->stack, d->s, &info), 0);
    return info;
}

static void connect_flow(struct dialogue *d, unsigned number)
{
    struct gander_address peer = dialogue_address(d, true);

    dialogue_flow(d, number);
    peer.port = d->f->peer_port;
    expect_equal(d, gander_open(d->stack, GANDER_TCP, &d->s), 0);
    expect_equal(d, gander_connect(d->stack, d->s, &peer), 0);
    dialogue_collect(d);
    d->f->port = d->first->segment.source_port;
    d->written = d->read = 0;
}

/* Table 2 of 3.1.2, the client's side. */
DIALOGUE(client_rows)
{
    static const struct {
        const char *answer;
        enum gander_ecn mode;
        bool sends; /* our SYN had no ECT: another reflection means mangling [3.2.2.3] */
        const char *first_ack;
    } rows[] = {
        {"SAW", GANDER_ECN_ACCURATE, true, "AW"},   /* 010: no ECT on the SYN */
        {"SAEW", GANDER_ECN_ACCURATE, false, "AW"}, /* 011: ECT(1) */
        {"SAN", GANDER_ECN_ACCURATE, false, "AW"},  /* 100: ECT(0) */
        {"SAWN", GANDER_ECN_ACCURATE, false, "AW"}, /* 110: CE */
        {"SAEN", GANDER_ECN_ACCURATE, true, "AW"},  /* 101: reserved [3.1.3] */
        {"SAE", GANDER_ECN_ON, true, "A"},          /* 001: classic */
        {"SA", GANDER_ECN_OFF, false, "A"},         /* 000: no ECN */
        {"SAEWN", GANDER_ECN_OFF, false, "A"},      /* 111: broken */
    };

    for (unsigned i = 0; i < 8; i++) {
        connect_flow(d, i);
        expect(d, "SEWN seq=0 tc=0 noaccecn"); /* 3.1.1; no option on a SYN: 3.2.3.2.1 */
        arrive(d, "%s seq=0 ack=1", rows[i].answer);
        expect(d, "%s seq=1 ack=1 tc=0", rows[i].first_ack);
        expect_equal(d, info_of(d).ecn, rows[i].mode);
        expect_equal(d, info_of(d).ecn_sending, rows[i].sends);
        app_send(d, 10);
        dialogue_collect(d);
        expect_equal(d, d->first->segment.tc, rows[i].sends ? 2 : 0);
        expect(d, rows[i].mode == GANDER_ECN_ACCURATE ? "PAEN seq=1" : "PA seq=1"); /* r.cep 5 */
    }
}

/* Table 2 and 3.1.3, the server's side; the SYN's codepoint comes back [3.1.1]. */
DIALOGUE(server_rows)
{
    static const struct {
        const char *syn;
        unsigned codepoint;
        const char *answer;
        enum gander_ecn mode;
    } rows[] = {
        {"SEWN", 0, "SAW", GANDER_ECN_ACCURATE}, {"SEWN", 1, "SAEW", GANDER_ECN_ACCURATE},
        {"SEWN", 2, "SAN", GANDER_ECN_ACCURATE}, {"SEWN", 3, "SAWN", GANDER_ECN_ACCURATE},
        {"SEW", 0, "SAE", GANDER_ECN_ON},        {"S", 0, "SA", GANDER_ECN_OFF},
        {"SE", 0, "SAW", GANDER_ECN_ACCURATE},   {"SW", 0, "SAW", GANDER_ECN_ACCURATE},
        {"SN", 0, "SAW", GANDER_ECN_ACCURATE},   {"SEN", 2, "SAN", GANDER_ECN_ACCURATE},
        {"SWN", 0, "SAW", GANDER_ECN_ACCURATE},
    };

    app_listen(d, 16);
    for (unsigned i = 0; i < 11; i++) {
        dialogue_flow(d, i);
        d->s = 0;
        arrive(d, "%s seq=0 tc=%u", rows[i].syn, rows[i].codepoint);
        if (rows[i].mode == GANDER_ECN_ACCURATE) /* 3.2.1: counters begin with 1, 0, 1 */
            expect(d, "%s seq=0 ack=1 tc=0 accecn=1,0,1", rows[i].answer);
        else
            expect(d, "%s seq=0 ack=1 tc=0 noaccecn", rows[i].answer);
        arrive(d, rows[i].mode == GANDER_ECN_ACCURATE ? "AW seq=1 ack=1" : "A seq=1 ack=1");
        app_accept(d);
        expect_equal(d, info_of(d).ecn, rows[i].mode);
        expect_equal(d, info_of(d).ecn_sending, rows[i].mode != GANDER_ECN_OFF);
    }
}

/* Who knows nothing of it takes 111 for a classic ECN-setup SYN [3.1.2]. */
DIALOGUE(classic_server_falls_back)
{
    app_listen(d, 1);
    arrive(d, "SEWN seq=0");
    expect(d, "SAE seq=0 ack=1");
}

/* Table 3 of 3.2.2.1: the ACK of the SYN-ACK reflects its codepoint; a mark counts from there on [3.2.2.2]. */
DIALOGUE(client_reflects_the_syn_ack)
{
    static const char *const acks[] = {"AW", "AEW", "AN", "AWN"};

    for (unsigned i = 0; i < 4; i++) {
        connect_flow(d, i);
        expect(d, "SEWN seq=0");
        arrive(d, "SAW seq=0 ack=1 tc=%u", i);
        expect(d, "%s seq=1 ack=1 accecn=1,0,1", acks[i]);
        app_send(d, 10);
        expect(d, i == 3 ? "PAWN seq=1" : "PAEN seq=1"); /* r.cep 6, or 5 */
    }
}

/* 3.2.2.1: with data to send the pure ACK goes before them. */
DIALOGUE(reflects_before_data)
{
    app_connect(d);
    expect(d, "SEWN seq=0");
    app_send(d, 10);
    arrive(d, "SAW seq=0 ack=1 tc=3");
    expect(d, "AWN seq=1 ack=1 len=0");
    expect(d, "PAWN seq=1 ack=1 len=10 tc=2");
}

/* Table 4 of 3.2.2.1, with the test for zeroing [3.2.2.4] and for mangling of a SYN-ACK without ECT [3.2.2.3]. */
DIALOGUE(server_reads_the_first_ack)
{
    static const struct {
        const char *ack;
        bool sends;
    } rows[] = {{"A", false},  {"AE", true},  {"AW", true},   {"AEW", false},
                {"AN", false}, {"AEN", true}, {"AWN", false}, {"AEWN", true}};

    app_listen(d, 16);
    for (unsigned i = 0; i < 8; i++) {
        dialogue_flow(d, i);
        d->s = 0;
        d->written = 0;
        arrive(d, "SEWN seq=0");
        expect(d, "SAW seq=0 ack=1");
        arrive(d, "%s seq=1 ack=1", rows[i].ack);
        app_accept(d);
        expect_equal(d, info_of(d).ecn, GANDER_ECN_ACCURATE);
        expect_equal(d, info_of(d).ecn_sending, rows[i].sends);
        app_send(d, 10);
        expect(d, "PAEN seq=1 tc=%u", rows[i].sends ? 2 : 0); /* it goes on feeding back */
        arrive(d, i == 6 ? "AWN ack=11" : "AEN ack=11");
        expect_equal(d, info_of(d).ecn_marked, 0); /* s.cep is 5, or 6 after a mark told */
    }
}

/* 3.2.2.4, the client: zero in the first segment means that it is zeroed. */
DIALOGUE(client_tests_for_zero)
{
    app_connect(d);
    expect(d, "SEWN seq=0");
    arrive(d, "SAW seq=0 ack=1");
    expect(d, "AW seq=1 ack=1");
    expect_equal(d, info_of(d).ecn_sending, true);
    arrive(d, "PA seq=1 len=10");
    expect_equal(d, info_of(d).ecn_sending, false);
    expect_after(d, ms(40), "AEN ack=11");
}

/* 3.1.4: asks twice, then not any more; and then sends no ECT. */
DIALOGUE(syn_goes_again_and_then_without)
{
    app_connect(d);
    expect(d, "SEWN seq=0");
    expect_at(d, sec(1), "SEWN seq=0");
    expect_at(d, sec(3), "S seq=0");
    arrive(d, "SA seq=0 ack=1");
    expect(d, "A seq=1 ack=1");
    expect_equal(d, info_of(d).ecn, GANDER_ECN_OFF);
}

/* 3.2.3.2.2: the SYN-ACK again without option, then without flags; still it feeds back. */
DIALOGUE(syn_ack_goes_again_and_then_without)
{
    app_listen(d, 1);
    arrive(d, "SEWN seq=0");
    expect(d, "SAW seq=0 ack=1 accecn=1,0,1");
    expect_at(d, sec(1), "SAW seq=0 ack=1 noaccecn");
    expect_at(d, sec(3), "SA seq=0 ack=1 noaccecn");
    arrive(d, "AEN seq=1 len=10 tc=2");
    app_accept(d);
    expect(d, "AEN ack=11 accecn=11,0,1");
}

/* 3.2.3.2.2: another SYN gets the SYN-ACK without option; without the flags it takes no ECT [3.1.5]; a classic one is reset. */
DIALOGUE(the_syn_again)
{
    app_listen(d, 4);
    arrive(d, "SEWN seq=0");
    expect(d, "SAW seq=0 ack=1 accecn=1,0,1");
    arrive(d, "SEWN seq=0");
    expect(d, "SAW seq=0 ack=1 noaccecn");
    arrive(d, "S seq=0");
    expect(d, "SAW seq=0 ack=1 noaccecn");
    arrive(d, "AW seq=1 ack=1");
    app_accept(d);
    expect_equal(d, info_of(d).ecn_sending, false);
    dialogue_flow(d, 1);
    d->s = 0;
    arrive(d, "SEWN seq=0");
    expect(d, "SAW seq=0 ack=1");
    arrive(d, "SEW seq=0");
    allow(d, "RA");
    expect_state(d, GANDER_TCP_CLOSED);
    dialogue_flow(d, 0);
}

/* 5.1: no cookie needs to remember it. */
DIALOGUE(agreed_by_cookie)
{
    app_listen(d, 1);
    arrive(d, "SEWN seq=0");
    expect(d, "SAW seq=0 ack=1");
    dialogue_flow(d, 1);
    arrive(d, "SEWN seq=0 tc=2");
    expect(d, "SAN seq=0 ack=1 accecn=1,0,1");
    arrive(d, "AW seq=1 ack=1");
    app_accept(d);
    expect_equal(d, info_of(d).ecn, GANDER_ECN_ACCURATE);
    expect_equal(d, info_of(d).ecn_sending, true);
    app_close(d);
    expect(d, "FAEN");
    dialogue_flow(d, 0);
    d->s = 0;
}

/* 3.1.2: both ask at once, each answers as a server. */
DIALOGUE(agreed_by_simultaneous_open)
{
    app_connect(d);
    expect(d, "SEWN seq=0");
    arrive(d, "SEWN seq=0 tc=2");
    expect(d, "SAN seq=0 ack=1");
    arrive(d, "SAW seq=0 ack=1 tc=3"); /* its flags are no counter: 3.2.2 */
    allow(d, "AEN seq=1 ack=1");
    expect_state(d, GANDER_TCP_ESTABLISHED);
    expect_equal(d, info_of(d).ecn, GANDER_ECN_ACCURATE);
    expect_equal(d, info_of(d).ecn_sending, true);
    expect_equal(d, info_of(d).ecn_marked, 0);
}

static void open_passive_accurate(struct dialogue *d)
{
    app_listen(d, 1);
    arrive(d, "SEWN seq=0");
    expect(d, "SAW seq=0 ack=1 accecn=1,0,1");
    arrive(d, "AW seq=1 ack=1");
    app_accept(d);
}

/* 3.2.2.2, 3.2.3: bytes by codepoint, packets with CE; 3.2.3.3: an ACK at once when the counter changes. */
DIALOGUE(counts_what_arrives)
{
    open_passive_accurate(d);
    arrive(d, "AEN seq=1 len=100 tc=2");
    expect(d, "AEN ack=101 accecn=101,0,1");
    arrive(d, "AEN len=100 tc=2");
    expect_nothing(d);
    arrive(d, "AEN len=100 tc=2");
    expect(d, "AEN ack=301 accecn=301,0,1");
    arrive(d, "AEN len=100 tc=3"); /* the first mark: at once */
    expect(d, "AWN ack=401 accecn=301,100,1");
    arrive(d, "AEN len=100 tc=2");
    expect(d, "AWN ack=501 accecn=401,100,1");
    arrive(d, "AEN len=100 tc=1");
    expect(d, "AWN ack=601 accecn1=101,100,401"); /* the order in which what grows comes first */
    arrive(d, "AEN len=100 tc=0");
    arrive(d, "AEN len=100 tc=0"); /* no counter for these */
    expect(d, "AWN ack=801 accecn1=101,100,401");
}

/* 3.2.2.5.1: no ACK stands for more than two marks, however many come in one burst; the field goes round. */
DIALOGUE(marks_come_in_bursts)
{
    open_passive_accurate(d);
    for (unsigned i = 0; i < 9; i++)
        arrive_together(d, "AEN seq=%u len=100 tc=3", 1 + 100 * i);
    arrive(d, "AEN seq=901 len=100 tc=3");
    expect(d, "AEWN ack=201 accecn=1,200,1"); /* 7 */
    expect(d, "AE ack=401 accecn=1,400,1");   /* 9 = 1 */
    expect(d, "AEW ack=601 accecn=1,600,1");  /* 11 = 3 */
    expect(d, "AEN ack=801 accecn=1,800,1");  /* 13 = 5 */
    expect(d, "AEWN ack=1001 accecn=1,1000,1");
}

/* 3.2.2.2: marks on pure ACKs count as packets, not as bytes. */
DIALOGUE(marks_on_pure_acks)
{
    open_passive_accurate(d);
    arrive(d, "AEN seq=1 tc=3");
    arrive(d, "AEN seq=1 tc=3");
    expect_nothing(d);
    arrive(d, "AEN seq=1 tc=3");
    expect(d, "A ack=1 accecn=1,0,1"); /* 5 + 3 = 0 */
}

static void open_active_accurate(struct dialogue *d)
{
    app_connect(d);
    expect(d, "SEWN seq=0");
    arrive(d, "SAW seq=0 ack=1 wnd=60000 accecn=1,0,1");
    expect(d, "AW seq=1 ack=1 accecn=1,0,1");
}

/* 3.2.2.2: the field's increase is how many were marked; each window is reduced once [RFC3168 6.1.2]; never CWR [3.1.5]. */
DIALOGUE(reads_the_counter)
{
    uint32_t before;

    open_active_accurate(d);
    app_send(d, 40000);
    for (unsigned i = 0; i < 10; i++)
        expect(d, "AEN seq=%u tc=2", 1 + i * d->smss);
    before = info_of(d).cwnd_bytes;
    arrive(d, "AEN ack=%u", 1 + d->smss);
    expect_true(d, info_of(d).cwnd_bytes > before);
    while (allow(d, "AEN tc=2")) {
    }
    before = info_of(d).cwnd_bytes;
    arrive(d, "AEWN ack=%u", 1 + 4 * d->smss);
    expect_equal(d, info_of(d).ecn_marked, 2);
    expect_true(d, info_of(d).cwnd_bytes < before);
    before = info_of(d).cwnd_bytes;
    arrive(d, "AW ack=%u", 1 + 8 * d->smss); /* 7 to 2: round */
    expect_equal(d, info_of(d).ecn_marked, 5);
    expect_true(d, info_of(d).cwnd_bytes >= before);
    while (allow(d, "AEN tc=2")) {
    }
}

/* 3.2.2.5.2: more than seven at once: the option tells whether the field went round; without it the worst likely. */
DIALOGUE(the_field_goes_round)
{
    open_active_accurate(d);
    app_send(d, 10 * d->smss);
    for (unsigned i = 0; i < 10; i++)
        expect(d, "AEN seq=%u", 1 + i * d->smss);
    arrive(d, "AEW ack=%u accecn=%u,%u,1", 1 + 10 * d->smss, 1, 10 * d->smss); /* 5 + 10 = 15: 7? */
    expect_equal(d, info_of(d).ecn_marked, 6);
    expect_true(d, info_of(d).cwnd_bytes < 10 * d->smss);
}

/* … all ten were marked: 5 + 10 is 7 modulo 8, an increase of 2 alone. */
DIALOGUE(the_option_tells_of_a_round)
{
    open_active_accurate(d);
    app_send(d, 10 * d->smss);
    for (unsigned i = 0; i < 10; i++)
        expect(d, "AEN seq=%u", 1 + i * d->smss);
    arrive(d, "AEWN ack=%u accecn=%u,%u,1", 1 + 10 * d->smss, 1, 10 * d->smss);
    expect_equal(d, info_of(d).ecn_marked, 10);
}

DIALOGUE(the_option_tells_of_no_round)
{
    open_active_accurate(d);
    app_send(d, 10 * d->smss);
    for (unsigned i = 0; i < 10; i++)
        expect(d, "AEN seq=%u", 1 + i * d->smss);
    arrive(d, "AEWN ack=%u accecn=%u,%u,1", 1 + 10 * d->smss, 1 + 8 * d->smss, 2 * d->smss);
    expect_equal(d, info_of(d).ecn_marked, 2);
}

/* Without option, and no mark ever: none is made up. With one, the worst that is likely. */
DIALOGUE(without_the_option)
{
    open_active_accurate(d);
    app_send(d, 10 * d->smss);
    for (unsigned i = 0; i < 10; i++)
        expect(d, "AEN seq=%u", 1 + i * d->smss);
    arrive(d, "AEN ack=%u", 1 + 10 * d->smss);
    expect_equal(d, info_of(d).ecn_marked, 0);
    app_send(d, 10 * d->smss);
    for (unsigned i = 10; i < 20; i++)
        expect(d, "AEN seq=%u", 1 + i * d->smss);
    arrive(d, "AWN ack=%u", 1 + 20 * d->smss); /* one, or nine */
    expect_equal(d, info_of(d).ecn_marked, 9);
}

/* 3.2.2.2: an overtaken ACK is not read. */
DIALOGUE(overtaken_feedback_is_not_read)
{
    open_active_accurate(d);
    app_send(d, 4 * d->smss);
    for (unsigned i = 0; i < 4; i++)
        expect(d, "AEN seq=%u", 1 + i * d->smss);
    arrive(d, "AEWN ack=%u", 1 + 2 * d->smss);
    expect_equal(d, info_of(d).ecn_marked, 2);
    arrive(d, "AWN ack=%u", 1 + d->smss);
    expect_equal(d, info_of(d).ecn_marked, 2);
    arrive(d, "AEWN ack=%u", 1 + 3 * d->smss);
    expect_equal(d, info_of(d).ecn_marked, 2);
}

/* 3.2.3.2.5: marked bytes without marked packets are mangled feedback. */
DIALOGUE(bytes_without_packets)
{
    open_active_accurate(d);
    app_send(d, 100);
    expect(d, "PAEN seq=1 tc=2");
    arrive(d, "AEN ack=101 accecn=1,100,1");
    app_send(d, 100);
    expect(d, "PAEN seq=101 tc=0");
    expect_equal(d, info_of(d).ecn_sending, false);
}

/* 3.2.3.2.4: an option whose first field is zero is not read, only the field in the header. */
DIALOGUE(zeroed_option)
{
    app_connect(d);
    expect(d, "SEWN seq=0");
    arrive(d, "SAW seq=0 ack=1 accecn=0,0,0");
    expect(d, "AW seq=1 ack=1");
    app_send(d, 100);
    expect(d, "PAEN seq=1 tc=2");
    arrive(d, "AEN ack=101 accecn=0,100,0");
    app_send(d, 100);
    expect(d, "PAEN seq=101 tc=2");
}

/* 3.2.3: options of any length are read for the whole fields in them; either kind. */
DIALOGUE(options_of_all_lengths)
{
    open_active_accurate(d);
    app_send(d, 100);
    expect(d, "PAEN seq=1");
    arrive(d, "AEN ack=101 accecn=101");
    app_send(d, 100);
    expect(d, "PAEN seq=101");
    arrive(d, "AWN ack=201 accecn1=1,100");
    expect_equal(d, info_of(d).ecn_marked, 1);
    app_send(d, 100);
    expect(d, "PAEN seq=201");
    arrive(d, "AEWN ack=301 accecn1=1,200,101");
    expect_equal(d, info_of(d).ecn_marked, 2);
}

/* 3.2.3.3: SACK blocks come first, then fields, then more blocks. */
DIALOGUE(shares_the_room_with_sack)
{
    app_listen(d, 1);
    arrive(d, "SEWN seq=0 sackok");
    expect(d, "SAW seq=0 ack=1 sackok");
    arrive(d, "AW seq=1 ack=1");
    app_accept(d);
    for (unsigned i = 0; i < 4; i++) {
        arrive(d, "AEN seq=%u len=100 tc=2", 101 + 200 * i);
        dialogue_collect(d);
        if (i < 3)
            expect(d, "AEN ack=1");
    }
    if (d->ts)
        expect(d, "AEN ack=1 sack=701-801,501-601 accecn=401,0");
    else
        expect(d, "AEN ack=1 sack=701-801,501-601,301-401 accecn=401,0,1");
}

/* Counters survive a silence, in which working memory is given back. */
DIALOGUE(counters_outlive_silence)
{
    open_passive_accurate(d);
    arrive(d, "AEN seq=1 len=100 tc=3");
    expect(d, "AWN ack=101 accecn=1,100,1");
    app_receive(d, 100);
    after(d, sec(30));
    arrive(d, "AEN len=100 tc=3");
    expect_after(d, ms(40), "AEWN ack=201 accecn=1,200,1");
}

int main(int argc, char **argv)
{
    static const struct dialogue_test tests[] = {
        RUN_WITH(client_rows, accurate),
        RUN_WITH(server_rows, accurate),
        RUN_WITH(classic_server_falls_back, classic),
        RUN_WITH(client_reflects_the_syn_ack, accurate),
        RUN_WITH(reflects_before_data, accurate),
        RUN_WITH(server_reads_the_first_ack, accurate),
        RUN_WITH(client_tests_for_zero, accurate),
        RUN_WITH(syn_goes_again_and_then_without, accurate),
        RUN_WITH(syn_ack_goes_again_and_then_without, accurate),
        RUN_WITH(the_syn_again, accurate),
        RUN_WITH(agreed_by_cookie, accurate),
        RUN_WITH(agreed_by_simultaneous_open, accurate),
        RUN_WITH(counts_what_arrives, accurate),
        RUN_WITH(marks_come_in_bursts, accurate),
        RUN_WITH(marks_on_pure_acks, accurate),
        RUN_WITH(reads_the_counter, accurate),
        RUN_WITH(the_field_goes_round, accurate),
        RUN_WITH(the_option_tells_of_a_round, accurate),
        RUN_WITH(the_option_tells_of_no_round, accurate),
        RUN_WITH(without_the_option, accurate),
        RUN_WITH(overtaken_feedback_is_not_read, accurate),
        RUN_WITH(bytes_without_packets, accurate),
        RUN_WITH(zeroed_option, accurate),
        RUN_WITH(options_of_all_lengths, accurate),
        RUN_WITH(shares_the_room_with_sack, accurate_sack),
        RUN_WITH(counters_outlive_silence, accurate),
    };

    return DIALOGUE_MAIN(tests);
}

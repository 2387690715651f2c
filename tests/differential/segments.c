/* SPDX-License-Identifier: MIT */
/*
 * Segments of a conversation, both ways: names for numbers are resolved, numbers become relative, and what each end chooses for
 * itself (windows, timestamps, identifiers) is taken away or made a class. See play.h.
 */
#include "differential/play.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rfc/segment.h"

enum {
    ISN = 0xfffffff0, /* the peer's: wraps early */
    ISS_UNKNOWN = 5000000,
    TS_NOW = 70000,
    TS_OLD = 60000,
    QUOTED_BYTES = 1020, /* a full segment, as it left */
    WORDS_BYTES = 256
};

uint8_t segments_pattern(uint32_t position)
{
    return (uint8_t)(position * 7 + (position >> 8) + 1);
}

static uint32_t iss_of(const struct flow *f)
{
    return f->iss_known ? f->iss : ISS_UNKNOWN;
}

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static uint32_t get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static struct segment_path path_in(const struct conversation *c, unsigned family)
{
    struct gander_address us = play_address(family, NULL), peer = play_address(family, c);
    struct segment_path path = {.family = family};

    memcpy(path.source, peer.ip, 16);
    memcpy(path.destination, us.ip, 16);
    return path;
}

/* --- what arrives ----------------------------------------------------------------------------------- */

/* "seq=R+5" to "seq=106", "ts" to "ts=70000,1"; the words that segment.c does not know. */
static void resolve_word(const struct flow *f, const char *word, char *out, size_t bytes)
{
    const char *equals = strchr(word, '=');
    uint32_t base;

    if (strcmp(word, "tsold") == 0) {
        snprintf(out, bytes, "ts=%d,%" PRIu32, TS_OLD, f->tsval);
        return;
    }
    if (strcmp(word, "ts") == 0) {
        snprintf(out, bytes, "ts=%d,%" PRIu32, TS_NOW, f->tsval);
        return;
    }
    if (!equals || !equals[1] || !strchr("RWUN", equals[1])) {
        snprintf(out, bytes, "%s", word);
        return;
    }
    base = equals[1] == 'R'   ? f->rcv_nxt
           : equals[1] == 'W' ? f->edge
           : equals[1] == 'U' ? f->una
                              : f->ours;
    snprintf(out, bytes, "%.*s=%lld", (int)(equals - word), word,
             (int32_t)base + strtoll(equals + 2, NULL, 10));
}

static void resolve(const struct flow *f, const char *words, char *out, size_t bytes)
{
    char copy[WORDS_BYTES], *save = NULL;
    size_t n = 0;

    snprintf(copy, sizeof(copy), "%s", words);
    for (char *word = strtok_r(copy, " ", &save); word && n < bytes;
         word = strtok_r(NULL, " ", &save)) {
        char one[WORDS_BYTES];

        resolve_word(f, word, one, sizeof(one));
        n += (size_t)snprintf(out + n, bytes - n, "%s%s", n ? " " : "", one);
    }
}

static void fill_defaults(const struct conversation *c, const struct flow *f, struct segment *s)
{
    bool syn = s->flags & GANDER_FLAG_SYN;

    if (!(s->fields & FIELD_SEQ))
        s->seq = f->next;
    if (!(s->fields & FIELD_ACK) && (s->flags & GANDER_FLAG_ACK))
        s->ack = f->ours;
    if (!(s->fields & FIELD_WND))
        s->wnd = 65535;
    if (syn && !(s->fields & (FIELD_MSS | FIELD_NOMSS | FIELD_OPT))) {
        s->fields |= FIELD_MSS;
        s->mss = 1000;
    }
    if (f->ts_on && !(s->fields & (FIELD_TS | FIELD_NOTS | FIELD_OPT))) {
        s->fields |= FIELD_TS;
        s->tsval = TS_NOW + c->step;
        s->tsecr = f->tsval;
    }
}

static void note_sent(struct flow *f, const struct segment *s)
{
    uint32_t len = s->len + !!(s->flags & GANDER_FLAG_SYN) + !!(s->flags & GANDER_FLAG_FIN);

    if ((uint32_t)s->seq == f->next && !(s->flags & GANDER_FLAG_RST))
        f->next += len;
    if (s->flags & GANDER_FLAG_SYN) {
        f->ts_offered = s->fields & FIELD_TS;
        f->ws_offered = s->fields & FIELD_WS;
    }
    if ((s->flags & GANDER_FLAG_ACK) && (int32_t)((uint32_t)s->ack - f->una) > 0 &&
        (int32_t)((uint32_t)s->ack - f->ours) <= 0)
        f->una = (uint32_t)s->ack;
}

static size_t make_udp(const struct conversation *c, unsigned family, const char *words,
                       uint8_t *packet)
{
    struct segment_path path = path_in(c, family);
    const char *len = strstr(words, "len=");
    uint32_t n = len ? (uint32_t)strtoul(len + 4, NULL, 10) : 10;
    uint8_t bytes[2048] = {0};

    put16(bytes, c->peer_port + c->peer);
    put16(bytes + 2, c->port);
    put16(bytes + 4, 8 + n);
    for (uint32_t i = 0; i < n; i++)
        bytes[8 + i] = segments_pattern(c->read + i);
    return segment_wrap(&path, 17, bytes, 8 + n, 6, packet);
}

size_t segments_make(struct conversation *c, unsigned family, const char *words, uint8_t *packet)
{
    struct flow *f = &c->flows[c->peer];
    struct segment_path path = path_in(c, family);
    static uint8_t text[SEGMENT_PACKET_MAX];
    char resolved[2 * WORDS_BYTES];
    struct segment s;
    const char *wrong;

    if (strncmp(words, "udp", 3) == 0)
        return make_udp(c, family, words, packet);
    resolve(f, words, resolved, sizeof(resolved));
    wrong = segment_parse(resolved, &s);
    if (wrong) {
        fprintf(stderr, "%s: '%s' in '%s'\n", c->script->name, wrong, words);
        exit(2);
    }
    fill_defaults(c, f, &s);
    for (uint32_t i = 0; i < s.len; i++)
        text[i] = (uint8_t)(segments_pattern((uint32_t)s.seq - !(s.flags & GANDER_FLAG_SYN) + i) ^
                            s.fill);
    s.text = text;
    s.source_port = (uint16_t)(c->peer_port + c->peer);
    s.destination_port = c->port;
    note_sent(f, &s);
    s.seq = (uint32_t)s.seq + (uint32_t)ISN;
    if (s.flags & GANDER_FLAG_ACK || s.fields & FIELD_ACK)
        s.ack = (uint32_t)s.ack + iss_of(f);
    for (unsigned i = 0; i < s.sacks; i++) {
        s.sack[i][0] = (uint32_t)s.sack[i][0] + iss_of(f);
        s.sack[i][1] = (uint32_t)s.sack[i][1] + iss_of(f);
    }
    return segment_build(&s, &path, packet);
}

/* --- ICMP errors ------------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    uint8_t type4, code4, type6, code6;
} icmp_kinds[] = {
    {"net", 3, 0, 1, 0},  {"host", 3, 1, 1, 3},       {"protocol", 3, 2, 4, 1},
    {"port", 3, 3, 1, 4}, {"toobig", 3, 4, 2, 0},     {"prohibited", 3, 13, 1, 1},
    {"ttl", 11, 0, 3, 0}, {"parameter", 12, 0, 4, 0}, {"quench", 4, 0, 0, 0},
};

static uint32_t word_value(const struct flow *f, const char *words, const char *key,
                           uint32_t otherwise)
{
    char resolved[2 * WORDS_BYTES];
    const char *at;

    resolve(f, words, resolved, sizeof(resolved));
    at = strstr(resolved, key);
    return at ? (uint32_t)strtoll(at + strlen(key), NULL, 10) : otherwise;
}

/* The packet that once left, all of it, as an ICMP error may quote. */
static size_t quote(const struct conversation *c, unsigned family, uint32_t seq, bool udp,
                    uint8_t *bytes)
{
    struct segment_path in = path_in(c, family), out = {.family = family};
    uint8_t transport[QUOTED_BYTES] = {0};

    memcpy(out.source, in.destination, 16);
    memcpy(out.destination, in.source, 16);
    put16(transport, c->port);
    put16(transport + 2, c->peer_port + c->peer);
    if (udp) {
        put16(transport + 4, 18);
        return segment_wrap(&out, 17, transport, 18, 6, bytes);
    }
    put32(transport + 4, seq);
    transport[12] = 0x50;
    transport[13] = GANDER_FLAG_ACK;
    return segment_wrap(&out, 6, transport, QUOTED_BYTES, 16, bytes);
}

size_t segments_make_icmp(struct conversation *c, unsigned family, const char *words,
                          uint8_t *packet)
{
    const struct flow *f = &c->flows[c->peer];
    struct segment_path path = path_in(c, family);
    uint32_t seq = word_value(f, words, "seq=", f->una) + iss_of(f);
    uint32_t mtu = word_value(f, words, "mtu=", 0);
    uint8_t bytes[QUOTED_BYTES + 128] = {0};
    size_t kind = 0, len;

    while (kind < sizeof(icmp_kinds) / sizeof(icmp_kinds[0]) - 1 &&
           strncmp(words, icmp_kinds[kind].name, strlen(icmp_kinds[kind].name)) != 0)
        kind++;
    bytes[0] = family == GANDER_IPV4 ? icmp_kinds[kind].type4 : icmp_kinds[kind].type6;
    bytes[1] = family == GANDER_IPV4 ? icmp_kinds[kind].code4 : icmp_kinds[kind].code6;
    put32(bytes + 4, mtu);
    len = 8 + quote(c, family, seq, strstr(words, "udp") != NULL, bytes + 8);
    return segment_wrap(&path, family == GANDER_IPV4 ? 1 : 58, bytes, len, 2, packet);
}

/* --- what leaves -------------------------------------------------------------------------------------- */

static size_t ip_bytes(const uint8_t *packet)
{
    return packet[0] >> 4 == GANDER_IPV4 ? (size_t)(packet[0] & 15) * 4 : 40;
}

static uint8_t protocol_of(const uint8_t *packet)
{
    return packet[0] >> 4 == GANDER_IPV4 ? packet[9] : packet[6];
}

static bool is_icmp(uint8_t protocol)
{
    return protocol == 1 || protocol == 58;
}

bool segments_ports(const uint8_t *packet, size_t len, uint16_t *local, uint16_t *peer)
{
    size_t at = len ? ip_bytes(packet) : 0;
    bool swapped = false;

    if (len < at + 8 || at < 20)
        return false;
    if (is_icmp(protocol_of(packet))) { /* the quoted packet is one of ours */
        packet += at + 8;
        len -= at + 8;
        at = len ? ip_bytes(packet) : 0;
        swapped = true;
        if (len < at + 8 || at < 20)
            return false;
    }
    if (protocol_of(packet) != 6 && protocol_of(packet) != 17)
        return false;
    *local = (uint16_t)get16(packet + at + (swapped ? 2 : 0));
    *peer = (uint16_t)get16(packet + at + (swapped ? 0 : 2));
    return true;
}

static void learn(struct flow *f, const struct segment *s, struct entry *e)
{
    uint32_t end, edge;

    if (s->flags & GANDER_FLAG_SYN) {
        if (!f->iss_known || f->iss != (uint32_t)s->seq)
            f->ours = f->una = 0;
        f->iss = (uint32_t)s->seq;
        f->iss_known = true;
        f->ts_on = f->ts_offered && (s->fields & FIELD_TS);
        f->ws_on = f->ws_offered && (s->fields & FIELD_WS);
        f->scale = (uint8_t)s->ws;
    }
    if ((s->fields & FIELD_TS) && !f->ts_on && (s->flags & GANDER_FLAG_ACK) && f->ts_offered)
        f->ts_on = true;
    if (s->fields & FIELD_TS)
        f->tsval = s->tsval;
    end = (uint32_t)s->seq - iss_of(f) + s->len + !!(s->flags & GANDER_FLAG_SYN) +
          !!(s->flags & GANDER_FLAG_FIN);
    if ((int32_t)(end - f->ours) > 0 && !(s->flags & GANDER_FLAG_RST))
        f->ours = end;
    if (!(s->flags & GANDER_FLAG_ACK) || (s->flags & GANDER_FLAG_RST))
        return;
    if ((int32_t)((uint32_t)s->ack - (uint32_t)ISN - f->rcv_nxt) > 0)
        f->rcv_nxt = (uint32_t)s->ack - (uint32_t)ISN;
    edge = (uint32_t)s->ack - (uint32_t)ISN +
           (f->ws_on && !(s->flags & GANDER_FLAG_SYN) ? s->wnd << f->scale : s->wnd);
    if (s->wnd == 0)
        snprintf(e->window, sizeof(e->window), "0");
    else if ((int32_t)(edge - f->edge) < 0)
        snprintf(e->window, sizeof(e->window), "left");
    f->edge = edge;
}

static void describe_options(const struct segment *s, char *out, size_t bytes)
{
    size_t n = 0;

#define ADD(...) n += (size_t)snprintf(out + n, n < bytes ? bytes - n : 0, __VA_ARGS__)
    if (s->fields & FIELD_MSS)
        ADD("mss=%" PRIu32 " ", s->mss);
    if (s->fields & FIELD_WS)
        ADD("ws ");
    if (s->fields & FIELD_SACKOK)
        ADD("sackok ");
    if (s->fields & FIELD_TS)
        ADD("ts=,%" PRId32 " ", s->tsecr ? (int32_t)(s->tsecr - TS_NOW) : -TS_NOW);
    for (unsigned i = 0; i < s->sacks; i++)
        ADD("sack=%" PRId32 "-%" PRId32 " ", (int32_t)((uint32_t)s->sack[i][0] - (uint32_t)ISN),
            (int32_t)((uint32_t)s->sack[i][1] - (uint32_t)ISN));
    if (n > 0 && n < bytes)
        out[n - 1] = 0;
}

static void describe(const struct flow *f, const struct segment *s, char *out, size_t bytes)
{
    static const char letters[] = "FSRPAUEW";
    size_t n = 0;

    for (unsigned i = 0; i < 8; i++) {
        if ((s->flags & (1u << i)) && letters[i] != 'P')
            ADD("%c", letters[i]);
    }
    ADD(" seq=%" PRId32, (int32_t)((uint32_t)s->seq - iss_of(f)));
    if (s->flags & GANDER_FLAG_ACK)
        ADD(" ack=%" PRId32, (int32_t)((uint32_t)s->ack - (uint32_t)ISN));
    if (s->len)
        ADD(" len=%" PRIu32, s->len);
    if (s->flags & GANDER_FLAG_URG)
        ADD(" up=%" PRIu32, s->up);
#undef ADD
}

void segments_read(struct conversation *c, unsigned flow, const uint8_t *packet, size_t len,
                   struct entry *entry)
{
    struct flow *f = &c->flows[flow];
    const uint8_t *bytes = packet + ip_bytes(packet);
    struct segment_path path;
    struct segment s;
    const char *wrong;
    size_t n = 0;

    if (flow)
        n = (size_t)snprintf(entry->text, sizeof(entry->text), "to peer %u: ", flow);
    if (is_icmp(protocol_of(packet))) {
        snprintf(entry->text + n, sizeof(entry->text) - n, "ICMP %u/%u", bytes[0], bytes[1]);
        return;
    }
    if (protocol_of(packet) == 17) {
        snprintf(entry->text + n, sizeof(entry->text) - n, "UDP len=%" PRIu32,
                 get16(bytes + 4) - 8);
        return;
    }
    wrong = segment_read(packet, len, &path, &s);
    if (wrong) {
        snprintf(entry->text + n, sizeof(entry->text) - n, "malformed: %s", wrong);
        free(s.text);
        return;
    }
    learn(f, &s, entry);
    entry->push = s.flags & GANDER_FLAG_PSH;
    describe(f, &s, entry->text + n, sizeof(entry->text) - n);
    describe_options(&s, entry->options, sizeof(entry->options));
    free(s.text);
}

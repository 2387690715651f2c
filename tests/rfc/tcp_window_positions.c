/* SPDX-License-Identifier: MIT */
/*
 * Every synchronised state × segment × place in the receive window {left of it, left edge, inside, right edge, right of it}: what is
 * answered and what state follows [RFC9293 3.4 table 6, 3.10.7.4; RFC5961 3.2, 4.2].
 */
#include "dialogue.h"

enum place { LEFT, LEFT_EDGE, INSIDE, RIGHT_EDGE, RIGHT };
enum kind { ACK, TEXT, FIN, RST, SYN };
enum { WINDOW = 65535, LEN = 10 };

/* The window begins behind what had arrived: the SYN, and the peer's FIN. */
static uint32_t left_edge(enum gander_tcp_state state)
{
    return state == GANDER_TCP_CLOSE_WAIT || state == GANDER_TCP_CLOSING ||
                   state == GANDER_TCP_LAST_ACK
               ? 2
               : 1;
}

static int64_t number(enum gander_tcp_state state, enum kind kind, enum place place)
{
    uint32_t edge = left_edge(state);
    /* wholly to the left, also with its length */
    int64_t before = (int64_t)edge - (kind == TEXT ? LEN : 1);

    switch (place) {
    case LEFT:
        return kind == RST ? before - 100 : before;
    case LEFT_EDGE:
        return edge;
    case INSIDE:
        return edge + 1000;
    case RIGHT_EDGE:
        return (int64_t)edge + WINDOW - (edge == 2 ? 2 : 1);
    default:
        return (int64_t)edge + WINDOW;
    }
}

static void answered(struct dialogue *d, enum gander_tcp_state state)
{
    expect(d, "A ack=%u len=0", left_edge(state));
    expect_state(d, state);
}

static void unanswered(struct dialogue *d, enum gander_tcp_state state)
{
    expect_nothing(d);
    expect_state(d, state);
}

/* RFC 5961 3.2: only the exact number resets; in the window, a challenge; else nothing. */
static void reset_cell(struct dialogue *d, enum gander_tcp_state state, enum place place)
{
    if (place == LEFT_EDGE) {
        expect_nothing(d);
        expect_state(d, GANDER_TCP_CLOSED);
    } else if (place == INSIDE || place == RIGHT_EDGE) {
        answered(d, state);
    } else {
        unanswered(d, state);
    }
}

static void fin_at_left_edge(struct dialogue *d, enum gander_tcp_state state)
{
    switch (state) {
    case GANDER_TCP_ESTABLISHED:
        expect(d, "A ack=2");
        expect_state(d, GANDER_TCP_CLOSE_WAIT);
        break;
    case GANDER_TCP_FIN_WAIT_1: /* the ACK with it is not for our FIN: below */
        expect(d, "A ack=2");
        expect_state(d, GANDER_TCP_CLOSING);
        break;
    case GANDER_TCP_FIN_WAIT_2:
        expect(d, "A ack=2");
        expect_state(d, GANDER_TCP_TIME_WAIT);
        break;
    default: /* the peer had closed: it repeats itself */
        answered(d, state);
        break;
    }
}

static void text_at_left_edge(struct dialogue *d, enum gander_tcp_state state)
{
    if (left_edge(state) == 2) { /* behind the FIN nothing can come */
        unanswered(d, state);
        return;
    }
    expect_after(d, ms(40), "A ack=%u", left_edge(state) + LEN);
    app_receive(d, LEN);
    expect_state(d, state);
}

static void cell(struct dialogue *d, enum gander_tcp_state state, enum kind kind, enum place place)
{
    static const char *const words[] = {"A", "A len=10", "FA", "R", "S nomss"};
    bool outside = place == LEFT || place == RIGHT, closed;
    /* nothing new is acknowledged: 1 is our SYN, and in FIN-WAIT-2 the FIN was */
    unsigned ack = state == GANDER_TCP_FIN_WAIT_2 ? 2 : 1;

    reach(d, state);
    closed = left_edge(state) == 2;
    if (kind == RST || kind == SYN)
        arrive(d, "%s seq=%lld", words[kind], (long long)number(state, kind, place));
    else
        arrive(d, "%s seq=%lld ack=%u", words[kind], (long long)number(state, kind, place), ack);
    if (kind == RST)
        reset_cell(d, state, place);
    else if (kind == SYN || outside) /* RFC 5961 4.2; RFC 9293 3.10.7.4, first */
        answered(d, state);
    else if (kind == ACK)
        unanswered(d, state);
    else if (kind == FIN && place == LEFT_EDGE)
        fin_at_left_edge(d, state);
    else if (kind == TEXT && place == LEFT_EDGE)
        text_at_left_edge(d, state);
    else if (kind == TEXT && closed)
        unanswered(d, state);
    else /* ahead of a gap: RFC 5681 4.2, at once */
        answered(d, state);
}

#define CELL(state, kind, place)                                                                   \
    DIALOGUE(state##_##kind##_##place)                                                             \
    {                                                                                              \
        cell(d, GANDER_TCP_##state, kind, place);                                                  \
    }
#define PLACES(X, state, kind)                                                                     \
    X(state, kind, LEFT)                                                                           \
    X(state, kind, LEFT_EDGE)                                                                      \
    X(state, kind, INSIDE) X(state, kind, RIGHT_EDGE) X(state, kind, RIGHT)
#define KINDS(X, state)                                                                            \
    PLACES(X, state, ACK)                                                                          \
    PLACES(X, state, TEXT) PLACES(X, state, FIN) PLACES(X, state, RST) PLACES(X, state, SYN)
#define CELLS(X)                                                                                   \
    KINDS(X, ESTABLISHED)                                                                          \
    KINDS(X, FIN_WAIT_1)                                                                           \
    KINDS(X, FIN_WAIT_2) KINDS(X, CLOSE_WAIT) KINDS(X, CLOSING) KINDS(X, LAST_ACK)

CELLS(CELL)

#define ENTRY(state, kind, place) {#state " " #kind " " #place, state##_##kind##_##place, NULL},

static const struct dialogue_test tests[] = {CELLS(ENTRY)};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}

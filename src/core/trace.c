/* SPDX-License-Identifier: MIT */
/* The trace hook, the counted and named end of packets, and the texts of every list. */
#include "core/stack.h"

#include "wire/wire.h"

void trace_emit(struct gander_stack *stack, struct gander_trace_event *event,
                const struct trace_flow *flow)
{
    event->time = stack->now;
    if (flow) {
        uint32_t n = wire_ip_address_bytes(flow->family);

        event->id = flow->id;
        event->local.family = event->remote.family = flow->family;
        event->local.port = flow->local_port;
        event->remote.port = flow->remote_port;
        if (flow->local_ip)
            memcpy(event->local.ip, flow->local_ip, n);
        if (flow->remote_ip)
            memcpy(event->remote.ip, flow->remote_ip, n);
    }
    stack->config.trace(stack->config.trace_context, event);
}

void drop_packet(struct gander_stack *stack, struct gander_packet *packet, enum gander_drop reason,
                 const struct trace_flow *flow)
{
    stack->stats.drops[reason]++;
    if (trace_on(stack)) {
        struct gander_trace_event event = {.type = GANDER_TRACE_drop};

        event.u.drop = (struct gander_trace_drop){(uint8_t)reason, packet ? packet->len : 0};
        trace_emit(stack, &event, flow);
    }
    gander_packet_free(packet);
}

/* --- texts ----------------------------------------------------------------------------------------- */

static const char *text_of(const char *const *texts, unsigned count, unsigned i)
{
    return i < count && texts[i] ? texts[i] : "?";
}

const char *gander_tcp_state_name(unsigned state)
{
    static const char *const names[GANDER_TCP_STATES] = {
        "CLOSED",     "LISTEN",     "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
        "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",  "LAST-ACK",     "TIME-WAIT"};

    return text_of(names, GANDER_TCP_STATES, state);
}

const char *gander_why_text(unsigned why)
{
    static const char *const texts[] = {
#define WHY(name, text) text,
#include <gander/why.def>
#undef WHY
    };

    return text_of(texts, GANDER_WHY_COUNT, why);
}

const char *gander_drop_name(unsigned reason)
{
    static const char *const names[] = {
        "none",
#define DROP(name, text) #name,
#include <gander/drop_reasons.def>
#undef DROP
    };

    return text_of(names, GANDER_DROP_COUNT, reason);
}

const char *gander_drop_text(unsigned reason)
{
    static const char *const texts[] = {
        "not dropped",
#define DROP(name, text) text,
#include <gander/drop_reasons.def>
#undef DROP
    };

    return text_of(texts, GANDER_DROP_COUNT, reason);
}

const char *gander_cause_text(unsigned cause)
{
    static const char *const texts[] = {
#define GANDER_CAUSE_TEXT(name, text) text,
        GANDER_CAUSES(GANDER_CAUSE_TEXT)
#undef GANDER_CAUSE_TEXT
    };

    return text_of(texts, GANDER_CAUSE_COUNT, cause);
}

const char *gander_timer_text(unsigned timer)
{
    static const char *const texts[] = {
#define GANDER_TIMER_TEXT(name, text) text,
        GANDER_TIMERS(GANDER_TIMER_TEXT)
#undef GANDER_TIMER_TEXT
    };

    return text_of(texts, GANDER_TIMER_COUNT, timer);
}

const char *gander_strerror(int error)
{
    switch (error) {
    case GANDER_OK:
        return "success";
#define GANDER_ERROR_TEXT(name, value, text)                                                       \
    case value:                                                                                    \
        return text;
        GANDER_ERRORS(GANDER_ERROR_TEXT)
#undef GANDER_ERROR_TEXT
    default:
        return "unknown error";
    }
}

const char *gander_version(void)
{
    return GANDER_VERSION;
}

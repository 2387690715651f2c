/* SPDX-License-Identifier: MIT */
/*
 * The invariants of the lists that connections share: of those that want to send, by link, and of those that hold memory, by
 * class; and of the flow that was found last. check.c calls it.
 */
#include "tcp/check.h"

static const char *output_broken(const struct gander_stack *stack, unsigned link)
{
    const struct tcp_output_list *list = &stack->tcp.output[link];
    const struct tcp_conn *before = NULL;

    for (const struct tcp_conn *c = list->first; c; c = c->output_next) {
        if (c->output_prev != before || c->entity.kind != TCP_CONNECTION)
            return "the list of output is linked both ways";
        if (!(c->flags & TCP_OUTPUT_LISTED) || c->entity.link != link)
            return "who stands in the list of output knows it, and sends on its link";
        before = c;
    }
    return list->last == before ? NULL : "the list of output ends with its last";
}

static const char *holders_broken(const struct gander_stack *stack, unsigned class_)
{
    const struct tcp_holders *list = &stack->tcp.holders[class_];
    const struct tcp_busy *before = NULL;

    for (const struct tcp_busy *b = list->stuck_longest; b; b = b->holder_newer) {
        if (class_ == 0 || b->holder_older != before || b->conn->busy != b)
            return "the list of holders is linked both ways, and of the living";
        if (b->holder_class != class_ || b->progress_ns > stack->now)
            return "a holder knows its class";
        before = b;
    }
    return list->latest == before ? NULL : "the list of holders ends with its latest";
}

const char *tcp_lists_broken(const struct gander_stack *stack)
{
    struct tcp_entity *last = stack->tcp.flow_last;
    const char *broken = NULL;

    for (unsigned link = 0; link < stack->link_count && !broken; link++)
        broken = output_broken(stack, link);
    for (unsigned class_ = 0; class_ < TCP_HOLDER_CLASSES && !broken; class_++)
        broken = holders_broken(stack, class_);
    if (broken || !last)
        return broken;
    return tcp_flow_find(stack, last->family, last->hash, tcp_entity_flow(last)) == last
               ? NULL
               : "the flow found last is still there";
}

/* SPDX-License-Identifier: MIT */
/* The application on gander: one end always has more to send, the other reads at once and counts. */
#include "loss.h"

enum { CHUNK_BYTES = 65536, BUFFER_MOST_BYTES = 64 << 20, MEMORY_BYTES = 1 << 30, BACKLOG = 4 };

static uint8_t chunk[CHUNK_BYTES];

void loss_flow_config(struct gander_config *config)
{
    config->memory_max_bytes = MEMORY_BYTES;
    config->tcp_send_buffer_max_bytes = BUFFER_MOST_BYTES;
    config->tcp_receive_buffer_max_bytes = BUFFER_MOST_BYTES;
}

int loss_flow_start(struct loss_flow *flow, struct gander_stack *sender,
                    struct gander_stack *receiver, const struct gander_address *peer,
                    const char *cc)
{
    int error;

    *flow = (struct loss_flow){.sender = sender, .receiver = receiver};
    error = gander_open(receiver, GANDER_TCP, &flow->listener);
    if (!error)
        error = gander_bind(receiver, flow->listener, peer);
    if (!error)
        error = gander_listen(receiver, flow->listener, BACKLOG);
    if (!error)
        error = gander_open(sender, GANDER_TCP, &flow->out);
    if (!error)
        error = gander_set_congestion_control(sender, flow->out, cc);
    return error ? error : gander_connect(sender, flow->out, peer);
}

static void flow_send(struct loss_flow *flow)
{
    while (gander_send(flow->sender, flow->out, chunk, sizeof(chunk), 0) > 0)
        ;
}

static void flow_receive(struct loss_flow *flow)
{
    int64_t n;

    while ((n = gander_receive(flow->receiver, flow->in, chunk, sizeof(chunk), 0)) > 0)
        flow->received_bytes += (uint64_t)n;
}

static void flow_event(struct loss_flow *flow, struct gander_stack *stack,
                       const struct gander_event *event)
{
    if (stack == flow->sender && event->socket == flow->out) {
        if (event->bits & GANDER_EVENT_CLOSED)
            flow->error = event->error ? event->error : GANDER_EPIPE;
        else
            flow_send(flow);
    } else if (stack == flow->receiver && event->socket == flow->listener) {
        if (gander_accept(stack, flow->listener, &flow->in, NULL) == GANDER_OK)
            flow_receive(flow);
    } else if (stack == flow->receiver && event->socket == flow->in) {
        flow_receive(flow);
    }
}

void loss_flow_events(struct loss_flow *flows, size_t n, struct gander_stack *stack,
                      const struct gander_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t f = 0; f < n; f++)
            flow_event(&flows[f], stack, &events[i]);
    }
}

uint64_t loss_flow_retransmitted(const struct loss_flow *flow)
{
    struct gander_tcp_info info;

    return gander_tcp_info(flow->sender, flow->out, &info) ? 0 : info.retransmitted_segments;
}

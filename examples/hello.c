/* SPDX-License-Identifier: MIT */
/* Two hosts in one program: one connects and sends a line, the other prints it. */
#include <stdio.h>

#include <gander/gander.h>
#include <gander/host.h>

static struct gander_stack *host(const char *ip)
{
    struct gander_stack *stack;
    struct gander_config config;
    struct gander_address address;

    gander_host_config(&config); /* memory from malloc, a random secret */
    gander_stack_create(&config, &stack);
    gander_link_add(stack, &(struct gander_link_config){.mtu_bytes = 1500}, &(unsigned){0});
    gander_address_parse(ip, &address);
    gander_address_add(stack, 0, &address, 24);
    return stack;
}

int main(void)
{
    struct gander_stack *mei = host("192.0.2.1"), *lin = host("192.0.2.2");
    struct gander_packet *packets[16];
    struct gander_address door;
    gander_socket listener, caller, called;
    char text[64];

    gander_address_parse("192.0.2.2:7000", &door);
    gander_open(lin, GANDER_TCP, &listener);
    gander_bind(lin, listener, &door);
    gander_listen(lin, listener, 1);
    gander_open(mei, GANDER_TCP, &caller);
    gander_connect(mei, caller, &door);
    gander_send(mei, caller, "Hello from far away!", 20, 0);
    for (int i = 0; i < 2; i++) { /* SYN and SYN-ACK; ACK with the line, and its ACK */
        gander_input(lin, 0, packets, gander_output(mei, 0, packets, 16));
        gander_input(mei, 0, packets, gander_output(lin, 0, packets, 16));
    }
    gander_accept(lin, listener, &called, NULL);
    printf("%.*s\n", (int)gander_receive(lin, called, text, sizeof(text), 0), text);
    gander_stack_destroy(mei);
    gander_stack_destroy(lin);
}

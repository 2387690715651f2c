/* SPDX-License-Identifier: MIT */
/*
 * A program outside the tree, as an embedder would write it: two stacks on a cable, driven by the loop of gander-host;
 * one sends a line over TCP, the other prints it. It also has functions under names that the libraries use inside:
 * they must not meet.
 */
#include <stdio.h>
#include <stdlib.h>

#include <gander/gander.h>
#include <gander/host.h>
#include <gander/pair.h>

/* Whoever hides badly would call these. */
void tcp_input(void);
void checksum_add(void);
void tcp_input(void)
{
    abort();
}
void checksum_add(void)
{
    abort();
}

static void must(int64_t result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", what, gander_strerror((int)result));
        exit(1);
    }
}

static struct gander_stack *make_host(struct gander_host *loop, struct gander_driver *driver,
                                      const char *address)
{
    struct gander_config config;
    struct gander_stack *stack;
    struct gander_link_config link_config = {.mtu_bytes = driver->mtu_bytes};
    struct gander_address own;
    unsigned link;

    must(gander_host_config(&config), "config");
    must(gander_stack_create(&config, &stack), "stack");
    must(gander_link_add(stack, &link_config, &link), "link");
    must(gander_address_parse(address, &own), "parse");
    must(gander_address_add(stack, link, &own, 24), "address");
    must(gander_host_attach(loop, stack, link, driver), "attach");
    return stack;
}

int main(void)
{
    struct gander_host *loop;
    struct gander_driver *left, *right;
    struct gander_stack *client, *server;
    struct gander_address at;
    gander_socket listener, sender, receiver = 0;
    char line[64];
    int64_t n = GANDER_EAGAIN;

    must(gander_host_create(&loop), "loop");
    must(gander_pair_create(1500, 0, 0, &left, &right), "pair");
    client = make_host(loop, left, "192.0.2.1");
    server = make_host(loop, right, "192.0.2.2");

    must(gander_address_parse("192.0.2.2:7", &at), "parse");
    must(gander_open(server, GANDER_TCP, &listener), "open");
    must(gander_bind(server, listener, &at), "bind");
    must(gander_listen(server, listener, 1), "listen");
    must(gander_open(client, GANDER_TCP, &sender), "open");
    must(gander_connect(client, sender, &at), "connect");
    must(gander_send(client, sender, "hello from outside", 18, 0), "send");

    for (int turns = 0; n == GANDER_EAGAIN && turns < 1000; turns++) {
        must(gander_host_run_once(loop, GANDER_MS), "run");
        if (!receiver && gander_accept(server, listener, &receiver, NULL) < 0)
            continue;
        n = gander_receive(server, receiver, line, sizeof(line), 0);
    }
    must(n, "receive");
    printf("gander %s: %.*s\n", gander_version(), (int)n, line);

    gander_host_destroy(loop);
    gander_stack_destroy(client);
    gander_stack_destroy(server);
    gander_driver_close(left);
    gander_driver_close(right);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * What packetdrill loads: libgander-packetdrill.so gives it a table of functions, and a stack behind them in virtual time. See
 * docs/packetdrill.md for its flags, and object.h for how it works.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "object.h"

static void *memory_alloc(void *context, size_t size, size_t align)
{
    (void)context;
    return aligned_alloc(align, (size + align - 1) / align * align);
}

static void memory_free(void *context, void *memory, size_t size)
{
    (void)context;
    (void)size;
    free(memory);
}

static void object_free(void *ud)
{
    struct pd_object *o = ud;

    pthread_mutex_lock(&o->lock);
    pd_files_finish(o);
    pd_netdev_finish(o);
    gander_stack_destroy(o->stack);
    pthread_mutex_unlock(&o->lock);
    pthread_cond_destroy(&o->settled);
    pthread_mutex_destroy(&o->lock);
    free(o);
}

static struct pd_object *object_new(const char *flags)
{
    struct pd_object *o = calloc(1, sizeof(*o));
    int error;

    if (!o)
        return NULL;
    pthread_mutex_init(&o->lock, NULL);
    pthread_cond_init(&o->settled, NULL);
    o->driver = pthread_self();
    o->last = &o->first;
    o->now_us = PD_START_US;
    pd_config_linux(&o->config, &o->settings);
    o->settings.fitted = pd_environment(&o->settings);
    pd_flags_parse(flags, &o->config, &o->settings);
    o->config.memory = (struct gander_memory){.alloc = memory_alloc, .free = memory_free};
    o->config.start = o->now_us * GANDER_US;
    /* numbers need not be secret here, only the same each time */
    memset(o->config.secret, 0x5a, sizeof(o->config.secret));
    error = gander_stack_create(&o->config, &o->stack);
    if (!error && pd_link_make(o)) {
        pd_address_need(o, &o->settings.local4);
        pd_address_need(o, &o->settings.local6);
        pd_fastopen_keys_set(o);
    } else {
        fprintf(stderr, "gander: no stack: %s\n", gander_strerror(error ? error : GANDER_EINVAL));
        gander_stack_destroy(o->stack);
        free(o);
        return NULL;
    }
    return o;
}

__attribute__((visibility("default"))) void
packetdrill_interface_init(const char *flags, struct packetdrill_interface *interface)
{
    struct pd_object *o = object_new(flags);

    if (!o)
        abort(); /* there is no way to say no */
    *interface = (struct packetdrill_interface){
        .userdata = o,
        .free = object_free,
        .socket = pd_socket,
        .bind = pd_bind,
        .listen = pd_listen,
        .accept = pd_accept,
        .connect = pd_connect,
        .read = pd_read,
        .readv = pd_readv,
        .recv = pd_recv,
        .recvfrom = pd_recvfrom,
        .recvmsg = pd_recvmsg,
        .write = pd_write,
        .writev = pd_writev,
        .send = pd_send,
        .sendto = pd_sendto,
        .sendmsg = pd_sendmsg,
        .fcntl = pd_fcntl,
        .ioctl = pd_ioctl,
        .close = pd_close,
        .shutdown = pd_shutdown,
        .getsockopt = pd_getsockopt,
        .setsockopt = pd_setsockopt,
        .poll = pd_poll,
        .netdev_send = pd_netdev_send,
        .netdev_receive = pd_netdev_receive,
        .usleep = pd_usleep,
        .gettimeofday = pd_gettimeofday,
        .epoll_create = pd_epoll_create,
        .epoll_ctl = pd_epoll_ctl,
        .epoll_wait = pd_epoll_wait,
        .pipe = pd_pipe,
        .splice = pd_splice,
    };
}

/* SPDX-License-Identifier: MIT */
/*
 * A TUN device of the Linux kernel: the kernel is the neighbour at the other end. Whole IP packets,
 * no link header. Configured here too (ioctl and netlink), so that nothing else is needed to talk
 * with the kernel.
 *
 * Each call that can fail writes one line for people into `error` (may be NULL): what went wrong,
 * and what to do.
 */
#ifndef GANDER_TUN_H
#define GANDER_TUN_H

#include <gander/error.h>
#include <gander/link.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { GANDER_TUN_NAME_BYTES = 16, GANDER_TUN_ERROR_BYTES = 256 };

/*
 * Opens a TUN device, non-blocking; makes it if there is none of this name, and then it ends with
 * the driver. `name` NULL or "": the kernel chooses (gander_tun_name() tells). The device may be
 * one that an administrator prepared for this user; then no privilege is needed. The driver's MTU
 * is the device's. GANDER_EINVAL: a name that no interface can have. GANDER_EIO: everything else;
 * `error` tells.
 */
int gander_tun_open(const char *name, struct gander_driver **driver, char *error,
                    size_t error_bytes);

/* The interface's name; "" if this is no TUN driver. */
const char *gander_tun_name(const struct gander_driver *driver);

/*
 * Sets the MTU (0: as it is) and brings the interface up. Before gander_link_add(), which takes the
 * MTU. GANDER_EINVAL: MTU below 576 or above 65,535, or no TUN driver. GANDER_EIO: refused; needs
 * CAP_NET_ADMIN.
 */
int gander_tun_up(struct gander_driver *driver, uint32_t mtu_bytes, char *error,
                  size_t error_bytes);

/*
 * Gives the kernel's side an address; with it comes the kernel's route to the prefix. The stack's
 * own address is another one in the same prefix. `address`->port is not used. Also brings the
 * interface up. GANDER_EINVAL: no TUN driver, or prefix too long. GANDER_EIO: refused; needs
 * CAP_NET_ADMIN.
 */
int gander_tun_configure(struct gander_driver *driver, const struct gander_address *address,
                         unsigned prefix_bits, char *error, size_t error_bytes);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
/*
 * A TUN device of the Linux kernel (Documentation/networking/tuntap.rst), and as much of interface
 * configuration as it takes to talk with the kernel over it: MTU and state by ioctl (netdevice(7)),
 * addresses by netlink (rtnetlink(7), RTM_NEWADDR), which do IPv4 and IPv6 alike. Left out: several
 * queues, offloads (virtio header), TAP.
 */
#include <gander/tun.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define TUN_DEVICE "/dev/net/tun"

struct tun {
    struct gander_driver driver;
    int fd;
    char name[GANDER_TUN_NAME_BYTES];
};

static inline struct tun *tun_of(struct gander_driver *driver)
{
    return (struct tun *)(void *)driver;
}

/* --- what people read ---------------------------------------------------------------------------
 */

struct text {
    char *to;
    size_t bytes;
};

static struct text text_into(char *to, size_t bytes)
{
    struct text text = {to, bytes};

    if (to && bytes > 0)
        to[0] = '\0';
    return text;
}

__attribute__((format(printf, 3, 4))) static int fail(const struct text *text, int code,
                                                      const char *format, ...)
{
    va_list args;

    if (text->to && text->bytes > 0) {
        va_start(args, format);
        (void)vsnprintf(text->to, text->bytes, format, args);
        va_end(args);
    }
    return code;
}

static int fail_open(const struct text *text)
{
    switch (errno) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return fail(text, GANDER_EIO,
                    TUN_DEVICE " is missing: load the kernel module (modprobe tun), or start the "
                               "container with --device " TUN_DEVICE);
    case EACCES:
    case EPERM:
        return fail(text, GANDER_EIO,
                    "no permission to open " TUN_DEVICE ": run as root, or in a namespace of your "
                    "own (unshare -rn)");
    default:
        return fail(text, GANDER_EIO, "cannot open " TUN_DEVICE ": %s", strerror(errno));
    }
}

static int fail_attach(const struct text *text, const char *name)
{
    switch (errno) {
    case EBUSY:
        return fail(text, GANDER_EIO,
                    "interface %s is in use by another program: stop that, or choose another name",
                    name);
    case EPERM:
    case EACCES:
        return fail(
            text, GANDER_EIO,
            "no permission to use a TUN interface%s%s: run as root or with CAP_NET_ADMIN, or have "
            "one made for you (ip tuntap add dev NAME mode tun user USER)",
            name[0] ? " named " : "", name);
    case EINVAL:
        return fail(text, GANDER_EIO,
                    "interface %s exists and is no TUN device: choose another name", name);
    default:
        return fail(text, GANDER_EIO, "cannot make TUN interface %s: %s", name, strerror(errno));
    }
}

static int fail_configure(const struct text *text, const char *what, const char *name, int error)
{
    if (error == EPERM || error == EACCES)
        return fail(text, GANDER_EIO,
                    "no permission to %s of %s: run as root or with CAP_NET_ADMIN", what, name);
    return fail(text, GANDER_EIO, "cannot %s of %s: %s", what, name, strerror(error));
}

/* --- the driver
 * ------------------------------------------------------------------------------------ */

/* Makes room in the device when the stack has no memory: the packet is lost, but the descriptor
 * goes quiet. */
static ssize_t discard_one(const struct tun *tun)
{
    uint8_t byte;

    return read(tun->fd, &byte, sizeof(byte));
}

static int tun_receive(struct gander_driver *driver, struct gander_stack *stack, gander_time now,
                       struct gander_packet **packets, int max)
{
    struct tun *tun = tun_of(driver);
    int n = 0;

    (void)now;
    while (n < max) {
        struct gander_packet *packet = gander_packet_alloc(stack, driver->mtu_bytes);
        ssize_t bytes =
            packet ? read(tun->fd, packet->frag[0].data, driver->mtu_bytes) : discard_one(tun);
        int error = errno; /* the stack's allocator may change it */

        if (bytes <= 0) {
            gander_packet_free(packet);
            if (bytes == 0 || error == EAGAIN)
                break;
            if (error == EINTR)
                continue;
            if (n == 0) {
                errno = error;
                return GANDER_EIO;
            }
            break;
        }
        if (!packet) {
            driver->refused_packets++;
            break;
        }
        gander_packet_trim(packet, (size_t)bytes);
        packets[n++] = packet;
    }
    driver->received_packets += (uint64_t)n;
    return n;
}

static ssize_t write_packet(const struct tun *tun, const struct gander_packet *packet)
{
    struct iovec iov[GANDER_PACKET_FRAGS];
    ssize_t written;

    for (unsigned i = 0; i < packet->frags; i++)
        iov[i] = (struct iovec){.iov_base = packet->frag[i].data, .iov_len = packet->frag[i].len};
    do
        written = writev(tun->fd, iov, packet->frags);
    while (written < 0 && errno == EINTR);
    return written;
}

static int tun_transmit(struct gander_driver *driver, gander_time now,
                        struct gander_packet *const *packets, int n)
{
    const struct tun *tun = tun_of(driver);
    int sent = 0;

    (void)now;
    while (sent < n) {
        if (write_packet(tun, packets[sent]) >= 0)
            driver->transmitted_packets++;
        else if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
            break;
        else if (errno == EBADFD || errno == ENODEV || errno == ENXIO)
            return sent > 0 ? sent : GANDER_EIO;
        else /* EIO: the interface is down; EINVAL: the kernel does not like the packet */
            driver->refused_packets++;
        gander_packet_free(packets[sent++]);
    }
    return sent;
}

static gander_time tun_deadline(const struct gander_driver *driver)
{
    (void)driver;
    return GANDER_NEVER;
}

static int tun_descriptor(const struct gander_driver *driver)
{
    return ((const struct tun *)(const void *)driver)->fd;
}

static void tun_close(struct gander_driver *driver)
{
    struct tun *tun = tun_of(driver);

    close(tun->fd);
    free(tun);
}

static const struct gander_driver_ops tun_ops = {
    .receive = tun_receive,
    .transmit = tun_transmit,
    .deadline = tun_deadline,
    .descriptor = tun_descriptor,
    .close = tun_close,
};

static bool is_tun(const struct gander_driver *driver)
{
    return driver && driver->ops == &tun_ops;
}

const char *gander_tun_name(const struct gander_driver *driver)
{
    return is_tun(driver) ? ((const struct tun *)(const void *)driver)->name : "";
}

/* --- opening
 * ------------------------------------------------------------------------------------------ */

/* As the kernel's dev_valid_name() */
static bool name_valid(const char *name)
{
    if (strlen(name) >= IFNAMSIZ || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    for (const char *c = name; *c; c++) {
        if (*c == '/' || *c == ':' || (unsigned char)*c <= ' ')
            return false;
    }
    return true;
}

static void request_init(struct ifreq *request, const char *name)
{
    memset(request, 0, sizeof(*request));
    memcpy(request->ifr_name, name, strlen(name) + 1);
}

/* A socket to configure interfaces through, an ioctl on it; returns 0 or an errno value. */
static int interface_ioctl(unsigned long what, struct ifreq *request)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int error = 0;

    if (fd < 0)
        fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    if (ioctl(fd, what, request) < 0)
        error = errno;
    close(fd);
    return error;
}

static int read_mtu(struct tun *tun)
{
    struct ifreq request;
    int error;

    request_init(&request, tun->name);
    error = interface_ioctl(SIOCGIFMTU, &request);
    if (error == 0)
        tun->driver.mtu_bytes = (uint32_t)request.ifr_mtu;
    return error;
}

static int attach(struct tun *tun, const char *name, const struct text *text)
{
    struct ifreq request;
    int error;

    tun->fd = open(TUN_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tun->fd < 0)
        return fail_open(text);
    request_init(&request, name);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (ioctl(tun->fd, TUNSETIFF, &request) < 0) {
        int result = fail_attach(text, name);

        close(tun->fd);
        return result;
    }
    memcpy(tun->name, request.ifr_name, sizeof(tun->name) - 1);
    error = read_mtu(tun);
    if (error != 0) {
        close(tun->fd);
        return fail_configure(text, "read the MTU", tun->name, error);
    }
    return GANDER_OK;
}

int gander_tun_open(const char *name, struct gander_driver **driver, char *error,
                    size_t error_bytes)
{
    const struct text text = text_into(error, error_bytes);
    struct tun *tun;
    int result;

    if (!name)
        name = "";
    if (!name_valid(name))
        return fail(
            &text, GANDER_EINVAL,
            "\"%s\" cannot be an interface name: at most 15 characters, no space, / or :", name);
    tun = calloc(1, sizeof(*tun));
    if (!tun)
        return fail(&text, GANDER_ENOMEM, "out of memory");
    tun->driver.ops = &tun_ops;
    result = attach(tun, name, &text);
    if (result < 0) {
        free(tun);
        return result;
    }
    *driver = &tun->driver;
    return GANDER_OK;
}

/* --- configuring
 * ------------------------------------------------------------------------------------------ */

static int set_mtu(struct tun *tun, uint32_t mtu_bytes)
{
    struct ifreq request;
    int error;

    request_init(&request, tun->name);
    request.ifr_mtu = (int)mtu_bytes;
    error = interface_ioctl(SIOCSIFMTU, &request);
    if (error == 0)
        tun->driver.mtu_bytes = mtu_bytes;
    return error;
}

static int set_up(const struct tun *tun)
{
    struct ifreq request;
    int error;

    request_init(&request, tun->name);
    error = interface_ioctl(SIOCGIFFLAGS, &request);
    if (error != 0 || (request.ifr_flags & IFF_UP))
        return error;
    request.ifr_flags |= IFF_UP;
    return interface_ioctl(SIOCSIFFLAGS, &request);
}

int gander_tun_up(struct gander_driver *driver, uint32_t mtu_bytes, char *error, size_t error_bytes)
{
    const struct text text = text_into(error, error_bytes);
    struct tun *tun = tun_of(driver);
    int failed = 0;

    if (!is_tun(driver))
        return fail(&text, GANDER_EINVAL, "not a TUN driver");
    if (mtu_bytes != 0 && (mtu_bytes < 576 || mtu_bytes > 65535))
        return fail(&text, GANDER_EINVAL, "MTU %u: choose 576 to 65535", mtu_bytes);
    if (mtu_bytes != 0 && mtu_bytes != driver->mtu_bytes)
        failed = set_mtu(tun, mtu_bytes);
    if (failed != 0)
        return fail_configure(&text, "set the MTU", tun->name, failed);
    failed = set_up(tun);
    if (failed != 0)
        return fail_configure(&text, "change the state", tun->name, failed);
    return GANDER_OK;
}

struct address_request {
    struct nlmsghdr header;
    struct ifaddrmsg address;
    uint8_t attributes[2 * (sizeof(struct rtattr) + 16)];
};

static void add_attribute(struct address_request *request, unsigned short type, const void *data,
                          size_t bytes)
{
    struct rtattr attribute = {.rta_len = (unsigned short)(sizeof(attribute) + bytes),
                               .rta_type = type};
    uint8_t *to = (uint8_t *)request + request->header.nlmsg_len;

    memcpy(to, &attribute, sizeof(attribute));
    memcpy(to + sizeof(attribute), data, bytes);
    request->header.nlmsg_len += (uint32_t)(sizeof(attribute) + bytes);
}

/* Sends a request to the kernel and waits for its answer; returns 0 or an errno value. */
static int netlink_ask(const struct nlmsghdr *request)
{
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        uint8_t rest[512];
    } answer;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    int error = 0;

    if (fd < 0)
        return errno;
    if (send(fd, request, request->nlmsg_len, 0) < 0)
        error = errno;
    else if (recv(fd, &answer, sizeof(answer), 0) < (ssize_t)sizeof(answer.header) + 4 ||
             answer.header.nlmsg_type != NLMSG_ERROR) /* which is success, too */
        error = EPROTO;
    else
        error = -answer.error.error;
    close(fd);
    return error;
}

static int add_address(const struct tun *tun, const struct gander_address *address,
                       unsigned prefix_bits)
{
    struct address_request request;
    size_t bytes = address->family == GANDER_IPV4 ? 4 : 16;

    memset(&request, 0, sizeof(request));
    request.header = (struct nlmsghdr){
        .nlmsg_len = offsetof(struct address_request, attributes),
        .nlmsg_type = RTM_NEWADDR,
        .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE,
    };
    request.address.ifa_family = address->family == GANDER_IPV4 ? AF_INET : AF_INET6;
    request.address.ifa_prefixlen = (uint8_t)prefix_bits;
    /* There is no one to collide with: the address is usable at once. */
    request.address.ifa_flags = address->family == GANDER_IPV6 ? IFA_F_NODAD : 0;
    request.address.ifa_index = if_nametoindex(tun->name);
    add_attribute(&request, IFA_LOCAL, address->ip, bytes);
    add_attribute(&request, IFA_ADDRESS, address->ip, bytes);
    return netlink_ask(&request.header);
}

/* Asks where the kernel would send packets for one of its addresses. */
static bool is_local(const struct gander_address *address)
{
    struct {
        struct nlmsghdr header;
        struct rtmsg route;
        uint8_t attributes[256];
    } message;
    size_t bytes = address->family == GANDER_IPV4 ? 4 : 16;
    struct rtattr attribute = {.rta_len = (unsigned short)(sizeof(attribute) + bytes),
                               .rta_type = RTA_DST};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    ssize_t n = -1;

    if (fd < 0)
        return false;
    memset(&message, 0, sizeof(message));
    message.header = (struct nlmsghdr){
        .nlmsg_len = (uint32_t)(sizeof(message.header) + sizeof(message.route)) + attribute.rta_len,
        .nlmsg_type = RTM_GETROUTE,
        .nlmsg_flags = NLM_F_REQUEST,
    };
    message.route.rtm_family = address->family == GANDER_IPV4 ? AF_INET : AF_INET6;
    message.route.rtm_dst_len = (uint8_t)(bytes * 8);
    memcpy(message.attributes, &attribute, sizeof(attribute));
    memcpy(message.attributes + sizeof(attribute), address->ip, bytes);
    if (send(fd, &message, message.header.nlmsg_len, 0) > 0)
        n = recv(fd, &message, sizeof(message), 0);
    close(fd);
    return n >= (ssize_t)(sizeof(message.header) + sizeof(message.route)) &&
           message.header.nlmsg_type == RTM_NEWROUTE && message.route.rtm_type == RTN_LOCAL;
}

/*
 * The kernel finishes an IPv6 address in the background, even without duplicate address detection; until then
 * it takes packets to it for somebody else's. Usually less than a millisecond.
 */
static void wait_until_local(const struct gander_address *address)
{
    const struct timespec pause = {.tv_nsec = 1000000};

    for (int i = 0; i < 1000 && !is_local(address); i++)
        (void)nanosleep(&pause, NULL);
}

int gander_tun_configure(struct gander_driver *driver, const struct gander_address *address,
                         unsigned prefix_bits, char *error, size_t error_bytes)
{
    const struct text text = text_into(error, error_bytes);
    int result;

    if (!is_tun(driver))
        return fail(&text, GANDER_EINVAL, "not a TUN driver");
    if ((address->family != GANDER_IPV4 || prefix_bits > 32) &&
        (address->family != GANDER_IPV6 || prefix_bits > 128))
        return fail(&text, GANDER_EINVAL, "prefix length %u: choose at most %d", prefix_bits,
                    address->family == GANDER_IPV4 ? 32 : 128);
    result = gander_tun_up(driver, 0, error, error_bytes);
    if (result < 0)
        return result;
    result = add_address(tun_of(driver), address, prefix_bits);
    if (result == EACCES && address->family == GANDER_IPV6)
        return fail(&text, GANDER_EIO,
                    "IPv6 is switched off in the kernel: sysctl net.ipv6.conf.all.disable_ipv6=0");
    if (result != 0)
        return fail_configure(&text, "set the address", gander_tun_name(driver), result);
    wait_until_local(address);
    return GANDER_OK;
}

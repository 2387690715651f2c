/* SPDX-License-Identifier: MIT */
/*
 * Error codes. Every call that can fail returns one of these, always negative; 0 is success.
 * Each call's comment lists the codes that it can return. On any error nothing has changed.
 */
#ifndef GANDER_ERROR_H
#define GANDER_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, value, text) */
#define GANDER_ERRORS(X)                                                                           \
    X(EBADF, -1, "no such socket, or it was closed")                                               \
    X(EINVAL, -2, "invalid argument")                                                              \
    X(ENOMEM, -3, "the stack's memory budget is used up")                                          \
    X(EAGAIN, -4, "nothing to do now; an event will tell when there is")                           \
    X(EADDRINUSE, -5, "address already in use")                                                    \
    X(EADDRNOTAVAIL, -6, "address is not one of this host's, or no port is free")                  \
    X(ECONNREFUSED, -7, "connection refused")                                                      \
    X(ECONNRESET, -8, "connection reset by peer")                                                  \
    X(ECONNABORTED, -9, "connection aborted")                                                      \
    X(ETIMEDOUT, -10, "connection timed out")                                                      \
    X(ENOTCONN, -11, "not connected")                                                              \
    X(EISCONN, -12, "already connected")                                                           \
    X(EALREADY, -13, "already in progress")                                                        \
    X(EPIPE, -14, "the sending direction is closed")                                               \
    X(EHOSTUNREACH, -15, "host unreachable")                                                       \
    X(ENETUNREACH, -16, "network unreachable")                                                     \
    X(EMSGSIZE, -17, "message too long")                                                           \
    X(EOPNOTSUPP, -18, "not supported by this kind of socket")                                     \
    X(ENOPROTOOPT, -19, "protocol not available at the destination")                               \
    X(EIO, -20, "input/output error in a link")

enum gander_error {
    GANDER_OK = 0,
#define GANDER_ERROR_ENUM(name, value, text) GANDER_##name = (value),
    GANDER_ERRORS(GANDER_ERROR_ENUM)
#undef GANDER_ERROR_ENUM
};

/* A short English text for an error code; never NULL, static, without a final stop. */
const char *gander_strerror(int error);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1 messages (RFC 9112): heads and bodies, parsed in memory. Knows nothing of sockets and files. What comes
 * from a peer is never trusted: all lengths are bounded, everything unclear is refused.
 */
#ifndef TOOLS_HTTP_H
#define TOOLS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_HEAD_MAX = 16384, HTTP_PATH_MAX = 4096, HTTP_FIELD_MAX = 1024 };

/*
 * The length of the head at the start of `data`, empty line included; 0: not complete yet; −1: longer than
 * HTTP_HEAD_MAX, or bytes that no head has. A server skips empty lines first [RFC9112 2.2].
 */
int64_t http_head_length(const char *data, size_t len);

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_OTHER };

struct http_request {
    enum http_method method;
    char path
        [HTTP_PATH_MAX]; /* decoded, begins with '/', without "." and ".." and without the query */
    bool slash;          /* it ended with '/' */
    bool keep_alive;
    bool has_body;
    char range[128];   /* the Range field, "" if none */
    char if_range[64]; /* … */
    char if_modified_since[64];
};

/* Parses a complete head. Returns 0, or the status that refuses it: 400, 414, 417, 431, 501, 505. */
int http_request_parse(const char *data, size_t len, struct http_request *request);

/* What a Range field asks of `size` bytes: 200: all (no range, or one that is not understood), 206: first … last, 416. */
int http_range(const char *range, int64_t size, int64_t *first, int64_t *last);

struct http_response {
    int status;
    char reason[64];
    char location[HTTP_FIELD_MAX];
    int64_t length; /* Content-Length; −1: none */
    bool chunked;
    bool other_encoding; /* a transfer coding that is not known here */
};

/* Parses a complete head of an answer. false: it is none. */
bool http_response_parse(const char *head, size_t len, struct http_response *response);

/* How the bytes behind an answer's head are read. */
struct http_body {
    enum {
        HTTP_BODY_LENGTH,
        HTTP_BODY_CLOSE,
        HTTP_BODY_SIZE,
        HTTP_BODY_CHUNK,
        HTTP_BODY_CHUNK_END,
        HTTP_BODY_TRAILER,
        HTTP_BODY_DONE,
        HTTP_BODY_BROKEN
    } state;
    int64_t left; /* of the length or the chunk */
    unsigned digits, line;
    bool extension;
};

void http_body_init(struct http_body *body, const struct http_response *response);

/*
 * Reads from `data`; returns how many bytes were consumed. *piece … *piece + *piece_len are payload within them, which
 * the caller may consume in part: http_body_take() tells how much it took. Bytes before the piece are consumed
 * by this call, those of the piece by http_body_take().
 */
size_t http_body_next(struct http_body *body, const char *data, size_t len, const char **piece,
                      size_t *piece_len);
void http_body_take(struct http_body *body, size_t len);

const char *http_reason(int status);

/* A media type by the file's name. */
const char *http_type(const char *path);

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7). */
char *http_date(int64_t unix_seconds, char text[40]);

/* Writes `text` percent-encoded for a path; stops before it overflows. Returns the length. */
size_t http_encode_path(const char *text, char *out, size_t size);

/* An http:// URL. */
struct http_url {
    char host[256]; /* without the brackets of IPv6 */
    bool brackets;
    uint16_t port;   /* 80 if none is given */
    char path[2048]; /* with the query, without the fragment; "/" at least */
};

/* NULL, or what would have been right. */
const char *http_url_parse(const char *text, struct http_url *url);

#endif

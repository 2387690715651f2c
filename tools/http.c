/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1 heads and bodies: RFC 9110 and 9112, so far as a file server and a fetcher need them. Left out on
 * purpose: obsolete line folding (refused), several ranges at once (answered with the whole), content codings,
 * trailers (read and dropped), the CONNECT and OPTIONS forms of the target.
 */
#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct span {
    const char *at;
    size_t len;
};

static bool span_is(struct span span, const char *text)
{
    return span.len == strlen(text) && strncasecmp(span.at, text, span.len) == 0;
}

/* Copies; false if it does not fit. */
static bool span_copy(struct span span, char *out, size_t size)
{
    if (span.len >= size)
        return false;
    memcpy(out, span.at, span.len);
    out[span.len] = 0;
    return true;
}

/* Is `token` an element of a comma-separated list? [RFC9110 5.6.1] */
static bool span_lists(struct span list, const char *token)
{
    while (list.len) {
        const char *comma = memchr(list.at, ',', list.len);
        struct span item = {list.at, comma ? (size_t)(comma - list.at) : list.len};

        list.at += item.len + (comma ? 1 : 0);
        list.len -= item.len + (comma ? 1 : 0);
        while (item.len && (*item.at == ' ' || *item.at == '\t')) {
            item.at++;
            item.len--;
        }
        while (item.len && (item.at[item.len - 1] == ' ' || item.at[item.len - 1] == '\t'))
            item.len--;
        if (span_is(item, token))
            return true;
    }
    return false;
}

/* A whole number without sign; −1: it is none, or too large. */
static int64_t span_number(struct span span)
{
    int64_t value = 0;

    if (!span.len || span.len > 18)
        return -1;
    for (size_t i = 0; i < span.len; i++) {
        if (span.at[i] < '0' || span.at[i] > '9')
            return -1;
        value = value * 10 + (span.at[i] - '0');
    }
    return value;
}

int64_t http_head_length(const char *data, size_t len)
{
    size_t line = 0; /* bytes of the line so far, its CR not counted */

    for (size_t i = 0; i < len; i++) {
        if (i >= HTTP_HEAD_MAX || data[i] == 0)
            return -1;
        if (data[i] == '\n') {
            if (line == 0)
                return (int64_t)i + 1;
            line = 0;
        } else if (data[i] != '\r') {
            line++;
        }
    }
    return 0;
}

/* The next line without its end, a lone LF being allowed as end [RFC9112 2.2]. */
static struct span head_line(struct span *head)
{
    const char *end = memchr(head->at, '\n', head->len);
    struct span line = {head->at, end ? (size_t)(end - head->at) : head->len};

    head->at += line.len + (end ? 1 : 0);
    head->len -= line.len + (end ? 1 : 0);
    if (line.len && line.at[line.len - 1] == '\r')
        line.len--;
    return line;
}

static bool is_token(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* Splits "Name: value". 1: a field, 0: the empty line at the end, −1: neither. */
static int head_field(struct span *head, struct span *name, struct span *value)
{
    struct span line = head_line(head);
    const char *colon;

    if (line.len == 0)
        return 0;
    colon = memchr(line.at, ':', line.len);
    if (!colon || colon == line.at)
        return -1;
    *name = (struct span){line.at, (size_t)(colon - line.at)};
    for (size_t i = 0; i < name->len; i++)
        if (!is_token(name->at[i]))
            return -1; /* blanks before the colon, folded lines [RFC9112 5.1, 5.2] */
    *value = (struct span){colon + 1, line.len - name->len - 1};
    while (value->len && (*value->at == ' ' || *value->at == '\t')) {
        value->at++;
        value->len--;
    }
    while (value->len && (value->at[value->len - 1] == ' ' || value->at[value->len - 1] == '\t'))
        value->len--;
    for (size_t i = 0; i < value->len; i++)
        if ((unsigned char)value->at[i] < ' ' && value->at[i] != '\t')
            return -1;
    return 1;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Decodes %XX; false for a wrong one and for NUL. */
static bool path_decode(struct span from, char *to, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < from.len; i++) {
        int c = (unsigned char)from.at[i];

        if (c == '%') {
            if (i + 2 >= from.len || hex_digit(from.at[i + 1]) < 0 || hex_digit(from.at[i + 2]) < 0)
                return false;
            c = hex_digit(from.at[i + 1]) * 16 + hex_digit(from.at[i + 2]);
            i += 2;
        }
        if (c == 0 || n + 1 >= size)
            return false;
        to[n++] = (char)c;
    }
    to[n] = 0;
    return true;
}

/*
 * Removes "." and ".." [RFC3986 5.2.4] after decoding, so that "%2e%2e" is seen too. What would climb above the
 * root is refused. Empty segments vanish.
 */
static bool path_flatten(char *path, bool *slash)
{
    char *out = path;
    size_t len = strlen(path);

    *slash = len > 0 && path[len - 1] == '/';
    for (char *in = path; *in;) {
        char *end = in + 1 + strcspn(in + 1, "/");
        size_t n = (size_t)(end - in);

        if (n == 3 && in[1] == '.' && in[2] == '.') {
            if (out == path)
                return false;
            while (*--out != '/')
                ;
            *slash = *end == 0 || *slash;
        } else if (n == 2 && in[1] == '.') {
            *slash = *end == 0 || *slash;
        } else if (n > 1) {
            memmove(out, in, n);
            out += n;
        }
        in = end;
    }
    if (out == path)
        *out++ = '/';
    *out = 0;
    return true;
}

/* "GET /path?query HTTP/1.1" */
static int request_line(struct span line, struct http_request *request)
{
    const char *first = memchr(line.at, ' ', line.len);
    const char *last = first ? memrchr(line.at, ' ', line.len) : NULL;
    struct span method, target, version;

    if (!first || first == last)
        return 400;
    method = (struct span){line.at, (size_t)(first - line.at)};
    target = (struct span){first + 1, (size_t)(last - first - 1)};
    version = (struct span){last + 1, line.len - (size_t)(last - line.at) - 1};
    for (size_t i = 0; i < method.len; i++)
        if (!is_token(method.at[i]))
            return 400;
    if (version.len != 8 || memcmp(version.at, "HTTP/", 5) != 0)
        return 400;
    if (version.at[5] != '1' || version.at[6] != '.')
        return 505;
    request->keep_alive = version.at[7] != '0';
    /* Methods are case-sensitive [RFC9110 9.1]. */
    request->method = method.len == 3 && memcmp(method.at, "GET", 3) == 0    ? HTTP_GET
                      : method.len == 4 && memcmp(method.at, "HEAD", 4) == 0 ? HTTP_HEAD
                                                                             : HTTP_OTHER;
    /* Absolute form [RFC9112 3.2.2]: the host is this one anyway. */
    if (target.len > 7 && strncasecmp(target.at, "http://", 7) == 0) {
        const char *path = memchr(target.at + 7, '/', target.len - 7);

        if (!path)
            return 400;
        target.len -= (size_t)(path - target.at);
        target.at = path;
    }
    if (target.len == 0 || target.at[0] != '/')
        return request->method == HTTP_OTHER ? 0 : 400;
    for (size_t i = 0; i < target.len; i++) {
        if (target.at[i] == '?' || target.at[i] == '#')
            target.len = i;
        else if ((unsigned char)target.at[i] <= ' ' || target.at[i] == 127)
            return 400;
    }
    if (target.len >= sizeof(request->path))
        return 414;
    if (!path_decode(target, request->path, sizeof(request->path)) ||
        !path_flatten(request->path, &request->slash))
        return 400;
    return 0;
}

static int request_field(struct http_request *request, struct span name, struct span value,
                         unsigned *hosts)
{
    if (span_is(name, "host")) {
        ++*hosts;
    } else if (span_is(name, "connection")) {
        if (span_lists(value, "close"))
            request->keep_alive = false;
        else if (span_lists(value, "keep-alive"))
            request->keep_alive = true;
    } else if (span_is(name, "transfer-encoding")) {
        request->has_body = true;
    } else if (span_is(name, "content-length")) {
        int64_t length = span_number(value);

        if (length < 0)
            return 400;
        request->has_body |= length > 0;
    } else if (span_is(name, "expect")) {
        return 417;
    } else if (span_is(name, "range")) {
        if (!span_copy(value, request->range, sizeof(request->range)))
            request->range[0] = 0; /* it may be ignored [RFC9110 14.2] */
    } else if (span_is(name, "if-range")) {
        /* Too long for a date: it matches nothing, but it is there. */
        if (!span_copy(value, request->if_range, sizeof(request->if_range)))
            memcpy(request->if_range, "?", 2);
    } else if (span_is(name, "if-modified-since")) {
        if (!span_copy(value, request->if_modified_since, sizeof(request->if_modified_since)))
            request->if_modified_since[0] = 0;
    }
    return 0;
}

int http_request_parse(const char *data, size_t len, struct http_request *request)
{
    struct span head = {data, len}, line, name, value;
    unsigned hosts = 0;
    int status, more;
    bool http_1_1;

    memset(request, 0, sizeof(*request));
    line = head_line(&head);
    status = request_line(line, request);
    if (status)
        return status;
    http_1_1 = request->keep_alive;
    while ((more = head_field(&head, &name, &value)) > 0) {
        status = request_field(request, name, value, &hosts);
        if (status)
            return status;
    }
    if (more < 0 || hosts > 1 || (http_1_1 && hosts == 0)) /* [RFC9112 3.2] */
        return 400;
    return 0;
}

int http_range(const char *range, int64_t size, int64_t *first, int64_t *last)
{
    const char *dash = strchr(range, '-');
    struct span from, to;

    *first = 0;
    *last = size - 1;
    if (strncasecmp(range, "bytes=", 6) != 0 || !dash || strchr(range, ','))
        return 200;
    from = (struct span){range + 6, (size_t)(dash - range) - 6};
    to = (struct span){dash + 1, strlen(dash + 1)};
    if ((from.len && span_number(from) < 0) || (to.len && span_number(to) < 0) ||
        (!from.len && !to.len))
        return 200;
    if (!from.len) { /* the last n bytes */
        int64_t n = span_number(to);

        if (n == 0 || size == 0)
            return 416;
        *first = n < size ? size - n : 0;
        return 206;
    }
    if (to.len && span_number(to) < span_number(from))
        return 200;
    *first = span_number(from);
    if (*first >= size)
        return 416;
    if (to.len && span_number(to) < *last)
        *last = span_number(to);
    return 206;
}

static bool response_field(struct http_response *response, struct span name, struct span value)
{
    if (span_is(name, "content-length")) {
        int64_t length = span_number(value);

        if (length < 0 || (response->length >= 0 && response->length != length))
            return false;
        response->length = length;
    } else if (span_is(name, "transfer-encoding")) {
        response->chunked = span_is(value, "chunked");
        response->other_encoding = !response->chunked;
    } else if (span_is(name, "location")) {
        if (!span_copy(value, response->location, sizeof(response->location)))
            response->location[0] = 0;
    }
    return true;
}

bool http_response_parse(const char *data, size_t len, struct http_response *response)
{
    struct span head = {data, len};
    struct span line = head_line(&head), name, value;
    int more;

    memset(response, 0, sizeof(*response));
    response->length = -1;
    /* "HTTP/1.1 200 OK"; the reason may be missing together with its blank. */
    if (line.len < 12 || memcmp(line.at, "HTTP/1.", 7) != 0 || line.at[8] != ' ' ||
        (line.len > 12 && line.at[12] != ' '))
        return false;
    response->status = (int)span_number((struct span){line.at + 9, 3});
    if (response->status < 100)
        return false;
    if (line.len > 13) {
        size_t n = line.len - 13;

        n = n < sizeof(response->reason) ? n : sizeof(response->reason) - 1;
        for (size_t i = 0; i < n; i++) {
            char c = line.at[13 + i];

            response->reason[i] = c >= ' ' && c < 127 ? c : '?'; /* it goes to a terminal */
        }
    }
    while ((more = head_field(&head, &name, &value)) > 0)
        if (!response_field(response, name, value))
            return false;
    if (response->chunked)
        response->length = -1; /* [RFC9112 6.3] */
    return more == 0;
}

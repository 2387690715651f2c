/* SPDX-License-Identifier: MIT */
/*
 * The bytes behind an HTTP answer's head: of known length, chunked (RFC 9112 7.1), or up to the end of the
 * connection (RFC 9112 6.3). Also the small tables: reasons, media types, dates, URLs.
 */
#include "http.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { CHUNK_DIGITS_MAX = 15, CHUNK_LINE_MAX = 4096 };

void http_body_init(struct http_body *body, const struct http_response *response)
{
    memset(body, 0, sizeof(*body));
    body->left = response->length;
    body->state = response->chunked       ? HTTP_BODY_SIZE
                  : response->length > 0  ? HTTP_BODY_LENGTH
                  : response->length == 0 ? HTTP_BODY_DONE
                                          : HTTP_BODY_CLOSE;
    if (response->status == 204 || response->status == 304)
        body->state = HTTP_BODY_DONE;
}

/* The line with a chunk's size, byte by byte. */
static void body_size_byte(struct http_body *body, char c)
{
    const char *digits = "0123456789abcdef";
    const char *found = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

    if (++body->line > CHUNK_LINE_MAX) {
        body->state = HTTP_BODY_BROKEN;
    } else if (c == '\n') {
        body->state = body->digits == 0 ? HTTP_BODY_BROKEN
                      : body->left == 0 ? HTTP_BODY_TRAILER
                                        : HTTP_BODY_CHUNK;
        body->line = 0;
    } else if (found && !body->extension) {
        if (body->digits == 0)
            body->left = 0;
        if (++body->digits > CHUNK_DIGITS_MAX)
            body->state = HTTP_BODY_BROKEN;
        else
            body->left = body->left * 16 + (found - digits);
    } else if (body->digits == 0) {
        body->state = HTTP_BODY_BROKEN;
    } else {
        body->extension = true; /* ";name=value", blanks, CR */
    }
}

/* CR LF behind a chunk. */
static void body_chunk_end_byte(struct http_body *body, char c)
{
    if (c == '\n') {
        body->state = HTTP_BODY_SIZE;
        body->digits = body->line = 0;
        body->extension = false;
    } else if (c != '\r' || ++body->line > 1) {
        body->state = HTTP_BODY_BROKEN;
    }
}

/* Lines up to an empty one; `digits` counts the bytes of the line. */
static void body_trailer_byte(struct http_body *body, char c)
{
    if (++body->line > CHUNK_LINE_MAX) {
        body->state = HTTP_BODY_BROKEN;
    } else if (c == '\n') {
        if (body->left == 0)
            body->state = HTTP_BODY_DONE;
        body->left = 0;
    } else if (c != '\r') {
        body->left++;
    }
}

size_t http_body_next(struct http_body *body, const char *data, size_t len, const char **piece,
                      size_t *piece_len)
{
    size_t at = 0;

    *piece = NULL;
    *piece_len = 0;
    for (; at < len; at++) {
        switch (body->state) {
        case HTTP_BODY_LENGTH:
        case HTTP_BODY_CHUNK:
        case HTTP_BODY_CLOSE:
            *piece = data + at;
            *piece_len = len - at;
            if (body->state != HTTP_BODY_CLOSE && (int64_t)*piece_len > body->left)
                *piece_len = (size_t)body->left;
            return at;
        case HTTP_BODY_SIZE:
            body_size_byte(body, data[at]);
            break;
        case HTTP_BODY_CHUNK_END:
            body_chunk_end_byte(body, data[at]);
            break;
        case HTTP_BODY_TRAILER:
            body_trailer_byte(body, data[at]);
            break;
        case HTTP_BODY_DONE:
        case HTTP_BODY_BROKEN:
            return at;
        }
    }
    return at;
}

void http_body_take(struct http_body *body, size_t len)
{
    if (len == 0 || body->state == HTTP_BODY_CLOSE)
        return;
    body->left -= (int64_t)len;
    if (body->left > 0)
        return;
    body->state = body->state == HTTP_BODY_LENGTH ? HTTP_BODY_DONE : HTTP_BODY_CHUNK_END;
    body->line = 0;
}

const char *http_reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        {200, "OK"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {414, "URI Too Long"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "Unknown";
}

const char *http_type(const char *path)
{
    static const char *const types[][2] = {
        {"html", "text/html; charset=utf-8"},
        {"htm", "text/html; charset=utf-8"},
        {"txt", "text/plain; charset=utf-8"},
        {"md", "text/markdown; charset=utf-8"},
        {"css", "text/css; charset=utf-8"},
        {"js", "text/javascript; charset=utf-8"},
        {"json", "application/json"},
        {"xml", "application/xml"},
        {"pdf", "application/pdf"},
        {"svg", "image/svg+xml"},
        {"png", "image/png"},
        {"jpg", "image/jpeg"},
        {"jpeg", "image/jpeg"},
        {"gif", "image/gif"},
        {"webp", "image/webp"},
        {"ico", "image/x-icon"},
        {"mp3", "audio/mpeg"},
        {"mp4", "video/mp4"},
        {"webm", "video/webm"},
        {"wasm", "application/wasm"},
        {"zip", "application/zip"},
        {"gz", "application/gzip"},
        {"tar", "application/x-tar"},
    };
    const char *name = strrchr(path, '/');
    const char *dot = strrchr(name ? name : path, '.');

    for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++)
        if (strcasecmp(dot + 1, types[i][0]) == 0)
            return types[i][1];
    return "application/octet-stream";
}

char *http_date(int64_t unix_seconds, char text[40])
{
    static const char days[] = "SunMonTueWedThuFriSat",
                      months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)unix_seconds;
    struct tm tm;

    /* Not strftime(): the names must not follow the locale. */
    text[0] = 0;
    if (gmtime_r(&seconds, &tm))
        (void)snprintf(text, 40, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + 3 * tm.tm_wday,
                       tm.tm_mday % 100, months + 3 * tm.tm_mon, (tm.tm_year + 1900) % 10000,
                       tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100);
    return text;
}

size_t http_encode_path(const char *text, char *out, size_t size)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t n = 0;

    for (; *text && n + 4 < size; text++) {
        unsigned char c = (unsigned char)*text;

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            strchr("-._~/", c)) {
            out[n++] = (char)c;
        } else {
            out[n++] = '%';
            out[n++] = hex[c >> 4];
            out[n++] = hex[c & 15];
        }
    }
    out[n] = 0;
    return n;
}

const char *http_url_parse(const char *text, struct http_url *url)
{
    static const char expected[] = "a URL such as http://10.64.0.2/file or http://[fd00::2]:8080/";
    const char *host, *end, *colon;
    size_t len;

    memset(url, 0, sizeof(*url));
    if (strncasecmp(text, "https://", 8) == 0)
        return "an http:// URL: gander speaks TCP, not TLS";
    if (strncasecmp(text, "http://", 7) != 0)
        return expected;
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 127)
            return "a URL without blanks and control characters (%20 is a blank)";
    host = text + 7;
    end = host + strcspn(host, "/?#");
    if (memchr(host, '@', (size_t)(end - host)))
        return "a URL without user and password";
    if (*host == '[') {
        const char *close = memchr(host, ']', (size_t)(end - host));

        if (!close || (close + 1 != end && close[1] != ':'))
            return expected;
        url->brackets = true;
        colon = close + 1 == end ? NULL : close + 1;
        len = (size_t)(close - ++host);
    } else {
        colon = memchr(host, ':', (size_t)(end - host));
        len = (size_t)((colon ? colon : end) - host);
    }
    if (len == 0 || len >= sizeof(url->host))
        return expected;
    memcpy(url->host, host, len);
    url->port = 80;
    if (colon) {
        unsigned port = 0;

        for (const char *c = colon + 1; c < end; c++)
            port = *c < '0' || *c > '9' || port > 65535 ? 65536 : port * 10 + (unsigned)(*c - '0');
        if (port == 0 || port > 65535)
            return "a port from 1 to 65535 behind the host";
        url->port = (uint16_t)port;
    }
    len = strcspn(end, "#");
    if (len + 2 > sizeof(url->path))
        return "a URL with a path of at most 2045 bytes";
    (void)snprintf(url->path, sizeof(url->path), "%s%.*s", *end == '/' ? "" : "/", (int)len, end);
    return NULL;
}

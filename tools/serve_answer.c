/* SPDX-License-Identifier: MIT */
/*
 * Answers for `gander serve`: files, ranges of files (RFC 9110 14), directories as listings, errors.
 *
 * Nothing outside the root is ever opened: the path has no ".." left, and each of its parts is opened relative to
 * the directory before, without following symbolic links. Only plain files and directories are served, so that a
 * named pipe cannot hold the server up.
 */
#include "serve.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LISTING_MAX_BYTES = 16 << 20 };

__attribute__((format(printf, 2, 3))) static void head_add(struct answer *a, const char *format,
                                                           ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(a->head + a->head_len, sizeof(a->head) - a->head_len, format, args);
    va_end(args);
    if (n > 0 && a->head_len + (size_t)n < sizeof(a->head))
        a->head_len += (size_t)n;
}

static void head_begin(struct answer *a, int status)
{
    char date[40];

    a->status = status;
    a->head_len = 0;
    head_add(a, "HTTP/1.1 %d %s\r\nServer: gander\r\nDate: %s\r\nConnection: %s\r\n", status,
             http_reason(status), http_date(time(NULL), date),
             a->keep_alive ? "keep-alive" : "close");
}

static void head_end(struct answer *a, const char *type, int64_t length, bool head_only)
{
    /* 304 has no body and tells no length here [RFC9110 8.6]. */
    if (a->status != 304)
        head_add(a, "Content-Type: %s\r\nContent-Length: %lld\r\n", type, (long long)length);
    head_add(a, "\r\n");
    a->body_bytes = head_only || a->status == 304 ? 0 : length;
}

void answer_free(struct answer *a)
{
    free(a->text);
    a->text = NULL;
    if (a->file >= 0)
        (void)close(a->file);
    a->file = -1;
}

/* Ends a head begun before with a small page. */
static void answer_page(struct answer *a, bool head_only)
{
    char page[256];
    int n = snprintf(page, sizeof(page), "<!doctype html><title>%d %s</title><h1>%d %s</h1>\n",
                     a->status, http_reason(a->status), a->status, http_reason(a->status));

    if (!head_only) {
        a->text = strdup(page);
        a->text_len = a->text ? (size_t)n : 0;
        if (!a->text) {
            n = 0;
            a->keep_alive = false;
        }
    }
    head_end(a, "text/html; charset=utf-8", n, head_only);
}

void answer_error(struct answer *a, int status, bool keep_alive, bool head_only)
{
    a->keep_alive = keep_alive;
    a->file = -1;
    a->text = NULL;
    a->text_len = 0;
    a->at = a->end = 0;
    head_begin(a, status);
    if (status == 405)
        head_add(a, "Allow: GET, HEAD\r\n");
    answer_page(a, head_only);
}

/* Opens `path` below root, part by part. −1 with errno. */
static int path_open(int root, const char *path)
{
    int directory = dup(root);

    while (directory >= 0) {
        char part[NAME_MAX + 1];
        size_t len;
        int next, saved;

        path += strspn(path, "/");
        len = strcspn(path, "/");
        if (len == 0)
            return directory;
        if (len > NAME_MAX) {
            (void)close(directory);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(part, path, len);
        part[len] = 0;
        path += len;
        next = openat(directory, part, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        saved = errno;
        (void)close(directory);
        errno = saved;
        directory = next;
    }
    return -1;
}

static int status_of_errno(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return 503;
    case EIO:
        return 500;
    default:
        return 404;
    }
}

/* Appends to the growing text; false: no memory. */
__attribute__((format(printf, 3, 4))) static bool text_add(struct answer *a, size_t *size,
                                                           const char *format, ...)
{
    for (;;) {
        va_list args;
        int n;
        char *more;

        va_start(args, format);
        n = vsnprintf(a->text + a->text_len, *size - a->text_len, format, args);
        va_end(args);
        if (n < 0)
            return false;
        if ((size_t)n < *size - a->text_len) {
            a->text_len += (size_t)n;
            return true;
        }
        more = *size < LISTING_MAX_BYTES ? realloc(a->text, *size * 2) : NULL;
        if (!more)
            return false;
        a->text = more;
        *size *= 2;
    }
}

static bool text_add_escaped(struct answer *a, size_t *size, const char *text)
{
    for (; *text; text++) {
        const char *entity = *text == '&'   ? "&amp;"
                             : *text == '<' ? "&lt;"
                             : *text == '>' ? "&gt;"
                             : *text == '"' ? "&quot;"
                                            : NULL;

        if (!(entity ? text_add(a, size, "%s", entity) : text_add(a, size, "%c", *text)))
            return false;
    }
    return true;
}

static bool listing_entry(struct answer *a, size_t *size, int directory, const char *name)
{
    char encoded[3 * NAME_MAX + 8];
    struct stat status;
    const char *slash;

    if (name[0] == '.' || fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        !(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)))
        return true;
    slash = S_ISDIR(status.st_mode) ? "/" : "";
    http_encode_path(name, encoded, sizeof(encoded));
    return text_add(a, size, "<li><a href=\"./%s%s\">", encoded, slash) &&
           text_add_escaped(a, size, name) && text_add(a, size, "%s</a>\n", slash);
}

static bool listing_make(struct answer *a, int directory, const char *path)
{
    struct dirent **entries;
    size_t size = 1024;
    int n = scandirat(directory, ".", &entries, NULL, alphasort);
    bool fits;

    if (n < 0)
        return false;
    a->text = malloc(size);
    fits = a->text && text_add(a, &size, "<!doctype html><meta charset=\"utf-8\"><title>") &&
           text_add_escaped(a, &size, path) && text_add(a, &size, "</title><h1>") &&
           text_add_escaped(a, &size, path) && text_add(a, &size, "</h1><ul>\n");
    if (fits && path[1])
        fits = text_add(a, &size, "<li><a href=\"../\">../</a>\n");
    for (int i = 0; i < n; i++) {
        fits = fits && listing_entry(a, &size, directory, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return fits && text_add(a, &size, "</ul>\n");
}

static void answer_file(struct answer *a, const struct http_request *request,
                        const struct stat *status, const char *name)
{
    bool head_only = request->method == HTTP_HEAD;
    char modified[40];
    int kind = 200;

    http_date(status->st_mtime, modified);
    a->at = 0;
    a->end = status->st_size;
    if (!request->range[0] && strcmp(request->if_modified_since, modified) == 0)
        kind = 304;
    else if (request->range[0] && request->method == HTTP_GET &&
             (!request->if_range[0] || strcmp(request->if_range, modified) == 0)) {
        kind = http_range(request->range, status->st_size, &a->at, &a->end);
        a->end++; /* of the last byte */
    }
    head_begin(a, kind);
    head_add(a, "Last-Modified: %s\r\nAccept-Ranges: bytes\r\n", modified);
    if (kind == 416) {
        head_add(a, "Content-Range: bytes */%lld\r\n", (long long)status->st_size);
        answer_page(a, head_only);
        a->at = a->end = 0;
        return;
    }
    if (kind == 206)
        head_add(a, "Content-Range: bytes %lld-%lld/%lld\r\n", (long long)a->at,
                 (long long)a->end - 1, (long long)status->st_size);
    head_end(a, http_type(name), a->end - a->at, head_only);
    if (head_only || kind == 304)
        a->at = a->end = 0;
}

static void answer_directory(struct answer *a, const struct http_request *request)
{
    bool head_only = request->method == HTTP_HEAD;
    struct stat status;
    int index, directory = a->file;

    a->file = -1;
    if (!request->slash) { /* relative links need it */
        char encoded[sizeof(a->head) - 1024];

        http_encode_path(request->path, encoded, sizeof(encoded));
        head_begin(a, 301);
        head_add(a, "Location: %s/\r\n", encoded);
        answer_page(a, head_only);
        (void)close(directory);
        return;
    }
    index = path_open(directory, "index.html");
    if (index >= 0 && fstat(index, &status) == 0 && S_ISREG(status.st_mode)) {
        (void)close(directory);
        a->file = index;
        answer_file(a, request, &status, "index.html");
        return;
    }
    if (index >= 0)
        (void)close(index);
    if (listing_make(a, directory, request->path)) {
        head_begin(a, 200);
        head_end(a, "text/html; charset=utf-8", (int64_t)a->text_len, head_only);
        if (head_only)
            a->text_len = 0;
    } else {
        free(a->text);
        answer_error(a, 500, a->keep_alive, head_only);
    }
    (void)close(directory);
}

void answer_make(struct answer *a, int root, const struct http_request *request)
{
    bool head_only = request->method == HTTP_HEAD;
    struct stat status;

    a->keep_alive = request->keep_alive && !request->has_body;
    a->text = NULL;
    a->text_len = 0;
    a->at = a->end = 0;
    a->file = -1;
    if (request->method == HTTP_OTHER) {
        answer_error(a, 405, a->keep_alive, false);
        return;
    }
    a->file = path_open(root, request->path);
    if (a->file < 0 || fstat(a->file, &status) != 0) {
        answer_error(a, status_of_errno(errno), a->keep_alive, head_only);
    } else if (S_ISDIR(status.st_mode)) {
        answer_directory(a, request);
    } else if (S_ISREG(status.st_mode) && !request->slash) {
        answer_file(a, request, &status, request->path);
    } else {
        (void)close(a->file);
        answer_error(a, S_ISREG(status.st_mode) ? 404 : 403, a->keep_alive, head_only);
    }
}

/* SPDX-License-Identifier: MIT */
/* HTTP/1.1 of the command [RFC9110, RFC9112]: heads, paths, ranges, chunks, URLs; mostly what must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The module is part of a program, not of a library. */
#include "tools/http.c"
#include "tools/http_body.c"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static int parse(const char *head, struct http_request *request)
{
    /* On the heap and of exact size: the sanitizer sees a read beyond it. */
    size_t len = strlen(head);
    char *copy = malloc(len ? len : 1);
    int status;

    assert_non_null(copy);
    memcpy(copy, head, len);
    status = http_request_parse(copy, len, request);
    free(copy);
    return status;
}

static int parse_target(const char *target, struct http_request *request)
{
    char head[8192];

    (void)snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", target);
    return parse(head, request);
}

static void a_head_ends_at_an_empty_line(void **state)
{
    static const struct {
        const char *text;
        int64_t length;
    } cases[] = {
        {"", 0},          {"GET", 0},       {"a\r\n", 0},      {"a\r\n\r", 0},
        {"a\r\n\r\n", 5}, {"a\n\nbody", 3}, {"a\r\n\r\nb", 5}, {"a\r\nb\r\n\r\n", 8},
        {"\r\n", 2},
    };
    static char large[HTTP_HEAD_MAX + 8];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(http_head_length(cases[i].text, strlen(cases[i].text)), cases[i].length);
    assert_int_equal(http_head_length("a\0\r\n\r\n", 6), -1);
    memset(large, 'a', sizeof(large));
    assert_int_equal(http_head_length(large, HTTP_HEAD_MAX), 0);
    assert_int_equal(http_head_length(large, HTTP_HEAD_MAX + 1), -1);
}

static void requests_are_read(void **state)
{
    struct http_request r;

    (void)state;
    assert_int_equal(parse("GET /a%20b?q=1 HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\n\r\n", &r),
                     0);
    assert_int_equal(r.method, HTTP_GET);
    assert_string_equal(r.path, "/a b");
    assert_string_equal(r.range, "bytes=0-1");
    assert_true(r.keep_alive);
    assert_false(r.slash);
    assert_int_equal(parse("HEAD / HTTP/1.0\r\n\r\n", &r), 0);
    assert_int_equal(r.method, HTTP_HEAD);
    assert_false(r.keep_alive);
    assert_true(r.slash);
    assert_int_equal(parse("GET / HTTP/1.0\nConnection: x , Keep-Alive\n\n", &r), 0);
    assert_true(r.keep_alive);
    assert_int_equal(parse("GET / HTTP/1.1\r\nhOST:\tx \r\nconnection: CLOSE\r\n\r\n", &r), 0);
    assert_false(r.keep_alive);
    assert_int_equal(parse("GET http://any:80/p HTTP/1.1\r\nHost: x\r\n\r\n", &r), 0);
    assert_string_equal(r.path, "/p");
    assert_int_equal(parse("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", &r), 0);
    assert_int_equal(r.method, HTTP_OTHER);
    assert_int_equal(parse("get / HTTP/1.1\r\nHost: x\r\n\r\n", &r), 0);
    assert_int_equal(r.method, HTTP_OTHER); /* [RFC9110 9.1] */
    assert_int_equal(parse("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n", &r), 0);
    assert_true(r.has_body);
}

static void wrong_requests_are_refused(void **state)
{
    static const struct {
        const char *head;
        int status;
    } cases[] = {
        {"\r\n", 400},
        {"GET\r\n\r\n", 400},
        {"GET /\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400}, /* no Host [RFC9112 3.2] */
        {"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
        {"GET / HTTP/1.11\r\nHost: x\r\n\r\n", 400},
        {"GET / XTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"G@T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET x HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400},           /* [RFC9112 5.1] */
        {"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400}, /* [RFC9112 5.2] */
        {"GET / HTTP/1.1\r\nHost: x\r\nnothing\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\ry\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1,1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n", 417},
    };
    static char target[HTTP_PATH_MAX + 8];
    struct http_request r;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (parse(cases[i].head, &r) != cases[i].status)
            fail_msg("status %d, expected %d: %s", parse(cases[i].head, &r), cases[i].status,
                     cases[i].head);
    memset(target, 'a', HTTP_PATH_MAX);
    target[0] = '/';
    assert_int_equal(parse_target(target, &r), 414);
    target[HTTP_PATH_MAX - 1] = 0;
    assert_int_equal(parse_target(target, &r), 0);
}

static void every_prefix_of_a_head_is_safe(void **state)
{
    static const char head[] = "GET /a%2e%2e/../%41 HTTP/1.1\r\nHost: x\r\nRange: bytes=1-\r\n\r\n";
    char part[sizeof(head)];
    struct http_request r;

    (void)state;
    for (size_t len = 0; len < sizeof(head); len++) {
        memcpy(part, head, len);
        part[len] = 0;
        (void)parse(part, &r);
    }
}

static void paths_cannot_climb(void **state)
{
    static const char *const flat[][2] = {
        {"/", "/"},       {"//", "/"},        {"/a/../b", "/b"},  {"/a/b/../../c", "/c"},
        {"/./a/.", "/a"}, {"/a//b/", "/a/b"}, {"/a/..", "/"},     {"/..a/b..", "/..a/b.."},
        {"/%61", "/a"},   {"/...", "/..."},   {"/a%2Fb", "/a/b"},
    };
    static const char *const refused[] = {"/..",          "/../",       "/a/../..", "/%2e%2e/x",
                                          "/a/%2E./../x", "/x/../../x", "/%00",     "/%",
                                          "/%1",          "/%gg",       "/..%2fx"};
    struct http_request r;

    (void)state;
    for (size_t i = 0; i < COUNT(flat); i++) {
        assert_int_equal(parse_target(flat[i][0], &r), 0);
        assert_string_equal(r.path, flat[i][1]);
    }
    for (size_t i = 0; i < COUNT(refused); i++)
        if (parse_target(refused[i], &r) != 400)
            fail_msg("not refused: %s", refused[i]);
}

static void ranges(void **state)
{
    static const struct {
        const char *range;
        int64_t size;
        int status;
        int64_t first, last;
    } cases[] = {
        {"bytes=0-0", 10, 206, 0, 0},     {"bytes=2-4", 10, 206, 2, 4},
        {"bytes=5-", 10, 206, 5, 9},      {"bytes=-3", 10, 206, 7, 9},
        {"bytes=-30", 10, 206, 0, 9},     {"bytes=9-100", 10, 206, 9, 9},
        {"bytes=10-", 10, 416, 0, 0},     {"bytes=-0", 10, 416, 0, 0},
        {"bytes=-1", 0, 416, 0, 0},       {"bytes=0-", 0, 416, 0, 0},
        {"bytes=4-2", 10, 200, 0, 9},     {"bytes=-", 10, 200, 0, 9},
        {"bytes=0-1,3-4", 10, 200, 0, 9}, {"bytes=a-1", 10, 200, 0, 9},
        {"lines=0-1", 10, 200, 0, 9},     {"", 10, 200, 0, 9},
        {"bytes=1--2", 10, 200, 0, 9},    {"bytes=0-9999999999999999999999", 10, 200, 0, 9},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t first, last;
        int status = http_range(cases[i].range, cases[i].size, &first, &last);

        if (status != cases[i].status ||
            (status != 416 && (first != cases[i].first || last != cases[i].last)))
            fail_msg("%s: %d %d-%d", cases[i].range, status, (int)first, (int)last);
    }
}

static bool respond(const char *head, struct http_response *r)
{
    return http_response_parse(head, strlen(head), r);
}

static void answers(void **state)
{
    struct http_response r;

    (void)state;
    assert_true(respond("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", &r));
    assert_int_equal(r.status, 200);
    assert_int_equal(r.length, 5);
    assert_true(respond("HTTP/1.0 404\r\n\r\n", &r));
    assert_int_equal(r.length, -1);
    assert_true(respond("HTTP/1.1 302 \x1b[2Jx\r\nLocation: /y\r\nTransfer-Encoding: Chunked\r\n"
                        "Content-Length: 3\r\n\r\n",
                        &r));
    assert_true(r.chunked);
    assert_int_equal(r.length, -1);
    assert_string_equal(r.location, "/y");
    assert_string_equal(r.reason, "?[2Jx"); /* nothing for the terminal to obey */
    assert_true(respond("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", &r));
    assert_true(r.other_encoding);
    assert_false(respond("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", &r));
    assert_false(respond("HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\n", &r));
    assert_false(respond("HTTP/1.1 099 OK\r\n\r\n", &r));
    assert_false(respond("HTTP/1.1 2000\r\n\r\n", &r));
    assert_false(respond("SSH-2.0-none\r\n\r\n", &r));
    assert_false(respond("\r\n", &r));
}

/* Feeds `data` in pieces of `step` bytes; takes at most `bite` bytes at a time. Returns the state at the end. */
static int body_read(const struct http_response *response, const char *data, size_t len,
                     size_t step, size_t bite, char *out, size_t *out_len)
{
    struct http_body body;
    size_t at = 0, end = 0;

    http_body_init(&body, response);
    *out_len = 0;
    while (body.state != HTTP_BODY_BROKEN && body.state != HTTP_BODY_DONE) {
        const char *piece;
        size_t n;

        if (at == end) {
            if (end == len)
                break;
            end = end + step < len ? end + step : len;
        }
        at += http_body_next(&body, data + at, end - at, &piece, &n);
        n = n < bite ? n : bite;
        memcpy(out + *out_len, piece ? piece : "", n);
        http_body_take(&body, piece ? n : 0);
        *out_len += n;
        at += n;
    }
    return (int)body.state;
}

static void chunks_in_all_splits(void **state)
{
    static const char data[] = "1\r\na\r\n"
                               "A ;x=\"y\"\r\nbcdefghijk\r\n"
                               "002\nlm\n"
                               "0\r\nTrailer: x\r\n\r\nrest";
    const struct http_response response = {.status = 200, .length = -1, .chunked = true};
    char out[64];
    size_t n;

    (void)state;
    for (size_t step = 1; step < sizeof(data); step++) {
        for (size_t bite = 1; bite < 12; bite++) {
            assert_int_equal(body_read(&response, data, sizeof(data) - 1, step, bite, out, &n),
                             HTTP_BODY_DONE);
            assert_int_equal(n, 13);
            assert_memory_equal(out, "abcdefghijklm", 13);
        }
    }
}

static void broken_chunks(void **state)
{
    static const char *const broken[] = {
        "\r\n",    "x\r\n",      "-1\r\n",         " 1\r\na\r\n",
        "1\r\nab", "1\r\na\r\r", "1\r\na\r\n\r\n", "1000000000000000\r\n",
        ";x\r\n"};
    const struct http_response response = {.status = 200, .length = -1, .chunked = true};
    char out[64];
    size_t n;

    (void)state;
    for (size_t i = 0; i < COUNT(broken); i++)
        if (body_read(&response, broken[i], strlen(broken[i]), 1, 64, out, &n) != HTTP_BODY_BROKEN)
            fail_msg("not refused: %s", broken[i]);
}

static void bodies_of_known_length_and_of_none(void **state)
{
    struct http_response response = {.status = 200, .length = 3};
    char out[64];
    size_t n;

    (void)state;
    assert_int_equal(body_read(&response, "abcd", 4, 4, 2, out, &n), HTTP_BODY_DONE);
    assert_int_equal(n, 3);
    assert_int_equal(body_read(&response, "ab", 2, 1, 64, out, &n), HTTP_BODY_LENGTH);
    response.length = 0;
    assert_int_equal(body_read(&response, "ab", 2, 1, 64, out, &n), HTTP_BODY_DONE);
    response.length = -1;
    assert_int_equal(body_read(&response, "abcd", 4, 1, 64, out, &n), HTTP_BODY_CLOSE);
    assert_int_equal(n, 4);
    response.status = 204;
    assert_int_equal(body_read(&response, "ab", 2, 1, 64, out, &n), HTTP_BODY_DONE);
}

static void urls(void **state)
{
    static const char *const refused[] = {"",
                                          "x",
                                          "http:/x",
                                          "https://x/",
                                          "http://",
                                          "http:///x",
                                          "http://:80/",
                                          "http://x:/",
                                          "http://x:0/",
                                          "http://x:65536/",
                                          "http://x:8a/",
                                          "http://[::1/",
                                          "http://[::1]x/",
                                          "http://u@x/",
                                          "http://x/a b",
                                          "http://x/\n"};
    struct http_url url;

    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++)
        if (!http_url_parse(refused[i], &url))
            fail_msg("not refused: %s", refused[i]);
    assert_null(http_url_parse("http://example", &url));
    assert_string_equal(url.host, "example");
    assert_string_equal(url.path, "/");
    assert_int_equal(url.port, 80);
    assert_null(http_url_parse("HTTP://[fd00::1]:8080/a?b#c", &url));
    assert_string_equal(url.host, "fd00::1");
    assert_string_equal(url.path, "/a?b");
    assert_int_equal(url.port, 8080);
    assert_true(url.brackets);
    assert_null(http_url_parse("http://x?q", &url));
    assert_string_equal(url.path, "/?q");
}

static void small_tables(void **state)
{
    char text[40];

    (void)state;
    assert_string_equal(http_date(784111777, text), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_string_equal(http_type("/a.b/c.HTML"), "text/html; charset=utf-8");
    assert_string_equal(http_type("/a.html/c"), "application/octet-stream");
    assert_int_equal(http_encode_path("/a b\xc3\xbc?", text, sizeof(text)), 15);
    assert_string_equal(text, "/a%20b%C3%BC%3F");
    assert_true(http_encode_path("////////////////", text, 8) < 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_ends_at_an_empty_line),
        cmocka_unit_test(requests_are_read),
        cmocka_unit_test(wrong_requests_are_refused),
        cmocka_unit_test(every_prefix_of_a_head_is_safe),
        cmocka_unit_test(paths_cannot_climb),
        cmocka_unit_test(ranges),
        cmocka_unit_test(answers),
        cmocka_unit_test(chunks_in_all_splits),
        cmocka_unit_test(broken_chunks),
        cmocka_unit_test(bodies_of_known_length_and_of_none),
        cmocka_unit_test(urls),
        cmocka_unit_test(small_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* How `gander serve` answers one request: from the parsed head to bytes and a file. Knows nothing of sockets. */
#ifndef TOOLS_SERVE_H
#define TOOLS_SERVE_H

#include "http.h"

struct answer {
    int status;
    bool keep_alive;
    char head[HTTP_PATH_MAX * 3 + 1024];
    size_t head_len;
    char *text; /* a page that was made, from malloc; NULL: none */
    size_t text_len;
    int file; /* its bytes `at` … `end` − 1; −1: none */
    int64_t at, end;
    int64_t body_bytes; /* for the log */
};

/* Answers a request for something below the directory `root`. The answer is then to be freed. */
void answer_make(struct answer *answer, int root, const struct http_request *request);

/* An answer that says what is wrong. */
void answer_error(struct answer *answer, int status, bool keep_alive, bool head_only);

void answer_free(struct answer *answer);

#endif

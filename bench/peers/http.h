/* SPDX-License-Identifier: MIT */
/*
 * http.h: HTTP-shaped requests and answers, for those who are written in C or C++, and for the
 * generator, which compares every byte of the answers.
 *
 * A request is a line and some headers; each line is looked at, as a server does. The answer has a body
 * of 1 KiB that begins with the request's path. That is a load in the shape of HTTP, not a server for it:
 * no body is read, no header has a meaning.
 */
#ifndef WEFT_BENCH_HTTP_H
#define WEFT_BENCH_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* The path of a request of the generator: connection and message. */
#define HTTP_PATH "/000000/00000000"
#define HTTP_HEAD                                                                                  \
	"HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/plain\r\n"                         \
	"Content-Length: 1024\r\nConnection: keep-alive\r\n\r\n"

enum {
	HTTP_CONNECTION_DIGITS = 6,
	HTTP_MESSAGE_DIGITS = 8,
	HTTP_NUMBERS_BYTES = HTTP_CONNECTION_DIGITS + 1 + HTTP_MESSAGE_DIGITS,
	HTTP_BODY_BYTES = 1024,
	HTTP_ANSWER_BYTES = sizeof HTTP_HEAD - 1 + HTTP_BODY_BYTES,
	HTTP_IN_BYTES = 4096,        /* what a connection reads at once; a request is not longer */
	HTTP_REQUEST_BYTES_MIN = 18, /* GET / HTTP/1.1 and an empty line */
	HTTP_OUT_BYTES = HTTP_IN_BYTES / HTTP_REQUEST_BYTES_MIN * HTTP_ANSWER_BYTES,
};

struct http_request {
	const char *path;
	size_t path_bytes;
	size_t bytes; /* with the empty line */
	int headers;
};

/* GET, a space, a path, a space, and the version. */
static inline bool http_line_parse(const char *line, size_t bytes, struct http_request *request)
{
	const char *space;

	if (bytes < 5 || memcmp(line, "GET /", 5) != 0)
		return false;
	request->path = line + 4;
	space = (const char *)memchr(request->path, ' ', bytes - 4);
	if (!space || line + bytes - space != 9 || memcmp(space, " HTTP/1.1", 9) != 0)
		return false;
	request->path_bytes = (size_t)(space - request->path);
	return request->path_bytes <= HTTP_BODY_BYTES / 2;
}

/* 1: there is a request; 0: it is not there as a whole; -1: it is none. */
static inline int http_parse(const char *in, size_t bytes, struct http_request *request)
{
	const char *line = in, *end = in + bytes, *next;

	request->headers = -1; /* the first line is none */
	for (; (next = (const char *)memchr(line, '\n', (size_t)(end - line))); line = next + 1) {
		size_t length = (size_t)(next - line);

		if (length == 0 || next[-1] != '\r')
			return -1;
		length--;
		if (length == 0 && request->headers >= 0) {
			request->bytes = (size_t)(next + 1 - in);
			return 1;
		}
		if (request->headers < 0 ? !http_line_parse(line, length, request)
					 : !memchr(line, ':', length))
			return -1;
		request->headers++;
	}
	return bytes < HTTP_IN_BYTES ? 0 : -1;
}

/* HTTP_ANSWER_BYTES of them. */
static inline void http_answer_write(char *out, const char *path, size_t path_bytes)
{
	memcpy(out, HTTP_HEAD, sizeof HTTP_HEAD - 1);
	out += sizeof HTTP_HEAD - 1;
	memcpy(out, path, path_bytes);
	memset(out + path_bytes, '.', HTTP_BODY_BYTES - 1 - path_bytes);
	out[HTTP_BODY_BYTES - 1] = '\n';
}

/* Answers all requests that are in `in` as a whole, moves the rest to its start and sets *bytes to how
 * much that is. Gives how long the answers are, HTTP_OUT_BYTES at most, or -1. */
static inline long http_answer_all(char *in, size_t *bytes, char *out)
{
	struct http_request request = { NULL, 0, 0, -1 };
	size_t used = 0;
	long answers = 0;
	int found;

	while ((found = http_parse(in + used, *bytes - used, &request)) > 0) {
		http_answer_write(out + answers, request.path, request.path_bytes);
		answers += HTTP_ANSWER_BYTES;
		used += request.bytes;
	}
	if (found < 0)
		return -1;
	*bytes -= used;
	memmove(in, in + used, *bytes);
	return answers;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * fetch_data.c: gets a page by HTTP, and counts its words.
 *
 *     fetch_data host port path                  host and port in numbers
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft.h>
#include <weft/async.h>

enum { RESPONSE_MAX = 1 << 20 };

/* The whole response, ended by a 0. */
static async int http_get(const char *const *url, char *response)
{
	struct weft_tcp conn;
	size_t length = 0;
	ssize_t n;

	snprintf(response, RESPONSE_MAX, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", url[2], url[0]);
	weft_try(await weft_timeout(WEFT_SECONDS(10), weft_tcp_connect(&conn, url[0], url[1])));
	defer weft_tcp_close(conn);
	weft_try(await weft_tcp_write_all(conn, response, strlen(response)));
	while ((n = await weft_tcp_read(conn, response + length, RESPONSE_MAX - 1 - length)) > 0)
		length += (size_t)n;
	weft_try(n);
	response[length] = 0;
	return 0;
}

static int process(const char *response)
{
	const char *body = strstr(response, "\r\n\r\n");
	bool inside = false;
	int words = 0;

	if (!body || strncmp(response, "HTTP/1.", 7) != 0 || strncmp(response + 9, "200", 3) != 0)
		return -EPROTO;
	for (; *body; body++) {
		words += !inside && !isspace((unsigned char)*body);
		inside = !isspace((unsigned char)*body);
	}
	return words;
}

static async int fetch_data(const char *const *url)
{
	char *response = malloc(RESPONSE_MAX);

	if (!response)
		return -ENOMEM;
	defer free(response);
	weft_try(await http_get(url, response));
	return process(response);
}

async int main(int argc, char **argv)
{
	const char *url[3];
	int words;

	if (argc != 4) {
		fprintf(stderr, "usage: fetch_data host port path\n");
		return 2;
	}
	memcpy(url, argv + 1, sizeof url);
	words = await fetch_data(url);
	weft_try(words);
	printf("%d words\n", words);
	return fflush(stdout) != 0;
}

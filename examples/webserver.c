/* SPDX-License-Identifier: MIT */
/* webserver.c: an interface whose functions are async: a table of them. A call through it awaits like
 * any other; its frame comes from the worker's memory, since nobody knows its size before. */
#include <stdio.h>
#include <string.h>

#include <weft.h>
#include <weft/async.h>

struct request {
	const char *path;
};

struct response {
	int status;
	char body[32];
};

struct webserver;

struct webserver_ops {
	const char *name;
	async int (*handle)(
			struct webserver *self, struct request request, struct response *response);
};

struct webserver {
	const struct webserver_ops *ops;
	int served;
};

/* ---- one that knows a page, and one that looks for it ---- */

static async int hello_handle(
		struct webserver *self, struct request request, struct response *response)
{
	self->served++;
	response->status = 200;
	snprintf(response->body, sizeof response->body, "hello, %s", request.path);
	return 0;
}

static async int lookup_handle(
		struct webserver *self, struct request request, struct response *response)
{
	weft_try(await weft_sleep(WEFT_MILLISECONDS(1)));
	self->served++;
	response->status = strcmp(request.path, "/") == 0 ? 200 : 404;
	snprintf(response->body, sizeof response->body, "%s",
			response->status == 200 ? "index" : "not found");
	return 0;
}

static const struct webserver_ops hello = { "hello", hello_handle };
static const struct webserver_ops lookup = { "lookup", lookup_handle };

/* ---- whoever has a webserver, of whatever kind ---- */

static async int ask(struct webserver *server, const char *path)
{
	struct response response;

	weft_try(await server->ops->handle(server, (struct request){ path }, &response));
	printf("%s %s: %d %s\n", server->ops->name, path, response.status, response.body);
	return 0;
}

/* Its requests are tasks of their own, on any worker. */
static async int ask_on_many_threads(struct webserver *server, int count)
{
	struct response responses[8];

	weft_scope (requests) {
		for (int i = 0; i < count; i++)
			weft_try(weft_spawn_in(&requests,
					server->ops->handle(server, (struct request){ "/" },
							&responses[i])));
	}
	for (int i = 0; i < count; i++)
		if (responses[i].status != 200)
			return -1;
	return count;
}

async int main(void)
{
	struct webserver servers[] = { { &hello, 0 }, { &lookup, 0 } };

	for (int i = 0; i < 2; i++) {
		weft_try(await ask(&servers[i], "/"));
		weft_try(await ask(&servers[i], "/weft"));
		printf("%d on many threads\n", await ask_on_many_threads(&servers[i], 8));
	}
	return fflush(stdout) != 0;
}

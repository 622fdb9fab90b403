/* SPDX-License-Identifier: MIT */
/* A server and its client in one program, with everything that takes a call. */
#include <stdio.h>
#include <string.h>
#include <weft.h>
#include <weft/async.h>

static async int serve(struct weft_tcp conn)
{
	struct weft_reader in;
	const char *line;
	ssize_t n;

	weft_reader_init(&in, weft_tcp_io(conn));
	defer weft_tcp_close(conn);
	defer weft_reader_finish(&in);

	while ((n = await weft_reader_read_until(&in, '\n', &line)) > 0 && line[n - 1] == '\n')
		if ((n = await weft_tcp_write_all(conn, line, n)) < 0)
			break;
	return n < 0 ? n : 0;
}
static async int client(int port)
{
	struct weft_tcp conn;
	char buf[32], host[16];
	int err;
	ssize_t n;
	snprintf(host, sizeof host, "%d", port);
	weft_try(await weft_timeout(WEFT_SECONDS(5), weft_tcp_connect(&conn, "127.0.0.1", host)));
	defer weft_tcp_close(conn);
	for (int i = 0; i < 3; i++) {
		int m = snprintf(buf, sizeof buf, "hello %d\n", i);
		weft_try(await weft_tcp_write_all(conn, buf, m));
		memset(buf, 0, sizeof buf);
		n = await weft_tcp_read(conn, buf, sizeof buf);
		printf("%zd: %s", n, buf);
	}
	switch (await weft_select(n = weft_tcp_read(conn, buf, sizeof buf),
			err = weft_sleep(WEFT_MILLISECONDS(20)))) {
	case 0:
		printf("read %zd\n", n);
		break;
	case 1:
		printf("slept %d, read %zd\n", err, n);
		break;
	default:
		return -1;
	}
	return 0;
}
static async int server(struct weft_tcp_listener listener)
{
	struct weft_tcp conn;
	int err;
	while (!(err = await weft_tcp_accept(listener, &conn)))
		if ((err = weft_spawn_detached(serve(conn))))
			weft_tcp_close(conn);
	return err;
}
static unsigned long slow(unsigned long a, unsigned long b)
{
	unsigned long r = 0;
	for (; a < b; a++)
		r += a;
	return r;
}
static async int note(int *p)
{
	*p += 1;
	return await weft_yield();
}
async int main(void)
{
	struct weft_tcp_listener listener;
	unsigned long a;
	int err = weft_tcp_listen(&listener, "127.0.0.1", "0"), result, c = 0;
	struct weft_task *task = weft_spawn(server(listener));
	printf("client %d\n", await client(weft_tcp_listener_port(listener)));
	weft_task_cancel(task);
	printf("join %d", await weft_task_join(task, &result));
	printf(" server %d\n", result);
	a = await weft_blocking(slow(0, 1000));
	await weft_join(result = note(&c), err = note(&c));
	printf("%lu %d %d %d\n", a, result, err, c);
	weft_scope(s)
	{
		for (int i = 0; i < 5; i++)
			weft_spawn_in(&s, note(&c));
	}
	printf("%d\n", c);
	weft_tcp_listener_close(listener);
	return 0;
}

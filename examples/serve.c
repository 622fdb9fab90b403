/* SPDX-License-Identifier: MIT */
/* serve.c: an async function that awaits another, on the bare executor: static memory, no operating
 * system, woken by what could be interrupts. serve_states.c is what becomes of it, written by hand. */
#include <errno.h>
#include <stdio.h>

#include <weft.h>
#include <weft/loop.h>
#include <weft/waker_slot.h>
#include <weft/async.h>

/* ---- the device: what has arrived, and who waits for it ---- */

static struct weft_waker_slot arrived;
static int arrival;

static void interrupt(int value)
{
	arrival = value;
	weft_waker_slot_wake(&arrived);
}

WEFT_ASYNC_0(int, receive); /* async int receive(void), a leaf */

struct receive__frame {
	struct receive__args args;
};

enum weft_poll receive__poll(void *frame, struct weft_context *cx)
{
	struct receive__frame *f = frame;
	int value = arrival;

	weft_waker_slot_register(&arrived, cx);
	if (!value && !weft_context_cancelled(cx))
		return WEFT_PENDING;
	if (!weft_waker_slot_clear(&arrived, cx))
		return WEFT_PENDING;
	arrival = 0;
	weft_return(f, value ? value : -ECANCELED);
}
WEFT_ASYNC_DEFINE_LEAF(receive, WEFT_ASYNC_RESULT_INT);

/* ---- the two functions ---- */

static async int get_client(const char *address)
{
	(void)address;
	return await receive();
}

static async int heartbeat(int client)
{
	for (int beat = 1, reply = 'p'; reply == 'p'; beat++) {
		printf("client %d: ping %d\n", client, beat);
		weft_try(reply = await receive());
	}
	return 0;
}

WEFT_ASYNC_1(int, serve, const char *);

async int serve(const char *address)
{
	int client = await get_client(address);

	weft_try(client);
	return await heartbeat(client);
}

/* ---- the program ---- */

static struct weft_loop loop;
static WEFT_LOOP_TASK(storage, char[128]);

int main(void)
{
	static const int interrupts[] = { 7, 'p', 'p', 'q' };
	struct weft_loop_task *task;
	struct serve__args args;
	size_t count = 0;

	serve__init(&args, "port 1");
	task = weft_loop_spawn(&loop, &storage, sizeof storage, &serve__async, &args);
	if (!task)
		return 1;
	for (; weft_loop_run_until_stalled(&loop) > 0; count++)
		interrupt(interrupts[count]);
	printf("served: %d, after %zu interrupts\n", *(const int *)weft_loop_result(task), count);
	return fflush(stdout) != 0;
}

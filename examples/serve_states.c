/* SPDX-License-Identifier: MIT */
/* serve_states.c: one state machine inside of another, as the compiler emits them for
 *
 *     async int heartbeat(int client)
 *     {
 *             for (int beat = 1, reply = 'p'; reply == 'p'; beat++) {
 *                     printf("client %d: ping %d\n", client, beat);
 *                     weft_try(reply = await receive(client));
 *             }
 *             return 0;
 *     }
 *
 *     async int serve(const char *address)
 *     {
 *             int client = await get_client(address);
 *
 *             weft_try(client);
 *             return await heartbeat(client);
 *     }
 *
 * They run on the bare executor, in static memory; what wakes them could be interrupts. */
#include <errno.h>
#include <stdio.h>

#include <weft/loop.h>
#include <weft/waker_slot.h>

/* ---- the device: what has arrived, and who waits for it ---- */

static struct weft_waker_slot arrived;
static int arrival;

static void interrupt(int value)
{
	arrival = value;
	weft_waker_slot_wake(&arrived);
}

static enum weft_poll take_arrival(int *result, struct weft_context *cx)
{
	weft_waker_slot_register(&arrived, cx);
	if (!arrival && !weft_context_cancelled(cx))
		return WEFT_PENDING;
	if (!weft_waker_slot_clear(&arrived, cx))
		return WEFT_PENDING;
	*result = arrival ? arrival : -ECANCELED;
	arrival = 0;
	return WEFT_READY;
}

#define DEVICE_LEAF(name)                                                                          \
	struct name##__frame {                                                                     \
		struct name##__args args;                                                          \
	};                                                                                         \
	enum weft_poll name##__poll(void *frame, struct weft_context *cx)                          \
	{                                                                                          \
		struct name##__frame *f = frame;                                                   \
		int result;                                                                        \
                                                                                                   \
		if (take_arrival(&result, cx) == WEFT_PENDING)                                     \
			return WEFT_PENDING;                                                       \
		weft_return(f, result);                                                            \
	}                                                                                          \
	WEFT_ASYNC_DEFINE_LEAF(name, WEFT_ASYNC_RESULT_INT)

WEFT_ASYNC_1(int, get_client, const char *);
DEVICE_LEAF(get_client);
WEFT_ASYNC_1(int, receive, int);
DEVICE_LEAF(receive);

/* ---- heartbeat ---- */

WEFT_ASYNC_1(int, heartbeat, int);
struct heartbeat__frame {
	struct heartbeat__args args;
	int beat;
	struct receive__frame child;
};

enum weft_poll heartbeat__poll(void *frame, struct weft_context *cx)
{
	struct heartbeat__frame *f = frame;
	int reply; /* does not live across the await */

	WEFT_FRAME_CHECK(&f->args.base);
	switch (f->args.base.at) {
	case 0:
		break;
	case 1:
		goto weft_1;
	default:
		weft_frame_misuse(&f->args.base);
	}
	for (f->beat = 1, reply = 'p'; reply == 'p'; f->beat++) {
		printf("client %d: ping %d\n", f->args.p0, f->beat);
		receive__init(&f->child.args, f->args.p0);
		f->args.base.at = 1;
weft_1:
		if (receive__poll(&f->child, cx) == WEFT_PENDING)
			return WEFT_PENDING;
		if ((reply = f->child.args.result) < 0)
			weft_return(f, reply);
	}
	weft_return(f, 0);
}

static const struct weft_point heartbeat__points[] = {
	{ 8, offsetof(struct heartbeat__frame, child), &receive__async, 0 },
};
WEFT_ASYNC_DESCRIBE(
		heartbeat, WEFT_ASYNC_RESULT_INT, .points = heartbeat__points, .point_count = 1);

/* ---- serve ---- */

WEFT_ASYNC_1(int, serve, const char *);
struct serve__frame {
	struct serve__args args;
	union { /* one after the other, in the same memory */
		struct get_client__frame get_client;
		struct heartbeat__frame heartbeat;
	} child;
};
_Static_assert(sizeof(struct serve__frame) <=
				sizeof(struct serve__args) + sizeof(struct heartbeat__frame) + 16,
		"children that do not live at the same time share their memory");

enum weft_poll serve__poll(void *frame, struct weft_context *cx)
{
	struct serve__frame *f = frame;
	int client;

	WEFT_FRAME_CHECK(&f->args.base);
	switch (f->args.base.at) {
	case 0:
		break;
	case 1:
		goto weft_1;
	case 2:
		goto weft_2;
	default:
		weft_frame_misuse(&f->args.base);
	}
	get_client__init(&f->child.get_client.args, f->args.p0);
	f->args.base.at = 1;
weft_1:
	if (get_client__poll(&f->child.get_client, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	if ((client = f->child.get_client.args.result) < 0)
		weft_return(f, client);
	heartbeat__init(&f->child.heartbeat.args, client);
	f->args.base.at = 2;
weft_2:
	if (heartbeat__poll(&f->child.heartbeat, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	weft_return(f, f->child.heartbeat.args.result);
}

static const struct weft_point serve__points[] = {
	{ 15, offsetof(struct serve__frame, child.get_client), &get_client__async, 0 },
	{ 18, offsetof(struct serve__frame, child.heartbeat), &heartbeat__async, 0 },
};
WEFT_ASYNC_DESCRIBE(serve, WEFT_ASYNC_RESULT_INT, .points = serve__points, .point_count = 2);

/* ---- the program ---- */

static struct weft_loop loop;
static WEFT_LOOP_TASK(storage, struct serve__frame);

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

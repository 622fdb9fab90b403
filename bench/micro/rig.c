/* SPDX-License-Identifier: MIT */
/* rig.c: see rig.h. */
#include "rig.h"

struct rig rig;

static struct weft_waker_slot all_done;

void rig_begin(int workers)
{
	struct weft_runtime_options options = {
		.flavour = workers ? WEFT_MULTI_THREAD : WEFT_CURRENT_THREAD,
		.workers = (unsigned)workers,
	};

	micro_expect(weft_runtime_create(&rig.runtime, &options), 0);
}

void rig_await(const struct weft_async *async, const void *args)
{
	int result = -1;

	micro_expect(weft_runtime_run(rig.runtime, async, args, &result), 0);
	micro_expect(result, 0);
}

void rig_end(void)
{
	weft_runtime_destroy(rig.runtime);
}

struct micro_sample rig_run(int workers, const struct weft_async *async, const void *args)
{
	rig.sum = 0;
	rig_begin(workers);
	rig_await(async, args);
	rig_end();
	return rig.sample;
}

void rig_spawn(const struct weft_async *async, const void *args)
{
	micro_expect(weft_task_spawn_detached(NULL, async, args), 0);
}

/* ---- waiting for many ---- */

void rig_expect_all(size_t count)
{
	__atomic_store_n(&rig.remaining, count, __ATOMIC_RELEASE); /* pairs with the loads below */
}

void rig_one_done(void)
{
	/* what each has done happens before what the waiter does next */
	if (__atomic_fetch_sub(&rig.remaining, 1, __ATOMIC_ACQ_REL) == 1)
		weft_waker_slot_wake(&all_done);
}

enum weft_poll rig_wait_all__poll(void *frame, struct weft_context *cx)
{
	struct rig_wait_all__frame *f = frame;

	f->args.base.at = 1;
	weft_waker_slot_register(&all_done, cx);
	/* pairs with rig_one_done */
	if (__atomic_load_n(&rig.remaining, __ATOMIC_ACQUIRE) > 0 ||
			!weft_waker_slot_clear(&all_done, cx))
		return WEFT_PENDING;
	weft_return(f, 0);
}
WEFT_ASYNC_DEFINE_LEAF(rig_wait_all, WEFT_ASYNC_RESULT_INT);

enum weft_poll rig_value__poll(void *frame, struct weft_context *cx)
{
	struct rig_value__frame *f = frame;

	(void)cx;
	weft_return(f, f->args.p0);
}
WEFT_ASYNC_DEFINE(rig_value, 0);

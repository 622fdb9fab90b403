/* SPDX-License-Identifier: MIT */
/* Values bound around what tasks do, on whatever worker (behaviour 34). */
#include "rig.h"

#include <weft/local.h>
#include <weft/scope.h>

enum { TASKS = 24, ROUNDS = 200 };

WEFT_LOCAL_DECLARE(int, number)
WEFT_LOCAL_DEFINE(number);

struct errand {
	int number;
};

RIG_TASK(looks, struct errand, struct weft_yield__frame yield; int i;)
{
	struct looks__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < ROUNDS; f->i++) {
		CHECK(number_get() != NULL);
		CHECK_EQ(*number_get(), f->args.p0->number);
		weft_await(f, f->yield, weft_yield);
	}
	weft_return(f, f->args.p0->number);
	weft_end(f);
}

RIG_TASK(binds, struct errand, struct weft_local local; struct looks__frame looks;
		struct weft_with__frame with;)
{
	struct binds__frame *f = frame;

	weft_begin(f);
	CHECK(!number_get()); /* it is not inherited */
	f->local = number_bind(&f->args.p0->number);
	looks__init(&f->looks.args, f->args.p0);
	weft_await(f, f->with, weft_with, &f->local, &looks__async, &f->looks);
	CHECK(!number_get());
	weft_return(f, (int)f->with.args.result - f->args.p0->number);
	weft_end(f);
}

RIG_TASK(spawns, struct errand, struct weft_scope scope; struct errand errands[TASKS];
		struct weft_scope_close__frame close;)
{
	struct spawns__frame *f = frame;

	weft_begin(f);
	f->scope = (struct weft_scope)WEFT_SCOPE_INIT;
	for (int i = 0; i < TASKS; i++) {
		struct rig_args args = rig_args(&binds__async, &f->errands[i]);

		f->errands[i].number = i + 1;
		CHECK_EQ(weft_scope_spawn(&f->scope, &binds__async, &args), 0);
	}
	weft_await(f, f->close, weft_scope_close, &f->scope);
	weft_return(f, f->close.args.result);
	weft_end(f);
}

RIG_TEST(b34_each_task_sees_its_own_local_on_every_worker)
{
	struct weft_runtime *runtime = rig_create(options);
	struct errand errand = { 1000 };

	for (int i = 0; i < 10; i++)
		CHECK_EQ(rig_run(runtime, &spawns__async, &errand), 0);
	weft_runtime_destroy(runtime);
}

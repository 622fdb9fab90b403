/* SPDX-License-Identifier: MIT */
/* From plain code into async code: the exit status of a main, what is said about it, and a call that
 * brings its own runtime. */
#include <fcntl.h>
#include <stdlib.h>

#include "rig.h"

#include <weft/main.h>

struct world {
	struct rig_gate never;
	uint32_t started, unwound;
	int result;
	int seen;
};

RIG_TASK(gives, struct world, struct weft_yield__frame yield;)
{
	struct gives__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->yield, weft_yield);
	f->args.p0->seen++;
	weft_return(f, f->args.p0->result);
	weft_end(f);
}

RIG_TASK(stays, struct world, struct rig_gate_wait__frame wait;)
{
	struct stays__frame *f = frame;

	weft_begin(f);
	rig_add(&f->args.p0->started);
	weft_await(f, f->wait, rig_gate_wait, &f->args.p0->never);
	rig_add(&f->args.p0->unwound);
	weft_return(f, f->wait.args.result);
	weft_end(f);
}

/* Leaves a task behind. */
RIG_TASK(leaves, struct world, )
{
	struct leaves__frame *f = frame;

	(void)cx;
	rig_spawn_detached(NULL, &stays__async, f->args.p0);
	weft_return(f, 3);
}

/* async void says_nothing(world) */
WEFT_ASYNC_1(uint32_t, says_nothing, struct world *);
struct says_nothing__frame {
	struct says_nothing__args args;
};

enum weft_poll says_nothing__poll(void *frame, struct weft_context *cx)
{
	struct says_nothing__frame *f = frame;

	(void)cx;
	f->args.p0->seen++;
	weft_return(f, 0xffffffffu);
}

WEFT_ASYNC_DEFINE(says_nothing, 0);

/* Where its frame is. */
struct line {
	char at_most[64] __attribute__((aligned(64)));
};

RIG_TASK(stands, struct world, struct line line;)
{
	struct stands__frame *f = frame;

	(void)cx;
	weft_return(f, (int)((uintptr_t)&f->line % 64));
}

/* What is written to stderr from here to capture_end. */
struct capture {
	int saved, pipe[2];
	char text[256];
};

static void capture_begin(struct capture *capture)
{
	CHECK_EQ(pipe2(capture->pipe, O_CLOEXEC | O_NONBLOCK), 0);
	capture->saved = dup(STDERR_FILENO);
	CHECK(capture->saved >= 0);
	CHECK(dup2(capture->pipe[1], STDERR_FILENO) >= 0);
}

static const char *capture_end(struct capture *capture)
{
	ssize_t length = read(capture->pipe[0], capture->text, sizeof capture->text - 1);

	CHECK(dup2(capture->saved, STDERR_FILENO) >= 0);
	close(capture->saved);
	close(capture->pipe[0]);
	close(capture->pipe[1]);
	capture->text[length < 0 ? 0 : length] = '\0';
	return capture->text;
}

TEST(report_says_what_went_wrong)
{
	struct capture capture;
	int status;

	capture_begin(&capture);
	status = weft_report(-ECONNREFUSED, "echo");
	CHECK(strcmp(capture_end(&capture), "echo: Connection refused\n") == 0);
	CHECK_EQ(status, EXIT_FAILURE);
	capture_begin(&capture);
	status = weft_report(0, "echo") | weft_report(12, "echo");
	CHECK(strcmp(capture_end(&capture), "") == 0);
	CHECK_EQ(status, EXIT_SUCCESS);
}

static int main_status(const struct weft_async *async, struct world *world, const char *said)
{
	struct rig_args args = rig_args(async, world);
	unsigned before = rig_descriptors();
	struct capture capture;
	const char *heard;
	int status;

	capture_begin(&capture);
	status = weft_async_main(async, &args);
	heard = capture_end(&capture);
	if (strstr(heard, "not implemented"))
		SKIP("this poller is not to be had here");
	CHECK(strcmp(heard, said) == 0);
	CHECK_EQ(rig_descriptors(), before);
	return status;
}

TEST(main_gives_its_result_as_the_exit_status)
{
	for (int result = 0; result < 256; result += 51) {
		struct world world = { .result = result };

		CHECK_EQ(main_status(&gives__async, &world, ""), result);
		CHECK_EQ(world.seen, 1);
	}
}

TEST(main_says_a_negative_errno_and_fails)
{
	struct world world = { .result = -ENOENT };

	CHECK_EQ(main_status(&gives__async, &world, "gives: No such file or directory\n"),
			EXIT_FAILURE);
}

TEST(main_whose_result_is_no_int_succeeds)
{
	struct world world = { .result = 0 };

	CHECK_EQ(main_status(&says_nothing__async, &world, ""), EXIT_SUCCESS);
	CHECK_EQ(world.seen, 1);
}

TEST(main_ends_the_tasks_that_it_leaves_behind)
{
	struct world world = { .result = 0 };

	CHECK_EQ(main_status(&leaves__async, &world, ""), 3);
	CHECK_EQ(rig_get(&world.started), 1);
	CHECK_EQ(rig_get(&world.unwound), 1);
}

static int run(const struct weft_async *async, struct world *world, int *result)
{
	struct rig_args args = rig_args(async, world);
	unsigned before = rig_descriptors();
	int err = weft_run_async(async, &args, result);

	if (err == -ENOSYS)
		SKIP("this poller is not to be had here");
	CHECK_EQ(rig_descriptors(), before);
	return err;
}

TEST(run_gives_the_result_of_the_call)
{
	for (int i = -3; i < 3; i++) {
		struct world world = { .result = i };
		int result = 100;

		CHECK_EQ(run(&gives__async, &world, &result), 0);
		CHECK_EQ(result, i);
		CHECK_EQ(run(&gives__async, &world, NULL), 0);
		CHECK_EQ(world.seen, 2);
	}
}

TEST(main_aligns_the_frame_as_its_type_asks)
{
	struct world world = { .result = 0 };

	CHECK_EQ(main_status(&stands__async, &world, ""), 0);
}

TEST(run_ends_the_tasks_that_it_leaves_behind)
{
	struct world world = { .result = 0 };
	int result;

	CHECK_EQ(run(&leaves__async, &world, &result), 0);
	CHECK_EQ(result, 3);
	CHECK_EQ(rig_get(&world.unwound), 1);
}

/* What stays on a thread stays: no other thread runs the call. */
RIG_TASK(looks_where_it_is, pthread_t, )
{
	struct looks_where_it_is__frame *f = frame;

	(void)cx;
	weft_return(f, pthread_equal(*f->args.p0, pthread_self()) != 0);
}

TEST(run_stays_on_the_calling_thread)
{
	pthread_t self = pthread_self();
	struct rig_args args = rig_args(&looks_where_it_is__async, &self);
	int result;

	weft_runtime_destroy(rig_create(&rig_current)); /* or skip */
	CHECK_EQ(weft_run_async(&looks_where_it_is__async, &args, &result), 0);
	CHECK_EQ(result, 1);
}

RIG_TASK(runs, struct world, )
{
	struct runs__frame *f = frame;
	struct rig_args args = rig_args(&gives__async, f->args.p0);
	int result;

	(void)cx;
	weft_return(f, weft_run_async(&gives__async, &args, &result));
}

RIG_TEST(run_inside_a_runtime_gives_edeadlk)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .result = 0 };

	CHECK_EQ(rig_run(runtime, &runs__async, &world), -EDEADLK);
	CHECK_EQ(world.seen, 0);
	weft_runtime_destroy(runtime);
}

TEST(run_that_failed_aborts)
{
	CHECK_ABORTS(weft_run_failed(-EDEADLK, &gives__async));
}

/* SPDX-License-Identifier: MIT */
/* exec/main.c: runtimes that last for one call: of main, or of an async function from plain code. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/main.h>
#include <weft/runtime.h>

#include "base/check.h"
#include "os/os.h"

int weft_report(int err, const char *what)
{
	char line[256];

	if (err >= 0)
		return EXIT_SUCCESS;
	snprintf(line, sizeof line, "%s: %s", what, strerror(-err));
	weft__print_line(line);
	return EXIT_FAILURE;
}

/* Makes a runtime, runs the function, and ends the runtime with its grace period. */
static int run_once(const struct weft_runtime_options *options, const struct weft_async *async,
		const void *args, void *result)
{
	struct weft_runtime *runtime;
	int err;

	if (weft_runtime_current())
		return -EDEADLK;
	err = weft_runtime_create(&runtime, options);
	if (err)
		return err;
	err = weft_runtime_run(runtime, async, args, result);
	weft_runtime_destroy(runtime);
	return err;
}

int weft_async_main(const struct weft_async *async, const void *args)
{
	bool has_status = (async->flags & WEFT_ASYNC_RESULT_INT) != 0;
	int status = 0, err;

	WEFT_ASSERT(!has_status || async->result_size == sizeof status);
	err = run_once(NULL, async, args, has_status ? &status : NULL);
	if (!err && status < 0)
		err = status;
	return err ? weft_report(err, async->name) : status;
}

int weft_run_async(const struct weft_async *async, const void *args, void *result)
{
	static const struct weft_runtime_options options = { .flavour = WEFT_CURRENT_THREAD };

	return run_once(&options, async, args, result);
}

void weft_run_failed(int err, const struct weft_async *async)
{
	char what[128];

	snprintf(what, sizeof what, "weft_run of %s: %s", async->name, strerror(-err));
	weft__fail(what, async->file, (int)async->line);
}

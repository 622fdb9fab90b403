/* SPDX-License-Identifier: MIT */
/* The last select of a program cancels what the program's end would: nothing is said. It is said of all
 * others. */
#include <signal.h>
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

static async int loop(void)
{
	for (;;) {
		weft_try(await weft_sleep(WEFT_SECONDS(1)));
		puts("tick");
	}
}

/* ---- silent ---- */

static async int until_signal(struct weft_signals signals, bool waits)
{
	int err, signo;

	if (waits)
		weft_try(await weft_select(err = loop(), err = weft_signals_wait(signals, &signo)));
	else
		err = 0;
	printf("%d\n", err);
	return err;
}

static async int run(struct weft_signals signals)
{
	await weft_yield();
	defer puts("bye");
	return await until_signal(signals, true);
}

/* ---- said ---- */

static async int twice(void)
{
	return await weft_select(loop(), weft_yield());
}

static async int in_a_table(void)
{
	return await weft_select(loop(), weft_yield());
}

async int (*const table[])(void) = { in_a_table };

static async int not_last(void)
{
	return await weft_select(loop(), weft_yield());
}

static async int as_branch(void)
{
	return await weft_select(loop(), weft_yield());
}

static async int in_a_loop(void)
{
	while (await weft_select(loop(), weft_yield()) > 0)
		puts("again");
	return 0;
}

static async int again(void)
{
	int n;
here:
	n = await weft_select(loop(), weft_yield());
	if (n == 1)
		goto here;
	return n;
}

static async int with_children(void)
{
	weft_scope (children) {
		(void)weft_spawn_in(&children, loop());
		await weft_select(loop(), weft_yield());
	}
	return 0;
}

static async int with_clean_up(void)
{
	defer await weft_yield();
	return await weft_select(loop(), weft_yield());
}

static async int that_starts(void)
{
	int err = await weft_select(loop(), weft_yield());

	return err ? weft_spawn_detached(loop()) : 0;
}

async int exported(void)
{
	return await weft_select(loop(), weft_yield());
}

async int main(void)
{
	static const int ending[] = { SIGINT, SIGTERM };
	struct weft_signals signals;
	int err = weft_signals_open(&signals, ending, 2);

	err = await weft_select(twice(), weft_yield());
	err += await twice() + await not_last();
	await weft_timeout(1, as_branch());
	if (err == 1)
		return await in_a_loop();
	else if (err == 2)
		return await again();
	else if (err == 3)
		return await with_children();
	else if (err == 4)
		return await with_clean_up();
	else if (err == 5)
		return await that_starts();
	else if (err == 6)
		return await exported();
	else
		return await run(signals);
}

/* SPDX-License-Identifier: MIT */
/* Tasks that belong together: scopes whose first error ends the others, join sets, tokens and trackers. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <weft.h>
#include <weft/async.h>

static async int naps(int milliseconds, int result)
{
	weft_try(await weft_sleep(WEFT_MILLISECONDS(milliseconds)));
	return result;
}

/* ---- scopes ---- */

static async int siblings(bool keep_going, int *unwound)
{
	int result[3] = { 0, 0, 0 };

	weft_scope(all)
	{
		if (keep_going)
			weft_scope_keep_going(&all);
		weft_try(weft_spawn_in(&all, naps(keep_going ? 1 : 3600000, 0)));
		weft_try(weft_spawn_in(&all, naps(0, -EILSEQ)));
		weft_try(weft_spawn_in(&all, naps(keep_going ? 1 : 3600000, 0)));
		result[0] = await naps(1, 7); /* the block itself goes on */
	}
	(*unwound)++;
	return result[0];
}

/* ---- join sets ---- */

static async int ends_when_told(struct weft_cancel_token *token, int result)
{
	weft_try(await weft_cancel_token_wait(token));
	return result;
}

static async int in_order_of_the_ends(void)
{
	static struct weft_cancel_token tokens[3];
	static const int order[] = { 1, 2, 0 };
	struct weft_join_set set = WEFT_JOIN_SET_INIT;
	int result, err;

	defer await weft_join_set_close(&set);
	for (int i = 0; i < 3; i++)
		weft_try(weft_spawn_in(&set.tasks, ends_when_told(&tokens[i], i)));
	for (int i = 0; i < 3; i++) {
		weft_cancel_token_cancel(&tokens[order[i]]);
		weft_try(await weft_join_set_next(&set, &result, NULL));
		printf("ended: %d\n", result);
	}
	err = await weft_join_set_next(&set, &result, NULL);
	printf("then: %s\n", err == -ECHILD ? "the set is empty" : strerror(-err));
	weft_try(weft_spawn_in(&set.tasks, naps(3600000, 0)));
	weft_try(weft_spawn_in(&set.tasks, naps(0, -EILSEQ)));
	return await weft_join_set_close(&set);
}

/* ---- tokens and trackers ---- */

struct server {
	struct weft_cancel_token stop;
	struct weft_task_tracker clients;
	int served, told, done;
};

static async int client(struct server *server, int requests)
{
	struct weft_cancel_token mine;
	int slept, told;

	defer weft_task_tracker_leave(&server->clients);
	weft_cancel_token_init_child(&mine, &server->stop);
	defer weft_cancel_token_finish(&mine);
	for (int i = 0; i < requests; i++)
		switch (await weft_select(slept = weft_sleep(WEFT_MILLISECONDS(1)),
				told = weft_cancel_token_wait(&mine))) {
		case 0:
			weft_try(slept);
			server->served++;
			break;
		default:
			server->told++;
			return told;
		}
	server->done++;
	return 0;
}

static async int serve(void)
{
	static struct server server = { WEFT_CANCEL_TOKEN_INIT, WEFT_TASK_TRACKER_INIT, 0, 0, 0 };
	int requests[] = { 2, 2, 2000000000, 2000000000 }, err;

	for (int i = 0; i < 4; i++) {
		weft_task_tracker_enter(&server.clients);
		err = weft_spawn_detached(client(&server, requests[i]));
		if (err) {
			weft_task_tracker_leave(&server.clients);
			return err;
		}
	}
	while (server.done < 2)
		weft_try(await weft_sleep(WEFT_MILLISECONDS(1)));
	weft_cancel_token_cancel(&server.stop);
	weft_task_tracker_close(&server.clients);
	weft_try(await weft_timeout(WEFT_SECONDS(30), weft_task_tracker_wait(&server.clients)));
	printf("%s, %d told\n", server.served >= 4 ? "served" : "not served", server.told);
	return 0;
}

/* ---- on another runtime (row S2-55) ---- */

struct elsewhere {
	struct weft_runtime *runtime;
	int threads; /* that have joined what they spawned */
};

static async bool is_there(const struct elsewhere *elsewhere)
{
	(void)await weft_sleep(1);
	return weft_runtime_current() == elsewhere->runtime;
}

static async int must_be_there(const struct elsewhere *elsewhere)
{
	return await is_there(elsewhere) ? 0 : -EXDEV;
}

/* Plain code, on a thread that runs no runtime. */
static void join_from_outside(struct elsewhere *elsewhere)
{
	struct weft_task *task = weft_spawn_on(elsewhere->runtime, is_there(elsewhere));
	bool there = false;

	if (task && weft_task_join_blocking(task, &there) == 0)
		elsewhere->threads += there;
}

static async int on_another_runtime(struct elsewhere *elsewhere)
{
	const struct weft_runtime_options options = { .workers = 1 };
	struct weft_join_set set = WEFT_JOIN_SET_INIT;
	struct weft_task *task;
	bool there = false;
	int result = -1;

	weft_try(weft_runtime_create(&elsewhere->runtime, &options));
	defer await weft_blocking(weft_runtime_destroy(elsewhere->runtime));
	task = weft_spawn_on(elsewhere->runtime, is_there(elsewhere));
	if (!task)
		return -ENOMEM;
	weft_try(await weft_task_join(task, &there));
	weft_scope(all)
	{
		weft_try(weft_spawn_in_on(&all, elsewhere->runtime, must_be_there(elsewhere)));
		weft_try(await weft_scope_close(&all));
	}
	defer await weft_join_set_close(&set);
	weft_try(weft_spawn_in_on(&set.tasks, elsewhere->runtime, must_be_there(elsewhere)));
	weft_try(await weft_join_set_next(&set, &result, NULL));
	await weft_blocking(join_from_outside(elsewhere));
	printf("elsewhere: %d %d %d\n", there, result, elsewhere->threads);
	return 0;
}

async int main(void)
{
	struct elsewhere elsewhere = { NULL, 0 };
	int unwound = 0;

	printf("siblings: %d\n", await siblings(false, &unwound));
	printf("siblings: %d\n", await siblings(true, &unwound));
	printf("unwound: %d\n", unwound);
	printf("closed: %d\n", await in_order_of_the_ends() == -EILSEQ);
	weft_try(await serve());
	return await on_another_runtime(&elsewhere);
}

/* SPDX-License-Identifier: MIT */
/* add_to_inbox_chain.c: add_to_inbox.c as a chain of steps, as futures were combined before there was
 * await. What a later step needs has to travel through all between. An async function pointer is one word,
 * so a chain is an array, and `and_then` a loop. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <weft.h>
#include <weft/async.h>

/* What travels. */
struct delivery {
	uint64_t email_id, recipient_id;
	uint64_t message_bytes, user_space;
};

static async int load_message(struct delivery *delivery)
{
	weft_try(await weft_yield());
	delivery->message_bytes = delivery->email_id * 600;
	return delivery->email_id > 2 ? -ENOENT : 0;
}

static async int get_user(struct delivery *delivery)
{
	weft_try(await weft_yield());
	delivery->user_space = 1000;
	return delivery->recipient_id > 1 ? -ESRCH : 0;
}

static async int verify_has_space(struct delivery *delivery)
{
	return delivery->user_space < delivery->message_bytes ? -ENOSPC : 0;
}

static async int user_add_to_inbox(struct delivery *delivery)
{
	weft_try(await weft_yield());
	delivery->user_space -= delivery->message_bytes;
	return 0;
}

/* One after the other, for as long as all is well. */
static async int and_then(async int (*const *steps)(struct delivery *), struct delivery *delivery)
{
	for (int i = 0; steps[i]; i++)
		weft_try(await steps[i](delivery));
	return 0;
}

static async int add_to_inbox(uint64_t email_id, uint64_t recipient_id)
{
	static async int (*const steps[])(struct delivery *) = {
		load_message,
		get_user,
		verify_has_space,
		user_add_to_inbox,
		NULL,
	};
	struct delivery delivery = { email_id, recipient_id, 0, 0 };

	return await and_then(steps, &delivery);
}

async int main(void)
{
	static const uint64_t cases[][2] = { { 1, 1 }, { 3, 1 }, { 1, 2 }, { 2, 1 } };

	for (int i = 0; i < 4; i++) {
		int err = await add_to_inbox(cases[i][0], cases[i][1]);

		printf("message %d to user %d: %s\n", (int)cases[i][0], (int)cases[i][1],
				strerror(-err));
	}
	return fflush(stdout) != 0;
}

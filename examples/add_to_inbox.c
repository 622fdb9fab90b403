/* SPDX-License-Identifier: MIT */
/* add_to_inbox.c: three awaits and four ways out. Each step may fail, and then it is the last one.
 * add_to_inbox_states.c is what becomes of it, written by hand. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <weft.h>
#include <weft/async.h>

struct message {
	uint64_t bytes;
};
struct user {
	uint64_t space;
};

/* The database: each query takes one round trip. */
static async int load_message(uint64_t id, struct message *msg)
{
	weft_try(await weft_yield());
	msg->bytes = id * 600;
	return id > 2 ? -ENOENT : 0;
}

static async int get_user(uint64_t id, struct user *user)
{
	weft_try(await weft_yield());
	user->space = 1000;
	return id > 1 ? -ESRCH : 0;
}

static async int user_add_to_inbox(struct user *user, const struct message *msg)
{
	weft_try(await weft_yield());
	user->space -= msg->bytes;
	return 0;
}

static int user_verify_has_space(const struct user *user, const struct message *msg)
{
	return user->space < msg->bytes ? -ENOSPC : 0;
}

static async int add_to_inbox(uint64_t email_id, uint64_t recipient_id)
{
	struct message msg;
	struct user user;

	weft_try(await load_message(email_id, &msg));
	weft_try(await get_user(recipient_id, &user));
	weft_try(user_verify_has_space(&user, &msg));
	return await user_add_to_inbox(&user, &msg);
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

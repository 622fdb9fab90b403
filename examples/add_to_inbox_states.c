/* SPDX-License-Identifier: MIT */
/* add_to_inbox_states.c: three awaits and four ways out, as the compiler emits it for
 *
 *     async int add_to_inbox(uint64_t email_id, uint64_t recipient_id)
 *     {
 *             struct message msg;
 *             struct user user;
 *
 *             weft_try(await load_message(email_id, &msg));
 *             weft_try(await get_user(recipient_id, &user));
 *             weft_try(user_verify_has_space(&user, &msg));
 *             return await user_add_to_inbox(&user, &msg);
 *     }
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <weft/frame.h>

struct message {
	uint64_t bytes;
};
struct user {
	uint64_t space;
};

/* The database: each query takes one round trip, and ends with the value of an expression. */
#define QUERY(name, ...)                                                                           \
	struct name##__frame {                                                                     \
		struct name##__args args;                                                          \
	};                                                                                         \
	enum weft_poll name##__poll(void *frame, struct weft_context *cx)                          \
	{                                                                                          \
		struct name##__frame *f = frame;                                                   \
                                                                                                   \
		if (weft_context_cancelled(cx))                                                    \
			weft_return(f, -ECANCELED);                                                \
		if (f->args.base.at++ == 0) {                                                      \
			weft_context_yield(cx);                                                    \
			return WEFT_PENDING;                                                       \
		}                                                                                  \
		weft_return(f, (__VA_ARGS__));                                                     \
	}                                                                                          \
	WEFT_ASYNC_DEFINE_LEAF(name, WEFT_ASYNC_RESULT_INT)

WEFT_ASYNC_2(int, load_message, uint64_t, struct message *);
QUERY(load_message, f->args.p1->bytes = f->args.p0 * 600, f->args.p0 > 2 ? -ENOENT : 0);
WEFT_ASYNC_2(int, get_user, uint64_t, struct user *);
QUERY(get_user, f->args.p1->space = 1000, f->args.p0 > 1 ? -ESRCH : 0);
WEFT_ASYNC_2(int, user_add_to_inbox, struct user *, const struct message *);
QUERY(user_add_to_inbox, f->args.p0->space -= f->args.p1->bytes, 0);

static int user_verify_has_space(const struct user *user, const struct message *msg)
{
	return user->space < msg->bytes ? -ENOSPC : 0;
}

WEFT_ASYNC_2(int, add_to_inbox, uint64_t, uint64_t);
struct add_to_inbox__frame {
	struct add_to_inbox__args args;
	struct message msg;
	struct user user;
	union {
		struct load_message__frame load_message;
		struct get_user__frame get_user;
		struct user_add_to_inbox__frame user_add_to_inbox;
	} child;
};
_Static_assert(sizeof(struct add_to_inbox__frame) <= sizeof(struct add_to_inbox__args) +
						sizeof(struct message) + sizeof(struct user) +
						sizeof(struct load_message__frame) + 16,
		"children that do not live at the same time share their memory");

enum weft_poll add_to_inbox__poll(void *frame, struct weft_context *cx)
{
	struct add_to_inbox__frame *f = frame;
	int err;

	WEFT_FRAME_CHECK(&f->args.base);
	switch (f->args.base.at) {
	case 0:
		break;
	case 1:
		goto weft_1;
	case 2:
		goto weft_2;
	case 3:
		goto weft_3;
	default:
		weft_frame_misuse(&f->args.base);
	}
	load_message__init(&f->child.load_message.args, f->args.p0, &f->msg);
	f->args.base.at = 1;
weft_1:
	if (load_message__poll(&f->child.load_message, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	if ((err = f->child.load_message.args.result) < 0)
		weft_return(f, err);
	get_user__init(&f->child.get_user.args, f->args.p1, &f->user);
	f->args.base.at = 2;
weft_2:
	if (get_user__poll(&f->child.get_user, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	if ((err = f->child.get_user.args.result) < 0)
		weft_return(f, err);
	if ((err = user_verify_has_space(&f->user, &f->msg)) < 0)
		weft_return(f, err);
	user_add_to_inbox__init(&f->child.user_add_to_inbox.args, &f->user, &f->msg);
	f->args.base.at = 3;
weft_3:
	if (user_add_to_inbox__poll(&f->child.user_add_to_inbox, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	weft_return(f, f->child.user_add_to_inbox.args.result);
}

/* What backtraces read: each await's line above, and where its child is. */
#define POINT(line, name)                                                                          \
	{                                                                                          \
		line, offsetof(struct add_to_inbox__frame, child.name), &name##__async, 0          \
	}
static const struct weft_point add_to_inbox__points[] = { POINT(9, load_message),
	POINT(10, get_user), POINT(12, user_add_to_inbox) };
#define EMBEDS(name)                                                                               \
	{                                                                                          \
		&name##__async, sizeof(struct name##__frame)                                       \
	}
static const struct weft_embedded add_to_inbox__embedded[] = { EMBEDS(load_message),
	EMBEDS(get_user), EMBEDS(user_add_to_inbox) };
WEFT_ASYNC_DESCRIBE(add_to_inbox, WEFT_ASYNC_RESULT_INT, .points = add_to_inbox__points,
		.point_count = 3, .embedded = add_to_inbox__embedded, .embedded_count = 3);

/* Polls until it is ready, and says what it waits for each time. */
static void run(uint64_t email_id, uint64_t recipient_id)
{
	struct weft_strand strand = { NULL };
	struct add_to_inbox__frame frame;
	struct weft_waker nobody = { NULL, NULL };
	struct weft_context cx = weft_context_make(nobody, &strand); /* these leaves only yield */
	const struct weft_point *point;

	add_to_inbox__init(&frame.args, email_id, recipient_id);
	printf("message %d to user %d\n\tnot started\n", (int)email_id, (int)recipient_id);
	while (weft_strand_poll(&strand, &add_to_inbox__async, &frame, &cx) == WEFT_PENDING) {
		point = &add_to_inbox__points[frame.args.base.at - 1];
		printf("\tline %u, in %s\n", point->line, point->child->name);
	}
	printf("\tcompleted: %s\n", strerror(-frame.args.result));
}

int main(void)
{
	weft_async_verify(&add_to_inbox__async);
	run(1, 1);
	run(3, 1); /* no such message */
	run(1, 2); /* no such user */
	run(2, 1); /* no space */
	return fflush(stdout) != 0;
}

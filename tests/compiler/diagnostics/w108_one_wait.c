/* SPDX-License-Identifier: MIT */
/* Functions that lose nothing when a select cancels them, since they wait once: nothing is said of them. And
 * their neighbours, of which it is said. */
#include <errno.h>
#include <stdlib.h>
#include <weft.h>
#include <weft/async.h>

int pop(void);
static int served;

/* ---- silent ---- */

static async int one_byte(struct weft_tcp conn, int fallback)
{
	char byte = 0;
	ssize_t n;

	if (fallback < 0)
		fallback = -fallback;
	weft_try(n = await weft_tcp_read(conn, &byte, 1));
	served++;
	return n ? byte : fallback;
}

static async int either(struct weft_tcp a, struct weft_tcp b, int which)
{
	switch (which) {
	case 0:
		return await one_byte(a, 0);
	case 1:
	case 2:
		which = await one_byte(b, 0);
		break;
	default:
		return -EINVAL;
	}
	return which;
}

static async int by_turns(struct weft_tcp a, struct weft_tcp b, bool which)
{
	if (which)
		return await weft_timeout(WEFT_SECONDS(1), one_byte(a, 0));
	return await either(a, b, 1) ? 0 : 1;
}

static async int computed(struct weft_tcp conn, int which)
{
	size_t size = sizeof(pop());
	int n;

	do
		which++;
	while (0);
	if (which > 5) {
		n = await one_byte(conn, 0);
		which++;
	} else
		n = await one_byte(conn, 1);
	return n + (int)size;
}

static async int returned(struct weft_tcp conn, int which)
{
	if (which)
		which++;
	else
		return await one_byte(conn, 0);
	which = await one_byte(conn, 1);
	switch (which) {
	case 0:
		return 1;
		which = await one_byte(conn, 1);
	}
	return which;
}

static async int nothing(void)
{
	return pop();
}

/* ---- said ---- */

static async int popped(struct weft_notify *notify)
{
	int item = pop();

	weft_try(await weft_notify_wait(notify));
	return item;
}

static async int counted(struct weft_notify *notify)
{
	served++;
	return await weft_notify_wait(notify);
}

static async int counted_itself(struct weft_notify *notify)
{
	static int count;
	count = 1;
	return await weft_notify_wait(notify);
}

static async int counted_visibly(struct weft_notify *notify)
{
	volatile int count;
	count = 1;
	return await weft_notify_wait(notify) + count;
}

static async int counted_by_turns(struct weft_notify *notify)
{
	int count = 0;

	do
		count++;
	while (pop());
	return await weft_notify_wait(notify) + count;
}

static async int counted_elsewhere(struct weft_notify *notify, int *counter)
{
	(*counter)++;
	return await weft_notify_wait(notify);
}

static void forget(int *item)
{
	served = *item;
}

static async int cleans_up(struct weft_notify *notify)
{
	__attribute__((cleanup(forget))) int item = 1;

	return await weft_notify_wait(notify) + item;
}

static async int keeps(struct weft_notify *notify)
{
	weft_future(weft_notify_wait) later;

	weft_start(later, weft_notify_wait(notify));
	return await later;
}

static async int keeps_in_branch(struct weft_notify *notify)
{
	weft_future(weft_notify_wait) later;

	weft_start(later, weft_notify_wait(notify));
	return await weft_timeout(WEFT_SECONDS(1), later);
}

static async int on_a_thread(void)
{
	return await weft_timeout(WEFT_SECONDS(1), weft_blocking(pop()));
}

static async int by_pointer(struct weft_notify *notify, async int (*wait)(struct weft_notify *))
{
	return await wait(notify);
}

static async int acted_in_one(struct weft_notify *notify, int which)
{
	if (which)
		pop();
	else
		which = 2;
	return await weft_notify_wait(notify) + which;
}

static async int acted_in_other(struct weft_notify *notify, int which)
{
	if (which)
		which = 2;
	else
		pop();
	return await weft_notify_wait(notify) + which;
}

static async int one_case(struct weft_tcp conn, int which)
{
	switch (which)
	case 1:
		which = await one_byte(conn, 0);
	return which;
}

static async int again(struct weft_tcp conn)
{
	while (!served)
		weft_try(await weft_sleep(1));
	return await one_byte(conn, 0);
}

static async int popped_limit(struct weft_tcp conn)
{
	return await weft_timeout(pop(), one_byte(conn, 0));
}

static async int popped_condition(struct weft_tcp conn, int n)
{
	if (pop())
		n++;
	return await one_byte(conn, n);
}

static async int popped_operand(struct weft_tcp conn, int n)
{
	switch (pop()) {
	case 1:
		n++;
	}
	return await one_byte(conn, n);
}

static async int popped_inside(struct weft_tcp conn)
{
	int n = ({ pop(); 1; });

	return await one_byte(conn, n);
}

static async int passed_on(struct weft_tcp conn)
{
	return abs(await again(conn));
}

static async int negated(struct weft_tcp conn)
{
	return -await again(conn);
}

static async int through(struct weft_notify *notify, int *number)
{
	*number = 1;
	return await weft_notify_wait(notify);
}

static async int by_goto(struct weft_tcp conn)
{
	int n;

again:
	n = await one_byte(conn, 0);
	if (n > 'a')
		goto again;
	return n;
}

static async int falling(struct weft_tcp conn, int which)
{
	int n = 0;

	switch (which) {
	case 0:
		n = await one_byte(conn, 0);
		/* fall through */
	case 1:
		n += await one_byte(conn, 0);
	}
	return n;
}

static async int after_switch(struct weft_tcp conn, int which)
{
	switch (which) {
	case 0:
		which = await one_byte(conn, 0);
		break;
	case 1:
		return 0;
	}
	return which + await one_byte(conn, 0);
}

static async int perhaps_returned(struct weft_tcp conn, int which)
{
	which ? ({ return 0; 1; }) : 0;
	which = await one_byte(conn, 0);
	return which + await one_byte(conn, 0);
}

static async int both(struct weft_tcp a, struct weft_tcp b)
{
	int x, y;

	await weft_join(x = one_byte(a, 0), y = one_byte(b, 0));
	return x + y;
}

static async int two_in_one(struct weft_tcp conn)
{
	return await one_byte(conn, await one_byte(conn, 0));
}

static async ssize_t written(struct weft_tcp conn, const char *text)
{
	return await weft_tcp_write_all(conn, text, 100);
}

static async int deferred(struct weft_notify *notify)
{
	defer pop();
	return await weft_notify_wait(notify);
}

async int elsewhere(void);

async int all(struct weft_tcp a, struct weft_tcp b, struct weft_notify *notify)
{
	int n;

	await weft_select(one_byte(a, 0), either(a, b, 0), by_turns(a, b, true), nothing());
	await weft_select(computed(a, 1), returned(a, 1));
	await weft_select(counted_itself(notify), counted_visibly(notify), counted_by_turns(notify),
			counted_elsewhere(notify, &n), cleans_up(notify), keeps(notify));
	await weft_select(keeps_in_branch(notify), on_a_thread(), by_pointer(notify, NULL),
			acted_in_one(notify, 1), acted_in_other(notify, 1), one_case(a, 1));
	await weft_select(popped_limit(a), popped_condition(a, 1), popped_operand(a, 1), popped_inside(a));
	await weft_select(passed_on(a), negated(a));
	await weft_select(popped(notify), counted(notify), through(notify, &n));
	await weft_select(again(a), by_goto(a), falling(a, 0));
	await weft_select(after_switch(a, 0), perhaps_returned(a, 0), both(a, b));
	await weft_select(two_in_one(a), written(a, ""), deferred(notify));
	return await weft_select(elsewhere(), weft_yield());
}

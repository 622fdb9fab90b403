/* SPDX-License-Identifier: MIT */
#include <weft.h>
#include <weft/async.h>

struct pair {
	int a, b;
};

static async struct pair find(bool quickly)
{
	(void)await weft_yield();
	return (struct pair){ quickly, 2 };
}

static async short brief(short n, struct pair pair)
{
	return (short)(await weft_yield() + n + pair.a);
}

struct finder {
	async struct pair (*find)(bool quickly);
	async int (*wait)(int64_t ns);
};

static int plain(int n)
{
	weft_future(weft_sleep) nap;

	return n;
}

async int main(void)
{
	struct finder finder = { find, weft_sleep };
	weft_future(find) where;
	weft_future(brief) number;
	weft_future(weft_sleep) numbers[2];
	static weft_future(weft_sleep) kept;
	weft_future(weft_sleep) begun = 0;
	weft_future(finder.find(true)) found;
	weft_future(weft_sleep) nap;
	int n;

	weft_start(found, finder.wait(1));
	weft_start(nap, n = weft_sleep(1));
	weft_start(n, weft_sleep(1));
	n = nap;
	nap = 1;
	for (weft_future(weft_sleep) in_loop;;)
		break;
	goto over;
	weft_future(weft_sleep) skipped;
over:
	return weft_spawn_detached(nap);
}

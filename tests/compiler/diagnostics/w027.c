/* SPDX-License-Identifier: MIT */
#include <weft.h>
#include <weft/async.h>

int plain(int n)
{
	int number = 1;
	inline int added(int k)
	{
		return k + n;
	}

	return added(number);
}

async int with_callback(int n)
{
	struct pair { int a, b; } pair = { n, 1 };
	auto int sum(void);
	int sum(void) { return pair.a + pair.b; }

	weft_try(await weft_yield());
	return sum();
}

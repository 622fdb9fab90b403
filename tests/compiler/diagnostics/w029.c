/* SPDX-License-Identifier: MIT */
/* flags: -Wno-psabi */
#include <weft.h>
#include <weft/async.h>

struct page {
	_Alignas(4096) char bytes[4096];
};

static async int first_of(struct page page)
{
	return await weft_yield() + page.bytes[0];
}

async int main(void)
{
	_Alignas(128) int far = 1, near[2] = { 2 };
	__attribute__((aligned(64))) int beside = 3; /* as much as there is */
	struct page page = { { 4 } };
	int *of_far = &far;

	weft_try(await weft_yield());
	{
		_Alignas(256) char short_lived[4] = { 5 }; /* on the stack */

		near[0] += short_lived[0];
	}
	return near[0] + beside + await first_of(page) + *of_far + page.bytes[1];
}

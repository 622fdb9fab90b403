/* SPDX-License-Identifier: MIT */
/* T26: a computed goto and an await in one function is an error. */
#include <weft.h>
#include <weft/async.h>

async int main(void)
{
	void *next = &&done;

	await weft_yield();
	goto *next;
done:
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* T21: an object of a type that depends on a value may not be in scope of an await. */
#include <weft.h>
#include <weft/async.h>

static async int grid(int n, int (*rows)[n])
{
	int line[n], (*p)[n] = &line;

	await weft_yield();
	return rows[0][0] + (*p)[0];
}

async int main(void)
{
	return await grid(1, &(int[1]){ 1 });
}

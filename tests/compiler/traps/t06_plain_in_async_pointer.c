/* SPDX-License-Identifier: MIT */
/* T6: a plain function is no async one, whichever way it comes: by name, by a table, by a cast. */
#include <weft.h>
#include <weft/async.h>

typedef async int handler(int x);
struct table {
	handler *run;
};

static int plain(int x)
{
	return x;
}

static async int real(int x)
{
	return await weft_sleep(x);
}

static struct table wrong = { plain };
static struct table right = { real };
static int (*other)(int) = real;

async int main(void)
{
	handler *cast = (handler *)plain;

	return await wrong.run(1) + await right.run(2) + await cast(3) + other(4);
}

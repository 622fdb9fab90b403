/* SPDX-License-Identifier: MIT */
#include <weft.h>
#include <weft/async.h>

typedef async int handler(int x);

static int plain(int x)
{
	return x;
}

static handler *table[] = { plain };

async int main(void)
{
	return await table[0](1);
}

/* SPDX-License-Identifier: MIT */
#include <weft.h>
#include <weft/async.h>

async struct point {
	int x, y;
};

async int main(void)
{
	async int err = 0;

	return err;
}

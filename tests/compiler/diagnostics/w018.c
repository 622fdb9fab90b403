/* SPDX-License-Identifier: MIT */
#include <weft.h>
#include <weft/async.h>

async struct point {
	int x, y;
};

async int one(void), two, three(int);
async int (*four)(int), five(void), six(void);

async int main(void)
{
	async int err = 0;

	return err;
}

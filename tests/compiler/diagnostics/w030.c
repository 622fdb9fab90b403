/* SPDX-License-Identifier: MIT */
#include <weft.h>
#include <weft/async.h>

struct {
	int v;
} place;
__typeof__(place) *pick(int n);

async int hides(int n)
{
	int place = 1;

	return (n ? *pick(n) : *pick(await weft_yield() + place)).v;
}

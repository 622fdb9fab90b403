/* SPDX-License-Identifier: MIT */
/* T5: #pragma pack around a function is for its structs, not for its frame. */
#include <stdint.h>
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

#pragma pack(push, 1)
struct wire {
	char tag;
	int value;
};
async int read_wire(char tag, long at);
static async int packed(char tag, long value)
{
	struct wire w = { tag, (int)value };
	char c = 1;
	double d = 2.5;
	double *p = &d;
	char *q = &c;

	await weft_yield();
	return (int)sizeof w + w.value + ((uintptr_t)p % _Alignof(double) == 0) + *q + (int)*p;
}
async int read_wire(char tag, long at)
{
	long *p = &at;

	await weft_yield();
	return tag + (int)at + ((uintptr_t)p % _Alignof(long) == 0 ? 0 : 1000);
}
struct after {
	char tag;
	int value;
};
#pragma pack(pop)

async int main(void)
{
	printf("%d %d %zu\n", await packed('t', 10), await read_wire(1, 2), sizeof(struct after));
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* T4: alignment, may_alias and _Alignas go into the frame with the type. */
#include <stdint.h>
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

typedef int wide __attribute__((aligned(64)));
typedef float lanes __attribute__((vector_size(32)));
typedef uint32_t __attribute__((may_alias)) word;

static async int aligned(wide *given)
{
	wide a = 1;
	_Alignas(32) char b[3] = { 2 };
	lanes c = { 3 };
	float f = 1.0f;
	word *bits = (word *)&f;
	char d[16], e[sizeof d], s[] = "abc";

	d[15] = e[15] = 1;
	await weft_yield();
	f = 2.0f;
	return (int)((uintptr_t)&a % 64 + (uintptr_t)b % 32 + (uintptr_t)&c % _Alignof(lanes) + (uintptr_t)given % 64) + a +
			b[0] + (int)c[0] + d[15] + e[15] + (int)sizeof e + (int)sizeof s + (*bits == 0x40000000);
}

async int main(void)
{
	wide here = 0;

	printf("%d\n", await aligned(&here));
	return 0;
}

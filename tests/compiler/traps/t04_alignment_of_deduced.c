/* SPDX-License-Identifier: MIT */
/* T4: a local keeps its alignment in the frame also if its type is deduced. */
#include <stdint.h>
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

static int misaligned(const void *address, int alignment)
{
	return (int)((uintptr_t)address % (uintptr_t)alignment);
}

async int main(void)
{
	_Alignas(64) __typeof__(int) before = 1;
	__typeof__(int) _Alignas(64) between = 2;
	__typeof__(int) after __attribute__((aligned(64))) = 3, plain = 4;
	_Alignas(16) _Alignas(64) __auto_type automatic = 5;
	__typeof__(int) numbers[3] __attribute__((unused, aligned(32))) = { 6 };
	__attribute__((aligned(64))) __typeof__(plain) first = 7;
	_Alignas(32) int named = 8;
	int *pointers[] = { &before, &between, &after, &plain, &automatic, numbers, &first, &named };

	weft_try(await weft_yield());
	printf("%d %d %d %d %d %d %d\n", misaligned(&before, 64), misaligned(&between, 64),
			misaligned(&after, 64), misaligned(&automatic, 64), misaligned(numbers, 32),
			misaligned(&first, 64), misaligned(&named, 32));
	for (int i = 0; i < 8; i++)
		printf(" %d", *pointers[i]);
	printf("\n");
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* split_middle.c: two jobs that compute, at once, on threads of the blocking pool. The task that awaits
 * them holds no worker meanwhile. */
#include <stdint.h>
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

/* How many primes there are from lo to hi: a while of computing. */
static uint64_t sync_compute(uint64_t lo, uint64_t hi)
{
	uint64_t primes = 0, divisor;

	for (uint64_t n = lo < 2 ? 2 : lo; n <= hi; n++) {
		for (divisor = 2; divisor * divisor <= n && n % divisor; divisor++)
			;
		primes += divisor * divisor > n;
	}
	return primes;
}

static uint64_t sync_combine(uint64_t a, uint64_t b)
{
	return a + b;
}

static async uint64_t split_middle(uint64_t lo, uint64_t hi)
{
	uint64_t mid = lo + (hi - lo) / 2, a, b;

	if (lo == hi)
		return 0;
	await weft_join(a = weft_blocking(sync_compute(lo, mid)),
			b = weft_blocking(sync_compute(mid + 1, hi)));
	return sync_combine(a, b);
}

async int main(void)
{
	printf("%d primes\n", (int)await split_middle(1, 200000));
	printf("%d in an empty range\n", (int)await split_middle(7, 7));
	return fflush(stdout) != 0;
}

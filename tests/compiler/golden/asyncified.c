/* SPDX-License-Identifier: MIT */
/* flags: --asyncify
 * What the test mode makes asynchronous, and what it leaves as it is. */
#include <weft.h>

static int leaf(int x) { return x; }
static int taken(int x) { return leaf(x); }
static int (*const pointer)(int) = taken;
static int variadic(int n, ...) { return n; }
static int chosen(int x) { return x; }
static void cleans(int *x) { ++*x; }
static inline int inlined(int x) { return x; }
inline int everywhere(int x) { return x; }
static int one(int x), pinned(int x);
static int one(int x) { return x; }
static int pinned(int x) { return x; }
static int (*const pin)(int) = pinned;

int main(void)
{
	__attribute__((cleanup(cleans))) int kept = 1;
	int n = inlined(1) ?: (2);

	n += _Generic(n, int: chosen(2), default: 0) + variadic(2, pointer, pin);
	return n + one(n) + everywhere(n);
}

/* SPDX-License-Identifier: MIT */
/* What depends on the machine, and needs no header of it: LONG_BYTES, UNSIGNED, PACKED, ALIGNED_TO_4. */
#include <weft/frame.h>
#ifndef __WEFTCC__
#define _Async
#define _Await
#endif

#ifdef UNSIGNED
_Static_assert((char)-1 > 0, "char is unsigned");
#else
_Static_assert((char)-1 < 0, "char is signed");
#endif
_Static_assert(sizeof(long) == LONG_BYTES, "long");
static const __WCHAR_TYPE__ wide[] = L"as wide as the compiler has it";

struct both {
	char first;
	long long second;
};
#if defined PACKED
_Static_assert(sizeof(struct both) == 9, "packed");
#elif defined ALIGNED_TO_4
_Static_assert(sizeof(struct both) == 12, "long long at 4 bytes");
#else
_Static_assert(sizeof(struct both) == 16, "long long at 8 bytes");
#endif

typedef _Async int handler(int);
_Async int leaf(int n);

static _Async int twice(int n)
{
	char kept[] = { [sizeof(long) - 1] = 1 };
	handler *handle = leaf;
	int first = _Await leaf(n);
	int second = _Await handle(n);

	_Static_assert(sizeof(kept) == LONG_BYTES, "a bound that the compiler finds");
	return first + second + kept[0] + (int)wide[0];
}

_Async int thrice(int n)
{
#ifdef MIXED
	int (*plain)(int) = leaf;

	n += plain(n);
#endif
	return _Await leaf(n) + _Await twice(n);
}

/* SPDX-License-Identifier: MIT */
/* An await in an operand that is not evaluated stands for its type: also of a library function, and beside
 * one that is awaited. */
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

#define MAX(a, b)                                                                                  \
	__extension__({                                                                            \
		__typeof__(a) a_ = (a);                                                            \
		__typeof__(b) b_ = (b);                                                            \
		a_ > b_ ? a_ : b_;                                                                 \
	})

static int calls;

static async char letter(char c)
{
	calls++;
	weft_try(await weft_yield());
	return c;
}

async int main(void)
{
	int sizes = (int)sizeof(await letter('x')) + await letter('y') +
			(int)sizeof(await weft_sleep(1)) - (int)sizeof(int);

	printf("%d after %d call\n", sizes - 'y', calls);
	printf("%c after %d calls\n", MAX(await letter('a'), await letter('b')), calls);
	return fflush(stdout) != 0;
}

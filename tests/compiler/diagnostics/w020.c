/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

static void note(int *n)
{
	printf("%d\n", *n);
}

async int tell(void)
{
	int n = ({
		defer puts("left");
		await weft_yield();
	});

	n += ({
		__attribute__((cleanup(note))) int kept = n;
		(void)await weft_yield();
		kept;
	});
	n += ({
		weft_future(weft_yield) later;
		weft_start(later, weft_yield());
		await later;
	});
	return n;
}

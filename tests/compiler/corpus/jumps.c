/* SPDX-License-Identifier: MIT */
/* Ways to get somewhere else: goto into and out of loops and blocks, switch, case ranges, Duff's device. */
#include <stdio.h>

static int trace;

static int id(int x)
{
	trace = trace * 3 + x;
	return x;
}

static int into_a_loop(int n)
{
	int i, sum = 0;

	if (id(n) > 2)
		goto inside;
	for (i = id(0); id(i) < n; i += id(1)) {
		sum += id(10);
inside:
		if (n > 2) {
			i = 7;
			n = id(2);
		}
		sum += id(i);
	}
	return sum;
}

static int out_of_blocks(int n)
{
	int sum = 0;

	for (int i = 0;; i++) {
		while (id(1)) {
			{
				int x = id(i);
				if (x > n)
					goto done;
				sum += x;
			}
			do {
				if (id(i) == 2)
					goto next;
			} while (id(0));
			break;
		}
		sum += 100;
next:;
	}
done:
	return sum;
}

static int into_a_block(int n)
{
	int r = id(1);

	if (n > 1)
		goto middle;
	{
		r += id(10);
middle:
		r += id(100);
		if (n & 1) {
			int deep;
			goto deeper;
			deep = 0;
deeper:
			deep = id(n);
			r += deep;
		}
	}
	return r;
}

static int backwards(int n)
{
	int tries = 0;
again: __attribute__((unused));
	{
		int fresh = id(tries);
		tries++;
		if (fresh < n)
			goto again;
	}
	return tries;
}

static const char *range(int c)
{
	switch (id(c)) {
	case 'a' ... 'f':
	case 'A' ... 'F':
		if (id(1))
			return "hex";
		/* fall through */
	case '0' ... '9':
		id(3);
		return "digit";
	case -5 ... - 1:
		id(9);
		break;
	default:
		return id(0) ? "?" : "other";
	}
	return "negative";
}

static int switches(int a, int b)
{
	int r = 0;

	switch (id(a))
	default:
		r = id(5);
	switch (id(a)) {
		int unset;
	case 0:
		unset = id(4);
		r += unset;
	case 1:
		switch (id(b)) {
		case 0:
			r += id(10);
			break;
		case 1: {
			r += id(20);
			goto three;
		}
		default:
			while (id(b) > 0) {
				if (b == 3) {
					b = 0;
					continue;
				}
				b--;
				switch (id(b))
				case 1:
					break;
			}
			r += 30;
		}
		break;
	case 2:
		r++;
		if (id(b))
	three:
	case 3:
			r += id(1000);
		else
	case 4:
			r += id(2000);
	}
	switch (id(a))
		;
	switch (id(b)) {
	}
	return r;
}

static int duff(char *to, const char *from, int count)
{
	int n = (count + 7) / 8, moved = 0;

	switch (count % 8) {
		do {
	case 0:
			*to++ = *from++, moved += id(1);
	case 7:
			*to++ = *from++, moved += id(1);
	case 6:
			*to++ = *from++, moved += id(1);
	case 5:
			*to++ = *from++, moved += id(1);
	case 4:
			*to++ = *from++, moved += id(1);
	case 3:
			*to++ = *from++, moved += id(1);
	case 2:
			*to++ = *from++, moved += id(1);
	case 1:
			*to++ = *from++, moved += id(1);
		} while (id(--n) > 0);
	}
	*to = 0;
	return moved;
}

static int case_in_everything(int n)
{
	int r = 0;

	switch (id(n)) {
		for (; r < 3;) {
	case 1:
			r += id(1);
			if (r == 2)
	case 2:
				r += id(5);
			else {
	case 3:
				r += id(7);
				{
	case 4:
					r += id(2);
				}
			}
		}
	}
	return r;
}

static int nothing(int n)
{
	if (id(n))
		;
	else
		;
	while (id(0))
		;
	for (; id(0);)
		;
	do
		;
	while (id(0));
	;
	{
	}
	return n;
}

static int local_labels(int n)
{
	int total = 0;

	for (int i = 0; i < n; i++) {
		__label__ out;
		if (id(i) & 1)
			goto out;
		total += i;
out:
		total += id(1);
	}
	{
		__label__ out;
		goto out;
		total = 99;
out:
		total += id(2);
	}
	return total;
}

static int dangling(int a, int b)
{
	if (id(a))
		if (id(b))
			return id(1);
		else
			return id(2);
	for (int i = 0; i < 2; i++)
		if (a == i)
			for (;;)
				if (id(b))
					break;
				else
					return id(3);
		else
			continue;
	return 4;
}

static int unreachable(int n)
{
	return id(n);
	for (;;) {
		id(n);
		break;
	}
	n = id(2);
}

/* Each way needs another variable after the call. */
static int each_needs_another(int n)
{
	int zero = n + 10, one = n + 20, two = n + 30, many = n + 40, none = n + 50;

	id(n);
	switch (n) {
	case 0:
		return zero;
	case 1:
		return one;
	case 2:
		if (id(two) != two)
			break;
		return two;
	case 3 ... 4:
		return many;
	}
	return none;
}

/* The value from before the first call is needed where nothing is assigned. */
static int kept_by_and(int n)
{
	int kept = n * 7 + trace, other = n * 9 - trace;

	id(n);
	(void)(n > 1 && (kept = id(1)));
	return kept + (n > 1) * other;
}

static int kept_by_or(int n)
{
	int kept = n * 11 + trace, other = n * 13 - trace;

	id(n);
	(void)(n > 1 || (kept = id(2)));
	return kept + (n > 1) * other;
}

static int kept_by_choice(int n)
{
	int kept = n * 17 + trace, other = n * 19 - trace;

	id(n);
	(void)(n > 1 ? (kept = id(3)) : (other = id(4)));
	return kept * 100 + other;
}

int main(void)
{
	char text[40];

	for (int i = 0; i < 6; i++)
		printf("each %d %d %d %d\n", each_needs_another(i), kept_by_and(i), kept_by_or(i), kept_by_choice(i));
	for (int i = 0; i < 4; i++)
		printf("block %d\n", into_a_block(i));
	for (int i = 0; i < 5; i++)
		printf("into %d: %d\n", i, into_a_loop(i));
	for (int i = 0; i < 5; i++)
		printf("out %d: %d\n", i, out_of_blocks(i));
	printf("back %d\n", backwards(4));
	for (const char *c = "fD8z", *end = c + 4; c < end; c++)
		printf("%s\n", range(*c));
	printf("%s\n", range(-3));
	for (int i = 0; i < 30; i++)
		printf("switch %d: %d\n", i, switches(i / 5, i % 5));
	for (int i = 1; i < 20; i++)
		printf("duff %d %s\n", duff(text, "abcdefghijklmnopqrstuvwxyz", i), text);
	for (int i = 0; i < 6; i++)
		printf("case %d\n", case_in_everything(i));
	printf("%d %d\n", nothing(0), nothing(3));
	printf("%d\n", local_labels(5));
	for (int i = 0; i < 4; i++)
		printf("dangling %d\n", dangling(i >> 1, i & 1));
	printf("%d %d\n", unreachable(6), trace);
	return id(3);
}

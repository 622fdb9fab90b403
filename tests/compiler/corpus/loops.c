/* SPDX-License-Identifier: MIT */
/* Loops of every kind with awaits in every part; break, continue and return in all of them. */
#include <stdio.h>

static int calls;

static int id(int x)
{
	calls++;
	return x;
}

static int parts(int which, int n)
{
	int r = 0, i = 0;

	/* every subset of the three parts awaits */
	switch (which) {
	case 0:
		for (i = 0; i < n; i++)
			r += id(i);
		break;
	case 1:
		for (i = id(0); i < n; i++)
			r += i;
		break;
	case 2:
		for (i = 0; i < id(n); i++)
			r += i;
		break;
	case 3:
		for (i = 0; i < n; i += id(1))
			r += i;
		break;
	case 4:
		for (; i < id(n);)
			r += i++;
		break;
	case 5:
		for (;; i += id(1))
			if (i >= n)
				break;
			else
				r += i;
		break;
	case 6:
		for (id(0); i < n; id(0))
			r += i++;
		break;
	case 7:
		for (int i = id(0), end = id(n); i < end; i++) {
			if (i == 2)
				continue;
			r += i;
		}
		break;
	case 8:
		for (int i = 0; id(i) < n; i += id(1)) {
			if (id(i) == 1)
				continue;
			if (i == 5)
				break;
			r += i;
		}
		break;
	case 9:
		while (i < n)
			r += id(i++);
		break;
	case 10:
		while (id(i) < n) {
			if (i++ == 2)
				continue;
			r += i;
			if (r > 20)
				break;
		}
		break;
	case 11:
		do {
			if (i == 1)
				continue;
			if (i == 6)
				break;
			r += i;
		} while (id(++i) < n);
		break;
	case 12:
		do
			r += id(i);
		while (++i < n);
		break;
	case 13:
		do {
			id(0);
			if (i == 3)
				return r + 1000;
			r += i;
		} while (i++, id(1));
		break;
	case 14:
		for (struct { int a, b; } p = { id(1), 2 }; p.a < n; p.a += p.b)
			r += p.a * id(2);
		break;
	case 15:
		for (int a[3] = { 1, id(2), 3 }, *p = a; p < a + 3; p += id(1))
			r += *p;
		break;
	case 16:
		for (;;)
			while (1)
				do {
					if (id(i++) > n)
						return r;
					r += i;
				} while (0);
	case 17:
		while (i < n && id(1))
			r += i++;
		break;
	case 18:
		while (({
			int t = id(i);
			t < n;
		}))
			r += i++;
		break;
	case 19:
		for (i = 0; i < n && (id(i) || 1); r += i, id(0), i++)
			;
		break;
	case 20:
		while (i < n)
			switch (id(i++)) {
			case 0:
				continue;
			case 1:
				r += 5;
				break;
			case 2:
				r += 7;
				/* fall through */
			default:
				if (i == 5)
					continue;
				r++;
			}
		break;
	case 21:
		for (register int kept = 0; kept < n; kept += id(1))
			r += kept;
		break;
	}
	return r * 100 + i;
}

static int nested(int n)
{
	int r = 0;

	for (int i = 0; i < n; i++)
		for (int j = id(i); j < n; j++) {
			int k = j;

			while (id(k)) {
				k--;
				if (k == 1)
					break;
				if ((k & 1) == 0)
					continue;
				r += k;
			}
			do {
				if (r % 7 == 3)
					continue;
				r++;
			} while (id(k++) < 2);
			if (j == 3)
				goto next;
			continue;
next:
			r += 100;
		}
	return r;
}

/* A declaration without an initialiser that is reached again keeps no promise, but its place. */
static int reached_again(int n)
{
	int r = 0;

	for (int i = 0; i < n; i++) {
		int first[2];

		if (i == 0)
			first[0] = first[1] = 0;
		else
			first[0] = i;
		first[1] = id(i);
		r += first[0] + first[1];
	}
	return r;
}

/* Each has a value that is read in one place alone, with calls before it. */
static int read_once(int n)
{
	int comma = id(1), right = id(2), chooses = id(n > 2), body = id(4), again = id(5), later = id(6);
	int first = id(7), i, total = id(0), *kept;
	struct {
		int at[2];
	} array = { { id(8), 9 } };

	kept = array.at;
	total += (id(9), comma);
	total += chooses ? id(1) : right;
	while (total < 30)
		total += body;
	do
		total += again;
	while (total < 60);
	for (i = first; i < 9; i++)
		total += id(i);
	total += kept[id(1)];
	if (total > n)
		goto over;
	return 0;
over:
	total += later;
	return total;
}

/* What is live where it could be missed: on the way around, beside what assigns, in a condition alone. */
static int lives(int n)
{
	int carried = id(1), replaced = id(5), stop = id(3), early = id(1), chosen = id(n + 10), total = 0;
	int stays = id(0) && (replaced = id(3));

	for (int i = 0; i < 3; i++) {
		total += carried;
		id(0);
		carried = i * 2;
		id(0);
	}
	do {
		total--;
		id(0);
	} while (total > stop);
	while (early < 4)
		early = id(4);
	switch (id(n)) {
	case 0:
		return replaced + stays;
	case 1:
		return total + chosen;
	case 2:
		total += replaced;
	default:
		return total + early;
	}
}

/* A loop that has ended is none of which the `continue` behind it can be. */
static int continues(int n)
{
	int total = 0, i = 0;

	do {
		while (id(total) < i)
			total++;
		for (int j = 0; id(j) < 2; j++)
			total += j;
		do
			total++;
		while (id(total) < 4);
		if (i == 1)
			continue;
		total += 10;
	} while (id(++i) < n);
	return total;
}

static int pragmas(int n)
{
	int r = 0;

#pragma GCC unroll 4
	for (int i = 0; i < n; i++)
		r += i;
	id(r);
#pragma GCC ivdep
	for (int i = 0; i < n; i++)
		r += i;
	for (int i = 0; i < n; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-value"
		r += id(i);
#pragma GCC diagnostic pop
	}
	return r;
}

int main(void)
{
	for (int which = 0; which <= 21; which++)
		printf("%d: %d\n", which, parts(which, 6));
	printf("%d\n", nested(5));
	printf("%d\n", reached_again(4));
	printf("%d %d\n", read_once(1), read_once(5));
	printf("%d %d %d %d\n", lives(0), lives(1), lives(2), lives(3));
	printf("%d\n", continues(4));
	printf("%d\n", pragmas(9));
	printf("%d\n", calls);
	return 0;
}

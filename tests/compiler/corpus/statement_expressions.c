/* SPDX-License-Identifier: MIT */
/* Statement expressions, and macros made of them, with every way out. */
#include <stdio.h>

#define TRY(x)                                                                                     \
	({                                                                                         \
		int try_ = (x);                                                                    \
		if (try_ < 0)                                                                      \
			return try_;                                                               \
		try_;                                                                              \
	})
#define MAX(a, b)                                                                                  \
	({                                                                                         \
		__typeof__(a) a_ = (a);                                                            \
		__auto_type b_ = (b);                                                              \
		a_ > b_ ? a_ : b_;                                                                 \
	})
#define SWAP(a, b)                                                                                 \
	do {                                                                                       \
		__typeof__(a) swap_ = (a);                                                         \
		(a) = (b);                                                                         \
		(b) = swap_;                                                                       \
	} while (0)
#define FOR_EACH(x, list) for (__typeof__(*(list)) *x = (list); *x; x++)
#define UNTIL(condition) while (!(condition))
#define BREAK_IF(x) ({ if (x) break; 0; })
#define CONTINUE_IF(x) ({ if (x) continue; 0; })
#define GOTO_IF(x, label) ({ if (x) goto label; 0; })
#define ONCE for (int once_ = 1; once_; once_ = 0)

struct pair {
	int a, b;
};

static int id(int x) { return x; }
static struct pair make(int a) { return (struct pair){ a, -a }; }

static int trying(int x)
{
	int a = TRY(id(x)), b = TRY(id(x - 1)) + TRY(a - 2);

	TRY(id(b));
	return a + b + TRY(id(TRY(id(a)) - 3));
}

static int maximum(int x)
{
	int list[] = { 3, x, 5, 0 };
	int r = MAX(id(x), id(4)) + MAX(MAX(id(1), id(2)), MAX(3, id(x)));

	FOR_EACH (at, list)
		r += id(*at) * 10;
	UNTIL (r > id(200))
		r += 50;
	SWAP(list[0], list[2]);
	if (id(x) > 2)
		SWAP(r, list[1]);
	else
		SWAP(list[1], r);
	return r + list[0] + list[1];
}

static int leaving(int n)
{
	int r = 0;

	for (int i = 0; i < n; i++) {
		r += CONTINUE_IF(id(i) == 1);
		r += BREAK_IF(id(i) == 4);
		r += i + GOTO_IF(id(i) == 3 && n > 7, out);
	}
	ONCE
	{
		r += 100;
		BREAK_IF(id(1));
		r += 1000;
	}
	r += ({
		int x = id(2);
		switch (x) {
		case 2:
			x = id(20);
			break;
		default:
			x = 5;
		}
		while (1)
			if (id(x) > 18)
				x--;
			else
				break;
		x;
	});
out:
	return r;
}

static int nested(int x)
{
	return ({
		int y = ({
			int z = id(x);
			z + ({
				struct pair p = make(z);
				p.a * 2;
			});
		});
		int x = id(y);
		for (int i = 0; i < 2; i++)
			x += ({ id(i); });
		x + y;
	});
}

static int kinds(int x)
{
	struct pair p = ({ make(x); });
	int r = ({ make(id(x)); }).a + ({ struct pair q = make(2); q.b = id(9); q; }).b;

	({ id(1); });
	({ id(2); ; });
	({});
	({ ; });
	(void)({ id(3); });
	r += ({ int unused; id(4); });
	r += ({ { id(6); } id(7); });
	r += ({ const char *s = "text"; s; })[id(1)];
	r += (({ id(8); }), 1);
	if (({ int c = id(x); c > 2; }))
		r += 1000;
	switch (({ id(x) & 1; })) {
	case 1:
		r += 7;
	}
	return r + p.b;
}

static int without(int x)
{
	int r = ({ int plain = x; plain + 1; });

	id(r);
	r += ({ if (x > 100) return 5; x; });
	for (int i = 0; i < 3; i++)
		r += ({ if (i == 1) continue; i; });
	return ({ int y = r; y * 2; });
}

static int labelled(int n)
{
	int value = ({
		if (n > 1)
			goto out;
		n += id(10);
out:
		id(n);
	});

	return value + id(1);
}

int main(void)
{
	for (int i = 0; i < 4; i++)
		printf("labelled %d: %d\n", i, labelled(i));
	for (int i = -1; i < 7; i++)
		printf("trying %d: %d\n", i, trying(i));
	for (int i = 0; i < 6; i++)
		printf("maximum %d: %d\n", i, maximum(i));
	for (int i = 0; i < 10; i++)
		printf("leaving %d: %d\n", i, leaving(i));
	printf("%d\n", nested(3));
	printf("%d\n", kinds(3));
	printf("%d %d\n", without(3), without(300));
	return 0;
}

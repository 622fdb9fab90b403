/* SPDX-License-Identifier: MIT */
/* Compound literals live as long as their block, whatever suspends in it. */
#include <stdio.h>
#include <string.h>

struct point {
	int x, y;
};
struct line {
	struct point from, to;
	const char *name;
	int weights[3];
};
union number {
	int i;
	long l;
};

static int id(int x) { return x; }
static int length(const struct line *line) { return line->to.x - line->from.x + line->weights[id(1)]; }
static int sum(const int *at, int count) { return count ? *at + sum(at + 1, count - 1) : 0; }
static struct point moved(struct point p, int by) { return (struct point){ p.x + id(by), p.y }; }
static const struct point *same(const struct point *p) { return p; }

static int *global = (int[]){ 1, 2, 3 };
static struct point *const table[] = { &(struct point){ 4, 5 }, &(struct point){ .y = 6 } };

static int arrays(int v)
{
	int *q = (int[]){ v, v + 1 };
	int (*rows)[2] = (int[][2]){ { 1, 2 }, { v }, { 5, [1] = 6 } };
	char *text = (char[]){ "text" };
	char *longer = (char[10]){ 'a', 'b' };
	const char *const *names = (const char *const[]){ "one", "two", [3] = "four" };

	id(0);
	text[0] = 'n';
	longer[9] = 'z';
	return q[0] + q[1] + rows[1][0] + rows[2][1] + text[0] + longer[9] + longer[5] +
			(int)strlen(names[3]) + (names[2] == NULL);
}

static int structs(int v)
{
	struct line *line = &(struct line){ .to = { id(v), 2 }, .name = "l", .weights = { 1, v } };
	const struct point *p = &(const struct point){ .y = id(7) };
	int *inner = &(struct point){ 8, 9 }.y;
	int *element = &(struct line){ .weights[1] = v }.weights[id(1)];
	union number *n = &(union number){ .l = v };

	id(0);
	line->from.x = -1;
	*inner += 1;
	*element += id(1);
	return length(line) * 1000 + p->y * 100 + *inner * 10 + *element + (int)n->l + sizeof(struct line[2]);
}

static int scalars(int v)
{
	int *p = &(int){ id(v) };
	double *d = &(double){ 1.5 };
	const char **s = &(const char *){ "pointer" };
	int once = (int){ v } + (int){ id(v) };

	++*p;
	*d += id(1);
	*s += 3;
	return *p + (int)(*d * 2) + **s + once;
}

static int again(int n)
{
	int total = 0, *before = NULL;

	for (int i = 0; i < n; i++) {
		int *now = (int[]){ i, 0 };

		total += now[1];
		now[1] += id(i) + 5;
		total += now[1];
		if (before)
			total += before == now;
		before = now;
	}
	return total;
}

static int arguments(int v)
{
	int total = sum((int[]){ v, id(v), 3 }, 3);

	total += length(&(struct line){ .weights = { 0, id(total) } });
	total += same(&(struct point){ id(3), 4 })->y;
	total += same(id(1) ? &(struct point){ 5, id(6) } : &(struct point){ 7, 8 })->y;
	total += moved((struct point){ id(1), 2 }, id(3)).x;
	total += moved(moved((struct point){ 10, 20 }, 1), 2).x;
	{
		total += ((struct point){ id(9), 1 }).x;
	}
	return total;
}

static int nested(int v)
{
	struct line **lines = (struct line *[]){
		&(struct line){ .weights = { id(v) }, .name = (char[]){ 'x', 0 } },
		&(struct line){ .from = (struct point){ 5, id(6) }, .to = moved((struct point){ 1 }, v) },
	};

	id(0);
	return lines[0]->weights[0] + lines[0]->name[0] + lines[1]->from.y + lines[1]->to.x;
}

static int in_conditions(int v)
{
	int r = 0;

	while (((int[]){ v, 0 })[id(r)])
		r++;
	if (*(int[]){ id(v) } == v)
		r += 10;
	for (int *p = (int[]){ 1, 2, 3, 0 }; *p; p += id(1))
		r += *p;
	switch (((struct point){ id(v), 1 }).x) {
	case 3:
		r += ((const int[]){ [3] = 100 })[v];
	}
	return r;
}

int main(void)
{
	printf("%d %d\n", arrays(20), arrays(-1));
	printf("%d %d\n", structs(3), structs(4));
	printf("%d\n", scalars(6));
	printf("%d\n", again(4));
	printf("%d\n", arguments(11));
	printf("%d\n", nested(5));
	printf("%d\n", in_conditions(3));
	printf("%d %d\n", global[id(2)], table[id(1)]->y);
	return 0;
}

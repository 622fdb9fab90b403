/* SPDX-License-Identifier: MIT */
/* Declarations: several declarators, what depends on what stands before it, shadowing, local types. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct s {
	int only;
};
enum e { A = 100, B };
typedef short t;
static int global = 5;
int outer = 6;

static int id(int x) { return x; }
static int twice(int x) { return x * 2; }

static int mixed(int v)
{
	int x = id(v), *p = &x, a[3] = { 1, x, *p }, (*fn)(int) = twice, n = sizeof a / sizeof *a, **pp = &p;
	const char *s = "abc", c = s[1], text[] = "hello", *end = text + sizeof text - 1;
	unsigned long u = id(3), w, *pu = &u;
	int (*pa)[3] = &a, (*table[2])(int) = { fn, [1] = twice }, *(*find)(void) = NULL;

	w = id(1);
	++**pp;
	(*pa)[0] += id(10);
	*pu += w;
	return x + a[0] + a[1] + a[2] + fn(2) + n + c + (int)(end - text) + (int)u + table[1](4) + !find;
}

static int self(int v)
{
	struct list {
		struct list *next, *prev;
		int value;
	} l = { &l, &l, v }, *head = &l, m = { .next = head, .prev = &m, .value = (int)sizeof m };
	void *me = &me;
	int size = sizeof size, i = v, *p = &i, j = *p, k = j + *p;
	struct list array[2] = { { &array[1] }, { array, .value = id(2) } };

	id(0);
	return (l.next == &l) + (head->prev->value == v) + (m.prev == &m) + (me == (void *)&me) + size + k +
			(m.next->next == head) + array[0].next->value + (array[1].next == array);
}

static int bounds(int v)
{
	char a[16], b[sizeof a], c[sizeof(b) * 2 + 1];
	enum { N = 3, M = N * 2 };
	int grid[N][M], line[] = { 1, 2, 3, [7] = 4 };
	struct {
		char pad[sizeof line];
		int last;
	} anonymous = { .last = v };
	_Static_assert(sizeof c == 33, "bounds");

	memset(a, 1, sizeof a);
	memset(b, 2, sizeof b);
	memset(c, 3, sizeof c);
	for (int i = 0; i < N; i++)
		for (int j = 0; j < M; j++)
			grid[i][j] = id(i * M + j);
	_Static_assert(M == 6, "inside");
	return a[15] + b[15] + c[32] + grid[2][5] + (int)(sizeof line / sizeof *line) + anonymous.last +
			(int)sizeof anonymous.pad + line[7];
}

static int shadow(int x)
{
	int r = x;
	{
		int x = id(r + 1);
		r += x;
		{
			int x = id(r), y = x;
			r += x + y;
			for (int x = 0; x < id(3); x++) {
				int x = id(1);
				r += x;
				{
					extern int outer;
					int global = id(2);
					r += outer + global;
				}
			}
		}
		r += x;
	}
	{
		long x = id(4);
		r += (int)(x + sizeof x);
	}
	int id_ = id(x), args = id(2), base = 3, result = id(5), p0 = 7, frame = id(1), cx = 2;
	return r + x + id_ + args + base + result + p0 + frame + cx + global;
}

static int types(int v)
{
	struct s outer_s = { id(v) };
	int r = outer_s.only + A;
	{
		struct s {
			long a, b;
		} inner = { id(1), 2 };
		enum e { A = 7, C } c = id(C);
		typedef struct s t;
		t again = { .b = id(3) };
		struct s *p = &again;
		union u {
			struct s s;
			char bytes[sizeof(struct s)];
		} u = { inner };

		id(0);
		r += (int)(sizeof inner + sizeof(struct s) + sizeof(t) + sizeof(enum e) + p->b + inner.b) + c + A;
		r += u.bytes[0] + (int)u.s.b + (int)offsetof(struct s, b);
		{
			struct s;
			struct s *opaque = NULL;
			typedef int s;
			s value = id(9);
			r += !opaque + value;
		}
		{
			typedef char c;
			c one = (c)id(300);
			r += one + (int)sizeof(c);
		}
	}
	r += (int)sizeof(struct s) + A + (t)70000;
	return r;
}

static int label_names(int v)
{
	int value = id(v);
	struct value {
		int value;
	} s = { .value = value };
	goto value;
value:
	return s.value + id(value);
}

static int nested_types(int v)
{
	typedef struct node {
		struct node *next;
		enum kind { LEAF, BRANCH = 9 } kind;
		union {
			struct {
				int left, right;
			};
			long both;
		};
		struct inner {
			unsigned flag : 1, rest : 7;
		} inner;
		int (*visit)(struct node *);
	} node, *node_pointer;
	node n = { .kind = BRANCH, .left = id(v), .right = 2, .inner = { 1, id(5) } };
	node_pointer p = &n;
	struct inner copy = p->inner;
	enum kind kind = LEAF;
	typedef node pair[2];
	pair two = { n, [1].kind = id(BRANCH) };

	n.next = &n;
	id(0);
	return n.left + p->next->right + copy.flag + copy.rest + kind + n.kind + (int)(sizeof two / sizeof n) +
			two[1].kind + two[0].left;
}

static int prototypes(int v)
{
	int local = id(v);
	extern int outer;
	static int calls, table[] = { 3, 4 };
	static struct {
		int n;
	} counter = { 10 };
	int twice(int);

	calls++;
	counter.n += id(1);
	return local + outer + twice(2) + calls * 10 + table[id(1)] + counter.n;
}

static int between(int v)
{
	int r = id(v);
	r++;
	int s = r + id(1), t;
	for (int i = 0, *p = &i; i < 3; i += id(1), ++r)
		s += *p;
	for (struct {
		     int i, sum;
	     } it = { 0, 0 };
			it.i < 3; it.i++, s += it.sum)
		it.sum += id(it.i);
	t = id(s);
	return s + t + r;
}

static int register_and_friends(register int v)
{
	register int r = id(v);
	auto int a = id(2);
	volatile int w = id(3);
	const volatile long cv = id(4);
	int const c = id(5);
	const int after[] = { id(6), 7 };
	int const *const restrict q = after;
	long unsigned int volatile static kept = 8;
	_Thread_local static int local_to_thread = 9;
	unsigned register u = (unsigned)id(1);
	unsigned char _Alignas(32) aligned = (unsigned char)id(10);
	__extension__ int extended __attribute__((unused)) = id(11);
	int __attribute__((aligned(64))) wide = id(12), __attribute__((unused)) other = 13;

	id(0);
	w++;
	return r + a + w + (int)u + (int)cv + c + q[1] + (int)kept + local_to_thread + aligned + extended + wide +
			((size_t)&aligned % 32 == 0) + ((size_t)&wide % 64 == 0) + other;
}

/* A type whose size is that of a variable. */
static int sized_by_variables(int n)
{
	long other = id(n), several[3] = { id(1) };
	struct sized {
		char at[sizeof other];
		short more[2][sizeof(several) / sizeof *several];
	} sized = { .at[1] = 2 };

	sized.more[1][2] = (short)id(3);
	id(0);
	return sized.at[1] + sized.more[1][2] + (int)sizeof sized + (int)other + (int)several[0];
}

int main(void)
{
	printf("sized %d\n", sized_by_variables(4));
	printf("%d\n", mixed(3));
	printf("%d\n", self(4));
	printf("%d\n", bounds(5));
	printf("%d\n", shadow(6));
	printf("%d\n", types(7));
	printf("%d\n", label_names(8));
	printf("%d\n", nested_types(9));
	printf("%d %d\n", prototypes(1), prototypes(1));
	printf("%d\n", between(2));
	printf("%d\n", register_and_friends(1));
	return 0;
}

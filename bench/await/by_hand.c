/* SPDX-License-Identifier: MIT */
/* The loop of generated.c as a careful programmer writes it: what is live across the await is in the frame,
 * the rest in registers. And, as `plain`, the loop that awaits nothing, with calls instead. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft.h>

WEFT_ASYNC_1(int, get, int);
struct get__frame {
	struct get__args args;
	struct weft_yield__frame yield;
};

__attribute__((noinline)) enum weft_poll get__poll(void *frame, struct weft_context *cx)
{
	struct get__frame *f = frame;

	switch (f->args.base.at) {
	case 0:
		break;
	case 1:
		goto yielded;
	default:
		weft_frame_misuse(&f->args.base);
	}
	if (f->args.p0 % 64 == 63) {
		weft_yield__init(&f->yield.args);
		f->args.base.at = 1;
yielded:
		if (weft_yield__poll(&f->yield, cx) == WEFT_PENDING)
			return WEFT_PENDING;
		if (f->yield.args.result < 0)
			weft_return(f, f->yield.args.result);
	}
	weft_return(f, f->args.p0 & 15);
}

WEFT_ASYNC_2(long, parse, const char *, int);
struct parse__frame {
	struct parse__args args;
	long total;
	int i;
	struct get__frame get;
};

enum weft_poll parse__poll(void *frame, struct weft_context *cx)
{
	struct parse__frame *f = frame;

	switch (f->args.base.at) {
	case 0:
		break;
	case 1:
		goto got;
	default:
		weft_frame_misuse(&f->args.base);
	}
	f->total = 0;
	for (f->i = 0; f->i < f->args.p1; f->i++) {
		const char *p;
		unsigned hash;
		int value;

		get__init(&f->get.args, f->i);
		f->args.base.at = 1;
got:
		if (get__poll(&f->get, cx) == WEFT_PENDING)
			return WEFT_PENDING;
		value = f->get.args.result;
		p = f->args.p0;
		hash = 5381;
		while (*p)
			hash = hash * 33 + (unsigned char)*p++;
		if (value < 0)
			weft_return(f, value);
		f->total += (hash & 7) + (unsigned)value;
	}
	weft_return(f, f->total);
}

WEFT_ASYNC_DEFINE(parse, 0);

static __attribute__((noinline)) int next_plain(int x)
{
	if (x == -1)
		abort();
	return x + 1;
}

static __attribute__((noinline)) long plain(int count)
{
	long total = 0;

	for (int i = 0; i < count; i++)
		total += next_plain(i);
	return total;
}

int main(int argc, char **argv)
{
	struct parse__args args;
	long result;
	int count = argc > 2 ? (int)strtol(argv[2], NULL, 10) : -1, err;

	if (count < 0) {
		fprintf(stderr, "usage: by_hand parse|plain COUNT\n");
		return 2;
	}
	if (strcmp(argv[1], "plain") == 0) {
		printf("%ld\n", plain(count));
		return 0;
	}
	parse__init(&args, "hello", count);
	err = weft_run_async(&parse__async, &args, &result);
	if (!err)
		printf("%ld\n", result);
	return weft_report(err, "by_hand");
}

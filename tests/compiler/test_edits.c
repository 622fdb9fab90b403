/* SPDX-License-Identifier: MIT */
/* Design, section 8: output minus insertions is source minus replacements, or nothing is emitted. */
#include <stdlib.h>
#include <string.h>

#include "compiler/applied.h"
#include "compiler/lower.h"
#include "test.h"

static const char source[] = "int a; async int f(void); int b; await f(); int c;";

/* The output with the two ranges replaced by <>, and the notes about it. */
static struct text replaced(struct applied *applied, size_t missing)
{
	static const struct {
		size_t begin, end;
	} ranges[] = { { 7, 25 }, { 33, 43 } };
	struct text out = { NULL, 0, 0 };
	size_t at = 0;

	for (int i = 0; i < 2; i++) {
		text_add(&out, source + at, ranges[i].begin - at - (i ? missing : 0));
		text_puts(&out, "<>");
		applied_add(applied,
				(struct piece){ ranges[i].begin, ranges[i].end, out.size - 2,
						out.size });
		at = ranges[i].end;
	}
	text_puts(&out, source + at);
	return out;
}

static bool check_changed(size_t at, char to)
{
	struct applied applied = { NULL, 0, 0 };
	struct text out = replaced(&applied, 0);
	bool is_right;

	if (to)
		out.at[at] = to;
	is_right = applied_check(&applied, source, strlen(source), &out);
	text_free(&out);
	applied_free(&applied);
	return is_right;
}

TEST(applied_takes_what_was_replaced)
{
	CHECK(check_changed(0, 0));
	CHECK(check_changed(7, '{')); /* what was inserted is anything */
	CHECK(check_changed(18, '}'));
}

TEST(applied_sees_each_byte_that_has_changed)
{
	struct applied none = { NULL, 0, 0 };
	struct text same = { NULL, 0, 0 };
	size_t size;

	text_puts(&same, source);
	CHECK(applied_check(&none, source, strlen(source), &same));
	for (size = 0; size < same.size; size++) {
		char was = same.at[size];

		same.at[size] = '!';
		CHECK(!applied_check(&none, source, strlen(source), &same));
		same.at[size] = was;
	}
	same.size--;
	CHECK(!applied_check(&none, source, strlen(source), &same));
	text_free(&same);
	for (size = 0; size < 26; size++) /* but the two that were inserted */
		if ((size < 7 || size > 8) && (size < 17 || size > 18))
			CHECK(!check_changed(size, '!'));
}

TEST(applied_sees_what_is_lost)
{
	struct applied applied = { NULL, 0, 0 };
	struct text out = replaced(&applied, 1);

	CHECK(!applied_check(&applied, source, strlen(source), &out));
	text_free(&out);
	applied_free(&applied);
}

TEST(applied_sees_notes_that_overlap)
{
	struct applied applied = { NULL, 0, 0 };
	struct text out = replaced(&applied, 0);

	applied.at[1].begin = applied.at[0].end - 1;
	CHECK(!applied_check(&applied, source, strlen(source), &out));
	text_free(&out);
	applied_free(&applied);
}

static bool nest(uint32_t begin, uint32_t end)
{
	struct edits edits = { NULL, 0, 0 };
	bool is_right;

	edits_add(&edits, 10, 20, "");
	edits_add(&edits, 12, 15, "");
	edits_add(&edits, 30, 40, "");
	edits_add(&edits, begin, end, "");
	edits_sort(&edits);
	is_right = edits_nest(&edits);
	free(edits.at);
	return is_right;
}

TEST(edits_nest_or_are_apart)
{
	CHECK(nest(0, 10) && nest(20, 30) && nest(10, 20) && nest(10, 12) && nest(15, 20) &&
			nest(0, 50));
	CHECK(!nest(19, 21)); /* out of the first, */
	CHECK(!nest(9, 11));  /* into it, */
	CHECK(!nest(14, 17)); /* out of the inner one, */
	CHECK(!nest(5, 35));  /* into the last */
}

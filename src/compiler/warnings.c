/* SPDX-License-Identifier: MIT */
/*
 * compiler/warnings.c: which of gcc's warnings come from which pass.
 *
 * Why:  the check has said what the front end thinks, of the text that the user wrote. But values and
 *       bounds are known to the optimizer alone, and it sees the truth only in the translated text. So
 *       the pass that compiles keeps the optimizer's warnings and drops the front end's. gcc has no
 *       such switch: -w drops all, so those that are on by default are named one by one. A name that
 *       an older gcc does not know does no harm.
 * But for -Wmaybe-uninitialized: what moves into a frame is no variable any more, so nobody would see that
 *       it has no value yet. It comes from the check, which then optimizes the plain reading.
 * Not here: clang, whose analysis belongs to its front end, and which therefore compiles with -w.
 */
#include <string.h>

#include "compiler/warnings.h"

/* Off, although they are on by default: the check has them. */
static const char *const of_front_end[] = {
	"address-of-packed-member",
	"attribute-alias",
	"attributes",
	"builtin-declaration-mismatch",
	"builtin-macro-redefined",
	"cpp",
	"deprecated",
	"deprecated-declarations",
	"designated-init",
	"discarded-array-qualifiers",
	"discarded-qualifiers",
	"div-by-zero",
	"endif-labels",
	"if-not-aligned",
	"ignored-attributes",
	"implicit-function-declaration",
	"implicit-int",
	"incompatible-pointer-types",
	"int-conversion",
	"int-to-pointer-cast",
	"main",
	"multichar",
	"overflow",
	"override-init-side-effects",
	"pointer-compare",
	"pointer-to-int-cast",
	"pragmas",
	"psabi",
	"scalar-storage-order",
	"shift-count-negative",
	"shift-count-overflow",
	"shift-overflow",
	"sizeof-array-argument",
	"switch-bool",
	"switch-outside-range",
	"switch-unreachable",
	"sync-nand",
	"trigraphs",
	"unused-result",
	"varargs",
};

/* The optimizer's: whatever the user says of these goes on to it. Those of -Wall come first. */
static const char *const of_optimizer[] = {
	"array-bounds",
	"dangling-pointer",
	"format-overflow",
	"format-truncation",
	"restrict",
	"stringop-truncation",
	"use-after-free",
	"zero-length-bounds",
	"aggressive-loop-optimizations",
	"alloc-size-larger-than",
	"alloc-zero",
	"alloca-larger-than",
	"disabled-optimization",
	"frame-larger-than",
	"free-nonheap-object",
	"inline",
	"mismatched-dealloc",
	"null-dereference",
	"return-local-addr",
	"stack-protector",
	"stack-usage",
	"strict-overflow",
	"stringop-overflow",
	"stringop-overread",
	"unsafe-loop-optimizations",
	"vla-larger-than",
};

enum { OF_ALL_COUNT = 8, OF_OPTIMIZER_COUNT = sizeof(of_optimizer) / sizeof(of_optimizer[0]) };

static bool is_of_optimizer(const char *flag)
{
	const char *name = flag + strlen("-W");

	if (starts_with(name, "no-"))
		name += strlen("no-");
	size_t len = strcspn(name, "=");
	for (size_t i = 0; i < OF_OPTIMIZER_COUNT; i++)
		if (strlen(of_optimizer[i]) == len && memcmp(of_optimizer[i], name, len) == 0)
			return true;
	return false;
}

bool warnings_want_values(const struct arguments *arguments)
{
	bool optimizes = false, wants = false;

	for (size_t i = 0; i < arguments->count; i++) {
		const char *flag = arguments->at[i].text;

		if (starts_with(flag, "-O"))
			optimizes = strcmp(flag, "-O0") != 0;
		wants |= strcmp(flag, "-Wall") == 0 || strcmp(flag, "-Wextra") == 0 ||
				(starts_with(flag, "-W") && strstr(flag, "uninitialized"));
	}
	return optimizes && wants && !arguments->wants_no_warnings;
}

void warnings_leave_flow(struct words *argv)
{
	for (size_t i = 0; i < OF_OPTIMIZER_COUNT; i++)
		words_addf(argv, "-Wno-%s", of_optimizer[i]);
}

void warnings_add_flow(struct words *argv, const struct arguments *arguments)
{
	if (arguments->wants_no_warnings) {
		words_add(argv, "-w");
		return;
	}
	for (size_t i = 0; i < sizeof(of_front_end) / sizeof(of_front_end[0]); i++)
		words_addf(argv, "-Wno-%s", of_front_end[i]);
	for (size_t i = 0; i < arguments->count; i++) {
		const char *flag = arguments->at[i].text;

		if (strcmp(flag, "-Wall") == 0)
			for (size_t j = 0; j < OF_ALL_COUNT; j++)
				words_addf(argv, "-W%s", of_optimizer[j]);
		else if (starts_with(flag, "-W") && is_of_optimizer(flag))
			words_add(argv, flag);
	}
	words_add(argv, "-fno-diagnostics-show-caret");
}

/* SPDX-License-Identifier: MIT */
/*
 * compiler/passes.h: the command line of each pass over a source, and its start.
 *
 *     struct words argv = pass_expand(&plan, source);
 *
 * Memory: the words and names that are returned are yours.
 */
#ifndef WEFT_COMPILER_PASSES_H
#define WEFT_COMPILER_PASSES_H

#include "compiler/arguments.h"
#include "compiler/subprocess.h"
#include "compiler/toolchain.h"

struct plan {
	const struct arguments *arguments;
	const struct toolchain *toolchain;
	bool is_clang;    /* what $CC is; known after the first expansion */
	bool lacks_lto;   /* $CC is a gcc that was built without it */
	bool shows_color; /* messages that we hold back are to look as on the terminal */
};

/* $CC -E -C: the text that the translator reads, and the dependencies. */
/* Whether they are to go to standard output; then they come out of the pass on standard error. */
bool dependencies_are_shown(const struct arguments *arguments);
struct words pass_expand(const struct plan *plan, const struct argument *source);

/* $CC over the original, for what the user wants to be told of it. No output. */
struct words pass_check(const struct plan *plan, const struct argument *source);

/* weftcc-translate, from standard input to standard output. */
struct words pass_translate(const struct plan *plan, const struct argument *source);

/* Its status. */
enum {
	TRANSLATE_DONE,
	TRANSLATE_ERRORS,     /* in the source, said */
	TRANSLATE_NOT_NEEDED, /* no word of the language; no output */
	TRANSLATE_FAILED,     /* no fault of the source */
};

/* $CC over the translated text on its standard input. */
struct words pass_compile(
		const struct plan *plan, const struct argument *source, const char *output);

/* The object of a source that is linked at once, yours: it is kept, or what lies beside it is named after
 * it; NULL: any temporary file. */
char *linked_name(const struct plan *plan, const struct argument *source);

/* $CC over what remains of the command line: `objects` stand for the inputs at the same place, and
 * "" for those that are done with. */
struct words pass_rest(const struct plan *plan, const char *const *objects, bool links_async);

/* $CC as it would have been called, knowing Weft's headers, and `more` in front if it is not NULL. */
struct words pass_original(const struct plan *plan, char *const *argv, const char *more);

/* What the compiler names after a source: -o, or a.o in the current directory. */
char *output_name(const struct arguments *arguments, const struct argument *source);

/* The path without suffix that auxiliary files of a source share, with what $CC puts before its name
 * ("out/prog-"). */
char *auxiliary_stem(const struct arguments *arguments, const struct argument *source);

/* What -save-temps keeps, by its suffix; yours. */
#define SAVED_TRANSLATION ".async.c"
char *saved_name(const struct arguments *arguments, const struct argument *source,
		const char *suffix);

/* Runs it, and says so if -v is there; ends the program if it cannot be run. */
pid_t pass_start(const struct plan *plan, const struct words *argv, struct subprocess_files files);
/* The same until it has ended: its status. Takes the words. */
int pass_run(const struct plan *plan, struct words argv, struct subprocess_files files);

#endif

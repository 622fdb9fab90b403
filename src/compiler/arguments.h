/* SPDX-License-Identifier: MIT */
/*
 * compiler/arguments.h: what a command line of a C compiler asks for.
 *
 *     struct arguments arguments;
 *     arguments_parse(&arguments, argv + 1);
 *     if (arguments.stage == STAGE_OBJECT && arguments.source_count) ...
 *     arguments_finish(&arguments);
 */
#ifndef WEFT_COMPILER_ARGUMENTS_H
#define WEFT_COMPILER_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "compiler/words.h"

/* How far $CC is to go. The first two are not about compiling: everything is handed to $CC. */
enum stage {
	STAGE_ASK, /* --version, -dumpmachine, -###, or something that only $CC can complain about */
	STAGE_EXPAND, /* -E, -M, -MM */
	STAGE_SYNTAX, /* -fsyntax-only */
	STAGE_ASSEMBLY,
	STAGE_OBJECT,
	STAGE_LINK,
	STAGE_EMIT_C, /* weftcc's own: the translated text as a file for other builds */
	STAGE_SHOW,   /* the same for readers, by `weft expand` */
};

enum language {
	LANGUAGE_NONE,  /* for the linker, or not an input */
	LANGUAGE_OTHER, /* compiled, but not by us */
	LANGUAGE_C,
	LANGUAGE_EXPANDED, /* C that has been preprocessed */
};

/* Which passes over a source take an option. */
enum pass {
	PASS_EXPAND = 1 << 0,  /* $CC -E */
	PASS_CHECK = 1 << 1,   /* $CC over the original, for the user's warnings */
	PASS_COMPILE = 1 << 2, /* $CC over the translated text */
	PASS_LINK = 1 << 3,    /* $CC over what is left: objects, plain sources */
};

struct argument {
	const char *text;    /* the option, or the path of an input; both point into `words` */
	const char *operand; /* the next word, if the option takes one */
	const char *forced;  /* inputs: the language that an -x names, or NULL */
	enum language language;
	unsigned passes; /* of enum pass */
	bool is_input;
	bool is_dependency;     /* -MD and its kin */
	bool is_about_mistakes; /* -Werror, -w, and what names one: for the translator */
};

struct arguments {
	struct words words; /* with response files expanded */
	struct argument *at;
	size_t count;
	enum stage stage;
	size_t input_count, compiled_count,
			source_count; /* all, those not for the linker, those in C */

	const char *output;          /* -o, or NULL */
	const char *dependency_file; /* -MF, or NULL */
	bool wants_dependencies;     /* -MD, -MMD */
	bool has_dependency_target;  /* -MT, -MQ */
	bool saves_temporaries;      /* -save-temps */
	bool saves_here;             /* -save-temps=cwd: in the current directory */
	bool leaves_files;           /* --coverage, -gsplit-dwarf and others, beside the object */
	bool splits_debug;           /* -gsplit-dwarf */
	bool emits_llvm;             /* -emit-llvm names its outputs .bc, .ll */
	bool is_verbose;             /* -v */
	bool is_interposable;        /* -fPIC with default visibility */
	bool sanitizes_addresses;
	bool sanitizes_memory;  /* -fsanitize=memory, or valgrind is to be told */
	bool counts_lines;      /* --coverage */
	bool wants_no_warnings; /* -w */
	int color;              /* -1: if stderr is a terminal */
	const char *std;        /* -std=... or -ansi, or NULL */

	bool links_nothing;    /* -nostdlib, -nodefaultlibs, -r: no library is added */
	bool links_weft;       /* -lweft is there */
	bool links_statically; /* -static, -static-pie */

	bool has_own;             /* an option of weftcc, which $CC does not know */
	const char *unknown_flag; /* -Wweft- and no such name, or NULL */
	bool asyncify;
	unsigned frame_limit;
	const char *only_function;
};

void arguments_parse(struct arguments *arguments, char *const *argv);
void arguments_finish(struct arguments *arguments);

/* Whether the word is an option of weftcc, which $CC does not know. */
bool argument_is_own(const char *word);

/* Whether the input is one that we read, rather than hand on. */
static inline bool argument_is_source(const struct argument *argument)
{
	return argument->language >= LANGUAGE_C;
}

#endif

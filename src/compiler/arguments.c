/* SPDX-License-Identifier: MIT */
/*
 * compiler/arguments.c: reads a command line as gcc and clang do, as far as a wrapper must.
 *
 * Why:  a wrapper runs several passes over a source and each wants some of the options, so it has
 *       to know three things of an option: whether the next word is its operand, which passes take
 *       it, and, of a few, what they mean. The table below says that for options that are special;
 *       all others are one word and go to every pass, which is right for the flags that choose the
 *       machine, the language and the code (-m, -f, -O, -g, -std=), and for flags of the future.
 * How:  the first rule that fits wins, so longer names come before their prefixes. What does not
 *       make sense, like a -o without its operand, becomes STAGE_ASK: $CC sees the line as it is
 *       and has the last word.
 * Not here: gcc's long spellings (--compile, --output=): they are rare, and pass through whole.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/arguments.h"
#include "compiler/mistakes.h"

enum form {
	FORM_ALONE,    /* the whole word */
	FORM_JOINED,   /* the word begins so */
	FORM_SEPARATE, /* the whole word; the next is its operand */
	FORM_EITHER,   /* the operand is the rest of the word or, if there is none, the next one */
};

enum meaning {
	MEANS_NOTHING,
	MEANS_STAGE,
	MEANS_OUTPUT,
	MEANS_LANGUAGE,
	MEANS_DEPENDENCIES,
	MEANS_DEPENDENCY_FILE,
	MEANS_DEPENDENCY_TARGET,
	MEANS_DEPENDENCY_DETAIL,
	MEANS_TEMPORARIES,
	MEANS_FILES,
	MEANS_FLAG,
	MEANS_DEFINITION,
	MEANS_NO_LIBRARY,
	MEANS_LIBRARY,
	MEANS_MISTAKES, /* from here on weftcc's own */
	MEANS_ASYNCIFY,
	MEANS_FRAME_LIMIT,
	MEANS_FUNCTION,
};

enum {
	ALL = PASS_EXPAND | PASS_CHECK | PASS_COMPILE | PASS_LINK,
	TEXT = PASS_EXPAND | PASS_CHECK |
			PASS_LINK, /* what the preprocessor reads; plain sources, too */
	WARNINGS = PASS_CHECK | PASS_LINK,
	CODE = PASS_COMPILE | PASS_LINK,
};

struct rule {
	const char *name;
	enum form form;
	unsigned passes;
	enum meaning meaning;
	enum stage stage;
};

static const struct rule rules[] = {
	{ "-c", FORM_ALONE, 0, MEANS_STAGE, STAGE_OBJECT },
	{ "-S", FORM_ALONE, 0, MEANS_STAGE, STAGE_ASSEMBLY },
	{ "-E", FORM_ALONE, 0, MEANS_STAGE, STAGE_EXPAND },
	{ "-M", FORM_ALONE, 0, MEANS_STAGE, STAGE_EXPAND },
	{ "-MM", FORM_ALONE, 0, MEANS_STAGE, STAGE_EXPAND },
	{ "-fsyntax-only", FORM_ALONE, 0, MEANS_STAGE, STAGE_SYNTAX },
	{ "-###", FORM_ALONE, 0, MEANS_STAGE, STAGE_ASK },
	{ "--version", FORM_ALONE, 0, MEANS_STAGE, STAGE_ASK },
	{ "--help", FORM_JOINED, 0, MEANS_STAGE, STAGE_ASK },
	{ "--target-help", FORM_ALONE, 0, MEANS_STAGE, STAGE_ASK },
	{ "-print-", FORM_JOINED, 0, MEANS_STAGE, STAGE_ASK },
	{ "--print-", FORM_JOINED, 0, MEANS_STAGE, STAGE_ASK },
	{ "-dumpbase", FORM_SEPARATE, PASS_LINK, MEANS_NOTHING, 0 },
	{ "-dumpbase-ext", FORM_SEPARATE, PASS_LINK, MEANS_NOTHING, 0 },
	{ "-dumpdir", FORM_SEPARATE, PASS_LINK, MEANS_NOTHING, 0 },
	{ "-dumpmachine", FORM_ALONE, 0, MEANS_STAGE, STAGE_ASK },
	{ "-dumpversion", FORM_ALONE, 0, MEANS_STAGE, STAGE_ASK },
	{ "-dumpfullversion", FORM_ALONE, 0, MEANS_STAGE, STAGE_ASK },
	{ "-dumpspecs", FORM_ALONE, 0, MEANS_STAGE, STAGE_ASK },

	{ "--emit-c", FORM_ALONE, 0, MEANS_STAGE, STAGE_EMIT_C },
	{ "--show", FORM_ALONE, 0, MEANS_STAGE, STAGE_SHOW },
	{ "--show=", FORM_JOINED, 0, MEANS_FUNCTION, STAGE_SHOW },
	{ "--asyncify", FORM_ALONE, 0, MEANS_ASYNCIFY, 0 },
	{ "--frame-limit=", FORM_JOINED, 0, MEANS_FRAME_LIMIT, 0 },

	{ "-MD", FORM_ALONE, 0, MEANS_DEPENDENCIES, 0 },
	{ "-MMD", FORM_ALONE, 0, MEANS_DEPENDENCIES, 0 },
	{ "-MP", FORM_ALONE, 0, MEANS_DEPENDENCY_DETAIL, 0 },
	{ "-MG", FORM_ALONE, 0, MEANS_DEPENDENCY_DETAIL, 0 },
	{ "-MF", FORM_EITHER, 0, MEANS_DEPENDENCY_FILE, 0 },
	{ "-MT", FORM_EITHER, 0, MEANS_DEPENDENCY_TARGET, 0 },
	{ "-MQ", FORM_EITHER, 0, MEANS_DEPENDENCY_TARGET, 0 },
	{ "-MJ", FORM_EITHER, WARNINGS, MEANS_NOTHING, 0 }, /* clang's: of the original */
	{ "-serialize-diagnostics", FORM_SEPARATE, WARNINGS, MEANS_NOTHING, 0 },
	{ "--serialize-diagnostics", FORM_SEPARATE, WARNINGS, MEANS_NOTHING, 0 },
	{ "-Wp,-M", FORM_JOINED, PASS_EXPAND | PASS_LINK, MEANS_NOTHING, 0 },
	{ "-Wp,", FORM_JOINED, TEXT, MEANS_NOTHING, 0 },
	{ "-Xpreprocessor", FORM_SEPARATE, TEXT, MEANS_NOTHING, 0 },
	{ "-D", FORM_EITHER, TEXT, MEANS_DEFINITION, 0 },
	{ "-U", FORM_EITHER, TEXT, MEANS_NOTHING, 0 },
	{ "-A", FORM_EITHER, TEXT, MEANS_NOTHING, 0 },
	{ "-I", FORM_EITHER, TEXT, MEANS_NOTHING, 0 },
	{ "-include", FORM_EITHER, TEXT, MEANS_NOTHING, 0 },
	{ "-imacros", FORM_EITHER, TEXT, MEANS_NOTHING, 0 },
	{ "-isystem", FORM_EITHER, TEXT, MEANS_NOTHING, 0 },
	{ "-idirafter", FORM_EITHER, TEXT, MEANS_NOTHING, 0 },
	{ "-iquote", FORM_EITHER, TEXT, MEANS_NOTHING, 0 },
	{ "-iprefix", FORM_EITHER, TEXT, MEANS_NOTHING, 0 },
	{ "-iwithprefixbefore", FORM_EITHER, TEXT, MEANS_NOTHING, 0 },
	{ "-iwithprefix", FORM_EITHER, TEXT, MEANS_NOTHING, 0 },
	{ "-isysroot", FORM_EITHER, ALL, MEANS_NOTHING, 0 },
	{ "-imultilib", FORM_EITHER, TEXT, MEANS_NOTHING, 0 },
	{ "-undef", FORM_ALONE, TEXT, MEANS_NOTHING, 0 },
	{ "-nostdinc", FORM_ALONE, TEXT, MEANS_NOTHING, 0 },
	{ "-trigraphs", FORM_ALONE, TEXT, MEANS_NOTHING, 0 },
	{ "-C", FORM_ALONE, 0, MEANS_NOTHING, 0 }, /* these mean something with -E alone, */
	{ "-CC", FORM_ALONE, 0, MEANS_NOTHING, 0 },
	{ "-P", FORM_ALONE, 0, MEANS_NOTHING, 0 },
	{ "-H", FORM_ALONE, PASS_CHECK | PASS_LINK, MEANS_NOTHING, 0 },
	{ "-dM", FORM_ALONE, 0, MEANS_NOTHING, 0 }, /* and these as well */
	{ "-dD", FORM_ALONE, 0, MEANS_NOTHING, 0 },
	{ "-dN", FORM_ALONE, 0, MEANS_NOTHING, 0 },
	{ "-dI", FORM_ALONE, 0, MEANS_NOTHING, 0 },
	{ "-dU", FORM_ALONE, 0, MEANS_NOTHING, 0 },
	{ "-fdirectives-only", FORM_ALONE, 0, MEANS_NOTHING, 0 },

	{ "-Wa,", FORM_JOINED, CODE, MEANS_NOTHING, 0 },
	{ "-Xassembler", FORM_SEPARATE, CODE, MEANS_NOTHING, 0 },
	{ "-Wl,", FORM_JOINED, PASS_LINK, MEANS_NOTHING, 0 },
	{ "-Xlinker", FORM_SEPARATE, PASS_LINK, MEANS_NOTHING, 0 },
	{ "-W", FORM_JOINED, WARNINGS, MEANS_FLAG, 0 },
	{ "-pedantic", FORM_JOINED, WARNINGS, MEANS_NOTHING, 0 },
	{ "-w", FORM_ALONE, WARNINGS, MEANS_FLAG, 0 },
	{ "-fanalyzer", FORM_ALONE, WARNINGS, MEANS_NOTHING, 0 },
	{ "-aux-info", FORM_SEPARATE, WARNINGS, MEANS_NOTHING, 0 },
	{ "-v", FORM_ALONE, CODE, MEANS_FLAG, 0 },
	{ "-save-temps", FORM_JOINED, CODE, MEANS_TEMPORARIES, 0 },
	{ "--save-temps", FORM_JOINED, CODE, MEANS_TEMPORARIES, 0 },
	{ "-std=", FORM_JOINED, ALL, MEANS_FLAG, 0 },
	{ "-ansi", FORM_ALONE, ALL, MEANS_FLAG, 0 },
	{ "-emit-llvm", FORM_ALONE, CODE, MEANS_FLAG, 0 },

	{ "-lweft", FORM_ALONE, PASS_LINK, MEANS_LIBRARY, 0 },
	{ "-l", FORM_EITHER, PASS_LINK, MEANS_NOTHING, 0 },
	{ "-L", FORM_EITHER, PASS_LINK, MEANS_NOTHING, 0 },
	{ "-Tbss", FORM_EITHER, PASS_LINK, MEANS_NOTHING, 0 },
	{ "-Tdata", FORM_EITHER, PASS_LINK, MEANS_NOTHING, 0 },
	{ "-Ttext", FORM_EITHER, PASS_LINK, MEANS_NOTHING, 0 },
	{ "-T", FORM_EITHER, PASS_LINK, MEANS_NOTHING, 0 },
	{ "-u", FORM_EITHER, PASS_LINK, MEANS_NOTHING, 0 },
	{ "-z", FORM_EITHER, PASS_LINK, MEANS_NOTHING, 0 },
	{ "-e", FORM_SEPARATE, PASS_LINK, MEANS_NOTHING, 0 },
	{ "-entry", FORM_SEPARATE, PASS_LINK, MEANS_NOTHING, 0 },
	{ "-R", FORM_EITHER, PASS_LINK, MEANS_NOTHING, 0 },
	{ "-framework", FORM_SEPARATE, PASS_LINK, MEANS_NOTHING, 0 },
	{ "-nostdlib", FORM_ALONE, PASS_LINK, MEANS_NO_LIBRARY, 0 },
	{ "-nodefaultlibs", FORM_ALONE, PASS_LINK, MEANS_NO_LIBRARY, 0 },
	{ "-r", FORM_ALONE, PASS_LINK, MEANS_NO_LIBRARY, 0 },
	{ "-static", FORM_ALONE, PASS_LINK, MEANS_FLAG, 0 },
	{ "-static-pie", FORM_ALONE, PASS_LINK, MEANS_FLAG, 0 },
	{ "-shared", FORM_ALONE, PASS_LINK, MEANS_NOTHING, 0 },
	{ "-rdynamic", FORM_ALONE, PASS_LINK, MEANS_NOTHING, 0 },
	{ "-pie", FORM_ALONE, PASS_LINK, MEANS_NOTHING, 0 },
	{ "-s", FORM_ALONE, PASS_LINK, MEANS_NOTHING, 0 },

	{ "-o", FORM_EITHER, 0, MEANS_OUTPUT, 0 },
	{ "-x", FORM_EITHER, 0, MEANS_LANGUAGE, 0 },
	{ "-B", FORM_EITHER, ALL, MEANS_NOTHING, 0 },
	{ "-G", FORM_EITHER, ALL, MEANS_NOTHING, 0 },
	{ "--param", FORM_SEPARATE, ALL, MEANS_NOTHING, 0 },
	{ "--sysroot", FORM_SEPARATE, ALL, MEANS_NOTHING, 0 },
	{ "-target", FORM_SEPARATE, ALL, MEANS_NOTHING, 0 },
	{ "-arch", FORM_SEPARATE, ALL, MEANS_NOTHING, 0 },
	{ "-wrapper", FORM_SEPARATE, ALL, MEANS_NOTHING, 0 },
	{ "-Xclang", FORM_SEPARATE, ALL, MEANS_NOTHING, 0 },
	{ "-Xanalyzer", FORM_SEPARATE, ALL, MEANS_NOTHING, 0 },
	{ "--config", FORM_SEPARATE, ALL, MEANS_NOTHING, 0 },
	{ "-working-directory", FORM_SEPARATE, ALL, MEANS_NOTHING, 0 },
	{ "-iframework", FORM_EITHER, TEXT, MEANS_NOTHING, 0 },
	{ "-mllvm", FORM_SEPARATE, ALL, MEANS_NOTHING, 0 },
	{ "-coverage", FORM_ALONE, CODE, MEANS_FLAG, 0 }, /* a pass that checks would write, too */
	{ "--coverage", FORM_ALONE, CODE, MEANS_FLAG, 0 },
	{ "-ftest-coverage", FORM_ALONE, CODE, MEANS_FLAG, 0 },
	{ "-fprofile-", FORM_JOINED, CODE, MEANS_FILES, 0 }, /* or not find what it has counted */
	{ "-fauto-profile", FORM_JOINED, CODE, MEANS_NOTHING, 0 },
	{ "-fdump-", FORM_JOINED, CODE, MEANS_NOTHING,
			0 }, /* and a report is for the pass that compiles */
	{ "-fopt-info", FORM_JOINED, CODE, MEANS_NOTHING, 0 },
	{ "-fsave-optimization-record", FORM_JOINED, CODE, MEANS_FILES, 0 },
	{ "-fstack-usage", FORM_ALONE, CODE, MEANS_FILES, 0 },
	{ "-fcallgraph-info", FORM_JOINED, CODE, MEANS_NOTHING, 0 },
	{ "-fmem-report", FORM_JOINED, CODE, MEANS_NOTHING, 0 },
	{ "-ftime-report", FORM_JOINED, CODE, MEANS_NOTHING, 0 },
	{ "-ftime-trace", FORM_JOINED, CODE, MEANS_FILES, 0 },
	{ "-gsplit-dwarf", FORM_JOINED, CODE, MEANS_FILES, 0 },
	{ "-d", FORM_JOINED, CODE, MEANS_NOTHING, 0 },
	{ "-Q", FORM_ALONE, CODE, MEANS_NOTHING, 0 },
	{ "-f", FORM_JOINED, ALL, MEANS_FLAG, 0 },
};

static const struct rule any = { "", FORM_JOINED, ALL, MEANS_NOTHING, 0 };
static const struct rule of_mistakes = { "-W", FORM_JOINED, 0, MEANS_MISTAKES, 0 };

static const struct rule *rule_of(const char *word)
{
	if (mistake_flag_is(word))
		return &of_mistakes;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct rule *rule = &rules[i];
		bool is_prefix = rule->form == FORM_JOINED || rule->form == FORM_EITHER;

		if (is_prefix ? starts_with(word, rule->name) : strcmp(word, rule->name) == 0)
			return rule;
	}
	return &any;
}

static bool rule_is_own(const struct rule *rule)
{
	return rule->meaning >= MEANS_MISTAKES || rule->stage >= STAGE_EMIT_C;
}

/* A later stage wins over none, an earlier one over a later: `-c -E` expands. */
static void stage_limit(struct arguments *arguments, enum stage stage)
{
	bool is_own = arguments->stage == STAGE_EMIT_C || arguments->stage == STAGE_SHOW;

	if (stage < arguments->stage && !is_own)
		arguments->stage = stage;
	if (stage == STAGE_EMIT_C || stage == STAGE_SHOW)
		arguments->stage = stage;
}

/* -fsanitize=a,b and -fno-sanitize=a,b. */
static void sanitizers_note(struct arguments *arguments, const char *list, bool is_on)
{
	size_t len;

	for (; *list; list += len + (list[len] == ',')) {
		len = strcspn(list, ",");
		bool is_all = !is_on && len == 3 && memcmp(list, "all", 3) == 0;

		if (is_all || (len == 7 && memcmp(list, "address", 7) == 0))
			arguments->sanitizes_addresses = is_on;
		if (is_all || (len == 6 && memcmp(list, "memory", 6) == 0))
			arguments->sanitizes_memory = is_on;
	}
}

/* -D and what follows it. */
static void definition_note(struct arguments *arguments, const char *definition)
{
	if (strcmp(definition, "WEFT_VALGRIND") == 0 || starts_with(definition, "WEFT_VALGRIND="))
		arguments->sanitizes_memory = true;
}

struct position_independence {
	bool is_pic, is_hidden, is_final;
};

static void flag_note(
		struct arguments *arguments, struct position_independence *code, const char *word)
{
	if (starts_with(word, "-fsanitize="))
		sanitizers_note(arguments, word + strlen("-fsanitize="), true);
	else if (starts_with(word, "-fno-sanitize="))
		sanitizers_note(arguments, word + strlen("-fno-sanitize="), false);
	else if (!strcmp(word, "--coverage") || !strcmp(word, "-coverage") ||
			!strcmp(word, "-ftest-coverage"))
		arguments->counts_lines = arguments->leaves_files = true;
	else if (!strcmp(word, "-fPIC") || !strcmp(word, "-fpic"))
		code->is_pic = true;
	else if (!strcmp(word, "-fPIE") || !strcmp(word, "-fpie") || !strcmp(word, "-fno-PIC") ||
			!strcmp(word, "-fno-pic"))
		code->is_pic = false;
	else if (starts_with(word, "-fvisibility="))
		code->is_hidden = !strcmp(word, "-fvisibility=hidden") ||
				!strcmp(word, "-fvisibility=internal");
	else if (!strcmp(word, "-fno-semantic-interposition"))
		code->is_final = true;
	else if (!strcmp(word, "-fsemantic-interposition"))
		code->is_final = false;
	else if (!strcmp(word, "-fdiagnostics-color") ||
			!strcmp(word, "-fdiagnostics-color=always") ||
			!strcmp(word, "-fcolor-diagnostics"))
		arguments->color = 1;
	else if (starts_with(word, "-fdiagnostics-color=") ||
			!strcmp(word, "-fno-diagnostics-color") ||
			!strcmp(word, "-fno-color-diagnostics"))
		arguments->color = strcmp(word, "-fdiagnostics-color=auto") == 0 ? -1 : 0;
	else if (!strcmp(word, "-w"))
		arguments->wants_no_warnings = true;
	else if (!strcmp(word, "-v"))
		arguments->is_verbose = true;
	else if (!strcmp(word, "-emit-llvm"))
		arguments->emits_llvm = true;
	else if (starts_with(word, "-static"))
		arguments->links_statically = true;
	else if (starts_with(word, "-std=") || !strcmp(word, "-ansi"))
		arguments->std = word;
}

static void mistake_note(struct arguments *arguments, const char *flag)
{
	struct mistake_flags flags = { 0 };

	if (!mistake_flags_read(&flags, flag))
		arguments->unknown_flag = flag;
}

static bool is_about_mistakes(const char *word)
{
	return mistake_flag_is(word) || !strcmp(word, "-w") || !strcmp(word, "-Werror") ||
			!strcmp(word, "-Wno-error");
}

struct reading {
	struct arguments *arguments;
	struct position_independence code;
	const char *language;      /* of the last -x, or NULL */
	bool has_unnamed_language; /* standard input without -x: C with -E, else a mistake */
};

static void option_note(struct reading *reading, const struct rule *rule, struct argument *argument)
{
	struct arguments *arguments = reading->arguments;
	const char *rest = argument->text + strlen(rule->name);
	const char *value = argument->operand ? argument->operand : rest;

	switch (rule->meaning) {
	case MEANS_NOTHING:
	case MEANS_FILES:
	case MEANS_DEPENDENCY_DETAIL:
		break;
	case MEANS_STAGE:
		stage_limit(arguments, rule->stage);
		break;
	case MEANS_OUTPUT:
		arguments->output = value;
		break;
	case MEANS_LANGUAGE:
		reading->language = strcmp(value, "none") == 0 ? NULL : value;
		break;
	case MEANS_DEPENDENCIES:
		arguments->wants_dependencies = true;
		break;
	case MEANS_DEPENDENCY_FILE:
		arguments->dependency_file = value;
		break;
	case MEANS_DEPENDENCY_TARGET:
		arguments->has_dependency_target = true;
		break;
	case MEANS_TEMPORARIES:
		arguments->saves_temporaries = true;
		arguments->saves_here = strcmp(rest, "=cwd") == 0;
		break;
	case MEANS_FLAG:
		flag_note(arguments, &reading->code, argument->text);
		break;
	case MEANS_DEFINITION:
		definition_note(arguments, value);
		break;
	case MEANS_NO_LIBRARY:
		arguments->links_nothing = true;
		break;
	case MEANS_LIBRARY:
		arguments->links_weft = true;
		break;
	case MEANS_MISTAKES:
		mistake_note(arguments, argument->text);
		break;
	case MEANS_ASYNCIFY:
		arguments->asyncify = true;
		break;
	case MEANS_FRAME_LIMIT:
		arguments->frame_limit = (unsigned)strtoul(rest, NULL, 0);
		break;
	case MEANS_FUNCTION:
		arguments->only_function = rest;
		stage_limit(arguments, rule->stage);
		break;
	}
}

static void option_classify(
		struct arguments *arguments, const struct rule *rule, struct argument *argument)
{
	argument->is_about_mistakes = is_about_mistakes(argument->text);
	argument->is_dependency = rule->meaning >= MEANS_DEPENDENCIES &&
			rule->meaning <= MEANS_DEPENDENCY_DETAIL;
	arguments->has_own |= rule_is_own(rule);
	arguments->leaves_files |= rule->meaning == MEANS_FILES;
	arguments->splits_debug |= strcmp(argument->text, "-gsplit-dwarf") == 0;
}

bool argument_is_own(const char *word)
{
	return rule_is_own(rule_of(word));
}

static enum language language_of(const char *path, const char *forced)
{
	static const char *const of_others[] = { ".s", ".S", ".sx", ".h", ".cc", ".cp", ".cpp",
		".cxx", ".c++", ".C", ".CPP", ".ii", ".m", ".mi", ".mm", ".M", ".d", ".f", ".f90",
		".F", ".F90", ".go", ".adb", ".ads" };

	if (forced) {
		if (strcmp(forced, "c") == 0)
			return LANGUAGE_C;
		return strcmp(forced, "cpp-output") == 0 ? LANGUAGE_EXPANDED : LANGUAGE_OTHER;
	}
	if (ends_with(path, ".c"))
		return LANGUAGE_C;
	if (ends_with(path, ".i"))
		return LANGUAGE_EXPANDED;
	for (size_t i = 0; i < sizeof(of_others) / sizeof(of_others[0]); i++)
		if (ends_with(path, of_others[i]))
			return LANGUAGE_OTHER;
	return LANGUAGE_NONE;
}

static void input_note(struct reading *reading, struct argument *argument)
{
	struct arguments *arguments = reading->arguments;

	argument->is_input = true;
	argument->forced = reading->language;
	argument->language = language_of(argument->text, reading->language);
	if (strcmp(argument->text, "-") == 0 && !reading->language)
		reading->has_unnamed_language = true;
	arguments->input_count++;
	arguments->compiled_count += argument->language != LANGUAGE_NONE;
	arguments->source_count += argument_is_source(argument);
}

static void decide(struct arguments *arguments, const struct reading *reading)
{
	const struct position_independence *code = &reading->code;
	bool names_one_output = arguments->output && arguments->stage != STAGE_LINK;

	arguments->is_interposable = code->is_pic && !code->is_hidden && !code->is_final;
	if (reading->has_unnamed_language && arguments->stage == STAGE_EXPAND)
		arguments->source_count++;
	else if (reading->has_unnamed_language)
		arguments->stage = STAGE_ASK;
	if (!arguments->input_count || (names_one_output && arguments->compiled_count > 1))
		arguments->stage = STAGE_ASK;
}

void arguments_parse(struct arguments *arguments, char *const *argv)
{
	struct reading reading = { .arguments = arguments };

	*arguments = (struct arguments){ .stage = STAGE_LINK, .color = -1 };
	words_add_arguments(&arguments->words, argv);
	arguments->at = must_have(calloc(arguments->words.count + 1, sizeof(*arguments->at)));
	for (size_t i = 0; i < arguments->words.count; i++) {
		struct argument *argument = &arguments->at[arguments->count++];
		const struct rule *rule = &any;

		argument->text = arguments->words.at[i];
		if (argument->text[0] != '-' || !argument->text[1]) {
			input_note(&reading, argument);
			continue;
		}
		rule = rule_of(argument->text);
		argument->passes = rule->passes;
		if (rule->form == FORM_SEPARATE ||
				(rule->form == FORM_EITHER &&
						!argument->text[strlen(rule->name)])) {
			argument->operand = arguments->words.at[i + 1];
			if (!argument->operand) {
				arguments->stage = STAGE_ASK;
				return;
			}
			i++;
		}
		option_note(&reading, rule, argument);
		option_classify(arguments, rule, argument);
	}
	decide(arguments, &reading);
}

void arguments_finish(struct arguments *arguments)
{
	free(arguments->at);
	words_finish(&arguments->words);
}

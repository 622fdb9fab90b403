/* SPDX-License-Identifier: MIT */
/*
 * compiler/passes.c: which words each pass over a source is given.
 *
 *     expand     $CC -E -D__WEFTCC__=1 [text] [dependencies] x.c
 *     check      $CC [text] [warnings] x.c, which makes nothing
 *     translate  weftcc-translate [machine, language]
 *     compile    $CC [code] -x cpp-output -
 *     rest       $CC [everything], translated sources replaced by their objects
 *
 * Check: gcc's -fsyntax-only stops before it knows of unused functions, missing returns and cases
 *        that fall through. Writing LTO bytecode to /dev/null it finds these, as fast, and still
 *        comes to no place where it would notice that nobody defines `await`'s helpers. With -w there is
 *        nothing to find there. Warnings
 *        that need the optimizer are left to the pass that compiles, which knows when a `defer` runs,
 *        but for those of values that are not there yet: then the plain reading is optimized, too.
 * Names: what gcc derives from the names of source and output (dependencies, .gcno, .dwo, -save-temps)
 *        it would derive here from the name of its standard input; so they are given, by the rules
 *        of gcc 11 and later. clang names them after its output or, of what -save-temps leaves, its
 *        input: which is then x.async.c, and what is linked at once is not a temporary object.
 * Order: the headers of Weft come last, after all directories that the user names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "compiler/passes.h"
#include "compiler/warnings.h"

/* The part of a path that is its name, and the len of that without its suffix. */
static const char *base_of(const char *path, size_t *stem_len)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	const char *dot = strrchr(base, '.');

	*stem_len = dot && dot != base ? (size_t)(dot - base) : strlen(base);
	return base;
}

/* The path with another suffix. */
static char *with_suffix(const char *path, const char *suffix)
{
	size_t stem_len;
	const char *base = base_of(path, &stem_len);

	return format_text("%.*s%s", (int)((size_t)(base - path) + stem_len), path, suffix);
}

/* The name of the source with another suffix, in the current directory. */
static char *source_with_suffix(const struct argument *source, const char *suffix)
{
	size_t stem_len;
	const char *base = base_of(source->text, &stem_len);

	return format_text("%.*s%s", (int)stem_len, base, suffix);
}

char *output_name(const struct arguments *arguments, const struct argument *source)
{
	bool is_assembly = arguments->stage == STAGE_ASSEMBLY;

	if (arguments->output)
		return format_text("%s", arguments->output);
	if (arguments->emits_llvm)
		return source_with_suffix(source, is_assembly ? ".ll" : ".bc");
	return source_with_suffix(source, is_assembly ? ".s" : ".o");
}

char *auxiliary_stem(const struct arguments *arguments, const struct argument *source)
{
	const char *output = arguments->output;
	bool links = arguments->stage == STAGE_LINK;

	if (output ? strcmp(output, "/dev/null") == 0 : !links)
		return source_with_suffix(source, "");
	if (!output)
		output = "a.out";
	if (arguments->saves_here && strrchr(output, '/'))
		output = strrchr(output, '/') + 1;
	size_t unused;
	bool has_suffix = !links || ends_with(output, ".exe") ||
			strcmp(base_of(output, &unused), "a.out") == 0;
	char *prefix = has_suffix ? with_suffix(output, "") : format_text("%s", output);
	if (!links)
		return prefix;
	char *name = source_with_suffix(source, "");
	char *stem = format_text("%s-%s", prefix, name);
	free(prefix);
	free(name);
	return stem;
}

char *saved_name(const struct arguments *arguments, const struct argument *source,
		const char *suffix)
{
	char *stem = auxiliary_stem(arguments, source);
	char *name = format_text("%s%s", stem, suffix);

	free(stem);
	return name;
}

char *linked_name(const struct plan *plan, const struct argument *source)
{
	const struct arguments *arguments = plan->arguments;
	char *name = saved_name(arguments, source, ".o");

	if (arguments->saves_temporaries ||
			(plan->is_clang && arguments->leaves_files && access(name, F_OK) != 0))
		return name;
	free(name);
	return NULL;
}

static void add_argument(struct words *argv, const struct argument *argument)
{
	words_add(argv, argument->text);
	if (argument->operand)
		words_add(argv, argument->operand);
}

/* $CC with the options that the pass takes. */
static struct words pass_begin(const struct plan *plan, enum pass pass)
{
	const struct arguments *arguments = plan->arguments;
	struct words argv = WORDS;

	words_add_all(&argv, &plan->toolchain->cc);
	for (size_t i = 0; i < arguments->count; i++)
		if (!arguments->at[i].is_input && arguments->at[i].passes & pass)
			add_argument(&argv, &arguments->at[i]);
	return argv;
}

static void add_input(struct words *argv, const struct argument *input)
{
	if (input->forced) {
		words_add(argv, "-x");
		words_add(argv, input->forced);
	}
	words_add(argv, input->text);
	if (input->forced) {
		words_add(argv, "-x");
		words_add(argv, "none");
	}
}

/* As system headers, which they are once installed: gcc and clang then explain a mistake in a call without
 * a tour through our macros. */
static void add_include(struct words *argv, const struct toolchain *toolchain)
{
	if (toolchain->include)
		words_addf(argv, "-isystem%s", toolchain->include);
}

bool dependencies_are_shown(const struct arguments *arguments)
{
	const char *file = arguments->dependency_file;

	return file && arguments->wants_dependencies &&
			(strcmp(file, "-") == 0 || strcmp(file, "/dev/stdout") == 0);
}

/* A plain compile would name file and target after its output, which this pass has not. */
static void add_dependencies(struct words *argv, const struct arguments *arguments,
		const struct argument *source)
{
	for (size_t i = 0; i < arguments->count; i++)
		if (arguments->at[i].is_dependency)
			add_argument(argv, &arguments->at[i]);
	if (dependencies_are_shown(arguments)) {
		words_add(argv, "-MF"); /* the last one counts, and the text goes to standard output */
		words_add(argv, "/dev/stderr");
	} else if (!arguments->dependency_file) {
		char *path = arguments->output ? with_suffix(arguments->output, ".d")
					       : source_with_suffix(source, ".d");

		words_add(argv, "-MF");
		words_add(argv, path);
		free(path);
	}
	if (!arguments->has_dependency_target && arguments->output) {
		words_add(argv, "-MQ");
		words_add(argv, arguments->output);
	}
}

struct words pass_expand(const struct plan *plan, const struct argument *source)
{
	struct words argv = pass_begin(plan, PASS_EXPAND);

	words_add(&argv, "-E");
	if (plan->arguments->stage >= STAGE_EMIT_C)
		words_add(&argv, "-C"); /* somebody reads it */
	words_add(&argv, "-D__WEFTCC__=1");
	add_include(&argv, plan->toolchain);
	if (plan->arguments->wants_dependencies)
		add_dependencies(&argv, plan->arguments, source);
	add_input(&argv, source);
	return argv;
}

struct words pass_check(const struct plan *plan, const struct argument *source)
{
	struct words argv = pass_begin(plan, PASS_CHECK);

	add_include(&argv, plan->toolchain);
	if (!plan->is_clang && warnings_want_values(plan->arguments)) {
		warnings_leave_flow(&argv);
		words_add(&argv, "-DWEFT_ONLY_WEFTCC="); /* calls are no errors */
		words_add(&argv, "-S");
		words_add(&argv, "-o");
		words_add(&argv, "/dev/null");
	} else if (plan->is_clang || plan->lacks_lto || plan->arguments->wants_no_warnings) {
		words_add(&argv, "-fsyntax-only");
		if (plan->is_clang)
			words_add(&argv, "-Qunused-arguments");
	} else {
		words_add(&argv, "-S");
		words_add(&argv, "-flto");
		words_add(&argv, "-fno-fat-lto-objects");
		words_add(&argv, "-o");
		words_add(&argv, "/dev/null");
	}
	if (plan->shows_color)
		words_add(&argv, "-fdiagnostics-color=always");
	add_input(&argv, source);
	return argv;
}

static bool flag_is(const char *flag, const char *name)
{
	size_t size = strlen(name);
	bool goes_on = name[size - 1] == '=' || name[size - 1] == '-';

	return goes_on ? starts_with(flag, name) : strcmp(flag, name) == 0;
}

/* Flags of $CC after which the same text means something else, or types have other sizes. Those that end
 * in `=` or `-` go on. libclang refuses what it does not know, and of the others it need not know. */
static bool is_of_language(const char *flag)
{
	static const char *const names[] = { "-std=", "-ansi", "-m16", "-m32", "-m64", "-mx32",
		"-mabi=", "-mfloat-abi=", "-mlong-double-", "-mms-bitfields", "-mno-ms-bitfields",
		"-mthumb", "-marm", "-mbig-endian", "-mlittle-endian" };
	static const char *const features[] = { "asm", "blocks", "builtin", "builtin-", "char8_t",
		"dollars-in-identifiers", "freestanding", "gnu89-inline", "hosted", "ms-extensions",
		"openmp", "openmp=", "pack-struct", "pack-struct=", "short-enums", "short-wchar",
		"signed-char", "unsigned-char" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (flag_is(flag, names[i]))
			return true;
	if (!starts_with(flag, "-f"))
		return false;
	flag += strlen(starts_with(flag, "-fno-") ? "-fno-" : "-f");
	for (size_t i = 0; i < sizeof features / sizeof *features; i++)
		if (flag_is(flag, features[i]))
			return true;
	return false;
}

/* The machine to compile for, as a triple that is yours, or NULL: this one. */
static char *target_of(const struct plan *plan)
{
	const struct arguments *arguments = plan->arguments;

	for (size_t i = arguments->count; i > 0; i--) {
		const struct argument *argument = &arguments->at[i - 1];

		if (starts_with(argument->text, "--target="))
			return format_text("%s", argument->text + strlen("--target="));
		if (strcmp(argument->text, "-target") == 0)
			return format_text("%s", argument->operand);
	}
	return toolchain_target(plan->toolchain);
}

/* Whether our library is no use for the machine to compile for. */
static bool is_for_another_machine(const struct plan *plan)
{
	char *target = target_of(plan);
	struct utsname here;
	bool differs = target && uname(&here) == 0 &&
			!(starts_with(target, here.machine) &&
					strchr("-", target[strlen(here.machine)])) &&
			!(starts_with(target, "arm") && starts_with(here.machine, "arm"));

	free(target);
	return differs;
}

/* What libclang has to know of the machine and the language. */
static void add_flags_of_parse(struct words *argv, const struct plan *plan)
{
	const struct arguments *arguments = plan->arguments;
	char *target = target_of(plan);

	for (size_t i = 0; i < arguments->count; i++)
		if (is_of_language(arguments->at[i].text))
			words_add(argv, arguments->at[i].text);
	if (target)
		words_addf(argv, "--target=%s", target);
	free(target);
}

struct words pass_translate(const struct plan *plan, const struct argument *source)
{
	const struct arguments *arguments = plan->arguments;
	struct words argv = WORDS;

	words_add(&argv, plan->toolchain->translator);
	words_add(&argv, source->text);
	if (arguments->asyncify)
		words_add(&argv, "--asyncify");
	if (arguments->is_interposable)
		words_add(&argv, "--interposable");
	if (arguments->sanitizes_addresses)
		words_add(&argv, "--sanitize-address");
	if (arguments->sanitizes_memory)
		words_add(&argv, "--sanitize-memory");
	if (arguments->counts_lines)
		words_add(&argv, "--count-lines");
	for (size_t i = 0; i < arguments->count; i++) {
		const char *text = arguments->at[i].text;

		if (arguments->at[i].is_about_mistakes)
			words_add(&argv, text);
		if (starts_with(text, "-ffile-prefix-map=") ||
				starts_with(text, "-fmacro-prefix-map="))
			words_addf(&argv, "--map%s", strchr(text, '='));
	}
	if (plan->shows_color)
		words_add(&argv, "--color");
	if (arguments->stage == STAGE_EMIT_C && source->language == LANGUAGE_C &&
			strcmp(source->text, "-") != 0)
		words_add(&argv, "--splice");
	if (arguments->only_function)
		words_addf(&argv, "--only=%s", arguments->only_function);
	if (arguments->frame_limit)
		words_addf(&argv, "--frame-limit=%u", arguments->frame_limit);
	words_add(&argv, "--");
	add_flags_of_parse(&argv, plan);
	return argv;
}

static void add_to_clang(struct words *argv, const char *option, const char *operand)
{
	words_add(argv, "-Xclang");
	words_add(argv, option);
	words_add(argv, "-Xclang");
	words_add(argv, operand);
}

/* Auxiliary outputs, and what debug information says of the source. */
static void add_names(struct words *argv, const struct plan *plan, const struct argument *source)
{
	char *stem = auxiliary_stem(plan->arguments, source);
	size_t unused;
	const char *base = base_of(stem, &unused);

	if (plan->is_clang) {
		char *dwo = format_text("%s.dwo", stem);

		add_to_clang(argv, "-main-file-name", source->text);
		if (plan->arguments->stage == STAGE_ASSEMBLY && plan->arguments->splits_debug) {
			add_to_clang(argv, "-split-dwarf-file", dwo);
			add_to_clang(argv, "-split-dwarf-output", dwo);
		}
		free(dwo);
		free(stem);
		return;
	}
	if (plan->arguments->stage == STAGE_LINK) {
		size_t name_len;

		base_of(source->text, &name_len);
		base = stem + strlen(stem) - name_len;
	}
	if (base != stem) {
		words_add(argv, "-dumpdir");
		words_addf(argv, "%.*s", (int)(base - stem), stem);
	}
	words_add(argv, "-dumpbase");
	words_addf(argv, "%s.c", base);
	words_add(argv, "-dumpbase-ext");
	words_add(argv, ".c");
	free(stem);
}

struct words pass_compile(
		const struct plan *plan, const struct argument *source, const char *output)
{
	struct words argv = pass_begin(plan, PASS_COMPILE);

	if (plan->is_clang) {
		words_add(&argv, "-w");
		words_add(&argv, "-fno-caret-diagnostics");
	} else {
		warnings_add_flow(&argv, plan->arguments);
	}
	words_add(&argv, plan->arguments->stage == STAGE_ASSEMBLY ? "-S" : "-c");
	if (!plan->is_clang && !plan->arguments->saves_temporaries)
		words_add(&argv, "-pipe"); /* the assembler beside the compiler */
	words_add(&argv, "-o");
	words_add(&argv, output);
	add_names(&argv, plan, source);
	words_add(&argv, "-x");
	words_add(&argv, "cpp-output");
	if (plan->is_clang && plan->arguments->saves_temporaries) {
		char *name = saved_name(plan->arguments, source, SAVED_TRANSLATION);

		words_add(&argv, name);
		free(name);
	} else {
		words_add(&argv, "-");
	}
	return argv;
}

static void add_libraries(struct words *argv, const struct plan *plan, bool links_async)
{
	const struct arguments *arguments = plan->arguments;
	const struct toolchain *toolchain = plan->toolchain;
	bool is_static = arguments->links_statically || !toolchain->has_shared;

	if (arguments->links_nothing || !(links_async || arguments->links_weft))
		return;
	bool is_ours = !is_for_another_machine(plan);

	if (is_ours && toolchain->libraries && !toolchain->is_system) {
		words_addf(argv, "-L%s", toolchain->libraries);
		if (!is_static)
			words_addf(argv, "-Wl,-rpath,%s", toolchain->libraries);
	}
	if (!arguments->links_weft)
		words_add(argv, "-lweft");
	if (is_ours && is_static && sizeof WEFT_STATIC_LIBRARIES > sizeof "")
		words_add(argv, WEFT_STATIC_LIBRARIES);
	words_add(argv, "-pthread");
}

struct words pass_rest(const struct plan *plan, const char *const *objects, bool links_async)
{
	const struct arguments *arguments = plan->arguments;
	struct words argv = WORDS;
	bool has_sources = false;

	for (size_t i = 0; i < arguments->count; i++)
		has_sources |= argument_is_source(&arguments->at[i]) && !objects[i];
	words_add_all(&argv, &plan->toolchain->cc);
	for (size_t i = 0; i < arguments->count; i++) {
		const struct argument *argument = &arguments->at[i];

		if (argument->is_input && objects[i]) {
			if (*objects[i])
				words_add(&argv, objects[i]);
		} else if (argument->is_input) {
			add_input(&argv, argument);
		} else if (argument->passes & PASS_LINK ||
				(has_sources && argument->is_dependency)) {
			add_argument(&argv, argument);
		}
	}
	add_include(&argv, plan->toolchain);
	if (arguments->stage == STAGE_LINK)
		add_libraries(&argv, plan, links_async);
	else
		words_add(&argv,
				arguments->stage == STAGE_ASSEMBLY ? "-S"
						: arguments->stage == STAGE_OBJECT
						? "-c"
						: "-fsyntax-only");
	if (arguments->output) {
		words_add(&argv, "-o");
		words_add(&argv, arguments->output);
	}
	return argv;
}

struct words pass_original(const struct plan *plan, char *const *argv, const char *more)
{
	struct words original = WORDS;

	words_add_all(&original, &plan->toolchain->cc);
	if (more)
		words_add(&original, more);
	if (plan->arguments->has_own) /* perhaps in a response file */
		argv = plan->arguments->words.at;
	for (; *argv; argv++)
		if (!argument_is_own(*argv))
			words_add(&original, *argv);
	if (plan->arguments->source_count && plan->arguments->stage != STAGE_ASK)
		add_include(&original, plan->toolchain);
	if (plan->arguments->stage == STAGE_LINK)
		add_libraries(&original, plan, false);
	return original;
}

static void command_show(const struct words *argv)
{
	for (size_t i = 0; i < argv->count; i++)
		fprintf(stderr, " %s", argv->at[i]);
	fputc('\n', stderr);
}

pid_t pass_start(const struct plan *plan, const struct words *argv, struct subprocess_files files)
{
	if (plan->arguments->is_verbose)
		command_show(argv);
	pid_t process = subprocess_start(argv, files);

	if (process < 0)
		give_up(STATUS_CANNOT_RUN,
				"cannot run '%s': %s; WEFT_CC names the C compiler to run",
				argv->at[0], strerror(-process));
	return process;
}

int pass_run(const struct plan *plan, struct words argv, struct subprocess_files files)
{
	int status = subprocess_wait(pass_start(plan, &argv, files), argv.at[0]);

	words_finish(&argv);
	return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * compiler/driver.c: what weftcc does with a command line.
 *
 *              +-- nothing to compile, or -E: $CC, as it was called
 *     parse ---+
 *              +-- for each C source
 *                    expand --- no word of the language ---> plain: left to $CC
 *                      |
 *                      +---> check ------+
 *                      |                 +--> compile --> object
 *                      +---> translate --+
 *                    at last $CC over what is left: plain sources, objects, the link
 *
 * The translator is a program of its own, weftcc-translate, for the time that it takes to load libclang:
 * a plain source, or a question to the compiler, must not pay for that. If the source itself has an
 * `await`, it is started before the expansion, and waits for the text.
 *
 * If no source has a word of the language, weftcc becomes $CC with the arguments that it was given, so
 * a plain C file has the object that it would have without weftcc.
 *
 * Check and translate run at the same time, and what they say is held back: the compiler's view of the
 * original comes first, and if it finds errors, the translator's view of the same errors is dropped.
 * That is also why the build fails exactly if one of these two says so; the pass that compiles is given
 * no -Werror.
 *
 * Not here: the words of each pass (passes.c), and how they run (subprocess.c); why gcc starts to compile
 * before there is a text (compilation.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler/arguments.h"
#include "compiler/compilation.h"
#include "compiler/driver.h"
#include "compiler/linemarkers.h"
#include "compiler/passes.h"
#include "compiler/subprocess.h"
#include "compiler/toolchain.h"

struct driver {
	char *const *argv;
	struct arguments arguments;
	struct toolchain toolchain;
	struct plan plan;
	int standard_input; /* what `-` has, kept for all passes; or 0 */
	char **objects;     /* per argument: what stands for a translated source, or NULL */
	size_t async_count;
};

/* weftcc-translate, which waits for its text. */
struct translator {
	pid_t process; /* or 0 */
	int feed, out, messages;
};

/* One source on its way. */
struct unit {
	const struct argument *source;
	char *text; /* expanded */
	size_t size;
	char *translated;
	size_t translated_size;
	char *checked; /* what the check has said */
	struct translator translator;
	struct compilation compilation;
	char *output; /* of a pass that makes no program; or NULL */
	bool is_async;
};

/* Starts the pass with the source on its standard input, if that is where it came from. */
static pid_t pass_start_over(
		const struct driver *driver, const struct words *argv, int out, int err)
{
	if (driver->standard_input)
		scratch_rewind(driver->standard_input);
	return pass_start(&driver->plan, argv,
			(struct subprocess_files){
					.in = driver->standard_input, .out = out, .err = err });
}

/* Becomes $CC, as weftcc was called. */
static int become_cc(const struct driver *driver, const char *more)
{
	struct words argv = pass_original(&driver->plan, driver->argv, more);

	if (driver->standard_input) {
		scratch_rewind(driver->standard_input);
		dup2(driver->standard_input, 0);
	}
	execvp(argv.at[0], argv.at);
	give_up(STATUS_CANNOT_RUN, "cannot run '%s': %s; WEFT_CC names the C compiler to run",
			argv.at[0], strerror(errno));
}

/* ---- check ------------------------------------------------------------------------------------- */

static pid_t check_start(const struct driver *driver, const struct argument *source, int messages)
{
	struct words argv = pass_check(&driver->plan, source);
	pid_t process = pass_start_over(driver, &argv, 1, messages);

	words_finish(&argv);
	return process;
}

static int check_wait(
		struct driver *driver, const struct argument *source, pid_t process, int messages)
{
	const char *name = driver->toolchain.cc.at[0];
	int status = subprocess_wait(process, name);

	if (!status || driver->plan.lacks_lto ||
			!scratch_has(messages, "LTO support has not been enabled"))
		return status;
	driver->plan.lacks_lto = true;
	scratch_clear(messages);
	return subprocess_wait(check_start(driver, source, messages), name);
}

/* ---- the translator ------------------------------------------------------------------------------ */

static void translator_start(const struct driver *driver, struct unit *unit)
{
	struct translator *translator = &unit->translator;
	int text;

	if (!driver->toolchain.translator)
		give_up(1,
				"weftcc-translate is neither beside weftcc nor in ../libexec/weft; "
				"install Weft again");
	struct words argv = pass_translate(&driver->plan, unit->source);
	translator->feed = feed_create(&text);
	translator->out = scratch_create();
	translator->messages = scratch_create();
	translator->process = pass_start(&driver->plan, &argv,
			(struct subprocess_files){ .in = text,
					.out = translator->out,
					.err = translator->messages });
	close(text);
	words_finish(&argv);
}

/* Nobody needs it. */
static void translator_stop(struct translator *translator)
{
	subprocess_kill(translator->process);
	close(translator->feed);
	close(translator->out);
	close(translator->messages);
	translator->process = 0;
}

/* ---- expand ------------------------------------------------------------------------------------ */

/* clang calls its command line by another name than gcc, in a marker near the top. */
static bool is_clang(const char *text, size_t size)
{
	return memmem(text, size < 4096 ? size : 4096, "\"<command line>\"", 16) != NULL;
}

/* Whether a word of the language may be there: the translator, which is slow to load, knows for sure. */
static bool may_be_async(const struct unit *unit)
{
	return strstr(unit->text, "_Async") || strstr(unit->text, "_Await") ||
			strstr(unit->text, "_Defer");
}

/* The pass over the original says it better than the preprocessor alone, if it fails as well. */
static int expand_failed(
		struct driver *driver, const struct argument *source, int status, int messages)
{
	int check_messages = scratch_create();
	pid_t check = check_start(driver, source, check_messages);
	int check_status = check_wait(driver, source, check, check_messages);

	scratch_show(check_status ? check_messages : messages, 2);
	close(check_messages);
	return check_status ? check_status : status;
}

static int unit_expand(struct driver *driver, struct unit *unit)
{
	struct words argv = pass_expand(&driver->plan, unit->source);
	int out = scratch_create(), err = scratch_create();
	pid_t process = pass_start_over(driver, &argv, out, err);

	if (driver->toolchain.translator && file_has(unit->source->text, "await"))
		translator_start(driver, unit); /* it loads libclang meanwhile */
	int status = subprocess_wait(process, argv.at[0]);

	unit->text = scratch_text(out, &unit->size);
	driver->plan.is_clang = is_clang(unit->text, unit->size);
	unit->size = linemarkers_join(unit->text, unit->size);
	if (status && !unit->size) /* the flags are wrong, or there is no source */
		scratch_show(err, 2);
	else if (status)
		status = expand_failed(driver, unit->source, status, err);
	else if (may_be_async(unit) && dependencies_are_shown(&driver->arguments))
		scratch_show(err, 1);
	close(out);
	close(err);
	words_finish(&argv);
	return status;
}

/* A source that is expanded already: x.i, or -x cpp-output. */
static int unit_read(struct driver *driver, struct unit *unit)
{
	int file = driver->standard_input;

	if (!file)
		file = open(unit->source->text, O_RDONLY | O_CLOEXEC);
	if (file < 0) {
		complain("cannot read '%s': %s", unit->source->text, strerror(errno));
		return 1;
	}
	unit->text = scratch_text(file, &unit->size);
	driver->plan.is_clang = is_clang(unit->text, unit->size);
	unit->size = linemarkers_join(unit->text, unit->size);
	if (file != driver->standard_input)
		close(file);
	return 0;
}

/* ---- check and translate ----------------------------------------------------------------------- */

/* Its messages are shown only now: see above for what is said when. */
static int translate_end(const struct unit *unit, int status, int messages)
{
	scratch_show(messages, 2);
	if (status == TRANSLATE_FAILED || status >= STATUS_SIGNAL)
		complain("the translator failed over %s, which may be a defect; please report it, with\n"
			 "the .i file that -save-temps leaves",
				unit->source->text);
	return status ? 1 : 0;
}

/* Both at once. */
static int unit_check_and_translate(struct driver *driver, struct unit *unit)
{
	bool has_original = unit->source->language == LANGUAGE_C;
	int check_messages = scratch_create(), status = 0;
	pid_t check = has_original ? check_start(driver, unit->source, check_messages) : 0;

	if (!unit->translator.process)
		translator_start(driver, unit);
	struct translator translator = unit->translator;
	unit->translator.process = 0;
	feed_finish(translator.feed, unit->text, unit->size);
	unit->compilation =
			compilation_begin(&driver->plan, unit->source, unit->output, unit->text);
	int translate_status = subprocess_wait(translator.process, "weftcc-translate");

	unit->is_async = translate_status != TRANSLATE_NOT_NEEDED;
	if (unit->is_async)
		unit->translated = scratch_text(translator.out, &unit->translated_size);
	if (has_original)
		status = check_wait(driver, unit->source, check, check_messages);
	if (unit->is_async) {
		size_t size;

		unit->checked = scratch_text(check_messages, &size);
		scratch_show(check_messages, 2);
		if (!status)
			status = translate_end(unit, translate_status, translator.messages);
	}
	close(check_messages);
	close(translator.messages);
	close(translator.out);
	return unit->is_async ? status : 0;
}

/* ---- compile, or whatever is wanted of the translation ------------------------------------------- */

static int unit_compile(const struct driver *driver, struct unit *unit, const char *output)
{
	return compilation_end(&unit->compilation,
			&(struct compiled){
					.plan = &driver->plan,
					.source = unit->source,
					.output = output,
					.text = unit->translated,
					.size = unit->translated_size,
					.checked = unit->checked,
			});
}

/* -save-temps: x.i or x.async.c, named as $CC would name its own. */
static int temporary_save(const struct driver *driver, const struct unit *unit, const char *suffix,
		const char *text, size_t size)
{
	char *path = saved_name(&driver->arguments, unit->source, suffix);
	int status = file_write(path, text, size);

	free(path);
	return status;
}

/* Whether the function has a descriptor in the translated text. */
static bool has_function(const struct unit *unit, const char *name)
{
	char *descriptor = format_text("%s__async = {", name);
	bool has = memmem(unit->translated, unit->translated_size, descriptor,
				   strlen(descriptor)) != NULL;

	free(descriptor);
	return has;
}

static int unit_emit(const struct driver *driver, const struct unit *unit)
{
	const char *output = driver->arguments.output ? driver->arguments.output : "/dev/stdout";
	const char *function = driver->arguments.only_function;

	if (function && !(unit->translated && has_function(unit, function))) {
		complain("%s has no async function '%s'", unit->source->text, function);
		return 1;
	}
	const char *text = unit->translated ? unit->translated : unit->text;
	size_t size = unit->translated ? unit->translated_size : unit->size;
	const char *path = function ? NULL : unit->source->text;
	struct marked marked = driver->arguments.stage == STAGE_EMIT_C
			? linemarkers_to_source(text, size)
			: linemarkers_to_reading(text, size, path);
	int status = file_write(output, marked.text, marked.size);

	free(marked.text);
	return status;
}

/* Sets *object to what the link shall take, or to "" if there is nothing more to do. */
static int unit_finish_stage(struct driver *driver, struct unit *unit, char **object)
{
	enum stage stage = driver->arguments.stage;

	if (stage == STAGE_SYNTAX) {
		*object = format_text("%s", "");
		return 0;
	}
	if (stage == STAGE_LINK) {
		char *name = linked_name(&driver->plan, unit->source);

		if (!name)
			name = format_text("%s/%zu.o", temporary_directory(), driver->async_count);
		if (!driver->arguments.saves_temporaries)
			temporary_add(name);
		*object = name;
		return unit_compile(driver, unit, name);
	}
	*object = format_text("%s", "");
	return unit_compile(driver, unit, unit->output);
}

static int unit_translate_checked(struct driver *driver, struct unit *unit)
{
	bool saves = driver->arguments.saves_temporaries;
	int status = 0;

	if (saves) /* before something can crash */
		status = temporary_save(driver, unit, ".i", unit->text, unit->size);
	if (!status)
		status = unit_check_and_translate(driver, unit);
	if (!status && saves && unit->is_async)
		status = temporary_save(driver, unit, SAVED_TRANSLATION, unit->translated,
				unit->translated_size);
	driver->async_count += unit->is_async;
	return status;
}

/* All of it for one source; *object stays NULL if it is plain. */
static int unit_run(struct driver *driver, const struct argument *source, char **object)
{
	enum stage stage = driver->arguments.stage;
	struct unit unit = { .source = source };
	bool emits = stage >= STAGE_EMIT_C;

	if (stage == STAGE_OBJECT || stage == STAGE_ASSEMBLY)
		unit.output = output_name(&driver->arguments, source);
	int status = source->language == LANGUAGE_C ? unit_expand(driver, &unit)
						    : unit_read(driver, &unit);

	if (!status && (driver->arguments.asyncify || may_be_async(&unit)))
		status = unit_translate_checked(driver, &unit);
	if (unit.translator.process)
		translator_stop(&unit.translator);
	if (unit.compilation.process && (status || !unit.is_async))
		compilation_drop(&unit.compilation);
	if (!status && emits)
		status = unit_emit(driver, &unit);
	else if (!status && unit.is_async)
		status = unit_finish_stage(driver, &unit, object);
	if (status && unit.output)
		output_remove(unit.output);
	free(unit.output);
	free(unit.text);
	free(unit.translated);
	free(unit.checked);
	return status;
}

/* ---- the command line ---------------------------------------------------------------------------- */

/* Whether the rest of the line has anything to do: a link always has. */
static bool has_rest(const struct driver *driver)
{
	const struct arguments *arguments = &driver->arguments;

	for (size_t i = 0; i < arguments->count; i++)
		if (arguments->at[i].is_input && !driver->objects[i])
			return true;
	return arguments->stage == STAGE_LINK;
}

static void standard_input_keep(struct driver *driver)
{
	char buffer[65536];
	ssize_t count;

	driver->standard_input = scratch_create();
	while ((count = read(0, buffer, sizeof(buffer))) > 0)
		scratch_write(driver->standard_input, buffer, (size_t)count);
}

static bool has_plain_sources(const struct driver *driver)
{
	for (size_t i = 0; i < driver->arguments.count; i++)
		if (argument_is_source(&driver->arguments.at[i]) && !driver->objects[i])
			return true;
	return false;
}

/* What the linker alone says names what the user has not written. */
static int rest_run(const struct driver *driver)
{
	struct words argv = pass_rest(&driver->plan, (const char *const *)driver->objects, true);
	struct subprocess_files files = { .in = driver->standard_input, .out = 1, .err = 2 };

	if (has_plain_sources(driver))
		return pass_run(&driver->plan, argv, files);
	files.err = scratch_create();
	int status = pass_run(&driver->plan, argv, files);
	compilation_say(files.err, NULL, false);
	close(files.err);
	return status;
}

static int compile_all(struct driver *driver)
{
	const struct arguments *arguments = &driver->arguments;
	int status = 0;

	driver->objects = must_have(calloc(arguments->count + 1, sizeof(*driver->objects)));
	for (size_t i = 0; i < arguments->count; i++) {
		const struct argument *argument = &arguments->at[i];

		if (argument->is_input && strcmp(argument->text, "-") == 0 &&
				!driver->standard_input)
			standard_input_keep(driver);
		if (argument_is_source(argument)) {
			int unit_status = unit_run(driver, argument, &driver->objects[i]);

			status = status ? status : unit_status;
		}
	}
	if (status || arguments->stage >= STAGE_EMIT_C)
		return status;
	if (!driver->async_count)
		return become_cc(driver, NULL);
	if (!has_rest(driver))
		return 0;
	return rest_run(driver);
}

/* Says ours after what $CC says. */
static int version_show(const struct driver *driver)
{
	struct words ours = WORDS;
	int status = pass_run(&driver->plan, pass_original(&driver->plan, driver->argv, NULL),
			(struct subprocess_files){ .in = 0, .out = 1, .err = 2 });

	if (driver->toolchain.translator) {
		words_add(&ours, driver->toolchain.translator);
		words_add(&ours, "--version");
		pass_run(&driver->plan, ours,
				(struct subprocess_files){ .in = 0, .out = 1, .err = 2 });
	}
	return status;
}

/* $CC says it better, and it must not be lost: the source is not read by the pass that compiles. */
static bool would_overwrite_input(const struct arguments *arguments)
{
	struct stat output, input;

	if (!arguments->output || stat(arguments->output, &output) || !S_ISREG(output.st_mode))
		return false;
	for (size_t i = 0; i < arguments->count; i++)
		if (arguments->at[i].is_input && !stat(arguments->at[i].text, &input) &&
				input.st_dev == output.st_dev && input.st_ino == output.st_ino)
			return true;
	return false;
}

static bool asks_version(char *const *argv)
{
	while (*argv && strcmp(*argv, "--version") != 0)
		argv++;
	return *argv != NULL;
}

static int dispatch(struct driver *driver)
{
	const struct arguments *arguments = &driver->arguments;

	if (arguments->unknown_flag)
		give_up(1, "unrecognized option '%s'; docs/diagnostics.md has the names",
				arguments->unknown_flag);
	if (asks_version(driver->argv))
		return version_show(driver);
	if (arguments->stage >= STAGE_EMIT_C && arguments->source_count != 1)
		give_up(2,
				"--emit-c takes one C source: "
				"weftcc --emit-c in.c -o out.c [flags of $CC]");
	if (arguments->stage == STAGE_EXPAND)
		return become_cc(driver, arguments->source_count ? "-D__WEFTCC__=1" : NULL);
	if (arguments->stage == STAGE_ASK || !arguments->source_count ||
			would_overwrite_input(arguments))
		return become_cc(driver, NULL);
	return compile_all(driver);
}

/* `weftcc --wrap gcc -c x.c`, as a launcher of CMake is called: the words before the first option name
 * the compiler. */
static char *const *wrapped_words(char *const *argv, struct words *cc)
{
	if (!*argv || strcmp(*argv, "--wrap") != 0)
		return argv;
	for (argv++; *argv && **argv != '-'; argv++)
		words_add(cc, *argv);
	return argv;
}

int driver_main(char *const *argv)
{
	struct words cc = WORDS, line = WORDS;
	struct driver driver = { 0 };

	subprocess_init("weftcc");
	argv = wrapped_words(argv + 1, &cc);
	toolchain_init(&driver.toolchain, &cc);
	words_add_all(&line, &driver.toolchain.flags);
	for (; *argv; argv++)
		words_add(&line, *argv);
	driver.argv = line.count ? line.at : argv;
	arguments_parse(&driver.arguments, driver.argv);
	words_finish(&cc);
	driver.plan = (struct plan){
		.arguments = &driver.arguments,
		.toolchain = &driver.toolchain,
		.shows_color = driver.arguments.color == 1 ||
				(driver.arguments.color < 0 && isatty(2)),
	};
	int status = dispatch(&driver);

	temporaries_remove();
	for (size_t i = 0; driver.objects && i < driver.arguments.count; i++)
		free(driver.objects[i]);
	free(driver.objects);
	toolchain_finish(&driver.toolchain);
	arguments_finish(&driver.arguments);
	words_finish(&line);
	return status;
}

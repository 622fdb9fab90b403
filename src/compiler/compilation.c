/* SPDX-License-Identifier: MIT */
/*
 * compiler/compilation.c: $CC over the translated text.
 *
 * How:   to start gcc and its compiler proper takes a quarter of what a translation takes. So they are
 *        started beside the translator, and wait for their standard input:
 *
 *            when it starts      the first line of the text, and the beginning of a comment
 *            when all is well    the end of the comment, and the other lines
 *
 *        Whoever dies meanwhile, gcc has read a comment that does not end: it fails, and removes what it
 *        has begun to write. For that it is not ended with us: its assembler would be left, and make an
 *        object of nothing, for make to find. Whoever dies while the rest is sent leaves a text that ends
 *        in the middle.
 * Text:  is what check and translator have passed, so nothing that they refuse is compiled or spoken of
 *        twice.
 * Not early: clang, for which what it reads is part of what it writes (the sum of a source in DWARF 5);
 *        an output that is no plain file, since $CC opens it at once; what leaves files beside the object;
 *        what is linked at once; -v, which shows the passes one after another.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler/compilation.h"
#include "compiler/messages.h"

/* Over the text, or the beginning of it, that is there already: there is no moment at which we could die
 * and leave $CC an empty one, of which it would make an empty object. */
static struct compilation start(const struct plan *plan, const struct argument *source,
		const char *output, int text, bool ends_alone)
{
	struct compilation compilation = { .messages = scratch_create() };
	struct words argv = pass_compile(plan, source, output);

	compilation.process = pass_start(plan, &argv,
			(struct subprocess_files){ .in = text,
					.out = 1,
					.err = compilation.messages,
					.ends_alone = ends_alone });
	close(text);
	words_finish(&argv);
	return compilation;
}

static bool may_begin(const struct plan *plan, const char *output)
{
	const struct arguments *arguments = plan->arguments;
	struct stat stat;

	if (plan->is_clang || arguments->leaves_files || arguments->saves_temporaries ||
			arguments->is_verbose)
		return false;
	if (arguments->stage != STAGE_OBJECT && arguments->stage != STAGE_ASSEMBLY)
		return false;
	return lstat(output, &stat) < 0 || S_ISREG(stat.st_mode);
}

struct compilation compilation_begin(const struct plan *plan, const struct argument *source,
		const char *output, const char *expanded)
{
	struct compilation compilation = { 0 };

	if (strncmp(expanded, "# ", 2) != 0 || !may_begin(plan, output))
		return compilation;
	int text, feed = feed_create(&text);
	size_t size = strcspn(expanded, "\n");

	feed_write(feed, expanded, size);
	feed_write(feed, "/*", 2);
	compilation = start(plan, source, output, text, true);
	compilation.feed = feed;
	compilation.line = expanded;
	compilation.fed = size;
	return compilation;
}

void compilation_drop(struct compilation *compilation)
{
	close(compilation->feed);
	subprocess_wait(compilation->process, "the compiler");
	close(compilation->messages);
	*compilation = (struct compilation){ 0 };
}

/* A file of it. */
static int text_of(const struct compiled *compiled)
{
	int text = scratch_create();

	scratch_write(text, compiled->text, compiled->size);
	scratch_rewind(text);
	return text;
}

/* Whether a compilation that failed did so because of the text, not because of a full disk. */
static bool is_text_wrong(const struct compiled *compiled)
{
	struct words argv = pass_compile(compiled->plan, compiled->source, compiled->output);
	int text = text_of(compiled), messages = scratch_create();

	words_add(&argv, "-fsyntax-only");
	int status = pass_run(compiled->plan, argv,
			(struct subprocess_files){ .in = text, .out = messages, .err = messages });
	close(messages);
	close(text);
	return status != 0;
}

void compilation_say(int messages, const char *checked, bool color)
{
	size_t size;
	char *said = scratch_text(messages, &size);
	char *shown = messages_in_own_words(&(struct messages){
			.said = said,
			.before = checked ? checked : "",
			.color = color,
	});

	fputs(shown, stderr);
	free(shown);
	free(said);
}

int compilation_end(struct compilation *compilation, const struct compiled *compiled)
{
	const struct plan *plan = compiled->plan;
	int messages;

	if (compilation->process &&
			strncmp(compiled->text, compilation->line, compilation->fed) != 0)
		compilation_drop(compilation); /* not the same line for libclang */
	if (compilation->process) {
		feed_write(compilation->feed, "*/", 2);
		feed_finish(compilation->feed, compiled->text + compilation->fed,
				compiled->size - compilation->fed);
		subprocess_ends_with_us(compilation->process);
	} else {
		*compilation = start(
				plan, compiled->source, compiled->output, text_of(compiled), false);
	}
	messages = compilation->messages;
	int status = subprocess_wait(compilation->process, plan->toolchain->cc.at[0]);
	*compilation = (struct compilation){ 0 };
	if (status == 2)
		status = 1; /* with -pipe, gcc's status is the assembler's */
	compilation_say(messages, compiled->checked, plan->shows_color);
	bool is_ours = !scratch_has(messages, "[W029]"); /* else it is what $CC alone computes */
	close(messages);
	if (status && is_ours && is_text_wrong(compiled))
		complain("%s is valid, but what it was translated to is not; please report it, with the\n"
			 "files that -save-temps leaves",
				compiled->source->text);
	return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * cli/weftcc_translate.c: weftcc-translate, the half of weftcc that reads C with libclang.
 *
 *     weftcc-translate x.c [--option...] [-- flag of the parse...] <expanded >translated
 *
 * Nobody calls it but weftcc (compiler/passes.c), and the two are always of one version.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <clang-c/Index.h>

#include "compiler/passes.h"
#include "compiler/spelling.h"
#include "compiler/subprocess.h"
#include "compiler/translate.h"

static int version_show(void)
{
	CXString version = clang_getClangVersion();

	printf("weftcc %s, reading C with %s\n", WEFT_VERSION, clang_getCString(version));
	clang_disposeString(version);
	return 0;
}

/* NULL if it cannot be read: then what is generated is the expanded text. */
static char *original_read(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	size_t size;

	if (file < 0)
		return NULL;
	char *text = scratch_text(file, &size);
	close(file);
	return text;
}

static void option_read(struct translate_options *options, const char *word)
{
	options->asyncify |= strcmp(word, "--asyncify") == 0;
	options->interposable |= strcmp(word, "--interposable") == 0;
	options->sanitize_address |= strcmp(word, "--sanitize-address") == 0;
	options->sanitize_memory |= strcmp(word, "--sanitize-memory") == 0;
	options->count_lines |= strcmp(word, "--count-lines") == 0;
	options->color |= strcmp(word, "--color") == 0;
	mistake_flags_read(&options->mistakes, word);
	if (starts_with(word, "--map="))
		words_add(&options->path_maps, word + strlen("--map="));
	if (strcmp(word, "--splice") == 0)
		options->original = original_read(options->path);
	if (starts_with(word, "--only="))
		options->only_function = word + strlen("--only=");
	if (starts_with(word, "--frame-limit="))
		options->frame_limit = (unsigned)strtoul(word + strlen("--frame-limit="), NULL, 10);
}

/* Generated programs nest deeply, and so do we. The kernel leaves that much room below the stack. libclang
 * would parse on a thread of its own, whose 8 MiB hold some 800 parentheses in version 19. */
static void stack_deepen(void)
{
	struct rlimit limit;
	rlim_t wanted = 120 << 20, of_thread = 8 << 20;

	if (getrlimit(RLIMIT_STACK, &limit) < 0)
		return;
	if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < wanted)
		wanted = limit.rlim_max;
	if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < wanted) {
		limit.rlim_cur = wanted;
		if (setrlimit(RLIMIT_STACK, &limit) < 0)
			return;
	}
	if (limit.rlim_cur >= of_thread)
		(void)setenv("LIBCLANG_NOTHREADS", "1", 1);
}

static int status_of(int err)
{
	if (!err)
		return TRANSLATE_DONE;
	if (err == -ENOMEM)
		complain("out of memory: run fewer jobs at a time");
	return err == -EINVAL ? TRANSLATE_ERRORS : TRANSLATE_FAILED;
}

int main(int argc, char **argv)
{
	struct translate_options options = { .path = argc > 1 ? argv[1] : "" };
	struct translation translation = { 0 };
	size_t size;

	stack_deepen();
	if (strcmp(options.path, "--version") == 0)
		return version_show();
	for (argv += 2; argc > 2 && *argv && strcmp(*argv, "--") != 0; argv++)
		option_read(&options, *argv);
	if (argc < 3)
		give_up(TRANSLATE_FAILED, "weftcc runs this; see docs/compiling.md");
	options.flags = (const char *const *)(*argv ? argv + 1 : argv);
	char *text = feed_text(0, &size);
	if (!options.asyncify && !translate_is_needed(text, size)) {
		free(text);
		return TRANSLATE_NOT_NEEDED;
	}
	size = spelling_decode(text, size);
	int err = translate(text, size, &options, &translation);
	if (!err && options.original && !translation.is_spliced)
		fprintf(stderr,
				"weftcc: note: %s: a header has something to translate, so this is the "
				"expanded text, which belongs to this machine\n",
				options.path);
	if (!err)
		scratch_write(1, translation.text, translation.size);
	free(translation.text);
	free((char *)options.original);
	words_finish(&options.path_maps);
	free(text);
	return status_of(err);
}

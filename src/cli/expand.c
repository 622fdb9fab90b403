/* SPDX-License-Identifier: MIT */
/*
 * cli/expand.c: weft expand: the generated C, laid out by clang-format if there is one.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "compiler/subprocess.h"

static int to_scratch(const struct words *argv, int scratch)
{
	pid_t process = subprocess_start(
			argv, (struct subprocess_files){ .in = 0, .out = scratch, .err = 2 });

	if (process < 0)
		give_up(STATUS_CANNOT_RUN, "cannot run %s: %s", argv->at[0], strerror(-process));
	return subprocess_wait(process, argv->at[0]);
}

/* Whether the text came out formatted. */
static bool format(const char *path, int text, int formatted)
{
	struct words argv = WORDS;
	int nowhere = scratch_create(), status = 1;

	words_add(&argv, "clang-format");
	words_addf(&argv, "--assume-filename=%s", path);
	words_add(&argv, "--fallback-style=LLVM");
	scratch_rewind(text);
	pid_t process = subprocess_start(&argv,
			(struct subprocess_files){ .in = text, .out = formatted, .err = nowhere });
	if (process > 0)
		status = subprocess_wait(process, argv.at[0]);
	close(nowhere);
	words_finish(&argv);
	return status == 0;
}

int command_expand(char *const *argv)
{
	struct words weftcc = WORDS;
	int text = scratch_create(), formatted = scratch_create();

	if (weftcc_begin(&weftcc, &argv) || (argv[1] && argv[2]))
		return STATUS_USAGE;
	if (argv[1])
		words_addf(&weftcc, "--show=%s", argv[1]);
	else
		words_add(&weftcc, "--show");
	words_add(&weftcc, argv[0]);
	int status = to_scratch(&weftcc, text);
	if (!status)
		scratch_show(format(argv[0], text, formatted) ? formatted : text, 1);
	close(text);
	close(formatted);
	words_finish(&weftcc);
	return status;
}

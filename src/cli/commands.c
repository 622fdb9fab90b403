/* SPDX-License-Identifier: MIT */
/*
 * cli/commands.c: weft, the command: finds the subcommand, says what there is.
 */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "compiler/subprocess.h"

struct command {
	const char *name;
	int (*run)(char *const *argv);
	const char *usage, *summary;
};

static const struct command commands[] = {
	{ "run", command_run, "[option...] file.c [argument...]",
			"compiles a program and runs it; the options are weftcc's" },
	{ "expand", command_expand, "[option...] file.c [function]",
			"shows what becomes of a file or of one function" },
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static void help(FILE *out)
{
	fputs("usage: weft command ...\n", out);
	for (int i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "    weft %s %s\n        %s\n", commands[i].name, commands[i].usage,
				commands[i].summary);
	fputs("    weft --version\n    weft --help\nweftcc compiles: it is used as cc is.\n", out);
}

static int usage_of(const struct command *command)
{
	fprintf(stderr, "usage: weft %s %s\n", command->name, command->usage);
	return 2;
}

int weftcc_begin(struct words *weftcc, char *const **argv)
{
	char *ourselves = must_have(realpath("/proc/self/exe", NULL));

	words_addf(weftcc, "%s/weftcc", dirname(ourselves));
	free(ourselves);
	while (**argv && (**argv)[0] == '-')
		words_add(weftcc, *(*argv)++);
	return **argv ? 0 : STATUS_USAGE;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	subprocess_init("weft");
	if (strcmp(name, "--version") == 0 || strcmp(name, "--help") == 0) {
		if (name[2] == 'v')
			printf("weft %s\n", WEFT_VERSION);
		else
			help(stdout);
		return 0;
	}
	for (int i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(name, commands[i].name) != 0)
			continue;
		int status = commands[i].run(argv + 2);
		temporaries_remove();
		return status == STATUS_USAGE ? usage_of(&commands[i]) : status;
	}
	if (*name)
		complain("there is no command '%s'", name);
	help(stderr);
	return 2;
}

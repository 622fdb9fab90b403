/* SPDX-License-Identifier: MIT */
/*
 * compiler/toolchain.c: finds the wrapped compiler and Weft's own headers and libraries.
 *
 * How: everything is looked for relative to the executable, so an installed tree can be moved:
 *      PREFIX/bin/weftcc has PREFIX/include and PREFIX/lib, and a build directory has the library
 *      beside weftcc and the headers, if it is in the source tree, in ../include. What the build
 *      knew (WEFT_SOURCE_INCLUDE) is tried last.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler/subprocess.h"
#include "compiler/toolchain.h"

/* The first directory in PATH that has the program, or the program itself if it names a path; yours.
 * NULL: there is none. */
static char *program_find(const char *name)
{
	const char *path = getenv("PATH");

	if (strchr(name, '/'))
		return access(name, X_OK) == 0 ? format_text("%s", name) : NULL;
	for (size_t len; path && *path; path += len + (path[len] == ':')) {
		len = strcspn(path, ":");
		char *found = format_text("%.*s/%s", (int)len, path, name);
		if (access(found, X_OK) == 0)
			return found;
		free(found);
	}
	return NULL;
}

static char *executable_path(void)
{
	char *path = realpath("/proc/self/exe", NULL);

	if (!path)
		give_up(1, "cannot read /proc/self/exe, to find Weft's files: %s", strerror(errno));
	return path;
}

/* A compiler that is weftcc would start itself for ever. */
static void refuse_ourselves(const char *name, const char *ourselves)
{
	char *found = program_find(name);
	char *resolved = found ? realpath(found, NULL) : NULL;

	if (resolved && strcmp(resolved, ourselves) == 0)
		give_up(1, "'%s' is weftcc itself; set WEFT_CC to the C compiler that it shall run",
				name);
	free(resolved);
	free(found);
}

/* How many of the words are programs and what they need, as in `nice -n 5 ccache gcc -m32`: the others are
 * flags, as if they stood before the arguments. */
static size_t programs_count(const struct words *words)
{
	size_t count = 0;
	struct stat stat_of;

	for (size_t i = 0; i < words->count; i++) {
		char *found = words->at[i][0] == '-' ? NULL : program_find(words->at[i]);

		if (found && stat(found, &stat_of) == 0 && S_ISREG(stat_of.st_mode))
			count = i + 1;
		free(found);
	}
	return count ? count : 1; /* it is not there, and running it will say so */
}

static void cc_find(struct toolchain *toolchain, struct words *wish, const char *ourselves)
{
	const char *wish_text = getenv("WEFT_CC");

	if (wish_text && !wish->count)
		words_split(wish, wish_text);
	if (!wish->count) {
		char *cc = program_find("cc");

		words_add(wish, cc ? "cc" : "gcc");
		free(cc);
	}
	size_t count = programs_count(wish);

	for (size_t i = 0; i < wish->count; i++)
		words_add(i < count ? &toolchain->cc : &toolchain->flags, wish->at[i]);
	for (size_t i = 0; i < count; i++)
		refuse_ourselves(toolchain->cc.at[i], ourselves);
}

/* gcc, clang-14: those of this machine, wherever the system has them. */
static bool is_of_this_machine(const char *cc)
{
	static const char *const names[] = { "cc", "gcc", "clang", "c89", "c99" };
	char *path = program_find(cc);
	bool is_systems = path && starts_with(path, "/usr/");
	const char *name = strrchr(cc, '/') ? strrchr(cc, '/') + 1 : cc;

	free(path);
	for (size_t i = 0; is_systems && i < sizeof names / sizeof *names; i++) {
		size_t len = strlen(names[i]);

		if (strncmp(name, names[i], len) == 0 &&
				!name[len + strspn(name + len, "-.0123456789")])
			return true;
	}
	return false;
}

char *toolchain_target(const struct toolchain *toolchain)
{
	struct words argv = WORDS;
	char *answer = NULL;
	size_t size;

	if (is_of_this_machine(toolchain->cc.at[toolchain->cc.count - 1]))
		return NULL;
	int out = scratch_create(), err = scratch_create();
	words_add_all(&argv, &toolchain->cc);
	words_add(&argv, "-dumpmachine");
	pid_t process = subprocess_start(
			&argv, (struct subprocess_files){ .in = 0, .out = out, .err = err });
	if (process > 0 && subprocess_wait(process, argv.at[0]) == 0)
		answer = scratch_text(out, &size);
	close(out);
	close(err);
	words_finish(&argv);
	if (answer)
		answer[strcspn(answer, " \n")] = 0;
	return answer;
}

static bool has_file(const char *directory, const char *name)
{
	char *path = format_text("%s/%s", directory, name);
	bool is_there = access(path, R_OK) == 0;

	free(path);
	return is_there;
}

/* The first of the directories, relative to `base`, that has one of the two files. */
static char *directory_find(const char *base, const char *const *directories, const char *file,
		const char *other)
{
	for (; *directories; directories++) {
		char *path = **directories == '/' ? format_text("%s", *directories)
						  : format_text("%s/%s", base, *directories);
		char *real = realpath(path, NULL);

		free(path);
		if (real && (has_file(real, file) || has_file(real, other)))
			return real;
		free(real);
	}
	return NULL;
}

void toolchain_init(struct toolchain *toolchain, struct words *cc)
{
	static const char *const translators[] = { ".", "../libexec/weft", WEFT_TRANSLATOR_DIR,
		NULL };
	static const char *const includes[] = { "../include", WEFT_SOURCE_INCLUDE, NULL };
	static const char *const libraries[] = { ".", WEFT_LIBRARY_DIR, "../lib", "../lib64",
		NULL };
	char *ourselves = executable_path();

	*toolchain = (struct toolchain){ .cc = WORDS, .flags = WORDS };
	cc_find(toolchain, cc, ourselves);
	*strrchr(ourselves, '/') = 0;
	char *translator = directory_find(
			ourselves, translators, "weftcc-translate", "weftcc-translate");
	if (translator)
		toolchain->translator = format_text("%s/weftcc-translate", translator);
	free(translator);
	toolchain->include = directory_find(ourselves, includes, "weft.h", "weft.h");
	toolchain->libraries = directory_find(ourselves, libraries, "libweft.so", "libweft.a");
	toolchain->is_system = strcmp(ourselves, "/usr/bin") == 0;
	toolchain->has_shared =
			toolchain->libraries && has_file(toolchain->libraries, "libweft.so");
	free(ourselves);
}

void toolchain_finish(struct toolchain *toolchain)
{
	words_finish(&toolchain->cc);
	words_finish(&toolchain->flags);
	free(toolchain->translator);
	free(toolchain->include);
	free(toolchain->libraries);
}

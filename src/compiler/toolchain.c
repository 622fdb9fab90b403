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

static void cc_find(struct toolchain *toolchain, const char *ourselves)
{
	const char *wish = getenv("WEFT_CC");

	if (wish && !toolchain->cc.count)
		words_split(&toolchain->cc, wish);
	if (!toolchain->cc.count) {
		char *cc = program_find("cc");

		words_add(&toolchain->cc, cc ? "cc" : "gcc");
		free(cc);
	}
	for (size_t i = 0; i < toolchain->cc.count; i++)
		refuse_ourselves(toolchain->cc.at[i], ourselves);
}

/* aarch64-linux-gnu-gcc-12 says for which machine it compiles. */
static char *target_in_name(const char *cc)
{
	const char *name = strrchr(cc, '/') ? strrchr(cc, '/') + 1 : cc;
	const char *end = strstr(name, "-gcc");

	if (!end)
		end = strstr(name, "-clang");
	if (!end || !memchr(name, '-', (size_t)(end - name)))
		return NULL;
	return format_text("%.*s", (int)(end - name), name);
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

void toolchain_init(struct toolchain *toolchain, const struct words *cc)
{
	static const char *const translators[] = { ".", "../libexec/weft", WEFT_TRANSLATOR_DIR,
		NULL };
	static const char *const includes[] = { "../include", WEFT_SOURCE_INCLUDE, NULL };
	static const char *const libraries[] = { ".", WEFT_LIBRARY_DIR, "../lib", "../lib64",
		NULL };
	char *ourselves = executable_path();

	*toolchain = (struct toolchain){ .cc = WORDS };
	words_add_all(&toolchain->cc, cc);
	cc_find(toolchain, ourselves);
	toolchain->target = target_in_name(toolchain->cc.at[toolchain->cc.count - 1]);
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
	free(toolchain->translator);
	free(toolchain->target);
	free(toolchain->include);
	free(toolchain->libraries);
}

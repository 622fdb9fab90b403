/* SPDX-License-Identifier: MIT */
/*
 * compiler/held.c: holds stderr back, without losing what a crash has to say.
 *
 * Why:  the translator says its messages by itself, while the compiler's view of the same source, which
 *       is to be shown first, is still on its way. And a defect of ours that ends in a signal must name
 *       the source, or nobody can report it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "compiler/held.h"
#include "compiler/subprocess.h"

static int held_terminal, held_scratch; /* stderr as it was, and as it is */
static const char *held_path;

static const int crashes[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL };

enum { CRASHES_COUNT = sizeof(crashes) / sizeof(crashes[0]) };

static void held_write(const char *text, size_t size)
{
	ssize_t unused = write(held_terminal, text, size);

	(void)unused; /* we are dying */
}

/* Only calls that are safe in a handler. */
static void held_crash(int signal_number)
{
	static const char before[] = "weftcc: error: the translator crashed over ";
	static const char after[] =
			"; please report it, with the .i file that -save-temps leaves\n";
	char buffer[512];
	ssize_t count;

	for (off_t at = 0; (count = pread(held_scratch, buffer, sizeof(buffer), at)) > 0;
			at += count)
		held_write(buffer, (size_t)count);
	held_write(before, sizeof(before) - 1);
	held_write(held_path, strlen(held_path));
	held_write(after, sizeof(after) - 1);
	temporaries_remove();
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

void held_begin(int scratch, const char *path)
{
	held_path = path;
	held_scratch = scratch;
	held_terminal = fcntl(2, F_DUPFD_CLOEXEC, 3);
	for (size_t i = 0; i < CRASHES_COUNT; i++)
		signal(crashes[i], held_crash);
	(void)fflush(stderr);
	dup2(scratch, 2);
}

void held_end(void)
{
	(void)fflush(stderr);
	dup2(held_terminal, 2);
	close(held_terminal);
	for (size_t i = 0; i < CRASHES_COUNT; i++)
		signal(crashes[i], SIG_DFL);
}

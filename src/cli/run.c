/* SPDX-License-Identifier: MIT */
/*
 * cli/run.c: weft run: compiles into a temporary directory, and stands for the program while it runs.
 *
 * How: signals that somebody sends to weft go on to the program. Those of the terminal reach both, so
 *      they are not passed on; and weft must not die of them, because the program may have its reasons
 *      to go on. It ends as the program did: with its status, or of the same signal.
 */
#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "cli/commands.h"
#include "compiler/subprocess.h"

static sigset_t passed_on(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM,
		SIGWINCH, SIGCONT, SIGCHLD };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&set, signals[i]);
	return set;
}

/* The status, as waitpid gives it. The signals are blocked. */
static int wait_passing_on(pid_t program, sigset_t signals)
{
	siginfo_t info;
	int status;

	while (waitpid(program, &status, WNOHANG) == 0) {
		int signal_number = sigwaitinfo(&signals, &info);

		if (signal_number > 0 && signal_number != SIGCHLD && info.si_code <= 0)
			kill(program, signal_number);
	}
	return status;
}

static int end_as(int status)
{
	struct rlimit no_core = { 0, 0 };
	sigset_t set;

	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	temporaries_remove();
	setrlimit(RLIMIT_CORE, &no_core); /* there is one of the program */
	signal(WTERMSIG(status), SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, WTERMSIG(status));
	raise(WTERMSIG(status));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return STATUS_SIGNAL + WTERMSIG(status);
}

static int program_run(const char *path, char *const *arguments)
{
	struct words argv = WORDS;
	sigset_t signals = passed_on();

	/* before there is a program that could be sent one */
	sigprocmask(SIG_BLOCK, &signals, NULL);
	words_add(&argv, path);
	while (*arguments)
		words_add(&argv, *arguments++);
	pid_t program = subprocess_start(
			&argv, (struct subprocess_files){ .in = 0, .out = 1, .err = 2 });
	words_finish(&argv);
	if (program < 0)
		give_up(STATUS_CANNOT_RUN, "cannot run %s: %s; TMPDIR may name another directory",
				path, strerror(-program));
	return end_as(wait_passing_on(program, signals));
}

int command_run(char *const *argv)
{
	struct words weftcc = WORDS;

	if (weftcc_begin(&weftcc, &argv))
		return STATUS_USAGE;
	char *source = must_have(strdup(*argv));
	char *program = format_text("%s/%s", temporary_directory(), basename(source));
	char *dot = strrchr(program, '.');
	if (dot && strcmp(dot, ".c") == 0)
		*dot = 0;
	temporary_add(program);
	words_add(&weftcc, "-g");
	words_add(&weftcc, *argv);
	words_add(&weftcc, "-o");
	words_add(&weftcc, program);
	pid_t compiler = subprocess_start(
			&weftcc, (struct subprocess_files){ .in = 0, .out = 1, .err = 2 });
	if (compiler < 0)
		give_up(STATUS_CANNOT_RUN, "cannot run %s: %s", weftcc.at[0], strerror(-compiler));
	int status = subprocess_wait(compiler, "weftcc");
	if (!status)
		status = program_run(program, argv + 1);
	free(source);
	free(program);
	words_finish(&weftcc);
	return status;
}

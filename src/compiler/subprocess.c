/* SPDX-License-Identifier: MIT */
/*
 * compiler/subprocess.c: runs programs by posix_spawn.
 *
 * How:   what one pass hands to the next is in a scratch file in memory, not in a pipe, so nobody
 *        can block on anybody, nothing needs a name that could end up in an object, and a full disk
 *        does not matter until the last pass.
 * Death: a terminal sends ^C to us and to the children alike; a `kill` only to us. Either way the
 *        handler ends the children, removes what is registered, and lets the signal end us as it
 *        would have. It reads the two tables below, which is sound because they change only while
 *        the signals are blocked [I1].
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compiler/subprocess.h"

enum { PROCESSES_MAX = 8, TEMPORARIES_MAX = 1000 };

static const char *program_name = "weftcc";
static pid_t processes[PROCESSES_MAX];         /* [I1] 0: free */
static char *temporaries[TEMPORARIES_MAX + 1]; /* [I1] */
static size_t temporary_count;                 /* [I1] */
static char *directory;                        /* [I1] */

static sigset_t mask_of_children; /* as we have it from whoever started us */

static const int deadly[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };

static sigset_t every_signal(void)
{
	sigset_t set;

	sigfillset(&set);
	return set;
}

/* Between these two the tables may change. Returns the mask to go back to. */
static sigset_t tables_lock(void)
{
	sigset_t every = every_signal(), before;

	sigprocmask(SIG_BLOCK, &every, &before);
	return before;
}

static void tables_unlock(sigset_t before)
{
	sigprocmask(SIG_SETMASK, &before, NULL);
}

void temporaries_remove(void)
{
	for (size_t i = 0; i < temporary_count; i++)
		unlink(temporaries[i]);
	if (directory)
		rmdir(directory);
}

/* Only calls that are safe in a handler. */
static void die_of(int signal_number)
{
	for (int i = 0; i < PROCESSES_MAX; i++)
		if (processes[i])
			kill(processes[i], signal_number);
	temporaries_remove();
	signal(signal_number, SIG_DFL);
	raise(signal_number); /* delivered when the handler returns */
}

void subprocess_init(const char *program)
{
	struct sigaction action = {
		.sa_handler = die_of, .sa_mask = every_signal(), .sa_flags = SA_RESTART
	};
	struct sigaction before;

	program_name = program;
	sigprocmask(SIG_BLOCK, NULL, &mask_of_children);
	signal(SIGCHLD, SIG_DFL); /* ignored by who started us, there is nobody to wait for */
	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++) {
		sigaction(deadly[i], NULL, &before);
		if (before.sa_handler != SIG_IGN) /* nohup */
			sigaction(deadly[i], &action, NULL);
	}
}

static void say(const char *format, va_list list)
{
	fprintf(stderr, "%s: error: ", program_name);
	vfprintf(stderr, format, list);
	fputc('\n', stderr);
}

void complain(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	say(format, list);
	va_end(list);
}

void give_up(int status, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	say(format, list);
	va_end(list);
	for (int i = 0; i < PROCESSES_MAX; i++)
		if (processes[i])
			kill(processes[i], SIGTERM);
	temporaries_remove();
	exit(status);
}

static void replace_process(pid_t old, pid_t new)
{
	sigset_t before = tables_lock();

	for (int i = 0; i < PROCESSES_MAX; i++) {
		if (processes[i] == old) {
			processes[i] = new;
			break;
		}
	}
	tables_unlock(before);
}

void subprocess_ends_with_us(pid_t process)
{
	replace_process(0, process);
}

pid_t subprocess_start(const struct words *argv, struct subprocess_files files)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t before = tables_lock();
	pid_t process;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, files.in, 0);
	posix_spawn_file_actions_adddup2(&actions, files.out, 1);
	posix_spawn_file_actions_adddup2(&actions, files.err, 2);
	/* the signals that we block are not blocked in the program, and exec undoes what handles them */
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &mask_of_children);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	int err = posix_spawnp(&process, argv->at[0], &actions, &attributes, argv->at, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	if (!err && !files.ends_alone)
		replace_process(0, process);
	tables_unlock(before);
	return err ? -err : process;
}

int subprocess_wait(pid_t process, const char *name)
{
	int status;

	if (waitpid(process, &status, 0) < 0) /* no EINTR: no handler of ours returns */
		give_up(1, "cannot wait for %s: %s", name, strerror(errno));

	replace_process(process, 0);
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	int signal_number = WTERMSIG(status);
	if (signal_number == SIGKILL)
		complain("%s was killed: if the machine is out of memory, run fewer jobs at a time",
				name);
	else if (signal_number != SIGINT && signal_number != SIGTERM)
		complain("%s died of signal %d (%s)", name, signal_number,
				strsignal(signal_number));
	return STATUS_SIGNAL + signal_number;
}

void subprocess_kill(pid_t process)
{
	kill(process, SIGTERM);
	subprocess_wait(process, "a subprocess");
}

int scratch_create(void)
{
	int scratch = memfd_create("weftcc", MFD_CLOEXEC);

	if (scratch < 0)
		give_up(1, "no memory for intermediate text: %s", strerror(errno));
	return scratch;
}

void scratch_rewind(int scratch)
{
	lseek(scratch, 0, SEEK_SET);
}

void scratch_clear(int scratch)
{
	if (ftruncate(scratch, 0))
		give_up(1, "cannot write: %s", strerror(errno));
	scratch_rewind(scratch);
}

char *scratch_text(int scratch, size_t *size)
{
	struct stat stat;
	size_t done = 0;

	fstat(scratch, &stat);
	char *text = must_have(malloc((size_t)stat.st_size + 1));
	while (done < (size_t)stat.st_size) {
		ssize_t count = pread(
				scratch, text + done, (size_t)stat.st_size - done, (off_t)done);

		if (count <= 0)
			break;
		done += (size_t)count;
	}
	text[done] = 0;
	*size = done;
	return text;
}

bool scratch_has(int scratch, const char *words)
{
	size_t size;
	char *text = scratch_text(scratch, &size);
	bool has = strstr(text, words) != NULL;

	free(text);
	return has;
}

void scratch_write(int scratch, const char *text, size_t size)
{
	while (size) {
		ssize_t count = write(scratch, text, size);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			give_up(1, "cannot write: %s", strerror(errno));
		text += count;
		size -= (size_t)count;
	}
}

void scratch_show(int scratch, int to)
{
	size_t size;
	char *text = scratch_text(scratch, &size);

	scratch_write(to, text, size);
	free(text);
}

int feed_create(int *reader)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		give_up(1, "no socket for intermediate text: %s", strerror(errno));
	*reader = ends[1];
	return ends[0];
}

void feed_write(int feed, const char *text, size_t size)
{
	while (size) {
		ssize_t count = send(feed, text, size, MSG_NOSIGNAL);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			break;
		text += count;
		size -= (size_t)count;
	}
}

void feed_finish(int feed, const char *text, size_t size)
{
	feed_write(feed, text, size);
	close(feed);
}

char *feed_text(int reader, size_t *size)
{
	size_t capacity = 256 << 10;
	char *text = must_have(malloc(capacity));
	ssize_t count;

	for (*size = 0;; *size += (size_t)count) {
		if (capacity - *size < 2)
			text = must_have(realloc(text, capacity *= 2));
		count = read(reader, text + *size, capacity - *size - 1);
		if (count < 0 && errno == EINTR)
			count = 0;
		else if (count <= 0)
			break;
	}
	text[*size] = 0;
	return text;
}

const char *temporary_directory(void)
{
	const char *parent = getenv("TMPDIR");
	sigset_t before;

	if (directory)
		return directory;
	char *path = format_text("%s/weftcc-XXXXXX", parent && *parent ? parent : P_tmpdir);
	before = tables_lock();
	directory = mkdtemp(path);
	tables_unlock(before);
	if (!directory)
		give_up(1, "cannot make %s: %s; TMPDIR may name another directory", path,
				strerror(errno));
	return directory;
}

void temporary_add(const char *path)
{
	sigset_t before = tables_lock();

	if (temporary_count < TEMPORARIES_MAX)
		temporaries[temporary_count++] = must_have(strdup(path));
	tables_unlock(before);
}

void output_remove(const char *path)
{
	struct stat stat;

	if (lstat(path, &stat) == 0 && S_ISREG(stat.st_mode))
		unlink(path);
}

int file_write(const char *path, const char *text, size_t size)
{
	FILE *file = fopen(path, "we");
	bool is_written = file && fwrite(text, 1, size, file) == size;

	if (file && fclose(file) == 0 && is_written)
		return 0;
	complain("cannot write '%s': %s", path, strerror(errno));
	if (file)
		output_remove(path);
	return 1;
}

bool file_has(const char *path, const char *word)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	size_t size;

	if (file < 0)
		return false;
	char *text = scratch_text(file, &size);
	bool has = strstr(text, word) != NULL;
	free(text);
	close(file);
	return has;
}

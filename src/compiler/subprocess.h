/* SPDX-License-Identifier: MIT */
/*
 * compiler/subprocess.h: other programs, what passes between them, and what must not be left behind.
 *
 *     int text = scratch_create();
 *     pid_t gcc = subprocess_start(&argv, (struct subprocess_files){ .in = 0, .out = text, .err = 2 });
 *     int status = subprocess_wait(gcc, argv.at[0]);
 *
 * Threads: one.
 * Errors:  what makes going on impossible is said and ends the program.
 */
#ifndef WEFT_COMPILER_SUBPROCESS_H
#define WEFT_COMPILER_SUBPROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "compiler/words.h"

enum {
	STATUS_CANNOT_RUN = 127, /* as a shell says it */
	STATUS_SIGNAL = 128,     /* and the signal's number */
};

struct subprocess_files {
	int in, out, err;
	/* If we end, so does the process, unless this is set: it then reads nothing more, and can remove
	 * what it has begun. */
	bool ends_alone;
};

/* The name that messages begin with. From now on SIGINT, SIGTERM, SIGHUP and SIGPIPE end what has
 * been started and remove what has been registered, before they end us. */
void subprocess_init(const char *program);

/* "program: error: ..." on stderr. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends the program after a message, and removes what has been registered. */
void give_up(int status, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

/* Returns the process, or -errno if there is none. */
pid_t subprocess_start(const struct words *argv, struct subprocess_files files);

/* The exit status, 128 + n after signal n, which is then said. If we are to end because of a signal,
 * it does not return. */
int subprocess_wait(pid_t process, const char *name);
void subprocess_kill(pid_t process);
/* One that has been started to end alone. */
void subprocess_ends_with_us(pid_t process);

/* An unnamed file in memory, closed on exec. */
int scratch_create(void);
void scratch_rewind(int scratch);
void scratch_clear(int scratch);
/* All of it, NUL-terminated and now yours. */
char *scratch_text(int scratch, size_t *size);
bool scratch_has(int scratch, const char *words);
void scratch_write(int scratch, const char *text, size_t size);
void scratch_show(int scratch, int to);

/* For a process that is started before there is what it shall read. Returns our end; *reader is the other
 * one, to be closed once the process has it. */
int feed_create(int *reader);
/* A process that has ended does not read it, which its status says. */
void feed_write(int feed, const char *text, size_t size);
/* Writes the text and closes our end. */
void feed_finish(int feed, const char *text, size_t size);
/* All that comes, NUL-terminated and now yours. */
char *feed_text(int reader, size_t *size);

/* A directory of our own for files that need names; removed, with what was registered in it. */
const char *temporary_directory(void);
/* `path` goes when the program ends, and whatever way it ends. Up to 1000 of them. */
void temporary_add(const char *path);
void temporaries_remove(void);

/* An output that is not as it should be must not look as if it were. Devices stay. */
void output_remove(const char *path);
/* 0, or 1 after a message; then there is no such output. */
int file_write(const char *path, const char *text, size_t size);
/* False: also if it cannot be read. */
bool file_has(const char *path, const char *word);

#endif

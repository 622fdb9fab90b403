/* SPDX-License-Identifier: MIT */
/* A future that was not started, or is started twice, ends the program: it does not corrupt it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weft.h>
#include <weft/async.h>

/* True in a child, whose end is told in the parent. */
static bool in_a_child(const char *what)
{
	int status;

	fflush(stdout);
	if (fork() == 0) {
		fclose(stderr);
		return true;
	}
	wait(&status);
	printf("%s: %s\n", what,
			WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? "aborted" : "went on");
	return false;
}

async int main(void)
{
	weft_future(weft_sleep) nap;
	int n;

	if (getpid() < 0) /* clang would see that it never is */
		weft_start(nap, weft_sleep(1));
	if (in_a_child("awaited"))
		exit(await nap);
	if (in_a_child("a branch"))
		exit(await weft_timeout(1, nap));
	weft_start(nap, weft_sleep(1));
	if (in_a_child("started twice")) {
		weft_start(nap, weft_sleep(1));
		exit(0);
	}
	if (in_a_child("two branches")) {
		await weft_join(nap, n = nap);
		exit(n);
	}
	if (in_a_child("cancelled"))
		exit(0 * (weft_cancel(nap), 1));
	return await nap;
}

/* SPDX-License-Identifier: MIT */
/* Waits for a signal, after it has said so in the file that is named, and gives its number; 1, if the signal
 * was blocked before. */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	sigset_t set, before;
	int got;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &before);
	if (argc < 2 || write(open(argv[1], O_WRONLY), "ready\n", 6) != 6)
		return 1;
	sigwait(&set, &got);
	return sigismember(&before, SIGTERM) ? 1 : got;
}

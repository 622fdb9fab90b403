/* SPDX-License-Identifier: MIT */
/* Waits for a signal, after it has said so in the file that is named, and gives its number. */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (argc < 2 || write(open(argv[1], O_WRONLY), "ready\n", 6) != 6)
		return 1;
	sigwait(&set, &got);
	return got;
}

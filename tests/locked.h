/* SPDX-License-Identifier: MIT */
/*
 * tests/locked.h: how many locked instructions a call executes. On x86, where the processor can be told
 * to stop at each instruction.
 *
 *     CHECK_EQ(locked_in(lock_and_unlock), 2);
 *
 * LOCKED_ARE_SEEN: 0 where this cannot be counted at all; locked_are_seen(), whether it can be here and
 * now (valgrind does not stop).
 */
#ifndef WEFT_TESTS_LOCKED_H
#define WEFT_TESTS_LOCKED_H

#include <stdbool.h>

#if defined(__linux__) && (defined(__x86_64__) || defined(__i386__))
#define LOCKED_ARE_SEEN 1

#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <x86intrin.h>

enum { LOCKED_TRAP_FLAG = 0x100 };

static volatile int locked_count;

/* A LOCK prefix, or an exchange with memory, which needs none. */
static inline bool locked_is(const unsigned char *code)
{
	static const unsigned char prefixes[] = { 0x66, 0x67, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e,
		0x64, 0x65, 0 };

	while (*code && strchr((const char *)prefixes, *code))
		code++;
	if (*code == 0xf0)
		return true;
#ifdef __x86_64__
	if (*code / 16 == 4)
		code++;
#endif
	return *code / 2 == 0x86 / 2 && code[1] / 64 != 3;
}

/* Before each instruction. */
static inline void locked_step(int signo, siginfo_t *info, void *context)
{
	const ucontext_t *where = context;

	(void)signo, (void)info;
#ifdef __x86_64__
	locked_count += locked_is((const unsigned char *)where->uc_mcontext.gregs[REG_RIP]);
#else
	locked_count += locked_is((const unsigned char *)where->uc_mcontext.gregs[REG_EIP]);
#endif
}

static inline int locked_in(void (*call)(void))
{
	struct sigaction action, before;

	memset(&action, 0, sizeof action);
	action.sa_sigaction = locked_step;
	action.sa_flags = SA_SIGINFO;
	sigaction(SIGTRAP, &action, &before);
	locked_count = 0;
	__writeeflags(__readeflags() | LOCKED_TRAP_FLAG);
	__asm__ __volatile__("nop"); /* the first instruction from here is not stopped at */
	call();
	__writeeflags(__readeflags() & ~(unsigned long)LOCKED_TRAP_FLAG);
	sigaction(SIGTRAP, &before, NULL);
	return locked_count;
}

static inline void locked_once(void)
{
	static volatile int word; /* so that it is not left out */

	__atomic_fetch_add(&word, 1, __ATOMIC_SEQ_CST);
}

static inline bool locked_are_seen(void)
{
	return locked_in(locked_once) == 1;
}

#else
#define LOCKED_ARE_SEEN 0

static inline int locked_in(void (*call)(void))
{
	call();
	return 0;
}

static inline bool locked_are_seen(void)
{
	return false;
}

#endif
#endif

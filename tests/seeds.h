/* SPDX-License-Identifier: MIT */
/*
 * tests/seeds.h: runs something with many seeds, half of them the same every time.
 *
 *     for (unsigned i = 0; i < seeds_count(200); i++) {
 *             seeds_begin(i);                           // seeds_current is the seed
 *             ...
 *             seeds_end();
 *     }
 *
 * A failure in between prints `WEFT_SEED=...`; with that in the environment there is one round, with that
 * seed.
 */
#ifndef WEFT_TESTS_SEEDS_H
#define WEFT_TESTS_SEEDS_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "os/os.h"

static uint64_t seeds_current; /* of the test that runs, or has failed; 0: none */

static inline uint64_t seeds_given(void)
{
	const char *text = getenv("WEFT_SEED");

	return text ? strtoull(text, NULL, 0) : 0;
}

/* `wanted`, or 1 if a seed is given. */
static inline unsigned seeds_count(unsigned wanted)
{
	return seeds_given() ? 1 : wanted;
}

static inline void seeds_end(void)
{
	seeds_current = 0;
}

static inline void seeds_print(void)
{
	if (seeds_current)
		fprintf(stderr, "WEFT_SEED=%" PRIu64 "\n", seeds_current);
	seeds_end();
}

static inline void seeds_begin(unsigned round)
{
	static uint64_t fresh;

	seeds_print(); /* the test before has failed */
	if (!fresh)
		atexit(seeds_print);
	while (!fresh)
		fresh = weft__random_seed() >> 32;
	seeds_current = round % 2 ? fresh + round : round / 2 + 1;
	if (seeds_given())
		seeds_current = seeds_given();
}

#endif

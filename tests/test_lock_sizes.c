/* SPDX-License-Identifier: MIT */
/* The table of sizes in docs/synchronisation.md has all of these, and says what the compiler says. */
#include <stdio.h>
#include <string.h>

#include <weft.h>

#include "test.h"

#define SIZES(lock, wait)                                                                          \
	{                                                                                          \
		"| `weft/" #lock ".h` |", sizeof(struct weft_##lock),                              \
				sizeof(struct weft_##lock##_##wait##__frame)                       \
	}

static const struct {
	const char *header;
	size_t bytes;
	size_t frame_bytes;
} sizes[] = {
	SIZES(semaphore, acquire),
	SIZES(mutex, lock),
	SIZES(rwlock, read),
	SIZES(rwlock, write),
	SIZES(once, begin),
	SIZES(barrier, wait),
	SIZES(notify, wait),
	SIZES(oneshot, recv),
	SIZES(cancel_token, wait),
	SIZES(task_tracker, wait),
};

enum { COUNT = sizeof sizes / sizeof *sizes };

/* | header | what for | bytes | frame | */
static bool line_agrees(const char *line, int i)
{
	const char *bytes = strchr(strchr(line + 2, '|') + 1, '|');
	size_t said[2];

	CHECK(bytes && sscanf(bytes, "| %zu | %zu |", &said[0], &said[1]) == 2);
	return said[0] == sizes[i].bytes && said[1] == sizes[i].frame_bytes;
}

TEST(published_sizes_of_locks_are_true)
{
	FILE *file = fopen(WEFT_DOCS "/synchronisation.md", "r");
	unsigned found = 0;
	char line[400];

	if (sizeof(void *) != 8)
		SKIP("the sizes are those of 64 bits");
	CHECK(file != NULL);
	while (fgets(line, sizeof line, file)) {
		for (int i = 0; i < COUNT; i++) {
			if (strncmp(line, sizes[i].header, strlen(sizes[i].header)) != 0)
				continue;
			CHECK(line_agrees(line, i));
			found++;
		}
	}
	CHECK(fclose(file) == 0);
	CHECK_EQ(found, COUNT);
}

/* SPDX-License-Identifier: MIT */
/* The tables of sizes in docs/synchronisation.md and docs/channels.md have all of these, and say what the
 * compiler says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft.h>

#include "test.h"

#define SIZES(lock, wait)                                                                          \
	{                                                                                          \
		"| `weft/" #lock ".h` |", sizeof(struct weft_##lock),                              \
				sizeof(struct weft_##lock##_##wait##__frame)                       \
	}

struct sizes {
	const char *header;
	size_t bytes;
	size_t frame_bytes;
};

static const struct sizes locks[] = {
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

static const struct sizes channels[] = {
	SIZES(oneshot, recv),
	SIZES(channel, recv),
	SIZES(channel, send),
	SIZES(broadcast, recv),
	SIZES(watch, changed),
};

/* The last two columns; what follows a number is words. */
static bool line_agrees(const char *line, const struct sizes *sizes)
{
	const char *end = strrchr(line, '|'), *frame = end, *bytes;

	do
		frame--;
	while (frame > line && *frame != '|');
	bytes = frame;
	do
		bytes--;
	while (bytes > line && *bytes != '|');
	return strtoul(bytes + 1, NULL, 10) == sizes->bytes &&
			strtoul(frame + 1, NULL, 10) == sizes->frame_bytes;
}

static void check_table(const char *path, const struct sizes *sizes, size_t count)
{
	FILE *file = fopen(path, "r");
	unsigned found = 0;
	char line[400];

	if (sizeof(void *) != 8)
		SKIP("the sizes are those of 64 bits");
	CHECK(file != NULL);
	while (fgets(line, sizeof line, file)) {
		for (size_t i = 0; i < count; i++) {
			if (strncmp(line, sizes[i].header, strlen(sizes[i].header)) != 0)
				continue;
			CHECK(line_agrees(line, &sizes[i]));
			found++;
		}
	}
	CHECK(fclose(file) == 0);
	CHECK_EQ(found, count);
}

TEST(published_sizes_of_locks_are_true)
{
	check_table(WEFT_DOCS "/synchronisation.md", locks, sizeof locks / sizeof *locks);
}

TEST(published_sizes_of_channels_are_true)
{
	check_table(WEFT_DOCS "/channels.md", channels, sizeof channels / sizeof *channels);
}

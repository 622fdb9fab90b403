/* SPDX-License-Identifier: MIT */
/* exec/fifo.c: the ring's memory: whole pages, so that a burst's memory goes back to the system. */
#include "exec/fifo.h"
#include "os/os.h"

enum { FIFO_FIRST = 512, FIFO_KEEP = 65536, FIFO_ALIGN = 4096 };

static size_t fifo_bytes(uint32_t capacity)
{
	return capacity * sizeof(struct weft_task *);
}

void weft__fifo_free(struct weft__fifo *fifo)
{
	if (fifo->tasks)
		weft__pages_unmap(fifo->tasks, fifo_bytes(fifo->capacity));
	*fifo = (struct weft__fifo){ NULL, 0, 0, 0, 0 };
}

bool weft__fifo_grow(struct weft__fifo *fifo)
{
	uint32_t count = weft__fifo_count(fifo);
	uint32_t capacity = fifo->tasks ? fifo->capacity * 2 : FIFO_FIRST;
	struct weft__fifo bigger = { NULL, capacity, capacity - 1, 0, count };

	bigger.tasks = weft__pages_map(fifo_bytes(capacity), FIFO_ALIGN, false);
	if (!bigger.tasks)
		return false;
	for (uint32_t i = 0; i < count; i++)
		bigger.tasks[i] = fifo->tasks[(fifo->head + i) & fifo->mask];
	weft__fifo_free(fifo);
	*fifo = bigger;
	return true;
}

void weft__fifo_shrink(struct weft__fifo *fifo)
{
	if (weft__fifo_count(fifo) == 0 && fifo->capacity > FIFO_KEEP)
		weft__fifo_free(fifo);
}

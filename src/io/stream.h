/* SPDX-License-Identifier: MIT */
/* io/stream.h: steps that the leaves of several stream types share. */
#ifndef WEFT_IO_STREAM_H
#define WEFT_IO_STREAM_H

#include <weft/io.h>

/* Writes on from *progress until everything is written, an error, or a cancellation. */
enum weft_poll weft__write_all(struct weft_io io, struct weft_context *cx, const void *bytes,
		size_t size, struct weft_write_progress *progress, ssize_t *result);

#endif

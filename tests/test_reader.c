/* SPDX-License-Identifier: MIT */
/* The buffered reader and write_all over a scripted stream, stepped by hand: every way in which a short
 * text can arrive, against an oracle of a few lines; lines around every size that a buffer takes; and all
 * of it cancelled, or out of memory, wherever that can happen. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <weft/io.h>

#include "probe.h"
#include "sweep.h"
#include "test.h"

/* --- a stream that does what its script says -------------------------------------------------- */

/* What comes before each byte, and before the end. */
enum gap {
	JOINED = '.', /* nothing: it can be had together with the byte before */
	APART = '|',  /* only the next call has it */
	LATER = '~'   /* whoever wants it waits */
};

struct stream {
	const char *text;
	size_t size;
	const char *gaps; /* size + 1 of them; NULL: all joined */
	ssize_t end;      /* after the text: 0, or an error */
	bool overeager;   /* says that it is readable when it may not be, as a socket does */
	size_t done;      /* bytes moved so far */
	size_t gate;      /* LATER holds nobody up before this byte */
	bool waited;
	struct weft_waker waiter; /* borrowed, if waited */
};

static char stream_gap(const struct stream *stream, size_t at)
{
	return stream->gaps ? stream->gaps[at] : JOINED;
}

/* READY: *result bytes can be moved now, or it is the outcome. */
static enum weft_poll stream_step(struct stream *stream, struct weft_context *cx, bool *waiting,
		size_t size, ssize_t *result)
{
	bool first = !*waiting,
	     closed = stream_gap(stream, stream->done) == LATER && stream->gate <= stream->done;
	size_t next = stream->done + 1;

	CHECK(first || stream->waited || !closed); /* nobody else took the place */
	stream->waited = *waiting = false;
	if (weft_context_cancelled(cx) && (first || closed)) {
		*result = -ECANCELED;
		return WEFT_READY;
	}
	if (closed) {
		stream->waiter = *weft_context_waker(cx);
		stream->waited = *waiting = true;
		return WEFT_PENDING;
	}
	while (next < stream->size && stream_gap(stream, next) == JOINED)
		next++;
	*result = stream->done == stream->size ? stream->end : (ssize_t)(next - stream->done);
	if (*result > (ssize_t)size)
		*result = (ssize_t)size;
	return WEFT_READY;
}

static enum weft_poll stream_poll_read(struct weft_io io, struct weft_context *cx, bool *waiting,
		void *buffer, size_t size, ssize_t *result)
{
	struct stream *stream = io.object;
	bool cancelled = weft_context_cancelled(cx);

	CHECK((buffer == NULL) == (size == 0));
	if (!buffer && stream->overeager && !*waiting) {
		*result = cancelled ? -ECANCELED : 0;
		return WEFT_READY;
	}
	if (stream_step(stream, cx, waiting, size, result) == WEFT_PENDING)
		return WEFT_PENDING;
	if (!buffer && *result != -ECANCELED)
		*result = 0;
	if (*result > 0) {
		memcpy(buffer, stream->text + stream->done, (size_t)*result);
		stream->done += (size_t)*result;
	}
	return WEFT_READY;
}

static enum weft_poll stream_poll_write(struct weft_io io, struct weft_context *cx, bool *waiting,
		const void *bytes, size_t size, ssize_t *result)
{
	struct stream *stream = io.object;

	CHECK(size > 0);
	if (stream_step(stream, cx, waiting, size, result) == WEFT_PENDING)
		return WEFT_PENDING;
	if (*result > 0) {
		CHECK(memcmp(bytes, stream->text + stream->done, (size_t)*result) == 0);
		stream->done += (size_t)*result;
	}
	return WEFT_READY;
}

static const struct weft_io_ops stream_ops = { "script", stream_poll_read, stream_poll_write };

static struct weft_io stream_io(struct stream *stream)
{
	struct weft_io io = { &stream_ops, stream, 0 };

	return io;
}

/* What somebody waits for happens. False: nobody waits. */
static bool stream_advance(struct stream *stream)
{
	struct weft_waker waiter = stream->waiter;

	if (!stream->waited)
		return false;
	stream->waited = false; /* but it keeps its place: gate tells */
	stream->gate = stream->done + 1;
	weft_waker_commit(weft_waker_claim(&waiter));
	return true;
}

/* --- a task that reads from it ---------------------------------------------------------------- */

struct rig {
	struct probe probe;
	struct probe_env env;
	struct weft_strand strand;
	struct stream stream;
	struct weft_reader reader;
	int suspensions;
	int cancel_at;    /* who is suspended for this time is cancelled; 0: nobody */
	bool cancel_late; /* and is woken just before */
};

static void rig_init(struct rig *rig, const char *text, size_t size, const char *gaps)
{
	*rig = (struct rig){ .probe = PROBE,
		.env = PROBE_ENV(0),
		.stream = { .text = text, .size = size, .gaps = gaps } };
	weft_reader_init(&rig->reader, stream_io(&rig->stream));
}

static void rig_finish(struct rig *rig)
{
	weft_reader_finish(&rig->reader);
	CHECK(probe_env_balanced(&rig->env));
	CHECK(probe_balanced(&rig->probe));
}

/* While nothing is there to read, no buffer is held; and never more than the limit. */
static void rig_check_memory(const struct rig *rig)
{
	CHECK(rig->env.live_blocks <= 1);
	CHECK(rig->env.live_bytes <= rig->reader.limit);
	if (!weft_reader_buffered(&rig->reader))
		CHECK_EQ(rig->env.live_blocks, 0);
}

/* Polls a frame of `async` to its end. */
static void rig_await(struct rig *rig, const struct weft_async *async, void *frame)
{
	bool cancelled = false;

	for (;;) {
		struct weft_context cx = probe_context(&rig->probe, &rig->env, &rig->strand);
		unsigned wakes = probe_wakes(&rig->probe);

		cx.cancelled = cancelled;
		if (async->poll(frame, &cx) == WEFT_READY)
			return;
		CHECK(cx.waker_taken);
		CHECK(!cancelled);
		rig_check_memory(rig);
		cancelled = ++rig->suspensions == rig->cancel_at;
		if (cancelled && !rig->cancel_late)
			continue;
		CHECK(stream_advance(&rig->stream));
		CHECK_EQ(probe_wakes(&rig->probe), wakes + 1);
	}
}

static ssize_t rig_read_until(struct rig *rig, int delimiter, const char **line)
{
	struct weft_reader_read_until__frame frame;

	weft_reader_read_until__init(&frame.args, &rig->reader, delimiter, line);
	rig_await(rig, &weft_reader_read_until__async, &frame);
	return frame.args.result;
}

static ssize_t rig_read(struct rig *rig, void *buffer, size_t size)
{
	struct weft_reader_read__frame frame;

	weft_reader_read__init(&frame.args, &rig->reader, buffer, size);
	rig_await(rig, &weft_reader_read__async, &frame);
	return frame.args.result;
}

/* What read_until must give for a text that starts here. */
static ssize_t oracle(const char *text, size_t size, size_t limit, ssize_t end)
{
	const char *found = memchr(text, '\n', size < limit ? size : limit);

	if (found)
		return found - text + 1;
	if (size >= limit)
		return -EMSGSIZE;
	return end < 0 ? end : (ssize_t)size;
}

/* Reads the line that starts at `at`, again if it was cancelled or out of memory, which loses nothing. */
static ssize_t rig_read_line(struct rig *rig, size_t at, const char **line)
{
	for (;;) {
		ssize_t n = rig_read_until(rig, '\n', line);

		if (n == -ECANCELED)
			rig->cancel_at = 0;
		else if (n == -ENOMEM)
			rig->env.fail_after = -1;
		else
			return n;
		CHECK(*line == NULL);
		CHECK_EQ(rig->stream.done - weft_reader_buffered(&rig->reader), at);
		rig_check_memory(rig);
	}
}

/* Reads everything line by line, and after a failure a piece as it comes. Returns the suspensions. */
static int rig_read_lines(struct rig *rig)
{
	static char piece[WEFT_READER_LIMIT];
	const struct stream *stream = &rig->stream;
	const char *line;
	size_t at = 0;
	ssize_t n;

	do {
		ssize_t expected = oracle(stream->text + at, stream->size - at, rig->reader.limit,
				stream->end);

		n = rig_read_line(rig, at, &line);
		CHECK_EQ(n, expected);
		CHECK(rig->env.live_bytes <= rig->reader.limit);
		if (n <= 0 && at < stream->size) {
			n = rig_read(rig, piece, rig->reader.limit / 3 + 1);
			CHECK(n > 0);
			line = piece;
		}
		if (n > 0) {
			CHECK(memcmp(line, stream->text + at, (size_t)n) == 0);
			at += (size_t)n;
		}
	} while (n > 0);
	CHECK_EQ(n, stream->end);
	rig_check_memory(rig);
	return rig->suspensions;
}

/* --- every way to arrive ---------------------------------------------------------------------- */

enum { TEXT = 5, TEXTS = 1 << TEXT, WAYS = 2 * 2 * 81 };

static void make_text(char *text, int number)
{
	for (int i = 0; i < TEXT; i++)
		text[i] = number >> i & 1 ? '\n' : (char)('a' + i);
}

static void make_gaps(char *gaps, int number)
{
	static const char kinds[] = { LATER, JOINED, APART };

	gaps[0] = kinds[number % 2];
	gaps[TEXT] = kinds[number / 2 % 2];
	number /= 4;
	for (int i = 1; i < TEXT; i++, number /= 3)
		gaps[i] = kinds[number % 3];
}

/* Behaviour B79, row S3-7: lines across not-ready boundaries, in every split of every text. */
TEST(reader_reads_the_lines_of_every_text_however_it_arrives)
{
	static const uint32_t limits[] = { 1, 2, 3, 8 };
	char text[TEXT], gaps[TEXT + 1];
	struct rig rig;

	for (int number = 0; number < TEXTS * WAYS; number++)
		for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
			make_text(text, number / WAYS);
			make_gaps(gaps, number % WAYS);
			rig_init(&rig, text, TEXT, gaps);
			rig.reader.limit = limits[i];
			rig.stream.overeager = number / 4 & 1;
			rig.stream.end = number / WAYS & 1 ? -ECONNRESET : 0;
			rig_read_lines(&rig);
			rig_finish(&rig);
		}
}

/* Behaviour B79: what was read before a cancellation stays, and is in the next line. */
TEST(reader_loses_nothing_when_it_is_cancelled_at_any_suspension)
{
	static const char text[] = { 'a', '\n', '\n', 'b', 'c' };
	char gaps[TEXT + 1];
	struct rig rig;

	for (int way = 0; way < WAYS * 2; way++) {
		int suspensions = 0;

		make_gaps(gaps, way / 2);
		for (int cancel_at = 0; cancel_at <= suspensions; cancel_at++) {
			int last;

			rig_init(&rig, text, TEXT, gaps);
			rig.stream.overeager = way / 8 % 2;
			rig.cancel_at = cancel_at;
			rig.cancel_late = way % 2;
			last = rig_read_lines(&rig);
			if (cancel_at == 0)
				suspensions = last;
			rig_finish(&rig);
		}
	}
}

TEST(reader_waits_for_every_byte_that_comes_by_itself)
{
	static const char text[] = "one\n\nthree\npart";
	char gaps[sizeof text];
	struct rig rig;

	memset(gaps, LATER, sizeof gaps);
	rig_init(&rig, text, sizeof text - 1, gaps);
	CHECK_EQ(rig_read_lines(&rig), sizeof text);
	rig_finish(&rig);
}

/* --- long lines ------------------------------------------------------------------------------- */

/* The size of the first buffer. */
static uint32_t first_capacity(void)
{
	struct rig rig;
	const char *line;
	uint32_t capacity;

	rig_init(&rig, "x\n", 2, NULL);
	CHECK_EQ(rig_read_until(&rig, '\n', &line), 2);
	capacity = rig.reader.capacity;
	rig_finish(&rig);
	return capacity;
}

/* A text of three lines; the middle one has `size` bytes with its end. NULL gaps: all at once; else
 * `piece` bytes at a time. */
struct long_text {
	char *text, *gaps;
	size_t size;
};

static struct long_text long_text_make(size_t before, size_t size, size_t piece)
{
	struct long_text text = { .size = before + size + 3 };

	text.text = malloc(text.size);
	text.gaps = malloc(text.size + 1);
	CHECK(text.text && text.gaps);
	for (size_t i = 0; i <= text.size; i++)
		text.gaps[i] = i % piece == 0 ? LATER : JOINED;
	for (size_t i = 0; i < text.size; i++)
		text.text[i] = (char)('a' + i % 26);
	if (before)
		text.text[before - 1] = '\n';
	text.text[before + size - 1] = '\n';
	text.text[text.size - 1] = '\n';
	return text;
}

static void long_text_free(struct long_text *text)
{
	free(text->text);
	free(text->gaps);
}

/* Around each size that the buffer takes while it grows, the limit included; at its border and across. */
TEST(reader_takes_lines_of_any_size_up_to_its_limit)
{
	const size_t first = first_capacity(), limit = 4 * first + first / 2;
	const size_t befores[] = { 0, 1, first - 1, first, first + 1 };
	const size_t sizes[] = { 2, first, 2 * first, 4 * first, limit, limit + first };
	const size_t pieces[] = { SIZE_MAX, first, first - 1 };
	struct rig rig;

	for (int way = 0; way < 5 * 6 * 3 * 3; way++) {
		size_t size = sizes[way / 5 % 6] + (size_t)(way / 30 % 3) - 1;
		struct long_text text = long_text_make(befores[way % 5], size, pieces[way / 90]);

		rig_init(&rig, text.text, text.size, text.gaps);
		rig.reader.limit = (uint32_t)limit;
		rig_read_lines(&rig);
		rig_finish(&rig);
		long_text_free(&text);
	}
}

TEST(reader_doubles_its_buffer)
{
	const size_t first = first_capacity();
	struct long_text text = long_text_make(0, 16 * first, first / 4);
	struct rig rig;
	const char *line;

	rig_init(&rig, text.text, text.size, text.gaps);
	rig.reader.limit = (uint32_t)(16 * first);
	CHECK_EQ(rig_read_until(&rig, '\n', &line), 16 * first);
	CHECK_EQ(rig.env.allocations, 5);
	rig_finish(&rig);
	long_text_free(&text);
}

TEST(reader_goes_on_after_any_allocation_has_failed)
{
	const size_t first = first_capacity();
	struct long_text text = long_text_make(first, 5 * first, first - 1);
	unsigned allocations = 1;
	struct rig rig;

	for (unsigned nth = 0; nth < allocations; nth++) {
		rig_init(&rig, text.text, text.size, text.gaps);
		rig.env.fail_after = (int)nth;
		rig_read_lines(&rig);
		CHECK_EQ(rig.env.fail_after, -1); /* it did fail */
		allocations = rig.env.allocations;
		rig_finish(&rig);
	}
	CHECK(allocations > 3);
	long_text_free(&text);
}

/* --- the other ways to use one ---------------------------------------------------------------- */

TEST(reader_read_gives_what_is_buffered_first)
{
	char buffer[8];
	struct rig rig;
	const char *line;

	rig_init(&rig, "a\nbcde", 6, ".....|~");
	CHECK_EQ(rig_read_until(&rig, '\n', &line), 2);
	CHECK_EQ(weft_reader_buffered(&rig.reader), 3);
	CHECK_EQ(rig_read(&rig, buffer, 0), 0);
	CHECK_EQ(rig_read(&rig, buffer, 2), 2);
	CHECK(memcmp(buffer, "bc", 2) == 0);
	CHECK_EQ(rig_read(&rig, buffer, 8), 1);
	CHECK_EQ(buffer[0], 'd');
	CHECK_EQ(rig_read(&rig, buffer, 8), 1); /* from here on without a buffer between */
	CHECK_EQ(buffer[0], 'e');
	CHECK_EQ(rig.env.live_blocks, 0);
	CHECK_EQ(rig_read(&rig, buffer, 8), 0);
	CHECK_EQ(rig.suspensions, 1);
	rig_finish(&rig);
}

TEST(reader_read_is_cancelled_without_an_effect)
{
	char buffer[8];
	struct rig rig;

	rig_init(&rig, "abc", 3, "~...");
	rig.cancel_at = 1;
	CHECK_EQ(rig_read(&rig, buffer, 8), -ECANCELED);
	CHECK_EQ(rig_read(&rig, buffer, 8), 3);
	rig_finish(&rig);
}

/* Bytes that were searched for one delimiter may hold another. */
TEST(reader_looks_again_for_another_delimiter)
{
	struct rig rig;
	const char *bytes;

	rig_init(&rig, "a,b\n", 4, "...~.");
	rig.cancel_at = 1;
	CHECK_EQ(rig_read_until(&rig, '\n', &bytes), -ECANCELED);
	CHECK_EQ(rig_read_until(&rig, ',', &bytes), 2);
	CHECK_EQ(rig_read_until(&rig, '\n', &bytes), 2);
	CHECK(memcmp(bytes, "b\n", 2) == 0);
	rig_finish(&rig);
}

TEST(reader_takes_any_byte_as_delimiter)
{
	static const char text[] = { 'a', '\0', (char)0xff, 'b' };
	struct rig rig;
	const char *bytes;

	rig_init(&rig, text, sizeof text, NULL);
	CHECK_EQ(rig_read_until(&rig, '\0', &bytes), 2);
	CHECK_EQ(rig_read_until(&rig, 0xff, &bytes), 1);
	CHECK_EQ(rig_read_until(&rig, '\0', &bytes), 1);
	CHECK_EQ(bytes[0], 'b');
	rig_finish(&rig);
}

TEST(reader_without_services_gives_enxio)
{
	struct weft_reader_read_until__frame frame;
	struct weft_context cx;
	struct rig rig;
	const char *line;

	rig_init(&rig, "a\n", 2, NULL);
	cx = probe_context(&rig.probe, NULL, &rig.strand);
	weft_reader_read_until__init(&frame.args, &rig.reader, '\n', &line);
	CHECK_EQ(weft_reader_read_until__poll(&frame, &cx), WEFT_READY);
	CHECK_EQ(frame.args.result, -ENXIO);
	CHECK_EQ(rig.stream.done, 0);
	rig_finish(&rig);
}

TEST(reader_finish_accepts_an_empty_and_a_finished_reader)
{
	struct weft_reader zero = { .limit = 0 };
	const char *line;
	struct rig rig;

	weft_reader_finish(&zero);
	rig_init(&rig, "a\nrest", 6, NULL);
	CHECK_EQ(rig_read_until(&rig, '\n', &line), 2);
	rig_finish(&rig);
	rig_finish(&rig);
	CHECK_EQ(weft_reader_buffered(&rig.reader), 0);
}

/* --- swept: cancelled, out of memory and polled for nothing, everywhere ----------------------- */

WEFT_ASYNC_2(int, collect, struct stream *, char *);
struct collect__frame {
	struct collect__args args;
	struct weft_reader reader;
	const char *line;
	size_t len;
	struct weft_reader_read_until__frame read;
};

/* Reads all lines and copies them to where p1 points, also those that a failure leaves in the reader. */
enum weft_poll collect__poll(void *frame, struct weft_context *cx)
{
	struct collect__frame *f = frame;
	ssize_t n;

	weft_begin(f);
	weft_reader_init(&f->reader, stream_io(f->args.p0));
	f->len = 0;
	do {
		weft_await(f, f->read, weft_reader_read_until, &f->reader, '\n', &f->line);
		n = f->read.args.result;
		if (n > 0) {
			memcpy(f->args.p1 + f->len, f->line, (size_t)n);
			f->len += (size_t)n;
		}
	} while (n > 0);
	if (f->reader.buffer)
		memcpy(f->args.p1 + f->len, f->reader.buffer + f->reader.begin,
				weft_reader_buffered(&f->reader));
	f->len += weft_reader_buffered(&f->reader);
	weft_reader_finish(&f->reader);
	weft_return(f, (int)n);
	weft_end(f);
}

WEFT_ASYNC_DEFINE(collect, WEFT_ASYNC_RESULT_INT);

struct collect_world {
	struct stream stream;
	struct long_text text;
	char *copy;
};

static void collect_set_up(struct sweep *sweep)
{
	struct collect_world *world = sweep->world;
	const size_t first = first_capacity();

	world->text = long_text_make(first / 2, 2 * first + 3, first / 2 - 1);
	world->copy = malloc(world->text.size);
	CHECK(world->copy);
	world->stream = (struct stream){ .text = world->text.text,
		.size = world->text.size,
		.gaps = world->text.gaps,
		.overeager = true };
	collect__init(sweep->frame, &world->stream, world->copy);
}

static bool collect_advance(struct sweep *sweep)
{
	return stream_advance(&((struct collect_world *)sweep->world)->stream);
}

static const char *collect_check(struct sweep *sweep)
{
	const struct collect_world *world = sweep->world;
	const struct collect__frame *f = sweep->frame;
	int result = sweep_result(sweep);

	SWEEP_EXPECT(f->len == world->stream.done);
	SWEEP_EXPECT(memcmp(world->copy, world->text.text, f->len) == 0);
	if (result == 0)
		SWEEP_EXPECT(f->len == world->text.size);
	else
		SWEEP_EXPECT(result == (sweep->cancelled ? -ECANCELED : -ENOMEM) ||
				(result == -ENOMEM && sweep->fail_after != SWEEP_NEVER));
	SWEEP_EXPECT(result == 0 || !sweep_is_plain(sweep));
	return NULL;
}

static void collect_tear_down(struct sweep *sweep)
{
	struct collect_world *world = sweep->world;

	long_text_free(&world->text);
	free(world->copy);
}

TEST(reader_loses_nothing_whatever_interrupts_it)
{
	static const struct sweep_scenario scenario = {
		.name = "collect",
		.async = &collect__async,
		.world_bytes = sizeof(struct collect_world),
		.set_up = collect_set_up,
		.advance = collect_advance,
		.check = collect_check,
		.tear_down = collect_tear_down,
	};
	struct sweep_result result = sweep(&scenario);

	CHECK(result.suspensions > 4);
	CHECK(result.allocations > 4);
}

/* --- write_all -------------------------------------------------------------------------------- */

static ssize_t rig_write_all(struct rig *rig, size_t size)
{
	struct weft_io_write_all__frame frame;

	weft_io_write_all__init(&frame.args, stream_io(&rig->stream), rig->stream.text, size);
	rig_await(rig, &weft_io_write_all__async, &frame);
	return frame.args.result;
}

/* Whoever is cancelled is told how much the peer will get; nobody is told that nothing was written when
 * something was. */
TEST(write_all_writes_everything_or_says_how_much)
{
	static const char text[] = "hello";
	char gaps[TEXT + 1];
	struct rig rig;

	for (int way = 0; way < 2 * WAYS; way++) {
		int suspensions = 0;

		make_gaps(gaps, way / 2);
		for (int cancel_at = 0; cancel_at <= suspensions; cancel_at++) {
			ssize_t n;

			rig_init(&rig, text, TEXT, gaps);
			rig.cancel_at = cancel_at;
			rig.cancel_late = way % 2;
			n = rig_write_all(&rig, TEXT);
			if (!cancel_at)
				suspensions = rig.suspensions;
			CHECK(cancel_at ? n != 0 : n == TEXT);
			CHECK_EQ(n, rig.stream.done ? (ssize_t)rig.stream.done : -ECANCELED);
			rig_finish(&rig);
		}
	}
}

TEST(write_all_stops_at_an_error)
{
	struct rig rig;

	rig_init(&rig, "hello", 3, "~|~.");
	rig.stream.end = -EPIPE;
	CHECK_EQ(rig_write_all(&rig, 5), -EPIPE);
	CHECK_EQ(rig.stream.done, 3);
	CHECK_EQ(rig_write_all(&rig, 0), 0);
	rig_finish(&rig);
}

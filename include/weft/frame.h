/* SPDX-License-Identifier: MIT */
/*
 * weft/frame.h: the shape of an async function, for the compiler and for writing one by hand.
 *
 *     WEFT_ASYNC_1(int, greet, int);                   // async int greet(int times)
 *     struct greet__frame {
 *             struct greet__args args;                 // first: base, result, p0, p1 ...
 *             int i;                                   // a local that lives across an await
 *             struct weft_sleep__frame sleep;          // the child, embedded
 *     };
 *     enum weft_poll greet__poll(void *frame, struct weft_context *cx)
 *     {
 *             struct greet__frame *f = frame;
 *
 *             weft_begin(f);
 *             for (f->i = 0; f->i < f->args.p0; f->i++) {
 *                     puts("hello");
 *                     weft_await(f, f->sleep, weft_sleep, WEFT_SECONDS(1));
 *                     if (f->sleep.args.result < 0)
 *                             break;
 *             }
 *             weft_return(f, f->sleep.args.result);
 *             weft_end(f);
 *     }
 *     WEFT_ASYNC_DEFINE(greet, WEFT_ASYNC_RESULT_INT);
 *
 * For `async R f(A a, B b)` there are, whoever writes them:
 *     struct f__args   { struct weft_frame base; R result; A p0; B p1; }   known from the prototype
 *     struct f__frame  { struct f__args args; ... }                        known to the definition
 *     f__poll          the state machine
 *     f__async         its descriptor: name, sizes, table of await points
 *     f__init          fills in the arguments (inline); of some leaves also f__now (weft/waiter.h)
 *
 * Locals of the poll function end at an await, and no switch may enclose one. (weftcc lifts both limits.)
 *
 * Memory:  a frame is the caller's: embedded in the parent, or allocated by weft_frame_enter, or the
 *          body of a task. It must be zero or initialised by f__init, and not move once polled.
 */
#ifndef WEFT_FRAME_H
#define WEFT_FRAME_H

#include <weft/poll.h>

WEFT_BEGIN_DECLS

/* The first member of every frame. */
struct weft_frame {
	uint32_t at;   /* 0: not started; WEFT_AT_DONE; else the await point */
	uint32_t home; /* checked builds: a digest of the address at the first poll */
};
#define WEFT_AT_DONE UINT32_MAX

/* One await of a function, for backtraces. The table's index + 1 is the frame's `at`. */
struct weft_point {
	uint32_t line;
	uint32_t child_offset;          /* of the child's frame, or of the pointer to it */
	const struct weft_async *child; /* NULL if unknown before run time */
	uint32_t flags; /* enum weft_point_flags; if not one, how many branches << 8 */
};

enum weft_point_flags {
	WEFT_POINT_OWN = 1 << 0,   /* child_offset is that of a pointer to a frame of its own */
	WEFT_POINT_BRANCH = 1 << 1 /* child_offset is that of the first struct weft_branch */
};

/* A callee whose frame was embedded, and the size it had then: compared at the first spawn. */
struct weft_embedded {
	const struct weft_async *async;
	uint32_t frame_size;
};

enum weft_async_flags {
	WEFT_ASYNC_RESULT_INT = 1 << 0,   /* the result is an int, negative on failure */
	WEFT_ASYNC_LINES = 1 << 1,        /* `at` is a line number, there is no table */
	WEFT_ASYNC_LEAF = 1 << 2,         /* awaits nobody */
	WEFT_ASYNC_RESULT_SSIZE = 1 << 3, /* the result is an ssize_t, negative on failure */
	WEFT_ASYNC_OBJECT = 1 << 4, /* a leaf whose first argument points at what it waits for */
	WEFT_ASYNC_HELD = 1 << 5 | 1 << 4, /* which somebody else holds meanwhile */
	WEFT_ASYNC_CHILDREN = 1 << 6,      /* a leaf that polls futures; ALL: and awaits all */
	WEFT_ASYNC_ALL = 1 << 7,
	WEFT_ASYNC_TRIES = 1 << 8, /* a leaf that heeds cx->trying: weft/branch.h */
	WEFT_ASYNC_WAITER = 1 << 9 /* a leaf that waits as weft/waiter.h says */
};

#define WEFT_ASYNC_MAGIC 0x77656674u /* "weft" */
#define WEFT_ASYNC_ABI 1

/* The descriptor of an async function; an async function pointer is a pointer to one. */
struct weft_async {
	uint32_t magic;
	uint16_t abi;
	uint16_t flags; /* enum weft_async_flags */
	const char *name;
	const char *file;
	enum weft_poll (*poll)(void *frame, struct weft_context *cx);
	uint32_t frame_size;
	uint32_t frame_align;
	uint32_t args_size; /* of the prefix that a caller fills in */
	uint32_t result_offset;
	uint32_t result_size; /* 0: void */
	uint32_t line;        /* of the definition */
	uint32_t point_count;
	uint32_t embedded_count;
	const struct weft_point *points;
	const struct weft_embedded *embedded;
	void (*each)(void *frame, struct weft_visitor *visitor); /* weft/visitor.h */
};

/* In front of a frame of its own, of a callee that cannot be embedded; it ends where the frame begins. */
struct weft_link {
	struct weft_link *parent;
	const struct weft_async *async;
};

/* Makes a frame for `async`, linked as the innermost of the context's strand; fill in its arguments
 * by async's f__init, then weft_frame_descend. NULL: no memory, nothing has changed. */
WEFT_NODISCARD void *weft_frame_enter(struct weft_context *cx, const struct weft_async *async);

/* Polls a frame that weft_frame_enter made. READY: read the result, then free it by weft_frame_leave.
 * PENDING: return PENDING; when the caller is polled again, the child is ready. */
WEFT_NODISCARD enum weft_poll weft_frame_descend(struct weft_context *cx, void *frame);
void weft_frame_leave(struct weft_context *cx, void *frame);

/* Polls a strand, whose root is `frame`, from its innermost frame. For executors and combinators. */
WEFT_NODISCARD enum weft_poll weft_strand_poll(struct weft_strand *strand,
		const struct weft_async *async, void *frame, struct weft_context *cx);

/* Aborts with a message if it, or what it embeds, was compiled for other frame sizes or another ABI. */
void weft_async_verify(const struct weft_async *async);

/* For code whose callee gets no frame of its own and whose result cannot say so (an int is -ENOMEM
 * instead): calls the handler, if the process has set one (any thread; NULL: none), then aborts. */
typedef void (*weft_out_of_memory_fn)(const struct weft_async *async);
void weft_set_out_of_memory_handler(weft_out_of_memory_fn handler);
WEFT_NORETURN void weft_out_of_memory(const struct weft_async *async);

/* ---- declaring: the prefix, the descriptor and the initialiser of `async R name(A, B, ...)` ---- */

#define WEFT_ASYNC_COMMON(R, name, ...)                                                            \
	WEFT_ASYNC_PROTOTYPE(R, name, __VA_ARGS__);                                                \
	extern const struct weft_async name##__async;                                              \
	enum weft_poll name##__poll(void *frame, struct weft_context *cx)

/* What a call looks like to editors and to weftcc. Nothing else may call an async function. */
#if defined(__WEFTCC__)
#define WEFT_ASYNC_PROTOTYPE(R, name, ...) _Async R name(__VA_ARGS__)
#else
#define WEFT_ASYNC_PROTOTYPE(R, name, ...) R name(__VA_ARGS__) WEFT_ONLY_WEFTCC
#endif

#if defined(__has_attribute) && !defined(WEFT_ONLY_WEFTCC)
#if __has_attribute(error)
#define WEFT_ONLY_WEFTCC __attribute__((error("is for async code: compile this file with weftcc")))
#endif
#endif
#ifndef WEFT_ONLY_WEFTCC
#define WEFT_ONLY_WEFTCC
#endif

#define WEFT_ASYNC_0(R, name)                                                                      \
	struct name##__args {                                                                      \
		struct weft_frame base;                                                            \
		R result;                                                                          \
	};                                                                                         \
	static inline WEFT_MAYBE_UNUSED void name##__init(struct name##__args *args)               \
	{                                                                                          \
		args->base.at = 0;                                                                 \
	}                                                                                          \
	WEFT_ASYNC_COMMON(R, name, void)

#define WEFT_ASYNC_1(R, name, A)                                                                   \
	struct name##__args {                                                                      \
		struct weft_frame base;                                                            \
		R result;                                                                          \
		A p0;                                                                              \
	};                                                                                         \
	static inline WEFT_MAYBE_UNUSED void name##__init(struct name##__args *args, A p0)         \
	{                                                                                          \
		args->base.at = 0;                                                                 \
		args->p0 = p0;                                                                     \
	}                                                                                          \
	WEFT_ASYNC_COMMON(R, name, A)

#define WEFT_ASYNC_2(R, name, A, B)                                                                \
	struct name##__args {                                                                      \
		struct weft_frame base;                                                            \
		R result;                                                                          \
		A p0;                                                                              \
		B p1;                                                                              \
	};                                                                                         \
	static inline WEFT_MAYBE_UNUSED void name##__init(struct name##__args *args, A p0, B p1)   \
	{                                                                                          \
		args->base.at = 0;                                                                 \
		args->p0 = p0;                                                                     \
		args->p1 = p1;                                                                     \
	}                                                                                          \
	WEFT_ASYNC_COMMON(R, name, A, B)

#define WEFT_ASYNC_3(R, name, A, B, C)                                                             \
	struct name##__args {                                                                      \
		struct weft_frame base;                                                            \
		R result;                                                                          \
		A p0;                                                                              \
		B p1;                                                                              \
		C p2;                                                                              \
	};                                                                                         \
	static inline WEFT_MAYBE_UNUSED void name##__init(                                         \
			struct name##__args *args, A p0, B p1, C p2)                               \
	{                                                                                          \
		args->base.at = 0;                                                                 \
		args->p0 = p0;                                                                     \
		args->p1 = p1;                                                                     \
		args->p2 = p2;                                                                     \
	}                                                                                          \
	WEFT_ASYNC_COMMON(R, name, A, B, C)

#define WEFT_ASYNC_4(R, name, A, B, C, D)                                                          \
	struct name##__args {                                                                      \
		struct weft_frame base;                                                            \
		R result;                                                                          \
		A p0;                                                                              \
		B p1;                                                                              \
		C p2;                                                                              \
		D p3;                                                                              \
	};                                                                                         \
	static inline WEFT_MAYBE_UNUSED void name##__init(                                         \
			struct name##__args *args, A p0, B p1, C p2, D p3)                         \
	{                                                                                          \
		args->base.at = 0;                                                                 \
		args->p0 = p0;                                                                     \
		args->p1 = p1;                                                                     \
		args->p2 = p2;                                                                     \
		args->p3 = p3;                                                                     \
	}                                                                                          \
	WEFT_ASYNC_COMMON(R, name, A, B, C, D)

/* ---- defining by hand (C only) ---- */

/* A descriptor; after the flags come further initialisers, such as .points = table. */
#define WEFT_ASYNC_DESCRIBE(function, flags_, ...)                                                 \
	const struct weft_async function##__async = {                                              \
		.magic = WEFT_ASYNC_MAGIC,                                                         \
		.abi = WEFT_ASYNC_ABI,                                                             \
		.flags = (flags_),                                                                 \
		.name = #function,                                                                 \
		.file = __FILE__,                                                                  \
		.poll = function##__poll,                                                          \
		.frame_size = sizeof(struct function##__frame),                                    \
		.frame_align = _Alignof(struct function##__frame),                                 \
		.args_size = sizeof(struct function##__args),                                      \
		.result_offset = offsetof(struct function##__args, result),                        \
		.result_size = sizeof(((struct function##__args *)0)->result),                     \
		.line = __LINE__,                                                                  \
		__VA_ARGS__,                                                                       \
	}

/* The descriptor of a function written with the macros below, and of a leaf. */
#define WEFT_ASYNC_DEFINE(function, flags_)                                                        \
	WEFT_ASYNC_DESCRIBE(function, (flags_) | WEFT_ASYNC_LINES, .points = NULL)
#define WEFT_ASYNC_DEFINE_LEAF(function, flags_)                                                   \
	WEFT_ASYNC_DESCRIBE(function, (flags_) | WEFT_ASYNC_LEAF, .points = NULL)

#if defined(__GNUC__) && __GNUC__ >= 7
#define WEFT_FALLTHROUGH __attribute__((fallthrough))
#else
#define WEFT_FALLTHROUGH ((void)0)
#endif

#ifdef WEFT_CHECKED
#define WEFT_FRAME_CHECK(frame) weft_frame_check(frame)
#else
#define WEFT_FRAME_CHECK(frame) ((void)0)
#endif

#define weft_begin(f)                                                                              \
	WEFT_FRAME_CHECK(&(f)->args.base);                                                         \
	switch ((f)->args.base.at) {                                                               \
	case 0:

/* Awaits `function` in the embedded frame `child`; its result: child.args.result. One to a line. */
#define weft_await(f, child, function, ...)                                                        \
	do {                                                                                       \
		function##__init(&(child).args, ##__VA_ARGS__);                                    \
		(f)->args.base.at = __LINE__;                                                      \
		WEFT_FALLTHROUGH;                                                                  \
	case __LINE__:                                                                             \
		if (function##__poll(&(child), cx) == WEFT_PENDING)                                \
			return WEFT_PENDING;                                                       \
	} while (0)

/* The same in a frame of its own, for recursion; `child` is a `struct function__args *` kept in f,
 * `*result` receives the result (an int: -ENOMEM if there is no memory for the frame). */
#define weft_await_own(f, child, result_, function, ...)                                           \
	do {                                                                                       \
		(child) = (struct function##__args *)weft_frame_enter(cx, &function##__async);     \
		if (!(child)) {                                                                    \
			*(result_) = WEFT_ENOMEM;                                                  \
			break;                                                                     \
		}                                                                                  \
		function##__init((child), ##__VA_ARGS__);                                          \
		(f)->args.base.at = __LINE__;                                                      \
		if (weft_frame_descend(cx, (child)) == WEFT_PENDING)                               \
			return WEFT_PENDING;                                                       \
		WEFT_FALLTHROUGH;                                                                  \
	case __LINE__:                                                                             \
		*(result_) = (child)->result;                                                      \
		weft_frame_leave(cx, (child));                                                     \
	} while (0)

#define WEFT_ENOMEM (-12)
/* Ends the function with a result. */
#define weft_return(f, value)                                                                      \
	do {                                                                                       \
		(f)->args.result = (value);                                                        \
		(f)->args.base.at = WEFT_AT_DONE;                                                  \
		return WEFT_READY;                                                                 \
	} while (0)

#define weft_end(f)                                                                                \
	}                                                                                          \
	weft_frame_misuse(&(f)->args.base);                                                        \
	return WEFT_PENDING

/* Aborts: the frame was polled after its end, or holds no await point of its function. */
WEFT_NORETURN void weft_frame_misuse(const struct weft_frame *frame);

/* Checked builds: aborts if the frame has moved since its first poll, or is polled after its end. */
static inline void weft_frame_check(struct weft_frame *frame)
{
	uint32_t here = (uint32_t)((uintptr_t)frame >> 3) | 1u;

	if (frame->at == 0)
		frame->home = here;
	else if (frame->at == WEFT_AT_DONE || frame->home != here)
		weft_frame_misuse(frame);
}

WEFT_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
/*
 * tests/lock_forms.h: the locks, to be tested alike: what takes each, with a limit and without.
 *
 *     for (int i = 0; i < LOCK_FORMS; i++) {
 *             const struct lock_form *form = &lock_forms[i];
 *
 *             locks_init(&locks);
 *             CHECK_EQ(form->take(&locks), 0);         // without waiting; so that its leaf has to wait
 *             form->init(&frame, &locks);
 *             CHECK_EQ(form->async->poll(&frame, &cx), WEFT_PENDING);
 *             form->give(&locks);                      // what take has taken
 *             CHECK_EQ(form->async->poll(&frame, &cx), WEFT_READY);
 *             CHECK_EQ(frame.args.result, form->success);
 *             form->give_back(&locks);                 // what the leaf has
 *     }
 */
#ifndef WEFT_TESTS_LOCK_FORMS_H
#define WEFT_TESTS_LOCK_FORMS_H

#include <errno.h>

#include <weft/timed.h>

#include "test.h"

struct locks {
	struct weft_mutex mutex;
	struct weft_rwlock rwlock;
	struct weft_semaphore semaphore;
	struct weft_once once;
};

static inline void locks_init(struct locks *locks)
{
	weft_mutex_init(&locks->mutex);
	weft_rwlock_init(&locks->rwlock);
	weft_semaphore_init(&locks->semaphore, 2);
	weft_once_init(&locks->once);
}

/* All leaves' frames begin like this. */
struct lock_args {
	struct weft_frame base;
	int result;
};

union lock_frame {
	struct lock_args args;
	struct weft_mutex_lock__frame mutex;
	struct weft_rwlock_read__frame read;
	struct weft_rwlock_write__frame write;
	struct weft_semaphore_acquire__frame semaphore;
	struct weft_once_begin__frame once;
	struct weft_mutex_lock_timed__frame mutex_timed;
	struct weft_rwlock_read_timed__frame read_timed;
	struct weft_rwlock_write_timed__frame write_timed;
	struct weft_semaphore_acquire_timed__frame semaphore_timed;
	struct weft_once_begin_timed__frame once_timed;
};

struct lock_form {
	const char *name; /* of the leaf */
	const struct weft_async *async, *timed;
	int success;   /* the result of who gets it */
	size_t offset; /* of the object in struct locks */
	void (*init)(union lock_frame *frame, struct locks *locks);
	void (*init_timed)(union lock_frame *frame, struct locks *locks, int64_t timeout_ns,
			const char *where);
	int (*take)(struct locks *locks);
	void (*give)(struct locks *locks);
	void (*give_back)(struct locks *locks);
};

/* `member` of the frames, the leaf, its object, and what else it takes. */
#define LOCK_FORM_INIT(member, leaf, object, ...)                                                  \
	static inline void member##_init(union lock_frame *frame, struct locks *locks)             \
	{                                                                                          \
		leaf##__init(&frame->member.args, &locks->object, ##__VA_ARGS__);                  \
	}                                                                                          \
	static inline void member##_init_timed(union lock_frame *frame, struct locks *locks,       \
			int64_t timeout_ns, const char *where)                                     \
	{                                                                                          \
		leaf##_timed__init(&frame->member##_timed.args, &locks->object, ##__VA_ARGS__,     \
				timeout_ns, where);                                                \
	}

LOCK_FORM_INIT(mutex, weft_mutex_lock, mutex)
LOCK_FORM_INIT(read, weft_rwlock_read, rwlock)
LOCK_FORM_INIT(write, weft_rwlock_write, rwlock)
LOCK_FORM_INIT(semaphore, weft_semaphore_acquire, semaphore, 2)
LOCK_FORM_INIT(once, weft_once_begin, once)

static inline int mutex_take(struct locks *locks)
{
	return weft_mutex_try_lock(&locks->mutex);
}

static inline void mutex_give(struct locks *locks)
{
	weft_mutex_unlock(&locks->mutex);
}

static inline int write_take(struct locks *locks)
{
	return weft_rwlock_try_write(&locks->rwlock);
}

static inline void write_give(struct locks *locks)
{
	weft_rwlock_unlock_write(&locks->rwlock);
}

static inline int read_take(struct locks *locks)
{
	return weft_rwlock_try_read(&locks->rwlock);
}

static inline void read_give(struct locks *locks)
{
	weft_rwlock_unlock_read(&locks->rwlock);
}

static inline int semaphore_take(struct locks *locks)
{
	return weft_semaphore_try_acquire(&locks->semaphore, 2);
}

static inline void semaphore_give(struct locks *locks)
{
	weft_semaphore_release(&locks->semaphore, 2);
}

static inline int once_take(struct locks *locks)
{
	return weft_once_try_begin(&locks->once) - 1;
}

static inline void once_give(struct locks *locks)
{
	CHECK_EQ(weft_once_end(&locks->once, -EIO), -EIO);
}

/* The leaf, what it locks, what `member` of the frames it has, and who keeps it waiting. */
#define LOCK_FORM(leaf, object, member, other, success)                                            \
	{                                                                                          \
#leaf, &leaf##__async, &leaf##_timed__async, success,                              \
				offsetof(struct locks, object), member##_init,                     \
				member##_init_timed, other##_take, other##_give, member##_give     \
	}

static const struct lock_form lock_forms[] = {
	LOCK_FORM(weft_mutex_lock, mutex, mutex, mutex, 0),
	LOCK_FORM(weft_rwlock_read, rwlock, read, write, 0),
	LOCK_FORM(weft_rwlock_write, rwlock, write, read, 0),
	LOCK_FORM(weft_semaphore_acquire, semaphore, semaphore, semaphore, 0),
	LOCK_FORM(weft_once_begin, once, once, once, 1),
};

enum { LOCK_FORMS = sizeof lock_forms / sizeof *lock_forms };

#endif

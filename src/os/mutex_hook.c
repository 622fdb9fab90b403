/* SPDX-License-Identifier: MIT */
/*
 * os/mutex_hook.c: in checked builds, pthread_mutex_lock and _unlock that tell of themselves.
 *
 * How         The library's own stand before those of libc, where programs are linked with it statically.
 * Limits      glibc; without the thread sanitizer, which has such functions of its own. Nobody hears of
 *             pthread_mutex_timedlock.
 */
#include "os/os.h"

weft_mutex_watch_fn weft__mutex_watch;

#if defined(WEFT_CHECKED) && defined(__GLIBC__) && !defined(__SANITIZE_THREAD__)
#include <dlfcn.h>
#include <pthread.h>

#include "base/atomic.h"

static int mutex_call(const char *name, pthread_mutex_t *mutex)
{
	int (*next)(pthread_mutex_t * mutex);
	void *found = dlsym(RTLD_NEXT, name);

	__builtin_memcpy(&next, &found, sizeof next);
	return next(mutex);
}

/* acquire pairs with who sets it: what it looks at is there */
static void mutex_tell(pthread_mutex_t *mutex, bool locked)
{
	weft_mutex_watch_fn watch = atomic_load_acquire(&weft__mutex_watch);

	if (watch)
		watch(mutex, locked);
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	int err = mutex_call("pthread_mutex_lock", mutex);

	if (!err)
		mutex_tell(mutex, true);
	return err;
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
	int err = mutex_call("pthread_mutex_trylock", mutex);

	if (!err)
		mutex_tell(mutex, true);
	return err;
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	mutex_tell(mutex, false);
	return mutex_call("pthread_mutex_unlock", mutex);
}
#endif

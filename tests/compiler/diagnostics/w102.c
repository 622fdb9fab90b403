/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <weft.h>
#include <weft/async.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, other = PTHREAD_MUTEX_INITIALIZER;

async int broken(void)
{
	int err;

	pthread_mutex_lock(&mutex);
	err = await weft_yield();
	pthread_mutex_unlock(&mutex);
	pthread_mutex_lock(&mutex);
	pthread_mutex_lock(&other);
	pthread_mutex_unlock(&mutex);
	err += await weft_yield();
	err += await weft_yield();
	return err;
}

/* SPDX-License-Identifier: MIT */
/* mutex.c: a mutex of the system belongs to the thread that locked it, and after an await the task may be
 * on another. Meanwhile whoever waits for it blocks a worker. Unlock it before. */
/* weftcc: await while `&mutex` is locked (line 18): another thread may go on here */
#include <pthread.h>
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int value;

static async int broken(void)
{
	int err;

	pthread_mutex_lock(&mutex);
	err = await weft_yield();
	printf("%d\n", value);
	pthread_mutex_unlock(&mutex);
	return err;
}

async int main(void)
{
	return await broken();
}

/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

async int allowed_here(void)
{
	sleep(1); /* -Wno-weft-blocking-call: nobody else runs yet */
	/* -Wno-weft-blocking-call: nor now */
	sleep(2);
	pthread_mutex_lock(&mutex);
	await weft_yield(); // -Wno-weft-locked-await: nobody else takes it
	pthread_mutex_unlock(&mutex);
	return await weft_yield();
}

async int not_here(void)
{
	sleep(3); /* -Wno-weft-blocking-call */
	sleep(4); /* the line before is not for this one */
	sleep(5); /* -Wno-weft-errno -Wno-weft-blocking-calls: other names */
	return await weft_yield();
}

/* SPDX-License-Identifier: MIT */
/* flags: -w -Werror=weft-blocking-call -Wno-error=weft-unused-result
 * Only what is an error by itself is left, unless a flag has made it a warning. */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

async int main(void)
{
	struct weft_tcp conn;

	pthread_mutex_lock(&mutex);
	sleep(1);
	await weft_tcp_accept((struct weft_tcp_listener){ 0 }, &conn);
	weft_spawn(weft_sleep(1));
	return await weft_yield() + errno;
}

/* SPDX-License-Identifier: MIT */
/* channels.c: a print shop. Customers leave orders in a channel that has little room, so they wait; two printers take
 * them, and each order goes to one. The shop watches how many pages are printed, and tells all when it closes. */
#include <errno.h>
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

enum { CUSTOMERS = 3, ORDERS_EACH = 4, PRINTERS = 2, ROOM = 2, PAGES_EACH = 5 };

struct order {
	int customer, pages;
};

WEFT_CHANNEL(orders, struct order);
WEFT_WATCH(progress, int);
WEFT_BROADCAST(calls, const char *);

static union orders orders = WEFT_CHANNEL_INIT(orders, ROOM);
static int printed;
static union progress progress = WEFT_WATCH_INIT(progress, &printed);
static const char *last_calls[4];
static union calls calls = WEFT_BROADCAST_INIT(calls, last_calls);

/* The last customer that leaves closes the channel. */
static async int customer(int number)
{
	struct order order = { number, PAGES_EACH };

	defer weft_channel_sender_unref(&orders.channel);
	for (int i = 0; i < ORDERS_EACH; i++)
		weft_try(await weft_channel_send(&orders, &order));
	return 0;
}

/* Again, if the other printer was faster. */
static void count_pages(int more)
{
	uint64_t version;
	int pages;

	do {
		version = weft_watch_read(&progress, &pages);
		pages += more;
	} while (weft_watch_send_if(&progress, &pages, version) == -EAGAIN);
}

static async int printer(union calls_receiver *receiver)
{
	struct order order;
	const char *call;
	int err;

	defer weft_broadcast_unsubscribe(&receiver->receiver);
	while ((err = await weft_channel_recv(&orders, &order)) == 0)
		count_pages(order.pages);
	if (err != -EPIPE)
		return err;
	weft_try(await weft_broadcast_recv(receiver, &call));
	printf("printer: %s\n", call);
	return 0;
}

async int main(void)
{
	union calls_receiver listeners[PRINTERS];
	union progress_receiver receiver;
	const char *call = "closed";
	int pages = 0;

	weft_watch_subscribe(&progress, &receiver);
	defer weft_watch_unsubscribe(&receiver.receiver);
	weft_scope (all) {
		for (int i = 0; i < PRINTERS; i++) {
			weft_broadcast_subscribe(&calls, &listeners[i]); /* before it starts */
			weft_try(weft_spawn_in(&all, printer(&listeners[i])));
		}
		for (int i = 0; i < CUSTOMERS; i++) {
			weft_try(weft_channel_sender_ref(&orders.channel));
			weft_try(weft_spawn_in(&all, customer(i)));
		}
		while (pages < CUSTOMERS * ORDERS_EACH *
						PAGES_EACH) /* it may miss some in between */
			weft_try(await weft_watch_changed(&receiver, &pages));
		printf("%d pages\n", pages);
		weft_try(weft_broadcast_send(&calls, &call));
	}
	weft_channel_finish(&orders.channel);
	return fflush(stdout) != 0;
}

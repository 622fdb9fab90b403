/* SPDX-License-Identifier: MIT */
/* io/sim_address.c: who answers for an address in the simulated network, and which port is free. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "io/sim.h"

enum { SIM_PORT_FIRST = 32768 };

static in_port_t *sim_port(struct sim_address *address)
{
	if (address->address.ss_family == AF_INET)
		return &((struct sockaddr_in *)&address->address)->sin_port;
	if (address->address.ss_family == AF_INET6)
		return &((struct sockaddr_in6 *)&address->address)->sin6_port;
	return NULL;
}

static bool sim_answers_4(const struct sim_address *left, const struct sim_address *right)
{
	const struct sockaddr_in *a = (const struct sockaddr_in *)&left->address;
	const struct sockaddr_in *b = (const struct sockaddr_in *)&right->address;

	return a->sin_port == b->sin_port &&
			(a->sin_addr.s_addr == htonl(INADDR_ANY) ||
					b->sin_addr.s_addr == htonl(INADDR_ANY) ||
					a->sin_addr.s_addr == b->sin_addr.s_addr);
}

static bool sim_answers_6(const struct sim_address *left, const struct sim_address *right)
{
	const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)&left->address;
	const struct sockaddr_in6 *b = (const struct sockaddr_in6 *)&right->address;

	return a->sin6_port == b->sin6_port &&
			(IN6_IS_ADDR_UNSPECIFIED(&a->sin6_addr) ||
					IN6_IS_ADDR_UNSPECIFIED(&b->sin6_addr) ||
					IN6_ARE_ADDR_EQUAL(&a->sin6_addr, &b->sin6_addr));
}

/* Whether the two could be the same: "any" is every address of this machine. */
static bool sim_answers(const struct sim_address *a, const struct sim_address *b)
{
	if (a->address.ss_family != b->address.ss_family)
		return false;
	if (a->address.ss_family == AF_INET)
		return sim_answers_4(a, b);
	if (a->address.ss_family == AF_INET6)
		return sim_answers_6(a, b);
	return a->length == b->length && memcmp(&a->address, &b->address, a->length) == 0;
}

/* Whether v6 is bound to "any", which takes v4 clients, too. */
static bool sim_answers_both(const struct sim_address *v6, const struct sim_address *v4)
{
	const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)&v6->address;
	const struct sockaddr_in *b = (const struct sockaddr_in *)&v4->address;

	return v6->address.ss_family == AF_INET6 && v4->address.ss_family == AF_INET &&
			a->sin6_port == b->sin_port && IN6_IS_ADDR_UNSPECIFIED(&a->sin6_addr);
}

struct sim_socket *weft__sim_listener(
		const struct sim_network *network, const struct sim_address *address)
{
	struct sim_socket *listener = network->listeners;

	while (listener && !sim_answers(&listener->local, address) &&
			!sim_answers_both(&listener->local, address))
		listener = listener->next;
	return listener;
}

static bool sim_in_use(const struct sim_network *network, const struct sim_address *address)
{
	for (int i = 0; i < network->slot_count; i++) {
		const struct sim_socket *socket = network->sockets[i];

		if (socket && socket->bound &&
				(sim_answers(&socket->local, address) ||
						sim_answers_both(&socket->local, address) ||
						sim_answers_both(address, &socket->local)))
			return true;
	}
	return false;
}

void weft__sim_address_renumber(struct sim_network *network, struct sim_address *address)
{
	if (++network->next_port < SIM_PORT_FIRST)
		network->next_port = SIM_PORT_FIRST;
	*sim_port(address) = htons(network->next_port);
}

int weft__sim_address_choose(struct sim_network *network, struct sim_address *address)
{
	in_port_t *port = sim_port(address);

	if (!port || *port)
		return sim_in_use(network, address) ? -EADDRINUSE : 0;
	do
		weft__sim_address_renumber(network, address);
	while (sim_in_use(network, address));
	return 0;
}

int weft__sim_address_read(struct sim_address *address, int family, const struct sockaddr *from,
		socklen_t length)
{
	size_t least = sizeof(sa_family_t) + 1;

	if (family == AF_INET)
		least = sizeof(struct sockaddr_in);
	else if (family == AF_INET6)
		least = sizeof(struct sockaddr_in6);
	if (length < least || length > sizeof address->address)
		return -EINVAL;
	memset(address, 0, sizeof *address);
	memcpy(&address->address, from, length);
	address->length = length;
	return address->address.ss_family == family ? 0 : -EAFNOSUPPORT;
}

void weft__sim_address_map(struct sim_address *address)
{
	const struct sockaddr_in v4 = *(const struct sockaddr_in *)&address->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address->address;

	memset(address, 0, sizeof *address);
	address->length = sizeof *v6;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = v4.sin_port;
	v6->sin6_addr.s6_addr[10] = v6->sin6_addr.s6_addr[11] = 0xff;
	memcpy(&v6->sin6_addr.s6_addr[12], &v4.sin_addr, sizeof v4.sin_addr);
}

int weft__sim_address_write(
		const struct sim_address *address, struct sockaddr *to, socklen_t *length)
{
	if (!to)
		return 0;
	memcpy(to, &address->address, *length < address->length ? *length : address->length);
	*length = address->length;
	return 0;
}

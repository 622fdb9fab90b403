/* SPDX-License-Identifier: MIT */
/* net/address.c: numeric hosts and ports. Names are for a resolver, which may block. */
#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "net/address.h"

/* getaddrinfo takes "" and "99999", too. */
static bool is_port(const char *text)
{
	const char *at = text;
	unsigned value = 0;

	for (; *at >= '0' && *at <= '9' && value <= UINT16_MAX; at++)
		value = value * 10 + (unsigned)(*at - '0');
	return at > text && !*at && value <= UINT16_MAX;
}

int weft__address_parse(const char *host, const char *port, bool passive,
		struct sockaddr_storage *address, socklen_t *length)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV |
				(passive ? AI_PASSIVE : 0),
		.ai_socktype = SOCK_STREAM },
			*found;
	int err = is_port(port) ? getaddrinfo(host, port, &hints, &found) : EAI_SERVICE;

	if (err == EAI_MEMORY)
		return -ENOMEM;
	if (err)
		return -EINVAL;
	memcpy(address, found->ai_addr, found->ai_addrlen);
	*length = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

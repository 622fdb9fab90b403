/* SPDX-License-Identifier: MIT */
/* net/address.h: text to socket addresses. */
#ifndef WEFT_NET_ADDRESS_H
#define WEFT_NET_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* host: a numeric address, or NULL: all of this machine (passive) or its loopback. port: 0 to 65535 in
 * decimal. -EINVAL, -ENOMEM. */
int weft__address_parse(const char *host, const char *port, bool passive,
		struct sockaddr_storage *address, socklen_t *length);

#endif

/*
 * peer.h - who is connected (P-122...P-124), and the socket's options.
 */
#ifndef WIRE_PEER_H
#define WIRE_PEER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

struct peer {
	char ip[INET6_ADDRSTRLEN];	/* "" if unknown */
	char port[6];			/* decimal; "" if unknown */
};

/*
 * Finds the client: what a launcher or wrapper put into the environment, in
 * the order of P-124, else the peer of socket fd.  Addresses are parsed and
 * printed again, mapped ones as IPv4; what does not parse is passed over.  A
 * port that is not said is the socket's, if that has the same address.
 */
void peer_find(struct peer *p, int fd);

/*
 * The variables that peer_find() knows, from i = 0 on; NULL: no more.  *value
 * is what is set, or NULL; *sound: it can be read.
 */
const char *peer_variable(size_t i, const char **value, bool *sound);

/*
 * Sets both from the octets of an address, in network order, and a port in
 * host order, 0..65535; AF_INET6 that is mapped is shown as IPv4.
 * 0, or -1 for another family or port: *p is empty then.
 */
int peer_set(struct peer *p, int family, const void *address, unsigned port);

/*
 * TCP sockets only, anything else is left as it is: no delay for the last
 * piece of an answer, and a dead peer is noticed (60 s idle, 15 s apart, 4
 * probes: P-56).
 */
void peer_tune(int fd);

#endif

/*
 * nets.c - from which addresses a user may log in (P-152).
 *
 * Runs as: the keeper.
 * Trusts:  the operator's list; the address only as far as the wrapper, or
 *          the front for a PROXY header, can be trusted with it.
 */
#include "login/nets.h"

#include "base/num.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

struct net {
	int family;
	unsigned bits;
	unsigned char octet[16];
};

/* An IPv4 address that came through an IPv6 socket is an IPv4 address. */
static void unmap(struct net *n)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (n->family == AF_INET6 && n->bits >= 96 &&
	    memcmp(n->octet, mapped, sizeof mapped) == 0) {
		n->family = AF_INET;
		n->bits -= 96;
		memmove(n->octet, n->octet + 12, 4);
	}
}

/* "address[/bits]" in len octets. */
static int read_net(const char *text, size_t len, struct net *n)
{
	char buf[INET6_ADDRSTRLEN + 4], *slash;
	uint64_t bits;

	if (len >= sizeof buf)
		return -1;
	memcpy(buf, text, len);
	buf[len] = '\0';
	slash = strchr(buf, '/');
	if (slash != NULL)
		*slash = '\0';
	n->family = strchr(buf, ':') != NULL ? AF_INET6 : AF_INET;
	bits = n->family == AF_INET6 ? 128 : 32;
	if (inet_pton(n->family, buf, n->octet) != 1 || (slash != NULL &&
	    num_parse_range(slash + 1, 0, bits, &bits) == -1))
		return -1;
	n->bits = (unsigned)bits;
	unmap(n);
	return 0;
}

static bool in_net(const struct net *who, const struct net *n)
{
	unsigned whole = n->bits / 8, rest = n->bits % 8;

	return who->family == n->family &&
	    memcmp(who->octet, n->octet, whole) == 0 && (rest == 0 ||
	    ((who->octet[whole] ^ n->octet[whole]) >> (8 - rest)) == 0);
}

/*
 * The next word of the list: a net, or "local", which has no family.  1; 0: no
 * more; -1: it cannot be read.
 */
static int next_net(const char **list, size_t *len, struct net *n)
{
	const char *word = *list, *comma;
	size_t here;

	if (word == NULL)
		return 0;
	comma = memchr(word, ',', *len);
	here = comma == NULL ? *len : (size_t)(comma - word);
	*list = comma == NULL ? NULL : comma + 1;
	*len -= comma == NULL ? here : here + 1;
	n->family = AF_UNSPEC;
	n->bits = 0;
	if (here == 5 && memcmp(word, "local", 5) == 0)
		return 1;
	return read_net(word, here, n) == -1 ? -1 : 1;
}

bool nets_sound(const char *list, size_t len)
{
	struct net n;
	int r;

	while ((r = next_net(&list, &len, &n)) == 1)
		;
	return r == 0;
}

bool nets_allow(const char *list, size_t len, const char *ip)
{
	bool inside = false;
	struct net who, n;

	if (read_net(ip, strlen(ip), &who) == -1 || strchr(ip, '/') != NULL ||
	    !nets_sound(list, len))
		return false;
	while (next_net(&list, &len, &n) == 1)
		inside |= in_net(&who, &n);
	return inside;
}

/*
 * capa.c - the CAPA answer.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  the configuration.
 */
#include "protocol/capa.h"

static void capability(struct reply *out, const char *tag, const char *value)
{
	reply_text(out, tag);
	reply_text(out, value);
	reply_end(out);
}

enum next capa_reply(struct session *s, const struct args *a)
{
	/* In the order of P-70. */
	static const char *const always[] = { "TOP", "UIDL", "RESP-CODES",
		"AUTH-RESP-CODE", "PIPELINING" };
	struct reply *out = &s->out;
	size_t i;

	(void)a;
	reply_ok(out, "capabilities follow");
	for (i = 0; i < sizeof always / sizeof always[0]; i++)
		capability(out, always[i], "");
	if (s->config->expire != NULL)
		capability(out, "EXPIRE ", s->config->expire);
	if (s->plaintext) {	/* in both states, if in one: P-69, P-71 */
		capability(out, "USER", "");
		capability(out, "SASL ", "PLAIN");
	}
	if (s->authz != NULL && s->stls)
		capability(out, "STLS", "");
	if (s->authz == NULL)
		capability(out, "IMPLEMENTATION ", "maildir-pop3d");
	reply_dot(out);
	return STAY;
}

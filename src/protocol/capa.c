/*
 * capa.c - the CAPA answer.
 *
 * Runs as: the owner of the mailbox.
 * Trusts:  the configuration.
 */
#include "protocol/capa.h"

enum next capa_reply(struct session *s, const struct args *a)
{
	/* In the order of P-70. */
	static const char *const always[] = { "TOP", "UIDL", "RESP-CODES",
		"AUTH-RESP-CODE", "PIPELINING" };
	struct reply *out = &s->out;
	size_t i;

	(void)a;
	reply_ok(out, "capabilities follow");
	for (i = 0; i < sizeof always / sizeof always[0]; i++) {
		reply_text(out, always[i]);
		reply_end(out);
	}
	if (s->config->expire != NULL) {
		reply_text(out, "EXPIRE ");
		reply_text(out, s->config->expire);
		reply_end(out);
	}
	reply_text(out, "IMPLEMENTATION maildir-pop3d");
	reply_end(out);
	reply_dot(out);
	return STAY;
}

/*
 * stls.h - TLS begun by a UCSPI-TLS helper (P-125...P-127).
 *
 * The helper holds keys and certificates in a process of its own; all we do
 * is to ask it to begin, and to take other descriptors for 0 and 1 when it
 * has.  What is forgotten then (P-80), and that nothing of the plaintext is
 * left over (P-81, P-82), is the caller's to see to.
 */
#ifndef WIRE_STLS_H
#define WIRE_STLS_H

#define STLS_TEXT_MAX 33	/* octets of a protocol's name with its NUL */
#define STLS_ANSWER_MAX 16384	/* octets of the helper's report: P-126 */

/* Descriptors; -1 each: there is no helper, and STLS is not offered. */
struct stls {
	int control;	/* a Unix stream socket to the helper */
	int read;	/* what the client sent, decrypted */
	int write;	/* what we send, to be encrypted; may be == read */
};

/*
 * Takes the numbers from SSLCTLFD, SSLREADFD and SSLWRITEFD.  All three must
 * be decimal, above 2 and open, and control a socket and none of the others;
 * else *t is -1 each.  Sets close-on-exec on them.  To be called before the
 * sandbox is.
 */
void stls_find(struct stls *t);

enum stls_result {
	STLS_OK,	/* 0 and 1 are the decrypted connection now */
	STLS_FAILED,	/* no handshake, or the helper misbehaved */
	STLS_EXPIRED,	/* idle_ask() said so while we waited */
	STLS_SIGNAL
};

/*
 * Begins TLS, after "+OK" was flushed: asks the helper to start and report,
 * waits for that under the idle alarm, and does stls_swap().  text is the
 * report's SSL_PROTOCOL, for the log; "" if there is none, or if it is not of
 * 1..32 octets of 21..7E.  All else that the report says is passed over:
 * nothing of it enters our environment.
 *
 * Unless STLS_OK the connection is between the two languages: exit without a
 * word (P-127).
 */
enum stls_result stls_start(struct stls *t, char text[STLS_TEXT_MAX]);

/*
 * What a wrapper that had begun TLS before us says in SSL_PROTOCOL, for the
 * log: text as there.
 */
void stls_told(char text[STLS_TEXT_MAX]);

/*
 * Only the swap, for the process that shares the connection and did not ask:
 * read becomes 0, write becomes 1, all three are closed and *t is -1 each.
 * control may be closed, and -1, before.
 * 0, or -1 with errno and the connection of no more use.
 */
int stls_swap(struct stls *t);

#endif

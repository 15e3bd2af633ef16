/*
 * broker.h - the one road from the side before login to the side that checks
 * passwords: one request, one answer (S-3, S-4, S-15).
 *
 * The front parses what a stranger sends; the keeper may become somebody, and
 * reads nothing but these records.  They have one size, every text in them
 * has a length and a fixed maximum, and a record that breaks its own rules
 * ends the connection.
 */
#ifndef LOGIN_BROKER_H
#define LOGIN_BROKER_H

#include <stdint.h>

enum broker_kind {
	BROKER_PASS = 1,	/* USER and PASS */
	BROKER_PLAIN,		/* AUTH PLAIN */
	BROKER_APOP,		/* secret is the digest, in hex */
	BROKER_END		/* the front is done: nobody logged in */
};

#define BROKER_NAME 255		/* octets, a NUL not counted; so the rest */
#define BROKER_SECRET 255
#define BROKER_STAMP 128	/* APOP's, with <> */
#define BROKER_TLS 32		/* protocol version, for the log */
#define BROKER_IP 45
#define BROKER_PORT 5
#define BROKER_ENDS 6		/* the last of enum end; main.c compares them */

struct broker_request {
	uint8_t kind;		/* enum broker_kind */
	uint8_t end;		/* BROKER_END: enum end of protocol/cmd.h, which
				 * stands above: up to BROKER_ENDS */
	uint8_t stls;		/* 1: the descriptors were swapped (P-127) */
	uint8_t tls;		/* 1: TLS is on, however it came */
	uint8_t health;		/* 1: BROKER_END of a health check: no log */
	uint8_t name_len, secret_len, stamp_len, tls_len, ip_len, port_len;
	uint64_t in, out;	/* octets so far */
	char name[BROKER_NAME + 1];	/* no NUL but the one at its end: all */
	char secret[BROKER_SECRET + 1];
	char stamp[BROKER_STAMP + 1];
	char tls_text[BROKER_TLS + 1];	/* 21..7E; peer too: for the log */
	char ip[BROKER_IP + 1];
	char port[BROKER_PORT + 1];
};

enum broker_answer {
	BROKER_GO = 'g',	/* logged in: go without a word */
	BROKER_REFUSED = 'r',	/* [AUTH] */
	BROKER_TEMP = 't',	/* [SYS/TEMP] */
	BROKER_PERM = 'p',	/* [SYS/PERM] */
	BROKER_GONE = 'x'	/* no keeper any more: only for the front */
};

struct broker_verdict {
	uint8_t answer;		/* enum broker_answer */
	uint8_t last;		/* 1: answer the client, then hang up */
};

/* A pair of sockets that keep records apart: [0] the front's. -1: errno. */
int broker_pair(int fd[2]);

/*
 * The front: sends a request, which it wipes, and waits for the verdict.  With
 * BROKER_END there is none to wait for.
 */
struct broker_verdict broker_ask(int fd, struct broker_request *r);

/*
 * The keeper: one request.  1: r holds a sound one; 0: the front has gone;
 * -1: it broke the rules, or errno where that is not 0.
 */
int broker_receive(int fd, struct broker_request *r);

/* 0, or -1: the front has gone. */
int broker_answer(int fd, const struct broker_verdict *v);

/* Copies text of len octets, at most max: 0, or -1 and to is empty. */
int broker_put(char *to, uint8_t *to_len, uint8_t max, const char *text,
    uint64_t len);

#endif

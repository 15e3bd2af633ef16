/*
 * capa.h - the CAPA answer (RFC 2449 sections 5 and 6; P-68...P-73).
 */
#ifndef PROTOCOL_CAPA_H
#define PROTOCOL_CAPA_H

#include "protocol/cmd.h"

/* CAPA: names what works, and nothing else. */
enum next capa_reply(struct session *s, const struct args *a);

#endif

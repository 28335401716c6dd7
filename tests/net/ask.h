/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_NET_ASK_H
#define SBX_TESTS_NET_ASK_H

/* What the requests of `ask` share: addresses, sockets with an end, and one word as answer. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	ASK_PATIENCE_MS = 5000, /* after that a request has failed by `timeout` */
	ASK_SLOW_MS = 1000,     /* an answer that took longer is called slow */
};

struct place {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address;
	socklen_t size;
};

/* An address and a port in figures; ends the program where they are none. */
struct place place_of(const char *address, const char *port);

/* "192.0.2.1 80", of at most size bytes. */
void place_text(const struct place *place, char *to, size_t size);

long now_ms(void);

/* The word for an errno: refused, unreachable, prohibited, timeout, reset, or its number. */
const char *word_of(int errnum);

/* A socket that is connected, or -1 and errno; waits at most ASK_PATIENCE_MS. */
int open_stream(const struct place *to);

/* Prints the word, "slow" where it took long, and the detail. 0 where the word is ok. */
int answer(long started_ms, const char *word, const char *detail);

/* Until a line, the end or size bytes are there: how many, or -1 and errno. */
long read_line(int fd, char *to, size_t size);

int ask_dns(char **words);     /* SERVER NAME TYPE udp|tcp */
int ask_tls(char **words);     /* ADDR PORT NAME|hidden|plain */
int ask_many(char **words);    /* ADDR PORT COUNT */
int ask_pull(char **words);    /* ADDR PORT BYTES */
int ask_push(char **words);    /* ADDR PORT BYTES */
int serve(char **words);       /* tcp|udp ADDR PORT ... */
int become_init(char **words); /* COMMAND... */

#endif

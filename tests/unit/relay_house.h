/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_RELAY_HOUSE_H
#define SBX_TESTS_UNIT_RELAY_HOUSE_H

/*
 * A relay in another thread. The inner half is the test: it asks, and connects to the relay's
 * listener when it is let in. Where a connection wanted to go stands in the house, not in the
 * kernel. sni_find() is made up: the first byte of TLS, a name, the end of the line.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "net/gate.h"

struct relay;
struct splicer;
struct turning;

enum { IDS = 4096, LINES = 32, NO_ANSWER = -1 };

struct house {
	struct turning *turning;
	struct arena arena;
	struct rules rules;
	struct gate gate;
	struct splicer *splicer;
	struct relay *relay;
	struct ip address; /* of the servers, as the sandbox knows it */
	bool has_direct;
	int fd_max;
	unsigned short inside_port; /* of the relay's listener */
	pthread_mutex_t lock;       /* of what follows */
	pthread_cond_t changed;
	int answers[IDS];
	char lines[LINES][1024];
	size_t line_count;
	struct ip original;
	uint16_t original_port; /* 0: it was not redirected */
	uint32_t next_id;
};

/* A program of the sandbox; its socket is bound, so that its port is known. */
struct program {
	int fd;
	struct flow_key flow;
	uint32_t id;
	struct house *house;
};

/* allow: one rule, or NULL: none. */
struct house *open_house(const char *allow);
struct house *open_bounded_house(const char *allow, int fd_max, bool has_direct);
void close_house(struct house *house);

void start_program(struct house *house, uint16_t port, struct program *program);

/* The answer to its first packet, an enum inner_answer; NO_ANSWER: none came. */
int ask(struct program *program);

/* The first packet goes on to the listener, redirected from there. */
void go_in(struct program *program);

struct ip ip_of(const char *text);
void assert_reset(int fd);
void assert_talk(int one, int other);
int accept_from(int listener);

#endif

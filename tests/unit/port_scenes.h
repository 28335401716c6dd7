/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_PORT_SCENES_H
#define SBX_TESTS_UNIT_PORT_SCENES_H

/*
 * Published ports with a sandbox that is made up: its sockets are made here, its interface is
 * 127.1.0.100 and its gateway 127.1.0.2, which anybody may bind to. (The kernel answers from
 * 127.0.0.1 whatever address of 127.0.0.0/8 was asked, so servers of UDP listen on one.) Clients and
 * servers are processes of their own; the loop runs until the client has ended.
 */

#include "base/arena.h"
#include "net/loop.h"
#include "net/ports.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SCENE_INTERFACE "127.1.0.100"
#define SCENE_GATEWAY   "127.1.0.2"

enum {
	SCENE_GUARD_MS = 30000, /* for one client */
	SCENE_ASKS_MAX = 64,
	SCENE_FRAMES_MAX = 8,
};

struct asking {
	int family, type;
	uint32_t count;
	bool transparent;
};

struct scene {
	struct loop *loop;
	struct splicer *splicer;
	struct ports *ports;
	struct net_spec net;
	struct publish published[2];
	struct asking asks[SCENE_ASKS_MAX];
	size_t ask_count;
	bool makes_none; /* the inner half is at its limit */
	struct timer answer, guard;
	struct watch ended;
	bool late;
	pid_t server;
	struct arena arena;
};

/* libslirp, made up. */
struct frame_path {
	struct {
		uint16_t host, guest;
	} published[SCENE_FRAMES_MAX];
	size_t count;
};

/* For main(): a session of UDP is a descriptor. */
void scene_raise_limit(void);

struct scene *make_scene(void);
void end_scene(struct scene *scene);

/* The first `count` of scene->published. frames: what --relay off goes by, or NULL. */
void publish_all(struct scene *scene, size_t count, struct frame_path *frames);

/* One port that leads to guest, from any of the host. */
struct publish published(enum net_protocol protocol, uint16_t guest);

/* The last port of the host that was chosen. */
uint16_t port_of(const struct scene *scene);

/* Runs client() in a process of its own beside the loop. Its answer is the exit status. */
int run_client(struct scene *scene, int (*client)(uint16_t port), uint16_t port);

struct ip ip_of(const char *text);

/* A socket there; one of streams listens. port 0: any. */
int bound(int type, const char *address, uint16_t port, uint16_t *ret_port);

/* One that says who has called (and, by UDP, what). Returns its port. */
uint16_t start_server(struct scene *scene, int type, const char *address);
_Noreturn void serve_udp(int fd);

#endif

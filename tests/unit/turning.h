/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_TURNING_H
#define SBX_TESTS_UNIT_TURNING_H

/* A loop that turns in a thread of its own, so that a test can talk to what it serves. */

struct loop;
struct turning;

struct turning *turning_start(void);
struct loop *turning_loop(const struct turning *turning);

/* Calls act() in the loop's thread, between two events, and returns after it. */
void turning_do(struct turning *turning, void (*act)(void *context), void *context);

/* Ends the thread and frees the loop. */
void turning_stop(struct turning *turning);

/* ---- sockets: TCP over loopback, blocking, with an end to every wait --------------------- */

/* A connected pair. */
void tcp_pair(int ends[2]);

/* Listens on address (AF_INET or AF_INET6 loopback); *ret_port is a free one. */
int tcp_listen(int family, unsigned short *ret_port);
int tcp_dial(int family, unsigned short port, int timeout_s);

/* Bytes of a stream: what a place in it must hold. */
unsigned char stream_byte(unsigned long long place);

/* Writes, or reads and checks, so many of them. Returns 0, or -1: wrong, or too late. */
int stream_write(int fd, unsigned long long size);
int stream_read(int fd, unsigned long long size);

#endif

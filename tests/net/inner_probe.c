/* SPDX-License-Identifier: Apache-2.0 */
#include "inner_probe.h"

#include "base/error.h"
#include "base/files.h"
#include "net/inner.h"
#include "net/messages.h"
#include "net/packet_queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SO_ORIGINAL_DESTINATION = 80, PORTS_MAX = 65536 };

void probe_tell(bool good, const char *format, ...)
{
	va_list arguments;

	printf("%s - ", good ? "ok" : "not ok");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	fflush(stdout);
}

void probe_say(const struct probe_case *run, enum probe_word word)
{
	const uint8_t byte = (uint8_t)word;

	if (send(run->outer, &byte, 1, MSG_NOSIGNAL) != 1)
		abort();
}

bool probe_heard(const struct probe_case *run)
{
	struct pollfd waiting = { .fd = run->outer, .events = POLLIN };
	uint8_t byte = 0;

	return poll(&waiting, 1, 3000) == 1 && recv(run->outer, &byte, 1, 0) == 1 &&
	       byte == 1;
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- the sandbox ---------------------------------------------------------------------- */

static void become_sandbox(int outer)
{
	const uid_t uid = geteuid();
	const gid_t gid = getegid();
	char map[64];
	struct error err;
	int fd;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		abort();
	snprintf(map, sizeof(map), "0 %u 1", uid);
	files_write(AT_FDCWD, "/proc/self/uid_map", map);
	files_write(AT_FDCWD, "/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", gid);
	files_write(AT_FDCWD, "/proc/self/gid_map", map);
	if (net_loopback_up(&err) < 0)
		abort();
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (message_send(outer, "n", 1, &fd, 1) < 0)
		abort();
	close(fd);
}

_Noreturn static void play_sandbox(struct probe_case run, int outer)
{
	run.outer = outer;
	become_sandbox(outer);
	if (recv(outer, run.relay_ports, sizeof(run.relay_ports), 0) !=
	    sizeof(run.relay_ports))
		_exit(1);
	probe_guest(&run);
	fflush(stdout);
	_exit(0);
}

/* ---- the outer half ------------------------------------------------------------------- */

struct outer {
	const struct probe_case *run;
	int inner, guest;
	int fds[INNER_FD_COUNT];
	struct inner_setup setup;
	uint32_t asked[PORTS_MAX];
	uint32_t asked_udp, asked_local;
	uint32_t frames_direct;
	struct queued_packet held[8];
	uint64_t held_until[8];
	size_t held_count;
	enum probe_word client;
};

static void answer(struct outer *outer, uint32_t id, enum inner_answer what)
{
	const struct inner_message message = { .word = INNER_ANSWER,
					       .id = id,
					       .answer = what };

	if (message_send(outer->inner, &message, sizeof(message), NULL, 0) < 0)
		abort();
}

static enum inner_answer answer_of(uint16_t port)
{
	switch (port) {
	case PORT_REFUSE:
		return INNER_REFUSE;
	case PORT_UNREACHABLE:
		return INNER_UNREACHABLE;
	case PORT_PROHIBITED:
		return INNER_PROHIBITED;
	case PORT_DIRECT:
		return INNER_DIRECT;
	case PORT_DROP:
		return INNER_DROP;
	default:
		return INNER_LET;
	}
}

static void hear_packet(struct outer *outer, const struct queued_packet *packet)
{
	const struct flow_key *flow = &packet->flow;
	char text[IP_TEXT_MAX];

	if (flow->protocol == PROTOCOL_UDP)
		outer->asked_udp++;
	else
		outer->asked[flow->port]++;
	ip_format(&flow->to, text);
	if (strcmp(text, OUTSIDE4) != 0 && strcmp(text, OUTSIDE6) != 0)
		outer->asked_local++;
	if (flow->port == PORT_HOLD && outer->held_count < 8) {
		outer->held[outer->held_count] = *packet;
		outer->held_until[outer->held_count++] = now_us() + HOLD_MS * 1000;
		return;
	}
	answer(outer, packet->id,
	       flow->protocol == PROTOCOL_TCP ? answer_of(flow->port) : INNER_PROHIBITED);
}

static void hear_queue(struct outer *outer, int fd)
{
	_Alignas(uint64_t) uint8_t message[4096];
	const ssize_t got = recv(fd, message, sizeof(message), MSG_DONTWAIT);
	struct queued_packet packet = { 0 };
	bool has_id;

	if (got > 0 && packet_queue_parse(message, (size_t)got, &packet, &has_id) == 0)
		hear_packet(outer, &packet);
}

/* ---- a client that comes from elsewhere ------------------------------------------------ */

static bool is_v4(enum probe_word word)
{
	return word == PROBE_CLIENT4 || word == PROBE_DATAGRAM4;
}

static bool is_stream(enum probe_word word)
{
	return word == PROBE_CLIENT4 || word == PROBE_CLIENT6;
}

static void want_client(struct outer *outer, enum probe_word word)
{
	struct inner_message message = { .word = INNER_SOCKETS };

	message.sockets.family = is_v4(word) ? AF_INET : AF_INET6;
	message.sockets.type = is_stream(word) ? SOCK_STREAM : SOCK_DGRAM;
	message.sockets.count = 2;
	message.sockets.transparent = true;
	outer->client = word;
	if (message_send(outer->inner, &message, sizeof(message), NULL, 0) < 0)
		abort();
}

static socklen_t address_of(const char *text, uint16_t port,
			    struct sockaddr_storage *ret_address)
{
	struct ip ip;

	if (ip_parse(text, &ip) < 0)
		abort();
	return ip_to_sockaddr(&ip, port, ret_address);
}

static bool client_hears(int fd, enum probe_word word)
{
	const bool v4 = is_v4(word);
	struct pollfd waiting = { .fd = fd, .events = POLLIN };
	struct sockaddr_storage address;
	socklen_t size = address_of(v4 ? CLIENT4 : CLIENT6, 45678, &address);
	char heard[8] = "";

	fcntl(fd, F_SETFL, 0);
	if (bind(fd, (struct sockaddr *)&address, size) < 0) {
		printf("# bind: %s\n", strerror(errno));
		return false;
	}
	size = address_of(v4 ? "10.0.2.100" : "fd00::64", PORT_SERVER, &address);
	if (connect(fd, (struct sockaddr *)&address, size) < 0) {
		printf("# connect: %s\n", strerror(errno));
		return false;
	}
	if (!is_stream(word))
		send(fd, "hello", 5, 0);
	return poll(&waiting, 1, 2000) == 1 && recv(fd, heard, 4, 0) == 4 &&
	       strcmp(heard, "back") == 0;
}

/* The guest accepts while this waits, and is told of the end. */
static void hear_sockets(struct outer *outer, const struct inner_message *message,
			 const int *fds, size_t count)
{
	const uint8_t heard = count == 2 && message->sockets.count == 2 &&
			      client_hears(fds[0], outer->client);

	for (size_t i = 0; i < count; i++)
		close(fds[i]);
	if (send(outer->guest, &heard, 1, MSG_NOSIGNAL) != 1)
		abort();
}

static int hear_inner(struct outer *outer)
{
	struct inner_message message;
	int fds[INNER_FDS_MAX];
	size_t count;

	if (message_receive(outer->inner, &message, sizeof(message), fds, &count) != 1)
		return -1;
	if (message.word == INNER_SOCKETS)
		hear_sockets(outer, &message, fds, count);
	else if (message.word == INNER_FAILED)
		printf("# inner half: cannot %s: %s\n", message.err.text,
		       strerror(message.err.errnum));
	return 0;
}

static void release_held(struct outer *outer)
{
	for (size_t i = 0; i < outer->held_count; i++) {
		if (outer->held_until[i] > now_us())
			continue;
		answer(outer, outer->held[i].id, INNER_LET);
		outer->held_count--;
		outer->held[i] = outer->held[outer->held_count];
		outer->held_until[i] = outer->held_until[outer->held_count];
		i--;
	}
}

/* Says where the connection wanted to go: what the relay would connect to. */
static void serve_relay(int listener, int level)
{
	struct sockaddr_storage to, here;
	socklen_t size = sizeof(to), here_size = sizeof(here);
	char text[80] = "nowhere", address[IP_TEXT_MAX];
	uint16_t port;
	struct ip ip;
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		return;
	getsockname(fd, (struct sockaddr *)&here, &here_size);
	if (getsockopt(fd, level, SO_ORIGINAL_DESTINATION, &to, &size) == 0 &&
	    memcmp(&to, &here, 8) != 0 && ip_from_sockaddr(&to, &ip, &port) == 0)
		snprintf(text, sizeof(text), "%s %d", ip_format(&ip, address), port);
	send(fd, text, strlen(text), MSG_NOSIGNAL);
	close(fd);
}

static void serve_dns(int fd)
{
	struct sockaddr_storage from;
	socklen_t size = sizeof(from);
	char text[8];

	if (recvfrom(fd, text, sizeof(text), 0, (struct sockaddr *)&from, &size) == 4)
		sendto(fd, "this", 4, 0, (struct sockaddr *)&from, size);
}

static void serve_dns_tcp(int listener)
{
	const int fd = accept(listener, NULL, NULL);

	send(fd, "that", 4, MSG_NOSIGNAL);
	close(fd);
}

/* A frame behind its virtio-net header; TCP to PORT_DIRECT of either family. */
static void hear_tap(struct outer *outer, int fd)
{
	uint8_t frame[2048];
	const ssize_t got = read(fd, frame, sizeof(frame));
	const uint8_t *ip = frame + 10 + 14;

	if (got >= 10 + 14 + 60 && ip[0] == 0x45 && ip[9] == 6)
		outer->frames_direct += ip[22] << 8 == (PORT_DIRECT & 0xff00) &&
					ip[23] == (PORT_DIRECT & 0xff);
	if (got >= 10 + 14 + 60 && ip[0] >> 4 == 6 && ip[6] == 6)
		outer->frames_direct += ip[42] << 8 == (PORT_DIRECT & 0xff00) &&
					ip[43] == (PORT_DIRECT & 0xff);
	/* Neighbour solicitations have no answer here: they stand for their packet. */
	if (got >= 10 + 14 + 28 && frame[10 + 12] == 8 && frame[10 + 13] == 6)
		outer->frames_direct++;
	if (got >= 10 + 14 + 60 && ip[0] >> 4 == 6 && ip[6] == 58 && ip[40] == 135)
		outer->frames_direct++;
}

static void serve_fd(struct outer *outer, enum inner_fd which)
{
	const int fd = outer->fds[which];

	switch (which) {
	case INNER_FD_TAP:
		hear_tap(outer, fd);
		return;
	case INNER_FD_RELAY4:
		serve_relay(fd, IPPROTO_IP);
		return;
	case INNER_FD_RELAY6:
		serve_relay(fd, IPPROTO_IPV6);
		return;
	case INNER_FD_DNS4:
	case INNER_FD_DNS6:
		serve_dns(fd);
		return;
	case INNER_FD_DNS_TCP4:
	case INNER_FD_DNS_TCP6:
		serve_dns_tcp(fd);
		return;
	case INNER_FD_QUEUE:
		hear_queue(outer, fd);
		return;
	case INNER_FD_COUNT:
		return;
	}
}

/* Until the sandbox has said all. */
static void serve(struct outer *outer)
{
	for (;;) {
		struct pollfd waits[INNER_FD_COUNT + 2];
		uint8_t word;

		for (int i = 0; i < INNER_FD_COUNT; i++)
			waits[i] = (struct pollfd){ outer->fds[i], POLLIN, 0 };
		waits[INNER_FD_COUNT] = (struct pollfd){ outer->inner, POLLIN, 0 };
		waits[INNER_FD_COUNT + 1] = (struct pollfd){ outer->guest, POLLIN, 0 };
		poll(waits, INNER_FD_COUNT + 2, outer->held_count ? 20 : 1000);
		release_held(outer);
		for (int i = 0; i < INNER_FD_COUNT; i++)
			if (waits[i].revents)
				serve_fd(outer, (enum inner_fd)i);
		if (waits[INNER_FD_COUNT].revents && hear_inner(outer) < 0)
			return;
		if (!waits[INNER_FD_COUNT + 1].revents)
			continue;
		if (recv(outer->guest, &word, 1, 0) != 1)
			return;
		want_client(outer, (enum probe_word)word);
	}
}

/* ---- beginning and end ----------------------------------------------------------------- */

static void fill_spec(const struct probe_case *run, struct net_spec *spec)
{
	*spec = (struct net_spec){ .mode = run->relay_mode ? NET_RELAY : NET_USER,
				   .relay_off = run->relay_off,
				   .txqueuelen = 777 };
	prefix_parse("10.0.2.100/24", &spec->address);
	prefix_parse("fd00::64/64", &spec->address6);
	spec->address.ip.bytes[15] = 100;
	spec->address6.ip.bytes[15] = 0x64;
	ip_parse("10.0.2.2", &spec->gateway);
	ip_parse("fd00::2", &spec->gateway6);
	ip_parse("10.0.2.3", &spec->dns);
	ip_parse("fd00::3", &spec->dns6);
}

/* 0 when it is ready. */
static int await_ready(struct outer *outer)
{
	struct inner_message message;
	int fds[INNER_FDS_MAX];
	size_t count = 0, at = 0;

	if (message_receive(outer->inner, &message, sizeof(message), fds, &count) != 1)
		return -1;
	if (message.word != INNER_READY) {
		printf("# cannot %s: %s\n", message.err.text,
		       strerror(message.err.errnum));
		return -1;
	}
	outer->setup = message.setup;
	for (int i = 0; i < INNER_FD_COUNT; i++)
		outer->fds[i] = outer->setup.has & 1U << i && at < count ? fds[at++] : -1;
	probe_tell(at == count, "every descriptor has its place");
	return 0;
}

static void tell_ports(const struct outer *outer)
{
	uint16_t ports[2] = { 0 };

	for (int i = 0; i < 2; i++) {
		struct sockaddr_storage address;
		socklen_t size = sizeof(address);
		struct ip ip;

		if (getsockname(outer->fds[INNER_FD_RELAY4 + i],
				(struct sockaddr *)&address, &size) == 0)
			ip_from_sockaddr(&address, &ip, &ports[i]);
	}
	send(outer->guest, ports, sizeof(ports), MSG_NOSIGNAL);
}

static void check_counts(const struct outer *outer)
{
	const uint32_t hold = outer->asked[PORT_HOLD];

	probe_tell(outer->asked_local == 0, "nobody asks for local addresses: %u",
		   outer->asked_local);
	if (outer->run->relay_off) {
		probe_tell(outer->setup.diverts == 0 && outer->setup.why_no_relay[0],
			   "the relay is off: %s", outer->setup.why_no_relay);
		return;
	}
	/* The kernel does not send again what still waits. */
	probe_tell(hold == 2, "a packet that waits is not asked for again: %u", hold);
	probe_tell(outer->setup.diverts == 3, "both families are diverted: %u %s",
		   outer->setup.diverts, outer->setup.why_no_relay);
	probe_tell(outer->setup.keeps_tcp == 3 && outer->setup.keeps_udp_source,
		   "clients can keep their address");
	if (outer->run->relay_mode)
		probe_tell(outer->asked_udp == 2, "UDP was asked for: %u",
			   outer->asked_udp);
	else
		probe_tell(outer->frames_direct > 0, "the tap saw the direct ones: %u",
			   outer->frames_direct);
}

static bool ends_soon(pid_t pid)
{
	for (int i = 0; i < 200; i++) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return true;
		usleep(10000);
	}
	return false;
}

static void try_case(const struct probe_case *run)
{
	struct outer *outer = calloc(1, sizeof(*outer));
	struct net_spec spec;
	struct error err;
	int ends[2], fds[INNER_FDS_MAX];
	size_t count;
	char letter;
	uint64_t began;
	pid_t guest, inner;

	printf("# %s\n", run->name);
	fflush(stdout);
	fill_spec(run, &spec);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		abort();
	guest = fork();
	if (guest == 0) {
		close(ends[0]);
		play_sandbox(*run, ends[1]);
	}
	close(ends[1]);
	outer->guest = ends[0];
	outer->run = run;
	if (message_receive(outer->guest, &letter, 1, fds, &count) != 1 || count != 1)
		abort();
	began = now_us();
	inner = inner_start(&spec, fds[0], &outer->inner, &err);
	if (inner < 0) {
		probe_tell(false, "starts: cannot %s: %s", err.text,
			   strerror(err.errnum));
		kill(guest, SIGKILL);
		return;
	}
	printf("# born after %lu us\n", (unsigned long)(now_us() - began));
	if (await_ready(outer) == 0) {
		printf("# ready after %lu us\n", (unsigned long)(now_us() - began));
		tell_ports(outer);
		serve(outer);
		check_counts(outer);
	} else {
		probe_tell(false, "is ready");
		kill(guest, SIGKILL);
	}
	probe_tell(ends_soon(guest), "the sandbox ends");
	close(outer->inner);
	probe_tell(ends_soon(inner), "the inner half ends with the outer half");
	for (int i = 0; i < INNER_FD_COUNT; i++)
		if (outer->fds[i] > 0)
			close(outer->fds[i]);
	free(outer);
}

int main(void)
{
	static const struct probe_case cases[] = {
		{ .name = "with a tap" },
		{ .name = "without the relay", .relay_off = true },
		{ .name = "without a tap", .relay_mode = true },
	};

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		try_case(&cases[i]);
	printf("# done\n");
	return 0;
}

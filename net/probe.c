/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this host can give a network, for `sbx doctor`: a device and the packet filter are tried
 * for real, each in namespaces of its own that end with the child that made them.
 */
#include "net/net.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "net/netfilter.h"
#include "net/netlink.h"
#include "net/packet_queue.h"
#include "net/resolv.h"
#include "net/slirp_glue.h"
#include "net/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	TRIAL_SECONDS = 4,
	ANY_PORT = 9, /* of rules that nothing will meet */
};

/* A namespace of one id is mapped by whoever made it: user_namespaces(7). */
static int map_itself(const char *path, unsigned int id)
{
	char text[32];

	snprintf(text, sizeof(text), "0 %u 1", id);
	return files_write(AT_FDCWD, path, text);
}

static int enter_namespaces(struct error *err)
{
	const unsigned int uid = geteuid(), gid = getegid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return error_errno(err, "make a network namespace");
	if (files_write(AT_FDCWD, "/proc/self/setgroups", "deny") < 0 ||
	    map_itself("/proc/self/uid_map", uid) < 0 ||
	    map_itself("/proc/self/gid_map", gid) < 0)
		return error_errno(err, "map its own ids");
	return net_loopback_up(err);
}

static int try_tap(struct error *err)
{
	auto_close int tap = tap_open("tap0", true, err);

	return tap < 0 ? -1 : 0;
}

static int try_relay(int family, struct error *err)
{
	const struct netfilter_spec filter = {
		.family = family,
		.queue = PACKET_QUEUE_NUMBER,
		.relay = ANY_PORT,
		.dns = ANY_PORT,
		.dns_tcp = ANY_PORT,
		.dns_address = { .bytes = { [15] = 1 } },
	};
	auto_close int fd = netlink_open(NETLINK_NETFILTER);

	if (fd < 0)
		return error_errno(err, "open a socket of netfilter");
	if (packet_queue_bind(fd, err) < 0)
		return -1;
	return netfilter_set_up(fd, &filter, err);
}

static int try_relay4(struct error *err)
{
	return try_relay(AF_INET, err);
}

static int try_relay6(struct error *err)
{
	return try_relay(AF_INET6, err);
}

/* "KEY 0", or "KEY ERRNO STEP"; a line is one write. */
static void tell_trial(const char *key, const struct error *err)
{
	char line[320];
	int length = snprintf(line, sizeof(line), "%s %d%s%s\n", key, err->errnum,
			      err->text[0] ? " " : "", err->text);

	if (write(STDOUT_FILENO, line, (size_t)length) < 0)
		_exit(1);
}

static _Noreturn void run_trial(const char *key, int (*act)(struct error *))
{
	struct error err = { 0 };

	alarm(TRIAL_SECONDS);
	if ((enter_namespaces(&err) < 0 || act(&err) < 0) && err.errnum == 0)
		err.errnum = EIO;
	tell_trial(key, &err);
	_exit(0);
}

/* One that never came back was killed by a filter around us, or by its timer. */
static void try_it(const char *key, int (*act)(struct error *))
{
	const pid_t child = fork();
	struct error err = { 0 };
	int status = 1;

	if (child == 0)
		run_trial(key, act);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (status == 0)
		return;
	errno = ENOSYS;
	error_errno(&err, "survive the attempt");
	tell_trial(key, &err);
}

static void tell_resolvers(void)
{
	struct arena arena = { 0 };
	const char *text = net_host_resolv_conf(&arena);
	struct resolv resolv;
	char address[IP_TEXT_MAX];

	resolv_parse(text, text ? strlen(text) : 0, &resolv);
	for (size_t i = 0; i < resolv.server_count; i++)
		printf("resolver %s\n", ip_format(&resolv.servers[i].ip, address));
	arena_free(&arena);
}

/* As a sandbox gets it that asks for nothing. */
static void tell_ip6(void)
{
	struct net_spec spec = { .mode = NET_USER };
	struct error err = { 0 };

	if (net_choose_addresses(&spec, false, &err) == 0)
		printf("ip6 %s\n", spec.address6.bits ? "yes" : "no");
}

int net_probe(void)
{
	char stack[64];

	printf("version %s\n", SBX_VERSION);
	printf("stack %s\n", stack_version(stack, sizeof(stack)) ? stack : "none");
	tell_ip6();
	tell_resolvers();
	if (fflush(stdout) != 0)
		return 1;
	try_it("tap", try_tap);
	try_it("relay4", try_relay4);
	try_it("relay6", try_relay6);
	return 0;
}

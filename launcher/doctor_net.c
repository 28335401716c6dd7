/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sbx-net says of the host's network (net_probe() of net/net.h): it is asked, because what
 * it would need for the trials is nothing that a front end should have in it.
 */
#include "launcher/doctor.h"

#include "base/fd.h"
#include "base/own_program.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROBE_SECONDS = 15 }; /* its trials have timers of their own */

static void read_trial(const char *text, struct trial *ret_trial)
{
	char *end;
	const long errnum = strtol(text, &end, 10);

	*ret_trial = (struct trial){ .ran = true, .errnum = (int)errnum };
	text_printable(ret_trial->step, sizeof(ret_trial->step),
		       *end == ' ' ? end + 1 : end);
}

static void add_resolver(const char *address, struct net_facts *net)
{
	const size_t used = strlen(net->resolvers);

	net->resolver_count++;
	if (used + strlen(address) + 2 > sizeof(net->resolvers))
		return;
	snprintf(net->resolvers + used, sizeof(net->resolvers) - used, "%s%s",
		 used ? " " : "", address);
}

static void read_word(const char *key, const char *value, struct net_facts *net)
{
	if (strcmp(key, "version") == 0)
		text_printable(net->version, sizeof(net->version), value);
	else if (strcmp(key, "stack") == 0)
		text_printable(net->stack, sizeof(net->stack), value);
	else if (strcmp(key, "ip6") == 0)
		net->ip6 = strcmp(value, "yes") == 0;
	else if (strcmp(key, "resolver") == 0)
		add_resolver(value, net);
	else if (strcmp(key, "tap") == 0)
		read_trial(value, &net->tap);
	else if (strcmp(key, "relay4") == 0)
		read_trial(value, &net->relay4);
	else if (strcmp(key, "relay6") == 0)
		read_trial(value, &net->relay6);
}

void host_parse_probe(char *text, struct net_facts *net)
{
	char *rest = text;

	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
		char *value = strchr(line, ' ');

		if (!value)
			continue;
		*value = '\0';
		read_word(line, value + 1, net);
	}
}

static _Noreturn void ask(const char *path, int channel)
{
	char *const argv[] = { (char *)(uintptr_t)path, "--probe", NULL };
	char *const environment[] = { NULL };
	const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);

	alarm(PROBE_SECONDS);
	if (nowhere < 0 || dup2(nowhere, 0) < 0 || dup2(channel, 1) < 0 ||
	    dup2(nowhere, 2) < 0)
		_exit(127);
	execve(path, argv, environment);
	_exit(127);
}

bool host_ask(const char *name, char *ret_path, size_t path_size, char *ret_text,
	      size_t size)
{
	char path[PATH_MAX];
	const bool there = own_program_find(name, path) == 0;
	ssize_t length = 0;
	int channel[2];
	pid_t child;

	ret_text[0] = '\0';
	text_printable(ret_path, path_size, path);
	if (!there || pipe2(channel, O_CLOEXEC) < 0)
		return there;
	child = fork();
	if (child == 0)
		ask(path, channel[1]);
	close(channel[1]);
	if (child > 0)
		length = fd_read_all(channel[0], ret_text, size - 1);
	close(channel[0]);
	if (child > 0)
		waitpid(child, NULL, 0);
	ret_text[length > 0 ? length : 0] = '\0';
	return there;
}

void host_probe_net(struct net_facts *net)
{
	char text[4096];

	net->there =
		host_ask("sbx-net", net->path, sizeof(net->path), text, sizeof(text));
	host_parse_probe(text, net);
}

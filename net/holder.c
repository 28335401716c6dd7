/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who holds a port. The kernel lists its sockets with their inode in /proc/net (proc_pid_net(5));
 * whose descriptor leads to that inode is the holder. That can be seen of the own
 * processes only; of others it is known to whom the socket belongs. Every step is bounded: this
 * is for the second line of an error, and the host may have any number of processes.
 */
#include "net/net.h"

#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	LINES_MAX = 100000,
	TIME_MAX_MS = 300,
	INODE_TEXT = 32,
	STATE_LISTEN = 0x0a, /* TCP_LISTEN */
};

struct held {
	unsigned long inode; /* 0: nobody was found */
	unsigned int uid;
};

struct wanted {
	enum net_protocol protocol;
	struct ip address;
	uint16_t port;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- the sockets ----------------------------------------------------------------------- */

static bool is_any(const struct ip *ip)
{
	static const struct ip any;
	const struct ip any4 = ip_from_v4(0);

	return ip_equal(ip, &any) || ip_equal(ip, &any4);
}

/* Words of 32 bits, each in the byte order of the machine, in hexadecimal. */
static int read_address(const char *text, size_t digits, struct ip *ret_ip)
{
	uint32_t words[4] = { 0 };
	struct ip ip = { { 0 } };

	for (size_t i = 0; i < digits / 8; i++) {
		char word[9] = "";
		uint64_t value;

		memcpy(word, text + i * 8, 8);
		if (text_to_u64(word, 16, &value) < 0)
			return -1;
		words[i] = (uint32_t)value;
	}
	if (digits == 8)
		ip = ip_from_v4(words[0]);
	else
		memcpy(ip.bytes, words, sizeof(ip.bytes));
	*ret_ip = ip;
	return 0;
}

/* "0100007F:1F90" */
static int read_end(const char *text, struct ip *ret_ip, uint16_t *ret_port)
{
	const size_t digits = strcspn(text, ":");
	uint64_t port;

	if ((digits != 8 && digits != 32) || text[digits] != ':' ||
	    text_to_u64(text + digits + 1, 16, &port) < 0 || port > 65535)
		return -1;
	*ret_port = (uint16_t)port;
	return read_address(text, digits, ret_ip);
}

static bool is_in_the_way(const struct wanted *wanted, const struct ip *ip, uint16_t port)
{
	if (port != wanted->port)
		return false;
	return ip_equal(ip, &wanted->address) || is_any(ip) || is_any(&wanted->address);
}

/* sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode … */
static bool read_line(char *line, const struct wanted *wanted, struct held *ret_held)
{
	enum { LOCAL = 1, STATE = 3, UID = 7, INODE = 9, FIELDS };
	const char *fields[FIELDS];
	char *rest = line;
	struct ip ip;
	uint16_t port;
	uint64_t state, uid, inode;

	for (size_t i = 0; i < FIELDS; i++) {
		fields[i] = strtok_r(NULL, " \n", &rest);
		if (!fields[i])
			return false;
	}
	if (read_end(fields[LOCAL], &ip, &port) < 0 || !is_in_the_way(wanted, &ip, port))
		return false;
	if (text_to_u64(fields[STATE], 16, &state) < 0 ||
	    text_to_u64(fields[UID], 10, &uid) < 0 ||
	    text_to_u64(fields[INODE], 10, &inode) < 0 || inode == 0)
		return false;
	if (wanted->protocol == PROTOCOL_TCP && state != STATE_LISTEN)
		return false;
	*ret_held = (struct held){ (unsigned long)inode, (unsigned int)uid };
	return true;
}

static void search_table(const char *path, const struct wanted *wanted,
			 struct held *ret_held)
{
	FILE *table = fopen(path, "re");
	char line[512];

	if (!table)
		return;
	for (size_t i = 0; i < LINES_MAX && fgets(line, sizeof(line), table); i++)
		if (read_line(line, wanted, ret_held))
			break;
	fclose(table);
}

static struct held find_socket(const struct wanted *wanted)
{
	const bool tcp = wanted->protocol == PROTOCOL_TCP;
	struct held held = { 0, 0 };

	search_table(tcp ? "/proc/net/tcp" : "/proc/net/udp", wanted, &held);
	if (!held.inode)
		search_table(tcp ? "/proc/net/tcp6" : "/proc/net/udp6", wanted, &held);
	return held;
}

/* ---- the processes --------------------------------------------------------------------- */

static bool holds(int proc, const char *pid, const char *inode)
{
	char path[32], target[INODE_TEXT + 8];
	const struct dirent *found;
	bool is_found = false;
	DIR *fds;
	int dir;

	snprintf(path, sizeof(path), "%.16s/fd", pid);
	dir = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fds = dir < 0 ? NULL : fdopendir(dir);
	if (!fds) {
		fd_close(&dir);
		return false;
	}
	while (!is_found && (found = readdir(fds))) {
		ssize_t length =
			readlinkat(dir, found->d_name, target, sizeof(target) - 1);

		if (length <= 0)
			continue;
		target[length] = '\0';
		is_found = strcmp(target, inode) == 0;
	}
	closedir(fds);
	return is_found;
}

static void name_process(int proc, const char *pid, char *to, size_t size)
{
	char path[32], name[64], shown[128];

	snprintf(path, sizeof(path), "%.16s/comm", pid);
	if (files_read(proc, path, name, sizeof(name) - 1) < 0)
		(void)text_copy(name, sizeof(name), "a process");
	name[strcspn(name, "\n")] = '\0';
	snprintf(to, size, "%s (pid %.16s)", text_printable(shown, sizeof(shown), name),
		 pid);
}

/* Whether somebody was found; to says who. */
static bool find_process(unsigned long inode, char *to, size_t size)
{
	DIR *processes = opendir("/proc");
	const uint64_t until = now_ms() + TIME_MAX_MS;
	const struct dirent *found;
	bool is_found = false;
	char text[INODE_TEXT];

	if (!processes)
		return false;
	snprintf(text, sizeof(text), "socket:[%lu]", inode);
	while (!is_found && now_ms() < until && (found = readdir(processes))) {
		if (found->d_name[0] < '1' || found->d_name[0] > '9')
			continue;
		is_found = holds(dirfd(processes), found->d_name, text);
		if (is_found)
			name_process(dirfd(processes), found->d_name, to, size);
	}
	closedir(processes);
	return is_found;
}

void net_port_holder(enum net_protocol protocol, const struct ip *address, uint16_t port,
		     char *to, size_t size)
{
	const struct wanted wanted = { protocol, *address, port };
	const struct held held = find_socket(&wanted);

	to[0] = '\0';
	if (!held.inode || find_process(held.inode, to, size))
		return;
	if (held.uid == 0)
		(void)text_copy(to, size, "a process of root");
	else if (held.uid != geteuid())
		snprintf(to, size, "a process of user %u", held.uid);
}

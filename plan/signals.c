/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "plan/internal.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct signal_row {
	const char *name;
	int number;
} rows[] = {
	{ "HUP", SIGHUP },   { "INT", SIGINT },       { "QUIT", SIGQUIT },
	{ "ILL", SIGILL },   { "TRAP", SIGTRAP },     { "ABRT", SIGABRT },
	{ "BUS", SIGBUS },   { "FPE", SIGFPE },       { "KILL", SIGKILL },
	{ "USR1", SIGUSR1 }, { "SEGV", SIGSEGV },     { "USR2", SIGUSR2 },
	{ "PIPE", SIGPIPE }, { "ALRM", SIGALRM },     { "TERM", SIGTERM },
	{ "CHLD", SIGCHLD }, { "CONT", SIGCONT },     { "STOP", SIGSTOP },
	{ "TSTP", SIGTSTP }, { "TTIN", SIGTTIN },     { "TTOU", SIGTTOU },
	{ "URG", SIGURG },   { "XCPU", SIGXCPU },     { "XFSZ", SIGXFSZ },
	{ "PROF", SIGPROF }, { "VTALRM", SIGVTALRM }, { "WINCH", SIGWINCH },
	{ "IO", SIGIO },     { "PWR", SIGPWR },       { "SYS", SIGSYS },
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

/* "RTMIN", "RTMIN+3", "RTMAX-1" */
static int real_time(const char *text)
{
	bool up = !strncasecmp(text, "RTMIN", 5);
	int offset = 0;

	if (!up && strncasecmp(text, "RTMAX", 5) != 0)
		return -1;
	if (text[5] && (text[5] != (up ? '+' : '-') ||
			text_to_int(text + 6, 0, SIGRTMAX - SIGRTMIN, &offset) < 0))
		return -1;
	return up ? SIGRTMIN + offset : SIGRTMAX - offset;
}

int signal_by_name(const char *name)
{
	int number;

	if (text_to_int(name, 1, SIGRTMAX, &number) == 0)
		return number;
	if (!strncasecmp(name, "SIG", 3))
		name += 3;
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (!strcasecmp(name, rows[i].name))
			return rows[i].number;
	}
	return real_time(name);
}

const char *signal_name(int number, struct arena *arena)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (rows[i].number == number)
			return arena_printf(arena, "SIG%s", rows[i].name);
	}
	if (number >= SIGRTMIN && number <= SIGRTMAX)
		return arena_printf(arena, "SIGRTMIN+%d", number - SIGRTMIN);
	return arena_printf(arena, "%d", number);
}

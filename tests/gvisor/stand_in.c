/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program in the place of runsc, for tests that want it to fail, to hang, or to be another
 * release. It is static, since the root that runsc sees has no libraries, and what it is to
 * play stands behind its end, since nothing else comes along into that root: lib.sh writes
 * both. Each line is
 *
 *   COMMAND ACTION [TEXT]
 *
 * COMMAND: version, flags, help, create, start, kill, state, wait, delete, exec, run, do, or
 * guest for the process that plays the sandbox from create on. What has no lines does what
 * runsc would. ACTION:
 *
 *   stdout, stderr   a line of output
 *   log, panic       a line in the folder of --debug-log, in the file of --panic-log
 *   message          a line in the file of --log, as JSON
 *   arguments        every command line until now, on stdout
 *   record           the command line appended to the file TEXT, where it can be reached
 *   fill             TEXT kilobytes of log
 *   fifo             a pipe with the name TEXT, in the place of what has it
 *   list             what is in the directory TEXT, on stderr in one line, by the alphabet
 *   pid              TEXT as the pid of --pid-file, and the end
 *   hang             sleeps until it is killed
 *   raise            dies by signal TEXT
 *   exit             ends with status TEXT
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PLAY_MAX = 256 * 1024, OWN_FAILURE = 128, POLL_NS = 5000000, POLLS = 6000 };

struct call {
	char **argv;
	const char *command; /* "" where there is none */
	const char *play;
	const char *root, *log_dir, *panic_file, *log_file, *pid_file;
};

static const char begin[] = "#play\n", end[] = "#end\n";

/* The lines behind the program, "" where there are none. */
static char *read_play(void)
{
	char *text = calloc(1, PLAY_MAX + 1), *at;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	size_t length = size > PLAY_MAX ? PLAY_MAX : (size_t)size;
	ssize_t got;

	if (!text)
		abort();
	got = pread(fd, text, length, size - (off_t)length);
	close(fd);
	if (got < (ssize_t)sizeof(end) ||
	    memcmp(text + got - (sizeof(end) - 1), end, sizeof(end) - 1) != 0)
		return strcpy(text, "");
	for (at = text + got - (sizeof(end) - 1); at > text; at--)
		if (memcmp(at, begin, sizeof(begin) - 1) == 0)
			break;
	text[got - (ssize_t)(sizeof(end) - 1)] = '\0';
	return at > text ? at + sizeof(begin) - 1 : strcpy(text, "");
}

/* ---- what is written where ---- */

static void append_line(const char *path, const char *line)
{
	FILE *file = path ? fopen(path, "ae") : NULL;

	if (!file)
		return;
	fprintf(file, "%s\n", line);
	fclose(file);
}

static void log_line(const struct call *call, const char *line)
{
	char path[PATH_MAX];

	if (!call->log_dir)
		return;
	snprintf(path, sizeof(path), "%srunsc.log.19700101-000000.000000.boot.txt",
		 call->log_dir);
	append_line(path, line);
}

static void fill_log(const struct call *call, long kilobytes)
{
	char line[1024];
	long i;

	memset(line, '.', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	for (i = 0; i < kilobytes; i++)
		log_line(call, line);
}

static void message(const struct call *call, const char *text)
{
	char line[1024];

	snprintf(line, sizeof(line), "{\"msg\":\"%s\",\"level\":\"error\"}", text);
	append_line(call->log_file, line);
}

/* The file NAME of the sandbox's state. */
static const char *state_file(const struct call *call, const char *name, char *path)
{
	snprintf(path, PATH_MAX, "%s/%s", call->root ? call->root : "/nonexistent", name);
	return path;
}

static void write_arguments(const struct call *call, const char *path)
{
	FILE *file = fopen(path, "ae");
	char **arg;

	if (!file)
		return;
	for (arg = call->argv + 1; *arg; arg++)
		fprintf(file, "%s%s", arg == call->argv + 1 ? "" : " ", *arg);
	fprintf(file, "\n");
	fclose(file);
}

static void show_file(const char *path)
{
	FILE *file = fopen(path, "re");
	int character;

	if (!file)
		return;
	for (character = fgetc(file); character != EOF; character = fgetc(file))
		putchar(character);
	fclose(file);
}

/* ---- one line of the play ---- */

static void hang(void)
{
	for (;;)
		pause();
}

static void make_fifo(const char *path)
{
	unlink(path);
	if (mkfifo(path, 0600) < 0)
		exit(OWN_FAILURE);
}

static void list(const char *path)
{
	struct dirent **entries = NULL;
	const int count = scandir(path, &entries, NULL, alphasort);
	int i;

	for (i = 0; i < count; i++)
		if (entries[i]->d_name[0] != '.')
			fprintf(stderr, "%s ", entries[i]->d_name);
	fprintf(stderr, "\n");
}

static void write_pid(const char *path, pid_t pid)
{
	FILE *file = path ? fopen(path, "we") : NULL;

	if (!file)
		return;
	fprintf(file, "%d", (int)pid);
	fclose(file);
}

static void act_further(const struct call *call, const char *action, const char *text)
{
	char path[PATH_MAX];

	if (strcmp(action, "arguments") == 0)
		show_file(state_file(call, "arguments", path));
	else if (strcmp(action, "record") == 0)
		write_arguments(call, text);
	else if (strcmp(action, "fill") == 0)
		fill_log(call, strtol(text, NULL, 10));
	else if (strcmp(action, "fifo") == 0)
		make_fifo(text);
	else if (strcmp(action, "list") == 0)
		list(text);
	else if (strcmp(action, "pid") == 0)
		write_pid(call->pid_file, (pid_t)strtol(text, NULL, 10)), exit(0);
	else if (strcmp(action, "hang") == 0)
		hang();
	else if (strcmp(action, "raise") == 0)
		raise((int)strtol(text, NULL, 10));
	else if (strcmp(action, "exit") == 0)
		exit((int)strtol(text, NULL, 10));
	else
		exit(OWN_FAILURE);
}

static void act(const struct call *call, const char *action, const char *text)
{
	if (strcmp(action, "stdout") == 0)
		printf("%s\n", text);
	else if (strcmp(action, "stderr") == 0)
		fprintf(stderr, "%s\n", text);
	else if (strcmp(action, "log") == 0)
		log_line(call, text);
	else if (strcmp(action, "panic") == 0)
		append_line(call->panic_file, text);
	else if (strcmp(action, "message") == 0)
		message(call, text);
	else
		act_further(call, action, text);
	fflush(stdout);
}

/* Plays the lines of a command. Whether one of them was output. */
static bool play(const struct call *call, const char *command)
{
	char *lines = strdup(call->play), *line, *rest, *action, *text;
	bool spoke = false;

	for (line = strtok_r(lines, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		action = strchr(line, ' ');
		if (!action)
			continue;
		*action++ = '\0';
		if (strcmp(line, command) != 0)
			continue;
		text = strchr(action, ' ');
		if (text)
			*text++ = '\0';
		act(call, action, text ? text : "");
		spoke |= strncmp(action, "std", 3) == 0;
	}
	free(lines);
	return spoke;
}

/* ---- what runsc does where nothing is played ---- */

static const char flags[] = "  -debug-log string\n  -directfs\n  -file-access value\n"
			    "  -gso\n  -host-settings value\n  -host-uds value\n"
			    "  -ignore-cgroups\n  -log string\n  -net-raw\n"
			    "  -network value\n  -oci-seccomp\n  -overlay2 value\n"
			    "  -panic-log string\n  -platform string\n  -root string\n"
			    "  -rootless\n";

/* Waits, for half a minute, until `start` was called. */
static void await_start(const struct call *call)
{
	const struct timespec pace = { 0, POLL_NS };
	char path[PATH_MAX];
	int i;

	for (i = 0; i < POLLS && access(state_file(call, "started", path), F_OK) != 0;
	     i++)
		nanosleep(&pace, NULL);
}

static int create(const struct call *call)
{
	char path[PATH_MAX];
	pid_t pid = fork();

	if (pid < 0)
		return OWN_FAILURE;
	if (pid == 0) {
		await_start(call);
		play(call, "guest");
		exit(0);
	}
	write_pid(state_file(call, "pid", path), pid);
	write_pid(call->pid_file, pid);
	return 0;
}

static int start(const struct call *call)
{
	char path[PATH_MAX];

	append_line(state_file(call, "started", path), "");
	return 0;
}

static int kill_guest(const struct call *call)
{
	char path[PATH_MAX], digits[16] = "", **arg = call->argv;
	FILE *file = fopen(state_file(call, "pid", path), "re");
	int number = SIGTERM;

	if (!file || !fgets(digits, sizeof(digits), file))
		return OWN_FAILURE;
	fclose(file);
	for (; *arg; arg++)
		if (strtol(*arg, NULL, 10) > 0)
			number = (int)strtol(*arg, NULL, 10);
	return kill((pid_t)strtol(digits, NULL, 10), number) == 0 ? 0 : OWN_FAILURE;
}

static int say(FILE *stream, const char *text)
{
	fputs(text, stream);
	return 0;
}

static int serve(const struct call *call)
{
	bool spoke = play(call, call->command);

	if (spoke)
		return 0;
	if (strcmp(call->command, "version") == 0)
		return say(stdout,
			   "runsc version release-20240729.0\nspec: 1.1.0-rc.1\n");
	if (strcmp(call->command, "flags") == 0)
		return say(stderr, flags);
	if (strcmp(call->command, "help") == 0)
		return say(stdout, "kvm\nptrace\nsystrap\n");
	if (strcmp(call->command, "create") == 0)
		return create(call);
	if (strcmp(call->command, "start") == 0)
		return start(call);
	if (strcmp(call->command, "kill") == 0)
		return kill_guest(call);
	return 0;
}

/* ---- the command line ---- */

/* The value of --NAME=VALUE or -NAME=VALUE; NULL: it is none of that. */
static const char *value_of(const char *arg, const char *name)
{
	size_t length = strlen(name);

	arg += strspn(arg, "-");
	return strncmp(arg, name, length) == 0 && arg[length] == '=' ? arg + length + 1
								     : NULL;
}

static void read_flag(struct call *call, char **arg)
{
	const struct {
		const char *name, **value;
	} known[] = {
		{ "root", &call->root },
		{ "debug-log", &call->log_dir },
		{ "panic-log", &call->panic_file },
		{ "log", &call->log_file },
		{ "pid-file", &call->pid_file },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const char *value = value_of(arg[0], known[i].name);

		if (value)
			*known[i].value = value;
		else if (strcmp(arg[0] + strspn(arg[0], "-"), known[i].name) == 0 &&
			 arg[1])
			*known[i].value = arg[1];
	}
}

static bool is_command(const char *word)
{
	static const char *const words[] = { "flags", "help", "create", "start",  "kill",
					     "state", "wait", "delete", "exec",   "run",
					     "do",    "list", "ps",     "events", NULL };
	int i;

	for (i = 0; words[i]; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

static void read_call(struct call *call)
{
	char **arg;

	for (arg = call->argv + 1; *arg; arg++) {
		if (arg[0][0] == '-')
			read_flag(call, arg);
		else if (!call->command && is_command(*arg))
			call->command = *arg;
		if (strcmp(*arg, "--version") == 0 || strcmp(*arg, "-version") == 0)
			call->command = "version";
	}
	if (!call->command)
		call->command = "";
}

int main(int argc, char **argv)
{
	struct call call = { .argv = argv, .play = read_play() };
	char path[PATH_MAX];

	(void)argc;
	read_call(&call);
	if (call.root && strcmp(call.command, "create") == 0)
		mkdir(call.root, 0700);
	write_arguments(&call, state_file(&call, "arguments", path));
	return serve(&call);
}

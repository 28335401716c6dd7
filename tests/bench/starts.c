/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts several commands in turn, round after round, and says what one start of each
 * costs. Whatever else the machine does in a round hits all of them alike.
 *
 *	starts --rounds N --seconds S [--rewind FD]… NAME COMMAND [ARG…] [, NAME COMMAND [ARG…]]…
 *
 * A descriptor that is inherited and read by each command is rewound before each start.
 *
 * Prints a line for each, separated by tabs: NAME, wall time in ms at the 10th, 50th and
 * 90th percentile, median CPU time in ms, rounds. CPU time is that of the process started
 * and of those that it waited for; what outlives it is not in it. A command that fails in
 * a warm-up round is left out: NAME, "failed", and its status. The clock ends the rounds
 * early when S seconds are over.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	COMMANDS_MAX = 32,
	REWOUND_MAX = 32,
	ROUNDS_MAX = 10000,
	WARM_UP = 5,
};

struct command {
	const char *name;
	char **argv;
	int failure; /* wait status of a start that failed, 0: none did */
	double *wall_ms;
	double *cpu_ms;
};

struct bench {
	struct command commands[COMMANDS_MAX];
	size_t count;
	size_t rounds;
	double seconds;
	int rewound[REWOUND_MAX];
	size_t rewound_count;
	posix_spawn_file_actions_t silence;
};

extern char **environ;

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double to_ms(struct timeval time)
{
	return (double)time.tv_sec * 1e3 + (double)time.tv_usec / 1e3;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a;
	double right = *(const double *)b;

	return (left > right) - (left < right);
}

static void rewind_all(const struct bench *bench)
{
	for (size_t i = 0; i < bench->rewound_count; i++)
		if (lseek(bench->rewound[i], 0, SEEK_SET) != 0)
			exit(1);
}

/* One start. The figures are stored at `round`, if that is not negative. */
static void start_once(struct bench *bench, struct command *command, int round)
{
	struct rusage usage;
	int status = 0;
	double begin;
	pid_t pid;
	int errnum;

	rewind_all(bench);
	begin = now_ms();
	errnum = posix_spawnp(&pid, command->argv[0], &bench->silence, NULL,
			      command->argv, environ);

	if (errnum != 0) {
		command->failure = 127 << 8;
		return;
	}
	if (wait4(pid, &status, 0, &usage) != pid)
		exit(1);

	double wall = now_ms() - begin;

	if (status != 0)
		command->failure = status;
	if (round < 0)
		return;
	command->wall_ms[round] = wall;
	command->cpu_ms[round] = to_ms(usage.ru_utime) + to_ms(usage.ru_stime);
}

/* Whoever is first in a round changes from round to round. */
static void run_round(struct bench *bench, int round)
{
	for (size_t i = 0; i < bench->count; i++) {
		size_t turn = (i + (size_t)(round + WARM_UP)) % bench->count;
		struct command *command = &bench->commands[turn];

		if (command->failure == 0)
			start_once(bench, command, round);
	}
}

/* Returns how many rounds there were. */
static size_t run_rounds(struct bench *bench)
{
	size_t done = 0;

	for (int round = -WARM_UP; round < 0; round++)
		run_round(bench, round);

	double end = now_ms() + bench->seconds * 1e3;

	while (done < bench->rounds && (done < 3 || now_ms() < end))
		run_round(bench, (int)done++);
	return done;
}

static void report(struct command *command, size_t rounds)
{
	if (command->failure != 0) {
		printf("%s\tfailed\t%d\n", command->name,
		       WIFEXITED(command->failure) ? WEXITSTATUS(command->failure)
						   : 128 + WTERMSIG(command->failure));
		return;
	}
	qsort(command->wall_ms, rounds, sizeof(double), compare);
	qsort(command->cpu_ms, rounds, sizeof(double), compare);
	printf("%s\t%.3f\t%.3f\t%.3f\t%.3f\t%zu\n", command->name,
	       command->wall_ms[rounds / 10], command->wall_ms[rounds / 2],
	       command->wall_ms[rounds * 9 / 10], command->cpu_ms[rounds / 2], rounds);
}

static void *allocate(size_t count)
{
	double *memory = calloc(count, sizeof(*memory));

	if (!memory)
		exit(1);
	return memory;
}

/* Reads "NAME COMMAND…, …"; the commas become the ends of the vectors. */
static void read_commands(struct bench *bench, char **words)
{
	while (*words && bench->count < COMMANDS_MAX) {
		struct command *command = &bench->commands[bench->count++];

		command->name = *words++;
		command->argv = words;
		command->wall_ms = allocate(bench->rounds);
		command->cpu_ms = allocate(bench->rounds);
		while (*words && strcmp(*words, ",") != 0)
			words++;
		if (*words)
			*words++ = NULL;
	}
}

static bool read_arguments(struct bench *bench, int argc, char **argv)
{
	if (argc < 7 || strcmp(argv[1], "--rounds") != 0 ||
	    strcmp(argv[3], "--seconds") != 0)
		return false;
	bench->rounds = strtoul(argv[2], NULL, 10);
	bench->seconds = strtod(argv[4], NULL);
	if (bench->rounds < 1 || bench->rounds > ROUNDS_MAX)
		return false;
	for (argv += 5; argv[0] && strcmp(argv[0], "--rewind") == 0 && argv[1];
	     argv += 2) {
		if (bench->rewound_count == REWOUND_MAX)
			return false;
		bench->rewound[bench->rewound_count++] = atoi(argv[1]);
	}
	read_commands(bench, argv);
	return true;
}

int main(int argc, char **argv)
{
	static struct bench bench;

	if (!read_arguments(&bench, argc, argv)) {
		fputs("usage: starts --rounds N --seconds S [--rewind FD]... "
		      "NAME COMMAND... [, ...]\n",
		      stderr);
		return 2;
	}
	posix_spawn_file_actions_init(&bench.silence);
	posix_spawn_file_actions_addopen(&bench.silence, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&bench.silence, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&bench.silence, 2, "/dev/null", O_WRONLY, 0);

	size_t rounds = run_rounds(&bench);

	for (size_t i = 0; i < bench.count; i++)
		report(&bench.commands[i], rounds);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What system calls cost where it runs: `calls SECONDS FILE` prints a line for each kind, with
 * the median of batches in nanoseconds a call. FILE is some file that can be read.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BATCHES_MAX = 4000, BATCH_NS = 5000000 };

static const char *file;
static int opened;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void must(int good)
{
	if (!good) {
		perror(file);
		exit(1);
	}
}

static void call_getppid(void)
{
	must(syscall(SYS_getppid) >= 0);
}

static void call_open(void)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	must(fd >= 0 && close(fd) == 0);
}

static void call_stat(void)
{
	struct stat status;

	must(stat(file, &status) == 0);
}

static void call_read(void)
{
	char bytes[4096];

	must(pread(opened, bytes, sizeof(bytes), 0) > 0);
}

static void call_fork(void)
{
	pid_t pid = fork();
	int status;

	must(pid >= 0);
	if (pid == 0)
		_exit(0);
	must(waitpid(pid, &status, 0) == pid && status == 0);
}

static const struct kind {
	const char *name;
	void (*call)(void);
} kinds[] = {
	{ "getppid", call_getppid }, { "open", call_open }, { "stat", call_stat },
	{ "read", call_read },       { "fork", call_fork },
};

static uint64_t time_batch(const struct kind *kind, unsigned int count)
{
	const uint64_t begin = now_ns();

	for (unsigned int i = 0; i < count; i++)
		kind->call();
	return (now_ns() - begin) / count;
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a;
	uint64_t right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* Batches are of a few milliseconds, whatever a call costs. */
static uint64_t median_of(const struct kind *kind, uint64_t ns)
{
	static uint64_t batches[BATCHES_MAX];
	const uint64_t end = now_ns() + ns;
	const uint64_t first = time_batch(kind, 10) + 1;
	const unsigned int count =
		first > BATCH_NS ? 1 : (unsigned int)(BATCH_NS / first);
	size_t done = 0;

	do
		batches[done++] = time_batch(kind, count);
	while (done < BATCHES_MAX && now_ns() < end);
	qsort(batches, done, sizeof(*batches), compare);
	return batches[done / 2];
}

int main(int argc, char **argv)
{
	const size_t count = sizeof(kinds) / sizeof(*kinds);

	if (argc != 3) {
		fputs("usage: calls SECONDS FILE\n", stderr);
		return 2;
	}
	file = argv[2];
	opened = open(file, O_RDONLY | O_CLOEXEC);
	must(opened >= 0);

	const uint64_t ns = (uint64_t)(strtod(argv[1], NULL) * 1e9 / (double)count);

	for (size_t i = 0; i < count; i++)
		printf("%s %llu\n", kinds[i].name,
		       (unsigned long long)median_of(&kinds[i], ns));
	return 0;
}

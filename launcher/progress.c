/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/progress.h"

#include "base/fd.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum {
	FIRST_MS = 400,
	EACH_MS = 100,
	BAR_MIN = 10,
	BAR_MAX = 40,
	FIGURES = 40, /* columns for percent, rate and time */
	TITLE_MAX = 30,
	LINE_MAX = 256,
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void put_time(uint64_t left_s, char *text, size_t size)
{
	if (left_s >= 3600)
		snprintf(text, size, "%u:%02u:%02u left", (unsigned int)(left_s / 3600),
			 (unsigned int)(left_s / 60 % 60), (unsigned int)(left_s % 60));
	else
		snprintf(text, size, "%u:%02u left", (unsigned int)(left_s / 60),
			 (unsigned int)(left_s % 60));
}

static void put_bar(unsigned int filled, unsigned int width, char *bar)
{
	memset(bar, '#', filled);
	memset(bar + filled, '.', width - filled);
	bar[width] = '\0';
}

void progress_line(const char *title, uint64_t done, uint64_t total, uint64_t elapsed_ms,
		   unsigned int width, char *line, unsigned int size)
{
	const double rate = elapsed_ms ? (double)done * 1000 / (double)elapsed_ms : 0;
	const unsigned int beside = FIGURES + (unsigned int)strnlen(title, TITLE_MAX);
	const unsigned int room = width > beside ? width - beside : 0;
	const unsigned int columns = room > BAR_MAX ? BAR_MAX : room;
	char bar[BAR_MAX + 1], left[32] = "";
	double part;

	/* A line that wraps could not be taken back. */
	if (width < size)
		size = width;
	if (total == 0 || done > total) {
		snprintf(line, size, "%.*s  %.1f MB  %.0f MB/s", TITLE_MAX, title,
			 (double)done / 1e6, rate / 1e6);
		return;
	}
	part = (double)done / (double)total;
	if (rate > 0)
		put_time((uint64_t)((double)(total - done) / rate + 0.5), left,
			 sizeof(left));
	if (columns < BAR_MIN) {
		snprintf(line, size, "%3.0f %%  %.0f MB/s  %s", part * 100, rate / 1e6,
			 left);
		return;
	}
	put_bar((unsigned int)(part * columns), columns, bar);
	snprintf(line, size, "%.*s  [%s] %3.0f %%  %.0f MB/s  %s", TITLE_MAX, title, bar,
		 part * 100, rate / 1e6, left);
}

static unsigned int terminal_width(void)
{
	struct winsize window;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) < 0 || window.ws_col == 0)
		return 80;
	return window.ws_col;
}

/* The cursor stays at the beginning of the line, whose rest is cleared (ECMA-48, EL). */
static void put_line(const char *line)
{
	char text[LINE_MAX + 8];
	const int length = snprintf(text, sizeof(text), "\r%s\033[K\r", line);

	if (length > 0)
		(void)fd_write_all(STDERR_FILENO, text, (size_t)length);
}

void progress_show(struct progress *progress, uint64_t done, uint64_t total)
{
	const uint64_t now = now_ms();
	char line[LINE_MAX];

	if (!progress->title || !isatty(STDERR_FILENO))
		return;
	if (!progress->began_ms)
		progress->began_ms = now;
	if (now - progress->began_ms < FIRST_MS || now - progress->shown_ms < EACH_MS)
		return;
	progress_line(progress->title, done, total, now - progress->began_ms,
		      terminal_width(), line, sizeof(line));
	put_line(line);
	progress->shown_ms = now;
	progress->visible = true;
}

void progress_clear(struct progress *progress)
{
	if (progress->visible)
		put_line("");
	progress->visible = false;
}

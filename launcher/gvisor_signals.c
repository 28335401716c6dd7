/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals for a process in gVisor: each is a `runsc kill`. One at a time, so that they arrive in
 * their order, and whoever sends thousands starts no thousands of processes: a signal that waits
 * is not queued again (signal(7)).
 */
#include "launcher/gvisor_drive.h"

#include "launcher/child.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static pid_t spawn_kill(const struct gvisor_start *start,
			const struct gvisor_signal *signal)
{
	struct words words;
	char number[16], process[32];

	snprintf(number, sizeof(number), "%d", signal->number);
	snprintf(process, sizeof(process), "--pid=%d", start->process);
	runsc_begin(&words, start->state);
	runsc_add(&words, "kill");
	if (start->process)
		runsc_add(&words, process);
	else if (signal->group)
		runsc_add(&words, "--all");
	runsc_add(&words, GVISOR_ID);
	runsc_add(&words, number);
	return runsc_spawn(&words, NULL);
}

static void send_next(struct gvisor_start *start)
{
	struct gvisor_signal next = start->waiting[0];

	if (start->killer > 0 || start->waiting_count == 0)
		return;
	start->waiting_count--;
	memmove(start->waiting, start->waiting + 1,
		start->waiting_count * sizeof(*start->waiting));
	start->killer = spawn_kill(start, &next);
}

void gvisor_signal(const struct child *child, int number, bool group)
{
	struct gvisor_start *start = child->gvisor;
	const struct gvisor_signal signal = { number, group };

	/* What comes before it does not matter any more, and who ends waits for nobody. */
	if (number == SIGKILL) {
		(void)spawn_kill(start, &signal);
		return;
	}
	for (size_t i = 0; i < start->waiting_count; i++) {
		if (start->waiting[i].number == number &&
		    start->waiting[i].group == group)
			return;
	}
	if (start->waiting_count < GVISOR_WAITING_MAX)
		start->waiting[start->waiting_count++] = signal;
	send_next(start);
}

void gvisor_reaped(const struct child *child, pid_t pid)
{
	if (pid != child->gvisor->killer)
		return;
	child->gvisor->killer = 0;
	send_next(child->gvisor);
}

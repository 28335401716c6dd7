/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the caller typed, and its environment. Anybody who sees process 1 can read its
 * command line, dumpable or not, and the strings lie there as the kernel has put them. So
 * before the command starts they move elsewhere, and their place is wiped.
 */
#include "launcher/child.h"
#include "launcher/executor.h"

#include "base/error.h"
#include "base/text.h"
#include "plan/plan.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct move {
	const char *from, *to;
	size_t size;
};

static const char *moved(const struct move *move, const char *text)
{
	if (text < move->from || text >= move->from + move->size)
		return text;
	return move->to + (text - move->from);
}

static void move_list(const struct move *move, const char *const *list)
{
	const char **at = (const char **)(uintptr_t)list;

	for (; at && *at; at++)
		*at = moved(move, *at);
}

/* From the first argument to the end of the last variable lies one piece of memory. */
struct caller_text caller_text_find(int argc, char **argv)
{
	struct caller_text text = { argv[0], 0 };
	char *last = argv[argc - 1];

	for (char **at = environ; *at; at++)
		last = *at;
	text.size = (size_t)(last - argv[0]) + strlen(last) + 1;
	return text;
}

int caller_text_hide(struct child *child, struct error *err)
{
	struct process_spec *process =
		(struct process_spec *)(uintptr_t)&child->plan->process;
	struct move move = { .from = child->caller_text,
			     .size = child->caller_text_size };
	void *room = mmap(NULL, move.size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (room == MAP_FAILED)
		return error_errno(err, "move the caller's arguments away");
	memcpy(room, move.from, move.size);
	move.to = room;
	move_list(&move, process->argv);
	move_list(&move, process->env);
	move_list(&move, (const char *const *)environ);
	process->cwd = moved(&move, process->cwd);
	memset(child->caller_text, 0, child->caller_text_size);
	(void)text_copy(child->caller_text, child->caller_text_size, "sbx-init");
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether kvm is of use. Where virtual machines lie in virtual machines its device can be
 * opened, makes a machine and a processor, and runsc hangs in it nevertheless: so something is
 * started there, for three seconds at most.
 */
#include "launcher/gvisor.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "launcher/gvisor_ask.h"
#include "launcher/gvisor_known.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

enum { TRIAL_MS = 3000, FAILURE_SECONDS = 3600 };

#define NODE "/dev/kvm"

static int hint(const struct gvisor_binary *binary, const char *what, struct error *err)
{
	return error_hint(err, "%s--platform %s does without it", what,
			  binary->platforms & (1U << PLATFORM_SYSTRAP) ? "systrap"
								       : "ptrace");
}

int gvisor_judge_kvm_node(int errnum, const struct gvisor_binary *binary,
			  struct error *err)
{
	switch (errnum) {
	case 0:
		return 0;
	case ENOENT:
	case ENODEV:
	case ENXIO:
		error_set(err, ERROR_KVM_MISSING,
			  "use --platform kvm: there is no %s on this machine", NODE);
		return hint(binary, "", err);
	case EACCES:
	case EPERM:
		error_set(err, ERROR_KVM_FORBIDDEN,
			  "use --platform kvm: %s may not be opened", NODE);
		return hint(binary,
			    "it is for the group kvm (sudo usermod -aG kvm NAME); ", err);
	default:
		error_set(err, ERROR_KVM_UNUSABLE, "use --platform kvm: %s: %s", NODE,
			  strerror(errnum));
		return hint(binary, "", err);
	}
}

static int open_node(void)
{
	auto_close int fd = open(NODE, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? errno : 0;
}

/* ---- the trial ------------------------------------------------------------------------- */

/* Of its log line what comes behind date and place. */
static const char *first_line(char *text)
{
	static const char word[] = "FATAL ERROR: ";
	const char *found;

	text[strcspn(text, "\n")] = '\0';
	found = strstr(text, word);
	return found ? found + strlen(word) : text;
}

int gvisor_try_platform(const struct gvisor_binary *binary, enum gvisor_platform platform,
			struct error *err)
{
	const char *name = gvisor_platform_name(platform);
	struct arena arena = { 0 };
	const char *words[] = {
		"runsc",
		"--rootless",
		"--network=none",
		"--ignore-cgroups",
		arena_printf(&arena, "--platform=%s", name),
		arena_printf(&arena, "--root=%s", GVISOR_TRIAL_STATE),
		"do",
		"/bin/true",
		NULL,
	};
	struct gvisor_answer *answer = arena_alloc(&arena, sizeof(*answer));
	struct gvisor_question question = gvisor_ask(binary->path, words, true);
	int result = -1;

	if (gvisor_hear(&question, gvisor_now_ms() + TRIAL_MS, answer) < 0)
		error_errno_id(err, ERROR_KVM_UNUSABLE, "try --platform %s", name);
	else if (!answer->in_time)
		error_set(err, ERROR_KVM_UNUSABLE,
			  "use --platform %s: a trial did not end within 3 seconds",
			  name);
	else if (!WIFEXITED(answer->status) || WEXITSTATUS(answer->status) != 0)
		error_set(err, ERROR_KVM_UNUSABLE,
			  "use --platform %s: a trial failed: %.100s", name,
			  first_line(answer->text));
	else
		result = 0;
	arena_free(&arena);
	return result;
}

/* ---- what is remembered ------------------------------------------------------------------ */

/* A machine that was busy may have been too slow: a failure does not count for ever. */
static bool is_known(const struct gvisor_known *known, uint64_t now)
{
	return known->kvm == KVM_WORKS ||
	       (known->kvm == KVM_FAILS && now - known->kvm_tried < FAILURE_SECONDS);
}

static int try_once(const struct gvisor_binary *binary, struct arena *arena,
		    struct error *err)
{
	struct gvisor_known *known = gvisor_recall(binary->path, arena);
	const uint64_t now = (uint64_t)time(NULL);
	int result;

	if (is_known(known, now) && known->kvm == KVM_WORKS)
		return 0;
	if (is_known(known, now))
		return error_set(
			err, ERROR_KVM_UNUSABLE,
			"use --platform kvm: a trial failed, less than an hour ago");
	result = gvisor_try_platform(binary, PLATFORM_KVM, err);
	known->kvm = result == 0 ? KVM_WORKS : KVM_FAILS;
	known->kvm_tried = now;
	gvisor_remember(binary->path, known, arena);
	return result;
}

int gvisor_try_kvm(const struct gvisor_binary *binary, struct error *err)
{
	struct arena arena = { 0 };
	int result = gvisor_judge_kvm_node(open_node(), binary, err);

	if (result == 0 && try_once(binary, &arena, err) < 0)
		result = hint(binary, "kvm inside of a virtual machine often fails; ",
			      err);
	arena_free(&arena);
	return result;
}

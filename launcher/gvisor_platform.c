/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which platform is taken: the first of a list that works here. auto is systrap where this
 * runsc has it, else ptrace; kvm is taken only where somebody named it and it was tried, for
 * that its device can be opened says nothing. There is no step down but those of the list.
 */
#include "launcher/gvisor.h"

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "launcher/gvisor_known.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* ---- what this machine is ------------------------------------------------------------------ */

int gvisor_ptrace_scope(void)
{
	char text[16];
	const ssize_t length = files_read(AT_FDCWD, "/proc/sys/kernel/yama/ptrace_scope",
					  text, sizeof(text) - 1);

	return length > 0 ? (int)strtol(text, NULL, 10) : 0;
}

/* Since 6.11 every network namespace has the file that old releases take for the host's. */
static bool kernel_shows_net_core(void)
{
	unsigned long major, minor;
	struct utsname name;
	char *end;

	if (uname(&name) < 0)
		return true;
	major = strtoul(name.release, &end, 10);
	minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
	return major > 6 || (major == 6 && minor >= 11);
}

static bool map_has(const struct id_map *map, uint32_t inside)
{
	for (size_t i = 0; i < map->count; i++) {
		if (inside >= map->ranges[i].inside &&
		    inside - map->ranges[i].inside < map->ranges[i].count)
			return true;
	}
	return false;
}

/* ---- one platform -------------------------------------------------------------------------- */

static int refuse_not_built(const struct gvisor_binary *binary,
			    enum gvisor_platform platform, struct error *err)
{
	char others[64] = "";
	size_t used = 0;

	for (enum gvisor_platform i = 0; i < PLATFORM_COUNT; i++) {
		if (binary->platforms & (1U << i))
			used += (size_t)snprintf(others + used, sizeof(others) - used,
						 "%s%s", used ? ", " : "",
						 gvisor_platform_name(i));
	}
	error_set(err, ERROR_RUNSC_PLATFORM,
		  "use --platform %s: runsc %s (%s) has only %s",
		  gvisor_platform_name(platform), binary->release, binary->path, others);
	return error_hint(err, "--platform auto takes what it has");
}

static int refuse_untraced(enum gvisor_platform platform, struct error *err)
{
	error_set(err, ERROR_RUNSC_PLATFORM,
		  "use --platform %s: kernel.yama.ptrace_scope is 3, nobody may trace",
		  gvisor_platform_name(platform));
	return error_hint(err, "--platform kvm does without; the sysctl is 0 to 2 only "
			       "after the machine was started anew");
}

static int check_platform(const struct gvisor_binary *binary,
			  enum gvisor_platform platform, struct error *err)
{
	if (!(binary->platforms & (1U << platform)))
		return refuse_not_built(binary, platform, err);
	if (platform == PLATFORM_KVM)
		return gvisor_try_kvm(binary, err);
	return gvisor_ptrace_scope() >= GVISOR_SCOPE_NONE ? refuse_untraced(platform, err)
							  : 0;
}

/* ---- the ladder ---------------------------------------------------------------------------- */

static size_t platforms_of(const struct runtime_spec *spec,
			   const struct gvisor_binary *binary,
			   enum gvisor_platform ret_platforms[PLATFORM_COUNT])
{
	if (spec->platform_count > 0) {
		memcpy(ret_platforms, spec->platforms, sizeof(spec->platforms));
		return spec->platform_count;
	}
	ret_platforms[0] = binary->platforms & (1U << PLATFORM_SYSTRAP) ? PLATFORM_SYSTRAP
									: PLATFORM_PTRACE;
	return 1;
}

__attribute__((format(printf, 2, 3))) static void add_note(struct gvisor_choice *choice,
							   const char *format, ...)
{
	const size_t used = strlen(choice->notes);
	va_list args;

	va_start(args, format);
	vsnprintf(choice->notes + used, sizeof(choice->notes) - used, format, args);
	va_end(args);
}

static int choose_platform(const struct runtime_spec *spec, struct gvisor_choice *choice,
			   struct error *err)
{
	enum gvisor_platform platforms[PLATFORM_COUNT];
	const size_t count = platforms_of(spec, &choice->binary, platforms);

	for (size_t i = 0; i < count; i++) {
		choice->platform = platforms[i];
		if (check_platform(&choice->binary, platforms[i], err) == 0)
			return 0;
		if (i + 1 < count)
			add_note(choice, "cannot %s; next is %s\n", err->text,
				 gvisor_platform_name(platforms[i + 1]));
	}
	return -1;
}

/* ---- how runsc lives here -------------------------------------------------------------------- */

/*
 * Its processes become nobody, which needs that id; or else, where the release can, they stay
 * who they are. Yama's scope 2 asks for a capability that they have only then.
 */
static int choose_directfs(const struct plan *plan, struct gvisor_choice *choice,
			   struct error *err)
{
	const bool can_stay = choice->binary.flags & GVISOR_DIRECTFS;
	const bool has_nobody = map_has(&plan->ids.uids, GVISOR_NOBODY) &&
				map_has(&plan->ids.gids, GVISOR_NOBODY);

	if (!has_nobody && !can_stay && plan->runtime.net != GVISOR_NET_HOST) {
		error_set(err, ERROR_SUBIDS_MISSING,
			  "start runsc %s: it needs an id for its user nobody",
			  choice->binary.release);
		return error_hint(err, "subordinate ids (sbx doctor), a newer runsc, or "
				       "--gvisor-net host");
	}
	choice->directfs =
		can_stay && (!has_nobody || gvisor_ptrace_scope() == GVISOR_SCOPE_ADMIN);
	return 0;
}

int gvisor_choose(const struct plan *plan, struct gvisor_choice *ret_choice,
		  struct error *err)
{
	struct gvisor_choice choice = { .directfs = false };

	*err = (struct error){ .errnum = 0 };
	if (gvisor_find(&plan->runtime, &choice.binary, err) < 0 ||
	    gvisor_probe(&choice.binary, err) < 0 ||
	    choose_platform(&plan->runtime, &choice, err) < 0 ||
	    choose_directfs(plan, &choice, err) < 0)
		return -1;
	if (strcmp(choice.binary.pinned_release, "latest") == 0)
		add_note(&choice,
			 "the pin asks for the release `latest`, which is another with "
			 "each download; this one is %s\n",
			 choice.binary.release);
	choice.hides_net_core =
		choice.binary.date < GVISOR_NET_CORE_FIXED && kernel_shows_net_core();
	*ret_choice = choice;
	return 0;
}

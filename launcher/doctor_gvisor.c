/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of the doctor's table: what --runtime runsc would find here. The runsc is the one that
 * a run would take, with what the configuration says of it, and it is asked, not believed.
 */
#include "launcher/doctor_judges.h"

#include "base/accounts.h"
#include "base/error.h"
#include "base/text.h"
#include "launcher/gvisor_known.h"
#include "launcher/images.h"
#include "plan/plan.h"

#include <stdio.h>
#include <string.h>

/* ---- facts -------------------------------------------------------------------------------- */

static void tell_problem(const struct error *err, char *ret_text, size_t size)
{
	if (err->errnum && !err->explained)
		snprintf(ret_text, size, "cannot %s: %s", err->text,
			 strerror(err->errnum));
	else
		snprintf(ret_text, size, "cannot %s", err->text);
}

static void probe(const struct runtime_spec *spec, struct gvisor_facts *facts)
{
	struct gvisor_binary binary = { .date = 0 };
	struct error err = { 0 };

	if (gvisor_find(spec, &binary, &err) < 0 || gvisor_probe(&binary, &err) < 0) {
		facts->missing = err.id == ERROR_RUNSC_MISSING && !spec->runsc;
		tell_problem(&err, facts->problem, sizeof(facts->problem));
		return;
	}
	facts->there = true;
	text_copy(facts->path, sizeof(facts->path), binary.path);
	text_copy(facts->version, sizeof(facts->version), binary.release);
	text_copy(facts->pin, sizeof(facts->pin), spec->pin ? spec->pin : "");
	facts->latest = strcmp(binary.pinned_release, "latest") == 0;
	facts->date = binary.date;
	facts->directfs = binary.flags & GVISOR_DIRECTFS;
	facts->systrap = binary.platforms & (1U << PLATFORM_SYSTRAP);
	facts->ptrace = binary.platforms & (1U << PLATFORM_PTRACE);
	facts->kvm = binary.platforms & (1U << PLATFORM_KVM);
	if (facts->kvm && gvisor_try_kvm(&binary, &err) < 0)
		tell_problem(&err, facts->kvm_problem, sizeof(facts->kvm_problem));
}

/* As a run without options would have it; where the configuration is wrong, as with none. */
void host_probe_gvisor(struct gvisor_facts *facts)
{
	static const char *const words[] = { "--runtime", "runsc",     "--cwd", "off",
					     "--",        "/bin/true", NULL };
	static const struct runtime_spec none = { .kind = RUNTIME_RUNSC };
	struct plan plan = { .arena = { 0 } };
	struct error ignored = { 0 };

	facts->ptrace_scope = gvisor_ptrace_scope();
	if (plan_from_args(words, &images_roots, true, &plan, &ignored) < 0) {
		probe(&none, facts);
		return;
	}
	probe(&plan.runtime, facts);
	plan_free(&plan);
}

/* ---- rows --------------------------------------------------------------------------------- */

/* Seen in 20221219.0, and no longer in 20240729.0. */
enum { STATX_MENDED = 20230101 };

static const char no_runsc[] = "no --runtime runsc";

/* A release that is known, rather than whatever is the latest. */
static void remedy_install(const struct host_facts *facts, struct finding *finding)
{
	if (facts->packages == PACKAGES_APT) {
		finding_install(facts, finding, "runsc", "");
		return;
	}
	finding_remedy(
		finding,
		"sudo sh -c 'wget -O /usr/local/bin/runsc https://storage.googleapis.com/"
		"gvisor/releases/release/20250407.0/%s/runsc && chmod 755 "
		"/usr/local/bin/runsc'",
		facts->machine);
}

void judge_runsc(const struct host_facts *facts, struct finding *finding)
{
	const struct gvisor_facts *gvisor = &facts->gvisor;

	if (!gvisor->there) {
		finding_short(finding, ROW_MISSING, no_runsc);
		finding_found(finding, "%s",
			      gvisor->missing ? "not installed" : gvisor->problem);
		if (gvisor->missing)
			remedy_install(facts, finding);
		return;
	}
	finding_found(finding, "%.100s, %s, %s%.80s", gvisor->path, gvisor->version,
		      gvisor->pin[0] ? "pinned by " : "not pinned", gvisor->pin);
	if (gvisor->date > 0 && gvisor->date < STATX_MENDED)
		finding_short(
			finding, ROW_LIMITED,
			"ls -l and stat of coreutils 9 fail in so old a release, which "
			"does not know a flag of statx(2)");
	if (gvisor->latest)
		finding_short(finding, ROW_LIMITED,
			      "its pin asks for `latest`, which is another release with "
			      "each download");
}

static void find_platforms(const struct gvisor_facts *gvisor, struct finding *finding)
{
	const char *kvm = !gvisor->kvm ? "" : gvisor->kvm_problem[0] ? "" : ", kvm";

	finding_found(finding, "%s%s%s%s%s%.140s", gvisor->systrap ? "systrap" : "",
		      gvisor->systrap && gvisor->ptrace ? ", " : "",
		      gvisor->ptrace ? "ptrace" : "", kvm,
		      gvisor->kvm_problem[0] ? "; " : "", gvisor->kvm_problem);
}

void judge_gvisor_platforms(const struct host_facts *facts, struct finding *finding)
{
	const struct gvisor_facts *gvisor = &facts->gvisor;
	const bool has_kvm = gvisor->kvm && !gvisor->kvm_problem[0];

	if (!gvisor->there) {
		finding_found(finding, "not asked: there is no runsc that can be used");
		finding_short(finding, ROW_MISSING, no_runsc);
		return;
	}
	find_platforms(gvisor, finding);
	if (gvisor->ptrace_scope >= GVISOR_SCOPE_NONE) {
		finding_found(finding, "kernel.yama.ptrace_scope is %d: nobody may trace",
			      gvisor->ptrace_scope);
		finding_short(finding, has_kvm ? ROW_LIMITED : ROW_MISSING,
			      has_kvm ? "only --platform kvm" : no_runsc);
		return;
	}
	if (!gvisor->systrap)
		finding_short(
			finding, ROW_LIMITED,
			"system calls cost more by ptrace; releases of 2023 and later "
			"have systrap");
}

/* Which id its user nobody would be. */
static bool has_nobody(const struct host_facts *facts)
{
	if (facts->uid == 0 && !facts->unmapped)
		return true;
	return facts->id_map.ran && !facts->id_map.errnum &&
	       facts->subids[SUBID_UID].ids >= GVISOR_NOBODY &&
	       facts->subids[SUBID_GID].ids >= GVISOR_NOBODY;
}

void judge_gvisor_host(const struct host_facts *facts, struct finding *finding)
{
	const struct gvisor_facts *gvisor = &facts->gvisor;
	const bool old = gvisor->there && gvisor->date < GVISOR_NET_CORE_FIXED &&
			 (facts->major > 6 || (facts->major == 6 && facts->minor >= 11));

	finding_found(finding, "%s%s%s",
		      has_nobody(facts) ? "an id for its user nobody"
					: "no subordinate id for its user nobody",
		      gvisor->ptrace_scope == GVISOR_SCOPE_ADMIN
			      ? "; --directfs, for kernel.yama.ptrace_scope is 2"
			      : "",
		      old ? "; this kernel's /proc/sys/net/core is hidden from so old a "
			    "release"
			  : "");
	if (has_nobody(facts))
		return;
	if (gvisor->there && !gvisor->directfs)
		finding_short(finding, ROW_MISSING,
			      "no --runtime runsc with so old a release, but with "
			      "--gvisor-net host");
	else
		finding_short(finding, ROW_LIMITED,
			      "gVisor's kernel runs with the caller's own id");
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runsc says when it fails, as one sentence. Most failures of a start look alike on its
 * stderr ("cannot read client sync file: … EOF"); the cause stands in the message of the
 * process that had it, the sandbox or the gofer, in the file of --log or of --panic-log.
 *
 * The texts are those of releases 20221219 to 20240729 and of the sources of 2025 and 2026, provoked
 * one by one by what the comments say; tests/unit/test_gvisor_failure.c has them whole.
 */
#include "launcher/gvisor.h"

#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

enum { LINE_MAX_BYTES = 1024 };

/* One cause: it is it where a line has text, and until behind it. */
struct cause {
	const char *text, *until; /* until NULL: text alone; "": the rest of the line */
	enum error_id id;
	/* Completes "cannot "; one that ends in a blank goes on with what lies between both. */
	const char *sentence;
	const char *hint;
};

#define FILES_HINT "ulimit -n raises the limit on open files; 1024 are enough"
#define FILTER_HINT                                                                      \
	"a filter around sbx (a container engine's, systemd's) has to let runsc do that"
#define PTRACE_HINT                                                                      \
	"kernel.yama.ptrace_scope has to be 0 or 1, and a filter around sbx has to let " \
	"runsc trace its own processes"
#define NEWER_HINT "a newer runsc, or --gvisor-net host"
#define LEAST_HINT                                                                       \
	"the outer user namespace or its bounding set lacks it: start sbx outside of it"

/* The first that fits counts: what is said of a cause stands above what is said behind it. */
static const struct cause causes[] = {
	/* The command; found by sbx before, so only where runsc sees another root. */
	{ "error finding executable \"", "\"", ERROR_COMMAND_NOT_FOUND, "start ", "" },
	{ "failed to load ", ": no such file or directory", ERROR_COMMAND_NOT_FOUND,
	  "start ", "" },
	{ "failed to load ", ": permission denied", ERROR_COMMAND_NOT_EXECUTABLE,
	  "start ", "" },
	{ "failed to load ", ": exec format error", ERROR_COMMAND_NOT_EXECUTABLE,
	  "start ", "gVisor starts programs of this machine's own architecture" },

	{ "failed to find initial working directory \"", "\"", ERROR_WORKDIR,
	  "enter the working directory ", "" },

	/* The platform. */
	{ "unknown platform: ", "", ERROR_RUNSC_PLATFORM,
	  "start gVisor: this runsc was built without the platform ",
	  "--platform auto takes one that it has" },
	{ "error opening KVM device file", "no such file", ERROR_KVM_MISSING,
	  "start gVisor: there is no /dev/kvm",
	  "--platform auto needs none; else modprobe kvm_intel or kvm_amd" },
	{ "error opening KVM device file", "permission denied", ERROR_KVM_FORBIDDEN,
	  "start gVisor: /dev/kvm may not be opened",
	  "join the group kvm (sudo usermod -aG kvm USER), or --platform auto" },
	{ "error opening KVM device file", NULL, ERROR_KVM_UNUSABLE,
	  "start gVisor: /dev/kvm cannot be opened", "--platform auto" },
	{ "unable to attach: operation not permitted", NULL, ERROR_RUNSC_PLATFORM,
	  "start gVisor: ptrace(2) is forbidden here, which its platform needs",
	  PTRACE_HINT },
	{ "unable to attach: ", "", ERROR_RUNSC_PLATFORM,
	  "start gVisor: its platform cannot trace a process: ", PTRACE_HINT },
	{ "ptrace status unexpected: got 256", NULL, ERROR_RUNSC_START,
	  "start gVisor: seccomp(2) is forbidden here, which its platform needs",
	  FILTER_HINT },
	{ "cannot determine default seccomp action", NULL, ERROR_RUNSC_START,
	  "start gVisor: seccomp(2) is forbidden here", FILTER_HINT },
	{ "installing seccomp filters: operation not permitted", NULL, ERROR_RUNSC_START,
	  "start gVisor: seccomp(2) is forbidden here", FILTER_HINT },
	{ "installing seccomp filters: ", "", ERROR_RUNSC_START,
	  "start gVisor: it cannot load its filter: ", FILTER_HINT },
	{ "failed to create a syscall thread", NULL, ERROR_RESOURCES,
	  "start gVisor: its platform may have no more memory or threads",
	  "a higher --memory, --pids or --rlimit as; or --platform ptrace" },
	{ "creating platform: ", "", ERROR_RUNSC_PLATFORM,
	  "start gVisor: its platform cannot be used: ", "--platform auto" },

	/* What it is given. */
	{ "stat(\"", "\") failed: ", ERROR_SOURCE_MISSING,
	  "start gVisor: the source of a mount is missing: ", "" },
	{ "Error setting up root FS: ", "", ERROR_RUNSC_START,
	  "start gVisor: the root is missing, or out of reach for its ids: ",
	  "each directory above the root has to be searchable by others (chmod o+x)" },
	{ "unknown capability \"", "\"", ERROR_CAPABILITIES,
	  "start gVisor: it does not know the capability ", "--cap-drop NAME" },
	{ "getting root credentials", NULL, ERROR_CAPABILITIES,
	  "start gVisor: it does not know a capability of the plan", "--cap-drop NAME" },
	{ "invalid action: ", "", ERROR_POLICY,
	  "start gVisor: its filters have no action ",
	  "--policy none, or a policy of allow and errno alone" },
	{ "SELinux is not supported", NULL, ERROR_LABEL,
	  "start gVisor: it has no SELinux labels", "leave out --selinux" },
	{ "root mount propagation option must specify", NULL, ERROR_CONFIG,
	  "start gVisor: the root's propagation must be private or slave",
	  "linux.rootfsPropagation of the config.json" },
	{ "flag is incompatible with shared file access", NULL, ERROR_RUNSC_START,
	  "start gVisor: it takes no overlay over files that others change",
	  "a newer runsc" },
	{ "failed to create filestore file inside \"", "\"", ERROR_RUNSC_START,
	  "start gVisor: it cannot write its overlay into the root ", "a newer runsc" },

	/* What it may not do; with words of its gofer, which comes first, and of its sandbox. */
	{ "pivot_root failed", NULL, ERROR_RUNSC_START,
	  "start gVisor: pivot_root(2) is forbidden here", FILTER_HINT },
	{ "error umounting the old root", NULL, ERROR_RUNSC_START,
	  "start gVisor: umount(2) is forbidden here", FILTER_HINT },
	{ "error mounting proc in chroot", NULL, ERROR_PROC_COVERED,
	  "start gVisor: it may not mount a /proc of its own",
	  "the outer /proc is partly covered, or a filter around sbx forbids mounts" },
	{ "error converting mounts: ", "", ERROR_RUNSC_START,
	  "start gVisor: mount(2) is forbidden here: ",
	  "AppArmor's restriction of user namespaces, SELinux, or a filter around sbx "
	  "forbids it; sbx doctor tells" },
	{ "error creating usage file: ", "", ERROR_RUNSC_START,
	  "start gVisor: memfd_create(2) fails here: ", FILTER_HINT },
	{ "failed to create memfd: ", "", ERROR_RUNSC_START,
	  "start gVisor: memfd_create(2) fails here: ", FILTER_HINT },
	{ "failed to chroot to ", "", ERROR_RUNSC_START,
	  "start gVisor: chroot(2) is forbidden here: ", FILTER_HINT },
	{ "don't have CAP_SETUID or CAP_SETGID", NULL, ERROR_CAPABILITIES,
	  "start gVisor: CAP_SETUID or CAP_SETGID is missing in its user namespace",
	  LEAST_HINT },
	{ "minimal chroot since we don't have CAP_SYS_ADMIN", NULL, ERROR_CAPABILITIES,
	  "start gVisor: CAP_SYS_ADMIN is missing in its user namespace", LEAST_HINT },

	/* The network. */
	{ "cannot run with network enabled in root network namespace", NULL,
	  ERROR_NETWORK,
	  "start gVisor: this runsc takes every network namespace for the host's on "
	  "kernels from 6.11 on (gvisor#10704)",
	  NEWER_HINT },
	{ "unable to create raw socket", NULL, ERROR_NETWORK,
	  "start gVisor: its network stack may not open a raw socket (CAP_NET_RAW)",
	  "--gvisor-net host" },
	{ "removing address ", " from device", ERROR_NETWORK,
	  "start gVisor: its network stack may not take over the address ",
	  "--gvisor-net host" },
	{ "sandbox network isn't supported with --rootless", NULL, ERROR_NETWORK,
	  "start gVisor: its network stack needs subordinate ids",
	  "--gvisor-net host, or subordinate ids (sbx doctor)" },
	{ "setting up network: ", "", ERROR_NETWORK,
	  "start gVisor: its network stack cannot take over the interface: ",
	  "--gvisor-net host" },

	/* Processes of its own. */
	{ "gofer: fork/exec /proc/self/exe: operation not permitted", NULL,
	  ERROR_CAPABILITIES,
	  "start gVisor: CAP_SYS_ADMIN is missing in its user namespace", LEAST_HINT },
	{ "fork/exec /proc/self/exe: operation not permitted", NULL, ERROR_SUBIDS_MISSING,
	  "start gVisor: it may not make a user namespace, or id 65534 is not mapped",
	  "subordinate ids (sbx doctor), or --gvisor-net host without them" },
	{ "fork/exec /proc/self/exe: no space left on device", NULL, ERROR_USERNS_LIMIT,
	  "start gVisor: it may make no more namespaces",
	  "user.max_user_namespaces and user.max_pid_namespaces (sysctl)" },
	{ "fork/exec /proc/self/exe: resource temporarily unavailable", NULL,
	  ERROR_RESOURCES, "start gVisor: it may make no more processes",
	  "a higher --pids or --rlimit nproc" },
	{ "resource temporarily unavailable", NULL, ERROR_RESOURCES,
	  "start gVisor: it may make no more processes or threads",
	  "a higher --pids or --rlimit nproc" },
	{ "cannot allocate memory", NULL, ERROR_RESOURCES, "start gVisor: memory ran out",
	  "a higher --memory or --rlimit as" },
	{ "failed to reserve page summary memory", NULL, ERROR_RESOURCES,
	  "start gVisor: memory ran out", "a higher --rlimit as" },
	/* Its stdio is from 256 on, and what --rlimit says is the command's. */
	{ "dup3 of stdios failed", NULL, ERROR_RESOURCES,
	  "start gVisor: it may open no more files", FILES_HINT },
	{ "too many open files", NULL, ERROR_RESOURCES,
	  "start gVisor: it may open no more files", FILES_HINT },
	{ "no space left on device", NULL, ERROR_RESOURCES,
	  "start gVisor: there is no room left for its files", "a higher --memory" },
	{ "fork/exec /proc/self/exe: ", "", ERROR_RUNSC_START,
	  "start gVisor: it cannot start its own processes: ", FILTER_HINT },
	{ "cannot create gofer process: ", "", ERROR_RUNSC_START,
	  "start gVisor: it cannot start its own processes: ", FILTER_HINT },

	/* What sbx gives it so that it cannot happen. */
	{ "cannot set up cgroup", NULL, ERROR_CGROUP,
	  "start gVisor: runsc wants a cgroup of its own", "a newer runsc" },
	{ "Interactive authentication required", NULL, ERROR_CGROUP,
	  "start gVisor: runsc wants a cgroup of systemd's", "a newer runsc" },
	{ "flag provided but not defined: ", "", ERROR_RUNSC_START,
	  "start gVisor: this runsc has no option ",
	  "it was another one when it was asked: remove $XDG_CACHE_HOME/sbx/runsc" },
	{ "invalid value ", "", ERROR_RUNSC_START,
	  "start gVisor: this runsc does not take ", "another release of runsc" },
	{ "creating container root directory \"", "\"", ERROR_STATE,
	  "start gVisor: runsc cannot make the directory of its state: ",
	  "XDG_RUNTIME_DIR=DIR names a directory of your own" },
	{ "Rootless mode not supported with ", "", ERROR_SUBIDS_MISSING,
	  "start gVisor: it needs a range of subordinate ids", "sbx doctor" },
	{ "container already exists", NULL, ERROR_NAME_TAKEN,
	  "start gVisor: runsc has a sandbox of that name", "sbx list" },
	{ "sandbox is not running", NULL, ERROR_NO_SUCH_SANDBOX,
	  "reach the sandbox in gVisor: it has ended", "sbx list" },
	{ ": file does not exist", NULL, ERROR_NO_SUCH_SANDBOX,
	  "reach the sandbox in gVisor: runsc knows of none", "sbx list" },
};

enum { CAUSE_COUNT = sizeof(causes) / sizeof(*causes) };

/* ---- lines ------------------------------------------------------------------------------ */

/* What a backslash stands for in JSON; runsc writes \u only for the three of HTML. */
static char unescaped(const char **at)
{
	static const struct {
		const char *text;
		char meant;
	} known[] = { { "n", '\n' },    { "t", ' ' },     { "r", ' ' },
		      { "u003c", '<' }, { "u003e", '>' }, { "u0026", '&' } };

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (!text_starts_with(*at, known[i].text))
			continue;
		*at += strlen(known[i].text);
		return known[i].meant;
	}
	return *(*at)++;
}

/* The next line of a text; of objects of --log-format=json, the first line of the next message. */
static bool next_line(const char **at, char *line, size_t size)
{
	static const char message[] = "\"msg\":\"";
	const bool json = **at == '{';
	size_t used = 0;

	if (json) {
		const char *found = strstr(*at, message);

		*at = found ? found + strlen(message) : *at + strlen(*at);
	}
	if (!**at)
		return false;
	while (**at && **at != (json ? '"' : '\n')) {
		char character = *(*at)++;

		if (json && character == '\\' && **at)
			character = unescaped(at);
		if (used + 1 < size)
			line[used++] = character;
	}
	line[used] = '\0';
	if (json) {
		line[strcspn(line, "\n")] = '\0';
		*at += strcspn(*at, "{");
		return true;
	}
	if (**at)
		(*at)++;
	return true;
}

/* What lies between text and until; NULL: the line has not both. Cuts the line if it has. */
static const char *between(char *line, const struct cause *cause)
{
	char *found = strstr(line, cause->text), *end;

	if (!found)
		return NULL;
	found += strlen(cause->text);
	if (!cause->until || !*cause->until)
		return found;
	end = strstr(found, cause->until);
	if (!end)
		return NULL;
	*end = '\0';
	return found;
}

/* What the texts were searched for so far: causes before this one are left. */
struct finding {
	size_t cause;
	char detail[128];
};

/* Of a debug log what a process ended with: the rest is what it did meanwhile. */
static bool is_last_word(const char *line)
{
	return text_starts_with(line, "panic: ") || strstr(line, "FATAL ERROR: ");
}

static void search(const char *text, bool is_debug, struct finding *finding)
{
	const char *at = text;
	char line[LINE_MAX_BYTES];

	while (next_line(&at, line, sizeof(line))) {
		if (is_debug && !is_last_word(line))
			continue;
		for (size_t i = 0; i < finding->cause; i++) {
			const char *detail = between(line, &causes[i]);

			if (!detail)
				continue;
			finding->cause = i;
			(void)text_copy(finding->detail, sizeof(finding->detail), detail);
			break;
		}
	}
}

/* ---- sentences -------------------------------------------------------------------------- */

static int tell(const struct cause *cause, const char *detail, struct error *err)
{
	const size_t length = strlen(cause->sentence);
	const bool goes_on = cause->sentence[length - 1] == ' ';

	error_set(err, cause->id, "%s%s", cause->sentence, goes_on ? detail : "");
	if (cause->id == ERROR_COMMAND_NOT_FOUND)
		err->status = 127;
	if (cause->id == ERROR_COMMAND_NOT_EXECUTABLE)
		err->status = 126;
	if (err->status)
		err->errnum = err->status == 127 ? ENOENT : EACCES;
	return *cause->hint ? error_hint(err, "%s", cause->hint) : -1;
}

/* What says no more than that something has failed. */
static bool says_nothing(const char *line)
{
	static const char *const empty[] = { "cannot read client sync file",
					     "unable to read from the sync descriptor",
					     "Error reading mounts file",
					     "JSON bytes:",
					     "goroutine ",
					     "runtime",
					     NULL };

	for (int i = 0; empty[i]; i++)
		if (strstr(line, empty[i]))
			return true;
	return !*line;
}

/* The first line that says anything: its process was the first to fail. */
static bool first_words(const char *text, char *line)
{
	const char *at = text;

	while (next_line(&at, line, LINE_MAX_BYTES))
		if (!says_nothing(line))
			return true;
	return false;
}

static int tell_words(const struct gvisor_words *words,
		      const struct gvisor_choice *choice, struct error *err)
{
	char line[LINE_MAX_BYTES];

	if (first_words(words->log, line) || first_words(words->panic, line) ||
	    first_words(words->output, line))
		return error_set(err, ERROR_RUNSC_START,
				 "start gVisor: runsc says: %.180s", line);
	if (choice && choice->platform == PLATFORM_KVM) {
		error_set(err, ERROR_KVM_UNUSABLE,
			  "start gVisor: its kernel does not run on this machine's KVM");
		return error_hint(err, "--platform auto");
	}
	error_set(err, ERROR_RUNSC_START,
		  "start gVisor: its kernel has ended without a word");
	return error_hint(err, "another platform (--platform ptrace), or a newer runsc");
}

int gvisor_explain(const struct gvisor_words *words, const struct gvisor_choice *choice,
		   struct error *err)
{
	struct finding finding = { .cause = CAUSE_COUNT };

	search(words->log, false, &finding);
	search(words->panic, false, &finding);
	search(words->output, false, &finding);
	search(words->debug ? words->debug : "", true, &finding);
	if (finding.cause < CAUSE_COUNT)
		return tell(&causes[finding.cause], finding.detail, err);
	return tell_words(words, choice, err);
}

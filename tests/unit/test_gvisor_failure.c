/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/gvisor.h"

#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* What every failure of a start says beside its cause. */
#define EOF_WORDS                                                                        \
	"creating container: cannot create sandbox: cannot read client sync file: "      \
	"waiting for sandbox to start: EOF"

static void explain(const char *log, const char *panic, const char *output,
		    struct error *err)
{
	const struct gvisor_words words = { .output = output,
					    .log = log,
					    .panic = panic };

	memset(err, 0, sizeof(*err));
	assert_int_equal(gvisor_explain(&words, NULL, err), -1);
}

/* ---- its texts, one by one --------------------------------------------------------------- */

static const struct {
	const char *said; /* by runsc, word for word */
	enum error_id id;
	const char *sentence, *hint; /* a part of each */
} cases[] = {
	{ "unknown platform: systrap", ERROR_RUNSC_PLATFORM,
	  "this runsc was built without the platform systrap", "--platform auto" },
	{ "flag provided but not defined: -host-settings", ERROR_RUNSC_START,
	  "no option -host-settings", "remove $XDG_CACHE_HOME" },
	{ "invalid value \"foo\" for flag -network: invalid network type \"foo\"",
	  ERROR_RUNSC_START, "does not take \"foo\" for flag -network",
	  "another release" },
	{ "creating container: cannot create sandbox: cannot create sandbox process: "
	  "opening device file for platform \"kvm\": error opening KVM device file "
	  "(/dev/kvm): open /dev/kvm: permission denied",
	  ERROR_KVM_FORBIDDEN, "/dev/kvm may not be opened", "group kvm" },
	{ "creating container: cannot create sandbox: cannot create sandbox process: "
	  "opening device file for platform \"kvm\": error opening KVM device file "
	  "(/dev/kvm): permission denied",
	  ERROR_KVM_FORBIDDEN, "/dev/kvm may not be opened", "group kvm" },
	{ "opening device file for platform \"kvm\": error opening KVM device file "
	  "(/dev/kvm): open /dev/kvm: no such file or directory",
	  ERROR_KVM_MISSING, "there is no /dev/kvm", "--platform auto" },
	{ "error opening KVM device file (/dev/kvm): no such device", ERROR_KVM_UNUSABLE,
	  "/dev/kvm cannot be opened", "--platform auto" },
	{ "panic: unable to attach: operation not permitted", ERROR_RUNSC_PLATFORM,
	  "ptrace(2) is forbidden", "kernel.yama.ptrace_scope" },
	{ "panic: unable to initialize systrap source: unable to attach: operation not "
	  "permitted",
	  ERROR_RUNSC_PLATFORM, "ptrace(2) is forbidden", "kernel.yama.ptrace_scope" },
	{ "panic: ptrace status unexpected: got 256, wanted stopped", ERROR_RUNSC_START,
	  "seccomp(2) is forbidden", "filter around sbx" },
	{ "panic: cannot determine default seccomp action: operation not permitted",
	  ERROR_RUNSC_START, "seccomp(2) is forbidden", "filter around sbx" },
	{ "panic: failed to create a syscall thread", ERROR_RESOURCES,
	  "no more memory or threads", "--platform ptrace" },
	{ "installing seccomp filters: operation not permitted", ERROR_RUNSC_START,
	  "seccomp(2) is forbidden here", "filter around sbx" },
	{ "installing seccomp filters: invalid argument", ERROR_RUNSC_START,
	  "load its filter: invalid argument", "filter around sbx" },
	{ "error setting up chroot: error converting mounts: operation not permitted",
	  ERROR_RUNSC_START, "mount(2) is forbidden", "AppArmor" },
	{ "error setting up chroot: pivot_root failed, make sure that the root mount has "
	  "a parent: operation not permitted",
	  ERROR_RUNSC_START, "pivot_root(2) is forbidden", "filter around sbx" },
	{ "error setting up chroot: error umounting the old root file system: operation "
	  "not permitted",
	  ERROR_RUNSC_START, "umount(2) is forbidden", "filter around sbx" },
	{ "error setting up chroot: error mounting proc in chroot: error mounting \"proc\" "
	  "at \"/tmp/proc\": mount(\"proc\", \"/tmp/proc\", 15) failed: operation not "
	  "permitted",
	  ERROR_PROC_COVERED, "a /proc of its own", "partly covered" },
	{ "failed to chroot to \"/root\": operation not permitted", ERROR_RUNSC_START,
	  "chroot(2) is forbidden", "filter around sbx" },
	{ "creating loader: setting up memory usage: error creating usage file: operation "
	  "not permitted",
	  ERROR_RUNSC_START, "memfd_create(2) fails here: operation not permitted",
	  "filter around sbx" },
	{ "starting connection on FD 7 for gofer mount failed: failed to create memfd: "
	  "operation not permitted",
	  ERROR_RUNSC_START, "memfd_create(2) fails", "filter around sbx" },
	{ "error setting up FS: mounting {Destination:/mnt Type:bind Source:/nonexistent "
	  "Options:[] UIDMappings:[] GIDMappings:[]}: stat(\"/nonexistent\") failed: stat "
	  "/nonexistent: no such file or directory",
	  ERROR_SOURCE_MISSING, "the source of a mount is missing: /nonexistent", "" },
	{ "Error setting up root FS: mounting root on root (\"/proc/root\") err: no such "
	  "file or directory",
	  ERROR_RUNSC_START, "the root is missing, or out of reach", "searchable" },
	{ "starting container: setting up network: creating interfaces from net namespace "
	  "\"/proc/15/ns/net\": cannot run with network enabled in root network namespace",
	  ERROR_NETWORK, "gvisor#10704", "--gvisor-net host" },
	{ "starting container: setting up network: creating interfaces from net namespace "
	  "\"/proc/17/ns/net\": failed to createSocket for tap0 : unable to create raw "
	  "socket: operation not permitted",
	  ERROR_NETWORK, "CAP_NET_RAW", "--gvisor-net host" },
	{ "starting container: setting up network: creating interfaces from net namespace "
	  "\"/proc/14/ns/net\": removing address 10.0.2.100/24 from device \"tap0\": "
	  "operation not permitted",
	  ERROR_NETWORK, "take over the address 10.0.2.100/24", "--gvisor-net host" },
	{ "sandbox network isn't supported with --rootless, use --network=none or "
	  "--network=host",
	  ERROR_NETWORK, "needs subordinate ids", "--gvisor-net host" },
	{ "creating container: cannot create gofer process: gofer: fork/exec "
	  "/proc/self/exe: operation not permitted",
	  ERROR_CAPABILITIES, "CAP_SYS_ADMIN is missing", "outer user namespace" },
	{ "cannot create sandbox: cannot create sandbox process: can't run sandbox process "
	  "as user nobody since we don't have CAP_SETUID or CAP_SETGID",
	  ERROR_CAPABILITIES, "CAP_SETUID or CAP_SETGID", "outer user namespace" },
	{ "can't run sandbox process in minimal chroot since we don't have CAP_SYS_ADMIN",
	  ERROR_CAPABILITIES, "CAP_SYS_ADMIN", "outer user namespace" },
	{ "cannot create sandbox process: starting sandbox: fork/exec /proc/self/exe: "
	  "operation not permitted",
	  ERROR_SUBIDS_MISSING, "id 65534 is not mapped", "subordinate ids" },
	{ "cannot create sandbox process: starting sandbox: fork/exec /proc/self/exe: "
	  "operation not permitted: check whether /proc/sys/user/max_user_namespaces is "
	  "set too low (gvisor.dev/issue/5964)",
	  ERROR_SUBIDS_MISSING, "id 65534 is not mapped", "subordinate ids" },
	{ "creating container: cannot create gofer process: gofer: fork/exec "
	  "/proc/self/exe: no space left on device",
	  ERROR_USERNS_LIMIT, "no more namespaces", "user.max_user_namespaces" },
	{ "starting sandbox: fork/exec /proc/self/exe: resource temporarily unavailable",
	  ERROR_RESOURCES, "no more processes", "--pids" },
	{ "starting sandbox: fork/exec /proc/self/exe: cannot allocate memory",
	  ERROR_RESOURCES, "memory ran out", "--memory" },
	{ "starting sandbox: fork/exec /proc/self/exe: errno 0", ERROR_RUNSC_START,
	  "cannot start its own processes: errno 0", "filter around sbx" },
	{ "creating container: cannot create gofer process: operation not permitted",
	  ERROR_RUNSC_START, "cannot start its own processes", "filter around sbx" },
	{ "fatal error: failed to reserve page summary memory", ERROR_RESOURCES,
	  "memory ran out", "--rlimit as" },
	{ "opening the sink: open /dev/null: too many open files", ERROR_RESOURCES,
	  "open no more files", "ulimit -n" },
	{ "creating loader: dup3 of stdios failed: bad file descriptor", ERROR_RESOURCES,
	  "open no more files", "ulimit -n" },
	{ "creating loader: converting capabilities: unknown capability \"CAP_BOGUS\"",
	  ERROR_CAPABILITIES, "does not know the capability CAP_BOGUS", "--cap-drop" },
	{ "creating loader: getting root credentials", ERROR_CAPABILITIES,
	  "does not know a capability", "--cap-drop" },
	{ "starting container: starting root container: starting sandbox: building seccomp "
	  "program: secomp default action: invalid action: SCMP_ACT_KILL_PROCESS",
	  ERROR_POLICY, "no action SCMP_ACT_KILL_PROCESS", "--policy none" },
	{ "reading spec: SELinux is not supported: foo", ERROR_LABEL, "no SELinux labels",
	  "" },
	{ "reading spec: root mount propagation option must specify private or slave: "
	  "\"shared\"",
	  ERROR_CONFIG, "private or slave", "rootfsPropagation" },
	{ "overlay flag is incompatible with shared file access for rootfs",
	  ERROR_RUNSC_START, "takes no overlay", "newer runsc" },
	{ "failed to create filestore file inside \"/usr\": permission denied",
	  ERROR_RUNSC_START, "overlay into the root /usr", "newer runsc" },
	{ "creating container: cannot set up cgroup for root: configuring cgroup: mkdir "
	  "/sys/fs/cgroup/blkio/sandbox: permission denied",
	  ERROR_CGROUP, "a cgroup of its own", "" },
	{ "systemd error: Interactive authentication required", ERROR_CGROUP,
	  "a cgroup of systemd's", "" },
	{ "creating container: creating container root directory \"/var/run/runsc\": mkdir "
	  "/var/run/runsc: permission denied",
	  ERROR_STATE, "its state: /var/run/runsc", "XDG_RUNTIME_DIR" },
	{ "Rootless mode not supported with \"create\"", ERROR_SUBIDS_MISSING,
	  "range of subordinate ids", "sbx doctor" },
	{ "creating container: cannot lock container metadata file: container already "
	  "exists",
	  ERROR_NAME_TAKEN, "a sandbox of that name", "sbx list" },
	{ "loading container: file does not exist", ERROR_NO_SUCH_SANDBOX,
	  "runsc knows of none", "sbx list" },
	{ "loading sandbox: file does not exist", ERROR_NO_SUCH_SANDBOX,
	  "runsc knows of none", "sbx list" },
	{ "sandbox is not running", ERROR_NO_SUCH_SANDBOX, "it has ended", "sbx list" },
	{ "starting container: starting root container: starting sandbox: creating process: "
	  "failed to load /bin/nonexist: no such file or directory",
	  ERROR_COMMAND_NOT_FOUND, "start /bin/nonexist", "" },
	{ "executing command \"pwd\" in sandbox: failed to find initial working directory "
	  "\"/nowhere\": no such file or directory",
	  ERROR_WORKDIR, "enter the working directory /nowhere", "" },
	{ "creating process: failed to load /etc: permission denied",
	  ERROR_COMMAND_NOT_EXECUTABLE, "start /etc", "" },
	{ "starting sandbox: error finding executable \"nonexist\" in PATH [/usr/bin /bin]: "
	  "no such file or directory",
	  ERROR_COMMAND_NOT_FOUND, "start nonexist", "" },
};

/* One object of --log-format=json, as Go's encoder writes it. */
static const char *as_json(const char *said, char *room, size_t size)
{
	size_t used = (size_t)snprintf(room, size, "{\"msg\":\"");

	for (; *said && used + 64 < size; said++) {
		if (*said == '"' || *said == '\\')
			room[used++] = '\\';
		room[used++] = *said;
	}
	snprintf(room + used, size - used,
		 "\",\"level\":\"error\",\"time\":\"2026-01-02T03:04:05.123456789Z\"}");
	return room;
}

static void assert_case(size_t i, const struct error *err)
{
	if (err->id != cases[i].id || !strstr(err->text, cases[i].sentence) ||
	    !strstr(err->hint, cases[i].hint))
		fail_msg("'%s' became %s: '%s' (%s)", cases[i].said,
			 error_id_name(err->id), err->text, err->hint);
}

static void every_text_becomes_its_sentence_wherever_it_stands(void **state)
{
	char json[2048];
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		explain("", "", cases[i].said, &err);
		assert_case(i, &err);
		explain("", cases[i].said, EOF_WORDS, &err);
		assert_case(i, &err);
		explain(as_json(cases[i].said, json, sizeof(json)), "", EOF_WORDS, &err);
		assert_case(i, &err);
	}
}

static void every_sentence_and_its_hint_fit_with_the_name_of_a_log(void **state)
{
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		explain("", "", cases[i].said, &err);
		assert_true(strlen(err.text) < sizeof(err.text) - 1);
		assert_true(strlen(err.hint) < 150);
	}
}

/* ---- more than one text ------------------------------------------------------------------ */

static void what_the_gofer_says_stands_above_what_follows_from_it(void **state)
{
	struct error err;

	(void)state;
	explain("{\"msg\":\"error setting up FS: mounting {Destination:/mnt}: "
		"stat(\\\"/srv/a b\\\") failed: stat /srv/a b: no such file or "
		"directory\",\"level\":\"error\",\"time\":\"x\"}"
		"{\"msg\":\"Error reading mounts file: error unmarshaling mounts: "
		"unexpected end of JSON input\\nJSON bytes:\\n\",\"level\":\"error\"}"
		"{\"msg\":\"" EOF_WORDS "\",\"level\":\"error\"}",
		"Error reading mounts file: error unmarshaling mounts: unexpected end of "
		"JSON input\nJSON bytes:\n\n"
		"unable to read from the sync descriptor: 0, error EOF\n",
		EOF_WORDS "\n", &err);
	assert_int_equal(err.id, ERROR_SOURCE_MISSING);
	assert_string_equal(err.text,
			    "start gVisor: the source of a mount is missing: /srv/a b");
}

static void a_panic_with_its_trace_is_found(void **state)
{
	struct error err;

	(void)state;
	explain("{\"msg\":\"" EOF_WORDS "\"}",
		"panic: ptrace status unexpected: got 256, wanted stopped\n"
		"stubStart\t = 00007fffffff0000\n\n\n"
		"goroutine 4 [running]:\npanic({0xe7f040, 0xc00042cda0})\n"
		"\truntime/panic.go:987 +0x3ba fp=0xc0004519c0\n",
		EOF_WORDS, &err);
	assert_int_equal(err.id, ERROR_RUNSC_START);
	assert_string_equal(err.text, "start gVisor: seccomp(2) is forbidden here, which "
				      "its platform needs");
}

static void a_panic_of_the_gofer_is_found_in_the_debug_logs(void **state)
{
	const struct gvisor_words words = {
		.output = EOF_WORDS,
		.log = "{\"msg\":\"Error reading mounts file: error unmarshaling mounts: "
		       "unexpected end of JSON input\\nJSON bytes:\\n\"}",
		.panic =
			"Error reading mounts file: error unmarshaling mounts: unexpected "
			"end of JSON input\nJSON bytes:\n\n",
		.debug = "I1122 main.go:217] Args: [stat(\"/a\") failed: ]\n"
			 "panic: cannot determine default seccomp action: operation not "
			 "permitted\n",
	};
	struct error err = { 0 };

	(void)state;
	assert_int_equal(gvisor_explain(&words, NULL, &err), -1);
	assert_string_equal(err.text, "start gVisor: seccomp(2) is forbidden here");
}

static void
a_cause_that_nobody_knows_is_told_in_the_words_of_who_failed_first(void **state)
{
	struct error err;

	(void)state;
	explain("{\"msg\":\"boiling the \\u003coceans\\u003e: too hot\\nand so on\","
		"\"level\":\"error\"}{\"msg\":\"" EOF_WORDS "\"}",
		"unable to read from the sync descriptor: 0, error EOF\n", EOF_WORDS,
		&err);
	assert_int_equal(err.id, ERROR_RUNSC_START);
	assert_string_equal(err.text,
			    "start gVisor: runsc says: boiling the <oceans>: too hot");
	explain("{\"msg\":\"" EOF_WORDS "\"}", "panic: oops\n\ngoroutine 1 [running]:\n",
		EOF_WORDS, &err);
	assert_string_equal(err.text, "start gVisor: runsc says: panic: oops");
}

static void a_kernel_without_a_word_has_ended(void **state)
{
	struct error err;

	(void)state;
	explain("{\"msg\":\"" EOF_WORDS "\"}", "", EOF_WORDS "\n", &err);
	assert_int_equal(err.id, ERROR_RUNSC_START);
	assert_string_equal(err.text,
			    "start gVisor: its kernel has ended without a word");
	explain("", "", "", &err);
	assert_string_equal(err.text,
			    "start gVisor: its kernel has ended without a word");
}

static void on_kvm_a_kernel_without_a_word_means_that_kvm_is_no_use(void **state)
{
	const struct gvisor_choice choice = { .platform = PLATFORM_KVM };
	const struct gvisor_words words = { EOF_WORDS, "", "", NULL };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(gvisor_explain(&words, &choice, &err), -1);
	assert_int_equal(err.id, ERROR_KVM_UNUSABLE);
	assert_string_equal(err.hint, "--platform auto");
}

static void a_command_that_is_missing_has_the_status_of_shells(void **state)
{
	struct error err;

	(void)state;
	explain("", "",
		"creating process: failed to load /bin/a: no such file or directory",
		&err);
	assert_int_equal(error_status(&err), 127);
	assert_int_equal(err.errnum, ENOENT);
	explain("", "", "creating process: failed to load /etc: permission denied", &err);
	assert_int_equal(error_status(&err), 126);
	assert_int_equal(err.errnum, EACCES);
	explain("", "", EOF_WORDS, &err);
	assert_int_equal(error_status(&err), 125);
}

/* ---- foreign text ------------------------------------------------------------------------ */

static void what_is_cut_or_hostile_is_read_to_its_end_and_no_further(void **state)
{
	static const char *const texts[] = {
		"{",
		"{\"msg\":\"",
		"{\"msg\":\"a\\",
		"{\"msg\":\"a\\u",
		"{{{{",
		"\\",
		"\n\n\n",
		"{\"msg\":\"stat(\\\"",
		"stat(\"",
		"stat(\"\") failed: ",
		"{\"level\":\"error\"}{\"msg\":\"x\"}{\"msg\":\"y",
		"failed to load \x1b[31m: permission denied",
	};
	char room[4096];
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		explain(texts[i], texts[i], texts[i], &err);
	assert_null(strchr(err.text, '\x1b'));
	memset(room, 'x', sizeof(room) - 1);
	room[sizeof(room) - 1] = '\0';
	explain(room, room, room, &err);
	room[0] = '{';
	explain(room, room, room, &err);
	assert_true(strlen(err.text) < sizeof(err.text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_text_becomes_its_sentence_wherever_it_stands),
		cmocka_unit_test(every_sentence_and_its_hint_fit_with_the_name_of_a_log),
		cmocka_unit_test(what_the_gofer_says_stands_above_what_follows_from_it),
		cmocka_unit_test(a_panic_with_its_trace_is_found),
		cmocka_unit_test(a_panic_of_the_gofer_is_found_in_the_debug_logs),
		cmocka_unit_test(
			a_cause_that_nobody_knows_is_told_in_the_words_of_who_failed_first),
		cmocka_unit_test(a_kernel_without_a_word_has_ended),
		cmocka_unit_test(on_kvm_a_kernel_without_a_word_means_that_kvm_is_no_use),
		cmocka_unit_test(a_command_that_is_missing_has_the_status_of_shells),
		cmocka_unit_test(
			what_is_cut_or_hostile_is_read_to_its_end_and_no_further),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

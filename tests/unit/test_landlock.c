/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/error.h"
#include "policy/bpf.h"
#include "policy/policy.h"
#include "tests/unit/nursery.h"
#include "tests/unit/temporary.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void needs(int abi)
{
	if (landlock_abi() >= abi)
		return;
	print_message("this kernel has Landlock ABI %d, and the test needs %d\n",
		      landlock_abi(), abi);
	skip();
}

static void restrict_by(const struct landlock_spec *spec)
{
	struct error err = { 0 };

	expect(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
	expect(landlock_restrict(spec, &err) == 0, "%s: %s", err.text,
	       strerror(err.errnum));
}

static void the_guarantees_stand_in_the_order_of_their_abis(void **state)
{
	const struct landlock_guarantee *each = landlock_guarantees();
	int last = 0;

	(void)state;
	for (; each->abi; each++) {
		assert_true(each->abi > last);
		assert_non_null(each->kernel);
		assert_non_null(each->what);
		assert_non_null(each->hole);
		last = each->abi;
	}
	assert_true(last >= 9);
}

static void by_default_there_are_both_scopes_and_nothing_else(void **state)
{
	const struct landlock_spec spec = landlock_default();
	struct error err = { 0 };

	(void)state;
	assert_int_equal(spec.mode, LANDLOCK_AUTO);
	assert_true(spec.scope_signal && spec.scope_abstract_unix);
	assert_false(spec.whole || spec.limits_bind || spec.limits_connect);
	assert_int_equal(spec.path_count, 0);
	assert_int_equal(landlock_check(&spec, &err), 0);
}

static void what_is_off_is_never_refused(void **state)
{
	const struct landlock_spec spec = { .mode = LANDLOCK_OFF,
					    .least_abi = 1000,
					    .whole = true };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(landlock_check(&spec, &err), 0);
	assert_int_equal(landlock_restrict(&spec, &err), 0);
}

static void an_abi_that_this_kernel_lacks_is_refused_with_both_numbers(void **state)
{
	const struct landlock_spec spec = { .mode = LANDLOCK_REQUIRE, .least_abi = 1000 };
	struct error err = { 0 };
	char both[64];

	(void)state;
	needs(1);
	snprintf(both, sizeof(both), "this kernel has ABI %d, and at least 1000",
		 landlock_abi());
	assert_int_equal(landlock_check(&spec, &err), -1);
	assert_int_equal(err.id, ERROR_LANDLOCK);
	assert_non_null(strstr(err.text, both));
	assert_non_null(strstr(err.hint, "--landlock auto"));
	memset(&err, 0, sizeof(err));
	assert_int_equal(landlock_restrict(&spec, &err), -1);
	assert_int_equal(err.id, ERROR_LANDLOCK);
}

/* ---- scopes ------------------------------------------------------------------------------ */

static void keep_signals_in(const void *context)
{
	const struct landlock_spec spec = landlock_default();
	const pid_t outside = getppid();

	(void)context;
	expect(kill(outside, 0) == 0, "a signal before");
	restrict_by(&spec);
	expect(kill(outside, 0) < 0 && errno == EPERM, "a signal to an outer process");
	expect(kill(getpid(), 0) == 0, "a signal to itself");
}

static void a_scope_keeps_signals_from_outer_processes(void **state)
{
	(void)state;
	needs(6);
	nursery_run(0, keep_signals_in, NULL);
}

static int abstract_socket(bool listens)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const socklen_t length = (socklen_t)offsetof(struct sockaddr_un, sun_path) + 16;
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, "\0sbx-test-landlo", 16);
	if (listens)
		return bind(fd, (struct sockaddr *)&address, length) < 0 ||
				       listen(fd, 1) < 0
			       ? -1
			       : fd;
	return connect(fd, (struct sockaddr *)&address, length) < 0 ? -1 : fd;
}

static void keep_from_abstract_sockets(const void *context)
{
	const struct landlock_spec spec = landlock_default();

	(void)context;
	expect(abstract_socket(true) >= 0, "listen: %s", strerror(errno));
	expect(abstract_socket(false) >= 0, "connect before: %s", strerror(errno));
	restrict_by(&spec);
	expect(abstract_socket(false) < 0 && errno == EPERM, "connect");
}

static void a_scope_keeps_from_abstract_sockets_made_outside(void **state)
{
	(void)state;
	needs(6);
	nursery_run(CLONE_NEWNET, keep_from_abstract_sockets, NULL);
}

static void mount_and_nest(const void *context)
{
	const struct landlock_spec spec = landlock_default();

	(void)context;
	restrict_by(&spec);
	expect(mount("none", "/proc/sys", "tmpfs", 0, NULL) == 0, "mount: %s",
	       strerror(errno));
	expect(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0, "unshare: %s", strerror(errno));
	restrict_by(&spec);
}

static void a_domain_of_scopes_forbids_no_mount(void **state)
{
	(void)state;
	nursery_run(CLONE_NEWNS, mount_and_nest, NULL);
}

/* ---- ports ------------------------------------------------------------------------------- */

static int try_port(int port, int (*use)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)port),
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int failed = use(fd, (struct sockaddr *)&address, sizeof(address));
	const int errnum = failed ? errno : 0;

	close(fd);
	return errnum;
}

static void limit_ports(const void *context)
{
	static const uint16_t connect_ports[] = { 443 }, bind_ports[] = { 8080 };
	const struct landlock_spec spec = {
		.mode = LANDLOCK_REQUIRE,
		.limits_connect = true,
		.limits_bind = true,
		.connect_ports = connect_ports,
		.connect_count = COUNT(connect_ports),
		.bind_ports = bind_ports,
		.bind_count = COUNT(bind_ports),
	};

	(void)context;
	restrict_by(&spec);
	expect(try_port(443, connect) != EACCES, "connect to 443");
	expect(try_port(80, connect) == EACCES, "connect to 80");
	expect(try_port(8080, connect) == EACCES, "connect to 8080");
	expect(try_port(8080, bind) != EACCES, "bind to 8080");
	expect(try_port(8081, bind) == EACCES, "bind to 8081");
}

static void ports_that_are_not_named_are_closed(void **state)
{
	(void)state;
	needs(4);
	nursery_run(CLONE_NEWNET, limit_ports, NULL);
}

/* ---- files ------------------------------------------------------------------------------- */

static int open_errno(const char *path, int flags)
{
	const int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static void play_with_files(const void *context)
{
	const struct temporary *place = context;
	const struct landlock_path paths[] = {
		{ .path = "/usr" },
		{ .path = "/dev/null", .writable = true },
		{ .path = place->path, .writable = true },
		{ .path = "/is/not/there", .optional = true },
	};
	const struct landlock_spec spec = {
		.mode = LANDLOCK_AUTO,
		.paths = paths,
		.path_count = COUNT(paths),
	};

	expect(chdir(place->path) == 0, "enter the place");
	restrict_by(&spec);
	expect(open_errno("/usr/bin", O_RDONLY) == 0, "list what may be read");
	expect(open_errno("/usr/new", O_WRONLY | O_CREAT) == EACCES, "make a file");
	expect(open_errno("/etc/passwd", O_RDONLY) == EACCES, "read elsewhere");
	expect(open_errno("/dev/null", O_WRONLY) == 0, "write to a device");
	expect(mkdir("a", 0700) == 0 && mkdir("b", 0700) == 0, "make directories");
	expect(open_errno("a/file", O_WRONLY | O_CREAT) == 0, "make a file below");
	expect(landlock_abi() < 2 || rename("a/file", "b/file") == 0,
	       "move it across directories: %s", strerror(errno));
	expect(landlock_abi() < 3 || truncate("b/file", 0) == 0, "empty it");
}

static void files_are_closed_but_below_the_paths(void **state)
{
	needs(1);
	nursery_run(0, play_with_files, *state);
}

static void miss_a_path(const void *context)
{
	const struct landlock_path path = { .path = "/is/not/there" };
	const struct landlock_spec spec = { .mode = LANDLOCK_AUTO,
					    .paths = &path,
					    .path_count = 1 };
	struct error err = { 0 };

	(void)context;
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	expect(landlock_restrict(&spec, &err) < 0, "it was taken");
	expect(strcmp(err.text, "allow /is/not/there by Landlock") == 0, "%s", err.text);
	expect(open_errno("/etc/passwd", O_RDONLY) == 0, "it holds nevertheless");
}

static void a_missing_path_is_named_and_nothing_is_restricted(void **state)
{
	(void)state;
	needs(1);
	nursery_run(0, miss_a_path, NULL);
}

static void keep_nothing(const void *context)
{
	const struct landlock_spec spec = { .mode = LANDLOCK_AUTO, .whole = true };

	(void)context;
	restrict_by(&spec);
	expect(open_errno("/", O_RDONLY) == EACCES, "list the root");
	expect(open_errno("/dev/null", O_RDONLY) == EACCES, "read a device");
}

static void a_whole_isolation_without_paths_leaves_none(void **state)
{
	(void)state;
	needs(1);
	nursery_run(0, keep_nothing, NULL);
}

/* ---- what it does not know --------------------------------------------------------------- */

/* What the filter of a whole isolation answers to a call with these two first arguments. */
static uint32_t answer(const struct landlock_spec *spec, long number, uint64_t a,
		       uint64_t b)
{
	const struct seccomp_data data = { .nr = (int)number,
					   .arch = abi_audit(abi_native()),
					   .args = { a, b, 0, 1, 1, 1 } };

	return bpf_run(&spec->filter, &data, NULL);
}

static uint32_t refusal(int errnum)
{
	return SECCOMP_RET_ERRNO | (uint32_t)errnum;
}

static struct landlock_spec isolation(struct arena *arena, bool network, bool keeps_modes)
{
	struct landlock_spec spec = { .mode = LANDLOCK_AUTO,
				      .scope_signal = true,
				      .scope_abstract_unix = true,
				      .whole = true,
				      .reaches_network = network,
				      .keeps_modes = keeps_modes };
	struct error err = { 0 };

	if (landlock_close_rest(&spec, arena, &err) < 0)
		fail_msg("%s", err.text);
	return spec;
}

static void the_rest_is_closed_by_a_filter(void **state)
{
	struct arena arena = { 0 };
	const struct landlock_spec spec = isolation(&arena, false, false);

	(void)state;
	assert_int_equal(answer(&spec, SYS_openat, 0, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(answer(&spec, SYS_unshare, 0, 0), refusal(EPERM));
	assert_int_equal(answer(&spec, SYS_clone, CLONE_NEWUSER | SIGCHLD, 0),
			 refusal(EPERM));
	assert_int_equal(answer(&spec, SYS_clone, SIGCHLD, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(answer(&spec, SYS_clone3, 0, 0), refusal(ENOSYS));
	assert_int_equal(answer(&spec, SYS_mount, 0, 0), refusal(EPERM));
	assert_int_equal(answer(&spec, SYS_ioctl, 0, TIOCSTI), refusal(EPERM));
	assert_int_equal(answer(&spec, SYS_ioctl, 0, UINT64_C(7) << 32 | TIOCSTI),
			 refusal(EPERM));
	assert_int_equal(answer(&spec, SYS_ioctl, 0, TIOCGWINSZ), SECCOMP_RET_ALLOW);
	assert_int_equal(answer(&spec, SYS_fchmodat, 0, 0), SECCOMP_RET_ALLOW);
	arena_free(&arena);
}

static void no_socket_reaches_out(void **state)
{
	struct arena arena = { 0 };
	const struct landlock_spec spec = isolation(&arena, false, false);
	const struct landlock_spec host = isolation(&arena, true, false);
	const bool by_path = landlock_abi() >= 9;

	(void)state;
	assert_int_equal(answer(&spec, SYS_socket, AF_INET, SOCK_DGRAM),
			 refusal(EAFNOSUPPORT));
	assert_int_equal(answer(&spec, SYS_socket, AF_UNIX, SOCK_STREAM),
			 by_path ? SECCOMP_RET_ALLOW : refusal(EAFNOSUPPORT));
	assert_int_equal(answer(&spec, SYS_socketpair, AF_UNIX, SOCK_STREAM),
			 SECCOMP_RET_ALLOW);
	assert_int_equal(
		answer(&spec, SYS_socketpair, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC),
		by_path ? SECCOMP_RET_ALLOW : refusal(EPERM));
	/* unix(7) makes datagrams of it. */
	assert_int_equal(answer(&spec, SYS_socketpair, AF_UNIX, SOCK_RAW),
			 by_path ? SECCOMP_RET_ALLOW : refusal(EPERM));
	assert_int_equal(answer(&host, SYS_socket, AF_INET6, SOCK_STREAM),
			 SECCOMP_RET_ALLOW);
	assert_int_equal(answer(&host, SYS_socket, AF_VSOCK, SOCK_STREAM),
			 refusal(EAFNOSUPPORT));
	arena_free(&arena);
}

static void modes_are_kept_where_that_is_asked_for(void **state)
{
	struct arena arena = { 0 };
	const struct landlock_spec spec = isolation(&arena, false, true);

	(void)state;
	assert_int_equal(answer(&spec, SYS_fchmodat, 0, 0), refusal(EPERM));
	assert_int_equal(answer(&spec, SYS_fchownat, 0, 0), refusal(EPERM));
	assert_int_equal(answer(&spec, SYS_utimensat, 0, 0), refusal(EPERM));
	assert_int_equal(answer(&spec, SYS_setxattr, 0, 0), refusal(EPERM));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_guarantees_stand_in_the_order_of_their_abis),
		cmocka_unit_test(by_default_there_are_both_scopes_and_nothing_else),
		cmocka_unit_test(what_is_off_is_never_refused),
		cmocka_unit_test(
			an_abi_that_this_kernel_lacks_is_refused_with_both_numbers),
		cmocka_unit_test(a_scope_keeps_signals_from_outer_processes),
		cmocka_unit_test(a_scope_keeps_from_abstract_sockets_made_outside),
		cmocka_unit_test(a_domain_of_scopes_forbids_no_mount),
		cmocka_unit_test(ports_that_are_not_named_are_closed),
		cmocka_unit_test_setup_teardown(files_are_closed_but_below_the_paths,
						temporary_make, temporary_remove),
		cmocka_unit_test(a_missing_path_is_named_and_nothing_is_restricted),
		cmocka_unit_test(a_whole_isolation_without_paths_leaves_none),
		cmocka_unit_test(the_rest_is_closed_by_a_filter),
		cmocka_unit_test(no_socket_reaches_out),
		cmocka_unit_test(modes_are_kept_where_that_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

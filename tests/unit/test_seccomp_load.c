/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "policy/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A number that no kernel has. */
enum { CALL = 2000, FAKED = 77, SKIPPED = 200 };

enum { KEY_LOW = 0x12345678, KEY_HIGH = 0x0abcdef0 };

#define NUMBER BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define ON_CALL(value)                                                                   \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CALL, 0, 1),                                 \
		BPF_STMT(BPF_RET | BPF_K, (value))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static const struct sock_filter notifying[] = {
	NUMBER,
	ON_CALL(SECCOMP_RET_USER_NOTIF | 0x8000 | EAFNOSUPPORT),
	ALLOW,
};

static const struct sock_filter faking[] = {
	NUMBER,
	ON_CALL(SECCOMP_RET_USER_NOTIF | FAKED),
	ALLOW,
};

#define FILTER(instructions)                                                             \
	{                                                                                \
		.program = { (instructions),                                             \
			     sizeof(instructions) / sizeof(*(instructions)) },           \
		.supervised = true                                                       \
	}

static const struct seccomp_filter supervised = FILTER(notifying);
static const struct seccomp_filter faked = FILTER(faking);

/* Each play is in a child of its own, which cannot get rid of its filters any more. */
static void run(int (*play)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? 99 : play());
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int is_denied(void)
{
	errno = 0;
	return syscall(CALL) == -1 && errno == EAFNOSUPPORT ? 0 : 1;
}

static int get_listener(void)
{
	struct error err;
	int listener = -1;
	int nobody = seccomp_install_filter(&supervised, &listener, &err);

	if (nobody)
		return nobody == 1 ? SKIPPED : 1;
	if (listener < 0)
		return 2;
	return fcntl(listener, F_GETFD) == FD_CLOEXEC ? 0 : 3;
}

static void the_listener_is_closed_on_exec(void **state)
{
	(void)state;
	run(get_listener);
}

static int ask_for_second(void)
{
	struct error err = { 0 };
	int listener = -1;

	if (seccomp_install_filter(&supervised, &listener, &err) != 0)
		return SKIPPED;
	listener = -1;
	if (seccomp_install_filter(&supervised, &listener, &err) != 1 || listener != -1)
		return 1;
	return err.errnum == EBUSY ? 0 : 2;
}

static void a_second_listener_is_refused_without_an_end(void **state)
{
	(void)state;
	run(ask_for_second);
}

static int deny_alone(void)
{
	struct error err;

	return seccomp_install_plain(&supervised, &err) < 0 ? 1 : is_denied();
}

static void without_a_supervisor_the_filter_denies_by_itself(void **state)
{
	(void)state;
	run(deny_alone);
}

static int fake_alone(void)
{
	struct error err = { 0 };

	if (seccomp_install_plain(&faked, &err) == 0)
		return 1;
	return strstr(err.text, "fake(77)") ? 0 : 2;
}

static void without_a_supervisor_nothing_can_be_faked(void **state)
{
	(void)state;
	run(fake_alone);
}

static int load_with_flags(void)
{
	static const struct sock_filter denying[] = {
		NUMBER,
		ON_CALL(SECCOMP_RET_ERRNO | EAFNOSUPPORT),
		ALLOW,
	};
	struct seccomp_filter filter = FILTER(denying);
	struct error err;
	int listener = -1;

	filter.supervised = false;
	/* The last is of listeners alone, and no harm without one. */
	filter.flags =
		SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW | (1U << 5);
	if (seccomp_install_filter(&filter, &listener, &err) != 0 || listener != -1)
		return 2;
	return is_denied();
}

static void flags_are_taken(void **state)
{
	(void)state;
	run(load_with_flags);
}

static int do_nothing_for_none(void)
{
	const struct seccomp_filter none = { .supervised = true };
	struct error err;
	int listener = -1;

	if (seccomp_install_filter(&none, &listener, &err) != 0 || listener != -1)
		return 1;
	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
}

static void an_empty_filter_is_none(void **state)
{
	(void)state;
	run(do_nothing_for_none);
}

#define ARGUMENT(n, half)                                                                \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS,                                               \
		 offsetof(struct seccomp_data, args) + 8 * (n) + 4 * (half))

/* Kills whatever does not carry the key in one half of argument 4 and one of argument 5. */
static const struct sock_filter locked[] = {
	ARGUMENT(4, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, KEY_LOW, 0, 3),
	ARGUMENT(5, 1), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, KEY_HIGH, 0, 1),
	ALLOW,          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
};

static int end_with_key(void)
{
	struct seccomp_filter filter = FILTER(locked);
	struct error err;
	int listener;

	filter.supervised = false;
	filter.keyed = true;
	filter.key[1] = KEY_LOW;
	filter.key[2] = (uint64_t)KEY_HIGH << 32;
	if (seccomp_install_filter(&filter, &listener, &err) != 0)
		return 1;
	(void)seccomp_keyed_call(&filter, SYS_exit_group, 0, 0, 0);
	return 2;
}

static void a_keyed_call_passes_where_no_other_does(void **state)
{
	(void)state;
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ || __SIZEOF_LONG__ != 8
	skip();
#endif
	run(end_with_key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_listener_is_closed_on_exec),
		cmocka_unit_test(a_second_listener_is_refused_without_an_end),
		cmocka_unit_test(without_a_supervisor_the_filter_denies_by_itself),
		cmocka_unit_test(without_a_supervisor_nothing_can_be_faked),
		cmocka_unit_test(flags_are_taken),
		cmocka_unit_test(an_empty_filter_is_none),
		cmocka_unit_test(a_keyed_call_passes_where_no_other_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
